/* Reads and checks the choice of tenants. Nothing is connected to: whether an id exists is seen when the list is read. */
#include "cli/filter.h"

bool filter_read(const struct app *app, struct arena *a, struct strings *out, struct err *e)
{
    struct strings x = call_values(a, &app->call, "x");
    *out = call_values(a, &app->call, "tenant");
    for (size_t i = 0; i < x.n; i++) {
        struct str text = str_from(x.v[i]);
        size_t equals = str_find(text, '=');
        if (!str_is(str_slice(text, 0, equals), "tenant_id")) {
            err_set(e, FAULT_USAGE, "-x %s: the only key is tenant_id", x.v[i]);
            err_hint(e, "-x tenant_id=ID");
            return false;
        }
        vec_push(a, out, equals < text.n ? text.p + equals + 1 : "");
    }
    for (size_t i = 0; i < out->n; i++)
        if (!*out->v[i]) {
            err_set(e, FAULT_USAGE, "the tenant's id is empty");
            err_hint(e, "nobody is meant by it, and certainly not everybody");
            return false;
        }
    return true;
}

static bool has_fleet(const struct app *app)
{
    for (uint32_t i = 0; i < app->catalogue->n_streams; i++)
        if (app->catalogue->streams[i]->kind == STREAM_FLEET)
            return true;
    return false;
}

static bool needs_choice(const struct call *call)
{
    return call->command->flags & COMMAND_CONFIRM && !call_has(call, "sql") && !call_has(call, "dry-run");
}

bool filter_check(const struct app *app, struct err *e)
{
    ARENA_AUTO arena = {0};
    struct strings only;
    const struct call *call = &app->call;
    bool everybody = call_has(call, "all-tenants");
    if (!filter_read(app, &arena, &only, e))
        return false;
    if (!call->stream)
        return true;
    bool fleet = app_is_all(app) ? has_fleet(app) : app_stream(app, call->stream)->kind == STREAM_FLEET;
    if (!fleet && (only.n || everybody))
        return err_set(e, FAULT_USAGE, "\"%s\" is a single database and has no tenants to choose from", call->stream);
    if (only.n && everybody)
        return err_set(e, FAULT_USAGE, "--all-tenants and a choice of tenants exclude each other");
    if (!fleet || only.n || everybody || !needs_choice(call))
        return true;
    err_set(e, FAULT_USAGE, "%s writes without running a revision, and \"%s\" %s", call->command->name, call->stream,
            app_is_all(app) ? "holds a fleet" : "is a fleet");
    err_hint(e, "name the tenants with --tenant ID, or all of them with --all-tenants");
    return false;
}
