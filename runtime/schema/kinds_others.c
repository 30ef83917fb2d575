/*
 * What stands beside the schema: extensions, foreign data, publications, default privileges; and all that no kind models.
 * What is in no schema is read with a whole database only.
 */
#include "schema/kinds_sql.h"

/* SQL keeps its own lines. */
/* clang-format off */

/* ---------------------------------------------------------------------------------------------------------- extensions */

/* plpgsql is there from the beginning. A comment is the control file's. */
static const char extension_query[] =
    "SELECT 'pg_extension'::regclass::oid AS class, x.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "quote_ident(x.extname::text) AS identity, quote_ident(x.extname::text) AS address, 0 AS ordinal,\n"
    "quote_ident(n.nspname::text) AS schema,\n"
    "quote_literal(x.extversion) AS version\n"
    "FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace\n"
    "WHERE ${whole} AND x.extname <> 'plpgsql'";

static const struct attribute extension_attributes[] = {
    {"schema", CHANGE_SET, 0, "ALTER EXTENSION {address} SET SCHEMA {schema}", NULL},
    ATTRIBUTE_HIDDEN("version"),
};

const struct kind kind_extension = {
    .name = "extension",
    .words = "EXTENSION",
    .query = extension_query,
    ATTRIBUTES(extension_attributes),
    .create = "CREATE EXTENSION {address} WITH SCHEMA {schema}",
    .flags = KIND_KEPT,
    .rank = PG_EXTENSION,
};

/* -------------------------------------------------------------------------------------------------------- foreign data */

/* A name and a literal a line; `option_list` is the same behind one another. */
#define ATTRIBUTE_OPTIONS {"options", CHANGE_OWN, 0, NULL, NULL}, ATTRIBUTE_HIDDEN("option_list")
#define SQL_BOTH_OPTIONS(ARRAY)                                                                                        \
    SQL_OPTIONS(ARRAY, "chr(10)") " AS options,\n"                                                                     \
    SQL_OPTIONS(ARRAY, "', '") " AS option_list,\n"

static const char fdw_query[] =
    "SELECT 'pg_foreign_data_wrapper'::regclass::oid AS class, f.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "quote_ident(f.fdwname::text) AS identity, quote_ident(f.fdwname::text) AS address, 0 AS ordinal,\n"
    SQL_FUNCTION_NAME("f.fdwhandler") " AS handler,\n"
    SQL_FUNCTION_NAME("f.fdwvalidator") " AS validator,\n"
    SQL_BOTH_OPTIONS("f.fdwoptions")
    "${comment:pg_foreign_data_wrapper,f.oid,0} AS comment, ${owner:f.fdwowner} AS owner,\n"
    "${acl:F,f.fdwacl,f.fdwowner} AS grants\n"
    "FROM pg_foreign_data_wrapper f WHERE ${whole} AND ${not_extension:pg_foreign_data_wrapper,f.oid}";

