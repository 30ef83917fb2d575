/* The grammar of items: CREATE, ALTER TABLE and ALTER TYPE, as far as names and places go. Pure. */
#include "gen/hint_items.h"

#include <glib.h>
#include <string.h>

#include "gen/statements.h"
#include "schema/tokens.h"

#define LONGEST_PG_NAME 63

struct source_items {
    struct arena *arena; /* of names */
    struct arena *scratch;
    const struct text_file *file;
    struct str text;
    enum dialect dialect;
    struct items items;
};

/* The tokens of one statement, and where reading them is. */
struct statement {
    struct source_items *r;
    struct {
        struct token *v;
        size_t n, cap;
    } tokens;
    size_t at;
    size_t top; /* its item */
};

/* ----------------------------------------------------------------------------------------------------------- tokens */

static const struct token *peek(const struct statement *s, size_t ahead)
{
    static const struct token none = {.kind = TOKEN_SYMBOL};
    return s->at + ahead < s->tokens.n ? &s->tokens.v[s->at + ahead] : &none;
}

static bool sees(const struct statement *s, size_t ahead, const char *word)
{
    return token_is_word(s->r->text, peek(s, ahead), word);
}

static bool takes(struct statement *s, const char *word)
{
    bool is = sees(s, 0, word);
    s->at += is;
    return is;
}

static bool is_symbol(const struct statement *s, const char *symbol)
{
    return token_is_symbol(s->r->text, peek(s, 0), symbol);
}

static bool takes_symbol(struct statement *s, const char *symbol)
{
    bool is = is_symbol(s, symbol);
    s->at += is;
    return is;
}

/* Takes all of the words, or none. */
static bool takes_all(struct statement *s, const char *const *words)
{
    size_t n = 0;
    for (; words[n]; n++)
        if (!sees(s, n, words[n]))
            return false;
    s->at += n;
    return true;
}

static void take_existence(struct statement *s)
{
    static const char *const not_exists[] = {"IF", "NOT", "EXISTS", NULL}, *const exists[] = {"IF", "EXISTS", NULL};
    if (!takes_all(s, not_exists))
        takes_all(s, exists);
}

/* As the catalog has it. SQLite keeps what was written, and compares without case. */
static const char *name_of(const struct source_items *r, const struct token *t)
{
    BUF_AUTO name = {0};
    struct str text = token_text(r->text, t);
    char close = text.n && text.p[0] == '[' ? ']' : '"';
    if (t->kind == TOKEN_WORD) {
        for (size_t i = 0; i < text.n; i++)
            buf_addc(&name, r->dialect == DIALECT_POSTGRESQL ? g_ascii_tolower(text.p[i]) : text.p[i]);
    } else {
        size_t from = str_find(text, '"') + 1;
        if (r->dialect == DIALECT_SQLITE) {
            from = 1;
            close = text.p[0] == '[' ? ']' : text.p[0];
        }
        for (size_t i = from; i + 1 < text.n; i++) {
            buf_addc(&name, text.p[i]);
            i += text.p[i] == close && text.p[i + 1] == close;
        }
    }
    size_t n = name.n;
    if (r->dialect == DIALECT_POSTGRESQL && n > LONGEST_PG_NAME)
        for (n = LONGEST_PG_NAME; n && ((unsigned char)name.p[n] & 0xC0) == 0x80; n--)
            ;
    return arena_str(r->arena, (struct str){name.p, n});
}

static bool is_name(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_NAME;
}

/* NAME or SCHEMA.NAME. */
static bool take_name(struct statement *s, const char **schema, const char **name)
{
    *schema = *name = NULL;
    if (!is_name(peek(s, 0)))
        return false;
    *name = name_of(s->r, peek(s, 0));
    s->at++;
    while (is_symbol(s, ".") && is_name(peek(s, 1))) {
        *schema = *name;
        *name = name_of(s->r, peek(s, 1));
        s->at += 2;
    }
    return true;
}

/* Over one token, or over all that is in parentheses. */
static void skip(struct statement *s)
{
    size_t depth = 0;
    do {
        depth += is_symbol(s, "(");
        depth -= depth && is_symbol(s, ")");
        s->at++;
    } while (depth && s->at < s->tokens.n);
}

/* ------------------------------------------------------------------------------------------------------------ items */

static size_t add_item(struct statement *s, size_t start, size_t parent, const char *what, const char *name)
{
    const struct item *top = s->top == NO_ITEM ? NULL : &s->r->items.v[s->top];
    struct item item = {.start = start, .parent = parent, .what = what, .name = name};
    if (top) {
        item.container = top->name;
        item.schema = top->schema;
    }
    vec_push(s->r->scratch, &s->r->items, item);
    return s->r->items.n - 1;
}

