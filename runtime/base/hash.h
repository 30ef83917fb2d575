/* SHA-256 (libcrypto's; FIPS 180-4), whole or in pieces, and its hexadecimal form. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SHA256_BYTES 32
#define SHA256_HEX 65 /* with the NUL */

struct hash; /* one running sum */
struct hash *hash_new(void);
void hash_add(struct hash *h, const void *bytes, size_t n);
/* Adds the length as eight bytes (big endian), then the bytes: pieces cannot run into each other. */
void hash_add_piece(struct hash *h, const void *bytes, size_t n);
void hash_finish(struct hash *h, uint8_t out[SHA256_BYTES]); /* frees h */

void hash_once(const void *bytes, size_t n, uint8_t out[SHA256_BYTES]);
void hash_hex(const uint8_t sum[SHA256_BYTES], char out[SHA256_HEX]); /* lower case */

#endif
