/* What is on a table beside its columns: constraints, indexes, statistics, and which index it is known by. */
#include "schema/kinds_relations.h"

/* ---- constraints ---- */

/* The text as the server prints it, without its end: that is what can change alone. */
#define CONSTRAINT_TEXT "pg_get_constraintdef(k.oid)"
#define NOT_VALID " CASE WHEN NOT k.convalidated ${since:180000,AND k.conenforced,} THEN 'NOT VALID' END AS not_valid,"
/* An inherited constraint, and one that a partition has of its parent, is that of the parent. */
#define FROM_CONSTRAINT                                                                                                \
    FROM_RELATION "JOIN pg_constraint k ON k.conrelid = c.oid AND k.conparentid = 0"                                   \
                  " AND (k.conislocal OR k.coninhcount = 0) "
#define VALIDATED                                                                                                      \
    {                                                                                                                  \
        "not_valid", CHANGE_OWN, 0, NULL, "ALTER TABLE {parent} VALIDATE CONSTRAINT {address}"                         \
    }
#define RENAME_CONSTRAINT "ALTER TABLE {parent} RENAME CONSTRAINT {old} TO {new}"
#define DROP_CONSTRAINT "ALTER TABLE {parent} DROP CONSTRAINT {address}"

static const struct attribute constraint_attributes[] = {
    ATTRIBUTE_REPLACED("definition"), /* "PRIMARY KEY (id)" */
    VALIDATED,
    ATTRIBUTE_HIDDEN("type"),                             /* p, u, c, x */
    {"options", CHANGE_OWN, ATTRIBUTE_AFTER, NULL, NULL}, /* of its index: "fillfactor=70" */
    ATTRIBUTE_REFUSED("tablespace"),
    ATTRIBUTE_HIDDEN("index"),
    ATTRIBUTE_COMMENT_ON("CONSTRAINT {address} ON {parent}"),
    {"index_comment", CHANGE_SET, ATTRIBUTE_AFTER, "COMMENT ON INDEX {index} IS {index_comment}",
     "COMMENT ON INDEX {index} IS NULL"},
};
const struct kind kind_constraint = {
    .name = "constraint",
    .words = "CONSTRAINT",
    .query = "SELECT 'pg_constraint'::regclass::oid AS class, k.oid, " PART_NAMED(
        "k.conname") ", regexp_replace(" CONSTRAINT_TEXT ", ' NOT VALID$', '') AS definition," NOT_VALID
                     " k.contype AS type, CASE WHEN x.reloptions IS NOT NULL THEN " RELATION_OPTIONS(
                         "unnest(x.reloptions) o") " END AS options,"
                                                   " (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = x.reltablespace) AS tablespace,"
                                                   " x.oid::regclass AS index, ${comment:pg_constraint,k.oid,0} AS comment,"
                                                   " ${comment:pg_class,x.oid,0} AS index_comment" FROM_CONSTRAINT
                                                   "LEFT JOIN pg_class x ON x.oid = k.conindid AND k.contype IN ('p', 'u', 'x') "
                                                   "WHERE k.contype IN ('p', 'u', 'c', 'x') AND " RELATION_READ,
    ATTRIBUTES(constraint_attributes),
    .create = "ALTER TABLE {parent} ADD CONSTRAINT {address} {definition}[ {not_valid}]",
    .clause = "CONSTRAINT {address} {definition}",
    .drop = DROP_CONSTRAINT,
    .rename = RENAME_CONSTRAINT,
    .flags = KIND_INLINE,
    .rank = PG_CONSTRAINT,
};

static const struct attribute foreign_key_attributes[] = {
    ATTRIBUTE_REPLACED("definition"),
    {"deferrable", CHANGE_SET, 0, "ALTER TABLE {parent} ALTER CONSTRAINT {address} {deferrable}",
     "ALTER TABLE {parent} ALTER CONSTRAINT {address} NOT DEFERRABLE"},
    VALIDATED,
    ATTRIBUTE_COMMENT_ON("CONSTRAINT {address} ON {parent}"),
};
const struct kind kind_foreign_key = {
    .name = "foreign key",
    .words = "CONSTRAINT",
    .query = "SELECT 'pg_constraint'::regclass::oid AS class, k.oid, " PART_NAMED(
        "k.conname") ", regexp_replace(" CONSTRAINT_TEXT
                     ", '( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT ENFORCED)?( NOT VALID)?$', E'\\\\3')"
                     " AS definition, CASE WHEN k.condeferrable THEN 'DEFERRABLE' ||"
                     "  CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END END AS \"deferrable\"," NOT_VALID
                     " ${comment:pg_constraint,k.oid,0} AS comment" FROM_CONSTRAINT
                     "WHERE k.contype = 'f' AND " RELATION_READ,
    ATTRIBUTES(foreign_key_attributes),
    .create = "ALTER TABLE {parent} ADD CONSTRAINT {address} {definition}[ {deferrable}][ {not_valid}]",
    .drop = DROP_CONSTRAINT,
    .rename = RENAME_CONSTRAINT,
    .rank = PG_FOREIGN_KEY,
};

