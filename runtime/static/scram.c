/*
 * scram.c - libpq's stretching of a password, by way of the cache in db/scram_keys.h.
 *
 * The executable is linked with --wrap=scram_SaltedPassword: libpq's call of that name comes to __wrap_… here, and
 * __real_… is libpq's own function. The name is internal to libpq and promised by nobody. So this file is for the one
 * major version whose prototype it repeats (common/scram-common.h of postgresql-server-dev-15), and gen/project.mk fails a
 * link in which libpq did not call it. Linked into the static executable only.
 */
#include <pg_config.h>
#include <stddef.h>
#include <stdint.h>

#include "db/scram_keys.h"

#if PG_MAJORVERSION_NUM != 15
#error "compare scram_SaltedPassword() and its callers in this libpq with libpq 15's before going on"
#endif

/* The linker's names; 0 is success, and *errstr is libpq's to show otherwise. */
int __real_scram_SaltedPassword(const char *password, const char *salt, int saltlen, int iterations, uint8_t *result,
                                const char **errstr);
int __wrap_scram_SaltedPassword(const char *password, const char *salt, int saltlen, int iterations, uint8_t *result,
                                const char **errstr);

/* `context` is the errstr of the connection that asked: a failure is told to whom it happened, as it is kept for nobody. */
static bool derive(void *context, const char *password, const char *salt, size_t salt_length, int rounds,
                   uint8_t key[SCRAM_KEY_BYTES])
{
    return __real_scram_SaltedPassword(password, salt, (int)salt_length, rounds, key, context) == 0;
}

int __wrap_scram_SaltedPassword(const char *password, const char *salt, int saltlen, int iterations, uint8_t *result,
                                const char **errstr)
{
    return scram_key(password, salt, (size_t)saltlen, iterations, derive, errstr, result) ? 0 : -1;
}

/* At a normal exit. Where the process leaves while its threads still run, nothing of it is left to be read. */
__attribute__((destructor)) static void forget(void)
{
    scram_keys_wipe();
}
