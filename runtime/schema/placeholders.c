/*
 * The placeholders of the kinds' queries: what every kind asks in the same words is written down here once. Expressions
 * that are put in more than once are plain columns.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/reader.h"

enum { MOST_WORDS = 3 };

struct expansion {
    struct buf *out;
    const struct scope *scope;
    uint32_t version;
    struct str words[MOST_WORDS];
    size_t n_words;
};

static bool expand(struct expansion *x, struct str text, struct err *e);

/* "{1}" to "{3}" are the placeholder's words; nothing else in braces. */
static void add_words(struct expansion *x, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '{' && p[1] >= '1' && p[1] <= '0' + MOST_WORDS && p[2] == '}') {
            buf_adds(x->out, x->words[p[1] - '1']);
            p += 2;
        } else {
            buf_addc(x->out, *p);
        }
    }
}

static void add_names(struct buf *out, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_addz(out, i ? ", " : "");
        db_quote_text(out, DIALECT_POSTGRESQL, names[i]);
    }
}

static bool add_version(struct expansion *x, struct err *e)
{
    (void)e;
    buf_addf(x->out, "%u", (unsigned)x->version);
    return true;
}

static bool add_since(struct expansion *x, struct err *e)
{
    uint64_t since;
    if (!str_number(str_trim(x->words[0]), UINT32_MAX, &since))
        return err_set(e, FAULT_FAILED, "\"%.*s\" is no version", STR_ARG(x->words[0]));
    return expand(x, x->words[x->version >= since ? 1 : 2], e);
}

static bool add_whole(struct expansion *x, struct err *e)
{
    (void)e;
    buf_addz(x->out, x->scope->schema ? "false" : "true");
    return true;
}

static bool add_in_scope(struct expansion *x, struct err *e)
{
    (void)e;
    if (x->scope->schema) {
        add_words(x, "(({1}) = (SELECT oid FROM pg_namespace WHERE nspname = ");
        db_quote_text(x->out, DIALECT_POSTGRESQL, x->scope->schema);
        buf_addz(x->out, "))");
    } else {
        add_words(x, "(({1}) = ANY (ARRAY(SELECT oid FROM pg_namespace"
                     " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')))");
    }
    return true;
}

static bool add_not_ours(struct expansion *x, struct err *e)
{
    const char *const ours[] = {x->scope->version_table ? x->scope->version_table : "alembic_version", "migrate_log",
                                "migrate_ledger"};
    (void)e;
    add_words(x, "(({1}) <> ALL (ARRAY(SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relname IN (");
    add_names(x->out, ours, sizeof ours / sizeof *ours);
    buf_addz(x->out, "))))");
    return true;
}

/* Hashed whatever the statistics say: a join is planned by them, and those of a young database are wrong. */
static bool add_not_extension(struct expansion *x, struct err *e)
{
    (void)e;
    add_words(x, "({2}) NOT IN (SELECT objid FROM pg_depend WHERE classid = '{1}'::regclass AND deptype = 'e')");
    return true;
}

static bool add_owner(struct expansion *x, struct err *e)
{
    (void)e;
    add_words(x, "quote_ident(pg_get_userbyid({1}))");
    return true;
}

static bool add_comment(struct expansion *x, struct err *e)
{
    (void)e;
    add_words(x, "(SELECT quote_literal(d.description) FROM pg_description d"
                 " WHERE d.classoid = '{1}'::regclass AND d.objoid = {2} AND d.objsubid = {3})");
    return true;
}

/* A column has no grants of its own to begin with, so that NULL needs no look. */
static bool add_acl(struct expansion *x, struct err *e)
{
    bool of_column = str_is(x->words[0], "c") || x->words[0].n == 0;
    (void)e;
    add_words(x, of_column ? "CASE WHEN {2} IS NOT NULL THEN " : "");
    add_words(x, "(SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM (SELECT CASE grantee"
                 " WHEN 0 THEN 'PUBLIC' WHEN {3} THEN 'CURRENT_OWNER' ELSE quote_ident(pg_get_userbyid(grantee)) END"
                 " || E'\\t' || privilege_type || E'\\t' ||"
                 " CASE WHEN bool_or(is_grantable AND grantee <> {3}) THEN 'grant option' ELSE '' END AS line FROM ");
    add_words(x, of_column ? "aclexplode({2})" : "aclexplode(coalesce({2}, acldefault('{1}', {3})))");
    add_words(x, " GROUP BY grantee, privilege_type) grants)");
    add_words(x, of_column ? " END" : "");
    return true;
}

static const struct placeholder {
    const char *name;
    size_t n_words;
    bool (*add)(struct expansion *x, struct err *e);
} placeholders[] = {
    {"version", 0, add_version},   {"since", 3, add_since},       {"whole", 0, add_whole},
    {"in_scope", 1, add_in_scope}, {"not_ours", 1, add_not_ours}, {"not_extension", 2, add_not_extension},
    {"owner", 1, add_owner},       {"comment", 3, add_comment},   {"acl", 3, add_acl},
};

/* Cuts at the commas outside of brackets; the last word takes what is left. */
static void cut_words(struct expansion *x, struct str text, size_t most)
{
    size_t begin = 0, depth = 0;
    x->n_words = 0;
    for (size_t i = 0; i < text.n && x->n_words + 1 < most; i++) {
        depth += strchr("([{", text.p[i]) != NULL;
        depth -= strchr(")]}", text.p[i]) != NULL;
        if (text.p[i] == ',' && !depth) {
            x->words[x->n_words++] = str_trim(str_slice(text, begin, i));
            begin = i + 1;
        }
    }
    x->words[x->n_words++] = str_trim(str_slice(text, begin, text.n));
}

static bool expand_one(const struct expansion *outer, struct str inside, struct err *e)
{
    struct expansion x = {.out = outer->out, .scope = outer->scope, .version = outer->version};
    size_t colon = str_find(inside, ':');
    struct str name = str_slice(inside, 0, colon),
               rest = str_slice(inside, colon < inside.n ? colon + 1 : colon, inside.n);
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
        const struct placeholder *p = &placeholders[i];
        if (!str_is(name, p->name))
            continue;
        if (p->n_words)
            cut_words(&x, rest, p->n_words);
        if (x.n_words != p->n_words)
            break;
        return p->add(&x, e);
    }
    return err_set(e, FAULT_FAILED, "\"${%.*s}\" is no placeholder", STR_ARG(inside));
}

static size_t end_of_placeholder(struct str text, size_t begin)
{
    size_t depth = 1, i = begin;
    for (; i < text.n; i++) {
        depth += text.p[i] == '{';
        if (text.p[i] == '}' && --depth == 0)
            break;
    }
    return i;
}

static bool expand(struct expansion *x, struct str text, struct err *e)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '$' || i + 1 == text.n || text.p[i + 1] != '{') {
            buf_addc(x->out, text.p[i]);
            continue;
        }
        size_t end = end_of_placeholder(text, i + 2);
        if (!expand_one(x, str_slice(text, i + 2, end), e))
            return false;
        i = end;
    }
    return true;
}

bool query_expand(struct buf *out, const char *query, const struct scope *scope, uint32_t version, struct err *e)
{
    struct expansion x = {.out = out, .scope = scope, .version = version};
    return expand(&x, str_from(query), e);
}
