/*
 * The revisions of one stream as a directed acyclic graph: Alembic's ideas of heads, bases, labels, lineage and order,
 * exactly. Pure: no I/O, nothing global; a built graph is immutable and may be read by any number of threads.
 *
 * Words. down(r): parents. depends(r): other revisions that must run first. A revision's *index* is its position in
 * stream->revisions. normdown(r): down(r) plus those depends of r that no down-ancestor of r depends on already. Ancestors
 * and descendants include the node itself and follow normdown and all children, unless a function says "by down only".
 * lineage(r): ancestors and descendants of r. *Load order* is the byte order of the file names; it decides between
 * branches that nothing else orders.
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

/* Characters of an id or label that must be typed before the rest may be left out. */
enum { GRAPH_PREFIX_MIN = 4 };

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
 * Builds names, children and labels from the table, in time that grows with its size only; sets of ancestors are made when
 * somebody asks for them, in the asker's arena. The stream must outlive the graph, which lives in `a`. The table is
 * trusted (the generator checked it); indices out of range are a bug and assert.
 */
struct graph *graph_new(struct arena *a, const struct stream *stream);
const struct stream *graph_stream(const struct graph *g);
size_t graph_size(const struct graph *g);
const struct revision *graph_revision(const struct graph *g, uint32_t index);

/* Exact id; UINT32_MAX when there is none. */
#define REVISION_NONE UINT32_MAX
uint32_t graph_find(const struct graph *g, struct str id);
/* Exact id or label; a label stands for the revision that carries the line. REVISION_NONE when there is none. */
uint32_t graph_lookup(const struct graph *g, struct str name);

struct revset revset_new(struct arena *a, const struct graph *g);
bool revset_has(const struct revset *s, uint32_t index);
void revset_add(struct revset *s, uint32_t index);
void revset_remove(struct revset *s, uint32_t index);
void revset_union(struct revset *to, const struct revset *from);
void revset_subtract(struct revset *from, const struct revset *what);
void revset_intersect(struct revset *to, const struct revset *with);
size_t revset_count(const struct revset *s);
bool revset_is_empty(const struct revset *s);
bool revset_meets(const struct revset *a, const struct revset *b); /* they have a member in common */
/* The first member at or after `from`, REVISION_NONE when there is none: for (i = revset_next(s, 0); i != REVISION_NONE; …). */
uint32_t revset_next(const struct revset *s, uint32_t from);
struct revset revset_of(struct arena *a, const struct graph *g, uint32_t index);
struct revset revset_from(struct arena *a, const struct graph *g, const struct revlist *list);
/* The members in load order. */
struct revlist revset_list(struct arena *a, const struct graph *g, const struct revset *s);

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
bool graph_has_label(const struct graph *g, uint32_t index, struct str label);

/* anc() and desc() of a set: in, by normdown and all children; *_down: by down only. */
struct revset graph_ancestors(struct arena *a, const struct graph *g, const struct revset *of);
struct revset graph_descendants(struct arena *a, const struct graph *g, const struct revset *of);
struct revset graph_ancestors_down(struct arena *a, const struct graph *g, const struct revset *of);
struct revset graph_descendants_down(struct arena *a, const struct graph *g, const struct revset *of);
/* Lineage of a set: by down only, or along dependencies too. */
struct revset graph_lineage(struct arena *a, const struct graph *g, const struct revset *of, bool dependencies);
/* What `current` shows for the rows: of their ancestors, those without a child (by down) among them, in load order. */
struct revlist graph_current(struct arena *a, const struct graph *g, const struct revset *rows);

/*
 * Sorts `set` newest first: Alembic's walk, one branch until it meets a shared ancestor, then the other. `heads` are the
 * revisions that it starts from (those of them that are in the set), taken in load order. Members that no head leads to
 * follow after the rest, in the same manner (Alembic dies there).
 */
struct revlist graph_sort(struct arena *a, const struct graph *g, const struct revset *set, const struct revset *heads);

/*
 * Resolves `[label@]symbol` to revisions: `heads` (the real ones, or with a label the heads of its lineage), `head`,
 * `base` (nothing), a label, an id, a prefix of at least GRAPH_PREFIX_MIN characters of exactly one id or label, and `-N` or
 * `label@-N`: N steps down from every real head (of the lineage). `rows` stand for `current` (may be NULL: then `current` is
 * refused). A label may itself be an id or a prefix; what it narrows must be of its lineage (by down only).
 *
 * Refusals (FAULT_USAGE): unknown (with the nearest id or label), ambiguous (with the candidates), prefix too short, not of
 * the branch, several heads where one is asked for; and those of target_parse().
 */
bool graph_resolve(struct arena *a, const struct graph *g, struct str symbol, const struct strings *rows,
                   struct revlist *out, struct err *e);
/* The part before an "@": label, id, or prefix of either. */
bool graph_resolve_branch(struct arena *a, const struct graph *g, struct str label, uint32_t *out, struct err *e);

/*
 * Version rows to a set. An id that the graph lacks is FAULT_DIVERGED (the caller tells ahead from diverged with the log);
 * *unknown (may be NULL) is that id. Rows are full ids, never prefixes or labels.
 */
bool graph_rows(struct arena *a, const struct graph *g, const struct strings *rows, struct revset *out,
                const char **unknown, struct err *e);

#endif
