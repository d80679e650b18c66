# usip: tests of usip.header
# MIT licence; Copyright (c) 2026 the usip authors

from sip import status
from usip.header import (
    address,
    host_port,
    is_token,
    number,
    param,
    quote,
    split,
    unquote,
    via,
)


def test_tokens():
    for t in (
        b"INVITE",
        b"a",
        b"Z9",
        b"-.!%*_+`'~",
        b"!interesting-Method0123456789_*+`.%indeed'~",
    ):
        assert is_token(t), t
    for t in (
        b"",
        b" ",
        b"a b",
        b"a:b",
        b"(a)",
        b"<a>",
        b"@",
        b",",
        b";",
        b'"',
        b"\x00",
        b"\xc3\xa4",
        b"[",
        b"{",
    ):
        assert not is_token(t), t


def test_numbers():
    for b, n in (
        (b"0", 0),
        (b"70", 70),
        (b"0070", 70),
        (b"0" * 300 + b"7", 7),
        (b"1073741823", 0x3FFFFFFF),
    ):
        assert number(b) == n
    assert number(b"4294967295", 0xFFFFFFFF) == 0xFFFFFFFF
    # CPython refuses to read more than 4,300 digits in its own way
    assert number(b"0" * 5000) == 0
    # What int() takes and SIP does not
    for b in (
        b"",
        b"+1",
        b"-1",
        b" 1",
        b"1 ",
        b"1_0",
        b"0x1",
        b"1.5",
        b"\xd9\xa1",
        b"1\x00",
        b"1" * 5000,
    ):
        assert status(number, b) == 400, b
    for b in (b"1073741824", b"4294967296", b"99999999999999999999"):
        assert status(number, b) == 400
    assert status(number, b"256", 255) == 400


def test_split():
    rows = (
        (b"a", [b"a"]),
        (b"", [b""]),
        (b"a,b", [b"a", b"b"]),
        (b" a , b ,c", [b"a", b"b", b"c"]),
        (b'"a,b" <sip:c>,d', [b'"a,b" <sip:c>', b"d"]),
        (b"<sip:a,b@c>;x=1,<sip:d>", [b"<sip:a,b@c>;x=1", b"<sip:d>"]),
        (b"a,<b,<,c>x, ,d>e,<f>g<h,>", [b"a", b"<b,<,c>x", b"", b"d>e", b"<f>g<h,>"]),
        # an escaped quote does not end the string; a < in one opens nothing
        (b'"a\\"," <sip:b>, c', [b'"a\\"," <sip:b>', b"c"]),
        (b'"a\\\\",b', [b'"a\\\\"', b"b"]),
        (b'"<,>",b', [b'"<,>"', b"b"]),
        (b'"\\\x00,",b', [b'"\\\x00,"', b"b"]),
        # a quote within <> is no quoted string
        (b'<sip:a"b>,c', [b'<sip:a"b>', b"c"]),
    )
    for value, parts in rows:
        assert split(value) == parts, value
    assert split(b'a;b="c;d";e', b";") == [b"a", b'b="c;d"', b"e"]
    for value in (
        b'"',
        b'"a',
        b'a"b',
        b"<",
        b"<a",
        b"a,<b,",
        b"<a>,<,>,<",
        b'"a\\"',
        b'<sip:a>,"b',
        b'"\\',
    ):
        assert status(split, value) == 400, value


def test_parameters():
    p = b';tag=1;LR;Expires = 60 ;q="a;b=c";x=;received=2001:db8::1'
    for name, value in (
        (b"tag", b"1"),
        (b"lr", b""),
        (b"expires", b"60"),
        (b"q", b'"a;b=c"'),
        (b"x", b""),
        (b"received", b"2001:db8::1"),
        (b"b", None),
        (b"ta", None),
        (b"agg", None),
    ):
        assert param(p, name) == value, name
    assert param(b"", b"a") is None
    assert param(b"; lr ;a", b"lr") == b""
    assert status(param, b';x="', b"x") == 400


def test_quoting():
    for raw, quoted in (
        (b"", b'""'),
        (b"a", b'"a"'),
        (b'a"b', b'"a\\"b"'),
        (b"a\\b", b'"a\\\\b"'),
        (b"\xc3\xa4 ,;<>", b'"\xc3\xa4 ,;<>"'),
    ):
        assert quote(raw) == quoted
        assert unquote(quoted) == raw
    # Any character may be escaped, a backslash counts once
    assert unquote(b'"\\a\\\\\\"\\\x00"') == b'a\\"\x00'
    assert unquote(b'"a\\\\\\\\b"') == b"a\\\\b"
    for b in (b"", b"a", b'"', b'a"', b'"a'):
        assert unquote(b) == b


