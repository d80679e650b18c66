# usip: hours of a call with a peer whose clock is not ours: what it says comes whole, and in time

from playing import PAUSE, Line

HOUR = 180000  # frames
try:
    from usip.media import _g711_viper  # noqa: F401

    LONG = 2 * HOUR
except (ImportError, SyntaxError, ValueError):
    LONG = HOUR // 12  # without machine code hours take too long


class Talker(Line):
    """Says two seconds, then a pause of half a one. Each frame that is not silent has a number."""

    def next_code(self):
        n = self.sent
        if n % 125 >= 100:
            return PAUSE
        return 0x80 + n % 64  # one after the other, none of them quiet

    def heard_now(self):
        """The number of the frame that is played, -1 for a pause."""
        s = self.pcm[0] | self.pcm[1] << 8
        return -1 if s == 0 else self.numbers[s]


def numbers():
    """Which number a sample of the decoded sound has."""
    from usip.media import g711

    pcm = bytearray(320)
    found = {}
    for n in range(64):
        g711.decode(0, bytes((0x80 + n,)), 0, 1, pcm)
        found[pcm[0] | pcm[1] << 8] = n
    assert len(found) == 64
    return found


def call(ppm, frames):
    """Lowest and highest delay after the beginning, and how often a pause was made longer or
    shorter. Every frame of speech is heard once, and in order."""
    line = Talker(ppm)
    line.numbers = numbers()
    due = 0  # the frame of speech that has to come next
    pause = slips = 0
    low, high = 999, 0
    for i in range(frames):
        line.pcm[0] = line.pcm[1] = 0
        line.step()
        n = line.heard_now()
        if n < 0:
            pause += 1
        else:
            assert n == due % 64, (i, n, due)
            if due % 125 == 0 and due:
                slips += pause != 25
            pause = 0
            due += 1 if due % 125 != 99 else 26
        if i > min(3000, frames // 2):
            low = min(low, line.buffer.delay_ms)
            high = max(high, line.buffer.delay_ms)
    assert line.late == line.made_up == 0, (ppm, line.late, line.made_up)
    return low, high, slips


def hours(ppm, frames):
    low, high, slips = call(ppm, frames)
    wanted = frames * 20 * abs(ppm) // 20000000
    assert wanted - 2 <= slips <= wanted + 2, (ppm, slips, wanted)
    # Never more than the two frames that it may come early, and the one that is played
    assert 20 <= low <= high <= 70, (ppm, low, high)
    print(
        "%d ppm, %d s: %d ms in %d steps, delay %d to %d ms"
        % ((ppm, frames // 50, wanted * 20, slips, low, high))
    )


def test_hours_with_200_ppm():
    for ppm in (200, -200):
        hours(ppm, LONG)


def test_minutes_of_a_poor_clock():
    for ppm in (1000, -1000):
        hours(ppm, HOUR // 40)
