/*
 * Host names to addresses, once for all connections to a host. libpq looks a name up each time it connects, and blocks
 * meanwhile: a name server that is down would hold up a worker for ten seconds and more, whatever its deadline. Here a
 * thread of its own asks, everybody who wants the same name waits for that one answer with poll(), and the addresses are
 * handed to libpq as `hostaddr` beside `host`, which stays what certificates are checked against.
 *
 * An answer is believed for half a minute, so that a server that moves is found again; that there is none, for a second.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/postgresql.h"

#define GOOD_FOR_MS 30000
#define BAD_FOR_MS 1000
#define MOST_NAMES 256

/* One name. Lives as long as it is in the list, is being asked for, or somebody waits for it. */
struct name {
    struct name *next;
    char *host;
    int done_fd; /* becomes readable with the answer, and stays so */
    bool done;
    bool listed;
    int users; /* threads that hold it: the one that asks, and those that wait */
    int64_t good_until;
    char **addresses; /* what was found */
    size_t n;
    char *problem; /* or why nothing was */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct name *names;
static size_t n_names;

/* ---- the list; all of it under the lock ---- */

static void free_unused(struct name *name)
{
    if (name->users || name->listed)
        return;
    for (size_t i = 0; i < name->n; i++)
        free(name->addresses[i]);
    close(name->done_fd);
    free(name->addresses);
    free(name->problem);
    free(name->host);
    free(name);
}

static void drop_stale(void)
{
    int64_t now = clock_ms();
    for (struct name **at = &names; *at;) {
        struct name *name = *at;
        if (!name->done || (now < name->good_until && n_names <= MOST_NAMES)) {
            at = &name->next;
            continue;
        }
        *at = name->next;
        n_names--;
        name->listed = false;
        free_unused(name);
    }
}

static void release(struct name *name)
{
    pthread_mutex_lock(&lock);
    name->users--;
    free_unused(name);
    pthread_mutex_unlock(&lock);
}

/* ---- asking ---- */

static void keep_answer(struct name *name, const struct addrinfo *found)
{
    size_t n = 0;
    for (const struct addrinfo *a = found; a; a = a->ai_next)
        n++;
    name->addresses = mem_alloc((n + 1) * sizeof *name->addresses);
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        char text[128];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
            name->addresses[name->n++] = mem_strdup(text);
    }
}

static void *ask(void *context)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct name *name = context;
    struct addrinfo *found = NULL;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    int failed = getaddrinfo(name->host, NULL, &hints, &found);
    pthread_mutex_lock(&lock);
    if (!failed)
        keep_answer(name, found);
    if (!name->n)
        name->problem = mem_strdup(failed ? gai_strerror(failed) : "no address");
    name->good_until = clock_deadline(name->n ? GOOD_FOR_MS : BAD_FOR_MS);
    name->done = true;
    (void)eventfd_write(name->done_fd, 1);
    pthread_mutex_unlock(&lock);
    if (found)
        freeaddrinfo(found);
    release(name);
    return NULL;
}

/* Nobody waits for the thread itself: it may hang for as long as the name server does. */
static bool start_asking(struct name *name)
{
    pthread_t thread;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    name->users++;
    bool started = pthread_create(&thread, &detached, ask, name) == 0;
    name->users -= !started;
    pthread_attr_destroy(&detached);
    return started;
}

static struct name *add_name(const char *host)
{
    struct name *name = mem_alloc(sizeof *name);
    *name = (struct name){.next = names, .host = mem_strdup(host), .listed = true};
    name->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    names = name;
    n_names++;
    return name;
}

/* The name, being asked for or answered, held for the caller. NULL: the system refuses a thread or a descriptor. */
static struct name *hold(const char *host)
{
    struct name *name;
    pthread_mutex_lock(&lock);
    drop_stale();
    for (name = names; name && strcmp(name->host, host) != 0;)
        name = name->next;
    if (!name) {
        name = add_name(host);
        if (name->done_fd < 0 || !start_asking(name)) {
            name->done = true; /* stale at once */
            name->good_until = 0;
            drop_stale();
            name = NULL;
        }
    }
    if (name)
        name->users++;
    pthread_mutex_unlock(&lock);
    return name;
}

/* ---- the hosts of an address ---- */

/* The piece at position `i` of a list; a list of one counts for all. */
static struct str item(const char *list, size_t i)
{
    struct str rest = str_from(list), piece = {0};
    if (!strchr(list, ','))
        return rest;
    for (size_t at = 0; str_next(&rest, ',', &piece); at++)
        if (at == i)
            return piece;
    return (struct str){0};
}

static void add_host(struct postgresql_hosts *out, struct str host, const char *address, struct str port)
{
    const char *comma = out->n++ ? "," : "";
    buf_addz(&out->hosts, comma);
    buf_adds(&out->hosts, host);
    buf_addz(&out->addresses, comma);
    buf_addz(&out->addresses, address);
    buf_addz(&out->ports, comma);
    buf_adds(&out->ports, port);
}

/* Neither a socket's folder nor an address already. */
static bool is_name(struct str host)
{
    char text[64];
    struct in6_addr ignored;
    if (host.n == 0 || host.p[0] == '/' || host.p[0] == '@')
        return false;
    snprintf(text, sizeof text, "%.*s", STR_ARG(host));
    return host.n >= sizeof text ||
           (inet_pton(AF_INET, text, &ignored) != 1 && inet_pton(AF_INET6, text, &ignored) != 1);
}

static bool has_name(const char *hosts)
{
    struct str rest = str_from(hosts), host;
    while (str_next(&rest, ',', &host))
        if (is_name(host))
            return true;
    return false;
}

/* All of a name's addresses, each as a host of its own, as libpq itself would try them. */
static enum wake add_name_addresses(struct arena *a, struct postgresql_hosts *out, struct str host, struct str port,
                                    int64_t deadline, const struct stop *stop)
{
    struct name *name = hold(arena_str(a, host));
    if (!name) {
        out->unknown = arena_str(a, host);
        out->problem = "no thread or descriptor to ask with";
        return WAKE_READY;
    }
    enum wake wake = postgresql_wait(name->done_fd, POLLIN, deadline, stop);
    if (wake == WAKE_READY) {
        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < name->n; i++)
            add_host(out, host, name->addresses[i], port);
        if (!name->n) {
            out->unknown = arena_str(a, host);
            out->problem = arena_strdup(a, name->problem);
        }
        pthread_mutex_unlock(&lock);
    }
    release(name);
    return wake;
}

enum wake postgresql_resolve(struct arena *a, const char *hosts, const char *ports, int64_t deadline,
                             const struct stop *stop, struct postgresql_hosts *out)
{
    struct str rest = str_from(hosts), host;
    enum wake wake = WAKE_READY;
    if (!has_name(hosts) && !strchr(hosts, ','))
        return WAKE_READY;
    for (size_t i = 0; wake == WAKE_READY && str_next(&rest, ',', &host); i++) {
        if (is_name(host))
            wake = add_name_addresses(a, out, host, item(ports, i), deadline, stop);
        else /* libpq takes an empty address for "as the host says" */
            add_host(out, host, "", item(ports, i));
    }
    return wake;
}

void postgresql_hosts_free(struct postgresql_hosts *hosts)
{
    buf_free(&hosts->hosts);
    buf_free(&hosts->addresses);
    buf_free(&hosts->ports);
}
