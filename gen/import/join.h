/*
 * The scripts and the history put together: one value for each revision, with what could not be carried over of it. What
 * contradicts itself is an error; a gap is one unless it was allowed. Pure.
 */
#ifndef GEN_IMPORT_JOIN_H
#define GEN_IMPORT_JOIN_H

#include "gen/import/history.h"
#include "gen/import/script.h"
#include "gen/scaffold.h"

/* Why a section has nothing that could run. */
enum import_gap {
    GAP_NONE,
    GAP_NO_SCRIPT, /* no script was given for the direction */
    GAP_MISSING,   /* the scripts lack it */
    GAP_CUT,       /* Alembic gave up in it */
    GAP_EMPTY,     /* it is there and does nothing */
};

struct import_revision {
    const char *id;
    struct strings parents, depends, labels;
    const char *message, *created, *comment;
    const struct import_step *steps[DIRECTION_COUNT][DIALECT_COUNT]; /* NULL: none */
    enum import_gap gaps[DIRECTION_COUNT][DIALECT_COUNT];
};
struct import_revisions {
    struct import_revision *v;
    size_t n, cap;
};

struct import_scripts {
    struct import_script **v;
    size_t n, cap;
};

struct import_request {
    const struct import_scripts *scripts;
    const struct history *history;
    uint32_t dialects;             /* of the stream */
    bool allow_all;                /* gaps are warnings */
    const struct strings *allowed; /* of these revisions */
};

/* Parents stand before who builds on them, as far as the scripts say so. */
void import_join(struct findings *out, struct arena *a, const struct import_request *request,
                 struct import_revisions *revisions);

/* The sections of the revision's file; ids of `out` live in `a`. */
struct import_sections {
    struct scaffold_section v[(size_t)DIRECTION_COUNT * DIALECT_COUNT];
    size_t n;
};
void import_sections(struct arena *a, const struct import_revision *r, uint32_t dialects, struct import_sections *out);

#endif
