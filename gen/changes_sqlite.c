/*
 * From one SQLite schema to another: which statements in which order.
 *
 *     triggers and views go that are gone, differ, or need a table that is built anew or loses a column
 *     indexes go that are gone or differ
 *     tables go, tables come
 *     tables change, one after the other (rebuild_sqlite.c), each followed by its indexes
 *     indexes, views and triggers come
 *
 * RENAME TO and DROP COLUMN look through every view and trigger of the database, so none may be left that needs what is
 * away at that moment. Nothing else depends on order: SQLite looks at what a view, a trigger or a foreign key refers to
 * when it is used.
 */
#include "gen/changes_sqlite.h"

#include <string.h>

#include "schema/tokens.h"

struct planning {
    struct lite l;
    uint32_t *to_of;             /* of each object of the start: the same one of the goal */
    uint32_t *from_of;           /* the other way round */
    bool *gone;                  /* of each object of the start: it is not there when the tables have changed */
    bool *implied;               /* that, and it goes with what it is on */
    bool *blocked;               /* of each object of the goal: it needs what is not done */
    struct table_plan **plan_of; /* of each table of the start */
};

/* ---- for both files ---- */

bool lite_is_allowed(const struct lite *l, const struct object *o)
{
    if (l->options->allow_destructive)
        return true;
    for (size_t i = 0; i < l->options->allowed.n; i++) {
        struct str word = str_from(l->options->allowed.v[i]);
        size_t colon = str_find(word, ':');
        struct str name = str_slice(word, colon + 1, word.n);
        if (str_is(str_slice(word, 0, colon), o->kind->name) && (str_is(name, o->identity) || str_is(name, o->address)))
            return true;
    }
    return false;
}

uint32_t lite_step(struct lite *l, enum verb verb, const struct object *o, unsigned flags, const char *note,
                   const char *sql)
{
    vec_push(l->arena, &l->out->steps,
             (struct change_step){.sql = sql,
                                  .flags = flags,
                                  .verb = verb,
                                  .kind = o->kind,
                                  .object = o->address,
                                  .identity = o->identity,
                                  .note = note});
    return (uint32_t)l->out->steps.n - 1;
}

void lite_after(struct lite *l, uint32_t step, uint32_t before)
{
    vec_push(l->arena, &l->out->steps.v[step].after, before);
}

void lite_note(struct lite *l, const char *format, ...)
{
    BUF_AUTO text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&text, format, ap);
    va_end(ap);
    vec_push(l->arena, &l->out->notes, arena_str(l->arena, buf_str(&text)));
}

struct err *lite_refuse(struct lite *l, const struct object *o, const char *format, ...)
{
    BUF_AUTO text = {0};
    va_list ap;
    object_describe(&text, o);
    buf_addz(&text, ": ");
    va_start(ap, format);
    buf_vaddf(&text, format, ap);
    va_end(ap);
    vec_push(l->arena, &l->out->refusals, (struct err){0});
    struct err *e = &l->out->refusals.v[l->out->refusals.n - 1];
    err_set(e, FAULT_POLICY, "%s", text.p);
    return e;
}

/* ---- pairs ---- */

static const struct object *from_object(const struct planning *p, uint32_t i)
{
    return &p->l.from->objects.v[i];
}

static const struct object *to_object(const struct planning *p, uint32_t i)
{
    return &p->l.to->objects.v[i];
}

static bool is_text_kind(const struct object *o)
{
    return o->kind->rank == LITE_INDEX || o->kind->rank == LITE_VIEW || o->kind->rank == LITE_TRIGGER;
}

