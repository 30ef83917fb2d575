/*
 * One finding of lint turned into its safe form: what stands in the statement's place, and which revisions follow.
 *
 *     rewrite.c    a finding → a rewrite, for the rules that have a safe form which can be computed
 *     plan.c       the rewrites of a revision → its new text, and the revisions behind it
 *     overlay.c    the folder of migrations as it would be, to be built, checked and compared
 *     text_diff.c  two texts → what a person reviews
 *     fix.c        the command
 */
#ifndef GEN_FIX_REWRITE_H
#define GEN_FIX_REWRITE_H

#include "gen/source.h"

#define NO_STATEMENT UINT32_MAX

/* A revision that follows, as PostgreSQL runs it. */
struct fix_part {
    const char *message;
    const char *up, *down; /* statements with their semicolons, a line each */
    bool no_transaction;
};

struct rewrite {
    const char *rule;
    const struct source_revision *revision;
    uint32_t section, statement;
    const char *instead;      /* without a semicolon; NULL: the statement is taken out */
    uint32_t down;            /* of the down section's statements the one that took it back, or NO_STATEMENT */
    const char *down_instead; /* NULL: taken out */
    VEC(struct fix_part) parts;
};

/* Whether the rule's findings can be rewritten at all. */
bool rewrite_knows(const char *rule);
/* Everything in `a`. False: this one cannot be, and *why says what stands in the way. */
bool rewrite_make(struct arena *a, const struct finding *found, struct rewrite *out, const char **why);

#endif
