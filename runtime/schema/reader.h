/*
 * Inside the reading of schemas: what its files share. Nothing else includes this header.
 *
 *     read.c           from a source's rows to the objects of a catalog
 *     placeholders.c   the placeholders of the kinds' queries
 *     depend.c         what needs what: pg_depend with its detours, to edges between objects
 */
#ifndef SCHEMA_READER_H
#define SCHEMA_READER_H

#include "schema/read.h"

/* Appends the query with the placeholders of read.h replaced. */
bool query_expand(struct buf *out, const char *query, const struct scope *scope, uint32_t version, struct err *e);

/*
 * Objects by their address in pg_depend: the oid of the catalog, its own and the number of the column, as text.
 * Zero value valid; nodes live in the arena, the table of hashes is the heap's.
 */
struct place {
    const char *class, *oid, *sub; /* NULL class: none */
};
struct known_object;
struct detour;
struct dependency {
    struct place from, to;
    char type; /* pg_depend.deptype */
};
struct dependencies {
    struct arena *arena;
    struct known_object *known;
    struct detour *detours;
    VEC(struct dependency) list;
};
void dependencies_free(struct dependencies *d);
void dependencies_know(struct dependencies *d, struct place place, uint32_t object);
uint32_t dependencies_find(const struct dependencies *d, struct place place); /* OBJECT_NONE */
/* A row of dependencies_query: six columns and the type. */
bool dependencies_take(struct dependencies *d, const struct db_row *row, struct err *e);
/* When all objects and rows are there. */
void dependencies_resolve(struct dependencies *d, struct catalog *c);
extern const char dependencies_query[];

/* SQLite's catalog; code of its own reads it. */
bool catalog_read_sqlite(struct arena *a, struct catalog *out, const struct catalog_source *source,
                         const struct scope *scope, struct err *e);

#endif
