/* Text, memory, errors, time, hashes, JSON: what everything else stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/stop.h"

static void views_are_cut_and_compared(void **state)
{
    (void)state;
    assert_true(str_is(str_trim(STR(" \t a b\r\n")), "a b"));
    assert_true(str_is(str_slice(STR("abcdef"), 2, 4), "cd"));
    assert_true(str_is(str_slice(STR("abc"), 2, 99), "c"));
    assert_int_equal(str_slice(STR("abc"), 5, 4).n, 0);
    assert_int_equal(str_find(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find_last(STR("a=b=c"), '='), 3);
    assert_int_equal(str_find(STR("abc"), '='), 3);
    assert_int_equal(str_find((struct str){0}, '='), 0);
    assert_true(str_eq((struct str){0}, STR("")));
    assert_true(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")) && !str_ends(STR("c"), STR("bc")));
}

static void pieces_include_the_empty_ones(void **state)
{
    (void)state;
    struct str rest = STR("a,,b,"), piece;
    const char *expected[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_next(&rest, ',', &piece));
        assert_true(str_is(piece, expected[i]));
    }
    assert_false(str_next(&rest, ',', &piece));
    rest = STR("");
    assert_true(str_next(&rest, ',', &piece));
    assert_int_equal(piece.n, 0);
    assert_false(str_next(&rest, ',', &piece));
}

static void only_valid_utf8_passes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t error;
    } cases[] = {
        {"plain", 5},
        {"\xC3\xA9", 2},
        {"\xE2\x82\xAC", 3},
        {"\xF0\x9F\x98\x80", 4},
        {"a\xC3", 1},
        {"\xC0\xAF", 0},
        {"\xE0\x80\x80", 0},
        {"\xED\xA0\x80", 0},
        {"\xF4\x90\x80\x80", 0},
        {"ok\x80", 2},
        {"\xF8\x88\x80\x80", 0},
        {"\xE2\x82", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(str_utf8_error(str_from(cases[i].text)), cases[i].error);
}

static void distance_counts_a_swap_as_one(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR("upgrade"), STR("upgrade")), 0);
    assert_int_equal(str_distance(STR("upgrdae"), STR("upgrade")), 1);
    assert_int_equal(str_distance(STR("heads"), STR("head")), 1);
    assert_int_equal(str_distance(STR(""), STR("abc")), 3);
    char many[80];
    memset(many, 'x', sizeof many);
    assert_int_equal(str_distance((struct str){many, sizeof many}, STR("x")), 255);
}

static void builder_is_sticky_and_terminated(void **state)
{
    (void)state;
    BUF_AUTO b = {0};
    assert_string_equal(buf_str(&b).p, "");
    buf_addz(&b, "a");
    buf_addf(&b, "%d-%s", 42, "x");
    buf_pad(&b, '.', 3);
    buf_addc(&b, '!');
    assert_string_equal(b.p, "a42-x...!");
    assert_int_equal(b.n, 9);
    char *own = buf_steal(&b);
    assert_string_equal(own, "a42-x...!");
    assert_null(b.p);
    struct buf again = {.p = own, .n = 9, .cap = 10};
    buf_free(&again);
    for (int i = 0; i < 10000; i++)
        buf_addc(&b, 'y');
    assert_int_equal(strlen(b.p), 10000);
}

static void arena_gives_zeroed_memory_and_reuses_one_block(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    char *small = arena_alloc(&a, 3);
    assert_int_equal((uintptr_t)small % 16, 0);
    memset(small, 1, 3);
    char *large = arena_alloc(&a, 100000);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(large[i], 0);
    char *next = arena_alloc(&a, 8);
    assert_true(next > small && next < small + 64); /* the large item did not end the small block */
    arena_reset(&a);
    char *reused = arena_alloc(&a, 3);
    assert_ptr_equal(reused, small);
    assert_int_equal(reused[0], 0);
    VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++)
        vec_push(&a, &numbers, i);
    assert_int_equal(numbers.n, 1000);
    assert_int_equal(numbers.v[999], 999);
}

