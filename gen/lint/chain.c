/* The schema as the revisions before leave it: names, and asking. What statements change is chain_apply.c's. Pure. */
#include "gen/lint/chain.h"

#include <string.h>

#include "gen/lint/chain_state.h"
#include "gen/lint/statement.h"

/* PostgreSQL cuts names here. */
#define NAME_BYTES 63

struct chain *chain_new(struct arena *a)
{
    struct chain *c = ARENA_NEW(a, struct chain);
    c->arena = a;
    return c;
}

/* ---- names ---- */

const char *chain_name(struct arena *a, const char *schema, const char *name)
{
    return arena_printf(a, "%s.%s", schema ? schema : "public", name);
}

const char *chain_name_of(struct arena *a, const json_t *range_var_or_names)
{
    const json_t *node = range_var_or_names, *list = json_object_get(node, "List");
    if (list)
        node = json_object_get(list, "items");
    if (json_is_array(node)) {
        size_t n = json_array_size(node);
        const char *schema = n > 1 ? tree_string(json_array_get(node, n - 2)) : NULL, *name = tree_string(node);
        return chain_name(a, schema, name ? name : "");
    }
    const json_t *var = json_object_get(node, "RangeVar") ? json_object_get(node, "RangeVar") : node;
    const char *name = json_string_value(json_object_get(var, "relname"));
    return chain_name(a, json_string_value(json_object_get(var, "schemaname")), name ? name : "");
}

const char *chain_join_columns(struct arena *a, const struct strings *columns)
{
    BUF_AUTO out = {0};
    for (size_t i = 0; i < columns->n; i++)
        buf_addf(&out, "%s%s", i ? "_" : "", *columns->v[i] ? columns->v[i] : "expr");
    return arena_str(a, buf_str(&out));
}

static bool is_taken(const struct chain_relation *r, const char *name)
{
    for (size_t i = 0; i < r->indexes.n; i++)
        if (strcmp(r->indexes.v[i].name, name) == 0)
            return true;
    return chain_constraint(r, name);
}

/* Cuts inside a character of several bytes fall back to its first one, as PostgreSQL does. */
static int cut(const char *name, size_t n)
{
    while (n && ((unsigned char)name[n] & 0xC0) == 0x80)
        n--;
    return (int)n;
}

/* The longer one of table and columns is shortened until all fits. */
static const char *fit_name(struct arena *a, const char *table, const char *columns, const char *label)
{
    size_t one = strlen(table), two = columns ? strlen(columns) : 0;
    size_t more = strlen(label) + (columns ? 2 : 1);
    while (one + two + more > NAME_BYTES && one + two > 0)
        *(one > two ? &one : &two) -= 1;
    return columns ? arena_printf(a, "%.*s_%.*s_%s", cut(table, one), table, cut(columns, two), columns, label)
                   : arena_printf(a, "%.*s_%s", cut(table, one), table, label);
}

const char *chain_choose_name(struct arena *a, const struct chain_relation *r, const char *columns, const char *label)
{
    const char *table = strchr(r->name, '.') + 1;
    const char *name = fit_name(a, table, columns, label);
    for (unsigned i = 1; is_taken(r, name); i++)
        name = fit_name(a, table, columns, arena_printf(a, "%s%u", label, i));
    return name;
}

const char *chain_free_name(struct arena *a, const struct chain_relation *r, const char *relation, const char *columns,
                            const char *label)
{
    struct chain_relation unknown = {.name = relation};
    return chain_choose_name(a, r ? r : &unknown, columns, label);
}

/* ---- asking ---- */

struct chain_relation *chain_find(const struct chain *c, const char *name)
{
    for (size_t i = c->relations.n; i-- > 0;)
        if (strcmp(c->relations.v[i]->name, name) == 0)
            return c->relations.v[i];
    return NULL;
}

const struct chain_relation *chain_relation(const struct chain *c, const char *name)
{
    return chain_find(c, name);
}

const struct chain_column *chain_column(const struct chain_relation *r, const char *column)
{
    for (size_t i = 0; r && column && i < r->columns.n; i++)
        if (strcmp(r->columns.v[i].name, column) == 0)
            return &r->columns.v[i];
    return NULL;
}

const struct chain_constraint *chain_constraint(const struct chain_relation *r, const char *constraint)
{
    for (size_t i = 0; r && constraint && i < r->constraints.n; i++)
        if (strcmp(r->constraints.v[i].name, constraint) == 0)
            return &r->constraints.v[i];
    return NULL;
}

/* An index is in the schema of its table. */
static bool same_schema(const char *relation, const char *index)
{
    size_t n = (size_t)(strchr(relation, '.') - relation) + 1;
    return strncmp(relation, index, n) == 0;
}

const struct chain_relation *chain_index(const struct chain *c, const char *name, const struct chain_index **index)
{
    const char *plain = strchr(name, '.');
    for (size_t i = c->relations.n; plain && i-- > 0;) {
        const struct chain_relation *r = c->relations.v[i];
        for (size_t k = 0; k < r->indexes.n; k++)
            if (strcmp(r->indexes.v[k].name, plain + 1) == 0 && same_schema(r->name, name)) {
                if (index)
                    *index = &r->indexes.v[k];
                return r;
            }
    }
    if (index)
        *index = NULL;
    return NULL;
}

struct chain_user_type *chain_find_type(const struct chain *c, const char *name)
{
    for (size_t i = c->types.n; i-- > 0;)
        if (strcmp(c->types.v[i].name, name) == 0)
            return &c->types.v[i];
    return NULL;
}

const struct chain_user_type *chain_user_type(const struct chain *c, const char *name)
{
    return chain_find_type(c, name);
}

const struct chain_user_type *chain_type_object(const struct chain *c, const struct chain_type *type)
{
    if (!type->name)
        return NULL;
    return chain_find_type(c, strchr(type->name, '.') ? type->name : chain_name(c->arena, NULL, type->name));
}

const struct chain_relation *chain_next(const struct chain *c, size_t *at)
{
    return *at < c->relations.n ? c->relations.v[(*at)++] : NULL;
}

bool chain_proves_not_null(const struct chain_relation *r, const char *column)
{
    const struct chain_column *known = chain_column(r, column);
    if (known && known->not_null)
        return true;
    for (size_t i = 0; r && i < r->constraints.n; i++)
        if (r->constraints.v[i].valid && strings_has(&r->constraints.v[i].not_null, column))
            return true;
    return false;
}
