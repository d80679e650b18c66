#!/usr/bin/env python3
"""Draw what half and full duplex make of a talk: build/speech.png (needs matplotlib).

    tools/levels.py [--full] [--delay MS] [--out FILE]

A far end that speaks, a near one that answers and interrupts, a loudspeaker that its microphone
hears at -6 dB: the loudness of each direction before and after, who has the line, and the
spectrogram of what is sent.
"""

import argparse
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from usip.media.duplex import HalfDuplex  # noqa: E402
from usip.media.echo import FullDuplex  # noqa: E402
from voice import Dice, Room, Voice  # noqa: E402  (found on the path made above)

SILENCE = bytes(320)
# frames: who speaks from when to when
FAR = ((0, 150), (250, 350), (380, 500))
NEAR = ((160, 240), (300, 330), (420, 470))
TAPS = ((2, -60), (5, 50), (8, -30), (11, 20))


def talk(speech, delay_ms, frames=500):
    """{name: PCM} of a talk, and who had the line in each frame."""
    room, noise = Room(delay_ms, 128, TAPS), Dice(5)
    voices = {"near": Voice(7, 10000, pitch=40), "far": Voice(2, 10000)}
    out = {x: bytearray() for x in ("far", "played", "near", "microphone", "sent")}
    ways = []
    a, b = bytearray(320), bytearray(320)
    for k in range(frames):
        for pcm, name, turns in ((a, "near", NEAR), (b, "far", FAR)):
            pcm[:] = SILENCE
            if any(first <= k < last for first, last in turns):
                voices[name].frame(pcm)
            out[name] += pcm
        room.record(a, noise)
        out["microphone"] += a
        speech.near(a)
        out["sent"] += a
        speech.far(b)
        out["played"] += b
        room.play(b)
        ways.append(speech.way)
    return out, ways


def draw(out, ways, file):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy

    pcm = {x: numpy.array(struct.unpack("<%dh" % (len(d) // 2), d), float) for x, d in out.items()}
    seconds = numpy.arange(len(ways)) * 0.02
    figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(14, 9), sharex=True)
    for axes, names in ((top, ("far", "played")), (middle, ("near", "microphone", "sent"))):
        for name in names:
            power = (pcm[name].reshape(len(ways), 160) ** 2).mean(1)
            axes.plot(seconds, 10 * numpy.log10(power / 32767**2 + 1e-9), label=name)
        axes.set_ylabel("dBFS")
        axes.set_ylim(-92, 0)
        for way, colour in (("far", "tab:blue"), ("near", "tab:green")):
            axes.fill_between(seconds, -92, 0, [w == way for w in ways], color=colour, alpha=0.1)
        axes.legend(loc="lower right")
    bottom.specgram(
        pcm["sent"] + numpy.random.default_rng(1).normal(0, 0.3, len(seconds) * 160),
        NFFT=256,
        Fs=8000,
        noverlap=128,
        vmin=-60,
        vmax=40,
    )
    bottom.set_ylabel("sent, Hz")
    bottom.set_xlabel("s (blue: far has the line, green: near)")
    bottom.set_xlim(0, seconds[-1])
    figure.tight_layout()
    figure.savefig(file, dpi=70)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="full duplex, 128 taps")
    parser.add_argument("--delay", type=int, default=40, metavar="MS")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "speech.png")
    args = parser.parse_args()
    speech = FullDuplex(128, args.delay) if args.full else HalfDuplex()
    args.out.parent.mkdir(exist_ok=True)
    try:
        draw(*talk(speech, args.delay), args.out)
    except ImportError as error:
        print(f"tools/levels.py: {error}; pip install matplotlib", file=sys.stderr)
        return 1
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
