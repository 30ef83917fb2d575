/* The schema as the revisions before leave it. Pure. */
#include "gen/lint/chain.h"

#include <string.h>

#include "gen/lint/statement.h"

struct chain {
    struct arena *arena;
};

struct chain *chain_new(struct arena *a)
{
    struct chain *c = ARENA_NEW(a, struct chain);
    c->arena = a;
    return c;
}

const char *chain_name(struct arena *a, const char *schema, const char *name)
{
    return arena_printf(a, "%s.%s", schema ? schema : "public", name);
}

const char *chain_name_of(struct arena *a, const json_t *node)
{
    const json_t *list = json_object_get(node, "List");
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

void chain_apply(struct chain *c, const json_t *tree)
{
    (void)c, (void)tree;
}

void chain_made(const json_t *tree, struct strings *made, struct arena *a)
{
    const json_t *table = json_object_get(tree, "CreateStmt");
    if (table)
        vec_push(a, made, chain_name_of(a, json_object_get(table, "relation")));
}
