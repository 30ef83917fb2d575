/* Rows of kinds whose family has no file yet: nothing is read of them. Goes away with the last of those files. */
#include "schema/kinds.h"

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
#if !__has_include("schema/kinds_relations.c")
PENDING(kind_schema, "schema", "SCHEMA", PG_SCHEMA);
PENDING(kind_sequence, "sequence", "SEQUENCE", PG_SEQUENCE);
PENDING(kind_table, "table", "TABLE", PG_TABLE);
PENDING(kind_column, "column", "COLUMN", PG_COLUMN);
PENDING(kind_default, "default", "COLUMN", PG_DEFAULT);
PENDING(kind_sequence_owner, "sequence owner", "SEQUENCE", PG_SEQUENCE_OWNER);
PENDING(kind_inheritance, "inheritance", "TABLE", PG_INHERITANCE);
PENDING(kind_partition, "partition", "TABLE", PG_PARTITION);
PENDING(kind_constraint, "constraint", "CONSTRAINT", PG_CONSTRAINT);
PENDING(kind_foreign_key, "foreign key", "CONSTRAINT", PG_FOREIGN_KEY);
PENDING(kind_view, "view", "VIEW", PG_VIEW);
PENDING(kind_materialized_view, "materialized view", "MATERIALIZED VIEW", PG_MATERIALIZED_VIEW);
PENDING(kind_view_column, "view column", "COLUMN", PG_VIEW_COLUMN);
PENDING(kind_index, "index", "INDEX", PG_INDEX);
PENDING(kind_statistics, "statistics", "STATISTICS", PG_STATISTICS);
PENDING(kind_rule, "rule", "RULE", PG_RULE);
PENDING(kind_trigger, "trigger", "TRIGGER", PG_TRIGGER);
PENDING(kind_policy, "policy", "POLICY", PG_POLICY);
#endif
