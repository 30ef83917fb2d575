/* The part of the table that is about what cannot be built or run: the other stages say so, and nothing allows it. */
#include "gen/lint/rules.h"

static const struct lint_rule rules[] = {
    {.id = "syntax"},
};

const struct lint_rules lint_rules_build = {.title = "What cannot be built or run", .v = rules, .n = 0};
