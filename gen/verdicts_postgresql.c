/* Attributes that no row of a table can decide: what may change in place, and what must be made anew. Pure. */
#include <stdlib.h>
#include <string.h>

#include "gen/changes_postgresql.h"

/* ------------------------------------------------------------------------------------------------------------- labels */

bool labels_only_grow(const char *old, const char *new)
{
    struct str want = str_from(old), have = str_from(new), label, found;
    while (str_next(&want, '\n', &label)) {
        bool there = false;
        while (!there && str_next(&have, '\n', &found))
            there = str_eq(label, found);
        if (!there)
            return false;
    }
    return true;
}

/* -------------------------------------------------------------------------------------------------------------- types */

/* "numeric(10,2)[]": a name, up to two numbers, dimensions. */
struct type {
    struct str name; /* with what follows the numbers left out: "timestamp without time zone" */
    int numbers[2];  /* -1: not said */
    unsigned dimensions;
    char buffer[160];
};

static void read_type(const char *text, struct type *t)
{
    size_t n = 0;
    *t = (struct type){.numbers = {-1, -1}};
    for (const char *p = text; *p; p++) {
        if (*p == '(') {
            char *end;
            t->numbers[0] = (int)strtol(p + 1, &end, 10);
            if (*end == ',')
                t->numbers[1] = (int)strtol(end + 1, &end, 10);
            p = *end == ')' ? end : p + strlen(p) - 1;
        } else if (*p == '[' && p[1] == ']') {
            t->dimensions++;
            p++;
        } else if (n < sizeof t->buffer - 1) {
            t->buffer[n++] = *p;
        }
    }
    t->name = (struct str){t->buffer, n};
}

enum family { FAMILY_OTHER, FAMILY_STRING, FAMILY_INTEGER, FAMILY_NUMERIC, FAMILY_FLOAT, FAMILY_TIME, FAMILY_JSON };

/* `width`: of two types of one family, the wider one takes every value of the other. */
static const struct known_type {
    const char *name;
    enum family family;
    int width;
} known_types[] = {
    {"text", FAMILY_STRING, 3},
    {"character varying", FAMILY_STRING, 2},
    {"character", FAMILY_STRING, 1},
    {"smallint", FAMILY_INTEGER, 1},
    {"integer", FAMILY_INTEGER, 2},
    {"bigint", FAMILY_INTEGER, 3},
    {"numeric", FAMILY_NUMERIC, 4},
    {"real", FAMILY_FLOAT, 5},
    {"double precision", FAMILY_FLOAT, 6},
    {"date", FAMILY_TIME, 1},
    {"timestamp without time zone", FAMILY_TIME, 2},
    {"timestamp with time zone", FAMILY_TIME, 2},
    {"json", FAMILY_JSON, 2},
    {"jsonb", FAMILY_JSON, 2},
};

static struct known_type know(const struct type *t)
{
    for (size_t i = 0; i < sizeof known_types / sizeof *known_types; i++)
        if (str_is(t->name, known_types[i].name))
            return known_types[i];
    return (struct known_type){.family = FAMILY_OTHER};
}

static bool is_number(enum family f)
{
    return f == FAMILY_INTEGER || f == FAMILY_NUMERIC || f == FAMILY_FLOAT;
}

static enum conversion of_strings(const struct type *old, const struct type *new, bool *rewrites)
{
    bool fixed = str_is(old->name, "character") || str_is(new->name, "character");
    int most = new->numbers[0];
    *rewrites = fixed || (most >= 0 && (old->numbers[0] < 0 || old->numbers[0] > most));
    return most >= 0 && (old->numbers[0] < 0 || old->numbers[0] > most) ? CONVERSION_MAY_FAIL : CONVERSION_ASSIGNED;
}

