/*
 * An object's identity is what contains it, a name, and for a routine its arguments; a rename changes the name alone. What
 * contains it may be renamed too, so objects are looked at in the kinds' order, parents first; statements run the other way
 * around, parts first, so that each can use the addresses of before.
 */
#include "gen/renames.h"

#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "gen/template.h"
#include "model/graph.h"
#include "schema/sqlite_text.h"

struct naming {
    struct arena *a;
    const struct snapshot *start, *goal;
    struct rename_plan *plan;
};

static bool is_sqlite(const struct naming *n)
{
    return n->goal->exact->kinds == &kinds_sqlite;
}

/* ---- identities ---- */

/* container "public.documents.", name "title", rest "": what an identity is made of. The name is as SQL has it. */
struct parts {
    struct str container, name, rest;
};

static struct parts split(const char *identity)
{
    struct str s = str_from(identity);
    size_t begin = 0, end = s.n;
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && s.p[i] == '(') {
            end = i;
            break;
        } else if (!quoted && s.p[i] == '.')
            begin = i + 1;
    }
    return (struct parts){str_slice(s, 0, begin), str_slice(s, begin, end), str_slice(s, end, s.n)};
}

static const char *unquote(struct arena *a, struct str name)
{
    BUF_AUTO out = {0};
    bool quoted = name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"';
    for (size_t i = quoted; i < name.n - quoted; i++) {
        buf_addc(&out, name.p[i]);
        i += quoted && name.p[i] == '"';
    }
    return out.p ? arena_str(a, buf_str(&out)) : "";
}

static const char *without_schema(const struct catalog *c, const char *identity)
{
    size_t n = c->schema ? strlen(c->schema) : 0;
    return n && strncmp(identity, c->schema, n) == 0 && identity[n] == '.' ? identity + n + 1 : identity;
}

static const char *label_text(struct arena *a, const char *literal)
{
    struct str s = str_from(literal);
    return s.n >= 2 ? arena_str(a, str_slice(s, 1, s.n - 1)) : literal;
}

const char *rename_word(struct arena *a, const struct catalog *c, const struct object *o, const char *label)
{
    if (label)
        return arena_printf(a, "enum label:%s.%s", without_schema(c, o->identity), label_text(a, label));
    return arena_printf(a, "%s:%s", o->kind->name, without_schema(c, o->identity));
}

const char *rename_name(struct arena *a, const struct object *o, const char *label)
{
    return label ? label_text(a, label) : arena_str(a, split(o->identity).name);
}

bool rename_is_meant(const struct strings *words, const struct catalog *c, const struct object *o, const char *label)
{
    ARENA_AUTO arena = {0};
    const char *word = rename_word(&arena, c, o, label);
    const char *whole = arena_printf(&arena, "%s:%s", o->kind->name, o->identity);
    const char *object = rename_word(&arena, c, o, NULL);
    return strings_has(words, word) || strings_has(words, object) || strings_has(words, whole);
}

/* ---- pairs ---- */

static const struct rename_pair *pair_of_goal(const struct rename_plan *plan, uint32_t to)
{
    for (size_t i = 0; i < plan->pairs.n; i++)
        if (plan->pairs.v[i].to == to && !plan->pairs.v[i].label)
            return &plan->pairs.v[i];
    return NULL;
}

static bool is_source(const struct rename_plan *plan, uint32_t from, const char *label)
{
    for (size_t i = 0; i < plan->pairs.n; i++)
        if (plan->pairs.v[i].from == from &&
            (label ? plan->pairs.v[i].label && strcmp(plan->pairs.v[i].label, label) == 0 : !plan->pairs.v[i].label))
            return true;
    return false;
}

