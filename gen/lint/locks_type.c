/*
 * ALTER COLUMN … TYPE: whether the bytes of the old type are those of the new one, so that PostgreSQL leaves the table as it
 * is. Each row of the table here was tried on PostgreSQL 15 with relfilenode and seq_scan before and after.
 */
#include <string.h>

#include "gen/lint/locks.h"
#include "schema/tokens.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The worst of the steps of a USING counts, so they are in this order. */
enum cost {
    COST_NONE,    /* the catalog alone */
    COST_ZONE,    /* none while TimeZone is UTC, else a rewrite */
    COST_UNKNOWN, /* one of the types is not known */
    COST_REWRITE,
};

/* ---- modifiers: may the new ones hold every value of the old ones? ---- */

static bool fits_length(const struct chain_type *from, const struct chain_type *to)
{
    return !to->n_modifiers || (from->n_modifiers && to->modifiers[0] >= from->modifiers[0]);
}

static bool fits_none(const struct chain_type *from, const struct chain_type *to)
{
    (void)from;
    return !to->n_modifiers;
}

static bool fits_numeric(const struct chain_type *from, const struct chain_type *to)
{
    return !to->n_modifiers ||
           (from->n_modifiers == 2 && to->modifiers[0] >= from->modifiers[0] && to->modifiers[1] == from->modifiers[1]);
}

/* No precision is the most there is: 6. */
static bool fits_precision(const struct chain_type *from, const struct chain_type *to)
{
    int32_t old = from->n_modifiers ? from->modifiers[0] : 6, new = to->n_modifiers ? to->modifiers[0] : 6;
    return new >= 6 || new >= old;
}

/* The finest field that an interval keeps, seconds being 0. */
static int finest(const struct chain_type *t)
{
    static const int32_t fields[] = {4096, 2048, 1024, 8, 2, 4};
    for (size_t i = 0; t->n_modifiers && i < COUNT(fields); i++)
        if (t->modifiers[0] & fields[i])
            return (int)i;
    return 0;
}

static bool fits_interval(const struct chain_type *from, const struct chain_type *to)
{
    int32_t old = from->n_modifiers == 2 ? from->modifiers[1] : 6, new = to->n_modifiers == 2 ? to->modifiers[1] : 6;
    return finest(to) <= finest(from) && (finest(from) > 0 || new >= 6 || new >= old);
}

/* ---- pairs of types that share their bytes ---- */

static const struct pair {
    const char *from, *to;
    bool (*fits)(const struct chain_type *from, const struct chain_type *to);
} pairs[] = {
    {"varchar", "varchar", fits_length},
    {"varbit", "varbit", fits_length},
    {"bpchar", "bpchar", fits_none},
    {"bit", "bit", fits_none},
    {"numeric", "numeric", fits_numeric},
    {"time", "time", fits_precision},
    {"timetz", "timetz", fits_precision},
    {"timestamp", "timestamp", fits_precision},
    {"timestamptz", "timestamptz", fits_precision},
    {"interval", "interval", fits_interval},
    {"varchar", "text", fits_none},
    {"text", "varchar", fits_none},
    {"text", "bpchar", fits_none},
    {"varchar", "bpchar", fits_none},
    {"xml", "text", fits_none},
    {"xml", "varchar", fits_none},
    {"cidr", "inet", fits_none},
    {"bit", "varbit", fits_none},
};

/* Object ids, whatever they are called, are four bytes. */
static bool is_oid(const char *name)
{
    return strcmp(name, "int4") == 0 || strcmp(name, "oid") == 0 || strcmp(name, "regclass") == 0 ||
           strcmp(name, "regtype") == 0 || strcmp(name, "regproc") == 0 || strcmp(name, "regnamespace") == 0 ||
           strcmp(name, "regrole") == 0;
}

static bool is_zoned(const char *from, const char *to)
{
    return (strcmp(from, "timestamp") == 0 && strcmp(to, "timestamptz") == 0) ||
           (strcmp(from, "timestamptz") == 0 && strcmp(to, "timestamp") == 0);
}

