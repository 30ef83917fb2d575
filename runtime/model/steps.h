/*
 * How a plan grows: step by step, each with the version rows before and after it and the statements between. Between the
 * parts of a plan only.
 */
#ifndef MODEL_STEPS_H
#define MODEL_STEPS_H

#include "model/plan.h"

struct steps {
    struct arena *a;
    const struct graph *g;
    struct plan *plan;
    size_t room;        /* for plan->steps */
    struct revset rows; /* as they stand after the last step */
    struct strings now; /* the same, sorted */
    /* For downgrades: what is applied, and how many applied children (by normdown) each revision has. */
    struct revset applied;
    uint32_t *applied_children;
};

/* The zero value of *plan, with `rows` before it and, so far, after it. */
struct steps steps_begin(struct arena *a, const struct graph *g, const struct revset *rows, struct plan *plan);
/* The revision's parents and dependencies are applied, it is not. */
void steps_upgrade(struct steps *s, uint32_t index);
/* Nothing that is applied descends from the revision. steps_expect_downgrades() comes first, once. */
void steps_expect_downgrades(struct steps *s);
void steps_downgrade(struct steps *s, uint32_t index);
/* Replaces the rows of `from` (in this order) by `to`; REVISION_NONE as `to` deletes them. */
void steps_stamp(struct steps *s, const struct revlist *from, uint32_t to);

#endif
