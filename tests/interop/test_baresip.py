"""baresip against the phone: calls, sound, digits, hold, refusals and texts, both ways."""

import pytest
import rig as rigs
from baresip import Baresip, version
from talk import Talk, stretches

SLOW = True
PEER = "baresip"
DIGITS = "11*0#"


def peer(rig, **more):
    if "play" not in more:
        more["play"] = rig.noise("baresip.wav", seconds=10, seed=2)
    return rig._add(Baresip(rig.folder, rig._name("baresip"), **more))


def door(rig, runtime, *args):
    return rig.listener(runtime, "--calls", "1", *args)


def uri(phone):
    return f"sip:door@{phone.ip}"


def understood(rig, *pairs, least=0.9, **more):
    """Each recording has what was played to it."""
    for played, recorded in pairs:
        fit = rigs.heard(played, recorded, most=1.9, **more)
        rig.note(f"{recorded.stem.split('-')[0]} {fit:.3f}")
        assert fit > least, recorded


# ----------------------------------------------------------------------------------- calls


def test_call(rig, runtime):
    """call, sound both ways, our BYE"""
    ours, theirs = rig.noise(), rig.noise("baresip.wav", seed=2)
    baresip = peer(rig, play=theirs)
    recorded = rig.folder / "recorded.wav"
    phone = rig.phone(
        *(runtime, "call", baresip.uri, "--play", ours, "--record", recorded),
        *("--hangup-after", "2.4"),
    )
    for event in ("trying", "ringing", "answered"):
        assert baresip.ip in phone.wait(event)["to"]
    baresip.wait("CALL_ESTABLISHED")
    end = phone.wait("ended", code=200, reason="HungUp")
    baresip.wait("CALL_CLOSED")
    phone.finish()
    baresip.stop()
    assert end["packets_lost"] == 0
    understood(rig, (ours, baresip.recordings()[0]), (theirs, recorded))


def test_answer(rig, runtime):
    """answered call with PCMU, sound both ways, baresip's BYE"""
    ours, theirs = rig.noise(), rig.noise("baresip.wav", seed=2)
    baresip = peer(rig, play=theirs, codecs="pcmu")
    recorded = rig.folder / "recorded.wav"
    phone = door(rig, runtime, "--play", ours, "--record", recorded, "--answer-after", "0.2")
    talk = Talk(phone)
    baresip.dial(uri(phone))
    assert baresip.ip in phone.wait("incoming")["from"]
    baresip.wait("CALL_RINGING")
    phone.wait("answered")
    baresip.wait("CALL_ESTABLISHED")
    talk.flows(110)
    baresip.do("hangup")
    end = phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    baresip.stop()
    assert end["packets_lost"] == 0
    payloads = {f.payload_type for f in rigs.Dissected(phone.pcap).frames if f.payload_type}
    assert payloads == {"0"}
    understood(rig, (ours, baresip.recordings()[0]), (theirs, recorded))


def test_g722(rig, runtime):
    """G.722, sound of 16 kHz both ways"""
    ours = rig.noise(rate=16000)
    theirs = rig.noise("baresip.wav", seed=2, rate=16000)
    baresip = peer(rig, play=theirs, codecs="g722/16000/1,pcma", rate=16000)
    recorded = rig.folder / "recorded.wav"
    phone = rig.phone(
        *(runtime, "call", baresip.uri, "--codecs", "g722,pcma", "--play", ours),
        *("--record", recorded, "--hangup-after", "2.4"),
    )
    phone.wait("answered")
    end = phone.wait("ended", code=200, reason="HungUp")
    baresip.wait("CALL_CLOSED")
    phone.finish()
    baresip.stop()
    assert end["packets_lost"] == 0
    payloads = {f.payload_type for f in rigs.Dissected(phone.pcap).frames if f.payload_type}
    assert payloads == {"9"}
    # noise has as much above 4 kHz, which gets two bits of eight
    pairs = (ours, baresip.recordings()[0]), (theirs, recorded)
    understood(rig, *pairs, least=0.9, rate=16000)


