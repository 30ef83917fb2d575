/*
 * Stage check for PostgreSQL: cuts each section into statements with the server's own grammar, records them, and has the
 * rules look at each.
 *
 * A section is read in windows that end at a semicolon token, so that fifty megabytes need no tree of fifty megabytes. That
 * is safe: a semicolon where a statement does not end lies in a string, in parentheses or in BEGIN ATOMIC, and what stands
 * before it then does not parse. A window that does not parse is tried again together with all that follows, and only
 * when that fails too there is an error; then each piece is parsed by itself, so that one run shows every error.
 */
#include "gen/source.h"

#include <ctype.h>
#include <string.h>

#include "gen/check.h"
#include "gen/parse_postgresql.h"
#include "gen/rules_postgresql.h"
#include "gen/statements.h"

#define WINDOW ((size_t)64 * 1024)
#define LARGEST_STATEMENT ((size_t)256 << 20)

struct reader {
    struct section_check check;
    struct str body;
    struct line_counter lines;
    struct arena scratch; /* of the section */
    VEC(struct revision_statement) statements;
    bool failed; /* the text does not parse */
};

static const char *body_at(const struct reader *r, size_t offset)
{
    return r->body.p + offset;
}

static struct finding *refuse(struct reader *r, size_t at, const char *rule, const char *message)
{
    return finding_add(r->check.out, rule, r->check.file, r->check.section->offset + at, "%s", message);
}

/* ------------------------------------------------------------------------------------------------------- a statement */

/* The kind of the statement before, when it is the same: a seed has a million INSERTs. */
static const char *share_kind(struct reader *r, struct str text)
{
    const char *kind = statement_kind(&r->scratch, text, DIALECT_POSTGRESQL);
    const char *last = r->statements.n ? r->statements.v[r->statements.n - 1].kind : "";
    return strcmp(last, kind) == 0 ? last : arena_strdup(r->check.arena, kind);
}

static void add_statement(struct reader *r, struct parsed parsed)
{
    struct str whole = str_slice(r->body, parsed.offset, parsed.offset + parsed.length);
    struct span cut;
    if (!statement_next(whole, DIALECT_POSTGRESQL, 0, &cut))
        return;
    /* The parser has the last word on where it ends, so every token up to there counts. */
    struct lexer l = {.text = whole, .dialect = DIALECT_POSTGRESQL, .at = cut.next};
    for (struct token t; token_next(&l, &t); cut.n_tokens++)
        if (!token_is_symbol(whole, &t, ";"))
            cut.length = t.offset + t.length - cut.offset;

    struct str text = str_slice(whole, cut.offset, cut.offset + cut.length);
    size_t offset = r->check.section->offset + parsed.offset + cut.offset;
    struct revision_statement statement = {
        .offset = (uint32_t)offset,
        .length = (uint32_t)text.n,
        .line = line_of(&r->lines, offset),
        .kind = share_kind(r, text),
    };
    struct statement_check s = {
        .section = &r->check,
        .offset = offset,
        .text = text,
        .kind = statement.kind,
        .n_tokens = cut.n_tokens,
        .out = &statement,
    };
    rules_check_statement(&s);
    vec_push(&r->scratch, &r->statements, statement);
}

/* ------------------------------------------------------------------------------------------------------ syntax errors */

