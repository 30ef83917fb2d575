/* --dry-run: the plans against the live databases, which are only read. */
#include "cli/format.h"
#include "cli/locks.h"
#include "cli/migrate.h"

/* `stamp --purge` may change rows without a step. */
static bool changes_something(const struct outcome *outcome)
{
    const struct plan *plan = &outcome->plan;
    return !outcome->err.fault && (plan->n || (plan->purge && !strings_equal(&plan->target, &outcome->rows)));
}

static enum direction direction_of(const struct step *step)
{
    return step->kind == STEP_DOWNGRADE ? DIRECTION_DOWN : DIRECTION_UP;
}

static bool is_batch(const struct outcome *outcome, const struct step *step)
{
    int8_t at = step->kind == STEP_STAMP || !step->revision
                    ? SECTION_NONE
                    : step->revision->pick[direction_of(step)][outcome->dialect];
    return at != SECTION_NONE && step->revision->sections[at].flags & SECTION_BATCH;
}

/* Does the report say something of one of the steps? A stamp runs none. */
static bool tells_locks(const struct visits *v, const struct outcome *outcome)
{
    return stream_has_locks(v->stream, outcome->dialect) && outcome->plan.n && outcome->plan.steps[0].revision;
}

static void add_json_step(struct json *j, const struct visits *v, const struct outcome *outcome,
                          const struct step *step)
{
    json_object(j);
    json_put_text(j, "direction", format_direction(step->kind));
    json_put_text(j, "revision", step->revision ? step->revision->id : NULL);
    if (is_batch(outcome, step))
        json_put_bool(j, "batch", true);
    if (step->revision)
        locks_json(j, "locks", v->stream, graph_find(v->graph, str_from(step->revision->id)), direction_of(step),
                   outcome->dialect);
    json_end_object(j);
}

static void add_json(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *outcome)
{
    struct json j = {.out = out};
    json_object(&j);
    if (app_is_all(v->app))
        json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", t->id);
    json_put_strings(&j, "current", &outcome->rows);
    json_key(&j, "steps");
    json_array(&j);
    for (size_t i = 0; i < outcome->plan.n && !outcome->err.fault; i++)
        add_json_step(&j, v, outcome, &outcome->plan.steps[i]);
    json_end_array(&j);
    if (tells_locks(v, outcome))
        json_put_int(&j, "locks_server", v->stream->locks.server_major);
    json_put_strings(&j, "target", changes_something(outcome) ? &outcome->plan.target : &outcome->rows);
    if (outcome->err.fault) {
        json_key(&j, "error");
        json_object(&j);
        output_error_members(&j, &outcome->err);
        json_end_object(&j);
    }
    json_end_object(&j);
}

static void add_text(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *outcome)
{
    const struct plan *plan = &outcome->plan;
    buf_addf(out, "%s: ", visits_name(v, t->id));
    if (outcome->err.fault)
        buf_addf(out, "failed: %s", outcome->err.message ? outcome->err.message : err_fault_name(outcome->err.fault));
    else if (outcome->skipped)
        buf_addz(out, "skipped, the database does not exist");
    else if (outcome->ahead)
        buf_addz(out, "nothing to do, ahead of this executable");
    else if (!changes_something(outcome))
        buf_addz(out, "nothing to do, at ");
    if (!outcome->err.fault && !outcome->skipped && !outcome->ahead) {
        format_rows(out, &outcome->rows);
        if (changes_something(outcome)) {
            buf_addz(out, " -> ");
            format_rows(out, &plan->target);
            buf_addf(out, ", %zu step%s%s", plan->n, plan->n == 1 ? "" : "s",
                     plan->purge ? ", every row is deleted first" : "");
            if (tells_locks(v, outcome))
                buf_addf(out, "; locks as measured on PostgreSQL %u", v->stream->locks.server_major);
        }
    }
    buf_addc(out, '\n');
    for (size_t i = 0; i < plan->n && !outcome->err.fault; i++) {
        const struct revision *r = plan->steps[i].revision;
        if (!r)
            continue;
        buf_addf(out, "  %s %s, %s%s\n", format_direction(plan->steps[i].kind), r->id, r->message,
                 is_batch(outcome, &plan->steps[i]) ? " (batch)" : "");
        locks_text(out, v->stream, graph_find(v->graph, str_from(r->id)), direction_of(&plan->steps[i]),
                   outcome->dialect, "    ");
    }
}

static void database_done(struct visits *v, const struct tenant *t, const struct place *where,
                          const struct outcome *outcome)
{
    BUF_AUTO text = {0};
    (void)where;
    if (v->app->out.json)
        add_json(&text, v, t, outcome);
    else
        add_text(&text, v, t, outcome);
    if (outcome->err.fault && t->id && !v->app->out.json)
        visits_tell_failure(v, t, outcome);
    ordered_put(v->context, (size_t)(t - v->tenants.v), &text);
}

int migrate_dry_run(struct visits *v, enum job_kind kind)
{
    struct ordered ordered;
    AUTO_ERR e = {0};
    v->job.kind = JOB_READ;
    v->job.planned = kind;
    v->each = database_done;
    v->context = &ordered;
    ordered_init(&ordered, v);
    bool ok = visits_run(v, &e);
    ordered_free(&ordered);
    if (!ok)
        return app_fail(v->app, &e);
    visits_report(v);
    return visits_status(v);
}
