/* Rows of SQLite, handed to whoever reads a schema. */
#include "gen/read_sqlite.h"

static bool hand_over(sqlite3_stmt *statement, size_t index,
                      bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                      struct err *e)
{
    ARENA_AUTO arena = {0};
    size_t n = (size_t)sqlite3_column_count(statement);
    const char **names = ARENA_ARRAY(&arena, const char *, n), **values = ARENA_ARRAY(&arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        names[i] = sqlite3_column_name(statement, (int)i);
        values[i] = (const char *)sqlite3_column_text(statement, (int)i);
    }
    return row(to, index, &(struct db_row){n, names, values}, e);
}

static bool read_one(sqlite3 *db, const char *sql, size_t index,
                     bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                     struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    bool ok = rc == SQLITE_OK;
    while (ok && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        ok = hand_over(statement, index, row, to, e);
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE) {
        err_set(e, FAULT_FAILED, "%s", sqlite3_errmsg(db));
        err_detail(e, "in: %s", sql);
        ok = false;
    }
    sqlite3_finalize(statement);
    return ok;
}

static bool read_all(void *context, const char *const *sql, size_t n,
                     bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                     struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (!read_one(context, sql[i], i, row, to, e))
            return false;
    return true;
}

struct catalog_source source_of_sqlite(sqlite3 *db)
{
    return (struct catalog_source){DIALECT_SQLITE, db, read_all};
}
