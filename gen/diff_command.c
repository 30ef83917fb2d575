/* diff: the SQL that leads from one schema to another. */
#include <string.h>

#include "gen/answers.h"
#include "gen/command.h"
#include "gen/render.h"

/* ---- options ---- */

static bool read_dialect(const struct call *call, enum dialect *out, struct err *e)
{
    const char *word = call_value(call, "dialect");
    *out = DIALECT_COUNT;
    for (size_t d = 0; word && d < DIALECT_COUNT; d++)
        if (strcmp(word, dialect_words[d]) == 0)
            *out = (enum dialect)d;
    return !word || *out != DIALECT_COUNT ||
           err_set(e, FAULT_USAGE, "--dialect is postgresql or sqlite, not \"%s\"", word);
}

/* Owners count where both ends know them alike: files have those of whoever loads them. */
static bool read_policy(const struct call *call, struct autogenerate *g, struct err *e)
{
    struct policy *p = &g->options.changes.policy;
    bool from_live = g->from.kind == ENDPOINT_DATABASE, to_live = g->to.kind == ENDPOINT_DATABASE;
    *p = (struct policy){
        .owners = from_live == to_live, .grants = true, .default_privileges = true, .event_triggers = true};
    struct str rest = str_from(call_value(call, "ignore")), word;
    while (rest.p && str_next(&rest, ',', &word)) {
        bool *flag = str_is(word, "owners")               ? &p->owners
                     : str_is(word, "grants")             ? &p->grants
                     : str_is(word, "default-privileges") ? &p->default_privileges
                     : str_is(word, "event-triggers")     ? &p->event_triggers
                                                          : NULL;
        if (!flag) {
            err_set(e, FAULT_USAGE, "--ignore: \"%.*s\" cannot be ignored", STR_ARG(word));
            err_hint(e, "owners, grants, default-privileges, event-triggers");
            return false;
        }
        *flag = false;
    }
    return true;
}

static bool set_up(struct app *app, struct autogenerate *g, struct err *e)
{
    const struct call *call = app->call;
    const char *tool = source_tool(&app->source);
    enum dialect dialect;
    g->arena = app->arena;
    g->findings = &app->source.findings;
    g->findings->arena = app->arena;
    g->options.scratch = call_value(call, "scratch");
    g->options.scope.version_table = "alembic_version";
    g->options.changes.online = call_has(call, "online");
    answers_read(app, &g->options);
    return read_dialect(call, &dialect, e) &&
           endpoint_parse(app->arena, call->operands.v[0], app->folder, tool, g->findings, &g->from, e) &&
           endpoint_parse(app->arena, call->operands.v[1], app->folder, tool, g->findings, &g->to, e) &&
           endpoints_agree(&g->from, &g->to, dialect, e) && read_policy(call, g, e);
}

/* ---- the answer ---- */

static void show_json(struct app *app, const struct autogenerate *g)
{
    BUF_AUTO object = {0}, script = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "from", g->from.name);
    json_put_text(&j, "to", g->to.name);
    json_put_text(&j, "dialect", dialect_words[g->from.dialect]);
    answers_json(&j, g);
    if (!g->refusals.n) {
        render_script(&script, g);
        json_put_text(&j, "script", script.p ? script.p : "");
    }
    json_end_object(&j);
    output_object(&app->out, &object);
}

static int show(struct app *app, const struct autogenerate *g)
{
    BUF_AUTO script = {0};
    if (!answers_tell(app, g))
        return 1;
    render_script(&script, g);
    if (!script.n)
        output_talk(&app->out, TALK_NOTE, "no differences");
    if (!app->out.json)
        output_raw(&app->out, buf_str(&script));
    return 0;
}

static int run_diff(struct app *app)
{
    struct autogenerate g = {0};
    AUTO_ERR e = {0};
    int status;
    bool ok = set_up(app, &g, &e) && autogenerate_read(&g, &e) && answers_ask(app, &g, &e) && autogenerate_plan(&g, &e);
    if (app->source.findings.list.n)
        app_show_findings(app, &app->source.findings);
    status = ok ? show(app, &g) : app_fail(app, &e);
    if (ok) {
        answers_events(app, &g);
        show_json(app, &g);
    }
    autogenerate_free(&g);
    return status;
}

static const char *const diff_examples[] = {
    "diff postgresql://localhost/acme migrations/tenant/schema.sql",
    "what is missing in a database",
    "diff tenant@head tenant@base --dialect sqlite",
    "the way back of all revisions, as SQLite would go it",
    "diff old.sql new.sql --scratch postgresql://localhost/scratch",
    "two files, tried in a scratch database",
    NULL,
};

const struct command command_diff = {
    .name = "diff",
    .operands = "FROM TO",
    .least = 2,
    .most = 2,
    .flags = COMMAND_ALONE,
    .help = "print the SQL that makes one schema into another",
    .more =
        "FROM and TO are each the URL of a database, a schema file, STREAM@REVISION, or \"empty\". Databases are only "
        "read. The SQL is tried on a copy of FROM before it is printed: on a scratch database for PostgreSQL, in memory "
        "for SQLite.\n\n"
        "What destroys rows is printed as a comment unless --allow-destructive. What cannot be done is named, and "
        "nothing is printed then.",
    .examples = diff_examples,
    .run = run_diff,
};
