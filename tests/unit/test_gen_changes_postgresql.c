/* PostgreSQL's schemas, made by hand: which statements lead from one to another, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gen/changes_postgresql.h"
#include "gen/hints.h"

struct fixture {
    struct arena arena;
    struct catalog *from, *to;
    struct change_options options;
    struct change_list changes;
};

static struct catalog *schema_new(struct arena *a)
{
    struct catalog *c = ARENA_NEW(a, struct catalog);
    *c = (struct catalog){.arena = a, .kinds = &kinds_postgresql, .role = "me", .schema = "public", .version = 150000};
    return c;
}

static int begin(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->changes.arena = &f->arena;
    f->from = schema_new(&f->arena);
    f->to = schema_new(&f->arena);
    f->options.allow_destructive = true;
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    change_list_free(&f->changes);
    arena_free(&f->arena);
    free(f);
    return 0;
}

/* ---- schemas ---- */

/* `values`: pairs of attribute and value, then NULL. */
static uint32_t add(struct catalog *c, const struct kind *kind, const char *identity, uint32_t parent, ...)
{
    const char **values = ARENA_ARRAY(c->arena, const char *, kind->n_attributes), *name;
    va_list pairs;
    va_start(pairs, parent);
    while ((name = va_arg(pairs, const char *))) {
        size_t i = kind_attribute(kind, name);
        assert_true(i < kind->n_attributes);
        values[i] = va_arg(pairs, const char *);
    }
    va_end(pairs);
    const char *dot = strrchr(identity, '.');
    return catalog_add(c, kind, identity, dot ? dot + 1 : identity, parent, 0, values);
}

static void needs(struct catalog *c, uint32_t object, uint32_t needed)
{
    catalog_add_edge(c, object, needed, EDGE_NEEDS);
}

/* What the owner of a relation begins with, as readers give it. */
#define ALL_OF_OWNER                                                                                                   \
    "CURRENT_OWNER\tDELETE\t\nCURRENT_OWNER\tINSERT\t\nCURRENT_OWNER\tREFERENCES\t\nCURRENT_OWNER\tSELECT\t\n"         \
    "CURRENT_OWNER\tTRIGGER\t\nCURRENT_OWNER\tTRUNCATE\t\nCURRENT_OWNER\tUPDATE\t"

/* A table "t" with a column "x" of the type; returns the column. */
static uint32_t add_table(struct catalog *c, const char *type, uint32_t *table)
{
    uint32_t t = add(c, &kind_table, "public.t", OBJECT_NONE, NULL);
    if (table)
        *table = t;
    return add(c, &kind_column, "public.t.x", t, "type", type, NULL);
}

/* ---- plans ---- */

/* The steps, a line each; "-- " before one that is disabled. Refusals and notes stand behind them. */
static const char *plan(struct fixture *f)
{
    const struct snapshot from = {f->from, f->from}, to = {f->to, f->to};
    static const char *const segments[] = {"", "[enum] ", "[no block] ", "[validate] "};
    BUF_AUTO out = {0};
    AUTO_ERR e = {0};
    catalog_finish(f->from);
    catalog_finish(f->to);
    change_list_free(&f->changes);
    f->changes = (struct change_list){.arena = &f->arena};
    assert_true(changes_postgresql(&f->changes, &from, &to, &f->options, &e));
    for (size_t i = 0; i < f->changes.steps.n; i++) {
        const struct change_step *s = &f->changes.steps.v[i];
        buf_addf(&out, "%s%s%s\n", s->flags & STEP_DISABLED ? "-- " : "", segments[s->segment], s->sql);
        for (size_t k = 0; k < s->after.n; k++)
            assert_true(s->after.v[k] < i);
    }
    for (size_t i = 0; i < f->changes.refusals.n; i++)
        buf_addf(&out, "refused: %s\n", f->changes.refusals.v[i].message);
    for (size_t i = 0; i < f->changes.notes.n; i++)
        buf_addf(&out, "note: %s\n", f->changes.notes.v[i]);
    return arena_str(&f->arena, buf_str(&out));
}

