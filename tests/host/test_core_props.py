# usip: any bytes into the core, by Hypothesis: a result or a ProtocolError, never anything else
# MIT licence; Copyright (c) 2026 the usip authors

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calling import Bench
from pbx import Door
from sip import SDP, request, response
from usip import header, limits
from usip.errors import ProtocolError, UsageError
from usip.framer import Framer
from usip.info import parse as info
from usip.message import Writer, parse
from usip.uri import Uri, equal, unescape

CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")
INVITE = request(
    b"INVITE",
    body=SDP,
    more=CONTACT
    + (
        b"Record-Route",
        b"<sip:192.0.2.9;lr>, <sip:b;lr>",
        b"Supported",
        b"timer",
        b"Expires",
        b"90",
    ),
)
SEEDS = (
    INVITE,
    request(b"MESSAGE", body=b"hello", ctype=b"text/plain"),
    request(b"OPTIONS", via=b"SIP/2.0/UDP a;rport;branch=z9hG4bK1, SIP/2.0/TCP b"),
    request(b"CANCEL"),
    request(b"ACK"),
    request(b"BYE", you=b'"D" <sip:door@192.0.2.1>;tag=x'),
    request(b"NOTIFY", more=(b"Event", b"x")),
    request(b"INFO", body=b"Signal=5", ctype=b"application/dtmf-relay"),
    response(parse(INVITE), 200, b"t", CONTACT, body=SDP),
)
# Where the grammar turns: what a mutation puts in.
BITS = st.sampled_from(
    [b"", b"\r\n", b"\n", b"\r", b" ", b"\t", b'"', b"\\", b"<", b">", b";", b",", b":", b"@", b"%"]
    + [b"\x00", b"\xff", b"=", b"0", b"-1", b"99999999999999999999", b"*", b"?", b"[", b"]"]
    + [b"\r\n ", b"\r\n\r\n", b"Via: x\r\n", b"tag=1", b"rport", b"sip:", b"a" * 300, b"0" * 5000]
)
PLACE = st.tuples(st.integers(0, 1 << 16), st.integers(0, 12), BITS)


def mutate(data, places):
    for at, gone, put in places:
        at %= len(data) + 1
        data = data[:at] + put + data[at + gone :]
    return data


def mutated(seeds):
    return st.builds(mutate, st.sampled_from(seeds), st.lists(PLACE, min_size=1, max_size=4))


ANY = st.one_of(st.binary(max_size=300), mutated(SEEDS))
VALUE = st.one_of(
    st.binary(max_size=60),
    mutated((b'"a" <sip:b@c:5060;lr>;tag=1', b"SIP/2.0/UDP a:5060;branch=1")),
)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def outcome(f, *args):
    try:
        return f(*args)
    except ProtocolError as e:
        assert e.status == 0 or 400 <= e.status <= 699
        return None


@MANY
@given(ANY)
def test_any_message(data):
    m = outcome(parse, data)
    if m:
        assert (m.method != b"") != (m.status != 0)
        assert m.call_id and m.sent_by and m.cseq_method and 0 <= m.cseq <= limits.CSEQ_MAX
        for name in set(m.names):
            m.get(name)
            m.lines(name)
            outcome(m.all, name)
        m.content_type()


@MANY
@given(ANY, st.lists(st.integers(1, 200), max_size=20))
def test_any_stream(data, cuts):
    """However a stream is cut, the same messages come out of it, and the same end."""

    def feed(pieces):
        f = Framer()
        out = []
        for p in pieces:
            try:
                got = f.feed(p)
                while got:
                    out += [x if isinstance(x, bytes) else x.data for x in got]
                    got = f.feed(b"")
            except ProtocolError as e:
                return out, e.status
        return out, None

    pieces = []
    at = 0
    for n in cuts:
        pieces.append(data[at : at + n])
        at += n
    pieces.append(data[at:])
    whole = feed([data])
    cut = feed(pieces)
    assert whole[0] == cut[0]
    # A stream that fails fails in every cut; which fault is seen first may differ.
    assert (whole[1] is None) == (cut[1] is None)


@MANY
@given(VALUE, st.sampled_from([b"tag", b"lr", b"expires"]))
def test_any_header_value(value, name):
    for f in (header.split, header.address, header.via, header.host_port, header.number):
        outcome(f, value)
    outcome(header.param, value, name)
    header.is_token(value)
    header.unquote(value)
    assert header.unquote(header.quote(value)) == value
    got = outcome(header.address, value)
    if got:
        # What was taken apart can be put together.
        display, uri, params = got
        if b">" not in uri and b'"' not in params and b"<" not in params:
            again = header.quote(display) + b" <" + uri + b">" + params
            assert header.address(again) == (display, uri, params)


