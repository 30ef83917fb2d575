/*
 * SHA-256 through the functions that libcrypto has had since 1.1. Its newer EVP interface loads a provider and the names
 * of all its algorithms first, which would be a third of what a run with nothing to do costs. A failing digest is a broken
 * libcrypto: nothing sensible is left to do.
 */
#define OPENSSL_API_COMPAT 0x10100000L /* not deprecated in that version's eyes */
#include "base/hash.h"

#include <openssl/sha.h>
#include <stdlib.h>

struct hash {
    SHA256_CTX context;
};

struct hash *hash_new(void)
{
    struct hash *h = malloc(sizeof *h);
    if (!h || !SHA256_Init(&h->context))
        abort();
    return h;
}

void hash_add(struct hash *h, const void *bytes, size_t n)
{
    if (n && !SHA256_Update(&h->context, bytes, n))
        abort();
}

void hash_add_piece(struct hash *h, const void *bytes, size_t n)
{
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
    hash_add(h, length, sizeof length);
    hash_add(h, bytes, n);
}

void hash_finish(struct hash *h, uint8_t out[SHA256_BYTES])
{
    if (!SHA256_Final(out, &h->context))
        abort();
    free(h);
}

void hash_once(const void *bytes, size_t n, uint8_t out[SHA256_BYTES])
{
    struct hash *h = hash_new();
    hash_add(h, bytes, n);
    hash_finish(h, out);
}

void hash_hex(const uint8_t sum[SHA256_BYTES], char out[SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * SHA256_BYTES] = '\0';
}
