/*
 * What the statements of a section lock, rewrite and scan, of the relations that were there before the section. It asks the
 * server around each statement: pg_locks, pg_class.relfilenode and the counters of pg_stat_xact_all_tables. Rows make no
 * difference: an empty table gets a new file and is scanned like a full one.
 *
 *     trace_open()                   at the begin of a section, outside of a transaction
 *     trace_transaction()            a transaction has begun
 *     trace_before(), trace_after()  around each statement in it
 *     trace_by_kind()                before a statement that runs outside of one
 *
 * Indexes and TOAST tables stand for their table, and so do sequences that serve a column, unless they are locked harder
 * than it. What is named: a relation whose lock is new or stronger, that is rewritten or scanned, or that the statement
 * names while writers already wait for it. Locks of readers alone (AccessShare) are not.
 */
#ifndef GEN_VERIFY_TRACE_H
#define GEN_VERIFY_TRACE_H

#include "gen/source.h"

struct server;
struct trace;

/* The zone in which a section runs. A revision that says another one, even UTC, is not tried in a second one. */
#define TRACE_ZONE "Etc/UTC"

/* `schema`: what is in it goes without its name; the stream's own tables are nobody's business. */
bool trace_open(struct trace **out, struct server *s, const char *schema, const char *version_table, struct err *e);
void trace_close(struct trace *t); /* NULL is fine */

bool trace_transaction(struct trace *t, struct err *e);
/*
 * ALTER TABLE and DO run once here, in a time zone that is not UTC, and are undone: some rewrites depend on it. `text` is
 * NUL-terminated.
 */
bool trace_before(struct trace *t, const char *kind, struct str text, struct err *e);
/* Of the statement that trace_before() was told of; texts are in `a`. */
bool trace_after(struct trace *t, struct arena *a, struct statement_locks *out, struct err *e);
/* From a table of what PostgreSQL 15's documentation says, marked LOCKS_BY_KIND. */
bool trace_by_kind(struct trace *t, struct arena *a, struct str text, struct statement_locks *out, struct err *e);

#endif
