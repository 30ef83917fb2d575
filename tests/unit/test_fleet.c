/* Fleets over SQLite files: the list of tenants, many workers, failures that stay alone, exit codes. limit: 600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "run/fleet.h"
#include "visits.h"

#define N(list) (sizeof(list) / sizeof(list)[0])

static const struct built v1[] = {
    {.id = "a1", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
    {.id = "b1",
     .down = "a1",
     .up_sql = "INSERT INTO t SELECT migrate_setting('tenant_id');",
     .down_sql = "DELETE FROM t;"},
    {.id = "c1", .down = "b1", .up_sql = "CREATE TABLE v (x);", .down_sql = "DROP TABLE v;"},
};

/* ------------------------------------------------------------------------------------------------- the list of tenants */

#define QUERY "SELECT * FROM tenants ORDER BY tenant_id"

static bool read_tenants(struct scene *s, const char *query, struct tenant_list *list, struct err *e)
{
    tenants_free(list);
    err_free(e);
    return tenants_read(&s->job, &s->place, query, list, e);
}

static void tenants_are_read_with_all_columns(void **state)
{
    (void)state;
    struct scene s;
    struct tenant_list list = {0};
    AUTO_ERR e = {0};
    scene_begin(&s, v1, 3);
    scene_says(&s, "CREATE TABLE tenants (tenant_id TEXT, database_url TEXT, region TEXT);"
                   "INSERT INTO tenants VALUES ('b', NULL, 'eu'), ('a', 'sqlite:///a.db', NULL), ('c', '', '')");
    assert_true(read_tenants(&s, QUERY, &list, &e));
    assert_int_equal(list.n, 3);
    assert_string_equal(strings_text(&s, &list.columns), "tenant_id,database_url,region");
    assert_string_equal(list.v[0].id, "a");
    assert_string_equal(list.v[0].url, "sqlite:///a.db");
    assert_null(list.v[0].values[2]);
    assert_null(list.v[1].url);
    assert_string_equal(list.v[1].values[2], "eu");
    assert_null(list.v[2].url);
    assert_string_equal(list.v[2].values[1], "");
    assert_null(list.v[2].schema);
    tenants_free(&list);
    assert_true(read_tenants(&s, "SELECT tenant_id, 'x' AS schema FROM tenants WHERE 0", &list, &e));
    assert_int_equal(list.n, 0);
    assert_true(read_tenants(&s, "SELECT tenant_id, 'x' AS schema FROM tenants WHERE tenant_id = 'a'", &list, &e));
    assert_string_equal(list.v[0].schema, "x");
    tenants_free(&list);
    scene_end(&s);
}

