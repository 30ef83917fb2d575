/* What the files of the chain share and nobody else may know. */
#ifndef GEN_LINT_CHAIN_STATE_H
#define GEN_LINT_CHAIN_STATE_H

#include "gen/lint/chain.h"

struct chain_function {
    const char *name; /* chain_name() */
    char volatility;
};

struct chain {
    struct arena *arena;
    VEC(struct chain_relation *) relations; /* in the order they were made */
    VEC(struct chain_user_type) types;
    VEC(struct chain_function) functions;
};

struct chain_relation *chain_find(const struct chain *c, const char *name);
struct chain_user_type *chain_find_type(const struct chain *c, const char *name);

/* The name that PostgreSQL gives: "documents_title_check", cut to 63 bytes, numbered when the relation has it already.
 * `columns` may be NULL. */
const char *chain_choose_name(struct arena *a, const struct chain_relation *r, const char *columns, const char *label);

/* chain_table.c: one definition of a column or a constraint, inside CREATE TABLE or ALTER TABLE. */
void chain_add_column(struct chain *c, struct chain_relation *r, const json_t *definition);
void chain_add_constraint(struct chain *c, struct chain_relation *r, const json_t *constraint, const char *column,
                          bool is_new);
void chain_create_table(struct chain *c, const json_t *node, const char *schema);
void chain_alter_table(struct chain *c, const json_t *node);
void chain_create_index(struct chain *c, const json_t *node);
void chain_drop_column(struct chain_relation *r, const char *column);
/* A relation, known or not; a new one is not whole. */
struct chain_relation *chain_have(struct chain *c, const char *name, enum chain_relation_kind kind);

#endif
