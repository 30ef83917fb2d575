/* The part of the table that is about SQLite; what finds them is in sqlite.c. */
#include "gen/lint/rules.h"

static const struct lint_rule rules[] = {
    {.id = "sl-types"},
};

const struct lint_rules lint_rules_sqlite = {.title = "SQLite", .v = rules, .n = 0};
