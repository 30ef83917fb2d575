/* Keys of what was found right before. Reads and writes one file. */
#include "gen/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE (SHA256_HEX) /* the digits and the line's end */

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct memory_key));
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_key(const char line[LINE], struct memory_key *key)
{
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        int high = hex_value(line[2 * i]), low = hex_value(line[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key->sum[i] = (uint8_t)(high * 16 + low);
    }
    return line[LINE - 1] == '\n';
}

void memory_read(struct memory *m, struct arena *a, const char *path)
{
    *m = (struct memory){.path = path};
    FILE *f = path ? fopen(path, "re") : NULL;
    if (!f)
        return;
    char line[LINE];
    struct memory_key key;
    while (fread(line, 1, sizeof line, f) == sizeof line && parse_key(line, &key))
        vec_push(a, &m->known, key);
    fclose(f);
    if (m->known.n)
        qsort(m->known.v, m->known.n, sizeof key, compare_keys);
}

bool memory_has(struct memory *m, struct arena *a, const struct memory_key *key)
{
    if (!m->known.n || !bsearch(key, m->known.v, m->known.n, sizeof *key, compare_keys))
        return false;
    memory_add(m, a, key);
    return true;
}

void memory_add(struct memory *m, struct arena *a, const struct memory_key *key)
{
    if (m->path)
        vec_push(a, &m->kept, *key);
}

static bool is_as_read(const struct memory *m)
{
    return m->kept.n == m->known.n && (!m->kept.n || memcmp(m->kept.v, m->known.v, m->kept.n * sizeof *m->kept.v) == 0);
}

void memory_write(struct memory *m, struct arena *a)
{
    if (!m->path)
        return;
    if (m->kept.n)
        qsort(m->kept.v, m->kept.n, sizeof *m->kept.v, compare_keys);
    if (is_as_read(m))
        return;
    BUF_AUTO text = {0};
    for (size_t i = 0; i < m->kept.n; i++) {
        char hex[SHA256_HEX];
        hash_hex(m->kept.v[i].sum, hex);
        buf_addf(&text, "%s\n", hex);
    }
    const char *other = arena_printf(a, "%s.new", m->path);
    FILE *f = fopen(other, "we");
    if (!f)
        return;
    bool ok = fwrite(text.p ? text.p : "", 1, text.n, f) == text.n;
    ok = fclose(f) == 0 && ok;
    if (!ok || rename(other, m->path) != 0)
        unlink(other);
}
