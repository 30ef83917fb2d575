/* What the check stage records of PostgreSQL's statements, and what its limits are; the refusals are in tests/golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gen/source.h"

struct checked {
    struct arena arena;
    struct source source;
    struct source_stream stream;
    struct source_revision r;
    const struct revision_section *up;
};

#define HEAD "-- Revision: a1\n-- Revises:\n-- Message: m\n\n-- migrate:up"
#define BODY_LINE 6

/* One revision whose up section has these keys and this body. */
static void check_body(struct checked *c, const char *keys, struct str body)
{
    BUF_AUTO text = {0};
    *c = (struct checked){0};
    c->source = (struct source){.arena = &c->arena, .findings = {.arena = &c->arena}};
    c->stream = (struct source_stream){.name = "s", .dialects = DIALECT_BIT(DIALECT_POSTGRESQL)};
    buf_addf(&text, HEAD "%s irreversible\n", keys);
    buf_adds(&text, body);
    char *bytes = arena_str(&c->arena, buf_str(&text));
    c->r.unreadable = !text_take(&c->source.findings, "s/versions/a.sql", "a.sql", bytes, text.n, &c->r.file);
    source_parse_revision(&c->source.findings, &c->arena, &c->r);
    source_pick_sections(&c->source.findings, &c->stream, &c->r);
    vec_push(&c->arena, &c->stream.revisions, &c->r);
    struct source_stream *stream = &c->stream;
    vec_push(&c->arena, &c->source.streams, stream);
    check_postgresql(&c->source);
    c->up = &c->r.sections.v[0];
}

static void check(struct checked *c, const char *keys, const char *body)
{
    check_body(c, keys, str_from(body));
}

static void done(struct checked *c)
{
    findings_free(&c->source.findings);
    arena_free(&c->arena);
}

static void assert_right(const struct checked *c)
{
    if (c->source.findings.n_errors)
        fail_msg("line %d: %s", c->source.findings.list.v[0].err.line, c->source.findings.list.v[0].err.message);
}

static const struct revision_statement *statement(const struct checked *c, uint32_t i, const char *text)
{
    assert_true(i < c->up->n_statements);
    const struct revision_statement *st = &c->up->statements[i];
    assert_int_equal(st->length, strlen(text));
    assert_memory_equal(c->r.file.bytes.p + st->offset, text, st->length);
    return st;
}

static void statements_are_recorded_without_comments_and_semicolons(void **state)
{
    struct checked c;
    (void)state;
    check(&c, "", "-- first\nCREATE TABLE é (a int); /* b */ INSERT INTO é\nVALUES (1) ;;\n\nSELECT 1 -- last\n");
    assert_right(&c);
    assert_int_equal(c.up->n_statements, 3);
    assert_int_equal(statement(&c, 0, "CREATE TABLE é (a int)")->line, BODY_LINE + 1);
    assert_int_equal(statement(&c, 1, "INSERT INTO é\nVALUES (1)")->line, BODY_LINE + 1);
    assert_int_equal(statement(&c, 2, "SELECT 1")->line, BODY_LINE + 4);
    assert_string_equal(c.up->statements[0].kind, "CREATE TABLE");
    assert_int_equal(c.up->statements[0].flags, 0);
    done(&c);
    check(&c, "", "-- nothing\n");
    assert_right(&c);
    assert_int_equal(c.up->n_statements, 0);
    done(&c);
}

