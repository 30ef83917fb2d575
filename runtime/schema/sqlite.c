/*
 * Reading SQLite's catalog: sqlite_schema and two pragmas as tables give the objects, the stored texts the rest.
 *
 * What needs what is known from names in texts alone, as SQLite itself knows it: a view or trigger that has a relation's
 * name somewhere in its text needs that relation.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/reader.h"
#include "schema/sqlite_text.h"
#include "schema/tokens.h"

enum query { Q_ABOUT, Q_RELATIONS, Q_COLUMNS, Q_REST, Q_COUNT };

/* Shadow tables belong to their virtual table. What begins with sqlite_ is SQLite's own. */
static const char *const queries[Q_COUNT] = {
    [Q_ABOUT] = "SELECT sqlite_version()",
    [Q_RELATIONS] =
        "SELECT s.type, s.name, s.sql, l.wr, l.strict FROM sqlite_schema s"
        " JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name"
        " WHERE s.type IN ('table', 'view') AND l.type <> 'shadow' AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " ORDER BY s.name COLLATE BINARY",
    [Q_COLUMNS] = "SELECT s.name, x.name, x.\"notnull\", x.pk FROM sqlite_schema s,"
                  " pragma_table_xinfo(s.name, 'main') x WHERE s.type = 'table'"
                  " AND s.sql NOT LIKE 'create virtual%' ORDER BY s.name COLLATE BINARY, x.cid",
    [Q_REST] = "SELECT s.type, s.name, s.tbl_name, s.sql FROM sqlite_schema s"
               " WHERE s.type IN ('index', 'trigger') AND s.sql IS NOT NULL"
               " AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY s.type, s.name COLLATE BINARY",
};

struct relation {
    const char *type, *name, *lower, *sql;
    bool without_rowid, strict;
    uint32_t object;
};

struct text_object {
    const char *type, *name, *table, *sql;
};

struct reported_column {
    const char *table, *name;
    bool not_null;
    size_t key; /* which column of the primary key it is, from 1 on; 0: none */
};

struct reader {
    struct arena *arena;
    struct catalog *out;
    const struct scope *scope;
    VEC(struct relation) relations;
    VEC(struct reported_column) columns;
    VEC(struct text_object) rest;
    struct strings names; /* of all columns and relations */
};

/* ---- rows ---- */

static const char *keep(struct reader *r, const struct db_row *row, size_t i)
{
    return arena_strdup(r->arena, row->values[i] ? row->values[i] : "");
}

static bool is_set(const char *value)
{
    return value && strcmp(value, "0") != 0;
}

static bool is_ours(const struct scope *scope, const char *name)
{
    return strcasecmp(name, "migrate_log") == 0 || strcasecmp(name, "migrate_ledger") == 0 ||
           (scope->version_table && strcasecmp(name, scope->version_table) == 0);
}

static bool is_ignored(const struct reader *r, const char *name)
{
    const char *identity = sqlite_text_quoted(r->arena, sqlite_text_lower(r->arena, name));
    for (size_t i = 0; i < r->scope->ignored.n; i++)
        if (fnmatch(r->scope->ignored.v[i], identity, 0) == 0)
            return true;
    return false;
}

static void take_relation(struct reader *r, const struct db_row *row)
{
    struct relation relation = {keep(r, row, 0),        keep(r, row, 1),        NULL,       keep(r, row, 2),
                                is_set(row->values[3]), is_set(row->values[4]), OBJECT_NONE};
    relation.lower = sqlite_text_lower(r->arena, relation.name);
    if (!is_ours(r->scope, relation.name) && !is_ignored(r, relation.name))
        vec_push(r->arena, &r->relations, relation);
}

/* "3.40.1" is 3040001. */
static uint32_t version_number(const char *text)
{
    char *end = NULL;
    unsigned long version = 0;
    for (size_t i = 0; i < 3; i++) {
        version = version * 1000 + (text ? strtoul(text, &end, 10) : 0);
        text = text && *end == '.' ? end + 1 : NULL;
    }
    return (uint32_t)version;
}

