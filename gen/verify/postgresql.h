/*
 * Inside PostgreSQL's places: what its files share. Nothing else includes this header.
 *
 *     place_postgresql.c   databases: made, copied, dropped; whose they are
 *     run_postgresql.c     a section in one of them
 *     trace.c              what its statements lock
 */
#ifndef GEN_VERIFY_POSTGRESQL_H
#define GEN_VERIFY_POSTGRESQL_H

#include "gen/session.h"
#include "gen/verify/place_postgresql.h"

struct ground_postgresql {
    struct arena arena;
    struct ground_options options;
    struct address where;               /* of --scratch */
    struct server admin;                /* makes databases and roles, and holds the locks on their names */
    struct place_postgresql *connected; /* the one place that has a connection; NULL: none */
    struct strings roles;               /* made here */
    unsigned places;                    /* names that were given */
};

struct place_postgresql {
    struct ground_postgresql *ground;
    char *name;
    struct server session; /* its db is NULL while the place is not connected */
};

/* The schema that revisions work in. */
const char *ground_postgresql_schema(const struct ground_postgresql *g);
/* Of the version table: "alembic_version". */
const char *ground_postgresql_version_table(const struct ground_postgresql *g);

/* Opens the connection unless it is open, and closes that of another place: a scratch server has few to give. */
bool place_postgresql_connect(struct place_postgresql *p, struct err *e);

/* Whether it was made for a place of this ground; and making those that a statement names which was refused for `why`. */
bool ground_postgresql_has_role(const struct ground_postgresql *g, const char *name);
bool ground_postgresql_add_roles(struct ground_postgresql *g, struct str statement, const char *why, bool *made,
                                 struct err *e);
/* A role that a revision made: it goes in the end like our own. */
void ground_postgresql_keep_role(struct ground_postgresql *g, const char *name);

#endif
