/*
 * What two schemas can be compared from: a database, a schema file, what a stream's revisions build up to one of them, or
 * nothing at all.
 */
#ifndef GEN_ENDPOINT_H
#define GEN_ENDPOINT_H

#include "db/address.h"
#include "gen/bench.h"
#include "gen/hints.h"
#include "model/graph.h"

enum endpoint_kind { ENDPOINT_EMPTY, ENDPOINT_DATABASE, ENDPOINT_FILE, ENDPOINT_REVISIONS };

/* Everything lives in the arena that it was made in. */
struct endpoint {
    enum endpoint_kind kind;
    const char *name; /* for people, without a password: "schema.sql", "tenant@head", "postgresql://app@db/acme" */
    enum dialect dialect;
    bool dialect_is_known; /* else it follows the other end */
    /* ENDPOINT_DATABASE */
    struct address address;
    /* ENDPOINT_FILE */
    struct text_file file;
    struct hints hints; /* endpoint_read_hints() */
    /* ENDPOINT_REVISIONS: its tables are those of a struct source */
    const struct stream *stream;
    const struct graph *graph;
    struct revset revisions; /* with all that they need */
    /* Of all but revisions these are set by whoever knows: which schema of the database, and our tables' names. */
    struct scope scope;
};

/*
 * A word of the command line: an address in any form of db/address.h, STREAM@REVISION of the folder of migrations, the
 * path of a schema file or of a SQLite database, "empty". `tool` is for hints. Findings about the file or the stream go to
 * `out`, and *e then says only that there are some.
 */
bool endpoint_parse(struct arena *a, const char *word, const char *folder, const char *tool, struct findings *out,
                    struct endpoint *endpoint, struct err *e);
/* What schema_command printed, or any text; `shown` is where a person can read it. */
bool endpoint_of_file(struct arena *a, const char *path, const char *shown, struct findings *out,
                      struct endpoint *endpoint, struct err *e);
void endpoint_of_address(struct arena *a, const struct address *address, struct endpoint *endpoint);
/* `symbol` as everywhere; FAULT_USAGE. */
bool endpoint_of_revisions(struct arena *a, const struct stream *stream, const char *symbol, struct endpoint *endpoint,
                           struct err *e);

/*
 * Gives both ends one dialect: what was asked for (DIALECT_COUNT: nothing), else what one of them is, else what a file's
 * name ends in, else PostgreSQL. FAULT_USAGE when they are different engines.
 */
bool endpoints_agree(struct endpoint *from, struct endpoint *to, enum dialect asked, struct err *e);

/* The hints of a file, once its dialect is known; the others have none. False: there are findings. */
bool endpoint_read_hints(struct arena *a, struct endpoint *endpoint, struct findings *out);

/* False: the endpoint is a database, and `scratch` (may be NULL) is its address too. FAULT_CONFIG. */
bool endpoint_is_apart(struct arena *a, const struct endpoint *endpoint, const char *scratch, struct err *e);
/* A database, read only, in transactions of its own. */
bool endpoint_read_database(struct arena *a, const struct endpoint *endpoint, bool relative, struct snapshot *out,
                            struct err *e);
/*
 * All others: built on the bench, which is cleared before, and read there. `extensions` (may be NULL) is a snapshot whose
 * extensions are there already, unless the file makes them itself.
 */
bool endpoint_build(struct arena *a, const struct endpoint *endpoint, struct bench *bench,
                    const struct snapshot *extensions, bool relative, struct findings *out, struct snapshot *snapshot,
                    struct err *e);

#endif
