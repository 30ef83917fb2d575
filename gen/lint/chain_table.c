/* Tables in the chain: CREATE TABLE, ALTER TABLE and CREATE INDEX, with the names that PostgreSQL gives unasked. */
#include <string.h>

#include "gen/lint/chain_state.h"
#include "gen/lint/statement.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- expressions ---- */

static void add_once(struct arena *a, struct strings *list, const char *name)
{
    if (!strings_has(list, name))
        vec_push(a, list, arena_strdup(a, name));
}

void chain_columns_of(struct arena *a, const json_t *expression, struct strings *out)
{
    const json_t *value;
    const char *key;
    size_t i;
    const char *column = tree_string(json_object_get(json_object_get(expression, "ColumnRef"), "fields"));
    if (column)
        add_once(a, out, column);
    json_array_foreach(expression, i, value) chain_columns_of(a, value, out);
    json_object_foreach((json_t *)(uintptr_t)expression, key, value) chain_columns_of(a, value, out);
}

/* Columns that a check demands to be IS NOT NULL, by itself or as one side of AND. */
static void add_not_null(struct arena *a, const json_t *expression, struct strings *out)
{
    const json_t *test = json_object_get(expression, "NullTest"), *both = json_object_get(expression, "BoolExpr"),
                 *item;
    size_t i;
    if (tree_says(test, "nulltesttype", "IS_NOT_NULL")) {
        const json_t *reference = json_object_get(json_object_get(test, "arg"), "ColumnRef");
        const char *column = tree_string(json_object_get(reference, "fields"));
        if (column)
            add_once(a, out, column);
    }
    if (tree_says(both, "boolop", "AND_EXPR"))
        json_array_foreach(json_object_get(both, "args"), i, item) add_not_null(a, item, out);
}

static void copy_names(struct arena *a, const json_t *list, struct strings *out)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *name = tree_string(item);
        if (name)
            vec_push(a, out, arena_strdup(a, name));
    }
}

/* ---- constraints ---- */

static const struct {
    const char *type;
    enum chain_constraint_kind kind;
    const char *label;
} constraint_kinds[] = {
    {"CONSTR_CHECK", CHAIN_CHECK, "check"},      {"CONSTR_PRIMARY", CHAIN_PRIMARY, "pkey"},
    {"CONSTR_UNIQUE", CHAIN_UNIQUE, "key"},      {"CONSTR_FOREIGN", CHAIN_FOREIGN, "fkey"},
    {"CONSTR_EXCLUSION", CHAIN_EXCLUDE, "excl"},
};

static size_t find_kind(const json_t *constraint)
{
    size_t i = 0;
    while (i < COUNT(constraint_kinds) && !tree_says(constraint, "contype", constraint_kinds[i].type))
        i++;
    return i;
}

static void exclusion_columns(struct arena *a, const json_t *constraint, struct strings *out)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(constraint, "exclusions"), i, item)
    {
        const json_t *element = json_array_get(json_object_get(json_object_get(item, "List"), "items"), 0);
        const char *name = json_string_value(json_object_get(json_object_get(element, "IndexElem"), "name"));
        vec_push(a, out, name ? arena_strdup(a, name) : "");
    }
}

/* Columns of a constraint: written in it, or the one beside which it stands. */
static struct strings constraint_columns(struct arena *a, enum chain_constraint_kind kind, const json_t *constraint,
                                         const char *column)
{
    struct strings columns = {0};
    if (kind == CHAIN_CHECK)
        chain_columns_of(a, json_object_get(constraint, "raw_expr"), &columns);
    else if (kind == CHAIN_EXCLUDE)
        exclusion_columns(a, constraint, &columns);
    else
        copy_names(a, json_object_get(constraint, kind == CHAIN_FOREIGN ? "fk_attrs" : "keys"), &columns);
    if (column && !columns.n)
        vec_push(a, &columns, arena_strdup(a, column));
    return columns;
}

