/*
 * What the generator knows of the migrations folder: every file read, every header line, section and statement with its
 * position. The stages fill it in this order, and each adds findings instead of stopping, so that one run shows them all:
 *
 *     read   files -> bytes, headers, sections            source.c, ini.c
 *     link   parents, labels, order, the whole graph      link.c
 *     check  statements of each section, per dialect      check_postgresql.c, check_sqlite.c, tokens.c
 *     emit   const C under build/gen                      emit.c (only when no finding is an error)
 *
 * Everything lives in the arena of the run.
 */
#ifndef GEN_SOURCE_H
#define GEN_SOURCE_H

#include "base/err.h"
#include "base/mem.h"
#include "model/revision.h"

/* A place in a source file. line and column from 1, column in characters; 0 = unknown. */
struct position {
    uint32_t line;
    uint32_t column;
};

/* A finding; `rule` is a stable short name ("unknown-parent"). */
enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE, SEVERITY_OFF };
struct source_revision;
struct finding {
    const char *rule;
    enum severity severity;
    struct err err; /* message, detail, hint, path, position, source line */
    /* What lint found: on which statement. `revision` NULL: no lint's finding. */
    struct {
        const struct source_revision *revision;
        uint32_t section, statement;
        enum dialect dialect; /* whose rule it is */
    } place;
};

/* Findings in the order they were made; sorted by path, line, column before they are shown. At most one page a file. */
struct findings {
    struct arena *arena;
    VEC(struct finding) list;
    size_t n_errors;
};

/* A file of text after normalisation: CRLF is LF, the BOM is gone; a NUL byte follows. */
struct text_file {
    const char *path;  /* relative to the migrations folder, what findings show is `shown` */
    const char *shown; /* as a person would open it from the current folder */
    struct str bytes;
    uint32_t *line_starts; /* offsets of every line's first byte */
    uint32_t n_lines;
};
/* `offset` in bytes; past the end it is the end. */
struct position text_position(const struct text_file *f, size_t offset);
struct str text_line(const struct text_file *f, uint32_t line); /* without its end */
/* Reads and normalises; NUL bytes, invalid UTF-8 and sizes over 1 GiB are findings (false). */
bool text_read(struct findings *out, const char *path, const char *shown, struct text_file *f);
/* The same for `n` bytes in memory, which have room for one more and are changed in place. */
bool text_take(struct findings *out, const char *path, const char *shown, char *bytes, size_t n, struct text_file *f);

/*
 * Adds a finding at a byte offset of a file, formatted; SIZE_MAX as offset: the file as a whole. Returns it, so that the
 * caller can add a hint: err_hint(&finding_add(…)->err, …). Valid until the next finding is added.
 */
struct finding *finding_add(struct findings *out, const char *rule, const struct text_file *f, size_t offset,
                            const char *format, ...) __attribute__((format(printf, 5, 6)));
