/*
 * The schema as the revisions before leave it, as far as syntax trees tell: enough for rules that must know a column's
 * type, whether a constraint is valid, or whether a table is new. What DO bodies and functions do is not known, so every
 * question has "unknown" for an answer, and a rule then judges by the text alone.
 *
 * Names are as the catalog spells them. A missing schema and "public" are the same.
 *
 * Pure: no I/O, no findings. Everything lives in the arena that it was made with.
 */
#ifndef GEN_LINT_CHAIN_H
#define GEN_LINT_CHAIN_H

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"

struct chain;

struct chain_type {
    const char
        *name; /* canonical, without pg_catalog: "int4", "varchar", "timestamptz"; others "schema.name" or "name" */
    int32_t modifiers[2];
    uint8_t n_modifiers;
    bool array;
};

struct chain_column {
    const char *name;
    struct chain_type type;
    const char *collation; /* NULL: the type's own */
    bool not_null, has_default;
    bool stored; /* GENERATED … STORED */
    bool identity;
};

enum chain_constraint_kind { CHAIN_CHECK, CHAIN_PRIMARY, CHAIN_UNIQUE, CHAIN_FOREIGN, CHAIN_EXCLUDE };

struct chain_constraint {
    const char *name; /* as written, or as PostgreSQL would name it */
    enum chain_constraint_kind kind;
    bool valid;
    struct strings columns;      /* of CHECK: those that it speaks of */
    const char *not_null_column; /* of CHECK (column IS NOT NULL) alone, else NULL */
    struct strings not_null;     /* of CHECK: columns of which it demands IS NOT NULL, alone or with AND */
    const char *parent;          /* FOREIGN KEY: chain_name() of the other table */
};

struct chain_index {
    const char *name;
    struct strings columns; /* an expression is "" */
    bool unique, partial;
};

enum chain_relation_kind { CHAIN_TABLE, CHAIN_VIEW, CHAIN_MATERIALIZED_VIEW, CHAIN_SEQUENCE, CHAIN_FOREIGN_TABLE };

struct chain_relation {
    const char *name; /* chain_name() */
    enum chain_relation_kind kind;
    bool whole; /* every column is known; not so after CREATE TABLE AS, LIKE, INHERITS of something unknown */
    bool partitioned;
    const char *partition_of; /* chain_name(), or NULL */
    struct strings keys;      /* of a partitioned table: the columns it is partitioned by; an expression is "" */
    VEC(struct chain_column) columns;
    VEC(struct chain_constraint) constraints;
    VEC(struct chain_index) indexes;
    struct strings reads; /* a view: relations that its query names */
    struct strings names; /* of columns that its query speaks of, "*" for all of them */
};

enum chain_object_kind { CHAIN_ENUM, CHAIN_DOMAIN, CHAIN_OTHER_TYPE };

struct chain_user_type {
    const char *name; /* chain_name() */
    enum chain_object_kind kind;
    struct chain_type base; /* of a domain */
    bool constrained;       /* a domain with CHECK or NOT NULL, or over one */
    bool not_null;          /* a domain's own */
    bool has_default;
    const char *volatile_default; /* the volatile function that the default of a domain calls, or NULL */
    struct strings checks;        /* names of a domain's own */
};

struct chain *chain_new(struct arena *a);

/* "public.documents": what the lists above and lint_section.made hold. `schema` NULL: public. */
const char *chain_name(struct arena *a, const char *schema, const char *name);
const char *chain_name_of(struct arena *a, const json_t *range_var_or_names);

/* NULL: unknown. */
const struct chain_relation *chain_relation(const struct chain *c, const char *name);
const struct chain_column *chain_column(const struct chain_relation *r, const char *column);
const struct chain_constraint *chain_constraint(const struct chain_relation *r, const char *constraint);
/* The relation that has the index, and the index; NULL: unknown. */
const struct chain_relation *chain_index(const struct chain *c, const char *name, const struct chain_index **index);
const struct chain_user_type *chain_user_type(const struct chain *c, const char *name);
/* The one that a column's type names; NULL: it is PostgreSQL's own, or unknown. */
const struct chain_user_type *chain_type_object(const struct chain *c, const struct chain_type *type);
/*
 * 'i', 's', 'v': what CREATE FUNCTION said of a function of that chain_name(), the worst of those that share the name;
 * '\0': no such function is known.
 */
char chain_volatility(const struct chain *c, const char *name);
/* The first function in an expression that may give another value for each row, as it was written; NULL: none is known. */
const char *chain_volatile_call(const struct chain *c, struct arena *a, const json_t *expression);
/* Whether no row can hold NULL in the column: NOT NULL, or a valid CHECK says so. */
bool chain_proves_not_null(const struct chain_relation *r, const char *column);
/* The name that the constraint has, or would get if it were added to the relation (or one of that name) now. */
const char *chain_constraint_name(struct arena *a, const struct chain_relation *r, const char *relation,
                                  const json_t *constraint, const char *column);
/*
 * A name that PostgreSQL would choose ("documents_title_key"), free in the relation; cut to 63 bytes. `r` NULL: only its
 * chain_name() is known. `columns` NULL: none.
 */
const char *chain_free_name(struct arena *a, const struct chain_relation *r, const char *relation, const char *columns,
                            const char *label);
/* Columns joined with "_", as it goes into such a name. */
const char *chain_join_columns(struct arena *a, const struct strings *columns);
/* Columns that an expression names, each once, in order. */
void chain_columns_of(struct arena *a, const json_t *expression, struct strings *out);
/* Walks all relations, in the order they were made; *at begins at 0. NULL at the end. */
const struct chain_relation *chain_next(const struct chain *c, size_t *at);

/* A TypeName node. */
struct chain_type chain_type_of(struct arena *a, const json_t *type_name);
bool chain_type_equal(const struct chain_type *a, const struct chain_type *b);
/* As SQL would spell it: "character varying(80)", for messages. */
const char *chain_type_text(struct arena *a, const struct chain_type *t);

/* What the statement with this tree changes. */
void chain_apply(struct chain *c, const json_t *tree);
/* The relations that the statement makes: CREATE TABLE, TABLE AS, VIEW, SEQUENCE …, RENAME TO of one that is in the list. */
void chain_made(const json_t *tree, struct strings *made, struct arena *a);

#endif
