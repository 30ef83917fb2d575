/*
 * Streams with SQL in memory, as the generator would write them, for tests of what runs them. Statements end with ';' at
 * the end of a line; tokens are the text without comments and white space; both dialects run the same sections.
 *
 *     static const struct built v1[] = {{"a1", "", "CREATE TABLE t (x);", "DROP TABLE t;"}, {"b1", "a1", …}};
 *     const struct stream *s = built_stream(&arena, "tenant", v1, 2);
 */
#ifndef TESTS_UNIT_BUILT_H
#define TESTS_UNIT_BUILT_H

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/revision.h"

struct built {
    const char *id;
    const char *down; /* parents: "a1,b1" */
    const char *up_sql;
    const char *down_sql; /* NULL: irreversible */
    uint32_t flags;       /* of both sections */
    const char *depends;  /* "c1", ids only */
    const char *requires; /* a revision of stream "shared" */
};

static inline void built_tokens(const char *p, size_t n, uint8_t out[SHA256_BYTES])
{
    struct hash *h = hash_new();
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && p[i] == '-' && p[i + 1] == '-')
            while (i < n && p[i] != '\n')
                i++;
        else if (p[i] != ' ' && p[i] != '\n')
            hash_add(h, p + i, 1);
    }
    hash_finish(h, out);
}

/* The word of a statement after `prefix`, up to a blank. */
static inline const char *built_word(struct arena *a, const char *statement, const char *prefix)
{
    const char *at = strstr(statement, prefix);
    if (!at)
        return NULL;
    at += strlen(prefix);
    return arena_str(a, (struct str){at, strcspn(at, " ;\n(")});
}

static inline void built_classify(struct arena *a, const char *text, struct revision_statement *s)
{
    const char *z = arena_str(a, (struct str){text + s->offset, s->length});
    s->kind = "SQL";
    if (strncmp(z, "CREATE INDEX CONCURRENTLY ", 26) == 0) {
        s->flags = STATEMENT_NO_BLOCK | STATEMENT_CONCURRENTLY;
        s->object = built_word(a, z, "CREATE INDEX CONCURRENTLY ");
        s->table = built_word(a, z, " ON ");
    } else if (strncmp(z, "DROP INDEX CONCURRENTLY ", 24) == 0) {
        s->flags = STATEMENT_NO_BLOCK | STATEMENT_DROP_INDEX;
        s->object = built_word(a, z, "DROP INDEX CONCURRENTLY ");
    } else if (strncmp(z, "VACUUM", 6) == 0) {
        s->flags = STATEMENT_NO_BLOCK;
    }
}

static inline void built_statements(struct arena *a, const char *text, struct revision_section *section)
{
    VEC(struct revision_statement) list = {0};
    size_t end = section->offset + section->length;
    for (size_t i = section->offset; i < end;) {
        if (text[i] == ' ' || text[i] == '\n') {
            i++;
            continue;
        }
        if (text[i] == '-' && text[i + 1] == '-') {
            while (i < end && text[i] != '\n')
                i++;
            continue;
        }
        size_t from = i;
        while (i < end && !(text[i] == ';' && (i + 1 == end || text[i + 1] == '\n')))
            i++;
        struct revision_statement s = {.offset = (uint32_t)from, .length = (uint32_t)(i - from), .line = 1};
        for (size_t k = 0; k < from; k++)
            s.line += text[k] == '\n';
        built_classify(a, text, &s);
        vec_push(a, &list, s);
        i++;
    }
    section->statements = list.v;
    section->n_statements = (uint32_t)list.n;
}

static inline struct revision_section built_section(struct arena *a, const char *text, size_t offset, size_t length,
                                                    enum direction direction, uint32_t flags)
{
    struct revision_section s = {
        .direction = direction,
        .dialects = DIALECT_BIT(DIALECT_POSTGRESQL) | DIALECT_BIT(DIALECT_SQLITE),
        .flags = flags,
        .line = 1,
        .offset = (uint32_t)offset,
        .length = (uint32_t)length,
        .lock_timeout_ms = TIMEOUT_UNSET,
        .statement_timeout_ms = TIMEOUT_UNSET,
    };
    for (size_t k = 0; k + 1 < offset; k++)
        s.line += text[k] == '\n';
    built_statements(a, text, &s);
    hash_once(text + offset, length, s.sha256);
    built_tokens(text + offset, length, s.tokens_sha256);
    return s;
}

