/*
 * How one table of SQLite changes: columns in place where ALTER TABLE is legal though the table has rows, everything else by
 * one rebuild that does all of it at once.
 *
 * The rebuild has no PRAGMA in it. References of other tables stay as they are since nothing refers to the new table's
 * passing name when it is renamed, and views and triggers that need the table are gone while that happens
 * (changes_sqlite.c).
 */
#include <string.h>
#include <strings.h>

#include "db/db.h"
#include "gen/changes_sqlite.h"
#include "gen/hints.h"

/* ---- looking at both ---- */

static const struct object *from_object(const struct lite *l, uint32_t i)
{
    return &l->from->objects.v[i];
}

static const struct object *to_object(const struct lite *l, uint32_t i)
{
    return &l->to->objects.v[i];
}

static uint32_t find_column(const struct catalog *c, const struct object *table, const char *name)
{
    ARENA_AUTO a = {0};
    const char *column = sqlite_text_quoted(&a, sqlite_text_lower(&a, name));
    return catalog_find(c, kinds_sqlite.v[LITE_COLUMN], arena_printf(&a, "%s.%s", table->identity, column));
}

static size_t text_column(const struct sqlite_text_table *t, const char *name)
{
    size_t i = 0;
    while (i < t->columns.n && strcasecmp(t->columns.v[i].name, name) != 0)
        i++;
    return i;
}

static const char *name_of(const struct object *column)
{
    return object_value(column, "name");
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool has(const uint32_t *list, size_t n, uint32_t what)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == what)
            return true;
    return false;
}

/* The inline constraint of that kind of a column; NULL. */
static const struct sqlite_text_constraint *inline_constraint(const struct sqlite_text_table *t, size_t column,
                                                              enum sqlite_constraint_kind kind)
{
    for (size_t i = 0; i < t->constraints.n; i++)
        if (t->constraints.v[i].column == column && t->constraints.v[i].kind == kind)
            return &t->constraints.v[i];
    return NULL;
}

static bool has_inline_key(const struct sqlite_text_table *t, size_t column)
{
    return inline_constraint(t, column, SQLITE_PRIMARY_KEY) || inline_constraint(t, column, SQLITE_UNIQUE);
}

/* The column that is the rowid's other name; columns.n: there is none. */
static size_t rowid_column(const struct sqlite_text_table *t)
{
    for (size_t i = 0; i < t->constraints.n; i++)
        if (t->constraints.v[i].kind == SQLITE_PRIMARY_KEY && t->constraints.v[i].is_plain_key)
            return text_column(t, t->constraints.v[i].columns.v[0]);
    return t->columns.n;
}

/* A word that means the rowid in both tables; NULL: all are columns. */
static const char *rowid_word(const struct table_plan *plan)
{
    static const char *const words[] = {"rowid", "_rowid_", "oid"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_column(&plan->old_text, words[i]) == plan->old_text.columns.n &&
            text_column(&plan->new_text, words[i]) == plan->new_text.columns.n)
            return words[i];
    return NULL;
}

/* ---- constraints ---- */

/* Whether a constraint comes or goes with the definition of a column that does. */
static bool goes_with_column(const struct lite *l, const struct table_plan *plan, const struct sqlite_text_table *t,
                             const struct sqlite_text_constraint *c)
{
    if (c->column == SIZE_MAX)
        return false;
    const char *name = t->columns.v[c->column].name;
    if (t == &plan->new_text)
        return has(plan->added.v, plan->added.n, find_column(l->to, to_object(l, plan->to), name));
    uint32_t column = find_column(l->from, from_object(l, plan->from), name);
    return has(plan->dropped.v, plan->dropped.n, column) || has(plan->kept.v, plan->kept.n, column);
}

static void constraint_words(const struct lite *l, const struct table_plan *plan, const struct sqlite_text_table *t,
                             struct strings *out)
{
    for (size_t i = 0; i < t->constraints.n; i++) {
        const struct sqlite_text_constraint *c = &t->constraints.v[i];
        if (!goes_with_column(l, plan, t, c))
            vec_push(
                l->arena, out,
                arena_printf(l->arena, "%s %s", c->name ? sqlite_text_lower(l->arena, c->name) : "", c->definition));
    }
    strings_sort(out);
}

