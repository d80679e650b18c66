# usip: what half duplex reckons in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _duplex_viper.py: change both. Words are array("i"). A bin is 5 ms, its loudness here
# the sum of 40 magnitudes >> 5, 16 bits; couplings are in 1/256, 12 bits. `ring` holds the last 64
# bins of what was played, the oldest at `at`.


# The loudness of the four bins of a frame to out[1:5]; out[0] is the one before them. Returns what
# _gain_plain.loudness() does: of each two neighbours the softer one, and of these the loudest.
def bins(pcm, out):
    most = 0
    out[0] = before = out[4]
    i = k = 0
    while k < 4:
        total = 0
        stop = i + 80
        while i < stop:
            s = pcm[i] | pcm[i + 1] << 8
            total += 0x10000 - s if s & 0x8000 else s
            i += 2
        total >>= 5
        k += 1
        out[k] = total
        least = total if total < before else before
        if least > most:
            most = least
        before = total
    return most << 5


# Four bins of what is played to the ring, or silence: a room goes on sounding, 1.5 dB less in each
# bin, 60 dB in 0.2 s.
def play(ring, at, out, on):
    before = ring[(at + 63) & 63]
    k = 0
    while k < 4:
        before = before * 215 >> 8
        if on and out[k + 1] > before:
            before = out[k + 1]
        ring[(at + k) & 63] = before
        k += 1


# The loudest bin of the frame that is louder than the echo of what was played `lag` bins ago can
# be, times `coupling`; 0 if none is. Without a lag (-1), of what was played in the last 220 ms.
# state[0]: the ratio that it would be to that echo.
def heard(ring, out, state, at, lag, coupling):
    most = ratio = all = 0
    if lag < 0:
        all = 0
        k = 0
        while k < 48:
            x = ring[(at + 63 - k) & 63]
            if x > all:
                all = x
            k += 1
    k = 0
    while k < 4:
        x = all if lag < 0 else ring[(at + 60 + k - lag) & 63]
        least = out[k + 1] if out[k + 1] < out[k] else out[k]
        if least << 8 > x * coupling:
            if least > most:
                most = least
            x = (least << 8) // (x or 1)
            if x > ratio:
                ratio = x
        k += 1
    state[0] = ratio
    return most << 5


# While only the far end talks: for each of `n` lags the largest ratio of what is heard to what was
# played, `c`, which sinks by 6 dB in 3.6 s where `leak` is 8, in 0.9 s where it is 6. What is no
# louder than `floor` tells nothing. Returns the lag that has the smallest: there, all is explained
# by the least echo.
def learn(ring, out, c, at, n, floor, most, leak):
    best = 0
    lag = 0
    while lag < n:
        x = c[lag]
        x -= x >> leak
        k = 0
        while k < 4:
            least = out[k + 1] if out[k + 1] < out[k] else out[k]
            if least > floor:
                y = ring[(at + 60 + k - lag) & 63]
                if least << 8 > x * y:
                    x = (least << 8) // (y or 1)
                    if x > most:
                        x = most
            k += 1
        c[lag] = x
        if x < c[best]:
            best = lag
        lag += 1
    return best


# The first `n` bytes of two frames change places.
def swap(a, b, n):
    i = 0
    while i < n:
        x = a[i]
        a[i] = b[i]
        b[i] = x
        i += 1
