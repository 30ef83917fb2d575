/* Statements in bodies of PL/pgSQL, found by tokens. Pure. */
#include "gen/plpgsql.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Words behind which a statement begins. */
static bool opens_statement(struct str body, const struct token *t)
{
    static const char *const words[] = {"BEGIN", "THEN", "ELSE", "LOOP", "IN", "QUERY"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (token_is_word(body, t, words[i]))
            return true;
    return token_is_symbol(body, t, ";") || token_is_symbol(body, t, ">>");
}

bool plpgsql_next_statement(struct plpgsql_reader *r, struct token *first)
{
    struct str body = r->lexer.text;
    bool query = false;
    for (struct token t; token_next(&r->lexer, &t);) {
        bool begins = !r->inside && t.kind == TOKEN_WORD;
        r->inside = !opens_statement(body, &t);
        if (begins) {
            r->query = query;
            *first = t;
            return true;
        }
        query = token_is_word(body, &t, "IN");
    }
    return false;
}

/* From `at` to LOOP, or to a semicolon where there is none. */
static bool cut_query(struct str body, size_t at, struct span *cut)
{
    struct lexer l = {.text = body, .dialect = DIALECT_POSTGRESQL, .at = at};
    *cut = (struct span){.offset = at};
    for (struct token t; token_next(&l, &t); cut->n_tokens++) {
        if (token_is_word(body, &t, "LOOP") || token_is_symbol(body, &t, ";"))
            break;
        cut->length = t.offset + t.length - at;
    }
    cut->next = l.at;
    return cut->n_tokens;
}

bool plpgsql_cut_statement(struct plpgsql_reader *r, const struct token *first, struct span *cut)
{
    struct str body = r->lexer.text;
    bool ok = r->query ? cut_query(body, first->offset, cut)
                       : statement_next(body, DIALECT_POSTGRESQL, first->offset, cut);
    if (ok) {
        r->lexer = (struct lexer){.text = body, .dialect = DIALECT_POSTGRESQL, .at = cut->next};
        r->inside = false;
    }
    return ok;
}

bool plpgsql_find_body(struct str statement, const json_t *option, struct token *body)
{
    size_t at = (size_t)json_integer_value(json_object_get(option, "location"));
    struct lexer l = {.text = statement, .dialect = DIALECT_POSTGRESQL};
    while (token_next(&l, body))
        if (body->offset >= at && body->kind == TOKEN_STRING)
            return true;
    return false;
}