static bool same_constraints(const struct lite *l, const struct table_plan *plan)
{
    struct strings old = {0}, new = {0};
    constraint_words(l, plan, &plan->old_text, &old);
    constraint_words(l, plan, &plan->new_text, &new);
    return strings_equal(&old, &new);
}

/* ---- columns ---- */

enum affinity { AFFINITY_NONE, AFFINITY_TEXT, AFFINITY_NUMBER };

/* After section 3.1 of SQLite's "Datatypes"; the three kinds of numbers take the same values. */
static enum affinity affinity_of(const char *type)
{
    if (!type)
        return AFFINITY_NONE;
    if (strcasestr(type, "INT"))
        return AFFINITY_NUMBER;
    if (strcasestr(type, "CHAR") || strcasestr(type, "CLOB") || strcasestr(type, "TEXT"))
        return AFFINITY_TEXT;
    return strcasestr(type, "BLOB") || strcasecmp(type, "ANY") == 0 ? AFFINITY_NONE : AFFINITY_NUMBER;
}

static struct hint *find_hint(const struct lite *l, enum hint_kind kind, const struct object *column)
{
    struct hint *h = l->options->hints ? hint_of(l->options->hints, kind, l->to, column) : NULL;
    if (h)
        h->used = true;
    return h;
}

/* What existing rows get; NULL: nothing was said, or that there are none. */
static const char *backfill_of(const struct lite *l, const struct object *column)
{
    struct hint *h = find_hint(l, HINT_BACKFILL, column);
    return h && strcasecmp(h->text, "none") != 0 ? h->text : NULL;
}

static bool is_changed(const struct lite *l, const struct object *old, const struct object *new)
{
    for (size_t i = 0; i < new->kind->n_attributes; i++)
        if (policy_counts(&l->options->policy, &new->kind->attributes[i]) &&
            !(new->kind->attributes[i].flags &ATTRIBUTE_ORDER) && !same(old->values[i], new->values[i]))
            return true;
    return false;
}

/* Common columns in another order than in the goal. */
static bool is_order_changed(const struct table_plan *plan)
{
    size_t last = 0;
    for (size_t i = 0; i < plan->old_text.columns.n; i++) {
        const char *name = plan->old_text.columns.v[i].name;
        size_t at = text_column(&plan->new_text, name);
        if (at == plan->new_text.columns.n)
            continue;
        if (at < last)
            return true;
        last = at;
    }
    return false;
}

static bool has_values(const struct object *column)
{
    return !object_value(column, "generated");
}

/* Sorts the columns into added, dropped and kept; true when one of those that stay changes. */
static bool compare_columns(struct lite *l, struct table_plan *plan)
{
    const struct object *old_table = from_object(l, plan->from), *new_table = to_object(l, plan->to);
    bool changed = false;
    for (size_t i = 0; i < plan->new_text.columns.n; i++) {
        uint32_t new = find_column(l->to, new_table, plan->new_text.columns.v[i].name);
        uint32_t old = find_column(l->from, old_table, plan->new_text.columns.v[i].name);
        if (old == OBJECT_NONE) {
            vec_push(l->arena, &plan->added, new);
            continue;
        }
        changed = changed || is_changed(l, from_object(l, old), to_object(l, new));
        if (affinity_of(object_value(from_object(l, old), "type")) != AFFINITY_NUMBER &&
            affinity_of(object_value(to_object(l, new), "type")) == AFFINITY_NUMBER && has_values(from_object(l, old)))
            vec_push(l->arena, &plan->lossy, new);
    }
    for (size_t i = 0; i < plan->old_text.columns.n; i++) {
        uint32_t old = find_column(l->from, old_table, plan->old_text.columns.v[i].name);
        if (find_column(l->to, new_table, plan->old_text.columns.v[i].name) != OBJECT_NONE)
            continue;
        if (has_values(from_object(l, old)) && !lite_is_allowed(l, from_object(l, old)))
            vec_push(l->arena, &plan->kept, old);
        else
            vec_push(l->arena, &plan->dropped, old);
    }
    return changed;
}

