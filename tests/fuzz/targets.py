"""What is fuzzed: a function for each of usip's parsers, and what must hold for any bytes.

Each takes bytes and raises when a property is hurt. They know nothing of the fuzzer: the tests call
them with the seeds, on any Python.
"""

import struct

import line as lines
from usip import limits, rand
from usip.digest import Credentials, credentials
from usip.errors import ProtocolError
from usip.framer import Framer
from usip.header import address, host_port, number, param, quote, split, unquote, via
from usip.info import DIGITS
from usip.info import parse as info
from usip.media.events import EventReceiver
from usip.media.rtcp import Rtcp
from usip.media.rtp import Header
from usip.media.stream import MediaStream
from usip.message import Writer, parse
from usip.sdp import Session
from usip.sdp import parse as sdp_lines
from usip.server.authenticate import Authenticator
from usip.uri import Uri, equal, unescape

STATUS = (0, 400, 413, 415, 416, 488, 500, 505, 513)
NOW = 0x3FFFFFFF - 1000


class Dice:
    """In place of urandom(): the same input must do the same."""

    def __init__(self):
        self.n = 0

    def __call__(self, n):
        self.n += 1
        return struct.pack(">Q", self.n * 0x9E3779B97F4A7C15 & (1 << 64) - 1).ljust(n, b"\x5a")[:n]


def outcome(f, *args):
    """The result of f(*args), or the ProtocolError that it raised: nothing else may come."""
    try:
        return f(*args)
    except ProtocolError as e:
        assert e.status in STATUS, e.status
        return e


def failed(x):
    return isinstance(x, ProtocolError)


def read(m, good=True):
    """All that can be read of a message; each value of a `good` one is without a line end."""
    found = []
    for name in sorted(m.names):
        first = m.get(name)
        values = m.lines(name)
        assert values[0] == first
        for v in values:
            assert not good or b"\n" not in v and b"\r" not in v and v == v.strip(), v
        found.append((name, values))
        each = outcome(m.all, name)
        if not failed(each):
            for v in each:
                assert v in b",".join(values)
    m.content_type()
    return found


def seen(m):
    """What a message says, to be compared."""
    line = (m.method, m.uri, m.status, m.reason)
    return line, m.branch, m.sent_by, m.call_id, m.cseq, m.from_tag, m.to_tag, m.body, read(m)


def written(m):
    """The message as we would write it."""
    w = Writer(4 * limits.MESSAGE_MAX)
    if m.status:
        w.status(m.status, m.reason)
    else:
        w.request(m.method, m.uri)
    for name in m.names:
        if name != "content-length":
            for v in m.lines(name):
                w.line(name.encode(), v)
    data = w.done()  # which counts its line ends
    end = data.rindex(b"Content-Length: 0")
    return data[:end] + b"Content-Length: %d\r\n\r\n" % len(m.body) + m.body


def message(data):
    m = outcome(parse, data)
    if failed(m):
        if m.message:
            read(m.message, False)
            assert m.message.method or m.message.status or not m.status
        return
    assert m.body in data and (m.length is None or m.length == len(m.body))
    assert bool(m.method) != bool(m.status) and (m.status == 0 or 100 <= m.status <= 699)
    assert m.call_id and 0 <= m.cseq <= limits.CSEQ_MAX
    what = seen(m)
    again = written(m)
    if len(again) <= limits.MESSAGE_MAX:
        m2 = parse(again)
        assert [x for x in seen(m2)[:-1]] == [x for x in what[:-1]], (what, seen(m2))
        assert [x for x in read(m2) if x[0] != "content-length"] == [
            x for x in what[-1] if x[0] != "content-length"
        ]
    # A stream makes the same of the same bytes.
    if m.length is not None:
        start = len(data) - len(data.lstrip(b"\r\n"))
        end = data.index(b"\r\n\r\n", start) + 4 + m.length
        got = Framer().feed(data[start:end])
        assert len(got) == 1 and seen(got[0]) == what


