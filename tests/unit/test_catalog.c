/* Schemas as values: building, asking and comparing them, and what becomes of the rows that a server gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "schema/reader.h"

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* ---- schemas made by hand ---- */

static struct catalog *schema_new(void)
{
    struct catalog *c = ARENA_NEW(&arena, struct catalog);
    *c = (struct catalog){.arena = &arena, .kinds = &kinds_postgresql};
    return c;
}

/* `values`: pairs of attribute and value, then NULL. */
static uint32_t add(struct catalog *c, const struct kind *kind, const char *identity, uint32_t parent, ...)
{
    const char **values = ARENA_ARRAY(&arena, const char *, kind->n_attributes), *name;
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

static struct catalog *two_tables(void)
{
    struct catalog *c = schema_new();
    uint32_t b = add(c, &kind_table, "public.b", OBJECT_NONE, NULL);
    uint32_t y = add(c, &kind_column, "public.b.y", b, "type", "text", NULL);
    uint32_t a = add(c, &kind_table, "public.a", OBJECT_NONE, "comment", "'first'", NULL);
    uint32_t x = add(c, &kind_column, "public.a.x", a, "type", "integer", "grants", "bob\tSELECT\t", NULL);
    uint32_t view = add(c, &kind_view, "public.v", OBJECT_NONE, "definition", "SELECT 1", NULL);
    catalog_add_edge(c, view, x, EDGE_NEEDS);
    catalog_add_edge(c, view, y, EDGE_NEEDS);
    catalog_add_edge(c, view, y, EDGE_PART);
    catalog_add_edge(c, view, y, EDGE_VANISHES);
    catalog_add_edge(c, view, view, EDGE_NEEDS);
    return c;
}

static uint32_t find(const struct catalog *c, const struct kind *kind, const char *identity)
{
    uint32_t i = catalog_find(c, kind, identity);
    if (i == OBJECT_NONE)
        fail_msg("there is no %s %s", kind->name, identity);
    return i;
}

static void test_sorted(void **state)
{
    static const char *const order[] = {"public.a", "public.b", "public.a.x", "public.b.y", "public.v"};
    struct catalog *c = two_tables();
    (void)state;
    catalog_finish(c);
    assert_int_equal(c->objects.n, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_string_equal(c->objects.v[i].identity, order[i]);
        assert_int_equal(catalog_find(c, c->objects.v[i].kind, order[i]), i);
    }
    assert_int_equal(c->objects.v[2].parent, 0);
    assert_int_equal(c->objects.v[3].parent, 1);
    assert_int_equal(catalog_find(c, &kind_table, "public.c"), OBJECT_NONE);
    assert_int_equal(catalog_find(c, &kind_view, "public.a"), OBJECT_NONE);
    assert_string_equal(object_value(&c->objects.v[3], "type"), "text");
    assert_null(object_value(&c->objects.v[3], "comment"));
}

static void test_edges(void **state)
{
    struct catalog *c = two_tables();
    size_t first;
    (void)state;
    catalog_finish(c);
    assert_int_equal(c->edges.n, 4); /* two columns are parts; the view needs them */
    assert_int_equal(catalog_edges_from(c, find(c, &kind_view, "public.v"), &first) - first, 2);
    assert_int_equal(c->edges.v[first].kind, EDGE_NEEDS);
    assert_int_equal(c->edges.v[first + 1].to, find(c, &kind_column, "public.b.y"));
    assert_int_equal(c->edges.v[first + 1].kind, EDGE_PART);
    assert_int_equal(catalog_edges_from(c, 0, &first) - first, 0);
    struct needed_by by = catalog_needed_by(c);
    uint32_t y = find(c, &kind_column, "public.b.y");
    assert_int_equal(by.start[y + 1] - by.start[y], 1);
    assert_int_equal(c->edges.v[by.edge[by.start[y]]].from, find(c, &kind_view, "public.v"));
    assert_int_equal(by.start[c->objects.n], c->edges.n);
}

static void test_nothing(void **state)
{
    struct catalog *c = schema_new();
    struct differences d = {0};
    (void)state;
    catalog_finish(c);
    assert_int_equal(catalog_find(c, &kind_table, "public.a"), OBJECT_NONE);
    assert_int_equal(catalog_needed_by(c).start[0], 0);
    catalog_compare(&arena, c, c, &(struct policy){0}, &d);
    assert_int_equal(d.n, 0);
}

/* ---- comparing ---- */

static const char *compared(struct catalog *wanted, struct catalog *found, const struct policy *policy)
{
    struct differences d = {0};
    BUF_AUTO text = {0};
    catalog_finish(wanted);
    catalog_finish(found);
    catalog_compare(&arena, wanted, found, policy, &d);
    for (size_t i = 0; i < d.n; i++) {
        buf_addz(&text, i ? "\n" : "");
        difference_describe(&text, &d.v[i]);
    }
    return arena_strdup(&arena, text.p ? text.p : "");
}

static void test_compared(void **state)
{
    struct catalog *found = schema_new();
    (void)state;
    uint32_t a = add(found, &kind_table, "public.a", OBJECT_NONE, NULL);
    add(found, &kind_column, "public.a.x", a, "type", "bigint", "comment", "'new'", NULL);
    uint32_t c = add(found, &kind_table, "public.c", OBJECT_NONE, NULL);
    add(found, &kind_column, "public.c.z", c, "type", "text", NULL);
    add(found, &kind_view, "public.v", OBJECT_NONE, "definition", "SELECT 1", "columns", "x", NULL);
    assert_string_equal(compared(two_tables(), found, &(struct policy){0}),
                        "table public.a: comment is not set, should be 'first'\n"
                        "table public.b is missing\n"
                        "table public.c is not expected\n"
                        "column public.a.x: type is bigint, not integer\n"
                        "column public.a.x: comment is 'new', should not be set");
}

static void test_one_line(void **state)
{
    struct catalog *wanted = schema_new(), *found = schema_new();
    BUF_AUTO much = {0};
    (void)state;
    for (size_t i = 0; i < 100; i++)
        buf_addz(&much, "ö ");
    add(wanted, &kind_view, "public.\"a\nb\"", OBJECT_NONE, "definition", "SELECT\n1", NULL);
    add(found, &kind_view, "public.\"a\nb\"", OBJECT_NONE, "definition", much.p, NULL);
    const char *text = compared(wanted, found, &(struct policy){0});
    assert_null(strchr(text, '\n'));
    assert_true(str_utf8_error(str_from(text)) == strlen(text));
    assert_non_null(strstr(text, "view public.\"a b\": definition is ö ö"));
    assert_non_null(strstr(text, "…, not SELECT 1"));
}

static const char *with_grants(const char *wanted, const char *found, const struct policy *policy)
{
    struct catalog *w = schema_new(), *f = schema_new();
    add(w, &kind_table, "public.t", OBJECT_NONE, "grants", wanted, "owner", "alice", NULL);
    add(f, &kind_table, "public.t", OBJECT_NONE, "grants", found, "owner", "bob", NULL);
    return compared(w, f, policy);
}

static void test_policy(void **state)
{
    static const char *roles[] = {"PUBLIC", "a\"b\nc", "bob"};
    struct policy some = {.grants = true, .grant_roles = {roles, 3, 3}};
    (void)state;
    assert_string_equal(with_grants("bob\tSELECT\t", NULL, &(struct policy){0}), "");
    assert_string_equal(with_grants(NULL, NULL, &(struct policy){.owners = true}),
                        "table public.t: owner is bob, not alice");
    assert_string_equal(with_grants("bob\tSELECT\t", NULL, &(struct policy){.grants = true}),
                        "table public.t: grants is not set, should be bob SELECT ");
    assert_string_equal(with_grants("carol\tSELECT\t", NULL, &some), "");
    assert_string_equal(with_grants("bobby\tSELECT\t\ncarol\tSELECT\t", "bo\tSELECT\t", &some), "");
    assert_string_equal(with_grants("bob\tSELECT\t\ncarol\tSELECT\t", "bob\tSELECT\t", &some), "");
    assert_string_not_equal(with_grants("bob\tSELECT\t", "bob\tSELECT\tgrant option", &some), "");
    assert_string_not_equal(with_grants("PUBLIC\tSELECT\t", "carol\tSELECT\t", &some), "");
    assert_string_not_equal(with_grants("\"a\"\"b\nc\"\tSELECT\t", NULL, &some), "");
    assert_string_equal(with_grants("\"PUBLI\"\tSELECT\t", NULL, &some), "");
}

/* ---- the table of kinds ---- */

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < kinds_postgresql.n; i++) {
        const struct kind *k = kinds_postgresql.v[i];
        assert_int_equal(k->rank, i);
        assert_ptr_equal(kind_find(&kinds_postgresql, k->name), k);
        if (!k->query)
            fail_msg("nothing is read of %s", k->name);
        if (k->flags & KIND_INLINE && (!k->clause || !k->create))
            fail_msg("%s has no clause", k->name);
        for (size_t j = 0; j < k->n_attributes; j++)
            if (kind_attribute(k, k->attributes[j].name) != j)
                fail_msg("%s has two attributes %s", k->name, k->attributes[j].name);
    }
    assert_null(kind_find(&kinds_postgresql, "tabel"));
    assert_int_equal(kind_attribute(&kind_table, "colour"), kind_table.n_attributes);
}

