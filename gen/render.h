/* From steps to the text that people read and engines run. Pure. */
#ifndef GEN_RENDER_H
#define GEN_RENDER_H

#include "gen/autogenerate.h"

/* A script of its own, for psql or sqlite3: what `diff` prints. */
void render_script(struct buf *out, const struct autogenerate *g);

/*
 * The statements of a portion, up or down, as the body of a section: what is disabled is a comment as a whole, what weakens
 * security says so above it. Ends in a line end; nothing when there is nothing to do.
 */
void render_up(struct buf *out, const struct autogenerate *g, size_t portion);
void render_down(struct buf *out, const struct autogenerate *g, size_t portion);

/*
 * A statement that no revision can hold: one of its lines looks like the beginning of a section. NULL: there is none.
 */
const struct change_step *render_find_section_line(const struct autogenerate *g);

/* "drops column documents.title: what it holds is gone" */
void step_describe(struct buf *out, const struct autogenerate *g, const struct change_step *s);
const char *verb_word(enum verb verb); /* "drop" */

#endif
