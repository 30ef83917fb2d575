/* The ledger over SQLite files: what makes a row believed, what ends that, sample, doubt, forgetting. limit: 120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "run/ledger.h"
#include "visits.h"

#define N(list) (sizeof(list) / sizeof(list)[0])

static const struct built v1[] = {
    {.id = "a1", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
    {.id = "b1", .down = "a1", .up_sql = "CREATE TABLE u (x);", .down_sql = "DROP TABLE u;"},
    {.id = "c1", .down = "b1", .up_sql = "CREATE TABLE v (x);", .down_sql = "DROP TABLE v;"},
};

/* ---------------------------------------------------------------------------------------------------- a small fleet */

enum { MOST = 64 };

struct desk {
    struct scene s; /* its file is the registry */
    struct job job; /* the fleet's */
    struct ledger_rules rules;
    struct tenant tenants[MOST];
    const char *paths[MOST];
    size_t n;
    struct ledger *ledger;
    sem_t *begun;       /* forget_slowly() */
    struct buf visited; /* ids of the last run, in order; those that doubt added behind a "|" */
};

static void desk_begin(struct desk *d, size_t n)
{
    *d = (struct desk){.n = n};
    scene_begin(&d->s, v1, 2);
    scene_says(&d->s, "CREATE TABLE tenants (tenant_id TEXT)");
    d->rules = (struct ledger_rules){.max_age_ms = 24 * 3600 * 1000, .writes = true};
    for (size_t i = 0; i < n; i++) {
        d->tenants[i].id = n > 26 ? arena_printf(&d->s.a, "t%02zu", i) : arena_printf(&d->s.a, "%c", 'a' + (int)i);
        d->paths[i] = arena_printf(&d->s.a, "%s/tenant-%zu.db", d->s.folder, i);
    }
}

static void desk_end(struct desk *d)
{
    buf_free(&d->visited);
    scene_end(&d->s);
}

/* What the executable carries: the first `n` revisions. */
static void desk_carry(struct desk *d, const struct built *v, size_t n)
{
    scene_carry(&d->s, v, n);
}

static struct place desk_place(const struct desk *d, size_t i)
{
    return (struct place){
        .tenant = d->tenants[i].id,
        .address = {.dialect = DIALECT_SQLITE, .path = d->paths[i], .busy_timeout_ms = TIMEOUT_UNSET}};
}

static void desk_open(struct desk *d)
{
    d->job = d->s.job;
    d->job.kind = JOB_UPGRADE;
    d->job.target = STR("head");
    d->job.identify = true;
    d->ledger = ledger_read(&d->s.job, &d->s.place, &d->job, &d->rules, d->n);
    assert_non_null(d->ledger);
}

static void desk_visit(struct desk *d, size_t i)
{
    struct place where = desk_place(d, i);
    struct outcome out = {0};
    visit(&d->s.a, &d->job, &where, NULL, &out);
    ledger_note(d->ledger, &d->tenants[i], &where, &out);
    buf_addz(&d->visited, d->tenants[i].id);
    err_free(&out.err);
}

static bool desk_knows(struct desk *d, size_t i)
{
    struct place where = desk_place(d, i);
    return ledger_knows(d->ledger, &d->tenants[i], &where);
}

/* As a fleet does it. Says who was visited. */
static const char *desk_run(struct desk *d)
{
    bool known[MOST];
    buf_reset(&d->visited);
    buf_addz(&d->visited, "");
    desk_open(d);
    for (size_t i = 0; i < d->n; i++)
        if (!(known[i] = desk_knows(d, i)))
            desk_visit(d, i);
    if (ledger_doubts(d->ledger)) {
        buf_addz(&d->visited, "|");
        for (size_t i = 0; i < d->n; i++)
            if (known[i])
                desk_visit(d, i);
    }
    ledger_flush(d->ledger);
    ledger_free(d->ledger);
    return d->visited.p;
}

static const char *registry_says(struct desk *d, const char *sql)
{
    return scene_says(&d->s, sql);
}

static const char *remembered(struct desk *d)
{
    return registry_says(d, "SELECT tenant FROM migrate_ledger WHERE tenant <> '' ORDER BY tenant");
}

static const char *tenant_says(struct desk *d, size_t i, const char *sql)
{
    return file_says(&d->s.a, d->paths[i], sql);
}