static void a_bad_list_is_refused(void **state)
{
    (void)state;
    struct scene s;
    struct tenant_list list = {0};
    AUTO_ERR e = {0};
    scene_begin(&s, v1, 3);
    assert_false(read_tenants(&s, QUERY, &list, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.hint, "it lists the tenants; run `migrate tenant head` first");
    scene_says(&s, "CREATE TABLE other (x)");
    assert_false(read_tenants(&s, QUERY, &list, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_non_null(strstr(e.message, "the list of tenants cannot be read: "));
    assert_string_equal(e.hint, "run `migrate tenant head` first");
    assert_false(read_tenants(&s, "SELECT 'a' AS id, 'b' AS url", &list, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.message, "tenants_query gives no column tenant_id");
    assert_string_equal(e.detail, "its columns are: id, url");
    assert_false(read_tenants(&s, "SELECT 'a' AS tenant_id UNION ALL SELECT NULL", &list, &e));
    assert_string_equal(e.message, "row 2 of tenants_query has no tenant_id");
    assert_false(read_tenants(&s, "SELECT '' AS tenant_id", &list, &e));
    assert_string_equal(e.message, "row 1 of tenants_query has no tenant_id");
    assert_false(read_tenants(&s, "VALUES ('b'), ('a'), ('b')", &list, &e));
    assert_string_equal(e.message, "tenants_query gives no column tenant_id");
    assert_false(read_tenants(&s, "SELECT column1 AS tenant_id FROM (VALUES ('b'), ('a'), ('b'))", &list, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.message, "tenants_query lists tenant \"b\" twice");
    assert_false(read_tenants(&s, "SELECT nonsense", &list, &e));
    assert_non_null(strstr(e.message, "tenants_query: "));
    assert_int_equal(list.n, 0);
    scene_end(&s);
}

static void a_filter_keeps_those_that_are_named(void **state)
{
    (void)state;
    struct scene s;
    struct tenant_list list = {0};
    AUTO_ERR e = {0};
    scene_begin(&s, v1, 3);
    scene_says(&s, "CREATE TABLE other (x)");
    assert_true(read_tenants(&s, "SELECT column1 AS tenant_id FROM (VALUES ('acme'), ('bolt'), ('corp'))", &list, &e));
    struct strings only = {0};
    assert_true(tenants_choose(&list, &(struct choice){.has_only = only.n > 0, .only = only}, &e));
    assert_int_equal(list.n, 3);
    vec_push(&s.a, &only, "acne");
    assert_false(tenants_choose(&list, &(struct choice){.has_only = only.n > 0, .only = only}, &e));
    assert_int_equal(e.fault, FAULT_USAGE);
    assert_string_equal(e.message, "no tenant \"acne\"");
    assert_string_equal(e.hint, "did you mean \"acme\"?");
    only.v[0] = "";
    assert_false(tenants_choose(&list, &(struct choice){.has_only = only.n > 0, .only = only}, &e));
    assert_string_equal(e.message, "the id of a tenant is empty");
    assert_int_equal(list.n, 3);
    only.v[0] = "corp";
    vec_push(&s.a, &only, "acme");
    vec_push(&s.a, &only, "corp");
    err_free(&e);
    assert_true(tenants_choose(&list, &(struct choice){.has_only = only.n > 0, .only = only}, &e));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.v[0].id, "acme");
    assert_string_equal(list.v[1].id, "corp");
    only.v[0] = "bolt";
    assert_false(tenants_choose(&list, &(struct choice){.has_only = only.n > 0, .only = only}, &e));
    assert_null(e.hint);
    tenants_free(&list);
    assert_false(tenants_choose(&list, &(struct choice){.has_only = only.n > 0, .only = only}, &e));
    scene_end(&s);
}

/* ------------------------------------------------------------------------------------------------------------- fleets */

struct yard {
    struct scene s;
    struct tenant_list list;
    struct addresser addresser;
    struct fleet_options options;
    struct fleet_result result;
    struct buf order; /* ids in the order of completion */
    size_t done;
    struct stop *stop_after_first;
    struct stop *stop_after_files; /* and after so many */
    size_t files;
    const char *port; /* of the server where "pg…" live */
    pthread_mutex_t mutex;
    struct buf events;          /* "+id" as an address is made, "-id" as a visit ends */
    size_t asked;               /* how often known() was */
    size_t doubts;              /* how often doubts() was */
    bool doubtful;              /* what it said */
    bool telling;               /* done() or moved() is at work */
    struct fleet_counts counts; /* the last ones */
    size_t most_running;
};

static void yard_event(struct yard *y, char what, const char *id)
{
    pthread_mutex_lock(&y->mutex);
    buf_addf(&y->events, "%c%s ", what, id);
    pthread_mutex_unlock(&y->mutex);
}

static void postgresql_place(struct yard *y, struct arena *a, struct place *out)
{
    out->address.dialect = DIALECT_POSTGRESQL;
    address_set(a, &out->address, "host", "127.0.0.1");
    address_set(a, &out->address, "port", y->port);
    address_set(a, &out->address, "user", "app");
    address_set(a, &out->address, "dbname", "any");
    address_set(a, &out->address, "sslmode", "disable");
}

/*
 * Tenants whose id begins with "none" have no address; those with "gone" live in a folder that is not there; those with "pg"
 * on a server.
 */
static bool yard_place(void *context, struct arena *a, const struct tenant_list *list, const struct tenant *t,
                       struct place *out, struct err *e)
{
    struct yard *y = context;
    (void)list;
    yard_event(y, '+', t->id);
    if (strncmp(t->id, "pg", 2) == 0) {
        postgresql_place(y, a, out);
        return true;
    }
    if (strncmp(t->id, "none", 4) == 0)
        return err_set(e, FAULT_NO_ADDRESS, "tenant %s has no address", t->id);
    const char *name = t->url ? t->url : t->id;
    const char *path = arena_printf(a, "%s/%s%s.db", y->s.folder, strncmp(t->id, "gone", 4) == 0 ? "nowhere/" : "",
                                    name);
    *out = (struct place){
        .schema = t->schema,
        .address = {.dialect = DIALECT_SQLITE, .path = path, .busy_timeout_ms = TIMEOUT_UNSET},
    };
    return true;
}

static void yard_done(void *context, const struct tenant *t, const struct place *where, const struct outcome *out)
{
    struct yard *y = context;
    assert_string_equal(where->tenant, t->id);
    assert_true(out->duration_ms >= 0);
    assert_false(y->telling);
    yard_event(y, '-', t->id);
    buf_addf(&y->order, "%s%s", y->done++ ? "," : "", t->id);
    if (y->stop_after_first)
        stop_wind_down(y->stop_after_first, SIGTERM);
    if (y->stop_after_files && y->done == y->files)
        stop_wind_down(y->stop_after_files, SIGTERM);
}

static bool yard_known(void *context, const struct tenant *t, const struct place *where)
{
    struct yard *y = context;
    assert_string_equal(where->tenant, t->id);
    pthread_mutex_lock(&y->mutex);
    y->asked++;
    pthread_mutex_unlock(&y->mutex);
    return t->id[0] == 'k';
}

static bool yard_knows(void *context, const struct tenant *t, const struct place *where)
{
    return yard_known(context, t, where) || strstr(t->id, "known") != NULL;
}

static bool yard_doubts(void *context)
{
    struct yard *y = context;
    y->doubts++;
    return y->doubtful;
}

static void yard_moved(void *context, const struct fleet_counts *counts)
{
    struct yard *y = context;
    y->telling = true;
    if (y->options.doubts == NULL) /* otherwise known ones are taken back */
        assert_true(counts->done >= y->counts.done);
    assert_true(counts->running <= y->options.jobs);
    assert_true(counts->done + counts->running <= counts->total);
    assert_true(counts->known + counts->failed <= counts->done);
    if (counts->running > y->most_running)
        y->most_running = counts->running;
    y->counts = *counts;
    y->telling = false;
}

static void yard_begin(struct yard *y)
{
    *y = (struct yard){0};
    pthread_mutex_init(&y->mutex, NULL);
    scene_begin(&y->s, v1, 3);
    y->addresser = (struct addresser){yard_place, y};
    y->options = (struct fleet_options){.jobs = 8, .done = yard_done, .moved = yard_moved, .context = y};
}

static void yard_tenant(struct yard *y, const char *id, const char *url, const char *schema)
{
    struct tenant t = {.id = arena_strdup(&y->list.arena, id), .url = url, .schema = schema};
    vec_push(&y->list.arena, &y->list, t);
}

static void yard_run(struct yard *y)
{
    AUTO_ERR e = {0};
    fleet_free(&y->result);
    buf_reset(&y->order);
    buf_reset(&y->events);
    y->done = y->asked = y->doubts = 0;
    y->counts = (struct fleet_counts){0};
    assert_true(fleet_run(&y->s.job, &y->list, &y->addresser, &y->options, &y->result, &e));
    const struct fleet_result *r = &y->result;
    assert_int_equal(r->done + r->skipped + r->failed + r->known + r->not_started, y->list.n);
    size_t states[TENANT_KNOWN + 1] = {0};
    for (size_t i = 0; i < y->list.n; i++)
        states[r->states[i]]++;
    assert_int_equal(states[TENANT_DONE], r->done);
    assert_int_equal(states[TENANT_KNOWN], r->known);
    assert_int_equal(states[TENANT_FAILED], r->failed);
    assert_int_equal(states[TENANT_NOT_STARTED], r->not_started);
    if (y->list.n && !r->not_started) {
        assert_int_equal(y->counts.done, y->list.n);
        assert_int_equal(y->counts.running, 0);
    }
    assert_int_equal(r->n_failures, r->failed);
    assert_int_equal(y->done, r->done + r->skipped + r->failed);
}

static void yard_end(struct yard *y)
{
    fleet_free(&y->result);
    tenants_free(&y->list);
    buf_free(&y->order);
    buf_free(&y->events);
    pthread_mutex_destroy(&y->mutex);
    scene_end(&y->s);
}

static const char *tenant_says(struct yard *y, const char *id, const char *sql)
{
    return file_says(&y->s.a, arena_printf(&y->s.a, "%s/%s.db", y->s.folder, id), sql);
}

static void every_tenant_comes_to_head(void **state)
{
    (void)state;
    struct yard y;
    yard_begin(&y);
    for (int i = 0; i < 60; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "t%02d", i), NULL, NULL);
    yard_run(&y);
    assert_int_equal(y.result.done, 60);
    assert_int_equal(y.result.changed, 60);
    assert_int_equal(y.result.steps, 180);
    assert_int_equal(y.result.states[59], TENANT_DONE);
    assert_string_equal(tenant_says(&y, "t07", "SELECT x FROM t"), "t07");
    assert_string_equal(tenant_says(&y, "t59", "SELECT version_num FROM alembic_version"), "c1");
    yard_run(&y);
    assert_int_equal(y.result.done, 60);
    assert_int_equal(y.result.changed, 0);
    assert_int_equal(fleet_exit_code(&y.result, 60, &(struct tolerance){0}), 0);
    yard_end(&y);
}

static void a_failed_tenant_stops_nobody(void **state)
{
    (void)state;
    struct yard y;
    yard_begin(&y);
    yard_tenant(&y, "none1", NULL, NULL);
    yard_tenant(&y, "gone1", NULL, NULL);
    for (int i = 0; i < 20; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "t%02d", i), NULL, NULL);
    yard_tenant(&y, "gone2", NULL, NULL);
    tenant_says(&y, "t05", "CREATE TABLE v (x)"); /* c1 fails here */
    FILE *corrupt = fopen(arena_printf(&y.s.a, "%s/t06.db", y.s.folder), "w");
    for (int i = 0; i < 500; i++)
        fputs("this is no database ", corrupt);
    fclose(corrupt);
    yard_run(&y);
    assert_int_equal(y.result.done, 18);
    assert_int_equal(y.result.failed, 5);
    const struct tenant_failure *f = y.result.failures;
    assert_int_equal(f[0].fault, FAULT_NO_ADDRESS);
    assert_int_equal(f[0].tenant, 0);
    assert_int_equal(f[1].fault, FAULT_MISSING);
    assert_string_equal(y.list.v[f[2].tenant].id, "t05");
    assert_string_equal(f[2].revision, "c1");
    assert_non_null(strstr(f[2].err.message, "revision c1: "));
    assert_string_equal(f[2].err.path, "tenant/versions/c1.sql");
    assert_string_equal(y.list.v[f[3].tenant].id, "t06");
    assert_null(f[3].revision);
    assert_int_equal(f[4].tenant, 22);
    assert_int_equal(y.result.changed, 19); /* t05 came to b1 */
    assert_int_equal(y.result.states[0], TENANT_FAILED);
    assert_int_equal(fleet_exit_code(&y.result, 23, &(struct tolerance){0}), 1);
    assert_int_equal(fleet_exit_code(&y.result, 23, &(struct tolerance){.number = 5}), 0);
    y.s.job.on_missing = ON_MISSING_SKIP;
    yard_run(&y);
    assert_int_equal(y.result.skipped, 2);
    assert_int_equal(y.result.failed, 3);
    assert_int_equal(y.result.states[1], TENANT_SKIPPED);
    yard_end(&y);
}

static void tenants_of_one_database_share_a_connection(void **state)
{
    (void)state;
    struct yard y;
    yard_begin(&y);
    yard_tenant(&y, "a", "two", "main");
    yard_tenant(&y, "b", "one", "main");
    yard_tenant(&y, "c", "two", "main");
    yard_tenant(&y, "d", "one", "main");
    y.options.jobs = 1;
    yard_run(&y);
    assert_int_equal(y.result.done, 4);
    assert_string_equal(y.order.p, "b,d,a,c");
    assert_int_equal(y.result.changed, 2);
    /* The second visit came over the first one's connection, as another tenant. */
    assert_string_equal(tenant_says(&y, "one", "SELECT x FROM t"), "b");
    yard_end(&y);
}

static void a_stop_leaves_the_rest_unstarted(void **state)
{
    (void)state;
    struct yard y;
    struct stop stop;
    AUTO_ERR e = {0};
    yard_begin(&y);
    assert_true(stop_init(&stop, &e));
    y.s.job.stop = y.stop_after_first = &stop;
    y.options.jobs = 2;
    for (int i = 0; i < 50; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "t%02d", i), NULL, NULL);
    yard_run(&y);
    assert_true(y.result.not_started >= 48);
    assert_true(y.result.done >= 1);
    for (size_t i = 0; i < y.result.n_failures; i++)
        assert_int_equal(y.result.failures[i].fault, FAULT_STOPPED);
    assert_int_equal(fleet_exit_code(&y.result, 50, &(struct tolerance){0}),
                     0); /* the signal's own code is the caller's */
    y.stop_after_first = NULL;
    yard_run(&y);
    assert_int_equal(y.result.not_started, 50);
    stop_free(&stop);
    y.s.job.stop = NULL;
    y.s.job.deadline = clock_ms() - 1;
    yard_run(&y);
    assert_int_equal(y.result.not_started, 50);
    yard_end(&y);
}

/* t00, t01, …; the visits of those in `bad` end in a revision's body. */
static void yard_tenants(struct yard *y, size_t n, const char *const *bad, size_t n_bad)
{
    for (size_t i = 0; i < n; i++)
        yard_tenant(y, arena_printf(&y->s.a, "t%02zu", i), NULL, NULL);
    for (size_t i = 0; i < n_bad; i++)
        tenant_says(y, bad[i], "CREATE TABLE v (x)"); /* c1 fails here */
}

/* Where in `events` something is told of the tenant. */
static ptrdiff_t event_at(const struct yard *y, char what, size_t tenant)
{
    char text[16];
    snprintf(text, sizeof text, "%ct%02zu ", what, tenant);
    const char *at = strstr(y->events.p, text);
    assert_non_null(at);
    return at - y->events.p;
}

static void a_stage_begins_when_the_one_before_is_through(void **state)
{
    (void)state;
    struct yard y;
    size_t ends[] = {3, 13, 13, 40};
    yard_begin(&y);
    yard_tenants(&y, 40, NULL, 0);
    y.options.stages = (struct stages){.ends = ends, .n = 4, .canaries = 3};
    yard_run(&y);
    assert_int_equal(y.result.done, 40);
    assert_int_equal(y.result.halt, HALT_NONE);
    assert_int_equal(y.counts.n_stages, 4);
    assert_int_equal(y.counts.stage, 3);
    for (size_t early = 0; early < 40; early++)
        for (size_t late = early; late < 40; late++)
            if ((early < 3 && late >= 3) || (early < 13 && late >= 13))
                assert_true(event_at(&y, '-', early) < event_at(&y, '+', late));
    yard_end(&y);
}

static void every_canary_must_succeed(void **state)
{
    (void)state;
    struct yard y;
    size_t ends[] = {3, 10};
    yard_begin(&y);
    yard_tenant(&y, "none", NULL, NULL);
    yard_tenants(&y, 9, NULL, 0);
    y.options.stages = (struct stages){.ends = ends, .n = 2, .canaries = 3};
    y.options.has_max_failures = true;
    y.options.max_failures.number = 9; /* that is about bodies, and about the others */
    yard_run(&y);
    assert_int_equal(y.result.done, 2);
    assert_int_equal(y.result.failed, 1);
    assert_int_equal(y.result.not_started, 7);
    assert_int_equal(y.result.bodies, 0);
    assert_int_equal(y.result.halt, HALT_CANARY);
    assert_int_equal(y.result.halt_stage, 0);
    assert_int_equal(fleet_exit_code(&y.result, 10, &(struct tolerance){.number = 9}), 1);
    /* As a wave the same tenants hold nobody back: a database without an address is no failed body. */
    y.options.stages.canaries = 0;
    yard_run(&y);
    assert_int_equal(y.result.done, 9);
    assert_int_equal(y.result.halt, HALT_NONE);
    yard_end(&y);
}

static void no_wave_follows_a_failed_body(void **state)
{
    (void)state;
    struct yard y;
    size_t ends[] = {5, 10, 15};
    yard_begin(&y);
    yard_tenants(&y, 15, (const char *const[]){"t05", "t07"}, 2);
    y.options.stages = (struct stages){.ends = ends, .n = 3};
    yard_run(&y);
    assert_int_equal(y.result.bodies, 2);
    assert_int_equal(y.result.done, 8); /* the wave itself is finished */
    assert_int_equal(y.result.not_started, 5);
    assert_int_equal(y.result.halt, HALT_WAVE);
    assert_int_equal(y.result.halt_stage, 1);
    assert_int_equal(fleet_exit_code(&y.result, 15, &(struct tolerance){.number = 9}), 1);
    y.options.has_max_failures = true;
    y.options.max_failures = (struct tolerance){.number = 2};
    yard_run(&y);
    assert_int_equal(y.result.halt, HALT_NONE);
    assert_int_equal(y.result.not_started, 0);
    assert_int_equal(y.result.failed, 2);
    assert_int_equal(fleet_exit_code(&y.result, 15, &(struct tolerance){.number = 9}), 0);
    /* 13 % of 15 tenants are 1.95; the share is of all, not of a wave. */
    y.options.max_failures = (struct tolerance){.is_percent = true, .percent = 13};
    y.options.jobs = 1;
    yard_run(&y);
    assert_int_equal(y.result.halt, HALT_WAVE);
    assert_int_equal(y.result.halt_stage, 1);
    assert_int_equal(y.result.not_started, 7); /* t08 and t09 too: the limit is for tenants, not for waves */
    y.options.max_failures.percent = 14;
    yard_run(&y);
    assert_int_equal(y.result.halt, HALT_NONE);
    yard_end(&y);
}

static void too_many_failed_bodies_end_the_run(void **state)
{
    (void)state;
    struct yard y;
    yard_begin(&y);
    yard_tenant(&y, "none1", NULL, NULL);
    yard_tenant(&y, "gone1", NULL, NULL);
    yard_tenants(&y, 20, (const char *const[]){"t03", "t06", "t08"}, 3);
    y.options.jobs = 1;
    y.options.has_max_failures = true;
    y.options.max_failures.number = 1;
    yard_run(&y);
    assert_int_equal(y.result.bodies, 2);
    assert_int_equal(y.result.failed, 4);
    assert_int_equal(y.result.states[2 + 6], TENANT_FAILED);
    assert_int_equal(y.result.states[2 + 7], TENANT_NOT_STARTED);
    assert_int_equal(y.result.not_started, 13);
    assert_int_equal(y.result.halt, HALT_MAX_FAILURES);
    assert_int_equal(y.result.halt_stage, 0);
    assert_int_equal(fleet_exit_code(&y.result, 22, &(struct tolerance){.number = 22}), 1);
    y.options.max_failures.number = 3;
    yard_run(&y);
    assert_int_equal(y.result.halt, HALT_NONE);
    assert_int_equal(y.result.not_started, 0);
    /* The last one fails: nobody was held back, so nothing was halted. */
    yard_tenant(&y, "u", NULL, NULL);
    tenant_says(&y, "u", "CREATE TABLE v (x)");
    yard_run(&y);
    assert_int_equal(y.result.bodies, 4);
    assert_int_equal(y.result.halt, HALT_NONE);
    yard_end(&y);
}

static void who_is_known_is_not_visited(void **state)
{
    (void)state;
    struct yard y;
    yard_begin(&y);
    yard_tenants(&y, 10, NULL, 0);
    for (int i = 0; i < 30; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "k%02d", i), NULL, NULL);
    y.options.known = yard_known;
    yard_run(&y);
    assert_int_equal(y.result.done, 10);
    assert_int_equal(y.result.known, 30);
    assert_int_equal(y.result.states[10], TENANT_KNOWN);
    assert_int_equal(y.asked, 40);
    assert_int_equal(y.done, 10);
    assert_int_equal(y.counts.known, 30);
    assert_int_equal(fleet_exit_code(&y.result, 40, &(struct tolerance){0}), 0);
    y.options.doubts = yard_doubts;
    yard_run(&y);
    assert_int_equal(y.result.known, 30);
    assert_int_equal(y.doubts, 1);
    yard_end(&y);
}

