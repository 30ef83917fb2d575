/* Plans that go up: everything the targets need and the rows do not have, oldest first. */
#include "model/steps.h"
#include "model/walk.h"

/* A target at or below base: Alembic does nothing and says nothing. */
static bool refuse_down(struct str text, struct err *e)
{
    err_set(e, FAULT_USAGE, "\"%.*s\" is no target of upgrade: it goes down", STR_ARG(text));
    err_hint(e, "use the downgrade command: downgrade %.*s", STR_ARG(text));
    return false;
}

static bool resolve_targets(struct arena *a, const struct graph *g, struct str text, const struct revset *rows,
                            struct revlist *out, struct err *e)
{
    struct target t;
    struct spot at;
    *out = (struct revlist){0};
    if (!target_parse(text, &t, e))
        return false;
    if (t.shape == TARGET_SYMBOL)
        return str_is(t.symbol, "base") ? refuse_down(text, e) : graph_resolve(a, g, text, NULL, out, e);
    if (t.shape == TARGET_RELATIVE && t.offset == 0)
        return err_set(e, FAULT_USAGE, "\"%.*s\" goes nowhere", STR_ARG(text));
    if (t.shape == TARGET_RELATIVE && t.offset < 0)
        return refuse_down(text, e);
    if (!walk_to_target(a, g, text, &t, rows, WALK_EXACTLY, &at, e))
        return false;
    if (at.kind != SPOT_REVISION)
        return refuse_down(text, e);
    vec_push(a, out, at.index);
    return true;
}

bool plan_upgrade(struct arena *a, const struct graph *g, const struct strings *rows, struct str target,
                  struct plan *out, struct err *e)
{
    struct revset current;
    struct revlist targets;
    if (!walk_read_rows(a, g, rows, &current, e) || !resolve_targets(a, g, target, &current, &targets, e))
        return false;
    struct revset wanted = revset_from(a, g, &targets);
    if (!walk_check_targets(a, g, &wanted, e))
        return false;
    struct revset needed = graph_ancestors(a, g, &wanted), applied = graph_ancestors(a, g, &current);
    revset_subtract(&needed, &applied);
    struct revlist newest_first = graph_sort(a, g, &needed, &wanted);
    struct steps steps = steps_begin(a, g, &current, out);
    for (size_t i = newest_first.n; i-- > 0;)
        steps_upgrade(&steps, newest_first.v[i]);
    return true;
}
