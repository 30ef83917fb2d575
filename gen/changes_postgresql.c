/*
 * Which objects are made, dropped, altered or replaced, and in which order. Four stages, each over all pairs: pair up,
 * decide by attributes, let replacements spread to what needs them, turn pairs into actions and order those.
 *
 * What a kind needs apart is a row of its table or a function of verdicts_postgresql.c; this file speaks of a rank only where
 * rows are at stake: columns, and the types they have.
 */
#include "gen/changes_postgresql.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "gen/hints.h"

/* -------------------------------------------------------------------------------------------------------------- pairs */

static const struct object *object_at(const struct catalog *c, uint32_t i)
{
    return i == OBJECT_NONE ? NULL : &c->objects.v[i];
}

const struct object *pair_old(const struct comparison *c, const struct pair *p)
{
    return object_at(c->from->exact, p->from);
}

const struct object *pair_new(const struct comparison *c, const struct pair *p)
{
    return object_at(c->to->exact, p->to);
}

const struct object *pair_old_shown(const struct comparison *c, const struct pair *p)
{
    return object_at(c->from->shown, p->from);
}

const struct object *pair_new_shown(const struct comparison *c, const struct pair *p)
{
    return object_at(c->to->shown, p->to);
}

const struct kind *pair_kind(const struct comparison *c, const struct pair *p)
{
    return p->to != OBJECT_NONE ? pair_new(c, p)->kind : pair_old(c, p)->kind;
}

struct pair *pair_of_old(const struct comparison *c, uint32_t object)
{
    return &c->pairs.v[c->pair_of_from[object]];
}

struct pair *pair_of_new(const struct comparison *c, uint32_t object)
{
    return &c->pairs.v[c->pair_of_to[object]];
}

struct pair *pair_parent(const struct comparison *c, const struct pair *p)
{
    if (p->to != OBJECT_NONE)
        return pair_new(c, p)->parent == OBJECT_NONE ? NULL : pair_of_new(c, pair_new(c, p)->parent);
    return pair_old(c, p)->parent == OBJECT_NONE ? NULL : pair_of_old(c, pair_old(c, p)->parent);
}

bool pair_comes(const struct pair *p)
{
    return p->verdict == PAIR_MADE || p->verdict == PAIR_REPLACED;
}

bool pair_goes(const struct pair *p)
{
    return p->verdict == PAIR_DROPPED || p->verdict == PAIR_REPLACED;
}

bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int compare_objects(const struct object *a, const struct object *b)
{
    if (a->kind->rank != b->kind->rank)
        return a->kind->rank < b->kind->rank ? -1 : 1;
    return strcmp(a->identity, b->identity);
}

static void add_pair(struct comparison *c, uint32_t from, uint32_t to)
{
    uint32_t self = (uint32_t)c->pairs.n;
    if (from != OBJECT_NONE)
        c->pair_of_from[from] = self;
    if (to != OBJECT_NONE)
        c->pair_of_to[to] = self;
    vec_push(c->arena, &c->pairs,
             (struct pair){.from = from, .to = to, .drop = ACTION_NONE, .make = ACTION_NONE, .alter = ACTION_NONE});
}

/* Both catalogs are in one order, so this is a merge. */
static void pair_up(struct comparison *c)
{
    const struct catalog *from = c->from->exact, *to = c->to->exact;
    size_t i = 0, k = 0;
    c->pair_of_from = ARENA_ARRAY(c->arena, uint32_t, from->objects.n);
    c->pair_of_to = ARENA_ARRAY(c->arena, uint32_t, to->objects.n);
    while (i < from->objects.n || k < to->objects.n) {
        int order = i == from->objects.n ? 1
                    : k == to->objects.n ? -1
                                         : compare_objects(&from->objects.v[i], &to->objects.v[k]);
        add_pair(c, order <= 0 ? (uint32_t)i : OBJECT_NONE, order >= 0 ? (uint32_t)k : OBJECT_NONE);
        i += order <= 0;
        k += order >= 0;
    }
}

struct err *refuse_pair(struct comparison *c, const struct pair *p, const char *format, ...)
{
    BUF_AUTO text = {0};
    va_list ap;
    object_describe(&text, p->to != OBJECT_NONE ? pair_new(c, p) : pair_old(c, p));
    buf_addz(&text, ": ");
    va_start(ap, format);
    buf_vaddf(&text, format, ap);
    va_end(ap);
    vec_push(c->arena, &c->out->refusals, (struct err){0});
    struct err *refusal = &c->out->refusals.v[c->out->refusals.n - 1];
    err_set(refusal, FAULT_POLICY, "%s", text.p);
    err_hint(refusal, "write a revision by hand for it; after that both sides agree, and nothing differs");
    return refusal;
}

