/* lint: every finding of every stage, notes too, in the form that the reader wants. */
#include <stdlib.h>
#include <string.h>

#include "gen/command.h"
#include "gen/lint/explain.h"
#include "gen/lint/formats.h"
#include "gen/lint/lint.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_GITHUB, FORMAT_SARIF, FORMAT_COUNT };
static const char *const format_words[] = {"text", "json", "github", "sarif"};

struct request {
    struct app *app;
    struct lint_options options;
    enum format format;
    enum severity fail_on;
};

/* ------------------------------------------------------------------------------------------------------------- asking */

/* The index of the option's word among `words`; `otherwise` when it is not given. */
static bool read_word(const struct call *call, const char *option, const char *const *words, size_t n, size_t otherwise,
                      size_t *out, struct err *e)
{
    const char *word = call_value(call, option);
    BUF_AUTO all = {0};
    *out = otherwise;
    for (size_t i = 0; i < n; i++) {
        buf_addf(&all, "%s%s", i ? ", " : "", words[i]);
        if (word && strcmp(word, words[i]) == 0)
            *out = i;
    }
    if (!word || strcmp(word, words[*out]) == 0)
        return true;
    err_set(e, FAULT_USAGE, "--%s: there is no \"%s\"", option, word);
    err_hint(e, "%s", all.p);
    return false;
}

static bool read_request(struct request *r, struct err *e)
{
    const struct call *call = r->app->call;
    size_t format, fail_on, plain = r->app->out.json ? FORMAT_JSON : FORMAT_TEXT;
    if (!read_word(call, "format", format_words, FORMAT_COUNT, plain, &format, e) ||
        !read_word(call, "fail-on", severity_words, SEVERITY_OFF, SEVERITY_ERROR, &fail_on, e))
        return false;
    if (r->app->out.json && format != FORMAT_JSON)
        return err_set(e, FAULT_USAGE, "--json and --format %s do not go together", format_words[format]);
    r->format = (enum format)format;
    r->fail_on = (enum severity)fail_on;
    r->app->out.json = r->format == FORMAT_JSON;
    r->options.stream = call->stream;
    r->options.since = call_value(call, "since");
    if (!r->options.since || call->stream)
        return true;
    err_set(e, FAULT_USAGE, "--since is a revision of one stream");
    err_hint(e, "%s STREAM lint --since %s", source_tool(&r->app->source), r->options.since);
    return false;
}

static bool find_stream(const struct request *r, struct err *e)
{
    const struct source *s = &r->app->source;
    struct strings names = {0};
    if (!r->options.stream || source_find(s, r->options.stream))
        return true;
    for (size_t i = 0; i < s->streams.n; i++)
        vec_push(r->app->arena, &names, s->streams.v[i]->name);
    const char *near = nearest_word(str_from(r->options.stream), &names);
    err_set(e, FAULT_USAGE, "there is no stream \"%s\" in %s", r->options.stream, r->app->folder);
    if (near)
        err_hint(e, "did you mean \"%s\"?", near);
    return false;
}

/* The revision of the file, however the path was typed. */
static const struct source_revision *find_file(const struct request *r, const char *real)
{
    const struct source *s = &r->app->source;
    for (size_t i = 0; i < s->streams.n; i++) {
        const struct source_stream *stream = s->streams.v[i];
        if (r->options.stream && strcmp(r->options.stream, stream->name) != 0)
            continue;
        for (size_t k = 0; k < stream->revisions.n; k++) {
            char *path = realpath(stream->revisions.v[k]->file.shown, NULL);
            bool same = path && strcmp(path, real) == 0;
            free(path);
            if (same)
                return stream->revisions.v[k];
        }
    }
    return NULL;
}

static bool take_file(struct request *r, const char *operand, struct err *e)
{
    char *real = realpath(operand, NULL);
    const struct source_revision *revision = real ? find_file(r, real) : NULL;
    if (!real)
        err_set(e, FAULT_USAGE, "there is no file \"%s\"", operand);
    else if (!revision)
        err_set(e, FAULT_USAGE, "\"%s\" is no revision of %s%s", operand,
                r->options.stream ? "the stream " : "any stream in ",
                r->options.stream ? r->options.stream : r->app->folder);
    free(real);
    if (revision)
        vec_push(r->app->arena, &r->options.paths, revision->file.shown);
    else
        err_hint(e, "a revision is a file STREAM/versions/….sql in the migrations folder, which --migrations names");
    return revision != NULL;
}

