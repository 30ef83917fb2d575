/*
 * The graph as tables made once from the stream: names, children, dependencies that count, labels. Everything that depends
 * on a set of revisions is computed in the caller's arena, so that a graph never changes after graph_new().
 *
 * Indices are a topological order (parents and dependencies stand before children), which makes ancestors one pass over
 * the bits from the top and descendants one pass from the bottom: no stack, no recursion, each edge looked at once.
 */
#include "model/graph.h"

#include <assert.h>
#include <string.h>

/* A run of neighbours for each revision: v[start[i]] … v[start[i + 1] - 1]. */
struct edges {
    uint32_t *start;
    uint32_t *v;
};

struct span {
    const uint32_t *v;
    uint32_t n;
};

struct name {
    const char *text; /* NULL: a free slot */
    uint32_t index;
};

/* What the labels of one revision cover. */
struct cover {
    uint32_t index;
    struct revset set;
};

struct graph {
    const struct stream *stream;
    uint32_t n;
    uint32_t *by_load; /* load order -> index */
    bool has_depends;
    struct edges normdown;     /* only when has_depends; else normdown is down */
    struct edges children;     /* by down */
    struct edges all_children; /* by down or depends; the same arrays as `children` when nothing depends */
    struct name *names;        /* open addressing, at most half full */
    size_t names_mask;
    struct cover *covers; /* one for each revision that has labels of its own, by index */
    size_t n_covers;
};

static struct span span_of(const struct edges *e, uint32_t index)
{
    return (struct span){e->v + e->start[index], e->start[index + 1] - e->start[index]};
}

static bool span_has(struct span s, uint32_t index)
{
    for (uint32_t i = 0; i < s.n; i++)
        if (s.v[i] == index)
            return true;
    return false;
}

static struct span down_of(const struct graph *g, uint32_t index)
{
    const struct revision *r = g->stream->revisions[index];
    return (struct span){r->down, r->n_down};
}

static struct span depends_of(const struct graph *g, uint32_t index)
{
    const struct revision *r = g->stream->revisions[index];
    return (struct span){r->depends, r->n_depends};
}

static struct span normdown_of(const struct graph *g, uint32_t index)
{
    return g->has_depends ? span_of(&g->normdown, index) : down_of(g, index);
}

/* ------------------------------------------------------------------------------------------------------------- passes */

typedef struct span neighbours(const struct graph *g, uint32_t index);

static struct span children_of(const struct graph *g, uint32_t index)
{
    return span_of(&g->children, index);
}

static struct span all_children_of(const struct graph *g, uint32_t index)
{
    return span_of(&g->all_children, index);
}

static void add_span(struct revset *s, struct span more)
{
    for (uint32_t i = 0; i < more.n; i++)
        revset_add(s, more.v[i]);
}

/* Adds every ancestor at or above index `least`. */
static void spread_down(const struct graph *g, struct revset *s, neighbours *parents, uint32_t least)
{
    for (uint32_t i = g->n; i-- > least;) {
        if (i % 64 == 63 && !s->bits[i / 64]) {
            i -= 63;
            continue;
        }
        if (revset_has(s, i))
            add_span(s, parents(g, i));
    }
}

static void spread_up(const struct graph *g, struct revset *s, neighbours *children)
{
    for (uint32_t i = revset_next(s, 0); i != REVISION_NONE; i = revset_next(s, i + 1))
        add_span(s, children(g, i));
}

static struct revset copy_of(struct arena *a, const struct graph *g, const struct revset *s)
{
    struct revset copy = revset_new(a, g);
    revset_union(&copy, s);
    return copy;
}

struct revset graph_ancestors(struct arena *a, const struct graph *g, const struct revset *of)
{
    struct revset s = copy_of(a, g, of);
    spread_down(g, &s, normdown_of, 0);
    return s;
}

struct revset graph_ancestors_down(struct arena *a, const struct graph *g, const struct revset *of)
{
    struct revset s = copy_of(a, g, of);
    spread_down(g, &s, down_of, 0);
    return s;
}

struct revset graph_descendants(struct arena *a, const struct graph *g, const struct revset *of)
{
    struct revset s = copy_of(a, g, of);
    spread_up(g, &s, all_children_of);
    return s;
}