static void concurrent_work_names_its_index(void **state)
{
    struct checked c;
    (void)state;
    check(
        &c, " transaction:false",
        "CREATE UNIQUE INDEX CONCURRENTLY \"Ab\" ON S.t (a); DROP INDEX CONCURRENTLY IF EXISTS s.I;\n"
        "REINDEX INDEX CONCURRENTLY i; REINDEX (VERBOSE, CONCURRENTLY) TABLE s.t; REINDEX (CONCURRENTLY off) TABLE t;\n"
        "REINDEX SCHEMA CONCURRENTLY s; VACUUM t; ANALYZE t; CREATE INDEX i ON t (a)");
    assert_right(&c);
    const struct revision_statement *st = c.up->statements;
    assert_int_equal(c.up->n_statements, 9);
    assert_int_equal(st[0].flags, STATEMENT_NO_BLOCK | STATEMENT_CONCURRENTLY);
    assert_string_equal(st[0].schema, "s");
    assert_string_equal(st[0].object, "Ab");
    assert_string_equal(st[0].table, "t");
    assert_int_equal(st[1].flags, STATEMENT_NO_BLOCK | STATEMENT_DROP_INDEX);
    assert_string_equal(st[1].schema, "s");
    assert_string_equal(st[1].object, "i");
    assert_int_equal(st[2].flags, STATEMENT_NO_BLOCK | STATEMENT_REINDEX);
    assert_string_equal(st[2].object, "i");
    assert_null(st[2].schema);
    assert_int_equal(st[3].flags, STATEMENT_NO_BLOCK | STATEMENT_REINDEX);
    assert_string_equal(st[3].table, "t");
    assert_int_equal(st[4].flags, 0);
    assert_int_equal(st[5].flags, STATEMENT_NO_BLOCK | STATEMENT_REINDEX);
    assert_string_equal(st[5].schema, "s");
    assert_int_equal(st[6].flags, STATEMENT_NO_BLOCK);
    assert_int_equal(st[7].flags, 0);
    assert_int_equal(st[8].flags, 0);
    done(&c);
}

static void a_do_that_commits_runs_outside_of_a_block(void **state)
{
    struct checked c;
    (void)state;
    check(&c, " transaction:false",
          "DO $$ BEGIN LOOP DELETE FROM t; EXIT; COMMIT; END LOOP; END $$;\nDO $$ BEGIN NULL; END $$");
    assert_right(&c);
    assert_int_equal(c.up->statements[0].flags, STATEMENT_NO_BLOCK);
    assert_int_equal(c.up->statements[1].flags, 0);
    done(&c);
}

static void what_looks_forbidden_and_is_not(void **state)
{
    static const char *const bodies[] = {
        "SELECT current_setting('migrate.tenant_id'), set_config('a.b', 'x', TRUE)",
        "SET LOCAL ROLE app; SET LOCAL search_path = a, b; SET LOCAL \"migrate.x\" = 1",
        "CREATE TABLE set_config (a int); COMMENT ON COLUMN set_config.a IS 'pg_advisory_lock(1)'",
        "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO app",
        "DO $$ DECLARE x text := 'COMMIT;'; BEGIN /* COMMIT; */ UPDATE t SET commit = 1; EXECUTE 'COMMIT'; END $$",
        "DO LANGUAGE plperl $$ COMMIT; $$",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := 1; RETURN NEW; END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN r.a := 1; RETURN r.a; END $$",
        "DO $$ DECLARE c CURSOR FOR SELECT 1 AS a; BEGIN FOR r IN c LOOP NULL; END LOOP; END $$",
        "CREATE FUNCTION f(c refcursor) RETURNS int LANGUAGE plpgsql AS 'BEGIN FOR r IN c LOOP NULL; END LOOP; END'",
        "CREATE FUNCTION f(OUT a int, OUT b t) LANGUAGE plpgsql AS $$ BEGIN a := 1; b.c := 2; b.d.e := 1; RETURN; END $$",
        "CREATE FUNCTION f() RETURNS TABLE (a int) LANGUAGE plpgsql AS $$ BEGIN a := 1; RETURN NEXT; END $$",
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE a ALIAS FOR $1; BEGIN RETURN a; END $$",
        "SELECT a[low:high], 'x\\copy', $$:var$$ FROM t",
        "ALTER TYPE mood ADD VALUE 'ok'; CREATE EXTENSION hstore; NOTIFY x; CHECKPOINT; CLUSTER t; REINDEX TABLE t",
        "DECLARE c CURSOR FOR SELECT 1; FETCH c; CLOSE c; LOCK TABLE t; SET CONSTRAINTS ALL DEFERRED",
        "CREATE TEMP TABLE x ON COMMIT DROP AS SELECT 1; CREATE TEMP VIEW v AS SELECT 1; DROP VIEW v",
        "COPY t TO PROGRAM 'gzip'; EXPLAIN SELECT 1; VALUES (1); TABLE t",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct checked c;
        check(&c, "", bodies[i]);
        assert_right(&c);
        done(&c);
    }
}

