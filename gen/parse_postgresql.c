/* Calls into libpg_query; turns what it answers into offsets, trees and errors of ours. Judges nothing. */
#include "gen/parse_postgresql.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pg_query.h>

#define LONGEST_QUOTE 60

/* Byte offset of a character counted from 1. */
static size_t offset_of(struct str text, int character)
{
    if (character <= 0)
        return SIZE_MAX;
    size_t i = 0;
    for (int n = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] & 0xC0) != 0x80 && ++n == character)
            break;
    return i;
}

/* `… at or near "x"` quotes up to the end of the text when a quote is open: cut at the line's end and at a fair length. */
static const char *shorten(struct arena *a, const char *message)
{
    struct str s = str_from(message);
    const char *near = strstr(message, " at or near \"");
    if (!near)
        return arena_str(a, str_slice(s, 0, str_find(s, '\n')));
    size_t from = (size_t)(near - message) + strlen(" at or near \"");
    struct str quote = str_slice(s, from, s.n ? s.n - 1 : 0);
    size_t n = str_find(quote, '\n');
    if (n > LONGEST_QUOTE)
        for (n = LONGEST_QUOTE; n && ((unsigned char)quote.p[n] & 0xC0) == 0x80; n--)
            ;
    if (n == quote.n)
        return arena_strdup(a, message);
    return arena_printf(a, "%.*s%.*s…\"", (int)from, message, (int)n, quote.p);
}

/* "… near line 3" or "… line 3 at …": where the body is wrong. */
static uint32_t line_in_context(const char *context)
{
    const char *at = context ? strstr(context, "line ") : NULL;
    unsigned long line = at ? strtoul(at + strlen("line "), NULL, 10) : 0;
    return line <= UINT32_MAX ? (uint32_t)line : 0;
}

static bool refuse(struct arena *a, struct str text, const PgQueryError *from, struct parse_error *e)
{
    *e = (struct parse_error){
        .message = shorten(a, from->message ? from->message : "does not parse"),
        .offset = offset_of(text, from->cursorpos),
        .line = line_in_context(from->context),
    };
    return false;
}

bool parse_split(struct arena *a, struct str text, struct parsed_list *out, struct parse_error *e)
{
    char *copy = mem_strndup(text.p, text.n);
    PgQuerySplitResult r = pg_query_split_with_parser(copy);
    free(copy);
    bool ok = !r.error || refuse(a, text, r.error, e);
    for (int i = 0; ok && i < r.n_stmts; i++) {
        struct parsed s = {(size_t)r.stmts[i]->stmt_location, (size_t)r.stmts[i]->stmt_len};
        vec_push(a, out, s);
    }
    pg_query_free_split_result(r);
    return ok;
}

json_t *parse_tree(struct str text)
{
    char *copy = mem_strndup(text.p, text.n);
    PgQueryParseResult r = pg_query_parse(copy);
    free(copy);
    json_error_t ignored;
    json_auto_t *all = r.error ? NULL : json_loads(r.parse_tree, 0, &ignored);
    pg_query_free_parse_result(r);
    json_t *tree = json_object_get(json_array_get(json_object_get(all, "stmts"), 0), "stmt");
    return tree ? json_incref(tree) : NULL;
}

/* Leak checkers, when one is linked: the library forgets a buffer at each body that it refuses. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

bool parse_plpgsql(struct arena *a, struct str text, struct parse_error *e)
{
    char *copy = mem_strndup(text.p, text.n);
    if (__lsan_disable)
        __lsan_disable();
    PgQueryPlpgsqlParseResult r = pg_query_parse_plpgsql(copy);
    if (__lsan_enable)
        __lsan_enable();
    free(copy);
    bool ok = !r.error || refuse(a, text, r.error, e);
    pg_query_free_plpgsql_parse_result(r);
    return ok;
}
