/*
 * Reading a schema from a database's catalogs: nothing is parsed but SQLite's own CREATE texts, nothing is locked beyond
 * what a SELECT locks, and a role that may only read catalogs is enough.
 *
 * The reader does not know where it reads: a live database's connection (db_catalog()) and a scratch database inside an
 * open transaction (gen/server.h) both are a `catalog_source`.
 */
#ifndef SCHEMA_READ_H
#define SCHEMA_READ_H

#include "db/db.h"
#include "schema/catalog.h"

struct catalog_source {
    enum dialect dialect;
    void *context;
    /*
     * Runs the statements in order, all of them on one snapshot of the database, and hands every row to `row` with the
     * index of its statement.
     */
    bool (*run)(void *context, const char *const *sql, size_t n,
                bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to, struct err *e);
};

/* A live database, opened by db_open(). PostgreSQL: one REPEATABLE READ READ ONLY transaction. */
struct catalog_source catalog_of_db(struct db *db);

struct scope {
    const char *schema;        /* only what is in it (a tenant that is a schema); NULL: the whole database */
    const char *version_table; /* it, migrate_log and migrate_ledger are not part of the schema, in whatever schema */
    struct strings ignored;    /* globs over identities of relations; with what is in them */
};

enum names {
    NAMES_QUALIFIED, /* search_path = pg_catalog: every name with its schema. For comparing, and for scripts */
    NAMES_RELATIVE,  /* search_path = the stream's schema: its own names without. For revisions, and for fingerprints */
};

/*
 * Fills *out, finished. What no kind models is there as an object of the kind "unmodelled", so that nothing is overlooked.
 * PostgreSQL 12 to 18; SQLite as linked.
 *
 * Placeholders in a kind's query, besides those of SQL:
 *
 *     ${version}                  server_version_num
 *     ${since:VERSION,EXPR,ELSE}  EXPR on servers of that version and later, on others ELSE
 *     ${in_scope:EXPR}            whether the namespace whose oid is EXPR belongs to the schema that is read
 *     ${not_ours:OID}             the relation is not one of our own tables
 *     ${not_extension:CLASS,OID}  the object is no member of an extension
 *     ${owner:EXPR}               the role's name, quoted
 *     ${comment:CLASS,OID,SUB}    the comment as a literal, or NULL
 *     ${acl:KIND,ACL,OWNER}       its grants, a line each, sorted: GRANTEE "\t" PRIVILEGE "\t" ("grant option" or "")
 */
bool catalog_read(struct arena *a, struct catalog *out, const struct catalog_source *source, const struct scope *scope,
                  enum names names, struct err *e);

#endif
