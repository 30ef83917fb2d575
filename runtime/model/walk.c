/* Steps up and down the graph, one revision at a time, refusing to guess; and the checks that every plan makes. */
#include "model/walk.h"

#include <inttypes.h>

/* ---------------------------------------------------------------------------------------------------------------- sets */

bool walk_find_overlap(struct arena *a, const struct graph *g, const struct revset *set, uint32_t *lower,
                       uint32_t *upper)
{
    if (revset_count(set) < 2)
        return false;
    struct revset below = revset_new(a, g);
    for (uint32_t i = revset_next(set, 0); i != REVISION_NONE; i = revset_next(set, i + 1)) {
        struct revlist parents = graph_normdown(a, g, i);
        for (size_t k = 0; k < parents.n; k++)
            revset_add(&below, parents.v[k]);
    }
    below = graph_ancestors(a, g, &below);
    revset_intersect(&below, set);
    *lower = revset_next(&below, 0);
    if (*lower == REVISION_NONE)
        return false;
    struct revset one = revset_of(a, g, *lower), above = graph_descendants(a, g, &one);
    revset_intersect(&above, set);
    *upper = revset_next(&above, *lower + 1);
    return true;
}

bool walk_read_rows(struct arena *a, const struct graph *g, const struct strings *rows, struct revset *out,
                    struct err *e)
{
    uint32_t lower, upper;
    if (!graph_rows(a, g, rows, out, NULL, e))
        return false;
    if (!walk_find_overlap(a, g, out, &lower, &upper))
        return true;
    err_set(e, FAULT_DIVERGED, "version row %s is implied by version row %s", graph_revision(g, lower)->id,
            graph_revision(g, upper)->id);
    err_hint(e, "`stamp --purge` writes rows anew; leave %s out", graph_revision(g, lower)->id);
    return false;
}

bool walk_check_targets(struct arena *a, const struct graph *g, const struct revset *targets, struct err *e)
{
    uint32_t lower, upper;
    if (!walk_find_overlap(a, g, targets, &lower, &upper))
        return true;
    err_set(e, FAULT_USAGE, "requested revision %s overlaps with requested revision %s", graph_revision(g, upper)->id,
            graph_revision(g, lower)->id);
    err_hint(e, "%s brings %s with it", graph_revision(g, upper)->id, graph_revision(g, lower)->id);
    return false;
}

const char *walk_list_ids(struct arena *a, const struct graph *g, const struct revlist *list)
{
    BUF_AUTO shown = {0};
    for (size_t i = 0; i < list->n; i++)
        buf_addf(&shown, "%s%s", i ? ", " : "", graph_revision(g, list->v[i])->id);
    return arena_str(a, buf_str(&shown));
}

/* --------------------------------------------------------------------------------------------------------------- steps */

bool walk_resolve(struct arena *a, const struct graph *g, struct str symbol, struct spot *out, struct err *e)
{
    struct revlist found;
    if (!graph_resolve(a, g, symbol, NULL, &found, e))
        return false;
    if (found.n > 1) {
        err_set(e, FAULT_USAGE, "multiple head revisions are present for given argument '%.*s'", STR_ARG(symbol));
        err_detail(e, "the heads are %s", walk_list_ids(a, g, &found));
        err_hint(e, "name one of them");
        return false;
    }
    *out = found.n ? (struct spot){SPOT_REVISION, found.v[0]} : (struct spot){.kind = SPOT_NOTHING};
    return true;
}

static struct revlist above(struct arena *a, const struct graph *g, struct spot at, const struct revset *lineage)
{
    struct revlist all = at.kind == SPOT_REVISION ? graph_children(a, g, at.index) : graph_bases(a, g), kept = {0};
    for (size_t i = 0; i < all.n; i++)
        if (!lineage || revset_has(lineage, all.v[i]))
            vec_push(a, &kept, all.v[i]);
    return kept;
}

static struct revlist below(struct arena *a, const struct graph *g, struct spot at)
{
    if (at.kind == SPOT_NOTHING)
        return graph_heads(a, g);
    const struct revision *r = graph_revision(g, at.index);
    struct revlist parents = {0};
    for (uint32_t i = 0; i < r->n_down; i++)
        vec_push(a, &parents, r->down[i]);
    return parents;
}

static bool refuse_fork(struct arena *a, const struct graph *g, struct str text, struct spot at, bool up,
                        const struct revlist *ways, struct err *e)
{
    if (at.kind != SPOT_REVISION)
        err_set(e, FAULT_USAGE, "\"%.*s\" is ambiguous: there are %zu %s", STR_ARG(text), ways->n,
                up ? "bases" : "heads");
    else if (up)
        err_set(e, FAULT_USAGE, "\"%.*s\" is ambiguous: %zu revisions follow %s", STR_ARG(text), ways->n,
                graph_revision(g, at.index)->id);
    else
        err_set(e, FAULT_USAGE, "\"%.*s\" is ambiguous: %s merges %zu revisions", STR_ARG(text),
                graph_revision(g, at.index)->id, ways->n);
    err_detail(e, "%s", walk_list_ids(a, g, ways));
    if (up)
        err_hint(e, "name one of them, or a branch as in LABEL@+1");
    else
        err_hint(e, "name one of them");
    return false;
}

