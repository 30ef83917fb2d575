/*
 * SQLite's rules: the chain of revisions is run in memory, each revision on exactly its ancestors, and the schema before and
 * after a statement is asked of the database itself.
 */
#ifndef GEN_LINT_SQLITE_H
#define GEN_LINT_SQLITE_H

#include "gen/lint/statement.h"

/*
 * Looks at every revision of the stream that has a SQLite section, in topological order. `take` gets each section when
 * it is through, with its hits; the section lives until `take` returns.
 */
void lint_sqlite_stream(struct source *s, const struct source_stream *stream,
                        void (*take)(void *to, struct lint_section *section), void *to);

#endif
