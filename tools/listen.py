#!/usr/bin/env python3
"""Draw what was heard beside what was played: build/listen.png (needs matplotlib).

    tools/listen.py [--out FILE] [--seconds S] [NAME=PLAYED.wav,HEARD.wav ...]

Without names: a clean network, 15 % of the packets lost, 60 ms of jitter, and a door with half
duplex whose microphone hears its loudspeaker at -6 dB; the sound goes through usip's own streams,
the network is made up. With names: recordings of calls, 8 kHz, 16 bits, mono.
"""

import argparse
import heapq
import random
import sys
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools"), str(ROOT / "tests" / "support")]

from peers import sounds  # noqa: E402
from usip.media.duplex import HalfDuplex  # noqa: E402
from usip.media.stream import MediaStream  # noqa: E402
from voice import Dice, Room, Voice  # noqa: E402  (found on the path made above)

FRAME = 320
SILENCE = bytes(FRAME)


def read(path):
    with wave.open(str(path), "rb") as w:
        if (w.getframerate(), w.getsampwidth(), w.getnchannels()) != (8000, 2, 1):
            raise ValueError(f"{path}: not 8 kHz, 16 bits, mono")
        return w.readframes(w.getnframes())


def speech(frames, who):
    """Somebody's prompts where they are unpacked (tools/peers/sounds.py), else a made-up voice."""
    pcm = bytearray()
    if sounds.stamp().exists():
        files = list(sounds.ensure().prompts().values())[who]
        for name in ("demo-congrats", "demo-abouttotry", "demo-instruct"):
            pcm += read(next(f for f in files if f.stem == name)) + SILENCE * 20
    else:
        voice = Voice(3 + who, 10000, on=80, off=20)
        for _ in range(frames):
            pcm += voice.frame(bytearray(FRAME))
    return bytes(pcm[: FRAME * frames])


def slices(pcm):
    return [bytearray(pcm[i : i + FRAME]) for i in range(0, len(pcm) - FRAME + 1, FRAME)]


class Line:
    """One direction: what is said, a network, what is heard."""

    def __init__(self, loss=0, jitter=0, seed=1):
        self.loss, self.jitter = loss, jitter
        self.dice = random.Random(seed)
        self.a, self.b = MediaStream(8), MediaStream(8)
        self.way = []
        self.now = 0

    def frame(self, pcm):
        """20 ms: `pcm` is said; what is heard meanwhile."""
        n = self.a.frame_out(pcm)
        if self.dice.random() * 100 >= self.loss:
            at = self.now + self.dice.random() * self.jitter
            heapq.heappush(self.way, (at, self.now, bytes(self.a.tx[:n])))
        heard = bytearray(FRAME)
        while self.way and self.way[0][0] <= self.now:
            at, _, data = heapq.heappop(self.way)
            self.b.receive(data, len(data), None, int(at))
        self.b.frame_in(heard)
        self.now += 20
        return heard

    def told(self):
        t = self.b.stats()
        return (
            f"{t['packets_lost']} lost, {t['packets_late']} late, {t['frames_concealed']} made up, "
            f"delay {t['delay_ms']} ms"
        )


def simple(frames, **how):
    line = Line(**how)
    said = speech(frames, 0)
    heard = b"".join(bytes(line.frame(x)) for x in slices(said))
    return said, heard, line.told()


def door(frames):
    """Two directions of a door in half duplex: they take turns, and speak at the same time once."""
    there, back = Line(), Line()  # to the door, from it
    duplex = HalfDuplex()
    room, noise = Room(60, 128, ((5, 50), (11, 20))), Dice(5)
    third = frames // 3
    far = bytearray(speech(frames, 0))
    near = bytearray(speech(frames, 2))
    far[FRAME * third : FRAME * (2 * third)] = bytes(FRAME * third)
    near[: FRAME * (third - 10)] = bytes(FRAME * (third - 10))
    # In the last third both: the far one begins
    near[FRAME * 2 * third : FRAME * (2 * third + 25)] = bytes(FRAME * 25)
    played, sent, microphone = bytearray(), bytearray(), bytearray()
    for a, b in zip(slices(near), slices(far)):
        room.record(a, noise)
        microphone += a
        duplex.near(a)
        loud = there.frame(b)
        sent += back.frame(a)
        duplex.far(loud)
        played += loud
        room.play(loud)
    yield "half duplex: to the door", bytes(far), bytes(played), there.told()
    yield "half duplex: what its microphone hears", bytes(near), bytes(microphone), "before it"
    yield "half duplex: from the door", bytes(near), bytes(sent), back.told()


def rows(frames):
    yield "clean", *simple(frames)
    yield "15 % lost", *simple(frames, loss=15)
    yield "60 ms of jitter", *simple(frames, jitter=60)
    yield from door(frames)


def draw(found, seconds, file):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy

    figure, axes = plt.subplots(
        *(len(found), 2), figsize=(15, 2.3 * len(found)), sharex=True, squeeze=False
    )
    dither = numpy.random.default_rng(1)  # digital silence has no logarithm
    for (name, played, heard, told), row in zip(found, axes):
        for pcm, title, cell in zip(
            (played, heard), (f"{name}: played", f"heard ({told})" if told else "heard"), row
        ):
            data = numpy.frombuffer(pcm, "<i2").astype(float)
            data = data[: int(seconds * 8000)]
            data += dither.normal(0, 0.3, len(data))
            cell.specgram(data, NFFT=256, Fs=8000, noverlap=192, vmin=-50, vmax=40)
            cell.set_title(title, fontsize=9, loc="left")
            cell.set_ylim(0, 4000)
        row[0].set_ylabel("Hz")
    for cell in axes[-1]:
        cell.set_xlabel("s")
    figure.tight_layout()
    figure.savefig(file, dpi=70)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", nargs="*", metavar="NAME=PLAYED,HEARD")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "listen.png")
    parser.add_argument("--seconds", type=float, default=9)
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    try:
        if args.pairs:
            found = []
            for pair in args.pairs:
                name, _, files = pair.partition("=")
                played, heard = files.split(",")
                found.append((name, read(played), read(heard), ""))
        else:
            found = list(rows(int(args.seconds * 50)))
        draw(found, args.seconds, args.out)
    except ImportError as error:
        print(f"tools/listen.py: {error}; pip install matplotlib", file=sys.stderr)
        return 1
    except (OSError, ValueError, wave.Error) as error:
        print(f"tools/listen.py: {error}", file=sys.stderr)
        return 2
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
