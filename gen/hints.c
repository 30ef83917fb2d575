/*
 * Hints in comments: reads the comments between the tokens of a file, and finds each the item that it belongs to. Judges
 * no SQL; whether a hint fits what is in the databases is said elsewhere.
 */
#include "gen/hints.h"

#include <glib.h>
#include <string.h>

#include "gen/hint_items.h"
#include "schema/tokens.h"

#define LONGEST_WORDS 32 /* in front of the colon: more is prose */

struct reader {
    struct findings *out;
    struct arena *arena;
    const struct text_file *file;
    struct str text;
    enum dialect dialect;
    struct arena scratch;
    struct items items;
    GHashTable *sources; /* old names that were said */
    struct hints *hints;
};

static bool is_name(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_NAME;
}

/* ------------------------------------------------------------------------------------------------- whose a hint is */

/* The last item that begins before `offset`; NO_ITEM. */
static size_t item_before(const struct reader *r, size_t offset)
{
    size_t low = 0, high = r->items.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->items.v[middle].start < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : NO_ITEM;
}

static size_t top_of(const struct reader *r, size_t item)
{
    while (r->items.v[item].parent != NO_ITEM)
        item = r->items.v[item].parent;
    return item;
}

/* A statement that is no item itself stands for the one that it holds. */
static size_t item_of(const struct reader *r, size_t item)
{
    if (item != NO_ITEM && !r->items.v[item].what && item + 1 < r->items.n && r->items.v[item + 1].parent == item)
        return item + 1;
    return item;
}

struct comment {
    size_t offset;
    struct str text;     /* between its marks, trimmed */
    struct token before; /* the token in front of it; length 0: none */
    size_t line_start;
};

static size_t owner_beside(const struct reader *r, const struct comment *c)
{
    size_t last = item_before(r, c->offset);
    if (last == NO_ITEM)
        return NO_ITEM;
    if (token_is_symbol(r->text, &c->before, ";"))
        return item_of(r, top_of(r, last));
    if (r->items.v[last].start >= c->line_start)
        return item_of(r, last);
    while (r->items.v[last].end <= c->before.offset && r->items.v[last].parent != NO_ITEM)
        last = r->items.v[last].parent;
    return item_of(r, last);
}

/* What follows; but a comment inside a statement belongs to nothing outside of it. */
static size_t owner_below(const struct reader *r, const struct comment *c)
{
    size_t last = item_before(r, c->offset), next = last == NO_ITEM ? 0 : last + 1;
    if (next >= r->items.n)
        return NO_ITEM;
    if (last != NO_ITEM) {
        const struct item *top = &r->items.v[top_of(r, last)];
        if (c->offset < top->end && r->items.v[next].start >= top->end)
            return NO_ITEM;
    }
    return item_of(r, next);
}

static size_t owner_of(const struct reader *r, const struct comment *c)
{
    bool alone = c->before.offset + c->before.length <= c->line_start;
    return alone ? owner_below(r, c) : owner_beside(r, c);
}

/* ---------------------------------------------------------------------------------------------------------- reading */

static const struct {
    const char *words, *form;
    unsigned near; /* how many letters off are a slip rather than another word */
} forms[] = {
    [HINT_RENAMED_FROM] = {"renamed from", "-- renamed from: OLD_NAME", 3},
    [HINT_USING] = {"using", "-- using: EXPRESSION", 1},
    [HINT_BACKFILL] = {"backfill", "-- backfill: EXPRESSION", 2},
};

/* The words in front of the colon, in small letters, with one blank between them. False: prose. */
static bool take_words(struct str text, struct buf *words, size_t *colon)
{
    for (size_t i = 0; i < text.n && i < LONGEST_WORDS; i++) {
        char c = text.p[i];
        if (c == ':' || c == '=') {
            *colon = i;
            while (words->n && words->p[words->n - 1] == ' ')
                words->p[--words->n] = '\0';
            return words->n;
        }
        if (c == ' ' || c == '\t' || c == '_' || c == '-') {
            if (words->n && words->p[words->n - 1] != ' ')
                buf_addc(words, ' ');
        } else if (g_ascii_isalpha(c)) {
            buf_addc(words, g_ascii_tolower(c));
        } else if (c != '@') {
            return false;
        }
    }
    return false;
}

