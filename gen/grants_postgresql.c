/*
 * Who owns an object and who may do what with it. Grants come as lines "GRANTEE\tPRIVILEGE\tOPTION", sorted; the owner's
 * own are those of CURRENT_OWNER. What an object begins with depends on its kind and on default privileges, so that those
 * which might be in force are taken back first.
 */
#include <string.h>

#include "gen/changes_postgresql.h"

struct grant {
    struct str grantee, privilege, option;
};

/* Up to the character, which inside a quoted name is one like any other; what is behind it stays in *rest. */
static struct str cut(struct str *rest, char end)
{
    size_t i = 0;
    for (bool quoted = false; i < rest->n && (quoted || rest->p[i] != end); i++)
        quoted = quoted != (rest->p[i] == '"');
    struct str part = str_slice(*rest, 0, i);
    *rest = str_slice(*rest, i + 1, rest->n);
    return part;
}

static bool next_grant(struct str *rest, struct grant *g)
{
    if (!rest->n)
        return false;
    struct str line = cut(rest, '\n');
    g->grantee = cut(&line, '\t');
    g->privilege = cut(&line, '\t');
    g->option = line;
    return true;
}

/* 2: with the same option; 1: without looking at it. */
static int has_grant(const char *lines, const struct grant *wanted)
{
    struct grant g;
    for (struct str rest = str_from(lines ? lines : ""); next_grant(&rest, &g);)
        if (str_eq(g.grantee, wanted->grantee) && str_eq(g.privilege, wanted->privilege))
            return str_eq(g.option, wanted->option) ? 2 : 1;
    return 0;
}

/* What GRANT calls a kind; NULL: nothing is granted on it. */
static const struct grantable {
    unsigned rank;
    const char *words;
    const char *owner;    /* what its owner begins with */
    const char *everyone; /* and PUBLIC; NULL: nothing */
    const char *defaults; /* how ALTER DEFAULT PRIVILEGES calls it */
} grantables[] = {
    {PG_SCHEMA, "SCHEMA", "CREATE USAGE", NULL, "SCHEMAS"},
    {PG_ENUM, "TYPE", "USAGE", "USAGE", "TYPES"},
    {PG_DOMAIN, "DOMAIN", "USAGE", "USAGE", "TYPES"},
    {PG_COMPOSITE, "TYPE", "USAGE", "USAGE", "TYPES"},
    {PG_RANGE, "TYPE", "USAGE", "USAGE", "TYPES"},
    {PG_SEQUENCE, "SEQUENCE", "SELECT UPDATE USAGE", NULL, "SEQUENCES"},
    {PG_IDENTITY_SEQUENCE, "SEQUENCE", "SELECT UPDATE USAGE", NULL, "SEQUENCES"},
    {PG_FDW, "FOREIGN DATA WRAPPER", "USAGE", NULL, NULL},
    {PG_FOREIGN_SERVER, "FOREIGN SERVER", "USAGE", NULL, NULL},
    {PG_FUNCTION, "ROUTINE", "EXECUTE", "EXECUTE", "FUNCTIONS"},
    {PG_AGGREGATE, "ROUTINE", "EXECUTE", "EXECUTE", "FUNCTIONS"},
    {PG_TABLE, "TABLE", "DELETE INSERT REFERENCES SELECT TRIGGER TRUNCATE UPDATE", NULL, "TABLES"},
    {PG_FOREIGN_TABLE, "TABLE", "DELETE INSERT REFERENCES SELECT TRIGGER TRUNCATE UPDATE", NULL, "TABLES"},
    {PG_VIEW, "TABLE", "DELETE INSERT REFERENCES SELECT TRIGGER TRUNCATE UPDATE", NULL, "TABLES"},
    {PG_MATERIALIZED_VIEW, "TABLE", "DELETE INSERT REFERENCES SELECT TRIGGER TRUNCATE UPDATE", NULL, "TABLES"},
    {PG_COLUMN, NULL, "", NULL, NULL},
    {PG_VIEW_COLUMN, NULL, "", NULL, NULL},
};

