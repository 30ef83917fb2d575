/*
 * Reading back the file that --report wrote. Pure: text in, ids out. The file may be anybody's: whatever it holds, reading
 * ends, and what is no report of this program is refused with its position.
 *
 * THE FILE is one JSON object; docs/json.md describes its members. Of these count here: "program", and in "streams" the
 * item of one stream with its "tenants", [{"tenant": "acme", "state": "failed"}, …].
 */
#ifndef TOOL_REPORT_FILE_H
#define TOOL_REPORT_FILE_H

#include "base/err.h"
#include "base/mem.h"

enum { REPORT_MOST_BYTES = 64 << 20 };

/*
 * The ids of the stream's tenants that failed or were not started, in the report's order; there may be none. `name` is the
 * file's, for positions. FAULT_USAGE with path:line:column: no JSON, no report, one of another program, without that
 * stream, or one in which the stream's tenants are not known.
 */
bool report_parse_failed(struct arena *a, struct str text, const char *name, const char *program, const char *stream,
                         struct strings *out, struct err *e);

#endif