struct revset graph_descendants_down(struct arena *a, const struct graph *g, const struct revset *of)
{
    struct revset s = copy_of(a, g, of);
    spread_up(g, &s, children_of);
    return s;
}

struct revset graph_lineage(struct arena *a, const struct graph *g, const struct revset *of, bool dependencies)
{
    struct revset up = copy_of(a, g, of), down = copy_of(a, g, of);
    spread_up(g, &up, dependencies ? all_children_of : children_of);
    spread_down(g, &down, dependencies ? normdown_of : down_of, 0);
    revset_union(&up, &down);
    return up;
}

/* ------------------------------------------------------------------------------------------------------------- names */

static uint64_t hash_name(struct str s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static struct name *name_slot(const struct graph *g, struct str name)
{
    size_t i = hash_name(name) & g->names_mask;
    while (g->names[i].text && !str_is(name, g->names[i].text))
        i = (i + 1) & g->names_mask;
    return &g->names[i];
}

static void name_add(struct graph *g, const char *text, uint32_t index)
{
    struct name *slot = name_slot(g, str_from(text));
    assert(!slot->text);
    *slot = (struct name){text, index};
}

static void build_names(struct arena *a, struct graph *g)
{
    size_t count = g->n, size = 16;
    for (uint32_t i = 0; i < g->n; i++)
        count += g->stream->revisions[i]->n_labels;
    while (size < count * 2)
        size *= 2;
    g->names = ARENA_ARRAY(a, struct name, size);
    g->names_mask = size - 1;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct revision *r = g->stream->revisions[i];
        name_add(g, r->id, i);
        for (uint32_t l = 0; l < r->n_labels; l++)
            name_add(g, r->labels[l], i);
    }
}

uint32_t graph_lookup(const struct graph *g, struct str name)
{
    const struct name *slot = name_slot(g, name);
    return slot->text ? slot->index : REVISION_NONE;
}

uint32_t graph_find(const struct graph *g, struct str id)
{
    uint32_t index = graph_lookup(g, id);
    return index != REVISION_NONE && str_is(id, g->stream->revisions[index]->id) ? index : REVISION_NONE;
}

/* ------------------------------------------------------------------------------------------------------------- edges */

/*
 * Turns parents into children, each list in load order. With `along_depends` a dependency is a parent too, once, however
 * often the revision names it.
 */
static struct edges build_children(struct arena *a, const struct graph *g, bool along_depends)
{
    struct edges e = {.start = ARENA_ARRAY(a, uint32_t, g->n + 2)};
    /* Pass 0 counts into start[parent + 2], pass 1 fills; start[parent + 1] is where the next child goes meanwhile. */
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t load = 0; load < g->n; load++) {
            uint32_t child = g->by_load[load];
            struct span down = down_of(g, child), depends = depends_of(g, child);
            uint32_t all = down.n + (along_depends ? depends.n : 0);
            for (uint32_t i = 0; i < all; i++) {
                uint32_t parent = i < down.n ? down.v[i] : depends.v[i - down.n];
                assert(parent < child);
                struct span seen = i < down.n ? (struct span){down.v, i} : down;
                if (span_has(seen, parent) || (i > down.n && span_has((struct span){depends.v, i - down.n}, parent)))
                    continue;
                if (pass == 0)
                    e.start[parent + 2]++;
                else
                    e.v[e.start[parent + 1]++] = child;
            }
        }
        if (pass == 0) {
            for (uint32_t i = 2; i <= g->n; i++)
                e.start[i] += e.start[i - 1];
            e.v = ARENA_ARRAY(a, uint32_t, (size_t)e.start[g->n] + e.start[g->n + 1]);
        }
    }
    return e;
}

/*
 * The dependencies of `index` that none of its down-ancestors has. first[d] is the lowest index that depends on d: only
 * where that is another revision can there be something to drop, and only ancestors from there upward are looked at.
 */