/* The row of that tenant vouches for its file as it is now, whatever is in it. */
static void vouch(struct desk *d, size_t i)
{
    struct place where = desk_place(d, i);
    BUF_AUTO version = {0};
    assert_true(db_file_version(&where.address, &version));
    registry_says(d, arena_printf(&d->s.a, "UPDATE migrate_ledger SET server = '%s' WHERE tenant = '%s'", version.p,
                                  d->tenants[i].id));
}

static size_t times_said(const struct desk *d, const char *words)
{
    size_t n = 0;
    for (const char *at = d->s.talk.p; at && (at = strstr(at, words)); at++)
        n++;
    return n;
}

/* With its times, as `cp -p` and what restores backups do. */
static void copy_file(const char *from, const char *to)
{
    char bytes[4096];
    struct stat st;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, in));)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fflush(out), 0);
    assert_int_equal(fstat(fileno(in), &st), 0);
    assert_int_equal(futimens(fileno(out), (struct timespec[]){st.st_atim, st.st_mtim}), 0);
    fclose(in);
    fclose(out);
}

/* ------------------------------------------------------------------------------------------------------------ belief */

static void a_second_run_visits_nobody(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 3);
    assert_string_equal(desk_run(&d), "abc"); /* no table yet */
    assert_int_equal(d.s.talk.n, 0);
    assert_string_equal(remembered(&d), "a,b,c");
    assert_string_equal(registry_says(&d, "SELECT DISTINCT \"rows\" FROM migrate_ledger"), "b1");
    assert_string_equal(registry_says(&d, "SELECT target FROM migrate_ledger WHERE tenant = 'b'"), d.paths[1]);
    assert_string_equal(desk_run(&d), "");
    assert_string_equal(desk_run(&d), "");
    desk_end(&d);
}

static void each_condition_counts(void **state)
{
    (void)state;
    static const char *const spoiled[] = {
        "stream = 'another'",
        "tenant = 'another'",
        "target = target || 'x'",
        "target = NULL",
        "server = server || '0'",
        "server = NULL",
        "registry = '1/1'",
        "registry = NULL",
        "\"rows\" = 'a1'",
        "\"rows\" = ''",
        "digest = replace(digest, substr(digest, 1, 1), 'x')",
        "visited = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-86401 seconds')",
        "visited = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+60 seconds')",
        "visited = NULL",
    };
    struct desk d;
    desk_begin(&d, 3);
    desk_run(&d);
    for (size_t i = 0; i < N(spoiled); i++) {
        registry_says(&d, arena_printf(&d.s.a, "UPDATE migrate_ledger SET %s WHERE tenant = 'b'", spoiled[i]));
        if (strcmp(desk_run(&d), "b") != 0)
            fail_msg("%s: visited \"%s\"", spoiled[i], d.visited.p);
        /* The visit wrote it anew. */
        if (strcmp(desk_run(&d), "") != 0)
            fail_msg("%s: visited \"%s\" once more", spoiled[i], d.visited.p);
    }
    registry_says(&d, "UPDATE migrate_ledger SET visited = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-86340 seconds')");
    assert_string_equal(desk_run(&d), "");
    d.rules.max_age_ms = 60 * 1000;
    assert_string_equal(desk_run(&d), "abc");
    d.rules.max_age_ms = 0;
    assert_string_equal(desk_run(&d), "abc");
    assert_int_equal(times_said(&d, "every tenant"), 0);
    desk_end(&d);
}

static void a_file_that_changed_is_visited(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 3);
    desk_run(&d);
    /* Somebody writes to it, behind our back. */
    tenant_says(&d, 1, "DROP TABLE u; UPDATE alembic_version SET version_num = 'a1'");
    assert_string_equal(desk_run(&d), "b");
    assert_string_equal(tenant_says(&d, 1, "SELECT version_num FROM alembic_version"), "b1");
    assert_string_equal(desk_run(&d), "");
    /* Restored from a backup with all its times, in the same place. */
    const char *backup = arena_printf(&d.s.a, "%s/backup.db", d.s.folder);
    copy_file(d.paths[0], backup);
    assert_int_equal(rename(backup, d.paths[0]), 0);
    assert_string_equal(desk_run(&d), "a");
    assert_string_equal(desk_run(&d), "");
    /* It moves. */
    const char *moved = arena_printf(&d.s.a, "%s/moved.db", d.s.folder);
    assert_int_equal(rename(d.paths[2], moved), 0);
    d.paths[2] = moved;
    assert_string_equal(desk_run(&d), "c");
    assert_string_equal(desk_run(&d), "");
    assert_int_equal(times_said(&d, "every tenant"), 0);
    desk_end(&d);
}

