/*
 * Writing: revisions in transactions, statement-wise work, the log. Each function here takes the locks that it needs, and
 * leaves no transaction open and foreign keys on, however it ends.
 */
#include <string.h>

#include "db/sqlite.h"

/* How long our own small writes wait for the application's. */
#define OWN_WAIT_MS 5000

/* ------------------------------------------------------------------------------------------------ our tables */

static bool create_version(struct sqlite *s, struct err *e)
{
    BUF_AUTO sql = {0};
    bool has;
    if (!sqlite_has_table(s, s->base.options.version_table, &has, e))
        return false;
    if (has)
        return true;
    sqlite_sql_create_version(&sql, s->base.options.version_table);
    return sqlite_exec(s, sql.p, "cannot create the version table", e);
}

static bool add_log_column(struct sqlite *s, const struct sqlite_column *column, struct err *e)
{
    BUF_AUTO sql = {0};
    sqlite_sql_add_log_column(&sql, column);
    return sqlite_exec(s, sql.p, "cannot add a column to migrate_log", e);
}

/* An older executable's log lacks columns. */
static bool extend_log(struct sqlite *s, struct err *e)
{
    ARENA_AUTO a = {0};
    struct strings names = {0};
    STATEMENT_AUTO *statement = NULL;
    int rc;
    if (!sqlite_prepare(s, sqlite_sql_columns, &statement, "cannot read the schema", e))
        return false;
    sqlite3_bind_text(statement, 1, "migrate_log", -1, SQLITE_STATIC);
    do {
        if (!sqlite_step(s, statement, &rc, "cannot read the schema", e))
            return false;
        if (rc == SQLITE_ROW)
            vec_push(&a, &names, arena_strdup(&a, (const char *)sqlite3_column_text(statement, 0)));
    } while (rc == SQLITE_ROW);
    for (size_t i = 0; i < sqlite_n_log_columns; i++)
        if (!strings_has(&names, sqlite_log_columns[i].name) && !add_log_column(s, &sqlite_log_columns[i], e))
            return false;
    return true;
}

static bool create_log(struct sqlite *s, struct err *e)
{
    BUF_AUTO sql = {0};
    bool has;
    if (!sqlite_has_table(s, "migrate_log", &has, e))
        return false;
    if (has)
        return extend_log(s, e);
    sqlite_sql_create_log(&sql);
    return sqlite_exec(s, sql.p, "cannot create migrate_log", e);
}

/* When a step began, for its log rows. */
struct moment {
    int64_t ms;
    char utc[32];
};

static struct moment moment_now(void)
{
    struct moment m = {.ms = clock_ms()};
    clock_format_utc(m.utc, clock_unix_ms());
    return m;
}

static void bind_entry(sqlite3_stmt *statement, const struct log_entry *entry)
{
    for (size_t i = 1; i < sqlite_n_log_columns; i++) {
        const struct sqlite_column *column = &sqlite_log_columns[i];
        const char *field = (const char *)entry + column->offset;
        if (column->kind == COLUMN_TEXT)
            sqlite3_bind_text(statement, (int)i, *(const char *const *)(const void *)field, -1, SQLITE_STATIC);
        else if (*(const int64_t *)(const void *)field != -1)
            sqlite3_bind_int64(statement, (int)i, *(const int64_t *)(const void *)field);
    }
}

static bool append_entry(struct sqlite *s, const struct log_entry *entry, const struct moment *started, struct err *e)
{
    BUF_AUTO sql = {0};
    STATEMENT_AUTO *statement = NULL;
    const struct db_options *o = &s->base.options;
    struct log_entry full = *entry;
    int rc;
    full.stream = o->stream;
    full.dialect = "sqlite";
    full.started = started->utc;
    full.duration_ms = clock_ms() - started->ms;
    full.build_id = o->build_id;
    full.db_role = "";
    full.client_host = o->client_host;
    full.actor = o->actor;
    sqlite_sql_append_log(&sql);
    if (!sqlite_prepare(s, sql.p, &statement, "cannot write migrate_log", e))
        return false;
    bind_entry(statement, &full);
    return sqlite_step(s, statement, &rc, "cannot write migrate_log", e);
}

