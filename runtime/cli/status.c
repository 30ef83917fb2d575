/* status: a fleet at a glance. How many databases stand where, and how far behind the heads that is. */
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/visits.h"
#include "tool/columns.h"

/* The last four have no version rows. Absent: missing, and skipped for that; missing: a failure. */
enum standing { AT_HEAD, BEHIND, EDITED, AHEAD, DIVERGED, ABSENT, MISSING, FAILING, NOT_STARTED, STANDINGS };

/* Databases with the same version rows. */
struct group {
    struct strings rows;
    enum standing standing;
    size_t pending, n;
    size_t first; /* the first of them in the list, as an example */
};

struct status {
    struct arena arena;
    VEC(struct group) groups;
    size_t n[STANDINGS];
    uint32_t
        *group_of; /* beside the list of tenants: 1 + the index of its group; 0: not visited. NULL without --tenants */
};

/* ------------------------------------------------------------------------------------------------------ sorting in */

static enum standing standing_of(const struct outcome *o)
{
    if (o->skipped)
        return ABSENT;
    if (o->ahead || o->err.fault == FAULT_AHEAD)
        return AHEAD;
    if (o->err.fault == FAULT_DIVERGED)
        return DIVERGED;
    if (o->err.fault)
        return o->err.fault == FAULT_MISSING ? MISSING : FAILING;
    for (size_t i = 0; i < o->findings.n; i++)
        if (history_blocks(o->findings.v[i].kind))
            return EDITED;
    return o->at_head ? AT_HEAD : BEHIND;
}

/* The index of the group that a database belongs to; it is counted there. */
static size_t count(struct status *s, enum standing standing, const struct strings *rows, size_t pending, size_t tenant)
{
    s->n[standing]++;
    for (size_t i = 0; i < s->groups.n; i++)
        if (s->groups.v[i].standing == standing && strings_equal(&s->groups.v[i].rows, rows)) {
            s->groups.v[i].n++;
            if (tenant < s->groups.v[i].first)
                s->groups.v[i].first = tenant;
            return i;
        }
    struct group group = {.standing = standing, .pending = pending, .n = 1, .first = tenant};
    for (size_t i = 0; i < rows->n; i++)
        vec_push(&s->arena, &group.rows, arena_strdup(&s->arena, rows->v[i]));
    vec_push(&s->arena, &s->groups, group);
    return s->groups.n - 1;
}

static void sort_in(struct visits *v, const struct tenant *t, const struct place *where, const struct outcome *outcome)
{
    struct status *s = v->context;
    enum standing standing = standing_of(outcome);
    (void)where;
    size_t tenant = (size_t)(t - v->tenants.v);
    bool stands = standing < ABSENT;
    size_t group = count(s, standing, stands ? &outcome->rows : &(struct strings){0}, stands ? outcome->pending : 0,
                         tenant);
    if (s->group_of)
        s->group_of[tenant] = (uint32_t)group + 1;
}

/* Those that the ledger vouches for stand at the heads; whom nobody came to stands nowhere. */
static void sort_in_unvisited(struct visits *v, struct status *s)
{
    struct revlist heads = graph_real_heads(&v->app->arena, v->graph);
    struct strings rows = {0};
    for (size_t i = 0; i < heads.n; i++)
        vec_push(&s->arena, &rows, graph_revision(v->graph, heads.v[i])->id);
    strings_sort(&rows);
    for (size_t i = 0; i < v->tenants.n; i++) {
        bool known = v->result.states[i] == TENANT_KNOWN;
        if (!known && v->result.states[i] != TENANT_NOT_STARTED)
            continue;
        size_t group = count(s, known ? AT_HEAD : NOT_STARTED, known ? &rows : &(struct strings){0}, 0, i);
        if (s->group_of)
            s->group_of[i] = (uint32_t)group + 1;
    }
}

/* The most advanced first; a fixed order whatever came in first. */
static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->standing != y->standing)
        return (int)x->standing - (int)y->standing;
    if (x->pending != y->pending)
        return x->pending < y->pending ? -1 : 1;
    for (size_t i = 0; i < x->rows.n && i < y->rows.n; i++) {
        int order = strcmp(x->rows.v[i], y->rows.v[i]);
        if (order)
            return order;
    }
    return (x->rows.n > y->rows.n) - (x->rows.n < y->rows.n);
}

/* -------------------------------------------------------------------------------------------------------- words */

/* As in JSON. */
static const char *standing_name(enum standing standing)
{
    static const char *const names[] = {"at_head", "behind",  "edited",  "ahead",      "diverged",
                                        "absent",  "missing", "failing", "not_started"};
    return names[standing];
}

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

/* The messages of the rows that this executable knows. */
static void add_messages(struct buf *out, const struct visits *v, const struct group *g)
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
    add_messages(&out->cells[CELL_MESSAGE], v, g);
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

static const struct tenant_failure *failure_of(const struct visits *v, size_t tenant)
{
    size_t from = 0, to = v->result.n_failures;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (v->result.failures[middle].tenant < tenant)
            from = middle + 1;
        else
            to = middle;
    }
    return from < v->result.n_failures && v->result.failures[from].tenant == tenant ? &v->result.failures[from] : NULL;
}

