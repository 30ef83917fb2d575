/*
 * What a desired-state file says beyond SQL, in comments on the line of an item or on the lines above it:
 *
 *     -- renamed from: old_name     table, column, constraint, index, sequence, type, enum label, view, function, schema, …
 *     -- using: EXPRESSION          how a column's values become its new type
 *     -- backfill: EXPRESSION       what existing rows get in a new NOT NULL column ("none": there are no rows)
 *
 * A hint belongs to the item that begins next on its line or below it: a statement, or a column or constraint inside
 * CREATE TABLE, or a label inside CREATE TYPE … AS ENUM.
 */
#ifndef GEN_HINTS_H
#define GEN_HINTS_H

#include "gen/source.h"
#include "schema/catalog.h"

enum hint_kind { HINT_RENAMED_FROM, HINT_USING, HINT_BACKFILL };

struct hint {
    enum hint_kind kind;
    const char *text;      /* the old name as written (bare or quoted, with a schema or without), or the expression */
    uint32_t offset;       /* of the comment, in the file */
    const char *item;      /* "table", "column", "constraint", "index", "enum label" …: a kind's name */
    const char *name;      /* of the item: as it is in the catalog, without quotes */
    const char *container; /* of a column, constraint or label: the table's or type's name without quotes; else NULL */
    const char *schema;    /* as written, without quotes; NULL: none */
    bool used;             /* set by whoever follows it */
};

struct hints {
    const struct text_file *file;
    VEC(struct hint) list;
};

/* Reads them; one that belongs to nothing, or is not understood, is a finding. Any bytes are fine (fuzzed). */
void hints_read(struct findings *out, struct arena *a, const struct text_file *file, enum dialect dialect,
                struct hints *hints);
/* The hint of an object of the goal; NULL: none. */
struct hint *hint_of(const struct hints *hints, enum hint_kind kind, const struct catalog *goal,
                     const struct object *object);
/* The same for a label of an enum of the goal: they are no objects. */
struct hint *hint_of_label(const struct hints *hints, const struct catalog *goal, const struct object *type,
                           const char *label);

#endif