def test_g722_answered_at_8_khz(rig, runtime):
    """G.722 in a call that comes, our sound of 8 kHz"""
    ours = rig.noise()
    theirs = rig.noise("baresip.wav", seconds=10, seed=2, rate=16000)
    baresip = peer(rig, play=theirs, codecs="g722/16000/1", rate=16000)
    recorded = rig.folder / "recorded.wav"
    phone = door(rig, runtime, "--codecs", "pcma,g722", "--play", ours, "--record", recorded)
    talk = Talk(phone)
    baresip.dial(uri(phone))
    phone.wait("answered")
    talk.flows(110)
    baresip.do("hangup")
    end = phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    baresip.stop()
    assert end["packets_lost"] == 0
    halved = rig.folder / "halved.wav"
    rigs.halve(baresip.recordings()[0], halved)
    # our filter and theirs keep what is above 3.4 kHz out
    understood(rig, (ours, halved), least=0.8)


def test_held(rig, runtime):
    """held: the sound stops; resumed: it is back; a re-INVITE that changes nothing"""
    baresip = peer(rig)
    recorded = rig.folder / "recorded.wav"
    phone = door(rig, runtime, "--play", rig.noise(seconds=6), "--record", recorded)
    talk = Talk(phone)
    baresip.dial(uri(phone))
    phone.wait("answered")
    talk.flows()
    baresip.do("hold")
    phone.wait("held")
    talk.stops()
    baresip.do("resume")
    phone.wait("resumed")
    talk.flows(50)
    baresip.do("reinvite")
    baresip.wait("CALL_REMOTE_SDP", param="answer")
    talk.flows()
    baresip.do("hangup")
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    baresip.stop()
    assert len([f for f in rigs.Dissected(phone.pcap).frames if f.method == "INVITE"]) == 4
    assert [x for x in phone.names() if x in ("held", "resumed")] == ["held", "resumed"]
    parts = stretches(recorded)
    assert len(parts) >= 2, "there was no pause"
    understood(rig, *((part, rig.folder / "baresip.wav") for part in (parts[0], parts[-1])))


def test_reinvites(rig, runtime):
    """thirty re-INVITEs in a row, and the BYE is still heard"""
    baresip = peer(rig)
    phone = door(rig, runtime)
    baresip.dial(uri(phone))
    phone.wait("answered")
    for _ in range(30):
        baresip.do("reinvite")
        baresip.wait("CALL_REMOTE_SDP", param="answer")
    baresip.do("hangup")
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    answers = [f for f in rigs.Dissected(phone.pcap).frames if f.status and "sdp" in f.protocols]
    assert [f.status for f in answers] == ["200"] * 31


# ---------------------------------------------------------------------------------- digits


@pytest.mark.parametrize("mode", ("info", "rtp"))
def test_digits_sent(rig, request, runtime, mode):
    """every digit sent comes once"""
    if mode == "rtp" and version() == (1, 1, 0):
        why = "baresip 1.1.0 drops the events of RFC 4733 behind the first (baresip/baresip#1494)"
        request.applymarker(pytest.mark.xfail(strict=True, reason=why))
    baresip = peer(rig)
    phone = rig.phone(
        *(runtime, "call", baresip.uri, "--dtmf", DIGITS, "--dtmf-mode", mode),
        *("--hangup-after", "0.2"),
    )
    phone.wait("ended", code=200)
    phone.finish()
    baresip.wait("CALL_CLOSED")
    assert baresip.digits() == DIGITS


@pytest.mark.parametrize("mode", ("info", "rtp"))
def test_digits_came(rig, runtime, mode):
    """every digit of baresip's comes once"""
    if mode == "info" and version() < (1, 1):
        pytest.skip(f"{rigs.version('baresip')} sends no digits by INFO; 1.1 (Debian 13) does")
    baresip = peer(rig, dtmf={"info": "info", "rtp": "rtpevent"}[mode])
    phone = door(rig, runtime)
    talk = Talk(phone)
    baresip.dial(uri(phone))
    phone.wait("answered")
    talk.flows(5)
    for digit in DIGITS:
        baresip.do("sndcode", digit)
        phone.wait("dtmf", digit=digit, via=mode)
    baresip.do("hangup")
    phone.wait("ended", code=200)
    phone.finish()
    assert phone.digits() == phone.digits(mode) == DIGITS


