/* Arenas and checked allocation. Says "out of memory" and aborts; see the header for why that is safe here. */
#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)8 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static _Noreturn void mem_out(void)
{
    static const char text[] = "out of memory\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    abort();
}

void *mem_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        mem_out();
    return p;
}

void *mem_resize(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q)
        mem_out();
    return q;
}

char *mem_strndup(const char *p, size_t n)
{
    char *z = mem_alloc(n + 1);
    if (n)
        memcpy(z, p, n);
    return z;
}

char *mem_strdup(const char *z)
{
    return z ? mem_strndup(z, strlen(z)) : NULL;
}

static struct arena_block *arena_add_block(struct arena *a, size_t need)
{
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    if (size > SIZE_MAX - sizeof(struct arena_block))
        mem_out();
    struct arena_block *b = malloc(sizeof *b + size);
    if (!b)
        mem_out();
    b->used = 0;
    b->size = size;
    /* A block made for one large item goes behind the current one, whose room is still good. */
    if (a->blocks && need > BLOCK_BYTES / 2) {
        b->next = a->blocks->next;
        a->blocks->next = b;
    } else {
        b->next = a->blocks;
        a->blocks = b;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - alignof(max_align_t))
        mem_out();
    size_t need = (n ? n + alignof(max_align_t) - 1 : alignof(max_align_t)) & ~(alignof(max_align_t) - 1);
    struct arena_block *b = a->blocks;
    if (!b || b->size - b->used < need)
        b = arena_add_block(a, need);
    void *p = b->bytes + b->used;
    b->used += need;
    return memset(p, 0, need);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        mem_out();
    return arena_alloc(a, n);
}

char *arena_str(struct arena *a, struct str s)
{
    char *z = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(z, s.p, s.n);
    return z;
}

char *arena_strdup(struct arena *a, const char *z)
{
    return z ? arena_str(a, str_from(z)) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    BUF_AUTO b = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&b, format, ap);
    va_end(ap);
    return arena_str(a, buf_str(&b));
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        if (!keep && b->size == BLOCK_BYTES)
            keep = b;
        else
            free(b);
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    a->blocks = keep;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    a->blocks = NULL;
}

void *vec_grow(struct arena *a, void *items, size_t *cap, size_t size)
{
    size_t more = *cap ? *cap * 2 : 8;
    void *grown = arena_array(a, more, size);
    if (*cap)
        memcpy(grown, items, *cap * size);
    *cap = more;
    return grown;
}

bool strings_has(const struct strings *list, const char *z)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], z) == 0)
            return true;
    return false;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void strings_sort(struct strings *list)
{
    if (list->n > 1)
        qsort(list->v, list->n, sizeof *list->v, compare_text);
}

bool strings_equal(const struct strings *a, const struct strings *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->v[i], b->v[i]) != 0)
            return false;
    return true;
}

void strings_join(struct buf *out, const struct strings *list, const char *separator)
{
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            buf_addz(out, separator);
        buf_addz(out, list->v[i]);
    }
}
