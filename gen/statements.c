/* Cutting SQL into statements by tokens, and naming what they are. Pure. */
#include "gen/statements.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---------------------------------------------------------------------------------------------------------- cutting */

/* Where a statement may hold semicolons of its own. */
enum nest { NEST_NONE, NEST_RULE, NEST_ATOMIC, NEST_TRIGGER };

struct cutter {
    struct str body;
    enum dialect dialect;
    enum nest nest;
    size_t depth;        /* NEST_RULE: parentheses; NEST_ATOMIC: BEGIN and CASE without END */
    struct token before; /* the token before, when n > 0 */
    size_t n;
    bool creates;         /* CREATE leads */
    bool names_kind;      /* the word that says what is created has not come yet */
    bool trigger_is_over; /* NEST_TRIGGER: "; END" was read */
};

static bool is(const struct cutter *c, const struct token *t, const char *word)
{
    return token_is_word(c->body, t, word);
}

static bool before_is(const struct cutter *c, const char *word)
{
    return c->n && is(c, &c->before, word);
}

/* CREATE [OR REPLACE] [TEMP] RULE | TRIGGER: which construct the statement is, from its first words. */
static void read_head(struct cutter *c, const struct token *t)
{
    static const char *const noise[] = {"OR", "REPLACE", "TEMP", "TEMPORARY", "EXPLAIN", "QUERY", "PLAN", "CREATE"};
    if (c->n == 0)
        c->names_kind = true;
    if (!c->names_kind)
        return;
    c->creates |= is(c, t, "CREATE");
    for (size_t i = 0; i < COUNT(noise); i++)
        if (is(c, t, noise[i]))
            return;
    c->names_kind = false;
    if (c->creates && c->dialect == DIALECT_POSTGRESQL && is(c, t, "RULE"))
        c->nest = NEST_RULE;
    if (c->creates && c->dialect == DIALECT_SQLITE && is(c, t, "TRIGGER"))
        c->nest = NEST_TRIGGER;
}

static void read_nesting(struct cutter *c, const struct token *t)
{
    bool postgresql = c->dialect == DIALECT_POSTGRESQL;
    if (c->nest == NEST_RULE) {
        c->depth += token_is_symbol(c->body, t, "(");
        c->depth -= c->depth && token_is_symbol(c->body, t, ")");
    } else if (c->nest == NEST_ATOMIC) {
        c->depth += is(c, t, "CASE");
        c->depth -= c->depth && is(c, t, "END");
    } else if (postgresql && c->creates && before_is(c, "BEGIN") && is(c, t, "ATOMIC")) {
        c->nest = NEST_ATOMIC;
        c->depth = 1;
    } else if (c->nest == NEST_TRIGGER && c->n) {
        c->trigger_is_over = token_is_symbol(c->body, &c->before, ";") && is(c, t, "END");
    }
}

static bool ends_here(const struct cutter *c, const struct token *t)
{
    if (!token_is_symbol(c->body, t, ";"))
        return false;
    return c->nest == NEST_TRIGGER ? c->trigger_is_over || !c->n : c->depth == 0;
}

bool statement_next(struct str body, enum dialect dialect, size_t at, struct span *s)
{
    struct cutter c = {.body = body, .dialect = dialect};
    struct lexer l = {.text = body, .dialect = dialect, .at = at};
    struct token t;
    *s = (struct span){0};
    while (token_next(&l, &t)) {
        if (ends_here(&c, &t)) {
            if (c.n)
                break;
            continue; /* an empty statement */
        }
        read_head(&c, &t);
        read_nesting(&c, &t);
        if (!c.n)
            s->offset = t.offset;
        s->length = t.offset + t.length - s->offset;
        if (t.open)
            s->open = t;
        c.before = t;
        c.n++;
    }
    /* A trigger without END takes the semicolon behind its last command with it; that makes no difference. */
    s->next = l.at;
    s->n_tokens = c.n;
    return c.n > 0;
}

/* ----------------------------------------------------------------------------------------------------------- naming */

/* Words between CREATE and what is created that say nothing about it. */
static const char *const noise_words[] = {"OR",       "REPLACE", "TEMP",      "TEMPORARY",  "LOCAL",   "GLOBAL",
                                          "UNLOGGED", "UNIQUE",  "RECURSIVE", "CONSTRAINT", "TRUSTED", "PROCEDURAL"};

