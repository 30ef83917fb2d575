/*
 * PostgreSQL's half of place.h: what each function does is said there. A place is a database of its own; the connection to
 * it opens when it is first needed, and closes before it is copied, since CREATE DATABASE … TEMPLATE wants its source
 * for itself.
 *
 * Names are migrate_verify_PROCESS_NUMBER, or PLACE_PREFIX with anything behind it as far as leftovers are concerned. Whoever
 * made a database holds a session lock on its name for as long as he lives: what nobody holds is a leftover.
 */
#ifndef GEN_VERIFY_PLACE_POSTGRESQL_H
#define GEN_VERIFY_PLACE_POSTGRESQL_H

#include "gen/verify/place.h"

#define PLACE_PREFIX "migrate_verify_"

struct ground_postgresql;
struct place_postgresql;

bool place_postgresql_ground_open(struct ground_postgresql **out, const struct ground_options *options, struct err *e);
void place_postgresql_ground_close(struct ground_postgresql *g); /* NULL is fine */
int place_postgresql_ground_major(const struct ground_postgresql *g);

bool place_postgresql_open(struct ground_postgresql *g, struct place_postgresql **out, struct err *e);
bool place_postgresql_copy(struct place_postgresql *from, struct place_postgresql **out, struct err *e);
void place_postgresql_close(struct place_postgresql *p); /* NULL is fine */

bool place_postgresql_run(struct place_postgresql *p, struct arena *a, const struct source_revision *revision,
                          const struct revision_section *section, struct statement_locks *locks, uint32_t *failed,
                          struct err *e);
bool place_postgresql_seed(struct place_postgresql *p, struct str sql, struct err *e);
int64_t place_postgresql_count(struct place_postgresql *p, const char *table);
bool place_postgresql_read(struct place_postgresql *p, struct arena *a, struct catalog **out, struct err *e);

#endif
