/* revision, merge, edit: the commands that write revision files or open one. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/autogenerate_command.h"
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
    if (!open_stream(app, &stream, &e) || !scaffold_write(&app->source, stream, &what, &path, NULL, &e))
        return app_fail(app, &e);
    show_path(app, path);
    return 0;
}

static int run_revision(struct app *app)
{
    if (call_has(app->call, "autogenerate"))
        return autogenerate_revision(app);
    static const char *const needless[] = {"against",           "from-migrations", "tenant", "x",
                                           "allow-destructive", "rename",          "online", "scratch"};
    for (size_t i = 0; i < sizeof needless / sizeof *needless; i++)
        if (call_has(app->call, needless[i])) {
            AUTO_ERR e = {0};
            err_set(&e, FAULT_USAGE, "--%s goes with --autogenerate", needless[i]);
            return app_fail(app, &e);
        }
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
        err_hint(&e, "EDITOR=vi %s %s edit %s", source_tool(&app->source), app->call->stream, app->call->operands.v[0]);
        return app_fail(app, &e);
    }
    /* A stream with findings is what an editor is for. */
    if (!scaffold_open(&app->source, app->folder, app->call->stream, &stream, &e) && !stream)
        return app_fail(app, &e);
    if (!scaffold_find(&app->source, stream, app->call->operands.v[0], &path, &e))
        return app_fail(app, &e);
    output_finish(&app->out);
    signal(SIGPIPE, SIG_DFL);
    execl("/bin/sh", "sh", "-c", arena_printf(app->arena, "%s \"$@\"", command), command, path, (char *)NULL);
    err_set(&e, FAULT_FAILED, "cannot run /bin/sh: %s", strerror(errno));
    return app_fail(app, &e);
}

static const char *const revision_examples[] = {
    "tenant revision -m \"add documents\"",
    "the next revision, on the head",
    "tenant revision -m \"start billing\" --head 8e41b7c203fa --splice --branch-label billing",
    "a branch with a name",
    "tenant revision --autogenerate -m \"add documents\"",
    "what leads from the first tenant's database to schema.sql",
    "tenant revision --autogenerate -m \"drop titles\" --from-migrations --allow-destructive=column:documents.title",
    "without any tenant, and a column really goes",
    NULL,
};

const struct command command_revision = {
    .name = "revision",
    .operands = "",
    .flags = COMMAND_STREAM,
    .help = "write the next revision from the template, or from the models",
    .more =
        "The template is revision.sql.tmpl in the folder of streams; it explains its placeholders. The path of the "
        "new file is printed.\n\n"
        "--autogenerate compares the models, schema.sql beside env.ini (schema.sqlite.sql where SQLite's differ) or what "
        "schema_command prints, with --against, else with the configured database, which must be at head; of a fleet "
        "with the tenant of -x tenant_id=ID or the first one. Without a database, or with --from-migrations, the "
        "revisions themselves are replayed on a scratch database. The way up and the way down are tried on a copy before "
        "anything is written; what cannot be tried is refused.\n\n"
        "What destroys rows is written as a comment unless --allow-destructive. Where something may have been renamed you "
        "are asked; off a terminal that is exit code 2, and --rename or a comment in the schema, -- renamed from: OLD, "
        "is the answer.",
    .examples = revision_examples,
    .run = run_revision,
};

static const char *const merge_examples[] = {"tenant merge -m \"merge billing\"", "all heads become one", NULL};

const struct command command_merge = {
    .name = "merge",
    .operands = "[REV…]",
    .most = -1,
    .flags = COMMAND_STREAM,
    .help = "join branches: the named ones, or all heads",
    .examples = merge_examples,
    .run = run_merge,
};

static const char *const edit_examples[] = {"tenant edit head", "the newest revision", NULL};

const struct command command_edit = {
    .name = "edit",
    .operands = "REV",
    .least = 1,
    .most = 1,
    .flags = COMMAND_STREAM,
    .help = "open a revision in $VISUAL or $EDITOR",
    .examples = edit_examples,
    .run = run_edit,
};
