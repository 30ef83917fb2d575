/*
 * Bodies of routines. While a file is loaded nobody looks into them, so that their order is free; here each language's
 * own validator does, when everything that they may name is there. A typo must not become the desired state.
 */
#include <stdlib.h>
#include <string.h>

#include "gen/session.h"
#include "schema/tokens.h"

/* What comes with the server has a number below 16384; to look into thousands of its rows is most of the time otherwise. */
static const char routines_sql[] =
    "SELECT p.oid, p.proname, n.nspname, p.prosrc, p.oid::regprocedure::text,\n"
    "       pg_catalog.quote_ident(vn.nspname) || '.' || pg_catalog.quote_ident(v.proname),\n"
    "       (SELECT pg_catalog.substr(c, 13) FROM pg_catalog.unnest(p.proconfig) c WHERE c LIKE 'search_path=%')\n"
    "  FROM pg_catalog.pg_proc p\n"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
    "  JOIN pg_catalog.pg_language l ON l.oid = p.prolang\n"
    "  JOIN pg_catalog.pg_proc v ON v.oid = l.lanvalidator\n"
    "  JOIN pg_catalog.pg_namespace vn ON vn.oid = v.pronamespace\n"
    " WHERE p.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND l.lanname NOT IN ('internal', 'c')\n"
    "   AND pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NULL\n"
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass\n"
    "                    AND d.objid = p.oid AND d.deptype = 'e')\n"
    " ORDER BY p.oid";

/* Everything that a caller's search path may hold. */
static const char widest_path_sql[] =
    "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(nspname), ', ' ORDER BY nspname = 'public', nspname)\n"
    "  FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'";

struct routine {
    const char *oid, *name, *schema, *body, *shown, *validator, *path;
};

struct bodies {
    struct server *server;
    struct findings *out;
    const struct text_file *file;
    const struct load_routines *routines;
    const char *widest;
    bool are_unchecked; /* the file says that nobody is to look: findings are warnings */
};

size_t load_byte_of(struct str text, size_t character)
{
    size_t i = 0;
    for (size_t n = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] & 0xC0) != 0x80 && ++n == character)
            break;
    return i;
}

/* ---------------------------------------------------------------------------------------------------------- places */

/* The statement that made it: the last of that name, and best one that holds the very body. */
static const struct load_routine *made_by(const struct bodies *b, const struct routine *r)
{
    const struct load_routine *found = NULL;
    for (size_t i = b->routines->n; i-- > 0;) {
        const struct load_routine *l = &b->routines->v[i];
        if (strcmp(l->name, r->name) != 0 || (l->schema && strcmp(l->schema, r->schema) != 0))
            continue;
        if (memmem(l->text.p, l->text.n, r->body, strlen(r->body)))
            return l;
        found = found ? found : l;
    }
    return found;
}

/* "PL/pgSQL function inline_code_block line 3 at …", "compilation of PL/pgSQL function "f" near line 3". */
static size_t line_of_context(const struct outcome *o)
{
    const char *context = outcome_field(o, PG_DIAG_CONTEXT), *at = context ? strstr(context, " line ") : NULL;
    return at ? strtoul(at + strlen(" line "), NULL, 10) : 0;
}

static size_t byte_of_line(struct str text, size_t line)
{
    size_t at = 0;
    while (line-- > 1 && at < text.n)
        at += str_find(str_slice(text, at, text.n), '\n') + 1;
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
        at++;
    return at < text.n ? at : 0;
}

static size_t place_in_body(const struct outcome *o, struct str body)
{
    const char *position = outcome_field(o, PG_DIAG_INTERNAL_POSITION);
    const char *query = outcome_field(o, PG_DIAG_INTERNAL_QUERY);
    if (position && query && str_is(body, query))
        return load_byte_of(body, strtoul(position, NULL, 10));
    return byte_of_line(body, line_of_context(o));
}

static size_t place_in_file(const struct bodies *b, const struct routine *r, const struct outcome *o)
{
    const struct load_routine *l = made_by(b, r);
    const char *body = l ? memmem(l->text.p, l->text.n, r->body, strlen(r->body)) : NULL;
    if (!l)
        return SIZE_MAX;
    if (!body)
        return l->offset;
    return l->offset + (size_t)(body - l->text.p) + place_in_body(o, str_from(r->body));
}

/* -------------------------------------------------------------------------------------------------------- findings */

/* What it reads may be made by itself, at run time. */
static bool makes_temporary_tables(const char *body)
{
    struct lexer l = {.text = str_from(body), .dialect = DIALECT_POSTGRESQL};
    bool after_create = false;
    for (struct token t; token_next(&l, &t);) {
        bool is_temporary = token_is_word(l.text, &t, "TEMP") || token_is_word(l.text, &t, "TEMPORARY");
        if (after_create && is_temporary)
            return true;
        after_create = token_is_word(l.text, &t, "CREATE") || token_is_word(l.text, &t, "LOCAL") ||
                       token_is_word(l.text, &t, "GLOBAL");
    }
    return false;
}

