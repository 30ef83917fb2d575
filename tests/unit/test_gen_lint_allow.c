/* lint:allow: which statement a comment stands by, and what is a comment at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gen/check.h"
#include "gen/lint/allow.h"
#include "tree.h"

/* A stream of one revision, whose up section is `body`. */
struct fixture {
    struct tree tree;
    struct source source;
    const struct source_revision *revision;
    struct allows list;
};

static struct fixture *make(const char *dialect, const char *body)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->tree = tree_new();
    struct arena *a = &f->tree.arena;
    tree_write(&f->tree, "s/env.ini", arena_printf(a, "[stream]\ndialects = %s\n", dialect));
    tree_write(&f->tree, "s/versions/a.sql",
               arena_printf(a,
                            "-- Revision: a1\n-- Revises:\n-- Message: m\n\n-- migrate:up\n%s\n"
                            "-- migrate:down\nSELECT 1;\n",
                            body));
    f->source = tree_link(&f->tree);
    f->source.arena = a; /* the tree moved */
    f->source.findings.arena = a;
    check_postgresql(&f->source);
    check_sqlite(&f->source);
    f->revision = f->source.streams.v[0]->revisions.v[0];
    allows_read(a, &f->source.findings, f->revision, &f->revision->sections.v[0], &f->list);
    return f;
}

static void done(struct fixture *f)
{
    findings_free(&f->source.findings);
    tree_free(&f->tree);
    free(f);
}

static size_t count(const struct fixture *f, const char *rule)
{
    size_t n = 0;
    for (size_t i = 0; i < f->source.findings.list.n; i++)
        n += strcmp(f->source.findings.list.v[i].rule, rule) == 0;
    return n;
}

#define ALLOW "-- lint:allow drop-column nobody reads it"

/* The statement that the only lint:allow of the text stands by. */
static void expect_statement(const char *dialect, const char *body, uint32_t statement)
{
    struct fixture *f = make(dialect, body);
    if (count(f, "bad-allow") || f->list.n != 1)
        fail_msg("%zu allowed, %zu refused in \"%s\"", f->list.n, count(f, "bad-allow"), body);
    assert_string_equal(f->list.v[0].rule, "drop-column");
    assert_string_equal(f->list.v[0].reason, "nobody reads it");
    assert_memory_equal(f->revision->file.bytes.p + f->list.v[0].offset, "drop-column", strlen("drop-column"));
    if (f->list.v[0].statement != statement)
        fail_msg("by %u, not %u, in \"%s\"", f->list.v[0].statement, statement, body);
    done(f);
}

static void a_comment_stands_by_one_statement(void **state)
{
    (void)state;
    expect_statement("postgresql", ALLOW "\nSELECT 1; SELECT 2;", 0);
    expect_statement("postgresql", "SELECT 1;\n" ALLOW "\n\n-- more\nSELECT 2;", 1);
    expect_statement("postgresql", "SELECT 1; SELECT 2; " ALLOW "\nSELECT 3;", 1);
    expect_statement("postgresql", "SELECT 1 " ALLOW "\n; SELECT 2;", 0);
    expect_statement("postgresql", "SELECT 1;\nSELECT " ALLOW "\n 2;", 1);
    expect_statement("postgresql", "SELECT 1 /* -- */ ; /* x\n */ " ALLOW "\nSELECT 2;", 1);
    expect_statement("postgresql", "SELECT 1;\n\t--\tlint:allow\tdrop-column\tnobody reads it\t\nSELECT 2;", 1);
    expect_statement("sqlite", "SELECT 1;\nSELECT [a'b] FROM (SELECT 1 AS \"a'b\"); " ALLOW "\n", 1);
}

static void a_body_belongs_to_the_statement_around_it(void **state)
{
    (void)state;
    expect_statement("postgresql", "SELECT 1;\nDO $$\nBEGIN\n" ALLOW "\nPERFORM 1; END $$;\nSELECT 2;", 1);
    expect_statement("postgresql", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; " ALLOW "\n'; SELECT 2;",
                     0);
}

