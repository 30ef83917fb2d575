/*
 * fingerprint: builds what the revisions of a stream lead to, on a scratch database, and writes its fingerprint beside
 * them. The text is a function of the revisions and of the server's major version, so a file that is up to date is left
 * alone; another major version is asked only where there is none of the one that the file was made with.
 */
#include <string.h>

#include "gen/check.h"
#include "gen/command.h"
#include "gen/endpoint.h"
#include "gen/files.h"
#include "gen/fingerprint.h"

struct fingerprinter {
    struct app *app;
    const struct source_stream *stream;
    enum dialect dialect;
    const char *scratch;
    const char *path; /* as a person would open it */
    struct scope scope;
    struct policy policy;
    bool follows; /* a revision was what was asked for */
    struct err *e;
};

/* ------------------------------------------------------------------------------------------------------------ making */

/* The major version that the file of now was made with; 0: it does not say. */
static int major_of_file(const struct fingerprinter *f)
{
    const struct text_file *file = &f->stream->fingerprints[f->dialect];
    struct fingerprint made = {0};
    struct fingerprint_flaw flaw;
    if (file->path)
        fingerprint_parse(f->app->arena, file->bytes, &made, &flaw);
    return (int)made.major;
}

static bool open_bench(const struct fingerprinter *f, struct bench **out)
{
    struct bench_options options = {
        .dialect = f->dialect,
        .scratch = f->scratch,
        .major = f->scratch ? 0 : major_of_file(f),
        .scope = f->scope,
        .stream = f->stream->name,
        .tenant = f->stream->kind == STREAM_FLEET ? "fingerprint" : NULL,
    };
    if (bench_open(out, &options, f->e))
        return true;
    if (!options.major || f->e->fault != FAULT_CONFIG)
        return false;
    int major = options.major;
    options.major = 0;
    err_free(f->e);
    if (!bench_open(out, &options, f->e))
        return false;
    output_talk(&f->app->out, TALK_WARNING,
                "%s was made with PostgreSQL %d, which is not here; what another version prints differently shows in "
                "its diff",
                f->path, major);
    return true;
}

static bool build(const struct fingerprinter *f, struct bench *bench, struct fingerprint *out)
{
    struct arena *a = f->app->arena;
    struct endpoint heads;
    struct snapshot built;
    if (!endpoint_of_revisions(a, f->stream->linked, "heads", &heads, f->e))
        return false;
    heads.dialect = f->dialect;
    heads.scope = f->scope;
    if (!endpoint_build(a, &heads, bench, NULL, true, &f->app->source.findings, &built, f->e))
        return false;
    fingerprint_of(a, built.shown, f->dialect, &f->policy, out);
    out->ignored = f->scope.ignored;
    fingerprint_revisions(a, f->stream->linked, f->dialect, out->revisions, &out->heads);
    return true;
}

/* ----------------------------------------------------------------------------------------------------------- writing */

static void show(const struct fingerprinter *f, size_t objects, bool changed)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    if (f->follows) {
        output_talk(&f->app->out, TALK_NOTE, "%s follows", f->path);
        return;
    }
    json_object(&j);
    json_put_text(&j, "stream", f->stream->name);
    json_put_text(&j, "dialect", dialect_words[f->dialect]);
    json_put_text(&j, "path", f->path);
    json_put_int(&j, "objects", (int64_t)objects);
    json_put_bool(&j, "changed", changed);
    json_end_object(&j);
    output_object(&f->app->out, &object);
    output_line(&f->app->out, "%s%s", f->path, changed ? "" : ": up to date");
}

static bool make_one(struct fingerprinter *f)
{
    const struct text_file *old = &f->stream->fingerprints[f->dialect];
    struct bench *bench = NULL;
    struct fingerprint made;
    BUF_AUTO text = {0};
    const char *relative = fingerprint_path(f->app->arena, f->stream->name, f->dialect);
    f->scope = (struct scope){.version_table = version_table_of(f->stream)};
    fingerprint_settings(f->app->arena, f->stream, &f->policy, &f->scope.ignored);
    f->path = old->path ? old->shown : arena_printf(f->app->arena, "%s/%s", f->app->folder, relative);
    bool ok = open_bench(f, &bench) && build(f, bench, &made);
    bench_close(bench);
    if (!ok) {
        err_context(f->e, "%s", f->path);
        return false;
    }
    fingerprint_write(&text, &made);
    bool changed = !old->path || !str_eq(old->bytes, buf_str(&text));
    if (changed && !file_replace(f->path, buf_str(&text), f->e))
        return false;
    show(f, made.n, changed);
    return true;
}

