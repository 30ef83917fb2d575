/*
 * What needs what. pg_depend speaks of more than there are objects here: the rule behind a view, the index behind a
 * constraint, row and array types, the sequence of an identity column, what belongs to an extension. Such a thing is a
 * detour to the object that it is a piece of, which pg_depend says itself ('i', 'P', 'e').
 */
#include <string.h>
/* Out of memory is mem_alloc()'s to say: it gives memory or ends the process. */
#define uthash_malloc(n) mem_alloc(n)
#define uthash_fatal(text) abort()
#include <uthash.h>

#include "schema/reader.h"

/*
 * Objects of the system need nothing that is read here. Beyond pg_depend: a default is a piece of its column where it is no
 * object (generated columns), and places of our own say what inheritance, the owner of a sequence, the replica identity and
 * the clustering need.
 */
const char dependencies_query[] =
    "SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype"
    "  FROM pg_depend d WHERE d.objid >= 16384 AND d.deptype IN ('n', 'a', 'i', 'P', 'e') "
    "UNION ALL SELECT 'pg_attrdef'::regclass::oid, d.oid, 0, 'pg_class'::regclass::oid, d.adrelid, d.adnum, 'i' FROM pg_attrdef d "
    "UNION ALL SELECT 'pg_inherits'::regclass::oid, i.inhrelid, i.inhseqno, 'pg_class'::regclass::oid, i.inhparent, 0, 'n'"
    "  FROM pg_inherits i "
    "UNION ALL SELECT 'pg_sequence'::regclass::oid, d.objid, 0, d.refclassid, d.refobjid, d.refobjsubid, 'a'"
    "  FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid"
    " WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refobjsubid > 0 "
    "UNION ALL SELECT 'pg_index'::regclass::oid, i.indrelid, 1, 'pg_class'::regclass::oid, i.indexrelid, 0, 'a'"
    "  FROM pg_index i WHERE i.indisreplident "
    "UNION ALL SELECT 'pg_index'::regclass::oid, i.indrelid, 2, 'pg_class'::regclass::oid, i.indexrelid, 0, 'a'"
    "  FROM pg_index i WHERE i.indisclustered";

enum { LONGEST_DETOUR = 8 };
#define PG_CONSTRAINT_CLASS "2606" /* the oid of pg_constraint, the same on every server */

struct known_object {
    const char *place;
    uint32_t object;
    UT_hash_handle hh;
};
struct detour {
    const char *place;
    struct place to;
    char type;
    UT_hash_handle hh;
};

static void add_place(struct buf *out, struct place p)
{
    buf_reset(out);
    buf_addf(out, "%s %s %s", p.class, p.oid, p.sub);
}

void dependencies_free(struct dependencies *d)
{
    HASH_CLEAR(hh, d->known);
    HASH_CLEAR(hh, d->detours);
}

void dependencies_know(struct dependencies *d, struct place place, uint32_t object)
{
    struct known_object *k = ARENA_NEW(d->arena, struct known_object);
    k->place = arena_printf(d->arena, "%s %s %s", place.class, place.oid, place.sub);
    k->object = object;
    HASH_ADD_KEYPTR(hh, d->known, k->place, strlen(k->place), k);
}

uint32_t dependencies_find(const struct dependencies *d, struct place place)
{
    BUF_AUTO key = {0};
    struct known_object *k = NULL;
    add_place(&key, place);
    HASH_FIND(hh, d->known, key.p, key.n, k);
    return k ? k->object : OBJECT_NONE;
}

static struct detour *find_detour(const struct dependencies *d, struct place place)
{
    BUF_AUTO key = {0};
    struct detour *t = NULL;
    add_place(&key, place);
    HASH_FIND(hh, d->detours, key.p, key.n, t);
    return t;
}

/* The first that is told stays: 'i' of pg_depend before what stands behind it. */
static void add_detour(struct dependencies *d, const struct dependency *each)
{
    if (find_detour(d, each->from))
        return;
    struct detour *t = ARENA_NEW(d->arena, struct detour);
    t->place = arena_printf(d->arena, "%s %s %s", each->from.class, each->from.oid, each->from.sub);
    t->to = each->to;
    /* A foreign key to a partitioned table has a copy for each of its partitions, and they are pieces of it. */
    bool copy = strcmp(each->from.class, PG_CONSTRAINT_CLASS) == 0 && strcmp(each->to.class, PG_CONSTRAINT_CLASS) == 0;
    t->type = copy ? 'P' : each->type;
    HASH_ADD_KEYPTR(hh, d->detours, t->place, strlen(t->place), t);
}

bool dependencies_take(struct dependencies *d, const struct db_row *row, struct err *e)
{
    const char *v[7];
    if (row->n != 7)
        return err_set(e, FAULT_FAILED, "the server's dependencies have %zu columns", row->n);
    for (size_t i = 0; i < 7; i++)
        v[i] = arena_strdup(d->arena, row->values[i] ? row->values[i] : "");
    struct dependency each = {{v[0], v[1], v[2]}, {v[3], v[4], v[5]}, v[6][0]};
    vec_push(d->arena, &d->list, each);
    return true;
}

/*
 * The object at a place, or the one that it is a piece of. *straight: nothing was in between. What a partition has of its
 * parent, and what an extension brought, stands for the whole only where it is needed (`whole`): the whole itself does
 * not need what its pieces do.
 */
static uint32_t resolve(const struct dependencies *d, struct place place, bool whole, bool *straight)
{
    *straight = true;
    for (size_t i = 0; i < LONGEST_DETOUR; i++) {
        uint32_t object = dependencies_find(d, place);
        const struct detour *t;
        if (object != OBJECT_NONE)
            return object;
        *straight = false;
        if ((t = find_detour(d, place)) && (whole || t->type == 'i'))
            place = t->to;
        else if (!t && strcmp(place.sub, "0") != 0)
            place.sub = "0";
        else
            break;
    }
    return OBJECT_NONE;
}

static bool is_table(const struct object *o)
{
    return o->kind->rank == PG_TABLE || o->kind->rank == PG_FOREIGN_TABLE;
}

static void add_edge(struct catalog *c, uint32_t from, uint32_t to, char type, bool straight)
{
    const struct object *a = &c->objects.v[from], *b = &c->objects.v[to];
    enum edge_kind kind = straight && (type == 'a' || type == 'i') ? EDGE_PART : EDGE_NEEDS;
    /* That a table inherits or is a partition is an object of its own, which needs both of them. */
    if (is_table(a) && is_table(b))
        return;
    if (a->kind->rank == PG_SEQUENCE && kind == EDGE_PART && b->kind->rank == PG_COLUMN)
        kind = EDGE_VANISHES;
    catalog_add_edge(c, from, to, kind);
}

static void collect_detours(struct dependencies *d, char type)
{
    for (size_t i = 0; i < d->list.n; i++) {
        const struct dependency *each = &d->list.v[i];
        if (each->type == type && dependencies_find(d, each->from) == OBJECT_NONE)
            add_detour(d, each);
    }
}

void dependencies_resolve(struct dependencies *d, struct catalog *c)
{
    collect_detours(d, 'i');
    collect_detours(d, 'P');
    collect_detours(d, 'e');
    for (size_t i = 0; i < d->list.n; i++) {
        const struct dependency *each = &d->list.v[i];
        bool from_straight, to_straight;
        uint32_t from = resolve(d, each->from, false, &from_straight), to = resolve(d, each->to, true, &to_straight);
        if (from != OBJECT_NONE && to != OBJECT_NONE)
            add_edge(c, from, to, each->type, from_straight);
    }
}
