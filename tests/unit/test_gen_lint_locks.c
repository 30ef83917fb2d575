/* PostgreSQL's rules about locks: what is free, what is proven, what is new, and the safe forms as they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gen/check.h"
#include "gen/lint/lint.h"
#include "gen/lint/rules.h"
#include "tree.h"

/* One revision after another, and the findings of the last one. */
struct lint {
    struct tree tree;
    struct source source;
};

static void add_revision(struct lint *l, const char *id, const char *parent, const char *text)
{
    bool whole = strncmp(text, "-- migrate:", strlen("-- migrate:")) == 0;
    tree_write(&l->tree, arena_printf(&l->tree.arena, "s/versions/%s.sql", id),
               arena_printf(&l->tree.arena, "-- Revision: %s\n-- Revises: %s\n-- Message: %s\n\n%s%s\n%s", id, parent,
                            id, whole ? "" : "-- migrate:up\n", text,
                            strstr(text, "-- migrate:down") ? "" : "-- migrate:down\n"));
}

static struct lint lint(const char *before, const char *text)
{
    struct lint l = {.tree = tree_new()};
    AUTO_ERR e = {0};
    tree_write(&l.tree, "s/env.ini", "[stream]\ndialects = postgresql\n");
    add_revision(&l, "a1", "", before);
    add_revision(&l, "b2", "a1", text);
    l.source = tree_link(&l.tree);
    check_postgresql(&l.source);
    struct lint_options options = {0};
    vec_push(&l.tree.arena, &options.paths, arena_printf(&l.tree.arena, "%s/s/versions/b2.sql", l.tree.folder));
    assert_true(lint_sources(&l.source, &options, &e));
    return l;
}

static void done(struct lint *l)
{
    findings_free(&l->source.findings);
    tree_free(&l->tree);
}

/* The rule's first finding, or NULL. */
static const struct finding *find(const struct lint *l, const char *rule)
{
    for (size_t i = 0; i < l->source.findings.list.n; i++)
        if (strcmp(l->source.findings.list.v[i].rule, rule) == 0)
            return &l->source.findings.list.v[i];
    return NULL;
}

static void expect(const char *before, const char *text, const char *rule, bool found)
{
    struct lint l = lint(before, text);
    if (!find(&l, rule) == found)
        fail_msg("%s is %s in \"%s\" after \"%s\"", rule, found ? "not found" : "found", text, before);
    done(&l);
}

static const char documents[] = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);";

/* ---- types: every row was measured on PostgreSQL 15 ---- */

static const struct {
    const char *from, *to;
    const char *rule; /* NULL: free */
} changes[] = {
    {"varchar(5)", "varchar(9)", NULL},
    {"varchar(9)", "varchar(5)", "type-rewrite"},
    {"varchar(9)", "varchar", NULL},
    {"varchar(9)", "text", NULL},
    {"text", "varchar", NULL},
    {"text", "varchar(9)", "type-rewrite"},
    {"varchar", "varchar(9)", "type-rewrite"},
    {"text", "text", NULL},
    {"char(3)", "char(3)", NULL},
    {"char(3)", "char(5)", "type-rewrite"},
    {"char(3)", "text", "type-rewrite"},
    {"int", "bigint", "type-rewrite"},
    {"bigint", "int", "type-rewrite"},
    {"int", "oid", NULL},
    {"bigint", "oid", "type-rewrite"},
    {"numeric(5,2)", "numeric(8,2)", NULL},
    {"numeric(8,2)", "numeric(5,2)", "type-rewrite"},
    {"numeric(8,2)", "numeric(8,3)", "type-rewrite"},
    {"numeric(8)", "numeric(9,0)", NULL},
    {"numeric(8,2)", "numeric", NULL},
    {"numeric", "numeric(8,2)", "type-rewrite"},
    {"time(3)", "time", NULL},
    {"time", "time(3)", "type-rewrite"},
    {"timestamptz(3)", "timestamptz", NULL},
    {"timestamptz", "timestamptz(6)", NULL},
    {"timestamptz(6)", "timestamptz(3)", "type-rewrite"},
    {"timestamp", "timestamptz", "type-timezone-dependent"},
    {"timestamptz(3)", "timestamp", "type-timezone-dependent"},
    {"timestamptz", "timestamp(3)", "type-rewrite"},
    {"timestamp[]", "timestamptz[]", "type-rewrite"},
    {"interval hour", "interval second(3)", NULL},
    {"interval", "interval(3)", "type-rewrite"},
    {"interval second(3)", "interval hour", "type-rewrite"},
    {"date", "timestamp", "type-rewrite"},
    {"json", "jsonb", "type-rewrite"},
    {"cidr", "inet", NULL},
    {"inet", "cidr", "type-rewrite"},
    {"bit(4)", "varbit", NULL},
    {"varbit(4)", "varbit(8)", NULL},
    {"xml", "text", NULL},
    {"varchar(5)[]", "varchar[]", NULL},
    {"varchar(5)[]", "varchar(9)[]", "type-rewrite"},
    {"varchar(5)[]", "text[]", "type-rewrite"},
    {"mood", "text", "type-rewrite"},
    {"citext", "text", "type-rewrite"},
    {"text", "loose", NULL},
    {"text", "tight", "type-rewrite"},
    {"tight", "text", NULL},
    {"loose", "varchar", NULL},
    {"varchar(5)", "short", NULL},
    {"short", "varchar(5)", "type-rewrite"},
    {"text", "text USING title", NULL},
    {"varchar(5)", "text USING title::text", NULL},
    {"varchar(5)", "text USING title::varchar(3)", "type-rewrite"},
    {"varchar(5)", "text USING lower(title)", "type-rewrite"},
    {"varchar(5)", "text USING other", "type-rewrite"},
};

