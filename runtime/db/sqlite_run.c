/*
 * Running statements on one handle: waiting that heeds stop and deadline, limits of time, what a revision may not do, and
 * the way from result codes to errors.
 *
 * SQLite calls back while it works. The handlers here only look at the struct and say go on or stop; what they decided is
 * left in `cut` or `denied`, from which sqlite_fail() makes the message.
 */
#include <string.h>

#include "db/sqlite.h"

void sqlite_statement_free(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
    *statement = NULL;
}

/* ------------------------------------------------------------------------------------------------ handlers */

int64_t sqlite_deadline(const struct sqlite *s)
{
    return s->base.options.deadline ? s->base.options.deadline : DEADLINE_NEVER;
}

void sqlite_wait_for(struct sqlite *s, int64_t ms)
{
    s->wait_until = clock_min(ms ? clock_deadline(ms) : DEADLINE_NEVER, sqlite_deadline(s));
}

void sqlite_wait_never(struct sqlite *s)
{
    s->wait_until = 0;
}

/* Another connection holds a lock: wait 1 to 50 ms and let SQLite try again, or return 0 and let it say "busy". */
static int on_busy(void *context, int count)
{
    enum { MOST = 50 };
    struct sqlite *s = context;
    if (s->wait_until == 0)
        return 0;
    int64_t left = clock_left(s->wait_until);
    if (left == 0) {
        if (clock_left(sqlite_deadline(s)) == 0)
            s->cut = CUT_DEADLINE;
        return 0;
    }
    int64_t ms = clock_min(count < 6 ? (int64_t)1 << count : MOST, left);
    bool working = !sqlite3_get_autocommit(s->handle);
    if (stop_sleep(s->base.options.stop, clock_jitter(ms), working))
        return 1;
    s->cut = CUT_STOPPED;
    return 0;
}

/* Now and then while a statement runs: nonzero interrupts it. */
static int on_progress(void *context)
{
    struct sqlite *s = context;
    if (stop_cancelled(s->base.options.stop))
        s->cut = CUT_STOPPED;
    else if (clock_left(sqlite_deadline(s)) == 0)
        s->cut = CUT_DEADLINE;
    else if (s->statement_until && clock_left(s->statement_until) == 0)
        s->cut = CUT_TIMEOUT;
    return s->cut != CUT_NONE;
}