/* ----------------------------------------------------------------------------------------------------------- verdicts */

static const char *value_or_none(const struct object *o, const struct attribute *attribute)
{
    const char *value = object_value(o, attribute->name);
    return value ? value : "none";
}

static enum pair_verdict verdict_of(struct comparison *c, struct pair *p, const struct attribute *attribute)
{
    switch (attribute->change) {
    case CHANGE_SET:
        return PAIR_ALTERED;
    case CHANGE_RECREATE:
        return recreate_verdict(c, p);
    case CHANGE_REPLACE:
        return PAIR_REPLACED;
    case CHANGE_OWN:
        return own_verdict(c, p, attribute);
    case CHANGE_REFUSE:
        refuse_pair(c, p, "its %s cannot be changed from %s to %s", attribute->name,
                    value_or_none(pair_old(c, p), attribute), value_or_none(pair_new(c, p), attribute));
        return PAIR_SAME;
    case CHANGE_HIDDEN:
    default:
        return PAIR_SAME;
    }
}

static bool attribute_differs(const struct comparison *c, const struct pair *p, size_t i)
{
    const struct object *old = pair_old(c, p), *new = pair_new(c, p);
    const struct attribute *attribute = &old->kind->attributes[i];
    const struct policy *policy = &c->options->policy;
    return policy_counts(policy, attribute) && !is_same_text(policy_value(c->arena, policy, attribute, old->values[i]),
                                                             policy_value(c->arena, policy, attribute, new->values[i]));
}

static void judge_attributes(struct comparison *c, struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    for (size_t i = 0; i < kind->n_attributes; i++) {
        if (!attribute_differs(c, p, i))
            continue;
        if (kind->flags & KIND_REPORTED) {
            refuse_pair(c, p, "its %s differs, and this kind of object is not modelled", kind->attributes[i].name);
            return;
        }
        enum pair_verdict verdict = verdict_of(c, p, &kind->attributes[i]);
        if (verdict > p->verdict)
            p->verdict = verdict;
        if (kind->attributes[i].flags & ATTRIBUTE_BLOCKED)
            p->moves_values = true;
    }
}

static void judge_lone(struct comparison *c, struct pair *p)
{
    p->verdict = p->from == OBJECT_NONE ? PAIR_MADE : PAIR_DROPPED;
    if (pair_kind(c, p)->flags & KIND_REPORTED && c->options->skip_unmodelled) {
        p->verdict = PAIR_SAME;
    } else if (pair_kind(c, p)->flags & KIND_REPORTED) {
        refuse_pair(c, p, "it is %s, and this kind of object is not modelled",
                    p->verdict == PAIR_MADE ? "missing" : "not wanted");
        p->verdict = PAIR_SAME;
    }
}

static void judge_all(struct comparison *c)
{
    for (size_t i = 0; i < c->pairs.n; i++) {
        struct pair *p = &c->pairs.v[i];
        if (!policy_counts_kind(&c->options->policy, pair_kind(c, p)))
            continue;
        if (p->from == OBJECT_NONE || p->to == OBJECT_NONE)
            judge_lone(c, p);
        else
            judge_attributes(c, p);
    }
}

/* ----------------------------------------------------------------------------------------------------------- closure */

struct spreading {
    struct comparison *c;
    VEC(uint32_t) work; /* pairs whose old object goes, or lets nothing stand on it */
};

static void spread_from(struct spreading *s, struct pair *p)
{
    vec_push(s->c->arena, &s->work, (uint32_t)(p - s->c->pairs.v));
}

static void replace(struct spreading *s, struct pair *p)
{
    if (p->verdict != PAIR_SAME && p->verdict != PAIR_ALTERED)
        return;
    if (p->to == OBJECT_NONE || p->from == OBJECT_NONE)
        return;
    p->verdict = PAIR_REPLACED;
    spread_from(s, p);
}

/* A column that holds what somebody wrote into it. */
static bool holds_values(const struct comparison *c, const struct pair *p)
{
    return pair_kind(c, p)->rank == PG_COLUMN && !object_value(pair_old(c, p), "generated");
}

static bool needs_in_new(const struct comparison *c, const struct pair *o, const struct pair *t)
{
    size_t first, end;
    if (t->to == OBJECT_NONE || o->to == OBJECT_NONE)
        return false;
    end = catalog_edges_from(c->to->exact, o->to, &first);
    for (size_t i = first; i < end; i++)
        if (c->to->exact->edges.v[i].to == t->to)
            return true;
    return false;
}

