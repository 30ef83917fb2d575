/*
 * What is known of each kind of object, as data: how it is read, what it has, and how each of that is changed. A new kind
 * is a query and a row. `kinds_postgresql` and `kinds_sqlite` are the two tables.
 *
 * Templates are SQL with placeholders, expanded by gen/template.h:
 *
 *     {name}      the object's attribute `name`; {address} its address; {identity}; {words} the kind's words
 *     {parent}    the address of its parent, {parent.x} an attribute of the parent
 *     {old.x}     in a change: the attribute's value before (of the object itself)
 *     {new.x}     in a change: the value after; plain {x} means that too
 *     [ … ]       left out when any placeholder in it has no value; may be nested; "[[" is a literal bracket
 *     {literal:x} the value as a string literal
 *
 * Values are SQL already: the queries quote names and print expressions as the server does.
 */
#ifndef SCHEMA_KINDS_H
#define SCHEMA_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/revision.h"

/* What it takes to change an attribute of an object that stays. */
enum change {
    CHANGE_HIDDEN,   /* not compared: it is there for templates only */
    CHANGE_SET,      /* by `set`, or by `reset` when there is no new value */
    CHANGE_RECREATE, /* the kind's `replace` (CREATE OR REPLACE …) states it anew, in place */
    CHANGE_REPLACE,  /* the object is dropped and made anew, and with it everything that needs it */
    CHANGE_OWN,      /* code of its own decides (gen/changes_postgresql.c), by the kind's and the attribute's name */
    CHANGE_REFUSE,   /* it cannot be changed; the difference is refused by name */
};

enum attribute_flag {
    ATTRIBUTE_AFTER =
        1 << 0, /* not in the CREATE: its `set` is a statement of its own behind it, when there is a value */
    ATTRIBUTE_WEAKENS = 1 << 1, /* a change of it may weaken security: marked so (see weakens in gen/changes.h) */
    ATTRIBUTE_OWNER = 1 << 2,   /* counts with policy.owners only */
    ATTRIBUTE_GRANTS =
        1 << 3, /* counts with policy.grants only; CHANGE_OWN: a line for each grant, see kinds_postgresql.c */
    ATTRIBUTE_BLOCKED = 1 << 4, /* changing it wants everything that needs the object out of the way: a column's type */
    ATTRIBUTE_LOSSY = 1 << 5,   /* changing it may lose rows' values */
    ATTRIBUTE_ORDER = 1 << 6,   /* counts with policy.column_order only */
};

struct attribute {
    const char *name;
    enum change change;
    unsigned flags;
    const char *set;   /* template */
    const char *reset; /* template; NULL: `set` serves, with an empty group */
};

enum kind_flag {
    KIND_DATA = 1 << 0,     /* dropping it loses rows: table, column, materialized view, sequence */
    KIND_SECURITY = 1 << 1, /* dropping it weakens security: policy */
    KIND_DESTROYS = 1 << 2, /* dropping it is destructive though it holds no rows: type, schema, extension */
    KIND_REPORTED = 1 << 3, /* not modelled: a difference is refused by name */
    KIND_BLOCKS = 1 << 4, /* it keeps a column that it needs from changing its type (view, policy, rule, trigger …) */
    KIND_RELATION = 1 << 5,           /* its name shares one name space with other relations of its schema */
    KIND_TYPE = 1 << 6,               /* its name shares one name space with other types (a table's too) */
    KIND_ROUTINE = 1 << 7,            /* with a body that names things which no catalog knows it needs */
    KIND_EVENT_TRIGGER = 1 << 8,      /* counts with policy.event_triggers only */
    KIND_DEFAULT_PRIVILEGES = 1 << 9, /* counts with policy.default_privileges only */
    KIND_INLINE = 1 << 10,            /* part of its parent's CREATE when both are made, by `clause` */
    KIND_KEPT = 1 << 11,              /* never dropped unless --allow-destructive asks: extension */
    KIND_FOLLOWS = 1 << 12, /* comes and goes with its parent, only its attributes are changed: a view's column */
};

