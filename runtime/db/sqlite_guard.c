/*
 * What a revision may not leave behind, looked for before its COMMIT: rows that refer to nothing, where foreign keys were
 * off, and calls of migrate_setting() in the schema, which no connection of the application could carry out. Only what is
 * new counts: a database that Alembic or the application left with such things can still be migrated.
 */
#include <stdlib.h>
#include <string.h>

#include "db/sqlite.h"

typedef struct sqlite_violation violation;

void sqlite_guard_free(struct sqlite_guard *g)
{
    arena_free(&g->arena);
}

/* ------------------------------------------------------------------------------------------------ references */

static int compare_violations(const void *a, const void *b)
{
    const violation *v = a, *w = b;
    int order = strcmp(v->table, w->table);
    if (order == 0)
        order = strcmp(v->parent, w->parent);
    if (order == 0)
        order = (v->row > w->row) - (v->row < w->row);
    return order;
}

/* Rows come table by table: a name is kept once. */
static const char *keep_name(struct sqlite_guard *g, const char *last, sqlite3_stmt *statement, int column)
{
    const char *name = (const char *)sqlite3_column_text(statement, column);
    if (last && name && strcmp(last, name) == 0)
        return last;
    return arena_strdup(&g->arena, name ? name : "");
}

static void keep_violation(struct sqlite_guard *g, sqlite3_stmt *statement)
{
    const violation *last = g->violations.n ? &g->violations.v[g->violations.n - 1] : NULL;
    violation v = {
        .table = keep_name(g, last ? last->table : NULL, statement, 0),
        .parent = keep_name(g, last ? last->parent : NULL, statement, 2),
        .has_row = sqlite3_column_type(statement, 1) != SQLITE_NULL,
        .row = sqlite3_column_int64(statement, 1),
    };
    vec_push(&g->arena, &g->violations, v);
}

static bool read_violations(struct sqlite *s, struct sqlite_guard *g, const char *table, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    if (!sqlite_prepare(s, sqlite_sql_violations, &statement, "cannot check references", e))
        return false;
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        keep_violation(g, statement);
    if (rc == SQLITE_DONE)
        return true;
    /* "foreign key mismatch": the parent has no such key. */
    if (rc != SQLITE_ERROR)
        return sqlite_fail(s, rc, "cannot check references", e);
    vec_push(&g->arena, &g->unchecked, arena_strdup(&g->arena, table));
    return true;
}

static bool read_references(struct sqlite *s, struct sqlite_guard *g, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    struct strings tables = {0};
    int rc;
    if (!sqlite_prepare(s, sqlite_sql_referring, &statement, "cannot check references", e))
        return false;
    do {
        if (!sqlite_step(s, statement, &rc, "cannot check references", e))
            return false;
        if (rc == SQLITE_ROW)
            vec_push(&g->arena, &tables, arena_strdup(&g->arena, (const char *)sqlite3_column_text(statement, 0)));
    } while (rc == SQLITE_ROW);
    for (size_t i = 0; i < tables.n; i++)
        if (!read_violations(s, g, tables.v[i], e))
            return false;
    if (g->violations.n)
        qsort(g->violations.v, g->violations.n, sizeof *g->violations.v, compare_violations);
    return true;
}

/* Does the row's number stay the same when its table is rebuilt? */
static bool has_key_column(struct sqlite *s, const char *table, bool *has, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    int rc;
    if (!sqlite_prepare(s, sqlite_sql_key_column, &statement, "cannot check references", e))
        return false;
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    if (!sqlite_step(s, statement, &rc, "cannot check references", e))
        return false;
    *has = rc == SQLITE_ROW;
    return true;
}

/* The violations of one table and one parent. */
struct group {
    const violation *v;
    size_t n;
};

static bool same_group(const violation *v, const violation *w)
{
    return strcmp(v->table, w->table) == 0 && strcmp(v->parent, w->parent) == 0;
}

static struct group group_of(const struct sqlite_guard *g, size_t from, const violation *like)
{
    size_t i = from;
    while (i < g->violations.n && !same_group(&g->violations.v[i], like))
        i++;
    size_t end = i;
    while (end < g->violations.n && same_group(&g->violations.v[end], like))
        end++;
    return (struct group){g->violations.v + i, end - i};
}

/* The first of `now` that is not in `before`, and how many there are. Where rows have lasting numbers these are compared,
 * else only how many there are. */
static const violation *first_new(struct group before, struct group now, bool keyed, size_t *count)
{
    const violation *first = NULL;
    *count = 0;
    if (!keyed) {
        *count = now.n > before.n ? now.n - before.n : 0;
        return *count ? now.v : NULL;
    }
    for (size_t i = 0, k = 0; i < now.n; i++) {
        while (k < before.n && before.v[k].row < now.v[i].row)
            k++;
        if (k < before.n && before.v[k].row == now.v[i].row)
            continue;
        if ((*count)++ == 0)
            first = &now.v[i];
    }
    return first;
}

