# usip: properties of digest, its server side, MD5 and SDP, by Hypothesis
# MIT licence; Copyright (c) 2026 the usip authors

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from usip import _md5_plain, limits, md5
from usip.digest import Credentials, credentials, params
from usip.errors import ProtocolError
from usip.sdp import Session
from usip.server.authenticate import Authenticator

URI = b"sip:house"
NAMES = (
    b"realm nonce qop algorithm opaque stale domain nextnonce uri username response nc cnonce x"
).split()
# What a peer could write, nearly right: the interesting mistakes are a byte away from the grammar.
VALUE = st.one_of(
    st.sampled_from(
        [b"auth", b'"auth,auth-int"', b"MD5", b"SHA-256-sess", b"true", b'"', b"\\", b""]
    ),
    st.binary(max_size=12),
    st.binary(max_size=12).map(lambda b: b'"' + b + b'"'),
)
PARAM = st.tuples(st.sampled_from(NAMES), VALUE).map(b"=".join)
CHALLENGE = st.one_of(
    st.binary(max_size=100),
    st.lists(PARAM, max_size=8).map(lambda p: b"Digest " + b", ".join(p)),
    st.lists(PARAM, max_size=4).map(
        lambda p: b'Digest realm="r", nonce="n", ' + b",".join(p) + b", opaque=o"
    ),
)
PRINTABLE = st.binary(min_size=1, max_size=20).map(lambda b: bytes(33 + c % 94 for c in b))


def outcome(f, *args):
    try:
        return f(*args)
    except ProtocolError as e:
        assert e.status in (400, 413, 488)
        return None


@given(st.lists(CHALLENGE, max_size=3), st.booleans(), CHALLENGE)
def test_any_challenge(values, proxy, info):
    c = Credentials(b"u", b"p")
    tries = 0
    for _ in range(10):  # no peer keeps a request going
        tries = c.challenge(values, proxy, tries)
        if not tries:
            break
        v = c.authorization(proxy, b"REGISTER", URI)
        # What we write can be read, and no byte of the peer's can add a line or a parameter to it.
        p = credentials(v)
        assert p[b"uri"] == URI and p[b"username"] == b"u" and b"\r" not in v and b"\n" not in v
        assert set(p) <= set(NAMES)
        c.info(info, proxy)
    else:
        raise AssertionError("endless")


@given(CHALLENGE)
def test_any_credentials(value):
    auth = Authenticator(b"r", lambda user: b"p")
    auth.challenges(0)
    result = outcome(auth.check, value, b"REGISTER", URI, 0)
    assert result is None or result[0] is None


@given(st.binary(max_size=60))
def test_any_parameters(value):
    outcome(params, value)


@given(
    PRINTABLE,
    PRINTABLE,
    PRINTABLE,
    st.integers(0, limits.NUMBER_MAX),
    st.sampled_from([(b"MD5",), (b"SHA-256",), (b"SHA-256", b"MD5")]),
)
def test_client_and_server_agree(user, password, realm, now, algorithms):
    auth = Authenticator(realm, {user: password}.get, algorithms)
    client = Credentials(user, password)
    assert client.challenge(auth.challenges(now), False)
    for _ in range(2):
        v = client.authorization(False, b"REGISTER", URI)
        assert auth.check(v, b"REGISTER", URI, now) == (user, False)
        assert auth.check(v, b"REGISTER", URI, now) == (None, True)


@given(st.binary(max_size=300))
def test_md5_is_md5(data):
    keep = md5.block
    md5.block = _md5_plain.block
    try:
        assert md5.md5(data) == hashlib.md5(data).digest()
    finally:
        md5.block = keep


LINE = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"v=0",
            b"c=IN IP4 192.0.2.7",
            b"c=IN IP6 ::",
            b"o=- 1 1 IN IP4 h",
            b"a=sendonly",
            b"a=inactive",
            b"a=rtpmap:101 telephone-event/8000",
            b"a=rtpmap:0 x",
            b"t=1 2",
            b"m=audio 6000 RTP/AVP 0 8 101",
            b"m=audio 6000 RTP/SAVP 0",
        ]
    ),
    st.tuples(
        st.sampled_from([b"m=audio ", b"m=video ", b"a=ptime:", b"a=rtpmap:", b"c=IN IP4 "]),
        st.binary(max_size=20),
    ).map(b"".join),
    st.tuples(st.integers(-1, 70000), st.lists(st.integers(-1, 130), max_size=40)).map(
        lambda t: b"m=audio %d RTP/AVP " % t[0] + b" ".join(b"%d" % f for f in t[1])
    ),
)
BODY = st.tuples(
    st.lists(LINE, max_size=12), st.sampled_from([b"\r\n", b"\n", b" \r\n "]), st.binary(max_size=3)
).map(lambda t: t[1].join(t[0]) + t[2])


def media_lines(body):
    return [x[2:] for x in body.split(b"\r\n") if x[:2] == b"m="]


@given(BODY, BODY)
def test_any_sdp(first, second):
    s = Session(b"192.0.2.1", 4000)
    s.offer()
    for f, body in ((s.answer, first), (s.accept, second), (s.answer, second)):
        before = s.remote
        out = outcome(f, body)
        if f == s.answer and out is None:
            assert s.remote is before  # refused: nothing has changed
        if out is not None:
            # As many m= lines as were offered, one of them ours, and what we write we can read.
            assert len(media_lines(out)) <= limits.MEDIA_LINES
            assert sum(m.startswith(b"audio 4000 RTP/AVP ") for m in media_lines(out)) >= 1
            assert all(32 <= c < 127 or c in b"\r\n" for c in out)
            assert len(media_lines(s.offer())) == len(media_lines(out))
        if s.remote:
            r = s.remote
            assert r.host and 0 < r.port < 65536 and r.payload_type in (0, 8)
            assert 10 <= r.ptime <= limits.PTIME_MAX
            assert r.event_type is None or 0 <= r.event_type < 128
            assert (r.event_type is None) == (r.event_type_in is None)
            assert r.direction in ("sendrecv", "sendonly", "recvonly", "inactive")


CODECS = st.sampled_from([(0,), (8,), (0, 8), (8, 0)])
EVENTS = st.one_of(st.none(), st.integers(96, 127))
DIRECTION = st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"])
OTHER = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


@given(CODECS, CODECS, EVENTS, EVENTS, DIRECTION, DIRECTION, st.lists(st.booleans(), max_size=6))
def test_offer_answer_accept_agree(mine, theirs, my_event, their_event, wish, their_wish, holds):
    a = Session(b"192.0.2.1", 4000, mine, my_event)
    b = Session(b"2001:db8::1", 5000, theirs, their_event)
    b.offer(their_wish)
    body = a.offer(wish)
    if not set(mine) & set(theirs):
        assert outcome(b.answer, body) is None and b.remote is None
        return
    a.accept(b.answer(body))
    offerer, answerer = a, b
    for hold in [None, *holds]:
        if hold is not None:  # re-offers, from one side and then from the other
            offerer, answerer = answerer, offerer
            offerer.hold(hold)
            offerer.accept(answerer.answer(offerer.offer()))
        x, y = a.remote, b.remote
        assert (x.host, x.port, y.host, y.port) == (b"2001:db8::1", 5000, b"192.0.2.1", 4000)
        assert x.payload_type == y.payload_type
        assert x.payload_type == next(f for f in offerer.codecs if f in answerer.codecs)
        assert x.event_type == y.event_type_in and y.event_type == x.event_type_in
        assert (x.event_type is None) == (my_event is None or their_event is None)
        assert OTHER[x.direction] == y.direction