static bool take_row(void *to, size_t index, const struct db_row *row, struct err *e)
{
    static const size_t width[] = {[Q_ABOUT] = 1, [Q_RELATIONS] = 5, [Q_COLUMNS] = 4, [Q_REST] = 4};
    struct reader *r = to;
    if (index >= Q_COUNT || row->n != width[index])
        return err_set(e, FAULT_FAILED, "SQLite's catalog gives %zu columns", row->n);
    switch ((enum query)index) {
    case Q_ABOUT:
        r->out->version = version_number(row->values[0]);
        break;
    case Q_RELATIONS:
        take_relation(r, row);
        break;
    case Q_COLUMNS:
        vec_push(r->arena, &r->columns,
                 (struct reported_column){keep(r, row, 0), keep(r, row, 1), is_set(row->values[2]),
                                          row->values[3] ? strtoul(row->values[3], NULL, 10) : 0});
        break;
    case Q_REST:
        vec_push(r->arena, &r->rest,
                 (struct text_object){keep(r, row, 0), keep(r, row, 1), keep(r, row, 2), keep(r, row, 3)});
        break;
    case Q_COUNT:
        break;
    }
    return true;
}

/* ---- objects ---- */

static uint32_t add(struct reader *r, unsigned rank, const char *identity, const char *address, uint32_t parent,
                    size_t ordinal, const char *const *values)
{
    return catalog_add(r->out, kinds_sqlite.v[rank], identity, address, parent, (uint32_t)ordinal, values);
}

static const char *identity_of(struct reader *r, const char *name)
{
    return sqlite_text_quoted(r->arena, sqlite_text_lower(r->arena, name));
}

static const char *address_of(struct reader *r, const char *name)
{
    return sqlite_text_quoted(r->arena, name);
}

static const char *part_of(struct reader *r, const char *table, const char *part)
{
    return arena_printf(r->arena, "%s.%s", table, part);
}

/* The columns as SQLite sees them, of one table; they stand together. */
static const struct reported_column *columns_of(const struct reader *r, const char *table, size_t *n)
{
    size_t first = 0;
    while (first < r->columns.n && strcmp(r->columns.v[first].table, table) != 0)
        first++;
    size_t end = first;
    while (end < r->columns.n && strcmp(r->columns.v[end].table, table) == 0)
        end++;
    *n = end - first;
    return r->columns.v + first;
}

/* Whether the text was read as SQLite reads it; if not, the table is compared as a whole. */
static bool agrees(const struct sqlite_text_table *text, const struct relation *relation,
                   const struct reported_column *columns, size_t n)
{
    if (text->columns.n != n || text->strict != relation->strict || text->without_rowid != relation->without_rowid)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(text->columns.v[i].name, columns[i].name) != 0 ||
            (text->columns.v[i].not_null && !columns[i].not_null))
            return false;
    return true;
}

static void add_column(struct reader *r, const struct relation *relation, const char *table, size_t i,
                       const struct sqlite_text_column *c, bool not_null)
{
    const char *values[] = {c->name,
                            c->type,
                            c->not_null ? c->not_null
                            : not_null  ? "NOT NULL"
                                        : NULL,
                            c->default_value,
                            c->generated,
                            c->collation,
                            arena_printf(r->arena, "%zu", i + 1)};
    add(r, LITE_COLUMN, part_of(r, table, identity_of(r, c->name)), address_of(r, c->name), relation->object, i + 1,
        values);
}

/* Of two constraints that are called alike the second one gets a number; in the order of what they say. */
static size_t twins_before(const struct sqlite_text_table *t, size_t at, const char *const *labels)
{
    size_t n = 0;
    for (size_t i = 0; i < t->constraints.n; i++) {
        const struct sqlite_text_constraint *c = &t->constraints.v[i], *d = &t->constraints.v[at];
        bool twin = i != at && strcmp(labels[i], labels[at]) == 0 &&
                    (c->kind == SQLITE_FOREIGN_KEY) == (d->kind == SQLITE_FOREIGN_KEY);
        int order = twin ? strcmp(c->definition, d->definition) : 0;
        n += twin && (order < 0 || (order == 0 && i < at));
    }
    return n;
}

