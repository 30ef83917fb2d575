/*
 * A place to build schemas of one dialect and to look at them: the one transaction of a scratch PostgreSQL (server.h), or
 * a SQLite database in memory. What stands in it is a schema without rows, but for those that bench_seed() puts there.
 */
#ifndef GEN_BENCH_H
#define GEN_BENCH_H

#include "gen/changes.h"
#include "gen/source.h"
#include "schema/read.h"

struct bench;

struct bench_options {
    enum dialect dialect;
    const char *scratch; /* of PostgreSQL: the standing scratch database; NULL: a cluster of our own */
    int major;           /* which PostgreSQL it must be; 0: any */
    const char *role;    /* who does everything; NULL: whoever the scratch database is opened as */
    const char *schema;  /* of the stream; NULL: the dialect's own ("public") */
    struct scope scope;  /* what is read */
    const char *stream;  /* for migrate_setting(); may be NULL */
    const char *tenant;  /* likewise; NULL: none */
};

/* The strings of the options are borrowed. FAULT_CONFIG: there is no server of that major version, or it does not do. */
bool bench_open(struct bench **out, const struct bench_options *options, struct err *e);
void bench_close(struct bench *b); /* NULL is fine */

/* Empty again. */
bool bench_clear(struct bench *b, struct err *e);
/* A schema file; findings are at file:line:column; false when there are errors. */
bool bench_load(struct bench *b, struct findings *out, const struct text_file *file);
/* Before that, on PostgreSQL: an extension that the file takes for granted. */
bool bench_add_extension(struct bench *b, const char *name, const char *schema, const char *version, struct err *e);
/*
 * Makes what stands there anew from what can be read of it, without its rows. PostgreSQL lets nobody use an enum's new label
 * before it is committed, and nothing is ever committed here: a type that is made anew has all its labels at once.
 */
bool bench_settle(struct bench *b, struct err *e);
#define NEW_LABEL_IN_USE "55P04" /* SQLSTATE of a statement that wants bench_settle() first */
/* The roles that a schema speaks of, as far as they are not there. */
bool bench_add_roles(struct bench *b, const struct catalog *schema, struct err *e);
/* A section of a revision, its body cut into statements; what cannot run in a transaction runs as if it could. */
bool bench_run_section(struct bench *b, const struct revision *revision, const struct revision_section *section,
                       struct err *e);
/* Statements in order, each with its own failure: the engine's words, the statement as detail. */
bool bench_run(struct bench *b, const struct strings *sql, struct err *e);
/* What stands there now; `relative`: `shown` has names as the search path allows, not as `exact` has them. */
bool bench_read(struct bench *b, struct arena *a, bool relative, struct snapshot *out, struct err *e);

/*
 * SQLite: so many rows into every table that takes them. Checks and foreign keys are not looked at from then on: the rows
 * are made up. PostgreSQL: nothing, there rows stay where they are.
 */
bool bench_seed(struct bench *b, unsigned rows, struct err *e);
/* Rows of the table that has this address; -1: they cannot be counted. */
int64_t bench_count(struct bench *b, const char *table);

/*
 * A snapshot from any source. Both readings must show the same objects: FAULT_LOCK when somebody changed the schema in
 * between.
 */
bool snapshot_read(struct arena *a, const struct catalog_source *source, const struct scope *scope, bool relative,
                   struct snapshot *out, struct err *e);
/* The same statement without its CONCURRENTLY. */
const char *without_concurrently(struct arena *a, struct str statement);

#endif
