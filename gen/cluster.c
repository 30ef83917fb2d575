/*
 * The temporary cluster. Nothing here depends on a clean end: the keeper waits for the other end of a pipe to close, which
 * the kernel does for a process that returns, exits, gets a signal or is killed outright.
 *
 * Durability is switched off wholesale: nothing in it outlives the process that wanted it.
 */
#include "gen/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define SOCKET_NAME "/.s.PGSQL.5432"
#define LONGEST_FOLDER (sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof SOCKET_NAME)
#define MEMORY "/dev/shm"
#define ROOM_IN_MEMORY ((uint64_t)2 << 30)
#define START_MS 60000
#define LAST_WORDS 2000

struct cluster {
    char *folder;
    pid_t keeper;
    int life; /* closed, it tells the keeper to end */
};

/* --------------------------------------------------------------------------------------------------------- binaries */

/* What `program --version` says behind the last blank of its first words: "postgres (PostgreSQL) 15.20 (Debian …)". */
static int major_of(const char *bin)
{
    g_autofree char *program = g_build_filename(bin, "postgres", NULL);
    g_autofree char *initdb = g_build_filename(bin, "initdb", NULL);
    g_autofree char *said = NULL;
    char *argv[] = {program, (char[]){"--version"}, NULL};
    int status = 0;
    if (access(initdb, X_OK) != 0 || access(program, X_OK) != 0 ||
        !g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &said, NULL, &status, NULL) || status)
        return 0;
    const char *number = strchr(said, ')');
    return number ? (int)strtol(number + 1, NULL, 10) : 0;
}

struct choice {
    int wanted; /* 0: any */
    int major;  /* of the best so far; 0: none */
    char *bin;
    int other; /* the newest of another major, for the message */
};

static void consider(struct choice *c, const char *bin)
{
    int major = major_of(bin);
    if (c->wanted && major != c->wanted) {
        c->other = major > c->other ? major : c->other;
        return;
    }
    if (major <= c->major)
        return;
    c->major = major;
    free(c->bin);
    c->bin = mem_strdup(bin);
}

/* PREFIX/N/bin of every N there is. */
static void consider_versions(struct choice *c, const char *prefix)
{
    GDir *dir = g_dir_open(prefix, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *bin = g_build_filename(prefix, name, "bin", NULL);
        if (g_ascii_isdigit(*name))
            consider(c, bin);
    }
    if (dir)
        g_dir_close(dir);
}

static void consider_path(struct choice *c)
{
    g_autofree char *said = NULL;
    g_autofree char *found = g_find_program_in_path("initdb");
    char *argv[] = {(char[]){"pg_config"}, (char[]){"--bindir"}, NULL};
    int status = 0;
    if (g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &said, NULL,
                     &status, NULL) &&
        status == 0)
        consider(c, g_strchomp(said));
    if (found) {
        g_autofree char *real = realpath(found, NULL);
        g_autofree char *bin = g_path_get_dirname(real ? real : found);
        consider(c, bin);
    }
}

static bool find_binaries(int major, char **bin, struct err *e)
{
    struct choice c = {.wanted = major};
    consider_versions(&c, "/usr/lib/postgresql");
    if (!c.bin)
        consider_path(&c);
    *bin = c.bin;
    if (c.bin)
        return true;
    if (c.other)
        err_set(e, FAULT_CONFIG, "PostgreSQL %d is not on this machine, %d is", major, c.other);
    else
        err_set(e, FAULT_CONFIG, "no PostgreSQL on this machine to try the schema on");
    err_hint(e, "install it (Debian: postgresql-%d), or name an empty database with --scratch URL", major ? major : 15);
    return false;
}

/* ------------------------------------------------------------------------------------------------------- the folder */

/* Who the server runs as: it refuses root. */
struct owner {
    bool other; /* than we are */
    uid_t uid;
    gid_t gid;
};

