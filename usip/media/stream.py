# usip: the audio stream of a call
# MIT licence; Copyright (c) 2026 the usip authors

from ..errors import UsageError
from ..rand import urandom
from . import g711
from .events import FIRST, IDLE, QUIET, EventReceiver, EventSender
from .playout import NOISE, Playout
from .rtp import HEADER, Header, Reception, Sender, elapsed, gap

EVENT = HEADER + 4  # octets of a telephone-event (RFC 4733 2.3)
_FRAME = g711.FRAME
_GRACE = 50  # frames, a second: so long may the address of the SDP take the stream back
_SILENT = 25  # frames, half a second: then the source may have another address
_WAITING = 8  # digits
_EARNED = 250  # packets, 5 s
_KEEPALIVE = 256  # frames, 5 s: a held stream keeps its NAT mapping (RFC 6263)

# The source lock.
_OPEN = 0  # nothing has come yet
_MOVED = 1  # it comes from another address than the SDP said
_LOCKED = 2


class MediaStream:
    """One audio stream, sans I/O. Driven by the microphone (frame_out), the network (receive) and
    the loudspeaker (frame_in); frames are 20 ms, 160 samples.

    Attributes that an offer or answer may change at any time: `law` (what is sent: 0, 8, or 9 with
    a g722.Codec), `laws` (what may come), `event_type` and `event_type_in` (payload types of
    telephone-events sent and received, or None), `sending_on`, `receiving_on`, `remote`. Nothing
    allocates per packet.
    """

    def __init__(self, law, event_type=None, ptime=20, rand=urandom, codec=g711):
        # RTP_MAX holds 60 ms.
        self._full = HEADER + _FRAME * min(3, max(1, ptime // 20))
        self.tx = bytearray(self._full)  # the datagram to be sent is tx[:n]
        self.codec = codec
        self._jitter = Playout(codec=codec)
        self._in = Header()
        self._rand = rand
        self.reset(law, event_type)

    def reset(self, law, event_type=None):
        """Begin anew, for the next call. The buffers stay: a heap that is full of holes has no room
        for new ones."""
        self.law = law
        self.laws = (0, 8)
        if self.codec is not g711:
            self.laws = (0, 8, 9)
            self.codec.reset()
        self.event_type = self.event_type_in = event_type
        self.sending_on = self.receiving_on = True
        # Packets that we may send, where each has to be earned by one that came; None: no matter.
        self.earned = None
        self.refused = 0  # packets from other sources, and what is none
        self.sender = Sender(self.tx, self._rand)
        self._digits_out = EventSender()
        self._filled = HEADER
        self._marker = True
        self._hi = self._lo = 0  # timestamp of the packet or the press that is being sent
        self._held = 0
        self._jitter.restart()
        self._jitter.concealed = 0
        self.reception = Reception()
        self._digits_in = EventReceiver()
        self.waiting = []  # digits that came before it was certain from whom
        self.sure = True  # False: there is no ACK yet, so our peer may be nobody
        self.ssrc_hi = self.ssrc_lo = -1
        self._sdp = self._remote = None
        self._lock = _OPEN
        self._grace = 0
        self.quiet = 0  # frames since the last packet
        self.even = 0  # packets of sound in a row that were ...
        self.size = 0  # ... datagrams of this length, each as long as their timestamps are apart
        self.end = 0  # of the packet in the buffer that was received last
        self._seq = -1
        self._hi_in = self._lo_in = 0

    # --- the source ---

    @property
    def remote(self):
        """The address that datagrams go to, whatever the port takes for one."""
        return self._remote

    @remote.setter
    def remote(self, addr):
        # The same SDP again (a session refresh) must not undo what was learned about a NAT.
        if addr != self._sdp:
            self._sdp = self._remote = addr
            self._lock = _OPEN
            self.waiting.clear()
        elif self._lock == _LOCKED and addr != self._remote:
            # But whom it names has his second again: before the ACK anybody may have been faster.
            self._lock = _MOVED
            self._grace = _GRACE

    # Symmetric RTP (RFC 4961): behind a NAT the peer's packets come from an address that it does
    # not know. The first source is believed; but the address that the SDP named is believed more,
    # and ends the matter. So who guesses a port cannot take over a call that has sound, and can
    # keep one that he was faster to only from a peer whose SDP is wrong. A NAT may give the peer
    # another address within the call: the stream goes on from there, with the SSRC that nobody else
    # knows, and from where it came it has ceased to come.
    def _admit(self, addr, known):
        if self._lock == _LOCKED or (
            self._lock == _MOVED and addr != self._sdp and addr != self._remote
        ):
            h = self._in
            if h.ssrc_hi == self.ssrc_hi and h.ssrc_lo == self.ssrc_lo:
                if known and self.quiet >= _SILENT:
                    self._remote = addr
                    return True
                self.even = 0  # two sources, for now: the socket must not be tied to one of them
            self.refused += 1
            return False
        if not known:
            self.refused += 1
            return False
        if addr == self._sdp:
            self._remote = addr
            self._lock = _LOCKED
            self.waiting.clear()  # somebody else's
        elif self._lock == _OPEN:
            self._remote = addr
            self._lock = _MOVED
            self._grace = _GRACE
        return True

    def settled(self):
        """The next of the digits that are `waiting`, if it is certain now whose they are."""
        return self.waiting.pop(0) if self._lock == _LOCKED and self.sure else None

    @property
    def moved(self):
        """It comes from elsewhere than the SDP said."""
        return self._remote != self._sdp

    @property
    def locked(self):
        """The source is certain."""
        return self._lock == _LOCKED

    # --- sending ---

    def due(self):
        """Whether a packet may be sent there; then it counts as sent."""
        n = self.earned
        if n is None:
            return True
        if n:
            self.earned = n - 1
        return n > 0

    def miss(self):
        """20 ms passed in which nothing could be sent."""
        self.sender.tick()
        self._filled = HEADER
        self._marker = True

    def frame_out(self, pcm):
        """Send one frame of PCM (None: silence), or of the digit that is due instead. Returns how
        many octets of `tx` are the datagram to be sent now, 0 for none."""
        out = self.sender
        digits = self._digits_out
        hi = out.hi
        lo = out.lo
        out.tick()
        if not self.sending_on:
            return self._keep_alive(hi, lo)
        self._held = 0
        if self.event_type is None:
            digits.clear()
        elif self._filled == HEADER:
            said = digits.step(self.tx, HEADER)
            if said == QUIET:
                return 0
            if said != IDLE:
                if said == FIRST:
                    self._hi = hi
                    self._lo = lo
                # RFC 4733 2.3.1, 2.5.1.1: marker on the first, the press's timestamp on all.
                out.header(self.event_type, said == FIRST, self._hi, self._lo, 4)
                self._marker = True  # what follows is a new talk-spurt (RFC 3551 4.1)
                return EVENT
        if self._filled == HEADER:
            self._hi = hi
            self._lo = lo
        n = self._filled
        self.codec.encode(self.law, g711.SILENCE if pcm is None else pcm, _FRAME, self.tx, n)
        n += _FRAME
        if n < self._full:
            self._filled = n
            return 0
        self._filled = HEADER
        out.header(self.law, self._marker, self._hi, self._lo, n - HEADER)
        self._marker = False
        return n

    def _keep_alive(self, hi, lo):
        # A digit that was under way has been heard; those that wait are sent when the hold ends.
        self._digits_out.cut()
        self._filled = HEADER
        self._marker = True
        self._held = (self._held + 1) % _KEEPALIVE
        if self._held != 1:
            return 0
        self.codec.encode(self.law, g711.SILENCE, _FRAME, self.tx, HEADER)
        self.sender.header(self.law, True, hi, lo, _FRAME)
        return HEADER + _FRAME

    def send_digits(self, digits, duration_ms=160):
        """Send `digits` (0-9 * # A-D as bytes) after those that wait."""
        if self.event_type is None:
            raise UsageError("the peer takes no telephone-events")
        self._digits_out.add(digits, duration_ms)

    @property
    def sending(self):
        """How many digits wait or are being sent."""
        return self._digits_out.waiting

    # --- receiving ---

    def receive(self, buf, n, addr=None, now=None, at=0):
        """Take a datagram: buf[at:n], which may be reused. Returns the digit that begins with it,
        as bytes, or None. `end` is where the packet ended, before `n` when there is more behind it.

        `addr` is None where the socket itself takes nothing from others; `now`, in milliseconds, is
        only wanted for the jitter.
        """
        h = self._in
        self.end = n
        if not h.parse(buf, n, at):
            self.refused += 1
            return None
        event = h.pt == self.event_type_in
        audio = not event and h.pt in self.laws
        noise = h.pt == NOISE
        if event:
            self.end = min(n, h.at + 4)
        elif noise:
            self.end = h.next(buf, n, at)
        known = addr is None or (self._lock == _LOCKED and addr == self._remote)
        if not known and not self._admit(addr, event or audio or noise):
            return None
        self.quiet = 0
        if self.earned is not None and self.earned < _EARNED:
            self.earned += 1
        if audio:
            self._measure(h, n - at)
        r = self.reception
        if h.ssrc_hi == self.ssrc_hi and h.ssrc_lo == self.ssrc_lo:
            if not r.update(h.seq):
                return None
        elif audio or noise or self.ssrc_hi < 0:
            self.ssrc_hi = h.ssrc_hi
            self.ssrc_lo = h.ssrc_lo
            self._jitter.restart()
            r.restart()
            r.update(h.seq)
        # else: digits from a gateway that gives them an SSRC of their own. They tell themselves
        # apart by timestamp; the audio must not be disturbed by them.
        if not self.receiving_on:
            return None
        if event:
            # A gateway's events with an SSRC of their own have numbers of their own.
            ours = h.ssrc_hi == self.ssrc_hi and h.ssrc_lo == self.ssrc_lo
            newest = not ours or r.highest == h.seq
            d = self._digits_in.take(h.hi, h.lo, h.marker, buf, h.at, h.n, newest)
            if d and (addr is not None and self._lock != _LOCKED or not self.sure):
                # Digits open doors: they count when it is certain whose they are.
                if len(self.waiting) < _WAITING:
                    self.waiting.append(d)
                return None
            return d
        if audio and h.n:
            if now is not None:
                r.arrived(h.lo, now)
            if not self._jitter.put(h.hi, h.lo, h.pt, buf, h.at, h.n):
                r.late += 1
        elif noise:
            # RFC 3389: from here on silence. How loud it is said to be is not looked at.
            self._jitter.put(h.hi, h.lo, NOISE, g711.SILENCE, 0, 1)
        return None

    def _measure(self, h, size):
        # Whether all packets are of one length. Before a marker there was silence.
        if size != self.size:
            self.size = size
            self.even = 0
        elif not h.marker:
            n = gap(h.seq, self._seq)
            if 0 < n < 50:
                even = elapsed(h.hi, h.lo, self._hi_in, self._lo_in) == h.n * n
                self.even = min(self.even + 1, 1000) if even else 0
        self._seq = h.seq
        self._hi_in = h.hi
        self._lo_in = h.lo

    def frame_in(self, pcm):
        """Fill `pcm` with the frame to be played now; False if it is only silence."""
        self.quiet += 1
        if self._lock == _MOVED:
            # By the clock: who sends ten times as much is not there ten times as early.
            self._grace -= 1
            if self._grace <= 0:
                self._lock = _LOCKED
        if self._jitter.get(pcm) and self.receiving_on:
            return True
        # Not by a slice: before MicroPython 1.26 it is an object of 16 bytes.
        g711.copy(g711.SILENCE, 0, 2 * _FRAME, pcm, 0)
        return False

    def stats(self):
        r = self.reception
        return {
            "packets_sent": self.sender.sent,
            "packets_received": r.received,
            "packets_lost": r.lost,
            "packets_late": r.late,
            "packets_duplicate": r.duplicates,
            "packets_refused": self.refused,
            "frames_concealed": self._jitter.concealed,
            "delay_ms": self._jitter.delay_ms,
            "jitter_ms": r.jitter_ms,
        }
