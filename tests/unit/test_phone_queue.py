# usip: phones: calls that wait, and more calls than one
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from phonenet import Ear, Lan, Peer, run, two, up
from sip import SDP, request
from usip.errors import UsageError

HEAPS = 2  # there are two phones in it


async def nobody_home():
    lan = Lan()
    a, b = await two(lan)
    b.agent.guard.know((b"192.0.2.1", 5060))  # a stranger could not call that often
    ear = b.listener = Ear()
    for i in range(18):  # the queue holds 16
        x = await a.call(b"sip:b@192.0.2.2")
        await ear.heard("incoming", i + 1)
        x.hangup()
        await ear.heard("ended", i + 1)
        await x.ended()
        assert b._incoming.items == []
        for p in (a, b):  # as if half a minute had passed
            p.agent.transactions.clear()
    assert await b.incoming(1) is None
    x = await a.call(b"sip:b@192.0.2.2")
    y = await b.incoming()
    assert not y.over and y.peer
    # Several wait: one gets it.
    y.reject()
    await x.ended()
    waits = [asyncio.create_task(b.incoming(100)), asyncio.create_task(b.incoming(100))]
    await a.call(b"sip:b@192.0.2.2")
    got = [await waits[0], await waits[1]]
    assert got.count(None) == 1
    await a.close()
    await b.close()


def test_calls_that_ended_are_not_incoming():
    run(nobody_home)


async def nobody_reads():
    lan = Lan()
    a, b = await two(lan)
    b.agent.guard.know((b"192.0.2.1", 5060))  # a stranger could not write that often
    for i in range(20):
        assert await a.message(b"sip:b@192.0.2.2", "text %d" % i) == 200
        for p in (a, b):
            p.agent.transactions.clear()
    for i in range(4, 20):
        assert (await b.next_message(1))[1] == "text %d" % i
    assert await b.next_message(1) is None
    await a.close()
    await b.close()


def test_the_newest_texts_are_kept():
    run(nobody_reads)


async def third_call():
    lan = Lan()
    a, b = await two(lan)
    peer = Peer(lan)
    one, two_ = await up(b, a), await up(b, a)
    assert lan.open(b"192.0.2.1") == 2
    peer.send(request(b"INVITE", more=(b"Contact", b"<sip:x@192.0.2.9>"), body=SDP))
    assert (await peer.get())[8:11] == b"486" and lan.open(b"192.0.2.1") == 2
    try:
        await a.call(b"sip:x@192.0.2.9")
        raise AssertionError("a third one")
    except UsageError:
        pass
    one[0].hangup()
    await one[1].ended()
    await one[0].ended()
    assert not two_[1].over
    one = await up(b, a)
    await a.close()
    assert await one[0].ended() and await two_[0].ended()
    await b.close()
    assert lan.endpoints == [peer.endpoint]


def test_two_calls_and_no_third():
    run(third_call)