/* A type that columns have steps aside instead of being dropped. */
static void retype(struct spreading *s, struct pair *column, struct pair *type)
{
    unsigned rank = pair_kind(s->c, type)->rank;
    if (rank != PG_ENUM && rank != PG_DOMAIN && rank != PG_COLLATION) {
        struct err *refusal = refuse_pair(s->c, type, "it cannot be replaced while a column has this type");
        BUF_AUTO name = {0};
        object_describe(&name, pair_old(s->c, column));
        err_detail(refusal, "%s", name.p);
        return;
    }
    if (!type->retyped) {
        type->retyped = true;
        type->verdict = PAIR_ALTERED;
    }
    if (!column->moves_values) {
        column->moves_values = true;
        spread_from(s, column);
    }
}

static bool is_type_replaced(const struct pair *t)
{
    return t->retyped || (t->verdict == PAIR_REPLACED);
}

/* What happens to `o`, which needs `t`, and `t` goes, or its values move. */
static void spread_to(struct spreading *s, struct pair *o, struct pair *t, enum edge_kind edge)
{
    struct comparison *c = s->c;
    if (o->verdict != PAIR_SAME && o->verdict != PAIR_ALTERED)
        return;
    if (t->moves_values && !pair_goes(t)) {
        const struct kind *kind = pair_kind(c, o);
        bool generated = kind->rank == PG_COLUMN && object_value(pair_old(c, o), "generated");
        if (kind->flags & KIND_BLOCKS || kind->rank == PG_DEFAULT || generated)
            replace(s, o);
        return;
    }
    if (edge == EDGE_PART && !t->retyped) {
        replace(s, o);
        return;
    }
    if (holds_values(c, o)) {
        const struct kind *kind = pair_kind(c, t);
        if (is_type_replaced(t) && (kind->flags & KIND_TYPE || kind->rank == PG_COLLATION))
            retype(s, o, t);
        else if (needs_in_new(c, o, t))
            refuse_pair(c, t, "it cannot be replaced while a column needs it");
        return;
    }
    if (o->verdict == PAIR_SAME || needs_in_new(c, o, t))
        replace(s, o);
}

/* The table that an object is, or is a part of. */
static const struct pair *table_of(const struct comparison *c, const struct pair *p)
{
    const struct pair *parent = pair_parent(c, p);
    return parent && pair_kind(c, parent)->rank == PG_TABLE ? parent : p;
}

static bool changes_persistence(const struct comparison *c, const struct pair *p)
{
    return pair_kind(c, p)->rank == PG_TABLE && p->verdict == PAIR_ALTERED &&
           !is_same_text(object_value(pair_old(c, p), "persistence"), object_value(pair_new(c, p), "persistence"));
}

/* A table becomes logged or unlogged while no key leads to it or from it. */
static void spread_persistence(struct spreading *s)
{
    const struct catalog *from = s->c->from->exact;
    for (size_t i = 0; i < from->edges.n; i++) {
        struct pair *key = pair_of_old(s->c, from->edges.v[i].from);
        const struct pair *to = pair_of_old(s->c, from->edges.v[i].to);
        if (pair_kind(s->c, key)->rank == PG_FOREIGN_KEY && changes_persistence(s->c, table_of(s->c, to)))
            replace(s, key);
    }
}

