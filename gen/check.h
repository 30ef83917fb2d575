/* What the check stages of both engines share. */
#ifndef GEN_CHECK_H
#define GEN_CHECK_H

#include "gen/source.h"

/*
 * The version of the rules. Whatever remembers a result of the check stage stores it beside, and believes nothing that
 * another version said: counted up whenever a rule, a flag or the cutting into statements changes.
 */
#define CHECK_VERSION 2

/* A section with `batch` holds one statement, and that one says how many rows it touched. Its statements are filled in. */
void check_batch(struct findings *out, const struct text_file *f, const struct revision_section *section);

/* No body changes the version table or migrate_log: what it wrote there would contradict what ran. Statements are filled. */
void check_own_tables(struct source *s);
/* The name of the stream's version table. */
const char *version_table_of(const struct source_stream *s);

#endif
