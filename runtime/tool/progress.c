/*
 * The parts of a progress line and which of them fit. Every part is made first, then as many as fit are taken in the order
 * of their importance, and written in the order in which they are read.
 */
#include "tool/progress.h"

#include <stdio.h>
#include <string.h>

#include "tool/columns.h"

/* --------------------------------------------------------------------------------------------------------- rate */

enum { SAMPLE_APART_MS = 500 };

/* The newest sample that is a window old stays: what came before it says nothing of lately. */
static void drop_old(struct rate *r, int64_t now_ms)
{
    size_t drop = 0;
    while (drop + 1 < r->n && r->samples[drop + 1].at_ms <= now_ms - RATE_WINDOW_MS)
        drop++;
    if (!drop && r->n == RATE_SAMPLES)
        drop = 1;
    r->n -= drop;
    memmove(r->samples, r->samples + drop, r->n * sizeof *r->samples);
}

double rate_note(struct rate *r, int64_t now_ms, size_t done)
{
    drop_old(r, now_ms);
    if (!r->n || now_ms - r->samples[r->n - 1].at_ms >= SAMPLE_APART_MS)
        r->samples[r->n++] = (struct rate_sample){now_ms, done};
    int64_t span = now_ms - r->samples[0].at_ms;
    if (span < SAMPLE_APART_MS || done <= r->samples[0].done)
        return 0;
    return (double)(done - r->samples[0].done) * 1000.0 / (double)span;
}

/* -------------------------------------------------------------------------------------------------------- parts */

/* In the order in which they are read. */
enum part {
    PART_NAME,
    PART_STAGE,
    PART_BAR,
    PART_COUNT,
    PART_PERCENT,
    PART_RUNNING,
    PART_FAILED,
    PART_KNOWN,
    PART_RATE,
    PART_ETA,
    PART_ELAPSED,
    PARTS
};
/* In the order in which they are given room. */
static const enum part by_importance[] = {PART_COUNT, PART_FAILED, PART_PERCENT, PART_ETA,   PART_NAME,   PART_RUNNING,
                                          PART_RATE,  PART_BAR,    PART_STAGE,   PART_KNOWN, PART_ELAPSED};

enum { NAME_COLUMNS = 24, BAR_LEAST = 10, BAR_MOST = 30, GAP = 2 };

/* ASCII but for the bar, which is made when its width is known, and the name, whose columns are its characters. */
struct parts {
    struct buf text[PARTS];
    size_t columns[PARTS]; /* 0: not there */
    bool taken[PARTS];
};

/* One character of a name; what cannot be shown becomes "?". Gives how many bytes it took. */
static size_t add_character(struct buf *out, struct str rest, bool utf8)
{
    unsigned char c = (unsigned char)rest.p[0];
    size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    struct str one = str_slice(rest, 0, length);
    bool is_valid = str_utf8_error(one) == length;
    bool is_control = c < 0x20 || c == 0x7F || (c == 0xC2 && one.n == 2 && (unsigned char)one.p[1] < 0xA0);
    if (is_valid && !is_control && (utf8 || length == 1))
        buf_adds(out, one);
    else
        buf_addc(out, '?');
    return is_valid ? length : 1;
}

static void make_name(struct buf *out, const char *name, bool utf8)
{
    BUF_AUTO clean = {0};
    for (struct str rest = str_from(name); rest.n;)
        rest = str_slice(rest, add_character(&clean, rest, utf8), rest.n);
    columns_cut(out, buf_str(&clean), NAME_COLUMNS, utf8);
}

