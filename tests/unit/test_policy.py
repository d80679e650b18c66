# usip tests: who may talk to us from outside of a dialog
# MIT licence; Copyright (c) 2026 the usip authors

from sip import SDP, request
from usip.calls import Calls
from usip.digest import credentials
from usip.digest import response as digest
from usip.errors import UsageError
from usip.message import parse
from usip.pager import Pager
from usip.policy import Policy
from usip.sdp import Session
from wire import Wire, make

HOME = (b"192.0.2.9", 5060)
STRANGER = (b"203.0.113.66", 5060)


class Way:
    """Another remote address, seen from the same socket."""

    transport = b"UDP"
    reliable = False
    local = Wire.local

    def __init__(self, wire, remote):
        self.wire = wire
        self.remote = remote

    def send(self, data):
        return self.wire.send(data)


class House:
    """An agent that takes calls and texts, with a policy; its registrar is HOME."""

    def __init__(self, allow="registrar", **how):
        self.wire = Wire()
        self.events = []
        self.agent = agent = make(self.wire, self.hear)
        agent.trusted.append(HOME)
        self.calls = Calls(agent, lambda call, flow: Session(flow.local[0], 4000))
        Pager(agent)
        agent.policy = Policy(agent, allow, **how)

    def hear(self, event, subject, detail):
        self.events.append(event)

    def take(self, remote, data):
        """What is answered to a datagram from `remote`: the statuses."""
        before = len(self.wire.sent)
        self.agent.receive(data, Way(self.wire, remote), self.wire.now)
        return [parse(x[1]).status for x in self.wire.sent[before:]]


def invite(n=1, more=(), uri=b"sip:door@192.0.2.1", body=SDP):
    return request(
        b"INVITE",
        uri,
        b"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK-i%d" % n,
        call_id=b"c%d" % n,
        more=(b"Contact", b"<sip:x@192.0.2.9>") + tuple(more),
        body=body,
    )


def other(method, n=1):
    via = b"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK-%s%d" % (method, n)
    body = b"hello" if method == b"MESSAGE" else b""
    return request(method, via=via, call_id=b"o%d" % n, ctype=b"text/plain", body=body)


ALL = (b"OPTIONS", b"MESSAGE", b"NOTIFY", b"REGISTER", b"SUBSCRIBE", b"BYE", b"INFO", b"FOO")


def test_strangers_get_silence():
    h = House()
    assert h.take(STRANGER, invite()) == []
    for n, method in enumerate(ALL):
        assert h.take(STRANGER, other(method, n)) == []
    # What cannot be read, an ACK, a CANCEL of nothing, a request within a dialog that is not there.
    assert h.take(STRANGER, invite(9).replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1)) == []
    assert h.take(STRANGER, other(b"ACK")) == [] and h.take(STRANGER, other(b"CANCEL")) == []
    inside = other(b"BYE", 70).replace(b"To: <sip:door@192.0.2.1>", b"To: <sip:door@x>;tag=guess")
    assert h.take(STRANGER, inside) == []
    assert h.events == [] and not len(h.agent.transactions) and not h.agent.parts
    assert h.agent.policy.refused == 11 and h.agent.policy.last == (b"BYE", STRANGER)


def test_the_registrar_is_heard():
    h = House()
    assert h.take(HOME, invite()) == [180]
    assert h.take(HOME, other(b"MESSAGE")) == [200]
    assert h.take(HOME, other(b"OPTIONS")) == [200]
    assert h.take(HOME, other(b"NOTIFY")) == [200]
    assert h.events == ["incoming", "message"]
    call = h.calls.active()[0]
    assert call.known and h.agent.policy.refused == 0
    # From its host, but not from its socket: another user of that machine, or a forger.
    assert h.take((HOME[0], 5999), invite(2)) == []
    # Until we know where we register nobody is the registrar.
    h.agent.trusted.clear()
    assert h.take(HOME, invite(3)) == []


