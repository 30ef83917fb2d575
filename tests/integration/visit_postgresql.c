/*
 * Visits and fleets against a real PostgreSQL: one named case a run, in a database of its own. t_visit_postgresql.sh starts
 * the servers and says where they are (VISIT_SOCKET, VISIT_PORT: superuser "postgres" on the socket; VISIT_BOUNCER_PORT: a
 * PgBouncer in transaction mode before it).
 *
 * `visit_postgresql` lists the cases, a line each: name, tab, sentence. `visit_postgresql NAME` runs one: silent and 0, or
 * it says which line expected what.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/fleet.h"
#include "tests/unit/built.h"

/* ----------------------------------------------------------------------------------------------------- expectations */

static int failures;

#define FAIL(...)                                                                                                      \
    do {                                                                                                               \
        printf("line %d: ", __LINE__);                                                                                 \
        printf(__VA_ARGS__);                                                                                           \
        printf("\n");                                                                                                  \
        failures++;                                                                                                    \
    } while (0)
#define TEXT(got, expected)                                                                                            \
    do {                                                                                                               \
        const char *got_ = (got);                                                                                      \
        if (!got_ || strcmp(got_, expected) != 0)                                                                      \
            FAIL("got \"%s\", expected \"%s\"", got_ ? got_ : "(null)", expected);                                     \
    } while (0)
#define PART(text, part)                                                                                               \
    do {                                                                                                               \
        const char *text_ = (text);                                                                                    \
        if (!text_ || !strstr(text_, part))                                                                            \
            FAIL("\"%s\" lacks \"%s\"", text_ ? text_ : "(null)", part);                                               \
    } while (0)
#define TRUE(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            FAIL("not so: %s", #condition);                                                                            \
    } while (0)
#define FINE(call)                                                                                                     \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            FAIL("%s: %s (%s)", err_fault_name(out.err.fault), out.err.message, out.err.detail ? out.err.detail : ""); \
    } while (0)
#define REFUSED(call, expected_fault, part)                                                                            \
    do {                                                                                                               \
        if (call)                                                                                                      \
            FAIL("it succeeded");                                                                                      \
        else if (out.err.fault != (expected_fault))                                                                    \
            FAIL("%s: %s", err_fault_name(out.err.fault), out.err.message);                                            \
        else                                                                                                           \
            PART(out.err.message, part);                                                                               \
    } while (0)

/* --------------------------------------------------------------------------------------------------- the other side */

static struct arena arena;
static const char *database;

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "visit_postgresql: %s is not set\n", name);
        exit(2);
    }
    return value;
}

static PGconn *session(const char *dbname)
{
    const char *keys[] = {"host", "port", "user", "dbname", "application_name", NULL};
    const char *values[] = {setting("VISIT_SOCKET"), setting("VISIT_PORT"), "postgres", dbname, "the other side", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(2);
    }
    return conn;
}

/* All rows' first columns, joined with ",". */
static const char *ask(PGconn *conn, const char *sql)
{
    BUF_AUTO answer = {0};
    PGresult *r = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        FAIL("%s: %s", sql, PQresultErrorMessage(r));
    for (int i = 0; i < PQntuples(r); i++)
        buf_addf(&answer, "%s%s", i ? "," : "", PQgetvalue(r, i, 0));
    PQclear(r);
    return arena_str(&arena, buf_str(&answer));
}

static const char *sql(const char *text)
{
    PGconn *conn = session(database);
    const char *answer = ask(conn, text);
    PQfinish(conn);
    return answer;
}

static void pause_ms(unsigned ms)
{
    usleep(ms * 1000);
}

static void eventually(const char *text, const char *expected)
{
    for (int i = 0; i < 400; i++, pause_ms(25))
        if (strcmp(sql(text), expected) == 0)
            return;
    FAIL("never \"%s\": %s", expected, text);
}

/* --------------------------------------------------------------------------------------------------------- our side */

static struct buf talk;
static pthread_mutex_t talk_mutex = PTHREAD_MUTEX_INITIALIZER;

static void listen_to(void *context, enum log_level level, const char *line)
{
    (void)context, (void)level;
    pthread_mutex_lock(&talk_mutex);
    buf_addf(&talk, "%s\n", line);
    pthread_mutex_unlock(&talk_mutex);
}
static const struct log ear = {listen_to, NULL};

