/* The libraries that are linked in, for `version`: which database is spoken to with what. */
#ifndef DB_LIBRARIES_H
#define DB_LIBRARIES_H

#include "base/mem.h"

enum { LIBRARY_LIBPQ, LIBRARY_SQLITE, LIBRARY_OPENSSL, LIBRARY_COUNT };

/* "15.20"; lives in `a` or for ever. */
const char *library_version(struct arena *a, int library);

#endif
