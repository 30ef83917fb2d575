/* A table of common lengths over the lines between what both texts begin and end with; then hunks. */
#include "gen/fix/text_diff.h"

#include <string.h>

#include "base/mem.h"

#define CONTEXT ((size_t)3)
#define MOST_CELLS ((size_t)16 << 20)

struct lines {
    struct str *v;
    size_t n, cap;
};

/* A line of the result: ' ', '-' or '+'. */
struct shown {
    char sign;
    struct str text;
};

struct differ {
    struct arena arena;
    struct lines old, now;
    VEC(struct shown) shown;
};

static void split(struct arena *a, const char *text, struct lines *out)
{
    struct str rest = str_from(text), line;
    while (rest.n && str_next(&rest, '\n', &line))
        vec_push(a, out, line);
}

static void show(struct differ *d, char sign, struct str text)
{
    struct shown line = {sign, text};
    vec_push(&d->arena, &d->shown, line);
}

static void show_all(struct differ *d, size_t a, size_t a_end, size_t b, size_t b_end)
{
    for (; a < a_end; a++)
        show(d, '-', d->old.v[a]);
    for (; b < b_end; b++)
        show(d, '+', d->now.v[b]);
}

/* Lines [a, a_end) and [b, b_end): common[i][j] is the length of the longest common subsequence of the rests. */
static void show_middle(struct differ *d, size_t a, size_t a_end, size_t b, size_t b_end)
{
    size_t rows = a_end - a, columns = b_end - b, width = columns + 1;
    if (!rows || !columns || rows >= MOST_CELLS / width) {
        show_all(d, a, a_end, b, b_end);
        return;
    }
    uint32_t *common = ARENA_ARRAY(&d->arena, uint32_t, (rows + 1) * width);
    for (size_t i = rows; i-- > 0;)
        for (size_t j = columns; j-- > 0;) {
            uint32_t down = common[(i + 1) * width + j], right = common[i * width + j + 1];
            common[i * width + j] = str_eq(d->old.v[a + i], d->now.v[b + j]) ? common[(i + 1) * width + j + 1] + 1
                                    : down > right                           ? down
                                                                             : right;
        }
    size_t i = 0, j = 0;
    while (i < rows && j < columns) {
        if (str_eq(d->old.v[a + i], d->now.v[b + j])) {
            show(d, ' ', d->old.v[a + i++]);
            j++;
        } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            show(d, '-', d->old.v[a + i++]);
        } else {
            show(d, '+', d->now.v[b + j++]);
        }
    }
    show_all(d, a + i, a_end, b + j, b_end);
}

static void compare(struct differ *d)
{
    size_t begin = 0, old_end = d->old.n, now_end = d->now.n;
    while (begin < old_end && begin < now_end && str_eq(d->old.v[begin], d->now.v[begin]))
        show(d, ' ', d->old.v[begin++]);
    while (old_end > begin && now_end > begin && str_eq(d->old.v[old_end - 1], d->now.v[now_end - 1])) {
        old_end--;
        now_end--;
    }
    show_middle(d, begin, old_end, begin, now_end);
    for (; old_end < d->old.n; old_end++)
        show(d, ' ', d->old.v[old_end]);
}

/* The hunk that begins at `from`: up to where more than twice the context is equal. */
static size_t end_of_hunk(const struct differ *d, size_t from)
{
    size_t last = from;
    for (size_t i = from; i < d->shown.n && i <= last + 2 * CONTEXT + 1; i++)
        if (d->shown.v[i].sign != ' ')
            last = i;
    return last + 1 + CONTEXT < d->shown.n ? last + 1 + CONTEXT : d->shown.n;
}

static void count(const struct differ *d, size_t from, size_t to, size_t *old, size_t *now)
{
    *old = *now = 0;
    for (size_t i = from; i < to; i++) {
        *old += d->shown.v[i].sign != '+';
        *now += d->shown.v[i].sign != '-';
    }
}

static void add_hunk(struct buf *out, const struct differ *d, size_t from, size_t to)
{
    size_t old_before, now_before, old_lines, now_lines;
    count(d, 0, from, &old_before, &now_before);
    count(d, from, to, &old_lines, &now_lines);
    buf_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", old_before + (old_lines > 0), old_lines, now_before + (now_lines > 0),
             now_lines);
    for (size_t i = from; i < to; i++)
        buf_addf(out, "%c%.*s\n", d->shown.v[i].sign, STR_ARG(d->shown.v[i].text));
}

void text_diff(struct buf *out, const char *path, const char *old, const char *now)
{
    struct differ d = {0};
    if (old && strcmp(old, now) == 0)
        return;
    split(&d.arena, old ? old : "", &d.old);
    split(&d.arena, now, &d.now);
    compare(&d);
    buf_addf(out, "--- %s\n+++ %s\n", old ? path : "/dev/null", path);
    for (size_t i = 0; i < d.shown.n; i++) {
        if (d.shown.v[i].sign == ' ')
            continue;
        size_t from = i > CONTEXT ? i - CONTEXT : 0, to = end_of_hunk(&d, i);
        add_hunk(out, &d, from, to);
        i = to - 1;
    }
    arena_free(&d.arena);
}
