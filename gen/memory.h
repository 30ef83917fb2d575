/*
 * What earlier runs of the check stage found to be right: a set of keys, each a SHA-256 over everything that the answer
 * depends on. One file, a key a line in hexadecimal; it may be lost, cut or emptied at any time, and what is not in it is
 * checked again. Only keys that this run asked for or added are written back, so that it never grows.
 */
#ifndef GEN_MEMORY_H
#define GEN_MEMORY_H

#include <stdint.h>

#include "base/hash.h"
#include "base/mem.h"

struct memory_key {
    uint8_t sum[SHA256_BYTES];
};

struct memory {
    const char *path;             /* NULL: remembers nothing */
    VEC(struct memory_key) known; /* sorted */
    VEC(struct memory_key) kept;
};

/* A file that cannot be read is an empty memory. */
void memory_read(struct memory *m, struct arena *a, const char *path);
/* Whether the key is known; it is kept then. */
bool memory_has(struct memory *m, struct arena *a, const struct memory_key *key);
void memory_add(struct memory *m, struct arena *a, const struct memory_key *key);
/* Leaves the file alone when nothing changed. A failure to write is no error: the next run has more to do. */
void memory_write(struct memory *m, struct arena *a);

#endif