static void a_write_ahead_log_is_looked_at(void **state)
{
    (void)state;
    struct desk d;
    struct stat before, after;
    sqlite3 *application = NULL;
    desk_begin(&d, 2);
    desk_run(&d);
    tenant_says(&d, 0, "PRAGMA journal_mode = wal");
    assert_int_equal(sqlite3_open(d.paths[0], &application), SQLITE_OK);
    assert_int_equal(sqlite3_exec(application, "INSERT INTO t VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
    desk_run(&d);
    assert_string_equal(desk_run(&d), "");
    assert_int_equal(stat(d.paths[0], &before), 0);
    assert_int_equal(sqlite3_exec(application, "DROP TABLE u; DELETE FROM alembic_version", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(stat(d.paths[0], &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec); /* it is all in the log */
    assert_string_equal(desk_run(&d), "a");
    sqlite3_close(application);
    desk_end(&d);
}

static void a_copied_registry_is_not_believed(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 2);
    desk_run(&d);
    const char *copy = arena_printf(&d.s.a, "%s/copy.db", d.s.folder);
    copy_file(d.s.file, copy);
    assert_int_equal(rename(copy, d.s.file), 0);
    assert_string_equal(desk_run(&d), "ab");
    assert_string_equal(desk_run(&d), "");
    desk_end(&d);
}

static void another_set_of_revisions_is_visited_and_another_build_is_not(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 2);
    desk_run(&d);
    d.s.job.build_id = "another";
    desk_carry(&d, v1, 2);
    assert_string_equal(desk_run(&d), "");
    desk_carry(&d, v1, 3);
    assert_string_equal(desk_run(&d), "ab");
    assert_string_equal(tenant_says(&d, 1, "SELECT version_num FROM alembic_version"), "c1");
    assert_string_equal(desk_run(&d), "");
    /* The earlier executable does not believe what the later one wrote, and leaves it alone. */
    desk_carry(&d, v1, 2);
    d.s.job.on_ahead = ON_AHEAD_ALLOW;
    assert_string_equal(desk_run(&d), "ab");
    d.s.job.on_ahead = ON_AHEAD_REFUSE;
    assert_string_equal(desk_run(&d), "ab");
    desk_carry(&d, v1, 3);
    assert_string_equal(desk_run(&d), "");
    /* The same heads, made from another text. */
    struct built three[3] = {v1[0], v1[1], v1[2]};
    three[1].up_sql = "CREATE TABLE u (x, y);";
    desk_carry(&d, three, 3);
    assert_string_equal(desk_run(&d), "ab");
    assert_int_equal(times_said(&d, "every tenant"), 0);
    desk_end(&d);
}

static void another_version_table_is_another_place(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 2);
    desk_run(&d);
    for (size_t i = 0; i < d.n; i++)
        tenant_says(&d, i, "CREATE TABLE theirs AS SELECT * FROM alembic_version");
    assert_string_equal(desk_run(&d), "ab");
    d.s.job.version_table = "theirs";
    assert_string_equal(desk_run(&d), "ab");
    assert_string_equal(desk_run(&d), "");
    assert_string_equal(registry_says(&d, "SELECT target FROM migrate_ledger WHERE tenant = 'a'"),
                        arena_printf(&d.s.a, "%s version_table theirs", d.paths[0]));
    desk_end(&d);
}

/* ------------------------------------------------------------------------------------------------------------ sample */

static size_t count_visited(struct desk *d)
{
    size_t n = 0;
    for (const char *p = desk_run(d); *p; p++)
        n += *p == 't';
    return n;
}

static void a_sample_is_visited_all_the_same(void **state)
{
    (void)state;
    enum { TENANTS = 40 };
    struct desk d;
    bool drawn[TENANTS] = {false};
    desk_begin(&d, TENANTS);
    assert_int_equal(count_visited(&d), TENANTS);
    assert_int_equal(count_visited(&d), 0);
    d.rules.sample = (struct tolerance){.number = 10};
    assert_int_equal(count_visited(&d), 10);
    d.rules.sample = (struct tolerance){.number = 1000};
    assert_int_equal(count_visited(&d), TENANTS);
    d.rules.sample = (struct tolerance){.percent = 25, .is_percent = true};
    assert_int_equal(count_visited(&d), 10);
    d.rules.sample = (struct tolerance){.percent = 1, .is_percent = true};
    assert_int_equal(count_visited(&d), 1);
    d.rules.sample = (struct tolerance){.percent = 100, .is_percent = true};
    assert_int_equal(count_visited(&d), TENANTS);
    /* Each time others: that one of 40 is never among the 4 of 400 draws has a chance of 1 to 10^16. */
    d.rules.sample = (struct tolerance){.number = 4};
    for (int round = 0; round < 400; round++) {
        size_t n = 0;
        desk_open(&d);
        for (size_t i = 0; i < TENANTS; i++)
            if (!desk_knows(&d, i)) {
                drawn[i] = true;
                n++;
            }
        assert_int_equal(n, 4);
        ledger_free(d.ledger);
    }
    for (size_t i = 0; i < TENANTS; i++)
        assert_true(drawn[i]);
    desk_end(&d);
}

/* ------------------------------------------------------------------------------------------------------------- doubt */

/* The first one asked about is in the sample for sure. */
static void doubt_the_rest(struct desk *d, const char *visited)
{
    size_t n = d->n;
    d->rules.sample = (struct tolerance){.number = 1};
    buf_reset(&d->visited);
    d->n = 1;
    desk_open(d);
    d->n = n;
    for (size_t i = 0; i < n; i++)
        if (!desk_knows(d, i))
            desk_visit(d, i);
    assert_int_equal(ledger_doubts(d->ledger), strcmp(visited, "a") != 0);
    ledger_free(d->ledger);
    assert_string_equal(d->visited.p, visited);
    d->rules.sample = (struct tolerance){0};
}

static void one_that_is_not_where_it_should_be_raises_doubt(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 4);
    desk_run(&d);
    doubt_the_rest(&d, "a");
    assert_int_equal(times_said(&d, "every tenant"), 0);
    tenant_says(&d, 0, "DROP TABLE u; UPDATE alembic_version SET version_num = 'a1'");
    vouch(&d, 0);
    assert_string_equal(desk_run(&d), ""); /* nobody looks */
    doubt_the_rest(&d, "abcd");
    assert_int_equal(times_said(&d, "tenant a is not where migrate_ledger says, so every tenant is visited"), 1);
    assert_string_equal(tenant_says(&d, 0, "SELECT version_num FROM alembic_version"), "b1");
    assert_string_equal(desk_run(&d), "");
    desk_end(&d);
}

static void an_edited_history_raises_doubt(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 3);
    desk_run(&d);
    tenant_says(&d, 0, "UPDATE migrate_log SET section_checksum = 'other', token_checksum = 'other', digest = 'other'");
    vouch(&d, 0);
    doubt_the_rest(&d, "abc");
    assert_int_equal(times_said(&d, "tenant a is not where"), 1);
    assert_string_equal(remembered(&d), "b,c");
    desk_end(&d);
}

