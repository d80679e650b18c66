"""SIPp against the phone: SIPp calls and is called, registers nobody and is registered at."""

import os
import signal
from pathlib import Path

import pytest
import rig as rigs

SLOW = True
PEER = "sipp"
DIGITS = Path("/usr/share/sip-tester")
UP = ["incoming", "answered"]


def dial(rig, runtime, sipp, *args, first=(), uri=None):
    return rig.phone(runtime, *first, "call", uri or sipp.uri, *args)


def door(rig, runtime, *args):
    return rig.listener(runtime, "--calls", "1", *args)


# ---------------------------------------------------------------------------- the phone calls


def test_call(rig, runtime):
    """call, the sound comes back as an echo"""
    played = rig.noise()
    sipp = rig.sipp("uas_call", echo=True)
    recorded = rig.folder / "recorded.wav"
    phone = dial(
        rig, runtime, sipp, "--play", played, "--record", recorded, "--hangup-after", "3.4"
    )
    for event in ("trying", "ringing", "answered"):
        assert sipp.ip in phone.wait(event)["to"]
    end = phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    sipp.finish()
    assert end["packets_lost"] == 0
    assert end["packets_received"] >= end["packets_sent"] - 20 >= 30
    correlation = rigs.heard(played, recorded)
    rig.note(f"correlation {correlation:.4f}")
    assert correlation > 0.9


def test_call_pcmu(rig, runtime):
    """call with PCMU first, echo"""
    played = rig.noise(seconds=1.5)
    sipp = rig.sipp("uas_ulaw", echo=True)
    recorded = rig.folder / "recorded.wav"
    phone = dial(
        *(rig, runtime, sipp, "--codecs", "pcmu", "--play", played, "--record", recorded),
        *("--hangup-after", "2"),
    )
    phone.finish()
    sipp.finish()
    offer = sipp.received("INVITE")[0].body
    assert "m=audio" in offer and "PCMA" not in offer
    correlation = rigs.heard(played, recorded, most=1.4)
    rig.note(f"correlation {correlation:.4f}")
    assert correlation > 0.9


def test_call_route(rig, runtime):
    """call through two Record-Route: ACK and BYE carry the route set"""
    sipp = rig.sipp("uas_route")
    phone = dial(rig, runtime, sipp, "--hangup-after", "0.2")
    phone.finish()
    sipp.finish()
    for method in ("ACK", "BYE"):
        m = sipp.received(method)[0]
        route = ", ".join(m.all("Route"))
        assert route.index("hop=2") < route.index("hop=1"), m.text
        assert m.start.startswith(f"{method} sip:sipp@{sipp.ip}"), m.text


def test_call_hung_up(rig, runtime):
    """call, the peer hangs up"""
    sipp = rig.sipp("uas_hangup")
    phone = dial(rig, runtime, sipp)
    phone.wait("answered")
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    sipp.finish()


def test_call_held(rig, runtime):
    """call, the peer holds and resumes by re-INVITE, the second without an offer"""
    sipp = rig.sipp("uas_hold")
    phone = dial(rig, runtime, sipp)
    phone.wait("answered")
    phone.wait("held")
    phone.wait("resumed")
    phone.signal(signal.SIGINT)
    phone.finish()
    sipp.finish()
    _versions_rise(sipp)


def test_call_info(rig, runtime):
    """digits sent by INFO"""
    sipp = rig.sipp("uas_info")
    phone = dial(
        *(rig, runtime, sipp, "--dtmf", "1*#D", "--dtmf-mode", "info"),
        *("--hangup-after", "0.2"),
    )
    phone.finish()
    sipp.finish()
    assert all("Duration=" in m.body for m in sipp.received("INFO"))


def test_call_digits(rig, runtime):
    """digits sent as RFC 4733 events"""
    sipp = rig.sipp("uas_call")
    phone = dial(
        *(rig, runtime, sipp, "--dtmf", "1*#D", "--dtmf-mode", "rtp"),
        *("--hangup-after", "0.2"),
    )
    phone.finish()
    sipp.finish()
    frames = [f for f in rigs.Dissected(phone.pcap).frames if f.digit]
    said = [f.digit for f in frames]
    presses = [d for i, d in enumerate(said) if i == 0 or d != said[i - 1]]
    assert presses == ["1", "10", "11", "15"]
    assert all(f.payload_type == "101" and f.ip == phone.ip for f in frames)
    assert min(said.count(d) for d in presses) >= 5