static enum conversion of_numerics(const struct type *old, const struct type *new, bool *rewrites)
{
    int old_scale = old->numbers[1] < 0 ? 0 : old->numbers[1], scale = new->numbers[1] < 0 ? 0 : new->numbers[1];
    if (new->numbers[0] < 0)
        return CONVERSION_ASSIGNED;
    *rewrites = old->numbers[0] < 0 || old_scale != scale || old->numbers[0] > new->numbers[0];
    if (old->numbers[0] < 0 || old_scale > scale)
        return CONVERSION_LOSES;
    return old->numbers[0] - old_scale > new->numbers[0] - scale ? CONVERSION_MAY_FAIL : CONVERSION_ASSIGNED;
}

static enum conversion of_numbers(const struct known_type *x, const struct known_type *y, const struct type *new)
{
    if (x->family == FAMILY_INTEGER && y->family == FAMILY_INTEGER)
        return x->width <= y->width ? CONVERSION_ASSIGNED : CONVERSION_MAY_FAIL;
    if (x->family == FAMILY_INTEGER && y->family == FAMILY_NUMERIC)
        return new->numbers[0] < 0 ? CONVERSION_ASSIGNED : CONVERSION_MAY_FAIL;
    return x->family == FAMILY_FLOAT && y->family == FAMILY_FLOAT && x->width <= y->width ? CONVERSION_ASSIGNED
                                                                                          : CONVERSION_LOSES;
}

static enum conversion of_times(const struct known_type *x, const struct known_type *y, const struct type *old,
                                const struct type *new)
{
    int most = new->numbers[0] < 0 ? 6 : new->numbers[0], had = old->numbers[0] < 0 ? 6 : old->numbers[0];
    if (x->width > y->width)
        return CONVERSION_LOSES;
    return x->width == y->width && had > most ? CONVERSION_LOSES : CONVERSION_ASSIGNED;
}

enum conversion type_conversion(const char *old_text, const char *new_text, bool *rewrites)
{
    struct type old, new;
    read_type(old_text, &old);
    read_type(new_text, &new);
    struct known_type x = know(&old), y = know(&new);
    *rewrites = true;
    if (old.dimensions != new.dimensions)
        return y.family == FAMILY_STRING && !new.dimensions ? CONVERSION_ASSIGNED : CONVERSION_EXPLICIT;
    if (x.family == FAMILY_STRING && y.family == FAMILY_STRING)
        return of_strings(&old, &new, rewrites);
    if (y.family == FAMILY_STRING)
        return new.numbers[0] < 0 ? CONVERSION_ASSIGNED : CONVERSION_MAY_FAIL;
    if (x.family == FAMILY_NUMERIC && y.family == FAMILY_NUMERIC) {
        *rewrites = false;
        return of_numerics(&old, &new, rewrites);
    }
    if (is_number(x.family) && is_number(y.family))
        return of_numbers(&x, &y, &new);
    if (x.family == FAMILY_TIME && y.family == FAMILY_TIME)
        return of_times(&x, &y, &old, &new);
    if (x.family == FAMILY_JSON && y.family == FAMILY_JSON)
        return CONVERSION_ASSIGNED;
    return str_eq(old.name, new.name) ? CONVERSION_ASSIGNED : CONVERSION_EXPLICIT;
}

/* ----------------------------------------------------------------------------------------------------- by their kinds */

/* CREATE OR REPLACE VIEW takes columns that are added at the end, and none that goes, moves or changes. */
static bool is_prefix(const char *old, const char *new)
{
    size_t n = old ? strlen(old) : 0;
    return !n || (new &&strncmp(old, new, n) == 0 && (new[n] == '\0' || new[n] == '\n'));
}

enum pair_verdict recreate_verdict(const struct comparison *c, const struct pair *p)
{
    if (pair_kind(c, p)->rank != PG_VIEW)
        return PAIR_ALTERED;
    const char *old = object_value(pair_old(c, p), "columns"), *new = object_value(pair_new(c, p), "columns");
    return is_prefix(old, new) ? PAIR_ALTERED : PAIR_REPLACED;
}

