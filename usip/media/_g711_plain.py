# usip: G.711 in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _g711_viper.py: change both. Computed, not looked up: a table of 16-bit samples would
# be 16 KB.


# ITU-T G.711 tables 2a, 2b: PCMU codes 14-bit samples; with a bias of 33 the segments end at 63,
# 127, 255, ... and the last is clipped at 8191. Tables 1a, 1b: PCMA codes 13-bit samples, segments
# end at 31, 63, 127, ...; even bits are inverted. The low bits of a 16-bit sample are cut off
# (arithmetic shift), as CPython's audioop did: tests compare all values with it.
def encode(law, pcm, n, out, at):
    i = 0
    end = at + n
    while at < end:
        s = pcm[i] | pcm[i + 1] << 8
        i += 2
        g = 0
        if law:
            if s & 0x8000:
                s = (0xFFFF - s) >> 3
                mask = 0x55
            else:
                s >>= 3
                mask = 0xD5
            t = s >> 5
            while t:
                t >>= 1
                g += 1
            out[at] = (g << 4 | (s >> (g or 1) & 15)) ^ mask
        else:
            if s & 0x8000:
                s = ((0x10003 - s) >> 2) + 33
                mask = 0x7F
            else:
                s = (s >> 2) + 33
                mask = 0xFF
            if s & 0x2000:
                s = 0x1FFF
            t = s >> 6
            while t:
                t >>= 1
                g += 1
            out[at] = (g << 4 | (s >> g + 1 & 15)) ^ mask
        at += 1


def decode(law, data, at, n, pcm):
    i = 0
    end = at + n
    while at < end:
        c = data[at]
        at += 1
        if law:
            c ^= 0xD5  # the inverted sign, too
            g = c >> 4 & 7
            s = (c & 15) << 4 | 8
            if g:
                s = (s + 0x100) << g - 1
        else:
            c ^= 0xFF
            s = (((c & 15) << 3) + 132 << (c >> 4 & 7)) - 132
        if c & 0x80:
            s = -s
        pcm[i] = s & 0xFF
        pcm[i + 1] = s >> 8 & 0xFF
        i += 2


def copy(data, at, n, out, to):
    end = at + n
    while at < end:
        out[to] = data[at]
        at += 1
        to += 1


def fade(pcm, n, steps):
    i = 0
    while i < 2 * n:
        s = pcm[i] | pcm[i + 1] << 8
        if s & 0x8000:
            s -= 0x10000
        s >>= steps
        pcm[i] = s & 0xFF
        pcm[i + 1] = s >> 8 & 0xFF
        i += 2


# The seven bits are nearly a logarithm of the level: below 0x20 a sample is at most 504 (PCMA) or
# 372 (PCMU) of 32,768.
def quiet(law, data, at, n):
    mask = 0x55 if law else 0x7F
    end = at + n
    while at < end:
        if (data[at] ^ mask) & 0x7F >= 0x20:
            return 0
        at += 1
    return 1
