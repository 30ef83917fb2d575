/*
 * A real database that revisions are walked on, committed as in production: a database of its own on a scratch PostgreSQL,
 * or a SQLite database in memory. Walking needs three things of it: run a section, read the schema, and take a copy.
 *
 *     place.c              both engines behind one interface
 *     place_postgresql.c   databases on a server, made from one another by CREATE DATABASE … TEMPLATE
 *     place_sqlite.c       images of a database in memory
 *     trace.c              what a statement locks, rewrites and scans
 *     seed.c               rows that are put in as soon as the schema lets them
 *     walk.c               the ways through the graph of revisions
 *     verify.c             the command
 */
#ifndef GEN_VERIFY_PLACE_H
#define GEN_VERIFY_PLACE_H

#include "gen/bench.h"
#include "gen/source.h"

struct ground; /* where places are: a server (a cluster of ours, or the one of --scratch), or memory */
struct place;

struct ground_options {
    enum dialect dialect;
    const char *scratch; /* PostgreSQL: a server on which databases may be made; NULL: a cluster of our own */
    int major;           /* 0: the newest */
    const struct source_stream *stream;
    struct scope scope;
    const char *tenant; /* for migrate_setting() and migrate.tenant_id; NULL: none */
};

/*
 * FAULT_CONFIG: no server, or one on which this role may make no databases. On a server that is not ours every database that
 * we make has a name that begins with "migrate_verify_"; those of a run that was killed are dropped by the next, and roles
 * that had to be made are dropped in the end.
 */
bool ground_open(struct ground **out, const struct ground_options *options, struct err *e);
void ground_close(struct ground *g);      /* NULL is fine; places must be closed before */
int ground_major(const struct ground *g); /* of the server; SQLite: 0 */

/* An empty database with the version table beside it; and one that is as another is now. */
bool place_open(struct ground *g, struct place **out, struct err *e);
bool place_copy(struct place *from, struct place **out, struct err *e);
void place_close(struct place *p); /* drops it; NULL is fine */

/*
 * Runs a section as production would: one transaction, or statement by statement, or batch by batch. `locks` (NULL: do
 * not trace; SQLite: ignored) has room for as many as the section has statements, and is filled in; its texts are in `a`.
 * On failure nothing of a transaction stays, the error has the revision's file:line:column, and *failed is the
 * statement's index, or n_statements for the commit.
 */
bool place_run(struct place *p, struct arena *a, const struct source_revision *revision,
               const struct revision_section *section, struct statement_locks *locks, uint32_t *failed, struct err *e);

/* One statement of a seed, committed; false and as before when it fails. */
bool place_seed(struct place *p, struct str sql, struct err *e);

/* Whether a failure says something of the SQL, and not of the server or the way to it. */
bool place_refused(const struct err *e);

/* Rows of a table, named as its identity in the catalog has it; -1: they cannot be counted. */
int64_t place_count(struct place *p, const char *table);

/* The schema, read as everywhere. */
bool place_read(struct place *p, struct arena *a, struct catalog **out, struct err *e);

#endif
