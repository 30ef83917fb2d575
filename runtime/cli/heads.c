/* heads, branches, show: what the embedded graph looks like. No database. */
#include "cli/format.h"
#include "cli/locks.h"
#include "cli/visits.h"

#include <string.h>

static void stream_heading(struct app *app, const struct stream *stream)
{
    if (app_is_all(app))
        output_line(&app->out, "%s:", stream->name);
}

static void add_revision_item(struct app *app, const struct graph *g, uint32_t index)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    if (!app->out.json)
        return;
    format_json(&j, g, index, NULL);
    app_add_item(app, buf_str(&object));
}

static void print_entry(struct app *app, const struct graph *g, uint32_t index)
{
    BUF_AUTO text = {0}, clean = {0};
    if (app->out.json) {
        add_revision_item(app, g, index);
        return;
    }
    format_entry(&text, g, index, 0);
    output_clean(&clean, buf_str(&text), true);
    output_raw(&app->out, buf_str(&clean));
}

/* -------------------------------------------------------------------------------------------------------- heads */

static int heads_of(struct app *app, const struct stream *stream, void *context)
{
    const struct graph *g = app_graph(app, stream);
    bool real = call_has(&app->call, "resolve-dependencies");
    struct revlist heads = real ? graph_real_heads(&app->arena, g) : graph_heads(&app->arena, g);
    (void)context;
    stream_heading(app, stream);
    for (size_t i = 0; i < heads.n; i++) {
        BUF_AUTO line = {0};
        if (app->out.json || app->out.verbosity) {
            print_entry(app, g, heads.v[i]);
            continue;
        }
        format_revision(&line, g, heads.v[i], FORMAT_BRANCHES);
        output_line(&app->out, "%s", line.p);
    }
    return EXIT_DONE;
}

static int run_heads(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, heads_of, NULL);
    app_answer_items(app, "heads");
    return status;
}

static const char *const heads_examples[] = {"tenant heads", "the newest revisions", NULL};

const struct command command_heads = {
    .name = "heads",
    .operands = "",
    .flags = COMMAND_STREAM,
    .help = "show the newest revisions",
    .more = "A head that another revision depends on is shown as an effective head; --resolve-dependencies leaves it "
            "out.",
    .examples = heads_examples,
    .run = run_heads,
};

/* ----------------------------------------------------------------------------------------------------- branches */

static void print_branch(struct app *app, const struct graph *g, uint32_t index)
{
    BUF_AUTO line = {0};
    struct revlist children = graph_children(&app->arena, g, index);
    size_t width = strlen(graph_revision(g, index)->id);
    if (app->out.verbosity) {
        format_entry(&line, g, index, 0);
    } else {
        format_revision(&line, g, index, FORMAT_BRANCHES | FORMAT_TREE);
        buf_addc(&line, '\n');
    }
    for (size_t i = 0; i < children.n; i++) {
        buf_pad(&line, ' ', width);
        buf_addz(&line, " -> ");
        format_revision(&line, g, children.v[i],
                        FORMAT_BRANCHES | FORMAT_TREE | (app->out.verbosity ? FORMAT_MESSAGE : 0));
        buf_addc(&line, '\n');
    }
    buf_addc(&line, '\n');
    output_raw(&app->out, buf_str(&line));
}

static void add_branch_item(struct app *app, const struct graph *g, uint32_t index)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    struct revlist children = graph_children(&app->arena, g, index);
    json_object(&j);
    json_put_text(&j, "revision", graph_revision(g, index)->id);
    json_key(&j, "children");
    json_array(&j);
    for (size_t i = 0; i < children.n; i++)
        format_json(&j, g, children.v[i], NULL);
    json_end_array(&j);
    json_end_object(&j);
    app_add_item(app, buf_str(&object));
}

