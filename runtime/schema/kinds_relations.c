/*
 * Schemas, sequences, tables and what is in them: columns, defaults, who owns a sequence, inheritance and partitions.
 * Constraints and indexes are in kinds_constraints.c, views and what acts on rows in kinds_views.c.
 */
#include "schema/kinds_relations.h"

/* ---- schema ---- */

static const struct attribute schema_attributes[] = {ATTRIBUTE_OWNED, ATTRIBUTE_GRANTED, ATTRIBUTE_COMMENT};
const struct kind kind_schema = {
    .name = "schema",
    .words = "SCHEMA",
    .query = "SELECT 'pg_namespace'::regclass::oid AS class, n.oid, quote_ident(n.nspname) AS identity,"
             " quote_ident(n.nspname) AS address, ${owner:n.nspowner} AS owner,"
             " ${acl:n,n.nspacl,n.nspowner} AS grants, ${comment:pg_namespace,n.oid,0} AS comment "
             "FROM pg_namespace n WHERE ${in_scope:n.oid} AND ${not_extension:pg_namespace,n.oid}",
    ATTRIBUTES(schema_attributes),
    .create = "CREATE SCHEMA {address}",
    .rename = "ALTER SCHEMA {old} RENAME TO {new}",
    .flags = KIND_DESTROYS,
    .rank = PG_SCHEMA,
};

/* ---- sequences ---- */

/* `s` is the row of pg_sequence. All of it, so that altering sets it all; and what differs from the defaults. */
#define SEQUENCE_TYPE_LEAST "CASE s.seqtypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 ELSE -9223372036854775808 END"
#define SEQUENCE_TYPE_MOST "CASE s.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END"
#define SEQUENCE_LEAST "CASE WHEN s.seqincrement > 0 THEN 1 ELSE " SEQUENCE_TYPE_LEAST " END"
#define SEQUENCE_MOST "CASE WHEN s.seqincrement > 0 THEN " SEQUENCE_TYPE_MOST " ELSE -1 END"
#define SEQUENCE_ALL                                                                                                   \
    "'INCREMENT BY ' || s.seqincrement || ' MINVALUE ' || s.seqmin || ' MAXVALUE ' || s.seqmax || ' START WITH ' ||"   \
    " s.seqstart || ' CACHE ' || s.seqcache || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END"
#define SEQUENCE_SOME(FIRST)                                                                                           \
    "nullif(concat_ws(' ', " FIRST ", CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement END,"       \
    " CASE WHEN s.seqmin <> " SEQUENCE_LEAST " THEN 'MINVALUE ' || s.seqmin END,"                                      \
    " CASE WHEN s.seqmax <> " SEQUENCE_MOST " THEN 'MAXVALUE ' || s.seqmax END,"                                       \
    " CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END"                            \
    " THEN 'START WITH ' || s.seqstart END, CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END,"                \
    " CASE WHEN s.seqcycle THEN 'CYCLE' END), '')"

static const struct attribute sequence_attributes[] = {
    {"persistence", CHANGE_SET, 0, "ALTER SEQUENCE {address} SET UNLOGGED", "ALTER SEQUENCE {address} SET LOGGED"},
    {"definition", CHANGE_SET, 0, "ALTER SEQUENCE {address} {definition}", NULL},
    ATTRIBUTE_HIDDEN("options"),  /* of the definition what is not the default */
    ATTRIBUTE_HIDDEN("owned_by"), /* the column's identity: the sequence's owner is the table's then */
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
    ATTRIBUTE_COMMENT,
};
const struct kind kind_sequence = {
    .name = "sequence",
    .words = "SEQUENCE",
    .query =
        "SELECT " RELATION_COLUMNS ", CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END AS persistence,"
        " 'AS ' || format_type(s.seqtypid, NULL) || ' ' || " SEQUENCE_ALL " AS definition, " SEQUENCE_SOME(
            "CASE WHEN s.seqtypid <> 20 THEN 'AS ' || format_type(s.seqtypid, NULL) END") " AS options,"
                                                                                          " quote_ident(tn.nspname) || '.' || quote_ident(t.relname) || '.' || quote_ident(a.attname) AS owned_by,"
                                                                                          " ${owner:c.relowner} AS owner, ${acl:s,c.relacl,c.relowner} AS grants,"
                                                                                          " ${comment:pg_class,c.oid,0} AS comment " FROM_RELATION
                                                                                          "JOIN pg_sequence s ON s.seqrelid = c.oid"
                                                                                          " LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')"
                                                                                          "  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0"
                                                                                          " LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace"
                                                                                          " LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid "
                                                                                          "WHERE c.relkind = 'S' AND d.deptype IS DISTINCT FROM 'i' AND (t.oid IS NULL OR ${not_ours:t.oid}) AND " RELATION_READ,
    ATTRIBUTES(sequence_attributes),
    .create = "CREATE [{persistence} ]SEQUENCE {address}[ {options}]",
    .rename = "ALTER SEQUENCE {old} RENAME TO {new}",
    .flags = KIND_DATA | KIND_RELATION,
    .rank = PG_SEQUENCE,
};

