/* Hands formatted lines to the sink. */
#include "base/log.h"

#include "base/str.h"

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
    if (!log || !log->emit)
        return;
    BUF_AUTO b = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&b, format, ap);
    va_end(ap);
    log->emit(log->context, level, b.p);
}
