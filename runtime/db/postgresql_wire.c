/*
 * Sending SQL and reading what comes back. Every wait is a poll() of the socket, the cancel descriptor and a deadline;
 * results are read row by row, so that a large SELECT in a revision takes no memory; COPY states are ended, since a
 * server that waits for data waits for ever.
 *
 * When we are told to stop, or the run's deadline passes, the server is asked to cancel and gets a short time to say that
 * it did; after that the socket is shut and the server finds out by itself. Either way the connection is not used again:
 * a cancel request that arrives late would hit whatever runs then.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "db/postgresql.h"

#define CANCEL_PATIENCE_MS 5000
#define ROLLBACK_PATIENCE_MS 10000

enum wake postgresql_wait(int fd, short events, int64_t deadline, const struct stop *stop)
{
    for (;;) {
        struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = stop ? stop->cancel_fd : -1, .events = POLLIN}};
        int64_t left = clock_left(deadline);
        int ready = poll(fds, 2, left > INT_MAX ? INT_MAX : (int)left);
        if (ready > 0)
            return fds[1].revents ? WAKE_STOP : WAKE_READY;
        if (ready < 0 && errno != EINTR)
            return WAKE_READY; /* whoever reads or writes next learns what is wrong */
        if (clock_left(deadline) == 0)
            return WAKE_DEADLINE;
    }
}

/* ---- cancelling ---- */

static void *send_cancel(void *cancel)
{
    sigset_t all;
    char ignored[256];
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* libpq writes to a socket that may be gone */
    PQcancel(cancel, ignored, sizeof ignored);
    PQfreeCancel(cancel);
    return NULL;
}

/* PQcancel connects and waits without a limit, so a thread of its own does it, and nobody waits for that thread. */
static void ask_to_cancel(PGconn *conn)
{
    pthread_t thread;
    pthread_attr_t detached;
    PGcancel *cancel = PQgetCancel(conn);
    if (!cancel)
        return;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &detached, send_cancel, cancel) != 0)
        PQfreeCancel(cancel);
    pthread_attr_destroy(&detached);
}

void postgresql_hang_up(struct postgresql *p)
{
    p->dead = true;
    if (PQsocket(p->conn) >= 0)
        shutdown(PQsocket(p->conn), SHUT_RDWR);
}

/* ---- one exchange ---- */

struct exchange {
    struct postgresql *p;
    struct reply *reply;
    int64_t deadline;
    const struct stop *stop; /* NULL once we have asked for the cancel */
    bool copying_out;
    bool copy_refused;
    bool finished;
};

static void take_row(struct exchange *x, const PGresult *result)
{
    struct reply *r = x->reply;
    if (!r->row || r->refused.fault || r->cut)
        return;
    if (!r->row(r->context, r->n, result, &r->refused) && !r->refused.fault)
        err_set(&r->refused, FAULT_FAILED, "a row was refused");
}

/* Takes over `result`. */
static void take_result(struct exchange *x, PGresult *result)
{
    struct reply *r = x->reply;
    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
        take_row(x, result);
        break;
    case PGRES_EMPTY_QUERY:
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (r->completed)
            r->completed(r->context, r->n, result);
        r->n++;
        break;
    case PGRES_COPY_OUT:
        x->copying_out = true;
        break;
    case PGRES_COPY_IN:
        x->copy_refused = true;
        break;
    case PGRES_BAD_RESPONSE:
    case PGRES_FATAL_ERROR:
        if (!r->error) {
            r->error = result;
            return;
        }
        break;
    case PGRES_COPY_BOTH: /* replication only, which nobody asked for */
        postgresql_hang_up(x->p);
        break;
    case PGRES_NONFATAL_ERROR:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
        break;
    }
    PQclear(result);
}

/* Reads away the data of COPY TO STDOUT. True when it is at its end, or cannot go on. */
static bool drop_copied_rows(PGconn *conn)
{
    for (;;) {
        char *data = NULL;
        int got = PQgetCopyData(conn, &data, 1);
        PQfreemem(data);
        if (got <= 0)
            return got != 0;
    }
}

/* Whatever can be had without waiting. */
static void take_what_is_there(struct exchange *x)
{
    PGconn *conn = x->p->conn;
    while (!x->finished) {
        if (x->copy_refused) {
            int ended = PQputCopyEnd(conn, "a revision cannot read data from its client");
            if (ended == 0)
                return;
            x->copy_refused = false;
        }
        if (x->copying_out && !drop_copied_rows(conn))
            return;
        x->copying_out = false;
        if (PQisBusy(conn) && PQstatus(conn) == CONNECTION_OK)
            return;
        PGresult *result = PQgetResult(conn);
        if (result)
            take_result(x, result);
        else
            x->finished = true;
    }
}

