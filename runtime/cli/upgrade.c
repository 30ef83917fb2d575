/* upgrade and downgrade: from a target to steps on every database of a stream. */
#include "cli/format.h"
#include "cli/migrate.h"

#include <string.h>

/* What is resolved against nothing but the graph; relative targets and `current` depend on a database's rows. */
bool migrate_check_target(struct app *app, const struct stream *stream, enum job_kind kind, const char *target,
                          struct err *e)
{
    const struct graph *g = app_graph(app, stream);
    struct target t;
    struct revlist ignored = {0};
    if (!target_parse(str_from(target), &t, e))
        return false;
    if (kind == JOB_DOWNGRADE && t.shape == TARGET_RELATIVE && t.offset > 0)
        return err_set(e, FAULT_USAGE, "downgrade goes down: \"%s\" does not", target);
    if (kind == JOB_UPGRADE && t.shape == TARGET_RELATIVE && t.offset < 0) {
        err_set(e, FAULT_USAGE, "upgrade goes up: \"%s\" does not", target);
        err_hint(e, "%s %s downgrade %s", app->catalogue->program, stream->name, target);
        return false;
    }
    if (kind == JOB_UPGRADE && t.shape == TARGET_SYMBOL && str_is(t.symbol, "base")) {
        err_set(e, FAULT_USAGE, "upgrade goes up: \"%s\" does not", target);
        err_hint(e, "%s %s downgrade %s", app->catalogue->program, stream->name, target);
        return false;
    }
    if (t.shape != TARGET_SYMBOL || str_is(t.symbol, "current") || str_is(t.symbol, "base"))
        return true;
    return graph_resolve(&app->arena, g, str_from(target), NULL, &ignored, e);
}

/* --------------------------------------------------------------------------------------------------------- talk */

static void step_begins(void *context, const struct place *where, const struct step *step)
{
    const struct visits *v = context;
    BUF_AUTO text = {0};
    format_step(&text, step, v->stream);
    if (where->tenant)
        output_talk(&v->app->out, TALK_INFO, "tenant %s: %s", where->tenant, text.p);
    else
        output_talk(&v->app->out, TALK_NOTE, "%s", text.p);
}

static void step_done(void *context, const struct place *where, const struct step *step, int64_t duration_ms)
{
    const struct visits *v = context;
    BUF_AUTO event = {0};
    struct json j = {.out = &event};
    if (!v->app->out.json)
        return;
    json_object(&j);
    json_put_text(&j, "event", "step");
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", where->tenant);
    json_put_text(&j, "direction", format_direction(step->kind));
    json_put_text(&j, "revision", step->revision ? step->revision->id : NULL);
    json_put_strings(&j, "rows", &step->after);
    json_put_int(&j, "duration_ms", duration_ms);
    json_end_object(&j);
    output_object(&v->app->out, &event);
}

static void batch_event(const struct visits *v, const struct place *where, const struct step *step,
                        const struct batch_progress *p, int64_t rate)
{
    BUF_AUTO event = {0};
    struct json j = {.out = &event};
    json_object(&j);
    json_put_text(&j, "event", "batch");
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", where->tenant);
    json_put_text(&j, "direction", format_direction(step->kind));
    json_put_text(&j, "revision", step->revision->id);
    json_put_int(&j, "batches", p->batches);
    json_put_int(&j, "rows", p->rows);
    json_put_int(&j, "earlier_rows", p->earlier_rows);
    json_put_int(&j, "rows_per_second", rate);
    json_put_int(&j, "duration_ms", p->duration_ms);
    json_end_object(&j);
    output_object(&v->app->out, &event);
}

static void batch_done(void *context, const struct place *where, const struct step *step,
                       const struct batch_progress *p)
{
    const struct visits *v = context;
    int64_t rate = p->duration_ms > 0 ? (int64_t)((double)p->rows * 1000 / (double)p->duration_ms) : p->rows;
    if (v->app->out.json)
        batch_event(v, where, step, p, rate);
    output_talk(&v->app->out, p->worth_a_line ? TALK_NOTE : TALK_INFO,
                "%s%s: revision %s: %lld batch%s, %lld row%s, %lld/s", where->tenant ? "tenant " : "",
                visits_name(v, where->tenant), step->revision->id, (long long)p->batches, p->batches == 1 ? "" : "es",
                (long long)p->rows, p->rows == 1 ? "" : "s", (long long)rate);
}