static bool take_files(struct request *r, struct err *e)
{
    for (size_t i = 0; i < r->app->call->operands.n; i++)
        if (!take_file(r, r->app->call->operands.v[i], e))
            return false;
    return true;
}

/* --------------------------------------------------------------------------------------------------- what was asked for */

static bool is_revision_of(const struct source_stream *stream, const struct strings *paths)
{
    for (size_t i = 0; i < stream->revisions.n; i++)
        if (strings_has(paths, stream->revisions.v[i]->file.shown))
            return true;
    return false;
}

/* Whether it is looked at: the one that was named, or that of a file that was named. */
static bool is_asked_for(const struct request *r, const struct source_stream *stream)
{
    return (!r->options.stream || strcmp(r->options.stream, stream->name) == 0) &&
           (!r->options.paths.n || is_revision_of(stream, &r->options.paths));
}

/* The stream in whose folder the path is; NULL: none. */
static const struct source_stream *stream_of(const struct source *s, const char *path)
{
    for (size_t i = 0; i < s->streams.n; i++) {
        struct str folder = str_from(s->streams.v[i]->ini.shown);
        folder.n -= strlen("env.ini");
        if (str_starts(str_from(path), folder))
            return s->streams.v[i];
    }
    return NULL;
}

/* Where a stream's graph is broken lint has not looked at it: that is said with any of its files. */
static bool is_in_scope(const void *with, const struct finding *found)
{
    const struct request *r = with;
    const struct source_stream *stream = stream_of(&r->app->source, found->err.path);
    if (!stream)
        return !found->err.path || (!r->options.stream && !r->options.paths.n);
    if (!is_asked_for(r, stream))
        return false;
    return !r->options.paths.n || strings_has(&r->options.paths, found->err.path) ||
           (!stream->linked && found->severity == SEVERITY_ERROR);
}

static bool look(struct request *r, struct err *e)
{
    struct app *app = r->app;
    if (!app_check(app, e) || !find_stream(r, e) || !take_files(r, e) || !lint_sources(&app->source, &r->options, e))
        return false;
    findings_keep(&app->source.findings, is_in_scope, r);
    findings_sort(&app->source.findings);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- answering */

struct scope {
    size_t streams, revisions;
};

static struct scope count_scope(const struct request *r)
{
    const struct source *s = &r->app->source;
    struct scope n = {0};
    for (size_t i = 0; i < s->streams.n; i++)
        if (is_asked_for(r, s->streams.v[i])) {
            n.streams++;
            n.revisions += s->streams.v[i]->revisions.n;
        }
    if (r->options.paths.n)
        n.revisions = r->options.paths.n;
    return n;
}

static bool is_loud(const void *with, const struct finding *found)
{
    (void)with;
    return found->severity != SEVERITY_NOTE;
}

static void show_text(struct request *r)
{
    struct app *app = r->app;
    struct findings *all = &app->source.findings;
    BUF_AUTO text = {0};
    if (app->out.quiet)
        findings_keep(all, is_loud, NULL);
    findings_format(&text, all);
    output_raw(&app->out, buf_str(&text));
}

static void add_count(struct buf *out, size_t n, const char *word)
{
    buf_addf(out, "%s%zu %s%s", out->n ? ", " : "", n, word, n == 1 ? "" : "s");
}

static void show_summary(const struct request *r)
{
    struct app *app = r->app;
    const struct findings *all = &app->source.findings;
    struct scope n = count_scope(r);
    size_t warnings = findings_count(all, SEVERITY_WARNING), notes = findings_count(all, SEVERITY_NOTE);
    BUF_AUTO object = {0}, text = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_int(&j, "errors", (int64_t)all->n_errors);
    json_put_int(&j, "warnings", (int64_t)warnings);
    json_put_int(&j, "notes", (int64_t)notes);
    json_put_int(&j, "revisions", (int64_t)n.revisions);
    json_put_int(&j, "streams", (int64_t)n.streams);
    json_end_object(&j);
    output_object(&app->out, &object);
    if (app->out.json)
        return;
    add_count(&text, all->n_errors, "error");
    add_count(&text, warnings, "warning");
    add_count(&text, notes, "note");
    output_talk(&app->out, TALK_NOTE, "%zu revision%s: %s", n.revisions, n.revisions == 1 ? "" : "s", text.p);
}

/* Whether a finding is as bad as --fail-on says, or worse. */
static bool has_failed(const struct request *r)
{
    const struct findings *all = &r->app->source.findings;
    for (size_t i = 0; i < all->list.n; i++)
        if (all->list.v[i].severity <= r->fail_on)
            return true;
    return false;
}

static void show(struct request *r)
{
    struct app *app = r->app;
    BUF_AUTO text = {0};
    if (r->format == FORMAT_TEXT)
        show_text(r);
    else if (r->format == FORMAT_JSON)
        app_show_findings(app, &app->source.findings);
    else if (r->format == FORMAT_GITHUB)
        format_github(&text, &app->source.findings);
    else
        format_sarif(&text, &app->source.findings, MIGRATE_VERSION);
    output_raw(&app->out, buf_str(&text));
    show_summary(r);
}

/* ---------------------------------------------------------------------------------------------------------- explaining */

static bool explain_named(struct app *app, const char *id, struct buf *out, struct err *e)
{
    const struct lint_rule *rule = lint_rule_find(str_from(id));
    struct strings ids = {0};
    if (rule) {
        buf_addz(out, out->n ? "\n" : "");
        explain_rule(out, rule);
        return true;
    }
    lint_rule_ids(app->arena, &ids);
    const char *near = nearest_word(str_from(id), &ids);
    err_set(e, FAULT_USAGE, "there is no rule \"%s\"", id);
    if (near)
        err_hint(e, "did you mean \"%s\"?", near);
    else
        err_hint(e, "`%s lint --explain` lists every rule", source_tool(&app->source));
    return false;
}

static void show_rules_json(struct app *app, const struct strings *ids)
{
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++) {
            const struct lint_rule *rule = &lint_all_rules[i]->v[k];
            BUF_AUTO object = {0};
            if (ids->n && !strings_has(ids, rule->id))
                continue;
            explain_json(&object, rule);
            output_object(&app->out, &object);
        }
}

