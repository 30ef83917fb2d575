/*
 * Streams in memory for tests: from compact text, or revision by revision.
 *
 *     stream_from_text(&arena, "a1 <- ; b1 <- a1 [billing, x] ; c1 <- a1 depends b1 ; m <- b1, c1")
 *
 * The order of the text is the load order; a parent or dependency may stand later. Dependencies are ids or labels.
 */
#ifndef TESTS_UNIT_STREAMS_H
#define TESTS_UNIT_STREAMS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/revision.h"

struct draft {
    const char *id;
    struct strings down, depends, labels;
};

struct drafts {
    struct draft *v;
    size_t n;
    size_t cap;
};

static inline size_t draft_find(const struct drafts *drafts, const char *name)
{
    for (size_t i = 0; i < drafts->n; i++)
        if (strcmp(drafts->v[i].id, name) == 0 || strings_has(&drafts->v[i].labels, name))
            return i;
    fprintf(stderr, "no revision is called %s\n", name);
    abort();
}

static inline uint32_t *draft_links(struct arena *a, const struct drafts *drafts, const struct strings *names,
                                    const uint32_t *index_of)
{
    uint32_t *links = ARENA_ARRAY(a, uint32_t, names->n);
    for (size_t i = 0; i < names->n; i++)
        links[i] = index_of[draft_find(drafts, names->v[i])];
    return links;
}

static inline bool draft_is_ready(const struct drafts *drafts, const struct strings *names, const uint32_t *index_of)
{
    for (size_t i = 0; i < names->n; i++)
        if (index_of[draft_find(drafts, names->v[i])] == UINT32_MAX)
            return false;
    return true;
}

/* The stream of the drafts: parents first, else in the order of the drafts. */
static inline const struct stream *stream_from_drafts(struct arena *a, const struct drafts *drafts)
{
    uint32_t *index_of = ARENA_ARRAY(a, uint32_t, drafts->n), placed = 0;
    const struct revision **table = ARENA_ARRAY(a, const struct revision *, drafts->n);
    if (drafts->n)
        memset(index_of, 0xff, drafts->n * sizeof *index_of);
    while (placed < drafts->n) {
        uint32_t before = placed;
        for (size_t i = 0; i < drafts->n; i++) {
            const struct draft *d = &drafts->v[i];
            if (index_of[i] != UINT32_MAX || !draft_is_ready(drafts, &d->down, index_of) ||
                !draft_is_ready(drafts, &d->depends, index_of))
                continue;
            struct revision *r = ARENA_NEW(a, struct revision);
            r->id = d->id;
            r->message = r->created = r->path = "";
            r->load_order = (uint32_t)i;
            r->n_down = (uint32_t)d->down.n;
            r->down = draft_links(a, drafts, &d->down, index_of);
            r->n_depends = (uint32_t)d->depends.n;
            r->depends = draft_links(a, drafts, &d->depends, index_of);
            r->n_labels = (uint32_t)d->labels.n;
            r->labels = d->labels.v;
            table[placed] = r;
            index_of[i] = placed++;
        }
        if (placed == before) {
            fprintf(stderr, "the revisions have a cycle\n");
            abort();
        }
    }
    struct stream *s = ARENA_NEW(a, struct stream);
    s->name = "tenant";
    s->n_revisions = placed;
    s->revisions = table;
    return s;
}

/* Words between commas and blanks; "" and "-" are none. */
static inline struct strings draft_words(struct arena *a, struct str text)
{
    struct strings words = {0};
    struct str piece;
    while (str_next(&text, ',', &piece)) {
        piece = str_trim(piece);
        if (piece.n && !str_is(piece, "-"))
            vec_push(a, &words, arena_str(a, piece));
    }
    return words;
}

/* The part of *text after `mark`, cut off it; empty when the mark is not there. */
static inline struct str draft_cut(struct str *text, const char *mark)
{
    const char *at = text->n ? memmem(text->p, text->n, mark, strlen(mark)) : NULL;
    if (!at)
        return (struct str){0};
    size_t from = (size_t)(at - text->p);
    struct str rest = str_slice(*text, from + strlen(mark), text->n);
    *text = str_slice(*text, 0, from);
    return rest;
}

static inline const struct stream *stream_from_text(struct arena *a, const char *text)
{
    struct drafts drafts = {0};
    struct str rest = str_from(text), piece;
    while (str_next(&rest, ';', &piece)) {
        piece = str_trim(piece);
        if (!piece.n)
            continue;
        struct draft d = {0};
        d.depends = draft_words(a, draft_cut(&piece, " depends "));
        struct str labels = draft_cut(&piece, "[");
        d.labels = draft_words(a, str_slice(labels, 0, str_find(labels, ']')));
        d.down = draft_words(a, draft_cut(&piece, "<-"));
        d.id = arena_str(a, str_trim(piece));
        vec_push(a, &drafts, d);
    }
    return stream_from_drafts(a, &drafts);
}

/* "a1,b1" from the ids of a list, in order; a buffer of the arena. */
static inline const char *joined(struct arena *a, const struct strings *list)
{
    BUF_AUTO out = {0};
    strings_join(&out, list, ",");
    return arena_str(a, buf_str(&out));
}

#endif
