/* What a statement changes in the chain: everything but the insides of tables, which chain_table.c has. */
#include <string.h>

#include "gen/lint/chain_state.h"
#include "gen/lint/statement.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- types and domains ---- */

static struct chain_user_type *add_type(struct chain *c, const json_t *names, enum chain_object_kind kind)
{
    struct chain_user_type type = {.name = chain_name_of(c->arena, names), .kind = kind};
    vec_push(c->arena, &c->types, type);
    return &c->types.v[c->types.n - 1];
}

static void count_constraints(struct chain *c, struct chain_user_type *type)
{
    const struct chain_user_type *base = chain_type_object(c, &type->base);
    type->constrained = type->not_null || type->checks.n || (base && base != type && base->constrained);
}

/* A domain's check is called "money_check". */
static void add_domain_check(struct chain *c, struct chain_user_type *type, const json_t *constraint)
{
    struct chain_relation like = {.name = type->name};
    const char *name = json_string_value(json_object_get(constraint, "conname"));
    name = name ? arena_strdup(c->arena, name) : chain_choose_name(c->arena, &like, NULL, "check");
    vec_push(c->arena, &type->checks, name);
}

static void add_domain_part(struct chain *c, struct chain_user_type *type, const json_t *constraint)
{
    const json_t *value = json_object_get(constraint, "raw_expr");
    if (tree_says(constraint, "contype", "CONSTR_NOTNULL"))
        type->not_null = true;
    if (tree_says(constraint, "contype", "CONSTR_CHECK"))
        add_domain_check(c, type, constraint);
    if (tree_says(constraint, "contype", "CONSTR_DEFAULT")) {
        type->has_default = !tree_true(json_object_get(value, "A_Const"), "isnull");
        type->volatile_default = chain_volatile_call(c, c->arena, value);
    }
}

/* What a domain does not say it has from the domain under it. */
static void create_domain(struct chain *c, const json_t *node)
{
    struct chain_user_type *type = add_type(c, json_object_get(node, "domainname"), CHAIN_DOMAIN);
    const json_t *item;
    size_t i;
    type->base = chain_type_of(c->arena, json_object_get(node, "typeName"));
    const struct chain_user_type *base = chain_type_object(c, &type->base);
    if (base && base != type) {
        type->has_default = base->has_default;
        type->volatile_default = base->volatile_default;
    }
    json_array_foreach(json_object_get(node, "constraints"), i, item)
        add_domain_part(c, type, json_object_get(item, "Constraint"));
    count_constraints(c, type);
}

static void drop_string(struct strings *list, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], name) != 0)
            list->v[n++] = list->v[i];
    list->n = n;
}

static void alter_domain(struct chain *c, const json_t *node)
{
    struct chain_user_type *type = chain_find_type(c, chain_name_of(c->arena, json_object_get(node, "typeName")));
    const json_t *definition = json_object_get(node, "def");
    const char *name = json_string_value(json_object_get(node, "name"));
    if (!type)
        return;
    if (tree_says(node, "subtype", "C"))
        add_domain_check(c, type, json_object_get(definition, "Constraint"));
    else if (tree_says(node, "subtype", "X") && name)
        drop_string(&type->checks, name);
    else if (tree_says(node, "subtype", "O") || tree_says(node, "subtype", "N"))
        type->not_null = tree_says(node, "subtype", "O");
    else if (tree_says(node, "subtype", "T")) {
        type->has_default = definition;
        type->volatile_default = chain_volatile_call(c, c->arena, definition);
    }
    count_constraints(c, type);
}

static void create_enum(struct chain *c, const json_t *node)
{
    add_type(c, json_object_get(node, "typeName"), CHAIN_ENUM);
}

static void create_range(struct chain *c, const json_t *node)
{
    add_type(c, json_object_get(node, "typeName"), CHAIN_OTHER_TYPE);
}

static void create_composite(struct chain *c, const json_t *node)
{
    add_type(c, json_object_get(node, "typevar"), CHAIN_OTHER_TYPE);
}

