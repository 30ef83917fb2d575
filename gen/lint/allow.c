/*
 * Suppressions: reading them beside the statements that they allow something of.
 *
 * Comments are what lies between two tokens, so that a string with the same letters allows nothing. The bodies of DO and of
 * routines are read the same way: what stands there belongs to the statement around it.
 */
#include "gen/lint/allow.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "gen/lint/rules.h"
#include "schema/tokens.h"

#define FORM "-- lint:allow RULE[,RULE] why it is right here"

struct reader {
    struct arena *a;
    struct findings *out;
    const struct text_file *file;
    const struct revision_section *section;
    enum dialect dialect;
    struct allows *list;
};

/* ---------------------------------------------------------------------------------------------- whose comment it is */

static bool is_parsed(const struct revision_section *section)
{
    return section->statements != NULL;
}

static size_t end_of(const struct revision_statement *s)
{
    return (size_t)s->offset + s->length;
}

/* Behind the statement, and still on its last line. */
static bool is_behind(const struct reader *r, const struct revision_statement *s, size_t at)
{
    size_t end = end_of(s);
    return at >= end && !memchr(r->file->bytes.p + end, '\n', at - end);
}

/* The last statement that begins before `at`, when that holds it or stands in front of it; else the next one. */
static uint32_t statement_at(const struct reader *r, size_t at)
{
    const struct revision_section *section = r->section;
    uint32_t low = 0, high = section->n_statements;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (section->statements[middle].offset <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low) {
        const struct revision_statement *before = &section->statements[low - 1];
        if (at < end_of(before) || is_behind(r, before, at))
            return low - 1;
    }
    return low < section->n_statements ? low : UINT32_MAX;
}

/* ---------------------------------------------------------------------------------------------------- what it allows */

static size_t offset_of(const struct reader *r, struct str part)
{
    return (size_t)(part.p - r->file->bytes.p);
}

static struct finding *refuse(const struct reader *r, struct str at, const char *message)
{
    return finding_add(r->out, "bad-allow", r->file, offset_of(r, at), "%s", message);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct str skip_blanks(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_blank(s.p[n]))
        n++;
    return str_slice(s, n, s.n);
}

static bool is_reason(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (isalnum((unsigned char)s.p[i]) || (unsigned char)s.p[i] >= 0x80)
            return true;
    return false;
}

/* Why the rule cannot be allowed on a statement; NULL: it can. */
static const char *why_never(const struct lint_rule *rule)
{
    if (rule->flags & RULE_ALWAYS)
        return "what it finds cannot be built or run";
    return rule->dialects ? NULL : "it is not about statements; its severity is set in [lint] of env.ini";
}

static bool may_allow(const struct reader *r, struct str word)
{
    const struct lint_rule *rule = lint_rule_find(word);
    struct strings ids = {0};
    if (!rule) {
        lint_rule_ids(r->a, &ids);
        struct finding *found = finding_add(r->out, "bad-allow", r->file, offset_of(r, word),
                                            "there is no rule \"%.*s\"", STR_ARG(word));
        finding_suggest(found, word, &ids, "`migrate-gen lint --explain` lists every rule");
        return false;
    }
    if (why_never(rule)) {
        struct finding *found = finding_add(r->out, "bad-allow", r->file, offset_of(r, word), "%s cannot be allowed",
                                            rule->id);
        err_hint(&found->err, "%s", why_never(rule));
    }
    return !why_never(rule);
}

/* The next of "RULE,RULE reason": a comma says that another follows. */
static bool next_rule(struct str *rest, struct str *word, bool *more)
{
    size_t n = 0;
    *rest = skip_blanks(*rest);
    while (n < rest->n && !is_blank(rest->p[n]) && rest->p[n] != ',')
        n++;
    *word = str_slice(*rest, 0, n);
    *more = n < rest->n && rest->p[n] == ',';
    *rest = str_slice(*rest, n + *more, rest->n);
    return word->n > 0;
}

