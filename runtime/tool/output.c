/* Writes to stdout and stderr, one writer at a time. Decides about JSON, quiet and the progress line. */
#include "tool/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

void output_init(struct output *o, FILE *answer, FILE *talk)
{
    const char *term = getenv("TERM");
    *o = (struct output){.answer = answer, .talk = talk};
    pthread_mutex_init(&o->mutex, NULL);
    o->terminal = isatty(fileno(talk)) && term && *term && strcmp(term, "dumb") != 0;
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

static void clear_progress(struct output *o)
{
    if (!o->has_progress)
        return;
    fputs("\r\033[K", o->talk);
    fflush(o->talk);
    o->has_progress = false;
}

static void write_answer(struct output *o, struct str text)
{
    clear_progress(o);
    if (text.n && fwrite(text.p, 1, text.n, o->answer) != text.n && !o->write_errno)
        o->write_errno = errno ? errno : EIO;
}

static void flush_answer(struct output *o)
{
    if (fflush(o->answer) != 0 && !o->write_errno)
        o->write_errno = errno ? errno : EIO;
}

/* The answer so far goes out first, so that both streams of one terminal keep their order. */
static void write_talk(struct output *o, struct str text)
{
    clear_progress(o);
    flush_answer(o);
    fwrite(text.p, 1, text.n, o->talk);
    fflush(o->talk);
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

static size_t terminal_width(FILE *f)
{
    struct winsize size;
    if (ioctl(fileno(f), TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 80;
    return size.ws_col;
}

/* The longest beginning that fits: a line that wraps could not be taken away again. Characters count as one column. */
static struct str cut_to_width(struct str line, size_t width)
{
    size_t columns = 0;
    for (size_t i = 0; i < line.n; i++)
        if (((unsigned char)line.p[i] & 0xC0) != 0x80 && columns++ == width)
            return str_slice(line, 0, i);
    return line;
}

void output_progress(struct output *o, bool force, const char *format, ...)
{
    if (!o->terminal || o->quiet || o->json)
        return;
    BUF_AUTO line = {0}, clean = {0}, text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&line, format, ap);
    va_end(ap);
    output_clean(&clean, buf_str(&line), false);
    pthread_mutex_lock(&o->mutex);
    int64_t now = clock_ms();
    if (force || now - o->progress_at >= 100) {
        buf_addz(&text, "\r");
        buf_adds(&text, cut_to_width(buf_str(&clean), terminal_width(o->talk) - 1));
        buf_addz(&text, "\033[K");
        fwrite(text.p, 1, text.n, o->talk);
        fflush(o->talk);
        o->progress_at = now;
        o->has_progress = true;
    }
    pthread_mutex_unlock(&o->mutex);
}

void output_end_progress(struct output *o)
{
    pthread_mutex_lock(&o->mutex);
    clear_progress(o);
    pthread_mutex_unlock(&o->mutex);
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
