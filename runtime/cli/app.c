/* What commands share: streams, graphs, exit statuses. */
#include "cli/app.h"

#include <string.h>

/* The order in which a status hides others. */
static int rank(int status)
{
    static const int order[] = {EXIT_DONE, EXIT_PENDING, EXIT_RETRY, EXIT_CONFLICT, EXIT_FAILED, EXIT_USAGE};
    for (int i = 0; i < (int)(sizeof order / sizeof order[0]); i++)
        if (order[i] == status)
            return i;
    return (int)(sizeof order / sizeof order[0]); /* a signal */
}

int exit_worse(int a, int b)
{
    return rank(b) > rank(a) ? b : a;
}

int app_fail(struct app *app, const struct err *e)
{
    output_error(&app->out, e, NULL);
    if (e->fault == FAULT_STOPPED)
        return EXIT_SIGNAL + atomic_load(&app->stop.signal);
    return err_exit_code(e->fault);
}

const struct stream *app_stream(const struct app *app, const char *name)
{
    for (uint32_t i = 0; i < app->catalogue->n_streams; i++)
        if (strcmp(app->catalogue->streams[i]->name, name) == 0)
            return app->catalogue->streams[i];
    return NULL;
}

bool app_is_all(const struct app *app)
{
    return app->call.stream && strcmp(app->call.stream, "all") == 0;
}

const struct graph *app_graph(struct app *app, const struct stream *stream)
{
    while (app->graphs.n < app->catalogue->n_streams)
        vec_push(&app->arena, &app->graphs, NULL);
    for (size_t i = 0; i < app->graphs.n; i++) {
        if (app->catalogue->streams[i] != stream)
            continue;
        if (!app->graphs.v[i])
            app->graphs.v[i] = graph_new(&app->arena, stream);
        return app->graphs.v[i];
    }
    return NULL;
}

int app_each_stream(struct app *app, struct each how,
                    int (*one)(struct app *app, const struct stream *stream, void *context), void *context)
{
    uint32_t n = app->catalogue->n_streams;
    int status = EXIT_DONE;
    if (!app_is_all(app))
        return one(app, app_stream(app, app->call.stream), context);
    for (uint32_t i = 0; i < n; i++) {
        const struct stream *stream = app->catalogue->streams[how.backwards ? n - 1 - i : i];
        int result = one(app, stream, context);
        /* 2 promises that nothing was touched, and a stream before this one may have been. */
        status = exit_worse(status, result == EXIT_USAGE && app->touched ? EXIT_FAILED : result);
        if (status >= EXIT_SIGNAL || (how.stop_at_failure && status != EXIT_DONE))
            break;
    }
    return status;
}

void app_add_item(struct app *app, struct str object)
{
    if (app->items.n)
        buf_addz(&app->items, ", ");
    buf_adds(&app->items, object);
}

static void answer(struct app *app, const char *key, const char *more)
{
    BUF_AUTO object = {0};
    buf_addf(&object, "{\"%s\": [", key);
    buf_adds(&object, buf_str(&app->items));
    buf_addf(&object, "]%s}", more);
    output_object(&app->out, &object);
}

void app_answer_items(struct app *app, const char *key)
{
    answer(app, key, "");
}

void app_answer_streams(struct app *app, int status)
{
    if (app_is_all(app))
        answer(app, "streams", arena_printf(&app->arena, ", \"exit_code\": %d", status));
    else if (app->items.n)
        output_object(&app->out, &app->items);
}
