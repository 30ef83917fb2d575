/*
 * A schema's fingerprint: of each object its kind, its name and a short hash of all that counts about it. The generator
 * writes it beside the revisions that build the schema (migrations/STREAM/fingerprint.postgresql, .sqlite), a person
 * reviews its diff, the build embeds it, and `drift` holds live databases against it: without a scratch database, without
 * a parser, and without the other schema.
 *
 * THE TEXT. UTF-8, an object a line, parts below what they are part of, siblings in byte order of kind and name: equal
 * schemas give equal bytes, and what a revision touches is what its diff shows.
 *
 *     # …                                      comments, before the items only
 *     version: 1                               FINGERPRINT_VERSION
 *     dialect: postgresql 15                   the major version that printed the texts; SQLite: "sqlite"
 *     heads: 8e41b7c203fa                      of the stream, sorted, joined with ", "
 *     revisions: 5f1c…                         fingerprint_revisions(): which texts it was made from
 *     grants: app, PUBLIC                      roles whose grants count; mostly none
 *     ignores: public.events_*                 globs over identities of relations that were not looked at; mostly none
 *
 *     4f2a9c01d3e4b5a6:71e0aa55 table: documents
 *     88ab33c0a1d2e3f4:90c1d2e3   column: documents.title
 *     beside the schema
 *     0c1d2e3f4a5b6c7d:e3b0c442 extension: pgcrypto
 *
 * A name is the object's identity without the stream's own schema, so that a tenant that is a schema has the same
 * fingerprint as one that is a database; control characters and the backslash are \xHH in it. "beside the schema" begins
 * what is not in the stream's schema: other schemas, extensions, publications. A tenant that is a schema is compared
 * without them.
 *
 * HASHES. The first one is over all attributes that are set and that the policy counts, the second one (PostgreSQL alone)
 * over those of them that every major version prints alike, types before all. A server of the major version that the
 * fingerprint was made with is compared by the first. On another one an expression or a view may be printed differently
 * though nothing changed, so there an object whose first hash differs has changed only when the second differs too; if that
 * agrees nobody can tell, and it is counted as such. Objects that are missing or unexpected are found either way.
 *
 * Owners do not count, nor do grants that nobody named: on the scratch database everything belongs to somebody else.
 *
 * STALE. fingerprint_revisions() needs no database, so the build knows whether a file belongs to the revisions beside it.
 *
 * Pure: no I/O.
 */
#ifndef SCHEMA_FINGERPRINT_H
#define SCHEMA_FINGERPRINT_H

#include "base/hash.h"
#include "schema/catalog.h"

/*
 * Counted up whenever the same schema gives another text than before: another rule here, another query or attribute in the
 * tables of kinds. Files of another version are refused by the build, which says how to make them anew.
 */
#define FINGERPRINT_VERSION 1

struct fingerprint_item {
    struct str kind;   /* "column" */
    struct str name;   /* "documents.title": on one line */
    struct str hash;   /* hex digits */
    struct str stable; /* hex digits; empty for SQLite */
    uint32_t depth;    /* 0: part of nothing; else one more than that of what it is part of, which stands before it */
    bool beside;       /* not in the stream's schema */
    bool kept;         /* of a catalog alone: what is here is not dropped unasked, so nobody minds an extension more */
};

struct fingerprint {
    enum dialect dialect;
    uint32_t major;       /* of PostgreSQL; 0: SQLite */
    struct policy policy; /* of it the text holds grant_roles alone */
    struct strings ignored;
    struct strings heads;
    char revisions[SHA256_HEX];
    struct fingerprint_item *items;
    size_t n;
};

/* What is wrong with a text, and where. */
struct fingerprint_flaw {
    uint32_t line;      /* from 1 */
    const char *text;   /* in the arena */
    bool other_version; /* nothing but that; the lines behind the first were not read */
};

/* Reads a text; items are views of it. Any bytes are fine. */
bool fingerprint_parse(struct arena *a, struct str text, struct fingerprint *out, struct fingerprint_flaw *flaw);

/* The items of a schema that was read with NAMES_RELATIVE, with dialect and major version; heads,
 * revisions and what is ignored are not set. */
void fingerprint_of(struct arena *a, const struct catalog *c, enum dialect dialect, const struct policy *policy,
                    struct fingerprint *out);

void fingerprint_write(struct buf *out, const struct fingerprint *f);

/*
 * SHA-256 in hex over the revisions of a stream, in byte order of their ids: id, parents, dependencies, and the tokens of
 * what runs up in the dialect. Comments, messages and ways down do not count. Ids of the real heads go into *heads, sorted.
 */
void fingerprint_revisions(struct arena *a, const struct stream *stream, enum dialect dialect, char out[SHA256_HEX],
                           struct strings *heads);

struct fingerprint_difference {
    enum verdict verdict;
    const struct fingerprint_item *item; /* of the wanted one; UNEXPECTED: of the found one */
};

struct fingerprint_differences {
    struct fingerprint_difference *v; /* in the order of the texts; parts of a missing or unexpected object not apart */
    size_t n;
    size_t cap;
    size_t unsure; /* objects whose texts another major version printed, and that may or may not be equal */
};

/* `schema_only`: without what is beside the schema. */
void fingerprint_compare(struct arena *a, const struct fingerprint *wanted, const struct fingerprint *found,
                         bool schema_only, struct fingerprint_differences *out);

/* "missing index documents_status_idx" */
void fingerprint_describe(struct buf *out, const struct fingerprint_difference *d);

#endif
