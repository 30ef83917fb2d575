/* Types of columns as values: reading a TypeName, comparing, spelling. */
#include <string.h>

#include "gen/lint/chain.h"
#include "gen/lint/statement.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- reading ---- */

/* What is no number (geometry(Point, 4326)) becomes one that is equal where the text is. */
static int32_t read_modifier(const json_t *node)
{
    const json_t *number = json_object_get(json_object_get(node, "A_Const"), "ival");
    if (number)
        return (int32_t)json_integer_value(json_object_get(number, "ival"));
    const json_t *fields = json_object_get(json_object_get(node, "ColumnRef"), "fields");
    const char *text = tree_string(fields);
    uint32_t hash = 2166136261u;
    for (; text && *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return (int32_t)hash;
}

static const char *read_name(struct arena *a, const json_t *names)
{
    size_t n = json_array_size(names);
    const char *name = tree_string(names), *schema = n > 1 ? tree_string(json_array_get(names, n - 2)) : NULL;
    if (!name)
        return "";
    if (!schema || strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "public") == 0)
        return arena_strdup(a, name);
    return arena_printf(a, "%s.%s", schema, name);
}

struct chain_type chain_type_of(struct arena *a, const json_t *type_name)
{
    const json_t *inner = json_object_get(type_name, "TypeName"), *item;
    if (inner)
        type_name = inner;
    struct chain_type type = {.name = read_name(a, json_object_get(type_name, "names")),
                              .array = json_array_size(json_object_get(type_name, "arrayBounds")) > 0};
    size_t i;
    json_array_foreach(json_object_get(type_name, "typmods"), i, item)
    {
        if (i < COUNT(type.modifiers))
            type.modifiers[type.n_modifiers++] = read_modifier(item);
    }
    if (strcmp(type.name, "numeric") == 0 && type.n_modifiers == 1) /* numeric(8) is numeric(8,0) */
        type.n_modifiers = 2;
    return type;
}

bool chain_type_equal(const struct chain_type *a, const struct chain_type *b)
{
    return strcmp(a->name, b->name) == 0 && a->array == b->array && a->n_modifiers == b->n_modifiers &&
           memcmp(a->modifiers, b->modifiers, sizeof *a->modifiers * a->n_modifiers) == 0;
}

/* ---- spelling ---- */

static const struct {
    const char *name, *text;
} spellings[] = {
    {"int2", "smallint"},
    {"int4", "integer"},
    {"int8", "bigint"},
    {"float4", "real"},
    {"float8", "double precision"},
    {"bool", "boolean"},
    {"varchar", "character varying"},
    {"bpchar", "character"},
    {"varbit", "bit varying"},
    {"timestamptz", "timestamp with time zone"},
    {"timetz", "time with time zone"},
};

/* Fields of an interval as bits of its first modifier. */
static const struct {
    int32_t mask;
    const char *text;
} intervals[] = {
    {4, " year"},
    {2, " month"},
    {8, " day"},
    {1024, " hour"},
    {2048, " minute"},
    {4096, " second"},
    {4 | 2, " year to month"},
    {8 | 1024, " day to hour"},
    {8 | 1024 | 2048, " day to minute"},
    {8 | 1024 | 2048 | 4096, " day to second"},
    {1024 | 2048, " hour to minute"},
    {1024 | 2048 | 4096, " hour to second"},
    {2048 | 4096, " minute to second"},
};

static void add_interval(struct buf *out, const struct chain_type *t)
{
    buf_addz(out, "interval");
    for (size_t i = 0; t->n_modifiers && i < COUNT(intervals); i++)
        if (intervals[i].mask == t->modifiers[0])
            buf_addz(out, intervals[i].text);
    if (t->n_modifiers == 2)
        buf_addf(out, "(%d)", t->modifiers[1]);
}

static void add_user_name(struct buf *out, const char *name)
{
    const char *dot = strchr(name, '.');
    if (dot) {
        BUF_AUTO schema = {0};
        buf_add(&schema, name, (size_t)(dot - name));
        tree_quote(out, schema.p ? schema.p : "");
        buf_addc(out, '.');
        name = dot + 1;
    }
    tree_quote(out, name);
}

static void add_modifiers(struct buf *out, const struct chain_type *t)
{
    for (size_t i = 0; i < t->n_modifiers; i++)
        buf_addf(out, "%s%d", i ? "," : "(", t->modifiers[i]);
    if (t->n_modifiers)
        buf_addc(out, ')');
}

/* The modifier of "timestamp with time zone" stands behind its first word. */
static void add_spelling(struct buf *out, const struct chain_type *t, const char *text)
{
    const char *zone = strstr(text, " with time zone");
    buf_add(out, text, zone ? (size_t)(zone - text) : strlen(text));
    add_modifiers(out, t);
    if (zone)
        buf_addz(out, zone);
}

const char *chain_type_text(struct arena *a, const struct chain_type *t)
{
    BUF_AUTO out = {0};
    const char *text = NULL;
    for (size_t i = 0; i < COUNT(spellings); i++)
        if (strcmp(spellings[i].name, t->name) == 0)
            text = spellings[i].text;
    if (strcmp(t->name, "interval") == 0)
        add_interval(&out, t);
    else if (text) {
        add_spelling(&out, t, text);
    } else {
        add_user_name(&out, t->name);
        add_modifiers(&out, t);
    }
    if (t->array)
        buf_addz(&out, "[]");
    return arena_str(a, buf_str(&out));
}