static void define(struct chain *c, const json_t *node)
{
    if (tree_says(node, "kind", "OBJECT_TYPE"))
        add_type(c, json_object_get(node, "defnames"), CHAIN_OTHER_TYPE);
}

/* ---- functions ---- */

static char read_volatility(const json_t *options, char otherwise)
{
    const json_t *item;
    size_t i;
    json_array_foreach(options, i, item)
    {
        const json_t *option = json_object_get(item, "DefElem");
        const char *word = tree_string(json_object_get(option, "arg"));
        if (tree_says(option, "defname", "volatility") && word)
            otherwise = *word; /* immutable, stable, volatile */
    }
    return otherwise;
}

static struct chain_function *find_function(struct chain *c, const char *name)
{
    for (size_t i = 0; i < c->functions.n; i++)
        if (strcmp(c->functions.v[i].name, name) == 0)
            return &c->functions.v[i];
    return NULL;
}

/* Of functions that share a name the worst counts: 'v' > 's' > 'i', as it happens. */
static void create_function(struct chain *c, const json_t *node)
{
    struct chain_function made = {.name = chain_name_of(c->arena, json_object_get(node, "funcname")),
                                  .volatility = read_volatility(json_object_get(node, "options"), 'v')};
    struct chain_function *known = find_function(c, made.name);
    if (!known)
        vec_push(c->arena, &c->functions, made);
    else if (tree_true(node, "replace") || made.volatility > known->volatility)
        known->volatility = made.volatility;
}

static void alter_function(struct chain *c, const json_t *node)
{
    const json_t *names = json_object_get(json_object_get(node, "func"), "objname");
    struct chain_function *known = find_function(c, chain_name_of(c->arena, names));
    if (known)
        known->volatility = read_volatility(json_object_get(node, "actions"), known->volatility);
}

/* ---- views, sequences, tables from queries ---- */

static void collect_reads(struct arena *a, const json_t *node, struct strings *reads, struct strings *local)
{
    const json_t *value = json_object_get(node, "RangeVar");
    const char *key, *common = json_string_value(json_object_get(json_object_get(node, "CommonTableExpr"), "ctename"));
    size_t i;
    if (common)
        vec_push(a, local, common);
    if (value) {
        const char *name = chain_name_of(a, value);
        bool plain = !json_object_get(value, "schemaname");
        if (!strings_has(reads, name) && !(plain && strings_has(local, strchr(name, '.') + 1)))
            vec_push(a, reads, name);
    }
    /* WITH is read before FROM, wherever the tree has it. */
    const json_t *with = json_object_get(node, "withClause");
    if (with)
        collect_reads(a, with, reads, local);
    json_array_foreach(node, i, value) collect_reads(a, value, reads, local);
    json_object_foreach((json_t *)(uintptr_t)node, key, value) collect_reads(a, value, reads, local);
}

/* Every column that the query names, wherever; "*" stands for all. */
static void collect_names(struct arena *a, const json_t *node, struct strings *names)
{
    const json_t *value, *fields = json_object_get(json_object_get(node, "ColumnRef"), "fields");
    const char *key, *name = fields ? tree_string(fields) : NULL;
    size_t i;
    if (fields && !strings_has(names, name ? name : "*"))
        vec_push(a, names, name ? arena_strdup(a, name) : "*");
    json_array_foreach(node, i, value) collect_names(a, value, names);
    json_object_foreach((json_t *)(uintptr_t)node, key, value) collect_names(a, value, names);
}

static void read_query(struct chain *c, struct chain_relation *r, const json_t *query)
{
    struct strings local = {0};
    r->reads = r->names = (struct strings){0};
    collect_reads(c->arena, query, &r->reads, &local);
    collect_names(c->arena, query, &r->names);
}

