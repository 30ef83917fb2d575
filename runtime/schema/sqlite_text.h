/*
 * What SQLite keeps of a schema as text alone: constraints, their names, conflict clauses, generated expressions. A reader
 * of CREATE TABLE, after the grammar of SQLite's parse.y, and texts in one spelling, so that equal schemas give equal
 * bytes: names without quotes and in lower case, no comments, one blank where blanks may be, no parentheses around a whole
 * expression. An inline constraint and the same one of the table are one.
 *
 * Any bytes are fine. Everything made lives in the arena. Pure.
 */
#ifndef SCHEMA_SQLITE_TEXT_H
#define SCHEMA_SQLITE_TEXT_H

#include "base/mem.h"

struct sqlite_text_column {
    const char *name;     /* without quotes, as written */
    struct str span;      /* of the text: its definition with all inline constraints */
    const char *type;     /* "VARCHAR(10)"; NULL: none */
    const char *not_null; /* "NOT NULL", with name and ON CONFLICT */
    const char *default_value;
    const char *generated; /* the expression in parentheses, then " STORED" or nothing */
    const char *collation;
    bool is_constant;    /* the default is one that ALTER TABLE may add */
    bool is_null;        /* the default is NULL, or there is none */
    bool is_primary_key; /* by an inline constraint */
};

enum sqlite_constraint_kind { SQLITE_PRIMARY_KEY, SQLITE_UNIQUE, SQLITE_CHECK, SQLITE_FOREIGN_KEY };

struct sqlite_text_constraint {
    enum sqlite_constraint_kind kind;
    const char *name;       /* without quotes; NULL: none */
    const char *brief;      /* "UNIQUE (a, b)", "FOREIGN KEY (a)": what tells one without a name from the others */
    const char *definition; /* whole: "UNIQUE (a, b) ON CONFLICT IGNORE" */
    const char *parent;     /* SQLITE_FOREIGN_KEY: the table that it refers to, without quotes */
    size_t parent_end;      /* of one that leaves the parent's columns out: where in `definition` they would stand; 0 */
    size_t column;          /* of an inline one: its index; SIZE_MAX */
    bool is_plain_key;      /* PRIMARY KEY of one column, ascending: a rowid's alias if the type is INTEGER */
    bool autoincrement;
    struct strings columns; /* in lower case, without quotes; of a check none */
};

struct sqlite_text_table {
    struct str name; /* the token, of the text */
    VEC(struct sqlite_text_column) columns;
    VEC(struct sqlite_text_constraint) constraints;
    bool without_rowid, strict;
};

/*
 * `known`: what is a name in this database, in lower case, sorted. SQLite takes anything else in double quotes for a string,
 * whose letters then count. NULL: everything in double quotes is a name.
 */

/* False: not a CREATE TABLE that is understood. */
bool sqlite_text_table(struct arena *a, struct str sql, const struct strings *known, struct sqlite_text_table *out);
/* Says the columns that a foreign key leaves out: `key` is its parent's primary key, in lower case. Else as it is. */
void sqlite_text_say_parent_key(struct arena *a, struct sqlite_text_constraint *c, const struct strings *key);

/* The statement in one spelling, from behind `skip` tokens: of a view, a trigger. */
const char *sqlite_text_normal(struct arena *a, struct str sql, size_t skip, const struct strings *known);
/* The same of an index, whose items are ascending whether they say so or not. */
const char *sqlite_text_index(struct arena *a, struct str sql, size_t skip, const struct strings *known);
/* The token's identifier without quotes: a word, a name, a string. */
const char *sqlite_text_unquoted(struct arena *a, struct str token);
/* Whether the text has a word, name or string that means this identifier. */
bool sqlite_text_mentions(struct str sql, const char *name);
/* Each word, name and string of a text as an identifier in lower case, sorted, without repetitions. */
void sqlite_text_names(struct arena *a, struct str sql, struct strings *out);

/* In lower case (ASCII letters, as SQLite does). */
const char *sqlite_text_lower(struct arena *a, const char *name);
/* As SQL wants it: quoted unless it is plain and no keyword. */
void sqlite_text_quote(struct buf *out, const char *name);
const char *sqlite_text_quoted(struct arena *a, const char *name);

#endif
