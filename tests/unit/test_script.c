/* Quoting, and the texts of offline scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "db/db.h"

static void expect(struct buf *got, const char *expected)
{
    assert_string_equal(got->p ? got->p : "", expected);
    buf_reset(got);
}

static void names_are_always_quoted(void **state)
{
    BUF_AUTO b = {0};
    (void)state;
    db_quote_name(&b, "users");
    expect(&b, "\"users\"");
    db_quote_name(&b, "a \"b\"; --");
    expect(&b, "\"a \"\"b\"\"; --\"");
    db_quote_name(&b, "");
    expect(&b, "\"\"");
}

static void texts_mean_the_same_under_any_setting(void **state)
{
    BUF_AUTO b = {0};
    (void)state;
    db_quote_text(&b, DIALECT_POSTGRESQL, "it's");
    expect(&b, "'it''s'");
    db_quote_text(&b, DIALECT_POSTGRESQL, "a\\'b");
    expect(&b, "E'a\\\\''b'");
    db_quote_text(&b, DIALECT_SQLITE, "a\\'b");
    expect(&b, "'a\\''b'");
    db_quote_text(&b, DIALECT_POSTGRESQL, NULL);
    expect(&b, "NULL");
    db_quote_text(&b, DIALECT_SQLITE, "");
    expect(&b, "''");
}

static void transactions_are_bracketed(void **state)
{
    BUF_AUTO b = {0};
    (void)state;
    db_script_begin(&b, DIALECT_POSTGRESQL);
    db_script_commit(&b, DIALECT_SQLITE);
    expect(&b, "BEGIN;\n\nCOMMIT;\n\n");
}

static void the_version_table_is_alembics(void **state)
{
    BUF_AUTO b = {0};
    struct db_options o = {.version_table = "alembic_version"};
    (void)state;
    db_script_create(&b, DIALECT_POSTGRESQL, &o);
    expect(&b, "CREATE TABLE alembic_version (\n"
               "    version_num VARCHAR(32) NOT NULL,\n"
               "    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n"
               ");\n\n");
    o.schema = "acme";
    o.version_table = "Odd \"one\"";
    db_script_create(&b, DIALECT_POSTGRESQL, &o);
    expect(&b, "CREATE TABLE acme.\"Odd \"\"one\"\"\" (\n"
               "    version_num VARCHAR(32) NOT NULL,\n"
               "    CONSTRAINT \"Odd \"\"one\"\"_pkc\" PRIMARY KEY (version_num)\n"
               ");\n\n");
}

static void row_changes_are_alembics(void **state)
{
    BUF_AUTO b = {0};
    struct db_options o = {.version_table = "alembic_version", .schema = "acme", .version_schema = "ops"};
    const struct row_change insert = {ROW_INSERT, NULL, "a1"}, update = {ROW_UPDATE, "a1", "b2"},
                            gone = {ROW_DELETE, "b'2", NULL};
    (void)state;
    db_script_change(&b, DIALECT_POSTGRESQL, &o, &insert);
    expect(&b, "INSERT INTO ops.alembic_version (version_num) VALUES ('a1');\n\n");
    o.version_schema = o.schema = NULL;
    db_script_change(&b, DIALECT_POSTGRESQL, &o, &update);
    expect(&b, "UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1';\n\n");
    db_script_change(&b, DIALECT_SQLITE, &o, &gone);
    expect(&b, "DELETE FROM alembic_version WHERE alembic_version.version_num = 'b''2';\n\n");
}

static void the_tenant_is_set_where_a_session_can_hold_it(void **state)
{
    BUF_AUTO b = {0};
    (void)state;
    db_script_tenant(&b, DIALECT_POSTGRESQL, "ac'me");
    expect(&b, "SELECT set_config('migrate.tenant_id', 'ac''me', false);\n\n");
    db_script_tenant(&b, DIALECT_POSTGRESQL, NULL);
    db_script_tenant(&b, DIALECT_SQLITE, "acme");
    expect(&b, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_always_quoted),    cmocka_unit_test(texts_mean_the_same_under_any_setting),
        cmocka_unit_test(transactions_are_bracketed), cmocka_unit_test(the_version_table_is_alembics),
        cmocka_unit_test(row_changes_are_alembics),   cmocka_unit_test(the_tenant_is_set_where_a_session_can_hold_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
