/*
 * The orders besides the line. Each state keeps the schema that was found by whoever came first, for as long as somebody
 * still comes or departs; databases are kept for as long as the way goes on from them.
 */
#include "gen/verify/walker.h"

#include <stdlib.h>

struct conflict {
    uint32_t a, b;
};

/* Databases one behind another: the last is the one that the way goes along. */
struct level {
    struct spot spot;
    bool dead; /* it is not at the state where it should be: what follows from there is left out */
};

struct tour {
    struct walker *w;
    struct orders plan;
    struct reading *schemas; /* of each state */
    uint32_t *uses;          /* of each state: steps that still look at its schema */
    uint32_t *by;            /* of each state: which revision came last when its schema was read */
    VEC(struct level) levels;
    VEC(struct conflict) conflicts;
    struct err why;
};

static const char *id_of(const struct tour *t, uint32_t i)
{
    return walker_revision(t->w, i)->id;
}

/* ----------------------------------------------------------------------------------------------------------- telling */

/* What is otherwise than on the line: what the revision comes before and behind, here and not there. */
static const char *explain(struct tour *t, const struct order_step *step, const char *what)
{
    BUF_AUTO before = {0}, behind = {0};
    for (uint32_t i = 0; i < t->w->n; i++) {
        bool there = orders_has(&t->plan, step->from, i);
        struct buf *list = i < step->revision && !there && !t->w->broken[i] ? &before
                           : i > step->revision && there                    ? &behind
                                                                            : NULL;
        if (list)
            buf_addf(list, "%s%s", list->n ? ", " : "", id_of(t, i));
    }
    return arena_printf(t->w->a, " when it %s%s%s%s%s%s", what, before.n ? " before " : "", before.n ? before.p : "",
                        before.n && behind.n ? " and" : "", behind.n ? " after " : "", behind.n ? behind.p : "");
}

static void refuse_order(struct tour *t, const struct order_step *step)
{
    struct walker *w = t->w;
    if (!walker_tell(w, step->revision, TOLD_UP))
        return;
    struct finding *found = walker_blame(w, "order-fails", step->revision, DIRECTION_UP, &t->why,
                                         explain(t, step, "is applied"));
    err_hint(&found->err, "\"-- Depends-On: REVISION\" in one of them leaves one order");
}

static void refuse_down(struct tour *t, const struct order_step *step)
{
    if (walker_tell(t->w, step->revision, TOLD_DOWN))
        walker_blame(t->w, "down-fails", step->revision, DIRECTION_DOWN, &t->why, explain(t, step, "was applied"));
}

static void refuse_again(struct tour *t, const struct order_step *step)
{
    if (walker_tell(t->w, step->revision, TOLD_AGAIN))
        walker_blame(t->w, "up-again-fails", step->revision, DIRECTION_UP, &t->why,
                     explain(t, step, "was applied again, after its down,"));
}

/* ------------------------------------------------------------------------------------------------------- conflicts */

/* Where two that do not commute are both applied, a difference may be theirs. */
static bool is_explained(const struct tour *t, uint32_t state)
{
    for (size_t i = 0; i < t->conflicts.n; i++)
        if (orders_has(&t->plan, state, t->conflicts.v[i].a) && orders_has(&t->plan, state, t->conflicts.v[i].b))
            return true;
    return false;
}

