/*
 * Worker threads over one queue of tenants. Each takes the next tenant, makes its address, visits it and notes what came of
 * it; all that they share is the queue's position, the stop, and the result under one mutex. A worker's memory is reset
 * between tenants, so a fleet needs as much as its workers do, however many tenants there are.
 */
#include "run/fleet.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "run/work.h"

struct fleet {
    const struct job *job;
    const struct tenant_list *list;
    const struct addresser *addresser;
    const struct fleet_options *options;
    struct fleet_result *result;
    uint32_t *order; /* NULL: the list's own */
    atomic_size_t next;
    pthread_mutex_t mutex; /* over result, and around options->done */
};

/* ------------------------------------------------------------------------------------------------------------ queue */

static int compare_urls(const void *a, const void *b, void *context)
{
    const struct tenant *v = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int way = strcmp(v[x].url ? v[x].url : "", v[y].url ? v[y].url : "");
    return way ? way : (x > y) - (x < y);
}

/* Tenants that are schemas of one database stand together, so that a worker finds its connection good for the next one. */
static uint32_t *order_by_database(const struct tenant_list *list)
{
    bool shared = false;
    for (size_t i = 0; i < list->n; i++)
        shared |= list->v[i].schema && list->v[i].url;
    if (!shared)
        return NULL;
    uint32_t *order = mem_alloc(list->n * sizeof *order);
    for (size_t i = 0; i < list->n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, list->n, sizeof *order, compare_urls, list->v);
    return order;
}

/* ---------------------------------------------------------------------------------------------------------- results */

static void note_failure(struct fleet_result *r, size_t tenant, struct outcome *out)
{
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
}

static void note(struct fleet *f, size_t tenant, const struct place *where, struct outcome *out)
{
    struct fleet_result *r = f->result;
    pthread_mutex_lock(&f->mutex);
    if (f->options->done)
        f->options->done(f->options->context, &f->list->v[tenant], where, out);
    r->steps += out->applied;
    r->changed += out->applied > 0;
    if (out->err.fault != FAULT_NONE) {
        r->states[tenant] = TENANT_FAILED;
        r->failed++;
        note_failure(r, tenant, out);
    } else {
        r->states[tenant] = out->skipped ? TENANT_SKIPPED : TENANT_DONE;
        r->skipped += out->skipped;
        r->done += !out->skipped;
    }
    pthread_mutex_unlock(&f->mutex);
    err_free(&out->err);
}

/* ---------------------------------------------------------------------------------------------------------- workers */

static void visit_tenant(struct fleet *f, struct arena *a, struct link *link, size_t tenant)
{
    const struct tenant *t = &f->list->v[tenant];
    struct place where = {0};
    struct outcome out = {0};
    bool placed = f->addresser->place(f->addresser->context, a, f->list, t, &where, &out.err);
    where.tenant = t->id;
    if (placed)
        visit_linked(a, f->job, &where, &f->options->observer, link, &out);
    note(f, tenant, &where, &out);
}

static void *work(void *context)
{
    struct fleet *f = context;
    struct arena a = {0};
    struct link link = {0};
    while (!stop_winding_down(f->job->stop) && clock_left(connect_deadline(f->job)) > 0) {
        size_t at = atomic_fetch_add(&f->next, 1);
        if (at >= f->list->n)
            break;
        visit_tenant(f, &a, &link, f->order ? f->order[at] : at);
        arena_reset(&a);
    }
    db_close(link.db);
    arena_free(&a);
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
        log_line(f->job->log, TALK_WARNING, "only %zu of %zu workers could be started: %s", *n, wanted, strerror(code));
    return *n || err_set(e, FAULT_FAILED, "no worker could be started: %s", strerror(code));
}

static int compare_failures(const void *a, const void *b)
{
    const struct tenant_failure *x = a, *y = b;
    return (x->tenant > y->tenant) - (x->tenant < y->tenant);
}

static bool run_workers(struct fleet *f, struct err *e)
{
    size_t n = f->options->jobs ? f->options->jobs : 1;
    if (n > f->list->n)
        n = f->list->n;
    if (!n)
        return true;
    pthread_t *threads = mem_alloc(n * sizeof *threads);
    bool ok = start_workers(f, threads, &n, e);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return ok;
}

bool fleet_run(const struct job *job, const struct tenant_list *list, const struct addresser *addresser,
               const struct fleet_options *options, struct fleet_result *out, struct err *e)
{
    struct fleet f = {.job = job, .list = list, .addresser = addresser, .options = options, .result = out};
    *out = (struct fleet_result){.states = mem_alloc(list->n)};
    atomic_init(&f.next, 0);
    pthread_mutex_init(&f.mutex, NULL);
    f.order = order_by_database(list);
    bool ok = run_workers(&f, e);
    out->not_started = list->n - out->done - out->skipped - out->failed;
    if (out->n_failures)
        qsort(out->failures, out->n_failures, sizeof *out->failures, compare_failures);
    free(f.order);
    pthread_mutex_destroy(&f.mutex);
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
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (seen[order[i]])
            return order[i];
    return 0;
}
