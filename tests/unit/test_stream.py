# usip: tests of the audio stream of a call
# MIT licence; Copyright (c) 2026 the usip authors

import gc

from usip.errors import UsageError
from usip.media import g711
from usip.media.stream import MediaStream

LOUD = bytearray(b"\x00\x20" * 160)  # 8192: a code that both laws keep nearly


class Dice:
    """The same on every interpreter."""

    def __init__(self, seed):
        self.x = seed * 2 + 1

    def below(self, n):
        self.x = (self.x * 16807) % 0x7FFFFF
        return (self.x >> 4) % n

    def rand(self, n):
        return bytes([self.below(256) for _ in range(n)])


def stream(law=0, event_type=101, seed=1, **kw):
    return MediaStream(law, event_type, rand=Dice(seed).rand, **kw)


def near(pcm):
    v = pcm[100] | pcm[101] << 8
    return 7900 < v < 8500


def pair():
    """Two streams; the second knows by its SDP where the first is."""
    a, b = stream(), stream(seed=2)
    b.remote = "a"
    return a, b


def relay(a, b, addr="a", pcm=LOUD, now=None):
    """One frame from a to b; what b hears."""
    n = a.frame_out(pcm)
    return b.receive(a.tx, n, addr, now) if n else None


def test_audio_both_laws():
    for law in (0, 8):
        a = stream(law)
        b = stream(8 - law, seed=2)
        b.remote = "a"
        pcm = bytearray(320)
        got = 0
        for _ in range(20):
            assert relay(a, b) is None
            if b.frame_in(pcm):
                got += 1
                assert near(pcm)
        assert got == 17
        assert b.stats()["packets_received"] == a.stats()["packets_sent"] == 20


def test_silence_where_nothing_came():
    b = stream()
    pcm = bytearray(b"\x55" * 320)
    assert not b.frame_in(pcm)
    assert pcm == g711.SILENCE


def test_marker_and_timestamps():
    a = stream()
    seen = []
    for i in range(22):
        if i == 2:
            a.send_digits(b"5")
        n = a.frame_out(None)
        t = a.tx
        seen.append((n, t[1] >> 7, t[1] & 127, t[6] << 8 | t[7]) if n else None)
    zero = seen[0][3]
    assert seen[0] == (172, 1, 0, zero)
    assert seen[1] == (172, 0, 0, (zero + 160) & 0xFFFF)
    start = (zero + 320) & 0xFFFF
    assert seen[2] == (16, 1, 101, start)
    for i in range(3, 12):
        assert seen[i] == (16, 0, 101, start)
    assert seen[12:15] == [None] * 3
    assert seen[15] == (172, 1, 0, (zero + 15 * 160) & 0xFFFF)
    assert seen[16] == (172, 0, 0, (zero + 16 * 160) & 0xFFFF)


def test_ptime():
    for ptime, sizes in ((40, [0, 332, 0, 332]), (60, [0, 0, 492, 0]), (10, [172] * 4)):
        a = stream(ptime=ptime)
        assert [a.frame_out(LOUD) for _ in range(4)] == sizes
    a = stream(ptime=40)
    b = stream(seed=3)
    pcm = bytearray(320)
    got = 0
    for i in range(20):
        if i == 7:
            a.send_digits(b"1")
        relay(a, b)
        got += 1 if b.frame_in(pcm) else 0
    assert got > 5 and b.stats()["packets_lost"] == 0


def test_digits():
    a, b = pair()
    a.send_digits(b"120#")
    assert a.sending == 4
    heard = b""
    for _ in range(100):
        heard += relay(a, b) or b""
    assert heard == b"120#"
    assert a.sending == 0


def presses(a, b, n, addr="a"):
    """`a` presses 1 for `n` frames at `b`; what `b` hears."""
    heard = b""
    pcm = bytearray(320)
    a.send_digits(b"1")
    for _ in range(n):
        heard += relay(a, b, addr) or b""
        if b.waiting:
            heard += b.settled() or b""
        b.frame_in(pcm)
    return heard


def test_digits_count_from_a_certain_source():
    # A digit may open a door: not while somebody else may be faster than the peer.
    a, b = pair()
    assert presses(a, b, 20, "elsewhere") == b"" and not b.locked
    assert b.waiting == [b"1"]
    assert presses(a, b, 20) == b"1" and b.locked and not b.waiting
    assert presses(stream(seed=7), b, 20, "elsewhere") == b""  # and he is too late
    # Behind a NAT it is certain after a second, of sound or of silence, however much there is.
    a, b = pair()
    assert presses(a, b, 25, "nat") == b"" and not b.locked
    for _ in range(30):
        relay(a, b, "nat")
        b.frame_in(bytearray(320))
    # What was pressed meanwhile waited for that.
    assert b.locked and presses(a, b, 20, "nat") == b"11"
    for many in (0, 16):
        a, b = pair()
        relay(a, b, "nat")
        for _ in range(50):
            assert not b.locked
            for _ in range(many):
                relay(a, b, "nat")
            b.frame_in(bytearray(320))
        assert b.locked


