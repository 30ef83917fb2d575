/*
 * What one statement of a PostgreSQL section may not do, and what applying it must know of it.
 *
 * Most of it is read off the syntax tree. Calls of functions that leave state behind are found among the tokens: that
 * gives their exact place, works inside DO bodies and in statements too large for a tree, and is the same rule everywhere.
 */
#ifndef GEN_RULES_POSTGRESQL_H
#define GEN_RULES_POSTGRESQL_H

#include <jansson.h>

#include "gen/source.h"
#include "schema/tokens.h"

/* A temporary object that must be gone when the section ends. */
struct temporary {
    const char *name; /* NULL: dropped again */
    size_t offset;
};

/* One section under check. Offsets are bytes from the start of the file. */
struct section_check {
    struct findings *out;
    struct arena *arena;
    const struct text_file *file;
    const struct revision_section *section;
    VEC(struct temporary) temporaries;
};

struct statement_check {
    struct section_check *section;
    size_t offset; /* of the first token */
    struct str text;
    const char *kind;
    size_t n_tokens;
    bool nested; /* inside a DO body, which is a block wherever it runs */
    bool into;   /* a SELECT … INTO: only the tree tells what it makes */
    bool fixed;  /* `text` was decoded, so that places in it mean nothing: every finding stands at `offset` */
    struct revision_statement *out; /* flags, schema, object, table are filled in; NULL when nested */
};

/* Adds the findings of one statement that parsed. */
void rules_check_statement(struct statement_check *s);
/* What only the end of the section shows: temporary objects that are still there. */
void rules_end_section(struct section_check *c);
/* DO and CREATE FUNCTION … LANGUAGE plpgsql: what the body in `tree` does (rules_plpgsql.c). */
void rules_check_do(struct statement_check *s, const json_t *node);
void rules_check_routine(struct statement_check *s, const json_t *node);

/* The two halves of rules_check_statement: by tokens, and by the tree when the text is not too large for one. */
void rules_check_tokens(struct statement_check *s);
void rules_check_tree(struct statement_check *s);

/* Shared by the two files of rules: a finding at the statement's first token, or `at` bytes into its text. */
struct finding *rules_refuse(struct statement_check *s, size_t at, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool rules_in_transaction(const struct statement_check *s);
const char *tree_text(const json_t *node, const char *key); /* NULL when absent */
/* The argument of the DefElem `name` in a list of options, NULL when absent. */
const json_t *tree_option(const json_t *list, const char *name);

#endif
