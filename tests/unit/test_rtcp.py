# usip: RTCP reports, RFC 3550 6

from usip.media.rtcp import Rtcp
from usip.media.stream import MediaStream


def end(seed):
    s = MediaStream(8, 101, rand=lambda n: bytes((seed + i) & 0xFF for i in range(n)))
    return s, Rtcp(s)


def talk(a, b, frames, now, lose=()):
    pcm = bytearray(320)
    for i in range(frames):
        n = a.frame_out(pcm)
        if i not in lose:
            b.receive(a.tx, n, None, now + 20 * i)


def word(b, at):
    return b[at] << 24 | b[at + 1] << 16 | b[at + 2] << 8 | b[at + 3]


def parts(b, n):
    """[(packet type, count, octets)] of a compound packet; its lengths add up."""
    out = []
    at = 0
    while at < n:
        size = 4 + 4 * (b[at + 2] << 8 | b[at + 3])
        assert b[at] >> 6 == 2 and at + size <= n
        out.append((b[at + 1], b[at] & 31, bytes(b[at : at + size])))
        at += size
    return out


def test_sender_report():
    a, ra = end(1)
    b, rb = end(0xA0)
    talk(a, b, 50, 0)
    n = ra.report(123_456_789)
    (kind, count, sr), (kind2, count2, sdes) = parts(ra.tx, n)
    assert (kind, count, len(sr)) == (200, 0, 28)  # nothing was heard: no block
    assert sr[4:8] == bytes((1, 2, 3, 4)) == sdes[4:8]
    assert word(sr, 8) == 123_456
    assert abs(word(sr, 12) / 2**32 - 0.789) < 0.001
    assert word(sr, 16) == a.sender.hi << 16 | a.sender.lo
    assert (word(sr, 20), word(sr, 24)) == (50, 50 * 160)
    # RFC 3550 6.5: CNAME, then the list ends at a boundary of 32 bits
    assert (kind2, count2) == (202, 1) and sdes[8:10] == b"\x01\x10" and sdes[-2:] == b"\0\0"
    assert ra.begins(ra.tx, 0, n)
    # Who has sent nothing since makes a receiver report
    assert parts(ra.tx, ra.report(123_460_000))[0][:2] == (201, 0)


def test_receiver_report():
    a, ra = end(1)
    b, rb = end(0xA0)
    talk(a, b, 100, 0, (10, 11, 40, 41, 42))
    n = rb.report(5000)
    kind, count, rr = parts(rb.tx, n)[0]
    assert (kind, count, len(rr)) == (201, 1, 32)
    assert rr[8:12] == bytes((1, 2, 3, 4))  # about a
    assert rr[12] == 5 * 256 // 100 and word(rr, 12) & 0xFFFFFF == 5
    assert word(rr, 16) == (5 << 8 | 6) + 99  # the highest that came
    assert rr[24:32] == bytes(8)  # no sender report came
    assert ra.receive(rb.tx, 0, n, 5010) == n
    assert ra.remote_lost == 5 and ra.remote_jitter_ms == 0 and ra.rtt_ms == -1
    # The fraction is of what came since the last report
    talk(a, b, 100, 2000)
    rr = parts(rb.tx, rb.report(7000))[0][2]
    assert rr[12] == 0 and word(rr, 12) & 0xFFFFFF == 5


def test_sequence_numbers_that_began_anew():
    a, ra = end(1)
    b, rb = end(0xA0)
    a.sender.seq = 65500
    talk(a, b, 100, 0)
    rr = parts(rb.tx, rb.report(5000))[0][2]
    assert word(rr, 16) == 1 << 16 | (65500 + 99) & 0xFFFF


def test_there_and_back():
    # 30 ms each way; the clocks have nothing in common, and b's wraps
    a, ra = end(1)
    b, rb = end(0xA0)
    talk(a, b, 5, 0)
    talk(b, a, 5, 0)
    n = ra.report(900_000)
    rb.receive(ra.tx, 0, n, 0x3FFFFFFF - 100)
    talk(b, a, 5, 100)
    n = rb.report(2400)  # 2,501 ms later
    assert ra.receive(rb.tx, 0, n, 900_030 + 2501 + 30) == n
    assert 58 <= ra.rtt_ms <= 62
    # An answer to nothing, or from days ago, is no figure
    before = ra.rtt_ms
    n = rb.report(60_000)
    ra.receive(rb.tx, 0, n, 1_900_000)
    assert ra.rtt_ms == before


def test_bye():
    a, ra = end(1)
    b, rb = end(0xA0)
    talk(a, b, 5, 0)
    n = ra.report(1000, True)
    assert [p[0] for p in parts(ra.tx, n)] == [200, 202, 203]
    c, rc = end(0x30)
    rc.receive(ra.tx, 0, n, 0)
    assert not rc.gone  # somebody else's
    rb.receive(ra.tx, 0, n, 0)
    assert rb.gone


def test_where_it_ends():
    a, ra = end(1)
    b, rb = end(0xA0)
    talk(a, b, 5, 0)
    n = ra.report(1000)
    behind = bytes(ra.tx[:n]) + bytes(a.tx[:172])
    assert rb.receive(behind, 0, len(behind), 0) == n  # sound that was read on
    assert rb.receive(behind, 0, n, 0) == n
    for cut in range(1, n):
        assert rb.receive(behind, 0, cut, 0) <= cut


def test_anything_at_all():
    a, ra = end(1)
    b, rb = end(0xA0)
    talk(a, b, 5, 0)
    talk(b, a, 5, 0)
    n = rb.report(1000, True)
    seed = 1
    for i in range(3000):
        data = bytearray(rb.tx[:n])
        for _ in range(1 + i % 7):
            seed = (seed * 1103 + 12345) & 0xFFFFF
            data[seed % n] = seed >> 8 & 0xFF
        at = ra.receive(data, 0, n, i)
        assert 0 <= at <= n
        assert ra.rtt_ms < 10_000 and ra.remote_lost < 1 << 23
