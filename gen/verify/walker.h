/*
 * Inside the walk: what its files share. Nothing else includes this header.
 *
 *     walk.c         the line
 *     walk_orders.c  the orders
 *     walker.c       running a section, reading a schema, judging what was read
 */
#ifndef GEN_VERIFY_WALKER_H
#define GEN_VERIFY_WALKER_H

#include "gen/verify/orders.h"
#include "gen/verify/seed.h"
#include "gen/verify/walk.h"

/* What was said of a revision: once is enough, in however many states it shows. */
enum told {
    TOLD_UP = 1,
    TOLD_DOWN = 2,
    TOLD_LEFTOVERS = 4,
    TOLD_AGAIN = 8,
    TOLD_AGAIN_DIFFERS = 16,
    TOLD_COLUMN_ORDER = 32,
};

struct walker {
    struct arena *a;
    struct findings *out;
    const struct log *log;
    const struct walk_options *options;
    const struct source_stream *stream;
    uint32_t n; /* revisions */
    struct ground *ground;
    struct seeds seeds;
    bool *broken;   /* of each revision: it or what it needs cannot be applied */
    unsigned *told; /* of each revision: enum told */
    struct walk_report *report;
    struct err *e; /* what ends the walk */
};

/* A database, and what it holds. */
struct spot {
    struct place *place;
    bool *applied;      /* of each revision */
    bool *seeded;       /* of each seed */
    const char **words; /* of each seed: why it did not run; NULL: nobody asks */
};

/* A schema as it was read; the zero value is none. */
struct reading {
    struct arena arena;
    struct catalog *schema;
};
void reading_free(struct reading *r);
#define READING_AUTO __attribute__((cleanup(reading_free))) struct reading

bool spot_open(struct walker *w, struct spot *s);
bool spot_copy(struct walker *w, const struct spot *from, struct spot *s);
void spot_close(struct spot *s);
/* Goes on from the other one, unless that is none. */
void spot_take(struct spot *s, struct spot *other);
bool spot_read(struct walker *w, struct spot *s, struct reading *out);

const struct revision *walker_revision(const struct walker *w, uint32_t i);
/* What runs in a direction; NULL: nothing. */
const struct revision_section *walker_section(const struct walker *w, uint32_t i, enum direction direction);
/* Whether all of a section is undone when it fails. */
bool section_is_whole(const struct revision_section *s);

enum ran { RAN, RAN_REFUSED, RAN_LOST }; /* LOST: w->e is set */

/* Runs a section; RAN_REFUSED: *why says it, and the place is as it was if the section is whole. */
enum ran walker_run(struct walker *w, struct spot *s, uint32_t i, enum direction direction,
                    struct statement_locks *locks, struct err *why);
/* After a revision's first up. */
bool walker_seed(struct walker *w, struct spot *s);
/* The same where down comes next; *aside is a copy when rows came in, which down may well take away again. */
bool walker_seed_aside(struct walker *w, struct spot *s, struct spot *aside);

/* ---- findings ---- */

/* True, and noted, when it was not told of the revision yet. */
bool walker_tell(struct walker *w, uint32_t i, enum told what);
/* The failure of a section, where it happened; `when` (""): " when it runs for the second time". */
struct finding *walker_blame(struct walker *w, const char *rule, uint32_t i, enum direction direction,
                             const struct err *why, const char *when);

/* How differences are told; "%s" is the object. */
struct wording {
    const char *rule;
    const char *message; /* what is wrong as a whole */
    const char *unexpected, *missing;
};
/* How two schemas differ. */
struct contrast {
    size_t n;
    struct buf first, others; /* as people read it */
};
void contrast_free(struct contrast *v);
#define CONTRAST_AUTO __attribute__((cleanup(contrast_free))) struct contrast
void walker_compare(const struct wording *wording, const struct reading *wanted, const struct reading *found,
                    struct contrast *v);
/* A finding at a section that a contrast is about; `where` follows the engine's name. */
struct finding *walker_judge(struct walker *w, const struct wording *wording, uint32_t i, enum direction direction,
                             const struct contrast *v, const char *where);
/* Columns that stand elsewhere, where nothing else differs: a note. */
void walker_note_order(struct walker *w, uint32_t i, const struct reading *wanted, const struct reading *found);

extern const struct wording wording_down, wording_again;

/* ---- the orders ---- */

bool walk_orders(struct walker *w);

#endif
