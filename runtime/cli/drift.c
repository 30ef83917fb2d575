/*
 * drift: do live databases still hold what their revisions build? Each one that stands at the heads is read on one snapshot
 * and held against the fingerprint of its dialect, which the build embedded. A tenant's schema is forgotten with its visit;
 * what is kept are the differences, once for all tenants that differ alike.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/visits.h"
#include "schema/fingerprint.h"
#include "schema/read.h"

enum {
    MOST_KEPT = 1000, /* differences of a group; whatever lost more than that is named well enough */
    MOST_NAMES = 8,   /* tenants on a line, unless -v wants all */
};

enum standing { NOT_VISITED, SAME, DRIFTED, BEHIND, AHEAD, ABSENT, FAILING, STANDINGS };

/* What a visit brings home, in its arena. */
struct seen {
    struct fingerprint_differences differences;
    uint32_t major;
};

struct difference_line {
    enum verdict verdict;
    const char *kind, *name;
};

/* Databases that differ alike. */
struct group {
    uint8_t sum[SHA256_BYTES]; /* over all differences */
    VEC(struct difference_line) lines;
    size_t left_out;
    size_t n;
};

struct drift {
    struct arena arena;
    struct visits *visits;
    struct fingerprint wanted[DIALECT_COUNT];
    VEC(struct group) groups;
    size_t n[STANDINGS];
    uint8_t *standing;       /* beside the list of tenants */
    uint32_t *detail;        /* likewise; DRIFTED: index of the group; BEHIND: revisions pending */
    size_t unsure, n_unsure; /* objects that nobody can tell, and databases that have such */
    uint32_t major;          /* of one of these */
};

/* ---------------------------------------------------------------------------------------------------------- looking */

static bool refuse_unknown(const struct drift *d, const char *what, struct err *e)
{
    const struct stream *stream = d->visits->stream;
    err_set(e, FAULT_CONFIG, "this executable carries no fingerprint of stream \"%s\"%s", stream->name, what);
    err_hint(e, "`migrate-gen %s fingerprint` writes it beside the revisions; then build again", stream->name);
    return false;
}

/*
 * The server's own functions that print an expression lock the table for as long as that takes. Somebody who keeps it to
 * himself is waited for like anybody else's lock: for lock_timeout, and lock_retries times.
 */
struct patient {
    struct db *db;
    const char *timeout; /* NULL: SQLite, where readers wait for nobody */
    bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e);
    void *to;
};

static bool hand_on(void *context, size_t index, const struct db_row *row, struct err *e)
{
    const struct patient *p = context;
    return index == 0 || p->row(p->to, index - 1, row, e);
}

static bool run_patiently(void *context, const char *const *sql, size_t n,
                          bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                          struct err *e)
{
    struct patient *p = context;
    ARENA_AUTO a = {0};
    if (!p->timeout)
        return db_read_many(p->db, sql, n, row, to, e);
    const char **all = ARENA_ARRAY(&a, const char *, n + 1);
    all[0] = p->timeout;
    memcpy(all + 1, sql, n * sizeof *sql);
    p->row = row;
    p->to = to;
    return db_read_many(p->db, all, n + 1, hand_on, p, e);
}

/* Globs are written for the schema that revisions build, and a tenant may be another one. */
static struct strings ignored_in(struct arena *a, const struct fingerprint *wanted, const char *schema)
{
    struct strings all = {0};
    for (size_t i = 0; i < wanted->ignored.n; i++) {
        const char *glob = wanted->ignored.v[i];
        vec_push(a, &all, glob);
        if (schema && str_starts(str_from(glob), STR("public.")))
            vec_push(a, &all, arena_printf(a, "*.%s", glob + strlen("public.")));
    }
    return all;
}