static void waiting(void *context, const struct place *where, const char *why)
{
    const struct visits *v = context;
    output_talk(&v->app->out, TALK_NOTE, "%s%s: %s", where->tenant ? "tenant " : "", visits_name(v, where->tenant),
                why);
}

/* "8e41b7c203fa -> 3a9d4e10c2b8, 1 revision", "nothing to do, at 3a9d4e10c2b8" */
static void describe(struct buf *out, const struct visits *v, const struct outcome *outcome)
{
    if (outcome->skipped) {
        buf_addz(out, "skipped, the database does not exist");
    } else if (outcome->ahead) {
        buf_addz(out, "nothing to do, ahead of this executable at ");
        format_rows(out, &outcome->rows);
    } else if (v->job.kind == JOB_ENSURE_VERSION) {
        buf_addz(out, "the version table is there, at ");
        format_rows(out, &outcome->rows);
    } else if (strings_equal(&outcome->state.rows, &outcome->rows) && !outcome->applied) {
        buf_addz(out, "nothing to do, at ");
        format_rows(out, &outcome->rows);
    } else {
        format_rows(out, &outcome->state.rows);
        buf_addz(out, " -> ");
        format_rows(out, &outcome->rows);
        if (v->job.kind != JOB_STAMP && outcome->applied)
            buf_addf(out, ", %zu revision%s", outcome->applied, outcome->applied == 1 ? "" : "s");
        else if (v->job.kind != JOB_STAMP)
            buf_addz(out, ", by another process");
    }
    if (outcome->created)
        buf_addz(out, ", the database was created");
}

static void database_event(const struct visits *v, const struct tenant *t, const struct outcome *outcome)
{
    BUF_AUTO event = {0};
    struct json j = {.out = &event};
    json_object(&j);
    json_put_text(&j, "event", "database");
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", t->id);
    json_put_text(&j, "state", outcome->err.fault ? "failed" : outcome->skipped ? "skipped" : "done");
    if (outcome->has_state) {
        json_put_strings(&j, "before", &outcome->state.rows);
        json_put_strings(&j, "rows", &outcome->rows);
        json_put_bool(&j, "at_head", outcome->at_head);
        json_put_bool(&j, "ahead", outcome->ahead);
    }
    json_put_int(&j, "applied", (int64_t)outcome->applied);
    json_put_bool(&j, "created", outcome->created);
    json_put_int(&j, "duration_ms", outcome->duration_ms);
    if (outcome->err.fault) {
        json_key(&j, "error");
        json_object(&j);
        json_put_text(&j, "revision", outcome->failed_revision ? outcome->failed_revision->id : NULL);
        output_error_members(&j, &outcome->err);
        json_end_object(&j);
    }
    json_end_object(&j);
    output_object(&v->app->out, &event);
}

static void database_done(struct visits *v, const struct tenant *t, const struct place *where,
                          const struct outcome *outcome)
{
    BUF_AUTO text = {0};
    (void)where;
    if (v->app->out.json)
        database_event(v, t, outcome);
    else if (outcome->err.fault && t->id)
        visits_tell_failure(v, t, outcome);
    if (outcome->err.fault)
        return;
    describe(&text, v, outcome);
    if (!t->id)
        output_line(&v->app->out, "%s: %s", v->stream->name, text.p);
    else if (!v->app->out.terminal || v->app->out.verbosity)
        output_talk(&v->app->out, TALK_NOTE, "%s: %s", t->id, text.p);
}

/* ------------------------------------------------------------------------------------------------------ summary */

static void add_part(struct buf *out, size_t n, const char *what)
{
    if (n)
        buf_addf(out, ", %zu %s", n, what);
}

