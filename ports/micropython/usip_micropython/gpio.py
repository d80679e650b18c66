# usip port: buttons, bells, relays, ringers and lamps on pins
# MIT licence; Copyright (c) 2026 the usip authors
#
# An interrupt notes what happened and when; what waits looks every 10 ms. So nothing is lost while
# the program is busy, and nothing depends on a wake-up from an interrupt.

import asyncio

from machine import Pin

from usip.clock import left
from usip.driver import now

_LOOK = 10  # ms
_sleep_ms = getattr(asyncio, "sleep_ms", None)
if not _sleep_ms:  # CPython

    def _sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


class _Presses:
    # What both kinds of button share. `value` is 1 while it is down, `count` its presses.

    def __init__(self, pin, pull, trigger):
        self.count = 0
        self._used = 0
        self._since = self._last = now()
        self.pin = Pin(pin, Pin.IN, pull) if pull else Pin(pin, Pin.IN)
        self.pin.irq(handler=self._edge, trigger=trigger)

    def clear(self):
        """Forget a press that nobody waited for."""
        self._look()
        self._used = self.count

    async def pressed(self):
        """Wait for a press. One that came while nobody waited counts; more than one are one. Of
        several that wait, all are woken."""
        seen = self._used
        while True:
            self._look()
            if self.count != seen:
                break
            await _sleep_ms(_LOOK)
        self._used = self.count

    @property
    def value(self):
        return self._look()

    def close(self):
        self.pin.irq(handler=None)


class Button(_Presses):
    """A button between `pin` and ground, or with `down=1` between it and the supply. It is pressed
    when it has been down for `debounce_ms` without a break, which no chatter is. `pull=0`: the
    board has a resistor of its own (an ESP32's pins 34 to 39 have none inside)."""

    def __init__(self, pin, down=0, pull=None, debounce_ms=30):
        self._level = down
        self._debounce = debounce_ms
        self._was = False  # down, as far as edges tell
        self._counted = False
        if pull is None:
            pull = Pin.PULL_DOWN if down else Pin.PULL_UP
        _Presses.__init__(self, pin, pull, Pin.IRQ_RISING | Pin.IRQ_FALLING)
        self._was = self.pin() == down
        self._counted = self._was  # stuck since the start: no press

    def _edge(self, pin):
        # Two edges may be one call: what counts is the level now.
        is_down = pin() == self._level
        t = now()
        self._ripe(t)
        if is_down != self._was:
            self._was = is_down
            self._since = t

    def _ripe(self, t):
        # What lasts has happened. A short break within a press is chatter too.
        if self._counted != self._was and left(t, self._since) >= self._debounce:
            self._counted = self._was
            if self._was:
                self.count += 1

    def _look(self):
        if (self.pin() == self._level) != self._was:
            self._edge(self.pin)  # an interrupt got lost
        self._ripe(now())
        return 1 if self._counted else 0


class BellWire(_Presses):
    """The wire of an old bell, 8 to 24 V AC through an optocoupler: while the button at the gate is
    pressed the pin falls 50 or 100 times a second. What a motor or a lamp induces is shorter:
    `least_ms` of it with no gap above 30 ms is a press, and the next one comes after `pause_ms`
    without."""

    def __init__(self, pin, pull=None, least_ms=80, pause_ms=200):
        self._least = least_ms
        self._pause = pause_ms
        self._edges = 0
        self._down = False
        _Presses.__init__(self, pin, Pin.PULL_UP if pull is None else pull, Pin.IRQ_FALLING)

    def _edge(self, pin):
        t = now()
        gap = left(t, self._last)
        if gap < 0:  # half a period of the clock, 6.2 days, without a fall
            gap = 0x20000000
        if self._down and gap > self._pause:
            self._down = False
        if not self._edges or gap > 30:
            self._edges = 0
            self._since = t
        self._last = t
        if self._edges < 1000:
            self._edges += 1
        # 50 Hz has four falls in 80 ms; bounces of a contact are as many in one.
        if not self._down and self._edges > 3 and left(t, self._since) >= self._least:
            self._down = True
            self.count += 1

    def _look(self):
        if self._down and not 0 <= left(now(), self._last) <= self._pause:
            self._down = False
        return 1 if self._down else 0