static void name_top(struct statement *s, const char *what)
{
    const char *schema, *name;
    take_existence(s);
    takes(s, "ONLY");
    take_name(s, &schema, &name);
    struct item *top = &s->r->items.v[s->top];
    top->what = what;
    top->name = name;
    top->schema = schema;
}

static uint32_t line_at(const struct source_items *r, size_t offset)
{
    return text_position(r->file, offset).line;
}

static const char *const inline_constraint = "constraint";

/* From here to the comma or parenthesis behind it. A constraint on a line of its own is an item inside its column. */
static void read_element_rest(struct statement *s, size_t element)
{
    struct source_items *r = s->r;
    while (s->at < s->tokens.n && !is_symbol(s, ",") && !is_symbol(s, ")")) {
        size_t start = peek(s, 0)->offset;
        if (takes(s, "CONSTRAINT") && is_name(peek(s, 0))) {
            const char *name = name_of(r, peek(s, 0));
            if (line_at(r, start) != line_at(r, r->items.v[element].start)) {
                size_t inner = add_item(s, start, element, inline_constraint, name);
                r->items.v[inner].end = SIZE_MAX;
            }
        } else {
            skip(s);
        }
    }
    takes_symbol(s, ",");
    size_t end = s->at ? peek(s, 0)->offset : 0;
    if (s->at) {
        const struct token *last = &s->tokens.v[(s->at < s->tokens.n ? s->at : s->tokens.n) - 1];
        end = last->offset + last->length;
    }
    for (size_t i = element; i < r->items.n; i++)
        r->items.v[i].end = end;
}