static void report(const struct reader *r, const struct comment *c, const char *rule, const char *message,
                   const char *hint)
{
    struct finding *found = finding_add(r->out, rule, r->file, c->offset, "%s", message);
    if (hint)
        err_hint(&found->err, "%s", hint);
}

/* "renamed from old" and nothing more: the colon was forgotten. */
static bool lacks_colon(const struct reader *r, struct str text)
{
    static const char words[] = "renamed from ";
    size_t n = sizeof words - 1;
    if (text.n <= n || strncasecmp(text.p, words, n) != 0)
        return false;
    struct lexer l = {.text = str_slice(text, n, text.n), .dialect = r->dialect};
    struct token t;
    return token_next(&l, &t) && is_name(&t) && !token_next(&l, &t);
}

/* An old name: NAME, SCHEMA.NAME, of a function with its parameters; of a label in any quotes or none. */
static bool is_old_name(const struct reader *r, struct str text, const char *what)
{
    struct lexer l = {.text = text, .dialect = r->dialect};
    struct token t;
    bool wants_name = true;
    if (strcmp(what, "enum label") == 0)
        return text.n > 0;
    while (token_next(&l, &t)) {
        if (t.open)
            return false;
        if (!wants_name && token_is_symbol(text, &t, "("))
            return strcmp(what, "function") == 0 || strcmp(what, "aggregate") == 0;
        if (wants_name ? !is_name(&t) : !token_is_symbol(text, &t, "."))
            return false;
        wants_name = !wants_name;
    }
    return !wants_name;
}

/* Whole, as far as tokens tell: nothing open, nothing behind it. */
static bool is_expression(const struct reader *r, struct str text)
{
    struct lexer l = {.text = text, .dialect = r->dialect};
    size_t depth = 0;
    for (struct token t; token_next(&l, &t);) {
        bool closes = token_is_symbol(text, &t, ")");
        if (t.open || token_is_symbol(text, &t, ";") || (closes && !depth))
            return false;
        depth += token_is_symbol(text, &t, "(");
        depth -= closes;
    }
    return text.n && !depth;
}

static bool check_text(const struct reader *r, const struct comment *c, enum hint_kind kind, struct str text,
                       const struct item *item)
{
    BUF_AUTO message = {0};
    if (kind == HINT_RENAMED_FROM && is_old_name(r, text, item->what))
        return true;
    if (kind != HINT_RENAMED_FROM && is_expression(r, text))
        return true;
    buf_addf(&message, "\"%s:\" wants %s", forms[kind].words, kind == HINT_RENAMED_FROM ? "a name" : "an expression");
    report(r, c, "hint", message.p, forms[kind].form);
    return false;
}

/* Said once: neither may an item have two of a kind, nor two items one past. */
static bool is_first(const struct reader *r, const struct comment *c, const struct hint *h)
{
    BUF_AUTO item = {0};
    BUF_AUTO source = {0};
    buf_addf(&item, "%d\n%s\n%s\n%s\n%s", (int)h->kind, h->item, h->schema ? h->schema : "",
             h->container ? h->container : "", h->name);
    buf_addf(&source, "from\n%s\n%s\n%s\n%s", h->item, h->schema ? h->schema : "", h->container ? h->container : "",
             h->text);
    if (!g_hash_table_add(r->sources, g_strdup(item.p))) {
        report(r, c, "hint", "a second hint of this kind for the same item", "keep one of them");
        return false;
    }
    if (h->kind == HINT_RENAMED_FROM && !g_hash_table_add(r->sources, g_strdup(source.p))) {
        report(r, c, "hint", "two items cannot be renamed from the same one", "one of them is new");
        return false;
    }
    return true;
}

