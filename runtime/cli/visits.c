/*
 * From a command line to a fleet's run and back to an exit status. What a visit does is the job's business (run/), what
 * is said about it the command's.
 */
#include "cli/visits.h"

#include "cli/filter.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *visits_name(const struct visits *v, const char *tenant)
{
    return tenant ? tenant : v->stream->name;
}

/* -------------------------------------------------------------------------------------------------- preparation */

/* Host names are for the log only; without one the field stays empty. */
static const char *host_name(struct arena *a)
{
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0)
        return "";
    return arena_strdup(a, name);
}

static int64_t deadline_of(const struct app *app, const struct config *c)
{
    int64_t span = config_number(c, SET_DEADLINE);
    return span ? app->started + span : DEADLINE_NEVER;
}

static const char *application_name(const struct config *c)
{
    if (c->values[SET_APPLICATION_NAME].origin == ORIGIN_DEFAULT)
        return c->catalogue->program;
    return config_text(c, SET_APPLICATION_NAME);
}

static void make_job(struct app *app, const struct stream *stream, const struct config *c, enum job_kind kind,
                     struct job *out)
{
    const struct graph *graph = app_graph(app, stream);
    *out = (struct job){
        .kind = kind,
        .catalogue = app->catalogue,
        .graph = graph,
        .planned = JOB_READ,
        .fleet = stream->kind == STREAM_FLEET,
        .together = config_number(c, SET_TRANSACTION) == TRANSACTION_ALL,
        .on_ahead = config_number(c, SET_ON_AHEAD) ? ON_AHEAD_ALLOW : ON_AHEAD_REFUSE,
        .allow_foreign = config_number(c, SET_ALLOW_FOREIGN_ENGINE),
        .connect_timeout_ms = config_number(c, SET_CONNECT_TIMEOUT),
        .lock_wait_ms = config_number(c, SET_LOCK_WAIT),
        .lock_timeout_ms = config_number(c, SET_LOCK_TIMEOUT),
        .statement_timeout_ms = config_number(c, SET_STATEMENT_TIMEOUT),
        .wait_ms = config_number(c, SET_WAIT),
        .lock_retries = (unsigned)config_number(c, SET_LOCK_RETRIES),
        .deadline = deadline_of(app, c),
        .version_table = config_text(c, SET_VERSION_TABLE),
        .version_schema = config_text(c, SET_VERSION_TABLE_SCHEMA),
        .application_name = application_name(c),
        .actor = config_text(c, SET_ACTOR),
        .client_host = host_name(&app->arena),
        .build_id = app->catalogue->build_id,
        .stop = &app->stop,
        .log = &app->log,
    };
    if (config_text(c, SET_ON_MISSING))
        out->on_missing = (enum on_missing)(ON_MISSING_FAIL + config_number(c, SET_ON_MISSING));
    for (int d = 0; d < DIALECT_COUNT; d++)
        out->history[d] = history_new(&app->arena, graph, (enum dialect)d);
}

/* Over `all`, --url says where the one single database is; with several of them it could not say which. */
static bool check_url_of_all(const struct app *app, struct err *e)
{
    uint32_t singles = 0;
    for (uint32_t i = 0; i < app->catalogue->n_streams; i++)
        singles += app->catalogue->streams[i]->kind == STREAM_SINGLE;
    return singles < 2 || err_set(e, FAULT_USAGE, "--url with \"all\" would mean %u databases at once", singles);
}

/* A flag of a setting that this kind of stream has not; `all` may carry flags for either kind. */
static bool check_flags(const struct app *app, const struct stream *stream, struct err *e)
{
    for (size_t i = 0; i < app->call.given.n; i++) {
        const struct setting *s = app->call.given.v[i].option->setting;
        if (s == &settings[SET_URL] && app_is_all(app) && !check_url_of_all(app, e))
            return false;
        if (!s || s->kinds & SETTING_FOR(stream->kind) || app_is_all(app))
            continue;
        err_set(e, FAULT_USAGE, "--%s is for %s, and \"%s\" is %s", s->flag, setting_kinds(s), stream->name,
                stream->kind == STREAM_FLEET ? "a fleet" : "a single database");
        return false;
    }
    if (call_has(&app->call, "registry-url") && stream->kind == STREAM_SINGLE && !app_is_all(app))
        return err_set(e, FAULT_USAGE, "--registry-url is for fleets, and \"%s\" is a single database", stream->name);
    return true;
}