/* What contained an object of the goal before its parent, or its schema, was renamed: the innermost one decides. */
static const char *old_container(const struct naming *n, const struct object *o)
{
    const struct catalog *goal = n->goal->exact, *start = n->start->exact;
    struct str container = split(o->identity).container, inner = {0};
    const char *before = "";
    for (size_t i = 0; i < n->plan->pairs.n; i++) {
        const struct rename_pair *r = &n->plan->pairs.v[i];
        struct str of = str_from(goal->objects.v[r->to].identity);
        if (!r->label && of.n > inner.n && container.n > of.n && container.p[of.n] == '.' &&
            str_starts(container, of)) {
            inner = of;
            before = start->objects.v[r->from].identity;
        }
    }
    return arena_printf(n->a, "%s%.*s", before, STR_ARG(str_slice(container, inner.n, container.n)));
}

static uint32_t find_old(const struct naming *n, const struct object *o, const char *container, const char *name)
{
    const struct catalog *start = n->start->exact;
    struct str rest = split(o->identity).rest;
    for (uint32_t i = 0; i < start->objects.n; i++) {
        const struct object *old = &start->objects.v[i];
        if (old->kind != o->kind)
            continue;
        struct parts p = split(old->identity);
        if (str_is(p.container, container) && str_eq(p.rest, rest) && strcmp(unquote(n->a, p.name), name) == 0)
            return i;
    }
    return OBJECT_NONE;
}

/* The same object under the same name: what it was before, if nothing but its container was renamed. */
static uint32_t find_same(const struct naming *n, const struct object *o)
{
    const struct rename_pair *pair = pair_of_goal(n->plan, (uint32_t)(o - n->goal->exact->objects.v));
    struct parts p = split(o->identity);
    if (pair)
        return pair->from;
    if (!n->plan->pairs.n)
        return catalog_find(n->start->exact, o->kind, o->identity);
    const char *before = arena_printf(n->a, "%s%.*s%.*s", old_container(n, o), STR_ARG(p.name), STR_ARG(p.rest));
    return catalog_find(n->start->exact, o->kind, before);
}

static const char *expand(const struct naming *n, uint32_t from, const char *old, const char *renamed)
{
    const struct object *o = &n->start->shown->objects.v[from];
    const char *const extra[] = {"old", old, "new", renamed, NULL};
    const struct template_values values = {.catalog = n->start->shown, .object = o, .extra = extra};
    BUF_AUTO sql = {0};
    return template_expand(&sql, o->kind->rename, &values) ? arena_str(n->a, buf_str(&sql)) : NULL;
}

static bool cannot(const struct naming *n, uint32_t from, struct err *e)
{
    const struct object *o = &n->start->exact->objects.v[from];
    return err_set(e, FAULT_POLICY, "%s %s cannot be renamed", o->kind->name, o->identity);
}

/* The letters that it has: SQLite's identities are folded. */
static const char *written_name(const struct naming *n, const struct snapshot *of, uint32_t object)
{
    const char *text = is_sqlite(n) ? of->shown->objects.v[object].address : of->exact->objects.v[object].identity;
    return arena_str(n->a, split(text).name);
}

static bool add_pair(const struct naming *n, uint32_t from, uint32_t to, struct err *e)
{
    const struct object *old = &n->start->shown->objects.v[from];
    struct parts address = split(old->address);
    const char *before = written_name(n, n->start, from), *after = written_name(n, n->goal, to);
    const char *moved = arena_printf(n->a, "%.*s%s%.*s", STR_ARG(address.container), after, STR_ARG(address.rest));
    struct rename_pair r = {.from = from, .to = to};
    if (!old->kind->rename)
        return cannot(n, from, e);
    r.up = expand(n, from, old->address, after);
    r.down = expand(n, from, moved, before);
    if (!r.up || !r.down)
        return cannot(n, from, e);
    vec_push(n->a, &n->plan->pairs, r);
    return true;
}