/* ---- queries ---- */

static const char *expanded(const char *query, const struct scope *scope, uint32_t version)
{
    AUTO_ERR e = {0};
    BUF_AUTO text = {0};
    if (!query_expand(&text, query, scope, version, &e))
        return arena_strdup(&arena, e.message);
    return arena_strdup(&arena, text.p ? text.p : "");
}

static void test_placeholders(void **state)
{
    struct scope all = {0}, one = {.schema = "o'k", .version_table = "v"};
    (void)state;
    assert_string_equal(expanded("SELECT ${version}, '$', '{x}'", &all, 150020), "SELECT 150020, '$', '{x}'");
    assert_string_equal(expanded("${since:140000,f(a, b),NULL}", &all, 140000), "f(a, b)");
    assert_string_equal(expanded("${since:140000,f(a, b),coalesce(${version}, 2)}", &all, 130021),
                        "coalesce(130021, 2)");
    assert_string_equal(expanded("x${since:130000,AND y,}", &all, 120000), "x");
    assert_non_null(strstr(expanded("${in_scope:n.oid}", &all, 1), "(n.oid) = ANY"));
    assert_non_null(strstr(expanded("${in_scope:n.oid}", &one, 1), "nspname = 'o''k'"));
    assert_non_null(
        strstr(expanded("${not_ours:c.oid}", &all, 1), "'alembic_version', 'migrate_log', 'migrate_ledger'"));
    assert_non_null(strstr(expanded("${not_ours:c.oid}", &one, 1), "'v', 'migrate_log'"));
    assert_non_null(strstr(expanded("${acl:r,c.acl,c.owner}", &all, 1), "acldefault('r', c.owner)"));
    assert_null(strstr(expanded("${acl:c,c.acl,c.owner}", &all, 1), "acldefault"));
    assert_string_equal(expanded("${nothing:x}", &all, 1), "\"${nothing:x}\" is no placeholder");
    assert_string_equal(expanded("${comment:pg_class,oid}", &all, 1), "\"${comment:pg_class,oid}\" is no placeholder");
}

