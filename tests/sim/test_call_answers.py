# usip: calls that we place: forks, redirects, offers and answers in odd shapes
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench, count, ended
from sip import SDP, SDP_OTHER, response
from usip import limits
from usip.message import parse

OK = {"body": SDP}


def test_forks():
    b = Bench()
    b.dial()
    b.answered(180, b"a")
    b.answered(183, b"b", body=SDP)
    b.answered(180, b"a")
    assert len(b.call.early) == 2
    assert b.events == ["trying", "ringing", "early-media"]
    b.answered(200, b"b", body=SDP)
    assert b.call.dialog.remote_tag == b"b" and b.sent(b"ACK").to_tag == b"b"
    # The other one picked up as well: ACK and BYE, and our call goes on.
    for _ in (1, 2):  # it repeats its 200: an ACK each time, one BYE
        b.answered(200, b"a", body=SDP, more=(b"Contact", b"<sip:other@192.0.2.9>"))
        ack = b.sent(b"ACK")
        assert ack.to_tag == b"a" and ack.uri == b"sip:other@192.0.2.9"
        assert b.sent(b"BYE").to_tag == b"a" and count(b, b"BYE") == 1
    b.answered(200, b"b", body=SDP)
    assert b.sent(b"ACK").to_tag == b"b"
    assert b.call.state == b"E" and b.events.count("answered") == 1
    b.call.hangup(b.now)
    assert b.sent(b"BYE").to_tag == b"b"
    b.answered(200, b"b", method=b"BYE")
    # and even after that
    b.answered(200, b"c", body=SDP)
    assert b.sent(b"ACK").to_tag == b"c" and b.sent(b"BYE").to_tag == b"c"
    ended(b, 200, "HungUp", False)


def test_more_forks_than_are_kept():
    b = Bench()
    b.dial()
    for i in range(limits.EARLY_DIALOGS + 3):
        b.answered(180, b"t%d" % i)
    assert len(b.call.early) == limits.EARLY_DIALOGS
    b.answered(200, b"t6", body=SDP)
    assert b.call.state == b"E" and b.call.dialog.remote_tag == b"t6"


def test_redirect_only_when_asked():
    there = (b"Contact", b"<sip:new@192.0.2.77>;q=0.9, <sip:other@192.0.2.78>")
    b = Bench()
    b.dial()
    b.answered(302, more=there)
    assert count(b, b"INVITE") == 1
    ended(b, 302, "Redirected", True)
    b = Bench()
    b.dial(follow=True, ring_ms=20_000)
    first = b.sent(b"INVITE")
    b.answered(302, more=there)
    m = b.sent(b"INVITE")
    assert m.uri == b"sip:new@192.0.2.77" and m.call_id != first.call_id
    assert b.call.state == b"S" and b.events == []
    b.answered(180)
    # the caller's own patience counts, not the longest there is
    b.run(20_000)
    assert count(b, b"CANCEL") == 1
    b.answered(487)
    ended(b, 408, "NoAnswer", False)
    # once: a loop ends
    b = Bench()
    b.dial(follow=True)
    b.answered(302, more=there)
    b.answered(302, more=there)
    assert count(b, b"INVITE") == 2
    ended(b, 302, "Redirected", True)


def test_redirect_after_hangup_or_to_nowhere():
    b = Bench()
    b.dial(follow=True)
    b.answered(180)
    b.call.hangup(b.now)
    b.answered(302, more=(b"Contact", b"<sip:new@192.0.2.77>"))
    assert count(b, b"INVITE") == 1
    ended(b, 487, "Cancelled", False)
    for contact in (b"<sip:@>", b"tel:+49", b"<", b"*", b'"'):
        b = Bench()
        b.dial(follow=True)
        b.answered(302, more=(b"Contact", contact))
        ended(b, 302, "Redirected", True)


