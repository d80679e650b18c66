# usip: changing a session: hold, resume, a new address, glare (RFC 3261 14, RFC 3264 8)
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench
from sip import SDP, SDP_OTHER
from usip import limits
from usip.message import parse

HELD = SDP + b"a=sendonly\r\n"
MOVED = SDP.replace(b"192.0.2.9", b"192.0.2.99").replace(b"6000", b"7000")
CAPPED = [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]


def last(b):
    return int(b.wire.last()[8:11])


def count(b, start):
    return len(b.wire.times(start))


def up(callee=False):
    b = Bench()
    b.up(callee)
    b.run(33_000)
    b.events.clear()
    b.wire.sent.clear()
    return b


def test_we_hold_and_resume():
    for callee in (False, True):
        b = up(callee)
        b.call.hold(True, b.now)
        m = b.sent(b"INVITE")
        d = b.call.dialog
        assert m.to_tag == d.remote_tag and m.get("contact") and b"a=sendonly" in m.body
        b.answered(200, body=SDP + b"a=recvonly\r\n")
        assert b.events == ["media", "held"] and b.sent(b"ACK").cseq == m.cseq
        b.answered(200, body=SDP)  # our ACK was lost
        assert count(b, b"ACK") == 2 and b.events == ["media", "held"]
        b.call.hold(False, b.now)
        assert b"a=sendrecv" in b.sent(b"INVITE").body
        b.answered(200, body=SDP)
        assert b.events == ["media", "held", "media", "resumed"]
        assert b.call.change().state == b"N" and b.call.state == b"E"


def test_peer_holds_and_resumes():
    for callee in (False, True):
        b = up(callee)
        b.within(b"INVITE", body=HELD)
        m = parse(b.wire.last())
        assert m.status == 200 and b"a=recvonly" in m.body and m.get("contact")
        assert b.events == ["media", "held"]
        b.within(b"ACK", b.cseq)
        b.within(b"INVITE", body=SDP)
        assert b"a=sendrecv" in parse(b.wire.last()).body
        b.within(b"ACK", b.cseq)
        assert b.events == ["media", "held", "media", "resumed"]
        b.run(60_000)
        assert count(b, b"SIP/2.0 200") == 2 and not b.agent.transactions


def test_peer_moves_its_media():
    # The direct-media re-INVITE of a PBX
    b = up()
    b.within(b"INVITE", body=MOVED)
    b.within(b"ACK", b.cseq)
    r = b.call.sdp.remote
    assert (r.host, r.port) == (b"192.0.2.99", 7000) and b.events == ["media"]


def test_we_move():
    b = up()
    b.call.sdp.host = b"192.0.2.100"
    b.call.refresh(b.now)
    m = b.sent(b"INVITE")
    assert b"c=IN IP4 192.0.2.100" in m.body and b" 2 IN IP4" in m.body  # version counted up
    b.answered(200, body=SDP)
    assert b.call.state == b"E"


def test_our_change_refused():
    # 14.1: the session goes on as it was
    for code in (488, 500, 603, 415):
        b = up()
        was = b.call.sdp.remote
        b.call.hold(True, b.now)
        b.answered(code)
        assert b.call.state == b"E" and b.call.sdp.remote == was and b.events == ["error"]
        b.call.refresh(b.now)
        assert b"a=sendrecv" in b.sent(b"INVITE").body  # hold was refused
    for code in (481, 408):
        b = up()
        b.call.hold(True, b.now)
        b.answered(code)
        assert b.call.reason == "Lost" and (b.call.state == b"X") == (code == 481)


def test_peers_change_refused():
    for body, ctype, code in (
        (SDP_OTHER, b"application/sdp", 488),
        (b"x", b"application/sdp", 400),
        (SDP, b"text/plain", 415),
    ):
        b = up()
        was = b.call.sdp.remote
        b.within(b"INVITE", body=body, ctype=ctype)
        assert last(b) == code, b.wire.last()
        assert b.call.state == b"E" and b.call.change().state == b"N" and b.call.sdp.remote == was
        assert b.events == []
        b.within(b"INVITE", body=HELD)
        assert last(b) == 200


def test_offer_in_our_200():
    # A re-INVITE without SDP asks for our offer
    b = up()
    b.within(b"INVITE")
    assert b"m=audio 4000" in parse(b.wire.last()).body and b.events == []
    b.within(b"ACK", b.cseq, body=MOVED)
    assert b.call.sdp.remote.port == 7000 and b.events == ["media"]
    for body in (b"", SDP_OTHER):
        b = up()
        b.within(b"INVITE")
        b.within(b"ACK", b.cseq, body=body)
        assert count(b, b"BYE") == 1


