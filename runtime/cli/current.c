/* current: the revisions that stand in the version table, with what dependencies imply. */
#include "cli/format.h"
#include "cli/visits.h"

struct current {
    struct ordered ordered;
    bool check_heads;
    size_t behind;
};

static void add_item(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *outcome,
                     const struct revlist *all)
{
    struct json j = {.out = out};
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    json_put_text(&j, "tenant", t->id);
    json_put_strings(&j, "current", &outcome->rows);
    json_key(&j, "all_current");
    json_array(&j);
    for (size_t i = 0; i < all->n; i++)
        json_text(&j, graph_revision(v->graph, all->v[i])->id);
    json_end_array(&j);
    json_put_bool(&j, "at_head", outcome->at_head);
    if (outcome->err.fault) {
        json_key(&j, "error");
        json_object(&j);
        output_error_members(&j, &outcome->err);
        json_end_object(&j);
    }
    json_end_object(&j);
}

/* Rows of a later executable. How many there are. */
static size_t add_unknown(struct buf *out, const struct visits *v, const struct tenant *t,
                          const struct outcome *outcome)
{
    size_t n = 0;
    for (size_t i = 0; i < outcome->rows.n; i++) {
        if (graph_find(v->graph, str_from(outcome->rows.v[i])) != REVISION_NONE)
            continue;
        if (t->id && v->app->out.verbosity <= 0)
            buf_addf(out, "%s: ", t->id);
        buf_addf(out, "%s (ahead of this executable)\n", outcome->rows.v[i]);
        n++;
    }
    return n;
}

static void add_lines(struct buf *out, struct visits *v, const struct tenant *t, const struct outcome *outcome,
                      const struct place *where, const struct revlist *all)
{
    bool verbose = v->app->out.verbosity > 0;
    if (outcome->err.fault || !outcome->has_state)
        return;
    if (verbose) {
        buf_addz(out, "Current revision(s) for ");
        address_show(out, &where->address);
        buf_addz(out, ":\n");
    }
    size_t unknown = add_unknown(out, v, t, outcome);
    if (!all->n && !unknown && t->id && !verbose)
        buf_addf(out, "%s: <base>\n", t->id);
    for (size_t i = 0; i < all->n; i++) {
        if (t->id && !verbose)
            buf_addf(out, "%s: ", t->id);
        if (verbose) {
            format_entry(out, v->graph, all->v[i], 0);
        } else {
            format_revision(out, v->graph, all->v[i], FORMAT_TREE);
            buf_addc(out, '\n');
        }
    }
}

static void database_done(struct visits *v, const struct tenant *t, const struct place *where,
                          const struct outcome *outcome)
{
    ARENA_AUTO arena = {0};
    struct current *c = v->context;
    struct revlist all = format_all_current(&arena, v->graph, &outcome->rows);
    BUF_AUTO text = {0};
    c->behind += !outcome->err.fault && outcome->has_state && !outcome->at_head && !outcome->ahead;
    if (v->app->out.json)
        add_item(&text, v, t, outcome, &all);
    else
        add_lines(&text, v, t, outcome, where, &all);
    ordered_put(&c->ordered, (size_t)(t - v->tenants.v), &text);
}

static int current_of(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    struct current c = {.check_heads = call_has(&app->call, "check-heads")};
    AUTO_ERR e = {0};
    (void)context;
    if (!visits_prepare(app, stream, JOB_READ, &v, &e) || !visits_list(&v, false, &e))
        return visits_fail(&v, &e);
    if (app_is_all(app))
        output_line(&app->out, "%s:", stream->name);
    v.each = database_done;
    v.context = &c;
    ordered_init(&c.ordered, &v);
    bool ok = visits_run(&v, &e);
    ordered_free(&c.ordered);
    int status = ok ? visits_status(&v) : app_fail(app, &e);
    if (ok)
        visits_report(&v);
    if (ok && c.check_heads && c.behind) {
        output_talk(&app->out, TALK_ERROR, "Database is not on all head revisions");
        status = exit_worse(status, EXIT_PENDING);
    }
    visits_free(&v);
    return status;
}

static int run_current(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, current_of, NULL);
    app_answer_items(app, "databases");
    return status;
}

static const char *const current_examples[] = {
    "shared current",
    "the revisions of a single database",
    "tenant current --tenant acme -v",
    "those of one tenant, in full",
    "tenant current -c",
    "exit 3 unless every tenant is at head",
    NULL,
};

const struct command command_current = {
    .name = "current",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "show which revisions a database has",
    .examples = current_examples,
    .run = run_current,
};
