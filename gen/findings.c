/* Findings: making, sorting and showing them. Shows into a buffer; who prints it is not decided here. */
#include "gen/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "gen/lint/rules.h"

/* A source line longer than this is not repeated: a megabyte in one line helps nobody. */
#define LONGEST_SHOWN_LINE ((size_t)64 * 1024)
#define SHOWN_OF_A_FILE 40

static struct finding *add(struct findings *out, const char *rule, const struct text_file *f, struct position at,
                           const char *format, va_list ap) __attribute__((format(printf, 5, 0)));

static struct finding *add(struct findings *out, const char *rule, const struct text_file *f, struct position at,
                           const char *format, va_list ap)
{
    vec_push(out->arena, &out->list, (struct finding){.rule = rule, .severity = SEVERITY_ERROR});
    struct finding *found = &out->list.v[out->list.n - 1];
    BUF_AUTO text = {0};
    buf_vaddf(&text, format, ap);
    err_set(&found->err, FAULT_FAILED, "%s", text.p ? text.p : "");
    if (f) {
        struct str line = text_line(f, at.line);
        if (line.n == 0 || line.n > LONGEST_SHOWN_LINE)
            line.p = NULL;
        err_at(&found->err, f->shown, (int)at.line, (int)at.column, line);
    }
    out->n_errors++;
    return found;
}

struct finding *finding_add(struct findings *out, const char *rule, const struct text_file *f, size_t offset,
                            const char *format, ...)
{
    struct position at = {0};
    if (f && offset != SIZE_MAX)
        at = text_position(f, offset);
    va_list ap;
    va_start(ap, format);
    struct finding *found = add(out, rule, f, at, format, ap);
    va_end(ap);
    return found;
}

struct finding *finding_at_line(struct findings *out, const char *rule, const struct text_file *f, uint32_t line,
                                const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    struct finding *found = add(out, rule, f, (struct position){.line = line, .column = line ? 1 : 0}, format, ap);
    va_end(ap);
    return found;
}

