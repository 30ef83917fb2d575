/* What has columns: CREATE TABLE and its like with everything that can stand inside, and the changes of a column. */
#include <stdlib.h>
#include <string.h>

#include "gen/changes_postgresql.h"
#include "gen/hints.h"

/* ------------------------------------------------------------------------------------------------------------- clauses */

static const struct pair *made_pair(const struct comparison *c, uint32_t action)
{
    const struct action_of *a = &c->owner_of_action.v[action];
    return a->what == ACTION_MAKE ? &c->pairs.v[a->pair] : NULL;
}

/* The default that is part of the column's own action, or of the one that the column is part of. */
static const struct pair *default_of(const struct comparison *c, const struct pair *column, const uint32_t *parts,
                                     size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct pair *p = made_pair(c, parts[i]);
        if (p && pair_kind(c, p)->rank == PG_DEFAULT && pair_parent(c, p) == column)
            return p;
    }
    return NULL;
}

static bool add_clause(struct comparison *c, const struct pair *p, const char *const *extra, struct buf *sql)
{
    struct template_values values = values_of(c, p, false);
    values.extra = extra;
    if (template_expand(sql, pair_kind(c, p)->clause, &values))
        return true;
    refuse_pair(c, p, "it cannot be written inside its CREATE");
    return false;
}

static void add_column_clause(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n,
                              const char *const *extra, struct buf *sql)
{
    const struct pair *value = default_of(c, p, parts, n);
    add_clause(c, p, extra, sql);
    if (value) {
        buf_addc(sql, ' ');
        add_clause(c, value, NULL, sql);
    }
}

/* ------------------------------------------------------------------------------------------------------- CREATE TABLE */

struct whole {
    VEC(const struct pair *) columns, others; /* in the order in which they stand */
    const struct pair *partition;
    VEC(const struct pair *) inherits;
};

