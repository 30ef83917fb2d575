/* status as text: columns that fit the terminal. */
#include <stdlib.h>

#include "cli/format.h"
#include "cli/status.h"
#include "tool/columns.h"

/* -------------------------------------------------------------------------------------------------------- cells */

/* As people read them; of two kinds of missing databases one is enough. */
static const char *standing_word(enum standing standing)
{
    static const char *const words[] = {"head",    "behind",  "edited",  "ahead",      "diverged",
                                        "missing", "missing", "failing", "not started"};
    return words[standing];
}

static void describe(struct buf *out, const struct group *g)
{
    if (g->standing == BEHIND)
        buf_addf(out, "%zu ", g->pending);
    buf_addz(out, standing_word(g->standing));
}

static void add_rows(struct buf *out, const struct group *g)
{
    if (g->standing < ABSENT)
        format_rows(out, &g->rows);
    else
        buf_addz(out, "-");
}

void status_messages(struct buf *out, const struct visits *v, const struct group *g)
{
    for (size_t i = 0; i < g->rows.n; i++) {
        uint32_t index = graph_find(v->graph, str_from(g->rows.v[i]));
        if (index != REVISION_NONE)
            buf_addf(out, "%s%s", out->n ? "; " : "", graph_revision(v->graph, index)->message);
    }
}

/* Rounded, but "100%" is all of them, and nobody is "0%". */
static void add_percent(struct buf *out, size_t n, size_t all)
{
    size_t percent = all ? (size_t)((double)n / (double)all * 100 + 0.5) : 0;
    if (!percent)
        buf_addz(out, "<1%");
    else
        buf_addf(out, "%zu%%", percent > 99 && n < all ? 99 : percent);
}

/* -------------------------------------------------------------------------------------------------------- table */

enum cell { CELL_ROWS, CELL_MESSAGE, CELL_NUMBER, CELL_PERCENT, CELL_BAR, CELL_MEANING, CELLS };
enum { INDENT = 2, GAP = 2, BAR_COLUMNS = 10, MESSAGE_LEAST = 12 };

struct line {
    struct buf cells[CELLS];
};

static void make_line(struct line *out, const struct visits *v, const struct group *g)
{
    add_rows(&out->cells[CELL_ROWS], g);
    status_messages(&out->cells[CELL_MESSAGE], v, g);
    buf_addf(&out->cells[CELL_NUMBER], "%zu", g->n);
    add_percent(&out->cells[CELL_PERCENT], g->n, v->tenants.n);
    progress_bar(&out->cells[CELL_BAR], g->n, v->tenants.n, BAR_COLUMNS, v->app->out.style.utf8);
    describe(&out->cells[CELL_MEANING], g);
}

static size_t table_width(const size_t *widths)
{
    size_t width = INDENT;
    for (int i = 0; i < CELLS; i++)
        width += widths[i] ? widths[i] + (i ? GAP : 0) : 0;
    return width;
}

static size_t columns_over(const size_t *widths, size_t width)
{
    size_t columns = table_width(widths);
    return columns > width ? columns - width : 0;
}

static bool fit_by_messages(size_t *widths, size_t width)
{
    size_t over = columns_over(widths, width);
    if (over && widths[CELL_MESSAGE] < over + MESSAGE_LEAST)
        return false;
    widths[CELL_MESSAGE] -= over;
    return true;
}

/* Where it does not fit, the messages are cut, then the bars go, then the messages, and at last the rows are cut. */
static void fit(size_t *widths, size_t width)
{
    if (fit_by_messages(widths, width))
        return;
    widths[CELL_BAR] = 0;
    if (fit_by_messages(widths, width))
        return;
    widths[CELL_MESSAGE] = 0;
    size_t over = columns_over(widths, width);
    if (widths[CELL_ROWS] > over)
        widths[CELL_ROWS] -= over;
}

/* Numbers stand on the right. */
static void add_cell(struct buf *out, const struct buf *cell, enum cell which, size_t width, bool utf8)
{
    bool right = which == CELL_NUMBER || which == CELL_PERCENT;
    if (right)
        buf_pad(out, ' ', width - cell->n);
    columns_pad(out, buf_str(cell), right ? cell->n : width, utf8);
    buf_pad(out, ' ', GAP);
}

static void print_line(struct visits *v, const struct line *line, const size_t *widths, const struct group *g)
{
    BUF_AUTO text = {0};
    buf_pad(&text, ' ', INDENT);
    for (int i = 0; i < CELL_MEANING; i++)
        if (widths[i])
            add_cell(&text, &line->cells[i], (enum cell)i, widths[i], v->app->out.style.utf8);
    buf_adds(&text, buf_str(&line->cells[CELL_MEANING]));
    /* Who it is helps where it is one alone; it is the first to go. */
    const char *id = v->tenants.v[g->first].id;
    if (g->n == 1 && v->tenants.n > 1 &&
        columns_of(buf_str(&text)) + 2 + columns_of(str_from(id)) <= output_width(&v->app->out))
        buf_addf(&text, ": %s", id);
    output_line(&v->app->out, "%s", text.p);
}

