/* The lexer of both engines, checksums over tokens, and cutting SQL into statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gen/source.h"
#include "gen/statements.h"
#include "schema/tokens.h"

#define PG DIALECT_POSTGRESQL
#define LITE DIALECT_SQLITE

/* One letter for each kind, then the token; " | " between them; "!" in front of an open one. */
static void assert_tokens(enum dialect dialect, const char *sql, const char *expected)
{
    static const char letters[] = {
        [TOKEN_WORD] = 'w',      [TOKEN_NAME] = 'n',   [TOKEN_STRING] = 's', [TOKEN_NUMBER] = 'd',
        [TOKEN_PARAMETER] = 'p', [TOKEN_SYMBOL] = 'o', [TOKEN_COMMENT] = 'c'};
    struct str text = str_from(sql);
    struct lexer l = {.text = text, .dialect = dialect};
    struct token t;
    BUF_AUTO got = {0};
    while (token_next(&l, &t))
        buf_addf(&got, "%s%s%c:%.*s", got.n ? " | " : "", t.open ? "!" : "", letters[t.kind],
                 STR_ARG(token_text(text, &t)));
    assert_string_equal(got.p ? got.p : "", expected);
}

static void postgresql_strings(void **state)
{
    (void)state;
    assert_tokens(PG, "'a''b' 'c'", "s:'a''b' | s:'c'");
    assert_tokens(PG, "'a\\' e'a\\'b' E'\\\\'", "s:'a\\' | s:e'a\\'b' | s:E'\\\\'");
    assert_tokens(PG, "b'1' X'f' n'x' U&'a\\0061' u & 'x'",
                  "s:b'1' | s:X'f' | s:n'x' | s:U&'a\\0061' | w:u | o:& | s:'x'");
    assert_tokens(PG, "ee'a'", "w:ee | s:'a'");
    assert_tokens(PG, "$$a;b$$ $t$ $$ $u$ $t$", "s:$$a;b$$ | s:$t$ $$ $u$ $t$");
    assert_tokens(PG, "a$b$c $1 $1a$", "w:a$b$c | p:$1 | p:$1a$");
    assert_tokens(PG, "$t$ a", "!s:$t$ a");
    assert_tokens(PG, "'a", "!s:'a");
    assert_tokens(PG, "E'\\", "!s:E'\\");
}

static void postgresql_names_and_numbers(void **state)
{
    (void)state;
    assert_tokens(PG, "\"a\"\"b\".c U&\"d\" \"e", "n:\"a\"\"b\" | o:. | w:c | n:U&\"d\" | !n:\"e");
    assert_tokens(PG, "é_1 1.5e-3 .5 0x1F 1_000 1..2 1.",
                  "w:é_1 | d:1.5e-3 | d:.5 | d:0x1F | d:1_000 | d:1 | o:.. | d:2 | d:1.");
}

static void postgresql_operators_and_comments(void **state)
{
    (void)state;
    assert_tokens(PG, "a::b:=c=>d", "w:a | o::: | w:b | o::= | w:c | o:=> | w:d");
    assert_tokens(PG, "a+-b @- c*-1", "w:a | o:+ | o:- | w:b | o:@- | w:c | o:* | o:- | d:1");
    assert_tokens(PG, "a+--b\n+/*c*/d", "w:a | o:+ | o:+ | w:d");
    assert_tokens(PG, "a /* b /* c */ d */ e -- f\r g", "w:a | w:e | w:g");
    assert_tokens(PG, "a /* b /* c */", "w:a | !c:/* b /* c */");
    assert_tokens(PG, "\\d :x [1:2] `", "o:\\ | w:d | o:: | w:x | o:[ | d:1 | o:: | d:2 | o:] | o:`");
}

