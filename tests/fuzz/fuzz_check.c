/*
 * Fuzzes the check stage: any bytes as the body of a section, for both engines, in a transaction and without. Whatever
 * they are, there are findings or statements; statements lie in the section, one behind the other, and are what the
 * engines' own parsers cut; the database in memory lets none of them near a file.
 *
 * The first byte chooses: bit 0 a second engine's own section, bit 1 transaction:false, bit 2 batch, bit 3 opaque.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/scratch.h"
#include "gen/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_statements(const struct source_revision *r)
{
    for (size_t i = 0; i < r->sections.n; i++) {
        const struct revision_section *s = &r->sections.v[i];
        uint32_t end = s->offset;
        for (uint32_t k = 0; k < s->n_statements; k++) {
            const struct revision_statement *st = &s->statements[k];
            must(st->offset >= end && st->length > 0 && st->length <= s->offset + s->length - st->offset);
            must(st->line > s->line && st->line <= r->file.n_lines && *st->kind);
            end = st->offset + st->length;
        }
    }
}

static void add_text(struct buf *out, unsigned choice, struct str body)
{
    buf_addz(out, "-- Revision: a1\n-- Revises:\n-- Message: m\n\n-- migrate:up irreversible");
    buf_addz(out, choice & 1 ? " postgresql" : "");
    buf_addz(out, choice & 2 ? " transaction:false" : "");
    buf_addz(out, choice & 4 ? " batch" : "");
    buf_addz(out, choice & 8 ? " opaque" : "");
    buf_addz(out, "\n");
    buf_adds(out, body);
    if (choice & 1) {
        buf_addz(out, "\n-- migrate:up sqlite irreversible\n");
        buf_adds(out, body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    BUF_AUTO text = {0};
    struct source s = {.arena = &a, .folder = "migrations", .findings = {.arena = &a}};
    struct source_stream *stream = ARENA_NEW(&a, struct source_stream);
    struct source_revision *r = ARENA_NEW(&a, struct source_revision);
    if (!size)
        return 0;
    scratch_patience = 0;
    *stream = (struct source_stream){.name = "s", .dialects = DIALECTS_ALL};
    stream->ini = (struct text_file){.path = "s/env.ini", .shown = "s/env.ini", .bytes = STR("")};
    add_text(&text, data[0], (struct str){(const char *)data + 1, size - 1});
    char *bytes = arena_str(&a, buf_str(&text));

    r->unreadable = !text_take(&s.findings, "s/versions/a.sql", "s/versions/a.sql", bytes, text.n, &r->file);
    source_parse_revision(&s.findings, &a, r);
    source_pick_sections(&s.findings, stream, r);
    vec_push(&a, &stream->revisions, r);
    vec_push(&a, &s.streams, stream);
    link_streams(&s);
    check_postgresql(&s);
    check_sqlite(&s);
    check_statements(r);
    for (size_t i = 0; i < s.findings.list.n; i++)
        must(!strstr(s.findings.list.v[i].err.message, "SQLite reads two statements"));
    findings_sort(&s.findings);
    findings_free(&s.findings);
    return 0;
}
