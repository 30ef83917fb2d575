/* Relative targets over a fleet: do all tenants mean the same revision by it? */
#include "cli/format.h"
#include "cli/migrate.h"

/* Tenants that stand at the same rows. */
struct group {
    struct strings rows;
    size_t n;
    const char *example; /* a tenant's id */
};

struct groups {
    struct arena arena;
    VEC(struct group) list;
};

static void sort_in(struct visits *v, const struct tenant *t, const struct place *where, const struct outcome *outcome)
{
    struct groups *groups = v->context;
    (void)where;
    if ((outcome->err.fault && outcome->err.fault != FAULT_MISSING) || outcome->skipped)
        return; /* a database that is still to be made stands at base */
    for (size_t i = 0; i < groups->list.n; i++)
        if (strings_equal(&groups->list.v[i].rows, &outcome->rows)) {
            groups->list.v[i].n++;
            return;
        }
    struct group group = {.n = 1, .example = t->id};
    for (size_t i = 0; i < outcome->rows.n; i++)
        vec_push(&groups->arena, &group.rows, arena_strdup(&groups->arena, outcome->rows.v[i]));
    vec_push(&groups->arena, &groups->list, group);
}

/*
 * The one revision (or base) that a relative target leads to from these rows; NULL when it cannot be said in one word.
 * False when it leads nowhere.
 */
static bool absolute(struct visits *v, enum job_kind kind, const struct strings *rows, const char **out, struct err *e)
{
    struct arena *a = &v->app->arena;
    struct plan plan = {0};
    bool up = kind == JOB_UPGRADE;
    *out = NULL;
    if (!(up ? plan_upgrade : plan_downgrade)(a, v->graph, rows, v->job.target, &plan, e))
        return false;
    if (up && plan.n)
        *out = plan.steps[plan.n - 1].revision->id;
    else if (!up && plan.n && plan.target.n < 2)
        *out = plan.target.n ? plan.target.v[0] : "base";
    return true;
}

static void describe_groups(struct visits *v, enum job_kind kind, const struct groups *groups, struct err *e)
{
    BUF_AUTO text = {0};
    const char *suggestion = NULL;
    size_t most = 0;
    for (size_t i = 0; i < groups->list.n; i++) {
        const struct group *g = &groups->list.v[i];
        AUTO_ERR ignored = {0};
        const char *to;
        absolute(v, kind, &g->rows, &to, &ignored);
        buf_addf(&text, "%s%zu at ", i ? "; " : "", g->n);
        format_rows(&text, &g->rows);
        buf_addf(&text, " (%s%s)", g->example, g->n > 1 ? ", …" : "");
        if (to)
            buf_addf(&text, " would go to %s", to);
        if (to && g->n > most) {
            most = g->n;
            suggestion = to;
        }
    }
    err_detail(e, "%s", text.n ? text.p : "");
    err_hint(e, "name the revision: %s %s %s %s; or say --uneven", v->app->catalogue->program, v->stream->name,
             kind == JOB_UPGRADE ? "upgrade" : "downgrade", suggestion ? suggestion : "REVISION");
}

static bool all_were_read(const struct visits *v)
{
    for (size_t i = 0; i < v->result.n_failures; i++)
        if (v->result.failures[i].fault != FAULT_MISSING)
            return false;
    return !v->result.not_started;
}

/* The databases were read and no more: of the command itself none was begun, whatever reading them came to. */
static void forget_reading(struct visits *v)
{
    struct fleet_result *r = &v->result;
    for (size_t i = 0; i < v->tenants.n; i++)
        if (r->states && r->states[i] != TENANT_FAILED)
            r->states[i] = TENANT_NOT_STARTED;
    r->not_started = v->tenants.n - r->failed;
    r->done = r->known = r->skipped = v->unchanged = 0;
}

bool migrate_check_even(struct visits *v, enum job_kind kind, int *status, struct err *e)
{
    struct groups groups = {0};
    struct job wanted = v->job;
    v->job.kind = JOB_READ;
    v->job.planned = JOB_READ;
    v->each = sort_in;
    v->context = &groups;
    bool ok = visits_run(v, e);
    v->job = wanted;
    if (ok && !all_were_read(v)) {
        visits_report(v);
        *status = visits_status(v);
        if (v->result.n_failures)
            err_copy(&v->why, &v->result.failures[0].err);
        ok = false;
    } else if (ok && groups.list.n > 1) {
        ok = err_set(e, FAULT_USAGE,
                     "\"%.*s\" means different revisions: the tenants of \"%s\" stand at different rows",
                     STR_ARG(v->job.target), v->stream->name);
        describe_groups(v, kind, &groups, e);
    } else if (ok && groups.list.n == 1) {
        const char *to;
        ok = absolute(v, kind, &groups.list.v[0].rows, &to, e);
        v->job.target = to ? str_from(to) : v->job.target;
    }
    if (!ok)
        forget_reading(v);
    arena_free(&groups.arena);
    return ok;
}