/* We end it: ask the server, and wait a little for its answer. */
static void give_up(struct exchange *x, enum fault why)
{
    x->reply->cut = why;
    x->stop = NULL;
    x->deadline = clock_deadline(CANCEL_PATIENCE_MS);
    ask_to_cancel(x->p->conn);
}

static void wait_for_more(struct exchange *x, bool unsent)
{
    PGconn *conn = x->p->conn;
    switch (postgresql_wait(PQsocket(conn), (short)(POLLIN | (unsent ? POLLOUT : 0)), x->deadline, x->stop)) {
    case WAKE_READY:
        /* Over TLS one record may hold more than one read takes, and poll() does not see what OpenSSL keeps. */
        PQconsumeInput(conn);
        if (PQsslInUse(conn))
            PQconsumeInput(conn);
        break;
    case WAKE_STOP:
        give_up(x, FAULT_STOPPED);
        break;
    case WAKE_DEADLINE:
        if (x->reply->cut) {
            postgresql_hang_up(x->p);
            x->finished = true;
        } else {
            bool impatient = x->reply->patience_ms && clock_left(x->p->base.options.deadline) > 0;
            give_up(x, impatient ? FAULT_UNREACHABLE : FAULT_DEADLINE);
        }
        break;
    }
}

static void converse(struct exchange *x)
{
    while (!x->finished) {
        int unsent = PQflush(x->p->conn);
        take_what_is_there(x);
        if (!x->finished)
            wait_for_more(x, unsent == 1);
    }
}

static bool is_open(const struct postgresql *p)
{
    return !p->dead && PQstatus(p->conn) == CONNECTION_OK;
}

bool postgresql_exchange(struct postgresql *p, const char *sql, struct reply *reply)
{
    const struct db_options *o = &p->base.options;
    struct exchange x = {p, reply, reply->deadline ? reply->deadline : o->deadline, o->stop, false, false, false};

    if (reply->patience_ms)
        x.deadline = clock_min(clock_deadline(reply->patience_ms), x.deadline);
    if (reply->deadline)
        x.stop = NULL; /* cleaning up is short and happens in any case */
    else if (stop_cancelled(o->stop))
        reply->cut = FAULT_STOPPED;
    else if (clock_left(o->deadline) == 0)
        reply->cut = FAULT_DEADLINE;
    if (!reply->cut && !is_open(p))
        reply->cut = FAULT_LOST;
    if (reply->cut)
        return false;
    if (!PQsendQuery(p->conn, sql)) {
        reply->cut = FAULT_LOST;
        postgresql_hang_up(p);
        return false;
    }
    PQsetSingleRowMode(p->conn);
    converse(&x);

    if (reply->cut)
        postgresql_hang_up(p);
    if (reply->cut && !reply->error && x.finished && PQtransactionStatus(p->conn) == PQTRANS_IDLE)
        reply->cut = FAULT_NONE; /* the cancel came too late: all of it is done */
    if (!reply->cut && PQstatus(p->conn) != CONNECTION_OK) {
        reply->cut = FAULT_LOST;
        p->dead = true;
    }
    return !reply->cut && !reply->error && !reply->refused.fault;
}

void postgresql_reply_free(struct reply *r)
{
    PQclear(r->error);
    r->error = NULL;
    err_free(&r->refused);
}

/* ---- what went wrong ---- */

void postgresql_add_masked(struct buf *out, const struct address *where, const char *text)
{
    BUF_AUTO copy = {0};
    buf_adds(&copy, str_trim(str_from(text)));
    buf_addz(&copy, "");
    address_mask(&copy, where);
    buf_adds(out, buf_str(&copy));
}

const char *postgresql_sqlstate(const PGresult *error)
{
    const char *state = error ? PQresultErrorField(error, PG_DIAG_SQLSTATE) : NULL;
    return state ? state : "";
}

/* Worth repeating as a whole: somebody else's lock was in the way. */
static enum fault fault_of(const char *sqlstate)
{
    static const char *const lock[] = {"55P03", "40P01", "40001"};
    for (size_t i = 0; i < sizeof lock / sizeof *lock; i++)
        if (strcmp(sqlstate, lock[i]) == 0)
            return FAULT_LOCK;
    return FAULT_FAILED;
}

static void add_field(struct buf *out, const struct postgresql *p, const PGresult *error, int field, const char *before)
{
    const char *text = PQresultErrorField(error, field);
    if (!text || !*text)
        return;
    buf_addz(out, out->n ? "\n" : "");
    buf_addz(out, before);
    postgresql_add_masked(out, &p->where, text);
}

