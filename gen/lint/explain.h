/*
 * The table of rules for people and programs: one rule in full, the list of all, and the page docs/rules.md. Pure text.
 */
#ifndef GEN_LINT_EXPLAIN_H
#define GEN_LINT_EXPLAIN_H

#include "gen/lint/rules.h"

/* Title, severity, engines, why, the safe form and the examples. */
void explain_rule(struct buf *out, const struct lint_rule *rule);
/* A line for each rule, under the headings of the document. */
void explain_rules(struct buf *out);
/* One rule as a JSON object, without a line end. */
void explain_json(struct buf *out, const struct lint_rule *rule);
/* Markdown: every rule. */
void explain_page(struct buf *out);

#endif