/* Pragmas that only tell. With an argument of another kind than a table's name, most of them would set something. */
static bool is_telling(const char *pragma, const char *argument)
{
    static const char *const of_table[] = {"table_info",      "table_xinfo", "table_list",       "index_list",
                                           "index_info",      "index_xinfo", "foreign_key_list", "foreign_key_check",
                                           "integrity_check", "quick_check"};
    static const char *const plain[] = {
        "database_list", "collation_list", "function_list",  "module_list",  "pragma_list",  "compile_options",
        "user_version",  "application_id", "schema_version", "encoding",     "journal_mode", "page_size",
        "page_count",    "freelist_count", "auto_vacuum",    "foreign_keys", "data_version"};
    for (size_t i = 0; i < sizeof of_table / sizeof *of_table; i++)
        if (sqlite3_stricmp(pragma, of_table[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (sqlite3_stricmp(pragma, plain[i]) == 0)
            return !argument;
    return false;
}

static const char *refuse_in_query(int action, const char *first, const char *second)
{
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
        return NULL;
    case SQLITE_UPDATE:
        /* A function that stands for a table (pragma_table_info) is declared so; a real UPDATE is not read-only. */
        return strcmp(first, "sqlite_master") == 0 ? NULL : "a query only reads";
    case SQLITE_PRAGMA:
        return is_telling(first, second) ? NULL : "a query only reads";
    default:
        return "a query only reads";
    }
}

static const char *refuse(enum sqlite_rule rule, int action, const char *first, const char *second)
{
    if (rule == RULE_QUERY)
        return refuse_in_query(action, first, second);
    /* VACUUM attaches a file without a name for itself. */
    if (action == SQLITE_ATTACH && !(first && !*first))
        return "a revision works on its own database file only";
    if (rule == RULE_BODY && action == SQLITE_TRANSACTION)
        return "the revision runs in a transaction of ours, which it may not begin or end itself";
    return NULL;
}

static int on_authorize(void *context, int action, const char *first, const char *second, const char *schema,
                        const char *trigger)
{
    struct sqlite *s = context;
    (void)schema;
    (void)trigger;
    if (s->rule == RULE_OWN)
        return SQLITE_OK;
    const char *why = refuse(s->rule, action, first, second);
    if (!why)
        return SQLITE_OK;
    s->denied = why;
    return SQLITE_DENY;
}

/* migrate_setting(NAME): what a body may know of the database that it runs on. */
static void migrate_setting(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct sqlite *s = sqlite3_user_data(context);
    const char *name = (const char *)sqlite3_value_text(values[0]);
    const char *value = NULL;
    (void)n;
    if (name && strcmp(name, "tenant_id") == 0)
        value = s->base.options.tenant;
    else if (name && strcmp(name, "stream") == 0)
        value = s->base.options.stream;
    else if (name && strcmp(name, "revision") == 0)
        value = s->revision;
    if (value) {
        sqlite3_result_text(context, value, -1, SQLITE_TRANSIENT);
        return;
    }
    BUF_AUTO text = {0};
    buf_addf(&text, "migrate_setting('%s') has no value here", name ? name : "");
    sqlite3_result_error(context, text.p, -1);
}

void sqlite_set_handlers(struct sqlite *s)
{
    enum { OPERATIONS = 2000 };
    sqlite3_busy_handler(s->handle, on_busy, s);
    sqlite3_progress_handler(s->handle, OPERATIONS, on_progress, s);
    sqlite3_set_authorizer(s->handle, on_authorize, s);
    /* DIRECTONLY: no trigger or view of the database calls it behind a statement's back. */
    sqlite3_create_function_v2(s->handle, "migrate_setting", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, s, migrate_setting,
                               NULL, NULL, NULL);
}

/* ------------------------------------------------------------------------------------------------ errors */

struct reason {
    enum fault fault;
    const char *text; /* NULL: what SQLite says */
    const char *hint;
};

#define JOURNAL_HINT "SQLite writes a journal beside the file: the folder must be writable too"

static struct reason reason_of(int rc)
{
    switch (rc) {
    case SQLITE_READONLY_ROLLBACK:
    case SQLITE_READONLY_RECOVERY:
        return (struct reason){
            FAULT_FAILED,
            "a write was interrupted and must be rolled back first, which needs a writable file and folder", NULL};
    case SQLITE_READONLY_DIRECTORY:
    case SQLITE_READONLY_CANTINIT:
    case SQLITE_READONLY_CANTLOCK:
        return (struct reason){FAULT_FAILED, NULL, JOURNAL_HINT};
    case SQLITE_READONLY_DBMOVED:
        return (struct reason){FAULT_FAILED, "the file was moved or replaced while it was open", NULL};
    case SQLITE_BUSY_RECOVERY:
        return (struct reason){FAULT_BUSY, "another connection is recovering the database", NULL};
    default:
        break;
    }
    switch (rc & 0xFF) {
    case SQLITE_BUSY:
        return (struct reason){FAULT_BUSY, "another connection has locked the database", NULL};
    case SQLITE_LOCKED:
        return (struct reason){FAULT_LOCK, NULL, NULL};
    case SQLITE_FULL:
        return (struct reason){FAULT_FAILED, "the disk is full, or the database has reached its largest size", NULL};
    case SQLITE_READONLY:
        return (struct reason){FAULT_FAILED, "the database is read-only", NULL};
    case SQLITE_CANTOPEN:
        return (struct reason){FAULT_FAILED, "SQLite cannot open the database file or its journal", JOURNAL_HINT};
    case SQLITE_NOTADB:
        return (struct reason){FAULT_FAILED, "the file is no SQLite database, or it is encrypted", NULL};
    case SQLITE_CORRUPT:
        return (struct reason){
            FAULT_FAILED, "the database file is corrupt",
            "restore it from a backup; `sqlite3 FILE 'PRAGMA integrity_check'` says what is damaged"};
    default:
        return (struct reason){FAULT_FAILED, NULL, NULL};
    }
}

static bool fail_cut(struct sqlite *s, struct err *e)
{
    enum sqlite_cut cut = s->cut;
    char span[32];
    s->cut = CUT_NONE;
    switch (cut) {
    case CUT_STOPPED:
        return err_set(e, FAULT_STOPPED, "stopped on request");
    case CUT_DEADLINE:
        return err_set(e, FAULT_DEADLINE, "the run's deadline passed");
    case CUT_TIMEOUT:
        duration_format(span, s->statement_ms);
        return err_set(e, FAULT_FAILED, "the statement ran longer than its statement_timeout of %s", span);
    case CUT_NONE:
        break;
    }
    return err_set(e, FAULT_FAILED, "interrupted");
}

bool sqlite_fail(struct sqlite *s, int rc, const char *what, struct err *e)
{
    if (s->cut != CUT_NONE)
        return fail_cut(s, e);
    if (s->denied) {
        err_set(e, FAULT_POLICY, "%s", s->denied);
        s->denied = NULL;
        return false;
    }
    struct reason reason = reason_of(rc);
    const char *said = s->handle ? sqlite3_errmsg(s->handle) : sqlite3_errstr(rc);
    int error = s->handle ? sqlite3_system_errno(s->handle) : 0;
    err_set(e, reason.fault, "%s%s%s", what ? what : "", what ? ": " : "", reason.text ? reason.text : said);
    if ((rc & 0xFF) == SQLITE_IOERR)
        err_detail(e, "%s: %s (SQLite's code %d)", s->path, error ? strerror(error) : said, rc);
    else if (reason.text && reason.fault == FAULT_FAILED)
        err_detail(e, "%s: %s", s->path, said);
    if (reason.hint)
        err_hint(e, "%s", reason.hint);
    return false;
}

/* ------------------------------------------------------------------------------------------------ our statements */

bool sqlite_prepare(struct sqlite *s, const char *sql, sqlite3_stmt **out, const char *what, struct err *e)
{
    int rc = sqlite3_prepare_v2(s->handle, sql, -1, out, NULL);
    return rc == SQLITE_OK || sqlite_fail(s, rc, what, e);
}

bool sqlite_step(struct sqlite *s, sqlite3_stmt *statement, int *rc, const char *what, struct err *e)
{
    *rc = sqlite3_step(statement);
    return *rc == SQLITE_ROW || *rc == SQLITE_DONE || sqlite_fail(s, *rc, what, e);
}

bool sqlite_exec(struct sqlite *s, const char *sql, const char *what, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    int rc;
    if (!sqlite_prepare(s, sql, &statement, what, e))
        return false;
    do {
        if (!sqlite_step(s, statement, &rc, what, e))
            return false;
    } while (rc == SQLITE_ROW);
    return true;
}

bool sqlite_may_begin(struct sqlite *s, struct err *e)
{
    if (stop_winding_down(s->base.options.stop))
        return err_set(e, FAULT_STOPPED, "stopped on request");
    if (clock_left(sqlite_deadline(s)) == 0)
        return err_set(e, FAULT_DEADLINE, "the run's deadline passed");
    s->cut = CUT_NONE;
    s->denied = NULL;
    return true;
}

bool sqlite_begin(struct sqlite *s, struct err *e)
{
    return sqlite_exec(s, "BEGIN IMMEDIATE", "cannot begin", e);
}

bool sqlite_commit(struct sqlite *s, struct err *e)
{
    return sqlite_exec(s, "COMMIT", "cannot commit", e);
}

void sqlite_rollback(struct sqlite *s)
{
    enum sqlite_cut cut = s->cut;
    if (!sqlite3_get_autocommit(s->handle))
        sqlite3_exec(s->handle, "ROLLBACK", NULL, NULL, NULL);
    s->cut = cut;
}

/* Inside a transaction the pragma does nothing and says nothing, so it is looked at afterwards. */
bool sqlite_set_foreign_keys(struct sqlite *s, bool on, struct err *e)
{
    int now = !on;
    int rc = sqlite3_db_config(s->handle, SQLITE_DBCONFIG_ENABLE_FKEY, on, &now);
    if (rc != SQLITE_OK)
        return sqlite_fail(s, rc, "cannot set foreign_keys", e);
    return (now != 0) == on || err_set(e, FAULT_FAILED, "cannot switch foreign keys %s", on ? "on" : "off");
}

/* ------------------------------------------------------------------------------------------------ bodies */

static size_t count_characters(const char *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)p[i] & 0xC0) != 0x80;
    return count;
}

