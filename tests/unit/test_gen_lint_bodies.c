/* Statements in bodies: found at their own places, under the rules of where they run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lint_findings.h"

#define RULES "drop-table drop-column truncate unbounded-dml dynamic-sql rename-column dup-assign ine-hides-drift"
#define BEFORE                                                                                                         \
    "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size bigint);\nCREATE TABLE pages (id bigint);"

static void expect(const char *text, const char *lines)
{
    struct linted l = lint_text_as(BEFORE, "", text, RULES);
    assert_string_equal(l.lines, lines);
    linted_free(&l);
}

static void a_statement_in_do_stands_at_its_own_place(void **state)
{
    (void)state;
    expect("DO $$\nBEGIN\n    DROP TABLE pages;\nEND $$;", "3:16 drop-table DROP TABLE pages\n");
    expect("DO $x$ DECLARE é int; BEGIN TRUNCATE pages; END $x$;", "1:38 truncate TRUNCATE pages\n");
    expect("DO 'BEGIN\n UPDATE documents SET size = 0; END';", "2:9 unbounded-dml UPDATE of all rows of documents\n");
}

static void a_body_with_escapes_is_decoded_and_stands_where_it_begins(void **state)
{
    (void)state;
    expect("DO\n 'BEGIN DROP TABLE pages; PERFORM ''x''; END';", "2:2 drop-table DROP TABLE pages\n");
    expect("DO E'BEGIN\\nDROP TABLE pages;\\nEND';", "1:4 drop-table DROP TABLE pages\n");
}

static void nested_blocks_loops_branches_and_handlers_hold_statements(void **state)
{
    (void)state;
    expect("DO $$\nDECLARE r record;\nBEGIN\n"
           "    <<outer>>\n    BEGIN\n"
           "        FOR r IN SELECT id FROM documents LOOP\n            TRUNCATE pages;\n        END LOOP;\n"
           "        IF r.id = 1 THEN\n            DROP TABLE pages;\n"
           "        ELSE\n            DELETE FROM documents;\n        END IF;\n"
           "    EXCEPTION WHEN others THEN\n        ALTER TABLE documents DROP COLUMN size;\n    END;\n"
           "END $$;",
           "7:22 truncate TRUNCATE pages\n"
           "10:24 drop-table DROP TABLE pages\n"
           "12:25 unbounded-dml DELETE of all rows of documents\n"
           "15:43 drop-column DROP COLUMN documents.size\n");
}

static void what_plpgsql_adds_to_sql_is_understood(void **state)
{
    (void)state;
    expect("DO $$ DECLARE n bigint; BEGIN\nUPDATE documents SET size = 0 RETURNING id INTO n;\n"
           "SELECT count(*) INTO documents FROM pages;\nFOR n IN DELETE FROM pages RETURNING id LOOP NULL; END LOOP;\n"
           "DROP TABLE documents;\nEND $$;",
           "2:8 unbounded-dml UPDATE of all rows of documents\n"
           "4:22 unbounded-dml DELETE of all rows of pages\n"
           "5:12 drop-table DROP TABLE documents\n");
    expect("DO $$ DECLARE update int; BEGIN update := CASE WHEN true THEN 1 ELSE 2 END; END $$;", "");
}

static void a_literal_of_execute_is_looked_into_and_another_text_is_said_to_be_dark(void **state)
{
    (void)state;
    expect("DO $$ BEGIN\nEXECUTE 'DROP TABLE pages';\nEND $$;", "2:21 drop-table DROP TABLE pages\n");
    expect("DO $$ BEGIN\nEXECUTE format('TRUNCATE pages');\nEND $$;", "2:26 truncate TRUNCATE pages\n");
    expect("DO $$ BEGIN\nEXECUTE 'UPDATE documents SET size = 0, title = ''x''' USING 1;\nEND $$;",
           "2:9 unbounded-dml UPDATE of all rows of documents\n");
    expect("DO $$ BEGIN\n  EXECUTE 'DROP TABLE ' || 'pages';\n  EXECUTE format('DROP TABLE %I', 'pages');\nEND $$;",
           "2:3 dynamic-sql EXECUTE of a text that is built when it runs\n"
           "3:3 dynamic-sql EXECUTE of a text that is built when it runs\n");
}

static void functions_are_judged_for_what_they_change_and_not_for_rows(void **state)
{
    (void)state;
    expect("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\nDELETE FROM pages;\nDROP TABLE pages;\n$$;",
           "3:12 drop-table DROP TABLE pages\n");
    expect("CREATE PROCEDURE p(x text) LANGUAGE plpgsql AS $$\nBEGIN UPDATE pages SET id = 1;\n"
           "EXECUTE x || 'y'; ALTER TABLE documents RENAME COLUMN title TO name; END $$;",
           "3:55 rename-column RENAME COLUMN documents.title TO name\n");
    expect("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n"
           "CREATE TABLE fresh (id bigint); DROP TABLE fresh; END $$;\nDROP TABLE fresh;",
           "3:12 drop-table DROP TABLE fresh\n");
    expect("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'DROP TABLE pages', 'x';", "");
}

static void begin_atomic_holds_statements_of_sql(void **state)
{
    (void)state;
    struct linted l = lint_text_as(BEFORE, "",
                                   "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC\n"
                                   "  SELECT CASE WHEN true THEN 1 END;\n  SELECT id FROM documents;\nEND;",
                                   "unqualified-name");
    assert_string_equal(l.lines, "3:18 unqualified-name documents is named without its schema\n");
    linted_free(&l);
}

/* `levels` of DO, each in an EXECUTE of the one around it, around a DROP. */
static const char *nest(struct arena *a, int levels)
{
    const char *text = "DROP TABLE pages";
    for (int i = 0; i < levels; i++)
        text = arena_printf(a, "DO $a%d$ BEGIN EXECUTE $b%d$%s$b%d$; END $a%d$", i, i, text, i, i);
    return arena_printf(a, "%s;", text);
}

