# usip: transactions by the clock: timers A-K, L, M, and what belongs to which
# MIT licence; Copyright (c) 2026 the usip authors

from sip import request, response
from usip import limits
from usip.message import parse
from usip.transaction import Transaction
from wire import Tcp, User, Wire, make

DOUBLED = [0, 500, 1500, 3500, 7500, 15500, 31500]  # timer A
CAPPED = [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]  # E and G: T2


def client(wire, method=b"INVITE"):
    agent = make(wire)
    user = User()
    data = request(method, via=b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK7")
    tx = agent.client(wire, method, user, wire.now, b"z9hG4bK7")
    tx.start(data, wire.now)
    return agent, tx, parse(data), user


def server(wire, method=b"INVITE", **more):
    """An agent whose `method` is answered by nobody but the test."""
    agent = make(wire)
    user = User()

    def take(tx, m, now):
        user.tx = tx
        tx.user = user

    agent.methods[method] = take
    agent.receive(request(method, **more), wire, wire.now)
    return agent, user.tx, user


def answer(agent, tx, code, wire):
    agent.answer(tx, code, wire.now)


def test_timers_a_and_b():
    for wire, times in ((Wire(), DOUBLED), (Tcp(), [0])):
        agent, tx, m, user = client(wire)
        wire.run(agent, 31999)
        assert wire.times(b"INVITE") == times and user.heard == []
        wire.run(agent, 1)
        assert user.heard == [408] and not agent.transactions


def test_timers_e_and_f():
    for wire, times in ((Wire(), CAPPED), (Tcp(), [0])):
        agent, tx, m, user = client(wire, b"OPTIONS")
        wire.run(agent, 31999)
        assert wire.times(b"OPTIONS") == times and user.heard == []
        wire.run(agent, 1)
        assert user.heard == [408] and not agent.transactions


def test_provisional_slows_a_request_down():
    # 17.1.2.2: from then on every T2, and timer F goes on
    wire = Wire()
    agent, tx, m, user = client(wire, b"OPTIONS")
    wire.run(agent, 600)
    agent.receive(response(m, 100), wire, wire.now)
    wire.run(agent, 31400)
    assert wire.times(b"OPTIONS") == [0, 500] + list(range(1500, 32000, 4000))
    assert user.heard == [100, 408]


def test_timer_k():
    for wire, ms in ((Wire(), 5000), (Tcp(), 0)):
        agent, tx, m, user = client(wire, b"OPTIONS")
        for code in (200, 200, 486, 100):  # absorbed
            agent.receive(response(m, code), wire, wire.now)
        assert user.heard == [200]
        if ms:
            wire.run(agent, ms - 1)
            assert agent.transactions
        wire.run(agent, 1)
        assert not agent.transactions and len(wire.sent) == 1


def test_timer_d_and_ack():
    for wire, ms in ((Wire(), 32000), (Tcp(), 0)):
        agent, tx, m, user = client(wire)
        agent.receive(response(m, 180, b"t"), wire, wire.now)
        wire.run(agent, 10000)
        assert len(wire.sent) == 1  # 17.1.1.2: a provisional ends the retransmissions
        agent.receive(response(m, 486, b"t2"), wire, wire.now)
        ack = parse(wire.last())
        assert (ack.method, ack.uri, ack.branch) == (b"ACK", m.uri, m.branch)
        assert (ack.call_id, ack.cseq, ack.from_tag) == (m.call_id, m.cseq, m.from_tag)
        assert ack.to_tag == b"t2" and len(ack.lines("via")) == 1
        if ms:
            # Every retransmission gets the same ACK and tells nothing.
            agent.receive(response(m, 486, b"t2"), wire, wire.now)
            agent.receive(response(m, 486, b"t2"), wire, wire.now)
            assert len(wire.times(b"ACK")) == 3
            agent.receive(response(m, 200, b"t2"), wire, wire.now)
            wire.run(agent, ms - 1)
            assert agent.transactions
        wire.run(agent, 1)
        assert not agent.transactions and user.heard == [180, 486]


def test_ack_repeats_the_route():
    wire = Wire()
    agent = make(wire)
    data = request(b"INVITE", more=(b"Route", b"<sip:a;lr>, <sip:b;lr>", b"Route", b"<sip:c;lr>"))
    tx = agent.client(wire, b"INVITE", User(), wire.now, b"z9hG4bK1")
    tx.start(data, wire.now)
    agent.receive(response(parse(data), 603, b"t"), wire, wire.now)
    assert parse(wire.last()).all("route") == [b"<sip:a;lr>", b"<sip:b;lr>", b"<sip:c;lr>"]


def test_timer_m():
    # RFC 6026: every 2xx of every fork is passed up for 64*T1
    for wire in (Wire(), Tcp()):
        agent, tx, m, user = client(wire)
        agent.receive(response(m, 200, b"a"), wire, wire.now)
        agent.receive(response(m, 200, b"b"), wire, wire.now)
        agent.receive(response(m, 486, b"b"), wire, wire.now)
        wire.run(agent, 31999)
        agent.receive(response(m, 200, b"a"), wire, wire.now)
        assert user.heard == [200, 200, 200]
        wire.run(agent, 1)
        assert not agent.transactions and len(wire.sent) == 1


def test_our_timer_c():
    wire = Wire()
    agent, tx, m, user = client(wire)
    agent.receive(response(m, 180, b"t"), wire, wire.now)
    wire.run(agent, limits.RING_MS + limits.TIMEOUT)
    assert user.heard == [180, 408] and not agent.transactions


def test_trying_after_200_ms():
    for wire in (Wire(), Tcp()):
        agent, tx, user = server(wire)
        wire.run(agent, 199)
        assert wire.sent == []
        wire.run(agent, 1000)
        assert wire.times(b"SIP/2.0 100") == [200] and len(wire.sent) == 1
        assert parse(wire.last()).to_tag == b""
        agent, tx, user = server(wire)
        answer(agent, tx, 180, wire)
        wire.run(agent, 1000)
        assert len(wire.times(b"SIP/2.0 100")) == 1
    # Others get no 100.
    wire = Wire()
    agent, tx, user = server(wire, b"FOO")
    wire.run(agent, 32000)
    assert wire.sent == [] and not agent.transactions and user.heard == [("lost", 408)]


def test_timers_g_and_h():
    for wire, times in ((Wire(), CAPPED), (Tcp(), [0])):
        agent, tx, user = server(wire)
        answer(agent, tx, 486, wire)
        wire.run(agent, 31999)
        assert wire.times(b"SIP/2.0 486") == times and user.heard == []
        wire.run(agent, 1)
        assert user.heard == [("lost", 408)]
        # What comes now was long on its way: it is no new call.
        agent.receive(request(b"INVITE"), wire, wire.now)
        assert len(agent.transactions) == 1
        wire.run(agent, limits.LINGER - limits.TIMEOUT)
        assert not agent.transactions and user.heard == [("lost", 408)]


def test_timer_i():
    # Longer than the RFC's 5 s: a CANCEL or an INVITE that was long on its way is nothing new.
    for wire, ms in ((Wire(), limits.LINGER), (Tcp(), 0)):
        agent, tx, user = server(wire)
        answer(agent, tx, 486, wire)
        wire.run(agent, 600)
        n = len(wire.sent)
        for _ in range(2):
            agent.receive(request(b"ACK"), wire, wire.now)
        if ms:
            agent.receive(request(b"INVITE"), wire, wire.now)  # absorbed
            wire.run(agent, ms - 1)
            assert agent.transactions
        wire.run(agent, 1)
        assert not agent.transactions and len(wire.sent) == n and user.heard == []


def test_timer_j():
    for wire, ms in ((Wire(), limits.LINGER), (Tcp(), 0)):
        agent, tx, user = server(wire, b"FOO")
        answer(agent, tx, 200, wire)
        for _ in range(3 if ms else 0):
            agent.receive(request(b"FOO"), wire, wire.now)
        assert len(wire.times(b"SIP/2.0 200")) == (4 if ms else 1)
        if ms:
            wire.run(agent, ms - 1)
            assert agent.transactions
        wire.run(agent, 1)
        assert not agent.transactions and user.heard == []


def test_timer_l():
    # 17.2.1 as RFC 6026 has it: the INVITE again is absorbed, the user repeats its 2xx
    for wire in (Wire(), Tcp()):
        agent, tx, user = server(wire)
        answer(agent, tx, 200, wire)
        agent.receive(request(b"INVITE"), wire, wire.now)
        assert len(wire.sent) == 1 and len(agent.transactions) == 1
        tx.respond(200, wire.last(), wire.now)
        assert len(wire.sent) == 2
        wire.run(agent, limits.LINGER - 1)
        assert agent.transactions
        wire.run(agent, 1)
        assert not agent.transactions and user.heard == []


def test_cancel_again_is_answered_again():
    # However late the first CANCEL came, those after it find the same answer.
    for code in (486, 200):
        wire = Wire()
        agent, tx, user = server(wire)
        tx.tag = b"ours"
        answer(agent, tx, code, wire)
        if code == 486:
            agent.receive(request(b"ACK"), wire, wire.now)
        for _ in range(4):
            wire.run(agent, limits.LINGER - 1)
            agent.receive(request(b"CANCEL"), wire, wire.now)
            assert parse(wire.last()).status == 200, code
        wire.run(agent, limits.LINGER)
        assert not agent.transactions


def test_retransmissions_get_the_last_response():
    wire = Wire()
    agent, tx, user = server(wire)
    for code in (180, 183, 486):
        answer(agent, tx, code, wire)
        agent.receive(request(b"INVITE"), wire, wire.now)
        assert parse(wire.last()).status == code and len(wire.times(b"SIP/2.0 %d" % code)) == 2
    assert len(agent.transactions) == 1


def test_clock_wraps_within_a_transaction():
    wire = Wire()
    wire.now = 0x3FFFFFFF - 100
    agent, tx, m, user = client(wire)
    wire.run(agent, 40000)
    assert wire.times(b"INVITE") == DOUBLED and user.heard == [408] and wire.now < 40000


def test_transport_failure():
    for method in (b"INVITE", b"OPTIONS"):
        wire = Wire()
        wire.cut = True
        agent, tx, m, user = client(wire, method)
        assert user.heard == [503] and not agent.transactions
        wire = Wire()
        agent, tx, m, user = client(wire, method)
        wire.cut = True
        wire.run(agent, 1000)
        assert user.heard == [503] and not agent.transactions
        # A datagram with an answer that cannot be sent is a lost one; a stream is gone for good.
        for wire, heard in ((Wire(), []), (Tcp(), [("lost", 503)])):
            agent, tx, user = server(wire, method)
            wire.cut = True
            answer(agent, tx, 200, wire)
            assert user.heard == heard and len(agent.transactions) == (not heard)
    # So is a BYE's: the peer must hear of it.
    wire = Wire()
    wire.cut = True
    agent, tx, m, user = client(wire, b"BYE")
    assert user.heard == [] and agent.transactions
    wire.run(agent, 5000)
    wire.cut = False
    wire.run(agent, 5000)
    assert wire.times(b"BYE") and user.heard == []
    assert isinstance(tx, Transaction)


def test_poll_knows_what_it_began():
    # A deadline of a part begins a request, and poll says when that is to be repeated.
    wire = Wire()
    agent = make(wire)

    class Part:
        done = False

        def poll(self, now):
            if not self.done:
                self.done = True
                agent.client(wire, b"OPTIONS", User(), now, b"z9hG4bK9").start(request(), now)

    agent.parts.append(Part())
    assert agent.poll(wire.now) == 500
