/*
 * fix: findings of lint rewritten into their safe form, as new revisions. The result is made in a folder of its own, built
 * and linted there, and shown as a diff; the real folder is touched only with --write, and only when the result is right.
 */
#include <string.h>

#include "gen/check.h"
#include "gen/command.h"
#include "gen/fingerprint.h"
#include "gen/fix/overlay.h"
#include "gen/fix/plan.h"
#include "gen/fix/text_diff.h"
#include "gen/lint/lint.h"
#include "gen/lint/rules.h"

struct fixer {
    struct app *app;
    struct arena *a;
    struct overlay overlay;
    VEC(struct rewrite) rewrites; /* by revision, then statement */
    size_t left;                  /* findings that stay */
    struct err *e;
};

static const struct source_stream *stream_of(const struct source *s, const struct source_revision *r)
{
    for (size_t i = 0; i < s->streams.n; i++)
        for (size_t k = 0; k < s->streams.v[i]->revisions.n; k++)
            if (s->streams.v[i]->revisions.v[k] == r)
                return s->streams.v[i];
    return NULL;
}

/* Read, linked, checked and linted; false: it cannot be built. */
static bool look(struct fixer *f, struct source *s, const char *folder)
{
    struct lint_options options = {.stream = f->app->call->stream};
    if (!source_read(s, folder, f->e))
        return false;
    link_streams(s);
    check_postgresql(s);
    check_sqlite(s);
    check_own_tables(s);
    return s->findings.n_errors == 0 ? lint_sources(s, &options, f->e) : true;
}

/* ---- what to rewrite ---- */

static bool is_asked_for(const struct fixer *f, const struct finding *found)
{
    struct strings rules = call_values(f->a, f->app->call, "rule");
    const struct strings *operands = &f->app->call->operands;
    const struct source_revision *r = found->place.revision;
    if (rules.n && !strings_has(&rules, found->rule))
        return false;
    bool any = operands->n == 0;
    for (size_t i = 0; i < operands->n; i++) {
        struct str word = str_from(operands->v[i]);
        any = any || str_is(word, r->file.shown) || str_is(word, r->id.text) ||
              (word.n >= 4 && str_starts(str_from(r->id.text), word));
    }
    return any;
}

static bool is_taken(const struct fixer *f, const struct finding *found)
{
    for (size_t i = 0; i < f->rewrites.n; i++)
        if (f->rewrites.v[i].revision == found->place.revision && f->rewrites.v[i].section == found->place.section &&
            f->rewrites.v[i].statement == found->place.statement)
            return true;
    return false;
}

static void show_finding(struct fixer *f, const struct finding *found, const char *why)
{
    const struct err *e = &found->err;
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "rule", found->rule);
    json_put_text(&j, "path", e->path);
    json_put_int(&j, "line", e->line);
    json_put_bool(&j, "rewritten", !why);
    if (why)
        json_put_text(&j, "reason", why);
    json_end_object(&j);
    output_object(&f->app->out, &object);
    output_talk(&f->app->out, why ? TALK_WARNING : TALK_NOTE, "%s:%d: %s: %s%s", e->path, e->line, found->rule,
                why ? "left as it is: " : "rewritten", why ? why : "");
}

static void take_finding(struct fixer *f, const struct finding *found)
{
    struct rewrite w;
    const char *why = NULL;
    if (!found->place.revision || found->place.dialect != DIALECT_POSTGRESQL || !rewrite_knows(found->rule) ||
        !is_asked_for(f, found) || is_taken(f, found))
        return;
    if (rewrite_make(f->a, found, &w, &why))
        vec_push(f->a, &f->rewrites, w);
    else
        f->left++;
    show_finding(f, found, why);
}

static bool check_operands(const struct fixer *f)
{
    struct strings rules = call_values(f->a, f->app->call, "rule");
    for (size_t i = 0; i < rules.n; i++) {
        if (rewrite_knows(rules.v[i]))
            continue;
        bool known = lint_rule_find(str_from(rules.v[i])) != NULL;
        err_set(f->e, FAULT_USAGE, known ? "findings of %s are rewritten by hand" : "there is no rule \"%s\"",
                rules.v[i]);
        err_hint(f->e, "`%s lint --explain%s%s` says %s", source_tool(&f->app->source), known ? " " : "",
                 known ? rules.v[i] : "", known ? "how" : "which there are");
        return false;
    }
    return true;
}