static const struct attribute sequence_owner_attributes[] = {
    {"column", CHANGE_SET, 0, "ALTER SEQUENCE {parent} OWNED BY {column}", NULL},
};
const struct kind kind_sequence_owner = {
    .name = "sequence owner",
    .words = "SEQUENCE",
    .query = "SELECT 'pg_sequence'::regclass::oid AS class, c.oid, 'pg_class'::regclass::oid AS parent_class,"
             " c.oid AS parent_oid, " RELATION_IDENTITY " AS identity, c.oid::regclass AS address,"
             " d.refobjid::regclass || '.' || quote_ident(a.attname) AS \"column\" " FROM_RELATION
             "JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'"
             " AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 "
             "JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
             "WHERE c.relkind = 'S' AND " RELATION_READ,
    ATTRIBUTES(sequence_owner_attributes),
    .create = "ALTER SEQUENCE {parent} OWNED BY {column}",
    .drop = "ALTER SEQUENCE {parent} OWNED BY NONE",
    .rank = PG_SEQUENCE_OWNER,
};

/* ---- table ---- */

static const struct attribute table_attributes[] = {
    {"persistence", CHANGE_SET, 0, "ALTER TABLE {address} SET UNLOGGED", "ALTER TABLE {address} SET LOGGED"},
    ATTRIBUTE_REPLACED("partition_by"), /* "RANGE (day)" */
    ATTRIBUTE_REPLACED("access_method"),
    {"options", CHANGE_OWN, 0, "ALTER TABLE {address} SET ({options})", NULL},
    ATTRIBUTE_REFUSED("tablespace"),
    {"of_type", CHANGE_SET, ATTRIBUTE_AFTER, "ALTER TABLE {address} OF {of_type}", "ALTER TABLE {address} NOT OF"},
    {"row_security", CHANGE_SET, ATTRIBUTE_AFTER | ATTRIBUTE_WEAKENS, "ALTER TABLE {address} ENABLE ROW LEVEL SECURITY",
     "ALTER TABLE {address} DISABLE ROW LEVEL SECURITY"},
    {"force_row_security", CHANGE_SET, ATTRIBUTE_AFTER | ATTRIBUTE_WEAKENS,
     "ALTER TABLE {address} FORCE ROW LEVEL SECURITY", "ALTER TABLE {address} NO FORCE ROW LEVEL SECURITY"},
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
    ATTRIBUTE_COMMENT,
};
/* CREATE TABLE with its columns is written by code of its own (gen/tables_postgresql.c). */
const struct kind kind_table = {
    .name = "table",
    .words = "TABLE",
    .query =
        "SELECT " RELATION_COLUMNS ", CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END AS persistence,"
        " CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS partition_by,"
        " " RELATION_ACCESS_METHOD ", " RELATION_OPTIONS(
            "(SELECT unnest(c.reloptions) AS o UNION ALL SELECT 'toast.' || unnest(t.reloptions) FROM pg_class t"
            " WHERE t.oid = c.reltoastrelid) u") " AS options,"
                                                 " " RELATION_TABLESPACE ","
                                                 " CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,"
                                                 " CASE WHEN c.relrowsecurity THEN 'ENABLE' END AS row_security,"
                                                 " CASE WHEN c.relforcerowsecurity THEN 'FORCE' END AS force_row_security,"
                                                 " ${owner:c.relowner} AS owner, ${acl:r,c.relacl,c.relowner} AS grants,"
                                                 " ${comment:pg_class,c.oid,0} AS comment " FROM_RELATION
                                                 "WHERE c.relkind IN ('r', 'p') AND ${not_ours:c.oid} AND " RELATION_READ,
    ATTRIBUTES(table_attributes),
    .rename = "ALTER TABLE {old} RENAME TO {new}",
    .flags = KIND_DATA | KIND_RELATION,
    .rank = PG_TABLE,
};

