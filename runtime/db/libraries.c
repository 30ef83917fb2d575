/* Asks the libraries themselves: what was linked, not what was compiled against. */
#include "db/libraries.h"

#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

const char *library_version(struct arena *a, int library)
{
    int libpq = PQlibVersion();
    switch (library) {
    case LIBRARY_LIBPQ:
        return arena_printf(a, "%d.%d", libpq / 10000, libpq % 10000);
    case LIBRARY_SQLITE:
        return sqlite3_libversion();
    default:
        return OpenSSL_version(OPENSSL_VERSION_STRING);
    }
}
