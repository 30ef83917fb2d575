/* SHA-256 through libcrypto's EVP interface. A failing digest is a broken libcrypto: nothing sensible is left to do. */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct hash {
    EVP_MD_CTX *context;
};

struct hash *hash_new(void)
{
    struct hash *h = malloc(sizeof *h);
    if (!h)
        abort();
    h->context = EVP_MD_CTX_new();
    if (!h->context || !EVP_DigestInit_ex(h->context, EVP_sha256(), NULL))
        abort();
    return h;
}

void hash_add(struct hash *h, const void *bytes, size_t n)
{
    if (n && !EVP_DigestUpdate(h->context, bytes, n))
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
    if (!EVP_DigestFinal_ex(h->context, out, NULL))
        abort();
    EVP_MD_CTX_free(h->context);
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
