/*
 * The part of the table that `verify` speaks of: what only running revisions on real databases shows. A text alone shows
 * none of it, so that there are no examples.
 */
#include "gen/lint/rules.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BOTH (DIALECT_BIT(DIALECT_POSTGRESQL) | DIALECT_BIT(DIALECT_SQLITE))

static const struct lint_rule rules[] = {
    {.id = "up-fails",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "An up that fails",
     .why = "It was run on a database that holds the revisions before it and the rows of --seed: what it would do to a "
            "database in production. Revisions that build on it are left out."},
    {.id = "down-fails",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "A down that fails",
     .why = "It was run right after its up. In production it is needed when something else has gone wrong already."},
    {.id = "down-differs",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "A down that does not lead back",
     .why = "The schema after down is not the one that was there before up: something is left behind, missing, or "
            "otherwise. Leftovers make the next up fail, or stay for good."},
    {.id = "up-again-fails",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "An up that fails the second time",
     .why = "After its own down a revision cannot be applied again, mostly because the down leaves something behind."},
    {.id = "up-again-differs",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "An up that leads elsewhere the second time",
     .why = "After its own down a revision builds another schema than at first: what it does depends on what the down "
            "left."},
    {.id = "order-fails",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "An up that fails in another order",
     .why =
         "Branches may be applied in any order that parents and dependencies allow, and tenants that were migrated at "
         "different times have had different ones. In one of them this revision does not run.",
     .safe = "-- revision 1, which makes what the other one needs\n"
             "-- revision 2\n-- Depends-On: the id of revision 1"},
    {.id = "order-matters",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "Two revisions that do not commute",
     .why =
         "Neither builds on the other, and which is applied first decides what the schema is: tenants end differently "
         "with the same version rows.",
     .safe = "-- revision 1\n-- revision 2, which then always comes last\n-- Depends-On: the id of revision 1"},
    {.id = "orders-left-out",
     .dialects = BOTH,
     .severity = SEVERITY_WARNING,
     .flags = RULE_ALWAYS,
     .title = "More orders than were walked",
     .why = "Branches multiply the sets of revisions that a database can hold. --orders N walks more steps; a merge "
            "revision ends what there is to choose."},
    {.id = "column-order",
     .dialects = BOTH,
     .severity = SEVERITY_NOTE,
     .flags = RULE_ALWAYS,
     .title = "A column that stands elsewhere after down",
     .why =
         "A column that is added again comes last. SELECT * and INSERT without a list of columns see the difference."},
    {.id = "rows-lost",
     .dialects = BOTH,
     .severity = SEVERITY_WARNING,
     .flags = RULE_ALWAYS,
     .title = "Rows that up and down lose",
     .why = "A table that was there before has fewer rows after up and down. Sometimes that is meant; somebody should "
            "know before a downgrade."},
    {.id = "seed-never-ran",
     .dialects = BOTH,
     .flags = RULE_ALWAYS,
     .title = "A statement of a seed that never ran",
     .why = "It was tried after each revision and failed each time, so that its rows were never there. It is wrong, or "
            "the schema went on without it."},
    {.id = "bad-seed",
     .flags = RULE_ALWAYS,
     .title = "A seed line that cannot be read",
     .why = "-- seed: after REVISION is the only form."},
    {.id = "unknown-revision",
     .flags = RULE_ALWAYS,
     .title = "A seed that waits for a revision that is not there",
     .why = "What stands behind the line would never run."},
};

const struct lint_rules lint_rules_verify = {.title = "Verify", .v = rules, .n = COUNT(rules)};