static int branches_of(struct app *app, const struct stream *stream, void *context)
{
    const struct graph *g = app_graph(app, stream);
    struct revlist all = {0};
    AUTO_ERR e = {0};
    (void)context;
    stream_heading(app, stream);
    if (!plan_history(&app->arena, g, STR(""), NULL, &all, &e))
        return app_fail(app, &e);
    for (size_t i = 0; i < all.n; i++)
        if (graph_is_branch_point(g, all.v[i]))
            (app->out.json ? add_branch_item : print_branch)(app, g, all.v[i]);
    return EXIT_DONE;
}

static int run_branches(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, branches_of, NULL);
    app_answer_items(app, "branches");
    return status;
}

static const char *const branches_examples[] = {"tenant branches", "where the stream branches", NULL};

const struct command command_branches = {
    .name = "branches",
    .operands = "",
    .flags = COMMAND_STREAM,
    .help = "show the revisions with several children",
    .examples = branches_examples,
    .run = run_branches,
};

/* --------------------------------------------------------------------------------------------------------- show */

static const char *const direction_words[DIRECTION_COUNT] = {[DIRECTION_UP] = "up", [DIRECTION_DOWN] = "down"};

static void add_locks(struct json *j, const struct stream *s, uint32_t index)
{
    if (!stream_has_locks(s, DIALECT_POSTGRESQL))
        return;
    json_key(j, "locks");
    json_object(j);
    json_put_int(j, "server", s->locks.server_major);
    for (int d = 0; d < DIRECTION_COUNT; d++)
        locks_json(j, direction_words[d], s, index, (enum direction)d, DIALECT_POSTGRESQL);
    json_end_object(j);
}

static void show_json(struct app *app, const struct graph *g, uint32_t index)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    format_members(&j, g, index, NULL);
    add_locks(&j, graph_stream(g), index);
    json_end_object(&j);
    app_add_item(app, buf_str(&object));
}

static void show_text(struct app *app, const struct graph *g, uint32_t index)
{
    const struct stream *s = graph_stream(g);
    BUF_AUTO text = {0}, clean = {0};
    print_entry(app, g, index);
    for (int d = 0; d < DIRECTION_COUNT; d++) {
        BUF_AUTO locks = {0};
        locks_text(&locks, s, index, (enum direction)d, DIALECT_POSTGRESQL, "    ");
        if (locks.n)
            buf_addf(&text, "Locks of the %s, as measured on PostgreSQL %u:\n%s\n", direction_words[d],
                     s->locks.server_major, locks.p);
    }
    output_clean(&clean, buf_str(&text), true);
    output_raw(&app->out, buf_str(&clean));
}

static int show_in(struct app *app, const struct stream *stream, void *context)
{
    const struct graph *g = app_graph(app, stream);
    struct str symbol = str_from(app->call.operands.v[0]);
    struct strings rows = {0};
    struct revlist list = {0};
    AUTO_ERR e = {0};
    int status = EXIT_DONE;
    (void)context;
    bool current = str_is(symbol, "current") || str_ends(symbol, STR("@current"));
    if (current && !visits_one_database(app, stream, &rows, &status))
        return status;
    if (!graph_resolve(&app->arena, g, symbol, current ? &rows : NULL, &list, &e))
        return app_fail(app, &e);
    for (size_t i = 0; i < list.n; i++)
        (app->out.json ? show_json : show_text)(app, g, list.v[i]);
    return EXIT_DONE;
}

static int run_show(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, show_in, NULL);
    app_answer_items(app, "revisions");
    return status;
}

static const char *const show_examples[] = {
    "tenant show REVISION", "one revision in full", "tenant show heads", "the newest ones", NULL,
};

const struct command command_show = {
    .name = "show",
    .operands = "REVISION",
    .least = 1,
    .most = 1,
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "show a revision in full",
    .more = "REVISION may be head, heads, a label, LABEL@head or the beginning of an id. `current` reads the database; "
            "nothing else does. What its statements lock is shown where the build carries a lock report.",
    .examples = show_examples,
    .run = run_show,
};
