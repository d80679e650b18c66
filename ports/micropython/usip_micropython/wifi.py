# usip port: Wi-Fi that comes back, and that is awake during calls
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

import network

from usip.clock import later, left
from usip.driver import now
from usip.rand import below

try:
    _sleep_ms = asyncio.sleep_ms
except AttributeError:  # CPython

    def _sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


_LOOK = 500  # ms between looks at the link
_TRY = 20_000  # ms that joining may take: scan, keys, DHCP
_FIRST = 1000  # ms of pause after a failure, doubled up to
_LONGEST = 60_000
_RADIO = 3  # failures in a row until the radio is switched off and on
_NOWHERE = ("", "0.0.0.0")


class Wifi:
    """Joins `ssid` and keeps joined; `net` is told our address. `run(phone)` is a task for good.

    When the link is back the phone registers anew: its address may have changed, and the registrar
    may have forgotten it. Power save, which delays what comes in by 100 ms and more, is off while
    there is a call and as `idle` says (a PM_ constant, None to leave it alone) otherwise. `joins`,
    `losses`, `failures` count."""

    def __init__(self, ssid, key, net, hostname=None, idle=None, wlan=None):
        self.ssid = ssid
        self.key = key
        self.net = net
        if hostname and hasattr(network, "hostname"):
            network.hostname(hostname)
        self.wlan = wlan or network.WLAN(getattr(network, "STA_IF", 0))
        self._awake = getattr(self.wlan, "PM_NONE", None)
        self._idle = idle
        self._pm = None
        self._pause = _FIRST
        self.joins = self.losses = self.failures = 0

    @property
    def up(self):
        # An ESP32 says that it is connected before it has an address, and after it lost it.
        return self.wlan.isconnected() and self.wlan.ifconfig()[0] not in _NOWHERE

    async def join(self, timeout_ms=_TRY):
        """Try once. Whether the link is up."""
        try:
            self.wlan.active(True)
            if not self.up:
                # Whatever it was doing: to connect while it connects is an error.
                self.wlan.disconnect()
                self.wlan.connect(self.ssid, self.key)
            until = later(now(), timeout_ms)
            while not self.up:
                if left(until, now()) <= 0:
                    return False
                await _sleep_ms(100)
        except OSError:  # "Wifi Internal Error", and others that the next try may not meet
            return False
        self._pm = None  # the radio has forgotten it
        self.net.host = self.wlan.ifconfig()[0]
        self.joins += 1
        self.failures = 0
        self._pause = _FIRST
        return True

    async def joined(self):
        """Join, and try again until that is done, as run() does."""
        while not self.up or self.net.host != self.wlan.ifconfig()[0]:
            if not await self.join():
                await self._failed()

    async def _failed(self):
        self.failures += 1
        if self.failures % _RADIO == 0:
            self._off()
        # Not all doors of a street at once when the power comes back.
        await _sleep_ms(self._pause + below(self._pause // 2))
        self._pause = min(2 * self._pause, _LONGEST)

    async def run(self, phone=None):
        """Join, watch, join again."""
        lost = 0
        joined = False
        while True:
            if self.up and self.net.host == self.wlan.ifconfig()[0]:
                self._save(phone)
                lost = 0
                joined = True
                await _sleep_ms(_LOOK)
                continue
            if joined and not self.up:
                lost += 1
                if lost < 3:  # a beacon or two may be missed
                    await _sleep_ms(_LOOK)
                    continue
                self.losses += 1
            joined = False
            if await self.join():
                joined = True
                if phone:
                    phone.reregister()
                continue
            await self._failed()

    def _off(self):
        try:
            self.wlan.active(False)
        except OSError:
            pass

    def _save(self, phone):
        talking = bool(phone and phone.calls.active())
        pm = self._awake if talking else self._idle
        if pm is not None and pm != self._pm:
            try:
                self.wlan.config(pm=pm)
                self._pm = pm
            except (OSError, ValueError):
                self._awake = self._idle = None  # this firmware cannot
