/* What the rules about changes say, of what, and where; and when they are silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gen/lint/statement.h"
#include "lint_findings.h"

#define BEFORE                                                                                                         \
    "CREATE TABLE documents (id bigint PRIMARY KEY, title varchar(80) NOT NULL UNIQUE, size bigint);\n"                \
    "CREATE TABLE pages (id bigint PRIMARY KEY);\nCREATE VIEW titles AS SELECT id, title FROM documents;\n"            \
    "CREATE TYPE state AS ENUM ('new');"

static void expect_as(const char *section, const char *text, const char *rules, const char *lines)
{
    struct linted l = lint_text_as(BEFORE, section, text, rules);
    assert_string_equal(l.lines, lines);
    linted_free(&l);
}

static void expect(const char *text, const char *rules, const char *lines)
{
    expect_as("", text, rules, lines);
}

/* The safe form of the only finding of the rule. */
static void expect_safe(const char *text, const char *rule, const char *safe)
{
    struct linted l = lint_text_as(BEFORE, "", text, rule);
    size_t n = 0;
    for (size_t i = 0; i < l.source.findings.list.n; i++) {
        const struct finding *found = &l.source.findings.list.v[i];
        if (strcmp(found->rule, rule) != 0 || !strstr(found->err.path, "b2"))
            continue;
        assert_string_equal(found->err.hint ? found->err.hint : "", safe);
        n++;
    }
    assert_int_equal(n, 1);
    linted_free(&l);
}

static void drops_are_said_one_by_one(void **state)
{
    (void)state;
    expect("ALTER TABLE documents DROP COLUMN size, DROP COLUMN title CASCADE;", "drop-column drop-cascade",
           "1:35 drop-column DROP COLUMN documents.size\n1:53 drop-column DROP COLUMN documents.title\n"
           "1:53 drop-cascade DROP COLUMN title CASCADE on documents\n");
    expect("DROP TABLE documents, pages;", "drop-table",
           "1:12 drop-table DROP TABLE documents\n1:23 drop-table DROP TABLE pages\n");
    expect("DROP SCHEMA billing CASCADE;", "drop-table drop-cascade",
           "1:13 drop-table DROP SCHEMA billing\n1:13 drop-cascade DROP SCHEMA billing CASCADE\n");
    expect("CREATE TABLE t (a int, b int);\nALTER TABLE t DROP COLUMN a, ALTER COLUMN b DROP NOT NULL;\nTRUNCATE t;\n"
           "DROP TABLE t CASCADE;",
           "drop-column drop-not-null drop-table drop-cascade truncate", "");
    expect("DROP FUNCTION f(int) CASCADE;", "drop-table drop-cascade", "1:15 drop-cascade DROP FUNCTION f CASCADE\n");
}

static void a_view_that_comes_back_was_not_dropped(void **state)
{
    (void)state;
    expect("DROP VIEW titles;", "drop-table", "1:1 drop-table DROP VIEW titles\n");
    expect("DROP VIEW titles;\nCREATE VIEW titles AS SELECT 1 AS id;", "drop-table", "");
}

static void safe_forms_name_what_they_are_about(void **state)
{
    (void)state;
    expect_safe("ALTER TABLE documents DROP COLUMN title;", "drop-column",
                "-- release 1: no code names title any more\n"
                "-- revision 1\nALTER TABLE documents ALTER COLUMN title DROP NOT NULL;\n"
                "-- release 2, when no process of an older one is left\nALTER TABLE documents DROP COLUMN title;");
    expect_safe("UPDATE documents SET size = 0;", "unbounded-dml",
                "-- migrate:up batch\nUPDATE documents SET size = 0\n"
                "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE size IS DISTINCT FROM (0) LIMIT 1000));");
    expect_safe("UPDATE documents SET size = random();", "unbounded-dml",
                "-- migrate:up batch\nUPDATE documents SET size = random()\n"
                "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE size IS NULL LIMIT 1000));");
    expect_safe("INSERT INTO pages SELECT id FROM documents;", "unbounded-dml",
                "-- migrate:up batch\nINSERT INTO pages SELECT id FROM documents\n"
                "WHERE NOT EXISTS (SELECT FROM pages AS done WHERE done.id = documents.id)\nLIMIT 1000;");
    expect_safe("ALTER TABLE documents RENAME TO \"Papers\";", "rename-table",
                "-- revision 1: the view takes reads and writes of the old name\n"
                "ALTER TABLE documents RENAME TO \"Papers\";\n"
                "CREATE VIEW documents WITH (security_invoker = true) AS SELECT * FROM \"Papers\";\n"
                "-- and the GRANTs of the table, on the view\n"
                "-- revision 2, when no process names documents any more\nDROP VIEW documents;");
    expect_safe("CREATE TABLE IF NOT EXISTS t (a bigint);", "ine-hides-drift", "CREATE TABLE t (a bigint);");
}

