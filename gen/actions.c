/*
 * Kahn's algorithm over wholes, with a heap that decides between those that are ready. Where it comes to a halt there is a
 * circle: one is walked, the loosest part on it becomes an action of its own, and sorting begins anew.
 */
#include "gen/actions.h"

#include <string.h>

#define NOBODY UINT32_MAX

uint32_t action_add(struct actions *g, int class, int rank, const char *name)
{
    uint32_t self = (uint32_t)g->v.n;
    vec_push(g->arena, &g->v, (struct action){.class = class, .rank = rank, .name = name, .whole = self});
    return self;
}

void action_order(struct actions *g, uint32_t before, uint32_t after)
{
    if (before != after)
        vec_push(g->arena, &g->edges, (struct action_edge){before, after});
}

void action_join(struct actions *g, uint32_t part, uint32_t whole, int looseness)
{
    if (action_whole(g, whole) == part)
        return;
    g->v.v[part].whole = whole;
    g->v.v[part].looseness = looseness;
}

uint32_t action_whole(const struct actions *g, uint32_t action)
{
    while (g->v.v[action].whole != action)
        action = g->v.v[action].whole;
    return action;
}

/* --------------------------------------------------------------------------------------------------------------- heap */

struct heap {
    const struct actions *g;
    uint32_t *v;
    size_t n;
};

static bool comes_first(const struct actions *g, uint32_t a, uint32_t b)
{
    const struct action *x = &g->v.v[a], *y = &g->v.v[b];
    if (x->class != y->class)
        return x->class < y->class;
    if (x->rank != y->rank)
        return x->rank < y->rank;
    int by_name = strcmp(x->name, y->name);
    return by_name ? by_name < 0 : a < b;
}

static void swap(struct heap *h, size_t i, size_t k)
{
    uint32_t t = h->v[i];
    h->v[i] = h->v[k];
    h->v[k] = t;
}

static void heap_push(struct heap *h, uint32_t action)
{
    size_t i = h->n++;
    h->v[i] = action;
    for (; i && comes_first(h->g, h->v[i], h->v[(i - 1) / 2]); i = (i - 1) / 2)
        swap(h, i, (i - 1) / 2);
}

static uint32_t heap_pop(struct heap *h)
{
    uint32_t top = h->v[0];
    h->v[0] = h->v[--h->n];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1, right = left + 1;
        if (left < h->n && comes_first(h->g, h->v[left], h->v[least]))
            least = left;
        if (right < h->n && comes_first(h->g, h->v[right], h->v[least]))
            least = right;
        if (least == i)
            return top;
        swap(h, i, least);
        i = least;
    }
}

/* --------------------------------------------------------------------------------------------------------------- sort */

struct sorting {
    struct arena arena;
    const struct actions *g;
    uint32_t *whole;       /* of each action */
    uint32_t *first, *out; /* edges by their `before`'s whole: first[n + 1], out[] are numbers of edges */
    uint32_t *waits;       /* how many edges still hold a whole up */
};

static void prepare(struct sorting *s, const struct actions *g)
{
    size_t n = g->v.n;
    s->g = g;
    s->whole = ARENA_ARRAY(&s->arena, uint32_t, n);
    s->first = ARENA_ARRAY(&s->arena, uint32_t, n + 2);
    s->out = ARENA_ARRAY(&s->arena, uint32_t, g->edges.n);
    s->waits = ARENA_ARRAY(&s->arena, uint32_t, n);
    for (size_t i = 0; i < n; i++)
        s->whole[i] = action_whole(g, (uint32_t)i);
    for (size_t i = 0; i < g->edges.n; i++) {
        uint32_t before = s->whole[g->edges.v[i].before], after = s->whole[g->edges.v[i].after];
        if (before == after)
            continue;
        s->first[before + 2]++;
        s->waits[after]++;
    }
    for (size_t i = 2; i < n + 2; i++)
        s->first[i] += s->first[i - 1];
    for (size_t i = 0; i < g->edges.n; i++) {
        uint32_t before = s->whole[g->edges.v[i].before];
        if (before != s->whole[g->edges.v[i].after])
            s->out[s->first[before + 1]++] = (uint32_t)i;
    }
}

