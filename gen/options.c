/* The tables of migrate-gen's command line, and the commands that only speak of them: help, version, completion. */
#include "gen/command.h"
#include "gen/lint/explain.h"
#include "tool/completion.h"
#include "tool/help.h"

static const struct option options[] = {
    {.name = "migrations", .argument = "DIR", .help = "the folder of streams (default: migrations)"},
    {.name = "name",
     .letter = 'n',
     .argument = "STREAM",
     .flags = OPTION_ALEMBIC,
     .help = "the stream, in Alembic's spelling"},
    {.name = "output",
     .letter = 'o',
     .argument = "DIR",
     .commands = "compile",
     .help = "where the C goes (default: build/gen)"},
    {.name = "program",
     .argument = "NAME",
     .commands = "compile revision check",
     .help = "the executable's name, which its environment variables begin with (default: profile-migrate)"},
    {.name = "message",
     .letter = 'm',
     .argument = "TEXT",
     .commands = "revision merge",
     .help = "what the revision does"},
    {.name = "head",
     .argument = "REV",
     .commands = "revision",
     .help = "the revision to build on: an id, LABEL@head, or base (default: the head)"},
    {.name = "splice", .commands = "revision merge", .help = "build on revisions that are no heads"},
    {.name = "branch-label",
     .argument = "LABEL",
     .flags = OPTION_REPEATS,
     .commands = "revision merge",
     .help = "name the branch that begins here"},
    {.name = "depends-on",
     .argument = "REV",
     .flags = OPTION_REPEATS,
     .commands = "revision merge",
     .help = "a revision of another branch that must be applied before"},
    {.name = "requires",
     .argument = "STREAM@REV",
     .flags = OPTION_REPEATS,
     .commands = "revision merge",
     .help = "a revision that the registry's database must have"},
    {.name = "autogenerate", .commands = "revision", .help = "write what leads from the database to the models"},
    {.name = "against",
     .argument = "URL",
     .commands = "revision check",
     .help = "the database to compare the models with"},
    {.name = "from-migrations",
     .commands = "revision check",
     .help = "compare the models with what the revisions build"},
    {.name = "tenant",
     .argument = "ID",
     .commands = "revision",
     .help = "the tenant whose database the models are compared with (default: the first that is listed)"},
    {.name = "x",
     .letter = 'x',
     .argument = "tenant_id=ID",
     .flags = OPTION_REPEATS | OPTION_ALEMBIC,
     .commands = "revision",
     .help = "as --tenant, in Alembic's spelling"},
    {.name = "rev-id",
     .argument = "ID",
     .commands = "revision merge",
     .help = "the id (default: 12 random hex digits)"},
    {.name = "dialect",
     .argument = "postgresql|sqlite",
     .commands = "diff",
     .help = "what a file's SQL is, where nothing else says it"},
    {.name = "dialect", .argument = "postgresql|sqlite", .commands = "fingerprint verify", .help = "only this engine"},
    {.name = "scratch",
     .argument = "URL",
     .commands = "diff revision check fingerprint",
     .help = "a PostgreSQL database to try things in",
     .more =
         "Everything happens in one transaction that is rolled back. Without it a server is started for as long as it "
         "takes, where PostgreSQL's programs are installed. SQLite needs neither."},
    {.name = "scratch",
     .argument = "URL",
     .commands = "verify",
     .help = "a PostgreSQL on which databases may be made",
     .more =
         "Each revision is committed there, in databases of our own, whose names begin with migrate_verify_ and which "
         "are dropped in the end. Without it a server is started for as long as it takes, where PostgreSQL's "
         "programs are installed."},
    {.name = "seed",
     .argument = "FILE",
     .flags = OPTION_REPEATS,
     .commands = "verify",
     .help = "SQL that puts rows in, each statement as soon as the schema lets it"},
    {.name = "orders",
     .argument = "N",
     .commands = "verify",
     .help = "how many steps to walk where branches can be applied in several orders (default: 2000)"},
    {.name = "no-locks", .commands = "verify", .help = "do not trace locks, and leave locks.txt as it is"},
    {.name = "check",
     .commands = "verify",
     .help = "write nothing; exit with 5 when locks.txt is not what was measured"},
    {.name = "allow-destructive",
     .argument = "KIND:NAME",
     .flags = OPTION_REPEATS | OPTION_BARE,
     .commands = "diff revision",
     .help = "write what loses rows as statements, not as comments: all of it, or one object's",
     .more = "--allow-destructive=column:documents.title means that column alone."},
    {.name = "rename",
     .argument = "KIND:OLD=NEW",
     .flags = OPTION_REPEATS,
     .commands = "diff revision",
     .help = "this is a rename, and no drop: --rename column:documents.title=headline",
     .more = "The schema file says the same for good with a comment: -- renamed from: title"},
    {.name = "online",
     .commands = "diff revision",
     .help = "build indexes CONCURRENTLY and validate constraints later (PostgreSQL)"},
    {.name = "ignore",
     .argument = "LIST",
     .commands = "diff",
     .help = "do not compare these: owners, grants, default-privileges, event-triggers"},
    {.name = "upgrade-sql",
     .argument = "[DIALECT:]FILE",
     .flags = OPTION_REPEATS,
     .commands = "import-alembic",
     .help = "what `alembic upgrade base:head --sql` printed"},
    {.name = "downgrade-sql",
     .argument = "[DIALECT:]FILE",
     .flags = OPTION_REPEATS,
     .commands = "import-alembic",
     .help = "what `alembic downgrade head:base --sql` printed"},
    {.name = "history",
     .argument = "FILE",
     .commands = "import-alembic",
     .help = "what `alembic history -v` printed: messages, labels, times, dependencies"},
    {.name = "ini",
     .argument = "FILE",
     .commands = "import-alembic",
     .help = "the project's alembic.ini, from which env.ini is made; one that is there is compared"},
    {.name = "registry",
     .argument = "STREAM",
     .commands = "import-alembic",
     .help = "the new stream is a fleet, whose tenants this stream's database lists"},
    {.name = "dialect",
     .argument = "postgresql|sqlite",
     .commands = "import-alembic",
     .help = "what scripts without a prefix are for"},
    {.name = "allow-gaps",
     .argument = "REV",
     .flags = OPTION_REPEATS | OPTION_BARE,
     .commands = "import-alembic",
     .help = "import what has no SQL, too: an empty section, or no way back; all, or one revision's"},
    {.name = "rule",
     .argument = "RULE",
     .flags = OPTION_REPEATS,
     .commands = "fix",
     .help = "only what this rule found"},
    {.name = "write", .commands = "fix", .help = "write the files, and do not only show them"},
    {.name = "explain",
     .argument = "RULE",
     .flags = OPTION_REPEATS | OPTION_BARE,
     .commands = "lint",
     .help = "say what a rule is for and show it at examples; without one list them all",
     .more = "The rule may stand behind it as a word of its own."},
    {.name = "format",
     .argument = "text|json|github|sarif",
     .commands = "lint",
     .help = "what reads the findings (default: text, people)"},
    {.name = "since",
     .argument = "REV",
     .commands = "lint",
     .help = "say nothing of this revision and of those that it builds on",
     .more =
         "They are read all the same, for what is right now depends on what is there. since = REV in [lint] says it "
         "for good."},
    {.name = "fail-on",
     .argument = "error|warning|note",
     .commands = "lint",
     .help = "exit with 1 when a finding is that bad or worse (default: error)"},
    {.name = "man", .commands = "help", .help = "the whole manual page, as roff"},
    {.name = "configuration", .commands = "help", .help = "every key of env.ini, as Markdown"},
    {.name = "rules", .commands = "help", .help = "every rule that a finding names, as Markdown"},
    {.name = "json", .help = "one JSON object a line on stdout, the answer last"},
    {.name = "quiet", .letter = 'q', .help = "warnings and errors only"},
    {.name = "verbose", .letter = 'v', .flags = OPTION_REPEATS, .help = "say more"},
    {.name = "help", .letter = 'h', .help = "help, also on a command"},
    {.name = "version", .help = "as the command version"},
};

