/*
 * The orders in which the revisions of a stream can be applied, and a way through all of them.
 *
 * A state is a set of revisions that holds, with each of its members, all that it revises or depends on: what a database
 * can have applied. An edge leads from a state to the one with one revision more. An order of applying everything is a path
 * along edges from the empty state to the full one, and there are easily millions of them; states are far fewer.
 *
 * It is enough to walk each edge once. Say that whenever an edge arrives at a state, the schema there is the one that the
 * first edge to arrive there found. Then a state has one schema, whichever order led to it: for the empty state that is so,
 * and an order arrives at a larger state over an edge from a smaller one, which by induction has one schema, so that the
 * edge begins at what it was walked from. The full state therefore has one schema, and so has every state between, where an
 * upgrade may stop. This holds for what a schema makes of a schema; an order that only certain rows make fail is found
 * only when the rows are there.
 *
 * Where two edges arrive with different schemas, the two revisions that came last are the reason: the states that these
 * edges begin at have one schema each, and both come from the state that has neither revision.
 *
 * Pure: no I/O. Everything lives in the arena of the call.
 */
#ifndef GEN_VERIFY_ORDERS_H
#define GEN_VERIFY_ORDERS_H

#include "base/mem.h"
#include "model/revision.h"

enum order_action {
    ORDER_UP,   /* apply `revision`: the database is at `from`, then at `to` */
    ORDER_FORK, /* go on with a copy of the database, until … */
    ORDER_BACK, /* … this, which drops the copy */
};

struct order_step {
    enum order_action action;
    uint32_t revision; /* index into the stream's table */
    uint32_t from, to; /* states */
    bool compare;      /* another edge arrived at `to` before this one */
    bool line;         /* on the stream's own order, which is walked anyway: the way to what branches off it */
};

struct orders {
    VEC(struct order_step) steps; /* empty when there is one order only */
    uint32_t n_states;
    const uint64_t *sets; /* n_states of them, n_words each: a bit for each revision */
    size_t n_words;
    uint64_t n_orders; /* UINT64_MAX: that many or more */
    uint64_t n_edges;  /* where there is something to choose */
    uint64_t n_walked; /* of them, in the steps */
    bool exact;        /* all states were counted; else there are more of everything than the numbers say */
};

/*
 * `left_out` (may be NULL): revisions that cannot be applied; whatever needs them must be left out too. `most`: edges to
 * walk where there is a choice, beyond which the rest is only counted.
 */
void orders_plan(struct arena *a, const struct stream *stream, const bool *left_out, uint64_t most, struct orders *out);

/* Whether a revision is in a state. */
bool orders_has(const struct orders *o, uint32_t state, uint32_t revision);

#endif