/* ---- indexes ---- */

/* `x` is the index, `c` its table: pg_get_indexdef without what says so, where names are always qualified. */
#define INDEX_HEAD                                                                                                     \
    "'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(x.relname) || ' ON '"  \
    " || CASE x.relkind WHEN 'I' THEN 'ONLY ' ELSE '' END || " RELATION_IDENTITY " || ' '"

static const struct attribute index_attributes[] = {
    ATTRIBUTE_REPLACED("unique"),     /* "UNIQUE" */
    ATTRIBUTE_REPLACED("definition"), /* "USING btree (title)" */
    ATTRIBUTE_REPLACED("invalid"),    /* "INVALID": a build CONCURRENTLY failed */
    ATTRIBUTE_HIDDEN("name"),         /* without a schema */
    ATTRIBUTE_HIDDEN("method"),
    ATTRIBUTE_REFUSED("tablespace"),
    {"statistics", CHANGE_REPLACE, ATTRIBUTE_AFTER, "ALTER INDEX {address} {statistics}", NULL},
    ATTRIBUTE_COMMENT,
};
const struct kind kind_index = {
    .name = "index",
    .words = "INDEX",
    .query =
        "SELECT 'pg_class'::regclass::oid AS class, x.oid, " RELATION_IS_PARENT ","
        " quote_ident(n.nspname) || '.' || quote_ident(x.relname) AS identity, x.oid::regclass AS address,"
        " CASE WHEN i.indisunique THEN 'UNIQUE' END AS \"unique\","
        " substr(pg_get_indexdef(x.oid), length(" INDEX_HEAD ") + 1) AS definition,"
        " CASE WHEN NOT i.indisvalid AND x.relkind = 'i' THEN 'INVALID' END AS invalid, quote_ident(x.relname) AS name,"
        " (SELECT m.amname FROM pg_am m WHERE m.oid = x.relam) AS method,"
        " (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = x.reltablespace) AS tablespace,"
        " CASE WHEN i.indexprs IS NOT NULL THEN (SELECT string_agg('ALTER COLUMN ' || a.attnum ||"
        "  ' SET STATISTICS ' || a.attstattarget, ', ' ORDER BY a.attnum) FROM pg_attribute a"
        "  WHERE a.attrelid = x.oid AND a.attstattarget >= 0) END AS statistics,"
        " ${comment:pg_class,x.oid,0} AS comment" FROM_RELATION
        "JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid "
        "WHERE c.relkind IN ('r', 'p', 'm') AND NOT x.relispartition AND NOT EXISTS (SELECT FROM pg_constraint k"
        "  WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')) AND " RELATION_READ,
    ATTRIBUTES(index_attributes),
    .create = "CREATE [{unique} ]INDEX {name} ON {parent} {definition}",
    .rename = "ALTER INDEX {old} RENAME TO {new}",
    .flags = KIND_RELATION,
    .rank = PG_INDEX,
};

static const struct attribute partition_index_attributes[] = {
    {"name", CHANGE_SET, 0, "ALTER INDEX {old.index} RENAME TO {name}", NULL},
    ATTRIBUTE_HIDDEN("index"),
    ATTRIBUTE_COMMENT,
};
const struct kind kind_partition_index = {
    .name = "partition index",
    .words = "INDEX",
    .query = "SELECT 'pg_class'::regclass::oid AS class, x.oid, " RELATION_IS_PARENT ", " RELATION_IDENTITY
             " || ' of ' || quote_ident(un.nspname) || '.' || quote_ident(u.relname) AS identity,"
             " x.oid::regclass AS address, quote_ident(x.relname) AS name, x.oid::regclass AS index,"
             " ${comment:pg_class,x.oid,0} AS comment" FROM_RELATION
             "JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid AND x.relispartition "
             "JOIN pg_inherits h ON h.inhrelid = x.oid JOIN pg_class u ON u.oid = h.inhparent "
             "JOIN pg_namespace un ON un.oid = u.relnamespace WHERE " RELATION_READ,
    ATTRIBUTES(partition_index_attributes),
    .flags = KIND_FOLLOWS,
    .rank = PG_PARTITION_INDEX,
};