#define assert_plan(f, expected) assert_string_equal(plan(f), expected)

static void equal_schemas_need_nothing(void **state)
{
    struct fixture *f = *state;
    assert_plan(f, "");
    add_table(f->from, "integer", NULL);
    add_table(f->to, "integer", NULL);
    assert_plan(f, "");
}

/* ------------------------------------------------------------------------------------------------------------ closure */

/* A view on the column, one on that view, and an index that may stay. */
static void add_dependants(struct catalog *c, uint32_t table, uint32_t column)
{
    uint32_t v = add(c, &kind_view, "public.v", OBJECT_NONE, "definition", "SELECT x FROM t", "grants", ALL_OF_OWNER,
                     NULL);
    uint32_t a = add(c, &kind_view, "public.a", OBJECT_NONE, "definition", "SELECT x FROM v", "grants", ALL_OF_OWNER,
                     NULL);
    uint32_t i = add(c, &kind_index, "public.i", table, "name", "i", "definition", "USING btree (x)", NULL);
    needs(c, v, column);
    needs(c, a, v);
    needs(c, i, column);
}

static void what_blocks_a_type_steps_aside_with_all_that_stands_on_it(void **state)
{
    struct fixture *f = *state;
    uint32_t table, column = add_table(f->from, "integer", &table);
    add_dependants(f->from, table, column);
    column = add_table(f->to, "bigint", &table);
    add_dependants(f->to, table, column);
    assert_plan(f, "DROP VIEW a\nDROP VIEW v\n"
                   "ALTER TABLE t ALTER COLUMN x TYPE bigint\n"
                   "CREATE VIEW v AS\nSELECT x FROM t\nCREATE VIEW a AS\nSELECT x FROM v\n");
}

static void add_function(struct catalog *c, const char *result, const char *arguments, const char *grants)
{
    const char *definition = arena_printf(c->arena, "(%s) RETURNS %s", arguments, result);
    add(c, &kind_function, "public.f(integer)", OBJECT_NONE, "words", "FUNCTION", "name", "f", "kind", "function",
        "result", result, "arguments", arguments, "definition", definition, "grants", grants, NULL);
}

static void grants_that_do_not_count_outlive_a_replacement(void **state)
{
    struct fixture *f = *state;
    add_function(f->from, "text", "a integer", "CURRENT_OWNER\tEXECUTE\t\nbob\tEXECUTE\t");
    add_function(f->to, "integer", "a integer", "CURRENT_OWNER\tEXECUTE\t\nPUBLIC\tEXECUTE\t");
    const char *sql = plan(f);
    assert_non_null(strstr(sql, "DROP FUNCTION f(integer)\nCREATE FUNCTION f(a integer) RETURNS integer\n"));
    assert_non_null(strstr(sql, "REVOKE EXECUTE ON ROUTINE f(integer) FROM PUBLIC\n"));
    assert_non_null(strstr(sql, "GRANT EXECUTE ON ROUTINE f(integer) TO bob\n"));
    f->options.policy.grants = true;
    sql = plan(f);
    assert_null(strstr(sql, "bob"));
}

/* -------------------------------------------------------------------------------------------------------------- claims */

static void add_key(struct catalog *c, const char *identity, const char *column)
{
    uint32_t table, x = add_table(c, "integer", &table);
    uint32_t key = add(c, &kind_constraint, identity, table, "definition",
                       arena_printf(c->arena, "PRIMARY KEY (%s)", column), "type", "p", NULL);
    needs(c, key, x);
}

static void a_table_gives_up_its_key_before_it_takes_another(void **state)
{
    struct fixture *f = *state;
    add_key(f->from, "public.t.z", "x");
    add_key(f->to, "public.t.a", "x");
    assert_plan(f, "ALTER TABLE t DROP CONSTRAINT z\nALTER TABLE t ADD CONSTRAINT a PRIMARY KEY (x)\n");
}

