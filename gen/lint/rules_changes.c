/* PostgreSQL's rules about data loss, running applications and good order: the table, and the functions that find them. */
#include "gen/lint/statement.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void alter_table(struct lint_statement *s)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(s->node, "cmds"), i, item)
    {
        const json_t *command = json_object_get(item, "AlterTableCmd");
        if (tree_says(command, "subtype", "AT_DropColumn"))
            lint_found(s, "drop-column", 0, "DROP COLUMN %s.%s",
                       tree_name(s->section->arena, json_object_get(s->node, "relation")),
                       json_string_value(json_object_get(command, "name")));
    }
}

static const struct lint_handler handlers[] = {
    {"AlterTableStmt", alter_table},
};

const struct lint_group lint_changes = {.handlers = handlers, .n_handlers = COUNT(handlers)};

static const struct lint_rule rules[] = {
    {.id = "drop-column",
     .dialects = DIALECT_BIT(DIALECT_POSTGRESQL),
     .severity = SEVERITY_WARNING,
     .title = "DROP COLUMN",
     .why = "The values are gone, and the version of the application that still runs selects the column.",
     .safe = "-- release 1: no code uses the column any more\n-- release 2: drop it",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text);",
     .bad = "ALTER TABLE documents DROP COLUMN title;",
     .good = "ALTER TABLE documents ADD COLUMN size bigint;"},
};

const struct lint_rules lint_rules_changes = {
    .title = "PostgreSQL: data loss, running applications, good order", .v = rules, .n = COUNT(rules)};
