/*
 * Opening a database with patience: who is asked again, for how long, and when it is made. Decides nothing about what is
 * in the database.
 */
#include "run/work.h"

#include <string.h>

#include "run/template.h"

int64_t connect_deadline(const struct job *job)
{
    return job->deadline ? job->deadline : DEADLINE_NEVER;
}

void connect_options(const struct job *job, const struct place *where, struct db_options *options)
{
    *options = (struct db_options){
        .stream = graph_stream(job->graph)->name,
        .tenant = where->tenant,
        .version_table = job->version_table,
        .schema = where->schema,
        .version_schema = where->address.dialect == DIALECT_POSTGRESQL ? job->version_schema : NULL,
        .application_name = job->application_name,
        .actor = job->actor ? job->actor : "",
        .client_host = job->client_host ? job->client_host : "",
        .build_id = job->build_id,
        .connect_timeout_ms = job->connect_timeout_ms,
        .answer_ms = job->lock_wait_ms > job->connect_timeout_ms ? job->lock_wait_ms : job->connect_timeout_ms,
        .deadline = connect_deadline(job),
        .read_only = job->kind == JOB_READ || job->kind == JOB_WAIT,
        .allow_foreign = job->allow_foreign,
        .identify = job->identify,
        .revisions = graph_size(job->graph),
        .stop = job->stop,
        .log = job->log,
    };
}

static void add_text(struct hash *h, const char *z)
{
    hash_add_piece(h, z ? z : "", z ? strlen(z) : 0);
}

void connect_key(const struct address *address, uint8_t key[SHA256_BYTES])
{
    struct hash *h = hash_new();
    add_text(h, address->dialect == DIALECT_SQLITE ? address->path : "");
    for (size_t i = 0; i < address->n_keywords; i++) {
        add_text(h, address->keywords[i].key);
        add_text(h, address->keywords[i].value);
    }
    hash_finish(h, key);
}

/*
 * Does a missing database get made? A downgrade and a repair need something that is there. A dry run makes nothing, and
 * asks for what the run would find.
 */
static bool may_create(const struct job *job, const struct place *where)
{
    enum job_kind kind = job->kind == JOB_READ ? job->planned : job->kind;
    if (kind != JOB_UPGRADE && kind != JOB_STAMP && kind != JOB_ENSURE_VERSION)
        return false;
    if (job->on_missing == ON_MISSING_DEFAULT)
        return where->address.dialect == DIALECT_SQLITE;
    return job->on_missing == ON_MISSING_CREATE;
}

/* Too many connections, or starting: the server is there, and will have us soon. */
static bool is_passing(const struct err *e)
{
    return strcmp(e->sqlstate, "53300") == 0 || strcmp(e->sqlstate, "57P03") == 0;
}

/* As often as somebody is connected to what is to be copied; the server itself waits for five seconds each time. */
static bool make(const struct job *job, const struct place *where, const struct db_options *options, struct db **out,
                 struct err *e)
{
    int64_t until = clock_min(clock_ms() + job->lock_wait_ms, connect_deadline(job));
    while (!db_open(out, &where->address, options, e)) {
        if (e->fault != FAULT_LOCK)
            return false;
        if (clock_left(until) <= 0) {
            err_hint(e,
                     "nobody may stay connected to what is copied; ALTER DATABASE … CONNECTION LIMIT keeps others out");
            return false;
        }
        if (job->log)
            log_line(job->log, TALK_NOTE, "%s; trying again", e->message);
        if (!stop_sleep(job->stop, clock_min(clock_jitter(200), clock_left(until)), false))
            return err_set(e, FAULT_STOPPED, "stopped while waiting for the template");
        err_free(e);
    }
    return true;
}

