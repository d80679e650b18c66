# usip: G.722, wideband sound in 64 kbit/s, an option: what HD phones offer
# MIT licence; Copyright (c) 2026 the usip authors
#
# ITU-T G.722 (09/2012), mode 1; payload type 9 (RFC 3551 4.5.2: its RTP clock has 8000 Hz by a
# mistake that stayed, the sound has 16000). Imported only where a phone's `codecs` name it. Two
# filters split the sound at 4 kHz, and each band is ADPCM: 6 bits of an octet for the lower, 2 for
# the upper one. The lower band is by itself a signal of 8000 Hz, and so it is taken and given where
# the sound device has no more: no resampling, no filters and no upper band then. Everything is made
# once; nothing allocates per frame.

from array import array

from ..errors import UsageError
from . import g711

try:
    from ._g722_viper import band as _band
    from ._g722_viper import lower as _lower
    from ._g722_viper import mirror as _mirror
    from ._g722_viper import raised as _raised
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._g722_plain import band as _band
    from ._g722_plain import lower as _lower
    from ._g722_plain import mirror as _mirror
    from ._g722_plain import raised as _raised

G722 = 9
_FRAME = g711.FRAME  # octets, of two samples each
_UPPER = 1
_DECODE = 2
_SILENT = 0xFF  # what both bands' predictors take for nothing new
_PAUSE = 48  # delta of the lower band: -40 dB and less of full scale

# As little-endian words; what may be negative has 0x8000 added. The sections explain them.
_TABLES = array(
    "H",
    # 3.5: inverse logarithm, in 1/2048
    b"\x00\x08\x2d\x08\x5b\x08\x8a\x08\xb9\x08\xea\x08\x1c\x09\x4f\x09\x83\x09\xb9\x09\xef\x09"
    b"\x27\x0a\x60\x0a\x9a\x0a\xd6\x0a\x12\x0b\x50\x0b\x90\x0b\xd1\x0b\x13\x0c\x56\x0c\x9c\x0c"
    b"\xe2\x0c\x2b\x0d\x74\x0d\xc0\x0d\x0d\x0e\x5c\x0e\xac\x0e\xfe\x0e\x52\x0f\xa8\x0f"
    # 3.2: decision levels 1 to 29 of the lower band
    b"\x00\x00\x23\x00\x48\x00\x6e\x00\x96\x00\xbe\x00\xe9\x00\x14\x01\x43\x01\x72\x01\xa6\x01"
    b"\xd9\x01\x12\x02\x4b\x02\x8a\x02\xca\x02\x12\x03\x5a\x03\xac\x03\xff\x03\x61\x04\xc3\x04"
    b"\x3b\x05\xb2\x05\x4c\x06\xe5\x06\xbc\x07\x93\x08\xfd\x09\x67\x0b\x00\x00\x00\x00"
    # 4.2: 6 bits of the lower band
    b"\x78\x7f\x78\x7f\x78\x7f\x78\x7f\x18\x1f\x70\x2a\xc0\x35\xc0\x3e\x78\x45\x38\x4b\x08\x50"
    b"\x48\x54\x08\x58\x70\x5b\x80\x5e\x50\x61\xe8\x63\x50\x66\x90\x68\xb0\x6a\xb0\x6c\x90\x6e"
    b"\x58\x70\x08\x72\xa0\x73\x28\x75\xa0\x76\x10\x78\x68\x79\xb0\x7a\xf0\x7b\x28\x7d\xe8\xe0"
    b"\x90\xd5\x40\xca\x40\xc1\x88\xba\xc8\xb4\xf8\xaf\xb8\xab\xf8\xa7\x90\xa4\x80\xa1\xb0\x9e"
    b"\x18\x9c\xb0\x99\x70\x97\x50\x95\x50\x93\x70\x91\xa8\x8f\xf8\x8d\x60\x8c\xd8\x8a\x60\x89"
    b"\xf0\x87\x98\x86\x50\x85\x10\x84\xd8\x82\xb0\x81\x88\x80\x50\x7e\x78\x7f"
    # the upper band's 2 bits; 3.5: what they weigh
    b"\x10\x63\xb0\x79\xf0\x9c\x50\x86\x1e\x83\x2a\x7f\x1e\x83\x2a\x7f"
    # 4 bits of the lower band
    b"\x00\x80\x18\x30\xa0\x4d\xf8\x5c\x70\x67\x70\x6f\xe8\x75\x50\x7b\xe8\xcf\x60\xb2\x08\xa3"
    b"\x90\x98\x90\x90\x18\x8a\xb0\x84\x00\x80"
    # what they weigh
    b"\xc4\x7f\xe2\x8b\xae\x84\x1a\x82\x4e\x81\xac\x80\x3a\x80\xe2\x7f\xe2\x8b\xae\x84\x1a\x82"
    b"\x4e\x81\xac\x80\x3a\x80\xe2\x7f\xc4\x7f",
)