/* "0:42", "1:03:20", "12 days" */
static void add_span(struct buf *out, double seconds)
{
    if (seconds >= 100.0 * 3600.0) {
        double days = seconds / 86400.0;
        buf_addf(out, "%.0f days", days < 9999 ? days : 9999.0);
        return;
    }
    unsigned s = (unsigned)seconds;
    if (s >= 3600)
        buf_addf(out, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    else
        buf_addf(out, "%u:%02u", s / 60, s % 60);
}

static void make_rate(struct buf *out, double rate)
{
    if (rate >= 10)
        buf_addf(out, "%.0f/s", rate);
    else if (rate >= 1)
        buf_addf(out, "%.1f/s", rate);
    else
        buf_addf(out, "%.1f/min", rate * 60);
}

static void make_time(struct parts *p, const struct progress_numbers *n, double rate, int64_t elapsed_ms)
{
    size_t left = n->total > n->done ? n->total - n->done : 0;
    if (rate > 0) {
        make_rate(&p->text[PART_RATE], rate);
        buf_addz(&p->text[PART_ETA], "ETA ");
        /* Rounded up: "0:00" would say that it is over. */
        add_span(&p->text[PART_ETA], (double)left / rate + 0.999);
    }
    add_span(&p->text[PART_ELAPSED], (double)elapsed_ms / 1000.0);
    buf_addz(&p->text[PART_ELAPSED], " so far");
}

static void make_parts(struct parts *p, const struct progress_numbers *n, double rate, int64_t elapsed_ms, bool utf8)
{
    make_name(&p->text[PART_NAME], n->name, utf8);
    buf_addf(&p->text[PART_COUNT], "%zu/%zu", n->done, n->total);
    if (n->total)
        buf_addf(&p->text[PART_PERCENT], "%zu%%", (size_t)((double)n->done / (double)n->total * 100));
    buf_addf(&p->text[PART_RUNNING], "%zu running", n->running);
    if (n->failed)
        buf_addf(&p->text[PART_FAILED], "%zu failed", n->failed);
    if (n->known)
        buf_addf(&p->text[PART_KNOWN], "%zu known", n->known);
    if (n->n_stages > 1)
        buf_addf(&p->text[PART_STAGE], "stage %zu/%zu", n->stage + 1, n->n_stages);
    make_time(p, n, rate, elapsed_ms);
    for (int i = 0; i < PARTS; i++)
        p->columns[i] = columns_of(buf_str(&p->text[i]));
    p->columns[PART_BAR] = n->total ? BAR_LEAST : 0;
}

/* A number that is close to its unit reads as one with it. */
static size_t gap_before(enum part part)
{
    return part == PART_PERCENT || part == PART_STAGE || part == PART_BAR ? 1 : GAP;
}

/* Gives the columns that are left. */
static size_t take_parts(struct parts *p, size_t width)
{
    for (size_t i = 0; i < PARTS; i++) {
        enum part part = by_importance[i];
        size_t need = p->columns[part] ? p->columns[part] + (i ? gap_before(part) : 0) : 0;
        if (need > width && i)
            break; /* what matters less does not slip in */
        p->taken[part] = need > 0;
        width -= need < width ? need : width;
    }
    return width;
}

/* --------------------------------------------------------------------------------------------------------- line */

void progress_bar(struct buf *out, size_t part, size_t whole, size_t width, bool utf8)
{
    size_t full = whole ? (size_t)((double)part / (double)whole * (double)width) : 0;
    if (part && !full)
        full = 1;
    if (part < whole && full >= width && width)
        full = width - 1;
    for (size_t i = 0; i < width; i++)
        if (utf8)
            buf_addz(out, i < full ? "\xE2\x96\x88" : "\xE2\x96\x91");
        else
            buf_addc(out, i < full ? '#' : '-');
}

/* In steps of ten: a bar that grew and shrank with every digit beside it would flicker. */
static size_t bar_columns(size_t left)
{
    size_t columns = BAR_LEAST + left / 10 * 10;
    return columns < BAR_MOST ? columns : BAR_MOST;
}

static void write_parts(struct buf *out, const struct parts *p, bool colour)
{
    bool first = true;
    for (int i = 0; i < PARTS; i++) {
        if (!p->taken[i])
            continue;
        if (!first)
            buf_pad(out, ' ', gap_before((enum part)i));
        first = false;
        bool red = i == PART_FAILED && colour;
        buf_addz(out, red ? "\033[31m" : "");
        buf_adds(out, buf_str(&p->text[i]));
        buf_addz(out, red ? "\033[m" : "");
    }
}

void progress_render(struct buf *out, const struct progress_numbers *n, double rate, int64_t elapsed_ms, size_t width,
                     struct progress_style style)
{
    struct parts p = {0};
    make_parts(&p, n, rate, elapsed_ms, style.utf8);
    if (p.columns[PART_COUNT] > width) {
        buf_adds(out, str_slice(buf_str(&p.text[PART_COUNT]), 0, width));
    } else {
        size_t left = take_parts(&p, width);
        progress_bar(&p.text[PART_BAR], n->done, n->total, bar_columns(left), style.utf8);
        write_parts(out, &p, style.colour);
    }
    for (int i = 0; i < PARTS; i++)
        buf_free(&p.text[i]);
}

bool locale_is_utf8(const char *lc_all, const char *lc_ctype, const char *lang)
{
    const char *locale = lc_all && *lc_all ? lc_all : lc_ctype && *lc_ctype ? lc_ctype : lang;
    return locale && (strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8"));
}
