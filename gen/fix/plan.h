/* The rewrites of one revision put together: its own new text, and the revisions that follow it. Pure. */
#ifndef GEN_FIX_PLAN_H
#define GEN_FIX_PLAN_H

#include "gen/fix/rewrite.h"
#include "gen/scaffold.h"

/* A revision to be written, as scaffold_write() takes it. */
struct fix_revision {
    const char *id; /* follows from what it holds, so that the same fix gives the same files */
    const char *message;
    struct scaffold_section sections[(size_t)DIRECTION_COUNT * DIALECT_COUNT];
    size_t n_sections;
};

struct fix_plan {
    const struct source_revision *revision;
    const char *text;               /* of the revision's file */
    VEC(struct fix_revision) after; /* one on the other */
};

/*
 * `list` are rewrites of one revision, in the order of their statements. A revision of which nothing would be left takes the
 * place of the first that follows. SQLite's sections stay as they are; a section that serves both engines hands the statement
 * on to both.
 */
void fix_plan_make(struct arena *a, const struct source_stream *stream, const struct rewrite *list, size_t n,
                   struct fix_plan *out);

#endif
