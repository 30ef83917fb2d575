/*
 * A TCP proxy that counts, and that can stand for a network with a delay. For tests and measurements of what a client sends.
 *
 *     proxy LISTEN_PORT TARGET_HOST:PORT [--delay-ms N] [--log FILE]
 *
 * Listens on 127.0.0.1; with port 0 on one that the kernel chooses. Once it listens it prints the port, on a line. Each
 * connection that is over adds a line to FILE, with these numbers separated by tabs:
 *
 *     turns    how often the client spoke and then waited: bursts of its bytes, with bytes of the server between them. A
 *              goodbye that nothing follows is one too
 *     up, down bytes from the client, bytes from the server
 *     open     how many connections were open when this one began, itself included; one is open until its client closes it
 *     bye      1 when the last that the client sent was PostgreSQL's Terminate, else 0
 *
 * The delay is a round trip's: half of it for every byte in each direction, and a whole one more before the client's first
 * byte, since connecting to a distant server takes one, and connecting to this proxy none. Bytes on their way do not hold
 * up each other: there is no limit of throughput, and none of memory.
 *
 * One thread, one epoll. The order in which a socket's bytes are seen is the order of cause and effect, because they only
 * go on from here: an answer cannot be there before the question was read. Clients that close are seen before those that
 * connect, so that who closes one connection and opens another has never two.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum side { CLIENT, SERVER };

/* Bytes on their way, or the news that there are no more (n == 0). */
struct chunk {
    struct chunk *next;
    int64_t due; /* ns, CLOCK_MONOTONIC */
    size_t n, sent;
    char bytes[];
};

struct end {
    struct connection *connection;
    enum side side;
    int fd;
    bool finished;              /* it sends nothing more */
    bool closed;                /* it was told that the other sends nothing more, or cannot hear it */
    bool full;                  /* it takes no more for now; epoll says when it does */
    struct chunk *first, *last; /* to be sent to it */
};

struct connection {
    struct connection *next, **before;
    struct end ends[2];
    int64_t began;
    bool connecting, client_spoke;
    unsigned long turns, up, down, open;
    char tail[5]; /* the last bytes of the client */
};

static struct connection *connections;
static struct connection *dead; /* until the present events are through, which may speak of them */
static unsigned long n_open;
static int64_t delay_ns;
static struct sockaddr_storage target;
static socklen_t target_size;
static int poller, timer;
static FILE *records;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("proxy: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    exit(1);
}

static void *must(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct end *peer(const struct end *e)
{
    return &e->connection->ends[e->side == CLIENT ? SERVER : CLIENT];
}

/* ---- a connection's beginning and end ---- */

static void watch(struct end *e, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLET, .data.ptr = e};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, e->fd, &event) < 0)
        die("epoll: %s", strerror(errno));
}

static void begin(int fd)
{
    static const int one = 1;
    struct connection *c = must(calloc(1, sizeof *c));
    int out = socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out < 0)
        die("socket: %s", strerror(errno));
    c->ends[CLIENT] = (struct end){.connection = c, .side = CLIENT, .fd = fd};
    c->ends[SERVER] = (struct end){.connection = c, .side = SERVER, .fd = out};
    c->began = now_ns();
    c->open = ++n_open;
    c->next = connections;
    c->before = &connections;
    if (connections)
        connections->before = &c->next;
    connections = c;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->connecting = connect(out, (struct sockaddr *)&target, target_size) < 0;
    if (c->connecting && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    watch(&c->ends[CLIENT], EPOLLIN | EPOLLOUT);
    watch(&c->ends[SERVER], EPOLLIN | EPOLLOUT);
}

static void record(const struct connection *c)
{
    if (!records)
        return;
    fprintf(records, "%lu\t%lu\t%lu\t%lu\t%d\n", c->turns, c->up, c->down, c->open,
            memcmp(c->tail, "X\0\0\0\4", sizeof c->tail) == 0);
    fflush(records);
}

static void bury(struct connection *c)
{
    record(c);
    for (int i = 0; i < 2; i++) {
        close(c->ends[i].fd);
        for (struct chunk *k = c->ends[i].first, *next; k; k = next) {
            next = k->next;
            free(k);
        }
    }
    *c->before = c->next;
    if (c->next)
        c->next->before = c->before;
    c->next = dead;
    c->before = NULL;
    dead = c;
}