static void a_name_is_given_up_before_it_is_taken(void **state)
{
    struct fixture *f = *state;
    uint32_t table;
    add_table(f->from, "integer", &table);
    add(f->from, &kind_index, "public.n", table, "name", "n", "definition", "USING btree (x)", NULL);
    add_table(f->to, "integer", NULL);
    add(f->to, &kind_view, "public.n", OBJECT_NONE, "definition", "SELECT 1", NULL);
    assert_plan(f, "DROP INDEX n\nCREATE VIEW n AS\nSELECT 1\n");
}

/* serial becomes an identity column whose sequence has the name of the old one. */
static void an_identity_waits_for_the_default_and_for_the_name_of_its_sequence(void **state)
{
    struct fixture *f = *state;
    uint32_t column = add_table(f->from, "integer", NULL);
    uint32_t sequence = add(f->from, &kind_sequence, "public.t_x_seq", OBJECT_NONE, "definition", "AS integer", NULL);
    uint32_t value = add(f->from, &kind_default, "public.t.x", column, "expression", "nextval('t_x_seq')", "table", "t",
                         "only", "", NULL);
    needs(f->from, value, sequence);
    uint32_t table = add(f->to, &kind_table, "public.t", OBJECT_NONE, NULL);
    add(f->to, &kind_column, "public.t.x", table, "type", "integer", "as_identity", "ALWAYS", "identity_sequence",
        "public.t_x_seq", NULL);
    assert_non_null(strstr(plan(f), " ALTER COLUMN x DROP DEFAULT\nDROP SEQUENCE t_x_seq\n"
                                    "ALTER TABLE t ALTER COLUMN x ADD GENERATED ALWAYS AS IDENTITY\n"));
}

/* ----------------------------------------------------------------------------------------------------------- disabling */

static void what_is_held_back_takes_along_what_needs_it(void **state)
{
    struct fixture *f = *state;
    f->options.allow_destructive = false;
    add_table(f->from, "integer", NULL);
    uint32_t v = add(f->to, &kind_view, "public.t", OBJECT_NONE, "definition", "SELECT 1", NULL);
    uint32_t w = add(f->to, &kind_view, "public.w", OBJECT_NONE, "definition", "SELECT 2", NULL);
    add(f->to, &kind_view, "public.z", OBJECT_NONE, "definition", "SELECT 3", NULL);
    needs(f->to, w, v);
    assert_plan(f, "CREATE VIEW z AS\nSELECT 3\n"
                   "-- DROP TABLE t\n-- CREATE VIEW t AS\nSELECT 1\n-- CREATE VIEW w AS\nSELECT 2\n");
    vec_push(&f->arena, &f->options.allowed, "table:public.t");
    assert_plan(f,
                "CREATE VIEW z AS\nSELECT 3\nDROP TABLE t\nCREATE VIEW t AS\nSELECT 1\nCREATE VIEW w AS\nSELECT 2\n");
}

static void both_halves_of_a_replacement_are_held_back(void **state)
{
    struct fixture *f = *state;
    f->options.allow_destructive = false;
    add(f->from, &kind_table, "public.t", OBJECT_NONE, "access_method", "heap", "grants", ALL_OF_OWNER, NULL);
    add(f->to, &kind_table, "public.t", OBJECT_NONE, "access_method", "other", "grants", ALL_OF_OWNER, NULL);
    assert_plan(f, "-- DROP TABLE t\n-- CREATE TABLE t () USING other\n");
}

/* ------------------------------------------------------------------------------------------------------------- columns */

static void begin_not_null(struct fixture *f)
{
    uint32_t table;
    add_table(f->from, "integer", NULL);
    add_table(f->to, "integer", &table);
    add(f->to, &kind_column, "public.t.y", table, "type", "text", "not_null", "NOT NULL", NULL);
}