/* A check is called after its column when it stands beside one, or names one alone. */
static const char *default_name(struct arena *a, const struct chain_relation *r, size_t kind, const json_t *constraint,
                                const struct strings *columns, const char *column)
{
    struct strings named = {0};
    for (size_t i = 0; i < columns->n; i++)
        vec_push(a, &named, columns->v[i]);
    copy_names(a, json_object_get(constraint, "including"), &named);
    const char *middle = named.n ? chain_join_columns(a, &named) : NULL;
    if (constraint_kinds[kind].kind == CHAIN_PRIMARY)
        middle = NULL;
    if (constraint_kinds[kind].kind == CHAIN_CHECK)
        middle = column ? column : columns->n == 1 ? columns->v[0] : NULL;
    return chain_choose_name(a, r, middle, constraint_kinds[kind].label);
}

const char *chain_constraint_name(struct arena *a, const struct chain_relation *r, const char *relation,
                                  const json_t *constraint, const char *column)
{
    struct chain_relation unknown = {.name = relation};
    const char *name = json_string_value(json_object_get(constraint, "conname"));
    const char *index = json_string_value(json_object_get(constraint, "indexname"));
    size_t kind = find_kind(constraint);
    if (name || index)
        return name ? name : index;
    if (kind == COUNT(constraint_kinds))
        return "";
    struct strings columns = constraint_columns(a, constraint_kinds[kind].kind, constraint, column);
    return default_name(a, r ? r : &unknown, kind, constraint, &columns, column);
}

static struct chain_column *find_column(struct chain_relation *r, const char *name)
{
    return (struct chain_column *)(uintptr_t)chain_column(r, name);
}

static struct chain_index *find_index(struct chain_relation *r, const char *name)
{
    for (size_t i = 0; name && i < r->indexes.n; i++)
        if (strcmp(r->indexes.v[i].name, name) == 0)
            return &r->indexes.v[i];
    return NULL;
}

/* ADD CONSTRAINT … USING INDEX: the index is there, takes the constraint's name, and tells the columns. */
static bool adopt_index(struct chain_relation *r, const json_t *constraint, struct chain_constraint *made)
{
    const char *name = json_string_value(json_object_get(constraint, "indexname"));
    struct chain_index *index = find_index(r, name);
    if (index) {
        index->name = made->name;
        made->columns = index->columns;
    }
    return name;
}

static void add_backing_index(struct chain *c, struct chain_relation *r, const json_t *constraint,
                              struct chain_constraint *made)
{
    struct chain_index index = {.name = made->name,
                                .columns = made->columns,
                                .unique = made->kind != CHAIN_EXCLUDE,
                                .partial = json_object_get(constraint, "where_clause") != NULL};
    if (!adopt_index(r, constraint, made))
        vec_push(c->arena, &r->indexes, index);
    for (size_t i = 0; made->kind == CHAIN_PRIMARY && i < made->columns.n; i++) {
        struct chain_column *column = find_column(r, made->columns.v[i]);
        if (column)
            column->not_null = true;
    }
}

static void check_constraint(struct chain *c, const json_t *constraint, struct chain_constraint *made)
{
    const json_t *expression = json_object_get(constraint, "raw_expr");
    add_not_null(c->arena, expression, &made->not_null);
    if (json_object_get(expression, "NullTest") && made->not_null.n)
        made->not_null_column = made->not_null.v[0];
}

void chain_add_constraint(struct chain *c, struct chain_relation *r, const json_t *constraint, const char *column,
                          bool is_new)
{
    struct arena *a = c->arena;
    size_t kind = find_kind(constraint);
    if (kind == COUNT(constraint_kinds))
        return;
    struct chain_constraint made = {
        .name = arena_strdup(a, chain_constraint_name(a, r, r->name, constraint, column)),
        .kind = constraint_kinds[kind].kind,
        .valid = is_new || !tree_true(constraint, "skip_validation"),
        .columns = constraint_columns(a, constraint_kinds[kind].kind, constraint, column),
    };
    if (made.kind == CHAIN_CHECK)
        check_constraint(c, constraint, &made);
    else if (made.kind == CHAIN_FOREIGN)
        made.parent = chain_name_of(a, json_object_get(constraint, "pktable"));
    else
        add_backing_index(c, r, constraint, &made);
    vec_push(a, &r->constraints, made);
}