@MANY
@given(
    st.one_of(
        VALUE,
        st.binary(max_size=40).map(lambda b: b"sip:" + b),
        mutated((b"sip:a:b@[::1]:5070;lr;x=%20?y=z",)),
    )
)
def test_any_uri(value):
    u = outcome(Uri, value)
    unescape(value)
    if u:
        again = Uri(u.text())
        assert equal(u, again) and again.text() == u.text()
        assert equal(Uri(value), u)
        outcome(u.param, b"lr")
        assert u.text(True).count(b"?") <= u.text().count(b"?")


@MANY
@given(st.binary(max_size=80))
def test_any_digit(body):
    got = outcome(info, b"application/dtmf-relay", body)
    assert got is None or (len(got[0]) == 1 and 0 <= got[1] <= 60_000)


TOKEN = st.binary(min_size=1, max_size=12).map(
    lambda b: bytes(
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~"[c % 72]
        for c in b
    )
)
TEXT = st.binary(max_size=40).map(lambda b: bytes(c for c in b if c not in b"\r\n").strip())


@MANY
@given(TOKEN, st.lists(st.tuples(TOKEN, TEXT), max_size=6), st.binary(max_size=200))
def test_build_then_parse(method, lines, body):
    w = Writer(2000)
    w.request(method, b"sip:a@b")
    fixed = [
        (b"Via", b"SIP/2.0/UDP a;branch=z9hG4bK1"),
        (b"From", b"<sip:x@y>;tag=1"),
        (b"To", b"<sip:z>"),
        (b"Call-ID", b"c"),
        (b"CSeq", b"1 " + method),
    ]
    own = [(n, v) for n, v in lines if len(n) > 1]  # no compact forms
    own = [(b"X-" + n, v) for n, v in own]
    for name, value in fixed + own:
        w.line(name, value)
    m = parse(w.done(b"a/b", body))
    assert (m.method, m.uri, m.body) == (method, b"sip:a@b", body)
    want = fixed + own + ([(b"Content-Type", b"a/b")] if body else [])
    want.append((b"Content-Length", b"%d" % len(body)))
    names = {}
    for name, value in want:
        names.setdefault(name.decode().lower(), []).append(value.strip())
    assert set(m.names) == set(names)
    for name in names:
        assert m.lines(name) == names[name]


# --- a whole agent ---


def quiet(agent, run):
    """Nothing of what came may stay for ever."""
    run(limits.RING_MS + 3 * limits.TIMEOUT)
    assert not agent.transactions


def in_state(b, state):
    if state == "calling":
        b.dial()
    elif state == "ringing out":
        b.dial(follow=True)
        b.answered(180)
    elif state == "late":
        b.dial(late=True)
    elif state == "ringing":
        b.invited()
    elif state == "answered":
        b.invited()
        b.call.answer(b.now)
    elif state == "up":
        b.up(False)
    elif state == "re-INVITE":
        b.up(True)
        b.call.hold(True, b.now)


STATES = ("idle", "calling", "ringing out", "late", "ringing", "answered", "up", "re-INVITE")
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(st.sampled_from(STATES), st.lists(ANY, min_size=1, max_size=5))
def test_any_datagram(state, datagrams):
    b = Bench()
    in_state(b, state)
    for data in datagrams:
        b.receive(data)
        b.run(100)
    if b.call:
        b.call.hangup(b.now)
    for c in b.calls.active():
        c.hangup(b.now)
    quiet(b.agent, b.run)
    assert b.idle()


@SLOW
@given(
    st.sampled_from(STATES[1:]),
    st.sampled_from(
        [100, 180, 183, 200, 202, 302, 401, 407, 408, 423, 481, 486, 487, 491, 500, 699]
    ),
    st.lists(PLACE, max_size=4),
    st.booleans(),
)
def test_any_answer(state, code, places, twice):
    """Answers to what was really asked, mutated: they reach the machines."""
    b = Bench()
    in_state(b, state)
    asked = [parse(d) for _, d in b.wire.sent if d[:8] != b"SIP/2.0 "]
    for m in asked:
        data = response(
            m, code, b"peer", CONTACT + (b"Record-Route", b"<sip:192.0.2.9;lr>"), body=SDP
        )
        for _ in range(1 + twice):
            b.receive(mutate(data, places))
    for c in b.calls.active():
        c.hangup(b.now)
    quiet(b.agent, b.run)
    assert b.idle()


