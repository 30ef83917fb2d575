/*
 * The statements in bodies of DO and of functions, under the same rules, each at its own place in the file.
 *
 * A body is read by tokens; what is cut from it counts as a statement when it parses. A body or literal with escapes is
 * decoded first, and then all of it stands where its string begins.
 */
#include <string.h>

#include "gen/lint/statement.h"
#include "gen/parse_postgresql.h"
#include "gen/plpgsql.h"
#include "gen/rules_postgresql.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A DO in an EXECUTE in a DO: nobody wrote more than this by hand. */
#define MOST_NESTED 4

static enum lint_nest nest_of(const struct lint_statement *outer, enum lint_nest inner)
{
    return outer->nest == NEST_ROUTINE ? NEST_ROUTINE : inner;
}

/* A text that stands in the outer statement, `at` bytes into it; or, decoded, instead of the string there. */
static struct lint_statement inner_text(const struct lint_statement *outer, struct str text, size_t at, bool decoded,
                                        enum lint_nest nest)
{
    return (struct lint_statement){
        .section = outer->section,
        .index = outer->index,
        .offset = outer->offset + (outer->fixed ? 0 : at),
        .text = text,
        .kind = "",
        .nest = nest_of(outer, nest),
        .fixed = outer->fixed || decoded,
        .depth = outer->depth + 1,
        .node_name = "",
    };
}

static struct lint_statement piece_of(const struct lint_statement *body, const struct span *cut)
{
    struct lint_statement s = *body;
    s.text = str_slice(body->text, cut->offset, cut->offset + cut->length);
    s.offset += body->fixed ? 0 : cut->offset;
    s.kind = statement_kind(body->section->arena, s.text, DIALECT_POSTGRESQL);
    return s;
}

/* ----------------------------------------------------------------------------------------------- a statement of a body */

static bool may_be_parsed(struct str text, size_t n_tokens)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    for (struct token t; l.longest_run <= LONGEST_RUN && token_next(&l, &t);)
        ;
    return n_tokens <= PARSE_TOKENS && l.longest_run <= LONGEST_RUN;
}

/* PL/pgSQL's RETURNING … INTO variable is no SQL: blanks, so that everything else keeps its place. */
static struct str without_into(struct arena *a, struct str text)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    bool returning = false;
    for (struct token t; token_next(&l, &t);) {
        returning |= token_is_word(text, &t, "RETURNING");
        if (!returning || !token_is_word(text, &t, "INTO"))
            continue;
        char *copy = arena_str(a, text);
        memset(copy + t.offset, ' ', text.n - t.offset);
        return (struct str){copy, text.n};
    }
    return text;
}

static json_t *parse_piece(const struct lint_statement *s)
{
    json_t *tree = parse_tree(s->text);
    if (tree || !kind_writes_rows(s->kind))
        return tree;
    struct str text = without_into(s->section->arena, s->text);
    return text.p == s->text.p ? NULL : parse_tree(text);
}

/* SELECT … INTO is a table to SQL and a variable to PL/pgSQL. */
static bool fills_variable(const json_t *tree)
{
    const json_t *select = json_object_get(tree, "SelectStmt");
    while (json_object_get(select, "larg"))
        select = json_object_get(select, "larg");
    return json_object_get(select, "intoClause");
}

/* What a routine makes is new to the statements behind it there, and to nobody else (lint_bodies() takes it back). */
static void run_piece(const struct lint_statement *body, const struct span *cut, bool plpgsql)
{
    struct lint_section *section = body->section;
    struct lint_statement s = piece_of(body, cut);
    if (!may_be_parsed(s.text, cut->n_tokens))
        return;
    json_auto_t *tree = parse_piece(&s);
    if (!tree || (plpgsql && fills_variable(tree)))
        return;
    s.tree = tree;
    lint_statement_run(&s);
    if (s.nest == NEST_ROUTINE)
        chain_made(tree, &section->made, section->arena);
}

static void run_sql(const struct lint_statement *body)
{
    struct span cut;
    for (size_t at = 0; statement_next(body->text, DIALECT_POSTGRESQL, at, &cut); at = cut.next)
        run_piece(body, &cut, false);
}

/* ------------------------------------------------------------------------------------------------------------- EXECUTE */

/* The text that a string stands for, where a token of it is. */
static const char *decode(struct arena *a, struct str string)
{
    json_auto_t *tree = parse_tree(str_from(arena_printf(a, "SELECT %.*s", STR_ARG(string))));
    const json_t *targets = json_object_get(json_object_get(tree, "SelectStmt"), "targetList");
    const json_t *value = json_object_get(json_object_get(json_array_get(targets, 0), "ResTarget"), "val");
    const json_t *constant = json_object_get(json_object_get(value, "A_Const"), "sval");
    return arena_strdup(a, json_string_value(json_object_get(constant, "sval")));
}

static bool ends_text(struct str text, const struct token *t)
{
    return token_is_word(text, t, "INTO") || token_is_word(text, t, "USING");
}

/* Behind EXECUTE: 'text', or format('text') with nothing to put in. */
static bool find_literal(struct str text, struct token *literal)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    bool raw, format;
    if (!token_next(&l, &t) || !token_next(&l, literal))
        return false;
    format = token_is_word(text, literal, "FORMAT");
    if (format && (!token_next(&l, &t) || !token_is_symbol(text, &t, "(") || !token_next(&l, literal)))
        return false;
    if (literal->kind != TOKEN_STRING || literal->open)
        return false;
    struct str content = token_content(text, literal, &raw);
    if (format && (str_find(content, '%') < content.n || !token_next(&l, &t) || !token_is_symbol(text, &t, ")")))
        return false;
    return !token_next(&l, &t) || ends_text(text, &t);
}

