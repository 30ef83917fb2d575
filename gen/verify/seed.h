/*
 * Rows for verify: files of plain SQL whose statements run as soon as the schema lets them. After each revision that is
 * applied for the first time, what has not run yet is tried in order; what succeeded is done.
 *
 *     -- seed: after 5f1c0a2b9e77
 *
 * on a line of its own makes the statements behind it wait for that revision, an id or a label. A file whose name ends in
 * .postgresql.sql or .sqlite.sql is for that engine alone.
 */
#ifndef GEN_VERIFY_SEED_H
#define GEN_VERIFY_SEED_H

#include "gen/verify/place.h"

struct seed {
    const struct text_file *file;
    size_t offset;
    struct str text;
    uint32_t after; /* index of a revision; REVISION_NONE: at once */
};

struct seeds {
    VEC(struct seed) list;
};

/* Adds findings; false when one of them is an error. The texts live in `a`. */
bool seeds_read(struct arena *a, struct findings *out, const struct strings *paths, const struct source_stream *stream,
                enum dialect dialect, struct seeds *seeds);

/*
 * Tries what is not done[] yet; `applied` says of each revision whether it is. What a statement failed with is in words[]
 * (NULL: nobody asks), in `a`. False: the server is gone.
 */
bool seeds_try(const struct seeds *seeds, struct arena *a, struct place *p, const bool *applied, bool *done,
               const char **words, struct err *e);

/* An error for each statement that never ran. */
void seeds_finish(const struct seeds *seeds, struct findings *out, const struct source_stream *stream,
                  const char *engine, const bool *done, const char *const *words);

#endif
