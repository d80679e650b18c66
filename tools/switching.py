#!/usr/bin/env python3
"""How fast half duplex switches, and how far down the echo is: tables.

    tools/switching.py [--full] [--trials N] [--noise DBFS] [--speech FOLDER]

A loudspeaker that its microphone hears at -6 dB, 10 to 120 ms later, a room with noise. Speech is
synthetic, or what is found in FOLDER (*.wav, 8 kHz, 16 bits, one voice, at least two files).

The time is that from the first sample of the other one's speech (the first 5 ms within 20 dB of
what it has in the mean) until it passes: until the frame is complete with which the line is his.
What had been said by then and was not sent is lost. Levels are those at the microphone: of the near
voice, to that of the echo. A cell: median and 90th percentile of the time; "n/m" when only n of m
had the line within half a second.
"""

import argparse
import copy
import math
import random
import sys
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from usip.media.duplex import FAR, NEAR, HalfDuplex  # noqa: E402
from usip.media.echo import FullDuplex  # noqa: E402
from voice import Voice  # noqa: E402  (found on the path made above)

FRAME = 160
DELAYS = (10, 20, 40, 60, 80, 120)
LEVELS = (-12, -9, -6, -3, 0, 3, 6, 9)
PAUSES = (60, 100, 150, 200, 300)
LOUD = 2000.0  # rms of the far voice: -24 dBFS
LIMIT = 25  # frames


def rms(samples):
    return math.sqrt(sum(x * x for x in samples) / max(1, len(samples)))


def trimmed(samples):
    """Begins with the first 5 ms that are speech, ends with the last; LOUD."""
    bins = [rms(samples[i : i + 40]) for i in range(0, len(samples) - 39, 40)]
    speech = [b for b in bins if b > max(bins) / 20]
    mean = math.sqrt(sum(b * b for b in speech) / len(speech))
    ends = [i for i, b in enumerate(bins) if b > mean / 10]
    samples = samples[40 * ends[0] : 40 * ends[-1] + 40]
    return [x * LOUD / mean for x in samples]


def synthetic(seed):
    voice, pcm, out = Voice(seed, 12000, pitch=40 + seed % 5 * 8), bytearray(320), []
    for _ in range(200):
        voice.frame(pcm)
        out += memoryview(pcm).cast("h")
    return trimmed(out)


def recorded(folder):
    out = []
    for file in sorted(Path(folder).glob("*.wav")):
        with wave.open(str(file)) as w:
            if (w.getframerate(), w.getsampwidth(), w.getnchannels()) == (8000, 2, 1):
                samples = memoryview(w.readframes(w.getnframes())).cast("h").tolist()
                if len(samples) > 12000:
                    out.append(trimmed(samples))
    return out


class Room:
    """A station, frame by frame: near() and far() take floats, from a list."""

    def __init__(self, speech, delay_ms, noise_db, seed=1, taps=(), clip=32767):
        self.speech = speech
        self.paths = [(8 * delay_ms, 0.5)] + [(8 * (delay_ms + ms), g) for ms, g in taps]
        self.noise = 32767 * 10 ** (noise_db / 20) * math.sqrt(3)
        self.dice = random.Random(seed)
        self.clip = clip  # of the amplifier
        self.played = [0.0] * (max(d for d, _ in self.paths) + FRAME)
        self.said = self.sent = self.heard = self.echo = 0.0

    def frame(self, near, far):
        n = len(self.played)
        mic = [self.dice.uniform(-self.noise, self.noise) for _ in range(FRAME)]
        echo = [0.0] * FRAME
        for d, g in self.paths:
            part = self.played[n - d - FRAME : n - d]
            echo = [a + g * b for a, b in zip(echo, part)]
        self.echo = sum(x * x for x in echo)
        mic = [a + b for a, b in zip(mic, echo)]
        if near:
            mic = [a + b for a, b in zip(mic, near)]
        a = to_pcm(mic)
        self.speech.near(a)
        b = to_pcm(far or [0.0] * FRAME)
        self.speech.far(b)
        self.sent = sum(x * x for x in memoryview(a).cast("h"))
        out = [max(-self.clip, min(self.clip, x)) for x in memoryview(b).cast("h")]
        self.heard = sum(x * x for x in out)
        self.played = self.played[FRAME:] + out


def to_pcm(samples):
    out = bytearray(2 * FRAME)
    view = memoryview(out).cast("h")
    for i, x in enumerate(samples):
        view[i] = max(-32768, min(32767, round(x)))
    return out


class Tape:
    """Samples from a list that is played again and again, `gain` times, beginning after `wait`."""

    def __init__(self, samples, gain=1.0, wait=0, at=0):
        self.samples = samples
        self.gain = gain
        self.at = at - wait
        self.first = at

    def frame(self):
        n = len(self.samples)
        out = [
            self.samples[i % n] * self.gain if i >= self.first else 0.0
            for i in range(self.at, self.at + FRAME)
        ]
        self.at += FRAME
        return out


def until(room, way, near, far, wait):
    """Milliseconds from a beginning `wait` samples into the next frame, or None."""
    for k in range(LIMIT):
        room.frame(near and near.frame(), far and far.frame())
        if room.speech.way == way:
            return (k + 1) * 20 - wait / 8
    return None


