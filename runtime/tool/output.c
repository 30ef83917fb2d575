/* Writes to stdout and stderr, one writer at a time. Decides about JSON, quiet and the progress line. */
#include "tool/output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { DRAWN_APART_MS = 100, DRAWN_LEAST_MS = 1000 };

void output_init(struct output *o, FILE *answer, FILE *talk)
{
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    *o = (struct output){.answer = answer, .talk = talk};
    pthread_mutex_init(&o->mutex, NULL);
    o->terminal = isatty(fileno(talk)) && term && *term && strcmp(term, "dumb") != 0;
    o->style.utf8 = locale_is_utf8(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG"));
    o->style.colour = o->terminal && !(no_colour && *no_colour);
}

/* C0, DEL, and C1 as UTF-8 writes it (C2 80 … C2 9F). */
void output_clean(struct buf *out, struct str text, bool lines)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        unsigned char next = i + 1 < text.n ? (unsigned char)text.p[i + 1] : 0;
        if (c == 0xC2 && next >= 0x80 && next <= 0x9F) {
            buf_addf(out, "\\x%02x", next);
            i++;
        } else if ((c < 0x20 && c != '\t' && !(lines && c == '\n')) || c == 0x7F) {
            buf_addf(out, "\\x%02x", c);
        } else {
            buf_addc(out, (char)c);
        }
    }
}

/* --------------------------------------------------------------------------------------------- under the mutex */

static void flush_answer(struct output *o)
{
    if (fflush(o->answer) != 0 && !o->write_errno)
        o->write_errno = errno ? errno : EIO;
}

static size_t width_of(FILE *f)
{
    struct winsize size;
    return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static void clear_progress(struct output *o)
{
    if (!o->progress.stands)
        return;
    fputs("\r\033[K", o->talk);
    fflush(o->talk);
    o->progress.stands = false;
}

/* One column stays free: a terminal that waits behind its last one wraps with the next character. */
static void draw_progress(struct output *o, int64_t now)
{
    struct progress *p = &o->progress;
    BUF_AUTO text = {0};
    double rate = rate_note(&p->rate, now, p->numbers.done);
    buf_addz(&text, "\r");
    progress_render(&text, &p->numbers, rate, now - p->began_ms, width_of(o->talk) - 1, o->style);
    buf_addz(&text, "\033[K");
    fwrite(text.p, 1, text.n, o->talk);
    fflush(o->talk);
    p->drawn_ms = now;
    p->stands = true;
}

/* What follows a progress line that had to go: it is drawn again, but not more often than the eye can use. */
static void draw_unless_fresh(struct output *o, int64_t most_age_ms)
{
    int64_t now = clock_ms();
    if (o->progress.wanted && now - o->progress.drawn_ms >= most_age_ms)
        draw_progress(o, now);
}

static void write_answer(struct output *o, struct str text)
{
    clear_progress(o);
    if (text.n && fwrite(text.p, 1, text.n, o->answer) != text.n && !o->write_errno)
        o->write_errno = errno ? errno : EIO;
}

/* The answer so far goes out first, so that both streams of one terminal keep their order. */
static void write_talk(struct output *o, struct str text)
{
    clear_progress(o);
    flush_answer(o);
    fwrite(text.p, 1, text.n, o->talk);
    fflush(o->talk);
    draw_unless_fresh(o, DRAWN_APART_MS);
}

/* ------------------------------------------------------------------------------------------------------- answer */

void output_line(struct output *o, const char *format, ...)
{
    if (o->json)
        return;
    BUF_AUTO line = {0}, clean = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&line, format, ap);
    va_end(ap);
    output_clean(&clean, buf_str(&line), false);
    buf_addc(&clean, '\n');
    pthread_mutex_lock(&o->mutex);
    write_answer(o, buf_str(&clean));
    pthread_mutex_unlock(&o->mutex);
}

void output_raw(struct output *o, struct str text)
{
    pthread_mutex_lock(&o->mutex);
    write_answer(o, text);
    pthread_mutex_unlock(&o->mutex);
}

void output_text(struct output *o, const struct buf *text)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    if (!o->json) {
        output_raw(o, buf_str(text));
        return;
    }
    json_object(&j);
    json_put_text(&j, "text", text->p);
    json_end_object(&j);
    output_object(o, &object);
}

void output_object(struct output *o, const struct buf *object)
{
    if (!o->json)
        return;
    pthread_mutex_lock(&o->mutex);
    write_answer(o, buf_str(object));
    write_answer(o, STR("\n"));
    flush_answer(o);
    pthread_mutex_unlock(&o->mutex);
}

/* --------------------------------------------------------------------------------------------------------- talk */

