# usip: what half duplex reckons in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _duplex_plain.py, which explains it: change both. No bounds are checked here: they are
# in duplex.py.

import micropython


@micropython.viper
def bins(pcm: ptr16, out: ptr32) -> int:
    most = 0
    before = out[4]
    out[0] = before
    i = 0
    k = 0
    while k < 4:
        total = 0
        stop = i + 40
        while i < stop:
            s = pcm[i]
            if s & 0x8000:
                s = 0x10000 - s
            total += s
            i += 1
        total >>= 5
        k += 1
        out[k] = total
        least = total
        if least > before:
            least = before
        if least > most:
            most = least
        before = total
    return most << 5


@micropython.viper
def play(ring: ptr32, at: int, out: ptr32, on: int):
    before = ring[(at + 63) & 63]
    k = 0
    while k < 4:
        before = before * 215 >> 8
        if on:
            x = out[k + 1]
            if x > before:
                before = x
        ring[(at + k) & 63] = before
        k += 1


@micropython.viper
def heard(ring: ptr32, out: ptr32, state: ptr32, at: int, lag: int, coupling: int) -> int:
    most = 0
    ratio = 0
    all = 0
    k = 0
    if lag < 0:
        while k < 48:
            x = ring[(at + 63 - k) & 63]
            if x > all:
                all = x
            k += 1
        k = 0
    while k < 4:
        if lag < 0:
            x = all
        else:
            x = ring[(at + 60 + k - lag) & 63]
        least = out[k]
        k += 1
        y = out[k]
        if y < least:
            least = y
        if least << 8 > x * coupling:
            if least > most:
                most = least
            if x == 0:
                x = 1
            x = (least << 8) // x
            if x > ratio:
                ratio = x
    state[0] = ratio
    return most << 5


@micropython.viper
def learn(
    ring: ptr32, out: ptr32, c: ptr32, at: int, n: int, floor: int, most: int, leak: int
) -> int:
    best = 0
    lag = 0
    while lag < n:
        x = c[lag]
        x -= x >> leak
        k = 0
        while k < 4:
            least = out[k]
            y = out[k + 1]
            if y < least:
                least = y
            if least > floor:
                y = ring[(at + 60 + k - lag) & 63]
                if least << 8 > x * y:
                    if y == 0:
                        y = 1
                    x = (least << 8) // y
                    if x > most:
                        x = most
            k += 1
        c[lag] = x
        if x < c[best]:
            best = lag
        lag += 1
    return best


@micropython.viper
def swap(a: ptr8, b: ptr8, n: int):
    p = ptr32(a)
    q = ptr32(b)
    n >>= 2
    i = 0
    while i < n:
        x = p[i]
        p[i] = q[i]
        q[i] = x
        i += 1