static uint32_t kept_depends(struct arena *scratch, const struct graph *g, uint32_t index, const uint32_t *first,
                             uint32_t *out)
{
    struct span depends = depends_of(g, index);
    uint32_t n = 0, open = 0, least = index;
    for (uint32_t i = 0; i < depends.n; i++) {
        if (span_has((struct span){depends.v, i}, depends.v[i]))
            continue;
        out[n++] = depends.v[i];
        if (first[depends.v[i]] < index)
            open++;
        if (first[depends.v[i]] < least)
            least = first[depends.v[i]];
    }
    if (!open)
        return n;
    struct revset above = revset_new(scratch, g);
    add_span(&above, down_of(g, index));
    for (uint32_t i = index; i-- > least && open;) {
        if (!revset_has(&above, i))
            continue;
        add_span(&above, down_of(g, i));
        struct span theirs = depends_of(g, i);
        uint32_t kept = 0;
        for (uint32_t k = 0; k < n; k++) {
            if (span_has(theirs, out[k]))
                open--;
            else
                out[kept++] = out[k];
        }
        n = kept;
    }
    return n;
}

static void build_normdown(struct arena *a, struct graph *g)
{
    size_t edges = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        edges += g->stream->revisions[i]->n_down + (size_t)g->stream->revisions[i]->n_depends;
        g->has_depends |= g->stream->revisions[i]->n_depends > 0;
    }
    if (!g->has_depends)
        return;
    ARENA_AUTO scratch = {0};
    uint32_t *first = ARENA_ARRAY(&scratch, uint32_t, g->n), *kept = ARENA_ARRAY(&scratch, uint32_t, edges);
    memset(first, 0xff, g->n * sizeof *first);
    struct edges e = {ARENA_ARRAY(a, uint32_t, g->n + 1), ARENA_ARRAY(a, uint32_t, edges)};
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        struct span down = down_of(g, i), depends = depends_of(g, i);
        e.start[i] = n;
        for (uint32_t k = 0; k < depends.n; k++) {
            assert(depends.v[k] < i);
            if (first[depends.v[k]] > i)
                first[depends.v[k]] = i;
        }
        ARENA_AUTO one = {0};
        uint32_t n_kept = depends.n ? kept_depends(&one, g, i, first, kept) : 0;
        for (uint32_t k = 0; k < down.n + n_kept; k++) {
            uint32_t parent = k < down.n ? down.v[k] : kept[k - down.n];
            if (!span_has((struct span){e.v + e.start[i], n - e.start[i]}, parent))
                e.v[n++] = parent;
        }
    }
    e.start[g->n] = n;
    g->normdown = e;
}

/* ------------------------------------------------------------------------------------------------------------- labels */

static bool is_real_branch_point(const struct graph *g, uint32_t index)
{
    return all_children_of(g, index).n > 1;
}

/*
 * A label covers the down-descendants of its revision and, when they are one line, what lies before it too: upward from
 * the tip until something branches (dependants count) or merges.
 */
static struct revset label_cover(struct arena *a, const struct graph *g, uint32_t index)
{
    struct revset set = revset_of(a, g, index);
    spread_up(g, &set, children_of);
    uint32_t tip = index;
    while (children_of(g, tip).n == 1)
        tip = children_of(g, tip).v[0];
    if (children_of(g, tip).n)
        return set; /* the line branches below the revision: the way up from any tip ends there */
    for (;;) {
        if (is_real_branch_point(g, tip) || graph_is_merge_point(g, tip))
            return set;
        revset_add(&set, tip);
        if (!down_of(g, tip).n)
            return set;
        tip = down_of(g, tip).v[0];
    }
}

static void build_covers(struct arena *a, struct graph *g)
{
    for (uint32_t i = 0; i < g->n; i++)
        g->n_covers += g->stream->revisions[i]->n_labels > 0;
    g->covers = ARENA_ARRAY(a, struct cover, g->n_covers);
    size_t n = 0;
    for (uint32_t i = 0; i < g->n; i++)
        if (g->stream->revisions[i]->n_labels)
            g->covers[n++] = (struct cover){i, label_cover(a, g, i)};
}

struct strings graph_labels(struct arena *a, const struct graph *g, uint32_t index)
{
    struct strings labels = {0};
    for (size_t c = 0; c < g->n_covers; c++) {
        const struct revision *r = g->stream->revisions[g->covers[c].index];
        if (!revset_has(&g->covers[c].set, index))
            continue;
        for (uint32_t l = 0; l < r->n_labels; l++)
            vec_push(a, &labels, r->labels[l]);
    }
    strings_sort(&labels);
    return labels;
}

