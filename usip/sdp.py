# usip: session descriptions (RFC 8866) and offer/answer (RFC 3264)
# MIT licence; Copyright (c) 2026 the usip authors

from collections import namedtuple

from . import limits
from .errors import ProtocolError
from .header import number
from .rand import below

# What was agreed. `host`, `port`, `payload_type` (0 PCMU, 8 PCMA, 9 G722), `event_type`
# (telephone-event's, None if it was not agreed) and `ptime` are for what we send, `event_type_in`
# is for what we receive, `direction` is ours, `rtcp` the port for RTCP: `port` where both go
# together (RFC 5761). Two that are equal: nothing has changed.
Media = namedtuple(
    "Media",
    ("host", "port", "payload_type", "event_type", "event_type_in", "direction", "ptime", "rtcp"),
)

# The index holds two bits: 1 the speaker sends, 2 the speaker receives.
_DIRECTIONS = (b"inactive", b"sendonly", b"recvonly", b"sendrecv")
_SWAPPED = b"\x00\x02\x01\x03"  # the same as the other side sees it
# RFC 3551 4.5.2: the clock of G722 has 8000 Hz, whatever its sound has.
_NAMES = {0: b"PCMU/8000", 8: b"PCMA/8000", 9: b"G722/8000"}
_EVENT = b"telephone-event/8000"


def _host(value):
    """The host of a c= or o= value, both of which end in `IN IP4 host`; None if there is none."""
    f = value.split(None, 8)
    if len(f) < 3 or f[-3].upper() != b"IN" or f[-2].upper() not in (b"IP4", b"IP6"):
        return None
    host = f[-1].split(b"/", 1)[0].strip(b"[]")  # behind a slash: TTL, count (RFC 8866 5.7)
    for c in host:
        if not (48 <= c <= 58 or 97 <= c | 32 <= 122 or c in b"-._%"):
            return None
    return host if 0 < len(host) <= limits.HOST_MAX else None


class _Line:
    """An m= line and what we want to know of what stands below it."""

    def __init__(self, value, direction):
        if len(value) > limits.REFUSED_MAX:
            raise ProtocolError(488, "long m= line")
        value = value.replace(b"\t", b" ")
        for c in value:
            if not 32 <= c < 127:  # what is refused is written back
                raise ProtocolError(400, "bad m= line")
        f = value.split(None, 3)
        if len(f) < 4:
            raise ProtocolError(400, "short m= line")
        media, port, proto, formats = f
        self.refused = b"%s 0 %s %s" % (media, proto, formats)
        self.port = number(port.split(b"/", 1)[0], 65535)
        self.host = self.event = None
        self.mux = False
        self.rtcp = min(self.port + 1, 65535)
        self.direction = direction
        self.ptime = limits.PTIME
        self.formats = ()
        if media.lower() == b"audio" and proto.upper() == b"RTP/AVP":
            n = limits.FORMATS
            self.formats = [number(t, 127) for t in formats.split(None, n)[:n]]

    # RFC 8866 6; in lower case, which is how RFC 3551 compares the names of codecs
    def attribute(self, value):
        name, _, value = value.partition(b":")
        if name == b"rtcp-mux":
            self.mux = True
        f = value.split(None, 1)
        if not f or not f[0].isdigit() or len(f[0]) > 5:
            return
        n = int(f[0])
        if name == b"rtcp" and 0 < n < 65536:  # RFC 3605
            self.rtcp = n
        if name == b"ptime":
            if 10 <= n <= limits.PTIME_MAX:
                self.ptime = n
        elif name == b"rtpmap" and n in self.formats and len(f) == 2:
            name = f[1].upper()
            if name[-2:] == b"/1":  # one channel, which goes without saying
                name = name[:-2]
            # RFC 3551 6: 0, 8 and 9 need no rtpmap; one that calls them something else is believed
            if n in _NAMES:
                if name != _NAMES[n]:
                    self.formats = [f for f in self.formats if f != n]
            elif self.event is None and name == _EVENT.upper():
                self.event = n


def parse(body):
    """(m= lines, the t= value). Lines that are missing or unknown do no harm."""
    if len(body) > limits.BODY_MAX:
        raise ProtocolError(413, "long SDP")
    lines = []
    line = host = origin = time = None
    direction = 3
    known = False
    i = 0
    while i < len(body):
        j = body.find(b"\n", i)
        if j < 0:
            j = len(body)
        text = body[i:j].strip()
        i = j + 1
        kind = text[:2]
        value = text[2:].strip()
        if kind == b"v=":
            known = True
        elif kind == b"m=":
            if len(lines) >= limits.MEDIA_LINES:
                raise ProtocolError(488, "too many m= lines")
            line = _Line(value, direction)
            lines.append(line)
        elif kind == b"c=":
            if line:
                line.host = _host(value)
            else:
                host = _host(value)
        elif kind == b"o=":
            origin = _host(value)
        elif kind == b"t=":
            if not time and len(value) < 24 and not value.strip(b"0123456789 "):
                time = value
        elif kind == b"a=":
            value = value.lower()
            if value in _DIRECTIONS:
                n = _DIRECTIONS.index(value)
                if line:
                    line.direction = n
                else:
                    direction = n
            elif line and line.formats:
                line.attribute(value)
    if not lines and not known:
        raise ProtocolError(400, "no SDP")
    for line in lines:
        line.host = line.host or host or origin
        # RFC 3264 8.4: hold as RFC 2543 had it
        if line.host in (b"0.0.0.0", b"::"):
            line.direction &= 1
    return lines, time or b"0 0"


