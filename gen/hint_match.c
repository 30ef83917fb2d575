/* From an object of the goal to its hint: by kind, name, and where it lives. Pure. */
#include <string.h>

#include "gen/hints.h"

/* Splits public."My Table".title into names without quotes; of a function without its parameters. */
static void split_identity(struct arena *a, const char *identity, struct strings *out)
{
    BUF_AUTO name = {0};
    bool quoted = false;
    buf_addz(&name, "");
    for (const char *p = identity; *p && (quoted || *p != '('); p++) {
        if (*p == '"' && quoted && p[1] == '"')
            buf_addc(&name, *p++);
        else if (*p == '"')
            quoted = !quoted;
        else if (*p == '.' && !quoted) {
            vec_push(a, out, arena_str(a, buf_str(&name)));
            buf_reset(&name);
        } else
            buf_addc(&name, *p);
    }
    vec_push(a, out, arena_str(a, buf_str(&name)));
}

/* What hints call the kinds whose name is not their own. */
static const char *item_of_kind(const char *kind)
{
    static const char *const others[][2] = {
        {"foreign key", "constraint"}, {"domain constraint", "constraint"},
        {"primary key", "constraint"}, {"check", "constraint"},
        {"unique", "constraint"},      {"composite type", "type"},
        {"range type", "type"},        {"enum", "type"},
        {"procedure", "function"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(kind, others[i][0]) == 0)
            return others[i][1];
    return kind;
}

static bool same_name(enum dialect dialect, const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return dialect == DIALECT_SQLITE ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

struct wanted {
    enum hint_kind kind;
    enum dialect dialect;
    const char *item, *name, *container; /* container NULL: none, or any */
    const char *schema;                  /* NULL: any */
};

static bool fits(const struct hint *h, const struct wanted *w, bool without_schema)
{
    if (h->kind != w->kind || strcmp(h->item, w->item) != 0 || !same_name(w->dialect, h->name, w->name))
        return false;
    if (w->container && !same_name(w->dialect, h->container, w->container))
        return false;
    return w->dialect == DIALECT_SQLITE || same_name(w->dialect, h->schema, without_schema ? NULL : w->schema);
}

/*
 * A hint with the object's own schema; else one without: it is the stream's, or that of a search path that the file sets.
 * The stream's object goes before others of the name, but who asks for one object cannot know of others: so without is
 * any.
 */
static struct hint *find(const struct hints *hints, const struct wanted *w)
{
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < hints->list.n; i++)
            if (fits(&hints->list.v[i], w, round == 1))
                return &hints->list.v[i];
    return NULL;
}

static const char *schema_in(const struct strings *names)
{
    return names->n > 1 ? names->v[0] : NULL;
}

static enum dialect dialect_of(const struct catalog *c)
{
    return c->kinds == &kinds_sqlite ? DIALECT_SQLITE : DIALECT_POSTGRESQL;
}

/* Kinds that are found by their table although their identity may not begin with it. */
static bool lives_in_parent(const char *item)
{
    static const char *const parts[] = {"column", "constraint", "attribute", "trigger", "policy", "rule"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(item, parts[i]) == 0)
            return true;
    return false;
}

struct hint *hint_of(const struct hints *hints, enum hint_kind kind, const struct catalog *goal,
                     const struct object *object)
{
    ARENA_AUTO a = {0};
    struct strings names = {0}, parent = {0};
    if (!hints || !hints->list.n)
        return NULL;
    struct wanted w = {.kind = kind, .dialect = dialect_of(goal), .item = item_of_kind(object->kind->name)};
    split_identity(&a, object->identity, &names);
    w.name = names.v[names.n - 1];
    w.schema = schema_in(&names);
    if (object->parent != OBJECT_NONE && lives_in_parent(w.item)) {
        split_identity(&a, goal->objects.v[object->parent].identity, &parent);
        w.container = parent.v[parent.n - 1];
        w.schema = schema_in(&parent);
    }
    return find(hints, &w);
}

struct hint *hint_of_label(const struct hints *hints, const struct catalog *goal, const struct object *type,
                           const char *label)
{
    ARENA_AUTO a = {0};
    struct strings names = {0};
    if (!hints || !hints->list.n)
        return NULL;
    split_identity(&a, type->identity, &names);
    struct wanted w = {.kind = HINT_RENAMED_FROM, .dialect = dialect_of(goal), .item = "enum label", .name = label};
    w.container = names.v[names.n - 1];
    w.schema = schema_in(&names);
    return find(hints, &w);
}
