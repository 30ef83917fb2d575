/* Hints in comments of a schema file: which item each belongs to, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gen/hints.h"

#define PG DIALECT_POSTGRESQL
#define LITE DIALECT_SQLITE

struct reading {
    struct arena arena;
    struct findings findings;
    struct text_file file;
    struct hints hints;
};

static void read_hints(struct reading *r, enum dialect dialect, const char *sql)
{
    size_t n = strlen(sql);
    *r = (struct reading){0};
    r->findings.arena = &r->arena;
    char *bytes = arena_alloc(&r->arena, n + 1);
    memcpy(bytes, sql, n);
    assert_true(text_take(&r->findings, "s/schema.sql", "s/schema.sql", bytes, n, &r->file));
    hints_read(&r->findings, &r->arena, &r->file, dialect, &r->hints);
}

static void forget(struct reading *r)
{
    findings_free(&r->findings);
    arena_free(&r->arena);
}

static void show(struct buf *out, const struct reading *r)
{
    static const char *const kinds[] = {"renamed", "using", "backfill"};
    for (size_t i = 0; i < r->hints.list.n; i++) {
        const struct hint *h = &r->hints.list.v[i];
        buf_addf(out, "%s%s %s %s%s%s%s%s <- %s", i ? "; " : "", kinds[h->kind], h->item, h->schema ? h->schema : "",
                 h->schema ? "/" : "", h->container ? h->container : "", h->container ? "/" : "", h->name, h->text);
    }
    for (size_t i = 0; i < r->findings.list.n; i++) {
        const struct err *e = &r->findings.list.v[i].err;
        buf_addf(out, "%s%d:%d %s", out->n ? "; " : "", e->line, e->column, e->message);
    }
}

static void assert_hints(enum dialect dialect, const char *sql, const char *expected)
{
    struct reading r;
    BUF_AUTO got = {0};
    read_hints(&r, dialect, sql);
    show(&got, &r);
    assert_string_equal(got.p ? got.p : "", expected);
    forget(&r);
}

static void statements_have_them_above_or_beside(void **state)
{
    (void)state;
    assert_hints(PG, "-- renamed from: a\nCREATE TABLE b (i int);", "renamed table b <- a");
    assert_hints(PG, "CREATE TABLE b ( -- renamed from: a\n  i int\n);", "renamed table b <- a");
    assert_hints(PG, "CREATE TABLE b (i int, j int); -- renamed from: a", "renamed table b <- a");
    assert_hints(PG, "CREATE TABLE b (\n  i int\n); -- renamed from: a\nCREATE TABLE c ();", "renamed table b <- a");
    assert_hints(PG, "CREATE TABLE b (\n  i int\n) -- renamed from: a\n;", "renamed table b <- a");
    assert_hints(PG, "-- renamed from: a\n-- why: it was wrong\n\nCREATE TABLE IF NOT EXISTS s.b ();",
                 "renamed table s/b <- a");
    assert_hints(PG, "/* renamed from: a */\nCREATE TABLE b ();", "renamed table b <- a");
    assert_hints(PG, "CREATE TABLE b (); CREATE TABLE c (); -- renamed from: a", "renamed table c <- a");
}