static void sqlite_tokens(void **state)
{
    (void)state;
    assert_tokens(LITE, "[a]]b] `c``d` \"e\" 'f\\'", "n:[a] | o:] | w:b | o:] | n:`c``d` | n:\"e\" | s:'f\\'");
    assert_tokens(LITE, "x'0f' e'a' $$ $a ?1 :b @c #d ::",
                  "s:x'0f' | w:e | s:'a' | o:$ | o:$ | p:$a | p:?1 | p::b | p:@c | p:#d | o:: | o::");
    assert_tokens(LITE, "a||b->>'c'==d<<-1", "w:a | o:|| | w:b | o:->> | s:'c' | o:== | w:d | o:<< | o:- | d:1");
    assert_tokens(LITE, "a /* b /* c */ d */ e -- f\r g\nh", "w:a | w:d | o:* | o:/ | w:e | w:h");
    assert_tokens(LITE, "[a", "!n:[a");
    assert_tokens(LITE, "a /*/", "w:a | !c:/*/");
}

static bool same_sum(enum dialect dialect, const char *a, const char *b)
{
    uint8_t one[32], two[32];
    tokens_sha256(str_from(a), DIALECT_BIT(dialect), one);
    tokens_sha256(str_from(b), DIALECT_BIT(dialect), two);
    return memcmp(one, two, sizeof one) == 0;
}

static void checksums_overlook_comments_and_white_space_only(void **state)
{
    (void)state;
    assert_true(same_sum(PG, "SELECT 1;", "\n-- one\nSELECT/**/1 ;\n"));
    assert_false(same_sum(PG, "SELECT 1", "select 1"));
    assert_false(same_sum(PG, "SELECT 1", "SELECT 1;"));
    assert_false(same_sum(PG, "SELECT 'a b'", "SELECT 'a  b'"));
    assert_false(same_sum(PG, "SELECT ab", "SELECT a b"));
    assert_false(same_sum(PG, "SELECT $$ -- a\n$$", "SELECT $$ \n$$"));
    assert_true(same_sum(PG, "a /* /* */ b */", "a"));
    assert_false(same_sum(LITE, "a /* /* */ b */", "a"));
    uint8_t one[32], both[32];
    tokens_sha256(STR("a"), DIALECT_BIT(PG), one);
    tokens_sha256(STR("a"), DIALECTS_ALL, both);
    assert_memory_not_equal(one, both, sizeof one);
}

static void names_are_measured_as_they_mean(void **state)
{
    static const struct {
        const char *sql;
        size_t bytes;
    } rows[] = {{"abc", 3},
                {"\"abc\"", 3},
                {"\"a\"\"c\"", 3},
                {"\"é\"", 2},
                {"U&\"\\0061\\00e9\"", 3},
                {"u&\"\\+01F600\\\\\"", 5}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str text = str_from(rows[i].sql);
        struct lexer l = {.text = text, .dialect = PG};
        struct token t;
        assert_true(token_next(&l, &t));
        assert_int_equal(token_name_bytes(text, &t), rows[i].bytes);
    }
}

/* Quadratic readers would take minutes here. */
static void hostile_runs_are_read_in_linear_time(void **state)
{
    static const char *const pieces[] = {"/*",   "/**/", "+-",      "/**/+", "$a$", "'", "$",
                                         "--\n", "((",   "\"a\"\"", ";",     "1.",  "*/"};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
            BUF_AUTO text = {0};
            while (text.n < 1000 * 1000)
                buf_addz(&text, pieces[i]);
            uint8_t sum[32];
            tokens_sha256(buf_str(&text), DIALECT_BIT(dialect), sum);
            struct span s;
            for (size_t at = 0; statement_next(buf_str(&text), (enum dialect)dialect, at, &s); at = s.next)
                continue;
        }
}

/* ------------------------------------------------------------------------------------------------------- statements */

