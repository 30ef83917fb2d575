/* The lexer of tokens.h and the checksum over tokens. Pure. */
#include "schema/tokens.h"

#include <string.h>

#include "base/hash.h"

/* ------------------------------------------------------------------------------------------------------- characters */

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool is_hex(int c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

static bool is_operator(int c)
{
    return c > 0 && strchr("~!@#^&|`?+-*/%<>=", c);
}

/* The byte `ahead` of the position, -1 behind the end. */
static int peek(const struct lexer *l, size_t ahead)
{
    return ahead < l->text.n - l->at ? (unsigned char)l->text.p[l->at + ahead] : -1;
}

/* --------------------------------------------------------------------------------------------------------- comments */

/* PostgreSQL's nest, SQLite's do not. False when the text ends first. */
static bool skip_block_comment(struct lexer *l)
{
    size_t depth = 1;
    l->at += 2;
    for (;;) {
        const char *from = l->text.p + l->at;
        int c = peek(l, 0), d = peek(l, 1);
        if (c < 0)
            return false;
        if (c == '*' && d == '/') {
            l->at += 2;
            if (--depth == 0)
                return true;
        } else if (c == '/' && d == '*' && l->dialect == DIALECT_POSTGRESQL) {
            depth++;
            l->at += 2;
        } else if (c == '*' || c == '/') {
            l->at++;
        } else {
            const char *end = l->text.p + l->text.n;
            while (from < end && *from != '*' && *from != '/')
                from++;
            l->at = (size_t)(from - l->text.p);
        }
    }
}

static void skip_line_comment(struct lexer *l)
{
    for (int c = peek(l, 0); c >= 0 && c != '\n' && !(c == '\r' && l->dialect == DIALECT_POSTGRESQL); c = peek(l, 0))
        l->at++;
}

static void note_run(struct lexer *l, size_t n)
{
    if (n <= l->longest_run)
        return;
    l->longest_run = n;
    l->run_at = l->at;
}

/* How far operator characters reach from here; counted once per run. */
static void measure_run(struct lexer *l)
{
    if (l->at < l->measured_to)
        return;
    size_t n = 0;
    while (is_operator(peek(l, n)))
        n++;
    l->measured_to = l->at + n;
    note_run(l, n);
}

/* Skips white space and comments; false: an open comment begins at *open. */
static bool skip_blank(struct lexer *l, size_t *open)
{
    for (;;) {
        int c = peek(l, 0), d = peek(l, 1);
        if (is_space(c)) {
            l->at++;
        } else if (c == '-' && d == '-') {
            skip_line_comment(l);
        } else if (c == '/' && d == '*') {
            *open = l->at;
            measure_run(l);
            if (!skip_block_comment(l))
                return false;
        } else {
            return true;
        }
    }
}

/* ----------------------------------------------------------------------------------------------------------- quotes */

/* From the opening quote, `skip` bytes ahead, to the closing one; a doubled quote is part of the text. */
static void quoted(struct lexer *l, struct token *t, enum token_kind kind, size_t skip, char close, bool backslash)
{
    t->kind = kind;
    l->at += skip + 1;
    for (;;) {
        int c = peek(l, 0);
        if (c < 0) {
            t->open = true;
            return;
        }
        if (c == '\\' && backslash && peek(l, 1) >= 0) {
            l->at += 2;
        } else if (c != (unsigned char)close) {
            l->at++;
        } else if (peek(l, 1) == c && close != ']') {
            l->at += 2;
        } else {
            l->at++;
            return;
        }
    }
}

/* $tag$ … $tag$; false when this dollar opens nothing. */
static bool dollar_quoted(struct lexer *l, struct token *t)
{
    size_t n = 1;
    if (is_letter(peek(l, n)))
        while (is_letter(peek(l, n)) || is_digit(peek(l, n)))
            n++;
    if (peek(l, n) != '$')
        return false;
    const char *tag = l->text.p + l->at;
    size_t tag_n = n + 1;
    l->at += tag_n;
    const char *end = memmem(l->text.p + l->at, l->text.n - l->at, tag, tag_n);
    t->kind = TOKEN_STRING;
    t->open = !end;
    l->at = end ? (size_t)(end - l->text.p) + tag_n : l->text.n;
    return true;
}

/* ------------------------------------------------------------------------------------------ words, numbers, symbols */

static void word(struct lexer *l, struct token *t)
{
    t->kind = TOKEN_WORD;
    for (int c = peek(l, 0); is_letter(c) || is_digit(c) || c == '$'; c = peek(l, 0))
        l->at++;
}

/* Generous: `0x1F`, `1_000` and `12abc` are one token each, and `1..10` is three. */
static void number(struct lexer *l, struct token *t)
{
    t->kind = TOKEN_NUMBER;
    bool hex = peek(l, 0) == '0' && lower(peek(l, 1)) == 'x';
    for (;;) {
        int c = peek(l, 0);
        if (lower(c) == 'e' && !hex && (peek(l, 1) == '+' || peek(l, 1) == '-') && is_digit(peek(l, 2)))
            l->at += 3;
        else if (is_letter(c) || is_digit(c) || (c == '.' && peek(l, 1) != '.'))
            l->at++;
        else
            return;
    }
}

static void symbol(struct lexer *l, struct token *t, size_t n)
{
    t->kind = TOKEN_SYMBOL;
    l->at += n;
}

/*
 * The longest run of operator characters in which no comment begins; a + or - at its end belongs to it only when one of
 * ~ ! @ # ^ & | ` ? % is in it.
 */
static size_t operator_length(struct lexer *l)
{
    if (l->at < l->signs_to)
        return 1;
    size_t n = 0;
    bool special = false;
    for (int c = peek(l, 0); is_operator(c); c = peek(l, n)) {
        int d = peek(l, n + 1);
        if ((c == '-' && d == '-') || (c == '/' && d == '*'))
            break;
        special |= strchr("~!@#^&|`?%", c) != NULL;
        n++;
    }
    note_run(l, n);
    l->signs_to = l->at + n;
    while (n > 1 && !special && (peek(l, n - 1) == '+' || peek(l, n - 1) == '-'))
        n--;
    return n;
}

static void parameter(struct lexer *l, struct token *t)
{
    t->kind = TOKEN_PARAMETER;
    l->at++;
    for (int c = peek(l, 0); is_letter(c) || is_digit(c) || c == '$'; c = peek(l, 0))
        l->at++;
}

/* -------------------------------------------------------------------------------------------------------- one token */

static void next_postgresql(struct lexer *l, struct token *t)
{
    int c = peek(l, 0), d = peek(l, 1), low = lower(c);
    if (c == '\'')
        quoted(l, t, TOKEN_STRING, 0, '\'', false);
    else if (c == '"')
        quoted(l, t, TOKEN_NAME, 0, '"', false);
    else if (d == '\'' && low == 'e')
        quoted(l, t, TOKEN_STRING, 1, '\'', true);
    else if (d == '\'' && (low == 'b' || low == 'x' || low == 'n'))
        quoted(l, t, TOKEN_STRING, 1, '\'', false);
    else if (low == 'u' && d == '&' && (peek(l, 2) == '\'' || peek(l, 2) == '"'))
        quoted(l, t, peek(l, 2) == '"' ? TOKEN_NAME : TOKEN_STRING, 2, (char)peek(l, 2), false);
    else if (is_letter(c))
        word(l, t);
    else if (is_digit(c) || (c == '.' && is_digit(d)))
        number(l, t);
    else if (c == '$' && is_digit(d))
        parameter(l, t);
    else if (c == '$' && dollar_quoted(l, t))
        return;
    else if (is_operator(c))
        symbol(l, t, operator_length(l));
    else if ((c == ':' && (d == ':' || d == '=')) || (c == '.' && d == '.'))
        symbol(l, t, 2);
    else
        symbol(l, t, 1);
}

static size_t sqlite_symbol_length(const struct lexer *l)
{
    static const char *const symbols[] = {"->>", "->", "||", "<<", ">>", "<=", ">=", "==", "!=", "<>"};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t n = strlen(symbols[i]);
        if (n <= l->text.n - l->at && memcmp(l->text.p + l->at, symbols[i], n) == 0)
            return n;
    }
    return 1;
}

