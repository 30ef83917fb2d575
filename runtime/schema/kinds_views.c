/* Views, and what acts when rows are read and written: rules, triggers and policies. */
#include "schema/kinds_relations.h"

/* ---- views ---- */

/*
 * Without its semicolon. The server prints a list of values in one of two ways, and what it printed in the one way it
 * prints in the other when that was run; literals are stepped over.
 */
#define VIEW_TEXT                                                                                                      \
    "(SELECT CASE WHEN strpos(v, 'FROM ( VALUES (') = 0 THEN v ELSE"                                                   \
    " regexp_replace(v, '^((?:[^'']|''[^'']*'')*?FROM) [(] VALUES [(]', E'\\\\1 (VALUES (') END"                       \
    " FROM regexp_replace(pg_get_viewdef(c.oid), ';[[:space:]]*$', '') v)"
/* A line for each: a view may be replaced in place by one whose lines begin with these. */
#define VIEW_COLUMNS                                                                                                   \
    "(SELECT string_agg(quote_ident(a.attname) || E'\\t' || format_type(a.atttypid, a.atttypmod) || E'\\t' ||"         \
    "  CASE WHEN a.attcollation = 0 THEN '' ELSE (SELECT quote_ident(ln.nspname) || '.' || quote_ident(l.collname)"    \
    "   FROM pg_collation l JOIN pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = a.attcollation) END,"       \
    "  E'\\n' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns"

static const struct attribute view_attributes[] = {
    {"definition", CHANGE_RECREATE, 0, NULL, NULL},
    {"options", CHANGE_OWN, ATTRIBUTE_WEAKENS, "ALTER VIEW {address} SET ({options})", NULL},
    ATTRIBUTE_HIDDEN("columns"),
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
    ATTRIBUTE_COMMENT,
};
const struct kind kind_view = {
    .name = "view",
    .words = "VIEW",
    .query = "SELECT " RELATION_COLUMNS ", " VIEW_TEXT
             " AS definition, CASE WHEN c.reloptions IS NOT NULL THEN " RELATION_OPTIONS(
                 "unnest(c.reloptions) o") " END AS options, " VIEW_COLUMNS
                                           ", ${owner:c.relowner} AS owner, ${acl:r,c.relacl,c.relowner} AS grants,"
                                           " ${comment:pg_class,c.oid,0} AS comment" FROM_RELATION
                                           "WHERE c.relkind = 'v' AND " RELATION_READ,
    ATTRIBUTES(view_attributes),
    .create = "CREATE VIEW {address}[ WITH ({options})] AS\n{definition}",
    .replace = "CREATE OR REPLACE VIEW {address}[ WITH ({options})] AS\n{definition}",
    .rename = "ALTER VIEW {old} RENAME TO {new}",
    .flags = KIND_RELATION | KIND_BLOCKS,
    .rank = PG_VIEW,
};

static const struct attribute materialized_view_attributes[] = {
    ATTRIBUTE_REPLACED("definition"),
    {"options", CHANGE_OWN, 0, "ALTER MATERIALIZED VIEW {address} SET ({options})", NULL},
    ATTRIBUTE_REPLACED("access_method"),
    ATTRIBUTE_REFUSED("tablespace"),
    ATTRIBUTE_HIDDEN("populated"), /* "WITH NO DATA": whether it was refreshed is not its shape */
    ATTRIBUTE_HIDDEN("columns"),
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
    ATTRIBUTE_COMMENT,
};
const struct kind kind_materialized_view = {
    .name = "materialized view",
    .words = "MATERIALIZED VIEW",
    .query =
        "SELECT " RELATION_COLUMNS ", " VIEW_TEXT
        " AS definition, CASE WHEN c.reloptions IS NOT NULL THEN " RELATION_OPTIONS(
            "unnest(c.reloptions) o") " END AS options, " RELATION_ACCESS_METHOD ", " RELATION_TABLESPACE
                                      ", CASE WHEN NOT c.relispopulated THEN 'WITH NO DATA' END AS populated, " VIEW_COLUMNS
                                      ", ${owner:c.relowner} AS owner, ${acl:r,c.relacl,c.relowner} AS grants,"
                                      " ${comment:pg_class,c.oid,0} AS comment" FROM_RELATION
                                      "WHERE c.relkind = 'm' AND " RELATION_READ,
    ATTRIBUTES(materialized_view_attributes),
    .create = "CREATE MATERIALIZED VIEW {address}[ USING {access_method}][ WITH ({options})] AS\n{definition}"
              "[\n{populated}]",
    .rename = "ALTER MATERIALIZED VIEW {old} RENAME TO {new}",
    .flags = KIND_DATA | KIND_RELATION | KIND_BLOCKS,
    .rank = PG_MATERIALIZED_VIEW,
};