def test_call_gives_up(rig, runtime):
    """CANCEL sent: nobody answers in time"""
    sipp = rig.sipp("uas_cancelled")
    phone = dial(rig, runtime, sipp, "--ring-timeout", "0.7")
    phone.wait("ringing")
    phone.wait("ended", code=408, reason="NoAnswer")
    phone.finish(status=1)
    sipp.finish()


def test_call_interrupted(rig, runtime):
    """CANCEL sent: Ctrl-C while it rings"""
    sipp = rig.sipp("uas_cancelled")
    phone = dial(rig, runtime, sipp)
    phone.wait("ringing")
    phone.signal(signal.SIGINT)
    phone.wait("ended", code=487, reason="Cancelled")
    phone.join(5)
    sipp.finish()


def test_call_crossed(rig, runtime):
    """CANCEL crossed by a 200: acknowledged and hung up"""
    sipp = rig.sipp("uas_crossed")
    phone = dial(rig, runtime, sipp, "--ring-timeout", "0.5")
    phone.wait("ended")
    phone.finish(status=1)
    sipp.finish()
    assert "answered" not in phone.names()


@pytest.mark.parametrize(
    ("code", "phrase", "reason"),
    [(486, "Busy Here", "Busy"), (603, "Decline", "Declined"), (404, "Not Found", "NotFound")],
)
def test_call_refused(rig, runtime, code, phrase, reason):
    """call refused"""
    sipp = rig.sipp("uas_refuse", code=code, phrase=phrase)
    phone = dial(rig, runtime, sipp)
    phone.wait("ended", code=code, reason=reason)
    phone.finish(status=1)
    sipp.finish()


@pytest.mark.parametrize("follow", [False, True])
def test_call_redirected(rig, runtime, follow):
    """302: followed only when asked"""
    second = rig.sipp("uas_call") if follow else None
    target = second.uri if second else "sip:else@127.0.0.1"
    sipp = rig.sipp("uas_redirect", target=target)
    phone = dial(rig, runtime, sipp, *(["--follow", "--hangup-after", "0.2"] if follow else []))
    if follow:
        phone.wait("answered")
        phone.wait("ended", code=200)
        phone.finish()
        second.finish()
    else:
        phone.wait("ended", code=302, reason="Redirected")
        phone.finish(status=1)
    sipp.finish()


def test_call_early(rig, runtime):
    """183 with SDP: early media, then the answer"""
    sipp = rig.sipp("uas_early", echo=True)
    phone = dial(rig, runtime, sipp, "--hangup-after", "0.3")
    early = phone.wait("early-media")
    answered = phone.wait("answered")
    end = phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    # Sound went out, and its echo came in, before the answer: that took the half second of 183.
    assert answered["at"] - early["at"] > 0.3
    assert end["packets_received"] >= 10 and end["packets_lost"] == 0


# --------------------------------------------------------------------------- the phone is called


def test_answer(rig, runtime):
    """answered call, the sound comes back as an echo"""
    played = rig.noise()
    recorded = rig.folder / "recorded.wav"
    phone = door(
        *(rig, runtime, "--play", played, "--record", recorded),
        *("--answer-after", "0.2", "--hangup-after", "3.4"),
    )
    sipp = rig.sipp("uac_call", phone.ip, echo=True)
    assert "sipp@" + sipp.ip in phone.wait("incoming")["from"]
    phone.wait("answered")
    end = phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert end["packets_lost"] == 0
    assert end["packets_received"] >= end["packets_sent"] - 20 >= 30
    correlation = rigs.heard(played, recorded)
    rig.note(f"correlation {correlation:.4f}")
    assert correlation > 0.9


def test_answer_hung_up(rig, runtime):
    """answered call, the caller hangs up"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_bye", phone.ip, ms=300)
    phone.wait("answered")
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    sipp.finish()


def test_answer_route(rig, runtime):
    """answered call through two Record-Route: the BYE takes them in order"""
    phone = door(rig, runtime, "--hangup-after", "0.2")
    sipp = rig.sipp("uac_route", phone.ip)
    phone.finish()
    sipp.finish()
    m = sipp.received("BYE")[0]
    route = ", ".join(m.all("Route"))
    assert route.index("hop=2") < route.index("hop=1"), m.text


def test_answer_cancelled(rig, runtime):
    """CANCEL received while it rings"""
    phone = door(rig, runtime, "--ring")
    sipp = rig.sipp("uac_cancel", phone.ip)
    phone.wait("incoming")
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()
    sipp.finish()
    assert "answered" not in phone.names()


def test_answer_held(rig, runtime):
    """answered call, held and resumed: sendonly, c=0.0.0.0, re-INVITE without an offer"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_hold", phone.ip)
    phone.wait("answered")
    for event in ("held", "resumed", "held", "resumed", "ended"):
        phone.wait(event)
    phone.finish()
    sipp.finish()
    assert [x for x in phone.names() if x in ("held", "resumed")] == ["held", "resumed"] * 2
    _versions_rise(sipp)


