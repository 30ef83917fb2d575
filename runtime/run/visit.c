/*
 * A visit: open, survey, act, recover. The survey reads one message's worth and stops there when the last log row agrees
 * with what this executable carries; everything else is the exception.
 */
#include "run/work.h"

#include <string.h>

void work_say(const struct work *w, enum log_level level, const char *format, ...)
{
    if (!w->job->log)
        return;
    BUF_AUTO line = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&line, format, ap);
    va_end(ap);
    if (w->where->tenant)
        log_line(w->job->log, level, "tenant %s: %s", w->where->tenant, line.p);
    else
        log_line(w->job->log, level, "%s", line.p);
}

/* ----------------------------------------------------------------------------------------------------------- survey */

static bool reads_only(const struct job *job)
{
    return job->kind == JOB_READ;
}

/* The whole log, and what it says of each revision. */
static bool read_log(struct work *w)
{
    w->log = (struct log_list){0};
    if (w->state.has_log && !db_read_log(w->db, w->a, w->options.stream, 0, &w->log, w->e))
        return false;
    w->live = history_live(w->a, w->job->graph, &w->log);
    w->digest = (struct digest){0};
    for (size_t i = 0; i < w->applied.n; i++)
        if (w->live[w->applied.v[i]])
            digest_add_entry(&w->digest, w->live[w->applied.v[i]]);
    history_compare(w->a, w->history, w->job->graph, &w->state, &w->log, &w->findings);
    w->out->findings = w->findings;
    return true;
}

static void warn_of_findings(struct work *w)
{
    size_t unlogged = 0;
    if (w->warned)
        return;
    w->warned = true;
    for (size_t i = 0; i < w->findings.n; i++) {
        const struct history_finding *f = &w->findings.v[i];
        BUF_AUTO text = {0};
        unlogged += f->kind == HISTORY_NOT_LOGGED;
        if (f->kind == HISTORY_NOT_LOGGED || history_blocks(f->kind))
            continue;
        history_describe(&text, w->history, f);
        work_say(w, TALK_WARNING, "%s", text.p);
    }
    if (unlogged && reads_only(w->job))
        work_say(w, TALK_INFO, "%zu applied revision%s without a log row; the next upgrade records %s", unlogged,
                 unlogged > 1 ? "s stand" : " stands", unlogged > 1 ? "them" : "it");
    const struct log_entry *last = &w->state.last;
    if (w->state.has_last && w->job->kind == JOB_UPGRADE && last->state && strcmp(last->state, "done") != 0 &&
        last->direction && strcmp(last->direction, "downgrade") == 0)
        work_say(w, TALK_WARNING, "a downgrade of revision %s was begun here and not finished; its rows say applied",
                 last->revision);
}

/* The digest over what is carried for the applied revisions says whether there is anything to compare. */
static bool compare(struct work *w)
{
    w->live = NULL;
    w->findings = (struct history_findings){0};
    w->digest = history_digest(w->history, &w->applied);
    char hex[SHA256_HEX];
    digest_hex(&w->digest, hex);
    bool agrees = w->state.has_last ? w->state.last.digest && strcmp(w->state.last.digest, hex) == 0 : !w->applied.n;
    bool asked = (w->job->read_history && reads_only(w->job)) || w->job->kind == JOB_REPAIR || w->unknown.n;
    if (!agrees || asked) {
        if (!read_log(w))
            return false;
        warn_of_findings(w);
    }
    return true;
}

/* After a lost connection: was the step that was being committed ours? */
static void settle_doubt(struct work *w)
{
    const struct step *step = w->in_doubt;
    const struct log_entry *last = &w->state.last;
    w->in_doubt = NULL;
    if (!step || !step->revision || !strings_equal(&w->state.rows, &step->after) || !w->state.has_last)
        return;
    if (!last->revision || strcmp(last->revision, step->revision->id) != 0 || !last->client_host ||
        strcmp(last->client_host, w->options.client_host) != 0)
        return;
    w->out->applied++;
    if (w->observer.step_done)
        w->observer.step_done(w->observer.context, w->where, step, 0);
}

