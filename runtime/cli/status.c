/* status: a fleet at a glance. How many databases stand where, and how far behind the heads that is. */
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/visits.h"

enum standing { AT_HEAD, BEHIND, EDITED, AHEAD, DIVERGED, ABSENT };

/* Databases with the same version rows. */
struct group {
    struct strings rows;
    enum standing standing;
    size_t pending, n;
    const char *example; /* one tenant's id */
};

struct status {
    struct arena arena;
    VEC(struct group) groups;
    size_t by_standing[ABSENT + 1];
};

static enum standing standing_of(const struct outcome *o)
{
    if (o->skipped)
        return ABSENT;
    if (o->ahead || o->err.fault == FAULT_AHEAD)
        return AHEAD;
    if (o->err.fault == FAULT_DIVERGED)
        return DIVERGED;
    for (size_t i = 0; i < o->findings.n; i++)
        if (history_blocks(o->findings.v[i].kind))
            return EDITED;
    return o->at_head ? AT_HEAD : BEHIND;
}

static void sort_in(struct visits *v, const struct tenant *t, const struct place *where, const struct outcome *outcome)
{
    struct status *s = v->context;
    enum standing standing = standing_of(outcome);
    (void)where;
    if (outcome->err.fault && standing != AHEAD && standing != DIVERGED)
        return;
    s->by_standing[standing]++;
    for (size_t i = 0; i < s->groups.n; i++)
        if (s->groups.v[i].standing == standing && strings_equal(&s->groups.v[i].rows, &outcome->rows)) {
            s->groups.v[i].n++;
            return;
        }
    struct group group = {.standing = standing, .pending = outcome->pending, .n = 1, .example = t->id};
    for (size_t i = 0; i < outcome->rows.n; i++)
        vec_push(&s->arena, &group.rows, arena_strdup(&s->arena, outcome->rows.v[i]));
    vec_push(&s->arena, &s->groups, group);
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

static const char *standing_name(enum standing standing)
{
    static const char *const names[] = {"at_head", "behind", "edited", "ahead", "diverged", "absent"};
    return names[standing];
}

static void describe_group(struct buf *out, const struct group *g)
{
    switch (g->standing) {
    case AT_HEAD:
        buf_addz(out, " (head)");
        break;
    case BEHIND:
        buf_addf(out, ", %zu behind", g->pending);
        break;
    case EDITED:
        buf_addz(out, ", where an applied revision was edited since");
        break;
    case AHEAD:
        buf_addz(out, ", ahead of this executable");
        break;
    case DIVERGED:
        buf_addz(out, ", unknown to this executable");
        break;
    case ABSENT:
        buf_addz(out, ", the database does not exist");
        break;
    }
}

static void print_text(struct visits *v, const struct status *s)
{
    struct output *out = &v->app->out;
    struct revlist heads = graph_real_heads(&v->app->arena, v->graph);
    BUF_AUTO head = {0};
    format_ids(&head, v->graph, &heads);
    output_line(out, "%s: %zu database%s, head %s", v->stream->name, v->tenants.n, v->tenants.n == 1 ? "" : "s",
                head.n ? head.p : "<base>");
    for (size_t i = 0; i < s->groups.n; i++) {
        const struct group *g = &s->groups.v[i];
        BUF_AUTO line = {0};
        format_rows(&line, &g->rows);
        describe_group(&line, g);
        if (g->n == 1 && g->example && v->tenants.n > 1)
            buf_addf(&line, ": %s", g->example);
        output_line(out, "%8zu  %s", g->n, line.p);
    }
    if (v->result.failed > s->by_standing[AHEAD] + s->by_standing[DIVERGED])
        output_line(out, "%8zu  failing", v->result.failed - s->by_standing[AHEAD] - s->by_standing[DIVERGED]);
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
    for (int i = AT_HEAD; i <= ABSENT; i++)
        json_put_int(&j, standing_name((enum standing)i), (int64_t)s->by_standing[i]);
    json_put_int(&j, "failed", (int64_t)v->result.failed);
    json_key(&j, "groups");
    json_array(&j);
    for (size_t i = 0; i < s->groups.n; i++) {
        json_object(&j);
        json_put_strings(&j, "rows", &s->groups.v[i].rows);
        json_put_text(&j, "standing", standing_name(s->groups.v[i].standing));
        json_put_int(&j, "pending", (int64_t)s->groups.v[i].pending);
        json_put_int(&j, "databases", (int64_t)s->groups.v[i].n);
        json_put_text(&j, "example", s->groups.v[i].example);
        json_end_object(&j);
    }
    json_end_array(&j);
    visits_json_failures(&j, v);
    json_put_int(&j, "exit_code", exit_code);
    json_end_object(&j);
    app_add_item(v->app, buf_str(&object));
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
    v.each = sort_in;
    v.context = &s;
    v.progress = true;
    int status = EXIT_FAILED;
    if (!visits_run(&v, &e)) {
        status = app_fail(app, &e);
    } else {
        status = visits_status(&v);
        if (s.by_standing[EDITED])
            status = exit_worse(status, EXIT_CONFLICT);
        if (s.groups.n)
            qsort(s.groups.v, s.groups.n, sizeof *s.groups.v, compare_groups);
        print_text(&v, &s);
        add_item(&v, &s, status);
        visits_report(&v);
    }
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
    "tenant status", "how many tenants stand at which revision", "all status --json", "for a dashboard", NULL,
};

const struct command command_status = {
    .name = "status",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "how many databases stand at which revision",
    .more = "Being behind is no failure here; `check` has exit codes for that.",
    .examples = status_examples,
    .run = run_status,
};