static void print_tenant(struct visits *v, const struct status *s, size_t tenant, const size_t *widths)
{
    const struct group *g = &s->groups.v[s->group_of[tenant] - 1];
    const struct tenant_failure *f = g->standing == FAILING ? failure_of(v, tenant) : NULL;
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

/* --------------------------------------------------------------------------------------------------------- JSON */

static void json_groups(struct json *j, const struct visits *v, const struct status *s)
{
    json_key(j, "groups");
    json_array(j);
    for (size_t i = 0; i < s->groups.n; i++) {
        const struct group *g = &s->groups.v[i];
        BUF_AUTO message = {0};
        add_messages(&message, v, g);
        json_object(j);
        json_put_strings(j, "rows", &g->rows);
        json_put_text(j, "message", message.n ? message.p : NULL);
        json_put_text(j, "standing", standing_name(g->standing));
        json_put_int(j, "pending", (int64_t)g->pending);
        json_put_int(j, "databases", (int64_t)g->n);
        json_put_text(j, "example", v->tenants.v[g->first].id);
        json_end_object(j);
    }
    json_end_array(j);
}

static void json_tenants(struct json *j, const struct visits *v, const struct status *s)
{
    json_key(j, "tenants");
    json_array(j);
    for (size_t i = 0; i < v->tenants.n; i++) {
        const struct group *g = &s->groups.v[s->group_of[i] - 1];
        const struct tenant_failure *f = failure_of(v, i);
        json_object(j);
        json_put_text(j, "tenant", v->tenants.v[i].id);
        json_put_strings(j, "rows", &g->rows);
        json_put_text(j, "standing", standing_name(g->standing));
        json_put_int(j, "pending", (int64_t)g->pending);
        if (f) {
            json_key(j, "error");
            json_object(j);
            output_error_members(j, &f->err);
            json_end_object(j);
        }
        json_end_object(j);
    }
    json_end_array(j);
}

static void add_item(struct visits *v, const struct status *s, int exit_code)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    struct revlist heads = graph_real_heads(&v->app->arena, v->graph);
    if (!v->app->out.json)
        return;
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    json_key(&j, "heads");
    json_array(&j);
    for (size_t i = 0; i < heads.n; i++)
        json_text(&j, graph_revision(v->graph, heads.v[i])->id);
    json_end_array(&j);
    json_put_int(&j, "databases", (int64_t)v->tenants.n);
    for (int i = 0; i < STANDINGS; i++)
        json_put_int(&j, standing_name((enum standing)i), (int64_t)s->n[i]);
    json_put_int(&j, "failed", (int64_t)v->result.failed);
    json_put_int(&j, "known", (int64_t)v->result.known);
    json_groups(&j, v, s);
    if (s->group_of)
        json_tenants(&j, v, s);
    visits_json_failures(&j, v);
    json_put_int(&j, "exit_code", exit_code);
    json_end_object(&j);
    app_add_item(v->app, buf_str(&object));
}

/* ------------------------------------------------------------------------------------------------------ command */

/* Groups move when they are sorted, and tenants follow theirs. */
static void sort_groups(struct status *s, size_t n_tenants)
{
    struct group *before = s->groups.v;
    size_t n = s->groups.n;
    if (!n)
        return;
    struct group *after = mem_alloc(n * sizeof *after);
    uint32_t *place = mem_alloc(n * sizeof *place);
    memcpy(after, before, n * sizeof *after);
    qsort(after, n, sizeof *after, compare_groups);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (compare_groups(&before[i], &after[k]) == 0)
                place[i] = (uint32_t)k;
    for (size_t i = 0; s->group_of && i < n_tenants; i++)
        s->group_of[i] = place[s->group_of[i] - 1] + 1;
    memcpy(before, after, n * sizeof *before);
    free(place);
    free(after);
}

static int answer(struct visits *v, struct status *s)
{
    int status = visits_status(v);
    sort_in_unvisited(v, s);
    sort_groups(s, v->tenants.n);
    if (s->n[EDITED])
        status = exit_worse(status, EXIT_CONFLICT);
    print_title(v);
    if (s->group_of && !v->app->out.json)
        print_tenants(v, s);
    print_table(v, s);
    print_totals(v, s);
    add_item(v, s, status);
    visits_report(v);
    return status;
}

static int status_of(struct app *app, const struct stream *stream, void *context)
{
    struct visits v;
    struct status s = {0};
    AUTO_ERR e = {0};
    (void)context;
    if (!visits_prepare(app, stream, JOB_READ, &v, &e) || !visits_list(&v, false, &e)) {
        visits_free(&v);
        return app_fail(app, &e);
    }
    if (call_has(&app->call, "tenants"))
        s.group_of = ARENA_ARRAY(&s.arena, uint32_t, v.tenants.n);
    v.each = sort_in;
    v.context = &s;
    v.progress = true;
    v.may_know = true;
    int status = visits_run(&v, &e) ? answer(&v, &s) : app_fail(app, &e);
    arena_free(&s.arena);
    visits_free(&v);
    return status;
}

static int run_status(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, status_of, NULL);
    app_answer_streams(app, status);
    return status;
}

static const char *const status_examples[] = {
    "tenant status",
    "how many tenants stand at which revision",
    "tenant status --tenants",
    "where each of them stands",
    "all status --json",
    "for a dashboard",
    NULL,
};

const struct command command_status = {
    .name = "status",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "how many databases stand at which revision",
    .more = "Being behind is no failure here; `check` has exit codes for that. With ledger = trust a tenant that "
            "migrate_ledger knows is not visited; --no-ledger visits everybody.",
    .examples = status_examples,
    .run = run_status,
};
