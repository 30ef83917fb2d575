/* New names, new labels, changed views: what the application that still runs knows by the old ones. */
#include "gen/lint/changes.h"

#include <string.h>

#include "schema/tokens.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------------------------------------------------- columns */

/* Both columns for a time, kept equal by a trigger. */
static const char *const both_columns =
    "-- revision 1: both columns; a trigger keeps them equal\n"
    "ALTER TABLE {table} ADD COLUMN {new} {type};\n"
    "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
    "BEGIN\n"
    "    IF TG_OP = 'INSERT' THEN\n"
    "        NEW.{new} := coalesce(NEW.{new}, NEW.{old});\n"
    "        NEW.{old} := NEW.{new};\n"
    "    ELSIF NEW.{new} IS DISTINCT FROM OLD.{new} THEN\n"
    "        NEW.{old} := NEW.{new};\n"
    "    ELSE\n"
    "        NEW.{new} := NEW.{old};\n"
    "    END IF;\n"
    "    RETURN NEW;\n"
    "END $$;\n"
    "CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();\n"
    "-- revision 2: \"-- migrate:up batch\"\n"
    "UPDATE {table} SET {new} = {old}\n"
    "WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {new} IS DISTINCT FROM {old} LIMIT 1000));\n"
    "-- revision 3, when no process names {old} any more\n"
    "DROP TRIGGER {trigger} ON {table};\n"
    "DROP FUNCTION {function}();\n"
    "-- lint:allow drop-column no process names it any more\n"
    "ALTER TABLE {table} DROP COLUMN {old};";

/* `name` of the schema that the relation is in. */
static const char *beside(const struct lint_statement *s, const json_t *relation, const char *name)
{
    const char *schema = json_string_value(json_object_get(changes_range_var(relation), "schemaname"));
    const char *quoted = changes_quote(s, name);
    return schema ? arena_printf(s->section->arena, "%s.%s", changes_quote(s, schema), quoted) : quoted;
}

static const char *relation_name(const json_t *relation)
{
    return json_string_value(json_object_get(changes_range_var(relation), "relname"));
}

static const char *type_of(const struct lint_statement *s, const json_t *relation, const char *column)
{
    struct arena *a = s->section->arena;
    const struct chain_relation *r = chain_relation(s->section->chain, chain_name_of(a, relation));
    const struct chain_column *c = r ? chain_column(r, column) : NULL;
    return c ? chain_type_text(a, &c->type) : arena_printf(a, "text /* the type of %s */", changes_quote(s, column));
}

static void safe_column(struct lint_statement *s, const json_t *relation, const char *old, const char *new)
{
    struct arena *a = s->section->arena;
    const char *trigger = arena_printf(a, "%s_%s_sync", relation_name(relation), new);
    lint_safe(s, "%s",
              CHANGES_FILL(s, both_columns, "table", tree_name(a, relation), "old", changes_quote(s, old), "new",
                           changes_quote(s, new), "type", type_of(s, relation, old), "function",
                           beside(s, relation, trigger), "trigger", changes_quote(s, trigger)));
}

static void rename_column(struct lint_statement *s)
{
    const json_t *relation = json_object_get(s->node, "relation");
    const char *old = json_string_value(json_object_get(s->node, "subname"));
    const char *new = json_string_value(json_object_get(s->node, "newname"));
    size_t from = tree_location(relation) + 1;
    if (!old || !new || !changes_in_use(s, relation))
        return;
    size_t at = changes_place(s, old, &from);
    lint_found(s, "rename-column", at, "RENAME COLUMN %s.%s TO %s", tree_name(s->section->arena, relation),
               changes_quote(s, old), changes_quote(s, new));
    if (tree_says(s->node, "relationType", "OBJECT_TABLE"))
        safe_column(s, relation, old, new);
}

/* -------------------------------------------------------------------------------------------------------------- tables */

static bool may_be_renamed(const json_t *node, const char *key)
{
    static const char *const types[] = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"};
    for (size_t i = 0; i < COUNT(types); i++)
        if (tree_says(node, key, types[i]))
            return true;
    return false;
}