static void bodies_in_bodies_are_followed_so_far_and_no_farther(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct linted l = lint_text_as(BEFORE, "", nest(&a, 2), RULES);
    assert_non_null(strstr(l.lines, "drop-table DROP TABLE pages"));
    linted_free(&l);
    l = lint_text_as(BEFORE, "", nest(&a, 12), RULES);
    assert_string_equal(l.lines, "");
    linted_free(&l);
}

static void texts_that_are_none_are_survived(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "DO '';",
        "DO $$$$;",
        "DO $$ EXECUTE $$;",
        "DO $$ BEGIN EXECUTE; END $$;",
        "DO $$ BEGIN RAISE 'unended; END $$;",
        "DO $$ BEGIN CREATE ; DROP ; FOR x IN EXECUTE $$;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT ''';",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1;",
        "DO LANGUAGE plpgsql $$ BEGIN FOR i IN 1..2 LOOP NULL; END LOOP; DROP TABLE; END $$;",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct linted l = lint_text_as(BEFORE, "", texts[i], "drop-table");
        assert_string_equal(l.lines, "");
        linted_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_in_do_stands_at_its_own_place),
        cmocka_unit_test(a_body_with_escapes_is_decoded_and_stands_where_it_begins),
        cmocka_unit_test(nested_blocks_loops_branches_and_handlers_hold_statements),
        cmocka_unit_test(what_plpgsql_adds_to_sql_is_understood),
        cmocka_unit_test(a_literal_of_execute_is_looked_into_and_another_text_is_said_to_be_dark),
        cmocka_unit_test(functions_are_judged_for_what_they_change_and_not_for_rows),
        cmocka_unit_test(begin_atomic_holds_statements_of_sql),
        cmocka_unit_test(bodies_in_bodies_are_followed_so_far_and_no_farther),
        cmocka_unit_test(texts_that_are_none_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
