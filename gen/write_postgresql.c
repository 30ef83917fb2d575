/* The statements of each action: what the kinds' templates give, and the few things that take more than a template. */
#include <string.h>

#include "gen/changes_postgresql.h"
#include "gen/hints.h"

/* --------------------------------------------------------------------------------------------------------------- steps */

struct template_values values_of(const struct comparison *c, const struct pair *p, bool of_old)
{
    struct template_values v = {.catalog = of_old ? c->from->shown : c->to->shown,
                                .object = of_old ? pair_old_shown(c, p) : pair_new_shown(c, p),
                                .old_catalog = c->from->shown,
                                .old_object = pair_old_shown(c, p)};
    return v;
}

struct change_step *add_step(struct comparison *c, const struct pair *p, enum verb verb, unsigned flags,
                             const struct buf *sql, const char *note)
{
    const struct object *o = p->to != OBJECT_NONE ? pair_new(c, p) : pair_old(c, p);
    const struct object *shown = p->to != OBJECT_NONE ? pair_new_shown(c, p) : pair_old_shown(c, p);
    const struct catalog *catalog = p->to != OBJECT_NONE ? c->to->shown : c->from->shown;
    const char *name = shown->address;
    if (shown->parent != OBJECT_NONE)
        name = arena_printf(c->arena, "%s.%s", catalog->objects.v[shown->parent].address, shown->address);
    vec_push(c->arena, &c->out->steps,
             (struct change_step){.sql = arena_str(c->arena, buf_str(sql)),
                                  .flags = flags,
                                  .verb = verb,
                                  .kind = o->kind,
                                  .object = name,
                                  .identity = o->identity,
                                  .note = note});
    return &c->out->steps.v[c->out->steps.n - 1];
}

