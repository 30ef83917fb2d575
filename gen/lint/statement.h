/*
 * One statement of a PostgreSQL section under the rules of lint. A rule is a function that a table names for a node of the
 * syntax tree; it asks the tree, the chain and the section, and calls lint_found(). Nothing here decides severities,
 * suppressions or what is shown.
 */
#ifndef GEN_LINT_STATEMENT_H
#define GEN_LINT_STATEMENT_H

#include <jansson.h>

#include "gen/lint/chain.h"
#include "gen/lint/rules.h"

enum lint_nest {
    NEST_NONE,
    NEST_DO,      /* in a DO body, or a text that it EXECUTEs: runs now */
    NEST_ROUTINE, /* in the body of a function: runs when somebody calls it */
};

/* A finding before suppressions and severities. */
struct lint_hit {
    const struct lint_rule *rule;
    uint32_t statement;               /* index in the section */
    size_t offset;                    /* in the file */
    const char *message, *why, *safe; /* in the arena of the run; why and safe NULL: the rule's */
};

enum lint_group_number { GROUP_LOCKS, GROUP_CHANGES, GROUP_COUNT };

/* One section. What groups of rules remember from statement to statement is theirs: see lint_group. */
struct lint_section {
    struct arena *arena; /* of the section */
    struct arena *run;   /* of the whole run: findings' texts */
    const struct source_stream *stream;
    const struct source_revision *revision;
    const struct revision_section *section;
    struct chain *chain; /* as the statements before leave it; in a down section as the whole up left it */
    /* Relations that this section made, as chain_name() spells them: nobody uses them yet. */
    struct strings made;
    void *state[GROUP_COUNT]; /* a group's own; NULL at first */
    VEC(struct lint_hit) hits;
};

struct lint_statement {
    struct lint_section *section;
    uint32_t index;  /* of the statement in the section; of the outer one when nested */
    size_t offset;   /* of `text`, in the file */
    struct str text; /* from the first token to the last; the tree's locations are bytes into it */
    const char *kind;
    enum lint_nest nest;
    bool fixed;         /* `text` was decoded, so that places in it mean nothing */
    unsigned depth;     /* bodies around it */
    json_t *tree;       /* {"IndexStmt": {…}}; NULL: too large for one */
    const json_t *node; /* the object in it */
    const char *node_name;
};

/*
 * A finding of the rule at `at` bytes into the text. The message says what is there, with names: "CREATE INDEX on
 * documents". The rule's `why` becomes the detail unless lint_why() gives a nearer one.
 */
void lint_found(struct lint_statement *s, const char *rule, size_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Of the finding that was just made: what it costs here, and the safe form of this very statement, as SQL that can be
 * pasted; several lines are fine. */
void lint_why(struct lint_statement *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lint_safe(struct lint_statement *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * At the end of the section: at a statement that was looked at before, by its index. lint_text() and lint_insert_after() work on
 * what this gives; it has no tree.
 */
struct lint_statement lint_earlier(struct lint_section *section, uint32_t statement);

/* The source text between two places of the statement, or of the whole statement; in the section's arena. */
const char *lint_text(const struct lint_statement *s, size_t from, size_t to);
/* The statement's text with `insert` behind the first token that is the word `after` (upper case); NULL: no such word. */
const char *lint_insert_after(const struct lint_statement *s, const char *after, const char *insert);
/* The statement's text without its first IF NOT EXISTS. */
const char *lint_without_if_not_exists(const struct lint_statement *s);

/* The relation of a RangeVar exists outside of this section (or is unknown), so that somebody may use it. */
bool lint_in_use(const struct lint_statement *s, const json_t *range_var);
bool lint_in_transaction(const struct lint_statement *s);

/* The one statement of a batch section, of a kind that can be repeated; what is not is the check stage's finding. */
bool lint_wants_limit(const struct lint_statement *s);
/* LIMIT or FETCH FIRST stands somewhere in the text; LIMIT ALL and LIMIT NULL do not count. */
bool lint_has_limit(struct str text, enum dialect dialect);

/* A node's own rules. */
struct lint_handler {
    const char *node; /* "IndexStmt" */
    void (*check)(struct lint_statement *s);
};

/* A group of rules: handlers by node, one for every statement (tokens), one for the end of a section. Any may be NULL. */
struct lint_group {
    const struct lint_handler *handlers;
    size_t n_handlers;
    void (*every)(struct lint_statement *s);
    void (*end)(struct lint_section *section);
};
extern const struct lint_group lint_locks, lint_changes;

/*
 * The statements in a body: of DO, of a function in SQL or PL/pgSQL, and of EXECUTE with a plain literal. Calls
 * lint_statement_run() for each (bodies.c).
 */
void lint_bodies(struct lint_statement *s);
/* All groups over one statement, then the chain. */
void lint_statement_run(struct lint_statement *s);
void lint_section_end(struct lint_section *section);

/* ---- reading trees (tree.c) ---- */

const char *tree_string(const json_t *node); /* of {"String": {"sval": …}}, or the last name of a list of them */
bool tree_true(const json_t *node, const char *key);
bool tree_says(const json_t *node, const char *key, const char *value);
size_t tree_location(const json_t *node); /* 0 when it has none */
/* One name, in quotes where SQL wants them. */
void tree_quote(struct buf *out, const char *name);
/*
 * The names of a view's columns, from a ViewStmt: those that are written, else the query's as PostgreSQL chooses them; NULL
 * where the tree alone does not tell. False: there is a "*", so that not even their number is known.
 */
bool tree_view_columns(struct arena *a, const json_t *view, struct strings *out);
/* documents, billing.documents, quoted where SQL wants it; of a RangeVar, or of a list of String names. */
const char *tree_name(struct arena *a, const json_t *node);

#endif
