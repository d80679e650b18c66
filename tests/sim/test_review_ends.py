# usip: transactions that outlived their use, and what cannot be answered

from calling import Bench
from sip import SDP, request
from usip import limits

CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")


def test_a_cancel_that_nobody_answers_behind_another_invite():
    # 9.1: 64*T1 after the CANCEL the INVITE's transaction is destroyed, whatever waits before it.
    b = Bench()
    b.dial()
    b.answered(180)
    other = b.call
    b.run(1000)
    c = b.dial()
    b.answered(180)
    c.hangup(b.now)
    b.run(limits.TIMEOUT + 100)
    assert c.state == b"X" and other.state == b"R"
    assert len(b.agent.transactions) == 1
    # The other's is found at its own time
    b.run(limits.RING_MS + 2 * limits.TIMEOUT)
    assert b.idle()


def test_an_invite_whose_via_cannot_be_echoed():
    # An open quote in its parameters: there is no way to answer. It must leave nothing behind, and
    # no timer that fails.
    b = Bench()
    for bad in (b'"', b"<", b'"a>'):
        via = b"SIP/2.0/UDP 192.0.2.9;x=" + bad
        for method in (b"INVITE", b"OPTIONS", b"FOO"):
            more = CONTACT if method == b"INVITE" else ()
            body = SDP if method == b"INVITE" else b""
            b.receive(request(method, via=via, more=more, body=body, call_id=via + method))
            assert not b.agent.transactions, (via, method)
            b.run(limits.T1)
    assert not b.wire.sent and b.idle()
