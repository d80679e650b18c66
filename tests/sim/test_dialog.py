# usip: requests within dialogs: routes, order, digits, and what they may not do
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench
from sip import SDP, request
from usip import limits
from usip.errors import UsageError
from usip.info import parse as info
from usip.info import send
from usip.message import parse

RELAY = b"application/dtmf-relay"


def last(b):
    return int(b.wire.last()[8:11])


def count(b, start):
    return len(b.wire.times(start))


def routed(incoming, routes):
    """An established call whose INVITE went through proxies that want to stay in the way."""
    more = (b"Contact", b"<sip:x@192.0.2.9:5070;x=1>", b"Record-Route", b", ".join(routes))
    b = Bench()
    if incoming:
        b.invited(more=more)
        b.call.answer(b.now)
        ok = parse(b.wire.last())
        assert ok.all("record-route") == routes  # echoed as they came
        b.within(b"ACK", 1)
    else:
        b.dial()
        b.answered(180, more=more)
        b.answered(200, body=SDP, more=more)
    assert b.call.state == b"E"
    return b


LOOSE = [b"<sip:192.0.2.21;lr>", b"<sip:192.0.2.22;lr=on;x=y>", b'"p" <sip:192.0.2.23;lr>;z']


def test_loose_routes():
    for incoming in (False, True):
        b = routed(incoming, LOOSE)
        # 12.1.2: the caller turns the list round, 12.1.1: the callee does not
        want = LOOSE if incoming else LOOSE[::-1]
        send(b.call, b"5", b.now)
        b.call.hangup(b.now)
        for m in (b.sent(b"INFO"), b.sent(b"BYE"), None if incoming else b.sent(b"ACK")):
            if m:
                assert m.uri == b"sip:x@192.0.2.9:5070;x=1" and m.all("route") == want, m.method


def test_strict_router():
    strict = [b"<sip:192.0.2.21>", b"<sip:192.0.2.22;lr>"]
    b = routed(True, strict)
    b.call.hangup(b.now)
    m = b.sent(b"BYE")
    # 12.2.1.1: it gets itself as Request-URI, and the target goes last
    assert m.uri == b"sip:192.0.2.21"
    assert m.all("route") == [b"<sip:192.0.2.22;lr>", b"<sip:x@192.0.2.9:5070;x=1>"]


def test_next_hop():
    asked = []
    b = routed(False, LOOSE)
    flow = b.wire.flow

    def ask(host, port, transport=b"UDP"):
        asked.append((host, port, transport))
        return flow(host, port)

    b.wire.flow = ask
    b.call.hangup(b.now)
    assert asked == [(b"192.0.2.23", 5060, b"UDP")]
    b = routed(False, [])
    b.wire.flow = ask
    b.call.hangup(b.now)
    assert asked[1:] == [(b"192.0.2.9", 5070, b"UDP")]


def test_routes_that_cannot_be_kept():
    for routes in ([b"<sip:a;lr>"] * (limits.ROUTES + 1), [b"<sip:@>"], [b"<http://a>", b"<"]):
        b = Bench()
        b.invited(more=(b"Contact", b"<sip:x@192.0.2.9>", b"Record-Route", b", ".join(routes)))
        assert last(b) in (180, 400) and (last(b) == 400) == (b.call is None)
        if b.call:
            b.call.hangup(b.now)
        b.run(2 * limits.TIMEOUT)
        assert b.idle()


def test_target_refresh():
    # 12.2.1.2: a re-INVITE and its 2xx may move the peer, other requests may not
    b = Bench()
    b.up(False)
    b.within(b"INVITE", body=SDP, more=(b"Contact", b"<sip:new@192.0.2.9>"))
    b.within(b"ACK", b.cseq)
    b.within(b"INFO", more=(b"Contact", b"<sip:no@192.0.2.9>"))
    assert b.call.dialog.target == b"sip:new@192.0.2.9"
    b.within(b"INVITE", body=SDP, more=(b"Contact", b"<sip:@"))
    assert b.call.dialog.target == b"sip:new@192.0.2.9"
    b.within(b"ACK", b.cseq)
    b.call.hold(True, b.now)
    b.answered(200, body=SDP, more=(b"Contact", b"<sip:newer@192.0.2.9>"))
    assert b.sent(b"ACK").uri == b"sip:newer@192.0.2.9"
    b.call.hold(False, b.now)
    b.answered(200, body=SDP, more=(b"Contact", b"<sip:@"))
    assert b.call.change().state == b"N" and b.sent(b"ACK").cseq == b.sent(b"INVITE").cseq
    b.call.hangup(b.now)
    assert b.sent(b"BYE").uri == b"sip:newer@192.0.2.9"


def test_cseq_out_of_order():
    b = Bench()
    b.up(True)
    b.within(b"INFO", 7)
    assert last(b) == 200
    for cseq in (7, 6, 1):
        b.within(b"INFO", cseq, branch=b"z9hG4bKo%d" % cseq)
        assert last(b) == 500 and parse(b.wire.last()).get("retry-after")
    b.within(b"BYE", 3)
    assert last(b) == 500 and b.call.state == b"E"
    b.within(b"INFO", 4294967295)  # gaps are legal
    assert last(b) == 200


