/* help and completion: what the tables say. */
#include "tool/help.h"

#include "cli/app.h"
#include "tool/completion.h"

static int help_on(struct app *app, const char *name, struct buf *out)
{
    const struct command *c = command_find(&app->grammar, str_from(name));
    struct strings names = {0};
    AUTO_ERR e = {0};
    if (c) {
        help_command(out, &app->grammar, c);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < app->grammar.n_commands; i++)
        vec_push(&app->arena, &names, app->grammar.commands[i]->name);
    const char *near = nearest_word(str_from(name), &names);
    err_set(&e, FAULT_USAGE, "there is no command \"%s\"", name);
    if (near)
        err_hint(&e, "did you mean \"%s\"?", near);
    return app_fail(app, &e);
}

static int run_help(struct app *app)
{
    BUF_AUTO text = {0};
    int status = EXIT_DONE;
    if (call_has(&app->call, "man"))
        help_man(&text, &app->grammar, MIGRATE_VERSION);
    else if (call_has(&app->call, "configuration"))
        help_configuration(&text, app->catalogue->program);
    else if (app->call.operands.n)
        status = help_on(app, app->call.operands.v[0], &text);
    else
        help_overview(&text, &app->grammar);
    if (status == EXIT_DONE)
        output_text(&app->out, &text);
    return status;
}

static const char *const help_examples[] = {
    "help upgrade",
    "everything about one command",
    "help --man | man -l -",
    "the manual page",
    "help --configuration",
    "every setting, as Markdown",
    NULL,
};

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .most = 1,
    .flags = COMMAND_ALONE,
    .help = "show this, or what a command does",
    .examples = help_examples,
    .run = run_help,
};

static int run_completion(struct app *app)
{
    BUF_AUTO text = {0};
    AUTO_ERR e = {0};
    const char *shell = app->call.operands.v[0];
    if (!completion_write(&text, &app->grammar, str_from(shell))) {
        err_set(&e, FAULT_USAGE, "no completion for \"%s\"", shell);
        err_hint(&e, "bash, zsh or fish");
        return app_fail(app, &e);
    }
    output_text(&app->out, &text);
    return EXIT_DONE;
}

static const char *const completion_examples[] = {
    "completion bash >/etc/bash_completion.d/profile-migrate",
    "for every bash of this machine",
    NULL,
};

const struct command command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .least = 1,
    .most = 1,
    .flags = COMMAND_ALONE,
    .help = "print the completion of a shell",
    .examples = completion_examples,
    .run = run_completion,
};