bool visits_prepare(struct app *app, const struct stream *stream, enum job_kind kind, struct visits *v, struct err *e)
{
    *v = (struct visits){.app = app, .stream = stream, .graph = app_graph(app, stream)};
    if (!check_flags(app, stream, e) || !config_read(&app->arena, app->catalogue, stream, &app->call, &v->config, e))
        return false;
    make_job(app, stream, &v->config, kind, &v->job);
    atomic_store(&app->grace_ms, config_number(&v->config, SET_GRACE));
    if (stream->kind == STREAM_SINGLE)
        return true;
    v->registry = app_stream(app, config_text(&v->config, SET_REGISTRY));
    if (!config_read(&app->arena, app->catalogue, v->registry, &app->call, &v->registry_config, e))
        return false;
    const char *url = call_value(&app->call, "registry-url");
    if (url)
        v->registry_config.values[SET_URL] = (struct config_value){
            .text = url, .origin = ORIGIN_FLAG, .where = "--registry-url"};
    return true;
}

/* ----------------------------------------------------------------------------------------------------- the list */

/* A registry that is not there yet is a matter of order, as its table is: exit code 2, whatever the engine. */
static void hint_registry(const struct visits *v, struct err *e)
{
    if (e->fault != FAULT_MISSING)
        return;
    e->fault = FAULT_CONFIG;
    if (!e->hint)
        err_hint(e, "run `%s %s head` first", v->app->catalogue->program, v->registry->name);
}

static bool needs_registry(const struct stream *stream)
{
    for (uint32_t i = 0; i < stream->n_revisions; i++)
        if (stream->revisions[i]->n_requires)
            return true;
    return false;
}

static bool read_tenants(struct visits *v, struct tenant_list *out, struct err *e)
{
    return tenants_read(&v->registry_job, &v->registry_place, config_text(&v->config, SET_TENANTS_QUERY), out, e);
}

/* Ids of the revisions that the registry's database has. */
static bool read_registry(struct visits *v, struct err *e)
{
    const struct job *job = &v->registry_job;
    struct arena *a = &v->app->arena;
    struct outcome outcome = {0};
    struct strings unknown = {0};
    struct job read = *job;
    read.on_ahead = ON_AHEAD_ALLOW; /* it is not the registry that is migrated here */
    if (!visit(a, &read, &v->registry_place, NULL, &outcome)) {
        err_move(e, &outcome.err);
        return false;
    }
    struct revlist applied = plan_applied(a, job->graph, &outcome.rows, &unknown);
    for (size_t i = 0; i < applied.n; i++)
        vec_push(a, &v->registry_applied, graph_revision(job->graph, applied.v[i])->id);
    v->job.registry_applied = &v->registry_applied;
    v->job.registry_stream = v->registry->name;
    err_free(&outcome.err);
    return true;
}

static bool list_fleet(struct visits *v, bool requires, struct err *e)
{
    struct app *app = v->app;
    if (!config_address(&v->registry_config, &app->arena, &v->registry_place.address, e) ||
        !filter_read(app, &app->arena, &v->choice.only, e))
        return false;
    v->choice.has_only = v->choice.only.n > 0;
    make_job(app, v->registry, &v->registry_config, JOB_READ, &v->registry_job);
    if (!read_tenants(v, &v->tenants, e) || (requires && needs_registry(v->stream) && !read_registry(v, e))) {
        hint_registry(v, e);
        err_context(e, "stream \"%s\"", v->stream->name);
        return false;
    }
    if (!tenants_choose(&v->tenants, &v->choice, e))
        return false;
    if (v->tenants.n || config_number(&v->config, SET_NO_TENANTS) == NO_TENANTS_OK)
        return true;
    err_set(e, FAULT_CONFIG, "No tenants found");
    err_hint(e, "the query of stream \"%s\" returned no row; --no-tenants ok makes that fine", v->stream->name);
    return false;
}

