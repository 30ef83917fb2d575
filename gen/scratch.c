/* The database in memory that revisions are tried on. Knows no files, revisions or findings. */
#include "gen/scratch.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/read_sqlite.h"
#include "gen/rules_sqlite.h"

/* Far more than a data migration over a test's rows takes: half a minute of work. */
int scratch_patience = 2000;

struct scratch {
    sqlite3 *db;
    sqlite3 *filled; /* another database, for one table with one row; opened when it is needed */
    const char *stream;
    const char *revision;
    enum stream_kind kind;
    bool guarded; /* a statement of a revision runs, not one of ours */
    int steps;    /* of it, in millions */
    int64_t touched;
};

/* --------------------------------------------------------------------------------------------------------- callbacks */

static int authorize(void *context, int action, const char *first, const char *second, const char *schema,
                     const char *trigger)
{
    const struct scratch *s = context;
    (void)schema;
    (void)trigger;
    if (!s->guarded)
        return SQLITE_OK;
    if (action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT || action == SQLITE_ATTACH ||
        action == SQLITE_DETACH)
        return SQLITE_DENY;
    if (action == SQLITE_PRAGMA)
        return rules_sqlite_pragma(first) ? SQLITE_OK : SQLITE_DENY;
    if (action == SQLITE_FUNCTION)
        return second && sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    return SQLITE_OK;
}

static int count_steps(void *context)
{
    struct scratch *s = context;
    return s->guarded && ++s->steps > scratch_patience;
}

/* The same names as at run time; the tenant is made up. */
static void migrate_setting(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct scratch *s = sqlite3_user_data(context);
    const char *name = (const char *)sqlite3_value_text(values[0]);
    const char *value = NULL;
    (void)n;
    if (name && strcmp(name, "tenant_id") == 0 && s->kind == STREAM_FLEET)
        value = "tenant";
    else if (name && strcmp(name, "stream") == 0)
        value = s->stream;
    else if (name && strcmp(name, "revision") == 0)
        value = s->revision;
    if (value) {
        sqlite3_result_text(context, value, -1, SQLITE_TRANSIENT);
        return;
    }
    BUF_AUTO text = {0};
    buf_addf(&text, "migrate_setting('%s') has no value in the stream \"%s\"", name ? name : "", s->stream);
    sqlite3_result_error(context, text.p, -1);
}

/* --------------------------------------------------------------------------------------------------- opening, closing */

