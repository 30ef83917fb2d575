/*
 * A body of SQL cut into statements by tokens alone. On valid SQL the cut is the engine's own, and the check stage makes
 * the engine confirm it; on invalid SQL it says where to go on reading.
 */
#ifndef GEN_STATEMENTS_H
#define GEN_STATEMENTS_H

#include "base/mem.h"
#include "schema/tokens.h"

struct span {
    size_t offset; /* of the first token */
    size_t length; /* to the end of the last token; the semicolon is not counted */
    size_t next;   /* where reading goes on: behind the semicolon, or the end */
    size_t n_tokens;
    struct token open; /* the token that the text ended in, when open.open */
};

/*
 * The next statement from `at` on; false when only comments, white space and semicolons are left. PostgreSQL: semicolons
 * inside BEGIN ATOMIC … END and inside the parentheses of CREATE RULE are part of the statement. SQLite: those of
 * CREATE TRIGGER … END are.
 */
bool statement_next(struct str body, enum dialect dialect, size_t at, struct span *s);

/*
 * What kind of statement it is, for messages: "CREATE INDEX", "INSERT", "ALTER TABLE". Noise words (OR REPLACE, UNIQUE,
 * TEMP) are left out; what a WITH leads to counts. "statement" when it does not begin with words.
 */
const char *statement_kind(struct arena *a, struct str statement, enum dialect dialect);

/* PostgreSQL's statement with `insert` and a blank behind the first token that is the word; NULL: no such word. */
const char *statement_insert_after(struct arena *a, struct str statement, const char *word, const char *insert);

/* INSERT, UPDATE, DELETE, MERGE or REPLACE: it touches rows and says how many. */
bool kind_writes_rows(const char *kind);

/* Counts lines forward; asking for offsets that only grow costs one pass over the text. */
struct line_counter {
    struct str text;
    size_t at;
    uint32_t line; /* of `at`, from 1; 0 counts as 1 */
};
uint32_t line_of(struct line_counter *c, size_t offset);

#endif
