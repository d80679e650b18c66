# usip: calls that end, or fall silent, while their pump is at work

import asyncio

from phonenet import Ear, Lan, run, two, up
from usip import limits

HEAPS = 2  # there are two phones in it


async def unreachable():
    # The network is gone: no sound comes, and there is no way to send a BYE. So the call ends at
    # once, in the pump's own task, which MicroPython's asyncio cannot cancel.
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    while not x.stats["packets_received"] > 2:
        await asyncio.sleep(0.01)
    a.listener = ear = Ear()
    a.net.resolve = lambda host, port: None
    a.driver.moved()
    lan.drop = lambda source, destination, data: True
    assert await x.ended(6000)
    assert x.reason == "NoSound"
    await asyncio.sleep(0)
    assert "error" not in ear.events, ear.detail
    assert lan.open(b"192.0.2.1") == 0 and len(a.pumps) == 1
    # Nothing of it goes on, and the pump can be used again.
    sent = a.pumps[0].stream.sender.sent
    y.hangup()
    del a.net.resolve
    a.driver.moved()
    lan.drop = None
    assert await y.ended(3000)
    assert a.pumps[0].stream.sender.sent == sent
    x, y = await up(a, b)
    while not y.stats["packets_received"] > 2:
        await asyncio.sleep(0.01)
    n = y.pump.stream.reception
    assert n.lost == 0 and n.duplicates == 0
    x.hangup()
    assert await y.ended(3000)
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_a_call_that_ends_in_its_pump():
    before = limits.RTP_TIMEOUT
    limits.RTP_TIMEOUT = 1000
    try:
        run(unreachable)
    finally:
        limits.RTP_TIMEOUT = before
