/* What the check stage records of SQLite's statements, and on what each revision is tried; refusals are in tests/golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "gen/scratch.h"
#include "gen/try_sqlite.h"
#include "tree.h"

static void revision(struct tree *t, const char *id, const char *down, const char *more, const char *up_key,
                     const char *up, const char *body)
{
    tree_write(
        t, arena_printf(&t->arena, "s/versions/%s.sql", id),
        arena_printf(&t->arena,
                     "-- Revision: %s\n-- Revises: %s\n-- Message: m\n%s\n-- migrate:up%s\n%s\n-- migrate:down\n%s\n",
                     id, down, more, up_key, up, body));
}

static struct tree new_tree(const char *ini)
{
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", arena_printf(&t.arena, "[stream]\n%s", ini));
    return t;
}

/* Read, linked and checked; `checked` is the file that remembers, or NULL. */
static struct source check(struct tree *t, const char *checked)
{
    struct source s = tree_link(t);
    s.checked = checked;
    check_postgresql(&s);
    check_sqlite(&s);
    return s;
}

static void assert_right(struct source *s)
{
    if (s->findings.list.n)
        fail_msg("%s:%d: %s", s->findings.list.v[0].err.path, s->findings.list.v[0].err.line,
                 s->findings.list.v[0].err.message);
}

/* Checks, expects no finding or just this message, and forgets. */
static void expect(struct tree *t, const char *checked, const char *message)
{
    struct source s = check(t, checked);
    if (!message) {
        assert_right(&s);
    } else {
        assert_int_equal(s.findings.list.n, 1);
        assert_string_equal(s.findings.list.v[0].err.message, message);
    }
    findings_free(&s.findings);
}

static const struct revision_section *section(const struct source *s, size_t revision, enum direction direction)
{
    const struct source_revision *r = s->streams.v[0]->revisions.v[revision];
    return &r->sections.v[r->revision.pick[direction][DIALECT_SQLITE]];
}

static void statements_are_recorded(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    revision(
        &t, "a1", "", "", "",
        "-- first\nCREATE TABLE é (a int); /* b */\nCREATE TRIGGER t AFTER INSERT ON é BEGIN\n  SELECT 1; SELECT 2;\nEND;;\n"
        "INSERT INTO é VALUES (';')",
        "DROP TABLE é;");
    struct source s = check(&t, NULL);
    assert_right(&s);
    const struct revision_section *up = section(&s, 0, DIRECTION_UP);
    assert_int_equal(up->n_statements, 3);
    assert_string_equal(up->statements[1].kind, "CREATE TRIGGER");
    assert_int_equal(up->statements[0].line, 7);
    assert_int_equal(up->statements[1].line, 8);
    assert_int_equal(up->statements[2].line, 11);
    const char *trigger = "CREATE TRIGGER t AFTER INSERT ON é BEGIN\n  SELECT 1; SELECT 2;\nEND";
    assert_int_equal(up->statements[1].length, strlen(trigger));
    assert_memory_equal(s.streams.v[0]->revisions.v[0]->file.bytes.p + up->statements[1].offset, trigger,
                        strlen(trigger));
    findings_free(&s.findings);
    tree_free(&t);
}

