/*
 * PostgreSQL's rules about locks, rewrites and scans, shared between their files:
 *
 *     rules_locks.c     the table: ids, texts, examples
 *     locks.c           the way of a statement, and what a section remembers of the ones before
 *     locks_alter.c     ALTER TABLE, a subcommand at a time
 *     locks_column.c    ADD COLUMN
 *     locks_type.c      ALTER COLUMN … TYPE
 *     locks_command.c   every other statement
 */
#ifndef GEN_LINT_LOCKS_H
#define GEN_LINT_LOCKS_H

#include "gen/lint/statement.h"

/* A lock that keeps readers out, on a relation that is in use; held to the end of the transaction. */
struct locks_strong {
    const char *name, *shown; /* chain_name(), and as written */
    uint32_t statement;
};

/* A foreign key whose columns want an index by the end of the section. */
struct locks_foreign {
    const char *name, *shown; /* of the table that refers */
    struct strings columns;
    uint32_t statement;
    size_t at;   /* in the statement */
    bool is_new; /* the section made the table */
};

/* A constraint of a table or a domain that was added NOT VALID. */
struct locks_unproven {
    const char *owner, *constraint;
    uint32_t statement;
};

/* The ALTER TABLE that ran just before. */
struct locks_previous {
    const char *name; /* NULL: it was another statement */
    struct strings added;
    bool apart; /* it cannot be one with others */
    bool not_null;
};

struct locks_state {
    VEC(struct locks_strong) strong;
    VEC(struct locks_foreign) foreign;
    VEC(struct locks_unproven) unproven;
    struct strings domains; /* that this section made */
    struct locks_previous previous;
    bool utc; /* the section set TimeZone to UTC */
    bool work_said, tables_said;
};

/* Everybody who comes after queues behind a statement that waits for a strong lock: longer than this is an outage. */
#define LONGEST_LOCK_TIMEOUT_MS 30000

struct locks_state *locks_state(struct lint_section *section);
/* The statement takes ACCESS EXCLUSIVE on the relation; nothing is remembered of one that this section made. */
void locks_take(struct lint_statement *s, const char *name, const char *shown);
bool locks_hold(const struct lint_statement *s, const char *name);
/*
 * A constraint of the table, of any kind; a foreign key is judged at the end of the section. `column`: it stands beside
 * that one. The second takes all of a ColumnDef.
 */
void locks_add_foreign(struct lint_statement *s, const json_t *relation, const json_t *constraint, const char *column);
void locks_add_column_foreign(struct lint_statement *s, const json_t *relation, const json_t *definition);
/* chain_name() of a relation that exists outside of this section. */
bool locks_name_in_use(const struct lint_statement *s, const char *name);

/* One name, quoted where SQL wants it; several, with commas. */
const char *locks_quote(struct arena *a, const char *name);
const char *locks_quote_all(struct arena *a, const struct strings *names);
/* "public.documents" as SQL: documents; "billing.x" stays. */
const char *locks_shown(struct arena *a, const char *chain_name);
/* A name that the relation has no index or constraint of yet: documents_title_not_null. Quoted. */
const char *locks_new_name(struct arena *a, const struct chain_relation *known, const char *name, const char *columns,
                           const char *label);

/* ---- ALTER TABLE ---- */

/* A subcommand of ALTER TABLE on a table that is in use. */
struct locks_alter {
    struct lint_statement *s;
    struct arena *a;
    const json_t *relation, *command, *definition;
    const char *table, *name;           /* as written; chain_name() */
    const struct chain_relation *known; /* NULL: no revision was seen to make it */
    const char *column;                 /* or whatever the subcommand names; "" when nothing */
    size_t at, end;                     /* of the subcommand in the text; both 0: not found */
};

void locks_alter_table(struct lint_statement *s);
void locks_add_column(struct locks_alter *alter);
void locks_change_type(struct locks_alter *alter);

/* ---- the others ---- */

struct locks_handler {
    const char *node;
    void (*check)(struct lint_statement *s);
};
extern const struct locks_handler locks_commands[];
extern const size_t n_locks_commands;

#endif