def _cut(data):
    """`data` in pieces as its first octets say."""
    n = min(len(data), 1 + data[0] % 8) if data else 0
    sizes, data = data[1:n], data[n:]
    out = []
    for s in sizes:
        out.append(data[: 1 + s])
        data = data[1 + s :]
    return [*out, data]


def _fed(pieces):
    f = Framer()
    out = []
    for p in pieces:
        try:
            x = f.feed(p)
            while x:
                out += [i if isinstance(i, bytes) else seen(i) for i in x]
                assert len(f._buf) <= limits.MESSAGE_MAX + len(p)
                x = f.feed(b"")
        except ProtocolError as e:
            assert e.status in STATUS
            return out, e.status
    return out, None


def framer(data):
    pieces = _cut(data)
    whole = b"".join(pieces)
    got = _fed(pieces)
    assert got == _fed([whole[i : i + 1] for i in range(len(whole))]), "byte by byte"
    # Too much at once is the same as too much in pieces, once everything is there.
    assert got == _fed([whole]), "at once"
    for x in got[0]:
        if not isinstance(x, bytes):
            assert x[7] in whole
    if got[1] is None and got[0] and not isinstance(got[0][0], bytes):
        start = len(whole) - len(whole.lstrip(b"\r\n"))
        m = parse(whole[start : start + limits.MESSAGE_MAX])
        assert seen(m) == got[0][0]


def uri(data):
    u = outcome(Uri, data)
    if not failed(u):
        text = u.text()
        v = Uri(text)
        assert v.text() == text and equal(u, v) and equal(v, u)
        assert text.lower().replace(b" ", b"") == text.lower()
        assert not set(text) & set(b'<>"\r\n')
        b = Uri(u.text(True))
        assert not b.headers and (b.user, b.host, b.port) == (u.user, u.host, u.port)
        for name in (b"transport", b"lr", b"maddr"):
            outcome(u.param, name)
    assert len(unescape(data)) <= len(data)
    assert unescape(data, b";/?:@&=+$,").count(b"%") >= unescape(data).count(b"%") - data.count(
        b"%25"
    )
    assert unquote(quote(data)) == data
    parts = outcome(split, data)
    if not failed(parts):
        assert outcome(split, b",".join(parts)) == parts
    a = outcome(address, data)
    if not failed(a):
        display, inner, params = a
        assert inner in data and params in data
        assert not params or params[:1] == b";"
        outcome(param, params, b"tag")
        if b"\r" not in data and b"\n" not in data and not set(inner) & set(b"<>"):
            again = quote(display) + b" <" + inner + b">" + params
            assert address(again) == a, (again, a)
    x = outcome(host_port, data)
    if not failed(x):
        assert x[0] and 0 <= x[1] <= 65535
    x = outcome(via, data)
    if not failed(x):
        assert x[1] and 0 <= x[2] <= 65535 and data.endswith(x[3])
    x = outcome(number, data)
    assert failed(x) or x == int(data) <= limits.NUMBER_MAX


OFFER = lines.SDP


def sdp(data):
    x = outcome(sdp_lines, data)
    for first in (True, False):
        s = Session(b"192.0.2.1", 4000)
        if not first:  # our offer is out
            s.offer()
        for body in (OFFER, data):
            if first and body is OFFER:
                continue
            kept = dict(s.__dict__)
            got = outcome(s.answer if first else s.accept, body)
            if failed(got):
                assert s.__dict__ == kept, "what raised has changed something"
                continue
            r = s.remote
            assert r.payload_type in (0, 8) and 0 < r.port < 65536 and 0 < r.rtcp < 65536
            assert 0 < len(r.host) <= limits.HOST_MAX and 10 <= r.ptime <= limits.PTIME_MAX
            assert r.event_type is None or 0 <= r.event_type <= 127
            if first:
                ours, _ = sdp_lines(got)
                theirs, _ = x
                assert len(ours) == len(theirs) and got.count(b"m=") == len(ours) + sum(
                    a.refused.count(b"m=") for a in theirs if a.refused in got
                )
                assert sum(1 for a in ours if a.port) == 1
                assert all(c in b"\r\n" or 32 <= c < 127 for c in got)
                assert len(got) < 400 + limits.REFUSED_MAX
                # The peer would take it
                ours[[a.port != 0 for a in ours].index(True)].formats.index(r.payload_type)
    for ctype in (b"application/dtmf-relay", b"application/dtmf"):
        got = outcome(info, ctype, data)
        if not failed(got):
            assert len(got[0]) == 1 and got[0] in DIGITS and 0 <= got[1] <= 60000


