/*
 * From a command line to the databases that it means: settings, the job made from them, and the list of tenants. Running
 * is visits_run.c's, telling visits_tell.c's.
 */
#include "cli/visits.h"

#include "cli/filter.h"
#include "cli/report.h"
#include "run/template.h"

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
        .refuse_locks = (unsigned)config_number(c, SET_REFUSE_LOCKS),
        .on_ahead = config_number(c, SET_ON_AHEAD) ? ON_AHEAD_ALLOW : ON_AHEAD_REFUSE,
        .allow_foreign = config_number(c, SET_ALLOW_FOREIGN_ENGINE),
        .connect_timeout_ms = config_number(c, SET_CONNECT_TIMEOUT),
        .lock_wait_ms = config_number(c, SET_LOCK_WAIT),
        .lock_timeout_ms = config_number(c, SET_LOCK_TIMEOUT),
        .statement_timeout_ms = config_number(c, SET_STATEMENT_TIMEOUT),
        .wait_ms = config_number(c, SET_WAIT),
        .batch_pause_ms = config_number(c, SET_BATCH_PAUSE),
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
    if (stream->kind == STREAM_FLEET && config_text(c, SET_TEMPLATE) && *config_text(c, SET_TEMPLATE))
        out->template = template_new(&app->arena, config_text(c, SET_TEMPLATE));
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

static bool check_template(const struct job *job, struct err *e)
{
    if (!job->template || job->kind != JOB_UPGRADE || job->on_missing == ON_MISSING_CREATE)
        return true;
    err_set(e, FAULT_CONFIG, "template is for databases that are made, and on_missing does not say so");
    err_hint(e, "--on-missing create, or on_missing = create in env.ini");
    return false;
}

bool visits_prepare(struct app *app, const struct stream *stream, enum job_kind kind, struct visits *v, struct err *e)
{
    *v = (struct visits){.app = app, .stream = stream, .graph = app_graph(app, stream)};
    if (!check_flags(app, stream, e) || !config_read(&app->arena, app->catalogue, stream, &app->call, &v->config, e))
        return false;
    make_job(app, stream, &v->config, kind, &v->job);
    if (!check_template(&v->job, e))
        return false;
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
    for (size_t i = 0; i < applied.n && !outcome.ahead; i++)
        vec_push(a, &v->registry_applied, graph_revision(job->graph, applied.v[i])->id);
    /* Ahead is what stands above all of ours; no row of theirs says so, the log did. */
    for (uint32_t i = 0; outcome.ahead && i < graph_size(job->graph); i++)
        vec_push(a, &v->registry_applied, graph_revision(job->graph, i)->id);
    v->job.registry_applied = &v->registry_applied;
    v->job.registry_stream = v->registry->name;
    err_free(&outcome.err);
    return true;
}

static bool list_fleet(struct visits *v, bool requires, struct err *e)
{
    struct app *app = v->app;
    if (!config_address(&v->registry_config, &app->arena, &v->registry_place.address, e) ||
        !filter_read(app, v->stream, &v->choice, e))
        return false;
    make_job(app, v->registry, &v->registry_config, JOB_READ, &v->registry_job);
    const char *query = config_text(&v->config, SET_TENANTS_QUERY);
    if (!tenants_read(&v->registry_job, &v->registry_place, query, &v->tenants, e) ||
        (requires && needs_registry(v->stream) && !read_registry(v, e))) {
        hint_registry(v, e);
        visits_hint_login(&v->registry_config, NULL, e);
        if (e->fault == FAULT_CONFIG) /* what is wrong is the fleet's setting */
            err_context(e, "stream \"%s\"", v->stream->name);
        else
            err_context(e, "registry \"%s\" of stream \"%s\"", v->registry->name, v->stream->name);
        return false;
    }
    bool listed = v->tenants.n > 0;
    if (!tenants_choose(&v->tenants, &v->choice, e))
        return false;
    /* Of those who are listed none may be meant: an empty shard, a report without failures. */
    if (listed || config_number(&v->config, SET_NO_TENANTS) == NO_TENANTS_OK)
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

void visits_free(struct visits *v)
{
    fleet_free(&v->result);
    err_free(&v->why);
    ledger_free(v->ledger);
    template_free(v->job.template);
    free(v->hinted);
    tenants_free(&v->tenants);
    for (size_t i = 0; i < VISITS_ROUNDS; i++)
        tenants_free(&v->late[i]);
}

int visits_end(struct visits *v, int status)
{
    v->app->touched |= v->result.changed > 0;
    report_add(v->app->report, v, status);
    visits_free(v);
    return status;
}

int visits_refuse(struct visits *v, const struct err *e)
{
    err_copy(&v->why, e);
    return app_fail(v->app, e);
}

int visits_fail(struct visits *v, const struct err *e)
{
    return visits_end(v, visits_refuse(v, e));
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
