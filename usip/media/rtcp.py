# usip: RTCP, RFC 3550 6: what each side tells the other of the sound that came
# MIT licence; Copyright (c) 2026 the usip authors
#
# All 32-bit values are written and read as two halves: nothing here allocates.

from ..clock import left
from ..rand import token

_SR = 200
_RR = 201
_SDES = 202
_BYE = 203


def _put(b, at, hi, lo):
    b[at] = hi >> 8 & 0xFF
    b[at + 1] = hi & 0xFF
    b[at + 2] = lo >> 8
    b[at + 3] = lo & 0xFF


def _get(b, at):
    return b[at] << 8 | b[at + 1]


class Rtcp:
    """Reports of one MediaStream. `report` writes what is to be sent into `tx`, `receive` takes
    what came. Time is in milliseconds, as everywhere; the NTP timestamps count from the start of
    the clock (RFC 3550 6.4.1: for who has no notion of the time of day).

    `rtt_ms` is the way there and back, `remote_lost` and `remote_jitter_ms` are what the peer said
    of our sound; -1 until it did. `gone`: the peer said BYE."""

    def __init__(self, stream):
        self.stream = stream
        self.tx = bytearray(88)  # a sender report with a block, CNAME, BYE
        self._name = token(16)  # CNAME, RFC 7022: nothing that tells who or where
        self.reset()

    def reset(self):
        self.rtt_ms = self.remote_lost = self.remote_jitter_ms = -1
        self.gone = False
        self.heard = False  # a report came; who looks at it sets it back
        self._sr_hi = self._sr_lo = self._sr_at = -1  # the peer's last sender report
        self._said = 0  # packets sent when we reported last
        self._expected = self._received = 0

    def begins(self, buf, at, n):
        """Whether buf[at:n] begins as RTCP does (RFC 5761 4)."""
        return n - at >= 8 and buf[at] >> 6 == 2 and _SR <= buf[at + 1] <= 207

    def report(self, now, bye=False):
        """Write a report (with BYE: the last) to `tx`; its length."""
        s = self.stream
        out = s.sender
        b = self.tx
        # 6.4: who has sent since the last report makes a sender report
        sender = out.sent != self._said
        self._said = out.sent
        b[1] = _SR if sender else _RR
        b[4:8] = out.ssrc
        at = 8
        if sender:
            # Not by _put alone: seconds and 1/65536 of them
            ms = now % 1000
            _put(b, 8, now // 65536000, now // 1000 & 0xFFFF)
            _put(b, 12, ms * 65536 // 1000, 0)
            _put(b, 16, out.hi, out.lo)
            _put(b, 20, out.sent >> 16, out.sent & 0xFFFF)
            _put(b, 24, out.octets >> 16, out.octets & 0xFFFF)
            at = 28
        heard = s.ssrc_hi >= 0
        b[0] = 0x81 if heard else 0x80
        if heard:
            self._block(b, at, now)
            at += 24
        b[2] = 0
        b[3] = at // 4 - 1
        # 6.5: the CNAME, 16 octets, and the end of the list
        b[at] = 0x81
        b[at + 1] = _SDES
        b[at + 2] = 0
        b[at + 3] = 6
        b[at + 4 : at + 8] = out.ssrc
        b[at + 8] = 1
        b[at + 9] = 16
        b[at + 10 : at + 26] = self._name
        b[at + 26] = b[at + 27] = 0
        at += 28
        if bye:
            b[at] = 0x81
            b[at + 1] = _BYE
            b[at + 2] = 0
            b[at + 3] = 1
            b[at + 4 : at + 8] = out.ssrc
            at += 8
        return at

    def _block(self, b, at, now):
        # 6.4.1, A.3
        s = self.stream
        r = s.reception
        _put(b, at, s.ssrc_hi, s.ssrc_lo)
        expected = r.expected
        n = expected - self._expected
        lost = n - (r.received - self._received)
        self._expected = expected
        self._received = r.received
        total = min(r.lost, 0x7FFFFF)
        _put(b, at + 4, total >> 16, total & 0xFFFF)
        b[at + 4] = 0 if n <= 0 or lost <= 0 else min(lost * 256 // n, 255)
        _put(b, at + 8, r.cycles, r.highest)
        jitter = r.scaled >> 4
        _put(b, at + 12, jitter >> 16, jitter & 0xFFFF)
        if self._sr_at < 0:
            _put(b, at + 16, 0, 0)
            _put(b, at + 20, 0, 0)
        else:
            d = left(now, self._sr_at)
            _put(b, at + 16, self._sr_hi, self._sr_lo)
            _put(b, at + 20, d // 1000, d % 1000 * 65536 // 1000)

    def receive(self, buf, at, n, now):
        """Take the compound packet that begins at buf[at], before buf[n]. Returns where it ends."""
        while self.begins(buf, at, n):
            end = at + 4 + _get(buf, at + 2) * 4
            if end > n:
                return n
            kind = buf[at + 1]
            blocks = buf[at] & 31
            self.heard = self.heard or kind <= _RR
            if kind == _SR and end - at >= 28:
                # The middle of the NTP timestamp is what comes back to the peer.
                self._sr_hi = _get(buf, at + 10)
                self._sr_lo = _get(buf, at + 12)
                self._sr_at = now
                self._blocks(buf, at + 28, end, blocks, now)
            elif kind == _RR:
                self._blocks(buf, at + 8, end, blocks, now)
            elif kind == _BYE:
                s = self.stream
                for i in range(at + 4, min(end, at + 4 + 4 * blocks), 4):
                    if _get(buf, i) == s.ssrc_hi and _get(buf, i + 2) == s.ssrc_lo:
                        self.gone = True
            at = end
        return at if at < n and buf[at] >> 6 == 2 else n

    def _blocks(self, buf, at, end, blocks, now):
        ours = self.stream.sender.ssrc
        while blocks and at + 24 <= end:
            i = 0
            while i < 4 and buf[at + i] == ours[i]:
                i += 1
            if i == 4:
                lost = (buf[at + 5] & 0x7F) << 16 | _get(buf, at + 6)
                self.remote_lost = 0 if buf[at + 5] & 0x80 else lost
                self.remote_jitter_ms = (
                    min(_get(buf, at + 12), 0xFF) << 16 | _get(buf, at + 14)
                ) >> 3
                hi = _get(buf, at + 16)
                lo = _get(buf, at + 18)
                if hi or lo:
                    # A - LSR - DLSR, all modulo 65,536 s
                    a = now // 1000 % 65536 * 1000 + now % 1000
                    a -= hi * 1000 + lo * 1000 // 65536
                    a -= _get(buf, at + 20) * 1000 + _get(buf, at + 22) * 1000 // 65536
                    a %= 65536000
                    if a < 10_000:
                        self.rtt_ms = a
            blocks -= 1
            at += 24
