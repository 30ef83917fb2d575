/* migrate-gen: the way from a command line to an exit status. */
#include <signal.h>
#include <stdio.h>

#include "gen/command.h"

/* ---------------------------------------------------------------------------------------------------------- answering */

int app_fail(struct app *app, struct err *e)
{
    output_error(&app->out, e, NULL);
    return err_exit_code(e->fault);
}

void app_show_findings(struct app *app, struct findings *all)
{
    findings_sort(all);
    if (app->out.json) {
        for (size_t i = 0; i < all->list.n; i++) {
            BUF_AUTO object = {0};
            finding_json(&object, &all->list.v[i]);
            output_object(&app->out, &object);
        }
        return;
    }
    BUF_AUTO text = {0};
    findings_format(&text, all);
    fwrite(text.p ? text.p : "", 1, text.n, app->out.talk);
    size_t n_warnings = findings_count(all, SEVERITY_WARNING);
    if (all->n_errors)
        output_talk(&app->out, TALK_NOTE, "%zu %s, %zu %s", all->n_errors, all->n_errors == 1 ? "error" : "errors",
                    n_warnings, n_warnings == 1 ? "warning" : "warnings");
}

int main(int argc, char **argv)
{
    ARENA_AUTO arena = {0};
    AUTO_ERR e = {0};
    struct call call = {0};
    struct app app = {.arena = &arena, .call = &call, .source = {.arena = &arena, .tool = argv[0]}};
    signal(SIGPIPE, SIG_IGN);
    output_init(&app.out, stdout, stderr);
    bool understood = options_parse(&arena, &gen_grammar, argc, argv, &call, &e);
    app.out.json = call_has(&call, "json");
    app.out.quiet = call_has(&call, "quiet");
    app.out.verbosity = call_count(&call, "verbose");
    app.folder = call_value(&call, "migrations") ? call_value(&call, "migrations") : "migrations";
    int status = understood ? call.command->run(&app) : app_fail(&app, &e);
    findings_free(&app.source.findings);
    return output_finish(&app.out) || status ? status : 1;
}