def test_glare_of_ours():
    # 14.1: who made the Call-ID waits 2.1-4 s, the other 0-2 s
    for callee, least, most in ((False, 2100, 4000), (True, 0, 2000)):
        for _ in range(10):
            b = up(callee)
            b.call.hold(True, b.now)
            b.within(b"INVITE", body=SDP)
            assert last(b) == 491
            b.within(b"ACK", b.cseq, branch=b"z9hG4bKw%dINVITE" % b.cseq)
            t = b.wire.t
            b.answered(491)
            assert b.call.mod.state == b"G"
            b.run(most + 1)
            times = b.wire.times(b"INVITE")
            assert len(times) >= 2 and least <= times[1] - t <= most, (callee, times, t)
            b.answered(200, body=SDP)
            assert b.call.change().state == b"N" and "held" in b.events


def test_peer_first_after_glare():
    b = up()
    b.call.hold(True, b.now)
    b.answered(491)
    b.within(b"INVITE", body=MOVED)
    assert last(b) == 200
    b.within(b"ACK", b.cseq)
    assert count(b, b"INVITE") == 2  # then ours at once
    b.answered(200, body=MOVED)
    assert b.call.change().state == b"N" and b.call.sdp.remote.port == 7000 and "held" in b.events


def test_wishes_while_one_is_out():
    b = up()
    b.call.hold(True, b.now)
    b.call.hold(False, b.now)
    assert count(b, b"INVITE") == 1
    b.answered(200, body=SDP)
    assert count(b, b"INVITE") == 2 and b"a=sendrecv" in b.sent(b"INVITE").body
    b.answered(200, body=SDP)
    assert b.events[-1] == "resumed" and b.call.change().state == b"N"


def test_second_before_the_first_is_done():
    # 14.2: 500 with Retry-After
    b = up()
    b.within(b"INVITE", body=HELD)
    b.within(b"INVITE", body=SDP)
    m = parse(b.wire.last())
    assert m.status == 500 and m.get("retry-after")
    b.within(b"ACK", b.cseq - 1)
    assert b.call.change().state == b"N" and b.call.held


def test_reinvite_before_our_ack():
    b = Bench()
    b.invited()
    b.call.answer(b.now)
    b.within(b"INVITE", body=HELD)
    assert last(b) == 491 and b.call.state == b"W"


def test_2xx_to_the_peers_until_ack():
    b = up()
    start = b.wire.t
    b.within(b"INVITE", body=HELD)
    b.run(31_999)
    assert [t - start for t in b.wire.times(b"SIP/2.0 200")] == CAPPED
    b.run(1)
    assert count(b, b"BYE") == 1  # 14.2: no ACK: BYE
    b.answered(200, method=b"BYE")
    assert b.call.reason == "Lost" and b.call.state == b"X"


def test_ours_unanswered():
    b = up()
    b.call.hold(True, b.now)
    b.run(limits.TIMEOUT)
    assert count(b, b"BYE") >= 1 and b.call.reason == "Lost"
    b.run(2 * limits.TIMEOUT)
    assert b.idle()


def test_hangup_with_a_change_in_the_air():
    # Nothing of the change may come after the BYE.
    for at in (b"L", b"G", b"P"):
        b = up()
        if at == b"P":
            b.within(b"INVITE", body=SDP)
        else:
            b.call.hold(True, b.now)
            if at == b"G":
                b.answered(491)
        b.call.hangup(b.now)
        n = count(b, b"INVITE")
        b.run(5_000)
        assert count(b, b"INVITE") - n <= (4 if at == b"L" else 0), at
        b.answered(200, method=b"BYE")
        b.run(limits.RING_MS + 2 * limits.TIMEOUT)
        assert b.idle() and b.call.reason == "HungUp", at


def test_2xx_of_no_use():
    for body in (SDP_OTHER, b"", b"x"):
        b = up()
        b.call.hold(True, b.now)
        b.answered(200, body=body)
        assert count(b, b"ACK") == 1 and count(b, b"BYE") == 1, body


def test_session_timer_offered():
    # Session-Expires is not required of us: the INVITE is taken, our answer promises nothing.
    b = Bench()
    b.invited(
        more=(
            b"Contact",
            b"<sip:x@192.0.2.9>",
            b"Session-Expires",
            b"600;refresher=uac",
            b"Min-SE",
            b"90",
            b"Supported",
            b"100rel,replaces,timer",
        )
    )
    b.call.answer(b.now)
    m = parse(b.wire.last())
    assert m.status == 200 and not m.get("session-expires") and not m.get("require")
