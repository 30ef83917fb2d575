/*
 * The most expensive part of logging in with a password, done once instead of once a connection. SCRAM stretches the
 * password by 4,096 rounds of HMAC-SHA-256 (RFC 5802, "Hi"), 8 to 15 ms of CPU in libpq 15, and the result depends only on
 * password, salt and number of rounds, which are the same for every tenant that one role owns.
 *
 * The static executable is linked with --wrap=scram_SaltedPassword, so that libpq's call comes to runtime/static/scram.c,
 * and from there here. In a dynamic build (tests under sanitizers, migrate-gen) nobody calls this.
 */
#ifndef DB_SCRAM_KEYS_H
#define DB_SCRAM_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCRAM_KEY_BYTES = 32, SCRAM_KEYS_MOST = 64 };

/* Computes a key; false when it cannot. */
typedef bool (*scram_derive)(void *context, const char *password, const char *salt, size_t salt_length, int rounds,
                             uint8_t key[SCRAM_KEY_BYTES]);

/*
 * The key, from the cache or by `derive`. Thread-safe, and derived by one thread at a time: others that ask for the same key
 * wait for it. The cache holds SCRAM_KEYS_MOST keys, the least recently used goes first and is wiped; it holds no password,
 * only a SHA-256 over what a key was made from. False when derive fails; nothing is kept then, and whoever waited tries
 * itself.
 */
bool scram_key(const char *password, const char *salt, size_t salt_length, int rounds, scram_derive derive,
               void *context, uint8_t key[SCRAM_KEY_BYTES]);

struct scram_counts {
    uint64_t derived, reused;
};
/* How often it helped, since the start. Said with -vv at the end of a run. */
struct scram_counts scram_keys_counts(void);
/* Wipes every key. Called at exit; no other thread may be in scram_key(). */
void scram_keys_wipe(void);

#endif
