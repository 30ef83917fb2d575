/* The schema as the chain of revisions leaves it, as far as syntax trees tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gen/lint/chain.h"
#include "gen/parse_postgresql.h"

struct schema {
    struct arena arena;
    struct chain *chain;
    struct strings made;
};

static void run(struct schema *s, const char *sql)
{
    struct parsed_list list = {0};
    struct parse_error e = {0};
    if (!s->chain)
        s->chain = chain_new(&s->arena);
    if (!parse_split(&s->arena, str_from(sql), &list, &e))
        fail_msg("%s: %s", sql, e.message);
    for (size_t i = 0; i < list.n; i++) {
        struct str text = str_slice(str_from(sql), list.v[i].offset, list.v[i].offset + list.v[i].length);
        json_auto_t *tree = parse_tree(str_from(arena_str(&s->arena, text)));
        assert_non_null(tree);
        chain_made(tree, &s->made, &s->arena);
        chain_apply(s->chain, tree);
    }
}

static void done(struct schema *s)
{
    arena_free(&s->arena);
}

static const struct chain_relation *relation(struct schema *s, const char *name)
{
    const struct chain_relation *r = chain_relation(s->chain, name);
    if (!r)
        fail_msg("no %s", name);
    return r;
}

/* "id int8 not null default" for each column, joined with ", ". */
static const char *columns(struct schema *s, const char *name)
{
    const struct chain_relation *r = relation(s, name);
    BUF_AUTO out = {0};
    for (size_t i = 0; i < r->columns.n; i++) {
        const struct chain_column *c = &r->columns.v[i];
        buf_addf(&out, "%s%s %s", i ? ", " : "", c->name, chain_type_text(&s->arena, &c->type));
        if (c->collation)
            buf_addf(&out, " collate %s", c->collation);
        buf_addf(&out, "%s%s%s%s", c->not_null ? " not null" : "", c->has_default ? " default" : "",
                 c->stored ? " stored" : "", c->identity ? " identity" : "");
    }
    return arena_str(&s->arena, buf_str(&out));
}

/* "documents_pkey(id)", with "!" when it is not valid, joined with blanks. */
static const char *constraints(struct schema *s, const char *name)
{
    const struct chain_relation *r = relation(s, name);
    BUF_AUTO out = {0};
    for (size_t i = 0; i < r->constraints.n; i++) {
        const struct chain_constraint *k = &r->constraints.v[i];
        buf_addf(&out, "%s%s(", i ? " " : "", k->name);
        strings_join(&out, &k->columns, ",");
        buf_addf(&out, ")%s%s%s", k->valid ? "" : "!", k->parent ? "->" : "", k->parent ? k->parent : "");
    }
    return arena_str(&s->arena, buf_str(&out));
}

static const char *indexes(struct schema *s, const char *name)
{
    const struct chain_relation *r = relation(s, name);
    BUF_AUTO out = {0};
    for (size_t i = 0; i < r->indexes.n; i++) {
        buf_addf(&out, "%s%s(", i ? " " : "", r->indexes.v[i].name);
        strings_join(&out, &r->indexes.v[i].columns, ",");
        buf_addf(&out, ")%s%s", r->indexes.v[i].unique ? "u" : "", r->indexes.v[i].partial ? "p" : "");
    }
    return arena_str(&s->arena, buf_str(&out));
}

static void columns_have_canonical_types(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s, "CREATE TABLE t (a bigserial, b int, c varchar(80) NOT NULL DEFAULT 'x', d timestamp(3) with time zone,"
            " e numeric(8), f text[] COLLATE \"C\", g int GENERATED ALWAYS AS (b * 2) STORED,"
            " h int GENERATED ALWAYS AS IDENTITY, i billing.money, j char DEFAULT NULL, k interval hour)");
    assert_string_equal(columns(&s, "public.t"),
                        "a bigint not null default, b integer, c character varying(80) not null default,"
                        " d timestamp(3) with time zone, e numeric(8,0), f text[] collate C, g integer stored,"
                        " h integer not null identity, i billing.money, j character(1), k interval hour");
    assert_true(relation(&s, "public.t")->whole);
    run(&s, "ALTER TABLE public.t ALTER c TYPE text, ALTER c DROP NOT NULL, ALTER c DROP DEFAULT, ALTER b SET NOT NULL,"
            " ALTER b SET DEFAULT 3, ALTER g DROP EXPRESSION, ALTER h DROP IDENTITY, DROP COLUMN a, DROP d, DROP e,"
            " DROP f, DROP i, DROP j, DROP k, ADD l smallint");
    assert_string_equal(columns(&s, "public.t"),
                        "b integer not null default, c text, g integer, h integer not null, l smallint");
    done(&s);
}