/* A body's statement while it runs. */
struct running {
    const struct db_step *step;
    size_t statement;
    struct str text;
    size_t at; /* of the piece that runs now, in `text` */
    bool in_block;
};

/* Where the first token of a piece stands: behind white space and comments. */
static size_t first_token(struct str s, size_t at)
{
    for (size_t before = s.n + 1; at < s.n && at != before;) {
        before = at;
        while (at < s.n && strchr(" \t\r\n\f;", s.p[at]))
            at++;
        if (str_starts(str_slice(s, at, s.n), STR("--")))
            while (at < s.n && s.p[at] != '\n')
                at++;
        else if (str_starts(str_slice(s, at, s.n), STR("/*")))
            for (at += 2; at < s.n && !str_starts(str_slice(s, at - 2, at), STR("*/"));)
                at++;
    }
    return at;
}

/* Puts the place in front: the token that SQLite points at, else where the statement begins. */
static bool fail_in_body(struct sqlite *s, const struct running *r, int rc, struct err *e)
{
    const struct revision *revision = r->step->step->revision;
    const struct revision_section *section = r->step->section;
    int offset = sqlite3_error_offset(s->handle);
    bool rolled_back = r->in_block && (rc & 0xFF) == SQLITE_CONSTRAINT && sqlite3_get_autocommit(s->handle);
    size_t characters = 0;
    sqlite_fail(s, rc, NULL, e);
    if (e->fault == FAULT_STOPPED || e->fault == FAULT_DEADLINE)
        return false;
    size_t at = offset >= 0 ? r->at + (size_t)offset : first_token(r->text, r->at);
    if (at <= r->text.n) {
        struct str body = db_section_text(revision, section);
        size_t start = section->statements[r->statement].offset - section->offset;
        characters = count_characters(body.p, start + at) + 1;
    }
    if (rolled_back)
        err_detail(e, "the statement rolled back the revision's transaction");
    db_error_at(e, revision, section, r->statement, characters);
    return false;
}

