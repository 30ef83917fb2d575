/*
 * Inside the comparison of PostgreSQL schemas: what its files share.
 *
 *     changes_postgresql.c   which objects are made, dropped, altered or replaced, and the actions in order
 *     verdicts_postgresql.c  attributes that code of its own decides: what can stay, what must be made anew
 *     write_postgresql.c     the statements of each action
 *     tables_postgresql.c    CREATE TABLE and columns
 *     grants_postgresql.c    grants and default privileges
 *     options_postgresql.c   lists of options
 */
#ifndef GEN_CHANGES_POSTGRESQL_H
#define GEN_CHANGES_POSTGRESQL_H

#include "gen/actions.h"
#include "gen/changes.h"
#include "gen/template.h"

enum pair_verdict {
    PAIR_SAME,
    PAIR_MADE,     /* only `to` has it */
    PAIR_DROPPED,  /* only `from` has it */
    PAIR_ALTERED,  /* it stays, and something of it changes */
    PAIR_REPLACED, /* dropped and made anew */
};

/* An object before and after: numbers in the two catalogs, or OBJECT_NONE. */
struct pair {
    uint32_t from, to;
    enum pair_verdict verdict;
    bool retyped;               /* type: made under its name while the old one steps aside; columns are moved over */
    bool handed_down;           /* default: that of the table above, which comes along with the column */
    bool moves_values;          /* column: its type changes, or is retyped */
    uint32_t drop, make, alter; /* actions, or ACTION_NONE */
};
#define ACTION_NONE UINT32_MAX

enum step_of { ACTION_DROP, ACTION_MAKE, ACTION_ALTER };
struct action_of {
    uint32_t pair;
    enum step_of what;
    bool disabled;
};

struct comparison {
    struct arena *arena;
    struct change_list *out;
    const struct change_options *options;
    const struct snapshot *from, *to;
    VEC(struct pair) pairs; /* by kind and identity */
    uint32_t *pair_of_from, *pair_of_to;
    struct needed_by from_needed, to_needed;
    struct actions actions;
    VEC(struct action_of) owner_of_action; /* parallel to actions.v */
    /* The first step and the one behind the last of each action, once it is written. */
    struct span_of_steps {
        uint32_t first, end;
    } * steps_of;
    uint32_t writing; /* the action that is being written */
};

/* exact objects for comparing, shown ones for writing; NULL where the pair has none. */
const struct object *pair_old(const struct comparison *c, const struct pair *p);
const struct object *pair_new(const struct comparison *c, const struct pair *p);
const struct object *pair_old_shown(const struct comparison *c, const struct pair *p);
const struct object *pair_new_shown(const struct comparison *c, const struct pair *p);
const struct kind *pair_kind(const struct comparison *c, const struct pair *p);
struct pair *pair_of_old(const struct comparison *c, uint32_t object);
struct pair *pair_of_new(const struct comparison *c, uint32_t object);
/* The pair of what the object is a part of; NULL: of nothing. */
struct pair *pair_parent(const struct comparison *c, const struct pair *p);
bool pair_comes(const struct pair *p);           /* made or replaced */
bool pair_goes(const struct pair *p);            /* dropped or replaced */
bool is_same_text(const char *a, const char *b); /* NULL equals NULL alone */

/* Refuses a difference: "column public.t.c: …", with the hint that serves where there is no better one; returns it. */
struct err *refuse_pair(struct comparison *c, const struct pair *p, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- verdicts_postgresql.c ---- */

/* For a pair with both sides whose attribute differs, with CHANGE_OWN: PAIR_ALTERED, PAIR_REPLACED, or PAIR_SAME (refused). */
enum pair_verdict own_verdict(struct comparison *c, struct pair *p, const struct attribute *attribute);
/* "NOT VALID", or nothing. */
bool is_validity(const struct attribute *attribute);
/* The same for CHANGE_RECREATE: whether CREATE OR REPLACE takes it. */
enum pair_verdict recreate_verdict(const struct comparison *c, const struct pair *p);
/* Whether every label of the old enum is in the new one, in the same order. */
bool labels_only_grow(const char *old, const char *new);
/* Whether a column of the old type takes the new one without a conversion that somebody must ask for. */
enum conversion { CONVERSION_ASSIGNED, CONVERSION_MAY_FAIL, CONVERSION_LOSES, CONVERSION_EXPLICIT };
enum conversion type_conversion(const char *old, const char *new, bool *rewrites);

/* ---- write_postgresql.c ---- */

/* Appends the steps of one action and of its parts. */
void write_action(struct comparison *c, uint32_t whole, const uint32_t *parts, size_t n_parts);
/* A step of the action that is being written. `note` may be NULL. */
struct change_step *add_step(struct comparison *c, const struct pair *p, enum verb verb, unsigned flags,
                             const struct buf *sql, const char *note);
/* What the attributes that are not in a CREATE want said behind it. */
void write_after(struct comparison *c, const struct pair *p);
/* ---- options_postgresql.c ---- */

/* An attribute whose value is a list of options, "name=value" a line: SET, RESET, or OPTIONS (ADD, SET, DROP). */
void write_list_change(struct comparison *c, const struct pair *p, const struct attribute *attribute);
struct template_values values_of(const struct comparison *c, const struct pair *p, bool of_old);

/* ---- tables_postgresql.c ---- */

/* A table, foreign table, composite type or domain with those of its parts that stand inside its CREATE. */
void write_create_whole(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n_parts);
void write_add_column(struct comparison *c, const struct pair *p, const uint32_t *parts, size_t n_parts);
/* One attribute of a column with CHANGE_OWN. */
void write_column_change(struct comparison *c, const struct pair *p, const struct attribute *attribute);
/* ALTER TABLE … ALTER COLUMN … TYPE, with what USING it takes. `through`: cast through this type, NULL: none. */
void write_type_change(struct comparison *c, const struct pair *p, const char *through);
void set_not_null_online(struct comparison *c, const struct pair *p);

/* ---- grants_postgresql.c ---- */

/* GRANT and REVOKE from the old lines to the new ones; of an object that is made, from what it begins with. */
void write_grants(struct comparison *c, const struct pair *p);
void write_default_privileges(struct comparison *c, const struct pair *p);

#endif
