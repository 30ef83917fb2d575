/*
 * verify: the command. Engine by engine it walks (walk.h), says how far that went, shows what was found, and writes the
 * lock report of what was walked without an error.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gen/check.h"
#include "gen/command.h"
#include "gen/files.h"
#include "gen/fix/text_diff.h"
#include "gen/locks.h"
#include "gen/verify/walk.h"

#define ORDER_STEPS 2000 /* unless --orders says otherwise */

struct verifier {
    struct app *app;
    unsigned dialects;
    uint64_t most;
    struct strings seeds;
    bool check, locks;
    bool differs; /* --check: a lock report is not what was measured */
    struct err *e;
};

/* ---------------------------------------------------------------------------------------------------------- options */

static bool read_dialect(struct verifier *v)
{
    const char *word = call_value(v->app->call, "dialect");
    v->dialects = DIALECTS_ALL;
    for (int d = 0; word && d < DIALECT_COUNT; d++)
        if (strcmp(word, dialect_words[d]) == 0) {
            v->dialects = DIALECT_BIT(d);
            return true;
        }
    return !word || err_set(v->e, FAULT_USAGE, "--dialect is postgresql or sqlite, not \"%s\"", word);
}

static bool read_most(struct verifier *v)
{
    const char *word = call_value(v->app->call, "orders");
    v->most = ORDER_STEPS;
    return !word || str_number(str_from(word), UINT32_MAX, &v->most) ||
           err_set(v->e, FAULT_USAGE, "--orders is a number of steps, not \"%s\"", word);
}

static bool read_seeds(struct verifier *v)
{
    v->seeds = call_values(v->app->arena, v->app->call, "seed");
    for (size_t i = 0; i < v->seeds.n; i++)
        if (access(v->seeds.v[i], R_OK) != 0)
            return err_set(v->e, FAULT_USAGE, "cannot read \"%s\": %s", v->seeds.v[i], strerror(errno));
    return true;
}

static bool read_options(struct verifier *v)
{
    v->check = call_has(v->app->call, "check");
    v->locks = !call_has(v->app->call, "no-locks");
    if (v->check && !v->locks)
        return err_set(v->e, FAULT_USAGE, "--check looks at the lock report, which --no-locks leaves out");
    return read_dialect(v) && read_most(v) && read_seeds(v);
}

/* Rows are for the tables of one stream. */
static bool seeds_have_a_stream(const struct verifier *v)
{
    const struct app *app = v->app;
    if (!v->seeds.n || app->call->stream || app->source.streams.n == 1)
        return true;
    err_set(v->e, FAULT_USAGE, "--seed needs a stream whose tables the rows are for");
    err_hint(v->e, "%s %s verify --seed %s", source_tool(&app->source), app->source.streams.v[0]->name, v->seeds.v[0]);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- the lock report */

static void show_locks(struct verifier *v, const struct source_stream *stream, const char *path, bool changed)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "stream", stream->name);
    json_put_text(&j, "path", path);
    json_put_bool(&j, "changed", changed);
    json_end_object(&j);
    output_object(&v->app->out, &object);
    if (!changed || !v->check)
        output_line(&v->app->out, "%s%s", path, changed ? "" : ": up to date");
}

static void show_diff(struct verifier *v, const char *path, const char *old, const char *now)
{
    BUF_AUTO diff = {0};
    text_diff(&diff, path, old, now);
    if (!v->app->out.json)
        output_raw(&v->app->out, buf_str(&diff));
    v->differs = true;
}

static bool keep_locks(struct verifier *v, const struct source_stream *stream, const struct stream_locks *locks)
{
    const struct text_file *old = &stream->locks_file;
    const char *path = old->path ? old->shown
                                 : arena_printf(v->app->arena, "%s/%s", v->app->folder,
                                                locks_path(v->app->arena, stream->name));
    BUF_AUTO text = {0};
    locks_write(&text, stream, locks);
    bool changed = !old->path || !str_eq(old->bytes, buf_str(&text));
    if (changed && v->check)
        show_diff(v, path, old->path ? arena_str(v->app->arena, old->bytes) : NULL, text.p);
    else if (changed && !file_replace(path, buf_str(&text), v->e))
        return false;
    show_locks(v, stream, path, changed);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- a stream */

static void put_count(struct json *j, const char *key, uint64_t n, bool known)
{
    json_key(j, key);
    if (known && n <= INT64_MAX)
        json_int(j, (int64_t)n);
    else
        json_null(j);
}

static void show_json(struct verifier *v, const struct source_stream *stream, enum dialect dialect,
                      const struct walk_report *r)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "stream", stream->name);
    json_put_text(&j, "dialect", dialect_words[dialect]);
    json_put_text(&j, "engine", r->engine);
    json_put_int(&j, "revisions", r->n_revisions);
    json_put_int(&j, "down", r->n_down);
    json_put_int(&j, "irreversible", r->irreversible);
    put_count(&j, "orders", r->n_orders, r->exact);
    put_count(&j, "states", r->n_states, r->exact);
    put_count(&j, "steps", r->n_edges, r->exact);
    json_put_int(&j, "walked", (int64_t)r->n_walked);
    json_end_object(&j);
    output_object(&v->app->out, &object);
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void show_summary(struct verifier *v, const struct source_stream *stream, enum dialect dialect,
                         const struct walk_report *r)
{
    BUF_AUTO line = {0};
    bool known = r->exact && r->n_orders != UINT64_MAX;
    buf_addf(&line, "%s: %s: %u revision%s up", stream->name, dialect_words[dialect], r->n_revisions,
             plural(r->n_revisions));
    if (r->n_down == r->n_revisions)
        buf_addz(&line, ", down and up again");
    else
        buf_addf(&line, ", %u of them down and up again", r->n_down);
    if (r->irreversible)
        buf_addf(&line, ", %u irreversible", r->irreversible);
    buf_addf(&line, ", %s%llu order%s", known ? "" : "more than ", (unsigned long long)r->n_orders,
             plural(r->n_orders));
    if (r->n_walked)
        buf_addf(&line, " by %llu steps between sets of revisions", (unsigned long long)r->n_walked);
    output_line(&v->app->out, "%s", line.p);
    show_json(v, stream, dialect, r);
}

