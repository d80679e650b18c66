// The functions of axTLS that extmod/modhashlib.c calls; modules/hal/digests.c has them.
#ifndef USIP_CRYPTO_H
#define USIP_CRYPTO_H

#include <stdint.h>

#define MD5_SIZE 16
#define SHA1_SIZE 20

typedef struct {
    uint32_t state[5];
    uint64_t bytes;
    uint8_t block[64];
} digest_t;
typedef digest_t MD5_CTX;
typedef digest_t SHA1_CTX;

void MD5_Init(MD5_CTX *d);
void MD5_Update(MD5_CTX *d, const uint8_t *data, int n);
void MD5_Final(uint8_t *out, MD5_CTX *d);
void SHA1_Init(SHA1_CTX *d);
void SHA1_Update(SHA1_CTX *d, const uint8_t *data, int n);
void SHA1_Final(uint8_t *out, SHA1_CTX *d);

#endif
