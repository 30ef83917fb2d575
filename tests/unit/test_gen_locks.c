/* The lock report: written and read, what is refused of it and where, and what the words of it mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gen/locks.h"
#include "tree.h"

static const char first[] = "-- Revision: a1\n-- Revises:\n-- Message: a\n\n"
                            "-- migrate:up postgresql\nCREATE TABLE a (id integer);\nCREATE TABLE b (id integer);\n"
                            "-- migrate:up sqlite\nSELECT 1;\n"
                            "-- migrate:down\nDROP TABLE b;\n";
/* The down stands first, which nothing but the file's order says. */
static const char second[] = "-- Revision: b1\n-- Revises: a1\n-- Message: b\n\n"
                             "-- migrate:down\n-- nothing to do\n"
                             "-- migrate:up opaque\nALTER TABLE a ADD c integer; ALTER TABLE a ADD d integer;\n";

static struct tree sample(void)
{
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\ndialects = postgresql, sqlite\n");
    tree_write(&t, "s/versions/a.sql", first);
    tree_write(&t, "s/versions/b.sql", second);
    return t;
}

static struct source checked(struct tree *t)
{
    struct source s = tree_link(t);
    s.tool = "build/migrate-gen";
    check_postgresql(&s);
    check_locks(&s);
    findings_sort(&s.findings);
    return s;
}

static const struct statement_locks of_first[] = {
    {LOCK_NOTHING, 0, ""},
    {LOCK_ACCESS_EXCLUSIVE, LOCKS_REWRITE | LOCKS_SCAN | LOCKS_BLOCKED,
     "documents AccessExclusive rewrite scan, \"od d, name\".\"x\"\"  y\" ShareRowExclusive"},
};
static const struct statement_locks of_others[] = {
    {LOCK_SHARE_UPDATE_EXCLUSIVE, LOCKS_BY_KIND | LOCKS_TIME_ZONE, "b ShareUpdateExclusive"}};

/* What verify would write when it had measured the sections in `which`, a bit each. */
static const char *written(struct tree *t, unsigned which)
{
    static const struct section_locks all[] = {{0, 0, of_first}, {0, 2, of_others}, {1, 0, NULL}, {1, 1, of_others}};
    struct section_locks some[4];
    struct stream_locks locks = {.server_major = 15, .sections = some};
    struct source s = tree_link(t);
    BUF_AUTO text = {0};
    check_postgresql(&s);
    for (size_t i = 0; i < 4; i++)
        if (which & 1u << i)
            some[locks.n_sections++] = all[i];
    locks_write(&text, s.streams.v[0], &locks);
    findings_free(&s.findings);
    return arena_str(&t->arena, buf_str(&text));
}

enum { ALL = 15 };

static void the_text_is_the_one_of_the_contract(void **state)
{
    (void)state;
    struct tree t = sample();
    const char *text = written(&t, ALL);
    assert_string_equal(
        strstr(text, "version:"),
        "version: 1\n"
        "server: 15\n"
        "\n"
        "a1 up\n"
        "  1  fd35a2e1dba8  -                     -             -\n"
        "  2  96377080968e  AccessExclusive       rewrite,scan,blocked  documents AccessExclusive rewrite scan, "
        "\"od d, name\".\"x\"\"  y\" ShareRowExclusive\n"
        "\n"
        "a1 down\n"
        "  1  c5cae5280532  ShareUpdateExclusive  time-zone,by-kind  b ShareUpdateExclusive\n"
        "\n"
        "b1 up\n"
        "  1  112037b17e10  ShareUpdateExclusive  time-zone,by-kind  b ShareUpdateExclusive\n");
    tree_free(&t);
}