struct finding *finding_at_line(struct findings *out, const char *rule, const struct text_file *f, uint32_t line,
                                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Makes a finding that was just added a warning: it is shown, and stops nothing. */
void finding_is_warning(struct findings *out, struct finding *found);
/* The same for any severity. SEVERITY_OFF is for those who ask before they add. */
void finding_severity(struct findings *out, struct finding *found, enum severity severity);
/* "error", "warning", "note", "off". */
extern const char *const severity_words[];
/* How many have the severity. */
size_t findings_count(const struct findings *all, enum severity severity);
/* Hints "did you mean …?" with the nearest of `list`, or with `otherwise` (may be NULL) when nothing is near. */
void finding_suggest(struct finding *found, struct str word, const struct strings *list, const char *otherwise);
void findings_sort(struct findings *all);
/* Takes away those that `keep` is false for. */
void findings_keep(struct findings *all, bool (*keep)(const void *with, const struct finding *found), const void *with);
void findings_free(struct findings *all);
/* As people read them, at most 40 of a file; and one as a JSON object. */
void findings_format(struct buf *out, const struct findings *all);
void finding_json(struct buf *out, const struct finding *found);

/* A word of a header line with its place, e.g. one parent of `Revises`. */
struct word {
    const char *text;
    uint32_t offset;
};
struct words {
    struct word *v;
    size_t n;
    size_t cap;
};

/* A revision file as read. `revision` is filled stage by stage and is what emit writes. */
struct source_revision {
    struct text_file file;
    struct revision revision;              /* id, message, created, path, text, length, sections, pick, sha256 … */
    VEC(struct revision_section) sections; /* statements are filled by the check stage */
    struct word id;
    struct words revises, labels, depends, requires;
    uint32_t header_end; /* offset of the first section line */
    bool unreadable;     /* the text is refused as a whole: only the header was looked at, there are no sections */
};

struct source_setting {
    struct word key;
    struct word value;
};

struct source_stream {
    const char *name; /* of its folder */
    struct text_file ini;
    VEC(struct source_setting) settings;
    VEC(struct source_setting) lint; /* of [lint]: rule = severity, since = revision; values are checked */
    enum stream_kind kind;
    uint32_t dialects;
    bool multiple_heads;
    const char *registry;                         /* NULL unless fleet */
    VEC(struct source_revision *) revisions;      /* in byte order of file names; link puts them in topological order */
    struct text_file fingerprints[DIALECT_COUNT]; /* path NULL: there is none */
    struct text_file locks_file;                  /* locks.txt; path NULL: there is none */
    struct stream_locks locks;                    /* what check_locks() took from it */
    uint8_t sha256[32];
    const struct stream *linked; /* made by link, NULL while the stream has errors */
};

/* "postgresql", "sqlite": as env.ini and section lines spell them. */
extern const char *const dialect_words[DIALECT_COUNT];
#define DIALECTS_ALL (DIALECT_BIT(DIALECT_COUNT) - 1)

struct source {
    struct arena *arena;
    const char *folder;  /* the migrations folder as given */
    const char *program; /* the executable's name, for messages; NULL: profile-migrate */
    const char *tool;    /* migrate-gen as it was called; ask source_tool() */
    const char
        *checked;    /* a file that remembers which SQLite revisions passed, so that they are not run again; or NULL */
    bool only_reads; /* that file is a build's, and is left as it is */
    VEC(struct source_stream *) streams; /* registry first, else in byte order of names */
    struct findings findings;
};

/*
 * Stage read. Folders of `folder` that hold an env.ini are streams. False only when the folder itself cannot be read or
 * holds no stream (FAULT_CONFIG).
 */
bool source_read(struct source *s, const char *folder, struct err *e);
/* What a hint calls migrate-gen, so that its command can be typed as it stands. */
const char *source_tool(const struct source *s);
const struct source_stream *source_find(const struct source *s, const char *stream);
/* One revision file from bytes (fuzzed). */
void source_parse_revision(struct findings *out, struct arena *a, struct source_revision *r);
/* Which section runs for each dialect of the stream; what is missing or claimed twice is a finding. */
void source_pick_sections(struct findings *out, const struct source_stream *s, struct source_revision *r);
/* One env.ini from bytes (fuzzed). */
void source_parse_ini(struct findings *out, struct arena *a, struct source_stream *s);

/* Stage check: statements, flags, refusals. SQLite looks at streams that are linked only: it needs the graph. */
void check_postgresql(struct source *s);
void check_sqlite(struct source *s);

/*
 * Refuses fingerprints (schema/fingerprint.h) that are not of the revisions beside them. Looks at streams that are linked
 * only; what remains in s->streams.v[i]->fingerprints is embedded.
 */
void check_fingerprints(struct source *s);
/*
 * locks.txt (gen/locks.h) into streams[i]->locks, of streams that are linked: a line that is not of the statements beside it
 * is an error, a section that was never traced a warning.
 */
void check_locks(struct source *s);
/* "tenant/fingerprint.postgresql", relative to the migrations folder. */
const char *fingerprint_path(struct arena *a, const char *stream, enum dialect dialect);

/* Stage link: resolves parents and dependencies, refuses bad graphs, sorts, computes checksums of sections and streams. */
void link_streams(struct source *s);
/* The linked stream as the runtime sees it (built in memory), for graph.h and plan.h; NULL when read or link found
 * errors in it. Sections gain their statements afterwards, in the check stage. */
const struct stream *link_stream(const struct source_stream *s);

/*
 * Stage emit: writes C under `output`, only files whose bytes change, and removes what the run before wrote and no
 * revision needs any more. Nothing of it depends on the machine, the clock or the folder's name.
 *
 *     STREAM/ID.c        the bytes of the file, its sections and statements
 *     STREAM/ID.sql      when the file is larger than incbin_above: the same bytes, for .incbin,
 *     STREAM/ID.inc      and the statements as directives of the assembler
 *     STREAM/fingerprint_DIALECT.c   the bytes of the stream's fingerprint, and .txt when it is large
 *     STREAM.c           the table of its revisions, in topological order, and env.ini
 *     catalogue.c        migrate_catalogue
 *     sources.mk         GEN_SOURCES := every .c above, sorted
 *
 * Names are escaped: what is no letter or digit is _HH, so that they are file names and C identifiers.
 */
struct emit_options {
    const char *output;
    const char *program; /* the executable's name */
    const char *version; /* of the product: part of the build id */
    size_t incbin_above; /* 0: 64 KiB */
};
bool emit_sources(const struct source *s, const struct emit_options *options, struct err *e);

#endif
