/*
 * A plan's steps, one commit each: body, version rows and log row together. What may not begin is refused before the first
 * of them; what happens to a fault is for recover.c.
 */
#include "run/work.h"

#include <stdio.h>
#include <string.h>

const struct revision_section *apply_section(const struct step *step, enum dialect dialect)
{
    if (step->kind == STEP_STAMP || !step->revision)
        return NULL;
    enum direction direction = step->kind == STEP_UPGRADE ? DIRECTION_UP : DIRECTION_DOWN;
    int8_t at = step->revision->pick[direction][dialect];
    return at == SECTION_NONE ? NULL : &step->revision->sections[at];
}

bool apply_is_stepwise(const struct revision_section *section)
{
    return section && section->flags & (SECTION_NO_TRANSACTION | SECTION_BATCH);
}

bool apply_may_begin(struct work *w, const char *what)
{
    if (stop_winding_down(w->job->stop))
        err_set(w->e, FAULT_STOPPED, "stopped before %s", what);
    else if (clock_left(connect_deadline(w->job)) <= 0)
        err_set(w->e, FAULT_DEADLINE, "the deadline passed before %s", what);
    else
        return true;
    w->e->cut = true;
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- entries */

static const char *hex(struct arena *a, const uint8_t sum[SHA256_BYTES])
{
    char text[SHA256_HEX];
    hash_hex(sum, text);
    return arena_strdup(a, text);
}

static const char *join_ids(struct arena *a, const struct graph *g, const uint32_t *v, uint32_t n)
{
    BUF_AUTO text = {0};
    for (uint32_t i = 0; i < n; i++)
        buf_addf(&text, "%s%s", i ? "," : "", graph_revision(g, v[i])->id);
    return arena_str(a, buf_str(&text));
}

static void add_checksums(struct work *w, const struct revision *r, struct log_entry *entry)
{
    int8_t up = r->pick[DIRECTION_UP][w->out->dialect];
    int8_t down = r->pick[DIRECTION_DOWN][w->out->dialect];
    entry->checksum = hex(w->a, r->sha256);
    if (up != SECTION_NONE) {
        entry->section_checksum = hex(w->a, r->sections[up].sha256);
        entry->token_checksum = hex(w->a, r->sections[up].tokens_sha256);
    }
    if (down != SECTION_NONE)
        entry->down_checksum = hex(w->a, r->sections[down].sha256);
}

struct log_entry *apply_entry(struct work *w, const struct revision *r, const char *direction,
                              const struct strings *rows_after, const struct digest *digest)
{
    struct log_entry *entry = ARENA_NEW(w->a, struct log_entry);
    char digest_text[SHA256_HEX];
    BUF_AUTO rows = {0};
    strings_join(&rows, rows_after, ",");
    digest_hex(digest, digest_text);
    *entry = (struct log_entry){
        .stream = w->options.stream,
        .revision = r ? r->id : "",
        .direction = direction,
        .dialect = w->out->dialect == DIALECT_POSTGRESQL ? "postgresql" : "sqlite",
        .checksum_version = CHECKSUM_VERSION,
        .rows_after = arena_str(w->a, buf_str(&rows)),
        .digest = arena_strdup(w->a, digest_text),
        .build_id = w->options.build_id,
        .client_host = w->options.client_host,
        .actor = w->options.actor,
        .state = "done",
        .statement = -1,
    };
    if (!r)
        return entry;
    entry->message = r->message;
    entry->parents = join_ids(w->a, w->job->graph, r->down, r->n_down);
    entry->depends = join_ids(w->a, w->job->graph, r->depends, r->n_depends);
    add_checksums(w, r, entry);
    return entry;
}

void apply_digest(const struct work *w, struct digest *d, uint32_t index, bool up)
{
    if (up)
        digest_add(d, w->history, index);
    else if (!w->live)
        digest_remove(d, w->history, index);
    else if (w->live[index])
        digest_remove_entry(d, w->live[index]);
}

struct db_step apply_step(const struct work *w, const struct step *step, const struct revision_section *section)
{
    struct db_step out = {
        .step = step,
        .section = section,
        .lock_timeout_ms = w->job->lock_timeout_ms,
        .statement_timeout_ms = w->job->statement_timeout_ms,
    };
    if (section && section->lock_timeout_ms != TIMEOUT_UNSET)
        out.lock_timeout_ms = section->lock_timeout_ms;
    if (section && section->statement_timeout_ms != TIMEOUT_UNSET)
        out.statement_timeout_ms = section->statement_timeout_ms;
    return out;
}

/* ------------------------------------------------------------------------------------------------------ bookkeeping */

void apply_begins(struct work *w, const struct step *step)
{
    if (w->begun == step->revision && w->begun)
        return;
    w->begun = step->revision;
    if (w->observer.step_begins)
        w->observer.step_begins(w->observer.context, w->where, step);
}

static void moved_to(struct work *w, const struct strings *rows)
{
    w->state.rows = *rows;
    w->state.has_version_table = w->state.has_log = true;
    w->out->rows = *rows;
    w->begun = NULL;
    recover_reset(w);
}

void apply_committed(struct work *w, const struct step *step, const struct log_entry *entry, int64_t duration_ms)
{
    bool up = step->kind == STEP_UPGRADE;
    uint32_t index = graph_find(w->job->graph, str_from(step->revision->id));
    apply_digest(w, &w->digest, index, up);
    if (w->live)
        w->live[index] = up ? entry : NULL;
    w->out->applied++;
    moved_to(w, &step->after);
    if (w->observer.step_done)
        w->observer.step_done(w->observer.context, w->where, step, duration_ms);
}

bool apply_failed(struct work *w, const struct step *step)
{
    enum fault fault = w->e->fault;
    bool of_body = fault == FAULT_FAILED || fault == FAULT_POLICY || fault == FAULT_LOCK;
    if (fault == FAULT_LOST)
        w->in_doubt = step;
    bool cut_short = fault == FAULT_STOPPED || fault == FAULT_DEADLINE;
    if (of_body || cut_short)
        w->out->failed_revision = step->revision;
    if ((of_body || cut_short) && !w->e->cut && step->revision) {
        err_context(w->e, "revision %s", step->revision->id);
        w->e->cut = true;
    }
    return false;
}

/* -------------------------------------------------------------------------------------------- rows for the log alone */

static struct step standing_still(const struct work *w)
{
    return (struct step){.kind = STEP_STAMP, .before = w->state.rows, .after = w->state.rows};
}

bool apply_entries(struct work *w, const struct log_entry *entries, size_t n)
{
    struct step step = standing_still(w);
    struct db_step commit = apply_step(w, &step, NULL);
    commit.entries = entries;
    commit.n_entries = n;
    size_t done = 0;
    if (!db_apply(w->db, &commit, 1, false, &done, w->e))
        return false;
    moved_to(w, &w->state.rows);
    return true;
}

bool apply_adopt(struct work *w)
{
    VEC(struct log_entry) entries = {0};
    struct digest digest = w->digest;
    for (size_t i = 0; i < w->findings.n; i++)
        if (w->findings.v[i].kind == HISTORY_NOT_LOGGED)
            apply_digest(w, &digest, graph_find(w->job->graph, str_from(w->findings.v[i].revision->id)), true);
    for (size_t i = 0; i < w->findings.n; i++)
        if (w->findings.v[i].kind == HISTORY_NOT_LOGGED)
            vec_push(w->a, &entries, *apply_entry(w, w->findings.v[i].revision, "adopt", &w->state.rows, &digest));
    if (!entries.n)
        return true;
    if (!apply_entries(w, entries.v, entries.n))
        return false;
    w->digest = digest;
    for (size_t i = 0; i < entries.n; i++)
        w->live[graph_find(w->job->graph, str_from(entries.v[i].revision))] = &entries.v[i];
    work_say(w, TALK_INFO, "took over %zu revision%s that stood here before there was a log", entries.n,
             entries.n > 1 ? "s" : "");
    return true;
}

/* ------------------------------------------------------------------------------------------------------------- plans */

static const char *direction_of(const struct step *step)
{
    return step->kind == STEP_UPGRADE ? "upgrade" : "downgrade";
}

static struct log_entry *entry_of(struct work *w, const struct step *step, struct digest *digest)
{
    apply_digest(w, digest, graph_find(w->job->graph, str_from(step->revision->id)), step->kind == STEP_UPGRADE);
    return apply_entry(w, step->revision, direction_of(step), &step->after, digest);
}

static bool apply_one(struct work *w, const struct step *step, const struct revision_section *section)
{
    struct digest digest = w->digest;
    struct log_entry *entry = entry_of(w, step, &digest);
    struct db_step commit = apply_step(w, step, section);
    commit.entries = entry;
    commit.n_entries = 1;
    int64_t began = clock_ms();
    size_t done = 0;
    apply_begins(w, step);
    if (!db_apply(w->db, &commit, 1, false, &done, w->e))
        return apply_failed(w, step);
    apply_committed(w, step, entry, clock_ms() - began);
    return true;
}

/* In one transaction a failure's position tells which of the steps it was. */
static bool together_failed(struct work *w, const struct plan *plan)
{
    for (size_t i = 0; w->e->path && i < plan->n; i++)
        if (strcmp(plan->steps[i].revision->path, w->e->path) == 0)
            return apply_failed(w, &plan->steps[i]);
    if (w->e->fault == FAULT_LOST)
        w->in_doubt = &plan->steps[plan->n - 1];
    return false;
}

static bool apply_together(struct work *w, const struct plan *plan)
{
    struct digest digest = w->digest;
    struct db_step *commits = ARENA_ARRAY(w->a, struct db_step, plan->n);
    struct log_entry **entries = ARENA_ARRAY(w->a, struct log_entry *, plan->n);
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];
        entries[i] = entry_of(w, step, &digest);
        commits[i] = apply_step(w, step, apply_section(step, w->out->dialect));
        commits[i].entries = entries[i];
        commits[i].n_entries = 1;
        apply_begins(w, step);
    }
    int64_t began = clock_ms();
    size_t done = 0;
    if (!db_apply(w->db, commits, plan->n, true, &done, w->e))
        return together_failed(w, plan);
    int64_t each = (clock_ms() - began) / (int64_t)plan->n;
    for (size_t i = 0; i < plan->n; i++)
        apply_committed(w, &plan->steps[i], entries[i], each);
    return true;
}