/* A statement of ours. */
static bool run(struct scratch *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void set_up(struct scratch *s)
{
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(s->db, authorize, s);
    sqlite3_progress_handler(s->db, 1000 * 1000, count_steps, s);
    sqlite3_create_function_v2(s->db, "migrate_setting", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, s, migrate_setting, NULL,
                               NULL, NULL);
}

/* At run time the version table is there before the first revision. */
static bool make_version_table(struct scratch *s, const char *name)
{
    char *sql = sqlite3_mprintf("CREATE TABLE \"%w\" (version_num VARCHAR(32) NOT NULL, "
                                "CONSTRAINT \"%w_pkc\" PRIMARY KEY (version_num))",
                                name, name);
    bool ok = sql && run(s, sql);
    sqlite3_free(sql);
    return ok;
}

static bool open_empty(struct scratch *s)
{
    sqlite3_close(s->db);
    s->db = NULL;
    if (sqlite3_open_v2(":memory:", &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY, NULL) !=
        SQLITE_OK)
        return false;
    set_up(s);
    return true;
}

struct scratch *scratch_open(const char *stream, enum stream_kind kind, const char *version_table)
{
    struct scratch *s = mem_alloc(sizeof *s);
    s->stream = stream;
    s->kind = kind;
    if (open_empty(s) && make_version_table(s, version_table))
        return s;
    scratch_close(s);
    return NULL;
}

void scratch_close(struct scratch *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    sqlite3_close(s->filled);
    free(s);
}

/* -------------------------------------------------------------------------------------------------------- statements */

static bool is_syntax(const char *message)
{
    struct str m = str_from(message);
    return str_ends(m, STR(": syntax error")) || str_starts(m, STR("unrecognized token: ")) ||
           str_eq(m, STR("incomplete input"));
}

static const char *message_of(const struct scratch *s, int rc, struct arena *a)
{
    if (rc == SQLITE_INTERRUPT)
        return "the statement does not come to an end";
    if (rc == SQLITE_NOMEM)
        return arena_printf(a, "the statement takes more than %d MB of memory", (int)SCRATCH_MEGABYTES);
    return arena_strdup(a, sqlite3_errmsg(s->db));
}

static bool fail(struct scratch *s, int rc, struct arena *a, struct scratch_error *e)
{
    int offset = sqlite3_error_offset(s->db);
    const char *message = message_of(s, rc, a);
    *e = (struct scratch_error){
        .message = message,
        .offset = offset >= 0 ? (size_t)offset : SIZE_MAX,
        .syntax = is_syntax(message),
    };
    return false;
}

/* On the commit: nothing says which statement, let alone which row. */
static bool fail_at_commit(struct scratch *s, struct arena *a, struct scratch_error *e)
{
    *e = (struct scratch_error){.message = arena_printf(a, "%s at the commit", sqlite3_errmsg(s->db)),
                                .offset = SIZE_MAX};
    scratch_rollback(s);
    return false;
}

static bool fail_with(struct arena *a, struct scratch_error *e, const char *message)
{
    *e = (struct scratch_error){.message = arena_strdup(a, message), .offset = SIZE_MAX};
    return false;
}

bool scratch_begin(struct scratch *s, bool foreign_keys, const char *revision)
{
    s->revision = revision;
    return sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, foreign_keys, NULL) == SQLITE_OK && run(s, "BEGIN");
}

bool scratch_commit(struct scratch *s, struct arena *a, struct scratch_error *e)
{
    return run(s, "COMMIT") || fail_at_commit(s, a, e);
}

void scratch_rollback(struct scratch *s)
{
    if (!sqlite3_get_autocommit(s->db))
        run(s, "ROLLBACK");
}

static int run_to_end(struct scratch *s, sqlite3_stmt *statement)
{
    int rc;
    sqlite3_int64 before = sqlite3_total_changes64(s->db);
    s->steps = 0;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        continue;
    /* sqlite3_changes64() keeps its value when a statement touches nothing. */
    s->touched = sqlite3_total_changes64(s->db) == before ? 0 : sqlite3_changes64(s->db);
    return rc;
}

static bool is_cut(struct str text, const char *tail)
{
    struct lexer l = {.text = text, .dialect = DIALECT_SQLITE, .at = (size_t)(tail - text.p)};
    struct token t;
    return token_next(&l, &t);
}

