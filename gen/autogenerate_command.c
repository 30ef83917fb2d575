/*
 * revision --autogenerate and STREAM check: models against what is there. Each dialect of the stream is a comparison of its
 * own; a revision holds them all, and more than one revision is written where one transaction is not enough.
 */
#include "gen/autogenerate_command.h"

#include <string.h>
#include <unistd.h>

#include "gen/answers.h"
#include "gen/fingerprint.h"
#include "gen/models.h"
#include "gen/render.h"

struct generation {
    struct app *app;
    struct source *source;
    const struct source_stream *stream;
    struct models models;
    struct autogenerate of[DIALECT_COUNT]; /* those of the stream's dialects */
    struct strings paths;
};

static bool has(const struct generation *n, size_t d)
{
    return n->stream->dialects & DIALECT_BIT(d);
}

static void generation_free(struct generation *n)
{
    if (n->models.app)
        models_close(&n->models);
    for (size_t d = 0; n->stream && d < DIALECT_COUNT; d++)
        if (has(n, d))
            autogenerate_free(&n->of[d]);
}

/* ---- comparing ---- */

static const char *tenant_asked(const struct call *call, struct arena *a, struct err *e)
{
    const char *tenant = call_value(call, "tenant");
    struct strings words = call_values(a, call, "x");
    for (size_t i = 0; i < words.n; i++) {
        if (strncmp(words.v[i], "tenant_id=", 10) == 0) {
            tenant = words.v[i] + 10;
            continue;
        }
        err_set(e, FAULT_USAGE, "-x %s: only tenant_id is known here", words.v[i]);
        err_hint(e, "-x tenant_id=ID");
    }
    return tenant;
}

static bool find_database(struct generation *n, struct err *e)
{
    const struct call *call = n->app->call;
    const char *tenant = tenant_asked(call, n->app->arena, e);
    const char *against = call_value(call, "against");
    if (e->fault)
        return false;
    if (call_has(call, "from-migrations")) {
        n->models.why_not = NULL;
        return !against || err_set(e, FAULT_USAGE, "--against and --from-migrations exclude each other");
    }
    if (!models_find_database(&n->models, against, tenant, e) || !models_check_heads(&n->models, e))
        return false;
    if (n->models.unread)
        output_talk(&n->app->out, TALK_WARNING, "%s: it is taken to be at head", n->models.unread);
    if (!n->models.is_live)
        output_talk(&n->app->out, TALK_NOTE, "no database to compare with: %s; the revisions are replayed instead",
                    n->models.why_not);
    return true;
}

static bool set_up(struct generation *n, enum dialect d, struct err *e)
{
    struct autogenerate *g = &n->of[d];
    const struct call *call = n->app->call;
    g->arena = n->app->arena;
    g->findings = &n->app->source.findings;
    g->findings->arena = n->app->arena;
    answers_read(n->app, &g->options);
    models_options(&n->models, d, &g->options);
    g->options.scratch = call_value(call, "scratch");
    return models_goal(&n->models, d, g->findings, &g->to, e) && models_start(&n->models, d, &g->from, e) &&
           autogenerate_read(g, e);
}

static bool open_generation(struct generation *n, struct app *app, struct err *e)
{
    *n = (struct generation){.app = app, .source = &app->source};
    if (!scaffold_open(&app->source, app->folder, app->call->stream, &n->stream, e))
        return false;
    return models_open(app, &app->source, n->stream, &n->models, e);
}

static void show_findings(struct app *app)
{
    if (app->source.findings.list.n)
        app_show_findings(app, &app->source.findings);
}

/* ---- revision --autogenerate: the files ---- */

static const char *name_of(size_t d)
{
    return d == DIALECT_SQLITE ? "SQLite" : "PostgreSQL";
}

static const char *comment_of(const struct generation *n)
{
    struct arena *a = n->app->arena;
    BUF_AUTO out = {0};
    bool disabled = false;
    for (size_t d = 0; d < DIALECT_COUNT; d++) {
        if (!has(n, d))
            continue;
        const struct autogenerate *g = &n->of[d];
        buf_addf(&out, "%s%s: compared %s with %s.", out.n ? "\n" : "", name_of(d), g->to.name, g->from.name);
        for (size_t i = 0; i < g->up.steps.n; i++)
            disabled = disabled || g->up.steps.v[i].flags & STEP_DISABLED;
    }
    if (disabled)
        buf_addz(&out, "\nWhat destroys rows is disabled: it stands here as comments.");
    BUF_AUTO clean = {0};
    output_clean(&clean, buf_str(&out), true);
    return arena_str(a, buf_str(&clean));
}

