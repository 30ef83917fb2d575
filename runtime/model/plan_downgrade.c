/* Plans that go down: everything applied above the target, newest first; on one branch only where a label says so. */
#include "model/steps.h"
#include "model/walk.h"

struct destination {
    struct spot at; /* SPOT_REVISION: it stays, what is above goes; else everything goes */
    bool labelled;
    uint32_t branch; /* when labelled: the revision on whose line the way down must be */
};

/* The row that label@-N counts from: on the branch, or what the rows imply of it. */
static bool find_branch_row(struct arena *a, const struct graph *g, struct str text, const struct target *t,
                            const struct revset *rows, const struct revset *lineage, struct spot *at, struct err *e)
{
    struct revset on_branch = revset_new(a, g);
    revset_union(&on_branch, rows);
    revset_intersect(&on_branch, lineage);
    if (revset_is_empty(&on_branch)) {
        struct revlist current = graph_current(a, g, rows);
        on_branch = revset_from(a, g, &current);
        revset_intersect(&on_branch, lineage);
    }
    struct revlist choices = revset_list(a, g, &on_branch);
    if (!choices.n)
        return err_set(e, FAULT_USAGE,
                       "\"%.*s\" has nothing to go down from: no revision of branch \"%.*s\" is current", STR_ARG(text),
                       STR_ARG(t->label));
    if (choices.n > 1)
        return walk_refuse_choice(a, g, text, t, &choices, "the database stands at", e);
    *at = (struct spot){SPOT_REVISION, choices.v[0]};
    return true;
}

static bool resolve_relative(struct arena *a, const struct graph *g, struct str text, const struct target *t,
                             const struct revset *rows, const struct revset *lineage, struct destination *d,
                             struct err *e)
{
    if (t->offset >= 0) {
        err_set(e, FAULT_USAGE, "\"%.*s\" is no target of downgrade: it goes up", STR_ARG(text));
        err_hint(e, "use the upgrade command: upgrade %.*s", STR_ARG(text));
        return false;
    }
    if (d->labelled)
        return find_branch_row(a, g, text, t, rows, lineage, &d->at, e) &&
               walk_steps(a, g, text, &d->at, t->offset, NULL, WALK_EXACTLY, e);
    struct revlist current = revset_list(a, g, rows);
    if (!current.n)
        return err_set(e, FAULT_USAGE, "\"%.*s\" has nothing to go down from: no revision is applied", STR_ARG(text));
    if (current.n > 1)
        return walk_refuse_choice(a, g, text, t, &current, "the database stands at", e);
    d->at = (struct spot){SPOT_REVISION, current.v[0]};
    d->labelled = true;
    d->branch = current.v[0];
    return walk_steps(a, g, text, &d->at, t->offset, NULL, WALK_EXACTLY, e);
}

static bool resolve_destination(struct arena *a, const struct graph *g, struct str text, const struct revset *rows,
                                struct destination *d, struct err *e)
{
    struct target t;
    struct revset lineage = {0};
    *d = (struct destination){0};
    if (!target_parse(text, &t, e))
        return false;
    d->labelled = t.label.n > 0;
    if (d->labelled && !walk_lineage(a, g, t.label, &d->branch, &lineage, e))
        return false;
    if (t.shape == TARGET_RELATIVE)
        return resolve_relative(a, g, text, &t, rows, &lineage, d, e);
    /* As in Alembic, the label narrows the way up from the symbol and the way down from the start, not the symbol. */
    if (t.shape == TARGET_SYMBOL)
        return walk_resolve(a, g, t.symbol, &d->at, e);
    if (!walk_resolve(a, g, t.offset < 0 ? walk_start_of(text, &t) : t.symbol, &d->at, e) ||
        !walk_steps(a, g, text, &d->at, t.offset, d->labelled ? &lineage : NULL, WALK_EXACTLY, e))
        return false;
    if (t.offset == 0 && d->at.kind == SPOT_NOTHING)
        return err_set(e, FAULT_USAGE, "\"%.*s\" goes nowhere", STR_ARG(text));
    return true;
}