def test_answer_info(rig, runtime):
    """digits received by INFO, both content types; other INFO without harm"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_info", phone.ip)
    phone.wait("ended")
    phone.finish()
    sipp.finish()
    assert phone.digits("info") == "5*#7"
    assert [e.get("duration_ms") for e in phone.all("dtmf")][:3] == [160, 250, 100]


def test_answer_digits(rig, runtime):
    """digits received as RFC 4733 events: one press is one digit"""
    if not (DIGITS / "dtmf_2833_5.pcap").exists():
        rigs.missing("SIPp's recordings of digits are not on this machine")
    if os.geteuid():
        pytest.skip("SIPp plays recordings through raw sockets, which only root has")
    phone = door(rig, runtime)
    rig.pieces = True  # the recordings were cut out of one stream, with its sequence numbers
    sipp = rig.sipp("uac_digits", phone.ip, recordings=DIGITS)
    phone.wait("ended")
    phone.finish()
    sipp.finish()
    assert phone.digits("rtp") == "5*#5"
    # Each press ends with the same packet three times at once: not one of them may be lost.
    events = [f for f in rigs.Dissected(phone.pcap).frames if f.digit and f.ip == sipp.ip]
    assert len(events) == 40


@pytest.mark.parametrize("code", [486, 603, 404])
def test_answer_refused(rig, runtime, code):
    """call refused by the phone"""
    phone = door(rig, runtime, "--reject", str(code))
    sipp = rig.sipp("uac_refused", phone.ip, code=code)
    phone.wait("ended", code=code)
    phone.finish()
    sipp.finish()


def test_answer_late(rig, runtime):
    """late offer: ours is in the 200, the answer in the ACK"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_late", phone.ip, echo=True)
    phone.wait("answered")
    end = phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert end["packets_received"] >= 10 and end["packets_lost"] == 0


def test_answer_repeated(rig, runtime):
    """an INVITE that comes again and again rings once; the 200 is repeated until the ACK"""
    phone = door(rig, runtime, "--answer-after", "1")
    sipp = rig.sipp("uac_retrans", phone.ip)
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert phone.names().count("incoming") == 1
    assert len([f for f in rigs.Dissected(phone.pcap).frames if f.method == "INVITE"]) >= 3
    oks = [m for m in sipp.received("SIP/2.0 200") if "INVITE" in m.get("CSeq")]
    assert len(oks) >= 3, "the 200 was not repeated"
    assert len({m.text for m in oks}) == 1, "the repeated 200 is another one"


def test_answer_order(rig, runtime):
    """a CSeq out of order: 500 with Retry-After, and the call goes on"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_cseq", phone.ip)
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert phone.digits() == "2"
    assert "held" not in phone.names()


# ------------------------------------------------------------------------------ without a call


def test_options_asked(rig, runtime):
    """OPTIONS answered outside of a call and in one"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_options", phone.ip)
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()


@pytest.mark.parametrize(("code", "phrase", "status"), [(200, "OK", 0), (404, "Not Found", 1)])
def test_options(rig, runtime, code, phrase, status):
    """OPTIONS sent"""
    sipp = rig.sipp("uas_options", code=code, phrase=phrase)
    phone = rig.phone(runtime, "options", sipp.uri)
    phone.wait("options", code=code)
    phone.finish(status)
    sipp.finish()


def test_unknown(rig, runtime):
    """unknown method 501, unserved 405, Require 420, stray BYE 481, NOTIFY 200"""
    phone = rig.listener(runtime)
    sipp = rig.sipp("uac_unknown", phone.ip)
    sipp.finish()
    phone.stop()
    assert phone.events == []


@pytest.mark.parametrize(
    ("code", "phrase", "status"), [(200, "OK", 0), (415, "Unsupported Media Type", 1)]
)
def test_message(rig, runtime, code, phrase, status):
    """MESSAGE sent"""
    sipp = rig.sipp("uas_message", code=code, phrase=phrase)
    phone = rig.phone(runtime, "message", sipp.uri, "Grüße, Ω")
    phone.wait("message-sent", code=code)
    phone.finish(status)
    sipp.finish()
    assert sipp.received("MESSAGE")[0].body.strip() == "Grüße, Ω"