/* Parts of the table, and not attributes, since they need the index. */
static const struct attribute replica_identity_attributes[] = {
    {"definition", CHANGE_SET, 0, "ALTER TABLE {parent} REPLICA IDENTITY {definition}", NULL},
};
const struct kind kind_replica_identity = {
    .name = "replica identity",
    .words = "TABLE",
    .query =
        "SELECT 'pg_index'::regclass::oid AS class, c.oid, 1 AS sub, " RELATION_IS_PARENT ", " RELATION_IDENTITY
        " AS identity, c.oid::regclass AS address, CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'"
        "  ELSE 'USING INDEX ' || quote_ident(x.relname) END AS definition" FROM_RELATION
        "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisreplident LEFT JOIN pg_class x ON x.oid = i.indexrelid "
        "WHERE c.relkind IN ('r', 'p') AND (c.relreplident IN ('f', 'n') OR c.relreplident = 'i' AND x.oid IS NOT NULL)"
        " AND " RELATION_READ,
    ATTRIBUTES(replica_identity_attributes),
    .create = "ALTER TABLE {parent} REPLICA IDENTITY {definition}",
    .drop = "ALTER TABLE {parent} REPLICA IDENTITY DEFAULT",
    .rank = PG_REPLICA_IDENTITY,
};

static const struct attribute clustering_attributes[] = {
    {"index", CHANGE_SET, 0, "ALTER TABLE {parent} CLUSTER ON {index}", NULL},
};
const struct kind kind_clustering = {
    .name = "clustering",
    .words = "TABLE",
    .query = "SELECT 'pg_index'::regclass::oid AS class, c.oid, 2 AS sub, " RELATION_IS_PARENT ", " RELATION_IDENTITY
             " AS identity, c.oid::regclass AS address, quote_ident(x.relname) AS index" FROM_RELATION
             "JOIN pg_index i ON i.indrelid = c.oid AND i.indisclustered JOIN pg_class x ON x.oid = i.indexrelid "
             "WHERE c.relkind IN ('r', 'm') AND " RELATION_READ,
    ATTRIBUTES(clustering_attributes),
    .create = "ALTER TABLE {parent} CLUSTER ON {index}",
    .drop = "ALTER TABLE {parent} SET WITHOUT CLUSTER",
    .rank = PG_CLUSTERING,
};

/* ---- extended statistics ---- */

#define STATISTICS_IDENTITY "quote_ident(xn.nspname) || '.' || quote_ident(x.stxname)"

static const struct attribute statistics_attributes[] = {
    ATTRIBUTE_HIDDEN("definition"), /* "(ndistinct) ON a, b FROM t" */
    ATTRIBUTE_REPLACED("content"),  /* the same with columns by name: the server has them by number */
    {"target", CHANGE_SET, ATTRIBUTE_AFTER, "ALTER STATISTICS {address} SET STATISTICS {target}",
     "ALTER STATISTICS {address} SET STATISTICS -1"},
    ATTRIBUTE_OWNED,
    ATTRIBUTE_COMMENT,
};
const struct kind kind_statistics = {
    .name = "statistics",
    .words = "STATISTICS",
    .query =
        "SELECT 'pg_statistic_ext'::regclass::oid AS class, x.oid, " RELATION_IS_PARENT ", " STATISTICS_IDENTITY
        " AS identity, CASE WHEN pg_statistics_obj_is_visible(x.oid) THEN quote_ident(x.stxname) ELSE " STATISTICS_IDENTITY
        " END AS address,"
        " ltrim(substr(pg_get_statisticsobjdef(x.oid), length('CREATE STATISTICS ' || " STATISTICS_IDENTITY ") + 1))"
        " AS definition,"
        " concat_ws('; ', (SELECT string_agg(k, '' ORDER BY k) FROM unnest(x.stxkind::text[]) k),"
        "  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE \"C\") FROM pg_attribute a"
        "   WHERE a.attrelid = c.oid AND a.attnum = ANY (x.stxkeys)),"
        "  ${since:140000,pg_get_expr(x.stxexprs, c.oid),NULL}, " RELATION_IDENTITY ") AS content,"
        " ${since:130000,CASE WHEN x.stxstattarget >= 0 THEN x.stxstattarget END,NULL} AS target,"
        " ${owner:x.stxowner} AS owner, ${comment:pg_statistic_ext,x.oid,0} AS comment" FROM_RELATION
        "JOIN pg_statistic_ext x ON x.stxrelid = c.oid JOIN pg_namespace xn ON xn.oid = x.stxnamespace "
        "WHERE " RELATION_READ,
    ATTRIBUTES(statistics_attributes),
    .create = "CREATE STATISTICS {address} {definition}",
    .rename = "ALTER STATISTICS {old} RENAME TO {new}",
    .rank = PG_STATISTICS,
};