bool apply_plan(struct work *w, const struct plan *plan)
{
    if (!apply_adopt(w))
        return false;
    if (plan->n && w->job->together)
        return apply_may_begin(w, "the transaction") && apply_together(w, plan);
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];
        const struct revision_section *section = apply_section(step, w->out->dialect);
        char what[64];
        snprintf(what, sizeof what, "revision %s", step->revision->id);
        if (!apply_may_begin(w, what))
            return false;
        if (!(apply_is_stepwise(section) ? statements_run(w, step, section) : apply_one(w, step, section)))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------------------- stamp */

static struct revset applied_set(struct work *w, const struct strings *rows)
{
    struct strings unknown = {0};
    struct revlist list = plan_applied(w->a, w->job->graph, rows, &unknown);
    struct revset set = revset_new(w->a, w->job->graph);
    for (size_t i = 0; i < list.n; i++)
        revset_add(&set, list.v[i]);
    return set;
}

struct entries {
    struct log_entry *v;
    size_t n;
    size_t cap;
};

/* `stamp` for what counts as applied now and did not, or never was logged; `unstamp` for what no longer does. */
static struct entries stamp_entries(struct work *w, const struct strings *before, const struct strings *after)
{
    struct entries out = {0};
    struct revset then = applied_set(w, before), now = applied_set(w, after);
    struct digest digest = w->digest;
    size_t n = graph_size(w->job->graph);
    for (int pass = 0; pass < 2; pass++) /* the first makes the digest that every row of the commit carries */
        for (uint32_t i = 0; i < n; i++) {
            const struct revision *r = graph_revision(w->job->graph, i);
            bool comes = revset_has(&now, i) && (!revset_has(&then, i) || (w->live && !w->live[i]));
            bool goes = revset_has(&then, i) && !revset_has(&now, i);
            if (!pass && (comes || goes))
                apply_digest(w, &digest, i, comes);
            else if (comes || goes)
                vec_push(w->a, &out, *apply_entry(w, r, comes ? "stamp" : "unstamp", after, &digest));
        }
    if (!out.n && !strings_equal(before, after))
        vec_push(w->a, &out, *apply_entry(w, NULL, "stamp", after, &digest));
    return out;
}