def test_strangers_may_be_told():
    h = House(strangers=403)
    assert h.take(STRANGER, invite()) == [403]
    assert h.take(STRANGER, other(b"MESSAGE")) == [403]
    assert h.take(STRANGER, other(b"ACK")) == []
    assert not len(h.agent.transactions)


def test_a_list_of_addresses():
    h = House("10.0.0.5, 10.0.1.*,10.0.0.6:5070,[2001:db8::1]:5060")
    for remote, status in (
        ((b"10.0.0.5", 5060), [180]),
        ((b"10.0.0.50", 5060), []),
        ((b"10.0.0.6", 5070), [180]),
        ((b"10.0.0.6", 5060), []),
        ((b"10.0.1.200", 1), [180]),
        ((b"10.0.10.2", 5060), []),
        ((b"2001:db8::1", 5060), [180]),
        ((b"2001:db8::2", 5060), []),
        ((b"2001:DB8:0:0:0:0:0:0001", 5060), [180]),  # as MicroPython writes it
        ((b"2001:db8:1::1", 5060), []),
        (HOME, []),  # it was not listed
    ):
        h.agent.parts.clear()
        assert h.take(remote, invite(hash(remote) & 0xFFFF)) == status, remote
    for wrong in ("fritz.box", "10.0.0.5:x", "regsitrar", "10.0.0.5:99999", "[::1", ".*"):
        try:
            House(wrong)
        except UsageError:
            continue
        raise AssertionError(wrong)


def test_anybody():
    h = House("any")
    assert h.take(STRANGER, invite()) == [180]
    assert not h.calls.active()[0].known
    assert h.take(HOME, invite(2)) == [180] and not h.calls.active()[1].known
    assert h.take(STRANGER, invite(9).replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1)) == [505]
    h = House("any registrar")
    assert h.take(HOME, invite()) == [180] and h.calls.active()[0].known


# --- our own digest challenge ---


def answer(h, password=b"dong", user=b"indoor", nc=1, uri=b"sip:door@192.0.2.1", method=b"INVITE"):
    """The Authorization that answers the last 401; its MD5 challenge."""
    for v in parse(h.wire.last()).lines("www-authenticate"):
        c = credentials(v)
        if c[b"algorithm"] == b"MD5":
            break
    a1 = b":".join((user, c[b"realm"], password))
    middle = b"%s:%08x:abcd:auth" % (c[b"nonce"], nc)
    return (
        b"Authorization",
        b'Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", qop=auth, '
        b'nc=%08x, cnonce="abcd", algorithm=MD5'
        % (user, c[b"realm"], c[b"nonce"], uri, digest(0, a1, None, middle, method, uri), nc),
    )


def challenged():
    h = House("registrar", users={"indoor": "dong"})
    assert h.take(STRANGER, invite()) == [401] and not len(h.agent.transactions)
    return h


def test_a_password_lets_in():
    h = challenged()
    right = answer(h)
    assert h.take(STRANGER, invite(2, right)) == [180]
    call = h.calls.active()[0]
    assert call.known and h.events == ["incoming"]
    # The same again is the same transaction; a copy under another branch is a replay.
    assert h.take(STRANGER, invite(2, right)) == [180]
    assert h.take(STRANGER, invite(3, right)) == [401]
    assert b"stale=true" in h.wire.last() and h.events == ["incoming"]


OTHERS = (
    (b"Authorization", b"Basic aW5kb29yOmRvbmc="),
    (b"Authorization", b'Digest username="indoor", realm="elsewhere", nonce="1", response="2"'),
    (b"Authorization", b'Digest username="indoor", nc=zzzzzzzz, qop=auth'),
    (b"Authorization", b'Digest username="indoor'),
)


