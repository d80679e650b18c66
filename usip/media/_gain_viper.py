# usip: loudness and gain in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _gain_plain.py, which explains it: change both. No bounds are checked here: gain.py
# does.

import micropython


@micropython.viper
def scale(pcm: ptr16, at: int, n: int, g: int, step: int, limit: int):
    least = 0 - limit
    i = at
    end = at + n
    while i < end:
        s = ((pcm[i] ^ 0x8000) - 0x8000) * (g >> 8) + 128 >> 8
        g += step
        if s > limit:
            s = limit
        elif s < least:
            s = least
        pcm[i] = s
        i += 1


@micropython.viper
def loudness(pcm: ptr16, n: int, last: ptr32) -> int:
    before = last[0]
    most = 0
    i = 0
    while i < n:
        total = 0
        stop = i + 40
        while i < stop:
            s = pcm[i]
            if s & 0x8000:
                s = 0x10000 - s
            total += s
            i += 1
        least = total
        if least > before:
            least = before
        if least > most:
            most = least
        before = total
    last[0] = before
    return most


@micropython.viper
def peak(pcm: ptr16, n: int) -> int:
    most = 0
    i = 0
    while i < n:
        s = pcm[i]
        if s & 0x8000:
            s = 0x10000 - s
        if s > most:
            most = s
        i += 1
    return most


@micropython.viper
def level_out(pcm: ptr16, n: int, state: ptr32):
    before = state[0] - 0x8000
    y = state[1] - 0x10000000
    i = 0
    while i < n:
        s = (pcm[i] ^ 0x8000) - 0x8000
        y += (s - before << 8) - (y >> 5)
        before = s
        s = y >> 8
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        pcm[i] = s
        i += 1
    state[0] = before + 0x8000
    state[1] = y + 0x10000000


@micropython.viper
def narrow(wide: ptr16, pcm: ptr16, n: int, shift: int):
    i = 0
    while i < n:
        j = i << 1
        s = ((wide[j + 1] ^ 0x8000) - 0x8000 << 8 | wide[j] >> 8) >> shift
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        pcm[i] = s
        i += 1
