# usip: phones: what ends a wait, and what a wait that is cancelled ends
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from phonenet import Ear, Lan, Net, Phone, run, two, up
from usip.errors import UsageError

HEAPS = 2  # there are two phones in it


async def close_ends():
    lan = Lan()
    a, b = await two(lan)
    ringing = await a.call(b"sip:b@192.0.2.2")
    await b.incoming()
    x, y = await up(b, a)
    waits = [
        ringing.answered(),
        ringing.ended(),
        y.ended(),
        y.digit(),
        a.incoming(),
        a.next_message(),
        a.registered(),
    ]
    tasks = [asyncio.create_task(w) for w in waits]
    await asyncio.sleep(0)
    await a.close()
    got = []
    for t in tasks:
        got.append(await t)
    assert got == [False, True, True, None, None, None, False], got
    assert await x.ended() and ringing.reason == "Cancelled" and x.remote_ended
    await a.close()  # again: nothing
    assert await a.incoming() is None
    await b.close()
    assert lan.endpoints == []


def test_close_ends_every_wait():
    run(close_ends)


async def close_cancelled():
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    lan.drop = lambda source, address, data: True  # so that nobody answers its BYE
    wait = asyncio.create_task(x.ended())
    close = asyncio.create_task(a.close())
    while x.core.state != b"B":
        await asyncio.sleep(0)
    close.cancel()
    try:
        await close
    except asyncio.CancelledError:
        pass
    assert await wait and x.over and a.closed
    assert [e.net.ip for e in lan.endpoints] == [b"192.0.2.2"] * 3  # SIP, RTP, RTCP
    assert not a.driver.tasks and await a.incoming() is None
    await cancelled(asyncio.create_task(b.close()))  # before it could do much
    assert y.over and b.closed and lan.endpoints == []


def test_close_that_is_cancelled():
    run(close_cancelled)


async def digits():
    lan = Lan()
    a, b = await two(lan)
    x = await a.call(b"sip:b@192.0.2.2")
    y = await b.incoming()
    for c in (x, y):
        try:
            await c.send_digits("1")
            raise AssertionError("before the answer")
        except UsageError:
            pass
    y.answer()
    await x.answered()
    await y.answered()

    def info(d):
        b.agent.listener("dtmf", y.core, (d, 160, "info"))

    # A PBX that sends each digit both ways: one stream of digits.
    y.digit_came(b"1")
    y.digit_came(b"2")
    info(b"1")
    info(b"2")
    assert await y.digit() == "1" and await y.digit() == "2" and y._digits == []
    y.digit_came(b"7")  # pressed twice is twice
    y.digit_came(b"7")
    assert await y.digit() + await y.digit() == "77" and y._digits == []
    # Two wait: each digit goes to one of them.
    waits = [asyncio.create_task(y.digit()), asyncio.create_task(y.digit())]
    await asyncio.sleep(0)
    y.digit_came(b"3")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [t.done() for t in waits].count(True) <= 1
    y.digit_came(b"4")
    assert sorted([await waits[0], await waits[1]]) == ["3", "4"]
    # Impatience is no reason to hang up.
    try:
        await asyncio.wait_for(y.digit(), 0.02)
        raise AssertionError("no digit came")
    except asyncio.TimeoutError:
        pass
    assert await y.digit(1) is None and not y.over
    x.hangup()
    assert await y.ended()
    await y.send_digits("1")
    await x.send_digits("1", "info")
    assert await y.digit() is None
    await a.close()
    await b.close()


def test_digits():
    run(digits)


async def lost_info():
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    lost = []

    def drop(source, address, data):
        if data[:5] != b"INFO " or lost:
            return False
        lost.append(data)
        return True

    lan.drop = drop
    await x.send_digits("12", "info", 100)
    x.hangup()
    assert await y.digit() == "1" and await y.digit() == "2" and lost
    await a.close()
    await b.close()


def test_digits_are_sent_when_it_says_so():
    run(lost_info)


async def cancelled(task):
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


async def hang_up():
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)

    async def listen():
        async for _ in x.digits():
            pass

    await cancelled(asyncio.create_task(listen()))
    assert await y.ended() and (y.reason, y.remote_ended) == ("HungUp", True)
    await x.ended()
    x = await a.call(b"sip:b@192.0.2.2")
    y = await b.incoming()
    await cancelled(asyncio.create_task(x.answered()))
    assert await y.ended() and y.reason == "Cancelled"
    await x.ended()
    x, y = await up(a, b)
    async with x:
        pass
    assert await y.ended() and await x.ended() and not x.remote_ended
    x, y = await up(a, b)
    try:
        async with x:
            raise ValueError
    except ValueError:
        pass
    assert await y.ended()
    async with Phone(net=Net(lan, b"192.0.2.3"), trace=False) as c:
        c.listener = Ear()
        x = await c.call(b"sip:b@192.0.2.2")
        await c.listener.heard("ringing")
    assert c.closed and x.over and x.reason == "Cancelled"
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_what_hangs_up():
    run(hang_up)


async def odd_times():
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    # Seconds times a thousand are no whole number; a year is more than the clock can tell.
    assert not await x.ended(1.5) and await x.digit(0.25) is None
    task = asyncio.create_task(x.ended(31_536_000_000))
    await asyncio.sleep(0.05)
    assert not x.over
    y.hangup()
    assert await task
    await a.close()
    await b.close()


def test_times_that_are_odd():
    run(odd_times)
