/*
 * Talk: what a command wants to say while it works. Library code never prints; it hands lines to the sink it was given,
 * and the tool layer decides about stderr, JSON and quiet. A sink may be called from several threads at once and must cope.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { TALK_DEBUG, TALK_INFO, TALK_NOTE, TALK_WARNING, TALK_ERROR };

struct log {
    void (*emit)(void *context, enum log_level level, const char *line);
    void *context;
};

/* A NULL log or emit drops the line. `line` is one line without its end. */
void log_line(const struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
