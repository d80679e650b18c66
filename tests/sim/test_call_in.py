# usip: calls that we take, with every crossing
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench, count, ended
from sip import SDP, SDP_OTHER, request
from usip import limits
from usip.errors import UsageError
from usip.message import parse

CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")
CAPPED = [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]


def last(b):
    return int(b.wire.last()[8:11])


def test_basic():
    b = Bench()
    b.invited()
    m = parse(b.wire.last())
    assert m.status == 180 and m.to_tag and m.body == b"" and m.get("contact") and m.get("allow")
    assert b.events == ["incoming"] and b.call.incoming and b.call.peer.startswith(b"<sip:x@")
    b.call.answer(b.now)
    ok = parse(b.wire.last())
    assert ok.status == 200 and ok.to_tag == m.to_tag
    assert ok.get("contact") == b"<sip:door@192.0.2.1:5060>"
    assert b"m=audio 4000 RTP/AVP 8 0 101" in ok.body and b.events == ["incoming"]
    b.within(b"ACK", 1)
    assert b.events == ["incoming", "answered", "media"]
    b.run(limits.LINGER)
    assert not b.agent.transactions and count(b, b"SIP/2.0 200") == 1
    b.call.hangup(b.now)
    bye = b.sent(b"BYE")
    assert bye.uri == b"sip:x@192.0.2.9" and bye.from_tag == ok.to_tag and bye.to_tag == b"peer"
    b.answered(200, method=b"BYE")
    ended(b, 200, "HungUp", False)


def test_peer_hangs_up():
    b = Bench()
    b.up(True)
    b.within(b"BYE")
    assert last(b) == 200
    b.within(b"BYE", branch=b"z9hG4bKagain")
    assert last(b) == 481  # there is no such dialog any more
    ended(b, 200, "HungUp", True)


def test_ended_call_is_let_go():
    # Its transactions stay for half a minute: a dozen short calls would fill a small board with
    # what nobody needs.
    b = Bench()
    for n, story in enumerate(("answered", "held", "refused")):
        b.invited(
            via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKi%d" % n,
            me=b"<sip:x@192.0.2.9>;tag=peer",
            call_id=b"call-%d" % n,
        )
        if story == "refused":
            b.call.reject(b.now)
        else:
            b.call.answer(b.now)
            b.within(b"ACK", 1)
            if story == "held":
                b.within(b"INVITE", 2, SDP + b"a=sendonly\r\n")
                b.within(b"ACK", 2)
                assert b.call.held
            b.within(b"BYE", 3, branch=b"z9hG4bKb%d" % n)
        assert b.call.state == b"X" and b.call.sdp is None
        for method in (b"ACK", b"INVITE"):  # late ones change nothing
            sent = len(b.wire.sent)
            b.within(method, 1, branch=b"z9hG4bKi%d" % n)
            assert b.call.state == b"X" and len(b.wire.sent) <= sent + 1
    kept = list(b.agent.transactions)
    assert len(kept) > 4
    assert not [tx for tx in kept if tx.user or tx.request]
    assert not [tx for tx in kept if tx.state == b"A" and tx.data]
    b.run(limits.LINGER)
    assert b.idle()


def test_2xx_until_ack():
    b = Bench()
    b.invited()
    b.call.answer(b.now)
    b.run(31_999)
    assert b.wire.times(b"SIP/2.0 200") == [0] + CAPPED
    # 13.3.1.4: no ACK within 64*T1: BYE
    b.run(1)
    assert count(b, b"BYE") == 1
    b.answered(200, method=b"BYE")
    ended(b, 408, "NoAnswer", False)
    assert "answered" not in b.events


def test_ack_lost_once():
    b = Bench()
    b.invited()
    b.call.answer(b.now)
    b.run(1600)
    b.within(b"ACK", 1)
    b.run(60_000)
    assert b.wire.times(b"SIP/2.0 200") == [0, 500, 1500] and b.call.state == b"E"


def test_bye_instead_of_ack():
    b = Bench()
    b.invited()
    b.call.answer(b.now)
    b.within(b"BYE")
    assert last(b) == 200
    ended(b, 200, "HungUp", True)
    assert count(b, b"SIP/2.0 200") == 2  # no more of the 2xx


