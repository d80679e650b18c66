# usip: RTP, RFC 3550
# MIT licence; Copyright (c) 2026 the usip authors
#
# Timestamp and SSRC are two 16-bit halves, high and low: a number of 2**30 and more would be a heap
# object on a 32-bit board. Nothing here allocates per packet.

from . import g711

HEADER = 12


def gap(a, b):
    """How far the sequence number `a` is ahead of `b`: -32768 to 32767."""
    d = (a - b) & 0xFFFF
    return d - 0x10000 if d & 0x8000 else d


def elapsed(hi, lo, hi0, lo0):
    """Samples from the timestamp hi0:lo0 to hi:lo, negative when it is older.

    What is more than 9 hours away is only said to be that far.
    """
    d = (hi - hi0) & 0xFFFF
    if d & 0x8000:
        d -= 0x10000
    if d > 0xFFF or d < -0xFFF:
        d = 0xFFF if d > 0 else -0xFFF
    return (d << 16) + lo - lo0


class Sender:
    """Writes the headers of one RTP stream into `tx`. `hi` and `lo` are the timestamp now."""

    def __init__(self, tx, rand):
        # RFC 3550 5.1: SSRC, sequence number and timestamp begin at random.
        r = rand(10)
        tx[0] = 0x80
        self.ssrc = tx[8:12] = r[:4]
        self.tx = tx
        self.seq = r[4] << 8 | r[5]
        self.hi = r[6] << 8 | r[7]
        self.lo = r[8] << 8 | r[9]
        self.sent = self.octets = 0  # packets, and octets of payload (RFC 3550 6.4.1)

    def header(self, pt, marker, hi, lo, n):
        """The header of the next packet, with the timestamp hi:lo and `n` octets of payload."""
        tx = self.tx
        tx[1] = pt | 0x80 if marker else pt
        tx[2] = self.seq >> 8
        tx[3] = self.seq & 0xFF
        tx[4] = hi >> 8
        tx[5] = hi & 0xFF
        tx[6] = lo >> 8
        tx[7] = lo & 0xFF
        self.seq = (self.seq + 1) & 0xFFFF
        self.sent += 1
        self.octets = (self.octets + n) & 0x3FFFFFFF

    def tick(self):
        """20 ms have passed."""
        self.lo += g711.FRAME
        if self.lo > 0xFFFF:
            self.lo &= 0xFFFF
            self.hi = (self.hi + 1) & 0xFFFF


class Header:
    """The header of the packet that was parsed last; its payload is buf[at : at + n]."""

    def __init__(self):
        self.pt = self.marker = self.seq = self.hi = self.lo = 0
        self.ssrc_hi = self.ssrc_lo = self.at = self.n = 0

    def parse(self, buf, n, i=0):
        """False if buf[i:n] is no RTP packet (RFC 3550 A.1)."""
        if n - i < HEADER or n > len(buf) or buf[i] >> 6 != 2:
            return False
        # RFC 5761 4: on this port these are the RTCP packet types 192-223.
        if 192 <= buf[i + 1] <= 223:
            return False
        at = i + HEADER + (buf[i] & 15) * 4
        if buf[i] & 0x10:
            if at + 4 > n:
                return False
            at += 4 + (buf[at + 2] << 8 | buf[at + 3]) * 4
        end = n
        if buf[i] & 0x20:
            if not buf[n - 1]:
                return False
            end -= buf[n - 1]
        if at > end:
            return False
        self.pt = buf[i + 1] & 0x7F
        self.marker = buf[i + 1] >> 7
        self.seq = buf[i + 2] << 8 | buf[i + 3]
        self.hi = buf[i + 4] << 8 | buf[i + 5]
        self.lo = buf[i + 6] << 8 | buf[i + 7]
        self.ssrc_hi = buf[i + 8] << 8 | buf[i + 9]
        self.ssrc_lo = buf[i + 10] << 8 | buf[i + 11]
        self.at = at
        self.n = end - at
        return True

    def next(self, buf, n, i):
        """Where the packet ends that was read at buf[i:n], when another of the same source was read
        behind it: comfort noise does not say how long it is, and has 1 octet or some."""
        for k in range(self.at, min(self.at + 13, n - HEADER + 1)):
            if buf[k] >> 6 == 2 and buf[k + 8] == buf[i + 8] and buf[k + 9] == buf[i + 9]:
                if buf[k + 10] == buf[i + 10] and buf[k + 11] == buf[i + 11]:
                    return k
        return n


_WINDOW = 29  # bits in a small integer of a 32-bit board
_DROPOUT = 3000  # RFC 3550 A.1: 60 s of packets
_MISORDER = 100


class Reception:
    """What is known of one received stream, over all its SSRCs (RFC 3550 A.1, A.3, A.8)."""

    def __init__(self):
        self.received = 0  # without duplicates
        self.duplicates = self.late = 0
        self.scaled = 0  # jitter in 1/16 sample
        self._expected = 0  # of what was before the last restart
        self._first = 0
        self._max = -1
        self.restart()

    def restart(self):
        """Another SSRC, or a peer that started again."""
        if self._max >= self._first:
            self._expected += self._max - self._first + 1
        self._first = 0
        self._max = -1  # extended sequence number; -1: none yet
        self._seen = 0  # bit i: _max - i has come
        self._bad = -1
        self._transit = -1

    def update(self, seq):
        """Count a packet; False if it has to be dropped: a duplicate, or far from the others."""
        d = 0
        if self._max >= 0:
            d = gap(seq, self._max & 0xFFFF)
            if d > _DROPOUT or d < -_MISORDER:
                # RFC 3550 A.1: two in a row from there, and the peer has started again.
                if seq != self._bad:
                    self._bad = (seq + 1) & 0xFFFF
                    return False
                self.restart()
        if self._max < 0:
            # One cycle up: a first packet that was overtaken does not go below zero.
            self._first = self._max = seq + 0x10000
            self._seen = 1
        elif d > 0:
            self._max += d
            keep = _WINDOW - d
            self._seen = (self._seen & ((1 << keep) - 1)) << d | 1 if keep > 0 else 1
        else:
            if d > -_WINDOW:
                bit = 1 << -d
                if self._seen & bit:
                    self.duplicates += 1
                    return False
                self._seen |= bit
            self._first = min(self._first, self._max + d)
        self.received += 1
        return True

    def arrived(self, lo, now):
        """The jitter of an audio packet with the timestamp ..:lo that came at `now` ms (A.8)."""
        # 8,192 ms are 65,536 samples: modulo that, nothing grows.
        t = ((now & 0x1FFF) * 8 - lo) & 0xFFFF
        if self._transit >= 0:
            d = gap(t, self._transit)
            if d < 0:
                d = -d
            self.scaled += d - ((self.scaled + 8) >> 4)
        self._transit = t

    @property
    def expected(self):
        """Packets that should have come (A.3)."""
        n = self._expected
        if self._max >= 0:
            n += self._max - self._first + 1
        return n

    @property
    def lost(self):
        """Packets that never came (A.3)."""
        return max(0, self.expected - self.received)

    @property
    def highest(self):
        """The highest sequence number, and `cycles` how often it began anew (6.4.1)."""
        return self._max & 0xFFFF if self._max >= 0 else 0

    @property
    def cycles(self):
        return (self._max >> 16) - 1 & 0xFFFF if self._max >= 0x10000 else 0

    @property
    def jitter_ms(self):
        return (self.scaled + 64) >> 7
