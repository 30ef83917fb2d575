/*
 * A schema as a value: objects with attributes, and what needs what. A reader fills it from a database's catalogs
 * (schema/read.h); comparing, planning and fingerprints work on it and never see a database.
 *
 * A fact is (kind, identity, attribute, value). Values are the server's own text, so that equal schemas give equal bytes;
 * NULL is "not set". Names are compared, never OIDs or column numbers. What a kind of object has and how it is changed is
 * one row of a table (schema/kinds.h).
 *
 * Everything lives in the arena of the catalog. Pure: no I/O.
 */
#ifndef SCHEMA_CATALOG_H
#define SCHEMA_CATALOG_H

#include <stdint.h>

#include "base/mem.h"
#include "schema/kinds.h"

#define OBJECT_NONE UINT32_MAX

struct object {
    const struct kind *kind;
    /*
     * Unique within its kind, the same on every server, whatever the search path: names quoted where SQL wants it, with
     * their schema: public.documents, public.documents.title, public.f(integer).
     */
    const char *identity;
    /*
     * The same for use in SQL, as the search path of the reading allows it: documents. Of a part ("column") its own name
     * alone: title; the parent's address is the parent's.
     */
    const char *address;
    uint32_t parent;     /* the object that it is a part of: a column's table; OBJECT_NONE */
    uint32_t ordinal;    /* place among its siblings of one kind (columns, enum labels); else 0 */
    const char **values; /* kind->n_attributes */
};

enum edge_kind {
    EDGE_NEEDS,    /* made after, dropped before: pg_depend's 'n' */
    EDGE_PART,     /* that, and it vanishes together with what it needs: 'a', 'i', and every part of a parent */
    EDGE_VANISHES, /* vanishes together, but is made before: a sequence with the column that owns it */
};

struct edge {
    uint32_t from; /* this object … */
    uint32_t to;   /* … needs that one */
    enum edge_kind kind;
};

struct catalog {
    struct arena *arena;
    const struct kind_list *kinds; /* of the dialect */
    VEC(struct object) objects; /* by the kinds' order, then identity; parents have a smaller index than their parts */
    VEC(struct edge) edges;     /* by from, to; without repetitions; none from an object to itself */
    const char *role;           /* PostgreSQL: who read it; objects of this role need no OWNER TO */
    const char *schema;         /* the stream's schema ("public"), unquoted; SQLite: "main" */
    uint32_t version;           /* PostgreSQL: server_version_num; SQLite: 3040001 */
};

/* ---- building: for readers ---- */

/*
 * Adds an object; values are copied. Gives its number, which holds until catalog_finish(). `parent` is such a number.
 */
uint32_t catalog_add(struct catalog *c, const struct kind *kind, const char *identity, const char *address,
                     uint32_t parent, uint32_t ordinal, const char *const *values);
void catalog_add_edge(struct catalog *c, uint32_t from, uint32_t to, enum edge_kind kind);
/* Sorts, drops repeated edges (the strongest of two stays: PART, VANISHES, NEEDS), adds a PART edge from part to parent. */
void catalog_finish(struct catalog *c);

/* ---- asking ---- */

uint32_t catalog_find(const struct catalog *c, const struct kind *kind, const char *identity); /* OBJECT_NONE */
/* NULL: not set. `attribute` must be one of the kind's. */
const char *object_value(const struct object *o, const char *attribute);
/* The edges that begin at an object: c->edges.v[i] for *first <= i < the result. */
size_t catalog_edges_from(const struct catalog *c, uint32_t object, size_t *first);
/* For each object the number of the edge list of those that need it: built once, kept in the catalog's arena. */
struct needed_by {
    const size_t *start;  /* n objects + 1 */
    const uint32_t *edge; /* numbers of edges, grouped by edge.to */
};
struct needed_by catalog_needed_by(const struct catalog *c);
/* "table public.documents", "column public.documents.title": for people. */
void object_describe(struct buf *out, const struct object *o);

/* ---- comparing ---- */

/* Which attributes and kinds count. Zero value: neither owners nor grants nor default privileges nor event triggers. */
struct policy {
    bool owners;
    bool grants;                /* with grant_roles empty: of every role */
    struct strings grant_roles; /* only grants to these; "PUBLIC" is one */
    bool default_privileges;
    bool event_triggers;
    bool column_order;
};

enum verdict { VERDICT_MISSING, VERDICT_UNEXPECTED, VERDICT_DIFFERENT };

struct difference {
    enum verdict verdict;                /* MISSING: only wanted has it; UNEXPECTED: only found has it */
    const struct object *wanted, *found; /* of the two catalogs; NULL where it is not */
    uint16_t attribute;                  /* DIFFERENT: which; one difference for each */
};
struct differences {
    struct difference *v;
    size_t n;
    size_t cap;
};
/* Objects by kind and identity, parts of a missing object not apart. In the kinds' order, then identity. */
void catalog_compare(struct arena *a, const struct catalog *wanted, const struct catalog *found,
                     const struct policy *policy, struct differences *out);
/* Whether an attribute of a kind counts under the policy, and a kind at all. */
bool policy_counts(const struct policy *policy, const struct attribute *attribute);
bool policy_counts_kind(const struct policy *policy, const struct kind *kind);
/* What of the value of an attribute that counts is compared: of grants those to policy->grant_roles. NULL: nothing. */
const char *policy_value(struct arena *a, const struct policy *policy, const struct attribute *attribute,
                         const char *value);
/* "column public.documents.title: type is text, not character varying(80)": one line for people. */
void difference_describe(struct buf *out, const struct difference *d);

#endif