static void pair_up(struct planning *p)
{
    size_t n = p->l.from->objects.n, m = p->l.to->objects.n;
    p->to_of = ARENA_ARRAY(p->l.arena, uint32_t, n);
    p->from_of = ARENA_ARRAY(p->l.arena, uint32_t, m);
    p->gone = ARENA_ARRAY(p->l.arena, bool, n);
    p->implied = ARENA_ARRAY(p->l.arena, bool, n);
    p->blocked = ARENA_ARRAY(p->l.arena, bool, m);
    p->plan_of = ARENA_ARRAY(p->l.arena, struct table_plan *, n);
    for (uint32_t i = 0; i < m; i++)
        p->from_of[i] = OBJECT_NONE;
    for (uint32_t i = 0; i < n; i++) {
        p->to_of[i] = catalog_find(p->l.to, from_object(p, i)->kind, from_object(p, i)->identity);
        if (p->to_of[i] != OBJECT_NONE)
            p->from_of[p->to_of[i]] = i;
    }
}

static bool differs(const struct planning *p, uint32_t from)
{
    if (p->to_of[from] == OBJECT_NONE)
        return true;
    const struct object *old = from_object(p, from), *new = to_object(p, p->to_of[from]);
    for (size_t i = 0; i < new->kind->n_attributes; i++) {
        const char *a = old->values[i], *b = new->values[i];
        if (policy_counts(&p->l.options->policy, &new->kind->attributes[i]) && (a && b ? strcmp(a, b) != 0 : a != b))
            return true;
    }
    return false;
}

static void collect_names(struct arena *a, const struct catalog *c, struct strings *out)
{
    for (size_t i = 0; i < c->objects.n; i++) {
        const struct object *o = &c->objects.v[i];
        if (o->kind->rank == LITE_COLUMN)
            vec_push(a, out, sqlite_text_lower(a, object_value(o, "name")));
        else if (o->kind->rank != LITE_INDEX && (o->kind->flags & KIND_RELATION))
            vec_push(a, out, sqlite_text_unquoted(a, str_from(o->identity)));
    }
    strings_sort(out);
}

static void judge_tables(struct planning *p)
{
    struct lite *l = &p->l;
    for (uint32_t i = 0; i < l->to->objects.n; i++)
        if (to_object(p, i)->kind->rank == LITE_TABLE && p->from_of[i] != OBJECT_NONE)
            vec_push(l->arena, &l->tables, (struct table_plan){.from = p->from_of[i], .to = i});
    for (size_t i = 0; i < l->tables.n; i++) {
        p->plan_of[l->tables.v[i].from] = &l->tables.v[i];
        table_plan_judge(l, &l->tables.v[i]);
    }
}

static void refuse_virtual_tables(struct planning *p)
{
    for (uint32_t i = 0; i < p->l.from->objects.n; i++)
        if (from_object(p, i)->kind->rank == LITE_VIRTUAL_TABLE && p->to_of[i] != OBJECT_NONE && differs(p, i)) {
            struct err *e = lite_refuse(&p->l, from_object(p, i), "a virtual table cannot be changed");
            err_hint(e, "write by hand how it is made anew and filled again");
        }
}

/* ---- what has to go ---- */

static bool is_table(const struct object *o)
{
    return o->kind->rank == LITE_TABLE || o->kind->rank == LITE_VIRTUAL_TABLE;
}

static bool is_dropped(const struct planning *p, uint32_t from)
{
    const struct object *o = from_object(p, from);
    return is_table(o) && p->to_of[from] == OBJECT_NONE && lite_is_allowed(&p->l, o);
}

static bool is_rebuilt(const struct planning *p, uint32_t from)
{
    return p->plan_of[from] && p->plan_of[from]->change == TABLE_REBUILD && !p->plan_of[from]->forbidden;
}

static bool loses_column_of(const struct planning *p, uint32_t table, const char *sql)
{
    const struct table_plan *plan = p->plan_of[table];
    if (!plan || plan->change != TABLE_ALTER)
        return false;
    for (size_t i = 0; i < plan->dropped.n; i++)
        if (sqlite_text_mentions(str_from(sql), object_value(from_object(p, plan->dropped.v[i]), "name")))
            return true;
    return false;
}

/* Whether something that the view or trigger needs is away for a while. */
static bool is_in_the_way(const struct planning *p, uint32_t object)
{
    size_t first, end = catalog_edges_from(p->l.from, object, &first);
    for (size_t i = first; i < end; i++) {
        uint32_t needed = p->l.from->edges.v[i].to;
        if (is_rebuilt(p, needed) || is_dropped(p, needed) || (p->gone[needed] && !is_table(from_object(p, needed))) ||
            loses_column_of(p, needed, object_value(from_object(p, object), "sql")))
            return true;
    }
    return false;
}