static bool read_schema(const struct drift *d, struct arena *a, struct db *db, const struct place *where,
                        struct catalog *out, struct err *e)
{
    const struct job *job = &d->visits->job;
    struct patient patient = {.db = db};
    struct catalog_source source = {.dialect = db_dialect(db), .context = &patient, .run = run_patiently};
    struct scope scope = {.schema = where->schema, .version_table = job->version_table};
    scope.ignored = ignored_in(a, &d->wanted[source.dialect], where->schema);
    if (source.dialect == DIALECT_POSTGRESQL)
        patient.timeout = arena_printf(a, "SET LOCAL lock_timeout = %" PRId64, job->lock_timeout_ms);
    return catalog_read(a, out, &source, &scope, NAMES_RELATIVE, e);
}

/* From the visiting thread: reads d->wanted alone. */
static bool look(void *context, struct arena *a, struct db *db, const struct place *where, void **out, struct err *e)
{
    const struct drift *d = context;
    enum dialect dialect = db_dialect(db);
    const struct fingerprint *wanted = &d->wanted[dialect];
    struct catalog found = {0};
    struct fingerprint made;
    struct seen *seen = ARENA_NEW(a, struct seen);
    if (!wanted->items)
        return refuse_unknown(d, dialect == DIALECT_SQLITE ? " for SQLite" : " for PostgreSQL", e);
    if (!read_schema(d, a, db, where, &found, e))
        return false;
    fingerprint_of(a, &found, dialect, &wanted->policy, &made);
    fingerprint_compare(a, wanted, &made, where->schema != NULL, &seen->differences);
    seen->major = made.major;
    *out = seen;
    return true;
}

static bool take_fingerprint(struct drift *d, enum dialect dialect, struct err *e)
{
    const struct stream_fingerprint *f = &d->visits->stream->fingerprints[dialect];
    struct fingerprint_flaw flaw;
    if (!f->text)
        return true;
    if (fingerprint_parse(&d->arena, (struct str){(const char *)f->text, f->length}, &d->wanted[dialect], &flaw)) {
        if (!d->wanted[dialect].items)
            d->wanted[dialect].items = ARENA_NEW(&d->arena, struct fingerprint_item);
        return true;
    }
    return err_set(e, FAULT_FAILED, "the embedded fingerprint is broken at line %u: %s", flaw.line, flaw.text);
}

/* Nothing is connected to when there is nothing to hold the databases against. */
static bool take_fingerprints(struct drift *d, struct err *e)
{
    bool any = false;
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
        if (!take_fingerprint(d, (enum dialect)dialect, e))
            return false;
        any |= d->wanted[dialect].items != NULL;
    }
    return any || refuse_unknown(d, "", e);
}

/* --------------------------------------------------------------------------------------------------------- grouping */

static void sum_differences(const struct fingerprint_differences *list, uint8_t out[SHA256_BYTES])
{
    struct hash *h = hash_new();
    for (size_t i = 0; i < list->n; i++) {
        BUF_AUTO line = {0};
        fingerprint_describe(&line, &list->v[i]);
        hash_add_piece(h, line.p, line.n);
    }
    hash_finish(h, out);
}

static struct group make_group(struct arena *a, const struct fingerprint_differences *list)
{
    struct group group = {0};
    for (size_t i = 0; i < list->n && i < MOST_KEPT; i++) {
        const struct fingerprint_item *item = list->v[i].item;
        vec_push(a, &group.lines,
                 (struct difference_line){list->v[i].verdict, arena_str(a, item->kind), arena_str(a, item->name)});
    }
    group.left_out = list->n - group.lines.n;
    return group;
}

static size_t group_of(struct drift *d, const struct fingerprint_differences *list)
{
    uint8_t sum[SHA256_BYTES];
    size_t i = 0;
    sum_differences(list, sum);
    while (i < d->groups.n && memcmp(d->groups.v[i].sum, sum, sizeof sum) != 0)
        i++;
    if (i == d->groups.n) {
        struct group group = make_group(&d->arena, list);
        memcpy(group.sum, sum, sizeof sum);
        vec_push(&d->arena, &d->groups, group);
    }
    d->groups.v[i].n++;
    return i;
}

