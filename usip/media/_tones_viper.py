# usip: two sines in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _tones_plain.py, which explains it: change both. No bounds are checked here: tones.py
# does.

import micropython


@micropython.viper
def two(pcm: ptr16, at: int, n: int, w: ptr32):
    p = w[0]
    q = w[3]
    i = at
    end = at + n
    while i < end:
        x = (p ^ 0x8000) - 0x8000
        if x < 0:
            y = x * (32768 + x) >> 14
            s = (((0 - y * y >> 14) - y) * 3686 >> 14) + y
        else:
            y = x * (32768 - x) >> 14
            s = (((y * y >> 14) - y) * 3686 >> 14) + y
        v = s * w[2] >> 14
        x = (q ^ 0x8000) - 0x8000
        if x < 0:
            y = x * (32768 + x) >> 14
            s = (((0 - y * y >> 14) - y) * 3686 >> 14) + y
        else:
            y = x * (32768 - x) >> 14
            s = (((y * y >> 14) - y) * 3686 >> 14) + y
        pcm[i] = v + (s * w[5] >> 14)
        p = (p + w[1]) & 0xFFFF
        q = (q + w[4]) & 0xFFFF
        i += 1
    w[0] = p
    w[3] = q
