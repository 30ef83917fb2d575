/*
 * Building a catalog and asking it. Readers add objects and edges in whatever order they meet them; catalog_finish() sorts
 * both, and from then on everything is found by bisection.
 */
#include "schema/catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- building ---- */

uint32_t catalog_add(struct catalog *c, const struct kind *kind, const char *identity, const char *address,
                     uint32_t parent, uint32_t ordinal, const char *const *values)
{
    struct object o = {.kind = kind, .parent = parent, .ordinal = ordinal};
    assert(parent == OBJECT_NONE || parent < c->objects.n);
    o.identity = arena_strdup(c->arena, identity);
    o.address = arena_strdup(c->arena, address);
    o.values = ARENA_ARRAY(c->arena, const char *, kind->n_attributes);
    for (size_t i = 0; i < kind->n_attributes; i++)
        o.values[i] = arena_strdup(c->arena, values[i]);
    vec_push(c->arena, &c->objects, o);
    return (uint32_t)c->objects.n - 1;
}

void catalog_add_edge(struct catalog *c, uint32_t from, uint32_t to, enum edge_kind kind)
{
    if (from != to)
        vec_push(c->arena, &c->edges, (struct edge){from, to, kind});
}

static int by_kind_and_identity(const void *left, const void *right, void *context)
{
    const struct object *objects = context, *a = &objects[*(const uint32_t *)left],
                        *b = &objects[*(const uint32_t *)right];
    if (a->kind->rank != b->kind->rank)
        return a->kind->rank < b->kind->rank ? -1 : 1;
    return strcmp(a->identity, b->identity);
}

/* Gives the new number of each object. */
static uint32_t *sort_objects(struct catalog *c)
{
    size_t n = c->objects.n;
    uint32_t *order = ARENA_ARRAY(c->arena, uint32_t, n), *moved = ARENA_ARRAY(c->arena, uint32_t, n);
    struct object *sorted = ARENA_ARRAY(c->arena, struct object, n);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    if (n)
        qsort_r(order, n, sizeof *order, by_kind_and_identity, c->objects.v);
    for (uint32_t i = 0; i < n; i++) {
        sorted[i] = c->objects.v[order[i]];
        moved[order[i]] = i;
    }
    for (uint32_t i = 0; i < n; i++)
        if (sorted[i].parent != OBJECT_NONE)
            sorted[i].parent = moved[sorted[i].parent];
    c->objects.v = sorted;
    c->objects.cap = n;
    return moved;
}

static int strength(enum edge_kind kind)
{
    static const int of[] = {[EDGE_NEEDS] = 0, [EDGE_VANISHES] = 1, [EDGE_PART] = 2};
    return of[kind];
}

static int compare_edges(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return strength(b->kind) - strength(a->kind);
}

static void sort_edges(struct catalog *c)
{
    size_t kept = 0;
    if (c->edges.n)
        qsort(c->edges.v, c->edges.n, sizeof *c->edges.v, compare_edges);
    for (size_t i = 0; i < c->edges.n; i++) {
        const struct edge *e = &c->edges.v[i], *last = kept ? &c->edges.v[kept - 1] : NULL;
        if (!last || last->from != e->from || last->to != e->to)
            c->edges.v[kept++] = *e;
    }
    c->edges.n = kept;
}

void catalog_finish(struct catalog *c)
{
    const uint32_t *moved = sort_objects(c);
    for (size_t i = 0; i < c->edges.n; i++) {
        c->edges.v[i].from = moved[c->edges.v[i].from];
        c->edges.v[i].to = moved[c->edges.v[i].to];
    }
    for (uint32_t i = 0; i < c->objects.n; i++)
        if (c->objects.v[i].parent != OBJECT_NONE)
            catalog_add_edge(c, i, c->objects.v[i].parent, EDGE_PART);
    sort_edges(c);
}

/* ---- asking ---- */

uint32_t catalog_find(const struct catalog *c, const struct kind *kind, const char *identity)
{
    size_t low = 0, high = c->objects.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct object *o = &c->objects.v[middle];
        int order = o->kind->rank != kind->rank ? (int)o->kind->rank - (int)kind->rank : strcmp(o->identity, identity);
        if (order == 0)
            return (uint32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return OBJECT_NONE;
}

const char *object_value(const struct object *o, const char *attribute)
{
    size_t i = kind_attribute(o->kind, attribute);
    assert(i < o->kind->n_attributes);
    return i < o->kind->n_attributes ? o->values[i] : NULL;
}

static size_t first_edge(const struct catalog *c, uint32_t from)
{
    size_t low = 0, high = c->edges.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->edges.v[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t catalog_edges_from(const struct catalog *c, uint32_t object, size_t *first)
{
    size_t end = *first = first_edge(c, object);
    while (end < c->edges.n && c->edges.v[end].from == object)
        end++;
    return end;
}

struct needed_by catalog_needed_by(const struct catalog *c)
{
    size_t *start = ARENA_ARRAY(c->arena, size_t, c->objects.n + 1),
           *next = ARENA_ARRAY(c->arena, size_t, c->objects.n + 1);
    uint32_t *edge = ARENA_ARRAY(c->arena, uint32_t, c->edges.n);
    for (size_t i = 0; i < c->edges.n; i++)
        start[c->edges.v[i].to + 1]++;
    for (size_t i = 0; i < c->objects.n; i++)
        next[i + 1] = start[i + 1] += start[i];
    for (uint32_t i = 0; i < c->edges.n; i++)
        edge[next[c->edges.v[i].to]++] = i;
    return (struct needed_by){start, edge};
}

void object_describe(struct buf *out, const struct object *o)
{
    buf_addf(out, "%s %s", o->kind->name, o->identity);
}