static void add_label(const struct naming *n, uint32_t from, uint32_t to, const char *label, const char *renamed)
{
    const char *address = n->start->shown->objects.v[from].address;
    vec_push(n->a, &n->plan->pairs,
             (struct rename_pair){
                 .from = from,
                 .to = to,
                 .label = label,
                 .renamed = renamed,
                 .up = arena_printf(n->a, "ALTER TYPE %s RENAME VALUE %s TO %s", address, label, renamed),
                 .down = arena_printf(n->a, "ALTER TYPE %s RENAME VALUE %s TO %s", address, renamed, label),
             });
}

/* ---- labels of enums ---- */

/* A literal a line; a label may hold a line end inside its quotes. */
static struct strings labels_of(struct arena *a, const struct object *o)
{
    struct strings list = {0};
    if (kind_attribute(o->kind, "labels") == o->kind->n_attributes || !object_value(o, "labels"))
        return list;
    const char *p = object_value(o, "labels"), *begin = p;
    for (bool quoted = false;; p++) {
        if (*p == '\'')
            quoted = !quoted;
        if (*p && (quoted || *p != '\n'))
            continue;
        vec_push(a, &list, arena_str(a, (struct str){begin, (size_t)(p - begin)}));
        if (!*p)
            return list;
        begin = p + 1;
    }
}

static const char *literal(struct arena *a, const char *text)
{
    BUF_AUTO out = {0};
    db_quote_text(&out, DIALECT_POSTGRESQL, text);
    return arena_str(a, buf_str(&out));
}

/* A hint's old label as the file has it: bare, or in quotes of either kind. */
static const char *label_of_hint(struct arena *a, const char *text)
{
    struct str s = str_from(text);
    if (s.n >= 2 && s.p[0] == '\'' && s.p[s.n - 1] == '\'')
        return text;
    return literal(a, unquote(a, s));
}

/* ---- hints ---- */

/* A name as it is written, the way identities have it: what has no quotes is folded, in SQLite everything. */
static const char *fold(const struct naming *n, struct str name)
{
    if (!is_sqlite(n) && str_find(name, '"') < name.n)
        return unquote(n->a, name);
    const char *bare = is_sqlite(n) ? sqlite_text_unquoted(n->a, name) : arena_str(n->a, name);
    return sqlite_text_lower(n->a, bare);
}

static const char *old_name_of_hint(const struct naming *n, const struct hint *h, const struct object *o,
                                    const char **container)
{
    struct parts p = split(h->text);
    if (is_sqlite(n) && h->text[0] != '"')
        p = (struct parts){.name = str_from(h->text)};
    *container = old_container(n, o);
    if (p.container.n && o->parent == OBJECT_NONE)
        *container = str_find(p.container, '"') < p.container.n ? arena_str(n->a, p.container) : fold(n, p.container);
    return fold(n, p.name);
}

/* A hint may stay in the file after its rename was done. */
static void note_stale(const struct naming *n, const struct hints *hints, const struct hint *h, const struct object *o)
{
    vec_push(n->a, &n->plan->notes,
             arena_printf(n->a, "%s:%u: %s %s was renamed already; the hint is not needed any more", hints->file->shown,
                          text_position(hints->file, h->offset).line, o->kind->name,
                          without_schema(n->goal->exact, o->identity)));
}

static bool is_label_hint(const struct hint *h)
{
    return h->kind == HINT_RENAMED_FROM && h->item && strcmp(h->item, "enum label") == 0;
}

/* "BEFORE column documents.title AFTER" */
static bool refuse_hint(struct findings *out, const struct hints *hints, const struct hint *h, const struct object *o,
                        const char *before, const char *after)
{
    finding_add(out, "rename", hints->file, h->offset, "%s%s %s%s", before,
                is_label_hint(h) ? "enum label" : o->kind->name, h->text, after);
    return false;
}