static bool make_all(struct app *app, const struct source_stream *stream, unsigned dialects, const char *scratch,
                     bool follows, struct err *e)
{
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
        struct fingerprinter f = {.app = app,
                                  .stream = stream,
                                  .dialect = (enum dialect)dialect,
                                  .scratch = scratch,
                                  .follows = follows,
                                  .e = e};
        if (dialects & stream->dialects & DIALECT_BIT(dialect) && !make_one(&f))
            return false;
    }
    return true;
}

bool fingerprints_follow(struct app *app, const char *stream_name, const char *scratch, struct err *e)
{
    struct source s = {.arena = app->arena, .tool = app->source.tool};
    unsigned dialects = 0;
    if (!source_read(&s, app->folder, e))
        return false;
    const struct source_stream *stream = source_find(&s, stream_name);
    for (int d = 0; stream && d < DIALECT_COUNT; d++)
        dialects |= stream->fingerprints[d].path ? DIALECT_BIT(d) : 0;
    if (dialects)
        link_streams(&s);
    bool ok = !dialects || !stream->linked || make_all(app, stream, dialects, scratch, true, e);
    findings_free(&s.findings);
    return ok;
}

/* ----------------------------------------------------------------------------------------------------------- command */

static bool read_dialects(const struct app *app, unsigned *out, struct err *e)
{
    const char *word = call_value(app->call, "dialect");
    *out = DIALECTS_ALL;
    for (int d = 0; word && d < DIALECT_COUNT; d++)
        if (strcmp(word, dialect_words[d]) == 0) {
            *out = DIALECT_BIT(d);
            return true;
        }
    return !word || err_set(e, FAULT_USAGE, "unknown dialect \"%s\"", word);
}

static bool fingerprint_streams(struct app *app, struct err *e)
{
    struct source *s = &app->source;
    const char *wanted = app->call->stream;
    unsigned dialects;
    if (!read_dialects(app, &dialects, e) || !source_read(s, app->folder, e))
        return false;
    link_streams(s);
    if (wanted && !source_find(s, wanted))
        return err_set(e, FAULT_USAGE, "there is no stream \"%s\" in %s", wanted, app->folder);
    if (s->findings.n_errors) {
        app_show_findings(app, &s->findings);
        return err_set(e, FAULT_FAILED, "what has errors builds no schema");
    }
    for (size_t i = 0; i < s->streams.n; i++)
        if (!wanted || strcmp(s->streams.v[i]->name, wanted) == 0)
            if (!make_all(app, s->streams.v[i], dialects, call_value(app->call, "scratch"), false, e))
                return false;
    return true;
}

static int run_fingerprint(struct app *app)
{
    AUTO_ERR e = {0};
    return fingerprint_streams(app, &e) ? 0 : app_fail(app, &e);
}

static const char *const fingerprint_examples[] = {
    "tenant fingerprint",
    "migrations/tenant/fingerprint.postgresql and .sqlite",
    "fingerprint --dialect sqlite",
    "of every stream, where there is no PostgreSQL",
    NULL,
};

const struct command command_fingerprint = {
    .name = "fingerprint",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_ALONE,
    .help = "write what the revisions build as a fingerprint, for drift",
    .more =
        "The revisions are run on a scratch database: --scratch, else a PostgreSQL of our own where its binaries are "
        "installed; SQLite needs nothing. A line stands for an object, so the diff of the file shows what revisions "
        "touch. The build embeds the files and refuses those of other revisions; the executable's `drift` holds live "
        "databases against them.",
    .examples = fingerprint_examples,
    .run = run_fingerprint,
};
