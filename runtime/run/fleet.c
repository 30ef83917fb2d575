/*
 * Worker threads over one queue of tenants. Each takes a tenant, makes its address, visits it and notes what came of it; all
 * that they share is the queue and the result, under one mutex that nobody holds while waiting for a database. A worker's
 * memory is reset between tenants, so a fleet needs as much as its workers do, however many tenants there are.
 *
 * A server that has no connection left, or that nobody can reach, is nothing to sleep for: its tenant goes back into the
 * queue (run/queue.h), and the worker takes one of another server. Who finds nothing to do waits for the others to move something.
 */
#include "run/fleet.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run/queue.h"
#include "run/work.h"

enum {
    LOOK_EVERY_MS = 200, /* how soon idle workers see a stop or the deadline */
    ASKED = 0x80,        /* a bit of states[]: options->known() said no */
};

struct fleet {
    struct job job;
    const struct tenant_list *list;
    const struct addresser *addresser;
    const struct fleet_options *options;
    uint32_t *order; /* NULL: the list's own */
    size_t n_workers;
    pthread_mutex_t telling; /* around options->done and ->moved; taken before `mutex`, never after it */
    pthread_mutex_t mutex;   /* over all that follows */
    pthread_cond_t changed;  /* something may be there to take, or it is over */
    struct queue queue;
    struct fleet_result *result;
    size_t stage, stage_failed;
    size_t running, idle;
    bool second;  /* the round for those that were known, until there was doubt */
    bool settled; /* doubts() had none */
    bool over;    /* nothing more begins */
    bool watched; /* one of the idle looks at the time for all of them */
};

struct worker {
    struct fleet *fleet;
    struct arena arena;
    struct link link;
    uint32_t held;                 /* the host where the link keeps a place; QUEUE_NONE: none */
    const struct queue_pass *pass; /* what is being visited */
};

/* ------------------------------------------------------------------------------------------------------------ order */

static int compare_urls(const void *a, const void *b, void *context)
{
    const struct tenant *v = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int way = strcmp(v[x].url ? v[x].url : "", v[y].url ? v[y].url : "");
    return way ? way : (x > y) - (x < y);
}

static size_t stage_end(const struct fleet *f, size_t stage)
{
    return f->options->stages.n ? f->options->stages.ends[stage] : f->list->n;
}

static size_t stage_begin(const struct fleet *f, size_t stage)
{
    return stage ? stage_end(f, stage - 1) : 0;
}

static size_t n_stages(const struct fleet *f)
{
    return f->options->stages.n ? f->options->stages.n : 1;
}

/*
 * Tenants of a stage that are schemas of one database stand together, so that a worker finds its connection good for the
 * next one.
 */
static uint32_t *order_by_database(const struct fleet *f)
{
    const struct tenant_list *list = f->list;
    bool shared = false;
    for (size_t i = 0; i < list->n; i++)
        shared |= list->v[i].schema && list->v[i].url;
    if (!shared)
        return NULL;
    uint32_t *order = mem_alloc(list->n * sizeof *order);
    for (size_t i = 0; i < list->n; i++)
        order[i] = (uint32_t)i;
    for (size_t stage = 0; stage < n_stages(f); stage++) {
        size_t from = stage_begin(f, stage);
        qsort_r(order + from, stage_end(f, stage) - from, sizeof *order, compare_urls, list->v);
    }
    return order;
}

static size_t tenant_of(const struct fleet *f, const struct queue_pass *pass)
{
    return f->order ? f->order[pass->tenant] : pass->tenant;
}

/* ----------------------------------------------------------------------------------------------------------- stages */

static void begin_stage(struct fleet *f, size_t stage)
{
    f->stage = stage;
    f->stage_failed = 0;
    queue_begin(&f->queue, (uint32_t)stage_begin(f, stage), (uint32_t)stage_end(f, stage));
}

static void end_run(struct fleet *f)
{
    f->over = true;
    pthread_cond_broadcast(&f->changed);
}

static void halt(struct fleet *f, enum fleet_halt why)
{
    if (!f->over) {
        f->result->halt = why;
        f->result->halt_stage = f->stage;
    }
    end_run(f);
}

static bool is_canary_stage(const struct fleet *f)
{
    return f->options->stages.n && f->options->stages.canaries && f->stage == 0;
}

