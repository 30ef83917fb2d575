/*
 * From one schema to another as a value: an ordered list of small steps, each a statement, with what it needs done before
 * and what it costs. It is made whole, looked at whole, and only then written anywhere.
 *
 * PostgreSQL: each object that is made, dropped or altered is an action; the edges of both catalogs order them; what needs
 * an object that is replaced is replaced too, with everything that hangs on it (owner, grants, comment, options).
 * SQLite: what ALTER TABLE cannot do in place is one rebuild for each table.
 */
#ifndef GEN_CHANGES_H
#define GEN_CHANGES_H

#include "base/err.h"
#include "schema/catalog.h"

/*
 * A schema as it was read. The two catalogs have the same objects in the same order: `exact` (NAMES_QUALIFIED) is
 * compared, `shown` gives the words of what is written. They may be the same catalog.
 */
struct snapshot {
    struct catalog *exact, *shown;
};

enum step_flag {
    STEP_DESTRUCTIVE = 1 << 0, /* rows, values or a whole object are gone afterwards */
    STEP_WEAKENS = 1 << 1,     /* somebody may do more than before, or a check is gone */
    STEP_REWRITES = 1 << 2,    /* every row is written anew */
    STEP_SCANS = 1 << 3,       /* every row is read under a lock that stops writers */
    STEP_DISABLED = 1 << 4,    /* written as a comment: destructive and not allowed, or it needs such a step */
    STEP_ROUTINE = 1 << 5,     /* wants check_function_bodies off */
};

/* Which transaction a step may share. Steps of one segment follow one another; a new one begins where it must. */
enum segment {
    SEGMENT_PLAIN,
    SEGMENT_ENUM,     /* a new enum value: nobody may use it before it is committed */
    SEGMENT_NO_BLOCK, /* CONCURRENTLY: in no transaction at all */
    SEGMENT_VALIDATE, /* VALIDATE CONSTRAINT: behind the commit of the NOT VALID one, or the weak lock is for nothing */
};

enum verb { VERB_CREATE, VERB_ALTER, VERB_DROP, VERB_RENAME, VERB_FILL };

struct change_step {
    const char *sql; /* one statement without its semicolon; in the arena of the changes */
    unsigned flags;
    enum segment segment;
    enum verb verb;
    const struct kind *kind; /* of the object that it is about */
    const char *object;      /* its address */
    const char *identity;
    const char *note; /* why it is destructive, weakens or rewrites: one line, or NULL */
    struct {
        uint32_t *v;
        size_t n, cap;
    } after; /* steps (smaller indexes) that it needs done */
};

/* What the desired schema's file says beyond SQL (gen/hints.h). */
struct hints;

struct change_options {
    struct policy policy;
    bool online;               /* CONCURRENTLY, NOT VALID and VALIDATE, NOT NULL through a check */
    bool allow_destructive;    /* all of it */
    struct strings allowed;    /* KIND:NAME, such as column:documents.title; NAME as address or identity */
    const struct hints *hints; /* may be NULL */
    bool ask_backfill;    /* a new NOT NULL column without default and hint is refused (a revision), not warned of */
    bool skip_unmodelled; /* a copy does without what no kind models */
    bool keep_rows;       /* SQLite: tables may have rows */
    bool at_once;         /* all in one transaction: an enum's new labels may be used at once, for it is made anew */
};

struct change_list {
    struct arena *arena;
    VEC(struct change_step) steps;
    /* Differences that cannot be done, each with kind and name: nothing may be written then. */
    VEC(struct err) refusals;
    /* What a person should know: column order that differs, an index that is invalid, a scan. */
    struct strings notes;
};
void change_list_free(struct change_list *l); /* the errors; the rest is the arena's */

/*
 * The steps from `from` to `to`. Those that are destructive and not allowed are marked STEP_DISABLED, and so are those that
 * need them. False only when something is wrong with us: a cycle that cannot be broken.
 */
bool changes_postgresql(struct change_list *out, const struct snapshot *from, const struct snapshot *to,
                        const struct change_options *options, struct err *e);
bool changes_sqlite(struct change_list *out, const struct snapshot *from, const struct snapshot *to,
                    const struct change_options *options, struct err *e);
/* By the dialect of the catalogs. */
bool changes_make(struct change_list *out, const struct snapshot *from, const struct snapshot *to,
                  const struct change_options *options, struct err *e);

#endif