# --------------------------------------------------------------------- calls that do not come off


@pytest.mark.parametrize("code", (486, 603))
def test_refused(rig, runtime, code):
    """baresip's call refused by the phone"""
    baresip = peer(rig)
    phone = door(rig, runtime, "--reject", str(code))
    baresip.dial(uri(phone))
    assert baresip.wait("CALL_CLOSED")["param"].startswith(str(code))
    phone.wait("ended", code=code)
    phone.finish()


def test_refused_by_baresip(rig, runtime):
    """call refused by baresip"""
    baresip = peer(rig, answer="manual")
    phone = rig.phone(runtime, "call", baresip.uri)
    baresip.wait("CALL_INCOMING")
    phone.wait("ringing")
    baresip.do("hangup")
    phone.wait("ended", code=486, reason="Busy")
    phone.finish(1)


def test_busy(rig, runtime):
    """third call at a time: the phone is busy, the others go on"""
    baresip = peer(rig)
    phone = rig.listener(runtime, "--calls", "2")
    for _ in range(2):
        baresip.dial(uri(phone))
        baresip.wait("CALL_ESTABLISHED")
    baresip.dial(uri(phone))
    assert baresip.wait("CALL_CLOSED")["param"].startswith("486")
    assert not phone.all("ended")
    for _ in range(2):
        baresip.do("hangup")
        phone.wait("ended", code=200)
    phone.finish()


def test_baresip_busy(rig, runtime):
    """baresip is in a call: busy"""
    baresip = peer(rig, calls=1)
    first = rig.phone(runtime, "call", baresip.uri)
    first.wait("answered")
    second = rig.phone(runtime, "call", baresip.uri)
    second.wait("ended", code=486, reason="Busy")
    second.finish(1)
    baresip.do("hangup")
    first.wait("ended", code=200)
    first.finish()


def test_cancelled(rig, runtime):
    """CANCEL sent: baresip stops ringing"""
    baresip = peer(rig, answer="manual")
    phone = rig.phone(runtime, "call", baresip.uri, "--ring-timeout", "0.3")
    baresip.wait("CALL_INCOMING")
    phone.wait("ended", code=408, reason="NoAnswer")
    phone.finish(1)
    baresip.wait("CALL_CLOSED")
    said = rigs.Dissected(phone.pcap).frames
    assert [f.method for f in said if f.method] == ["INVITE", "CANCEL", "ACK"]
    assert [f.status for f in said if f.status][-1] == "487"


def test_cancelled_by_baresip(rig, runtime):
    """CANCEL received while the phone rings"""
    baresip = peer(rig)
    phone = door(rig, runtime, "--ring")
    baresip.dial(uri(phone))
    phone.wait("incoming")
    baresip.wait("CALL_RINGING")
    baresip.do("hangup")
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()


def test_no_common_codec(rig, runtime):
    """baresip has no codec of ours: 488"""
    baresip = peer(rig, codecs="g722/16000/1")
    phone = rig.listener(runtime)
    baresip.dial(uri(phone))
    assert baresip.wait("CALL_CLOSED")["param"].startswith("488")
    phone.stop()


# ----------------------------------------------------------------------------------- texts


def test_message(rig, runtime):
    """MESSAGE sent"""
    baresip = peer(rig)
    phone = rig.phone(runtime, "message", baresip.uri, "Es klingelt, äöü")
    phone.wait("message-sent", code=200)
    phone.finish()
    rigs.until(lambda: "Es klingelt, äöü" in baresip.said(), "baresip shows the text")


def test_message_came(rig, runtime):
    """MESSAGE received"""
    phone = rig.listener(runtime)
    baresip = peer(rig, contact=uri(phone))
    baresip.do("message", "Wer da? äöü")
    assert baresip.ip in phone.wait("message", text="Wer da? äöü")["from"]
    phone.stop()
