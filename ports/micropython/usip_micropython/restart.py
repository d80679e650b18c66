# usip port: watchdog, and what is known after a restart
# MIT licence; Copyright (c) 2026 the usip authors

import os

from usip.store import FileStore

_MOST = 8388  # ms: the longest that an RP2's watchdog can wait; others take what they are given
_BENCH = "bench"  # while there is such a file no watchdog is started: `make install` is at work
_MARK = b"usip:"  # RTC memory holds anything after power-on


class RtcStore:
    """A few bytes in the RTC's memory, which outlive a reset and wear nothing out."""

    def __init__(self, rtc):
        self.rtc = rtc

    def load(self):
        data = bytes(self.rtc.memory())
        return data[len(_MARK) :] if data[: len(_MARK)] == _MARK else None

    def save(self, data):
        self.rtc.memory(_MARK + data)


def cause():
    """Why the board started, as its hardware says: "watchdog", "power", "reset", ..., or ""."""
    import machine

    try:
        n = machine.reset_cause()
    except AttributeError:
        return ""
    for name, word in (
        ("WDT_RESET", "watchdog"),
        ("PWRON_RESET", "power"),
        ("HARD_RESET", "reset"),
        ("DEEPSLEEP_RESET", "sleep"),
        ("SOFT_RESET", "program ended"),
    ):
        if n == getattr(machine, name, None):
            return word
    return ""


def supervision(watchdog_ms=8000, path="restart"):
    """What a Supervisor wants, as a dict: `wdt`, `store`, `reset`, `cause`. The watchdog runs from
    now on, and nothing stops it, a soft reset neither; 0: none, as for a day at the bench."""
    import machine

    rtc = getattr(machine, "RTC", None)
    rtc = rtc() if rtc else None
    made = {
        "wdt": None,
        "store": RtcStore(rtc) if hasattr(rtc, "memory") else FileStore(path),
        "reset": machine.reset,
        "cause": cause(),
    }
    if watchdog_ms and not _bench():
        try:
            made["wdt"] = machine.WDT(timeout=watchdog_ms)
        except ValueError:
            made["wdt"] = machine.WDT(timeout=min(watchdog_ms, _MOST))
    return made


def _bench():
    try:
        os.stat(_BENCH)
    except OSError:
        return False
    print("no watchdog: there is a file", _BENCH)
    return True