/* `target`: how a statement names it from now on. */
static void move_table(struct lint_statement *s, const json_t *relation, const char *message, const char *target)
{
    struct arena *a = s->section->arena;
    const char *name = tree_name(a, relation);
    const char *safe = arena_printf(s->section->run,
                                    "-- revision 1: the view takes reads and writes of the old name\n%.*s;\n"
                                    "CREATE VIEW %s WITH (security_invoker = true) AS SELECT * FROM %s;\n"
                                    "-- and the GRANTs of the table, on the view\n"
                                    "-- revision 2, when no process names %s any more\nDROP VIEW %s;",
                                    STR_ARG(s->text), name, target, name, name);
    if (s->nest == NEST_NONE && lint_in_transaction(s)) {
        struct changes_held held = {.rule = "rename-table",
                                    .name = chain_name_of(a, relation),
                                    .statement = s->index,
                                    .message = message,
                                    .safe = safe};
        vec_push(a, &changes_of(s->section)->held, held);
        return;
    }
    lint_found(s, "rename-table", tree_location(relation), "%s", message);
    lint_safe(s, "%s", safe);
}

static void provide(struct lint_statement *s, const char *name)
{
    if (s->nest != NEST_ROUTINE)
        vec_push(s->section->arena, &changes_of(s->section)->provided, name);
}

static void rename_table(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation");
    const char *new = json_string_value(json_object_get(s->node, "newname"));
    const char *schema = json_string_value(json_object_get(relation, "schemaname"));
    if (!new || !relation)
        return;
    if (changes_in_use(s, relation))
        move_table(s, relation, arena_printf(a, "RENAME %s TO %s", tree_name(a, relation), changes_quote(s, new)),
                   beside(s, relation, new));
    provide(s, chain_name(a, schema, new));
}

void changes_set_schema(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation");
    const char *schema = changes_quote(s, json_string_value(json_object_get(s->node, "newschema")));
    if (!may_be_renamed(s->node, "objectType") || !changes_in_use(s, relation))
        return;
    move_table(s, relation, arena_printf(a, "%s moves to the schema %s", tree_name(a, relation), schema),
               arena_printf(a, "%s.%s", schema, changes_quote(s, relation_name(relation))));
}

static void rename_schema(struct lint_statement *s)
{
    const char *old = json_string_value(json_object_get(s->node, "subname"));
    const char *new = json_string_value(json_object_get(s->node, "newname"));
    lint_found(s, "rename-schema", 0, "RENAME SCHEMA %s TO %s", changes_quote(s, old), changes_quote(s, new));
    lint_safe(
        s, "%s",
        CHANGES_FILL(s,
                     "-- revision 1: a schema of the new name, with a view for each table of {old}\n"
                     "CREATE SCHEMA {new};\n"
                     "CREATE VIEW {new}.documents WITH (security_invoker = true) AS SELECT * FROM {old}.documents;\n"
                     "-- revision 2, when no process names {old} any more: for each table\n"
                     "DROP VIEW {new}.documents;\n"
                     "ALTER TABLE {old}.documents SET SCHEMA {new};",
                     "old", changes_quote(s, old), "new", changes_quote(s, new)));
}

void changes_rename(struct lint_statement *s)
{
    if (tree_says(s->node, "renameType", "OBJECT_COLUMN"))
        rename_column(s);
    else if (may_be_renamed(s->node, "renameType"))
        rename_table(s);
    else if (tree_says(s->node, "renameType", "OBJECT_SCHEMA"))
        rename_schema(s);
}

/* --------------------------------------------------------------------------------------------------------------- enums */

static const char *literal(const struct lint_statement *s, const char *value)
{
    BUF_AUTO out = {0};
    for (buf_addc(&out, '\''); *value; value++) {
        if (*value == '\'')
            buf_addc(&out, '\'');
        buf_addc(&out, *value);
    }
    buf_addc(&out, '\'');
    return arena_str(s->section->arena, buf_str(&out));
}

static void rename_value(struct lint_statement *s, const char *type, const char *old, const char *new)
{
    lint_found(s, "rename-enum-value", 0, "ALTER TYPE %s RENAME VALUE %s TO %s", type, literal(s, old),
               literal(s, new));
    lint_safe(s, "%s",
              CHANGES_FILL(s,
                           "-- revision 1: the new label beside the old one\n"
                           "ALTER TYPE {type} ADD VALUE {new};\n"
                           "-- revision 2, when all code knows both and writes the new one: \"-- migrate:up batch\",\n"
                           "-- for each column of the type, here documents.status\n"
                           "UPDATE documents SET status = {new}\n"
                           "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE status = {old} LIMIT 1000));",
                           "type", type, "old", literal(s, old), "new", literal(s, new)));
}

void changes_enum(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const char *type = tree_name(a, json_object_get(s->node, "typeName"));
    const char *old = json_string_value(json_object_get(s->node, "oldVal"));
    const char *new = json_string_value(json_object_get(s->node, "newVal"));
    if (old && new) {
        rename_value(s, type, old, new);
    } else if (new &&lint_in_transaction(s) && s->nest != NEST_ROUTINE) {
        struct changes_value value = {type, arena_strdup(a, new)};
        vec_push(a, &changes_of(s->section)->values, value);
    }
}

