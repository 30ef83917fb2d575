/*
 * Where a database is: URLs in SQLAlchemy's and libpq's forms, libpq keyword strings, and templates with references.
 *
 * The grammar is ours, with SQLAlchemy's rules: scheme[+driver]://[user[:password]@][host][:port][/database][?query]; the
 * user ends at the first ':' or '/', the password at the *last* '@' of the authority; user and password are
 * percent-decoded (a malformed %zz stays as it is, '+' stays '+'); the database is not decoded; query values are decoded,
 * '+' is a space. A URL never reaches libpq: PostgreSQL addresses become an array of libpq keywords.
 *
 * Accepted: postgresql://, postgres://, postgresql+DRIVER://, keyword strings ("host=… dbname=…"); sqlite:///relative,
 * sqlite:////absolute, sqlite+DRIVER:///…, sqlite:// (memory). Driver names are dropped. asyncpg's and psycopg's own
 * query keys are mapped or dropped with a note.
 *
 * Secrets: no message made here holds a password, nor a piece of one, however malformed the text is.
 */
#ifndef DB_ADDRESS_H
#define DB_ADDRESS_H

#include "base/err.h"
#include "base/mem.h"
#include "model/revision.h"

struct address_keyword {
    const char *key; /* libpq's: "host", "sslmode" */
    const char *value;
};

struct address {
    enum dialect dialect;
    /* PostgreSQL: never more than one of a key. */
    struct address_keyword *keywords;
    size_t n_keywords;
    size_t keywords_cap;
    /* SQLite */
    const char *path;        /* as given, relative to the current folder; ":memory:" for a database in memory */
    bool read_only;          /* ?mode=ro */
    int64_t busy_timeout_ms; /* ?timeout=SECONDS; TIMEOUT_UNSET */
    struct strings notes;    /* what was dropped or mapped, a sentence each, without values */
};

/*
 * Gives the value of a reference: `${NAME}` (braces = false) or `{column}` (braces = true). False with *e set when there
 * is none. The value goes into its component raw: no character of it ends the component or is decoded.
 */
struct address_source {
    bool (*lookup)(void *context, bool column, struct str name, const char **value, struct err *e);
    void *context;
};

/*
 * Parses `text`. `source` NULL: references are not expanded but refused. A text that is one `${VAR}` alone stands for a
 * whole URL; otherwise the text is parsed first and values are put into its components. A `{column}` value in a SQLite
 * path may not hold '/' or NUL, nor be "", "." or "..": a tenant's id never climbs out of its folder.
 */
bool address_parse(struct arena *a, struct str text, const struct address_source *source, struct address *out,
                   struct err *e);
const char *address_get(const struct address *d, const char *key); /* NULL when unset */
void address_set(struct arena *a, struct address *d, const char *key, const char *value);

/* For people: "postgresql://app:***@db:5432/tenant_acme", "sqlite:///shared.db". */
void address_show(struct buf *out, const struct address *d);

/*
 * Replaces every occurrence of the password, raw and percent-encoded, in a text that libpq made. Passwords shorter than
 * 3 characters are replaced only where the text is quoted or follows '=' or ':' (a one-letter password would blank all).
 */
void address_mask(struct buf *text, const struct address *d);

#endif