static bool bodies_within(const struct fleet *f)
{
    return f->options->has_max_failures ? tolerance_covers(&f->options->max_failures, f->result->bodies, f->list->n)
                                        : f->result->bodies == 0;
}

/* After each failure: is it one too many for anything to begin? */
static void halt_on_bodies(struct fleet *f)
{
    if (!f->options->has_max_failures || bodies_within(f))
        return;
    halt(f, is_canary_stage(f) ? HALT_CANARY : f->options->stages.n ? HALT_WAVE : HALT_MAX_FAILURES);
}

/* Asked when all are through. Nobody visits anything then, so it may take its time. */
static bool is_doubted(struct fleet *f)
{
    if (f->second || f->settled || !f->result->known || !f->options->doubts)
        return f->second;
    f->settled = !f->options->doubts(f->options->context);
    return !f->settled;
}

/* All of the stage are through. */
static void next_stage(struct fleet *f)
{
    if (is_canary_stage(f) && f->stage_failed) {
        halt(f, HALT_CANARY);
    } else if (f->options->stages.n && !bodies_within(f)) {
        halt(f, HALT_WAVE);
    } else if (f->stage + 1 < n_stages(f)) {
        begin_stage(f, f->stage + 1);
    } else if (!f->second && is_doubted(f)) {
        f->second = true;
        begin_stage(f, 0);
    } else {
        end_run(f);
    }
    pthread_cond_broadcast(&f->changed);
}

/* A stop and the deadline end the run wherever it is. */
static bool is_over(struct fleet *f)
{
    if (!f->over && (stop_winding_down(f->job.stop) || clock_left(connect_deadline(&f->job)) <= 0))
        end_run(f);
    return f->over;
}

/* ---------------------------------------------------------------------------------------------------------- telling */

static struct fleet_counts counts_of(struct fleet *f)
{
    const struct fleet_result *r = f->result;
    pthread_mutex_lock(&f->mutex);
    struct fleet_counts counts = {
        .total = f->list->n,
        .done = r->done + r->known + r->skipped + r->failed,
        .known = r->known,
        .failed = r->failed,
        .running = f->running,
        .stage = f->stage,
        .n_stages = f->options->stages.n,
    };
    pthread_mutex_unlock(&f->mutex);
    return counts;
}

/* With `telling` held. */
static void tell_counts(struct fleet *f)
{
    if (!f->options->moved)
        return;
    struct fleet_counts counts = counts_of(f);
    f->options->moved(f->options->context, &counts);
}

/* Whoever is telling tells the newest numbers, so nobody waits for that. */
static void tell_counts_soon(struct fleet *f)
{
    if (!f->options->moved || pthread_mutex_trylock(&f->telling) != 0)
        return;
    tell_counts(f);
    pthread_mutex_unlock(&f->telling);
}

static void tell_news(const struct fleet *f, const struct queue_news *news)
{
    if (!news->host)
        return;
    if (news->what == QUEUE_REFUSING)
        log_line(f->job.log, TALK_NOTE, "%s %s; trying again", news->host, news->why);
    else if (news->what == QUEUE_GIVEN_UP)
        log_line(f->job.log, TALK_NOTE, "%s %s; its tenants come last, with one try every %d s", news->host, news->why,
                 QUEUE_PROBE_MS / 1000);
    else
        log_line(f->job.log, TALK_NOTE, "%s %s; going on with %u tenant%s at a time", news->host, news->why,
                 news->share, news->share == 1 ? "" : "s");
}

/* What was given up with the run, because its server had nobody until then. */
static void tell_refusing(const struct fleet *f)
{
    for (uint32_t i = 0; i < f->queue.n_hosts; i++) {
        const struct queue_host *h = &f->queue.hosts[i];
        char span[32];
        if (!h->refusing_since || h->first == QUEUE_NONE)
            continue;
        duration_format(span, clock_ms() - h->refusing_since);
        log_line(f->job.log, TALK_WARNING, "%s %s; it accepted nobody for %s", h->name, h->why, span);
    }
}

/* ---------------------------------------------------------------------------------------------------------- results */

