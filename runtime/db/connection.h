/*
 * The libpq connection inside an open PostgreSQL database, for whoever tries things in a transaction of his own and reads
 * SQLSTATEs and positions himself: the generator. It stays the db's, which closes it.
 */
#ifndef DB_CONNECTION_H
#define DB_CONNECTION_H

#include "db/db.h"

struct pg_conn; /* PGconn */
struct pg_conn *db_connection(struct db *db);

#endif
