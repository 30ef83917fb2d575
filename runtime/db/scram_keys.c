/*
 * The cache of SCRAM keys: a small table under one lock, searched by a checksum of what a key is made from. A key takes
 * four thousand times as long to derive as to find, and a fleet's workers all begin with the same one; so whoever finds an
 * entry that somebody is at work on waits for that one to be through, and then looks again.
 *
 * There is no order and no index: 64 entries are searched in less time than it takes to compute the checksum.
 */
#include "db/scram_keys.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"

enum entry_state { ENTRY_FREE, ENTRY_AT_WORK, ENTRY_READY };

struct entry {
    enum entry_state state;
    uint8_t made_from[SHA256_BYTES]; /* AT_WORK and READY */
    uint8_t key[SCRAM_KEY_BYTES];    /* READY */
    uint64_t used;                   /* READY: when last, by `now` below */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* somebody's derivation, well or badly */
    struct entry entries[SCRAM_KEYS_MOST];
    uint64_t now; /* counts uses */
    struct scram_counts counts;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

/* What a key depends on; with lengths, so that a password's end cannot pass for a salt's beginning. */
static void checksum(const char *password, const char *salt, size_t salt_length, int rounds, uint8_t out[SHA256_BYTES])
{
    struct hash *h = hash_new();
    hash_add_piece(h, password, strlen(password));
    hash_add_piece(h, salt, salt_length);
    hash_add_piece(h, &rounds, sizeof rounds);
    hash_finish(h, out);
}

/* ---- under the lock ---- */

static struct entry *find(const uint8_t made_from[SHA256_BYTES])
{
    for (size_t i = 0; i < SCRAM_KEYS_MOST; i++) {
        struct entry *entry = &cache.entries[i];
        if (entry->state != ENTRY_FREE && memcmp(entry->made_from, made_from, SHA256_BYTES) == 0)
            return entry;
    }
    return NULL;
}

static void wipe(struct entry *entry)
{
    explicit_bzero(entry, sizeof *entry); /* which is ENTRY_FREE */
}

/* A place for a new key: a free one, or the least recently used. NULL when all 64 are being worked on. */
static struct entry *make_room(void)
{
    struct entry *oldest = NULL;
    for (size_t i = 0; i < SCRAM_KEYS_MOST; i++) {
        struct entry *entry = &cache.entries[i];
        if (entry->state == ENTRY_FREE)
            return entry;
        if (entry->state == ENTRY_READY && (!oldest || entry->used < oldest->used))
            oldest = entry;
    }
    if (oldest)
        wipe(oldest);
    return oldest;
}

/* The entry of a key that is there, after waiting for who is at work on it; NULL: the caller has to derive it. */
static struct entry *wait_for(const uint8_t made_from[SHA256_BYTES])
{
    struct entry *entry;
    while ((entry = find(made_from)) && entry->state == ENTRY_AT_WORK)
        pthread_cond_wait(&cache.ended, &cache.lock);
    return entry;
}

static struct entry *begin_work(const uint8_t made_from[SHA256_BYTES])
{
    struct entry *entry = make_room();
    if (entry) {
        entry->state = ENTRY_AT_WORK;
        memcpy(entry->made_from, made_from, SHA256_BYTES);
    }
    return entry;
}

/* `entry` may be NULL: then the key is not kept. */
static void end_work(struct entry *entry, bool ok, const uint8_t key[SCRAM_KEY_BYTES])
{
    cache.counts.derived += ok;
    if (entry && ok) {
        memcpy(entry->key, key, SCRAM_KEY_BYTES);
        entry->used = ++cache.now;
        entry->state = ENTRY_READY;
    } else if (entry) {
        wipe(entry);
    }
    pthread_cond_broadcast(&cache.ended);
}

/* ---- the interface ---- */

bool scram_key(const char *password, const char *salt, size_t salt_length, int rounds, scram_derive derive,
               void *context, uint8_t key[SCRAM_KEY_BYTES])
{
    uint8_t made_from[SHA256_BYTES];
    struct entry *entry;
    bool ok = true;
    checksum(password, salt, salt_length, rounds, made_from);
    pthread_mutex_lock(&cache.lock);
    if ((entry = wait_for(made_from))) {
        memcpy(key, entry->key, SCRAM_KEY_BYTES);
        entry->used = ++cache.now;
        cache.counts.reused++;
    } else {
        entry = begin_work(made_from);
        pthread_mutex_unlock(&cache.lock);
        ok = derive(context, password, salt, salt_length, rounds, key);
        pthread_mutex_lock(&cache.lock);
        end_work(entry, ok, key);
    }
    pthread_mutex_unlock(&cache.lock);
    return ok;
}

struct scram_counts scram_keys_counts(void)
{
    pthread_mutex_lock(&cache.lock);
    struct scram_counts counts = cache.counts;
    pthread_mutex_unlock(&cache.lock);
    return counts;
}

void scram_keys_wipe(void)
{
    pthread_mutex_lock(&cache.lock);
    for (size_t i = 0; i < SCRAM_KEYS_MOST; i++)
        wipe(&cache.entries[i]);
    pthread_mutex_unlock(&cache.lock);
}
