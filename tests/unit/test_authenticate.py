# usip: tests of usip.server.authenticate
# MIT licence; Copyright (c) 2026 the usip authors

from usip import limits
from usip.clock import later
from usip.digest import Credentials, credentials
from usip.errors import ProtocolError
from usip.server.authenticate import Authenticator

URI = b"sip:house"
START = 0x3FFFFFFF - 1000  # the clock wraps soon


def passwords(user):
    return {b"door": b"secret", b'q"\\': b"quoted", b"none": b""}.get(user)


def guard(**more):
    return Authenticator(b'the "house"', passwords, **more)


def ask(auth, client, now, method=b"REGISTER"):
    """One request with what the client has; what check() says."""
    return auth.check(client.authorization(False, method, URI), method, URI, now)


def challenged(auth, now, user=b"door", password=b"secret"):
    client = Credentials(user, password)
    assert client.challenge(auth.challenges(now), False)
    return client


def test_right_and_wrong():
    auth = guard()
    c = challenged(auth, START)
    for i in range(3):  # nc counts on
        assert ask(auth, c, later(START, i * 1000)) == (b"door", False)
    assert b"SHA-256" in c.authorization(False, b"X", URI)
    assert ask(auth, challenged(auth, START, b"door", b"guess"), START) == (None, False)
    assert ask(auth, challenged(auth, START, b"stranger"), START) == (None, False)
    assert ask(auth, challenged(auth, START, b"none", b""), START) == (None, False)
    assert ask(auth, challenged(auth, START, b'q"\\', b"quoted"), START) == (b'q"\\', False)


def test_md5_client():
    auth = guard()
    c = Credentials(b"door", b"secret")
    assert c.challenge(auth.challenges(START)[1:], False)
    assert ask(auth, c, START) == (b"door", False)
    auth = guard(algorithms=(b"SHA-256",))
    assert len(auth.challenges(START)) == 1
    assert ask(auth, c, START) == (None, False)


def test_rfc2069_client_once_per_nonce():
    auth = guard()
    c = Credentials(b"door", b"secret")
    v = auth.challenges(START)[0].replace(b'qop="auth", ', b"")
    assert c.challenge([v], False)
    assert ask(auth, c, START) == (b"door", False)
    assert ask(auth, c, START) == (None, True)


def test_expiry():
    auth = guard(nonce_ms=5000)
    c = challenged(auth, START)
    assert ask(auth, c, later(START, 4999)) == (b"door", False)
    assert ask(auth, c, later(START, 5000)) == (None, True)
    v = auth.challenges(later(START, 5000), True)
    assert b"stale=true" in v[0]
    assert c.challenge(v, False, 9)
    assert ask(auth, c, later(START, 5001)) == (b"door", False)
    # a wrong password is never told that its nonce is stale
    c = challenged(auth, START, b"door", b"guess")
    assert ask(auth, c, later(START, 9000)) == (None, False)


def test_clock_comes_round():
    auth = guard()
    c = challenged(auth, 5)
    v = c.authorization(False, b"REGISTER", URI)
    for day in range(12):
        auth.challenges(day * 86400000)
    assert auth.check(v, b"REGISTER", URI, 6) == (None, True)


def test_clock_comes_round_while_nobody_comes():
    # The agent's poll() is all that happens, when it says so.
    period = 0x40000000
    for late in (0, 1, 200_000, 86_400_000):
        auth = guard()
        assert auth.poll(START) is None
        v = challenged(auth, START).authorization(False, b"REGISTER", URI)
        passed = 0
        while True:
            ms = auth.poll(later(START, passed))
            if ms is None or passed + ms > period + late:
                break
            assert ms > 0
            passed += ms
        now = later(START, period + late)
        assert auth.check(v, b"REGISTER", URI, now) == (None, True), late
        assert ask(auth, challenged(auth, now), now) == (b"door", False)


def test_replay():
    auth = guard()
    c = challenged(auth, START)
    v = c.authorization(False, b"REGISTER", URI)
    w = c.authorization(False, b"REGISTER", URI)
    assert auth.check(w, b"REGISTER", URI, START) == (b"door", False)
    assert auth.check(w, b"REGISTER", URI, START) == (None, True)
    assert auth.check(v, b"REGISTER", URI, START) == (None, True)  # older than one that was seen


def test_replay_when_the_table_is_full():
    auth = guard()
    c = challenged(auth, START)
    v = c.authorization(False, b"REGISTER", URI)
    assert auth.check(v, b"REGISTER", URI, START) == (b"door", False)
    for i in range(limits.NONCES + 1):
        now = later(START, 10 * i + 10)
        assert ask(auth, challenged(auth, now), now) == (b"door", False)
    assert auth.check(v, b"REGISTER", URI, now) == (None, True)
    assert ask(auth, challenged(auth, now), now) == (b"door", False)
    assert len(auth._used) == limits.NONCES


def test_foreign_nonce_is_stale():
    # The registrar was started anew: its secret is another.
    assert ask(guard(), challenged(guard(), START), START) == (None, True)
    auth = guard()
    auth.challenges(START)
    for nonce in (b"x", b"", b"0" * 48, b"\xff" * 48):
        c = challenged(auth, START)
        c.info(b'nextnonce="%s"' % nonce)
        assert ask(auth, c, START)[0] is None or not nonce


def test_what_the_digest_covers():
    auth = guard()
    c = challenged(auth, START)
    v = c.authorization(False, b"REGISTER", URI)
    assert auth.check(v, b"INVITE", URI, START) == (None, False)
    assert auth.check(v, b"REGISTER", b"sip:other", START) == (None, False)
    assert auth.check(v.replace(b"house", b"home"), b"REGISTER", URI, START) == (None, False)
    assert auth.check(v.replace(b"SHA-256", b"MD5"), b"REGISTER", URI, START) == (None, False)
    p = credentials(v)
    for part in (p[b"response"][:-1], p[b"cnonce"], p[b"nonce"][8:]):
        assert auth.check(v.replace(part, part[1:] + b"0"), b"REGISTER", URI, START)[0] is None


def test_nonsense():
    auth = guard()
    v = challenged(auth, START).authorization(False, b"REGISTER", URI)
    assert auth.check(b"Basic ZG9vcjpzZWNyZXQ=", b"REGISTER", URI, START) == (None, False)
    assert auth.check(b"", b"REGISTER", URI, START) == (None, False)
    assert auth.check(b"Digest", b"REGISTER", URI, START) == (None, False)
    for a, b in (
        (b"nc=00000001", b"nc=+1"),
        (b"nc=00000001", b"nc=+0000001"),
        (b"nc=00000001", b"nc=0000_001"),
        (b"qop=auth", b"qop=auth-int"),
        (b'nonce="', b'nonce="x", nonce="'),
        (b'username="', b'username="\n'),
    ):
        assert a in v
        try:
            auth.check(v.replace(a, b), b"REGISTER", URI, START)
        except ProtocolError as e:
            assert e.status == 400
        else:
            raise AssertionError(b)