static void take_hint(struct reader *r, const struct comment *c, enum hint_kind kind, struct str text)
{
    size_t owner = owner_of(r, c);
    const struct item *item = owner == NO_ITEM ? NULL : &r->items.v[owner];
    if (!item || !item->what || !item->name) {
        report(r, c, "hint",
               item && item->what ? "a hint for something without a name" : "a hint that belongs to nothing",
               "write it on the line of the item, or on a line of its own above it");
        return;
    }
    if (kind != HINT_RENAMED_FROM && strcmp(item->what, "column") != 0) {
        struct finding *found = finding_add(r->out, "hint", r->file, c->offset,
                                            "\"%s:\" belongs to a column, not to %s %s", forms[kind].words, item->what,
                                            item->name);
        err_hint(&found->err, "write it on the line of the column, or on a line of its own above it");
        return;
    }
    struct hint h = {
        .kind = kind,
        .text = arena_str(r->arena, text),
        .offset = (uint32_t)c->offset,
        .item = item->what,
        .name = item->name,
        .container = item->container,
        .schema = item->schema,
    };
    if (check_text(r, c, kind, text, item) && is_first(r, c, &h))
        vec_push(r->arena, &r->hints->list, h);
}

static void read_comment(struct reader *r, const struct comment *c)
{
    BUF_AUTO words = {0};
    size_t colon = 0;
    if (lacks_colon(r, c->text)) {
        report(r, c, "hint", "\"renamed from\" without its colon", forms[HINT_RENAMED_FROM].form);
        return;
    }
    if (!take_words(c->text, &words, &colon))
        return;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        unsigned distance = str_distance(buf_str(&words), str_from(forms[i].words));
        bool exact = distance == 0 && c->text.p[colon] == ':' && !memchr(c->text.p, '@', colon) &&
                     !memchr(c->text.p, '_', colon);
        if (exact) {
            take_hint(r, c, (enum hint_kind)i, str_trim(str_slice(c->text, colon + 1, c->text.n)));
        } else if (distance <= forms[i].near && words.n > 3) {
            struct finding *found = finding_add(r->out, "hint", r->file, c->offset, "\"%.*s\" is no hint",
                                                STR_ARG(str_slice(c->text, 0, colon + 1)));
            err_hint(&found->err, "did you mean \"%s\"?", forms[i].form);
        } else {
            continue;
        }
        return;
    }
}

/* The end of the block comment at `from`, behind its mark; PostgreSQL's nest. */
static size_t block_end(const struct reader *r, size_t from, size_t to)
{
    size_t depth = 0;
    for (size_t i = from; i + 1 < to; i++) {
        bool opens = r->text.p[i] == '/' && r->text.p[i + 1] == '*';
        bool closes = r->text.p[i] == '*' && r->text.p[i + 1] == '/';
        if (opens && (!depth || r->dialect == DIALECT_POSTGRESQL)) {
            depth++;
            i++;
        } else if (closes && depth && --depth == 0) {
            return i + 2;
        } else if (closes) {
            i++;
        }
    }
    return to;
}

/* The comments between two tokens. */
static void read_gap(struct reader *r, const struct token *before, size_t from, size_t to)
{
    for (size_t i = from; i + 1 < to;) {
        bool line = r->text.p[i] == '-' && r->text.p[i + 1] == '-';
        bool block = r->text.p[i] == '/' && r->text.p[i + 1] == '*';
        if (!line && !block) {
            i++;
            continue;
        }
        size_t end = line ? i + str_find(str_slice(r->text, i, to), '\n') : block_end(r, i, to);
        size_t inner = block && end >= i + 4 ? end - 2 : end;
        struct comment c = {.offset = i, .text = str_trim(str_slice(r->text, i + 2, inner)), .before = *before};
        c.line_start = r->file->line_starts[text_position(r->file, i).line - 1];
        if (!memchr(c.text.p, '\n', c.text.n))
            read_comment(r, &c);
        i = end;
    }
}

static void read_comments(struct reader *r)
{
    struct lexer l = {.text = r->text, .dialect = r->dialect};
    struct token before = {0}, t;
    while (token_next(&l, &t)) {
        read_gap(r, &before, before.offset + before.length, t.offset);
        before = t;
    }
    read_gap(r, &before, before.offset + before.length, r->text.n);
}

void hints_read(struct findings *out, struct arena *a, const struct text_file *file, enum dialect dialect,
                struct hints *hints)
{
    struct reader r = {.out = out, .arena = a, .file = file, .text = file->bytes, .dialect = dialect, .hints = hints};
    *hints = (struct hints){.file = file};
    r.sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    hint_items_read(a, &r.scratch, file, dialect, &r.items);
    read_comments(&r);
    g_hash_table_destroy(r.sources);
    arena_free(&r.scratch);
}
