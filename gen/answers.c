/* Between a plan and a person: options in, questions and refusals out. */
#include "gen/answers.h"

#include <string.h>

#include "gen/render.h"

void answers_read(struct app *app, struct autogenerate_options *options)
{
    struct change_options *changes = &options->changes;
    changes->allowed = call_values(app->arena, app->call, "allow-destructive");
    changes->allow_destructive = call_count(app->call, "allow-destructive") > changes->allowed.n;
    changes->keep_rows = true;
    options->renames = call_values(app->arena, app->call, "rename");
}

bool answers_ask(struct app *app, struct autogenerate *g, struct err *e)
{
    (void)app;
    return autogenerate_ask(g, e);
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
        {STEP_DESTRUCTIVE, "destructive"}, {STEP_WEAKENS, "weakens"},
        {STEP_REWRITES, "rewrites"},       {STEP_SCANS, "scans"},
        {STEP_UNTRACKED, "untracked"},
    };
    json_key(j, "flags");
    json_array(j);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (s->flags & names[i].flag)
            json_text(j, names[i].name);
    json_end_array(j);
}

static void add_step(struct json *j, const struct change_step *s)
{
    json_object(j);
    json_put_text(j, "sql", s->sql);
    json_put_text(j, "verb", verb_word(s->verb));
    json_put_text(j, "kind", s->kind->name);
    json_put_text(j, "object", s->identity);
    json_put_bool(j, "enabled", !(s->flags & STEP_DISABLED));
    add_flags(j, s);
    json_put_text(j, "note", s->note);
    json_end_object(j);
}

static void add_rename(struct json *j, const struct autogenerate *g, const struct rename_pair *r)
{
    const struct object *o = &g->start.exact->objects.v[r->from];
    json_object(j);
    json_put_text(j, "sql", r->up);
    json_put_text(j, "verb", verb_word(VERB_RENAME));
    json_put_text(j, "kind", o->kind->name);
    json_put_text(j, "object", o->identity);
    json_put_bool(j, "enabled", true);
    json_key(j, "flags");
    json_array(j);
    json_end_array(j);
    json_put_text(j, "note", NULL);
    json_end_object(j);
}

void answers_json(struct json *j, const struct autogenerate *g)
{
    json_key(j, "steps");
    json_array(j);
    for (size_t i = 0; i < g->renames.pairs.n; i++)
        add_rename(j, g, &g->renames.pairs.v[i]);
    for (size_t i = 0; i < g->up.steps.n; i++)
        add_step(j, &g->up.steps.v[i]);
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
