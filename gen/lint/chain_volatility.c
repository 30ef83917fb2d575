/* Which functions may give another value for each row: a default that calls one must be computed row by row. */
#include <string.h>

#include "gen/lint/chain_state.h"
#include "gen/lint/statement.h"

/* Volatile ones of PostgreSQL 15 and its extensions that somebody may put into a default. */
static const char *const builtin[] = {
    "clock_timestamp",  "currval",
    "gen_random_bytes", "gen_random_uuid",
    "gen_salt",         "lastval",
    "nextval",          "pg_sleep",
    "random",           "random_normal",
    "setseed",          "timeofday",
    "uuid_generate_v1", "uuid_generate_v1mc",
    "uuid_generate_v4", "uuidv4",
    "uuidv7",           "pg_advisory_lock",
    "set_config",       "setval",
    "gen_random_ulid",  "pg_backup_start",
    "pg_notify",        "pg_advisory_xact_lock",
};

char chain_volatility(const struct chain *c, const char *name)
{
    for (size_t i = 0; i < c->functions.n; i++)
        if (strcmp(c->functions.v[i].name, name) == 0)
            return c->functions.v[i].volatility;
    return '\0';
}

/* A function of the chain hides PostgreSQL's own of that name only where it is written with its schema. */
static bool is_volatile(const struct chain *c, struct arena *a, const json_t *names)
{
    const char *name = tree_string(names);
    if (!name)
        return false;
    char known = chain_volatility(c, chain_name_of(a, names));
    if (known)
        return known == 'v';
    for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++)
        if (strcmp(builtin[i], name) == 0)
            return true;
    return false;
}

static const char *in_object(const struct chain *c, struct arena *a, const json_t *object)
{
    const json_t *names = json_object_get(json_object_get(object, "FuncCall"), "funcname"), *value;
    const char *key, *found = NULL;
    if (names && is_volatile(c, a, names))
        return tree_name(a, names);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!found)
            found = chain_volatile_call(c, a, value);
    }
    return found;
}

const char *chain_volatile_call(const struct chain *c, struct arena *a, const json_t *expression)
{
    const json_t *item;
    size_t i;
    if (json_is_object(expression))
        return in_object(c, a, expression);
    json_array_foreach(expression, i, item)
    {
        const char *found = chain_volatile_call(c, a, item);
        if (found)
            return found;
    }
    return NULL;
}
