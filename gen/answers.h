/* What the commands that compare schemas share: their options, their questions, and what they say of a plan. */
#ifndef GEN_ANSWERS_H
#define GEN_ANSWERS_H

#include "gen/autogenerate.h"
#include "gen/command.h"

/* --allow-destructive and --rename. */
void answers_read(struct app *app, struct autogenerate_options *options);
/*
 * Finds renames, and asks about those that only a person can know: on a terminal, where the answer is No unless it is yes.
 * Elsewhere that is a FAULT_USAGE which says how to answer beforehand.
 */
bool answers_ask(struct app *app, struct autogenerate *g, struct err *e);
/* Notes and warnings; then the refusals, all of them. True: there are none. */
bool answers_tell(struct app *app, const struct autogenerate *g);
/* "steps", "refused", "notes", "verified" of the object being written. */
void answers_json(struct json *j, const struct autogenerate *g);
/* With --json: an event "change" for each step. */
void answers_events(struct app *app, const struct autogenerate *g);

#endif