bool visits_list(struct visits *v, bool requires, struct err *e)
{
    if (v->stream->kind == STREAM_FLEET)
        return list_fleet(v, requires, e);
    struct tenant *one = ARENA_NEW(&v->tenants.arena, struct tenant);
    struct address address;
    v->tenants.v = one;
    v->tenants.n = v->tenants.cap = 1;
    /* A single database without an address is a mistake of configuration, found before anything is touched. */
    return config_address(&v->config, &v->app->arena, &address, e);
}

/* ------------------------------------------------------------------------------------------------------ running */

static bool make_place(void *context, struct arena *a, const struct tenant_list *list, const struct tenant *t,
                       struct place *out, struct err *e)
{
    const struct visits *v = context;
    *out = (struct place){.tenant = t->id, .schema = t->schema};
    if (v->stream->kind == STREAM_SINGLE)
        return config_address(&v->config, a, &out->address, e);
    struct config_row row = {.tenant = t->id, .url = t->url, .columns = &list->columns, .values = t->values};
    return config_tenant_address(&v->config, a, &row, &out->address, e);
}

static void draw_progress(struct visits *v)
{
    size_t n = v->tenants.n, left = n - v->done;
    size_t jobs = (size_t)config_number(&v->config, SET_JOBS);
    int64_t spent = clock_ms() - v->app->started;
    if (!v->progress || v->stream->kind == STREAM_SINGLE)
        return;
    output_progress(&v->app->out, left == 0, "%s: %zu/%zu, %zu running, %zu failed, %lld/s, %lld s left",
                    v->stream->name, v->done, n, left < jobs ? left : jobs, v->failed,
                    (long long)(v->done * 1000) / (long long)(spent > 0 ? spent : 1),
                    v->done ? (long long)((int64_t)left * spent / (int64_t)v->done / 1000) : 0LL);
}

static void visit_done(void *context, const struct tenant *t, const struct place *where, const struct outcome *outcome)
{
    struct visits *v = context;
    v->done++;
    v->failed += outcome->err.fault != FAULT_NONE;
    v->unchanged += !outcome->err.fault && !outcome->skipped && !outcome->applied;
    if (v->each)
        v->each(v, t, where, outcome);
    draw_progress(v);
}

static bool run_list(struct visits *v, const struct tenant_list *list, struct fleet_result *result, struct err *e)
{
    struct addresser addresser = {.place = make_place, .context = v};
    struct fleet_options options = {
        .jobs = v->stream->kind == STREAM_FLEET ? (size_t)config_number(&v->config, SET_JOBS) : 1,
        .done = visit_done,
        .context = v,
        .observer = v->observer,
    };
    options.observer.context = v;
    bool ok = fleet_run(&v->job, list, &addresser, &options, result, e);
    output_end_progress(&v->app->out);
    return ok;
}

bool visits_run(struct visits *v, struct err *e)
{
    v->done = v->failed = v->unchanged = 0;
    fleet_free(&v->result);
    return run_list(v, &v->tenants, &v->result, e);
}

/* ------------------------------------------------------------------------------------------------- late arrivals */

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Takes those out of `list` that `known` has. */
static void drop_known(struct tenant_list *list, const struct tenant_list *known)
{
    const char **ids = mem_alloc(known->n * sizeof *ids + 1);
    size_t n = 0;
    for (size_t i = 0; i < known->n; i++)
        ids[i] = known->v[i].id;
    qsort(ids, known->n, sizeof *ids, compare_ids);
    for (size_t i = 0; i < list->n; i++)
        if (!bsearch(&list->v[i].id, ids, known->n, sizeof *ids, compare_ids))
            list->v[n++] = list->v[i];
    list->n = n;
    free(ids);
}