static void a_tenant_not_at_head_has_no_row(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 3);
    desk_run(&d);
    tenant_says(&d, 1, "CREATE TABLE v (y)"); /* c1 fails here */
    desk_carry(&d, v1, 3);
    assert_string_equal(desk_run(&d), "abc");
    assert_string_equal(remembered(&d), "a,c");
    assert_string_equal(desk_run(&d), "b");
    /* A file that is gone is missing, and then no row says otherwise. */
    assert_int_equal(unlink(d.paths[0]), 0);
    d.s.job.on_missing = ON_MISSING_SKIP;
    assert_string_equal(desk_run(&d), "ab");
    assert_string_equal(remembered(&d), "c");
    desk_end(&d);
}

/* ------------------------------------------------------------------------------------------------- the registry fails */

static void a_ledger_that_cannot_be_read_is_warned_of_once(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 3);
    registry_says(&d, "CREATE TABLE migrate_ledger (x)");
    assert_string_equal(desk_run(&d), "abc|");
    assert_int_equal(times_said(&d, "migrate_ledger cannot be read, so every tenant is visited: "), 1);
    assert_int_equal(times_said(&d, "migrate_ledger"), 1);
    assert_string_equal(registry_says(&d, "SELECT count(*) FROM migrate_ledger"), "0");
    desk_end(&d);
}

