# usip: the sums of G.722 in plain Python, where there is no viper
# MIT licence; Copyright (c) 2026 the usip authors
#
# The twin of _g722_viper.py: change both. Words are array("i"), samples of PCM 16 bits in bytes;
# `tables` is what g722.py makes. No number reaches 2**30. Names and numbers of sections are those
# of the Recommendation, ITU-T G.722 (09/2012).


# 3.1, 4.4: the quadrature mirror filters. Without `join`, 2 * n samples of `pcm` to `n` each of the
# lower and of the upper band, x[:n] and x[n : 2 * n], in 15 bits; with it the way back. `line`: 22
# samples of the past and room for 2 * n more, without their sign (0x8000 is 0); x has one.
def mirror(line, x, pcm, n, join):
    k = 0
    j = 22
    while k < n:
        if join:
            line[j] = x[k] + x[n + k] + 0x8000
            line[j + 1] = x[k] - x[n + k] + 0x8000
        else:
            i = 4 * k
            line[j] = (pcm[i] | pcm[i + 1] << 8) ^ 0x8000
            line[j + 1] = (pcm[i + 2] | pcm[i + 3] << 8) ^ 0x8000
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
        # The taps of either sum to 4096.
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
            i = 4 * k
            pcm[i] = odd & 0xFF
            pcm[i + 1] = odd >> 8 & 0xFF
            pcm[i + 2] = even & 0xFF
            pcm[i + 3] = even >> 8 & 0xFF
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


# Sound of 8 kHz is the lower band: to `x`, and to out[at : at + n] the `silent` upper one.
def lower(pcm, x, n, out, at, silent):
    i = 0
    while i < n:
        x[i] = ((pcm[2 * i] | pcm[2 * i + 1] << 8) ^ 0x8000) - 0x8000 >> 1
        out[at + i] = silent
        i += 1


def raised(x, n, pcm):
    i = 0
    while i < n:
        s = x[i] << 1
        pcm[2 * i] = s & 0xFF
        pcm[2 * i + 1] = s >> 8 & 0xFF
        i += 1


# Both ADPCM coders and both decoders: `n` samples of one band, x[of : of + n], from or to the bits
# of out[at : at + n] that are the band's. `what` is 0, and 1 for the upper band, and 2 to decode;
# `state`:
#  0 d, 6 of the past   6 b, 6 coefficients of the zeros   12 r, 2 of the past   14 p, 2 signs
# 16 a, 2 coefficients of the poles   18 nabla   19 delta   20 s_z   21 s, what is expected next
def band(state, tables, x, out, of, n, at, what):
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
            # 4.2.2 (LIMIT), 4.3.2
            if y > 16383:
                y = 16383
            elif y < -16384:
                y = -16384
            x[of] = y
        else:
            e = x[of] - s
            if e > 32767:
                e = 32767
            elif e < -32768:
                e = -32768
            # A magnitude, of which -1 is 0.
            m = e if e >= 0 else -1 - e
            if upper:
                # 3.2.2 (QUANTH)
                code = 0 if m >= det * 564 >> 12 else 1
                if e >= 0:
                    code += 2
                out[at] = out[at] & 0x3F | code << 6
                d = det * (tables[code + 128] - 0x8000) >> 15
            else:
                # 3.2.1 (QUANTL): how many of 29 levels it reaches, each times delta / 4096
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
        # 3.5 (LOGSCL, SCALEL; LOGSCH, SCALEH)
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
        # 3.6.3 (UPPOL2, UPPOL1): the sum that the poles see, and its signs
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
        # 3.6.2 (PREDIC, FILTEP): the poles
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
        # 3.6.4, 3.6.1 (UPZERO, FILTEZ): the zeros, which stay within 16 bits by themselves
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
