/*
 * A PostgreSQL of our own for a while: initdb into a temporary folder, a server that listens on a socket in that folder
 * and nowhere else. A keeper process holds both; it sees when this process ends, however it ends, stops the server and
 * removes the folder.
 */
#ifndef GEN_CLUSTER_H
#define GEN_CLUSTER_H

#include "base/err.h"
#include "base/mem.h"

struct cluster;

/*
 * The newest PostgreSQL whose binaries are there, or the newest of `major` when it is not 0. FAULT_CONFIG: there is none;
 * FAULT_FAILED: it does not start, and its last words are the detail.
 */
bool cluster_start(struct cluster **out, int major, struct err *e);
/* The folder of the socket, for the role "postgres" and the database "postgres". */
const char *cluster_socket(const struct cluster *c);
void cluster_stop(struct cluster *c); /* NULL is fine; the folder is gone afterwards */

#endif