/* ------------------------------------------------------------------------------------------------------- help */

static bool write_help(struct app *app, struct buf *out, struct err *e)
{
    const struct call *call = app->call;
    struct strings names = {0};
    if (call_has(call, "man")) {
        help_man(out, call->grammar, MIGRATE_VERSION);
        return true;
    }
    if (call_has(call, "configuration")) {
        help_configuration(out, "profile-migrate");
        return true;
    }
    if (call_has(call, "rules")) {
        explain_page(out);
        return true;
    }
    if (!call->operands.n) {
        help_overview(out, call->grammar);
        return true;
    }
    const struct command *c = command_find(call->grammar, str_from(call->operands.v[0]));
    if (c) {
        help_command(out, call->grammar, c);
        return true;
    }
    for (size_t i = 0; i < call->grammar->n_commands; i++)
        vec_push(app->arena, &names, call->grammar->commands[i]->name);
    const char *near = nearest_word(str_from(call->operands.v[0]), &names);
    err_set(e, FAULT_USAGE, "there is no command \"%s\"", call->operands.v[0]);
    if (near)
        err_hint(e, "did you mean \"%s\"?", near);
    return false;
}

static int run_help(struct app *app)
{
    BUF_AUTO text = {0};
    AUTO_ERR e = {0};
    if (!write_help(app, &text, &e))
        return app_fail(app, &e);
    output_text(&app->out, &text);
    return 0;
}

