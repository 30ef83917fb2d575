/*
 * Being asked to stop. One struct stop is shared by all threads of a run. It has two levels: *wind down* (begin no new
 * work, finish what runs) and *cancel* (end what runs, now). Both only ever rise. Each level has a file descriptor that
 * becomes and stays readable, so that a thread which polls a socket can poll it too.
 *
 * A NULL `const struct stop *` never asks for anything.
 */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct stop {
    int wind_down_fd;
    int cancel_fd;
    atomic_int signal; /* the signal that asked, 0: none */
};

bool stop_init(struct stop *s, struct err *e);
void stop_free(struct stop *s);
void stop_wind_down(struct stop *s, int signal);
void stop_cancel(struct stop *s);
bool stop_winding_down(const struct stop *s);
bool stop_cancelled(const struct stop *s);
/* Sleeps, but not past the wind-down (or, with until_cancel, the cancel). False when it was cut short. */
bool stop_sleep(const struct stop *s, int64_t ms, bool until_cancel);

#endif