def test_requests_outside_of_any_dialog():
    b = Bench()
    b.up(True)
    d = b.call.dialog
    for method in (b"BYE", b"INFO", b"INVITE", b"MESSAGE", b"UPDATE"):
        for tag, you, call_id in (
            (b"other", d.local_tag, d.call_id),
            (d.remote_tag, b"other", d.call_id),
            (d.remote_tag, d.local_tag, b"other"),
        ):
            data = request(
                method,
                me=b"<sip:x@192.0.2.9>;tag=" + tag,
                you=b"<sip:door@192.0.2.1>;tag=" + you,
                call_id=call_id,
                cseq=9,
                via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK" + method + tag + you,
                body=b"Signal=5",
                ctype=RELAY,
            )
            b.receive(data)
            assert last(b) == 481, method
        b.run(40_000)
    assert b.call.state == b"E" and "dtmf" not in b.events


def test_digits_come_in():
    b = Bench()
    heard = []
    b.agent.listener = lambda event, subject, detail: heard.append((event, detail))
    b.invited()
    b.call = b.calls.active()[0]
    b.within(b"INFO", body=b"Signal=1\r\nDuration=100\r\n", ctype=RELAY)  # not before the 2xx
    assert last(b) == 200
    b.call.answer(b.now)
    b.within(b"INFO", body=b"Signal=2", ctype=RELAY)  # its ACK was lost or overtaken
    assert last(b) == 200
    b.within(b"ACK", 1)
    b.within(b"INFO", body=b"Signal=3\r\nDuration=100\r\n", ctype=RELAY)
    b.receive(b.within(b"INFO", body=b"#", ctype=b"application/dtmf"))  # twice: one press
    b.within(b"INFO")  # a keep-alive
    assert last(b) == 200
    b.within(b"INFO", body=b"x", ctype=b"application/x")
    assert last(b) == 415 and b"dtmf-relay" in parse(b.wire.last()).get("accept")
    b.within(b"INFO", body=b"Signal=x", ctype=RELAY)
    assert last(b) == 400
    b.call.hangup(b.now)
    b.within(b"INFO", body=b"Signal=4", ctype=RELAY)  # nor after the BYE
    digits = [detail for event, detail in heard if event == "dtmf"]
    assert digits == [(b"2", 160, "info"), (b"3", 100, "info"), (b"#", 160, "info")]


def test_digit_bodies():
    for body, want in (
        (b"Signal=5\r\nDuration=160\r\n", (b"5", 160)),
        (b"Signal= 5\r\nDuration= 250\r\n", (b"5", 250)),
        (b"signal=*\nduration=1\n", (b"*", 1)),
        (b"Signal=#", (b"#", 160)),
        (b"Signal=a\rDuration=x", (b"A", 160)),
        (b"Signal=10", (b"*", 160)),
        (b"Signal=11\r\n", (b"#", 160)),
        (b"Duration=70\r\nSignal=0", (b"0", 70)),
        (b"7", (b"7", 160)),
        (b"\r\nd\r\n", (b"D", 160)),
    ):
        assert info(RELAY, body) == want, body
    from sip import status

    for body in (
        b"Signal=",
        b"Signal=E",
        b"Signal=55",
        b"",
        b"\xff",
        b"=5",
        b"Duration=5",
        b"12 3",
    ):
        assert status(info, RELAY, body) == 400, body


def test_digits_go_out_one_at_a_time():
    # What is repeated after the next has a CSeq out of order, and its digit would be refused.
    b = Bench()
    b.up(False)
    for d in (b"1", b"2", b"#"):
        send(b.call, d, b.now, 200)
    assert count(b, b"INFO") == 1
    m = b.sent(b"INFO")
    assert m.body == b"Signal=1\r\nDuration=200\r\n" and m.content_type() == RELAY
    b.answered(200, method=b"INFO")
    assert b.sent(b"INFO").body[:8] == b"Signal=2"
    b.answered(415, method=b"INFO")
    assert b.sent(b"INFO").body[:8] == b"Signal=#"
    b.answered(200, method=b"INFO")
    assert count(b, b"INFO") == 3
    for d in (b"", b"12", b"E", b"\r"):
        try:
            send(b.call, d, b.now)
            raise AssertionError(d)
        except UsageError:
            pass
    b.call.hangup(b.now)
    send(b.call, b"1", b.now)
    assert count(b, b"INFO") == 3
    b.wire.cut = True
    b = Bench()
    b.up(True)
    b.wire.cut = True
    for _ in range(20):
        send(b.call, b"1", b.now)
    b.run(2 * limits.TIMEOUT)
    assert b.call.state in b"EX" and not b.agent.transactions


def test_methods_within_a_dialog():
    # 405 and 501 end no dialog, 481 would
    b = Bench()
    b.up(True)
    for method, code in (
        (b"OPTIONS", 200),
        (b"NOTIFY", 200),
        (b"UPDATE", 405),
        (b"PRACK", 405),
        (b"REFER", 405),
        (b"SUBSCRIBE", 405),
        (b"FOO", 501),
    ):
        b.within(method)
        assert last(b) == code, (method, b.wire.last())
    assert b.call.state == b"E"


def test_lost_bye_and_a_new_call_at_once():
    b = Bench()
    b.up(False)
    b.call.hangup(b.now)
    b.dial()
    b.answered(200, b"second", body=SDP)
    assert b.call.state == b"E"
    b.run(limits.TIMEOUT)
    assert len(b.calls.active()) == 1