#define ALTER_COLUMN "ALTER TABLE {parent} ALTER COLUMN {address} "
static const struct attribute view_column_attributes[] = {
    {"default", CHANGE_SET, ATTRIBUTE_AFTER, ALTER_COLUMN "SET DEFAULT {default}", ALTER_COLUMN "DROP DEFAULT"},
    {"statistics", CHANGE_SET, ATTRIBUTE_AFTER, ALTER_COLUMN "SET STATISTICS {statistics}",
     ALTER_COLUMN "SET STATISTICS -1"},
    {"storage", CHANGE_SET, ATTRIBUTE_AFTER, ALTER_COLUMN "SET STORAGE {storage}",
     ALTER_COLUMN "SET STORAGE {type_storage}"},
    ATTRIBUTE_HIDDEN("type_storage"),
    {"compression", CHANGE_SET, ATTRIBUTE_AFTER, ALTER_COLUMN "SET COMPRESSION {compression}",
     ALTER_COLUMN "SET COMPRESSION default"},
    ATTRIBUTE_GRANTED,
    ATTRIBUTE_COMMENT_ON("COLUMN {parent}.{address}"),
};
const struct kind kind_view_column = {
    .name = "view column",
    .words = "COLUMN",
    .query = "SELECT 'pg_class'::regclass::oid AS class, c.oid, a.attnum AS sub, a.attnum AS ordinal, " PART_NAMED(
        "a.attname") ", pg_get_expr(d.adbin, d.adrelid) AS \"default\","
                     " CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics,"
                     " CASE WHEN c.relkind = 'm' AND a.attstorage <> t.typstorage THEN " WORD_OF_STORAGE("a.attstorage") " END AS storage, " WORD_OF_STORAGE(
                         "t.typstorage") " AS type_storage,"
                                         " ${since:140000,CASE WHEN c.relkind = 'm' THEN CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END END,NULL}"
                                         " AS compression,"
                                         " ${acl:c,a.attacl,c.relowner} AS grants, ${comment:pg_class,c.oid,a.attnum} AS comment" FROM_RELATION
                                         "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
                                         "JOIN pg_type t ON t.oid = a.atttypid "
                                         "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
                                         "WHERE c.relkind IN ('v', 'm') AND " RELATION_READ,
    ATTRIBUTES(view_column_attributes),
    .rename = "ALTER TABLE {parent} RENAME COLUMN {old} TO {new}",
    .flags = KIND_FOLLOWS,
    .rank = PG_VIEW_COLUMN,
};

/* ---- rules ---- */

#define RULE_EVENT                                                                                                     \
    "CASE r.ev_type WHEN '1' THEN 'SELECT' WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END"
#define RULE_HEAD                                                                                                      \
    "'CREATE RULE ' || quote_ident(r.rulename) || ' AS ON ' || " RULE_EVENT " || ' TO ' || " RELATION_IDENTITY
/* The server may break the line behind AS. */
#define RULE_TEXT                                                                                                      \
    "overlay(pg_get_ruledef(r.oid) placing ' AS ON '"                                                                  \
    " from length('CREATE RULE ' || quote_ident(r.rulename)) + 1"                                                      \
    " for length(substring(substr(pg_get_ruledef(r.oid), length('CREATE RULE ' || quote_ident(r.rulename)) + 1)"       \
    "  from '^ AS[[:space:]]+ON ')))"

static const struct attribute rule_attributes[] = {
    {"event", CHANGE_RECREATE, 0, NULL, NULL},
    {"definition", CHANGE_RECREATE, 0, NULL, NULL}, /* "WHERE … DO INSTEAD NOTHING" */
    {"enabled", CHANGE_SET, ATTRIBUTE_AFTER, "ALTER TABLE {parent} {enabled} RULE {address}",
     "ALTER TABLE {parent} ENABLE RULE {address}"},
    ATTRIBUTE_COMMENT_ON("RULE {address} ON {parent}"),
};
const struct kind kind_rule = {
    .name = "rule",
    .words = "RULE",
    .query = "SELECT 'pg_rewrite'::regclass::oid AS class, r.oid, " PART_NAMED(
        "r.rulename") ", " RULE_EVENT " AS event,"
                      " rtrim(ltrim(substr(" RULE_TEXT ", length(" RULE_HEAD ") + 1), E' \\n'), ';') AS definition,"
                      " CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS'"
                      "  END AS enabled, ${comment:pg_rewrite,r.oid,0} AS comment" FROM_RELATION
                      "JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN' AND " RELATION_READ,
    ATTRIBUTES(rule_attributes),
    .create = "CREATE RULE {address} AS ON {event} TO {parent} {definition}",
    .replace = "CREATE OR REPLACE RULE {address} AS ON {event} TO {parent} {definition}",
    .drop = "DROP RULE {address} ON {parent}",
    .rename = "ALTER RULE {old} ON {parent} RENAME TO {new}",
    .flags = KIND_BLOCKS,
    .rank = PG_RULE,
};

