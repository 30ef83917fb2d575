/* tenants: the list as the fleet sees it, with every address resolved and no password shown. No tenant is visited. */
#include "cli/visits.h"

static void add_item(struct app *app, const struct stream *stream, const struct tenant *t,
                     const struct address *address, const struct err *e)
{
    BUF_AUTO object = {0}, shown = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "stream", stream->name);
    json_put_text(&j, "tenant", t->id);
    if (!e->fault)
        address_show(&shown, address);
    json_put_text(&j, "address", e->fault ? NULL : shown.p);
    json_put_text(&j, "schema", t->schema);
    if (e->fault) {
        json_key(&j, "error");
        json_object(&j);
        output_error_members(&j, e);
        json_end_object(&j);
    }
    json_end_object(&j);
    app_add_item(app, buf_str(&object));
}

static void show_tenant(struct visits *v, const struct tenant *t, int *status)
{
    ARENA_AUTO arena = {0};
    AUTO_ERR e = {0};
    struct address address = {0};
    BUF_AUTO line = {0};
    struct config_row row = {.tenant = t->id, .url = t->url, .columns = &v->tenants.columns, .values = t->values};
    bool ok = config_tenant_address(&v->config, &arena, &row, &address, &e);
    if (!ok)
        *status = exit_worse(*status, err_exit_code(e.fault));
    if (v->app->out.json) {
        add_item(v->app, v->stream, t, &address, &e);
        return;
    }
    buf_addf(&line, "%s  ", t->id);
    if (ok)
        address_show(&line, &address);
    else
        buf_addf(&line, "(%s)", e.message);
    if (t->schema)
        buf_addf(&line, "  schema %s", t->schema);
    output_line(&v->app->out, "%s", line.p);
}

static int tenants_of(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    AUTO_ERR e = {0};
    int status = EXIT_DONE;
    (void)context;
    if (stream->kind == STREAM_SINGLE) {
        if (app_is_all(app))
            return EXIT_DONE;
        err_set(&e, FAULT_USAGE, "\"%s\" is a single database and has no tenants", stream->name);
        return app_fail(app, &e);
    }
    if (!visits_prepare(app, stream, JOB_READ, &v, &e) || !visits_list(&v, false, &e))
        return visits_fail(&v, &e);
    for (size_t i = 0; i < v.tenants.n; i++)
        show_tenant(&v, &v.tenants.v[i], &status);
    visits_free(&v);
    return status;
}

static int run_tenants(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, tenants_of, NULL);
    app_answer_items(app, "tenants");
    return status;
}

static const char *const tenants_examples[] = {"tenant tenants", "who would be migrated, and where", NULL};

const struct command command_tenants = {
    .name = "tenants",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "list the tenants of a fleet, passwords masked",
    .examples = tenants_examples,
    .run = run_tenants,
};
