/*
 * Reading PostgreSQL's catalogs: the kinds' queries on one snapshot, each row an object.
 *
 * The queries are parsed under search_path = pg_catalog, so that nothing of the database that is read can put itself in
 * the place of a function or operator. What they print depends on the path while they run; so each is a cursor, declared
 * under the one path and fetched under the other. A savepoint around all of it gives the source back as it was.
 */
#include "schema/read.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/reader.h"

/* ---- a database as a source ---- */

static bool run_on_db(void *context, const char *const *sql, size_t n,
                      bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                      struct err *e)
{
    return db_read_many(context, sql, n, row, to, e);
}

struct catalog_source catalog_of_db(struct db *db)
{
    return (struct catalog_source){db_dialect(db), db, run_on_db};
}

/* ---- SQL ---- */

static const char about_sql[] = "SELECT pg_catalog.current_setting('server_version_num') AS version,"
                                " pg_catalog.current_schema() AS schema, current_user AS role";

/* What decides how constants are printed is the same everywhere; plans are made for all rows, and not compiled. */
static const char *const begin_sql[] = {
    "SAVEPOINT migrate_read",
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = postgres",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL bytea_output = hex",
    "SET LOCAL xmloption = content",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL cursor_tuple_fraction = 1",
    "SET LOCAL jit = off",
};
static const char *const end_sql[] = {"ROLLBACK TO SAVEPOINT migrate_read", "RELEASE SAVEPOINT migrate_read"};
enum { N_BEGIN = sizeof begin_sql / sizeof *begin_sql, N_END = sizeof end_sql / sizeof *end_sql };

/* ---- rows to objects ---- */

enum place_column {
    P_CLASS,
    P_OID,
    P_SUB,
    P_PARENT_CLASS,
    P_PARENT_OID,
    P_PARENT_SUB,
    P_IDENTITY,
    P_ADDRESS,
    P_ORDINAL,
    P_COLUMNS
};
static const char *const place_columns[P_COLUMNS] = {"class",      "oid",      "sub",     "parent_class", "parent_oid",
                                                     "parent_sub", "identity", "address", "ordinal"};

/* Where the columns of a kind's query are. */
struct layout {
    bool known;
    size_t place[P_COLUMNS]; /* SIZE_MAX: there is none */
    size_t *attribute;       /* of each column: the attribute's number, or SIZE_MAX */
};

struct reader {
    struct arena *arena;
    struct catalog *out;
    const struct scope *scope;
    struct dependencies depend;
    size_t first; /* index of the first FETCH */
    const struct kind **kinds;
    size_t n_kinds; /* one FETCH for each, then the dependencies */
    struct layout *layouts;
    const char **values; /* room for the attributes of any kind */
};

static size_t column_of(const struct db_row *row, const char *name)
{
    for (size_t i = 0; i < row->n; i++)
        if (strcmp(row->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

static bool is_place_column(const char *name)
{
    for (size_t i = 0; i < P_COLUMNS; i++)
        if (strcmp(place_columns[i], name) == 0)
            return true;
    return false;
}

/* Every column is known, every attribute has its column: a slip of the pen in a query is found by its first row. */
static bool learn_layout(struct reader *r, const struct kind *kind, const struct db_row *row, struct layout *l,
                         struct err *e)
{
    l->attribute = ARENA_ARRAY(r->arena, size_t, row->n);
    for (size_t i = 0; i < P_COLUMNS; i++)
        l->place[i] = column_of(row, place_columns[i]);
    if (l->place[P_CLASS] == SIZE_MAX || l->place[P_OID] == SIZE_MAX || l->place[P_IDENTITY] == SIZE_MAX ||
        l->place[P_ADDRESS] == SIZE_MAX)
        return err_set(e, FAULT_FAILED, "the query of kind \"%s\" gives no class, oid, identity or address",
                       kind->name);
    for (size_t i = 0; i < row->n; i++) {
        size_t attribute = kind_attribute(kind, row->names[i]);
        l->attribute[i] = attribute < kind->n_attributes ? attribute : SIZE_MAX;
        if (l->attribute[i] == SIZE_MAX && !is_place_column(row->names[i]))
            return err_set(e, FAULT_FAILED, "kind \"%s\" has no attribute \"%s\"", kind->name, row->names[i]);
    }
    for (size_t i = 0; i < kind->n_attributes; i++)
        if (column_of(row, kind->attributes[i].name) == SIZE_MAX)
            return err_set(e, FAULT_FAILED, "the query of kind \"%s\" gives no column \"%s\"", kind->name,
                           kind->attributes[i].name);
    return l->known = true;
}

static const char *cell(const struct db_row *row, const struct layout *l, enum place_column column)
{
    return l->place[column] == SIZE_MAX ? NULL : row->values[l->place[column]];
}

static struct place place_of(const struct db_row *row, const struct layout *l, enum place_column class)
{
    const char *sub = cell(row, l, class + 2);
    return (struct place){cell(row, l, class), cell(row, l, class + 1), sub ? sub : "0"};
}

static bool is_ignored(const struct scope *scope, const struct kind *kind, const char *identity)
{
    if (!(kind->flags & KIND_RELATION))
        return false;
    for (size_t i = 0; i < scope->ignored.n; i++)
        if (fnmatch(scope->ignored.v[i], identity, 0) == 0)
            return true;
    return false;
}

/* What is a part of something that is not read (ignored, ours, an extension's) is not read either. */
static bool add_object(struct reader *r, const struct kind *kind, const struct layout *l, const struct db_row *row,
                       struct err *e)
{
    struct place place = place_of(row, l, P_CLASS), of = place_of(row, l, P_PARENT_CLASS);
    const char *identity = cell(row, l, P_IDENTITY), *address = cell(row, l, P_ADDRESS),
               *ordinal = cell(row, l, P_ORDINAL);
    uint32_t parent = OBJECT_NONE;
    if (!place.class || !place.oid || !identity || !address)
        return err_set(e, FAULT_FAILED, "a row of kind \"%s\" has no class, oid, identity or address", kind->name);
    if (of.class && (parent = dependencies_find(&r->depend, of)) == OBJECT_NONE)
        return true;
    if (is_ignored(r->scope, kind, identity))
        return true;
    for (size_t i = 0; i < row->n; i++)
        if (l->attribute[i] != SIZE_MAX)
            r->values[l->attribute[i]] = row->values[i];
    uint32_t number = catalog_add(r->out, kind, identity, address, parent,
                                  ordinal ? (uint32_t)strtoul(ordinal, NULL, 10) : 0, r->values);
    dependencies_know(&r->depend, place, number);
    return true;
}

static bool take_row(void *to, size_t index, const struct db_row *row, struct err *e)
{
    struct reader *r = to;
    if (index < r->first || index - r->first > r->n_kinds)
        return true;
    size_t i = index - r->first;
    if (i == r->n_kinds)
        return dependencies_take(&r->depend, row, e);
    const struct kind *kind = r->kinds[i];
    return (r->layouts[i].known || learn_layout(r, kind, row, &r->layouts[i], e)) &&
           add_object(r, kind, &r->layouts[i], row, e);
}

/* ---- the whole ---- */

static bool take_about(void *to, size_t index, const struct db_row *row, struct err *e)
{
    struct catalog *c = to;
    (void)index;
    if (row->n != 3 || !row->values[0] || !row->values[2])
        return err_set(e, FAULT_FAILED, "the server does not say what it is");
    c->version = (uint32_t)strtoul(row->values[0], NULL, 10);
    c->schema = arena_strdup(c->arena, row->values[1]);
    c->role = arena_strdup(c->arena, row->values[2]);
    return true;
}

static void choose_kinds(struct reader *r)
{
    const struct kind_list *all = r->out->kinds;
    size_t most = 0;
    r->kinds = ARENA_ARRAY(r->arena, const struct kind *, all->n);
    r->layouts = ARENA_ARRAY(r->arena, struct layout, all->n);
    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i]->query)
            r->kinds[r->n_kinds++] = all->v[i];
        most = all->v[i]->n_attributes > most ? all->v[i]->n_attributes : most;
    }
    r->values = ARENA_ARRAY(r->arena, const char *, most);
}

