/* Fingerprints of hand-made schemas: the text and its way back, names, hashes, differences, and texts that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "built.h"
#include "schema/fingerprint.h"

static const struct attribute table_attributes[] = {
    {.name = "unlogged", .change = CHANGE_SET},
    {.name = "owner", .change = CHANGE_SET, .flags = ATTRIBUTE_OWNER},
    {.name = "place", .change = CHANGE_HIDDEN},
};
static const struct attribute column_attributes[] = {
    {.name = "type", .change = CHANGE_OWN},
    {.name = "expression", .change = CHANGE_SET},
};
static const struct kind schema_kind = {.name = "schema", .rank = 0};
static const struct kind extension_kind = {.name = "extension", .rank = 1, .flags = KIND_KEPT};
static const struct kind routine_kind = {.name = "function", .rank = 2};
static const struct kind table_kind = {.name = "table", .rank = 3, .attributes = table_attributes, .n_attributes = 3};
static const struct kind column_kind = {
    .name = "column", .rank = 4, .attributes = column_attributes, .n_attributes = 2};
static const struct kind event_kind = {.name = "event trigger", .rank = 5, .flags = KIND_EVENT_TRIGGER};

/* A schema under construction. */
struct made {
    struct arena arena;
    struct catalog c;
};

static void made_init(struct made *m, const char *schema)
{
    *m = (struct made){0};
    m->c.arena = &m->arena;
    m->c.schema = schema;
    m->c.version = 150020;
}

static uint32_t add_table(struct made *m, const char *identity, const char *owner)
{
    const char *values[] = {NULL, owner, identity};
    return catalog_add(&m->c, &table_kind, identity, identity, OBJECT_NONE, 0, values);
}

static void add_column(struct made *m, uint32_t table, const char *identity, const char *type, const char *expression)
{
    const char *values[] = {type, expression};
    catalog_add(&m->c, &column_kind, identity, identity, table, 0, values);
}

static void add_bare(struct made *m, const struct kind *kind, const char *identity)
{
    catalog_add(&m->c, kind, identity, identity, OBJECT_NONE, 0, NULL);
}

static struct fingerprint finish(struct made *m, const struct policy *policy)
{
    struct fingerprint f;
    catalog_finish(&m->c);
    fingerprint_of(&m->arena, &m->c, DIALECT_POSTGRESQL, policy, &f);
    memset(f.revisions, 'a', SHA256_HEX - 1);
    vec_push(&m->arena, &f.heads, "b1");
    return f;
}

static const char *text_of(struct arena *a, const struct fingerprint *f)
{
    BUF_AUTO out = {0};
    fingerprint_write(&out, f);
    return arena_str(a, buf_str(&out));
}

/* The lines of the items alone, without their hashes. */
static const char *lines_of(struct arena *a, const struct fingerprint *f)
{
    BUF_AUTO out = {0};
    struct str rest = str_from(strstr(text_of(a, f), "\n\n") + 2), line;
    while (str_next(&rest, '\n', &line)) {
        size_t colon = str_find(line, ':'), blank = str_find(line, ' ');
        buf_adds(&out, line.n && colon < line.n ? str_slice(line, blank + 1, line.n) : line);
        buf_addc(&out, '\n');
    }
    return arena_str(a, str_trim(buf_str(&out)));
}

static const char *compare(struct arena *a, const struct fingerprint *wanted, const struct fingerprint *found,
                           bool schema_only, size_t *unsure)
{
    struct fingerprint_differences d = {0};
    BUF_AUTO out = {0};
    fingerprint_compare(a, wanted, found, schema_only, &d);
    for (size_t i = 0; i < d.n; i++) {
        buf_addz(&out, i ? "; " : "");
        fingerprint_describe(&out, &d.v[i]);
    }
    *unsure = d.unsure;
    return arena_str(a, buf_str(&out));
}

/* ------------------------------------------------------------------------------------------------------------- text */

static struct fingerprint sample(struct made *m, const char *schema)
{
    made_init(m, schema);
    uint32_t t = add_table(m, arena_printf(&m->arena, "%s.documents", schema), "app");
    add_column(m, t, arena_printf(&m->arena, "%s.documents.title", schema), "text", NULL);
    add_column(m, t, arena_printf(&m->arena, "%s.documents.id", schema), "bigint", NULL);
    add_bare(m, &routine_kind, arena_printf(&m->arena, "%s.f(integer, %s.mood)", schema, schema));
    add_bare(m, &routine_kind, "other.f(integer)");
    add_bare(m, &extension_kind, "pgcrypto");
    add_bare(m, &schema_kind, schema);
    add_bare(m, &event_kind, "guard");
    return finish(m, &(struct policy){0});
}

