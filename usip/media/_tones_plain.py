# usip: two sines, in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _tones_viper.py: change both. Nothing reaches 2**30, where numbers become objects.


# w: of each of the two the phase and its step a sample, in 1/65,536 of a turn, and the amplitude.
# A parabola is nearly a sine; with part of its own square the harmonics are 60 dB below.
def two(pcm, at, n, w):
    """`n` samples of the two sines to `pcm`, from sample `at`; their phases go on."""
    p = w[0]
    q = w[3]
    i = 2 * at
    end = i + 2 * n
    while i < end:
        x = (p ^ 0x8000) - 0x8000
        y = x * (32768 + x if x < 0 else 32768 - x) >> 14  # 16,384 is 1
        s = (((y * (0 - y if y < 0 else y) >> 14) - y) * 3686 >> 14) + y
        v = s * w[2] >> 14
        x = (q ^ 0x8000) - 0x8000
        y = x * (32768 + x if x < 0 else 32768 - x) >> 14
        s = (((y * (0 - y if y < 0 else y) >> 14) - y) * 3686 >> 14) + y
        v += s * w[5] >> 14
        pcm[i] = v & 0xFF
        pcm[i + 1] = v >> 8 & 0xFF
        p = p + w[1] & 0xFFFF
        q = q + w[4] & 0xFFFF
        i += 2
    w[0] = p
    w[3] = q
