/*
 * Inside the scratch server: what its files share. Nothing else includes this header.
 *
 *     cluster.c           a PostgreSQL of our own, and its end
 *     server.c            the transaction
 *     load_postgresql.c   a desired-state file into it
 *     load_rules.c        what does not belong in such a file
 *     load_bodies.c       bodies of functions, looked at when all is there
 *
 * gen/verify works in databases of its own on such a server, by the same sessions.
 */
#ifndef GEN_SESSION_H
#define GEN_SESSION_H

#include <jansson.h>
#include <libpq-fe.h>

#include "gen/cluster.h"
#include "gen/server.h"

struct server {
    struct arena arena; /* of the transaction: reset when it begins */
    struct db *db;
    PGconn *conn;            /* the db's */
    struct cluster *cluster; /* NULL: a standing database */
    bool superuser;          /* of the connection */
    bool begun;
    const char *schema;  /* of the transaction, as given */
    struct strings kept; /* extensions that were there before and may not be dropped by us */
};

/* What a session is opened with, and opening it. The cluster's is not the session's own, and libpq's variables of the
 * environment do not count on the way there: they lead to other databases. */
extern const struct db_options session_options;
bool session_connect(struct server *s, const struct address *where, const struct db_options *options, struct err *e);
bool session_connect_cluster(struct server *s, const struct cluster *cluster, const char *database,
                             const struct db_options *options, struct err *e);
/* --scratch as an address: FAULT_CONFIG unless it is one of PostgreSQL. */
bool session_scratch_address(struct arena *a, const char *scratch, struct address *where, struct err *e);

/* What came back for one message of one statement or several. */
struct outcome {
    PGresult *error;  /* the first error, or NULL */
    PGresult *result; /* of the last statement that completed */
    size_t completed; /* statements */
};
void outcome_free(struct outcome *o);
#define OUTCOME_AUTO __attribute__((cleanup(outcome_free))) struct outcome

/* True: all of it completed, and the transaction is open still. */
bool session_run(struct server *s, const char *sql, struct outcome *o);
/* The same between SAVEPOINT and RELEASE; what failed is undone. *prefix: characters before `sql` in what was sent. */
bool session_try(struct server *s, struct str sql, size_t *prefix, struct outcome *o);
/* Of our own statements: `what` is what was attempted. */
bool session_do(struct server *s, const char *sql, const char *what, struct err *e);
/* One value as text, in the server's arena; NULL: no row or SQL NULL. */
bool session_value(struct server *s, const char *sql, const char **value, const char *what, struct err *e);

const char *outcome_field(const struct outcome *o, int field); /* PG_DIAG_…; NULL: not said */
const char *outcome_state(const struct outcome *o);            /* SQLSTATE; "" */
/* Message, detail and hint as the server said them. */
bool outcome_explain(const struct server *s, const struct outcome *o, struct err *e);

/* Settings as they are when the transaction begins, the search path among them. */
bool session_settle(struct server *s, struct err *e);
/* Where an extension that is missing comes from. */
void session_hint_package(const struct server *s, const char *name, struct err *e);
bool session_has_role(struct server *s, const char *name, bool *has, struct err *e);

/* ---- load_rules.c ---- */

enum load_verdict { LOAD_RUN, LOAD_SKIP, LOAD_REFUSED };

/* A statement of the file, behind its leading comments. */
struct load_statement {
    size_t offset; /* in the file */
    struct str text;
    json_t *tree; /* {"CreateStmt": {…}}; NULL: too large for one, or newer than the parser */
};

/* Adds findings: errors when it is refused, warnings otherwise. */
enum load_verdict load_check(struct findings *out, struct arena *a, const struct text_file *file,
                             const struct load_statement *s);
const char *load_node(const json_t *tree, const json_t **body); /* "CreateStmt"; "" without a tree */
/* The roles that a statement names. */
void load_roles(struct arena *a, const json_t *tree, struct strings *out);
/* CONCURRENTLY becomes blanks: nothing moves. `text` is the statement's in memory of ours. */
void load_blank_concurrently(char *text, size_t n, const json_t *tree);

/* ---- load_bodies.c ---- */

/* Where a routine was made in the file, to say where its body is wrong. */
struct load_routine {
    const char *schema; /* as written; NULL */
    const char *name;
    const char *path; /* the search path that it was made with */
    size_t offset;    /* in the file */
    struct str text;
};
struct load_routines {
    struct load_routine *v;
    size_t n, cap;
};
/* Looks at the bodies of all routines that are there. */
bool load_check_bodies(struct server *s, struct findings *out, const struct text_file *file,
                       const struct load_routines *routines, struct err *e);
/* The byte at a character of the text, counted from 1. */
size_t load_byte_of(struct str text, size_t character);

#endif
