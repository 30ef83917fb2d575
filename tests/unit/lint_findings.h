/* What lint says of the text of one PostgreSQL section, as lines "LINE:COLUMN RULE message", for tests. */
#ifndef TESTS_LINT_FINDINGS_H
#define TESTS_LINT_FINDINGS_H

#include "gen/check.h"
#include "gen/lint/lint.h"
#include "tree.h"

struct linted {
    struct tree tree;
    struct source source;
    const char *lines; /* of these rules */
};

static inline bool is_listed(const char *rules, const char *rule)
{
    struct str rest = str_from(rules), word;
    while (str_next(&rest, ' ', &word))
        if (str_is(word, rule))
            return true;
    return false;
}

/*
 * `before` is an earlier revision's up section, `text` the one under test, whose first line counts as 1. `section` stands
 * on its section line.
 */
static inline struct linted lint_text_as(const char *before, const char *section, const char *text, const char *rules)
{
    enum { HEAD = 5 }; /* lines above the text */
    struct linted out = {.tree = tree_new()};
    struct arena *a = &out.tree.arena;
    AUTO_ERR e = {0};
    tree_write(&out.tree, "s/env.ini", "[stream]\ndialects = postgresql\n[lint]\nunqualified-name = note\n");
    tree_write(
        &out.tree, "s/versions/a1.sql",
        arena_printf(a, "-- Revision: a1\n-- Revises:\n-- Message: a\n\n-- migrate:up\n%s\n-- migrate:down\n", before));
    tree_write(&out.tree, "s/versions/b2.sql",
               arena_printf(a,
                            "-- Revision: b2\n-- Revises: a1\n-- Message: b\n\n-- migrate:up%s\n%s\n-- migrate:down\n",
                            section, text));
    out.source = tree_link(&out.tree);
    check_postgresql(&out.source);
    struct lint_options options = {0};
    if (!lint_sources(&out.source, &options, &e))
        abort();
    findings_sort(&out.source.findings);
    BUF_AUTO lines = {0};
    buf_addz(&lines, "");
    for (size_t i = 0; i < out.source.findings.list.n; i++) {
        const struct finding *found = &out.source.findings.list.v[i];
        if (is_listed(rules, found->rule) && strstr(found->err.path, "b2"))
            buf_addf(&lines, "%d:%d %s %s\n", found->err.line - HEAD, found->err.column, found->rule,
                     found->err.message);
    }
    out.lines = arena_strdup(a, lines.p ? lines.p : "");
    return out;
}

static inline void linted_free(struct linted *l)
{
    findings_free(&l->source.findings);
    tree_free(&l->tree);
}

#endif
