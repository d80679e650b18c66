"""linphonec against the phone: calls, sound, digits, hold and texts, both ways."""

import pytest
import rig as rigs
from linphone import Linphone
from talk import Talk, stretches

SLOW = True
PEER = "linphonec"
DIGITS = "11#"  # linphonec rests for a second after each


def peer(rig, **more):
    if "play" not in more:
        more["play"] = rig.noise("linphone.wav", seconds=6, seed=2)
    return rig._add(Linphone(rig.folder, rig._name("linphone"), **more))


def door(rig, runtime, *args):
    return rig.listener(runtime, "--calls", "1", *args)


def uri(phone):
    return f"sip:door@{phone.ip}"


def understood(rig, recorded, played, last=1.5):
    """What was recorded at last is what was played, from wherever it begins."""
    parts = stretches(recorded, last)
    assert parts, f"{recorded} is silent"
    fit = rigs.heard(parts[-1], played)
    rig.note(f"{recorded.stem} {fit:.3f}")
    assert fit > 0.9, recorded


def test_call(rig, runtime):
    """call, sound both ways, our BYE"""
    ours, theirs = rig.noise(), rig.noise("linphone.wav", seed=2)
    linphone = peer(rig, play=theirs)
    recorded = rig.folder / "recorded.wav"
    phone = rig.phone(
        *(runtime, "call", linphone.uri, "--play", ours, "--record", recorded),
        *("--hangup-after", "2.8"),
    )
    linphone.wait("incoming")
    for event in ("trying", "ringing", "answered"):
        assert linphone.ip in phone.wait(event)["to"]
    linphone.wait("sound")
    end = phone.wait("ended", code=200, reason="HungUp")
    linphone.wait("ended", reason="No error")
    phone.finish()
    assert end["packets_lost"] == 0
    understood(rig, recorded, theirs)
    understood(rig, linphone.recorded, ours)


def test_answer(rig, runtime):
    """answered call with PCMU, sound both ways, linphone's BYE"""
    ours, theirs = rig.noise(), rig.noise("linphone.wav", seed=2)
    linphone = peer(rig, play=theirs, codec="PCMU")
    recorded = rig.folder / "recorded.wav"
    phone = door(rig, runtime, "--play", ours, "--record", recorded, "--answer-after", "0.2")
    talk = Talk(phone)
    linphone.do(f"call {uri(phone)}")
    assert linphone.ip in phone.wait("incoming")["from"]
    linphone.wait("ringing")
    phone.wait("answered")
    linphone.wait("sound")
    talk.flows(125)
    linphone.do("terminate")
    end = phone.wait("ended", code=200, reason="HungUp")
    linphone.wait("ended", reason="No error")
    phone.finish()
    assert end["packets_lost"] == 0
    payloads = {f.payload_type for f in rigs.Dissected(phone.pcap).frames if f.payload_type}
    assert payloads == {"0"}
    understood(rig, recorded, theirs)
    understood(rig, linphone.recorded, ours)


def test_held(rig, runtime):
    """held: our sound stops, music comes; resumed: sound both ways"""
    ours, theirs = rig.noise(seconds=4), rig.noise("linphone.wav", seed=2)
    linphone = peer(rig, play=theirs)
    recorded = rig.folder / "recorded.wav"
    phone = door(rig, runtime, "--play", ours, "--record", recorded)
    talk = Talk(phone)
    linphone.do(f"call {uri(phone)}")
    phone.wait("answered")
    talk.flows()
    linphone.do("pause")
    phone.wait("held")
    linphone.wait("paused")
    _, before = talk.look()
    talk.stops(which=["sent"])
    assert talk.received >= before + 20
    linphone.do("resume 1")
    phone.wait("resumed")
    linphone.wait("sound")
    talk.flows(50)
    linphone.do("terminate")
    phone.wait("ended", code=200, reason="HungUp")
    linphone.wait("ended", reason="No error")
    phone.finish()
    assert [x for x in phone.names() if x in ("held", "resumed")] == ["held", "resumed"]
    understood(rig, recorded, theirs, last=0.8)
    understood(rig, linphone.recorded, ours, last=0.8)


