/* Functions, procedures and aggregates, and event triggers, which call them. */
#include "schema/kinds_sql.h"

/* SQL keeps its own lines. */
/* clang-format off */

/* public.f(integer, public.mood[]): whatever the search path. */
#define SQL_ROUTINE_IDENTITY                                                                                           \
    SQL_QUALIFIED("n.nspname", "p.proname") " || '(' || coalesce((\n"                                                  \
    "    SELECT string_agg(" SQL_TYPE_IDENTITY("ar.type") ", ', ' ORDER BY ar.place)\n"                                \
    "    FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY ar(type, place)), '') || ')'"
#define SQL_ROUTINE_NAME SQL_SHOWN("pg_function_is_visible(p.oid)", "n.nspname", "p.proname")
/* What a range type makes for itself is the type's. */
#define SQL_ROUTINE_SCOPE                                                                                              \
    "${in_scope:p.pronamespace} AND ${not_extension:pg_proc,p.oid}\n"                                                  \
    "AND NOT EXISTS (SELECT FROM pg_depend pd WHERE pd.classid = 'pg_proc'::regclass AND pd.objid = p.oid\n"           \
    "                AND pd.deptype = 'i')"

/* ----------------------------------------------------------------------------------------------- functions, procedures */

/*
 * pg_get_functiondef() writes the name with its schema always, so that the definition here is what stands behind it.
 */
static const char function_query[] =
    "SELECT 'pg_proc'::regclass::oid AS class, p.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    SQL_ROUTINE_IDENTITY " AS identity,\n"
    "p.oid::regprocedure::text AS address, 0 AS ordinal,\n"
    "w.words AS words,\n"
    SQL_ROUTINE_NAME " AS name,\n"
    "CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'w' THEN 'window function' ELSE 'function' END AS kind,\n"
    "pg_get_function_result(p.oid) AS result,\n"
    "pg_get_function_arguments(p.oid) AS arguments,\n"
    "pg_get_function_identity_arguments(p.oid) AS identity_arguments,\n"
    "(SELECT quote_ident(l.lanname::text) FROM pg_language l WHERE l.oid = p.prolang) AS language,\n"
    "CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END AS security_definer,\n"
    "array_to_string(p.proconfig, chr(10)) AS config,\n"
    "rtrim(substr(pg_get_functiondef(p.oid),\n"
    "             length('CREATE OR REPLACE ' || w.words || ' ' || " SQL_QUALIFIED("n.nspname", "p.proname")
    ") + 1),\n"
    "      chr(10)) AS definition,\n"
    "${comment:pg_proc,p.oid,0} AS comment, ${owner:p.proowner} AS owner, ${acl:f,p.proacl,p.proowner} AS grants\n"
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,\n"
    "     LATERAL (SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END) w(words)\n"
    "WHERE p.prokind IN ('f', 'p', 'w') AND " SQL_ROUTINE_SCOPE;

