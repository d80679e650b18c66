"""Through Asterisk: what is heard, and what changes within a call."""

import wave

import asterisk
import pytest
import rig as rigs
from asterisk import OTHER, puppet, registered

SLOW = True
PEER = "asterisk"


def test_echo(rig, pbx, runtime):
    """the echo test: what is heard is what was played"""
    played = rig.noise("played.wav")
    recorded = rig.folder / "heard.wav"
    codec = {"cpython": "pcma", "unix32": "pcmu"}[runtime]
    phone = rig.phone(
        *(runtime, *pbx.account("door"), "--codecs", codec),
        *("call", pbx.uri("echo"), "--hangup-after", "3.3"),
        *("--play", played, "--record", recorded),
    )
    phone.wait("answered")
    end = phone.wait("ended", code=200)
    phone.finish()
    assert end["packets_lost"] == 0 and end["packets_received"] > 100
    fit = rigs.heard(played, recorded)
    rig.note(f"{codec}, correlation {fit:.4f}, jitter {end['jitter_ms']} ms")
    assert fit > 0.9


def test_g722(rig, pbx, runtime):
    """G.722 both ways: the echo test, at 16 kHz"""
    played = rig.noise("played.wav", rate=16000)
    recorded = rig.folder / "heard.wav"
    phone = rig.phone(
        *(runtime, *pbx.account("wide"), "--codecs", "g722"),
        *("call", pbx.uri("echo"), "--hangup-after", "3.3"),
        *("--play", played, "--record", recorded),
    )
    phone.wait("answered")
    end = phone.wait("ended", code=200)
    phone.finish()
    assert end["packets_lost"] == 0 and end["packets_received"] > 100
    payloads = {f.payload_type for f in rigs.Dissected(phone.pcap).frames if f.payload_type}
    assert payloads == {"9"}
    fit = rigs.heard(played, recorded, rate=16000)
    rig.note(f"correlation {fit:.4f}")
    assert fit > 0.9  # noise has as much above 4 kHz, which gets two bits of eight


def test_early_media(rig, pbx, runtime):
    """183 with SDP: sound before the answer, which never comes"""
    recorded = rig.folder / "heard.wav"
    phone = rig.phone(
        *(runtime, "-v", *pbx.account("door"), "call", pbx.uri("early"), "--record", recorded)
    )
    phone.wait("early-media")
    phone.wait("ended", code=486, reason="Busy")
    phone.finish(status=1)
    assert "answered" not in phone.names()
    progress = [m for m in asterisk.messages(phone) if m.start.startswith("SIP/2.0 183")]
    assert progress and "m=audio" in progress[0].body
    fit = rigs.heard(pbx.said_file, recorded)
    rig.note(f"correlation {fit:.4f}")
    assert fit > 0.9


def test_direct_media(rig, pbx, runtime):
    """re-INVITEs take Asterisk out of the way of the sound; sound both ways"""
    played = rig.noise("a.wav", seed=1), rig.noise("b.wav", seed=2)
    recorded = rig.folder / "from-caller.wav", rig.folder / "from-callee.wav"
    called = registered(
        *(rig, pbx, OTHER[runtime], "far", "--play", played[1], "--record", recorded[0]),
        first=("-v",),
    )
    caller = rig.phone(
        *(runtime, "-v", *pbx.account("near"), "call", pbx.uri("far"), "--hangup-after", "3.4"),
        *("--play", played[0], "--record", recorded[1]),
        name="near",
    )
    caller.wait("ended", code=200)
    called.wait("ended", code=200)
    caller.finish()
    called.finish()
    rig.pieces = True  # the stream of the other phone follows that of Asterisk
    for phone, other in ((caller, called), (called, caller)):
        asked = [m for m in asterisk.messages(phone) if not m.sent and m.start[:6] == "INVITE"]
        assert any(f"c=IN IP4 {other.ip}" in m.body for m in asked), phone.tell()
        frames = rigs.Dissected(phone.pcap).frames
        sent = [f for f in frames if f.ip == phone.ip and "rtp" in f.protocols.split(":")]
        direct = sum(f.to == other.ip for f in sent)
        rig.note(f"{phone.name} sent {direct} of {len(sent)} packets directly")
        assert direct > 100, direct
    for a, b in zip(played, recorded):
        fit = rigs.heard(a, b)
        rig.note(f"{b.stem} {fit:.3f}")
        assert fit > 0.9


