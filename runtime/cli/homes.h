/*
 * Do two tenants of a fleet have the same database? A placeholder that was forgotten in a template makes everybody's address
 * one, and all but the first would be found at head. It may be meant, so it is told, not refused.
 */
#ifndef CLI_HOMES_H
#define CLI_HOMES_H

#include "run/visit.h"
#include "tool/output.h"

struct homes; /* at most 64 bytes for each tenant */

struct homes *homes_new(size_t n_tenants);
void homes_free(struct homes *h); /* NULL is fine */
/* The tenant lives there; `id` outlives the homes. Thread-safe, and may be said of a tenant more than once. */
void homes_note(struct homes *h, const char *id, const struct place *where);
/* Warns, once for all, if somebody shares a database; nothing for NULL. Not at the same time as homes_note(). */
void homes_tell(const struct homes *h, struct output *out);

#endif