@SLOW
@given(
    st.sampled_from(["ringing", "answered", "up", "re-INVITE"]),
    st.sampled_from(
        [b"INVITE", b"ACK", b"BYE", b"INFO", b"CANCEL", b"OPTIONS", b"MESSAGE", b"UPDATE"]
    ),
    st.lists(PLACE, max_size=3),
)
def test_any_request_within(state, method, places):
    b = Bench()
    in_state(b, state)
    receive = b.receive
    b.receive = lambda data: receive(mutate(data, places))
    b.within(method, body=SDP)
    for c in b.calls.active():
        c.hangup(b.now)
    quiet(b.agent, b.run)
    assert b.idle()


@SLOW
@given(st.sampled_from([200, 401, 407, 423, 503, 302]), st.lists(PLACE, max_size=5))
def test_any_registrar(code, places):
    d = Door(b"192.0.2.9")
    d.registration.start(d.now)
    m = d.last()
    challenge = b'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256, opaque="o"'
    more = (
        b"WWW-Authenticate",
        challenge,
        b"Proxy-Authenticate",
        challenge,
        b"Contact",
        m.get("contact") + b";expires=120, <sip:b@c>;expires=9",
        b"Service-Route",
        b"<sip:192.0.2.9;lr>",
        b"Min-Expires",
        b"7200",
        b"Retry-After",
        b"20",
    )
    d.agent.receive(mutate(response(m, code, b"t", more), places), d.wire, d.now)
    assert d.registration.state in (b"A", b"R", b"F")
    assert d.agent.poll(d.now) is not None  # it goes on
    d.run(60_000)
    try:
        d.dial(b"sip:x@192.0.2.9")
    except UsageError:
        pass
    for c in d.calls.active():
        c.hangup(d.now)
    d.registration.stop(d.now)
    d.run(3 * limits.TIMEOUT)
    assert d.registration.state == b"N" and not d.agent.transactions


# --- RFC 4475's own messages, where they lie beside the checkout ---

TORTURE = Path(__file__).resolve().parents[3] / "shared" / "torture" / "rfc4475"
VALID = (
    "wsinv intmeth esc01 escnull esc02 lwsdisp longreq dblreq semiuri transports mpart01 unreason "
    "noreason zeromf cparam01 cparam02 regescrt unkscm novelsc unksm2 bext01 invut regaut01 inv2543"
).split()
BAD = (
    "badinv01 clerr ncl scalar02 ltgtruri lwsruri lwsstart trws badvers mismatch01 mismatch02 "
    "insuf multi01 mcl01 bigcode scalarlg baddn"
).split()


@pytest.mark.skipif(not TORTURE.is_dir(), reason="the messages are not beside the checkout")
def test_rfc_4475_messages():
    for path in sorted(TORTURE.glob("*.dat")):
        data = path.read_bytes()
        name = path.stem
        m = outcome(parse, data)
        if name in VALID:
            assert m, name
        if name in BAD:
            assert m is None, name
        b = Bench()
        b.receive(data)
        for c in b.calls.active():
            c.hangup(b.now)
        quiet(b.agent, b.run)
        assert b.idle(), name
        for _, answer in b.wire.sent:
            assert answer.startswith(b"SIP/2.0 ") or answer.split()[0] in (b"BYE", b"ACK"), name


def test_long_fields_of_every_length():
    """What we cannot answer within SEND_MAX is refused or dropped, and leaves nothing behind."""
    for n in range(700, 7000, 150):
        x = b"b" * n
        for more in (
            {"via": b"SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP " + x},
            {"me": b'"' + x + b'" <sip:x@y>;tag=1'},
            {"call_id": x},
            {"more": CONTACT + (b"Record-Route", b"<sip:" + x + b";lr>")},
            {"more": (b"Contact", b"<sip:" + x + b">")},
        ):
            b = Bench()
            more.setdefault("more", CONTACT)
            b.receive(request(b"INVITE", body=SDP, **more))
            for c in b.calls.active():
                c.answer(b.now)
                b.run(1000)
                c.hangup(b.now)
            quiet(b.agent, b.run)
            assert b.idle(), (n, more)
