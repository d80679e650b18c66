// MD5 (RFC 1321) and SHA-1 (RFC 3174).
#include <string.h>
#include "lib/axtls/crypto/crypto.h"

static uint32_t rol(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static void md5_block(digest_t *d) {
    static const uint8_t turn[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
    static const uint32_t k[64] = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
        0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
        0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
        0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
    };
    uint32_t w[16];
    memcpy(w, d->block, 64); // both machines are little-endian
    uint32_t a = d->state[0], b = d->state[1], c = d->state[2], e = d->state[3];
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        if (i < 16) {
            f = (b & c) | (~b & e), g = i;
        } else if (i < 32) {
            f = (e & b) | (~e & c), g = 5 * i + 1;
        } else if (i < 48) {
            f = b ^ c ^ e, g = 3 * i + 5;
        } else {
            f = c ^ (b | ~e), g = 7 * i;
        }
        f += a + k[i] + w[g & 15];
        a = e, e = c, c = b;
        b += rol(f, turn[i / 16 * 4 + i % 4]);
    }
    d->state[0] += a, d->state[1] += b, d->state[2] += c, d->state[3] += e;
}

static void sha1_block(digest_t *d) {
    uint32_t w[80];
    for (int i = 0; i < 80; i++) {
        if (i < 16) {
            const uint8_t *p = d->block + 4 * i;
            w[i] = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
        } else {
            w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        }
    }
    uint32_t a = d->state[0], b = d->state[1], c = d->state[2], e = d->state[3], g = d->state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f;
        if (i < 20) {
            f = ((b & c) | (~b & e)) + 0x5a827999;
        } else if (i < 40) {
            f = (b ^ c ^ e) + 0x6ed9eba1;
        } else if (i < 60) {
            f = ((b & c) | (b & e) | (c & e)) + 0x8f1bbcdc;
        } else {
            f = (b ^ c ^ e) + 0xca62c1d6;
        }
        f += rol(a, 5) + g + w[i];
        g = e, e = c, c = rol(b, 30), b = a, a = f;
    }
    d->state[0] += a, d->state[1] += b, d->state[2] += c, d->state[3] += e, d->state[4] += g;
}

static void init(digest_t *d) {
    static const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    memcpy(d->state, start, sizeof(start));
    d->bytes = 0;
}

static void update(digest_t *d, const uint8_t *data, int n, void (*block)(digest_t *)) {
    for (int i = 0; i < n; i++) {
        d->block[d->bytes++ & 63] = data[i];
        if ((d->bytes & 63) == 0) {
            block(d);
        }
    }
}

static void finish(digest_t *d, void (*block)(digest_t *), int big) {
    uint64_t bits = d->bytes * 8;
    update(d, (const uint8_t *)"\x80", 1, block);
    while ((d->bytes & 63) != 56) {
        update(d, (const uint8_t *)"", 1, block);
    }
    for (int i = 0; i < 8; i++) {
        uint8_t x = bits >> 8 * (big ? 7 - i : i);
        update(d, &x, 1, block);
    }
}

void MD5_Init(MD5_CTX *d) {
    init(d);
}
void MD5_Update(MD5_CTX *d, const uint8_t *data, int n) {
    update(d, data, n, md5_block);
}
void MD5_Final(uint8_t *out, MD5_CTX *d) {
    finish(d, md5_block, 0);
    memcpy(out, d->state, MD5_SIZE);
}
void SHA1_Init(SHA1_CTX *d) {
    init(d);
}
void SHA1_Update(SHA1_CTX *d, const uint8_t *data, int n) {
    update(d, data, n, sha1_block);
}
void SHA1_Final(uint8_t *out, SHA1_CTX *d) {
    finish(d, sha1_block, 1);
    for (int i = 0; i < SHA1_SIZE; i++) {
        out[i] = d->state[i / 4] >> (24 - i % 4 * 8);
    }
}
