/* Reading the syntax trees of libpg_query: absent is false, 0 or NULL. */
#include <string.h>

#include "db/db.h"
#include "gen/lint/statement.h"

const char *tree_string(const json_t *node)
{
    if (json_is_array(node))
        node = json_array_get(node, json_array_size(node) - 1);
    const json_t *list = json_object_get(node, "List");
    if (list)
        return tree_string(json_object_get(list, "items"));
    return json_string_value(json_object_get(json_object_get(node, "String"), "sval"));
}

bool tree_true(const json_t *node, const char *key)
{
    return json_is_true(json_object_get(node, key));
}

bool tree_says(const json_t *node, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(node, key));
    return text && strcmp(text, value) == 0;
}

size_t tree_location(const json_t *node)
{
    json_int_t at = json_integer_value(json_object_get(node, "location"));
    return at > 0 ? (size_t)at : 0;
}

/* PostgreSQL 15's reserved words (its documentation, appendix C): as a name they want quotes. */
static const char *const reserved[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
};

static bool is_plain(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!(*p == '_' || (*p >= 'a' && *p <= 'z') || (p > name && *p >= '0' && *p <= '9')))
            return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(name, reserved[i]) == 0)
            return false;
    return *name;
}

void tree_quote(struct buf *out, const char *name)
{
    if (is_plain(name))
        buf_addz(out, name);
    else
        db_quote_name(out, name);
}

static void add_name(struct buf *out, const char *name)
{
    if (!name)
        return;
    if (out->n)
        buf_addc(out, '.');
    tree_quote(out, name);
}

const char *tree_name(struct arena *a, const json_t *node)
{
    BUF_AUTO out = {0};
    const json_t *list = json_object_get(node, "List"), *item;
    size_t i;
    if (list)
        node = json_object_get(list, "items");
    if (json_is_array(node)) {
        json_array_foreach(node, i, item) add_name(&out, tree_string(item));
    } else {
        const json_t *var = json_object_get(node, "RangeVar") ? json_object_get(node, "RangeVar") : node;
        add_name(&out, json_string_value(json_object_get(var, "schemaname")));
        add_name(&out, json_string_value(json_object_get(var, "relname")));
    }
    return arena_str(a, buf_str(&out));
}

/* ---- views ---- */

/* The column's name as PostgreSQL would choose it; NULL: not told by the tree alone. */
static const char *target_name(const json_t *item)
{
    const json_t *target = json_object_get(item, "ResTarget");
    const char *alias = json_string_value(json_object_get(target, "name"));
    const json_t *value = json_object_get(target, "val");
    const json_t *cast = json_object_get(value, "TypeCast");
    const json_t *fields = json_object_get(json_object_get(cast ? json_object_get(cast, "arg") : value, "ColumnRef"),
                                           "fields");
    return alias ? alias : tree_string(fields);
}

static bool is_star(const json_t *item)
{
    const json_t *value = json_object_get(json_object_get(item, "ResTarget"), "val");
    const json_t *fields = json_object_get(json_object_get(value, "ColumnRef"), "fields");
    return json_object_get(json_array_get(fields, json_array_size(fields) - 1), "A_Star");
}

/* Of a UNION the first branch names the columns. */
static const json_t *select_of(const json_t *view)
{
    const json_t *select = json_object_get(json_object_get(view, "query"), "SelectStmt");
    while (json_object_get(select, "larg"))
        select = json_object_get(select, "larg");
    return select;
}

bool tree_view_columns(struct arena *a, const json_t *view, struct strings *out)
{
    const json_t *aliases = json_object_get(view, "aliases"), *item;
    size_t i;
    json_array_foreach(json_object_get(select_of(view), "targetList"), i, item)
    {
        const char *name = tree_string(json_array_get(aliases, i));
        if (is_star(item))
            return false;
        vec_push(a, out, arena_strdup(a, name ? name : target_name(item)));
    }
    return out->n > 0;
}