static bool find_rewrites(struct fixer *f)
{
    struct source *s = &f->app->source;
    if (!check_operands(f) || !look(f, s, f->app->folder))
        return false;
    const char *stream = f->app->call->stream;
    if (stream && !source_find(s, stream))
        return err_set(f->e, FAULT_USAGE, "there is no stream \"%s\" in %s", stream, f->app->folder);
    if (s->findings.n_errors) {
        app_show_findings(f->app, &s->findings);
        return err_set(f->e, FAULT_FAILED, "what has errors is not rewritten");
    }
    findings_sort(&s->findings);
    for (size_t i = 0; i < s->findings.list.n; i++)
        take_finding(f, &s->findings.list.v[i]);
    return true;
}

/* ---- the folder as it would be ---- */

/* A revision behind `parent`, which need not be a head. */
static bool add_revision(struct fixer *f, const char *stream_name, const struct fix_revision *what, const char *parent)
{
    struct source s = {.arena = f->a, .tool = f->app->source.tool};
    const struct source_stream *stream;
    const char *path;
    struct scaffold scaffold = {.message = what->message,
                                .splice = true,
                                .id = what->id,
                                .sections = what->sections,
                                .n_sections = what->n_sections};
    vec_push(f->a, &scaffold.parents, parent);
    bool ok = scaffold_open(&s, f->overlay.folder, stream_name, &stream, f->e) &&
              scaffold_write(&s, stream, &scaffold, &path, NULL, f->e);
    findings_free(&s.findings);
    return ok;
}

/* The text of a revision's file with another parent where the old one stands. */
static const char *with_parent(struct fixer *f, const struct source_revision *r, const char *old, const char *now)
{
    BUF_AUTO out = {0};
    size_t at = 0;
    for (size_t i = 0; i < r->revises.n; i++) {
        const struct word *w = &r->revises.v[i];
        if (strcmp(w->text, old) != 0)
            continue;
        buf_adds(&out, str_slice(r->file.bytes, at, w->offset));
        buf_addz(&out, now);
        at = w->offset + strlen(w->text);
    }
    if (!at)
        return NULL;
    buf_adds(&out, str_slice(r->file.bytes, at, r->file.bytes.n));
    return arena_str(f->a, buf_str(&out));
}

/* Who built on the revision builds on the last that follows it now. */
static bool move_children(struct fixer *f, const char *stream_name, const char *id, const struct fix_plan *plan)
{
    struct source s = {.arena = f->a};
    bool ok = source_read(&s, f->overlay.folder, f->e);
    const struct source_stream *stream = ok ? source_find(&s, stream_name) : NULL;
    const char *first = plan->after.v[0].id, *last = plan->after.v[plan->after.n - 1].id;
    for (size_t i = 0; ok && stream && i < stream->revisions.n; i++) {
        const struct source_revision *r = stream->revisions.v[i];
        if (!r->id.text || strcmp(r->id.text, first) == 0)
            continue;
        const char *text = with_parent(f, r, id, last);
        ok = !text || overlay_change(&f->overlay, r->file.path, text, f->e);
    }
    findings_free(&s.findings);
    return ok;
}

static bool apply(struct fixer *f, size_t from, size_t to)
{
    const struct source_revision *r = f->rewrites.v[from].revision;
    const struct source_stream *stream = stream_of(&f->app->source, r);
    struct fix_plan plan;
    const char *parent = r->id.text;
    fix_plan_make(f->a, stream, &f->rewrites.v[from], to - from, &plan);
    if (!overlay_change(&f->overlay, r->file.path, plan.text, f->e))
        return false;
    for (size_t i = 0; i < plan.after.n; i++) {
        if (!add_revision(f, stream->name, &plan.after.v[i], parent))
            return false;
        parent = plan.after.v[i].id;
    }
    return !plan.after.n || move_children(f, stream->name, r->id.text, &plan);
}

/* The result must build, and what was rewritten must be found no more. */
static bool check_result(struct fixer *f)
{
    struct source s = {.arena = f->a, .tool = f->app->source.tool};
    bool ok = look(f, &s, f->overlay.folder);
    findings_sort(&s.findings);
    for (size_t i = 0; ok && i < s.findings.list.n; i++) {
        struct finding *found = &s.findings.list.v[i];
        if (found->severity != SEVERITY_ERROR)
            continue;
        ok = err_set(f->e, FAULT_FAILED, "the result would not build: %s", found->err.message);
        err_detail(f->e, "%s", found->err.path ? found->err.path : "");
        err_hint(f->e, "--rule or a revision's id leaves others out; nothing was written");
    }
    findings_free(&s.findings);
    return ok;
}