/* Kinds of objects that take two words. */
static const char *const two_words[][2] = {
    {"MATERIALIZED", "VIEW"}, {"FOREIGN", "TABLE"}, {"FOREIGN", "DATA"}, {"EVENT", "TRIGGER"},
    {"ACCESS", "METHOD"},     {"TEXT", "SEARCH"},   {"USER", "MAPPING"}, {"OPERATOR", "CLASS"},
    {"OPERATOR", "FAMILY"},   {"VIRTUAL", "TABLE"}, {"LARGE", "OBJECT"}, {"DEFAULT", "PRIVILEGES"},
};

static const char *const row_kinds[] = {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"};

struct words_of {
    struct str text;
    struct lexer l;
    struct token t;
    bool more;
};

static void advance(struct words_of *w)
{
    w->more = token_next(&w->l, &w->t);
}

static bool at_word(const struct words_of *w, const char *word)
{
    return w->more && token_is_word(w->text, &w->t, word);
}

static bool at_any(const struct words_of *w, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at_word(w, words[i]))
            return true;
    return false;
}

static void add_upper(struct buf *out, struct str word)
{
    if (out->n)
        buf_addc(out, ' ');
    for (size_t i = 0; i < word.n && i < 24; i++)
        buf_addc(out, word.p[i] >= 'a' && word.p[i] <= 'z' ? (char)(word.p[i] - ('a' - 'A')) : word.p[i]);
}

/* WITH a AS (…), b AS (…) INSERT: the first verb outside of parentheses. */
static void skip_with(struct words_of *w)
{
    static const char *const verbs[] = {"SELECT", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"};
    size_t depth = 0;
    while (w->more && (depth || !at_any(w, verbs, COUNT(verbs)))) {
        depth += token_is_symbol(w->text, &w->t, "(");
        depth -= depth && token_is_symbol(w->text, &w->t, ")");
        advance(w);
    }
}

/* The words behind CREATE, ALTER, DROP or REFRESH that say what it is about. */
static void add_object(struct buf *out, struct words_of *w)
{
    while (at_any(w, noise_words, COUNT(noise_words)))
        advance(w);
    if (!w->more || w->t.kind != TOKEN_WORD)
        return;
    struct token first = w->t;
    add_upper(out, token_text(w->text, &first));
    advance(w);
    for (size_t i = 0; i < COUNT(two_words); i++)
        if (token_is_word(w->text, &first, two_words[i][0]) && at_word(w, two_words[i][1]))
            add_upper(out, str_from(two_words[i][1]));
}

const char *statement_kind(struct arena *a, struct str statement, enum dialect dialect)
{
    static const char *const with_object[] = {"CREATE", "ALTER", "DROP", "REFRESH"};
    struct words_of w = {.text = statement, .l = {.text = statement, .dialect = dialect}};
    BUF_AUTO kind = {0};
    for (advance(&w); w.more && token_is_symbol(statement, &w.t, "("); advance(&w))
        ;
    if (at_word(&w, "WITH"))
        skip_with(&w);
    if (w.more && w.t.kind == TOKEN_WORD) {
        bool object = at_any(&w, with_object, COUNT(with_object));
        add_upper(&kind, token_text(statement, &w.t));
        advance(&w);
        if (object)
            add_object(&kind, &w);
    }
    return kind.n ? arena_str(a, buf_str(&kind)) : "statement";
}

bool kind_writes_rows(const char *kind)
{
    for (size_t i = 0; i < COUNT(row_kinds); i++)
        if (strcmp(kind, row_kinds[i]) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------------------------------ lines */

uint32_t line_of(struct line_counter *c, size_t offset)
{
    if (!c->line || offset < c->at)
        *c = (struct line_counter){.text = c->text, .line = 1};
    const char *end = c->text.p + offset;
    for (const char *p = c->text.p + c->at; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        c->line++;
    c->at = offset;
    return c->line;
}

const char *statement_insert_after(struct arena *a, struct str statement, const char *word, const char *insert)
{
    struct lexer l = {.text = statement, .dialect = DIALECT_POSTGRESQL};
    for (struct token t; token_next(&l, &t);)
        if (token_is_word(statement, &t, word)) {
            size_t at = t.offset + t.length;
            return arena_printf(a, "%.*s %s%.*s", STR_ARG(str_slice(statement, 0, at)), insert,
                                STR_ARG(str_slice(statement, at, statement.n)));
        }
    return NULL;
}