/* `rest`: what stands behind "lint:allow". */
static void read_allow(struct reader *r, struct str comment, struct str rest)
{
    VEC(struct str) words = {0};
    struct str word;
    for (bool more = true; more && next_rule(&rest, &word, &more);)
        vec_push(r->a, &words, word);
    struct str reason = str_trim(rest);
    if (!words.n) {
        err_hint(&refuse(r, comment, "lint:allow names no rule")->err, FORM);
        return;
    }
    if (!is_reason(reason)) {
        err_hint(&refuse(r, words.v[0], "lint:allow gives no reason")->err, FORM);
        return;
    }
    uint32_t statement = is_parsed(r->section) ? statement_at(r, offset_of(r, comment)) : UINT32_MAX;
    if (is_parsed(r->section) && statement == UINT32_MAX) {
        err_hint(&refuse(r, comment, "lint:allow stands by no statement")->err,
                 "put it on a line above the statement, or behind it on its last line");
        return;
    }
    for (size_t i = 0; i < words.n; i++) {
        struct allow allow = {.rule = arena_str(r->a, words.v[i]),
                              .reason = arena_str(r->a, reason),
                              .offset = offset_of(r, words.v[i]),
                              .statement = statement};
        if (may_allow(r, words.v[i]))
            vec_push(r->a, r->list, allow);
    }
}

/* ---------------------------------------------------------------------------------------------------------- comments */

