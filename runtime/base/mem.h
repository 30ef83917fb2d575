/*
 * Memory: arenas for what lives as long as a command or a tenant, and checked malloc for the rest.
 *
 * Running out of memory is the one condition that library code does not hand back: the process says so on stderr and
 * aborts, because every error path of ours allocates. Nothing is lost by it: each revision commits together with its
 * version row, so an abort is a kill, and a kill is safe at any instant.
 *
 * An arena frees everything at once. The zero value is a valid, empty arena. Not safe for two threads at a time: a worker
 * owns the arena of its tenant.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/str.h"

void *mem_alloc(size_t n);           /* zeroed; never NULL */
void *mem_resize(void *p, size_t n); /* never NULL */
char *mem_strdup(const char *z);     /* NULL gives NULL */
char *mem_strndup(const char *p, size_t n);

struct arena_block;
struct arena {
    struct arena_block *blocks;
};

/* Zeroed, aligned for any type. n = 0 gives a valid unique pointer. */
void *arena_alloc(struct arena *a, size_t n);
/* As arena_alloc for `count` items; a product that overflows aborts. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *z); /* NULL gives NULL */
char *arena_str(struct arena *a, struct str s);     /* NUL-terminated copy */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a); /* drop the contents, keep one block for the next round */
void arena_free(struct arena *a);  /* back to the zero value */

#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, count) ((T *)arena_array((a), (count), sizeof(T)))
#define ARENA_AUTO __attribute__((cleanup(arena_free))) struct arena

/*
 * A growing array inside an arena: VEC(struct step) steps = {0}; vec_push(arena, &steps, s); steps.v[i], steps.n.
 * Growth copies into a new arena chunk; pointers to elements do not survive a push.
 */
#define VEC(T)                                                                                                         \
    struct {                                                                                                           \
        T *v;                                                                                                          \
        size_t n;                                                                                                      \
        size_t cap;                                                                                                    \
    }
#define vec_push(arena, vec, ...)                                                                                      \
    do {                                                                                                               \
        if ((vec)->n == (vec)->cap)                                                                                    \
            (vec)->v = vec_grow((arena), (vec)->v, &(vec)->cap, sizeof *(vec)->v);                                     \
        (vec)->v[(vec)->n++] = (__VA_ARGS__);                                                                          \
    } while (0)
void *vec_grow(struct arena *a, void *items, size_t *cap, size_t size);

/* A list of NUL-terminated strings; the usual currency for ids, rows and arguments. */
struct strings {
    const char **v;
    size_t n;
    size_t cap;
};
bool strings_has(const struct strings *list, const char *z);
void strings_sort(struct strings *list);                              /* by bytes */
bool strings_equal(const struct strings *a, const struct strings *b); /* same items in the same order */
void strings_join(struct buf *out, const struct strings *list, const char *separator);

#endif
