/*
 * stubs.c - the GSSAPI and LDAP functions that Debian's libpq.a refers to.
 *
 * Debian builds libpq with Kerberos and LDAP, and ships neither as an archive that links statically. Here are the
 * names that are missing, each answering with that library's own way of saying "failed". libpq then does what it does
 * on any machine without Kerberos or a directory server: with gssencmode=prefer it connects without GSSAPI and without
 * another round trip; a server that insists on GSSAPI is an ordinary authentication error; an "ldap://" line of a
 * service file is an ordinary connection error. No function here does anything else.
 *
 * libpq's own sources, fe-gssapi-common.c, fe-secure-gssapi.c and fe-connect.c, are the callers. They set every output
 * to "nothing" before they call, and look at no output after a failure, except where a comment below says so.
 *
 * The prototypes are those of RFC 2744 (GSSAPI) and of OpenLDAP's ldap.h, reduced to what the calling convention needs;
 * the packages with the real headers are not needed to build. Linked into the static executable only.
 */
#include <stddef.h>
#include <stdint.h>

/* RFC 2744: routine error 13, "unspecified failure", in the field of the status that holds routine errors. */
#define GSS_S_FAILURE ((uint32_t)13 << 16)

/* LDAP's answers: a result of -1 is "server down" (0x51 as an error code); a handle that is NULL is "no memory". */
#define LDAP_SERVER_DOWN 0x51
#define LDAP_FAILED (-1)

struct gss_buffer {
    size_t length;
    void *value;
};

/* The names belong to the real libraries, whose headers are not at hand: each stub declares itself just before. */
#define STUB(type, name, ...)                                                                                          \
    type name(__VA_ARGS__);                                                                                            \
    type name(__VA_ARGS__)

/* ---- GSSAPI ---- */

/* The kind of a "service@host" name. Only its address is ever used, as an argument to gss_import_name below. */
extern void *const GSS_C_NT_HOSTBASED_SERVICE;
void *const GSS_C_NT_HOSTBASED_SERVICE = NULL;

STUB(uint32_t, gss_acquire_cred, uint32_t *minor, void *name, uint32_t seconds, void *mechs, int usage, void **cred,
     void **actual_mechs, uint32_t *actual_seconds)
{
    (void)name, (void)seconds, (void)mechs, (void)usage, (void)cred, (void)actual_mechs, (void)actual_seconds;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_release_cred, uint32_t *minor, void **cred)
{
    (void)cred;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_import_name, uint32_t *minor, struct gss_buffer *text, void *type, void **name)
{
    (void)text, (void)type, (void)name;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_release_name, uint32_t *minor, void **name)
{
    (void)name;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_release_buffer, uint32_t *minor, struct gss_buffer *buffer)
{
    (void)buffer;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_init_sec_context, uint32_t *minor, void *cred, void **context, void *target, void *mech,
     uint32_t flags, uint32_t seconds, void *bindings, struct gss_buffer *in, void **actual_mech,
     struct gss_buffer *out, uint32_t *actual_flags, uint32_t *actual_seconds)
{
    (void)cred, (void)context, (void)target, (void)mech, (void)flags, (void)seconds, (void)bindings, (void)in;
    (void)actual_mech, (void)out, (void)actual_flags, (void)actual_seconds;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_delete_sec_context, uint32_t *minor, void **context, struct gss_buffer *out)
{
    (void)context, (void)out;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_wrap, uint32_t *minor, void *context, int secret, uint32_t quality, struct gss_buffer *in,
     int *is_secret, struct gss_buffer *out)
{
    (void)context, (void)secret, (void)quality, (void)in, (void)is_secret, (void)out;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_unwrap, uint32_t *minor, void *context, struct gss_buffer *in, struct gss_buffer *out,
     int *is_secret, uint32_t *quality)
{
    (void)context, (void)in, (void)out, (void)is_secret, (void)quality;
    *minor = 0;
    return GSS_S_FAILURE;
}

STUB(uint32_t, gss_wrap_size_limit, uint32_t *minor, void *context, int secret, uint32_t quality, uint32_t want,
     uint32_t *limit)
{
    (void)context, (void)secret, (void)quality, (void)want, (void)limit;
    *minor = 0;
    return GSS_S_FAILURE;
}

/* libpq calls it in a loop until *more is 0, and stops at the first failure. */
STUB(uint32_t, gss_display_status, uint32_t *minor, uint32_t status, int kind, void *mech, uint32_t *more,
     struct gss_buffer *text)
{
    (void)status, (void)kind, (void)mech;
    *minor = 0;
    *more = 0;
    *text = (struct gss_buffer){0};
    return GSS_S_FAILURE;
}

/* ---- LDAP ---- */

/* libpq reports "could not create LDAP structure" on NULL and never gets to the functions after it. */
STUB(void *, ldap_init, const char *host, int port)
{
    (void)host, (void)port;
    return NULL;
}

STUB(int, ldap_set_option, void *ld, int option, const void *value)
{
    (void)ld, (void)option, (void)value;
    return LDAP_FAILED;
}

STUB(int, ldap_simple_bind, void *ld, const char *who, const char *password)
{
    (void)ld, (void)who, (void)password;
    return LDAP_FAILED;
}

STUB(int, ldap_result, void *ld, int id, int all, void *timeout, void **result)
{
    (void)ld, (void)id, (void)all, (void)timeout, (void)result;
    return LDAP_FAILED;
}

STUB(int, ldap_search_st, void *ld, const char *base, int scope, const char *filter, char **attributes, int types_only,
     void *timeout, void **result)
{
    (void)ld, (void)base, (void)scope, (void)filter, (void)attributes, (void)types_only, (void)timeout, (void)result;
    return LDAP_SERVER_DOWN;
}

STUB(int, ldap_count_entries, void *ld, void *chain)
{
    (void)ld, (void)chain;
    return LDAP_FAILED;
}

STUB(void *, ldap_first_entry, void *ld, void *chain)
{
    (void)ld, (void)chain;
    return NULL;
}

STUB(void **, ldap_get_values_len, void *ld, void *entry, const char *attribute)
{
    (void)ld, (void)entry, (void)attribute;
    return NULL;
}

STUB(void, ldap_value_free_len, void **values)
{
    (void)values;
}

STUB(int, ldap_msgfree, void *message)
{
    (void)message;
    return 0;
}

STUB(int, ldap_unbind, void *ld)
{
    (void)ld;
    return 0;
}

STUB(char *, ldap_err2string, int code)
{
    static char text[] = "LDAP is not part of this executable";

    (void)code;
    return text;
}
