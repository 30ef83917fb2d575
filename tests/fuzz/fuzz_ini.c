/*
 * Fuzzes the parser of env.ini. Whatever the bytes, every setting has a place and a value that stands there. And as a
 * password inside an address, whatever it holds, the input is refused and never shown.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/source.h"

#define MARK "Zq7Xj9"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Parses `text`; the number of errors. */
static size_t look(struct str text, bool secret)
{
    ARENA_AUTO a = {0};
    BUF_AUTO shown = {0};
    struct findings out = {.arena = &a};
    struct source_stream s = {.name = "s"};
    char *bytes = arena_alloc(&a, text.n + 1);
    memcpy(bytes, text.p, text.n);
    if (text_take(&out, "s/env.ini", "s/env.ini", bytes, text.n, &s.ini))
        source_parse_ini(&out, &a, &s);
    for (size_t i = 0; i < s.settings.n; i++) {
        const struct source_setting *setting = &s.settings.v[i];
        must(str_starts(str_slice(s.ini.bytes, setting->key.offset, s.ini.bytes.n), str_from(setting->key.text)));
        must(!setting->value.text ||
             str_starts(str_slice(s.ini.bytes, setting->value.offset, s.ini.bytes.n), str_from(setting->value.text)));
    }
    findings_format(&shown, &out);
    must(!secret || !shown.n || !memmem(shown.p, shown.n, MARK, strlen(MARK)));
    size_t n = out.n_errors;
    findings_free(&out);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUF_AUTO text = {0};
    look((struct str){(const char *)data, size}, false);
    if (size == 0 || memchr(data, '\n', size))
        return 0;
    buf_addz(&text, "[stream]\nurl = postgresql://app:" MARK);
    buf_add(&text, data, size);
    buf_addz(&text, MARK "@db/shared\n");
    must(look(buf_str(&text), true) > 0);
    return 0;
}
