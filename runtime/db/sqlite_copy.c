/*
 * A new database file as the copy of another: whole or not there, and never over one that is. SQLite reads the original, so
 * that what stands in its write-ahead log is part of the copy and a writer's half of a transaction is not. A process that is
 * killed may leave FILE.new-PID-TIME behind, which nobody reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/sqlite.h"

static bool fail(const char *what, const char *path, struct err *e)
{
    return err_set(e, FAULT_FAILED, "cannot %s \"%s\": %s", what, path, strerror(errno));
}

static bool write_all(int fd, const unsigned char *p, size_t n)
{
    while (n) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            p += written;
            n -= (size_t)written;
        }
    }
    return fsync(fd) == 0;
}

static bool sync_folder(const char *path)
{
    BUF_AUTO folder = {0};
    sqlite_add_folder(&folder, path);
    int fd = open(folder.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* some file systems have nothing to do there */
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Not every file system has hard links, or renames without replacing; no name is taken from anybody either way. */
static bool move_into_place(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (link(from, to) != 0)
        return false;
    unlink(from);
    return true;
}

/*
 * SQLite replays a journal into whatever has the name of its database; only from one that is empty it takes none. The file
 * is looked for last: whoever makes one right now has made it before its journal.
 */
static bool refuse_left_over(const char *path, struct err *e)
{
    static const char *const endings[] = {"-wal", "-journal"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        BUF_AUTO journal = {0};
        buf_addf(&journal, "%s%s", path, endings[i]);
        if (access(journal.p, F_OK) != 0 || access(path, F_OK) == 0)
            continue;
        err_set(e, FAULT_FAILED, "cannot create the database \"%s\": \"%s\" of an earlier one is still there", path,
                journal.p);
        err_hint(e, "move it away, or SQLite would write what it holds into the new database");
        return false;
    }
    return true;
}

/* Somebody else's file in its place is as good as ours: it is opened and read like any other. */
static bool write_new(const char *path, const unsigned char *bytes, size_t n, struct err *e)
{
    BUF_AUTO part = {0};
    buf_addf(&part, "%s.new-%ld-%lld", path, (long)getpid(), (long long)clock_ms());
    int fd = open(part.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail("create the database", part.p, e);
    bool ok = write_all(fd, bytes, n) || fail("write", part.p, e);
    close(fd);
    ok = ok && (move_into_place(part.p, path) || errno == EEXIST || fail("create the database", path, e));
    unlink(part.p);
    return ok && (sync_folder(path) || fail("write the folder of", path, e));
}

static int read_all(sqlite3 *handle, unsigned char **bytes, sqlite3_int64 *n)
{
    sqlite3_busy_timeout(handle, 5000);
    /* Takes the read lock by itself; the first statement says why where it cannot. */
    int rc = sqlite3_exec(handle, "SELECT 1 FROM main.sqlite_schema", NULL, NULL, NULL);
    if (rc == SQLITE_OK && !(*bytes = sqlite3_serialize(handle, "main", n, 0)))
        rc = SQLITE_NOMEM;
    return rc;
}

bool sqlite_copy_file(const char *from, const char *to, struct err *e)
{
    sqlite3 *handle = NULL;
    unsigned char *bytes = NULL;
    sqlite3_int64 n = 0;
    BUF_AUTO name = {0};
    buf_addf(&name, "%s%s", *from == '/' ? "" : "./", from); /* never a URI */
    int rc = sqlite3_open_v2(name.p, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = read_all(handle, &bytes, &n);
    bool ok = rc == SQLITE_OK || err_set(e, FAULT_FAILED, "cannot copy the template \"%s\": %s", from,
                                         handle ? sqlite3_errmsg(handle) : sqlite3_errstr(rc));
    sqlite3_close(handle);
    ok = ok && refuse_left_over(to, e) && write_new(to, bytes, (size_t)n, e);
    sqlite3_free(bytes);
    return ok;
}