static size_t run(struct sorting *s, uint32_t *order)
{
    struct heap ready = {s->g, ARENA_ARRAY(&s->arena, uint32_t, s->g->v.n), 0};
    size_t n = 0;
    for (size_t i = 0; i < s->g->v.n; i++)
        if (s->whole[i] == i && !s->waits[i])
            heap_push(&ready, (uint32_t)i);
    while (ready.n) {
        uint32_t next = order[n++] = heap_pop(&ready);
        for (uint32_t i = s->first[next]; i < s->first[next + 1]; i++) {
            uint32_t after = s->whole[s->g->edges.v[s->out[i]].after];
            if (--s->waits[after] == 0)
                heap_push(&ready, after);
        }
    }
    return n;
}

/* An edge into the whole from one that waits too; there is one, or the whole would not wait. */
static uint32_t waiting_edge(const struct sorting *s, uint32_t whole)
{
    for (size_t i = 0; i < s->g->edges.n; i++) {
        uint32_t before = s->whole[s->g->edges.v[i].before];
        if (s->whole[s->g->edges.v[i].after] == whole && before != whole && s->waits[before])
            return (uint32_t)i;
    }
    return NOBODY;
}

/* Walks back from a whole that waits until one is met again: the edges of a circle. */
static size_t find_circle(struct sorting *s, uint32_t *circle)
{
    uint32_t *seen_at = ARENA_ARRAY(&s->arena, uint32_t, s->g->v.n);
    uint32_t at = 0;
    size_t n = 0;
    while (s->whole[at] != at || !s->waits[at])
        at++;
    while (!seen_at[at]) {
        seen_at[at] = (uint32_t)n + 1;
        circle[n] = waiting_edge(s, at);
        at = s->whole[s->g->edges.v[circle[n++]].before];
    }
    size_t begin = seen_at[at] - 1;
    memmove(circle, circle + begin, (n - begin) * sizeof *circle);
    return n - begin;
}

static bool take_out_loosest(struct actions *g, const uint32_t *circle, size_t n)
{
    uint32_t best = NOBODY;
    for (size_t i = 0; i < 2 * n; i++) {
        const struct action_edge *edge = &g->edges.v[circle[i / 2]];
        /* A part of a part: whichever link of the chain is loosest. */
        for (uint32_t at = i % 2 ? edge->after : edge->before; g->v.v[at].whole != at; at = g->v.v[at].whole)
            if (g->v.v[at].looseness && (best == NOBODY || g->v.v[at].looseness > g->v.v[best].looseness))
                best = at;
    }
    if (best == NOBODY)
        return false;
    g->v.v[best].whole = best;
    return true;
}

static bool refuse_circle(const struct actions *g, const uint32_t *circle, size_t n, struct err *e)
{
    BUF_AUTO names = {0};
    for (size_t i = n; i-- > 0;)
        buf_addf(&names, "%s%s", names.n ? ", then " : "", g->v.v[g->edges.v[circle[i]].before].name);
    err_set(e, FAULT_FAILED, "these changes need each other done first");
    err_detail(e, "%s", names.p ? names.p : "");
    return false;
}

bool actions_sort(struct actions *g, uint32_t **order, size_t *n, struct err *e)
{
    *order = ARENA_ARRAY(g->arena, uint32_t, g->v.n);
    for (;;) {
        struct sorting s = {0};
        size_t wholes = 0;
        bool broken = true;
        prepare(&s, g);
        for (size_t i = 0; i < g->v.n; i++)
            wholes += s.whole[i] == i;
        *n = run(&s, *order);
        if (*n < wholes) {
            uint32_t *circle = ARENA_ARRAY(&s.arena, uint32_t, g->v.n + 1);
            size_t length = find_circle(&s, circle);
            broken = take_out_loosest(g, circle, length) || refuse_circle(g, circle, length, e);
        }
        bool done = *n == wholes;
        arena_free(&s.arena);
        if (done || !broken)
            return done;
    }
}
