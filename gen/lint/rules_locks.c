/* PostgreSQL's rules about locks, rewrites and scans: the table, and the functions that find them. */
#include "gen/lint/statement.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void create_index(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation");
    if (tree_true(s->node, "concurrent") || !lint_in_use(s, relation))
        return;
    lint_found(s, "idx-not-concurrent", 0, "CREATE INDEX on %s, which is in use", tree_name(a, relation));
    lint_safe(s, "-- migrate:up transaction:false\n%s;", lint_insert_after(s, "INDEX", "CONCURRENTLY"));
}

static const struct lint_handler handlers[] = {
    {"IndexStmt", create_index},
};

const struct lint_group lint_locks = {.handlers = handlers, .n_handlers = COUNT(handlers)};

static const struct lint_rule rules[] = {
    {.id = "idx-not-concurrent",
     .dialects = DIALECT_BIT(DIALECT_POSTGRESQL),
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "CREATE INDEX on a table that is in use",
     .why = "SHARE lock on the table for the whole build: nobody can write until it is done.",
     .safe = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY documents_title ON documents (title);",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text);",
     .bad = "CREATE INDEX documents_title ON documents (title);",
     .good = "-- migrate:up postgresql transaction:false\n"
             "CREATE INDEX CONCURRENTLY documents_title ON documents (title);"},
};

const struct lint_rules lint_rules_locks = {
    .title = "PostgreSQL: locks, rewrites, scans", .v = rules, .n = COUNT(rules)};
