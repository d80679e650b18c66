# usip: phones: a refused call lets go of its socket
# MIT licence; Copyright (c) 2026 the usip authors

from phonenet import Lan, Peer, phone, run, two
from sip import SDP_OTHER, request

HEAPS = 2  # there are two phones in it

CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")


def invite(i, body, method=b"INVITE"):
    return request(
        method,
        via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK%d" % i,
        call_id=b"i%d" % i,
        more=CONTACT,
        body=body,
    )


async def refused_many():
    lan = Lan()
    a = await phone(lan, b"192.0.2.1")
    peer = Peer(lan)
    for i in range(40):  # more than there are ports for sound
        peer.send(invite(i, SDP_OTHER))
        assert (await peer.get())[8:11] == b"488", i
        peer.send(invite(i, b"", b"ACK"))
        assert lan.open() == 0, i
    assert not a.calls.active() and await a.incoming(1) is None
    await a.close()
    assert lan.endpoints == [peer.endpoint]


def test_refused_invites_leave_no_socket():
    run(refused_many)


async def refused_ours():
    lan = Lan()
    a, b = await two(lan)
    for reject in (True, False):
        x = await a.call(b"sip:b@192.0.2.2")
        y = await b.incoming()
        assert lan.open() == 2
        if reject:
            y.reject(486)
        else:
            x.hangup()
        assert await x.answered() is False and await y.ended()
        assert (x.reason, x.remote_ended) == (("Busy", True) if reject else ("Cancelled", False))
        await x.ended()
        assert lan.open() == 0
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_calls_that_were_not_answered_leave_no_socket():
    run(refused_ours)
