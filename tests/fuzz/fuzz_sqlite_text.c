/*
 * Fuzzes the reader of SQLite's CREATE TABLE texts. Whatever the bytes: it ends; spans lie in the text, one for each
 * column; a text that SQLite itself takes as a table is read with the same columns, and a spelling spelled again stays.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/sqlite_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_table(const struct sqlite_text_table *t, struct str sql)
{
    must(t->name.p >= sql.p && t->name.p + t->name.n <= sql.p + sql.n && t->columns.n);
    for (size_t i = 0; i < t->columns.n; i++) {
        struct str span = t->columns.v[i].span;
        must(span.n && span.p >= sql.p && span.p + span.n <= sql.p + sql.n && t->columns.v[i].name);
    }
    for (size_t i = 0; i < t->constraints.n; i++) {
        const struct sqlite_text_constraint *c = &t->constraints.v[i];
        must(c->brief && strncmp(c->definition, c->brief, strlen(c->brief)) == 0);
        must(c->column == SIZE_MAX || c->column < t->columns.n);
        must((c->kind == SQLITE_FOREIGN_KEY) == (c->parent != NULL));
        must(!c->parent_end || (c->parent && c->parent_end <= strlen(c->definition)));
    }
}

static const char columns_sql[] = "SELECT x.name, x.\"notnull\" FROM sqlite_schema s, pragma_table_xinfo(s.name) x"
                                  " WHERE s.type = 'table' AND s.name = (SELECT min(name) FROM sqlite_schema"
                                  " WHERE type = 'table' AND name NOT LIKE 'sqlite%') ORDER BY x.cid";

/* What SQLite stored of it is read as SQLite reads it; a single statement, and no virtual table. */
static void check_with_sqlite(const char *sql)
{
    ARENA_AUTO a = {0};
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    struct sqlite_text_table t;
    const char *rest = "";
    size_t i = 0;
    must(sqlite3_open(":memory:", &db) == SQLITE_OK);
    if (sqlite3_strnicmp(sql, "CREATE TABLE", 12) == 0 && sqlite3_prepare_v2(db, sql, -1, &s, &rest) == SQLITE_OK &&
        s && sqlite3_step(s) == SQLITE_DONE) {
        sqlite3_finalize(s);
        must(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
                                -1, &s, NULL) == SQLITE_OK);
        bool stored = sqlite3_step(s) == SQLITE_ROW;
        const char *text = stored ? arena_strdup(&a, (const char *)sqlite3_column_text(s, 0)) : NULL;
        sqlite3_finalize(s);
        s = NULL;
        if (text) {
            must(sqlite_text_table(&a, str_from(text), NULL, &t));
            must(sqlite3_prepare_v2(db, columns_sql, -1, &s, NULL) == SQLITE_OK);
            for (; sqlite3_step(s) == SQLITE_ROW; i++)
                must(i < t.columns.n && strcmp(t.columns.v[i].name, (const char *)sqlite3_column_text(s, 0)) == 0);
            must(i == t.columns.n);
        }
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    struct str sql = {(const char *)data, size};
    struct sqlite_text_table t;
    struct strings names = {0};
    if (memchr(data, 0, size))
        return 0;
    if (sqlite_text_table(&a, sql, NULL, &t))
        check_table(&t, sql);
    const char *once = sqlite_text_normal(&a, sql, 0, NULL);
    must(strcmp(sqlite_text_normal(&a, str_from(once), 0, NULL), once) == 0);
    sqlite_text_names(&a, sql, &names);
    for (size_t i = 0; i < names.n; i++)
        must(sqlite_text_mentions(sql, names.v[i]));
    check_with_sqlite(arena_str(&a, sql));
    return 0;
}
