/*
 * PostgreSQL's own parser (libpg_query, the grammar of PostgreSQL 15): splitting, syntax trees, PL/pgSQL. One thread
 * only: every thread that parses takes one of the process's pthread keys and never gives it back.
 *
 * Texts must be valid UTF-8 without NUL, and without longer runs of operator characters than LONGEST_RUN.
 */
#ifndef GEN_PARSE_POSTGRESQL_H
#define GEN_PARSE_POSTGRESQL_H

#include <jansson.h>
#include <stdint.h>

#include "base/mem.h"

/* Why a text does not parse. */
struct parse_error {
    const char *message; /* the parser's words, shortened to one line; in the arena of the call */
    size_t offset;       /* bytes into the text; SIZE_MAX: unknown */
    uint32_t line;       /* parse_plpgsql: line of the body, from 1; 0: unknown */
};

/* A statement as split: leading comments are part of it, the semicolon is not. */
struct parsed {
    size_t offset;
    size_t length;
};
struct parsed_list {
    struct parsed *v;
    size_t n;
    size_t cap;
};

bool parse_split(struct arena *a, struct str text, struct parsed_list *out, struct parse_error *e);

/*
 * The tree of one statement: {"CreateStmt": {…}}, owned by the caller (json_decref). NULL when it does not parse or nests
 * deeper than the reader of JSON allows (about a thousand levels of SQL). `text` of more than PARSE_TOKENS tokens may
 * exhaust the stack: the library walks trees by recursion.
 */
#define PARSE_TOKENS 20000
json_t *parse_tree(struct str text);

/* Whether a CREATE FUNCTION, CREATE PROCEDURE or DO in PL/pgSQL has a body without syntax errors. */
bool parse_plpgsql(struct arena *a, struct str text, struct parse_error *e);

#endif
