/*
 * What a person or a program sees. stdout carries the answer, stderr the talk; with --json stdout carries one object a
 * line, events first and the answer last. Every function may be called from any thread.
 *
 * Text that came from a database, a file name or the command line may hold anything: control characters are shown as \xNN,
 * so that no tenant's id can drive a terminal or forge a line.
 *
 * On a terminal stderr's last line may be a progress line; it is taken away before anything else is written, and drawn anew
 * after.
 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

#include <pthread.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "tool/progress.h"

struct output {
    FILE *answer; /* stdout */
    FILE *talk;   /* stderr */
    bool json;
    bool quiet;         /* warnings and errors only */
    unsigned verbosity; /* how many -v */
    bool terminal;      /* talk is one that understands escape sequences */
    struct progress_style style;
    pthread_mutex_t mutex;
    struct progress {
        bool wanted; /* between the first output_draw_progress() and output_end_progress() */
        bool stands; /* it is what the terminal's last line shows */
        int64_t began_ms, drawn_ms;
        struct progress_numbers numbers;
        struct rate rate;
    } progress;
    int write_errno; /* the first failed write to `answer` */
};

/*
 * Finds out whether `talk` is a terminal, and what it can show: blocks where the locale is UTF-8; colour unless NO_COLOR is
 * set and not empty. Only the progress line has any; elsewhere the words say what is an error.
 */
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

/*
 * Draws the progress line with these numbers, at most ten times a second: what comes in between is remembered and shown
 * with the next. Nothing without a terminal, when quiet, or with --json. The width is asked each time.
 */
void output_draw_progress(struct output *o, const struct progress_numbers *numbers);
/*
 * Draws it with the numbers of last time, for the time goes on even where no tenant is through. To be called now and then
 * by a thread that has nothing else to do; draws once a second, or sooner where something else took the line away. Never
 * waits.
 */
void output_tick(struct output *o);
enum { OUTPUT_TICK_MS = 250 };
/* Takes it away for good; the next one begins with a clock of its own. */
void output_end_progress(struct output *o);

/* Does the answer go to a terminal? And the columns of that; 80 when it is none. */
bool output_is_terminal(const struct output *o);
size_t output_width(const struct output *o);

/* Flushes. False when the answer could not be written; says so unless the reader merely went away. */
bool output_finish(struct output *o);

/* Appends `text` with control characters as \xNN; line ends stay when `lines`. */
void output_clean(struct buf *out, struct str text, bool lines);

#endif
