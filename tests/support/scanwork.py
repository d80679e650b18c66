# usip tests: what is twice as long costs twice as much, whatever it consists of
# MIT licence; Copyright (c) 2026 the usip authors
#
# growth(measure) yields (what, cost of n octets, cost of 2n). As a program, on MicroPython: the
# cost in octets of heap, all that was ever asked for.

import gc

from sip import SDP, request
from usip import digest, info, sdp
from usip.errors import ProtocolError
from usip.framer import Framer
from usip.header import address, host_port, param, split, unquote, via
from usip.message import parse
from usip.uri import Uri, equal, unescape

# What is repeated, and what stands before it once
PIECES = (
    b"<",
    b",",
    b"<,",
    b"<,>",
    b"<>",
    b'"',
    b"\\",
    b'"\\',
    b'",',
    b";",
    b"=",
    b"%41",
    b"%3b",
    b"%",
    b" ",
    b"a",
    b"9",
    b":",
    b"@",
    b"a=b,",
    b'a="b",',
    b";tag",
    b";a=<",
    b"a=rtpmap:0 x\r\n",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"a=ptime:20\r\n",
    b"Signal=5\n",
    b"\r\n x",
    b"\r\nX: y",
    b"\r\nVia: SIP/2.0/UDP a;x",
)
BEFORE = (b"", b"<", b'"')


def _uri(b):
    u = Uri(b"sip:" + b + b"@a;x=" + b)
    return equal(u, u)


def _get(name):
    def f(b):
        m = parse(request(more=(b"Contact", b"x" + b)))
        return m.all(name) + m.lines(name)

    return f


# Each with the longest that it is ever given
SCANNERS = (
    ("split", split, 4000),
    ("parameters", lambda b: split(b, b";"), 4000),
    ("param", lambda b: param(b";" + b, b"tag"), 4000),
    ("address", address, 4000),
    ("host_port", host_port, 4000),
    ("unquote", lambda b: unquote(b'"' + b + b'"'), 4000),
    ("unescape", lambda b: unescape(b, b";/?"), 4000),
    ("via", lambda b: via(b"SIP/2.0/UDP a;" + b), 4000),
    ("URI", _uri, 2000),
    ("digest", lambda b: digest.params(b), 700),
    ("SDP", lambda b: sdp.parse(SDP + b), 1800),
    ("INFO", lambda b: info.parse(b"", b), 2000),
    ("To", lambda b: parse(request(you=b)), 4000),
    ("Via", lambda b: parse(request(via=b"SIP/2.0/UDP a;branch=x," + b)), 4000),
    ("Contact", _get("contact"), 4000),
    ("stream", lambda b: Framer().feed(request(more=(b"X", b))), 4000),
)


def growth(measure, before=BEFORE, part=1):
    for name, f, most in SCANNERS:
        most //= part

        def once(data, f=f):
            try:
                f(data)
            except ProtocolError:
                pass

        for b in before:
            for piece in PIECES:
                data = b + piece * (most // len(piece))
                yield (
                    "%d octets, %s of %s%s..." % (len(data), name, b, piece),
                    measure(once, data[: most // 2]),
                    measure(once, data),
                )


def heap(f, data):
    """Octets of heap that f(data) asks for."""
    gc.collect()
    gc.disable()
    n = gc.mem_alloc()
    f(data)
    n = gc.mem_alloc() - n
    gc.enable()
    return n


def main():
    for what, a, b in growth(heap):
        n, what = what.split(" ", 1)
        print(n, a, b, what)


if __name__ == "__main__":
    main()
