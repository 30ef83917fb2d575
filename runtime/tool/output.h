/*
 * What a person or a program sees. stdout carries the answer, stderr the talk; with --json stdout carries one object a
 * line, events first and the answer last. Every function may be called from any thread.
 *
 * Text that came from a database, a file name or the command line may hold anything: control characters are shown as \xNN,
 * so that no tenant's id can drive a terminal or forge a line.
 *
 * On a terminal stderr's last line may be a progress line; it is taken away before anything else is written.
 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

#include <pthread.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

struct output {
    FILE *answer; /* stdout */
    FILE *talk;   /* stderr */
    bool json;
    bool quiet;         /* warnings and errors only */
    unsigned verbosity; /* how many -v */
    bool terminal;      /* talk is one that understands escape sequences */
    pthread_mutex_t mutex;
    bool has_progress;   /* a progress line stands there */
    int64_t progress_at; /* when it was drawn last */
    int write_errno;     /* the first failed write to `answer` */
};

/* Finds out whether `talk` is a terminal. There are no colours: the words say what is an error. */
void output_init(struct output *o, FILE *answer, FILE *talk);

/* One line of the answer (none with --json: use output_object). The format holds no line end. */
void output_line(struct output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text as it is, bytes and all: scripts, manual pages. */
void output_raw(struct output *o, struct str text);
/* A text that is the whole answer; with --json the member "text" of an object. */
void output_text(struct output *o, const struct buf *text);
/* With --json: a finished object as a line of its own; else nothing. */
void output_object(struct output *o, const struct buf *object);

/* A line of talk. Levels below TALK_NOTE want -v (DEBUG: -vv); quiet leaves warnings and errors. */
void output_talk(struct output *o, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A line that belongs to the error or warning before it: shown even when quiet, without a label. */
void output_more(struct output *o, const char *line);
/* An error in full: position, source line, detail, hint. `label` NULL: "error". With --json also as an event. */
void output_error(struct output *o, const struct err *e, const char *label);
/* As the members "fault", "message", "detail", "hint", "path", "line", "column", "sqlstate" of the object being written. */
void output_error_members(struct json *j, const struct err *e);
/* The sink for library code. */
struct log output_log(struct output *o);

/* Draws the progress line, at most ten times a second (force: now); nothing without a terminal. */
void output_progress(struct output *o, bool force, const char *format, ...) __attribute__((format(printf, 3, 4)));
void output_end_progress(struct output *o);

/* Flushes. False when the answer could not be written; says so unless the reader merely went away. */
bool output_finish(struct output *o);

/* Appends `text` with control characters as \xNN; line ends stay when `lines`. */
void output_clean(struct buf *out, struct str text, bool lines);

#endif
