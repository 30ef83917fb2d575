/*
 * The lock report: migrations/STREAM/locks.txt. `verify` measures and writes it, people review it with the revisions, the
 * build holds it against them and embeds it. PostgreSQL only.
 *
 *     # What each statement locks, … (comments begin with #)
 *     version: 1
 *     server: 15
 *
 *     5f1c0a2b9e77 up
 *       1  3f2a9c41d0b7  AccessExclusive      rewrite,scan  documents AccessExclusive rewrite, users ShareRowExclusive
 *       2  77e0c1a2b3c4  -                    -             -
 *
 * A heading for each section that PostgreSQL runs, in the stream's topological order, up before down; under it a line for
 * each statement: number, the first 12 hex digits of SHA-256 of its bytes, strongest lock, what happens to rows, and the
 * relations that were there before the revision. Columns are separated by two or more spaces; a name with a space or comma in it
 * is quoted as SQL has it. Flags are rewrite, scan, blocked, time-zone, by-kind (enum lock_flags).
 */
#ifndef GEN_LOCKS_H
#define GEN_LOCKS_H

#include "gen/source.h"

#define LOCKS_VERSION 1
#define LOCKS_CHECKSUM 12 /* hex digits */

extern const char *const lock_mode_words[LOCK_MODE_COUNT]; /* "-", "AccessShare", … "AccessExclusive" */
void lock_flags_format(struct buf *out, unsigned flags);   /* "rewrite,scan"; "-" */

/* "tenant/locks.txt", relative to the migrations folder. */
const char *locks_path(struct arena *a, const char *stream);

/* The checksum of a statement; `out` has room for LOCKS_CHECKSUM digits and a NUL. */
void locks_checksum(const struct source_revision *r, const struct revision_statement *statement,
                    char out[LOCKS_CHECKSUM + 1]);

/* The text for a linked stream whose statements are known. Sections that are not in `locks` are left out. */
void locks_write(struct buf *out, const struct source_stream *stream, const struct stream_locks *locks);

/*
 * Reads a text against the linked stream that it stands beside; everything in `a`. Findings: bad-locks for what is not in
 * the form above, stale-locks for a line that is of no statement of now, missing-locks (a warning) for a section that is not
 * there. What is right is in *out.
 */
void locks_parse(struct arena *a, struct findings *out, const struct source_stream *stream,
                 const struct text_file *file, const char *tool, struct stream_locks *locks);

#endif
