"""Sound to play, and how much of it is heard on the other side."""

import array
import operator
import random
import wave


def noise(path, seconds=3.0, seed=1):
    """A WAV file that correlates with nothing but itself."""
    rand = random.Random(seed)
    pcm = array.array("h", [rand.randint(-9000, 9000) for _ in range(int(8000 * seconds))])
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(pcm.tobytes())
    return path


def samples(path):
    with wave.open(str(path), "rb") as w:
        assert (w.getframerate(), w.getsampwidth(), w.getnchannels()) == (8000, 2, 1), path
        return array.array("h", w.readframes(w.getnframes()))


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


def heard(played, recorded, most=2.9):
    """How well `played` is heard in `recorded`: the median of its pieces' correlations, of 0.1 s.

    Each piece is looked for anywhere, because a machine that stands still for a moment moves what
    comes after it; that moment's own pieces are torn, which is why it is the median. That nothing
    is lost on the way is what RTP's own counts are asked for.
    """
    a = samples(played)
    b = samples(recorded)
    n = 800
    lag = 0
    found = []
    for at in range(0, min(len(a), int(most * 8000)) - n + 1, n):
        piece = a[at : at + n]
        here = _correlation(piece, b[max(0, at + lag) : max(0, at + lag) + n])
        if here < 0.9:
            place = max(0, _find(piece[320:480], b, 0, len(b)) - 320)
            there = _correlation(piece, b[place : place + n])
            if there > here:
                here, lag = there, place - at
        found.append(here)
    return sorted(found)[len(found) // 2]
