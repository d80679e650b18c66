# usip: calls that went wrong once: what comes again, what is wished for too early, who is silent
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench
from sip import SDP, request, response
from usip import limits
from usip.message import parse

CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")


def count(b, start):
    return len(b.wire.times(start))


def last(b):
    return int(b.wire.last()[8:11])


def again(b, m):
    """The peer's 2xx to our INVITE `m` comes (again)."""
    b.receive(response(m, 200, b"peer", CONTACT, body=SDP))


def test_first_2xx_again_after_a_reinvite():
    b = Bench()
    c = b.up(False)
    first = b.sent(b"INVITE")
    c.hold(True, b.now)
    second = b.sent(b"INVITE")
    again(b, first)  # while the other is out
    assert count(b, b"ACK") == 2 and b.sent(b"ACK").cseq == first.cseq
    again(b, second)
    assert count(b, b"ACK") == 3 and b.sent(b"ACK").cseq == second.cseq
    again(b, first)
    assert count(b, b"ACK") == 4 and b.sent(b"ACK").cseq == first.cseq
    again(b, second)
    assert count(b, b"ACK") == 5 and b.sent(b"ACK").cseq == second.cseq
    assert c.state == b"E" and c.change().state == b"N" and count(b, b"BYE") == 0


def test_2xx_of_a_reinvite_after_our_bye():
    b = Bench()
    c = b.up(False)
    c.hold(True, b.now)
    m = b.sent(b"INVITE")
    c.hangup(b.now)
    for n in (2, 3):
        again(b, m)
        assert count(b, b"ACK") == n and b.sent(b"ACK").cseq == m.cseq
    b.answered(200, method=b"BYE")
    again(b, m)  # and even now
    assert count(b, b"ACK") == 4 and count(b, b"BYE") == 1 and c.reason == "HungUp"
    b.run(2 * limits.TIMEOUT)
    assert b.idle()


def test_hold_before_the_answer():
    b = Bench()
    c = b.dial()
    b.answered(180)
    c.hold(True, b.now)
    assert count(b, b"INVITE") == 1
    b.answered(200, body=SDP)
    m = b.sent(b"INVITE")
    assert count(b, b"INVITE") == 2 and m.to_tag == b"peer" and b"a=sendonly" in m.body
    b.answered(200, body=SDP + b"a=recvonly\r\n")
    assert b.events[-1] == "held" and c.change().state == b"N"


def test_hold_before_the_ack():
    for ringing in (True, False):
        b = Bench()
        b.invited()
        c = b.call
        if ringing:
            c.hold(True, b.now)
            c.answer(b.now)
        else:
            c.answer(b.now)
            c.hold(True, b.now)
        assert count(b, b"INVITE") == 0
        b.within(b"ACK", 1)
        assert b"a=sendonly" in b.sent(b"INVITE").body and c.mod.state == b"L"
        again(b, b.sent(b"INVITE"))
        assert count(b, b"ACK") == 1 and c.state == b"E" and c.change().state == b"N"


def test_hold_of_a_call_that_never_was():
    b = Bench()
    b.wire.flow = lambda host, port, transport=b"UDP": None
    c = b.dial()
    assert c.state == b"X" and b.events == ["ended"]
    c.hold(True, b.now)
    c.refresh(b.now)
    c.hangup(b.now)
    b = Bench()
    c = b.dial()
    b.answered(486)
    c.hold(True, b.now)
    assert count(b, b"INVITE") == 1 and b.events == ["ended"] and not b.agent.parts


def test_stray_2xx():
    b = Bench()
    c = b.up(False)
    m = b.sent(b"INVITE")
    for _ in range(10):
        b.receive(response(m, 200, b"other", (b"Contact", b"<sip:o@192.0.2.9>"), body=SDP))
        assert b.sent(b"ACK").to_tag == b"other"
    assert count(b, b"ACK") == 11 and count(b, b"BYE") == 1
    again(b, m)  # ours was kept
    assert b.sent(b"ACK").to_tag == b"peer" and c.state == b"E"


def test_tag_of_the_200_to_cancel():
    b = Bench()
    b.invited()
    b.receive(request(b"CANCEL"))
    ok, end = parse(b.wire.sent[-2][1]), parse(b.wire.last())
    assert (ok.status, ok.cseq_method, end.status) == (200, b"CANCEL", 487)
    assert ok.to_tag == end.to_tag == b.call.dialog.local_tag


def test_reinvite_before_the_ack():
    b = Bench()
    b.invited()
    b.call.answer(b.now)
    b.within(b"INVITE", body=SDP)
    assert last(b) == 491 and b.call.state == b"W"
    b.within(b"ACK", 1)
    assert b.call.state == b"E"
    b.within(b"INVITE", body=SDP)
    assert last(b) == 200


def test_180_with_sdp():
    b = Bench()
    b.dial()
    b.answered(180, body=SDP)
    assert b.events == ["trying", "ringing", "early-media"]
    b = Bench()
    b.dial()
    b.answered(183, body=SDP)
    assert b.events == ["trying", "early-media"]
    b.answered(180)
    assert b.events == ["trying", "early-media", "ringing"]