/* ---- triggers ---- */

/* Behind the name; the table, which the server always qualifies there, as the search path allows it. */
#define TRIGGER_TEXT                                                                                                    \
    "substr(pg_get_triggerdef(t.oid), length('CREATE ' || CASE WHEN t.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END" \
    " || 'TRIGGER ' || quote_ident(t.tgname) || ' ') + 1)"
#define TRIGGER_TABLE "' ON ' || " RELATION_IDENTITY " || ' '"

static const struct attribute trigger_attributes[] = {
    ATTRIBUTE_REPLACED("constraint"), /* "CONSTRAINT" */
    ATTRIBUTE_REPLACED("definition"), /* "BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION touch()" */
    {"enabled", CHANGE_SET, ATTRIBUTE_AFTER | ATTRIBUTE_WEAKENS, "ALTER TABLE {parent} {enabled} TRIGGER {address}",
     "ALTER TABLE {parent} ENABLE TRIGGER {address}"},
    ATTRIBUTE_COMMENT_ON("TRIGGER {address} ON {parent}"),
};
const struct kind kind_trigger = {
    .name = "trigger",
    .words = "TRIGGER",
    .query = "SELECT 'pg_trigger'::regclass::oid AS class, t.oid, " PART_NAMED(
        "t.tgname") ", CASE WHEN t.tgconstraint <> 0 THEN 'CONSTRAINT' END AS \"constraint\","
                    " overlay(d.text placing ' ON ' || c.oid::regclass || ' ' from strpos(d.text, " TRIGGER_TABLE ")"
                    "  for length(" TRIGGER_TABLE ")) AS definition,"
                    " CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS'"
                    "  END AS enabled, ${comment:pg_trigger,t.oid,0} AS comment" FROM_RELATION
                    "JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal ${since:130000,AND t.tgparentid = 0,} "
                    "CROSS JOIN LATERAL (SELECT " TRIGGER_TEXT " AS text) d WHERE " RELATION_READ,
    ATTRIBUTES(trigger_attributes),
    .create = "CREATE [{constraint} ]TRIGGER {address} {definition}",
    .drop = "DROP TRIGGER {address} ON {parent}",
    .rename = "ALTER TRIGGER {old} ON {parent} RENAME TO {new}",
    .flags = KIND_BLOCKS,
    .rank = PG_TRIGGER,
};

/* ---- policies ---- */

static const struct attribute policy_attributes[] = {
    ATTRIBUTE_REPLACED("permissive"), /* "RESTRICTIVE" */
    ATTRIBUTE_REPLACED("command"),
    {"roles", CHANGE_SET, ATTRIBUTE_WEAKENS, "ALTER POLICY {address} ON {parent} TO {roles}", NULL},
    {"using", CHANGE_OWN, ATTRIBUTE_WEAKENS, "ALTER POLICY {address} ON {parent} USING ({using})", NULL},
    {"check", CHANGE_OWN, ATTRIBUTE_WEAKENS, "ALTER POLICY {address} ON {parent} WITH CHECK ({check})", NULL},
    ATTRIBUTE_COMMENT_ON("POLICY {address} ON {parent}"),
};
const struct kind kind_policy = {
    .name = "policy",
    .words = "POLICY",
    .query = "SELECT 'pg_policy'::regclass::oid AS class, p.oid, " PART_NAMED(
        "p.polname") ", CASE WHEN NOT p.polpermissive THEN 'RESTRICTIVE' END AS permissive, CASE p.polcmd WHEN 'r' THEN 'SELECT'"
                     "  WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,"
                     " (SELECT string_agg(name, ', ' ORDER BY name COLLATE \"C\") FROM (SELECT CASE r.oid WHEN 0 THEN 'PUBLIC' ELSE"
                     "  quote_ident(pg_get_userbyid(r.oid)) END AS name FROM unnest(p.polroles) r(oid)) names) AS roles,"
                     " pg_get_expr(p.polqual, p.polrelid) AS \"using\", pg_get_expr(p.polwithcheck, p.polrelid) AS \"check\","
                     " ${comment:pg_policy,p.oid,0} AS comment" FROM_RELATION
                     "JOIN pg_policy p ON p.polrelid = c.oid WHERE " RELATION_READ,
    ATTRIBUTES(policy_attributes),
    .create = "CREATE POLICY {address} ON {parent}[ AS {permissive}] FOR {command} TO {roles}[ USING ({using})]"
              "[ WITH CHECK ({check})]",
    .drop = "DROP POLICY {address} ON {parent}",
    .rename = "ALTER POLICY {old} ON {parent} RENAME TO {new}",
    .flags = KIND_SECURITY | KIND_BLOCKS,
    .rank = PG_POLICY,
};