static void doubt_has_the_known_visited_after_all(void **state)
{
    (void)state;
    struct yard y;
    size_t ends[] = {5, 10, 40};
    yard_begin(&y);
    for (int i = 0; i < 20; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "k%02d", i), NULL, NULL);
    yard_tenants(&y, 20, NULL, 0);
    y.options.known = yard_known;
    y.options.doubts = yard_doubts;
    y.options.stages = (struct stages){.ends = ends, .n = 3, .canaries = 5};
    y.doubtful = true;
    yard_run(&y);
    assert_int_equal(y.result.done, 40);
    assert_int_equal(y.result.changed, 40);
    assert_int_equal(y.result.known, 0);
    assert_int_equal(y.asked, 40); /* in the first round only */
    assert_int_equal(y.doubts, 1);
    assert_int_equal(y.done, 40);
    /* The known canaries are canaries in the second round too. */
    tenant_says(&y, "k00", "DROP TABLE alembic_version");
    yard_run(&y);
    assert_int_equal(y.result.failed, 1);
    assert_int_equal(y.result.done, 24);
    assert_int_equal(y.result.known, 0);
    assert_int_equal(y.result.not_started, 15); /* nobody vouches for them now */
    assert_int_equal(y.result.halt, HALT_CANARY);
    yard_end(&y);
}