/* ---- columns ---- */

#define ALTER_COLUMN "ALTER TABLE {parent} ALTER COLUMN {address} "
#define COLUMN_DEFINITION                                                                                              \
    "{address} {type}[ COLLATE {collation}][ OPTIONS ({fdw_options})][ GENERATED {generated}]"                         \
    "[ GENERATED {as_identity} AS IDENTITY[ ({identity_options})]][ {not_null}]"

static const struct attribute column_attributes[] = {
    {"type", CHANGE_OWN, ATTRIBUTE_BLOCKED, NULL, NULL},
    {"collation", CHANGE_OWN, ATTRIBUTE_BLOCKED, NULL, NULL}, /* where it is not the type's */
    {"not_null", CHANGE_OWN, 0, ALTER_COLUMN "SET NOT NULL", ALTER_COLUMN "DROP NOT NULL"},
    {"generated", CHANGE_OWN, 0, NULL, ALTER_COLUMN "DROP EXPRESSION"}, /* "ALWAYS AS (…) STORED" */
    /* "ALWAYS" or "BY DEFAULT", and all that its sequence is. */
    {"as_identity", CHANGE_OWN, 0, ALTER_COLUMN "SET GENERATED {as_identity}", ALTER_COLUMN "DROP IDENTITY"},
    {"identity_definition", CHANGE_OWN, 0, NULL, NULL},
    ATTRIBUTE_HIDDEN("identity_options"), /* of that what is not the default, and its name if that is not */
    ATTRIBUTE_HIDDEN("identity_sequence"),
    {"storage", CHANGE_SET, ATTRIBUTE_AFTER, ALTER_COLUMN "SET STORAGE {storage}",
     ALTER_COLUMN "SET STORAGE {type_storage}"},
    ATTRIBUTE_HIDDEN("type_storage"),
    {"compression", CHANGE_SET, ATTRIBUTE_AFTER, ALTER_COLUMN "SET COMPRESSION {compression}",
     ALTER_COLUMN "SET COMPRESSION default"},
    {"statistics", CHANGE_SET, ATTRIBUTE_AFTER, ALTER_COLUMN "SET STATISTICS {statistics}",
     ALTER_COLUMN "SET STATISTICS -1"},
    {"options", CHANGE_OWN, ATTRIBUTE_AFTER, ALTER_COLUMN "SET ({options})", NULL},
    {"fdw_options", CHANGE_OWN, 0, NULL, NULL},
    {"position", CHANGE_REFUSE, ATTRIBUTE_ORDER, NULL, NULL},
    ATTRIBUTE_HIDDEN("inherited"), /* "t": it is there because a table that this one inherits has it */
    ATTRIBUTE_GRANTED,
    ATTRIBUTE_COMMENT_ON("COLUMN {parent}.{address}"),
};

/* An identity column's sequence: its options as one text, and its name where a server would choose another. */
#define IDENTITY_NAME                                                                                                  \
    "CASE WHEN q.relname <> c.relname || '_' || a.attname || '_seq' OR q.relnamespace <> c.relnamespace"               \
    " THEN 'SEQUENCE NAME ' || q.oid::regclass END"