/* ---- columns ---- */

static const struct {
    const char *name, *type;
} serials[] = {
    {"serial", "int4"},  {"serial4", "int4"},     {"bigserial", "int8"},
    {"serial8", "int8"}, {"smallserial", "int2"}, {"serial2", "int2"},
};

static void expand_serial(struct chain_column *column)
{
    for (size_t i = 0; i < COUNT(serials); i++)
        if (strcmp(column->type.name, serials[i].name) == 0) {
            column->type.name = serials[i].type;
            column->not_null = column->has_default = true;
        }
}

static void read_attribute(struct chain_column *column, const json_t *constraint)
{
    const json_t *value = json_object_get(constraint, "raw_expr");
    if (tree_says(constraint, "contype", "CONSTR_NOTNULL") || tree_says(constraint, "contype", "CONSTR_PRIMARY"))
        column->not_null = true;
    else if (tree_says(constraint, "contype", "CONSTR_DEFAULT"))
        column->has_default = !tree_true(json_object_get(value, "A_Const"), "isnull");
    else if (tree_says(constraint, "contype", "CONSTR_GENERATED"))
        column->stored = true;
    else if (tree_says(constraint, "contype", "CONSTR_IDENTITY"))
        column->identity = column->not_null = true;
}

void chain_add_column(struct chain *c, struct chain_relation *r, const json_t *definition)
{
    const char *name = json_string_value(json_object_get(definition, "colname"));
    const json_t *constraints = json_object_get(definition, "constraints"), *item;
    const json_t *collation = json_object_get(json_object_get(definition, "collClause"), "collname");
    struct chain_column column = {.name = arena_strdup(c->arena, name),
                                  .type = chain_type_of(c->arena, json_object_get(definition, "typeName")),
                                  .collation = collation ? arena_strdup(c->arena, tree_string(collation)) : NULL};
    size_t i;
    if (!name || chain_column(r, name))
        return;
    expand_serial(&column);
    json_array_foreach(constraints, i, item) read_attribute(&column, json_object_get(item, "Constraint"));
    vec_push(c->arena, &r->columns, column);
    json_array_foreach(constraints, i, item)
        chain_add_constraint(c, r, json_object_get(item, "Constraint"), name, false);
}

void chain_drop_column(struct chain_relation *r, const char *column)
{
    size_t n = 0;
    for (size_t i = 0; i < r->columns.n; i++)
        if (strcmp(r->columns.v[i].name, column) != 0)
            r->columns.v[n++] = r->columns.v[i];
    r->columns.n = n, n = 0;
    for (size_t i = 0; i < r->constraints.n; i++)
        if (!strings_has(&r->constraints.v[i].columns, column))
            r->constraints.v[n++] = r->constraints.v[i];
    r->constraints.n = n, n = 0;
    for (size_t i = 0; i < r->indexes.n; i++)
        if (!strings_has(&r->indexes.v[i].columns, column))
            r->indexes.v[n++] = r->indexes.v[i];
    r->indexes.n = n;
}

/* ---- CREATE TABLE ---- */

/* Bits of LIKE … INCLUDING. */
enum {
    LIKE_CONSTRAINTS = 1 << 2,
    LIKE_DEFAULTS = 1 << 3,
    LIKE_GENERATED = 1 << 4,
    LIKE_IDENTITY = 1 << 5,
    LIKE_INDEXES = 1 << 6
};
#define LIKE_PARENT (LIKE_CONSTRAINTS | LIKE_DEFAULTS | LIKE_GENERATED)

