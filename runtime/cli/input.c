/* Reads files that a command line names. Anything may stand there: a pipe, a folder, a device without an end. */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool cannot_read(const char *path, const char *what, struct err *e)
{
    return err_set(e, FAULT_USAGE, "cannot read %s %s: %s", what, path, strerror(errno));
}

static bool read_all(int fd, const char *path, const char *what, size_t most, struct buf *out, struct err *e)
{
    char block[65536];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot_read(path, what, e);
        if (n == 0)
            return true;
        total += (size_t)n;
        if (total > most)
            return err_set(e, FAULT_USAGE, "%s %s is larger than %zu MiB", what, path, most >> 20);
        buf_add(out, block, (size_t)n);
    }
}

bool input_read(const char *path, const char *what, size_t most, struct buf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot_read(path, what, e);
    bool ok = read_all(fd, path, what, most, out, e);
    close(fd);
    return ok;
}

bool input_read_stdin(const char *what, size_t most, struct buf *out, struct err *e)
{
    return read_all(STDIN_FILENO, "stdin", what, most, out, e);
}
