# usip: registrations that went wrong once
# MIT licence; Copyright (c) 2026 the usip authors

from registering import CHALLENGE, Bench
from sip import response
from usip.agent import ALLOW
from usip.message import parse

SEEN = ((b";rport;", b";rport=40001;received=198.51.100.7;"),)
HERE = b"<sip:door@192.0.2.1:5060>"
OUTSIDE = b"<sip:door@198.51.100.7:40001>"


def contacts(b):
    return b.last().all("contact")


def test_allow():
    # Asterisk and others call nobody who does not say that it takes MESSAGE and INFO.
    b = Bench().start()
    assert b.last().lines("allow") == [ALLOW]
    for method in (b"INVITE", b"ACK", b"CANCEL", b"BYE", b"OPTIONS", b"INFO", b"MESSAGE"):
        assert method in ALLOW
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 1))
    assert b.last().lines("allow") == [ALLOW] and b.last().get("authorization")


def test_old_contact_goes_when_a_nat_was_found():
    b = Bench().start()
    assert contacts(b) == [HERE]
    b.reply(200, replace=SEEN)
    assert contacts(b) == [OUTSIDE, HERE + b";expires=0"]
    b.reply(200, (b"Contact", OUTSIDE + b";expires=3600"), replace=SEEN)
    assert b.r.state == b"A" and b.events == [("registered", 3600)]
    b.start()  # the next one has nothing left to take away
    assert contacts(b) == [OUTSIDE]
    b.reply(200, (b"Contact", OUTSIDE + b";expires=3600"))
    b.r.stop(b.wire.now)
    assert contacts(b) == [OUTSIDE] and b.last().get("expires") == b"0"
    b.reply(200, ())
    assert b.r.state == b"N"
    b.start()
    assert contacts(b) == [OUTSIDE]


def test_stop_abandons_a_pending_register():
    b = Bench().start()
    first = b.last()
    b.r.stop(b.wire.now)
    assert b.last().get("expires") == b"0" and b.count() == 2
    n = len(b.wire.sent)
    challenge = (b"WWW-Authenticate", CHALLENGE % 1)
    b.agent.receive(response(first, 401, b"t", challenge), b.wire, b.wire.now)
    assert len(b.wire.sent) == n and b.r.state == b"U"
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 2))
    m = b.last()
    assert m.get("authorization") and m.get("expires") == b"0"
    b.reply(200, ())
    assert b.r.state == b"N" and b.events == [("unregistered", None)]
    # and its late 200 changes nothing
    b.agent.receive(
        response(first, 200, b"t", (b"Contact", HERE + b";expires=3600")), b.wire, b.wire.now
    )
    assert b.r.state == b"N" and b.r.poll(b.wire.now) is None


def test_start_abandons_a_pending_register():
    b = Bench().start()
    first = b.last()
    b.start()
    n = len(b.wire.sent)
    challenge = (b"WWW-Authenticate", CHALLENGE % 1)
    b.agent.receive(response(first, 401, b"t", challenge), b.wire, b.wire.now)
    assert len(b.wire.sent) == n and parse(b.wire.last()).cseq == first.cseq + 1


def granted(*values, more=()):
    b = Bench().start()
    lines = tuple(more)
    for v in values:
        lines += (b"Contact", v)
    b.reply(200, lines)
    assert b.r.state == b"A", values
    assert b.r.granted == b.events[0][1]
    return b.r.granted


def test_lifetime_of_a_rewritten_contact():
    # A registrar behind an SBC writes what the SBC sees: same user, other host.
    assert granted(b"<sip:door@198.51.100.7:5060>;expires=120") == 120
    # Another device of the same user may be among them: the shortest is safe.
    assert granted(b"<sip:door@10.0.0.1>;expires=300", b"<sip:door@10.0.0.2>;expires=90") == 90
    # Ours counts, when it is there, wherever it stands.
    assert granted(b"<sip:door@10.0.0.1>;expires=60", HERE + b";expires=600") == 600
    assert granted(HERE + b";expires=600", b"<sip:door@10.0.0.1>;expires=60") == 600
    # Somebody else's does not.
    assert granted(b"<sip:other@10.0.0.1>;expires=60") == 3600
    assert granted(b"<sip:other@10.0.0.1>;expires=60", more=(b"Expires", b"700")) == 700
    # One without a lifetime has that of the header.
    assert granted(HERE, b"<sip:door@10.0.0.1>", more=(b"Expires", b"800")) == 800


def test_our_host_in_capitals():
    b = Bench()
    b.wire.local = (b"door.example", 5060)
    b.start()
    b.reply(200, (b"Contact", b"<sip:door@DOOR.example>;expires=90"))
    assert b.r.granted == 90