static bool append_entries(struct sqlite *s, const struct log_entry *entries, size_t n, const struct moment *started,
                           struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (!append_entry(s, &entries[i], started, e))
            return false;
    return true;
}

/* ------------------------------------------------------------------------------------------------ version rows */

static bool check_rows(struct sqlite *s, const struct step *step, struct err *e)
{
    ARENA_AUTO a = {0};
    BUF_AUTO found = {0}, planned = {0};
    struct strings rows;
    if (!sqlite_read_version(s, &a, &rows, e))
        return false;
    if (strings_equal(&rows, &step->before))
        return true;
    strings_join(&found, &rows, ", ");
    strings_join(&planned, &step->before, ", ");
    err_set(e, FAULT_CHANGED, "the version rows are not those that this was planned from");
    err_detail(e, "planned from %s, found %s", planned.n ? planned.p : "none", found.n ? found.p : "none");
    return false;
}

static bool change_row(struct sqlite *s, const struct row_change *change, struct err *e)
{
    BUF_AUTO sql = {0};
    STATEMENT_AUTO *statement = NULL;
    int rc;
    sqlite_sql_change(&sql, s->base.options.version_table, change->kind);
    if (!sqlite_prepare(s, sql.p, &statement, "cannot write the version rows", e))
        return false;
    sqlite3_bind_text(statement, 1, change->to, -1, SQLITE_STATIC);
    if (change->kind != ROW_INSERT)
        sqlite3_bind_text(statement, 2, change->from, -1, SQLITE_STATIC);
    if (!sqlite_step(s, statement, &rc, "cannot write the version rows", e))
        return false;
    sqlite3_int64 n = sqlite3_changes64(s->handle);
    if (n == 1)
        return true;
    return err_set(e, FAULT_FAILED, "expected to match one version row when %s \"%s\", found %lld",
                   change->kind == ROW_DELETE ? "deleting" : "writing",
                   change->kind == ROW_INSERT ? change->to : change->from, n);
}

static bool change_rows(struct sqlite *s, const struct step *step, struct err *e)
{
    for (size_t i = 0; i < step->n_changes; i++)
        if (!change_row(s, &step->changes[i], e))
            return false;
    return true;
}

/* ------------------------------------------------------------------------------------------------ transactions */

static bool keeps_foreign_keys_off(const struct db_step *step)
{
    return step->section && (step->section->flags & SECTION_FOREIGN_KEYS_OFF);
}

/* The whole section is concerned: which of its statements did it is not known. */
static bool place(const struct db_step *step, struct err *e)
{
    if (step->section && e->fault == FAULT_FAILED)
        db_error_at(e, step->step->revision, step->section, SIZE_MAX, 0);
    return false;
}

