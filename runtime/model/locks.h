/*
 * The lock report: what `migrate-gen STREAM verify` measured of each statement on a scratch PostgreSQL (struct stream_locks),
 * its words, its text and what a policy says of it. PostgreSQL only; SQLite locks the database, whatever runs. Pure.
 *
 * THE TEXT, migrations/STREAM/locks.txt. UTF-8, columns separated by two or more spaces:
 *
 *     # What each statement locks, …           comments, before "server:" only
 *     version: 1                               LOCKS_VERSION
 *     server: 15                               the major version that it was measured on
 *
 *     5f1c0a2b9e77 up
 *       1  3f2a9c41d0b7  AccessExclusive       rewrite,scan  documents AccessExclusive rewrite, users ShareRowExclusive
 *       2  77e0c1a2b3c4  -                     -             -
 *
 * A heading for each section that PostgreSQL runs and that has a statement, in the stream's topological order, up before
 * down; under it a line for each statement: its number, the first 12 hex digits of SHA-256 of its bytes, the strongest lock,
 * enum lock_flags, and the relations that were there before the revision began. A relation is its name, the lock, and those of
 * the flags that are its own, separated by one space; relations are separated by ", ". A name with a space or a comma in it is
 * quoted as SQL has it. Control characters have no place in it: locks_write() makes them '?'.
 *
 * The sums tie each line to its statement, so that a build needs no server to refuse what was measured of another text.
 */
#ifndef MODEL_LOCKS_H
#define MODEL_LOCKS_H

#include "base/str.h"
#include "model/revision.h"

#define LOCKS_VERSION 1
#define LOCKS_CHECKSUM 12 /* hex digits */

extern const char *const lock_mode_words[LOCK_MODE_COUNT]; /* "-", "AccessShare", … "AccessExclusive" */
/* LOCK_MODE_COUNT: it is none of them. */
enum lock_mode lock_mode_find(struct str word);

void lock_flags_format(struct buf *out, unsigned flags); /* "rewrite,scan"; "-" */
/* "rewrite,scan", "-"; false: a word is none of them, or there twice. */
bool lock_flags_parse(struct str text, unsigned *flags);

/* One of statement_locks.relations. */
struct relation_locks {
    struct str name; /* as SQL has it */
    enum lock_mode mode;
    unsigned flags; /* enum lock_flags */
};
/* Cuts the first one off *rest. False: there is none; rest->n is not 0 then when what is left is no list of relations. */
bool relation_locks_next(struct str *rest, struct relation_locks *out);

/* The section that runs, NULL: there is none. */
const struct revision_section *stream_section(const struct stream *s, uint32_t revision, enum direction direction,
                                              enum dialect dialect);
/* Does the stream carry a report that speaks of the dialect? */
bool stream_has_locks(const struct stream *s, enum dialect dialect);
/* What was measured of it. NULL: nothing was, or there is nothing to measure. */
const struct section_locks *stream_locks_of(const struct stream *s, uint32_t revision, enum direction direction,
                                            enum dialect dialect);
/* Should have been measured, and was not: it has statements, the engine is PostgreSQL, and there is nothing. */
bool stream_locks_missing(const struct stream *s, uint32_t revision, enum direction direction, enum dialect dialect);

/* The sum of a statement. */
void stream_locks_checksum(const struct revision *r, const struct revision_statement *statement,
                           char out[LOCKS_CHECKSUM + 1]);
/* The text. Sections without a statement, and those that are not in `locks`, are left out. */
void stream_locks_write(struct buf *out, const struct stream *s, const struct stream_locks *locks);

/* What refuse_locks may refuse, in the order of the setting's choices. */
enum lock_policy {
    LOCK_POLICY_NONE = 1, /* says nothing beside others */
    LOCK_POLICY_REWRITE = 2,
    LOCK_POLICY_SCAN = 4, /* while writers wait: others harm nobody */
    LOCK_POLICY_ACCESS_EXCLUSIVE = 8,
};
/* The first that forbids it, 0: none does. A rewrite that depends on the time zone counts as one. */
enum lock_policy lock_policy_forbids(unsigned policy, const struct statement_locks *locks);

#endif
