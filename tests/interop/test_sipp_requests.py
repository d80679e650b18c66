"""SIPp and the phone without a call: OPTIONS, MESSAGE, registration; and digest, of INVITE too."""

import pytest
import rig as rigs
from dialling import account, dial, door

SLOW = True
PEER = "sipp"


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


# ---------------------------------------------------------------------- registration, digest

QOPS = [("", "no qop"), (', qop="auth"', "qop"), (', qop="auth,auth-int", opaque="x,y"', "opaque")]


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


def test_invite_stale(rig, runtime):
    """INVITE challenged, and again because the nonce is stale: answered with the new one"""
    sipp = rig.sipp("uas_auth_stale", calls=2, qop=QOPS[1][0])
    phone = dial(rig, runtime, sipp, "--hangup-after", "0.2", first=account(sipp))
    phone.wait("answered")
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    numbers = [int(m.get("CSeq").split()[0]) for m in sipp.received("INVITE")]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_invite_denied(rig, runtime):
    """INVITE challenged again although the nonce is not stale: one answer is enough"""
    sipp = rig.sipp("uas_auth_denied", calls=2, qop=QOPS[1][0])
    phone = dial(rig, runtime, sipp, first=account(sipp))
    phone.wait("ended", code=407)
    phone.finish(status=1)
    sipp.finish()
    asked = [f for f in rigs.Dissected(phone.pcap).frames if f.method == "INVITE"]
    assert len(asked) == 2