class _Band:
    # What the coder and the decoder of one band remember: see _g722_plain.py.
    def __init__(self, what):
        self.what = what
        self.state = array("i", bytes(88))
        self.reset()

    def reset(self):
        for i in range(22):
            self.state[i] = 0
        self.state[19] = 8 if self.what & _UPPER else 32

    def run(self, x, at, octets, begin):
        _band(self.state, _TABLES, x, octets, at, _FRAME, begin, self.what)


class _Half:
    # One direction. `x` holds both bands of a frame.
    def __init__(self, what, x):
        self._x = x
        self.low = _Band(what)
        self.high = _Band(_UPPER | what)
        self._line = array("H", bytes(2 * (22 + 2 * _FRAME)))
        self.reset()

    def reset(self):
        self.low.reset()
        self.high.reset()
        for i in range(22):
            self._line[i] = 0x8000


def _bands():
    return array("h", bytes(4 * _FRAME))


class Encoder(_Half):
    """encode(wide, out, at): 20 ms of 16 kHz, 320 samples, to the 160 octets out[at:]; narrow()
    from 160 samples of 8 kHz."""

    def __init__(self, x=None):
        _Half.__init__(self, 0, x or _bands())

    # Viper checks no bounds.
    def encode(self, wide, out, at):
        if at < 0 or len(wide) < 4 * _FRAME or at + _FRAME > len(out):
            raise UsageError("buffer too small")
        _mirror(self._line, self._x, wide, _FRAME, 0)
        self.low.run(self._x, 0, out, at)
        self.high.run(self._x, _FRAME, out, at)

    def narrow(self, pcm, out, at):
        if at < 0 or len(pcm) < 2 * _FRAME or at + _FRAME > len(out):
            raise UsageError("buffer too small")
        _lower(pcm, self._x, _FRAME, out, at, _SILENT)
        self.low.run(self._x, 0, out, at)


class Decoder(_Half):
    """decode(octets, at, wide, pcm): 160 octets, octets[at:], to 320 samples of 16 kHz, and to 160
    of 8 kHz in `pcm` where it is wanted; narrow() to these alone."""

    def __init__(self, x=None):
        _Half.__init__(self, _DECODE, x or _bands())

    def decode(self, octets, at, wide, pcm=None):
        if at < 0 or at + _FRAME > len(octets) or len(wide) < 4 * _FRAME:
            raise UsageError("buffer too small")
        if pcm and len(pcm) < 2 * _FRAME:
            raise UsageError("buffer too small")
        self.low.run(self._x, 0, octets, at)
        self.high.run(self._x, _FRAME, octets, at)
        _mirror(self._line, self._x, wide, _FRAME, 1)
        if pcm:
            _raised(self._x, _FRAME, pcm)

    def narrow(self, octets, at, pcm):
        if at < 0 or at + _FRAME > len(octets) or len(pcm) < 2 * _FRAME:
            raise UsageError("buffer too small")
        self.low.run(self._x, 0, octets, at)
        _raised(self._x, _FRAME, pcm)


class Codec:
    """What a stream asks the module g711 for, and G.722 with it: whole frames of one call.

    PCM has 8 kHz here, too. A sound device of 16 kHz (see wide.py) sets `mic` to the frame that it
    recorded: the next encode() takes that. It sets `wide` to a buffer: decode() puts there what
    there is more of, and `has_wide` tells that it did."""

    def __init__(self):
        x = _bands()
        self.encoder = Encoder(x)
        self.decoder = Decoder(x)
        self.mic = self.wide = None
        self.has_wide = False

    def reset(self):
        """Another call begins."""
        self.encoder.reset()
        self.decoder.reset()
        self.mic = None
        self.has_wide = False

    def encode(self, law, pcm, n, out, at):
        mic = self.mic
        self.mic = None
        if law != G722:
            g711.encode(law, pcm, n, out, at)
        elif mic:
            self.encoder.encode(mic, out, at)
        else:
            self.encoder.narrow(pcm, out, at)

    def blank(self, law, out, at):
        if law != G722:
            g711.blank(law, out, at)
        else:
            for i in range(at, at + _FRAME):
                out[i] = _SILENT

    def decode(self, law, data, at, n, pcm):
        self.has_wide = False
        if law != G722:
            g711.decode(law, data, at, n, pcm)
        elif self.wide:
            self.decoder.decode(data, at, self.wide, pcm)
            self.has_wide = True
        else:
            self.decoder.narrow(data, at, pcm)

    def fade(self, pcm, n, steps):
        g711.fade(pcm, n, steps)
        if self.has_wide:
            g711.fade(self.wide, 2 * n, steps)

    def quiet(self, law, data, at, n):
        # How loud G.722 is, one knows when it is decoded: so loud was the frame before.
        if law != G722:
            return g711.quiet(law, data, at, n)
        return self.decoder.low.state[19] < _PAUSE
