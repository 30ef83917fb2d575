/* migrate-gen: its options and commands, and the way from a command line to an exit status. */
#include <stdio.h>
#include <string.h>

#include "gen/command.h"

/* ----------------------------------------------------------------------------------------------------------- options */

static const struct option options[] = {
    {.name = "migrations", .argument = "DIR", .help = "the folder of streams (default: migrations)"},
    {.name = "name", .letter = 'n', .argument = "STREAM", .flags = OPTION_ALEMBIC, .help = "the stream, in Alembic's spelling"},
    {.name = "json", .help = "one JSON object a line on stdout, the answer last"},
    {.name = "quiet", .letter = 'q', .help = "warnings and errors only"},
    {.name = "help", .letter = 'h', .help = "what a command does and which options it takes"},
    {.name = "version", .help = "the version"},
    {.name = "output", .letter = 'o', .argument = "DIR", .commands = "compile",
     .help = "where the C goes (default: build/gen)"},
    {.name = "program", .argument = "NAME", .commands = "compile",
     .help = "the executable's name, which its environment variables begin with (default: profile-migrate)"},
    {.name = "message", .letter = 'm', .argument = "TEXT", .commands = "revision merge", .help = "what the revision does"},
    {.name = "head", .argument = "REV", .commands = "revision",
     .help = "the revision to build on: an id, LABEL@head, or base (default: the head)"},
    {.name = "splice", .commands = "revision merge", .help = "builds on revisions that are no heads"},
    {.name = "branch-label", .argument = "LABEL", .flags = OPTION_REPEATS, .commands = "revision merge",
     .help = "names the branch that begins here"},
    {.name = "depends-on", .argument = "REV", .flags = OPTION_REPEATS, .commands = "revision merge",
     .help = "a revision of another branch that must be applied before"},
    {.name = "requires", .argument = "STREAM@REV", .flags = OPTION_REPEATS, .commands = "revision merge",
     .help = "a revision that the registry's database must have"},
    {.name = "rev-id", .argument = "ID", .commands = "revision merge", .help = "the id (default: 12 random hex digits)"},
};

/* --------------------------------------------------------------------------------------------------- help and version */

static int run_version(struct app *app)
{
    if (app->out.json) {
        BUF_AUTO object = {0};
        struct json j = {.out = &object};
        json_object(&j);
        json_put_text(&j, "program", "migrate-gen");
        json_put_text(&j, "version", MIGRATE_VERSION);
        json_end_object(&j);
        output_object(&app->out, &object);
    }
    output_line(&app->out, "migrate-gen %s", MIGRATE_VERSION);
    return 0;
}

static const struct command command_version = {
    .name = "version", .operands = "", .flags = COMMAND_ALONE, .help = "the version", .run = run_version};

static void show_command(struct app *app, const struct grammar *g, const struct command *c)
{
    output_line(&app->out, "usage: %s %s%s%s%s", g->program, c->flags & COMMAND_STREAM ? "STREAM " : "", c->name,
                *c->operands ? " " : "", c->operands);
    output_line(&app->out, "%s", c->help);
    for (size_t i = 0; i < g->n_options; i++) {
        BUF_AUTO spelling = {0};
        if (!option_is_for(&g->options[i], c))
            continue;
        option_spell(&spelling, &g->options[i]);
        output_line(&app->out, "  %-28s %s", spelling.p, g->options[i].help);
    }
}

static int run_help(struct app *app)
{
    const struct grammar *g = app->call->grammar;
    if (app->call->operands.n) {
        const struct command *c = command_find(g, str_from(app->call->operands.v[0]));
        AUTO_ERR e = {0};
        if (!c) {
            err_set(&e, FAULT_USAGE, "unknown command \"%s\"", app->call->operands.v[0]);
            return app_fail(app, &e);
        }
        show_command(app, g, c);
        return 0;
    }
    output_line(&app->out, "usage: %s [OPTIONS] [STREAM] COMMAND [OPERAND…]", g->program);
    output_line(&app->out, "%s", g->summary);
    for (size_t i = 0; i < g->n_commands; i++)
        output_line(&app->out, "  %-28s %s", g->commands[i]->name, g->commands[i]->help);
    return 0;
}

static const struct command command_help = {
    .name = "help", .operands = "[COMMAND]", .most = 1, .flags = COMMAND_ALONE, .help = "this list", .run = run_help};

/* ---------------------------------------------------------------------------------------------------------- answering */

int app_fail(struct app *app, struct err *e)
{
    output_error(&app->out, e, NULL);
    return err_exit_code(e->fault);
}

void app_show_findings(struct app *app, struct findings *all)
{
    findings_sort(all);
    if (app->out.json) {
        for (size_t i = 0; i < all->list.n; i++) {
            BUF_AUTO object = {0};
            finding_json(&object, &all->list.v[i]);
            output_object(&app->out, &object);
        }
        return;
    }
    BUF_AUTO text = {0};
    findings_format(&text, all);
    fwrite(text.p ? text.p : "", 1, text.n, app->out.talk);
    size_t n_warnings = all->list.n - all->n_errors;
    if (all->n_errors)
        output_talk(&app->out, TALK_NOTE, "%zu %s, %zu %s", all->n_errors, all->n_errors == 1 ? "error" : "errors", n_warnings,
                    n_warnings == 1 ? "warning" : "warnings");
}

int main(int argc, char **argv)
{
    static const struct command *const commands[] = {
        &command_compile, &command_check, &command_revision, &command_merge, &command_edit, &command_version, &command_help,
    };
    static const struct grammar grammar = {
        .program = "migrate-gen",
        .summary = "writes revisions, checks them, and turns them into C",
        .commands = commands,
        .n_commands = sizeof commands / sizeof *commands,
        .options = options,
        .n_options = sizeof options / sizeof *options,
    };
    ARENA_AUTO arena = {0};
    AUTO_ERR e = {0};
    struct call call = {0};
    struct app app = {.arena = &arena, .call = &call, .source = {.arena = &arena}};
    output_init(&app.out, stdout, stderr);
    bool understood = options_parse(&arena, &grammar, argc, argv, &call, &e);
    app.out.json = call_has(&call, "json");
    app.out.quiet = call_has(&call, "quiet");
    app.folder = call_value(&call, "migrations") ? call_value(&call, "migrations") : "migrations";
    int status = understood ? call.command->run(&app) : app_fail(&app, &e);
    findings_free(&app.source.findings);
    return output_finish(&app.out) || status ? status : 1;
}
