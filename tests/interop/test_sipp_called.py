"""SIPp calls the phone."""

import os
from pathlib import Path

import pytest
import rig as rigs
from dialling import ROUTERS, door, ipv6, routed, versions_rise

SLOW = True
PEER = "sipp"
DIGITS = Path("/usr/share/sip-tester")


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


@pytest.mark.parametrize("kind", ROUTERS)
def test_answer_route(rig, runtime, kind):
    """answered call through two Record-Route: the BYE takes them in order"""
    phone = door(rig, runtime, "--hangup-after", "0.2")
    sipp = rig.sipp("uac_route", phone.ip, kind=ROUTERS[kind])
    phone.finish()
    sipp.finish()
    routed(sipp.received("BYE")[0], kind)


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
    versions_rise(sipp)


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
        rigs.missing("SIPp plays recordings through raw sockets, which only root has")
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


def test_answer_order(rig, runtime):
    """a CSeq out of order: 500 with Retry-After, and the call goes on"""
    phone = door(rig, runtime)
    sipp = rig.sipp("uac_cseq", phone.ip)
    phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert phone.digits() == "2"
    assert "held" not in phone.names()


def test_answer_ipv6(rig, runtime):
    """answered call between IPv6 addresses, echo"""
    phone = door(rig, runtime, "--hangup-after", "1", **ipv6())
    sipp = rig.sipp("uac_call", f"[::1]:{phone.port}", echo=True, **ipv6())
    end = phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    answer = sipp.received("SIP/2.0 200")[0]
    assert "\nc=IN IP6 ::1\n" in answer.body
    assert f"@[::1]:{phone.port}>" in answer.get("Contact")
    assert end["packets_received"] >= 10 and end["packets_lost"] == 0