static void a_halted_run_vouches_for_nobody_in_doubt(void **state)
{
    (void)state;
    struct yard y;
    yard_begin(&y);
    for (int i = 0; i < 5; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "k%02d", i), NULL, NULL);
    yard_tenants(&y, 5, (const char *const[]){"t00"}, 1);
    y.options.jobs = 1;
    y.options.known = yard_known;
    y.options.doubts = yard_doubts;
    y.options.has_max_failures = true;
    yard_run(&y);
    assert_int_equal(y.result.known, 5);
    assert_int_equal(y.result.not_started, 4);
    assert_int_equal(y.doubts, 1);
    y.doubtful = true;
    yard_run(&y);
    assert_int_equal(y.result.known, 0);
    assert_int_equal(y.result.not_started, 9);
    assert_int_equal(y.result.halt, HALT_MAX_FAILURES);
    yard_end(&y);
}

static void databases_stay_together_within_a_stage(void **state)
{
    (void)state;
    struct yard y;
    size_t ends[] = {3, 6};
    yard_begin(&y);
    yard_tenant(&y, "a", "two", "main");
    yard_tenant(&y, "b", "one", "main");
    yard_tenant(&y, "c", "two", "main");
    yard_tenant(&y, "d", "two", "main");
    yard_tenant(&y, "e", "one", "main");
    yard_tenant(&y, "f", "two", "main");
    y.options.stages = (struct stages){.ends = ends, .n = 2};
    y.options.jobs = 1;
    yard_run(&y);
    assert_string_equal(y.order.p, "b,a,c,e,d,f");
    yard_end(&y);
}