/* Their types are nobody's question; a name that the tree does not tell is "". */
static void create_view(struct chain *c, const json_t *node)
{
    struct chain_relation *r = chain_have(c, chain_name_of(c->arena, json_object_get(node, "view")), CHAIN_VIEW);
    struct strings columns = {0};
    read_query(c, r, json_object_get(node, "query"));
    r->columns.n = 0;
    r->whole = tree_view_columns(c->arena, node, &columns);
    for (size_t i = 0; i < columns.n; i++)
        vec_push(c->arena, &r->columns, (struct chain_column){.name = columns.v[i] ? columns.v[i] : ""});
}

static void create_table_as(struct chain *c, const json_t *node)
{
    bool view = tree_says(node, "objtype", "OBJECT_MATVIEW");
    const json_t *rel = json_object_get(json_object_get(node, "into"), "rel");
    struct chain_relation *r = chain_have(c, chain_name_of(c->arena, rel),
                                          view ? CHAIN_MATERIALIZED_VIEW : CHAIN_TABLE);
    if (view && !r->reads.n)
        read_query(c, r, json_object_get(node, "query"));
}

static void select_into(struct chain *c, const json_t *node)
{
    const json_t *into = json_object_get(node, "intoClause");
    if (into)
        chain_have(c, chain_name_of(c->arena, json_object_get(into, "rel")), CHAIN_TABLE);
}

static void create_sequence(struct chain *c, const json_t *node)
{
    chain_have(c, chain_name_of(c->arena, json_object_get(node, "sequence")), CHAIN_SEQUENCE);
}

static void create_table(struct chain *c, const json_t *node)
{
    chain_create_table(c, node, NULL);
}

static void create_schema(struct chain *c, const json_t *node)
{
    const char *schema = json_string_value(json_object_get(node, "schemaname"));
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(node, "schemaElts"), i, item)
    {
        if (json_object_get(item, "CreateStmt"))
            chain_create_table(c, json_object_get(item, "CreateStmt"), schema);
        else
            chain_apply(c, item);
    }
}

/* ---- DROP ---- */

static void drop_at(struct chain *c, size_t at)
{
    for (size_t i = at; i + 1 < c->relations.n; i++)
        c->relations.v[i] = c->relations.v[i + 1];
    c->relations.n--;
}

/* Foreign keys that point at it go too: PostgreSQL drops it only with them. */
static void forget_parent(struct chain *c, const char *name)
{
    for (size_t i = 0; i < c->relations.n; i++) {
        struct chain_relation *r = c->relations.v[i];
        size_t n = 0;
        for (size_t k = 0; k < r->constraints.n; k++)
            if (!r->constraints.v[k].parent || strcmp(r->constraints.v[k].parent, name) != 0)
                r->constraints.v[n++] = r->constraints.v[k];
        r->constraints.n = n;
    }
}

/* A partitioned table takes its partitions with it. */
static void drop_relation(struct chain *c, const char *name)
{
    for (size_t i = 0; i < c->relations.n; i++)
        if (strcmp(c->relations.v[i]->name, name) == 0) {
            drop_at(c, i);
            break;
        }
    forget_parent(c, name);
    for (size_t i = 0; i < c->relations.n; i++) {
        const struct chain_relation *r = c->relations.v[i];
        if (r->partition_of && strcmp(r->partition_of, name) == 0) {
            drop_relation(c, r->name);
            i = (size_t)-1; /* others may be gone as well */
        }
    }
}

static void drop_index(struct chain *c, const char *name)
{
    struct chain_relation *r = (struct chain_relation *)(uintptr_t)chain_index(c, name, NULL);
    const char *plain = strchr(name, '.') + 1;
    size_t n = 0;
    for (size_t i = 0; r && i < r->indexes.n; i++)
        if (strcmp(r->indexes.v[i].name, plain) != 0)
            r->indexes.v[n++] = r->indexes.v[i];
    if (r)
        r->indexes.n = n;
}

static void drop_type(struct chain *c, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < c->types.n; i++)
        if (strcmp(c->types.v[i].name, name) != 0)
            c->types.v[n++] = c->types.v[i];
    c->types.n = n;
}

