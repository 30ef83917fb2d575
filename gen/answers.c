/* Between a plan and a person: options in, questions and refusals out. */
#include "gen/answers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "gen/render.h"

void answers_read(struct app *app, struct autogenerate_options *options)
{
    struct change_options *changes = &options->changes;
    changes->allowed = call_values(app->arena, app->call, "allow-destructive");
    changes->allow_destructive = call_count(app->call, "allow-destructive") > changes->allowed.n;
    changes->keep_rows = true;
    options->renames = call_values(app->arena, app->call, "rename");
}

/* ---- questions ---- */

static const struct object *old_of(const struct autogenerate *g, const struct rename_question *q)
{
    return &g->start.exact->objects.v[q->from];
}

static const char *new_name(const struct autogenerate *g, const struct rename_question *q)
{
    return rename_name(g->arena, &g->goal.exact->objects.v[q->to], q->renamed);
}

static const char *old_word(const struct autogenerate *g, const struct rename_question *q)
{
    return rename_word(g->arena, g->start.exact, old_of(g, q), q->label);
}

/* "column documents.title" */
static const char *old_shown(const struct autogenerate *g, const struct rename_question *q)
{
    char *word = arena_strdup(g->arena, old_word(g, q));
    *strchr(word, ':') = ' ';
    return word;
}

/* "column:documents.title=headline": as --rename would have it. */
static const char *answer_word(const struct autogenerate *g, const struct rename_question *q)
{
    return arena_printf(g->arena, "%s=%s", old_word(g, q), new_name(g, q));
}

static bool is_answered(const struct autogenerate *g, const struct rename_question *q)
{
    const struct change_options *o = &g->options.changes;
    for (size_t i = 0; i < g->renames.pairs.n; i++)
        if (g->renames.pairs.v[i].from == q->from && !g->renames.pairs.v[i].label == !q->label)
            return true;
    return o->allow_destructive || strings_has(&g->options.no, answer_word(g, q)) ||
           rename_is_meant(&o->allowed, g->start.exact, old_of(g, q), q->label);
}

static bool is_interactive(const struct app *app)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !app->out.json;
}

static bool is_yes(const char *line)
{
    struct str word = str_trim(str_from(line));
    return (word.n == 1 && strncasecmp(word.p, "y", 1) == 0) || (word.n == 3 && strncasecmp(word.p, "yes", 3) == 0);
}

static bool ask(struct app *app, struct autogenerate *g, const struct rename_question *q, struct err *e)
{
    char line[64] = "";
    BUF_AUTO shown = {0};
    if (strings_has(&g->options.yes, answer_word(g, q)))
        return renames_accept(g->arena, &g->start, &g->goal, q, &g->renames, e);
    buf_addf(&shown, "Is %s renamed to %s? [y/N] ", old_shown(g, q), new_name(g, q));
    BUF_AUTO clean = {0};
    output_clean(&clean, buf_str(&shown), false);
    fputs(clean.p, app->out.talk);
    fflush(app->out.talk);
    bool yes = fgets(line, sizeof line, stdin) && is_yes(line);
    vec_push(g->arena, yes ? &g->options.yes : &g->options.no, answer_word(g, q));
    return !yes || renames_accept(g->arena, &g->start, &g->goal, q, &g->renames, e);
}

/* Everything that would be asked, so that one answer does not only lead to the next question. */
static bool refuse_to_guess(struct autogenerate *g, const struct rename_question *q, struct err *e)
{
    const char *word = old_word(g, q), *name = new_name(g, q);
    const char *object = rename_word(g->arena, g->start.exact, old_of(g, q), NULL);
    BUF_AUTO others = {0};
    for (size_t i = 0; i < g->renames.questions.n; i++) {
        const struct rename_question *other = &g->renames.questions.v[i];
        if (other != q && other->holds_values && !is_answered(g, other))
            buf_addf(&others, "%s%s to %s", others.n ? ", " : "", old_shown(g, other), new_name(g, other));
    }
    err_set(e, FAULT_USAGE, "%s goes and %s comes: is that a rename?", old_shown(g, q), name);
    err_detail(e, "nothing was written%s%s", others.n ? "; the same is asked of " : "", others.n ? others.p : "");
    err_hint(e,
             "yes: put \"-- renamed from: %s\" above %s in the schema, or say --rename '%s=%s'; no: say "
             "--allow-destructive='%s'",
             rename_name(g->arena, old_of(g, q), q->label), name, word, name, object);
    return false;
}

/* What contains others first: their names may follow. */
static bool is_container(const struct autogenerate *g, const struct rename_question *q)
{
    return !q->label && strcmp(old_of(g, q)->kind->name, "table") == 0;
}

