# usip: what a caller hears of his call at his own loudspeaker, while the peer sends no sound
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from .clock import later, left
from .driver import now
from .media.tones import FRAME, tone

_AFTER_MS = 4000  # busy and the like
_LATE = 100  # ms
# None: he did it himself, or goes elsewhere. Any other end without an answer: "wrong".
_ENDS = {
    "Busy": "busy",
    "Declined": "busy",
    "NoAnswer": "noanswer",
    "Unavailable": "noanswer",
    "Cancelled": None,
    "Redirected": None,
    "HungUp": None,
}


class CallerTones:
    """Ringback while it rings, ended by early media or the answer; busy or what else there is for
    four seconds when nobody answered. Never while a call has the loudspeaker."""

    def __init__(self, phone):
        self._phone = phone
        self._pcm = bytearray(2 * FRAME)
        self._task = self._call = self._audio = None

    def event(self, call, event):
        if event == "ringing" and not call.incoming:
            if not call.pump:
                self._start(call, "ringback")
        elif event in ("media", "early-media"):
            self.stop()  # whosever call it is, the loudspeaker is for it
        elif event == "ended" and not call.incoming:
            if self._call is call:
                self.stop()
            if not call.was_answered:
                name = _ENDS.get(call.reason, "wrong")
                if name:
                    self._start(call, name, _AFTER_MS)

    @property
    def playing(self):
        return self._task is not None

    def _start(self, call, name, ms=None):
        phone = self._phone
        if self._task or not phone.audio:
            return
        for c in phone.calls.active():
            if c.data and c.data.pump and c.data.pump.audio:
                return
        self._call = call
        self._audio = phone.audio
        try:
            self._audio.start()
        except Exception as e:
            self._audio = None
            phone.driver.failed(e)
            return
        try:
            self._task = asyncio.create_task(self._run(tone(name, phone.country), ms))
        except MemoryError:
            self._end()
            raise

    def stop(self):
        """Silence, at once."""
        if self._task:
            self._task.cancel()
            self._end()

    def _end(self):
        self._task = self._call = None
        audio = self._audio
        self._audio = None
        try:
            audio.stop()
        except Exception as e:
            self._phone.driver.failed(e)
        self._phone._tell()

    async def _run(self, source, ms):
        due = now()
        end = None if ms is None else later(due, ms)
        try:
            while end is None or left(end, due) > 0:
                n = source.readinto(self._pcm)
                self._audio.write(self._pcm)
                if n < FRAME:
                    break
                due = later(due, 20)
                wait = left(due, now())
                if wait < -_LATE:
                    due = now()  # the machine stood still: never in a burst
                await asyncio.sleep(max(wait, 0) / 1000)
        except Exception as e:  # the sound device fails
            self._phone.driver.failed(e)
        self._end()
