/* Alembic's scripts, history and ini: what is read of them, what is put right, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gen/import/ini.h"
#include "gen/import/join.h"

struct bench {
    struct arena arena;
    struct findings out;
};

static struct bench *bench_new(void)
{
    struct bench *b = mem_alloc(sizeof *b);
    b->out.arena = &b->arena;
    return b;
}

static void bench_free(struct bench *b)
{
    findings_free(&b->out);
    arena_free(&b->arena);
    free(b);
}

static struct text_file file_of(struct bench *b, const char *name, const char *text)
{
    struct text_file f;
    assert_true(text_take(&b->out, name, name, arena_strdup(&b->arena, text), strlen(text), &f));
    return f;
}

static struct import_script *script(struct bench *b, enum direction direction, enum dialect dialect, const char *text)
{
    struct import_script *s = ARENA_NEW(&b->arena, struct import_script);
    s->direction = direction;
    s->dialect = dialect;
    s->version_table = "alembic_version";
    s->file = file_of(b, direction == DIRECTION_UP ? "up.sql" : "down.sql", text);
    import_read_script(&b->out, &b->arena, s);
    return s;
}

static struct import_script *up(struct bench *b, const char *text)
{
    return script(b, DIRECTION_UP, DIALECT_POSTGRESQL, text);
}

/* The messages and hints of all findings, a line each. */
static const char *said(struct bench *b)
{
    BUF_AUTO all = {0};
    for (size_t i = 0; i < b->out.list.n; i++)
        buf_addf(&all, "%s%s: %s", i ? "\n" : "", severity_words[b->out.list.v[i].severity],
                 b->out.list.v[i].err.message);
    return arena_str(&b->arena, buf_str(&all));
}

#define ROW(id) "INSERT INTO alembic_version (version_num) VALUES ('" id "') RETURNING alembic_version.version_num;\n\n"
#define MOVE(from, to)                                                                                                 \
    "UPDATE alembic_version SET version_num='" to "' WHERE alembic_version.version_num = '" from "';\n\n"
#define GONE(id) "DELETE FROM alembic_version WHERE alembic_version.version_num = '" id "';\n\n"
#define TABLE                                                                                                          \
    "CREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL, \n"                                         \
    "    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n);\n\n"

/* ---- bodies ---- */

static void body_is(const char *chunks, const char *body)
{
    struct bench *b = bench_new();
    struct import_script *s = up(
        b,
        arena_printf(&b->arena, "BEGIN;\n\n" TABLE "-- Running upgrade  -> a1\n\n%s" ROW("a1") "COMMIT;\n\n", chunks));
    assert_string_equal(said(b), "");
    assert_int_equal(s->steps.n, 1);
    assert_string_equal(s->steps.v[0].body, body);
    assert_true(s->steps.v[0].finished);
    bench_free(b);
}

static void test_statements_are_taken_without_the_migrator_s_own(void **state)
{
    (void)state;
    body_is("", "");
    body_is("CREATE TABLE a (id int);\n\n", "CREATE TABLE a (id int);\n");
    body_is("SELECT 1; SELECT 2;;\n\n", "SELECT 1;\nSELECT 2;\n");
    body_is("-- one; two\nSELECT ';\n\n-- Running upgrade a1 -> b1\n\n';\n\n",
            "-- one; two\nSELECT ';\n\n-- Running upgrade a1 -> b1\n\n';\n");
    body_is("SELECT $$;\n\n-- Running upgrade a1 -> b1\n\n$$;\n\n",
            "SELECT $$;\n\n-- Running upgrade a1 -> b1\n\n$$;\n");
    /* Somebody's own statement, as its semicolon shows. */
    body_is("-- Running upgrade a1 -> b1;\n\nSELECT 1;\n\n", "-- Running upgrade a1 -> b1\nSELECT 1;\n");
    body_is("-- migrate:down;\n\nSELECT 1;\n\n", "--- migrate:down\nSELECT 1;\n");
    body_is("CREATE TABLE a (\n    id int\n);\n\nSELECT 1;\n\nSELECT 2;\n\n",
            "CREATE TABLE a (\n    id int\n);\n\nSELECT 1;\nSELECT 2;\n");
    /* Another table with such a column is nobody else's. */
    body_is("UPDATE others SET version_num='a' WHERE others.version_num = 'b';\n\n",
            "UPDATE others SET version_num='a' WHERE others.version_num = 'b';\n");
}