static size_t count_files(const struct generation *n)
{
    size_t most = 0;
    for (size_t d = 0; d < DIALECT_COUNT; d++)
        if (has(n, d) && n->of[d].portions.n > most)
            most = n->of[d].portions.n;
    return most;
}

/* What a file is about, where there are several: behind the message. */
static const char *part_name(const struct generation *n, size_t file)
{
    const struct autogenerate *g = &n->of[DIALECT_POSTGRESQL];
    if (!has(n, DIALECT_POSTGRESQL) || file >= g->portions.n)
        return NULL;
    switch (g->portions.v[file].segment) {
    case SEGMENT_ENUM:
        return "new enum values";
    case SEGMENT_NO_BLOCK:
        return "indexes";
    case SEGMENT_VALIDATE:
        return "validate";
    case SEGMENT_PLAIN:
        break;
    }
    return NULL;
}

/* The one file that is about no special part is what the message says. */
static bool is_only_plain(const struct generation *n, size_t file, size_t files)
{
    for (size_t i = 0; i < files; i++)
        if (i != file && !part_name(n, i))
            return false;
    return true;
}

static const char *message_of(const struct generation *n, size_t file, size_t files)
{
    const char *message = call_value(n->app->call, "message"), *part = part_name(n, file);
    if (files == 1 || (!part && is_only_plain(n, file, files)))
        return message;
    return part ? arena_printf(n->app->arena, "%s: %s", message, part)
                : arena_printf(n->app->arena, "%s: part %zu", message, file + 1);
}

static struct scaffold_section make_section(struct generation *n, enum dialect d, enum direction way, size_t file)
{
    const struct autogenerate *g = &n->of[d];
    struct scaffold_section s = {.direction = way, .dialects = DIALECT_BIT(d)};
    BUF_AUTO body = {0};
    if (file < g->portions.n && way == DIRECTION_UP)
        render_up(&body, g, file);
    else if (file < g->portions.n)
        render_down(&body, g, file);
    if (file < g->portions.n && g->portions.v[file].segment == SEGMENT_NO_BLOCK)
        s.flags = "transaction:false";
    if (!body.n)
        buf_addf(&body, "-- nothing to do on %s\n", name_of(d));
    s.body = arena_str(n->app->arena, buf_str(&body));
    return s;
}

static size_t make_sections(struct generation *n, enum direction way, size_t file, struct scaffold_section *out)
{
    size_t count = 0;
    for (size_t d = 0; d < DIALECT_COUNT; d++)
        if (has(n, d))
            out[count++] = make_section(n, (enum dialect)d, way, file);
    if (count == 2 && out[0].flags == out[1].flags && strcmp(out[0].body, out[1].body) == 0) {
        out[0].dialects |= out[1].dialects;
        count = 1;
    }
    return count;
}

static bool write_file(struct generation *n, size_t file, size_t files, const char *comment, const char **id,
                       struct err *e)
{
    const struct call *call = n->app->call;
    struct arena *a = n->app->arena;
    const char *head = call_value(call, "head"), *path = NULL;
    struct scaffold_section sections[2 * DIALECT_COUNT];
    struct scaffold what = {.message = message_of(n, file, files), .sections = sections, .comment = comment};
    struct source *again = ARENA_NEW(a, struct source);
    const struct source_stream *stream = NULL;
    what.n_sections = make_sections(n, DIRECTION_UP, file, sections);
    what.n_sections += make_sections(n, DIRECTION_DOWN, file, sections + what.n_sections);
    if (file > 0) {
        vec_push(a, &what.parents, *id);
    } else {
        if (head)
            vec_push(a, &what.parents, head);
        what.splice = call_has(call, "splice");
        what.labels = call_values(a, call, "branch-label");
        what.depends = call_values(a, call, "depends-on");
        what.requires = call_values(a, call, "requires");
        what.id = call_value(call, "rev-id");
    }
    /* What was written just now is part of the graph. */
    *again = (struct source){.arena = a, .tool = n->source->tool};
    bool ok = scaffold_open(again, n->app->folder, n->stream->name, &stream, e) &&
              scaffold_write(again, stream, &what, &path, id, e);
    findings_free(&again->findings);
    if (ok)
        vec_push(a, &n->paths, path);
    return ok;
}