static int by_lower_name(const void *left, const void *right)
{
    const struct relation *a = left, *b = right;
    return strcmp(a->lower, b->lower);
}

static const struct relation *find_relation(const struct reader *r, const char *lower)
{
    struct relation key = {.lower = lower};
    return r->relations.n ? bsearch(&key, r->relations.v, r->relations.n, sizeof *r->relations.v, by_lower_name) : NULL;
}

/* The primary key of a table, whatever the letters of its name; empty: it has none. */
static void find_key(const struct reader *r, const char *table, struct strings *out)
{
    for (size_t place = 1, found = 1; found; place++) {
        found = 0;
        for (size_t i = 0; i < r->columns.n && !found; i++) {
            const struct reported_column *c = &r->columns.v[i];
            found = c->key == place && strcasecmp(c->table, table) == 0;
            if (found)
                vec_push(r->arena, out, sqlite_text_lower(r->arena, c->name));
        }
    }
}

/* "REFERENCES p" means p's primary key, whatever that is by now. A file may leave tables out that are ignored here. */
static void say_parent_keys(struct reader *r, struct sqlite_text_table *t)
{
    for (size_t i = 0; i < t->constraints.n; i++) {
        struct sqlite_text_constraint *c = &t->constraints.v[i];
        struct strings key = {0};
        if (!c->parent_end || !find_relation(r, sqlite_text_lower(r->arena, c->parent)))
            continue;
        find_key(r, c->parent, &key);
        sqlite_text_say_parent_key(r->arena, c, &key);
    }
}

static void add_constraints(struct reader *r, const struct relation *relation, const char *table,
                            struct sqlite_text_table *t)
{
    say_parent_keys(r, t);
    const char **labels = ARENA_ARRAY(r->arena, const char *, t->constraints.n);
    for (size_t i = 0; i < t->constraints.n; i++)
        labels[i] = t->constraints.v[i].name ? identity_of(r, t->constraints.v[i].name) : t->constraints.v[i].brief;
    for (size_t i = 0; i < t->constraints.n; i++) {
        const struct sqlite_text_constraint *c = &t->constraints.v[i];
        size_t twins = twins_before(t, i, labels);
        const char *label = twins ? arena_printf(r->arena, "%s (%zu)", labels[i], twins + 1) : labels[i];
        add(r, c->kind == SQLITE_FOREIGN_KEY ? LITE_FOREIGN_KEY : LITE_CONSTRAINT, part_of(r, table, label),
            c->name ? address_of(r, c->name) : label, relation->object, 0, &c->definition);
    }
}

static void add_table(struct reader *r, struct relation *relation)
{
    struct sqlite_text_table text;
    size_t n;
    const struct reported_column *columns = columns_of(r, relation->name, &n);
    const char *identity = identity_of(r, relation->name);
    bool known = sqlite_text_table(r->arena, str_from(relation->sql), &r->names, &text) &&
                 agrees(&text, relation, columns, n);
    const char *values[] = {relation->name, relation->without_rowid ? "true" : NULL, relation->strict ? "true" : NULL,
                            known ? NULL : sqlite_text_normal(r->arena, str_from(relation->sql), 3, &r->names),
                            relation->sql};
    relation->object = add(r, LITE_TABLE, identity, address_of(r, relation->name), OBJECT_NONE, 0, values);
    for (size_t i = 0; known && i < n; i++)
        add_column(r, relation, identity, i, &text.columns.v[i], columns[i].not_null);
    if (known)
        add_constraints(r, relation, identity, &text);
}

static bool is_virtual(const struct relation *relation)
{
    struct str sql = str_from(relation->sql);
    struct lexer l = {.text = sql, .dialect = DIALECT_SQLITE};
    struct token t;
    return token_next(&l, &t) && token_next(&l, &t) && token_is_word(sql, &t, "VIRTUAL");
}