static void test_a_semicolon_that_a_comment_took_comes_back(void **state)
{
    (void)state;
    body_is("SELECT 1 -- one;\n\n", "SELECT 1;  -- one\n");
    body_is("SELECT 1 -- one;\n\nSELECT 2 -- two;\n\nDROP TABLE x;\n\n",
            "SELECT 1;  -- one\nSELECT 2;  -- two\nDROP TABLE x;\n");
    /* What goes on behind the comment is one statement. */
    body_is("CREATE TABLE a ( -- first;\n\n id int);\n\n", "CREATE TABLE a ( -- first;\n\n id int);\n");
    body_is("SELECT 1 -- first;\n\nUNION SELECT 2;\n\n", "SELECT 1 -- first;\n\nUNION SELECT 2;\n");
    body_is("CREATE VIEW v AS -- first;\n\nSELECT 1;\n\n", "CREATE VIEW v AS -- first;\n\nSELECT 1;\n");

    struct bench *b = bench_new();
    struct import_script *s = script(b, DIRECTION_UP, DIALECT_SQLITE,
                                     "-- Running upgrade  -> a1\n\nDELETE FROM x -- all;\n\n"
                                     "INSERT INTO alembic_version (version_num) VALUES ('a1');\n\n");
    assert_string_equal(said(b), "");
    assert_string_equal(s->steps.v[0].body, "DELETE FROM x;  -- all\n");
    bench_free(b);
}

static void test_blocks_without_a_transaction_are_known(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct import_script *s = up(
        b,
        "BEGIN;\n\n-- Running upgrade  -> a1\n\nSELECT 1;\n\nCOMMIT;\n\nSELECT 2;\n\nBEGIN;\n\n" ROW(
            "a1") "COMMIT;\n\nBEGIN;\n\n-- Running upgrade a1 -> b1\n\nSELECT 3;\n\n" MOVE("a1", "b1") "COMMIT;\n\n");
    assert_string_equal(said(b), "");
    assert_int_equal(s->steps.n, 2);
    assert_string_equal(s->steps.v[0].body, "SELECT 1;\nSELECT 2;\n");
    assert_true(s->steps.v[0].no_transaction);
    assert_int_equal(s->steps.v[0].n_outside, 1);
    assert_false(s->steps.v[1].no_transaction);
    bench_free(b);
}

static void test_foreign_keys_become_a_flag(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct import_script *s = script(
        b, DIRECTION_UP, DIALECT_SQLITE,
        "-- Running upgrade  -> a1\n\nPRAGMA foreign_keys=OFF;\n\nSELECT 1;\n\nPRAGMA foreign_keys = 1;"
        "\n\nINSERT INTO alembic_version (version_num) VALUES ('a1');\n\n");
    assert_string_equal(said(b), "");
    assert_true(s->steps.v[0].foreign_keys_off);
    assert_string_equal(s->steps.v[0].body, "SELECT 1;\n");
    bench_free(b);
}

/* ---- rows ---- */

static void test_rows_tell_parents_and_dependencies(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct import_script *s = up(b, "-- Running upgrade b1, c1 -> m1\n\n" GONE("b1")
                                        MOVE("c1", "m1") "-- Running upgrade m1 -> n1\n\n" GONE("z1") MOVE("m1", "n1"));
    assert_string_equal(said(b), "");
    assert_int_equal(s->steps.v[0].parents.n, 2);
    assert_string_equal(s->steps.v[0].parents.v[1], "c1");
    assert_int_equal(s->steps.v[0].replaced.n, 0);
    assert_int_equal(s->steps.v[1].replaced.n, 1);
    assert_string_equal(s->steps.v[1].replaced.v[0], "z1");
    bench_free(b);

    b = bench_new();
    s = script(b, DIRECTION_DOWN, DIALECT_POSTGRESQL,
               "-- Running downgrade n1 -> m1\n\n" ROW("z1")
                   MOVE("n1", "m1") "-- Running downgrade m1 -> b1, c1\n\n" ROW("b1")
                       MOVE("m1", "c1") "-- Running downgrade c1 ->\n\nSELECT 1;\n\n" GONE(
                           "c1") "DROP TABLE alembic_version;\n\n");
    assert_string_equal(said(b), "");
    assert_int_equal(s->steps.n, 3);
    assert_string_equal(s->steps.v[0].replaced.v[0], "z1");
    assert_int_equal(s->steps.v[2].parents.n, 0);
    bench_free(b);
}

