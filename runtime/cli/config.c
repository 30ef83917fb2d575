/* config: every setting, its value with secrets masked, and where it came from. No database. */
#include "cli/app.h"

static const char *origin_name(enum origin origin)
{
    static const char *const names[] = {"unset", "default", "embedded", "environment", "flag"};
    return names[origin];
}

/* Where the address leads with every reference expanded, its password masked; or why that cannot be said. */
static bool resolve(struct app *app, const struct config *c, struct buf *out)
{
    struct address address = {0};
    AUTO_ERR e = {0};
    if (config_address(c, &app->arena, &address, &e)) {
        address_show(out, &address);
        return true;
    }
    buf_addf(out, "%s%s%s", e.message, e.detail ? ": " : "", e.detail ? e.detail : "");
    return false;
}

static void add_item(struct app *app, const struct config *c, enum setting_index index, const char *shown)
{
    BUF_AUTO object = {0}, variable = {0};
    struct json j = {.out = &object};
    const struct config_value *v = &c->values[index];
    setting_variable(&variable, app->catalogue->program, c->stream->name, settings[index].key);
    json_object(&j);
    json_put_text(&j, "stream", c->stream->name);
    json_put_text(&j, "key", settings[index].key);
    json_put_text(&j, "value", v->text ? shown : NULL);
    json_put_text(&j, "origin", origin_name(v->origin));
    json_put_text(&j, "where", v->where);
    json_put_text(&j, "variable", settings[index].flags & SETTING_BUILD ? NULL : variable.p);
    if (index == SET_URL && v->text) {
        BUF_AUTO address = {0};
        bool is_known = resolve(app, c, &address);
        json_put_text(&j, "resolved", is_known ? address.p : NULL);
        if (!is_known)
            json_put_text(&j, "problem", address.p);
    }
    json_end_object(&j);
    app_add_item(app, buf_str(&object));
}

static void show_item(struct app *app, const struct config *c, enum setting_index index, const char *shown)
{
    BUF_AUTO variable = {0}, address = {0};
    const struct setting *s = &settings[index];
    const struct config_value *v = &c->values[index];
    if (!(s->flags & SETTING_BUILD) && v->origin != ORIGIN_ENVIRONMENT) {
        buf_addz(&variable, "; ");
        setting_variable(&variable, app->catalogue->program, c->stream->name, s->key);
    }
    const char *behind = variable.n ? variable.p : "";
    if (*shown)
        output_line(&app->out, "%-22s = %s  (%s%s)", s->key, shown, v->where, behind);
    else
        output_line(&app->out, "%-22s   (unset%s%s)", s->key,
                    index == SET_ON_MISSING ? ": PostgreSQL fails, SQLite creates the file" : "", behind);
    if (index != SET_URL || !*shown)
        return;
    bool is_known = resolve(app, c, &address);
    output_line(&app->out, "%-22s   %s%s", "", is_known ? "-> " : "-> unknown: ", address.p);
}

static int config_of(struct app *app, const struct stream *stream, void *context)
{
    struct config c;
    AUTO_ERR e = {0};
    const char *only = app->call.stream;
    (void)context;
    if (!config_read(&app->arena, app->catalogue, stream, &app->call, &c, &e))
        return app_fail(app, &e);
    if (!only || app_is_all(app))
        output_line(&app->out, "[%s]", stream->name);
    for (size_t i = 0; i < SET_COUNT; i++) {
        BUF_AUTO shown = {0};
        if (!(settings[i].kinds & SETTING_FOR(stream->kind)))
            continue;
        config_show(&shown, &c, (enum setting_index)i);
        if (app->out.json)
            add_item(app, &c, (enum setting_index)i, shown.n ? shown.p : "");
        else
            show_item(app, &c, (enum setting_index)i, shown.n ? shown.p : "");
    }
    return EXIT_DONE;
}

static int run_config(struct app *app)
{
    int status = EXIT_DONE;
    if (app->call.stream)
        status = app_each_stream(app, (struct each){0}, config_of, NULL);
    for (uint32_t i = 0; !app->call.stream && i < app->catalogue->n_streams; i++)
        status = exit_worse(status, config_of(app, app->catalogue->streams[i], NULL));
    app_answer_items(app, "settings");
    return status;
}

static const char *const config_examples[] = {
    "config",
    "every setting of every stream, and where it came from",
    "tenant config --jobs 8",
    "as a command with that flag would see it",
    NULL,
};

const struct command command_config = {
    .name = "config",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_ALONE,
    .help = "show every setting with its origin, secrets masked",
    .more = "Flags come before the environment, that before what was embedded from env.ini, that before the default.",
    .examples = config_examples,
    .run = run_config,
};