/* ALTER TABLE ADD COLUMN of a table that has rows, with foreign keys enforced. */
static bool can_add(struct lite *l, const struct table_plan *plan, uint32_t number)
{
    const struct object *column = to_object(l, number);
    size_t i = text_column(&plan->new_text, name_of(column));
    const struct sqlite_text_column *c = &plan->new_text.columns.v[i];
    if (has_inline_key(&plan->new_text, i) || backfill_of(l, column))
        return false;
    if (c->generated)
        return !str_ends(str_from(c->generated), STR(" STORED"));
    if (object_value(column, "not_null") && c->is_null)
        return false;
    if (c->default_value && !c->is_constant)
        return false;
    return !inline_constraint(&plan->new_text, i, SQLITE_FOREIGN_KEY) || c->is_null;
}

/* An index that stays and that has the column's name in it. */
static bool is_indexed(const struct lite *l, const struct table_plan *plan, const char *name)
{
    for (size_t i = 0; i < l->from->objects.n; i++) {
        const struct object *o = &l->from->objects.v[i];
        if (o->kind->rank != LITE_INDEX || o->parent != plan->from)
            continue;
        uint32_t to = catalog_find(l->to, o->kind, o->identity);
        if (to != OBJECT_NONE && !is_changed(l, o, to_object(l, to)) &&
            sqlite_text_mentions(str_from(object_value(o, "sql")), name))
            return true;
    }
    return false;
}

static bool can_drop(const struct lite *l, const struct table_plan *plan, uint32_t number)
{
    const char *name = name_of(from_object(l, number));
    struct str sql = str_from(object_value(from_object(l, plan->from), "sql"));
    size_t i = text_column(&plan->old_text, name);
    struct str span = plan->old_text.columns.v[i].span;
    size_t begin = (size_t)(span.p - sql.p);
    return !has_inline_key(&plan->old_text, i) && !sqlite_text_mentions(str_slice(sql, 0, begin), name) &&
           !sqlite_text_mentions(str_slice(sql, begin + span.n, sql.n), name) && !is_indexed(l, plan, name);
}

static bool can_alter(struct lite *l, const struct table_plan *plan)
{
    for (size_t i = 0; i < plan->added.n; i++)
        if (!can_add(l, plan, plan->added.v[i]))
            return false;
    for (size_t i = 0; i < plan->dropped.n; i++)
        if (!can_drop(l, plan, plan->dropped.v[i]))
            return false;
    return true;
}

/* ---- the judgement ---- */

/* As the catalogs have them, "REFERENCES p" with p's primary key: else the same would be two. */
static void say_parent_keys(const struct lite *l, const struct catalog *c, const struct strings *names,
                            struct sqlite_text_table *t)
{
    for (size_t i = 0; i < t->constraints.n; i++) {
        struct sqlite_text_constraint *key = &t->constraints.v[i];
        struct sqlite_text_table text;
        if (!key->parent_end)
            continue;
        const char *identity = sqlite_text_quoted(l->arena, sqlite_text_lower(l->arena, key->parent));
        uint32_t parent = catalog_find(c, kinds_sqlite.v[LITE_TABLE], identity);
        if (parent == OBJECT_NONE ||
            !sqlite_text_table(l->arena, str_from(object_value(&c->objects.v[parent], "sql")), names, &text))
            continue;
        for (size_t k = 0; k < text.constraints.n; k++)
            if (text.constraints.v[k].kind == SQLITE_PRIMARY_KEY)
                sqlite_text_say_parent_key(l->arena, key, &text.constraints.v[k].columns);
    }
}

static bool read_text(const struct lite *l, const struct catalog *c, const struct object *table,
                      const struct strings *names, struct sqlite_text_table *out)
{
    if (!sqlite_text_table(l->arena, str_from(object_value(table, "sql")), names, out))
        return false;
    say_parent_keys(l, c, names, out);
    return true;
}

static bool is_understood(struct lite *l, struct table_plan *plan)
{
    const struct object *old = from_object(l, plan->from), *new = to_object(l, plan->to);
    if (!object_value(old, "definition") && !object_value(new, "definition"))
        return read_text(l, l->from, old, &l->from_names, &plan->old_text) &&
               read_text(l, l->to, new, &l->to_names, &plan->new_text);
    if (same(object_value(old, "definition"), object_value(new, "definition")))
        return false;
    struct err *e = lite_refuse(l, new, "its text is not understood, so it cannot be changed");
    err_hint(e, "write the change by hand");
    return false;
}

