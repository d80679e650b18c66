# usip: registration and the ways through NATs and proxies; who gets credentials
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench as Calling
from registering import CHALLENGE, Bench
from sip import response
from usip.digest import Credentials, credentials
from usip.pager import send

SEEN = ((b";rport;", b";rport=40001;received=198.51.100.7;"),)


def test_nat():
    # RFC 3581: register what the registrar sees; once
    b = Bench().start()
    b.reply(200, replace=SEEN)
    assert b.count() == 2 and b.events == []
    assert b.last().get("contact") == b"<sip:door@198.51.100.7:40001>"
    b.reply(200, replace=SEEN)
    assert b.events == [("registered", 3600)] and b.count() == 2
    # The next refresh keeps it, and keep-alives hold the way in open.
    sent = b.wire.times(b"\r\n\r\n")
    b.run(40_000)
    assert len(b.wire.times(b"\r\n\r\n")) == len(sent) + 1
    b.wait()
    assert b.last().get("contact") == b"<sip:door@198.51.100.7:40001>"
    # The next refresh is soon, though an hour was granted: the router may restart.
    b.reply(200, replace=SEEN)
    assert b.refreshed(88_000) and b.events[-1] == ("registered", 3600)
    # A NAT that gives another port each time does not keep us busy.
    b = Bench().start()
    for port in (b"1", b"2", b"3", b"4"):
        n = b.count()
        b.reply(200, replace=((b";rport;", b";rport=" + port + b";"),))
        if b.r.state == b"A":
            break
    assert b.count() == n == 2
    b.r.stop(b.wire.now)
    assert b.last().get("expires") == b"0"


def pings(b, ms):
    """How many keep-alives are sent within `ms`."""
    n = len(b.wire.times(b"\r\n\r\n"))
    b.run(ms)
    return len(b.wire.times(b"\r\n\r\n")) - n


def test_nat_that_forgets():
    # Each refresh comes by another port: the mapping did not last from one keep-alive to the next.
    b = Bench().start()
    for port, every in ((1, 25_000), (2, 12_500), (3, 6250), (4, 3125), (5, 3000), (6, 3000)):
        for _ in range(2):  # what the registrar sees is registered
            b.reply(200, replace=((b";rport;", b";rport=%d;received=198.51.100.7;" % port),))
        assert b.last().get("contact") == b"<sip:door@198.51.100.7:%d>" % port
        assert b.r.state == b"A" and b.r.keepalive == every
        assert pings(b, 40_000) == 40_000 // every
        b.wait()
    # Another address: the router has a new one, which says nothing about its mappings.
    b = Bench().start()
    for host in (b"198.51.100.7", b"198.51.100.8"):
        for _ in range(2):
            b.reply(200, replace=((b";rport;", b";rport=7;received=%s;" % host),))
        assert b.last().get("contact") == b"<sip:door@%s:7>" % host
        b.wait()
    assert b.r.keepalive == 25_000


def test_no_nat():
    for via in (b";rport=5060;received=192.0.2.1;", b";rport;", b";received=192.0.2.1;", b";x;"):
        b = Bench().start()
        b.reply(200, replace=((b";rport;", via),))
        assert b.count() == 1 and b.events == [("registered", 3600)], via
        assert b.agent.public is None
        b.run(100_000)
        assert b.wire.times(b"\r\n\r\n") == []


def test_lying_registrar():
    for via in (
        b";rport=x;",
        b";rport=99999;",
        b";received=a b;",
        b";received=<;",
        b";rport=;received=;",
    ):
        b = Bench().start()
        b.reply(200, replace=((b";rport;", via),))
        if b.r.state == b"R":
            b.reply(200)
        assert b.r.state == b"A", via
        b.start()
        assert b.last().get("contact").startswith(b"<sip:door@"), via


def test_service_route():
    route = b"<sip:192.0.2.30;lr>, <sip:192.0.2.31;lr>"
    b = Bench().start()
    b.reply(200, (b"Service-Route", route, b"Service-Route", b"<sip:192.0.2.32;lr>"))
    assert b.agent.routes == [
        b"<sip:192.0.2.30;lr>",
        b"<sip:192.0.2.31;lr>",
        b"<sip:192.0.2.32;lr>",
    ]
    send(b.agent, b"sip:x@example.com", b"hi", b.wire.now)
    assert b.last().all("route") == b.agent.routes and b.last().uri == b"sip:x@example.com"
    b.start()
    assert b.last().all("route") == []  # not on REGISTER
    b.reply(200, ())
    assert b.agent.routes == []
    for bad in (b"<", b'"', b"<sip:@>", b"<tel:+49>", b"x y", b","):
        b = Bench().start()
        b.reply(200, (b"Service-Route", bad))
        assert b.r.state == b"A" and b.events == [("registered", 3600)], bad
        assert b.refreshed(3240_000) and b.agent.routes == [], bad