static void assert_cut(enum dialect dialect, const char *sql, const char *expected)
{
    struct str text = str_from(sql);
    struct span s;
    BUF_AUTO got = {0};
    for (size_t at = 0; statement_next(text, dialect, at, &s); at = s.next)
        buf_addf(&got, "[%.*s]", STR_ARG(str_slice(text, s.offset, s.offset + s.length)));
    assert_string_equal(got.p ? got.p : "", expected);
}

static void statements_end_where_the_engine_ends_them(void **state)
{
    (void)state;
    assert_cut(PG, " -- a\nSELECT 1 ;; /* b */ SELECT 2 -- c\n", "[SELECT 1][SELECT 2]");
    assert_cut(PG, "SELECT (1;2)", "[SELECT (1][2)]");
    assert_cut(PG, "CREATE OR REPLACE RULE r AS ON INSERT TO t DO (a; b); c",
               "[CREATE OR REPLACE RULE r AS ON INSERT TO t DO (a; b)][c]");
    assert_cut(PG, "CREATE FUNCTION f() BEGIN ATOMIC a; SELECT CASE WHEN x THEN y END; END; b",
               "[CREATE FUNCTION f() BEGIN ATOMIC a; SELECT CASE WHEN x THEN y END; END][b]");
    assert_cut(PG, "BEGIN; ATOMIC; END", "[BEGIN][ATOMIC][END]");
    assert_cut(LITE, "CREATE TEMP TRIGGER t BEGIN a; SELECT CASE WHEN 1 THEN 2 END; b; END; c",
               "[CREATE TEMP TRIGGER t BEGIN a; SELECT CASE WHEN 1 THEN 2 END; b; END][c]");
    assert_cut(LITE, "CREATE TABLE trigger (a); b;", "[CREATE TABLE trigger (a)][b]");
    assert_cut(PG, ";; -- nothing\n;", "");
}

static void statements_are_named(void **state)
{
    static const char *const rows[][2] = {
        {"create unique index concurrently i on t (a)", "CREATE INDEX"},
        {"CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE VIEW"},
        {"CREATE UNLOGGED TABLE t ()", "CREATE TABLE"},
        {"CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE MATERIALIZED VIEW"},
        {"ALTER FOREIGN TABLE t ADD a int", "ALTER FOREIGN TABLE"},
        {"DROP TABLE t", "DROP TABLE"},
        {"CREATE TEMP TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END", "CREATE TRIGGER"},
        {"WITH a AS (SELECT 1), b AS (DELETE FROM t) INSERT INTO u SELECT 1", "INSERT"},
        {"WITH RECURSIVE a(x) AS (SELECT 1) SELECT * FROM a", "SELECT"},
        {"(SELECT 1) UNION SELECT 2", "SELECT"},
        {"grant all on t to u", "GRANT"},
        {"1", "statement"},
        {"", "statement"},
    };
    ARENA_AUTO a = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(statement_kind(&a, str_from(rows[i][0]), PG), rows[i][1]);
    assert_true(kind_writes_rows("MERGE"));
    assert_false(kind_writes_rows("SELECT"));
}

static void lines_are_counted_forward_and_back(void **state)
{
    struct line_counter c = {.text = STR("a\nb\n\nc")};
    (void)state;
    assert_int_equal(line_of(&c, 0), 1);
    assert_int_equal(line_of(&c, 5), 4);
    assert_int_equal(line_of(&c, 2), 2);
    assert_int_equal(line_of(&c, 6), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postgresql_strings),
        cmocka_unit_test(postgresql_names_and_numbers),
        cmocka_unit_test(postgresql_operators_and_comments),
        cmocka_unit_test(sqlite_tokens),
        cmocka_unit_test(checksums_overlook_comments_and_white_space_only),
        cmocka_unit_test(names_are_measured_as_they_mean),
        cmocka_unit_test(hostile_runs_are_read_in_linear_time),
        cmocka_unit_test(statements_end_where_the_engine_ends_them),
        cmocka_unit_test(statements_are_named),
        cmocka_unit_test(lines_are_counted_forward_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
