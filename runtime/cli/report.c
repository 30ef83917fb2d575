/* The report of a run: reads one back. */
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/revision.h"
#include "tool/report_file.h"

/* ------------------------------------------------------------------------------------------------------- reading */

static bool cannot_read(const char *path, struct err *e)
{
    return err_set(e, FAULT_USAGE, "cannot read the report %s: %s", path, strerror(errno));
}

static bool read_all(int fd, const char *path, struct buf *out, struct err *e)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot_read(path, e);
        if (n == 0)
            return true;
        if (out->n + (size_t)n > REPORT_MOST_BYTES)
            return err_set(e, FAULT_USAGE, "the report %s is larger than %d MiB", path, REPORT_MOST_BYTES >> 20);
        buf_add(out, block, (size_t)n);
    }
}

bool report_read_failed(struct arena *a, const char *path, const char *stream, struct strings *out, struct err *e)
{
    BUF_AUTO text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot_read(path, e);
    bool ok = read_all(fd, path, &text, e);
    close(fd);
    return ok && report_parse_failed(a, buf_str(&text), path, migrate_catalogue.program, stream, out, e);
}
