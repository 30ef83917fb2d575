/*
 * Fuzzes lint: any bytes as the sections of a revision behind one that made tables, for both engines. Nothing crashes, every
 * finding stands in its file, and what is a finding of lint has a rule.
 *
 * The first byte chooses: bit 0 the bytes are sections themselves, with their section lines.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/lint/lint.h"
#include "gen/lint/rules.h"
#include "gen/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char before[] =
    "-- Revision: a1\n-- Revises:\n-- Message: m\n\n-- migrate:up postgresql irreversible\n"
    "CREATE TYPE mood AS ENUM ('good');\nCREATE DOMAIN positive AS integer CHECK (VALUE > 0);\n"
    "CREATE TABLE users (id bigint PRIMARY KEY, name varchar(80), seen timestamp);\n"
    "CREATE TABLE documents (id bigint PRIMARY KEY, owner bigint REFERENCES users, title text, size integer,\n"
    "    CONSTRAINT title_there CHECK (title IS NOT NULL));\n"
    "CREATE INDEX documents_title ON documents (title);\nCREATE VIEW titles AS SELECT title FROM documents;\n"
    "\n-- migrate:up sqlite irreversible\nCREATE TABLE users (id integer PRIMARY KEY, name text);\n"
    "CREATE TABLE documents (id integer PRIMARY KEY, owner integer REFERENCES users ON DELETE CASCADE, title text);\n"
    "CREATE INDEX documents_title ON documents (title);\n";

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void add_revision(struct source *s, struct source_stream *stream, const char *path, const char *text, size_t n)
{
    struct source_revision *r = ARENA_NEW(s->arena, struct source_revision);
    char *bytes = arena_str(s->arena, (struct str){text, n});
    r->unreadable = !text_take(&s->findings, path, path, bytes, n, &r->file);
    r->revision.load_order = (uint32_t)stream->revisions.n;
    source_parse_revision(&s->findings, s->arena, r);
    source_pick_sections(&s->findings, stream, r);
    vec_push(s->arena, &stream->revisions, r);
}

static void check_findings(const struct source *s)
{
    for (size_t i = 0; i < s->findings.list.n; i++) {
        const struct finding *found = &s->findings.list.v[i];
        if (!found->place.revision)
            continue;
        const struct source_revision *r = found->place.revision;
        must(lint_rule_find(str_from(found->rule)) && *found->err.message);
        must(found->err.line >= 1 && (uint32_t)found->err.line <= r->file.n_lines);
        must(found->place.statement < r->sections.v[found->place.section].n_statements);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    BUF_AUTO text = {0};
    AUTO_ERR e = {0};
    struct source s = {.arena = &a, .folder = "migrations", .findings = {.arena = &a}};
    struct source_stream *stream = ARENA_NEW(&a, struct source_stream);
    const struct lint_options options = {0};
    if (!size)
        return 0;
    scratch_patience = 0;
    *stream = (struct source_stream){.name = "s", .dialects = DIALECTS_ALL};
    stream->ini = (struct text_file){.path = "s/env.ini", .shown = "s/env.ini", .bytes = STR("")};
    buf_addz(&text, "-- Revision: b2\n-- Revises: a1\n-- Message: m\n\n");
    buf_addz(&text, data[0] & 1 ? "" : "-- migrate:up irreversible\n");
    buf_add(&text, data + 1, size - 1);
    add_revision(&s, stream, "s/versions/a.sql", before, sizeof before - 1);
    add_revision(&s, stream, "s/versions/b.sql", text.p, text.n);
    vec_push(&a, &s.streams, stream);
    link_streams(&s);
    check_postgresql(&s);
    check_sqlite(&s);
    must(lint_sources(&s, &options, &e));
    findings_sort(&s.findings);
    check_findings(&s);
    findings_free(&s.findings);
    return 0;
}