static void opaque_text_is_one_statement(void **state)
{
    struct checked c;
    (void)state;
    check(&c, " opaque", "-- newer\nCREATE TABLE t (a int GENERATED ALWAYS AS (1) VIRTUAL); ANALYZE t;\n");
    assert_right(&c);
    assert_int_equal(c.up->n_statements, 1);
    statement(&c, 0, "CREATE TABLE t (a int GENERATED ALWAYS AS (1) VIRTUAL); ANALYZE t");
    assert_int_equal(c.up->statements[0].flags, 0);
    done(&c);
    check(&c, " opaque transaction:false", "REPACK t");
    assert_int_equal(c.up->statements[0].flags, STATEMENT_NO_BLOCK);
    done(&c);
}

static void repeat(struct buf *out, const char *piece, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_addz(out, piece);
}

/* `head`, then `piece` n times, then `tail`: right, or refused with this message. */
static void assert_long(const char *head, const char *piece, size_t n, const char *tail, const char *message)
{
    BUF_AUTO body = {0};
    struct checked c;
    buf_addz(&body, head);
    repeat(&body, piece, n);
    buf_addz(&body, tail);
    check_body(&c, "", buf_str(&body));
    if (!message) {
        assert_right(&c);
        assert_int_equal(c.up->n_statements, 1);
    } else {
        assert_int_equal(c.source.findings.n_errors, 1);
        assert_string_equal(c.source.findings.list.v[0].err.message, message);
    }
    done(&c);
}

static void rows_may_be_of_any_number_and_depth(void **state)
{
    (void)state;
    assert_long("INSERT INTO t VALUES (0)", ",(1)", 200000, ";", NULL);
    assert_long("INSERT INTO t SELECT 1", " UNION ALL SELECT 1", 20000, ";", NULL);
    assert_long("SELECT 1", "+1", 200000, ";", NULL);
    assert_long("INSERT INTO t VALUES (0)", ",(1)", 20000, ", (set_config('a', 'b', false));",
                "set_config with a third argument other than true outlives the transaction");
}

static void other_statements_have_a_limit(void **state)
{
    (void)state;
    assert_long("CREATE VIEW v AS SELECT 1", " UNION SELECT 1", 3000, "", NULL); /* too deep for a tree */
    assert_long("CREATE TYPE e AS ENUM ('0'", ",'x'", 20000, ")", NULL);         /* too long for one */
    assert_long("CREATE TEMP VIEW v AS SELECT 1", "+1", 20000, "",
                "temporary \"?\" outlives the transaction: a pooled connection carries it to the next user");
    assert_long("LOCK TABLE t", ",t", 20000, "", "LOCK of 40003 tokens: too large or too deeply nested to be checked");
    assert_long("SELECT ", "(", 20000, "1", "memory exhausted at or near \"(\"");
}

/* A megabyte in windows of 64 KB: every statement is found, at its place. */
static void long_sections_are_read_in_windows(void **state)
{
    BUF_AUTO body = {0};
    struct checked c;
    (void)state;
    for (int i = 0; i < 20000; i++)
        buf_addf(&body, "INSERT INTO t VALUES (%d, 'it''s; %s');%s", i, i % 3 ? "$$" : "E''",
                 i % 2 ? "\n" : " /* ; */ ");
    buf_addz(&body, "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;\nSELECT 1;");
    check_body(&c, "", buf_str(&body));
    assert_right(&c);
    assert_int_equal(c.up->n_statements, 20002);
    assert_int_equal(c.up->statements[19999].line, BODY_LINE + 9999);
    statement(&c, 20000, "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END");
    assert_int_equal(statement(&c, 20001, "SELECT 1")->line, BODY_LINE + 10001);
    done(&c);
}

static void what_does_not_parse_has_no_statements(void **state)
{
    struct checked c;
    (void)state;
    check(&c, "", "SELECT 1; SELEC 2;");
    assert_int_equal(c.source.findings.n_errors, 1);
    assert_null(c.up->statements);
    done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_recorded_without_comments_and_semicolons),
        cmocka_unit_test(concurrent_work_names_its_index),
        cmocka_unit_test(a_do_that_commits_runs_outside_of_a_block),
        cmocka_unit_test(what_looks_forbidden_and_is_not),
        cmocka_unit_test(opaque_text_is_one_statement),
        cmocka_unit_test(rows_may_be_of_any_number_and_depth),
        cmocka_unit_test(other_statements_have_a_limit),
        cmocka_unit_test(long_sections_are_read_in_windows),
        cmocka_unit_test(what_does_not_parse_has_no_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