static void the_text_has_parts_below_their_object(void **state)
{
    struct made m;
    (void)state;
    struct fingerprint f = sample(&m, "public");
    assert_string_equal(lines_of(&m.arena, &f), "function: f(integer, mood)\n"
                                                "table: documents\n"
                                                "  column: documents.id\n"
                                                "  column: documents.title\n"
                                                "beside the schema\n"
                                                "extension: pgcrypto\n"
                                                "function: other.f(integer)");
    arena_free(&m.arena);
}

static void a_tenant_that_is_a_schema_has_the_same_items(void **state)
{
    struct made a, b, c;
    (void)state;
    struct fingerprint x = sample(&a, "public"), y = sample(&b, "tenant_7"), z = sample(&c, "\"select\"");
    assert_string_equal(text_of(&a.arena, &x), text_of(&b.arena, &y));
    c.c.schema = "select"; /* its names have it quoted */
    fingerprint_of(&c.arena, &c.c, DIALECT_POSTGRESQL, &(struct policy){0}, &z);
    assert_string_equal(lines_of(&a.arena, &x), lines_of(&c.arena, &z));
    arena_free(&a.arena);
    arena_free(&b.arena);
    arena_free(&c.arena);
}

static void a_text_is_read_back_as_it_was(void **state)
{
    struct made m;
    struct fingerprint back;
    struct fingerprint_flaw flaw;
    size_t unsure;
    (void)state;
    struct fingerprint f = sample(&m, "public");
    vec_push(&m.arena, &f.policy.grant_roles, "app");
    vec_push(&m.arena, &f.policy.grant_roles, "PUBLIC");
    vec_push(&m.arena, &f.ignored, "public.events_*");
    const char *text = text_of(&m.arena, &f);
    assert_true(fingerprint_parse(&m.arena, str_from(text), &back, &flaw));
    assert_string_equal(text_of(&m.arena, &back), text);
    assert_string_equal(compare(&m.arena, &back, &f, false, &unsure), "");
    assert_true(back.policy.grants && strings_equal(&back.policy.grant_roles, &f.policy.grant_roles));
    assert_true(strings_equal(&back.ignored, &f.ignored));
    assert_int_equal(back.major, 15);
    arena_free(&m.arena);
}

static void hostile_names_stay_on_their_line(void **state)
{
    struct made m;
    struct fingerprint back;
    struct fingerprint_flaw flaw;
    size_t unsure;
    (void)state;
    made_init(&m, "public");
    uint32_t t = add_table(&m, "public.\"a\nbeside the schema\n\\ public.x\"", NULL);
    add_column(&m, t, "public.\"a\nbeside the schema\n\\ public.x\".\"tab\there\"", "text", NULL);
    add_table(&m, "public.\"say \"\"public.\"\" twice\"", NULL);
    add_table(&m, "other.public.x", NULL);
    struct fingerprint f = finish(&m, &(struct policy){0});
    assert_string_equal(lines_of(&m.arena, &f),
                        "table: \"a\\x0abeside the schema\\x0a\\x5c public.x\"\n"
                        "  column: \"a\\x0abeside the schema\\x0a\\x5c public.x\".\"tab\\x09here\"\n"
                        "table: \"say \"\"public.\"\" twice\"\n"
                        "beside the schema\n"
                        "table: other.public.x");
    assert_true(fingerprint_parse(&m.arena, str_from(text_of(&m.arena, &f)), &back, &flaw));
    assert_string_equal(compare(&m.arena, &back, &f, false, &unsure), "");
    arena_free(&m.arena);
}

/* -------------------------------------------------------------------------------------------------------- comparing */