static struct job job;
static struct outcome out;

static struct address address(const char *dbname)
{
    struct address d = {.dialect = DIALECT_POSTGRESQL};
    address_set(&arena, &d, "host", setting("VISIT_SOCKET"));
    address_set(&arena, &d, "port", setting("VISIT_PORT"));
    address_set(&arena, &d, "user", "postgres");
    address_set(&arena, &d, "dbname", dbname);
    return d;
}

static void carry(const struct built *v, size_t n)
{
    const struct stream *stream = built_stream(&arena, "tenant", v, n);
    struct graph *g = graph_new(&arena, stream);
    job.catalogue = built_catalogue(&arena, stream, NULL);
    job.graph = g;
    for (int d = 0; d < DIALECT_COUNT; d++)
        job.history[d] = history_new(&arena, g, (enum dialect)d);
}

static void begin(const struct built *v, size_t n)
{
    job = (struct job){
        .planned = JOB_READ,
        .connect_timeout_ms = 10000,
        .lock_wait_ms = 60000,
        .lock_timeout_ms = 5000,
        .lock_retries = 10,
        .version_table = "alembic_version",
        .application_name = "ours",
        .client_host = "here",
        .build_id = "feedbeef",
        .log = &ear,
    };
    carry(v, n);
}

static bool go_to(const struct place *where, enum job_kind kind, const char *target)
{
    job.kind = kind;
    job.target = str_from(target);
    err_free(&out.err);
    return visit(&arena, &job, where, NULL, &out);
}

static bool go(enum job_kind kind, const char *target)
{
    struct place where = {.address = address(database)};
    return go_to(&where, kind, target);
}

static pid_t visitor(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid)
        return pid;
    bool ok = go(JOB_UPGRADE, "head");
    if (!ok)
        printf("visitor: %s: %s\n", err_fault_name(out.err.fault), out.err.message);
    fflush(stdout);
    _exit(ok ? 0 : 1);
}

static int status_of(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

static const char *rows(void)
{
    return sql("SELECT version_num FROM alembic_version ORDER BY 1");
}

static const char *finished(void)
{
    return sql("SELECT direction || ':' || revision FROM migrate_log WHERE state = 'done' ORDER BY id");
}

/* -------------------------------------------------------------------------------------------------------- the cases */

static const struct built v1[] = {
    {.id = "a1", .up_sql = "CREATE TABLE t (x int);", .down_sql = "DROP TABLE t;"},
    {.id = "b1",
     .down = "a1",
     .up_sql = "INSERT INTO t VALUES (1);\nCREATE TABLE u (x int);",
     .down_sql = "DROP TABLE u;\nDELETE FROM t;"},
    {.id = "c1", .down = "b1", .up_sql = "CREATE TABLE v (x int);", .down_sql = "DROP TABLE v;"},
};

static void case_story(void)
{
    begin(v1, 3);
    FINE(go(JOB_UPGRADE, "head"));
    TRUE(out.applied == 3 && out.at_head && !out.created);
    FINE(go(JOB_UPGRADE, "head"));
    TRUE(out.applied == 0 && out.findings.n == 0);
    TEXT(finished(), "upgrade:a1,upgrade:b1,upgrade:c1");
    FINE(go(JOB_DOWNGRADE, "-2"));
    TEXT(rows(), "a1");
    FINE(go(JOB_UPGRADE, "+1"));
    TEXT(rows(), "b1");
    FINE(go(JOB_DOWNGRADE, "base"));
    TEXT(rows(), "");
    job.together = true;
    FINE(go(JOB_UPGRADE, "head"));
    TRUE(out.applied == 3 && out.findings.n == 0);
    struct built edited[3];
    memcpy(edited, v1, sizeof edited);
    edited[1].up_sql = "INSERT INTO t VALUES (2);\nCREATE TABLE u (x int);";
    carry(edited, 3);
    REFUSED(go(JOB_UPGRADE, "head"), FAULT_EDITED, "revision b1 changed after being applied");
    FINE(go(JOB_REPAIR, ""));
    TRUE(out.repaired.n == 1);
    FINE(go(JOB_UPGRADE, "head"));
    TRUE(out.findings.n == 0);
}

static void case_takeover(void)
{
    begin(v1, 3);
    sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY "
        "(version_num)); INSERT INTO alembic_version VALUES ('b1'); CREATE TABLE t (x int); CREATE TABLE u (x int)");
    FINE(go(JOB_UPGRADE, "b1"));
    TEXT(finished(), "adopt:a1,adopt:b1");
    FINE(go(JOB_UPGRADE, "head"));
    TEXT(finished(), "adopt:a1,adopt:b1,upgrade:c1");
    struct strings base = {0};
    vec_push(&arena, &base, "base");
    job.targets = base;
    FINE(go(JOB_STAMP, ""));
    TEXT(rows(), "");
    FINE(go(JOB_ENSURE_VERSION, ""));
}

