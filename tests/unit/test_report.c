/* Reading a report back: whom it names, and each refusal with its words and position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tool/report_file.h"

static void expect_ids(const char *text, const char *stream, const char *expected)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    BUF_AUTO ids = {0};
    struct strings out = {0};
    bool ok = report_parse_failed(&a, str_from(text), "r.json", "tool", stream, &out, &e);
    if (!ok)
        print_error("%s\n", e.message);
    assert_true(ok);
    strings_join(&ids, &out, ",");
    assert_string_equal(ids.p ? ids.p : "", expected);
}

static void expect_refusal(struct str text, int line, int column, const char *message)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct strings out = {0};
    assert_false(report_parse_failed(&a, text, "r.json", "tool", "tenant", &out, &e));
    assert_int_equal(e.fault, FAULT_USAGE);
    assert_string_equal(e.path, "r.json");
    if (!strstr(e.message, message) || e.line != line || e.column != column)
        print_error("%d:%d: %s\n", e.line, e.column, e.message);
    assert_non_null(strstr(e.message, message));
    assert_int_equal(e.line, line);
    assert_int_equal(e.column, column);
}

#define REPORT(streams) "{\"program\": \"tool\", \"later\": [{}], \"streams\": [" streams "]}"

static void names_the_failed_and_the_not_started(void **state)
{
    (void)state;
    const char *text = REPORT("{\"stream\": \"shared\", \"tenants\": [{\"tenant\": null, \"state\": \"failed\"}]}, "
                              "{\"tenants\": [{\"tenant\": \"b\", \"state\": \"failed\", \"later\": 1}, "
                              "{\"tenant\": \"c\", \"state\": \"done\"}, {\"tenant\": \"d\", \"state\": \"known\"}, "
                              "{\"tenant\": \"e\", \"state\": \"skipped\"}, "
                              "{\"tenant\": \"a \\u00fc\\\"\", \"state\": \"not_started\"}], \"stream\": \"tenant\"}");
    expect_ids(text, "tenant", "b,a \xC3\xBC\"");
    expect_ids(REPORT("{\"stream\": \"tenant\", \"tenants\": []}"), "tenant", "");
}

static void refuses_what_is_no_json(void **state)
{
    (void)state;
    expect_refusal(STR(""), 1, 1, "this is no report: ");
    expect_refusal(STR("{\n  \"program\": nothing\n}"), 2, 20, "this is no report: invalid token near 'nothing'");
    expect_refusal(STR("{} {}"), 1, 4, "this is no report: end of file expected");
    expect_refusal(STR("{\"program\": \"\xff\"}"), 1, 13, "unable to decode byte 0xff");
    expect_refusal(STR("{\"program\": \"a\", \"program\": \"tool\"}"), 1, 26, "duplicate object key");
    expect_refusal(STR("{\"\0\": 1}"), 1, 2, "this is no report: ");
}

static void refuses_another_programs(void **state)
{
    (void)state;
    expect_refusal(STR("[]"), 1, 1, "it is no object");
    expect_refusal(STR("{}"), 1, 1, "it has no \"program\"");
    expect_refusal(STR("{\n\"program\": 7}"), 2, 1, "it has no \"program\"");
    expect_refusal(STR("{\n\"\xC3\xBC\": 1, \"program\": \"other\"}"), 2, 9,
                   "this is a report of another program, \"other\"");
}

static void refuses_what_it_cannot_understand(void **state)
{
    (void)state;
    expect_refusal(STR("{\"program\": \"tool\"}"), 1, 1, "it has no \"streams\"");
    expect_refusal(STR(REPORT("7")), 1, 36, "an item of \"streams\" has no \"stream\"");
    expect_refusal(STR(REPORT("{\"stream\": \"other\", \"tenants\": []}")), 1, 36,
                   "the report has nothing about \"tenant\"");
    expect_refusal(STR(REPORT("{\"stream\": \"tenant\"}")), 1, 36, "a stream has no \"tenants\"");
    expect_refusal(STR(REPORT("{\"stream\": \"tenant\", \"tenants\": null}")), 1, 69,
                   "in that run the tenants of \"tenant\" could not be listed");
    static const char *const items[] = {"7",
                                        "{}",
                                        "{\"tenant\": null, \"state\": \"failed\"}",
                                        "{\"tenant\": \"\", \"state\": \"failed\"}",
                                        "{\"tenant\": \"a\"}",
                                        "{\"tenant\": \"a\", \"state\": \"FAILED\"}"};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        BUF_AUTO text = {0};
        buf_addf(&text, REPORT("{\"stream\": \"tenant\", \"tenants\": [%s]}"), items[i]);
        expect_refusal(buf_str(&text), 1, 69, "an item of \"tenants\" has no ");
    }
}

static void refuses_an_abyss(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    buf_pad(&text, '[', 1000000);
    expect_refusal(buf_str(&text), 1, 2049, "maximum parsing depth reached");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_failed_and_the_not_started),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(refuses_another_programs),
        cmocka_unit_test(refuses_what_it_cannot_understand),
        cmocka_unit_test(refuses_an_abyss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
