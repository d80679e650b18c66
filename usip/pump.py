# usip: moves a call's sound between its socket and the audio device, at the pace of 20 ms
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from . import limits
from .clock import later, left
from .driver import now
from .media.stream import MediaStream


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
        self._tx_view = memoryview(self.stream.tx)
        self._rx_view = memoryview(self._rx)
        self.endpoint = self.audio = self._flow = None
        self._tasks = ()

    def begin(self, endpoint, host, audio, digit, trace=None):
        """`endpoint` is the port's UDP socket for RTP, `host` our address, `audio` the port's sound
        or None for silence. `digit(d)` is called for every digit that comes as a telephone-event;
        `trace` is the agent's hook."""
        self.endpoint = endpoint
        self.host = host
        self.audio = audio
        self.digit = digit
        self.trace = trace
        self._flow = None
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
            if self.audio:
                self.audio.start()
            self._tasks = (asyncio.create_task(self._send()), asyncio.create_task(self._receive()))

    def stop(self):
        for t in self._tasks:
            t.cancel()
        if self._tasks and self.audio:
            self.audio.stop()
        self._tasks = ()
        self.endpoint.close()

    async def _receive(self):
        ep = self.endpoint
        rx = self._rx
        s = self.stream
        while True:
            await ep.readable()
            while True:
                n = ep.readinto(rx)
                if n is None:
                    break
                if self.trace and self._flow:
                    self.trace(False, self._rx_view[:n], self._flow, now())
                d = s.receive(rx, n, ep.source, now())
                if d:
                    self.digit(d)

    async def _send(self):
        s = self.stream
        pcm = self._pcm
        due = now()
        while True:
            if self.audio:
                self.audio.readinto(pcm)
                n = s.frame_out(pcm)
            else:
                n = s.frame_out(
                    None
                )  # silence is sent as well: symmetric NATs and latching PBXs wait for it
            if n and s.remote is not None:
                if self.trace and self._flow:
                    self.trace(True, self._tx_view[:n], self._flow, now())
                self.endpoint.sendto(self._tx_view[:n], s.remote)
            s.frame_in(pcm)
            if self.audio:
                self.audio.write(pcm)
            due = later(due, 20)
            wait = left(due, now())
            if wait < -100:
                due = now()  # the machine stood still: go on from here, never in a burst
                wait = 0
            await asyncio.sleep(wait / 1000 if wait > 0 else 0)