static bool fail_reference(const violation *v, bool keyed, size_t count, struct err *e)
{
    if (keyed)
        err_set(e, FAULT_FAILED, "row %lld of table \"%s\" refers to a row of \"%s\" that does not exist", v->row,
                v->table, v->parent);
    else
        err_set(e, FAULT_FAILED, "a row of table \"%s\" refers to a row of \"%s\" that does not exist", v->table,
                v->parent);
    if (count > 1)
        err_detail(e, "the revision leaves %zu such rows", count);
    err_hint(e, "foreign keys are off while tables are rebuilt: the revision must keep every row that others refer to");
    return false;
}

static bool compare_references(struct sqlite *s, const struct sqlite_guard *before, const struct sqlite_guard *now,
                               struct err *e)
{
    for (size_t i = 0; i < now->unchecked.n; i++)
        if (!strings_has(&before->unchecked, now->unchecked.v[i]))
            return err_set(e, FAULT_FAILED, "a foreign key of table \"%s\" fits no key of its parent",
                           now->unchecked.v[i]);
    for (size_t i = 0; i < now->violations.n;) {
        struct group group = group_of(now, i, &now->violations.v[i]);
        bool keyed;
        size_t count;
        if (!has_key_column(s, group.v->table, &keyed, e))
            return false;
        const violation *v = first_new(group_of(before, 0, group.v), group, keyed, &count);
        if (v)
            return fail_reference(v, keyed, count, e);
        i += group.n;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------ migrate_setting() */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

/* Position behind the comment or string that begins at `i`, or i when none does. */
static size_t skip_token(const char *sql, size_t i)
{
    const char *end;
    if (sql[i] == '-' && sql[i + 1] == '-')
        return i + strcspn(sql + i, "\n");
    if (sql[i] == '/' && sql[i + 1] == '*')
        return (end = strstr(sql + i + 2, "*/")) ? (size_t)(end - sql) + 2 : strlen(sql);
    if (sql[i] == '\'')
        return (end = strchr(sql + i + 1, '\'')) ? (size_t)(end - sql) + 1 : strlen(sql);
    return i;
}

/* Is the word there, outside of comments and strings? */
static bool calls_setting(const char *sql)
{
    static const char word[] = "migrate_setting";
    for (size_t i = 0; sql[i];) {
        size_t next = skip_token(sql, i);
        if (next > i) {
            i = next;
            continue;
        }
        if (!is_name_byte(sql[i])) {
            i++;
            continue;
        }
        size_t n = 0;
        while (is_name_byte(sql[i + n]))
            n++;
        if (n == strlen(word) && sqlite3_strnicmp(sql + i, word, (int)n) == 0)
            return true;
        i += n;
    }
    return false;
}

static bool fail_setting(const char *type, const char *name, struct err *e)
{
    err_set(e, FAULT_FAILED, "the %s \"%s\" calls migrate_setting()", type, name);
    err_detail(e, "only this program's connection has that function: the application could not use the %s", type);
    err_hint(e, "use the value in a statement of the revision, or put it into a row of a table");
    return false;
}

/* Collects what calls it; with `before`, refuses what was not there. */
static bool read_settings(struct sqlite *s, struct sqlite_guard *g, const struct sqlite_guard *before, struct err *e)
{
    STATEMENT_AUTO *statement = NULL;
    int rc;
    if (!sqlite_prepare(s, sqlite_sql_with_setting, &statement, "cannot read the schema", e))
        return false;
    while (sqlite_step(s, statement, &rc, "cannot read the schema", e)) {
        if (rc == SQLITE_DONE)
            return true;
        const char *type = (const char *)sqlite3_column_text(statement, 0);
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        const char *sql = (const char *)sqlite3_column_text(statement, 2);
        if (!type || !name || !sql || !calls_setting(sql))
            continue;
        const char *whole = arena_printf(&g->arena, "%s %s %s", type, name, sql);
        if (before && !strings_has(&before->settings, whole))
            return fail_setting(type, name, e);
        vec_push(&g->arena, &g->settings, whole);
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------ both */

bool sqlite_guard_before(struct sqlite *s, struct sqlite_guard *g, bool references, struct err *e)
{
    g->references = references;
    return read_settings(s, g, NULL, e) && (!references || read_references(s, g, e));
}

bool sqlite_guard_after(struct sqlite *s, struct sqlite_guard *g, struct err *e)
{
    GUARD_AUTO now = {0};
    return read_settings(s, &now, g, e) &&
           (!g->references || (read_references(s, &now, e) && compare_references(s, g, &now, e)));
}
