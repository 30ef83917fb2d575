/* Fingerprints at build time: which of them belong to the revisions beside them, and what is said of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "schema/fingerprint.h"
#include "tree.h"

static struct tree sample(void)
{
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\ndialects = sqlite\n");
    tree_revision(&t, "s/versions/a.sql", "a1", "", "");
    tree_revision(&t, "s/versions/b.sql", "b1", "a1", "");
    return t;
}

static struct source checked(struct tree *t)
{
    struct source s = tree_link(t);
    s.tool = "build/migrate-gen";
    check_fingerprints(&s);
    findings_sort(&s.findings);
    return s;
}

/* What the command would write for these revisions, with one table. */
static const char *fresh(struct tree *t)
{
    struct source s = tree_link(t);
    struct fingerprint f = {.dialect = DIALECT_SQLITE};
    BUF_AUTO text = {0};
    fingerprint_revisions(&t->arena, s.streams.v[0]->linked, f.dialect, f.revisions, &f.heads);
    fingerprint_write(&text, &f);
    buf_addz(&text, "0123456789abcdef table: t\n");
    findings_free(&s.findings);
    return arena_str(&t->arena, buf_str(&text));
}

static void expect_finding(struct tree *t, const char *rule, enum severity severity, const char *message, int line)
{
    struct source s = checked(t);
    if (s.findings.list.n != 1)
        fail_msg("%zu findings", s.findings.list.n);
    const struct finding *found = &s.findings.list.v[0];
    assert_string_equal(found->rule, rule);
    assert_int_equal(found->severity, severity);
    assert_string_equal(found->err.message, message);
    assert_int_equal(found->err.line, line);
    if (severity == SEVERITY_ERROR)
        assert_string_equal(found->err.hint, arena_printf(&t->arena,
                                                          "`build/migrate-gen --migrations %s s fingerprint` writes it "
                                                          "anew; its diff shows what the revisions change",
                                                          t->folder));
    findings_free(&s.findings);
}

static void a_stream_without_one_is_fine(void **state)
{
    struct tree t = sample();
    (void)state;
    struct source s = checked(&t);
    assert_int_equal(s.findings.list.n, 0);
    tree_free(&t);
}

static void one_of_these_revisions_is_kept(void **state)
{
    struct tree t = sample();
    (void)state;
    const char *text = fresh(&t);
    tree_write(&t, "s/fingerprint.sqlite", text);
    tree_revision(&t, "s/versions/b.sql", "b1", "a1", "-- Created: later\n");
    struct source s = checked(&t);
    assert_int_equal(s.findings.list.n, 0);
    assert_true(str_is(s.streams.v[0]->fingerprints[DIALECT_SQLITE].bytes, text));
    tree_free(&t);
}

static void one_of_other_revisions_is_stale(void **state)
{
    struct tree t = sample();
    (void)state;
    tree_write(&t, "s/fingerprint.sqlite", fresh(&t));
    tree_write(&t, "s/versions/b.sql",
               "-- Revision: b1\n-- Revises: a1\n-- Message: b\n\n-- migrate:up\nSELECT 1;\n-- migrate:down\n");
    expect_finding(&t, "stale-fingerprint", SEVERITY_ERROR,
                   "the fingerprint was made from other revisions: the text or the place of one of them has changed "
                   "since",
                   5);
    tree_revision(&t, "s/versions/c.sql", "c1", "b1", "");
    expect_finding(&t, "stale-fingerprint", SEVERITY_ERROR,
                   "the fingerprint was made at b1, and the stream \"s\" is at c1", 4);
    tree_write(&t, "s/fingerprint.sqlite", "version: 0\n");
    expect_finding(&t, "stale-fingerprint", SEVERITY_ERROR, "the version is 0, and this is version 1", 1);
    tree_free(&t);
}

static void one_that_counts_other_things_is_stale(void **state)
{
    struct tree t = sample();
    (void)state;
    tree_write(&t, "s/fingerprint.sqlite", fresh(&t));
    tree_write(&t, "s/env.ini", "[stream]\ndialects = sqlite\nautogenerate_ignore = main.x_*\n");
    expect_finding(&t, "stale-fingerprint", SEVERITY_ERROR,
                   "the fingerprint ignores other relations than autogenerate_ignore says", 7);
    tree_write(&t, "s/env.ini", "[stream]\ndialects = sqlite\nautogenerate_grants = app\n");
    expect_finding(&t, "stale-fingerprint", SEVERITY_ERROR,
                   "the fingerprint counts other grants than autogenerate_grants says", 6);
    tree_write(&t, "s/env.ini", "[stream]\ndialects = sqlite\nautogenerate_grants = *\n");
    struct source s = checked(&t);
    assert_int_equal(s.findings.list.n, 0);
    tree_free(&t);
}

static void one_that_is_broken_is_refused_at_its_line(void **state)
{
    struct tree t = sample();
    (void)state;
    tree_write(&t, "s/fingerprint.sqlite", arena_printf(&t.arena, "%s<<<<<<< ours\n", fresh(&t)));
    expect_finding(&t, "bad-fingerprint", SEVERITY_ERROR, "the line is no \"HASH KIND: NAME\"", 10);
    tree_write(&t, "s/fingerprint.sqlite", "");
    expect_finding(&t, "bad-fingerprint", SEVERITY_ERROR, "the line \"version: …\" is missing", 1);
    tree_free(&t);
}

static void one_of_another_dialect_is_told_apart(void **state)
{
    struct tree t = sample();
    (void)state;
    const char *text = fresh(&t);
    tree_write(&t, "s/fingerprint.postgresql", text);
    expect_finding(&t, "unused-fingerprint", SEVERITY_WARNING,
                   "not embedded: the stream \"s\" is not written for postgresql", 0);
    struct source s = checked(&t);
    assert_null(s.streams.v[0]->fingerprints[DIALECT_POSTGRESQL].path);
    findings_free(&s.findings);
    tree_write(&t, "s/env.ini", "[stream]\ndialects = postgresql, sqlite\n");
    expect_finding(&t, "bad-fingerprint", SEVERITY_ERROR, "the fingerprint is of another dialect than its name says",
                   3);
    tree_free(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_without_one_is_fine),
        cmocka_unit_test(one_of_these_revisions_is_kept),
        cmocka_unit_test(one_of_other_revisions_is_stale),
        cmocka_unit_test(one_that_counts_other_things_is_stale),
        cmocka_unit_test(one_that_is_broken_is_refused_at_its_line),
        cmocka_unit_test(one_of_another_dialect_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
