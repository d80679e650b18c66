# usip: WAV files, streamed
# MIT licence; Copyright (c) 2026 the usip authors

import struct

from ..errors import UsageError

RATE = 8000
_READ = 256  # octets read at a time where samples are converted


def _gcd(a, b):
    while b:
        a, b = b, a % b
    return a


class Reader:
    """Reads an open binary file as 16-bit mono, a frame a call; never holds more of it. At a rate
    (`out`) of 8 kHz, or `rate` where the file has as much."""

    def __init__(self, f, rate=RATE):
        self.f = f
        self._header()
        self.out = rate if self.rate >= rate else RATE
        self._start = f.tell()
        self._buf = self._view = None
        if self.rate != self.out or self.bits != 16 or self.channels != 1:
            g = _gcd(self.rate, self.out)
            self._in = self.out // g  # an input sample lasts this long ...
            self._out = self.rate // g  # ... and an output sample this long
            self._buf = bytearray(_READ * self.channels * self.bits // 8)
        self.rewind()

    # Chunks may come in any order, are padded to even length, and there may be any number of
    # others.
    def _header(self):
        head = self.f.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise UsageError("not a WAV file")
        fmt = None
        while True:
            head = self.f.read(8)
            if len(head) < 8:
                raise UsageError("WAV file without sound")
            size = struct.unpack("<I", head[4:])[0]
            if head[:4] == b"data":
                break
            if head[:4] == b"fmt " and 16 <= size <= 256:
                fmt = self.f.read(size + (size & 1))
            else:
                self.f.seek(size + (size & 1), 1)
        if not fmt or len(fmt) < 16:
            raise UsageError("WAV file without a format")
        kind, self.channels, self.rate, _, _, self.bits = struct.unpack("<HHIIHH", fmt[:16])
        if kind == 0xFFFE and len(fmt) >= 26:  # extensible: the kind is in the sub-format
            kind = fmt[24] | fmt[25] << 8
        if (
            kind != 1
            or self.bits not in (8, 16)
            or self.channels not in (1, 2)
            or not RATE <= self.rate <= 48000
        ):
            raise UsageError(
                "WAV must be 8 or 16-bit PCM, mono or stereo, 8000 to 48000 Hz; this one is "
                "format %d, %d-bit, %d channels, %d Hz"
                % (kind, self.bits, self.channels, self.rate)
            )
        self._size = size  # 0xFFFFFFFF where the writer did not know

    def rewind(self):
        """Begin again."""
        self.f.seek(self._start)
        self._left = self._size
        self._at = self._end = 0  # what of the buffer is not yet used
        self._sum = self._time = 0

    def readinto(self, pcm):
        """Fill `pcm`; returns the samples that it got, fewer only at the end of the file."""
        if self._buf:
            return self._convert(pcm)
        return self._fill(pcm, len(pcm) & ~1) // 2

    def _fill(self, buf, n):
        # Slices are only made where the file ends or the system gives less than was asked for.
        n = min(n, self._left)
        if n == len(buf):
            got = self.f.readinto(buf) or 0
        else:
            got = self.f.readinto(memoryview(buf)[:n]) or 0
        while 0 < got < n:
            more = self.f.readinto(memoryview(buf)[got:n])
            if not more:
                break
            got += more
        self._left -= got
        return got

    # Each output sample is the mean of the input over its time: that halves what would alias, and
    # is enough for a prompt.
    def _convert(self, pcm):
        i = 0
        step = self.channels * self.bits // 8
        while i < len(pcm) // 2:
            if self._at + step > self._end:
                self._end = self._fill(self._buf, len(self._buf))
                self._at = 0
                if self._end < step:
                    self._end = 0
                    break
            s = self._sample(self._at)
            self._at += step
            if self._time + self._in < self._out:
                self._time += self._in
                self._sum += s * self._in
                continue
            part = self._out - self._time
            v = (self._sum + s * part) // self._out
            pcm[2 * i] = v & 0xFF
            pcm[2 * i + 1] = v >> 8 & 0xFF
            i += 1
            self._time = self._in - part
            self._sum = s * self._time
        return i

    def _sample(self, at):
        b = self._buf
        if self.bits == 8:  # unsigned
            s = (b[at] - 128) << 8
            return s if self.channels == 1 else (s + ((b[at + 1] - 128) << 8)) >> 1
        s = b[at] | b[at + 1] << 8
        s = s - 0x10000 if s & 0x8000 else s
        if self.channels == 1:
            return s
        t = b[at + 2] | b[at + 3] << 8
        return (s + (t - 0x10000 if t & 0x8000 else t)) >> 1


class Writer:
    """Writes 16-bit mono to an open binary file, of unknown length until close()."""

    def __init__(self, f, rate=RATE):
        self.f = f
        self._octets = 0
        # RIFF, fmt with one channel of 16-bit PCM, data
        head = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
        f.write(b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + head + b"data\xff\xff\xff\xff")

    def write(self, pcm):
        """Add `pcm`."""
        self.f.write(pcm)
        self._octets += len(pcm)

    def patch(self):
        """Make the header right for what has been written; more may follow."""
        self.f.seek(4)
        self.f.write(struct.pack("<I", 36 + self._octets))
        self.f.seek(40)
        self.f.write(struct.pack("<I", self._octets))
        self.f.seek(44 + self._octets)
        self.f.flush()

    def close(self):
        """Patch the header and close the file."""
        self.patch()
        self.f.close()
