/*
 * hygiene.c - what a static executable must settle before main, so that it never opens code or settings of the image.
 *
 * A static executable inside somebody's image still carries two habits of its libraries: glibc reads
 * /etc/nsswitch.conf and loads the modules that it names (libnss_mymachines.so and the like, built for another libc),
 * and OpenSSL reads the image's openssl.cnf, which may name providers to load. Both are shut off here, in a constructor:
 * and the first of all (101), since a library's own constructor may already start OpenSSL.
 *
 * A user who sets OPENSSL_CONF means it, and keeps it. Linked into the static executable only.
 */
#include <nss.h>
#include <stdlib.h>

__attribute__((constructor(101))) static void settle(void)
{
    /* "files" and "dns" are inside a static libc; naming nothing else means that nothing else is opened. */
    static const char *const databases[] = {"hosts", "passwd", "group", "services", "protocols", "networks"};

    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
        (void)__nss_configure_lookup(databases[i], i == 0 ? "files dns" : "files");

    (void)setenv("OPENSSL_CONF", "/dev/null", 0);
}