static void expect_none(const char *dialect, const char *body, size_t bad)
{
    struct fixture *f = make(dialect, body);
    if (f->list.n || count(f, "bad-allow") != bad)
        fail_msg("%zu allowed, %zu refused in \"%s\"", f->list.n, count(f, "bad-allow"), body);
    done(f);
}

static void what_is_no_comment_allows_nothing(void **state)
{
    (void)state;
    expect_none("postgresql", "SELECT '\n" ALLOW "\n', E'\\'\n" ALLOW "\n', $x$\n" ALLOW "\n$x$;", 0);
    expect_none("postgresql", "SELECT 1 AS \"\n" ALLOW "\n\";", 0);
    expect_none("sqlite", "SELECT '\n" ALLOW "\n';", 0);
    expect_none("postgresql", "DO $$ BEGIN PERFORM $q$\n" ALLOW "\n$q$; END $$;", 0);
    /* PostgreSQL's block comments nest; and in a block nothing is a line. */
    expect_none("postgresql", "/* a /* b */\n" ALLOW "\n*/ SELECT 1;", 0);
    expect_none("postgresql", "SELECT 1; -- see lint:allow\n-- linting\n-- lint, allow\n", 0);
}

static void near_misses_are_said(void **state)
{
    (void)state;
    static const char *const near[] = {
        "--lint:allow drop-column x",
        "-- lint: allow drop-column x",
        "-- lint-allow drop-column x",
        "-- lint_allow drop-column x",
        "/* lint:allow drop-column x */",
        "/*\n * lint:allow drop-column x\n */",
        "-- Lint:Allow drop-column x",
        "-- lint:allow: drop-column x",
        "-- lint:allow=drop-column x",
        "-- lint:disable drop-column x",
        "-- lint:allow",
        "-- lint:allow drop-column",
        "-- lint:allow drop-column, x",
        "--- lint:allow drop-column x",
        "-- lint:allow drop-column --",
    };
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        char body[128];
        snprintf(body, sizeof body, "%s\nSELECT 1;", near[i]);
        expect_none("postgresql", body, 1);
    }
    expect_none("postgresql", "SELECT 1;\n" ALLOW "\n", 1);
    expect_none("postgresql", "", 0);
    expect_none("postgresql", ALLOW, 1);
}

static void a_section_that_does_not_parse_is_left_alone(void **state)
{
    (void)state;
    struct fixture *f = make("postgresql", ALLOW "\nSELEC 1;");
    assert_int_equal(f->list.n, 1);
    assert_int_equal(f->list.v[0].statement, UINT32_MAX);
    assert_int_equal(count(f, "bad-allow"), 0);
    assert_false(allows_have(&f->list, "drop-column", 0));
    done(f);
    f = make("postgresql", "/* open " ALLOW);
    assert_int_equal(f->list.n + count(f, "bad-allow"), 0);
    done(f);
}

static void one_allows_and_the_other_is_unused(void **state)
{
    (void)state;
    struct fixture *f = make("postgresql", "-- lint:allow drop-column,syntax, idx-not-concurrent why\n" ALLOW
                                           "\nSELECT 1;\nSELECT 2;");
    assert_int_equal(count(f, "bad-allow"), 1); /* syntax */
    assert_int_equal(f->list.n, 3);
    assert_false(allows_have(&f->list, "drop-column", 1));
    assert_true(allows_have(&f->list, "drop-column", 0));
    assert_true(allows_have(&f->list, "drop-column", 0));
    allows_end(&f->source.findings, f->source.streams.v[0], f->revision, &f->list);
    assert_int_equal(count(f, "unused-allow"), 2); /* the index's, and the second of the column's */
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comment_stands_by_one_statement),
        cmocka_unit_test(a_body_belongs_to_the_statement_around_it),
        cmocka_unit_test(what_is_no_comment_allows_nothing),
        cmocka_unit_test(near_misses_are_said),
        cmocka_unit_test(a_section_that_does_not_parse_is_left_alone),
        cmocka_unit_test(one_allows_and_the_other_is_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
