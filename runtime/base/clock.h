/*
 * Time: deadlines on the monotonic clock, timestamps in UTC, durations as people write them.
 *
 * All spans are int64_t milliseconds. A deadline is a point on the monotonic clock; DEADLINE_NEVER never passes.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define DEADLINE_NEVER INT64_MAX

int64_t clock_ms(void);                  /* monotonic, now */
int64_t clock_deadline(int64_t span_ms); /* now + span; span < 0 gives DEADLINE_NEVER */
int64_t clock_left(int64_t deadline);    /* 0 when passed; INT64_MAX for DEADLINE_NEVER */
int64_t clock_min(int64_t a, int64_t b);
/* A point of wall time as "2026-11-22T10:15:00.123Z" (buffer of at least 32 bytes). */
void clock_format_utc(char out[32], int64_t unix_ms);
int64_t clock_unix_ms(void);
/* A random span in [ms/2, ms], so that callers that poll do not march in step. */
int64_t clock_jitter(int64_t ms);

/*
 * "5s", "250ms", "10min", "2h", "1d", "0" (zero alone needs no unit). False when `text` is not a duration or exceeds
 * 2147483647 ms, PostgreSQL's own bound for its timeouts.
 */
bool duration_parse(struct str text, int64_t *ms);
void duration_format(char out[32], int64_t ms); /* "1.5 s", "320 ms", "2 min 3 s": for people */

#endif