static const struct attribute function_attributes[] = {
    ATTRIBUTE_HIDDEN("words"),
    ATTRIBUTE_HIDDEN("name"),
    ATTRIBUTE_REPLACED("kind"),
    ATTRIBUTE_REPLACED("result"),
    {"arguments", CHANGE_OWN, 0, NULL, NULL},
    ATTRIBUTE_HIDDEN("identity_arguments"),
    ATTRIBUTE_HIDDEN("language"),
    ATTRIBUTE_HIDDEN("security_definer"),
    ATTRIBUTE_HIDDEN("config"),
    {"definition", CHANGE_RECREATE, 0, NULL, NULL},
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_function = {
    .name = "function",
    .words = "FUNCTION",
    .query = function_query,
    ATTRIBUTES(function_attributes),
    .create = "CREATE {words} {name}{definition}",
    .replace = "CREATE OR REPLACE {words} {name}{definition}",
    .rename = "ALTER {words} {old} RENAME TO {new}",
    .flags = KIND_ROUTINE,
    .rank = PG_FUNCTION,
};

/* ---------------------------------------------------------------------------------------------------------- aggregates */

#define SQL_FUNCTION(WORD, OID) "|| coalesce(', " WORD " = ' || " SQL_FUNCTION_NAME(OID) ", '')\n"
#define SQL_FLAG(WORD, CONDITION) "|| CASE WHEN " CONDITION " THEN ', " WORD "' ELSE '' END\n"
#define SQL_NUMBER(WORD, NUMBER) "|| CASE WHEN " NUMBER " = 0 THEN '' ELSE ', " WORD " = ' || " NUMBER "::text END\n"
#define SQL_START(WORD, TEXT) "|| coalesce(', " WORD " = ' || quote_literal(" TEXT "), '')\n"
#define SQL_MODIFY(WORD, FUNCTION, CODE)                                                                               \
    "|| CASE WHEN " FUNCTION " = 0 THEN '' ELSE ', " WORD " = ' || CASE " CODE "\n"                                    \
    "       WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END\n"

/* CREATE AGGREGATE finds its functions by their arguments, so that their names do. */
static const char aggregate_query[] =
    "SELECT 'pg_proc'::regclass::oid AS class, p.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    SQL_ROUTINE_IDENTITY " AS identity,\n"
    SQL_ROUTINE_NAME
    " || '(' || coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''), '*') || ')' AS address,\n"
    "0 AS ordinal,\n"
    SQL_ROUTINE_NAME " AS name,\n"
    "p.oid::regprocedure::text AS routine,\n"
    "CASE a.aggkind WHEN 'o' THEN 'ordered-set aggregate' WHEN 'h' THEN 'hypothetical-set aggregate'\n"
    "     ELSE 'aggregate' END AS kind,\n"
    "pg_get_function_result(p.oid) AS result,\n"
    "coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*') AS arguments,\n"
    "'SFUNC = ' || " SQL_FUNCTION_NAME("a.aggtransfn") " || ', STYPE = ' || format_type(a.aggtranstype, NULL)\n"
    SQL_NUMBER("SSPACE", "a.aggtransspace") SQL_FUNCTION("FINALFUNC", "a.aggfinalfn::oid")
    SQL_FLAG("FINALFUNC_EXTRA", "a.aggfinalextra")
    SQL_MODIFY("FINALFUNC_MODIFY", "a.aggfinalfn::oid", "a.aggfinalmodify")
    SQL_FUNCTION("COMBINEFUNC", "a.aggcombinefn::oid") SQL_FUNCTION("SERIALFUNC", "a.aggserialfn::oid")
    SQL_FUNCTION("DESERIALFUNC", "a.aggdeserialfn::oid") SQL_START("INITCOND", "a.agginitval")
    SQL_FUNCTION("MSFUNC", "a.aggmtransfn::oid") SQL_FUNCTION("MINVFUNC", "a.aggminvtransfn::oid")
    "|| CASE WHEN a.aggmtranstype = 0 THEN '' ELSE ', MSTYPE = ' || format_type(a.aggmtranstype, NULL) END\n"
    SQL_NUMBER("MSSPACE", "a.aggmtransspace") SQL_FUNCTION("MFINALFUNC", "a.aggmfinalfn::oid")
    SQL_FLAG("MFINALFUNC_EXTRA", "a.aggmfinalextra")
    SQL_MODIFY("MFINALFUNC_MODIFY", "a.aggmfinalfn::oid", "a.aggmfinalmodify") SQL_START("MINITCOND", "a.aggminitval")
    "|| coalesce((SELECT ', SORTOP = OPERATOR(' || CASE WHEN pg_operator_is_visible(so.oid) THEN ''\n"
    "        ELSE quote_ident(son.nspname::text) || '.' END || so.oprname::text || ')'\n"
    "             FROM pg_operator so JOIN pg_namespace son ON son.oid = so.oprnamespace\n"
    "             WHERE so.oid = a.aggsortop), '')\n"
    "|| CASE p.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED' ELSE '' END\n"
    SQL_FLAG("HYPOTHETICAL", "a.aggkind = 'h'") "AS definition,\n"
    "${comment:pg_proc,p.oid,0} AS comment, ${owner:p.proowner} AS owner, ${acl:f,p.proacl,p.proowner} AS grants\n"
    "FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid::oid JOIN pg_namespace n ON n.oid = p.pronamespace\n"
    "WHERE " SQL_ROUTINE_SCOPE;

static const struct attribute aggregate_attributes[] = {
    ATTRIBUTE_HIDDEN("name"),
    ATTRIBUTE_HIDDEN("routine"), /* as GRANT wants it: f(), where DROP wants f(*) */
    ATTRIBUTE_REPLACED("kind"),
    ATTRIBUTE_REPLACED("result"),
    ATTRIBUTE_REPLACED("arguments"),
    {"definition", CHANGE_RECREATE, 0, NULL, NULL},
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
    ATTRIBUTE_GRANTED,
};

const struct kind kind_aggregate = {
    .name = "aggregate",
    .words = "AGGREGATE",
    .query = aggregate_query,
    ATTRIBUTES(aggregate_attributes),
    .create = "CREATE AGGREGATE {name}({arguments}) ({definition})",
    .replace = "CREATE OR REPLACE AGGREGATE {name}({arguments}) ({definition})",
    .rename = "ALTER AGGREGATE {old} RENAME TO {new}",
    .flags = 0,
    .rank = PG_AGGREGATE,
};

/* ------------------------------------------------------------------------------------------------------ event triggers */

static const char event_trigger_query[] =
    "SELECT 'pg_event_trigger'::regclass::oid AS class, ev.oid AS oid, 0 AS sub,\n"
    SQL_NO_PARENT "\n"
    "quote_ident(ev.evtname::text) AS identity, quote_ident(ev.evtname::text) AS address, 0 AS ordinal,\n"
    "ev.evtevent::text AS event,\n"
    "(SELECT string_agg(quote_literal(tag), ', ' ORDER BY tag COLLATE \"C\") FROM unnest(ev.evttags) tag) AS tags,\n"
    "" SQL_FUNCTION_NAME("ev.evtfoid") " AS function,\n"
    "CASE ev.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END AS enabled,\n"
    "${comment:pg_event_trigger,ev.oid,0} AS comment, ${owner:ev.evtowner} AS owner\n"
    "FROM pg_event_trigger ev WHERE ${whole} AND ${not_extension:pg_event_trigger,ev.oid}";

static const struct attribute event_trigger_attributes[] = {
    ATTRIBUTE_REPLACED("event"),
    ATTRIBUTE_REPLACED("tags"),
    ATTRIBUTE_REPLACED("function"),
    {"enabled", CHANGE_SET, ATTRIBUTE_AFTER, "ALTER EVENT TRIGGER {address} {enabled}",
     "ALTER EVENT TRIGGER {address} ENABLE"},
    ATTRIBUTE_COMMENT,
    ATTRIBUTE_OWNED,
};

const struct kind kind_event_trigger = {
    .name = "event trigger",
    .words = "EVENT TRIGGER",
    .query = event_trigger_query,
    ATTRIBUTES(event_trigger_attributes),
    .create = "CREATE EVENT TRIGGER {address} ON {event}[ WHEN TAG IN ({tags})] EXECUTE FUNCTION {function}()",
    .rename = "ALTER EVENT TRIGGER {old} RENAME TO {new}",
    .flags = KIND_EVENT_TRIGGER,
    .rank = PG_EVENT_TRIGGER,
};