static void case_missing(void)
{
    begin(v1, 3);
    struct place where = {.address = address(arena_printf(&arena, "%s of nobody", database))};
    REFUSED(go_to(&where, JOB_UPGRADE, "head"), FAULT_MISSING, "does not exist");
    PART(out.err.hint, "--on-missing create");
    job.on_missing = ON_MISSING_SKIP;
    FINE(go_to(&where, JOB_UPGRADE, "head"));
    TRUE(out.skipped);
    job.on_missing = ON_MISSING_CREATE;
    REFUSED(go_to(&where, JOB_READ, ""), FAULT_MISSING, "does not exist");
    FINE(go_to(&where, JOB_UPGRADE, "head"));
    TRUE(out.created && out.applied == 3);
}

/* ---- waiting ---- */

static void case_wait(void)
{
    begin(v1, 3);
    struct place where = {.address = address(database)};
    address_set(&arena, &where.address, "port", "1");
    int64_t began = clock_ms();
    REFUSED(go_to(&where, JOB_WAIT, ""), FAULT_UNREACHABLE, "");
    TRUE(clock_ms() - began < 500);
    job.wait_ms = 700;
    began = clock_ms();
    REFUSED(go_to(&where, JOB_WAIT, ""), FAULT_UNREACHABLE, "");
    TRUE(clock_ms() - began >= 700);
    FINE(go(JOB_WAIT, ""));
}

static void *let_go_later(void *context)
{
    pause_ms(700);
    PQfinish(context);
    return NULL;
}

static void case_full(void)
{
    pthread_t thread;
    begin(v1, 3);
    sql("DROP ROLE IF EXISTS narrow; CREATE ROLE narrow LOGIN CONNECTION LIMIT 1");
    sql("GRANT CREATE ON SCHEMA public TO narrow");
    struct place where = {.address = address(database)};
    address_set(&arena, &where.address, "user", "narrow");
    const char *keys[] = {"host", "port", "user", "dbname", NULL};
    const char *values[] = {setting("VISIT_SOCKET"), setting("VISIT_PORT"), "narrow", database, NULL};
    PGconn *only = PQconnectdbParams(keys, values, 0);
    TRUE(PQstatus(only) == CONNECTION_OK);
    job.lock_wait_ms = 300;
    REFUSED(go_to(&where, JOB_UPGRADE, "head"), FAULT_UNREACHABLE, "");
    TEXT(out.err.sqlstate, "53300");
    job.lock_wait_ms = 20000;
    pthread_create(&thread, NULL, let_go_later, only);
    FINE(go_to(&where, JOB_UPGRADE, "head"));
    pthread_join(thread, NULL);
    sql("DROP OWNED BY narrow; DROP ROLE narrow");
}

#define LOCK "SELECT pg_advisory_lock(hashtextextended('profile-migrate:public.alembic_version', 0))"

static void case_busy(void)
{
    pthread_t thread;
    begin(v1, 3);
    PGconn *holder = session(database);
    ask(holder, LOCK);
    job.lock_wait_ms = 400;
    REFUSED(go(JOB_UPGRADE, "head"), FAULT_BUSY, "another process migrates this database; waited 400 ms");
    PART(out.err.detail, "held by ");
    TEXT(sql("SELECT count(*) FROM pg_class WHERE relname = 't'"), "0");
    job.lock_wait_ms = 20000;
    pthread_create(&thread, NULL, let_go_later, holder);
    FINE(go(JOB_UPGRADE, "head"));
    pthread_join(thread, NULL);
    TEXT(rows(), "c1");
}