/* PostgreSQL's own types, of which the pairs above are all that is free. */
static const char *const known[] = {
    "int2",      "int4",        "int8",      "float4",       "float8",   "numeric",   "bool",      "text",
    "varchar",   "bpchar",      "char",      "name",         "bytea",    "date",      "time",      "timetz",
    "timestamp", "timestamptz", "interval",  "json",         "jsonb",    "uuid",      "xml",       "bit",
    "varbit",    "inet",        "cidr",      "macaddr",      "macaddr8", "money",     "oid",       "regclass",
    "point",     "line",        "lseg",      "box",          "path",     "polygon",   "circle",    "tsvector",
    "tsquery",   "int4range",   "int8range", "numrange",     "tsrange",  "tstzrange", "daterange", "jsonpath",
    "regtype",   "regproc",     "regrole",   "regnamespace",
};

static bool is_known(const struct chain *c, const struct chain_type *type)
{
    const struct chain_user_type *user = chain_type_object(c, type);
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(known[i], type->name) == 0)
            return true;
    return user && user->kind != CHAIN_OTHER_TYPE;
}

static enum cost pair_cost(const struct chain *c, const struct chain_type *from, const struct chain_type *to)
{
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (strcmp(pairs[i].from, from->name) == 0 && strcmp(pairs[i].to, to->name) == 0)
            return pairs[i].fits(from, to) ? COST_NONE : COST_REWRITE;
    if (is_oid(from->name) && is_oid(to->name))
        return COST_NONE;
    if (is_zoned(from->name, to->name))
        return !to->n_modifiers || to->modifiers[0] >= 6 ? COST_ZONE : COST_REWRITE;
    return is_known(c, from) && is_known(c, to) ? COST_REWRITE : COST_UNKNOWN;
}

/* A domain has the bytes of its base; a constrained one checks every row while it writes it anew. */
static struct chain_type base_of(const struct chain *c, struct chain_type type)
{
    const struct chain_user_type *user = chain_type_object(c, &type);
    for (int depth = 0; user && user->kind == CHAIN_DOMAIN && !type.array && depth < 32; depth++) {
        type = user->base;
        user = chain_type_object(c, &type);
    }
    return type;
}

static enum cost step_cost(const struct chain *c, const struct chain_type *from, const struct chain_type *to)
{
    const struct chain_user_type *domain = chain_type_object(c, to);
    if (chain_type_equal(from, to))
        return COST_NONE;
    if (domain && domain->kind == CHAIN_DOMAIN && domain->constrained && !to->array)
        return COST_REWRITE;
    struct chain_type old = base_of(c, *from), new = base_of(c, *to);
    if (chain_type_equal(&old, &new))
        return COST_NONE;
    if (old.array != new.array)
        return COST_REWRITE;
    if (!old.array)
        return pair_cost(c, &old, &new);
    if (strcmp(old.name, new.name) == 0)
        return new.n_modifiers ? COST_REWRITE : COST_NONE;
    return is_known(c, &old) && is_known(c, &new) ? COST_REWRITE : COST_UNKNOWN;
}

/* ---- USING ---- */

/*
 * USING column, or casts of it: what the steps cost one by one, and the type that comes out. Anything else computes each
 * row anew.
 */
static enum cost using_cost(const struct locks_alter *alter, const json_t *expression, const struct chain_type *from,
                            struct chain_type *out)
{
    const json_t *cast = json_object_get(expression, "TypeCast");
    const json_t *fields = json_object_get(json_object_get(expression, "ColumnRef"), "fields");
    struct chain_type inner;
    *out = *from;
    if (!cast)
        return fields && tree_string(fields) && strcmp(tree_string(fields), alter->column) == 0 ? COST_NONE
                                                                                                : COST_REWRITE;
    enum cost before = using_cost(alter, json_object_get(cast, "arg"), from, &inner);
    *out = chain_type_of(alter->a, json_object_get(cast, "typeName"));
    enum cost step = step_cost(alter->s->section->chain, &inner, out);
    return before > step ? before : step;
}

/* ---- what follows from it ---- */

struct change {
    struct locks_alter *alter;
    const json_t *usage;
    const struct chain_column *column; /* NULL: unknown */
    struct chain_type to;
    const char *collation;      /* the new one, NULL: the type's */
    const char *quoted, *shown; /* the column; both types: "integer to bigint" */
    size_t at;
};

