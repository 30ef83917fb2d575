/* Fleets over SQLite files: the list of tenants, many workers, failures that stay alone, exit codes. limit: 600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

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
};

/* Tenants whose id begins with "none" have no address; those with "gone" live in a folder that is not there. */
static bool yard_place(void *context, struct arena *a, const struct tenant_list *list, const struct tenant *t,
                       struct place *out, struct err *e)
{
    const struct yard *y = context;
    (void)list;
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
    buf_addf(&y->order, "%s%s", y->done++ ? "," : "", t->id);
    if (y->stop_after_first)
        stop_wind_down(y->stop_after_first, SIGTERM);
}

static void yard_begin(struct yard *y)
{
    *y = (struct yard){0};
    scene_begin(&y->s, v1, 3);
    y->addresser = (struct addresser){yard_place, y};
    y->options = (struct fleet_options){.jobs = 8, .done = yard_done, .context = y};
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
    y->done = 0;
    assert_true(fleet_run(&y->s.job, &y->list, &y->addresser, &y->options, &y->result, &e));
    const struct fleet_result *r = &y->result;
    assert_int_equal(r->done + r->skipped + r->failed + r->not_started, y->list.n);
    assert_int_equal(r->n_failures, r->failed);
    assert_int_equal(y->done, r->done + r->skipped + r->failed);
}

static void yard_end(struct yard *y)
{
    fleet_free(&y->result);
    tenants_free(&y->list);
    buf_free(&y->order);
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
        cmocka_unit_test(no_tenants_are_no_work),
        cmocka_unit_test(workers_take_no_signals),
        cmocka_unit_test(the_first_code_that_applies_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