static void sections_that_drop_or_rename_go_without_foreign_keys(void **state)
{
    static const struct {
        const char *up;
        bool off;
    } rows[] = {
        {"CREATE TABLE u (a int);", false},
        {"CREATE TABLE u (a int); DROP TABLE u;", true},
        {"CREATE TABLE u (a int); ALTER TABLE u RENAME TO v;", true},
        {"CREATE TABLE u (a int, b int); ALTER TABLE u DROP COLUMN b;", true},
        {"CREATE TABLE u (a int); ALTER TABLE u ADD COLUMN b int;", false},
        {"CREATE TABLE u (a int); CREATE INDEX i ON u (a); DROP INDEX i; INSERT INTO u VALUES ('DROP TABLE u');",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tree t = new_tree("dialects = sqlite\n");
        revision(&t, "a1", "", "", "", rows[i].up, "");
        struct source s = check(&t, NULL);
        assert_right(&s);
        assert_int_equal((section(&s, 0, DIRECTION_UP)->flags & SECTION_FOREIGN_KEYS_OFF) != 0, rows[i].off);
        findings_free(&s.findings);
        tree_free(&t);
    }
}

/* A cascade must not empty the child, and foreign keys are enforced where nothing is dropped. */
static void a_rebuild_keeps_the_children(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    revision(&t, "a1", "", "", "",
             "CREATE TABLE p (a integer PRIMARY KEY); CREATE TABLE c (b int NOT NULL REFERENCES p ON DELETE CASCADE);"
             "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);",
             "DROP TABLE c; DROP TABLE p;");
    revision(&t, "a2", "a1", "", "",
             "CREATE TABLE p_new (a integer PRIMARY KEY, d int); INSERT INTO p_new (a) SELECT a FROM p; DROP TABLE p;"
             "ALTER TABLE p_new RENAME TO p;",
             "ALTER TABLE p DROP COLUMN d;");
    revision(&t, "a3", "a2", "", "",
             "CREATE TABLE seen AS SELECT 1 / count(*) AS x FROM c; CREATE TABLE one (x int NOT NULL);"
             "INSERT INTO one SELECT x FROM seen;",
             "DROP TABLE one; DROP TABLE seen;");
    expect(&t, NULL, NULL);
    revision(&t, "a4", "a3", "", "", "INSERT INTO c VALUES (7);", "");
    expect(&t, NULL, "FOREIGN KEY constraint failed");
    tree_free(&t);
}

static void each_revision_runs_on_exactly_its_ancestors(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\nmultiple_heads = true\n");
    revision(&t, "a1", "", "", "", "CREATE TABLE root (a int);", "DROP TABLE root;");
    /* Two branches with the same names in them, three revisions each, interleaved in load order. */
    for (int i = 0; i < 6; i++) {
        const char *id = arena_printf(&t.arena, "b%d", i), *down = i < 2 ? "a1" : arena_printf(&t.arena, "b%d", i - 2);
        revision(&t, id, down, "", "",
                 arena_printf(&t.arena, "CREATE TABLE t%d (a int); INSERT INTO root SELECT count(*) FROM root;", i / 2),
                 arena_printf(&t.arena, "DROP TABLE t%d;", i / 2));
    }
    expect(&t, NULL, NULL);
    revision(&t, "c1", "b4", "", "", "INSERT INTO t2 SELECT a FROM t0;", "DELETE FROM t2;");
    expect(&t, NULL, NULL);
    revision(&t, "c2", "b1", "", "", "INSERT INTO t1 VALUES (1);", "");
    expect(&t, NULL, "no such table: t1");
    tree_free(&t);
}

static void a_merge_runs_on_the_union(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\nmultiple_heads = true\n");
    revision(&t, "a1", "", "", "", "CREATE TABLE root (a int);", "DROP TABLE root;");
    revision(&t, "b1", "a1", "", "", "CREATE TABLE b (a int); INSERT INTO b VALUES (1);", "DROP TABLE b;");
    revision(&t, "c1", "a1", "", "", "CREATE TABLE c (a int); INSERT INTO c VALUES (1);", "DROP TABLE c;");
    revision(&t, "d1", "a1", "-- Depends-On: c1\n", "", "INSERT INTO c VALUES (2);", "DELETE FROM c WHERE a = 2;");
    revision(
        &t, "e1", "b1, d1", "", "",
        "CREATE TABLE n (a int NOT NULL CHECK (a = 3)); INSERT INTO n SELECT count(*) FROM (SELECT a FROM b UNION ALL SELECT a FROM c);",
        "DROP TABLE n;");
    expect(&t, NULL, NULL);
    tree_free(&t);
}

static void json_each_works_behind_a_saved_state(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\nmultiple_heads = true\n");
    const char *use = "CREATE TABLE j AS SELECT value FROM json_each('[1]');";
    revision(&t, "a1", "", "", "", "CREATE TABLE root AS SELECT value FROM json_each('[1]');", "DROP TABLE root;");
    revision(&t, "b1", "a1", "", "", use, "DROP TABLE j;");
    revision(&t, "b2", "a1", "", "", use, "DROP TABLE j;");
    revision(&t, "b3", "a1", "", "", use, "DROP TABLE j;");
    expect(&t, NULL, NULL);
    tree_free(&t);
}

static void settings_are_those_of_the_stream(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    revision(
        &t, "a1", "", "", "",
        "CREATE TABLE t (a text NOT NULL CHECK (a IN ('s', 'a1'))); INSERT INTO t VALUES (migrate_setting('stream')), "
        "(migrate_setting('revision'));",
        "DELETE FROM t WHERE a = migrate_setting('stream'); DROP TABLE t;");
    expect(&t, NULL, NULL);
    tree_free(&t);

    t = new_tree(
        "kind = fleet\nregistry = r\ndialects = sqlite\ntenants_query = SELECT tenant_id FROM tenants\ntenant_url = ${U}\n");
    tree_write(&t, "r/env.ini", "[stream]\ndialects = sqlite\nurl = ${U}\n");
    revision(&t, "a1", "", "", "",
             "CREATE TABLE t (a text NOT NULL); INSERT INTO t VALUES (migrate_setting('tenant_id'));", "DROP TABLE t;");
    expect(&t, NULL, NULL);
    tree_free(&t);
}

static void outside_of_a_transaction_much_is_allowed(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    revision(&t, "a1", "", "", " transaction:false",
             "CREATE TABLE t (a int);\nVACUUM;\nPRAGMA journal_mode = WAL;\nPRAGMA journal_mode;", "DROP TABLE t;");
    struct source s = check(&t, NULL);
    assert_right(&s);
    const struct revision_statement *st = section(&s, 0, DIRECTION_UP)->statements;
    assert_int_equal(st[0].flags, 0);
    assert_int_equal(st[1].flags, STATEMENT_NO_BLOCK);
    assert_int_equal(st[2].flags, STATEMENT_NO_BLOCK);
    assert_int_equal(st[3].flags, 0);
    findings_free(&s.findings);
    tree_free(&t);
}

/* One section for both: the table is PostgreSQL's, with SQLite's flags. */
static void two_engines_share_one_table_of_statements(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = postgresql, sqlite\n");
    revision(&t, "a1", "", "", "", "CREATE TABLE t (a int);\nDROP TABLE t;", "");
    struct source s = check(&t, NULL);
    assert_right(&s);
    const struct revision_section *up = section(&s, 0, DIRECTION_UP);
    assert_int_equal(up->n_statements, 2);
    assert_true(up->flags & SECTION_FOREIGN_KEYS_OFF);
    assert_string_equal(up->statements[1].kind, "DROP TABLE");
    findings_free(&s.findings);
    tree_free(&t);
}

/* A statement of some three million steps: whether it ran is seen by how much patience it takes. */
#define SLOW                                                                                                           \
    "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT max(i) FROM n;"
#define ENDLESS "the statement does not come to an end"

static void what_passed_is_remembered(void **state)
{
    int patience = scratch_patience;
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    const char *checked = arena_printf(&t.arena, "%s/checked", t.top);
    revision(&t, "a1", "", "", "", SLOW, "DROP TABLE t;");
    expect(&t, checked, NULL);
    scratch_patience = 0;
    expect(&t, checked, NULL);
    revision(&t, "a2", "a1", "", "", "-- nothing", "");
    expect(&t, checked, ENDLESS); /* to try a2, a1 runs */
    scratch_patience = patience;
    expect(&t, checked, NULL);
    scratch_patience = 0;
    expect(&t, checked, NULL);
    revision(&t, "a1", "", "", "", SLOW, "DROP TABLE t; -- changed");
    expect(&t, checked, ENDLESS);
    scratch_patience = patience;
    tree_free(&t);
}

static void a_damaged_memory_is_an_empty_one(void **state)
{
    static const char *const texts[] = {"", "x", "no keys here\n",
                                        "0000000000000000000000000000000000000000000000000000000000000000"};
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    revision(&t, "a1", "", "", "", "CREATE TABLE t (a int);", "DROP TABLE t;");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tree_write(&t, "../checked", texts[i]);
        expect(&t, arena_printf(&t.arena, "%s/checked", t.top), NULL);
    }
    expect(&t, arena_printf(&t.arena, "%s/no/such/folder", t.top), NULL);
    tree_free(&t);
}