static void note_failure(struct fleet *f, size_t tenant, struct outcome *out)
{
    struct fleet_result *r = f->result;
    struct tenant_failure failure = {
        .tenant = tenant,
        .fault = out->err.fault,
        .revision = out->failed_revision ? out->failed_revision->id : NULL,
    };
    if (r->n_failures == r->failures_cap) {
        r->failures_cap = r->failures_cap ? 2 * r->failures_cap : 16;
        r->failures = mem_resize(r->failures, r->failures_cap * sizeof *r->failures);
    }
    err_move(&failure.err, &out->err);
    r->failures[r->n_failures++] = failure;
    r->states[tenant] = TENANT_FAILED;
    r->failed++;
    r->bodies += failure.fault == FAULT_FAILED && failure.revision;
    f->stage_failed++;
    halt_on_bodies(f);
}

/* The tenant is through: the last thing that anybody hears of it. */
static void note(struct fleet *f, const struct queue_pass *pass, const struct place *where, struct outcome *out)
{
    struct fleet_result *r = f->result;
    size_t tenant = tenant_of(f, pass);
    pthread_mutex_lock(&f->telling);
    if (f->options->done)
        f->options->done(f->options->context, &f->list->v[tenant], where, out);
    pthread_mutex_lock(&f->mutex);
    r->steps += out->applied;
    r->changed += out->applied > 0;
    if (out->err.fault != FAULT_NONE) {
        note_failure(f, tenant, out);
    } else {
        r->states[tenant] = out->skipped ? TENANT_SKIPPED : TENANT_DONE;
        r->skipped += out->skipped;
        r->done += !out->skipped;
    }
    f->running--;
    queue_finish(&f->queue);
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    tell_counts(f);
    pthread_mutex_unlock(&f->telling);
    err_free(&out->err);
}

/* With the mutex held: the worker's place at the host is over, but for a connection that is kept. */
static void give_back(struct worker *w, uint32_t host)
{
    if (w->link.db)
        w->held = host;
    else
        queue_release(&w->fleet->queue, host);
}

static void note_known(struct worker *w, const struct queue_pass *pass)
{
    struct fleet *f = w->fleet;
    pthread_mutex_lock(&f->mutex);
    f->result->states[tenant_of(f, pass)] = TENANT_KNOWN;
    f->result->known++;
    give_back(w, pass->host);
    queue_finish(&f->queue);
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    pthread_mutex_lock(&f->telling);
    tell_counts(f);
    pthread_mutex_unlock(&f->telling);
}

/* ----------------------------------------------------------------------------------------------------------- places */

static void let_go(struct worker *w)
{
    struct fleet *f = w->fleet;
    visit_unlink(&w->link);
    if (w->held == QUEUE_NONE)
        return;
    pthread_mutex_lock(&f->mutex);
    queue_release(&f->queue, w->held);
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    w->held = QUEUE_NONE;
}

static const char *first_said(const char *a, const char *b, const char *c)
{
    return a && *a ? a : b && *b ? b : c;
}

/* By what a server is known before anybody has spoken to it. */
static const char *host_name(struct arena *a, const struct address *address)
{
    const char *host = first_said(address_get(address, "host"), address_get(address, "hostaddr"), getenv("PGHOST"));
    return arena_printf(a, "%s:%s", first_said(host, NULL, "localhost"),
                        first_said(address_get(address, "port"), getenv("PGPORT"), "5432"));
}

/* False: the tenant waits at its host now. */
static bool find_place(struct worker *w, struct queue_pass *pass, const struct place *where)
{
    struct fleet *f = w->fleet;
    bool on_host = where->address.dialect == DIALECT_POSTGRESQL, entered = true;
    const char *name = on_host ? host_name(&w->arena, &where->address) : NULL;
    uint32_t host = pass->host;
    pthread_mutex_lock(&f->mutex);
    if (on_host && host == QUEUE_NONE)
        host = queue_host(&f->queue, name);
    if (w->link.db && w->held != host) { /* of no use there */
        pthread_mutex_unlock(&f->mutex);
        let_go(w);
        pthread_mutex_lock(&f->mutex);
    }
    if (on_host && pass->host == QUEUE_NONE) {
        entered = queue_enter(&f->queue, pass, host, w->held, clock_ms());
    }
    w->held = QUEUE_NONE; /* the pass has it */
    w->link.counted = on_host && f->queue.hosts[host].share < f->n_workers;
    pthread_mutex_unlock(&f->mutex);
    if (!entered)
        visit_unlink(&w->link);
    return entered;
}

/* ---------------------------------------------------------------------------------------------------------- workers */

