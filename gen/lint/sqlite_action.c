/* Reads what a statement does to a table: one function for each first word that matters. */
#include "gen/lint/sqlite_action.h"

#include <strings.h>

#include "schema/sqlite_text.h"
#include "schema/tokens.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct reading {
    struct arena *a;
    struct str text;
    struct lexer l;
    struct token t;
    bool more;
    struct sqlite_action *out;
};

static void advance(struct reading *r)
{
    r->more = token_next(&r->l, &r->t);
}

static bool at_word(const struct reading *r, const char *word)
{
    return r->more && token_is_word(r->text, &r->t, word);
}

static bool at_symbol(const struct reading *r, const char *symbol)
{
    return r->more && token_is_symbol(r->text, &r->t, symbol);
}

static bool skip_word(struct reading *r, const char *word)
{
    if (!at_word(r, word))
        return false;
    advance(r);
    return true;
}

static const char *name(struct reading *r)
{
    bool is_name = r->more && (r->t.kind == TOKEN_WORD || r->t.kind == TOKEN_NAME || r->t.kind == TOKEN_STRING);
    const char *text = is_name ? sqlite_text_unquoted(r->a, token_text(r->text, &r->t)) : "";
    advance(r);
    return text;
}

/* [IF [NOT] EXISTS] [schema .] name */
static void table(struct reading *r)
{
    if (skip_word(r, "IF")) {
        skip_word(r, "NOT");
        skip_word(r, "EXISTS");
    }
    r->out->table = name(r);
    if (!at_symbol(r, "."))
        return;
    r->out->temporary |= strcasecmp(r->out->table, "temp") == 0;
    advance(r);
    r->out->table = name(r);
}

static enum sqlite_action_kind create(struct reading *r)
{
    r->out->temporary = skip_word(r, "TEMP") || skip_word(r, "TEMPORARY");
    skip_word(r, "VIRTUAL");
    if (!skip_word(r, "TABLE"))
        return ACTION_OTHER;
    table(r);
    return ACTION_CREATE_TABLE;
}

static enum sqlite_action_kind drop(struct reading *r)
{
    bool is_table = at_word(r, "TABLE");
    advance(r);
    table(r);
    return is_table ? ACTION_DROP_TABLE : ACTION_DROP_PART;
}

static enum sqlite_action_kind rename_something(struct reading *r)
{
    if (skip_word(r, "TO")) {
        r->out->to = name(r);
        return ACTION_RENAME_TABLE;
    }
    skip_word(r, "COLUMN");
    r->out->column = name(r);
    skip_word(r, "TO");
    r->out->to = name(r);
    return ACTION_RENAME_COLUMN;
}

static enum sqlite_action_kind alter(struct reading *r)
{
    skip_word(r, "TABLE");
    table(r);
    if (skip_word(r, "RENAME"))
        return rename_something(r);
    if (!skip_word(r, "DROP"))
        return ACTION_OTHER;
    skip_word(r, "COLUMN");
    r->out->column = name(r);
    return ACTION_DROP_COLUMN;
}

static void conflict(struct reading *r)
{
    if (!skip_word(r, "OR"))
        return;
    r->out->replaces = at_word(r, "REPLACE");
    advance(r);
}

static enum sqlite_action_kind insert(struct reading *r)
{
    conflict(r);
    skip_word(r, "INTO");
    table(r);
    return ACTION_INSERT;
}

static enum sqlite_action_kind replace(struct reading *r)
{
    r->out->replaces = true;
    return insert(r);
}

/* A WHERE of the statement itself, not of a query in it. */
static bool has_where(struct reading *r)
{
    size_t depth = 0;
    for (; r->more; advance(r)) {
        if (!depth && at_word(r, "WHERE"))
            return true;
        if (at_symbol(r, "("))
            depth++;
        else if (at_symbol(r, ")") && depth)
            depth--;
    }
    return false;
}

static enum sqlite_action_kind update(struct reading *r)
{
    conflict(r);
    table(r);
    r->out->where = has_where(r);
    return ACTION_UPDATE;
}

static enum sqlite_action_kind delete (struct reading *r) {
    skip_word(r, "FROM"); table(r); r->out->where = has_where(r); return ACTION_DELETE;
}

static const struct verb {
    const char *word;
    enum sqlite_action_kind (*read)(struct reading *r);
    bool after_with;
} verbs[] = {
    {"CREATE", create, false},  {"DROP", drop, false},    {"ALTER", alter, false},  {"INSERT", insert, true},
    {"REPLACE", replace, true}, {"UPDATE", update, true}, {"DELETE", delete, true},
};

static const struct verb *find_verb(const struct reading *r, bool after_with)
{
    for (size_t i = 0; i < COUNT(verbs); i++)
        if ((verbs[i].after_with || !after_with) && at_word(r, verbs[i].word))
            return &verbs[i];
    return NULL;
}

/* WITH … (SELECT …): what it leads to stands outside of all parentheses. */
static const struct verb *skip_with(struct reading *r)
{
    size_t depth = 0;
    for (; r->more; advance(r)) {
        const struct verb *verb = depth ? NULL : find_verb(r, true);
        if (verb)
            return verb;
        if (at_symbol(r, "("))
            depth++;
        else if (at_symbol(r, ")") && depth)
            depth--;
    }
    return NULL;
}

struct sqlite_action sqlite_action_read(struct arena *a, struct str text)
{
    struct sqlite_action out = {.table = ""};
    struct reading r = {.a = a, .text = text, .l = {.text = text, .dialect = DIALECT_SQLITE}, .out = &out};
    advance(&r);
    const struct verb *verb = at_word(&r, "WITH") ? skip_with(&r) : find_verb(&r, false);
    if (!verb)
        return out;
    advance(&r);
    out.kind = verb->read(&r);
    return out;
}
