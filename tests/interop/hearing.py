"""Sound to play, and how much of it is heard on the other side."""

import array
import operator
import random
import wave

from usip.media.rate import Halver


def noise(path, seconds=3.0, seed=1, rate=8000):
    """A WAV file that correlates with nothing but itself."""
    rand = random.Random(seed)
    pcm = array.array("h", [rand.randint(-9000, 9000) for _ in range(int(rate * seconds))])
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(pcm.tobytes())
    return path


def samples(path, rate=8000):
    with wave.open(str(path), "rb") as w:
        assert (w.getframerate(), w.getsampwidth(), w.getnchannels()) == (rate, 2, 1), path
        return array.array("h", w.readframes(w.getnframes()))


def halve(wide, path):
    """A WAV file of 16 kHz as one of 8 kHz."""
    pcm = samples(wide, 16000)
    halver, out = Halver(), bytearray(320)
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        for i in range(0, len(pcm) - 319, 320):
            halver.process(pcm[i : i + 320].tobytes(), out)
            w.writeframes(out)
    return path


def _dot(a, b):
    return sum(map(operator.mul, a, b))


def _find(piece, heard, first, last):
    """Where `piece` fits best in `heard`; -1 when there is no such place."""
    n = len(piece)
    places = range(max(0, first), min(last, len(heard) - n) + 1)
    # The loudest agreement is the best one: noise has the same power everywhere.
    return max(places, key=lambda at: _dot(piece, heard[at : at + n]), default=-1)


def _correlation(a, b):
    return _dot(a, b) / ((_dot(a, a) * _dot(b, b)) ** 0.5 or 1) if len(a) == len(b) else 0.0


def heard(played, recorded, most=2.9, rate=8000):
    """How well `played` is heard in `recorded`: the median of its pieces' correlations, of 0.1 s.

    Each piece is looked for anywhere, because a machine that stands still for a moment moves what
    comes after it; that moment's own pieces are torn, which is why it is the median. That nothing
    is lost on the way is what RTP's own counts are asked for.
    """
    a = samples(played, rate)
    b = samples(recorded, rate)
    n = 800
    lag = 0
    found = []
    for at in range(0, min(len(a), int(most * rate)) - n + 1, n):
        piece = a[at : at + n]
        here = _correlation(piece, b[max(0, at + lag) : max(0, at + lag) + n])
        if here < 0.9:
            place = max(0, _find(piece[320:480], b, 0, len(b)) - 320)
            there = _correlation(piece, b[place : place + n])
            if there > here:
                here, lag = there, place - at
        found.append(here)
    return sorted(found)[len(found) // 2]
