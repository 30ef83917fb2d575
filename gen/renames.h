/*
 * Which objects are renamed, and not dropped and made anew: by a hint of the goal's file, by --rename, or, where only a
 * person can know, by asking. Renames run before everything else, so that the schemas are compared after them.
 *
 * With a table or column goes what bears its name: documents_pkey, documents_title_key, documents_id_seq.
 */
#ifndef GEN_RENAMES_H
#define GEN_RENAMES_H

#include "gen/changes.h"
#include "gen/hints.h"

struct rename_pair {
    uint32_t from, to;           /* objects of start and goal; of a label: its enum in both */
    const char *label, *renamed; /* of an enum: literals of the label before and after; else NULL */
    const char *up, *down;       /* the statements */
};

/* Something that is dropped, and something that looks like it and is new. */
struct rename_question {
    uint32_t from, to;
    const char *label, *renamed; /* as above */
    bool holds_values;           /* dropping it loses something; else it is only worth a note */
};

struct rename_plan {
    VEC(struct rename_pair) pairs; /* in the order in which they are done; undone from the last to the first */
    VEC(struct rename_question) questions;
    struct strings notes;
};

/* "column:documents.title": as --rename and --allow-destructive spell it; without the stream's own schema. */
const char *rename_word(struct arena *a, const struct catalog *c, const struct object *o, const char *label);
/* The name alone, as a hint has it: "title". */
const char *rename_name(struct arena *a, const struct object *o, const char *label);
/* Whether --allow-destructive=WORD means the object. */
bool rename_is_meant(const struct strings *words, const struct catalog *c, const struct object *o, const char *label);

/*
 * Fills pairs and questions. `hints` may be NULL. False: findings at the hints' lines, or *e for one of `words` (--rename)
 * that fits nothing.
 */
bool renames_find(struct arena *a, const struct snapshot *start, const struct snapshot *goal, struct hints *hints,
                  const struct strings *words, const struct policy *policy, struct findings *out,
                  struct rename_plan *plan, struct err *e);
/* Answers a question with yes. False: it cannot be renamed. */
bool renames_accept(struct arena *a, const struct snapshot *start, const struct snapshot *goal,
                    const struct rename_question *question, struct rename_plan *plan, struct err *e);
/* When all are found: what goes with them, and the order. */
void renames_finish(struct arena *a, const struct snapshot *start, const struct snapshot *goal,
                    struct rename_plan *plan);

#endif