static void drop_function(struct chain *c, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < c->functions.n; i++)
        if (strcmp(c->functions.v[i].name, name) != 0)
            c->functions.v[n++] = c->functions.v[i];
    c->functions.n = n;
}

static bool in_schema(const char *name, const char *schema)
{
    size_t n = strlen(schema);
    return strncmp(name, schema, n) == 0 && name[n] == '.';
}

static void drop_schema(struct chain *c, const char *schema)
{
    for (size_t i = 0; i < c->relations.n;)
        if (in_schema(c->relations.v[i]->name, schema))
            drop_at(c, i);
        else
            i++;
    for (size_t i = c->types.n; i-- > 0;)
        if (in_schema(c->types.v[i].name, schema))
            drop_type(c, c->types.v[i].name);
}

static const struct {
    const char *type;
    void (*drop)(struct chain *c, const char *name);
} drops[] = {
    {"OBJECT_TABLE", drop_relation},    {"OBJECT_VIEW", drop_relation},
    {"OBJECT_MATVIEW", drop_relation},  {"OBJECT_FOREIGN_TABLE", drop_relation},
    {"OBJECT_SEQUENCE", drop_relation}, {"OBJECT_INDEX", drop_index},
    {"OBJECT_TYPE", drop_type},         {"OBJECT_DOMAIN", drop_type},
    {"OBJECT_FUNCTION", drop_function}, {"OBJECT_ROUTINE", drop_function},
};

/* An object is a list of names, a type, or a function with its arguments. */
static const json_t *object_names(const json_t *object)
{
    const json_t *type = json_object_get(object, "TypeName"), *function = json_object_get(object, "ObjectWithArgs");
    return type ? json_object_get(type, "names") : function ? json_object_get(function, "objname") : object;
}

static void drop(struct chain *c, const json_t *node)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(node, "objects"), i, item)
    {
        for (size_t k = 0; k < COUNT(drops); k++)
            if (tree_says(node, "removeType", drops[k].type))
                drops[k].drop(c, chain_name_of(c->arena, object_names(item)));
        if (tree_says(node, "removeType", "OBJECT_SCHEMA") && tree_string(item))
            drop_schema(c, tree_string(item));
    }
}

/* ---- RENAME, SET SCHEMA ---- */

static void replace(struct strings *list, const char *from, const char *to)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], from) == 0)
            list->v[i] = to;
}

static void replace_name(const char **name, const char *from, const char *to)
{
    if (*name && strcmp(*name, from) == 0)
        *name = to;
}

static void move_relation(struct chain *c, const char *from, const char *to)
{
    for (size_t i = 0; i < c->relations.n; i++) {
        struct chain_relation *r = c->relations.v[i];
        replace_name(&r->name, from, to);
        replace_name(&r->partition_of, from, to);
        replace(&r->reads, from, to);
        for (size_t k = 0; k < r->constraints.n; k++)
            replace_name(&r->constraints.v[k].parent, from, to);
    }
}

static void rename_column(struct chain_relation *r, const char *from, const char *to)
{
    for (size_t i = 0; i < r->columns.n; i++)
        replace_name(&r->columns.v[i].name, from, to);
    for (size_t i = 0; i < r->constraints.n; i++) {
        struct chain_constraint *k = &r->constraints.v[i];
        replace(&k->columns, from, to);
        replace(&k->not_null, from, to);
        replace_name(&k->not_null_column, from, to);
    }
    for (size_t i = 0; i < r->indexes.n; i++)
        replace(&r->indexes.v[i].columns, from, to);
    replace(&r->keys, from, to);
}

/* An index and the constraint that it serves have one name. */
static void rename_inside(struct chain_relation *r, const char *from, const char *to)
{
    for (size_t i = 0; i < r->constraints.n; i++)
        replace_name(&r->constraints.v[i].name, from, to);
    for (size_t i = 0; i < r->indexes.n; i++)
        replace_name(&r->indexes.v[i].name, from, to);
}

