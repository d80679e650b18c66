# usip: calls that we place, with every crossing
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench, count, ended
from sip import SDP
from usip import limits

OK = {"body": SDP}


def test_basic():
    b = Bench()
    c = b.dial()
    m = b.sent(b"INVITE")
    assert m.uri == b"sip:x@192.0.2.9" and m.get("contact") == b"<sip:door@192.0.2.1:5060>"
    assert m.content_type() == b"application/sdp" and m.get("allow") and m.to_tag == b""
    b.answered(100, b"")
    b.answered(180)
    b.answered(180)  # told once
    b.answered(200, **OK)
    assert b.events == ["trying", "ringing", "answered", "media"]
    ack = b.sent(b"ACK")
    assert ack.to_tag == b"peer" and ack.cseq == m.cseq and ack.branch != m.branch
    assert c.sdp.remote.host == b"192.0.2.9" and c.sdp.remote.port == 6000
    b.run(60_000)
    assert c.state == b"E" and not b.agent.transactions
    c.hangup(b.now)
    bye = b.sent(b"BYE")
    assert (bye.cseq, bye.call_id, bye.to_tag) == (m.cseq + 1, m.call_id, b"peer")
    b.answered(200, method=b"BYE")
    ended(b, 200, "HungUp", False)
    assert count(b, b"BYE") == 1


def test_peer_hangs_up():
    b = Bench()
    b.up(False)
    b.within(b"BYE")
    assert b.wire.last()[:11] == b"SIP/2.0 200"
    ended(b, 200, "HungUp", True)


def test_byes_cross():
    b = Bench()
    b.up(False)
    b.call.hangup(b.now)
    b.within(b"BYE")
    assert b.wire.last()[:11] == b"SIP/2.0 200"
    b.answered(481, method=b"BYE")
    ended(b, 200, "HungUp", False)


def test_bye_lost():
    b = Bench()
    b.up(False)
    b.call.hangup(b.now)
    b.run(31_000)
    assert count(b, b"BYE") == 10 and b.call.state == b"B"
    b.run(2_000)
    ended(b, 200, "HungUp", False)


def test_cancel_before_any_answer():
    # 9.1: not before a provisional
    b = Bench()
    b.dial()
    b.call.hangup(b.now)
    b.run(1000)
    assert count(b, b"CANCEL") == 0
    b.answered(100, b"")
    m = b.sent(b"INVITE")
    k = b.sent(b"CANCEL")
    assert (k.branch, k.uri, k.cseq, k.call_id) == (m.branch, m.uri, m.cseq, m.call_id)
    assert k.to_tag == b"" and k.from_tag == m.from_tag
    b.answered(200, method=b"CANCEL")
    b.answered(487)
    assert count(b, b"ACK") == 1
    ended(b, 487, "Cancelled", False)


def test_cancel_while_it_rings():
    b = Bench()
    b.dial()
    b.answered(180)
    b.call.hangup(b.now)
    b.call.hangup(b.now)
    assert count(b, b"CANCEL") == 1
    b.answered(487)
    ended(b, 487, "Cancelled", False)
    assert "answered" not in b.events


def test_cancel_crosses_2xx():
    b = Bench()
    b.dial()
    b.answered(180)
    b.call.hangup(b.now)
    b.answered(200, **OK)
    assert count(b, b"ACK") == 1 and count(b, b"BYE") == 1
    b.answered(200, **OK)  # its ACK was lost
    assert count(b, b"ACK") == 2 and count(b, b"BYE") == 1
    b.answered(200, method=b"BYE")
    ended(b, 487, "Cancelled", False)
    assert "answered" not in b.events


def test_2xx_straight_after_hangup():
    b = Bench()
    b.dial()
    b.call.hangup(b.now)
    b.answered(200, **OK)
    assert count(b, b"CANCEL") == 0 and count(b, b"ACK") == 1 and count(b, b"BYE") == 1
    b.answered(200, method=b"BYE")
    ended(b, 487, "Cancelled", False)


def test_cancel_unanswered():
    b = Bench()
    b.dial()
    b.answered(180)
    b.call.hangup(b.now)
    b.run(limits.TIMEOUT + 1000)
    assert b.call.state == b"X" and b.idle()
    # the peer wakes up: its 2xx has no owner any more
    n = len(b.wire.sent)
    b.answered(200, **OK)
    assert len(b.wire.sent) == n
    ended(b, 487, "Cancelled", False)


def test_challenge_after_hangup_is_not_answered():
    # The bell is pressed and let go of: nobody may ring after that.
    for provisional in (False, True):
        b = Bench()
        from usip.digest import Credentials

        b.agent.credentials = Credentials(b"u", b"p")
        b.agent.trusted.append(b.wire.remote)
        b.dial()
        if provisional:
            b.answered(100, b"")
        b.call.hangup(b.now)
        b.answered(401, more=(b"WWW-Authenticate", b'Digest realm="r", nonce="n"'))
        assert count(b, b"INVITE") == 1 and b.call.state == b"X"
        b.run(limits.RING_MS)
        assert count(b, b"INVITE") == 1 and b.idle()


def test_no_answer_at_all():
    b = Bench()
    b.dial()
    b.run(limits.TIMEOUT)
    assert count(b, b"INVITE") == 7 and b.events == ["ended"]
    ended(b, 408, "NoAnswer", False)


def test_ring_timeout():
    b = Bench()
    b.dial(ring_ms=30_000)
    b.answered(180)
    b.run(29_999)
    assert count(b, b"CANCEL") == 0
    b.run(1)
    assert count(b, b"CANCEL") == 1
    b.answered(487)
    ended(b, 408, "NoAnswer", False)


def test_refused():
    for code, reason in (
        (486, "Busy"),
        (600, "Busy"),
        (603, "Declined"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (480, "Unavailable"),
        (488, "NotAcceptable"),
        (401, "Unauthorized"),
        (407, "Unauthorized"),
        (302, "Redirected"),
        (500, "Failed"),
        (699, "Failed"),
    ):
        b = Bench()
        b.dial()
        b.answered(180)
        b.answered(code)
        b.answered(code)  # again: its ACK was lost
        assert count(b, b"ACK") == 2 and count(b, b"INVITE") == 1
        ended(b, code, reason, True)


def test_hung_up_before_a_late_ringing():
    # The time to ring was over, and the call forgotten, before the peer said that it rings: it rang
    # on for minutes, and nobody cancelled it.
    b = Bench()
    b.dial(ring_ms=5000)
    b.run(100)
    b.call.hangup(b.now)
    b.run(7000)
    assert b.sent(b"CANCEL") is None
    b.answered(180)
    assert b.sent(b"CANCEL") is not None
    b.answered(200, method=b"CANCEL")
    b.answered(487)
    ended(b, 487, "Cancelled", False)
