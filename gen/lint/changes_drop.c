/* DROP, TRUNCATE, CASCADE: what is gone afterwards. */
#include "gen/lint/changes.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool cascades(const json_t *node)
{
    return tree_says(node, "behavior", "DROP_CASCADE");
}

/* ------------------------------------------------------------------------------------------------------------ columns */

/* The constraints and indexes that go with a column: ", the constraint documents_title_key". */
static void add_companions(struct buf *out, const struct chain_relation *r, const char *column)
{
    for (size_t i = 0; r && i < r->constraints.n; i++)
        if (strings_has(&r->constraints.v[i].columns, column))
            buf_addf(out, "%s the constraint %s", out->n ? "," : "", r->constraints.v[i].name);
    for (size_t i = 0; r && i < r->indexes.n; i++)
        if (strings_has(&r->indexes.v[i].columns, column) && !chain_constraint(r, r->indexes.v[i].name))
            buf_addf(out, "%s the index %s", out->n ? "," : "", r->indexes.v[i].name);
}

static void drop_column(struct lint_statement *s, const json_t *relation, const char *column, size_t at)
{
    struct arena *a = s->section->arena;
    const struct chain_relation *r = chain_relation(s->section->chain, chain_name_of(a, relation));
    const struct chain_column *known = r ? chain_column(r, column) : NULL;
    const char *table = tree_name(a, relation), *name = changes_quote(s, column);
    BUF_AUTO also = {0};
    add_companions(&also, r, column);
    lint_found(s, "drop-column", at, "DROP COLUMN %s.%s", table, name);
    if (also.n)
        lint_why(s,
                 "The values are gone, and with the column%s. The version of the application that still runs reads the "
                 "column by its name, or by an INSERT that lists it, and fails from the commit on.",
                 also.p);
    lint_safe(s,
              "-- release 1: no code names %s any more\n%s"
              "-- release 2, when no process of an older one is left\nALTER TABLE %s DROP COLUMN %s;",
              name,
              known && known->not_null && !known->has_default
                  ? arena_printf(a, "-- revision 1\nALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;\n", table, name)
                  : "",
              table, name);
}

static void drop_not_null(struct lint_statement *s, const json_t *relation, const char *column, size_t at)
{
    struct arena *a = s->section->arena;
    lint_found(s, "drop-not-null", at, "DROP NOT NULL of %s.%s", tree_name(a, relation), changes_quote(s, column));
}

void changes_drop_command(struct lint_statement *s, const json_t *command, size_t *from)
{
    const json_t *relation = json_object_get(s->node, "relation");
    const char *name = json_string_value(json_object_get(command, "name"));
    size_t at = changes_place(s, name, from);
    if (!name || !changes_in_use(s, relation))
        return;
    bool column = tree_says(command, "subtype", "AT_DropColumn");
    if (column)
        drop_column(s, relation, name, at);
    if (tree_says(command, "subtype", "AT_DropNotNull"))
        drop_not_null(s, relation, name, at);
    if (cascades(command) && (column || tree_says(command, "subtype", "AT_DropConstraint")))
        lint_found(s, "drop-cascade", at, "DROP %s %s CASCADE on %s", column ? "COLUMN" : "CONSTRAINT",
                   changes_quote(s, name), tree_name(s->section->arena, relation));
}

/* ------------------------------------------------------------------------------------------------------------- tables */

struct kind {
    const char *type, *words;
    bool rows;     /* what it holds is held nowhere else */
    bool relation; /* it has a name among those of tables */
};

static const struct kind kinds[] = {
    {"OBJECT_TABLE", "TABLE", true, true},       {"OBJECT_FOREIGN_TABLE", "FOREIGN TABLE", false, true},
    {"OBJECT_SEQUENCE", "SEQUENCE", true, true}, {"OBJECT_SCHEMA", "SCHEMA", true, false},
    {"OBJECT_VIEW", "VIEW", false, true},        {"OBJECT_MATVIEW", "MATERIALIZED VIEW", false, true},
};

static const struct kind *kind_of(const json_t *node)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (tree_says(node, "removeType", kinds[i].type))
            return &kinds[i];
    return NULL;
}

static const char *name_of(const struct lint_statement *s, const json_t *object)
{
    const char *plain = json_string_value(json_object_get(json_object_get(object, "String"), "sval"));
    const json_t *with_args = json_object_get(object, "ObjectWithArgs");
    const json_t *type = json_object_get(object, "TypeName");
    if (plain)
        return changes_quote(s, plain);
    if (with_args)
        return tree_name(s->section->arena, json_object_get(with_args, "objname"));
    return tree_name(s->section->arena, type ? json_object_get(type, "names") : object);
}

/* A DROP of what the section made itself. A part of a table (its trigger) goes by the table's name, before its own. */
static bool made_here(const struct lint_statement *s, const json_t *object)
{
    const json_t *items = json_object_get(json_object_get(object, "List"), "items");
    size_t n = json_array_size(items);
    bool part = tree_says(s->node, "removeType", "OBJECT_TRIGGER") || tree_says(s->node, "removeType", "OBJECT_RULE") ||
                tree_says(s->node, "removeType", "OBJECT_POLICY");
    if (!n || (part && n < 2))
        return false;
    size_t last = part ? n - 2 : n - 1;
    const char *schema = last ? tree_string(json_array_get(items, last - 1)) : NULL;
    const char *name = tree_string(json_array_get(items, last));
    return name && strings_has(&s->section->made, chain_name(s->section->arena, schema, name));
}