/* What psql would do there, and what to write instead. */
static void refuse_psql(struct reader *r, size_t at, size_t end)
{
    static const struct {
        const char *word, *hint;
    } commands[] = {
        {"\\copy", "write the rows as INSERT INTO … VALUES"},
        {"\\i", "put the file's SQL here"},
        {"\\ir", "put the file's SQL here"},
        {"\\include", "put the file's SQL here"},
        {"\\c", "leave it out: the migrator connects"},
        {"\\connect", "leave it out: the migrator connects"},
        {"\\set", "write the value itself; the tenant's id is current_setting('migrate.tenant_id')"},
        {"\\gexec", "use DO with EXECUTE"},
        {"\\.", "write the rows as INSERT INTO … VALUES"},
    };
    size_t n = 1;
    while (at + n < end && (unsigned char)*body_at(r, at + n) > ' ' && *body_at(r, at + n) != ';' && n < 24)
        n++;
    struct str word = str_slice(r->body, at, at + n);
    struct finding *found = finding_add(r->check.out, "psql-command", r->check.file, r->check.section->offset + at,
                                        "\"%.*s\" is a command of psql", STR_ARG(word));
    err_hint(&found->err, "write plain SQL");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (str_is(word, commands[i].word))
            err_hint(&found->err, "%s", commands[i].hint);
}

/* `:name`, `:'name'`, `:"name"`, `:{?name}` */
static bool is_psql_variable(struct str rest)
{
    if (rest.n < 2 || rest.p[0] != ':')
        return false;
    unsigned char c = (unsigned char)rest.p[1];
    return c == '\'' || c == '"' || c == '{' || c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The keyword that was probably meant by the word there. */
static void suggest_keyword(struct reader *r, size_t at, struct finding *found)
{
    static const char *const keywords[] = {
        "ADD",      "ALTER",   "BEGIN",  "CASCADE",  "CHECK",     "COLUMN",     "COMMENT", "CONSTRAINT", "CREATE",
        "DATABASE", "DEFAULT", "DELETE", "DISTINCT", "DROP",      "EXECUTE",    "EXISTS",  "EXTENSION",  "FOREIGN",
        "FUNCTION", "GRANT",   "GROUP",  "HAVING",   "INDEX",     "INSERT",     "INTO",    "LANGUAGE",   "LIMIT",
        "NULL",     "ORDER",   "POLICY", "PRIMARY",  "PROCEDURE", "REFERENCES", "RENAME",  "REPLACE",    "RETURNING",
        "RETURNS",  "REVOKE",  "SCHEMA", "SELECT",   "SEQUENCE",  "TABLE",      "TRIGGER", "TRUNCATE",   "TYPE",
        "UNIQUE",   "UPDATE",  "USING",  "VALUES",   "VIEW",      "WHERE",      "WITH",
    };
    struct lexer l = {.text = r->body, .dialect = DIALECT_POSTGRESQL, .at = at};
    struct token t;
    char upper[24];
    struct strings list = {0};
    if (!token_next(&l, &t) || t.offset != at || t.kind != TOKEN_WORD || t.length > sizeof upper)
        return;
    for (size_t i = 0; i < t.length; i++)
        upper[i] = (char)toupper((unsigned char)r->body.p[at + i]);
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        vec_push(&r->scratch, &list, keywords[i]);
    finding_suggest(found, (struct str){upper, t.length}, &list, NULL);
}

static void refuse_syntax(struct reader *r, size_t at, const struct parse_error *e)
{
    if (is_psql_variable(str_slice(r->body, at, r->body.n))) {
        struct finding *found = refuse(r, at, "psql-variable", "a variable of psql: SQL is sent as it is written");
        err_hint(&found->err, "write the value itself; the tenant's id is current_setting('migrate.tenant_id')");
        return;
    }
    struct finding *found = refuse(r, at, "syntax", e->message);
    if (strncmp(e->message, "syntax error", strlen("syntax error")) == 0) {
        err_detail(&found->err, "read as PostgreSQL 15; newer syntax needs a section that says opaque");
        suggest_keyword(r, at, found);
    } else {
        err_detail(&found->err, "read as PostgreSQL 15");
    }
}

static void refuse_open(struct reader *r, const struct token *t)
{
    struct str text = token_text(r->body, t);
    struct finding *found;
    if (t->kind == TOKEN_COMMENT)
        found = refuse(r, t->offset, "unterminated", "unterminated comment");
    else if (t->kind == TOKEN_NAME)
        found = refuse(r, t->offset, "unterminated", "unterminated quoted name");
    else if (text.p[0] == '$')
        found = finding_add(r->check.out, "unterminated", r->check.file, r->check.section->offset + t->offset,
                            "unterminated dollar-quoted string %.*s",
                            STR_ARG(str_slice(text, 0, str_find(str_slice(text, 1, text.n), '$') + 2)));
    else
        found = refuse(r, t->offset, "unterminated", "unterminated string");
    err_detail(&found->err, "it runs to the end of the section");
}

/* Whether a backslash stands outside of quotes in the piece, and where. */
static bool find_backslash(const struct reader *r, const struct span *piece, size_t *at)
{
    struct str text = str_slice(r->body, 0, piece->offset + piece->length);
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL, .at = piece->offset};
    struct token t;
    while (token_next(&l, &t))
        if (token_is_symbol(text, &t, "\\")) {
            *at = t.offset;
            return true;
        }
    return false;
}

