/* Good order: what hides a difference, what a rerun trips over, names without a schema. */
#include "gen/lint/changes.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------------------------------------------- IF NOT EXISTS */

/* Where an interrupted run may have left something, or a function runs again and again, the words have their use. */
static bool may_hide(const struct lint_statement *s)
{
    return lint_in_transaction(s) && s->nest != NEST_ROUTINE;
}

static bool is_temporary(const json_t *node)
{
    static const char *const keys[] = {"relation", "sequence"};
    const json_t *into = json_object_get(json_object_get(node, "into"), "rel");
    for (size_t i = 0; i < COUNT(keys); i++)
        if (tree_says(json_object_get(node, keys[i]), "relpersistence", "t"))
            return true;
    return tree_says(into, "relpersistence", "t");
}

void changes_if_not_exists(struct lint_statement *s)
{
    /* An extension is the server's business, and often there already. */
    bool said = tree_true(s->node, "if_not_exists") || tree_true(json_object_get(s->node, "base"), "if_not_exists");
    if (!said || !may_hide(s) || is_temporary(s->node))
        return;
    lint_found(s, "ine-hides-drift", 0, "%s IF NOT EXISTS", s->kind);
    lint_safe(s, "%s;", lint_without_if_not_exists(s));
}

void changes_add_if_not_exists(struct lint_statement *s, const json_t *command)
{
    const json_t *column = json_object_get(json_object_get(command, "def"), "ColumnDef");
    const char *name = json_string_value(json_object_get(column, "colname"));
    if (!tree_says(command, "subtype", "AT_AddColumn") || !tree_true(command, "missing_ok") || !may_hide(s))
        return;
    lint_found(s, "ine-hides-drift", tree_location(column), "ADD COLUMN IF NOT EXISTS %s", changes_quote(s, name));
    lint_safe(s, "%s;", lint_without_if_not_exists(s));
}

/* -------------------------------------------------------------------------------------------------------------- reruns */

/*
 * The migrator writes down that a statement begins and that it is done, and goes on behind the last one that is. What
 * cannot be committed together with its row is run again when a crash came in between. Indexes are looked after by the
 * migrator, and VACUUM may run twice; these may not.
 */
static const struct {
    const char *node, *what, *safe;
} once[] = {
    {"CreatedbStmt", "CREATE DATABASE", NULL},
    {"CreateTableSpaceStmt", "CREATE TABLESPACE", NULL},
    {"CreateSubscriptionStmt", "CREATE SUBSCRIPTION", NULL},
    {"DropdbStmt", "DROP DATABASE", "DATABASE"},
    {"DropTableSpaceStmt", "DROP TABLESPACE", "TABLESPACE"},
    {"DropSubscriptionStmt", "DROP SUBSCRIPTION", "SUBSCRIPTION"},
    {"DoStmt", "DO with a COMMIT", NULL},
    {"AlterTableStmt", "DETACH PARTITION CONCURRENTLY", NULL},
};

static void tell_rerun(struct lint_statement *s, const char *what, const char *safe)
{
    lint_found(s, "no-tx-not-rerunnable", 0, "%s cannot be run a second time", what);
    if (safe)
        lint_safe(s, "%s;", lint_insert_after(s, safe, "IF EXISTS"));
    if (strcmp(s->node_name, "DoStmt") == 0)
        lint_why(s,
                 "What was committed before a crash stays, and the whole block runs again: each part of it has to look "
                 "whether it is done already.");
    if (strcmp(s->node_name, "AlterTableStmt") != 0)
        return;
    lint_why(s,
             "It is two transactions. After a crash between them the partition is \"pending detach\", and after both "
             "it is none any more: the statement fails when it runs again.");
    lint_safe(s, "-- alone in its revision; when it was interrupted, by hand\n"
                 "ALTER TABLE … DETACH PARTITION … FINALIZE;\n-- and then stamp the revision");
}

void changes_rerun(struct lint_statement *s)
{
    const struct revision_section *section = s->section->section;
    if (s->nest != NEST_NONE || lint_in_transaction(s) || tree_true(s->node, "missing_ok") ||
        !(section->statements[s->index].flags & STATEMENT_NO_BLOCK))
        return;
    for (size_t i = 0; i < COUNT(once); i++)
        if (strcmp(s->node_name, once[i].node) == 0)
            tell_rerun(s, once[i].what, once[i].safe);
}

/* --------------------------------------------------------------------------------------------------- names without schema */

struct walk {
    struct lint_statement *s;
    struct strings ctes;
};

/* Names that WITH gives hide tables; where exactly they do is not worth knowing. */
static void add_ctes(struct walk *w, const json_t *node, unsigned depth);
static void find_names(struct walk *w, const json_t *node, unsigned depth);

enum { DEEPEST = 2000 }; /* the reader of JSON takes no deeper trees */

static void each_inside(struct walk *w, const json_t *node, unsigned depth,
                        void (*look)(struct walk *w, const json_t *node, unsigned depth))
{
    json_t *object = (json_t *)(uintptr_t)node;
    const json_t *item;
    size_t i;
    if (depth > DEEPEST)
        return;
    json_array_foreach(node, i, item) look(w, item, depth + 1);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        look(w, json_object_iter_value(at), depth + 1);
}

static void add_ctes(struct walk *w, const json_t *node, unsigned depth)
{
    const char *name = json_string_value(json_object_get(node, "ctename"));
    if (name)
        vec_push(w->s->section->arena, &w->ctes, name);
    each_inside(w, node, depth, add_ctes);
}

static void tell_unqualified(struct lint_statement *s, const char *name, size_t at)
{
    lint_found(s, "unqualified-name", at, "%s is named without its schema", changes_quote(s, name));
}

/* A RangeVar, wrapped or not: nothing else has a relname. */
static void find_names(struct walk *w, const json_t *node, unsigned depth)
{
    const char *name = json_string_value(json_object_get(node, "relname"));
    if (name && !json_object_get(node, "schemaname") && !tree_says(node, "relpersistence", "t") &&
        strncmp(name, "pg_", 3) != 0 && !strings_has(&w->ctes, name))
        tell_unqualified(w->s, name, tree_location(node));
    each_inside(w, node, depth, find_names);
}

static void find_dropped(struct lint_statement *s)
{
    static const char *const types[] = {"OBJECT_TABLE",    "OBJECT_VIEW",  "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE",
                                        "OBJECT_SEQUENCE", "OBJECT_INDEX", "OBJECT_TYPE"};
    const json_t *object;
    size_t i, from = 0;
    bool relation = false;
    for (i = 0; i < COUNT(types); i++)
        relation |= tree_says(s->node, "removeType", types[i]);
    json_array_foreach(json_object_get(s->node, "objects"), i, object)
    {
        const json_t *items = json_object_get(json_object_get(object, "List"), "items");
        const char *name = tree_string(object);
        if (relation && name && json_array_size(items) == 1)
            tell_unqualified(s, name, changes_place(s, name, &from));
    }
}

void changes_unqualified(struct lint_statement *s)
{
    struct walk w = {.s = s};
    if (!s->node || lint_severity(s->section->stream, lint_rule_find(STR("unqualified-name"))) == SEVERITY_OFF)
        return;
    add_ctes(&w, s->node, 0);
    find_names(&w, s->node, 0);
    if (strcmp(s->node_name, "DropStmt") == 0)
        find_dropped(s);
}
