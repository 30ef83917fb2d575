/*
 * The file of --report: what came of each tenant, as one JSON object (docs/json.md), and reading it back for
 * --retry-failed.
 *
 * It appears whole or not at all: a run that is killed leaves what was there before. It is written also where a run was
 * halted or stopped, and where a stream could not even be listed; not by a command that came to no stream at all, and not
 * where a command that does not end had to be left.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/visits.h"

/* A report that is being made; the zero value is none, and all but report_begin() do nothing with it. */
struct report {
    struct app *app;
    const char *path;
    int folder; /* where the file will stand */
    const char *file;
    struct buf streams;   /* the items so far */
    struct strings names; /* of these streams */
};

/*
 * To be called before anything is touched: finds out that the file can be written; without --report *r is the zero value.
 * FAULT_USAGE: it cannot, FILE is "-" or no regular file, or the command will change nothing (--dry-run, --sql).
 */
bool report_begin(struct report *r, struct app *app, struct err *e);
/* What came of a stream, once it is over; with v->why its tenants count as not started. Before visits_free(). */
void report_add(struct report *r, const struct visits *v, int status);
/* Writes the file and gives everything back. The status, or a worse one where the file could not be written: that is said. */
int report_finish(struct report *r, int status);

/*
 * The ids of the stream's tenants that failed or were not started by the report at `path`; there may be none. FAULT_USAGE:
 * it cannot be read, has more than REPORT_MOST_BYTES, or what report_parse_failed() refuses.
 */
bool report_read_failed(struct arena *a, const char *path, const char *stream, struct strings *out, struct err *e);

#endif