/* ---------------------------------------------------------------------------------------------------- a full server */

/* Says to everybody that it has no connection left, or nothing at all. */
struct full_server {
    int fd, end[2];
    bool silent;
    int silences;
    char port[8];
    pthread_t thread;
};

static void *refuse_all(void *context)
{
    static const char refusal[] = "E\0\0\0\x2a"
                                  "SFATAL\0VFATAL\0C53300\0Mno room, sorry\0";
    struct full_server *server = context;
    struct pollfd fds[] = {{.fd = server->fd, .events = POLLIN}, {.fd = server->end[0], .events = POLLIN}};
    char startup[512];
    while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
        int client = accept(server->fd, NULL, NULL);
        if (server->silent) { /* until the test is over */
            server->silences++;
            continue;
        }
        if (recv(client, startup, sizeof startup, 0) > 0)
            send(client, refusal, sizeof refusal, MSG_NOSIGNAL);
        close(client);
    }
    return NULL;
}

static void full_server_begin(struct full_server *server)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(server->fd, 64), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&at, &length), 0);
    snprintf(server->port, sizeof server->port, "%d", ntohs(at.sin_port));
    assert_int_equal(pipe(server->end), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, refuse_all, server), 0);
}

static void full_server_end(struct full_server *server)
{
    close(server->end[1]);
    pthread_join(server->thread, NULL);
    close(server->end[0]);
    close(server->fd);
}