/* --explain=RULE and --explain RULE alike. */
static int explain(struct app *app)
{
    struct strings ids = call_values(app->arena, app->call, "explain");
    BUF_AUTO text = {0};
    AUTO_ERR e = {0};
    for (size_t i = 0; i < app->call->operands.n; i++)
        vec_push(app->arena, &ids, app->call->operands.v[i]);
    for (size_t i = 0; i < ids.n; i++)
        if (!explain_named(app, ids.v[i], &text, &e))
            return app_fail(app, &e);
    if (!ids.n)
        explain_rules(&text);
    if (app->out.json)
        show_rules_json(app, &ids);
    else
        output_raw(&app->out, buf_str(&text));
    return 0;
}

static int run_lint(struct app *app)
{
    struct request r = {.app = app};
    AUTO_ERR e = {0};
    if (call_has(app->call, "explain"))
        return explain(app);
    if (!read_request(&r, &e) || !look(&r, &e))
        return app_fail(app, &e);
    bool failed = has_failed(&r);
    show(&r);
    return failed ? 1 : 0;
}

static const char *const lint_examples[] = {
    "lint",
    "what is wrong, or would hurt, in every stream",
    "tenant lint --since 5f1c0a2b9e77",
    "only what came after that revision",
    "lint migrations/tenant/versions/5f1c0a2b9e77_add_documents.sql",
    "one file",
    "lint --explain idx-not-concurrent",
    "why a rule is there, and what to write instead",
    "lint --format sarif --fail-on warning >lint.sarif",
    "for a CI that shows it beside the lines",
    NULL,
};

const struct command command_lint = {
    .name = "lint",
    .operands = "[FILE…]",
    .most = -1,
    .flags = COMMAND_ALONE | COMMAND_STREAM,
    .help = "say what would lock, rewrite, lose data or break the old application",
    .more =
        "Everything that check refuses, and what would run and still hurt. Nothing is connected to. A finding that is right "
        "where it is takes a comment at its statement: -- lint:allow RULE why it is right here. Severities are set for each "
        "stream, in the group [lint] of its env.ini: drop-column = error.\n\n"
        "compile and check say the same without notes.",
    .examples = lint_examples,
    .run = run_lint,
};