def test_outbound_proxy():
    b = Bench()
    b.r.outbound = [b"<sip:192.0.2.40;lr>"]
    b.start()
    assert b.last().all("route") == [b"<sip:192.0.2.40;lr>"]
    b.reply(200, (b"Service-Route", b"<sip:192.0.2.30;lr>"))
    assert b.agent.routes == [b"<sip:192.0.2.40;lr>", b"<sip:192.0.2.30;lr>"]
    b.r.stop(b.wire.now)
    assert b.last().all("route") == [b"<sip:192.0.2.40;lr>"]


def test_other_authentication_user_and_407():
    b = Bench()
    b.agent.credentials = Credentials(b"id-4711", b"secret")
    b.start()
    b.reply(407, (b"Proxy-Authenticate", CHALLENGE % 1))
    p = credentials(b.last().get("proxy-authorization"))
    assert p[b"username"] == b"id-4711" and not b.last().get("authorization")
    # Both ask: both are answered.
    b.reply(401, (b"WWW-Authenticate", b'Digest realm="other", nonce="m"'))
    m = b.last()
    assert credentials(m.get("authorization"))[b"realm"] == b"other"
    assert credentials(m.get("proxy-authorization"))[b"nc"] == b"00000002"
    b.reply(200)
    assert b.r.state == b"A"


def test_no_downgrade():
    md5 = b'Digest realm="house", nonce="n", algorithm=MD5'
    for lines in ((md5, CHALLENGE % 1), (CHALLENGE % 1, md5)):
        b = Bench().start()
        b.reply(401, (b"WWW-Authenticate", lines[0], b"WWW-Authenticate", lines[1]))
        assert credentials(b.last().get("authorization"))[b"algorithm"] == b"SHA-256"
    # SHA-256 in a form that we cannot answer does not give way to MD5 (field notes)
    b = Bench().start()
    unusable = (CHALLENGE % 1).replace(b'"auth"', b'"auth-int"')
    b.reply(401, (b"WWW-Authenticate", unusable, b"WWW-Authenticate", md5))
    assert b.count() == 1 and b.r.state == b"F"


def test_credentials_go_to_the_registrar_only():
    # A challenge of who is called directly is not answered, whatever its realm.
    c = Calling()
    c.agent.credentials = Credentials(b"door", b"secret", [b"house"])
    c.agent.trusted.append((b"192.0.2.200", 5060))  # the registrar's flow
    c.dial()
    c.answered(401, more=(b"WWW-Authenticate", CHALLENGE % 1))
    assert len(c.wire.times(b"INVITE")) == 1 and c.call.reason == "Unauthorized"
    assert not any([b"uthorization:" in d for _, d in c.wire.sent])
    # From the registrar's flow it is, and the ACK of the 2xx carries it too (22.1).
    c = Calling()
    c.agent.credentials = Credentials(b"door", b"secret", [b"house"])
    c.agent.trusted.append(c.wire.remote)
    c.dial()
    first = c.sent(b"INVITE")
    c.answered(407, b"p", more=(b"Proxy-Authenticate", CHALLENGE % 1))
    m = c.sent(b"INVITE")
    assert (m.cseq, m.call_id, m.from_tag) == (first.cseq + 1, first.call_id, first.from_tag)
    assert m.branch != first.branch and m.to_tag == b"" and m.get("proxy-authorization")
    assert c.sent(b"ACK").branch == first.branch
    from sip import SDP

    c.answered(200, body=SDP)
    ack = c.sent(b"ACK")
    assert ack.cseq == m.cseq and ack.get("proxy-authorization") == m.get("proxy-authorization")
    # another realm on that flow is none of ours
    c = Calling()
    c.agent.credentials = Credentials(b"door", b"secret", [b"house"])
    c.agent.trusted.append(c.wire.remote)
    c.dial()
    c.answered(401, more=(b"WWW-Authenticate", b'Digest realm="evil", nonce="n"'))
    assert len(c.wire.times(b"INVITE")) == 1


def test_realm_is_bound_by_the_first_registration():
    b = Bench().start()
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 1))
    b.reply(200)
    b.start()
    b.reply(401, (b"WWW-Authenticate", b'Digest realm="evil", nonce="n"'))
    assert b.r.state == b"F" and b.events[-1][0] == "registration-failed"


def test_refresh_during_a_call():
    c = Calling()
    from usip.registration import Registration

    r = Registration(c.agent, b"sip:192.0.2.9")
    r.start(c.now)
    c.receive(response(c.sent(b"REGISTER"), 200, b"t", (b"Expires", b"120")))
    c.up(True)
    while len(c.wire.times(b"REGISTER")) == 1:
        c.run(1000)
    assert c.wire.t <= 89_000 and c.call.state == b"E"
    c.receive(response(c.sent(b"REGISTER"), 500, b"t"))
    assert c.call.state == b"E"  # a call outlives the registrar