static enum standing standing_of(const struct outcome *o)
{
    const struct seen *seen = o->seen;
    if (o->skipped)
        return ABSENT;
    if (o->ahead || o->err.fault == FAULT_AHEAD)
        return AHEAD;
    if (o->err.fault)
        return FAILING;
    if (!o->at_head || !seen)
        return BEHIND;
    return seen->differences.n ? DRIFTED : SAME;
}

static void sort_in(struct visits *v, const struct tenant *t, const struct place *where, const struct outcome *o)
{
    struct drift *d = v->context;
    const struct seen *seen = o->seen;
    size_t tenant = (size_t)(t - v->tenants.v);
    enum standing standing = standing_of(o);
    (void)where;
    d->standing[tenant] = (uint8_t)standing;
    d->n[standing]++;
    if (standing == BEHIND)
        d->detail[tenant] = (uint32_t)o->pending;
    if (standing == DRIFTED)
        d->detail[tenant] = (uint32_t)group_of(d, &seen->differences);
    if ((standing == DRIFTED || standing == SAME) && seen->differences.unsure) {
        d->unsure += seen->differences.unsure;
        d->n_unsure++;
        d->major = seen->major;
    }
}

/* ------------------------------------------------------------------------------------------------------------- text */

static bool is_in(const struct drift *d, size_t tenant, enum standing standing, size_t detail)
{
    return d->standing[tenant] == standing && (standing != DRIFTED || d->detail[tenant] == detail);
}

/* "acme, globex, initech and 9 more"; those that are behind with how far. */
static void add_names(struct buf *out, const struct drift *d, enum standing standing, size_t detail, size_t n)
{
    const struct visits *v = d->visits;
    size_t most = v->app->out.verbosity ? n : MOST_NAMES, named = 0;
    for (size_t i = 0; i < v->tenants.n && named < most; i++) {
        if (!is_in(d, i, standing, detail))
            continue;
        buf_addf(out, "%s%s", named++ ? ", " : "", visits_name(v, v->tenants.v[i].id));
        if (standing == BEHIND)
            buf_addf(out, " (%u pending)", d->detail[i]);
    }
    if (named < n)
        buf_addf(out, " and %zu more", n - named);
}

static const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {
        [VERDICT_MISSING] = "missing", [VERDICT_UNEXPECTED] = "unexpected", [VERDICT_DIFFERENT] = "changed"};
    return words[verdict];
}

static void print_group(const struct drift *d, size_t index)
{
    struct output *out = &d->visits->app->out;
    const struct group *g = &d->groups.v[index];
    BUF_AUTO names = {0};
    add_names(&names, d, DRIFTED, index, g->n);
    output_line(out, "%s%s:", names.p, g->n > 1 ? " differ alike" : " differs");
    for (size_t i = 0; i < g->lines.n; i++)
        output_line(out, "  %s %s %s", verdict_word(g->lines.v[i].verdict), g->lines.v[i].kind, g->lines.v[i].name);
    if (g->left_out)
        output_line(out, "  and %zu more", g->left_out);
}

static void print_not_compared(const struct drift *d, enum standing standing, const char *why)
{
    BUF_AUTO names = {0};
    if (!d->n[standing])
        return;
    add_names(&names, d, standing, 0, d->n[standing]);
    output_line(&d->visits->app->out, "not compared, %s: %s", why, names.p);
}

/* "tenant: 9870 without drift, 3 with, 120 behind, 7 failing" */
static void print_totals(const struct drift *d)
{
    static const char *const words[STANDINGS] = {"not visited", "without drift", "with drift", "behind",
                                                 "ahead",       "missing",       "failing"};
    static const enum standing order[] = {SAME, DRIFTED, BEHIND, AHEAD, ABSENT, FAILING, NOT_VISITED};
    BUF_AUTO text = {0};
    if (d->visits->stream->kind == STREAM_SINGLE) {
        if (d->n[SAME])
            output_line(&d->visits->app->out, "%s: no drift", d->visits->stream->name);
        return;
    }
    for (size_t i = 0; i < STANDINGS; i++)
        if (d->n[order[i]])
            buf_addf(&text, "%s%zu %s", text.n ? ", " : "", d->n[order[i]], words[order[i]]);
    output_line(&d->visits->app->out, "%s: %s", d->visits->stream->name, text.n ? text.p : "nobody");
}

