/*
 * Text: views that own nothing, and a builder that owns what it holds.
 *
 * `struct str` is a view of bytes somebody else owns; it need not end in a NUL and may hold any byte. The zero value is
 * the empty view.
 *
 * `struct buf` is a sticky builder: append without checks, read `p` when done. `p` is always NUL-terminated once anything
 * was appended, `n` does not count that NUL. The zero value is a valid empty builder, buf_free() on it is a no-op.
 * Allocation failure ends the process (see mem.h), so no append can fail.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf's %.*s; views longer than INT_MAX are cut. */
#define STR_ARG(s) str_int_length(s), (s).p ? (s).p : ""

struct str str_from(const char *z); /* NULL gives the empty view */
struct str str_slice(struct str s, size_t from, size_t to);
struct str str_trim(struct str s); /* blanks, tabs and line ends off both sides */
int str_int_length(struct str s);
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *z);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Position of the first (last) byte `c` in `s`, or s.n. */
size_t str_find(struct str s, char c);
size_t str_find_last(struct str s, char c);
/*
 * Cut the next piece off the front of *rest, up to (not including) `separator` or the end. Returns false when *rest was
 * already used up. An empty *rest with a non-NULL pointer still yields one empty piece; after the last piece rest->p is
 * NULL.
 */
bool str_next(struct str *rest, char separator, struct str *piece);
/* Decimal digits alone, and a number up to `most`; anything else is false. */
bool str_number(struct str s, uint64_t most, uint64_t *out);
/* Length of the first invalid UTF-8 position: s.n when all of `s` is valid UTF-8 (no surrogates, no overlong forms). */
size_t str_utf8_error(struct str s);
/* Edit distance (insert, delete, replace, swap of neighbours), capped at 255; used for "did you mean". */
unsigned str_distance(struct str a, struct str b);

struct buf {
    char *p;
    size_t n;
    size_t cap;
};

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_addz(struct buf *b, const char *z);
void buf_adds(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
/* As the name of an environment variable has it: ASCII letters in capitals, digits, anything else as "_". */
void buf_add_upper(struct buf *b, const char *z);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_pad(struct buf *b, char c, size_t count);
void buf_reset(struct buf *b);  /* empty, memory kept */
void buf_free(struct buf *b);   /* back to the zero value */
char *buf_steal(struct buf *b); /* the caller owns the malloc'ed text; never NULL */
struct str buf_str(const struct buf *b);

#define BUF_AUTO __attribute__((cleanup(buf_free))) struct buf

#endif
