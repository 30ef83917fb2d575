/*
 * What every command of profile-migrate works with: the command line, the embedded catalogue, where to print, and whether
 * to stop. A command is a file that exports one `const struct command`; its run() returns the exit status and has said
 * everything that there is to say.
 */
#ifndef CLI_APP_H
#define CLI_APP_H

#include "model/graph.h"
#include "run/tenants.h"
#include "tool/config.h"
#include "tool/options.h"
#include "tool/output.h"

#include "base/clock.h"
#include "base/stop.h"

struct app {
    struct arena arena;
    struct grammar grammar;
    struct call call;
    struct choice choice; /* of tenants, as the command line says it (cli/filter.h) */
    struct output out;
    struct log log;
    struct stop stop; /* only set up for commands that visit databases */
    const struct catalogue *catalogue;
    int64_t started;                  /* clock_ms() at the start of the process */
    _Atomic int64_t grace_ms;         /* of the stream that is worked on */
    struct report *report;            /* of --report; never NULL while a command runs */
    bool touched;                     /* a database was changed, of whichever stream */
    struct buf items;                 /* --json: objects of the answer so far, with commas */
    VEC(const struct graph *) graphs; /* beside catalogue->streams; NULL: not made yet */
};

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_PENDING = 3,
    EXIT_RETRY = 4,
    EXIT_CONFLICT = 5,
    EXIT_SIGNAL = 128,
};

/* The more telling of two statuses: signal, 2, 1, 5, 4, 3, 0. */
int exit_worse(int a, int b);
/* Prints the error and gives its status; a stop gives 128 + the signal. */
int app_fail(struct app *app, const struct err *e);

const struct stream *app_stream(const struct app *app, const char *name); /* NULL: there is none */
bool app_is_all(const struct app *app);
/* The graph of a stream; made when it is first asked for. Not for worker threads. */
const struct graph *app_graph(struct app *app, const struct stream *stream);

/*
 * Runs a command on each stream that it was asked for, registry first (last: `backwards`). `stop_at_failure` ends at the
 * first status but 0; else all are visited and the worst status counts.
 */
struct each {
    bool backwards;
    bool stop_at_failure;
};
int app_each_stream(struct app *app, struct each how,
                    int (*one)(struct app *app, const struct stream *stream, void *context), void *context);

/*
 * --json: the answer is one object, the last line. Commands collect its items, from every stream that they are run on, and
 * one of these prints it: {"KEY": [items…]}; or for commands with one object a stream that object alone, and with `all`
 * {"streams": [items…], "exit_code": N}. Without --json they do nothing.
 */
void app_add_item(struct app *app, struct str object);
void app_answer_items(struct app *app, const char *key);
void app_answer_streams(struct app *app, int status);

extern const struct command command_upgrade, command_downgrade, command_stamp, command_ensure_version, command_current,
    command_history, command_heads, command_branches, command_show, command_status, command_check, command_drift,
    command_log, command_tenants, command_wait, command_repair, command_self_check, command_export, command_version,
    command_config, command_help, command_completion, command_revision, command_merge, command_edit, command_init;

/* The tables that the parser, help, the manual and completion are made of (grammar.c). */
void grammar_init(struct app *app);

#endif
