/* Two catalogs side by side: which objects only one of them has, and which attributes of the others differ. */
#include <string.h>

#include "schema/catalog.h"

bool policy_counts(const struct policy *policy, const struct attribute *attribute)
{
    if (attribute->change == CHANGE_HIDDEN)
        return false;
    if ((attribute->flags & ATTRIBUTE_OWNER) && !policy->owners)
        return false;
    if ((attribute->flags & ATTRIBUTE_GRANTS) && !policy->grants)
        return false;
    return !(attribute->flags & ATTRIBUTE_ORDER) || policy->column_order;
}

bool policy_counts_kind(const struct policy *policy, const struct kind *kind)
{
    if ((kind->flags & KIND_EVENT_TRIGGER) && !policy->event_triggers)
        return false;
    return !(kind->flags & KIND_DEFAULT_PRIVILEGES) || policy->default_privileges;
}

/* ---- one attribute ---- */

/* The next line of *text with its end; a line end inside a quoted name does not end it. */
static struct str next_grant(const char **text)
{
    const char *begin = *text, *p = begin;
    for (bool quoted = false; *p && (quoted || *p != '\n'); p++)
        if (*p == '"')
            quoted = !quoted;
    *text = *p ? p + 1 : p;
    return (struct str){begin, (size_t)(*text - begin)};
}

/* Whether the line's grantee, quoted where SQL wants it, is the role. */
static bool is_to(struct str grant, const char *role)
{
    const char *p = grant.p, *end = grant.p + grant.n;
    bool quoted = p < end && *p == '"';
    for (p += quoted; *role; role++) {
        if (p == end || *p != *role)
            return false;
        p += quoted && *p == '"' ? 2 : 1;
    }
    return p + quoted < end && (!quoted || *p == '"') && p[quoted] == '\t';
}

static bool is_counted(struct str grant, const struct strings *roles)
{
    for (size_t i = 0; i < roles->n; i++)
        if (is_to(grant, roles->v[i]))
            return true;
    return false;
}

static struct str next_counted(const char **text, const struct strings *roles)
{
    while (*text && **text) {
        struct str grant = next_grant(text);
        if (is_counted(grant, roles))
            return str_trim(grant);
    }
    return (struct str){0};
}

/* Lines are sorted, so those that count can be walked together. */
static bool same_grants(const char *a, const char *b, const struct strings *roles)
{
    for (;;) {
        struct str x = next_counted(&a, roles), y = next_counted(&b, roles);
        if (!x.p || !y.p)
            return !x.p && !y.p;
        if (!str_eq(x, y))
            return false;
    }
}