/* What stands behind USING, to the end of the subcommand; NULL when it was not found. */
static const char *usage_text(const struct locks_alter *alter)
{
    const struct str text = str_slice(alter->s->text, 0, alter->end);
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    while (token_next(&l, &t))
        if (t.offset >= alter->at && token_is_word(text, &t, "USING"))
            return token_next(&l, &t) ? lint_text(alter->s, t.offset, alter->end) : NULL;
    return NULL;
}

/* The new column's value in an UPDATE, and in a trigger, where an expression finds its columns in the row that comes. */
static void new_value(const struct change *c, const char **in_update, const char **in_trigger)
{
    struct locks_alter *alter = c->alter;
    const char *type = chain_type_text(alter->a, &c->to), *text = usage_text(alter);
    *in_update = *in_trigger = c->usage ? "…" : NULL;
    if (!c->usage) {
        *in_update = arena_printf(alter->a, "%s::%s", c->quoted, type);
        *in_trigger = arena_printf(alter->a, "NEW.%s", *in_update);
    } else if (text) {
        *in_update = arena_printf(alter->a, "(%s)::%s", text, type);
        *in_trigger = arena_printf(
            alter->a, "(SELECT %s FROM (SELECT NEW.*) AS %s)", *in_update,
            locks_quote(alter->a, json_string_value(json_object_get(alter->relation, "relname"))));
    }
}

/* A new column that is kept equal by a trigger, filled in batches, and takes the name in the end. */
static void safe_swap(const struct change *c)
{
    struct locks_alter *alter = c->alter;
    const char *column = c->quoted, *table = alter->table;
    const char *other = locks_quote(alter->a, arena_printf(alter->a, "%s_new", alter->column));
    const char *old = locks_quote(alter->a, arena_printf(alter->a, "%s_old", alter->column));
    const char *sync = locks_new_name(alter->a, NULL, alter->name, alter->column, "sync");
    const char *type = chain_type_text(alter->a, &c->to);
    const char *value, *new_row;
    new_value(c, &value, &new_row);
    /* What becomes NULL must not be chosen for ever. */
    const char *source = c->usage ? arena_printf(alter->a, "(%s)", value) : column;
    lint_safe(
        alter->s,
        "-- revision 1\nALTER TABLE %s ADD COLUMN %s %s;\nCREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n    NEW.%s := %s;\n    RETURN NEW;\nEND $$;\nCREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s\n"
        "    FOR EACH ROW EXECUTE FUNCTION %s();\n-- revision 2\n-- migrate:up batch\nUPDATE %s SET %s = %s\nWHERE ctid = ANY "
        "(ARRAY(SELECT ctid FROM %s\n    WHERE %s IS NULL AND %s IS NOT NULL LIMIT 1000));\n-- revision 3, after its default, "
        "indexes and constraints\nDROP TRIGGER %s ON %s;\nALTER TABLE %s RENAME COLUMN %s TO %s;\nALTER TABLE %s RENAME COLUMN %s TO %s;\n"
        "-- revision 4, when no code is left that needs it\nALTER TABLE %s DROP COLUMN %s;\nDROP FUNCTION %s();",
        table, other, type, sync, other, new_row, sync, table, sync, table, other, value, table, other, source, sync,
        table, table, column, old, table, other, column, table, old, sync);
}

static void say_rewrite(const struct change *c, enum cost cost)
{
    struct locks_alter *alter = c->alter;
    if (cost == COST_REWRITE)
        lint_found(alter->s, "type-rewrite", c->at, "TYPE of %s.%s, %s, writes the whole table anew", alter->table,
                   c->quoted, c->shown);
    else
        lint_found(alter->s, "type-rewrite", c->at, "TYPE of %s.%s, %s, may write the whole table anew", alter->table,
                   c->quoted, c->shown);
    if (cost == COST_UNKNOWN)
        lint_why(alter->s,
                 "One of the types is not known here. Unless the new type has the bytes of the old one, every row and "
                 "every index is written anew under ACCESS EXCLUSIVE: nobody reads or writes %s until it is done. "
                 "`verify` measures which it is.",
                 alter->table);
    safe_swap(c);
}

