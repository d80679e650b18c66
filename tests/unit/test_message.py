# usip: tests of usip.message, parse and build
# MIT licence; Copyright (c) 2026 the usip authors

from sip import request, status
from usip import limits
from usip.errors import ProtocolError, UsageError
from usip.message import Writer, parse

HEAPS = 2  # copies of a message that is as long as one may be

OPTIONS = request(body=b"\x00\r\n\r\nany \xff bytes", ctype=b"a/b")
COMPACT = (
    b"INVITE sip:door@192.0.2.1 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP a;branch=z9hG4bK1\r\nf: <sip:x@b>;tag=1\r\nt: sip:y@c;tag=2\r\ni: c1\r\n"
    b"CSEQ:  1   INVITE \r\nm: <sip:x@a>\r\nk: timer\r\ns: hi\r\nc: text/plain ; charset=x\r\n"
    b"E: gzip\r\no: mwi\r\nu: talk\r\nr: <sip:z@z>\r\nb: <sip:w@w>\r\nx: 600;refresher=uac\r\n"
    b"a: *\r\nj: *\r\nd: proxy\r\nl: 3\r\n\r\nabcdef"
)


def test_request():
    m = parse(OPTIONS)
    assert (m.method, m.uri, m.status) == (b"OPTIONS", b"sip:door@192.0.2.1", 0)
    assert (m.branch, m.sent_by) == (b"z9hG4bK1", (b"192.0.2.9", 5060))
    assert (m.call_id, m.cseq, m.cseq_method) == (b"call-1", 1, b"OPTIONS")
    assert (m.from_tag, m.to_tag) == (b"peer", b"")
    assert m.body == b"\x00\r\n\r\nany \xff bytes" and m.content_type() == b"a/b"
    assert m.get("from") == b"<sip:x@192.0.2.9>;tag=peer"
    assert m.get("contact") is None and m.all("contact") == [] and m.lines("contact") == []


def test_response():
    tail = OPTIONS[OPTIONS.find(b"\r\n") :]
    for line, code, reason in (
        (b"SIP/2.0 200 OK", 200, b"OK"),
        (b"sip/2.0 699 ", 699, b""),
        (b"SIP/2.0 100", 100, b""),  # without the space: liberal
        (b"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe", 200, b"= 2**3 * 5**2 \xd0\xbd\xd0\xbe"),
    ):
        m = parse(line + tail)
        assert (m.method, m.status, m.reason) == (b"", code, reason)
        assert m.cseq_method == b"OPTIONS"
    for line in (
        b"SIP/2.0 99 X",
        b"SIP/2.0 700 X",
        b"SIP/2.0 4294967301 X",
        b"SIP/2.0  200 X",
        b"SIP/2.0 2x0 X",
        b"SIP/2.0 +20 X",
        b"SIP/2.0",
        b"SIP/1.0 200 OK",
        b"SIP/7.0 200 OK",
        b" SIP/2.0 200 OK",
    ):
        try:
            parse(line + tail)
            raise AssertionError(line)
        except ProtocolError as e:
            # Nothing is ever answered to a response.
            assert not e.message or not e.message.method, line


def test_compact_forms():
    m = parse(COMPACT)
    assert set(m.names) == set(
        "via from to call-id cseq contact supported subject content-type content-encoding event "
        "allow-events refer-to referred-by session-expires accept-contact reject-contact "
        "request-disposition content-length".split(" ")
    )
    assert (m.from_tag, m.to_tag, m.cseq, m.cseq_method) == (b"1", b"2", 1, b"INVITE")
    assert m.body == b"abc"  # 18.3: what follows is ignored
    assert m.content_type() == b"text/plain"


def test_folding():
    data = request(more=(b"Subject", b"a\r\n  b\r\n\tc", b"Q", b"\r\n y"))
    data = data.replace(b"tag=peer", b"\r\n \ttag\r\n =\r\n peer")
    m = parse(data)
    assert m.get("subject") == b"a b c"
    assert m.get("q") == b"y"
    assert m.from_tag == b"peer"
    # A first header line cannot be folded, a fold needs white space
    assert status(parse, request().replace(b"SIP/2.0\r\nVia", b"SIP/2.0\r\n Via")) == 400
    assert status(parse, request(more=(b"Subject", b"a\r\nb"))) == 400


