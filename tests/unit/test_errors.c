/* From the server's idea of a place to FILE.sql:LINE:COL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "db/backend.h"

#define HEAD "-- Revision: a1\n\n-- migrate:up\n"
#define BODY "SELECT 1;\n\n  SELECT 'é', x\n  FROM t;  \n\n"
#define TAIL "-- migrate:down\nSELECT 2;\n"

static const struct revision_statement statements[] = {
    {.offset = sizeof HEAD - 1, .length = 8, .line = 4},
    {.offset = sizeof HEAD - 1 + 13, .length = 23, .line = 6},
};
static const struct revision_section section = {
    .line = 3, .offset = sizeof HEAD - 1, .length = sizeof BODY - 1, .n_statements = 2, .statements = statements};
static const struct revision revision = {.path = "tenant/versions/a1.sql",
                                         .text = (const unsigned char *)HEAD BODY TAIL,
                                         .length = sizeof(HEAD BODY TAIL) - 1};

static void expect(size_t statement, size_t characters, const char *expected)
{
    AUTO_ERR e = {0};
    BUF_AUTO text = {0};
    err_set(&e, FAULT_FAILED, "no");
    db_error_at(&e, &revision, &section, statement, characters);
    err_format(&text, &e, NULL);
    assert_string_equal(text.p, expected);
}

static void sections_and_statements_are_views_of_the_file(void **state)
{
    (void)state;
    assert_true(str_is(db_section_text(&revision, &section), BODY));
    assert_true(str_is(db_statement_text(&revision, &section, 1), "SELECT 'é', x\n  FROM t"));
}

static void characters_become_lines_and_columns(void **state)
{
    (void)state;
    expect(0, 1, "tenant/versions/a1.sql:4:1: error: no\n    SELECT 1;\n    ^\n");
    expect(1, 26, "tenant/versions/a1.sql:6:15: error: no\n      SELECT 'é', x\n                  ^\n");
    expect(SIZE_MAX, 35, "tenant/versions/a1.sql:7:8: error: no\n      FROM t;  \n           ^\n");
}

static void without_a_position_the_statement_is_shown(void **state)
{
    (void)state;
    expect(1, 0, "tenant/versions/a1.sql:6:3: error: no\n      SELECT 'é', x\n      ^\n");
}

static void without_a_statement_the_section_is_shown(void **state)
{
    (void)state;
    expect(SIZE_MAX, 0, "tenant/versions/a1.sql:3: error: no\n    -- migrate:up\n");
    expect(2, 0, "tenant/versions/a1.sql:3: error: no\n    -- migrate:up\n");
}

static void the_end_of_input_is_the_end_of_the_last_line_that_holds_any(void **state)
{
    (void)state;
    expect(1, 99999, "tenant/versions/a1.sql:7:10: error: no\n      FROM t;  \n             ^\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_statements_are_views_of_the_file),
        cmocka_unit_test(characters_become_lines_and_columns),
        cmocka_unit_test(without_a_position_the_statement_is_shown),
        cmocka_unit_test(without_a_statement_the_section_is_shown),
        cmocka_unit_test(the_end_of_input_is_the_end_of_the_last_line_that_holds_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
