/*
 * What the parts of a plan share: reading version rows, and walking N steps from a place in the graph.
 */
#ifndef MODEL_WALK_H
#define MODEL_WALK_H

#include "model/plan.h"

/* ---------------------------------------------------------------------------------------------------------------- sets */

/* A pair of members of which the second descends from the first; false when there is none. */
bool walk_find_overlap(struct arena *a, const struct graph *g, const struct revset *set, uint32_t *lower,
                       uint32_t *upper);
/* Version rows to a set, refused (FAULT_DIVERGED) when one is unknown or implied by another. */
bool walk_read_rows(struct arena *a, const struct graph *g, const struct strings *rows, struct revset *out,
                    struct err *e);
/* Targets of which one descends from another: FAULT_USAGE. */
bool walk_check_targets(struct arena *a, const struct graph *g, const struct revset *targets, struct err *e);
/* The ids of a list, for messages: "a1, b1, c1". */
const char *walk_list_ids(struct arena *a, const struct graph *g, const struct revlist *list);

/* --------------------------------------------------------------------------------------------------------------- steps */

/* SPOT_NOTHING: before any revision was reached. SPOT_BASE: below a base, where a walk down ended. */
enum spot_kind { SPOT_NOTHING, SPOT_REVISION, SPOT_BASE };
struct spot {
    enum spot_kind kind;
    uint32_t index; /* of SPOT_REVISION */
};

/* One revision, or SPOT_NOTHING for `base` and for a stream without any; several heads are refused. */
bool walk_resolve(struct arena *a, const struct graph *g, struct str symbol, struct spot *out, struct err *e);

/* What to do where the history ends before the steps are done. */
enum walk_end { WALK_EXACTLY, WALK_AT_MOST };
/*
 * Moves *at `steps` up (positive) or down. Up goes to a child by down, from nothing to a base, and only within `lineage`
 * unless that is NULL; down goes to the parent, from nothing to the head, from a base to SPOT_BASE. A fork or a merge on
 * the way is ambiguous, too few steps are refused with WALK_EXACTLY: FAULT_USAGE with `text`, what was typed.
 */
bool walk_steps(struct arena *a, const struct graph *g, struct str text, struct spot *at, int64_t steps,
                const struct revset *lineage, enum walk_end end, struct err *e);
/*
 * -N: from every real head of the lineage (NULL: all) N steps down. *base is set when one of the walks ended there; the
 * others are in the list, each revision once.
 */
bool walk_below_heads(struct arena *a, const struct graph *g, struct str text, int64_t steps,
                      const struct revset *lineage, enum walk_end end, struct revlist *out, bool *base, struct err *e);
/*
 * A relative target as upgrade and the upper end of a history range understand it: +N and label@+N from `from` (the rows, or
 * the lower end), symbol+N and symbol-N from the symbol.
 */
bool walk_to_target(struct arena *a, const struct graph *g, struct str text, const struct target *t,
                    const struct revset *from, enum walk_end end, struct spot *out, struct err *e);
/* The lineage of a label (by down only), and the revision that it stands for. */
bool walk_lineage(struct arena *a, const struct graph *g, struct str label, uint32_t *branch, struct revset *lineage,
                  struct err *e);
/* "[label@]symbol" of a target, without its offset. */
struct str walk_start_of(struct str text, const struct target *t);

/* "LABEL@+1 is ambiguous: …", with one suggestion for each of `choices`. */
bool walk_refuse_choice(struct arena *a, const struct graph *g, struct str text, const struct target *t,
                        const struct revlist *choices, const char *what, struct err *e);

#endif
