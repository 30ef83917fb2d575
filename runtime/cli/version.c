/* version: the executable, the libraries in it, and what it carries. */
#include "cli/app.h"
#include "cli/format.h"
#include "cli/sbom.h"
#include "db/libraries.h"

static const char *library(struct app *app, int which)
{
    return library_version(&app->arena, which);
}

static void stream_object(struct app *app, struct json *j, const struct stream *stream)
{
    const struct graph *g = app_graph(app, stream);
    struct revlist heads = graph_real_heads(&app->arena, g);
    char hex[2 * sizeof stream->sha256 + 1];
    for (size_t i = 0; i < sizeof stream->sha256; i++)
        snprintf(hex + 2 * i, 3, "%02x", stream->sha256[i]);
    json_object(j);
    json_put_text(j, "stream", stream->name);
    json_put_text(j, "kind", stream->kind == STREAM_FLEET ? "fleet" : "single");
    json_put_int(j, "revisions", stream->n_revisions);
    json_key(j, "heads");
    json_array(j);
    for (size_t i = 0; i < heads.n; i++)
        json_text(j, graph_revision(g, heads.v[i])->id);
    json_end_array(j);
    json_put_text(j, "sha256", hex);
    json_end_object(j);
}

static void print_json(struct app *app)
{
    const struct catalogue *c = app->catalogue;
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    json_object(&j);
    json_put_text(&j, "program", c->program);
    json_put_text(&j, "version", MIGRATE_VERSION);
    json_put_text(&j, "build_id", c->build_id);
    json_put_text(&j, "libpq", library(app, LIBRARY_LIBPQ));
    json_put_text(&j, "sqlite", library(app, LIBRARY_SQLITE));
    json_put_text(&j, "openssl", library(app, LIBRARY_OPENSSL));
    json_key(&j, "streams");
    json_array(&j);
    for (uint32_t i = 0; i < c->n_streams; i++)
        stream_object(app, &j, c->streams[i]);
    json_end_array(&j);
    json_end_object(&j);
    output_object(&app->out, &object);
}

/* The same bytes with --json and without: it is one object on one line as it is. */
static int print_sbom(struct app *app)
{
    output_raw(&app->out, str_from(migrate_sbom));
    return EXIT_DONE;
}

static int run_version(struct app *app)
{
    const struct catalogue *c = app->catalogue;
    if (call_has(&app->call, "sbom"))
        return print_sbom(app);
    if (app->out.json) {
        print_json(app);
        return EXIT_DONE;
    }
    output_line(&app->out, "%s %s (build %s)", c->program, MIGRATE_VERSION, c->build_id);
    output_line(&app->out, "libpq %s, SQLite %s, OpenSSL %s", library(app, LIBRARY_LIBPQ), library(app, LIBRARY_SQLITE),
                library(app, LIBRARY_OPENSSL));
    for (uint32_t i = 0; i < c->n_streams; i++) {
        BUF_AUTO heads = {0};
        const struct graph *g = app_graph(app, c->streams[i]);
        struct revlist list = graph_real_heads(&app->arena, g);
        format_ids(&heads, g, &list);
        output_line(&app->out, "%s: %u revision%s, head %s", c->streams[i]->name, c->streams[i]->n_revisions,
                    c->streams[i]->n_revisions == 1 ? "" : "s", heads.n ? heads.p : "<base>");
    }
    return EXIT_DONE;
}

static const char *const version_examples[] = {
    "version --json",
    "the executable, its libraries, its streams",
    "version --sbom | python3 -m json.tool",
    "what it was linked from",
    NULL,
};

const struct command command_version = {
    .name = "version",
    .operands = "",
    .flags = COMMAND_ALONE,
    .help = "show the version, the libraries and the streams",
    .examples = version_examples,
    .run = run_version,
};
