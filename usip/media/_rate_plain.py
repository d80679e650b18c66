# usip: from 16 kHz to 8 kHz and back in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _rate_viper.py: change both.
#
# A half-band low-pass of 39 taps, the best for 0 to 3.4 kHz (ripple 0.02 dB) and for 4.6 to 8 kHz
# (54 dB down). Every other tap is zero, and it is symmetric: what is left are ten numbers, in
# 1/16384, and 8192 in the middle. Samples are kept as 0 to 65535: without signs there is less to
# do, and the sum stays below 2**30.


# `x` holds the 38 samples before and then those of `wide`, 2 `n`; the last 38 stay for next time.
def halve(wide, x, pcm, n):
    i = 0
    j = 76
    end = 4 * n
    while i < end:
        x[j] = wide[i]
        x[j + 1] = wide[i + 1] ^ 0x80
        i += 2
        j += 2
    i = 0
    j = 0
    end = 2 * n
    while i < end:
        s = (
            ((x[j + 38] | x[j + 39] << 8) << 13)
            - 535814144  # 32768 in each tap, less one half for rounding
            + 5190 * ((x[j + 36] | x[j + 37] << 8) + (x[j + 40] | x[j + 41] << 8))
            - 1663 * ((x[j + 32] | x[j + 33] << 8) + (x[j + 44] | x[j + 45] << 8))
            + 921 * ((x[j + 28] | x[j + 29] << 8) + (x[j + 48] | x[j + 49] << 8))
            - 583 * ((x[j + 24] | x[j + 25] << 8) + (x[j + 52] | x[j + 53] << 8))
            + 383 * ((x[j + 20] | x[j + 21] << 8) + (x[j + 56] | x[j + 57] << 8))
            - 252 * ((x[j + 16] | x[j + 17] << 8) + (x[j + 60] | x[j + 61] << 8))
            + 162 * ((x[j + 12] | x[j + 13] << 8) + (x[j + 64] | x[j + 65] << 8))
            - 99 * ((x[j + 8] | x[j + 9] << 8) + (x[j + 68] | x[j + 69] << 8))
            + 56 * ((x[j + 4] | x[j + 5] << 8) + (x[j + 72] | x[j + 73] << 8))
            - 35 * ((x[j] | x[j + 1] << 8) + (x[j + 76] | x[j + 77] << 8))
        ) >> 14
        if s > 32767:
            s = 32767
        elif s < -32768:
            s = -32768
        pcm[i] = s & 0xFF
        pcm[i + 1] = s >> 8 & 0xFF
        i += 2
        j += 4
    i = 0
    j = 4 * n
    while i < 76:
        x[i] = x[j]
        i += 1
        j += 1


# `x` holds the 19 samples before and then those of `pcm`, `n`; the last 19 stay for next time.
def double(pcm, x, wide, n):
    i = 0
    j = 38
    end = 2 * n
    while i < end:
        x[j] = pcm[i]
        x[j + 1] = pcm[i + 1] ^ 0x80
        i += 2
        j += 2
    i = 0
    j = 0
    while j < end:
        wide[i] = x[j + 18]
        wide[i + 1] = x[j + 19] ^ 0x80
        s = (
            5190 * ((x[j + 18] | x[j + 19] << 8) + (x[j + 20] | x[j + 21] << 8))
            - 267382784  # 65536 in each pair, less one half
            - 1663 * ((x[j + 16] | x[j + 17] << 8) + (x[j + 22] | x[j + 23] << 8))
            + 921 * ((x[j + 14] | x[j + 15] << 8) + (x[j + 24] | x[j + 25] << 8))
            - 583 * ((x[j + 12] | x[j + 13] << 8) + (x[j + 26] | x[j + 27] << 8))
            + 383 * ((x[j + 10] | x[j + 11] << 8) + (x[j + 28] | x[j + 29] << 8))
            - 252 * ((x[j + 8] | x[j + 9] << 8) + (x[j + 30] | x[j + 31] << 8))
            + 162 * ((x[j + 6] | x[j + 7] << 8) + (x[j + 32] | x[j + 33] << 8))
            - 99 * ((x[j + 4] | x[j + 5] << 8) + (x[j + 34] | x[j + 35] << 8))
            + 56 * ((x[j + 2] | x[j + 3] << 8) + (x[j + 36] | x[j + 37] << 8))
            - 35 * ((x[j] | x[j + 1] << 8) + (x[j + 38] | x[j + 39] << 8))
        ) >> 13
        if s > 32767:
            s = 32767
        elif s < -32768:
            s = -32768
        wide[i + 2] = s & 0xFF
        wide[i + 3] = s >> 8 & 0xFF
        i += 4
        j += 2
    i = 0
    while i < 38:
        x[i] = x[j]
        i += 1
        j += 1
