/*
 * Many visits: tenants of a registry, worker threads over one queue. A tenant's failure never stops or blocks another.
 */
#ifndef RUN_FLEET_H
#define RUN_FLEET_H

#include "run/tenants.h"

/* Makes the address of a tenant; supplied by the command, which knows settings and environment. Thread-safe. */
struct addresser {
    bool (*place)(void *context, struct arena *a, const struct tenant_list *list, const struct tenant *t,
                  struct place *out, struct err *e);
    void *context;
};

/* A number, or a share of all. */
struct tolerance {
    uint64_t number;
    unsigned percent; /* 0..100; used when is_percent */
    bool is_percent;
};
bool tolerance_covers(const struct tolerance *t, size_t failures, size_t n_tenants);

/* A run at a glance, while it goes on. */
struct fleet_counts {
    size_t total, done, known, failed, running; /* done: all that are through, failed and known ones too */
    size_t stage, n_stages;                     /* from 0; n_stages 0: no stages */
};

struct fleet_options {
    size_t jobs;
    size_t jobs_per_host; /* 0: as many as jobs; a SQLite file is on no host */
    struct stages stages;
    bool has_max_failures;
    struct tolerance max_failures;
    /*
     * Known to need no visit (run/ledger.h): called from the workers, once of each, right before the visit would begin;
     * NULL: none is. doubts() is asked when all are through and some were known, while nobody visits anything: true has
     * those visited after all, stage by stage. Where that cannot be (a halt, a stop) they are not started.
     */
    bool (*known)(void *context, const struct tenant *t, const struct place *where);
    bool (*doubts)(void *context);
    /* Called for every tenant as its visit ends (not for known ones), one call at a time, in order of completion. */
    void (*done)(void *context, const struct tenant *t, const struct place *where, const struct outcome *outcome);
    /* Called with the numbers so far when one of them changed, one call at a time together with done(); may be NULL. */
    void (*moved)(void *context, const struct fleet_counts *counts);
    void *context;
    struct observer observer;
};

/* What must outlive the visits: a byte a tenant, plus the errors. */
enum tenant_state { TENANT_NOT_STARTED, TENANT_DONE, TENANT_SKIPPED, TENANT_FAILED, TENANT_KNOWN };
struct tenant_failure {
    size_t tenant; /* index in the list */
    enum fault fault;
    const char *revision; /* NULL: none */
    struct err err;
};
/* Why tenants were not started, when neither a signal nor the deadline did that. */
enum fleet_halt { HALT_NONE, HALT_CANARY, HALT_WAVE, HALT_MAX_FAILURES };
struct fleet_result {
    uint8_t *states; /* enum tenant_state, one a tenant */
    size_t done, known, skipped, failed, not_started;
    size_t changed; /* tenants where at least one step was committed */
    size_t steps;
    size_t bodies; /* failures that max_failures counts: FAULT_FAILED in a revision */
    enum fleet_halt halt;
    size_t halt_stage;               /* the stage after which nothing was begun, from 0 */
    struct tenant_failure *failures; /* in the list's order */
    size_t n_failures;
    size_t failures_cap;
};
/*
 * Worker threads take tenants stage by stage. After the canaries all of them must have succeeded, whatever failed; after a
 * wave the bodies that failed must be within max_failures, or none without it. More than max_failures end the run at once,
 * also within a stage. Where nobody is left to begin, nothing was halted.
 *
 * A server that says that it has no connection left, or that it is starting (53300, 57P03), halves the number of its
 * tenants that are visited at a time; the tenant goes back into the queue, and fails only when its server has had nobody
 * for as long as lock_wait (or wait) says; if the run ends first, it was not started. Each round of visits that succeed
 * gives the server one more, up to jobs_per_host (run/queue.h).
 *
 * Where there are several tenants, a server that cannot be reached is treated alike for as long as `wait` says: once for the
 * server, not once for each of its tenants, and those of other servers are visited meanwhile. A tenant that is refused after
 * that has failed. One that waits for connect_timeout and hears nothing keeps a worker busy; so a server that was silent
 * three times in a row is given up: its tenants come last, one of them is tried every few seconds while others are visited,
 * and when nobody else is left, those that remain fail without having been tried. One tenant alone is waited for by its
 * visit.
 */
/* False only when the fleet could not be run at all (*e); tenants' failures are in the result. */
bool fleet_run(const struct job *job, const struct tenant_list *list, const struct addresser *addresser,
               const struct fleet_options *options, struct fleet_result *out, struct err *e);
void fleet_free(struct fleet_result *result);

/*
 * The process's status over all failures: the first that applies of 2, 1, 5, 4, 3, 0. `tolerated` failures (a number, or
 * a share of all) do not count towards 1, 4 and 5. 2 says that nothing was touched: where a database was changed, it is 1.
 * A run that a canary, a wave or max_failures halted is a failed one, whatever is tolerated.
 */
int fleet_exit_code(const struct fleet_result *result, size_t n_tenants, const struct tolerance *tolerance);

#endif