/* The row that a deferred foreign key failed on, while it can still be seen. */
static void detail_deferred(struct sqlite *s, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    if (sqlite3_prepare_v2(s->handle, sqlite_sql_violations, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        return;
    const char *table = (const char *)sqlite3_column_text(statement, 0);
    const char *parent = (const char *)sqlite3_column_text(statement, 2);
    err_detail(e, "row %lld of table \"%s\" refers to a row of \"%s\" that does not exist",
               sqlite3_column_int64(statement, 1), table ? table : "", parent ? parent : "");
}

static bool commit(struct sqlite *s, const struct db_step *step, struct err *e)
{
    sqlite_wait_for(s, step->lock_timeout_ms > 0 ? step->lock_timeout_ms : 0);
    bool ok = sqlite_commit(s, e);
    bool deferred = !ok && sqlite3_extended_errcode(s->handle) == SQLITE_CONSTRAINT_FOREIGNKEY;
    sqlite_wait_never(s);
    if (deferred) {
        detail_deferred(s, e);
        place(step, e);
    }
    return ok;
}

/* Every way out of a transaction comes through here. */
static void finish(struct sqlite *s, bool foreign_keys_were_off)
{
    sqlite_wait_never(s);
    sqlite_rollback(s);
    if (foreign_keys_were_off) {
        AUTO_ERR ignored = {0};
        sqlite_set_foreign_keys(s, true, &ignored);
    }
}

static bool run_section(struct sqlite *s, const struct db_step *step, struct err *e)
{
    GUARD_AUTO guard = {0};
    if (!sqlite_guard_before(s, &guard, keeps_foreign_keys_off(step), e))
        return false;
    for (size_t i = 0; i < step->section->n_statements; i++)
        if (!sqlite_run_body(s, step, i, true, NULL, e))
            return false;
    return sqlite_guard_after(s, &guard, e) || place(step, e);
}

/* Everything of one step between BEGIN and COMMIT. */
static bool apply_step(struct sqlite *s, const struct db_step *step, struct err *e)
{
    struct moment started = moment_now();
    return create_version(s, e) && create_log(s, e) && check_rows(s, step->step, e) &&
           (!step->section || run_section(s, step, e)) && change_rows(s, step->step, e) &&
           append_entries(s, step->entries, step->n_entries, &started, e);
}

/* `n` steps in one transaction. */
static bool apply_group(struct sqlite *s, const struct db_step *steps, size_t n, struct err *e)
{
    bool off = false;
    for (size_t i = 0; i < n; i++)
        off = off || keeps_foreign_keys_off(&steps[i]);
    sqlite_wait_never(s);
    bool ok = (!off || sqlite_set_foreign_keys(s, false, e)) && sqlite_begin(s, e);
    for (size_t i = 0; ok && i < n; i++)
        ok = apply_step(s, &steps[i], e);
    ok = ok && commit(s, &steps[n - 1], e);
    finish(s, off);
    return ok;
}

bool sqlite_apply(struct db *db, const struct db_step *steps, size_t n, bool together, size_t *done, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    size_t size = together ? n : 1;
    bool ok = sqlite_can_write(s, e) && sqlite_lock(s, e);
    if (!ok)
        return false;
    for (size_t i = 0; ok && i < n; i += size) {
        ok = sqlite_may_begin(s, e) && apply_group(s, steps + i, size, e);
        *done += ok ? size : 0;
    }
    sqlite_unlock(s);
    return ok;
}

/* ------------------------------------------------------------------------------------------------ statement-wise work */

/* The migration lock is ours, so whoever is in the way is the application: worth repeating. */
static bool fail_in_the_way(struct err *e)
{
    if (e->fault == FAULT_BUSY)
        e->fault = FAULT_LOCK;
    return false;
}

/* The newest row of the log says how far the batches came. */
static bool update_progress(struct sqlite *s, const struct log_entry *progress, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    int rc;
    if (!sqlite_prepare(s, sqlite_sql_progress, &statement, "cannot write migrate_log", e))
        return false;
    sqlite3_bind_text(statement, 1, progress->message, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, progress->duration_ms);
    sqlite3_bind_text(statement, 3, s->base.options.stream, -1, SQLITE_STATIC);
    return sqlite_step(s, statement, &rc, "cannot write migrate_log", e);
}

/* `touched` is asked for of batches only. */
static bool write_progress(struct sqlite *s, const struct log_entry *progress, const int64_t *touched,
                           const struct moment *started, struct err *e)
{
    return !progress ||
           (create_log(s, e) && (touched ? update_progress(s, progress, e) : append_entry(s, progress, started, e)));
}

static bool statement_in_block(struct sqlite *s, const struct db_step *step, size_t statement,
                               const struct log_entry *progress, int64_t *touched, struct err *e)
{
    GUARD_AUTO guard = {0};
    struct moment started = moment_now();
    if (!sqlite_begin(s, e))
        return false;
    sqlite_wait_never(s);
    return sqlite_guard_before(s, &guard, keeps_foreign_keys_off(step), e) &&
           sqlite_run_body(s, step, statement, true, touched, e) &&
           (sqlite_guard_after(s, &guard, e) || place(step, e)) && write_progress(s, progress, touched, &started, e) &&
           commit(s, step, e);
}

static bool in_block(struct sqlite *s, const struct db_step *step, size_t statement, const struct log_entry *progress,
                     int64_t *touched, struct err *e)
{
    bool off = keeps_foreign_keys_off(step);
    sqlite_wait_for(s, step->lock_timeout_ms > 0 ? step->lock_timeout_ms : 0);
    bool ok = (!off || sqlite_set_foreign_keys(s, false, e)) &&
              statement_in_block(s, step, statement, progress, touched, e);
    finish(s, off);
    return ok || fail_in_the_way(e);
}

/* VACUUM, PRAGMA journal_mode: a commit of their own, and no log row in it. */
static bool alone(struct sqlite *s, const struct db_step *step, size_t statement, struct err *e)
{
    sqlite_wait_for(s, step->lock_timeout_ms > 0 ? step->lock_timeout_ms : 0);
    bool ok = sqlite_run_body(s, step, statement, false, NULL, e);
    if (ok && !sqlite3_get_autocommit(s->handle)) {
        err_set(e, FAULT_FAILED, "the statement left a transaction open");
        db_error_at(e, step->step->revision, step->section, statement, 0);
        ok = false;
    }
    finish(s, false);
    return ok || fail_in_the_way(e);
}

bool sqlite_run_statement(struct db *db, const struct db_step *step, size_t statement, const struct log_entry *progress,
                          struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    if (!sqlite_can_write(s, e) || !sqlite_may_begin(s, e))
        return false;
    if (step->section->statements[statement].flags & STATEMENT_NO_BLOCK)
        return alone(s, step, statement, e);
    return in_block(s, step, statement, progress, NULL, e);
}

bool sqlite_run_batch(struct db *db, const struct db_step *step, const struct log_entry *progress, int64_t *touched,
                      struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    if (step->section->n_statements != 1)
        return err_set(e, FAULT_POLICY, "a batch is one statement");
    return sqlite_can_write(s, e) && sqlite_may_begin(s, e) && in_block(s, step, 0, progress, touched, e);
}

/* ------------------------------------------------------------------------------------------------ small writes */

static bool begin_own(struct sqlite *s, struct err *e)
{
    if (!sqlite_can_write(s, e) || !sqlite_may_begin(s, e))
        return false;
    sqlite_wait_for(s, OWN_WAIT_MS);
    return sqlite_begin(s, e);
}

bool sqlite_append_log(struct db *db, const struct log_entry *entries, size_t n, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    struct moment started = moment_now();
    bool ok = begin_own(s, e) && create_log(s, e) && append_entries(s, entries, n, &started, e) && sqlite_commit(s, e);
    finish(s, false);
    return ok;
}

bool sqlite_ensure_version(struct db *db, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    bool ok = begin_own(s, e) && create_version(s, e) && sqlite_commit(s, e);
    finish(s, false);
    return ok;
}

static bool exec_all(struct sqlite *s, const char *sql, struct err *e)
{
    for (const char *tail; *(sql += strspn(sql, " \n;")); sql = tail) {
        STATEMENT_AUTO *statement = NULL;
        int rc = sqlite3_prepare_v2(s->handle, sql, -1, &statement, &tail);
        if (rc != SQLITE_OK)
            return sqlite_fail(s, rc, NULL, e);
        do {
            if (!sqlite_step(s, statement, &rc, NULL, e))
                return false;
        } while (rc == SQLITE_ROW);
    }
    return true;
}

bool sqlite_write(struct db *db, const char *sql, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    bool ok = begin_own(s, e) && exec_all(s, sql, e) && sqlite_commit(s, e);
    finish(s, false);
    return ok;
}

/* An index that is no longer there is what was asked for. */
bool sqlite_drop_index(struct db *db, const char *schema, const char *index, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    BUF_AUTO sql = {0};
    (void)schema;
    buf_addz(&sql, "DROP INDEX IF EXISTS main.");
    db_quote_name(&sql, index);
    bool ok = begin_own(s, e) && sqlite_exec(s, sql.p, "cannot drop the index", e) && sqlite_commit(s, e);
    finish(s, false);
    return ok;
}
