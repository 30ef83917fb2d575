/* The grammar of targets, without a graph: what is understood, what is refused and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "model/plan.h"

static void parses_to(const char *text, enum target_shape shape, const char *label, const char *symbol, int64_t offset)
{
    struct target t;
    AUTO_ERR e = {0};
    if (!target_parse(str_from(text), &t, &e))
        fail_msg("%s: %s", text, e.message);
    assert_int_equal(t.shape, shape);
    assert_true(str_is(t.label, label));
    assert_true(str_is(t.symbol, symbol));
    assert_int_equal(t.offset, offset);
}

static void symbols_have_an_optional_label(void **state)
{
    (void)state;
    parses_to("head", TARGET_SYMBOL, "", "head", 0);
    parses_to("5f1c0a2b9e77", TARGET_SYMBOL, "", "5f1c0a2b9e77", 0);
    parses_to("billing@head", TARGET_SYMBOL, "billing", "head", 0);
    parses_to("5f1c@base", TARGET_SYMBOL, "5f1c", "base", 0);
    parses_to("v1.0", TARGET_SYMBOL, "", "v1.0", 0);
    parses_to("\xC3\xA9t\xC3\xA9", TARGET_SYMBOL, "", "\xC3\xA9t\xC3\xA9", 0);
}

static void steps_count_from_the_rows_or_from_a_symbol(void **state)
{
    (void)state;
    parses_to("+1", TARGET_RELATIVE, "", "", 1);
    parses_to("-2", TARGET_RELATIVE, "", "", -2);
    parses_to("+0", TARGET_RELATIVE, "", "", 0);
    parses_to("-0", TARGET_RELATIVE, "", "", 0);
    parses_to("+007", TARGET_RELATIVE, "", "", 7);
    parses_to("billing@+1", TARGET_RELATIVE, "billing", "", 1);
    parses_to("billing@-1", TARGET_RELATIVE, "billing", "", -1);
    parses_to("head-1", TARGET_SYMBOL_RELATIVE, "", "head", -1);
    parses_to("5f1c+2", TARGET_SYMBOL_RELATIVE, "", "5f1c", 2);
    parses_to("billing@5f1c-3", TARGET_SYMBOL_RELATIVE, "billing", "5f1c", -3);
    parses_to("v1.0+2", TARGET_SYMBOL_RELATIVE, "", "v1.0", 2);
}

static void text_after_the_digits_is_ignored(void **state)
{
    (void)state;
    parses_to("+1+1", TARGET_RELATIVE, "", "", 1);
    parses_to("5f1c+1xyz", TARGET_SYMBOL_RELATIVE, "", "5f1c", 1);
    parses_to("-2-", TARGET_RELATIVE, "", "", -2);
}

static void signs_without_digits_belong_to_the_name(void **state)
{
    (void)state;
    parses_to("+", TARGET_SYMBOL, "", "+", 0);
    parses_to("-", TARGET_SYMBOL, "", "-", 0);
    parses_to("my-branch@head", TARGET_SYMBOL, "my-branch", "head", 0);
    parses_to("my-branch", TARGET_SYMBOL, "", "my-branch", 0);
    parses_to("v-2@head", TARGET_SYMBOL, "v-2", "head", 0);
}

static void endless_digits_are_the_largest_offset(void **state)
{
    (void)state;
    parses_to("+9223372036854775807", TARGET_RELATIVE, "", "", INT64_MAX);
    parses_to("+9223372036854775808", TARGET_RELATIVE, "", "", INT64_MAX);
    parses_to("-99999999999999999999999999", TARGET_RELATIVE, "", "", -INT64_MAX);
}

static void bad_targets_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"", "the target is empty", "give head, +1, a revision, LABEL@head…"},
        {"a1:b1", "range \"a1:b1\" is not allowed here", "FROM:TO goes with --sql, START:END with history"},
        {"@head", "\"@head\" has no branch label before the \"@\"", NULL},
        {"billing@", "\"billing@\" has no revision after the \"@\"", NULL},
        {"a@b@c", "\"a@b@c\" has more than one \"@\"", NULL},
        {"base@head", "\"base\" is no branch label", NULL},
        {"head@+1", "\"head\" is no branch label", NULL},
        {"heads@head", "\"heads\" is no branch label", NULL},
        {"current@head", "\"current\" is no branch label", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct target t;
        AUTO_ERR e = {0};
        assert_false(target_parse(str_from(cases[i].text), &t, &e));
        assert_int_equal(e.fault, FAULT_USAGE);
        assert_string_equal(e.message, cases[i].message);
        if (cases[i].hint)
            assert_string_equal(e.hint, cases[i].hint);
        else
            assert_null(e.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols_have_an_optional_label),
        cmocka_unit_test(steps_count_from_the_rows_or_from_a_symbol),
        cmocka_unit_test(text_after_the_digits_is_ignored),
        cmocka_unit_test(signs_without_digits_belong_to_the_name),
        cmocka_unit_test(endless_digits_are_the_largest_offset),
        cmocka_unit_test(bad_targets_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
