/*
 * The ledger in memory: what may be believed, who is visited all the same, what turned out otherwise, what is to be written.
 *
 * A row becomes a 16-byte hash of tenant, address and server, in a sorted array that never changes again, so that workers
 * search it without a lock. What is learned during the run (which server answers at which address, who is in the sample)
 * is a few items under a mutex.
 */
#include "run/ledger.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "run/ledger_table.h"
#include "run/work.h"

enum {
    NOTES_AT_ONCE = 512,    /* written in one statement */
    NOTES_AT_MOST = 4096,   /* of those at head while the registry cannot be reached; more are visited next time */
    LAST_PATIENCE_MS = 5000 /* with a registry that has no connection left for us, when all are through */
};

struct key {
    uint8_t bytes[16];
};

/* A server that answered in this run, and where. Behind one address there may be several: a pooler sorts by database. */
struct seen {
    struct key at;
    const char *server;
};

struct ledger {
    struct ledger_table table;
    const struct job *job; /* the fleet's */
    struct ledger_rules rules;
    struct arena arena;
    struct strings heads; /* sorted by bytes */

    struct { /* sorted once it is read */
        struct key *v;
        size_t n, cap;
    } believed;
    bool is_off; /* warned of: nothing is read or written any more */
    bool told_mute;
    atomic_bool doubts;

    pthread_mutex_t mutex; /* over what follows, down to `to_ask` */
    VEC(struct seen) servers;
    VEC(struct key) sampled; /* tenants that were known and are being visited all the same */
    uint64_t to_sample;      /* how many more of these */
    uint64_t to_ask;         /* how many tenants more */

    struct ledger_notes notes;
    bool later; /* the registry had no connection for us: not again before the end */
};

/* -------------------------------------------------------------------------------------------------------------- keys */

static struct key key_of(const char *first, const char *second, const char *third)
{
    const char *const parts[] = {first, second, third};
    uint8_t sum[SHA256_BYTES];
    struct key key;
    struct hash *h = hash_new();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hash_add_piece(h, parts[i], strlen(parts[i]));
    hash_finish(h, sum);
    memcpy(key.bytes, sum, sizeof key.bytes);
    return key;
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct key));
}

static bool is_believed(const struct ledger *l, const struct key *key)
{
    return l->believed.n && bsearch(key, l->believed.v, l->believed.n, sizeof *key, compare_keys);
}

/* Where a tenant lives: its server as the address names it, and the whole. */
struct home {
    struct buf server, text;
};

static void home_free(struct home *t)
{
    buf_free(&t->server);
    buf_free(&t->text);
}
#define HOME_AUTO __attribute__((cleanup(home_free))) struct home

static void home_of(struct home *out, const struct ledger *l, const struct place *where)
{
    const struct job *job = l->job;
    BUF_AUTO database = {0};
    bool schemas = where->address.dialect == DIALECT_POSTGRESQL;
    db_locate(&where->address, &out->server, &database);
    if (schemas)
        buf_addf(&out->text, "%s/", out->server.p);
    buf_addz(&out->text, database.p);
    if (schemas && where->schema)
        buf_addf(&out->text, " schema %s", where->schema);
    if (schemas && job->version_schema)
        buf_addf(&out->text, " version_schema %s", job->version_schema);
    if (strcmp(job->version_table, "alembic_version") != 0)
        buf_addf(&out->text, " version_table %s", job->version_table);
}

/* ----------------------------------------------------------------------------------------------------------- reading */

static bool add_believed(void *context, const struct db_row *row, struct err *e)
{
    struct ledger *l = context;
    (void)e;
    if (!row->values[0] || !row->values[1] || !row->values[2])
        return true;
    if (l->believed.n == l->believed.cap) {
        l->believed.cap = l->believed.cap ? 2 * l->believed.cap : 1024;
        l->believed.v = mem_resize(l->believed.v, l->believed.cap * sizeof *l->believed.v);
    }
    l->believed.v[l->believed.n++] = key_of(row->values[0], row->values[1], row->values[2]);
    return true;
}

/* Whoever stops a run or has no time left does not want to hear of the ledger. */
static bool is_ending(const struct ledger *l, const struct err *e)
{
    return e->fault == FAULT_STOPPED || e->fault == FAULT_DEADLINE || stop_winding_down(l->job->stop);
}

static void turn_off(struct ledger *l, const struct err *e, const char *what)
{
    l->is_off = true;
    atomic_store(&l->doubts, true);
    if (!is_ending(l, e))
        log_line(l->job->log, TALK_WARNING, "migrate_ledger cannot be %s, so every tenant is visited: %s", what,
                 e->message);
}

static uint64_t sample_size(const struct tolerance *sample, size_t n_tenants)
{
    return sample->is_percent ? ((uint64_t)sample->percent * n_tenants + 99) / 100 : sample->number;
}

