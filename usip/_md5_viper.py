# usip: MD5's block function in viper, the twin of md5.plain
# MIT licence; Copyright (c) 2026 the usip authors

import micropython


# `w` is a bytearray, so aligned. Allocates nothing.
@micropython.viper
def block(w: ptr32, at: int):  # noqa: F821
    b = int(w[7])
    c = int(w[8])
    d = int(w[9])
    a = int(w[6])
    w8 = ptr8(w)  # noqa: F821
    i = 0
    while i < 64:
        r = i >> 4
        if r == 0:
            f = d ^ (b & (c ^ d))
        elif r == 1:
            f = c ^ (d & (b ^ c))
        elif r == 2:
            f = b ^ c ^ d
        else:
            f = c ^ (b | ~d)
        r *= 6
        f += a + w[i + 10] + w[at + ((i * w8[r + 4] + w8[r + 5]) & 15)]
        r = w8[r + (i & 3)]
        a = d
        d = c
        c = b
        # Machine words may be 64 bits wide: the mask drops what came down from above bit 31.
        b += (f << r) | ((f >> (32 - r)) & ((1 << r) - 1))
        i += 1
    w[6] += a
    w[7] += b
    w[8] += c
    w[9] += d
