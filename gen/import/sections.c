/* A revision's steps as the sections of its file. What two engines do in the same words stands once. */
#include <string.h>

#include "gen/import/join.h"

struct part {
    const char *body;
    const char *flags; /* NULL: none */
};

/* What Alembic printed of a step before it gave up, as comments. */
static void add_remains(struct buf *out, const struct import_step *step)
{
    struct str rest = str_from(step ? step->body : ""), line;
    if (rest.n)
        buf_addz(out, "-- What it printed before that:\n");
    while (rest.n && str_next(&rest, '\n', &line))
        if (line.n)
            buf_addf(out, "-- | %.*s\n", STR_ARG(line));
}

static const char *gap_body(struct arena *a, const struct import_revision *r, enum direction direction,
                            enum dialect dialect)
{
    static const char *const texts[] = {
        [GAP_NONE] = "",
        [GAP_NO_SCRIPT] = "-- Not imported: there was no script.\n",
        [GAP_MISSING] = "-- Not imported: Alembic's script has nothing of this revision. Write what it does.\n",
        [GAP_CUT] = "-- Not imported: Alembic could not write it down as SQL. Write what it does.\n",
        [GAP_EMPTY] = "-- Alembic's script has no SQL here.\n",
    };
    BUF_AUTO out = {0};
    enum import_gap gap = r->gaps[direction][dialect];
    buf_addz(&out, texts[gap]);
    if (gap == GAP_CUT)
        add_remains(&out, r->steps[direction][dialect]);
    return arena_str(a, buf_str(&out));
}

static bool has_no_way_back(const struct import_revision *r, enum dialect dialect)
{
    enum import_gap gap = r->gaps[DIRECTION_DOWN][dialect];
    return gap != GAP_NONE && gap != GAP_EMPTY;
}

static struct part make_part(struct arena *a, const struct import_revision *r, enum direction direction,
                             enum dialect dialect)
{
    const struct import_step *step = r->steps[direction][dialect];
    bool runs = r->gaps[direction][dialect] == GAP_NONE;
    struct part part = {.body = runs ? step->body : gap_body(a, r, direction, dialect)};
    BUF_AUTO flags = {0};
    if (runs && step->no_transaction)
        buf_addz(&flags, " transaction:false");
    if (runs && step->foreign_keys_off)
        buf_addz(&flags, " foreign_keys:off");
    if (direction == DIRECTION_UP && has_no_way_back(r, dialect))
        buf_addz(&flags, " irreversible");
    part.flags = flags.n ? arena_str(a, str_slice(buf_str(&flags), 1, flags.n)) : NULL;
    return part;
}

static bool same_part(const struct part *a, const struct part *b)
{
    return strcmp(a->body, b->body) == 0 && strcmp(a->flags ? a->flags : "", b->flags ? b->flags : "") == 0;
}

static void add_direction(struct arena *a, const struct import_revision *r, uint32_t dialects, enum direction direction,
                          struct import_sections *out)
{
    struct part parts[DIALECT_COUNT];
    size_t first = out->n;
    for (size_t d = 0; d < DIALECT_COUNT; d++) {
        if (!(dialects & DIALECT_BIT(d)) || (direction == DIRECTION_DOWN && has_no_way_back(r, (enum dialect)d)))
            continue;
        parts[out->n - first] = make_part(a, r, direction, (enum dialect)d);
        struct part *part = &parts[out->n - first];
        if (out->n > first && same_part(&parts[0], part)) {
            out->v[first].dialects |= DIALECT_BIT(d);
            continue;
        }
        out->v[out->n++] = (struct scaffold_section){direction, DIALECT_BIT(d), .flags = part->flags,
                                                     .body = part->body};
    }
}

void import_sections(struct arena *a, const struct import_revision *r, uint32_t dialects, struct import_sections *out)
{
    *out = (struct import_sections){0};
    add_direction(a, r, dialects, DIRECTION_UP, out);
    add_direction(a, r, dialects, DIRECTION_DOWN, out);
}
