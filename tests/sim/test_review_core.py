# usip: calls that went wrong once: tables that fill, listeners that raise, requests that are lost
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench
from sip import SDP, SDP_OTHER, request
from usip import limits
from usip.digest import Credentials
from usip.errors import UsageError
from usip.message import parse
from usip.pager import ping

HEAPS = 2  # the table is full, and all that was sent is kept

LOCKED = (b"WWW-Authenticate", b'Digest realm="r", nonce="n"')
_BRANCH = b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK"


def count(b, start):
    return len(b.wire.times(start))


def last(b):
    return int(b.wire.last()[8:11])


def stranger(b, i, method=b"OPTIONS", **how):
    b.receive(request(method, via=_BRANCH + b"s%d" % i, call_id=b"s-%d" % i, **how))


def test_nothing_in_common():
    # What made a socket for the sound has to hear that it can go.
    for body, code in ((SDP_OTHER, 488), (b"v=0\r\n", 488), (b"x", 400)):
        b = Bench()
        b.invited(body=body)
        assert last(b) in (code, 488), b.wire.last()
        assert b.events == ["dropped"], b.events
        assert not b.agent.dialogs and not b.agent.parts
        b.run(limits.LINGER)
        assert b.idle()


def test_cancel_of_what_was_refused():
    b = Bench()
    b.invited(more=(b"Subject", b"no Contact"))
    assert last(b) == 400 and not b.agent.parts
    b.receive(request(b"CANCEL"))
    assert last(b) == 200 and b.events == []
    b.run(2 * limits.TIMEOUT)
    assert b.idle()


MOST = 8  # 64 KB do not hold this twice, with the calls that the full number would leave


def finished(b):
    # As many finished transactions of both sides as there is place for.
    b.agent.most = MOST
    for i in range(MOST):
        ping(b.agent, b"sip:x@192.0.2.9", b.now)
        b.answered(200, method=b"OPTIONS")
        stranger(b, i)
        b.wire.sent.clear()
    assert len(b.agent.transactions) >= MOST - limits.OWN_TRANSACTIONS


def refused(b):
    # INVITEs of ours, each waits half a minute for its final response to come again.
    b.agent.most = MOST
    for _ in range(MOST):
        c = b.calls.dial(b"sip:x@192.0.2.9", b.now)
        b.answered(486)
        assert c.state == b"X"
        b.wire.sent.clear()
    assert len(b.agent.transactions) == MOST
    # They wait for a response that comes again, and keep no call for it.
    assert not [t for t in b.agent.transactions if t.client and t.state == b"F" and t.user]


def test_bye_when_the_table_is_full():
    for fill in (finished, refused):
        b = Bench()
        c = b.up(True)
        fill(b)
        c.hangup(b.now)
        assert count(b, b"BYE") == 1 and c.state == b"B"
        b.answered(200, method=b"BYE")
        assert c.state == b"X" and c.reason == "HungUp"


def test_cancel_when_the_table_is_full():
    for fill in (finished, refused):
        b = Bench()
        c = b.dial()
        b.answered(180)
        invite = b.sent(b"INVITE")
        fill(b)
        c.hangup(b.now)
        assert b.sent(b"CANCEL").branch == invite.branch and c.state == b"Y"


def test_strangers_leave_places_for_us():
    b = Bench()
    b.up(False)
    b.run(limits.TIMEOUT + 1000)
    assert not b.agent.transactions
    b.invited()  # the second call: from here on everybody is refused, and sends no ACK
    for i in range(40):
        stranger(b, i, b"INVITE", body=SDP, more=(b"Contact", b"<sip:s@192.0.2.9>"))
    most = limits.TRANSACTIONS - limits.OWN_TRANSACTIONS
    assert len(b.agent.transactions) == most and last(b) == 503
    c = [p for p in b.agent.parts if not p.incoming][0]
    c.hangup(b.now)
    assert count(b, b"BYE") == 1 and c.state == b"B"
    for _ in range(limits.OWN_TRANSACTIONS - 1):
        assert ping(b.agent, b"sip:x@192.0.2.9", b.now).status == 0
    # Now it is full for us as well.
    assert ping(b.agent, b"sip:x@192.0.2.9", b.now).status == 503


def test_many_reinvites():
    # baresip held and resumed by the second: each of its INVITEs stayed for half a minute, the
    # thirteenth was refused, and so was its BYE.
    for callee in (False, True):
        b = Bench()
        b.agent.most = MOST
        c = b.up(callee)
        for _ in range(2 * MOST):
            b.run(500)
            b.wire.sent.clear()
            b.within(b"INVITE", body=SDP)
            assert last(b) == 200, b.wire.last()
            b.within(b"ACK", b.cseq)
        assert len(b.agent.transactions) <= MOST
        # What waits for its ACK is not given up for another.
        b.within(b"INVITE", body=SDP)
        for i in range(MOST):
            b.wire.sent.clear()
            stranger(b, i, b"FOO")
        b.run(500)
        assert count(b, b"SIP/2.0 200") == 1
        b.within(b"ACK", b.cseq)
        b.within(b"BYE")
        assert last(b) == 200 and c.state == b"X" and c.reason == "HungUp"