def test_an_answer_to_somebody_else():
    # It is none to us, so there is our challenge; and ours is found behind it.
    for n, more in enumerate(OTHERS):
        h = challenged()
        assert h.take(STRANGER, invite(20 + n, more)) == [401], more
        right, wrong = answer(h), answer(h, b"ding")
        assert h.take(STRANGER, invite(30 + n, more + wrong)) == [], more
        assert h.take(STRANGER, invite(40 + n, more + right)) == [180], more


def test_passwords_that_do_not():
    h = challenged()
    for wrong in (
        answer(h, b"ding"),
        answer(h, user=b"nobody"),
        answer(h, method=b"MESSAGE"),
        answer(h, uri=b"sip:other@192.0.2.1"),
        (b"Authorization", answer(h)[1].replace(b"nc=00000001", b"nc=zzzzzzzz")),
    ):
        assert h.take(STRANGER, invite(5, wrong)) == [], wrong
    # A counter that stands still or goes back.
    assert h.take(STRANGER, invite(6, answer(h, nc=2))) == [180]
    h.agent.receive(invite(7), Way(h.wire, STRANGER), h.wire.now)
    h.agent.parts.clear()
    right = answer(h, nc=5)
    assert h.take(STRANGER, invite(8, right)) == [180]
    # A nonce that is too old, or not ours.
    h.agent.receive(invite(9), Way(h.wire, STRANGER), h.wire.now)
    old = answer(h)
    h.wire.run(h.agent, 300_000)
    assert h.take(STRANGER, invite(10, old)) == [401] and b"stale=true" in h.wire.last()
    forged = (old[0], old[1].replace(b'nonce="', b'nonce="0'))
    assert h.take(STRANGER, invite(11, forged)) == []
    # A CANCEL cannot be challenged, an ACK is not answered.
    assert h.take(STRANGER, other(b"CANCEL")) == [] and h.take(STRANGER, other(b"ACK")) == []
    assert h.take(HOME, invite(12)) == [180]  # the registrar needs none


def test_a_nonce_does_not_come_round_with_the_clock():
    h = challenged()
    right = answer(h)
    h.wire.run(h.agent, 0x40000000)  # 12.4 days in which nobody comes
    assert h.take(STRANGER, invite(2, right)) == [401] and b"stale=true" in h.wire.last()


# --- what comes within a transaction or dialog ---


def test_cancel_has_to_know_the_call():
    h = House("any")
    h.take(STRANGER, invite())
    cancel = other(b"CANCEL").replace(b"z9hG4bK-CANCEL1", b"z9hG4bK-i1").replace(b"o1", b"c1")
    for wrong in (cancel.replace(b"c1", b"c2"), cancel.replace(b"tag=peer", b"tag=pear")):
        assert h.take(STRANGER, wrong) == [481] and len(h.calls.active()) == 1
    # The caller's NAT has moved since: it is never ignored.
    assert 200 in h.take((b"203.0.113.7", 5060), cancel) and h.calls.active() == []


def up(h, remote=HOME):
    """A call from `remote` that is up: it, and the To line of what comes within it."""
    assert h.take(remote, invite()) == [180]
    call = h.calls.active()[0]
    call.answer(h.wire.now)
    to = parse(h.wire.last()).get("to")
    assert h.take(remote, within(b"ACK", to, 1)) == [] and call.state == b"E"
    return call, to


def within(method, to, cseq, body=b""):
    via = b"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK-w%d%s" % (cseq, method)
    more = (b"Contact", b"<sip:x@192.0.2.9>")
    return request(method, via=via, you=to, call_id=b"c1", cseq=cseq, more=more, body=body)


