/*
 * What a DO body does to the migrator, and whether PL/pgSQL can read a body at all.
 *
 * The statements of a DO body are found by tokens (plpgsql.h). The library's own parser of PL/pgSQL knows no catalog and
 * takes a record's field for an unknown variable, so only what it calls a syntax error or a missing word is believed.
 */
#include "gen/rules_postgresql.h"

#include <string.h>

#include "gen/parse_postgresql.h"
#include "gen/plpgsql.h"
#include "gen/statements.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* -------------------------------------------------------------------------------------------------------------- DO */

static bool is_any(struct str body, const struct token *t, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (token_is_word(body, t, words[i]))
            return true;
    return false;
}

static void end_of_transaction(struct statement_check *s, struct statement_check *body, size_t at, const char *word)
{
    s->out->flags |= STATEMENT_NO_BLOCK;
    if (!rules_in_transaction(s))
        return;
    struct finding *found = rules_refuse(body, at, "tx-control", "%s inside DO ends the migrator's transaction", word);
    err_hint(&found->err, "leave it out, or write transaction:false on the section line");
}

/* The statement that begins `at` bytes into the body, up to its semicolon. */
static void check_inner(const struct statement_check *body, size_t at)
{
    struct arena *a = body->section->arena;
    struct str rest = str_slice(body->text, at, body->text.n);
    struct parsed_list ignored = {0};
    struct parse_error e;
    struct span cut;
    if (!statement_next(rest, DIALECT_POSTGRESQL, 0, &cut) || cut.n_tokens > PARSE_TOKENS)
        return;
    struct statement_check inner = *body;
    inner.text = str_slice(rest, cut.offset, cut.offset + cut.length);
    inner.offset += body->fixed ? 0 : at + cut.offset;
    inner.kind = statement_kind(a, inner.text, DIALECT_POSTGRESQL);
    inner.n_tokens = cut.n_tokens;
    if (parse_split(a, inner.text, &ignored, &e)) /* else PL/pgSQL's own, or wrong, which others say */
        rules_check_tree(&inner);
}

static void check_body(struct statement_check *s, struct statement_check *body)
{
    static const char *const looked_at[] = {"SET",   "RESET",      "LISTEN",  "UNLISTEN", "DISCARD",
                                            "LOAD",  "DEALLOCATE", "PREPARE", "CREATE",   "DROP",
                                            "ALTER", "VACUUM",     "REINDEX"};
    static const char *const ends[] = {"COMMIT", "ROLLBACK"};
    struct plpgsql_reader r = {.lexer = {.text = body->text, .dialect = DIALECT_POSTGRESQL}};
    struct token t, next;
    rules_check_tokens(body);
    while (plpgsql_next_statement(&r, &t)) {
        struct lexer ahead = r.lexer;
        if (!token_next(&ahead, &next))
            continue;
        if (is_any(body->text, &t, ends, COUNT(ends)) &&
            (token_is_symbol(body->text, &next, ";") || token_is_word(body->text, &next, "AND")))
            end_of_transaction(s, body, t.offset, token_is_word(body->text, &t, "COMMIT") ? "COMMIT" : "ROLLBACK");
        else if (is_any(body->text, &t, looked_at, COUNT(looked_at)))
            check_inner(body, t.offset);
    }
}

/* ------------------------------------------------------------------------------------------------------------ bodies */

static bool is_plpgsql(const json_t *options, bool otherwise)
{
    const json_t *language = json_object_get(tree_option(options, "language"), "arg");
    const char *name = tree_text(json_object_get(language, "String"), "sval");
    return name ? strcmp(name, "plpgsql") == 0 : otherwise;
}

/*
 * Where the parser stopped: it says the line near which, counted from the body's first, and quotes the token.
 */
static size_t find_stop(const struct statement_check *s, const struct token *body, const struct parse_error *e)
{
    size_t at = body->offset, end = body->offset + body->length;
    for (uint32_t line = 1; line < e->line && at < end; at++)
        line += s->text.p[at] == '\n';
    bool raw;
    struct str content = token_content(s->text, body, &raw), message = str_from(e->message);
    struct str near = str_slice(message, str_find(message, '"') + 1, message.n - 1);
    size_t from = at > body->offset ? at - (size_t)(content.p - s->text.p) : 0;
    struct lexer l = {.text = content, .dialect = DIALECT_POSTGRESQL, .at = from};
    for (struct token t; near.n && token_next(&l, &t);)
        if (str_eq(token_text(content, &t), near))
            return (size_t)(content.p - s->text.p) + t.offset;
    while (at > body->offset && at < end && (s->text.p[at] == ' ' || s->text.p[at] == '\t'))
        at++;
    return at;
}

/* Whether a word of the text, or of the body in it, is one of these. */
static bool speaks_of_cursors(struct str text)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    while (token_next(&l, &t))
        if (token_is_word(text, &t, "CURSOR") || token_is_word(text, &t, "REFCURSOR"))
            return true;
    return false;
}

static void check_syntax(struct statement_check *s, const struct token *body)
{
    struct parse_error e;
    bool raw;
    /* The library does not see that a variable is a cursor, and takes FOR row IN cursor LOOP for an error. */
    if (speaks_of_cursors(s->text) || speaks_of_cursors(token_content(s->text, body, &raw)))
        return;
    if (parse_plpgsql(s->section->arena, s->text, &e))
        return;
    struct str message = str_from(e.message);
    if (!str_starts(message, STR("syntax error")) && !str_starts(message, STR("missing \"")))
        return;
    struct finding *found = rules_refuse(s, find_stop(s, body, &e), "syntax", "%s", e.message);
    err_detail(&found->err, "in a body of PL/pgSQL");
}

void rules_check_do(struct statement_check *s, const json_t *node)
{
    const json_t *args = json_object_get(node, "args"), *as = tree_option(args, "as");
    const char *decoded = tree_text(json_object_get(json_object_get(as, "arg"), "String"), "sval");
    struct token t;
    bool raw;
    if (!decoded || !is_plpgsql(args, true) || !plpgsql_find_body(s->text, as, &t))
        return;
    struct str content = token_content(s->text, &t, &raw);
    struct statement_check body = *s;
    body.nested = true;
    body.out = NULL;
    body.fixed = !raw;
    body.text = raw ? content : str_from(decoded);
    body.offset = raw ? s->offset + (size_t)(content.p - s->text.p) : s->offset + t.offset;
    check_body(s, &body);
    check_syntax(s, &t);
}

void rules_check_routine(struct statement_check *s, const json_t *node)
{
    const json_t *options = json_object_get(node, "options"), *as = tree_option(options, "as");
    struct token t;
    if (as && is_plpgsql(options, false) && plpgsql_find_body(s->text, as, &t))
        check_syntax(s, &t);
}
