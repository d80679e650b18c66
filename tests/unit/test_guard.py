# usip tests: the guard before the parser: how much of whom it lets through

import gc

from usip import limits
from usip.clock import later
from usip.guard import Guard, brief

BUF = bytearray(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n")
NOW = 0x3FFFFFFF - 3000  # the clock wraps within each test


class Agent:
    policy = None

    def __init__(self):
        self.trusted = []


class Policy:
    def listed(self, flow):
        return flow.remote[0] == b"10.0.0.5"


def guard():
    return Guard(Agent())


def _flood(g, seconds, hosts, rate=2000, buf=BUF):
    """How many of `rate` datagrams a second get through; host(n) is whose the n-th is."""
    came = 0
    for n in range(seconds * rate):
        now = later(NOW, n * 1000 // rate)
        came += g.admits(buf, len(buf), (hosts(n), 5060), now)
        assert len(g.hosts) <= limits.SOURCES
    return came


def test_one_stranger():
    g = guard()
    came = _flood(g, 5, lambda n: b"10.0.0.1")
    # ten a second, and the twenty that may come at once
    assert 60 <= came <= 75, came
    assert g.refused == 10000 - came


def test_ports_are_not_told_apart():
    g = guard()
    came = 0
    for n in range(1000):
        came += g.admits(BUF, len(BUF), (b"10.0.0.1", 1024 + n), NOW)
    assert came == 21, came


def test_a_thousand_strangers():
    g = guard()
    came = _flood(g, 5, lambda n: b"10.0.%d.%d" % (n % 7, n % 251))
    # forty a second and eighty
    assert 270 <= came <= 290, came


def test_one_is_not_served_for_all():
    # A flood from one address leaves the others what is theirs.
    g = guard()
    _flood(g, 3, lambda n: b"10.0.0.1")
    assert g.admits(BUF, len(BUF), (b"10.0.0.2", 5060), later(NOW, 3000))


def test_after_the_flood():
    g = guard()
    _flood(g, 3, lambda n: b"10.0.0.1")
    now = later(NOW, 3000)
    g.admits(BUF, len(BUF), (b"10.0.0.1", 5060), now)
    assert not g.admits(BUF, len(BUF), (b"10.0.0.1", 5060), now)
    assert g.admits(BUF, len(BUF), (b"10.0.0.1", 5060), later(now, 200))
    # days later the clock has come round
    for days in (1, 5, 7, 12):
        assert g.admits(BUF, len(BUF), (b"10.0.0.1", 5060), later(now, days * 86_400_000))
        for _ in range(40):
            g.admits(BUF, len(BUF), (b"10.0.0.1", 5060), later(now, days * 86_400_000))


def test_the_registrar_is_not_counted():
    g = guard()
    g.agent.trusted.append((b"10.0.0.9", 5060))
    assert _flood(g, 1, lambda n: b"10.0.0.9") == 2000
    assert g.spare((b"10.0.0.9", 5060)) is None and len(g.hosts) == 0
    assert g.stranger((b"10.0.0.9", 5080))


def test_who_is_listed_is_not_counted():
    g = guard()
    g.agent.policy = Policy()
    assert _flood(g, 1, lambda n: b"10.0.0.5") == 2000
    assert not g.stranger((b"10.0.0.5", 5060)) and g.stranger((b"10.0.0.6", 5060))


def test_a_known_peer():
    g = guard()
    g.know((b"10.0.0.1", 5060))
    came = _flood(g, 2, lambda n: b"10.0.0.1")
    assert 390 <= came <= 410, came  # a hundred a second, and two hundred
    # and a flood of others neither makes it a stranger nor keeps it out
    _flood(g, 2, lambda n: b"10.1.%d.%d" % (n % 7, n % 251))
    assert not g.stranger((b"10.0.0.1", 5060))
    assert g.admits(BUF, len(BUF), (b"10.0.0.1", 5060), later(NOW, 4000))


def test_the_table_is_full_of_known_ones():
    g = guard()
    for n in range(100):
        g.know((b"10.0.0.%d" % n, 5060))
        assert len(g.hosts) <= limits.SOURCES
    assert not g.stranger((b"10.0.0.99", 5060))


def test_what_is_not_sip():
    g = guard()
    for data in (b"\r\n\r\n", b"\x00" * 400, b"\x80\x08" + bytes(170), b"GET / HTTP/1.1\r\n\r\n"):
        assert not g.admits(bytearray(data), len(data), (b"10.0.0.1", 5060), NOW)
    assert len(g.hosts) == 0
    # what an earlier one left in the buffer does not count
    assert not g.admits(bytearray(b"x  " + BUF), 3, (b"10.0.0.1", 5060), NOW)
    g.agent.trusted.append((b"10.0.0.9", 5060))
    assert g.admits(bytearray(b"\r\n\r\n"), 4, (b"10.0.0.9", 5060), NOW)


def test_bytes_to_spare():
    g = guard()
    there = (b"10.0.0.1", 5060)
    assert g.spare(there) == 0 and g.fit(b"x", there) is None and g.held == 1
    g.admits(BUF, len(BUF), there, NOW)
    assert g.spare(there) == len(BUF)
    assert g.fit(b"y" * len(BUF), there) is None
    assert g.fit(b"y" * 5, there) == b"yyyyy"
    # A second one for one of theirs is 28 octets more on the wire.
    assert g.fit(b"y", there) is None
    for _ in range(15):
        g.admits(bytearray(b"SIP/") + bytes(4000), 4000, there, NOW)
    assert g.spare(there) == limits.STRANGER_BYTES  # nobody saves up for a big one
    g.know(there)
    assert g.spare(there) is None and g.fit(b"y" * 9000, there) == b"y" * 9000


def test_brief():
    long_ = (
        b"SIP/2.0 200 Fine\r\nVia: v\r\nFrom: <sip:Allow: @b>\r\nTo: t\r\nCall-ID: c\r\n"
        b"CSeq: 1 OPTIONS\r\nAllow: INVITE\r\nSupported: \r\nContact: <sip:a>\r\n"
        b"Content-Length: 6\r\n\r\n\r\nTo: "
    )
    assert brief(long_) == (
        b"SIP/2.0 200 \r\nv:v\r\nf:<sip:Allow: @b>\r\nt:t\r\ni:c\r\nCSeq:1 OPTIONS\r\nm:<sip:a>\r\n"
        b"l:6\r\n\r\n\r\nTo: "
    )
    sdp = b"v=0\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\na=x\r\n"
    head = b"SIP/2.0 200 \r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n"
    short = b"SIP/2.0 200 \r\nc:application/sdp\r\nl:10\r\n\r\nv=0\r\na=x\r\n"
    assert brief(head % len(sdp) + sdp) == short
    assert brief(b"BYE sip:a SIP/2.0\r\nVia: v\r\n\r\n") == b"BYE sip:a SIP/2.0\r\nVia: v\r\n\r\n"


def test_a_flood_allocates_nothing():
    if not hasattr(gc, "mem_alloc"):
        return
    g = guard()
    there = (b"10.0.0.1", 5060)
    _flood(g, 1, lambda n: b"10.0.0.1", rate=50)
    n = len(BUF)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(200):
        g.admits(BUF, n, there, NOW)
    assert gc.mem_alloc() - before <= 200, gc.mem_alloc() - before