def grows(recorded, seconds):
    """Wait until that much more is recorded; how many samples there were before."""
    before = recorded.stat().st_size
    rigs.until(lambda: recorded.stat().st_size > before + seconds * 16000, f"{seconds} s recorded")
    return max(before - 44, 0) // 2


def cut(recorded, first, seconds):
    """A piece of a recording, as a file of its own."""
    piece = rigs.samples(recorded)[first : first + int(seconds * 8000)]
    file = recorded.with_name("cut.wav")
    with wave.open(str(file), "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        w.writeframes(piece.tobytes())
    return file


@pytest.mark.parametrize("user", ["indoor", "passed"], ids=["music", "passed on"])
def test_hold(rig, pbx, runtime, user):
    """hold and resume: music on hold for the other, or a re-INVITE where that is wanted"""
    rig.pieces = True  # Asterisk changes from one stream to the other and back
    played = rig.noise("played.wav", seconds=10)
    recorded = rig.folder / "heard.wav"
    called = registered(rig, pbx, OTHER[runtime], user, "--record", recorded)
    caller = puppet(rig, pbx, runtime, "door", "--play", played)
    caller.do("call " + pbx.uri(user))
    caller.wait("answered")
    called.wait("answered")
    caller.do("hold")
    pbx.wait("Hold")
    if user == "passed":
        called.wait("held")
    else:
        pbx.wait("MusicOnHoldStart")
        music = grows(recorded, 2.2)  # which is repeated: once in full
    caller.do("resume")
    pbx.wait("Unhold")
    if user == "passed":
        called.wait("resumed")
    else:
        pbx.wait("MusicOnHoldStop")
    talk = grows(recorded, 1.3)
    caller.do("hangup")
    caller.wait("ended", code=200)
    called.wait("ended", code=200)
    called.finish()
    caller.do("quit")
    caller.finish()
    assert ("held" in called.names()) == (user == "passed")
    fit = rigs.heard(cut(recorded, talk + 4000, 0.6), played)
    rig.note(f"correlation of the talk after it {fit:.4f}")
    assert fit > 0.9
    if user != "passed":
        fit = rigs.heard(pbx.music_file, cut(recorded, music, 2.2), most=1.4)
        rig.note(f"of the music {fit:.4f}")
        assert fit > 0.9


def test_rung(rig, pbx, runtime):
    """Asterisk rings us: answered, its sound heard, hung up by it"""
    recorded = rig.folder / "heard.wav"
    phone = registered(rig, pbx, runtime, "door", "--record", recorded)
    pbx.rings("door")
    assert "Desk" in phone.wait("incoming")["from"]
    pbx.wait("OriginateResponse", Response="Success")
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    fit = rigs.heard(pbx.said_file, recorded)
    rig.note(f"correlation {fit:.4f}")
    assert fit > 0.9


@pytest.mark.parametrize("what", ["text", "refer"])
def test_within(rig, pbx, runtime, what):
    """within the call a text comes, or a REFER, which is refused: the call goes on"""
    recorded = rig.folder / "heard.wav"
    phone = rig.phone(runtime, *pbx.account("door"), "call", pbx.uri(what), "--record", recorded)
    if what == "text":
        phone.wait("message", text="Moment! ✓")
    else:
        assert pbx.wait("UserEvent", UserEvent="Referred")["Status"] == "FAILURE"
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    assert rigs.heard(pbx.said_file, recorded) > 0.9