static void copy_constraint(struct chain *c, struct chain_relation *to, const struct chain_constraint *from,
                            json_int_t what)
{
    struct chain_constraint copy = *from;
    bool index = from->kind == CHAIN_PRIMARY || from->kind == CHAIN_UNIQUE;
    if (from->kind == CHAIN_CHECK && what & LIKE_CONSTRAINTS)
        vec_push(c->arena, &to->constraints, copy);
    if (!index || !(what & LIKE_INDEXES))
        return;
    const char *middle = from->kind == CHAIN_UNIQUE ? chain_join_columns(c->arena, &from->columns) : NULL;
    copy.name = chain_choose_name(c->arena, to, middle, from->kind == CHAIN_UNIQUE ? "key" : "pkey");
    struct chain_index backing = {.name = copy.name, .columns = copy.columns, .unique = true};
    vec_push(c->arena, &to->indexes, backing);
    vec_push(c->arena, &to->constraints, copy);
}

static void copy_index(struct chain *c, struct chain_relation *to, const struct chain_relation *from, size_t i)
{
    struct chain_index copy = from->indexes.v[i];
    if (chain_constraint(from, copy.name))
        return;
    copy.name = chain_choose_name(c->arena, to, chain_join_columns(c->arena, &copy.columns), "idx");
    vec_push(c->arena, &to->indexes, copy);
}

static void copy_relation(struct chain *c, struct chain_relation *to, const struct chain_relation *from,
                          json_int_t what)
{
    if (!from || !from->whole)
        to->whole = false;
    for (size_t i = 0; from && i < from->columns.n; i++) {
        struct chain_column column = from->columns.v[i];
        column.has_default = column.has_default && what & LIKE_DEFAULTS;
        column.stored = column.stored && what & LIKE_GENERATED;
        column.identity = column.identity && what & LIKE_IDENTITY;
        if (!chain_column(to, column.name))
            vec_push(c->arena, &to->columns, column);
    }
    for (size_t i = 0; from && i < from->constraints.n; i++)
        copy_constraint(c, to, &from->constraints.v[i], what);
    for (size_t i = 0; from && what & LIKE_INDEXES && i < from->indexes.n; i++)
        copy_index(c, to, from, i);
}

static void add_element(struct chain *c, struct chain_relation *r, const json_t *element)
{
    const json_t *like = json_object_get(element, "TableLikeClause");
    if (json_object_get(element, "ColumnDef"))
        chain_add_column(c, r, json_object_get(element, "ColumnDef"));
    if (json_object_get(element, "Constraint"))
        chain_add_constraint(c, r, json_object_get(element, "Constraint"), NULL, true);
    if (like)
        copy_relation(c, r, chain_find(c, chain_name_of(c->arena, json_object_get(like, "relation"))),
                      json_integer_value(json_object_get(like, "options")));
}

/* PARTITION OF gets everything of its parent, INHERITS what is not an index. */
static void add_parents(struct chain *c, struct chain_relation *r, const json_t *node)
{
    bool part = json_object_get(node, "partbound");
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(node, "inhRelations"), i, item)
    {
        const char *parent = chain_name_of(c->arena, item);
        copy_relation(c, r, chain_find(c, parent), LIKE_PARENT | (part ? LIKE_INDEXES : 0));
        if (part)
            r->partition_of = parent;
    }
}

static void add_keys(struct chain *c, struct chain_relation *r, const json_t *spec)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(spec, "partParams"), i, item)
    {
        const char *name = json_string_value(json_object_get(json_object_get(item, "PartitionElem"), "name"));
        vec_push(c->arena, &r->keys, name ? arena_strdup(c->arena, name) : "");
    }
}

struct chain_relation *chain_have(struct chain *c, const char *name, enum chain_relation_kind kind)
{
    struct chain_relation *r = chain_find(c, name);
    if (r)
        return r;
    r = ARENA_NEW(c->arena, struct chain_relation);
    r->name = arena_strdup(c->arena, name);
    r->kind = kind;
    vec_push(c->arena, &c->relations, r);
    return r;
}

