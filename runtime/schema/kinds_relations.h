/* SQL that the kinds of relations and their parts have in common: `c` is the relation (pg_class), `n` its schema. */
#ifndef SCHEMA_KINDS_RELATIONS_H
#define SCHEMA_KINDS_RELATIONS_H

#include "schema/kinds_sql.h"

#define ATTRIBUTE_REFUSED(NAME)                                                                                        \
    {                                                                                                                  \
        NAME, CHANGE_REFUSE, 0, NULL, NULL                                                                             \
    }

#define RELATION_IDENTITY "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
#define RELATION_COLUMNS                                                                                               \
    "'pg_class'::regclass::oid AS class, c.oid, " RELATION_IDENTITY " AS identity, c.oid::regclass AS address"
/* Of a part of the relation, which its own name addresses. */
#define RELATION_IS_PARENT "'pg_class'::regclass::oid AS parent_class, c.oid AS parent_oid, 0 AS parent_sub"
#define PART_NAMED(NAME)                                                                                               \
    RELATION_IS_PARENT ", " RELATION_IDENTITY " || '.' || quote_ident(" NAME ") AS identity, quote_ident(" NAME        \
                       ") AS address"
#define FROM_RELATION " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
#define RELATION_READ "c.relpersistence <> 't' AND ${in_scope:c.relnamespace} AND ${not_extension:pg_class,c.oid}"

/* "fillfactor=70, check_option=local" of an array of options, sorted; what is no plain word or number is a literal. */
#define OPTION_VALUE "substr(o, strpos(o, '=') + 1)"
#define RELATION_OPTIONS(FROM)                                                                                         \
    "(SELECT string_agg(left(o, strpos(o, '=')) || CASE WHEN " OPTION_VALUE                                            \
    " ~ '^([a-z_]+|[0-9]+([.][0-9]+)?)$' THEN " OPTION_VALUE " ELSE quote_literal(" OPTION_VALUE                       \
    ") END, ', ' ORDER BY o COLLATE \"C\") FROM " FROM ")"
#define WORD_OF_STORAGE(COLUMN)                                                                                        \
    "CASE " COLUMN " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END"
#define RELATION_ACCESS_METHOD                                                                                         \
    "(SELECT quote_ident(m.amname) FROM pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap') AS access_method"
#define RELATION_TABLESPACE                                                                                            \
    "(SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace"

#endif
