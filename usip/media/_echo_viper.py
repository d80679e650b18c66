# usip: the sums of the echo canceller in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _echo_plain.py, which explains it: change both. No bounds are checked here: echo.py
# makes all buffers.

import sys

import micropython

# Viper loads a word of 32 bits without its sign when the machine's are longer.
if sys.maxsize >> 30 > 1:
    raise ImportError("words of 32 bits only")


@micropython.viper
def push(line: ptr16, n: int, pcm: ptr16):
    i = 0
    while i < n:
        line[i] = line[i + 160]
        i += 1
    j = 0
    while j < 160:
        line[i] = pcm[j]
        i += 1
        j += 1


@micropython.viper
def take(line: ptr16, x: ptr32, taps: int, state: ptr32):
    i = 0
    total = 0
    bound = 0
    while i < taps:
        s = x[i + 160]
        x[i] = s
        total += s * s >> 10
        if s < 0:
            s = -1 - s
        bound |= s
        i += 1
    before = state[0]
    j = 0
    while j < 160:
        raw = (line[j] ^ 0x8000) - 0x8000
        s = raw - before + (before >> 3)
        before = raw
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        x[i] = s
        total += s * s >> 10
        if s < 0:
            s = -1 - s
        bound |= s
        i += 1
        j += 1
    state[0] = before
    state[4] = total
    state[5] = bound


# The first two locals are in registers, all others on the stack: so `p` and `q` walk through what
# comes as h and x, in learn() as e and x. A sum of eight products is one expression, because what
# is stored is loaded again.


@micropython.viper
def cancel(p: ptr32, q: ptr32, taps: int, pcm: ptr16, at: int, n: int, e: ptr32, state: ptr32):
    bound = 0
    errors = 0
    echoes = 0
    heard = 0
    k = 0
    first = int(p)
    end = first + (taps << 2)
    x = int(q) + (at + 1 << 2)
    while k < n:
        y = 0
        p = ptr32(first)
        q = ptr32(x)
        x += 4
        while int(p) < end:
            y += (
                p[0] * q[0]
                + p[1] * q[1]
                + p[2] * q[2]
                + p[3] * q[3]
                + p[4] * q[4]
                + p[5] * q[5]
                + p[6] * q[6]
                + p[7] * q[7]
                >> 6
            )
            p = ptr32(int(p) + 32)
            q = ptr32(int(q) + 32)
        y >>= 6
        if y > 32767:
            y = 32767
        elif y < -32767:
            y = -32767
        raw = (pcm[at + k] ^ 0x8000) - 0x8000
        before = state[1]
        state[1] = raw
        s = raw - before + (before >> 3)
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        heard += s * s >> 6
        echoes += y * y >> 6
        s -= y
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        e[k] = s
        errors += s * s >> 6
        if s < 0:
            bound |= -1 - s
        else:
            bound |= s
        out = state[2]
        out += s - (out >> 3)
        if out > 32767:
            out = 32767
        elif out < -32767:
            out = -32767
        state[2] = out
        pcm[at + k] = out
        k += 1
    state[6] = errors
    state[7] = echoes
    state[8] = heard
    state[9] = bound


@micropython.viper
def learn(
    p: ptr32,
    q: ptr32,
    taps: int,
    w: ptr32,
    h: ptr32,
    at: int,
    n: int,
    up: int,
    down: int,
    a: int,
    m: int,
    b: int,
):
    i = 0
    while i < n:
        p[i] = p[i] << up >> down
        i += 1
    first = int(p)
    end = first + (n << 2)
    x = int(q) + (at + 1 << 2)
    j = 0
    while j < taps:
        g = 0
        p = ptr32(first)
        q = ptr32(x)
        x += 4
        while int(p) < end:
            g += (
                p[0] * q[0]
                + p[1] * q[1]
                + p[2] * q[2]
                + p[3] * q[3]
                + p[4] * q[4]
                + p[5] * q[5]
                + p[6] * q[6]
                + p[7] * q[7]
                >> 6
            )
            p = ptr32(int(p) + 32)
            q = ptr32(int(q) + 32)
        g = w[j] + ((g >> a) * m >> b)
        if g > 0x3FFC000:
            g = 0x3FFC000
        elif g < -0x3FFC000:
            g = -0x3FFC000
        w[j] = g
        h[j] = g + 0x2000 >> 14
        j += 1
