/* Questions about version rows that need no plan. */
#include "model/plan.h"

bool plan_rows_of(struct arena *a, const struct graph *g, struct str from, struct strings *rows, struct err *e)
{
    struct revlist found;
    *rows = (struct strings){0};
    if (!graph_resolve(a, g, from, NULL, &found, e))
        return false;
    for (size_t i = 0; i < found.n; i++)
        vec_push(a, rows, graph_revision(g, found.v[i])->id);
    strings_sort(rows);
    return true;
}

bool plan_at_head(struct arena *a, const struct graph *g, const struct strings *rows, bool *at_head, struct err *e)
{
    struct revset set;
    if (!graph_rows(a, g, rows, &set, NULL, e))
        return false;
    struct revlist heads = graph_real_heads(a, g);
    *at_head = true;
    for (size_t i = 0; i < heads.n; i++)
        *at_head &= revset_has(&set, heads.v[i]);
    return true;
}

struct revlist plan_applied(struct arena *a, const struct graph *g, const struct strings *rows, struct strings *unknown)
{
    struct revset set = revset_new(a, g);
    struct revlist applied = {0};
    *unknown = (struct strings){0};
    for (size_t i = 0; i < rows->n; i++) {
        uint32_t index = graph_find(g, str_from(rows->v[i]));
        if (index == REVISION_NONE)
            vec_push(a, unknown, rows->v[i]);
        else
            revset_add(&set, index);
    }
    set = graph_ancestors(a, g, &set);
    for (uint32_t i = revset_next(&set, 0); i != REVISION_NONE; i = revset_next(&set, i + 1))
        vec_push(a, &applied, i);
    return applied;
}
