/* Files that a command line names, read whole. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/err.h"

/*
 * Appends what the file at `path` holds. `what` it is, is for the message: "the report". FAULT_USAGE: it cannot be read, or
 * has more than `most` bytes, a multiple of a MiB.
 */
bool input_read(const char *path, const char *what, size_t most, struct buf *out, struct err *e);
/* The same of stdin. */
bool input_read_stdin(const char *what, size_t most, struct buf *out, struct err *e);

#endif
