/*
 * Sections that no single transaction can hold: each statement has a commit of its own, and the log says how far it came, so
 * that a rerun goes on behind the last one that finished. A statement that may not run in a block (CREATE INDEX
 * CONCURRENTLY) cannot be committed together with its row; it has a row "started" before and "statement" after, and what
 * really happened between them is read from the catalog.
 *
 * The migration lock is a session lock here. It is tried, never waited for: a session that waits inside a statement holds a
 * snapshot, which CREATE INDEX CONCURRENTLY would wait for in turn.
 */
#include "run/work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct run {
    struct work *w;
    const struct step *step;
    const struct revision *revision;
    const struct revision_section *section;
    struct progress progress;
};

/* --------------------------------------------------------------------------------------------------------- progress */

struct progress statements_progress(const struct log_list *log, const struct revision *r, const char *direction)
{
    struct progress out = {0};
    for (size_t i = 0; i < log->n; i++) {
        const struct log_entry *row = &log->v[i];
        if (!row->revision || strcmp(row->revision, r->id) != 0 || !row->state || !row->direction)
            continue;
        if (strcmp(row->direction, "repair") == 0)
            continue; /* of an applied revision, which may be half way down */
        if (strcmp(row->state, "done") == 0)
            out = (struct progress){0};
        else if (strcmp(row->direction, direction) == 0 && row->statement >= 0)
            out = (struct progress){
                .finished = (size_t)row->statement,
                .started = strcmp(row->state, "started") == 0,
                .row = row,
            };
    }
    return out;
}

void statements_prefix(const struct revision *r, const struct revision_section *section, size_t n, char out[SHA256_HEX])
{
    uint8_t sum[SHA256_BYTES];
    struct hash *h = hash_new();
    for (size_t i = 0; i < n; i++)
        hash_add_piece(h, r->text + section->statements[i].offset, section->statements[i].length);
    hash_finish(h, sum);
    hash_hex(sum, out);
}

static const char *direction_of(const struct run *run)
{
    return run->step->kind == STEP_UPGRADE ? "upgrade" : "downgrade";
}

/* A row of progress: `finished` statements, and the digest and version rows as they are until the last one. */
static struct log_entry *progress_row(struct run *run, const char *state, size_t finished)
{
    struct work *w = run->w;
    char prefix[SHA256_HEX];
    struct log_entry *row = apply_entry(w, run->revision, direction_of(run), &run->step->before, &w->digest);
    statements_prefix(run->revision, run->section, finished, prefix);
    row->state = state;
    row->statement = (int64_t)finished;
    row->prefix_checksum = arena_strdup(w->a, prefix);
    return row;
}

static bool append(struct run *run, const char *state, size_t finished)
{
    return db_append_log(run->w->db, progress_row(run, state, finished), 1, run->w->e);
}

