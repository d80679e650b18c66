# usip: texts, OPTIONS, NOTIFY: single requests in and out
# MIT licence; Copyright (c) 2026 the usip authors

from registering import CHALLENGE
from sip import request, response
from usip import limits
from usip.digest import Credentials
from usip.errors import UsageError
from usip.message import parse
from usip.pager import Pager, ping, send
from wire import Wire, make

TEXT = "Grüße, 你好".encode()


class Bench:
    def __init__(self):
        self.wire = Wire()
        self.events = []
        self.agent = make(self.wire, self.hear)
        Pager(self.agent)

    def hear(self, event, subject, detail):
        # What is told must be whole when it is told.
        source = subject.get("from") if event == "message" else None
        self.events.append((event, detail, source))

    @property
    def now(self):
        return self.wire.now

    def receive(self, data):
        self.agent.receive(data, self.wire, self.now)
        return parse(self.wire.last()) if self.wire.sent else None

    def reply(self, code, more=()):
        m = parse(self.wire.last())
        self.agent.receive(response(m, code, b"t", more), self.wire, self.now)


def test_text_comes_in():
    b = Bench()
    m = b.receive(request(b"MESSAGE", body=TEXT, ctype=b"text/plain;charset=UTF-8"))
    assert m.status == 200 and m.to_tag
    assert b.events == [("message", TEXT, b"<sip:x@192.0.2.9>;tag=peer")]
    # again: its 200 was lost, and it is not told twice
    b.receive(request(b"MESSAGE", body=TEXT, ctype=b"text/plain;charset=UTF-8"))
    assert len(b.events) == 1 and len(b.wire.sent) == 2


def test_texts_that_are_refused():
    for how, code in (
        ({"body": b"x", "ctype": b"text/html"}, 415),
        ({"body": b"x", "ctype": b"message/cpim"}, 415),
        ({"body": b"\xff\xfe", "ctype": b"text/plain"}, 415),
        ({"body": b"x" * (limits.TEXT_MAX + 1), "ctype": b"text/plain"}, 413),
        ({"body": b"x" * (limits.BODY_MAX + 1), "ctype": b"text/plain"}, 413),
        ({"body": b"x", "ctype": b"text/plain", "uri": b"im:a@b"}, 416),
        ({"body": b"x", "ctype": b"text/plain", "more": (b"Require", b"x, y")}, 420),
        ({"body": b"x", "ctype": b"text/plain", "you": b"<sip:a@b>;tag=1"}, 481),
        ({"body": b"x" * limits.TEXT_MAX, "ctype": b"Text/Plain"}, 200),
        ({}, 200),
    ):
        b = Bench()
        m = b.receive(request(b"MESSAGE", **how))
        assert m.status == code, (how, m.status)
        assert len(b.events) == (code == 200)
        if code == 415 and how["body"] == b"x":
            assert m.get("accept") == b"text/plain"
        if code == 420:
            assert m.get("unsupported") == b"x, y"


def test_text_goes_out():
    b = Bench()
    t = send(b.agent, b"sip:x@192.0.2.9;transport=udp", TEXT, b.now)
    m = parse(b.wire.last())
    assert m.method == b"MESSAGE" and m.body == TEXT
    assert m.get("content-type") == b"text/plain;charset=UTF-8" and m.get("contact") is None
    b.reply(100)
    assert b.events == []
    b.reply(202)
    b.reply(202)
    assert b.events == [("message-sent", 202, None)] and t.status == 202
    b.wire.run(b.agent, limits.TIMEOUT)
    assert not b.agent.transactions


