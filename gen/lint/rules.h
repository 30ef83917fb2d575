/*
 * Every rule that a finding can name, as one table: what is found, why it matters, the safe form, and two texts that show
 * it. The table feeds `lint --explain`, docs/rules.md, the keys of env.ini's [lint], the severities, and the tests: each
 * `bad` must be found, each `good` must not.
 */
#ifndef GEN_LINT_RULES_H
#define GEN_LINT_RULES_H

#include "gen/source.h"

enum rule_flag {
    /* Said by another stage, mostly because nothing could be built or run. It can be neither turned down nor allowed. */
    RULE_ALWAYS = 1,
    /* Down sections too. Without it a rule is for up sections: a down takes back what its up did. */
    RULE_DOWN = 2,
};

struct lint_rule {
    const char *id;
    unsigned dialects;      /* DIALECT_BIT()s; 0: files, headers and env.ini, whatever the engine */
    enum severity severity; /* unless env.ini says otherwise */
    unsigned flags;         /* enum rule_flag */
    const char *title;      /* what is found: "CREATE INDEX on a table that is in use" */
    /* What it costs and how long, in full sentences: lock, rewrite, scan, data loss, old code that breaks, versions. */
    const char *why;
    const char *
        safe; /* the safe form in general: SQL with comments; revisions are told apart by "-- revision 1". NULL: none */
    /*
     * Examples, as the text of one revision's sections. Without a section line it is the body of "-- migrate:up", of the
     * dialect when the rule is for one. `before` (may be NULL) is an earlier revision for both. NULL where files or
     * headers are what is wrong.
     */
    const char *before, *bad, *good;
};

/* A part of the table, one file each: rules_*.c. */
struct lint_rules {
    const char *title; /* a heading of the document */
    const struct lint_rule *v;
    size_t n;
};
extern const struct lint_rules lint_rules_locks, lint_rules_changes, lint_rules_sqlite;
extern const struct lint_rules lint_rules_build, lint_rules_files, lint_rules_schemas, lint_rules_verify;

/* All of them, in the order of the document. */
extern const struct lint_rules *const lint_all_rules[];
extern const size_t n_lint_all_rules;

/* NULL: there is no such rule. */
const struct lint_rule *lint_rule_find(struct str id);
/* Ids of all rules, for "did you mean". */
void lint_rule_ids(struct arena *a, struct strings *out);

/* What the stream makes of a rule: its own word in [lint], else the rule's. */
enum severity lint_severity(const struct source_stream *stream, const struct lint_rule *rule);
/* The same by id, for stages that ask before they warn; SEVERITY_OFF: add nothing. The rule exists. */
enum severity lint_severity_of(const struct source_stream *stream, const char *rule);

#endif