/* ---- rows to objects ---- */

enum { MOST = 16 };

/* A server that answers the query of one kind, and the one for dependencies. */
struct fake {
    const struct kind *kind[3];
    const char *rows[3][MOST][MOST]; /* of a kind: pairs of column and value */
    const char *depend[MOST][7];
    size_t statements;
    const struct scope *scope;
};

static bool hand(struct fake *f, const char *declared, size_t index,
                 bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to, struct err *e)
{
    static const char *const none[7] = {"a", "b", "c", "d", "e", "f", "g"};
    const char *body = strstr(declared, " FOR ") + strlen(" FOR ");
    for (size_t k = 0; k < 3; k++) {
        if (!f->kind[k] || strcmp(body, expanded(f->kind[k]->query, f->scope, 150020)) != 0)
            continue;
        for (size_t i = 0; i < MOST && f->rows[k][i][0]; i++) {
            const char *names[64], *values[64];
            size_t n = 0;
            for (size_t j = 0; j + 1 < MOST && f->rows[k][i][j]; j += 2, n++) {
                names[n] = f->rows[k][i][j];
                values[n] = f->rows[k][i][j + 1];
            }
            for (size_t j = 0; j < f->kind[k]->n_attributes; j++, n++) {
                names[n] = f->kind[k]->attributes[j].name;
                values[n] = names[n];
            }
            if (!row(to, index, &(struct db_row){n, names, values}, e))
                return false;
        }
    }
    if (strcmp(body, dependencies_query) == 0)
        for (size_t i = 0; i < MOST && f->depend[i][0]; i++)
            if (!row(to, index, &(struct db_row){7, none, f->depend[i]}, e))
                return false;
    return true;
}

