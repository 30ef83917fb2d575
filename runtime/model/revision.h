/*
 * The contract between generated C and the runtime: what an executable carries of its revisions.
 *
 * Everything here is const data, written by `migrate-gen compile`, read by everybody, changed by nobody. The runtime never
 * parses SQL, a header or a graph from text: parents are indices, sections and statements are offsets into the file's
 * bytes, positions are lines. The generator has checked all of it (see gen/): ids are unique, parents exist, there is no
 * cycle, every text is valid UTF-8 without NUL.
 *
 * This header depends on nothing but the C library, so that generated C compiles with `-I runtime` alone.
 *
 * FORMAT: REVISION_FORMAT counts up whenever a field changes its meaning; generated C names the format that it was made
 * for and does not compile against another.
 */
#ifndef MODEL_REVISION_H
#define MODEL_REVISION_H

#include <stddef.h>
#include <stdint.h>

#define REVISION_FORMAT 2

/* How the checksums below are made; stored beside them in a database. A change of the rules is a new number. */
#define CHECKSUM_VERSION 1

enum dialect { DIALECT_POSTGRESQL, DIALECT_SQLITE, DIALECT_COUNT };
#define DIALECT_BIT(dialect) (1u << (dialect))

enum direction { DIRECTION_UP, DIRECTION_DOWN, DIRECTION_COUNT };

/* What one statement is, as far as applying it must know. */
enum statement_flags {
    STATEMENT_NO_BLOCK = 1,     /* the server refuses it inside a transaction block (25001) */
    STATEMENT_CONCURRENTLY = 2, /* CREATE INDEX CONCURRENTLY: `object` is the index, `table` its table */
    STATEMENT_DROP_INDEX = 4,   /* DROP INDEX CONCURRENTLY: `object` is the index */
    STATEMENT_REINDEX = 8,      /* REINDEX … CONCURRENTLY: leaves *_ccnew behind when it fails */
};

struct revision_statement {
    uint32_t offset;    /* of the first token, bytes from the start of the file */
    uint32_t length;    /* bytes, to the end of the last token; the semicolon is not counted */
    uint32_t line;      /* of the first token, from 1, in the file */
    uint32_t flags;     /* enum statement_flags */
    const char *kind;   /* "CREATE INDEX", "INSERT": for messages */
    const char *schema; /* schema of `object` as written, NULL: the search path */
    const char *object; /* NULL unless a flag above says otherwise; as the catalog spells it (case folded, unquoted) */
    const char *table;
};

enum section_flags {
    SECTION_NO_TRANSACTION = 1,   /* transaction:false */
    SECTION_IRREVERSIBLE = 2,     /* on an up section: there is no down */
    SECTION_OPAQUE = 4,           /* opaque: one statement, not parsed at build time */
    SECTION_BATCH = 8,            /* batch: its one statement runs until it touches no row, a commit each */
    SECTION_FOREIGN_KEYS_OFF = 16 /* SQLite: foreign_keys is switched off around the transaction */
};

#define TIMEOUT_UNSET ((int64_t)-1)

struct revision_section {
    enum direction direction;
    uint32_t dialects;            /* DIALECT_BIT()s that run this section */
    uint32_t flags;               /* enum section_flags */
    uint32_t line;                /* of the `-- migrate:` line, from 1 */
    uint32_t offset;              /* of the body: the byte after the section line's end */
    uint32_t length;              /* up to the next section line or the end of the file */
    int64_t lock_timeout_ms;      /* TIMEOUT_UNSET, or what the section says */
    int64_t statement_timeout_ms; /* likewise */
    int64_t batch_pause_ms;       /* likewise, of a section with SECTION_BATCH: between two batches */
    uint32_t n_statements;
    const struct revision_statement *statements; /* in file order */
    uint8_t sha256[32];                          /* of the body's bytes */
    uint8_t tokens_sha256[32]; /* of its tokens: comments and white space dropped (see schema/tokens.h) */
};

#define SECTION_NONE (-1)

/* `Requires: STREAM@REV`: a revision that the database of another stream (the registry) must have. */
struct revision_requirement {
    const char *stream;
    const char *revision;
};

struct revision {
    const char *id;
    const char *message;
    const char *created;       /* as written in the header; "" when absent */
    const char *path;          /* relative to the migrations folder: "tenant/versions/5f1c…_add_documents.sql" */
    const unsigned char *text; /* the whole file (CRLF made LF, BOM dropped); a NUL follows that is not counted */
    uint32_t length;
    uint32_t load_order; /* position of the file name in byte order within its stream: the tie-break between branches */

