# usip: a call as applications see it
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from .clock import left
from .driver import now, sleep_ms
from .errors import UsageError
from .waits import NO_CALL, Digits

# Some PBXs send each digit both ways. The way that the first one came is believed, until it has
# been quiet for so many milliseconds.
_OTHER_WAY = 3000


class Call:
    """One call. `peer` is the other's name-addr (bytes), `incoming` the side, `data` yours to use.

    When it has ended: `reason` is one word (HungUp, Busy, Declined, NoAnswer, Cancelled, ...),
    `code` the status (200 for a normal end), `remote_ended` who did it. A call that ends, however
    it ends, ends every wait on it. Cancelling a task that waits on it, or leaving `async with
    call:`, hangs up."""

    def __init__(self, phone, core):
        self.phone = phone
        self.core = core
        self.data = None
        self.pump = None
        self.endpoint = None
        self.was_answered = False
        self.alone = 0  # 1: answered by the phone, not by a person; 2: and that has been told
        self._digits = []
        self._last = None  # the last digit: (via, when)
        self._stats = None

    # --- what it is ---

    @property
    def peer(self):
        return self.core.peer

    @property
    def incoming(self):
        return self.core.incoming

    @property
    def known(self):
        """Whether the policy knows the caller: one that `allow` or `users` names."""
        return self.core.known

    @property
    def code(self):
        return self.core.code

    @property
    def reason(self):
        return self.core.reason

    @property
    def remote_ended(self):
        return self.core.remote_ended

    @property
    def call_id(self):
        c = self.core
        return c.dialog.call_id if c.dialog else c.invite.dialog.call_id if c.invite else b""

    @property
    def over(self):
        return self.core.state == b"X"

    @property
    def stats(self):
        """packets_sent, packets_received, packets_lost, jitter_ms, ...: a dict. What the peer
        reports: rtt_ms, remote_lost, remote_jitter_ms (-1: nothing yet)."""
        return self.pump.stats() if self.pump else self._stats or {}

    # --- waiting ---

    async def _wait(self, ready, timeout_ms=None):
        # A task that is cancelled while it waits on a call hangs up.
        try:
            return await self.phone.wait(lambda: ready() or self.over, timeout_ms)
        except asyncio.CancelledError:
            self.hangup()
            raise

    async def answered(self):
        """Wait for the answer: True, or False when the call ended without one."""
        await self._wait(lambda: self.was_answered)
        return self.was_answered

    async def ended(self, timeout_ms=None):
        """Wait for the end; whether it came in time."""
        await self._wait(lambda: False, timeout_ms)
        return self.over

    async def digit(self, timeout_ms=None):
        """The next digit as text; None when none came in time or the call ended. Being cancelled,
        by asyncio.wait_for() too, does not hang up here.
        """
        while await self.phone.wait(lambda: self._digits or self.over, timeout_ms):
            if self._digits:
                return self._digits.pop(0)
            if self.over:
                break

    def digits(self):
        """An asynchronous iterator over the digits, however they are sent; it ends with the
        call.
        """
        return Digits(self)

    # Leaving hangs up, whether or not there is memory for a coroutine.
    def __aenter__(self):
        try:
            return self._enter()
        except MemoryError:
            self.hangup()
            raise

    async def _enter(self):
        return self

    def __aexit__(self, kind, error, trace):
        self.hangup()
        return sleep_ms(0)

    # --- doing ---

    def _do(self, method, *args):
        try:
            getattr(self.core, method)(*args, now())
        finally:
            self.phone.driver.kick()

    def ring(self, code=180):
        """Callee: 183 sends our sound ahead of the answer. 180 was sent already."""
        self.core.ring(now(), code)
        self.phone.driver.kick()

    def answer(self):
        self._do("answer")
        # The sound begins now: of the ACK nothing is known but that it may get lost. A stranger's
        # is waited for, who may not be the one that we would send to.
        core = self.core
        guard = self.phone.agent.guard
        if self.pump:
            self.pump.stream.waiting.clear()  # digits of before the answer
        if core.state == b"W" and core.sdp.remote:
            if not guard or not guard.stranger(core.tx.flow.remote):
                if self.phone.tones:
                    self.phone.tones.event(self, "media")  # the loudspeaker is ours
                self._media()

    def answer_alone(self):
        """Answer with nobody there: at both ends there is the privacy tone first."""
        self.alone = 1
        self.answer()

    def reject(self, code=603):
        """Refuse with a status, 300-699."""
        self.core.reject(now(), code)
        self.phone.driver.kick()

    def hangup(self):
        try:
            self.core.hangup(now())
        finally:
            self.phone.driver.kick()

    def hold(self, on=True):
        """Put the peer on hold, or resume."""
        self._do("hold", on)

    async def send_digits(self, digits, mode=None, duration_ms=160):
        """Send digits (0-9 * # A-D): mode "rtp", "info", "inband" (as tones), or what was agreed.
        Returns when they are sent. UsageError before the answer.
        """
        if self.over:
            return
        if not self.was_answered:
            raise UsageError("no digits before the answer")
        digits = digits.encode() if isinstance(digits, str) else digits
        if mode == "inband":
            from .media.tones import Digits

            await self.play(Digits(digits, duration_ms))
            return
        media = self.core.sdp.remote
        if mode == "info" or (mode is None and (not media or media.event_type is None)):
            from .info import send

            for i in range(len(digits)):
                send(self.core, digits[i : i + 1], now(), duration_ms)
                self.phone.driver.kick()
                await asyncio.sleep((duration_ms + 100) / 1000)
            while not self.over and self.core.info and self.core.info.request:  # sent again
                await asyncio.sleep(0.02)
            return
        stream = self.pump.stream
        stream.send_digits(digits, duration_ms)
        while self.pump and stream.sending:
            await asyncio.sleep(0.02)

    async def play(self, source):
        """Let the peer hear `source` in place of the microphone: the name of a tone, or a source of
        sound as in media/tones.py and media/prompt.py. Returns at its end, or when the call ended
        or plays something else. UsageError while there is no sound; see ring(183). Being cancelled
        ends the source and not the call.
        """
        if isinstance(source, str):
            from .media.tones import tone

            source = tone(source, self.phone.country)
        pump = self.pump
        try:
            if self.over:
                return
            if not pump:
                raise UsageError("no sound before the answer")
            pump.source = source
            while self.pump is pump and pump.source is source:
                await asyncio.sleep(0.02)
        finally:
            if self.pump is pump and pump and pump.source is source:
                pump.source = None
            if hasattr(source, "close"):
                source.close()

    # --- what the phone tells ---

    def open(self, bound, host):
        """Open the media socket; its port."""
        if not self.endpoint:
            self.endpoint = self.phone.driver.media(bound)
            self._host = host
            self._bound = bound
        return self.endpoint.port

    def event(self, event):
        tones = self.phone.tones
        if event == "proven":
            return self._proven()
        if event in ("ended", "dropped"):
            self._close()  # first: the loudspeaker has to be free for what tells of the end
        if tones:  # first: the loudspeaker has to be free for the call
            try:
                tones.event(self, event)
            except MemoryError as e:  # the call goes on without
                self.fault(e)
        if event == "answered":
            self.was_answered = True
            if self.pump and not self.core.incoming:
                self.pump.stream.waiting.clear()  # digits of before the answer
            if self.phone.talk_ms:
                self.core.limit(self.phone.talk_ms, now())
        elif event == "warning":
            self._both("warning")
        elif event in ("media", "early-media"):
            self._media()

    def _media(self):
        phone = self.phone
        if not self.endpoint:
            return
        if not self.pump:
            audio = phone.audio
            for c in phone.calls.active():
                if c.data and c.data is not self and c.data.pump and c.data.pump.audio:
                    audio = None  # there is one microphone and one loudspeaker
            pump = phone.pump()
            try:
                pump.begin(
                    self.endpoint,
                    self._host,
                    audio,
                    self,
                    phone.agent.trace,
                    self._bound,
                    phone.inband,
                    phone.speech,
                )
            except MemoryError:  # with buffers as big as these another would not be had again
                phone.pumps.append(pump)
                raise
            self.pump = pump
            if self.core.incoming:
                pump.drop()
        core = self.core
        remote = core.sdp.remote
        s = self.pump.stream
        # Whom nobody knows cannot have our sound sent to a third party: where an offer names
        # another address than its own, that gets no more packets than it sends.
        host = remote.host
        if not phone.net.resolve(host, 0):
            host = core.source  # a name, which is not looked up: most likely it is this
        if core.incoming and not core.known and host != core.source:
            s.earned = s.earned or 0
        else:
            s.earned = None
        # Before the ACK nobody has shown that he is there: no microphone, and his digits wait.
        s.sure = core.state != b"W"
        self.pump.mute = core.sdp.held
        self.pump.agree(remote, host)
        if s.sure:
            self._proven()
        if self.alone == 1:
            self.alone = 2
            self._both("privacy")

    def _proven(self):
        pump = self.pump
        if pump:
            pump.stream.sure = True
            for _ in range(len(pump.stream.waiting)):
                d = pump.stream.settled()
                if d:
                    self.digit_came(d)

    def _both(self, name):
        # A tone for the peer and for who is here.
        pump = self.pump
        if not pump:
            return
        try:
            from .media.tones import tone

            pump.here = tone(name)
            pump.source = tone(name)
        except Exception as e:  # no memory: then without
            self.fault(e)

    def hush(self):
        """We hung up: the microphone is off at once, whenever the peer hears of it."""
        self._close()

    def _close(self):
        pump = self.pump
        endpoint = self.endpoint
        self.endpoint = None
        if pump:
            audio = pump.audio
            try:
                self._stats = self.stats
            except MemoryError as e:
                self.fault(e)
            self.pump = None
            pump.stop()
            pump.user = NO_CALL  # else it keeps all of this call until the next
            self.phone.pumps.append(pump)
            for c in self.phone.calls.active():
                if audio and c.data and c.data.pump:
                    c.data.pump.take(audio)  # the other call gets the microphone
                    if c.data.alone:
                        c.data._both("privacy")
                    break
        elif endpoint:
            endpoint.close()

    # --- what the pump tells ---

    def digit_came(self, digit, via="rtp"):
        """By RFC 4733 or in-band. The listener hears it as it hears one by INFO."""
        if self.core.state in b"WE" and self.pump and self.pump.stream.sure:
            self.phone.agent.listener("dtmf", self.core, (digit, 0, via))

    def alive(self):
        """There was sound."""
        self.core.alive(now())

    def silent(self):
        """There should be sound, and has been none for long."""
        if self.core.state == b"E":
            self.core.hangup(now(), "NoSound")
            self.phone.driver.kick()

    def fault(self, e):
        self.phone.driver.failed(e)

    def heard(self, digit, ms, via):
        """Take a digit; False when it is one that came another way already."""
        last = self._last
        t = now()
        if last and last[0] != via and 0 <= left(t, last[1]) < _OTHER_WAY:
            return False
        self._last = (via, t)
        if len(self._digits) < 32:
            self._digits.append(str(digit, "utf-8"))
        return True
