/*
 * Fuzzes the lexer and the cutting into statements, as both engines. Whatever the bytes: tokens lie in the text, one
 * behind the other, and only the last is open; statements do too, and hold all tokens but semicolons; white space put
 * between the tokens changes no checksum where the tokens stay the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gen/source.h"
#include "gen/statements.h"
#include "schema/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t check_tokens(struct str text, enum dialect dialect)
{
    struct lexer l = {.text = text, .dialect = dialect};
    struct token t;
    size_t end = 0, n = 0;
    bool open = false;
    for (; token_next(&l, &t); n++) {
        bool raw;
        must(!open && t.length > 0 && t.offset >= end && t.length <= text.n - t.offset);
        must(t.kind != TOKEN_COMMENT || t.open);
        struct str content = token_content(text, &t, &raw);
        must(content.n <= t.length &&
             (!content.n || (content.p >= text.p && content.p + content.n <= text.p + text.n)));
        must(token_name_bytes(text, &t) <= t.length);
        end = t.offset + t.length;
        open = t.open;
    }
    must(l.longest_run <= text.n && l.run_at <= text.n);
    return n;
}

static void check_statements(struct str text, enum dialect dialect)
{
    ARENA_AUTO a = {0};
    struct span s;
    struct line_counter lines = {.text = text};
    size_t at = 0;
    while (statement_next(text, dialect, at, &s)) {
        must(s.offset >= at && s.length > 0 && s.length <= text.n - s.offset && s.next >= s.offset + s.length &&
             s.n_tokens);
        must(line_of(&lines, s.offset) >= 1);
        must(*statement_kind(&a, str_slice(text, s.offset, s.offset + s.length), dialect));
        at = s.next;
    }
    must(s.next == text.n);
}

/* The tokens of `text`, each on a line of its own. */
static void spread(struct buf *out, struct str text, enum dialect dialect)
{
    struct lexer l = {.text = text, .dialect = dialect};
    struct token t;
    while (token_next(&l, &t)) {
        buf_adds(out, token_text(text, &t));
        buf_addz(out, "\n  ");
    }
}

static bool same_tokens(struct str a, struct str b, enum dialect dialect)
{
    struct lexer l = {.text = a, .dialect = dialect}, m = {.text = b, .dialect = dialect};
    struct token t, u;
    bool more;
    while ((more = token_next(&l, &t)) == token_next(&m, &u))
        if (!more)
            return true;
        else if (!str_eq(token_text(a, &t), token_text(b, &u)))
            return false;
    return false;
}

static void check_sums(struct str text, enum dialect dialect)
{
    BUF_AUTO other = {0};
    uint8_t one[32], two[32];
    spread(&other, text, dialect);
    tokens_sha256(text, DIALECT_BIT(dialect), one);
    tokens_sha256(buf_str(&other), DIALECT_BIT(dialect), two);
    must((memcmp(one, two, sizeof one) == 0) == same_tokens(text, buf_str(&other), dialect));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Exactly as long as the text, so that a byte too far is seen. */
    char *copy = mem_strndup((const char *)data, size);
    char *exact = size ? malloc(size) : NULL;
    if (size)
        memcpy(exact, copy, size);
    free(copy);
    struct str text = {exact, size};
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
        check_tokens(text, (enum dialect)dialect);
        check_statements(text, (enum dialect)dialect);
        check_sums(text, (enum dialect)dialect);
    }
    free(exact);
    return 0;
}
