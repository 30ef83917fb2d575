/*
 * Fuzzes the parser of revision files, up to the linked stream. Whatever the bytes: sections lie in the file, one behind
 * the other; every pick names a section of its direction; a file without findings has what a revision needs; every
 * finding can be shown.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_sections(const struct source_revision *r)
{
    uint32_t end = 0;
    for (size_t i = 0; i < r->sections.n; i++) {
        const struct revision_section *s = &r->sections.v[i];
        must(s->offset >= end && s->offset <= r->file.bytes.n && s->length <= r->file.bytes.n - s->offset);
        must(str_starts(text_line(&r->file, s->line), STR("-- migrate:")));
        end = s->offset + s->length;
    }
    for (int direction = 0; direction < DIRECTION_COUNT; direction++)
        for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
            int8_t pick = r->revision.pick[direction][dialect];
            must(pick >= SECTION_NONE && pick < (int)r->sections.n);
            must(pick == SECTION_NONE || (int)r->sections.v[pick].direction == direction);
        }
}

static void check_findings(const struct findings *all)
{
    BUF_AUTO text = {0};
    findings_format(&text, all);
    for (size_t i = 0; i < all->list.n; i++) {
        BUF_AUTO json = {0};
        finding_json(&json, &all->list.v[i]);
        must(str_utf8_error(buf_str(&json)) == json.n);
        must(all->list.v[i].err.message && all->list.v[i].err.line >= 0 && all->list.v[i].err.column >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    struct source s = {.arena = &a, .folder = "migrations", .findings = {.arena = &a}};
    struct source_stream *stream = ARENA_NEW(&a, struct source_stream);
    struct source_revision *r = ARENA_NEW(&a, struct source_revision);
    *stream = (struct source_stream){.name = "s", .dialects = DIALECTS_ALL};
    stream->ini = (struct text_file){.path = "s/env.ini", .shown = "s/env.ini", .bytes = STR("")};
    char *bytes = arena_alloc(&a, size + 1);
    memcpy(bytes, data, size);

    r->unreadable = !text_take(&s.findings, "s/versions/a.sql", "s/versions/a.sql", bytes, size, &r->file);
    source_parse_revision(&s.findings, &a, r);
    source_pick_sections(&s.findings, stream, r);
    check_sections(r);
    vec_push(&a, &stream->revisions, r);
    vec_push(&a, &s.streams, stream);
    link_streams(&s);
    must((s.findings.n_errors == 0) == (stream->linked != NULL));
    if (stream->linked)
        must(*r->revision.id && *r->revision.message && r->revision.n_sections > 0);
    findings_sort(&s.findings);
    check_findings(&s.findings);
    findings_free(&s.findings);
    return 0;
}
