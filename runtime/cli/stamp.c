/* stamp and ensure-version: version rows without running anything. */
#include "cli/migrate.h"

#include "cli/format.h"

static int stamp_stream(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    AUTO_ERR e = {0};
    bool dry = call_has(&app->call, "dry-run");
    (void)context;
    if (!visits_prepare(app, stream, dry ? JOB_READ : JOB_STAMP, &v, &e) || !visits_list(&v, false, &e))
        return visits_fail(&v, &e);
    v.job.targets = app->call.operands;
    v.job.purge = call_has(&app->call, "purge");
    int status = dry ? migrate_dry_run(&v, JOB_STAMP) : migrate_run(&v);
    return visits_end(&v, status);
}

static int check_stream(struct app *app, const struct stream *stream, void *context)
{
    AUTO_ERR e = {0};
    (void)context;
    for (size_t i = 0; i < app->call.operands.n; i++)
        if (!migrate_check_target(app, stream, JOB_STAMP, app->call.operands.v[i], &e))
            return app_fail(app, &e);
    return EXIT_DONE;
}

static int script_stream(struct app *app, const struct stream *stream, void *context)
{
    (void)context;
    return migrate_script(app, stream, JOB_STAMP);
}

static int run_stamp(struct app *app)
{
    struct each how = {.stop_at_failure = true};
    if (call_has(&app->call, "sql"))
        return app_each_stream(app, how, script_stream, NULL);
    int status = app_each_stream(app, how, check_stream, NULL);
    if (status == EXIT_DONE)
        status = app_each_stream(app, how, stamp_stream, NULL);
    if (call_has(&app->call, "dry-run"))
        app_answer_items(app, "databases");
    else
        app_answer_streams(app, status);
    return status;
}

static const char *const stamp_examples[] = {
    "shared stamp head",
    "the database was brought there by other means",
    "tenant stamp REVISION --tenant acme",
    "one tenant",
    "tenant stamp --purge base --all-tenants",
    "forget every row, also those that nobody knows",
    NULL,
};

const struct command command_stamp = {
    .name = "stamp",
    .operands = "REVISION…",
    .least = 1,
    .most = -1,
    .flags = COMMAND_STREAM | COMMAND_VISITS | COMMAND_WRITES | COMMAND_CONFIRM,
    .help = "set the version rows without running anything",
    .more = "Nothing of a revision runs: the rows, and a row in the log, are all that changes. Over a fleet it wants "
            "--tenant or --all-tenants.",
    .examples = stamp_examples,
    .run = run_stamp,
};

/* ----------------------------------------------------------------------------------------------- ensure-version */

static int ensure_stream(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    AUTO_ERR e = {0};
    (void)context;
    if (call_has(&app->call, "sql"))
        return migrate_script(app, stream, JOB_ENSURE_VERSION);
    if (!visits_prepare(app, stream, JOB_ENSURE_VERSION, &v, &e) || !visits_list(&v, false, &e))
        return visits_fail(&v, &e);
    int status = migrate_run(&v);
    return visits_end(&v, status);
}

static int run_ensure_version(struct app *app)
{
    int status = app_each_stream(app, (struct each){.stop_at_failure = true}, ensure_stream, NULL);
    app_answer_streams(app, status);
    return status;
}

static const char *const ensure_examples[] = {"shared ensure-version", "create the version table when it is missing",
                                              NULL};

const struct command command_ensure_version = {
    .name = "ensure-version",
    .alias = "ensure_version",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS | COMMAND_WRITES | COMMAND_CONFIRM,
    .help = "create the version table when it is missing",
    .examples = ensure_examples,
    .run = run_ensure_version,
};
