/* The table migrate_ledger as SQL, for ledger.c alone: read, made, written to, emptied. Believes and doubts nothing. */
#ifndef RUN_LEDGER_TABLE_H
#define RUN_LEDGER_TABLE_H

#include "run/ledger.h"

struct ledger_table {
    const struct job *job; /* the registry's */
    const struct place *where;
    const char *stream; /* the fleet's */
    const char *rows;   /* of the heads, joined with "," */
    const char *digest;
    bool missing; /* there is no such table, or was none when it was read */
};

/* Rows of tenant, target and server, of this stream, registry, version rows and digest, not older than `max_age_ms`. */
bool ledger_table_read(struct ledger_table *t, int64_t max_age_ms,
                       bool (*row)(void *context, const struct db_row *row, struct err *e), void *context,
                       struct err *e);

/* What is to be written: in SQL already, as many as there are, separated by commas. */
struct ledger_notes {
    struct buf seen; /* ledger_note_seen() */
    struct buf gone; /* literals: tenants whose rows are deleted */
    size_t n;        /* of both */
};
/* A visit that began at `began` (outcome.began) and found all as it should be. At most one note a tenant. */
void ledger_note_seen(struct ledger_notes *notes, const struct ledger_table *t, const char *tenant, const char *target,
                      const char *server, int64_t began);
void ledger_note_gone(struct ledger_notes *notes, const struct ledger_table *t, const char *tenant);
/*
 * Makes the table when it is missing and there is something to keep. A registry without connections is asked again for
 * `patience_ms`, past the run's deadline if need be.
 */
bool ledger_table_write(struct ledger_table *t, const struct ledger_notes *notes, int64_t patience_ms, struct err *e);

#endif
