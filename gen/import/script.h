/*
 * What `alembic upgrade … --sql` and `alembic downgrade … --sql` print, read into steps. Alembic writes
 *
 *     BEGIN;                                        PostgreSQL only: around everything, or around each step
 *     CREATE TABLE alembic_version (version_num …); when it begins at base
 *     -- Running upgrade a, b -> c                  a step; a downgrade names what it leaves first
 *     …                                             each statement, ";" and an empty line
 *     COMMIT; … BEGIN;                              around what an autocommit block holds
 *     UPDATE alembic_version SET version_num=…      the step is over
 *
 * and knows nothing of what is inside a statement: one that ends in a comment swallows its own semicolon, one that has a
 * semicolon gets another. What is the migrator's own is recognised by its tokens and left out of the bodies. Pure.
 *
 *     script.c    this
 *     history.h   what `alembic history -v` prints
 *     join.h      both, and the scripts of both engines, put together and checked against each other
 *     ini.h       alembic.ini → env.ini
 *     sections.c  a revision → the sections of its file
 *     import.c    the command
 */
#ifndef GEN_IMPORT_SCRIPT_H
#define GEN_IMPORT_SCRIPT_H

#include "gen/source.h"

/* Rules of what is found here (gen/lint/rules.h): cannot be carried over; contradicts itself; worth a look. */
#define IMPORT_GAP "import-gap"
#define IMPORT_CONFLICT "import-conflict"
#define IMPORT_REVIEW "import-review"

struct import_script;

struct import_step {
    const struct import_script *script;
    const char *id;
    struct strings parents;
    struct strings replaced; /* rows that made way for it or came back, and are no parents: what it depends on */
    uint32_t line;           /* of "-- Running …" */
    const char *body;        /* statements with their semicolons and comments, ends in a line end; "": nothing */
    size_t n_statements;
    size_t n_outside;      /* of them, behind a COMMIT */
    bool no_transaction;   /* some of it is to run outside of a transaction */
    bool foreign_keys_off; /* SQLite: a PRAGMA said so */
    bool finished;         /* its version row was written */
};

struct import_script {
    struct text_file file;
    enum direction direction;
    enum dialect dialect;
    const char *version_table;  /* in: what to take it for; out: as the script creates it */
    const char *version_schema; /* out; NULL: it names none */
    bool creates_version_table;
    const char *failed; /* what Alembic said when it gave up; NULL */
    VEC(struct import_step) steps;
};

/* Whether the text is of one engine: PostgreSQL's begin with BEGIN or say RETURNING, SQLite's do neither. */
enum dialect import_guess_dialect(struct str text);

/* Fills steps from s->file; the rest of the fields says what it is. */
void import_read_script(struct findings *out, struct arena *a, struct import_script *s);

#endif