def test_message_came(rig, runtime):
    """MESSAGE received; another type 415, too long 413"""
    phone = rig.listener(runtime)
    sipp = rig.sipp("uac_message", phone.ip)
    assert phone.wait("message")["text"].strip() == "Grüße, Ω"
    sipp.finish()
    phone.stop()
    assert phone.names() == ["message"]


# -------------------------------------------------------------------------------- registration

QOPS = [("", "no qop"), (', qop="auth"', "qop"), (', qop="auth,auth-int", opaque="x,y"', "opaque")]


def account(sipp, password="door-secret"):
    return ("--account", f"sip:door@{sipp.ip}", "--password", password)


@pytest.mark.parametrize("qop", [q for q, _ in QOPS], ids=[i for _, i in QOPS])
def test_register(rig, runtime, qop):
    """register and unregister with digest, checked by SIPp"""
    sipp = rig.sipp("uas_register", qop=qop)
    phone = rig.phone(runtime, *account(sipp), "register", "--for", "0.3")
    phone.wait("registered", expires=60)
    phone.wait("unregistered")
    phone.finish()
    sipp.finish()
    asked = sipp.received("REGISTER")
    assert {m.start for m in asked} == {f"REGISTER sip:{sipp.ip} SIP/2.0"}
    assert len({m.get("Call-ID") for m in asked}) == 1
    assert [m.get("CSeq") for m in asked] == ["1 REGISTER", "2 REGISTER", "3 REGISTER"]
    said = [m.get("Authorization") for m in asked]
    assert said[0] == ""
    if qop:
        assert "nc=00000001" in said[1] and "nc=00000002" in said[2]
    else:
        assert "nc=" not in said[1] and "qop" not in said[1]
    if "opaque" in qop:
        assert 'opaque="x,y"' in said[1]


def test_register_brief(rig, runtime):
    """423 with Min-Expires: asked again for longer"""
    sipp = rig.sipp("uas_brief")
    phone = rig.phone(runtime, *account(sipp), "--expires", "60", "register", "--for", "0.3")
    phone.wait("registered", expires=1800)
    phone.wait("unregistered")
    phone.finish()
    sipp.finish()


def test_register_refreshed(rig, runtime):
    """the granted lifetime is obeyed; a stale nonce is no wrong password"""
    sipp = rig.sipp("uas_stale", qop=', qop="auth"')
    phone = rig.phone(runtime, *account(sipp), "register", "--for", "2")
    phone.wait("registered", expires=2)
    phone.wait("registered", expires=60)
    phone.wait("unregistered")
    phone.finish()
    sipp.finish()
    assert "registration-failed" not in phone.names()


def test_register_refused(rig, runtime):
    """wrong password: two tries, status 1, the code said"""
    sipp = rig.sipp("uas_locked", qop=', qop="auth"')
    phone = rig.phone(runtime, *account(sipp, "wrong"), "register")
    failed = phone.wait("registration-failed", code=401)
    assert "password" in failed["reason"]
    phone.finish(status=1)
    sipp.finish()


@pytest.mark.parametrize("code", [401, 407])
@pytest.mark.parametrize("qop", [q for q, _ in QOPS[:2]], ids=[i for _, i in QOPS[:2]])
def test_invite_challenged(rig, runtime, code, qop):
    """INVITE challenged: ACK, new branch, CSeq + 1, the same Call-ID and tag"""
    header, answer = {
        401: ("WWW-Authenticate", "Authorization"),
        407: ("Proxy-Authenticate", "Proxy-Authorization"),
    }[code]
    sipp = rig.sipp("uas_auth", calls=2, qop=qop, code=code, header=header, answer=answer)
    phone = dial(rig, runtime, sipp, "--hangup-after", "0.2", first=account(sipp))
    phone.wait("registered")
    phone.wait("answered")
    phone.wait("ended", code=200)
    phone.wait("unregistered")
    phone.finish()
    sipp.finish()
    first, second = sipp.received("INVITE")
    assert first.get("Via") != second.get("Via")
    assert first.get("From") == second.get("From")
    assert first.get("Call-ID") == second.get("Call-ID")
    assert int(second.get("CSeq").split()[0]) == int(first.get("CSeq").split()[0]) + 1


def _versions_rise(sipp):
    """Each SDP of ours has the version of the last one, or one more when it says something new."""
    last = None
    for m in sipp.received():
        if "m=audio" in m.body:
            version = int(m.body.split("o=")[1].split()[2])
            said = m.body.split("\n", 2)[2]
            if last and said != last[1]:
                assert version == last[0] + 1, m.text
            elif last:
                assert version == last[0], m.text
            last = (version, said)