static void judge_orders(struct tour *t, const struct order_step *step, const struct reading *found)
{
    struct walker *w = t->w;
    CONTRAST_AUTO v = {0};
    uint32_t first = t->by[step->to], second = step->revision;
    uint32_t earlier = first < second ? first : second, later = first < second ? second : first;
    struct wording wording = {
        .rule = "order-matters",
        .message = arena_printf(w->a, "%s and %s lead to different schemas in one order and the other",
                                id_of(t, earlier), id_of(t, later)),
        .unexpected = arena_printf(w->a, "is there only when %s comes last", id_of(t, later)),
        .missing = arena_printf(w->a, "is there only when %s comes last", id_of(t, earlier)),
    };
    /* Told as if the earlier one of the line were the usual one. */
    bool turned = first == later;
    walker_compare(&wording, turned ? found : &t->schemas[step->to], turned ? &t->schemas[step->to] : found, &v);
    if (!v.n || is_explained(t, step->to))
        return;
    vec_push(w->a, &t->conflicts, (struct conflict){earlier, later});
    struct finding *f = walker_judge(
        w, &wording, later, DIRECTION_UP, &v,
        arena_printf(w->a, "; \"is\" with %s applied last, \"not\" with %s", id_of(t, later), id_of(t, earlier)));
    err_hint(&f->err, "\"-- Depends-On: %s\" in %s leaves one order", id_of(t, earlier), id_of(t, later));
}

/* ---------------------------------------------------------------------------------------------------------- one step */

static void release(struct tour *t, uint32_t state)
{
    if (--t->uses[state] == 0)
        reading_free(&t->schemas[state]);
}

/* The database has arrived at step->to. */
static bool arrive(struct tour *t, struct level *at, const struct order_step *step)
{
    struct reading *known = &t->schemas[step->to];
    READING_AUTO found = {0};
    if (!known->schema) {
        t->by[step->to] = step->revision;
        return t->uses[step->to] == 1 || spot_read(t->w, &at->spot, known);
    }
    if (!spot_read(t->w, &at->spot, &found))
        return false;
    judge_orders(t, step, &found);
    return true;
}

static bool judge_down(struct tour *t, struct level *at, const struct order_step *step)
{
    struct walker *w = t->w;
    READING_AUTO back = {0};
    CONTRAST_AUTO v = {0};
    if (!spot_read(w, &at->spot, &back))
        return false;
    walker_compare(&wording_down, &t->schemas[step->from], &back, &v);
    if (v.n && walker_tell(w, step->revision, TOLD_LEFTOVERS))
        walker_judge(w, &wording_down, step->revision, DIRECTION_DOWN, &v, explain(t, step, "was applied"));
    return true;
}

/* Down, and up again if the way goes on from there. */
static bool go_back(struct tour *t, struct level *at, const struct order_step *step, bool goes_on)
{
    struct walker *w = t->w;
    uint32_t i = step->revision;
    if (!walker_section(w, i, DIRECTION_DOWN))
        return true;
    enum ran ran = walker_run(w, &at->spot, i, DIRECTION_DOWN, NULL, &t->why);
    if (ran == RAN_REFUSED) {
        refuse_down(t, step);
        at->dead = !section_is_whole(walker_section(w, i, DIRECTION_DOWN));
    }
    if (ran != RAN)
        return ran == RAN_REFUSED;
    if (!judge_down(t, at, step))
        return false;
    if (!goes_on)
        return true;
    ran = walker_run(w, &at->spot, i, DIRECTION_UP, NULL, &t->why);
    if (ran == RAN_REFUSED) {
        refuse_again(t, step);
        at->dead = true;
    }
    return ran != RAN_LOST;
}

static bool go_up(struct tour *t, struct level *at, const struct order_step *step, bool goes_on)
{
    struct walker *w = t->w;
    struct reading *from = &t->schemas[step->from];
    if (!step->line && !from->schema && !spot_read(w, &at->spot, from))
        return false;
    enum ran ran = walker_run(w, &at->spot, step->revision, DIRECTION_UP, NULL, &t->why);
    if (ran == RAN_REFUSED) {
        refuse_order(t, step);
        at->dead = true;
    }
    if (ran != RAN)
        return ran == RAN_REFUSED;
    if (step->line || !goes_on)
        return walker_seed(w, &at->spot) && arrive(t, at, step) && (step->line || go_back(t, at, step, false));
    struct spot aside = {0};
    bool ok = walker_seed_aside(w, &at->spot, &aside) && arrive(t, at, step) && go_back(t, at, step, true);
    spot_take(&at->spot, &aside);
    return ok;
}

