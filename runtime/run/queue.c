/*
 * Takes and puts back. Nothing here costs more for a larger fleet: taking looks only at hosts where somebody waits, and
 * those are hosts that are full or that refused somebody.
 */
#include "run/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 2000 };

void queue_init(struct queue *q, uint32_t n, uint32_t bound, int64_t busy_ms, int64_t away_ms)
{
    *q = (struct queue){.n = n, .bound = bound ? bound : 1, .busy_ms = busy_ms, .away_ms = away_ms};
    q->ring_first = q->ring_last = QUEUE_NONE;
}

void queue_free(struct queue *q)
{
    for (uint32_t i = 0; i < q->n_hosts; i++)
        free(q->hosts[i].reason);
    free(q->hosts);
    free(q->table);
    free(q->links);
    arena_free(&q->arena);
    *q = (struct queue){0};
}

void queue_begin(struct queue *q, uint32_t from, uint32_t end)
{
    q->next = from;
    q->end = end;
    q->hopeless = false;
}

/* ------------------------------------------------------------------------------------------------------------ hosts */

/* FNV-1a. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = 14695981039346656037U;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211U;
    return hash;
}

/* The place in the table where the name stands, or would. */
static uint32_t *find_host(const struct queue *q, const char *name, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (q->table_size - 1);
    for (; q->table[at]; at = (at + 1) & (q->table_size - 1)) {
        const struct queue_host *h = &q->hosts[q->table[at] - 1];
        if (h->hash == hash && strcmp(h->name, name) == 0)
            break;
    }
    return &q->table[at];
}

static void grow_table(struct queue *q)
{
    free(q->table);
    q->table_size = q->table_size ? 2 * q->table_size : 16;
    q->table = mem_alloc(q->table_size * sizeof *q->table);
    for (uint32_t i = 0; i < q->n_hosts; i++)
        *find_host(q, q->hosts[i].name, q->hosts[i].hash) = i + 1;
}