/* SET check_function_bodies = false, as pg_dump writes it: the bodies are what a database has, right or wrong. */
static bool says_unchecked(const struct text_file *file)
{
    struct lexer l = {.text = file->bytes, .dialect = DIALECT_POSTGRESQL};
    int after = 0; /* words of it seen so far */
    for (struct token t; token_next(&l, &t);) {
        bool off = token_is_word(l.text, &t, "FALSE") || token_is_word(l.text, &t, "OFF");
        if (after == 2 && off)
            return true;
        after = token_is_word(l.text, &t, "CHECK_FUNCTION_BODIES")                                    ? 1
                : after == 1 && (token_is_symbol(l.text, &t, "=") || token_is_word(l.text, &t, "TO")) ? 2
                                                                                                      : 0;
    }
    return false;
}

static void report(const struct bodies *b, const struct routine *r, const struct outcome *o)
{
    AUTO_ERR e = {0};
    outcome_explain(b->server, o, &e);
    struct finding *found = finding_add(b->out, "body", b->file, place_in_file(b, r, o), "%s: %s", r->shown, e.message);
    if (e.detail)
        err_detail(&found->err, "%s", e.detail);
    if (e.hint)
        err_hint(&found->err, "%s", e.hint);
    memcpy(found->err.sqlstate, e.sqlstate, sizeof e.sqlstate);
    if (b->are_unchecked || (strcmp(e.sqlstate, "42P01") == 0 && makes_temporary_tables(r->body)))
        finding_is_warning(b->out, found);
}

static void add_check(struct buf *sql, const struct routine *r, const char *path)
{
    buf_addz(sql, "SELECT pg_catalog.set_config('search_path', ");
    db_quote_text(sql, DIALECT_POSTGRESQL, path);
    buf_addf(sql, ", true); SELECT %s(%s);\n", r->validator, r->oid);
}

static bool is_valid(const struct bodies *b, const struct routine *r, const char *path, struct outcome *o)
{
    BUF_AUTO sql = {0};
    size_t prefix;
    add_check(&sql, r, path);
    return session_try(b->server, buf_str(&sql), &prefix, o);
}

static const char *path_of(const struct bodies *b, const struct routine *r)
{
    const struct load_routine *l = made_by(b, r);
    return r->path ? r->path : l && l->path ? l->path : b->widest;
}

/*
 * Which search path it runs with is the caller's business, unless it sets its own: so the one that it was made with is
 * tried, and then one with all there is. pg_dump makes everything with an empty one.
 */
static void check(const struct bodies *b, const struct routine *r)
{
    OUTCOME_AUTO o = {0};
    if (is_valid(b, r, path_of(b, r), &o) || (!r->path && is_valid(b, r, b->widest, &o)))
        return;
    report(b, r, &o);
}

static struct routine routine_at(const PGresult *list, int i)
{
    const char *v[7];
    for (int j = 0; j < 7; j++)
        v[j] = PQgetisnull(list, i, j) ? NULL : PQgetvalue(list, i, j);
    return (struct routine){v[0], v[1], v[2], v[3] ? v[3] : "", v[4], v[5], v[6]};
}

/* By the dozen, as nearly all are right; where one is not, each by itself. */
static void check_some(const struct bodies *b, const PGresult *list, int from, int to)
{
    OUTCOME_AUTO o = {0};
    BUF_AUTO sql = {0};
    size_t prefix;
    for (int i = from; i < to; i++) {
        struct routine r = routine_at(list, i);
        add_check(&sql, &r, path_of(b, &r));
    }
    bool all = session_try(b->server, buf_str(&sql), &prefix, &o);
    for (int i = from; !all && i < to; i++) {
        struct routine r = routine_at(list, i);
        check(b, &r);
    }
}

bool load_check_bodies(struct server *s, struct findings *out, const struct text_file *file,
                       const struct load_routines *routines, struct err *e)
{
    enum { SOME = 64 };
    OUTCOME_AUTO list = {0};
    struct bodies b = {.server = s, .out = out, .file = file, .routines = routines};
    if (!session_do(s, "SET LOCAL check_function_bodies = on", "look at bodies of functions", e) ||
        !session_value(s, widest_path_sql, &b.widest, "look at schemas", e))
        return false;
    if (!session_run(s, routines_sql, &list))
        return outcome_explain(s, &list, e);
    b.are_unchecked = says_unchecked(file);
    if (!b.widest)
        b.widest = "";
    for (int i = 0, n = PQntuples(list.result); i < n; i += SOME)
        check_some(&b, list.result, i, i + SOME < n ? i + SOME : n);
    return true;
}