struct kind {
    const char *name;  /* "foreign table": for people and JSON */
    const char *words; /* "FOREIGN TABLE": as COMMENT ON, ALTER, DROP want it */
    /*
     * Reading: columns class, oid, sub (numbers: the object's address in pg_depend), parent_class, parent_oid, parent_sub
     * (NULL: no parent; a row whose parent is not read is not read either), identity, address, ordinal, then the
     * attributes, each by its name. Placeholders: see schema/read.h. NULL: filled by code (SQLite).
     */
    const char *query;
    const struct attribute *attributes;
    const char *create;  /* template */
    const char *clause;  /* KIND_INLINE: its place in the parent's CREATE; such kinds have `create` too */
    const char *replace; /* template of CREATE OR REPLACE …; NULL: there is none */
    const char *drop;    /* template; NULL: "DROP {words} {address}" */
    const char *rename;  /* template with {old} (an address) and {new} (a bare quoted name); NULL: cannot be renamed */
    uint16_t n_attributes;
    uint16_t flags;
    uint16_t rank; /* its index in the list */
};

/*
 * The kinds of a dialect. Their order is the order in which objects are made when nothing else decides, and in which they
 * are listed; a part's kind stands behind its parent's.
 */
struct kind_list {
    const struct kind *const *v;
    size_t n;
};
extern const struct kind_list kinds_postgresql, kinds_sqlite;

const struct kind *kind_find(const struct kind_list *kinds, const char *name); /* NULL */
/* The index of an attribute; n_attributes when there is none of that name. */
size_t kind_attribute(const struct kind *kind, const char *name);

/* Ranks of PostgreSQL's kinds. Code that treats one kind apart asks for its rank. */
enum {
    PG_SCHEMA,
    PG_EXTENSION,
    PG_COLLATION,
    PG_ENUM,
    PG_DOMAIN,
    PG_DOMAIN_CONSTRAINT,
    PG_COMPOSITE,
    PG_COMPOSITE_ATTRIBUTE,
    PG_RANGE,
    PG_SEQUENCE,
    PG_FDW,
    PG_FOREIGN_SERVER,
    PG_USER_MAPPING,
    PG_FUNCTION, /* and procedures */
    PG_AGGREGATE,
    PG_TABLE, /* ordinary and partitioned, partitions too */
    PG_FOREIGN_TABLE,
    PG_COLUMN,            /* of both */
    PG_DEFAULT,           /* of a column that is not generated */
    PG_IDENTITY_SEQUENCE, /* grants and comment of an identity column's */
    PG_SEQUENCE_OWNER,
    PG_INHERITANCE, /* of a table that is no partition */
    PG_PARTITION,   /* a table's place in a partitioned one */
    PG_CONSTRAINT,  /* primary key, unique, check, exclusion */
    PG_FOREIGN_KEY,
    PG_VIEW,
    PG_MATERIALIZED_VIEW,
    PG_VIEW_COLUMN,     /* of both: default, comment and grants */
    PG_INDEX,           /* of a materialized view too */
    PG_PARTITION_INDEX, /* of a partition: comes with the index of the whole, under a name of its own */
    PG_REPLICA_IDENTITY,
    PG_CLUSTERING, /* which index a table is clustered on */
    PG_STATISTICS,
    PG_RULE,
    PG_TRIGGER,
    PG_POLICY,
    PG_EVENT_TRIGGER,
    PG_PUBLICATION,
    PG_PUBLICATION_MEMBER,
    PG_SUBSCRIPTION,
    PG_DEFAULT_PRIVILEGES,
    PG_UNMODELLED,
    PG_KINDS
};
/* Of SQLite. */
enum {
    LITE_TABLE,
    LITE_VIRTUAL_TABLE,
    LITE_COLUMN,
    LITE_CONSTRAINT, /* primary key, unique, check; inline or of the table */
    LITE_FOREIGN_KEY,
    LITE_INDEX, /* that was made by CREATE INDEX */
    LITE_VIEW,
    LITE_TRIGGER,
    LITE_KINDS
};
/* One file for each family: kinds_relations.c, kinds_types.c, kinds_routines.c, kinds_others.c. */
extern const struct kind kind_schema, kind_extension, kind_collation, kind_enum, kind_domain, kind_domain_constraint,
    kind_composite, kind_composite_attribute, kind_range, kind_sequence, kind_fdw, kind_foreign_server,
    kind_user_mapping, kind_function, kind_aggregate, kind_table, kind_foreign_table, kind_column, kind_default,
    kind_sequence_owner, kind_inheritance, kind_partition, kind_constraint, kind_foreign_key, kind_index,
    kind_partition_index, kind_identity_sequence, kind_replica_identity, kind_clustering, kind_statistics, kind_view,
    kind_materialized_view, kind_view_column, kind_rule, kind_trigger, kind_policy, kind_event_trigger,
    kind_publication, kind_publication_member, kind_subscription, kind_default_privileges, kind_unmodelled;

#endif