static bool survey(struct work *w)
{
    struct db_state state = {0};
    if (!db_read_state(w->db, w->a, &state, w->e))
        return false;
    if (w->surveyed && !strings_equal(&state.rows, &w->state.rows))
        recover_reset(w);
    w->surveyed = true;
    w->state = state;
    w->out->server = state.server;
    w->out->rows = state.rows;
    if (!w->out->has_state) {
        w->out->state = state;
        w->out->has_state = true;
    }
    settle_doubt(w);
    w->unknown = (struct strings){0};
    w->applied = plan_applied(w->a, w->job->graph, &w->state.rows, &w->unknown);
    return compare(w);
}

/* Rows that this executable does not have: ahead (which may be fine) or diverged. */
static bool judge_unknown(struct work *w)
{
    if (!w->unknown.n)
        return true;
    history_unknown_rows(w->a, w->job->graph, w->job->catalogue, &w->state.rows, &w->unknown, &w->log, w->e);
    bool may_stay = w->job->kind == JOB_UPGRADE || w->job->kind == JOB_ENSURE_VERSION ||
                    (reads_only(w->job) && w->job->planned != JOB_DOWNGRADE && w->job->planned != JOB_STAMP);
    w->between = w->e->fault == FAULT_DIVERGED && w->job->kind == JOB_UPGRADE && w->job->on_ahead == ON_AHEAD_ALLOW &&
                 history_is_between(w->a, w->job->graph, &w->state.rows, &w->unknown, &w->log);
    if (w->e->fault != FAULT_AHEAD || w->job->on_ahead != ON_AHEAD_ALLOW || !may_stay)
        return false;
    err_free(w->e);
    w->out->ahead = true;
    return true;
}

/* ------------------------------------------------------------------------------------------------------------- plans */

/* +1 means something else after each step; it is made absolute once. */
static bool is_relative(struct str text)
{
    struct target t = {0};
    AUTO_ERR ignored = {0};
    return target_parse(text, &t, &ignored) && (t.shape == TARGET_RELATIVE || str_is(t.symbol, "current"));
}

/* Has everything that the first plan wanted been done since, by us and by others? */
static bool goal_is_reached(struct work *w)
{
    struct revset applied = revset_new(w->a, w->job->graph);
    for (size_t i = 0; i < w->applied.n; i++)
        revset_add(&applied, w->applied.v[i]);
    for (size_t i = 0; i < w->goal.n; i++) {
        const struct step *step = &w->goal.steps[i];
        uint32_t index = graph_find(w->job->graph, str_from(step->revision->id));
        if (revset_has(&applied, index) != (step->kind == STEP_UPGRADE))
            return false;
    }
    return true;
}

/*
 * The rest of the plan that was made first, from the rows as they are now: its tail when they are those before one of its
 * steps, nothing when all of it is done. False when neither is so.
 */
static bool rest_of_goal(struct work *w, struct plan *out)
{
    *out = (struct plan){.before = w->state.rows, .target = w->state.rows};
    for (size_t i = 0; i < w->goal.n; i++)
        if (strings_equal(&w->goal.steps[i].before, &w->state.rows)) {
            out->target = w->goal.target;
            out->steps = w->goal.steps + i;
            out->n = w->goal.n - i;
            return true;
        }
    return goal_is_reached(w);
}

static bool refuse_moved(struct work *w)
{
    BUF_AUTO from = {0};
    BUF_AUTO to = {0};
    strings_join(&from, &w->goal.before, ", ");
    strings_join(&to, &w->state.rows, ", ");
    w->final = true;
    return err_set(w->e, FAULT_CHANGED,
                   "another process moved the version rows from %s to %s while \"%.*s\" was on its way",
                   from.n ? from.p : "base", to.n ? to.p : "base", STR_ARG(w->job->target));
}