static void a_full_server_holds_up_nobody_else(void **state)
{
    (void)state;
    struct yard y;
    struct full_server server = {.silent = false};
    struct stop stop;
    AUTO_ERR e = {0};
    yard_begin(&y);
    full_server_begin(&server);
    assert_true(stop_init(&stop, &e));
    y.port = server.port;
    for (int i = 0; i < 5; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "pg%d", i), NULL, NULL);
    yard_tenants(&y, 20, NULL, 0);
    /* One worker, and the server's tenants come first: it must not wait there. All the files done, a signal ends the run. */
    y.options.jobs = 1;
    y.s.job.lock_wait_ms = 3600000;
    y.s.job.stop = y.stop_after_files = &stop;
    y.files = 20;
    yard_run(&y);
    assert_int_equal(y.result.done, 20);
    assert_int_equal(y.result.failed, 0);
    assert_int_equal(y.result.not_started, 5);
    assert_int_equal(y.result.states[0], TENANT_NOT_STARTED);
    const char *said = arena_printf(&y.s.a, "127.0.0.1:%s has no connection left; it accepted nobody for ",
                                    server.port);
    assert_non_null(strstr(y.s.talk.p, said));
    stop_free(&stop);
    full_server_end(&server);
    yard_end(&y);
}

static void a_full_server_fails_its_tenants_in_the_end(void **state)
{
    (void)state;
    struct yard y;
    struct full_server server = {.silent = false};
    yard_begin(&y);
    full_server_begin(&server);
    y.port = server.port;
    for (int i = 0; i < 12; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "pg%d", i), NULL, NULL);
    y.s.job.lock_wait_ms = 400;
    y.options.known = yard_known;
    yard_run(&y);
    assert_int_equal(y.result.failed, 12);
    assert_int_equal(y.asked, 12); /* once of each, however often it is tried */
    assert_int_equal(y.result.failures[0].fault, FAULT_UNREACHABLE);
    assert_string_equal(y.result.failures[0].err.sqlstate, "53300");
    assert_non_null(strstr(y.result.failures[0].err.hint, "accepted nobody for 400 ms"));
    assert_int_equal(fleet_exit_code(&y.result, 12, &(struct tolerance){0}), 4);
    /* The deadline comes first: nobody has failed. */
    y.s.job.lock_wait_ms = 3600000;
    y.s.job.deadline = clock_ms() + 300;
    yard_run(&y);
    assert_int_equal(y.result.failed, 0);
    assert_int_equal(y.result.not_started, 12);
    assert_int_equal(y.result.halt, HALT_NONE);
    full_server_end(&server);
    yard_end(&y);
}

