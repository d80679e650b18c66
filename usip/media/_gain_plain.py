# usip: loudness and gain in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _gain_viper.py: change both. No number reaches 2**30: it would be a heap object.


# The samples at : at + n. `g` is the gain in 1/65536, at most 64-fold; it grows by `step` a sample.
# What is louder than `limit` is cut.
def scale(pcm, at, n, g, step, limit):
    i = 2 * at
    end = i + 2 * n
    while i < end:
        s = ((pcm[i] | pcm[i + 1] << 8) ^ 0x8000) - 0x8000
        s = s * (g >> 8) + 128 >> 8
        g += step
        if s > limit:
            s = limit
        elif s < -limit:
            s = -limit
        pcm[i] = s & 0xFF
        pcm[i + 1] = s >> 8 & 0xFF
        i += 2


# Blocks of 5 ms (40 samples); a block's loudness is the sum of its magnitudes. What lasts less than
# two blocks is a click: the result is the loudest pair's softer block. last[0] is the block before.
def loudness(pcm, n, last):
    before = last[0]
    most = 0
    i = 0
    end = 2 * n
    while i < end:
        total = 0
        stop = i + 80
        while i < stop:
            s = pcm[i] | pcm[i + 1] << 8
            total += 0x10000 - s if s & 0x8000 else s
            i += 2
        least = total if total < before else before
        if least > most:
            most = least
        before = total
    last[0] = before
    return most


def peak(pcm, n):
    most = 0
    i = 0
    end = 2 * n
    while i < end:
        s = pcm[i] | pcm[i + 1] << 8
        if s & 0x8000:
            s = 0x10000 - s
        if s > most:
            most = s
        i += 2
    return most


# A high-pass of one pole at 40 Hz. state[0] is the sample before, state[1] the output in 1/256;
# both are kept positive, because viper loads words without a sign on a machine of 64 bits.
def level_out(pcm, n, state):
    before = state[0] - 0x8000
    y = state[1] - 0x10000000
    i = 0
    end = 2 * n
    while i < end:
        s = ((pcm[i] | pcm[i + 1] << 8) ^ 0x8000) - 0x8000
        y += (s - before << 8) - (y >> 5)
        before = s
        s = y >> 8
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        pcm[i] = s & 0xFF
        pcm[i + 1] = s >> 8 & 0xFF
        i += 2
    state[0] = before + 0x8000
    state[1] = y + 0x10000000


def narrow(wide, pcm, n, shift):
    i = 0
    j = 0
    end = 2 * n
    while i < end:
        s = (((wide[j + 2] | wide[j + 3] << 8) ^ 0x8000) - 0x8000 << 8 | wide[j + 1]) >> shift
        if s > 32767:
            s = 32767
        elif s < -32767:
            s = -32767
        pcm[i] = s & 0xFF
        pcm[i + 1] = s >> 8 & 0xFF
        i += 2
        j += 4
