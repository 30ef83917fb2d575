/* Reading the schema of a SQLite database that this process has open, in memory or not. */
#ifndef GEN_READ_SQLITE_H
#define GEN_READ_SQLITE_H

#include <sqlite3.h>

#include "schema/read.h"

/* The handle is borrowed for as long as the source is used. */
struct catalog_source source_of_sqlite(sqlite3 *db);

#endif
