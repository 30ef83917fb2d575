/* Text of steps. A disabled statement is a comment line by line, so that it can be enabled by taking the marks away. */
#include "gen/render.h"

#include <string.h>

#include "schema/tokens.h"

const char *verb_word(enum verb verb)
{
    static const char *const words[] = {[VERB_CREATE] = "create",
                                        [VERB_ALTER] = "alter",
                                        [VERB_DROP] = "drop",
                                        [VERB_RENAME] = "rename",
                                        [VERB_FILL] = "fill"};
    return words[verb];
}

/* ---- steps ---- */

/*
 * One of PostgreSQL's tokens in quotes, with escapes for carriage returns: where a file is read, CRLF is LF. A body in
 * dollar quotes is left to that; to it they are white space.
 */
static void add_escaped(struct buf *out, struct str token)
{
    bool name = token.p[0] == '"', escaped = token.p[0] == 'E';
    buf_addz(out, name ? "U&\"" : "E'");
    for (size_t i = escaped ? 2 : 1; i < token.n; i++) {
        char c = token.p[i];
        if (c == '\r')
            buf_addz(out, name ? "\\000D" : "\\r");
        else
            buf_addc(out, c);
        if (c == '\\' && !escaped)
            buf_addc(out, c);
    }
}

static bool has_crlf(struct str s)
{
    return memmem(s.p, s.n, "\r\n", 2);
}

static void add_statement(struct buf *out, enum dialect dialect, const char *sql)
{
    struct str text = str_from(sql);
    struct lexer l = {.text = text, .dialect = dialect};
    size_t at = 0;
    for (struct token t; dialect == DIALECT_POSTGRESQL && has_crlf(text) && token_next(&l, &t);) {
        struct str token = token_text(text, &t);
        if (!token.n || !has_crlf(token) || !strchr("'\"E", token.p[0]))
            continue;
        buf_adds(out, str_slice(text, at, t.offset));
        add_escaped(out, token);
        at = t.offset + t.length;
    }
    buf_adds(out, str_slice(text, at, text.n));
    buf_addz(out, ";\n");
}

/* Four blanks: the line must not begin with "-- migrate:", whatever it says. */
static void add_commented(struct buf *out, const char *sql)
{
    struct str rest = str_from(sql), line;
    while (str_next(&rest, '\n', &line))
        buf_addf(out, "--     %.*s%s\n", STR_ARG(line), rest.p ? "" : ";");
}

/* A name may hold a line end, and a comment may not. */
static void add_comment(struct buf *out, const char *label, const char *text)
{
    buf_addf(out, "-- %s", label);
    for (const char *c = text; *c; c++)
        buf_addc(out, *c == '\n' || *c == '\r' ? ' ' : *c);
    buf_addc(out, '\n');
}

void step_describe(struct buf *out, const struct autogenerate *g, const struct change_step *s)
{
    const char *name = s->identity, *schema = g->goal.exact->schema;
    size_t n = schema ? strlen(schema) : 0;
    if (g->options.relative && n && strncmp(name, schema, n) == 0 && name[n] == '.')
        name += n + 1;
    buf_addf(out, "%ss %s %s", verb_word(s->verb), s->kind->name, name);
    if (s->note)
        buf_addf(out, ": %s", s->note);
    else if (s->flags & STEP_DISABLED && !(s->flags & STEP_DESTRUCTIVE))
        buf_addz(out, ": it needs what is disabled here");
}

/* The statements of one rebuild all say why it is done. */
static bool same_note(const struct change_step *s, const struct change_step *before)
{
    return before && before->note && strcmp(before->note, s->note) == 0 && strcmp(before->identity, s->identity) == 0;
}

/* `before`: the step that stands above it, or NULL. */
static void add_step(struct buf *out, const struct autogenerate *g, const struct change_step *s,
                     const struct change_step *before)
{
    BUF_AUTO text = {0};
    step_describe(&text, g, s);
    if (s->flags & STEP_DISABLED) {
        add_comment(out, "DESTRUCTIVE (disabled): ", text.p);
        add_commented(out, s->sql);
        return;
    }
    if (s->flags & STEP_WEAKENS)
        add_comment(out, "SECURITY: ", text.p);
    else if (s->note && !same_note(s, before))
        add_comment(out, "", text.p);
    add_statement(out, g->from.dialect, s->sql);
}

static bool wants_bodies_off(const struct change_step *s)
{
    return s->flags & STEP_ROUTINE && !(s->flags & STEP_DISABLED);
}

