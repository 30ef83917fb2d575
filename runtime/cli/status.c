/* status: a fleet at a glance. How many databases stand where, and how far behind the heads that is. */
#include <stdlib.h>
#include <string.h>

#include "cli/status.h"

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

const struct tenant_failure *status_failure(const struct visits *v, size_t tenant)
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

/* --------------------------------------------------------------------------------------------------------- JSON */

static const char *standing_name(enum standing standing)
{
    static const char *const names[] = {"at_head", "behind",  "edited",  "ahead",      "diverged",
                                        "absent",  "missing", "failing", "not_started"};
    return names[standing];
}

static void json_groups(struct json *j, const struct visits *v, const struct status *s)
{
    json_key(j, "groups");
    json_array(j);
    for (size_t i = 0; i < s->groups.n; i++) {
        const struct group *g = &s->groups.v[i];
        BUF_AUTO message = {0};
        status_messages(&message, v, g);
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
        const struct tenant_failure *f = status_failure(v, i);
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
    if (!v->app->out.json)
        status_print(v, s);
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
    v.asks_ledger = true;
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