class Relay:
    """A relay, off from the first moment: give `pin` a resistor that keeps it so while the board
    starts, and take one that is no strapping pin.

    Whatever happens, it is on for `most_ms` at the longest. `timer`, a machine.Timer of its own,
    sees to that, while the program hangs as well: by a hard interrupt where the port has them for
    timers, else when Python next runs a line of anything. What hangs in C is then for the watchdog
    (machine.WDT), whose reset switches the pin off. A soft reset stops the timer and leaves the pin
    as it is, at the bench for one (Ctrl-D, mpremote): then it is boot.py that switches off, as
    `make install` writes it. `cut` counts how often the timer had to."""

    def __init__(self, pin, timer, on=1, most_ms=10_000):
        self._on = on
        # The level goes in before the direction: nothing clicks.
        self.pin = Pin(pin, Pin.OUT, value=1 - on)
        self._timer = timer
        self.most_ms = most_ms
        self.pulses = self.cut = 0
        self._turn = 0
        self._stop = self._over  # a bound method is made here and not in an interrupt

    @property
    def value(self):
        return 1 if self.pin() == self._on else 0

    def on(self):
        """Switch on, for most_ms at the longest."""
        self._turn = (self._turn + 1) & 0xFFFF
        # Armed before it is on: there is no moment without.
        self._timer.deinit()
        self._arm()
        self.pin(self._on)

    def _arm(self):
        # Periodic: a callback that finds the scheduler's queue full is lost, and another comes.
        t = self._timer
        try:
            t.init(mode=t.PERIODIC, period=self.most_ms, callback=self._stop, hard=True)
        except (TypeError, ValueError):
            t.init(mode=t.PERIODIC, period=self.most_ms, callback=self._stop)

    def off(self):
        self._turn = (self._turn + 1) & 0xFFFF
        self.pin(1 - self._on)
        self._timer.deinit()

    def _over(self, timer):
        # In a hard interrupt nothing may allocate: nothing here does.
        if self.pin() == self._on:
            self.pin(1 - self._on)
            self.cut += 1

    async def pulse(self, ms=3000):
        """On for `ms` milliseconds; cancelled, it is off at once. Whatever is done to the relay
        meanwhile, another pulse for one, has the last word."""
        self.pulses += 1
        self.on()
        mine = self._turn
        try:
            await _sleep_ms(ms if ms < self.most_ms else self.most_ms)
        finally:
            if mine == self._turn:
                self.off()


class _Pattern:
    # Plays rows of (on ms, off ms) in a task.

    def __init__(self):
        self._task = None

    def _start(self, steps, times=None):
        self._end()
        self._task = asyncio.create_task(self._play(steps, times))

    def _end(self):
        if self._task:
            self._task.cancel()
            self._task = None
        self._set(0)

    async def _play(self, steps, times):
        while times is None or times:
            if times:
                times -= 1
            for i, ms in enumerate(steps):
                self._set(1 - (i & 1))
                await _sleep_ms(ms)
        self._set(0)


# Milliseconds on and off.
RING = (1000, 4000)
RING_UK = (400, 200, 400, 2000)
RING_US = (2000, 4000)
DOOR = (200, 100, 200, 1500)


class Ringer(_Pattern):
    """A buzzer or bell: with `pwm` (a machine.PWM) a tone of `hz`, or two of them in turn, on a
    loudspeaker; else the level of `pin`, for what sounds by itself."""

    def __init__(self, pin=None, pwm=None, hz=(800, 950), on=1):
        _Pattern.__init__(self)
        self._pwm = pwm
        self._hz = hz
        self._on = on
        self._which = 0
        self.pin = None if pin is None else Pin(pin, Pin.OUT, value=1 - on)
        self._set(0)

    def ring(self, pattern=DOOR, times=None):
        """Ring until stop(), or so many times."""
        self._start(pattern, times)

    def stop(self):
        self._end()

    def _set(self, on):
        if self._pwm:
            if on:
                self._which = (self._which + 1) % len(self._hz)
                self._pwm.freq(self._hz[self._which])
            self._pwm.duty_u16(32768 if on else 0)
        elif self.pin:
            self.pin(self._on if on else 1 - self._on)


# What a lamp says, by state.
STATES = {
    "off": None,
    "ready": (30, 2970),  # registered
    "searching": (500, 500),  # no network, or not registered
    "ringing": (100, 100),
    "talking": (1000,),
    "failed": (100, 100, 100, 700),
}


class Lamp(_Pattern):
    """A LED that shows one of STATES."""

    def __init__(self, pin, on=1):
        _Pattern.__init__(self)
        self._on = on
        self.state = "off"
        self.pin = Pin(pin, Pin.OUT, value=1 - on)

    def show(self, state):
        """Show a state; the same one goes on as it was."""
        if state == self.state:
            return
        steps = STATES[state]
        self.state = state
        if steps:
            self._start(steps)
        else:
            self._end()

    def _set(self, on):
        self.pin(self._on if on else 1 - self._on)