static void a_change_of_type_costs_what_postgresql_does(void **state)
{
    (void)state;
    static const char *const rules[] = {"type-rewrite", "type-timezone-dependent", "type-check-rescan",
                                        "type-collation"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct tree t = {0};
        const char *before = arena_printf(
            &t.arena,
            "CREATE TYPE mood AS ENUM ('good');\nCREATE DOMAIN loose AS text;\nCREATE DOMAIN short AS "
            "varchar(9);\nCREATE DOMAIN tight AS text CHECK (value <> '');\n"
            "CREATE TABLE documents (title %s, other text);",
            changes[i].from);
        struct lint l = lint(before,
                             arena_printf(&t.arena, "ALTER TABLE documents ALTER title TYPE %s;", changes[i].to));
        for (size_t k = 0; k < 4; k++) {
            bool wanted = changes[i].rule && strcmp(changes[i].rule, rules[k]) == 0;
            if (!find(&l, rules[k]) == wanted)
                fail_msg("%s to %s: %s", changes[i].from, changes[i].to, rules[k]);
        }
        done(&l);
        arena_free(&t.arena);
    }
}

static void what_hangs_on_a_type_counts_too(void **state)
{
    (void)state;
    const char *checked = "CREATE TABLE t (a varchar(5) CHECK (a <> ''), b varchar(5), c varchar(5));"
                          "ALTER TABLE t ADD CHECK (b <> '') NOT VALID; CREATE INDEX ON t (c);";
    expect(checked, "ALTER TABLE t ALTER a TYPE text;", "type-check-rescan", true);
    expect(checked, "ALTER TABLE t ALTER b TYPE text;", "type-check-rescan", false);
    expect(checked, "ALTER TABLE t ALTER c TYPE text COLLATE \"C\";", "type-collation", true);
    expect(checked, "ALTER TABLE t ALTER b TYPE text COLLATE \"C\";", "type-collation", false);
    expect("CREATE TABLE t (a text COLLATE \"C\"); CREATE INDEX ON t (a);", "ALTER TABLE t ALTER a TYPE text;",
           "type-collation", true);
    expect("CREATE TABLE t (a timestamp);", "SET LOCAL TIME ZONE 'UTC';\nALTER TABLE t ALTER a TYPE timestamptz;",
           "type-timezone-dependent", false);
    expect("CREATE TABLE t (a timestamp);",
           "SET LOCAL TIME ZONE 'Europe/Oslo';\nALTER TABLE t ALTER a TYPE timestamptz;", "type-timezone-dependent",
           true);
}

static void an_unknown_type_may_be_rewritten(void **state)
{
    (void)state;
    struct lint l = lint("-- nothing", "ALTER TABLE legacy ALTER a TYPE text;");
    assert_string_equal(find(&l, "type-rewrite")->err.message,
                        "TYPE of legacy.a, to text, may write the whole table anew");
    done(&l);
}

