/* Writes findings in the forms of GitHub's workflow commands and of SARIF 2.1.0 (OASIS). */
#include "gen/lint/formats.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "gen/lint/rules.h"

/* The message with what it costs and what to write instead: these forms have one text for a finding. */
static void add_whole(struct buf *out, const struct err *e)
{
    buf_addz(out, e->message);
    if (e->detail)
        buf_addf(out, "\n%s", e->detail);
    if (e->hint)
        buf_addf(out, "\n%s", e->hint);
}

/* -------------------------------------------------------------------------------------------------------------- GitHub */

/* `marks`: characters that end a value there, besides those that end the line. */
static void add_escaped(struct buf *out, struct str text, const char *marks)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%' || c == '\r' || c == '\n' || (c && strchr(marks, c)))
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
        else
            buf_addc(out, c);
    }
}

static void add_property(struct buf *out, const char *key, const char *value)
{
    buf_addf(out, "%s%s=", out->n && out->p[out->n - 1] == ' ' ? "" : ",", key);
    add_escaped(out, str_from(value), ":,");
}

static void add_github(struct buf *out, const struct finding *found)
{
    static const char *const words[] = {
        [SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "notice"};
    const struct err *e = &found->err;
    BUF_AUTO text = {0};
    buf_addf(out, "::%s ", words[found->severity]);
    if (e->path)
        add_property(out, "file", e->path);
    if (e->path && e->line > 0)
        buf_addf(out, ",line=%d", e->line);
    if (e->path && e->line > 0 && e->column > 0)
        buf_addf(out, ",col=%d", e->column);
    add_property(out, "title", found->rule);
    buf_addz(out, "::");
    add_whole(&text, e);
    add_escaped(out, buf_str(&text), "");
    buf_addc(out, '\n');
}

void format_github(struct buf *out, const struct findings *all)
{
    for (size_t i = 0; i < all->list.n; i++)
        add_github(out, &all->list.v[i]);
}

/* --------------------------------------------------------------------------------------------------------------- SARIF */

static const char *const levels[] = {
    [SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note", [SEVERITY_OFF] = "none"};

/* A key whose value is {"text": …}, which SARIF has in many places. */
static void put_message(struct json *w, const char *key, const char *text)
{
    json_key(w, key);
    json_object(w);
    json_put_text(w, "text", text);
    json_end_object(w);
}

static void add_rule(struct json *w, const struct lint_rule *rule)
{
    BUF_AUTO help = {0};
    json_object(w);
    json_put_text(w, "id", rule->id);
    put_message(w, "shortDescription", rule->title);
    put_message(w, "fullDescription", rule->why);
    buf_addf(&help, "%s%s%s", rule->why, rule->safe ? "\n\n" : "", rule->safe ? rule->safe : "");
    put_message(w, "help", help.p);
    json_key(w, "defaultConfiguration");
    json_object(w);
    json_put_text(w, "level", levels[rule->severity]);
    json_put_bool(w, "enabled", rule->severity != SEVERITY_OFF);
    json_end_object(w);
    json_end_object(w);
}

static void add_driver(struct json *w, const char *version)
{
    json_key(w, "tool");
    json_object(w);
    json_key(w, "driver");
    json_object(w);
    json_put_text(w, "name", "migrate-gen");
    json_put_text(w, "version", version);
    json_key(w, "rules");
    json_array(w);
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++)
            add_rule(w, &lint_all_rules[i]->v[k]);
    json_end_array(w);
    json_end_object(w);
    json_end_object(w);
}

/* The place in the list above; -1: it is not in it. */
static int64_t rule_index(const char *id)
{
    int64_t n = 0;
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++, n++)
            if (strcmp(lint_all_rules[i]->v[k].id, id) == 0)
                return n;
    return -1;
}

/* A path as a URI reference (RFC 3986): a colon in a relative one would make its beginning a scheme. */
static void add_uri(struct buf *out, const char *path)
{
    if (path[0] == '/')
        buf_addz(out, "file://");
    for (const char *c = path; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("-._~/", *c))
            buf_addc(out, *c);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

static void add_location(struct json *w, const struct err *e)
{
    BUF_AUTO uri = {0};
    add_uri(&uri, e->path);
    json_object(w);
    json_key(w, "physicalLocation");
    json_object(w);
    json_key(w, "artifactLocation");
    json_object(w);
    json_put_text(w, "uri", uri.p);
    json_end_object(w);
    if (e->line > 0) {
        json_key(w, "region");
        json_object(w);
        json_put_int(w, "startLine", e->line);
        if (e->column > 0)
            json_put_int(w, "startColumn", e->column);
        json_end_object(w);
    }
    json_end_object(w);
    json_end_object(w);
}

static void add_result(struct json *w, const struct finding *found)
{
    BUF_AUTO text = {0};
    int64_t index = rule_index(found->rule);
    add_whole(&text, &found->err);
    json_object(w);
    json_put_text(w, "ruleId", found->rule);
    if (index >= 0)
        json_put_int(w, "ruleIndex", index);
    json_put_text(w, "level", levels[found->severity]);
    put_message(w, "message", text.p);
    json_key(w, "locations");
    json_array(w);
    if (found->err.path)
        add_location(w, &found->err);
    json_end_array(w);
    json_end_object(w);
}

void format_sarif(struct buf *out, const struct findings *all, const char *version)
{
    struct json w = {.out = out};
    json_object(&w);
    json_put_text(&w, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json_put_text(&w, "version", "2.1.0");
    json_key(&w, "runs");
    json_array(&w);
    json_object(&w);
    add_driver(&w, version);
    json_put_text(&w, "columnKind", "unicodeCodePoints");
    json_key(&w, "results");
    json_array(&w);
    for (size_t i = 0; i < all->list.n; i++)
        add_result(&w, &all->list.v[i]);
    json_end_array(&w);
    json_end_object(&w);
    json_end_array(&w);
    json_end_object(&w);
    buf_addc(out, '\n');
}