/* A column that is kept may not bring a second primary key along. */
static bool can_keep(const struct lite *l, const struct table_plan *plan)
{
    for (size_t i = 0; i < plan->kept.n; i++)
        if (inline_constraint(&plan->old_text, text_column(&plan->old_text, name_of(from_object(l, plan->kept.v[i]))),
                              SQLITE_PRIMARY_KEY))
            return false;
    return true;
}

/* The losses are those of the whole table then, and allowed by its name too. */
static void forbid(struct lite *l, struct table_plan *plan)
{
    plan->forbidden = !lite_is_allowed(l, to_object(l, plan->to));
    for (size_t i = 0; i < plan->kept.n; i++)
        vec_push(l->arena, &plan->dropped, plan->kept.v[i]);
    plan->kept.n = 0;
}

static bool may_lose(const struct lite *l, const struct table_plan *plan)
{
    for (size_t i = 0; i < plan->lossy.n; i++)
        if (!lite_is_allowed(l, to_object(l, plan->lossy.v[i])))
            return false;
    return true;
}

static void refuse_unfilled(struct lite *l, const struct object *column, const char *what)
{
    struct err *e = lite_refuse(l, column, "rows that are there would have %s", what);
    err_hint(
        e,
        "write \"-- backfill: EXPRESSION\" above it in the schema file, or \"-- backfill: none\" if there are no rows");
}

static bool is_in_key(const struct sqlite_text_table *t, const char *column)
{
    for (size_t i = 0; i < t->constraints.n; i++)
        if (t->constraints.v[i].kind <= SQLITE_UNIQUE && strings_has(&t->constraints.v[i].columns, column))
            return true;
    return false;
}

/* Whether a key of the goal is of this column alone. */
static bool is_alone_in_key(const struct sqlite_text_table *t, size_t column)
{
    for (size_t i = 0; i < t->constraints.n; i++) {
        const struct sqlite_text_constraint *c = &t->constraints.v[i];
        if ((c->kind == SQLITE_PRIMARY_KEY || c->kind == SQLITE_UNIQUE) && c->columns.n == 1 &&
            strcasecmp(c->columns.v[0], t->columns.v[column].name) == 0)
            return true;
    }
    return false;
}

/* What rows would lack in a new column; NULL: all is well. */
static const char *lacks(const struct lite *l, const struct table_plan *plan, const struct object *column)
{
    size_t at = text_column(&plan->new_text, name_of(column));
    const struct sqlite_text_column *c = &plan->new_text.columns.v[at];
    bool numbered = at == rowid_column(&plan->new_text) && !plan->old_text.without_rowid;
    if (c->generated || numbered || backfill_of(l, column))
        return NULL;
    if (object_value(column, "not_null") && c->is_null)
        return "no value in this new NOT NULL column";
    return !c->is_null && c->is_constant && is_alone_in_key(&plan->new_text, at) ? "one and the same value in this key"
                                                                                 : NULL;
}

/* What they get when nobody says what: something empty, or where keys tell rows apart their numbers. */
static const char *filler(const struct lite *l, const struct table_plan *plan, const struct object *column)
{
    static const char *const empty[] = {[AFFINITY_NONE] = "x''", [AFFINITY_TEXT] = "''", [AFFINITY_NUMBER] = "0"};
    const char *rowid = plan->old_text.without_rowid ? NULL : rowid_word(plan);
    if (!lacks(l, plan, column))
        return NULL;
    return rowid && is_in_key(&plan->new_text, sqlite_text_lower(l->arena, name_of(column)))
               ? rowid
               : empty[affinity_of(object_value(column, "type"))];
}

/* Something empty, or a number, is no parent's key, and may be what a check forbids. */
static bool is_bound(const struct lite *l, const struct table_plan *plan, const struct object *column)
{
    const char *name = sqlite_text_lower(l->arena, name_of(column));
    for (size_t i = 0; i < plan->new_text.constraints.n; i++) {
        const struct sqlite_text_constraint *c = &plan->new_text.constraints.v[i];
        if ((c->kind == SQLITE_FOREIGN_KEY && strings_has(&c->columns, name)) ||
            (c->kind == SQLITE_CHECK && sqlite_text_mentions(str_from(c->definition), name)))
            return true;
    }
    return false;
}