static bool starts_with(struct str s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

/* What somebody writes who means lint:allow: another spelling of it, or what other tools say in its place. */
static bool is_near(struct str text)
{
    while (text.n && strchr(" \t\r\n-*#!", text.p[0]))
        text = str_slice(text, 1, text.n);
    if (!starts_with(text, "lint"))
        return false;
    text = str_slice(text, strlen("lint"), text.n);
    if (text.n > 1 && text.p[0] == ':' && isalpha((unsigned char)text.p[1]))
        return true;
    struct str word = text;
    while (word.n && strchr(" \t:-_=", word.p[0]))
        word = str_slice(word, 1, word.n);
    return starts_with(word, "allow") && (word.n == 5 || !isalpha((unsigned char)word.p[5]));
}

static bool is_exact(struct str line)
{
    struct str text = skip_blanks(str_slice(line, 2, line.n));
    size_t n = strlen("lint:allow");
    return line.n > 2 && is_blank(line.p[2]) && str_starts(text, STR("lint:allow")) &&
           (text.n == n || is_blank(text.p[n]));
}

static void read_comment(struct reader *r, struct str comment)
{
    if (comment.p[0] == '-' && is_exact(comment)) {
        struct str text = skip_blanks(str_slice(comment, 2, comment.n));
        read_allow(r, comment, str_slice(text, strlen("lint:allow"), text.n));
    } else if (is_near(str_slice(comment, 2, comment.n))) {
        err_hint(&refuse(r, comment, "this comment looks like lint:allow, and allows nothing")->err, FORM);
    }
}

/* How long the block comment is that `s` begins with. PostgreSQL's nest. */
static size_t block_length(struct str s, bool nests)
{
    size_t depth = 1, i = 2;
    for (; depth && i + 1 < s.n; i++) {
        if (s.p[i] == '*' && s.p[i + 1] == '/')
            depth--, i++;
        else if (nests && s.p[i] == '/' && s.p[i + 1] == '*')
            depth++, i++;
    }
    return depth ? s.n : i;
}

/* What lies between two tokens: blanks and comments. */
static void read_gap(struct reader *r, struct str gap)
{
    while (gap.n > 1) {
        size_t n = 1;
        if (gap.p[0] == '-' && gap.p[1] == '-')
            read_comment(r, str_slice(gap, 0, n = str_find(gap, '\n')));
        else if (gap.p[0] == '/' && gap.p[1] == '*')
            read_comment(r, str_slice(gap, 0, n = block_length(gap, r->dialect == DIALECT_POSTGRESQL)));
        gap = str_slice(gap, n, gap.n);
    }
}

/* Whether strings of the statement around `offset` are code. */
static bool has_body(const struct reader *r, size_t offset)
{
    static const char *const kinds[] = {"DO", "CREATE FUNCTION", "CREATE PROCEDURE"};
    uint32_t i = r->section->n_statements ? statement_at(r, offset) : UINT32_MAX;
    for (size_t k = 0; i != UINT32_MAX && k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(r->section->statements[i].kind, kinds[k]) == 0)
            return true;
    return false;
}

static void read_text(struct reader *r, struct str text, bool outermost)
{
    struct lexer l = {.text = text, .dialect = r->dialect};
    size_t end = 0;
    for (struct token t; token_next(&l, &t); end = t.offset + t.length) {
        bool raw = false;
        read_gap(r, str_slice(text, end, t.offset));
        if (!outermost || t.kind != TOKEN_STRING || !has_body(r, offset_of(r, token_text(text, &t))))
            continue;
        struct str content = token_content(text, &t, &raw);
        if (raw)
            read_text(r, content, false);
    }
    read_gap(r, str_slice(text, end, text.n));
}

/* Seeds of megabytes hold no such word. */
static bool speaks_of_lint(struct str s)
{
    for (size_t i = 0; i + 4 <= s.n; i++)
        if ((s.p[i] | 0x20) == 'l' && strncasecmp(s.p + i, "lint", 4) == 0)
            return true;
    return false;
}

void allows_read(struct arena *a, struct findings *out, const struct source_revision *revision,
                 const struct revision_section *section, struct allows *list)
{
    bool postgresql = section->dialects & DIALECT_BIT(DIALECT_POSTGRESQL) || !section->dialects;
    struct reader r = {
        .a = a,
        .out = out,
        .file = &revision->file,
        .section = section,
        .dialect = postgresql ? DIALECT_POSTGRESQL : DIALECT_SQLITE,
        .list = list,
    };
    struct str body = str_slice(revision->file.bytes, section->offset, (size_t)section->offset + section->length);
    if (speaks_of_lint(body))
        read_text(&r, body, true);
}

void allows_read_header(struct findings *out, const struct source_revision *revision)
{
    struct str rest = str_slice(revision->file.bytes, 0, revision->header_end), line;
    while (rest.p && str_next(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!str_starts(line, STR("--")) || !is_near(str_slice(line, 2, line.n)))
            continue;
        struct finding *found = finding_add(out, "bad-allow", &revision->file,
                                            (size_t)(line.p - revision->file.bytes.p),
                                            "lint:allow stands by no statement");
        err_hint(&found->err, "put it on a line above the statement, or behind it on its last line");
    }
}

/* --------------------------------------------------------------------------------------------------------- using them */

bool allows_have(struct allows *list, const char *rule, uint32_t statement)
{
    for (size_t i = 0; i < list->n; i++) {
        struct allow *allow = &list->v[i];
        if (allow->statement == statement && strcmp(allow->rule, rule) == 0) {
            allow->used = true;
            return true;
        }
    }
    return false;
}

void allows_end(struct findings *out, const struct source_stream *stream, const struct source_revision *revision,
                const struct allows *list)
{
    enum severity severity = lint_severity_of(stream, "unused-allow");
    for (size_t i = 0; i < list->n && severity != SEVERITY_OFF; i++) {
        const struct allow *allow = &list->v[i];
        if (allow->used || lint_severity_of(stream, allow->rule) == SEVERITY_OFF)
            continue;
        struct finding *found = finding_add(out, "unused-allow", &revision->file, allow->offset,
                                            "lint:allow %s allows nothing", allow->rule);
        finding_severity(out, found, severity);
        err_hint(&found->err, "leave it out: the statement that it stands by has no such finding");
    }
}
