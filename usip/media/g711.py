# usip: G.711
# MIT licence; Copyright (c) 2026 the usip authors
#
# `law` is the static payload type of RFC 3551: 0 = PCMU, 8 = PCMA. PCM is 16-bit little-endian, in
# a buffer that begins at an even address (every bytearray does). Nothing here allocates.

from ..errors import UsageError

# Not every board runs viper code, and CPython runs none: only the module that works is loaded.
try:
    from ._g711_viper import copy as _copy
    from ._g711_viper import decode as _decode
    from ._g711_viper import encode as _encode
    from ._g711_viper import fade as _fade
    from ._g711_viper import quiet as _quiet
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._g711_plain import copy as _copy
    from ._g711_plain import decode as _decode
    from ._g711_plain import encode as _encode
    from ._g711_plain import fade as _fade
    from ._g711_plain import quiet as _quiet

FRAME = 160  # samples in 20 ms
SILENCE = bytes(2 * FRAME)  # one frame of PCM


# Viper checks no bounds: these do, so that no length from the network can write past a
# buffer.


def encode(law, pcm, n, out, at):
    """`n` samples of `pcm` to out[at : at + n]."""
    if n < 0 or at < 0 or n * 2 > len(pcm) or at + n > len(out):
        raise UsageError("buffer too small")
    _encode(law, pcm, n, out, at)


def blank(law, out, at):
    """A frame of silence to out[at:]; it is no part of what is encoded."""
    encode(law, SILENCE, FRAME, out, at)


def decode(law, data, at, n, pcm):
    """data[at : at + n] to the first `n` samples of `pcm`."""
    if n < 0 or at < 0 or n * 2 > len(pcm) or at + n > len(data):
        raise UsageError("buffer too small")
    _decode(law, data, at, n, pcm)


def copy(data, at, n, out, to):
    """data[at : at + n] to out[to : to + n]: what slices do, without making one."""
    if n < 0 or at < 0 or to < 0 or at + n > len(data) or to + n > len(out):
        raise UsageError("buffer too small")
    _copy(data, at, n, out, to)


def fade(pcm, n, steps):
    """The first `n` samples of `pcm`, `steps` times 6 dB lower."""
    if n < 0 or n * 2 > len(pcm) or not 0 <= steps <= 15:
        raise UsageError("buffer too small")
    _fade(pcm, n, steps)


def quiet(law, data, at, n):
    """True when no sample of data[at : at + n] is above -36 dB of full scale: a pause."""
    if n < 0 or at < 0 or at + n > len(data):
        raise UsageError("buffer too small")
    return _quiet(law, data, at, n) != 0
