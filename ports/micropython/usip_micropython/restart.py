# usip port: watchdog, and what is known after a restart
# MIT licence; Copyright (c) 2026 the usip authors

import os

_MOST = 8388  # ms: the longest that an RP2040's watchdog can wait
_MARK = b"usip:"  # RTC memory holds anything after power-on


class FileStore:
    """A line of text in a file. It is written beside and moved there: never half of it."""

    def __init__(self, path="restart.txt"):
        self.path = path

    def load(self):
        try:
            with open(self.path) as f:
                return f.read(100)
        except OSError:
            return ""

    def save(self, text):
        with open(self.path + ".new", "w") as f:
            f.write(text[:100])
        try:
            os.rename(self.path + ".new", self.path)
        except OSError:  # FAT does not replace
            os.remove(self.path)
            os.rename(self.path + ".new", self.path)


class RtcStore:
    """A line of text in the RTC's memory, which outlives a reset and wears nothing out."""

    def __init__(self, rtc):
        self.rtc = rtc

    def load(self):
        data = bytes(self.rtc.memory())
        return str(data[len(_MARK) :], "utf-8") if data[: len(_MARK)] == _MARK else ""

    def save(self, text):
        self.rtc.memory(_MARK + text[:100].encode())


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


def supervision(watchdog_ms=8000, path="restart.txt"):
    """What a Supervisor wants, as a dict: `wdt`, `store`, `reset`, `cause`. The watchdog runs from
    now on, and nothing stops it; 0: none, as for a day at the bench."""
    import machine

    rtc = getattr(machine, "RTC", None)
    rtc = rtc() if rtc else None
    made = {
        "wdt": None,
        "store": RtcStore(rtc) if hasattr(rtc, "memory") else FileStore(path),
        "reset": machine.reset,
        "cause": cause(),
    }
    if watchdog_ms:
        made["wdt"] = machine.WDT(timeout=min(watchdog_ms, _MOST))
    return made
