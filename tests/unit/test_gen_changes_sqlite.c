/* SQLite's schemas: what is equal, and which statements lead from one to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gen/bench.h"
#include "gen/hints.h"
#include "schema/sqlite_text.h"

struct fixture {
    struct arena arena;
    struct findings findings;
    struct bench *bench;
    struct change_options options;
    struct change_list changes;
};

static int begin(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    AUTO_ERR e = {0};
    f->findings.arena = f->changes.arena = &f->arena;
    f->options = (struct change_options){.allow_destructive = true, .keep_rows = true};
    assert_true(bench_open(&f->bench, &(struct bench_options){.dialect = DIALECT_SQLITE}, &e));
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    bench_close(f->bench);
    change_list_free(&f->changes);
    findings_free(&f->findings);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static struct text_file *file_of(struct fixture *f, const char *sql)
{
    struct text_file *file = ARENA_NEW(&f->arena, struct text_file);
    char *bytes = arena_alloc(&f->arena, strlen(sql) + 2);
    memcpy(bytes, sql, strlen(sql) + 1);
    assert_true(text_take(&f->findings, "schema.sql", "schema.sql", bytes, strlen(sql), file));
    return file;
}

static void read_schema(struct fixture *f, const char *sql, struct snapshot *out)
{
    AUTO_ERR e = {0};
    assert_true(bench_clear(f->bench, &e));
    assert_true(bench_load(f->bench, &f->findings, file_of(f, sql)));
    assert_true(bench_read(f->bench, &f->arena, false, out, &e));
}

/* The steps, a line each; "-- " before one that is disabled. Refusals stand behind them. */
static const char *plan(struct fixture *f, const char *from, const char *to)
{
    struct snapshot start = {0}, goal = {0};
    struct hints hints = {0};
    BUF_AUTO out = {0};
    AUTO_ERR e = {0};
    read_schema(f, from, &start);
    read_schema(f, to, &goal);
    hints_read(&f->findings, &f->arena, file_of(f, to), DIALECT_SQLITE, &hints);
    f->options.hints = &hints;
    change_list_free(&f->changes);
    assert_true(changes_sqlite(&f->changes, &start, &goal, &f->options, &e));
    for (size_t i = 0; i < f->changes.steps.n; i++)
        buf_addf(&out, "%s%s\n", f->changes.steps.v[i].flags & STEP_DISABLED ? "-- " : "", f->changes.steps.v[i].sql);
    for (size_t i = 0; i < f->changes.refusals.n; i++)
        buf_addf(&out, "refused: %s\n", f->changes.refusals.v[i].message);
    return arena_str(&f->arena, buf_str(&out));
}

#define assert_plan(f, from, to, expected) assert_string_equal(plan(f, from, to), expected)

/* Runs the steps on the start with rows in it: the goal must come out, and as many rows of the table as there were. */
static void assert_keeps_rows(struct fixture *f, const char *from, const char *to, const char *table)
{
    AUTO_ERR e = {0};
    struct snapshot goal = {0}, got = {0};
    struct strings sql = {0};
    struct differences differences = {0};
    plan(f, from, to);
    for (size_t i = 0; i < f->changes.steps.n; i++)
        vec_push(&f->arena, &sql, f->changes.steps.v[i].sql);
    read_schema(f, to, &goal);
    assert_true(bench_clear(f->bench, &e) && bench_load(f->bench, &f->findings, file_of(f, from)) &&
                bench_seed(f->bench, 5, &e));
    int64_t rows = bench_count(f->bench, table);
    assert_true(rows > 0);
    assert_true(bench_run(f->bench, &sql, &e));
    assert_int_equal(bench_count(f->bench, table), rows);
    assert_true(bench_read(f->bench, &f->arena, false, &got, &e));
    catalog_compare(&f->arena, goal.exact, got.exact, &f->options.policy, &differences);
    assert_int_equal(differences.n, 0);
}

/* ------------------------------------------------------------------------------------------------------------ equality */

