/* A row of `makers` for each rule with a safe form that follows from the statement and from the down section beside it. */
#include "gen/fix/rewrite.h"

#include <string.h>

#include "gen/lint/statement.h"
#include "gen/parse_postgresql.h"
#include "gen/statements.h"
#include "schema/tokens.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LONGEST_NAME 63

struct maker {
    struct arena *a;
    const struct source_revision *revision;
    const struct revision_section *section, *down; /* PostgreSQL's; down NULL: there is none */
    struct str text;                               /* of the statement */
    const json_t *tree;
    struct rewrite *out;
    const char **why;
};

static bool leave(const struct maker *m, const char *why)
{
    *m->why = why;
    return false;
}

/* ---- texts and trees ---- */

static struct str statement_text(const struct source_revision *r, const struct revision_statement *st)
{
    return str_slice(r->file.bytes, st->offset, (size_t)st->offset + st->length);
}

static const char *insert_after(struct arena *a, struct str text, const char *word, const char *insert)
{
    const char *with = statement_insert_after(a, text, word, insert);
    return with ? with : arena_str(a, text);
}

static const char *quoted(struct arena *a, const char *name)
{
    BUF_AUTO out = {0};
    tree_quote(&out, name);
    return arena_str(a, buf_str(&out));
}

/* The name that PostgreSQL gives what has none: table, columns, what it is. */
static const char *default_name(struct arena *a, const char *table, const struct strings *columns, const char *suffix)
{
    BUF_AUTO out = {0};
    buf_addz(&out, table);
    for (size_t i = 0; i < columns->n; i++)
        buf_addf(&out, "_%s", columns->v[i]);
    buf_addf(&out, "_%s", suffix);
    return out.n <= LONGEST_NAME ? arena_str(a, buf_str(&out)) : NULL;
}

static void names_of(struct arena *a, const json_t *list, struct strings *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) vec_push(a, out, tree_string(item) ? tree_string(item) : "");
}

/* Columns that an expression speaks of, each once. */
static void columns_in(struct arena *a, const json_t *node, struct strings *out)
{
    const char *key;
    json_t *value;
    size_t i;
    const json_t *fields = json_object_get(json_object_get(node, "ColumnRef"), "fields");
    if (fields && tree_string(fields) && !strings_has(out, tree_string(fields)))
        vec_push(a, out, arena_strdup(a, tree_string(fields)));
    if (json_is_object(node))
        json_object_foreach((json_t *)(uintptr_t)node, key, value) columns_in(a, value, out);
    else
        json_array_foreach(node, i, value) columns_in(a, value, out);
}

/* ---- what the statement is ---- */

/* ALTER TABLE with one part. */
struct altered {
    const json_t *relation, *command, *constraint;
    const char *name;  /* as SQL spells it, ONLY before it */
    const char *plain; /* of the table alone */
};

static bool read_altered(struct arena *a, const json_t *tree, struct altered *t)
{
    const json_t *node = json_object_get(tree, "AlterTableStmt"), *commands = json_object_get(node, "cmds");
    if (json_array_size(commands) != 1)
        return false;
    t->relation = json_object_get(node, "relation");
    t->command = json_object_get(json_array_get(commands, 0), "AlterTableCmd");
    t->constraint = json_object_get(json_object_get(t->command, "def"), "Constraint");
    t->plain = json_string_value(json_object_get(t->relation, "relname"));
    t->name = arena_printf(a, "%s%s", tree_true(t->relation, "inh") ? "" : "ONLY ", tree_name(a, t->relation));
    return t->plain && json_object_get(node, "relation");
}

static bool same_relation(const json_t *x, const json_t *y)
{
    const char *a = json_string_value(json_object_get(x, "relname")),
               *b = json_string_value(json_object_get(y, "relname"));
    const char *in = json_string_value(json_object_get(x, "schemaname")),
               *other = json_string_value(json_object_get(y, "schemaname"));
    return a && b && strcmp(a, b) == 0 && strcmp(in ? in : "public", other ? other : "public") == 0;
}

/* ---- what the down section has for it ---- */

/* What a statement of the down section must be. */
struct wanted {
    const char *subtype;    /* of ALTER TABLE on `relation`, about `name` */
    const json_t *relation; /* likewise */
    const char *index;      /* DROP INDEX or CREATE INDEX of that name */
    bool creates;
    const char *name;
};

