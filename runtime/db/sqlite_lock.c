/*
 * The migration lock on a SQLite file: flock() on a descriptor of our own.
 *
 * SQLite's write lock ends with each commit; work that spans several transactions needs one that does not, and that a
 * kill takes away by itself. Every migrator takes it, also for a single revision, so that two never interleave; the
 * application knows nothing of it.
 *
 * THE LIST. SQLite locks with fcntl(), and the kernel drops all of a process's fcntl() locks on a file as soon as that
 * process closes any descriptor of it. So our descriptor may only be closed when no handle of this process has the file
 * open any more. SQLite keeps a list of files by inode for the same reason, and this is ours: an entry lives as long as
 * one handle does, and holds at most one descriptor. Threads that visit different files meet here for a moment only.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "db/sqlite.h"

struct sqlite_file {
    struct sqlite_file *next;
    dev_t dev;
    ino_t ino;
    unsigned handles;
    int fd;            /* -1: never locked */
    const void *owner; /* the handle that has the lock */
};

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sqlite_file *list;

struct sqlite_file *sqlite_file_enter(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return NULL;
    pthread_mutex_lock(&list_mutex);
    struct sqlite_file *f = list;
    while (f && !(f->dev == st.st_dev && f->ino == st.st_ino))
        f = f->next;
    if (!f) {
        f = mem_alloc(sizeof *f);
        *f = (struct sqlite_file){.next = list, .dev = st.st_dev, .ino = st.st_ino, .fd = -1};
        list = f;
    }
    f->handles++;
    pthread_mutex_unlock(&list_mutex);
    return f;
}

static void unlock_if_owned(struct sqlite_file *f, const void *who)
{
    if (f->owner != who)
        return;
    flock(f->fd, LOCK_UN);
    f->owner = NULL;
}

void sqlite_file_leave(struct sqlite_file *f, const void *who)
{
    if (!f)
        return;
    pthread_mutex_lock(&list_mutex);
    unlock_if_owned(f, who);
    if (--f->handles == 0) {
        struct sqlite_file **link = &list;
        while (*link != f)
            link = &(*link)->next;
        *link = f->next;
        if (f->fd >= 0)
            close(f->fd);
        free(f);
    }
    pthread_mutex_unlock(&list_mutex);
}

/*
 * On network file systems flock() is a byte range lock of the whole file, which would shut out SQLite itself. SQLite's own
 * locks still keep revisions apart there.
 */
static bool is_network(int fd)
{
    enum { NFS = 0x6969, SMB = 0x517B };
    static const unsigned long cifs = 0xFF534D42ul, smb2 = 0xFE534D42ul;
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    unsigned long type = (unsigned long)fs.f_type & 0xFFFFFFFFul;
    return type == NFS || type == SMB || type == cifs || type == smb2;
}

/* The descriptor to lock, or -1 with errno. A file that was put in the place of the open one is no use: ESTALE. */
static int open_file(struct sqlite_file *f, const char *path)
{
    if (f->fd >= 0)
        return f->fd;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || st.st_dev != f->dev || st.st_ino != f->ino) {
        close(fd);
        errno = ESTALE;
        return -1;
    }
    return f->fd = fd;
}

enum sqlite_lock sqlite_file_lock(struct sqlite_file *f, const char *path, const void *who)
{
    enum sqlite_lock result = LOCK_TAKEN;
    pthread_mutex_lock(&list_mutex);
    if (f->owner) {
        result = f->owner == who ? LOCK_TAKEN : LOCK_HELD;
    } else if (open_file(f, path) < 0) {
        result = LOCK_FAILED;
    } else if (is_network(f->fd)) {
        result = LOCK_IMPOSSIBLE;
    } else if (flock(f->fd, LOCK_EX | LOCK_NB) == 0) {
        f->owner = who;
    } else {
        result = errno == EWOULDBLOCK                                                           ? LOCK_HELD
                 : errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK || errno == EINVAL ? LOCK_IMPOSSIBLE
                                                                                                : LOCK_FAILED;
    }
    int error = errno;
    pthread_mutex_unlock(&list_mutex);
    errno = error;
    return result;
}

void sqlite_file_unlock(struct sqlite_file *f, const void *who)
{
    pthread_mutex_lock(&list_mutex);
    unlock_if_owned(f, who);
    pthread_mutex_unlock(&list_mutex);
}

/* ------------------------------------------------------------------------------------------------ the holder */

/* Where SQLite says that it writes: a byte of the file itself, or of the shared memory file of a WAL database. */
#define RESERVED_BYTE 0x40000001
#define WAL_WRITE_BYTE 120

struct watched {
    dev_t dev;
    ino_t ino;
    unsigned long long byte;
};

/* One number off the front of *text; whatever stands between two numbers is one character. */
static unsigned long long take_number(const char **text, int base)
{
    char *end;
    unsigned long long number = strtoull(*text, &end, base);
    *text = *end ? end + 1 : end;
    return number;
}

/*
 * A line of /proc/locks: "1: POSIX  ADVISORY  WRITE 4711 08:01:1234 1073741825 1073741825", the last being "EOF" for a
 * lock without end. Gives the writer's process, or 0. A line of somebody who waits has "->" in front of the kind.
 */