static void strings_sort_by_bytes(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct strings list = {0}, other = {0};
    vec_push(&a, &list, "b");
    vec_push(&a, &list, "a");
    vec_push(&a, &list, "B");
    strings_sort(&list);
    BUF_AUTO joined = {0};
    strings_join(&joined, &list, ", ");
    assert_string_equal(joined.p, "B, a, b");
    assert_true(strings_has(&list, "a"));
    assert_false(strings_has(&list, "c"));
    assert_false(strings_equal(&list, &other));
}

static void errors_show_position_source_and_caret(void **state)
{
    (void)state;
    AUTO_ERR e = {0};
    assert_false(err_set(&e, FAULT_FAILED, "syntax error at \"%s\"", "FORM"));
    err_detail(&e, "a detail");
    err_hint(&e, "say FROM");
    err_at(&e, "tenant/versions/a.sql", 3, 10, STR("SELECT \xC3\xA9 FORM t;"));
    err_context(&e, "tenant %s", "acme");
    BUF_AUTO text = {0};
    err_format(&text, &e, NULL);
    assert_string_equal(text.p, "tenant/versions/a.sql:3:10: error: tenant acme: syntax error at \"FORM\"\n"
                                "    SELECT \xC3\xA9 FORM t;\n"
                                "             ^\n"
                                "detail: a detail\n"
                                "hint: say FROM\n");
    struct err copy = {0};
    err_copy(&copy, &e);
    err_set(&e, FAULT_USAGE, "again: %s", e.message); /* an argument may be the old text */
    assert_string_equal(e.message, "again: tenant acme: syntax error at \"FORM\"");
    assert_null(e.hint);
    assert_string_equal(copy.hint, "say FROM");
    err_free(&copy);
    err_free(&copy);
}

static void a_long_source_line_is_cut_round_the_column(void **state)
{
    (void)state;
    char line[5000];
    memset(line, 'a', sizeof line);
    line[3000] = 'X';
    AUTO_ERR e = {0};
    err_set(&e, FAULT_FAILED, "here");
    err_at(&e, "f.sql", 1, 3001, (struct str){line, sizeof line});
    BUF_AUTO text = {0};
    err_format(&text, &e, "warning");
    struct str rest = buf_str(&text), first, source, caret;
    str_next(&rest, '\n', &first);
    str_next(&rest, '\n', &source);
    str_next(&rest, '\n', &caret);
    assert_true(str_is(first, "f.sql:1:3001: warning: here"));
    assert_true(source.n < 120);
    assert_int_equal(source.p[str_find(caret, '^')], 'X');
}

static void every_fault_has_its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(err_exit_code(FAULT_NONE), 0);
    assert_int_equal(err_exit_code(FAULT_FAILED), 1);
    assert_int_equal(err_exit_code(FAULT_CONFIG), 2);
    assert_int_equal(err_exit_code(FAULT_PENDING), 3);
    assert_int_equal(err_exit_code(FAULT_REQUIRES), 4);
    assert_int_equal(err_exit_code(FAULT_EDITED), 5);
    assert_true(err_retryable(FAULT_BUSY) && !err_retryable(FAULT_LOGIN));
    assert_string_equal(err_fault_name(FAULT_UNREACHABLE), "unreachable");
}