static void a_ledger_that_cannot_be_written_is_warned_of_once(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 3);
    desk_run(&d);
    registry_says(&d, "CREATE TRIGGER no BEFORE INSERT ON migrate_ledger BEGIN SELECT raise(ABORT, 'never'); END");
    assert_string_equal(desk_run(&d), ""); /* nothing to write */
    tenant_says(&d, 1, "CREATE TABLE w (x)");
    assert_string_equal(desk_run(&d), "b|ac");
    assert_int_equal(times_said(&d, "migrate_ledger cannot be written, so every tenant is visited: "), 1);
    assert_int_equal(times_said(&d, "migrate_ledger"), 1);
    desk_end(&d);
}

static void who_only_reads_writes_nothing(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 2);
    d.rules.writes = false;
    assert_string_equal(desk_run(&d), "ab");
    assert_string_equal(registry_says(&d, "SELECT count(*) FROM sqlite_schema WHERE name = 'migrate_ledger'"), "0");
    d.rules.writes = true;
    desk_run(&d);
    d.rules.writes = false;
    assert_string_equal(desk_run(&d), "");
    tenant_says(&d, 0, "DROP TABLE u; UPDATE alembic_version SET version_num = 'a1'");
    assert_string_equal(desk_run(&d), "a");
    assert_string_equal(remembered(&d), "a,b");
    assert_string_equal(desk_run(&d), "a");
    desk_end(&d);
}

static void hundreds_of_visits_are_written_while_the_run_goes_on(void **state)
{
    (void)state;
    struct desk d;
    desk_begin(&d, 1);
    desk_open(&d);
    struct place where = desk_place(&d, 0);
    struct outcome out = {0};
    assert_true(visit(&d.s.a, &d.job, &where, NULL, &out));
    for (int i = 0; i < 600; i++) {
        struct tenant t = {.id = arena_printf(&d.s.a, "it's \"%d\"", i)};
        ledger_note(d.ledger, &t, &where, &out);
    }
    assert_string_equal(registry_says(&d, "SELECT count(*) FROM migrate_ledger"), "512");
    ledger_flush(d.ledger);
    ledger_flush(d.ledger);
    assert_string_equal(registry_says(&d, "SELECT count(*) FROM migrate_ledger"), "600");
    ledger_free(d.ledger);
    ledger_free(NULL);
    desk_end(&d);
}

/* -------------------------------------------------------------------------------------------------------- forgetting */

static bool forget(struct desk *d, size_t from, size_t n, struct err *e)
{
    struct tenant_list list = {.v = d->tenants + from, .n = n};
    return ledger_forget(&d->s.job, &d->s.place, "tenant", &list, e);
}

