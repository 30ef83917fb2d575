/*
 * States are made level by level, so that each comes after all that lead to it; the first edge out of the first state of a
 * level is the stream's own order. Then the way: at each state a copy of the database goes along every edge but the first,
 * and further from states that nobody was at yet; the database itself goes along the first one.
 */
#include "gen/verify/orders.h"

#include <string.h>

/* Counting goes on beyond what is walked, but not for ever. */
#define STATES_BEYOND 50000

#define STATE_NONE UINT32_MAX

struct edge {
    uint32_t revision;
    uint32_t to; /* STATE_NONE: not counted any more */
};

struct state {
    size_t first; /* of its edges */
    uint32_t n_out, n_in;
    uint64_t ways; /* paths from the empty state */
    bool reached;  /* by the steps so far */
    bool leads_on; /* from here on there is something to choose */
    bool line;
};

struct planner {
    struct arena *a;
    const struct stream *stream;
    const bool *left_out;
    size_t n_words;
    uint64_t most;
    size_t limit;    /* of states */
    uint64_t *fresh; /* room for the set that is looked for */
    VEC(uint64_t) sets;
    VEC(struct state) states;
    VEC(struct edge) edges;
    uint32_t *table; /* state + 1 by hash of the set; 0: free */
    size_t n_slots;  /* a power of two */
    struct orders *out;
};

/* -------------------------------------------------------------------------------------------------------------- sets */

static const uint64_t *set_of(const struct planner *p, uint32_t state)
{
    return p->sets.v + state * p->n_words;
}

static bool has(const uint64_t *set, uint32_t i)
{
    return set[i / 64] >> (i % 64) & 1;
}

static bool has_all(const uint64_t *set, const uint32_t *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!has(set, list[i]))
            return false;
    return true;
}

static bool can_apply(const struct planner *p, const uint64_t *set, uint32_t i)
{
    const struct revision *r = p->stream->revisions[i];
    return !has(set, i) && !(p->left_out && p->left_out[i]) && has_all(set, r->down, r->n_down) &&
           has_all(set, r->depends, r->n_depends);
}

