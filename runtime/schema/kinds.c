/* The kinds of PostgreSQL's objects in their order, and looking up kinds and attributes. */
#include "schema/kinds.h"

#include <string.h>

static const struct kind *const postgresql[PG_KINDS] = {
    [PG_SCHEMA] = &kind_schema,
    [PG_EXTENSION] = &kind_extension,
    [PG_COLLATION] = &kind_collation,
    [PG_ENUM] = &kind_enum,
    [PG_DOMAIN] = &kind_domain,
    [PG_DOMAIN_CONSTRAINT] = &kind_domain_constraint,
    [PG_COMPOSITE] = &kind_composite,
    [PG_COMPOSITE_ATTRIBUTE] = &kind_composite_attribute,
    [PG_RANGE] = &kind_range,
    [PG_SEQUENCE] = &kind_sequence,
    [PG_FDW] = &kind_fdw,
    [PG_FOREIGN_SERVER] = &kind_foreign_server,
    [PG_USER_MAPPING] = &kind_user_mapping,
    [PG_FUNCTION] = &kind_function,
    [PG_AGGREGATE] = &kind_aggregate,
    [PG_TABLE] = &kind_table,
    [PG_FOREIGN_TABLE] = &kind_foreign_table,
    [PG_COLUMN] = &kind_column,
    [PG_DEFAULT] = &kind_default,
    [PG_IDENTITY_SEQUENCE] = &kind_identity_sequence,
    [PG_SEQUENCE_OWNER] = &kind_sequence_owner,
    [PG_INHERITANCE] = &kind_inheritance,
    [PG_PARTITION] = &kind_partition,
    [PG_CONSTRAINT] = &kind_constraint,
    [PG_FOREIGN_KEY] = &kind_foreign_key,
    [PG_VIEW] = &kind_view,
    [PG_MATERIALIZED_VIEW] = &kind_materialized_view,
    [PG_VIEW_COLUMN] = &kind_view_column,
    [PG_INDEX] = &kind_index,
    [PG_PARTITION_INDEX] = &kind_partition_index,
    [PG_REPLICA_IDENTITY] = &kind_replica_identity,
    [PG_CLUSTERING] = &kind_clustering,
    [PG_STATISTICS] = &kind_statistics,
    [PG_RULE] = &kind_rule,
    [PG_TRIGGER] = &kind_trigger,
    [PG_POLICY] = &kind_policy,
    [PG_EVENT_TRIGGER] = &kind_event_trigger,
    [PG_PUBLICATION] = &kind_publication,
    [PG_PUBLICATION_MEMBER] = &kind_publication_member,
    [PG_SUBSCRIPTION] = &kind_subscription,
    [PG_DEFAULT_PRIVILEGES] = &kind_default_privileges,
    [PG_UNMODELLED] = &kind_unmodelled,
};
const struct kind_list kinds_postgresql = {postgresql, PG_KINDS};

const struct kind *kind_find(const struct kind_list *kinds, const char *name)
{
    for (size_t i = 0; i < kinds->n; i++)
        if (strcmp(kinds->v[i]->name, name) == 0)
            return kinds->v[i];
    return NULL;
}

size_t kind_attribute(const struct kind *kind, const char *name)
{
    size_t i = 0;
    while (i < kind->n_attributes && strcmp(kind->attributes[i].name, name) != 0)
        i++;
    return i;
}
