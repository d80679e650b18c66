"""Speech that is taken for digits: hours of it, of people and of a machine."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import shared

import runner
from peers import sounds
from runtimes.debian import Missing

SLOW = True
DEVICE = Path(runner.ROOT, "tools", "bench", "device", "talkoff.py")
FIGURES = Path(runner.ROOT, "build", "sound")
# Vowels of all kinds, and digits said as words.
TEXT = (
    "The quick brown fox jumps over the lazy dog. Please press one for the front door, two for the "
    "garden, three for the garage. My number is five five five, nine eight seven, zero zero one. "
    "We were away a year ago, and saw the sea. Who are you? I owe you an hour. Easy does it. "
    "How now, brown cow? A noisy noise annoys an oyster. Leave it at the gate, thank you; goodbye!"
)
VOICES = ("en+m1", "en+m3", "en+m7", "en+f2", "en+f4", "en+croak", "en-us", "de", "fr-fr", "pl")
PITCHES = (5, 95)


@pytest.fixture(scope="module")
def speech():
    try:
        return sounds.ensure() if os.environ.get("CI") or sounds.stamp().exists() else None
    except Missing as error:
        pytest.fail(str(error), pytrace=False)


def listen(files):
    """(minutes, what was heard) of WAV files, on unix32."""
    argv, env = shared.command("unix32", DEVICE, heap="256k")
    text = "".join(f"{x}\n" for x in files)
    done = subprocess.run(argv, env=env, input=text, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    *found, end = done.stdout.splitlines()
    return int(end.split()[1]) / 3000, [Path(x).name for x in found]


def judge(name, found, allowed):
    minutes = sum(m for m, _ in found.values())
    heard = [x for _, more in found.values() for x in more]
    rate = len(heard) / minutes
    told = {"minutes": round(minutes, 1), "false_digits": heard, "per_minute": round(rate, 4)}
    told["of"] = {who: round(m, 1) for who, (m, _) in found.items()}
    print(json.dumps(told, indent=1))
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")
    assert rate <= allowed, told


def test_people(speech):
    if not speech:
        pytest.skip("no speech on this machine (tools/peers/sounds.py)")
    found = {who: listen(files) for who, files in speech.prompts().items()}
    assert len(found) == len(sounds.LANGUAGES) and sum(m for m, _ in found.values()) > 80
    judge("talkoff", found, 0.02)  # one in 50 minutes; a code of a door has several


def test_a_machine_that_speaks(speech, tmp_path):
    if not speech:
        pytest.skip("no speech on this machine (tools/peers/sounds.py)")
    found = {}
    for voice in VOICES:
        files = [tmp_path / f"{voice}-{pitch}.wav" for pitch in PITCHES]
        for pitch, file in zip(PITCHES, files):
            speech.speak(TEXT, voice, file, pitch)
        found[voice] = listen(files)
    assert sum(m for m, _ in found.values()) > 6
    judge("talkoff_machine", found, 0.2)
