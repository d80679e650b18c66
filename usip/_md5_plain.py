# usip: MD5's block function in plain Python, the twin of _md5_viper.block
# MIT licence; Copyright (c) 2026 the usip authors

from struct import pack_into, unpack_from


# Makes 26 KB of garbage a block on a 32-bit board: a word of 2**30 and more is a heap object.
def block(w, at):
    """Add the 16 words of `w` from `at` to the state (RFC 1321 3.4)."""
    words = unpack_from("<68I", w, 24)
    a, b, c, d = words[:4]
    for i in range(64):
        r = i >> 4
        if r == 0:
            f = d ^ b & (c ^ d)
        elif r == 1:
            f = c ^ d & (b ^ c)
        elif r == 2:
            f = b ^ c ^ d
        else:
            f = c ^ (b | 0xFFFFFFFF - d)
        r *= 6
        f += a + words[i + 4] + unpack_from("<I", w, 4 * (at + (w[r + 4] * i + w[r + 5] & 15)))[0]
        r = w[r + (i & 3)]
        f &= 0xFFFFFFFF
        a, d, c, b = d, c, b, b + (f << r | f >> 32 - r) & 0xFFFFFFFF
    i = 0
    for x in (a, b, c, d):
        pack_into("<I", w, 24 + 4 * i, x + words[i] & 0xFFFFFFFF)
        i += 1