const char *const severity_words[] = {
    [SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note", [SEVERITY_OFF] = "off"};

void finding_severity(struct findings *out, struct finding *found, enum severity severity)
{
    out->n_errors -= found->severity == SEVERITY_ERROR;
    found->severity = severity;
    out->n_errors += found->severity == SEVERITY_ERROR;
}

void finding_is_warning(struct findings *out, struct finding *found)
{
    finding_severity(out, found, SEVERITY_WARNING);
}

size_t findings_count(const struct findings *all, enum severity severity)
{
    size_t n = 0;
    for (size_t i = 0; i < all->list.n; i++)
        n += all->list.v[i].severity == severity;
    return n;
}

/* Hints with the nearest of `list`, or with `otherwise` (may be NULL) when nothing is near. */
void finding_suggest(struct finding *found, struct str word, const struct strings *list, const char *otherwise)
{
    const char *best = NULL;
    unsigned limit = word.n < 4 ? 1 : (unsigned)(word.n / 3 < 4 ? word.n / 3 : 4);
    for (size_t i = 0; i < list->n; i++) {
        struct str candidate = str_from(list->v[i]);
        unsigned distance = str_distance(word, candidate);
        if (word.n >= 3 && str_starts(candidate, word) && !best)
            best = list->v[i];
        if (distance <= limit && distance > 0 && distance < word.n) {
            limit = distance - 1;
            best = list->v[i];
        }
    }
    if (best)
        err_hint(&found->err, "did you mean \"%s\"?", best);
    else if (otherwise)
        err_hint(&found->err, "%s", otherwise);
}

struct sortable {
    struct finding finding;
    size_t made; /* the order they were made in breaks ties */
};

static int compare_findings(const void *left, const void *right)
{
    const struct sortable *a = left, *b = right;
    const struct err *x = &a->finding.err, *y = &b->finding.err;
    int order = strcmp(x->path ? x->path : "", y->path ? y->path : "");
    if (!order)
        order = (x->line > y->line) - (x->line < y->line);
    if (!order)
        order = (x->column > y->column) - (x->column < y->column);
    return order ? order : (a->made > b->made) - (a->made < b->made);
}

void findings_sort(struct findings *all)
{
    if (!all->list.n)
        return;
    struct sortable *rows = mem_alloc(all->list.n * sizeof *rows);
    for (size_t i = 0; i < all->list.n; i++)
        rows[i] = (struct sortable){all->list.v[i], i};
    qsort(rows, all->list.n, sizeof *rows, compare_findings);
    for (size_t i = 0; i < all->list.n; i++)
        all->list.v[i] = rows[i].finding;
    free(rows);
}

void findings_keep(struct findings *all, bool (*keep)(const void *with, const struct finding *found), const void *with)
{
    size_t n = 0;
    for (size_t i = 0; i < all->list.n; i++) {
        if (keep(with, &all->list.v[i])) {
            all->list.v[n++] = all->list.v[i];
        } else {
            all->n_errors -= all->list.v[i].severity == SEVERITY_ERROR;
            err_free(&all->list.v[i].err);
        }
    }
    all->list.n = n;
}

void findings_free(struct findings *all)
{
    for (size_t i = 0; i < all->list.n; i++)
        err_free(&all->list.v[i].err);
    *all = (struct findings){.arena = all->arena};
}

/* How many findings from `from` on concern the same file. */
static size_t same_file(const struct findings *all, size_t from)
{
    size_t to = from + 1;
    const char *path = all->list.v[from].err.path;
    while (path && to < all->list.n && all->list.v[to].err.path && strcmp(path, all->list.v[to].err.path) == 0)
        to++;
    return to - from;
}

/* Lines below the first stand under it: "hint: " and "detail: " are what it begins with. */
static void indent(struct buf *out, const char *text, size_t by)
{
    struct str rest = str_from(text), line;
    for (bool first = true; rest.p && str_next(&rest, '\n', &line); first = false) {
        if (!first)
            buf_addc(out, '\n');
        buf_pad(out, ' ', first || !line.n ? 0 : by);
        buf_adds(out, line);
    }
}

/* The rule stands behind what was found where somebody may allow it or turn it down, and so must know its name. */
static void name_rule(struct buf *out, const struct finding *found)
{
    const struct lint_rule *rule = lint_rule_find(str_from(found->rule));
    buf_addz(out, found->err.message);
    if (rule && !(rule->flags & RULE_ALWAYS))
        buf_addf(out, " [%s]", rule->id);
}

/* What lint has to say takes several lines, and SQL among them that somebody copies. */
static void format_one(struct buf *out, const struct finding *found)
{
    BUF_AUTO message = {0}, detail = {0}, hint = {0};
    struct err e = found->err;
    name_rule(&message, found);
    e.message = message.p;
    indent(&detail, e.detail, strlen("detail: "));
    indent(&hint, e.hint, strlen("hint: "));
    e.detail = detail.p;
    e.hint = hint.p;
    err_format(out, &e, found->severity == SEVERITY_ERROR ? NULL : severity_words[found->severity]);
}

void findings_format(struct buf *out, const struct findings *all)
{
    for (size_t i = 0, n; i < all->list.n; i += n) {
        n = same_file(all, i);
        for (size_t j = i; j < i + n && j < i + SHOWN_OF_A_FILE; j++)
            format_one(out, &all->list.v[j]);
        if (n > SHOWN_OF_A_FILE)
            buf_addf(out, "%s: and %zu more\n", all->list.v[i].err.path, n - SHOWN_OF_A_FILE);
    }
}

void finding_json(struct buf *out, const struct finding *found)
{
    struct json j = {.out = out};
    json_object(&j);
    json_put_text(&j, "rule", found->rule);
    json_put_text(&j, "severity", severity_words[found->severity]);
    json_put_text(&j, "path", found->err.path);
    json_put_int(&j, "line", found->err.line);
    json_put_int(&j, "column", found->err.column);
    json_put_text(&j, "message", found->err.message);
    if (found->err.detail)
        json_put_text(&j, "detail", found->err.detail);
    json_put_text(&j, "hint", found->err.hint);
    json_end_object(&j);
}
