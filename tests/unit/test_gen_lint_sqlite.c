/* SQLite's lint beyond the examples of the table: what is said, of which statement, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "gen/check.h"
#include "gen/lint/lint.h"
#include "tree.h"

struct linted {
    struct tree tree;
    struct source source;
};

static void revision(struct tree *t, const char *id, const char *down, const char *more, const char *words,
                     const char *up)
{
    tree_write(
        t, arena_printf(&t->arena, "s/versions/%s.sql", id),
        arena_printf(&t->arena,
                     "-- Revision: %s\n-- Revises: %s\n-- Message: m\n%s\n-- migrate:up%s\n%s\n-- migrate:down\n", id,
                     down, more, words, up));
}

static void begin(struct linted *l, const char *lint)
{
    *l = (struct linted){.tree = tree_new()};
    tree_write(&l->tree, "s/env.ini", arena_printf(&l->tree.arena, "[stream]\ndialects = sqlite\n[lint]\n%s", lint));
}

static void lint(struct linted *l)
{
    AUTO_ERR e = {0};
    struct lint_options options = {0};
    l->source = tree_link(&l->tree);
    check_sqlite(&l->source);
    assert_true(lint_sources(&l->source, &options, &e));
}

static void end(struct linted *l)
{
    findings_free(&l->source.findings);
    tree_free(&l->tree);
}

/* The findings of sl- rules: "sl-drop-table: DROP TABLE t; …". */
static const char *found(struct linted *l)
{
    BUF_AUTO out = {0};
    for (size_t i = 0; i < l->source.findings.list.n; i++) {
        const struct finding *f = &l->source.findings.list.v[i];
        if (strncmp(f->rule, "sl-", 3) == 0 || f->severity == SEVERITY_ERROR)
            buf_addf(&out, "%s%s: %s", out.n ? "; " : "", f->rule, f->err.message);
    }
    return arena_printf(&l->tree.arena, "%s", out.p ? out.p : "");
}

static const struct finding *first(const struct linted *l)
{
    assert_true(l->source.findings.list.n > 0);
    return &l->source.findings.list.v[0];
}

/* One revision after `before`: what is found. */
static void expect(const char *before, const char *words, const char *up, const char *findings)
{
    struct linted l;
    begin(&l, "");
    revision(&l.tree, "a1", "", "", "", before);
    revision(&l.tree, "b1", "a1", "", words, up);
    lint(&l);
    assert_string_equal(found(&l), findings);
    end(&l);
}

#define TABLE "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);"
#define REBUILD "INSERT INTO t_new SELECT id, a, b FROM t; DROP TABLE t; ALTER TABLE t_new RENAME TO t;"
#define WIDER "CREATE TABLE t_new (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT);"

static void a_rebuild_names_all_that_it_loses(void **state)
{
    (void)state;
    struct linted l;
    begin(&l, "");
    revision(&l.tree, "a1", "", "", "",
             TABLE "CREATE INDEX i ON t (a); CREATE INDEX j ON t (b); CREATE VIEW v AS SELECT a FROM t;"
                   "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;");
    revision(&l.tree, "b1", "a1", "", "", "DROP VIEW v;" WIDER REBUILD "CREATE INDEX j ON t (b);");
    lint(&l);
    assert_string_equal(found(&l), "sl-rebuild-loses: the rebuild of t loses index i, view v, trigger g");
    assert_string_equal(first(&l)->err.hint,
                        "-- at the end of the section, what it had\nCREATE INDEX i ON t (a);\n"
                        "CREATE VIEW v AS SELECT a FROM t;\nCREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;");
    end(&l);
}

