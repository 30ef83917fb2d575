/*
 * Stage lint: what would be right and still hurt. It comes after link and check, reads what they made, and adds findings
 * whose severity the stream decides. PostgreSQL's statements are judged by their syntax tree and by what the revisions
 * before made of the schema (chain.h); SQLite's by running the chain in memory.
 *
 *     rules.h        the table of all rules
 *     lint.c         the way through streams, revisions, sections and statements
 *     statement.h    one statement under the rules
 *     chain.h        the schema as the revisions before leave it
 *     allow.h        `-- lint:allow RULE reason`
 */
#ifndef GEN_LINT_LINT_H
#define GEN_LINT_LINT_H

#include "gen/source.h"

struct lint_options {
    const char *stream;   /* only this one; NULL: all */
    const char *since;    /* a revision of `stream`: it and its ancestors are looked at, but nothing of them is said */
    struct strings paths; /* findings of these files only, as `shown` has them; empty: of all */
};

/*
 * Adds findings to s->findings: lint's, with `place` filled in, and those about suppressions. Streams that are not linked
 * are left out, so are sections that did not parse. Errors in the options are FAULT_USAGE.
 */
bool lint_sources(struct source *s, const struct lint_options *options, struct err *e);

#endif
