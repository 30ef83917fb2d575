/*
 * profile-migrate: the process. Signals, the command line, one command, its status.
 *
 * A command that visits databases runs in a thread of its own, with every signal blocked in every thread; the main
 * thread waits for a signal or for the command's end. A first SIGTERM, SIGINT or SIGHUP winds down (what runs may finish,
 * nothing new begins); after the grace, or at a second signal, what runs is cancelled; should even that not end it, the
 * process leaves. A kill is safe at any instant, so leaving is too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/filter.h"
#include "cli/report.h"
#include "db/scram_keys.h"

/* How long a cancelled command may take to say goodbye. */
enum { LEAVE_AFTER_MS = 10000 };

struct worker {
    struct app *app;
    int done_fd;
    int status;
};

static int run_reported(struct app *app)
{
    struct report report;
    AUTO_ERR e = {0};
    if (!report_begin(&report, app, &e))
        return app_fail(app, &e);
    app->report = &report;
    return report_finish(&report, app->call.command->run(app));
}

static void *run_command(void *context)
{
    struct worker *w = context;
    uint64_t one = 1;
    w->status = run_reported(w->app);
    (void)!write(w->done_fd, &one, sizeof one);
    return NULL;
}

/* The signals that ask for a stop. A SIGHUP that was ignored (nohup) stays ignored. */
static void stop_signals(sigset_t *out)
{
    struct sigaction hup;
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
        sigaddset(out, SIGHUP);
}

/*
 * Whoever reads our output may have stopped reading. The command then waits inside a write, and so would the main thread
 * when it says something. The alarm ends that.
 */
static volatile sig_atomic_t leave_status;

static void leave_at_once(int signal)
{
    (void)signal;
    _exit(leave_status);
}

static void leave_at_latest(int signal, int64_t ms)
{
    struct sigaction action = {.sa_handler = leave_at_once};
    leave_status = EXIT_SIGNAL + signal;
    sigaction(SIGALRM, &action, NULL);
    alarm((unsigned)(ms / 1000) + 1);
}

enum stage { RUNNING, WINDING_DOWN, CANCELLED };

static void take_signal(struct app *app, int signal_fd, enum stage *stage, int64_t *deadline)
{
    struct signalfd_siginfo info;
    if (read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (*stage == RUNNING) {
        int64_t grace = atomic_load(&app->grace_ms);
        stop_wind_down(&app->stop, (int)info.ssi_signo);
        *stage = WINDING_DOWN;
        *deadline = clock_deadline(grace);
        leave_at_latest((int)info.ssi_signo, grace + LEAVE_AFTER_MS);
        char span[32];
        duration_format(span, grace);
        output_talk(&app->out, TALK_NOTE, "%s: finishing what runs, for at most %s", strsignal((int)info.ssi_signo),
                    span);
    } else {
        *deadline = clock_ms();
    }
}

static void leave(struct app *app)
{
    output_talk(&app->out, TALK_ERROR, "the command did not end when it was cancelled; leaving");
    output_finish(&app->out);
    _exit(EXIT_SIGNAL + atomic_load(&app->stop.signal));
}

/* Waits for the command's end, and in the meantime for signals. */
static void attend(struct app *app, int signal_fd, int done_fd)
{
    struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN}, {.fd = done_fd, .events = POLLIN}};
    enum stage stage = RUNNING;
    int64_t deadline = DEADLINE_NEVER;
    for (;;) {
        /* On a terminal the progress line is kept alive from here, where nothing else is to be done. */
        int64_t longest = app->out.terminal ? OUTPUT_TICK_MS : 60000;
        int64_t left = clock_min(clock_left(deadline), longest);
        int timeout = deadline == DEADLINE_NEVER && !app->out.terminal ? -1 : (int)left;
        int ready = poll(fds, 2, timeout);
        if (ready == 0)
            output_tick(&app->out);
        if (ready > 0 && fds[1].revents)
            return;
        if (ready > 0 && fds[0].revents)
            take_signal(app, signal_fd, &stage, &deadline);
        if (stage == RUNNING || clock_left(deadline) > 0)
            continue;
        if (stage == CANCELLED)
            leave(app);
        stop_cancel(&app->stop);
        stage = CANCELLED;
        deadline = clock_deadline(LEAVE_AFTER_MS);
    }
}

