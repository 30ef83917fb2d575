/*
 * The next revision of a stream, from the project's template: parents by name, a new id, a file that compiles as it is.
 *
 * The text is checked in memory first, together with the whole stream, so that a name which the build would refuse is
 * refused before there is a file. Nothing is ever overwritten.
 */
#ifndef GEN_SCAFFOLD_H
#define GEN_SCAFFOLD_H

#include "gen/source.h"

/* A section that is filled in already. */
struct scaffold_section {
    enum direction direction;
    uint32_t dialects; /* DIALECT_BIT()s; all of the stream's: the section line names none */
    const char *flags; /* "transaction:false", or NULL */
    const char *body;  /* ends in a line end */
};

struct scaffold {
    const char *message;    /* one line */
    bool merge;             /* joins `parents`; revision: builds on them */
    struct strings parents; /* symbols as typed; none: the head, for a merge all heads */
    bool splice;            /* parents need not be heads */
    struct strings labels;
    struct strings depends;  /* symbols as typed */
    struct strings requires; /* STREAM@SYMBOL */
    const char *id;          /* NULL: 12 random hex digits */
    /*
     * NULL: those of the template. Else they stand in place of its sections; ${body} in one of those says where between
     * lines of the project's own (a SET LOCAL …) a body goes.
     */
    const struct scaffold_section *sections;
    size_t n_sections;
    const char *comment; /* lines for ${comment}, without their "-- "; NULL: none */
    /*
     * A revision that was made elsewhere: parents and depends are ids that need not be there yet, the built-in template is
     * used, and nobody looks at the result but the caller, when all of them are written.
     */
    bool as_given;
    const char *created; /* NULL: now; "": unknown */
};

/*
 * Reads `folder` and links it; a stream that is about to get a revision may have several heads. FAULT_USAGE when there is
 * no such stream; FAULT_FAILED when it has findings, which are then in s->findings.
 */
bool scaffold_open(struct source *s, const char *folder, const char *stream, const struct source_stream **out,
                   struct err *e);

/* Writes the file; *path as a person would open it, *id (may be NULL) its revision. */
bool scaffold_write(const struct source *s, const struct source_stream *stream, const struct scaffold *what,
                    const char **path, const char **id, struct err *e);

/*
 * The file of a revision that is named by id, prefix or, when the stream has no findings, any symbol for one revision.
 */
bool scaffold_find(const struct source *s, const struct source_stream *stream, const char *symbol, const char **path,
                   struct err *e);

/* "add_documents": the words of a message, lower case, at most 40 characters, cut between words. */
char *scaffold_slug(struct arena *a, const char *message);

#endif
