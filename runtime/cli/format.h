/* Revisions as text, in Alembic's line formats (labels in byte order), and as JSON. */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include "base/json.h"
#include "model/graph.h"
#include "model/plan.h"

enum format_parts {
    FORMAT_PARENTS = 1,  /* "a, b (dependencies) -> " in front */
    FORMAT_BRANCHES = 2, /* "(labels)" */
    FORMAT_TREE = 4,     /* "(branchpoint) (mergepoint)" */
    FORMAT_MESSAGE = 8,  /* ", message" behind */
    FORMAT_CURRENT = 16, /* "(current)" */
};

/* "8e41b7c203fa -> 3a9d4e10c2b8 (billing) (head), create documents", without a line end. */
void format_revision(struct buf *out, const struct graph *g, uint32_t index, unsigned parts);
/* The long form of `show` and -v: several lines, the last one empty. FORMAT_CURRENT counts, nothing else. */
void format_entry(struct buf *out, const struct graph *g, uint32_t index, unsigned parts);
/* {"revision": …, "down_revision": […], …}; is_current is written when it is not NULL. */
/* The members alone, for who adds some. */
void format_members(struct json *j, const struct graph *g, uint32_t index, const bool *is_current);
void format_json(struct json *j, const struct graph *g, uint32_t index, const bool *is_current);

/* "Running upgrade a -> b, message", as Alembic logs a step. */
void format_step(struct buf *out, const struct step *step, const struct stream *stream);
const char *format_direction(enum step_kind kind); /* "upgrade" */
/* "a, b", or "<base>" for no rows. */
void format_rows(struct buf *out, const struct strings *rows);
void format_ids(struct buf *out, const struct graph *g, const struct revlist *list);

/*
 * Everything that Alembic calls current when `rows` stand: the rows and what dependencies imply beside them, newest first.
 * Rows that the graph lacks are left out.
 */
struct revlist format_all_current(struct arena *a, const struct graph *g, const struct strings *rows);

#endif