static void what_was_written_is_read_and_written_again(void **state)
{
    (void)state;
    struct tree t = sample();
    for (unsigned which = 0; which <= ALL; which++) {
        const char *text = written(&t, which);
        BUF_AUTO again = {0};
        tree_write(&t, "s/locks.txt", text);
        struct source s = checked(&t);
        const struct source_stream *stream = s.streams.v[0];
        assert_int_equal(s.findings.n_errors, 0);
        assert_int_equal(stream->locks.server_major, 15);
        locks_write(&again, stream, &stream->locks);
        assert_string_equal(again.p, text);
        findings_free(&s.findings);
    }
    tree_free(&t);
}

/* Sections in another order, with an empty line more and a comment of somebody's. */
static void the_order_is_free_when_it_is_read(void **state)
{
    (void)state;
    struct tree t = sample();
    const char *text = written(&t, ALL), *up = strstr(text, "a1 up"), *down = strstr(text, "a1 down"),
               *last = strstr(text, "b1 up");
    BUF_AUTO again = {0};
    tree_write(&t, "s/locks.txt",
               arena_printf(&t.arena, "# mine\n%.*s\n%s\n%.*s%.*s", (int)(up - text), text, last, (int)(last - down),
                            down, (int)(down - up), up));
    struct source s = checked(&t);
    assert_int_equal(s.findings.list.n, 0);
    locks_write(&again, s.streams.v[0], &s.streams.v[0]->locks);
    assert_string_equal(again.p, text);
    assert_int_equal(s.streams.v[0]->locks.n_sections, 3);
    findings_free(&s.findings);
    tree_free(&t);
}

/* What is missing besides is a warning. */
static const struct finding *the_error(const struct source *s)
{
    const struct finding *found = NULL;
    for (size_t i = 0; i < s->findings.list.n; i++)
        if (s->findings.list.v[i].severity == SEVERITY_ERROR)
            found = &s->findings.list.v[i];
    assert_int_equal(s->findings.n_errors, 1);
    return found;
}

static void expect_finding(struct tree *t, const char *text, const char *rule, const char *message, int line,
                           int column)
{
    tree_write(t, "s/locks.txt", text);
    struct source s = checked(t);
    const struct finding *found = the_error(&s);
    assert_string_equal(found->err.message, message);
    assert_string_equal(found->rule, rule);
    assert_int_equal(found->severity, SEVERITY_ERROR);
    assert_int_equal(found->err.line, line);
    assert_int_equal(found->err.column, column);
    assert_string_equal(found->err.hint,
                        arena_printf(&t->arena,
                                     "`build/migrate-gen --migrations %s s verify` writes it anew; its diff shows what "
                                     "the revisions change",
                                     t->folder));
    findings_free(&s.findings);
}

