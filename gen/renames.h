/*
 * Which objects are renamed, and not dropped and made anew: by a hint of the goal's file, by --rename, or, where only a
 * person can know, by asking. Renames run before everything else, so that the schemas are compared after them.
 */
#ifndef GEN_RENAMES_H
#define GEN_RENAMES_H

#include "gen/changes.h"
#include "gen/hints.h"

struct rename_pair {
    uint32_t from, to;           /* objects of start and goal; of an enum's label: the enum itself */
    const char *label, *renamed; /* of an enum: its label before and after, as in its `labels`; else NULL */
    const char *up, *down;       /* the statements */
};

/* A dropped and an added object that look alike. */
struct rename_question {
    uint32_t from, to;
    bool holds_values; /* dropping it loses something; else it is only worth a note */
};

struct rename_plan {
    VEC(struct rename_pair) pairs; /* in the order in which they are done; undone from the last to the first */
    VEC(struct rename_question) questions;
    struct strings notes;
};

/* "column:documents.title": as --rename and --allow-destructive spell it. */
const char *rename_word(struct arena *a, const struct object *o);
/* The line that a schema file would say it with: "-- renamed from: title". */
const char *rename_hint(struct arena *a, const struct object *old);

/*
 * False: findings at the hints' lines, or *e for a --rename that fits nothing. `hints` may be NULL.
 */
bool renames_find(struct arena *a, const struct snapshot *start, const struct snapshot *goal, struct hints *hints,
                  const struct strings *words, const struct policy *policy, struct findings *out,
                  struct rename_plan *plan, struct err *e);
/* Answers a question with yes. */
void renames_accept(struct arena *a, const struct snapshot *start, const struct snapshot *goal,
                    const struct rename_question *question, struct rename_plan *plan);

#endif