static void spread(struct comparison *c)
{
    struct spreading s = {.c = c};
    spread_persistence(&s);
    for (size_t i = 0; i < c->pairs.n; i++) {
        struct pair *p = &c->pairs.v[i];
        if (pair_goes(p) || p->retyped || (p->moves_values && p->verdict == PAIR_ALTERED))
            spread_from(&s, p);
    }
    while (s.work.n) {
        struct pair *t = &c->pairs.v[s.work.v[--s.work.n]];
        for (size_t i = c->from_needed.start[t->from]; i < c->from_needed.start[t->from + 1]; i++) {
            const struct edge *edge = &c->from->exact->edges.v[c->from_needed.edge[i]];
            spread_to(&s, pair_of_old(c, edge->from), t, edge->kind);
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------ actions */

/* What must go before something else can come stands first; what just goes stands last. */
enum { CLASS_MAKE_ROOM, CLASS_CHANGE, CLASS_DROP };

static uint32_t new_action(struct comparison *c, struct pair *p, enum step_of what)
{
    int rank = pair_kind(c, p)->rank;
    const struct object *o = what == ACTION_DROP ? pair_old(c, p) : pair_new(c, p);
    int class = what != ACTION_DROP ? CLASS_CHANGE : p->verdict == PAIR_DROPPED ? CLASS_DROP : CLASS_MAKE_ROOM;
    uint32_t action = action_add(&c->actions, class, what == ACTION_DROP ? -rank : rank, o->identity);
    vec_push(c->arena, &c->owner_of_action, (struct action_of){.pair = (uint32_t)(p - c->pairs.v), .what = what});
    return action;
}

static void add_actions(struct comparison *c)
{
    c->actions.arena = c->arena;
    for (size_t i = 0; i < c->pairs.n; i++) {
        struct pair *p = &c->pairs.v[i];
        if (pair_goes(p))
            p->drop = new_action(c, p, ACTION_DROP);
        if (pair_comes(p))
            p->make = new_action(c, p, ACTION_MAKE);
        if (p->verdict == PAIR_ALTERED || (p->verdict == PAIR_SAME && p->moves_values && p->from != OBJECT_NONE))
            p->alter = new_action(c, p, ACTION_ALTER);
    }
}

static void before(struct comparison *c, uint32_t first, uint32_t then)
{
    if (first != ACTION_NONE && then != ACTION_NONE)
        action_order(&c->actions, first, then);
}

/* Dropping what stands on an object matters to its change when nothing may stand on it then; a key keeps NOT NULL. */
static bool wants_room(const struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    return p->moves_values || p->retyped || kind->replace || kind->rank == PG_ENUM;
}

/* A logged table has no key to an unlogged one, so that keys go first and come last. */
static void order_key(struct comparison *c, const struct pair *key, const struct pair *to)
{
    const struct pair *table = table_of(c, to);
    if (pair_kind(c, key)->rank != PG_FOREIGN_KEY || pair_kind(c, table)->rank != PG_TABLE)
        return;
    before(c, key->drop, table->alter);
    before(c, table->alter, key->make);
}

static void order_old_edges(struct comparison *c)
{
    const struct catalog *from = c->from->exact;
    for (size_t i = 0; i < from->edges.n; i++) {
        const struct pair *o = pair_of_old(c, from->edges.v[i].from), *t = pair_of_old(c, from->edges.v[i].to);
        before(c, o->drop, t->drop);
        before(c, o->alter, t->drop);
        order_key(c, o, t);
        if (wants_room(c, t) || pair_kind(c, o)->rank == PG_CONSTRAINT)
            before(c, o->drop, t->alter);
    }
}

static void order_new_edges(struct comparison *c)
{
    const struct catalog *to = c->to->exact;
    for (size_t i = 0; i < to->edges.n; i++) {
        const struct pair *o = pair_of_new(c, to->edges.v[i].from), *t = pair_of_new(c, to->edges.v[i].to);
        if (to->edges.v[i].kind == EDGE_VANISHES)
            continue;
        before(c, t->make, o->make);
        before(c, t->alter, o->make);
        order_key(c, o, t);
        before(c, t->make, o->alter);
        if (!(o->moves_values && o->verdict == PAIR_SAME))
            before(c, t->alter, o->alter);
    }
}

/* The columns of a retyped type move while it does, and what stands on them must be away then. */
static void order_retyped(struct comparison *c, const struct pair *type)
{
    for (size_t i = c->from_needed.start[type->from]; i < c->from_needed.start[type->from + 1]; i++) {
        uint32_t object = c->from->exact->edges.v[c->from_needed.edge[i]].from;
        const struct pair *column = pair_of_old(c, object);
        if (!column->moves_values)
            continue;
        for (size_t k = c->from_needed.start[object]; k < c->from_needed.start[object + 1]; k++) {
            const struct pair *o = pair_of_old(c, c->from->exact->edges.v[c->from_needed.edge[k]].from);
            before(c, o->drop, type->alter);
            before(c, type->alter, o->make);
        }
    }
}

static const char *key_columns(const struct object *constraint)
{
    const char *definition = object_value(constraint, "definition");
    return definition && strncmp(definition, "CHECK", 5) != 0 ? strchr(definition, '(') : NULL;
}

/* Of two keys on the same columns CREATE TABLE makes one. */
static bool has_twin(const struct comparison *c, uint32_t constraint)
{
    const struct catalog *to = c->to->exact;
    uint32_t table = to->objects.v[constraint].parent;
    const char *columns = key_columns(&to->objects.v[constraint]);
    for (size_t i = c->to_needed.start[table]; columns && i < c->to_needed.start[table + 1]; i++) {
        uint32_t other = to->edges.v[c->to_needed.edge[i]].from;
        const struct object *o = &to->objects.v[other];
        if (other != constraint && o->kind->rank == PG_CONSTRAINT && o->parent == table &&
            is_same_text(key_columns(o), columns))
            return true;
    }
    return false;
}

/* PARTITION OF hands every column down, so that a partition with columns of its own is attached instead. */
static bool is_inline(const struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    if ((kind->rank == PG_CONSTRAINT || kind->rank == PG_DOMAIN_CONSTRAINT) &&
        (object_value(pair_new(c, p), "not_valid") || has_twin(c, p->to)))
        return false; /* CREATE TABLE and CREATE DOMAIN have no words for it */
    return kind->flags & KIND_INLINE || kind->rank == PG_INHERITANCE ||
           (kind->rank == PG_PARTITION && object_value(pair_new(c, p), "same_columns"));
}

/* The table that a partition or an heir has its columns from. */
static uint32_t table_above(const struct catalog *catalog, uint32_t link)
{
    size_t first, end = catalog_edges_from(catalog, link, &first);
    for (size_t i = first; i < end; i++) {
        uint32_t to = catalog->edges.v[i].to;
        if (to != catalog->objects.v[link].parent && catalog->objects.v[to].kind->rank == PG_TABLE)
            return to;
    }
    return OBJECT_NONE;
}

/* A column that is handed down changes with the one above it; what stands on it must be away then, too. */
static void order_below(struct comparison *c, uint32_t below, uint32_t above)
{
    const struct pair *child = pair_of_new(c, below), *parent = pair_of_new(c, above);
    before(c, parent->make, child->make);
    before(c, parent->make, child->alter);
    before(c, parent->alter, child->make);
    before(c, parent->alter, child->alter);
    if (child->from == OBJECT_NONE)
        return;
    for (size_t i = c->from_needed.start[child->from]; i < c->from_needed.start[child->from + 1]; i++)
        before(c, pair_of_old(c, c->from->exact->edges.v[c->from_needed.edge[i]].from)->drop, parent->alter);
}

/* A check that the table above loses is not asked of who joins it. */
static void order_lost_checks(struct comparison *c, const struct pair *above, const struct pair *link)
{
    if (above->from == OBJECT_NONE)
        return;
    for (size_t i = c->from_needed.start[above->from]; i < c->from_needed.start[above->from + 1]; i++) {
        const struct pair *part = pair_of_old(c, c->from->exact->edges.v[c->from_needed.edge[i]].from);
        if (pair_kind(c, part)->rank == PG_CONSTRAINT && pair_parent(c, part) == above)
            before(c, part->drop, link->make);
    }
}

/* Who joins another table must have lost what that one has not, and that one must have what it will have. */
static void order_joining(struct comparison *c, const struct pair *link, uint32_t above)
{
    const struct pair *table = pair_parent(c, link);
    order_lost_checks(c, pair_of_new(c, above), link);
    for (size_t i = c->to_needed.start[above]; i < c->to_needed.start[above + 1]; i++) {
        const struct pair *part = pair_of_new(c, c->to->exact->edges.v[c->to_needed.edge[i]].from);
        if (pair_kind(c, part)->rank == PG_COLUMN)
            before(c, part->make, link->make);
    }
    if (link->make == ACTION_NONE || table->from == OBJECT_NONE)
        return;
    for (size_t i = c->from_needed.start[table->from]; i < c->from_needed.start[table->from + 1]; i++) {
        const struct pair *part = pair_of_old(c, c->from->exact->edges.v[c->from_needed.edge[i]].from);
        if (pair_kind(c, part)->rank == PG_COLUMN && pair_parent(c, part) == table)
            before(c, part->drop, link->make);
    }
}

/* A check that the table above gets is nothing to who leaves it, and would stay there. */
static void order_new_checks(struct comparison *c, const struct pair *link, const struct pair *above)
{
    if (above->to == OBJECT_NONE)
        return;
    for (size_t i = c->to_needed.start[above->to]; i < c->to_needed.start[above->to + 1]; i++) {
        const struct pair *part = pair_of_new(c, c->to->exact->edges.v[c->to_needed.edge[i]].from);
        if (pair_kind(c, part)->rank == PG_CONSTRAINT && pair_parent(c, part) == above)
            before(c, link->drop, part->make);
    }
}

/* Nobody drops a check that is inherited: who has it by its own right as well leaves first. */
static void order_leaving(struct comparison *c)
{
    const struct catalog *from = c->from->exact;
    for (uint32_t i = 0; i < from->objects.n; i++) {
        const struct object *link = &from->objects.v[i];
        uint32_t above = link->kind->rank == PG_INHERITANCE ? table_above(from, i) : OBJECT_NONE;
        if (above == OBJECT_NONE)
            continue;
        order_new_checks(c, pair_of_old(c, i), pair_of_old(c, above));
        for (size_t k = c->from_needed.start[link->parent]; k < c->from_needed.start[link->parent + 1]; k++) {
            uint32_t part = from->edges.v[c->from_needed.edge[k]].from;
            const struct object *o = &from->objects.v[part];
            if (o->parent == link->parent && o->kind->rank == PG_CONSTRAINT)
                before(c, pair_of_old(c, i)->drop, pair_of_old(c, part)->drop);
        }
    }
}

static void order_inherited(struct comparison *c)
{
    const struct catalog *to = c->to->exact;
    for (size_t i = 0; i < to->objects.n; i++) {
        const struct object *link = &to->objects.v[i];
        uint32_t above = link->kind->rank == PG_PARTITION || link->kind->rank == PG_INHERITANCE
                             ? table_above(to, (uint32_t)i)
                             : OBJECT_NONE;
        if (above == OBJECT_NONE)
            continue;
        order_joining(c, pair_of_new(c, (uint32_t)i), above);
        for (size_t k = c->to_needed.start[link->parent]; k < c->to_needed.start[link->parent + 1]; k++) {
            uint32_t part = to->edges.v[c->to_needed.edge[k]].from;
            const struct object *o = &to->objects.v[part];
            if (o->parent != link->parent || o->kind->rank != PG_COLUMN)
                continue;
            const char *name = arena_printf(c->arena, "%s%s", to->objects.v[above].identity,
                                            o->identity + strlen(to->objects.v[link->parent].identity));
            for (int d = 0; d < 2; d++) {
                const struct kind *kind = d ? &kind_default : &kind_column;
                uint32_t there = catalog_find(to, kind, name), here = catalog_find(to, kind, o->identity);
                if (there == OBJECT_NONE || here == OBJECT_NONE)
                    continue;
                order_below(c, here, there);
                if (d && is_inline(c, pair_of_new(c, (uint32_t)i)))
                    pair_of_new(c, here)->handed_down = is_same_text(object_value(&to->objects.v[here], "expression"),
                                                                     object_value(&to->objects.v[there], "expression"));
            }
        }
    }
}

/*
 * What only one at a time can have: a name among relations or routines, the place of a table's primary key, what a column's
 * value is when none is given. Whoever gives it up goes before whoever takes it.
 */
struct claim {
    const char *key;
    uint32_t action;
};
struct claims {
    VEC(struct claim) given_up, taken;
};

static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->action > y->action) - (x->action < y->action);
}

/* The end of the first name of an identity: its schema. */
static size_t first_name(const char *identity)
{
    size_t i = 0;
    for (bool quoted = false; identity[i] && (quoted || identity[i] != '.'); i++)
        quoted = quoted != (identity[i] == '"');
    return i;
}

static const char *name_key(const struct comparison *c, const struct object *o)
{
    unsigned flags = o->kind->flags;
    if (o->kind->rank == PG_CONSTRAINT || o->kind->rank == PG_FOREIGN_KEY)
        return arena_printf(c->arena, "r %.*s.%s", (int)first_name(o->identity), o->identity, o->address);
    if (flags & KIND_ROUTINE || o->kind->rank == PG_AGGREGATE)
        return arena_printf(c->arena, "f %s", o->identity);
    if (flags & (KIND_RELATION | KIND_TYPE))
        return arena_printf(c->arena, "r %s", o->identity);
    return NULL;
}

/* Besides its name. */
static const char *place_key(const struct comparison *c, const struct catalog *catalog, const struct object *o)
{
    if (o->kind->rank == PG_CONSTRAINT && is_same_text(object_value(o, "type"), "p"))
        return arena_printf(c->arena, "k %s", catalog->objects.v[o->parent].identity);
    if (o->kind->rank == PG_DEFAULT)
        return arena_printf(c->arena, "d %s", o->identity);
    return NULL;
}

static void claim(struct comparison *c, struct claims *list, bool takes, const char *key, uint32_t action)
{
    if (key && action != ACTION_NONE && takes)
        vec_push(c->arena, &list->taken, (struct claim){key, action});
    else if (key && action != ACTION_NONE)
        vec_push(c->arena, &list->given_up, (struct claim){key, action});
}

/* An identity column has a sequence of some name, and no default. */
static void claim_identity(struct comparison *c, struct claims *list, bool takes, const struct object *o,
                           uint32_t action)
{
    const char *sequence = o && o->kind->rank == PG_COLUMN ? object_value(o, "identity_sequence") : NULL;
    if (!sequence)
        return;
    claim(c, list, takes, arena_printf(c->arena, "r %s", sequence), action);
    claim(c, list, takes, arena_printf(c->arena, "d %s", o->identity), action);
}

static void collect_claims(struct comparison *c, struct claims *list)
{
    for (size_t i = 0; i < c->pairs.n; i++) {
        const struct pair *p = &c->pairs.v[i];
        const struct object *old = pair_old(c, p), *new = pair_new(c, p);
        if (p->drop != ACTION_NONE) {
            claim(c, list, false, name_key(c, old), p->drop);
            claim(c, list, false, place_key(c, c->from->exact, old), p->drop);
            claim_identity(c, list, false, old, p->drop);
        }
        if (p->make != ACTION_NONE) {
            claim(c, list, true, name_key(c, new), p->make);
            claim(c, list, true, place_key(c, c->to->exact, new), p->make);
            claim_identity(c, list, true, new, p->make);
        }
        if (p->alter != ACTION_NONE && pair_kind(c, p)->rank == PG_COLUMN) {
            bool had = object_value(old, "as_identity"), has = object_value(new, "as_identity");
            claim_identity(c, list, had && !has ? false : true, had && !has ? old : new,
                           had != has ? p->alter : ACTION_NONE);
        }
    }
}

static void order_claims(struct comparison *c)
{
    struct claims list = {0};
    collect_claims(c, &list);
    if (!list.given_up.n)
        return;
    qsort(list.given_up.v, list.given_up.n, sizeof *list.given_up.v, compare_claims);
    for (size_t i = 0; i < list.taken.n; i++) {
        size_t lo = 0, hi = list.given_up.n;
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (strcmp(list.given_up.v[mid].key, list.taken.v[i].key) < 0)
                lo = mid + 1;
            else
                hi = mid;
        }
        for (; lo < list.given_up.n && strcmp(list.given_up.v[lo].key, list.taken.v[i].key) == 0; lo++)
            before(c, list.given_up.v[lo].action, list.taken.v[i].action);
    }
}