static void add_relation(struct reader *r, struct relation *relation)
{
    bool view = strcmp(relation->type, "view") == 0;
    if (!view && !is_virtual(relation)) {
        add_table(r, relation);
        return;
    }
    const char *values[] = {sqlite_text_normal(r->arena, str_from(relation->sql), view ? 3 : 4, &r->names),
                            relation->sql};
    relation->object = add(r, view ? LITE_VIEW : LITE_VIRTUAL_TABLE, identity_of(r, relation->name),
                           address_of(r, relation->name), OBJECT_NONE, 0, values);
}

/* Of an index on a table that is not read nothing is read. */
static void add_text_object(struct reader *r, const struct text_object *o)
{
    const struct relation *relation = find_relation(r, sqlite_text_lower(r->arena, o->table));
    if (!relation || relation->object == OBJECT_NONE)
        return;
    const char *identity = identity_of(r, o->name), *address = address_of(r, o->name);
    if (strcmp(o->type, "trigger") == 0) {
        const char *values[] = {sqlite_text_normal(r->arena, str_from(o->sql), 3, &r->names), o->sql};
        add(r, LITE_TRIGGER, identity, address, relation->object, 0, values);
        return;
    }
    struct lexer l = {.text = str_from(o->sql), .dialect = DIALECT_SQLITE};
    struct token t;
    bool unique = token_next(&l, &t) && token_next(&l, &t) && token_is_word(l.text, &t, "UNIQUE");
    const char *rest = sqlite_text_index(r->arena, str_from(o->sql), unique ? 4 : 3, &r->names);
    const char *values[] = {o->name, unique ? arena_printf(r->arena, "unique %s", rest) : rest, o->sql};
    add(r, LITE_INDEX, identity, address, relation->object, 0, values);
}

/* ---- what needs what ---- */

static void add_needs(struct reader *r, uint32_t object, const char *sql)
{
    struct strings names = {0};
    sqlite_text_names(r->arena, str_from(sql), &names);
    for (size_t i = 0; i < names.n; i++) {
        const struct relation *relation = find_relation(r, names.v[i]);
        if (relation && relation->object != OBJECT_NONE)
            catalog_add_edge(r->out, object, relation->object, EDGE_NEEDS);
    }
}

static void add_edges(struct reader *r)
{
    for (uint32_t i = 0; i < r->out->objects.n; i++) {
        const struct object *o = &r->out->objects.v[i];
        if (o->kind->rank == LITE_VIEW || o->kind->rank == LITE_TRIGGER)
            add_needs(r, i, object_value(o, "sql"));
        else if (o->kind->rank == LITE_FOREIGN_KEY)
            add_needs(r, i, object_value(o, "definition"));
    }
}

static void collect_names(struct reader *r)
{
    for (size_t i = 0; i < r->columns.n; i++)
        vec_push(r->arena, &r->names, sqlite_text_lower(r->arena, r->columns.v[i].name));
    for (size_t i = 0; i < r->relations.n; i++)
        vec_push(r->arena, &r->names, r->relations.v[i].lower);
    strings_sort(&r->names);
}

static void build(struct reader *r)
{
    collect_names(r);
    if (r->relations.n)
        qsort(r->relations.v, r->relations.n, sizeof *r->relations.v, by_lower_name);
    for (size_t i = 0; i < r->relations.n; i++)
        add_relation(r, &r->relations.v[i]);
    for (size_t i = 0; i < r->rest.n; i++)
        add_text_object(r, &r->rest.v[i]);
    add_edges(r);
    catalog_finish(r->out);
}

bool catalog_read_sqlite(struct arena *a, struct catalog *out, const struct catalog_source *source,
                         const struct scope *scope, struct err *e)
{
    ARENA_AUTO own = {0};
    struct reader r = {.arena = &own, .out = out, .scope = scope};
    *out = (struct catalog){.arena = a, .kinds = &kinds_sqlite, .schema = "main"};
    if (!source->run(source->context, queries, Q_COUNT, take_row, &r, e))
        return false;
    build(&r);
    return true;
}