static bool follow_hint(const struct naming *n, const struct hints *hints, struct hint *h, uint32_t to,
                        struct findings *out)
{
    const struct object *o = &n->goal->exact->objects.v[to];
    const char *container, *name = old_name_of_hint(n, h, o, &container);
    uint32_t from = find_old(n, o, container, name), same = find_same(n, o);
    AUTO_ERR e = {0};
    h->used = true;
    if (from == OBJECT_NONE && same != OBJECT_NONE)
        note_stale(n, hints, h, o);
    else if (from == OBJECT_NONE)
        return refuse_hint(out, hints, h, o, "there is no ", " to rename, nor one with the new name");
    else if (same != OBJECT_NONE)
        return refuse_hint(out, hints, h, o, "there is a ", " still, and one with the new name too");
    else if (is_source(n->plan, from, NULL))
        return refuse_hint(out, hints, h, o, "", " is renamed twice");
    else if (!add_pair(n, from, to, &e))
        return refuse_hint(out, hints, h, o, "", " cannot be renamed");
    return true;
}

static bool follow_label_hint(const struct naming *n, const struct hints *hints, struct hint *h, uint32_t to,
                              struct findings *out)
{
    const struct object *o = &n->goal->exact->objects.v[to];
    uint32_t from = find_same(n, o);
    const char *label = label_of_hint(n->a, h->text), *renamed = literal(n->a, h->name);
    h->used = true;
    if (from == OBJECT_NONE)
        return true; /* the type is new */
    struct strings labels = labels_of(n->a, &n->start->exact->objects.v[from]);
    bool old_is_there = strings_has(&labels, label), new_is_there = strings_has(&labels, renamed);
    if (old_is_there && !new_is_there && !is_source(n->plan, from, label)) {
        add_label(n, from, to, label, renamed);
        return true;
    }
    if (!new_is_there || old_is_there)
        return refuse_hint(out, hints, h, o, is_source(n->plan, from, label) ? "" : "there is no ",
                           is_source(n->plan, from, label) ? " is renamed twice" : " to rename");
    note_stale(n, hints, h, o);
    return true;
}

static bool is_of_type(const struct naming *n, const struct hint *h, const struct object *o)
{
    struct parts p = split(o->identity);
    struct str schema = p.container.n ? str_slice(p.container, 0, p.container.n - 1) : p.container;
    return kind_attribute(o->kind, "labels") < o->kind->n_attributes && h->container &&
           strcmp(unquote(n->a, p.name), h->container) == 0 &&
           (!h->schema || strcmp(unquote(n->a, schema), h->schema) == 0);
}

static bool follow_hints(const struct naming *n, struct hints *hints, struct findings *out)
{
    const struct catalog *goal = n->goal->exact;
    size_t errors = out->n_errors;
    bool any = false;
    for (size_t i = 0; i < hints->list.n; i++)
        any = any || hints->list.v[i].kind == HINT_RENAMED_FROM;
    for (uint32_t i = 0; any && i < goal->objects.n; i++) {
        struct hint *h = hint_of(hints, HINT_RENAMED_FROM, goal, &goal->objects.v[i]);
        if (h && !h->used)
            follow_hint(n, hints, h, i, out);
        for (size_t k = 0; k < hints->list.n; k++)
            if (is_label_hint(&hints->list.v[k]) && is_of_type(n, &hints->list.v[k], &goal->objects.v[i]))
                follow_label_hint(n, hints, &hints->list.v[k], i, out);
    }
    for (size_t i = 0; i < hints->list.n; i++)
        if (hints->list.v[i].kind == HINT_RENAMED_FROM && !hints->list.v[i].used && out->n_errors == errors)
            finding_add(out, "rename", hints->file, hints->list.v[i].offset,
                        "the hint belongs to nothing of the schema");
    return out->n_errors == errors;
}

/* ---- --rename KIND:OLD=NEW ---- */

static bool is_called(const struct catalog *c, const struct object *o, struct str name)
{
    return str_is(name, o->identity) || str_is(name, without_schema(c, o->identity));
}

