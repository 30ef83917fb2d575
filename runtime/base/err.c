/* Errors as values: building, moving and formatting them. Prints nothing itself. */
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct fault_row {
    int exit_code;
    const char *name;
};

static const struct fault_row faults[] = {
    [FAULT_NONE] = {0, "none"},
    [FAULT_FAILED] = {1, "failed"},
    [FAULT_POLICY] = {1, "refused"},
    [FAULT_MISSING] = {1, "missing"},
    [FAULT_NO_ADDRESS] = {1, "no-address"},
    [FAULT_LOGIN] = {1, "login"},
    [FAULT_USAGE] = {2, "usage"},
    [FAULT_CONFIG] = {2, "configuration"},
    [FAULT_PENDING] = {3, "pending"},
    [FAULT_UNREACHABLE] = {4, "unreachable"},
    [FAULT_LOST] = {4, "connection-lost"},
    [FAULT_BUSY] = {4, "busy"},
    [FAULT_LOCK] = {4, "lock"},
    [FAULT_DEADLINE] = {4, "deadline"},
    [FAULT_REQUIRES] = {4, "requires"},
    [FAULT_CHANGED] = {4, "changed"},
    [FAULT_DIVERGED] = {5, "diverged"},
    [FAULT_AHEAD] = {5, "ahead"},
    [FAULT_EDITED] = {5, "edited"},
    [FAULT_STOPPED] = {0, "stopped"},
};

static char *format_text(const char *format, va_list ap)
{
    struct buf b = {0};
    buf_vaddf(&b, format, ap);
    return buf_steal(&b);
}

#define REPLACE_FORMATTED(field, format)                                                                               \
    do {                                                                                                               \
        va_list ap;                                                                                                    \
        va_start(ap, format);                                                                                          \
        char *text = format_text(format, ap);                                                                          \
        va_end(ap);                                                                                                    \
        free(field);                                                                                                   \
        (field) = text;                                                                                                \
    } while (0)

bool err_set(struct err *e, enum fault fault, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = format_text(format, ap); /* before the old one goes: it may be an argument */
    va_end(ap);
    err_free(e);
    e->fault = fault;
    e->message = text;
    return false;
}

void err_detail(struct err *e, const char *format, ...)
{
    REPLACE_FORMATTED(e->detail, format);
}

void err_hint(struct err *e, const char *format, ...)
{
    REPLACE_FORMATTED(e->hint, format);
}

void err_context(struct err *e, const char *format, ...)
{
    struct buf b = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&b, format, ap);
    va_end(ap);
    buf_addz(&b, ": ");
    buf_addz(&b, e->message ? e->message : "");
    free(e->message);
    e->message = buf_steal(&b);
}

void err_at(struct err *e, const char *path, int line, int column, struct str source_line)
{
    char *copy = mem_strdup(path);
    char *source = source_line.p ? mem_strndup(source_line.p, source_line.n) : NULL;
    free(e->path);
    free(e->source);
    e->path = copy;
    e->line = line;
    e->column = column;
    e->source = source;
}

void err_free(struct err *e)
{
    free(e->message);
    free(e->detail);
    free(e->hint);
    free(e->path);
    free(e->source);
    *e = (struct err){0};
}

void err_move(struct err *to, struct err *from)
{
    if (to == from)
        return;
    err_free(to);
    *to = *from;
    *from = (struct err){0};
}

void err_copy(struct err *to, const struct err *from)
{
    struct err copy = *from;
    copy.message = mem_strdup(from->message);
    copy.detail = mem_strdup(from->detail);
    copy.hint = mem_strdup(from->hint);
    copy.path = mem_strdup(from->path);
    copy.source = mem_strdup(from->source);
    err_free(to);
    *to = copy;
}

/* The source line cut to a window round the column, so that a line of a megabyte prints as one line of a terminal. */
static void add_source(struct buf *out, const struct err *e)
{
    enum { WINDOW = 100 };
    struct str s = str_from(e->source);
    size_t column = e->column > 0 ? (size_t)e->column - 1 : 0;
    size_t from = column > WINDOW - 20 ? column - (WINDOW - 20) : 0;
    size_t at = 0, i = 0;
    buf_addz(out, "    ");
    size_t caret = 0;
    for (; i < s.n && at < from + WINDOW; i++) {
        bool lead = ((unsigned char)s.p[i] & 0xC0) != 0x80;
        if (lead && i)
            at++;
        if (at < from || at >= from + WINDOW)
            continue;
        buf_addc(out, (unsigned char)s.p[i] < 0x20 ? ' ' : s.p[i]);
    }
    caret = column - from;
    buf_addc(out, '\n');
    if (e->column > 0) {
        buf_addz(out, "    ");
        buf_pad(out, ' ', caret);
        buf_addz(out, "^\n");
    }
}

void err_format(struct buf *out, const struct err *e, const char *label)
{
    if (e->path) {
        buf_addz(out, e->path);
        if (e->line > 0)
            buf_addf(out, ":%d", e->line);
        if (e->line > 0 && e->column > 0)
            buf_addf(out, ":%d", e->column);
        buf_addz(out, ": ");
    }
    buf_addf(out, "%s: %s\n", label ? label : "error", e->message ? e->message : err_fault_name(e->fault));
    if (e->source)
        add_source(out, e);
    if (e->detail)
        buf_addf(out, "detail: %s\n", e->detail);
    if (e->hint)
        buf_addf(out, "hint: %s\n", e->hint);
}

int err_exit_code(enum fault fault)
{
    return faults[fault].exit_code;
}

const char *err_fault_name(enum fault fault)
{
    return faults[fault].name;
}

bool err_retryable(enum fault fault)
{
    return faults[fault].exit_code == 4;
}
