# usip: from 16 kHz to 8 kHz and back in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _rate_plain.py, which explains it: change both. No bounds are checked here: rate.py
# does.

import micropython


@micropython.viper
def halve(wide: ptr16, x: ptr16, pcm: ptr16, n: int):
    i = 0
    end = n << 1
    while i < end:
        x[i + 38] = wide[i] ^ 0x8000
        i += 1
    i = 0
    j = 0
    while i < n:
        s = (
            (x[j + 19] << 13)
            - 535814144
            + 5190 * (x[j + 18] + x[j + 20])
            - 1663 * (x[j + 16] + x[j + 22])
            + 921 * (x[j + 14] + x[j + 24])
            - 583 * (x[j + 12] + x[j + 26])
            + 383 * (x[j + 10] + x[j + 28])
            - 252 * (x[j + 8] + x[j + 30])
            + 162 * (x[j + 6] + x[j + 32])
            - 99 * (x[j + 4] + x[j + 34])
            + 56 * (x[j + 2] + x[j + 36])
            - 35 * (x[j] + x[j + 38])
        ) >> 14
        if s > 32767:
            s = 32767
        elif s < -32768:
            s = -32768
        pcm[i] = s
        i += 1
        j += 2
    i = 0
    while i < 38:
        x[i] = x[j]
        i += 1
        j += 1


@micropython.viper
def double(pcm: ptr16, x: ptr16, wide: ptr16, n: int):
    j = 0
    while j < n:
        x[j + 19] = pcm[j] ^ 0x8000
        j += 1
    i = 0
    j = 0
    while j < n:
        wide[i] = x[j + 9] ^ 0x8000
        s = (
            5190 * (x[j + 9] + x[j + 10])
            - 267382784
            - 1663 * (x[j + 8] + x[j + 11])
            + 921 * (x[j + 7] + x[j + 12])
            - 583 * (x[j + 6] + x[j + 13])
            + 383 * (x[j + 5] + x[j + 14])
            - 252 * (x[j + 4] + x[j + 15])
            + 162 * (x[j + 3] + x[j + 16])
            - 99 * (x[j + 2] + x[j + 17])
            + 56 * (x[j + 1] + x[j + 18])
            - 35 * (x[j] + x[j + 19])
        ) >> 13
        if s > 32767:
            s = 32767
        elif s < -32768:
            s = -32768
        wide[i + 1] = s
        i += 2
        j += 1
    i = 0
    while i < 19:
        x[i] = x[j]
        i += 1
        j += 1
