# usip tests: the clock of whole-phone tests, tests/support/virtualtime.py

import asyncio

import virtualtime
from usip.clock import left
from usip.driver import now, sleep_ms


def since(start):
    return left(now(), start)


async def passes():
    start = now()
    await sleep_ms(123_456)
    assert since(start) == 123_456
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 7)
        raise AssertionError
    except asyncio.TimeoutError:
        pass
    assert since(start) == 130_456
    virtualtime.pass_ms(5)
    assert since(start) == 130_461
    n = 0
    while since(start) < 130_463:  # who waits without sleeping
        await asyncio.sleep(0)
        n += 1
    assert n > virtualtime.TURNS


def test_time_passes_at_once():
    start = now()
    virtualtime.run(passes())
    assert 0 <= since(start) < 100_000  # the real clock is back


async def in_order():
    order = []
    e = asyncio.Event()

    async def turns(name):
        for _ in range(3):
            order.append(name)
            await asyncio.sleep(0)

    async def woken():
        await e.wait()
        order.append("woken")

    async def after():
        await sleep_ms(0)
        order.append("after")

    a, b = asyncio.create_task(turns("a")), asyncio.create_task(turns("b"))
    await a
    await b
    assert order == ["a", "b"] * 3
    c = asyncio.create_task(woken())
    await sleep_ms(1)
    e.set()
    d = asyncio.create_task(after())
    await c
    await d
    assert order[6:] == ["woken", "after"]


def test_whose_turn_it_is():
    virtualtime.run(in_order())


async def cancels():
    ended = []

    async def spin():
        try:
            while True:
                await sleep_ms(0)
        except asyncio.CancelledError:
            ended.append(1)
            raise

    task = asyncio.create_task(spin())
    await sleep_ms(3)
    task.cancel()
    try:
        await task
        raise AssertionError
    except asyncio.CancelledError:
        pass
    assert ended == [1]


def test_a_task_that_spins_is_cancelled():
    virtualtime.run(cancels())


def test_nothing_to_wait_for():
    async def waits():
        await asyncio.Event().wait()

    async def fails():
        raise ValueError

    for f, wanted in (waits, RuntimeError), (fails, ValueError), (waits, RuntimeError):
        try:
            virtualtime.run(f())
            raise AssertionError
        except wanted as e:
            assert wanted is ValueError or virtualtime.STUCK in str(e), e