# ---------------------------------------------------------------------------------- digits


@pytest.mark.parametrize("mode", ("info", "rtp"))
def test_digits_sent(rig, runtime, mode):
    """every digit sent comes once"""
    linphone = peer(rig)
    phone = rig.phone(
        *(runtime, "call", linphone.uri, "--dtmf", "11*0#", "--dtmf-mode", mode),
        *("--hangup-after", "0.2"),
    )
    phone.wait("ended", code=200)
    phone.finish()
    linphone.wait("ended")
    assert linphone.digits() == "11*0#"


@pytest.mark.parametrize("mode", ("info", "rtp"))
def test_digits_came(rig, runtime, mode):
    """every digit of linphone's comes once"""
    rig.pieces = True  # the end of an event is one packet three times: no number of its own
    linphone = peer(rig, dtmf=mode)
    phone = door(rig, runtime)
    talk = Talk(phone)
    linphone.do(f"call {uri(phone)}")
    phone.wait("answered")
    linphone.wait("sound")
    talk.flows(5)
    linphone.do(DIGITS)
    for digit in DIGITS:
        phone.wait("dtmf", digit=digit, via=mode)
    linphone.do("terminate")
    phone.wait("ended", code=200)
    phone.finish()
    linphone.wait("ended")
    assert phone.digits() == phone.digits(mode) == DIGITS


# --------------------------------------------------------------------- calls that do not come off


@pytest.mark.parametrize("code", (486, 603))
def test_refused(rig, runtime, code):
    """linphone's call refused by the phone"""
    linphone = peer(rig)
    phone = door(rig, runtime, "--reject", str(code))
    linphone.do(f"call {uri(phone)}")
    phone.wait("ended", code=code)
    linphone.wait("ended")
    phone.finish()


def test_refused_by_linphone(rig, runtime):
    """call refused by linphone"""
    linphone = peer(rig, auto=False)
    phone = rig.phone(runtime, "call", linphone.uri)
    linphone.wait("incoming")
    phone.wait("ringing")
    linphone.do("terminate")
    phone.wait("ended", code=603, reason="Declined")
    phone.finish(1)


def test_cancelled(rig, runtime):
    """CANCEL sent: linphone stops ringing"""
    linphone = peer(rig, auto=False)
    phone = rig.phone(runtime, "call", linphone.uri, "--ring-timeout", "0.3")
    linphone.wait("incoming")
    phone.wait("ended", code=408, reason="NoAnswer")
    phone.finish(1)
    linphone.wait("ended")
    said = rigs.Dissected(phone.pcap).frames
    assert [f.method for f in said if f.method] == ["INVITE", "CANCEL", "ACK"]
    assert [f.status for f in said if f.status][-1] == "487"


def test_cancelled_by_linphone(rig, runtime):
    """CANCEL received while the phone rings"""
    linphone = peer(rig)
    phone = door(rig, runtime, "--ring")
    linphone.do(f"call {uri(phone)}")
    phone.wait("incoming")
    linphone.wait("ringing")
    linphone.do("terminate")
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()


# ----------------------------------------------------------------------------------- texts


def test_message(rig, runtime):
    """MESSAGE sent"""
    linphone = peer(rig)
    phone = rig.phone(runtime, "message", linphone.uri, "Es klingelt, äöü")
    phone.wait("message-sent", code=200)
    phone.finish()
    assert phone.ip in linphone.wait("message", text="Es klingelt, äöü")["peer"]


def test_message_came(rig, runtime):
    """MESSAGE received"""
    phone = rig.listener(runtime)
    linphone = peer(rig)
    linphone.do(f"chat {uri(phone)} Wer da? äöü")
    assert linphone.ip in phone.wait("message", text="Wer da? äöü")["from"]
    phone.stop()