def test_hangup_before_ack():
    # 15.1.1: the callee must not send BYE before the ACK
    b = Bench()
    b.invited()
    b.call.answer(b.now)
    b.call.hangup(b.now)
    b.run(2000)
    assert count(b, b"BYE") == 0 and count(b, b"SIP/2.0 200") == 3
    b.within(b"ACK", 1)
    assert count(b, b"BYE") == 1
    b.answered(200, method=b"BYE")
    ended(b, 200, "HungUp", False)
    assert "answered" not in b.events


def test_cancel():
    b = Bench()
    b.invited()
    b.receive(request(b"CANCEL"))
    assert [d[8:11] for _, d in b.wire.sent] == [b"180", b"200", b"487"]
    b.within(b"ACK", 1, branch=b"z9hG4bK1")
    b.call.answer(b.now)  # too late
    ended(b, 487, "Cancelled", True)
    assert len(b.wire.sent) == 3


def test_cancel_answered_elsewhere():
    b = Bench()
    b.invited()
    b.receive(
        request(b"CANCEL", more=(b"Reason", b'SIP;cause=200;text="Call completed elsewhere"'))
    )
    ended(b, 487, "AnsweredElsewhere", True)


def test_cancel_too_late():
    # 9.2: 200 to it, and no effect on what was answered: neither on what the call says later
    b = Bench()
    b.invited()
    b.call.answer(b.now)
    b.receive(request(b"CANCEL"))
    assert last(b) == 200 and count(b, b"SIP/2.0 487") == 0 and b.call.state == b"W"
    b.within(b"ACK", 1)
    assert b.call.state == b"E" and not b.call.reason
    b.receive(request(b"CANCEL"))
    b.within(b"BYE")
    ended(b, 200, "HungUp", True)


def test_cancel_of_nothing():
    b = Bench()
    b.receive(request(b"CANCEL"))
    assert last(b) == 481
    b.run(limits.TIMEOUT)
    assert b.idle()


def test_rejected():
    for code, reason in ((486, "Busy"), (603, "Declined"), (480, "Unavailable"), (404, "NotFound")):
        b = Bench()
        b.invited()
        b.call.reject(b.now, code)
        assert last(b) == code
        b.call.answer(b.now)
        b.call.reject(b.now, 500)
        assert last(b) == code
        b.within(b"ACK", 1, branch=b"z9hG4bK1")
        ended(b, code, reason, False)
    b = Bench()
    b.invited()
    for code in (200, 299, 700, 100):
        try:
            b.call.reject(b.now, code)
            raise AssertionError
        except UsageError:
            assert b.call.state == b"O"
    b.call.hangup(b.now)
    assert last(b) == 480


def test_nobody_answers():
    b = Bench()
    b.invited()
    b.run(limits.RING_MS)
    # 13.3.1.1: once a minute, so that no proxy takes us for dead
    assert b.wire.times(b"SIP/2.0 180") == [0, 60_000, 120_000, 180_000][: count(b, b"SIP/2.0 180")]
    assert count(b, b"SIP/2.0 180") >= 3
    assert last(b) == 480
    ended(b, 480, "NoAnswer", False)


def test_caller_says_how_long():
    for value, ms in (
        (b"20", 20_000),
        (b"0", 0),
        (b"x", limits.RING_MS),
        (b"999999", limits.RING_MS),
    ):
        b = Bench()
        b.invited(more=CONTACT + (b"Expires", value))
        if ms:
            b.run(ms - 1)
            assert b.call.state == b"O", value
        b.run(1)
        ended(b, 480, "NoAnswer", False)