static inline const uint32_t *built_links(struct arena *a, const struct built *v, size_t n, const char *ids,
                                          uint32_t *count)
{
    VEC(uint32_t) links = {0};
    struct str rest = str_from(ids), piece;
    while (rest.n && str_next(&rest, ',', &piece)) {
        uint32_t at = 0;
        while (at < n && !str_is(piece, v[at].id))
            at++;
        if (at == n)
            abort();
        vec_push(a, &links, at);
    }
    *count = (uint32_t)links.n;
    return links.v;
}

static inline const struct revision *built_revision(struct arena *a, const char *stream, const struct built *v,
                                                    size_t n, size_t at)
{
    const struct built *b = &v[at];
    struct revision *r = ARENA_NEW(a, struct revision);
    struct revision_section *sections = ARENA_ARRAY(a, struct revision_section, 2);
    struct buf text = {0};
    buf_addf(&text, "-- Revision: %s\n-- migrate:up\n", b->id);
    size_t up_at = text.n;
    buf_addf(&text, "%s\n", b->up_sql);
    size_t up_end = text.n;
    buf_addz(&text, "-- migrate:down\n");
    size_t down_at = text.n;
    buf_addf(&text, "%s\n", b->down_sql ? b->down_sql : "");
    const char *bytes = arena_str(a, buf_str(&text));
    sections[0] = built_section(a, bytes, up_at, up_end - up_at, DIRECTION_UP,
                                b->flags | (b->down_sql ? 0 : (uint32_t)SECTION_IRREVERSIBLE));
    sections[1] = built_section(a, bytes, down_at, text.n - down_at, DIRECTION_DOWN, b->flags);
    *r = (struct revision){
        .id = b->id,
        .message = arena_printf(a, "make %s", b->id),
        .created = "",
        .path = arena_printf(a, "%s/versions/%s.sql", stream, b->id),
        .text = (const unsigned char *)bytes,
        .length = (uint32_t)text.n,
        .load_order = (uint32_t)at,
        .n_sections = b->down_sql ? 2 : 1,
        .sections = sections,
        .pick = {{0, 0}, {b->down_sql ? 1 : SECTION_NONE, b->down_sql ? 1 : SECTION_NONE}},
    };
    r->down = built_links(a, v, n, b->down, &r->n_down);
    r->depends = built_links(a, v, n, b->depends, &r->n_depends);
    if (b->requires) {
        struct revision_requirement *need = ARENA_NEW(a, struct revision_requirement);
        *need = (struct revision_requirement){"shared", b->requires};
        r->requires = need;
        r->n_requires = 1;
    }
    hash_once(bytes, text.n, r->sha256);
    buf_free(&text);
    return r;
}

/* Parents stand before their children in `v`. */
static inline const struct stream *built_stream(struct arena *a, const char *name, const struct built *v, size_t n)
{
    struct stream *s = ARENA_NEW(a, struct stream);
    const struct revision **table = ARENA_ARRAY(a, const struct revision *, n);
    struct hash *sum = hash_new();
    for (size_t i = 0; i < n; i++) {
        table[i] = built_revision(a, name, v, n, i);
        hash_add(sum, table[i]->sha256, sizeof table[i]->sha256);
    }
    *s = (struct stream){
        .name = name,
        .dialects = DIALECT_BIT(DIALECT_POSTGRESQL) | DIALECT_BIT(DIALECT_SQLITE),
        .n_revisions = (uint32_t)n,
        .revisions = table,
    };
    hash_finish(sum, s->sha256);
    return s;
}

static inline const struct catalogue *built_catalogue(struct arena *a, const struct stream *first,
                                                      const struct stream *second)
{
    struct catalogue *c = ARENA_NEW(a, struct catalogue);
    const struct stream **streams = ARENA_ARRAY(a, const struct stream *, 2);
    streams[0] = first;
    streams[1] = second;
    *c = (struct catalogue){.format = REVISION_FORMAT, .program = "migrate", .build_id = "0123456789abcdef"};
    c->n_streams = second ? 2 : 1;
    c->streams = streams;
    return c;
}

#endif