static void constraints_have_postgresqls_names(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE x.p (id int);"
            "CREATE TABLE t (id bigint PRIMARY KEY, a int UNIQUE CHECK (a > 0), b int REFERENCES p, c int,"
            " CHECK (a < 9), CHECK (a < b), CHECK (b < c), UNIQUE (a, b), FOREIGN KEY (b, c) REFERENCES x.p (k, l),"
            " EXCLUDE USING gist (a WITH =), CONSTRAINT named CHECK (c IS NOT NULL))");
    assert_string_equal(constraints(&s, "public.t"),
                        "t_pkey(id) t_a_key(a) t_a_check(a) t_b_fkey(b)->public.p t_a_check1(a) t_check(a,b)"
                        " t_check1(b,c) t_a_b_key(a,b) t_b_c_fkey(b,c)->x.p t_a_excl(a) named(c)");
    assert_string_equal(indexes(&s, "public.t"), "t_pkey(id)u t_a_key(a)u t_a_b_key(a,b)u t_a_excl(a)");
    run(&s,
        "ALTER TABLE t DROP CONSTRAINT t_a_b_key, DROP CONSTRAINT t_a_excl, DROP COLUMN c, DROP CONSTRAINT t_check;"
        "ALTER TABLE t RENAME COLUMN a TO z; ALTER TABLE t RENAME CONSTRAINT t_a_key TO once; DROP TABLE p CASCADE");
    assert_string_equal(constraints(&s, "public.t"), "t_pkey(id) once(z) t_a_check(z) t_a_check1(z)");
    assert_string_equal(indexes(&s, "public.t"), "t_pkey(id)u once(z)u");
    done(&s);
}

static void long_names_are_cut_as_postgresql_cuts_them(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s, "CREATE TABLE a_table_with_a_name_of_forty_characters_xx (a_column_with_a_name_of_forty_characters_x int"
            " CHECK (true) UNIQUE)");
    assert_string_equal(relation(&s, "public.a_table_with_a_name_of_forty_characters_xx")->indexes.v[0].name,
                        "a_table_with_a_name_of_forty__a_column_with_a_name_of_forty_key");
    done(&s);
}

static void a_check_is_proof_once_it_is_valid(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s, "CREATE TABLE t (a int, b int, c int); ALTER TABLE t ADD CONSTRAINT k CHECK (a IS NOT NULL) NOT VALID,"
            " ADD CHECK (b IS NOT NULL AND c > 0), ADD CHECK (c IS NOT NULL OR a > 0)");
    const struct chain_relation *t = relation(&s, "public.t");
    assert_string_equal(chain_constraint(t, "k")->not_null_column, "a");
    assert_null(chain_constraint(t, "t_check")->not_null_column);
    assert_false(chain_proves_not_null(t, "a"));
    assert_true(chain_proves_not_null(t, "b"));
    assert_false(chain_proves_not_null(t, "c"));
    run(&s, "ALTER TABLE t VALIDATE CONSTRAINT k");
    assert_true(chain_proves_not_null(t, "a"));
    run(&s, "ALTER TABLE t DROP CONSTRAINT k");
    assert_false(chain_proves_not_null(t, "a"));
    done(&s);
}

static void indexes_are_found_by_their_names(void **state)
{
    (void)state;
    struct schema s = {0};
    const struct chain_index *index;
    run(&s, "CREATE TABLE t (a int, b text); CREATE UNIQUE INDEX ON t (a, lower(b)) WHERE a > 1;"
            "CREATE INDEX CONCURRENTLY named ON t ((a + 1)); CREATE INDEX ON t (b)");
    assert_string_equal(indexes(&s, "public.t"), "t_a_lower_idx(a,)up named() t_b_idx(b)");
    assert_string_equal(chain_index(s.chain, "public.named", &index)->name, "public.t");
    assert_string_equal(index->name, "named");
    assert_null(chain_index(s.chain, "other.named", &index));
    assert_null(index);
    run(&s, "ALTER INDEX named RENAME TO again; ALTER TABLE t_b_idx RENAME TO by_b; DROP INDEX t_a_lower_idx;"
            "ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX by_b");
    assert_string_equal(indexes(&s, "public.t"), "again() k(b)");
    assert_string_equal(constraints(&s, "public.t"), "k(b)");
    done(&s);
}

static void tables_move_and_others_follow(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s,
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p); CREATE VIEW v AS"
        " WITH q AS (SELECT 1) SELECT 1 FROM q, p JOIN (SELECT * FROM x.u) y ON true WHERE EXISTS (SELECT 1 FROM c);"
        "ALTER TABLE p RENAME TO parent; ALTER TABLE parent SET SCHEMA core; ALTER SCHEMA core RENAME TO hull");
    assert_string_equal(constraints(&s, "public.c"), "c_p_fkey(p)->hull.parent");
    const struct chain_relation *v = relation(&s, "public.v");
    assert_int_equal(v->kind, CHAIN_VIEW);
    assert_true(v->reads.n == 3 && strings_has(&v->reads, "hull.parent") && strings_has(&v->reads, "x.u") &&
                strings_has(&v->reads, "public.c"));
    run(&s, "DROP SCHEMA hull CASCADE; DROP VIEW v");
    assert_null(chain_relation(s.chain, "hull.parent"));
    assert_null(chain_relation(s.chain, "public.v"));
    size_t at = 0;
    assert_string_equal(chain_next(s.chain, &at)->name, "public.c");
    assert_null(chain_next(s.chain, &at));
    done(&s);
}