static bool add_cursors(struct reader *r, struct strings *sql, struct err *e)
{
    BUF_AUTO text = {0};
    for (size_t i = 0; i <= r->n_kinds; i++) {
        buf_reset(&text);
        buf_addf(&text, "DECLARE migrate_%zu NO SCROLL CURSOR FOR ", i);
        const char *query = i < r->n_kinds ? r->kinds[i]->query : dependencies_query;
        if (!query_expand(&text, query, r->scope, r->out->version, e))
            return false;
        vec_push(r->arena, sql, arena_strdup(r->arena, text.p));
    }
    return true;
}

static void add_path(struct reader *r, struct strings *sql, enum names names)
{
    BUF_AUTO path = {0};
    buf_addz(&path, "SET LOCAL search_path = ");
    if (names == NAMES_RELATIVE && r->out->schema)
        db_quote_name(&path, r->out->schema);
    else
        buf_addz(&path, "pg_catalog");
    vec_push(r->arena, sql, arena_strdup(r->arena, path.p));
}

static bool add_statements(struct reader *r, struct strings *sql, enum names names, struct err *e)
{
    for (size_t i = 0; i < N_BEGIN; i++)
        vec_push(r->arena, sql, begin_sql[i]);
    if (!add_cursors(r, sql, e))
        return false;
    add_path(r, sql, names);
    r->first = sql->n;
    for (size_t i = 0; i <= r->n_kinds; i++)
        vec_push(r->arena, sql, arena_printf(r->arena, "FETCH ALL FROM migrate_%zu", i));
    for (size_t i = 0; i < N_END; i++)
        vec_push(r->arena, sql, end_sql[i]);
    return true;
}

static bool read_postgresql(struct arena *a, struct catalog *out, const struct catalog_source *source,
                            const struct scope *scope, enum names names, struct err *e)
{
    ARENA_AUTO own = {0};
    struct reader r = {.arena = &own, .out = out, .scope = scope, .depend = {.arena = &own}};
    struct strings sql = {0};
    const char *about = about_sql;
    *out = (struct catalog){.arena = a, .kinds = &kinds_postgresql};
    if (!source->run(source->context, &about, 1, take_about, out, e))
        return false;
    if (scope->schema)
        out->schema = arena_strdup(a, scope->schema);
    choose_kinds(&r);
    bool ok = add_statements(&r, &sql, names, e) && source->run(source->context, sql.v, sql.n, take_row, &r, e);
    if (ok) {
        dependencies_resolve(&r.depend, out);
        catalog_finish(out);
        out->schema = out->schema ? out->schema : "public";
    }
    dependencies_free(&r.depend);
    return ok;
}

bool catalog_read(struct arena *a, struct catalog *out, const struct catalog_source *source, const struct scope *scope,
                  enum names names, struct err *e)
{
    if (source->dialect == DIALECT_SQLITE)
        return catalog_read_sqlite(a, out, source, scope, e);
    return read_postgresql(a, out, source, scope, names, e);
}