static void every_kind_of_statement_is_known(void **state)
{
    static const struct {
        const char *sql, *expected;
    } cases[] = {
        {"CREATE UNLOGGED TABLE t ()", "table t"},
        {"CREATE FOREIGN TABLE t (a int) SERVER s", "foreign table t"},
        {"CREATE OR REPLACE VIEW v AS SELECT 1", "view v"},
        {"CREATE MATERIALIZED VIEW s.v AS SELECT 1", "materialized view s/v"},
        {"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t (a)", "index s/t/i"},
        {"CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS $$ SELECT 1; $$", "function s/f"},
        {"CREATE PROCEDURE p() LANGUAGE sql AS ''", "function p"},
        {"CREATE AGGREGATE g(int) (sfunc = f, stype = int)", "aggregate g"},
        {"CREATE SEQUENCE IF NOT EXISTS q", "sequence q"},
        {"CREATE TYPE e AS ENUM ('a')", "type e"},
        {"CREATE TYPE e AS (a int)", "type e"},
        {"CREATE DOMAIN d AS text CONSTRAINT c CHECK (VALUE <> '')", "domain d"},
        {"CREATE SCHEMA s", "schema s"},
        {"CREATE CONSTRAINT TRIGGER g AFTER INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION f()", "trigger s/t/g"},
        {"CREATE EVENT TRIGGER g ON ddl_command_end EXECUTE FUNCTION f()", "event trigger g"},
        {"CREATE POLICY p ON t USING (true)", "policy t/p"},
        {"CREATE RULE r AS ON INSERT TO t DO NOTHING", "rule t/r"},
        {"CREATE STATISTICS x ON a, b FROM t", "statistics x"},
        {"ALTER TABLE ONLY s.t\n    ADD CONSTRAINT c CHECK (a > 0)", "constraint s/t/c"},
        {"ALTER TABLE t ADD COLUMN IF NOT EXISTS c int", "column t/c"},
        {"ALTER TYPE e ADD VALUE IF NOT EXISTS 'it''s'", "enum label e/it's"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BUF_AUTO sql = {0};
        BUF_AUTO expected = {0};
        buf_addf(&sql, "-- renamed from: old\n%s;\n", cases[i].sql);
        buf_addf(&expected, "renamed %s <- old", cases[i].expected);
        assert_hints(PG, sql.p, expected.p);
    }
}

static void parts_of_a_table_have_them(void **state)
{
    (void)state;
    assert_hints(
        PG, "CREATE TABLE t (\n  a int, -- renamed from: x\n  b numeric(1, 2) DEFAULT f(1, 2) -- renamed from: y\n);",
        "renamed column t/a <- x; renamed column t/b <- y");
    assert_hints(PG, "CREATE TABLE t (a int,\n  -- renamed from: x\n  b int);", "renamed column t/b <- x");
    assert_hints(PG, "CREATE TABLE t (a int, -- renamed from: x\n  b int);", "renamed column t/a <- x");
    assert_hints(PG, "CREATE TABLE t (\n  a int\n    NOT NULL\n    DEFAULT 0, -- backfill: 0\n  b int);",
                 "backfill column t/a <- 0");
    assert_hints(PG, "CREATE TABLE t (\n  a int,\n  CONSTRAINT c CHECK (a > 0) -- renamed from: old\n);",
                 "renamed constraint t/c <- old");
    assert_hints(PG, "CREATE TABLE t (\n  a int CONSTRAINT c CHECK (a > 0) -- renamed from: old\n);",
                 "renamed column t/a <- old");
    assert_hints(PG, "CREATE TABLE t (\n  a int\n    CONSTRAINT c CHECK (a > 0), -- renamed from: old\n  b int);",
                 "renamed constraint t/c <- old");
    assert_hints(PG, "CREATE DOMAIN d AS text\n  -- renamed from: old\n  CONSTRAINT c CHECK (VALUE <> '');",
                 "renamed constraint d/c <- old");
}

static void labels_and_attributes_have_them(void **state)
{
    (void)state;
    assert_hints(PG, "CREATE TYPE s.e AS ENUM (\n  'a',\n  'it''s' -- renamed from: 'b'\n);",
                 "renamed enum label s/e/it's <- 'b'");
    assert_hints(PG, "CREATE TYPE c AS (\n  a int, -- renamed from: x\n  b int\n);", "renamed attribute c/a <- x");
}

static void expressions_are_taken_whole(void **state)
{
    (void)state;
    assert_hints(PG, "CREATE TABLE t (\n  a int, -- using: trim(a || ';', '()')::int\n  b int -- backfill: none\n);",
                 "using column t/a <- trim(a || ';', '()')::int; backfill column t/b <- none");
    assert_hints(PG, "-- using: a::int\nCREATE TABLE t (a int);", "1:1 \"using:\" belongs to a column, not to table t");
    assert_hints(PG, "CREATE TABLE t (a int -- using: f(a\n);", "1:23 \"using:\" wants an expression");
    assert_hints(PG, "CREATE TABLE t (a int -- using: a; DROP TABLE x\n);", "1:23 \"using:\" wants an expression");
    assert_hints(PG, "CREATE TABLE t (a int -- backfill:\n);", "1:23 \"backfill:\" wants an expression");
}

static void names_are_as_in_the_catalog(void **state)
{
    (void)state;
    assert_hints(PG, "CREATE TABLE \"My\"\"T\" (\n  Col int -- renamed from: \"Old Name\"\n);",
                 "renamed column My\"T/col <- \"Old Name\"");
    assert_hints(LITE, "CREATE TABLE [My T] (\n  Col int, -- renamed from: x\n `b``c` int -- renamed from: y\n);",
                 "renamed column My T/Col <- x; renamed column My T/b`c <- y");
    assert_hints(PG, "-- renamed from: s.old\nCREATE TABLE S.New ();", "renamed table s/new <- s.old");
    assert_hints(PG, "-- renamed from: f(int, text)\nCREATE FUNCTION g() RETURNS int LANGUAGE sql AS '';",
                 "renamed function g <- f(int, text)");
}

static void what_belongs_to_nothing_is_an_error(void **state)
{
    (void)state;
    assert_hints(PG, "CREATE TABLE t (a int\n-- renamed from: x\n);\nCREATE TABLE u ();",
                 "2:1 a hint that belongs to nothing");
    assert_hints(PG, "CREATE TABLE t ();\n-- renamed from: x\n", "2:1 a hint that belongs to nothing");
    assert_hints(PG, "-- renamed from: x\nGRANT SELECT ON t TO u;", "1:1 a hint that belongs to nothing");
    assert_hints(PG, "CREATE TABLE t (\n  PRIMARY KEY (a) -- renamed from: x\n);",
                 "2:19 a hint for something without a name");
    assert_hints(PG, "-- renamed from: x\nCREATE INDEX ON t (a);", "1:1 a hint for something without a name");
    assert_hints(PG, "-- renamed from: x y\nCREATE TABLE t ();", "1:1 \"renamed from:\" wants a name");
    assert_hints(PG, "-- renamed from:\nCREATE TABLE t ();", "1:1 \"renamed from:\" wants a name");
    assert_hints(PG, "-- renamed from: x\n-- renamed from: y\nCREATE TABLE t ();",
                 "renamed table t <- x; 2:1 a second hint of this kind for the same item");
    assert_hints(PG, "CREATE TABLE t (\n a int, -- renamed from: x\n b int -- renamed from: x\n);",
                 "renamed column t/a <- x; 3:8 two items cannot be renamed from the same one");
}

static void slips_are_noticed_and_prose_is_left_alone(void **state)
{
    (void)state;
    assert_hints(PG, "-- rename from: x\nCREATE TABLE t ();", "1:1 \"rename from:\" is no hint");
    assert_hints(PG, "-- renamed form: x\nCREATE TABLE t ();", "1:1 \"renamed form:\" is no hint");
    assert_hints(PG, "-- @renamed from=x\nCREATE TABLE t ();", "1:1 \"@renamed from=\" is no hint");
    assert_hints(PG, "-- renamed_from: x\nCREATE TABLE t ();", "1:1 \"renamed_from:\" is no hint");
    assert_hints(PG, "-- renamed from x\nCREATE TABLE t ();", "1:1 \"renamed from\" without its colon");
    assert_hints(PG, "-- back-fill: x\nCREATE TABLE t ();", "1:1 \"back-fill:\" is no hint");
    assert_hints(PG, "-- Renamed From: x\nCREATE TABLE t ();", "renamed table t <- x");
    assert_hints(PG,
                 "-- renamed from time to time\n-- note: nothing\n-- usage: rare\n-- https://example.org\n-- a = b\n"
                 "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ -- renamed from: x\n $$;",
                 "");
}

static void sqlite_is_read_as_well(void **state)
{
    (void)state;
    assert_hints(
        LITE,
        "CREATE TABLE t (\n  a INTEGER PRIMARY KEY, -- renamed from: id\n  b TEXT NOT NULL -- backfill: ''\n);\n"
        "-- renamed from: i\nCREATE INDEX j ON t (b);\n"
        "-- renamed from: g\nCREATE TRIGGER h AFTER INSERT ON t BEGIN SELECT 1; END;",
        "renamed column t/a <- id; backfill column t/b <- ''; renamed index t/j <- i; renamed trigger t/h <- g");
}

/* ---------------------------------------------------------------------------------------------------------- objects */

static const struct kind_list no_kinds;
static const struct kind kind_t = {.name = "table"}, kind_c = {.name = "column"}, kind_f = {.name = "foreign key"},
                         kind_y = {.name = "type"}, kind_r = {.name = "function"};

static const char *found(struct reading *r, struct catalog *goal, const struct kind *kind, const char *identity,
                         uint32_t parent)
{
    struct object o = {.kind = kind, .identity = identity, .address = identity, .parent = parent};
    const struct hint *h = hint_of(&r->hints, HINT_RENAMED_FROM, goal, &o);
    return h ? h->text : "";
}

static void objects_find_theirs(void **state)
{
    struct reading r;
    struct object objects[] = {
        {.kind = &kind_t, .identity = "public.t", .address = "t", .parent = OBJECT_NONE},
        {.kind = &kind_t, .identity = "other.t", .address = "other.t", .parent = OBJECT_NONE},
        {.kind = &kind_y, .identity = "public.\"E\"", .address = "\"E\"", .parent = OBJECT_NONE}};
    struct catalog goal = {.kinds = &no_kinds, .schema = "public"};
    (void)state;
    goal.objects.v = objects;
    goal.objects.n = 3;
    read_hints(&r, PG,
               "-- renamed from: a\nCREATE TABLE t (\n  c int, -- renamed from: b\n"
               "  CONSTRAINT k FOREIGN KEY (c) REFERENCES u -- renamed from: l\n);\n"
               "-- renamed from: z\nCREATE TABLE other.t ();\n"
               "CREATE TYPE \"E\" AS ENUM (\n 'x' -- renamed from: y\n);\n"
               "-- renamed from: f\nCREATE FUNCTION \"g.h\"(i int) RETURNS int LANGUAGE sql AS '';");
    assert_string_equal(found(&r, &goal, &kind_t, "public.t", OBJECT_NONE), "a");
    assert_string_equal(found(&r, &goal, &kind_t, "other.t", OBJECT_NONE), "z");
    assert_string_equal(found(&r, &goal, &kind_t, "public.u", OBJECT_NONE), "");
    assert_string_equal(found(&r, &goal, &kind_c, "public.t.c", 0), "b");
    assert_string_equal(found(&r, &goal, &kind_f, "public.t.k", 0), "l");
    assert_string_equal(found(&r, &goal, &kind_r, "public.\"g.h\"(integer)", OBJECT_NONE), "f");
    const struct hint *label = hint_of_label(&r.hints, &goal, &objects[2], "x");
    assert_non_null(label);
    assert_string_equal(label->text, "y");
    assert_null(hint_of_label(&r.hints, &goal, &objects[2], "y"));
    assert_null(hint_of(&r.hints, HINT_USING, &goal, &objects[0]));
    forget(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_have_them_above_or_beside),
        cmocka_unit_test(every_kind_of_statement_is_known),
        cmocka_unit_test(parts_of_a_table_have_them),
        cmocka_unit_test(labels_and_attributes_have_them),
        cmocka_unit_test(expressions_are_taken_whole),
        cmocka_unit_test(names_are_as_in_the_catalog),
        cmocka_unit_test(what_belongs_to_nothing_is_an_error),
        cmocka_unit_test(slips_are_noticed_and_prose_is_left_alone),
        cmocka_unit_test(sqlite_is_read_as_well),
        cmocka_unit_test(objects_find_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