const struct kind kind_column = {
    .name = "column",
    .words = "COLUMN",
    .query = "SELECT 'pg_class'::regclass::oid AS class, c.oid, a.attnum AS sub, a.attnum AS ordinal, " PART_NAMED(
        "a.attname") ", format_type(a.atttypid, a.atttypmod) AS type,"
                     " CASE WHEN a.attcollation <> t.typcollation THEN (SELECT CASE WHEN pg_collation_is_visible(l.oid) THEN ''"
                     "  ELSE quote_ident(ln.nspname) || '.' END || quote_ident(l.collname) FROM pg_collation l"
                     "  JOIN pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = a.attcollation) END AS collation,"
                     " CASE WHEN a.attnotnull THEN 'NOT NULL' END AS not_null,"
                     " CASE WHEN a.attgenerated <> '' THEN 'ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') ' ||"
                     "  CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END END AS generated,"
                     " CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS as_identity, " SEQUENCE_ALL
                     " AS identity_definition, CASE WHEN q.oid IS NOT NULL THEN " SEQUENCE_SOME(
                         IDENTITY_NAME) " END AS identity_options, q.oid::regclass AS identity_sequence,"
                                        " CASE WHEN a.attstorage <> t.typstorage THEN " WORD_OF_STORAGE("a.attstorage") " END AS storage, " WORD_OF_STORAGE(
                                            "t.typstorage") " AS type_storage,"
                                                            " ${since:140000,CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,NULL} AS compression,"
                                                            " CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics,"
                                                            " CASE WHEN a.attoptions IS NOT NULL THEN " RELATION_OPTIONS(
                                                                "unnest(a.attoptions) o WHERE o ~ '^n_distinct(_inherited)?='") " END AS options,"
                                                                                                                                " CASE WHEN a.attfdwoptions IS NOT NULL THEN " SQL_OPTIONS(
                                                                                                                                    "a.attfdwoptions",
                                                                                                                                    "', '") " END AS fdw_options,"
                                                                                                                                            " row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) AS position,"
                                                                                                                                            " CASE WHEN NOT a.attislocal AND a.attinhcount > 0 THEN 't' END AS inherited,"
                                                                                                                                            " ${acl:c,a.attacl,c.relowner} AS grants, ${comment:pg_class,c.oid,a.attnum} AS comment " FROM_RELATION
                                                                                                                                            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
                                                                                                                                            "JOIN pg_type t ON t.oid = a.atttypid "
                                                                                                                                            "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum AND a.attgenerated <> '' "
                                                                                                                                            "LEFT JOIN pg_depend i ON i.refclassid = 'pg_class'::regclass AND i.refobjid = c.oid"
                                                                                                                                            " AND i.refobjsubid = a.attnum AND i.deptype = 'i' AND i.classid = 'pg_class'::regclass AND a.attidentity <> '' "
                                                                                                                                            "LEFT JOIN pg_class q ON q.oid = i.objid LEFT JOIN pg_sequence s ON s.seqrelid = q.oid "
                                                                                                                                            "WHERE c.relkind IN ('r', 'p', 'f') AND " RELATION_READ,
    ATTRIBUTES(column_attributes),
    .create = "ALTER TABLE {parent} ADD COLUMN " COLUMN_DEFINITION,
    .clause = COLUMN_DEFINITION,
    .drop = "ALTER TABLE {parent} DROP COLUMN {address}",
    .rename = "ALTER TABLE {parent} RENAME COLUMN {old} TO {new}",
    .flags = KIND_DATA | KIND_INLINE,
    .rank = PG_COLUMN,
};

static const struct attribute default_attributes[] = {
    {"expression", CHANGE_SET, 0, "ALTER TABLE [{only} ]{table} ALTER COLUMN {parent} SET DEFAULT {expression}", NULL},
    ATTRIBUTE_HIDDEN("table"),
    ATTRIBUTE_HIDDEN("only"), /* "ONLY" of a table that others inherit: theirs are their own */
};
const struct kind kind_default = {
    .name = "default",
    .words = "DEFAULT",
    .query =
        "SELECT 'pg_attrdef'::regclass::oid AS class, d.oid, 'pg_class'::regclass::oid AS parent_class, c.oid AS parent_oid,"
        " a.attnum AS parent_sub, " RELATION_IDENTITY " || '.' || quote_ident(a.attname) AS identity,"
        " quote_ident(a.attname) AS address, pg_get_expr(d.adbin, d.adrelid) AS expression,"
        " c.oid::regclass AS \"table\", CASE WHEN c.relhassubclass THEN 'ONLY' END AS only" FROM_RELATION
        "JOIN pg_attrdef d ON d.adrelid = c.oid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum "
        "WHERE c.relkind IN ('r', 'p', 'f') AND a.attgenerated = '' AND " RELATION_READ,
    ATTRIBUTES(default_attributes),
    .create = "ALTER TABLE [{only} ]{table} ALTER COLUMN {parent} SET DEFAULT {expression}",
    .clause = "DEFAULT {expression}",
    .drop = "ALTER TABLE [{only} ]{table} ALTER COLUMN {parent} DROP DEFAULT",
    .flags = KIND_INLINE,
    .rank = PG_DEFAULT,
};