/* Known to need no visit? Asked at the last moment, when most is known, and once of each. */
static bool is_known(struct fleet *f, const struct queue_pass *pass, const struct place *where)
{
    uint8_t *state = &f->result->states[tenant_of(f, pass)]; /* this worker's alone while it has the tenant in hand */
    if (!f->options->known || f->second || *state & ASKED)
        return false;
    *state |= ASKED;
    return f->options->known(f->options->context, &f->list->v[tenant_of(f, pass)], where);
}

/* Did the server have a connection for it, whatever became of the visit then? */
static bool was_accepted(const struct outcome *out)
{
    enum fault fault = out->err.fault;
    if (fault == FAULT_LOST || fault == FAULT_UNREACHABLE) /* it was there, and is not any more */
        return false;
    return out->has_state || fault == FAULT_NONE || fault == FAULT_MISSING || fault == FAULT_LOGIN;
}

static void refusal_of(const struct outcome *out, struct queue_refusal *refusal)
{
    const struct err *e = &out->err;
    *refusal = (struct queue_refusal){.kind = QUEUE_BUSY, .reason = e->message};
    if (strcmp(e->sqlstate, "53300") == 0) {
        refusal->why = "has no connection left";
    } else if (strcmp(e->sqlstate, "57P03") == 0) {
        refusal->why = "takes no connections yet";
    } else {
        refusal->kind = out->silent ? QUEUE_SILENT : QUEUE_AWAY;
        refusal->why = out->silent ? "does not answer" : "cannot be reached";
    }
}

/* The last error stands for all: what was waited for, and what to do. */
static void explain_refusal(const struct fleet *f, bool busy, struct err *e)
{
    char span[32];
    int64_t patience = busy ? f->queue.busy_ms : f->queue.away_ms;
    duration_format(span, patience);
    if (!e->hint && patience > 0)
        err_hint(e, "the server accepted nobody for %s; run again later, or wait longer with %s", span,
                 busy ? "--lock-wait" : "--wait");
}

/* True: the server had no connection, and the tenant waits for one. */
static bool was_put_back(struct fleet *f, const struct queue_pass *pass, struct outcome *out)
{
    struct queue_news news;
    struct queue_refusal refusal;
    refusal_of(out, &refusal);
    pthread_mutex_lock(&f->mutex);
    bool back = queue_refuse(&f->queue, pass, &refusal, clock_ms(), &news);
    f->running -= back;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    tell_news(f, &news);
    if (back)
        err_free(&out->err);
    else
        explain_refusal(f, refusal.kind == QUEUE_BUSY, &out->err);
    return back;
}

static void leave_host(struct worker *w, const struct queue_pass *pass, const struct outcome *out)
{
    struct fleet *f = w->fleet;
    struct queue_news news = {0};
    pthread_mutex_lock(&f->mutex);
    if (was_accepted(out))
        queue_accept(&f->queue, pass, clock_ms(), &news);
    give_back(w, pass->host);
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    tell_news(f, &news);
}

/* Called from a visit: the server has let it in. */
static void note_opened(void *context)
{
    struct worker *w = context;
    struct fleet *f = w->fleet;
    pthread_mutex_lock(&f->mutex);
    queue_meet(&f->queue, w->pass);
    pthread_mutex_unlock(&f->mutex);
}

static void visit_placed(struct worker *w, const struct queue_pass *pass, const struct place *where)
{
    struct fleet *f = w->fleet;
    struct outcome out = {0};
    pthread_mutex_lock(&f->mutex);
    f->running++;
    pthread_mutex_unlock(&f->mutex);
    tell_counts_soon(f);
    w->pass = pass;
    visit_linked(&w->arena, &f->job, where, &f->options->observer, &w->link, &out);
    if (out.congested && was_put_back(f, pass, &out)) {
        tell_counts_soon(f);
        return;
    }
    if (!out.congested)
        leave_host(w, pass, &out);
    note(f, pass, where, &out);
}

/* Its server was given up. Nothing is known of the tenant but that. */
static void fail_untried(struct worker *w, const struct queue_pass *pass, const struct place *where)
{
    struct fleet *f = w->fleet;
    struct outcome out = {.dialect = where->address.dialect, .began = clock_ms()};
    pthread_mutex_lock(&f->mutex);
    const struct queue_host *h = &f->queue.hosts[pass->host];
    err_set(&out.err, FAULT_UNREACHABLE, "no answer from %s to %u tenants before; not tried", h->name, h->silences);
    err_detail(&out.err, "%s", h->reason);
    f->running++;
    pthread_mutex_unlock(&f->mutex);
    note(f, pass, where, &out);
}