def test_text_fails():
    for code in (302, 404, 415, 503, 603):
        b = Bench()
        t = send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now)
        b.reply(code)
        assert b.events == [("message-sent", code, None)] and t.reason == b"X"
    b = Bench()
    t = send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now)
    b.wire.run(b.agent, limits.TIMEOUT)
    assert b.events == [("message-sent", 408, None)] and t.reason == b"No answer"
    b = Bench()
    b.wire.cut = True
    t = send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now)
    assert b.events == [("message-sent", 503, None)] and t.reason == b"Unreachable"
    b = Bench()
    for _ in range(limits.TRANSACTIONS + 1):
        t = send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now)
    assert t.status == 503 and len(b.agent.transactions) == limits.TRANSACTIONS
    for uri, text in ((b"tel:+49", b"hi"), (b"sip:x@y", b"x" * (limits.TEXT_MAX + 1))):
        try:
            send(b.agent, uri, text, b.now)
            raise AssertionError(uri)
        except UsageError:
            pass


def test_text_that_does_not_fit():
    b = Bench()
    t = send(b.agent, b"sip:" + b"x" * limits.SEND_MAX + b"@192.0.2.9", b"hi", b.now)
    assert t.status == 513 and b.wire.sent == [] and not b.agent.transactions


def test_text_challenged():
    b = Bench()
    b.agent.credentials = Credentials(b"u", b"p")
    send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now)
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 1))
    assert b.events == [("message-sent", 401, None)]  # not from a stranger
    b = Bench()
    b.agent.credentials = Credentials(b"u", b"p")
    b.agent.trusted.append(b.wire.remote)
    send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now)
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 1))
    m = parse(b.wire.last())
    assert m.get("authorization") and m.body == b"hi" and b.events == []
    b.reply(200)
    assert b.events == [("message-sent", 200, None)]


def test_text_redirected():
    there = (b"Contact", b"<sip:new@192.0.2.77>")
    b = Bench()
    send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now, True)
    b.reply(302, there)
    m = parse(b.wire.last())
    assert m.uri == b"sip:new@192.0.2.77" and m.body == b"hi" and b.events == []
    b.reply(302, there)
    assert b.events == [("message-sent", 302, None)]  # once
    for contact in (b"<sip:@>", b"tel:+49", b'"', b"<"):
        b = Bench()
        send(b.agent, b"sip:x@192.0.2.9", b"hi", b.now, True)
        b.reply(302, (b"Contact", contact))
        assert b.events == [("message-sent", 302, None)], contact


def test_options():
    b = Bench()
    m = b.receive(request(b"OPTIONS"))
    assert m.status == 200 and b"application/sdp" in m.get("accept")
    for method in b"INVITE ACK CANCEL BYE OPTIONS INFO MESSAGE NOTIFY".split():
        assert method in m.all("allow"), method
    assert m.get("supported") is not None and m.get("contact") == b"<sip:door@192.0.2.1:5060>"
    # in a call that we know nothing of, after a restart: its other end shall hear that
    assert b.receive(request(b"OPTIONS", cseq=2, you=b"<sip:a@b>;tag=1", via=VIA)).status == 481
    p = ping(b.agent, b"sip:192.0.2.9", b.now)
    assert parse(b.wire.last()).method == b"OPTIONS"
    b.reply(404)
    assert p.status == 404 and b.events == [("options", 404, None)]


VIA = b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKother"


def test_notify_and_the_rest():
    b = Bench()
    mwi = b"Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n"
    m = b.receive(
        request(
            b"NOTIFY",
            more=(b"Event", b"message-summary", b"Subscription-State", b"active"),
            ctype=b"application/simple-message-summary",
            body=mwi,
        )
    )
    assert m.status == 200 and b.events == []
    for method, code in (
        (b"SUBSCRIBE", 405),
        (b"REFER", 405),
        (b"PUBLISH", 405),
        (b"REGISTER", 405),
        (b"INVITE", 405),  # this one takes no calls
        (b"FOO", 501),
        (b"options", 501),  # methods know their case
        (b"PRACK", 481),
        (b"UPDATE", 481),
        (b"INFO", 481),
        (b"BYE", 481),
    ):
        via = b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK" + method
        m = b.receive(request(method, via=via, call_id=method))
        assert m.status == code, method
        assert (m.get("allow") is not None) == (code in (405, 501)), method
    b.wire.run(b.agent, limits.RING_MS + limits.TIMEOUT)
    assert not b.agent.transactions and b.agent.poll(b.now) is None
