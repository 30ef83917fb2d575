/* The parts of the table of rules put together, and looking one up. */
#include "gen/lint/rules.h"

#include <string.h>

const struct lint_rules *const lint_all_rules[] = {&lint_rules_locks, &lint_rules_changes, &lint_rules_sqlite,
                                                   &lint_rules_build, &lint_rules_files,   &lint_rules_schemas,
                                                   &lint_rules_verify};
const size_t n_lint_all_rules = sizeof lint_all_rules / sizeof *lint_all_rules;

const struct lint_rule *lint_rule_find(struct str id)
{
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++)
            if (str_is(id, lint_all_rules[i]->v[k].id))
                return &lint_all_rules[i]->v[k];
    return NULL;
}

void lint_rule_ids(struct arena *a, struct strings *out)
{
    for (size_t i = 0; i < n_lint_all_rules; i++)
        for (size_t k = 0; k < lint_all_rules[i]->n; k++)
            vec_push(a, out, lint_all_rules[i]->v[k].id);
}

enum severity lint_severity(const struct source_stream *stream, const struct lint_rule *rule)
{
    for (size_t i = 0; i < stream->lint.n && !(rule->flags & RULE_ALWAYS); i++) {
        if (strcmp(stream->lint.v[i].key.text, rule->id) != 0)
            continue;
        for (int severity = SEVERITY_ERROR; severity <= SEVERITY_OFF; severity++)
            if (strcmp(stream->lint.v[i].value.text, severity_words[severity]) == 0)
                return (enum severity)severity;
    }
    return rule->severity;
}

enum severity lint_severity_of(const struct source_stream *stream, const char *rule)
{
    return lint_severity(stream, lint_rule_find(str_from(rule)));
}