static void say_zone(const struct change *c)
{
    struct locks_alter *alter = c->alter;
    lint_found(alter->s, "type-timezone-dependent", c->at,
               "TYPE of %s.%s, %s, costs nothing or a rewrite, as TimeZone is", alter->table, c->quoted, c->shown);
    lint_safe(alter->s, "SET LOCAL TimeZone = 'UTC';\n%.*s;", STR_ARG(alter->s->text));
}

static bool has_index(const struct change *c)
{
    const struct chain_relation *r = c->alter->known;
    for (size_t i = 0; r && i < r->indexes.n; i++)
        if (strings_has(&r->indexes.v[i].columns, c->alter->column) || strings_has(&r->indexes.v[i].columns, ""))
            return true;
    return !r || !r->whole;
}

static bool same_collation(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool say_collation(const struct change *c)
{
    struct locks_alter *alter = c->alter;
    if (c->column ? same_collation(c->collation, c->column->collation) : !c->collation)
        return false;
    if (!has_index(c))
        return false;
    lint_found(alter->s, "type-collation", c->at, "the new collation of %s.%s builds its indexes anew", alter->table,
               c->quoted);
    lint_safe(alter->s,
              "-- leave the column, and give an index the collation\n-- migrate:up transaction:false\n"
              "CREATE INDEX CONCURRENTLY %s ON %s (%s COLLATE %s);",
              locks_new_name(alter->a, alter->known, alter->name, alter->column, "idx"), alter->table, c->quoted,
              c->collation ? locks_quote(alter->a, c->collation) : "\"default\"");
    return true;
}

static void say_checks(const struct change *c)
{
    struct locks_alter *alter = c->alter;
    const struct chain_relation *r = alter->known;
    for (size_t i = 0; r && i < r->constraints.n; i++) {
        const struct chain_constraint *k = &r->constraints.v[i];
        if (k->kind != CHAIN_CHECK || !k->valid || !strings_has(&k->columns, alter->column))
            continue;
        const char *name = locks_quote(alter->a, k->name);
        lint_found(alter->s, "type-check-rescan", c->at,
                   "TYPE of %s.%s, %s, verifies %s again: the whole table is read", alter->table, c->quoted, c->shown,
                   name);
        lint_safe(
            alter->s,
            "-- revision 1\nALTER TABLE %s DROP CONSTRAINT %s;\n%.*s;\nALTER TABLE %s ADD CONSTRAINT %s CHECK (…) NOT "
            "VALID;\n-- revision 2\nALTER TABLE %s VALIDATE CONSTRAINT %s;",
            alter->table, name, STR_ARG(alter->s->text), alter->table, name, alter->table, name);
        return;
    }
}

static enum cost total_cost(const struct change *c)
{
    const struct chain *chain = c->alter->s->section->chain;
    struct chain_type between;
    if (!c->column)
        return COST_UNKNOWN;
    if (!c->usage)
        return step_cost(chain, &c->column->type, &c->to);
    enum cost steps = using_cost(c->alter, c->usage, &c->column->type, &between);
    enum cost last = steps == COST_REWRITE ? COST_REWRITE : step_cost(chain, &between, &c->to);
    return steps > last ? steps : last;
}

void locks_change_type(struct locks_alter *alter)
{
    const json_t *definition = json_object_get(alter->definition, "ColumnDef");
    struct change c = {.alter = alter,
                       .usage = json_object_get(definition, "raw_default"),
                       .column = chain_column(alter->known, alter->column),
                       .to = chain_type_of(alter->a, json_object_get(definition, "typeName")),
                       .collation = tree_string(json_object_get(json_object_get(definition, "collClause"), "collname")),
                       .quoted = locks_quote(alter->a, alter->column),
                       .at = tree_location(definition)};
    const char *to = chain_type_text(alter->a, &c.to);
    c.shown = c.column ? arena_printf(alter->a, "%s to %s", chain_type_text(alter->a, &c.column->type), to)
                       : arena_printf(alter->a, "to %s", to);
    enum cost cost = total_cost(&c);
    if (cost == COST_REWRITE || cost == COST_UNKNOWN) {
        say_rewrite(&c, cost);
        return;
    }
    if (cost == COST_ZONE && !locks_state(alter->s->section)->utc)
        say_zone(&c);
    if (!say_collation(&c))
        say_checks(&c);
}
