/*
 * From an address to an open handle. Looks at the file first, since SQLite says little more than "unable to open", and
 * reads the schema, since SQLite opens anything and looks later. Never creates but when it was asked to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/sqlite.h"

/* How long reading waits for a writer that commits just now, where the address says nothing. */
#define READ_WAIT_MS 5000

static bool may_access(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

void sqlite_add_folder(struct buf *out, const char *path)
{
    char *resolved = realpath(path, NULL);
    const char *file = resolved ? resolved : path;
    const char *slash = strrchr(file, '/');
    if (!slash)
        buf_addc(out, '.');
    else if (slash == file)
        buf_addc(out, '/');
    else
        buf_add(out, file, (size_t)(slash - file));
    free(resolved);
}

/* ------------------------------------------------------------------------------------------------ the file */

static bool fail_missing(struct sqlite *s, bool *create, struct err *e)
{
    BUF_AUTO folder = {0};
    sqlite_add_folder(&folder, s->path);
    if (!may_access(folder.p, F_OK)) {
        err_set(e, FAULT_MISSING, "there is no folder \"%s\" for the database \"%s\"", folder.p, s->path);
        err_hint(e, "make the folder; only the file is made by itself");
        return false;
    }
    if (!s->base.options.create)
        return err_set(e, FAULT_MISSING, "there is no database \"%s\"", s->path);
    if (!may_access(folder.p, W_OK | X_OK))
        return err_set(e, FAULT_FAILED, "cannot create the database \"%s\": %s", s->path, strerror(errno));
    *create = true;
    s->memory = s->base.options.read_only;
    return true;
}

static bool check_file(struct sqlite *s, bool *create, struct err *e)
{
    struct stat st;
    if (stat(s->path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return fail_missing(s, create, e);
        return err_set(e, FAULT_FAILED, "cannot open the database \"%s\": %s", s->path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode))
        return err_set(e, FAULT_FAILED, "\"%s\" is %s, not a database file", s->path,
                       S_ISDIR(st.st_mode) ? "a folder" : "a special file");
    if (!may_access(s->path, R_OK))
        return err_set(e, FAULT_FAILED, "cannot read the database \"%s\": %s", s->path, strerror(errno));
    return true;
}

/* ------------------------------------------------------------------------------------------------ the handle */

/* A name that SQLite takes for a file and never for a URI. */
static void add_plain_name(struct buf *out, const char *path)
{
    buf_addz(out, strncmp(path, "file:", 5) == 0 ? "./" : "");
    buf_addz(out, path);
}

static void add_immutable_uri(struct buf *out, const char *path)
{
    buf_addz(out, *path == '/' ? "file://" : "file:");
    for (; *path; path++)
        if (strchr("%?#", *path))
            buf_addf(out, "%%%02X", (unsigned char)*path);
        else
            buf_addc(out, *path);
    buf_addz(out, "?immutable=1");
}

static int open_handle(struct sqlite *s, int flags, bool immutable)
{
    BUF_AUTO name = {0};
    if (immutable)
        add_immutable_uri(&name, s->path);
    else if (s->memory)
        buf_addz(&name, ":memory:");
    else
        add_plain_name(&name, s->path);
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (immutable ? SQLITE_OPEN_URI : 0);
    return sqlite3_open_v2(name.p, &s->handle, flags, NULL);
}

/* SQLite counts the memory it takes, under a lock of the whole process, where a fleet's threads queue up; nobody asks. */
static void count_no_memory(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void close_handle(struct sqlite *s)
{
    sqlite3_close(s->handle);
    s->handle = NULL;
    sqlite_file_leave(s->file, s);
    s->file = NULL;
}

/*
 * Opens and reads the schema, for which preparing a statement is enough. SQLITE_OK, or a code that sqlite_fail() can
 * explain while the handle is there.
 */
static int try_open(struct sqlite *s, int flags, bool immutable)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    STATEMENT_AUTO *statement = NULL;
    pthread_once(&once, count_no_memory);
    int rc = open_handle(s, flags, immutable);
    if (rc != SQLITE_OK)
        return rc;
    if (!s->memory)
        s->file = sqlite_file_enter(s->path);
    sqlite_set_handlers(s);
    sqlite3_db_config(s->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    /* No body rewrites the schema table or a shadow table by hand. Old schemas are read as they always were. */
    sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite_wait_for(s, s->read_wait_ms);
    rc = sqlite3_prepare_v2(s->handle, "SELECT 1 FROM main.sqlite_schema", -1, &statement, NULL);
    sqlite_wait_never(s);
    return rc;
}

static bool has_wal(const struct sqlite *s)
{
    BUF_AUTO wal = {0};
    buf_addf(&wal, "%s-wal", s->path);
    return may_access(wal.p, F_OK);
}

static bool is_writable(const struct sqlite *s)
{
    BUF_AUTO folder = {0};
    sqlite_add_folder(&folder, s->path);
    return may_access(s->path, W_OK) && may_access(folder.p, W_OK | X_OK);
}

/*
 * Where it may, SQLite opens for writing although nothing will be written: only so it rolls back what a killed writer
 * left, and takes the -wal and -shm files away again that reading a WAL database makes. (A handle that may not write leaves
 * them, and an application under another user could then write no more.) query_only keeps the promise.
 *
 * A WAL database on a medium that cannot be written: without a -wal file nobody writes, so it is read as it stands.
 */
static int open_read_only(struct sqlite *s)
{
    if (is_writable(s)) {
        int rc = try_open(s, SQLITE_OPEN_READWRITE, false);
        return rc ? rc : sqlite3_exec(s->handle, "PRAGMA query_only = ON", NULL, NULL, NULL);
    }
    int rc = try_open(s, SQLITE_OPEN_READONLY, false);
    bool no_memory = rc == SQLITE_READONLY_DIRECTORY || rc == SQLITE_READONLY_CANTINIT ||
                     (rc & 0xFF) == SQLITE_CANTOPEN;
    if (no_memory && !has_wal(s)) {
        close_handle(s);
        return try_open(s, SQLITE_OPEN_READONLY, true);
    }
    return rc;
}

/* Where the system has no writable folder for them (a container's empty root), temporary tables stay in memory. */
static bool has_temporary_folder(void)
{
    const char *const folders[] = {getenv("SQLITE_TMPDIR"), getenv("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp", "."};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (folders[i] && may_access(folders[i], W_OK | X_OK))
            return true;
    return false;
}

static bool connect_file(struct sqlite *s, bool read_only, bool create, struct err *e)
{
    BUF_AUTO what = {0};
    int rc = read_only ? open_read_only(s)
                       : try_open(s, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), false);
    buf_addf(&what, "cannot open the database \"%s\"", s->path);
    if (rc != SQLITE_OK)
        return sqlite_fail(s, rc, what.p, e);
    if (!has_temporary_folder() && !sqlite_exec(s, "PRAGMA temp_store = MEMORY", what.p, e))
        return false;
    return sqlite_set_foreign_keys(s, true, e);
}

void sqlite_close(struct db *db)
{
    struct sqlite *s = sqlite_of(db);
    close_handle(s);
    free(s->path);
    free(s);
}

static bool copy_template(struct sqlite *s, bool *create, struct err *e)
{
    if (!*create || !s->base.options.template || s->read_only)
        return true;
    *create = false;
    return sqlite_copy_file(s->base.options.template, s->path, e);
}

bool sqlite_open(struct db **out, const struct address *where, const struct db_options *options, struct err *e)
{
    bool create = false;
    bool read_only = options->read_only || where->read_only;
    if (options->schema && *options->schema && strcmp(options->schema, "main") != 0)
        return err_set(e, FAULT_CONFIG, "a SQLite database has no schemas: \"%s\" must be PostgreSQL", where->path);
    struct sqlite *s = mem_alloc(sizeof *s);
    s->base.options = *options;
    s->path = mem_strdup(where->path);
    s->read_only = read_only;
    s->memory = strcmp(where->path, ":memory:") == 0;
    s->read_wait_ms = where->busy_timeout_ms > 0 ? where->busy_timeout_ms : READ_WAIT_MS;
    if ((s->memory || check_file(s, &create, e)) && copy_template(s, &create, e) &&
        connect_file(s, read_only && !s->memory, create, e)) {
        *out = &s->base;
        return true;
    }
    sqlite_close(&s->base);
    return false;
}

/* ------------------------------------------------------------------------------------------------ may it be written? */

static bool has_journal(const struct sqlite *s)
{
    BUF_AUTO journal = {0};
    buf_addf(&journal, "%s-journal", s->path);
    return may_access(journal.p, F_OK) || has_wal(s);
}

bool sqlite_can_write(struct sqlite *s, struct err *e)
{
    BUF_AUTO folder = {0};
    if (s->memory)
        return true;
    if (s->read_only)
        return err_set(e, FAULT_POLICY, "the database \"%s\" was opened for reading only", s->path);
    if (sqlite3_db_readonly(s->handle, "main")) {
        err_set(e, FAULT_FAILED, "the database \"%s\" is read-only", s->path);
        if (!may_access(s->path, W_OK))
            err_detail(e, "%s: %s", s->path, strerror(errno));
        return false;
    }
    sqlite_add_folder(&folder, s->path);
    if (may_access(folder.p, W_OK | X_OK))
        return true;
    int why = errno;
    if (has_journal(s))
        return true;
    err_set(e, FAULT_FAILED, "the folder of the database \"%s\" is read-only", s->path);
    err_detail(e, "%s: %s", folder.p, strerror(why));
    err_hint(e, "SQLite writes a journal beside the file: the folder must be writable too");
    return false;
}

/* ------------------------------------------------------------------------------------------------ from outside */

void sqlite_locate(const struct address *where, struct buf *server, struct buf *database)
{
    (void)server;
    buf_addz(database, where->path);
}

static bool look_at(const struct address *where, struct stat *st)
{
    return where->dialect == DIALECT_SQLITE && where->path && strcmp(where->path, ":memory:") != 0 &&
           stat(where->path, st) == 0 && S_ISREG(st->st_mode);
}

static void add_identity(struct buf *out, const struct stat *st)
{
    buf_addf(out, "%llu/%llu", (unsigned long long)st->st_dev, (unsigned long long)st->st_ino);
}

/*
 * The time of the last write, not that of the last change of the inode: a container that hands its files to their owner
 * at every start would make every tenant look changed.
 */
static void add_size_and_time(struct buf *out, const struct stat *st)
{
    buf_addf(out, " %lld %lld.%09ld", (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

bool db_file_identity(const struct address *where, struct buf *out)
{
    struct stat st;
    if (!look_at(where, &st))
        return false;
    add_identity(out, &st);
    return true;
}

bool db_file_version(const struct address *where, struct buf *out)
{
    BUF_AUTO wal = {0};
    struct stat st;
    if (!look_at(where, &st))
        return false;
    add_identity(out, &st);
    add_size_and_time(out, &st);
    buf_addf(&wal, "%s-wal", where->path);
    if (stat(wal.p, &st) == 0 && st.st_size > 0)
        add_size_and_time(out, &st);
    return true;
}
