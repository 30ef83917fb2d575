/*
 * The lock report as a file: migrations/STREAM/locks.txt. `verify` measures and writes it, people review it with the
 * revisions, the build holds it against them and embeds it. model/locks.h has the form, the words and the sums. PostgreSQL
 * only.
 */
#ifndef GEN_LOCKS_H
#define GEN_LOCKS_H

#include "gen/source.h"
#include "model/locks.h"

/* "tenant/locks.txt", relative to the migrations folder. */
const char *locks_path(struct arena *a, const char *stream);

/* The checksum of a statement; `out` has room for LOCKS_CHECKSUM digits and a NUL. */
void locks_checksum(const struct source_revision *r, const struct revision_statement *statement,
                    char out[LOCKS_CHECKSUM + 1]);

/* The text for a linked stream whose statements are known. Sections that are not in `locks` are left out. */
void locks_write(struct buf *out, const struct source_stream *stream, const struct stream_locks *locks);

/*
 * Reads a text against the linked stream that it stands beside; everything in `a`. Findings: bad-locks for what is not in
 * the form of model/locks.h, stale-locks for what is of no statement of now, missing-locks (a warning, unless [lint] says
 * otherwise) for a revision of which something was never measured. Sections may come in any order, each once. What is right
 * is in *out, in the stream's order. `tool` is what a hint calls migrate-gen, with --migrations where that is needed.
 */
void locks_parse(struct arena *a, struct findings *out, const struct source_stream *stream,
                 const struct text_file *file, const char *tool, struct stream_locks *locks);

#endif