/* All or none. */
static bool write_files(struct generation *n, struct err *e)
{
    size_t files = count_files(n);
    const char *comment = comment_of(n), *id = NULL;
    for (size_t i = 0; i < files; i++) {
        if (write_file(n, i, files, comment, &id, e))
            continue;
        for (size_t k = 0; k < n->paths.n; k++)
            unlink(n->paths.v[k]);
        n->paths.n = 0;
        return false;
    }
    return true;
}

/* ---- revision --autogenerate: the command ---- */

static bool refuse_section_lines(struct autogenerate *g, struct err *e)
{
    const struct change_step *s = render_find_section_line(g);
    if (!s)
        return true;
    err_set(e, FAULT_POLICY, "%s %s: a line of it begins with \"-- migrate:\", which begins a section of a revision",
            s->kind->name, s->identity);
    err_hint(e, "change that line, in a comment of a function's body perhaps");
    return false;
}

static bool plan(struct generation *n, enum dialect d, struct err *e)
{
    struct autogenerate *g = &n->of[d];
    g->options.changes.online = n->models.online || call_has(n->app->call, "online");
    g->options.changes.ask_backfill = true;
    g->options.down = true;
    return set_up(n, d, e) && answers_ask(n->app, g, e) && autogenerate_plan(g, e) && refuse_section_lines(g, e);
}

static bool plan_all(struct generation *n, bool *refused, struct err *e)
{
    struct strings yes = {0}, no = {0};
    for (size_t d = 0; d < DIALECT_COUNT; d++) {
        struct autogenerate *g = &n->of[d];
        if (!has(n, d))
            continue;
        g->options.yes = yes;
        g->options.no = no;
        if (!plan(n, (enum dialect)d, e)) {
            err_context(e, "%s", name_of(d));
            return false;
        }
        *refused = !answers_tell(n->app, g) || *refused;
        yes = g->options.yes;
        no = g->options.no;
    }
    return true;
}

static void show_json(struct generation *n)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "stream", n->stream->name);
    json_put_strings(&j, "paths", &n->paths);
    json_key(&j, "dialects");
    json_array(&j);
    for (size_t d = 0; d < DIALECT_COUNT; d++) {
        if (!has(n, d))
            continue;
        json_object(&j);
        json_put_text(&j, "dialect", dialect_words[d]);
        json_put_text(&j, "from", n->of[d].from.name);
        json_put_text(&j, "to", n->of[d].to.name);
        answers_json(&j, &n->of[d]);
        json_end_object(&j);
    }
    json_end_array(&j);
    json_end_object(&j);
    output_object(&n->app->out, &object);
}

/* The models are not reached with such a revision, and nobody should learn that from the next check. */
static void tell_disabled(struct generation *n)
{
    const unsigned held_back = STEP_DESTRUCTIVE | STEP_DISABLED;
    for (size_t d = 0; d < DIALECT_COUNT; d++)
        for (size_t i = 0; has(n, d) && i < n->of[d].up.steps.n; i++) {
            const struct change_step *s = &n->of[d].up.steps.v[i];
            BUF_AUTO text = {0};
            if ((s->flags & held_back) != held_back)
                continue;
            step_describe(&text, &n->of[d], s);
            output_talk(&n->app->out, TALK_WARNING, "%s: %s; it is a comment, unless you say --allow-destructive",
                        name_of(d), text.p);
        }
}

static int finish(struct generation *n, bool refused, struct err *e)
{
    if (!refused && count_files(n) == 0)
        output_talk(&n->app->out, TALK_NOTE, "nothing changed: no revision was written");
    else if (!refused && !write_files(n, e))
        return app_fail(n->app, e);
    else if (!refused)
        tell_disabled(n);
    for (size_t i = 0; i < n->paths.n; i++)
        output_line(&n->app->out, "%s", n->paths.v[i]);
    show_json(n);
    return refused ? 1 : 0;
}

static bool check_call(struct app *app, struct err *e)
{
    if (call_value(app->call, "message"))
        return true;
    err_set(e, FAULT_USAGE, "the revision has no message");
    err_hint(e, "-m \"add documents\"");
    return false;
}

/*
 * The revision is written and right whatever becomes of them: the build says what is stale, and how that is mended. Not
 * before the scratch database is free again.
 */
static void mend_fingerprints(struct app *app)
{
    AUTO_ERR e = {0};
    if (!fingerprints_follow(app, app->call->stream, call_value(app->call, "scratch"), &e))
        output_error(&app->out, &e, "warning");
}