static void a_new_not_null_column_is_filled_as_the_hint_says(void **state)
{
    struct fixture *f = *state;
    struct hints hints = {0};
    begin_not_null(f);
    vec_push(&f->arena, &hints.list,
             (struct hint){.kind = HINT_BACKFILL, .text = "'?'", .item = "column", .name = "y", .container = "t"});
    f->options.hints = &hints;
    f->options.ask_backfill = true;
    assert_plan(f,
                "ALTER TABLE t ADD COLUMN y text\nUPDATE t SET y = '?'\nALTER TABLE t ALTER COLUMN y SET NOT NULL\n");
    assert_true(hints.list.v[0].used);
    hints.list.v[0].text = "none";
    assert_plan(f, "ALTER TABLE t ADD COLUMN y text NOT NULL\n");
}

static void a_new_not_null_column_without_values_is_asked_about(void **state)
{
    struct fixture *f = *state;
    begin_not_null(f);
    assert_plan(f, "ALTER TABLE t ADD COLUMN y text NOT NULL\n"
                   "note: column public.t.y: it is NOT NULL and has no default, so the table must be empty\n");
    f->options.ask_backfill = true;
    assert_non_null(strstr(
        plan(f), "refused: column public.t.y: rows that are there have no value for this new NOT NULL column\n"));
}

