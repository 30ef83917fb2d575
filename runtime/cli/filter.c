/*
 * Reads and checks the choice of tenants. What the command line alone can tell is refused before a file is opened, and
 * what files can tell before anything is connected to.
 */
#include "cli/filter.h"

#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/report.h"

enum { MOST_LIST_BYTES = 16 << 20 };

/* Those that name tenants: whoever gives one has said for whom. --exclude and --shard mean all but some. */
static const char *const naming[] = {"tenant", "x", "tenants-from", "retry-failed", "match"};
static const char *const narrowing[] = {"exclude", "shard", "canary"};

static const char *first_given(const struct call *call, const char *const *options, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (call_has(call, options[i]))
            return options[i];
    return NULL;
}

#define FIRST_GIVEN(call, options) first_given((call), (options), sizeof(options) / sizeof(options)[0])

/* ------------------------------------------------------------------------------------------------------------- words */

static bool refuse_empty(const char *what, struct err *e)
{
    err_set(e, FAULT_USAGE, "%s is empty", what);
    err_hint(e, "nobody is meant by it, and certainly not everybody");
    return false;
}

static bool none_is_empty(const struct strings *list, const char *what, struct err *e)
{
    for (size_t i = 0; i < list->n; i++)
        if (!*list->v[i])
            return refuse_empty(what, e);
    return true;
}

static bool read_keys(struct app *app, struct strings *out, struct err *e)
{
    struct strings x = call_values(&app->arena, &app->call, "x");
    for (size_t i = 0; i < x.n; i++) {
        struct str text = str_from(x.v[i]);
        size_t equals = str_find(text, '=');
        if (!str_is(str_slice(text, 0, equals), "tenant_id")) {
            err_set(e, FAULT_USAGE, "-x %s: the only key is tenant_id", x.v[i]);
            err_hint(e, "-x tenant_id=ID");
            return false;
        }
        vec_push(&app->arena, out, equals < text.n ? text.p + equals + 1 : "");
    }
    return true;
}

static const char *variable(const char *name)
{
    return getenv(name);
}

static bool read_shard(const struct app *app, struct shard *out, struct err *e)
{
    const char *text = call_value(&app->call, "shard");
    BUF_AUTO shards = {0};
    if (!text)
        return true;
    if (strcmp(text, "auto") != 0)
        return shard_parse(str_from(text), out, e);
    config_shards_variable(&shards, app->catalogue->program);
    return shard_from_environment(shards.p, variable, out, e);
}

/* All that needs no file. */
static bool read_words(struct app *app, struct choice *out, struct err *e)
{
    out->only = call_values(&app->arena, &app->call, "tenant");
    out->match = call_values(&app->arena, &app->call, "match");
    out->except = call_values(&app->arena, &app->call, "exclude");
    return read_keys(app, &out->only, e) && none_is_empty(&out->only, "the tenant's id", e) &&
           none_is_empty(&out->match, "the pattern of --match", e) &&
           none_is_empty(&out->except, "the id of --exclude", e);
}

/* ------------------------------------------------------------------------------------------------------------- files */

static bool read_list(struct app *app, const char *path, struct strings *out, struct err *e)
{
    static const char what[] = "the list of tenants";
    BUF_AUTO text = {0};
    bool is_stdin = strcmp(path, "-") == 0;
    return (is_stdin ? input_read_stdin(what, MOST_LIST_BYTES, &text, e)
                     : input_read(path, what, MOST_LIST_BYTES, &text, e)) &&
           tenants_parse(&app->arena, buf_str(&text), is_stdin ? "stdin" : path, out, e);
}

static bool read_lists(struct app *app, struct strings *out, struct err *e)
{
    struct strings files = call_values(&app->arena, &app->call, "tenants-from");
    size_t from_stdin = 0;
    for (size_t i = 0; i < files.n; i++) {
        from_stdin += strcmp(files.v[i], "-") == 0;
        if (from_stdin > 1)
            return err_set(e, FAULT_USAGE, "--tenants-from - stands twice, and stdin can be read once");
        if (!read_list(app, files.v[i], out, e))
            return false;
    }
    return true;
}