static uint32_t find_called(const struct catalog *c, const struct kind *kind, struct str name)
{
    for (uint32_t i = 0; i < c->objects.n; i++)
        if (c->objects.v[i].kind == kind && is_called(c, &c->objects.v[i], name))
            return i;
    return OBJECT_NONE;
}

/* NEW is the whole name or its last part. */
static uint32_t find_new(const struct naming *n, uint32_t from, struct str name)
{
    const struct catalog *goal = n->goal->exact;
    const struct object *old = &n->start->exact->objects.v[from];
    struct parts was = split(old->identity);
    for (uint32_t i = 0; i < goal->objects.n; i++) {
        const struct object *o = &goal->objects.v[i];
        if (o->kind != old->kind)
            continue;
        struct parts p = split(o->identity);
        if (is_called(goal, o, name) || ((str_eq(p.name, name) || str_is(name, unquote(n->a, p.name))) &&
                                         str_is(was.container, old_container(n, o))))
            return i;
    }
    return OBJECT_NONE;
}

static bool refuse_word(const char *word, const char *why, struct err *e)
{
    err_set(e, FAULT_USAGE, "--rename %s: %s", word, why);
    err_hint(e, "--rename KIND:OLD=NEW, such as column:documents.title=headline");
    return false;
}

static bool follow_label_word(const struct naming *n, const char *word, struct str old, struct str renamed,
                              struct err *e)
{
    size_t dot = str_find_last(old, '.');
    const struct kind *kind = kind_find(n->goal->exact->kinds, "enum");
    kind = kind ? kind : kind_find(n->goal->exact->kinds, "type");
    struct str type = str_slice(old, 0, dot);
    uint32_t from = kind ? find_called(n->start->exact, kind, type) : OBJECT_NONE,
             to = kind ? find_called(n->goal->exact, kind, type) : OBJECT_NONE;
    if (dot == old.n || from == OBJECT_NONE || to == OBJECT_NONE)
        return refuse_word(word, "there is no such type in both schemas", e);
    struct strings labels = labels_of(n->a, &n->start->exact->objects.v[from]);
    const char *label = literal(n->a, arena_str(n->a, str_slice(old, dot + 1, old.n)));
    if (!strings_has(&labels, label))
        return refuse_word(word, "there is no such label", e);
    add_label(n, from, to, label, literal(n->a, arena_str(n->a, renamed)));
    return true;
}

static bool follow_word(const struct naming *n, const char *word, struct err *e)
{
    struct str s = str_from(word);
    size_t colon = str_find(s, ':'), equals = str_find_last(s, '=');
    struct str old = str_slice(s, colon + 1, equals), renamed = str_slice(s, equals + 1, s.n);
    if (colon == s.n || equals == s.n || !old.n || !renamed.n || equals < colon)
        return refuse_word(word, "this names no rename", e);
    if (str_is(str_slice(s, 0, colon), "enum label"))
        return follow_label_word(n, word, old, renamed, e);
    const struct kind *kind = kind_find(n->start->exact->kinds, arena_str(n->a, str_slice(s, 0, colon)));
    if (!kind)
        return refuse_word(word, "there is no such kind of object", e);
    uint32_t from = find_called(n->start->exact, kind, old);
    if (from == OBJECT_NONE)
        return refuse_word(word, "there is no such object to rename", e);
    uint32_t to = find_new(n, from, renamed);
    if (to == OBJECT_NONE)
        return refuse_word(word, "nothing has the new name", e);
    return is_source(n->plan, from, NULL) || add_pair(n, from, to, e);
}

/* ---- what looks alike ---- */

/* Texts that differ in the name alone. */
static bool same_but_name(const char *a, const char *b, struct str name_a, struct str name_b)
{
    if (!a || !b)
        return a == b;
    while (*a && *b) {
        bool at_name = strncmp(a, name_a.p, name_a.n) == 0 && strncmp(b, name_b.p, name_b.n) == 0;
        if (!at_name && *a != *b)
            return false;
        a += at_name ? name_a.n : 1;
        b += at_name ? name_b.n : 1;
    }
    return *a == *b;
}

