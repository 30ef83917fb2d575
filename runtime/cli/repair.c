/* repair: accept changed checksums, drop invalid indexes. What it did is said, a sentence each. */
#include "cli/visits.h"

static void add_item(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *outcome)
{
    struct json j = {.out = out};
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", t->id);
    json_put_strings(&j, "repaired", &outcome->repaired);
    if (outcome->err.fault) {
        json_key(&j, "error");
        json_object(&j);
        output_error_members(&j, &outcome->err);
        json_end_object(&j);
    }
    json_end_object(&j);
}

static void database_done(struct visits *v, const struct tenant *t, const struct place *where,
                          const struct outcome *outcome)
{
    BUF_AUTO text = {0};
    (void)where;
    if (v->app->out.json)
        add_item(&text, v, t, outcome);
    for (size_t i = 0; !v->app->out.json && i < outcome->repaired.n; i++)
        buf_addf(&text, "%s: %s\n", visits_name(v, t->id), outcome->repaired.v[i]);
    if (!v->app->out.json && !outcome->err.fault && !outcome->repaired.n)
        buf_addf(&text, "%s: nothing to repair\n", visits_name(v, t->id));
    ordered_put(v->context, (size_t)(t - v->tenants.v), &text);
}

static int repair_stream(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    struct ordered ordered;
    AUTO_ERR e = {0};
    (void)context;
    if (!visits_prepare(app, stream, JOB_REPAIR, &v, &e) || !visits_list(&v, false, &e))
        return visits_fail(&v, &e);
    v.each = database_done;
    v.context = &ordered;
    ordered_init(&ordered, &v);
    bool ok = visits_run(&v, &e);
    ordered_free(&ordered);
    int status = ok ? visits_status(&v) : visits_refuse(&v, &e);
    if (ok)
        visits_report(&v);
    return visits_end(&v, status);
}

static int run_repair(struct app *app)
{
    int status = app_each_stream(app, (struct each){.stop_at_failure = true}, repair_stream, NULL);
    app_answer_items(app, "databases");
    return status;
}

static const char *const repair_examples[] = {
    "shared repair",
    "accept the present text of applied revisions",
    "tenant repair --tenant acme",
    "also drops an invalid index that a failed CONCURRENTLY left",
    NULL,
};

const struct command command_repair = {
    .name = "repair",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS | COMMAND_WRITES | COMMAND_CONFIRM,
    .help = "accept changed checksums, drop invalid indexes",
    .more = "Says of every changed checksum whether the change was cosmetic. Over a fleet it wants --tenant or "
            "--all-tenants.",
    .examples = repair_examples,
    .run = run_repair,
};
