/*
 * A fleet's run, seen from a command: what fleet_run() is given, what is made of its answers, and the exit status that they
 * amount to. What a visit does is the job's business (run/), what is said about it the command's.
 */
#include "cli/visits.h"

#include "cli/filter.h"

#include <stdlib.h>
#include <string.h>

enum { AFTERWARDS_MS = 5000 }; /* for what the registry must be told when the run's own deadline has passed */

static bool make_place(void *context, struct arena *a, const struct tenant_list *list, const struct tenant *t,
                       struct place *out, struct err *e)
{
    const struct visits *v = context;
    *out = (struct place){.tenant = t->id, .schema = t->schema};
    if (v->stream->kind == STREAM_SINGLE)
        return config_address(&v->config, a, &out->address, e);
    struct config_row row = {.tenant = t->id, .url = t->url, .columns = &list->columns, .values = t->values};
    if (!config_tenant_address(&v->config, a, &row, &out->address, e))
        return false;
    if (v->homes)
        homes_note(v->homes, t->id, out);
    return true;
}

/* A setting that is N or P%; false: it is not set. */
static bool read_share(const struct visits *v, enum setting_index index, struct tolerance *out)
{
    struct share share;
    const char *text = config_text(&v->config, index);
    *out = (struct tolerance){0};
    if (!text || !share_parse(str_from(text), &share))
        return false;
    out->is_percent = share.is_percent;
    out->number = share.is_percent ? 0 : share.number;
    out->percent = share.is_percent ? (unsigned)share.number : 0;
    return true;
}

/* ------------------------------------------------------------------------------------------------------ ledger */

static bool is_known(void *context, const struct tenant *t, const struct place *where)
{
    const struct visits *v = context;
    return ledger_knows(v->ledger, t, where);
}

static bool has_doubts(void *context)
{
    const struct visits *v = context;
    return ledger_doubts(v->ledger);
}

static bool trusts_ledger(const struct visits *v)
{
    return v->stream->kind == STREAM_FLEET && config_number(&v->config, SET_LEDGER) == LEDGER_TRUST;
}

/*
 * Who is named is visited: an empty database that took the place of another would else stay empty. So is everybody with
 * --no-ledger or --deep; what they are seen to be is written down all the same, and where the table is wrong it forgets.
 */
static void ask_ledger(struct visits *v)
{
    bool believes = !v->visits_all && !v->choice.has_only && !call_has(&v->app->call, "no-ledger");
    struct ledger_rules rules = {
        .max_age_ms = believes ? config_number(&v->config, SET_LEDGER_MAX_AGE) : 0,
        .writes = v->job.kind == JOB_UPGRADE,
    };
    if (v->ledger || !v->asks_ledger || !trusts_ledger(v))
        return;
    read_share(v, SET_LEDGER_SAMPLE, &rules.sample);
    v->job.identify = true;
    v->ledger = ledger_read(&v->registry_job, &v->registry_place, &v->job, &rules, v->tenants.n);
}

/*
 * What may take tenants from their heads takes them out of the ledger first, also where this run does not trust it:
 * another may. And once more in the end, since another process may have seen a tenant at head in between. A registry that
 * refuses is only worth a warning where nobody trusts the ledger, or where it is too late.
 */
static bool forget(struct visits *v, bool before, struct err *e)
{
    bool leaves = v->job.kind == JOB_DOWNGRADE || v->job.kind == JOB_STAMP || v->job.kind == JOB_REPAIR;
    const struct choice *c = &v->choice;
    bool all = !c->has_only && !c->match.n && !c->except.n && !c->shard.count;
    struct job job = v->registry_job;
    if (!before && clock_left(job.deadline) < AFTERWARDS_MS)
        job.deadline = clock_deadline(AFTERWARDS_MS);
    if (v->stream->kind != STREAM_FLEET || !leaves ||
        ledger_forget(&job, &v->registry_place, v->stream->name, all ? NULL : &v->tenants, e))
        return true;
    if (before && trusts_ledger(v))
        return false;
    output_talk(&v->app->out, TALK_WARNING, "%s", e->message);
    err_free(e);
    return true;
}

/* ------------------------------------------------------------------------------------------------------- stages */

/* Canaries and waves; they are for what changes databases. */
static bool arrange(struct visits *v, struct err *e)
{
    struct rollout rollout = {.wave_size = (size_t)config_number(&v->config, SET_WAVE_SIZE)};
    v->stages = (struct stages){0};
    if (v->stream->kind != STREAM_FLEET || (v->job.kind != JOB_UPGRADE && v->job.kind != JOB_DOWNGRADE))
        return true;
    return filter_canaries(v->app, &rollout, e) && tenants_arrange(&v->tenants, &rollout, &v->stages, e);
}

/* ------------------------------------------------------------------------------------------------------ running */

static void visit_done(void *context, const struct tenant *t, const struct place *where, const struct outcome *outcome)
{
    struct visits *v = context;
    if (v->ledger)
        ledger_note(v->ledger, t, where, outcome);
    v->unchanged += !outcome->err.fault && !outcome->skipped && !outcome->applied;
    if (v->each)
        v->each(v, t, where, outcome);
}

static void moved(void *context, const struct fleet_counts *counts)
{
    const struct visits *v = context;
    struct progress_numbers numbers = {
        .name = v->stream->name,
        .total = counts->total,
        .done = counts->done,
        .known = counts->known,
        .failed = counts->failed,
        .running = counts->running,
        .stage = counts->stage,
        .n_stages = counts->n_stages,
    };
    output_draw_progress(&v->app->out, &numbers);
}

