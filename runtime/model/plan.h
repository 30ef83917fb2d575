/*
 * Plans: which revisions run, in which order, and which version rows stand after each. A plan is a value: it is built whole
 * from the graph, the version rows and a target, checked whole, then run, printed or rendered as a script. Pure.
 *
 * Semantics: Alembic's, exactly (targets, ranges, relative steps, branches, merges, dependencies, row changes), with
 * better messages. All refusals here are FAULT_USAGE unless said; unknown rows are FAULT_DIVERGED.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "model/graph.h"

enum row_change_kind { ROW_INSERT, ROW_UPDATE, ROW_DELETE };

/* One statement on the version table. INSERT: `to`; UPDATE: `from` becomes `to`; DELETE: `from`. */
struct row_change {
    enum row_change_kind kind;
    const char *from;
    const char *to;
};

enum step_kind { STEP_UPGRADE, STEP_DOWNGRADE, STEP_STAMP };

struct step {
    enum step_kind kind;
    const struct revision *revision; /* NULL for a stamp */
    struct strings before;           /* version rows this step starts from, sorted by bytes */
    struct strings after;            /* and ends with, sorted by bytes */
    struct row_change *changes;      /* in the order they are sent: DELETEs, then the UPDATE, then INSERTs */
    size_t n_changes;
};

struct plan {
    struct strings before; /* the rows that it was made from, sorted */
    struct strings target; /* the rows at its end, sorted */
    struct step *steps;
    size_t n;
    bool purge; /* stamp --purge: every row goes first, known or not */
};

/*
 * What a target looks like, without a graph: used by the command line to tell a target from a misspelt command, and to
 * refuse early. Accepts [label@]symbol, +N, -N, label@+N, symbol+N, symbol-N.
 */
enum target_shape { TARGET_SYMBOL, TARGET_RELATIVE, TARGET_SYMBOL_RELATIVE };
struct target {
    enum target_shape shape;
    struct str label;  /* empty: none */
    struct str symbol; /* empty for a bare +N */
    int64_t offset;    /* signed; 0 unless relative */
};
bool target_parse(struct str text, struct target *out, struct err *e);

bool plan_upgrade(struct arena *a, const struct graph *g, const struct strings *rows, struct str target,
                  struct plan *out, struct err *e);
bool plan_downgrade(struct arena *a, const struct graph *g, const struct strings *rows, struct str target,
                    struct plan *out, struct err *e);
/* `targets` as typed (several allowed); base and label@base delete. */
bool plan_stamp(struct arena *a, const struct graph *g, const struct strings *rows, const struct strings *targets,
                bool purge, struct plan *out, struct err *e);
/* FROM:TO for --sql: the rows FROM stands for (base: none), so that the plan can be made without a database. */
bool plan_rows_of(struct arena *a, const struct graph *g, struct str from, struct strings *rows, struct err *e);

/* `history -r RANGE`: newest first. An empty range is everything. `rows` may be NULL when `current` is not asked for. */
bool plan_history(struct arena *a, const struct graph *g, struct str range, const struct strings *rows,
                  struct revlist *out, struct err *e);

/* Version rows that mean "at every real head": what `head`(s) leads to from nothing. */
bool plan_at_head(struct arena *a, const struct graph *g, const struct strings *rows, bool *at_head, struct err *e);

/*
 * Everything that counts as applied when `rows` stand: the ancestors of the rows, in the stream's own order (parents
 * first). `unknown` receives rows that the graph lacks, if any, and is not a failure here.
 */
struct revlist plan_applied(struct arena *a, const struct graph *g, const struct strings *rows,
                            struct strings *unknown);

#endif
