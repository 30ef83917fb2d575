/*
 * What a visit does about a fault: wait for the lock, back off, reconnect; or let it stand. Each kind of patience is
 * bounded, and starts anew whenever the database has moved, because then somebody gets on with the work.
 */
#include "run/work.h"

enum {
    TELL_EVERY_MS = 10000,
    RECONNECT_MS = 60000, /* how long a server that went away may take to come back */
    MAX_LOST = 5,
    BETWEEN_MS = 5000, /* how long nobody may be at work on a database that is neither ahead nor not */
    MAX_CHANGED = 20,  /* "changed" although every reading shows the same rows */
};

void recover_reset(struct work *w)
{
    w->patience = (struct patience){.last_line = w->patience.last_line};
}

bool recover_sleep(struct work *w, int64_t ms, const char *what)
{
    int64_t left = clock_left(connect_deadline(w->job));
    if (left <= 0)
        return err_set(w->e, FAULT_DEADLINE, "the deadline passed %s", what);
    if (!stop_sleep(w->job->stop, clock_min(clock_jitter(ms), left), false))
        return err_set(w->e, FAULT_STOPPED, "stopped %s", what);
    return true;
}

void recover_tell(struct work *w, const char *why)
{
    int64_t now = clock_ms();
    if (w->patience.last_line && now - w->patience.last_line < TELL_EVERY_MS)
        return;
    w->patience.last_line = now;
    if (w->observer.waiting)
        w->observer.waiting(w->observer.context, w->where, why);
    else
        work_say(w, TALK_NOTE, "%s", why);
}

static void tell_waiting(struct work *w, int64_t waited, const struct buf *holder)
{
    BUF_AUTO why = {0};
    char span[32];
    duration_format(span, waited);
    buf_addf(&why, "waiting for the migration lock since %s", span);
    if (holder->n)
        buf_addf(&why, ", held by %s", holder->p);
    recover_tell(w, why.p);
}

static bool give_up_waiting(struct work *w, const struct buf *holder)
{
    char span[32];
    duration_format(span, w->job->lock_wait_ms);
    err_set(w->e, FAULT_BUSY, "another process migrates this database; waited %s for its lock", span);
    if (holder->n)
        err_detail(w->e, "held by %s", holder->p);
    err_hint(w->e, "run again later, or wait longer with --lock-wait");
    return false;
}

bool recover_wait_for_lock(struct work *w)
{
    struct patience *p = &w->patience;
    int64_t pause = 25;
    BUF_AUTO holder = {0};
    if (!p->busy_since) {
        p->busy_since = clock_ms();
        p->last_line = clock_ms(); /* a wait of less than 10 s is not worth a line */
    }
    for (;;) {
        int64_t waited = clock_ms() - p->busy_since;
        if (waited >= w->job->lock_wait_ms)
            return give_up_waiting(w, &holder);
        if (!recover_sleep(w, clock_min(pause, w->job->lock_wait_ms - waited + 1), "while waiting for the lock"))
            return false;
        pause = clock_min(2 * pause, 1000);
        bool is_free = false;
        buf_reset(&holder);
        err_free(w->e);
        if (w->options.read_only) /* takes no lock, so it can only look again */
            return true;
        if (!db_lock_free(w->db, &is_free, &holder, w->e))
            return false;
        if (is_free)
            return true;
        tell_waiting(w, clock_ms() - p->busy_since, &holder);
    }
}

/* Exponential, with full jitter: the same revision as a whole, because its locks are gone with its transaction. */
static bool back_off(struct work *w)
{
    if (w->patience.lock_tries >= w->job->lock_retries) {
        if (w->job->lock_retries)
            err_hint(w->e, "tried %u times; raise lock_timeout or lock_retries, or run when the tables are less busy",
                     w->job->lock_retries + 1);
        return false;
    }
    unsigned shift = w->patience.lock_tries++;
    int64_t span = clock_min((int64_t)200 << (shift < 8 ? shift : 8), 30000);
    work_say(w, TALK_NOTE, "%s; trying again", w->e->message);
    err_free(w->e);
    return recover_sleep(w, span, "between two tries for a lock");
}

/*
 * A broken connection leaves open whether its last message was committed, and its session may still be at work. So: connect
 * again, wait until the lock is free, then read.
 */
static bool reconnect(struct work *w)
{
    if (w->patience.lost++ >= MAX_LOST)
        return false;
    work_say(w, TALK_NOTE, "%s; connecting again", w->e->message);
    db_close(w->db);
    w->db = NULL;
    err_free(w->e);
    if (!connect_visit(w, clock_min(RECONNECT_MS, w->job->lock_wait_ms)))
        return false;
    if (w->options.read_only)
        return true;
    bool is_free = false;
    BUF_AUTO holder = {0};
    if (!db_lock_free(w->db, &is_free, &holder, w->e))
        return w->e->fault == FAULT_LOST && reconnect(w);
    if (is_free)
        return true;
    return recover_wait_for_lock(w) || (w->e->fault == FAULT_LOST && reconnect(w));
}

static bool again_changed(struct work *w)
{
    if (w->patience.changed++ >= MAX_CHANGED)
        return false;
    err_free(w->e);
    return recover_sleep(w, 20, "between two readings of the version rows");
}

/*
 * In a rolling update a later executable may be seen between two of its revisions, with one of ours still to come. As long as
 * the rows move or the lock is held, somebody gets on with it.
 */
static bool wait_for_later(struct work *w)
{
    bool is_free = true;
    BUF_AUTO holder = {0};
    AUTO_ERR ignored = {0};
    if (!w->patience.between_since)
        w->patience.between_since = clock_ms();
    if (!db_lock_free(w->db, &is_free, &holder, &ignored) || is_free) {
        if (clock_ms() - w->patience.between_since >= BETWEEN_MS)
            return false;
        err_free(w->e);
        return recover_sleep(w, 100, "while a later executable is at work");
    }
    w->patience.between_since = 0; /* lock_wait bounds this */
    return recover_wait_for_lock(w) || w->e->fault == FAULT_LOST;
}

bool recover(struct work *w)
{
    if (w->final)
        return false;
    if (w->e->fault == FAULT_DIVERGED)
        return w->between && wait_for_later(w);
    if (w->e->fault == FAULT_CHANGED)
        return again_changed(w);
    if (w->e->fault == FAULT_LOCK)
        return back_off(w);
    if (w->e->fault == FAULT_BUSY && !recover_wait_for_lock(w) && w->e->fault != FAULT_LOST)
        return false;
    if (w->e->fault == FAULT_UNREACHABLE && !*w->e->sqlstate) /* it was silent for as long as anybody waits */
        return false;
    if (w->e->fault == FAULT_LOST || w->e->fault == FAULT_UNREACHABLE)
        return reconnect(w);
    return w->e->fault == FAULT_NONE;
}