static void differences_name_the_objects(void **state)
{
    struct made a, b;
    size_t unsure;
    (void)state;
    made_init(&a, "public");
    uint32_t t = add_table(&a, "public.documents", "x");
    add_column(&a, t, "public.documents.id", "bigint", NULL);
    add_column(&a, t, "public.documents.title", "text", NULL);
    add_column(&a, t, "public.documents.zip", "text", NULL);
    t = add_table(&a, "public.gone", NULL);
    add_column(&a, t, "public.gone.id", "bigint", NULL);
    add_bare(&a, &extension_kind, "pgcrypto");
    struct fingerprint x = finish(&a, &(struct policy){0});
    made_init(&b, "public");
    t = add_table(&b, "public.documents", "y");
    add_column(&b, t, "public.documents.id", "bigint", NULL);
    add_column(&b, t, "public.documents.mine", "text", NULL);
    add_column(&b, t, "public.documents.title", "varchar", NULL);
    t = add_table(&b, "public.tmp_x", NULL);
    add_column(&b, t, "public.tmp_x.id", "bigint", NULL);
    struct fingerprint y = finish(&b, &(struct policy){0});
    assert_string_equal(compare(&a.arena, &x, &y, false, &unsure),
                        "unexpected column documents.mine; changed column documents.title; "
                        "missing column documents.zip; missing table gone; unexpected table tmp_x; "
                        "missing extension pgcrypto");
    assert_string_equal(compare(&a.arena, &x, &y, true, &unsure),
                        "unexpected column documents.mine; changed column documents.title; "
                        "missing column documents.zip; missing table gone; unexpected table tmp_x");
    /* An extension that nobody asked for is nobody's drift. */
    assert_string_equal(compare(&a.arena, &y, &x, false, &unsure),
                        "missing column documents.mine; changed column documents.title; "
                        "unexpected column documents.zip; unexpected table gone; missing table tmp_x");
    assert_int_equal(unsure, 0);
    arena_free(&a.arena);
    arena_free(&b.arena);
}

static struct fingerprint one_column(struct made *m, const char *owner, const char *type, const char *expression,
                                     const struct policy *policy)
{
    made_init(m, "public");
    uint32_t t = add_table(m, "public.t", owner);
    add_column(m, t, "public.t.c", type, expression);
    return finish(m, policy);
}

static void what_the_policy_leaves_out_does_not_differ(void **state)
{
    struct policy owners = {.owners = true}, none = {0};
    struct made a, b;
    size_t unsure;
    (void)state;
    struct fingerprint x = one_column(&a, "anna", "text", NULL, &none), y = one_column(&b, "ben", "text", NULL, &none);
    assert_string_equal(compare(&a.arena, &x, &y, false, &unsure), "");
    fingerprint_of(&a.arena, &a.c, DIALECT_POSTGRESQL, &owners, &x);
    fingerprint_of(&b.arena, &b.c, DIALECT_POSTGRESQL, &owners, &y);
    assert_string_equal(compare(&a.arena, &x, &y, false, &unsure), "changed table t");
    arena_free(&a.arena);
    arena_free(&b.arena);
}

static void another_major_version_compares_what_it_prints_alike(void **state)
{
    struct policy none = {0};
    struct made a, b, c;
    size_t unsure;
    (void)state;
    struct fingerprint x = one_column(&a, NULL, "text", "(1 + 2)", &none),
                       y = one_column(&b, NULL, "text", "1 + 2", &none),
                       z = one_column(&c, NULL, "bigint", "(1 + 2)", &none);
    assert_string_equal(compare(&a.arena, &x, &y, false, &unsure), "changed column t.c");
    assert_int_equal(unsure, 0);
    y.major = z.major = 16;
    assert_string_equal(compare(&a.arena, &x, &y, false, &unsure), "");
    assert_int_equal(unsure, 1);
    assert_string_equal(compare(&a.arena, &x, &z, false, &unsure), "changed column t.c");
    assert_int_equal(unsure, 0);
    arena_free(&a.arena);
    arena_free(&b.arena);
    arena_free(&c.arena);
}

/* -------------------------------------------------------------------------------------------------------- revisions */

static const char *digest(struct arena *a, const struct built *v, size_t n, const char *heads)
{
    char *hex = arena_alloc(a, SHA256_HEX);
    struct strings list = {0};
    BUF_AUTO joined = {0};
    fingerprint_revisions(a, built_stream(a, "tenant", v, n), DIALECT_SQLITE, hex, &list);
    strings_join(&joined, &list, ", ");
    assert_string_equal(joined.p, heads);
    return hex;
}