static bool plan_of(struct work *w, enum job_kind kind, struct plan *out)
{
    const struct job *job = w->job;
    bool below = false;
    if (kind == JOB_STAMP)
        return plan_stamp(w->a, job->graph, &w->state.rows, &job->targets, job->purge, out, w->e);
    if (kind == JOB_UPGRADE)
        return plan_upgrade(w->a, job->graph, &w->state.rows, job->target, out, w->e);
    /* A tenant at or below the target of a fleet's downgrade has nothing to do. */
    if (job->fleet && !plan_is_below(w->a, job->graph, &w->state.rows, job->target, &below, w->e))
        return false;
    *out = (struct plan){.before = w->state.rows, .target = w->state.rows};
    return below || plan_downgrade(w->a, job->graph, &w->state.rows, job->target, out, w->e);
}

static bool make_plan(struct work *w, enum job_kind kind, struct plan *out)
{
    bool again = w->has_goal && kind != JOB_STAMP;
    if (!(again && rest_of_goal(w, out))) {
        if (again && is_relative(w->job->target))
            return refuse_moved(w);
        if (!plan_of(w, kind, out))
            return false;
        w->goal = *out;
        w->has_goal = true;
    }
    w->out->plan = *out;
    return true;
}

/* --------------------------------------------------------------------------------------------------------- refusals */

static bool refuse_section(struct work *w, const struct step *step)
{
    const struct revision *r = step->revision;
    const struct revision_section *section = apply_section(step, w->out->dialect);
    bool up = step->kind == STEP_UPGRADE;
    int8_t up_at = r->pick[DIRECTION_UP][w->out->dialect];
    bool irreversible = !up && up_at != SECTION_NONE && r->sections[up_at].flags & SECTION_IRREVERSIBLE;
    if (irreversible || !section) {
        err_set(w->e, FAULT_POLICY,
                irreversible ? "revision %s is irreversible" : "revision %s has no %s section for %s", r->id,
                up ? "up" : "down", w->out->dialect == DIALECT_SQLITE ? "sqlite" : "postgresql");
        if (!up)
            err_hint(w->e, "nothing was changed; restore a backup, or write a new revision that goes forward");
    } else if (w->job->together && apply_is_stepwise(section)) {
        err_set(w->e, FAULT_POLICY, "revision %s says transaction:false, so the run cannot be one transaction", r->id);
        err_hint(w->e, "leave out --transaction all");
    } else {
        return true;
    }
    w->e->cut = true;
    err_at(w->e, r->path, section ? (int)section->line : 0, 0, (struct str){0});
    return false;
}

/* A downgrade may pass what was edited, but not run the down of what never ran up. */
static bool refuse_spliced(struct work *w, const struct plan *plan)
{
    struct history_findings spliced = {0};
    for (size_t i = 0; i < w->findings.n; i++)
        for (size_t k = 0; k < plan->n; k++)
            if (w->findings.v[i].kind == HISTORY_SPLICED && plan->steps[k].revision == w->findings.v[i].revision)
                vec_push(w->a, &spliced, w->findings.v[i]);
    return history_refuse(w->history, &spliced, w->command, w->where->tenant, w->e);
}

/* Everything that can be refused is refused before the first step. */
static bool refuse_plan(struct work *w, enum job_kind kind, const struct plan *plan)
{
    if (kind == JOB_STAMP)
        return true;
    if (kind == JOB_UPGRADE && (!history_refuse(w->history, &w->findings, w->command, w->where->tenant, w->e) ||
                                !requirements_met(w->job, plan, w->e)))
        return false;
    if (kind == JOB_DOWNGRADE && !refuse_spliced(w, plan))
        return false;
    for (size_t i = 0; i < plan->n; i++)
        if (!refuse_section(w, &plan->steps[i]))
            return false;
    return locks_allow(w, plan);
}

/* ------------------------------------------------------------------------------------------------------------- jobs */

