/*
 * Files of text: reading, normalising (CRLF is LF, a BOM is dropped, a lone CR stays: it may be part of a string), and
 * turning byte offsets into the lines and columns that people see. Refuses what no SQL file may hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/source.h"

#define LARGEST_FILE ((off_t)1 << 30)

static void drop_bom_and_cr(char *bytes, size_t *n)
{
    if (*n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        *n -= 3;
        memmove(bytes, bytes + 3, *n);
    }
    char *to = memchr(bytes, '\r', *n);
    const char *end = bytes + *n, *from = to;
    while (to && from < end) {
        if (*from == '\r' && from + 1 < end && from[1] == '\n')
            from++;
        const char *next = memchr(from + 1, '\r', (size_t)(end - from - 1));
        size_t run = (size_t)((next ? next : end) - from);
        memmove(to, from, run);
        to += run;
        from += run;
    }
    if (to)
        *n = (size_t)(to - bytes);
    bytes[*n] = '\0';
}

static void index_lines(struct arena *a, struct text_file *f)
{
    const char *end = f->bytes.p + f->bytes.n;
    size_t n = 1;
    for (const char *p = f->bytes.p; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    f->line_starts = ARENA_ARRAY(a, uint32_t, n);
    f->n_lines = 1;
    for (const char *p = f->bytes.p; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        f->line_starts[f->n_lines++] = (uint32_t)(p + 1 - f->bytes.p);
}

struct position text_position(const struct text_file *f, size_t offset)
{
    if (!f->n_lines)
        return (struct position){0};
    if (offset > f->bytes.n)
        offset = f->bytes.n;
    uint32_t low = 0, high = f->n_lines;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (f->line_starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    uint32_t column = 1;
    for (size_t i = f->line_starts[low]; i < offset; i++)
        column += ((unsigned char)f->bytes.p[i] & 0xC0) != 0x80;
    return (struct position){.line = low + 1, .column = column};
}

struct str text_line(const struct text_file *f, uint32_t line)
{
    if (line == 0 || line > f->n_lines)
        return (struct str){0};
    size_t from = f->line_starts[line - 1];
    size_t to = line < f->n_lines ? f->line_starts[line] - 1 : f->bytes.n;
    return str_slice(f->bytes, from, to);
}

bool text_take(struct findings *out, const char *path, const char *shown, char *bytes, size_t n, struct text_file *f)
{
    drop_bom_and_cr(bytes, &n);
    *f = (struct text_file){.path = path, .shown = shown, .bytes = {bytes, n}};
    index_lines(out->arena, f);

    const char *nul = memchr(bytes, '\0', n);
    size_t bad = str_utf8_error(f->bytes);
    struct finding *found;
    if (nul && (size_t)(nul - bytes) <= bad) {
        found = finding_add(out, "nul-byte", f, (size_t)(nul - bytes), "the file holds a NUL byte");
        err_hint(&found->err, "no database takes one in SQL; a file in UTF-16 looks like this: save it as UTF-8");
    } else if (bad < n) {
        found = finding_add(out, "invalid-utf8", f, bad, "invalid UTF-8: byte 0x%02x",
                            (unsigned)(unsigned char)bytes[bad]);
        err_hint(&found->err, "save the file as UTF-8");
    } else {
        return true;
    }
    /* No line of it is shown: a terminal could not, and nobody has looked for passwords in it. */
    err_at(&found->err, shown, found->err.line, found->err.column, (struct str){0});
    return false;
}

static bool refuse_file(struct findings *out, const struct text_file *f, const char *why)
{
    finding_add(out, "unreadable-file", f, SIZE_MAX, "cannot be read: %s", why);
    return false;
}

/* What is there now: a file that shrinks meanwhile gives less. */
static bool read_bytes(int fd, char *bytes, size_t *n)
{
    size_t have = 0;
    while (have < *n) {
        ssize_t got = read(fd, bytes + have, *n - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *n = have;
    return true;
}

bool text_read(struct findings *out, const char *path, const char *shown, struct text_file *f)
{
    *f = (struct text_file){.path = path, .shown = shown, .bytes = STR("")};
    int fd = open(shown, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse_file(out, f, strerror(errno));
    struct stat st;
    const char *why = NULL;
    if (fstat(fd, &st) < 0)
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "not a regular file";
    else if (st.st_size > LARGEST_FILE)
        why = "larger than 1 GiB";
    char *bytes = NULL;
    size_t n = 0;
    if (!why) {
        n = (size_t)st.st_size;
        bytes = arena_alloc(out->arena, n + 1);
        if (!read_bytes(fd, bytes, &n))
            why = strerror(errno);
    }
    close(fd);
    return why ? refuse_file(out, f, why) : text_take(out, path, shown, bytes, n, f);
}
