# usip: a pump's RTCP: where it goes, when it is sent, who is believed
# MIT licence; Copyright (c) 2026 the usip authors

from .driver import now


class RtpFlow:
    """What the trace is shown of a media socket."""

    transport = b"RTP"
    reliable = False

    def __init__(self, local, remote):
        self.local = local
        self.remote = remote


class Reporter:
    """What of a Pump is about reports: see there. Nothing of it allocates once a report has been
    sent and received."""

    _sure = False  # the socket for reports takes nothing from others

    def _reports(self, remote):
        port = self.endpoint.port
        self._mux = remote.rtcp == remote.port  # RFC 5761: where the sound goes, NAT and all
        if self._mux:
            if self._side:
                self._side.close()
                self._side = None
        else:
            self._rtcp_to = self.net.resolve(remote.host, remote.rtcp)
            port += 1
            if not self._side:
                try:
                    self._side = self.net.udp(self._bound, port)
                except OSError:
                    self._rtcp_to = None  # no socket to spare: the call does without
            if self._side and self._rtcp_to and hasattr(self._side, "connect"):
                self._sure = False
                try:
                    self._side.connect(self._rtcp_to)  # then to ask it for nothing costs nothing
                    self._sure = True
                except OSError:
                    pass  # no way there, now or ever: the sound has its own
        self._rtcp_flow = RtpFlow((self.host, port), (remote.host, remote.rtcp))

    def _follow_reports(self):
        # The sound comes from elsewhere than the SDP said, through a NAT: so will reports.
        if self._sure and self.stream.moved:
            self._sure = False
            self._side.reopen()

    def _report(self, bye=False):
        to = self.stream.remote if self._mux else self._rtcp_to
        if to is None or self.stream.earned == 0:
            return
        n = self.rtcp.report(now(), bye)
        part = self._rtcp_part
        if n != len(part):
            part = self._rtcp_part = self._rtcp_view[:n]
        if self.trace:
            self.trace(True, part, self._rtcp_flow, now())
        (self._side or self.endpoint).sendto(part, to)

    def _take_report(self):
        # True while there may be more that is worth a look.
        n = self._side.readinto(self._rx)
        if n is None or self.stream.remote is None:
            return False
        # A NAT gives this socket another port, but no other host. Back through it (RFC 4961).
        source = self._side.source
        if not self._sure and self._host(source) != self._host(self.stream.remote):
            self.stream.refused += 1
            return True
        if self.rtcp.begins(self._rx, 0, n):
            self._rtcp_to = source
            if self.trace:
                self.trace(False, self._show(0, n), self._rtcp_flow, now())
            self.rtcp.receive(self._rx, 0, n, now())
        return False

    def _host(self, address):
        return self.net.readable_address(address)[0]
