/* Deadlines, timestamps, durations. */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define DURATION_MOST ((int64_t)2147483647)

int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_unix_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_deadline(int64_t span_ms)
{
    int64_t at;
    if (span_ms < 0 || __builtin_add_overflow(clock_ms(), span_ms, &at))
        return DEADLINE_NEVER;
    return at;
}

int64_t clock_left(int64_t deadline)
{
    if (deadline == DEADLINE_NEVER)
        return INT64_MAX;
    int64_t left = deadline - clock_ms();
    return left > 0 ? left : 0;
}

int64_t clock_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void clock_format_utc(char out[32], int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    char date[24] = "";
    if (gmtime_r(&seconds, &tm))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03dZ", date, (int)(unix_ms % 1000));
}

int64_t clock_jitter(int64_t ms)
{
    uint32_t random = 0;
    if (ms < 2 || getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return ms;
    return ms / 2 + (int64_t)(random % (uint32_t)(ms - ms / 2 + 1));
}

static const struct {
    const char *unit;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};

bool duration_parse(struct str text, int64_t *ms)
{
    int64_t number = 0;
    size_t i = 0;
    for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
        number = number * 10 + (text.p[i] - '0');
        if (number > DURATION_MOST)
            return false;
    }
    if (i == 0)
        return false;
    struct str unit = str_slice(text, i, text.n);
    if (unit.n == 0 && number == 0) {
        *ms = 0;
        return true;
    }
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (str_is(unit, units[k].unit)) {
            if (number > DURATION_MOST / units[k].ms)
                return false;
            *ms = number * units[k].ms;
            return true;
        }
    return false;
}

void duration_format(char out[32], int64_t ms)
{
    if (ms < 1000)
        snprintf(out, 32, "%" PRId64 " ms", ms);
    else if (ms < 60000)
        snprintf(out, 32, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
    else
        snprintf(out, 32, "%" PRId64 " min %" PRId64 " s", ms / 60000, ms % 60000 / 1000);
}