/* ---- proofs ---- */

static void not_null_is_free_when_it_is_proven(void **state)
{
    (void)state;
    const char *set = "ALTER TABLE documents ALTER title SET NOT NULL;";
    expect(documents, set, "not-null-scan", true);
    expect("CREATE TABLE documents (title text CHECK (title IS NOT NULL AND title <> ''));", set, "not-null-scan",
           false);
    expect("CREATE TABLE documents (title text CHECK (title IS NOT NULL OR title <> ''));", set, "not-null-scan", true);
    expect("CREATE TABLE documents (title text, PRIMARY KEY (title));", set, "not-null-scan", false);
    expect("CREATE TABLE documents (title text NOT NULL);", set, "not-null-scan", false);
    expect("CREATE TABLE documents (title text);"
           "ALTER TABLE documents ADD CONSTRAINT k CHECK (title IS NOT NULL) NOT VALID;",
           set, "not-null-scan", true);
    expect("-- nothing", set, "not-null-scan", true);
}

static void a_primary_key_over_an_index_wants_the_same_proof(void **state)
{
    (void)state;
    const char *add = "ALTER TABLE t ADD PRIMARY KEY USING INDEX i;";
    expect("CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a);", add, "pk-using-nullable-index", true);
    expect("CREATE TABLE t (a int CHECK (a IS NOT NULL)); CREATE UNIQUE INDEX i ON t (a);", add,
           "pk-using-nullable-index", false);
    expect("CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a);", add, "unique-direct", false);
}

