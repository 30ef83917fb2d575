/*
 * Errors as values. A function that can fail returns bool and takes `struct err *e` last; on failure it fills *e and
 * returns false: return err_set(e, FAULT_USAGE, "unknown command \"%s\"", word);
 *
 * A message has a primary line (factual, no function names, no final period), a detail and a hint, each optional after
 * the first, and where it concerns a file a position path:line:column (line and column from 1, column in characters; 0 =
 * unknown) with the source line and the caret. Context such as "tenant acme" is put in front on the way up, once, by
 * err_context().
 *
 * The zero value means "no error". err_free() gives it back; err_set() on an error that is set already replaces it. The
 * strings belong to the err. `e` is never NULL.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/str.h"

/* What went wrong, as fine as somebody has to act differently on it. err_exit_code() maps it to the process's status. */
enum fault {
    FAULT_NONE,
    FAULT_FAILED,      /* 1: a revision's body, a build finding, an operating system error */
    FAULT_POLICY,      /* 1: refused by a rule of ours (irreversible, transaction mode, foreign engine) */
    FAULT_MISSING,     /* 1: the database does not exist */
    FAULT_NO_ADDRESS,  /* 1: a tenant without an address */
    FAULT_LOGIN,       /* 1: the server refused the role, password or database access */
    FAULT_USAGE,       /* 2: command line */
    FAULT_CONFIG,      /* 2: env.ini, environment, setting, no tenants found */
    FAULT_PENDING,     /* 3: check found pending revisions */
    FAULT_UNREACHABLE, /* 4: no connection, server starting or stopping, too many connections */
    FAULT_LOST,        /* 4: the connection broke after the message was sent; the outcome must be read again */
    FAULT_BUSY,        /* 4: the migration lock is held by another process */
    FAULT_LOCK,        /* 4: 55P03, 40P01, 40001: worth repeating the whole revision */
    FAULT_DEADLINE,    /* 4: our own deadline passed */
    FAULT_REQUIRES,    /* 4: the registry's database lacks a revision that this one requires */
    FAULT_CHANGED,     /* 4: the version rows are not those that were planned from (another process was first) */
    FAULT_DIVERGED,    /* 5: rows that are no revision of this executable nor of a later one */
    FAULT_AHEAD,       /* 5: the database is ahead of this executable */
    FAULT_EDITED,      /* 5: an applied revision's text or parents changed, or one was spliced in */
    FAULT_STOPPED,     /* 128+N: a signal asked for a stop, at a clean boundary */
};

struct err {
    enum fault fault;
    char sqlstate[6]; /* "" when no server said it */
    bool cut;         /* the tenant or revision context is in the text already */
    char *message;
    char *detail;
    char *hint;
    char *path;   /* NULL: no position */
    int line;     /* from 1; 0 unknown */
    int column;   /* from 1, in characters; 0 unknown */
    char *source; /* the line of text at the position, without its end; NULL: none */
};

/* Always returns false, so that `return err_set(…)` reads well. */
bool err_set(struct err *e, enum fault fault, const char *format, ...) __attribute__((format(printf, 3, 4)));
void err_detail(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "text: " in front of the message. */
void err_context(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void err_at(struct err *e, const char *path, int line, int column, struct str source_line);
void err_move(struct err *to, struct err *from); /* *from becomes the zero value; *to's old contents are freed */
void err_copy(struct err *to, const struct err *from);
void err_free(struct err *e);

/*
 * The text form, ending in a newline:
 *     path:3:14: error: message
 *         SELECT * FROM nowhere;
 *                       ^
 *     detail: …
 *     hint: …
 * `label` stands in place of "error" when not NULL ("warning").
 */
void err_format(struct buf *out, const struct err *e, const char *label);

int err_exit_code(enum fault fault);          /* FAULT_STOPPED gives 0: the caller knows the signal */
const char *err_fault_name(enum fault fault); /* "unreachable": stable, for JSON */
bool err_retryable(enum fault fault);         /* exits with 4 */

#define AUTO_ERR __attribute__((cleanup(err_free))) struct err

#endif
