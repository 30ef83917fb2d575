/* Sets of revisions, a bit each, and their order of loading. Knows a graph only by its size and load order. */
#include <assert.h>

#include "model/graph.h"

#define WORD_BITS 64u

static size_t words_of(const struct revset *s)
{
    return (s->n + WORD_BITS - 1) / WORD_BITS;
}

struct revset revset_new(struct arena *a, const struct graph *g)
{
    struct revset s = {.n = graph_size(g)};
    s.bits = ARENA_ARRAY(a, uint64_t, words_of(&s));
    return s;
}

struct revset revset_of(struct arena *a, const struct graph *g, uint32_t index)
{
    struct revset s = revset_new(a, g);
    revset_add(&s, index);
    return s;
}

struct revset revset_from(struct arena *a, const struct graph *g, const struct revlist *list)
{
    struct revset s = revset_new(a, g);
    for (size_t i = 0; i < list->n; i++)
        revset_add(&s, list->v[i]);
    return s;
}

bool revset_has(const struct revset *s, uint32_t index)
{
    return index < s->n && (s->bits[index / WORD_BITS] >> (index % WORD_BITS) & 1);
}

void revset_add(struct revset *s, uint32_t index)
{
    assert(index < s->n);
    s->bits[index / WORD_BITS] |= UINT64_C(1) << (index % WORD_BITS);
}

void revset_remove(struct revset *s, uint32_t index)
{
    assert(index < s->n);
    s->bits[index / WORD_BITS] &= ~(UINT64_C(1) << (index % WORD_BITS));
}

void revset_union(struct revset *to, const struct revset *from)
{
    for (size_t i = 0; i < words_of(to); i++)
        to->bits[i] |= from->bits[i];
}

void revset_subtract(struct revset *from, const struct revset *what)
{
    for (size_t i = 0; i < words_of(from); i++)
        from->bits[i] &= ~what->bits[i];
}

void revset_intersect(struct revset *to, const struct revset *with)
{
    for (size_t i = 0; i < words_of(to); i++)
        to->bits[i] &= with->bits[i];
}

size_t revset_count(const struct revset *s)
{
    size_t count = 0;
    for (size_t i = 0; i < words_of(s); i++)
        count += (size_t)__builtin_popcountll(s->bits[i]);
    return count;
}

bool revset_is_empty(const struct revset *s)
{
    return revset_next(s, 0) == REVISION_NONE;
}

bool revset_meets(const struct revset *a, const struct revset *b)
{
    for (size_t i = 0; i < words_of(a); i++)
        if (a->bits[i] & b->bits[i])
            return true;
    return false;
}

uint32_t revset_next(const struct revset *s, uint32_t from)
{
    size_t i = from / WORD_BITS;
    if (from >= s->n)
        return REVISION_NONE;
    uint64_t word = s->bits[i] & (UINT64_MAX << (from % WORD_BITS));
    while (!word) {
        if (++i == words_of(s))
            return REVISION_NONE;
        word = s->bits[i];
    }
    return (uint32_t)(i * WORD_BITS) + (uint32_t)__builtin_ctzll(word);
}