/* --------------------------------------------------------------------------------------------------------------- parts */

static int looseness(const struct kind *kind)
{
    switch (kind->rank) {
    case PG_FOREIGN_KEY:
        return 9;
    case PG_CONSTRAINT:
        return 8;
    case PG_DEFAULT:
        return 7;
    case PG_COLUMN:
        return 3;
    default:
        return 5;
    }
}

/* Nobody lists the columns that are handed down, so that one's default is said apart unless it is handed down, too. */
static bool is_own_default(const struct comparison *c, const struct pair *p)
{
    return pair_kind(c, p)->rank == PG_DEFAULT && !p->handed_down &&
           object_value(pair_new(c, pair_parent(c, p)), "inherited");
}

static void join_made(struct comparison *c, struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    struct pair *parent = pair_parent(c, p);
    if (!parent || p->make == ACTION_NONE)
        return;
    uint32_t whole = parent->make != ACTION_NONE ? parent->make : parent->alter;
    if (kind->flags & KIND_FOLLOWS && whole != ACTION_NONE)
        action_join(&c->actions, p->make, whole, 0);
    else if (is_inline(c, p) && parent->make != ACTION_NONE && !is_own_default(c, p))
        action_join(&c->actions, p->make, parent->make, looseness(kind));
}

static void join_dropped(struct comparison *c, struct pair *p)
{
    size_t first, end = catalog_edges_from(c->from->exact, p->from, &first);
    for (size_t i = first; i < end; i++) {
        const struct edge *edge = &c->from->exact->edges.v[i];
        const struct pair *t = pair_of_old(c, edge->to);
        if (edge->kind == EDGE_NEEDS || t->drop == ACTION_NONE)
            continue;
        action_join(&c->actions, p->drop, t->drop, looseness(pair_kind(c, p)));
        return;
    }
}