struct ledger *ledger_read(const struct job *registry_job, const struct place *registry, const struct job *job,
                           const struct ledger_rules *rules, size_t n_tenants)
{
    struct ledger *l = mem_alloc(sizeof *l);
    const struct stream *stream = graph_stream(job->graph);
    char digest[SHA256_HEX];
    BUF_AUTO rows = {0};
    AUTO_ERR e = {0};
    *l = (struct ledger){.job = job, .rules = *rules, .to_ask = n_tenants};
    l->to_sample = sample_size(&rules->sample, n_tenants);
    pthread_mutex_init(&l->mutex, NULL);
    struct revlist heads = graph_real_heads(&l->arena, job->graph);
    for (size_t i = 0; i < heads.n; i++)
        vec_push(&l->arena, &l->heads, graph_revision(job->graph, heads.v[i])->id);
    strings_sort(&l->heads);
    strings_join(&rows, &l->heads, ",");
    hash_hex(stream->sha256, digest);
    l->table = (struct ledger_table){
        .job = registry_job,
        .where = registry,
        .stream = stream->name,
        .rows = arena_str(&l->arena, buf_str(&rows)),
        .digest = arena_strdup(&l->arena, digest),
    };
    if (!ledger_table_read(&l->table, rules->max_age_ms, add_believed, l, &e)) {
        l->believed.n = 0;
        turn_off(l, &e, "read");
    }
    if (l->believed.n)
        qsort(l->believed.v, l->believed.n, sizeof *l->believed.v, compare_keys);
    return l;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    pthread_mutex_destroy(&l->mutex);
    buf_free(&l->notes.seen);
    buf_free(&l->notes.gone);
    free(l->believed.v);
    arena_free(&l->arena);
    free(l);
}

/* ----------------------------------------------------------------------------------------------------------- knowing */

/* Is there a row that says so of the server at that address? Asked for with the mutex held. */
static bool is_believed_at(const struct ledger *l, const char *tenant, const struct home *home)
{
    struct key at = key_of(home->server.p, "", "");
    for (size_t i = 0; i < l->servers.n; i++) {
        const struct seen *seen = &l->servers.v[i];
        if (compare_keys(&seen->at, &at) != 0)
            continue;
        struct key key = key_of(tenant, home->text.p, seen->server);
        if (is_believed(l, &key))
            return true;
    }
    return false;
}

/* Is there a row of this tenant, its address and its server as they are now? */
static bool has_row(struct ledger *l, const struct tenant *t, const struct place *where)
{
    HOME_AUTO home = {0};
    BUF_AUTO version = {0};
    home_of(&home, l, where);
    if (where->address.dialect == DIALECT_SQLITE) {
        if (!db_file_version(&where->address, &version))
            return false;
        struct key key = key_of(t->id, home.text.p, version.p);
        return is_believed(l, &key);
    }
    pthread_mutex_lock(&l->mutex);
    bool has = is_believed_at(l, t->id, &home);
    pthread_mutex_unlock(&l->mutex);
    return has;
}

/*
 * Of those that are still to be asked about, each is as likely as the next to be among those that are still to be visited
 * (Knuth, The Art of Computer Programming, volume 2, 3.4.2, algorithm S). One that was not known leaves its turn to the
 * others, so there are as many as wanted unless the last ones asked about are not known.
 */
static bool draw(struct ledger *l, bool known)
{
    uint64_t left = l->to_ask > 1 ? l->to_ask : 1;
    l->to_ask = left - 1;
    if (!known || !l->to_sample || (left > l->to_sample && arc4random_uniform((uint32_t)left) >= l->to_sample))
        return false;
    l->to_sample--;
    return true;
}

bool ledger_knows(struct ledger *l, const struct tenant *t, const struct place *where)
{
    if (!l->believed.n || atomic_load(&l->doubts))
        return false;
    bool known = has_row(l, t, where);
    pthread_mutex_lock(&l->mutex);
    bool visited = draw(l, known);
    if (visited)
        vec_push(&l->arena, &l->sampled, key_of(t->id, "", ""));
    pthread_mutex_unlock(&l->mutex);
    return known && !visited;
}

/* ----------------------------------------------------------------------------------------------------------- writing */

static void forget_notes(struct ledger_notes *notes)
{
    buf_reset(&notes->seen);
    buf_reset(&notes->gone);
    notes->n = 0;
}

static void flush(struct ledger *l, int64_t patience_ms)
{
    AUTO_ERR e = {0};
    if (l->is_off || !l->notes.n)
        return;
    if (!ledger_table_write(&l->table, &l->notes, patience_ms, &e)) {
        l->later = err_retryable(e.fault) && !patience_ms;
        if (l->later)
            return;
        turn_off(l, &e, "written");
    }
    forget_notes(&l->notes);
}

void ledger_flush(struct ledger *l)
{
    flush(l, LAST_PATIENCE_MS);
}

bool ledger_doubts(struct ledger *l)
{
    ledger_flush(l);
    return atomic_load(&l->doubts);
}