def talked(room, near, far, frames):
    for _ in range(frames):
        room.frame(near and near.frame(), far and far.frame())
    return room


def ready(make, delay, noise, voices, dice, frames=150):
    """A station that has heard the far end for 3 s."""
    room = Room(make(delay), delay, noise, dice.random())
    return talked(room, None, Tape(dice.choice(voices)), frames)


def table(title, columns, rows, cell):
    print(f"\n{title}")
    print("".join(["%10s" % ""] + ["%10s" % c for c in columns]))
    for r in rows:
        print("".join(["%10s" % r] + ["%10s" % cell(r, c) for c in columns]), flush=True)


def summary(times):
    good = sorted(t for t in times if t is not None)
    if len(good) < len(times):
        return f"{len(good)}/{len(times)}"
    return f"{good[len(good) // 2]:.0f} {good[len(good) * 9 // 10]:.0f}"


def interrupts(base, voices, dice, level, near_first):
    """One trial: `level` is the near voice's, to that of the echo."""
    room = copy.deepcopy(base)
    near, far = dice.sample(voices, 2)
    gain = 0.5 * 10 ** (level / 20)
    wait = dice.randrange(FRAME)
    if near_first:
        near = Tape(near, gain, 0, dice.randrange(4000))
        talked(room, None, None, 40)
        talked(room, near, None, 50)
        t = until(room, FAR, near, Tape(far, 1.0, wait), wait)
        return None if t is None else max(0, t - 20)  # a frame is played with all that is in it
    far = Tape(far, 1.0, 0, dice.randrange(4000))
    talked(room, None, far, dice.randrange(20, 40))
    return until(room, NEAR, Tape(near, gain, wait), far, wait)


def answers(base, voices, dice, pause, near_first):
    """One trial: the other one speaks `pause` ms after the end of speech."""
    room = copy.deepcopy(base)
    near, far = dice.sample(voices, 2)
    wait = dice.randrange(FRAME)
    if near_first:
        talked(room, None, None, 40)
        talked(room, Tape(near, 0.5, 0, len(near) - 50 * FRAME), None, 50)
        talked(room, None, None, pause // 20)
        t = until(room, FAR, None, Tape(far, 1.0, wait), wait)
        return None if t is None else max(0, t - 20)
    talked(room, None, Tape(far, 1.0, 0, len(far) - 50 * FRAME), 50)
    talked(room, None, None, pause // 20)
    return until(room, NEAR, Tape(near, 0.5, wait), None, wait)


def echo_return(make, delay, noise, voices, dice, taps=()):
    """Sent to played in dB while the far end alone talks, in the first 3 s and after."""
    out = []
    room = Room(make(delay), delay, -90, dice.random(), taps)
    far = Tape(dice.choice(voices))
    for n in (150, 250):
        sent = heard = 1e-9
        for _ in range(n):
            room.frame(None, far.frame())
            sent += room.sent
            heard += room.heard
        out.append(10 * math.log10(max(sent, 1e-9) / heard))
    return "%.0f %.0f" % tuple(out)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="full duplex, 128 taps")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--noise", type=float, default=-60, metavar="DBFS")
    parser.add_argument("--speech", metavar="FOLDER")
    args = parser.parse_args()
    voices = recorded(args.speech) if args.speech else [synthetic(s) for s in range(1, 9)]
    dice = random.Random(1)

    def make(delay):
        return FullDuplex(128, delay) if args.full else HalfDuplex()

    bases = {d: [ready(make, d, args.noise, voices, dice) for _ in range(3)] for d in DELAYS}

    def cell(trial, near_first):
        def f(row, delay):
            return summary(
                [
                    trial(bases[delay][k % 3], voices, dice, row, near_first)
                    for k in range(args.trials)
                ]
            )

        return f

    delays = [f"{d} ms" for d in DELAYS]
    lookup = dict(zip(delays, DELAYS))

    def by_delay(f):
        return lambda row, column: f(row, lookup[column])

    print(f"{len(voices)} voices, noise {args.noise:.0f} dBFS, {args.trials} trials a cell, ms")
    table(
        "near interrupts far; its level over the echo's, dB",
        *(delays, LEVELS, by_delay(cell(interrupts, False))),
    )
    if not args.full:  # it is always heard
        table(
            "far interrupts near; near's level over that of far's echo, dB (frames that are lost)",
            *(delays, LEVELS, by_delay(cell(interrupts, True))),
        )
    table(
        "near, as loud as the echo, answers after ms of silence",
        *(delays, PAUSES, by_delay(cell(answers, False))),
    )
    if not args.full:
        table(
            "far answers after ms of near's silence (frames that are lost)",
            *(delays, PAUSES, by_delay(cell(answers, True))),
        )
    table(
        "echo return, dB: first 3 s, then 5 s (noise -90 dBFS)",
        *(delays, ["", "a hall"]),
        by_delay(
            lambda row, delay: echo_return(
                *(make, delay, args.noise, voices, dice),
                ((7, -0.16), (19, 0.16), (37, -0.1), (80, 0.05)) if row else (),
            )
        ),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
