/*
 * What a command of migrate-gen runs with. A command prints through `out` and returns the exit status; the stages it
 * calls neither print nor exit.
 */
#ifndef GEN_COMMAND_H
#define GEN_COMMAND_H

#include "gen/source.h"
#include "tool/options.h"
#include "tool/output.h"

struct app {
    struct arena *arena;
    const struct call *call;
    struct output out;
    const char *folder; /* --migrations */
    struct source source;
};

/* The version of the product, as the build was told. */
#ifndef MIGRATE_VERSION
#define MIGRATE_VERSION "unknown"
#endif

extern const struct command command_compile, command_check;                /* compile.c */
extern const struct command command_lint;                                  /* lint/lint_command.c */
extern const struct command command_diff;                                  /* diff_command.c */
extern const struct command command_revision, command_merge, command_edit; /* author.c */
extern const struct command command_fingerprint;                           /* fingerprint.c */
extern const struct command command_fix;                                   /* fix/fix.c */
extern const struct command command_import;                                /* import/import.c */
extern const struct command command_verify;                                /* verify/verify.c */

extern const struct grammar gen_grammar; /* options.c */

/* Reads, links and checks app->folder; findings are in app->source. False: there is nothing to look at. */
bool app_check(struct app *app, struct err *e);
/* Says what is wrong; returns the exit status. */
int app_fail(struct app *app, struct err *e);
/* Findings as people or programs read them, to stderr or, with --json, to stdout; then how many there are. */
void app_show_findings(struct app *app, struct findings *all);

#endif
