/*
 * From one schema to another, decided and tried: both ends are read, renames are told from drops, the steps are worked
 * out, and all of it is run on a copy of the start, up and down, before anybody writes it anywhere. The result is a value.
 *
 *     autogenerate_read()    both ends as snapshots
 *     autogenerate_ask()     what only a person can know: drop or rename?
 *     autogenerate_plan()    the steps, in portions that each are a transaction; verified
 */
#ifndef GEN_AUTOGENERATE_H
#define GEN_AUTOGENERATE_H

#include "gen/endpoint.h"
#include "gen/renames.h"

struct autogenerate_options {
    struct change_options changes; /* its hints are those of the goal, and set by us */
    struct strings renames;        /* --rename KIND:OLD=NEW */
    struct strings yes, no; /* the same of what a person was asked: for the other dialect, which would ask again */
    const char *scratch;    /* --scratch */
    struct scope scope;
    const char *tenant; /* what a revision learns of it on the scratch database; NULL: a made up one */
    bool relative;      /* the steps have names as the search path allows */
    bool down;          /* a way back is wanted */
};

/* What one transaction holds, or a section with transaction:false: a revision. */
struct portion {
    enum segment segment;
    VEC(const struct change_step *) up;            /* those that are disabled, too */
    struct change_list down;                       /* empty unless asked for */
    struct strings renames_down;                   /* behind it */
    VEC(const struct change_step *) down_disabled; /* what takes back a disabled step of up: as a comment */
};

struct autogenerate {
    struct arena *arena;
    struct endpoint from, to;
    struct autogenerate_options options;
    struct findings *findings; /* of files and streams */

    struct bench *bench; /* NULL: nothing could be tried */
    struct snapshot start, goal;
    struct rename_plan renames;
    struct change_list up;
    VEC(struct portion) portions; /* none: nothing differs */
    VEC(struct err) refusals;     /* what cannot be done or not be tried: nothing may be written then */
    struct strings notes;
    bool is_verified;
    struct err unverified; /* why it is not, where that is no refusal: there is no scratch database */
};

/*
 * The endpoints have one dialect already. Everything lives in the arena, but for what autogenerate_free() gives back.
 * False: *e, or findings.
 */
bool autogenerate_read(struct autogenerate *g, struct err *e);
/* Fills g->renames from hints and --rename, and the questions that remain. */
bool autogenerate_ask(struct autogenerate *g, struct err *e);
/* Refusals are no failure of this: they are in the result. */
bool autogenerate_plan(struct autogenerate *g, struct err *e);
void autogenerate_free(struct autogenerate *g);

/* Whether there is nothing to do. */
bool autogenerate_is_empty(const struct autogenerate *g);

#endif