static void case_lock_timeout(void)
{
    static const struct built alter[] = {
        {.id = "a1", .up_sql = "CREATE TABLE t (x int);", .down_sql = "DROP TABLE t;"},
        {.id = "b1",
         .down = "a1",
         .up_sql = "CREATE TABLE u (x int);\nALTER TABLE t ADD COLUMN y int;",
         .down_sql = "DROP TABLE u;"},
    };
    pthread_t thread;
    begin(alter, 2);
    FINE(go(JOB_UPGRADE, "a1"));
    PGconn *holder = session(database);
    ask(holder, "BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
    job.lock_timeout_ms = 50;
    job.lock_retries = 2;
    REFUSED(go(JOB_UPGRADE, "head"), FAULT_LOCK, "revision b1: ");
    PART(out.err.hint, "tried 3 times");
    TEXT(out.failed_revision->id, "b1");
    PART(talk.p, "; trying again");
    TEXT(rows(), "a1");
    job.lock_retries = 30;
    pthread_create(&thread, NULL, let_go_later, holder);
    FINE(go(JOB_UPGRADE, "head"));
    pthread_join(thread, NULL);
    TEXT(finished(), "upgrade:a1,upgrade:b1");
}

/* ---- broken connections ---- */

#define CUT                                                                                                            \
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ours%' AND datname = current_database()"

static void *cut_soon(void *context)
{
    (void)context;
    pause_ms(500);
    sql(CUT);
    return NULL;
}

static void case_cut(void)
{
    static const struct built slow[] = {
        {.id = "a1", .up_sql = "CREATE TABLE t (x int);", .down_sql = "DROP TABLE t;"},
        {.id = "b1",
         .down = "a1",
         .up_sql = "INSERT INTO t VALUES (1);\nSELECT pg_sleep(1);",
         .down_sql = "DELETE FROM t;"},
        {.id = "c1",
         .down = "b1",
         .flags = SECTION_NO_TRANSACTION,
         .up_sql = "INSERT INTO t VALUES (2);\nINSERT INTO t SELECT 3 FROM pg_sleep(1);",
         .down_sql = "DELETE FROM t;"},
    };
    pthread_t thread;
    begin(slow, 3);
    for (int i = 0; i < 2; i++) {
        pthread_create(&thread, NULL, cut_soon, NULL);
        FINE(go(JOB_UPGRADE, i ? "c1" : "b1"));
        pthread_join(thread, NULL);
        PART(talk.p, "connecting again");
        buf_reset(&talk);
    }
    TEXT(finished(), "upgrade:a1,upgrade:b1,upgrade:c1");
    TEXT(sql("SELECT x FROM t ORDER BY x"), "1,2,3");
}

/* Others change the rows between our look and our commit. */
static void case_changed(void)
{
    begin(v1, 3);
    FINE(go(JOB_UPGRADE, "a1"));
    PGconn *holder = session(database);
    ask(holder, LOCK);
    pid_t pid = visitor();
    pause_ms(300);
    ask(holder,
        "BEGIN; INSERT INTO t VALUES (1); CREATE TABLE u (x int); UPDATE alembic_version SET version_num = 'b1'; COMMIT");
    PQfinish(holder);
    TRUE(status_of(pid) == 0);
    TEXT(rows(), "c1");
    TEXT(finished(), "upgrade:a1,adopt:b1,upgrade:c1");
    TEXT(sql("SELECT count(*) FROM t"), "1");
}

/* ---- CREATE INDEX CONCURRENTLY ---- */

static const struct built concurrent[] = {
    {.id = "a1", .up_sql = "CREATE TABLE t (x int);\nINSERT INTO t VALUES (1), (1);", .down_sql = "DROP TABLE t;"},
    {.id = "b1",
     .down = "a1",
     .flags = SECTION_NO_TRANSACTION,
     .up_sql = "INSERT INTO t VALUES (2);\nCREATE INDEX CONCURRENTLY t_x ON t (x);\nINSERT INTO t VALUES (3);",
     .down_sql = "DROP INDEX CONCURRENTLY t_x;\nDELETE FROM t WHERE x > 1;"},
};

#define VALID "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_x')"
#define PROGRESS "SELECT state || coalesce(statement::text, '') FROM migrate_log WHERE revision = 'b1' ORDER BY id"

static void case_concurrently(void)
{
    begin(concurrent, 2);
    FINE(go(JOB_UPGRADE, "head"));
    TEXT(sql(VALID), "t");
    TEXT(sql(PROGRESS), "statement1,started1,statement2,statement3,done");
    FINE(go(JOB_DOWNGRADE, "a1"));
    TEXT(sql(VALID), "");
    TEXT(sql("SELECT count(*) FROM t"), "2");
    FINE(go(JOB_UPGRADE, "head"));
    TEXT(sql("SELECT x FROM t ORDER BY x"), "1,1,2,3");
}

static const struct built unique_index[] = {
    {.id = "a1", .up_sql = "CREATE TABLE t (x int);\nINSERT INTO t VALUES (1), (1);", .down_sql = "DROP TABLE t;"},
    {.id = "b1",
     .down = "a1",
     .flags = SECTION_NO_TRANSACTION,
     .up_sql = "CREATE INDEX CONCURRENTLY t_x ON t ((1/(x-1)));",
     .down_sql = "DROP INDEX CONCURRENTLY t_x;"},
};

static void case_invalid_index(void)
{
    begin(unique_index, 2);
    REFUSED(go(JOB_UPGRADE, "head"), FAULT_FAILED, "revision b1: ");
    TEXT(sql(VALID), "f");
    TEXT(sql(PROGRESS), "started0");
    REFUSED(go(JOB_UPGRADE, "head"), FAULT_FAILED, "division by zero");
    PART(talk.p, "dropping the invalid index \"t_x\"");
    FINE(go(JOB_REPAIR, ""));
    TRUE(out.repaired.n == 1);
    TEXT(out.repaired.v[0], "revision b1: dropped the invalid index \"t_x\" that an interrupted run left");
    TEXT(sql(VALID), "");
    sql("UPDATE t SET x = x + 4");
    FINE(go(JOB_UPGRADE, "head"));
    TEXT(sql(VALID), "t");
}

static void case_foreign_index(void)
{
    begin(unique_index, 2);
    FINE(go(JOB_UPGRADE, "a1"));
    PGconn *other = session(database);
    PQclear(PQexec(other, "CREATE INDEX CONCURRENTLY t_x ON t ((1/(x-1)))"));
    PQfinish(other);
    TEXT(sql(VALID), "f");
    REFUSED(go(JOB_UPGRADE, "head"), FAULT_FAILED, "the log does not say that it was begun here");
    TEXT(sql(VALID), "f");
    FINE(go(JOB_REPAIR, ""));
    TRUE(out.repaired.n == 0);
    TEXT(sql(VALID), "f");
}

/* Killed between the index and its row: the index is there, and counts. */
static void case_finished_index(void)
{
    begin(concurrent, 2);
    PGconn *blocker = session(database);
    FINE(go(JOB_UPGRADE, "a1"));
    ask(blocker, "BEGIN; INSERT INTO t VALUES (9)");
    pid_t pid = visitor();
    eventually("SELECT count(*) FROM migrate_log WHERE state = 'started'", "1");
    pause_ms(300);
    kill(pid, SIGKILL);
    status_of(pid);
    eventually(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'ours%' AND datname = current_database()",
        "0");
    TEXT(sql(VALID), "f");
    ask(blocker, "ROLLBACK");
    PQfinish(blocker);
    sql("DROP INDEX t_x");
    sql("CREATE INDEX t_x ON t (x)");
    FINE(go(JOB_UPGRADE, "head"));
    TEXT(sql(PROGRESS), "statement1,started1,statement2,statement3,done");
    TEXT(sql("SELECT x FROM t ORDER BY x"), "1,1,2,3");
}

static void case_killed_index(void)
{
    begin(concurrent, 2);
    PGconn *blocker = session(database);
    FINE(go(JOB_UPGRADE, "a1"));
    ask(blocker, "BEGIN; INSERT INTO t VALUES (9)");
    pid_t first = visitor();
    eventually("SELECT count(*) FROM migrate_log WHERE state = 'started'", "1");
    pause_ms(300);
    kill(first, SIGKILL);
    pid_t second = visitor(); /* comes while the first one's session may still be there */
    status_of(first);
    pause_ms(600);
    ask(blocker, "ROLLBACK");
    PQfinish(blocker);
    TRUE(status_of(second) == 0);
    TEXT(sql(VALID), "t");
    TEXT(sql("SELECT x FROM t ORDER BY x"), "1,1,2,3");
    TEXT(finished(), "upgrade:a1,upgrade:b1");
}

static void case_bouncer(void)
{
    begin(concurrent, 2);
    struct place where = {.address = address(database)};
    address_set(&arena, &where.address, "host", "127.0.0.1");
    address_set(&arena, &where.address, "port", setting("VISIT_BOUNCER_PORT"));
    FINE(go_to(&where, JOB_UPGRADE, "a1"));
    REFUSED(go_to(&where, JOB_UPGRADE, "head"), FAULT_POLICY, "revision b1: a revision with transaction:false needs");
    PART(out.err.hint, "set the stream's \"host\", or ");
    TEXT(rows(), "a1");
}

/* ---- crowds and kills ---- */

enum { MANY = 20 };

static void carry_many(void)
{
    struct built *v = ARENA_ARRAY(&arena, struct built, MANY);
    for (int i = 0; i < MANY; i++) {
        v[i] = (struct built){
            .id = arena_printf(&arena, "r%02d", i),
            .down = i ? arena_printf(&arena, "r%02d", i - 1) : "",
            .up_sql = arena_printf(&arena, "CREATE TABLE t%d (x int);\nINSERT INTO t%d VALUES (%d);", i, i, i),
            .down_sql = arena_printf(&arena, "DROP TABLE t%d;", i),
        };
        if (i % 7 == 6) {
            v[i].flags = SECTION_NO_TRANSACTION;
            v[i].up_sql = arena_printf(&arena,
                                       "CREATE TABLE t%d (x int);\nCREATE INDEX CONCURRENTLY i%d ON t0 (x);\n"
                                       "INSERT INTO t%d VALUES (%d);",
                                       i, i, i, i);
        }
    }
    carry(v, MANY);
}

static void check_each_once(void)
{
    TEXT(rows(), "r19");
    TEXT(sql("SELECT count(*) || ' ' || count(DISTINCT revision) FROM migrate_log WHERE state = 'done'"), "20 20");
    TEXT(sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
    for (int i = 0; i < MANY; i++)
        TEXT(sql(arena_printf(&arena, "SELECT count(*) FROM t%d", i)), "1");
}

static void case_crowd(void)
{
    pid_t pids[20];
    begin(v1, 3);
    carry_many();
    for (size_t i = 0; i < 20; i++)
        pids[i] = visitor();
    for (size_t i = 0; i < 20; i++)
        TRUE(status_of(pids[i]) == 0);
    check_each_once();
}

static void case_kills(void)
{
    unsigned seed = 7;
    int status = -1;
    begin(v1, 3);
    carry_many();
    for (int attempt = 0; attempt < 300; attempt++) {
        pid_t pid = visitor();
        usleep((useconds_t)(rand_r(&seed) % 60000));
        kill(pid, SIGKILL);
        if ((status = status_of(pid)) == 0)
            break;
        TRUE(WIFSIGNALED(status));
    }
    if (status)
        TRUE(status_of(visitor()) == 0);
    check_each_once();
}

/* ---- a fleet of schemas ---- */

static bool place_of(void *context, struct arena *a, const struct tenant_list *list, const struct tenant *t,
                     struct place *where, struct err *e)
{
    (void)context, (void)list, (void)e;
    *where = (struct place){.tenant = t->id, .schema = t->schema};
    where->address.dialect = DIALECT_POSTGRESQL;
    address_set(a, &where->address, "host", setting("VISIT_SOCKET"));
    address_set(a, &where->address, "port", setting("VISIT_PORT"));
    address_set(a, &where->address, "user", "postgres");
    address_set(a, &where->address, "dbname", t->url);
    return true;
}

static void case_schemas(void)
{
    struct tenant_list list = {0};
    struct fleet_result result;
    struct addresser addresser = {.place = place_of};
    struct fleet_options options = {.jobs = 4};
    static const struct built by_tenant[] = {
        {.id = "a1",
         .up_sql = "CREATE TABLE t AS SELECT current_setting('migrate.tenant_id') AS x;",
         .down_sql = "DROP TABLE t;"},
        {.id = "b1",
         .down = "a1",
         .flags = SECTION_NO_TRANSACTION,
         .up_sql = "CREATE INDEX CONCURRENTLY t_x ON t (x);",
         .down_sql = "DROP INDEX CONCURRENTLY t_x;"},
    };
    begin(by_tenant, 2);
    sql("CREATE TABLE tenants AS SELECT 't' || i AS tenant_id, current_database() AS database_url, 's' || i AS schema "
        "FROM generate_series(1, 30) i");
    sql("DO $$ BEGIN FOR i IN 1..30 LOOP EXECUTE format('CREATE SCHEMA s%s', i); END LOOP; END $$");
    struct place registry = {.address = address(database)};
    if (!tenants_read(&job, &registry, "SELECT * FROM tenants ORDER BY tenant_id", &list, &out.err))
        FAIL("%s", out.err.message);
    TRUE(list.n == 30);
    job.kind = JOB_UPGRADE;
    job.target = STR("head");
    int before = (int)strtol(sql("SELECT sessions FROM pg_stat_database WHERE datname = current_database()"), NULL, 10);
    TRUE(fleet_run(&job, &list, &addresser, &options, &result, &out.err));
    for (size_t i = 0; i < result.n_failures; i++)
        FAIL("%s: %s", list.v[result.failures[i].tenant].id, result.failures[i].err.message);
    TRUE(result.done == 30 && result.steps == 60);
    fleet_free(&result);
    TRUE(fleet_run(&job, &list, &addresser, &options, &result, &out.err));
    TRUE(result.done == 30 && result.changed == 0);
    fleet_free(&result);
    pause_ms(1200); /* sessions are counted when they end, and reported a little later */
    int after = (int)strtol(sql("SELECT sessions FROM pg_stat_database WHERE datname = current_database()"), NULL, 10);
    TRUE(after - before <= 2 * 4 + 4); /* one for each worker and run, and a few of this test's own */
    TEXT(sql("SELECT x FROM s17.t"), "t17");
    TEXT(sql("SELECT version_num FROM s30.alembic_version"), "b1");
    TEXT(sql("SELECT count(*) FROM pg_class WHERE relname = 'alembic_version'"), "30");
    tenants_free(&list);
    if (tenants_read(&job, &registry, "SELECT * FROM nowhere", &list, &out.err))
        FAIL("it succeeded");
    TRUE(out.err.fault == FAULT_CONFIG);
    TEXT(out.err.hint, "run `migrate tenant head` first");
}

static const struct {
    const char *name, *sentence;
    void (*run)(void);
} cases[] = {
    {"story", "goes up, down, up in one transaction, and repairs", case_story},
    {"takeover", "takes over what Alembic made", case_takeover},
    {"missing", "fails, skips or makes a missing database", case_missing},
    {"wait", "waits for a server only when told to", case_wait},
    {"full", "asks again when there are too many connections", case_full},
    {"busy", "waits for the migration lock, and names its holder", case_busy},
    {"lock_timeout", "repeats a revision that could not lock a table", case_lock_timeout},
    {"cut", "connects again when the connection is cut, and applies everything once", case_cut},
    {"changed", "plans anew when another process was first", case_changed},
    {"concurrently", "runs a section statement by statement, both ways", case_concurrently},
    {"invalid_index", "drops and builds the invalid index that it left itself", case_invalid_index},
    {"foreign_index", "leaves an invalid index alone that is not its own", case_foreign_index},
    {"finished_index", "counts an index that was finished without its row", case_finished_index},
    {"killed_index", "builds an index anew whose builder was killed", case_killed_index},
    {"bouncer", "refuses statement-wise work through a pooler", case_bouncer},
    {"crowd", "applies everything once when twenty start together", case_crowd},
    {"kills", "loses nothing under kill -9", case_kills},
    {"schemas", "visits a schema for each tenant over few connections", case_schemas},
};

static void make_database(const char *name)
{
    PGconn *conn = session("postgres");
    database = arena_printf(&arena, "visit %s", name);
    ask(conn, arena_printf(&arena, "DROP DATABASE IF EXISTS \"%s of nobody\" WITH (FORCE)", database));
    ask(conn, arena_printf(&arena, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", database));
    ask(conn, arena_printf(&arena, "CREATE DATABASE \"%s\" TEMPLATE template0", database));
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc < 2)
            printf("%s\t%s\n", cases[i].name, cases[i].sentence);
        else if (strcmp(argv[1], cases[i].name) == 0) {
            make_database(cases[i].name);
            cases[i].run();
            if (failures && talk.n)
                printf("%s", talk.p);
            err_free(&out.err);
            buf_free(&talk);
            arena_free(&arena);
            return failures ? 1 : 0;
        }
    }
    return argc < 2 ? 0 : 2;
}
