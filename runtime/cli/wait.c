/* wait: until the databases answer. Containers start in any order. */
#include "cli/visits.h"

/* Long enough for a server that starts beside us, short enough for somebody who watches. */
enum { WAIT_MS = 60000 };

static void database_done(struct visits *v, const struct tenant *t, const struct place *where,
                          const struct outcome *outcome)
{
    (void)where;
    if (!outcome->err.fault)
        output_talk(&v->app->out, TALK_INFO, "%s answers", visits_name(v, t->id));
}

static int wait_for(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    AUTO_ERR e = {0};
    (void)context;
    bool ok = visits_prepare(app, stream, JOB_WAIT, &v, &e);
    if (ok && !v.job.wait_ms)
        v.job.wait_ms = config_number(&v.config, SET_DEADLINE) ? config_number(&v.config, SET_DEADLINE) : WAIT_MS;
    if (ok && v.registry && v.registry_config.values[SET_WAIT].number == 0)
        v.registry_config.values[SET_WAIT].number = v.job.wait_ms;
    ok = ok && visits_list(&v, false, &e);
    v.each = database_done;
    ok = ok && visits_run(&v, &e);
    int status = ok ? visits_status(&v) : app_fail(app, &e);
    if (ok) {
        visits_report(&v);
        output_line(&app->out, "%s: %zu of %zu answer", stream->name, v.tenants.n - v.result.failed, v.tenants.n);
    }
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "stream", stream->name);
    json_put_int(&j, "databases", (int64_t)v.tenants.n);
    json_put_int(&j, "answering", (int64_t)(v.result.done + v.result.skipped));
    visits_json_failures(&j, &v);
    json_put_int(&j, "exit_code", status);
    json_end_object(&j);
    app_add_item(app, buf_str(&object));
    visits_free(&v);
    return status;
}

static int run_wait(struct app *app)
{
    int status = app_each_stream(app, (struct each){.stop_at_failure = true}, wait_for, NULL);
    app_answer_streams(app, status);
    return status;
}

static const char *const wait_examples[] = {
    "shared wait --wait 2min",
    "until the database answers, for at most two minutes",
    "all head --wait 60s",
    "any command can wait first",
    NULL,
};

const struct command command_wait = {
    .name = "wait",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "wait until the databases answer",
    .more = "For --wait, else for --deadline, else for a minute; then exit 4.",
    .examples = wait_examples,
    .run = run_wait,
};