uint32_t queue_host(struct queue *q, const char *name)
{
    uint64_t hash = hash_name(name);
    if (2 * (q->n_hosts + 1) > q->table_size)
        grow_table(q);
    uint32_t *place = find_host(q, name, hash);
    if (*place)
        return *place - 1;
    if (q->n_hosts == q->hosts_cap) {
        q->hosts_cap = q->hosts_cap ? 2 * q->hosts_cap : 4;
        q->hosts = mem_resize(q->hosts, q->hosts_cap * sizeof *q->hosts);
    }
    q->hosts[q->n_hosts] = (struct queue_host){
        .name = arena_strdup(&q->arena, name),
        .hash = hash,
        .share = q->bound,
        .first = QUEUE_NONE,
        .last = QUEUE_NONE,
        .ring_next = QUEUE_NONE,
        .told = true,
    };
    *place = ++q->n_hosts;
    return q->n_hosts - 1;
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

static void ring_add(struct queue *q, uint32_t host)
{
    q->hosts[host].ring_next = QUEUE_NONE;
    if (q->ring_first == QUEUE_NONE)
        q->ring_first = host;
    else
        q->hosts[q->ring_last].ring_next = host;
    q->ring_last = host;
}

/* Takes the host after `before` (QUEUE_NONE: the first) out. */
static void ring_drop(struct queue *q, uint32_t before, uint32_t host)
{
    if (before == QUEUE_NONE)
        q->ring_first = q->hosts[host].ring_next;
    else
        q->hosts[before].ring_next = q->hosts[host].ring_next;
    if (q->ring_last == host)
        q->ring_last = before;
}

static void wait_at(struct queue *q, uint32_t tenant, uint32_t host)
{
    struct queue_host *h = &q->hosts[host];
    if (!q->links)
        q->links = mem_alloc(q->n * sizeof *q->links);
    q->links[tenant] = QUEUE_NONE;
    if (h->first == QUEUE_NONE) {
        h->first = tenant;
        ring_add(q, host);
    } else {
        q->links[h->last] = tenant;
    }
    h->last = tenant;
    q->in_hand--;
}

/* The one who has waited longest; the place at the host is the caller's business. */
static void wake_first(struct queue *q, uint32_t before, uint32_t host, int64_t now, struct queue_pass *pass)
{
    struct queue_host *h = &q->hosts[host];
    *pass = (struct queue_pass){.tenant = h->first, .host = host, .cuts = h->cuts, .entered = now};
    h->first = q->links[h->first];
    ring_drop(q, before, host);
    if (h->first != QUEUE_NONE) /* the other hosts have their turn first */
        ring_add(q, host);
    q->in_hand++;
}

/* ----------------------------------------------------------------------------------------------------------- taking */

static uint32_t ring_before(const struct queue *q, uint32_t host)
{
    uint32_t before = QUEUE_NONE;
    for (uint32_t h = q->ring_first; h != host; h = q->hosts[h].ring_next)
        before = h;
    return before;
}

/*
 * Is nothing left but tenants of hosts that were given up? Those that are tried there just now are no reason to try more:
 * two such hosts would keep each other alive.
 */
static bool is_hopeless(const struct queue *q)
{
    uint32_t tried = 0;
    if (q->next < q->end)
        return false;
    for (uint32_t host = q->ring_first; host != QUEUE_NONE; host = q->hosts[host].ring_next) {
        if (!q->hosts[host].given_up)
            return false;
        tried += q->hosts[host].running;
    }
    return q->in_hand <= tried;
}

/* May one who waits at the host begin? If that is a matter of time, *until says so. */
static bool may_begin(const struct queue *q, struct queue_host *h, int64_t now, int64_t *until)
{
    if (h->given_up ? h->running || q->hopeless : h->running >= h->share)
        return false;
    int64_t from = h->given_up ? h->probe_at : h->not_before;
    if (now < from)
        *until = clock_min(*until, from);
    else if (h->given_up)
        h->probe_at = now + QUEUE_PROBE_MS;
    return now >= from;
}

/* One who waits for a host that was given up, when nothing else is left; not while somebody is being tried there. */
static bool take_hopeless(struct queue *q, int64_t now, struct queue_pass *pass)
{
    if (!q->hopeless)
        return false;
    for (uint32_t before = QUEUE_NONE, host = q->ring_first; host != QUEUE_NONE;
         before = host, host = q->hosts[host].ring_next)
        if (q->hosts[host].given_up && !q->hosts[host].running) {
            wake_first(q, before, host, now, pass);
            return pass->given_up = true;
        }
    return false;
}

enum queue_answer queue_take(struct queue *q, uint32_t held, int64_t now, struct queue_pass *pass, int64_t *until)
{
    *until = INT64_MAX;
    if (held != QUEUE_NONE && q->hosts[held].first != QUEUE_NONE && q->hosts[held].running <= q->hosts[held].share &&
        now >= q->hosts[held].not_before && !q->hosts[held].given_up) {
        wake_first(q, ring_before(q, held), held, now, pass);
        return QUEUE_TAKEN;
    }
    q->hopeless = q->hopeless || is_hopeless(q);
    for (uint32_t before = QUEUE_NONE, host = q->ring_first; host != QUEUE_NONE;
         before = host, host = q->hosts[host].ring_next) {
        if (!may_begin(q, &q->hosts[host], now, until))
            continue;
        q->hosts[host].running++;
        wake_first(q, before, host, now, pass);
        return QUEUE_TAKEN;
    }
    if (q->next < q->end) {
        *pass = (struct queue_pass){.tenant = q->next++, .host = QUEUE_NONE};
        q->in_hand++;
        return QUEUE_TAKEN;
    }
    if (take_hopeless(q, now, pass))
        return QUEUE_TAKEN;
    return q->in_hand || q->ring_first != QUEUE_NONE ? QUEUE_WAIT : QUEUE_THROUGH;
}

bool queue_enter(struct queue *q, struct queue_pass *pass, uint32_t host, uint32_t held, int64_t now)
{
    struct queue_host *h = &q->hosts[host];
    if (held == host)
        h->running--;
    /* Those who wait already come first. */
    if (h->first != QUEUE_NONE || h->running >= h->share || now < h->not_before || h->given_up) {
        wait_at(q, pass->tenant, host);
        return false;
    }
    h->running++;
    pass->host = host;
    pass->cuts = h->cuts;
    pass->entered = now;
    return true;
}

void queue_release(struct queue *q, uint32_t host)
{
    if (host != QUEUE_NONE)
        q->hosts[host].running--;
}

void queue_finish(struct queue *q)
{
    q->in_hand--;
}

/* ------------------------------------------------------------------------------------------------------------ shares */

static void tell(struct queue_host *h, int what, int64_t now, struct queue_news *news)
{
    if (what != QUEUE_GIVEN_UP && h->last_line && now - h->last_line < QUEUE_TELL_MS)
        return;
    h->last_line = now;
    h->told = true;
    *news = (struct queue_news){.host = h->name, .why = h->why, .share = h->share, .what = what};
}

static void meet(struct queue_host *h)
{
    h->refusing_since = 0;
    h->silences = 0;
    h->given_up = false;
}

void queue_meet(struct queue *q, const struct queue_pass *pass)
{
    if (pass->host != QUEUE_NONE)
        meet(&q->hosts[pass->host]);
}

void queue_accept(struct queue *q, const struct queue_pass *pass, int64_t now, struct queue_news *news)
{
    *news = (struct queue_news){0};
    if (pass->host == QUEUE_NONE)
        return;
    struct queue_host *h = &q->hosts[pass->host];
    meet(h);
    h->pause = 0;
    if (pass->cuts != h->cuts) /* it began when the share was another */
        return;
    if (!h->told) /* halved more than once perhaps, and this is where it came to rest */
        tell(h, QUEUE_GOES_ON, now, news);
    if (++h->accepted >= h->share && h->share < q->bound) {
        h->share++;
        h->accepted = 0;
    }
}

static void cut_share(struct queue_host *h, int64_t now)
{
    uint32_t under_way = h->running < h->share ? h->running : h->share;
    uint32_t share = under_way > 1 ? under_way / 2 : 1;
    h->told &= share == h->share;
    h->share = share;
    h->cuts++;
    h->accepted = 0;
    h->pause = h->pause ? clock_min(2 * h->pause, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    h->not_before = now + clock_jitter(h->pause);
}

/* A refusal at once says that somebody is there to refuse, so that is not counted on. */
static void count_silence(struct queue_host *h, const struct queue_refusal *refusal, bool over, int64_t now,
                          struct queue_news *news)
{
    if (refusal->kind != QUEUE_SILENT) {
        h->silences = 0;
        h->given_up = false;
        return;
    }
    h->silences++;
    if (!over || h->silences < QUEUE_SILENCES)
        return;
    free(h->reason);
    h->reason = mem_strdup(refusal->reason);
    h->probe_at = now + QUEUE_PROBE_MS;
    if (!h->given_up)
        tell(h, QUEUE_GIVEN_UP, now, news);
    h->given_up = true;
}

bool queue_refuse(struct queue *q, const struct queue_pass *pass, const struct queue_refusal *refusal, int64_t now,
                  struct queue_news *news)
{
    struct queue_host *h = &q->hosts[pass->host];
    *news = (struct queue_news){0};
    h->why = refusal->why;
    if (!h->refusing_since)
        h->refusing_since = pass->entered;
    int64_t end = h->refusing_since + (refusal->kind == QUEUE_BUSY ? q->busy_ms : q->away_ms);
    bool over = now >= end;
    /* Behind a pooler's address there may be others, who shall not suffer from what costs nothing. */
    if (pass->cuts == h->cuts && !(over && refusal->kind == QUEUE_AWAY))
        cut_share(h, now);
    h->not_before = clock_min(h->not_before, over ? now : end);
    queue_release(q, pass->host);
    count_silence(h, refusal, over, now, news);
    /* Where it is full, somebody may be accepted at this moment. */
    if (over && !(refusal->kind == QUEUE_BUSY && h->running))
        return false;
    if (!h->running && now - h->refusing_since >= QUEUE_TELL_MS) /* who starts within seconds is not worth a line */
        tell(h, QUEUE_REFUSING, now, news);
    wait_at(q, pass->tenant, pass->host);
    return true;
}