static bool is_wanted(struct arena *a, const json_t *tree, const struct wanted *w)
{
    struct altered t;
    if (w->subtype)
        return read_altered(a, tree, &t) && same_relation(t.relation, w->relation) &&
               tree_says(t.command, "subtype", w->subtype) && (!w->name || tree_says(t.command, "name", w->name));
    if (w->creates)
        return tree_says(json_object_get(tree, "IndexStmt"), "idxname", w->index);
    const json_t *drop = json_object_get(tree, "DropStmt"), *objects = json_object_get(drop, "objects");
    const char *name = tree_string(json_array_get(objects, 0));
    return tree_says(drop, "removeType", "OBJECT_INDEX") && json_array_size(objects) == 1 && name &&
           strcmp(name, w->index) == 0;
}

static uint32_t find_down(const struct maker *m, const struct wanted *w)
{
    for (uint32_t i = 0; m->down && i < m->down->n_statements; i++) {
        json_auto_t *tree = parse_tree(statement_text(m->revision, &m->down->statements[i]));
        if (tree && is_wanted(m->a, tree, w))
            return i;
    }
    return NO_STATEMENT;
}

static void add_part(const struct maker *m, bool no_transaction, const char *message, const char *up, const char *down)
{
    struct fix_part part = {.message = message, .up = up, .down = down, .no_transaction = no_transaction};
    vec_push(m->a, &m->out->parts, part);
}

/* ---- indexes ---- */

static const char *index_name(struct arena *a, const json_t *node)
{
    struct strings columns = {0};
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(node, "indexParams"), i, item)
    {
        const char *name = json_string_value(json_object_get(json_object_get(item, "IndexElem"), "name"));
        vec_push(a, &columns, name ? name : "expr");
    }
    return default_name(a, json_string_value(json_object_get(json_object_get(node, "relation"), "relname")), &columns,
                        "idx");
}

/* In the schema of its table, where that is written. */
static const char *in_schema(struct arena *a, const json_t *relation, const char *name)
{
    const char *schema = json_string_value(json_object_get(relation, "schemaname"));
    return schema ? arena_printf(a, "%s.%s", quoted(a, schema), quoted(a, name)) : quoted(a, name);
}

static bool make_index(const struct maker *m)
{
    const json_t *node = json_object_get(m->tree, "IndexStmt"), *relation = json_object_get(node, "relation");
    const char *written = json_string_value(json_object_get(node, "idxname"));
    const char *name = written ? written : node ? index_name(m->a, node) : NULL;
    if (!node || !name)
        return leave(m, "the index wants a name");
    if (tree_true(node, "if_not_exists"))
        return leave(m, "IF NOT EXISTS takes an invalid index for a good one: leave it out");
    const char *insert = written ? "CONCURRENTLY" : arena_printf(m->a, "CONCURRENTLY %s", quoted(m->a, name));
    struct wanted down = {.index = name};
    m->out->down = find_down(m, &down);
    add_part(m, true, arena_printf(m->a, "build %s", name),
             arena_printf(m->a, "%s;\n", insert_after(m->a, m->text, "INDEX", insert)),
             arena_printf(m->a, "DROP INDEX CONCURRENTLY %s;\n", in_schema(m->a, relation, name)));
    return true;
}

static bool make_drop_index(const struct maker *m)
{
    const json_t *node = json_object_get(m->tree, "DropStmt"), *objects = json_object_get(node, "objects");
    if (!tree_says(node, "removeType", "OBJECT_INDEX") || json_array_size(objects) != 1)
        return leave(m, "DROP INDEX CONCURRENTLY takes one index: write a statement for each");
    if (tree_says(node, "behavior", "DROP_CASCADE"))
        return leave(m, "DROP INDEX CONCURRENTLY knows no CASCADE: drop what depends on the index first");
    const char *name = tree_string(json_array_get(objects, 0));
    struct wanted down = {.index = name, .creates = true};
    m->out->down = find_down(m, &down);
    if (m->out->down == NO_STATEMENT)
        return leave(m, "the down section has no CREATE INDEX that would build it again");
    struct str creates = statement_text(m->revision, &m->down->statements[m->out->down]);
    add_part(m, true, arena_printf(m->a, "drop %s", name),
             arena_printf(m->a, "%s;\n", insert_after(m->a, m->text, "INDEX", "CONCURRENTLY")),
             arena_printf(m->a, "%s;\n", insert_after(m->a, creates, "INDEX", "CONCURRENTLY")));
    return true;
}