static bool open_or_create(const struct job *job, const struct place *where, const struct db_options *options,
                           struct db **out, bool *created, struct err *e)
{
    struct db_options first = *options;
    /* A schema of its own is looked for when the database is read, and made with the first write. */
    first.create = where->schema && may_create(job, where);
    if (db_open(out, &where->address, &first, e))
        return true;
    if (e->fault != FAULT_MISSING || !may_create(job, where))
        return false;
    struct db_options making = *options;
    making.create = true;
    making.is_template = job->makes_template;
    err_free(e);
    if (!options->read_only && template_counts(job, where)) {
        if (!template_ready(job, where, e))
            return false;
        making.template = job->template->name;
    }
    bool ok = make(job, where, &making, out, e);
    *created = ok && !options->read_only;
    return ok;
}

void connect_hint_missing(const struct job *job, const struct place *where, struct err *e)
{
    if (e->fault != FAULT_MISSING || e->hint)
        return;
    const char *program = job->catalogue ? job->catalogue->program : "profile-migrate";
    const char *stream = graph_stream(job->graph)->name;
    if (where->address.dialect == DIALECT_SQLITE && job->on_missing == ON_MISSING_DEFAULT)
        err_hint(e, "`%s %s head` makes it", program, stream);
    else
        err_hint(e, "create it, or let `%s %s head --on-missing create` do so", program, stream);
}

static bool open_patiently(const struct job *job, const struct place *where, const struct db_options *options,
                           int64_t at_least_ms, bool defer, struct db **out, bool *created, struct err *e)
{
    int64_t began = clock_ms();
    int64_t passing_ms = job->wait_ms > job->lock_wait_ms ? job->wait_ms : job->lock_wait_ms;
    int64_t any_ms = job->wait_ms > at_least_ms ? job->wait_ms : at_least_ms;
    int64_t pause = 100;
    for (;;) {
        if (open_or_create(job, where, options, out, created, e))
            return true;
        if (defer && is_passing(e))
            return false;
        int64_t patience = is_passing(e) && passing_ms > any_ms ? passing_ms : any_ms;
        int64_t left = clock_min(began + patience - clock_ms(), clock_left(connect_deadline(job)));
        if ((e->fault != FAULT_UNREACHABLE && e->fault != FAULT_LOST) || left <= 0)
            break;
        if (!stop_sleep(job->stop, clock_min(clock_jitter(pause), left), false))
            return err_set(e, FAULT_STOPPED, "stopped while waiting for the database to answer");
        err_free(e); /* of no interest once the next attempt succeeds */
        pause = clock_min(2 * pause, 2000);
    }
    connect_hint_missing(job, where, e);
    if (job->wait_ms > 0 && e->fault == FAULT_UNREACHABLE && !e->hint)
        err_hint(e, "it did not answer in %lld ms", (long long)(clock_ms() - began));
    return false;
}

bool connect_open(const struct job *job, const struct place *where, const struct db_options *options,
                  int64_t at_least_ms, struct db **out, bool *created, struct err *e)
{
    return open_patiently(job, where, options, at_least_ms, false, out, created, e);
}

/* Once: whether it is asked again is the caller's business. */
static bool open_once(struct work *w, bool *created)
{
    int64_t began = clock_ms(), most = w->job->connect_timeout_ms;
    if (open_or_create(w->job, w->where, &w->options, &w->db, created, w->e))
        return true;
    connect_hint_missing(w->job, w->where, w->e);
    w->out->congested = w->e->fault == FAULT_UNREACHABLE || w->e->fault == FAULT_LOST;
    w->out->silent = w->out->congested && most > 0 && clock_ms() - began >= most;
    return false;
}

static bool open_again(struct work *w, int64_t at_least_ms, bool *created)
{
    bool defer = w->job->defer_congested && !w->surveyed;
    bool ok = open_patiently(w->job, w->where, &w->options, at_least_ms, defer, &w->db, created, w->e);
    w->out->congested = !ok && defer && is_passing(w->e);
    return ok;
}

bool connect_visit(struct work *w, int64_t at_least_ms)
{
    bool once = w->job->defer_unreachable && !at_least_ms && w->where->address.dialect == DIALECT_POSTGRESQL;
    bool created = false;
    bool ok = once ? open_once(w, &created) : open_again(w, at_least_ms, &created);
    w->out->created |= created;
    if (ok && w->link->opened)
        w->link->opened(w->link->context);
    return ok;
}