/* Where the rows as left stand against the heads. */
static bool settle(struct work *w)
{
    const struct graph *g = w->job->graph;
    struct strings unknown = {0};
    struct revlist applied = plan_applied(w->a, g, &w->out->rows, &unknown);
    w->out->at_head = false;
    w->out->pending = 0;
    if (unknown.n) /* ahead or diverged: nobody can say */
        return true;
    w->out->pending = graph_size(g) - applied.n;
    return plan_at_head(w->a, g, &w->out->rows, &w->out->at_head, w->e);
}

static bool act_read(struct work *w)
{
    const struct job *job = w->job;
    struct plan plan = {0};
    if (job->read_log && w->state.has_log &&
        !db_read_log(w->db, w->a, w->options.stream, job->log_limit, &w->out->log, w->e))
        return false;
    bool purges = job->planned == JOB_STAMP && job->purge;
    if (!purges && (!judge_unknown(w) || w->out->ahead))
        return w->e->fault == FAULT_NONE;
    return job->planned == JOB_READ || (make_plan(w, job->planned, &plan) && refuse_plan(w, job->planned, &plan));
}

static bool act_write(struct work *w)
{
    const struct job *job = w->job;
    struct plan plan = {0};
    bool purges = job->kind == JOB_STAMP && job->purge;
    if (!purges && (!judge_unknown(w) || w->out->ahead))
        return w->e->fault == FAULT_NONE;
    if (!make_plan(w, job->kind, &plan) || !refuse_plan(w, job->kind, &plan))
        return false;
    return job->kind == JOB_STAMP ? apply_stamp(w, &plan) : apply_plan(w, &plan);
}

static bool act(struct work *w)
{
    switch (w->job->kind) {
    case JOB_READ:
        return act_read(w);
    case JOB_UPGRADE:
    case JOB_DOWNGRADE:
    case JOB_STAMP:
        return act_write(w);
    case JOB_REPAIR:
        return judge_unknown(w) && repair_run(w);
    case JOB_ENSURE_VERSION:
    case JOB_WAIT:
        break;
    }
    return true;
}

/* Only what stands where this executable leads can be held against what that should look like. */
static bool look_closer(struct work *w)
{
    const struct job *job = w->job;
    struct db_state after = {0};
    if (!job->look || !reads_only(job) || !w->out->at_head)
        return true;
    if (!job->look(job->look_context, w->a, w->db, w->where, &w->out->seen, w->e) ||
        !db_read_state(w->db, w->a, &after, w->e))
        return false;
    /* Who migrated it meanwhile made what was seen neither this nor that. */
    return strings_equal(&after.rows, &w->out->rows) ||
           err_set(w->e, FAULT_CHANGED, "another process moved the version rows while the schema was read");
}

static bool try_once(struct work *w)
{
    w->out->failed_revision = NULL; /* what failed before has been recovered from */
    if (w->job->kind == JOB_ENSURE_VERSION && !db_ensure_version(w->db, w->e))
        return false;
    return survey(w) && act(w) && settle(w) && look_closer(w);
}

/* ------------------------------------------------------------------------------------------------------------ visits */

static void close_db(const struct link *link, struct db *db)
{
    if (link->counted)
        db_close_seen(db);
    else
        db_close(db);
}

void visit_unlink(struct link *link)
{
    close_db(link, link->db);
    link->db = NULL;
}

static bool take_link(struct work *w, struct link *link, uint8_t key[SHA256_BYTES])
{
    if (!link->db)
        return false;
    if (memcmp(link->key, key, SHA256_BYTES) == 0) {
        w->db = link->db;
        db_switch(w->db, w->options.schema, w->options.tenant);
        link->db = NULL;
    } else {
        visit_unlink(link);
    }
    return w->db != NULL;
}

static void leave_link(struct work *w, struct link *link, const uint8_t key[SHA256_BYTES])
{
    bool sound = w->e->fault != FAULT_LOST && w->e->fault != FAULT_UNREACHABLE && w->e->fault != FAULT_STOPPED;
    bool look = w->job->identify && w->out->dialect == DIALECT_SQLITE;
    if (!w->where->schema || !sound || look) {
        BUF_AUTO version = {0};
        close_db(link, w->db);
        if (look && db_file_version(&w->where->address, &version)) /* not before: closing may write */
            w->out->server = arena_str(w->a, buf_str(&version));
        return;
    }
    link->db = w->db;
    memcpy(link->key, key, SHA256_BYTES);
}

