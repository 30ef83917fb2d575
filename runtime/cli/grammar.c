/* The tables of profile-migrate's command line: its commands in the order of `help`, and its options. */
#include "cli/app.h"
#include "model/plan.h"

static const struct command *const commands[] = {
    &command_upgrade,    &command_downgrade, &command_status,   &command_check,          &command_drift,
    &command_current,    &command_history,   &command_heads,    &command_branches,       &command_show,
    &command_log,        &command_tenants,   &command_stamp,    &command_ensure_version, &command_repair,
    &command_wait,       &command_config,    &command_export,   &command_self_check,     &command_version,
    &command_completion, &command_help,      &command_revision, &command_merge,          &command_edit,
    &command_init,
};

static const struct option options[] = {
    {.name = "name",
     .letter = 'n',
     .argument = "STREAM",
     .flags = OPTION_ALEMBIC,
     .help = "the stream, in Alembic's spelling"},
    {.name = "x",
     .letter = 'x',
     .argument = "tenant_id=ID",
     .flags = OPTION_REPEATS | OPTION_ALEMBIC,
     .commands = "@stream",
     .help = "as --tenant, in Alembic's spelling"},
    {.name = "tenant",
     .argument = "ID",
     .flags = OPTION_REPEATS,
     .commands = "@visits",
     .help = "only this tenant of a fleet; repeated ones add up"},
    {.name = "tenants-from",
     .argument = "FILE",
     .flags = OPTION_REPEATS,
     .commands = "@visits",
     .help = "only the tenants whose ids the file has, one on each line; - reads stdin",
     .more = "White space around an id does not count, nor do empty lines and lines that begin with #."},
    {.name = "retry-failed",
     .argument = "REPORT",
     .commands = "@visits",
     .help = "only the tenants that failed or were not started, by a file that --report wrote"},
    {.name = "match",
     .argument = "GLOB",
     .flags = OPTION_REPEATS,
     .commands = "@visits",
     .help = "only the tenants whose id fits; of repeated ones one is enough",
     .more = "* is any text, ? one byte, [a-f] one byte of a set; a backslash takes away a meaning. Case counts."},
    {.name = "exclude", .argument = "ID", .flags = OPTION_REPEATS, .commands = "@visits", .help = "not this tenant"},
    {.name = "shard",
     .argument = "I/N|auto",
     .commands = "@visits",
     .help = "only the share I of N, from 0, of the tenants; auto: as Slurm or Kubernetes says",
     .more =
         "The share depends on a tenant's id alone. Two processes with the same share are safe. auto reads "
         "SLURM_ARRAY_TASK_ID and its companions, or JOB_COMPLETION_INDEX. The program's variable SHARDS, with its "
         "prefix as in PROFILE_MIGRATE_SHARDS, says how many there are: Kubernetes needs it, and with it a part of a "
         "Slurm array that is submitted again keeps its shares."},
    {.name = "canary",
     .argument = "N|ID,…",
     .commands = "upgrade downgrade",
     .help = "these tenants first; only when all of them succeeded the others begin",
     .more = "A number is how many: the first of the first wave; \"7,\" is the tenant whose id is 7."},
    {.name = "no-ledger", .commands = "@visits", .help = "visit every tenant, whatever migrate_ledger says"},
    {.name = "report", .argument = "FILE", .commands = "@writes", .help = "write what came of each tenant, as JSON"},
    {.name = "tenants", .commands = "status", .help = "a line for each tenant"},
    {.name = "all-tenants",
     .commands = "stamp repair ensure-version",
     .help = "every tenant, where a command wants that said"},
    {.name = "dry-run", .commands = "upgrade downgrade stamp", .help = "show the plan against the live databases"},
    {.name = "sql",
     .commands = "upgrade downgrade stamp ensure-version",
     .help = "print the script instead; nothing is connected to"},
    {.name = "dialect",
     .argument = "postgresql|sqlite",
     .commands = "upgrade downgrade stamp ensure-version",
     .help = "the engine that --sql writes for",
     .more = "Without it the engine of the configured address, else postgresql where the stream has it."},
    {.name = "uneven",
     .commands = "upgrade downgrade",
     .help = "a relative TARGET may mean different revisions to different tenants"},
    {.name = "rev-range",
     .letter = 'r',
     .argument = "START:END",
     .commands = "history",
     .help = "only these; either end may be left out, -N counts from the heads"},
    {.name = "indicate-current", .letter = 'i', .commands = "history", .help = "mark what the database has"},
    {.name = "graph", .commands = "history", .help = "draw the branches"},
    {.name = "format", .argument = "dot|mermaid", .commands = "history", .help = "for Graphviz, or for Mermaid"},
    {.name = "resolve-dependencies",
     .commands = "heads",
     .flags = OPTION_ALEMBIC,
     .help = "count dependencies as parents"},
    {.name = "check-heads",
     .letter = 'c',
     .commands = "current",
     .flags = OPTION_ALEMBIC,
     .help = "exit 3 unless every database is at its heads"},
    {.name = "purge", .commands = "stamp", .help = "delete every version row first, known or not"},
    {.name = "deep", .commands = "check", .help = "compare every applied revision with the log"},
    {.name = "limit", .argument = "N", .commands = "log", .help = "only the newest N rows of each database"},
    {.name = "force", .commands = "export", .help = "replace files that differ"},
    {.name = "sbom", .commands = "version", .help = "the linked packages with their versions, as CycloneDX (JSON)"},
    {.name = "man", .commands = "help", .help = "the whole manual page, as roff"},
    {.name = "configuration", .commands = "help", .help = "every setting, as Markdown"},
    {.name = "registry-url",
     .argument = "URL",
     .commands = "@visits",
     .help = "the address of the database that lists the tenants"},
    {.name = "tag",
     .argument = "TEXT",
     .commands = "upgrade downgrade stamp",
     .flags = OPTION_ALEMBIC,
     .help = "accepted; it has no meaning without an env.py"},
    {.name = "config",
     .letter = 'c',
     .argument = "FILE",
     .flags = OPTION_ALEMBIC,
     .help = "accepted with a note: there is no file to read"},
    {.name = "raiseerr", .flags = OPTION_ALEMBIC, .help = "accepted; errors are always told in full"},
    /* migrate-gen's, so that the line to run instead can be printed whole. */
    {.name = "message", .letter = 'm', .argument = "TEXT", .flags = OPTION_HIDDEN, .commands = "revision merge"},
    {.name = "autogenerate", .flags = OPTION_HIDDEN, .commands = "revision"},
    {.name = "head", .argument = "REVISION", .flags = OPTION_HIDDEN, .commands = "revision"},
    {.name = "splice", .flags = OPTION_HIDDEN, .commands = "revision merge"},
    {.name = "branch-label", .argument = "LABEL", .flags = OPTION_HIDDEN, .commands = "revision merge"},
    {.name = "depends-on", .argument = "REVISION", .flags = OPTION_HIDDEN, .commands = "revision merge"},
    {.name = "rev-id", .argument = "ID", .flags = OPTION_HIDDEN, .commands = "revision merge"},
    {.name = "version-path", .argument = "DIR", .flags = OPTION_HIDDEN, .commands = "revision merge"},
    /* Its long name is that of a setting; hidden commands take any option. */
    {.name = "t", .letter = 't', .argument = "NAME", .flags = OPTION_HIDDEN, .commands = "init"},
    {.name = "json", .help = "one JSON object a line: events, then the answer"},
    {.name = "quiet", .letter = 'q', .help = "warnings, errors and the answer only"},
    {.name = "verbose", .letter = 'v', .flags = OPTION_REPEATS, .help = "say more; twice for everything"},
    {.name = "help", .letter = 'h', .help = "help, also on a command"},
    {.name = "version", .help = "as the command version"},
};

