/*
 * SQLite's half of place.h: what each function does is said there. A place is a database in memory, set up as strict as
 * the one that the build tries revisions on (gen/scratch.h); a copy is its image.
 */
#ifndef GEN_VERIFY_PLACE_SQLITE_H
#define GEN_VERIFY_PLACE_SQLITE_H

#include "gen/verify/place.h"

struct place_sqlite;

/* The options must outlive the place. */
bool place_sqlite_open(const struct ground_options *ground, struct place_sqlite **out, struct err *e);
bool place_sqlite_copy(struct place_sqlite *from, struct place_sqlite **out, struct err *e);
void place_sqlite_close(struct place_sqlite *p); /* NULL is fine */

bool place_sqlite_run(struct place_sqlite *p, struct arena *a, const struct source_revision *revision,
                      const struct revision_section *section, uint32_t *failed, struct err *e);
bool place_sqlite_seed(struct place_sqlite *p, struct str sql, struct err *e);
bool place_sqlite_read(struct place_sqlite *p, struct arena *a, struct catalog **out, struct err *e);
int64_t place_sqlite_count(struct place_sqlite *p, const char *table);

#endif
