"""Sound to play, and how much of it is heard on the other side."""

import array
import operator
import random
import wave

from usip.media.rate import Halver


def noise(path, seconds=3.0, seed=1, talk=None, rate=8000):
    """A WAV file that correlates with nothing but itself. `talk`: seconds of it, and of silence
    after them, in turn."""
    rand = random.Random(seed)
    pcm = array.array("h", [rand.randint(-9000, 9000) for _ in range(int(rate * seconds))])
    if talk:
        on, off = (int(rate * x) for x in talk)
        for at in range(on, len(pcm), on + off):
            end = min(at + off, len(pcm))
            pcm[at:end] = array.array("h", bytes(2 * (end - at)))
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


class Fit:
    """How a long recording agrees with what was played, in pieces of 0.1 s, each where it fits.

    `whole` is the correlation of all that was found, `median` and `worst` are of the pieces, `good`
    the share of them above 0.95; `moves` how often the place moved by more than a few samples, in
    `ms` by how much in the end; `torn` is how many pieces were found nowhere near.
    """

    def __init__(self, pieces, moves):
        values = sorted(c for _, _, _, c in pieces)
        self.pieces = [(at / 8000, lag / 8, c) for at, lag, _, c in pieces]
        self.median = values[len(values) // 2]
        self.worst = values[0]
        self.good = sum(c > 0.95 for c in values) / len(values)
        self.torn = sum(c < 0.5 for c in values)
        power = sum(p for _, _, p, _ in pieces) or 1
        self.whole = sum(p * c for _, _, p, c in pieces) / power
        self.moves = moves
        self.ms = (pieces[-1][1] - pieces[0][1]) / 8

    def figures(self):
        more = {"seconds": len(self.pieces) / 10, "moves": self.moves, "moved_ms": self.ms}
        names = ("whole", "median", "worst", "good")
        return {**{x: round(getattr(self, x), 4) for x in names}, "torn": self.torn, **more}

    def places(self):
        """[(second, ms)]: where it moved, and to what delay."""
        found = []
        for at, ms, c in self.pieces:
            if c > 0.7 and (not found or found[-1][1] != ms):
                found.append((at, ms))
        return found


def fit(played, recorded, most=400.0, found=0.7):
    """A Fit of the first `most` seconds; pieces in which nothing is said are passed over. A place
    is believed where the correlation is above `found`."""
    a = samples(played)
    b = samples(recorded)
    n = 800
    lag = None
    pieces = []
    moves = 0
    for at in range(0, min(len(a), int(most * 8000)) - n + 1, n):
        piece = a[at : at + n]
        power = _dot(piece, piece)
        if power < n * 1e4:
            continue
        if lag is None:
            place = _find(piece[320:400], b, at, at + 3 * 8000) - 320
            here = _correlation(piece, b[place : place + n]) if place >= 0 else 0.0
            if here > 0.9:
                lag = place - at
            elif at > 8000:
                break  # nothing of the first second
            continue

        def fits(lag, at=at, piece=piece):
            return _correlation(piece, b[at + lag : at + lag + n]) if at + lag >= 0 else 0.0

        here = fits(lag)
        if here < 0.95:
            # A network or a machine that stands still moves it by some frames.
            there = max(range(lag - 3200, lag + 3201, 160), key=fits)
            if fits(there) < 0.9:
                place = _find(piece[320:400], b, at + lag - 480, at + lag + 1120) - 320
                there = place - at
            if fits(there) > max(here, found) + 0.02:
                moves += 1
                here, lag = fits(there), there
        if at + lag + n > len(b):
            break
        pieces.append((at, lag, power, here))
    assert pieces, f"nothing of {played} in {recorded}"
    return Fit(pieces, moves)
