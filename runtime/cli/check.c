/* check: exit codes for probes and CI. 3: something is pending; 5: history conflicts. */
#include "cli/format.h"
#include "cli/visits.h"

#include "run/history.h"

struct check {
    struct ordered ordered;
    size_t pending;   /* databases behind */
    size_t conflicts; /* databases whose applied revisions are not those of this executable */
};

/* FAULT_EDITED in *e when the log says of an applied revision what this executable does not. */
static bool find_conflict(const struct visits *v, const struct tenant *t, const struct outcome *o, struct err *e)
{
    BUF_AUTO command = {0};
    buf_addf(&command, "%s %s", v->app->catalogue->program, v->stream->name);
    return !o->err.fault && !history_refuse(v->job.history[o->dialect], &o->findings, command.p, t->id, e);
}

static void add_item(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *o,
                     const struct err *e)
{
    struct json j = {.out = out};
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", t->id);
    json_put_strings(&j, "current", &o->rows);
    json_put_int(&j, "pending", (int64_t)o->pending);
    json_put_bool(&j, "at_head", o->at_head);
    json_key(&j, "findings");
    json_array(&j);
    for (size_t i = 0; i < o->findings.n; i++) {
        const struct history_finding *f = &o->findings.v[i];
        json_object(&j);
        json_put_text(&j, "kind", history_kind_name(f->kind));
        json_put_text(&j, "revision", f->revision ? f->revision->id : NULL);
        json_put_bool(&j, "blocks", history_blocks(f->kind));
        json_end_object(&j);
    }
    json_end_array(&j);
    if (e->fault) {
        json_key(&j, "error");
        json_object(&j);
        output_error_members(&j, e);
        json_end_object(&j);
    }
    json_end_object(&j);
}

static void add_line(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *o, bool conflict)
{
    if (o->err.fault)
        return;
    buf_addf(out, "%s: ", visits_name(v, t->id));
    if (conflict)
        buf_addz(out, "history conflicts at ");
    else if (o->skipped)
        buf_addz(out, "the database does not exist");
    else if (o->at_head || o->ahead)
        buf_addz(out, o->ahead ? "ahead of this executable at " : "up to date at ");
    else
        buf_addf(out, "%zu revision%s pending at ", o->pending, o->pending == 1 ? "" : "s");
    if (!o->skipped)
        format_rows(out, &o->rows);
    buf_addc(out, '\n');
}

static void database_done(struct visits *v, const struct tenant *t, const struct place *where,
                          const struct outcome *outcome)
{
    struct check *c = v->context;
    BUF_AUTO text = {0};
    AUTO_ERR e = {0};
    (void)where;
    bool conflict = find_conflict(v, t, outcome, &e);
    if (conflict && t->id && !e.cut)
        err_context(&e, "tenant %s", t->id);
    if (conflict && !v->app->out.json)
        output_error(&v->app->out, &e, NULL);
    c->conflicts += conflict;
    c->pending += !outcome->err.fault && !outcome->skipped && !outcome->at_head && !outcome->ahead;
    if (v->app->out.json)
        add_item(&text, v, t, outcome, conflict ? &e : &outcome->err);
    else
        add_line(&text, v, t, outcome, conflict);
    ordered_put(&c->ordered, (size_t)(t - v->tenants.v), &text);
}

/* Who was not visited because the ledger knows. */
static void add_known(struct visits *v, struct check *c)
{
    for (size_t i = 0; v->result.states && i < v->tenants.n; i++) {
        BUF_AUTO text = {0};
        struct json j = {.out = &text};
        if (v->result.states[i] != TENANT_KNOWN)
            continue;
        if (!v->app->out.json) {
            buf_addf(&text, "%s: up to date, by the ledger\n", v->tenants.v[i].id);
        } else {
            json_object(&j);
            json_put_text(&j, "stream", v->stream->name);
            json_put_text(&j, "tenant", v->tenants.v[i].id);
            json_put_int(&j, "pending", 0);
            json_put_bool(&j, "at_head", true);
            json_put_bool(&j, "known", true);
            json_end_object(&j);
        }
        ordered_put(&c->ordered, i, &text);
    }
}

static int check_stream(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    struct check c = {0};
    AUTO_ERR e = {0};
    (void)context;
    if (!visits_prepare(app, stream, JOB_READ, &v, &e) || !visits_list(&v, false, &e))
        return visits_fail(&v, &e);
    v.job.read_history = call_has(&app->call, "deep");
    v.asks_ledger = true;
    v.visits_all = v.job.read_history;
    v.each = database_done;
    v.context = &c;
    ordered_init(&c.ordered, &v);
    bool ok = visits_run(&v, &e);
    add_known(&v, &c);
    ordered_free(&c.ordered);
    int status = ok ? visits_status(&v) : app_fail(app, &e);
    if (ok)
        visits_report(&v);
    if (c.pending)
        status = exit_worse(status, EXIT_PENDING);
    if (c.conflicts)
        status = exit_worse(status, EXIT_CONFLICT);
    visits_free(&v);
    return status;
}

static int run_check(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, check_stream, NULL);
    app_answer_items(app, "databases");
    return status;
}

static const char *const check_examples[] = {
    "all check",
    "0: everything is at head, 3: something is pending, 5: history conflicts",
    "tenant check --deep",
    "compare every applied revision with what the log recorded",
    NULL,
};

const struct command command_check = {
    .name = "check",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "exit 3 when revisions are pending, 5 when history conflicts",
    .more = "For readiness probes and CI. Nothing is written, but for rows of migrate_ledger that turn out to be "
            "wrong. With ledger = trust a tenant that migrate_ledger knows is not visited; --deep and --no-ledger "
            "visit everybody.",
    .examples = check_examples,
    .run = run_check,
};