def test_digits_wait_for_the_ack():
    # The source is certain, but not that it is who was called for: the pump says so.
    a, b = pair()
    relay(a, b)
    assert b.locked
    b.sure = False
    assert presses(a, b, 20) == b"" and b.waiting == [b"1"]
    a.send_digits(b"1")
    while a.sending:
        assert relay(a, b, None) is None  # of a connected socket too
    assert b.waiting == [b"1", b"1"] and b.settled() is None
    b.sure = True
    assert b.settled() == b"1" and b.settled() == b"1" and not b.waiting


def test_payload_types():
    a = stream(event_type=96)
    b = stream(event_type=110, seed=2)
    b.event_type_in = 96
    b.remote = "a"
    a.send_digits(b"1")
    assert relay(a, b) == b"1"
    # another type is no digit, and no sound
    c = stream(seed=3)
    a.send_digits(b"1")
    for _ in range(30):
        assert relay(a, c, None) is None
    # a law that was not offered is not played
    d = stream(8, seed=4)
    d.laws = (8,)
    pcm = bytearray(320)
    for _ in range(10):
        relay(a, d, None)
        assert not d.frame_in(pcm)


def test_no_events_agreed():
    a = stream(event_type=None)
    try:
        a.send_digits(b"1")
        raise AssertionError
    except UsageError:
        pass
    a.event_type = 101
    a.send_digits(b"12")
    a.frame_out(LOUD)
    a.event_type = None  # a re-INVITE took it away: nothing may wait for ever
    assert a.frame_out(LOUD) == 172
    assert a.sending == 0


def test_hold():
    a = stream()
    b = stream(seed=2)
    pcm = bytearray(320)
    for _ in range(5):
        relay(a, b)
    a.sending_on = False
    sizes = [a.frame_out(LOUD) for _ in range(600)]
    assert sizes[0] == 172 and sizes.count(172) == 3 and sizes.count(0) == 597
    assert a.tx[12:172] == b"\xff" * 160
    a.sending_on = True
    assert a.frame_out(LOUD) == 172
    assert a.tx[1] & 0x80
    b.receiving_on = False
    a.send_digits(b"1")
    for _ in range(40):
        assert relay(a, b) is None
        assert not b.frame_in(pcm) and pcm == g711.SILENCE
    b.receiving_on = True
    for _ in range(8):
        relay(a, b)
        b.frame_in(pcm)
    assert near(pcm)
    assert b.stats()["packets_lost"] == 4  # those that were not handed over


def heard_from(b, a, addr, n=1):
    """How many of `n` packets from `addr` are taken."""
    before = b.stats()["packets_received"]
    for _ in range(n):
        relay(a, b, addr)
    return b.stats()["packets_received"] - before


def test_source_is_the_sdp_address():
    a, x, b = stream(), stream(seed=7), stream(seed=2)
    b.remote = "sdp"
    assert heard_from(b, a, "sdp") == 1
    assert heard_from(b, x, "else", 5) == 0
    assert b.remote == "sdp"
    assert b.stats()["packets_refused"] == 5
    x.send_digits(b"1")
    assert relay(x, b, "else") is None


def test_source_behind_nat():
    a, x, b = stream(), stream(seed=7), stream(seed=2)
    b.remote = "private"
    assert heard_from(b, a, "public", 3) == 3
    assert b.remote == "public"
    assert heard_from(b, x, "else", 3) == 0
    b.remote = "private"  # the same SDP again
    assert b.remote == "public"
    for _ in range(50):
        assert heard_from(b, a, "public", 4) == 4
        b.frame_in(bytearray(320))
    assert heard_from(b, x, "private") == 0  # too late to come back
    assert b.remote == "public"
    b.remote = "third"
    assert b.remote == "third"
    assert heard_from(b, x, "third") == 1
    assert heard_from(b, a, "public") == 0


def test_source_sdp_address_wins():
    a, x, b = stream(), stream(seed=7), stream(seed=2)
    b.remote = "sdp"
    assert heard_from(b, x, "intruder", 3) == 3
    assert heard_from(b, a, "sdp", 3) == 3
    assert b.remote == "sdp"
    assert heard_from(b, x, "intruder", 3) == 0


def test_source_moves():
    # A NAT gives the peer another address: its stream goes on from there, once the old is silent.
    a, x, b = stream(), stream(seed=7), stream(seed=2)
    pcm = bytearray(320)
    b.remote = "sdp"
    assert heard_from(b, a, "sdp", 3) == 3
    for _ in range(24):
        b.frame_in(pcm)
    assert heard_from(b, a, "moved") == 0
    b.frame_in(pcm)
    assert heard_from(b, x, "moved") == 0  # somebody else
    b.receive(b"GET / HTTP/1.0\r\n\r\n", 18, "moved")
    assert b.remote == "sdp"
    assert heard_from(b, a, "moved", 3) == 3
    assert b.remote == "moved"
    assert heard_from(b, a, "sdp") == heard_from(b, x, "sdp") == 0
    t = b.stats()
    assert (t["packets_received"], t["packets_lost"]) == (6, 1)


