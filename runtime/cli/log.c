/* log: what ran on a database, newest first, from its table migrate_log. */
#include "cli/visits.h"

struct log_view {
    struct ordered ordered;
};

static const char *or_empty(const char *z)
{
    return z ? z : "";
}

/* The log's direction, and how far a statement-wise one came. */
static void add_what(struct buf *out, const struct log_entry *l)
{
    buf_addf(out, "%s %s", or_empty(l->direction), l->revision && *l->revision ? l->revision : "<base>");
    if (l->state && !str_is(str_from(l->state), "done"))
        buf_addf(out, " (%s", l->state);
    else
        return;
    if (l->statement >= 0 && !str_is(str_from(l->state), "batch"))
        buf_addf(out, " %lld", (long long)l->statement);
    buf_addc(out, ')');
}

static void add_who(struct buf *out, const struct log_entry *l)
{
    bool any = false;
    const char *const parts[] = {l->actor, l->db_role, l->client_host};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i] && *parts[i]) {
            buf_addf(out, "%s%s", i == 2 ? " on " : any ? " as " : " by ", parts[i]);
            any = true;
        }
}

static void add_lines(struct buf *out, const struct tenant *t, const struct log_list *list)
{
    for (size_t i = list->n; i-- > 0;) {
        const struct log_entry *l = &list->v[i];
        char duration[32] = "";
        if (l->duration_ms >= 0)
            duration_format(duration, l->duration_ms);
        if (t->id)
            buf_addf(out, "%s: ", t->id);
        buf_addf(out, "%s  ", or_empty(l->started));
        add_what(out, l);
        buf_addf(out, ", %s, %s", or_empty(l->message), duration);
        add_who(out, l);
        buf_addc(out, '\n');
    }
}

static void add_entry(struct json *j, const struct log_entry *l)
{
    json_object(j);
    json_put_int(j, "id", l->id);
    json_put_text(j, "stream", l->stream);
    json_put_text(j, "revision", l->revision);
    json_put_text(j, "parents", l->parents);
    json_put_text(j, "depends", l->depends);
    json_put_text(j, "direction", l->direction);
    json_put_text(j, "dialect", l->dialect);
    json_put_text(j, "message", l->message);
    json_put_text(j, "checksum", l->checksum);
    json_put_text(j, "rows_after", l->rows_after);
    json_put_text(j, "started", l->started);
    json_put_int(j, "duration_ms", l->duration_ms);
    json_put_text(j, "build_id", l->build_id);
    json_put_text(j, "db_role", l->db_role);
    json_put_text(j, "client_host", l->client_host);
    json_put_text(j, "actor", l->actor);
    json_put_text(j, "state", l->state);
    json_end_object(j);
}

static void add_item(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *outcome)
{
    struct json j = {.out = out};
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", t->id);
    json_key(&j, "log");
    json_array(&j);
    for (size_t i = outcome->log.n; i-- > 0;)
        add_entry(&j, &outcome->log.v[i]);
    json_end_array(&j);
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
    struct log_view *view = v->context;
    BUF_AUTO text = {0};
    (void)where;
    if (v->app->out.json)
        add_item(&text, v, t, outcome);
    else
        add_lines(&text, t, &outcome->log);
    ordered_put(&view->ordered, (size_t)(t - v->tenants.v), &text);
}

static bool read_limit(const struct app *app, int64_t *limit, struct err *e)
{
    const char *text = call_value(&app->call, "limit");
    struct share share;
    *limit = 0;
    if (!text)
        return true;
    if (!share_parse(str_from(text), &share) || share.is_percent || share.number == 0 || share.number > INT32_MAX) {
        err_set(e, FAULT_USAGE, "--limit: \"%s\" is no number of rows", text);
        err_hint(e, "--limit 20");
        return false;
    }
    *limit = (int64_t)share.number;
    return true;
}

/* Rows that this executable does not know are no reason to keep the log back: it may tell where they came from. */
static bool only_diverged(const struct visits *v)
{
    for (size_t i = 0; i < v->result.n_failures; i++)
        if (v->result.failures[i].fault != FAULT_DIVERGED)
            return false;
    return v->result.n_failures && !v->result.not_started;
}

static void warn_diverged(struct visits *v)
{
    for (size_t i = 0; i < v->result.n_failures; i++) {
        const struct tenant_failure *f = &v->result.failures[i];
        output_talk(&v->app->out, TALK_WARNING, "%s: %s", visits_name(v, v->tenants.v[f->tenant].id), f->err.message);
    }
}

static int log_of(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    struct log_view view;
    AUTO_ERR e = {0};
    (void)context;
    if (!visits_prepare(app, stream, JOB_READ, &v, &e) || !read_limit(app, &v.job.log_limit, &e) ||
        !visits_list(&v, false, &e))
        return visits_fail(&v, &e);
    v.job.read_log = true;
    v.job.on_ahead = ON_AHEAD_ALLOW; /* a log can be read by any executable */
    v.each = database_done;
    v.context = &view;
    ordered_init(&view.ordered, &v);
    bool ok = visits_run(&v, &e);
    ordered_free(&view.ordered);
    int status = ok ? visits_status(&v) : app_fail(app, &e);
    if (ok && only_diverged(&v)) {
        warn_diverged(&v);
        status = EXIT_DONE;
    } else if (ok) {
        visits_report(&v);
    }
    visits_free(&v);
    return status;
}

static int run_log(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, log_of, NULL);
    app_answer_items(app, "databases");
    return status;
}

static const char *const log_examples[] = {
    "shared log",
    "what ran, when, how long, by whom",
    "tenant log --tenant acme --limit 5",
    "the last five events of one tenant",
    NULL,
};

const struct command command_log = {
    .name = "log",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "show what ran on a database, newest first",
    .more = "Times are UTC. The log stands in the table migrate_log beside the version table.",
    .examples = log_examples,
    .run = run_log,
};