static void tell_unsure(const struct drift *d)
{
    if (d->n_unsure)
        output_talk(
            &d->visits->app->out, TALK_WARNING,
            "%zu object%s in %zu database%s: PostgreSQL %u prints them differently from PostgreSQL %u, which the "
            "fingerprint was made with; of these only types were compared",
            d->unsure, d->unsure == 1 ? "" : "s", d->n_unsure, d->n_unsure == 1 ? "" : "s", d->major,
            d->wanted[DIALECT_POSTGRESQL].major);
}

static void print(const struct drift *d)
{
    for (size_t i = 0; i < d->groups.n; i++)
        print_group(d, i);
    print_not_compared(d, BEHIND, "behind");
    print_not_compared(d, AHEAD, "ahead of this executable");
    print_totals(d);
}

/* ------------------------------------------------------------------------------------------------------------- JSON */

static void json_differences(struct json *j, const struct group *g)
{
    json_key(j, "differences");
    json_array(j);
    for (size_t i = 0; i < g->lines.n; i++) {
        json_object(j);
        json_put_text(j, "verdict", verdict_word(g->lines.v[i].verdict));
        json_put_text(j, "kind", g->lines.v[i].kind);
        json_put_text(j, "object", g->lines.v[i].name);
        json_end_object(j);
    }
    json_end_array(j);
    json_put_int(j, "left_out", (int64_t)g->left_out);
}

static void json_groups(struct json *j, const struct drift *d)
{
    const struct visits *v = d->visits;
    json_key(j, "groups");
    json_array(j);
    for (size_t g = 0; g < d->groups.n; g++) {
        json_object(j);
        json_put_int(j, "databases", (int64_t)d->groups.v[g].n);
        json_key(j, "tenants");
        json_array(j);
        for (size_t i = 0; i < v->tenants.n; i++)
            if (is_in(d, i, DRIFTED, g))
                json_text(j, v->tenants.v[i].id);
        json_end_array(j);
        json_differences(j, &d->groups.v[g]);
        json_end_object(j);
    }
    json_end_array(j);
}

static void json_not_compared(struct json *j, const struct drift *d)
{
    const struct visits *v = d->visits;
    json_key(j, "not_compared");
    json_array(j);
    for (size_t i = 0; i < v->tenants.n; i++) {
        if (d->standing[i] != BEHIND && d->standing[i] != AHEAD)
            continue;
        json_object(j);
        json_put_text(j, "tenant", v->tenants.v[i].id);
        json_put_text(j, "standing", d->standing[i] == BEHIND ? "behind" : "ahead");
        json_put_int(j, "pending", d->detail[i]);
        json_end_object(j);
    }
    json_end_array(j);
}

static void json_heads(struct json *j, const struct visits *v)
{
    struct revlist heads = graph_real_heads(&v->app->arena, v->graph);
    json_key(j, "heads");
    json_array(j);
    for (size_t i = 0; i < heads.n; i++)
        json_text(j, graph_revision(v->graph, heads.v[i])->id);
    json_end_array(j);
}