static int compare_ordinals(const void *a, const void *b, void *context)
{
    const struct comparison *c = context;
    const struct object *x = pair_new(c, *(const struct pair *const *)a),
                        *y = pair_new(c, *(const struct pair *const *)b);
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* Keys first, then by name; foreign keys last. */
static int compare_clauses(const void *a, const void *b, void *context)
{
    const struct comparison *c = context;
    const struct object *x = pair_new(c, *(const struct pair *const *)a),
                        *y = pair_new(c, *(const struct pair *const *)b);
    if (x->kind->rank != y->kind->rank)
        return x->kind->rank < y->kind->rank ? -1 : 1;
    const char *p = object_value(x, "definition"), *q = object_value(y, "definition");
    bool x_key = p && strncmp(p, "PRIMARY", 7) == 0, y_key = q && strncmp(q, "PRIMARY", 7) == 0;
    return x_key != y_key ? y_key - x_key : strcmp(x->identity, y->identity);
}

static struct whole sort_parts(struct comparison *c, const struct pair *table, const uint32_t *parts, size_t n)
{
    struct whole w = {0};
    for (size_t i = 0; i < n; i++) {
        const struct pair *p = made_pair(c, parts[i]);
        if (!p || p == table || pair_parent(c, p) != table)
            continue;
        unsigned rank = pair_kind(c, p)->rank;
        if (rank == PG_COLUMN || rank == PG_COMPOSITE_ATTRIBUTE)
            vec_push(c->arena, &w.columns, p);
        else if (rank == PG_PARTITION)
            w.partition = p;
        else if (rank == PG_INHERITANCE)
            vec_push(c->arena, &w.inherits, p);
        else if (pair_kind(c, p)->flags & KIND_INLINE)
            vec_push(c->arena, &w.others, p);
    }
    if (w.columns.n)
        qsort_r(w.columns.v, w.columns.n, sizeof *w.columns.v, compare_ordinals, c);
    if (w.others.n)
        qsort_r(w.others.v, w.others.n, sizeof *w.others.v, compare_clauses, c);
    if (w.inherits.n)
        qsort_r(w.inherits.v, w.inherits.n, sizeof *w.inherits.v, compare_ordinals, c);
    return w;
}

/* Columns that come from a parent are not said again where the parent is named. */
static bool is_inherited(const struct comparison *c, const struct pair *column)
{
    return pair_kind(c, column)->rank == PG_COLUMN && object_value(pair_new(c, column), "inherited");
}

static bool add_list(struct comparison *c, const struct whole *w, const uint32_t *parts, size_t n, bool with_parent,
                     const char *indent, struct buf *sql)
{
    const char *separator = "";
    for (size_t i = 0; i < w->columns.n; i++) {
        if (with_parent && is_inherited(c, w->columns.v[i]))
            continue;
        buf_addf(sql, "%s%s", separator, indent);
        add_column_clause(c, w->columns.v[i], parts, n, NULL, sql);
        separator = ",";
    }
    for (size_t i = 0; i < w->others.n; i++) {
        buf_addf(sql, "%s%s", separator, indent);
        add_clause(c, w->others.v[i], NULL, sql);
        separator = ",";
    }
    return *separator != '\0';
}

static void add_parents(struct comparison *c, const struct whole *w, struct buf *sql)
{
    for (size_t i = 0; i < w->inherits.n; i++)
        buf_addf(sql, "%s%s", i ? ", " : " INHERITS (", object_value(pair_new_shown(c, w->inherits.v[i]), "of"));
    if (w->inherits.n)
        buf_addc(sql, ')');
}

static const char table_tail[] = "[ PARTITION BY {partition_by}][ USING {access_method}][ WITH ({options})]";
static const char foreign_tail[] = " SERVER {server}[ OPTIONS ({option_list})]";

static void create_table(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n, struct buf *sql)
{
    struct whole w = sort_parts(c, p, parts, n);
    struct template_values values = values_of(c, p, false);
    BUF_AUTO list = {0};
    bool with_parent = w.partition || w.inherits.n;
    bool any = add_list(c, &w, parts, n, with_parent, "\n    ", &list);
    template_expand(sql,
                    pair_kind(c, p)->rank == PG_TABLE ? "CREATE [{persistence} ]TABLE {address}"
                                                      : "CREATE FOREIGN TABLE {address}",
                    &values);
    if (w.partition)
        buf_addf(sql, " PARTITION OF %s", object_value(pair_new_shown(c, w.partition), "of"));
    if (any)
        buf_addf(sql, " (%s\n)", list.p);
    else if (!w.partition)
        buf_addz(sql, " ()");
    if (w.partition)
        buf_addf(sql, " %s", object_value(pair_new_shown(c, w.partition), "bound"));
    add_parents(c, &w, sql);
    template_expand(sql, pair_kind(c, p)->rank == PG_FOREIGN_TABLE ? foreign_tail : table_tail, &values);
}

static void create_composite(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n,
                             struct buf *sql)
{
    struct whole w = sort_parts(c, p, parts, n);
    buf_addf(sql, "CREATE TYPE %s AS (", pair_new_shown(c, p)->address);
    bool any = add_list(c, &w, parts, n, false, "\n    ", sql);
    buf_addz(sql, any ? "\n)" : ")");
}

static void create_domain(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n, struct buf *sql)
{
    struct whole w = sort_parts(c, p, parts, n);
    struct template_values values = values_of(c, p, false);
    template_expand(sql, pair_kind(c, p)->create, &values);
    for (size_t i = 0; i < w.others.n; i++) {
        buf_addc(sql, ' ');
        add_clause(c, w.others.v[i], NULL, sql);
    }
}

void write_create_whole(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n)
{
    BUF_AUTO sql = {0};
    unsigned rank = pair_kind(c, p)->rank;
    if (rank == PG_COMPOSITE)
        create_composite(c, p, parts, n, &sql);
    else if (rank == PG_DOMAIN)
        create_domain(c, p, parts, n, &sql);
    else
        create_table(c, p, parts, n, &sql);
    add_step(c, p, VERB_CREATE, 0, &sql, NULL);
}

/* ------------------------------------------------------------------------------------------------------- a new column */

static const char *alter_table(struct comparison *c, const struct pair *column)
{
    const struct pair *table = pair_parent(c, column);
    const char *words = pair_kind(c, table)->rank == PG_FOREIGN_TABLE ? "FOREIGN TABLE" : "TABLE";
    return arena_printf(c->arena, "ALTER %s %s", words, pair_new_shown(c, table)->address);
}

static const char *hinted(struct comparison *c, const struct pair *p, enum hint_kind kind)
{
    struct hint *hint = c->options->hints ? hint_of(c->options->hints, kind, c->to->exact, pair_new(c, p)) : NULL;
    if (!hint)
        return NULL;
    hint->used = true;
    return hint->text;
}

/* A table that has rows cannot take a column that must have a value and has none to begin with. */
static bool needs_filling(const struct comparison *c, const struct pair *p, const struct pair *value)
{
    const struct object *o = pair_new(c, p);
    const struct pair *table = pair_parent(c, p);
    return object_value(o, "not_null") && !value && !object_value(o, "generated") && !object_value(o, "as_identity") &&
           !pair_comes(table) && pair_kind(c, table)->rank == PG_TABLE;
}

static void fill(struct comparison *c, const struct pair *p, const char *expression, bool only_null)
{
    const char *name = pair_new_shown(c, p)->address;
    BUF_AUTO sql = {0};
    buf_addf(&sql, "UPDATE %s SET %s = %s", pair_new_shown(c, pair_parent(c, p))->address, name, expression);
    if (only_null)
        buf_addf(&sql, " WHERE %s IS NULL", name);
    add_step(c, p, VERB_FILL, STEP_REWRITES, &sql, NULL);
}

static void ask_for_values(struct comparison *c, const struct pair *p)
{
    if (c->options->ask_backfill) {
        struct err *refusal = refuse_pair(c, p, "rows that are there have no value for this new NOT NULL column");
        err_hint(refusal,
                 "give it a DEFAULT, or write \"-- backfill: EXPRESSION\" on its line (\"-- backfill: none\" when "
                 "no table has rows)");
        return;
    }
    BUF_AUTO name = {0};
    object_describe(&name, pair_new(c, p));
    vec_push(c->arena, &c->out->notes,
             arena_printf(c->arena, "%s: it is NOT NULL and has no default, so the table must be empty", name.p));
}

static void set_not_null(struct comparison *c, const struct pair *p)
{
    const char *name = pair_new_shown(c, p)->address;
    BUF_AUTO sql = {0};
    if (c->options->online) {
        set_not_null_online(c, p);
        return;
    }
    buf_addf(&sql, "%s ALTER COLUMN %s SET NOT NULL", alter_table(c, p), name);
    add_step(c, p, VERB_ALTER, STEP_SCANS, &sql, NULL);
}

void write_add_column(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n)
{
    const struct pair *value = default_of(c, p, parts, n);
    static const char *const nullable[] = {"not_null", NULL, NULL};
    const char *expression = NULL;
    BUF_AUTO sql = {0};
    if (is_inherited(c, p))
        return;
    if (needs_filling(c, p, value)) {
        expression = hinted(c, p, HINT_BACKFILL);
        if (!expression)
            ask_for_values(c, p);
        else if (strcmp(expression, "none") == 0)
            expression = NULL;
    }
    buf_addf(&sql, "%s ADD COLUMN ", alter_table(c, p));
    add_column_clause(c, p, parts, n, expression ? nullable : NULL, &sql);
    add_step(c, p, VERB_CREATE, object_value(pair_new(c, p), "generated") ? STEP_REWRITES : 0, &sql, NULL);
    if (expression) {
        fill(c, p, expression, false);
        set_not_null(c, p);
    }
}

/* ---------------------------------------------------------------------------------------------------- changed columns */

/* Proven by a constraint that is validated under a weak lock, so that SET NOT NULL need not look itself. */
void set_not_null_online(struct comparison *c, const struct pair *p)
{
    const char *name = pair_new_shown(c, p)->address, *alter = alter_table(c, p);
    const char *check = "profile_migrate_not_null";
    BUF_AUTO add = {0}, validate = {0}, set = {0}, drop = {0};
    buf_addf(&add, "%s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", alter, check, name);
    add_step(c, p, VERB_ALTER, 0, &add, NULL);
    buf_addf(&validate, "%s VALIDATE CONSTRAINT %s", alter, check);
    add_step(c, p, VERB_ALTER, 0, &validate, NULL)->segment = SEGMENT_VALIDATE;
    buf_addf(&set, "%s ALTER COLUMN %s SET NOT NULL", alter, name);
    add_step(c, p, VERB_ALTER, 0, &set, NULL);
    buf_addf(&drop, "%s DROP CONSTRAINT %s", alter, check);
    add_step(c, p, VERB_ALTER, 0, &drop, NULL);
}

static unsigned conversion_flags(enum conversion conversion, bool rewrites, const char **note)
{
    unsigned flags = rewrites ? STEP_REWRITES : 0U;
    *note = NULL;
    if (conversion == CONVERSION_LOSES) {
        *note = "values are rounded or cut";
        flags |= STEP_DESTRUCTIVE;
    } else if (conversion == CONVERSION_EXPLICIT) {
        *note = "nothing converts its values unasked: say how by a hint \"-- using: EXPRESSION\"";
        flags |= STEP_DESTRUCTIVE;
    } else if (conversion == CONVERSION_MAY_FAIL) {
        *note = "a value that does not fit makes it fail";
    }
    return flags;
}

void write_type_change(struct comparison *c, const struct pair *p, const char *through)
{
    const struct object *new = pair_new_shown(c, p);
    const char *type = object_value(new, "type"), *collation = object_value(new, "collation"), *note;
    const char *hint = hinted(c, p, HINT_USING);
    bool rewrites;
    enum conversion conversion = type_conversion(object_value(pair_old_shown(c, p), "type"), type, &rewrites);
    BUF_AUTO sql = {0};
    if (is_inherited(c, p) && object_value(pair_old(c, p), "inherited"))
        return; /* its parent's change is its own */
    buf_addf(&sql, "%s ALTER COLUMN %s TYPE %s", alter_table(c, p), new->address, type);
    if (collation)
        buf_addf(&sql, " COLLATE %s", collation);
    if (hint)
        buf_addf(&sql, " USING %s", hint);
    else if (through)
        buf_addf(&sql, " USING %s::%s%s::%s", new->address, through, strstr(type, "[]") ? "[]" : "", type);
    else if (conversion == CONVERSION_EXPLICIT)
        buf_addf(&sql, " USING %s::%s", new->address, type);
    unsigned flags = through || hint ? STEP_REWRITES : conversion_flags(conversion, rewrites, &note);
    add_step(c, p, VERB_ALTER, flags, &sql, through || hint ? NULL : note);
}

/* Each option of the sequence with a SET of its own: "INCREMENT BY 1 MINVALUE 1 … NO CYCLE". */
static void add_sequence_options(struct buf *sql, const char *definition)
{
    static const char *const words[] = {"INCREMENT BY ", "MINVALUE ", "MAXVALUE ", "START WITH ", "CACHE "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *at = strstr(definition, words[i]);
        if (at)
            buf_addf(sql, " SET %s%.*s", words[i], (int)strspn(at + strlen(words[i]), "-0123456789"),
                     at + strlen(words[i]));
    }
    buf_addz(sql, strstr(definition, "NO CYCLE") ? " SET NO CYCLE" : " SET CYCLE");
}

static void write_identity(struct comparison *c, const struct pair *p)
{
    const struct object *old = pair_old_shown(c, p), *new = pair_new_shown(c, p);
    const char *had = object_value(old, "as_identity"), *has = object_value(new, "as_identity");
    const char *options = object_value(new, "identity_options"), *definition = object_value(new, "identity_definition");
    BUF_AUTO sql = {0};
    buf_addf(&sql, "%s ALTER COLUMN %s", alter_table(c, p), new->address);
    if (!has) {
        buf_addz(&sql, " DROP IDENTITY");
    } else if (!had) {
        buf_addf(&sql, " ADD GENERATED %s AS IDENTITY", has);
        if (options)
            buf_addf(&sql, " (%s)", options);
    } else {
        if (strcmp(had, has) != 0)
            buf_addf(&sql, " SET GENERATED %s", has);
        if (!is_same_text(object_value(old, "identity_definition"), definition))
            add_sequence_options(&sql, definition);
    }
    add_step(c, p, VERB_ALTER, 0, &sql, NULL);
}

static void write_nullness(struct comparison *c, const struct pair *p)
{
    const char *expression;
    BUF_AUTO sql = {0};
    if (!object_value(pair_new(c, p), "not_null")) {
        buf_addf(&sql, "%s ALTER COLUMN %s DROP NOT NULL", alter_table(c, p), pair_new_shown(c, p)->address);
        add_step(c, p, VERB_ALTER, 0, &sql, NULL);
        return;
    }
    expression = hinted(c, p, HINT_BACKFILL);
    if (expression && strcmp(expression, "none") != 0)
        fill(c, p, expression, true);
    set_not_null(c, p);
}

void write_column_change(struct comparison *c, const struct pair *p, const struct attribute *a)
{
    const struct object *old = pair_old(c, p), *new = pair_new(c, p);
    BUF_AUTO sql = {0};
    if (strcmp(a->name, "type") == 0) {
        write_type_change(c, p, NULL);
    } else if (strcmp(a->name, "collation") == 0) {
        if (is_same_text(object_value(old, "type"), object_value(new, "type")))
            write_type_change(c, p, NULL);
    } else if (strcmp(a->name, "as_identity") == 0) {
        write_identity(c, p);
    } else if (strcmp(a->name, "identity_definition") == 0) {
        if (is_same_text(object_value(old, "as_identity"), object_value(new, "as_identity")))
            write_identity(c, p);
    } else if (strcmp(a->name, "not_null") == 0) {
        write_nullness(c, p);
    } else if (strcmp(a->name, "generated") == 0) {
        buf_addf(&sql, "%s ALTER COLUMN %s DROP EXPRESSION", alter_table(c, p), new->address);
        add_step(c, p, VERB_ALTER, 0, &sql, NULL);
    } else {
        write_list_change(c, p, a);
    }
}