/* "a.x" as "b.x": all names of a schema that was renamed. */
static void rename_schema(struct chain *c, const char *from, const char *to)
{
    for (size_t i = 0; i < c->relations.n; i++) {
        const char *name = c->relations.v[i]->name;
        if (in_schema(name, from))
            move_relation(c, name, chain_name(c->arena, to, name + strlen(from) + 1));
    }
    for (size_t i = 0; i < c->types.n; i++)
        if (in_schema(c->types.v[i].name, from))
            c->types.v[i].name = chain_name(c->arena, to, c->types.v[i].name + strlen(from) + 1);
}

static const char *sibling(struct chain *c, const char *name, const char *plain)
{
    return arena_printf(c->arena, "%.*s.%s", (int)(strchr(name, '.') - name), name, plain);
}

/* The types of columns say "name" for what is in public. */
static void rename_type(struct chain *c, const char *from, const char *to)
{
    struct chain_user_type *type = chain_find_type(c, from);
    const char *old = strncmp(from, "public.", 7) == 0 ? from + 7 : from;
    const char *new = strncmp(to, "public.", 7) == 0 ? to + 7 : to;
    if (!type)
        return;
    type->name = to;
    for (size_t i = 0; i < c->relations.n; i++)
        for (size_t k = 0; k < c->relations.v[i]->columns.n; k++)
            replace_name(&c->relations.v[i]->columns.v[k].type.name, old, new);
}

static void rename_routine(struct chain *c, const char *from, const char *to)
{
    struct chain_function *function = find_function(c, from);
    if (function)
        function->name = to;
}

/* ALTER TABLE may rename whatever is a relation, an index too. */
static void rename_relation(struct chain *c, const char *name, const char *plain)
{
    struct chain_relation *owner = (struct chain_relation *)(uintptr_t)chain_index(c, name, NULL);
    if (chain_find(c, name))
        move_relation(c, name, sibling(c, name, plain));
    else if (owner)
        rename_inside(owner, strchr(name, '.') + 1, plain);
}

static void rename_object(struct chain *c, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation"), *object = json_object_get(node, "object");
    const char *to = arena_strdup(c->arena, json_string_value(json_object_get(node, "newname")));
    const char *part = json_string_value(json_object_get(node, "subname"));
    const char *name = chain_name_of(c->arena, relation ? relation : object_names(object));
    struct chain_relation *r = chain_find(c, name);
    if (!to)
        return;
    if (tree_says(node, "renameType", "OBJECT_SCHEMA") && part)
        rename_schema(c, part, to);
    else if (tree_says(node, "renameType", "OBJECT_COLUMN") && part && r)
        rename_column(r, part, to);
    else if (tree_says(node, "renameType", "OBJECT_TABCONSTRAINT") && part && r)
        rename_inside(r, part, to);
    else if (tree_says(node, "renameType", "OBJECT_TYPE") || tree_says(node, "renameType", "OBJECT_DOMAIN"))
        rename_type(c, name, sibling(c, name, to));
    else if (tree_says(node, "renameType", "OBJECT_FUNCTION"))
        rename_routine(c, name, sibling(c, name, to));
    else if (relation && !part)
        rename_relation(c, name, to);
}

static void set_schema(struct chain *c, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation"), *object = json_object_get(node, "object");
    const char *schema = json_string_value(json_object_get(node, "newschema"));
    const char *name = chain_name_of(c->arena, relation ? relation : object_names(object));
    if (!schema)
        return;
    const char *to = chain_name(c->arena, schema, strchr(name, '.') + 1);
    if (relation)
        move_relation(c, name, to);
    else if (tree_says(node, "objectType", "OBJECT_TYPE") || tree_says(node, "objectType", "OBJECT_DOMAIN"))
        rename_type(c, name, to);
    else if (tree_says(node, "objectType", "OBJECT_FUNCTION"))
        rename_routine(c, name, to);
}

