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
 *                       └── finish: it needs no visit, or its host has been given up
 *
 * A host is known only when a tenant's address is made, so a worker takes first and asks then; if the host is full the
 * tenant waits there, first come first served, and the worker takes another one.
 *
 * A HOST'S SHARE is how many of its tenants are visited at a time. It begins at the bound. A server that has no connection
 * left halves what was under way, once for all the refusals of visits that began before the halving; it is left alone for
 * a jittered moment then, twice as long each time until it has accepted somebody. Each round of acceptances (as many as
 * the share) adds one, up to the bound: TCP's additive increase, multiplicative decrease (RFC 5681), tenants for segments.
 *
 * A HOST'S PATIENCE is how long it may refuse everybody, by the clock and not per tenant: from the beginning of the first
 * visit that it refused until it lets one in. There is one patience for a server that says that it has no connection yet,
 * and one for a server that cannot be reached; when it is over, who is refused has failed.
 *
 * A HOST IS GIVEN UP when its patience is over and QUEUE_SILENCES attempts in a row, nobody let in between, met silence:
 * each such attempt costs a worker as long as connecting may take. Its tenants come last then. While there is anything else
 * to do, one of them is tried every QUEUE_PROBE_MS; one that is let in, or refused at once, reopens the host. When nothing
 * else is left, those who still wait are taken without an attempt. A host that refuses at once costs nothing and is asked
 * for every tenant.
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
    int64_t refusing_since; /* when the first visit that was refused began, nobody let in since; 0: none */
    int64_t last_line;      /* when something was told; 0: never */
    uint32_t silences;      /* in a row */
    bool given_up;
    int64_t probe_at; /* given up: when one of its tenants is tried next */
    char *reason;     /* given up: what the last attempt said */
};

struct queue {
    uint32_t n, next, end; /* tenants; the fresh ones are next .. end */
    uint32_t in_hand;      /* taken, neither finished nor waiting */
    uint32_t bound;        /* of every host's share */
    bool hopeless;         /* nothing is left but tenants of hosts that were given up */
    int64_t busy_ms, away_ms;
    struct arena arena; /* the hosts' names */
    struct queue_host *hosts;
    uint32_t n_hosts, hosts_cap;
    uint32_t *table; /* hosts by their names' hashes, open addressing; 0: empty, else host + 1 */
    uint32_t table_size;
    uint32_t *links;                /* of those who wait, the next one; NULL until somebody does */
    uint32_t ring_first, ring_last; /* hosts where somebody waits, in turn */
};

enum { QUEUE_SILENCES = 3, QUEUE_PROBE_MS = 5000 };

/*
 * `bound`: visits of one host at a time, at least 1. How long a host may let in nobody: `busy_ms` while it says that it has
 * no connection, `away_ms` while it cannot be reached.
 */
void queue_init(struct queue *q, uint32_t n, uint32_t bound, int64_t busy_ms, int64_t away_ms);
void queue_free(struct queue *q);

/* The tenants from .. end - 1 are to be visited; those before are through. */
void queue_begin(struct queue *q, uint32_t from, uint32_t end);

/* A worker's hold on a tenant, and on a place at its host. */
struct queue_pass {
    uint32_t tenant;
    uint32_t host; /* QUEUE_NONE: entered none */
    uint32_t cuts; /* of the host, as it was entered */
    int64_t entered;
    bool given_up; /* it has no place at the host and is not to be tried */
};

enum queue_answer {
    QUEUE_TAKEN, /* *pass: a fresh tenant, or one that has waited and has a place at its host with this, or given up */
    QUEUE_WAIT,  /* nobody may be visited before *until (INT64_MAX: before somebody leaves) */
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
    enum {
        QUEUE_GOES_ON,  /* with `share` */
        QUEUE_REFUSING, /* it has accepted nobody for some time */
        QUEUE_GIVEN_UP, /* told whenever it is so */
    } what;
};
enum { QUEUE_TELL_MS = 10000 }; /* not more often than that about a host */

/* The server has let the visit in: it is there. Nothing for a pass without a host. */
void queue_meet(struct queue *q, const struct queue_pass *pass);
/* The server had a connection for the visit, which is over. */
void queue_accept(struct queue *q, const struct queue_pass *pass, int64_t now, struct queue_news *news);
/* Gives a place back; nothing for QUEUE_NONE. */
void queue_release(struct queue *q, uint32_t host);
struct queue_refusal {
    enum {
        QUEUE_BUSY,   /* it is there, and has no connection */
        QUEUE_AWAY,   /* it cannot be reached, and that was known at once */
        QUEUE_SILENT, /* nobody answered for as long as connecting may take */
    } kind;
    const char *why;    /* a word on the server; outlives the queue */
    const char *reason; /* all that is known; copied */
};
/*
 * The server had no connection for the visit; its place is released. True: the tenant waits at its host, and the pass is
 * void. False: the host has let in nobody for as long as patience goes; the visit has failed.
 */
bool queue_refuse(struct queue *q, const struct queue_pass *pass, const struct queue_refusal *refusal, int64_t now,
                  struct queue_news *news);
/* The tenant is through. */
void queue_finish(struct queue *q);

#endif
