/*
 * One visit under way: what its parts (visit.c, connect.c, recover.c, apply.c, statements.c, repair.c) share. Nothing
 * outside of run/ includes this.
 *
 * A visit is one loop: survey (read and judge the state), act (plan and run), and when either fails, recover (wait,
 * reconnect or back off, and then survey again) or give up. Every part may fail with any fault; only recover.c decides
 * which of them end the visit.
 */
#ifndef RUN_WORK_H
#define RUN_WORK_H

#include "run/visit.h"

/* A connection that outlives a visit, for tenants that share a database. The zero value holds none. */
struct link {
    struct db *db;
    uint8_t key[SHA256_BYTES]; /* of its address */
    bool counted;              /* the server's sessions are counted: one is closed only when the server has ended it */
    /* Called from the visit when the server has let it in; not for a connection that was kept. NULL: nobody listens. */
    void (*opened)(void *context);
    void *context;
};

/* How often and how long something was tried since the database last moved. */
struct patience {
    int64_t busy_since; /* 0: the lock was not found busy */
    int64_t last_line;  /* when the last "waiting" was said */
    unsigned lock_tries;
    unsigned lost;
    unsigned changed;
    int64_t between_since; /* 0: no later executable seems to be on its way */
};

struct work {
    struct arena *a;
    const struct job *job;
    const struct place *where;
    struct observer observer;
    const struct link *link;
    struct outcome *out;
    struct err *e; /* &out->err */
    /* For hints: "profile-migrate tenant", and " --tenant acme" or "". */
    const char *command;
    const char *option;

    struct db *db;
    struct db_options options;
    const struct history *history; /* of this database's dialect */

    /* The survey. Rows, digest and live follow each commit of ours, so that they are right without reading again. */
    bool surveyed;
    struct db_state state;
    struct revlist applied;
    struct strings unknown;        /* rows that the graph lacks */
    struct log_list log;           /* whole; empty when it was not needed */
    const struct log_entry **live; /* history_live(); NULL: everything is recorded as this executable carries it */
    struct digest digest;          /* over what is recorded of all that counts as applied */
    struct history_findings findings;
    bool warned;
    bool warned_of_version; /* by locks.c */

    /* The plan that a relative target led to; later plans must end where it does. */
    bool has_goal;
    struct plan goal;

    struct patience patience;
    const struct step *in_doubt;  /* the connection broke while it was committed */
    const struct revision *begun; /* the last one that the observer was told of */
    bool between;                 /* FAULT_DIVERGED, but perhaps a later executable is at work */
    bool final;                   /* the fault is not to be recovered from */
};

/* visit.c: a visit that may use, and leave behind, a connection; visit_unlink() closes that. */
bool visit_linked(struct arena *a, const struct job *job, const struct place *where, const struct observer *observer,
                  struct link *link, struct outcome *out);
void visit_unlink(struct link *link);
/* Says a line about this database: with the tenant's name in front. */
void work_say(const struct work *w, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * connect.c: opens with the patience that the job allows; a database that answers "starting" or "too many connections" is
 * asked again for `at_least_ms` even when the job does not wait. *created: it was made by this call.
 */
void connect_options(const struct job *job, const struct place *where, struct db_options *options);
bool connect_open(const struct job *job, const struct place *where, const struct db_options *options,
                  int64_t at_least_ms, struct db **out, bool *created, struct err *e);
/*
 * As connect_open(), for a visit: while nothing has been read and the job defers, a server that has no connection is
 * not asked again, and *out says that it is congested. The visit's first time (`at_least_ms` is 0) no server is, if the job
 * defers that too.
 */
bool connect_visit(struct work *w, int64_t at_least_ms);
/* Says how to make what is missing, unless the error has a hint already. */
void connect_hint_missing(const struct job *job, const struct place *where, struct err *e);
void connect_key(const struct address *address, uint8_t key[SHA256_BYTES]);
/* The run's own deadline; a job that says nothing has none. */
int64_t connect_deadline(const struct job *job);

/* recover.c */
/* After a fault in w->e: true when the visit is to survey again (w->e is empty then), false when it is over. */
bool recover(struct work *w);
/* The database moved, by us or by others: all patience is fresh. */
void recover_reset(struct work *w);
/* Polls until the lock is free; at most what lock_wait leaves. */
bool recover_wait_for_lock(struct work *w);
/* Sleeps about `ms`; false with *w->e set when the run is stopping or its deadline has passed. */
bool recover_sleep(struct work *w, int64_t ms, const char *what);
/* Tells at most every 10 s why nothing happens. */
void recover_tell(struct work *w, const char *why);

/* apply.c */
const struct revision_section *apply_section(const struct step *step, enum dialect dialect);
/* A section that runs statement by statement or batch by batch, each with a commit of its own. */
bool apply_is_stepwise(const struct revision_section *section);
/* May another revision be begun? FAULT_STOPPED or FAULT_DEADLINE when not. */
bool apply_may_begin(struct work *w, const char *what);
bool apply_plan(struct work *w, const struct plan *plan);
bool apply_stamp(struct work *w, const struct plan *plan);
/* One `adopt` row for every revision that counts as applied without a log row. */
bool apply_adopt(struct work *w);
/* Rows for the log without any change of version rows, in one commit. */
bool apply_entries(struct work *w, const struct log_entry *entries, size_t n);
/* A finished row; lives in the visit's arena. */
struct log_entry *apply_entry(struct work *w, const struct revision *r, const char *direction,
                              const struct strings *rows_after, const struct digest *digest);
struct db_step apply_step(const struct work *w, const struct step *step, const struct revision_section *section);
/* The digest once a step of this revision is done. */
void apply_digest(const struct work *w, struct digest *d, uint32_t index, bool up);
void apply_begins(struct work *w, const struct step *step);
/* Brings the survey, the outcome and the observer up to a step that is committed. */
void apply_committed(struct work *w, const struct step *step, const struct log_entry *entry, int64_t duration_ms);
/* Puts the revision into the message of a step that failed. Returns false. */
bool apply_failed(struct work *w, const struct step *step);

/* locks.c: what refuse_locks says of the steps, as FAULT_POLICY. */
bool locks_allow(struct work *w, const struct plan *plan);

/* statements.c */
bool statements_run(struct work *w, const struct step *step, const struct revision_section *section);
/* How far a revision came whose statements are committed one by one. */
struct progress {
    size_t finished;             /* statements */
    bool started;                /* the one after them was begun */
    const struct log_entry *row; /* the last row of it; NULL: nothing was begun */
};
struct progress statements_progress(const struct log_list *log, const struct revision *r, const char *direction);
void statements_prefix(const struct revision *r, const struct revision_section *section, size_t n,
                       char out[SHA256_HEX]);

/* repair.c */
bool repair_run(struct work *w);

#endif