def digest(data):
    values = data.split(b"\n")[:4]
    for realms in (None, [b"r"]):
        c = Credentials(b'u"\\', b"p", realms)
        tries = n = 0
        while True:
            tries = c.challenge(values, n & 1, tries)
            if not tries:
                break
            n += 1
            assert n <= 2 * limits.AUTH_TRIES + 2, "a peer keeps a request going"
            v = c.authorization(n - 1 & 1, b"INVITE", b"sip:x@y")
            assert b"\r" not in v and b"\n" not in v and len(v) < 2 * limits.AUTH_MAX + 400
            p = credentials(v)
            old = c._last[n - 1 & 1]
            assert p[b"realm"] == old.realm and p[b"nonce"] == old.nonce
            assert p[b"uri"] == b"sip:x@y" and unquote(b'"%s"' % p[b"username"]) == b'u"\\'
            assert p.get(b"opaque") == old.opaque
            assert realms is None or old.realm in realms
            c.info(values[-1], n - 1 & 1)
        c.bind()
    a = Authenticator(b"house", {b"u": b"p"}.get)
    a._secret, a._born, a._used, a._floor = b"s" * 32, NOW, [], NOW - 1
    for v in values:
        got = outcome(a.check, v, b"REGISTER", b"sip:house", NOW)
        # The secret is known here: a mutation that counts is one that says the right thing.
        assert failed(got) or got[0] in (None, b"u")
        if not failed(got) and got[0]:
            assert outcome(a.check, v, b"REGISTER", b"sip:house", NOW) == (None, True), "replay"


def packets(data):
    """`data` in datagrams: an octet for length, then so many octets."""
    out = []
    i = 0
    while i < len(data) and len(out) < 64:
        n = data[i]
        out.append(data[i + 1 : i + 1 + n])
        i += 1 + n
    return out


def _header(p):
    """RFC 3550 5.1 once more: payload type, marker, sequence number, timestamp, SSRC, payload."""
    if len(p) < 12 or p[0] >> 6 != 2 or 192 <= p[1] <= 223:
        return None
    _, pt, seq, ts, ssrc = struct.unpack(">BBHII", p[:12])
    rest = p[12:]
    n = (p[0] & 15) * 4
    if len(rest) < n:
        return None
    rest = rest[n:]
    if p[0] & 16:
        if len(rest) < 4:
            return None
        n = 4 + 4 * struct.unpack(">H", rest[2:4])[0]
        if len(rest) < n:
            return None
        rest = rest[n:]
    if p[0] & 32:
        if not p[-1] or p[-1] > len(rest):
            return None
        rest = rest[: -p[-1]]
    return pt & 127, pt >> 7, seq, ts, ssrc, rest


def rtp(data):
    s = MediaStream(8, 101, rand=Dice())
    s.event_type_in = 101
    s.remote = ("a", 1)
    h = Header()
    buf = bytearray(limits.RTP_MAX)
    pcm = bytearray(320)
    all_ = packets(data)
    digits = 0
    for i, p in enumerate(all_):
        n = len(p)
        buf[:n] = p
        want = _header(p)
        assert h.parse(buf, n) == (want is not None)
        if want:
            got = h.pt, h.marker, h.seq, h.hi << 16 | h.lo, h.ssrc_hi << 16 | h.ssrc_lo
            assert (*got, bytes(buf[h.at : h.at + h.n])) == want
        if p[:1] == b"\xff":  # nothing came for so long
            for _ in range(p[-1]):
                s.frame_in(pcm)
        d = s.receive(buf, n, ("b", 2) if p[-1:] == b"\x07" else ("a", 1), NOW + 20 * i)
        assert 0 <= s.end <= n
        if d is not None:
            digits += 1
            assert want and want[0] == 101 and d in DIGITS and len(d) == 1
        s.frame_in(pcm)
        assert len(buf) == limits.RTP_MAX and len(pcm) == 320
        s.frame_out(pcm)
    t = s.stats()
    assert all(0 <= v for v in t.values()), t
    assert digits + t["packets_refused"] + t["packets_received"] <= 2 * len(all_)
    assert t["delay_ms"] <= 20 * (limits.JITTER_SLOTS + 2), t


