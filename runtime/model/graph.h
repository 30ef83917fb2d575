/*
 * The revisions of one stream as a directed acyclic graph: Alembic's ideas of heads, bases, labels, lineage and order,
 * exactly. Pure: no I/O, nothing global; a built graph is immutable and may be read by any number of threads.
 *
 * Words. down(r): parents. depends(r): other revisions that must run first. A revision's *index* is its position in
 * stream->revisions. normdown(r): down(r) plus the depends of r that are no down-ancestor of r. Ancestors and descendants
 * include the node itself and follow normdown and all children, unless a function says "by down only".
 *
 * heads: no child by down. Real heads: no child by down or depends. A head that another revision depends on is an
 * *effective head*. Bases: no down.
 */
#ifndef MODEL_GRAPH_H
#define MODEL_GRAPH_H

#include "base/err.h"
#include "base/mem.h"
#include "model/revision.h"

struct graph;

/* A set of revisions of one graph: a bit each. */
struct revset {
    uint64_t *bits;
    size_t n; /* revisions in the graph */
};

/* A list of indices in an order that matters. */
struct revlist {
    uint32_t *v;
    size_t n;
    size_t cap;
};

/*
 * Builds children, labels and heads from the table. The stream must outlive the graph, which lives in `a`. The table is
 * trusted (the generator checked it); indices out of range are a bug and assert.
 */
struct graph *graph_new(struct arena *a, const struct stream *stream);
const struct stream *graph_stream(const struct graph *g);
size_t graph_size(const struct graph *g);
const struct revision *graph_revision(const struct graph *g, uint32_t index);

/* Exact id; UINT32_MAX when there is none. */
#define REVISION_NONE UINT32_MAX
uint32_t graph_find(const struct graph *g, struct str id);

struct revset revset_new(struct arena *a, const struct graph *g);
bool revset_has(const struct revset *s, uint32_t index);
void revset_add(struct revset *s, uint32_t index);
void revset_remove(struct revset *s, uint32_t index);
void revset_union(struct revset *to, const struct revset *from);
void revset_subtract(struct revset *from, const struct revset *what);
void revset_intersect(struct revset *to, const struct revset *with);
size_t revset_count(const struct revset *s);

/* All in load order. */
struct revlist graph_heads(struct arena *a, const struct graph *g);
struct revlist graph_real_heads(struct arena *a, const struct graph *g);
struct revlist graph_bases(struct arena *a, const struct graph *g);
bool graph_is_head(const struct graph *g, uint32_t index);
bool graph_is_real_head(const struct graph *g, uint32_t index);
bool graph_is_branch_point(const struct graph *g, uint32_t index); /* more than one child by down */
bool graph_is_merge_point(const struct graph *g, uint32_t index);  /* more than one parent */
/* Children by down, in load order. */
struct revlist graph_children(struct arena *a, const struct graph *g, uint32_t index);
struct revlist graph_normdown(struct arena *a, const struct graph *g, uint32_t index);

/* Every label that covers the revision (its own and inherited ones), sorted by bytes. */
struct strings graph_labels(struct arena *a, const struct graph *g, uint32_t index);

/* anc() and desc() of a set: in, by normdown and all children; *_down: by down only. */
struct revset graph_ancestors(struct arena *a, const struct graph *g, const struct revset *of);
struct revset graph_descendants(struct arena *a, const struct graph *g, const struct revset *of);
struct revset graph_ancestors_down(struct arena *a, const struct graph *g, const struct revset *of);
struct revset graph_descendants_down(struct arena *a, const struct graph *g, const struct revset *of);

/*
 * Sorts `set` newest first: Alembic's walk, one branch until it meets a shared ancestor, then the other. `heads` are the
 * revisions that it starts from (those of them that are in the set), taken in load order.
 */
struct revlist graph_sort(struct arena *a, const struct graph *g, const struct revset *set, const struct revset *heads);

/*
 * Resolves `[label@]symbol` to revisions: `heads`, `head`, `base` (nothing), a label, an id, or a prefix of at least 4
 * characters of exactly one id or label. `rows` stand for `current` (may be NULL: then `current` is refused).
 * Three different refusals (FAULT_USAGE): unknown (with the nearest id or label), ambiguous (with the candidates), prefix
 * too short; and Alembic's for several heads.
 */
bool graph_resolve(struct arena *a, const struct graph *g, struct str symbol, const struct strings *rows,
                   struct revlist *out, struct err *e);

/*
 * Version rows to a set. An id that the graph lacks is FAULT_DIVERGED (the caller tells ahead from diverged with the log);
 * *unknown is that id.
 */
bool graph_rows(struct arena *a, const struct graph *g, const struct strings *rows, struct revset *out,
                const char **unknown, struct err *e);

#endif
