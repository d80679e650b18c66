# usip: the sums of G.722 in viper, MicroPython's machine code
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _g722_plain.py, which explains it: change both. No bounds are checked here: g722.py
# does.

import sys

import micropython

# Viper loads a word of 32 bits without its sign when the machine's are longer.
if sys.maxsize >> 30 > 1:
    raise ImportError("words of 32 bits only")


@micropython.viper
def mirror(line: ptr16, x: ptr16, pcm: ptr16, n: int, join: int):
    k = 0
    j = 22
    while k < n:
        if join:
            i = x[k] ^ 0x8000
            odd = (x[n + k] ^ 0x8000) - 0x8000
            line[j] = i + odd
            line[j + 1] = i - odd
        else:
            i = k << 1
            line[j] = pcm[i] ^ 0x8000
            line[j + 1] = pcm[i + 1] ^ 0x8000
        k += 1
        j += 2
    k = j = 0
    while k < n:
        even = (
            3 * line[j]
            - 11 * line[j + 2]
            + 12 * line[j + 4]
            + 32 * line[j + 6]
            - 210 * line[j + 8]
            + 951 * line[j + 10]
            + 3876 * line[j + 12]
            - 805 * line[j + 14]
            + 362 * line[j + 16]
            - 156 * line[j + 18]
            + 53 * line[j + 20]
            - 11 * line[j + 22]
        )
        odd = (
            3 * line[j + 23]
            - 11 * line[j + 21]
            + 12 * line[j + 19]
            + 32 * line[j + 17]
            - 210 * line[j + 15]
            + 951 * line[j + 13]
            + 3876 * line[j + 11]
            - 805 * line[j + 9]
            + 362 * line[j + 7]
            - 156 * line[j + 5]
            + 53 * line[j + 3]
            - 11 * line[j + 1]
        )
        if join:
            odd = odd - 134217728 >> 11
            even = even - 134217728 >> 11
            if odd > 32767:
                odd = 32767
            elif odd < -32768:
                odd = -32768
            if even > 32767:
                even = 32767
            elif even < -32768:
                even = -32768
            pcm[j] = odd
            pcm[j + 1] = even
        else:
            x[k] = odd + even - 268435456 >> 14
            x[n + k] = odd - even >> 14
        k += 1
        j += 2
    i = 0
    while i < 22:
        line[i] = line[j]
        i += 1
        j += 1


@micropython.viper
def lower(pcm: ptr16, x: ptr16, n: int, out: ptr8, at: int, silent: int):
    i = 0
    while i < n:
        x[i] = (pcm[i] ^ 0x8000) - 0x8000 >> 1
        out[at + i] = silent
        i += 1


@micropython.viper
def raised(x: ptr16, n: int, pcm: ptr16):
    i = 0
    while i < n:
        pcm[i] = x[i] << 1
        i += 1