/* Never those of the rule's example, which would be pasted. */
static void hints_speak_of_the_statement(void **state)
{
    static const char *const cases[][2] = {
        {"ALTER TABLE t DROP COLUMN a;",
         "-- release 1: no code uses a any more\n-- release 2:\nALTER TABLE t DROP COLUMN a;"},
        {"UPDATE t SET a = b;",
         "-- migrate:up batch\nUPDATE t SET a = b\nWHERE rowid IN (SELECT rowid FROM t WHERE … LIMIT 5000);"},
        {"DELETE FROM t;", "-- migrate:up batch\nDELETE FROM t\nWHERE rowid IN (SELECT rowid FROM t LIMIT 5000);"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct linted l;
        begin(&l, "");
        revision(&l.tree, "a1", "", "", "", TABLE);
        revision(&l.tree, "b1", "a1", "", "", cases[i][0]);
        lint(&l);
        assert_string_equal(first(&l)->err.hint, cases[i][1]);
        end(&l);
    }
}

static void a_rebuild_that_keeps_or_drops_by_name_is_fine(void **state)
{
    (void)state;
    expect(TABLE "CREATE INDEX i ON t (a);", "", "DROP INDEX i;" WIDER REBUILD, "");
    expect(TABLE "CREATE INDEX i ON t (a);", "", WIDER REBUILD "CREATE INDEX i ON t (a, b);", "");
    /* An index on a column that is gone cannot be made again. */
    expect(TABLE "CREATE INDEX i ON t (a);", "",
           "CREATE TABLE n (id INTEGER PRIMARY KEY, b TEXT); INSERT INTO n SELECT id, b FROM t; DROP TABLE t;"
           "ALTER TABLE n RENAME TO t;",
           "sl-rebuild-loses: the rebuild of t loses column a");
}

static void a_dropped_table_says_who_read_it(void **state)
{
    (void)state;
    struct linted l;
    expect(TABLE, "", "DROP TABLE t; CREATE TABLE t (id INTEGER);", "sl-drop-table: DROP TABLE t");
    expect(TABLE, "", "CREATE TABLE u AS SELECT * FROM t; DROP TABLE t;", "sl-drop-table: DROP TABLE t");
    expect(TABLE, "", "CREATE TABLE u (a); DROP TABLE u; CREATE TEMP TABLE w (a); DROP TABLE w;", "");
    begin(&l, "");
    revision(&l.tree, "a1", "", "", "", TABLE "CREATE VIEW v AS SELECT a FROM t;");
    revision(&l.tree, "b1", "a1", "", "", "DROP TABLE \"T\";");
    lint(&l);
    assert_string_equal(found(&l), "sl-drop-table: DROP TABLE T");
    assert_string_equal(first(&l)->err.detail,
                        "Views that read the table fail from now on, and so does every later ALTER TABLE: v.");
    end(&l);
}

static void a_rename_away_tells_what_follows_it(void **state)
{
    (void)state;
    static const char away[] = "ALTER TABLE t RENAME TO t_old;" TABLE "INSERT INTO t SELECT * FROM t_old;"
                               "DROP TABLE t_old;";
    expect(TABLE, "", away, "");
    expect(TABLE "CREATE TABLE u (t INTEGER REFERENCES t (id)); CREATE VIEW v AS SELECT a FROM t;", "", away,
           "sl-rename-order: table u, view v now refers to t_old, not to t");
    expect(TABLE, "", "ALTER TABLE t RENAME TO u;", "sl-rename-table: t is renamed to u");
    expect(TABLE, "", "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u;", "");
}

#define FAMILY "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p ON DELETE CASCADE);"

static void rows_that_take_children_along(void **state)
{
    (void)state;
    expect(FAMILY, "", "DELETE FROM p;",
           "sl-unbounded-dml: DELETE of all rows of p; "
           "sl-drop-cascades: DELETE of all rows of p, whose rows take those of c along");
    expect(FAMILY, "", "INSERT OR REPLACE INTO p VALUES (1); REPLACE INTO p VALUES (1);",
           "sl-drop-cascades: REPLACE in p, whose rows take those of c along");
    expect(FAMILY, " foreign_keys:off", "REPLACE INTO p VALUES (1);", "");
    expect(FAMILY, "", "REPLACE INTO c VALUES (NULL); DELETE FROM p WHERE id > 4;", "");
}

static void a_where_counts_where_it_stands(void **state)
{
    (void)state;
    expect(TABLE, "", "UPDATE t SET a = (SELECT b FROM t AS o WHERE o.id = t.id);",
           "sl-unbounded-dml: UPDATE of all rows of t");
    expect(TABLE, "", "WITH w AS (SELECT 1 AS id) DELETE FROM main.t WHERE id IN (SELECT id FROM w);", "");
    expect(TABLE, "", "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = b; END;", "");
    expect(TABLE, "", "CREATE TABLE u (a); UPDATE u SET a = 1; ALTER TABLE u RENAME TO w; DELETE FROM w;", "");
}

static void a_batch_needs_a_limit(void **state)
{
    (void)state;
    struct linted l;
    begin(&l, "");
    revision(&l.tree, "a1", "", "", "", TABLE);
    revision(&l.tree, "b1", "a1", "", " batch", "UPDATE t SET a = 1 WHERE a IS NULL;");
    revision(&l.tree, "c1", "b1", "", " batch", "DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT 5);");
    lint(&l);
    assert_int_equal(l.source.findings.list.n, 1);
    assert_string_equal(first(&l)->rule, "batch-without-limit");
    assert_string_equal(first(&l)->err.message, "UPDATE without a LIMIT in a batch section");
    end(&l);
}

static void new_tables_are_asked_for_types_when_wanted(void **state)
{
    (void)state;
    struct linted l;
    begin(&l, "sl-types = warning\n");
    revision(&l.tree, "a1", "", "", "",
             "CREATE TABLE n (a TEXT) STRICT; CREATE TABLE m (a); CREATE TEMP TABLE x (a); DROP TABLE x;"
             "CREATE TABLE gone (a); DROP TABLE gone; ALTER TABLE m RENAME TO k;");
    lint(&l);
    assert_string_equal(found(&l), "sl-types: k is not STRICT");
    assert_int_equal(first(&l)->err.line, 6);
    end(&l);
}

/* Two branches, one of which drops what the other still has. */
static void each_branch_sees_its_own_ancestors(void **state)
{
    (void)state;
    struct linted l;
    begin(&l, "");
    revision(&l.tree, "a1", "", "", "", TABLE "CREATE INDEX i ON t (a);");
    revision(&l.tree, "b1", "a1", "", "", "DROP INDEX i;");
    revision(&l.tree, "c1", "a1", "", "", WIDER REBUILD);
    revision(&l.tree, "d1", "b1", "", "", WIDER REBUILD);
    tree_write(&l.tree, "s/env.ini", "[stream]\ndialects = sqlite\nmultiple_heads = true\n");
    lint(&l);
    assert_string_equal(found(&l), "sl-rebuild-loses: the rebuild of t loses index i");
    assert_string_equal(first(&l)->place.revision->revision.id, "c1");
    end(&l);
}

/* What does not run is the check stage's; nothing is said twice, and the others are looked at. */
static void what_fails_is_left_to_the_check(void **state)
{
    (void)state;
    expect(TABLE, "", "ALTER TABLE t DROP COLUMN a;\nSELECT x FROM nowhere;",
           "execution: no such table: nowhere; sl-drop-column: DROP COLUMN t.a");
}

static void a_thousand_revisions_take_less_than_a_second(void **state)
{
    (void)state;
    struct linted l;
    AUTO_ERR e = {0};
    struct lint_options options = {0};
    begin(&l, "");
    for (int i = 0; i < 1000; i++)
        revision(&l.tree, arena_printf(&l.tree.arena, "r%04d", i), i ? arena_printf(&l.tree.arena, "r%04d", i - 1) : "",
                 "", "",
                 arena_printf(&l.tree.arena,
                              "CREATE TABLE t%d (id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i%d ON t%d (a);", i, i,
                              i));
    l.source = tree_link(&l.tree);
    check_sqlite(&l.source);
    clock_t began = clock();
    assert_true(lint_sources(&l.source, &options, &e));
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    print_message("# 1,000 revisions: %.2f s of CPU\n", seconds);
    assert_true(seconds < 3); /* a tenth of that; a sanitizer takes more */
    assert_string_equal(found(&l), "");
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rebuild_names_all_that_it_loses),
        cmocka_unit_test(hints_speak_of_the_statement),
        cmocka_unit_test(a_rebuild_that_keeps_or_drops_by_name_is_fine),
        cmocka_unit_test(a_dropped_table_says_who_read_it),
        cmocka_unit_test(a_rename_away_tells_what_follows_it),
        cmocka_unit_test(rows_that_take_children_along),
        cmocka_unit_test(a_where_counts_where_it_stands),
        cmocka_unit_test(a_batch_needs_a_limit),
        cmocka_unit_test(new_tables_are_asked_for_types_when_wanted),
        cmocka_unit_test(each_branch_sees_its_own_ancestors),
        cmocka_unit_test(what_fails_is_left_to_the_check),
        cmocka_unit_test(a_thousand_revisions_take_less_than_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