static void test_a_table_of_the_same_name_is_not_dropped_in_silence(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct import_script *s = up(b, "-- Running upgrade  -> a1\n\nDROP TABLE other.alembic_version;\n\n" ROW("a1"));
    assert_string_equal(said(b), "");
    assert_string_equal(s->steps.v[0].body, "DROP TABLE other.alembic_version;\n");
    bench_free(b);
}

static void test_the_version_table_says_its_name(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct import_script *s = up(
        b,
        "CREATE TABLE \"Audit\".my_version (version_num VARCHAR(32) NOT NULL);\n\n-- Running upgrade  -> a1\n\n"
        "INSERT INTO \"Audit\".my_version (version_num) VALUES ('a1') RETURNING \"Audit\".my_version.version_num;\n\n");
    assert_string_equal(said(b), "");
    assert_string_equal(s->version_table, "my_version");
    assert_string_equal(s->version_schema, "Audit");
    assert_true(s->steps.v[0].finished);
    bench_free(b);
}

static void test_engines_are_guessed(void **state)
{
    (void)state;
    assert_int_equal(import_guess_dialect(STR("-- x\nBEGIN;\n\n")), DIALECT_POSTGRESQL);
    assert_int_equal(import_guess_dialect(STR("-- Running upgrade  -> a1\n\n" ROW("a1"))), DIALECT_POSTGRESQL);
    assert_int_equal(import_guess_dialect(STR("CREATE TABLE alembic_version (version_num VARCHAR(32));")),
                     DIALECT_SQLITE);
    assert_int_equal(import_guess_dialect(STR("")), DIALECT_SQLITE);
}

/* ---- refusals ---- */

static void says(enum direction direction, const char *text, const char *expected)
{
    struct bench *b = bench_new();
    script(b, direction, DIALECT_POSTGRESQL, text);
    assert_string_equal(said(b), expected);
    bench_free(b);
}

static void test_what_is_no_script_is_refused(void **state)
{
    (void)state;
    says(DIRECTION_UP, "", "error: the script has no revision");
    says(DIRECTION_UP, "BEGIN;\n\nFAILED: Can't locate revision identified by 'x'\n",
         "error: the script has no revision: Alembic says Can't locate revision identified by 'x'");
    says(DIRECTION_UP, "SET x = 1;\n\n-- Running upgrade  -> a1\n\n" ROW("a1"),
         "error: SET stands outside of every revision");
    says(DIRECTION_UP, "-- Running upgrade  -> a1\n\n" ROW("b1"), "error: a version row of b1 is written by a1");
    says(DIRECTION_UP, "-- Running upgrade  -> a1\n\n" ROW("a1") MOVE("a1", "b1"),
         "error: a version row of b1 is written by no revision");
    says(DIRECTION_UP, "-- Running upgrade  -> a1\n\n-- Running upgrade a1 -> b1\n\n" MOVE("a1", "b1"),
         "error: b1 begins before a1 has written its version row");
    says(DIRECTION_UP, "-- Running downgrade a1 -> \n\n",
         "error: the script runs the other way\nerror: the script has no revision");
    says(DIRECTION_UP,
         "-- Running upgrade  -> a1\n\nSELECT 'x;\n\n"
         "INSERT INTO y;\n\n",
         "error: what begins here has no end");
    says(DIRECTION_UP, "-- Running upgrade  -> a1\n\nSELECT 'a%%';\n\n" ROW("a1"),
         "warning: \"%%\" is taken as it stands");
    /* Logs of a terminal are overlooked. */
    says(DIRECTION_UP,
         "INFO  [alembic.runtime.migration] it's PostgresqlImpl.\nBEGIN;\n\n-- Running upgrade  -> a1\n\n" ROW("a1"),
         "");
}

static void test_a_script_that_was_cut_is_known(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct import_script *s = up(b, "-- Running upgrade  -> a1\n\nSELECT 1;\n\nFAILED: This can't be; done\n");
    assert_string_equal(said(b), "");
    assert_false(s->steps.v[0].finished);
    assert_string_equal(s->failed, "This can't be; done");
    assert_string_equal(s->steps.v[0].body, "SELECT 1;\n");
    bench_free(b);
}

/* ---- history ---- */

