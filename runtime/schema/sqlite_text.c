/* Reading CREATE TABLE and spelling texts in one way (sqlite_text.h). Pure. */
#include "schema/sqlite_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/tokens.h"

/* ------------------------------------------------------------------------------------------------------------- names */

/* Sorted. What stands for no name when it is written without quotes is in capitals. */
static const char *const keywords[] = {
    "abort",
    "action",
    "ADD",
    "after",
    "ALL",
    "ALTER",
    "always",
    "analyze",
    "AND",
    "AS",
    "asc",
    "attach",
    "AUTOINCREMENT",
    "before",
    "begin",
    "BETWEEN",
    "by",
    "cascade",
    "CASE",
    "cast",
    "CHECK",
    "COLLATE",
    "column",
    "COMMIT",
    "conflict",
    "CONSTRAINT",
    "CREATE",
    "cross",
    "current",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "database",
    "DEFAULT",
    "DEFERRABLE",
    "deferred",
    "DELETE",
    "desc",
    "detach",
    "DISTINCT",
    "do",
    "DROP",
    "each",
    "ELSE",
    "end",
    "ESCAPE",
    "except",
    "exclude",
    "exclusive",
    "EXISTS",
    "explain",
    "fail",
    "FALSE",
    "filter",
    "first",
    "following",
    "for",
    "FOREIGN",
    "FROM",
    "full",
    "generated",
    "glob",
    "GROUP",
    "groups",
    "HAVING",
    "if",
    "ignore",
    "immediate",
    "IN",
    "INDEX",
    "indexed",
    "initially",
    "inner",
    "INSERT",
    "instead",
    "intersect",
    "INTO",
    "IS",
    "ISNULL",
    "JOIN",
    "key",
    "last",
    "left",
    "like",
    "LIMIT",
    "match",
    "materialized",
    "natural",
    "no",
    "NOT",
    "NOTHING",
    "NOTNULL",
    "NULL",
    "nulls",
    "of",
    "offset",
    "ON",
    "OR",
    "ORDER",
    "others",
    "outer",
    "over",
    "partition",
    "plan",
    "pragma",
    "preceding",
    "PRIMARY",
    "query",
    "raise",
    "range",
    "recursive",
    "REFERENCES",
    "regexp",
    "reindex",
    "release",
    "rename",
    "replace",
    "restrict",
    "RETURNING",
    "right",
    "rollback",
    "row",
    "rows",
    "savepoint",
    "SELECT",
    "SET",
    "TABLE",
    "temp",
    "temporary",
    "THEN",
    "ties",
    "TO",
    "TRANSACTION",
    "trigger",
    "TRUE",
    "unbounded",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USING",
    "vacuum",
    "VALUES",
    "view",
    "virtual",
    "WHEN",
    "WHERE",
    "window",
    "with",
    "without",
};

static int compare_keyword(const void *name, const void *row)
{
    return strcasecmp(name, *(const char *const *)row);
}

static const char *find_keyword(const char *name)
{
    const char *const *row = bsearch(name, keywords, sizeof keywords / sizeof *keywords, sizeof *keywords,
                                     compare_keyword);
    return row ? *row : NULL;
}

static bool is_reserved(const char *name)
{
    const char *word = find_keyword(name);
    return word && *word >= 'A' && *word <= 'Z';
}