static void next_sqlite(struct lexer *l, struct token *t)
{
    int c = peek(l, 0), d = peek(l, 1);
    if (c == '\'')
        quoted(l, t, TOKEN_STRING, 0, '\'', false);
    else if (c == '"' || c == '`')
        quoted(l, t, TOKEN_NAME, 0, (char)c, false);
    else if (c == '[')
        quoted(l, t, TOKEN_NAME, 0, ']', false);
    else if (lower(c) == 'x' && d == '\'')
        quoted(l, t, TOKEN_STRING, 1, '\'', false);
    else if (is_letter(c))
        word(l, t);
    else if (is_digit(c) || (c == '.' && is_digit(d)))
        number(l, t);
    else if (c == '?' || ((c == '$' || c == ':' || c == '@' || c == '#') && (is_letter(d) || is_digit(d))))
        parameter(l, t);
    else
        symbol(l, t, sqlite_symbol_length(l));
}

bool token_next(struct lexer *l, struct token *t)
{
    size_t open = 0;
    *t = (struct token){.kind = TOKEN_COMMENT, .open = true};
    if (!skip_blank(l, &open)) {
        t->offset = open;
        t->length = l->text.n - open;
        return true;
    }
    if (l->at >= l->text.n)
        return false;
    t->open = false;
    t->offset = l->at;
    if (l->dialect == DIALECT_SQLITE)
        next_sqlite(l, t);
    else
        next_postgresql(l, t);
    t->length = l->at - t->offset;
    return true;
}