static int run_attended(struct app *app)
{
    sigset_t signals;
    pthread_t thread;
    AUTO_ERR e = {0};
    struct worker w = {.app = app, .status = EXIT_FAILED};
    stop_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    w.done_fd = eventfd(0, EFD_CLOEXEC);
    if (signal_fd < 0 || w.done_fd < 0) {
        err_set(&e, FAULT_FAILED, "cannot wait for signals: %s", strerror(errno));
        return app_fail(app, &e);
    }
    if (!stop_init(&app->stop, &e))
        return app_fail(app, &e);
    int code = pthread_create(&thread, NULL, run_command, &w);
    if (code) {
        err_set(&e, FAULT_FAILED, "cannot start a thread: %s", strerror(code));
        return app_fail(app, &e);
    }
    attend(app, signal_fd, w.done_fd);
    pthread_join(thread, NULL);
    stop_free(&app->stop);
    close(signal_fd);
    close(w.done_fd);
    return w.status;
}

/* Output follows the command line even where that could not be understood. */
static void set_output(struct app *app)
{
    app->out.json = call_has(&app->call, "json");
    app->out.quiet = call_has(&app->call, "quiet");
    app->out.verbosity = call_count(&app->call, "verbose");
}

static void note_habits(struct app *app)
{
    if (call_has(&app->call, "config"))
        output_talk(&app->out, TALK_NOTE, "no configuration file is needed; -c %s is ignored",
                    call_value(&app->call, "config"));
    struct strings unknown = config_unknown_variables(&app->arena, app->catalogue);
    for (size_t i = 0; i < unknown.n; i++)
        output_talk(&app->out, TALK_WARNING, "%s", unknown.v[i]);
}

/* Addresses on the command line may hold passwords, and everybody can read a process's arguments. */
static void hide_addresses(struct app *app, int argc, char **argv)
{
    for (size_t i = 0; i < app->call.given.n; i++) {
        struct given *g = &app->call.given.v[i];
        if (!g->value || strcmp(g->option->argument, "URL") != 0)
            continue;
        for (int k = 1; k < argc; k++) {
            size_t n = strlen(argv[k]);
            if (g->value < argv[k] || g->value > argv[k] + n)
                continue;
            char *p = argv[k] + (g->value - argv[k]);
            g->value = arena_strdup(&app->arena, p);
            memset(p, '*', strlen(p));
        }
    }
}

static int run(struct app *app, int argc, char **argv)
{
    AUTO_ERR e = {0};
    bool understood = options_parse(&app->arena, &app->grammar, argc, argv, &app->call, &e);
    hide_addresses(app, argc, argv);
    set_output(app);
    if (!understood || !filter_check(app, &e))
        return app_fail(app, &e);
    note_habits(app);
    return app->call.command->flags & COMMAND_VISITS ? run_attended(app) : app->call.command->run(app);
}

/* Whether logging in was as cheap as it can be; nothing is said where no password was asked for. */
static void tell_scram_keys(struct app *app)
{
    struct scram_counts keys = scram_keys_counts();
    if (keys.derived)
        output_talk(&app->out, TALK_DEBUG, "SCRAM keys: %" PRIu64 " derived, %" PRIu64 " reused", keys.derived,
                    keys.reused);
}

/*
 * Whoever starts us with stdout closed must not find the answer in a database that was opened as descriptor 1. The
 * root folder is always there, and cannot be written to.
 */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_RDONLY | O_DIRECTORY) != fd)
            _exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
    struct app app = {.catalogue = &migrate_catalogue, .started = clock_ms()};
    occupy_standard_descriptors();
    /* Memory holds passwords: no core file, no debugger of the same user. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
    output_init(&app.out, stdout, stderr);
    app.log = output_log(&app.out);
    grammar_init(&app);
    int status = run(&app, argc, argv);
    tell_scram_keys(&app);
    if (!output_finish(&app.out))
        status = exit_worse(status, EXIT_FAILED);
    buf_free(&app.items);
    arena_free(&app.arena);
    return status;
}
