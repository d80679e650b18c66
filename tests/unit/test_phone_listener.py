# usip: phones: a listener that raises stops nothing
# MIT licence; Copyright (c) 2026 the usip authors

from phonenet import Ear, Lan, run, two, up
from usip.errors import UsageError

HEAPS = 2  # there are two phones in it


async def with_raising_listeners(error):
    lan = Lan()
    a, b = await two(lan)
    ears = a.listener, b.listener = Ear(error), Ear(error)
    for _ in (1, 2):
        x, y = await up(a, b)
        for mode in ("rtp", "info"):
            await x.send_digits("5", mode, 40)
            assert await y.digit(2000) == "5", mode
            y._last = None  # as if some time had passed
        await x.send_digits("6", "rtp", 40)
        assert await y.digit(2000) == "6"
        x.hangup()
        assert await x.ended(2000) and await y.ended(2000)
        assert (x.code, y.code, y.remote_ended) == (200, 200, True)
        assert lan.open() == 0
    for event in ("answered", "media", "ended", "error"):
        assert event in ears[0].events and event in ears[1].events, event
    assert "dtmf" in ears[1].events
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_listeners_that_raise_a_usage_error():
    run(with_raising_listeners, UsageError("x"))


def test_listeners_that_raise_a_value_error():
    run(with_raising_listeners, ValueError("x"))


def test_listeners_without_memory():
    run(with_raising_listeners, MemoryError())