static void durations_carry_a_unit(void **state)
{
    (void)state;
    int64_t ms = -1;
    assert_true(duration_parse(STR("5s"), &ms) && ms == 5000);
    assert_true(duration_parse(STR("250ms"), &ms) && ms == 250);
    assert_true(duration_parse(STR("10min"), &ms) && ms == 600000);
    assert_true(duration_parse(STR("2h"), &ms) && ms == 7200000);
    assert_true(duration_parse(STR("0"), &ms) && ms == 0);
    const char *bad[] = {"", "5", "s", "-1s", "5 s", "1.5s", "99999999999ms", "25d", "5sec", "+5s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(duration_parse(str_from(bad[i]), &ms));
    char text[32];
    duration_format(text, 320);
    assert_string_equal(text, "320 ms");
    duration_format(text, 1540);
    assert_string_equal(text, "1.5 s");
    duration_format(text, 123000);
    assert_string_equal(text, "2 min 3 s");
    clock_format_utc(text, 1795342500123);
    assert_string_equal(text, "2026-11-22T10:15:00.123Z");
}

static void deadlines_saturate(void **state)
{
    (void)state;
    assert_int_equal(clock_left(DEADLINE_NEVER), INT64_MAX);
    assert_int_equal(clock_deadline(-1), DEADLINE_NEVER);
    assert_int_equal(clock_deadline(INT64_MAX), DEADLINE_NEVER);
    assert_int_equal(clock_left(clock_ms() - 5), 0);
    for (int i = 0; i < 100; i++) {
        int64_t span = clock_jitter(100);
        assert_true(span >= 50 && span <= 100);
    }
}

static void sums_are_those_of_the_standard(void **state)
{
    (void)state;
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    hash_once("abc", 3, sum); /* FIPS 180-4, example B.1 */
    hash_hex(sum, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    uint8_t one[SHA256_BYTES], other[SHA256_BYTES];
    struct hash *h = hash_new();
    hash_add_piece(h, "ab", 2);
    hash_add_piece(h, "c", 1);
    hash_finish(h, one);
    h = hash_new();
    hash_add_piece(h, "a", 1);
    hash_add_piece(h, "bc", 2);
    hash_finish(h, other);
    assert_memory_not_equal(one, other, sizeof one);
}

static void json_is_always_json(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    struct json j = {.out = &text};
    struct strings none = {0};
    json_object(&j);
    json_put_text(&j, "a\"b", "x\n\x01\xFFy");
    json_put_int(&j, "n", -5);
    json_put_bool(&j, "t", true);
    json_put_text(&j, "z", NULL);
    json_put_strings(&j, "none", &none);
    json_key(&j, "list");
    json_array(&j);
    json_object(&j);
    json_end_object(&j);
    json_int(&j, 2);
    json_end_array(&j);
    json_end_object(&j);
    assert_string_equal(text.p, "{\"a\\\"b\": \"x\\n\\u0001\xEF\xBF\xBDy\", \"n\": -5, \"t\": true, \"z\": null, "
                                "\"none\": [], \"list\": [{}, 2]}");
}

static void a_stop_rises_once_and_cuts_sleeps(void **state)
{
    (void)state;
    AUTO_ERR e = {0};
    struct stop s;
    assert_true(stop_init(&s, &e));
    assert_false(stop_winding_down(&s));
    assert_true(stop_sleep(&s, 1, false));
    stop_wind_down(&s, 15);
    stop_wind_down(&s, 2);
    assert_int_equal(atomic_load(&s.signal), 15);
    assert_true(stop_winding_down(&s));
    assert_false(stop_cancelled(&s));
    assert_false(stop_sleep(&s, 60000, false));
    assert_true(stop_sleep(&s, 1, true));
    stop_cancel(&s);
    assert_true(stop_cancelled(&s));
    assert_false(stop_sleep(&s, 60000, true));
    assert_false(stop_winding_down(NULL));
    stop_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_cut_and_compared),
        cmocka_unit_test(pieces_include_the_empty_ones),
        cmocka_unit_test(only_valid_utf8_passes),
        cmocka_unit_test(distance_counts_a_swap_as_one),
        cmocka_unit_test(builder_is_sticky_and_terminated),
        cmocka_unit_test(arena_gives_zeroed_memory_and_reuses_one_block),
        cmocka_unit_test(strings_sort_by_bytes),
        cmocka_unit_test(errors_show_position_source_and_caret),
        cmocka_unit_test(a_long_source_line_is_cut_round_the_column),
        cmocka_unit_test(every_fault_has_its_exit_code),
        cmocka_unit_test(durations_carry_a_unit),
        cmocka_unit_test(deadlines_saturate),
        cmocka_unit_test(sums_are_those_of_the_standard),
        cmocka_unit_test(json_is_always_json),
        cmocka_unit_test(a_stop_rises_once_and_cuts_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
