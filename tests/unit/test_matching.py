# usip: which message belongs to which transaction (RFC 3261 17.1.3, 17.2.3, 8.2.2.2, 9.2)
# MIT licence; Copyright (c) 2026 the usip authors

from sip import request, response
from usip import limits
from usip.message import parse
from wire import User, Wire, make

OLD = b"SIP/2.0/UDP 192.0.2.9"  # RFC 2543: no cookie


def endpoint():
    wire = Wire()
    agent = make(wire)
    agent.taken = []

    def take(tx, m, now):
        agent.taken.append(tx)
        tx.user = User()

    agent.methods[b"INVITE"] = agent.methods[b"FOO"] = take
    return wire, agent


def test_branch_sent_by_and_method():
    wire, agent = endpoint()
    first = b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa"
    agent.receive(request(b"FOO", via=first), wire, wire.now)
    assert len(agent.taken) == 1
    # The same in other words is the same
    agent.receive(
        request(b"FOO", via=b"SIP / 2.0 / UDP 192.0.2.9 : 5060 ; x ; branch=z9hG4bKa"),
        wire,
        wire.now,
    )
    assert len(agent.taken) == 1
    # another branch, host, port, method is another
    for n, via, method in (
        (2, b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKb", b"FOO"),
        (3, b"SIP/2.0/UDP 192.0.2.8:5060;branch=z9hG4bKa", b"FOO"),
        (4, b"SIP/2.0/UDP 192.0.2.9:5061;branch=z9hG4bKa", b"FOO"),
        (5, first, b"INVITE"),
    ):
        agent.receive(request(method, via=via, call_id=b"c%d" % n), wire, wire.now)
        assert len(agent.taken) == n, via
    assert wire.sent == []


def test_responses():
    wire = Wire()
    agent = make(wire)
    user = User()
    data = request(via=b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK7")
    agent.client(wire, b"OPTIONS", user, wire.now, b"z9hG4bK7").start(data, wire.now)
    m = parse(data)
    ok = response(m, 200)
    for other in (
        ok.replace(b"z9hG4bK7", b"z9hG4bK8"),
        ok.replace(b"1 OPTIONS", b"1 INVITE"),
        ok.replace(b"SIP/2.0/UDP 192.0.2.1", b"SIP/2.0/UDP 192.0.2.1;x, SIP/2.0/UDP 192.0.2.1"),
        ok.replace(b"From", b"Via: SIP/2.0/UDP b\r\nFrom"),
        ok.replace(b"CSeq", b"X"),
        ok.replace(b"200 X", b"700 X"),
        ok.replace(b"Length: 0", b"Length: 5"),
    ):
        assert other != ok
        agent.receive(other, wire, wire.now)
        assert user.heard == [], other
    agent.receive(ok, wire, wire.now)
    assert user.heard == [200] and len(wire.sent) == 1


def test_rfc_2543():
    wire, agent = endpoint()
    base = {"via": OLD, "you": b"<sip:door@192.0.2.1>"}
    agent.receive(request(b"INVITE", **base), wire, wire.now)
    tx = agent.taken[0]
    agent.receive(request(b"INVITE", **base), wire, wire.now)
    assert len(agent.taken) == 1  # the same again
    for n, more in (
        (2, {"call_id": b"other"}),
        (3, {"cseq": 2}),
        (4, {"me": b"<sip:x@192.0.2.9>;tag=other"}),
        (5, {"via": OLD + b";branch=1"}),
        (6, {"via": OLD + b":5070", "cseq": 3}),
    ):
        x = dict(base)
        x.update(more)
        agent.receive(request(b"INVITE", **x), wire, wire.now)
        assert len(agent.taken) == (n if n != 5 else 4), more
        if n == 5:
            assert b" 482 " in wire.last()[:12]  # the same request by another way
            agent.taken.append(None)
    # Its ACK has our tag in To, which its INVITE had not.
    agent.answer(tx, 486, wire.now)
    ack = dict(base)
    ack["you"] += b";tag=" + agent.tag
    agent.receive(request(b"ACK", **ack), wire, wire.now)
    assert tx.state == b"K"
    # and CANCEL matches what it cancels
    tx = agent.taken[1]
    agent.receive(request(b"CANCEL", via=OLD, call_id=b"other"), wire, wire.now)
    assert wire.last()[:11] == b"SIP/2.0 200" and tx.user.heard == ["cancel"]


def test_cancel():
    wire, agent = endpoint()
    for method, code in ((b"INVITE", 200), (b"FOO", 481)):
        via = b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK" + method
        agent.receive(request(method, via=via, call_id=method), wire, wire.now)
        # nothing, and not the one of another branch
        other = request(b"CANCEL", via=via + b"x", call_id=method)
        agent.receive(other, wire, wire.now)
        assert wire.last()[:11] == b"SIP/2.0 481"
        assert agent.taken[-1].user.heard == []
        for _ in range(2):  # however often it comes
            agent.receive(request(b"CANCEL", via=via, call_id=method), wire, wire.now)
            assert wire.last()[:11] == b"SIP/2.0 %d" % code
            assert parse(wire.last()).cseq_method == b"CANCEL"
        assert agent.taken[-1].user.heard == (["cancel"] * 2 if code == 200 else [])
    wire.run(agent, limits.RING_MS + limits.TIMEOUT)
    assert not agent.transactions


def test_merged():
    # 8.2.2.2: by another path; not when it has a To tag, nor another CSeq, Call-ID or From tag
    wire, agent = endpoint()
    agent.receive(request(b"FOO"), wire, wire.now)
    via = b"SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK%d"
    agent.receive(request(b"FOO", via=via % 1), wire, wire.now)
    assert wire.last()[:11] == b"SIP/2.0 482" and len(agent.taken) == 1
    agent.receive(request(b"FOO", via=via % 2, cseq=2), wire, wire.now)
    agent.receive(request(b"FOO", via=via % 3, call_id=b"x"), wire, wire.now)
    agent.receive(request(b"FOO", via=via % 4, me=b"<sip:x@y>;tag=2"), wire, wire.now)
    assert len(agent.taken) == 4 and len(wire.sent) == 1


def test_merged_after_the_answer():
    wire = Wire()
    agent = make(wire)
    agent.receive(request(), wire, wire.now)
    agent.receive(request(via=b"SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK2"), wire, wire.now)
    assert [d[8:11] for _, d in wire.sent] == [b"200", b"482"]


def test_full_table():
    wire, agent = endpoint()
    agent.receive(request(b"INVITE", call_id=b"first"), wire, wire.now)
    for i in range(limits.TRANSACTIONS + 5):
        via = b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKn%d" % i
        agent.receive(request(b"FOO", via=via, call_id=b"c%d" % i), wire, wire.now)
    # Some places are kept for requests of our own.
    most = limits.TRANSACTIONS - limits.OWN_TRANSACTIONS
    assert len(agent.transactions) == most
    assert len(wire.times(b"SIP/2.0 503")) == limits.TRANSACTIONS + 6 - most
    assert parse(wire.last()).get("retry-after") == b"5"
    # Who rings can still be stopped, and an ACK is not answered.
    agent.receive(request(b"CANCEL", call_id=b"first"), wire, wire.now)
    assert wire.last()[:11] == b"SIP/2.0 200" and agent.taken[0].user.heard == ["cancel"]
    n = len(wire.sent)
    agent.receive(request(b"ACK", call_id=b"none", via=OLD), wire, wire.now)
    assert len(wire.sent) == n and len(agent.transactions) == most
    wire.run(agent, limits.TIMEOUT)
    assert len(agent.transactions) == 1
    agent.receive(request(b"FOO", via=OLD + b";branch=z9hG4bKz"), wire, wire.now)
    assert len(agent.transactions) == 2


def test_replies_go_where_via_says():
    # 18.2.2, RFC 3581: with rport where it came from, without it to the port in Via
    class Net(Wire):
        asked = None

        def flow(self, host, port, transport=b"UDP"):
            self.asked = (host, port)
            return self

    for via, asked, told in (
        (b"192.0.2.9", None, b""),
        (b"192.0.2.9:5060", None, b""),
        (b"192.0.2.9:5070", (b"192.0.2.9", 5070), b""),
        (b"10.0.0.9:5070", (b"192.0.2.9", 5070), b";received=192.0.2.9"),
        (b"10.0.0.9:5070;rport", None, b";rport=5060;received=192.0.2.9"),
        (b"192.0.2.9;RPORT", None, b";rport=5060;received=192.0.2.9"),
        (b"pc.example.com", None, b";received=192.0.2.9"),
    ):
        wire = Net()
        agent = make(wire)
        agent.receive(request(via=b"SIP/2.0/UDP " + via + b";branch=z9hG4bK1"), wire, wire.now)
        assert wire.asked == asked, via
        got = parse(wire.last()).via_params
        for part in told.split(b";")[1:]:
            assert part in got.split(b";"), (via, got)
        assert told or b"received" not in got
