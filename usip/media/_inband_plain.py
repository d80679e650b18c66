# usip: a block of sound searched for DTMF, in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _inband_viper.py: change both. Nothing reaches 2**30, where numbers become objects.

BLOCK = 80


# w: 24 numbers of history (three times row re, im, column re, im, row and column energy, total,
# shift; re and im plus 0x8000, so that none is negative), then 2 cos of the eight tones in Q13 from
# 24, their sines in Q13 from 32, 24 numbers of results from 40, the block from 64.
#
# The block is brought to a peak below 512: 2 cos is at most 13,988, and the resonator's state, of
# 80 samples as loud and whatever they are, at most 98 times 512. What it ends with is the block's
# spectrum at the tone, turned by where the block ends; of a pure tone of amplitude a it is 40 a
# long, here cut by 8: energy 25 a * a, where the total is 40 a * a.
def search(pcm, at, w, to, least):
    """Look for two tones in 80 samples from `at`. Their number 0-15 (row * 4 + column), -1 when
    there are none or the peak is below `least`. What was found goes to w[to : to + 8]."""
    i = 2 * at
    end = i + 160
    peak = 0
    while i < end:
        s = pcm[i] | pcm[i + 1] << 8
        if s & 0x8000:
            s = 0x10000 - s
        if s > peak:
            peak = s
        i += 2
    if peak < least:
        return -1
    shift = 0
    while peak >> shift >= 512:
        shift += 1
    i = 2 * at
    k = 64
    total = 0
    while i < end:
        s = pcm[i] | pcm[i + 1] << 8
        s = (s ^ 0x8000) - 0x8000 >> shift
        total += s * s
        w[k] = s + 512
        i += 2
        k += 1
    f = 0
    while f < 8:
        c = w[24 + f]
        s1 = s2 = 0
        k = 64
        while k < 144:
            s = (c * s1 >> 13) - s2 + w[k] - 512
            s2 = s1
            s1 = s
            k += 1
        x = s1 - (c * (s2 >> 1) >> 13) >> 3
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
    # Half of the energy has to be in the two, and neither very much louder than the other.
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
