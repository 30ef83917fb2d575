/* revision, merge, edit: the commands that write revision files or open one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/command.h"
#include "gen/scaffold.h"

/* The stream, read and linked; its findings are shown when they stand in the way. */
static bool open_stream(struct app *app, const struct source_stream **stream, struct err *e)
{
    if (scaffold_open(&app->source, app->folder, app->call->stream, stream, e))
        return true;
    if (app->source.findings.n_errors && e->fault == FAULT_FAILED)
        app_show_findings(app, &app->source.findings);
    return false;
}

static void show_path(struct app *app, const char *path)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "path", path);
    json_end_object(&j);
    output_object(&app->out, &object);
    output_line(&app->out, "%s", path);
}

static int write_revision(struct app *app, bool merge)
{
    const struct call *call = app->call;
    const char *head = call_value(call, "head"), *path = NULL;
    const struct source_stream *stream = NULL;
    struct scaffold what = {
        .message = call_value(call, "message"),
        .merge = merge,
        .parents = call->operands,
        .splice = call_has(call, "splice"),
        .labels = call_values(app->arena, call, "branch-label"),
        .depends = call_values(app->arena, call, "depends-on"),
        .requires = call_values(app->arena, call, "requires"),
        .id = call_value(call, "rev-id"),
    };
    AUTO_ERR e = {0};
    if (head)
        vec_push(app->arena, &what.parents, head);
    if (!open_stream(app, &stream, &e) || !scaffold_write(&app->source, stream, &what, &path, &e))
        return app_fail(app, &e);
    show_path(app, path);
    return 0;
}

static int run_revision(struct app *app)
{
    return write_revision(app, false);
}

static int run_merge(struct app *app)
{
    return write_revision(app, true);
}

static const char *editor(void)
{
    const char *visual = getenv("VISUAL"), *plain = getenv("EDITOR");
    return visual && *visual ? visual : plain && *plain ? plain : NULL;
}

/* Becomes the editor. It is a command of the shell, as with git: "code --wait" works. */
static int run_edit(struct app *app)
{
    const struct source_stream *stream = NULL;
    const char *path = NULL, *command = editor();
    AUTO_ERR e = {0};
    if (!command) {
        err_set(&e, FAULT_CONFIG, "neither VISUAL nor EDITOR is set");
        err_hint(&e, "EDITOR=vi migrate-gen %s edit %s", app->call->stream, app->call->operands.v[0]);
        return app_fail(app, &e);
    }
    /* A stream with findings is what an editor is for. */
    if (!scaffold_open(&app->source, app->folder, app->call->stream, &stream, &e) && !stream)
        return app_fail(app, &e);
    if (!scaffold_find(&app->source, stream, app->call->operands.v[0], &path, &e))
        return app_fail(app, &e);
    output_finish(&app->out);
    execl("/bin/sh", "sh", "-c", arena_printf(app->arena, "%s \"$@\"", command), command, path, (char *)NULL);
    err_set(&e, FAULT_FAILED, "cannot run /bin/sh: %s", strerror(errno));
    return app_fail(app, &e);
}

const struct command command_revision = {
    .name = "revision",
    .operands = "",
    .flags = COMMAND_STREAM,
    .help = "writes the next revision from the template",
    .run = run_revision,
};

const struct command command_merge = {
    .name = "merge",
    .operands = "[REV…]",
    .most = -1,
    .flags = COMMAND_STREAM,
    .help = "joins branches: the named ones, or all heads",
    .run = run_merge,
};

const struct command command_edit = {
    .name = "edit",
    .operands = "REV",
    .least = 1,
    .most = 1,
    .flags = COMMAND_STREAM,
    .help = "opens a revision in $VISUAL or $EDITOR",
    .run = run_edit,
};