/* Who is meant now and was not listed before; the ids' memory stays with `late`. */
static bool list_late(struct visits *v, struct tenant_list *late)
{
    AUTO_ERR e = {0};
    if (!read_tenants(v, late, &e)) {
        output_talk(&v->app->out, TALK_WARNING, "the list of tenants could not be read again: %s", e.message);
        return false;
    }
    drop_known(late, &v->tenants);
    if (late->n && !tenants_choose(late, &v->choice, &e))
        late->n = 0; /* a glob that fits none of the new ones */
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
        if (!run_list(v, &list, &result, &e))
            output_error(&v->app->out, &e, NULL);
        merge(&v->result, before, &result, n);
    }
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
    struct share share;
    if (was_stopped(v))
        return EXIT_SIGNAL + atomic_load(&v->app->stop.signal);
    if (v->stream->kind == STREAM_FLEET && share_parse(str_from(config_text(&v->config, SET_TOLERATE)), &share))
        tolerance = (struct tolerance){.number = share.is_percent ? 0 : share.number,
                                       .percent = share.is_percent ? (unsigned)share.number : 0,
                                       .is_percent = share.is_percent};
    int status = fleet_exit_code(&v->result, v->tenants.n, &tolerance);
    /* No signal, and still not begun: the deadline was first. */
    return v->result.not_started ? exit_worse(status, EXIT_RETRY) : status;
}

/* ---------------------------------------------------------------------------------------------------- reporting */

/* "acme: tenant/versions/5f1c….sql:3:14: revision 5f1c0a2b9e77: relation … does not exist" */
static void failure_line(struct buf *out, const struct visits *v, const struct tenant_failure *f)
{
    const struct err *e = &f->err;
    buf_addf(out, "  %s: ", visits_name(v, v->tenants.v[f->tenant].id));
    if (f->revision && !(e->message && strstr(e->message, f->revision)))
        buf_addf(out, "%s: ", f->revision);
    if (e->path && e->line > 0 && e->column > 0)
        buf_addf(out, "%s:%d:%d: ", e->path, e->line, e->column);
    else if (e->path && e->line > 0)
        buf_addf(out, "%s:%d: ", e->path, e->line);
    buf_addz(out, e->message ? e->message : err_fault_name(f->fault));
}

/* Who is refused by a server wonders where the name and the password came from. */
static void hint_login(const struct visits *v, struct err *e)
{
    const struct config_value *value = &v->config.values[v->stream->kind == STREAM_FLEET ? SET_TENANT_URL : SET_URL];
    if (e->fault == FAULT_LOGIN && !e->hint && value->where)
        err_hint(e, "the address comes from %s; a password in it is percent-encoded: @ is %%40, / is %%2F",
                 value->where);
}

void visits_tell_failure(struct visits *v, const struct tenant *t, const struct outcome *outcome)
{
    AUTO_ERR e = {0};
    err_copy(&e, &outcome->err);
    hint_login(v, &e);
    err_context(&e, "tenant %s", t->id);
    output_error(&v->app->out, &e, NULL);
}