def test_busy_when_the_table_is_full():
    b = Bench()
    for i in range(limits.CALLS):
        b.invited(via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKn%d" % i, call_id=b"c%d" % i)
        assert last(b) == 180
    b.invited(via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", call_id=b"cx")
    assert last(b) == 486 and b.events.count("incoming") == limits.CALLS
    b = Bench()
    b.calls.refuse = 486  # do not disturb
    b.invited()
    assert last(b) == 486 and b.events == []


def test_refused_offers():
    for how, code in (
        ({"body": SDP_OTHER}, 488),
        ({"body": b"x"}, 400),
        ({"body": b"x" * (limits.BODY_MAX + 1)}, 413),
        ({"body": SDP, "ctype": b"text/plain"}, 415),
        ({"body": SDP, "more": CONTACT + (b"Accept", b"text/plain")}, 406),
        ({"body": SDP, "more": CONTACT + (b"Accept", b"")}, 406),
        ({"body": SDP, "more": CONTACT + (b"Require", b"100rel")}, 420),
        ({"body": SDP, "uri": b"tel:+49"}, 416),
        ({"body": SDP, "you": b"<sip:door@192.0.2.1>;tag=x"}, 481),
        ({"body": SDP, "more": CONTACT + (b"Accept", b"a/b, Application/SDP;q=1")}, 180),
        ({"body": SDP, "more": CONTACT + (b"Accept", b"*/*")}, 180),
        ({"body": SDP, "more": CONTACT + (b"Supported", b"100rel, timer")}, 180),
        ({"body": SDP, "ctype": b"Application/SDP ; x=1"}, 180),
    ):
        b = Bench()
        b.invited(**how)
        assert last(b) == code, (how, b.wire.last())
        m = parse(b.wire.last())
        if code == 415:
            assert m.get("accept") == b"application/sdp"
        if code == 420:
            assert m.get("unsupported") == b"100rel"
        if code != 180:
            assert b.events in ([], ["dropped"])
            b.run(2 * limits.TIMEOUT)
            assert b.idle(), how


def test_late_offer():
    b = Bench()
    b.invited(b"")
    assert b.events == ["incoming"]
    b.call.ring(b.now, 183)  # an offer in an unreliable 183 would not count
    assert last(b) == 183 and parse(b.wire.last()).body == b""
    b.call.answer(b.now)
    assert b"m=audio 4000" in parse(b.wire.last()).body
    b.within(b"ACK", 1, body=SDP)
    assert b.call.state == b"E" and b.call.sdp.remote.port == 6000
    for body in (b"", SDP_OTHER, b"x"):
        b = Bench()
        b.invited(b"")
        b.call.answer(b.now)
        b.within(b"ACK", 1, body=body)
        assert count(b, b"BYE") == 1 and "answered" not in b.events
        b.answered(200, method=b"BYE")
        assert b.call.reason in ("NotAcceptable", "Failed")


def test_early_media():
    b = Bench()
    b.invited()
    b.call.ring(b.now, 183)
    m = parse(b.wire.last())
    assert m.status == 183 and b"m=audio" in m.body
    b.call.answer(b.now)
    assert parse(b.wire.last()).body == m.body


def test_answered_within_the_listener():
    b = Bench()

    def hear(event, subject, detail):
        b.events.append(event)
        if event == "incoming":
            b.call = subject
            subject.answer(b.now)

    b.agent.listener = hear
    b.invited()
    assert [d[8:11] for _, d in b.wire.sent] == [b"200"]
    b.within(b"ACK", 1)
    assert b.call.state == b"E"


def test_bye_in_an_early_dialog():
    b = Bench()
    b.invited()
    b.within(b"BYE")
    assert [d[8:11] for _, d in b.wire.sent] == [b"180", b"200", b"487"]
    ended(b, 487, "Cancelled", True)


def test_invite_again_while_it_rings():
    b = Bench()
    b.invited()
    b.invited()
    assert b.events == ["incoming"] and count(b, b"SIP/2.0 180") == 2
    # by another path: 482
    b.invited(via=b"SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK2")
    assert last(b) == 482 and b.events == ["incoming"]


def test_transport_fails_while_it_rings():
    # A datagram that could not be sent is a lost one: the network may be back when it is answered.
    b = Bench()
    b.wire.cut = True
    b.invited()
    b.run(1000)
    b.call.answer(b.now)
    b.run(3000)
    b.wire.cut = False
    b.receive(request(b"INVITE", body=SDP, more=(b"Contact", b"<sip:x@192.0.2.9>")))
    assert b.events == ["incoming"]  # it does not ring again
    b.run(4000)
    assert last(b) == 200
    b.within(b"ACK", 1)
    assert b.call.state == b"E"
    # It never comes back.
    b = Bench()
    b.wire.cut = True
    b.invited()
    b.call.answer(b.now)
    b.run(2 * limits.TIMEOUT)
    ended(b, 408, "NoAnswer", False)
    b = Bench()
    b.wire.cut = True
    b.invited()
    b.run(limits.RING_MS)
    ended(b, 480, "NoAnswer", False)