static size_t hash_of(const uint64_t *set, size_t n)
{
    uint64_t h = UINT64_C(1469598103934665603);
    for (size_t w = 0; w < n; w++) {
        h = (h ^ set[w]) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return (size_t)(h ^ h >> 33);
}

/* Where the set is in the table, or where it would be. */
static size_t slot_of(const struct planner *p, const uint64_t *set)
{
    size_t at = hash_of(set, p->n_words) & (p->n_slots - 1);
    while (p->table[at] && memcmp(set_of(p, p->table[at] - 1), set, p->n_words * sizeof *set) != 0)
        at = (at + 1) & (p->n_slots - 1);
    return at;
}

static void grow_table(struct planner *p)
{
    p->n_slots = p->n_slots ? p->n_slots * 2 : 256;
    p->table = ARENA_ARRAY(p->a, uint32_t, p->n_slots);
    for (uint32_t i = 0; i < p->states.n; i++)
        p->table[slot_of(p, set_of(p, i))] = i + 1;
}

static uint32_t add_state(struct planner *p)
{
    if ((p->states.n + 1) * 2 > p->n_slots)
        grow_table(p);
    size_t slot = slot_of(p, p->fresh);
    for (size_t w = 0; w < p->n_words; w++)
        vec_push(p->a, &p->sets, p->fresh[w]);
    vec_push(p->a, &p->states, (struct state){0});
    p->table[slot] = (uint32_t)p->states.n;
    return (uint32_t)p->states.n - 1;
}

/* ------------------------------------------------------------------------------------------------------------ states */

/* The state with one revision more; a new one only while there is room, or when the line needs it. */
static uint32_t state_with(struct planner *p, uint32_t from, uint32_t revision, bool line)
{
    memcpy(p->fresh, set_of(p, from), p->n_words * sizeof *p->fresh);
    p->fresh[revision / 64] |= (uint64_t)1 << (revision % 64);
    uint32_t known = p->table[slot_of(p, p->fresh)];
    if (known)
        return known - 1;
    return line || p->states.n < p->limit ? add_state(p) : STATE_NONE;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void add_edge(struct planner *p, uint32_t from, uint32_t revision)
{
    bool line = p->states.v[from].line && !p->states.v[from].n_out;
    uint32_t to = state_with(p, from, revision, line);
    vec_push(p->a, &p->edges, (struct edge){revision, to});
    p->states.v[from].n_out++;
    if (to == STATE_NONE) {
        p->out->exact = false;
        return;
    }
    struct state *s = &p->states.v[to];
    s->line = s->line || line;
    s->n_in++;
    s->ways = add_capped(s->ways, p->states.v[from].ways);
}

static void find_states(struct planner *p)
{
    uint32_t first = add_state(p);
    p->states.v[first].ways = 1;
    p->states.v[first].line = true;
    for (uint32_t s = 0; s < p->states.n; s++) {
        p->states.v[s].first = p->edges.n;
        for (uint32_t i = 0; i < p->stream->n_revisions; i++)
            if (can_apply(p, set_of(p, s), i))
                add_edge(p, s, i);
    }
}

/* -------------------------------------------------------------------------------------------------------------- edges */

static const struct edge *edge_of(const struct planner *p, uint32_t state, uint32_t i)
{
    return &p->edges.v[p->states.v[state].first + i];
}

/* Is there another way out of where it begins, or into where it ends? */
static bool is_choice(const struct planner *p, uint32_t from, const struct edge *e)
{
    return p->states.v[from].n_out > 1 || e->to == STATE_NONE || p->states.v[e->to].n_in > 1;
}

/* Later states first: what they lead to is known then. */
static void find_choices(struct planner *p)
{
    for (uint32_t s = (uint32_t)p->states.n; s-- > 0;)
        for (uint32_t i = 0; i < p->states.v[s].n_out; i++) {
            const struct edge *e = edge_of(p, s, i);
            bool choice = is_choice(p, s, e);
            p->out->n_edges += choice;
            p->states.v[s].leads_on = p->states.v[s].leads_on || choice || p->states.v[e->to].leads_on;
        }
}

/* ------------------------------------------------------------------------------------------------------------ the way */

static void push(struct planner *p, struct order_step step)
{
    vec_push(p->a, &p->out->steps, step);
}

static bool may_walk(const struct planner *p, uint32_t from, const struct edge *e)
{
    return e->to != STATE_NONE && (!is_choice(p, from, e) || p->out->n_walked < p->most);
}

/* True: nobody was there yet, and there is more to see from there. */
static bool step_along(struct planner *p, uint32_t from, const struct edge *e)
{
    struct state *to = &p->states.v[e->to];
    bool again = to->reached;
    push(p, (struct order_step){.action = ORDER_UP,
                                .revision = e->revision,
                                .from = from,
                                .to = e->to,
                                .compare = again,
                                .line = p->states.v[from].line && to->line});
    p->out->n_walked += is_choice(p, from, e);
    to->reached = true;
    return !again && to->leads_on;
}

static void walk_from(struct planner *p, uint32_t state)
{
    for (bool on = true; on;) {
        for (uint32_t i = 1; i < p->states.v[state].n_out; i++) {
            const struct edge *e = edge_of(p, state, i);
            if (!may_walk(p, state, e))
                continue;
            push(p, (struct order_step){.action = ORDER_FORK, .from = state, .to = state});
            if (step_along(p, state, e))
                walk_from(p, e->to);
            push(p, (struct order_step){.action = ORDER_BACK, .from = state, .to = state});
        }
        const struct edge *first = edge_of(p, state, 0);
        on = p->states.v[state].n_out && may_walk(p, state, first) && step_along(p, state, first);
        state = on ? first->to : state;
    }
}

void orders_plan(struct arena *a, const struct stream *stream, const bool *left_out, uint64_t most, struct orders *out)
{
    struct planner p = {.a = a, .stream = stream, .left_out = left_out, .most = most, .out = out};
    *out = (struct orders){.exact = true};
    p.n_words = (stream->n_revisions + 63) / 64;
    p.n_words += p.n_words == 0;
    p.fresh = ARENA_ARRAY(a, uint64_t, p.n_words);
    p.limit = (size_t)(most < STATES_BEYOND ? most : STATES_BEYOND) + STATES_BEYOND;
    find_states(&p);
    find_choices(&p);
    out->n_states = (uint32_t)p.states.n;
    out->sets = p.sets.v;
    out->n_words = p.n_words;
    out->n_orders = p.states.v[p.states.n - 1].ways;
    if (p.states.v[0].leads_on)
        walk_from(&p, 0);
}

bool orders_has(const struct orders *o, uint32_t state, uint32_t revision)
{
    return has(o->sets + state * o->n_words, revision);
}