static void add_item(const struct drift *d, int exit_code)
{
    const struct visits *v = d->visits;
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    if (!v->app->out.json)
        return;
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    json_heads(&j, v);
    json_put_int(&j, "databases", (int64_t)v->tenants.n);
    json_put_int(&j, "same", (int64_t)d->n[SAME]);
    json_put_int(&j, "drifted", (int64_t)d->n[DRIFTED]);
    json_put_int(&j, "behind", (int64_t)d->n[BEHIND]);
    json_put_int(&j, "ahead", (int64_t)d->n[AHEAD]);
    json_put_int(&j, "absent", (int64_t)d->n[ABSENT]);
    json_put_int(&j, "failing", (int64_t)d->n[FAILING]);
    json_put_int(&j, "not_started", (int64_t)d->n[NOT_VISITED]);
    json_put_int(&j, "unsure", (int64_t)d->unsure);
    json_groups(&j, d);
    json_not_compared(&j, d);
    visits_json_failures(&j, v);
    json_put_int(&j, "exit_code", exit_code);
    json_end_object(&j);
    app_add_item(v->app, buf_str(&object));
}

/* ---------------------------------------------------------------------------------------------------------- command */

/* Groups were met in the order in which visits ended; they are shown in the order of their first tenants. */
static void sort_groups(struct drift *d)
{
    uint32_t *place = ARENA_ARRAY(&d->arena, uint32_t, d->groups.n);
    struct group *sorted = ARENA_ARRAY(&d->arena, struct group, d->groups.n);
    uint32_t next = 0;
    for (size_t i = 0; i < d->visits->tenants.n; i++) {
        if (d->standing[i] != DRIFTED)
            continue;
        uint32_t *of = &place[d->detail[i]];
        if (!*of) {
            sorted[next] = d->groups.v[d->detail[i]];
            *of = ++next;
        }
        d->detail[i] = *of - 1;
    }
    d->groups.v = sorted;
}

static int answer(struct drift *d)
{
    struct visits *v = d->visits;
    int status = visits_status(v);
    d->n[NOT_VISITED] = v->result.not_started;
    sort_groups(d);
    if (d->n[BEHIND])
        status = exit_worse(status, EXIT_PENDING);
    if (d->n[DRIFTED])
        status = exit_worse(status, EXIT_CONFLICT);
    if (!v->app->out.json)
        print(d);
    add_item(d, status);
    tell_unsure(d);
    visits_report(v);
    return status;
}

static bool prepare(struct app *app, const struct stream *stream, struct visits *v, struct drift *d, struct err *e)
{
    if (!visits_prepare(app, stream, JOB_READ, v, e))
        return false;
    d->visits = v;
    if (!take_fingerprints(d, e) || !visits_list(v, false, e))
        return false;
    d->standing = ARENA_ARRAY(&d->arena, uint8_t, v->tenants.n);
    d->detail = ARENA_ARRAY(&d->arena, uint32_t, v->tenants.n);
    v->job.look = look;
    v->job.look_context = d;
    v->each = sort_in;
    v->context = d;
    v->progress = true;
    return true;
}

static int drift_of(struct app *app, const struct stream *stream, void *context)
{
    struct visits v = {0};
    struct drift d = {0};
    AUTO_ERR e = {0};
    (void)context;
    int status = prepare(app, stream, &v, &d, &e) && visits_run(&v, &e) ? answer(&d) : app_fail(app, &e);
    arena_free(&d.arena);
    visits_free(&v);
    return status;
}

static int run_drift(struct app *app)
{
    int status = app_each_stream(app, (struct each){0}, drift_of, NULL);
    app_answer_streams(app, status);
    return status;
}

static const char *const drift_examples[] = {
    "all drift",
    "0: every database holds what its revisions build, 5: some differ",
    "tenant drift --tenant acme",
    "what is different in one tenant",
    NULL,
};

const struct command command_drift = {
    .name = "drift",
    .operands = "",
    .flags = COMMAND_STREAM | COMMAND_VISITS,
    .help = "exit 5 when databases hold something else than their revisions build",
    .more =
        "Each database at the heads is compared with the fingerprint that `migrate-gen STREAM fingerprint` wrote and "
        "the build embedded: objects that are missing, unexpected or changed are listed, once for all tenants that "
        "differ alike. Nothing is written, and a role that may read the catalogs is enough. A database that is behind "
        "is not compared, and exits 3; one that is ahead, 5.",
    .examples = drift_examples,
    .run = run_drift,
};