static const char history_text[] =
    "Rev: b1 (head)\nParent: a1\nAlso depends on: z1\nBranch names: right, left\nPath: /x/b1.py\n\n"
    "    second\n    line\n    \n    Revision ID: b1\n    Revises: a1\n"
    "    Create Date: 2026-01-02 03:04:05.123456\n    \n    And: more.\n\n"
    "Rev: a1 (branchpoint)\nParent: <base>\nBranches into: b1\nBranch names: left\nPath: /x/a1.py\n\n"
    "    first\n\n";

static void test_history_is_read(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct history h = {.file = file_of(b, "history.txt", history_text)};
    struct strings labels = {0};
    import_read_history(&b->out, &b->arena, &h);
    assert_string_equal(said(b), "");
    assert_int_equal(h.entries.n, 2);
    const struct history_entry *second = history_find(&h, "b1");
    assert_string_equal(second->message, "second line");
    assert_string_equal(second->created, "2026-01-02 03:04:05.123456");
    assert_string_equal(second->comment, "And: more.");
    assert_string_equal(second->parents.v[0], "a1");
    assert_string_equal(second->depends.v[0], "z1");
    history_labels(&b->arena, &h, second, &labels);
    assert_int_equal(labels.n, 1);
    assert_string_equal(labels.v[0], "right");
    assert_int_equal(history_find(&h, "a1")->parents.n, 0);
    assert_null(history_find(&h, "x"));
    bench_free(b);
}

static void test_history_that_is_none_is_refused(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct history h = {.file = file_of(b, "history.txt", "a1 -> b1 (head), second\n")};
    import_read_history(&b->out, &b->arena, &h);
    assert_string_equal(said(b), "error: this is no line of `alembic history -v`");
    bench_free(b);

    b = bench_new();
    h = (struct history){.file = file_of(b, "history.txt", "\n")};
    import_read_history(&b->out, &b->arena, &h);
    assert_string_equal(said(b), "error: the history has no revision");
    bench_free(b);
}

/* ---- put together ---- */

static struct import_revisions joined(struct bench *b, const char *ups, const char *downs, const char *history,
                                      bool all)
{
    struct import_revisions revisions = {0};
    struct import_scripts scripts = {0};
    struct history h = {0};
    struct strings none = {0};
    vec_push(&b->arena, &scripts, up(b, ups));
    if (downs)
        vec_push(&b->arena, &scripts, script(b, DIRECTION_DOWN, DIALECT_POSTGRESQL, downs));
    if (history) {
        h.file = file_of(b, "history.txt", history);
        import_read_history(&b->out, &b->arena, &h);
    }
    struct import_request request = {&scripts, &h, DIALECT_BIT(DIALECT_POSTGRESQL), all, &none};
    import_join(&b->out, &b->arena, &request, &revisions);
    return revisions;
}

static const char ups[] = "-- Running upgrade  -> a1\n\nSELECT 1;\n\n" ROW(
    "a1") "-- Running upgrade a1 -> b1\n\nSELECT 2;\n\n" MOVE("a1", "b1");
static const char downs[] = "-- Running downgrade b1 -> a1\n\nSELECT -2;\n\n" MOVE(
    "b1", "a1") "-- Running downgrade a1 -> \n\nSELECT -1;\n\n" GONE("a1");
#define NO_HISTORY "warning: messages, labels, times and some dependencies are not in the SQL"

static void joins(const char *up_text, const char *down_text, const char *history, const char *expected)
{
    struct bench *b = bench_new();
    joined(b, up_text, down_text, history, false);
    assert_string_equal(said(b), expected);
    bench_free(b);
}

static void test_gaps_are_said(void **state)
{
    (void)state;
    joins(ups, downs, history_text, "");
    joins(ups, downs, NULL, NO_HISTORY);
    joins(ups, NULL, history_text, "error: there is no --downgrade-sql for postgresql");
    joins("-- Running upgrade  -> a1\n\nSELECT 1;\n\n" ROW("a1"), downs, history_text,
          "error: b1: no script for postgresql has its upgrade");
    joins("-- Running upgrade  -> a1\n\nSELECT 1;\n\n" ROW(
              "a1") "-- Running upgrade a1 -> b1\n\nSELECT 2;\n\nFAILED: no way\n",
          downs, history_text, "error: b1: Alembic gave up in its upgrade for postgresql: no way");
    joins("-- Running upgrade  -> a1\n\n" ROW("a1") "-- Running upgrade a1 -> b1\n\nSELECT 2;\n\n" MOVE("a1", "b1"),
          downs, history_text, "error: a1: its upgrade has no SQL for postgresql");
    joins(
        ups,
        "-- Running downgrade b1 -> a1\n\n" MOVE("b1", "a1") "-- Running downgrade a1 -> \n\nSELECT -1;\n\n" GONE("a1"),
        history_text, "warning: b1: its downgrade has no SQL for postgresql");
}