/* Comes and goes with its column; nothing but what hangs on it and its name is its own. */
static const struct attribute identity_sequence_attributes[] = {
    {"name", CHANGE_SET, 0, "ALTER SEQUENCE {old.sequence} RENAME TO {name}", NULL},
    ATTRIBUTE_HIDDEN("sequence"),
    {"persistence", CHANGE_SET, ATTRIBUTE_AFTER, "ALTER SEQUENCE {address} SET UNLOGGED",
     "ALTER SEQUENCE {address} SET LOGGED"},
    ATTRIBUTE_GRANTED,
    ATTRIBUTE_COMMENT,
};
const struct kind kind_identity_sequence = {
    .name = "identity sequence",
    .words = "SEQUENCE",
    .query =
        "SELECT 'pg_class'::regclass::oid AS class, q.oid, 'pg_class'::regclass::oid AS parent_class, c.oid AS parent_oid,"
        " a.attnum AS parent_sub, " RELATION_IDENTITY " || '.' || quote_ident(a.attname) AS identity,"
        " q.oid::regclass AS address, quote_ident(q.relname) AS name, q.oid::regclass AS sequence,"
        " CASE WHEN q.relpersistence <> c.relpersistence AND q.relpersistence = 'u' THEN 'UNLOGGED' END"
        "  AS persistence, ${acl:s,q.relacl,q.relowner} AS grants, ${comment:pg_class,q.oid,0} AS comment " FROM_RELATION
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' "
        "JOIN pg_depend i ON i.refclassid = 'pg_class'::regclass AND i.refobjid = c.oid"
        " AND i.refobjsubid = a.attnum AND i.deptype = 'i' AND i.classid = 'pg_class'::regclass "
        "JOIN pg_class q ON q.oid = i.objid AND q.relkind = 'S' WHERE " RELATION_READ,
    ATTRIBUTES(identity_sequence_attributes),
    .flags = KIND_FOLLOWS,
    .rank = PG_IDENTITY_SEQUENCE,
};

/* ---- inheritance and partitions ---- */

#define FROM_INHERITANCE                                                                                               \
    FROM_RELATION "JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent "                   \
                  "JOIN pg_namespace pn ON pn.oid = p.relnamespace "
#define OF_RELATION                                                                                                    \
    "'pg_inherits'::regclass::oid AS class, c.oid, i.inhseqno AS sub, 'pg_class'::regclass::oid AS parent_class,"      \
    " c.oid AS parent_oid, c.oid::regclass AS address, p.oid::regclass AS \"of\","                                     \
    " i.inhseqno AS ordinal"

static const struct attribute inheritance_attributes[] = {
    ATTRIBUTE_HIDDEN("of"),
    ATTRIBUTE_REPLACED("position"), /* among those that the table inherits: its columns' order comes from it */
};
const struct kind kind_inheritance = {
    .name = "inheritance",
    .words = "TABLE",
    .query = "SELECT " OF_RELATION ", " RELATION_IDENTITY " || ' of ' || quote_ident(pn.nspname) || '.' ||"
             " quote_ident(p.relname) AS identity,"
             " row_number() OVER (PARTITION BY c.oid ORDER BY i.inhseqno) AS position " FROM_INHERITANCE
             "WHERE c.relkind IN ('r', 'f') AND NOT c.relispartition AND " RELATION_READ,
    ATTRIBUTES(inheritance_attributes),
    .create = "ALTER TABLE {parent} INHERIT {of}",
    .drop = "ALTER TABLE {parent} NO INHERIT {of}",
    .rank = PG_INHERITANCE,
};

static const struct attribute partition_attributes[] = {
    ATTRIBUTE_REPLACED("of"), ATTRIBUTE_REPLACED("bound"), /* "FOR VALUES IN ('a')", "DEFAULT" */
    ATTRIBUTE_HIDDEN("same_columns"), /* "t": all its columns are inherited, and in the same order */
};
#define NAMES_OF_COLUMNS(RELATION)                                                                                     \
    "(SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = " RELATION                  \
    " AND a.attnum > 0 AND NOT a.attisdropped)"
const struct kind kind_partition = {
    .name = "partition",
    .words = "TABLE",
    .query = "SELECT " OF_RELATION ", " RELATION_IDENTITY " AS identity, pg_get_expr(c.relpartbound, c.oid) AS bound,"
             " CASE WHEN NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0"
             "  AND NOT a.attisdropped AND a.attislocal) AND " NAMES_OF_COLUMNS("c.oid") " = " NAMES_OF_COLUMNS(
                 "p.oid") " THEN 't' END AS same_columns " FROM_INHERITANCE
                          "WHERE c.relkind IN ('r', 'p', 'f') AND c.relispartition AND " RELATION_READ,
    ATTRIBUTES(partition_attributes),
    .create = "ALTER TABLE ONLY {of} ATTACH PARTITION {parent} {bound}",
    .drop = "ALTER TABLE {of} DETACH PARTITION {parent}",
    .rank = PG_PARTITION,
};
