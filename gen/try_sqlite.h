/*
 * Trying SQLite revisions: each runs, up and then down, on a database in memory that exactly its ancestors (parents and
 * dependencies) were applied to. Between revisions of one line the database is simply kept; where lines part it is saved
 * as bytes, so that a thousand revisions cost little more than running each once.
 */
#ifndef GEN_TRY_SQLITE_H
#define GEN_TRY_SQLITE_H

#include "gen/memory.h"
#include "gen/scratch.h"
#include "gen/source.h"

/* A section that SQLite runs, cut into statements. */
struct sqlite_body {
    const struct revision_section *section;
    const struct revision_statement *statements;
    bool *skip; /* of each statement: refused already, or not fit for the transaction that trying runs in */
    size_t n;
    bool refused; /* there are findings about it */
};

/* What SQLite runs of a revision; section == NULL: nothing. */
struct sqlite_revision {
    struct sqlite_body direction[DIRECTION_COUNT];
};

/*
 * Adds the findings of a linked stream; `revisions` is parallel to its revisions. What is in `m` was right before and is
 * not run, what is right now is added to it.
 */
void try_sqlite_stream(struct source *s, const struct source_stream *stream, const struct sqlite_revision *revisions,
                       struct memory *m);

/*
 * Looks on while the up of each revision that is `wanted` (parallel to the stream's) runs on exactly its ancestors, in
 * topological order. `db` may be asked and must be left as it is. What does not run has its findings from trying.
 */
struct sqlite_watch {
    void (*begins)(void *to, uint32_t revision, const struct sqlite_body *body, struct scratch *db);
    void (*statement)(void *to, size_t at, struct scratch *db); /* before it runs; not for what is skipped */
    /* Within the transaction; `right`: all statements have run. */
    void (*ends)(void *to, bool right, struct scratch *db);
    void *to;
};
void try_sqlite_watch(const struct source *s, const struct source_stream *stream,
                      const struct sqlite_revision *revisions, const bool *wanted, const struct sqlite_watch *watch);

/* For a stream whose graph has errors: only syntax. */
void try_sqlite_syntax(struct source *s, const struct source_stream *stream, const struct sqlite_revision *revisions);

#endif