static const struct changes_value *find_value(struct lint_statement *s, const struct token *t)
{
    bool raw;
    const struct changes *c = changes_of(s->section);
    struct str content = token_content(s->text, t, &raw);
    for (size_t i = 0; i < c->values.n; i++)
        if (str_is(content, c->values.v[i].value))
            return &c->values.v[i];
    return NULL;
}

void changes_enum_use(struct lint_statement *s)
{
    struct lexer l = {.text = s->text, .dialect = DIALECT_POSTGRESQL};
    if (!changes_of(s->section)->values.n || s->nest == NEST_ROUTINE || strcmp(s->node_name, "AlterEnumStmt") == 0 ||
        strcmp(s->node_name, "CommentStmt") == 0)
        return;
    for (struct token t; token_next(&l, &t);) {
        const struct changes_value *value = t.kind == TOKEN_STRING ? find_value(s, &t) : NULL;
        if (!value)
            continue;
        lint_found(s, "enum-use-same-tx", t.offset, "'%s' of the type %s is used in the transaction that adds it",
                   value->value, value->type);
        lint_safe(s, "-- revision 1\nALTER TYPE %s ADD VALUE %s;\n-- revision 2: what uses it\n%.*s;", value->type,
                  literal(s, value->value), STR_ARG(s->text));
    }
}

/* --------------------------------------------------------------------------------------------------------------- views */

/* The first column of the old view that the new one does not have in its place; NULL: none, or unknown. */
static const char *lost_column(struct arena *a, const json_t *view, const struct chain_relation *old)
{
    struct strings now = {0};
    if (!tree_view_columns(a, view, &now))
        return NULL;
    for (size_t i = 0; i < old->columns.n; i++) {
        const char *name = old->columns.v[i].name;
        if (*name && (i >= now.n || (now.v[i] && strcmp(now.v[i], name) != 0)))
            return name;
    }
    return NULL;
}

void changes_view(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const json_t *view = json_object_get(s->node, "view");
    const char *name = chain_name_of(a, view), *sql = tree_name(a, view);
    const struct chain_relation *old = chain_relation(s->section->chain, name);
    const char *lost = tree_true(s->node, "replace") && old && old->kind == CHAIN_VIEW && old->whole
                           ? lost_column(a, s->node, old)
                           : NULL;
    provide(s, name);
    if (!lost)
        return;
    lint_found(s, "view-replace", tree_location(view),
               "CREATE OR REPLACE VIEW %s does not keep the column %s in its place", sql, changes_quote(s, lost));
    const char *rest = lint_insert_after(s, "VIEW", "");
    const char *behind = rest ? strstr(rest, "VIEW") : NULL;
    lint_safe(s, "DROP VIEW %s;\n%s;\n-- and the GRANTs of the view", sql,
              behind ? arena_printf(a, "CREATE VIEW%s", behind + strlen("VIEW ")) : arena_str(a, s->text));
}

void changes_table_as(struct lint_statement *s)
{
    provide(s, chain_name_of(s->section->arena, json_object_get(json_object_get(s->node, "into"), "rel")));
    changes_if_not_exists(s);
}

/* ALTER COLUMN … TYPE under views whose queries speak of a column of that name. */
void changes_type_command(struct lint_statement *s, const json_t *command, size_t *from)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation");
    const char *name = chain_name_of(a, relation), *column = json_string_value(json_object_get(command, "name"));
    size_t at = changes_place(s, column, from);
    BUF_AUTO views = {0};
    const struct chain_relation *r;
    for (size_t i = 0; column && (r = chain_next(s->section->chain, &i));)
        if (strings_has(&r->reads, name) && (strings_has(&r->names, column) || strings_has(&r->names, "*")))
            buf_addf(&views, "%s%s", views.n ? ", " : "", r->name);
    if (!views.n || s->nest == NEST_ROUTINE)
        return;
    lint_found(s, "view-replace", at, "ALTER COLUMN %s TYPE on %s, which %s reads", changes_quote(s, column),
               tree_name(a, relation), views.p);
    lint_why(
        s, "PostgreSQL refuses to change the type of a column that a view or rule uses (0A000, \"cannot alter type of "
           "a column used by a view or rule\"), whatever the change would cost.");
    lint_safe(s, "-- in one revision, for each of %s\nDROP VIEW …;\n%.*s;\nCREATE VIEW … AS …;\n-- and its GRANTs",
              views.p, STR_ARG(s->text));
}