bool scratch_statement(struct scratch *s, struct str text, bool run_it, struct arena *a, struct scratch_error *e)
{
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    bool ok = true;
    if (text.n > INT32_MAX - 1)
        return fail_with(a, e, "the statement is too long");
    s->guarded = true;
    int rc = sqlite3_prepare_v2(s->db, text.p, (int)text.n, &statement, &tail);
    if (rc == SQLITE_OK && is_cut(text, tail)) {
        *e = (struct scratch_error){
            .message = "SQLite reads two statements here", .offset = (size_t)(tail - text.p), .cut = true};
        ok = false;
    } else if (rc == SQLITE_OK && run_it && statement) {
        rc = run_to_end(s, statement);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    s->guarded = false;
    if (rc != SQLITE_OK)
        ok = fail(s, rc & 0xFF, a, e);
    sqlite3_finalize(statement);
    if (!run_it || !sqlite3_get_autocommit(s->db))
        return ok;
    if (ok)
        return fail_with(a, e, "the statement ended the transaction");
    /* RAISE(ROLLBACK) does; being stopped or out of memory does as well, but that is not news then. */
    if ((rc & 0xFF) == SQLITE_CONSTRAINT)
        e->message = arena_printf(a, "%s" ROLLED_BACK, e->message);
    return false;
}

int64_t scratch_touched(const struct scratch *s)
{
    return s->touched;
}

/* Anew for each statement: what the last one made of it does not matter. */
static bool fill_table(struct scratch *s, struct str table)
{
    sqlite3_close(s->filled);
    s->filled = NULL;
    if (sqlite3_open(":memory:", &s->filled) != SQLITE_OK)
        return false;
    int keys = 0;
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &keys);
    sqlite3_db_config(s->filled, SQLITE_DBCONFIG_ENABLE_FKEY, keys, NULL);
    char *name = sqlite3_mprintf("%.*s", str_int_length(table), table.p);
    char *sql = name ? sqlite3_mprintf("CREATE TABLE \"%w\" (\"the only column\"); INSERT INTO \"%w\" VALUES (1)", name,
                                       name)
                     : NULL;
    bool ok = sql && sqlite3_exec(s->filled, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(name);
    sqlite3_free(sql);
    return ok;
}

const char *scratch_add_column(struct scratch *s, struct str table, struct str text, struct arena *a)
{
    sqlite3_stmt *statement = NULL;
    const char *wrong = NULL;
    if (text.n > INT32_MAX || !fill_table(s, table))
        return NULL;
    /* Other errors, such as a CHECK of a column that this table lacks, say nothing about rows. */
    if (sqlite3_prepare_v2(s->filled, text.p, (int)text.n, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_DONE)
        wrong = sqlite3_strnicmp(sqlite3_errmsg(s->filled), "cannot add ", 11) == 0
                    ? arena_strdup(a, sqlite3_errmsg(s->filled))
                    : NULL;
    sqlite3_finalize(statement);
    return wrong;
}

const char *scratch_check_keys(struct scratch *s, struct arena *a)
{
    static const char sql[] = "SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1";
    sqlite3_stmt *statement = NULL;
    const char *wrong = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        wrong = arena_printf(a, "a row of \"%s\" has no parent in \"%s\"",
                             (const char *)sqlite3_column_text(statement, 0),
                             (const char *)sqlite3_column_text(statement, 1));
    else if (rc != SQLITE_DONE)
        wrong = arena_strdup(a, sqlite3_errmsg(s->db));
    sqlite3_finalize(statement);
    return wrong;
}

struct sqlite3 *scratch_handle(struct scratch *s)
{
    return s->db;
}

/* ------------------------------------------------------------------------------------------------------------ reading */

struct catalog_source scratch_source(const struct scratch *s)
{
    return source_of_sqlite(s->db);
}

int64_t scratch_count(const struct scratch *s, const char *table)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM %s", table);
    sqlite3_stmt *statement = NULL;
    int64_t n = -1;
    if (sql && sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return n;
}

/* ------------------------------------------------------------------------------------------------------------- images */

bool scratch_save(struct scratch *s, struct image *out)
{
    sqlite3_int64 n = 0;
    out->bytes = sqlite3_serialize(s->db, "main", &n, 0);
    out->n = n;
    return out->bytes != NULL;
}

bool scratch_restore(struct scratch *s, struct image *image)
{
    /*
     * A new connection each time: one that has used a table-valued function (json_each) keeps it tied to the schema that
     * deserializing replaces, and crashes at its next use under an authorizer.
     */
    if (!open_empty(s))
        return false;
    struct image given = *image;
    *image = (struct image){0};
    return sqlite3_deserialize(s->db, "main", given.bytes, given.n, given.n,
                               SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) == SQLITE_OK;
}

void scratch_image_free(struct image *image)
{
    sqlite3_free(image->bytes);
    *image = (struct image){0};
}