static bool run_fake(void *context, const char *const *sql, size_t n,
                     bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                     struct err *e)
{
    static const char *const names[] = {"version", "schema", "role"}, *const values[] = {"150020", "public", "alice"};
    struct fake *f = context;
    if (n == 1)
        return row(to, 0, &(struct db_row){3, names, values}, e);
    f->statements = n;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(sql[i], "FETCH ALL FROM ", 15) != 0)
            continue;
        BUF_AUTO declare = {0};
        buf_addf(&declare, "DECLARE %s ", sql[i] + 15);
        for (size_t j = 0; j < i; j++)
            if (strncmp(sql[j], declare.p, declare.n) == 0 && !hand(f, sql[j], i, row, to, e))
                return false;
    }
    return true;
}

static bool read_fake(struct fake *f, struct catalog *c, const struct scope *scope, struct err *e)
{
    struct catalog_source source = {DIALECT_POSTGRESQL, f, run_fake};
    f->scope = scope;
    return catalog_read(&arena, c, &source, scope, NAMES_QUALIFIED, e);
}

#define TABLE(OID, NAME)                                                                                               \
    {                                                                                                                  \
        "class", "1259", "oid", OID, "identity", NAME, "address", NAME                                                 \
    }
#define COLUMN(OF, NUMBER, NAME)                                                                                       \
    {                                                                                                                  \
        "class", "1259", "oid", OF, "sub", NUMBER, "ordinal", NUMBER, "parent_class", "1259", "parent_oid", OF,        \
            "identity", NAME, "address", NAME                                                                          \
    }

static void test_read(void **state)
{
    struct fake f = {.kind = {&kind_table, &kind_column},
                     .rows = {{TABLE("11", "public.a"), TABLE("12", "public.b")},
                              {COLUMN("11", "2", "public.a.x"), COLUMN("99", "1", "public.ours.z")}}};
    struct catalog c;
    AUTO_ERR e = {0};
    (void)state;
    assert_true(read_fake(&f, &c, &(struct scope){0}, &e));
    assert_int_equal(c.objects.n, 3); /* what is a part of nothing that is read is not read */
    const struct object *x = &c.objects.v[find(&c, &kind_column, "public.a.x")];
    assert_int_equal(x->ordinal, 2);
    assert_int_equal(x->parent, find(&c, &kind_table, "public.a"));
    assert_string_equal(object_value(x, "type"), "type");
    assert_string_equal(c.role, "alice");
    assert_string_equal(c.schema, "public");
    assert_int_equal(c.version, 150020);
}

static void test_read_ignored(void **state)
{
    static const char *globs[] = {"public.a*", "other.*"};
    struct fake f = {.kind = {&kind_table, &kind_column},
                     .rows = {{TABLE("11", "public.a_2026"), TABLE("12", "public.b")},
                              {COLUMN("11", "1", "public.a_2026.x"), COLUMN("12", "1", "public.b.x")}}};
    struct scope scope = {.ignored = {globs, 2, 2}};
    struct catalog c;
    AUTO_ERR e = {0};
    (void)state;
    assert_true(read_fake(&f, &c, &scope, &e));
    assert_int_equal(c.objects.n, 2);
    assert_string_equal(c.objects.v[1].identity, "public.b.x");
}