static void settle_untried(struct worker *w, const struct queue_pass *pass, const struct place *where)
{
    let_go(w);
    if (is_known(w->fleet, pass, where))
        note_known(w, &(struct queue_pass){.tenant = pass->tenant, .host = QUEUE_NONE});
    else
        fail_untried(w, pass, where);
}

static void visit_tenant(struct worker *w, struct queue_pass *pass)
{
    struct fleet *f = w->fleet;
    const struct tenant *t = &f->list->v[tenant_of(f, pass)];
    struct place where = {0};
    struct outcome out = {0};
    bool placed = f->addresser->place(f->addresser->context, &w->arena, f->list, t, &where, &out.err);
    where.tenant = t->id;
    if (!placed) {
        pthread_mutex_lock(&f->mutex);
        if (pass->host != w->held && !pass->given_up) /* otherwise it is the connection's; or there is none */
            queue_release(&f->queue, pass->host);
        f->running++;
        pthread_mutex_unlock(&f->mutex);
        note(f, pass, &where, &out);
    } else if (pass->given_up) {
        settle_untried(w, pass, &where);
    } else if (find_place(w, pass, &where)) {
        if (is_known(f, pass, &where))
            note_known(w, pass);
        else
            visit_placed(w, pass, &where);
    }
}

/*
 * With the mutex held, until something changed or `until`. One of the idle wakes now and then to look for a stop; when it
 * goes, another takes its turn.
 */
static void wait_for_change(struct fleet *f, int64_t until)
{
    f->idle++;
    if (f->watched) {
        pthread_cond_wait(&f->changed, &f->mutex);
    } else {
        int64_t span = clock_min(LOOK_EVERY_MS, clock_left(connect_deadline(&f->job)));
        int64_t left = until == INT64_MAX ? span : clock_min(span, until - clock_ms());
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        left = left > 0 ? left : 1;
        at.tv_nsec += (long)(left % 1000) * 1000000;
        at.tv_sec += (time_t)(left / 1000) + at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        f->watched = true;
        pthread_cond_timedwait(&f->changed, &f->mutex, &at);
        f->watched = false;
        pthread_cond_signal(&f->changed);
    }
    f->idle--;
}

/* In the second round only those that were known before are visited; the others are through. */
static bool is_due(struct fleet *f, const struct queue_pass *pass)
{
    uint8_t *state = &f->result->states[tenant_of(f, pass)];
    if (!f->second || pass->host != QUEUE_NONE)
        return true;
    if (*state != TENANT_KNOWN) {
        queue_finish(&f->queue);
        return false;
    }
    *state = TENANT_NOT_STARTED;
    f->result->known--;
    return true;
}

static bool next_tenant(struct worker *w, struct queue_pass *pass)
{
    struct fleet *f = w->fleet;
    bool taken = false;
    pthread_mutex_lock(&f->mutex);
    while (!taken && !is_over(f)) {
        int64_t until;
        enum queue_answer answer = queue_take(&f->queue, w->held, clock_ms(), pass, &until);
        if (answer == QUEUE_TAKEN) {
            taken = is_due(f, pass);
        } else if (answer == QUEUE_THROUGH) {
            next_stage(f);
        } else if (w->link.db) { /* a connection that is not used is another's */
            pthread_mutex_unlock(&f->mutex);
            let_go(w);
            pthread_mutex_lock(&f->mutex);
        } else {
            wait_for_change(f, until);
        }
    }
    if (f->idle) /* there may be more */
        pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    return taken;
}

static void *work(void *context)
{
    struct worker w = {.fleet = context, .held = QUEUE_NONE};
    struct queue_pass pass;
    w.link.opened = note_opened;
    w.link.context = &w;
    while (next_tenant(&w, &pass)) {
        visit_tenant(&w, &pass);
        arena_reset(&w.arena);
    }
    let_go(&w);
    arena_free(&w.arena);
    return NULL;
}

/* Threads take no signals: those are for the one that waits for them. Faults of the thread itself stay with it. */
static void block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

static bool start_workers(struct fleet *f, pthread_t *threads, size_t *n, struct err *e)
{
    size_t wanted = *n;
    sigset_t before;
    pthread_attr_t attributes;
    int code = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 20);
    block_signals(&before);
    for (*n = 0; *n < wanted; ++*n)
        if ((code = pthread_create(&threads[*n], &attributes, work, f)))
            break;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (*n < wanted && *n)
        log_line(f->job.log, TALK_WARNING, "only %zu of %zu workers could be started: %s", *n, wanted, strerror(code));
    return *n || err_set(e, FAULT_FAILED, "no worker could be started: %s", strerror(code));
}