def test_lists_in_order():
    route = b'"a, <b>" <sip:1;lr>, <sip:2,3;lr>'
    m = parse(request(more=(b"Route", route, b"Q", b"1", b"route", b"", b"ROUTE", b" , <sip:4> ,")))
    assert m.all("route") == [b'"a, <b>" <sip:1;lr>', b"<sip:2,3;lr>", b"<sip:4>"]
    assert m.lines("route") == [route, b"", b", <sip:4> ,"]
    assert m.get("route") == route
    assert [n for n, _ in m.more] == ["route"] * 2
    m = parse(
        request(via=b"SIP/2.0/UDP a:5070;branch=z9hG4bK1 , SIP/2.0/TCP b\r\nVia: SIP/2.0/TLS c")
    )
    assert m.sent_by == (b"a", 5070) and m.branch == b"z9hG4bK1"
    assert len(m.all("via")) == 3


def test_tags():
    for value, tag in (
        (b"<sip:a@b>", b""),
        (b"<sip:a@b;tag=1>", b""),
        (b"sip:a@b;tag=1", b"1"),
        (b'"x;tag=2" <sip:a@b;tag=3>;x=1;TAG=4', b"4"),
        (b'">;tag=5" <sip:a@b> ; tag = 6', b"6"),
        (b"<sip:a@b>;tag=%41", b"%41"),
    ):
        assert parse(request(me=value)).from_tag == tag, value
        assert parse(request(you=value)).to_tag == tag, value


def test_white_space_before_colon():
    m = parse(request(more=(b"Q ", b"1", b"Y\t", b"2", b"z \t ", b"3")))
    assert (m.get("q"), m.get("y"), m.get("z")) == (b"1", b"2", b"3")
    for name in (b"", b"a b", b"(x)", b"\xc3\xa4", b"a\x00", b"a\x0b"):
        assert status(parse, request(more=(name, b"1"))) == 400, name
    assert status(parse, request().replace(b"Max-Forwards: ", b"Max-Forwards ")) == 400


def test_request_line():
    tail = OPTIONS[OPTIONS.find(b"\r\n") :]
    for line, code in (
        (b"OPTIONS sip:a SIP/2.0", None),
        (b"OPTIONS sip:a sip/2.0", None),
        (b"OPTIONS tel:+49 SIP/2.0", None),
        (b"OPTIONS  sip:a SIP/2.0", 400),
        (b"OPTIONS sip:a  SIP/2.0", 400),
        (b"OPTIONS sip:a SIP/2.0 ", 400),
        (b"OPTIONS sip:a; lr SIP/2.0", 400),
        (b"OPTIONS sip:a\tSIP/2.0", 400),
        (b"OPTIONS <sip:a> SIP/2.0", 400),
        (b"OPTIONS sip:a SIP/7.0", 505),
        (b"OPTIONS sip:a SIP/2.00", 505),
        (b"OPTIONS sip:a HTTP/1.1", 400),
        (b"OPTIONS sip:a", 400),
        (b"OPTIONS", 400),
        (b"OPT(IONS sip:a SIP/2.0", 400),
        (b"", 400),
    ):
        assert status(parse, line + tail) == code, line


def test_what_every_message_needs():
    for name in (b"Via", b"From", b"To", b"Call-ID", b"CSeq"):
        i = OPTIONS.find(name + b":")
        j = OPTIONS.find(b"\r\n", i) + 2
        assert status(parse, OPTIONS[:i] + OPTIONS[j:]) == 400, name
        if name != b"Via":
            assert status(parse, OPTIONS[:i] + OPTIONS[i:j] + OPTIONS[i:]) == 400, name
    assert status(parse, request(more=(b"Max-Forwards", b"1"))) == 400
    for cseq in (b"1", b"OPTIONS", b"-1 OPTIONS", b"4294967296 OPTIONS", b"1 (", b"", b"1 INVITE"):
        assert status(parse, OPTIONS.replace(b"1 OPTIONS", cseq)) == 400, cseq
    assert parse(OPTIONS.replace(b"1 OPTIONS", b"04294967295 OPTIONS")).cseq == 0xFFFFFFFF
    assert status(parse, request(call_id=b"")) == 400
    assert status(parse, request(via=b"SIP/2.0/UDP")) == 400


def test_faults_tell_what_could_be_read():
    # A 400 needs Via, From, To, Call-ID and CSeq of the request that it refuses.
    for data in (
        request(more=(b"bad name", b"1")),
        request().replace(b"SIP/2.0\r\nVia", b"SIP/9.0\r\nVia"),
        request(more=(b"Content-Length", b"9")),
        request(more=(b"Q", b"a\rb")),
        request(cseq=99999999999),
    ):
        try:
            parse(data)
            raise AssertionError(data)
        except ProtocolError as e:
            m = e.message
            assert m.method == b"OPTIONS" and m.get("call-id") == b"call-1" and m.get("via")


