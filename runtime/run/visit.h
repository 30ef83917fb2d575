/*
 * One visit to one database: open, read the state, decide, do, close. A command on a single database is one visit; a fleet
 * is many. Nothing here prints: what happened is in the outcome, and, while it happens, in the observer's calls.
 */
#ifndef RUN_VISIT_H
#define RUN_VISIT_H

#include "run/history.h"

enum job_kind {
    JOB_READ, /* the state only: current, status, check, log, dry-run (with a plan when `target` is set) */
    JOB_UPGRADE,
    JOB_DOWNGRADE,
    JOB_STAMP,
    JOB_ENSURE_VERSION,
    JOB_REPAIR,
    JOB_WAIT, /* only that it answers */
};

enum on_ahead { ON_AHEAD_REFUSE, ON_AHEAD_ALLOW };
enum on_missing { ON_MISSING_DEFAULT, ON_MISSING_FAIL, ON_MISSING_SKIP, ON_MISSING_CREATE };

struct place;
struct template;

/* What every visit of a run shares; resolved by the command, read-only while it runs. */
struct job {
    enum job_kind kind;
    const struct catalogue *catalogue;
    const struct graph *graph;
    const struct history *history[DIALECT_COUNT];
    /* JOB_READ with dry_run: which plan to make. */
    enum job_kind planned;  /* JOB_UPGRADE, JOB_DOWNGRADE or JOB_STAMP; JOB_READ: none */
    struct str target;      /* upgrade, downgrade */
    struct strings targets; /* stamp */
    bool purge;
    bool together;         /* --transaction all */
    unsigned refuse_locks; /* enum lock_policy: PostgreSQL's steps that may not run; 0: none */
    bool fleet;            /* a downgrade to what a tenant is at or below is nothing to do */
    bool read_log;         /* JOB_READ: the whole log into the outcome, newest `log_limit` (0: all) */
    int64_t log_limit;
    bool read_history; /* JOB_READ: compare with the log even when the digest agrees (check --deep) */
    /*
     * JOB_READ: called with the open connection of a database that stands at the heads, from the visiting thread; what it
     * makes lives in the visit's arena and becomes outcome->seen. May be called again when a connection broke. NULL: nobody
     * looks closer.
     */
    bool (*look)(void *context, struct arena *a, struct db *db, const struct place *where, void **seen, struct err *e);
    void *look_context;
    enum on_ahead on_ahead;
    enum on_missing on_missing;
    struct template *template; /* what databases are copied from that are made (run/template.h); NULL: from nothing */
    bool makes_template;       /* a database that is made is to be one */
    bool allow_foreign;
    int64_t connect_timeout_ms, lock_wait_ms, lock_timeout_ms, statement_timeout_ms;
    int64_t batch_pause_ms; /* unless the section says otherwise */
    /*
     * A server without a connection left (53300) or still starting (57P03) is the caller's to ask again: a visit that
     * meets it before it has read anything ends at once with FAULT_UNREACHABLE and outcome->congested.
     */
    bool defer_congested;
    /* So is one that the visit's first attempt does not reach, for whatever reason; wait_ms is the caller's to pay then. */
    bool defer_unreachable;
    bool identify;   /* fill outcome->server */
    int64_t wait_ms; /* --wait: how long a database may be unreachable before that is the answer; 0 = not at all */
    unsigned lock_retries;
    int64_t deadline;
    const char *version_table, *version_schema; /* version_schema NULL: the search path decides */
    const char *application_name, *actor, *client_host, *build_id;
    const struct stop *stop;
    const struct log *log;
    /* Revisions of the registry's database, for `Requires`; NULL: unknown, so nothing that requires can run. */
    const char *registry_stream;
    const struct strings *registry_applied;
};

/* A database to visit. Strings live as long as the visit. */
struct place {
    const char *tenant; /* NULL: a single stream */
    const char *schema; /* NULL: none of its own */
    struct address address;
};

/* What came of it. Lives in the arena given to visit(), except `err`, which the caller frees. */
struct outcome {
    struct err err; /* FAULT_NONE: fine */
    bool skipped;   /* on_missing = skip */
    bool created;   /* the database was made */
    bool congested; /* see job->defer_congested and ->defer_unreachable */
    bool silent;    /* congested, and the attempt took as long as connect_timeout allows */
    /*
     * With job->identify: which server (PostgreSQL: system identifier and time line) or file (SQLite: device, inode, size
     * and time as they are after the visit) this was, for run/ledger.h; NULL: it would not say.
     */
    const char *server;
    bool has_state;
    enum dialect dialect;
    struct db_state state; /* as found first */
    struct strings rows;   /* as left */
    struct plan plan;      /* what was planned last; for dry runs the answer */
    size_t applied;        /* steps that this process committed */
    bool at_head;
    bool ahead;     /* rows of a later executable, tolerated by on_ahead = allow */
    size_t pending; /* revisions of `heads` not yet applied; 0 when rows are unknown */
    struct history_findings findings;
    struct log_list log;
    void *seen;                             /* what job->look made of it; NULL: it was not asked */
    struct strings repaired;                /* JOB_REPAIR: what it did, a sentence each */
    const struct revision *failed_revision; /* the one that failed, or was cancelled */
    int64_t began;                          /* clock_ms() */
    int64_t duration_ms;
};

/* How far the batches of a step came. */
struct batch_progress {
    int64_t batches, rows; /* of this visit */
    int64_t earlier_rows;  /* at least so many were touched by earlier runs */
    int64_t duration_ms;   /* of this visit */
    bool worth_a_line;     /* nothing of it was said for 10 s */
};

/* Called from the visiting thread; any may be NULL. */
struct observer {
    void (*step_begins)(void *context, const struct place *where, const struct step *step);
    void (*step_done)(void *context, const struct place *where, const struct step *step, int64_t duration_ms);
    void (*waiting)(void *context, const struct place *where, const char *why); /* at most every 10 s */
    /* After the first batch, then once a second at most, and after the last. */
    void (*batch_done)(void *context, const struct place *where, const struct step *step,
                       const struct batch_progress *progress);
    void *context;
};

/*
 * Has the registry's database what these steps require? FAULT_REQUIRES names the first that it has not. requirements_ahead()
 * asks it of all that leads from an empty database to job->target, so that a fleet is refused before the first tenant is
 * touched; a relative target depends on each tenant's rows and passes, as does one that leads nowhere.
 */
bool requirements_met(const struct job *job, const struct plan *plan, struct err *e);
bool requirements_ahead(struct arena *a, const struct job *job, struct err *e);

/* True when outcome->err.fault is FAULT_NONE. */
bool visit(struct arena *a, const struct job *job, const struct place *where, const struct observer *observer,
           struct outcome *out);

#endif
