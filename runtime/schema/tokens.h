/*
 * Our own lexer for the SQL of both engines, after PostgreSQL's scan.l and SQLite's tokenize.c. It knows where tokens
 * begin and end and nothing of grammar. It serves what a parser cannot: checksums that overlook comments and white space,
 * positions of names inside a statement, texts that do not parse, and bodies in dollar quotes.
 *
 * It reads any bytes, never past the end, in time linear in their number.
 */
#ifndef SCHEMA_TOKENS_H
#define SCHEMA_TOKENS_H

#include "base/str.h"
#include "model/revision.h"

enum token_kind {
    TOKEN_WORD,   /* a keyword or a name without quotes */
    TOKEN_NAME,   /* a name in quotes: "x", U&"x"; SQLite also [x] and `x` */
    TOKEN_STRING, /* 'x', E'x', U&'x', B'x', X'x', N'x', $tag$x$tag$ */
    TOKEN_NUMBER,
    TOKEN_PARAMETER, /* $1; SQLite: ?1, :x, @x, $x, #x */
    TOKEN_SYMBOL,    /* an operator, or one character that is nothing else */
    TOKEN_COMMENT,   /* only one that the text ends in before it is closed; others are skipped */
};

struct token {
    enum token_kind kind;
    bool open; /* the text ended before the closing quote or the end of the comment */
    size_t offset;
    size_t length;
};

struct lexer {
    struct str text;
    enum dialect dialect;
    size_t at;
    size_t longest_run; /* of operator characters so far, comment marks among them; see LONGEST_RUN */
    size_t run_at;      /* where that run begins */
    size_t measured_to; /* internal: up to here the run is counted */
    size_t signs_to;    /* internal: up to here only + and - follow, each a token */
};

/*
 * PostgreSQL's scanner reads a run of operator characters anew for each token or comment that begins in it, which is
 * quadratic. A banner of stars is harmless; what is longer than this is no SQL that anybody wrote.
 */
#define LONGEST_RUN 4096

/* The next token; false at the end. */
bool token_next(struct lexer *l, struct token *t);

struct str token_text(struct str text, const struct token *t);
/* A TOKEN_WORD that spells `word` (given in upper case) in any case. */
bool token_is_word(struct str text, const struct token *t, const char *word);
/* A word or a quoted name that means the identifier `name` (given in lower case). Escapes of U&"x" are not resolved. */
bool token_is_name(struct str text, const struct token *t, const char *name);
bool token_is_symbol(struct str text, const struct token *t, const char *symbol);
/* What is between the dollars of a dollar-quoted or the quotes of a plain string; `raw`: nothing in it is escaped. */
struct str token_content(struct str text, const struct token *t, bool *raw);
/* Bytes of the identifier that a word or name stands for, doubled quotes and U& escapes counted as what they mean. */
size_t token_name_bytes(struct str text, const struct token *t);

/* SHA-256 over the tokens of a body, comments and white space dropped, for each dialect of the mask in order. */
void tokens_sha256(struct str body, uint32_t dialects, uint8_t out[32]);

#endif
