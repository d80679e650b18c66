# usip: why the board restarted, on the fakes: it is kept, and the watchdog is as the chip's

import os

import fakemachine
from passing import fresh

fakemachine.install()

from usip.supervisor import Supervisor  # noqa: E402
from usip_micropython import restart  # noqa: E402


def boot(cause=fakemachine.PWRON_RESET, watchdog_ms=8000, faults=()):
    """What the program of a board sees when it starts."""
    fresh(*faults)
    fakemachine.cause = cause
    return Supervisor(None, None, **restart.supervision(watchdog_ms))


def test_rtc_memory():
    fakemachine.RTC.kept = b"\xff\xfe rubbish"
    assert boot().last == "power"
    # It hung: nothing was written.
    assert boot(fakemachine.WDT_RESET).last == "watchdog"
    before = fakemachine.resets
    boot().restart("task door: MemoryError")
    assert fakemachine.resets == before + 1
    assert boot(fakemachine.HARD_RESET).last == "task door: MemoryError"
    assert boot(fakemachine.HARD_RESET).last == "reset"
    boot().restart("x" * 300)
    assert boot().last == "x" * 100


def test_watchdog():
    s = boot(watchdog_ms=60_000)
    assert fakemachine.WDT.live is s.wdt and s.wdt.timeout == 60_000
    s = boot(watchdog_ms=60_000, faults=("short-wdt",))
    assert fakemachine.WDT.live is s.wdt and s.wdt.timeout == 8388
    assert boot(watchdog_ms=0).wdt is None and fakemachine.WDT.live is None


def test_no_watchdog_at_the_bench():
    open("bench", "w").close()
    try:
        assert boot().wdt is None and fakemachine.WDT.live is None
    finally:
        os.remove("bench")
    assert boot().wdt


def test_file():
    name = "test_restart.tmp"
    kept = fakemachine.RTC
    del fakemachine.RTC
    try:
        for was, why in (("power", "asked: update"), ("asked: update", "task door: OSError")):
            fresh()
            s = Supervisor(None, None, **restart.supervision(0, name))
            assert s.last == was or was == "power"
            s.restart(why)
    finally:
        fakemachine.RTC = kept
        os.remove(name)
    assert not [x for x in os.listdir(".") if x.startswith(name)]


def test_a_board_without():
    # An RP2's RTC has no memory, and not every port says why it started.
    kept, rtc = fakemachine.reset_cause, fakemachine.RTC
    try:
        del fakemachine.reset_cause, fakemachine.RTC
        fresh()
        made = restart.supervision(0, "test_restart.tmp")
        assert made["cause"] == "" and isinstance(made["store"], restart.FileStore)
    finally:
        fakemachine.reset_cause, fakemachine.RTC = kept, rtc
