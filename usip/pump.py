# usip: moves a call's sound between its socket and the audio device, at the pace of 20 ms
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from . import limits
from .clock import later, left
from .driver import now
from .media.stream import MediaStream

_sleep_ms = getattr(asyncio, "sleep_ms", None)
if not _sleep_ms:  # CPython

    def _sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


class _RtpFlow:
    # What the trace is shown of a media socket.
    transport = b"RTP"
    reliable = False

    def __init__(self, local, remote):
        self.local = local
        self.remote = remote


class Pump:
    """The sound of one call after another: its buffers live as long as the phone.

    `begin` gives it a call; `agree(remote)` takes what offer and answer settled, at first and at
    any time later, and starts the sound; `stop` ends it."""

    def __init__(self, net):
        self.net = net
        self.stream = MediaStream(8)
        self._pcm = bytearray(320)
        self._rx = bytearray(limits.RTP_MAX)
        self._rx_view = memoryview(self._rx)
        self._tx_view = memoryview(self.stream.tx)
        self._part = self._tx_view  # its first octets: most packets have the same length
        self.endpoint = self.audio = self._flow = None
        self._tasks = ()

    def begin(self, endpoint, host, audio, user, trace=None):
        """`endpoint` is the port's UDP socket for RTP, `host` our address, `audio` the port's sound
        or None for silence, `trace` the agent's hook. `user` is told `digit_came(digit)` for every
        telephone-event, `alive()` now and then while packets come, `fault(exception)`.
        """
        self.endpoint = endpoint
        self.host = host
        self.audio = audio
        self.user = user
        self.trace = trace
        self._flow = None
        self._heard = 0
        self.stream.reset(8)

    def agree(self, remote):
        s = self.stream
        s.law = remote.payload_type
        s.event_type = remote.event_type
        s.event_type_in = remote.event_type_in
        s.sending_on = remote.direction in ("sendrecv", "sendonly")
        s.receiving_on = remote.direction in ("sendrecv", "recvonly")
        # c=0.0.0.0 is the old way to say hold: there is nowhere to send to.
        if remote.port and remote.host not in (b"0.0.0.0", b"::"):
            s.remote = self.net.resolve(remote.host, remote.port)
            self._flow = _RtpFlow((self.host, self.endpoint.port), (remote.host, remote.port))
        if not self._tasks:
            self._tasks = (asyncio.create_task(self._send()), asyncio.create_task(self._receive()))
            if self.audio:
                self.take(self.audio)

    def take(self, audio):
        """The microphone and the loudspeaker have become free."""
        self.audio = audio
        try:
            audio.start()
        except Exception as e:
            self._silent(e)

    def _silent(self, e):
        # The sound device fails: the call goes on without.
        self.audio = None
        self.user.fault(e)

    def stop(self):
        for t in self._tasks:
            t.cancel()
        self.endpoint.close()
        try:
            if self._tasks and self.audio:
                self.audio.stop()
        except Exception as e:
            self._silent(e)
        self._tasks = ()
        self.audio = None

    async def _receive(self):
        ep = self.endpoint
        while True:
            await ep.readable()
            try:
                # One at a time: to ask again, and hear that there is none, costs 700 bytes.
                n = ep.readinto(self._rx)
                if n is not None:
                    self._packet(n)
            except Exception as e:  # the application's listener, or no memory
                self.user.fault(e)

    def _packet(self, n):
        self._heard += 1
        if self.trace and self._flow:
            self.trace(False, self._rx_view[:n], self._flow, now())
        d = self.stream.receive(self._rx, n, self.endpoint.source, now())
        if d:
            self.user.digit_came(d)

    async def _send(self):
        due = now()
        frames = 0
        while True:
            try:
                self._frame()
            except Exception as e:
                self._silent(e)
            frames += 1
            if frames == 500:  # 10 s
                frames = 0
                if self._heard:
                    self._heard = 0
                    self.user.alive()
            due = later(due, 20)
            wait = left(due, now())
            if wait < -100:
                due = now()  # the machine stood still: go on from here, never in a burst
                wait = 0
            await _sleep_ms(wait if wait > 0 else 0)

    def _frame(self):
        s = self.stream
        pcm = self._pcm
        if self.audio:
            self.audio.readinto(pcm)
        # Without a microphone silence: symmetric NATs and latching PBXs wait for it.
        n = s.frame_out(pcm if self.audio else None)
        if n and s.remote is not None:
            if n != len(self._part):
                self._part = self._tx_view[:n]
            if self.trace and self._flow:
                self.trace(True, self._part, self._flow, now())
            self.endpoint.sendto(self._part, s.remote)
        s.frame_in(pcm)
        if self.audio:
            self.audio.write(pcm)