static void test_contradictions_are_said(void **state)
{
    (void)state;
    joins(ups, downs, "Rev: b1 (head)\nParent: a1\n\n    x\n\n", "error: the history has no a1");
    joins(ups, downs, "Rev: b1 (head)\nParent: <base>\n\n    x\n\nRev: a1\nParent: <base>\n\n    x\n\n",
          "error: b1 builds on nothing here, and on a1 in another file");

    joins("-- Running upgrade  -> ../a\n\nSELECT 1;\n\n" ROW("../a"),
          "-- Running downgrade ../a -> \n\nSELECT 1;\n\n" GONE("../a"), NULL,
          NO_HISTORY "\nerror: \"../a\" is no id that a file can be named after");

    struct bench *b = bench_new();
    struct import_revisions revisions = {0};
    struct import_scripts scripts = {0};
    struct history h = {.file = file_of(b, "history.txt", history_text)};
    struct strings none = {0};
    import_read_history(&b->out, &b->arena, &h);
    vec_push(&b->arena, &scripts, up(b, ups));
    vec_push(&b->arena, &scripts, up(b, "-- Running upgrade  -> a1\n\nSELECT 9;\n\n" ROW("a1")));
    vec_push(&b->arena, &scripts, script(b, DIRECTION_DOWN, DIALECT_POSTGRESQL, downs));
    struct import_request request = {&scripts, &h, DIALECT_BIT(DIALECT_POSTGRESQL), false, &none};
    import_join(&b->out, &b->arena, &request, &revisions);
    assert_string_equal(said(b), "error: a1 is another text in up.sql, line 1");
    bench_free(b);
}

static void test_a_gap_becomes_no_way_back(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct import_sections sections;
    struct import_revisions r = joined(b, "-- Running upgrade  -> a1\n\nSELECT 1;\n\nFAILED: no\n", NULL, NULL, true);
    import_sections(&b->arena, &r.v[0], DIALECT_BIT(DIALECT_POSTGRESQL), &sections);
    assert_int_equal(sections.n, 1);
    assert_string_equal(sections.v[0].flags, "irreversible");
    assert_string_equal(sections.v[0].body,
                        "-- Not imported: Alembic could not write it down as SQL. Write what it does.\n"
                        "-- What it printed before that:\n-- | SELECT 1;\n");
    assert_int_equal(b->out.n_errors, 0);
    bench_free(b);
}

/* ---- alembic.ini ---- */

static struct ini_answer answered(struct bench *b, const char *text, const char *stream, const char *registry)
{
    struct ini_answer answer;
    struct ini_request request = {
        .file = file_of(b, "alembic.ini", text), .here = "/srv/app", .stream = stream, .registry = registry};
    import_read_ini(&b->out, &b->arena, &request, &answer);
    return answer;
}

static void url_is(const char *value, const char *url, const char *variable)
{
    struct bench *b = bench_new();
    struct ini_answer answer = answered(b, arena_printf(&b->arena, "[main]\nsqlalchemy.url = %s\n", value), "main",
                                        NULL);
    assert_string_equal(answer.url, url);
    assert_string_equal(answer.variable ? answer.variable : "", variable);
    bench_free(b);
}