/* The next of a function's arguments, "b text DEFAULT 'x,y'::text", cut where its default begins. */
static bool next_argument(struct str *rest, struct str *argument, bool *has_default)
{
    int depth = 0;
    char quote = 0;
    size_t i = 0, end;
    if (!rest->n)
        return false;
    for (; i < rest->n; i++) {
        char ch = rest->p[i];
        if (quote)
            quote = ch == quote ? 0 : quote;
        else if (ch == '\'' || ch == '"')
            quote = ch;
        else if (ch == '(' || ch == '[')
            depth++;
        else if (ch == ')' || ch == ']')
            depth--;
        else if (ch == ',' && !depth)
            break;
    }
    *argument = str_slice(*rest, 0, i);
    *rest = str_slice(*rest, i + 1 < rest->n ? i + 2 : rest->n, rest->n);
    for (end = 0; end < argument->n && !str_starts(str_slice(*argument, end, argument->n), STR(" DEFAULT ")); end++)
        ;
    *has_default = end < argument->n;
    *argument = str_slice(*argument, 0, end);
    return true;
}

/* CREATE OR REPLACE FUNCTION neither renames an argument nor takes a default away. */
static enum pair_verdict arguments_verdict(const struct object *old, const struct object *new)
{
    const char *old_text = object_value(old, "arguments"), *new_text = object_value(new, "arguments");
    struct str had = str_from(old_text ? old_text : ""), has = str_from(new_text ? new_text : ""), a, b;
    bool a_default, b_default;
    while (next_argument(&had, &a, &a_default))
        if (!next_argument(&has, &b, &b_default) || !str_eq(a, b) || (a_default && !b_default))
            return PAIR_REPLACED;
    /* What is behind those that callers give is a part of the result. */
    return has.n ? PAIR_REPLACED : PAIR_ALTERED;
}

/* A generated column cannot get another expression, nor a plain one any. */
static enum pair_verdict generated_verdict(const char *new)
{
    return new ? PAIR_REPLACED : PAIR_ALTERED;
}

static enum pair_verdict column_verdict(const struct comparison *c, struct pair *p, const struct attribute *attribute)
{
    const struct object *new = pair_new(c, p);
    if (strcmp(attribute->name, "generated") == 0)
        return generated_verdict(object_value(new, "generated"));
    /* Its values are computed anew anyway. */
    if (attribute->flags & ATTRIBUTE_BLOCKED && object_value(new, "generated"))
        return PAIR_REPLACED;
    return PAIR_ALTERED;
}

bool is_validity(const struct attribute *attribute)
{
    return strcmp(attribute->name, "not_valid") == 0;
}

enum pair_verdict own_verdict(struct comparison *c, struct pair *p, const struct attribute *attribute)
{
    /* A constraint can be validated; nothing makes one NOT VALID again. */
    if (is_validity(attribute))
        return object_value(pair_new(c, p), attribute->name) ? PAIR_REPLACED : PAIR_ALTERED;
    switch (pair_kind(c, p)->rank) {
    case PG_COLUMN:
        return column_verdict(c, p, attribute);
    case PG_ENUM:
        if (strcmp(attribute->name, "labels") == 0)
            p->retyped = c->options->at_once || !labels_only_grow(object_value(pair_old(c, p), "labels"),
                                                                  object_value(pair_new(c, p), "labels"));
        return PAIR_ALTERED;
    case PG_POLICY: /* an expression can be changed, and not be taken away */
        return object_value(pair_new(c, p), attribute->name) ? PAIR_ALTERED : PAIR_REPLACED;
    case PG_FUNCTION:
        return strcmp(attribute->name, "arguments") == 0 ? arguments_verdict(pair_old(c, p), pair_new(c, p))
                                                         : PAIR_ALTERED;
    default:
        return PAIR_ALTERED;
    }
}
