/*
 * The folder of migrations as it would be: a temporary folder of links to the real one, in which files are changed and
 * added, so that every stage can look at the result before anything real is touched.
 */
#ifndef GEN_FIX_OVERLAY_H
#define GEN_FIX_OVERLAY_H

#include "base/err.h"
#include "base/mem.h"

struct overlay {
    struct arena *arena;
    const char *real;   /* the folder of migrations */
    const char *folder; /* its twin */
};

/* Everything under `real` is there. FAULT_FAILED. overlay_close() removes it; on a zero value that is a no-op. */
bool overlay_open(struct overlay *o, struct arena *a, const char *real, struct err *e);
void overlay_close(struct overlay *o);

/* Another text for a file that is there, by its path below the folder. */
bool overlay_change(struct overlay *o, const char *path, const char *text, struct err *e);

/* Files that differ from the real ones, changed ones first, each by path; `old` NULL: it is new. */
struct overlay_file {
    const char *path; /* below the folder */
    const char *old, *now;
};
struct overlay_files {
    struct overlay_file *v;
    size_t n, cap;
};
bool overlay_files(struct overlay *o, struct overlay_files *out, struct err *e);
/* New files first, then the others, each under another name before it takes its place. */
bool overlay_take(const struct overlay *o, const struct overlay_files *files, struct err *e);

#endif