static int compare_failures(const void *a, const void *b)
{
    const struct tenant_failure *x = a, *y = b;
    return (x->tenant > y->tenant) - (x->tenant < y->tenant);
}

static bool run_workers(struct fleet *f, struct err *e)
{
    if (!f->n_workers)
        return true;
    pthread_t *threads = mem_alloc(f->n_workers * sizeof *threads);
    size_t n = f->n_workers;
    bool ok = start_workers(f, threads, &n, e);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return ok;
}

static void init(struct fleet *f)
{
    const struct fleet_options *o = f->options;
    size_t n = f->list->n, jobs = o->jobs ? o->jobs : 1;
    pthread_condattr_t attributes;
    f->job.defer_congested = true;
    f->job.defer_unreachable = n > 1;
    f->n_workers = jobs < n ? jobs : n;
    pthread_mutex_init(&f->mutex, NULL);
    pthread_mutex_init(&f->telling, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&f->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    f->order = order_by_database(f);
    queue_init(&f->queue, (uint32_t)n,
               (uint32_t)(o->jobs_per_host && o->jobs_per_host < jobs ? o->jobs_per_host : jobs),
               f->job.wait_ms > f->job.lock_wait_ms ? f->job.wait_ms : f->job.lock_wait_ms, f->job.wait_ms);
    begin_stage(f, 0);
}

/* Who was known, and then doubted, and not visited all the same, was not started. */
static void settle_known(struct fleet *f)
{
    struct fleet_result *r = f->result;
    bool doubted = is_doubted(f);
    for (size_t i = 0; i < f->list->n; i++) {
        r->states[i] &= (uint8_t)~ASKED;
        if (doubted && r->states[i] == TENANT_KNOWN) {
            r->states[i] = TENANT_NOT_STARTED;
            r->known--;
        }
    }
}

static void finish(struct fleet *f)
{
    struct fleet_result *r = f->result;
    settle_known(f);
    r->not_started = f->list->n - r->done - r->known - r->skipped - r->failed;
    if (!r->not_started)
        r->halt = HALT_NONE;
    if (r->n_failures)
        qsort(r->failures, r->n_failures, sizeof *r->failures, compare_failures);
    tell_refusing(f);
    queue_free(&f->queue);
    free(f->order);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
    pthread_mutex_destroy(&f->telling);
}

bool fleet_run(const struct job *job, const struct tenant_list *list, const struct addresser *addresser,
               const struct fleet_options *options, struct fleet_result *out, struct err *e)
{
    struct fleet f = {.job = *job, .list = list, .addresser = addresser, .options = options, .result = out};
    *out = (struct fleet_result){.states = mem_alloc(list->n)};
    init(&f);
    bool ok = run_workers(&f, e);
    finish(&f);
    return ok;
}

void fleet_free(struct fleet_result *result)
{
    for (size_t i = 0; i < result->n_failures; i++)
        err_free(&result->failures[i].err);
    free(result->failures);
    free(result->states);
    *result = (struct fleet_result){0};
}

/* ------------------------------------------------------------------------------------------------------- exit codes */

bool tolerance_covers(const struct tolerance *t, size_t failures, size_t n_tenants)
{
    if (!t->is_percent)
        return failures <= t->number;
    return (uint64_t)failures * 100 <= (uint64_t)t->percent * n_tenants;
}

int fleet_exit_code(const struct fleet_result *result, size_t n_tenants, const struct tolerance *tolerance)
{
    static const int order[] = {2, 1, 5, 4, 3};
    bool seen[6] = {false};
    size_t failures = 0;
    for (size_t i = 0; i < result->n_failures; i++) {
        int code = err_exit_code(result->failures[i].fault);
        /* 2 promises that nothing was touched. */
        if (code == 2 && result->changed)
            code = 1;
        seen[code] = true;
        failures += code == 1 || code == 4 || code == 5;
    }
    if (tolerance_covers(tolerance, failures, n_tenants))
        seen[1] = seen[4] = seen[5] = false;
    seen[1] |= result->halt != HALT_NONE;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (seen[order[i]])
            return order[i];
    return 0;
}
