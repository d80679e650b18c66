"""SIPp is called by the phone."""

import signal

import pytest
import rig as rigs
from dialling import ROUTERS, dial, ipv6, routed, versions_rise

SLOW = True
PEER = "sipp"


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


@pytest.mark.parametrize("kind", ROUTERS)
def test_call_route(rig, runtime, kind):
    """call through two Record-Route: ACK and BYE carry the route set"""
    sipp = rig.sipp("uas_route", kind=ROUTERS[kind])
    phone = dial(rig, runtime, sipp, "--hangup-after", "0.2")
    phone.finish()
    sipp.finish()
    for method in ("ACK", "BYE"):
        routed(sipp.received(method)[0], kind)


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
    versions_rise(sipp)


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


def test_call_ipv6(rig, runtime):
    """call between IPv6 addresses, echo"""
    sipp = rig.sipp("uas_call", echo=True, **ipv6())
    phone = dial(rig, runtime, sipp, "--hangup-after", "1", **ipv6())
    end = phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    offer = sipp.received("INVITE")[0]
    assert "\nc=IN IP6 ::1\n" in offer.body
    assert offer.get("Via").startswith(f"SIP/2.0/UDP [::1]:{phone.port};")
    assert f"@[::1]:{phone.port}>" in offer.get("Contact")
    assert end["packets_received"] >= 10 and end["packets_lost"] == 0