# The first three arguments are kept in registers, and MicroPython 1.26 for Thumb and RISC-V doubles
# such a one where it is the index of a ptr16: none of them may be a number.
@micropython.viper
def band(state: ptr32, tables: ptr16, x: ptr16, out: ptr8, of: int, n: int, at: int, what: int):
    nb = state[18]
    det = state[19]
    sz = state[20]
    s = state[21]
    upper = what & 1
    end = of + n
    while of < end:
        if what & 2:
            code = out[at]
            if upper:
                code >>= 6
                d = det * (tables[code + 128] - 0x8000) >> 15
                y = s + d
            else:
                code &= 0x3F
                y = s + (det * (tables[code + 64] - 0x8000) >> 15)
                code >>= 2
                d = det * (tables[code + 136] - 0x8000) >> 15
            if y > 16383:
                y = 16383
            elif y < -16384:
                y = -16384
            x[of] = y
        else:
            e = (x[of] ^ 0x8000) - 0x8000 - s
            if e > 32767:
                e = 32767
            elif e < -32768:
                e = -32768
            m = e if e >= 0 else -1 - e
            if upper:
                code = 0 if m >= det * 564 >> 12 else 1
                if e >= 0:
                    code += 2
                out[at] = out[at] & 0x3F | code << 6
                d = det * (tables[code + 128] - 0x8000) >> 15
            else:
                m = m << 12 | 4095
                k = 16 if m >= det * tables[48] else 0
                if m >= det * tables[k + 40]:
                    k += 8
                if m >= det * tables[k + 36]:
                    k += 4
                if k < 28 and m >= det * tables[k + 34]:
                    k += 2
                if m >= det * tables[k + 33]:
                    k += 1
                if e >= 0:
                    code = 61 - k
                elif k < 2:
                    code = 63 - k
                else:
                    code = 33 - k
                out[at] = out[at] & 0xC0 | code
                code >>= 2
                d = det * (tables[code + 136] - 0x8000) >> 15
        of += 1
        at += 1
        nb = nb * 127 >> 7
        if upper:
            nb += tables[code + 132] - 0x8000
            k = 22528
            m = 10
        else:
            nb += tables[code + 152] - 0x8000
            k = 18432
            m = 8
        if nb < 0:
            nb = 0
        elif nb > k:
            nb = k
        m -= nb >> 11
        det = tables[nb >> 6 & 31]
        det = det << 1 if m < 0 else det >> m
        det <<= 2
        m = sz + d
        p = 0x8000 if m < 0 else 0
        p0 = state[14]
        p1 = state[15]
        state[15] = p0
        state[14] = p
        a = state[16]
        k = a << 2
        if k > 32767:
            k = 32767
        elif k < -32768:
            k = -32768
        if p == p0:
            k = 0 - k
            if k > 32767:
                k = 32767
        k >>= 7
        k += 128 if p == p1 else -128
        k += state[17] * 127 >> 7
        if k > 12288:
            k = 12288
        elif k < -12288:
            k = -12288
        state[17] = k
        a = a * 255 >> 8
        a += 192 if p == p0 else -192
        m = 15360 - k
        if a > m:
            a = m
        elif a < 0 - m:
            a = 0 - m
        state[16] = a
        r = s + d
        if r > 32767:
            r = 32767
        elif r < -32768:
            r = -32768
        r0 = state[12]
        state[12] = r
        m = r << 1
        if m > 32767:
            m = 32767
        elif m < -32768:
            m = -32768
        s = a * m >> 15
        m = r0 << 1
        if m > 32767:
            m = 32767
        elif m < -32768:
            m = -32768
        s += k * m >> 15
        if s > 32767:
            s = 32767
        elif s < -32768:
            s = -32768
        k = 128 if d else 0
        p = state[0]
        state[0] = d
        i = (p ^ d) >> 31
        a = (state[6] * 255 >> 8) + (k ^ i) - i
        state[6] = a
        sz = a * d >> 14
        m = state[1]
        state[1] = p
        i = (m ^ d) >> 31
        a = (state[7] * 255 >> 8) + (k ^ i) - i
        state[7] = a
        sz += a * p >> 14
        p = state[2]
        state[2] = m
        i = (p ^ d) >> 31
        a = (state[8] * 255 >> 8) + (k ^ i) - i
        state[8] = a
        sz += a * m >> 14
        m = state[3]
        state[3] = p
        i = (m ^ d) >> 31
        a = (state[9] * 255 >> 8) + (k ^ i) - i
        state[9] = a
        sz += a * p >> 14
        p = state[4]
        state[4] = m
        i = (p ^ d) >> 31
        a = (state[10] * 255 >> 8) + (k ^ i) - i
        state[10] = a
        sz += a * m >> 14
        m = state[5]
        state[5] = p
        i = (m ^ d) >> 31
        a = (state[11] * 255 >> 8) + (k ^ i) - i
        state[11] = a
        sz += a * p >> 14
        if sz > 32767:
            sz = 32767
        elif sz < -32768:
            sz = -32768
        s += sz
        if s > 32767:
            s = 32767
        elif s < -32768:
            s = -32768
    state[18] = nb
    state[19] = det
    state[20] = sz
    state[21] = s