static bool is_plain(const char *name)
{
    if (!*name || (*name >= '0' && *name <= '9'))
        return false;
    for (const char *p = name; *p; p++)
        if (!(*p == '_' || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
            return false;
    return true;
}

static void add_quoted(struct buf *out, const char *name)
{
    buf_addc(out, '"');
    for (const char *p = name; *p; p++) {
        if (*p == '"')
            buf_addc(out, '"');
        buf_addc(out, *p);
    }
    buf_addc(out, '"');
}

void sqlite_text_quote(struct buf *out, const char *name)
{
    if (is_plain(name) && !find_keyword(name))
        buf_addz(out, name);
    else
        add_quoted(out, name);
}

const char *sqlite_text_quoted(struct arena *a, const char *name)
{
    BUF_AUTO text = {0};
    sqlite_text_quote(&text, name);
    return arena_str(a, buf_str(&text));
}

static void lower_in_place(char *p)
{
    for (; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
}

const char *sqlite_text_lower(struct arena *a, const char *name)
{
    char *copy = arena_strdup(a, name);
    if (copy)
        lower_in_place(copy);
    return copy;
}

const char *sqlite_text_unquoted(struct arena *a, struct str token)
{
    char quote = token.n ? token.p[0] : 0;
    if (quote != '"' && quote != '`' && quote != '\'' && quote != '[')
        return arena_str(a, token);
    char *out = arena_alloc(a, token.n + 1), *to = out;
    for (size_t i = 1; i < token.n; i++) {
        if (token.p[i] == (quote == '[' ? ']' : quote) && (quote == '[' || ++i == token.n || token.p[i] != quote))
            break;
        *to++ = token.p[i];
    }
    return out;
}

/* ------------------------------------------------------------------------------------------------------ one spelling */

enum spelling {
    SPELL_EXPRESSION, /* words and quoted names both are names, in lower case */
    SPELL_DEFAULT,    /* outside of parentheses a name means a string: its letters and quotes count */
};

static int compare_names(const void *name, const void *row)
{
    return strcmp(name, *(const char *const *)row);
}

static bool is_known(const struct strings *known, const char *lower)
{
    return !known || (known->n && bsearch(lower, known->v, known->n, sizeof *known->v, compare_names));
}

static void spell(struct buf *out, struct arena *a, struct str text, const struct token *t, enum spelling spelling,
                  const struct strings *known)
{
    struct str token = token_text(text, t);
    if (t->kind == TOKEN_STRING || t->kind == TOKEN_PARAMETER) {
        buf_adds(out, token);
    } else if (t->kind != TOKEN_NAME) {
        const char *word = arena_str(a, token);
        bool folded = t->kind != TOKEN_WORD || spelling != SPELL_DEFAULT || is_reserved(word);
        buf_addz(out, folded ? sqlite_text_lower(a, word) : word);
    } else if (spelling == SPELL_DEFAULT) {
        add_quoted(out, sqlite_text_unquoted(a, token));
    } else {
        const char *written = sqlite_text_unquoted(a, token), *name = sqlite_text_lower(a, written);
        if (*token.p == '"' && !is_known(known, name))
            add_quoted(out, written);
        else if (is_plain(name) && !is_reserved(name))
            buf_addz(out, name);
        else
            add_quoted(out, name);
    }
}

static bool is_word_or_name(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_NAME;
}

/* Whether nothing stands between two neighbours; they must not become one token. */
static bool are_close(struct str text, const struct token *left, const struct token *right)
{
    if (token_is_symbol(text, left, "("))
        return true;
    if (token_is_symbol(text, left, "."))
        return is_word_or_name(right);
    if (token_is_symbol(text, right, "."))
        return is_word_or_name(left);
    return token_is_symbol(text, right, ")") || token_is_symbol(text, right, ",");
}

static void spell_all(struct buf *out, struct arena *a, struct str text, const struct token *t, size_t n,
                      enum spelling spelling, const struct strings *known)
{
    for (size_t i = 0; i < n; i++) {
        if (i && !are_close(text, &t[i - 1], &t[i]))
            buf_addc(out, ' ');
        spell(out, a, text, &t[i], spelling, known);
    }
}

/* ASC behind an item of an index; "asc" may be a column's name, too, but not behind what an expression ends with. */
static bool is_ascending(struct arena *a, struct str text, const struct token *before, const struct token *t)
{
    bool is_operand = before->kind == TOKEN_NAME || before->kind == TOKEN_STRING || before->kind == TOKEN_NUMBER ||
                      token_is_symbol(text, before, ")") ||
                      (before->kind == TOKEN_WORD && !is_reserved(arena_str(a, token_text(text, before))));
    return is_operand && token_is_word(text, t, "ASC");
}

static const char *normal(struct arena *a, struct str sql, size_t skip, const struct strings *known, bool index)
{
    BUF_AUTO out = {0};
    struct lexer l = {.text = sql, .dialect = DIALECT_SQLITE};
    struct token t, before = {0};
    bool first = true;
    size_t depth = 0;
    while (token_next(&l, &t)) {
        depth += token_is_symbol(sql, &t, "(");
        depth -= depth && token_is_symbol(sql, &t, ")");
        if (skip) {
            skip--;
            continue;
        }
        if (index && depth == 1 && !first && is_ascending(a, sql, &before, &t))
            continue;
        if (!first && !are_close(sql, &before, &t))
            buf_addc(&out, ' ');
        spell(&out, a, sql, &t, SPELL_EXPRESSION, known);
        before = t;
        first = false;
    }
    return arena_str(a, buf_str(&out));
}

const char *sqlite_text_normal(struct arena *a, struct str sql, size_t skip, const struct strings *known)
{
    return normal(a, sql, skip, known, false);
}

const char *sqlite_text_index(struct arena *a, struct str sql, size_t skip, const struct strings *known)
{
    return normal(a, sql, skip, known, true);
}

static bool is_identifier(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_NAME || t->kind == TOKEN_STRING;
}

bool sqlite_text_mentions(struct str sql, const char *name)
{
    ARENA_AUTO a = {0};
    struct lexer l = {.text = sql, .dialect = DIALECT_SQLITE};
    struct token t;
    while (token_next(&l, &t))
        if (is_identifier(&t) && strcasecmp(sqlite_text_unquoted(&a, token_text(sql, &t)), name) == 0)
            return true;
    return false;
}

void sqlite_text_names(struct arena *a, struct str sql, struct strings *out)
{
    struct lexer l = {.text = sql, .dialect = DIALECT_SQLITE};
    struct token t;
    size_t kept = 0;
    while (token_next(&l, &t))
        if (is_identifier(&t))
            vec_push(a, out, sqlite_text_lower(a, sqlite_text_unquoted(a, token_text(sql, &t))));
    strings_sort(out);
    for (size_t i = 0; i < out->n; i++)
        if (!kept || strcmp(out->v[kept - 1], out->v[i]) != 0)
            out->v[kept++] = out->v[i];
    out->n = kept;
}

/* ------------------------------------------------------------------------------------------------------- the parser */

struct parser {
    struct arena *arena;
    struct str text;
    VEC(struct token) tokens;
    size_t at;
    struct sqlite_text_table *out;
    const struct strings *known;
    const char *name; /* of the constraint that follows, by CONSTRAINT name */
    size_t last_key;  /* index + 1 of the foreign key that [NOT] DEFERRABLE belongs to */
};

static void tokenise(struct parser *p)
{
    struct lexer l = {.text = p->text, .dialect = DIALECT_SQLITE};
    struct token t;
    while (token_next(&l, &t))
        vec_push(p->arena, &p->tokens, t);
}

static const struct token *peek(const struct parser *p, size_t ahead)
{
    return p->at + ahead < p->tokens.n ? &p->tokens.v[p->at + ahead] : NULL;
}

static bool sees(const struct parser *p, size_t ahead, const char *word)
{
    const struct token *t = peek(p, ahead);
    return t && token_is_word(p->text, t, word);
}

static bool sees_symbol(const struct parser *p, size_t ahead, const char *symbol)
{
    const struct token *t = peek(p, ahead);
    return t && token_is_symbol(p->text, t, symbol);
}

static bool take(struct parser *p, const char *word)
{
    bool is = sees(p, 0, word);
    p->at += is;
    return is;
}

static bool take_symbol(struct parser *p, const char *symbol)
{
    bool is = sees_symbol(p, 0, symbol);
    p->at += is;
    return is;
}

/* A name in any form; NULL: there is none. */
static const char *take_name(struct parser *p)
{
    const struct token *t = peek(p, 0);
    if (!t || !is_identifier(t) || t->open)
        return NULL;
    p->at++;
    return sqlite_text_unquoted(p->arena, token_text(p->text, t));
}

/* Behind "(": the index of its ")"; SIZE_MAX: there is none. */
static size_t closing(const struct parser *p, size_t from)
{
    size_t depth = 1;
    for (size_t i = from; i < p->tokens.n; i++) {
        depth += token_is_symbol(p->text, &p->tokens.v[i], "(");
        depth -= token_is_symbol(p->text, &p->tokens.v[i], ")");
        if (!depth)
            return i;
    }
    return SIZE_MAX;
}

static const char *spelled(struct parser *p, size_t from, size_t to, enum spelling spelling)
{
    BUF_AUTO out = {0};
    spell_all(&out, p->arena, p->text, p->tokens.v + from, to - from, spelling, p->known);
    return arena_str(p->arena, buf_str(&out));
}

/* Narrows the range while one pair of parentheses holds all of it. */
static void strip_parentheses(const struct parser *p, size_t *from, size_t *to)
{
    while (*to - *from > 2 && token_is_symbol(p->text, &p->tokens.v[*from], "(") && closing(p, *from + 1) == *to - 1) {
        (*from)++;
        (*to)--;
    }
}

/* "(" expression ")" in one spelling without them; NULL: it is none. */
static const char *take_expression(struct parser *p)
{
    if (!take_symbol(p, "("))
        return NULL;
    size_t from = p->at, end = closing(p, from), to = end;
    if (end == SIZE_MAX || end == from)
        return NULL;
    p->at = end + 1;
    strip_parentheses(p, &from, &to);
    return spelled(p, from, to, SPELL_EXPRESSION);
}

/* [ON CONFLICT action]: in capitals, or nothing. */
static bool take_conflict(struct parser *p, struct buf *out)
{
    static const char *const actions[] = {"ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"};
    if (!sees(p, 0, "ON") || !sees(p, 1, "CONFLICT"))
        return true;
    p->at += 2;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (take(p, actions[i])) {
            buf_addf(out, " ON CONFLICT %s", actions[i]);
            return true;
        }
    return false;
}

/* ---- constraints ---- */

static struct sqlite_text_constraint begin_constraint(struct parser *p, enum sqlite_constraint_kind kind, size_t column)
{
    struct sqlite_text_constraint c = {.kind = kind, .name = p->name, .column = column};
    p->name = NULL;
    p->last_key = 0;
    if (column != SIZE_MAX && kind != SQLITE_CHECK)
        vec_push(p->arena, &c.columns, sqlite_text_lower(p->arena, p->out->columns.v[column].name));
    return c;
}

static void add_names(struct buf *out, const struct strings *names)
{
    buf_addc(out, '(');
    for (size_t i = 0; i < names->n; i++) {
        buf_addz(out, i ? ", " : "");
        sqlite_text_quote(out, names->v[i]);
    }
    buf_addc(out, ')');
}

static void end_constraint(struct parser *p, struct sqlite_text_constraint *c, const char *brief, const char *rest)
{
    c->brief = arena_strdup(p->arena, brief);
    c->definition = arena_printf(p->arena, "%s%s", brief, rest ? rest : "");
    vec_push(p->arena, &p->out->constraints, *c);
}

/* "(" column, column … ")" in lower case. */
static bool take_columns(struct parser *p, struct strings *out)
{
    if (!take_symbol(p, "("))
        return false;
    do {
        const char *name = take_name(p);
        if (!name)
            return false;
        vec_push(p->arena, out, sqlite_text_lower(p->arena, name));
        if (take(p, "COLLATE") && !take_name(p))
            return false;
        if (!take(p, "ASC"))
            take(p, "DESC");
    } while (take_symbol(p, ","));
    return take_symbol(p, ")");
}

/* One item of a key's list: name [COLLATE c] [ASC | DESC]. */
static bool take_key_item(struct parser *p, struct sqlite_text_constraint *c, struct buf *brief)
{
    const char *name = take_name(p);
    if (!name)
        return false;
    vec_push(p->arena, &c->columns, sqlite_text_lower(p->arena, name));
    sqlite_text_quote(brief, c->columns.v[c->columns.n - 1]);
    if (take(p, "COLLATE")) {
        const char *collation = take_name(p);
        if (!collation)
            return false;
        buf_addz(brief, " COLLATE ");
        sqlite_text_quote(brief, sqlite_text_lower(p->arena, collation));
    }
    if (!take(p, "ASC") && take(p, "DESC"))
        buf_addz(brief, " DESC");
    if (sees(p, 0, "NULLS"))
        return false;
    if (c->kind == SQLITE_PRIMARY_KEY && take(p, "AUTOINCREMENT"))
        c->autoincrement = true;
    return true;
}

static bool take_table_key(struct parser *p, enum sqlite_constraint_kind kind)
{
    BUF_AUTO brief = {0}, rest = {0};
    struct sqlite_text_constraint c = begin_constraint(p, kind, SIZE_MAX);
    buf_addz(&brief, kind == SQLITE_UNIQUE ? "UNIQUE (" : "PRIMARY KEY (");
    if (!take_symbol(p, "("))
        return false;
    for (bool more = false; !more || take_symbol(p, ","); more = true) {
        buf_addz(&brief, more ? ", " : "");
        if (!take_key_item(p, &c, &brief))
            return false;
    }
    if (!take_symbol(p, ")"))
        return false;
    buf_addc(&brief, ')');
    buf_addz(&rest, c.autoincrement ? " AUTOINCREMENT" : "");
    if (!take_conflict(p, &rest))
        return false;
    c.is_plain_key = c.columns.n == 1;
    end_constraint(p, &c, brief.p, rest.p);
    return true;
}

/* Of an inline one the direction counts; of one of the table, of a single INTEGER column, it does not (see finish_key). */
static bool take_column_key(struct parser *p, enum sqlite_constraint_kind kind, size_t column)
{
    BUF_AUTO brief = {0}, rest = {0};
    struct sqlite_text_constraint c = begin_constraint(p, kind, column);
    bool descending = kind == SQLITE_PRIMARY_KEY && !take(p, "ASC") && take(p, "DESC");
    buf_addz(&brief, kind == SQLITE_UNIQUE ? "UNIQUE (" : "PRIMARY KEY (");
    sqlite_text_quote(&brief, c.columns.v[0]);
    buf_addz(&brief, descending ? " DESC)" : ")");
    if (!take_conflict(p, &rest))
        return false;
    if (kind == SQLITE_PRIMARY_KEY) {
        c.autoincrement = take(p, "AUTOINCREMENT");
        c.is_plain_key = !descending;
        p->out->columns.v[column].is_primary_key = true;
    }
    end_constraint(p, &c, brief.p,
                   arena_printf(p->arena, "%s%s", c.autoincrement ? " AUTOINCREMENT" : "", rest.p ? rest.p : ""));
    return true;
}

static bool take_check(struct parser *p, size_t column)
{
    BUF_AUTO ignored = {0};
    struct sqlite_text_constraint c = begin_constraint(p, SQLITE_CHECK, column);
    const char *expression = take_expression(p);
    if (!expression || !take_conflict(p, &ignored))
        return false;
    end_constraint(p, &c, arena_printf(p->arena, "CHECK (%s)", expression), ignored.p);
    return true;
}

/* What to do on DELETE or UPDATE: in capitals; "" is NO ACTION; NULL: not understood. */
static const char *take_action(struct parser *p)
{
    if (take(p, "NO"))
        return take(p, "ACTION") ? "" : NULL;
    if (take(p, "SET"))
        return take(p, "NULL") ? "SET NULL" : take(p, "DEFAULT") ? "SET DEFAULT" : NULL;
    return take(p, "CASCADE") ? "CASCADE" : take(p, "RESTRICT") ? "RESTRICT" : NULL;
}

static bool take_actions(struct parser *p, struct buf *rest)
{
    const char *on_delete = "", *on_update = "", *match = NULL;
    for (;;) {
        if (sees(p, 0, "ON") && (sees(p, 1, "INSERT") || sees(p, 1, "DELETE") || sees(p, 1, "UPDATE"))) {
            bool deletes = sees(p, 1, "DELETE"), updates = sees(p, 1, "UPDATE");
            p->at += 2;
            const char *action = take_action(p);
            if (!action)
                return false;
            on_delete = deletes ? action : on_delete;
            on_update = updates ? action : on_update;
        } else if (take(p, "MATCH")) {
            if (!(match = take_name(p)))
                return false;
        } else {
            break;
        }
    }
    if (*on_delete)
        buf_addf(rest, " ON DELETE %s", on_delete);
    if (*on_update)
        buf_addf(rest, " ON UPDATE %s", on_update);
    if (match)
        buf_addf(rest, " MATCH %s", sqlite_text_lower(p->arena, match));
    return true;
}

/* [NOT] DEFERRABLE [INITIALLY …]; `understood` says whether what was there was. */
static bool take_deferrable(struct parser *p, struct buf *rest, bool *understood)
{
    bool not = sees(p, 0, "NOT");
    *understood = true;
    if (!sees(p, not, "DEFERRABLE"))
        return false;
    p->at += 1 + not ;
    buf_addz(rest, not ? " NOT DEFERRABLE" : " DEFERRABLE");
    if (take(p, "INITIALLY")) {
        if (take(p, "DEFERRED"))
            buf_addz(rest, " INITIALLY DEFERRED");
        else
            *understood = take(p, "IMMEDIATE");
    }
    return true;
}

/* Behind REFERENCES. */
static bool take_reference(struct parser *p, struct sqlite_text_constraint *c)
{
    BUF_AUTO brief = {0}, rest = {0};
    struct strings to = {0};
    bool understood;
    c->parent = take_name(p);
    if (!c->parent || (sees_symbol(p, 0, "(") && !take_columns(p, &to)))
        return false;
    buf_addz(&brief, "FOREIGN KEY ");
    add_names(&brief, &c->columns);
    buf_addz(&rest, " REFERENCES ");
    sqlite_text_quote(&rest, sqlite_text_lower(p->arena, c->parent));
    c->parent_end = to.n ? 0 : brief.n + rest.n;
    if (to.n) {
        buf_addc(&rest, ' ');
        add_names(&rest, &to);
    }
    if (!take_actions(p, &rest))
        return false;
    take_deferrable(p, &rest, &understood);
    end_constraint(p, c, brief.p, rest.p);
    p->last_key = p->out->constraints.n;
    return understood;
}

/* SQLite refuses every row of a key that is not as wide as its parent's: such a one stays as it is. */
void sqlite_text_say_parent_key(struct arena *a, struct sqlite_text_constraint *c, const struct strings *key)
{
    BUF_AUTO columns = {0};
    if (!c->parent_end || key->n != c->columns.n)
        return;
    add_names(&columns, key);
    c->definition = arena_printf(a, "%.*s %s%s", (int)c->parent_end, c->definition, columns.p,
                                 c->definition + c->parent_end);
    c->parent_end = 0;
}

static bool take_foreign_key(struct parser *p)
{
    struct sqlite_text_constraint c = begin_constraint(p, SQLITE_FOREIGN_KEY, SIZE_MAX);
    return take(p, "KEY") && take_columns(p, &c.columns) && take(p, "REFERENCES") && take_reference(p, &c);
}

static bool take_inline_reference(struct parser *p, size_t column)
{
    struct sqlite_text_constraint c = begin_constraint(p, SQLITE_FOREIGN_KEY, column);
    return take_reference(p, &c);
}

/* ---- columns ---- */

/* A word that ends a type. */
static bool ends_type(const struct parser *p)
{
    static const char *const words[] = {"CONSTRAINT", "PRIMARY", "NOT",        "NULL", "UNIQUE",    "CHECK",
                                        "DEFAULT",    "COLLATE", "REFERENCES", "AS",   "DEFERRABLE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sees(p, 0, words[i]))
            return true;
    return sees(p, 0, "GENERATED") && sees(p, 1, "ALWAYS");
}

static void upper_in_place(char *p)
{
    for (; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - ('a' - 'A'));
}

/* Words, then [ "(" number [ "," number ] ")" ]. */
static bool take_type(struct parser *p, struct sqlite_text_column *column)
{
    BUF_AUTO out = {0};
    const struct token *t;
    while ((t = peek(p, 0)) && is_identifier(t) && !t->open && !ends_type(p)) {
        buf_addz(&out, out.n ? " " : "");
        buf_addz(&out, take_name(p));
    }
    if (out.n && sees_symbol(p, 0, "(")) {
        size_t from = p->at, end = closing(p, from + 1);
        if (end == SIZE_MAX)
            return false;
        p->at = end + 1;
        spell_all(&out, p->arena, p->text, p->tokens.v + from, p->at - from, SPELL_EXPRESSION, NULL);
    }
    if (!out.n)
        return true;
    char *type = arena_str(p->arena, buf_str(&out));
    upper_in_place(type);
    column->type = type;
    return true;
}

/* A literal, with a sign or without. */
static bool is_constant(const struct parser *p, size_t from, size_t to)
{
    const struct token *t = &p->tokens.v[from];
    if (to - from == 2 && (token_is_symbol(p->text, t, "-") || token_is_symbol(p->text, t, "+")))
        return t[1].kind == TOKEN_NUMBER;
    if (to - from != 1)
        return false;
    return t->kind == TOKEN_NUMBER || t->kind == TOKEN_STRING || token_is_word(p->text, t, "NULL") ||
           token_is_word(p->text, t, "TRUE") || token_is_word(p->text, t, "FALSE");
}

static bool take_default(struct parser *p, struct sqlite_text_column *column)
{
    size_t from = p->at, to;
    bool grouped = sees_symbol(p, 0, "(");
    if (grouped) {
        size_t end = closing(p, from + 1);
        if (end == SIZE_MAX || end == from + 1)
            return false;
        to = p->at = end + 1;
        strip_parentheses(p, &from, &to);
    } else {
        bool sign = sees_symbol(p, 0, "-") || sees_symbol(p, 0, "+");
        const struct token *t = peek(p, sign);
        if (!t || t->kind == TOKEN_SYMBOL || t->kind == TOKEN_COMMENT)
            return false;
        to = p->at = from + sign + 1;
    }
    column->default_value = spelled(p, from, to, grouped ? SPELL_EXPRESSION : SPELL_DEFAULT);
    const struct token *t = &p->tokens.v[from];
    bool named = !grouped && to - from == 1 && (t->kind == TOKEN_NAME || t->kind == TOKEN_WORD) &&
                 !token_is_word(p->text, t, "CURRENT_DATE") && !token_is_word(p->text, t, "CURRENT_TIME") &&
                 !token_is_word(p->text, t, "CURRENT_TIMESTAMP");
    column->is_constant = named || is_constant(p, from, to);
    column->is_null = to - from == 1 && token_is_word(p->text, t, "NULL");
    return true;
}

static bool take_not_null(struct parser *p, struct sqlite_text_column *column)
{
    BUF_AUTO out = {0};
    if (p->name) {
        buf_addz(&out, "CONSTRAINT ");
        sqlite_text_quote(&out, sqlite_text_lower(p->arena, p->name));
        buf_addc(&out, ' ');
    }
    p->name = NULL;
    buf_addz(&out, "NOT NULL");
    if (!take_conflict(p, &out))
        return false;
    column->not_null = arena_str(p->arena, buf_str(&out));
    return true;
}

static bool take_generated(struct parser *p, struct sqlite_text_column *column)
{
    const char *expression = take_expression(p);
    if (!expression)
        return false;
    bool stored = take(p, "STORED");
    if (!stored)
        take(p, "VIRTUAL");
    column->generated = arena_printf(p->arena, "(%s)%s", expression, stored ? " STORED" : "");
    return true;
}

static bool take_late_deferrable(struct parser *p)
{
    BUF_AUTO rest = {0};
    bool understood;
    if (!p->last_key || !take_deferrable(p, &rest, &understood))
        return false;
    struct sqlite_text_constraint *key = &p->out->constraints.v[p->last_key - 1];
    key->definition = arena_printf(p->arena, "%s%s", key->definition, rest.p);
    return understood;
}

static bool take_column_constraint(struct parser *p, size_t i)
{
    struct sqlite_text_column *column = &p->out->columns.v[i];
    BUF_AUTO ignored = {0};
    if (take(p, "CONSTRAINT"))
        return (p->name = take_name(p)) != NULL;
    if (take(p, "DEFAULT"))
        return take_default(p, column);
    if (take(p, "NULL"))
        return take_conflict(p, &ignored);
    if (sees(p, 0, "NOT") && sees(p, 1, "NULL"))
        return p->at += 2, take_not_null(p, column);
    if (take(p, "PRIMARY"))
        return take(p, "KEY") && take_column_key(p, SQLITE_PRIMARY_KEY, i);
    if (take(p, "UNIQUE"))
        return take_column_key(p, SQLITE_UNIQUE, i);
    if (take(p, "CHECK"))
        return take_check(p, i);
    if (take(p, "REFERENCES"))
        return take_inline_reference(p, i);
    if (take(p, "COLLATE")) {
        const char *name = take_name(p);
        column->collation = name ? sqlite_text_lower(p->arena, name) : NULL;
        return name;
    }
    if (take(p, "GENERATED"))
        return take(p, "ALWAYS") && take(p, "AS") && take_generated(p, column);
    if (take(p, "AS"))
        return take_generated(p, column);
    return take_late_deferrable(p);
}

static bool at_item_end(const struct parser *p)
{
    return sees_symbol(p, 0, ",") || sees_symbol(p, 0, ")");
}

static bool take_column(struct parser *p)
{
    struct sqlite_text_column column = {.is_null = true};
    const struct token *first = peek(p, 0);
    size_t i = p->out->columns.n;
    column.name = take_name(p);
    p->name = NULL;
    p->last_key = 0;
    if (!column.name || !take_type(p, &column))
        return false;
    vec_push(p->arena, &p->out->columns, column);
    while (!at_item_end(p))
        if (!peek(p, 0) || !take_column_constraint(p, i))
            return false;
    const struct token *last = &p->tokens.v[p->at - 1];
    p->out->columns.v[i].span = str_slice(p->text, first->offset, last->offset + last->length);
    return true;
}

/* ---- the table ---- */

static bool at_table_constraint(const struct parser *p)
{
    static const char *const words[] = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sees(p, 0, words[i]))
            return true;
    return false;
}

static bool take_table_constraint(struct parser *p)
{
    if (take(p, "CONSTRAINT"))
        return (p->name = take_name(p)) != NULL;
    if (take(p, "PRIMARY"))
        return take(p, "KEY") && take_table_key(p, SQLITE_PRIMARY_KEY);
    if (take(p, "UNIQUE"))
        return take_table_key(p, SQLITE_UNIQUE);
    if (take(p, "CHECK"))
        return take_check(p, SIZE_MAX);
    return take(p, "FOREIGN") && take_foreign_key(p);
}

/* Constraints of the table follow one another with commas or without. */
static bool take_item(struct parser *p)
{
    if (!at_table_constraint(p))
        return take_column(p);
    p->name = NULL;
    while (!at_item_end(p))
        if (!at_table_constraint(p) || !take_table_constraint(p))
            return false;
    return true;
}

static bool take_options(struct parser *p)
{
    bool first = true;
    while (peek(p, 0)) {
        if (!first && !take_symbol(p, ","))
            return false;
        first = false;
        if (take(p, "STRICT"))
            p->out->strict = true;
        else if (take(p, "WITHOUT") && take(p, "ROWID"))
            p->out->without_rowid = true;
        else
            return false;
    }
    return true;
}

/* CREATE TABLE [IF NOT EXISTS] [schema.] name. */
static bool take_head(struct parser *p)
{
    if (!take(p, "CREATE"))
        return false;
    if (!take(p, "TEMP"))
        take(p, "TEMPORARY");
    if (!take(p, "TABLE"))
        return false;
    if (sees(p, 0, "IF") && sees(p, 1, "NOT") && sees(p, 2, "EXISTS"))
        p->at += 3;
    if (sees_symbol(p, 1, "."))
        p->at += 2;
    const struct token *t = peek(p, 0);
    if (!take_name(p))
        return false;
    p->out->name = token_text(p->text, t);
    return true;
}

static const char *type_of(const struct sqlite_text_table *table, const char *column)
{
    for (size_t i = 0; i < table->columns.n; i++)
        if (strcasecmp(table->columns.v[i].name, column) == 0)
            return table->columns.v[i].type;
    return NULL;
}

/*
 * PRIMARY KEY (a DESC) of a single INTEGER column is the rowid's other name, as without DESC; only the inline
 * "a INTEGER PRIMARY KEY DESC" is not: a mistake of SQLite's that it keeps.
 */
static void finish_key(struct parser *p)
{
    for (size_t i = 0; i < p->out->constraints.n; i++) {
        struct sqlite_text_constraint *c = &p->out->constraints.v[i];
        if (c->kind != SQLITE_PRIMARY_KEY || c->columns.n != 1)
            continue;
        const char *type = type_of(p->out, c->columns.v[0]);
        c->is_plain_key = c->is_plain_key && type && strcmp(type, "INTEGER") == 0 && !p->out->without_rowid;
        const char *rest = c->definition + strlen(c->brief);
        if (c->is_plain_key && c->column == SIZE_MAX) {
            c->brief = arena_printf(p->arena, "PRIMARY KEY (%s)", sqlite_text_quoted(p->arena, c->columns.v[0]));
            c->definition = arena_printf(p->arena, "%s%s", c->brief, rest);
        }
    }
}

static bool is_same_key(const struct sqlite_text_constraint *unique, const struct sqlite_text_constraint *key)
{
    const char *rest = strchr(unique->definition, '('), *other = strchr(key->definition, '(');
    return (key->kind == SQLITE_UNIQUE || (key->kind == SQLITE_PRIMARY_KEY && !key->is_plain_key)) && rest && other &&
           strcmp(rest, other) == 0;
}

/* A UNIQUE without a name that says what another key says already is nothing to SQLite. */
static void drop_repeated_keys(struct sqlite_text_table *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->constraints.n; i++) {
        bool repeated = false;
        for (size_t k = 0; k < t->constraints.n && !repeated; k++)
            repeated = k != i && t->constraints.v[i].kind == SQLITE_UNIQUE && !t->constraints.v[i].name &&
                       is_same_key(&t->constraints.v[i], &t->constraints.v[k]) &&
                       (k < kept || (k > i && (t->constraints.v[k].name || t->constraints.v[k].kind != SQLITE_UNIQUE)));
        if (!repeated)
            t->constraints.v[kept++] = t->constraints.v[i];
    }
    t->constraints.n = kept;
}

bool sqlite_text_table(struct arena *a, struct str sql, const struct strings *known, struct sqlite_text_table *out)
{
    *out = (struct sqlite_text_table){0};
    struct parser p = {.arena = a, .text = sql, .out = out, .known = known};
    tokenise(&p);
    if (!take_head(&p) || !take_symbol(&p, "("))
        return false;
    for (bool more = false; !more || take_symbol(&p, ","); more = true)
        if (!take_item(&p))
            return false;
    if (!take_symbol(&p, ")") || !take_options(&p) || !out->columns.n)
        return false;
    finish_key(&p);
    drop_repeated_keys(out);
    return true;
}