static bool is_wanted(const struct output *o, enum log_level level)
{
    if (level >= TALK_WARNING)
        return true;
    if (o->quiet || (o->json && !o->verbosity))
        return false;
    return level == TALK_NOTE || o->verbosity >= (level == TALK_INFO ? 1U : 2U);
}

static void talk_line(struct output *o, enum log_level level, struct str line)
{
    if (!is_wanted(o, level))
        return;
    BUF_AUTO text = {0};
    buf_addz(&text, level == TALK_ERROR ? "error: " : level == TALK_WARNING ? "warning: " : "");
    output_clean(&text, line, false);
    buf_addc(&text, '\n');
    pthread_mutex_lock(&o->mutex);
    write_talk(o, buf_str(&text));
    pthread_mutex_unlock(&o->mutex);
}

void output_talk(struct output *o, enum log_level level, const char *format, ...)
{
    BUF_AUTO line = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&line, format, ap);
    va_end(ap);
    talk_line(o, level, buf_str(&line));
}

void output_more(struct output *o, const char *line)
{
    BUF_AUTO text = {0};
    output_clean(&text, str_from(line), false);
    buf_addc(&text, '\n');
    pthread_mutex_lock(&o->mutex);
    write_talk(o, buf_str(&text));
    pthread_mutex_unlock(&o->mutex);
}

static void emit_log(void *context, enum log_level level, const char *line)
{
    talk_line(context, level, str_from(line));
}

struct log output_log(struct output *o)
{
    return (struct log){.emit = emit_log, .context = o};
}

void output_error_members(struct json *j, const struct err *e)
{
    json_put_text(j, "fault", err_fault_name(e->fault));
    json_put_text(j, "message", e->message);
    if (e->sqlstate[0])
        json_put_text(j, "sqlstate", e->sqlstate);
    if (e->detail)
        json_put_text(j, "detail", e->detail);
    if (e->hint)
        json_put_text(j, "hint", e->hint);
    if (e->path) {
        json_put_text(j, "path", e->path);
        json_put_int(j, "line", e->line);
        json_put_int(j, "column", e->column);
    }
}

void output_error(struct output *o, const struct err *e, const char *label)
{
    BUF_AUTO text = {0}, clean = {0};
    err_format(&text, e, label);
    output_clean(&clean, buf_str(&text), true);
    pthread_mutex_lock(&o->mutex);
    write_talk(o, buf_str(&clean));
    pthread_mutex_unlock(&o->mutex);
    if (!o->json)
        return;
    BUF_AUTO event = {0};
    struct json j = {.out = &event};
    json_object(&j);
    json_put_text(&j, "event", label ? label : "error");
    output_error_members(&j, e);
    json_end_object(&j);
    output_object(o, &event);
}

/* ----------------------------------------------------------------------------------------------------- progress */

void output_draw_progress(struct output *o, const struct progress_numbers *numbers)
{
    if (!o->terminal || o->quiet || o->json)
        return;
    pthread_mutex_lock(&o->mutex);
    if (!o->progress.wanted)
        o->progress = (struct progress){.wanted = true, .began_ms = clock_ms(), .drawn_ms = INT64_MIN / 2};
    o->progress.numbers = *numbers;
    draw_unless_fresh(o, DRAWN_APART_MS);
    pthread_mutex_unlock(&o->mutex);
}

/* Whoever calls this must stay free to take signals: a terminal that is stopped (Ctrl-S), or a writer who is, is left be. */
void output_tick(struct output *o)
{
    struct pollfd talk = {.fd = fileno(o->talk), .events = POLLOUT};
    if (!o->terminal || poll(&talk, 1, 0) != 1 || !(talk.revents & POLLOUT) || pthread_mutex_trylock(&o->mutex) != 0)
        return;
    draw_unless_fresh(o, o->progress.stands ? DRAWN_LEAST_MS : DRAWN_APART_MS);
    pthread_mutex_unlock(&o->mutex);
}

void output_end_progress(struct output *o)
{
    pthread_mutex_lock(&o->mutex);
    clear_progress(o);
    o->progress = (struct progress){0};
    pthread_mutex_unlock(&o->mutex);
}

bool output_is_terminal(const struct output *o)
{
    return isatty(fileno(o->answer));
}

size_t output_width(const struct output *o)
{
    return output_is_terminal(o) ? width_of(o->answer) : 80;
}

bool output_finish(struct output *o)
{
    pthread_mutex_lock(&o->mutex);
    clear_progress(o);
    flush_answer(o);
    int failed = o->write_errno;
    pthread_mutex_unlock(&o->mutex);
    if (failed && failed != EPIPE)
        output_talk(o, TALK_ERROR, "cannot write the answer: %s", strerror(failed));
    return !failed;
}
