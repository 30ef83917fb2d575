/* Renders the table of rules as text, JSON and Markdown. */
#include "gen/lint/explain.h"

#include "base/json.h"

enum { WIDTH = 100 };

static const char *engines_of(const struct lint_rule *rule)
{
    static const char *const words[] = {[0] = "any engine",
                                        [DIALECT_BIT(DIALECT_POSTGRESQL)] = "PostgreSQL",
                                        [DIALECT_BIT(DIALECT_SQLITE)] = "SQLite",
                                        [DIALECTS_ALL] = "PostgreSQL and SQLite"};
    return words[rule->dialects];
}

/* ---------------------------------------------------------------------------------------------------------------- text */

static void add_filled(struct buf *out, const char *text)
{
    struct str rest = str_from(text), word;
    size_t column = 0;
    while (str_next(&rest, ' ', &word)) {
        if (column && column + 1 + word.n > WIDTH) {
            buf_addc(out, '\n');
            column = 0;
        }
        if (column)
            buf_addc(out, ' ');
        buf_adds(out, word);
        column += (column > 0) + word.n;
    }
    buf_addc(out, '\n');
}

/* A heading and lines below it; nothing without a text. */
static void add_block(struct buf *out, const char *heading, const char *text)
{
    struct str rest = str_from(text), line;
    if (!text)
        return;
    buf_addf(out, "\n%s\n", heading);
    while (str_next(&rest, '\n', &line))
        buf_addf(out, "%s%.*s\n", line.n ? "    " : "", STR_ARG(line));
}

void explain_rule(struct buf *out, const struct lint_rule *rule)
{
    buf_addf(out, "%s: %s\n", rule->id, rule->title);
    buf_addf(out, "%s%s, %s%s\n\n", severity_words[rule->severity],
             rule->flags & RULE_ALWAYS ? " (always: it cannot be turned down or allowed)" : "", engines_of(rule),
             !(rule->flags & RULE_ALWAYS) && rule->dialects && rule->flags & RULE_DOWN ? ", down sections too" : "");
    add_filled(out, rule->why);
    add_block(out, "safe:", rule->safe);
    add_block(out, "before, in the examples:", rule->before);
    add_block(out, "found:", rule->bad);
    add_block(out, "not found:", rule->good);
}

static size_t longest_id(void)
{
    size_t longest = 0;
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++) {
            size_t n = str_from(lint_all_rules[i]->v[k].id).n;
            longest = n > longest ? n : longest;
        }
    return longest;
}

void explain_rules(struct buf *out)
{
    int width = (int)longest_id();
    for (size_t i = 0; i < n_lint_all_rules; i++) {
        buf_addf(out, "%s%s\n\n", i ? "\n" : "", lint_all_rules[i]->title);
        for (size_t k = 0; k < lint_all_rules[i]->n; k++) {
            const struct lint_rule *rule = &lint_all_rules[i]->v[k];
            buf_addf(out, "  %-*s  %-7s  %s\n", width, rule->id, severity_words[rule->severity], rule->title);
        }
    }
}

/* ---------------------------------------------------------------------------------------------------------------- JSON */

void explain_json(struct buf *out, const struct lint_rule *rule)
{
    struct json j = {.out = out};
    json_object(&j);
    json_put_text(&j, "rule", rule->id);
    json_put_text(&j, "severity", severity_words[rule->severity]);
    json_put_bool(&j, "fixed", rule->flags & RULE_ALWAYS);
    json_key(&j, "engines");
    json_array(&j);
    for (int d = 0; d < DIALECT_COUNT; d++)
        if (rule->dialects & DIALECT_BIT(d))
            json_text(&j, dialect_words[d]);
    json_end_array(&j);
    json_put_text(&j, "title", rule->title);
    json_put_text(&j, "why", rule->why);
    json_put_text(&j, "safe", rule->safe);
    json_put_text(&j, "example_before", rule->before);
    json_put_text(&j, "example_bad", rule->bad);
    json_put_text(&j, "example_good", rule->good);
    json_end_object(&j);
}

/* ------------------------------------------------------------------------------------------------------------ Markdown */

static const char intro[] =
    "# Rules\n"
    "\n"
    "<!-- Made by `make docs` from the tables in gen/lint/rules_*.c. -->\n"
    "\n"
    "What `migrate-gen lint`, `check` and `compile` can say of a revision. How to use, allow and turn rules down is told in\n"
    "[lint.md](lint.md). `migrate-gen lint --explain RULE` shows one of them.\n"
    "\n"
    "A rule that is *always* an error or a warning can be neither turned down nor allowed. Each example under *found* is\n"
    "found by the rule, each under *not found* is not: the tests run them all.\n";

static void add_code(struct buf *out, const char *heading, const char *text)
{
    if (text)
        buf_addf(out, "\n%s:\n\n```sql\n%s\n```\n", heading, text);
}

/* Markdown would take * and _ in SQL's names for emphasis, and < for a tag. */
static void add_prose(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '*' || *c == '_' || *c == '<' || *c == '`')
            buf_addc(out, '\\');
        buf_addc(out, *c);
    }
}

static void add_section(struct buf *out, const struct lint_rule *rule)
{
    buf_addf(out, "\n### `%s`\n\n**", rule->id);
    add_prose(out, rule->title);
    buf_addf(out, ".** %s%s; %s%s.\n\n", rule->flags & RULE_ALWAYS ? "Always: " : "", severity_words[rule->severity],
             engines_of(rule),
             !(rule->flags & RULE_ALWAYS) && rule->dialects && rule->flags & RULE_DOWN ? "; down sections too" : "");
    add_prose(out, rule->why);
    buf_addc(out, '\n');
    add_code(out, "Safe", rule->safe);
    add_code(out, "Before, in the examples", rule->before);
    add_code(out, "Found", rule->bad);
    add_code(out, "Not found", rule->good);
}

void explain_page(struct buf *out)
{
    buf_addz(out, intro);
    for (size_t i = 0; i < n_lint_all_rules; i++) {
        buf_addf(out, "\n## %s\n", lint_all_rules[i]->title);
        for (size_t k = 0; k < lint_all_rules[i]->n; k++)
            add_section(out, &lint_all_rules[i]->v[k]);
    }
}