static size_t end_of_line(const struct reader *r, size_t at)
{
    return at + str_find(str_slice(r->body, at, r->body.n), '\n');
}

/* Behind the rows of a COPY … FROM STDIN, which end in a line "\."; `at` itself when there is no such line. */
static size_t skip_copy_rows(const struct reader *r, size_t at)
{
    for (size_t line = end_of_line(r, at); line < r->body.n; line = end_of_line(r, line + 1))
        if (str_starts(str_slice(r->body, line + 1, r->body.n), STR("\\.")))
            return end_of_line(r, line + 1);
    return at;
}

static size_t check_piece(struct reader *r, const struct span *piece)
{
    struct parsed_list ignored = {0};
    struct parse_error e;
    struct str text = str_slice(r->body, piece->offset, piece->next);
    if (!parse_split(&r->scratch, text, &ignored, &e)) {
        refuse_syntax(r, piece->offset + (e.offset <= text.n ? e.offset : 0), &e);
        return piece->next;
    }
    size_t before = r->check.out->list.n;
    add_statement(r, (struct parsed){piece->offset, piece->length});
    for (size_t i = before; i < r->check.out->list.n; i++)
        if (strcmp(r->check.out->list.v[i].rule, "copy-stdin") == 0)
            return skip_copy_rows(r, piece->next);
    return piece->next;
}

/* Finds every error from `at` on, in a body that the parser refused with `whole`. */
static void find_errors(struct reader *r, size_t at, const struct parse_error *whole)
{
    size_t before = r->check.out->list.n;
    struct span piece;
    size_t backslash;
    r->failed = true;
    while (statement_next(r->body, DIALECT_POSTGRESQL, at, &piece)) {
        if (find_backslash(r, &piece, &backslash)) {
            refuse_psql(r, backslash, end_of_line(r, backslash));
            at = end_of_line(r, backslash);
        } else if (piece.open.open) {
            refuse_open(r, &piece.open);
            break;
        } else {
            at = check_piece(r, &piece);
        }
    }
    if (r->check.out->list.n == before)
        refuse_syntax(r, whole->offset <= r->body.n ? whole->offset : 0, whole);
}

/* --------------------------------------------------------------------------------------------------------- a section */

static bool read_statements(struct reader *r, size_t from, size_t to, struct parse_error *e)
{
    struct parsed_list list = {0};
    if (!parse_split(&r->scratch, str_slice(r->body, from, to), &list, e)) {
        e->offset = e->offset == SIZE_MAX ? from : e->offset + from;
        return false;
    }
    for (size_t i = 0; i < list.n; i++) {
        list.v[i].offset += from;
        add_statement(r, list.v[i]);
    }
    return true;
}

static bool is_too_large(struct reader *r, const struct span *piece)
{
    if (piece->length <= LARGEST_STATEMENT)
        return false;
    struct finding *found = finding_add(r->check.out, "too-large", r->check.file,
                                        r->check.section->offset + piece->offset, "a statement of %zu MB",
                                        piece->length >> 20);
    err_hint(&found->err, "the parser takes %zu MB; split it into several statements", LARGEST_STATEMENT >> 20);
    return true;
}