static bool make_reindex(const struct maker *m)
{
    static const struct {
        const char *kind, *word;
    } words[] = {{"REINDEX_OBJECT_INDEX", "INDEX"}, {"REINDEX_OBJECT_TABLE", "TABLE"}};
    const json_t *node = json_object_get(m->tree, "ReindexStmt"), *relation = json_object_get(node, "relation");
    for (size_t i = 0; node && i < COUNT(words); i++)
        if (tree_says(node, "kind", words[i].kind) || (i == 0 && !json_object_get(node, "kind"))) {
            add_part(m, true, arena_printf(m->a, "reindex %s", tree_name(m->a, relation)),
                     arena_printf(m->a, "%s;\n", insert_after(m->a, m->text, words[i].word, "CONCURRENTLY")),
                     "-- an index built anew is the same index\n");
            return true;
        }
    return leave(m, "REINDEX of a schema or database: name the indexes or tables");
}

/* ---- constraints ---- */

static const char *SEVERAL = "ALTER TABLE with several parts: write a statement for each";

/* The constraint's name, and the statement with that name in it. */
static const char *name_constraint(const struct maker *m, const struct altered *t, const char *otherwise,
                                   const char **text)
{
    const char *written = json_string_value(json_object_get(t->constraint, "conname"));
    *text = arena_str(m->a, m->text);
    if (!written && otherwise)
        *text = insert_after(m->a, m->text, "ADD", arena_printf(m->a, "CONSTRAINT %s", quoted(m->a, otherwise)));
    return written ? written : otherwise;
}

/* NOT VALID now, VALIDATE in a revision of its own. */
static bool make_not_valid(const struct maker *m, const struct altered *t, const char *otherwise)
{
    const char *text, *name = name_constraint(m, t, otherwise, &text);
    if (!name)
        return leave(m, "the constraint wants a name");
    const char *constraint = quoted(m->a, name);
    m->out->instead = arena_printf(m->a, "%s NOT VALID", text);
    add_part(m, false, arena_printf(m->a, "validate %s", name),
             arena_printf(m->a, "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n", t->name, constraint),
             arena_printf(m->a, "ALTER TABLE %s DROP CONSTRAINT %s;\n%s;\n", t->name, constraint, m->out->instead));
    return true;
}

static bool make_check(const struct maker *m)
{
    struct altered t;
    struct strings columns = {0};
    if (!read_altered(m->a, m->tree, &t) || !tree_says(t.constraint, "contype", "CONSTR_CHECK"))
        return leave(m, SEVERAL);
    columns_in(m->a, json_object_get(t.constraint, "raw_expr"), &columns);
    if (columns.n > 1)
        columns.n = 0;
    return make_not_valid(m, &t, default_name(m->a, t.plain, &columns, "check"));
}

static bool make_foreign_key(const struct maker *m)
{
    struct altered t;
    struct strings columns = {0};
    if (!read_altered(m->a, m->tree, &t) || !tree_says(t.constraint, "contype", "CONSTR_FOREIGN"))
        return leave(m, SEVERAL);
    names_of(m->a, json_object_get(t.constraint, "fk_attrs"), &columns);
    return make_not_valid(m, &t, default_name(m->a, t.plain, &columns, "fkey"));
}

static bool make_unique(const struct maker *m)
{
    static const char *const particular[] = {"including", "options", "indexspace", "deferrable", "nulls_not_distinct"};
    struct altered t;
    struct strings columns = {0};
    BUF_AUTO list = {0};
    if (!read_altered(m->a, m->tree, &t) || !tree_says(t.constraint, "contype", "CONSTR_UNIQUE"))
        return leave(m, SEVERAL);
    for (size_t i = 0; i < COUNT(particular); i++)
        if (json_object_get(t.constraint, particular[i]))
            return leave(m, "the constraint says more than its columns: write CREATE UNIQUE INDEX CONCURRENTLY for it");
    names_of(m->a, json_object_get(t.constraint, "keys"), &columns);
    for (size_t i = 0; i < columns.n; i++)
        buf_addf(&list, "%s%s", i ? ", " : "", quoted(m->a, columns.v[i]));
    const char *written = json_string_value(json_object_get(t.constraint, "conname"));
    const char *name = written ? written : default_name(m->a, t.plain, &columns, "key");
    if (!name)
        return leave(m, "the constraint wants a name");
    const char *q = quoted(m->a, name);
    struct wanted down = {.subtype = "AT_DropConstraint", .relation = t.relation, .name = name};
    m->out->down = find_down(m, &down);
    add_part(m, true, arena_printf(m->a, "add %s", name),
             arena_printf(m->a,
                          "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);\n"
                          "ALTER TABLE %s ADD CONSTRAINT %s UNIQUE USING INDEX %s;\n",
                          q, t.name, list.p, t.name, q, q),
             arena_printf(m->a, "ALTER TABLE %s DROP CONSTRAINT %s;\n", t.name, q));
    return true;
}

/*
 * A check that is not valid yet; then, each committed by itself: VALIDATE, which stops nobody, SET NOT NULL, which the check
 * proves, and the check goes.
 */
