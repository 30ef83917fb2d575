/*
 * The order of small actions. An action must come after others; it may also be a part of another (a column inside its
 * table's CREATE, an index that vanishes with its table) as long as that makes no circle, and is on its own where it does.
 * Pure, and the same for the same input: what nothing else orders is ordered by class, rank and name.
 */
#ifndef GEN_ACTIONS_H
#define GEN_ACTIONS_H

#include "base/err.h"
#include "base/mem.h"

struct action {
    int class;        /* given by the caller: lower comes first */
    int rank;         /* within a class */
    const char *name; /* within a rank; also for the message about a circle */
    uint32_t whole;   /* the action that it is a part of; itself: none */
    int looseness;    /* of a part: the higher, the sooner it is taken out to break a circle; 0: never */
};
struct action_edge {
    uint32_t before, after;
};
struct actions {
    struct arena *arena;
    VEC(struct action) v;
    VEC(struct action_edge) edges;
};

uint32_t action_add(struct actions *g, int class, int rank, const char *name);
void action_order(struct actions *g, uint32_t before, uint32_t after);
/* `part` need not be a whole itself, but its own parts move along. */
void action_join(struct actions *g, uint32_t part, uint32_t whole, int looseness);
/* Follows the chain of wholes. */
uint32_t action_whole(const struct actions *g, uint32_t action);

/* The wholes in order; parts are with theirs. FAULT_FAILED: a circle of actions that are no parts, each named. */
bool actions_sort(struct actions *g, uint32_t **order, size_t *n, struct err *e);

#endif