def test_content_length():
    body = b"12345"
    data = request(body=body, ctype=b"a/b")
    for value, length in ((b"5", 5), (b"0005", 5), (b"0", 0), (b"3", 3), (b" 4 ", 4)):
        m = parse(data.replace(b"Length: 5", b"Length:" + value))
        assert m.body == body[:length]
    for value in (
        b"6",
        b"-1",
        b"+5",
        b"5 5",
        b"5,5",
        b"5_0",
        b"0x5",
        b"",
        b"99999999999",
        b"5;a=b",
    ):
        assert status(parse, data.replace(b"Length: 5", b"Length: " + value)) == 400, value
    assert status(parse, data.replace(b"Length: 5", b"Length: 5\r\nl: 5")) == 400
    # Without it a datagram's end is the body's
    assert parse(data.replace(b"Content-Length: 5\r\n", b"")).body == body
    assert status(parse, data[: data.find(b"\r\n\r\n") + 2]) == 400


def test_line_ends():
    for bad in (b"\n", b"\r", b"\n ", b"\r\r", b"\n\n"):
        assert status(parse, request(more=(b"Q", b"a" + bad + b"b"))) == 400, bad
    assert status(parse, OPTIONS.replace(b"\r\nVia", b"\nVia")) == 400
    assert status(parse, OPTIONS.replace(b"\r\n", b"\n")) == 400
    assert parse(b"\r\n\r\n" + OPTIONS).method == b"OPTIONS"  # 7.5
    assert status(parse, b"\n" + OPTIONS) == 400


def test_caps():
    pad = request(more=(b"Q", b""))
    data = request(more=(b"Q", b"a" * (limits.MESSAGE_MAX - len(pad))))
    assert len(data) == limits.MESSAGE_MAX and len(parse(data).get("q")) > 7000
    assert status(parse, data + b"\r\n") == 513
    lines = limits.HEADERS_MAX - 7
    m = parse(request(more=(b"Q", b"1") * lines))
    assert len(m.names) + len(m.more) == limits.HEADERS_MAX
    assert status(parse, request(more=(b"Q", b"1") * (lines + 1))) == 513
    for data in (
        b"",
        b"\r\n",
        b"\r\n\r\n",
        b"\x00",
        b"\x00" * 40,
        b"SIP",
        b" ",
        b"\r",
        b"\n",
        b":",
    ):
        assert status(parse, data) is not None, data


def test_build_then_parse():
    w = Writer(600)
    for body in (b"", b"\x00\r\n\r\nabc"):
        w.request(b"MESSAGE", b"sip:a@b")
        rows = (
            (b"Via", b"SIP/2.0/UDP a:5070;branch=z9hG4bK7"),
            (b"Route", b"<sip:1;lr>"),
            (b"Route", b"<sip:2;lr>"),
            (b"From", b'"a \\" b" <sip:x@b>'),
            (b"To", b"<sip:y@c>"),
            (b"Call-ID", b"(x)"),
            (b"CSeq", b"7 MESSAGE"),
        )
        for name, value in rows:
            w.line(name, value, b";tag=1" if name == b"From" else b"")
        data = w.done(b"text/plain", body)
        assert isinstance(data, bytes)
        m = parse(data)
        assert (m.method, m.uri, m.body, m.from_tag) == (b"MESSAGE", b"sip:a@b", body, b"1")
        assert m.all("route") == [b"<sip:1;lr>", b"<sip:2;lr>"]
        for name, value in rows[1:]:
            assert (value + (b";tag=1" if name == b"From" else b"")) in m.lines(
                name.decode().lower()
            )
        assert m.get("from") == b'"a \\" b" <sip:x@b>;tag=1'
    w.status(487, b"Request Terminated")
    for name, value in rows:
        w.line(name, value)
    m = parse(w.done())
    assert (m.status, m.reason, m.get("content-length")) == (487, b"Request Terminated", b"0")


def usage(f, *args):
    try:
        f(*args)
    except UsageError:
        return True
    return False


def test_writer_never_cuts():
    w = Writer(100)
    w.status(200, b"OK")
    w.line(b"Q", b"a" * 50)
    w.line(b"Y", b"b" * 50)
    assert usage(w.done)
    w.status(200, b"OK")
    assert usage(w.done, b"a/b", b"c" * 60)
    w.status(200, b"OK")  # and it can be used again
    assert w.done() == b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
    w.status(200, b"OK")
    left = 100 - len(b"SIP/2.0 200 OK\r\nX: \r\nContent-Length: 0\r\n\r\n")
    w.line(b"Q", b"a" * left)
    assert len(w.done()) == 100
    w.status(200, b"OK")
    w.line(b"Q", b"a" * (left + 1))
    assert usage(w.done)
    # A line end in a value would be a header of somebody else's making
    for value in (b"a\r\nVia: x", b"a\nb", b"a\r"):
        for more in (b"", value):
            w.status(200, b"OK")
            w.line(b"Q", b"a" if more else value, more)
            assert usage(w.done)