bool graph_has_label(const struct graph *g, uint32_t index, struct str label)
{
    uint32_t carrier = graph_lookup(g, label);
    if (carrier == REVISION_NONE || graph_find(g, label) != REVISION_NONE)
        return false;
    for (size_t c = 0; c < g->n_covers; c++)
        if (g->covers[c].index == carrier)
            return revset_has(&g->covers[c].set, index);
    return false;
}

/* -------------------------------------------------------------------------------------------------------------- graph */

struct graph *graph_new(struct arena *a, const struct stream *stream)
{
    struct graph *g = ARENA_NEW(a, struct graph);
    g->stream = stream;
    g->n = stream->n_revisions;
    g->by_load = ARENA_ARRAY(a, uint32_t, g->n);
    memset(g->by_load, 0xff, g->n * sizeof *g->by_load);
    for (uint32_t i = 0; i < g->n; i++) {
        uint32_t load = stream->revisions[i]->load_order;
        assert(load < g->n && g->by_load[load] == REVISION_NONE);
        g->by_load[load] = i;
    }
    build_names(a, g);
    build_normdown(a, g);
    g->children = build_children(a, g, false);
    g->all_children = g->has_depends ? build_children(a, g, true) : g->children;
    build_covers(a, g);
    return g;
}

const struct stream *graph_stream(const struct graph *g)
{
    return g->stream;
}

size_t graph_size(const struct graph *g)
{
    return g->n;
}

const struct revision *graph_revision(const struct graph *g, uint32_t index)
{
    assert(index < g->n);
    return g->stream->revisions[index];
}

bool graph_is_head(const struct graph *g, uint32_t index)
{
    return children_of(g, index).n == 0;
}

bool graph_is_real_head(const struct graph *g, uint32_t index)
{
    return all_children_of(g, index).n == 0;
}

bool graph_is_branch_point(const struct graph *g, uint32_t index)
{
    return children_of(g, index).n > 1;
}

bool graph_is_merge_point(const struct graph *g, uint32_t index)
{
    return down_of(g, index).n > 1;
}

static bool is_base(const struct graph *g, uint32_t index)
{
    return down_of(g, index).n == 0;
}

/* The revisions that a test picks, in load order. */
static struct revlist pick(struct arena *a, const struct graph *g, bool (*test)(const struct graph *g, uint32_t index))
{
    struct revlist list = {0};
    for (uint32_t load = 0; load < g->n; load++)
        if (test(g, g->by_load[load]))
            vec_push(a, &list, g->by_load[load]);
    return list;
}

struct revlist graph_heads(struct arena *a, const struct graph *g)
{
    return pick(a, g, graph_is_head);
}

struct revlist graph_real_heads(struct arena *a, const struct graph *g)
{
    return pick(a, g, graph_is_real_head);
}

struct revlist graph_bases(struct arena *a, const struct graph *g)
{
    return pick(a, g, is_base);
}

struct revlist revset_list(struct arena *a, const struct graph *g, const struct revset *s)
{
    struct revlist list = {0};
    size_t left = revset_count(s);
    for (uint32_t load = 0; load < g->n && list.n < left; load++)
        if (revset_has(s, g->by_load[load]))
            vec_push(a, &list, g->by_load[load]);
    return list;
}

static struct revlist list_of(struct arena *a, struct span s)
{
    struct revlist list = {ARENA_ARRAY(a, uint32_t, s.n), s.n, s.n};
    if (s.n)
        memcpy(list.v, s.v, s.n * sizeof *s.v);
    return list;
}

struct revlist graph_children(struct arena *a, const struct graph *g, uint32_t index)
{
    return list_of(a, children_of(g, index));
}

struct revlist graph_normdown(struct arena *a, const struct graph *g, uint32_t index)
{
    return list_of(a, normdown_of(g, index));
}

struct revlist graph_current(struct arena *a, const struct graph *g, const struct revset *rows)
{
    struct revset applied = graph_ancestors(a, g, rows), tips = copy_of(a, g, &applied);
    for (uint32_t i = revset_next(&applied, 0); i != REVISION_NONE; i = revset_next(&applied, i + 1)) {
        struct span down = down_of(g, i);
        for (uint32_t k = 0; k < down.n; k++)
            revset_remove(&tips, down.v[k]);
    }
    return revset_list(a, g, &tips);
}