/* Table constraints come after all columns, wherever they are written. */
void chain_create_table(struct chain *c, const json_t *node, const char *schema)
{
    const json_t *base = json_object_get(node, "base"), *item;
    enum chain_relation_kind kind = base ? CHAIN_FOREIGN_TABLE : CHAIN_TABLE;
    size_t i;
    if (base)
        node = base;
    const json_t *relation = json_object_get(node, "relation");
    const char *name = json_object_get(relation, "schemaname") || !schema
                           ? chain_name_of(c->arena, relation)
                           : chain_name(c->arena, schema, json_string_value(json_object_get(relation, "relname")));
    if (chain_find(c, name))
        return;
    struct chain_relation *r = chain_have(c, name, kind);
    r->whole = !json_object_get(node, "ofTypename");
    r->partitioned = json_object_get(node, "partspec");
    add_keys(c, r, json_object_get(node, "partspec"));
    add_parents(c, r, node);
    json_array_foreach(json_object_get(node, "tableElts"), i, item)
    {
        if (!json_object_get(item, "Constraint"))
            add_element(c, r, item);
    }
    json_array_foreach(json_object_get(node, "tableElts"), i, item)
    {
        if (json_object_get(item, "Constraint"))
            add_element(c, r, item);
    }
}

/* ---- CREATE INDEX ---- */

/* What an element adds to the name of the index: its column, the function that it calls, or "expr". */
static const char *element_name(const json_t *element)
{
    const char *name = json_string_value(json_object_get(element, "name"));
    const json_t *call = json_object_get(json_object_get(element, "expr"), "FuncCall");
    const char *function = tree_string(json_object_get(call, "funcname"));
    return name ? name : function ? function : "expr";
}

void chain_create_index(struct chain *c, const json_t *node)
{
    struct arena *a = c->arena;
    struct chain_relation *r = chain_have(c, chain_name_of(a, json_object_get(node, "relation")), CHAIN_TABLE);
    const char *name = json_string_value(json_object_get(node, "idxname"));
    struct chain_index index = {.unique = tree_true(node, "unique"),
                                .partial = json_object_get(node, "whereClause") != NULL};
    struct strings parts = {0};
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(node, "indexParams"), i, item)
    {
        const json_t *element = json_object_get(item, "IndexElem");
        const char *column = json_string_value(json_object_get(element, "name"));
        vec_push(a, &index.columns, column ? arena_strdup(a, column) : "");
        vec_push(a, &parts, element_name(element));
    }
    json_array_foreach(json_object_get(node, "indexIncludingParams"), i, item)
        vec_push(a, &parts, element_name(json_object_get(item, "IndexElem")));
    index.name = name ? arena_strdup(a, name) : chain_choose_name(a, r, chain_join_columns(a, &parts), "idx");
    if (!find_index(r, index.name))
        vec_push(a, &r->indexes, index);
}

/* ---- ALTER TABLE ---- */

struct alter {
    struct chain *chain;
    struct chain_relation *relation;
    const json_t *definition;
    const char *name;
};

static void add_column(struct alter *alter)
{
    chain_add_column(alter->chain, alter->relation, json_object_get(alter->definition, "ColumnDef"));
}

static void drop_column(struct alter *alter)
{
    chain_drop_column(alter->relation, alter->name);
}

/* The type a column gets has the type's own collation, unless it is said. */
static void change_type(struct alter *alter)
{
    struct arena *a = alter->chain->arena;
    struct chain_column *column = find_column(alter->relation, alter->name);
    const json_t *definition = json_object_get(alter->definition, "ColumnDef");
    const char *collation = tree_string(json_object_get(json_object_get(definition, "collClause"), "collname"));
    if (!column)
        return;
    column->type = chain_type_of(a, json_object_get(definition, "typeName"));
    column->collation = arena_strdup(a, collation);
}

static void set_not_null(struct alter *alter)
{
    struct chain_column *column = find_column(alter->relation, alter->name);
    if (column)
        column->not_null = true;
}

static void drop_not_null(struct alter *alter)
{
    struct chain_column *column = find_column(alter->relation, alter->name);
    if (column)
        column->not_null = false;
}

static void change_default(struct alter *alter)
{
    struct chain_column *column = find_column(alter->relation, alter->name);
    if (column)
        column->has_default = alter->definition && !tree_true(json_object_get(alter->definition, "A_Const"), "isnull");
}

static void add_identity(struct alter *alter)
{
    struct chain_column *column = find_column(alter->relation, alter->name);
    if (column)
        column->identity = true;
}

