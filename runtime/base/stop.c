/* Two eventfds that only ever rise. */
#include "base/stop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

bool stop_init(struct stop *s, struct err *e)
{
    s->wind_down_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&s->signal, 0);
    if (s->wind_down_fd < 0 || s->cancel_fd < 0)
        return err_set(e, FAULT_FAILED, "cannot make an event descriptor: %s", strerror(errno));
    return true;
}

void stop_free(struct stop *s)
{
    close(s->wind_down_fd);
    close(s->cancel_fd);
    s->wind_down_fd = s->cancel_fd = -1;
}

static void raise_level(int fd)
{
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

void stop_wind_down(struct stop *s, int signal)
{
    int none = 0;
    atomic_compare_exchange_strong(&s->signal, &none, signal);
    raise_level(s->wind_down_fd);
}

void stop_cancel(struct stop *s)
{
    raise_level(s->wind_down_fd);
    raise_level(s->cancel_fd);
}

static bool is_up(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) > 0;
}

bool stop_winding_down(const struct stop *s)
{
    return s && is_up(s->wind_down_fd, 0);
}

bool stop_cancelled(const struct stop *s)
{
    return s && is_up(s->cancel_fd, 0);
}

bool stop_sleep(const struct stop *s, int64_t ms, bool until_cancel)
{
    int64_t deadline = clock_deadline(ms);
    struct pollfd p = {.fd = !s ? -1 : until_cancel ? s->cancel_fd : s->wind_down_fd, .events = POLLIN};
    for (int64_t left; (left = clock_left(deadline)) > 0;)
        if (poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left) > 0)
            return false;
    return true;
}