static bool find_owner(struct owner *o, struct err *e)
{
    *o = (struct owner){.uid = geteuid(), .gid = getegid()};
    if (o->uid != 0)
        return true;
    const struct passwd *user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (!user || user->pw_uid == 0) {
        err_set(e, FAULT_CONFIG, "PostgreSQL does not run as root, and there is no user \"postgres\" or \"nobody\"");
        err_hint(e, "run this as another user, or name an empty database with --scratch URL");
        return false;
    }
    *o = (struct owner){.other = true, .uid = user->pw_uid, .gid = user->pw_gid};
    return true;
}

/* Whether the owner gets there: a folder above may be closed to all but root. */
static bool owner_enters(const struct owner *o, const char *folder)
{
    if (!o->other)
        return true;
    if (chown(folder, o->uid, o->gid) != 0 || setegid(o->gid) != 0)
        return false;
    bool enters = seteuid(o->uid) == 0 && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
    if (seteuid(0) != 0 || setegid(0) != 0)
        abort();
    return enters;
}

/* The path must fit into a socket's address, with the socket's own name. */
static char *try_folder(const struct owner *o, const char *where)
{
    g_autofree char *absolute = g_canonicalize_filename(where, NULL);
    g_autofree char *folder = g_build_filename(absolute, "migrate-scratch.XXXXXX", NULL);
    if (strlen(folder) > LONGEST_FOLDER || !mkdtemp(folder))
        return NULL;
    if (owner_enters(o, folder))
        return mem_strdup(folder);
    rmdir(folder);
    return NULL;
}

/* Memory is where thousands of small files that nobody keeps are best off, if there is plenty. */
static bool has_room(const char *memory)
{
    struct statvfs v;
    return statvfs(memory, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize >= ROOM_IN_MEMORY;
}

/* Where TMPDIR says; a path that is too long, or closed to the server's user, is overlooked. */
static bool make_folder(const struct owner *o, char **folder, struct err *e)
{
    const char *wanted = getenv("TMPDIR");
    *folder = wanted && *wanted ? try_folder(o, wanted) : has_room(MEMORY) ? try_folder(o, MEMORY) : NULL;
    if (!*folder)
        *folder = try_folder(o, "/tmp");
    if (*folder)
        return true;
    err_set(e, FAULT_CONFIG, "no folder for a temporary PostgreSQL: %s", strerror(errno));
    err_hint(e, "TMPDIR names one that may be written to");
    return false;
}

/* Never follows a link: somebody else may own what is in there. */
static void remove_tree(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlinkat(fd, entry->d_name, 0) != 0)
            remove_tree(fd, entry->d_name);
    if (dir)
        closedir(dir);
    unlinkat(parent, name, AT_REMOVEDIR);
}

/* ------------------------------------------------------------------------------------------------------- the keeper */

struct keeper {
    const struct owner *owner;
    const char *bin, *folder;
    int life;   /* readable when the one that we serve is gone */
    int status; /* where "ready" or the reason goes */
};

