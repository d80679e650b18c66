# usip: buttons and relays on a host
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio


class SimButton:
    """A button that a program presses. `value` is 1 while it is down, `count` its presses."""

    def __init__(self, name="button", on_change=None):
        self.name = name
        self.value = 0
        self.count = 0
        self._on_change = on_change
        self._pressed = False
        self._event = None
        self._waiting = 0

    def press(self):
        """Push it down. Pressing what is down already is no new press."""
        if self.value:
            return
        self.count += 1
        self._pressed = True
        self._change(1)
        # Each press has an event of its own: whoever waits now is woken, whoever comes later waits
        # for the next.
        event = self._event
        if event:
            self._event = None
            event.set()

    def release(self):
        if self.value:
            self._change(0)

    def click(self):
        self.press()
        self.release()

    def clear(self):
        """Forget a press that nobody waited for."""
        self._pressed = False

    async def pressed(self):
        """Wait for a press. One that came while nobody waited counts; more than one are one."""
        if not self._pressed:
            # Made here and not in __init__: on CPython 3.9 an event belongs to the loop that runs
            # when it is made. Not left behind: the next one to wait may run in another loop.
            if not self._event:
                self._event = asyncio.Event()
            event = self._event
            self._waiting += 1
            try:
                await event.wait()
            finally:
                self._waiting -= 1
                if not self._waiting and self._event is event:
                    self._event = None
        self._pressed = False

    def _change(self, value):
        self.value = value
        if self._on_change:
            self._on_change(self, value)


class SimRelay:
    """A relay. `value` is 1 while it is on, `pulses` how many pulses were begun."""

    def __init__(self, name="relay", on_change=None):
        self.name = name
        self.value = 0
        self.pulses = 0
        self._turn = 0
        self._on_change = on_change

    def on(self):
        self._set(1)

    def off(self):
        self._set(0)

    async def pulse(self, ms=3000):
        """On for `ms` milliseconds; cancelled, it is off at once. Whatever is done to the relay
        meanwhile, another pulse for one, has the last word."""
        self.pulses += 1
        self._set(1)
        mine = self._turn
        try:
            await asyncio.sleep(ms / 1000)
        finally:
            if mine == self._turn:
                self._set(0)

    def _set(self, value):
        self._turn = (self._turn + 1) & 0xFFFF
        if value != self.value:
            self.value = value
            if self._on_change:
                self._on_change(self, value)


class LineGpio:
    """Buttons and relays behind lines of text, for a person or a test at the other end of a pipe.

    In: `press NAME`, `release NAME`, `click NAME`. Out, by `write(line)`: `relay NAME 1` and
    `relay NAME 0` when a relay changes, `error ...` for a line that makes no sense.
    """

    def __init__(self, write):
        self._write = write
        self._buttons = {}
        self._relays = {}

    def button(self, name):
        if name not in self._buttons:
            self._buttons[name] = SimButton(name)
        return self._buttons[name]

    def relay(self, name):
        if name not in self._relays:
            self._relays[name] = SimRelay(name, self._changed)
        return self._relays[name]

    def feed(self, line):
        """Do what one line says. True if it made sense."""
        words = line.split()
        if not words:
            return True
        if len(words) != 2 or words[0] not in ("press", "release", "click"):
            self._write("error not understood: " + line.strip())
            return False
        button = self._buttons.get(words[1])
        if not button:
            self._write("error no button " + words[1])
            return False
        getattr(button, words[0])()
        return True

    def _changed(self, relay, value):
        self._write("relay %s %d" % (relay.name, value))
