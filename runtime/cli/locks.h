/* The lock report (model/locks.h) as `--dry-run` and `show` print it. */
#ifndef CLI_LOCKS_H
#define CLI_LOCKS_H

#include "base/json.h"
#include "model/locks.h"

/*
 * A line for each statement of the section that runs:
 *     line 12: AccessExclusive, rewrite, scan: documents AccessExclusive rewrite
 * or that its locks were never measured. Nothing when the stream carries no report, on SQLite, and of an empty section.
 */
void locks_text(struct buf *out, const struct stream *s, uint32_t revision, enum direction direction,
                enum dialect dialect, const char *indent);
/* The same as a member: an array, null when it was never measured; left out where nothing would be printed. */
void locks_json(struct json *j, const char *key, const struct stream *s, uint32_t revision, enum direction direction,
                enum dialect dialect);

#endif