static void join_parts(struct comparison *c)
{
    for (size_t i = 0; i < c->pairs.n; i++) {
        struct pair *p = &c->pairs.v[i];
        if (p->make != ACTION_NONE)
            join_made(c, p);
        if (p->drop != ACTION_NONE)
            join_dropped(c, p);
    }
}

/* ------------------------------------------------------------------------------------------------------------- writing */

struct groups {
    uint32_t *first, *members;
};

/* Actions by their whole, each list in the order in which they were added. */
static struct groups group(struct comparison *c)
{
    size_t n = c->actions.v.n;
    struct groups g = {ARENA_ARRAY(c->arena, uint32_t, n + 2), ARENA_ARRAY(c->arena, uint32_t, n)};
    for (size_t i = 0; i < n; i++)
        g.first[action_whole(&c->actions, (uint32_t)i) + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        g.first[i] += g.first[i - 1];
    for (size_t i = 0; i < n; i++)
        g.members[g.first[action_whole(&c->actions, (uint32_t)i) + 1]++] = (uint32_t)i;
    return g;
}

static void write_all(struct comparison *c, const uint32_t *order, size_t n)
{
    struct groups g = group(c);
    c->steps_of = ARENA_ARRAY(c->arena, struct span_of_steps, c->actions.v.n);
    for (size_t i = 0; i < n; i++) {
        uint32_t first = (uint32_t)c->out->steps.n, whole = order[i];
        c->writing = whole;
        write_action(c, whole, g.members + g.first[whole], g.first[whole + 1] - g.first[whole]);
        for (size_t k = g.first[whole]; k < g.first[whole + 1]; k++)
            c->steps_of[g.members[k]] = (struct span_of_steps){first, (uint32_t)c->out->steps.n};
    }
}

/* A step comes after the last one of each action that its own must follow, and after the one before it of its own. */
static void link_steps(struct comparison *c)
{
    for (size_t i = 0; i < c->actions.edges.n; i++) {
        struct span_of_steps a = c->steps_of[c->actions.edges.v[i].before];
        struct span_of_steps b = c->steps_of[c->actions.edges.v[i].after];
        if (a.first == a.end || b.first == b.end || a.first == b.first)
            continue;
        struct change_step *step = &c->out->steps.v[b.first];
        bool known = false;
        for (size_t k = 0; k < step->after.n && !known; k++)
            known = step->after.v[k] == a.end - 1;
        if (!known)
            vec_push(c->arena, &step->after, a.end - 1);
    }
    for (size_t i = 0; i < c->actions.v.n; i++)
        if (c->actions.v.v[i].whole == i)
            for (uint32_t k = c->steps_of[i].first + 1; k < c->steps_of[i].end; k++)
                vec_push(c->arena, &c->out->steps.v[k].after, k - 1);
}

/* ------------------------------------------------------------------------------------------------------------ disabling */

static bool is_allowed(const struct comparison *c, const struct change_step *step)
{
    if (c->options->allow_destructive)
        return true;
    for (size_t i = 0; i < c->options->allowed.n; i++) {
        struct str allowed = str_from(c->options->allowed.v[i]);
        size_t colon = str_find(allowed, ':');
        struct str name = str_slice(allowed, colon + 1, allowed.n);
        if (str_is(str_slice(allowed, 0, colon), step->kind->name) &&
            (str_is(name, step->identity) || str_is(name, step->object)))
            return true;
    }
    return false;
}

static bool disable_span(struct comparison *c, struct span_of_steps span)
{
    bool changed = false;
    for (uint32_t i = span.first; i < span.end; i++) {
        changed = changed || !(c->out->steps.v[i].flags & STEP_DISABLED);
        c->out->steps.v[i].flags |= STEP_DISABLED;
    }
    return changed;
}

static bool is_disabled(const struct comparison *c, uint32_t action)
{
    struct span_of_steps span = c->steps_of[action];
    return span.first < span.end && c->out->steps.v[span.first].flags & STEP_DISABLED;
}

/*
 * What is not done takes with it what needs it done; and of a replacement the first half when the second one is left out, or
 * the object would be gone. Again and again, until nothing changes.
 */
static void spread_disabled(struct comparison *c)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < c->actions.edges.n; i++) {
            const struct action_edge *edge = &c->actions.edges.v[i];
            if (is_disabled(c, edge->before) && !is_disabled(c, edge->after))
                changed = disable_span(c, c->steps_of[edge->after]) || changed;
        }
        for (size_t i = 0; i < c->pairs.n; i++) {
            const struct pair *p = &c->pairs.v[i];
            if (p->verdict == PAIR_REPLACED && is_disabled(c, p->make) != is_disabled(c, p->drop)) {
                changed = disable_span(c, c->steps_of[p->make]) || changed;
                changed = disable_span(c, c->steps_of[p->drop]) || changed;
            }
        }
    }
}

