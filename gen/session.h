/*
 * Inside the scratch server: what its files share. Nothing else includes this header.
 *
 *     cluster.c           a PostgreSQL of our own, and its end
 *     server.c            the transaction
 *     load_postgresql.c   a desired-state file into it
 *     load_rules.c        what does not belong in such a file
 */
#ifndef GEN_SESSION_H
#define GEN_SESSION_H

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

bool session_has_role(struct server *s, const char *name, bool *has, struct err *e);

#endif