def test_sound_is_not_sent_to_a_third_party():
    h = House()
    call, to = up(h)
    away = SDP.replace(b"IN IP4 192.0.2.9", b"IN IP4 198.51.100.1")
    here = SDP.replace(b"IN IP4 192.0.2.9", b"IN IP4 203.0.113.66")
    # Somebody who knows the dialog, from an address that it was never with.
    assert h.take(STRANGER, within(b"INVITE", to, 2, away)) == [403]
    assert call.sdp.remote.host == b"192.0.2.9" and call.state == b"E"
    # A peer that moved has the sound sent to where it is, and its ACK may come from there.
    assert h.take(STRANGER, within(b"INVITE", to, 3, here)) == [200]
    assert h.take(STRANGER, within(b"ACK", to, 3)) == [] and call.sdp.remote.host == STRANGER[0]
    # Whom the dialog is with may send it anywhere: a PBX that takes itself out of the way.
    assert h.take(HOME, within(b"INVITE", to, 4, away)) == [200]
    assert h.take(HOME, within(b"ACK", to, 4)) == [] and call.sdp.remote.host == b"198.51.100.1"
    # The same by a late offer, whose answer is in the ACK.
    assert h.take(STRANGER, within(b"INVITE", to, 5)) == [200]
    late = SDP.replace(b"IN IP4 192.0.2.9", b"IN IP4 198.51.100.7")
    h.take(STRANGER, within(b"ACK", to, 5, late))
    assert call.sdp.remote.host == b"198.51.100.1"
    # A BYE is never ignored.
    h.take(STRANGER, within(b"BYE", to, 6))
    assert h.calls.active() == []


def test_who_is_answered_by_itself():
    for allow, auto, remote, yes in (
        ("registrar", True, HOME, True),
        ("any", True, STRANGER, False),
        ("any registrar", True, STRANGER, False),
        ("any registrar", True, HOME, True),
        ("any 203.0.113.66", True, STRANGER, True),
        ("registrar", ("x", "y"), HOME, True),
        ("registrar", ("y",), HOME, False),
        ("registrar", False, HOME, False),
    ):
        h = House(allow, auto=auto)
        h.take(remote, invite())
        assert h.agent.policy.auto(h.calls.active()[0]) is yes, (allow, auto, remote)


def test_a_name_that_is_not_his():
    # Whose password it was counts, not what From says.
    users = {"guest": "g", "office": "o"}
    for user, password, name, yes in (
        (b"guest", b"g", b"office", False),
        (b"guest", b"g", b"guest", False),
        (b"office", b"o", b"office", True),
        (b"office", b"o", b"guest", True),
    ):
        h = House("registrar", users=users, auto=["office"])
        said = b"From: <sip:%s@192.0.2.9>" % name
        data = invite(1).replace(b"From: <sip:x@192.0.2.9>", said)
        assert said in data and h.take(STRANGER, data) == [401]
        data = invite(2, answer(h, password, user)).replace(b"From: <sip:x@192.0.2.9>", said)
        assert h.take(STRANGER, data) == [180]
        call = h.calls.active()[0]
        assert call.known and call.user == user and h.agent.policy.auto(call) is yes, (user, name)
        # Whom we know by where he is goes by what he says.
        h = House("registrar", users=users, auto=["office"])
        assert h.take(HOME, invite(1).replace(b"From: <sip:x@192.0.2.9>", said)) == [180]
        assert h.agent.policy.auto(h.calls.active()[0]) is (name == b"office")


def test_a_limit_of_time():
    h = House()
    call, to = up(h)
    call.limit(60_000, h.wire.now)
    h.wire.run(h.agent, 49_990)
    assert "warning" not in h.events
    h.wire.run(h.agent, 20)
    assert h.events[-1] == "warning" and call.state == b"E"
    h.wire.run(h.agent, 9_980)
    assert call.state == b"E"
    h.wire.run(h.agent, 20)
    assert call.state == b"B" and call.reason == "TimeUp"
    assert h.wire.last()[:4] == b"BYE "
    # A short one has no time for a warning; one that ended before hears nothing of it.
    h = House()
    call, to = up(h)
    call.limit(5000, h.wire.now)
    h.take(HOME, within(b"BYE", to, 2))
    h.wire.run(h.agent, 60_000)
    assert "warning" not in h.events and call.reason == "HungUp"
