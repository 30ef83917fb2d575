/*
 * All databases of one stream, ready to be visited: settings resolved, the job made from them, and for a fleet the
 * tenants listed and filtered. A single stream is a fleet of one whose tenant has no id.
 */
#ifndef CLI_VISITS_H
#define CLI_VISITS_H

#include "cli/app.h"
#include "cli/homes.h"
#include "run/ledger.h"

enum { VISITS_ROUNDS = 4 }; /* how often the list is read again */

struct visits {
    struct app *app;
    const struct stream *stream;
    const struct stream *registry; /* NULL: a single stream */
    const struct graph *graph;
    struct config config, registry_config;
    struct job job, registry_job;
    struct place registry_place;
    struct choice choice; /* who is meant */
    struct stages stages; /* and in which order */
    struct tenant_list tenants;
    struct tenant_list late[VISITS_ROUNDS]; /* what `tenants` took over from lists that were read again */
    struct strings registry_applied;
    struct fleet_result result;
    struct err why;        /* what kept it from being run at all; FAULT_NONE: nothing */
    size_t unchanged;      /* of those that were visited */
    struct homes *homes;   /* while a fleet runs */
    char *hinted;          /* the last hint that was given */
    struct ledger *ledger; /* NULL: nobody is known without a visit */
    bool asks_ledger;      /* the command is about who stands at the heads */
    bool visits_all;       /* and takes nobody's word for it */
    /* Called as each visit ends, one call at a time, in order of completion; may be NULL. */
    void (*each)(struct visits *v, const struct tenant *t, const struct place *where, const struct outcome *outcome);
    void *context;
    struct observer observer; /* context is the visits */
    bool progress;            /* a progress line on a terminal */
};

/*
 * Reads the settings and makes the job; opens nothing. Filters on a single stream, unknown -x keys and the like are
 * FAULT_USAGE.
 */
bool visits_prepare(struct app *app, const struct stream *stream, enum job_kind kind, struct visits *v, struct err *e);
/*
 * Lists the tenants of a fleet, and reads what the registry has when `requires`. *nobody: the list is empty and that is
 * fine (no_tenants = ok).
 */
bool visits_list(struct visits *v, bool requires, struct err *e);
/* Visits all. False only when that could not be begun. Failures are in v->result. */
bool visits_run(struct visits *v, struct err *e);
/*
 * Reads the list again and visits who appeared while visits_run() was at work, until nobody does. Only where everybody was
 * meant; what was halted or stopped stays so. Failures are in v->result with the others'.
 */
void visits_run_late(struct visits *v);
/* Databases that this run changed, and that did not fail: with those unchanged, known, skipped, failed and not started all. */
size_t visits_changed(const struct visits *v);
/* The status that v->result amounts to: fleet_exit_code(), and 128 + signal when work was left for a signal. */
int visits_status(const struct visits *v);
/* To an error of a login that was refused: where the address came from. `t` NULL: not a tenant's. */
void visits_hint_login(const struct config *c, const struct tenant *t, struct err *e);
/* A fleet's failure in full, as it happens; visits_report() names them all once more. */
void visits_tell_failure(struct visits *v, const struct tenant *t, const struct outcome *outcome);
/* Prints the failures: in full for a single database, a line each for a fleet. */
void visits_report(struct visits *v);
/* The same as the member "failures" of the object being written. */
void visits_json_failures(struct json *j, const struct visits *v);
void visits_json_failure(struct json *j, const struct visits *v, const struct tenant_failure *f); /* one of its items */
void visits_free(struct visits *v);
/* The end of a command's work on a stream: into the report (--report), and everything given back. The status. */
int visits_end(struct visits *v, int status);
/* What kept the databases from being visited at all: said, and kept in v->why. The status. */
int visits_refuse(struct visits *v, const struct err *e);
/* Both. */
int visits_fail(struct visits *v, const struct err *e);

/*
 * The version rows of the one database that a command means: of a single stream, or of the one tenant chosen with a
 * filter. False with *status set and everything said.
 */
bool visits_one_database(struct app *app, const struct stream *stream, struct strings *rows, int *status);

/* The name under which a database is spoken of: the tenant's id, or the stream's name. */
const char *visits_name(const struct visits *v, const char *tenant);

/*
 * Collects a text for each database and prints them (--json: adds them to the answer's items) in the order of the list,
 * as early as possible. `index` is the tenant's place in the list. Of the text control characters are cleaned.
 */
struct ordered {
    struct app *app;
    char **pending; /* finished, but something before it is not */
    size_t n, next;
};
void ordered_init(struct ordered *o, struct visits *v);
void ordered_put(struct ordered *o, size_t index, const struct buf *text);
void ordered_free(struct ordered *o);

#endif
