/* compile: from the folder of migrations to C. check: the same without writing anything. */
#include <unistd.h>

#include "gen/autogenerate_command.h"
#include "gen/check.h"
#include "gen/command.h"
#include "gen/lint/lint.h"

static size_t count_revisions(const struct source *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->streams.n; i++)
        n += s->streams.v[i]->revisions.n;
    return n;
}

/* Where the build usually leaves what it remembers: who only looks need not run again what passed there. */
static const char USUAL_MEMORY[] = "build/gen/sqlite.checked";

/* The graph first: SQLite runs each revision on exactly its ancestors. */
bool app_check(struct app *app, struct err *e)
{
    struct source *s = &app->source;
    if (!s->checked && access(USUAL_MEMORY, R_OK) == 0) {
        s->checked = USUAL_MEMORY;
        s->only_reads = true;
    }
    if (!source_read(s, app->folder, e))
        return false;
    link_streams(s);
    check_postgresql(s);
    check_sqlite(s);
    check_own_tables(s);
    check_locks(s);
    check_fingerprints(s);
    return true;
}

/* A build is no place for advice; `lint` gives it. */
static bool is_no_note(const void *with, const struct finding *found)
{
    (void)with;
    return found->severity != SEVERITY_NOTE;
}

static bool read_and_check(struct app *app, const char *program, struct err *e)
{
    struct lint_options lint = {0};
    app->source.program = program;
    if (!app_check(app, e) || !lint_sources(&app->source, &lint, e))
        return false;
    findings_keep(&app->source.findings, is_no_note, NULL);
    app_show_findings(app, &app->source.findings);
    return true;
}

static void show_summary(struct app *app)
{
    const struct findings *all = &app->source.findings;
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_int(&j, "errors", (int64_t)all->n_errors);
    json_put_int(&j, "warnings", (int64_t)findings_count(all, SEVERITY_WARNING));
    json_put_int(&j, "streams", (int64_t)app->source.streams.n);
    json_put_int(&j, "revisions", (int64_t)count_revisions(&app->source));
    json_end_object(&j);
    output_object(&app->out, &object);
}

static int run_compile(struct app *app)
{
    AUTO_ERR e = {0};
    const char *program = call_value(app->call, "program"), *output = call_value(app->call, "output");
    struct emit_options emit = {.output = output ? output : "build/gen",
                                .program = program ? program : "profile-migrate",
                                .version = MIGRATE_VERSION};
    app->source.checked = arena_printf(app->arena, "%s/sqlite.checked", emit.output);
    if (!read_and_check(app, emit.program, &e))
        return app_fail(app, &e);
    if (!app->source.findings.n_errors && !emit_sources(&app->source, &emit, &e))
        return app_fail(app, &e);
    show_summary(app);
    return app->source.findings.n_errors ? 1 : 0;
}

static int run_check(struct app *app)
{
    AUTO_ERR e = {0};
    if (app->call->stream)
        return autogenerate_check(app);
    if (!read_and_check(app, NULL, &e))
        return app_fail(app, &e);
    show_summary(app);
    size_t revisions = count_revisions(&app->source), streams = app->source.streams.n;
    if (!app->source.findings.n_errors)
        output_talk(&app->out, TALK_NOTE, "%zu revision%s in %zu stream%s, no errors", revisions,
                    revisions == 1 ? "" : "s", streams, streams == 1 ? "" : "s");
    return app->source.findings.n_errors ? 1 : 0;
}

static const char *const compile_examples[] = {
    "compile --migrations migrations --output build/gen",
    "what make calls",
    NULL,
};

const struct command command_compile = {
    .name = "compile",
    .operands = "",
    .flags = COMMAND_ALONE,
    .help = "check every revision and write C",
    .examples = compile_examples,
    .run = run_compile,
};

static const char *const check_examples[] = {
    "check",
    "every finding of every stream",
    "tenant check",
    "do the revisions build what schema.sql says?",
    "tenant check --against postgresql://localhost/acme",
    "and is a database like that too?",
    NULL,
};

const struct command command_check = {
    .name = "check",
    .operands = "",
    .flags = COMMAND_ALONE | COMMAND_STREAM,
    .help = "check every revision and write nothing; of a stream: do its models and revisions agree?",
    .more =
        "With a stream, its models (schema.sql, or what schema_command prints) are compared with what its revisions build "
        "on a scratch database, for each dialect; with --against a database, too. What differs is listed, and the exit "
        "code is 5.",
    .examples = check_examples,
    .run = run_check,
};