static void a_partition_is_not_read_when_a_check_says_it_all(void **state)
{
    (void)state;
    const char *attach = "ALTER TABLE q ATTACH PARTITION t FOR VALUES IN (1);";
    const char *parent = "CREATE TABLE q (a int) PARTITION BY LIST (a);";
    static const struct {
        const char *part;
        bool found;
    } parts[] = {
        {"CREATE TABLE t (a int);", true},
        {"CREATE TABLE t (a int CHECK (a = 1));", true},
        {"CREATE TABLE t (a int CHECK (a = 1 AND a IS NOT NULL));", false},
        {"CREATE TABLE t (a int NOT NULL CHECK (a = 1));", false},
        {"CREATE TABLE t (a int NOT NULL, b int CHECK (b = 1));", true},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        expect(arena_printf(&a, "%s%s", parent, parts[i].part), attach, "partition-attach-scan", parts[i].found);
    expect(parent, arena_printf(&a, "CREATE TABLE t (a int);%s", attach), "partition-attach-scan", false);
    arena_free(&a);
}

/* ---- defaults ---- */

static void a_default_is_free_unless_it_is_volatile(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool found;
    } values[] = {
        {"timestamptz DEFAULT now()", false},
        {"timestamptz DEFAULT clock_timestamp()", true},
        {"timestamptz DEFAULT statement_timestamp()", false},
        {"text DEFAULT CURRENT_USER", false},
        {"text DEFAULT concat('a', random())", true},
        {"int DEFAULT nextval('numbers')", true},
        {"int DEFAULT steady()", false},
        {"int DEFAULT moody()", true},
        {"int DEFAULT elsewhere()", false},
        {"stamped", true},
        {"stamped DEFAULT now()", false},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        expect("CREATE TABLE t (a int); CREATE FUNCTION steady() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';"
               "CREATE FUNCTION moody() RETURNS int LANGUAGE sql AS 'SELECT 1';"
               "CREATE DOMAIN stamped AS timestamptz DEFAULT clock_timestamp();",
               arena_printf(&a, "ALTER TABLE t ADD b %s;", values[i].value), "addcol-volatile-default",
               values[i].found);
    arena_free(&a);
}

/* ---- what is new ---- */

static void nothing_is_said_of_tables_that_the_section_made(void **state)
{
    (void)state;
    struct lint l = lint(
        documents, "CREATE TABLE fresh (a int, b timestamp);\nCREATE TABLE other (LIKE fresh);\n"
                   "CREATE INDEX i ON fresh (a);\nALTER TABLE fresh ADD c serial NOT NULL UNIQUE CHECK (c > 0);\n"
                   "ALTER TABLE fresh ALTER a TYPE bigint, ALTER a SET NOT NULL, ADD CHECK (a > 0), ADD UNIQUE (a);\n"
                   "ALTER TABLE fresh RENAME TO renamed;\nALTER TABLE renamed ALTER b TYPE timestamptz;\n"
                   "ALTER TABLE other ADD d int CHECK (d > 0);\nDROP INDEX i;\n"
                   "CREATE POLICY p ON renamed;\nUPDATE renamed SET a = 1 WHERE a = 2;");
    for (size_t i = 0; i < l.source.findings.list.n; i++)
        for (size_t k = 0; k < lint_rules_locks.n; k++)
            if (strcmp(l.source.findings.list.v[i].rule, lint_rules_locks.v[k].id) == 0)
                fail_msg("%s: %s", l.source.findings.list.v[i].rule, l.source.findings.list.v[i].err.message);
    done(&l);
    expect(documents,
           "ALTER TABLE documents RENAME TO old;\nCREATE TABLE documents (a int);\nCREATE INDEX i ON old (id);",
           "idx-not-concurrent", true);
    expect(documents,
           "ALTER TABLE documents RENAME TO old;\nCREATE TABLE documents (a int);\nCREATE INDEX i ON documents (a);",
           "idx-not-concurrent", false);
}

/* ---- foreign keys and indexes ---- */

static void an_index_later_in_the_revision_serves_the_key(void **state)
{
    (void)state;
    const char *parent = "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE c (a int, b int);";
    static const struct {
        const char *text;
        bool found;
    } texts[] = {
        {"CREATE TABLE d (a int, b int, FOREIGN KEY (a, b) REFERENCES p);", true},
        {"CREATE TABLE d (a int, b int, FOREIGN KEY (a, b) REFERENCES p); CREATE INDEX ON d (b, a, (a + b));", false},
        {"CREATE TABLE d (a int, b int, FOREIGN KEY (a, b) REFERENCES p); CREATE INDEX ON d (a);", true},
        {"CREATE TABLE d (a int, b int, FOREIGN KEY (a, b) REFERENCES p); CREATE INDEX ON d (a, b) WHERE a > 1;", true},
        {"CREATE TABLE d (a int, b int, PRIMARY KEY (a, b), FOREIGN KEY (a, b) REFERENCES p);", false},
        {"CREATE TABLE d (a int, b int, FOREIGN KEY (a, b) REFERENCES p); DROP TABLE d;", false},
        {"CREATE INDEX ON c (a, b); ALTER TABLE c ADD FOREIGN KEY (a, b) REFERENCES p NOT VALID;", false},
        {"ALTER TABLE c ADD FOREIGN KEY (a, b) REFERENCES p NOT VALID;", true},
        {"ALTER TABLE unseen ADD FOREIGN KEY (a, b) REFERENCES p NOT VALID;", false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect(parent, texts[i].text, "fk-no-index", texts[i].found);
}

/* ---- from statement to statement ---- */

static void alters_are_merged_only_where_they_can_be(void **state)
{
    (void)state;
    expect(documents, "ALTER TABLE documents ADD a int;\nALTER TABLE documents ADD b int;", "merge-alters", true);
    expect(documents, "ALTER TABLE documents ADD a int;\nSELECT 1;\nALTER TABLE documents ADD b int;", "merge-alters",
           false);
    expect(documents, "ALTER TABLE documents ADD a uuid;\nALTER TABLE documents ALTER a SET DEFAULT gen_random_uuid();",
           "merge-alters", false);
    expect("CREATE TABLE documents (a int CONSTRAINT k CHECK (a IS NOT NULL));",
           "ALTER TABLE documents ALTER a SET NOT NULL;\nALTER TABLE documents DROP CONSTRAINT k;", "merge-alters",
           false);
}

static void locks_are_remembered_to_the_end_of_the_transaction(void **state)
{
    (void)state;
    const char *two = "CREATE TABLE a (x int); CREATE TABLE b (x int);";
    expect(two, "ALTER TABLE a ADD y int;\nINSERT INTO a VALUES (1);", "work-after-strong-lock", false);
    expect(two, "ALTER TABLE a ADD y int;\nINSERT INTO a SELECT x FROM b;", "work-after-strong-lock", true);
    expect(two, "ALTER TABLE a VALIDATE CONSTRAINT k;\nUPDATE a SET x = 1;", "work-after-strong-lock", false);
    expect(two, "-- migrate:up transaction:false\nALTER TABLE a ADD y int;\nUPDATE a SET x = 1;",
           "work-after-strong-lock", false);
    expect(two, "ALTER TABLE a ADD y int;\nALTER TABLE b ADD y int;", "many-tables-strong", true);
    expect(two, "ALTER TABLE a ADD y int;\nALTER TABLE a ADD z int;", "many-tables-strong", false);
    expect(two, "ALTER TABLE a ADD y int;\nALTER TABLE b SET (fillfactor = 80);", "many-tables-strong", false);
}

static void timeouts_are_read_in_every_unit(void **state)
{
    (void)state;
    expect(documents, "SET LOCAL lock_timeout = '31s';", "no-lock-timeout", true);
    expect(documents, "SET LOCAL lock_timeout = 30000;", "no-lock-timeout", false);
    expect(documents, "SET LOCAL lock_timeout = '1min';", "no-lock-timeout", true);
    expect(documents, "SET LOCAL lock_timeout TO DEFAULT;", "no-lock-timeout", true);
    expect(documents, "-- migrate:up lock_timeout:60s\nALTER TABLE documents ADD a int;", "no-lock-timeout", true);
    expect(documents, "-- migrate:up lock_timeout:5s\nALTER TABLE documents ADD a int;", "no-lock-timeout", false);
}

/* ---- texts ---- */

static void expect_safe(const char *before, const char *text, const char *rule, const char *place, const char *safe)
{
    struct lint l = lint(before, text);
    const struct finding *found = find(&l, rule);
    assert_non_null(found);
    assert_string_equal(found->err.hint, safe);
    struct position at = text_position(
        &found->place.revision->file,
        (size_t)(strstr(found->place.revision->file.bytes.p, place) - found->place.revision->file.bytes.p));
    assert_int_equal(found->err.line, at.line);
    assert_int_equal(found->err.column, at.column);
    done(&l);
}

static void safe_forms_have_the_names_and_places_of_the_text(void **state)
{
    (void)state;
    expect_safe(
        documents, "ALTER TABLE documents ADD COLUMN a int, ALTER COLUMN title SET NOT NULL;", "not-null-scan",
        "ALTER COLUMN title",
        "-- revision 1\nALTER TABLE documents ADD CONSTRAINT documents_title_not_null CHECK (title IS NOT NULL) NOT "
        "VALID;\n-- revision 2\nALTER TABLE documents VALIDATE CONSTRAINT documents_title_not_null;\n"
        "-- revision 3\nALTER TABLE documents ALTER COLUMN title SET NOT NULL;\n"
        "ALTER TABLE documents DROP CONSTRAINT documents_title_not_null;");
    expect_safe(
        documents, "ALTER TABLE documents ADD CHECK (size IN (1, 2)), ADD b int;", "check-not-valid", "CHECK",
        "-- revision 1\nALTER TABLE documents ADD CONSTRAINT documents_size_check CHECK (size IN (1, 2)) NOT VALID;\n"
        "-- revision 2\nALTER TABLE documents VALIDATE CONSTRAINT documents_size_check;");
    expect_safe(
        documents, "ALTER TABLE documents ADD COLUMN \"Token\" uuid DEFAULT gen_random_uuid() NOT NULL;",
        "addcol-volatile-default", "\"Token\"",
        "-- revision 1\nALTER TABLE documents ADD COLUMN \"Token\" uuid;\n"
        "ALTER TABLE documents ALTER COLUMN \"Token\" SET DEFAULT gen_random_uuid();\n"
        "-- revision 2\n-- migrate:up batch\nUPDATE documents SET \"Token\" = gen_random_uuid()\n"
        "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE \"Token\" IS NULL LIMIT 1000));\n"
        "-- revision 3\nALTER TABLE documents ADD CONSTRAINT \"documents_Token_not_null\" CHECK (\"Token\" IS NOT NULL) "
        "NOT VALID;\n-- revision 4\nALTER TABLE documents VALIDATE CONSTRAINT \"documents_Token_not_null\";\n"
        "-- revision 5\nALTER TABLE documents ALTER COLUMN \"Token\" SET NOT NULL;\n"
        "ALTER TABLE documents DROP CONSTRAINT \"documents_Token_not_null\";");
    expect_safe(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE x.t (a int);",
        "ALTER TABLE x.t ADD COLUMN b int REFERENCES p (id) ON DELETE CASCADE;", "addcol-references", "REFERENCES",
        "-- revision 1\nALTER TABLE x.t ADD COLUMN b int;\n-- revision 2\nALTER TABLE x.t ADD CONSTRAINT t_b_fkey "
        "FOREIGN KEY (b) REFERENCES p (id) ON DELETE CASCADE NOT VALID;\n-- revision 3\nALTER TABLE x.t VALIDATE CONSTRAINT "
        "t_b_fkey;");
    expect_safe(
        documents, "ALTER TABLE documents ADD UNIQUE (title);", "unique-direct", "UNIQUE",
        "-- revision 1\n-- migrate:up transaction:false\nCREATE UNIQUE INDEX CONCURRENTLY documents_title_key ON documents "
        "(title);\n-- revision 2\nALTER TABLE documents ADD CONSTRAINT documents_title_key UNIQUE USING INDEX "
        "documents_title_key;");
    expect_safe(
        documents, "ALTER TABLE documents ALTER size TYPE text USING nullif(size, 0), ADD b int;", "type-rewrite",
        "size",
        "-- revision 1\nALTER TABLE documents ADD COLUMN size_new text;\nCREATE FUNCTION documents_size_sync() RETURNS "
        "trigger LANGUAGE plpgsql AS $$\nBEGIN\n    NEW.size_new := (SELECT (nullif(size, 0))::text FROM (SELECT NEW.*) AS "
        "documents);\n    RETURN NEW;\nEND $$;\nCREATE TRIGGER documents_size_sync BEFORE INSERT OR UPDATE ON documents\n"
        "    FOR EACH ROW EXECUTE FUNCTION documents_size_sync();\n-- revision 2\n-- migrate:up batch\n"
        "UPDATE documents SET size_new = (nullif(size, 0))::text\nWHERE ctid = ANY (ARRAY(SELECT ctid FROM documents\n"
        "    WHERE size_new IS NULL AND ((nullif(size, 0))::text) IS NOT NULL LIMIT 1000));\n"
        "-- revision 3, after its default, indexes and constraints\nDROP TRIGGER documents_size_sync ON documents;\n"
        "ALTER TABLE documents RENAME COLUMN size TO size_old;\nALTER TABLE documents RENAME COLUMN size_new TO size;\n"
        "-- revision 4, when no code is left that needs it\nALTER TABLE documents DROP COLUMN size_old;\n"
        "DROP FUNCTION documents_size_sync();");
    expect_safe(
        documents, "CREATE INDEX ON documents (title, lower(body));", "idx-not-concurrent", "CREATE INDEX",
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY documents_title_expr_idx ON documents (title, "
        "lower(body));");
    expect_safe(documents, "CREATE UNIQUE INDEX IF NOT EXISTS i ON documents (title);", "idx-not-concurrent",
                "CREATE UNIQUE",
                "-- migrate:up transaction:false\nCREATE UNIQUE INDEX CONCURRENTLY i ON documents (title);");
    expect_safe(documents, "CREATE INDEX i ON documents (title);", "idx-not-concurrent", "CREATE INDEX",
                "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON documents (title);");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_type_costs_what_postgresql_does),
        cmocka_unit_test(what_hangs_on_a_type_counts_too),
        cmocka_unit_test(an_unknown_type_may_be_rewritten),
        cmocka_unit_test(not_null_is_free_when_it_is_proven),
        cmocka_unit_test(a_primary_key_over_an_index_wants_the_same_proof),
        cmocka_unit_test(a_partition_is_not_read_when_a_check_says_it_all),
        cmocka_unit_test(a_default_is_free_unless_it_is_volatile),
        cmocka_unit_test(nothing_is_said_of_tables_that_the_section_made),
        cmocka_unit_test(an_index_later_in_the_revision_serves_the_key),
        cmocka_unit_test(alters_are_merged_only_where_they_can_be),
        cmocka_unit_test(locks_are_remembered_to_the_end_of_the_transaction),
        cmocka_unit_test(timeouts_are_read_in_every_unit),
        cmocka_unit_test(safe_forms_have_the_names_and_places_of_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