static bool begins_constraint(const struct statement *s)
{
    static const char *const words[] = {"PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE", "LIKE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sees(s, 0, words[i]))
            return true;
    return false;
}

static void read_element(struct statement *s, size_t start, const char *part)
{
    const char *what = part, *name = NULL;
    if (takes(s, "CONSTRAINT"))
        what = "constraint";
    else if (begins_constraint(s))
        what = "constraint without a name";
    if (strcmp(what, "constraint without a name") != 0 && is_name(peek(s, 0))) {
        name = name_of(s->r, peek(s, 0));
        s->at++;
    }
    read_element_rest(s, add_item(s, start, s->top, what, name));
}

/* (ELEMENT, …) of CREATE TABLE and CREATE TYPE … AS. */
static void read_elements(struct statement *s, const char *part)
{
    if (!takes_symbol(s, "("))
        return;
    while (s->at < s->tokens.n && !is_symbol(s, ")"))
        read_element(s, peek(s, 0)->offset, part);
}

static const char *label_of(const struct source_items *r, const struct token *t)
{
    BUF_AUTO label = {0};
    bool raw;
    struct str text = token_content(r->text, t, &raw);
    for (size_t i = 0; i < text.n; i++) {
        buf_addc(&label, text.p[i]);
        i += text.p[i] == '\'' && i + 1 < text.n && text.p[i + 1] == '\'';
    }
    return arena_str(r->arena, buf_str(&label));
}

static void read_labels(struct statement *s)
{
    if (!takes_symbol(s, "("))
        return;
    while (s->at < s->tokens.n && !is_symbol(s, ")")) {
        const struct token *t = peek(s, 0);
        const char *label = t->kind == TOKEN_STRING ? label_of(s->r, t) : NULL;
        read_element_rest(s, add_item(s, t->offset, s->top, "enum label", label));
    }
}

static void read_table(struct statement *s, const char *what)
{
    name_top(s, what);
    read_elements(s, "column");
}

static void read_type(struct statement *s)
{
    name_top(s, "type");
    if (!takes(s, "AS"))
        return;
    if (takes(s, "ENUM"))
        read_labels(s);
    else if (is_symbol(s, "("))
        read_elements(s, "attribute");
}

/* A constraint of a domain, when it stands on a line of its own. */
static void read_domain(struct statement *s)
{
    name_top(s, "domain");
    read_element_rest(s, s->top);
}

/* NAME … ON TABLE: the container is the table, and so is the schema. */
static void read_on_table(struct statement *s, const char *what, const char *before_table)
{
    const char *schema, *table;
    name_top(s, what);
    while (s->at < s->tokens.n && !sees(s, 0, before_table))
        skip(s);
    s->at++;
    takes(s, "ONLY");
    if (!take_name(s, &schema, &table))
        return;
    s->r->items.v[s->top].container = table;
    s->r->items.v[s->top].schema = schema;
}

/* CREATE INDEX ON table: it has no name of ours. */
static void read_index(struct statement *s)
{
    takes(s, "CONCURRENTLY");
    take_existence(s);
    if (sees(s, 0, "ON")) {
        s->r->items.v[s->top].what = "index";
        return;
    }
    read_on_table(s, "index", "ON");
}

static void read_create(struct statement *s)
{
    static const char *const noise[] = {"OR",        "REPLACE",  "GLOBAL", "LOCAL",     "TEMP",
                                        "TEMPORARY", "UNLOGGED", "UNIQUE", "RECURSIVE", "TRUSTED"};
    static const struct {
        const char *word, *what;
    } named[] = {{"VIEW", "view"},
                 {"FUNCTION", "function"},
                 {"PROCEDURE", "function"},
                 {"AGGREGATE", "aggregate"},
                 {"SEQUENCE", "sequence"},
                 {"SCHEMA", "schema"},
                 {"STATISTICS", "statistics"},
                 {"COLLATION", "collation"},
                 {"PUBLICATION", "publication"},
                 {"SUBSCRIPTION", "subscription"},
                 {"SERVER", "server"}};
    for (size_t i = 0; i < sizeof noise / sizeof *noise;)
        i = takes(s, noise[i]) ? 0 : i + 1;
    bool foreign = takes(s, "FOREIGN"), materialized = takes(s, "MATERIALIZED"), event = takes(s, "EVENT");
    takes(s, "CONSTRAINT");
    if (takes(s, "TABLE"))
        read_table(s, foreign ? "foreign table" : "table");
    else if (takes(s, "TYPE"))
        read_type(s);
    else if (takes(s, "DOMAIN"))
        read_domain(s);
    else if (takes(s, "INDEX"))
        read_index(s);
    else if (takes(s, "TRIGGER"))
        event ? name_top(s, "event trigger") : read_on_table(s, "trigger", "ON");
    else if (takes(s, "POLICY"))
        read_on_table(s, "policy", "ON");
    else if (takes(s, "RULE"))
        read_on_table(s, "rule", "TO");
    else
        for (size_t i = 0; i < sizeof named / sizeof *named; i++)
            if (takes(s, named[i].word)) {
                name_top(s, materialized ? "materialized view" : named[i].what);
                break;
            }
}

/* ADD CONSTRAINT, ADD COLUMN: the first of them begins where the statement does. */
static void read_alter_table(struct statement *s)
{
    size_t start = s->r->items.v[s->top].start;
    name_top(s, NULL);
    while (s->at < s->tokens.n) {
        start = start == SIZE_MAX ? peek(s, 0)->offset : start;
        if (takes(s, "ADD")) {
            takes(s, "COLUMN");
            take_existence(s);
            read_element(s, start, "column");
        } else {
            while (s->at < s->tokens.n && !is_symbol(s, ","))
                skip(s);
            s->at++;
        }
        start = SIZE_MAX;
    }
}

/* ADD VALUE 'label'. */
static void read_alter_type(struct statement *s)
{
    static const char *const add_value[] = {"ADD", "VALUE", NULL};
    size_t start = s->r->items.v[s->top].start;
    name_top(s, NULL);
    if (!takes_all(s, add_value))
        return;
    take_existence(s);
    if (peek(s, 0)->kind == TOKEN_STRING)
        read_element_rest(s, add_item(s, start, s->top, "enum label", label_of(s->r, peek(s, 0))));
}

static void read_statement(struct source_items *r, const struct span *cut)
{
    struct statement s = {.r = r, .top = NO_ITEM};
    struct lexer l = {.text = str_slice(r->text, 0, cut->next), .dialect = r->dialect, .at = cut->offset};
    for (struct token t; token_next(&l, &t);)
        vec_push(r->scratch, &s.tokens, t);
    s.top = add_item(&s, cut->offset, NO_ITEM, NULL, NULL);
    if (takes(&s, "CREATE")) {
        read_create(&s);
    } else if (takes(&s, "ALTER")) {
        if (takes(&s, "TABLE") || (takes(&s, "FOREIGN") && takes(&s, "TABLE")))
            read_alter_table(&s);
        else if (takes(&s, "TYPE"))
            read_alter_type(&s);
    }
    r->items.v[s.top].end = cut->next;
}

void hint_items_read(struct arena *names, struct arena *scratch, const struct text_file *file, enum dialect dialect,
                     struct items *out)
{
    struct source_items r = {.arena = names, .scratch = scratch, .file = file, .text = file->bytes, .dialect = dialect};
    struct span cut;
    for (size_t at = 0; statement_next(r.text, dialect, at, &cut); at = cut.next)
        read_statement(&r, &cut);
    *out = r.items;
}
