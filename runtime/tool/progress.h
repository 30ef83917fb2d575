/*
 * The progress line of a fleet, as text. Pure: numbers and a width in, one line out; who draws it when is output.h's.
 *
 *     tenant ██████████░░░░░░░░░░  512/1000  51%  16 running  3 failed  152/s  ETA 0:04
 */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdint.h>

#include "base/str.h"

/* A run so far. `name` lives until the line is taken away. */
struct progress_numbers {
    const char *name;                           /* the stream's */
    size_t total, done, known, failed, running; /* done: all that are through, failed and known ones too */
    size_t stage, n_stages;                     /* from 0; fewer than two stages are not spoken of */
};

/*
 * How fast it went lately: over the last RATE_WINDOW_MS, or since the last time that was asked when that is longer ago. The
 * zero value is a clock that has not begun.
 */
enum { RATE_WINDOW_MS = 10000, RATE_SAMPLES = 24 };
struct rate {
    struct rate_sample {
        int64_t at_ms;
        size_t done;
    } samples[RATE_SAMPLES]; /* oldest first, at least half a second apart */
    size_t n;
};
/* Notes that `done` were through at `now_ms`, and gives how many a second that makes; 0: too early to say. */
double rate_note(struct rate *r, int64_t now_ms, size_t done);

struct progress_style {
    bool utf8;   /* block characters; else # and - */
    bool colour; /* the failed ones in red */
};

/*
 * Appends the line, without a line end, in at most `width` columns: what matters least is left out first, so that it never
 * wraps and 20 columns still say how many are through and how many failed. A time left is only given where there is a
 * rate. Control bytes of the name are shown as ?, as is what the style cannot show.
 */
void progress_render(struct buf *out, const struct progress_numbers *n, double rate, int64_t elapsed_ms, size_t width,
                     struct progress_style style);

/* A bar of `width` columns for `part` of `whole`; something is never shown as nothing, nor less than all as all. */
void progress_bar(struct buf *out, size_t part, size_t whole, size_t width, bool utf8);

/* Does the locale write UTF-8? The first of LC_ALL, LC_CTYPE and LANG that is set and not empty says so. */
bool locale_is_utf8(const char *lc_all, const char *lc_ctype, const char *lang);

#endif