def test_late_offer():
    b = Bench()
    b.dial(late=True)
    assert b.sent(b"INVITE").body == b""
    b.answered(183, body=SDP)  # no answer to an offer that we did not make
    b.answered(200, **OK)
    ack = b.sent(b"ACK")
    assert ack.content_type() == b"application/sdp" and b"m=audio 4000 RTP/AVP 8 0 101" in ack.body
    assert b.call.state == b"E" and b.call.sdp.remote.port == 6000
    b.answered(200, **OK)
    assert b.sent(b"ACK").body == ack.body
    # hung up before, or with an offer that is of no use: ACK and BYE all the same
    for body in (SDP, SDP_OTHER, b"", b"x"):
        b = Bench()
        b.dial(late=True)
        b.call.hangup(b.now)
        b.answered(200, body=body)
        assert count(b, b"ACK") == 1 and count(b, b"BYE") == 1, body


def test_answer_of_no_use():
    # 13.2.2.4: ACK, then BYE
    for body, more in ((SDP_OTHER, ()), (b"", ()), (b"nonsense", ())):
        b = Bench()
        b.dial()
        b.answered(200, body=body, more=more)
        assert count(b, b"ACK") == 1 and count(b, b"BYE") == 1 and b.call.state == b"B"
        assert "answered" not in b.events
        b.answered(200, method=b"BYE")
        assert b.call.state == b"X" and b.call.reason in ("NotAcceptable", "Failed")
    # A provisional of no use does no harm.
    b = Bench()
    b.dial()
    b.answered(183, body=b"nonsense")
    b.answered(200, **OK)
    assert b.call.state == b"E"


def test_2xx_whose_contact_or_route_cannot_be_read():
    for more in (
        (b"Contact", b"<sip:@>"),
        (b"Contact", b'"'),
        (b"X", b"1"),
        (b"Contact", b"<sip:x@192.0.2.9>", b"Record-Route", b"<sip:"),
        (b"Contact", b"<sip:x@192.0.2.9>", b"Record-Route", b", ".join([b"<sip:a;lr>"] * 9)),
        (b"Contact", b"<sip:" + b"x" * 1500 + b"@192.0.2.9>"),
        (b"Contact", b"<sip:x@192.0.2.9>", b"Record-Route", b"<sip:" + b"x" * 1500 + b";lr>"),
    ):
        b = Bench()
        b.dial()
        b.answered(180, more=more)
        b.answered(200, body=SDP, more=more)
        assert b.call.state in b"EX", more
        b.call.hangup(b.now)
        b.run(limits.TIMEOUT * 3)
        assert b.call.state == b"X" and b.idle(), more


def test_early_media_with_183_and_no_sdp_in_200():
    b = Bench()
    b.dial()
    b.answered(183, body=SDP)
    b.answered(200)
    assert b.events == ["trying", "early-media", "answered", "media"] and b.call.state == b"E"


def test_too_many_calls():
    from usip.errors import UsageError

    b = Bench()
    for _ in range(limits.CALLS):
        b.dial()
    try:
        b.dial()
        raise AssertionError
    except UsageError:
        pass
    for uri in (b"tel:+49", b"mailto:x"):
        b = Bench()
        try:
            b.calls.dial(uri, b.now)
            raise AssertionError
        except UsageError:
            assert b.idle()


def test_peer_forgot_us():
    # 481 to the BYE, or to a digit, is the end
    from usip.info import send

    b = Bench()
    b.up(False)
    b.call.hangup(b.now)
    b.answered(481, method=b"BYE")
    ended(b, 200, "HungUp", False)
    b = Bench()
    b.up(False)
    send(b.call, b"5", b.now)
    b.answered(481, method=b"INFO")
    ended(b, 481, "Lost", True)
    b = Bench()
    b.up(False)
    send(b.call, b"5", b.now)
    b.run(33_000)
    assert count(b, b"BYE") >= 1 and b.call.reason == "Lost"
    assert parse(response(b.sent(b"BYE"), 200)).status == 200


def test_no_socket_for_the_sound():
    from usip.errors import ProtocolError

    b = Bench()

    def session(call, flow):
        raise ProtocolError(503, "no socket")

    b.agent.session = session
    b.dial()
    ended(b, 503, "Unreachable", False)
    b.invited()
    assert b.wire.last()[:11] == b"SIP/2.0 503"
    b.run(limits.LINGER)
    assert b.idle()
