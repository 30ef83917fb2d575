/*
 * Suppressions: a comment line
 *
 *     -- lint:allow RULE[,RULE] why it is right here
 *
 * above a statement, inside it, or behind it on its last line allows these rules' findings on that one statement. The
 * reason is demanded, and what allows nothing is a finding itself, so that none outlives its cause.
 */
#ifndef GEN_LINT_ALLOW_H
#define GEN_LINT_ALLOW_H

#include "gen/source.h"

struct allow {
    const char *rule;
    const char *reason;
    size_t offset;      /* of the rule's name, in the file */
    uint32_t statement; /* index in the section; UINT32_MAX: it stands by no statement */
    bool used;
};
struct allows {
    struct allow *v;
    size_t n, cap;
};

/*
 * Reads those of a section, whose statements are known. Findings: bad-allow for one without a rule, with a rule that does
 * not exist or cannot be allowed, without a reason, by no statement, or in another spelling. In a section that did not
 * parse they stand by no statement, and that is no finding.
 */
void allows_read(struct arena *a, struct findings *out, const struct source_revision *revision,
                 const struct revision_section *section, struct allows *list);
/* The same for the lines above the first section, where none can be: bad-allow. */
void allows_read_header(struct findings *out, const struct source_revision *revision);
/* Whether a finding of the rule on the statement is allowed; marks what allows it. */
bool allows_have(struct allows *list, const char *rule, uint32_t statement);
/* unused-allow for each that allowed nothing. A rule that the stream has turned off is used. */
void allows_end(struct findings *out, const struct source_stream *stream, const struct source_revision *revision,
                const struct allows *list);

#endif