/* ---- a script ---- */

static bool is_rebuilt(const struct change_list *l)
{
    for (size_t i = 0; i < l->steps.n; i++)
        if (!(l->steps.v[i].flags & STEP_DISABLED) && strncmp(l->steps.v[i].sql, "DROP TABLE", 10) == 0)
            return true;
    return false;
}

static bool any_routine(const struct change_list *l)
{
    for (size_t i = 0; i < l->steps.n; i++)
        if (wants_bodies_off(&l->steps.v[i]))
            return true;
    return false;
}

void render_script(struct buf *out, const struct autogenerate *g)
{
    bool rebuilt = g->from.dialect == DIALECT_SQLITE && is_rebuilt(&g->up);
    if (g->from.dialect == DIALECT_POSTGRESQL && any_routine(&g->up))
        buf_addz(out, "SET check_function_bodies = off;\n");
    /* The shell goes on after an error unless it is told not to, and would drop what it could not copy. */
    if (rebuilt)
        buf_addz(out, "-- sqlite3 -bail DATABASE <SCRIPT\nPRAGMA foreign_keys = OFF;\nBEGIN IMMEDIATE;\n");
    for (size_t i = 0; i < g->renames.pairs.n; i++)
        add_statement(out, g->from.dialect, g->renames.pairs.v[i].up);
    for (size_t i = 0; i < g->up.steps.n; i++)
        add_step(out, g, &g->up.steps.v[i], i ? &g->up.steps.v[i - 1] : NULL);
    if (rebuilt)
        buf_addz(out, "PRAGMA foreign_key_check;\nCOMMIT;\nPRAGMA foreign_keys = ON;\n");
}

/* ---- a section ---- */

static void begin_section(struct buf *out, const struct autogenerate *g, const struct portion *p, bool routine)
{
    if (routine && g->from.dialect == DIALECT_POSTGRESQL && p->segment != SEGMENT_NO_BLOCK)
        buf_addz(out, "SET LOCAL check_function_bodies = off;\n");
}

void render_up(struct buf *out, const struct autogenerate *g, size_t portion)
{
    const struct portion *p = &g->portions.v[portion];
    bool routine = false;
    for (size_t i = 0; i < p->up.n; i++)
        routine = routine || wants_bodies_off(p->up.v[i]);
    begin_section(out, g, p, routine);
    for (size_t i = 0; portion == 0 && i < g->renames.pairs.n; i++)
        add_statement(out, g->from.dialect, g->renames.pairs.v[i].up);
    for (size_t i = 0; i < p->up.n; i++)
        add_step(out, g, p->up.v[i], i ? p->up.v[i - 1] : NULL);
}

static bool destroys(const struct portion *p)
{
    for (size_t i = 0; i < p->up.n; i++)
        if (p->up.v[i]->flags & STEP_DESTRUCTIVE && !(p->up.v[i]->flags & STEP_DISABLED))
            return true;
    return false;
}

void render_down(struct buf *out, const struct autogenerate *g, size_t portion)
{
    const struct portion *p = &g->portions.v[portion];
    begin_section(out, g, p, any_routine(&p->down));
    if (destroys(p))
        buf_addz(out, "-- What the way up destroyed does not come back: this restores the structure alone.\n");
    for (size_t i = 0; i < p->down.steps.n; i++)
        add_statement(out, g->from.dialect, p->down.steps.v[i].sql);
    if (p->down_disabled.n)
        buf_addz(out, "-- takes back what is disabled in the way up\n");
    for (size_t i = 0; i < p->down_disabled.n; i++)
        add_commented(out, p->down_disabled.v[i]->sql);
    for (size_t i = 0; i < p->renames_down.n; i++)
        add_statement(out, g->from.dialect, p->renames_down.v[i]);
}

static bool has_section_line(const char *sql)
{
    static const char mark[] = "-- migrate:";
    return strncmp(sql, mark, sizeof mark - 1) == 0 || strstr(sql, "\n-- migrate:");
}

const struct change_step *render_find_section_line(const struct autogenerate *g)
{
    for (size_t i = 0; i < g->up.steps.n; i++)
        if (has_section_line(g->up.steps.v[i].sql))
            return &g->up.steps.v[i];
    for (size_t i = 0; i < g->portions.n; i++)
        for (size_t k = 0; k < g->portions.v[i].down.steps.n; k++)
            if (has_section_line(g->portions.v[i].down.steps.v[k].sql))
                return &g->portions.v[i].down.steps.v[k];
    return NULL;
}