/* In the child: becomes the owner, says everything into the log, and runs the program. */
static void become(const struct keeper *k, const char *program, const char *const *arguments)
{
    g_autofree char *path = g_build_filename(k->bin, program, NULL);
    const char *argv[64] = {path}; /* whole: initdb looks for the server beside itself, PATH or not */
    for (size_t i = 0; i < 62 && arguments[i]; i++)
        argv[i + 1] = arguments[i];
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    if (log < 0 || fchown(log, k->owner->uid, k->owner->gid) != 0)
        _exit(126);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close(log);
    if (k->owner->other && (setgroups(0, NULL) != 0 || setgid(k->owner->gid) != 0 || setuid(k->owner->uid) != 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* behind setuid, which clears it */
    execv(path, (char **)(uintptr_t)argv);
    _exit(127);
}

static pid_t spawn(const struct keeper *k, const char *program, const char *const *arguments)
{
    pid_t child = fork();
    if (child == 0)
        become(k, program, arguments);
    return child;
}

static void settle_environment(void)
{
    char **names = g_listenv();
    for (size_t i = 0; names[i]; i++)
        if (strncmp(names[i], "PG", 2) == 0 || strncmp(names[i], "LC_", 3) == 0)
            unsetenv(names[i]);
    g_strfreev(names);
    setenv("LC_ALL", "C", 1);
}

/* The other ends of pipes and whatever else is open would outlive the process that they belong to. */
static void let_go(struct keeper *k)
{
    int null = open("/dev/null", O_RDWR), life = fcntl(k->life, F_DUPFD, 10), status = fcntl(k->status, F_DUPFD, 10);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    k->life = dup2(life, 3);
    k->status = dup2(status, 4);
    fcntl(k->life, F_SETFD, FD_CLOEXEC);
    fcntl(k->status, F_SETFD, FD_CLOEXEC);
    close_range(5, ~0U, 0);
}

static bool is_wanted(const struct keeper *k, int wait_ms)
{
    struct pollfd fd = {.fd = k->life, .events = POLLIN};
    return poll(&fd, 1, wait_ms) <= 0;
}

static void answer(const struct keeper *k, const char *text)
{
    if (write(k->status, text, strlen(text)) < 0)
        return; /* nobody listens any more, which the other pipe says too */
}

/* The last of the log, which says why. */
static void answer_failure(const struct keeper *k, const char *what)
{
    static char words[LAST_WORDS];
    int log = open("log", O_RDONLY | O_NOFOLLOW);
    off_t size = log >= 0 ? lseek(log, 0, SEEK_END) : 0;
    off_t from = size > (off_t)sizeof words ? size - (off_t)sizeof words : 0;
    ssize_t n = log >= 0 ? pread(log, words, sizeof words, from) : 0;
    answer(k, what);
    answer(k, "\n");
    if (n > 0 && write(k->status, words, (size_t)n) < 0)
        return;
}

static bool make_cluster(const struct keeper *k)
{
    static const char *const arguments[] = {"-D",    "data",       "-U",        "postgres",        "-A",
                                            "trust", "--locale=C", "--no-sync", "--encoding=UTF8", "--no-instructions",
                                            NULL};
    int status = -1;
    pid_t child = spawn(k, "initdb", arguments);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/*
 * Locks: one transaction makes every relation of a schema, and needs a lock for each, its indexes and its TOAST table.
 * Workers and senders of no use here would each claim their share of the tables of locks.
 */
static pid_t start_server(const struct keeper *k)
{
    static const char *const arguments[] = {"-D", "data",
                                            "-k", "",
                                            "-c", "listen_addresses=",
                                            "-c", "port=5432",
                                            "-c", "fsync=off",
                                            "-c", "full_page_writes=off",
                                            "-c", "synchronous_commit=off",
                                            "-c", "wal_level=minimal",
                                            "-c", "max_wal_senders=0",
                                            "-c", "max_connections=12",
                                            "-c", "superuser_reserved_connections=0",
                                            "-c", "max_worker_processes=0",
                                            "-c", "max_prepared_transactions=0",
                                            "-c", "autovacuum=off",
                                            "-c", "max_locks_per_transaction=8192",
                                            "-c", "shared_buffers=64MB",
                                            "-c", "max_wal_size=4GB",
                                            "-c", "TimeZone=UTC",
                                            "-c", "dynamic_shared_memory_type=mmap",
                                            "-c", "log_timezone=UTC",
                                            "-c", "client_connection_check_interval=1s",
                                            "-c", "unix_socket_permissions=0700",
                                            "-c", "jit=off",
                                            NULL};
    const char *mine[sizeof arguments / sizeof *arguments];
    memcpy(mine, arguments, sizeof arguments);
    mine[3] = k->folder;
    return spawn(k, "postgres", mine);
}

/* The server's own file says when it lets sessions in: the word at the end. */
static bool is_ready(void)
{
    char text[1024];
    int fd = open("data/postmaster.pid", O_RDONLY | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "\nready");
}

static void keep_server(const struct keeper *k)
{
    int status;
    pid_t server = start_server(k);
    int64_t deadline = clock_deadline(START_MS);
    bool ended = server < 0;
    while (!ended && !is_ready() && clock_left(deadline) > 0 && is_wanted(k, 10))
        ended = waitpid(server, &status, WNOHANG) == server;
    if (ended || !is_ready())
        answer_failure(k, "the temporary PostgreSQL does not start");
    else
        answer(k, "ready");
    close(k->status);
    while (!ended && is_wanted(k, -1))
        ;
    if (ended)
        return;
    kill(server, SIGQUIT);
    waitpid(server, &status, 0);
}

/* A process of its own session: what interrupts the one that we serve must not interrupt the cleaning up. */
static void keep(struct keeper *k)
{
    setsid();
    let_go(k);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    settle_environment();
    if (chdir(k->folder) == 0) {
        if (!make_cluster(k))
            answer_failure(k, "initdb fails");
        else if (is_wanted(k, 0))
            keep_server(k);
        if (chdir("/") != 0)
            _exit(1);
    }
    remove_tree(AT_FDCWD, k->folder);
    _exit(0);
}

/* ---------------------------------------------------------------------------------------------------- our side of it */

/* True: "ready". Otherwise a line that says what failed, and what the log had to say. */
static bool hear(int status, struct err *e)
{
    BUF_AUTO text = {0};
    char bytes[512];
    for (ssize_t n; (n = read(status, bytes, sizeof bytes)) != 0;) {
        if (n > 0)
            buf_add(&text, bytes, (size_t)n);
        else if (errno != EINTR)
            break;
    }
    struct str rest = buf_str(&text), line = {0};
    if (str_is(rest, "ready"))
        return true;
    if (!rest.n || !str_next(&rest, '\n', &line))
        return err_set(e, FAULT_FAILED, "the temporary PostgreSQL ended before it began");
    err_set(e, FAULT_FAILED, "%.*s", STR_ARG(line));
    if (str_trim(rest).n)
        err_detail(e, "%.*s", STR_ARG(str_trim(rest)));
    err_hint(e, "--scratch URL names an empty database to use instead");
    return false;
}

static bool start_keeper(struct cluster *c, const struct owner *owner, const char *bin, struct err *e)
{
    int life[2], status[2];
    if (pipe2(life, O_CLOEXEC) != 0)
        return err_set(e, FAULT_FAILED, "no pipe: %s", strerror(errno));
    if (pipe2(status, O_CLOEXEC) != 0) {
        close(life[0]), close(life[1]);
        return err_set(e, FAULT_FAILED, "no pipe: %s", strerror(errno));
    }
    struct keeper k = {.owner = owner, .bin = bin, .folder = c->folder, .life = life[0], .status = status[1]};
    c->life = life[1];
    c->keeper = fork();
    if (c->keeper == 0)
        keep(&k);
    close(life[0]);
    close(status[1]);
    bool ok = c->keeper > 0 ? hear(status[0], e) : err_set(e, FAULT_FAILED, "no process: %s", strerror(errno));
    close(status[0]);
    return ok;
}

bool cluster_start(struct cluster **out, int major, struct err *e)
{
    struct owner owner;
    struct cluster *c = mem_alloc(sizeof *c);
    char *bin = NULL;
    c->life = -1;
    bool ok = find_binaries(major, &bin, e) && find_owner(&owner, e) && make_folder(&owner, &c->folder, e) &&
              start_keeper(c, &owner, bin, e);
    free(bin);
    if (ok)
        *out = c;
    else
        cluster_stop(c);
    return ok;
}

const char *cluster_socket(const struct cluster *c)
{
    return c->folder;
}

void cluster_stop(struct cluster *c)
{
    if (!c)
        return;
    if (c->life >= 0)
        close(c->life);
    if (c->keeper > 0)
        while (waitpid(c->keeper, NULL, 0) < 0 && errno == EINTR)
            ;
    else if (c->folder)
        rmdir(c->folder);
    free(c->folder);
    free(c);
}