static long line_holder(const char *line, const struct watched *watched, size_t n)
{
    const char *kind = strchr(line, ' ');
    const char *mode = strstr(line, " WRITE ");
    bool whole = kind && strncmp(kind, " FLOCK ", 7) == 0;
    if (!mode || (!whole && strncmp(kind, " POSIX ", 7) != 0))
        return 0;
    const char *at = mode + strlen(" WRITE ");
    long pid = (long)take_number(&at, 10);
    unsigned long long major_number = take_number(&at, 16), minor_number = take_number(&at, 16);
    unsigned long long ino = take_number(&at, 10), from = take_number(&at, 10);
    unsigned long long to = strncmp(at, "EOF", 3) == 0 ? ULLONG_MAX : take_number(&at, 10);
    for (size_t i = 0; i < n; i++)
        if (ino == watched[i].ino && major_number == major(watched[i].dev) && minor_number == minor(watched[i].dev) &&
            (whole || (from <= watched[i].byte && watched[i].byte <= to)))
            return pid;
    return 0;
}

static long find_holder(const struct watched *watched, size_t n)
{
    FILE *locks = fopen("/proc/locks", "re");
    char line[256];
    long pid = 0;
    if (!locks)
        return 0;
    while (pid <= 0 && fgets(line, sizeof line, locks))
        pid = line_holder(line, watched, n);
    fclose(locks);
    return pid;
}

static void describe_process(long pid, struct buf *out)
{
    char path[64], name[64] = "";
    buf_addf(out, "process %ld", pid);
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file)) {
        name[strcspn(name, "\n")] = '\0';
        buf_addf(out, " (%s)", name);
    }
    if (file)
        fclose(file);
}

void sqlite_file_holder(const struct sqlite_file *f, const char *path, const void *who, struct buf *out)
{
    pthread_mutex_lock(&list_mutex);
    bool ours = f->owner && f->owner != who;
    pthread_mutex_unlock(&list_mutex);
    if (ours) {
        buf_addz(out, "this process");
        return;
    }
    struct watched watched[2] = {{f->dev, f->ino, RESERVED_BYTE}};
    size_t n = 1;
    BUF_AUTO memory = {0};
    struct stat st;
    buf_addf(&memory, "%s-shm", path);
    if (stat(memory.p, &st) == 0)
        watched[n++] = (struct watched){st.st_dev, st.st_ino, WAL_WRITE_BYTE};
    long pid = find_holder(watched, n);
    if (pid == getpid())
        buf_addz(out, "this process");
    else if (pid > 0)
        describe_process(pid, out);
}

/* ------------------------------------------------------------------------------------------------ per handle */

static bool fail_busy(struct sqlite *s, struct err *e)
{
    BUF_AUTO holder = {0};
    sqlite_file_holder(s->file, s->path, s, &holder);
    err_set(e, FAULT_BUSY, "another migrator works on this database");
    if (holder.n)
        err_detail(e, "\"%s\" is locked by %s", s->path, holder.p);
    return false;
}

bool sqlite_lock(struct sqlite *s, struct err *e)
{
    if (!s->file || s->session)
        return true;
    switch (sqlite_file_lock(s->file, s->path, s)) {
    case LOCK_TAKEN:
    case LOCK_IMPOSSIBLE:
        return true;
    case LOCK_HELD:
        return fail_busy(s, e);
    case LOCK_FAILED:
        break;
    }
    if (errno == ESTALE)
        return err_set(e, FAULT_FAILED, "the file \"%s\" was replaced while it was open", s->path);
    return err_set(e, FAULT_FAILED, "cannot lock \"%s\": %s", s->path, strerror(errno));
}

void sqlite_unlock(struct sqlite *s)
{
    if (s->file && !s->session)
        sqlite_file_unlock(s->file, s);
}

bool sqlite_session_lock(struct db *db, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    if (!sqlite_can_write(s, e) || !sqlite_lock(s, e))
        return false;
    s->session = true;
    return true;
}

void sqlite_session_unlock(struct db *db)
{
    struct sqlite *s = sqlite_of(db);
    s->session = false;
    sqlite_unlock(s);
}

/* Tries both locks, and gives them back at once. Who may only read cannot try SQLite's. */
bool sqlite_lock_free(struct db *db, bool *is_free, struct buf *holder, struct err *e)
{
    struct sqlite *s = sqlite_of(db);
    *is_free = false;
    if (!sqlite_may_begin(s, e))
        return false;
    sqlite_wait_never(s);
    AUTO_ERR why = {0};
    bool free_now = sqlite_lock(s, &why);
    if (free_now) {
        free_now = sqlite3_db_readonly(s->handle, "main") || sqlite_begin(s, &why);
        sqlite_rollback(s);
        sqlite_unlock(s);
    }
    if (!free_now && why.fault != FAULT_BUSY) {
        err_move(e, &why);
        return false;
    }
    if (!free_now && s->file)
        sqlite_file_holder(s->file, s->path, s, holder);
    *is_free = free_now;
    return true;
}