def rtcp(data):
    s = MediaStream(8, rand=Dice())
    s.ssrc_hi, s.ssrc_lo = 0x1234, 0x5678
    r = Rtcp(s)
    buf = bytearray(limits.RTP_MAX)
    for i, p in enumerate(packets(data)):
        n = len(p)
        buf[:n] = p
        for at in (0, 3):
            end = r.receive(buf, at, n, NOW + i)
            assert min(at, n) <= end <= max(n, at), (at, end, n)
            assert not r.begins(buf, at, n) or end > at
        assert -1 <= r.rtt_ms < 10_000 and -1 <= r.remote_lost < 1 << 23
        assert -1 <= r.remote_jitter_ms < 1 << 29
        n = r.report(NOW + i, bool(i & 1))
        assert n % 4 == 0 and n <= len(r.tx) and len(r.tx) == 88
    assert not s.sender.sent


def events(data):
    """Twelve octets each: timestamp, event, end and volume, duration, marker, how often."""
    e = EventReceiver()
    buf = bytearray(16)
    pressed = 0
    last = None
    for i in range(0, len(data) - 9, 10):
        hi, lo, p, marker, n = struct.unpack(">HH4sBB", data[i : i + 10])
        buf[3:7] = p
        n = n % 6
        d = e.take(hi, lo, marker & 1, buf, 3, n)
        if d is not None:
            assert n >= 4 and p[0] < 16 and d == DIGITS[p[0] : p[0] + 1]
            pressed += 1
            assert last != (hi, lo), "one timestamp, two digits"
            last = hi, lo
        # Once more, as networks do and RFC 4733 2.5.1.4 wants of the end, is no press
        for _ in range(2):
            assert e.take(hi, lo, marker & 1, buf, 3, n) is None
        assert -1 <= e.code < 16 and 0 <= e.duration <= 0xFFFF
    assert pressed <= len(data) // 10


def agent(data):
    """Datagrams into a registered phone; the first octet says at which moment. "\\x00\\x00" parts
    them, "\\x01\\x01" lets time pass."""
    rand.urandom = Dice()
    phone = lines.Line()
    if data:
        _, prepare = lines.SITUATIONS[data[0] % len(lines.SITUATIONS)]
        prepare(phone)
        phone.sent.clear()
    for piece in data[1:].split(b"\x00\x00")[:4]:
        for i, p in enumerate(piece.split(b"\x01\x01")[:4]):
            if i:
                phone.run(700)
            phone.receive(p)
            assert len(phone.sent) <= 4, "one datagram makes many"
            for out in phone.sent:
                if out != b"\r\n\r\n":
                    assert len(out) <= limits.SEND_MAX
                    m = outcome(parse, out)
                    assert not failed(m) or _ours(out, p), (m.args, out)
            assert len(phone.agent.transactions) <= limits.TRANSACTIONS
            phone.town()
    left = phone.settle()
    assert not left, left
    assert phone.good_call(), phone.events
    left = phone.settle()
    assert not left, left


def _ours(out, came):
    """An answer to nonsense has to repeat what identifies it: From, To, Call-ID, CSeq."""
    return out[:9] == b"SIP/2.0 4" or out[:9] == b"SIP/2.0 5"


TARGETS = {f.__name__: f for f in (message, framer, uri, sdp, digest, rtp, rtcp, events, agent)}


def broken(data):
    """None of them: with it the tests see that a fault is found."""
    try:
        Uri(data)
    except ProtocolError:
        return
    raise AssertionError("found")