def test_the_peers_bye_when_the_table_is_full():
    b = Bench()
    c = b.up(True)
    for i in range(limits.TRANSACTIONS):
        stranger(b, i, b"INVITE", body=SDP_OTHER, more=(b"Contact", b"<sip:s@192.0.2.9>"))
    assert last(b) == 503
    stranger(b, 99, b"BYE")  # of no call of ours
    assert last(b) == 503
    b.within(b"BYE")
    assert last(b) == 200 and c.state == b"X" and c.reason == "HungUp"


def raising(b, at, error):
    def hear(event, subject, detail):
        b.hear(event, subject, detail)
        if event == at:
            raise error

    b.agent.listener = hear


def swallow(f, *args):
    try:
        f(*args)
    except (ValueError, MemoryError, UsageError):
        pass


def test_a_listener_that_raises_at_the_end():
    for error in (ValueError("x"), MemoryError(), UsageError("x")):
        for how in ("bye", "hangup", "cancel", "reject", "refused"):
            b = Bench()
            raising(b, "ended", error)
            if how in ("bye", "hangup"):
                c = b.up(how == "bye")
                if how == "bye":
                    swallow(b.within, b"BYE")
                else:
                    c.hangup(b.now)
                    swallow(lambda: b.answered(200, method=b"BYE"))  # noqa: B023
            elif how == "refused":
                c = b.dial()
                swallow(b.answered, 486)
            else:
                b.invited()
                c = b.call
                if how == "cancel":
                    swallow(b.receive, request(b"CANCEL"))
                else:
                    swallow(c.reject, b.now)
            assert c.state == b"X" and not b.agent.parts and not b.agent.dialogs, how
            assert b.events.count("ended") == 1, how
            b.run(2 * limits.TIMEOUT)
            assert b.idle(), how


def test_no_memory_for_the_last_answer():
    b = Bench()
    b.invited()
    c = b.call

    def response(*args):
        raise MemoryError

    b.agent.response = response
    swallow(c.reject, b.now)
    assert c.state == b"X" and not b.agent.parts and not b.agent.dialogs
    assert b.events == ["incoming", "ended"]


def test_cancel_waits_for_its_own_provisional():
    # 9.1: the 100 was for the INVITE without credentials; who gets a CANCEL before the INVITE
    # answers 481, and rings.
    b = Bench()
    b.agent.credentials = Credentials(b"u", b"p")
    b.agent.trusted.append(b.wire.remote)
    c = b.dial()
    b.answered(100, b"")
    first = b.sent(b"INVITE")
    b.answered(401, more=LOCKED)
    second = b.sent(b"INVITE")
    assert second.branch != first.branch and second.get("authorization")
    b.run(700)
    c.hangup(b.now)
    b.run(2000)
    assert count(b, b"CANCEL") == 0 and count(b, b"INVITE") >= 3
    b.answered(180)
    assert b.sent(b"CANCEL").branch == second.branch and count(b, b"CANCEL") == 1
    b.answered(200, method=b"CANCEL")
    b.answered(487)
    assert (c.code, c.reason, c.remote_ended) == (487, "Cancelled", False)
    b.run(limits.RING_MS)
    assert b.idle() and b.events.count("ended") == 1


def test_provisionals_after_cancel():
    b = Bench()
    c = b.dial()
    b.answered(180)
    c.hangup(b.now)
    for _ in range(3):
        b.run(10_000)
        b.answered(180)
    b.run(limits.TIMEOUT - 30_000)
    assert c.state == b"X" and b.idle(), [t.state for t in b.agent.transactions]


def test_patience_longer_than_a_transaction():
    b = Bench()
    c = b.dial(ring_ms=2 * limits.RING_MS)
    b.answered(180)
    b.run(limits.RING_MS - 1)
    assert count(b, b"CANCEL") == 0
    b.run(1)
    assert count(b, b"CANCEL") == 1
    assert parse(b.wire.last()).branch == b.sent(b"INVITE").branch
    b.answered(487)
    assert (c.code, c.reason) == (408, "NoAnswer")


def test_a_full_table_does_not_hear_a_text_twice():
    # Sixteen requests within a call had pushed out what was known of a text, which came again.
    b = Bench()
    texts = []
    b.agent.methods[b"MESSAGE"] = lambda tx, m, now: (
        texts.append(m.body),
        b.agent.answer(tx, 200, now),
    )
    stranger(b, 0, b"MESSAGE", body=b"once", ctype=b"text/plain")
    b.up(True)
    for _ in range(2 * limits.TRANSACTIONS):
        b.within(b"OPTIONS")
        assert last(b) == 200
    stranger(b, 0, b"MESSAGE", body=b"once", ctype=b"text/plain")
    assert last(b) == 200 and texts == [b"once"]