/* --purge: every row goes first, known or not. */
static struct step purge_step(struct work *w)
{
    const struct strings *rows = &w->state.rows;
    struct step step = {.kind = STEP_STAMP, .before = *rows};
    step.changes = ARENA_ARRAY(w->a, struct row_change, rows->n);
    for (size_t i = 0; i < rows->n; i++)
        step.changes[step.n_changes++] = (struct row_change){.kind = ROW_DELETE, .from = rows->v[i]};
    return step;
}

/* All steps are one commit, and the last of them carries the log rows. */
bool apply_stamp(struct work *w, const struct plan *plan)
{
    VEC(struct db_step) commits = {0};
    size_t done = 0;
    if (!apply_may_begin(w, "the version rows were written") || !apply_adopt(w))
        return false;
    struct entries entries = stamp_entries(w, &w->state.rows, &plan->target);
    struct step purge = purge_step(w);
    if (plan->purge && purge.n_changes)
        vec_push(w->a, &commits, apply_step(w, &purge, NULL));
    for (size_t i = 0; i < plan->n; i++)
        vec_push(w->a, &commits, apply_step(w, &plan->steps[i], NULL));
    if (!commits.n)
        return !entries.n || apply_entries(w, entries.v, entries.n);
    commits.v[commits.n - 1].entries = entries.v;
    commits.v[commits.n - 1].n_entries = entries.n;
    if (!db_apply(w->db, commits.v, commits.n, true, &done, w->e))
        return false;
    w->out->applied += commits.n;
    moved_to(w, &plan->target);
    for (size_t i = 0; w->observer.step_done && i < plan->n; i++)
        w->observer.step_done(w->observer.context, w->where, &plan->steps[i], 0);
    return true;
}
