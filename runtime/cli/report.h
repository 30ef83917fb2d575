/*
 * The file of --report: what came of each tenant, as one JSON object (docs/json.md), and reading it back for
 * --retry-failed.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/err.h"
#include "base/mem.h"

/*
 * The ids of the stream's tenants that failed or were not started by the report at `path`; there may be none. FAULT_USAGE:
 * it cannot be read, has more than REPORT_MOST_BYTES, or what report_parse_failed() refuses.
 */
bool report_read_failed(struct arena *a, const char *path, const char *stream, struct strings *out, struct err *e);

#endif