static void who_is_not_at_head_is_never_crowded_out(void **state)
{
    (void)state;
    struct desk d;
    sqlite3 *db = NULL;
    const char *ids[] = {"b1"};
    struct strings heads = {.v = ids, .n = 1};
    struct outcome seen = {.has_state = true, .at_head = true, .server = "s", .rows = heads, .state.rows = heads};
    struct outcome gone = {.has_state = true, .server = "s"};
    desk_begin(&d, 1);
    desk_run(&d);
    d.s.job.lock_timeout_ms = 1;
    desk_open(&d);
    struct place where = desk_place(&d, 0);
    where.address.path = "nowhere";
    assert_int_equal(sqlite3_open(d.s.file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 5000; i++) {
        struct tenant t = {.id = arena_printf(&d.s.a, "n%d", i)};
        ledger_note(d.ledger, &t, &where, &seen);
    }
    ledger_note(d.ledger, &d.tenants[0], &where, &gone);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    ledger_flush(d.ledger);
    ledger_free(d.ledger);
    assert_string_equal(registry_says(&d, "SELECT count(*) FROM migrate_ledger WHERE tenant = 'a'"), "0");
    assert_string_equal(registry_says(&d, "SELECT count(*) FROM migrate_ledger WHERE tenant <> ''"), "4096");
    desk_end(&d);
}

static void forgotten_rows_are_gone(void **state)
{
    (void)state;
    struct desk d;
    AUTO_ERR e = {0};
    desk_begin(&d, 4);
    assert_true(forget(&d, 0, 4, &e)); /* no table */
    assert_string_equal(registry_says(&d, "SELECT count(*) FROM sqlite_schema WHERE name = 'migrate_ledger'"), "0");
    desk_run(&d);
    registry_says(&d, "INSERT INTO migrate_ledger (stream, tenant) VALUES ('another', 'b')");
    assert_true(forget(&d, 1, 2, &e));
    assert_string_equal(remembered(&d), "a,b,d");
    usleep(5000);
    assert_string_equal(desk_run(&d), "bc");
    assert_true(ledger_forget(&d.s.job, &d.s.place, "tenant", NULL, &e));
    assert_string_equal(remembered(&d), "b");
    assert_true(forget(&d, 0, 0, &e));
    usleep(5000);
    assert_string_equal(desk_run(&d), "abcd");
    assert_string_equal(desk_run(&d), "");
    assert_int_equal(e.fault, FAULT_NONE);
    desk_end(&d);
}

static void a_visit_from_before_is_not_written_down(void **state)
{
    (void)state;
    struct desk d;
    AUTO_ERR e = {0};
    desk_begin(&d, 3);
    desk_run(&d);
    registry_says(&d, "UPDATE migrate_ledger SET digest = NULL");
    desk_open(&d);
    desk_visit(&d, 0);
    usleep(5000);
    assert_true(forget(&d, 0, 3, &e));
    usleep(5000);
    desk_visit(&d, 1);
    ledger_flush(d.ledger);
    ledger_free(d.ledger);
    assert_string_equal(remembered(&d), "b");
    desk_end(&d);
}

static void a_visit_is_not_younger_for_being_noted_late(void **state)
{
    (void)state;
    struct desk d;
    struct outcome out = {0};
    AUTO_ERR e = {0};
    desk_begin(&d, 1);
    desk_run(&d);
    desk_open(&d);
    struct place where = desk_place(&d, 0);
    assert_true(visit(&d.s.a, &d.job, &where, NULL, &out));
    usleep(20000 + 1000 * (useconds_t)out.duration_ms);
    assert_true(forget(&d, 0, 1, &e));
    usleep(20000 + 1000 * (useconds_t)out.duration_ms);
    ledger_note(d.ledger, &d.tenants[0], &where, &out);
    assert_false(ledger_doubts(d.ledger));
    ledger_free(d.ledger);
    assert_string_equal(remembered(&d), "");
    desk_end(&d);
}

/* Another process that forgets, and takes its time. */
static void *forget_slowly(void *context)
{
    const struct desk *d = context;
    sqlite3 *db = NULL;
    if (sqlite3_open(d->s.file, &db) != SQLITE_OK)
        abort();
    sqlite3_exec(db,
                 "BEGIN IMMEDIATE; DELETE FROM migrate_ledger; INSERT INTO migrate_ledger (stream, tenant, visited) "
                 "VALUES ('tenant', '', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
                 NULL, NULL, NULL);
    sem_post(d->begun);
    usleep(200000);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    return NULL;
}

static void a_visit_is_not_younger_for_being_written_late(void **state)
{
    (void)state;
    struct desk d;
    sem_t begun;
    pthread_t other;
    desk_begin(&d, 2);
    desk_run(&d);
    registry_says(&d, "UPDATE migrate_ledger SET digest = NULL");
    desk_open(&d);
    desk_visit(&d, 0);
    usleep(5000);
    sem_init(&begun, 0, 0);
    d.begun = &begun;
    assert_int_equal(pthread_create(&other, NULL, forget_slowly, &d), 0);
    sem_wait(&begun);
    assert_false(ledger_doubts(d.ledger));
    pthread_join(other, NULL);
    sem_destroy(&begun);
    ledger_free(d.ledger);
    assert_string_equal(remembered(&d), "");
    desk_end(&d);
}

static void a_row_of_a_later_visit_stays(void **state)
{
    (void)state;
    static const char digests[] = "SELECT digest FROM migrate_ledger ORDER BY tenant";
    struct desk d;
    desk_begin(&d, 2);
    desk_run(&d);
    registry_says(&d, "UPDATE migrate_ledger SET visited = '2001-01-01T00:00:00.000Z'");
    desk_open(&d);
    desk_visit(&d, 0);
    desk_visit(&d, 1);
    usleep(5000);
    registry_says(&d, "UPDATE migrate_ledger SET digest = 'theirs', visited = CASE tenant WHEN 'a' THEN "
                      "strftime('%Y-%m-%dT%H:%M:%fZ', 'now') ELSE '2999-01-01T00:00:00.000Z' END");
    ledger_flush(d.ledger);
    ledger_free(d.ledger);
    /* Unless its clock was wrong. */
    assert_true(strncmp(registry_says(&d, digests), "theirs,", 7) == 0);
    assert_null(strstr(registry_says(&d, digests), ",theirs"));
    desk_end(&d);
}

static void thousands_are_forgotten_at_once(void **state)
{
    (void)state;
    struct desk d;
    struct tenant_list list = {0};
    AUTO_ERR e = {0};
    desk_begin(&d, 1);
    desk_run(&d);
    registry_says(&d, "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1700) "
                      "INSERT INTO migrate_ledger (stream, tenant) SELECT 'tenant', 'n' || i FROM n");
    for (int i = 1; i <= 1699; i++)
        vec_push(&list.arena, &list, (struct tenant){.id = arena_printf(&list.arena, "n%d", i)});
    assert_true(ledger_forget(&d.s.job, &d.s.place, "tenant", &list, &e));
    assert_string_equal(remembered(&d), "a,n1700");
    tenants_free(&list);
    desk_end(&d);
}

static void what_cannot_be_forgotten_stops_the_run(void **state)
{
    (void)state;
    struct desk d;
    AUTO_ERR e = {0};
    desk_begin(&d, 3);
    desk_run(&d);
    registry_says(&d,
                  "DROP TABLE migrate_ledger; CREATE VIEW migrate_ledger AS SELECT 'tenant' AS stream, 'b' AS tenant");
    assert_true(forget(&d, 0, 1, &e)); /* of a there is nothing */
    assert_int_equal(e.fault, FAULT_NONE);
    assert_false(forget(&d, 0, 2, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_non_null(strstr(e.message, "what migrate_ledger says of these tenants cannot be deleted"));
    assert_non_null(strstr(e.hint, "DELETE on migrate_ledger"));
    err_free(&e);
    assert_false(ledger_forget(&d.s.job, &d.s.place, "tenant", NULL, &e));
    desk_end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_run_visits_nobody),
        cmocka_unit_test(each_condition_counts),
        cmocka_unit_test(a_file_that_changed_is_visited),
        cmocka_unit_test(a_write_ahead_log_is_looked_at),
        cmocka_unit_test(a_copied_registry_is_not_believed),
        cmocka_unit_test(another_set_of_revisions_is_visited_and_another_build_is_not),
        cmocka_unit_test(another_version_table_is_another_place),
        cmocka_unit_test(a_sample_is_visited_all_the_same),
        cmocka_unit_test(one_that_is_not_where_it_should_be_raises_doubt),
        cmocka_unit_test(an_edited_history_raises_doubt),
        cmocka_unit_test(a_tenant_not_at_head_has_no_row),
        cmocka_unit_test(a_ledger_that_cannot_be_read_is_warned_of_once),
        cmocka_unit_test(a_ledger_that_cannot_be_written_is_warned_of_once),
        cmocka_unit_test(who_only_reads_writes_nothing),
        cmocka_unit_test(hundreds_of_visits_are_written_while_the_run_goes_on),
        cmocka_unit_test(who_is_not_at_head_is_never_crowded_out),
        cmocka_unit_test(forgotten_rows_are_gone),
        cmocka_unit_test(a_visit_from_before_is_not_written_down),
        cmocka_unit_test(a_visit_is_not_younger_for_being_noted_late),
        cmocka_unit_test(a_visit_is_not_younger_for_being_written_late),
        cmocka_unit_test(a_row_of_a_later_visit_stays),
        cmocka_unit_test(thousands_are_forgotten_at_once),
        cmocka_unit_test(what_cannot_be_forgotten_stops_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