static void test_read_slips(void **state)
{
    struct fake strange = {.kind = {&kind_table},
                           .rows = {{{"class", "1259", "oid", "1", "colour", "red", "identity", "x", "address", "x"}}}};
    struct fake nameless = {.kind = {&kind_table}, .rows = {{{"class", "1259", "oid", "1", "address", "x"}}}};
    struct catalog c;
    AUTO_ERR e = {0};
    (void)state;
    assert_false(read_fake(&strange, &c, &(struct scope){0}, &e));
    assert_string_equal(e.message, "kind \"table\" has no attribute \"colour\"");
    assert_false(read_fake(&nameless, &c, &(struct scope){0}, &e));
    assert_string_equal(e.message, "the query of kind \"table\" gives no class, oid, identity or address");
}

/* The type of the edge between two objects, or -1. */
static int edge_between(const struct catalog *c, uint32_t from, uint32_t to)
{
    size_t first, end = catalog_edges_from(c, from, &first);
    for (; first < end; first++)
        if (c->edges.v[first].to == to)
            return (int)c->edges.v[first].kind;
    return -1;
}

static void test_dependencies(void **state)
{
    struct fake f = {
        .kind = {&kind_table, &kind_column, &kind_sequence},
        .rows = {{TABLE("11", "public.a"), TABLE("12", "public.b"), TABLE("13", "public.child")},
                 {COLUMN("11", "1", "public.a.x"), COLUMN("12", "1", "public.b.y"),
                  COLUMN("13", "1", "public.child.x")},
                 {TABLE("20", "public.s")}},
        .depend = {{"1259", "20", "0", "1259", "11", "1", "a"}, /* the sequence is owned by a.x */
                   {"1259", "12", "1", "1247", "31", "0", "n"}, /* b.y is of an array … */
                   {"1247", "31", "0", "1247", "30", "0", "i"}, /* … of rows … */
                   {"1247", "30", "0", "1259", "11", "0", "i"}, /* … of a */
                   {"1259", "13", "0", "1259", "11", "0", "a"}, /* inheritance is another object's matter */
                   {"2606", "40", "0", "2606", "41", "0", "P"}, /* a copy of a constraint … */
                   {"2606", "40", "0", "1259", "13", "1", "a"}, /* … on the child … */
                   {"2606", "41", "0", "1259", "11", "1", "i"}, /* … of one that is a piece of a.x */
                   {"1259", "12", "1", "2606", "40", "0", "n"}, /* b.y needs the copy */
                   {"1259", "13", "1", "9999", "1", "0", "n"}}, /* something that nobody knows */
    };
    struct catalog c;
    AUTO_ERR e = {0};
    (void)state;
    assert_true(read_fake(&f, &c, &(struct scope){0}, &e));
    uint32_t a = find(&c, &kind_table, "public.a"), child = find(&c, &kind_table, "public.child"),
             x = find(&c, &kind_column, "public.a.x"), y = find(&c, &kind_column, "public.b.y"),
             s = find(&c, &kind_sequence, "public.s"), of_child = find(&c, &kind_column, "public.child.x");
    assert_int_equal(edge_between(&c, s, x), EDGE_VANISHES);
    assert_int_equal(edge_between(&c, y, a), EDGE_NEEDS);
    assert_int_equal(edge_between(&c, child, a), -1);
    assert_int_equal(edge_between(&c, x, of_child), -1);
    assert_int_equal(edge_between(&c, y, x), EDGE_NEEDS);
    assert_int_equal(c.edges.n, 3 + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_sorted, tear_down),     cmocka_unit_test_teardown(test_edges, tear_down),
        cmocka_unit_test_teardown(test_nothing, tear_down),    cmocka_unit_test_teardown(test_compared, tear_down),
        cmocka_unit_test_teardown(test_one_line, tear_down),   cmocka_unit_test_teardown(test_policy, tear_down),
        cmocka_unit_test_teardown(test_kinds, tear_down),      cmocka_unit_test_teardown(test_placeholders, tear_down),
        cmocka_unit_test_teardown(test_read, tear_down),       cmocka_unit_test_teardown(test_read_ignored, tear_down),
        cmocka_unit_test_teardown(test_read_slips, tear_down), cmocka_unit_test_teardown(test_dependencies, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