static void run_literal(const struct lint_statement *s, const struct token *literal)
{
    bool raw;
    struct str content = token_content(s->text, literal, &raw);
    const char *decoded = raw ? NULL : decode(s->section->arena, token_text(s->text, literal));
    if (!raw && !decoded)
        return;
    size_t at = raw ? (size_t)(content.p - s->text.p) : literal->offset;
    struct lint_statement inner = inner_text(s, raw ? content : str_from(decoded), at, !raw, s->nest);
    if (inner.depth <= MOST_NESTED)
        run_sql(&inner);
}

static void run_execute(const struct lint_statement *body, const struct span *cut)
{
    struct lint_statement s = piece_of(body, cut);
    struct token literal;
    if (!may_be_parsed(s.text, cut->n_tokens))
        return;
    if (find_literal(s.text, &literal))
        run_literal(&s, &literal);
    else if (s.nest == NEST_DO)
        lint_found(&s, "dynamic-sql", 0, "EXECUTE of a text that is built when it runs");
}

/* -------------------------------------------------------------------------------------------------------------- PL/pgSQL */

/* Words that begin a statement of SQL; what begins with another one is PL/pgSQL's own. */
static bool begins_sql(struct str body, const struct token *t)
{
    static const char *const words[] = {"ALTER",  "ANALYZE", "CALL",     "CLUSTER", "COMMENT", "COPY",
                                        "CREATE", "DELETE",  "DO",       "DROP",    "GRANT",   "IMPORT",
                                        "INSERT", "LOCK",    "MERGE",    "REFRESH", "REINDEX", "REVOKE",
                                        "SELECT", "SET",     "TRUNCATE", "UPDATE",  "VACUUM",  "WITH"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (token_is_word(body, t, words[i]))
            return true;
    return false;
}

static void run_plpgsql(const struct lint_statement *body)
{
    struct plpgsql_reader r = {.lexer = {.text = body->text, .dialect = DIALECT_POSTGRESQL}};
    struct span cut;
    for (struct token first; plpgsql_next_statement(&r, &first);) {
        bool execute = token_is_word(body->text, &first, "EXECUTE");
        if ((!execute && !begins_sql(body->text, &first)) || !plpgsql_cut_statement(&r, &first, &cut))
            continue;
        if (execute)
            run_execute(body, &cut);
        else
            run_piece(body, &cut, true);
    }
}

/* ------------------------------------------------------------------------------------------------------- DO, functions */

/* BEGIN ATOMIC … END: what is between. */
static bool find_atomic(struct str text, struct span *between)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    struct token t, before = {0};
    bool found = false;
    *between = (struct span){0};
    for (; token_next(&l, &t); before = t) {
        if (!found && token_is_word(text, &t, "ATOMIC") && token_is_word(text, &before, "BEGIN")) {
            found = true;
            between->offset = t.offset + t.length;
        }
        if (found && t.offset >= between->offset && token_is_word(text, &t, "END"))
            between->length = t.offset - between->offset;
    }
    return found;
}

static void run_atomic(const struct lint_statement *s)
{
    struct span between;
    if (!find_atomic(s->text, &between))
        return;
    struct str text = str_slice(s->text, between.offset, between.offset + between.length);
    struct lint_statement body = inner_text(s, text, between.offset, false, NEST_ROUTINE);
    run_sql(&body);
}

/* The body behind AS; `language` is the one that a statement without LANGUAGE means. */
static void run_string(const struct lint_statement *s, const json_t *options, const char *language, enum lint_nest nest)
{
    const json_t *as = tree_option(options, "as"), *named = tree_option(options, "language");
    const json_t *value = json_object_get(as, "arg"), *list = json_object_get(json_object_get(value, "List"), "items");
    const char *decoded = tree_string(list ? json_array_get(list, 0) : value);
    struct token t;
    bool raw;
    if (named)
        language = tree_string(json_object_get(named, "arg"));
    bool plpgsql = language && strcmp(language, "plpgsql") == 0, sql = language && strcmp(language, "sql") == 0;
    if (!decoded || !(plpgsql || sql) || json_array_size(list) > 1 || !plpgsql_find_body(s->text, as, &t))
        return;
    struct str content = token_content(s->text, &t, &raw);
    const char *copy = raw ? NULL : arena_strdup(s->section->arena, decoded);
    struct lint_statement body = inner_text(s, raw ? content : str_from(copy),
                                            raw ? (size_t)(content.p - s->text.p) : t.offset, !raw, nest);
    if (plpgsql)
        run_plpgsql(&body);
    else
        run_sql(&body);
}

void lint_bodies(struct lint_statement *s)
{
    if (s->depth >= MOST_NESTED)
        return;
    const json_t *block = json_object_get(s->tree, "DoStmt"), *routine = json_object_get(s->tree, "CreateFunctionStmt");
    if (block)
        run_string(s, json_object_get(block, "args"), "plpgsql", NEST_DO);
    if (!routine)
        return;
    size_t made = s->section->made.n;
    if (json_object_get(routine, "sql_body"))
        run_atomic(s);
    else
        run_string(s, json_object_get(routine, "options"), NULL, NEST_ROUTINE);
    s->section->made.n = made;
}
