/* Reading: version rows, the log, indexes, queries of others. Writes nothing and takes no lock beyond a read transaction. */
#include <stddef.h>
#include <string.h>

#include "db/sqlite.h"

static char *column_text(struct arena *a, sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return arena_strdup(a, text ? text : "");
}

/* Binds texts from ?1 on; NULL binds SQL NULL. They must outlive the statement. */
static void bind_texts(sqlite3_stmt *statement, const char *first, const char *second)
{
    sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
    if (sqlite3_bind_parameter_count(statement) > 1)
        sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
}

static bool has_row(struct sqlite *s, const char *sql, const char *first, const char *second, bool *has, struct err *e)
{
    static const char what[] = "cannot read the schema";
    STATEMENT_AUTO *statement = NULL;
    int rc;
    if (!sqlite_prepare(s, sql, &statement, what, e))
        return false;
    bind_texts(statement, first, second);
    if (!sqlite_step(s, statement, &rc, what, e))
        return false;
    *has = rc == SQLITE_ROW;
    return true;
}

bool sqlite_has_table(struct sqlite *s, const char *name, bool *has, struct err *e)
{
    return has_row(s, sqlite_sql_has_table, name, NULL, has, e);
}

bool sqlite_read_version(struct sqlite *s, struct arena *a, struct strings *rows, struct err *e)
{
    BUF_AUTO what = {0}, sql = {0};
    STATEMENT_AUTO *statement = NULL;
    int rc;
    buf_addf(&what, "cannot read the version table \"%s\"", s->base.options.version_table);
    sqlite_sql_read_version(&sql, s->base.options.version_table);
    if (!sqlite_prepare(s, sql.p, &statement, what.p, e))
        return false;
    *rows = (struct strings){0};
    while (sqlite_step(s, statement, &rc, what.p, e)) {
        if (rc == SQLITE_DONE) {
            strings_sort(rows);
            return true;
        }
        vec_push(a, rows, column_text(a, statement, 0));
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------ the log */

static const struct sqlite_column *find_column(const char *name)
{
    for (size_t i = 0; i < sqlite_n_log_columns; i++)
        if (sqlite3_stricmp(sqlite_log_columns[i].name, name) == 0)
            return &sqlite_log_columns[i];
    return NULL;
}

/* By name, so that a table of an older or a newer executable reads as well: what is missing is as good as NULL. */
static struct log_entry read_entry(struct arena *a, sqlite3_stmt *statement)
{
    struct log_entry entry = {.checksum_version = -1, .duration_ms = -1, .statement = -1};
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const struct sqlite_column *column = find_column(sqlite3_column_name(statement, i));
        if (!column || sqlite3_column_type(statement, i) == SQLITE_NULL)
            continue;
        char *field = (char *)&entry + column->offset;
        if (column->kind == COLUMN_TEXT)
            *(const char **)(void *)field = column_text(a, statement, i);
        else
            *(int64_t *)(void *)field = sqlite3_column_int64(statement, i);
    }
    return entry;
}

static bool read_entries(struct sqlite *s, struct arena *a, sqlite3_stmt *statement, struct log_list *out,
                         struct err *e)
{
    int rc;
    while (sqlite_step(s, statement, &rc, "cannot read migrate_log", e)) {
        if (rc == SQLITE_DONE)
            return true;
        vec_push(a, out, read_entry(a, statement));
    }
    return false;
}

static bool read_last(struct sqlite *s, struct arena *a, struct db_state *out, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    struct log_list list = {0};
    if (!sqlite_prepare(s, sqlite_sql_last_log, &statement, "cannot read migrate_log", e))
        return false;
    bind_texts(statement, s->base.options.stream, NULL);
    if (!read_entries(s, a, statement, &list, e))
        return false;
    out->has_last = list.n > 0;
    if (list.n)
        out->last = list.v[0];
    return true;
}

static bool read_state(struct sqlite *s, struct arena *a, struct db_state *out, struct err *e)
{
    return sqlite_has_table(s, s->base.options.version_table, &out->has_version_table, e) &&
           (!out->has_version_table || sqlite_read_version(s, a, &out->rows, e)) &&
           sqlite_has_table(s, "migrate_log", &out->has_log, e) && (!out->has_log || read_last(s, a, out, e));
}

bool sqlite_read_state(struct db *db, struct arena *a, struct db_state *out, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    if (!sqlite_may_begin(s, e))
        return false;
    /* One transaction, so that rows and log belong together. */
    sqlite_wait_for(s, s->read_wait_ms);
    bool ok = sqlite_exec(s, "BEGIN", "cannot read the database", e) && read_state(s, a, out, e) && sqlite_commit(s, e);
    sqlite_rollback(s);
    sqlite_wait_never(s);
    return ok;
}

bool sqlite_read_log(struct db *db, struct arena *a, const char *stream, int64_t newest, struct log_list *out,
                     struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    STATEMENT_AUTO *statement = NULL;
    bool has = false;
    if (!sqlite_may_begin(s, e))
        return false;
    sqlite_wait_for(s, s->read_wait_ms);
    bool ok = sqlite_has_table(s, "migrate_log", &has, e);
    if (ok && has && (ok = sqlite_prepare(s, sqlite_sql_log, &statement, "cannot read migrate_log", e))) {
        bind_texts(statement, stream, NULL);
        sqlite3_bind_int64(statement, 2, newest > 0 ? newest : -1);
        ok = read_entries(s, a, statement, out, e);
    }
    sqlite_wait_never(s);
    return ok;
}

/* ------------------------------------------------------------------------------------------------ indexes */

bool sqlite_index_state(struct db *db, const char *schema, const char *index, const char *table, enum index_state *out,
                        struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    bool has = false;
    (void)schema;
    sqlite_wait_for(s, s->read_wait_ms);
    bool ok = has_row(s, sqlite_sql_index, index, table, &has, e);
    sqlite_wait_never(s);
    *out = has ? INDEX_VALID : INDEX_ABSENT;
    return ok;
}

/* CREATE INDEX is transactional here: there are none. */
bool sqlite_invalid_indexes(struct db *db, struct arena *a, struct strings *out, struct err *e)
{
    (void)db;
    (void)a;
    (void)e;
    *out = (struct strings){0};
    return true;
}

/* ------------------------------------------------------------------------------------------------ queries */

static bool hand_over(struct arena *a, sqlite3_stmt *statement,
                      bool (*row)(void *, const struct db_row *, struct err *), void *context, struct err *e)
{
    size_t n = (size_t)sqlite3_column_count(statement);
    const char **names = ARENA_ARRAY(a, const char *, n), **values = ARENA_ARRAY(a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        names[i] = sqlite3_column_name(statement, (int)i);
        values[i] = (const char *)sqlite3_column_text(statement, (int)i);
    }
    struct db_row r = {.n = n, .names = names, .values = values};
    return row(context, &r, e);
}

static bool query_rows(struct sqlite *s, sqlite3_stmt *statement,
                       bool (*row)(void *, const struct db_row *, struct err *), void *context, struct err *e)
{
    ARENA_AUTO a = {0};
    int rc;
    while (sqlite_step(s, statement, &rc, NULL, e)) {
        if (rc == SQLITE_DONE)
            return true;
        arena_reset(&a);
        if (!hand_over(&a, statement, row, context, e))
            return false;
    }
    return false;
}

static bool is_blank(const char *sql)
{
    return sql[strspn(sql, " \t\r\n;")] == '\0';
}

static bool prepare_query(struct sqlite *s, const char *sql, sqlite3_stmt **out, struct err *e)
{
    const char *tail = NULL;
    int rc = sqlite3_prepare_v2(s->handle, sql, -1, out, &tail);
    if (rc != SQLITE_OK)
        return sqlite_fail(s, rc, NULL, e);
    if (!*out || !is_blank(tail))
        return err_set(e, FAULT_POLICY, "a query is one statement");
    return sqlite3_stmt_readonly(*out) || err_set(e, FAULT_POLICY, "a query only reads");
}

bool sqlite_query(struct db *db, const char *sql, bool (*row)(void *, const struct db_row *, struct err *),
                  void *context, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    STATEMENT_AUTO *statement = NULL;
    if (!sqlite_may_begin(s, e))
        return false;
    s->rule = RULE_QUERY;
    sqlite_wait_for(s, s->read_wait_ms);
    bool ok = prepare_query(s, sql, &statement, e) && query_rows(s, statement, row, context, e);
    sqlite_wait_never(s);
    s->rule = RULE_OWN;
    return ok;
}

struct numbered {
    bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e);
    void *to;
    size_t index;
};

static bool hand_on(void *context, const struct db_row *row, struct err *e)
{
    const struct numbered *n = context;
    return n->row(n->to, n->index, row, e);
}

bool sqlite_read_many(struct db *db, const char *const *sql, size_t n,
                      bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                      struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    struct numbered each = {.row = row, .to = to};
    bool ok = sqlite_may_begin(s, e) && sqlite_exec(s, "BEGIN", "cannot read the database", e);
    for (; ok && each.index < n; each.index++)
        ok = sqlite_query(db, sql[each.index], hand_on, &each, e);
    ok = ok && sqlite_commit(s, e);
    sqlite_rollback(s);
    return ok;
}