static bool ask_all(struct app *app, struct autogenerate *g, bool containers, struct err *e)
{
    for (size_t i = 0; i < g->renames.questions.n; i++) {
        const struct rename_question *q = &g->renames.questions.v[i];
        if (is_container(g, q) != containers || is_answered(g, q))
            continue;
        if (!q->holds_values)
            vec_push(g->arena, &g->notes,
                     arena_printf(g->arena, "%s goes and %s comes, and they are alike: --rename '%s=%s' renames it",
                                  old_shown(g, q), new_name(g, q), old_word(g, q), new_name(g, q)));
        else if (!is_interactive(app))
            return refuse_to_guess(g, q, e);
        else if (!ask(app, g, q, e))
            return false;
    }
    renames_finish(g->arena, &g->start, &g->goal, &g->renames);
    return true;
}

bool answers_ask(struct app *app, struct autogenerate *g, struct err *e)
{
    return autogenerate_ask(g, e) && ask_all(app, g, true, e) && ask_all(app, g, false, e);
}

/* ---- telling ---- */

static void warn(struct app *app, const struct autogenerate *g, const struct change_step *s)
{
    BUF_AUTO text = {0};
    step_describe(&text, g, s);
    output_talk(&app->out, TALK_WARNING, "%s", text.p);
}

bool answers_tell(struct app *app, const struct autogenerate *g)
{
    for (size_t i = 0; i < g->notes.n; i++)
        output_talk(&app->out, TALK_NOTE, "%s", g->notes.v[i]);
    for (size_t i = 0; i < g->refusals.n; i++)
        output_error(&app->out, &g->refusals.v[i], NULL);
    if (g->refusals.n)
        return false;
    for (size_t i = 0; i < g->up.steps.n; i++)
        if (g->up.steps.v[i].flags & STEP_WEAKENS && !(g->up.steps.v[i].flags & STEP_DISABLED))
            warn(app, g, &g->up.steps.v[i]);
    if (g->unverified.fault)
        output_talk(&app->out, TALK_WARNING, "not verified: %s", g->unverified.message);
    return true;
}

/* ---- JSON ---- */

static void add_flags(struct json *j, const struct change_step *s)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {
        {STEP_DESTRUCTIVE, "destructive"},
        {STEP_WEAKENS, "weakens"},
        {STEP_REWRITES, "rewrites"},
        {STEP_SCANS, "scans"},
    };
    json_key(j, "flags");
    json_array(j);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (s->flags & names[i].flag)
            json_text(j, names[i].name);
    json_end_array(j);
}

static void add_step(struct json *j, const struct change_step *s, bool is_event)
{
    json_object(j);
    if (is_event)
        json_put_text(j, "event", "change");
    json_put_text(j, "sql", s->sql);
    json_put_text(j, "verb", verb_word(s->verb));
    json_put_text(j, "kind", s->kind->name);
    json_put_text(j, "object", s->identity);
    json_put_bool(j, "enabled", !(s->flags & STEP_DISABLED));
    add_flags(j, s);
    json_put_text(j, "note", s->note);
    json_end_object(j);
}

static struct change_step step_of_rename(const struct autogenerate *g, const struct rename_pair *r)
{
    const struct object *o = &g->start.exact->objects.v[r->from];
    return (struct change_step){.sql = r->up, .verb = VERB_RENAME, .kind = o->kind, .identity = o->identity};
}

void answers_events(struct app *app, const struct autogenerate *g)
{
    size_t renames = g->renames.pairs.n;
    for (size_t i = 0; i < renames + g->up.steps.n; i++) {
        BUF_AUTO object = {0};
        struct json j = {.out = &object};
        struct change_step step = i < renames ? step_of_rename(g, &g->renames.pairs.v[i]) : g->up.steps.v[i - renames];
        add_step(&j, &step, true);
        output_object(&app->out, &object);
    }
}

void answers_json(struct json *j, const struct autogenerate *g)
{
    json_key(j, "steps");
    json_array(j);
    for (size_t i = 0; i < g->renames.pairs.n; i++) {
        struct change_step step = step_of_rename(g, &g->renames.pairs.v[i]);
        add_step(j, &step, false);
    }
    for (size_t i = 0; i < g->up.steps.n; i++)
        add_step(j, &g->up.steps.v[i], false);
    json_end_array(j);
    json_key(j, "refused");
    json_array(j);
    for (size_t i = 0; i < g->refusals.n; i++) {
        json_object(j);
        output_error_members(j, &g->refusals.v[i]);
        json_end_object(j);
    }
    json_end_array(j);
    json_put_strings(j, "notes", &g->notes);
    json_put_bool(j, "verified", g->is_verified);
}
