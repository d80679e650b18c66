"""SIPp and the phone: messages that cross, come too late, or come by two ways."""

import re

import pytest
import rig as rigs
from dialling import dial, door
from relay import Relay

SLOW = True
PEER = "sipp"
GROUP = "what crosses, forks"


# ---------------------------------------------------------------------------- the phone calls


def test_forked(rig, runtime):
    """two answer: one call, the second answer gets ACK and BYE"""
    sipp = rig.sipp("uas_forked")
    phone = dial(rig, runtime, sipp, "--hangup-after", "0.5")
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert phone.names() == ["trying", "ringing", "answered", "ended"]
    # Each goes to the one that it is for, by its Contact.
    starts = [m.start.rpartition(":5060 ")[0] for m in sipp.received()]
    assert starts[1:] == [
        *(f"ACK sip:a@{sipp.ip}", f"ACK sip:b@{sipp.ip}"),
        *(f"BYE sip:b@{sipp.ip}", f"BYE sip:a@{sipp.ip}"),
    ]


def test_bye_crossed(rig, runtime):
    """BYE crosses BYE, the phone called"""
    sipp = rig.sipp("uas_byes")
    phone = dial(rig, runtime, sipp, "--hangup-after", "0.2")
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    sipp.finish()


@pytest.mark.parametrize(("code", "about"), [(200, "OK"), (481, "too late")], ids=str)
def test_cancel_crossed(rig, runtime, code, about):
    """CANCEL crossed by a 200: acknowledged and hung up, whatever the CANCEL is answered"""
    sipp = rig.sipp("uas_crossed", code=code)
    phone = dial(rig, runtime, sipp, "--ring-timeout", "0.5")
    phone.wait("ended", code=408, reason="NoAnswer")
    phone.finish(status=1)
    sipp.finish()
    assert "answered" not in phone.names()


def test_cancel_waits(rig, runtime):
    """nothing is heard of the peer: CANCEL only after the first response"""
    sipp = rig.sipp("uas_slow")
    phone = dial(rig, runtime, sipp, "--ring-timeout", "0.3")
    phone.wait("ended", code=408, reason="NoAnswer")
    phone.finish(status=1)
    sipp.finish()
    starts = [m.start.split()[0] for m in sipp.received()]
    assert starts[-2:] == ["CANCEL", "ACK"]
    assert starts[:-2] and set(starts[:-2]) == {"INVITE"}


def test_glare_owner(rig, runtime):
    """re-INVITE crosses re-INVITE: 491 both ways, the caller comes again after 2.1 to 4 s"""
    sipp = rig.sipp("uas_glare")
    phone = dial(rig, runtime, sipp, "--hold-after", "0.1")
    phone.wait("held")
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert phone.names() == ["trying", "ringing", "answered", "held", "ended"]


# --------------------------------------------------------------------------- the phone is called


def test_glare(rig, runtime):
    """re-INVITE crosses re-INVITE: 491 both ways, the one called comes again within 2 s"""
    phone = door(rig, runtime, "--hold-after", "0.1")
    sipp = rig.sipp("uac_glare", phone.ip)
    phone.wait("held")
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert phone.names() == ["incoming", "answered", "held", "ended"]


def test_bye_crossed_answered(rig, runtime):
    """BYE crosses BYE, the phone was called"""
    phone = door(rig, runtime, "--hangup-after", "0.2")
    sipp = rig.sipp("uac_byes", phone.ip)
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    sipp.finish()


def test_cancel_at_once(rig, runtime):
    """the caller gives up before it has heard anything"""
    relay = rig._add(Relay("lost", "180 INVITE", rigs.addresses().take))
    phone = door(rig, runtime, "--ring", ip=relay.phone)
    sipp = rig.sipp("uac_cancel_at_once", relay.ip, ip=relay.sipp, contact=relay.ip)
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()
    sipp.finish()
    assert phone.names() == ["incoming", "ended"]


def test_bye_early(rig, runtime):
    """the caller gives up while it rings, by BYE"""
    phone = door(rig, runtime, "--ring")
    sipp = rig.sipp("uac_bye_early", phone.ip)
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()
    sipp.finish()
    assert phone.names() == ["incoming", "ended"]


def test_cancel_late(rig, runtime):
    """CANCEL after the 200, and one for nothing: the call goes on"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_cancel_late", phone.ip)
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    sipp.finish()
    assert phone.names() == ["incoming", "answered", "dtmf", "ended"]


def test_merged(rig, runtime):
    """the same INVITE by another way: 482, and it rings once"""
    phone = door(rig, runtime, "--ring")
    sipp = rig.sipp("uac_merged", phone.ip)
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()
    sipp.finish()
    assert phone.names() == ["incoming", "ended"]


def test_strange(rig, runtime):
    """in a call: unknown methods 501 and 405, Require 420; the call goes on"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_strange", phone.ip)
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert phone.names() == ["incoming", "answered", "dtmf", "ended"]


def test_vias(rig, runtime):
    """several Via: each response echoes all of them, in order and to the byte"""
    phone = door(rig, runtime, "--hangup-after", "0.2")
    sipp = rig.sipp("uac_vias", phone.ip)
    phone.finish()
    sipp.finish()
    asked = [m for m in sipp.messages() if m.start.startswith("INVITE")]
    answers = [m for m in sipp.received("SIP/2.0") if "INVITE" in m.get("CSeq")]
    assert {m.start.split()[1] for m in answers} >= {"180", "200"}
    want = _vias(asked[0])
    assert len(want) == 4
    for m in answers:
        got = _vias(m)
        assert got[1:] == want[1:], m.text
        # The topmost may get received and rport (18.2.1, RFC 3581), nothing else.
        assert got[0].split(";received")[0] == want[0], m.text


def _vias(m):
    values = re.findall(r"(?mi)^(?:via|v)[ \t]*:[ \t]*(.*)$", m.head)
    return [v.strip() for line in values for v in line.split(",")]