    uint32_t n_down; /* parents (Revises), indices into the stream's table, in the order written */
    const uint32_t *down;
    uint32_t n_depends; /* Depends-On, resolved to indices; labels stand for the revision that carries the line */
    const uint32_t *depends;
    uint32_t n_labels; /* Branch-Labels of this revision itself, in the order written */
    const char *const *labels;
    uint32_t n_requires;
    const struct revision_requirement *requires;

    uint32_t n_sections;
    const struct revision_section *sections;
    int8_t pick[DIRECTION_COUNT][DIALECT_COUNT]; /* index of the section that runs, or SECTION_NONE */

    uint8_t sha256[32]; /* of the file: what sha256sum says of the exported file */
};

enum stream_kind { STREAM_SINGLE, STREAM_FLEET };

/* One key of env.ini as it was written, references such as ${VAR} unexpanded. */
struct stream_setting {
    const char *key;
    const char *value;
    uint32_t line;
};

/* The text of schema/fingerprint.h: what a database of the dialect holds that stands at the heads. */
struct stream_fingerprint {
    const unsigned char *text; /* NULL: the stream has none; a NUL follows that is not counted */
    uint32_t length;
};

/* What was measured of one statement on a scratch PostgreSQL (model/locks.h); the order of the modes is their strength. */
enum lock_mode {
    LOCK_NOTHING,
    LOCK_ACCESS_SHARE,
    LOCK_ROW_SHARE,
    LOCK_ROW_EXCLUSIVE,
    LOCK_SHARE_UPDATE_EXCLUSIVE,
    LOCK_SHARE, /* from here on writers wait */
    LOCK_SHARE_ROW_EXCLUSIVE,
    LOCK_EXCLUSIVE,
    LOCK_ACCESS_EXCLUSIVE, /* readers, too */
    LOCK_MODE_COUNT
};

enum lock_flags {
    LOCKS_REWRITE = 1,   /* the rows of a relation, or an index, are written anew */
    LOCKS_SCAN = 2,      /* a relation is read from end to end */
    LOCKS_BLOCKED = 4,   /* a rewrite or scan happens while writers wait, because of this statement or one before it */
    LOCKS_TIME_ZONE = 8, /* the rewrite happens unless TimeZone is UTC */
    LOCKS_BY_KIND = 16,  /* not measured: what is known of statements that run outside of a transaction */
};

/* Only relations that were there before the revision began: nobody uses the others. */
struct statement_locks {
    uint8_t strongest;     /* enum lock_mode */
    uint8_t flags;         /* enum lock_flags, of all relations together */
    const char *relations; /* "documents AccessExclusive rewrite, users ShareRowExclusive"; "" when there are none */
};

/* Of one section of one revision: as many as it has statements, in their order. */
struct section_locks {
    uint32_t revision; /* index into the stream's table */
    uint32_t section;  /* index into the revision's sections */
    const struct statement_locks *statements;
};

/* migrations/STREAM/locks.txt: what `migrate-gen STREAM verify` measured. Sections that are not there were not traced. */
struct stream_locks {
    uint32_t server_major; /* the PostgreSQL that it was measured on; 0: nothing was */
    uint32_t n_sections;
    const struct section_locks *sections; /* by revision, then section */
};

struct stream {
    const char *name;
    enum stream_kind kind;
    uint32_t dialects; /* DIALECT_BIT()s */
    uint32_t n_settings;
    const struct stream_setting *settings; /* section [stream] of env.ini, in file order */
    const char *ini_path;                  /* relative to the migrations folder: "tenant/env.ini" */
    const unsigned char *ini_text;         /* the file, for `export`; a NUL follows that is not counted */
    uint32_t ini_length;
    uint32_t n_revisions;
    const struct revision *const *revisions; /* parents and dependencies before children; ties by load_order */
    struct stream_fingerprint fingerprints[DIALECT_COUNT];
    struct stream_locks locks;
    uint8_t sha256[32]; /* of all ids, parents and checksums: two executables with equal sums carry equal streams */
};

/* Everything an executable carries. The registry's stream stands before the fleets that it lists. */
struct catalogue {
    uint32_t format;      /* REVISION_FORMAT */
    const char *program;  /* the executable's name, from which its environment prefix is made: "profile-migrate" */
    const char *build_id; /* 16 hex digits over all streams' sums and the product's version */
    uint32_t n_streams;
    const struct stream *const *streams;
};

/* The one symbol that generated C exports to the runtime. */
extern const struct catalogue migrate_catalogue;

#endif
