/* Ranges of the history, newest first: which revisions `history -r START:END` lists. */
#include "model/walk.h"

struct range {
    struct arena *a;
    const struct graph *g;
    struct str text, start, end;
    const struct strings *rows;
    struct revset lower; /* the revisions that `start` stands for */
    bool from_base;      /* `start` is base, or reaches it */
    struct revset upper;
};

static bool read_end(struct range *r, struct str text, struct revset *out, struct err *e)
{
    struct revlist found;
    if (!graph_resolve(r->a, r->g, text, r->rows, &found, e))
        return false;
    *out = revset_from(r->a, r->g, &found);
    return true;
}

static bool read_start(struct range *r, struct err *e)
{
    struct target t;
    struct revset lineage, *within = NULL;
    struct revlist found = {0};
    uint32_t branch;
    r->lower = revset_new(r->a, r->g);
    r->from_base = !r->start.n;
    if (r->from_base)
        return true;
    if (!target_parse(r->start, &t, e))
        return false;
    if (t.shape != TARGET_RELATIVE || t.offset >= 0) {
        if (!read_end(r, r->start, &r->lower, e))
            return false;
        r->from_base = revset_is_empty(&r->lower);
        return true;
    }
    if (t.label.n) {
        if (!walk_lineage(r->a, r->g, t.label, &branch, &lineage, e))
            return false;
        within = &lineage;
    }
    if (!walk_below_heads(r->a, r->g, r->start, t.offset, within, WALK_AT_MOST, &found, &r->from_base, e))
        return false;
    r->lower = revset_from(r->a, r->g, &found);
    r->from_base |= !found.n; /* a branch whose heads others depend on has no real head to count from */
    return true;
}

static bool read_upper(struct range *r, struct err *e)
{
    struct target t;
    struct spot at;
    if (!r->end.n)
        return read_end(r, STR("heads"), &r->upper, e);
    if (!target_parse(r->end, &t, e))
        return false;
    if (t.shape == TARGET_SYMBOL)
        return read_end(r, r->end, &r->upper, e);
    if (t.shape == TARGET_RELATIVE && t.offset <= 0) {
        err_set(e, FAULT_USAGE, "\"%.*s\" cannot end a history range", STR_ARG(r->end));
        err_hint(e, "START:+N ends N steps above START, %.*s: starts N steps below the heads", STR_ARG(r->end));
        return false;
    }
    if (!walk_to_target(r->a, r->g, r->end, &t, &r->lower, WALK_AT_MOST, &at, e))
        return false;
    r->upper = at.kind == SPOT_REVISION ? revset_of(r->a, r->g, at.index) : revset_new(r->a, r->g);
    return true;
}

/* The id or label of a revision that a prefix of it was typed for. */
static struct str full_name(const struct graph *g, uint32_t index, struct str prefix)
{
    const struct revision *r = graph_revision(g, index);
    for (uint32_t l = 0; l < r->n_labels; l++)
        if (str_starts(str_from(r->labels[l]), prefix))
            return str_from(r->labels[l]);
    return str_from(r->id);
}

/*
 * `label@…:` keeps of the upper ends those that carry the label. An id in place of the label stands for the one label that
 * covers it, or else for its lineage.
 */
static bool keep_labelled(struct range *r, struct err *e)
{
    size_t at = str_find(r->start, '@');
    if (at == r->start.n)
        return true;
    struct str label = str_slice(r->start, 0, at);
    struct revset lineage;
    uint32_t branch;
    if (!walk_lineage(r->a, r->g, label, &branch, &lineage, e))
        return false;
    if (graph_lookup(r->g, label) == REVISION_NONE)
        label = full_name(r->g, branch, label);
    if (graph_find(r->g, label) != REVISION_NONE) {
        struct strings labels = graph_labels(r->a, r->g, branch);
        label = labels.n == 1 ? str_from(labels.v[0]) : (struct str){0};
    }
    for (uint32_t i = revset_next(&r->upper, 0); i != REVISION_NONE; i = revset_next(&r->upper, i + 1))
        if (label.n ? !graph_has_label(r->g, i, label) : !revset_has(&lineage, i))
            revset_remove(&r->upper, i);
    return true;
}

static bool collect(struct range *r, struct revset *out, struct err *e)
{
    struct revset outside = revset_new(r->a, r->g);
    if (!walk_check_targets(r->a, r->g, &r->upper, e) || !walk_check_targets(r->a, r->g, &r->lower, e))
        return false;
    *out = graph_ancestors(r->a, r->g, &r->upper);
    revset_union(&outside, &r->lower);
    revset_subtract(&outside, out);
    if (!revset_is_empty(&outside))
        return err_set(e, FAULT_USAGE,
                       "range %.*s does not refer to ancestor/descendant revisions along the same branch",
                       STR_ARG(r->text));
    struct revset below = graph_ancestors(r->a, r->g, &r->lower);
    revset_subtract(out, &below);
    revset_union(out, &r->lower);
    if (!r->from_base) {
        struct revset above = graph_descendants_down(r->a, r->g, &r->lower);
        revset_intersect(out, &above);
    }
    return true;
}

static bool cut_range(struct range *r, struct err *e)
{
    size_t at = str_find(r->text, ':');
    if (!r->text.n)
        return true;
    r->start = str_slice(r->text, 0, at);
    r->end = str_slice(r->text, at + 1, r->text.n);
    if (at < r->text.n && str_find(r->end, ':') == r->end.n)
        return true;
    return err_set(e, FAULT_USAGE, "history range requires [start]:[end], [start]:, or :[end]");
}

bool plan_history(struct arena *a, const struct graph *g, struct str range, const struct strings *rows,
                  struct revlist *out, struct err *e)
{
    struct range r = {.a = a, .g = g, .text = str_trim(range), .rows = rows};
    struct revset listed;
    if (!cut_range(&r, e) || !read_start(&r, e) || !read_upper(&r, e) || !keep_labelled(&r, e) ||
        !collect(&r, &listed, e))
        return false;
    *out = graph_sort(a, g, &listed, &r.upper);
    return true;
}