/* Those who come out of `order` before the first, or the last, that begins with `pg`. */
static size_t files_before(const struct yard *y, bool last)
{
    size_t files = 0, before = 0;
    for (const char *at = y->order.p; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        bool is_file = strncmp(at, "pg", 2) != 0;
        files += is_file;
        if (is_file)
            continue;
        before = files;
        if (!last)
            break;
    }
    return before;
}

static void a_silent_server_is_given_up(void **state)
{
    (void)state;
    struct yard y;
    struct full_server server = {.silent = true};
    yard_begin(&y);
    full_server_begin(&server);
    y.port = server.port;
    for (int i = 0; i < 40; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "pg%02d", i), NULL, NULL);
    yard_tenants(&y, 20, NULL, 0);
    y.options.jobs = 4;
    y.s.job.connect_timeout_ms = 200;
    yard_run(&y);
    assert_int_equal(y.result.done, 20);
    assert_int_equal(y.result.failed, 40);
    assert_int_equal(files_before(&y, true), 20);
    size_t untried = 0;
    for (size_t i = 0; i < 40; i++) {
        const struct err *e = &y.result.failures[i].err;
        assert_int_equal(e->fault, FAULT_UNREACHABLE);
        bool tried = strstr(e->message, "not tried") == NULL;
        assert_non_null(strstr(tried ? e->message : e->detail, "within "));
        untried += !tried;
    }
    assert_string_equal(y.result.failures[39].err.message,
                        arena_printf(&y.s.a, "no answer from 127.0.0.1:%s to %zu tenants before; not tried",
                                     server.port, 40 - untried));
    assert_int_equal(fleet_exit_code(&y.result, 60, &(struct tolerance){0}), 4);
    assert_non_null(strstr(y.s.talk.p, " does not answer; its tenants come last, with one try every 5 s"));
    full_server_end(&server);
    assert_int_equal(server.silences, 40 - untried);
    assert_true(untried >= 32);
    yard_end(&y);
}

static void who_is_known_at_a_silent_server_is_at_head_all_the_same(void **state)
{
    (void)state;
    struct yard y;
    struct full_server server = {.silent = true};
    yard_begin(&y);
    full_server_begin(&server);
    y.port = server.port;
    for (int i = 0; i < 20; i++)
        yard_tenant(&y, arena_printf(&y.s.a, i % 2 ? "pgknown%02d" : "pg%02d", i), NULL, NULL);
    y.options.jobs = 2;
    y.options.known = yard_knows;
    y.s.job.connect_timeout_ms = 100;
    yard_run(&y);
    assert_int_equal(y.result.known, 10);
    assert_int_equal(y.result.failed, 10);
    assert_int_equal(y.asked, 20);
    full_server_end(&server);
    yard_end(&y);
}

