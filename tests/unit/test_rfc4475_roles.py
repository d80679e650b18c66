# usip: RFC 4475's registrations at our registrar, its responses in answer to a request of ours, and
# all of them out of a stream
# MIT licence; Copyright (c) 2026 the usip authors

import torture
import torture_application
import torture_invalid
import torture_valid
from sip import response
from usip import limits
from usip.agent import Agent
from usip.errors import ProtocolError
from usip.framer import Framer
from usip.message import length, parse
from usip.pager import ping
from usip.server.authenticate import Authenticator
from usip.server.registrar import Registrar
from wire import Wire, make

HEAPS = 2  # the messages


class Anybody:
    """In place of digest, which has tests of its own: everybody is who the test says."""

    def __init__(self, user):
        self.user = user

    def check(self, value, method, uri, now):
        return self.user, False


def register(data, user, auth=None):
    """(status, bindings of `user`, the answer) of our registrar to `data`."""
    wire = Wire()
    agent = Agent(wire, lambda event, subject, detail: None, b"sip:house.example")
    registrar = Registrar(agent, auth or Anybody(user), lambda name: True)
    if not auth:
        data = data.replace(b"\r\nTo:", b"\r\nAuthorization: x\r\nTo:", 1)
    agent.receive(data, wire, wire.now)
    assert len(wire.sent) == 1
    m = parse(wire.last())
    return m.status, registrar.lookup(user), m


def test_registrations():
    a = torture_application
    # 3.1.1.4: neither user is cut short by its NUL, and the two contacts are two
    code, found, _ = register(torture_valid.escnull, b"zero-\x00-zero")
    assert code == 200 and found == [b"sip:%00%00@192.0.2.9", b"sip:%00@192.0.2.9"]
    # 3.1.1.8: what follows in the datagram is nobody's
    assert register(torture_valid.dblreq, b"post")[:2] == (200, [b"sip:post@192.0.2.9"])
    # 3.1.2.13
    assert register(torture_invalid.regbadct, b"door")[:2] == (400, [])
    # 3.3.4: To is no SIP URI
    assert register(a.unksm2, b"door")[:2] == (400, [])
    # 3.3.7: a scheme that nobody knows is as good as none
    auth = Authenticator(b"house.example", {b"door": b"x"}.get)
    code, found, m = register(a.regaut01, b"door", auth)
    assert code == 401 and not found and m.lines("www-authenticate")
    # 3.3.12, 3.3.13: the parameter is the field's, and the URI's
    assert register(a.cparam01, b"door")[1] == [b"sip:+19725552222@192.0.2.9"]
    assert register(a.cparam02, b"door")[1] == [b"sip:+19725552222@192.0.2.9;strange"]
    # 3.3.14: the escaped header stays where it is, in the binding and in the answer
    code, found, m = register(a.regescrt, b"door")
    assert code == 200 and found == [b"sip:door@192.0.2.9?Route=%3Csip:way.example%3E"]
    assert m.get("contact").startswith(b"<%s>" % found[0])


def test_responses():
    # 3.1.1.12, 3.1.1.13, 3.1.2.5, 3.1.2.19, 3.3.10: the same in answer to a request of ours
    for data, old, new, heard in (
        (torture_valid.unreason, b"", b"", 200),
        (torture_valid.noreason, b"", b"", 0),  # 100: it goes on waiting
        (torture_invalid.scalarlg, b"CSeq: 1 ", b"CSeq: 9292394834772304023312 ", 0),
        (torture_invalid.bigcode, b"", b"", 0),
        (torture_application.bcast, b"\r\nFrom:", b"\r\nVia: SIP/2.0/UDP 255.0.0.1\r\nFrom:", 0),
    ):
        wire = Wire()
        agent = make(wire)
        asked = ping(agent, b"sip:x@192.0.2.9", wire.now)
        good = response(parse(wire.last()), 200, b"peer")
        assert old in good
        line = data[: data.find(b"\r\n")]
        odd = line + good[good.find(b"\r\n") :].replace(old, new, 1)
        agent.receive(odd, wire, wire.now)
        assert asked.status == heard, (odd, asked.status)
        if heard:
            assert asked.reason == line[12:]
        else:
            agent.receive(good, wire, wire.now)
            assert asked.status == 200, odd


def pieces(data, cuts):
    """What a Framer makes of `data`, cut there: methods and statuses, or the fault at the end."""
    f = Framer()
    out = []
    at = 0
    try:
        for cut in cuts:
            new = f.feed(data[at:cut])
            at = cut
            while new:
                for m in new:
                    out.append(m if isinstance(m, bytes) else (m.method, m.status, m.body))
                new = f.feed(b"")
    except ProtocolError as e:
        out.append(e.status)
    return out, len(f._buf) > 0


def stream(data, every):
    n = len(data)
    whole = pieces(data, (n,))
    assert pieces(data, range(1, n + 1)) == whole, data
    for i in range(1, n, every):
        assert pieces(data, (i, n)) == whole, (i, data)
    return whole


def all_of(rows, module):
    for row in rows:
        data = getattr(module, row[0].replace("-", "_"))
        # A cut at every place is for those of usual length; a board has other things to do.
        found, waits = stream(data, 1 if len(data) < 450 else 7)
        try:
            m = parse(data)
        except ProtocolError as e:
            if row[0] == "clerr":
                # 3.1.2.2: more was announced than fits any message of ours
                assert found == [513] or waits
            else:
                assert found == [e.status], (row[0], found)
            continue
        n = length(m)
        if n is None:  # 18.3: a stream needs it
            assert found == [400], row[0]
            continue
        # Framing and parsing agree on where the message ends.
        assert found[0] == (m.method, m.status, m.body), row[0]
        assert len(found) == (2 if row[0] == "dblreq" else 1) and not waits, row[0]
        if row[0] == "dblreq":
            assert found[1][0] == b"INVITE"


def test_stream_valid():
    all_of(torture.VALID, torture_valid)


def test_stream_invalid():
    all_of(torture.INVALID, torture_invalid)


def test_stream_application():
    all_of(torture.APPLICATION, torture_application)


def test_stream_short_body():
    # 3.1.2.2 on a stream: wait for the rest, however it comes
    data = torture_invalid.clerr.replace(b"9999", b"400")
    found, waits = stream(data, 5)
    assert not found and waits
    f = Framer()
    assert f.feed(data) == []
    m = f.feed(b"x" * limits.MESSAGE_MAX)[0]
    assert len(m.body) == 400