static void free_dead(void)
{
    for (struct connection *c = dead, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    dead = NULL;
}

/* ---- bytes ---- */

static void count(struct end *from, const char *bytes, size_t n)
{
    struct connection *c = from->connection;
    if (from->side == SERVER) {
        c->down += n;
        c->client_spoke = false;
        return;
    }
    c->up += n;
    c->turns += !c->client_spoke;
    c->client_spoke = true;
    if (n < sizeof c->tail) {
        memmove(c->tail, c->tail + n, sizeof c->tail - n);
        memcpy(c->tail + sizeof c->tail - n, bytes, n);
    } else {
        memcpy(c->tail, bytes + n - sizeof c->tail, sizeof c->tail);
    }
}

/* n == 0: the end. */
static void enqueue(struct end *to, const char *bytes, size_t n)
{
    struct chunk *k = must(malloc(sizeof *k + n));
    int64_t earliest = to->side == SERVER ? to->connection->began + delay_ns : 0, now = now_ns();
    *k = (struct chunk){.due = (now > earliest ? now : earliest) + delay_ns / 2, .n = n};
    if (n)
        memcpy(k->bytes, bytes, n);
    if (to->last)
        to->last->next = k;
    else
        to->first = k;
    to->last = k;
}

static void take_in(struct end *from)
{
    static char bytes[65536];
    while (!from->finished) {
        ssize_t n = read(from->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n > 0) {
            count(from, bytes, (size_t)n);
        } else {
            from->finished = true;
            n_open -= from->side == CLIENT;
        }
        enqueue(peer(from), bytes, n > 0 ? (size_t)n : 0);
    }
}

/* Sends what is due. Who cannot be reached any more loses the rest. */
static void give_out(struct end *to, int64_t now)
{
    struct chunk *k;
    while ((k = to->first) && k->due <= now) {
        while (k->sent < k->n && !to->closed) {
            ssize_t n = send(to->fd, k->bytes + k->sent, k->n - k->sent, MSG_NOSIGNAL);
            to->full = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
            if (to->full)
                return;
            if (n < 0 && errno != EINTR)
                to->closed = true;
            k->sent += n > 0 ? (size_t)n : 0;
        }
        if (k->n == 0) {
            shutdown(to->fd, SHUT_WR);
            to->closed = true;
        }
        to->first = k->next;
        to->last = to->first ? to->last : NULL;
        free(k);
    }
}

static bool is_through(const struct connection *c)
{
    for (int i = 0; i < 2; i++)
        if (!c->ends[i].finished || c->ends[i].first)
            return false;
    return true;
}

/* Everything that can be done for it now. */
static void attend(struct connection *c)
{
    take_in(&c->ends[CLIENT]);
    if (c->connecting)
        return;
    take_in(&c->ends[SERVER]);
    int64_t now = now_ns();
    give_out(&c->ends[SERVER], now);
    give_out(&c->ends[CLIENT], now);
    if (is_through(c))
        bury(c);
}

/* ---- the loop ---- */

/* For the first chunk that is due and waits for nothing else. */
static void set_timer(void)
{
    int64_t first = 0;
    for (struct connection *c = connections; c; c = c->next)
        for (int i = 0; i < 2 && !c->connecting; i++)
            if (c->ends[i].first && !c->ends[i].full && (!first || c->ends[i].first->due < first))
                first = c->ends[i].first->due;
    struct itimerspec when = {.it_value = {.tv_sec = first / 1000000000, .tv_nsec = first % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void attend_all(void)
{
    for (struct connection *c = connections, *next; c; c = next) {
        next = c->next;
        attend(c);
    }
}

/* Who closed a connection before this one has an end there to be read, though no event may have told of it yet. */
static void accept_waiting(int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        attend_all();
        begin(fd);
    }
}

static void loop(int listener)
{
    static struct epoll_event events[4096];
    for (;;) {
        int n = epoll_wait(poller, events, sizeof events / sizeof *events, -1);
        bool newcomers = false, rung = false;
        uint64_t rings;
        for (int i = 0; i < n; i++) {
            struct end *e = events[i].data.ptr;
            newcomers |= events[i].data.ptr == &poller;
            rung |= events[i].data.ptr == &timer;
            if (events[i].data.ptr == &poller || events[i].data.ptr == &timer || !e->connection->before)
                continue;
            if (e->side == SERVER && events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
                e->connection->connecting = false;
            attend(e->connection);
        }
        if (rung) {
            (void)!read(timer, &rings, sizeof rings);
            attend_all();
        }
        if (newcomers)
            accept_waiting(listener);
        free_dead();
        if (delay_ns)
            set_timer();
    }
}

/* ---- the start ---- */

static int listen_on(const char *port)
{
    static const int one = 1;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof where;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    where.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof where) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&where, &size) < 0)
        die("port %s: %s", port, strerror(errno));
    printf("%d\n", ntohs(where.sin_port));
    fflush(stdout);
    return fd;
}

static void find_target(const char *text)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    const char *colon = strrchr(text, ':');
    if (!colon)
        die("%s: no port", text);
    char *host = must(strndup(text, (size_t)(colon - text)));
    int code = getaddrinfo(host, colon + 1, &hints, &found);
    if (code)
        die("%s: %s", text, gai_strerror(code));
    memcpy(&target, found->ai_addr, found->ai_addrlen);
    target_size = found->ai_addrlen;
    freeaddrinfo(found);
    free(host);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (argc < 3 || argc % 2 == 0)
        die("usage: proxy LISTEN_PORT TARGET_HOST:PORT [--delay-ms N] [--log FILE]");
    for (int i = 3; i < argc; i += 2) {
        if (strcmp(argv[i], "--delay-ms") == 0)
            delay_ns = (int64_t)(strtod(argv[i + 1], NULL) * 1e6);
        else if (strcmp(argv[i], "--log") != 0)
            die("%s?", argv[i]);
        else if (!(records = fopen(argv[i + 1], "ae")))
            die("%s: %s", argv[i + 1], strerror(errno));
    }
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* two descriptors a connection */
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    find_target(argv[2]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int listener = listen_on(argv[1]);
    struct epoll_event of_listener = {.events = EPOLLIN, .data.ptr = &poller}; /* any address that is no end's */
    struct epoll_event of_timer = {.events = EPOLLIN, .data.ptr = &timer};
    if (poller < 0 || timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &of_listener) < 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, timer, &of_timer) < 0)
        die("epoll: %s", strerror(errno));
    loop(listener);
}