static bool fail_ended(const struct running *r, struct err *e)
{
    err_set(e, FAULT_FAILED, "the statement ended the revision's transaction");
    db_error_at(e, r->step->step->revision, r->step->section, r->statement, 0);
    return false;
}

/* Rows that the statement touched. sqlite3_changes64() keeps its value when a statement touches none, so look twice. */
static int64_t rows_touched(struct sqlite *s, sqlite3_int64 total_before)
{
    return sqlite3_total_changes64(s->handle) == total_before ? 0 : sqlite3_changes64(s->handle);
}

/* One statement from r->at on; moves r->at behind it. `end` is one past the text's last byte, and a NUL. */
static bool run_piece(struct sqlite *s, struct running *r, int64_t *touched, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    const char *tail = NULL;
    sqlite3_int64 total = sqlite3_total_changes64(s->handle);
    /* The NUL is counted: SQLite then reads the text where it is instead of copying it. */
    int rc = sqlite3_prepare_v2(s->handle, r->text.p + r->at, (int)(r->text.n - r->at + 1), &statement, &tail);
    if (rc != SQLITE_OK)
        return fail_in_body(s, r, rc, e);
    if (statement) {
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
            continue;
        if (rc != SQLITE_DONE)
            return fail_in_body(s, r, rc, e);
        *touched += rows_touched(s, total);
    }
    if (r->in_block && sqlite3_get_autocommit(s->handle))
        return fail_ended(r, e);
    size_t next = (size_t)(tail - r->text.p);
    r->at = next > r->at ? next : r->text.n;
    return true;
}

bool sqlite_run_body(struct sqlite *s, const struct db_step *step, size_t statement, bool in_block, int64_t *touched,
                     struct err *e)
{
    BUF_AUTO copy = {0};
    int64_t rows = 0;
    bool ok = true;
    buf_adds(&copy, db_statement_text(step->step->revision, step->section, statement));
    struct running r = {.step = step, .statement = statement, .text = buf_str(&copy), .in_block = in_block};
    s->revision = step->step->revision->id;
    s->rule = in_block ? RULE_BODY : RULE_STATEMENT;
    s->statement_ms = step->statement_timeout_ms;
    s->statement_until = s->statement_ms > 0 ? clock_deadline(s->statement_ms) : 0;
    while (ok && r.at < r.text.n)
        ok = run_piece(s, &r, &rows, e);
    s->rule = RULE_OWN;
    s->statement_until = 0;
    if (touched)
        *touched = rows;
    return ok;
}
