# usip: tests of usip.uri
# MIT licence; Copyright (c) 2026 the usip authors

from sip import status
from usip.uri import Uri, equal, unescape


def test_parts():
    rows = (
        # text, scheme, user, password, host, port, params, headers
        (b"sip:b", b"sip", None, None, b"b", 0, b"", b""),
        (b"SIP:a@b", b"sip", b"a", None, b"b", 0, b"", b""),
        (b"sips:a:pw@b:5061", b"sips", b"a", b"pw", b"b", 5061, b"", b""),
        (b"sip:a:@b", b"sip", b"a", b"", b"b", 0, b"", b""),
        (b"sip:a@b;lr;transport=tcp", b"sip", b"a", None, b"b", 0, b";lr;transport=tcp", b""),
        (b"sip:a@b?x=1&y=2", b"sip", b"a", None, b"b", 0, b"", b"x=1&y=2"),
        (b"sip:a@b;p?x", b"sip", b"a", None, b"b", 0, b";p", b"x"),
        (b"sip:[2001:db8::10]:5070", b"sip", None, None, b"[2001:db8::10]", 5070, b"", b""),
        (b"sip:a@[::1];lr", b"sip", b"a", None, b"[::1]", 0, b";lr", b""),
        # A PBX's codes stay as they are: nothing is normalised or dropped
        (b"sip:**9@fritz.box", b"sip", b"**9", None, b"fritz.box", 0, b"", b""),
        (b"sip:**610@b", b"sip", b"**610", None, b"b", 0, b"", b""),
        (b"sip:#31#0@b", b"sip", b"#31#0", None, b"b", 0, b"", b""),
        (b"sip:%2A%2A9%23@b", b"sip", b"%2A%2A9%23", None, b"b", 0, b"", b""),
        # RFC 4475 3.1.1.9: the user part may look like parameters or headers
        (
            b"sip:user;par=u%40example.net@b",
            b"sip",
            b"user;par=u%40example.net",
            None,
            b"b",
            0,
            b"",
            b"",
        ),
        (b"sip:a?b=c@d", b"sip", b"a?b=c", None, b"d", 0, b"", b""),
        (
            b"sip:+4930;ext=7@b;user=phone",
            b"sip",
            b"+4930;ext=7",
            None,
            b"b",
            0,
            b";user=phone",
            b"",
        ),
    )
    for text, scheme, user, password, host, port, params, headers in rows:
        u = Uri(text)
        assert (u.scheme, u.user, u.password) == (scheme, user, password), text
        assert (u.host, u.port, u.params, u.headers) == (host, port, params, headers), text
        # Build then parse is the identity, but for the case of the scheme
        assert u.text() == scheme + text[text.find(b":") :]
        assert equal(Uri(u.text()), u)
        assert b"?" not in u.text(True) or b"?" in (user or b"")


def test_other_schemes():
    for text, scheme in (
        (b"tel:+49-30", b"tel"),
        (b"ISBN:2983792873", b"isbn"),
        (b"name:John", b"name"),
    ):
        u = Uri(text)
        assert u.scheme == scheme and not u.host
        assert u.opaque == text[text.find(b":") + 1 :]
        assert u.text() == scheme + b":" + u.opaque


def test_parameters():
    u = Uri(b"sip:a@b;LR;Transport=TCP;x=")
    assert u.param(b"lr") == b"" and u.param(b"transport") == b"TCP" and u.param(b"x") == b""
    assert u.param(b"y") is None and Uri(b"sip:a").param(b"lr") is None


def test_refused():
    for text in (
        b"",
        b"sip",
        b"sip:",
        b":a",
        b"1sip:a",
        b"sip:@b",
        b"sip::pw@b",
        b"sip:a@",
        b"sip:a@b:",
        b"sip:a@b:x",
        b"sip:a@b:65536",
        b"sip:a@b c",
        b"sip:a\r\nb",
        b"sip:a\x00@b",
        b"<sip:a@b>",
        b"sip:a<b",
        b'sip:"a"@b',
        b"sip:a@b@c",
        b"sip:a@[::1",
        b"sip:a@2001:db8::1",
        b"sip:a@b/c",
        b"sip:;lr",
    ):
        assert status(Uri, text) == 400, text


def test_unescape():
    for b, out in (
        (b"", b""),
        (b"a%20b", b"a b"),
        (b"%2A%2a%23", b"**#"),
        (b"%00x", b"\x00x"),
        # once, never what an escape gave (RFC 4475 3.1.1.3)
        (b"value%25%34%31", b"value%41"),
        (b"%2525", b"%25"),
        # no escape: it stays
        (b"%", b"%"),
        (b"%4", b"%4"),
        (b"%zz%4g%-1", b"%zz%4g%-1"),
        (b"%%41", b"%A"),
        (b"100%", b"100%"),
    ):
        assert unescape(b) == out, b
    # A reserved character stays escaped, in one way
    assert unescape(b"%3b%41%3B%", b";") == b"%3BA%3B%"


# RFC 3261 19.1.4's own examples, and some of ours
SAME = (
    (b"sip:%61lice@atlanta.com;transport=TCP", b"sip:alice@AtLanTa.CoM;Transport=tcp"),
    (b"sip:carol@chicago.com", b"sip:carol@chicago.com;newparam=5"),
    (b"sip:carol@chicago.com;newparam=5", b"sip:carol@chicago.com;security=on"),
    (
        b"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        b"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        b"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        b"sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    (b"sip:**9@b", b"sip:%2A%2a9@b"),
    (b"SIP:a@[2001:DB8::1]", b"sip:a@[2001:db8::1]"),
    (b"sip:a@b;lr", b"sip:a@b"),
    (b"tel:+49", b"TEL:+49"),
)
APART = (
    (b"SIP:ALICE@AtLanTa.CoM;Transport=udp", b"sip:alice@AtLanTa.CoM;Transport=UDP"),
    (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com:5060"),
    (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com;transport=udp"),
    (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com:6000;transport=tcp"),
    (b"sip:carol@chicago.com", b"sip:carol@chicago.com?Subject=next%20meeting"),
    (b"sip:bob@phone21.boxesbybob.com", b"sip:bob@192.0.2.4"),
    (b"sip:carol@chicago.com;security=on", b"sip:carol@chicago.com;security=off"),
    (b"sip:a@b", b"sips:a@b"),
    (b"sip:a@b", b"sip:b"),
    (b"sip:a:x@b", b"sip:a@b"),
    (b"sip:a:x@b", b"sip:a:X@b"),
    (b"sip:a@b;user=phone", b"sip:a@b"),
    (b"sip:a@b;ttl=1", b"sip:a@b"),
    (b"sip:a@b;maddr=c", b"sip:a@b"),
    (b"sip:a@b;method=x", b"sip:a@b"),
    # a %00 shortens no user name (RFC 4475 3.1.1.4)
    (b"sip:null-%00-null@b", b"sip:null-@b"),
    # 19.1.4: a reserved character is not its own escape
    (b"sip:a%3Bb@c", b"sip:a;b@c"),
    (b"tel:+49", b"tel:+48"),
)


def test_equal():
    for a, b in SAME:
        assert equal(Uri(a), Uri(b)) and equal(Uri(b), Uri(a)), (a, b)
        assert equal(Uri(a), Uri(a)) and equal(Uri(b), Uri(b))
    for a, b in APART:
        assert not equal(Uri(a), Uri(b)) and not equal(Uri(b), Uri(a)), (a, b)