static void print_table(struct visits *v, const struct status *s)
{
    struct line *lines = mem_alloc(s->groups.n * sizeof *lines + 1);
    size_t widths[CELLS] = {0};
    for (size_t i = 0; i < s->groups.n; i++) {
        make_line(&lines[i], v, &s->groups.v[i]);
        for (int k = 0; k < CELLS; k++) {
            size_t columns = columns_of(buf_str(&lines[i].cells[k]));
            widths[k] = columns > widths[k] ? columns : widths[k];
        }
    }
    fit(widths, output_width(&v->app->out));
    for (size_t i = 0; i < s->groups.n; i++)
        print_line(v, &lines[i], widths, &s->groups.v[i]);
    for (size_t i = 0; i < s->groups.n; i++)
        for (int k = 0; k < CELLS; k++)
            buf_free(&lines[i].cells[k]);
    free(lines);
}

/* "tenant: 3 databases, head f05c9a2d1b83" */
static void print_title(struct visits *v)
{
    struct revlist heads = graph_real_heads(&v->app->arena, v->graph);
    BUF_AUTO head = {0};
    format_ids(&head, v->graph, &heads);
    output_line(&v->app->out, "%s: %zu database%s, head %s", v->stream->name, v->tenants.n,
                v->tenants.n == 1 ? "" : "s", head.n ? head.p : "<base>");
}

/* "tenant: 9870 at head (9800 known by the ledger), 120 behind, 7 missing, 3 failing" */
static void print_totals(struct visits *v, const struct status *s)
{
    BUF_AUTO text = {0};
    if (v->stream->kind == STREAM_SINGLE)
        return;
    for (int i = 0; i < STANDINGS; i++) {
        size_t n = i == MISSING ? 0 : s->n[i] + (i == ABSENT ? s->n[MISSING] : 0);
        if (n)
            buf_addf(&text, "%s%zu %s%s", text.n ? ", " : "", n, i == AT_HEAD ? "at " : "",
                     standing_word((enum standing)i));
        if (i == AT_HEAD && v->result.known)
            buf_addf(&text, " (%zu known by the ledger)", v->result.known);
    }
    output_line(&v->app->out, "%s: %s", v->stream->name, text.n ? text.p : "nobody");
}

/* ------------------------------------------------------------------------------------------------------ tenants */

static void print_tenant(struct visits *v, const struct status *s, size_t tenant, const size_t *widths)
{
    const struct group *g = &s->groups.v[s->group_of[tenant] - 1];
    const struct tenant_failure *f = g->standing == FAILING ? status_failure(v, tenant) : NULL;
    bool utf8 = v->app->out.style.utf8, terminal = output_is_terminal(&v->app->out);
    BUF_AUTO rows = {0}, text = {0};
    add_rows(&rows, g);
    buf_pad(&text, ' ', INDENT);
    columns_pad(&text, str_from(visits_name(v, v->tenants.v[tenant].id)), widths[0], utf8);
    buf_pad(&text, ' ', GAP);
    columns_pad(&text, buf_str(&rows), widths[1], utf8);
    buf_pad(&text, ' ', GAP);
    describe(&text, g);
    if (f)
        buf_addf(&text, ": %s", f->err.message ? f->err.message : err_fault_name(f->fault));
    BUF_AUTO line = {0};
    columns_cut(&line, buf_str(&text), terminal ? output_width(&v->app->out) : text.n, utf8);
    output_line(&v->app->out, "%s", line.p);
}

static void print_tenants(struct visits *v, const struct status *s)
{
    size_t widths[2] = {0};
    for (size_t i = 0; i < v->tenants.n; i++) {
        size_t columns = columns_of(str_from(visits_name(v, v->tenants.v[i].id)));
        widths[0] = columns > widths[0] ? columns : widths[0];
    }
    for (size_t i = 0; i < s->groups.n; i++) {
        BUF_AUTO rows = {0};
        add_rows(&rows, &s->groups.v[i]);
        size_t columns = columns_of(buf_str(&rows));
        widths[1] = columns > widths[1] ? columns : widths[1];
    }
    for (size_t i = 0; i < v->tenants.n; i++)
        print_tenant(v, s, i, widths);
}

void status_print(struct visits *v, const struct status *s)
{
    print_title(v);
    if (s->group_of)
        print_tenants(v, s);
    print_table(v, s);
    print_totals(v, s);
}