static bool counts(const struct policy *policy, const struct attribute *attribute)
{
    return policy_counts(policy, attribute) && !(attribute->flags & ATTRIBUTE_ORDER) &&
           strcmp(attribute->name, "comment") != 0;
}

static bool same_attributes(const struct policy *policy, const struct object *a, const struct object *b)
{
    struct str name_a = split(a->identity).name, name_b = split(b->identity).name;
    for (size_t i = 0; i < a->kind->n_attributes; i++)
        if (counts(policy, &a->kind->attributes[i]) && !same_but_name(a->values[i], b->values[i], name_a, name_b))
            return false;
    return true;
}

/* Objects that only one side has, whose parent both have, and that can be renamed. */
struct candidates {
    struct revlist from, to;
};

static bool may_be_asked(const struct object *o)
{
    return o->kind->rename && !(o->kind->flags & (KIND_REPORTED | KIND_KEPT | KIND_FOLLOWS));
}

static bool has_parent_in(const struct object *o, const bool *stays)
{
    return o->parent == OBJECT_NONE || stays[o->parent];
}

/* Found by the goal's object, since that knows what its container was. Parents come before their parts. */
static void find_candidates(const struct naming *n, struct candidates *out)
{
    const struct catalog *start = n->start->exact, *goal = n->goal->exact;
    bool *stays = ARENA_ARRAY(n->a, bool, start->objects.n), *was_there = ARENA_ARRAY(n->a, bool, goal->objects.n);
    for (uint32_t i = 0; i < goal->objects.n; i++) {
        const struct object *o = &goal->objects.v[i];
        uint32_t same = has_parent_in(o, was_there) ? find_same(n, o) : OBJECT_NONE;
        was_there[i] = same != OBJECT_NONE;
        if (was_there[i])
            stays[same] = true;
        else if (may_be_asked(o) && has_parent_in(o, was_there))
            vec_push(n->a, &out->to, i);
    }
    for (uint32_t i = 0; i < start->objects.n; i++) {
        const struct object *o = &start->objects.v[i];
        if (!stays[i] && !is_source(n->plan, i, NULL) && may_be_asked(o) && has_parent_in(o, stays))
            vec_push(n->a, &out->from, i);
    }
}

/*
 * What must be equal for two to look alike, as a text: thousands that only one side has are told apart by sorting, before
 * attributes are looked at.
 */
struct shape {
    uint32_t object;
    const char *text;
};

/* Columns and attributes, with their types, in order: what a table or a composite type is. */
static void add_members(const struct catalog *c, struct buf *members)
{
    for (size_t i = 0; i < c->objects.n; i++) {
        const struct object *o = &c->objects.v[i];
        if (o->parent == OBJECT_NONE || kind_attribute(o->kind, "type") == o->kind->n_attributes ||
            !(o->kind->flags & KIND_DATA || strstr(o->kind->name, "attribute")))
            continue;
        const char *type = object_value(o, "type");
        buf_addf(&members[o->parent], "\n%.*s\t%s", STR_ARG(split(o->identity).name), type ? type : "");
    }
}

static struct shape *shapes_of(const struct naming *n, const struct catalog *c, const struct revlist *list)
{
    struct shape *shapes = ARENA_ARRAY(n->a, struct shape, list->n);
    struct buf *members = mem_alloc((c->objects.n + 1) * sizeof *members);
    add_members(c, members);
    for (size_t i = 0; i < list->n; i++) {
        const struct object *o = &c->objects.v[list->v[i]];
        struct parts p = split(o->identity);
        const char *container = c == n->goal->exact ? old_container(n, o) : arena_str(n->a, p.container);
        const char *inside = members[list->v[i]].n ? members[list->v[i]].p : "";
        shapes[i] = (struct shape){
            list->v[i], arena_printf(n->a, "%s\n%s\n%.*s%s", o->kind->name, container, STR_ARG(p.rest), inside)};
    }
    for (size_t i = 0; i < c->objects.n; i++)
        buf_free(&members[i]);
    free(members);
    return shapes;
}

