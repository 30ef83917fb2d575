/* A set of addresses, each with the tenant that was there first. Open addressing over the first bytes of a SHA-256. */
#include "cli/homes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct home {
    uint8_t key[16];
    const char *id; /* NULL: nobody */
};

struct homes {
    pthread_mutex_t mutex;
    struct home *table;
    size_t mask;
    size_t guests;           /* tenants that came to a database where another was */
    const char *guest, *own; /* the first of them, and who was there */
    struct buf where;
};

struct homes *homes_new(size_t n_tenants)
{
    struct homes *h = mem_alloc(sizeof *h);
    size_t size = 16;
    while (size < 2 * n_tenants)
        size *= 2;
    *h = (struct homes){.table = mem_alloc(size * sizeof *h->table), .mask = size - 1};
    pthread_mutex_init(&h->mutex, NULL);
    return h;
}

void homes_free(struct homes *h)
{
    if (!h)
        return;
    pthread_mutex_destroy(&h->mutex);
    buf_free(&h->where);
    free(h->table);
    free(h);
}

static void key_of(const struct place *where, uint8_t out[SHA256_BYTES])
{
    BUF_AUTO server = {0}, database = {0};
    struct hash *hash = hash_new();
    db_locate(&where->address, &server, &database);
    hash_add_piece(hash, server.p ? server.p : "", server.n);
    hash_add_piece(hash, database.p ? database.p : "", database.n);
    hash_add_piece(hash, where->schema ? where->schema : "", where->schema ? strlen(where->schema) : 0);
    hash_finish(hash, out);
}

/* The place of the key, or the empty one where it would be. The table is never full: it has twice as many. */
static struct home *find(const struct homes *h, const uint8_t *key)
{
    size_t at;
    memcpy(&at, key, sizeof at);
    for (at &= h->mask; h->table[at].id; at = (at + 1) & h->mask)
        if (memcmp(h->table[at].key, key, sizeof h->table[at].key) == 0)
            break;
    return &h->table[at];
}

void homes_note(struct homes *h, const char *id, const struct place *where)
{
    uint8_t key[SHA256_BYTES];
    key_of(where, key);
    pthread_mutex_lock(&h->mutex);
    struct home *home = find(h, key);
    if (!home->id) {
        memcpy(home->key, key, sizeof home->key);
        home->id = id;
    } else if (home->id != id && h->guest != id && !h->guests++) {
        h->guest = id;
        h->own = home->id;
        address_show(&h->where, &where->address);
    }
    pthread_mutex_unlock(&h->mutex);
}

void homes_tell(const struct homes *h, struct output *out)
{
    if (!h || !h->guests)
        return;
    output_talk(out, TALK_WARNING, "%s has the same database as %s (%s)%s: each revision runs there once", h->guest,
                h->own, h->where.p, h->guests > 1 ? ", and others share one, too" : "");
}
