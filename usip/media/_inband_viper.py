# usip: a block of sound searched for DTMF, in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _inband_plain.py, which explains it: change both. No bounds are checked here:
# inband.py does.

import micropython


@micropython.viper
def search(pcm: ptr16, at: int, w: ptr32, to: int, least: int) -> int:
    i = at
    end = i + 80
    peak = 0
    while i < end:
        s = pcm[i]
        if s & 0x8000:
            s = 0x10000 - s
        if s > peak:
            peak = s
        i += 1
    if peak < least:
        return -1
    shift = 0
    while peak >> shift >= 512:
        shift += 1
    i = at
    k = 64
    total = 0
    while i < end:
        s = ((pcm[i] ^ 0x8000) - 0x8000) >> shift
        total += s * s
        w[k] = s + 512
        i += 1
        k += 1
    f = 0
    while f < 8:
        c = w[24 + f]
        s1 = 0
        s2 = 0
        k = 64
        while k < 144:  # two samples at a time: the states change places
            s2 = (c * s1 >> 13) - s2 + w[k] - 512
            s1 = (c * s2 >> 13) - s1 + w[k + 1] - 512
            k += 2
        x = (s1 - (c * (s2 >> 1) >> 13)) >> 3
        y = w[32 + f] * (s2 >> 1) >> 15
        w[40 + f] = x + 0x8000
        w[48 + f] = y + 0x8000
        w[56 + f] = x * x + y * y
        f += 1
    row = 0
    f = 1
    while f < 4:
        if w[56 + f] > w[56 + row]:
            row = f
        f += 1
    col = 4
    while f < 8:
        if w[56 + f] > w[56 + col]:
            col = f
        f += 1
    low = w[56 + row]
    high = w[56 + col]
    if 16 * (low + high) < 5 * total or low > 16 * high or high > 8 * low:
        return -1
    w[to] = w[40 + row]
    w[to + 1] = w[48 + row]
    w[to + 2] = w[40 + col]
    w[to + 3] = w[48 + col]
    w[to + 4] = low
    w[to + 5] = high
    w[to + 6] = total
    w[to + 7] = shift
    return row * 4 + col - 4