bool filter_read(struct app *app, const struct stream *stream, struct choice *out, struct err *e)
{
    const char *report = call_value(&app->call, "retry-failed");
    *out = app->choice;
    if (!report || stream->kind == STREAM_SINGLE)
        return true;
    /* A list of its own: another stream's must not grow into app->choice. */
    out->only = (struct strings){0};
    for (size_t i = 0; i < app->choice.only.n; i++)
        vec_push(&app->arena, &out->only, app->choice.only.v[i]);
    return report_read_failed(&app->arena, report, stream->name, &out->only, e);
}

bool filter_canaries(struct app *app, struct rollout *out, struct err *e)
{
    const char *text = call_value(&app->call, "canary");
    return !text || canary_parse(&app->arena, str_from(text), out, e);
}

/* ------------------------------------------------------------------------------------------------------------ checks */

static bool has_fleet(const struct app *app)
{
    for (uint32_t i = 0; i < app->catalogue->n_streams; i++)
        if (app->catalogue->streams[i]->kind == STREAM_FLEET)
            return true;
    return false;
}

static bool is_fleet(const struct app *app)
{
    return app_is_all(app) ? has_fleet(app) : app_stream(app, app->call.stream)->kind == STREAM_FLEET;
}

static bool needs_choice(const struct call *call)
{
    return call->command->flags & COMMAND_CONFIRM && !call_has(call, "sql") && !call_has(call, "dry-run");
}

static bool refuse_unnamed(const struct app *app, struct err *e)
{
    err_set(e, FAULT_USAGE, "%s writes without running a revision, and \"%s\" %s", app->call.command->name,
            app->call.stream, app_is_all(app) ? "holds a fleet" : "is a fleet");
    err_hint(e, "name the tenants with --tenant ID, or all of them with --all-tenants");
    return false;
}

/* A script is written without a look at who is there. */
static bool check_script(const struct call *call, struct err *e)
{
    const char *narrow = call_has(call, "match") ? "match" : FIRST_GIVEN(call, narrowing);
    if (!narrow || !call_has(call, "sql"))
        return true;
    err_set(e, FAULT_USAGE, "--%s chooses among the tenants of the registry, and --sql does not look", narrow);
    err_hint(e, "name the one tenant with --tenant ID");
    return false;
}

/* A share knows nothing of the others, so nobody in it could hold them back. */
static bool check_canaries(struct app *app, struct err *e)
{
    struct rollout rollout = {0};
    if (!filter_canaries(app, &rollout, e))
        return false;
    if (!rollout.canaries.n || !call_has(&app->call, "shard"))
        return true;
    err_set(e, FAULT_USAGE, "--canary %s is in one share, and the others would not wait for it", rollout.canaries.v[0]);
    err_hint(e,
             "run the canaries first, with --tenant, then the shares; or take the first N of each share: --canary N");
    return false;
}

static bool check_words(struct app *app, struct err *e)
{
    const struct call *call = &app->call;
    bool everybody = call_has(call, "all-tenants");
    const char *named = FIRST_GIVEN(call, naming), *narrowed = FIRST_GIVEN(call, narrowing);
    bool fleet = is_fleet(app);
    if (!fleet && (named || narrowed || everybody))
        return err_set(e, FAULT_USAGE, "\"%s\" is a single database and has no tenants to choose from", call->stream);
    if (named && everybody)
        return err_set(e, FAULT_USAGE, "--all-tenants and a choice of tenants exclude each other");
    if (fleet && !named && !everybody && needs_choice(call))
        return refuse_unnamed(app, e);
    return check_script(call, e) && check_canaries(app, e);
}

bool filter_check(struct app *app, struct err *e)
{
    struct choice *choice = &app->choice;
    *choice = (struct choice){0};
    if (!read_words(app, choice, e))
        return false;
    if (!app->call.stream)
        return true;
    choice->has_only = choice->only.n || call_has(&app->call, "tenants-from") || call_has(&app->call, "retry-failed");
    return check_words(app, e) && read_shard(app, &choice->shard, e) && read_lists(app, &choice->only, e);
}
