/*
 * A SQLite database in memory that revisions are tried on at build time. It is set up stricter than a real one: text in
 * double quotes is a name and nothing else, an authorizer lets no statement touch a file, a transaction or the connection,
 * and a statement that does not come to an end is stopped.
 */
#ifndef GEN_SCRATCH_H
#define GEN_SCRATCH_H

#include <stdint.h>

#include "base/mem.h"
#include "model/revision.h"
#include "schema/read.h"

struct scratch;

/* The database as bytes; sqlite3_free()'s to give back, by scratch_image_free(). */
struct image {
    unsigned char *bytes;
    int64_t n;
};

/* Why a statement fails. */
struct scratch_error {
    const char *message; /* SQLite's words, in the arena of the call */
    size_t offset;       /* bytes into the statement, SIZE_MAX: as a whole */
    bool syntax;         /* it does not parse: wrong on any database */
    bool cut;            /* SQLite sees the statement end elsewhere than at its text's end */
};

/* How the message of a statement ends that rolled the transaction back itself. */
#define ROLLED_BACK ": the statement rolled back the transaction"

/* Empty, with the stream's version table. NULL only when SQLite itself cannot start. */
struct scratch *scratch_open(const char *stream, enum stream_kind kind, const char *version_table);
void scratch_close(struct scratch *s); /* NULL is fine */

/* A transaction around one section; foreign keys are enforced in it or not. */
bool scratch_begin(struct scratch *s, bool foreign_keys, const char *revision);
/* False: a deferred constraint is violated; the transaction is rolled back then. */
bool scratch_commit(struct scratch *s, struct arena *a, struct scratch_error *e);
void scratch_rollback(struct scratch *s);

/*
 * Prepares one statement and, with `run`, runs it to its end. In a text that is not valid SQL the rest is not looked at.
 * Fails, too, when the statement ends the transaction.
 */
bool scratch_statement(struct scratch *s, struct str text, bool run, struct arena *a, struct scratch_error *e);

/* How many rows the statement that ran last touched. */
int64_t scratch_touched(const struct scratch *s);

/*
 * Whether an ALTER TABLE … ADD COLUMN of the table works when there are rows: SQLite's words if it does not. A database in
 * memory has no rows, and a tenant's has.
 */
const char *scratch_add_column(struct scratch *s, struct str table, struct str text, struct arena *a);

/* What foreign_key_check has to say: a row whose parent is missing, a key that fits no parent; NULL: nothing. */
const char *scratch_check_keys(struct scratch *s, struct arena *a);

/* For those who only ask; another one after scratch_restore(). */
struct sqlite3 *scratch_handle(struct scratch *s);

/* To read the schema from; good until the database is restored or closed. */
struct catalog_source scratch_source(const struct scratch *s);
/* Rows of a table; -1: they cannot be counted. */
int64_t scratch_count(const struct scratch *s, const char *table);

bool scratch_save(struct scratch *s, struct image *out);
bool scratch_restore(struct scratch *s, struct image *image); /* takes the bytes: *image is empty afterwards */
void scratch_image_free(struct image *image);

/*
 * What SQLite may take of memory at build time. A single INSERT of many megabytes takes twenty times its length, and would
 * on every tenant's machine.
 */
#define SCRATCH_MEGABYTES INT64_C(768)

/* Millions of virtual machine steps after which a statement is stopped: the same on every machine. Fuzzing wants few. */
extern int scratch_patience;

#endif