def test_who_ended_it():
    for code in (487, 486, 500):  # whatever it says after our CANCEL, we did it
        b = Bench()
        c = b.dial()
        b.answered(180)
        c.hangup(b.now)
        b.answered(code)
        assert (c.reason, c.remote_ended) == ("Cancelled", False), code


def test_early_media_of_ours():
    b = Bench()
    b.invited()
    b.call.ring(b.now)
    assert b.events == ["incoming"]
    b.call.ring(b.now, 183)
    assert b.events == ["incoming", "early-media"] and b"m=audio" in parse(b.wire.last()).body
    b = Bench()
    b.invited(body=b"")  # the offer would be ours: nothing is agreed yet
    b.call.ring(b.now, 183)
    assert b.events == ["incoming"] and not parse(b.wire.last()).body


def test_probe():
    for code in (200, 405):
        b = Bench(probe_ms=5000)
        c = b.up(False)
        b.run(4999)
        assert count(b, b"OPTIONS") == 0
        for n in (1, 2, 3):
            b.run(1)
            assert count(b, b"OPTIONS") == n and b.sent(b"OPTIONS").to_tag == b"peer"
            b.answered(code, method=b"OPTIONS")
            b.run(4999)
        assert c.state == b"E"
        c.alive(b.now)
        b.run(4000)
        c.alive(b.now)
        b.run(4000)
        assert count(b, b"OPTIONS") == 3 and c.state == b"E"


def test_probe_finds_nobody():
    b = Bench(probe_ms=5000)
    c = b.up(True)
    b.run(5000)
    b.answered(481, method=b"OPTIONS")
    assert (c.state, c.reason, c.remote_ended) == (b"X", "Lost", True) and count(b, b"BYE") == 0
    for silent in (False, True):
        b = Bench(probe_ms=limits.TIMEOUT)
        c = b.up(True)
        b.run(limits.TIMEOUT)
        if silent:
            b.run(limits.TIMEOUT)
        else:
            b.answered(408, method=b"OPTIONS")
        assert c.state == b"B" and c.reason == "Lost" and count(b, b"BYE") == 1
        b.run(limits.BYE_MS)
        assert c.state == b"X" and b.events.count("ended") == 1


def test_ack_with_the_branch_of_its_invite():
    # As RFC 2543 peers and some that should know better send it
    b = Bench()
    b.invited()
    c = b.call
    heard = []
    ack = c.ack

    def count_ack(tx, m, now):
        heard.append(m.cseq)
        ack(tx, m, now)

    c.ack = count_ack
    c.answer(b.now)
    b.within(b"ACK", 1, branch=b"z9hG4bK1")
    assert heard == [1] and c.state == b"E" and b.events.count("answered") == 1


class Scarce(Bench):
    """Memory runs out when the listener hears `word`, `times` times."""

    word = b""
    times = 0

    def hear(self, event, subject, detail):
        Bench.hear(self, event, subject, detail)
        if event == self.word and self.times:
            self.times -= 1
            raise MemoryError

    def without(self, f, *args):
        try:
            f(*args)
            raise AssertionError("it did not run out")
        except MemoryError:
            pass


def test_no_memory_when_the_call_is_up():
    # The application never heard that it is up: nobody would hang up.
    b = Scarce()
    b.word, b.times = "answered", 1
    c = b.dial()
    b.without(b.answered, 200, b"peer", SDP)
    assert count(b, b"ACK") == 1 and count(b, b"BYE") == 1 and c.state == b"B"
    b.answered(200, method=b"BYE")
    assert c.state == b"X" and c.reason == "Failed" and b.events[-1] == "ended"
    b = Scarce()
    b.word, b.times = "media", 1
    b.invited()
    c = b.call
    c.answer(b.now)
    b.without(b.within, b"ACK", 1)
    assert count(b, b"BYE") == 1
    b.run(2 * limits.TIMEOUT)
    assert c.state == b"X" and b.idle()


def test_no_memory_for_the_ack():
    # As if the 2xx had been lost: it comes again.
    b = Bench()
    c = b.dial()
    b.answered(180)
    confirm = c._confirm

    def scarce(m):
        raise MemoryError

    c._confirm = scarce
    try:
        b.answered(200, body=SDP)
        raise AssertionError("it did not run out")
    except MemoryError:
        pass
    assert c.state == b"R" and count(b, b"ACK") == 0 and "answered" not in b.events
    c._confirm = confirm
    b.answered(200, body=SDP)
    assert c.state == b"E" and count(b, b"ACK") == 1 and "answered" in b.events
    # and when it never comes again, it does not ring for ever
    b = Bench()
    c = b.dial()
    c._confirm = scarce
    try:
        b.answered(200, body=SDP)
    except MemoryError:
        pass
    b.run(limits.RING_MS + 3 * limits.TIMEOUT)
    assert c.state == b"X" and b.idle()