def test_addresses():
    rows = (
        (b"<sip:a@b>", b"", b"sip:a@b", b""),
        (b"sip:a@b", b"", b"sip:a@b", b""),
        # 20.10: without <> what follows the semicolon belongs to the header, within them to the URI
        (b"sip:a@b;x=1", b"", b"sip:a@b", b";x=1"),
        (b"<sip:a@b;x=1>;y=2", b"", b"sip:a@b;x=1", b";y=2"),
        (b"<sip:a@b?Route=%3Csip:c%3E>", b"", b"sip:a@b?Route=%3Csip:c%3E", b""),
        (b"<sip:a@b> ; tag=1", b"", b"sip:a@b", b"; tag=1"),
        (b"sip:a@b ;tag=1", b"", b"sip:a@b", b";tag=1"),
        (b"Mr Watson <sip:a@b>", b"Mr Watson", b"sip:a@b", b""),
        # RFC 4475 3.1.1.6: no white space needed
        (b"caller<sip:a@b>;tag=3", b"caller", b"sip:a@b", b";tag=3"),
        (b'"Front, \\"door\\""<sip:a@b>', b'Front, "door"', b"sip:a@b", b""),
        (b'"a<b>\\\\" <sip:a@b>;t', b"a<b>\\", b"sip:a@b", b";t"),
        (b'""<sip:a@b>', b"", b"sip:a@b", b""),
        (b"\xc3\xa4 <tel:+49-30>", b"\xc3\xa4", b"tel:+49-30", b""),
        (b"  <sip:a@b>  ", b"", b"sip:a@b", b""),
        (b"*", b"", b"*", b""),
    )
    for value, display, uri, params in rows:
        assert address(value) == (display, uri, params), value
    for value in (
        b"",
        b"<>",
        b"<sip:a@b",
        b'"a',
        b'"a\\"',
        b'"a" sip:a@b',
        b'"a"',
        b"sip:a@b?x=y",
        b"sip:a@b, sip:c",
        b"sip:a @b",
        b"sip:a\t@b",
        b"<sip:a@b> x",
        b"<sip:a@b><sip:c@d>",
        b'Joe "x" <sip:a@b>',
        b";tag=1",
    ):
        assert status(address, value) == 400, value


def test_host_and_port():
    for value, host, port in (
        (b"a", b"a", 0),
        (b"a.b-c_d:5060", b"a.b-c_d", 5060),
        (b"192.0.2.1:65535", b"192.0.2.1", 65535),
        (b"[2001:db8::1]", b"[2001:db8::1]", 0),
        (b"[::FFFF:192.0.2.1]:5061", b"[::FFFF:192.0.2.1]", 5061),
        (b"a:05060", b"a", 5060),
    ):
        assert host_port(value) == (host, port)
    for value in (
        b"",
        b":5060",
        b"a:",
        b"a:65536",
        b"a:-1",
        b"a:5060x",
        b"a b",
        b"a/b",
        b"2001:db8::1",
        b"[2001:db8::1",
        b"[]",
        b"[g::1]",
        b"[::1]5060",
        b"[::1]:",
        b"\xc3\xa4",
    ):
        assert status(host_port, value) == 400, value


def test_via():
    for value, parts in (
        (b"SIP/2.0/UDP a;branch=z9hG4bK1", (b"UDP", b"a", 0, b";branch=z9hG4bK1")),
        (b"sip/2.0/tcp a.b:5070", (b"TCP", b"a.b", 5070, b"")),
        (
            b"SIP / 2.0 / TLS  [2001:db8::9] : 5061 ; rport ;branch=1",
            (b"TLS", b"[2001:db8::9]", 5061, b"; rport ;branch=1"),
        ),
        (b"SIP/2.0/UNKNOWN a", (b"UNKNOWN", b"a", 0, b"")),
    ):
        assert via(value) == parts, value
    for value in (
        b"",
        b"SIP/2.0/UDP",
        b"SIP/2.0 UDP a",
        b"SIP/3.0/UDP a",
        b"HTTP/1.1/TCP a",
        b"SIP/2.0/UDP a b",
        b"SIP/2.0/UDP a;;branch=1",
        b"SIP/2.0/UDP a;",
        b"SIP/2.0/ a",
        b"SIP/2.0/U(P a",
        b"SIP/2.0/UDP a:99999",
        b"SIP/2.0/UDP ;branch=1",
    ):
        assert status(via, value) == 400, value
