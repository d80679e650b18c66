# usip: G.711 in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _g711_plain.py, which explains it: change both. No bounds are checked here: g711.py
# does.

import micropython


@micropython.viper
def encode(law: int, pcm: ptr16, n: int, out: ptr8, at: int):
    i = 0
    while i < n:
        s = pcm[i]
        g = 0
        if law:
            if s & 0x8000:
                s = (0xFFFF - s) >> 3
                mask = 0x55
            else:
                s >>= 3
                mask = 0xD5
            t = s >> 5
            while t:
                t >>= 1
                g += 1
            if g:
                s >>= g
            else:
                s >>= 1
        else:
            if s & 0x8000:
                s = ((0x10003 - s) >> 2) + 33
                mask = 0x7F
            else:
                s = (s >> 2) + 33
                mask = 0xFF
            if s & 0x2000:
                s = 0x1FFF
            t = s >> 6
            while t:
                t >>= 1
                g += 1
            s >>= g + 1
        out[at + i] = (g << 4 | (s & 15)) ^ mask
        i += 1


@micropython.viper
def decode(law: int, data: ptr8, at: int, n: int, pcm: ptr16):
    i = 0
    while i < n:
        c = data[at + i]
        if law:
            c ^= 0xD5
            g = c >> 4 & 7
            s = (c & 15) << 4 | 8
            if g:
                s = (s + 0x100) << (g - 1)
        else:
            c ^= 0xFF
            s = ((((c & 15) << 3) + 132) << (c >> 4 & 7)) - 132
        if c & 0x80:
            s = 0 - s
        pcm[i] = s
        i += 1


@micropython.viper
def copy(data: ptr8, at: int, n: int, out: ptr8, to: int):
    i = 0
    while i < n:
        out[to + i] = data[at + i]
        i += 1


@micropython.viper
def fade(pcm: ptr16, n: int, steps: int):
    i = 0
    while i < n:
        s = pcm[i]
        if s & 0x8000:
            s -= 0x10000
        pcm[i] = s >> steps
        i += 1


@micropython.viper
def quiet(law: int, data: ptr8, at: int, n: int) -> int:
    mask = 0x55 if law else 0x7F
    end = at + n
    while at < end:
        if (data[at] ^ mask) & 0x7F >= 0x20:
            return 0
        at += 1
    return 1
