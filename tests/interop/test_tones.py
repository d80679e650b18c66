"""Digits as tones, tones and prompts between two phones of ours."""

import math

import pytest
import rig as rigs

SLOW = True
PEER = "usip"
GROUP = "digits"


@pytest.mark.parametrize("codec", ("pcma", "pcmu"))
@pytest.mark.parametrize("pair", (("cpython", "unix32"), ("unix32", "cpython")), ids="-".join)
def test_digits_in_the_sound(rig, pair, codec):
    """digits as tones, heard once each"""
    called = rig.listener(pair[1], "--inband", "--calls", "1", name="callee")
    caller = rig.phone(
        *(pair[0], "--codecs", codec, "call", f"sip:callee@{called.ip}:5060"),
        *("--dtmf", "1159*0#", "--dtmf-mode", "inband", "--hangup-after", "0.5"),
        name="caller",
    )
    caller.wait("ended", seconds=15)
    caller.finish()
    called.finish()
    assert called.digits() == called.digits("inband") == "1159*0#"


def test_both_ways_are_one(rig):
    """telephone-events while it also listens to the sound: no digit twice"""
    called = rig.listener("unix32", "--inband", "--calls", "1", name="callee")
    caller = rig.phone(
        *("cpython", "call", f"sip:callee@{called.ip}:5060", "--dtmf", "1155"),
        *("--dtmf-mode", "rtp", "--hangup-after", "0.5"),
        name="caller",
    )
    caller.wait("ended", seconds=15)
    caller.finish()
    called.finish()
    assert called.digits() == called.digits("rtp") == "1155"


def share(path, hz):
    """How much of the best 50 ms of a recording is in these tones. The shortest tone lasts 100 ms:
    one of the pieces, 20 ms apart, lies within it whole."""
    pcm = rigs.samples(path)
    best = 0.0
    for at in range(0, len(pcm) - 400, 160):
        part = pcm[at : at + 400]
        total = sum(x * x for x in part) / len(part)
        if total < 1e5:
            continue
        power = 0.0
        for f in hz:
            turn = [2 * math.pi * f * i / 8000 for i in range(len(part))]
            c = sum(x * math.cos(t) for x, t in zip(part, turn)) * 2 / len(part)
            s = sum(x * math.sin(t) for x, t in zip(part, turn)) * 2 / len(part)
            power += (c * c + s * s) / 2
        best = max(best, power / total)
    return best


def test_ringback_then_a_confirmation(rig):
    """ringback at the caller's loudspeaker, then a tone from the peer"""
    called = rig.listener(
        *("unix32", "--calls", "1", "--answer-after", "1", "--say", "ok"), name="callee"
    )
    heard = rig.folder / "heard.wav"
    caller = rig.phone(
        *("cpython", "--tones", "uk", "call", f"sip:callee@{called.ip}:5060"),
        *("--hangup-after", "1", "--record", heard),
        name="caller",
    )
    caller.wait("ended", seconds=15)
    caller.finish()
    called.finish()
    assert share(heard, (400, 450)) > 0.95
    assert share(heard, (350, 440)) > 0.95
    assert share(heard, (425,)) < 0.9


def test_busy_is_heard(rig):
    """busy at the caller's loudspeaker, four seconds"""
    called = rig.listener("cpython", "--calls", "1", "--reject", "486", name="callee")
    heard = rig.folder / "heard.wav"
    caller = rig.phone(
        *("unix32", "--tones", "us", "call", f"sip:callee@{called.ip}:5060", "--record", heard),
        name="caller",
    )
    caller.wait("ended", code=486)
    caller.finish(1)
    called.finish()
    assert share(heard, (480, 620)) > 0.95
    loud = sum(1 for x in rigs.samples(heard) if abs(x) > 3000)
    assert 8000 < loud < 32000


def test_prompt(rig, runtime):
    """a prompt of raw G.711 in place of the microphone"""
    prompt = rig.folder / "prompt.alaw"
    # PCMA of a square wave, 400 Hz, half a second
    prompt.write_bytes((b"\x95" * 10 + b"\x15" * 10) * 200)
    heard = rig.folder / "heard.wav"
    called = rig.listener(runtime, "--calls", "1", "--say", str(prompt), name="callee")
    caller = rig.phone(
        *("cpython", "call", f"sip:callee@{called.ip}:5060", "--hangup-after", "1.2"),
        *("--record", heard),
        name="caller",
    )
    caller.wait("ended", seconds=15)
    caller.finish()
    called.finish()
    assert share(heard, (400, 1200, 2000, 2800)) > 0.9
    loud = sum(1 for x in rigs.samples(heard) if abs(x) > 100)
    assert 3600 < loud < 4600