static void conversions_are_told_apart(void **state)
{
    static const struct {
        const char *from, *to;
        enum conversion conversion;
        bool rewrites;
    } cases[] = {
        {"integer", "bigint", CONVERSION_ASSIGNED, true},
        {"bigint", "integer", CONVERSION_MAY_FAIL, true},
        {"integer", "numeric", CONVERSION_ASSIGNED, true},
        {"integer", "numeric(4,0)", CONVERSION_MAY_FAIL, true},
        {"numeric(10,2)", "integer", CONVERSION_LOSES, true},
        {"numeric(10,2)", "numeric(12,2)", CONVERSION_ASSIGNED, false},
        {"numeric(10,2)", "numeric", CONVERSION_ASSIGNED, false},
        {"numeric(10,2)", "numeric(8,2)", CONVERSION_MAY_FAIL, true},
        {"numeric(10,2)", "numeric(10,1)", CONVERSION_LOSES, true},
        {"numeric", "numeric(10,2)", CONVERSION_LOSES, true},
        {"real", "double precision", CONVERSION_ASSIGNED, true},
        {"double precision", "real", CONVERSION_LOSES, true},
        {"character varying(20)", "character varying(40)", CONVERSION_ASSIGNED, false},
        {"character varying(20)", "text", CONVERSION_ASSIGNED, false},
        {"text", "character varying(20)", CONVERSION_MAY_FAIL, true},
        {"character(5)", "text", CONVERSION_ASSIGNED, true},
        {"integer", "text", CONVERSION_ASSIGNED, true},
        {"integer", "character varying(2)", CONVERSION_MAY_FAIL, true},
        {"text", "integer", CONVERSION_EXPLICIT, true},
        {"timestamp with time zone", "date", CONVERSION_LOSES, true},
        {"date", "timestamp without time zone", CONVERSION_ASSIGNED, true},
        {"timestamp(6) without time zone", "timestamp(3) without time zone", CONVERSION_LOSES, true},
        {"json", "jsonb", CONVERSION_ASSIGNED, true},
        {"integer[]", "text", CONVERSION_ASSIGNED, true},
        {"integer[]", "integer", CONVERSION_EXPLICIT, true},
        {"boolean", "integer", CONVERSION_EXPLICIT, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool rewrites;
        enum conversion found = type_conversion(cases[i].from, cases[i].to, &rewrites);
        if (found != cases[i].conversion || rewrites != cases[i].rewrites)
            fail_msg("%s to %s: %d, rewrites: %d", cases[i].from, cases[i].to, (int)found, rewrites);
    }
}

/* --------------------------------------------------------------------------------------------------------------- types */

static void labels_come_where_they_belong(void **state)
{
    struct fixture *f = *state;
    add(f->from, &kind_enum, "public.mood", OBJECT_NONE, "labels", "'b'\n'd'", "list", "'b', 'd'", NULL);
    add(f->to, &kind_enum, "public.mood", OBJECT_NONE, "labels", "'a'\n'b'\n'c'\n'd'\n'e'\n'f'", "list", "-", NULL);
    assert_plan(f, "[enum] ALTER TYPE mood ADD VALUE 'a' BEFORE 'b'\n"
                   "[enum] ALTER TYPE mood ADD VALUE 'c' AFTER 'b'\n"
                   "[enum] ALTER TYPE mood ADD VALUE 'e'\n"
                   "[enum] ALTER TYPE mood ADD VALUE 'f'\n");
}

static void only_labels_that_come_leave_a_type_in_place(void **state)
{
    (void)state;
    assert_true(labels_only_grow("'a'\n'b'", "'a'\n'x'\n'b'"));
    assert_false(labels_only_grow("'a'\n'b'", "'b'\n'a'"));
    assert_false(labels_only_grow("'a'\n'b'", "'a'"));
}

/* ----------------------------------------------------------------------------------------------------------- functions */

static void a_function_is_replaced_in_place_unless_its_arguments_forbid(void **state)
{
    static const struct {
        const char *from, *to;
        bool in_place;
    } cases[] = {
        {"a integer", "a integer DEFAULT 1", true},
        {"a integer DEFAULT 1", "a integer DEFAULT 2", true},
        {"a integer DEFAULT 1", "a integer", false},
        {"a integer", "b integer", false},
        {"a text DEFAULT 'x, y'::text, b integer DEFAULT 1", "a text DEFAULT 'z'::text, b integer DEFAULT 1", true},
        {"a integer, OUT b integer", "a integer, OUT c integer", false},
        {"a integer", "a integer, OUT b integer", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f = *state;
        f->from = schema_new(&f->arena);
        f->to = schema_new(&f->arena);
        add_function(f->from, "integer", cases[i].from, NULL);
        add_function(f->to, "integer", cases[i].to, NULL);
        const char *sql = plan(f);
        bool in_place = strncmp(sql, "CREATE OR REPLACE FUNCTION f(", 29) == 0;
        if (in_place != cases[i].in_place || (!in_place && strncmp(sql, "DROP FUNCTION f(integer)\n", 25) != 0))
            fail_msg("(%s) to (%s): %s", cases[i].from, cases[i].to, sql);
    }
}

/* -------------------------------------------------------------------------------------------------------------- online */

/* The goal has something more on "t"; `online` is asked for. */
static void assert_online(struct fixture *f, const struct kind *kind, const char *definition, const char *expected)
{
    uint32_t table;
    f->from = schema_new(&f->arena);
    f->to = schema_new(&f->arena);
    f->options.online = true;
    add_table(f->from, "integer", NULL);
    uint32_t column = add_table(f->to, "integer", &table);
    uint32_t made = kind == &kind_index
                        ? add(f->to, kind, "public.n", table, "name", "n", "definition", definition, NULL)
                        : add(f->to, kind, "public.t.n", table, "definition", definition, NULL);
    needs(f->to, made, column);
    assert_plan(f, expected);
}

static void online_nothing_waits_for_a_scan(void **state)
{
    assert_online(*state, &kind_index, "USING btree (x)",
                  "[no block] CREATE INDEX CONCURRENTLY n ON t USING btree (x)\n");
    assert_online(*state, &kind_constraint, "CHECK ((x > 0))",
                  "ALTER TABLE t ADD CONSTRAINT n CHECK ((x > 0)) NOT VALID\n"
                  "[validate] ALTER TABLE t VALIDATE CONSTRAINT n\n");
    assert_online(*state, &kind_foreign_key, "FOREIGN KEY (x) REFERENCES t(x)",
                  "ALTER TABLE t ADD CONSTRAINT n FOREIGN KEY (x) REFERENCES t(x) NOT VALID\n"
                  "[validate] ALTER TABLE t VALIDATE CONSTRAINT n\n");
    assert_online(*state, &kind_constraint, "UNIQUE (x)",
                  "[no block] CREATE UNIQUE INDEX CONCURRENTLY n ON t (x)\n"
                  "ALTER TABLE t ADD CONSTRAINT n UNIQUE USING INDEX n\n");
    assert_online(*state, &kind_constraint, "UNIQUE (x) DEFERRABLE",
                  "ALTER TABLE t ADD CONSTRAINT n UNIQUE (x) DEFERRABLE\n");
}

static void online_not_null_is_proven_by_a_check(void **state)
{
    struct fixture *f = *state;
    f->options.online = true;
    add_table(f->from, "integer", NULL);
    uint32_t table = add(f->to, &kind_table, "public.t", OBJECT_NONE, NULL);
    add(f->to, &kind_column, "public.t.x", table, "type", "integer", "not_null", "NOT NULL", NULL);
    assert_plan(f, "ALTER TABLE t ADD CONSTRAINT profile_migrate_not_null CHECK (x IS NOT NULL) NOT VALID\n"
                   "[validate] ALTER TABLE t VALIDATE CONSTRAINT profile_migrate_not_null\n"
                   "ALTER TABLE t ALTER COLUMN x SET NOT NULL\n"
                   "ALTER TABLE t DROP CONSTRAINT profile_migrate_not_null\n");
}

/* ------------------------------------------------------------------------------------------------------------- stability */

static void add_many(struct catalog *c, bool backwards)
{
    enum { MANY = 24 };
    uint32_t views[MANY];
    for (int i = 0; i < MANY; i++) {
        int k = backwards ? MANY - 1 - i : i;
        uint32_t table = add(c, &kind_table, arena_printf(c->arena, "public.t%d", k), OBJECT_NONE, NULL);
        uint32_t column = add(c, &kind_column, arena_printf(c->arena, "public.t%d.x", k), table, "type", "text", NULL);
        views[k] = add(c, &kind_view, arena_printf(c->arena, "public.v%d", k), OBJECT_NONE, "definition",
                       arena_printf(c->arena, "SELECT %d", k), NULL);
        needs(c, views[k], column);
    }
    for (int i = 1; i < MANY; i++)
        needs(c, views[i - 1], views[i]);
}

static void the_same_schemas_give_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    add_many(f->to, false);
    const char *made = plan(f);
    f->to = schema_new(&f->arena);
    add_many(f->to, true);
    assert_plan(f, made);
    assert_true(strstr(made, "CREATE VIEW v23 ") < strstr(made, "CREATE VIEW v0 "));
    struct catalog *swap = f->from;
    f->from = f->to;
    f->to = swap;
    const char *dropped = plan(f);
    f->from = schema_new(&f->arena);
    add_many(f->from, false);
    assert_plan(f, dropped);
    assert_true(strstr(dropped, "DROP VIEW v0\n") < strstr(dropped, "DROP VIEW v23\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_schemas_need_nothing),
        TEST(what_blocks_a_type_steps_aside_with_all_that_stands_on_it),
        TEST(grants_that_do_not_count_outlive_a_replacement),
        TEST(a_table_gives_up_its_key_before_it_takes_another),
        TEST(a_name_is_given_up_before_it_is_taken),
        TEST(an_identity_waits_for_the_default_and_for_the_name_of_its_sequence),
        TEST(what_is_held_back_takes_along_what_needs_it),
        TEST(both_halves_of_a_replacement_are_held_back),
        TEST(a_new_not_null_column_is_filled_as_the_hint_says),
        TEST(a_new_not_null_column_without_values_is_asked_about),
        TEST(conversions_are_told_apart),
        TEST(labels_come_where_they_belong),
        TEST(only_labels_that_come_leave_a_type_in_place),
        TEST(a_function_is_replaced_in_place_unless_its_arguments_forbid),
        TEST(online_nothing_waits_for_a_scan),
        TEST(online_not_null_is_proven_by_a_check),
        TEST(the_same_schemas_give_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
