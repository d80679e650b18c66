# usip: what a registrar's answers may hold that would keep a phone from registering again
# MIT licence; Copyright (c) 2026 the usip authors

from registering import CHALLENGE, Bench
from usip import limits


def test_received_is_an_address():
    for bad in (
        b"A" * 1200 + b".1",
        b"1" * 300 + b".1",
        b"evil.example",
        b"dead",
        b"%s%n.1",
        b"::1]",
    ):
        b = Bench().start()
        m = b.last()
        b.reply(
            200,
            (b"Contact", m.get("contact") + b";expires=3600"),
            replace=((b";rport;", b";rport=5060;received=" + bad + b";"),),
        )
        assert b.agent.public is None and b.r.state == b"A", bad
        # and it can be registered once more
        n = b.count()
        b.r.start(b.wire.now)
        assert b.count() == n + 1 and len(b.last().all("contact")) == 1
    for good in (b"198.51.100.7", b"[2001:DB8::7]", b"2001:db8::7"):
        b = Bench().start()
        b.reply(200, replace=((b";rport;", b";rport=40000;received=" + good + b";"),))
        assert b.agent.public == (good.strip(b"[]"), 40000)


def test_port_zero():
    b = Bench().start()
    b.reply(200, replace=((b";rport;", b";rport=0;received=198.51.100.7;"),))
    assert b.agent.public is None and b.r.state == b"A"


def test_routes_that_leave_no_room():
    b = Bench().start()
    c = (b"Contact", b.last().get("contact") + b";expires=3600")
    b.reply(200, c + (b"Service-Route", b"<sip:%s@192.0.2.9;lr>" % (b"r" * limits.ROUTES_MAX)))
    assert b.agent.routes == [] and b.r.state == b"A"
    b.r.start(b.wire.now)
    b.reply(200, c + (b"Service-Route", b"<sip:r@192.0.2.9;lr>"))
    assert b.agent.routes == [b"<sip:r@192.0.2.9;lr>"]


def test_challenges_that_leave_no_room():
    # Each fits into a request, both do not: the next try begins anew, and is let in.
    b = Bench().start()
    big = CHALLENGE % 1 + b', opaque="%s"' % (b"o" * 650)
    assert len(big) < limits.AUTH_MAX
    b.reply(401, (b"WWW-Authenticate", big))
    assert "authorization" in b.last().names
    n = b.count()
    b.reply(407, (b"Proxy-Authenticate", big))
    assert b.count() == n and b.r.state == b"F" and b.r.status == 513
    assert b.wait() is not None and b.last().get("authorization") is None
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 2))
    b.reply(200)
    assert b.r.state == b"A"


def test_a_contact_that_cannot_be_read():
    # Another's, before ours: how long we are registered stands there all the same.
    b = Bench().start()
    ours = b.last().get("contact") + b";expires=120"
    b.reply(200, (b"Contact", b"<>;expires=10", b"Contact", ours))
    assert b.r.granted == 120