static void look_at_rows(struct lite *l, const struct table_plan *plan)
{
    for (size_t i = 0; i < plan->added.n; i++) {
        const struct object *column = to_object(l, plan->added.v[i]);
        const char *what = lacks(l, plan, column);
        if (!what || find_hint(l, HINT_BACKFILL, column))
            continue;
        if (l->options->ask_backfill || is_bound(l, plan, column))
            refuse_unfilled(l, column, what);
        else
            lite_note(l, "column %s: rows that are there get %s, since nothing says what they should have",
                      column->identity, filler(l, plan, column));
    }
}

void table_plan_judge(struct lite *l, struct table_plan *plan)
{
    if (!is_understood(l, plan))
        return;
    const struct object *old = from_object(l, plan->from), *new = to_object(l, plan->to);
    bool order = is_order_changed(plan);
    bool rebuild = compare_columns(l, plan);
    rebuild = is_changed(l, old, new) || rebuild || (order && l->options->policy.column_order);
    rebuild = rebuild || !same_constraints(l, plan);
    if (order && !rebuild)
        lite_note(l, "the columns of table %s stand in another order; that is left alone", new->identity);
    bool alter = plan->added.n || plan->dropped.n;
    plan->change = rebuild || (alter && !can_alter(l, plan)) ? TABLE_REBUILD : alter ? TABLE_ALTER : TABLE_SAME;
    if (plan->change == TABLE_REBUILD && (!can_keep(l, plan) || !may_lose(l, plan)))
        forbid(l, plan);
    if (plan->change == TABLE_SAME && plan->kept.n && !(plan->kept.n == 1 && can_drop(l, plan, plan->kept.v[0]))) {
        plan->change = TABLE_REBUILD;
        forbid(l, plan);
    }
    look_at_rows(l, plan);
}

/* ---- in place ---- */

static void add_column(struct lite *l, const struct table_plan *plan, uint32_t number)
{
    const struct object *column = to_object(l, number);
    const struct sqlite_text_column *c = &plan->new_text.columns.v[text_column(&plan->new_text, name_of(column))];
    lite_step(l, VERB_CREATE, column, 0, NULL,
              arena_printf(l->arena, "ALTER TABLE %s ADD COLUMN %.*s", from_object(l, plan->from)->address,
                           STR_ARG(c->span)));
}

static uint32_t drop_column(struct lite *l, const struct table_plan *plan, uint32_t number, unsigned flags)
{
    const struct object *column = from_object(l, number);
    bool values = has_values(column);
    return lite_step(
        l, VERB_DROP, column, flags | STEP_REWRITES | (values ? STEP_DESTRUCTIVE : 0),
        values ? "what it holds is gone" : NULL,
        arena_printf(l->arena, "ALTER TABLE %s DROP COLUMN %s", from_object(l, plan->from)->address, column->address));
}

static void alter(struct lite *l, const struct table_plan *plan)
{
    for (size_t i = 0; i < plan->added.n; i++)
        add_column(l, plan, plan->added.v[i]);
    for (size_t i = 0; i < plan->dropped.n; i++)
        drop_column(l, plan, plan->dropped.v[i], 0);
}

/* ---- the rebuild ---- */

static bool is_taken(const struct catalog *c, const char *identity)
{
    static const unsigned ranks[] = {LITE_TABLE, LITE_VIRTUAL_TABLE, LITE_INDEX, LITE_VIEW};
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (catalog_find(c, kinds_sqlite.v[ranks[i]], identity) != OBJECT_NONE)
            return true;
    return false;
}

/* What the new table is called until the old one is gone. */
static const char *passing_name(const struct lite *l, const char *table)
{
    for (unsigned i = 1;; i++) {
        const char *name = i == 1 ? arena_printf(l->arena, "new_%s", table)
                                  : arena_printf(l->arena, "new_%u_%s", i, table);
        const char *identity = sqlite_text_quoted(l->arena, sqlite_text_lower(l->arena, name));
        if (!is_taken(l->from, identity) && !is_taken(l->to, identity))
            return name;
    }
}

