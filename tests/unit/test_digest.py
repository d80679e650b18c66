# usip: tests of usip.digest
# MIT licence; Copyright (c) 2026 the usip authors

import usip.digest as digest
from usip.digest import Credentials, credentials, params
from usip.errors import ProtocolError

NONCE_7616 = b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE_7616 = b"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE_7616 = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
BOX = b'Digest realm="fritz.box", nonce="A4F0C0F6F7B8D1E2"'


def answer(credentials_, values, method, uri, cnonce=b"0", proxy=False):
    """The parameters of the answer to a challenge, with a cnonce that is known."""
    keep = digest.token
    digest.token = lambda n: cnonce
    try:
        assert credentials_.challenge(values, proxy)
        value = credentials_.authorization(proxy, method, uri)
    finally:
        digest.token = keep
    return credentials(value)


def refused(f, *args):
    try:
        f(*args)
    except ProtocolError as e:
        return e.status == 400
    return False


def test_rfc2617_3_5():
    c = Credentials(b"Mufasa", b"Circle Of Life")
    a = answer(
        c,
        [
            b'Digest realm="testrealm@host.com", qop="auth,auth-int", '
            b'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        ],
        b"GET",
        b"/dir/index.html",
        b"0a4f113b",
    )
    assert a[b"response"] == b"6629fae49393a05397450978507c4ef1"
    assert a[b"nc"] == b"00000001" and a[b"cnonce"] == b"0a4f113b" and a[b"qop"] == b"auth"
    assert a[b"username"] == b"Mufasa" and a[b"uri"] == b"/dir/index.html"
    assert a[b"opaque"] == b"5ccc069c403ebaf9f0171e9517f40e41"
    assert b"algorithm" not in a


def rfc7616(algorithm):
    return (
        b'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm='
        + algorithm
        + b', nonce="%s", opaque="%s"' % (NONCE_7616, OPAQUE_7616)
    )


def test_rfc7616_3_9_1():
    for algorithm, want in (
        (b"MD5", b"8ca523f5e9506fed4657c9700eebdbec"),
        (b"SHA-256", b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        c = Credentials(b"Mufasa", b"Circle of Life")
        a = answer(c, [rfc7616(algorithm)], b"GET", b"/dir/index.html", CNONCE_7616)
        assert a[b"response"] == want
        assert a[b"algorithm"] == algorithm


def test_session_forms():
    for algorithm, want in (
        (b"MD5-sess", b"e783283f46242139c486a698fec7211d"),
        (b"SHA-256-sess", b"2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"),
    ):
        c = Credentials(b"Mufasa", b"Circle of Life")
        a = answer(c, [rfc7616(algorithm)], b"GET", b"/dir/index.html", CNONCE_7616)
        assert a[b"response"] == want
        # nonce and cnonce of A1 are those of the first answer (3.4.2), also after nextnonce
        c.info(b'nextnonce="fresh"')
        b = credentials(c.authorization(False, b"GET", b"/"))
        assert b[b"cnonce"] == CNONCE_7616 and b[b"nonce"] == b"fresh" and b[b"nc"] == b"00000001"


def test_fritz_box_without_qop():
    a = answer(Credentials(b"door", b"secret"), [BOX], b"REGISTER", b"sip:fritz.box")
    assert a[b"response"] == b"e6f22ed05305ac67e99446fba78c97d6"
    for name in (b"qop", b"nc", b"cnonce", b"opaque", b"algorithm"):
        assert name not in a


def test_rfc2069_form():
    a = answer(
        Credentials(b"Mufasa", b"CircleOfLife"),
        [
            b'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            b'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        ],
        b"GET",
        b"/dir/index.html",
    )
    assert a[b"response"] == b"1949323746fe6a43ef61f9606e7febea"


def test_tolerant_reading():
    p = params(b' NONCE = abc== ,, realm="a \\"b\\\\ , x=y" ,x="1" junk, stale=TRUE,flag, qop=auth')
    assert p[b"nonce"] == b"abc=="
    assert p[b"realm"] == b'a \\"b\\\\ , x=y'
    assert p[b"stale"] == b"TRUE" and p[b"qop"] == b"auth" and p[b"x"] == b"1"
    assert params(b'realm="", nonce=') == {b"realm": b"", b"nonce": b""}
    # two challenges in one line: the first
    p = credentials(b'Digest realm="a", nonce=1, Digest realm="b", nonce=2')
    assert p == {b"realm": b"a", b"nonce": b"1"}
    assert credentials(b"dIGEST\tnonce=1") == {b"nonce": b"1"}
    assert credentials(b"Basic realm=1") is None
    assert credentials(b"Digestive realm=1") is None
    assert credentials(b"Digest") is None


def test_refused_reading():
    assert refused(params, b'realm="a')
    assert refused(params, b'realm="a\\"')
    assert refused(params, b'realm=a"b')
    assert refused(params, b"realm=a\\")
    assert refused(params, b'realm="a\r\nX: y"')
    assert refused(params, b"nonce=1,nonce=2")
    assert refused(params, b"a=" + b"x" * 2000)
    assert refused(params, b",".join([b"a%d=1" % i for i in range(40)]))


def test_realm_goes_back_as_it_came():
    c = Credentials(b'us"er', b"p")
    assert c.challenge([b'Digest realm="a \\"b\\"", nonce="n\\\\"'], False)
    v = c.authorization(False, b"REGISTER", b"sip:x")
    assert b'realm="a \\"b\\"", nonce="n\\\\"' in v
    assert b'username="us\\"er"' in v


def test_choice():
    md5 = b'Digest realm="r", nonce="m", algorithm=MD5'
    sha = b'Digest realm="r", nonce="s", algorithm=sha-256'
    for values, nonce in (
        ([md5, sha], b"s"),
        ([sha, md5], b"s"),
        ([b"Basic realm=r", md5, md5.replace(b'"m"', b'"n"')], b"m"),
        ([b'Digest realm="r', md5], b"m"),
        ([md5.replace(b"MD5", b"SHA-512-256"), md5], b"m"),
        ([md5 + b", qop=auth-int", md5], b"m"),
        ([md5 + b', qop="auth-int,AUTH"'], b"m"),
        ([sha + b", qop=auth-int", md5], None),  # no downgrade
        ([md5 + b", qop=auth-int"], None),
        ([b"Digest algorithm=MD5-sess"], None),
        ([b"Digest nonce=1", b'Digest realm="r"', b'Digest realm="r", nonce=""'], None),
        ([], None),
    ):
        c = Credentials(b"u", b"p")
        if nonce is None:
            assert c.challenge(values, False) == 0
            assert c.authorization(False, b"INVITE", b"sip:x") is None
        else:
            assert c.challenge(values, False)
            assert credentials(c.authorization(False, b"INVITE", b"sip:x"))[b"nonce"] == nonce


def test_counting():
    c = Credentials(b"u", b"p")
    q = BOX + b', qop="auth"'

    def nc():
        a = credentials(c.authorization(False, b"INVITE", b"sip:x"))
        return a[b"nc"], a[b"cnonce"]

    assert c.challenge([q], False)
    one, two = nc(), nc()
    assert one[0] == b"00000001" and two[0] == b"00000002" and one[1] != two[1]
    assert c.challenge([q], False)  # the same nonce once more, for another request
    assert nc()[0] == b"00000003"
    c.info(b'qop=auth, nextnonce="n2", rspauth="1"')
    assert nc()[0] == b"00000001"
    c.info(b'nextnonce="n2"')
    assert nc()[0] == b"00000002"
    c.info(b'nextnonce="n3')  # nonsense
    c.info(b"")
    c.info(b"nextnonce=x", True)  # no proxy has asked
    assert nc()[0] == b"00000003"


def test_wrong_password_stops():
    c = Credentials(b"u", b"p")
    tries = c.challenge([BOX], False, 0)
    assert tries
    assert c.challenge([BOX.replace(b"A4", b"B5")], False, tries) == 0
    # the next request tries again, even though the last one's nonce is known
    assert c.challenge([BOX], False, 0)


def test_stale_once():
    c = Credentials(b"u", b"p")
    tries = c.challenge([BOX], False, 0)
    tries = c.challenge([BOX + b", stale=true"], False, tries)
    assert tries
    assert c.challenge([BOX + b", stale=true"], False, tries) == 0


def test_proxy_and_registrar():
    c = Credentials(b"u", b"p")
    tries = c.challenge([BOX.replace(b"fritz.box", b"proxy")], True, 0)
    tries = c.challenge([BOX], False, tries)
    assert tries
    assert b"fritz.box" in c.authorization(False, b"INVITE", b"sip:x")
    assert b"proxy" in c.authorization(True, b"INVITE", b"sip:x")
    assert c.challenge([BOX.replace(b"fritz.box", b"third")], True, tries) == 0


def test_realm_binding():
    other = BOX.replace(b"fritz.box", b"evil.example")
    c = Credentials(b"u", b"p", [b"fritz.box"])
    assert c.challenge([other], False) == 0
    assert c.challenge([other, BOX], False)
    c = Credentials(b"u", b"p")
    c.bind()  # accepted without having been asked: nothing learnt
    assert c.challenge([BOX], False)
    c.bind()
    assert c.challenge([other], False) == 0 and c.challenge([other], True) == 0
    assert c.challenge([BOX], False)


def test_repr_tells_nothing():
    c = Credentials(b"u", b"hush")
    assert c.challenge([BOX], False)
    assert "hush" not in repr(c) and "hush" not in str(c)
