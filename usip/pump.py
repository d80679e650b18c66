# usip: moves a call's sound between its socket and the audio device, at the pace of 20 ms
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from . import limits
from .clock import later, left
from .driver import RtpFlow, now, sleep_ms
from .media import g711
from .media.stream import EVENT, MediaStream

_LATE = 40  # ms; two packets close together are no burst
_OLD = 200  # datagrams, more than a socket keeps
_MANY = 16  # datagrams in 20 ms: a burst must leave room for the others ...
# ... and so must a flood, that the peer's packets have to be found in: 3,200 a second
_MOST = 64
_EVEN = 25  # packets of the same length
_DESERTED = 100  # frames, 2 s
_LENGTHS = 12  # sound, events, reports, what is left of a packet that was cut


class Pump:
    """The sound of one call after another: its buffers live as long as the phone.

    `begin` gives it a call; `agree(remote)` takes what offer and answer settled, at first and at
    any time later, and starts the sound; `stop` ends it. One task: every 20 ms what has come is
    taken, a frame is sent and a frame is played, by the processor's clock, which follows the sound
    device's where that has a pace(). Where the port's sockets can be connected, nothing
    of it allocates (see `_follow`)."""

    def __init__(self, net, wide=False):
        self.net = net
        self._codec = None
        if wide:  # G.722 is among what the phone speaks
            from .media.g722 import Codec

            self._codec = Codec()
        self.stream = MediaStream(8, codec=self._codec or g711)
        self._pcm = bytearray(320)
        self._rx = bytearray(limits.RTP_MAX)
        self._rx_view = memoryview(self._rx)
        self._into = self._rx_view  # what is read into
        self._tx_view = memoryview(self.stream.tx)
        self._part = self._tx_view  # its first octets: most packets of sound have the same length
        self._event = self._tx_view[:EVENT]
        self._shown = {}  # length: what the trace is shown
        self.endpoint = self.audio = self._flow = self._task = self.source = self.here = None
        self.mute = False  # silence in place of the microphone
        self._ear = None  # a Detector, made when it is first wanted
        self.rtcp = None
        if limits.RTCP:
            from .reports import Reports

            self.rtcp = Reports(self)
        self._life = 0  # counts beginnings and ends
        self._at_work = False  # the task is what runs now

    def begin(self, endpoint, host, audio, user, trace=None, bound=None, inband=None, speech=None):
        """`endpoint` is the port's UDP socket for RTP, `host` our address, `bound` what the sockets
        are bound to, `audio` the port's sound or None for silence, `trace` the agent's hook. `user`
        is told `digit_came(digit, via)` for every telephone-event ("rtp") and, where they were not
        agreed or `inband` is True, for every one heard in the sound ("inband"), `alive()` now and
        then while packets come, `silent()` once when neither these nor reports came for
        RTP_TIMEOUT, `fault(exception)`.

        `speech`, where there is one, works on both directions: see media/duplex.py. `source`, when
        it is set, is sent in place of the microphone until its end, and `here` is played in place
        of the peer: see media/tones.py.
        """
        self.endpoint = endpoint
        self.host = host
        self.audio = audio
        self.user = user
        self.trace = trace
        self.inband = inband
        self.speech = speech
        self._flow = None
        self.source = self.here = None
        self.mute = False
        self._pace = None
        self._hears = False
        self._heard = False
        self._connected = False
        self._into = self._rx_view
        self.stream.reset(8)
        if self.rtcp:
            self.rtcp.begin()
        self._bound = bound

    def drop(self):
        """Pass over what has come until now: a caller's digits of before the answer."""
        for _ in range(_OLD):
            if self.endpoint.readinto(self._rx) is None:
                break

    def agree(self, remote, host):
        """What the SDP says, and the host that it means."""
        s = self.stream
        s.law = remote.payload_type
        s.event_type = remote.event_type
        s.event_type_in = remote.event_type_in
        s.sending_on = remote.direction in ("sendrecv", "sendonly")
        s.receiving_on = remote.direction in ("sendrecv", "recvonly")
        s.quiet = 0
        self._hear(s.event_type_in is None if self.inband is None else self.inband)
        self._open()  # it may come from elsewhere now
        # c=0.0.0.0 is the old way to say hold, and we ourselves would never fall silent.
        ours = self.host, self.endpoint.port
        if remote.port and host not in (b"0.0.0.0", b"::") and (host, remote.port) != ours:
            s.remote = self.net.resolve(host, remote.port)
            self._flow = RtpFlow(ours, (host, remote.port))
            if self.rtcp:
                self.rtcp.agree(remote, host)
        if not self._task:
            self._life += 1
            self._task = asyncio.create_task(self._run(self._life))
            if self.audio:
                self.take(self.audio)

    def _hear(self, on):
        if on and not self._ear:
            try:
                from .media.inband import Detector

                self._ear = Detector()
            except Exception as e:  # no memory: the call goes on without
                self.user.fault(e)
        elif on and not self._hears:
            self._ear.reset()
        self._hears = on and self._ear is not None

    def take(self, audio):
        """The microphone and the loudspeaker have become free."""
        self.audio = audio
        self._pace = getattr(audio, "pace", None)
        try:
            if self.speech:
                self.speech.reset()
            if hasattr(audio, "codec"):  # see media/wide.py; speech works on 8 kHz
                audio.codec = None if self.speech else self._codec
            audio.start()
        except Exception as e:
            self._silent(e, True)

    def _silent(self, e, whole=False):
        # The sound device fails: the call goes on without. No memory: without this frame.
        self.user.fault(e)
        audio = self.audio
        if audio and (whole or not isinstance(e, MemoryError)):
            self.audio = None
            try:
                audio.stop()
            except Exception:
                pass  # that it fails has been told

    def stop(self):
        task = self._task
        self._task = None
        if task:
            # A call may end within the task: a BYE that there is no way to send. MicroPython's
            # asyncio cannot cancel what runs; it ends by itself.
            self._life += 1
            if not self._at_work:
                task.cancel()
            try:
                if self.rtcp:
                    self.rtcp.send(True)
            except Exception as e:  # the trace hook is the application's
                self.user.fault(e)
        self.endpoint.close()
        if self.rtcp:
            self.rtcp.close()
        audio = self.audio
        self.audio = None
        try:
            if task and audio:
                audio.stop()
        except Exception as e:
            self.user.fault(e)

    async def _run(self, life):
        due = now()
        frames = 0
        while True:
            self._at_work = True
            try:
                self._take()
            except Exception as e:  # the application's listener, or no memory
                self.user.fault(e)
            try:
                if self._life == life:
                    self._frame()
            except Exception as e:
                self._silent(e)
            frames += 1
            if frames == 50:
                frames = 0
                if self._life == life:
                    self._second()
                    if self.audio and self._pace:
                        due = later(due, self._pace())  # a millisecond: its clock is not ours
            due = later(due, 20)
            wait = left(due, now())
            while wait < -_LATE and self._life == life:
                # The machine stood still. What was not sent in time is left out, never sent in a
                # burst: the peer plays silence where there was none to be had.
                try:
                    self._miss()
                except Exception as e:
                    self._silent(e)
                due = later(due, 20)
                wait += 20
            self._at_work = False
            if self._life != life:
                return
            await sleep_ms(wait if wait > 0 else 0)

    def _second(self):
        s = self.stream
        try:
            if self._heard:
                self._heard = False
                self.user.alive()
            # A peer that holds us, or that we hold, need not send.
            both = s.sending_on and s.receiving_on
            # RFC 3550 6.3.5: nor need one that reports have something to say. Voice mail that
            # records says nothing, and a telephone that does not send silence.
            reports = self.rtcp and self.rtcp.alive()
            if both and not reports and s.quiet * 20 >= limits.RTP_TIMEOUT > 0:
                s.quiet = 0
                self.user.silent()
                if not self._task:
                    return  # the call is over: its socket must stay closed
            self._follow()
            if self.rtcp:
                self.rtcp.second()
        except Exception as e:
            self.user.fault(e)

    def stats(self):
        """What is known of both directions."""
        d = self.stream.stats()
        r = self.rtcp
        if r:
            d["rtt_ms"] = r.rtt_ms
            d["remote_lost"] = r.remote_lost
            d["remote_jitter_ms"] = r.remote_jitter_ms
        return d

    # --- the socket ---

    # A datagram read by recvfrom() costs a board 300 bytes. A connected socket can be read into a
    # buffer for nothing, but MicroPython's readinto() reads on until the buffer is full: so it is
    # as long as the peer's packets are, once they have had the same length for a while. One that
    # turns out to be another makes the stream uneven, and everything begins anew.
    def _follow(self):
        s = self.stream
        if self._connected:
            # Silence for a while: the peer may have got another address from its NAT.
            if not s.even or s.quiet > _DESERTED:
                s.even = 0  # not connected again before something comes
                self._open()
        elif s.even > _EVEN and s.locked and hasattr(self.endpoint, "connect"):
            self.endpoint.connect(s.remote)
            self._connected = True
            self._into = self._rx_view[: s.size]

    def _open(self):
        if self._connected:
            try:
                self._take()  # what waits in the old socket
            except Exception as e:
                self.user.fault(e)
            self._connected = False
            self._into = self._rx_view
            self.endpoint.reopen()

    def _take(self):
        ep = self.endpoint
        s = self.stream
        taken = 0
        for _ in range(_MOST):
            n = ep.readinto(self._into)
            if n is None:
                break
            refused = s.refused
            if not n:
                s.refused += 1  # an empty one ends nothing
            source = None if self._connected else ep.source
            at = 0
            while at < n:
                # Telephone-events are shorter than sound: what was read on is another packet.
                begin = at
                d = None
                if not self.rtcp or not self.rtcp.begins(self._rx, at, n):
                    d = s.receive(self._rx, n, source, now(), at)
                    at = s.end
                elif source is None or source == s.remote:
                    at = self.rtcp.receive(self._rx, at, n, now())
                else:
                    s.refused += 1
                    break
                if self.trace and self._flow:
                    self.trace(False, self._show(begin, at - begin), self._flow, now())
                if not d and s.waiting:
                    d = s.settled()
                if d:
                    self.user.digit_came(d, "rtp")
            if s.refused == refused:
                self._heard = True
                taken += 1
                if taken == _MANY:
                    break
        if self.rtcp and self.rtcp.side:
            for _ in range(_MOST):
                if not self.rtcp.take():
                    break

    def _show(self, at, n):
        # What came, for the trace. A slice costs 16 bytes, so they are kept: there are few lengths.
        # What was read behind another packet is moved to the front, over what is done with.
        if at:
            g711.copy(self._rx, at, n, self._rx, 0)
        part = self._shown.get(n)
        if part is None:
            if len(self._shown) == _LENGTHS:
                self._shown.clear()
            part = self._shown[n] = self._rx_view[:n]
        return part

    # --- 20 ms ---

    def _frame(self):
        s = self.stream
        pcm = self._pcm
        if self.audio:
            self.audio.readinto(pcm)
            if self.speech:
                self.speech.near(pcm)
        if self.source:
            if self._codec:
                self._codec.mic = None
            if not self._say(self.source, pcm):
                self.source = None
            n = s.frame_out(pcm)
        else:
            # Without a microphone silence: symmetric NATs and latching PBXs wait for it.
            n = s.frame_out(pcm if self.audio and s.sure and not self.mute else None)
        if n and s.remote is not None and (s.earned is None or s.due()):
            part = self._event
            if n != EVENT:
                part = self._part
                if n != len(part):
                    part = self._part = self._tx_view[:n]
            if self.trace and self._flow:
                self.trace(True, part, self._flow, now())
            self.endpoint.sendto(part, s.remote)
        self._play(pcm)
        if self.here:
            if self._codec:
                self._codec.has_wide = False
            if not self._say(self.here, pcm):
                self.here = None
        if self.audio:
            if self.speech:
                self.speech.far(pcm)
            self.audio.write(pcm)

    def _say(self, source, pcm):
        # A frame of `source`; whether there are more.
        try:
            return source.readinto(pcm) == len(pcm) // 2
        except Exception as e:  # a file that cannot be read
            self.user.fault(e)
            return False

    def _play(self, pcm):
        if not self.stream.frame_in(pcm) and self._codec:
            self._codec.has_wide = False
        if self._hears and self.stream.locked:
            d = self._ear.hear(pcm)
            if d:
                try:
                    self.user.digit_came(d, "inband")
                except Exception as e:  # the application's listener
                    self.user.fault(e)

    def _miss(self):
        # 20 ms that are over: the microphone's frame is old, the loudspeaker stood still.
        s = self.stream
        if self.audio:
            self.audio.readinto(self._pcm)
        s.miss()
        self._play(self._pcm)
