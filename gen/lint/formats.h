/*
 * Findings as other programs want them: GitHub's annotations and SARIF. Pure text.
 */
#ifndef GEN_LINT_FORMATS_H
#define GEN_LINT_FORMATS_H

#include "gen/source.h"

/* A workflow command a line: ::error file=…,line=…,col=…,title=RULE::message. */
void format_github(struct buf *out, const struct findings *all);

/*
 * SARIF 2.1.0: one document with the whole table of rules and a result for each finding. Columns count characters. Paths are
 * relative where the findings' are, so that they mean something in another checkout. `version` is the product's.
 */
void format_sarif(struct buf *out, const struct findings *all, const char *version);

#endif
