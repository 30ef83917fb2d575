/*
 * Where statements begin in a body of PL/pgSQL, and where they end: by tokens. The library's own parser of PL/pgSQL gives
 * lines alone, and knows no catalog.
 *
 * Pure, and linear in the body's length as long as what was begun is either passed over or cut once.
 */
#ifndef GEN_PLPGSQL_H
#define GEN_PLPGSQL_H

#include <jansson.h>

#include "gen/statements.h"

/* Begin with {.lexer = {.text = body, .dialect = DIALECT_POSTGRESQL}}. */
struct plpgsql_reader {
    struct lexer lexer;
    bool inside; /* of a statement: the next word begins none */
    bool query;  /* what was begun last is the query of FOR … IN, which ends at LOOP */
};

/*
 * The next word that may begin a statement: behind a semicolon, a label, a word that opens a list of statements, or the IN
 * of FOR and the QUERY of RETURN. In a CASE of SQL a word behind THEN looks the same; what follows it then does not parse.
 */
bool plpgsql_next_statement(struct plpgsql_reader *r, struct token *first);
/* The statement that begins at `first`, by offsets of the body; reading goes on behind it. */
bool plpgsql_cut_statement(struct plpgsql_reader *r, const struct token *first, struct span *cut);

/* The string token that holds the body: at or behind the place of the option AS, of DO or CREATE FUNCTION. */
bool plpgsql_find_body(struct str statement, const json_t *option, struct token *body);

#endif