static bool make_not_null(const struct maker *m)
{
    struct altered t;
    if (!read_altered(m->a, m->tree, &t) || !tree_says(t.command, "subtype", "AT_SetNotNull"))
        return leave(m, SEVERAL);
    const char *column = json_string_value(json_object_get(t.command, "name"));
    struct strings columns = {.v = &column, .n = 1};
    const char *name = default_name(m->a, t.plain, &columns, "not_null");
    if (!name)
        return leave(m, "the check that proves it would have too long a name");
    const char *c = quoted(m->a, column), *q = quoted(m->a, name);
    struct wanted down = {.subtype = "AT_DropNotNull", .relation = t.relation, .name = column};
    m->out->down = find_down(m, &down);
    m->out->down_instead = arena_printf(m->a, "ALTER TABLE %s DROP CONSTRAINT %s", t.name, q);
    m->out->instead = arena_printf(m->a, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", t.name, q,
                                   c);
    add_part(m, true, arena_printf(m->a, "set %s.%s not null", t.plain, column),
             arena_printf(m->a,
                          "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n"
                          "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;\n"
                          "ALTER TABLE %s DROP CONSTRAINT %s;\n",
                          t.name, q, t.name, c, t.name, q),
             arena_printf(m->a,
                          "ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL, ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT "
                          "VALID;\n",
                          t.name, c, q, c));
    return true;
}

/* ---- partitions ---- */

static bool make_detach(const struct maker *m)
{
    struct altered t;
    if (!read_altered(m->a, m->tree, &t) || !tree_says(t.command, "subtype", "AT_DetachPartition"))
        return leave(m, SEVERAL);
    struct wanted down = {.subtype = "AT_AttachPartition", .relation = t.relation};
    m->out->down = find_down(m, &down);
    if (m->out->down == NO_STATEMENT)
        return leave(m, "the down section has no ATTACH PARTITION for it");
    struct str attach = statement_text(m->revision, &m->down->statements[m->out->down]);
    add_part(m, true, arena_printf(m->a, "detach a partition of %s", t.plain),
             arena_printf(m->a, "%.*s CONCURRENTLY;\n", STR_ARG(m->text)),
             arena_printf(m->a, "%.*s;\n", STR_ARG(attach)));
    return true;
}

/* ---- the table ---- */

static const struct {
    const char *rule;
    bool (*make)(const struct maker *m);
} makers[] = {
    {"idx-not-concurrent", make_index},       {"idx-drop-not-concurrent", make_drop_index},
    {"reindex-not-concurrent", make_reindex}, {"check-not-valid", make_check},
    {"fk-not-valid", make_foreign_key},       {"unique-direct", make_unique},
    {"not-null-scan", make_not_null},         {"partition-detach", make_detach},
};

bool rewrite_knows(const char *rule)
{
    for (size_t i = 0; i < COUNT(makers); i++)
        if (strcmp(makers[i].rule, rule) == 0)
            return true;
    return false;
}

static bool make(const struct maker *m, const char *rule)
{
    for (size_t i = 0; i < COUNT(makers); i++)
        if (strcmp(makers[i].rule, rule) == 0)
            return makers[i].make(m);
    return leave(m, "this rule has no safe form that follows from the statement");
}

bool rewrite_make(struct arena *a, const struct finding *found, struct rewrite *out, const char **why)
{
    const struct source_revision *r = found->place.revision;
    const struct revision_section *section = &r->sections.v[found->place.section];
    int8_t down = r->revision.pick[DIRECTION_DOWN][DIALECT_POSTGRESQL];
    const struct revision_statement *st = &section->statements[found->place.statement];
    struct maker m = {.a = a,
                      .revision = r,
                      .section = section,
                      .down = down == SECTION_NONE ? NULL : &r->sections.v[down],
                      .text = statement_text(r, st),
                      .out = out,
                      .why = why};
    *out = (struct rewrite){.rule = found->rule,
                            .revision = r,
                            .section = found->place.section,
                            .statement = found->place.statement,
                            .down = NO_STATEMENT};
    if (section->direction == DIRECTION_DOWN)
        return leave(&m, "in a down section: rewrite it by hand");
    if (section->flags & SECTION_NO_TRANSACTION)
        return leave(&m, "in a section with transaction:false: write the safe form there");
    json_auto_t *tree = parse_tree(m.text);
    if (!tree || json_object_get(tree, "DoStmt") || json_object_get(tree, "CreateFunctionStmt"))
        return leave(&m, "inside a body: write it as a statement of its own");
    m.tree = tree;
    return make(&m, found->rule);
}