/* The goal's text under the passing name, with the columns that are kept behind its own. */
static const char *create_text(struct lite *l, const struct table_plan *plan, const char *name)
{
    BUF_AUTO out = {0};
    struct str sql = str_from(object_value(to_object(l, plan->to), "sql"));
    const struct sqlite_text_table *t = &plan->new_text;
    size_t head = (size_t)(t->name.p - sql.p), columns = 0;
    for (size_t i = 0; i < t->columns.n; i++) {
        size_t end = (size_t)(t->columns.v[i].span.p - sql.p) + t->columns.v[i].span.n;
        columns = end > columns ? end : columns;
    }
    buf_adds(&out, str_slice(sql, 0, head));
    sqlite_text_quote(&out, name);
    buf_adds(&out, str_slice(sql, head + t->name.n, columns));
    for (size_t i = 0; i < plan->kept.n; i++) {
        size_t at = text_column(&plan->old_text, name_of(from_object(l, plan->kept.v[i])));
        buf_addz(&out, ", ");
        buf_adds(&out, plan->old_text.columns.v[at].span);
    }
    buf_adds(&out, str_slice(sql, columns, sql.n));
    return arena_str(l->arena, buf_str(&out));
}

struct copy {
    struct buf names, values;
};

static void copy_add(struct copy *c, const char *name, const char *value)
{
    buf_addf(&c->names, "%s%s", c->names.n ? ", " : "", name);
    buf_addf(&c->values, "%s%s", c->values.n ? ", " : "", value);
}

/* What the rows have in a column that both tables have. */
static const char *copied_value(struct lite *l, const struct object *old, const struct object *new)
{
    struct hint *using = find_hint(l, HINT_USING, new);
    const char *value = using ? arena_printf(l->arena, "(%s)", using->text) : old->address;
    if (object_value(old, "not_null") || !object_value(new, "not_null"))
        return value;
    const char *backfill = backfill_of(l, new);
    if (backfill)
        return arena_printf(l->arena, "coalesce(%s, %s)", value, backfill);
    if (!using)
        lite_note(
            l,
            "column %s becomes NOT NULL: SELECT count(*) FROM %s WHERE %s IS NULL must give 0, or it needs \"-- backfill:\"",
            new->identity, l->to->objects.v[new->parent].address, old->address);
    return value;
}

static void copy_column(struct lite *l, const struct table_plan *plan, struct copy *copy, size_t i)
{
    const struct sqlite_text_column *c = &plan->new_text.columns.v[i];
    const struct object *new = to_object(l, find_column(l->to, to_object(l, plan->to), c->name));
    uint32_t old = find_column(l->from, from_object(l, plan->from), c->name);
    const char *value = NULL, *rowid = rowid_word(plan);
    if (c->generated)
        return;
    if (old != OBJECT_NONE)
        copy_add(copy, new->address, copied_value(l, from_object(l, old), new));
    else if ((value = backfill_of(l, new)) || (value = filler(l, plan, new)))
        copy_add(copy, new->address, value);
    else if (i == rowid_column(&plan->new_text) && rowid && !plan->old_text.without_rowid)
        copy_add(copy, new->address, rowid);
}

static bool copy_rows(struct lite *l, const struct table_plan *plan, struct copy *copy)
{
    const char *rowid = rowid_word(plan);
    if (rowid && !plan->old_text.without_rowid && !plan->new_text.without_rowid &&
        rowid_column(&plan->new_text) == plan->new_text.columns.n)
        copy_add(copy, rowid, rowid);
    for (size_t i = 0; i < plan->new_text.columns.n; i++)
        copy_column(l, plan, copy, i);
    for (size_t i = 0; i < plan->kept.n; i++)
        copy_add(copy, from_object(l, plan->kept.v[i])->address, from_object(l, plan->kept.v[i])->address);
    return copy->names.n > 0;
}

static bool is_autoincrement(const struct sqlite_text_table *t)
{
    for (size_t i = 0; i < t->constraints.n; i++)
        if (t->constraints.v[i].autoincrement)
            return true;
    return false;
}

