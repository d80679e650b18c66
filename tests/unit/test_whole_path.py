# usip: a call's sound from the socket to the loudspeaker and from the microphone to the socket,
# over a network that loses, doubles and mixes, with digits both ways: nothing is allocated

import gc

from path import Call

DIGITS = b"0123456789*#ABCD"
PACKETS = 1000
_ROUND = 100


class Dice:
    def __init__(self, seed):
        self.x = seed * 2 + 1

    def rand(self, n):
        out = bytearray(n)
        for i in range(n):
            self.x = (self.x * 16807) % 0x7FFFFF
            out[i] = (self.x >> 4) & 0xFF
        return bytes(out)


def quick():
    """Machine code for the samples, as boards have it."""
    try:
        from usip.media import _g711_viper  # noqa: F401
    except (ImportError, SyntaxError, ValueError):
        return False
    return True


def warmed():
    """A call in which each digit was heard once: the first time a digit makes its bytes object."""
    c = Call(Dice(1).rand)
    for e in c.ends:
        e.stream.send_digits(DIGITS, 100)
    while c.ends[0].stream.sending or c.ends[1].stream.sending:
        c.run(20)
    c.run(10)
    assert [e.digits for e in c.ends] == [16, 16]
    return c


def press(c, i):
    """The application sends digits: that may allocate, and is done between the rounds."""
    for e in c.ends:
        e.stream.send_digits(DIGITS[i % 16 : i % 16 + 1] * 2, 100 + 20 * (i % 4))


def counted(c, packets, around):
    """Rounds until so many packets went each way; `around(f)` runs one."""
    first = c.sent
    before = [e.digits for e in c.ends]
    i = 0
    while c.sent - first < packets:
        press(c, i)
        around(lambda: c.run(_ROUND))
        i += 1
    c.run(10)
    assert [e.digits - n for e, n in zip(c.ends, before)] == [2 * i, 2 * i]
    return i


def bad_enough(c):
    for e, way in zip(c.ends, (c.ways[1], c.ways[0])):
        carried, lost, late, twice = way.counts
        assert lost > carried // 40 and late > carried // 20 and twice
        s = e.stream.stats()
        # The last ones may be on their way; an event lost or late is no frame that is made up.
        assert abs(s["packets_lost"] - lost) <= 3 and s["packets_duplicate"] > twice // 2
        assert s["packets_received"] >= carried - lost - 8
        assert s["frames_concealed"] > 0 and s["delay_ms"] <= 200
        assert e.loud > carried // 2


def test_digits_and_sound_come_through():
    c = warmed()
    counted(c, 1000 if quick() else 100, lambda f: f())
    bad_enough(c)


def test_counted_a_thousand_packets_allocate_nothing():
    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    c = warmed()
    grown = []

    def around(f):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        f()
        after = gc.mem_alloc()
        gc.enable()
        grown.append(after - before)

    n = counted(c, PACKETS if quick() else _ROUND, around)
    bad_enough(c)
    assert grown == [0] * n, grown


def test_locked_a_thousand_packets_allocate_nothing():
    # An exception under the lock would cost nothing: that is why they are counted as well.
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        from skip import Skip

        raise Skip("no heap_lock()")
    c = warmed()

    def around(f):
        heap_lock()
        try:
            f()
        finally:
            heap_unlock()

    counted(c, PACKETS if quick() else _ROUND, around)
    bad_enough(c)