static bool same_value(const struct attribute *attribute, const char *a, const char *b, const struct policy *policy)
{
    if ((attribute->flags & ATTRIBUTE_GRANTS) && policy->grant_roles.n)
        return same_grants(a, b, &policy->grant_roles);
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const char *policy_value(struct arena *a, const struct policy *policy, const struct attribute *attribute,
                         const char *value)
{
    BUF_AUTO counted = {0};
    if (!value || !(attribute->flags & ATTRIBUTE_GRANTS) || !policy->grant_roles.n)
        return value;
    for (struct str grant; (grant = next_counted(&value, &policy->grant_roles)).p;) {
        buf_adds(&counted, grant);
        buf_addc(&counted, '\n');
    }
    return counted.n ? arena_str(a, buf_str(&counted)) : NULL;
}

/* ---- two catalogs ---- */

struct comparison {
    struct arena *arena;
    const struct policy *policy;
    struct differences *out;
};

static void add(struct comparison *c, struct difference d)
{
    vec_push(c->arena, c->out, d);
}

static void compare_objects(struct comparison *c, const struct object *wanted, const struct object *found)
{
    const struct kind *kind = wanted->kind;
    for (uint16_t i = 0; i < kind->n_attributes; i++)
        if (policy_counts(c->policy, &kind->attributes[i]) &&
            !same_value(&kind->attributes[i], wanted->values[i], found->values[i], c->policy))
            add(c, (struct difference){VERDICT_DIFFERENT, wanted, found, i});
}

static int order_of(const struct object *a, const struct object *b)
{
    if (a->kind->rank != b->kind->rank)
        return a->kind->rank < b->kind->rank ? -1 : 1;
    return strcmp(a->identity, b->identity);
}

/*
 * An object that only one side has. `alone` says of each object of that side whether it or something that it is a part
 * of is missing on the other; parents come first, so theirs is known.
 */
static void take_alone(struct comparison *c, const struct catalog *side, uint32_t i, bool *alone, bool is_wanted)
{
    const struct object *o = &side->objects.v[i];
    bool told = o->parent != OBJECT_NONE && alone[o->parent];
    alone[i] = true;
    if (!told && policy_counts_kind(c->policy, o->kind))
        add(c, is_wanted ? (struct difference){.verdict = VERDICT_MISSING, .wanted = o}
                         : (struct difference){.verdict = VERDICT_UNEXPECTED, .found = o});
}

void catalog_compare(struct arena *a, const struct catalog *wanted, const struct catalog *found,
                     const struct policy *policy, struct differences *out)
{
    struct comparison c = {a, policy, out};
    bool *only_wanted = ARENA_ARRAY(a, bool, wanted->objects.n), *only_found = ARENA_ARRAY(a, bool, found->objects.n);
    uint32_t w = 0, f = 0;
    while (w < wanted->objects.n || f < found->objects.n) {
        int order = w == wanted->objects.n  ? 1
                    : f == found->objects.n ? -1
                                            : order_of(&wanted->objects.v[w], &found->objects.v[f]);
        if (order < 0) {
            take_alone(&c, wanted, w++, only_wanted, true);
        } else if (order > 0) {
            take_alone(&c, found, f++, only_found, false);
        } else {
            if (policy_counts_kind(policy, wanted->objects.v[w].kind))
                compare_objects(&c, &wanted->objects.v[w], &found->objects.v[f]);
            w++;
            f++;
        }
    }
}

/* ---- for people ---- */

enum { LONGEST_VALUE = 120 };

/* On one line and not too long, cut between characters. */
static void add_value(struct buf *out, const char *value)
{
    size_t n = strlen(value), cut = n;
    if (n > LONGEST_VALUE)
        for (cut = LONGEST_VALUE; cut && ((unsigned char)value[cut] & 0xC0) == 0x80; cut--)
            continue;
    for (size_t i = 0; i < cut; i++)
        buf_addc(out, (unsigned char)value[i] < ' ' ? ' ' : value[i]);
    if (cut < n)
        buf_addz(out, "…");
}

static void add_change(struct buf *out, const char *attribute, const char *wanted, const char *found)
{
    buf_addf(out, ": %s ", attribute);
    if (found) {
        buf_addz(out, "is ");
        add_value(out, found);
        buf_addz(out, wanted ? ", not " : ", should not be set");
    } else {
        buf_addz(out, "is not set, should be ");
    }
    if (wanted)
        add_value(out, wanted);
}

void difference_describe(struct buf *out, const struct difference *d)
{
    BUF_AUTO text = {0};
    object_describe(&text, d->wanted ? d->wanted : d->found);
    for (size_t i = 0; i < text.n; i++)
        buf_addc(out, (unsigned char)text.p[i] < ' ' ? ' ' : text.p[i]);
    switch (d->verdict) {
    case VERDICT_MISSING:
        buf_addz(out, " is missing");
        break;
    case VERDICT_UNEXPECTED:
        buf_addz(out, " is not expected");
        break;
    case VERDICT_DIFFERENT:
        add_change(out, d->wanted->kind->attributes[d->attribute].name, d->wanted->values[d->attribute],
                   d->found->values[d->attribute]);
        break;
    }
}
