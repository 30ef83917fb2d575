/*
 * Stamps: version rows without running anything.
 *
 * As Alembic, each target in turn replaces the rows of all targets' lineages when it stands above or below one of them. Where
 * Alembic forgets what an earlier target of the same command did, and drops its row or dies, the row stays here.
 */
#include "model/steps.h"
#include "model/walk.h"

struct stamp {
    struct arena *a;
    const struct graph *g;
    struct revset rows;     /* as found */
    struct revset related;  /* of those, what shares a lineage with a target, dependencies included */
    struct revlist targets; /* as typed, each once; empty: base */
};

static void add_lineage(struct stamp *s, struct revset *lineage, uint32_t index)
{
    struct revset one = revset_of(s->a, s->g, index), all = graph_lineage(s->a, s->g, &one, true);
    revset_union(lineage, &all);
}

/* Rows that the text is about: of the lineages of its label and of what it stands for; for a bare `base` all. */
static bool add_target(struct stamp *s, struct str text, struct revset *wanted, struct err *e)
{
    struct target t;
    struct revlist found;
    uint32_t branch;
    if (!target_parse(text, &t, e) || !graph_resolve(s->a, s->g, text, NULL, &found, e))
        return false;
    struct revset lineage = revset_new(s->a, s->g);
    if (t.label.n) {
        if (!graph_resolve_branch(s->a, s->g, t.label, &branch, e))
            return false;
        add_lineage(s, &lineage, branch);
    } else if (!found.n) {
        revset_union(&lineage, &s->rows);
    }
    for (size_t i = 0; i < found.n; i++) {
        add_lineage(s, &lineage, found.v[i]);
        if (!revset_has(wanted, found.v[i]))
            vec_push(s->a, &s->targets, found.v[i]);
        revset_add(wanted, found.v[i]);
    }
    revset_intersect(&lineage, &s->rows);
    revset_union(&s->related, &lineage);
    return true;
}

static bool is_above_or_below(const struct stamp *s, uint32_t target)
{
    struct revset one = revset_of(s->a, s->g, target), lineage = graph_lineage(s->a, s->g, &one, true);
    return revset_meets(&lineage, &s->related);
}

/* Of the related rows, those that still stand and are no target themselves. */
static struct revlist replaced_rows(const struct stamp *s, const struct revset *now)
{
    struct revset left = revset_new(s->a, s->g), targets = revset_from(s->a, s->g, &s->targets);
    revset_union(&left, &s->related);
    revset_intersect(&left, now);
    revset_subtract(&left, &targets);
    return revset_list(s->a, s->g, &left);
}

static void plan_targets(const struct stamp *s, struct steps *steps)
{
    for (size_t i = 0; i < s->targets.n; i++) {
        uint32_t target = s->targets.v[i];
        struct revlist from = {0};
        if (revset_has(&s->rows, target))
            continue;
        if (is_above_or_below(s, target))
            from = replaced_rows(s, &steps->rows);
        steps_stamp(steps, &from, target);
    }
}

/* `base`: a step a row. */
static void plan_base(const struct stamp *s, struct steps *steps)
{
    struct revlist gone = revset_list(s->a, s->g, &s->related);
    for (size_t i = 0; i < gone.n; i++)
        steps_stamp(steps, &(struct revlist){.v = &gone.v[i], .n = 1}, REVISION_NONE);
}

bool plan_stamp(struct arena *a, const struct graph *g, const struct strings *rows, const struct strings *targets,
                bool purge, struct plan *out, struct err *e)
{
    struct stamp s = {.a = a, .g = g, .rows = revset_new(a, g), .related = revset_new(a, g)};
    struct revset wanted = revset_new(a, g);
    if (!purge && !graph_rows(a, g, rows, &s.rows, NULL, e)) {
        err_hint(e, "stamp --purge removes every row first");
        return false;
    }
    for (size_t i = 0; i < targets->n; i++)
        if (!add_target(&s, str_from(targets->v[i]), &wanted, e))
            return false;
    if (!walk_check_targets(a, g, &wanted, e))
        return false;
    struct steps steps = steps_begin(a, g, &s.rows, out);
    if (s.targets.n)
        plan_targets(&s, &steps);
    else
        plan_base(&s, &steps);
    if (purge) {
        out->purge = true;
        out->before = (struct strings){0};
        for (size_t i = 0; i < rows->n; i++)
            vec_push(a, &out->before, rows->v[i]);
        strings_sort(&out->before);
    }
    return true;
}