/* How many bodies may fail yet: of all that are meant, who appeared meanwhile among them. */
static bool read_limit(const struct visits *v, struct tolerance *out)
{
    if (v->stream->kind != STREAM_FLEET || !read_share(v, SET_MAX_FAILURES, out))
        return false;
    uint64_t most = out->is_percent ? (uint64_t)out->percent * v->tenants.n / 100 : out->number;
    *out = (struct tolerance){.number = most > v->result.bodies ? most - v->result.bodies : 0};
    return true;
}

static bool run_list(struct visits *v, const struct tenant_list *list, const struct stages *stages,
                     struct fleet_result *result, struct err *e)
{
    bool fleet = v->stream->kind == STREAM_FLEET;
    struct addresser addresser = {.place = make_place, .context = v};
    struct fleet_options options = {
        .jobs = fleet ? (size_t)config_number(&v->config, SET_JOBS) : 1,
        .jobs_per_host = (size_t)config_number(&v->config, SET_JOBS_PER_HOST),
        .stages = *stages,
        .known = v->ledger ? is_known : NULL,
        .doubts = v->ledger ? has_doubts : NULL,
        .done = visit_done,
        .moved = fleet && v->progress ? moved : NULL,
        .context = v,
        .observer = v->observer,
    };
    options.has_max_failures = read_limit(v, &options.max_failures);
    options.observer.context = v;
    v->homes = fleet && list->n > 1 ? homes_new(list->n) : NULL;
    bool ok = fleet_run(&v->job, list, &addresser, &options, result, e);
    output_end_progress(&v->app->out);
    homes_tell(v->homes, &v->app->out);
    homes_free(v->homes);
    v->homes = NULL;
    return ok;
}

bool visits_run(struct visits *v, struct err *e)
{
    v->unchanged = 0;
    fleet_free(&v->result);
    if (!arrange(v, e) || !forget(v, true, e))
        return false;
    ask_ledger(v);
    bool ok = run_list(v, &v->tenants, &v->stages, &v->result, e);
    if (v->ledger)
        ledger_flush(v->ledger);
    return ok && forget(v, false, e);
}

/* ------------------------------------------------------------------------------------------------- late arrivals */

/* Who is meant now and was not listed before; the ids' memory stays with `late`. */
static bool list_late(struct visits *v, struct tenant_list *late)
{
    AUTO_ERR e = {0};
    const char *query = config_text(&v->config, SET_TENANTS_QUERY);
    if (!tenants_read_new(&v->registry_job, &v->registry_place, query, &v->tenants, late, &e)) {
        output_talk(&v->app->out, TALK_WARNING, "the list of tenants could not be read again: %s", e.message);
        return false;
    }
    tenants_keep(late, &v->choice);
    return late->n > 0;
}

static void merge(struct fleet_result *all, size_t n_before, struct fleet_result *late, size_t n_late)
{
    all->states = mem_resize(all->states, n_before + n_late);
    memcpy(all->states + n_before, late->states, n_late);
    all->done += late->done;
    all->known += late->known;
    all->skipped += late->skipped;
    all->failed += late->failed;
    all->not_started += late->not_started;
    all->changed += late->changed;
    all->steps += late->steps;
    all->bodies += late->bodies;
    all->halt = late->halt; /* nobody comes after a halt, so the first was none */
    all->halt_stage = late->halt_stage;
    all->failures_cap = all->n_failures + late->n_failures;
    all->failures = mem_resize(all->failures, all->failures_cap * sizeof *all->failures + 1);
    for (size_t i = 0; i < late->n_failures; i++) {
        all->failures[all->n_failures] = late->failures[i];
        all->failures[all->n_failures++].tenant += n_before;
    }
    late->n_failures = 0; /* their texts went over */
    fleet_free(late);
}

static bool may_be_late(const struct visits *v)
{
    return v->stream->kind == STREAM_FLEET && !v->choice.has_only && !v->result.not_started && !v->result.halt &&
           !stop_winding_down(&v->app->stop) && clock_left(v->job.deadline) > 0;
}

void visits_run_late(struct visits *v)
{
    AUTO_ERR e = {0};
    for (size_t round = 0; round < VISITS_ROUNDS && may_be_late(v) && list_late(v, &v->late[round]); round++) {
        struct fleet_result result = {0};
        size_t before = v->tenants.n, n = v->late[round].n;
        for (size_t i = 0; i < n; i++)
            vec_push(&v->tenants.arena, &v->tenants, v->late[round].v[i]);
        struct tenant_list list = {.columns = v->late[round].columns, .v = v->tenants.v + before, .n = n};
        output_talk(&v->app->out, TALK_NOTE, "%zu tenant%s appeared meanwhile", n, n == 1 ? "" : "s");
        if (!run_list(v, &list, &(struct stages){0}, &result, &e))
            output_error(&v->app->out, &e, NULL);
        merge(&v->result, before, &result, n);
        if (v->ledger)
            ledger_flush(v->ledger);
    }
}

size_t visits_changed(const struct visits *v)
{
    return v->result.done - v->unchanged;
}

static bool was_stopped(const struct visits *v)
{
    if (!atomic_load(&v->app->stop.signal))
        return false;
    for (size_t i = 0; i < v->result.n_failures; i++)
        if (v->result.failures[i].fault == FAULT_STOPPED)
            return true;
    return v->result.not_started > 0;
}

int visits_status(const struct visits *v)
{
    struct tolerance tolerance = {0};
    if (was_stopped(v))
        return EXIT_SIGNAL + atomic_load(&v->app->stop.signal);
    if (v->stream->kind == STREAM_FLEET)
        read_share(v, SET_TOLERATE, &tolerance);
    int status = fleet_exit_code(&v->result, v->tenants.n, &tolerance);
    /* No signal, nothing halted it, and still not begun: the deadline was first. */
    return v->result.not_started && !v->result.halt ? exit_worse(status, EXIT_RETRY) : status;
}
