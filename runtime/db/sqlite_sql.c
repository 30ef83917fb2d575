/*
 * Every text of SQL that the SQLite backend sends. Names are quoted here; values are always bound. Tables are named with
 * their schema, so that a temporary table of a body never stands in their place.
 */
#include <stddef.h>
#include <string.h>

#include "db/sqlite.h"

#define LOG_TABLE "migrate_log"

#define TEXT(field)                                                                                                    \
    {                                                                                                                  \
#field, #field " TEXT", offsetof(struct log_entry, field), COLUMN_TEXT                                         \
    }
#define TEXT_NOT_NULL(field)                                                                                           \
    {                                                                                                                  \
#field, #field " TEXT NOT NULL", offsetof(struct log_entry, field), COLUMN_TEXT                                \
    }
#define INTEGER(field)                                                                                                 \
    {                                                                                                                  \
#field, #field " INTEGER", offsetof(struct log_entry, field), COLUMN_INTEGER                                   \
    }

/* Once published, a column is never dropped or renamed; a new one goes to the end and may be NULL. */
const struct sqlite_column sqlite_log_columns[] = {
    {"id", "id INTEGER NOT NULL PRIMARY KEY", offsetof(struct log_entry, id), COLUMN_ID},
    TEXT_NOT_NULL(stream),
    TEXT(revision),
    TEXT(parents),
    TEXT(depends),
    TEXT_NOT_NULL(direction),
    TEXT(dialect),
    TEXT(message),
    TEXT(checksum),
    TEXT(section_checksum),
    TEXT(token_checksum),
    TEXT(down_checksum),
    INTEGER(checksum_version),
    TEXT(rows_after),
    TEXT(digest),
    TEXT(started),
    INTEGER(duration_ms),
    TEXT(build_id),
    TEXT(db_role),
    TEXT(client_host),
    TEXT(actor),
    TEXT_NOT_NULL(state),
    INTEGER(statement),
    TEXT(prefix_checksum),
};
const size_t sqlite_n_log_columns = sizeof sqlite_log_columns / sizeof *sqlite_log_columns;

const char sqlite_sql_has_table[] = "SELECT 1 FROM main.sqlite_schema WHERE type IN ('table', 'view') AND "
                                    "name = ?1 COLLATE NOCASE";

const char sqlite_sql_columns[] = "SELECT name FROM pragma_table_info(?1, 'main')";

const char sqlite_sql_last_log[] = "SELECT * FROM main." LOG_TABLE " WHERE stream = ?1 ORDER BY id DESC LIMIT 1";

const char sqlite_sql_log[] = "SELECT * FROM (SELECT * FROM main." LOG_TABLE " WHERE ?1 IS NULL OR stream = ?1 "
                              "ORDER BY id DESC LIMIT ?2) ORDER BY id";

const char sqlite_sql_progress[] = "UPDATE main." LOG_TABLE " SET message = ?1, duration_ms = ?2 "
                                   "WHERE id = (SELECT max(id) FROM main." LOG_TABLE " WHERE stream = ?3) "
                                   "AND state = 'batch'";

const char sqlite_sql_index[] = "SELECT 1 FROM main.sqlite_schema WHERE type = 'index' AND name = ?1 COLLATE NOCASE "
                                "AND (?2 IS NULL OR tbl_name = ?2 COLLATE NOCASE)";

const char sqlite_sql_referring[] = "SELECT name FROM main.sqlite_schema AS s WHERE type = 'table' AND "
                                    "EXISTS (SELECT 1 FROM pragma_foreign_key_list(s.name, 'main')) ORDER BY name";

const char sqlite_sql_violations[] = "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check(?1, 'main')";

const char sqlite_sql_with_setting[] = "SELECT type, name, sql FROM main.sqlite_schema WHERE sql LIKE "
                                       "'%migrate\\_setting%' ESCAPE '\\' ORDER BY type, name";

/* A single key column of type INTEGER is the rowid itself; of a table without rowids there is none. */
const char sqlite_sql_key_column[] = "SELECT 1 FROM pragma_table_info(?1, 'main') AS c, pragma_table_list(?1) AS t "
                                     "WHERE t.schema = 'main' AND NOT t.wr AND c.pk = 1 AND lower(c.type) = 'integer' "
                                     "AND (SELECT count(*) FROM pragma_table_info(?1, 'main') WHERE pk > 0) = 1";

/* Plain names stand without quotes, since that is how Alembic's own statement is kept in the schema. */
static void add_plain_name(struct buf *out, const char *name)
{
    size_t n = strlen(name);
    bool plain = n > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == n &&
                 !(*name >= '0' && *name <= '9') && n < 1000 && !sqlite3_keyword_check(name, (int)n);
    if (plain)
        buf_addz(out, name);
    else
        db_quote_name(out, name);
}

/* Byte for byte what Alembic makes, tabs and the blank before the line's end included. */
void sqlite_sql_create_version(struct buf *out, const char *table)
{
    BUF_AUTO key = {0};
    buf_addf(&key, "%s_pkc", table);
    buf_addz(out, "CREATE TABLE ");
    add_plain_name(out, table);
    buf_addz(out, " (\n\tversion_num VARCHAR(32) NOT NULL, \n\tCONSTRAINT ");
    add_plain_name(out, key.p);
    buf_addz(out, " PRIMARY KEY (version_num)\n)");
}

static void add_table(struct buf *out, const char *table)
{
    buf_addz(out, "main.");
    db_quote_name(out, table);
}

void sqlite_sql_read_version(struct buf *out, const char *table)
{
    buf_addz(out, "SELECT version_num FROM ");
    add_table(out, table);
}

void sqlite_sql_change(struct buf *out, const char *table, enum row_change_kind kind)
{
    buf_addz(out, kind == ROW_INSERT ? "INSERT INTO " : kind == ROW_UPDATE ? "UPDATE " : "DELETE FROM ");
    add_table(out, table);
    buf_addz(out, kind == ROW_INSERT   ? " (version_num) VALUES (?1)"
                  : kind == ROW_UPDATE ? " SET version_num = ?1 WHERE version_num = ?2"
                                       : " WHERE version_num = ?2");
}

void sqlite_sql_create_log(struct buf *out)
{
    buf_addz(out, "CREATE TABLE main." LOG_TABLE " (");
    for (size_t i = 0; i < sqlite_n_log_columns; i++)
        buf_addf(out, "%s\n    %s", i ? "," : "", sqlite_log_columns[i].definition);
    buf_addz(out, "\n)");
}

void sqlite_sql_add_log_column(struct buf *out, const struct sqlite_column *column)
{
    /* A column that is NOT NULL was there from the beginning, so this never adds one. */
    buf_addf(out, "ALTER TABLE main." LOG_TABLE " ADD COLUMN %s", column->definition);
}

void sqlite_sql_append_log(struct buf *out)
{
    buf_addz(out, "INSERT INTO main." LOG_TABLE " (");
    for (size_t i = 1; i < sqlite_n_log_columns; i++)
        buf_addf(out, "%s%s", i > 1 ? ", " : "", sqlite_log_columns[i].name);
    buf_addz(out, ") VALUES (");
    for (size_t i = 1; i < sqlite_n_log_columns; i++)
        buf_addf(out, "%s?%zu", i > 1 ? ", " : "", i);
    buf_addz(out, ")");
}
