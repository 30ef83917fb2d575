/* What has no file yet: nothing is read of those kinds. Goes away with the last of those files. */
#include "schema/reader.h"

__attribute__((weak)) bool catalog_read_sqlite(struct arena *a, struct catalog *out,
                                               const struct catalog_source *source, const struct scope *scope,
                                               struct err *e)
{
    (void)a, (void)out, (void)source, (void)scope;
    return err_set(e, FAULT_FAILED, "schemas of SQLite cannot be read yet");
}

#define PENDING(KIND, NAME, WORDS, RANK) const struct kind KIND = {.name = NAME, .words = WORDS, .rank = RANK}

#if !__has_include("schema/kinds_types.c")
PENDING(kind_collation, "collation", "COLLATION", PG_COLLATION);
PENDING(kind_enum, "type", "TYPE", PG_ENUM);
PENDING(kind_domain, "domain", "DOMAIN", PG_DOMAIN);
PENDING(kind_domain_constraint, "domain constraint", "CONSTRAINT", PG_DOMAIN_CONSTRAINT);
PENDING(kind_composite, "composite type", "TYPE", PG_COMPOSITE);
PENDING(kind_composite_attribute, "attribute", "COLUMN", PG_COMPOSITE_ATTRIBUTE);
PENDING(kind_range, "range type", "TYPE", PG_RANGE);
#endif
#if !__has_include("schema/kinds_routines.c")
PENDING(kind_function, "function", "FUNCTION", PG_FUNCTION);
PENDING(kind_aggregate, "aggregate", "AGGREGATE", PG_AGGREGATE);
#endif
#if !__has_include("schema/kinds_others.c")
PENDING(kind_extension, "extension", "EXTENSION", PG_EXTENSION);
PENDING(kind_fdw, "foreign-data wrapper", "FOREIGN DATA WRAPPER", PG_FDW);
PENDING(kind_foreign_server, "server", "SERVER", PG_FOREIGN_SERVER);
PENDING(kind_user_mapping, "user mapping", "USER MAPPING", PG_USER_MAPPING);
PENDING(kind_foreign_table, "foreign table", "FOREIGN TABLE", PG_FOREIGN_TABLE);
PENDING(kind_event_trigger, "event trigger", "EVENT TRIGGER", PG_EVENT_TRIGGER);
PENDING(kind_publication, "publication", "PUBLICATION", PG_PUBLICATION);
PENDING(kind_publication_member, "publication member", "PUBLICATION", PG_PUBLICATION_MEMBER);
PENDING(kind_subscription, "subscription", "SUBSCRIPTION", PG_SUBSCRIPTION);
PENDING(kind_default_privileges, "default privileges", "DEFAULT PRIVILEGES", PG_DEFAULT_PRIVILEGES);
PENDING(kind_unmodelled, "unmodelled", "", PG_UNMODELLED);
#endif
