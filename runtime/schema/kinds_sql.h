/* Pieces of SQL for the kinds that are no relations: names, types, literals and options, as catalogs and scripts want them. */
#ifndef SCHEMA_KINDS_SQL_H
#define SCHEMA_KINDS_SQL_H

#include "schema/kinds_rows.h"

/* SQL keeps its own lines. */
/* clang-format off */

#define SQL_NO_PARENT "NULL AS parent_class, NULL AS parent_oid, NULL AS parent_sub, "

/* A name with its schema, whatever the search path. */
#define SQL_QUALIFIED(SCHEMA, NAME) "quote_ident(" SCHEMA "::text) || '.' || quote_ident(" NAME "::text)"

/* The same as the search path allows it. VISIBLE: such as pg_collation_is_visible(c.oid). */
#define SQL_SHOWN(VISIBLE, SCHEMA, NAME)                                                                               \
    "CASE WHEN " VISIBLE " THEN quote_ident(" NAME "::text) ELSE " SQL_QUALIFIED(SCHEMA, NAME) " END"

/* A type whatever the search path: integer, public.mood, public.mood[]. The select stands on its own. */
#define SQL_TYPE_IDENTITY(OID)                                                                                         \
    "(SELECT CASE WHEN tn.nspname = 'pg_catalog' THEN format_type(tb.oid, NULL)\n"                                     \
    "             ELSE " SQL_QUALIFIED("tn.nspname", "tb.typname") " END\n"                                            \
    "        || CASE WHEN tb.oid <> ti.oid THEN '[]' ELSE '' END\n"                                                    \
    " FROM pg_type ti\n"                                                                                               \
    " LEFT JOIN pg_type te ON te.oid = ti.typelem AND te.typarray = ti.oid\n"                                          \
    " JOIN pg_type tb ON tb.oid = coalesce(te.oid, ti.oid)\n"                                                          \
    " JOIN pg_namespace tn ON tn.oid = tb.typnamespace WHERE ti.oid = " OID ")"

/*
 * A function's name without its arguments, where the statement has them from elsewhere: as the search path allows it, also
 * of one that has namesakes, which regproc would print with their schema. NULL: none.
 */
#define SQL_FUNCTION_NAME(OID)                                                                                         \
    "(SELECT " SQL_SHOWN("pg_function_is_visible(fp.oid)", "fn.nspname", "fp.proname") "\n"                            \
    " FROM pg_proc fp JOIN pg_namespace fn ON fn.oid = fp.pronamespace WHERE fp.oid = " OID ")"

/* A literal on one line. */
#define SQL_LITERAL(TEXT)                                                                                              \
    "CASE WHEN strpos(" TEXT ", chr(10)) = 0 THEN quote_literal(" TEXT ")\n"                                           \
    "     ELSE CASE WHEN strpos(" TEXT ", chr(92)) = 0 THEN 'E' ELSE '' END\n"                                         \
    "          || replace(quote_literal(" TEXT "), chr(10), chr(92) || 'n') END"

/*
 * OPTIONS of foreign-data wrappers and what belongs to them: name and literal, joined. What may be a secret is never read:
 * its value is a question mark, which no server takes.
 */
#define SQL_OPTIONS(ARRAY, JOIN)                                                                                       \
    "(SELECT string_agg(quote_ident(po.option_name) || ' ' ||\n"                                                       \
    "                   CASE WHEN po.option_name ~* '(passw|passphrase|secret|token|credential|access_?key|api_?key)'\n" \
    "                        THEN '?' ELSE " SQL_LITERAL("coalesce(po.option_value, '')") " END,\n"                    \
    "                   " JOIN " ORDER BY po.option_name COLLATE \"C\")\n"                                             \
    " FROM pg_options_to_table(" ARRAY ") po)"

#endif