class Session:
    """Our side of one session: an audio stream with PCMU, PCMA, G.722 and telephone-event.

    `host` and `port` are where we receive and may be changed before the next offer. `remote` is the
    Media that was agreed last, None before that. What raises ProtocolError has changed nothing.
    """

    def __init__(self, host, port, codecs=(8, 0), event_type=101):
        self.host = host
        self.port = port
        self.codecs = codecs
        self.event_type = event_type  # None: no telephone-events
        self.remote = None
        self.hush = None  # hush(): we hung up, nothing is to be heard any more
        self._id = below(0x4000) << 16 | below(0x10000)
        self._version = 0
        self._said = None
        self._time = b"0 0"
        self._mux = False  # the peer offered to send RTCP to the same port
        self._lines = (None,)  # the m= lines: as refused, None is ours
        self._wish = self._offered = 3
        self.held = self._held_before = False

    def hold(self, on):
        """What we wish from the next offer or answer on: to send only, or what we did before."""
        self.held = on

    def back(self):
        """Our offer was refused: hold is again what it was when something was agreed last."""
        self.held = self._held_before

    def offer(self, direction=None):
        """Our offer; `direction` ("sendrecv", ...) is kept for the next ones."""
        if direction:
            self._wish = _DIRECTIONS.index(direction.encode())
        self._offered = self._direction()
        return self._write(self.codecs, self.event_type, self._offered)

    def answer(self, body):
        """Our answer to the peer's offer; ProtocolError(488) if we have nothing in common."""
        lines, time = parse(body)
        refused = []
        formats = None
        for a in lines:
            # One stream: the first that we can speak. The others get their line back with port 0.
            refused.append(a.refused)
            if not formats:
                formats = self._common(a)
                if formats:
                    line = a
                    refused[-1] = None
        if not formats or sum([len(r or b"") for r in refused]) > limits.REFUSED_MAX:
            raise ProtocolError(488, "no common audio")
        event = None
        if self.event_type is not None and line.event is not None:
            # RFC 3264 6.1: their number for it, from now on ours
            self.event_type = event = line.event
        # 6.1: what they receive we may send, and the other way round, less what we do not wish
        direction = _SWAPPED[line.direction] & self._direction()
        self._lines = refused
        self._mux = line.mux
        self._time = time
        self._agree(line, formats, event, direction)
        return self._write(formats, event, direction)

    def accept(self, body):
        """Take the peer's answer to our offer; ProtocolError(488) if we have nothing in common."""
        lines, _ = parse(body)
        # 6: the answer has our lines in our order
        i = self._lines.index(None)
        formats = i < len(lines) and self._common(lines[i])
        if not formats:
            raise ProtocolError(488, "no common audio")
        line = lines[i]
        self._mux = self._mux and line.mux
        event = None if line.event is None else self.event_type
        self._agree(line, formats, event, _SWAPPED[line.direction] & self._offered)

    def _direction(self):
        return self._wish & 1 if self.held else self._wish

    def _common(self, line):
        # In the peer's order, which is the order of preference in offers and answers (5.1, 6.1)
        formats = []
        if line.port:
            for f in line.formats:
                if f in self.codecs and f not in formats:
                    formats.append(f)
            if formats and not line.host:
                raise ProtocolError(400, "no c= line")
        return formats

    def _agree(self, line, formats, event, direction):
        self._held_before = self.held
        self.remote = Media(
            line.host,
            line.port,
            formats[0],
            None if event is None else line.event,
            event,
            _DIRECTIONS[direction].decode(),
            line.ptime,
            line.port if self._mux else line.rtcp,
        )

    def _write(self, formats, event, direction):
        host = b"IN %s %s\r\n" % (b"IP6" if b":" in self.host else b"IP4", self.host.strip(b"[]"))
        out = b"s=-\r\nc=%st=%s\r\n" % (host, self._time)
        for refused in self._lines:
            if refused:
                out += b"m=%s\r\n" % refused
                continue
            out += b"m=audio %d RTP/AVP" % self.port
            maps = b""
            for f in formats:
                out += b" %d" % f
                maps += b"a=rtpmap:%d %s\r\n" % (f, _NAMES[f])
            if event is not None:
                out += b" %d" % event
                # RFC 4733 2.4.1: the sixteen digits
                maps += b"a=rtpmap:%d %s\r\na=fmtp:%d 0-15\r\n" % (event, _EVENT, event)
            out += b"\r\n%sa=ptime:%d\r\na=%s\r\n" % (maps, limits.PTIME, _DIRECTIONS[direction])
            if self._mux:
                out += b"a=rtcp-mux\r\n"
        # RFC 3264 8: the version goes up by one when anything has changed, and only then
        if out != self._said:
            self._said = out
            self._version += 1
        return b"v=0\r\no=- %d %d %s%s" % (self._id, self._version, host, out)
