# usip: tests of media that need CPython
# MIT licence; Copyright (c) 2026 the usip authors

import struct
import warnings

import pytest

from usip.media import _g711_plain

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    audioop = pytest.importorskip("audioop")  # gone in Python 3.13


@pytest.mark.parametrize("law, name", [(0, "ulaw"), (8, "alaw")])
def test_g711_is_audioop(law, name):
    pcm = struct.pack("<65536H", *range(65536))
    out = bytearray(65536)
    _g711_plain.encode(law, pcm, 65536, out, 0)
    assert out == getattr(audioop, "lin2" + name)(pcm, 2)
    codes = bytes(range(256))
    back = bytearray(512)
    _g711_plain.decode(law, codes, 0, 256, back)
    assert back == getattr(audioop, name + "2lin")(codes, 2)
