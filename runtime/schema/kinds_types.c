/* Types that are no relations, and collations: enums, domains, composites, ranges. */
#include "schema/kinds_sql.h"

/* SQL keeps its own lines. */
/* clang-format off */

#define SQL_TYPE_ADDRESS                                                                                               \
    "SELECT 'pg_type'::regclass::oid AS class, t.oid AS oid, 0 AS sub,\n"                                              \
    SQL_NO_PARENT "\n"                                                                                                 \
    SQL_QUALIFIED("n.nspname", "t.typname") " AS identity,\n"                                                          \
    "format_type(t.oid, NULL) AS address, 0 AS ordinal,\n"
#define SQL_TYPE_COMMON                                                                                                \
    "${comment:pg_type,t.oid,0} AS comment, ${owner:t.typowner} AS owner,\n"                                           \
    "${acl:T,t.typacl,t.typowner} AS grants\n"                                                                         \
    "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace\n"
#define SQL_TYPE_SCOPE "${in_scope:t.typnamespace} AND ${not_extension:pg_type,t.oid}\n"

#define SQL_COLLATION(OID)                                                                                             \
    "(SELECT " SQL_SHOWN("pg_collation_is_visible(co.oid)", "cn.nspname", "co.collname") "\n"                          \
    " FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = " OID ")"

/* ---------------------------------------------------------------------------------------------------------- collations */

/*
 * What is said of a collation differs between versions: where ICU's locale is kept (collcollate, colliculocale, colllocale),
 * rules, and the provider that is built in.
 */
static const char collation_query[] =
    "SELECT 'pg_collation'::regclass::oid AS class, c.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    SQL_QUALIFIED("n.nspname", "c.collname") " AS identity,\n"
    SQL_SHOWN("pg_collation_is_visible(c.oid)", "n.nspname", "c.collname") " AS address, 0 AS ordinal,\n"
    "CASE c.collprovider WHEN 'i' THEN 'PROVIDER = icu' WHEN 'b' THEN 'PROVIDER = builtin' ELSE 'PROVIDER = libc' END\n"
    "|| CASE WHEN c.collprovider <> 'c' THEN\n"
    "       ', LOCALE = ' || quote_literal(coalesce(j.c ->> 'colllocale', j.c ->> 'colliculocale', j.c ->> 'collcollate'))\n"
    "   WHEN j.c ->> 'collcollate' = j.c ->> 'collctype' THEN ', LOCALE = ' || quote_literal(j.c ->> 'collcollate')\n"
    "   ELSE ', LC_COLLATE = ' || quote_literal(j.c ->> 'collcollate')\n"
    "        || ', LC_CTYPE = ' || quote_literal(j.c ->> 'collctype') END\n"
    "|| coalesce(', RULES = ' || quote_literal(j.c ->> 'collicurules'), '')\n"
    "|| CASE WHEN c.collisdeterministic THEN '' ELSE ', DETERMINISTIC = false' END AS definition,\n"
    "${comment:pg_collation,c.oid,0} AS comment, ${owner:c.collowner} AS owner\n"
    "FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace, to_jsonb(c) j(c)\n"
    "WHERE c.collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))\n"
    "AND ${in_scope:c.collnamespace} AND ${not_extension:pg_collation,c.oid}";

static const struct attribute collation_attributes[] = {
    ATTRIBUTE_REPLACED("definition"),
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
};

const struct kind kind_collation = {
    .name = "collation",
    .words = "COLLATION",
    .query = collation_query,
    ATTRIBUTES(collation_attributes),
    .create = "CREATE COLLATION {address} ({definition})",
    .rename = "ALTER COLLATION {old} RENAME TO {new}",
    .flags = KIND_DESTROYS,
    .rank = PG_COLLATION,
};

/* --------------------------------------------------------------------------------------------------------------- enums */

#define SQL_LABELS(JOIN)                                                                                               \
    "coalesce((SELECT string_agg(" SQL_LITERAL("en.enumlabel::text") ", " JOIN " ORDER BY en.enumsortorder)\n"         \
    "          FROM pg_enum en WHERE en.enumtypid = t.oid), '')"

static const char enum_query[] =
    SQL_TYPE_ADDRESS SQL_LABELS("chr(10)") " AS labels,\n"
    SQL_LABELS("', '") " AS list,\n"
    SQL_TYPE_COMMON "WHERE t.typtype = 'e' AND " SQL_TYPE_SCOPE;