/* Goes together with its table or view, and nothing that happens before can stumble over it. */
static bool is_implied(const struct planning *p, uint32_t object)
{
    const struct object *o = from_object(p, object);
    size_t first, end = catalog_edges_from(p->l.from, object, &first);
    if (o->parent == OBJECT_NONE)
        return false;
    if (!is_table(from_object(p, o->parent)))
        return p->gone[o->parent];
    if (o->kind->rank == LITE_INDEX && catalog_find(p->l.to, kinds_sqlite.v[LITE_TABLE], o->identity) != OBJECT_NONE)
        return is_dropped(p, o->parent);
    for (size_t i = first; i < end; i++) {
        uint32_t needed = p->l.from->edges.v[i].to;
        if (needed != o->parent && (is_rebuilt(p, needed) || is_dropped(p, needed) || p->gone[needed]))
            return false;
    }
    return is_rebuilt(p, o->parent) || is_dropped(p, o->parent);
}

static void find_gone(struct planning *p)
{
    size_t n = p->l.from->objects.n;
    for (uint32_t i = 0; i < n; i++)
        if (is_text_kind(from_object(p, i)))
            p->gone[i] = differs(p, i) && !(p->to_of[i] != OBJECT_NONE && p->blocked[p->to_of[i]]);
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < n; i++)
            if (!p->gone[i] && is_text_kind(from_object(p, i)) && is_in_the_way(p, i))
                more = p->gone[i] = true;
    }
    for (uint32_t i = 0; i < n; i++)
        p->implied[i] = p->gone[i] && is_implied(p, i);
}

/*
 * What the goal has in another way than the start and that needs a table which does not get what the goal wants of it, or
 * that wants a name which stays in use.
 */
static bool is_blocked(const struct planning *p, uint32_t object)
{
    static const unsigned ranks[] = {LITE_TABLE, LITE_VIRTUAL_TABLE};
    const struct object *o = to_object(p, object);
    size_t first, end = catalog_edges_from(p->l.to, object, &first);
    for (size_t i = first; i < end; i++) {
        uint32_t needed = p->l.to->edges.v[i].to, old = p->from_of[needed];
        if (p->blocked[needed] || (old != OBJECT_NONE && p->plan_of[old] && p->plan_of[old]->forbidden))
            return true;
    }
    for (size_t i = 0; i < 2 && (o->kind->flags & KIND_RELATION); i++) {
        uint32_t old = catalog_find(p->l.from, kinds_sqlite.v[ranks[i]], o->identity);
        if (old != OBJECT_NONE && old != p->from_of[object] && p->to_of[old] == OBJECT_NONE && !is_dropped(p, old))
            return true;
    }
    return false;
}

static void find_blocked(struct planning *p)
{
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < p->l.to->objects.n; i++) {
            const struct object *o = to_object(p, i);
            bool changes = p->from_of[i] == OBJECT_NONE || (is_text_kind(o) && differs(p, p->from_of[i]));
            if (!p->blocked[i] && changes && (is_text_kind(o) || is_table(o)) && is_blocked(p, i))
                more = p->blocked[i] = true;
        }
    }
}

/* ---- steps ---- */

static void drop(struct planning *p, uint32_t from)
{
    const struct object *o = from_object(p, from);
    unsigned flags = is_table(o) ? STEP_DESTRUCTIVE | (is_dropped(p, from) ? 0u : STEP_DISABLED) : 0;
    lite_step(&p->l, VERB_DROP, o, flags, is_table(o) ? "what it holds is gone" : NULL,
              arena_printf(p->l.arena, "DROP %s %s", o->kind->words, o->address));
}