static void test_passwords_stay_where_they_are(void **state)
{
    (void)state;
    url_is("postgresql://db/x", "postgresql://db/x", "");
    url_is("postgresql://app@db/x", "postgresql://app@db/x", "");
    url_is("postgresql+asyncpg://app:a%%40b@db:5432/x", "postgresql+asyncpg://app:${MAIN_DATABASE_PASSWORD}@db:5432/x",
           "MAIN_DATABASE_PASSWORD");
    url_is("postgresql://app:a/b@c@db/x", "postgresql://app:${MAIN_DATABASE_PASSWORD}@db/x", "MAIN_DATABASE_PASSWORD");
    url_is("postgresql://app:a?b@db/x", "${MAIN_DATABASE_URL}", "MAIN_DATABASE_URL");
    url_is("postgresql:///x?host=/run&Password=y", "${MAIN_DATABASE_URL}", "MAIN_DATABASE_URL");
    url_is("driver://user:pass@localhost/dbname", "${MAIN_DATABASE_URL}", "MAIN_DATABASE_URL");
    url_is("", "${MAIN_DATABASE_URL}", "MAIN_DATABASE_URL");
    url_is("sqlite:///%(here)s/x.db", "sqlite:////srv/app/x.db", "");
    url_is("postgresql://db:5432/x", "postgresql://db:5432/x", "");
}

static void test_ini_is_read_as_python_reads_it(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct ini_answer answer = answered(
        b,
        "[DEFAULT]\nhost: db\n# sqlalchemy.url = x\n[alembic]\nsqlalchemy.url = postgresql://a/a\n"
        "[main]\nSQLAlchemy.URL = postgresql://%(host)s/x\n ; no\nversion_table=v\n"
        "version_locations = a\n  version_table = w\n",
        "main", NULL);
    assert_string_equal(answer.url, "postgresql://db/x");
    assert_string_equal(answer.version_table, "v");
    assert_null(answer.version_table_schema);
    answer = answered(b, "[alembic]\nsqlalchemy.url = postgresql://a/a\n", "main", NULL);
    assert_string_equal(answer.section, "alembic");
    answer = answered(b, "[tenant]\nscript_location = x\n", "tenant", "shared");
    assert_null(answer.url);
    answer = answered(b, "[tenant]\nsqlalchemy.url = %(a)s\na = %(b)s\nb = %(a)s\n", "tenant", "shared");
    assert_string_equal(answer.url_key, "tenant_url");
    assert_string_equal(said(b), "");
    answer = answered(b, "[loggers]\n", "main", NULL);
    assert_null(answer.section);
    assert_string_equal(said(b), "error: there is no section [main], and no [alembic]");
    bench_free(b);
}

static void test_a_name_of_two_lines_becomes_no_key(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct ini_answer answer = answered(
        b, "[main]\nsqlalchemy.url = postgresql://a/a\nversion_table = v\n  lock_timeout = 0\n", "main", NULL);
    assert_null(answer.version_table);
    assert_string_equal(said(b), "error: version_table in [main] has several lines");
    bench_free(b);
}

static void test_an_env_ini_that_is_there_keeps_the_rest(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct env_keys keys = {0};
    BUF_AUTO out = {0};
    vec_push(&b->arena, &keys, (struct env_key){"url", "new"});
    vec_push(&b->arena, &keys, (struct env_key){"version_table", "v"});
    env_ini_with(&out, STR("# x\n[stream]\n# url = no\nurl = old\njobs = 1\n[lint]\nurl = old\n"), &keys);
    assert_string_equal(out.p,
                        "# x\n[stream]\nversion_table = v\n# url = no\nurl = new\njobs = 1\n[lint]\nurl = old\n");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_are_taken_without_the_migrator_s_own),
        cmocka_unit_test(test_a_semicolon_that_a_comment_took_comes_back),
        cmocka_unit_test(test_blocks_without_a_transaction_are_known),
        cmocka_unit_test(test_foreign_keys_become_a_flag),
        cmocka_unit_test(test_rows_tell_parents_and_dependencies),
        cmocka_unit_test(test_a_table_of_the_same_name_is_not_dropped_in_silence),
        cmocka_unit_test(test_the_version_table_says_its_name),
        cmocka_unit_test(test_engines_are_guessed),
        cmocka_unit_test(test_what_is_no_script_is_refused),
        cmocka_unit_test(test_a_script_that_was_cut_is_known),
        cmocka_unit_test(test_history_is_read),
        cmocka_unit_test(test_history_that_is_none_is_refused),
        cmocka_unit_test(test_gaps_are_said),
        cmocka_unit_test(test_contradictions_are_said),
        cmocka_unit_test(test_a_gap_becomes_no_way_back),
        cmocka_unit_test(test_passwords_stay_where_they_are),
        cmocka_unit_test(test_ini_is_read_as_python_reads_it),
        cmocka_unit_test(test_a_name_of_two_lines_becomes_no_key),
        cmocka_unit_test(test_an_env_ini_that_is_there_keeps_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