static void a_renamed_column_gets_its_own_type(void **state)
{
    (void)state;
    struct linted l = lint_text_as(BEFORE, "", "ALTER TABLE documents RENAME title TO name;", "rename-column");
    assert_string_equal(l.lines, "1:30 rename-column RENAME COLUMN documents.title TO name\n");
    bool found = false;
    for (size_t i = 0; i < l.source.findings.list.n; i++) {
        const char *hint = l.source.findings.list.v[i].err.hint;
        found |= hint && strstr(hint, "ADD COLUMN name character varying(80);");
    }
    assert_true(found);
    linted_free(&l);
}

static void writes_of_all_rows(void **state)
{
    (void)state;
    expect("UPDATE documents SET size = 1 WHERE true;\nDELETE FROM pages WHERE 1 = 1;\nDELETE FROM pages WHERE id = 1;",
           "unbounded-dml",
           "1:8 unbounded-dml UPDATE of all rows of documents\n2:13 unbounded-dml DELETE of all rows of pages\n");
    expect("WITH gone AS (DELETE FROM pages RETURNING id) SELECT count(*) FROM gone;", "unbounded-dml",
           "1:27 unbounded-dml DELETE of all rows of pages\n");
    expect("WITH few AS (SELECT id FROM documents LIMIT 5) INSERT INTO pages SELECT id FROM few;\n"
           "INSERT INTO pages SELECT id FROM documents LIMIT 10;\nINSERT INTO pages VALUES (1);\n"
           "INSERT INTO pages SELECT n FROM generate_series(1, 10) n;\nCREATE TABLE t (id bigint);\n"
           "INSERT INTO t SELECT id FROM documents;\nUPDATE t SET id = 1;",
           "unbounded-dml", "");
    expect_as(" batch", "UPDATE documents SET size = 1;", "unbounded-dml batch-without-limit",
              "1:1 batch-without-limit UPDATE without a LIMIT in a batch section\n");
    expect_as(" batch", "DELETE FROM pages WHERE id IN (SELECT id FROM pages FETCH FIRST 10 ROWS ONLY);",
              "batch-without-limit", "");
}

static void a_limit_that_is_none_does_not_count(void **state)
{
    (void)state;
    assert_true(lint_has_limit(STR("SELECT 1 limit 5"), DIALECT_SQLITE));
    assert_true(lint_has_limit(STR("SELECT 1 FETCH NEXT ROW ONLY"), DIALECT_POSTGRESQL));
    assert_false(lint_has_limit(STR("SELECT 1 LIMIT ALL"), DIALECT_POSTGRESQL));
    assert_false(lint_has_limit(STR("SELECT 1 -- LIMIT 5"), DIALECT_POSTGRESQL));
    assert_false(lint_has_limit(STR("SELECT \"limit\", 'LIMIT 5' FROM t LIMIT"), DIALECT_SQLITE));
}

static void a_new_value_of_an_enum_waits_for_the_commit(void **state)
{
    (void)state;
    expect("ALTER TYPE state ADD VALUE 'done';\nCOMMENT ON TYPE state IS 'done';\n"
           "ALTER TYPE state ADD VALUE 'gone' AFTER 'done';\nALTER TABLE pages ADD COLUMN s state DEFAULT 'done';",
           "enum-use-same-tx",
           "4:46 enum-use-same-tx 'done' of the type state is used in the transaction that adds it\n");
    expect_as(" transaction:false",
              "ALTER TYPE state ADD VALUE 'done';\nALTER TABLE pages ADD COLUMN s state DEFAULT 'done';",
              "enum-use-same-tx", "");
    expect("ALTER TYPE state RENAME VALUE 'new' TO 'it''s';", "rename-enum-value",
           "1:1 rename-enum-value ALTER TYPE state RENAME VALUE 'new' TO 'it''s'\n");
}

static void names_that_are_taken_again_are_no_loss(void **state)
{
    (void)state;
    expect(
        "ALTER TABLE documents RENAME TO old;\nCREATE TABLE fresh (id bigint);\nALTER TABLE fresh RENAME TO documents;",
        "rename-table", "");
    expect("ALTER TABLE documents SET SCHEMA archive;", "rename-table",
           "1:1 rename-table documents moves to the schema archive\n");
}

static void types_under_views_stay(void **state)
{
    (void)state;
    expect("ALTER TABLE documents ALTER COLUMN title TYPE text;\nDROP VIEW titles;\n"
           "ALTER TABLE documents ALTER COLUMN title TYPE varchar(90);",
           "view-replace", "1:36 view-replace ALTER COLUMN title TYPE on documents, which public.titles reads\n");
    expect("ALTER TABLE documents ALTER COLUMN size TYPE numeric;", "view-replace", "");
}

