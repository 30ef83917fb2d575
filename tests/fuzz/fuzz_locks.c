/*
 * Fuzzes the reading of lock reports, beside two revisions. Whatever the bytes: nothing is read past the end, what is not
 * taken has a finding, and what is taken is written as a text that is taken too, without a finding that was not there, and is
 * written as the same text again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/locks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const char text[] = "CREATE TABLE a();ALTER TABLE a ADD c integer;DROP TABLE a;SELECT 1;";
static const struct revision_statement ups[] = {{.offset = 0, .length = 16, .line = 1, .kind = "CREATE TABLE"},
                                                {.offset = 17, .length = 27, .line = 1, .kind = "ALTER TABLE"}},
                                       downs[] = {{.offset = 45, .length = 12, .line = 1, .kind = "DROP TABLE"}},
                                       queries[] = {{.offset = 58, .length = 8, .line = 1, .kind = "SELECT"}};
static const struct revision_section sections_a[] = {
    {.direction = DIRECTION_DOWN, .line = 1, .n_statements = 1, .statements = downs},
    {.direction = DIRECTION_UP, .line = 1, .n_statements = 2, .statements = ups}};
static const struct revision_section sections_b[] = {
    {.direction = DIRECTION_UP, .line = 1, .n_statements = 1, .statements = queries},
    {.direction = DIRECTION_DOWN, .line = 1}};
static struct source_revision a1 = {.revision = {.id = "a1",
                                                 .text = (const unsigned char *)text,
                                                 .n_sections = 2,
                                                 .sections = sections_a,
                                                 .pick = {{1, SECTION_NONE}, {0, SECTION_NONE}}}},
                              b1 = {.revision = {.id = "#", /* which a comment begins with */
                                                 .text = (const unsigned char *)text,
                                                 .n_sections = 2,
                                                 .sections = sections_b,
                                                 .pick = {{0, SECTION_NONE}, {1, SECTION_NONE}}}};

/* Reads the bytes; how many findings there are. */
static size_t read_report(struct arena *a, const struct source_stream *stream, struct str bytes,
                          struct stream_locks *locks)
{
    BUF_AUTO shown = {0};
    struct findings out = {.arena = a};
    struct text_file file;
    char *copy = mem_alloc(bytes.n + 1);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    *locks = (struct stream_locks){0};
    if (text_take(&out, "s/locks.txt", "s/locks.txt", copy, bytes.n, &file))
        locks_parse(a, &out, stream, &file, "migrate-gen", locks);
    size_t n = out.list.n;
    must(locks->server_major || out.n_errors);
    findings_format(&shown, &out);
    must(!n == !shown.n);
    findings_free(&out);
    free(copy);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    BUF_AUTO once = {0};
    BUF_AUTO twice = {0};
    const struct revision *revisions[] = {&a1.revision, &b1.revision};
    struct source_revision *sources[] = {&a1, &b1};
    struct stream linked = {.name = "s", .n_revisions = 2, .revisions = revisions};
    struct source_stream stream = {.name = "s", .linked = &linked};
    struct stream_locks locks, again;
    stream.revisions.v = sources;
    stream.revisions.n = 2;
    struct findings none = {.arena = &a};
    must(text_take(&none, "s/versions/x.sql", "x.sql", arena_strdup(&a, text), sizeof text - 1, &a1.file));
    b1.file = a1.file;
    size_t found = read_report(&a, &stream, (struct str){(const char *)data, size}, &locks);
    if (!locks.server_major)
        return 0;
    stream_locks_write(&once, &linked, &locks);
    must(read_report(&a, &stream, buf_str(&once), &again) <= found + 2 && again.n_sections == locks.n_sections);
    stream_locks_write(&twice, &linked, &again);
    must(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