static bool is_head_or_id(struct app *app, const struct stream *stream, const struct target *t, const char *word,
                          bool *is_other, struct err *why)
{
    const struct graph *g = app_graph(app, stream);
    struct revlist hits = {0};
    if (t->shape != TARGET_SYMBOL || !graph_resolve(&app->arena, g, str_from(word), NULL, &hits, why)) {
        *is_other |= t->shape != TARGET_SYMBOL;
        return false;
    }
    bool id = !t->label.n && hits.n == 1 && str_starts(str_from(graph_revision(g, hits.v[0])->id), t->symbol);
    *is_other |= !id && !str_is(t->symbol, "head");
    return id || str_is(t->symbol, "head");
}

static bool refuse_downwards(const struct app *app, const char *stream, const char *word, struct err *e)
{
    err_set(e, FAULT_USAGE, "\"%s\" goes down, and the short form only goes up", word);
    err_hint(e, "%s %s downgrade %s", app->catalogue->program, stream, word);
    return false;
}

/*
 * The short form takes the plain ways to say how far: head, LABEL@head, +N, an id or at least 4 characters of one.
 * Whatever else is a target belongs to the long form, which the hint spells out.
 */
static bool is_short_target(void *context, const char *stream_name, const char *word, struct err *e)
{
    struct app *app = context;
    const struct stream *stream = app_stream(app, stream_name);
    struct target t;
    AUTO_ERR why = {0};
    bool is_other = false;
    bool is_target = target_parse(str_from(word), &t, &why);
    if (is_target && ((t.shape == TARGET_RELATIVE && t.offset < 0) ||
                      (t.shape == TARGET_SYMBOL && !t.label.n && str_is(t.symbol, "base"))))
        return refuse_downwards(app, stream_name, word, e);
    if (is_target && !t.label.n && (t.shape == TARGET_RELATIVE || str_is(t.symbol, "head")))
        return true;
    for (uint32_t i = 0; is_target && i < app->catalogue->n_streams; i++) {
        const struct stream *one = app->catalogue->streams[i];
        err_free(&why);
        if ((!stream || one == stream) && is_head_or_id(app, one, &t, word, &is_other, &why))
            return true;
        if (one == stream)
            break;
    }
    if (is_other) {
        err_set(e, FAULT_USAGE, "\"%s\" is no target of the short form", word);
        err_hint(e, "%s %s upgrade %s", app->catalogue->program, stream_name, word);
        return false;
    }
    err_set(e, FAULT_USAGE, "\"%s\" is neither a command nor a target", word);
    if (why.message)
        err_detail(e, "%s%s%s", why.message, why.detail ? ": " : "", why.detail ? why.detail : "");
    if (why.hint)
        err_hint(e, "%s", why.hint);
    return false;
}