static const struct attribute fdw_attributes[] = {
    {"handler", CHANGE_SET, 0, "ALTER {words} {address} HANDLER {handler}", "ALTER {words} {address} NO HANDLER"},
    {"validator", CHANGE_SET, 0, "ALTER {words} {address} VALIDATOR {validator}",
     "ALTER {words} {address} NO VALIDATOR"},
    ATTRIBUTE_OPTIONS,
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_fdw = {
    .name = "foreign-data wrapper",
    .words = "FOREIGN DATA WRAPPER",
    .query = fdw_query,
    ATTRIBUTES(fdw_attributes),
    .create = "CREATE {words} {address}[ HANDLER {handler}][ VALIDATOR {validator}][ OPTIONS ({option_list})]",
    .rename = "ALTER FOREIGN DATA WRAPPER {old} RENAME TO {new}",
    .flags = KIND_DESTROYS,
    .rank = PG_FDW,
};

static const char foreign_server_query[] =
    "SELECT 'pg_foreign_server'::regclass::oid AS class, s.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "quote_ident(s.srvname::text) AS identity, quote_ident(s.srvname::text) AS address, 0 AS ordinal,\n"
    "quote_literal(s.srvtype) AS type,\n"
    "quote_literal(s.srvversion) AS version,\n"
    "quote_ident(f.fdwname::text) AS fdw,\n"
    SQL_BOTH_OPTIONS("s.srvoptions")
    "${comment:pg_foreign_server,s.oid,0} AS comment, ${owner:s.srvowner} AS owner,\n"
    "${acl:S,s.srvacl,s.srvowner} AS grants\n"
    "FROM pg_foreign_server s JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw\n"
    "WHERE ${whole} AND ${not_extension:pg_foreign_server,s.oid}";

static const struct attribute foreign_server_attributes[] = {
    ATTRIBUTE_REPLACED("type"),
    {"version", CHANGE_SET, 0, "ALTER SERVER {address} VERSION {version}", "ALTER SERVER {address} VERSION NULL"},
    ATTRIBUTE_REPLACED("fdw"),
    ATTRIBUTE_OPTIONS,
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_foreign_server = {
    .name = "server",
    .words = "SERVER",
    .query = foreign_server_query,
    ATTRIBUTES(foreign_server_attributes),
    .create = "CREATE SERVER {address}[ TYPE {type}][ VERSION {version}] FOREIGN DATA WRAPPER {fdw}"
              "[ OPTIONS ({option_list})]",
    .rename = "ALTER SERVER {old} RENAME TO {new}",
    .flags = KIND_DESTROYS,
    .rank = PG_FOREIGN_SERVER,
};

/*
 * pg_user_mapping itself is for superusers; the view shows options to those whom they concern and NULL to all others, so
 * that it must be asked whether it would have shown them.
 */
#define SQL_MAY_SEE                                                                                                    \
    "((SELECT rolsuper FROM pg_roles WHERE rolname = current_user)\n"                                                  \
    " OR (m.umuser <> 0 AND m.usename = current_user AND\n"                                                            \
    "     (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(m.srvid, 'USAGE')))\n"                             \
    " OR (m.umuser = 0 AND pg_has_role(s.srvowner, 'USAGE')))"

static const char user_mapping_query[] =
    "SELECT 'pg_user_mapping'::regclass::oid AS class, m.umid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "u.name || ' on ' || quote_ident(m.srvname::text) AS identity,\n"
    "u.name || ' on ' || quote_ident(m.srvname::text) AS address, 0 AS ordinal,\n"
    "u.name AS user, quote_ident(m.srvname::text) AS server,\n"
    "CASE WHEN " SQL_MAY_SEE "\n"
    "     THEN " SQL_OPTIONS("m.umoptions", "chr(10)") " ELSE '?' END AS options,\n"
    "CASE WHEN " SQL_MAY_SEE "\n"
    "     THEN " SQL_OPTIONS("m.umoptions", "', '") " ELSE '?' END AS option_list\n"
    "FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid,\n"
    "     LATERAL (SELECT CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(m.usename::text) END) u(name)\n"
    "WHERE ${whole} AND ${not_extension:pg_user_mapping,m.umid}";

static const struct attribute user_mapping_attributes[] = {
    ATTRIBUTE_HIDDEN("user"),
    ATTRIBUTE_HIDDEN("server"),
    ATTRIBUTE_OPTIONS,
};

const struct kind kind_user_mapping = {
    .name = "user mapping",
    .words = "USER MAPPING",
    .query = user_mapping_query,
    ATTRIBUTES(user_mapping_attributes),
    .create = "CREATE USER MAPPING FOR {user} SERVER {server}[ OPTIONS ({option_list})]",
    .drop = "DROP USER MAPPING FOR {user} SERVER {server}",
    .flags = KIND_DESTROYS,
    .rank = PG_USER_MAPPING,
};

static const char foreign_table_query[] =
    "SELECT 'pg_class'::regclass::oid AS class, c.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    SQL_QUALIFIED("n.nspname", "c.relname") " AS identity,\n"
    "c.oid::regclass::text AS address, 0 AS ordinal,\n"
    "quote_ident(s.srvname::text) AS server,\n"
    SQL_BOTH_OPTIONS("t.ftoptions")
    "${comment:pg_class,c.oid,0} AS comment, ${owner:c.relowner} AS owner, ${acl:r,c.relacl,c.relowner} AS grants\n"
    "FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace\n"
    "JOIN pg_foreign_server s ON s.oid = t.ftserver\n"
    "WHERE ${in_scope:c.relnamespace} AND ${not_extension:pg_class,c.oid}";

static const struct attribute foreign_table_attributes[] = {
    ATTRIBUTE_REPLACED("server"), ATTRIBUTE_OPTIONS, ATTRIBUTE_COMMENT, ATTRIBUTE_OWNED, ATTRIBUTE_GRANTED,
};

const struct kind kind_foreign_table = {
    .name = "foreign table",
    .words = "FOREIGN TABLE",
    .query = foreign_table_query,
    ATTRIBUTES(foreign_table_attributes),
    .create = "CREATE FOREIGN TABLE {address} () SERVER {server}[ OPTIONS ({option_list})]",
    .rename = "ALTER FOREIGN TABLE {old} RENAME TO {new}",
    .flags = KIND_RELATION | KIND_TYPE | KIND_DESTROYS,
    .rank = PG_FOREIGN_TABLE,
};

/* -------------------------------------------------------------------------------------------------------- publications */

#define SQL_PUBLISHED                                                                                                  \
    "'''' || concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,\n"     \
    "                  CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) || ''''"

/* pubviaroot came with 13, pubgencols with 18; an attribute that a server has not is not set. */
static const char publication_query[] =
    "SELECT 'pg_publication'::regclass::oid AS class, p.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "quote_ident(p.pubname::text) AS identity, quote_ident(p.pubname::text) AS address, 0 AS ordinal,\n"
    "CASE WHEN p.puballtables THEN 'ALL TABLES' END AS all_tables,\n"
    SQL_PUBLISHED " AS publish,\n"
    "to_jsonb(p) ->> 'pubviaroot' AS via_root,\n"
    "CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'stored' WHEN 'n' THEN 'none' END AS generated_columns,\n"
    "nullif(concat_ws(', ', CASE WHEN NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate)\n"
    "                            THEN 'publish = ' || " SQL_PUBLISHED " END,\n"
    "                 CASE WHEN to_jsonb(p) ->> 'pubviaroot' = 'true' THEN 'publish_via_partition_root = true' END,\n"
    "                 CASE WHEN to_jsonb(p) ->> 'pubgencols' = 's' THEN 'publish_generated_columns = stored' END), '')\n"
    "AS parameters,\n"
    "${comment:pg_publication,p.oid,0} AS comment, ${owner:p.pubowner} AS owner\n"
    "FROM pg_publication p WHERE ${whole} AND ${not_extension:pg_publication,p.oid}";

#define ALTER_PUBLICATION(PARAMETER, VALUE) "ALTER PUBLICATION {address} SET (" PARAMETER " = " VALUE ")"

static const struct attribute publication_attributes[] = {
    ATTRIBUTE_REPLACED("all_tables"),
    {"publish", CHANGE_SET, 0, ALTER_PUBLICATION("publish", "{publish}"), NULL},
    {"via_root", CHANGE_SET, 0, ALTER_PUBLICATION("publish_via_partition_root", "{via_root}"),
     ALTER_PUBLICATION("publish_via_partition_root", "false")},
    {"generated_columns", CHANGE_SET, 0, ALTER_PUBLICATION("publish_generated_columns", "{generated_columns}"),
     ALTER_PUBLICATION("publish_generated_columns", "none")},
    ATTRIBUTE_HIDDEN("parameters"), /* of those what is not the default */
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
};

const struct kind kind_publication = {
    .name = "publication",
    .words = "PUBLICATION",
    .query = publication_query,
    ATTRIBUTES(publication_attributes),
    .create = "CREATE PUBLICATION {address}[ FOR {all_tables}][ WITH ({parameters})]",
    .rename = "ALTER PUBLICATION {old} RENAME TO {new}",
    .flags = KIND_DESTROYS,
    .rank = PG_PUBLICATION,
};

/*
 * Columns, row filters and whole schemas came with 15. ONLY where a table has children: those that were published with it
 * are members themselves.
 */
static const char publication_member_query[] =
    "SELECT 'pg_publication_rel'::regclass::oid AS class, m.oid AS oid, 0 AS sub,\n"
    "'pg_publication'::regclass::oid AS parent_class, p.oid AS parent_oid, 0 AS parent_sub,\n"
    "quote_ident(p.pubname::text) || '.' || " SQL_QUALIFIED("n.nspname", "c.relname") " AS identity,\n"
    "'TABLE ' || c.oid::regclass::text AS address, 0 AS ordinal,\n"
    "'TABLE ' || CASE WHEN c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)\n"
    "                 THEN 'ONLY ' ELSE '' END || c.oid::regclass::text AS target,\n"
    "${since:150000,(SELECT '(' || string_agg(quote_ident(a.attname::text), ', ' ORDER BY a.attnum) || ')'\n"
    "                FROM pg_attribute a WHERE a.attrelid = m.prrelid AND a.attnum = ANY (m.prattrs)),NULL} AS columns,\n"
    "${since:150000,pg_get_expr(m.prqual, m.prrelid),NULL} AS filter\n"
    "FROM pg_publication_rel m JOIN pg_publication p ON p.oid = m.prpubid\n"
    "JOIN pg_class c ON c.oid = m.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace\n"
    "WHERE ${whole} AND ${not_extension:pg_publication,p.oid} AND ${not_ours:c.oid}\n"
    "${since:150000,\n"
    "UNION ALL (SELECT 'pg_publication_namespace'::regclass::oid, m.oid, 0, 'pg_publication'::regclass::oid, p.oid, 0,\n"
    "(quote_ident(p.pubname::text) || '.' || quote_ident(n.nspname::text)),\n"
    "('TABLES IN SCHEMA ' || quote_ident(n.nspname::text)), 0,\n"
    "('TABLES IN SCHEMA ' || quote_ident(n.nspname::text)), NULL, NULL\n"
    "FROM pg_publication_namespace m JOIN pg_publication p ON p.oid = m.pnpubid\n"
    "JOIN pg_namespace n ON n.oid = m.pnnspid WHERE ${whole} AND ${not_extension:pg_publication,p.oid}),}";

static const struct attribute publication_member_attributes[] = {
    ATTRIBUTE_HIDDEN("target"),
    ATTRIBUTE_REPLACED("columns"),
    ATTRIBUTE_REPLACED("filter"),
};

const struct kind kind_publication_member = {
    .name = "publication member",
    .words = "PUBLICATION",
    .query = publication_member_query,
    ATTRIBUTES(publication_member_attributes),
    .create = "ALTER PUBLICATION {parent} ADD {target}[ {columns}][ WHERE ({filter})]",
    .drop = "ALTER PUBLICATION {parent} DROP {address}",
    .flags = KIND_BLOCKS, /* its row filter does */
    .rank = PG_PUBLICATION_MEMBER,
};

/*
 * Only columns that everybody may read: the connection's words are none of them, and neither is the oid before 14. Nothing
 * needs a subscription.
 */
static const char subscription_query[] =
    "SELECT 'pg_subscription'::regclass::oid AS class, 0 AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "quote_ident(s.subname::text) AS identity, quote_ident(s.subname::text) AS address, 0 AS ordinal,\n"
    "(SELECT string_agg(quote_ident(pub), ', ' ORDER BY pub COLLATE \"C\") FROM unnest(s.subpublications) pub)\n"
    "AS publications,\n"
    "s.subenabled::text AS enabled\n"
    "FROM pg_subscription s\n"
    "WHERE ${whole} AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())";

static const struct attribute subscription_attributes[] = {
    ATTRIBUTE_REPLACED("publications"),
    ATTRIBUTE_REPLACED("enabled"),
};

const struct kind kind_subscription = {
    .name = "subscription",
    .words = "SUBSCRIPTION",
    .query = subscription_query,
    ATTRIBUTES(subscription_attributes),
    .flags = KIND_REPORTED,
    .rank = PG_SUBSCRIPTION,
};

/* -------------------------------------------------------------------------------------------------- default privileges */

/*
 * Of a schema they come on top, so that they begin with nothing; those of no schema stand in the place of what is built in,
 * which `beginning` has.
 */
static const char default_privileges_query[] =
    "SELECT 'pg_default_acl'::regclass::oid AS class, a.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "w.text AS identity, w.text AS address, 0 AS ordinal,\n"
    "${owner:a.defaclrole} AS role, quote_ident(n.nspname::text) AS schema, o.word AS objects,\n"
    "CASE WHEN a.defaclnamespace = 0 THEN CASE a.defaclobjtype WHEN 'r' THEN ${acl:r,NULL::aclitem[],a.defaclrole}\n"
    "     WHEN 'S' THEN ${acl:s,NULL::aclitem[],a.defaclrole} WHEN 'f' THEN ${acl:f,NULL::aclitem[],a.defaclrole}\n"
    "     WHEN 'T' THEN ${acl:T,NULL::aclitem[],a.defaclrole} WHEN 'n' THEN ${acl:n,NULL::aclitem[],a.defaclrole}\n"
    "     END END AS beginning,\n"
    "${acl:r,a.defaclacl,a.defaclrole} AS grants\n"
    "FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace,\n"
    "     LATERAL (SELECT CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'\n"
    "              WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS'\n"
    "              ELSE 'LARGE OBJECTS' END) o(word),\n"
    "     LATERAL (SELECT 'FOR ROLE ' || ${owner:a.defaclrole}\n"
    "                     || coalesce(' IN SCHEMA ' || quote_ident(n.nspname::text), '') || ' ON ' || o.word) w(text)\n"
    "WHERE CASE WHEN a.defaclnamespace = 0 THEN ${whole} ELSE ${in_scope:a.defaclnamespace} END";

static const struct attribute default_privileges_attributes[] = {
    ATTRIBUTE_HIDDEN("role"),
    ATTRIBUTE_HIDDEN("schema"),
    ATTRIBUTE_HIDDEN("objects"),
    ATTRIBUTE_HIDDEN("beginning"),
    {"grants", CHANGE_OWN, ATTRIBUTE_WEAKENS, NULL, NULL},
};

const struct kind kind_default_privileges = {
    .name = "default privileges",
    .words = "DEFAULT PRIVILEGES",
    .query = default_privileges_query,
    ATTRIBUTES(default_privileges_attributes),
    .flags = KIND_DEFAULT_PRIVILEGES,
    .rank = PG_DEFAULT_PRIVILEGES,
};

/* ---------------------------------------------------------------------------------------------------------- unmodelled */

#define AND_ALSO "UNION ALL "
#define SQL_OF_ITS_OWN(CLASS, ALIAS) ALIAS ".oid >= 16384 AND ${not_extension:" CLASS "," ALIAS ".oid}\n"
#define SQL_WORD(CONDITION, WORD) " || CASE WHEN " CONDITION " THEN ' " WORD "' ELSE '' END\n"
#define SQL_ROUTINE(WORD, OID)                                                                                         \
    " || CASE WHEN " OID "::oid = 0 THEN '' ELSE ' " WORD " ' || " OID "::oid::regprocedure::text END\n"

/* A range brings casts with it, which are pieces of it. */
#define SQL_CASTS                                                                                                      \
    "SELECT 'pg_cast'::regclass::oid, c.oid, 0,\n"                                                                     \
    "'cast (' || " SQL_TYPE_IDENTITY("c.castsource") " || ' AS ' || " SQL_TYPE_IDENTITY("c.casttarget") " || ')',\n"   \
    "CASE c.castmethod WHEN 'i' THEN 'WITH INOUT' WHEN 'b' THEN 'WITHOUT FUNCTION'\n"                                  \
    "     ELSE 'WITH FUNCTION ' || c.castfunc::regprocedure::text END\n"                                               \
    SQL_WORD("c.castcontext = 'a'", "AS ASSIGNMENT") SQL_WORD("c.castcontext = 'i'", "AS IMPLICIT") "\n"               \
    "FROM pg_cast c WHERE ${whole} AND " SQL_OF_ITS_OWN("pg_cast", "c")                                                \
    "AND NOT EXISTS (SELECT FROM pg_depend pd WHERE pd.classid = 'pg_cast'::regclass AND pd.objid = c.oid\n"           \
    "                AND pd.deptype = 'i')\n"

#define SQL_OPERATOR_IDENTITY                                                                                          \
    "'operator ' || quote_ident(n.nspname::text) || '.' || o.oprname::text || '('\n"                                   \
    "|| CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE " SQL_TYPE_IDENTITY("o.oprleft") " END || ', '\n"                     \
    "|| CASE WHEN o.oprright = 0 THEN 'NONE' ELSE " SQL_TYPE_IDENTITY("o.oprright") " END || ')'"

/* An operator of which only another one's COMMUTATOR speaks has no function. */
#define SQL_OPERATORS                                                                                                  \
    "SELECT 'pg_operator'::regclass::oid, o.oid, 0,\n"                                                                 \
    SQL_OPERATOR_IDENTITY ",\n"                                                                                        \
    "''" SQL_ROUTINE("FUNCTION", "o.oprcode")                                                                          \
    " || CASE WHEN o.oprcom = 0 THEN '' ELSE ' COMMUTATOR ' || o.oprcom::regoperator::text END\n"                      \
    " || CASE WHEN o.oprnegate = 0 THEN '' ELSE ' NEGATOR ' || o.oprnegate::regoperator::text END\n"                   \
    SQL_ROUTINE("RESTRICT", "o.oprrest") SQL_ROUTINE("JOIN", "o.oprjoin") SQL_WORD("o.oprcanhash", "HASHES")           \
    SQL_WORD("o.oprcanmerge", "MERGES") "\n"                                                                           \
    "FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace\n"                                               \
    "WHERE ${in_scope:o.oprnamespace} AND ${not_extension:pg_operator,o.oid}\n"

#define SQL_METHOD(OID) "(SELECT quote_ident(am.amname::text) FROM pg_am am WHERE am.oid = " OID ")"

#define SQL_OPERATOR_FAMILIES                                                                                          \
    "SELECT 'pg_opfamily'::regclass::oid, f.oid, 0,\n"                                                                 \
    "'operator family ' || " SQL_QUALIFIED("n.nspname", "f.opfname") " || ' USING ' || " SQL_METHOD("f.opfmethod")     \
    ",\n"                                                                                                              \
    "coalesce((SELECT string_agg(x.line, chr(10) ORDER BY x.line COLLATE \"C\") FROM (\n"                              \
    "    SELECT 'OPERATOR ' || ao.amopstrategy::text || ' ' || ao.amopopr::regoperator::text\n"                        \
    "           || CASE WHEN ao.amoppurpose = 'o' THEN ' FOR ORDER BY' ELSE '' END AS line\n"                          \
    "    FROM pg_amop ao WHERE ao.amopfamily = f.oid\n"                                                                \
    "    UNION ALL SELECT 'FUNCTION ' || ap.amprocnum::text || ' ('\n"                                                 \
    "           || format_type(ap.amproclefttype, NULL) || ', ' || format_type(ap.amprocrighttype, NULL)\n"            \
    "           || ') ' || ap.amproc::oid::regprocedure::text\n"                                                       \
    "    FROM pg_amproc ap WHERE ap.amprocfamily = f.oid) x), '')\n"                                                   \
    "FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace\n"                                               \
    "WHERE ${in_scope:f.opfnamespace} AND ${not_extension:pg_opfamily,f.oid}\n"

#define SQL_OPERATOR_CLASSES                                                                                           \
    "SELECT 'pg_opclass'::regclass::oid, o.oid, 0,\n"                                                                  \
    "'operator class ' || " SQL_QUALIFIED("n.nspname", "o.opcname") " || ' USING ' || " SQL_METHOD("o.opcmethod")      \
    ",\n"                                                                                                              \
    "'FOR TYPE ' || format_type(o.opcintype, NULL) || ' FAMILY ' || "                                                  \
    SQL_SHOWN("pg_opfamily_is_visible(f.oid)", "fn.nspname", "f.opfname") SQL_WORD("o.opcdefault", "DEFAULT")          \
    " || CASE WHEN o.opckeytype = 0 THEN '' ELSE ' STORAGE ' || format_type(o.opckeytype, NULL) END\n"                 \
    "FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_opfamily f ON f.oid = o.opcfamily\n"      \
    "JOIN pg_namespace fn ON fn.oid = f.opfnamespace\n"                                                                \
    "WHERE ${in_scope:o.opcnamespace} AND ${not_extension:pg_opclass,o.oid}\n"

#define SQL_CONVERSIONS                                                                                                \
    "SELECT 'pg_conversion'::regclass::oid, c.oid, 0,\n"                                                               \
    "'conversion ' || " SQL_QUALIFIED("n.nspname", "c.conname") ",\n"                                                  \
    "pg_encoding_to_char(c.conforencoding)::text || ' TO ' || pg_encoding_to_char(c.contoencoding)::text"              \
    SQL_ROUTINE("FROM", "c.conproc") SQL_WORD("c.condefault", "DEFAULT") "\n"                                          \
    "FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace\n"                                             \
    "WHERE ${in_scope:c.connamespace} AND ${not_extension:pg_conversion,c.oid}\n"

#define SQL_SEARCH_CONFIGURATIONS                                                                                      \
    "SELECT 'pg_ts_config'::regclass::oid, c.oid, 0,\n"                                                                \
    "'text search configuration ' || " SQL_QUALIFIED("n.nspname", "c.cfgname") ",\n"                                   \
    "'PARSER ' || " SQL_SHOWN("pg_ts_parser_is_visible(p.oid)", "pn.nspname", "p.prsname") "\n"                        \
    "|| coalesce((SELECT string_agg(chr(10) || m.maptokentype::text || ' ' || m.mapdict::regdictionary::text,\n"       \
    "                               '' ORDER BY m.maptokentype, m.mapseqno)\n"                                         \
    "             FROM pg_ts_config_map m WHERE m.mapcfg = c.oid), '')\n"                                              \
    "FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace JOIN pg_ts_parser p ON p.oid = c.cfgparser\n"   \
    "JOIN pg_namespace pn ON pn.oid = p.prsnamespace\n"                                                                \
    "WHERE ${in_scope:c.cfgnamespace} AND ${not_extension:pg_ts_config,c.oid}\n"

#define SQL_SEARCH_DICTIONARIES                                                                                        \
    "SELECT 'pg_ts_dict'::regclass::oid, c.oid, 0,\n"                                                                  \
    "'text search dictionary ' || " SQL_QUALIFIED("n.nspname", "c.dictname") ",\n"                                     \
    "'TEMPLATE ' || " SQL_SHOWN("pg_ts_template_is_visible(t.oid)", "tn.nspname", "t.tmplname")                        \
    " || coalesce(', ' || c.dictinitoption, '')\n"                                                                     \
    "FROM pg_ts_dict c JOIN pg_namespace n ON n.oid = c.dictnamespace JOIN pg_ts_template t ON t.oid = c.dicttemplate\n" \
    "JOIN pg_namespace tn ON tn.oid = t.tmplnamespace\n"                                                               \
    "WHERE ${in_scope:c.dictnamespace} AND ${not_extension:pg_ts_dict,c.oid}\n"

#define SQL_SEARCH_PARSERS                                                                                             \
    "SELECT 'pg_ts_parser'::regclass::oid, c.oid, 0,\n"                                                                \
    "'text search parser ' || " SQL_QUALIFIED("n.nspname", "c.prsname") ",\n"                                          \
    "''" SQL_ROUTINE("START", "c.prsstart") SQL_ROUTINE("GETTOKEN", "c.prstoken") SQL_ROUTINE("END", "c.prsend")       \
    SQL_ROUTINE("HEADLINE", "c.prsheadline") SQL_ROUTINE("LEXTYPES", "c.prslextype") "\n"                              \
    "FROM pg_ts_parser c JOIN pg_namespace n ON n.oid = c.prsnamespace\n"                                              \
    "WHERE ${in_scope:c.prsnamespace} AND ${not_extension:pg_ts_parser,c.oid}\n"

#define SQL_SEARCH_TEMPLATES                                                                                           \
    "SELECT 'pg_ts_template'::regclass::oid, c.oid, 0,\n"                                                              \
    "'text search template ' || " SQL_QUALIFIED("n.nspname", "c.tmplname") ",\n"                                       \
    "''" SQL_ROUTINE("INIT", "c.tmplinit") SQL_ROUTINE("LEXIZE", "c.tmpllexize") "\n"                                  \
    "FROM pg_ts_template c JOIN pg_namespace n ON n.oid = c.tmplnamespace\n"                                           \
    "WHERE ${in_scope:c.tmplnamespace} AND ${not_extension:pg_ts_template,c.oid}\n"

#define SQL_LANGUAGES                                                                                                  \
    "SELECT 'pg_language'::regclass::oid, l.oid, 0,\n"                                                                 \
    "'language ' || quote_ident(l.lanname::text),\n"                                                                   \
    "''" SQL_WORD("l.lanpltrusted", "TRUSTED") SQL_ROUTINE("HANDLER", "l.lanplcallfoid")                               \
    SQL_ROUTINE("INLINE", "l.laninline") SQL_ROUTINE("VALIDATOR", "l.lanvalidator") "\n"                               \
    "FROM pg_language l WHERE ${whole} AND " SQL_OF_ITS_OWN("pg_language", "l")

#define SQL_TRANSFORMS                                                                                                 \
    "SELECT 'pg_transform'::regclass::oid, t.oid, 0,\n"                                                                \
    "'transform for ' || " SQL_TYPE_IDENTITY("t.trftype") " || ' language ' || quote_ident(l.lanname::text),\n"        \
    "''" SQL_ROUTINE("FROM SQL", "t.trffromsql") SQL_ROUTINE("TO SQL", "t.trftosql") "\n"                              \
    "FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang\n"                                                    \
    "WHERE ${whole} AND " SQL_OF_ITS_OWN("pg_transform", "t")

#define SQL_ACCESS_METHODS                                                                                             \
    "SELECT 'pg_am'::regclass::oid, a.oid, 0,\n"                                                                       \
    "'access method ' || quote_ident(a.amname::text),\n"                                                               \
    "CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END" SQL_ROUTINE("HANDLER", "a.amhandler") "\n"                  \
    "FROM pg_am a WHERE ${whole} AND " SQL_OF_ITS_OWN("pg_am", "a")

/* Types with functions of their own, and shells of types to come; the arrays that types bring with them are theirs. */
#define SQL_BASE_TYPES                                                                                                 \
    "SELECT 'pg_type'::regclass::oid, t.oid, 0,\n"                                                                     \
    "CASE WHEN t.typisdefined THEN 'base type ' ELSE 'shell type ' END || " SQL_QUALIFIED("n.nspname", "t.typname")    \
    ",\n"                                                                                                              \
    "''" SQL_ROUTINE("INPUT", "t.typinput") SQL_ROUTINE("OUTPUT", "t.typoutput")                                       \
    SQL_ROUTINE("RECEIVE", "t.typreceive") SQL_ROUTINE("SEND", "t.typsend") SQL_ROUTINE("TYPMOD_IN", "t.typmodin")     \
    SQL_ROUTINE("TYPMOD_OUT", "t.typmodout") SQL_ROUTINE("ANALYZE", "t.typanalyze")                                    \
    " || ' LENGTH ' || t.typlen::text || ' ALIGNMENT ' || t.typalign::text || ' STORAGE ' || t.typstorage::text\n"     \
    " || ' CATEGORY ' || quote_literal(t.typcategory::text) || ' DELIMITER ' || quote_literal(t.typdelim::text)\n"     \
    SQL_WORD("t.typbyval", "PASSEDBYVALUE") SQL_WORD("t.typispreferred", "PREFERRED")                                  \
    SQL_WORD("t.typcollation <> 0", "COLLATABLE")                                                                      \
    " || CASE WHEN t.typelem = 0 THEN '' ELSE ' ELEMENT ' || format_type(t.typelem, NULL) END\n"                       \
    " || coalesce(' DEFAULT ' || quote_literal(t.typdefault), '')\n"                                                   \
    "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace\n"                                                   \
    "WHERE t.typtype IN ('b', 'p') AND NOT EXISTS (SELECT FROM pg_type te WHERE te.typarray = t.oid)\n"                \
    "AND ${in_scope:t.typnamespace} AND ${not_extension:pg_type,t.oid}\n"

/* The text names the object whatever the search path. */
#define SQL_SECURITY_LABELS                                                                                            \
    "SELECT 'pg_seclabel'::regclass::oid, s.objoid, 0,\n"                                                              \
    "'security label ' || quote_ident(s.provider) || ' on ' || i.type || ' ' || i.identity,\n"                         \
    "quote_literal(s.label)\n"                                                                                         \
    "FROM pg_seclabel s, pg_identify_object(s.classoid, s.objoid, s.objsubid) i\n"                                     \
    "WHERE ${whole} AND s.objoid >= 16384\n"

static const char unmodelled_query[] =
    "SELECT u.class AS class, u.oid AS oid, u.sub AS sub, " SQL_NO_PARENT "u.identity AS identity,\n"
    "u.identity AS address, 0 AS ordinal, u.definition AS definition FROM (\n"
    SQL_CASTS AND_ALSO SQL_OPERATORS AND_ALSO SQL_OPERATOR_FAMILIES AND_ALSO SQL_OPERATOR_CLASSES AND_ALSO
    SQL_CONVERSIONS AND_ALSO SQL_SEARCH_CONFIGURATIONS AND_ALSO SQL_SEARCH_DICTIONARIES AND_ALSO SQL_SEARCH_PARSERS
    AND_ALSO SQL_SEARCH_TEMPLATES AND_ALSO SQL_LANGUAGES AND_ALSO SQL_TRANSFORMS AND_ALSO SQL_ACCESS_METHODS AND_ALSO
    SQL_BASE_TYPES AND_ALSO SQL_SECURITY_LABELS ") u(class, oid, sub, identity, definition)";

static const struct attribute unmodelled_attributes[] = {
    ATTRIBUTE_REPLACED("definition"),
};

const struct kind kind_unmodelled = {
    .name = "unmodelled",
    .words = "",
    .query = unmodelled_query,
    ATTRIBUTES(unmodelled_attributes),
    .flags = KIND_REPORTED,
    .rank = PG_UNMODELLED,
};