static void an_unreachable_server_is_waited_for_once(void **state)
{
    (void)state;
    struct yard y;
    struct full_server server = {.silent = false};
    yard_begin(&y);
    full_server_begin(&server);
    full_server_end(&server); /* nobody listens there any more */
    y.port = server.port;
    for (int i = 0; i < 40; i++)
        yard_tenant(&y, arena_printf(&y.s.a, "pg%02d", i), NULL, NULL);
    yard_tenants(&y, 20, NULL, 0);
    y.options.jobs = 1; /* who waited in a visit would let nobody pass */
    y.s.job.wait_ms = 5000;
    yard_run(&y);
    assert_int_equal(y.result.done, 20);
    assert_int_equal(y.result.failed, 40);
    assert_int_equal(files_before(&y, false), 20);
    assert_non_null(strstr(y.result.failures[39].err.message, "refused"));
    assert_string_equal(y.result.failures[39].err.hint,
                        "the server accepted nobody for 5.0 s; run again later, or wait longer with --wait");
    yard_end(&y);
}

static void no_tenants_are_no_work(void **state)
{
    (void)state;
    struct yard y;
    yard_begin(&y);
    yard_run(&y);
    assert_int_equal(fleet_exit_code(&y.result, 0, &(struct tolerance){0}), 0);
    yard_end(&y);
}

static void workers_take_no_signals(void **state)
{
    (void)state;
    struct yard y;
    sigset_t before, after;
    yard_begin(&y);
    yard_tenant(&y, "t1", NULL, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    yard_run(&y);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < 32; signal++)
        assert_int_equal(sigismember(&before, signal), sigismember(&after, signal));
    yard_end(&y);
}

static void the_first_code_that_applies_counts(void **state)
{
    (void)state;
    static const struct {
        enum fault faults[4];
        size_t n;
        struct tolerance tolerance;
        int code;
        size_t changed;
    } cases[] = {
        {{FAULT_NONE}, 0, {0}, 0, 0},
        {{FAULT_UNREACHABLE, FAULT_PENDING}, 2, {0}, 4, 0},
        {{FAULT_PENDING}, 1, {0}, 3, 0},
        {{FAULT_PENDING}, 1, {.number = 9}, 3, 0},
        {{FAULT_UNREACHABLE, FAULT_EDITED}, 2, {0}, 5, 0},
        {{FAULT_UNREACHABLE, FAULT_EDITED, FAULT_FAILED}, 3, {0}, 1, 0},
        {{FAULT_FAILED, FAULT_CONFIG}, 2, {0}, 2, 0},
        {{FAULT_FAILED, FAULT_CONFIG}, 2, {.number = 9}, 2, 0},
        {{FAULT_FAILED, FAULT_BUSY}, 2, {.number = 2}, 0, 0},
        {{FAULT_FAILED, FAULT_BUSY, FAULT_AHEAD}, 3, {.number = 2}, 1, 0},
        {{FAULT_BUSY}, 1, {.percent = 10, .is_percent = true}, 0, 0},
        {{FAULT_BUSY, FAULT_BUSY}, 2, {.percent = 10, .is_percent = true}, 4, 0},
        {{FAULT_BUSY, FAULT_PENDING}, 2, {.percent = 10, .is_percent = true}, 3, 0},
        {{FAULT_STOPPED}, 1, {0}, 0, 0},
        {{FAULT_USAGE}, 1, {0}, 2, 0},
        {{FAULT_USAGE}, 1, {0}, 1, 1},
        {{FAULT_USAGE}, 1, {.number = 1}, 0, 1},
    };
    for (size_t i = 0; i < N(cases); i++) {
        struct tenant_failure failures[4] = {0};
        for (size_t k = 0; k < cases[i].n; k++)
            failures[k].fault = cases[i].faults[k];
        struct fleet_result r = {.failures = failures, .n_failures = cases[i].n, .changed = cases[i].changed};
        assert_int_equal(fleet_exit_code(&r, 10, &cases[i].tolerance), cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_are_read_with_all_columns),
        cmocka_unit_test(a_bad_list_is_refused),
        cmocka_unit_test(a_filter_keeps_those_that_are_named),
        cmocka_unit_test(every_tenant_comes_to_head),
        cmocka_unit_test(a_failed_tenant_stops_nobody),
        cmocka_unit_test(tenants_of_one_database_share_a_connection),
        cmocka_unit_test(a_stop_leaves_the_rest_unstarted),
        cmocka_unit_test(a_stage_begins_when_the_one_before_is_through),
        cmocka_unit_test(every_canary_must_succeed),
        cmocka_unit_test(no_wave_follows_a_failed_body),
        cmocka_unit_test(too_many_failed_bodies_end_the_run),
        cmocka_unit_test(who_is_known_is_not_visited),
        cmocka_unit_test(doubt_has_the_known_visited_after_all),
        cmocka_unit_test(a_halted_run_vouches_for_nobody_in_doubt),
        cmocka_unit_test(databases_stay_together_within_a_stage),
        cmocka_unit_test(a_full_server_holds_up_nobody_else),
        cmocka_unit_test(a_full_server_fails_its_tenants_in_the_end),
        cmocka_unit_test(a_silent_server_is_given_up),
        cmocka_unit_test(who_is_known_at_a_silent_server_is_at_head_all_the_same),
        cmocka_unit_test(an_unreachable_server_is_waited_for_once),
        cmocka_unit_test(no_tenants_are_no_work),
        cmocka_unit_test(workers_take_no_signals),
        cmocka_unit_test(the_first_code_that_applies_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