static const char *done_word(enum job_kind kind)
{
    return kind == JOB_UPGRADE ? "upgraded" : kind == JOB_DOWNGRADE ? "downgraded" : "changed";
}

static void summary_text(struct visits *v)
{
    const struct fleet_result *r = &v->result;
    BUF_AUTO text = {0};
    if (v->stream->kind == STREAM_SINGLE)
        return;
    buf_addf(&text, "%s: %zu database%s: %zu %s", v->stream->name, v->tenants.n, v->tenants.n == 1 ? "" : "s",
             visits_changed(v), done_word(v->job.kind));
    if (r->steps && v->job.kind != JOB_STAMP)
        buf_addf(&text, " (%zu revision%s)", r->steps, r->steps == 1 ? "" : "s");
    add_part(&text, v->unchanged, "unchanged");
    add_part(&text, r->known, "known by the ledger");
    add_part(&text, r->skipped, "skipped");
    add_part(&text, r->failed, "failed");
    add_part(&text, r->not_started, "not started");
    output_line(&v->app->out, "%s", text.p);
}

static void summary_json(struct visits *v, int status)
{
    if (!v->app->out.json)
        return;
    const struct fleet_result *r = &v->result;
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "command", v->app->call.command->name);
    json_put_int(&j, "databases", (int64_t)v->tenants.n);
    json_put_int(&j, "changed", (int64_t)visits_changed(v));
    json_put_int(&j, "unchanged", (int64_t)v->unchanged);
    json_put_int(&j, "known", (int64_t)r->known);
    json_put_int(&j, "skipped", (int64_t)r->skipped);
    json_put_int(&j, "failed", (int64_t)r->failed);
    json_put_int(&j, "not_started", (int64_t)r->not_started);
    json_put_int(&j, "steps", (int64_t)r->steps);
    visits_json_failures(&j, v);
    json_put_int(&j, "exit_code", status);
    json_end_object(&j);
    app_add_item(v->app, buf_str(&object));
}

int migrate_run(struct visits *v)
{
    AUTO_ERR e = {0};
    v->each = database_done;
    v->observer = (struct observer){
        .step_begins = step_begins, .step_done = step_done, .waiting = waiting, .batch_done = batch_done};
    v->progress = true;
    if (!visits_run(v, &e))
        return visits_refuse(v, &e);
    if (v->job.kind == JOB_UPGRADE)
        visits_run_late(v);
    int status = visits_status(v);
    summary_text(v);
    visits_report(v);
    summary_json(v, status);
    return status;
}

/* ----------------------------------------------------------------------------------------------------- commands */

static bool is_relative(const char *target)
{
    struct target t;
    AUTO_ERR ignored = {0};
    return target_parse(str_from(target), &t, &ignored) && (t.shape == TARGET_RELATIVE || str_is(t.symbol, "current"));
}

static int migrate_stream(struct app *app, const struct stream *stream, enum job_kind kind)
{
    struct visits v;
    AUTO_ERR e = {0};
    bool dry = call_has(&app->call, "dry-run");
    const char *target = app->call.operands.v[0];
    int status = EXIT_DONE;
    if (!visits_prepare(app, stream, dry ? JOB_READ : kind, &v, &e) || !visits_list(&v, kind == JOB_UPGRADE, &e))
        return visits_fail(&v, &e);
    v.job.target = str_from(target);
    v.asks_ledger = kind == JOB_UPGRADE && !dry && (strcmp(target, "head") == 0 || strcmp(target, "heads") == 0);
    if (kind == JOB_UPGRADE && stream->kind == STREAM_FLEET && !requirements_ahead(&app->arena, &v.job, &e)) {
        err_context(&e, "stream \"%s\"", stream->name);
        return visits_fail(&v, &e);
    }
    bool check = v.tenants.n > 1 && is_relative(target) && !call_has(&app->call, "uneven");
    if (check && !migrate_check_even(&v, kind, &status, &e))
        status = e.fault ? visits_refuse(&v, &e) : status;
    else
        status = dry ? migrate_dry_run(&v, kind) : migrate_run(&v);
    return visits_end(&v, status);
}

