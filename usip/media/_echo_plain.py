# usip: the sums of the echo canceller in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _echo_viper.py: change both. Words are array("i"). No number reaches 2**30: samples
# have 16 bits, coefficients 12 (`h`, in 1/4096), errors that are learned from 12; eight products
# are summed before 6 bits are dropped.


# A frame into the delay line of `n` samples more.
def push(line, n, pcm):
    i = 0
    while i < 2 * n:
        line[i] = line[i + 320]
        i += 1
    j = 0
    while j < 320:
        line[i] = pcm[j]
        i += 1
        j += 1


# What leaves the delay line goes to the end of `x`, whose first `taps` words are the past: with
# pre-emphasis (each sample less 7/8 of the one before), which makes speech flat enough to learn
# from. state[4]: its power, the sum of squares in 1/1024; state[5]: an upper bound of its samples.
def take(line, x, taps, state):
    i = 0
    total = bound = 0
    while i < taps:
        s = x[i + 160]
        x[i] = s
        total += s * s >> 10
        bound |= s if s >= 0 else ~s
        i += 1
    before = state[0]
    j = 0
    while j < 320:
        raw = ((line[j] | line[j + 1] << 8) ^ 0x8000) - 0x8000
        s = raw - before + (before >> 3)
        before = raw
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        x[i] = s
        total += s * s >> 10
        bound |= s if s >= 0 else ~s
        i += 1
        j += 2
    state[0] = before
    state[4] = total
    state[5] = bound


# Takes the echo off the samples at : at + n of `pcm`, without pre-emphasis again. `e` gets what is
# left, with it. state: 1 and 2 the microphone's and the output's last sample; sums of squares in
# 1/64: 6 of the error, 7 of the echo, 8 of the microphone; 9 a bound of the errors.
def cancel(h, x, taps, pcm, at, n, e, state):
    before = state[1]
    out = state[2]
    errors = echoes = heard = bound = 0
    k = 0
    while k < n:
        i = 2 * (at + k)
        p = at + k + 1
        y = 0
        j = 0
        while j < taps:
            y += (
                h[j] * x[p]
                + h[j + 1] * x[p + 1]
                + h[j + 2] * x[p + 2]
                + h[j + 3] * x[p + 3]
                + h[j + 4] * x[p + 4]
                + h[j + 5] * x[p + 5]
                + h[j + 6] * x[p + 6]
                + h[j + 7] * x[p + 7]
                >> 6
            )
            j += 8
            p += 8
        y >>= 6
        if y > 32767:
            y = 32767
        elif y < -32767:
            y = -32767
        raw = ((pcm[i] | pcm[i + 1] << 8) ^ 0x8000) - 0x8000
        s = raw - before + (before >> 3)
        before = raw
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
        bound |= s if s >= 0 else ~s
        out += s - (out >> 3)
        if out > 32767:
            out = 32767
        elif out < -32767:
            out = -32767
        pcm[i] = out & 0xFF
        pcm[i + 1] = out >> 8 & 0xFF
        k += 1
    state[1] = before
    state[2] = out
    state[6] = errors
    state[7] = echoes
    state[8] = heard
    state[9] = bound


# Learns from the block of `n` errors that began at `at`: w, in 1/2**26, follows the gradient times
# m / 2**b. The errors are shifted left by `up` and right by `down`, to 12 bits; gradients lose `a`.
def learn(e, x, taps, w, h, at, n, up, down, a, m, b):
    i = 0
    while i < n:
        e[i] = e[i] << up >> down
        i += 1
    j = 0
    while j < taps:
        p = at + j + 1
        g = 0
        i = 0
        while i < n:
            g += (
                e[i] * x[p]
                + e[i + 1] * x[p + 1]
                + e[i + 2] * x[p + 2]
                + e[i + 3] * x[p + 3]
                + e[i + 4] * x[p + 4]
                + e[i + 5] * x[p + 5]
                + e[i + 6] * x[p + 6]
                + e[i + 7] * x[p + 7]
                >> 6
            )
            i += 8
            p += 8
        g = w[j] + ((g >> a) * m >> b)
        if g > 0x3FFC000:
            g = 0x3FFC000
        elif g < -0x3FFC000:
            g = -0x3FFC000
        w[j] = g
        h[j] = g + 0x2000 >> 14
        j += 1
