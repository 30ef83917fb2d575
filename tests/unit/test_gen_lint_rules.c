/* The table of rules: every rule finds its own bad example, and leaves its good one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gen/check.h"
#include "gen/lint/lint.h"
#include "gen/lint/rules.h"
#include "tree.h"

/* The text of a revision that has these sections, or this body. */
static const char *revision_text(struct arena *a, const char *id, const char *parent, unsigned dialects,
                                 const char *text)
{
    const char *dialect = dialects == DIALECT_BIT(DIALECT_POSTGRESQL) ? " postgresql"
                          : dialects == DIALECT_BIT(DIALECT_SQLITE)   ? " sqlite"
                                                                      : "";
    bool whole = strncmp(text, "-- migrate:", strlen("-- migrate:")) == 0;
    return arena_printf(a, "-- Revision: %s\n-- Revises: %s\n-- Message: %s\n\n%s%s%s\n%s", id, parent, id,
                        whole ? "" : "-- migrate:up", whole ? "" : arena_printf(a, "%s\n", dialect), text,
                        strstr(text, "-- migrate:down") || strstr(text, "irreversible") ? "" : "-- migrate:down\n");
}

/* How often the rule is found in the example, which stands after `before`. */
static size_t find(const struct lint_rule *rule, const char *example)
{
    struct tree t = tree_new();
    struct arena *a = &t.arena;
    unsigned dialects = rule->dialects ? rule->dialects : DIALECTS_ALL;
    AUTO_ERR e = {0};
    const char *word = dialects == DIALECTS_ALL                     ? "postgresql, sqlite"
                       : dialects & DIALECT_BIT(DIALECT_POSTGRESQL) ? "postgresql"
                                                                    : "sqlite";
    const char *severity = rule->flags & RULE_ALWAYS ? "" : arena_printf(a, "[lint]\n%s = warning\n", rule->id);
    tree_write(&t, "s/env.ini", arena_printf(a, "[stream]\ndialects = %s\n%s", word, severity));
    if (rule->before)
        tree_write(&t, "s/versions/a1.sql", revision_text(a, "a1", "", dialects, rule->before));
    tree_write(&t, "s/versions/b2.sql", revision_text(a, "b2", rule->before ? "a1" : "", dialects, example));
    struct source s = tree_link(&t);
    check_postgresql(&s);
    check_sqlite(&s);
    check_own_tables(&s);
    struct lint_options options = {0};
    assert_true(lint_sources(&s, &options, &e));
    size_t n = 0;
    for (size_t i = 0; i < s.findings.list.n; i++) {
        const struct finding *found = &s.findings.list.v[i];
        n += strcmp(found->rule, rule->id) == 0;
        if (found->severity == SEVERITY_ERROR && !(rule->flags & RULE_ALWAYS) && strcmp(found->rule, rule->id) != 0)
            fail_msg("%s: the example \"%s\" does not build: %s", rule->id, example, found->err.message);
    }
    findings_free(&s.findings);
    tree_free(&t);
    return n;
}

static void every_rule_finds_its_bad_example_and_not_its_good_one(void **state)
{
    (void)state;
    size_t looked_at = 0;
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++) {
            const struct lint_rule *rule = &lint_all_rules[i]->v[k];
            if (rule->bad && !find(rule, rule->bad))
                fail_msg("%s does not find \"%s\"", rule->id, rule->bad);
            if (rule->good && find(rule, rule->good))
                fail_msg("%s finds \"%s\"", rule->id, rule->good);
            looked_at += rule->bad != NULL;
        }
    assert_true(looked_at >= 2);
}

static void every_rule_says_what_why_and_how(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++) {
            const struct lint_rule *rule = &lint_all_rules[i]->v[k];
            if (!rule->title || !rule->why)
                fail_msg("%s has no title or no why", rule->id);
            if (rule->dialects && !(rule->flags & RULE_ALWAYS) && (!rule->bad || !rule->good))
                fail_msg("%s has no examples", rule->id);
            assert_ptr_equal(lint_rule_find(str_from(rule->id)), rule); /* and there is no second of that id */
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_finds_its_bad_example_and_not_its_good_one),
        cmocka_unit_test(every_rule_says_what_why_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
