/* SQLite's rules, by running the chain. */
#include "gen/lint/sqlite.h"

void lint_sqlite_stream(struct source *s, const struct source_stream *stream,
                        void (*take)(void *to, struct lint_section *section), void *to)
{
    (void)s, (void)stream, (void)take, (void)to;
}