void visits_report(struct visits *v)
{
    struct output *out = &v->app->out;
    const char *why = atomic_load(&v->app->stop.signal) ? "a signal asked to stop" : "the deadline passed";
    if (v->stream->kind == STREAM_SINGLE) {
        for (size_t i = 0; i < v->result.n_failures; i++) {
            AUTO_ERR e = {0};
            err_copy(&e, &v->result.failures[i].err);
            hint_login(v, &e);
            if (app_is_all(v->app))
                err_context(&e, "%s", v->stream->name);
            output_error(out, &e, NULL);
        }
        if (v->result.not_started)
            output_talk(out, TALK_ERROR, "%s before the database was visited", why);
        return;
    }
    if (v->result.not_started)
        output_talk(out, TALK_WARNING, "%zu of %zu tenants were not started: %s", v->result.not_started, v->tenants.n,
                    why);
    if (v->result.n_failures)
        output_talk(out, TALK_ERROR, "%zu of %zu tenant%s failed:", v->result.n_failures, v->tenants.n,
                    v->tenants.n == 1 ? "" : "s");
    for (size_t i = 0; i < v->result.n_failures; i++) {
        BUF_AUTO line = {0};
        failure_line(&line, v, &v->result.failures[i]);
        output_more(out, line.p);
    }
}

void visits_json_failures(struct json *j, const struct visits *v)
{
    json_key(j, "failures");
    json_array(j);
    for (size_t i = 0; i < v->result.n_failures; i++) {
        const struct tenant_failure *f = &v->result.failures[i];
        json_object(j);
        json_put_text(j, "tenant", v->tenants.v[f->tenant].id);
        json_put_text(j, "revision", f->revision);
        output_error_members(j, &f->err);
        json_end_object(j);
    }
    json_end_array(j);
}

void visits_free(struct visits *v)
{
    fleet_free(&v->result);
    tenants_free(&v->tenants);
    for (size_t i = 0; i < VISITS_ROUNDS; i++)
        tenants_free(&v->late[i]);
}

/* ----------------------------------------------------------------------------------------------------- one database */

static void keep_rows(struct visits *v, const struct tenant *t, const struct place *where,
                      const struct outcome *outcome)
{
    struct strings *rows = v->context;
    (void)t;
    (void)where;
    for (size_t i = 0; i < outcome->rows.n; i++)
        vec_push(&v->app->arena, rows, arena_strdup(&v->app->arena, outcome->rows.v[i]));
}

static bool list_one(struct visits *v, struct err *e)
{
    if (!visits_list(v, false, e))
        return false;
    if (v->tenants.n == 1)
        return true;
    err_set(e, FAULT_USAGE, "\"%s\" has %zu tenants, and this looks at one database", v->stream->name, v->tenants.n);
    err_hint(e, "choose one with --tenant ID");
    return false;
}

bool visits_one_database(struct app *app, const struct stream *stream, struct strings *rows, int *status)
{
    struct visits v;
    AUTO_ERR e = {0};
    bool ok = visits_prepare(app, stream, JOB_READ, &v, &e) && list_one(&v, &e);
    v.each = keep_rows;
    v.context = rows;
    ok = ok && visits_run(&v, &e);
    *status = ok ? visits_status(&v) : app_fail(app, &e);
    if (ok)
        visits_report(&v);
    visits_free(&v);
    return *status == EXIT_DONE;
}

/* ------------------------------------------------------------------------------------------------------ ordered */

void ordered_init(struct ordered *o, struct visits *v)
{
    *o = (struct ordered){.app = v->app, .n = v->tenants.n};
    o->pending = mem_alloc(v->tenants.n * sizeof *o->pending + 1);
}

static void ordered_flush(struct ordered *o, size_t index)
{
    char *text = o->pending[index];
    o->pending[index] = NULL;
    if (text && o->app->out.json && *text)
        app_add_item(o->app, str_from(text));
    else if (text && !o->app->out.json)
        output_raw(&o->app->out, str_from(text));
    free(text);
}

void ordered_put(struct ordered *o, size_t index, const struct buf *text)
{
    BUF_AUTO clean = {0};
    output_clean(&clean, buf_str(text), true);
    o->pending[index] = buf_steal(&clean);
    for (; o->next < o->n && o->pending[o->next]; o->next++)
        ordered_flush(o, o->next);
}

/* What is left waited for a database that was never visited. */
void ordered_free(struct ordered *o)
{
    for (; o->next < o->n; o->next++)
        ordered_flush(o, o->next);
    free(o->pending);
    *o = (struct ordered){0};
}