static bool expand(struct comparison *c, const struct pair *p, const char *text, const struct template_values *values,
                   struct buf *sql)
{
    if (text && template_expand(sql, text, values))
        return true;
    refuse_pair(c, p, "this change cannot be written");
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- attributes */

/* Loses what protected rows: worth a word of its own. */
static bool weakens(const struct comparison *c, const struct pair *p, const struct attribute *a, const char *value)
{
    const char *old = p->from == OBJECT_NONE ? NULL : object_value(pair_old(c, p), a->name);
    return a->flags & ATTRIBUTE_WEAKENS && p->from != OBJECT_NONE && old && !is_same_text(old, value);
}

static void write_attribute(struct comparison *c, const struct pair *p, const struct attribute *a, const char *value)
{
    BUF_AUTO sql = {0};
    const char *extra[] = {a->name, value, NULL};
    struct template_values values = values_of(c, p, false);
    values.extra = extra;
    if (!expand(c, p, !value && a->reset ? a->reset : a->set, &values, &sql))
        return;
    bool weak = weakens(c, p, a, value);
    add_step(c, p, VERB_ALTER, weak ? STEP_WEAKENS : 0, &sql, weak ? "less is protected than before" : NULL);
}

/*
 * What an attribute outside of the CREATE is to be. One that the policy does not count is kept through a replacement, and
 * left to itself otherwise.
 */
static bool value_to_set(const struct comparison *c, const struct pair *p, size_t i, const char **value)
{
    const struct attribute *a = &pair_kind(c, p)->attributes[i];
    const struct object *old = pair_old_shown(c, p), *new = pair_new_shown(c, p);
    bool counts = policy_counts(&c->options->policy, a);
    if (!counts && (p->verdict != PAIR_REPLACED || a->change == CHANGE_HIDDEN))
        return false;
    *value = counts ? new->values[i] : old->values[i];
    if (*value && a->flags & ATTRIBUTE_OWNER)
        return strcmp(*value, counts ? c->to->exact->role : c->from->exact->role) != 0;
    return *value != NULL;
}

void write_after(struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    for (size_t i = 0; i < kind->n_attributes; i++) {
        const struct attribute *a = &kind->attributes[i];
        const char *value = NULL;
        if (!(a->flags & ATTRIBUTE_AFTER))
            continue;
        if (a->flags & ATTRIBUTE_GRANTS)
            write_grants(c, p);
        else if (a->change == CHANGE_OWN)
            write_list_change(c, p, a);
        else if (value_to_set(c, p, i, &value))
            write_attribute(c, p, a, value);
    }
}

/* ---------------------------------------------------------------------------------------------------------------- drop */

/* Whether a pair's values come back by themselves when it is made anew. */
static bool is_derived(const struct comparison *c, const struct pair *p)
{
    unsigned rank = pair_kind(c, p)->rank;
    return rank == PG_MATERIALIZED_VIEW || (rank == PG_COLUMN && object_value(pair_old(c, p), "generated"));
}

static unsigned drop_flags(const struct comparison *c, const struct pair *p, const char **note)
{
    const struct kind *kind = pair_kind(c, p);
    bool replaced = p->verdict == PAIR_REPLACED;
    if (kind->flags & KIND_SECURITY && !replaced) {
        *note = "less is protected than before";
        return STEP_WEAKENS;
    }
    if (kind->flags & KIND_DATA && !(replaced && is_derived(c, p))) {
        *note = replaced ? "it is made anew, without what it holds" : "what it holds is gone";
        return STEP_DESTRUCTIVE;
    }
    if (kind->flags & (KIND_DESTROYS | KIND_KEPT) && !replaced) {
        *note = "it is gone for everything that uses it";
        return STEP_DESTRUCTIVE;
    }
    return 0;
}

/* An index of a table that stays, and is not divided. */
static bool is_dropped_online(const struct comparison *c, const struct pair *p)
{
    const struct pair *table = pair_parent(c, p);
    return c->options->online && pair_kind(c, p)->rank == PG_INDEX && table && !pair_goes(table) &&
           pair_kind(c, table)->rank == PG_TABLE && !object_value(pair_old(c, table), "partition_by");
}

static void write_drop(struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    BUF_AUTO sql = {0};
    const char *note = NULL;
    struct template_values values = values_of(c, p, true);
    if (kind->flags & KIND_FOLLOWS || (kind->rank == PG_COLUMN && object_value(pair_old(c, p), "inherited")))
        return;
    if (!expand(c, p, kind->drop ? kind->drop : "DROP {words} {address}", &values, &sql))
        return;
    unsigned flags = drop_flags(c, p, &note);
    const struct object *shown = pair_old_shown(c, p);
    bool online = is_dropped_online(c, p);
    if (online) {
        buf_reset(&sql);
        buf_addf(&sql, "DROP INDEX CONCURRENTLY %s", shown->address);
    }
    struct change_step *step = add_step(c, p, VERB_DROP, flags, &sql, note);
    step->segment = online ? SEGMENT_NO_BLOCK : SEGMENT_PLAIN;
    step->object = shown->parent == OBJECT_NONE
                       ? shown->address
                       : arena_printf(c->arena, "%s.%s", c->from->shown->objects.v[shown->parent].address,
                                      shown->address);
}

/* ---------------------------------------------------------------------------------------------------------------- make */

/* A table that is there already has rows, which are looked at. */
static unsigned make_flags(const struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    const struct pair *parent = pair_parent(c, p);
    bool looks = kind->rank == PG_CONSTRAINT || kind->rank == PG_FOREIGN_KEY || kind->rank == PG_INDEX;
    return (looks && parent && !pair_comes(parent) ? STEP_SCANS : 0U) |
           (kind->flags & KIND_ROUTINE ? STEP_ROUTINE : 0U);
}

static bool online_make(struct comparison *c, const struct pair *p, struct buf *sql);

static void write_make(struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    struct template_values values = values_of(c, p, false);
    BUF_AUTO sql = {0};
    if (!(kind->flags & KIND_FOLLOWS)) {
        if (!expand(c, p, kind->create, &values, &sql))
            return;
        const char *secret = template_word(&values, STR("option_list"));
        if (secret && (strstr(secret, " ?") || strcmp(secret, "?") == 0))
            refuse_pair(c, p, "one of its options holds a secret, which is never read");
        if (!(c->options->online && online_make(c, p, &sql)))
            add_step(c, p, VERB_CREATE, make_flags(c, p), &sql, NULL);
    }
    write_after(c, p);
}

/* -------------------------------------------------------------------------------------------------------------- online */

static struct change_step *add_segment(struct comparison *c, const struct pair *p, enum verb verb, unsigned flags,
                                       enum segment segment, const struct buf *sql)
{
    struct change_step *step = add_step(c, p, verb, flags, sql, NULL);
    step->segment = segment;
    return step;
}

/* "CREATE [UNIQUE] INDEX name …" with CONCURRENTLY behind INDEX. */
static void index_concurrently(struct comparison *c, const struct pair *p, const struct buf *sql)
{
    BUF_AUTO text = {0};
    const char *at = strstr(sql->p, "INDEX ") + strlen("INDEX ");
    buf_adds(&text, (struct str){sql->p, (size_t)(at - sql->p)});
    buf_addf(&text, "CONCURRENTLY %s", at);
    add_segment(c, p, VERB_CREATE, 0, SEGMENT_NO_BLOCK, &text);
}

static void constraint_in_two(struct comparison *c, const struct pair *p, struct buf *sql)
{
    const char *name = pair_new_shown(c, p)->address;
    struct template_values values = values_of(c, p, false);
    BUF_AUTO validate = {0};
    buf_addz(sql, " NOT VALID");
    add_step(c, p, VERB_CREATE, 0, sql, NULL);
    buf_addf(&validate, "ALTER TABLE %s VALIDATE CONSTRAINT %s", template_word(&values, STR("parent")), name);
    add_segment(c, p, VERB_ALTER, 0, SEGMENT_VALIDATE, &validate);
}

/* UNIQUE and PRIMARY KEY: the index first, and the constraint takes it over. */
static bool key_by_index(struct comparison *c, const struct pair *p)
{
    const struct object *o = pair_new_shown(c, p);
    struct template_values values = values_of(c, p, false);
    const char *definition = object_value(o, "definition"), *open = strchr(definition, '(');
    bool primary = strncmp(definition, "PRIMARY KEY", 11) == 0;
    const char *behind = open ? strchr(open, ')') : NULL;
    BUF_AUTO index = {0}, constraint = {0};
    /* What else a definition may say (DEFERRABLE, options, NULLS NOT DISTINCT) goes with the constraint as it stands. */
    if (!open || !behind || behind[1] || (!primary && strncmp(definition, "UNIQUE (", 8) != 0))
        return false;
    buf_addf(&index, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %s", o->address, template_word(&values, STR("parent")),
             open);
    add_segment(c, p, VERB_CREATE, 0, SEGMENT_NO_BLOCK, &index);
    buf_addf(&constraint, "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s", template_word(&values, STR("parent")),
             o->address, primary ? "PRIMARY KEY" : "UNIQUE", o->address);
    add_step(c, p, VERB_CREATE, 0, &constraint, NULL);
    return true;
}

static bool online_make(struct comparison *c, const struct pair *p, struct buf *sql)
{
    const struct pair *parent = pair_parent(c, p);
    const struct object *o = pair_new(c, p);
    if (!parent || pair_comes(parent) || pair_kind(c, parent)->rank != PG_TABLE ||
        object_value(pair_new(c, parent), "partition_by"))
        return false;
    if (o->kind->rank == PG_INDEX) {
        index_concurrently(c, p, sql);
        return true;
    }
    const char *definition = kind_attribute(o->kind, "definition") < o->kind->n_attributes
                                 ? object_value(o, "definition")
                                 : NULL;
    bool check = o->kind->rank == PG_CONSTRAINT && definition && strncmp(definition, "CHECK", 5) == 0;
    if (o->kind->rank == PG_FOREIGN_KEY || check) {
        if (object_value(o, "not_valid"))
            return false;
        constraint_in_two(c, p, sql);
        return true;
    }
    return o->kind->rank == PG_CONSTRAINT && definition && key_by_index(c, p);
}

/* --------------------------------------------------------------------------------------------------------------- enums */

static bool has_label(const char *labels, struct str wanted)
{
    struct str rest = str_from(labels), label;
    while (str_next(&rest, '\n', &label))
        if (str_eq(label, wanted))
            return true;
    return false;
}

/* The first of the labels behind that are there already: {0} when a new one comes last. */
static struct str next_old_label(const char *old, struct str behind)
{
    struct str label;
    while (str_next(&behind, '\n', &label))
        if (has_label(old, label))
            return label;
    return (struct str){0};
}

/* Each new label behind the one before it; one that comes first, in front of the first old one. */
static void write_labels(struct comparison *c, const struct pair *p)
{
    const char *old = object_value(pair_old(c, p), "labels"), *new = object_value(pair_new(c, p), "labels");
    struct str rest = str_from(new), label, previous = {0};
    for (; str_next(&rest, '\n', &label); previous = label) {
        struct str next = next_old_label(old, rest);
        BUF_AUTO sql = {0};
        if (has_label(old, label))
            continue;
        buf_addf(&sql, "ALTER TYPE %s ADD VALUE %.*s", pair_new_shown(c, p)->address, STR_ARG(label));
        if (next.p && previous.p)
            buf_addf(&sql, " AFTER %.*s", STR_ARG(previous));
        else if (next.p)
            buf_addf(&sql, " BEFORE %.*s", STR_ARG(next));
        add_segment(c, p, VERB_ALTER, 0, SEGMENT_ENUM, &sql);
    }
}

/* ------------------------------------------------------------------------------------------------------ types in use */

/* The columns of a type, in the order of the catalog. */
static void move_columns(struct comparison *c, const struct pair *type, const char *through)
{
    for (size_t i = c->from_needed.start[type->from]; i < c->from_needed.start[type->from + 1]; i++) {
        const struct pair *column = pair_of_old(c, c->from->exact->edges.v[c->from_needed.edge[i]].from);
        if (column->moves_values && !pair_goes(column))
            write_type_change(c, column, through);
    }
}

/* A name that nobody has, for a type that is about to go: the last of its identity, shortened. */
static const char *spare_name(struct comparison *c, const char *last)
{
    struct str bare = str_from(last);
    if (bare.n && bare.p[0] == '"')
        bare = str_slice(bare, 1, bare.n - 1);
    size_t n = bare.n < 40 ? bare.n : 40;
    while (n && ((unsigned char)bare.p[n] & 0xC0) == 0x80)
        n--;
    while (n && bare.p[n - 1] == '"')
        n--;
    return arena_printf(c->arena, "\"%.*s (before)\"", (int)n, bare.p);
}

static const char *last_name(const char *identity)
{
    const char *last = identity;
    bool quoted = false;
    for (const char *p = identity; *p; p++) {
        quoted = quoted != (*p == '"');
        if (*p == '.' && !quoted)
            last = p + 1;
    }
    return last;
}

/* A type that is made under its name while the old one steps aside, until no column has it any more. */
static void write_retyped(struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    const char *address = pair_old_shown(c, p)->address, *last = last_name(address), *spare = spare_name(c, last);
    bool goes = kind->rank == PG_ENUM &&
                !labels_only_grow(object_value(pair_old(c, p), "labels"), object_value(pair_new(c, p), "labels"));
    const char *lost = goes ? "a row that has a value which goes makes it fail" : NULL;
    struct template_values values = values_of(c, p, false);
    BUF_AUTO aside = {0}, make = {0}, drop = {0};
    buf_addf(&aside, "ALTER %s %s RENAME TO %s", kind->words, address, spare);
    add_step(c, p, VERB_ALTER, 0, &aside, NULL);
    if (kind->rank == PG_DOMAIN)
        write_create_whole(c, p, NULL, 0);
    else if (expand(c, p, kind->create, &values, &make))
        add_step(c, p, VERB_CREATE, 0, &make, NULL);
    move_columns(c, p, kind->rank == PG_ENUM ? "text" : NULL);
    buf_addf(&drop, "DROP %s %.*s%s", kind->words, (int)(last - address), address, spare);
    add_step(c, p, VERB_DROP, lost ? STEP_DESTRUCTIVE : 0, &drop, lost);
    write_after(c, p);
}

/* --------------------------------------------------------------------------------------------------------------- alter */

static void write_recreated(struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    struct template_values values = values_of(c, p, false);
    BUF_AUTO sql = {0};
    if (expand(c, p, kind->replace, &values, &sql))
        add_step(c, p, VERB_ALTER, kind->flags & KIND_ROUTINE ? STEP_ROUTINE : 0, &sql, NULL);
}

static void write_own(struct comparison *c, const struct pair *p, const struct attribute *a)
{
    unsigned rank = pair_kind(c, p)->rank;
    if (a->flags & ATTRIBUTE_GRANTS)
        write_grants(c, p);
    else if (rank == PG_COLUMN)
        write_column_change(c, p, a);
    else if (is_validity(a) || rank == PG_POLICY)
        write_attribute(c, p, a, pair_new_shown(c, p)->values[a - pair_kind(c, p)->attributes]);
    else if (rank == PG_ENUM)
        write_labels(c, p);
    else
        write_list_change(c, p, a);
}

static bool is_recreated_by(const struct kind *kind, const struct attribute *a)
{
    return a->change == CHANGE_RECREATE ||
           (a->change == CHANGE_OWN && kind->rank == PG_FUNCTION && !(a->flags & ATTRIBUTE_GRANTS));
}

/* A sequence that a column owns has its table's owner: it goes along with that, and is refused one of its own. */
static bool follows_table(const struct comparison *c, const struct pair *p, const struct attribute *a)
{
    return a->flags & ATTRIBUTE_OWNER && pair_kind(c, p)->rank == PG_SEQUENCE &&
           object_value(pair_old(c, p), "owned_by") && object_value(pair_new(c, p), "owned_by");
}

static void write_alter(struct comparison *c, const struct pair *p)
{
    const struct kind *kind = pair_kind(c, p);
    bool recreated = false;
    if (p->retyped) {
        write_retyped(c, p);
        return;
    }
    for (size_t i = 0; i < kind->n_attributes; i++) {
        const struct attribute *a = &kind->attributes[i];
        const struct object *old = pair_old(c, p), *new = pair_new(c, p);
        if (a->change == CHANGE_HIDDEN || !policy_counts(&c->options->policy, a) ||
            is_same_text(old->values[i], new->values[i]) || follows_table(c, p, a))
            continue;
        if (is_recreated_by(kind, a)) {
            if (!recreated)
                write_recreated(c, p);
            recreated = true;
        } else if (a->change == CHANGE_SET) {
            write_attribute(c, p, a, pair_new_shown(c, p)->values[i]);
        } else if (a->change == CHANGE_OWN) {
            write_own(c, p, a);
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------- actions */

/* Parts that have no words of their own, but a comment or grants. */
static void write_parts_after(struct comparison *c, const uint32_t *parts, size_t n, uint32_t whole)
{
    for (size_t i = 0; i < n; i++) {
        const struct action_of *part = &c->owner_of_action.v[parts[i]];
        if (parts[i] != whole && part->what == ACTION_MAKE)
            write_after(c, &c->pairs.v[part->pair]);
    }
}

void write_action(struct comparison *c, uint32_t whole, const uint32_t *parts, size_t n)
{
    const struct action_of *action = &c->owner_of_action.v[whole];
    const struct pair *p = &c->pairs.v[action->pair];
    unsigned rank = pair_kind(c, p)->rank;
    if (rank == PG_DEFAULT_PRIVILEGES) {
        write_default_privileges(c, p);
        return;
    }
    if (action->what == ACTION_DROP) {
        write_drop(c, p);
        return;
    }
    if (action->what == ACTION_ALTER) {
        write_alter(c, p);
    } else if (rank == PG_TABLE || rank == PG_FOREIGN_TABLE || rank == PG_COMPOSITE || rank == PG_DOMAIN) {
        write_create_whole(c, p, parts, n);
        write_after(c, p);
    } else if (rank == PG_COLUMN) {
        write_add_column(c, p, parts, n);
        write_after(c, p);
    } else {
        write_make(c, p);
    }
    write_parts_after(c, parts, n, whole);
}
