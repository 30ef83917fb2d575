/*
 * What one statement of a SQLite section may not do, as far as its tokens tell; what only running it tells is found by
 * scratch.h. Both engines' sections are checked the same way: findings, flags, and what applying must know.
 */
#ifndef GEN_RULES_SQLITE_H
#define GEN_RULES_SQLITE_H

#include "gen/source.h"
#include "schema/tokens.h"

/* A temporary table, view or trigger that must be gone when the section ends. */
struct sqlite_temporary {
    struct str name; /* as written, without quotes; n == 0: dropped again */
    size_t offset;
};

/* One section under check. Offsets are bytes from the start of the file. */
struct sqlite_section {
    struct findings *out;
    struct arena *arena;
    const struct text_file *file;
    const struct revision_section *section;
    VEC(struct sqlite_temporary) temporaries;
    bool foreign_keys_off; /* a statement drops or renames a table or a part of one */
};

/*
 * Adds the findings of one statement. `statement` has its place and kind; its flags are filled in. False: refused, and it
 * is better not run.
 */
bool rules_sqlite(struct sqlite_section *c, struct str text, struct revision_statement *statement);
/* Temporary objects that are still there. */
void rules_sqlite_end(struct sqlite_section *c);
/* Whether a revision may use the PRAGMA at all. */
bool rules_sqlite_pragma(const char *name);

#endif