static void wrong_revisions_are_not_remembered(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    const char *checked = arena_printf(&t.arena, "%s/checked", t.top);
    revision(&t, "a1", "", "", "", "CREATE TABLE t (a int);", "DROP TABLE u;");
    expect(&t, checked, "no such table: u");
    expect(&t, checked, "no such table: u");
    revision(&t, "a1", "", "", "", "PRAGMA synchronous = OFF;", "");
    expect(&t, checked, "PRAGMA synchronous sets up a connection, and the application's is another one");
    expect(&t, checked, "PRAGMA synchronous sets up a connection, and the application's is another one");
    tree_free(&t);
}

static void endless_and_insatiable_statements_are_stopped(void **state)
{
    int patience = scratch_patience;
    (void)state;
    scratch_patience = 3;
    struct tree t = new_tree("dialects = sqlite\n");
    revision(&t, "a1", "", "", "",
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;", "");
    expect(&t, NULL, ENDLESS);
    revision(&t, "a1", "", "", "", "CREATE TABLE t AS SELECT zeroblob(900000000);", "");
    expect(&t, NULL, "the statement takes more than 768 MB of memory");
    scratch_patience = patience;
    tree_free(&t);
}

static void what_cannot_be_tried_does_not_pass(void **state)
{
    (void)state;
    struct tree t = new_tree("dialects = sqlite\n");
    revision(&t, "a1", "", "", "", "CREATE TABLE t (a int);", "");
    struct source s = tree_link(&t);
    struct sqlite_revision bodies[1] = {0};
    struct memory m = {0};
    sqlite3_hard_heap_limit64(1);
    try_sqlite_stream(&s, s.streams.v[0], bodies, &m);
    sqlite3_hard_heap_limit64(0);
    assert_int_equal(s.findings.n_errors, 1);
    assert_string_equal(s.findings.list.v[0].err.message, "the revision could not be tried: SQLite has no memory left");
    findings_free(&s.findings);
    tree_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_recorded),
        cmocka_unit_test(sections_that_drop_or_rename_go_without_foreign_keys),
        cmocka_unit_test(a_rebuild_keeps_the_children),
        cmocka_unit_test(each_revision_runs_on_exactly_its_ancestors),
        cmocka_unit_test(a_merge_runs_on_the_union),
        cmocka_unit_test(json_each_works_behind_a_saved_state),
        cmocka_unit_test(settings_are_those_of_the_stream),
        cmocka_unit_test(outside_of_a_transaction_much_is_allowed),
        cmocka_unit_test(two_engines_share_one_table_of_statements),
        cmocka_unit_test(what_passed_is_remembered),
        cmocka_unit_test(a_damaged_memory_is_an_empty_one),
        cmocka_unit_test(wrong_revisions_are_not_remembered),
        cmocka_unit_test(endless_and_insatiable_statements_are_stopped),
        cmocka_unit_test(what_cannot_be_tried_does_not_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
