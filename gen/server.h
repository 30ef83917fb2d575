/*
 * A PostgreSQL to try things on: a standing scratch database (--scratch URL), or a cluster of our own that lives as long as
 * this process. Everything happens in one transaction that is rolled back: nothing is left behind.
 */
#ifndef GEN_SERVER_H
#define GEN_SERVER_H

#include "gen/source.h"
#include "schema/read.h"

struct server;

/*
 * `scratch` NULL: initdb into a temporary folder, from the newest PostgreSQL whose binaries are there (or of `major`, when
 * it is not 0), reachable by a socket in that folder only. The cluster stops and its folder goes with server_close(), with
 * the process, and when the process is killed. As root it runs as another user. FAULT_CONFIG: there are no binaries, or
 * the scratch database does not do; the hint says what would.
 */
bool server_open(struct server **out, const char *scratch, int major, struct err *e);
void server_close(struct server *s);        /* NULL is fine */
int server_version(const struct server *s); /* server_version_num */

/*
 * Begins the one transaction, alone on this scratch database (an advisory lock; waits a while for others). `role` NULL: the
 * role of the connection; else that role, made here if need be, is who does everything. `schema` is made unless it is
 * there, and is the search path ("public" when NULL).
 */
bool server_begin(struct server *s, const char *role, const char *schema, struct err *e);
void server_rollback(struct server *s);
/* Back to a place inside it. server_back() undoes what came after the mark, and the mark stays. */
bool server_mark(struct server *s, const char *name, struct err *e);
bool server_back(struct server *s, const char *name, struct err *e);

/*
 * Runs statements of ours. On failure the message is the server's, with the statement as detail; the transaction is as
 * before the call (a savepoint).
 */
bool server_run(struct server *s, struct str sql, struct err *e);
/* What of roles and extensions a schema needs and a fresh cluster has not: made inside the transaction. */
bool server_add_role(struct server *s, const char *name, struct err *e);
/* Those that a statement names which the server refused with `message`. True: one was made, and another try is worth it. */
bool server_add_roles(struct server *s, struct str statement, const char *message, struct err *e);
bool server_add_extension(struct server *s, const char *name, const char *schema, const char *version, struct err *e);

/*
 * Loads a desired-state file: cut by PostgreSQL's parser, refused what does not belong there, CONCURRENTLY left out, bodies
 * of functions looked at last; a statement that misses something is tried again after the others. Roles that GRANT, OWNER
 * TO and policies name are made. Findings are at file:line:column; false when there are errors.
 */
bool server_load(struct server *s, struct findings *out, const struct text_file *file);

/* The transaction as a source for catalog_read(). */
struct catalog_source server_source(struct server *s);

#endif