static bool refuse_dialect(struct work *w)
{
    const struct stream *stream = graph_stream(w->job->graph);
    enum dialect dialect = w->where->address.dialect;
    if (stream->dialects & DIALECT_BIT(dialect) && w->job->history[dialect])
        return true;
    err_set(w->e, FAULT_CONFIG, "stream %s has no revisions for %s", stream->name,
            dialect == DIALECT_SQLITE ? "SQLite" : "PostgreSQL");
    err_hint(w->e, "its env.ini lists the dialects that it is written for");
    return false;
}

/* What on_missing = skip makes of the failure of a visit. */
static bool skip_missing(struct work *w)
{
    connect_hint_missing(w->job, w->where, w->e); /* a schema is looked for after connecting */
    if (w->e->fault != FAULT_MISSING || w->job->on_missing != ON_MISSING_SKIP)
        return false;
    err_free(w->e);
    return w->out->skipped = true;
}

/*
 * PostgreSQL cuts names to 63 bytes without an error, so that tenants whose names begin alike would share a schema or a
 * database, and all but the first would seem to be at head.
 */
static bool refuse_long_names(struct work *w)
{
    enum { MOST = 63 };
    const struct place *where = w->where;
    const char *database = where->address.dialect == DIALECT_POSTGRESQL ? address_get(&where->address, "dbname") : NULL;
    const char *schema = where->address.dialect == DIALECT_POSTGRESQL ? where->schema : NULL;
    if (schema && strlen(schema) > MOST)
        return err_set(w->e, FAULT_CONFIG, "the name of the schema \"%s\" is longer than %d bytes", schema, MOST);
    if (database && strlen(database) > MOST)
        return err_set(w->e, FAULT_CONFIG, "the name of the database \"%s\" is longer than %d bytes", database, MOST);
    return true;
}

static bool run(struct work *w, bool is_open)
{
    const struct job *job = w->job;
    if (!refuse_dialect(w) || !refuse_long_names(w))
        return false;
    if (!is_open && !connect_visit(w, 0))
        return skip_missing(w);
    w->out->dialect = db_dialect(w->db);
    w->history = job->history[w->out->dialect];
    if (job->kind == JOB_WAIT)
        return true;
    while (!try_once(w))
        if (!recover(w))
            return skip_missing(w);
    return true;
}

bool visit_linked(struct arena *a, const struct job *job, const struct place *where, const struct observer *observer,
                  struct link *link, struct outcome *out)
{
    *out = (struct outcome){.dialect = where->address.dialect, .began = clock_ms()};
    struct work w = {.a = a, .job = job, .where = where, .link = link, .out = out, .e = &out->err};
    if (observer)
        w.observer = *observer;
    const char *program = job->catalogue ? job->catalogue->program : "profile-migrate";
    w.command = arena_printf(a, "%s %s", program, graph_stream(job->graph)->name);
    w.option = where->tenant ? arena_printf(a, " --tenant %s", where->tenant) : "";
    connect_options(job, where, &w.options);
    uint8_t key[SHA256_BYTES];
    connect_key(&where->address, key);
    bool ok = run(&w, take_link(&w, link, key));
    if (!ok && out->has_state && !w.unknown.n) {
        AUTO_ERR ignored = {0}; /* the first error is the one to tell */
        w.e = &ignored;
        settle(&w);
        w.e = &out->err;
    }
    leave_link(&w, link, key);
    out->duration_ms = clock_ms() - out->began;
    return ok;
}

bool visit(struct arena *a, const struct job *job, const struct place *where, const struct observer *observer,
           struct outcome *out)
{
    struct link link = {0};
    bool ok = visit_linked(a, job, where, observer, &link, out);
    visit_unlink(&link);
    return ok;
}