static bool take_up(struct tour *t, const struct order_step *step, bool goes_on)
{
    struct level *at = &t->levels.v[t->levels.n - 1];
    bool ok = at->dead || go_up(t, at, step, goes_on);
    if (!step->line)
        release(t, step->from);
    release(t, step->to);
    return ok;
}

/* ------------------------------------------------------------------------------------------------------------ the way */

static bool fork_off(struct tour *t)
{
    const struct level *from = &t->levels.v[t->levels.n - 1];
    struct level copy = {.dead = from->dead};
    bool ok = from->dead || spot_copy(t->w, &from->spot, &copy.spot);
    if (ok)
        vec_push(t->w->a, &t->levels, copy);
    return ok;
}

static void go_back_to_fork(struct tour *t)
{
    spot_close(&t->levels.v[--t->levels.n].spot);
}

static bool take(struct tour *t, size_t k)
{
    const struct order_step *step = &t->plan.steps.v[k];
    switch (step->action) {
    case ORDER_FORK:
        return fork_off(t);
    case ORDER_BACK:
        go_back_to_fork(t);
        return true;
    case ORDER_UP:
        return take_up(t, step, k + 1 < t->plan.steps.n && t->plan.steps.v[k + 1].action != ORDER_BACK);
    }
    return true;
}

static bool walk_all(struct tour *t)
{
    struct level first = {0};
    if (!spot_open(t->w, &first.spot))
        return false;
    vec_push(t->w->a, &t->levels, first);
    for (size_t k = 0; k < t->plan.steps.n; k++)
        if (!take(t, k))
            return false;
    return true;
}

static void count_uses(struct tour *t)
{
    for (size_t k = 0; k < t->plan.steps.n; k++) {
        const struct order_step *step = &t->plan.steps.v[k];
        if (step->action != ORDER_UP)
            continue;
        t->uses[step->to]++;
        t->uses[step->from] += !step->line;
    }
}

static void warn_of_rest(struct walker *w, const struct orders *plan)
{
    if (plan->n_walked == plan->n_edges && plan->exact)
        return;
    struct finding *found = finding_add(
        w->out, "orders-left-out", &w->stream->ini, SIZE_MAX,
        "%s: %llu of %s%llu steps between sets of applied revisions were walked; what other orders lead to is not known",
        dialect_words[w->options->dialect], (unsigned long long)plan->n_walked, plan->exact ? "" : "more than ",
        (unsigned long long)plan->n_edges);
    err_detail(&found->err, "the stream has %s%llu orders",
               plan->exact && plan->n_orders != UINT64_MAX ? "" : "more than ", (unsigned long long)plan->n_orders);
    err_hint(&found->err, "--orders %llu walks them; a merge revision, or Depends-On, leaves fewer",
             (unsigned long long)plan->n_edges);
    finding_is_warning(w->out, found);
}

static void report_plan(struct walker *w, const struct orders *plan)
{
    w->report->n_states = plan->n_states;
    w->report->n_orders = plan->n_orders;
    w->report->n_edges = plan->n_edges;
    w->report->n_walked = plan->n_walked;
    w->report->exact = plan->exact;
}

bool walk_orders(struct walker *w)
{
    ARENA_AUTO arena = {0};
    struct tour t = {.w = w};
    orders_plan(&arena, w->stream->linked, w->broken, w->options->most, &t.plan);
    report_plan(w, &t.plan);
    warn_of_rest(w, &t.plan);
    if (!t.plan.steps.n)
        return true;
    t.schemas = ARENA_ARRAY(&arena, struct reading, t.plan.n_states);
    t.uses = ARENA_ARRAY(&arena, uint32_t, t.plan.n_states);
    t.by = ARENA_ARRAY(&arena, uint32_t, t.plan.n_states);
    count_uses(&t);
    bool ok = walk_all(&t);
    while (t.levels.n)
        go_back_to_fork(&t);
    for (uint32_t i = 0; i < t.plan.n_states; i++)
        reading_free(&t.schemas[i]);
    err_free(&t.why);
    return ok;
}