static bool apply_revision(struct fixer *f, const struct source_revision *r)
{
    size_t from = 0, to;
    while (from < f->rewrites.n && f->rewrites.v[from].revision != r)
        from++;
    for (to = from; to < f->rewrites.n && f->rewrites.v[to].revision == r; to++)
        ;
    return from == to || apply(f, from, to);
}

/* Children first: a revision's text is made of the file as it was, and its parents may change its header after that only. */
static bool make_result(struct fixer *f, struct overlay_files *files)
{
    const struct source *s = &f->app->source;
    if (!overlay_open(&f->overlay, f->a, f->app->folder, f->e))
        return false;
    for (size_t i = 0; i < s->streams.n; i++)
        for (size_t k = s->streams.v[i]->revisions.n; k-- > 0;)
            if (!apply_revision(f, s->streams.v[i]->revisions.v[k]))
                return false;
    return check_result(f) && overlay_files(&f->overlay, files, f->e);
}

/* ---- the answer ---- */

static void show(struct fixer *f, const struct overlay_files *files, bool written)
{
    BUF_AUTO diff = {0};
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    for (size_t i = 0; i < files->n; i++) {
        const struct overlay_file *file = &files->v[i];
        text_diff(&diff, arena_printf(f->a, "%s/%s", f->app->folder, file->path), file->old, file->now);
    }
    if (!f->app->out.json)
        output_raw(&f->app->out, buf_str(&diff));
    json_object(&j);
    json_put_bool(&j, "written", written);
    json_put_int(&j, "rewritten", (int64_t)f->rewrites.n);
    json_put_int(&j, "left", (int64_t)f->left);
    json_put_text(&j, "diff", diff.p ? diff.p : "");
    json_end_object(&j);
    output_object(&f->app->out, &object);
}

/* The files that say what revisions build are of other revisions now. */
static void follow(struct fixer *f)
{
    const struct source *s = &f->app->source;
    for (size_t i = 0; i < s->streams.n; i++) {
        AUTO_ERR e = {0};
        bool changed = false;
        for (size_t k = 0; k < f->rewrites.n; k++)
            changed = changed || stream_of(s, f->rewrites.v[k].revision) == s->streams.v[i];
        if (changed && !fingerprints_follow(f->app, s->streams.v[i]->name, NULL, &e))
            output_error(&f->app->out, &e, "warning");
        if (changed)
            output_talk(&f->app->out, TALK_NOTE, "`%s %s verify` tries the new revisions and measures their locks",
                        source_tool(s), s->streams.v[i]->name);
    }
}

static bool answer(struct fixer *f, const struct overlay_files *files)
{
    bool write = call_has(f->app->call, "write");
    if (write && !overlay_take(&f->overlay, files, f->e))
        return false;
    show(f, files, write);
    if (!f->rewrites.n)
        output_talk(&f->app->out, TALK_NOTE, "nothing to rewrite");
    else if (write)
        follow(f);
    else
        output_talk(&f->app->out, TALK_NOTE,
                    "nothing was written: --write does it, where no database has these revisions yet");
    return true;
}

static int run_fix(struct app *app)
{
    AUTO_ERR e = {0};
    struct fixer f = {.app = app, .a = app->arena, .e = &e};
    struct overlay_files files = {0};
    bool ok = find_rewrites(&f) && (!f.rewrites.n || make_result(&f, &files)) && answer(&f, &files);
    overlay_close(&f.overlay);
    return ok ? 0 : app_fail(app, &e);
}

static const char *const fix_examples[] = {
    "tenant fix",
    "what the safe forms would look like, as a diff",
    "tenant fix e2d8943b7c15 --rule idx-not-concurrent --write",
    "one revision's indexes, and the files are written",
    NULL,
};

const struct command command_fix = {
    .name = "fix",
    .operands = "[REV…]",
    .most = -1,
    .flags = COMMAND_ALONE | COMMAND_STREAM,
    .help = "rewrite what lint found into its safe form, as new revisions",
    .more =
        "Indexes are built and dropped CONCURRENTLY, constraints become NOT VALID and are validated in a revision of "
        "their own, NOT NULL goes through a check. The diff is the answer; nothing is written without --write. The "
        "result is built and linted before that. Revisions that a database has applied must stay as they are: "
        "`since` in [lint] of env.ini leaves them out.",
    .examples = fix_examples,
    .run = run_fix,
};