static bool check_prefix(struct run *run)
{
    const struct progress *p = &run->progress;
    struct err *e = run->w->e;
    char prefix[SHA256_HEX] = "";
    if (!p->row || !p->finished)
        return true;
    if (p->finished <= run->section->n_statements)
        statements_prefix(run->revision, run->section, p->finished, prefix);
    if (p->row->prefix_checksum && strcmp(p->row->prefix_checksum, prefix) == 0)
        return true;
    err_set(e, FAULT_EDITED, "revision %s: the first %zu statement%s ran here already and %s changed since",
            run->revision->id, p->finished, p->finished > 1 ? "s" : "", p->finished > 1 ? "were" : "was");
    e->cut = true;
    err_detail(e, "recorded checksum %s, present %s", p->row->prefix_checksum ? p->row->prefix_checksum : "none",
               prefix[0] ? prefix : "none: there are fewer statements now");
    err_hint(e,
             "restore those statements and change only the ones behind them; or, if the database is as they say now, "
             "accept them with `%s repair%s`",
             run->w->command, run->w->option);
    err_at(e, run->revision->path, (int)run->section->line, 0, (struct str){0});
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- indexes */

static bool refuse_index(struct run *run, const struct revision_statement *s, const char *what, const char *hint)
{
    struct err *e = run->w->e;
    err_set(e, FAULT_FAILED, "index \"%s\" %s", s->object, what);
    err_hint(e, "%s", hint);
    err_at(e, run->revision->path, (int)s->line, 0, (struct str){0});
    return false;
}

/* The state, once nobody builds the index any more. */
static bool settled_state(struct run *run, const struct revision_statement *s, enum index_state *state)
{
    struct work *w = run->w;
    int64_t began = clock_ms();
    for (int64_t pause = 50;; pause = clock_min(2 * pause, 1000)) {
        if (!db_index_state(w->db, s->schema, s->object, s->table, state, w->e))
            return false;
        if (*state != INDEX_INVALID_BUSY)
            return true;
        if (clock_ms() - began >= w->job->lock_wait_ms)
            return err_set(w->e, FAULT_BUSY, "another session still builds index \"%s\"", s->object);
        BUF_AUTO why = {0};
        buf_addf(&why, "waiting for another session that builds index \"%s\"", s->object);
        recover_tell(w, why.p);
        if (!recover_sleep(w, pause, "while another session builds an index"))
            return false;
    }
}

/* Before CREATE INDEX CONCURRENTLY: *done when an interrupted run had finished it after all. */
static bool prepare_create(struct run *run, const struct revision_statement *s, bool *done)
{
    enum index_state state = INDEX_ABSENT;
    if (!settled_state(run, s, &state))
        return false;
    if (state == INDEX_VALID)
        *done = run->progress.started; /* else the server says that it exists */
    if (state == INDEX_INVALID_KEEP)
        return refuse_index(
            run, s,
            "is there already, and is none that may be dropped: it serves a constraint, or belongs to another table",
            "look at it and drop or rename it by hand, then run again");
    if (state != INDEX_INVALID)
        return true;
    if (!run->progress.started)
        return refuse_index(run, s, "is there and invalid, and the log does not say that it was begun here",
                            "if nobody needs it, DROP INDEX CONCURRENTLY it by hand, then run again");
    work_say(run->w, TALK_NOTE, "dropping the invalid index \"%s\" that an interrupted run left", s->object);
    return db_drop_index(run->w->db, s->schema, s->object, run->w->e);
}

static bool prepare_drop(struct run *run, const struct revision_statement *s, bool *done)
{
    enum index_state state = INDEX_VALID;
    if (!run->progress.started)
        return true;
    if (!db_index_state(run->w->db, s->schema, s->object, s->table, &state, run->w->e))
        return false;
    *done = state == INDEX_ABSENT;
    return true;
}

/* "schema.NAME_ccnew", "schema.NAME_ccnew1": what a failed REINDEX CONCURRENTLY of NAME leaves. */
static bool is_copy_of(const char *qualified, const char *object)
{
    const char *name = strchr(qualified, '.');
    size_t n = strlen(object);
    return name && strncmp(name + 1, object, n) == 0 && strncmp(name + 1 + n, "_ccnew", 6) == 0;
}

static bool prepare_reindex(struct run *run, const struct revision_statement *s)
{
    struct work *w = run->w;
    struct strings invalid = {0};
    if (!run->progress.started || !s->object)
        return true;
    if (!db_invalid_indexes(w->db, w->a, &invalid, w->e))
        return false;
    for (size_t i = 0; i < invalid.n; i++) {
        if (!is_copy_of(invalid.v[i], s->object))
            continue;
        const char *dot = strchr(invalid.v[i], '.');
        const char *schema = arena_str(w->a, (struct str){invalid.v[i], (size_t)(dot - invalid.v[i])});
        work_say(w, TALK_NOTE, "dropping the invalid index \"%s\" that an interrupted run left", invalid.v[i]);
        if (!db_drop_index(w->db, schema, dot + 1, w->e))
            return false;
    }
    return true;
}

static bool prepare(struct run *run, const struct revision_statement *s, bool *done)
{
    *done = false;
    if (s->flags & STATEMENT_CONCURRENTLY && s->object)
        return prepare_create(run, s, done);
    if (s->flags & STATEMENT_DROP_INDEX && s->object)
        return prepare_drop(run, s, done);
    if (s->flags & STATEMENT_REINDEX)
        return prepare_reindex(run, s);
    return true;
}

static bool check_created(struct run *run, const struct revision_statement *s)
{
    enum index_state state = INDEX_ABSENT;
    if (!(s->flags & STATEMENT_CONCURRENTLY) || !s->object)
        return true;
    if (!db_index_state(run->w->db, s->schema, s->object, s->table, &state, run->w->e))
        return false;
    return state == INDEX_VALID || refuse_index(run, s, "is not valid although the server reported success",
                                                "run again: it is dropped and built anew");
}

/* ------------------------------------------------------------------------------------------------------- statements */

static bool run_outside_block(struct run *run, size_t at)
{
    const struct revision_statement *s = &run->section->statements[at];
    struct db_step step = apply_step(run->w, run->step, run->section);
    bool done = false;
    if (s->flags & (STATEMENT_CONCURRENTLY | STATEMENT_DROP_INDEX | STATEMENT_REINDEX))
        step.lock_timeout_ms = 0; /* a timeout there leaves an invalid index; it blocks nobody while it waits */
    if (!prepare(run, s, &done))
        return false;
    if (!done) {
        if (!append(run, "started", at))
            return false;
        run->progress.started = true;
        if (!db_run_statement(run->w->db, &step, at, NULL, run->w->e) || !check_created(run, s))
            return false;
    }
    return append(run, "statement", at + 1);
}

static bool run_statement(struct run *run, size_t at)
{
    if (run->section->statements[at].flags & STATEMENT_NO_BLOCK)
        return run_outside_block(run, at);
    struct db_step step = apply_step(run->w, run->step, run->section);
    return db_run_statement(run->w->db, &step, at, progress_row(run, "statement", at + 1), run->w->e);
}

static bool may_go_on(struct run *run, size_t at)
{
    char what[96];
    snprintf(what, sizeof what, "statement %zu of revision %s; a rerun goes on there", at + 1, run->revision->id);
    return apply_may_begin(run->w, what);
}

static bool run_statements(struct run *run)
{
    for (size_t i = run->progress.finished; i < run->section->n_statements; i++) {
        if (i && !may_go_on(run, i))
            return false;
        if (!run_statement(run, i))
            return false;
        run->progress.started = false;
        recover_reset(run->w);
    }
    return true;
}

/* ----------------------------------------------------------------------------------------------------------- batches */

/*
 * The rows still to be touched are the progress, so that a rerun needs nothing of ours to go on. One row of the log says how
 * far it came: each batch brings it up to date with what the batches before it did, since one message holds both.
 */
struct batches {
    struct batch_progress progress;
    int64_t began, told, told_in_a_line;
    int64_t earlier_batches;
};

enum { TELL_EVERY_MS = 1000, TELL_IN_A_LINE_MS = 10000 };

static const char batches_text[] = "%" PRId64 " batches, %" PRId64 " rows";

/* What an interrupted run left in the log; nothing, when there was none. */
static void read_earlier(const struct log_entry *row, int64_t *batches, int64_t *rows)
{
    *batches = *rows = 0;
    if (!row || !row->message || strcmp(row->state, "batch") != 0 ||
        sscanf(row->message, "%" SCNd64 " batches, %" SCNd64 " rows", batches, rows) != 2 || *batches < 0 || *rows < 0)
        *batches = *rows = 0;
}

static void describe_batches(const struct batches *b, char out[64])
{
    snprintf(out, 64, batches_text, b->earlier_batches + b->progress.batches,
             b->progress.earlier_rows + b->progress.rows);
}

static void tell_batches(struct run *run, struct batches *b, bool last)
{
    struct work *w = run->w;
    int64_t now = clock_ms();
    b->progress.duration_ms = now - b->began;
    if (!w->observer.batch_done || (b->progress.batches > 1 && !last && now - b->told < TELL_EVERY_MS))
        return;
    b->told = now;
    b->progress.worth_a_line = now - b->told_in_a_line >= TELL_IN_A_LINE_MS;
    if (b->progress.worth_a_line)
        b->told_in_a_line = now;
    w->observer.batch_done(w->observer.context, w->where, run->step, &b->progress);
}

/* Wakes at once for a signal; whether that ends the run is asked before the next batch. */
static bool rest(struct run *run)
{
    struct work *w = run->w;
    char what[96];
    int64_t pause = run->section->batch_pause_ms != TIMEOUT_UNSET ? run->section->batch_pause_ms
                                                                  : w->job->batch_pause_ms;
    if (pause > 0)
        stop_sleep(w->job->stop, clock_min(pause, clock_left(connect_deadline(w->job))), false);
    snprintf(what, sizeof what, "the next batch of revision %s; a rerun goes on there", run->revision->id);
    return apply_may_begin(w, what);
}

static bool run_batch(struct run *run, struct batches *b, int64_t *touched)
{
    struct db_step step = apply_step(run->w, run->step, run->section);
    char text[64];
    describe_batches(b, text);
    struct log_entry progress = {.message = text, .duration_ms = clock_ms() - b->began, .state = "batch"};
    if (!db_run_batch(run->w->db, &step, &progress, touched, run->w->e))
        return false;
    recover_reset(run->w);
    b->progress.batches += *touched > 0;
    b->progress.rows += *touched;
    tell_batches(run, b, *touched == 0);
    return true;
}

static bool run_batches(struct run *run, bool again)
{
    struct batches b = {.began = clock_ms()};
    const struct log_entry *row = run->progress.row;
    char text[64];
    b.told_in_a_line = b.began;
    read_earlier(row, &b.earlier_batches, &b.progress.earlier_rows);
    if (row && !again && b.progress.earlier_rows)
        work_say(run->w, TALK_NOTE, "revision %s goes on: earlier runs touched at least %" PRId64 " rows",
                 run->revision->id, b.progress.earlier_rows);
    describe_batches(&b, text);
    struct log_entry *entry = progress_row(run, "batch", 0);
    entry->message = text;
    if (!(row && again && strcmp(row->state, "batch") == 0) && !db_append_log(run->w->db, entry, 1, run->w->e))
        return false;
    for (int64_t touched = 1; touched > 0;)
        if ((b.progress.batches && !rest(run)) || !run_batch(run, &b, &touched))
            return false;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- the whole */

/* Under the lock: do the rows still stand where the plan began, and how far did an earlier run come? */
static bool look(struct run *run)
{
    struct work *w = run->w;
    struct db_state now = {0};
    struct log_list log = {0};
    if (!db_read_state(w->db, w->a, &now, w->e))
        return false;
    if (!strings_equal(&now.rows, &run->step->before))
        return err_set(w->e, FAULT_CHANGED, "another process changed the version rows");
    if ((!now.has_version_table || !now.has_log) && !apply_entries(w, NULL, 0))
        return false;
    if (now.has_log && !db_read_log(w->db, w->a, w->options.stream, 0, &log, w->e))
        return false;
    run->progress = statements_progress(&log, run->revision, direction_of(run));
    if (run->progress.finished)
        work_say(w, TALK_NOTE, "revision %s goes on behind statement %zu of %u", run->revision->id,
                 run->progress.finished, run->section->n_statements);
    return check_prefix(run);
}

static bool finish(struct run *run, int64_t began)
{
    struct work *w = run->w;
    struct digest digest = w->digest;
    apply_digest(w, &digest, graph_find(w->job->graph, str_from(run->revision->id)), run->step->kind == STEP_UPGRADE);
    struct log_entry *entry = apply_entry(w, run->revision, direction_of(run), &run->step->after, &digest);
    struct db_step commit = apply_step(w, run->step, NULL);
    size_t done = 0;
    commit.entries = entry;
    commit.n_entries = 1;
    if (!db_apply(w->db, &commit, 1, false, &done, w->e))
        return false;
    apply_committed(w, run->step, entry, clock_ms() - began);
    return true;
}

static bool run_locked(struct run *run)
{
    int64_t began = clock_ms();
    if (!look(run))
        return false;
    bool again = run->w->begun == run->revision; /* after a fault that we recovered from */
    apply_begins(run->w, run->step);
    bool ran = run->section->flags & SECTION_BATCH ? run_batches(run, again) : run_statements(run);
    return ran && finish(run, began);
}

/* Behind a pooler no session is ours, so nothing could hold the lock from one statement to the next. */
static bool refuse_pooler(struct work *w, const struct step *step)
{
    if (w->e->fault == FAULT_POLICY) {
        BUF_AUTO variable = {0};
        buf_add_upper(&variable, w->job->catalogue ? w->job->catalogue->program : "profile-migrate");
        buf_addc(&variable, '_');
        buf_add_upper(&variable, w->options.stream);
        err_hint(w->e, "set the stream's \"host\", or %s_HOST, to HOST:PORT of the server itself", variable.p);
    }
    return apply_failed(w, step);
}

bool statements_run(struct work *w, const struct step *step, const struct revision_section *section)
{
    struct run run = {.w = w, .step = step, .revision = step->revision, .section = section};
    if (!db_session_lock(w->db, w->e))
        return refuse_pooler(w, step);
    bool ok = run_locked(&run);
    if (w->e->fault != FAULT_LOST)
        db_session_unlock(w->db);
    return ok || apply_failed(w, step);
}
