# usip: tests of usip.md5
# MIT licence; Copyright (c) 2026 the usip authors

from binascii import hexlify

import usip._md5_plain as _md5_plain
import usip.md5 as m


def test_rfc1321_suite():
    for data, want in (
        (b"", b"d41d8cd98f00b204e9800998ecf8427e"),
        (b"a", b"0cc175b9c0f1b6a831c399e269772661"),
        (b"abc", b"900150983cd24fb0d6963f7d28e17f72"),
        (b"message digest", b"f96b697d7cb7938d525a2f31aaf161d0"),
        (b"abcdefghijklmnopqrstuvwxyz", b"c3fcd3d76192e4007dfb496cca67e13b"),
        (b"1234567890" * 8, b"57edf4a22be3c955ac49da2e2107b67a"),
    ):
        assert hexlify(m.md5(data)) == want


def test_padding_at_every_length_around_a_block():
    # Chained over all lengths: the last digest is right only if each one was.
    for block in (m.block, _md5_plain.block):
        m.block, keep = block, m.block
        h = b""
        try:
            for n in (54, 55, 56, 57, 63, 64, 65, 119, 120, 128):
                h = m.md5(h + b"x" * (n - len(h)))
        finally:
            m.block = keep
        assert hexlify(h) == b"05d20fd9116f06fc7d205c1d900daaac"


def test_twins_agree():
    one = bytearray(m.HEAD + bytes(64))
    for n in range(40):
        for i in range(296, 360):
            one[i] = (one[i] * 5 + i * n + 255 - n) & 255
        two = bytearray(one)
        m.block(one, 74)
        _md5_plain.block(two, 74)
        assert one == two


def test_input_kinds():
    assert m.md5(bytearray(b"abc")) == m.md5(b"abc") == m.md5(memoryview(b"abc"))
    assert type(m.md5(b"")) is bytes and len(m.md5(b"")) == 16
