/* Writing files so that nobody ever reads half of one. */
#include "gen/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool file_write_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes = str_slice(bytes, (size_t)n, bytes.n);
    }
    return true;
}

bool file_replace(const char *path, struct str text, struct err *e)
{
    BUF_AUTO fresh = {0};
    buf_addf(&fresh, "%s.new", path);
    int fd = open(fresh.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && file_write_all(fd, text);
    if (fd >= 0 && close(fd) < 0)
        ok = false;
    if (ok && rename(fresh.p, path) == 0)
        return true;
    err_set(e, FAULT_FAILED, "cannot write \"%s\": %s", path, strerror(errno));
    unlink(fresh.p);
    return false;
}