static void drop_identity(struct alter *alter)
{
    struct chain_column *column = find_column(alter->relation, alter->name);
    if (column)
        column->identity = false;
}

static void drop_expression(struct alter *alter)
{
    struct chain_column *column = find_column(alter->relation, alter->name);
    if (column)
        column->stored = false;
}

static void add_constraint(struct alter *alter)
{
    chain_add_constraint(alter->chain, alter->relation, json_object_get(alter->definition, "Constraint"), NULL, false);
}

static void validate_constraint(struct alter *alter)
{
    struct chain_relation *r = alter->relation;
    for (size_t i = 0; i < r->constraints.n; i++)
        if (strcmp(r->constraints.v[i].name, alter->name) == 0)
            r->constraints.v[i].valid = true;
}

static void drop_constraint(struct alter *alter)
{
    struct chain_relation *r = alter->relation;
    size_t n = 0;
    bool found = chain_constraint(r, alter->name);
    for (size_t i = 0; i < r->constraints.n; i++)
        if (strcmp(r->constraints.v[i].name, alter->name) != 0)
            r->constraints.v[n++] = r->constraints.v[i];
    r->constraints.n = n, n = 0;
    for (size_t i = 0; i < r->indexes.n; i++)
        if (!found || strcmp(r->indexes.v[i].name, alter->name) != 0)
            r->indexes.v[n++] = r->indexes.v[i];
    r->indexes.n = n;
}

static const json_t *other_table(const struct alter *alter)
{
    return json_object_get(json_object_get(alter->definition, "PartitionCmd"), "name");
}

static void attach(struct alter *alter)
{
    struct chain_relation *part = chain_have(alter->chain, chain_name_of(alter->chain->arena, other_table(alter)),
                                             CHAIN_TABLE);
    part->partition_of = alter->relation->name;
}

static void detach(struct alter *alter)
{
    struct chain_relation *part = chain_find(alter->chain, chain_name_of(alter->chain->arena, other_table(alter)));
    if (part)
        part->partition_of = NULL;
}

static const struct {
    const char *subtype;
    void (*apply)(struct alter *alter);
} subcommands[] = {
    {"AT_AddColumn", add_column},
    {"AT_DropColumn", drop_column},
    {"AT_AlterColumnType", change_type},
    {"AT_SetNotNull", set_not_null},
    {"AT_DropNotNull", drop_not_null},
    {"AT_ColumnDefault", change_default},
    {"AT_AddIdentity", add_identity},
    {"AT_DropIdentity", drop_identity},
    {"AT_DropExpression", drop_expression},
    {"AT_AddConstraint", add_constraint},
    {"AT_ValidateConstraint", validate_constraint},
    {"AT_DropConstraint", drop_constraint},
    {"AT_AttachPartition", attach},
    {"AT_DetachPartition", detach},
    {"AT_DetachPartitionFinalize", detach},
};

static void alter_one(struct chain *c, struct chain_relation *r, const json_t *command)
{
    const char *name = json_string_value(json_object_get(command, "name"));
    struct alter alter = {
        .chain = c, .relation = r, .definition = json_object_get(command, "def"), .name = name ? name : ""};
    for (size_t i = 0; i < COUNT(subcommands); i++)
        if (tree_says(command, "subtype", subcommands[i].subtype))
            subcommands[i].apply(&alter);
}

/* A table that no revision was seen to make is known from here on by what is done to it. */
void chain_alter_table(struct chain *c, const json_t *node)
{
    const json_t *item;
    size_t i;
    bool foreign = tree_says(node, "objtype", "OBJECT_FOREIGN_TABLE");
    if (!foreign && !tree_says(node, "objtype", "OBJECT_TABLE"))
        return;
    struct chain_relation *r = chain_have(c, chain_name_of(c->arena, json_object_get(node, "relation")),
                                          foreign ? CHAIN_FOREIGN_TABLE : CHAIN_TABLE);
    json_array_foreach(json_object_get(node, "cmds"), i, item) alter_one(c, r, json_object_get(item, "AlterTableCmd"));
}