static const char *safe_drop(const struct lint_statement *s, const struct kind *kind, const char *name,
                             const char *last)
{
    struct arena *a = s->section->run;
    if (strcmp(kind->words, "TABLE") != 0)
        return arena_printf(a,
                            "-- release 1: no code uses %s any more\n"
                            "-- release 2, when no process of an older one is left\nDROP %s %s;",
                            name, kind->words, name);
    const char *put_by = changes_quote(s, arena_printf(s->section->arena, "%s_dropped", last));
    return arena_printf(a,
                        "-- revision 1: out of sight; one more RENAME brings it back\n"
                        "-- lint:allow rename-table nobody uses it any more\n"
                        "ALTER TABLE %s RENAME TO %s;\n"
                        "-- revision 2, a release later\nDROP TABLE %s%s;",
                        name, put_by,
                        strlen(name) > strlen(changes_quote(s, last))
                            ? arena_printf(a, "%.*s", (int)(strlen(name) - strlen(changes_quote(s, last))), name)
                            : "",
                        put_by);
}

static const char *last_name(const json_t *object)
{
    const json_t *routine = json_object_get(object, "ObjectWithArgs");
    const char *name = tree_string(routine ? json_object_get(routine, "objname") : object);
    return name ? name : "";
}

/* A view may come back under its name further down in the section. */
static void hold(struct lint_statement *s, const json_t *object, const char *message, const char *safe)
{
    struct changes_held held = {.rule = "drop-table",
                                .name = chain_name_of(s->section->arena, object),
                                .statement = s->index,
                                .message = arena_strdup(s->section->arena, message),
                                .safe = safe};
    vec_push(s->section->arena, &changes_of(s->section)->held, held);
}

static void drop_one(struct lint_statement *s, const struct kind *kind, const json_t *object, size_t at)
{
    const char *name = name_of(s, object), *safe = safe_drop(s, kind, name, last_name(object));
    const char *message = arena_printf(s->section->arena, "DROP %s %s", kind->words, name);
    if (kind->relation && !kind->rows && s->nest == NEST_NONE && lint_in_transaction(s)) {
        hold(s, object, message, safe);
        return;
    }
    lint_found(s, "drop-table", at, "%s", message);
    if (!kind->rows)
        lint_why(s, "The version of the application that still runs reads it, and fails from the commit on.");
    lint_safe(s, "%s", safe);
}

/* "DROP FUNCTION": the statement's first two words, or three. */
static const char *words_of(const struct lint_statement *s)
{
    const struct kind *kind = kind_of(s->node);
    return kind ? arena_printf(s->section->arena, "DROP %s", kind->words) : s->kind;
}

void changes_drop(struct lint_statement *s)
{
    const struct kind *kind = kind_of(s->node);
    const json_t *object;
    size_t i, from = 0;
    json_array_foreach(json_object_get(s->node, "objects"), i, object)
    {
        if (made_here(s, object))
            continue;
        size_t at = changes_place(s, last_name(object), &from);
        if (kind)
            drop_one(s, kind, object, at);
        if (cascades(s->node))
            lint_found(s, "drop-cascade", at, "%s %s CASCADE", words_of(s), name_of(s, object));
    }
}

void changes_drop_database(struct lint_statement *s)
{
    const char *name = json_string_value(json_object_get(s->node, "dbname"));
    lint_found(s, "drop-table", 0, "DROP DATABASE %s", changes_quote(s, name));
}

void changes_drop_owned(struct lint_statement *s)
{
    lint_found(s, "drop-table", 0, "DROP OWNED drops whatever the role owns");
    if (cascades(s->node))
        lint_found(s, "drop-cascade", 0, "DROP OWNED … CASCADE");
}

void changes_revoke(struct lint_statement *s)
{
    if (!tree_true(s->node, "is_grant") && cascades(s->node))
        lint_found(s, "drop-cascade", 0, "REVOKE … CASCADE");
}

void changes_alter_domain(struct lint_statement *s)
{
    if (cascades(s->node))
        lint_found(s, "drop-cascade", 0, "ALTER DOMAIN %s … CASCADE",
                   tree_name(s->section->arena, json_object_get(s->node, "typeName")));
}

/* ----------------------------------------------------------------------------------------------------------- TRUNCATE */

void changes_truncate(struct lint_statement *s)
{
    const json_t *relation;
    size_t i;
    json_array_foreach(json_object_get(s->node, "relations"), i, relation)
    {
        const char *name = tree_name(s->section->arena, relation);
        size_t at = tree_location(changes_range_var(relation));
        if (!changes_in_use(s, relation))
            continue;
        lint_found(s, "truncate", at, "TRUNCATE %s", name);
        lint_safe(s,
                  "-- migrate:up batch\nDELETE FROM %s\n"
                  "WHERE ctid = ANY (ARRAY(SELECT ctid FROM %s LIMIT 1000));",
                  name, name);
        if (cascades(s->node))
            lint_found(s, "drop-cascade", at, "TRUNCATE %s CASCADE", name);
    }
}