static const struct attribute enum_attributes[] = {
    {"labels", CHANGE_OWN, 0, NULL, NULL}, /* a literal a line */
    ATTRIBUTE_HIDDEN("list"),
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_enum = {
    .name = "type",
    .words = "TYPE",
    .query = enum_query,
    ATTRIBUTES(enum_attributes),
    .create = "CREATE TYPE {address} AS ENUM ({list})",
    .rename = "ALTER TYPE {old} RENAME TO {new}",
    .flags = KIND_TYPE | KIND_DESTROYS,
    .rank = PG_ENUM,
};

/* ------------------------------------------------------------------------------------------------------------- domains */

static const char domain_query[] =
    SQL_TYPE_ADDRESS "format_type(t.typbasetype, t.typtypmod) AS type,\n"
    "CASE WHEN t.typcollation <> b.typcollation THEN " SQL_COLLATION("t.typcollation") " END AS collation,\n"
    "CASE WHEN t.typnotnull THEN 'NOT NULL' END AS not_null,\n"
    "pg_get_expr(t.typdefaultbin, 0) AS default,\n"
    SQL_TYPE_COMMON "JOIN pg_type b ON b.oid = t.typbasetype\n"
    "WHERE t.typtype = 'd' AND " SQL_TYPE_SCOPE;

static const struct attribute domain_attributes[] = {
    ATTRIBUTE_REPLACED("type"),
    ATTRIBUTE_REPLACED("collation"),
    {"not_null", CHANGE_SET, 0, "ALTER DOMAIN {address} SET {not_null}", "ALTER DOMAIN {address} DROP NOT NULL"},
    {"default", CHANGE_SET, 0, "ALTER DOMAIN {address} SET DEFAULT {default}", "ALTER DOMAIN {address} DROP DEFAULT"},
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_domain = {
    .name = "domain",
    .words = "DOMAIN",
    .query = domain_query,
    ATTRIBUTES(domain_attributes),
    .create = "CREATE DOMAIN {address} AS {type}[ COLLATE {collation}][ DEFAULT {default}][ {not_null}]",
    .rename = "ALTER DOMAIN {old} RENAME TO {new}",
    .flags = KIND_TYPE | KIND_DESTROYS,
    .rank = PG_DOMAIN,
};

/* NOT NULL has been a constraint of its own since PostgreSQL 17; here it is the domain's. */
static const char domain_constraint_query[] =
    "SELECT 'pg_constraint'::regclass::oid AS class, c.oid AS oid, 0 AS sub,\n"
    "'pg_type'::regclass::oid AS parent_class, t.oid AS parent_oid, 0 AS parent_sub,\n"
    SQL_QUALIFIED("n.nspname", "t.typname") " || '.' || quote_ident(c.conname::text) AS identity,\n"
    "quote_ident(c.conname::text) AS address, 0 AS ordinal,\n"
    "CASE WHEN c.convalidated THEN d.text ELSE left(d.text, -length(' NOT VALID')) END AS definition,\n"
    "CASE WHEN NOT c.convalidated THEN 'NOT VALID' END AS not_valid,\n"
    "${comment:pg_constraint,c.oid,0} AS comment\n"
    "FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid JOIN pg_namespace n ON n.oid = t.typnamespace,\n"
    "     pg_get_constraintdef(c.oid) d(text)\n"
    "WHERE c.contype = 'c' AND " SQL_TYPE_SCOPE;

static const struct attribute domain_constraint_attributes[] = {
    ATTRIBUTE_REPLACED("definition"),
    /* A constraint that is in force is not made NOT VALID again: that changes nothing for new values. */
    {"not_valid", CHANGE_OWN, 0, NULL, "ALTER DOMAIN {parent} VALIDATE CONSTRAINT {address}"},
    ATTRIBUTE_COMMENT_ON("CONSTRAINT {address} ON DOMAIN {parent}"),
};

const struct kind kind_domain_constraint = {
    .name = "domain constraint",
    .words = "CONSTRAINT",
    .query = domain_constraint_query,
    ATTRIBUTES(domain_constraint_attributes),
    .create = "ALTER DOMAIN {parent} ADD CONSTRAINT {address} {definition}[ {not_valid}]",
    .clause = "CONSTRAINT {address} {definition}",
    .drop = "ALTER DOMAIN {parent} DROP CONSTRAINT {address}",
    .rename = "ALTER DOMAIN {parent} RENAME CONSTRAINT {old} TO {new}",
    .flags = KIND_INLINE,
    .rank = PG_DOMAIN_CONSTRAINT,
};

/* ---------------------------------------------------------------------------------------------------------- composites */

static const char composite_query[] =
    SQL_TYPE_ADDRESS SQL_TYPE_COMMON "JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'\n"
    "WHERE t.typtype = 'c' AND " SQL_TYPE_SCOPE;

static const struct attribute composite_attributes[] = {
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_composite = {
    .name = "composite type",
    .words = "TYPE",
    .query = composite_query,
    ATTRIBUTES(composite_attributes),
    .create = "CREATE TYPE {address} AS ()",
    .rename = "ALTER TYPE {old} RENAME TO {new}",
    .flags = KIND_TYPE | KIND_RELATION | KIND_DESTROYS,
    .rank = PG_COMPOSITE,
};

static const char composite_attribute_query[] =
    "SELECT 'pg_class'::regclass::oid AS class, a.attrelid AS oid, a.attnum::int AS sub,\n"
    "'pg_type'::regclass::oid AS parent_class, t.oid AS parent_oid, 0 AS parent_sub,\n"
    SQL_QUALIFIED("n.nspname", "t.typname") " || '.' || quote_ident(a.attname::text) AS identity,\n"
    "quote_ident(a.attname::text) AS address,\n"
    "(row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum))::int AS ordinal,\n"
    "format_type(a.atttypid, a.atttypmod) AS type,\n"
    "CASE WHEN a.attcollation <> b.typcollation THEN " SQL_COLLATION("a.attcollation") " END AS collation,\n"
    "row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS position,\n"
    "${comment:pg_class,a.attrelid,a.attnum} AS comment\n"
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'\n"
    "JOIN pg_type t ON t.oid = c.reltype JOIN pg_namespace n ON n.oid = t.typnamespace\n"
    "JOIN pg_type b ON b.oid = a.atttypid\n"
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND " SQL_TYPE_SCOPE;

#define ALTER_ATTRIBUTE "ALTER TYPE {parent} ALTER ATTRIBUTE {address} TYPE {new.type}[ COLLATE {new.collation}]"

static const struct attribute composite_attribute_attributes[] = {
    {"type", CHANGE_SET, ATTRIBUTE_BLOCKED, ALTER_ATTRIBUTE, NULL},
    {"collation", CHANGE_SET, ATTRIBUTE_BLOCKED, ALTER_ATTRIBUTE, NULL},
    {"position", CHANGE_REFUSE, ATTRIBUTE_ORDER, NULL, NULL},
    ATTRIBUTE_COMMENT_ON("COLUMN {parent}.{address}"),
};

const struct kind kind_composite_attribute = {
    .name = "attribute",
    .words = "COLUMN",
    .query = composite_attribute_query,
    ATTRIBUTES(composite_attribute_attributes),
    .create = "ALTER TYPE {parent} ADD ATTRIBUTE {address} {type}[ COLLATE {collation}]",
    .clause = "{address} {type}[ COLLATE {collation}]",
    .drop = "ALTER TYPE {parent} DROP ATTRIBUTE {address}",
    .rename = "ALTER TYPE {parent} RENAME ATTRIBUTE {old} TO {new}",
    .flags = KIND_INLINE | KIND_DATA,
    .rank = PG_COMPOSITE_ATTRIBUTE,
};

/* -------------------------------------------------------------------------------------------------------------- ranges */

/* The name that a range's multirange gets when none is said; of one that is too long for that nobody asks. */
#define SQL_MULTIRANGE_NAME                                                                                            \
    "CASE WHEN strpos(t.typname::text, 'range') = 0 THEN t.typname::text || '_multirange'\n"                           \
    "     ELSE overlay(t.typname::text PLACING 'multirange' FROM strpos(t.typname::text, 'range') FOR 5) END"

/* Names of functions stand alone in CREATE TYPE, which looks for the one with the right arguments. */
static const char range_query[] =
    SQL_TYPE_ADDRESS "'SUBTYPE = ' || format_type(r.rngsubtype, NULL)\n"
    "|| CASE WHEN o.opcdefault THEN '' ELSE ', SUBTYPE_OPCLASS = '\n"
    "        || " SQL_SHOWN("pg_opclass_is_visible(o.oid)", "opn.nspname", "o.opcname") " END\n"
    "|| CASE WHEN r.rngcollation = b.typcollation THEN '' ELSE ', COLLATION = ' || " SQL_COLLATION("r.rngcollation")
    " END\n"
    "|| coalesce(', CANONICAL = ' || " SQL_FUNCTION_NAME("r.rngcanonical") ", '')\n"
    "|| coalesce(', SUBTYPE_DIFF = ' || " SQL_FUNCTION_NAME("r.rngsubdiff") ", '')\n"
    "|| coalesce(', MULTIRANGE_TYPE_NAME = ' || (\n"
    "       SELECT format_type(mt.oid, NULL) FROM pg_type mt WHERE mt.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid\n"
    "       AND (mt.typnamespace, mt.typname::text) IS DISTINCT FROM (t.typnamespace, " SQL_MULTIRANGE_NAME ")), '') "
    "AS options,\n"
    SQL_TYPE_COMMON "JOIN pg_range r ON r.rngtypid = t.oid JOIN pg_type b ON b.oid = r.rngsubtype\n"
    "JOIN pg_opclass o ON o.oid = r.rngsubopc JOIN pg_namespace opn ON opn.oid = o.opcnamespace\n"
    "WHERE t.typtype = 'r' AND " SQL_TYPE_SCOPE;

static const struct attribute range_attributes[] = {
    ATTRIBUTE_REPLACED("options"),
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_range = {
    .name = "range type",
    .words = "TYPE",
    .query = range_query,
    ATTRIBUTES(range_attributes),
    .create = "CREATE TYPE {address} AS RANGE ({options})",
    .rename = "ALTER TYPE {old} RENAME TO {new}",
    .flags = KIND_TYPE | KIND_DESTROYS,
    .rank = PG_RANGE,
};
