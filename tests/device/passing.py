"""Time that passes by hand for coroutines of the boards' ports."""

import asyncio

import fakemachine


async def sleep_ms(n):
    until = fakemachine.ms() + n
    while fakemachine.ms() < until:
        await asyncio.sleep(0)


async def go(n, every=1):
    """Let `n` milliseconds pass, with everybody having his turn in each, or in every so many."""
    for _ in range(0, n, every):
        fakemachine.step(every)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def patch(*modules):
    for m in modules:
        m._sleep_ms = sleep_ms
        m.now = fakemachine.ms


def fresh(*faults):
    fakemachine.clear()
    for f in faults:
        fakemachine.faults.add(f)
    fakemachine.freeze()