static int upgrade_stream(struct app *app, const struct stream *stream, void *context)
{
    (void)context;
    return migrate_stream(app, stream, JOB_UPGRADE);
}

static int downgrade_stream(struct app *app, const struct stream *stream, void *context)
{
    (void)context;
    return migrate_stream(app, stream, JOB_DOWNGRADE);
}

static int script_stream(struct app *app, const struct stream *stream, void *context)
{
    const enum job_kind *kind = context;
    return migrate_script(app, stream, *kind);
}

static int check_stream(struct app *app, const struct stream *stream, void *context)
{
    const enum job_kind *kind = context;
    AUTO_ERR e = {0};
    return migrate_check_target(app, stream, *kind, app->call.operands.v[0], &e) ? EXIT_DONE : app_fail(app, &e);
}

/* Every stream's target is looked at before the first database is. */
static int migrate(struct app *app, enum job_kind kind)
{
    /* Downwards the fleets go first: the registry's tables must outlive them. */
    struct each how = {.stop_at_failure = true, .backwards = kind == JOB_DOWNGRADE};
    if (call_has(&app->call, "sql"))
        return app_each_stream(app, how, script_stream, &kind);
    int status = app_each_stream(app, how, check_stream, &kind);
    if (status != EXIT_DONE)
        return status;
    status = app_each_stream(app, how, kind == JOB_UPGRADE ? upgrade_stream : downgrade_stream, NULL);
    if (call_has(&app->call, "dry-run"))
        app_answer_items(app, "databases");
    else
        app_answer_streams(app, status);
    return status;
}

static int run_upgrade(struct app *app)
{
    return migrate(app, JOB_UPGRADE);
}

static int run_downgrade(struct app *app)
{
    return migrate(app, JOB_DOWNGRADE);
}

static const char *const upgrade_examples[] = {
    "tenant head",
    "every tenant to the newest revision",
    "all head",
    "the registry first, then its tenants",
    "tenant upgrade +1 --tenant acme",
    "one revision further, for one tenant",
    "tenant upgrade head --dry-run",
    "what would run, database by database",
    "shared upgrade REVISION:head --sql",
    "a script for psql or sqlite3",
    NULL,
};

const struct command command_upgrade = {
    .name = "upgrade",
    .operands = "TARGET",
    .least = 1,
    .most = 1,
    .flags = COMMAND_STREAM | COMMAND_VISITS | COMMAND_WRITES,
    .help = "run the revisions up to TARGET",
    .more =
        "TARGET is head, heads, a revision or the beginning of one (at least 4 characters), a label, LABEL@head, "
        "+N, LABEL@+N or REVISION+N. What a target needs through Depends-On runs too; what is applied is left alone. "
        "With --sql TARGET may be FROM:TO; without FROM the script starts from an empty database.\n\n"
        "Each revision is one transaction together with its version row. A tenant that fails stops no other; the "
        "last lines name every tenant that failed.",
    .examples = upgrade_examples,
    .run = run_upgrade,
};

static const char *const downgrade_examples[] = {
    "tenant downgrade -1 --tenant acme",
    "take back the last revision of one tenant",
    "tenant downgrade REVISION",
    "everything above that revision, for every tenant",
    "shared downgrade base",
    "everything",
    NULL,
};

const struct command command_downgrade = {
    .name = "downgrade",
    .operands = "TARGET",
    .least = 1,
    .most = 1,
    .flags = COMMAND_STREAM | COMMAND_VISITS | COMMAND_WRITES,
    .help = "run the revisions back down to TARGET, which stays",
    .more =
        "TARGET is base, a revision, -N, LABEL@base, LABEL@-N or REVISION-N. A tenant at or below TARGET has nothing "
        "to do. A revision that is irreversible is refused before anything runs. `all` takes the fleets first and "
        "the registry last. With --sql TARGET must be FROM:TO.",
    .examples = downgrade_examples,
    .run = run_downgrade,
};