static const char *const help_examples[] = {
    "help revision",
    "everything about one command",
    "help --man | man -l -",
    "the manual page",
    "help --configuration",
    "every key of env.ini",
    NULL,
};

static const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .most = 1,
    .flags = COMMAND_ALONE,
    .help = "show this, or what a command does",
    .examples = help_examples,
    .run = run_help,
};

/* ------------------------------------------------------------------------------------- version and completion */

static int run_version(struct app *app)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "program", "migrate-gen");
    json_put_text(&j, "version", MIGRATE_VERSION);
    json_end_object(&j);
    output_object(&app->out, &object);
    output_line(&app->out, "migrate-gen %s", MIGRATE_VERSION);
    return 0;
}

static const struct command command_version = {
    .name = "version",
    .operands = "",
    .flags = COMMAND_ALONE,
    .help = "show the version",
    .run = run_version,
};

static int run_completion(struct app *app)
{
    BUF_AUTO text = {0};
    AUTO_ERR e = {0};
    if (!completion_write(&text, app->call->grammar, str_from(app->call->operands.v[0]))) {
        err_set(&e, FAULT_USAGE, "no completion for \"%s\"", app->call->operands.v[0]);
        err_hint(&e, "bash, zsh or fish");
        return app_fail(app, &e);
    }
    output_text(&app->out, &text);
    return 0;
}

static const struct command command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .least = 1,
    .most = 1,
    .flags = COMMAND_ALONE,
    .help = "print the completion of a shell",
    .run = run_completion,
};

/* ---------------------------------------------------------------------------------------------------- grammar */

static const struct command *const commands[] = {
    &command_revision, &command_merge,   &command_edit,       &command_fingerprint, &command_check,
    &command_lint,     &command_verify,  &command_diff,       &command_fix,         &command_import,
    &command_compile,  &command_version, &command_completion, &command_help,
};

static const struct exit_code exit_codes[] = {
    {"0", "no errors"},
    {"1", "errors in the migrations; or what was asked for failed or is refused"},
    {"2", "usage, a folder that is not there, or a rename that somebody must decide on; nothing was written"},
    {"4", "a database cannot be reached, or is locked: worth trying again"},
    {"5", "check: models and revisions, or a database, differ; verify --check: the lock report does"},
};

const struct grammar gen_grammar = {
    .program = "migrate-gen",
    .summary = "write revisions, check them, and turn them into C",
    .intro = "A stream is a folder of migrations with an env.ini; its revisions are SQL files in versions/. Every "
             "finding of every file is shown in one run, with its file, line and column.",
    .commands = commands,
    .n_commands = sizeof commands / sizeof *commands,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .exit_codes = exit_codes,
    .n_exit_codes = sizeof exit_codes / sizeof *exit_codes,
};
