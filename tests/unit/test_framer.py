# usip: tests of usip.framer
# MIT licence; Copyright (c) 2026 the usip authors

from sip import request, status
from usip import limits
from usip.errors import ProtocolError
from usip.framer import Framer
from usip.message import parse

ONE = request(b"INVITE", body=b"v=0\r\n\r\n\x00\r\n", more=(b"Q", b"a\r\n b"))
TWO = request(b"BYE", cseq=2)
PING = b"\r\n\r\n"


def tell(items):
    return [x if isinstance(x, bytes) else (x.method, x.body, x.get("q")) for x in items]


WANTED = tell([parse(ONE), parse(TWO)])


def test_one_piece():
    f = Framer()
    assert tell(f.feed(ONE + TWO)) == WANTED
    assert f.feed(b"") == []
    assert tell(f.feed(TWO)) == WANTED[1:]


def test_byte_by_byte():
    f = Framer()
    out = []
    data = ONE + b"\r\n" + TWO + PING + ONE
    for i in range(len(data)):
        out += f.feed(data[i : i + 1])
    assert tell(out) == WANTED + [PING] + WANTED[:1]


def test_cut_at_each_position():
    data = ONE + TWO
    for i in range(len(data) + 1):
        f = Framer()
        assert tell(f.feed(data[:i]) + f.feed(data[i:])) == WANTED, i


def test_keep_alives():
    # RFC 5626 3.5.1: two line ends are a ping, one is nothing
    f = Framer()
    assert f.feed(b"\r\n") == []
    assert f.feed(b"\r\n") == [PING]
    assert f.feed(PING * 2) == [PING, PING]
    assert f.feed(b"\r") == [] and f.feed(b"\n\r") == [] and f.feed(b"\n") == [PING]
    assert tell(f.feed(b"\r\n" + TWO)) == WANTED[1:]
    assert tell(f.feed(PING + TWO + b"\r\n")) == [PING] + WANTED[1:]
    assert tell(f.feed(TWO)) == WANTED[1:]
    assert tell(f.feed(TWO + PING)) == WANTED[1:] + [PING]


def test_faults():
    tail = TWO[TWO.find(b"\r\n") :]
    for data, code in (
        (TWO.replace(b"Content-Length: 0\r\n", b""), 400),
        (TWO.replace(b"Length: 0", b"Length: -1"), 400),
        (TWO.replace(b"Length: 0", b"Length: 0\r\nl: 0"), 400),
        (TWO.replace(b"Length: 0", b"Length: %d" % limits.MESSAGE_MAX), 513),
        (TWO.replace(b"\r\nVia", b"\nVia"), 400),
        (b"BYE sip:a SIP/3.0" + tail, 505),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
    ):
        assert status(Framer().feed, data) == code, data


def test_answer_before_close():
    try:
        Framer().feed(TWO.replace(b"Length: 0", b"Length: x"))
        raise AssertionError
    except ProtocolError as e:
        assert e.message.method == b"BYE" and e.message.get("call-id") == b"call-1"


def test_what_came_before_a_fault_is_not_lost():
    bad = TWO.replace(b"Length: 0", b"Length: x")
    f = Framer()
    assert tell(f.feed(ONE + bad + TWO)) == WANTED[:1]
    assert status(f.feed, b"") == 400


def test_no_growth():
    f = Framer()
    code = None
    for _ in range(limits.MESSAGE_MAX // 64 + 2):
        code = status(f.feed, b"Q" * 64)
        if code:
            break
    assert code == 513
    # A header block that never ends, with line ends that start like a ping
    f = Framer()
    assert f.feed(b"\r\n\r") == []
    assert status(f.feed, b"Q" * 64) == 400