static void the_revisions_count_by_what_runs(void **state)
{
    static const struct built first[] = {
        {.id = "a1", .down = "", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
        {.id = "b1", .down = "a1", .up_sql = "SELECT 1;", .down_sql = "SELECT 2;"}};
    static const struct built comments[] = {
        {.id = "a1", .down = "", .up_sql = "-- why\nCREATE  TABLE t (x);", .down_sql = "DROP TABLE IF EXISTS t;"},
        {.id = "b1", .down = "a1", .up_sql = "SELECT 1;", .down_sql = "SELECT 2;"}};
    static const struct built edited[] = {
        {.id = "a1", .down = "", .up_sql = "CREATE TABLE t (y);", .down_sql = "DROP TABLE t;"},
        {.id = "b1", .down = "a1", .up_sql = "SELECT 1;", .down_sql = "SELECT 2;"}};
    static const struct built apart[] = {
        {.id = "a1", .down = "", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
        {.id = "b1", .down = "", .up_sql = "SELECT 1;", .down_sql = "SELECT 2;"}};
    ARENA_AUTO a = {0};
    (void)state;
    const char *sum = digest(&a, first, 2, "b1");
    assert_string_equal(sum, digest(&a, comments, 2, "b1"));
    assert_string_not_equal(sum, digest(&a, edited, 2, "b1"));
    assert_string_not_equal(sum, digest(&a, first, 1, "a1"));
    assert_string_not_equal(sum, digest(&a, apart, 2, "a1, b1"));
}

/* --------------------------------------------------------------------------------------------------------- refusals */

#define HEAD "version: 1\ndialect: sqlite\nheads: b1\nrevisions: " SUM "\ngrants:\nignores:\n\n"
#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H "0123456789abcdef"

static void broken_texts_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *flaw;
    } rows[] = {
        {"", 0, "the line \"version: …\" is missing"},
        {"# x\n", 1, "the line \"version: …\" is missing"},
        {"version: 999\n", 1, "the version is 999, and this is version 1"},
        {"version: 1\ndialect: mysql\n", 2, "the dialect is \"postgresql MAJOR\" or \"sqlite\""},
        {"version: 1\ndialect: postgresql x\n", 2, "the dialect is \"postgresql MAJOR\" or \"sqlite\""},
        {"version: 1\ndialect: sqlite\nhead: x\n", 3, "the line \"heads: …\" is missing"},
        {"version: 1\ndialect: sqlite\nheads: x\nrevisions: 00\n", 4, "a checksum has 64 hex digits"},
        {"version: 1\ndialect: sqlite\nheads: x\nrevisions: " SUM "\ngrants: a\n", 5,
         "the line \"ignores: …\" is missing"},
        {HEAD "<<<<<<< ours\n", 8, "the line is no \"HASH KIND: NAME\""},
        {HEAD H " table\n", 8, "the line is no \"HASH KIND: NAME\""},
        {HEAD H ":01234567 table: t\n", 8, "the line is no \"HASH KIND: NAME\""},
        {HEAD H "  table: t\n", 8, "the line is no \"HASH KIND: NAME\""},
        {HEAD H "   column: t.c\n", 8, "the line is deeper than what it could be part of"},
        {HEAD H " table: t\n" H "     column: t.c\n", 9, "the line is deeper than what it could be part of"},
        {HEAD H " table: t\n" H " table: a\n", 9, "the line is not in its place: the lines are sorted"},
        {HEAD H " table: t\nbeside the schema\n" H "   column: t.c\n", 10,
         "the line is deeper than what it could be part of"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ARENA_AUTO a = {0};
        struct fingerprint f;
        struct fingerprint_flaw flaw;
        assert_false(fingerprint_parse(&a, str_from(rows[i].text), &f, &flaw));
        assert_string_equal(flaw.text, rows[i].flaw);
        assert_int_equal(flaw.line, rows[i].line);
        assert_int_equal(flaw.other_version, i == 2);
    }
}

static void an_empty_schema_is_a_fingerprint(void **state)
{
    ARENA_AUTO a = {0};
    struct fingerprint f;
    struct fingerprint_flaw flaw;
    (void)state;
    assert_true(fingerprint_parse(&a, STR(HEAD), &f, &flaw));
    assert_int_equal(f.n, 0);
    assert_int_equal(f.heads.n, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_has_parts_below_their_object),
        cmocka_unit_test(a_tenant_that_is_a_schema_has_the_same_items),
        cmocka_unit_test(a_text_is_read_back_as_it_was),
        cmocka_unit_test(hostile_names_stay_on_their_line),
        cmocka_unit_test(differences_name_the_objects),
        cmocka_unit_test(what_the_policy_leaves_out_does_not_differ),
        cmocka_unit_test(another_major_version_compares_what_it_prints_alike),
        cmocka_unit_test(the_revisions_count_by_what_runs),
        cmocka_unit_test(broken_texts_are_refused_with_their_line),
        cmocka_unit_test(an_empty_schema_is_a_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
