/*
 * Walking a stream's revisions on one engine, on real databases (place.h).
 *
 * The line: in the stream's own order each revision goes up, down and up again. The schema after down must be the one
 * before up, and the one after the second up that after the first. The first up and the first down are traced. Where rows of a
 * seed came in behind the first up, the walk goes on from a copy of that moment: down may well take them away again.
 *
 * The orders (orders.h), where there is more than one: every step between two sets of revisions, from a copy of the
 * database; all steps that arrive at a set must leave the same schema there, and down must lead back from there, too.
 *
 * Everything counts: owners, grants, default privileges, event triggers. The place of a column in its table is a note
 * only, since a column that comes back stands at the end.
 *
 * What is found is a finding, and the walk goes on where it can: a failed up ends what builds on it, a failed or wrong down
 * leaves the database as its up made it.
 */
#ifndef GEN_VERIFY_WALK_H
#define GEN_VERIFY_WALK_H

#include "base/log.h"
#include "gen/verify/place.h"

struct walk_options {
    const struct source_stream *stream; /* linked, with its statements */
    enum dialect dialect;
    const char *scratch;  /* as in struct ground_options */
    struct strings seeds; /* paths */
    uint64_t most;        /* steps to walk where there is a choice */
    bool trace;
    const char *tool; /* for hints */
};

struct walk_report {
    const char *engine;    /* "PostgreSQL 15", "SQLite 3.40.1" */
    uint32_t n_revisions;  /* that went up */
    uint32_t n_down;       /* of these, down and up again */
    uint32_t irreversible; /* of these, not meant to go down */
    uint32_t n_states;     /* sets of revisions */
    uint64_t n_orders;     /* UINT64_MAX: that many or more */
    uint64_t n_edges, n_walked;
    bool exact;                /* as in struct orders */
    struct stream_locks locks; /* PostgreSQL, when they were traced */
};

/* False: the walk could not be done or ended early, for which no revision is to blame. Texts live in `a`. */
bool walk_stream(struct arena *a, struct findings *out, const struct log *log, const struct walk_options *options,
                 struct walk_report *report, struct err *e);

#endif
