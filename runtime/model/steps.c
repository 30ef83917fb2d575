/*
 * Version rows, as Alembic keeps them (HeadMaintainer): the heads of what is applied, a row each.
 *
 * Alembic asks for ancestors of the other rows at every step. That is needed only where a merge is undone while other rows
 * stand; everywhere else "has an applied child" says the same and costs nothing.
 */
#include "model/steps.h"

#include <assert.h>
#include <string.h>

static struct strings ids_of(struct arena *a, const struct graph *g, const struct revset *set)
{
    struct strings ids = {0};
    for (uint32_t i = revset_next(set, 0); i != REVISION_NONE; i = revset_next(set, i + 1))
        vec_push(a, &ids, graph_revision(g, i)->id);
    strings_sort(&ids);
    return ids;
}

struct steps steps_begin(struct arena *a, const struct graph *g, const struct revset *rows, struct plan *plan)
{
    struct steps s = {.a = a, .g = g, .plan = plan, .rows = revset_new(a, g), .now = ids_of(a, g, rows)};
    revset_union(&s.rows, rows);
    *plan = (struct plan){.before = s.now, .target = s.now};
    return s;
}

static const char *id_of(const struct steps *s, uint32_t index)
{
    return graph_revision(s->g, index)->id;
}

/* `now` with `removed` taken out and `added` put in its place in the order; either may be NULL. */
static struct strings changed_ids(struct arena *a, const struct strings *now, const char *removed, const char *added)
{
    struct strings next = {ARENA_ARRAY(a, const char *, now->n + 1), 0, now->n + 1};
    for (size_t i = 0; i < now->n; i++) {
        if (added && strcmp(added, now->v[i]) < 0) {
            next.v[next.n++] = added;
            added = NULL;
        }
        if (!removed || strcmp(removed, now->v[i]) != 0)
            next.v[next.n++] = now->v[i];
    }
    if (added)
        next.v[next.n++] = added;
    return next;
}

/* One row change, made in the rows at once; REVISION_NONE as `from` inserts, as `to` deletes. */
static void change(struct steps *s, struct step *step, uint32_t from, uint32_t to)
{
    struct row_change *c = &step->changes[step->n_changes++];
    *c = (struct row_change){.kind = from == REVISION_NONE ? ROW_INSERT
                                     : to == REVISION_NONE ? ROW_DELETE
                                                           : ROW_UPDATE};
    if (from != REVISION_NONE) {
        c->from = id_of(s, from);
        revset_remove(&s->rows, from);
    }
    if (to != REVISION_NONE) {
        c->to = id_of(s, to);
        revset_add(&s->rows, to);
    }
    s->now = changed_ids(s->a, &s->now, c->from, c->to);
}

static struct step step_begin(struct steps *s, enum step_kind kind, uint32_t index, size_t max_changes)
{
    return (struct step){
        .kind = kind,
        .revision = index == REVISION_NONE ? NULL : graph_revision(s->g, index),
        .before = s->now,
        .changes = ARENA_ARRAY(s->a, struct row_change, max_changes),
    };
}

static void step_end(struct steps *s, struct step *step)
{
    struct plan *plan = s->plan;
    if (plan->n == s->room)
        plan->steps = vec_grow(s->a, plan->steps, &s->room, sizeof *plan->steps);
    step->after = s->now;
    plan->target = s->now;
    plan->steps[plan->n++] = *step;
}

/* DELETEs of all of `from` but the last, which is updated to `to`; an INSERT when `from` is empty. */
static void replace(struct steps *s, struct step *step, const struct revlist *from, uint32_t to)
{
    for (size_t i = 0; i + 1 < from->n; i++)
        change(s, step, from->v[i], REVISION_NONE);
    change(s, step, from->n ? from->v[from->n - 1] : REVISION_NONE, to);
}

void steps_upgrade(struct steps *s, uint32_t index)
{
    struct revlist parents = graph_normdown(s->a, s->g, index), replaced = {0};
    struct step step = step_begin(s, STEP_UPGRADE, index, parents.n + 1);
    for (size_t i = 0; i < parents.n; i++)
        if (revset_has(&s->rows, parents.v[i]))
            vec_push(s->a, &replaced, parents.v[i]);
    replace(s, &step, &replaced, index);
    step_end(s, &step);
}

void steps_expect_downgrades(struct steps *s)
{
    s->applied = graph_ancestors(s->a, s->g, &s->rows);
    s->applied_children = ARENA_ARRAY(s->a, uint32_t, graph_size(s->g));
    for (uint32_t i = revset_next(&s->applied, 0); i != REVISION_NONE; i = revset_next(&s->applied, i + 1)) {
        struct revlist parents = graph_normdown(s->a, s->g, i);
        for (size_t k = 0; k < parents.n; k++)
            s->applied_children[parents.v[k]]++;
    }
}

/*
 * Of the parents of `index`, those that become rows when it goes: all that the other rows do not imply. With other rows a
 * parent that only another parent implies stays in the list, without them it does not: that is what Alembic does.
 */
static struct revlist uncovered(struct steps *s, uint32_t index, const struct revlist *parents)
{
    ARENA_AUTO scratch = {0};
    struct revlist left = {0};
    struct revset implied = {0};
    if (parents->n > 1 && s->now.n > 1) {
        implied = revset_new(&scratch, s->g);
        revset_union(&implied, &s->rows);
        revset_remove(&implied, index);
        implied = graph_ancestors(&scratch, s->g, &implied);
    }
    for (size_t i = 0; i < parents->n; i++) {
        uint32_t parent = parents->v[i];
        bool covered = implied.n ? revset_has(&implied, parent)
                                 : revset_has(&s->rows, parent) || s->applied_children[parent] > 1;
        if (!covered)
            vec_push(s->a, &left, parent);
    }
    return left;
}

void steps_downgrade(struct steps *s, uint32_t index)
{
    assert(revset_has(&s->rows, index));
    struct revlist parents = graph_normdown(s->a, s->g, index), left = uncovered(s, index, &parents);
    struct step step = step_begin(s, STEP_DOWNGRADE, index, parents.n + 1);
    for (size_t i = 0; i + 1 < left.n; i++)
        change(s, &step, REVISION_NONE, left.v[i]);
    change(s, &step, index, left.n ? left.v[left.n - 1] : REVISION_NONE);
    revset_remove(&s->applied, index);
    for (size_t i = 0; i < parents.n; i++)
        s->applied_children[parents.v[i]]--;
    step_end(s, &step);
}

void steps_stamp(struct steps *s, const struct revlist *from, uint32_t to)
{
    struct step step = step_begin(s, STEP_STAMP, REVISION_NONE, from->n + 1);
    if (to != REVISION_NONE)
        replace(s, &step, from, to);
    else
        for (size_t i = 0; i < from->n; i++)
            change(s, &step, from->v[i], REVISION_NONE);
    step_end(s, &step);
}