static const struct grantable *grantable_of(const struct kind *kind)
{
    for (size_t i = 0; i < sizeof grantables / sizeof *grantables; i++)
        if (grantables[i].rank == kind->rank)
            return &grantables[i];
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------- where they begin */

static void add_beginning(struct buf *out, const char *grantee, const char *privileges)
{
    struct str rest = str_from(privileges ? privileges : ""), privilege;
    while (rest.n && str_next(&rest, ' ', &privilege))
        buf_addf(out, "%s%s\t%.*s\t", out->n ? "\n" : "", grantee, STR_ARG(privilege));
}

static const char *beginning(struct comparison *c, const struct grantable *g)
{
    BUF_AUTO lines = {0};
    bool relation = g->owner && strncmp(g->owner, "DELETE", 6) == 0;
    add_beginning(&lines, "CURRENT_OWNER", g->owner);
    if (relation && c->to->exact->version >= 170000)
        add_beginning(&lines, "CURRENT_OWNER", "MAINTAIN");
    add_beginning(&lines, "PUBLIC", g->everyone);
    return lines.n ? arena_str(c->arena, buf_str(&lines)) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------- statements */

struct target {
    const struct pair *pair;
    const char *head;   /* what stands before GRANT: "" */
    const char *on;     /* "TABLE documents" */
    const char *column; /* of a column: its name */
    const char *owner;
    bool everyone; /* PUBLIC begins with it */
};

static void write_one(struct comparison *c, const struct target *t, bool grant, struct str grantee,
                      const char *privileges, bool option, bool weakens)
{
    BUF_AUTO sql = {0};
    buf_addf(&sql, "%s%s %s%s ON %s %s ", t->head, grant ? "GRANT" : "REVOKE",
             !grant && option ? "GRANT OPTION FOR " : "", privileges, t->on, grant ? "TO" : "FROM");
    if (str_is(grantee, "CURRENT_OWNER"))
        buf_addz(&sql, t->owner ? t->owner : "CURRENT_USER");
    else
        buf_adds(&sql, grantee);
    if (grant && option)
        buf_addz(&sql, " WITH GRANT OPTION");
    add_step(c, t->pair, VERB_ALTER, weakens ? STEP_WEAKENS : 0, &sql, weakens ? "everybody may do it" : NULL);
}

static const char *old_lines(const struct comparison *c, const struct pair *p)
{
    return p->from == OBJECT_NONE ? NULL : object_value(pair_old(c, p), "grants");
}

/* One statement for each grantee: lines are sorted, so that a grantee's stand together. */
static void write_difference(struct comparison *c, const struct target *t, bool grant, const char *has,
                             const char *lacks)
{
    struct str rest = str_from(has ? has : "");
    struct grant g;
    struct str grantee = {0};
    for (int option = 0; option < 2; option++) {
        BUF_AUTO list = {0};
        bool weak = false;
        rest = str_from(has ? has : "");
        grantee = (struct str){0};
        while (next_grant(&rest, &g)) {
            int there = has_grant(lacks, &g);
            /* Taking back: all of it when the other side has nothing; only the option when it has the privilege. */
            bool wanted = grant ? there != 2 && (there == 0 || g.option.n) : there == 0 || (there == 1 && g.option.n);
            bool with = grant ? g.option.n > 0 : there == 1;
            if (!wanted || with != (option == 1))
                continue;
            if (list.n && !str_eq(g.grantee, grantee)) {
                write_one(c, t, grant, grantee, list.p, option, weak);
                buf_reset(&list);
                weak = false;
            }
            grantee = g.grantee;
            weak = weak ||
                   (grant && !t->everyone && str_is(grantee, "PUBLIC") && !has_grant(old_lines(c, t->pair), &g));
            buf_addf(&list, "%s%.*s", list.n ? ", " : "", STR_ARG(g.privilege));
            if (t->column)
                buf_addf(&list, " (%s)", t->column);
        }
        if (list.n)
            write_one(c, t, grant, grantee, list.p, option, weak);
    }
}

/* Only the grants that the policy counts. */
static const char *counted(struct comparison *c, const struct pair *p, const char *lines)
{
    const struct kind *kind = pair_kind(c, p);
    return policy_value(c->arena, &c->options->policy, &kind->attributes[kind_attribute(kind, "grants")], lines);
}

/* Of an object that is made anew: what the goal says of those who count, and what all others had. */
static const char *kept_lines(struct comparison *c, const struct pair *p, const char *goal)
{
    const char *old = old_lines(c, p), *old_counted = counted(c, p, old), *new_counted = counted(c, p, goal);
    BUF_AUTO lines = {0};
    struct grant g;
    buf_addz(&lines, new_counted ? new_counted : "");
    for (struct str rest = str_from(old ? old : ""); next_grant(&rest, &g);)
        if (!has_grant(old_counted, &g))
            buf_addf(&lines, "%.*s\t%.*s\t%.*s\n", STR_ARG(g.grantee), STR_ARG(g.privilege), STR_ARG(g.option));
    return arena_str(c->arena, buf_str(&lines));
}

/* Whoever default privileges of the start may have given something. */
static bool default_privileges_apply(const struct comparison *c, const struct grantable *g, struct strings *grantees)
{
    const struct catalog *from = c->from->exact;
    bool any = false;
    /* They stand near the end of what may be thousands. */
    for (size_t i = from->objects.n; g->defaults && i-- > 0;) {
        const struct object *o = &from->objects.v[i];
        if (o->kind->rank < PG_DEFAULT_PRIVILEGES)
            break;
        const char *on = o->kind->rank == PG_DEFAULT_PRIVILEGES ? object_value(o, "objects") : NULL;
        if (!on || strcmp(on, g->defaults) != 0)
            continue;
        any = true;
        struct grant line;
        const char *lines = object_value(o, "grants");
        for (struct str rest = str_from(lines ? lines : ""); next_grant(&rest, &line);) {
            const char *grantee = arena_str(c->arena, line.grantee);
            if (!str_is(line.grantee, "CURRENT_OWNER") && !strings_has(grantees, grantee))
                vec_push(c->arena, grantees, grantee);
        }
    }
    return any;
}

/* What stands in the way of exactly `lines` is taken back whole. */
static const char *after_defaults(struct comparison *c, const struct target *t, const struct grantable *g,
                                  const char *begin)
{
    struct strings grantees = {0};
    if (!default_privileges_apply(c, g, &grantees))
        return begin;
    strings_sort(&grantees);
    for (size_t i = 0; i < grantees.n; i++)
        write_one(c, t, false, str_from(grantees.v[i]), "ALL", false, false);
    if (g->everyone && !strings_has(&grantees, "PUBLIC"))
        write_one(c, t, false, STR("PUBLIC"), "ALL", false, false);
    BUF_AUTO lines = {0};
    add_beginning(&lines, "CURRENT_OWNER", g->owner);
    return arena_str(c->arena, buf_str(&lines));
}

/* An owner that comes had grants like anybody; they are the owner's then. */
static const char *owned_lines(struct comparison *c, const char *lines, const char *owner)
{
    BUF_AUTO out = {0};
    struct str rest = str_from(lines ? lines : "");
    struct grant g;
    while (next_grant(&rest, &g)) {
        bool is_owner = str_is(g.grantee, owner);
        buf_addf(&out, "%s%.*s\t%.*s\t%.*s", out.n ? "\n" : "", (int)(is_owner ? 13 : g.grantee.n),
                 is_owner ? "CURRENT_OWNER" : g.grantee.p, STR_ARG(g.privilege), STR_ARG(g.option));
    }
    return arena_str(c->arena, buf_str(&out));
}

/* A column's is its table's. */
static const char *owner_of(const struct catalog *catalog, const struct object *o)
{
    while (kind_attribute(o->kind, "owner") == o->kind->n_attributes && o->parent != OBJECT_NONE)
        o = &catalog->objects.v[o->parent];
    return kind_attribute(o->kind, "owner") < o->kind->n_attributes ? object_value(o, "owner") : NULL;
}

void write_grants(struct comparison *c, const struct pair *p)
{
    const struct grantable *g = grantable_of(pair_kind(c, p));
    const struct object *shown = pair_new_shown(c, p), *old = pair_old(c, p);
    bool counts = c->options->policy.grants;
    bool made = pair_comes(p);
    if (!g || (!counts && p->verdict != PAIR_REPLACED))
        return;
    struct template_values values = values_of(c, p, false);
    const char *on = !g->words                           ? template_word(&values, STR("parent"))
                     : shown->kind->rank == PG_AGGREGATE ? object_value(shown, "routine")
                                                         : shown->address;
    const struct object *exact = counts ? pair_new(c, p) : old;
    const char *owner = owner_of(counts ? c->to->exact : c->from->exact, exact);
    struct target t = {p,
                       "",
                       arena_printf(c->arena, "%s %s", g->words ? g->words : "TABLE", on),
                       g->words ? NULL : shown->address,
                       owner,
                       g->everyone != NULL};
    /* Grants that nobody compares are kept as they were when an object is made anew. */
    const char *wanted = object_value(exact, "grants");
    const char *has = made ? after_defaults(c, &t, g, beginning(c, g)) : old_lines(c, p);
    if (!made && owner && c->options->policy.owners)
        has = owned_lines(c, has, owner);
    if (counts && !made) {
        has = counted(c, p, has);
        wanted = counted(c, p, wanted);
    } else if (counts && p->verdict == PAIR_REPLACED && c->options->policy.grant_roles.n) {
        wanted = kept_lines(c, p, wanted);
    }
    write_difference(c, &t, false, has, wanted);
    write_difference(c, &t, true, wanted, has);
}

/* The object itself is nothing but its grants: from and to what everybody begins with. */
void write_default_privileges(struct comparison *c, const struct pair *p)
{
    const struct object *o = p->to != OBJECT_NONE ? pair_new(c, p) : pair_old(c, p);
    const char *schema = object_value(o, "schema"), *role = object_value(o, "role");
    const char *beginning = object_value(o, "beginning");
    const char *had = p->from == OBJECT_NONE ? beginning : object_value(pair_old(c, p), "grants");
    const char *has = p->to == OBJECT_NONE ? beginning : object_value(o, "grants");
    struct target t = {p,
                       arena_printf(c->arena, "ALTER DEFAULT PRIVILEGES FOR ROLE %s%s%s ", role,
                                    schema ? " IN SCHEMA " : "", schema ? schema : ""),
                       object_value(o, "objects"),
                       NULL,
                       role,
                       false};
    write_difference(c, &t, false, had, has);
    write_difference(c, &t, true, has, had);
}
