# usip: tests of telephone-events
# MIT licence; Copyright (c) 2026 the usip authors

from usip.errors import UsageError
from usip.media import events


class Peer:
    """Hands packets to a receiver and keeps what it hears."""

    def __init__(self):
        self.ear = events.EventReceiver()
        self.heard = b""

    def event(self, ts, code, duration, end=False, marker=False):
        body = b"--" + bytes((code, 10 | (0x80 if end else 0), duration >> 8, duration & 0xFF))
        d = self.ear.take(ts >> 16 & 0xFFFF, ts & 0xFFFF, marker, body, 2, 4)
        if d is not None:
            self.heard += d

    def press(self, ts, code, ms=160, marker=True, start=0, ends=3):
        for i in range(start, ms // 20):
            self.event(ts, code, (i + 1) * 160, marker=marker and i == 0)
        for _ in range(ends):
            self.event(ts, code, ms * 8, end=True)


def test_one_press():
    p = Peer()
    p.press(1000, 5)
    assert p.heard == b"5"
    assert p.ear.duration == 1280


def test_all_digits():
    p = Peer()
    for i in range(16):
        p.press(5000 * i, i)
    assert p.heard == b"0123456789*#ABCD"


def test_no_marker_no_start_no_end():
    p = Peer()
    p.press(1000, 1, marker=False)
    p.press(9000, 2, marker=False, start=5)
    p.press(17000, 3, marker=False, ends=0)
    p.event(25000, 4, 1280, end=True)
    p.press(33000, 4, ends=0)
    assert p.heard == b"12344"


def test_same_digit_again():
    # 60 ms apart, nothing but the timestamp tells them apart
    p = Peer()
    ts = 0
    for _ in range(4):
        p.press(ts, 7, ms=60, marker=False, ends=0)
        ts += 480 + 480
    for _ in range(4):
        p.press(ts, 7, ms=60, marker=False, ends=3)
        ts += 480 + 320
    assert p.heard == b"77777777"


def test_stragglers():
    p = Peer()
    p.press(1000, 1)
    p.press(4000, 2, ends=1)
    p.event(1000, 1, 1280, end=True)
    p.event(4000, 2, 1280, end=True)
    p.event(4000, 2, 320)
    p.press(7000, 1)
    p.event(4000, 2, 1280, end=True)
    assert p.heard == b"121"


def test_a_straggler_of_long_ago():
    # Ten seconds under way, a packet of a press that is over looks like a clock that jumped back;
    # its sequence number tells. It was heard as another digit.
    from usip.media.stream import MediaStream

    out = MediaStream(8, 101)
    into = MediaStream(8, 101)
    heard = b""
    kept = []
    for digit in (b"1", b"2"):
        out.send_digits(digit)
        while out.sending:
            n = out.frame_out(None)
            if n:
                kept.append(bytes(out.tx[:n]))
                heard += into.receive(kept[-1], n) or b""
        for _ in range(400):
            out.miss()
    assert heard == b"12" and len(kept) == 20
    for data in (kept[3], kept[9]):
        into.reception._seen = 0  # as if it had not come yet
        assert into.receive(data, len(data)) is None


def test_timestamp_wraps():
    p = Peer()
    p.press(0xFFFFFF00, 1)
    p.press(0x00001000, 2)
    p.event(0xFFFFFF00, 1, 1280, end=True)
    assert p.heard == b"12"


def test_long_press():
    # RFC 4733 2.5.1.3: 20 s in three segments
    for lost in (0, 3):
        p = Peer()
        ts = 100
        for _ in range(2):
            for d in range(160, 0xFFFF - 160 * lost, 160):
                p.event(ts, 9, d)
            if not lost:
                p.event(ts, 9, 0xFFFF)
            ts += 0xFFFF
        p.press(ts, 9, ms=3600, marker=False)
        assert p.heard == b"9"
        p.press(ts + 3600 * 8 + 400, 9)
        assert p.heard == b"99"


def test_timestamp_moves_within_press():
    # not RFC 4733, but seen: each packet has the time it was sent at
    p = Peer()
    for i in range(10):
        p.event(1000 + 160 * i, 3, 160 * (i + 1), marker=i == 0)
    for i in range(10, 13):
        p.event(1000 + 160 * i, 3, 1600, end=True)
    p.event(1000 + 160 * 40, 3, 160, marker=True)
    assert p.heard == b"33"


def test_clock_of_peer_jumps_back():
    p = Peer()
    p.press(0x40000000, 1)
    p.press(0x30000000, 2)
    p.press(0x30001000, 3)
    assert p.heard == b"123"


def test_not_a_digit():
    p = Peer()
    p.event(0, 16, 160)
    p.event(0, 255, 160)
    ear = p.ear
    assert ear.take(0, 0, True, b"\x01\x0a\x00", 0, 3) is None
    assert ear.take(0, 0, True, b"", 0, 0) is None
    assert p.heard == b""
    assert ear.take(0, 0, True, b"\x01\x0a\x00\xa0", 0, 4) == b"1"
    # another code under the same timestamp is damage
    assert ear.take(0, 0, True, b"\x02\x0a\x00\xa0", 0, 4) is None


def sent(s, frames):
    """Steps as text: . idle, q quiet, digit-first F, e, E with the end bit."""
    tx = bytearray(6)
    text = ""
    log = []
    for _ in range(frames):
        said = s.step(tx, 2)
        if said == events.IDLE:
            text += "."
        elif said == events.QUIET:
            text += "q"
        else:
            text += "F" if said == events.FIRST else "E" if tx[3] & 0x80 else "e"
            log.append((tx[2], tx[3], tx[4] << 8 | tx[5]))
    return text, log


def test_send():
    s = events.EventSender()
    assert sent(s, 2)[0] == ".."
    s.add(b"1#")
    assert s.waiting == 2
    text, log = sent(s, 9)
    assert (text, s.waiting) == ("FeeeeeeEE", 2)
    text2, log2 = sent(s, 20)
    assert text2 == "EqqqFeeeeeeEEEqqq..."
    assert s.waiting == 0
    log += log2
    assert log[0] == (1, 10, 160)
    assert log[6] == (1, 10, 1120)
    assert log[7] == log[8] == log[9] == (1, 0x8A, 1280)
    assert log[10] == (11, 10, 160)


def test_send_durations():
    for ms, n in ((1, 800), (100, 800), (110, 960), (1000, 8000), (99999, 64000)):
        s = events.EventSender()
        s.add(b"d", ms)
        log = sent(s, 410)[1]
        assert log[-1] == (15, 0x8A, n)


def test_send_while_sending():
    s = events.EventSender()
    s.add(b"1")
    sent(s, 3)
    s.add(b"2")
    assert s.waiting == 2
    assert [e[0] for e in sent(s, 40)[1] if e[2] == 160] == [2]


def test_cut_and_clear():
    s = events.EventSender()
    s.add(b"12")
    sent(s, 3)
    s.cut()
    assert s.waiting == 1
    assert sent(s, 1)[1] == [(2, 10, 160)]
    s.clear()
    assert s.waiting == 0 and sent(s, 2)[0] == ".."


def test_send_refuses():
    s = events.EventSender()
    for bad in (b"12x", b" ", b"1,2"):
        try:
            s.add(bad)
        except UsageError:
            pass
        else:
            raise AssertionError
    assert s.waiting == 0


def test_a_straggler_of_an_earlier_segment():
    # RFC 4733 2.5.1.3: a key held for 18 s is three segments; what was overtaken on the way, from
    # any of them, is no other press. One after it is.
    p = Peer()
    for ts in (160, 160 + 0xFFFF, 160 + 2 * 0xFFFF):
        p.event(ts, 5, 0xFFFF, marker=ts == 160)
    p.event(160 + 0xFFFF, 5, 0xFFFF)
    p.event(160, 5, 0xFF00)
    assert p.heard == b"5"
    p.press(160 + 3 * 0xFFFF, 5)
    assert p.heard == b"55"
