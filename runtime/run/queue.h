/*
 * The queue of a fleet: which tenant is visited next, and how many of a server's tenants at a time. A plain value: it takes
 * no lock, reads no clock, visits nobody. Its caller holds one mutex over it and says what time it is.
 *
 * Tenants are numbers, their places in the order of the run. queue_begin() lays out a stretch of them; a tenant is taken,
 * enters its host, leaves it and is finished:
 *
 *     fresh ── take ──▶ in hand ── enter ──▶ visited ── accept, release ──▶ in hand ── finish ──▶ through
 *                       │  ▲        │           │                              ▲
 *                       │  │        ▼           ▼                              │
 *                       │  └─── take ─── waiting at the host ◀── refuse ── no patience left
 *                       └── finish: it needs no visit
 *
 * A host is known only when a tenant's address is made, so a worker takes first and asks then; if the host is full the
 * tenant waits there, first come first served, and the worker takes another one.
 *
 * A HOST'S SHARE is how many of its tenants are visited at a time. It begins at the bound. A server that has no connection
 * left halves what was under way, once for all the refusals of visits that began before the halving; it is left alone for
 * a jittered moment then, twice as long each time until it has accepted somebody. Each round of acceptances (as many as
 * the share) adds one, up to the bound: TCP's additive increase, multiplicative decrease (RFC 5681), tenants for segments.
 */
#ifndef RUN_QUEUE_H
#define RUN_QUEUE_H

#include "base/mem.h"

#define QUEUE_NONE UINT32_MAX /* no tenant; no host */

struct queue_host {
    const char *name;
    const char *why; /* it refused last */
    uint64_t hash;
    uint32_t share;         /* visits that may be under way */
    uint32_t running;       /* visits that are */
    uint32_t cuts;          /* how often the share was halved */
    uint32_t accepted;      /* since the share last changed */
    uint32_t first, last;   /* tenants that wait here */
    bool told;              /* the share as it is now was told */
    uint32_t ring_next;     /* while somebody waits here */
    int64_t pause;          /* the last back-off; 0: none since somebody was accepted */
    int64_t not_before;     /* nobody enters until then */
    int64_t refusing_since; /* when the first visit that was refused began, nobody accepted since; 0: none */
    int64_t last_line;      /* when something was told; 0: never */
};

struct queue {
    uint32_t n, next, end; /* tenants; the fresh ones are next .. end */
    uint32_t in_hand;      /* taken, neither finished nor waiting */
    uint32_t bound;        /* of every host's share */
    int64_t patience;
    struct arena arena; /* the hosts' names */
    struct queue_host *hosts;
    uint32_t n_hosts, hosts_cap;
    uint32_t *table; /* hosts by their names' hashes, open addressing; 0: empty, else host + 1 */
    uint32_t table_size;
    uint32_t *links;                /* of those who wait, the next one; NULL until somebody does */
    uint32_t ring_first, ring_last; /* hosts where somebody waits, in turn */
};

/* `bound`: visits of one host at a time, at least 1. `patience_ms`: how long a host may accept nobody. */
void queue_init(struct queue *q, uint32_t n, uint32_t bound, int64_t patience_ms);
void queue_free(struct queue *q);

/* The tenants from .. end - 1 are to be visited; those before are through. */
void queue_begin(struct queue *q, uint32_t from, uint32_t end);

/* A worker's hold on a tenant, and on a place at its host. */
struct queue_pass {
    uint32_t tenant;
    uint32_t host; /* QUEUE_NONE: entered none */
    uint32_t cuts; /* of the host, as it was entered */
    int64_t entered;
};

enum queue_answer {
    QUEUE_TAKEN,   /* *pass: a fresh tenant, or one that has waited and has a place at its host with this */
    QUEUE_WAIT,    /* nobody may be visited before *until (INT64_MAX: before somebody leaves) */
    QUEUE_THROUGH, /* all that was begun is finished */
};
/*
 * `held` is a host where this worker has a place already (it did not release it), or QUEUE_NONE: one who waits there comes
 * first and takes over the place. Otherwise the place is still the worker's, to hand to queue_enter() or to release.
 */
enum queue_answer queue_take(struct queue *q, uint32_t held, int64_t now, struct queue_pass *pass, int64_t *until);

/* The host of that name; made when it is new. */
uint32_t queue_host(struct queue *q, const char *name);
/*
 * May the tenant's visit begin? False: it waits at the host now, and the pass is void. A place `held` at this host is used,
 * or released; one at another host must have been released.
 */
bool queue_enter(struct queue *q, struct queue_pass *pass, uint32_t host, uint32_t held, int64_t now);

/* What is to be said about a host. */
struct queue_news {
    const char *host; /* NULL: nothing. Lives as long as the queue */
    const char *why;  /* the last queue_refuse()'s */
    uint32_t share;
    bool refusing; /* it has accepted nobody for some time; otherwise it goes on with `share` */
};
enum { QUEUE_TELL_MS = 10000 }; /* not more often than that about a host */

/* The server had a connection for the visit. */
void queue_accept(struct queue *q, const struct queue_pass *pass, int64_t now, struct queue_news *news);
/* Gives a place back; nothing for QUEUE_NONE. */
void queue_release(struct queue *q, uint32_t host);
/*
 * The server had no connection for the visit; its place is released. True: the tenant waits at its host, and the pass is
 * void. False: the host has accepted nobody for as long as patience goes; the visit has failed. `why` outlives the queue.
 */
bool queue_refuse(struct queue *q, const struct queue_pass *pass, const char *why, int64_t now,
                  struct queue_news *news);
/* The tenant is through. */
void queue_finish(struct queue *q);

#endif