def test_source_moves_early():
    # The same while the first source is not yet sure; a stranger has no use of the silence.
    a, x, b = stream(), stream(seed=7), stream(seed=2)
    pcm = bytearray(320)
    b.remote = "private"
    assert heard_from(b, a, "public", 3) == 3
    assert heard_from(b, a, "moved") == 0
    for _ in range(25):
        b.frame_in(pcm)
    assert heard_from(b, x, "else") == 0
    assert heard_from(b, a, "moved", 3) == 3
    assert b.remote == "moved"
    assert heard_from(b, x, "private", 3) == 3  # the SDP's address is believed more, as ever
    assert heard_from(b, a, "moved") == 0


def test_source_in_doubt():
    # `even` lets the pump tie its socket to the source: not while the stream comes from elsewhere,
    # and who only guesses the port has no say in it.
    a, x, b = stream(), stream(seed=7), stream(seed=2)
    b.remote = "sdp"
    assert heard_from(b, a, "sdp", 30) == 30
    n = b.even
    assert n >= 28 and b.locked
    assert heard_from(b, x, "else", 3) == 0 and b.even == n
    assert heard_from(b, a, "moved") == 0 and b.even == 0
    pcm = bytearray(320)
    for _ in range(25):
        b.frame_in(pcm)
    assert heard_from(b, a, "moved", 30) == 30 and b.even >= 28


def test_source_needs_sense():
    a, b = stream(), stream(seed=2)
    b.remote = "private"
    b.receive(b"\x80\x60" + bytes(20), 22, "else")  # a payload type that nobody agreed
    b.receive(b"GET / HTTP/1.0\r\n\r\n", 18, "else")
    b.receive(b"", 0, "else")
    assert b.remote == "private"
    assert heard_from(b, a, "public") == 1


def test_new_ssrc():
    a, c, b = stream(), stream(seed=9), stream(seed=2)
    pcm = bytearray(320)
    for s in (a, c):
        for _ in range(10):
            relay(s, b)
            b.frame_in(pcm)
        assert near(pcm)
    t = b.stats()
    assert t["packets_received"] == 20 and t["packets_lost"] == 0


def test_events_with_ssrc_of_their_own():
    a, b = pair()
    e = stream(seed=9)
    pcm = bytearray(320)
    e.send_digits(b"42")
    heard = b""
    silent = 0
    for _ in range(30):
        relay(a, b)
        n = e.frame_out(None)
        if n == 16:
            heard += b.receive(e.tx, n, "a") or b""
        silent += 0 if b.frame_in(pcm) else 1
    assert heard == b"42"
    assert silent == 3


def test_jitter_statistics():
    a, b = stream(), stream(seed=2)
    for i in range(300):
        relay(a, b, now=20 * i + (i & 1) * 8)
    assert 7 <= b.stats()["jitter_ms"] <= 8


def lossy(seed):
    """20 % lost, 10 % twice, a quarter overtaken by up to three: what is heard of 12 presses."""
    dice = Dice(seed)
    a = MediaStream(8, 101, rand=dice.rand)
    b = MediaStream(8, 101, rand=dice.rand)
    b.remote = "a"
    pcm = bytearray(320)
    digits = b"1123555*00#9"
    a.send_digits(digits, 100 + dice.below(100))
    heard = b""
    flying = []
    frames = 0
    while a.sending or flying:
        n = a.frame_out(LOUD)
        frames += 1
        if n and dice.below(100) >= 20:
            for _ in range(2 if dice.below(10) == 0 else 1):
                wait = dice.below(4) if dice.below(4) == 0 else 0
                flying.append((frames + wait, bytes(a.tx[:n])))
        due = [f for f in flying if f[0] <= frames]
        flying = [f for f in flying if f[0] > frames]
        for f in due:
            heard += b.receive(f[1], len(f[1]), "a") or b""
        b.frame_in(pcm)
    return heard == digits


def test_one_press_is_one_digit():
    for seed in range(12):
        assert lossy(seed), seed
        gc.collect()


def test_nothing_allocates():
    if not hasattr(gc, "mem_alloc"):
        return
    a, b = stream(), stream(seed=2)
    b.remote = addr = ("192.0.2.1", 4000)
    pcm = bytearray(320)
    grown = [0, 0, 0]
    a.send_digits(b"1")
    gc.collect()
    gc.disable()
    for i in range(300):
        if i == 100:
            a.send_digits(b"1")
        m0 = gc.mem_alloc()
        n = a.frame_out(LOUD)
        m1 = gc.mem_alloc()
        d = b.receive(a.tx, n, addr, i * 20)
        m2 = gc.mem_alloc()
        b.frame_in(pcm)
        m3 = gc.mem_alloc()
        if i >= 100:  # the first digit has been heard
            grown[0] += m1 - m0
            grown[1] += m2 - m1
            grown[2] += m3 - m2
    gc.enable()
    assert d is None and near(pcm)
    assert grown == [0, 0, 0], grown
