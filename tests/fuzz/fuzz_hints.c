/*
 * Fuzzes the reading of hints, as both engines. Whatever the bytes: every hint lies in a comment of the file and has an
 * item with a name, nothing is read past the end, and every finding is shown.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/hints.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void look(struct str text, enum dialect dialect)
{
    ARENA_AUTO a = {0};
    BUF_AUTO shown = {0};
    struct findings out = {.arena = &a};
    struct text_file file;
    struct hints hints = {0};
    char *bytes = mem_alloc(text.n + 1);
    memcpy(bytes, text.p, text.n);
    if (text_take(&out, "schema.sql", "schema.sql", bytes, text.n, &file))
        hints_read(&out, &a, &file, dialect, &hints);
    for (size_t i = 0; i < hints.list.n; i++) {
        const struct hint *h = &hints.list.v[i];
        must(h->offset + 2 < file.bytes.n && h->item && h->name && h->text && *h->text);
        must(memcmp(file.bytes.p + h->offset, "--", 2) == 0 || memcmp(file.bytes.p + h->offset, "/*", 2) == 0);
        must(memmem(file.bytes.p + h->offset, file.bytes.n - h->offset, h->text, strlen(h->text)));
    }
    findings_format(&shown, &out);
    must(!out.list.n == !shown.n);
    findings_free(&out);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    look(text, DIALECT_POSTGRESQL);
    look(text, DIALECT_SQLITE);
    return 0;
}