/* ------------------------------------------------------------------------------------------------ looking at a token */

struct str token_text(struct str text, const struct token *t)
{
    return (struct str){text.p + t->offset, t->length};
}

static bool same_letters(struct str s, const char *word, bool upper_word)
{
    size_t n = strlen(word);
    if (s.n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower((unsigned char)s.p[i]) != (upper_word ? lower((unsigned char)word[i]) : (unsigned char)word[i]))
            return false;
    return true;
}

bool token_is_word(struct str text, const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && same_letters(token_text(text, t), word, true);
}

bool token_is_name(struct str text, const struct token *t, const char *name)
{
    struct str s = token_text(text, t);
    if (t->kind == TOKEN_WORD)
        return same_letters(s, name, false);
    return t->kind == TOKEN_NAME && !t->open && s.n >= 2 && str_is(str_slice(s, 1, s.n - 1), name);
}

bool token_is_symbol(struct str text, const struct token *t, const char *symbol)
{
    return t->kind == TOKEN_SYMBOL && str_is(token_text(text, t), symbol);
}

struct str token_content(struct str text, const struct token *t, bool *raw)
{
    struct str s = token_text(text, t);
    *raw = s.n && s.p[0] == '$';
    if (t->kind != TOKEN_STRING || t->open || !s.n)
        return (struct str){s.p, 0};
    if (*raw) {
        size_t tag = str_find(str_slice(s, 1, s.n), '$') + 2;
        return str_slice(s, tag, s.n - tag);
    }
    size_t quote = str_find(s, '\'');
    struct str content = str_slice(s, quote + 1, s.n - 1);
    *raw = quote == 0 && str_find(content, '\'') == content.n;
    return content;
}

/* The UTF-8 length of the code point that `digits` hexadecimal digits stand for; 0 when they are none. */
static size_t escaped_bytes(struct str s, size_t digits)
{
    unsigned long point = 0;
    if (s.n < digits)
        return 0;
    for (size_t i = 0; i < digits; i++) {
        int c = lower((unsigned char)s.p[i]);
        if (!is_hex(c))
            return 0;
        point = point * 16 + (unsigned long)(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

size_t token_name_bytes(struct str text, const struct token *t)
{
    struct str s = token_text(text, t);
    if (t->kind != TOKEN_NAME || t->open)
        return s.n;
    bool unicode = s.p[0] == 'U' || s.p[0] == 'u';
    char quote = s.p[unicode ? 2 : 0];
    s = str_slice(s, unicode ? 3 : 1, s.n - 1);
    size_t bytes = 0;
    for (size_t i = 0, step; i < s.n; i += step) {
        struct str rest = str_slice(s, i + 1, s.n);
        size_t add = 1;
        step = 1;
        if (s.p[i] == quote && quote != '[') {
            step = 2;
        } else if (unicode && s.p[i] == '\\' && rest.n) {
            bool six = rest.p[0] == '+';
            size_t n = escaped_bytes(six ? str_slice(rest, 1, rest.n) : rest, six ? 6 : 4);
            step = n ? (six ? 8 : 5) : 2;
            add = n ? n : 1;
        }
        bytes += add;
    }
    return bytes;
}

/* --------------------------------------------------------------------------------------------------------- checksum */

void tokens_sha256(struct str body, uint32_t dialects, uint8_t out[32])
{
    struct hash *h = hash_new();
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
        if (!(dialects & DIALECT_BIT(dialect)))
            continue;
        struct lexer l = {.text = body, .dialect = (enum dialect)dialect};
        struct token t;
        while (token_next(&l, &t))
            hash_add_piece(h, body.p + t.offset, t.length);
    }
    hash_finish(h, out);
}
