# usip: a pump's reports: where they go, when they are sent, who is believed
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .clock import later, left
from .driver import RtpFlow, now
from .media.rtcp import Rtcp
from .rand import below


class Reports(Rtcp):
    """The RTCP of a Pump; a phone that does without (limits.RTCP) never loads it. Nothing of it
    allocates once a report has been sent and one has come.

    `side` is the socket for it, where the peer wants it on a port of its own."""

    def __init__(self, pump):
        Rtcp.__init__(self, pump.stream)
        self.pump = pump
        self._view = self._part = memoryview(self.tx)
        self.side = None

    def begin(self):
        """Another call."""
        self.reset()
        self._to = self._flow = None
        self.mux = False
        self._sure = False  # the socket takes nothing from others
        self._in = 2  # seconds until the next
        self._dice = below(1024)
        self.until = None  # so long the peer's last report is a sign of life

    def agree(self, remote, host):
        """What the SDP says, and the host that it means."""
        pump = self.pump
        port = pump.endpoint.port
        self.mux = remote.rtcp == remote.port  # RFC 5761: where the sound goes, NAT and all
        if self.mux:
            self.close()
        else:
            self._to = pump.net.resolve(host, remote.rtcp)
            port += 1
            if not self.side:
                try:
                    self.side = pump.net.udp(pump._bound, port)
                except OSError:
                    self._to = None  # no socket to spare: the call does without
            if self.side and self._to and hasattr(self.side, "connect"):
                self._sure = False
                try:
                    self.side.connect(self._to)  # then to ask it for nothing costs nothing
                    self._sure = True
                except OSError:
                    pass  # no way there, now or ever: the sound has its own
        self._flow = RtpFlow((pump.host, port), (host, remote.rtcp))

    def close(self):
        if self.side:
            self.side.close()
            self.side = None

    def alive(self):
        """Whether a report came of late."""
        if self.heard:
            self.heard = False
            self.until = later(now(), limits.RTP_TIMEOUT)
        elif self.until is not None and left(self.until, now()) <= 0:
            self.until = None
        return self.until is not None

    def second(self):
        """A second has passed."""
        if self._sure and self.stream.moved:
            # The sound comes from elsewhere than the SDP said, through a NAT: so will reports.
            self._sure = False
            self.side.reopen()
        self._in -= 1
        if not self._in:
            # RFC 3550 6.2: 5 s, not all at the same time
            self._dice = (self._dice * 5 + 3) & 1023
            self._in = 3 + self._dice % 5
            self.send()

    def send(self, bye=False):
        pump = self.pump
        to = self.stream.remote if self.mux else self._to
        if to is None or self.stream.earned == 0:
            return
        n = self.report(now(), bye)
        part = self._part
        if n != len(part):
            part = self._part = self._view[:n]
        if pump.trace:
            pump.trace(True, part, self._flow, now())
        (self.side or pump.endpoint).sendto(part, to)

    def take(self):
        """Read one; True while there may be more that is worth a look."""
        pump = self.pump
        n = self.side.readinto(pump._rx)
        if n is None or self.stream.remote is None:
            return False
        # A NAT gives this socket another port, but no other host. Back through it (RFC 4961).
        source = self.side.source
        if not self._sure and self._host(source) != self._host(self.stream.remote):
            self.stream.refused += 1
            return True
        if self.begins(pump._rx, 0, n):
            self._to = source
            if pump.trace:
                pump.trace(False, pump._show(0, n), self._flow, now())
            self.receive(pump._rx, 0, n, now())
        return False

    def _host(self, address):
        return self.pump.net.readable_address(address)[0]