/* The text with the first `from` made `to`. */
static const char *with(struct tree *t, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("no \"%s\"", from);
    return arena_printf(&t->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void what_has_another_form_is_refused_at_its_place(void **state)
{
    (void)state;
    struct tree t = sample();
    const char *text = written(&t, ALL);
    const char *rule = "bad-locks";
    const char *columns = "the line is no \"NUMBER  SUM  LOCK  FLAGS  RELATIONS\"";
    expect_finding(&t, "", rule, "the line \"version: NUMBER\" is missing", 1, 1);
    expect_finding(&t, "# c\nversion: 1\n", rule, "the line \"server: NUMBER\" is missing", 3, 1);
    expect_finding(&t, "server: 15\n", rule, "the line \"version: NUMBER\" is missing", 1, 1);
    expect_finding(&t, with(&t, text, "server: 15", "server: 0"), rule, "the line \"server: NUMBER\" is missing", 4, 1);
    expect_finding(&t, with(&t, text, "server: 15", "server: new"), rule, "the line \"server: NUMBER\" is missing", 4,
                   1);
    expect_finding(&t, with(&t, text, "a1 up\n", "\n  1\na1 up\n"), rule, "the line stands under no revision", 7, 3);
    expect_finding(&t, with(&t, text, "a1 up\n", "<<<<<<< ours\na1 up\n"), rule,
                   "the line is neither \"REVISION up\" nor \"REVISION down\", nor a statement's", 6, 1);
    expect_finding(&t, with(&t, text, "a1 down\n", "a1 up\n"), rule,
                   "the up of revision a1 is there a second time; the first is line 6", 10, 1);
    expect_finding(&t, with(&t, text, "  2  ", "  3  "), rule, "statement 3 stands where statement 2 should", 8, 3);
    expect_finding(&t, with(&t, text, "  2  ", "  x  "), rule, columns, 8, 3);
    expect_finding(&t, with(&t, text, "  2  ", "  2  0"), rule, columns, 8, 3);
    expect_finding(&t, with(&t, text, "-             -", "-"), rule, columns, 7, 3);
    expect_finding(&t, with(&t, text, "AccessExclusive  ", "accessexclusive  "), rule, "\"accessexclusive\" is no lock",
                   8, 20);
    expect_finding(&t, with(&t, text, "rewrite,scan,blocked", "rewrite,rewrite"), rule,
                   "\"rewrite,rewrite\" are no flags", 8, 42);
    expect_finding(&t, with(&t, text, "rewrite scan,", "rewrite write,"), rule,
                   "\"documents AccessExclusive rewrite write, \"od d, name\".\"x\"\"  y\" ShareRowExclusive\" is no "
                   "list of relations with their locks",
                   8, 64);
    expect_finding(&t, with(&t, text, "y\" Share", "y Share"), rule,
                   "\"\"od d, name\".\"x\"\"  y ShareRowExclusive\" is no list of relations with their locks", 8, 104);
    tree_free(&t);
}

static void what_is_of_other_statements_is_stale(void **state)
{
    (void)state;
    struct tree t = sample();
    const char *text = written(&t, ALL), *rule = "stale-locks";
    expect_finding(&t, with(&t, text, "version: 1", "version: 2"), rule, "the version is 2, and this is version 1", 3,
                   1);
    expect_finding(&t, with(&t, text, "b1 up", "c1 up"), rule, "stream \"s\" has no revision c1", 13, 1);
    expect_finding(
        &t, with(&t, text, "ShareUpdateExclusive\n\nb1", "ShareUpdateExclusive\n  2  0123456789ab  -  -  -\n\nb1"),
        rule, "the down of revision a1 has no statement 2 any more", 12, 3);
    expect_finding(&t, with(&t, text, "b1 up", "b1 down"), rule, "the down of revision b1 has no statement 1 any more",
                   14, 3);

    /* Another text, at another line; then a statement more, and one less. */
    tree_write(&t, "s/versions/a.sql", with(&t, first, "b (id integer)", "b (id bigint)"));
    expect_finding(&t, text, rule,
                   "this was measured of another text than statement 2 of a1, up, now has: CREATE TABLE, line 7", 8, 6);
    tree_write(&t, "s/versions/a.sql",
               with(&t, first, "id integer);\n-- migrate:up s", "id integer);\nSELECT 1;\n-- migrate:up s"));
    expect_finding(&t, text, rule, "the up of revision a1 has 3 statements, and 2 were measured", 6, 1);
    tree_write(&t, "s/versions/a.sql", with(&t, first, "CREATE TABLE b (id integer);\n", "-- b\n"));
    expect_finding(&t, text, rule, "the up of revision a1 has no statement 2 any more", 8, 3);

    /* What does not change the statement changes nothing. */
    tree_write(&t, "s/versions/a.sql", with(&t, first, "CREATE TABLE b", "-- why\n\nCREATE TABLE b"));
    struct source s = checked(&t);
    assert_int_equal(s.findings.list.n, 0);
    findings_free(&s.findings);

    tree_write(&t, "s/versions/b.sql",
               with(&t, with(&t, second, "-- migrate:down\n-- nothing to do\n", ""), "opaque", "irreversible opaque"));
    expect_finding(&t, with(&t, text, "b1 up", "b1 down"), rule, "revision b1 has no down that PostgreSQL runs", 13, 1);
    tree_free(&t);
}

static void what_was_never_measured_is_a_warning(void **state)
{
    (void)state;
    struct tree t = sample();
    tree_write(&t, "s/locks.txt", written(&t, 0));
    struct source s = checked(&t);
    assert_int_equal(s.findings.list.n, 2);
    assert_string_equal(s.findings.list.v[0].rule, "missing-locks");
    assert_int_equal(s.findings.list.v[0].severity, SEVERITY_WARNING);
    assert_string_equal(s.findings.list.v[0].err.message, "what the revision locks was never measured");
    assert_string_equal(s.findings.list.v[0].err.path, s.streams.v[0]->revisions.v[0]->file.shown);
    assert_int_equal(s.findings.list.v[0].err.line, 5);
    assert_string_equal(s.findings.list.v[1].err.message, "what this up locks was never measured");
    assert_int_equal(s.findings.list.v[1].err.line, 7);
    assert_non_null(strstr(s.findings.list.v[1].err.hint, "s verify` adds it to "));
    findings_free(&s.findings);

    tree_write(&t, "s/locks.txt", written(&t, 9));
    tree_write(&t, "s/env.ini", "[stream]\ndialects = postgresql, sqlite\n[lint]\nmissing-locks = error\n");
    s = checked(&t);
    assert_int_equal(s.findings.list.n, 1);
    assert_int_equal(s.findings.n_errors, 1);
    assert_string_equal(s.findings.list.v[0].err.message, "what this down locks was never measured");
    assert_int_equal(s.findings.list.v[0].err.line, 10);
    findings_free(&s.findings);

    tree_write(&t, "s/env.ini", "[stream]\ndialects = postgresql, sqlite\n[lint]\nmissing-locks = off\n");
    s = checked(&t);
    assert_int_equal(s.findings.list.n, 0);
    findings_free(&s.findings);
    tree_free(&t);
}

static void a_stream_without_a_report_is_fine(void **state)
{
    (void)state;
    struct tree t = sample();
    struct source s = checked(&t);
    assert_int_equal(s.findings.list.n, 0);
    assert_int_equal(s.streams.v[0]->locks.server_major, 0);
    findings_free(&s.findings);
    tree_free(&t);
}

static void one_that_nothing_can_be_measured_of_is_refused(void **state)
{
    (void)state;
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\ndialects = sqlite\n");
    tree_write(&t, "s/locks.txt", "");
    struct source s = checked(&t);
    assert_int_equal(s.findings.n_errors, 1);
    assert_string_equal(s.findings.list.v[0].err.message,
                        "the stream \"s\" is not written for PostgreSQL, and only that is measured");
    assert_string_equal(s.findings.list.v[0].err.hint, "remove the file");
    findings_free(&s.findings);
    tree_free(&t);
}

static void control_characters_do_not_break_a_line(void **state)
{
    (void)state;
    struct tree t = sample();
    const struct statement_locks odd[] = {{LOCK_SHARE, 0, "\"a\n  b\x7f\" Share"}};
    const struct section_locks section = {0, 2, odd};
    const struct stream_locks locks = {.server_major = 15, .n_sections = 1, .sections = &section};
    struct source s = tree_link(&t);
    BUF_AUTO text = {0};
    check_postgresql(&s);
    locks_write(&text, s.streams.v[0], &locks);
    assert_non_null(strstr(text.p, "  \"a?  b?\" Share\n"));
    findings_free(&s.findings);
    tree_free(&t);
}

static void lookup_knows_what_is_missing(void **state)
{
    (void)state;
    struct tree t = sample();
    tree_write(&t, "s/locks.txt", written(&t, 9)); /* the up of both */
    struct source s = checked(&t);
    struct stream stream = *s.streams.v[0]->linked;
    assert_null(stream_locks_of(&stream, 0, DIRECTION_UP, DIALECT_POSTGRESQL));
    assert_true(stream_locks_missing(&stream, 0, DIRECTION_UP, DIALECT_POSTGRESQL));
    stream.locks = s.streams.v[0]->locks;
    const struct section_locks *found = stream_locks_of(&stream, 1, DIRECTION_UP, DIALECT_POSTGRESQL);
    assert_non_null(found);
    assert_int_equal(found->revision, 1);
    assert_int_equal(found->section, 1);
    assert_string_equal(found->statements[0].relations, "b ShareUpdateExclusive");
    assert_null(stream_locks_of(&stream, 0, DIRECTION_UP, DIALECT_SQLITE));
    assert_false(stream_locks_missing(&stream, 0, DIRECTION_UP, DIALECT_SQLITE));
    assert_null(stream_locks_of(&stream, 0, DIRECTION_DOWN, DIALECT_POSTGRESQL));
    assert_true(stream_locks_missing(&stream, 0, DIRECTION_DOWN, DIALECT_POSTGRESQL));
    assert_false(stream_locks_missing(&stream, 1, DIRECTION_DOWN, DIALECT_POSTGRESQL)); /* it has no statement */
    findings_free(&s.findings);
    tree_free(&t);
}

static void a_policy_forbids_what_it_names(void **state)
{
    (void)state;
    const unsigned all = LOCK_POLICY_REWRITE | LOCK_POLICY_SCAN | LOCK_POLICY_ACCESS_EXCLUSIVE;
    const struct statement_locks rewrite = {LOCK_ACCESS_EXCLUSIVE, LOCKS_REWRITE, ""},
                                 zone = {LOCK_ACCESS_EXCLUSIVE, LOCKS_TIME_ZONE, ""},
                                 scan = {LOCK_SHARE_UPDATE_EXCLUSIVE, LOCKS_SCAN, ""},
                                 blocked = {LOCK_SHARE_ROW_EXCLUSIVE, LOCKS_SCAN | LOCKS_BLOCKED, ""},
                                 quick = {LOCK_ACCESS_EXCLUSIVE, 0, ""}, nothing = {0};
    assert_int_equal(lock_policy_forbids(all, &rewrite), LOCK_POLICY_REWRITE);
    assert_int_equal(lock_policy_forbids(LOCK_POLICY_REWRITE, &zone), LOCK_POLICY_REWRITE);
    assert_int_equal(lock_policy_forbids(all, &scan), 0);
    assert_int_equal(lock_policy_forbids(all, &blocked), LOCK_POLICY_SCAN);
    assert_int_equal(lock_policy_forbids(LOCK_POLICY_REWRITE | LOCK_POLICY_ACCESS_EXCLUSIVE, &blocked), 0);
    assert_int_equal(lock_policy_forbids(all, &quick), LOCK_POLICY_ACCESS_EXCLUSIVE);
    assert_int_equal(lock_policy_forbids(LOCK_POLICY_REWRITE | LOCK_POLICY_SCAN, &quick), 0);
    assert_int_equal(lock_policy_forbids(LOCK_POLICY_NONE, &rewrite), 0);
    assert_int_equal(lock_policy_forbids(all, &nothing), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_the_one_of_the_contract),
        cmocka_unit_test(what_was_written_is_read_and_written_again),
        cmocka_unit_test(the_order_is_free_when_it_is_read),
        cmocka_unit_test(what_has_another_form_is_refused_at_its_place),
        cmocka_unit_test(what_is_of_other_statements_is_stale),
        cmocka_unit_test(what_was_never_measured_is_a_warning),
        cmocka_unit_test(a_stream_without_a_report_is_fine),
        cmocka_unit_test(one_that_nothing_can_be_measured_of_is_refused),
        cmocka_unit_test(control_characters_do_not_break_a_line),
        cmocka_unit_test(lookup_knows_what_is_missing),
        cmocka_unit_test(a_policy_forbids_what_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