/* ---- all of them ---- */

static const struct {
    const char *node;
    void (*apply)(struct chain *c, const json_t *node);
} statements[] = {
    {"CreateStmt", create_table},
    {"CreateForeignTableStmt", create_table},
    {"CreateTableAsStmt", create_table_as},
    {"SelectStmt", select_into},
    {"ViewStmt", create_view},
    {"CreateSeqStmt", create_sequence},
    {"CreateSchemaStmt", create_schema},
    {"IndexStmt", chain_create_index},
    {"AlterTableStmt", chain_alter_table},
    {"CreateDomainStmt", create_domain},
    {"AlterDomainStmt", alter_domain},
    {"CreateEnumStmt", create_enum},
    {"CreateRangeStmt", create_range},
    {"CompositeTypeStmt", create_composite},
    {"DefineStmt", define},
    {"CreateFunctionStmt", create_function},
    {"AlterFunctionStmt", alter_function},
    {"DropStmt", drop},
    {"RenameStmt", rename_object},
    {"AlterObjectSchemaStmt", set_schema},
};

void chain_apply(struct chain *c, const json_t *tree)
{
    for (size_t i = 0; i < COUNT(statements); i++) {
        const json_t *node = json_object_get(tree, statements[i].node);
        if (node)
            statements[i].apply(c, node);
    }
}

/* ---- what is new ---- */

/* OR REPLACE may meet one that is there, and a temporary object is the section's own in any case. */
static const json_t *made_by(const json_t *tree)
{
    static const struct {
        const char *node, *first, *second;
    } makers[] = {
        {"CreateStmt", "relation", NULL},     {"CreateForeignTableStmt", "base", "relation"},
        {"CreateTableAsStmt", "into", "rel"}, {"SelectStmt", "intoClause", "rel"},
        {"CreateSeqStmt", "sequence", NULL},  {"ViewStmt", "view", NULL},
    };
    for (size_t i = 0; i < COUNT(makers); i++) {
        const json_t *node = json_object_get(tree, makers[i].node);
        if (!node || tree_true(node, "replace"))
            continue;
        node = json_object_get(node, makers[i].first);
        return makers[i].second ? json_object_get(node, makers[i].second) : node;
    }
    return NULL;
}

static void made_in_schema(const json_t *node, struct strings *made, struct arena *a)
{
    const char *schema = json_string_value(json_object_get(node, "schemaname"));
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(node, "schemaElts"), i, item)
    {
        const json_t *relation = made_by(item);
        const char *name = json_string_value(json_object_get(relation, "relname"));
        if (name)
            vec_push(a, made, chain_name(a, schema, name));
    }
}

/* A new table under another name is still new, and the name it had is free for one that is not. */
static void made_under_another_name(const json_t *tree, struct strings *made, struct arena *a)
{
    const json_t *renamed = json_object_get(tree, "RenameStmt"),
                 *moved = json_object_get(tree, "AlterObjectSchemaStmt");
    const json_t *relation = json_object_get(renamed ? renamed : moved, "relation");
    const char *to = json_string_value(json_object_get(renamed ? renamed : moved, renamed ? "newname" : "newschema"));
    if (!relation || !to || json_object_get(renamed, "subname"))
        return;
    const char *name = chain_name_of(a, relation), *dot = strchr(name, '.');
    for (size_t i = 0; i < made->n; i++)
        if (strcmp(made->v[i], name) == 0)
            made->v[i] = renamed ? arena_printf(a, "%.*s.%s", (int)(dot - name), name, to) : chain_name(a, to, dot + 1);
}

void chain_made(const json_t *tree, struct strings *made, struct arena *a)
{
    const json_t *relation = made_by(tree);
    if (relation)
        vec_push(a, made, chain_name_of(a, relation));
    made_in_schema(json_object_get(tree, "CreateSchemaStmt"), made, a);
    made_under_another_name(tree, made, a);
}