static void spelling_is_no_difference(void **state)
{
    static const char *const pairs[][2] = {
        {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x')",
         "create table \"t\"([a] integer, -- a comment\n `b` text default ('x') not null /* , */, primary key(a desc))"},
        {"CREATE TABLE t (a, b UNIQUE, CHECK (a > 1))", "CREATE TABLE t (a CHECK ((\"a\" > 1)), b, UNIQUE (b))"},
        {"CREATE TABLE t (a REFERENCES u (b) ON DELETE NO ACTION, b)",
         "CREATE TABLE t (a, b, FOREIGN KEY (a) REFERENCES \"u\"(b))"},
        {"CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a REFERENCES p ON DELETE CASCADE DEFERRABLE)",
         "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a REFERENCES P (ID) ON DELETE CASCADE DEFERRABLE)"},
        {"CREATE TABLE t (a, b, c, d, PRIMARY KEY (b, a), FOREIGN KEY (c, d) REFERENCES t)",
         "CREATE TABLE t (a, b, c, d, PRIMARY KEY (b, a), FOREIGN KEY (c, d) REFERENCES t (b, a))"},
        {"CREATE TABLE t (a TEXT, PRIMARY KEY (a)) WITHOUT ROWID",
         "CREATE TABLE t (a TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID"},
        {"CREATE TABLE t (a AS (b + 1), b)", "CREATE TABLE t (a GENERATED ALWAYS AS (b+1) VIRTUAL, b)"},
        {"CREATE TABLE t (a UNIQUE, b)", "CREATE TABLE t (a UNIQUE, b, UNIQUE (a))"},
        {"CREATE TABLE t (a, b); CREATE INDEX i ON t (a)", "CREATE TABLE t (a, b); CREATE INDEX [i] ON \"t\"(`a`)"},
        {"CREATE TABLE t (a, asc); CREATE INDEX i ON t (a, asc, (a + 1), asc DESC)",
         "CREATE TABLE t (a, asc); CREATE INDEX i ON t (a ASC, asc asc, (a + 1) ASC, asc DESC)"},
        {"CREATE TABLE t (a, b)", "CREATE TABLE u (a, b); ALTER TABLE u RENAME TO t"},
        {"CREATE TABLE t (a, b)", "CREATE TABLE t (a, b); CREATE TABLE migrate_log (x)"},
        {"CREATE TABLE t (a, b)", "CREATE TABLE t (b, a)"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_plan(*state, pairs[i][0], pairs[i][1], "");
        assert_plan(*state, pairs[i][1], pairs[i][0], "");
    }
}

/* SQLite takes what is no name for a string, and there letters count. */
static void a_string_in_double_quotes_is_one(void **state)
{
    assert_plan(*state, "CREATE TABLE t (a CHECK (a <> 'x')); CREATE VIEW v AS SELECT \"A\" FROM t",
                "CREATE TABLE t (a CHECK (\"A\" <> 'x')); CREATE VIEW v AS SELECT a FROM \"T\"", "");
    assert_string_not_equal(
        plan(*state, "CREATE TABLE t (a CHECK (a <> \"Open\"))", "CREATE TABLE t (a CHECK (a <> \"open\"))"), "");
}

static void meaning_is_a_difference(void **state)
{
    static const char *const pairs[][2] = {
        {"CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY DESC)"},
        {"CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)"},
        {"CREATE TABLE t (a UNIQUE)", "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE)"},
        {"CREATE TABLE t (a UNIQUE)", "CREATE TABLE t (a CONSTRAINT u UNIQUE)"},
        {"CREATE TABLE t (a DEFAULT 'x')", "CREATE TABLE t (a DEFAULT 'X')"},
        {"CREATE TABLE t (a DEFAULT x)", "CREATE TABLE t (a DEFAULT X)"},
        {"CREATE TABLE t (a)", "CREATE TABLE t (A)"},
        {"CREATE TABLE t (a COLLATE NOCASE)", "CREATE TABLE t (a)"},
        {"CREATE TABLE t (a INT) STRICT", "CREATE TABLE t (a INT)"},
        {"CREATE TABLE t (a REFERENCES t DEFERRABLE INITIALLY DEFERRED)", "CREATE TABLE t (a REFERENCES t)"},
        {"CREATE TABLE t (a PRIMARY KEY, b UNIQUE REFERENCES t)",
         "CREATE TABLE t (a PRIMARY KEY, b UNIQUE REFERENCES t (b))"},
        {"CREATE TABLE t (a PRIMARY KEY, b, c, FOREIGN KEY (b, c) REFERENCES t)",
         "CREATE TABLE t (a PRIMARY KEY, b, c, FOREIGN KEY (b, c) REFERENCES t (a, b))"},
        {"CREATE TABLE t (a REFERENCES p)", "CREATE TABLE t (a REFERENCES p (id))"},
        {"CREATE TABLE t (a); CREATE INDEX i ON t (a)", "CREATE TABLE t (a); CREATE INDEX i ON t (a DESC)"},
        {"CREATE TABLE t (a, asc); CREATE INDEX i ON t (a)", "CREATE TABLE t (a, asc); CREATE INDEX i ON t (a, asc)"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_not_equal(plan(*state, pairs[i][0], pairs[i][1]), "");
}

/* ------------------------------------------------------------------------------------------------------------ in place */

static void columns_come_and_go_in_place_where_that_is_legal(void **state)
{
    assert_plan(*state, "CREATE TABLE t (a)", "CREATE TABLE t (b INT NOT NULL DEFAULT -1 CHECK (b < 5), a)",
                "ALTER TABLE t ADD COLUMN b INT NOT NULL DEFAULT -1 CHECK (b < 5)\n");
    assert_plan(*state, "CREATE TABLE t (a, b AS (a) VIRTUAL)", "CREATE TABLE t (a)", "ALTER TABLE t DROP COLUMN b\n");
    assert_plan(*state, "CREATE TABLE t (a, b); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT b FROM t",
                "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT 1 b FROM t",
                "DROP VIEW w\nALTER TABLE t DROP COLUMN b\nCREATE VIEW w AS SELECT 1 b FROM t\n");
}

static void what_alter_table_cannot_do_with_rows_is_a_rebuild(void **state)
{
    static const char *const columns[] = {
        "b UNIQUE",          "b AS (a) STORED",          "b DEFAULT CURRENT_TIMESTAMP",
        "b DEFAULT (1 + 1)", "b DEFAULT 1 REFERENCES t", "b, CHECK (b > a)"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const char *to = arena_printf(&f->arena, "CREATE TABLE t (a, %s)", columns[i]);
        assert_non_null(
            strstr(plan(f, "CREATE TABLE t (a)", to), "INSERT INTO new_t (rowid, a) SELECT rowid, a FROM t"));
        assert_non_null(
            strstr(plan(f, to, "CREATE TABLE t (a)"), i == 0 || i == 5 ? "DROP TABLE t\n" : "DROP COLUMN b"));
        assert_keeps_rows(f, "CREATE TABLE t (a)", to, "t");
        assert_keeps_rows(f, to, "CREATE TABLE t (a)", "t");
    }
}

/* ------------------------------------------------------------------------------------------------------------- rebuild */

static void a_rebuild_takes_everything_along(void **state)
{
    static const char from[] = "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, n);"
                               "CREATE TABLE c (p REFERENCES p ON DELETE CASCADE);"
                               "CREATE INDEX i ON p (n);"
                               "CREATE VIEW v AS SELECT n FROM p; CREATE VIEW w AS SELECT n FROM v;"
                               "CREATE TRIGGER own AFTER INSERT ON p BEGIN SELECT 1; END;"
                               "CREATE TRIGGER other AFTER INSERT ON c BEGIN DELETE FROM p WHERE id = 0; END";
    static const char to[] = "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT);"
                             "CREATE TABLE c (p REFERENCES p ON DELETE CASCADE);"
                             "CREATE INDEX i ON p (n);"
                             "CREATE VIEW v AS SELECT n FROM p; CREATE VIEW w AS SELECT n FROM v;"
                             "CREATE TRIGGER own AFTER INSERT ON p BEGIN SELECT 1; END;"
                             "CREATE TRIGGER other AFTER INSERT ON c BEGIN DELETE FROM p WHERE id = 0; END";
    assert_plan(*state, from, to,
                "DROP TRIGGER other\nDROP VIEW v\nDROP VIEW w\n"
                "CREATE TABLE new_p (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT)\n"
                "INSERT INTO new_p (id, n) SELECT id, n FROM p\n"
                "DELETE FROM sqlite_sequence WHERE name = 'new_p'\n"
                "INSERT INTO sqlite_sequence (name, seq) SELECT 'new_p', seq FROM sqlite_sequence WHERE name = 'p'\n"
                "DROP TABLE p\nALTER TABLE new_p RENAME TO p\nCREATE INDEX i ON p (n)\n"
                "CREATE VIEW v AS SELECT n FROM p\nCREATE VIEW w AS SELECT n FROM v\n"
                "CREATE TRIGGER other AFTER INSERT ON c BEGIN DELETE FROM p WHERE id = 0; END\n"
                "CREATE TRIGGER own AFTER INSERT ON p BEGIN SELECT 1; END\n");
    assert_keeps_rows(*state, from, to, "p");
    assert_keeps_rows(*state, from, to, "c");
}

static void hostile_names_are_names(void **state)
{
    static const char from[] = "CREATE TABLE \"a\"\"b'c\nd\" (\"select\" TEXT, [x\"y], `é ` TEXT, rowid);"
                               "CREATE VIEW \"new_a\"\"b'c\nd\" AS SELECT \"select\" FROM \"a\"\"b'c\nd\"";
    static const char to[] = "CREATE TABLE \"a\"\"b'c\nd\" (\"select\" TEXT, [x\"y] BLOB, `é ` TEXT, rowid);"
                             "CREATE VIEW \"new_a\"\"b'c\nd\" AS SELECT \"select\" FROM \"a\"\"b'c\nd\"";
    assert_plan(*state, from, to,
                "DROP VIEW \"new_a\"\"b'c\nd\"\n"
                "CREATE TABLE \"new_2_a\"\"b'c\nd\" (\"select\" TEXT, [x\"y] BLOB, `é ` TEXT, rowid)\n"
                "INSERT INTO \"new_2_a\"\"b'c\nd\" (_rowid_, \"select\", \"x\"\"y\", \"é \", rowid)"
                " SELECT _rowid_, \"select\", \"x\"\"y\", \"é \", rowid FROM \"a\"\"b'c\nd\"\n"
                "DROP TABLE \"a\"\"b'c\nd\"\nALTER TABLE \"new_2_a\"\"b'c\nd\" RENAME TO \"a\"\"b'c\nd\"\n"
                "CREATE VIEW \"new_a\"\"b'c\nd\" AS SELECT \"select\" FROM \"a\"\"b'c\nd\"\n");
    assert_keeps_rows(*state, from, to, "\"a\"\"b'c\nd\"");
}

static void every_keyword_is_quoted(void **state)
{
    static const char *const words[] = {"abort", "ADD",   "current_timestamp", "deferred", "excluded", "false", "key",
                                        "last",  "order", "without",           "a1",       "1a"};
    static const char expected[] = "\"abort\" \"ADD\" \"current_timestamp\" \"deferred\" excluded \"false\" \"key\" "
                                   "\"last\" \"order\" \"without\" a1 \"1a\" ";
    BUF_AUTO out = {0};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        sqlite_text_quote(&out, words[i]);
        buf_addc(&out, ' ');
    }
    assert_string_equal(out.p, expected);
}

/* --------------------------------------------------------------------------------------------------------------- hints */

static void hints_say_what_rows_get(void **state)
{
    assert_plan(*state, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
                "CREATE TABLE t (id INTEGER PRIMARY KEY,\n-- using: length(a)\n-- backfill: 0\na INT NOT NULL,\n"
                "-- backfill: upper(a)\nb TEXT NOT NULL)",
                "CREATE TABLE new_t (id INTEGER PRIMARY KEY,\n-- using: length(a)\n-- backfill: 0\na INT NOT NULL,\n"
                "-- backfill: upper(a)\nb TEXT NOT NULL)\n"
                "INSERT INTO new_t (id, a, b) SELECT id, coalesce((length(a)), 0), upper(a) FROM t\n"
                "DROP TABLE t\nALTER TABLE new_t RENAME TO t\n");
}

static void a_new_column_that_no_row_can_have_is_refused(void **state)
{
    struct fixture *f = *state;
    f->options.ask_backfill = true;
    assert_non_null(
        strstr(plan(f, "CREATE TABLE t (a)", "CREATE TABLE t (a, b NOT NULL)"),
               "refused: column t.b: rows that are there would have no value in this new NOT NULL column\n"));
    assert_non_null(strstr(f->changes.refusals.v[0].hint, "-- backfill: EXPRESSION"));
    assert_null(strstr(plan(f, "CREATE TABLE t (a)", "CREATE TABLE t (a,\n-- backfill: none\nb NOT NULL)"), "refused"));
}

/* A constraint that answers conflicts by itself would let rows go without a word. */
static void the_copy_never_drops_rows(void **state)
{
    struct fixture *f = *state;
    assert_non_null(strstr(plan(f, "CREATE TABLE t (a)", "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE)"),
                           "INSERT OR ABORT INTO new_t (rowid, a) SELECT rowid, a FROM t\n"));
    f->options.ask_backfill = true;
    assert_non_null(strstr(plan(f, "CREATE TABLE t (a)", "CREATE TABLE t (a, b DEFAULT 1 UNIQUE)"),
                           "refused: column t.b: rows that are there would have one and the same value in this key\n"));
}

static void virtual_tables_are_not_changed(void **state)
{
    struct fixture *f = *state;
    static const char one[] = "CREATE VIRTUAL TABLE s USING fts5(a)", two[] = "CREATE VIRTUAL TABLE s USING fts5(a, b)";
    assert_plan(f, one, "create virtual table \"s\" using FTS5 (a)", "");
    assert_plan(f, one, two, "refused: virtual table s: a virtual table cannot be changed\n");
    assert_plan(f, one, "", "DROP TABLE s\n");
}

/* --------------------------------------------------------------------------------------------------------- destruction */

static void values_stay_unless_losing_them_is_allowed(void **state)
{
    struct fixture *f = *state;
    f->options.allow_destructive = false;
    assert_plan(f, "CREATE TABLE t (a, b)", "CREATE TABLE t (a)", "-- ALTER TABLE t DROP COLUMN b\n");
    assert_plan(f, "CREATE TABLE t (a, b)", "CREATE TABLE t (a CHECK (a > 0))",
                "CREATE TABLE new_t (a CHECK (a > 0), b)\n"
                "INSERT INTO new_t (rowid, a, b) SELECT rowid, a, b FROM t\n"
                "DROP TABLE t\nALTER TABLE new_t RENAME TO t\n-- ALTER TABLE t DROP COLUMN b\n");
    assert_plan(f, "CREATE TABLE t (a TEXT)", "CREATE TABLE t (a INT); CREATE INDEX i ON t (a)",
                "-- CREATE TABLE new_t (a INT)\n-- INSERT INTO new_t (rowid, a) SELECT rowid, a FROM t\n"
                "-- DROP TABLE t\n-- ALTER TABLE new_t RENAME TO t\n-- CREATE INDEX i ON t (a)\n");
    assert_plan(f, "CREATE TABLE t (a)", "CREATE VIEW t AS SELECT 1",
                "-- DROP TABLE t\n-- CREATE VIEW t AS SELECT 1\n");
    vec_push(&f->arena, &f->options.allowed, "table:w");
    assert_plan(f, "CREATE TABLE w (a TEXT)", "CREATE TABLE w (a INT)",
                "CREATE TABLE new_w (a INT)\nINSERT INTO new_w (rowid, a) SELECT rowid, a FROM w\n"
                "DROP TABLE w\nALTER TABLE new_w RENAME TO w\n");
    vec_push(&f->arena, &f->options.allowed, "column:t.b");
    assert_plan(f, "CREATE TABLE t (a, b); CREATE TABLE u (a)", "CREATE TABLE t (a)",
                "-- DROP TABLE u\nALTER TABLE t DROP COLUMN b\n");
}

#define WITH_BENCH(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(spelling_is_no_difference),
        WITH_BENCH(a_string_in_double_quotes_is_one),
        WITH_BENCH(meaning_is_a_difference),
        WITH_BENCH(columns_come_and_go_in_place_where_that_is_legal),
        WITH_BENCH(what_alter_table_cannot_do_with_rows_is_a_rebuild),
        WITH_BENCH(a_rebuild_takes_everything_along),
        WITH_BENCH(hostile_names_are_names),
        cmocka_unit_test(every_keyword_is_quoted),
        WITH_BENCH(hints_say_what_rows_get),
        WITH_BENCH(a_new_column_that_no_row_can_have_is_refused),
        WITH_BENCH(the_copy_never_drops_rows),
        WITH_BENCH(virtual_tables_are_not_changed),
        WITH_BENCH(values_stay_unless_losing_them_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
