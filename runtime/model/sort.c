/*
 * Newest first, in exactly Alembic's order (RevisionMap._topological_sort): a list of tips is walked one at a time, each as
 * far as no other tip still has to come before it.
 *
 * Alembic keeps the set of ancestors of every tip and looks the candidate up in all of them. Here a revision is *alive*
 * while some tip leads down to it, and counts its alive children: a tip that has one waits, since exactly then another
 * tip's ancestors include it. Only for a tip that waits is the list searched for the first one that leads to it.
 */
#include "model/graph.h"

#include <assert.h>
#include <string.h>

struct walk {
    struct arena *a;
    const struct graph *g;
    const struct revlist *parents; /* normdown of each alive revision */
    uint32_t *alive_children;
    uint32_t *seen;      /* the search that looked at a revision last */
    uint32_t search;     /* number of the current search */
    struct revset alive; /* some tip leads there, or it is one */
    struct revset is_tip;
    struct revset todo; /* still to be emitted */
    struct revlist tips;
    struct revlist stack;
    struct revlist out;
};

static void start_from(struct walk *w, const struct revlist *tips)
{
    w->tips = (struct revlist){0};
    for (size_t i = 0; i < tips->n; i++) {
        vec_push(w->a, &w->tips, tips->v[i]);
        revset_add(&w->is_tip, tips->v[i]);
    }
    w->alive = graph_ancestors(w->a, w->g, &w->is_tip);
    struct revlist *parents = ARENA_ARRAY(w->a, struct revlist, graph_size(w->g));
    memset(w->alive_children, 0, graph_size(w->g) * sizeof *w->alive_children);
    for (uint32_t i = revset_next(&w->alive, 0); i != REVISION_NONE; i = revset_next(&w->alive, i + 1)) {
        parents[i] = graph_normdown(w->a, w->g, i);
        for (size_t k = 0; k < parents[i].n; k++)
            w->alive_children[parents[i].v[k]]++;
    }
    w->parents = parents;
}

/* Whether the tip `from` leads down to `index`. What a search has seen before did not. */
static bool leads_to(struct walk *w, uint32_t from, uint32_t index)
{
    w->stack.n = 0;
    vec_push(w->a, &w->stack, from);
    while (w->stack.n) {
        struct revlist up = w->parents[w->stack.v[--w->stack.n]];
        for (size_t k = 0; k < up.n; k++) {
            if (up.v[k] == index)
                return true;
            /* Parents have lower indices, so nothing below `index` leads back to it. */
            if (up.v[k] < index || w->seen[up.v[k]] == w->search)
                continue;
            w->seen[up.v[k]] = w->search;
            vec_push(w->a, &w->stack, up.v[k]);
        }
    }
    return false;
}

/* The first other tip that leads to the one at `at`, which has an alive child. */
static size_t first_above(struct walk *w, size_t at)
{
    w->search++;
    for (size_t i = 0; i < w->tips.n; i++)
        if (i != at && leads_to(w, w->tips.v[i], w->tips.v[at]))
            return i;
    assert(false); /* a tip that waits has a tip above it */
    return at;
}

/* The revision is no tip any more and nothing leads to it: its parents lose a child, and may go the same way. */
static void bury(struct walk *w, uint32_t index)
{
    w->stack.n = 0;
    vec_push(w->a, &w->stack, index);
    while (w->stack.n) {
        uint32_t dead = w->stack.v[--w->stack.n];
        revset_remove(&w->alive, dead);
        for (size_t k = 0; k < w->parents[dead].n; k++) {
            uint32_t parent = w->parents[dead].v[k];
            if (--w->alive_children[parent] == 0 && !revset_has(&w->is_tip, parent))
                vec_push(w->a, &w->stack, parent);
        }
    }
}

/* Emits the tip at `at` and puts its parents in its place; returns where to go on. */
static size_t emit(struct walk *w, size_t at)
{
    uint32_t index = w->tips.v[at];
    size_t added = 0;
    vec_push(w->a, &w->out, index);
    revset_remove(&w->todo, index);
    revset_remove(&w->is_tip, index);
    for (size_t k = 0; k < w->parents[index].n; k++) {
        uint32_t parent = w->parents[index].v[k];
        if (!revset_has(&w->todo, parent) || revset_has(&w->is_tip, parent))
            continue;
        revset_add(&w->is_tip, parent);
        if (added++)
            vec_push(w->a, &w->tips, parent);
        else
            w->tips.v[at] = parent;
    }
    if (!added) {
        w->tips.n--;
        memmove(w->tips.v + at, w->tips.v + at + 1, (w->tips.n - at) * sizeof *w->tips.v);
        at = at ? at - 1 : 0;
    }
    bury(w, index);
    return at;
}

static void walk_down(struct walk *w)
{
    size_t at = 0;
    while (w->tips.n)
        at = w->alive_children[w->tips.v[at]] ? first_above(w, at) : emit(w, at);
}

/* Members of `set` that no other member descends from. */
static struct revset tops_of(struct arena *a, const struct graph *g, const struct revset *set)
{
    struct revset tops = revset_new(a, g);
    revset_union(&tops, set);
    struct revset below = revset_new(a, g);
    for (uint32_t i = revset_next(set, 0); i != REVISION_NONE; i = revset_next(set, i + 1)) {
        struct revlist up = graph_normdown(a, g, i);
        for (size_t k = 0; k < up.n; k++)
            revset_add(&below, up.v[k]);
    }
    below = graph_ancestors(a, g, &below);
    revset_subtract(&tops, &below);
    return tops;
}

struct revlist graph_sort(struct arena *a, const struct graph *g, const struct revset *set, const struct revset *heads)
{
    ARENA_AUTO scratch = {0};
    struct walk w = {.a = &scratch, .g = g};
    w.alive_children = ARENA_ARRAY(&scratch, uint32_t, graph_size(g));
    w.seen = ARENA_ARRAY(&scratch, uint32_t, graph_size(g));
    w.is_tip = revset_new(&scratch, g);
    w.todo = revset_new(&scratch, g);
    revset_union(&w.todo, set);
    struct revset from = revset_new(&scratch, g);
    revset_union(&from, heads);
    revset_intersect(&from, set);
    while (!revset_is_empty(&w.todo)) {
        if (revset_is_empty(&from))
            from = tops_of(&scratch, g, &w.todo);
        struct revlist tips = revset_list(&scratch, g, &from);
        start_from(&w, &tips);
        walk_down(&w);
        from = revset_new(&scratch, g);
    }
    struct revlist out = {ARENA_ARRAY(a, uint32_t, w.out.n), w.out.n, w.out.n};
    if (w.out.n)
        memcpy(out.v, w.out.v, w.out.n * sizeof *out.v);
    return out;
}