int autogenerate_revision(struct app *app)
{
    struct generation n = {0};
    AUTO_ERR e = {0};
    bool refused = false;
    bool ok = check_call(app, &e) && open_generation(&n, app, &e) && find_database(&n, &e) &&
              plan_all(&n, &refused, &e);
    show_findings(app);
    int status = ok ? finish(&n, refused, &e) : app_fail(app, &e);
    bool written = n.paths.n > 0;
    generation_free(&n);
    if (written)
        mend_fingerprints(app);
    return status;
}

/* ---- STREAM check ---- */

static void add_item(struct json *j, const struct difference *d)
{
    static const char *const verdicts[] = {
        [VERDICT_MISSING] = "missing", [VERDICT_UNEXPECTED] = "unexpected", [VERDICT_DIFFERENT] = "different"};
    const struct object *o = d->wanted ? d->wanted : d->found;
    BUF_AUTO text = {0};
    difference_describe(&text, d);
    json_object(j);
    json_put_text(j, "verdict", verdicts[d->verdict]);
    json_put_text(j, "kind", o->kind->name);
    json_put_text(j, "object", o->identity);
    json_put_text(j, "attribute", d->verdict == VERDICT_DIFFERENT ? o->kind->attributes[d->attribute].name : NULL);
    json_put_text(j, "text", text.p);
    json_end_object(j);
}

/* Shows them; how many there are. */
/* An extension more is nobody's to drop: no revision would. */
static void leave_out_kept(struct differences *all)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (all->v[i].verdict != VERDICT_UNEXPECTED || !(all->v[i].found->kind->flags & KIND_KEPT))
            all->v[n++] = all->v[i];
    all->n = n;
}

static size_t show_differences(struct generation *n, enum dialect d, struct json *j)
{
    struct autogenerate *g = &n->of[d];
    struct differences all = {0};
    catalog_compare(g->arena, g->goal.exact, g->start.exact, &g->options.changes.policy, &all);
    leave_out_kept(&all);
    if (all.n)
        output_line(&n->app->out, "%s: %s differs from %s:", name_of(d), g->from.name, g->to.name);
    json_object(j);
    json_put_text(j, "dialect", dialect_words[d]);
    json_put_text(j, "found", g->from.name);
    json_put_text(j, "wanted", g->to.name);
    json_key(j, "differences");
    json_array(j);
    for (size_t i = 0; i < all.n; i++) {
        BUF_AUTO text = {0}, clean = {0};
        difference_describe(&text, &all.v[i]);
        output_clean(&clean, buf_str(&text), false);
        output_line(&n->app->out, "  %s", clean.p);
        add_item(j, &all.v[i]);
    }
    json_end_array(j);
    json_end_object(j);
    return all.n;
}

static bool compare(struct generation *n, enum dialect d, struct json *j, size_t *differences, struct err *e)
{
    if (!set_up(n, d, e)) {
        err_context(e, "%s", name_of(d));
        return false;
    }
    *differences += show_differences(n, d, j);
    return true;
}

/* By default without any database: what the revisions build is what every database will be. */
static bool compare_all(struct generation *n, struct json *j, size_t *differences, struct err *e)
{
    const char *against = call_value(n->app->call, "against");
    for (size_t d = 0; d < DIALECT_COUNT; d++)
        if (has(n, d) && !compare(n, (enum dialect)d, j, differences, e))
            return false;
    if (!against)
        return true;
    if (!models_find_database(&n->models, against, NULL, e))
        return false;
    enum dialect d = n->models.address.dialect;
    if (!has(n, d))
        return err_set(e, FAULT_USAGE, "--against: the stream \"%s\" has no revisions for %s", n->stream->name,
                       name_of(d));
    autogenerate_free(&n->of[d]);
    n->of[d] = (struct autogenerate){0};
    return compare(n, d, j, differences, e);
}

int autogenerate_check(struct app *app)
{
    enum { DIFFERENT = 5 };
    struct generation n = {0};
    AUTO_ERR e = {0};
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    size_t differences = 0;
    json_object(&j);
    json_put_text(&j, "stream", app->call->stream);
    json_key(&j, "comparisons");
    json_array(&j);
    bool ok = open_generation(&n, app, &e) && compare_all(&n, &j, &differences, &e);
    show_findings(app);
    int status = !ok ? app_fail(app, &e) : differences ? DIFFERENT : 0;
    json_end_array(&j);
    json_put_int(&j, "exit_code", status);
    json_end_object(&j);
    if (ok)
        output_object(&app->out, &object);
    if (ok && !differences)
        output_talk(&app->out, TALK_NOTE, "the models of \"%s\" are what its revisions build", n.stream->name);
    generation_free(&n);
    return status;
}