static void partitions_know_their_parent(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s, "CREATE TABLE t (at date NOT NULL, k int, PRIMARY KEY (at, k), CHECK (k > 0)) PARTITION BY RANGE (at);"
            "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"
            "CREATE TABLE t2 (LIKE t INCLUDING ALL); CREATE TABLE t3 (LIKE unknown);"
            "ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')");
    assert_true(relation(&s, "public.t")->partitioned);
    assert_string_equal(relation(&s, "public.t")->keys.v[0], "at");
    assert_string_equal(relation(&s, "public.t1")->partition_of, "public.t");
    assert_string_equal(relation(&s, "public.t2")->partition_of, "public.t");
    assert_string_equal(columns(&s, "public.t1"), "at date not null, k integer not null");
    assert_true(relation(&s, "public.t2")->whole && !relation(&s, "public.t3")->whole);
    run(&s, "ALTER TABLE t DETACH PARTITION t2 CONCURRENTLY; DROP TABLE t");
    assert_null(chain_relation(s.chain, "public.t1"));
    assert_null(relation(&s, "public.t2")->partition_of);
    done(&s);
}

static void types_and_functions_are_remembered(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s,
        "CREATE DOMAIN plain AS text; CREATE DOMAIN tight AS text CHECK (value <> ''); CREATE DOMAIN above AS tight;"
        "CREATE DOMAIN stamped AS timestamptz DEFAULT clock_timestamp(); CREATE TYPE x.mood AS ENUM ('good');"
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION g() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; CREATE TABLE t (a tight)");
    assert_false(chain_user_type(s.chain, "public.plain")->constrained);
    assert_true(chain_user_type(s.chain, "public.tight")->constrained);
    assert_true(chain_user_type(s.chain, "public.above")->constrained);
    assert_string_equal(chain_user_type(s.chain, "public.stamped")->volatile_default, "clock_timestamp");
    assert_int_equal(chain_user_type(s.chain, "x.mood")->kind, CHAIN_ENUM);
    const struct chain_column *a = chain_column(relation(&s, "public.t"), "a");
    assert_string_equal(chain_type_object(s.chain, &a->type)->name, "public.tight");
    assert_int_equal(chain_volatility(s.chain, "public.f"), 'v');
    assert_int_equal(chain_volatility(s.chain, "public.g"), 'i');
    assert_int_equal(chain_volatility(s.chain, "public.h"), '\0');
    run(&s,
        "ALTER DOMAIN tight DROP CONSTRAINT tight_check; ALTER DOMAIN plain SET NOT NULL; ALTER FUNCTION g() VOLATILE;"
        "ALTER DOMAIN tight RENAME TO loose; DROP FUNCTION f(); DROP TYPE x.mood");
    assert_false(chain_user_type(s.chain, "public.loose")->constrained);
    assert_true(chain_user_type(s.chain, "public.plain")->constrained);
    assert_string_equal(chain_column(relation(&s, "public.t"), "a")->type.name, "loose");
    assert_int_equal(chain_volatility(s.chain, "public.g"), 'v');
    assert_int_equal(chain_volatility(s.chain, "public.f"), '\0');
    assert_null(chain_user_type(s.chain, "x.mood"));
    done(&s);
}

static void what_was_not_seen_made_is_known_in_part(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s, "ALTER TABLE legacy.t ADD COLUMN a int, ADD CONSTRAINT k CHECK (b IS NOT NULL)");
    assert_false(relation(&s, "legacy.t")->whole);
    assert_true(chain_proves_not_null(relation(&s, "legacy.t"), "b"));
    assert_false(chain_proves_not_null(relation(&s, "legacy.t"), "a"));
    done(&s);
}

static void new_relations_are_listed_under_their_last_name(void **state)
{
    (void)state;
    struct schema s = {0};
    run(&s, "CREATE TABLE a (x int); CREATE TABLE s.b AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1;"
            "CREATE OR REPLACE VIEW v AS SELECT 1; SELECT 1 AS x INTO i; CREATE SCHEMA q CREATE TABLE r (x int);"
            "CREATE SEQUENCE seq; ALTER TABLE old RENAME TO older; ALTER TABLE a RENAME TO old;"
            "ALTER TABLE old SET SCHEMA z; ALTER TABLE s.b RENAME COLUMN x TO y");
    strings_sort(&s.made);
    BUF_AUTO out = {0};
    strings_join(&out, &s.made, " ");
    assert_string_equal(out.p, "public.i public.m public.seq q.r s.b z.old");
    done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_have_canonical_types),
        cmocka_unit_test(constraints_have_postgresqls_names),
        cmocka_unit_test(long_names_are_cut_as_postgresql_cuts_them),
        cmocka_unit_test(a_check_is_proof_once_it_is_valid),
        cmocka_unit_test(indexes_are_found_by_their_names),
        cmocka_unit_test(tables_move_and_others_follow),
        cmocka_unit_test(partitions_know_their_parent),
        cmocka_unit_test(types_and_functions_are_remembered),
        cmocka_unit_test(what_was_not_seen_made_is_known_in_part),
        cmocka_unit_test(new_relations_are_listed_under_their_last_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