static const char *literal(struct arena *a, const char *text)
{
    BUF_AUTO out = {0};
    db_quote_text(&out, DIALECT_SQLITE, text);
    return arena_str(a, buf_str(&out));
}

/* Numbers that were given out once are not given out again. */
static void keep_sequence(struct lite *l, const struct table_plan *plan, const char *passing, unsigned flags)
{
    const struct object *table = to_object(l, plan->to);
    const char *old = literal(l->arena, name_of(from_object(l, plan->from))), *new = literal(l->arena, passing);
    if (!is_autoincrement(&plan->old_text) || !is_autoincrement(&plan->new_text))
        return;
    lite_step(l, VERB_FILL, table, flags, NULL,
              arena_printf(l->arena, "DELETE FROM sqlite_sequence WHERE name = %s", new));
    lite_step(
        l, VERB_FILL, table, flags, NULL,
        arena_printf(l->arena,
                     "INSERT INTO sqlite_sequence (name, seq) SELECT %s, seq FROM sqlite_sequence WHERE name = %s", new,
                     old));
}

/* What the rebuild loses, for people; NULL: nothing. */
static const char *losses(const struct lite *l, const struct table_plan *plan)
{
    BUF_AUTO out = {0};
    for (size_t i = 0; i < plan->dropped.n; i++)
        if (has_values(from_object(l, plan->dropped.v[i])))
            buf_addf(&out, "%s%s", out.n ? ", " : "drops the values of ", from_object(l, plan->dropped.v[i])->address);
    for (size_t i = 0; i < plan->lossy.n; i++)
        buf_addf(&out, "%s%s%s", out.n ? (i ? ", " : "; ") : "",
                 i ? "" : "texts that look like numbers become numbers in ", to_object(l, plan->lossy.v[i])->address);
    return out.n ? arena_str(l->arena, buf_str(&out)) : NULL;
}

/* A constraint that lets rows go without a word, which the copy must not. */
static bool settles_conflicts(const struct lite *l, const struct table_plan *plan)
{
    return sqlite_text_mentions(str_from(object_value(to_object(l, plan->to), "sql")), "conflict");
}

static void rebuild(struct lite *l, const struct table_plan *plan)
{
    const struct object *old = from_object(l, plan->from), *new = to_object(l, plan->to);
    const char *passing = passing_name(l, name_of(new)), *quoted = sqlite_text_quoted(l->arena, passing);
    const char *note = losses(l, plan);
    unsigned flags = (note ? STEP_DESTRUCTIVE : 0u) | (plan->forbidden ? STEP_DISABLED : 0u);
    struct copy copy = {0};
    lite_step(l, VERB_ALTER, new, flags, note, create_text(l, plan, passing));
    if (copy_rows(l, plan, &copy))
        lite_step(l, VERB_FILL, new, flags | STEP_REWRITES, note,
                  arena_printf(l->arena, "INSERT%s INTO %s (%s) SELECT %s FROM %s",
                               settles_conflicts(l, plan) ? " OR ABORT" : "", quoted, copy.names.p, copy.values.p,
                               old->address));
    else
        lite_refuse(l, new, "nothing of its rows would stay");
    buf_free(&copy.names);
    buf_free(&copy.values);
    keep_sequence(l, plan, passing, flags);
    lite_step(l, VERB_DROP, new, flags, note, arena_printf(l->arena, "DROP TABLE %s", old->address));
    lite_step(l, VERB_RENAME, new, flags, note,
              arena_printf(l->arena, "ALTER TABLE %s RENAME TO %s", quoted, new->address));
}

void table_plan_write(struct lite *l, struct table_plan *plan)
{
    uint32_t first = (uint32_t)l->out->steps.n;
    if (plan->change == TABLE_ALTER)
        alter(l, plan);
    else if (plan->change == TABLE_REBUILD)
        rebuild(l, plan);
    for (uint32_t i = first + 1; i < l->out->steps.n; i++)
        lite_after(l, i, i - 1);
    uint32_t last = (uint32_t)l->out->steps.n;
    for (size_t i = 0; i < plan->kept.n; i++) {
        uint32_t step = drop_column(l, plan, plan->kept.v[i], STEP_DISABLED);
        if (last > first)
            lite_after(l, step, last - 1);
    }
}