/* Where PostgreSQL is not installed the other half of a stream can still be walked. */
static void hint_other_engine(struct verifier *v, const struct source_stream *stream)
{
    if (v->e->fault != FAULT_CONFIG || !(stream->dialects & DIALECT_BIT(DIALECT_SQLITE)))
        return;
    const char *hint = v->e->hint ? arena_strdup(v->app->arena, v->e->hint) : NULL;
    err_hint(v->e, "%s%s`%s %s verify --dialect sqlite` looks at the other engine alone", hint ? hint : "",
             hint ? "; " : "", source_tool(&v->app->source), stream->name);
}

static bool verify_one(struct verifier *v, const struct source_stream *stream, enum dialect dialect)
{
    struct app *app = v->app;
    struct findings *all = &app->source.findings;
    struct log log = output_log(&app->out);
    size_t errors = all->n_errors;
    bool measures = v->locks && dialect == DIALECT_POSTGRESQL;
    const struct walk_options options = {
        .stream = stream,
        .dialect = dialect,
        .scratch = call_value(app->call, "scratch"),
        .seeds = v->seeds,
        .most = v->most,
        .trace = measures,
    };
    struct walk_report report;
    if (!walk_stream(app->arena, all, &log, &options, &report, v->e)) {
        if (dialect == DIALECT_POSTGRESQL)
            hint_other_engine(v, stream);
        err_context(v->e, "%s: %s", stream->name, dialect_words[dialect]);
        return false;
    }
    show_summary(v, stream, dialect, &report);
    if (measures && all->n_errors != errors)
        output_line(&app->out, "%s/%s: left as it is, because of the errors", app->folder,
                    locks_path(app->arena, stream->name));
    return !measures || all->n_errors != errors || keep_locks(v, stream, &report.locks);
}

static bool verify_streams(struct verifier *v)
{
    struct source *s = &v->app->source;
    const char *wanted = v->app->call->stream;
    for (size_t i = 0; i < s->streams.n; i++)
        for (int d = 0; d < DIALECT_COUNT; d++) {
            const struct source_stream *stream = s->streams.v[i];
            if (wanted && strcmp(stream->name, wanted) != 0)
                continue;
            if (v->dialects & stream->dialects & DIALECT_BIT(d) && !verify_one(v, stream, (enum dialect)d))
                return false;
        }
    return true;
}

/* ----------------------------------------------------------------------------------------------------------- command */

/* What is beside the revisions does not matter: a stale lock report is what this command mends. */
static bool read_and_check(struct app *app, struct err *e)
{
    struct source *s = &app->source;
    const char *wanted = app->call->stream;
    if (!source_read(s, app->folder, e))
        return false;
    link_streams(s);
    check_postgresql(s);
    check_sqlite(s);
    check_own_tables(s);
    return !wanted || source_find(s, wanted) ||
           err_set(e, FAULT_USAGE, "there is no stream \"%s\" in %s", wanted, app->folder);
}

static void show_end(struct verifier *v)
{
    const struct findings *all = &v->app->source.findings;
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_int(&j, "errors", (int64_t)all->n_errors);
    json_put_int(&j, "warnings", (int64_t)findings_count(all, SEVERITY_WARNING));
    if (v->check)
        json_put_bool(&j, "locks_differ", v->differs);
    json_end_object(&j);
    output_object(&v->app->out, &object);
}

static int run_verify(struct app *app)
{
    AUTO_ERR e = {0};
    struct verifier v = {.app = app, .e = &e};
    struct findings *all = &app->source.findings;
    bool ok = read_options(&v) && read_and_check(app, &e) && seeds_have_a_stream(&v);
    if (ok && !all->n_errors)
        ok = verify_streams(&v);
    if (all->list.n)
        app_show_findings(app, all);
    if (!ok)
        return app_fail(app, &e);
    show_end(&v);
    return all->n_errors ? 1 : v.differs ? 5 : 0;
}

static const char *const verify_examples[] = {
    "verify",
    "every stream, on a PostgreSQL of our own and on SQLite",
    "tenant verify --seed tests/rows.sql",
    "with rows in the tables",
    "tenant verify --scratch postgresql://localhost/postgres --check",
    "in CI: is the lock report of now?",
    NULL,
};

const struct command command_verify = {
    .name = "verify",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_ALONE,
    .help = "run every revision up, down and up again on real databases, and measure locks",
    .more =
        "The schema after down must be the one before up, and the one after the second up that after the first; what "
        "differs is named. Where branches can be applied in several orders, all of them must end alike. PostgreSQL is "
        "--scratch, else a server of our own; SQLite needs nothing.\n\n"
        "What each statement locks, rewrites and scans on PostgreSQL is written to locks.txt of the stream, which is "
        "reviewed and committed with the revisions.",
    .examples = verify_examples,
    .run = run_verify,
};