static void read_windows(struct reader *r)
{
    struct parse_error e;
    for (size_t at = 0, end; at < r->body.n; at = end) {
        struct span piece;
        for (end = at; end - at < WINDOW && statement_next(r->body, DIALECT_POSTGRESQL, end, &piece); end = piece.next)
            if (is_too_large(r, &piece)) {
                r->failed = true;
                return;
            }
        if (end == at)
            return;
        if (read_statements(r, at, end, &e))
            continue;
        if (!read_statements(r, at, r->body.n, &e))
            find_errors(r, at, &e);
        return;
    }
}

/* The section as one statement that nobody looks into. */
static void read_opaque(struct reader *r)
{
    struct lexer l = {.text = r->body, .dialect = DIALECT_POSTGRESQL};
    size_t from = r->body.n, to = 0;
    for (struct token t; token_next(&l, &t);) {
        if (t.open) {
            refuse_open(r, &t);
            r->failed = true;
            return;
        }
        if (token_is_symbol(r->body, &t, ";"))
            continue;
        from = t.offset < from ? t.offset : from;
        to = t.offset + t.length;
    }
    if (from >= to)
        return;
    struct revision_statement statement = {
        .offset = r->check.section->offset + (uint32_t)from,
        .length = (uint32_t)(to - from),
        .line = line_of(&r->lines, r->check.section->offset + from),
        .flags = r->check.section->flags & SECTION_NO_TRANSACTION ? STATEMENT_NO_BLOCK : 0,
        .kind = statement_kind(r->check.arena, str_slice(r->body, from, to), DIALECT_POSTGRESQL),
    };
    vec_push(&r->scratch, &r->statements, statement);
}

static bool has_long_run(struct reader *r)
{
    struct lexer l = {.text = r->body, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    while (l.longest_run <= LONGEST_RUN && token_next(&l, &t))
        ;
    if (l.longest_run <= LONGEST_RUN)
        return false;
    struct finding *found = finding_at_line(r->check.out, "too-large", r->check.file,
                                            line_of(&r->lines, r->check.section->offset + l.run_at),
                                            "%zu operator characters in a row, comment marks included", l.longest_run);
    err_hint(&found->err, "more than %d take the parser too long", LONGEST_RUN);
    return true;
}

static void record(const struct reader *r, struct revision_section *section)
{
    struct revision_statement *v = ARENA_ARRAY(r->check.arena, struct revision_statement, r->statements.n);
    if (r->statements.n)
        memcpy(v, r->statements.v, r->statements.n * sizeof *v);
    section->statements = v;
    section->n_statements = (uint32_t)r->statements.n;
    check_batch(r->check.out, r->check.file, section);
}

static void check_section(struct source *s, struct source_revision *revision, struct revision_section *section)
{
    struct reader r = {
        .check = {.out = &s->findings, .arena = s->arena, .file = &revision->file, .section = section},
        .body = str_slice(revision->file.bytes, section->offset, section->offset + section->length),
        .lines = {.text = revision->file.bytes},
    };
    if (section->flags & SECTION_OPAQUE)
        read_opaque(&r);
    else if (has_long_run(&r))
        r.failed = true;
    else
        read_windows(&r);
    rules_end_section(&r.check);

    if (!r.failed)
        record(&r, section);
    arena_free(&r.scratch);
}

void check_postgresql(struct source *s)
{
    for (size_t i = 0; i < s->streams.n; i++)
        for (size_t j = 0; j < s->streams.v[i]->revisions.n; j++) {
            struct source_revision *r = s->streams.v[i]->revisions.v[j];
            for (size_t k = 0; !r->unreadable && k < r->sections.n; k++)
                if (r->sections.v[k].dialects & DIALECT_BIT(DIALECT_POSTGRESQL))
                    check_section(s, r, &r->sections.v[k]);
        }
}