/* The lowest revisions that go: what follows the target, or all bases; of several only those on the label's line. */
static bool find_roots(struct arena *a, const struct graph *g, struct str text, const struct destination *d,
                       struct revset *out, struct err *e)
{
    struct revlist roots = d->at.kind == SPOT_REVISION ? graph_children(a, g, d->at.index) : graph_bases(a, g);
    *out = revset_from(a, g, &roots);
    if (!d->labelled || roots.n < 2)
        return true;
    struct revset one = revset_of(a, g, d->branch), line = graph_ancestors_down(a, g, &one);
    revset_intersect(out, &line);
    if (!revset_is_empty(out))
        return true;
    err_set(e, FAULT_USAGE, "%.*s is not a valid downgrade target: no branch from there leads to %s", STR_ARG(text),
            graph_revision(g, d->branch)->id);
    err_detail(e, "the branches begin with %s", walk_list_ids(a, g, &roots));
    return false;
}

/* What a downgrade drops: of the descendants of the roots, dependants too, what is applied. */
static bool find_dropped(struct arena *a, const struct graph *g, struct str text, const struct revset *rows,
                         struct destination *d, struct revset *out, struct err *e)
{
    struct revset roots;
    if (!resolve_destination(a, g, text, rows, d, e) || !find_roots(a, g, text, d, &roots, e))
        return false;
    struct revset applied = graph_ancestors(a, g, rows);
    *out = graph_descendants(a, g, &roots);
    revset_intersect(out, &applied);
    return true;
}

static bool is_reached(const struct destination *d, const struct revset *rows)
{
    return d->at.kind != SPOT_REVISION || revset_has(rows, d->at.index);
}

static bool refuse_target(struct arena *a, const struct graph *g, struct str text, const struct revset *rows,
                          struct err *e)
{
    struct revlist current = revset_list(a, g, rows);
    err_set(e, FAULT_USAGE, "%.*s is not a valid downgrade target from the current revisions", STR_ARG(text));
    if (current.n)
        err_detail(e, "the database stands at %s", walk_list_ids(a, g, &current));
    else
        err_detail(e, "no revision is applied");
    return false;
}

bool plan_downgrade(struct arena *a, const struct graph *g, const struct strings *rows, struct str target,
                    struct plan *out, struct err *e)
{
    struct revset current, dropped;
    struct destination d;
    if (!graph_rows(a, g, rows, &current, NULL, e) || !find_dropped(a, g, target, &current, &d, &dropped, e))
        return false;
    if (revset_is_empty(&dropped) && !is_reached(&d, &current))
        return refuse_target(a, g, target, &current, e);
    struct revlist newest_first = graph_sort(a, g, &dropped, &current);
    struct steps steps = steps_begin(a, g, &current, out);
    steps_expect_downgrades(&steps);
    for (size_t i = 0; i < newest_first.n; i++)
        steps_downgrade(&steps, newest_first.v[i]);
    return true;
}

bool plan_is_below(struct arena *a, const struct graph *g, const struct strings *rows, struct str target, bool *below,
                   struct err *e)
{
    struct revset current, dropped;
    struct destination d;
    struct target t;
    if (!graph_rows(a, g, rows, &current, NULL, e) || !target_parse(target, &t, e))
        return false;
    *below = t.shape == TARGET_RELATIVE && t.offset < 0 && !rows->n;
    if (*below)
        return true;
    if (!find_dropped(a, g, target, &current, &d, &dropped, e))
        return false;
    if (!revset_is_empty(&dropped) || is_reached(&d, &current)) {
        *below = revset_is_empty(&dropped);
        return true;
    }
    struct revset one = revset_of(a, g, d.at.index), under = graph_ancestors(a, g, &one);
    struct revset applied = graph_ancestors(a, g, &current);
    *below = !rows->n || revset_has(&applied, d.at.index) || revset_meets(&under, &current);
    return true;
}
