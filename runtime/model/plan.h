/*
 * Plans: which revisions run, in which order, and which version rows stand after each. A plan is a value: it is built whole
 * from the graph, the version rows and a target, checked whole, then run, printed or rendered as a script. Pure.
 *
 * Semantics: Alembic's, exactly (targets, ranges, relative steps, branches, merges, dependencies, row changes), with
 * better messages; docs/alembic-differences.md lists where it deliberately differs. All refusals here are FAULT_USAGE unless
 * said; unknown rows, and rows of which one implies another, are FAULT_DIVERGED.
 *
 * Everything that a plan points to lives in the arena, the stream's table or the rows that it was made from.
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
    struct row_change *changes;      /* in the order they are sent: DELETEs or INSERTs, then the UPDATE, as Alembic's */
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
 * refuse early. Accepts [label@]symbol, +N, -N, label@+N, symbol+N, symbol-N, label@symbol-N; as in Alembic, what follows
 * the digits is ignored. An offset beyond 63 bits is the nearest one that fits. Refuses the empty text, a range, a missing
 * or reserved label, a missing symbol, a second "@".
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
/*
 * Whether a downgrade to `target` has nothing to do because the rows stand at it or below: nothing above the target is
 * applied (on its branch, where a label says so), and either the target is, or one of the rows is its ancestor, or there are
 * no rows. For fleets, whose tenants need not all be above the target; rows on another branch alone are not below. Refuses
 * what plan_downgrade() refuses about the target itself.
 */
bool plan_is_below(struct arena *a, const struct graph *g, const struct strings *rows, struct str target, bool *below,
                   struct err *e);
/*
 * `targets` as typed (several allowed); base and label@base delete the rows of that lineage. A target above or below rows
 * of its lineage (dependencies included) replaces them, another is added. One step a target, for base one a row.
 */
bool plan_stamp(struct arena *a, const struct graph *g, const struct strings *rows, const struct strings *targets,
                bool purge, struct plan *out, struct err *e);
/* FROM:TO for --sql: the rows FROM stands for (base: none), so that the plan can be made without a database. */
bool plan_rows_of(struct arena *a, const struct graph *g, struct str from, struct strings *rows, struct err *e);

/*
 * `history -r RANGE`: newest first. An empty range is everything; otherwise [start]:[end], both ends included, an end may be
 * `current`, and relative ends stop at the end of the history. `rows` may be NULL when `current` is not asked for.
 */
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