static const struct exit_code exit_codes[] = {
    {"0", "done, or nothing to do"},
    {"1", "failed; in a fleet at least one tenant failed for good"},
    {"2", "usage or configuration; nothing was touched"},
    {"3", "check, drift: revisions are pending"},
    {"4", "only failures that are worth a retry: unreachable, lock busy, deadline"},
    {"5", "history conflict: edited, diverged or ahead; drift: a schema differs"},
    {"128+N", "stopped by signal N at a clean boundary"},
};

void grammar_init(struct app *app)
{
    struct grammar *g = &app->grammar;
    *g = (struct grammar){
        .program = app->catalogue->program,
        .summary = "migrate the databases of this project",
        .intro = "Every revision is embedded in this executable: it needs no file beside it, no interpreter, and no "
                 "network beyond the databases. A stream is a line of revisions for one database, or for a fleet of "
                 "databases that another stream's database lists.",
        .commands = commands,
        .n_commands = sizeof commands / sizeof commands[0],
        .exit_codes = exit_codes,
        .n_exit_codes = sizeof exit_codes / sizeof exit_codes[0],
        .has_all = true,
        .target_command = "upgrade",
        .is_target = is_short_target,
        .context = app,
    };
    g->options = options_with_settings(&app->arena, options, sizeof options / sizeof options[0], &g->n_options);
    for (uint32_t i = 0; i < app->catalogue->n_streams; i++) {
        const struct stream *stream = app->catalogue->streams[i];
        const char **example = stream->kind == STREAM_FLEET ? &g->fleet : &g->single;
        vec_push(&app->arena, &g->streams, stream->name);
        if (!*example)
            *example = stream->name;
    }
}