/* The server's message, detail, context and hint. */
static void carry_over(const struct postgresql *p, const PGresult *error, enum fault fault, const char *what,
                       struct err *e)
{
    BUF_AUTO message = {0};
    BUF_AUTO detail = {0};
    BUF_AUTO hint = {0};
    add_field(&message, p, error, PG_DIAG_MESSAGE_PRIMARY, "");
    if (!message.n)
        postgresql_add_masked(&message, &p->where, PQresultErrorMessage(error));
    if (what)
        err_set(e, fault, "cannot %s: %s", what, message.n ? message.p : "the server gave no reason");
    else
        err_set(e, fault, "%s", message.n ? message.p : "the server gave no reason");
    add_field(&detail, p, error, PG_DIAG_MESSAGE_DETAIL, "");
    add_field(&detail, p, error, PG_DIAG_CONTEXT, "");
    add_field(&hint, p, error, PG_DIAG_MESSAGE_HINT, "");
    if (detail.n)
        err_detail(e, "%s", detail.p);
    if (hint.n)
        err_hint(e, "%s", hint.p);
    memccpy(e->sqlstate, postgresql_sqlstate(error), 0, sizeof e->sqlstate - 1);
}

static bool explain_lost(struct postgresql *p, const struct reply *reply, const char *what, struct err *e)
{
    BUF_AUTO reason = {0};
    const char *said = reply->error ? PQresultErrorField(reply->error, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    postgresql_add_masked(&reason, &p->where, said ? said : PQerrorMessage(p->conn));
    err_set(e, FAULT_LOST, "the connection broke%s%s", what ? ": cannot " : "", what ? what : "");
    if (reason.n)
        err_detail(e, "%s", reason.p);
    if (reply->error)
        memccpy(e->sqlstate, postgresql_sqlstate(reply->error), 0, sizeof e->sqlstate - 1);
    return false;
}

static bool explain_silence(const struct postgresql *p, const struct reply *reply, struct err *e)
{
    char span[32];
    BUF_AUTO place = {0};
    address_show(&place, &p->where);
    duration_format(span, reply->patience_ms);
    err_set(e, FAULT_UNREACHABLE, "connected, but no answer from %s within %s", place.p, span);
    err_hint(e, "the server hangs, or somebody holds a lock on the version table");
    return false;
}

bool postgresql_explain(struct postgresql *p, const struct reply *reply, const char *what, struct err *e)
{
    switch ((int)reply->cut) {
    case FAULT_STOPPED:
        return err_set(e, FAULT_STOPPED, "stopped on request");
    case FAULT_DEADLINE:
        return err_set(e, FAULT_DEADLINE, "the run's deadline passed");
    case FAULT_UNREACHABLE:
        return explain_silence(p, reply, e);
    case FAULT_LOST:
        return explain_lost(p, reply, what, e);
    default:
        break;
    }
    if (reply->refused.fault)
        err_copy(e, &reply->refused);
    else
        carry_over(p, reply->error, fault_of(postgresql_sqlstate(reply->error)), what, e);
    return false;
}

void postgresql_rollback(struct postgresql *p)
{
    REPLY_AUTO reply = {.deadline = clock_deadline(ROLLBACK_PATIENCE_MS)};
    if (!is_open(p) || PQtransactionStatus(p->conn) == PQTRANS_IDLE)
        return;
    if (!postgresql_exchange(p, SQL_ROLLBACK, &reply))
        postgresql_hang_up(p);
}

bool postgresql_run(struct postgresql *p, const char *sql, struct reply *reply, const char *what, struct err *e)
{
    if (postgresql_exchange(p, sql, reply))
        return true;
    postgresql_explain(p, reply, what, e);
    postgresql_rollback(p);
    return false;
}

/* ---- what the server says besides ---- */

static void talk(void *context, const PGresult *notice)
{
    const struct postgresql *p = context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    BUF_AUTO line = {0};
    enum log_level level = TALK_DEBUG;
    add_field(&line, p, notice, PG_DIAG_MESSAGE_PRIMARY, "");
    if (severity && strcmp(severity, "WARNING") == 0)
        level = TALK_WARNING;
    else if (severity && (strcmp(severity, "NOTICE") == 0 || strcmp(severity, "INFO") == 0))
        level = TALK_NOTE;
    const char *tenant = p->base.options.tenant;
    if (line.n && tenant)
        log_line(p->base.options.log, level, "tenant %s: %s", tenant, line.p);
    else if (line.n)
        log_line(p->base.options.log, level, "%s", line.p);
}

void postgresql_watch_notices(struct postgresql *p)
{
    PQsetNoticeReceiver(p->conn, talk, p);
}