static bool refuse_overrun(const struct graph *g, struct str text, struct spot start, int64_t steps, int64_t taken,
                           struct err *e)
{
    err_set(e, FAULT_USAGE, "relative revision %.*s didn't produce %" PRId64 " migrations", STR_ARG(text),
            steps < 0 ? -steps : steps);
    if (steps > 0 && taken == 0 && start.kind == SPOT_REVISION)
        return err_detail(e, "%s is already at the head", graph_revision(g, start.index)->id), false;
    err_detail(e, "%" PRId64 " %s %s", taken < 0 ? -taken : taken, steps > 0 ? "above" : "down from",
               start.kind == SPOT_REVISION ? graph_revision(g, start.index)->id : "base");
    return false;
}

bool walk_steps(struct arena *a, const struct graph *g, struct str text, struct spot *at, int64_t steps,
                const struct revset *lineage, enum walk_end end, struct err *e)
{
    struct spot start = *at;
    for (int64_t taken = 0; taken != steps; taken += steps > 0 ? 1 : -1) {
        struct revlist ways = {0};
        if (steps > 0)
            ways = above(a, g, *at, lineage);
        else if (at->kind != SPOT_BASE)
            ways = below(a, g, *at);
        if (ways.n > 1)
            return refuse_fork(a, g, text, *at, steps > 0, &ways, e);
        if (ways.n)
            *at = (struct spot){SPOT_REVISION, ways.v[0]};
        else if (steps < 0 && at->kind == SPOT_REVISION)
            *at = (struct spot){.kind = SPOT_BASE};
        else
            return end == WALK_AT_MOST || refuse_overrun(g, text, start, steps, taken, e);
    }
    return true;
}

bool walk_below_heads(struct arena *a, const struct graph *g, struct str text, int64_t steps,
                      const struct revset *lineage, enum walk_end end, struct revlist *out, bool *base, struct err *e)
{
    struct revlist heads = graph_real_heads(a, g);
    struct revset seen = revset_new(a, g);
    *base = false;
    for (size_t i = 0; i < heads.n; i++) {
        struct spot at = {SPOT_REVISION, heads.v[i]};
        if (lineage && !revset_has(lineage, at.index))
            continue;
        if (!walk_steps(a, g, text, &at, steps, NULL, end, e))
            return false;
        if (at.kind != SPOT_REVISION) {
            *base = true;
        } else if (!revset_has(&seen, at.index)) {
            revset_add(&seen, at.index);
            vec_push(a, out, at.index);
        }
    }
    return true;
}

bool walk_lineage(struct arena *a, const struct graph *g, struct str label, uint32_t *branch, struct revset *lineage,
                  struct err *e)
{
    if (!graph_resolve_branch(a, g, label, branch, e))
        return false;
    struct revset one = revset_of(a, g, *branch);
    *lineage = graph_lineage(a, g, &one, false);
    return true;
}

struct str walk_start_of(struct str text, const struct target *t)
{
    return str_slice(text, 0, (size_t)(t->symbol.p + t->symbol.n - text.p));
}

bool walk_refuse_choice(struct arena *a, const struct graph *g, struct str text, const struct target *t,
                        const struct revlist *choices, const char *what, struct err *e)
{
    BUF_AUTO hint = {0};
    for (size_t i = 0; i < choices->n; i++)
        buf_addf(&hint, "%s%s@%+" PRId64, i ? " or " : "", graph_revision(g, choices->v[i])->id, t->offset);
    err_set(e, FAULT_USAGE, "\"%.*s\" is ambiguous: %s %zu revisions", STR_ARG(text), what, choices->n);
    err_detail(e, "%s", walk_list_ids(a, g, choices));
    err_hint(e, "choose %s", hint.p);
    return false;
}

/* What +N counts from: the one of `from`, or, where a branch is named, the tip of what `from` implies of it. */
static struct revlist starts_of(struct arena *a, const struct graph *g, const struct revset *from,
                                const struct revset *lineage)
{
    struct revset own = revset_new(a, g);
    revset_union(&own, from);
    if (!lineage)
        return revset_list(a, g, &own);
    revset_intersect(&own, lineage);
    if (!revset_is_empty(&own))
        return revset_list(a, g, &own);
    struct revset active = graph_ancestors(a, g, from);
    revset_intersect(&active, lineage);
    revset_union(&own, &active);
    for (uint32_t i = revset_next(&active, 0); i != REVISION_NONE; i = revset_next(&active, i + 1)) {
        struct revlist parents = graph_normdown(a, g, i);
        for (size_t k = 0; k < parents.n; k++)
            revset_remove(&own, parents.v[k]);
    }
    return revset_list(a, g, &own);
}

bool walk_to_target(struct arena *a, const struct graph *g, struct str text, const struct target *t,
                    const struct revset *from, enum walk_end end, struct spot *out, struct err *e)
{
    struct revset lineage, *within = NULL;
    uint32_t branch;
    if (t->label.n && t->offset > 0) {
        if (!walk_lineage(a, g, t->label, &branch, &lineage, e))
            return false;
        within = &lineage;
    }
    if (t->shape == TARGET_RELATIVE) {
        struct revlist starts = starts_of(a, g, from, within);
        if (starts.n > 1)
            return walk_refuse_choice(a, g, text, t, &starts, "it could start from", e);
        *out = starts.n ? (struct spot){SPOT_REVISION, starts.v[0]} : (struct spot){.kind = SPOT_NOTHING};
    } else if (!walk_resolve(a, g, t->offset > 0 ? t->symbol : walk_start_of(text, t), out, e)) {
        return false;
    }
    return walk_steps(a, g, text, out, t->offset, within, end, e);
}
