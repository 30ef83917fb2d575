/* Files that the generator writes beside revisions. */
#ifndef GEN_FILES_H
#define GEN_FILES_H

#include "base/err.h"
#include "base/str.h"

/* All of it, whatever signals come in between. False: errno says why. */
bool file_write_all(int fd, struct str bytes);
/*
 * Writes the whole file under another name in the same folder first: whoever looks at it meanwhile sees the old file or the
 * new one. FAULT_FAILED, and the old file is as it was.
 */
bool file_replace(const char *path, struct str text, struct err *e);

#endif