static int compare_shapes(const void *a, const void *b)
{
    const struct shape *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->object > y->object) - (x->object < y->object);
}

static size_t first_shape(const struct shape *sorted, size_t n, const char *text)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(sorted[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool holds_values(const struct object *o)
{
    return o->kind->flags & (KIND_DATA | KIND_DESTROYS) || strstr(o->kind->name, "attribute");
}

/* One to one only: where two could be meant, nobody is asked. */
static void suggest(const struct naming *n, const struct policy *policy)
{
    const struct catalog *start = n->start->exact, *goal = n->goal->exact;
    struct candidates c = {0};
    find_candidates(n, &c);
    const struct shape *from = shapes_of(n, start, &c.from);
    struct shape *to = shapes_of(n, goal, &c.to);
    size_t *match = ARENA_ARRAY(n->a, size_t, c.from.n), *times = ARENA_ARRAY(n->a, size_t, c.to.n),
           *only = ARENA_ARRAY(n->a, size_t, c.from.n);
    if (c.to.n)
        qsort(to, c.to.n, sizeof *to, compare_shapes);
    for (size_t i = 0; i < c.from.n; i++)
        for (size_t k = first_shape(to, c.to.n, from[i].text); k < c.to.n && strcmp(to[k].text, from[i].text) == 0; k++)
            if (same_attributes(policy, &start->objects.v[from[i].object], &goal->objects.v[to[k].object])) {
                match[i]++;
                times[k]++;
                only[i] = k;
            }
    for (size_t i = 0; i < c.from.n; i++)
        if (match[i] == 1 && times[only[i]] == 1)
            vec_push(n->a, &n->plan->questions,
                     (struct rename_question){.from = from[i].object,
                                              .to = to[only[i]].object,
                                              .holds_values = holds_values(&start->objects.v[from[i].object])});
}

/* A label that goes, and one that comes in its place. */
static void suggest_labels(const struct naming *n, uint32_t from, uint32_t to)
{
    struct strings old = labels_of(n->a, &n->start->exact->objects.v[from]),
                   new = labels_of(n->a, &n->goal->exact->objects.v[to]);
    size_t differing = SIZE_MAX;
    if (old.n != new.n || !old.n)
        return;
    for (size_t i = 0; i < old.n; i++) {
        if (strcmp(old.v[i], new.v[i]) == 0 || is_source(n->plan, from, old.v[i]))
            continue;
        if (differing != SIZE_MAX)
            return;
        differing = i;
    }
    if (differing == SIZE_MAX || strings_has(&new, old.v[differing]) || strings_has(&old, new.v[differing]))
        return;
    vec_push(n->a, &n->plan->questions,
             (struct rename_question){
                 .from = from, .to = to, .label = old.v[differing], .renamed = new.v[differing], .holds_values = true});
}

static void suggest_all_labels(const struct naming *n)
{
    const struct catalog *goal = n->goal->exact;
    for (uint32_t i = 0; i < goal->objects.n; i++) {
        const struct object *o = &goal->objects.v[i];
        uint32_t same = kind_attribute(o->kind, "labels") < o->kind->n_attributes ? find_same(n, o) : OBJECT_NONE;
        if (same != OBJECT_NONE)
            suggest_labels(n, same, i);
    }
}

/* ---- what goes with a rename ---- */

/* `text` with its first `old` that stands between underscores or at an end replaced; NULL: there is none. */
static const char *replace_word(struct arena *a, const char *text, const char *old, const char *new)
{
    size_t n = strlen(old);
    for (const char *p = strstr(text, old); p; p = strstr(p + 1, old))
        if ((p == text || p[-1] == '_') && (p[n] == '\0' || p[n] == '_'))
            return arena_printf(a, "%.*s%s%s", (int)(p - text), text, new, p + n);
    return NULL;
}

static const char *renamed_with(const struct naming *n, const char *name, size_t n_pairs)
{
    const char *now = NULL;
    for (size_t i = 0; i < n_pairs; i++) {
        const struct rename_pair *r = &n->plan->pairs.v[i];
        if (r->label)
            continue;
        const char *old = unquote(n->a, split(n->start->exact->objects.v[r->from].identity).name);
        const char *new = unquote(n->a, split(n->goal->exact->objects.v[r->to].identity).name);
        const char *next = replace_word(n->a, now ? now : name, old, new);
        now = next ? next : now;
    }
    return now;
}

static uint32_t find_in_goal(const struct naming *n, const struct object *old, const char *name)
{
    const struct catalog *goal = n->goal->exact;
    struct parts was = split(old->identity);
    for (uint32_t i = 0; i < goal->objects.n; i++) {
        const struct object *o = &goal->objects.v[i];
        if (o->kind == old->kind && strcmp(unquote(n->a, split(o->identity).name), name) == 0 &&
            str_is(was.container, old_container(n, o)))
            return i;
    }
    return OBJECT_NONE;
}

static void add_followers(const struct naming *n)
{
    size_t n_pairs = n->plan->pairs.n;
    struct candidates c = {0};
    AUTO_ERR ignored = {0};
    find_candidates(n, &c);
    for (size_t i = 0; n_pairs && i < c.from.n; i++) {
        const struct object *old = &n->start->exact->objects.v[c.from.v[i]];
        const char *name = renamed_with(n, unquote(n->a, split(old->identity).name), n_pairs);
        uint32_t to = name ? find_in_goal(n, old, name) : OBJECT_NONE;
        if (to != OBJECT_NONE && !(old->kind->flags & KIND_DATA && strcmp(old->kind->name, "sequence") != 0) &&
            find_same(n, &n->goal->exact->objects.v[to]) == OBJECT_NONE)
            add_pair(n, c.from.v[i], to, &ignored);
    }
}

/* Parts before what contains them, schemas last. */
static void sort_pairs(const struct naming *n)
{
    struct rename_pair *v = n->plan->pairs.v;
    for (size_t i = 1; i < n->plan->pairs.n; i++)
        for (size_t k = i; k > 0 && v[k].from > v[k - 1].from; k--) {
            struct rename_pair swap = v[k];
            v[k] = v[k - 1];
            v[k - 1] = swap;
        }
}

/* ---- calls ---- */

bool renames_find(struct arena *a, const struct snapshot *start, const struct snapshot *goal, struct hints *hints,
                  const struct strings *words, const struct policy *policy, struct findings *out,
                  struct rename_plan *plan, struct err *e)
{
    struct naming n = {a, start, goal, plan};
    if (hints && !follow_hints(&n, hints, out))
        return err_set(e, FAULT_FAILED, "%s has errors", hints->file->shown);
    for (size_t i = 0; i < words->n; i++)
        if (!follow_word(&n, words->v[i], e))
            return false;
    add_followers(&n);
    suggest(&n, policy);
    suggest_all_labels(&n);
    return true;
}

bool renames_accept(struct arena *a, const struct snapshot *start, const struct snapshot *goal,
                    const struct rename_question *question, struct rename_plan *plan, struct err *e)
{
    struct naming n = {a, start, goal, plan};
    if (!question->label)
        return add_pair(&n, question->from, question->to, e);
    add_label(&n, question->from, question->to, question->label, question->renamed);
    return true;
}

void renames_finish(struct arena *a, const struct snapshot *start, const struct snapshot *goal,
                    struct rename_plan *plan)
{
    struct naming n = {a, start, goal, plan};
    if (plan->pairs.n)
        add_followers(&n);
    sort_pairs(&n);
}