static void drop_all(struct planning *p, unsigned rank)
{
    for (uint32_t i = 0; i < p->l.from->objects.n; i++) {
        const struct object *o = from_object(p, i);
        if (o->kind->rank == rank && (is_table(o) ? p->to_of[i] == OBJECT_NONE : p->gone[i] && !p->implied[i]))
            drop(p, i);
    }
}

static bool is_made(const struct planning *p, uint32_t to)
{
    uint32_t from = p->from_of[to];
    return from == OBJECT_NONE || p->gone[from] ||
           (p->blocked[to] && is_text_kind(to_object(p, to)) && differs(p, from));
}

/* The stored text without a comment behind its end, which would swallow a semicolon. */
static const char *create_text(const struct planning *p, const struct object *o)
{
    struct lexer l = {.text = str_from(object_value(o, "sql")), .dialect = DIALECT_SQLITE};
    struct token t;
    size_t end = 0;
    while (token_next(&l, &t))
        end = t.offset + t.length;
    return arena_str(p->l.arena, str_slice(l.text, 0, end));
}

/* Of one table (of the goal), or of all that stand alone: OBJECT_NONE. */
static void create_all(struct planning *p, unsigned rank, uint32_t table)
{
    for (uint32_t i = 0; i < p->l.to->objects.n; i++) {
        const struct object *o = to_object(p, i);
        if (o->kind->rank != rank || !is_made(p, i) || (table != OBJECT_NONE && o->parent != table))
            continue;
        if (rank == LITE_INDEX && table == OBJECT_NONE && p->from_of[o->parent] != OBJECT_NONE &&
            is_rebuilt(p, p->from_of[o->parent]))
            continue;
        lite_step(&p->l, VERB_CREATE, o, p->blocked[i] ? STEP_DISABLED : 0, NULL, create_text(p, o));
    }
}

static void change_tables(struct planning *p)
{
    for (size_t i = 0; i < p->l.tables.n; i++) {
        struct table_plan *plan = &p->l.tables.v[i];
        uint32_t first = (uint32_t)p->l.out->steps.n;
        table_plan_write(&p->l, plan);
        if (!is_rebuilt(p, plan->from))
            continue;
        uint32_t end = (uint32_t)p->l.out->steps.n;
        create_all(p, LITE_INDEX, plan->to);
        for (uint32_t k = end; k < p->l.out->steps.n; k++)
            lite_after(&p->l, k, end > first ? end - 1 : first);
    }
}

/* What is made anew comes behind its drop. */
static void link_replacements(struct planning *p)
{
    struct change_list *out = p->l.out;
    for (uint32_t i = 0; i < out->steps.n; i++)
        for (uint32_t k = 0; k < i && out->steps.v[i].verb == VERB_CREATE; k++)
            if (out->steps.v[k].verb == VERB_DROP && strcmp(out->steps.v[k].identity, out->steps.v[i].identity) == 0)
                lite_after(&p->l, i, k);
}

bool changes_sqlite(struct change_list *out, const struct snapshot *from, const struct snapshot *to,
                    const struct change_options *options, struct err *e)
{
    struct planning p = {
        .l = {.arena = out->arena, .out = out, .from = from->exact, .to = to->exact, .options = options}};
    (void)e;
    collect_names(out->arena, from->exact, &p.l.from_names);
    collect_names(out->arena, to->exact, &p.l.to_names);
    pair_up(&p);
    judge_tables(&p);
    refuse_virtual_tables(&p);
    find_blocked(&p);
    find_gone(&p);
    drop_all(&p, LITE_TRIGGER);
    drop_all(&p, LITE_VIEW);
    drop_all(&p, LITE_INDEX);
    drop_all(&p, LITE_TABLE);
    drop_all(&p, LITE_VIRTUAL_TABLE);
    create_all(&p, LITE_TABLE, OBJECT_NONE);
    create_all(&p, LITE_VIRTUAL_TABLE, OBJECT_NONE);
    change_tables(&p);
    create_all(&p, LITE_INDEX, OBJECT_NONE);
    create_all(&p, LITE_VIEW, OBJECT_NONE);
    create_all(&p, LITE_TRIGGER, OBJECT_NONE);
    link_replacements(&p);
    return true;
}
