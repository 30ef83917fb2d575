/* history: the revisions of a stream, newest first, as lines, as a drawn graph, for Graphviz or for Mermaid. */
#include "cli/draw.h"
#include "cli/format.h"
#include "cli/visits.h"

#include <string.h>

/* Is the word one of the two ends of START:END? */
static bool range_names(const char *range, const char *word)
{
    struct str rest = str_from(range), end;
    while (range && str_next(&rest, ':', &end)) {
        size_t at = str_find(end, '@');
        if (str_is(at < end.n ? str_slice(end, at + 1, end.n) : end, word))
            return true;
    }
    return false;
}

static void print_lines(struct app *app, const struct graph *g, const struct revlist *list,
                        const struct strings *current)
{
    for (size_t i = 0; i < list->n; i++) {
        BUF_AUTO text = {0}, clean = {0};
        bool is_current = strings_has(current, graph_revision(g, list->v[i])->id);
        unsigned parts = is_current ? FORMAT_CURRENT : 0;
        if (app->out.verbosity) {
            format_entry(&text, g, list->v[i], parts);
        } else {
            format_revision(&text, g, list->v[i],
                            parts | FORMAT_PARENTS | FORMAT_BRANCHES | FORMAT_TREE | FORMAT_MESSAGE);
            buf_addc(&text, '\n');
        }
        output_clean(&clean, buf_str(&text), true);
        output_raw(&app->out, buf_str(&clean));
    }
}

static void add_items(struct app *app, const struct graph *g, const struct revlist *list, const struct strings *current,
                      bool indicate)
{
    for (size_t i = 0; i < list->n; i++) {
        BUF_AUTO object = {0};
        struct json j = {.out = &object};
        bool is_current = strings_has(current, graph_revision(g, list->v[i])->id);
        format_json(&j, g, list->v[i], indicate ? &is_current : NULL);
        app_add_item(app, buf_str(&object));
    }
}

static void print_as_asked(struct app *app, const struct graph *g, const struct revlist *list,
                           const struct strings *current)
{
    const char *format = call_value(&app->call, "format");
    BUF_AUTO text = {0}, clean = {0};
    if (app->out.json) {
        add_items(app, g, list, current, call_has(&app->call, "indicate-current"));
        return;
    }
    if (!format && !call_has(&app->call, "graph")) {
        print_lines(app, g, list, current);
        return;
    }
    if (format && strcmp(format, "dot") == 0)
        draw_dot(&text, g, list, current);
    else if (format)
        draw_mermaid(&text, g, list, current);
    else
        draw_graph(&text, g, list, current);
    output_clean(&clean, buf_str(&text), true);
    output_raw(&app->out, buf_str(&clean));
}

static int history_of(struct app *app, const struct stream *stream, void *context)
{
    const struct graph *g = app_graph(app, stream);
    const char *range = call_value(&app->call, "rev-range");
    bool indicate = call_has(&app->call, "indicate-current"), needs = indicate || range_names(range, "current");
    struct strings rows = {0}, none = {0};
    struct revlist list = {0};
    AUTO_ERR e = {0};
    int status = EXIT_DONE;
    (void)context;
    if (needs && !visits_one_database(app, stream, &rows, &status))
        return status;
    if (!plan_history(&app->arena, g, str_from(range ? range : ""), needs ? &rows : NULL, &list, &e))
        return app_fail(app, &e);
    if (app_is_all(app) && !call_has(&app->call, "format"))
        output_line(&app->out, "%s:", stream->name);
    print_as_asked(app, g, &list, indicate ? &rows : &none);
    return EXIT_DONE;
}

static int run_history(struct app *app)
{
    const char *format = call_value(&app->call, "format");
    if (format && strcmp(format, "dot") != 0 && strcmp(format, "mermaid") != 0) {
        AUTO_ERR e = {0};
        err_set(&e, FAULT_USAGE, "unknown format \"%s\"", format);
        err_hint(&e, "dot or mermaid");
        return app_fail(app, &e);
    }
    int status = app_each_stream(app, (struct each){0}, history_of, NULL);
    app_answer_items(app, "revisions");
    return status;
}

static const char *const history_examples[] = {
    "tenant history",
    "every revision, newest first",
    "tenant history -r REVISION:",
    "from a revision on",
    "tenant history -r=-2:",
    "the last two",
    "tenant history --graph",
    "with its branches drawn",
    "tenant history --format mermaid",
    "for a page of documentation",
    "shared history -i",
    "which of them the database has",
    NULL,
};

const struct command command_history = {
    .name = "history",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "list the revisions, newest first",
    .more = "No database is read but for -i and for `current` in the range; a fleet then wants one --tenant.",
    .examples = history_examples,
    .run = run_history,
};