/* ------------------------------------------------------------------------------------------------------------ noting */

/* The same system on another time line: what was committed last on the first one may be lost. */
static bool is_successor(const char *server, const char *before)
{
    size_t n = strcspn(server, "/");
    return strcmp(server, before) != 0 && strncmp(server, before, n + 1) == 0;
}

static void note_server(struct ledger *l, const struct place *where, const char *server)
{
    HOME_AUTO home = {0};
    bool known = false, moved = false;
    home_of(&home, l, where);
    struct key at = key_of(home.server.p, "", "");
    pthread_mutex_lock(&l->mutex);
    for (size_t i = 0; i < l->servers.n; i++) {
        const struct seen *seen = &l->servers.v[i];
        if (compare_keys(&seen->at, &at) != 0)
            continue;
        known |= strcmp(seen->server, server) == 0;
        moved |= is_successor(server, seen->server);
    }
    if (!known)
        vec_push(&l->arena, &l->servers, (struct seen){at, arena_strdup(&l->arena, server)});
    pthread_mutex_unlock(&l->mutex);
    if (moved && !known && l->believed.n && !atomic_exchange(&l->doubts, true))
        log_line(l->job->log, TALK_WARNING, "another server took over at %s, so every tenant is visited",
                 home.server.p);
}

/* The visit of one that was in the sample may have changed the file, and with it what a row would have to say. */
static bool take_sampled(struct ledger *l, const struct tenant *t)
{
    struct key tenant = key_of(t->id, "", "");
    bool found = false;
    pthread_mutex_lock(&l->mutex);
    for (size_t i = 0; i < l->sampled.n && !found; i++) {
        found = compare_keys(&l->sampled.v[i], &tenant) == 0;
        if (found)
            l->sampled.v[i] = l->sampled.v[--l->sampled.n];
    }
    pthread_mutex_unlock(&l->mutex);
    return found;
}

static bool has_blocking(const struct history_findings *findings)
{
    for (size_t i = 0; i < findings->n; i++)
        if (history_blocks(findings->v[i].kind))
            return true;
    return false;
}

enum sight { SIGHT_NOTHING, SIGHT_FINE, SIGHT_BEHIND, SIGHT_AHEAD };

/* What `rows`, as found or as left, are to a row of the ledger. */
static enum sight judge(const struct ledger *l, const struct outcome *out, const struct strings *rows)
{
    if (out->err.fault == FAULT_MISSING || out->skipped)
        return SIGHT_BEHIND;
    if (!out->has_state)
        return SIGHT_NOTHING;
    if (out->ahead || out->err.fault == FAULT_AHEAD)
        return SIGHT_AHEAD;
    return strings_equal(rows, &l->heads) && !has_blocking(&out->findings) ? SIGHT_FINE : SIGHT_BEHIND;
}

static void note_seen(struct ledger *l, const struct tenant *t, const struct place *where, const struct outcome *out)
{
    HOME_AUTO home = {0};
    if (out->server) {
        home_of(&home, l, where);
        ledger_note_seen(&l->notes, &l->table, t->id, home.text.p, out->server, out->began);
    } else if (!l->told_mute) {
        l->told_mute = true;
        log_line(l->job->log, TALK_WARNING,
                 "the server of tenant %s does not say which one it is, so migrate_ledger keeps nothing of its tenants",
                 t->id);
    }
}

static void note_visit(struct ledger *l, const struct tenant *t, const struct place *where, const struct outcome *out,
                       bool wrong)
{
    enum sight left = judge(l, out, &out->rows);
    bool fine = left == SIGHT_FINE && out->at_head && out->err.fault == FAULT_NONE;
    bool doubtful = left == SIGHT_BEHIND && (l->rules.writes || !l->rules.max_age_ms);
    if (fine) {
        if (l->rules.writes && l->notes.n < NOTES_AT_MOST)
            note_seen(l, t, where, out);
    } else if (wrong || doubtful) { /* what is ahead of us may be what another executable's row says */
        ledger_note_gone(&l->notes, &l->table, t->id);
    }
    if (l->notes.n >= NOTES_AT_ONCE && !l->later)
        flush(l, 0);
}

void ledger_note(struct ledger *l, const struct tenant *t, const struct place *where, const struct outcome *outcome)
{
    if (l->is_off)
        return;
    if (where->address.dialect == DIALECT_POSTGRESQL && outcome->server)
        note_server(l, where, outcome->server);
    bool sampled = take_sampled(l, t);
    enum sight found = judge(l, outcome, &outcome->state.rows);
    bool wrong = (found == SIGHT_BEHIND || found == SIGHT_AHEAD) && (sampled || has_row(l, t, where));
    if (wrong && !atomic_exchange(&l->doubts, true))
        log_line(l->job->log, TALK_WARNING, "tenant %s is not where migrate_ledger says, so every tenant is visited",
                 t->id);
    note_visit(l, t, where, outcome, wrong);
}