static void disable(struct comparison *c)
{
    bool any = false;
    for (size_t i = 0; i < c->actions.v.n; i++) {
        struct span_of_steps span = c->steps_of[i];
        bool forbidden = false;
        for (uint32_t k = span.first; k < span.end; k++)
            forbidden = forbidden ||
                        (c->out->steps.v[k].flags & STEP_DESTRUCTIVE && !is_allowed(c, &c->out->steps.v[k]));
        if (forbidden)
            any = disable_span(c, span) || any;
    }
    if (any)
        spread_disabled(c);
}

/* ----------------------------------------------------------------------------------------------------------------- all */

bool changes_postgresql(struct change_list *out, const struct snapshot *from, const struct snapshot *to,
                        const struct change_options *options, struct err *e)
{
    struct comparison c = {.arena = out->arena, .out = out, .options = options, .from = from, .to = to};
    uint32_t *order;
    size_t n;
    pair_up(&c);
    c.from_needed = catalog_needed_by(from->exact);
    c.to_needed = catalog_needed_by(to->exact);
    judge_all(&c);
    spread(&c);
    add_actions(&c);
    order_old_edges(&c);
    order_new_edges(&c);
    for (size_t i = 0; i < c.pairs.n; i++) {
        before(&c, c.pairs.v[i].drop, c.pairs.v[i].make);
        if (c.pairs.v[i].retyped)
            order_retyped(&c, &c.pairs.v[i]);
    }
    order_leaving(&c);
    order_inherited(&c);
    order_claims(&c);
    join_parts(&c);
    if (!actions_sort(&c.actions, &order, &n, e))
        return false;
    write_all(&c, order, n);
    link_steps(&c);
    disable(&c);
    return true;
}