static void views_keep_their_columns(void **state)
{
    (void)state;
    expect("CREATE OR REPLACE VIEW titles AS SELECT size FROM documents;", "view-replace",
           "1:24 view-replace CREATE OR REPLACE VIEW titles does not keep the column id in its place\n");
    expect("CREATE OR REPLACE VIEW titles AS SELECT id, title, size FROM documents;", "view-replace", "");
    expect("CREATE OR REPLACE VIEW titles AS SELECT * FROM documents;", "view-replace", "");
    expect("CREATE OR REPLACE VIEW titles (id, title) AS SELECT size, lower(title) FROM documents;", "view-replace",
           "");
}

static void types_of_new_columns(void **state)
{
    (void)state;
    expect("CREATE TABLE t (id int PRIMARY KEY, a varchar(5), b char(3), c timestamp[], d json, e integer, f text);",
           "int-pk prefer-text prefer-timestamptz prefer-jsonb",
           "1:20 int-pk id int4: a key of 4 bytes\n1:39 prefer-text a is character varying(5)\n"
           "1:53 prefer-text b is character(3)\n1:64 prefer-timestamptz c is timestamp without time zone\n"
           "1:79 prefer-jsonb d is json\n");
    expect("CREATE TABLE t (a int, b int, PRIMARY KEY (a, b));\nCREATE TABLE u (a smallint, PRIMARY KEY (a));\n"
           "ALTER TABLE pages ADD COLUMN n serial;",
           "int-pk", "2:19 int-pk a int2: a key of 2 bytes\n3:32 int-pk n serial: a key of 4 bytes\n");
}

static void what_a_rerun_trips_over(void **state)
{
    (void)state;
    expect_as(" transaction:false",
              "CREATE DATABASE other;\nALTER TABLE documents DETACH PARTITION pages CONCURRENTLY;\n"
              "DO $$ BEGIN DELETE FROM pages WHERE id = 1; COMMIT; END $$;\nVACUUM documents;\n"
              "CREATE INDEX CONCURRENTLY i ON documents (size);\nDROP DATABASE IF EXISTS other;",
              "no-tx-not-rerunnable",
              "1:1 no-tx-not-rerunnable CREATE DATABASE cannot be run a second time\n"
              "2:1 no-tx-not-rerunnable DETACH PARTITION CONCURRENTLY cannot be run a second time\n"
              "3:1 no-tx-not-rerunnable DO with a COMMIT cannot be run a second time\n");
}

static void if_not_exists_hides_in_a_transaction(void **state)
{
    (void)state;
    expect("CREATE INDEX IF NOT EXISTS i ON documents (size);\nALTER TABLE pages ADD COLUMN IF NOT EXISTS n bigint;\n"
           "CREATE EXTENSION IF NOT EXISTS citext;\nDROP TABLE IF EXISTS nothing;",
           "ine-hides-drift",
           "1:1 ine-hides-drift CREATE INDEX IF NOT EXISTS\n2:44 ine-hides-drift ADD COLUMN IF NOT EXISTS n\n");
    expect_as(" transaction:false", "CREATE TABLE IF NOT EXISTS t (id bigint);", "ine-hides-drift", "");
}

static void columns_that_are_set_twice(void **state)
{
    (void)state;
    expect("UPDATE documents SET size = 1, (title, size) = ('a', 2) WHERE id = 1;\n"
           "INSERT INTO pages VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 1, id = 2;",
           "dup-assign", "1:40 dup-assign size is set twice\n2:69 dup-assign id is set twice\n");
}

static void names_without_a_schema(void **state)
{
    (void)state;
    expect("WITH few AS (SELECT 1) SELECT * FROM few, public.pages, documents, pg_class;\nDROP TABLE pages, a.b;",
           "unqualified-name",
           "1:57 unqualified-name documents is named without its schema\n"
           "2:12 unqualified-name pages is named without its schema\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_are_said_one_by_one),
        cmocka_unit_test(a_view_that_comes_back_was_not_dropped),
        cmocka_unit_test(safe_forms_name_what_they_are_about),
        cmocka_unit_test(a_renamed_column_gets_its_own_type),
        cmocka_unit_test(writes_of_all_rows),
        cmocka_unit_test(a_limit_that_is_none_does_not_count),
        cmocka_unit_test(a_new_value_of_an_enum_waits_for_the_commit),
        cmocka_unit_test(names_that_are_taken_again_are_no_loss),
        cmocka_unit_test(types_under_views_stay),
        cmocka_unit_test(views_keep_their_columns),
        cmocka_unit_test(types_of_new_columns),
        cmocka_unit_test(what_a_rerun_trips_over),
        cmocka_unit_test(if_not_exists_hides_in_a_transaction),
        cmocka_unit_test(columns_that_are_set_twice),
        cmocka_unit_test(names_without_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
