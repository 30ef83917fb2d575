/*
 * Schemas in a SQLite database in memory. Foreign keys are never enforced here: a schema does not depend on it, and rows
 * that bench_sqlite_seed() made up have no parents.
 */
#include "gen/bench_sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "gen/read_sqlite.h"
#include "gen/statements.h"

struct bench_sqlite {
    sqlite3 *db;
    const char *stream, *tenant, *revision;
};

/* ---- opening ---- */

static void migrate_setting(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct bench_sqlite *b = sqlite3_user_data(context);
    const char *name = (const char *)sqlite3_value_text(values[0]), *value = NULL;
    (void)n;
    if (name && strcmp(name, "tenant_id") == 0)
        value = b->tenant;
    else if (name && strcmp(name, "stream") == 0)
        value = b->stream;
    else if (name && strcmp(name, "revision") == 0)
        value = b->revision;
    if (value)
        sqlite3_result_text(context, value, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_error(context, "migrate_setting() has no value of that name here", -1);
}

/* No statement of a schema or a revision reaches a file. */
static int authorize(void *context, int action, const char *first, const char *second, const char *schema,
                     const char *trigger)
{
    (void)context;
    (void)schema;
    (void)trigger;
    if (action == SQLITE_ATTACH)
        return first && !*first ? SQLITE_OK : SQLITE_DENY; /* VACUUM's own */
    if (action == SQLITE_FUNCTION && second && sqlite3_stricmp(second, "load_extension") == 0)
        return SQLITE_DENY;
    return SQLITE_OK;
}

bool bench_sqlite_clear(struct bench_sqlite *b, struct err *e)
{
    sqlite3_close(b->db);
    b->db = NULL;
    if (sqlite3_open_v2(":memory:", &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY, NULL) !=
        SQLITE_OK)
        return err_set(e, FAULT_FAILED, "SQLite gives no database in memory: %s",
                       b->db ? sqlite3_errmsg(b->db) : "out of memory");
    sqlite3_extended_result_codes(b->db, 1);
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    sqlite3_set_authorizer(b->db, authorize, b);
    sqlite3_create_function_v2(b->db, "migrate_setting", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, b, migrate_setting, NULL,
                               NULL, NULL);
    return true;
}

bool bench_sqlite_open(struct bench_sqlite **out, const struct bench_options *options, struct err *e)
{
    struct bench_sqlite *b = mem_alloc(sizeof *b);
    *out = b;
    b->stream = options->stream;
    b->tenant = options->tenant;
    return bench_sqlite_clear(b, e);
}

void bench_sqlite_close(struct bench_sqlite *b)
{
    if (b)
        sqlite3_close(b->db);
    free(b);
}

/* ---- statements ---- */

/* SQLITE_OK, or the code of what failed. */
static int run_text(struct bench_sqlite *b, struct str text)
{
    sqlite3_stmt *statement = NULL;
    if (text.n > INT32_MAX)
        return SQLITE_TOOBIG;
    int rc = sqlite3_prepare_v2(b->db, text.p, (int)text.n, &statement, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW)
        rc = statement ? sqlite3_step(statement) : SQLITE_DONE;
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool run(struct bench_sqlite *b, const char *sql, struct err *e)
{
    if (run_text(b, str_from(sql)) == SQLITE_OK)
        return true;
    err_set(e, FAULT_FAILED, "%s", sqlite3_errmsg(b->db));
    err_detail(e, "in: %s", sql);
    return false;
}

static bool run_all(struct bench_sqlite *b, const struct strings *sql, struct err *e)
{
    for (size_t i = 0; i < sql->n; i++)
        if (!run(b, sql->v[i], e))
            return false;
    return true;
}

static bool end_transaction(struct bench_sqlite *b, bool ok, struct err *e)
{
    if (ok && !sqlite3_get_autocommit(b->db))
        ok = run(b, "COMMIT", e);
    if (!ok && !sqlite3_get_autocommit(b->db))
        run_text(b, STR("ROLLBACK"));
    return ok;
}

bool bench_sqlite_run(struct bench_sqlite *b, const struct strings *sql, struct err *e)
{
    return run(b, "BEGIN", e) && end_transaction(b, run_all(b, sql, e), e);
}

static bool run_body(struct bench_sqlite *b, const struct revision *revision, const struct revision_section *section,
                     struct err *e)
{
    struct str body = {(const char *)revision->text + section->offset, section->length};
    struct span s = {0};
    for (size_t at = 0; statement_next(body, DIALECT_SQLITE, at, &s); at = s.next) {
        struct str text = str_slice(body, s.offset, s.offset + s.length);
        if (text.n > 6 && sqlite3_strnicmp(text.p, "VACUUM", 6) == 0)
            continue;
        if (run_text(b, text) == SQLITE_OK)
            continue;
        struct line_counter lines = {.text = {(const char *)revision->text, revision->length}};
        err_set(e, FAULT_FAILED, "%s", sqlite3_errmsg(b->db));
        err_at(e, revision->path, (int)line_of(&lines, section->offset + s.offset), 1, (struct str){0});
        return false;
    }
    return true;
}

bool bench_sqlite_run_section(struct bench_sqlite *b, const struct revision *revision,
                              const struct revision_section *section, struct err *e)
{
    b->revision = revision->id;
    bool ok = run(b, "BEGIN", e) && end_transaction(b, run_body(b, revision, section, e), e);
    b->revision = NULL;
    return ok;
}

/* ---- loading a file ---- */

struct loading {
    struct bench_sqlite *bench;
    struct findings *out;
    const struct text_file *file;
    struct arena arena;
    VEC(struct span) waiting; /* what misses something that may come later */
};

static bool is_word_of(const char *kind, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(kind, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* Whether the statement says what the schema is. */
static bool belongs(struct loading *l, const struct span *s)
{
    static const char *const schema[] = {"CREATE", "ALTER", "DROP"},
                             *const rows[] = {"INSERT", "UPDATE", "DELETE", "REPLACE"},
                             *const blocks[] = {"BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"};
    struct str text = str_slice(l->file->bytes, s->offset, s->offset + s->length);
    const char *kind = statement_kind(&l->arena, text, DIALECT_SQLITE);
    if (is_word_of(kind, schema, 3))
        return true;
    struct finding *found = finding_add(l->out, "not-a-schema", l->file, s->offset, "%s is no part of a schema", kind);
    if (strcmp(kind, "PRAGMA") == 0)
        finding_is_warning(l->out, found);
    else if (is_word_of(kind, rows, 4))
        err_hint(&found->err, "rows belong into a revision");
    else if (is_word_of(kind, blocks, 6))
        err_hint(&found->err, "leave it out: the file is loaded as a whole");
    return false;
}

static void refuse(struct loading *l, const struct span *s)
{
    int at = sqlite3_error_offset(l->bench->db);
    struct finding *found = finding_add(l->out, "schema", l->file, s->offset + (at > 0 ? (size_t)at : 0), "%s",
                                        sqlite3_errmsg(l->bench->db));
    err_detail(&found->err, "said by SQLite %s", sqlite3_libversion());
}

static bool load_one(struct loading *l, const struct span *s, bool last_chance)
{
    struct str text = str_slice(l->file->bytes, s->offset, s->offset + s->length);
    if (run_text(l->bench, text) == SQLITE_OK)
        return true;
    if (!last_chance && str_starts(str_from(sqlite3_errmsg(l->bench->db)), STR("no such")))
        vec_push(&l->arena, &l->waiting, *s);
    else
        refuse(l, s);
    return false;
}

/* Again and again, as long as that gets something done. */
static void load_waiting(struct loading *l)
{
    while (l->waiting.n) {
        struct span *list = l->waiting.v;
        size_t n = l->waiting.n, done = 0;
        l->waiting.v = NULL;
        l->waiting.n = l->waiting.cap = 0;
        for (size_t i = 0; i < n; i++)
            done += load_one(l, &list[i], false);
        if (done)
            continue;
        for (size_t i = 0; i < l->waiting.n; i++)
            load_one(l, &l->waiting.v[i], true);
        return;
    }
}

/* A view is not looked into before it is used, and then it stands in the way of every ALTER TABLE. */
static void check_views(struct loading *l)
{
    static const char sql[] = "SELECT name FROM sqlite_schema WHERE type = 'view'";
    sqlite3_stmt *views = NULL, *view = NULL;
    if (sqlite3_prepare_v2(l->bench->db, sql, -1, &views, NULL) != SQLITE_OK)
        return;
    while (sqlite3_step(views) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(views, 0);
        char *query = sqlite3_mprintf("SELECT * FROM \"%w\"", name);
        if (sqlite3_prepare_v2(l->bench->db, query, -1, &view, NULL) != SQLITE_OK)
            finding_add(l->out, "schema", l->file, SIZE_MAX, "view %s: %s", name, sqlite3_errmsg(l->bench->db));
        sqlite3_finalize(view);
        sqlite3_free(query);
    }
    sqlite3_finalize(views);
}

bool bench_sqlite_load(struct bench_sqlite *b, struct findings *out, const struct text_file *file)
{
    struct loading l = {.bench = b, .out = out, .file = file};
    size_t errors = out->n_errors;
    struct span s = {0};
    for (size_t at = 0; statement_next(file->bytes, DIALECT_SQLITE, at, &s); at = s.next)
        if (belongs(&l, &s))
            load_one(&l, &s, s.open.open);
    load_waiting(&l);
    if (out->n_errors == errors)
        check_views(&l);
    arena_free(&l.arena);
    return out->n_errors == errors;
}

/* ---- reading ---- */

struct catalog_source bench_sqlite_source(struct bench_sqlite *b)
{
    return source_of_sqlite(b->db);
}

/* ---- rows ---- */

/* "tables" of the schema are those of the kind "table": name and whether it is a real one are asked of SQLite itself. */
static const char tables_sql[] = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                                 " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/*
 * A number as text is what a column of any type, a strict one too, takes and every conversion keeps; generated columns
 * are left out.
 */
static char *seed_sql(struct bench_sqlite *b, const char *table, unsigned row)
{
    sqlite3_stmt *columns = NULL;
    BUF_AUTO names = {0}, values = {0};
    sqlite3_prepare_v2(b->db, "SELECT name, upper(type) FROM pragma_table_xinfo(?1) WHERE hidden = 0", -1, &columns,
                       NULL);
    sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC);
    while (sqlite3_step(columns) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(columns, 1);
        buf_addz(&names, names.n ? ", " : "");
        db_quote_name(&names, (const char *)sqlite3_column_text(columns, 0));
        buf_addf(&values, strstr(type, "BLOB") ? "%sx'%02x'" : "%s'%u'", values.n ? ", " : "", row);
    }
    sqlite3_finalize(columns);
    return sqlite3_mprintf("INSERT INTO \"%w\" (%s) VALUES (%s)", table, names.p ? names.p : "",
                           values.p ? values.p : "");
}

static void seed_table(struct bench_sqlite *b, const char *table, unsigned rows)
{
    for (unsigned row = 1; row <= rows; row++) {
        char *sql = seed_sql(b, table, row);
        run_text(b, str_from(sql)); /* a table that takes none has none to lose */
        sqlite3_free(sql);
    }
}

bool bench_sqlite_seed(struct bench_sqlite *b, unsigned rows, struct err *e)
{
    sqlite3_stmt *tables = NULL;
    if (!run(b, "PRAGMA ignore_check_constraints = ON", e))
        return false;
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_prepare_v2(b->db, tables_sql, -1, &tables, NULL);
    ARENA_AUTO arena = {0};
    struct strings names = {0};
    while (sqlite3_step(tables) == SQLITE_ROW)
        vec_push(&arena, &names, arena_strdup(&arena, (const char *)sqlite3_column_text(tables, 0)));
    sqlite3_finalize(tables);
    for (size_t i = 0; i < names.n; i++)
        seed_table(b, names.v[i], rows);
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    return true;
}

int64_t bench_sqlite_count(struct bench_sqlite *b, const char *table)
{
    sqlite3_stmt *statement = NULL;
    int64_t n = -1;
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT count(*) FROM %s", table);
    if (sqlite3_prepare_v2(b->db, sql.p, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return n;
}
