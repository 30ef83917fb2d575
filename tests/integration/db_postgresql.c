/*
 * The PostgreSQL backend against real servers: one named case a run, in a database of its own. t_db_postgresql.sh starts
 * the servers and says where they are:
 *
 *     DB_SOCKET, DB_PORT           a server that trusts everybody on its socket; superuser "postgres"
 *     DB_STANDBY_SOCKET, DB_STANDBY_PORT   one like it that is in recovery
 *     DB_SCRAM_PORT                the TCP port of a server that wants passwords, superuser's in DB_PASSWORD
 *     DB_BOUNCER_PORT              a PgBouncer in transaction mode before the first server
 *
 * `db_postgresql` lists the cases, a line each: name, tab, sentence. `db_postgresql NAME` runs one: silent and 0, or it
 * says which line expected what.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/db.h"

/* ------------------------------------------------------------------------------------------------- expectations */

static int failures;

__attribute__((format(printf, 2, 3))) static void fail_at(int line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("line %d: ", line);
    vprintf(format, ap);
    printf("\n");
    va_end(ap);
    failures++;
}

static void expect_text(int line, const char *got, const char *expected)
{
    if (!got || strcmp(got, expected) != 0)
        fail_at(line, "got \"%s\", expected \"%s\"", got ? got : "(null)", expected);
}

static void expect_part(int line, const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_at(line, "\"%s\" lacks \"%s\"", text ? text : "(null)", part);
}

static bool expect_ok(int line, bool ok, const struct err *e)
{
    BUF_AUTO text = {0};
    if (ok)
        return true;
    err_format(&text, e, err_fault_name(e->fault));
    fail_at(line, "%s[%s]", text.p, e->sqlstate);
    return false;
}

static void expect_fault(int line, bool ok, const struct err *e, enum fault fault, const char *part)
{
    BUF_AUTO text = {0};
    if (ok) {
        fail_at(line, "succeeded");
        return;
    }
    err_format(&text, e, err_fault_name(e->fault));
    if (e->fault != fault)
        fail_at(line, "expected fault \"%s\", got %s[%s]", err_fault_name(fault), text.p, e->sqlstate);
    if (part)
        expect_part(line, text.p, part);
}

#define TEXT(got, expected) expect_text(__LINE__, got, expected)
#define PART(text, part) expect_part(__LINE__, text, part)
#define OK(call) expect_ok(__LINE__, call, e)
#define TRUE(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_at(__LINE__, "not so: %s", #condition);                                                               \
    } while (0)
#define FAULT(call, fault, part)                                                                                       \
    do {                                                                                                               \
        bool fault_ok = (call);                                                                                        \
        expect_fault(__LINE__, fault_ok, e, fault, part);                                                              \
    } while (0)

/* ------------------------------------------------------------------------------------------------- the other side */

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "db_postgresql: %s is not set\n", name);
        exit(2);
    }
    return value;
}

static char database[64];

static PGconn *session(const char *dbname)
{
    const char *keys[] = {"host", "port", "user", "dbname", "application_name", NULL};
    const char *values[] = {setting("DB_SOCKET"), setting("DB_PORT"), "postgres", dbname, "the other side", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(2);
    }
    return conn;
}

/* Runs SQL in an open session; the first value, or "". */
static const char *ask(PGconn *conn, const char *sql)
{
    static char answer[4096];
    PGresult *r = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_at(0, "%s: %s", sql, PQresultErrorMessage(r));
    snprintf(answer, sizeof answer, "%s", PQntuples(r) && PQnfields(r) ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
    return answer;
}

/* Runs SQL in the case's database. */
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

static bool eventually(const char *text, const char *expected)
{
    for (int i = 0; i < 200; i++, pause_ms(25))
        if (strcmp(sql(text), expected) == 0)
            return true;
    fail_at(0, "never \"%s\": %s", expected, text);
    return false;
}

/* ------------------------------------------------------------------------------------------------- our side */

static struct arena arena;
static struct stop stop;
static struct buf talked;

static void listen_to(void *context, enum log_level level, const char *line)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)context;
    pthread_mutex_lock(&lock);
    buf_addf(&talked, "%d %s\n", (int)level, line);
    pthread_mutex_unlock(&lock);
}
static const struct log ear = {listen_to, NULL};

static struct address address(const char *const *words)
{
    struct address d = {.dialect = DIALECT_POSTGRESQL};
    for (; words[0]; words += 2)
        address_set(&arena, &d, words[0], words[1]);
    return d;
}
#define ADDRESS(...) address((const char *const[]){__VA_ARGS__, NULL})

static struct address here(void)
{
    return ADDRESS("host", setting("DB_SOCKET"), "port", setting("DB_PORT"), "user", "postgres", "dbname", database);
}

static struct db_options options(void)
{
    return (struct db_options){.stream = "tenant",
                               .version_table = "alembic_version",
                               .application_name = "profile-migrate/test",
                               .actor = "o'actor",
                               .client_host = "back\\slash",
                               .build_id = "0123456789abcdef",
                               .connect_timeout_ms = 10000,
                               .deadline = DEADLINE_NEVER,
                               .stop = &stop,
                               .log = &ear};
}

static struct db *open_with(struct address where, struct db_options o, struct err *e)
{
    struct db *db = NULL;
    if (!db_open(&db, &where, &o, e))
        return NULL;
    return db;
}

static struct db *must_open(struct address where, struct db_options o)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db *db = open_with(where, o, e);
    if (!OK(db != NULL))
        exit(1);
    return db;
}

static struct db *open_here(void)
{
    return must_open(here(), options());
}

/* A revision from its body; every ";" at the end of a line ends a statement. */
struct made {
    struct revision revision;
    struct revision_section section;
    struct step step;
    struct log_entry entry;
    struct db_step work;
};

static struct revision_statement *cut(const char *text, size_t from, uint32_t *n)
{
    VEC(struct revision_statement) list = {0};
    for (size_t i = from; text[i];) {
        while (text[i] && strchr(" \n", text[i]))
            i++;
        if (!text[i])
            break;
        const char *end = strstr(text + i, ";\n");
        size_t length = end ? (size_t)(end - text) - i : strlen(text) - i;
        vec_push(&arena, &list,
                 (struct revision_statement){.offset = (uint32_t)i, .length = (uint32_t)length, .kind = "SQL"});
        i += length + (end != NULL);
    }
    *n = (uint32_t)list.n;
    return list.v;
}

static struct made *make(const char *id, const char *body)
{
    struct made *m = ARENA_NEW(&arena, struct made);
    const char *head = "-- Revision: x\n\n-- migrate:up\n";
    const char *text = arena_printf(&arena, "%s%s", head, body);
    m->section = (struct revision_section){.direction = DIRECTION_UP,
                                           .dialects = DIALECT_BIT(DIALECT_POSTGRESQL),
                                           .line = 3,
                                           .offset = (uint32_t)strlen(head),
                                           .length = (uint32_t)strlen(body)};
    m->section.statements = cut(text, m->section.offset, &m->section.n_statements);
    m->revision = (struct revision){.id = id,
                                    .message = "made",
                                    .path = arena_printf(&arena, "tenant/versions/%s.sql", id),
                                    .text = (const unsigned char *)text,
                                    .length = (uint32_t)strlen(text),
                                    .sections = &m->section,
                                    .n_sections = 1};
    m->entry = (struct log_entry){.revision = id,
                                  .parents = "p1,p2",
                                  .depends = "",
                                  .direction = "upgrade",
                                  .message = "it's \"made\" \\ here",
                                  .checksum = "c",
                                  .checksum_version = 1,
                                  .rows_after = id,
                                  .digest = "d",
                                  .state = "done",
                                  .statement = -1};
    m->work = (struct db_step){
        .step = &m->step, .section = &m->section, .entries = &m->entry, .n_entries = 1, .lock_timeout_ms = 5000};
    return m;
}

/* The step's rows: from one row, or none (NULL), to the revision's own. */
static struct made *step(const char *id, const char *from, const char *body)
{
    struct made *m = make(id, body);
    struct row_change *change = ARENA_NEW(&arena, struct row_change);
    *change = (struct row_change){from ? ROW_UPDATE : ROW_INSERT, from, id};
    m->step = (struct step){.kind = STEP_UPGRADE, .revision = &m->revision, .changes = change, .n_changes = 1};
    if (from)
        vec_push(&arena, &m->step.before, from);
    vec_push(&arena, &m->step.after, id);
    return m;
}

static bool apply(struct db *db, const struct made *m, struct err *e)
{
    size_t done = 0;
    bool ok = db_apply(db, &m->work, 1, false, &done, e);
    TRUE(done == (ok ? 1 : 0));
    return ok;
}

static const char *rows(void)
{
    return sql(
        "SELECT coalesce(string_agg(version_num, ',' ORDER BY version_num COLLATE \"C\"), 'none') FROM alembic_version");
}

#define OPEN                                                                                                           \
    AUTO_ERR fault = {0};                                                                                              \
    struct err *e = &fault;                                                                                            \
    struct db *db = open_here()

/* ------------------------------------------------------------------------------------------------- a server of straw */

/* Speaks as much of the protocol as a connection attempt needs: answers with the bytes it was given, or is silent. */
struct straw {
    int listener;
    char port[8];
    const char *answer;
    size_t n;
    pthread_t thread;
};

static void *be_straw(void *context)
{
    struct straw *s = context;
    int client = accept(s->listener, NULL, NULL);
    char heard[1024];
    if (client < 0 || read(client, heard, sizeof heard) <= 0 || (s->n && write(client, s->answer, s->n) < 0))
        return NULL;
    while (read(client, heard, sizeof heard) > 0)
        ;
    close(client);
    return NULL;
}

static struct address start_server(struct straw *s, void *(*be)(void *), const char *answer, size_t n)
{
    struct sockaddr_in here_ip = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here_ip;
    s->answer = answer;
    s->n = n;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s->listener, (struct sockaddr *)&here_ip, size) != 0 || listen(s->listener, 1) != 0)
        exit(2);
    getsockname(s->listener, (struct sockaddr *)&here_ip, &size);
    snprintf(s->port, sizeof s->port, "%d", ntohs(here_ip.sin_port));
    pthread_create(&s->thread, NULL, be, s);
    return ADDRESS("host", "127.0.0.1", "port", s->port, "user", "u", "dbname", "d", "sslmode", "disable");
}

static struct address start_straw(struct straw *s, const char *answer, size_t n)
{
    return start_server(s, be_straw, answer, n);
}

static void end_straw(struct straw *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

static void add_packet(struct buf *b, char type, const char *body, size_t n)
{
    uint32_t length = htonl((uint32_t)n + 4);
    buf_addc(b, type);
    buf_add(b, &length, 4);
    buf_add(b, body, n);
}
#define PACKET(b, type, literal) add_packet(b, type, literal, sizeof(literal) - 1)

static void welcome(struct buf *b)
{
    PACKET(b, 'R', "\0\0\0\0");
    PACKET(b, 'S', "client_encoding\0UTF8\0");
}
static void be_ready(struct buf *b)
{
    PACKET(b, 'K', "\0\0\0\1\0\0\0\2");
    PACKET(b, 'Z', "I");
}

/* ------------------------------------------------------------------------------------------------- opening */

static void case_open(void)
{
    OPEN;
    TEXT(sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'profile-migrate/test' AND datname = "
             "current_database()"),
         "1");
    TRUE(db_dialect(db) == DIALECT_POSTGRESQL);
    db_close(db);
    db_close(NULL);
    (void)e;
}

static void case_missing(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = here();
    address_set(&arena, &where, "dbname", "no such \"one\"");
    FAULT(open_with(where, options(), e) != NULL, FAULT_MISSING, "database \"no such \"one\"\" does not exist");
    TEXT(e->sqlstate, "3D000");
    TRUE(!strstr(e->message, "3D000") && !strstr(e->message, "LOCATION"));
}

static void *create_it(void *context)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_options o = options();
    o.create = true;
    struct db *db = open_with(*(struct address *)context, o, e);
    OK(db != NULL);
    db_close(db);
    return NULL;
}

static void case_create(void)
{
    pthread_t threads[6];
    struct address where = here();
    PGconn *conn = session("postgres");
    address_set(&arena, &where, "dbname", "made \"here\"");
    ask(conn, "DROP DATABASE IF EXISTS \"made \"\"here\"\"\"");
    for (size_t i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, create_it, &where);
    for (size_t i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    TEXT(ask(conn, "SELECT count(*) FROM pg_database WHERE datname = 'made \"here\"'"), "1");
    PQfinish(conn);
}

static void case_create_reading(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = here();
    struct db_options o = options();
    o.create = o.read_only = true;
    address_set(&arena, &where, "dbname", "never made");
    FAULT(open_with(where, o, e) != NULL, FAULT_MISSING, "does not exist");
}

static void case_passwords(void)
{
    static const char *const passwords[] = {"p@ss/w", "a:b#c?d%e+f'g", "%40%2F", "@", "x y", "\\'"};
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
        BUF_AUTO text = {0};
        struct address where = ADDRESS("host", "127.0.0.1", "port", setting("DB_SCRAM_PORT"), "user", "postgres",
                                       "dbname", "postgres", "password", passwords[i]);
        FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN,
              "password authentication failed for user \"postgres\"");
        TEXT(e->sqlstate, "28P01");
        err_format(&text, e, NULL);
        TRUE(strlen(passwords[i]) < 3 || !strstr(text.p, passwords[i]));
        /* A name that holds the password is where libpq would repeat it. */
        address_set(&arena, &where, "host", arena_printf(&arena, "%s.invalid", passwords[i]));
        if (strlen(passwords[i]) < 3 || open_with(where, options(), e))
            continue;
        buf_reset(&text);
        err_format(&text, e, NULL);
        TRUE(!strstr(text.p, passwords[i]));
    }
    struct address where = ADDRESS("host", "127.0.0.1", "port", setting("DB_SCRAM_PORT"), "user", "postgres", "dbname",
                                   "postgres", "password", setting("DB_PASSWORD"));
    db_close(must_open(where, options()));
}

static void case_no_password(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = ADDRESS("host", "127.0.0.1", "port", setting("DB_SCRAM_PORT"), "user", "postgres", "dbname",
                                   "postgres");
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "no password supplied");
}

static void case_login(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = here();
    sql("DROP ROLE IF EXISTS sleeper");
    sql("CREATE ROLE sleeper NOLOGIN");
    address_set(&arena, &where, "user", "sleeper");
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "not permitted to log in");
    address_set(&arena, &where, "user", "nobody there");
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "role \"nobody there\" does not exist");
    sql(arena_printf(&arena, "REVOKE CONNECT ON DATABASE \"%s\" FROM public", database));
    sql("ALTER ROLE sleeper LOGIN");
    address_set(&arena, &where, "user", "sleeper");
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "permission denied for database");
}

static void case_unreachable(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = here();
    address_set(&arena, &where, "port", "1");
    FAULT(open_with(where, options(), e) != NULL, FAULT_UNREACHABLE, "No such file");
    where = ADDRESS("host", "127.0.0.1", "port", "1", "user", "u", "dbname", "d");
    FAULT(open_with(where, options(), e) != NULL, FAULT_UNREACHABLE, "refused");
    where = ADDRESS("host", "nowhere.invalid", "port", "1", "user", "u", "dbname", "d");
    FAULT(open_with(where, options(), e) != NULL, FAULT_UNREACHABLE, "could not translate host name");
    sql("DROP ROLE IF EXISTS crowd");
    sql("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0");
    where = here();
    address_set(&arena, &where, "user", "crowd");
    FAULT(open_with(where, options(), e) != NULL, FAULT_UNREACHABLE, "too many connections");
    TEXT(e->sqlstate, "53300");
}

static void case_several_hosts(void)
{
    struct address where = here();
    address_set(&arena, &where, "host", arena_printf(&arena, "127.0.0.1,%s", setting("DB_SOCKET")));
    address_set(&arena, &where, "port", arena_printf(&arena, "1,%s", setting("DB_PORT")));
    db_close(must_open(where, options()));
}

/* A name with several addresses, one without, and a socket's folder in one list. */
static void case_names_of_hosts(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = ADDRESS("host", "localhost", "port", setting("DB_SCRAM_PORT"), "user", "postgres", "dbname",
                                   "postgres", "password", setting("DB_PASSWORD"));
    for (int i = 0; i < 3; i++)
        db_close(must_open(where, options()));
    where = here();
    address_set(&arena, &where, "host", arena_printf(&arena, "nowhere.invalid,localhost,%s", setting("DB_SOCKET")));
    address_set(&arena, &where, "port", arena_printf(&arena, "1,2,%s", setting("DB_PORT")));
    db_close(must_open(where, options()));
    address_set(&arena, &where, "host", "nowhere.invalid,elsewhere.invalid");
    address_set(&arena, &where, "port", "1");
    FAULT(open_with(where, options(), e) != NULL, FAULT_UNREACHABLE,
          "could not translate host name \"elsewhere.invalid\"");
}

static void *open_by_name(void *context)
{
    db_close(must_open(*(struct address *)context, options()));
    return NULL;
}

static void case_names_at_once(void)
{
    pthread_t threads[12];
    struct address where = ADDRESS("host", "localhost", "port", setting("DB_SCRAM_PORT"), "user", "postgres", "dbname",
                                   "postgres", "password", setting("DB_PASSWORD"));
    for (size_t i = 0; i < 12; i++)
        pthread_create(&threads[i], NULL, open_by_name, &where);
    for (size_t i = 0; i < 12; i++)
        pthread_join(threads[i], NULL);
}

static void *stop_soon(void *context)
{
    (void)context;
    pause_ms(300);
    stop_cancel(&stop);
    return NULL;
}

/* Run where the name server hears everything and answers nothing. */
static void case_silent_names(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = ADDRESS("host", "somewhere.test", "user", "u", "dbname", "d");
    struct db_options o = options();
    int64_t before = clock_ms();
    pthread_t thread;
    o.connect_timeout_ms = 400;
    FAULT(open_with(where, o, e) != NULL, FAULT_UNREACHABLE, "no answer from postgresql://u@somewhere.test/d within");
    pthread_create(&thread, NULL, stop_soon, NULL);
    o.connect_timeout_ms = 10000;
    FAULT(open_with(where, o, e) != NULL, FAULT_STOPPED, "stopped");
    TRUE(clock_ms() - before < 4000);
    pthread_join(thread, NULL);
}

static void case_config(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = ADDRESS("host", setting("DB_SOCKET"), "dbname", "d");
    FAULT(open_with(where, options(), e) != NULL, FAULT_CONFIG, "the address names no user");
    where = here();
    address_set(&arena, &where, "sslmode", "sometimes");
    FAULT(open_with(where, options(), e) != NULL, FAULT_CONFIG, "invalid sslmode value");
    where = here();
    address_set(&arena, &where, "options", "-c no_such_setting=1");
    FAULT(open_with(where, options(), e) != NULL, FAULT_CONFIG, "unrecognized configuration parameter");
}

static void case_starting(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    BUF_AUTO answer = {0};
    struct straw s;
    PACKET(&answer, 'E', "SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0Fpostmaster.c\0L2\0Rx\0\0");
    struct address where = start_straw(&s, answer.p, answer.n);
    FAULT(open_with(where, options(), e) != NULL, FAULT_UNREACHABLE, "the database system is starting up");
    TEXT(e->sqlstate, "57P03");
    end_straw(&s);
    /* The words may be in any language; the state is not. */
    buf_reset(&answer);
    PACKET(&answer, 'E', "SFATALE\0VFATAL\0C3D000\0Mil database \"d\" non esiste\0\0");
    where = start_straw(&s, answer.p, answer.n);
    FAULT(open_with(where, options(), e) != NULL, FAULT_MISSING, "FATALE: il database \"d\" non esiste");
    end_straw(&s);
}

static void case_silent(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct straw s;
    struct address where = start_straw(&s, NULL, 0);
    struct db_options o = options();
    int64_t before = clock_ms();
    o.connect_timeout_ms = 300;
    FAULT(open_with(where, o, e) != NULL, FAULT_UNREACHABLE, "no answer from postgresql://u@127.0.0.1:");
    TRUE(clock_ms() - before < 2000);
    end_straw(&s);
    where = start_straw(&s, NULL, 0);
    o.deadline = clock_deadline(200);
    FAULT(open_with(where, o, e) != NULL, FAULT_DEADLINE, "deadline");
    end_straw(&s);
}

static void case_stop_connecting(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct straw s;
    pthread_t thread;
    struct address where = start_straw(&s, NULL, 0);
    int64_t before = clock_ms();
    pthread_create(&thread, NULL, stop_soon, NULL);
    FAULT(open_with(where, options(), e) != NULL, FAULT_STOPPED, "stopped");
    TRUE(clock_ms() - before < 3000);
    pthread_join(thread, NULL);
    end_straw(&s);
}

static void case_foreign(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    BUF_AUTO answer = {0};
    struct straw s;
    struct db_options o = options();
    welcome(&answer);
    PACKET(&answer, 'S', "server_version\00013.0.0\0");
    PACKET(&answer, 'S', "crdb_version\0CockroachDB CCL v23.1\0");
    be_ready(&answer);
    struct address where = start_straw(&s, answer.p, answer.n);
    FAULT(open_with(where, o, e) != NULL, FAULT_POLICY, "the server is CockroachDB, not PostgreSQL");
    PART(e->hint, "allow_foreign_engine");
    end_straw(&s);
    where = start_straw(&s, answer.p, answer.n);
    o.allow_foreign = true;
    db_close(must_open(where, o));
    end_straw(&s);
    o.allow_foreign = false;
    buf_reset(&answer);
    welcome(&answer);
    PACKET(&answer, 'S', "server_version\0009.6.24\0");
    be_ready(&answer);
    where = start_straw(&s, answer.p, answer.n);
    FAULT(open_with(where, o, e) != NULL, FAULT_POLICY, "9.6.24, older than PostgreSQL 11");
    end_straw(&s);
}

static void case_tls(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    const char *port = setting("DB_SCRAM_PORT"), *password = setting("DB_PASSWORD");
    struct address where = ADDRESS("host", "localhost", "hostaddr", "127.0.0.1", "port", port, "user", "postgres",
                                   "dbname", "postgres", "password", password, "sslmode", "verify-full");
    /* Nobody names certificates: those of the system, which do not know this server's authority. */
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "certificate verify failed");
    address_set(&arena, &where, "sslrootcert", "system");
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "certificate verify failed");
    address_set(&arena, &where, "sslrootcert", "/no/such/file");
    FAULT(open_with(where, options(), e) != NULL, FAULT_CONFIG, "/no/such/file");
    address_set(&arena, &where, "sslrootcert", setting("DB_CA"));
    db_close(must_open(where, options()));
    address_set(&arena, &where, "host", "elsewhere.test");
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "does not match host name");
    where = ADDRESS("host", "db.test", "hostaddr", "127.0.0.1", "port", port, "user", "postgres", "dbname", "postgres",
                    "password", password, "sslmode", "verify-full");
    setenv("PGSSLROOTCERT", setting("DB_CA"), 1);
    struct db *db = must_open(where, options());
    struct db_state state;
    OK(db_read_state(db, &arena, &state, e));
    struct made *m = step("a1", NULL, "SELECT repeat('x', 1000) FROM generate_series(1, 50000);\n");
    if (state.rows.n == 0)
        OK(apply(db, m, e));
    db_close(db);
    where = here();
    address_set(&arena, &where, "host", "127.0.0.1");
    address_set(&arena, &where, "sslmode", "require");
    FAULT(open_with(where, options(), e) != NULL, FAULT_LOGIN, "server does not support SSL");
}

/* ------------------------------------------------------------------------------------------------- state */

static void case_state_empty(void)
{
    OPEN;
    struct db_state s;
    OK(db_read_state(db, &arena, &s, e));
    TRUE(!s.has_version_table && !s.has_log && !s.has_last && s.rows.n == 0);
    struct log_list log;
    OK(db_read_log(db, &arena, NULL, 0, &log, e));
    TRUE(log.n == 0);
    db_close(db);
}

static void case_state_alembic(void)
{
    OPEN;
    struct db_state s;
    sql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); "
        "INSERT INTO alembic_version VALUES ('b'), ('a'), ('C')");
    OK(db_read_state(db, &arena, &s, e));
    TRUE(s.has_version_table && !s.has_log && s.rows.n == 3);
    TEXT(s.rows.v[0], "C");
    TEXT(s.rows.v[2], "b");
    db_close(db);
}

static void case_state_last(void)
{
    OPEN;
    struct db_state s;
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    OK(apply(db, step("b2", "a1", "SELECT 1;\n"), e));
    sql("INSERT INTO migrate_log (stream, direction, state) VALUES ('other', 'stamp', 'done')");
    sql("ALTER TABLE migrate_log ADD COLUMN of_a_later_release text, DROP COLUMN actor");
    OK(db_read_state(db, &arena, &s, e));
    TRUE(s.has_last && s.rows.n == 1);
    TEXT(s.rows.v[0], "b2");
    TEXT(s.last.revision, "b2");
    TEXT(s.last.stream, "tenant");
    TEXT(s.last.direction, "upgrade");
    TEXT(s.last.digest, "d");
    TEXT(s.last.client_host, "back\\slash");
    TEXT(s.last.state, "done");
    TRUE(s.last.statement == -1);
    struct log_list log;
    OK(db_read_log(db, &arena, "tenant", 1, &log, e));
    TRUE(log.n == 1);
    const struct log_entry *last = &log.v[0];
    TRUE(last->id == s.last.id);
    TEXT(last->revision, "b2");
    TEXT(last->message, "it's \"made\" \\ here");
    TEXT(last->db_role, "postgres");
    TEXT(last->parents, "p1,p2");
    TRUE(last->statement == -1 && last->checksum_version == 1 && last->duration_ms >= 0);
    TRUE(!last->actor && !last->prefix_checksum && strlen(last->started) == strlen("2026-11-22T10:15:00.123Z"));
    OK(db_read_log(db, &arena, NULL, 0, &log, e));
    TRUE(log.n == 3 && strcmp(log.v[0].revision, "a1") == 0 && strcmp(log.v[2].stream, "other") == 0);
    db_close(db);
}

/* Another schema's tables of the same name, before ours on the search path. */
static void case_state_shadow(void)
{
    OPEN;
    struct db_state s;
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    sql("CREATE SCHEMA front; CREATE TABLE front.migrate_log (id bigint, stream text, started timestamptz); "
        "INSERT INTO front.migrate_log VALUES (99, 'tenant', now())");
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET search_path = front, public", database));
    db_close(db);
    db = open_here();
    OK(db_read_state(db, &arena, &s, e));
    TRUE(s.has_log && s.has_last && s.rows.n == 1);
    TEXT(s.last.revision, "a1");
    OK(apply(db, step("b2", "a1", "CREATE TABLE in_front (id integer);\n"), e));
    TEXT(sql("SELECT count(*) FROM public.migrate_log"), "2");
    TEXT(sql("SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'in_front'"), "front");
    db_close(db);
}

/* With few revisions the log comes as it lies, and its newest row is not the one that lies last. */
static void case_state_few(void)
{
    struct db_options o = options();
    o.revisions = 2;
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db *db = must_open(here(), o);
    struct db_state s;
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    OK(apply(db, step("b2", "a1", "SELECT 1;\n"), e));
    sql("UPDATE migrate_log SET message = 'moved' WHERE revision = 'a1'");
    TEXT(sql("SELECT revision FROM migrate_log ORDER BY ctid DESC LIMIT 1"), "a1");
    OK(db_read_state(db, &arena, &s, e));
    TEXT(s.last.revision, "b2");
    sql("INSERT INTO migrate_log (stream, direction, state) SELECT 'other', 'stamp', 'done' FROM generate_series(1, 100)");
    OK(db_read_state(db, &arena, &s, e)); /* another stream's row is the newest */
    TRUE(s.rows.n == 1);
    TEXT(s.last.revision, "b2");
    OK(apply(db, step("c3", "b2", "SELECT 1;\n"), e));
    OK(db_read_state(db, &arena, &s, e)); /* longer than was thought */
    TRUE(s.rows.n == 1);
    TEXT(s.rows.v[0], "c3");
    TEXT(s.last.revision, "c3");
    db_close(db);
}

static void set_search_path(const char *path)
{
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET search_path = %s", database, path));
}

/* Where the search path names one schema, that one is taken without a look at the catalogs; it must be the right one. */
static void case_search_paths(void)
{
    static const struct {
        const char *schema, *path; /* where the tables are, and what is set then */
    } cases[] = {
        {"public", "\"$user\", public"},
        {"public", "public"},
        {"public", "nowhere, public"},
        {"public", "\"Odd\", public"},
        {"public", "\"$user\", \"Odd\", public"},
        {"\"Odd\"", "\"Odd\""},
        {"\"Odd\"", "\"$user\", \"Odd\""},
        {"\"Odd\"", "public, \"Odd\", public"},
        {"\"Odd\"", "\"Odd\", public"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sql("DROP SCHEMA IF EXISTS \"Odd\" CASCADE; DROP TABLE IF EXISTS alembic_version, migrate_log; "
            "CREATE SCHEMA \"Odd\"");
        set_search_path(cases[i].schema);
        for (int visit = 0; visit < 2; visit++) {
            OPEN;
            struct db_state s;
            OK(db_read_state(db, &arena, &s, e));
            TRUE(s.rows.n == (size_t)visit);
            OK(apply(db, visit ? step("b2", "a1", "SELECT 1;\n") : step("a1", NULL, "SELECT 1;\n"), e));
            db_close(db);
            set_search_path(cases[i].path);
        }
        TEXT(sql(arena_printf(&arena, "SELECT count(*) FROM %s.migrate_log", cases[i].schema)), "2");
        TEXT(sql(arena_printf(&arena, "SELECT version_num FROM %s.alembic_version", cases[i].schema)), "b2");
    }
}

static void case_names(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_options o = options();
    struct db_state s;
    o.version_table = "odd \"t\"; DROP TABLE x; --'\\";
    o.schema = "odd. \"s\"'\\";
    o.stream = "str'eam*/ \\";
    o.tenant = "te'n\\ant\"";
    o.create = true;
    struct db *db = must_open(here(), o);
    OK(db_read_state(db, &arena, &s, e));
    OK(apply(db,
             step("a1", NULL,
                  "CREATE TABLE seen AS SELECT current_setting('migrate.tenant_id') AS t, "
                  "current_setting('migrate.stream') AS s, current_setting('migrate.revision') AS r;\n"),
             e));
    OK(db_read_state(db, &arena, &s, e));
    TRUE(s.has_last && s.rows.n == 1);
    TEXT(sql("SELECT t FROM \"odd. \"\"s\"\"'\\\".seen"), o.tenant);
    TEXT(sql("SELECT s || r FROM \"odd. \"\"s\"\"'\\\".seen"), "str'eam*/ \\a1");
    db_close(db);
}

static void case_schemas(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_options o = options();
    struct db_state s;
    o.schema = "acme";
    o.tenant = "acme";
    struct db *db = must_open(here(), o);
    FAULT(db_read_state(db, &arena, &s, e), FAULT_MISSING, "the schema \"acme\" does not exist");
    sql("CREATE SCHEMA acme; CREATE SCHEMA globex");
    OK(db_read_state(db, &arena, &s, e));
    OK(apply(db, step("a1", NULL, "CREATE TABLE t AS SELECT current_setting('migrate.tenant_id') AS who;\n"), e));
    db_switch(db, "globex", "globex");
    OK(db_read_state(db, &arena, &s, e));
    TRUE(!s.has_version_table && s.rows.n == 0);
    OK(apply(db, step("a1", NULL, "CREATE TABLE t AS SELECT current_setting('migrate.tenant_id') AS who;\n"), e));
    TEXT(sql("SELECT who FROM acme.t"), "acme");
    TEXT(sql("SELECT who FROM globex.t"), "globex");
    TEXT(sql("SELECT count(*) FROM globex.migrate_log"), "1");
    /* Without reading the state first: a switch means learning again. */
    db_switch(db, "acme", "acme");
    OK(apply(db, step("b2", "a1", "SELECT 1;\n"), e));
    TEXT(sql("SELECT version_num FROM acme.alembic_version"), "b2");
    db_close(db);
}

static void case_version_schema(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_options o = options();
    sql("CREATE SCHEMA ops");
    o.version_schema = "ops";
    struct db *db = must_open(here(), o);
    OK(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\n"), e));
    TEXT(sql("SELECT version_num FROM ops.alembic_version"), "a1");
    TEXT(sql("SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 't'"), "public");
    db_close(db);
}

static void case_no_schema(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_state s;
    struct address where = here();
    address_set(&arena, &where, "options", "-c search_path=nowhere");
    struct db *db = must_open(where, options());
    OK(db_read_state(db, &arena, &s, e));
    FAULT(apply(db, step("a1", NULL, "SELECT 1;\n"), e), FAULT_CONFIG, "no schema to keep \"alembic_version\" in");
    db_close(db);
}

static void case_not_alembic(void)
{
    OPEN;
    struct db_state s;
    sql("CREATE TABLE alembic_version (something integer)");
    FAULT(db_read_state(db, &arena, &s, e), FAULT_FAILED,
          "cannot read the version table: column \"version_num\" does not exist");
    db_close(db);
}

/* ------------------------------------------------------------------------------------------------- applying */

static void case_apply(void)
{
    OPEN;
    OK(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\nINSERT INTO t VALUES (1), (2);\n-- the end"), e));
    TEXT(rows(), "a1");
    TEXT(sql("SELECT count(*) FROM t"), "2");
    TEXT(sql("SELECT concat_ws('|', id, stream, revision, parents, depends, direction, dialect, message, checksum, "
             "section_checksum, checksum_version, rows_after, digest, build_id, db_role, client_host, actor, state, "
             "statement, duration_ms >= 0, started < now()) FROM migrate_log"),
         "1|tenant|a1|p1,p2||upgrade|postgresql|it's \"made\" \\ here|c|1|a1|d|0123456789abcdef|postgres|back\\slash|"
         "o'actor|done|t|t");
    TEXT(sql("SELECT conname FROM pg_constraint WHERE conrelid = 'alembic_version'::regclass"), "alembic_version_pkc");
    OK(apply(db, step("b2", "a1", "/* nothing */"), e));
    OK(apply(db, step("c3", "b2", ""), e));
    TEXT(rows(), "c3");
    TEXT(sql("SELECT string_agg(revision, ' ' ORDER BY id) FROM migrate_log"), "a1 b2 c3");
    db_close(db);
}

/* Delete, update and insert in one step, as a merge and a branch do. */
static void case_row_changes(void)
{
    OPEN;
    struct made *m = step("m", NULL, "SELECT 1;\n");
    struct row_change changes[] = {{ROW_DELETE, "a", NULL}, {ROW_UPDATE, "b", "m"}, {ROW_INSERT, NULL, "n"}};
    sql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); "
        "INSERT INTO alembic_version VALUES ('b'), ('a'), ('Z')");
    vec_push(&arena, &m->step.before, "Z");
    vec_push(&arena, &m->step.before, "a");
    vec_push(&arena, &m->step.before, "b");
    m->step.changes = changes;
    m->step.n_changes = 3;
    OK(apply(db, m, e));
    TEXT(rows(), "Z,m,n");
    db_close(db);
}

static void case_busy(void)
{
    OPEN;
    bool is_free = true;
    BUF_AUTO holder = {0};
    PGconn *other = session(database);
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    ask(other, "SELECT pg_advisory_lock(hashtextextended('profile-migrate:public.alembic_version', 0))");
    FAULT(apply(db, step("b2", "a1", "SELECT 1;\n"), e), FAULT_BUSY, "another process migrates this database");
    OK(db_lock_free(db, &is_free, &holder, e));
    TRUE(!is_free);
    PART(holder.p, arena_printf(&arena, "process %d of the server, \"the other side\"", PQbackendPID(other)));
    PQfinish(other);
    eventually("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0");
    buf_reset(&holder);
    OK(db_lock_free(db, &is_free, &holder, e));
    TRUE(is_free && holder.n == 0);
    OK(apply(db, step("b2", "a1", "SELECT 1;\n"), e));
    db_close(db);
}

static void case_changed(void)
{
    OPEN;
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    sql("UPDATE alembic_version SET version_num = 'other'");
    FAULT(apply(db, step("b2", "a1", "CREATE TABLE t (id integer);\n"), e), FAULT_CHANGED, "have changed since");
    FAULT(apply(db, step("b2", NULL, "CREATE TABLE t (id integer);\n"), e), FAULT_CHANGED, "have changed since");
    TEXT(sql("SELECT to_regclass('t') IS NULL"), "t");
    sql("DROP TABLE alembic_version");
    FAULT(apply(db, step("b2", "a1", "SELECT 1;\n"), e), FAULT_CHANGED, "is gone");
    db_close(db);
}

static void case_lock_timeout(void)
{
    OPEN;
    PGconn *other = session(database);
    struct made *m = step("b2", "a1", "SELECT 1;\nALTER TABLE t ADD x integer;\n");
    OK(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\n"), e));
    ask(other, "BEGIN; LOCK TABLE t");
    m->work.lock_timeout_ms = 100;
    FAULT(apply(db, m, e), FAULT_LOCK, "tenant/versions/b2.sql:5:1: lock: canceling statement due to lock timeout");
    PART(e->hint, "lock_timeout is 100 ms");
    ask(other, "ROLLBACK; BEGIN; UPDATE alembic_version SET version_num = 'by alembic'");
    FAULT(apply(db, m, e), FAULT_LOCK, "cannot lock the version table: canceling statement due to lock timeout");
    ask(other, "ROLLBACK");
    OK(apply(db, m, e));
    PQfinish(other);
    db_close(db);
}

static void *lock_backwards(void *context)
{
    PGconn *other = context;
    PQclear(PQexec(other, "LOCK TABLE t"));
    return NULL;
}

static void case_deadlock(void)
{
    OPEN;
    pthread_t thread;
    PGconn *other = session(database);
    OK(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\nCREATE TABLE u (id integer);\n"), e));
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET deadlock_timeout = '100ms'", database));
    db_close(db);
    db = open_here();
    ask(other, "SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE u");
    struct made *m = step("b2", "a1", "LOCK TABLE t;\nSELECT pg_sleep(0.3);\nALTER TABLE u ADD x integer;\n");
    pthread_create(&thread, NULL, lock_backwards, other);
    /* The other session may have come first, then nobody waits in a circle: it holds both tables. */
    m->work.lock_timeout_ms = 3000;
    FAULT(apply(db, m, e), FAULT_LOCK, NULL);
    pthread_join(thread, NULL);
    PQfinish(other);
    db_close(db);
}

static void case_syntax(void)
{
    OPEN;
    FAULT(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\nSELECT 'ééé', FROM t;\n"), e), FAULT_FAILED,
          "tenant/versions/a1.sql:5:15: failed: syntax error at or near \"FROM\"\n    SELECT 'ééé', FROM t;\n"
          "                  ^");
    TEXT(e->sqlstate, "42601");
    FAULT(apply(db, step("a1", NULL, "SELECT (1\n"), e), FAULT_FAILED,
          "tenant/versions/a1.sql:4:10: failed: syntax error");
    TEXT(sql("SELECT to_regclass('t') IS NULL AND to_regclass('alembic_version') IS NULL"), "t");
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    db_close(db);
}

static void case_position(void)
{
    OPEN;
    FAULT(
        apply(db, step("a1", NULL, "CREATE TABLE \"té\" (id integer);\n\n  SELECT 'é',\n    wrong FROM \"té\";\n"), e),
        FAULT_FAILED, "a1.sql:7:5: failed: column \"wrong\" does not exist\n        wrong FROM");
    FAULT(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\n  INSERT INTO t SELECT 1/0;\nSELECT 1;\n"), e),
          FAULT_FAILED, "a1.sql:5:3: failed: division by zero\n      INSERT INTO t SELECT 1/0;\n      ^");
    FAULT(apply(db, step("a1", NULL, "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT x FROM y';\n"), e),
          FAULT_FAILED, "a1.sql:4:68: failed: relation \"y\" does not exist");
    db_close(db);
}

static void case_carried(void)
{
    OPEN;
    FAULT(apply(db,
                step("a1", NULL,
                     "DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'the detail', HINT = 'the hint', "
                     "ERRCODE = 'U0001'; END $$;\n"),
                e),
          FAULT_FAILED, "a1.sql:4:1: failed: no\n");
    TEXT(e->sqlstate, "U0001");
    PART(e->detail, "the detail\nPL/pgSQL function inline_code_block line 1 at RAISE");
    TEXT(e->hint, "the hint");
    db_close(db);
}

static void case_deferred(void)
{
    OPEN;
    FAULT(apply(db,
                step("a1", NULL,
                     "CREATE TABLE t (id integer PRIMARY KEY, of integer REFERENCES t DEFERRABLE INITIALLY "
                     "DEFERRED);\nINSERT INTO t VALUES (1, 2);\n"),
                e),
          FAULT_FAILED,
          "tenant/versions/a1.sql:3: failed: at the commit: insert or update on table \"t\" violates foreign key");
    PART(e->detail, "Key (of)=(2) is not present");
    TEXT(sql("SELECT to_regclass('alembic_version') IS NULL"), "t");
    db_close(db);
}

static void case_ascii(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct address where = here();
    PGconn *conn = session("postgres");
    ask(conn, "DROP DATABASE IF EXISTS ascii");
    ask(conn, "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
    PQfinish(conn);
    address_set(&arena, &where, "dbname", "ascii");
    struct db *db = must_open(where, options());
    FAULT(apply(db, step("a1", NULL, "SELECT 'éé', wrong;\n"), e), FAULT_FAILED,
          "a1.sql:4:14: failed: column \"wrong\"");
    db_close(db);
}

static void case_strings_off(void)
{
    OPEN;
    struct db_state s;
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET standard_conforming_strings = off", database));
    db_close(db);
    db = open_here();
    OK(db_read_state(db, &arena, &s, e));
    OK(apply(db, step("a1", NULL, "CREATE TABLE t AS SELECT '\\' AS a, 'x\\''y' AS b;\n"), e));
    TEXT(sql("SELECT a || b FROM t"), "\\x\\'y");
    FAULT(apply(db, step("b2", "a1", "SELECT '\\', wrong;\n"), e), FAULT_FAILED,
          "b2.sql:4:13: failed: column \"wrong\"");
    OK(db_read_state(db, &arena, &s, e));
    TEXT(s.last.client_host, "back\\slash");
    db_close(db);
}

/* What a role or a database may have set, and a careless body leaves behind. */
static void case_settings(void)
{
    OPEN;
    sql("DROP ROLE IF EXISTS lesser");
    sql("CREATE ROLE lesser");
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET session_replication_role = replica", database));
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET default_transaction_isolation = serializable", database));
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET statement_timeout = 7", database));
    sql(arena_printf(&arena, "ALTER DATABASE \"%s\" SET lock_timeout = 7", database));
    db_close(db);
    db = open_here();
    OK(apply(db,
             step("a1", NULL,
                  "SELECT pg_sleep(0.05);\nCREATE TABLE t AS SELECT concat_ws(' ', "
                  "current_setting('session_replication_role'), current_setting('transaction_isolation'), "
                  "current_setting('statement_timeout'), current_setting('lock_timeout'), "
                  "current_setting('client_connection_check_interval'), "
                  "current_setting('migrate.tenant_id', true)) AS s;\nSET LOCAL ROLE lesser;\n"),
             e));
    TEXT(sql("SET statement_timeout = 0; SELECT s FROM t"), "origin read committed 0 5s 250ms");
    db_close(db);
    sql(arena_printf(&arena, "SET statement_timeout = 0; ALTER DATABASE \"%s\" RESET ALL", database));
    sql(arena_printf(
        &arena, "SET default_transaction_read_only = off; ALTER DATABASE \"%s\" SET default_transaction_read_only = on",
        database));
    db = open_here();
    OK(apply(db, step("b2", "a1", "CREATE TABLE u (id integer);\n"), e));
    db_close(db);
}

static void case_long(void)
{
    OPEN;
    BUF_AUTO body = {0};
    buf_addz(&body, "CREATE TABLE t (id integer, x text);\n");
    for (int i = 0; i < 3000; i++) {
        buf_addf(&body, "-- é %d\nINSERT INTO t VALUES (%d, '", i, i);
        buf_pad(&body, 'x', 1000);
        buf_addz(&body, "');\n");
    }
    size_t good = body.n;
    buf_addz(&body, "SELECT 'é', wrong;\n");
    FAULT(apply(db, step("a1", NULL, body.p), e), FAULT_FAILED,
          "a1.sql:6005:13: failed: column \"wrong\" does not exist");
    TEXT(sql("SELECT to_regclass('t') IS NULL"), "t");
    body.p[good] = '\0';
    OK(apply(db, step("a1", NULL, body.p), e));
    TEXT(sql("SELECT concat(count(*), ' ', sum(id), ' ', sum(length(x))) FROM t"), "3000 4498500 3000000");
    /* One statement that is longer than a message. */
    BUF_AUTO one = {0};
    buf_addz(&one, "SELECT 1;\nINSERT INTO t VALUES (-1, '");
    buf_pad(&one, 'y', 3000000);
    buf_addz(&one, "');\nSELECT 2;\n");
    OK(apply(db, step("b2", "a1", one.p), e));
    TEXT(sql("SELECT length(x) FROM t WHERE id = -1"), "3000000");
    db_close(db);
}

static void case_big_result(void)
{
    OPEN;
    struct rusage before, after;
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    getrusage(RUSAGE_SELF, &before);
    OK(apply(db,
             step("b2", "a1",
                  "SELECT i, repeat('x', 100) FROM generate_series(1, 500000) i;\n"
                  "COPY (SELECT repeat('x', 100) FROM generate_series(1, 500000)) TO STDOUT;\n"),
             e));
    getrusage(RUSAGE_SELF, &after);
    /* Kilobytes, of results that are a hundred megabytes; a sanitizer keeps what was freed. */
    TRUE(getenv("SAN") || after.ru_maxrss - before.ru_maxrss < 8 * 1024);
    TEXT(rows(), "b2");
    db_close(db);
}

static void case_copy(void)
{
    OPEN;
    OK(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\nCOPY t TO STDOUT;\nINSERT INTO t VALUES (1);\n"), e));
    FAULT(apply(db, step("b2", "a1", "SELECT 1;\nCOPY t FROM STDIN;\n"), e), FAULT_FAILED,
          "a revision cannot read data");
    PART(e->path, "b2.sql");
    TRUE(e->line == 5);
    TEXT(rows(), "a1");
    OK(apply(db, step("b2", "a1", "SELECT 1;\n"), e));
    db_close(db);
}

static void case_opaque(void)
{
    OPEN;
    struct made *m = step("a1", NULL, "CREATE TABLE t (id integer);\nINSERT INTO t VALUES (1);\n");
    m->section.flags = SECTION_OPAQUE;
    m->section.n_statements = 1;
    OK(apply(db, m, e));
    TEXT(rows(), "a1");
    m = step("b2", "a1", "CREATE TABLE u (id integer);\nCOMMIT;\nBEGIN;\n");
    m->section.flags = SECTION_OPAQUE;
    m->section.n_statements = 1;
    FAULT(apply(db, m, e), FAULT_POLICY, "b2.sql:3: refused: the body ended the transaction that it ran in");
    TEXT(rows(), "a1");
    m = step("b2", "a1", "CREATE TABLE v (id integer);\nCOMMIT;\n");
    m->section.flags = SECTION_OPAQUE;
    m->section.n_statements = 1;
    FAULT(apply(db, m, e), FAULT_POLICY, "ended the transaction");
    m = step("b2", "a1", "CREATE TABLE w (id integer);\nCOMMIT;\nSELECT 1 / 0;\n");
    m->section.flags = SECTION_OPAQUE;
    m->section.n_statements = 1;
    FAULT(apply(db, m, e), FAULT_FAILED, "division by zero");
    TEXT(e->hint, "the body had ended the transaction that it ran in: what it committed stays, its version row was not "
                  "written; a revision that has to commit by itself says transaction:false");
    m = step("b2", "a1", "SELECT 'é', wrong;\n");
    m->section.flags = SECTION_OPAQUE;
    FAULT(apply(db, m, e), FAULT_FAILED, "b2.sql:4:13: failed: column");
    TEXT(e->hint ? e->hint : "", "");
    OK(apply(db, step("b2", "a1", "SELECT 1;\n"), e));
    db_close(db);
}

static void case_tampering(void)
{
    OPEN;
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    FAULT(apply(db, step("b2", "a1", "DELETE FROM alembic_version;\n"), e), FAULT_FAILED,
          "the version row \"a1\" of \"alembic_version\" is not there exactly once any more");
    TEXT(rows(), "a1");
    db_close(db);
}

static void case_rights(void)
{
    OPEN;
    struct address where = here();
    sql("DROP ROLE IF EXISTS visitor");
    sql("CREATE ROLE visitor LOGIN");
    address_set(&arena, &where, "user", "visitor");
    db_close(db);
    db = must_open(where, options());
    FAULT(apply(db, step("a1", NULL, "SELECT 1;\n"), e), FAULT_FAILED,
          "cannot create the version table and the log: permission denied for schema public");
    PART(e->hint, "GRANT CREATE ON SCHEMA \"public\"");
    sql("CREATE TABLE alembic_version (version_num text)");
    struct db_state s;
    FAULT(db_read_state(db, &arena, &s, e), FAULT_FAILED, "cannot read the version table: permission denied for table");
    db_close(db);
}

static void case_statement_timeout(void)
{
    OPEN;
    struct made *m = step("a1", NULL, "SELECT 1;\nSELECT pg_sleep(20);\n");
    m->work.statement_timeout_ms = 100;
    FAULT(apply(db, m, e), FAULT_FAILED, "a1.sql:5:1: failed: canceling statement due to statement timeout");
    PART(e->hint, "statement_timeout is 100 ms here");
    db_close(db);
}

static void case_standby(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_state s;
    struct address where = ADDRESS("host", setting("DB_STANDBY_SOCKET"), "port", setting("DB_STANDBY_PORT"), "user",
                                   "postgres", "dbname", "postgres");
    struct db *db = must_open(where, options());
    OK(db_read_state(db, &arena, &s, e));
    FAULT(apply(db, step("a1", NULL, "SELECT 1;\n"), e), FAULT_UNREACHABLE, "cannot begin a transaction: ");
    PART(e->hint, "target_session_attrs=read-write");
    OK(db_read_state(db, &arena, &s, e));
    db_close(db);
    address_set(&arena, &where, "target_session_attrs", "read-write");
    FAULT(open_with(where, options(), e) != NULL, FAULT_UNREACHABLE, "session is read-only");
}

/* What an operator sees of a running message begins with its name, and some of the body is in sight. */
static void case_visible(void)
{
    OPEN;
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    OK(apply(
        db, step("b2", "a1", "CREATE TABLE seen AS SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();\n"),
        e));
    PART(sql("SELECT query FROM seen"), "/* profile-migrate tenant b2 */ BEGIN");
    PART(sql("SELECT query FROM seen"), "CREATE TABLE seen AS SELECT query FROM pg_stat_activity");
    db_close(db);
}

static void *cut_it(void *context)
{
    (void)context;
    eventually("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'profile-migrate/test' AND wait_event = "
               "'PgSleep' AND datname = current_database()",
               "1");
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'profile-migrate/test' AND datname "
        "= current_database()");
    return NULL;
}

static void case_terminated(void)
{
    OPEN;
    pthread_t thread;
    pthread_create(&thread, NULL, cut_it, NULL);
    FAULT(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\nSELECT pg_sleep(20);\n"), e), FAULT_LOST,
          "the connection broke");
    PART(e->detail, "terminating connection due to administrator command");
    TEXT(e->sqlstate, "57P01");
    pthread_join(thread, NULL);
    struct db_state s;
    FAULT(db_read_state(db, &arena, &s, e), FAULT_LOST, "the connection broke");
    db_close(db);
    TEXT(sql("SELECT to_regclass('t') IS NULL"), "t");
}

static void case_lost_between(void)
{
    OPEN;
    struct db_state s;
    OK(db_read_state(db, &arena, &s, e));
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'profile-migrate/test' AND datname "
        "= current_database()");
    FAULT(apply(db, step("a1", NULL, "SELECT 1;\n"), e), FAULT_LOST, "the connection broke");
    db_session_unlock(db);
    db_close(db);
}

static void case_stop(void)
{
    OPEN;
    pthread_t thread;
    int64_t before = clock_ms();
    pthread_create(&thread, NULL, stop_soon, NULL);
    FAULT(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\nSELECT pg_sleep(20);\n"), e), FAULT_STOPPED,
          "stopped on request");
    TRUE(clock_ms() - before < 3000);
    pthread_join(thread, NULL);
    FAULT(apply(db, step("a1", NULL, "SELECT 1;\n"), e), FAULT_STOPPED, "stopped on request");
    db_close(db);
    eventually("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'profile-migrate/test' AND datname = "
               "current_database()",
               "0");
    TEXT(sql("SELECT to_regclass('t') IS NULL"), "t");
}

static void case_deadline(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_options o = options();
    o.deadline = clock_deadline(1000);
    struct db *db = must_open(here(), o);
    FAULT(apply(db, step("a1", NULL, "SELECT pg_sleep(20);\n"), e), FAULT_DEADLINE, "deadline");
    db_close(db);
}

/* A proxy that swallows everything after a while: a server that no longer answers, not even to a cancel. */
static void *swallow(void *context)
{
    int *ends = context;
    char bytes[8192];
    fd_set set;
    for (int64_t until = clock_deadline(400); clock_left(until) > 0;) {
        struct timeval wait = {0, 20000};
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
        FD_SET(ends[1], &set);
        if (select((ends[0] > ends[1] ? ends[0] : ends[1]) + 1, &set, NULL, NULL, &wait) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (FD_ISSET(ends[i], &set)) {
                ssize_t n = read(ends[i], bytes, sizeof bytes);
                if (n <= 0 || write(ends[1 - i], bytes, (size_t)n) != n)
                    return NULL;
            }
    }
    return NULL;
}

static void *be_proxy(void *context)
{
    struct straw *s = context;
    int ends[2] = {accept(s->listener, NULL, NULL), socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)strtoul(setting("DB_PORT"), NULL, 10))};
    if (connect(ends[1], (struct sockaddr *)&server, sizeof server) == 0)
        swallow(ends);
    pause_ms(9000); /* silence: nothing is read, accepted or closed */
    close(ends[0]);
    close(ends[1]);
    return NULL;
}

static void case_stop_silent(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct straw s;
    struct address where = start_server(&s, be_proxy, NULL, 0);
    pthread_t thread;
    address_set(&arena, &where, "user", "postgres");
    address_set(&arena, &where, "dbname", database);
    struct db *db = must_open(where, options());
    pthread_create(&thread, NULL, stop_soon, NULL);
    int64_t before = clock_ms();
    FAULT(apply(db, step("a1", NULL, "SELECT pg_sleep(1);\n"), e), FAULT_STOPPED, "stopped on request");
    TRUE(clock_ms() - before < 7000);
    db_close(db);
    TRUE(clock_ms() - before < 7000);
    pthread_join(thread, NULL);
    end_straw(&s);
}

static void case_together(void)
{
    OPEN;
    size_t done = 9;
    struct db_step steps[3] = {step("a1", NULL, "CREATE TABLE t (id integer);\nSELECT pg_sleep(0.1);\n")->work,
                               step("b2", "a1", "CREATE TABLE u (id integer);\n")->work,
                               step("c3", "b2", "SELECT wrong;\n")->work};
    FAULT(db_apply(db, steps, 3, true, &done, e), FAULT_FAILED, "c3.sql:4:8: failed: column");
    TRUE(done == 0);
    TEXT(sql("SELECT to_regclass('t') IS NULL AND to_regclass('alembic_version') IS NULL"), "t");
    OK(db_apply(db, steps, 2, true, &done, e));
    TRUE(done == 2);
    TEXT(rows(), "b2");
    TEXT(sql("SELECT string_agg(concat(revision, ' ', duration_ms >= 100), ', ' ORDER BY id) FROM migrate_log"),
         "a1 t, b2 f");
    TEXT(sql("SELECT count(DISTINCT xmin::text) FROM migrate_log"), "1");
    OK(db_apply(db, &step("d4", "b2", "SELECT 1;\n")->work, 1, true, &done, e));
    db_close(db);
}

static void case_several(void)
{
    OPEN;
    size_t done = 9;
    struct db_step steps[3] = {step("a1", NULL, "CREATE TABLE t (id integer);\n")->work,
                               step("b2", "a1", "CREATE TABLE u (id integer);\n")->work,
                               step("c3", "b2", "SELECT wrong;\n")->work};
    FAULT(db_apply(db, steps, 3, false, &done, e), FAULT_FAILED, "c3.sql:4:8: failed: column");
    TRUE(done == 2);
    TEXT(rows(), "b2");
    db_close(db);
}

static void case_notices(void)
{
    OPEN;
    OK(apply(db, step("a1", NULL, "DO $$ BEGIN RAISE NOTICE 'half way'; RAISE WARNING 'odd'; END $$;\n"), e));
    PART(talked.p, "2 half way\n3 odd\n");
    db_close(db);
}

static atomic_int winners, losers;

static void *apply_at_once(void *context)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db *db = must_open(*(struct address *)context, options());
    struct made *m;
    static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&arena_lock);
    m = step("a1", NULL, "CREATE TABLE t (id integer);\nSELECT pg_sleep(0.05);\nINSERT INTO t VALUES (1);\n");
    pthread_mutex_unlock(&arena_lock);
    for (int i = 0; i < 100; i++) {
        size_t done;
        if (db_apply(db, &m->work, 1, false, &done, e)) {
            winners++;
            break;
        }
        if (e->fault == FAULT_CHANGED) {
            losers++;
            break;
        }
        if (e->fault != FAULT_BUSY && e->fault != FAULT_LOCK) {
            OK(false);
            break;
        }
        pause_ms(20);
    }
    db_close(db);
    return NULL;
}

static void apply_by_many(struct address where)
{
    pthread_t threads[20];
    winners = losers = 0;
    for (size_t i = 0; i < 20; i++)
        pthread_create(&threads[i], NULL, apply_at_once, &where);
    for (size_t i = 0; i < 20; i++)
        pthread_join(threads[i], NULL);
    TRUE(winners == 1 && losers == 19);
    TEXT(sql("SELECT count(*) FROM t"), "1");
    TEXT(sql("SELECT count(*) FROM migrate_log"), "1");
    TEXT(talked.p ? talked.p : "", "");
}

static void case_many(void)
{
    apply_by_many(here());
}

/* ------------------------------------------------------------------------------------------------- PgBouncer */

static struct address bouncer(void)
{
    return ADDRESS("host", "127.0.0.1", "port", setting("DB_BOUNCER_PORT"), "user", "postgres", "dbname", database);
}

static void case_bouncer(void)
{
    AUTO_ERR fault = {0};
    struct err *e = &fault;
    struct db_state s;
    struct db *db = must_open(bouncer(), options());
    OK(db_read_state(db, &arena, &s, e));
    OK(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\n"), e));
    OK(apply(db, step("b2", "a1", "SELECT 1;\n"), e));
    FAULT(apply(db, step("c3", "b2", "SELECT wrong;\n"), e), FAULT_FAILED, "c3.sql:4:8");
    OK(db_read_state(db, &arena, &s, e));
    TEXT(s.rows.v[0], "b2");
    FAULT(db_session_lock(db, e), FAULT_POLICY, "needs a direct connection");
    TEXT(sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
    db_close(db);
    struct address where = bouncer();
    address_set(&arena, &where, "dbname", "no such one");
    FAULT(open_with(where, options(), e) != NULL, FAULT_MISSING, "no such one");
    where = bouncer();
    address_set(&arena, &where, "options", "-c lock_timeout=1s");
    FAULT(open_with(where, options(), e) != NULL, FAULT_CONFIG, "unsupported startup parameter");
}

static void case_bouncer_many(void)
{
    apply_by_many(bouncer());
}

/* ------------------------------------------------------------------------------------------------- statement-wise */

static void case_session_lock(void)
{
    OPEN;
    struct db *other = open_here();
    bool is_free = true;
    OK(db_session_lock(db, e));
    FAULT(db_session_lock(other, e), FAULT_BUSY, "another process migrates this database");
    FAULT(apply(other, step("a1", NULL, "SELECT 1;\n"), e), FAULT_BUSY, "another process");
    OK(db_lock_free(other, &is_free, NULL, e));
    TRUE(!is_free);
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    db_session_unlock(db);
    OK(db_session_lock(other, e));
    db_session_unlock(other);
    db_close(other);
    db_close(db);
}

static void case_statements(void)
{
    OPEN;
    struct made *m = step("b2", "a1",
                          "CREATE TABLE u AS SELECT current_setting('migrate.revision') AS r;\n"
                          "VACUUM t;\nSELECT 1, wrong;\nVACUUM nowhere;\n");
    struct revision_statement *list = ARENA_ARRAY(&arena, struct revision_statement, 4);
    struct log_entry progress = m->entry;
    memcpy(list, m->section.statements, 4 * sizeof *list);
    m->section.statements = list;
    list[1].flags = list[3].flags = STATEMENT_NO_BLOCK;
    progress.state = "statement";
    progress.statement = 1;
    OK(apply(db, step("a1", NULL, "CREATE TABLE t (id integer);\n"), e));
    OK(db_session_lock(db, e));
    OK(db_run_statement(db, &m->work, 0, &progress, e));
    TEXT(sql("SELECT r FROM u"), "b2");
    TEXT(sql("SELECT concat(state, statement) FROM migrate_log ORDER BY id DESC LIMIT 1"), "statement1");
    OK(db_run_statement(db, &m->work, 1, NULL, e));
    FAULT(db_run_statement(db, &m->work, 2, &progress, e), FAULT_FAILED, "b2.sql:6:11: failed: column \"wrong\"");
    FAULT(db_run_statement(db, &m->work, 3, NULL, e), FAULT_FAILED, "b2.sql:7:1: failed: relation \"nowhere\"");
    TEXT(sql("SELECT count(*) FROM migrate_log"), "2");
    TEXT(rows(), "a1");
    db_session_unlock(db);
    db_close(db);
}

static bool remember(void *context, const struct db_row *row, struct err *e)
{
    struct buf *out = context;
    (void)e;
    for (size_t i = 0; i < row->n; i++)
        buf_addf(out, "%s=%s ", row->names[i], row->values[i] ? row->values[i] : "(null)");
    return true;
}

/* What a statement outside of transactions needs is set for it, and gone after it. */
static void case_session_settings(void)
{
    OPEN;
    BUF_AUTO before = {0};
    BUF_AUTO after = {0};
    struct made *m = step("a1", NULL,
                          "CREATE INDEX CONCURRENTLY i ON t (lower(current_setting('migrate.none')));\n"
                          "CREATE INDEX CONCURRENTLY i ON t (id);\n");
    struct revision_statement *list = ARENA_ARRAY(&arena, struct revision_statement, 2);
    const char *show = "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'migrate.%'"
                       " AND name NOT LIKE 'transaction\\_%' AND name <> 'client_encoding' ORDER BY 1";
    memcpy(list, m->section.statements, 2 * sizeof *list);
    m->section.statements = list;
    list[0].flags = list[1].flags = STATEMENT_NO_BLOCK | STATEMENT_CONCURRENTLY;
    sql("CREATE TABLE t (id integer)");
    OK(db_query(db, show, remember, &before, e));
    FAULT(db_run_statement(db, &m->work, 0, NULL, e), FAULT_FAILED, "must be marked IMMUTABLE");
    OK(db_run_statement(db, &m->work, 1, NULL, e));
    OK(db_query(db, show, remember, &after, e));
    TEXT(after.p ? after.p : "", before.p ? before.p : "");
    db_close(db);
}

static void *build_index(void *context)
{
    PGconn *other = context;
    PQclear(PQexec(other, "CREATE INDEX CONCURRENTLY slow ON t (id)"));
    return NULL;
}

static void case_indexes(void)
{
    OPEN;
    enum index_state state;
    struct strings names;
    pthread_t thread;
    PGconn *other = session(database), *builder = session(database);
    PGresult *r;
#define STATE(schema, index, table, expected)                                                                          \
    do {                                                                                                               \
        OK(db_index_state(db, schema, index, table, &state, e));                                                       \
        if (state != (expected))                                                                                       \
            fail_at(__LINE__, "index %s is in state %d", index, (int)state);                                           \
    } while (0)
    sql("CREATE TABLE t (id integer PRIMARY KEY, x integer); INSERT INTO t VALUES (1, 1), (2, 1)");
    sql("CREATE TABLE other (id integer); CREATE INDEX good ON t (x); CREATE INDEX elsewhere ON other (id)");
    STATE(NULL, "absent", "t", INDEX_ABSENT);
    STATE(NULL, "good", "t", INDEX_VALID);
    STATE("public", "good", NULL, INDEX_VALID);
    STATE("nowhere", "good", NULL, INDEX_ABSENT);
    STATE(NULL, "elsewhere", "t", INDEX_INVALID_KEEP);
    STATE(NULL, "other", NULL, INDEX_INVALID_KEEP);
    r = PQexec(other, "CREATE UNIQUE INDEX CONCURRENTLY \"b\"\"ad\" ON t (x)");
    TRUE(PQresultStatus(r) == PGRES_FATAL_ERROR);
    PQclear(r);
    STATE(NULL, "b\"ad", "t", INDEX_INVALID);
    OK(db_invalid_indexes(db, &arena, &names, e));
    TRUE(names.n == 1);
    TEXT(names.v[0], "public.b\"ad");
    OK(db_drop_index(db, "public", "b\"ad", e));
    STATE(NULL, "b\"ad", "t", INDEX_ABSENT);
    OK(db_drop_index(db, NULL, "b\"ad", e));
    /* Somebody builds it: CREATE INDEX CONCURRENTLY waits for a transaction that wrote to the table. */
    ask(other, "BEGIN; UPDATE t SET x = 2 WHERE id = 2");
    pthread_create(&thread, NULL, build_index, builder);
    eventually("SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'", "1");
    STATE(NULL, "slow", "t", INDEX_INVALID_BUSY);
    ask(other, "COMMIT");
    pthread_join(thread, NULL);
    STATE(NULL, "slow", "t", INDEX_VALID);
    /* What serves a constraint, or is a part of another index, is not for us to drop. */
    sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_pkey'::regclass");
    STATE(NULL, "t_pkey", "t", INDEX_INVALID_KEEP);
    PQfinish(other);
    PQfinish(builder);
    db_close(db);
}

static void case_batch(void)
{
    OPEN;
    int64_t touched = 0, total = 0;
    int rounds = 0;
    struct made *m = step("b2", "a1", "UPDATE t SET x = 1 WHERE id IN (SELECT id FROM t WHERE x IS NULL LIMIT 40);\n");
    OK(apply(db,
             step("a1", NULL, "CREATE TABLE t AS SELECT i AS id, NULL::integer AS x FROM generate_series(1, 100) i;\n"),
             e));
    OK(db_session_lock(db, e));
    do {
        if (!OK(db_run_batch(db, &m->work, NULL, &touched, e)))
            break;
        total += touched;
        rounds++;
    } while (touched);
    TRUE(total == 100 && rounds == 4);
    db_session_unlock(db);
    db_close(db);
}

/* ------------------------------------------------------------------------------------------------- the rest */

static void case_append_log(void)
{
    OPEN;
    struct log_entry *entries = ARENA_ARRAY(&arena, struct log_entry, 1201);
    for (int i = 0; i < 1201; i++)
        entries[i] = (struct log_entry){.revision = arena_printf(&arena, "r%d", i),
                                        .direction = "adopt",
                                        .state = "done",
                                        .statement = i,
                                        .checksum_version = -1};
    OK(db_append_log(db, entries, 1201, e));
    TEXT(sql("SELECT concat(count(*), ' ', max(statement), ' ', count(checksum_version), ' ', count(parents)) FROM "
             "migrate_log"),
         "1201 1200 0 0");
    OK(db_append_log(db, entries, 0, e));
    db_close(db);
}

static void case_ensure(void)
{
    OPEN;
    struct db_state s;
    OK(db_ensure_version(db, e));
    OK(db_ensure_version(db, e));
    OK(db_read_state(db, &arena, &s, e));
    TRUE(s.has_version_table && !s.has_log);
    OK(apply(db, step("a1", NULL, "SELECT 1;\n"), e));
    TEXT(sql("SELECT count(*) FROM migrate_log"), "1");
    db_close(db);
}

static bool refuse_second(void *context, const struct db_row *row, struct err *e)
{
    int *n = context;
    (void)row;
    return ++*n < 2 || err_set(e, FAULT_CONFIG, "the second row is enough");
}

static void case_query(void)
{
    OPEN;
    BUF_AUTO out = {0};
    int n = 0;
    OK(db_query(db, "SELECT 1 AS a, NULL AS b, 'é' AS \"c d\" -- end", remember, &out, e));
    TEXT(out.p, "a=1 b=(null) c d=é ");
    FAULT(db_query(db, "CREATE TABLE t (id integer)", remember, &out, e), FAULT_FAILED, "read-only transaction");
    FAULT(db_query(db, "SELECT * FROM nowhere", remember, &out, e), FAULT_FAILED,
          "relation \"nowhere\" does not exist");
    FAULT(db_query(db, "SELECT 1; SELECT 2", remember, &out, e), FAULT_CONFIG, "more than one statement");
    FAULT(db_query(db, "SELECT generate_series(1, 100000)", refuse_second, &n, e), FAULT_CONFIG,
          "the second row is enough");
    TRUE(n == 2);
    buf_reset(&out);
    OK(db_query(db, "SELECT 2 AS a", remember, &out, e));
    TEXT(out.p, "a=2 ");
    db_close(db);
}

static void case_scripts(void)
{
    OPEN;
    BUF_AUTO script = {0};
    struct db_options o = options();
    struct row_change changes[] = {
        {ROW_INSERT, NULL, "a'1"}, {ROW_UPDATE, "a'1", "b2"}, {ROW_INSERT, NULL, "c3"}, {ROW_DELETE, "c3", NULL}};
    o.version_table = "odd \"name";
    db_script_begin(&script, DIALECT_POSTGRESQL);
    db_script_tenant(&script, DIALECT_POSTGRESQL, "te'n\\ant");
    db_script_create(&script, DIALECT_POSTGRESQL, &o);
    for (size_t i = 0; i < 4; i++)
        db_script_change(&script, DIALECT_POSTGRESQL, &o, &changes[i]);
    db_script_commit(&script, DIALECT_POSTGRESQL);
    sql(script.p);
    TEXT(sql("SELECT version_num FROM \"odd \"\"name\""), "b2");
    db_close(db);
    (void)e;
}

/* ------------------------------------------------------------------------------------------------- the list */

static const struct {
    const char *name;
    const char *sentence;
    void (*run)(void);
} cases[] = {
    {"open", "connects under its own name", case_open},
    {"missing", "tells a database that does not exist from the rest", case_missing},
    {"create", "makes a missing database, once, however many ask for it", case_create},
    {"create_reading", "makes nothing for a command that only reads", case_create_reading},
    {"passwords", "never shows a password, whatever characters it holds", case_passwords},
    {"no_password", "says that a password is missing", case_no_password},
    {"login", "tells a refused login from a server that is away", case_login},
    {"unreachable", "takes refused, unknown and full servers for unreachable", case_unreachable},
    {"several_hosts", "goes on to the next host", case_several_hosts},
    {"host_names", "looks host names up, and tries all that they stand for", case_names_of_hosts},
    {"host_names_at_once", "looks a name up for many at a time", case_names_at_once},
    {"silent_names", "gives up on a name server that does not answer, and stops while it waits for it",
     case_silent_names},
    {"config", "refuses addresses that make no sense", case_config},
    {"starting", "reads the state of a refusal in any language", case_starting},
    {"silent", "gives up on a server that does not answer", case_silent},
    {"stop_connecting", "stops while it connects", case_stop_connecting},
    {"foreign", "refuses servers that only look like PostgreSQL, or are too old", case_foreign},
    {"tls", "checks the server's certificate, against the system's authorities when none are named", case_tls},
    {"state_empty", "reads an empty database", case_state_empty},
    {"state_alembic", "reads what Alembic left", case_state_alembic},
    {"state_last", "reads the last log row by the names of its columns", case_state_last},
    {"state_shadow", "is not fooled by another schema's log", case_state_shadow},
    {"state_few", "finds the newest row of a log that is read as it lies", case_state_few},
    {"search_paths", "finds its tables by whatever search path", case_search_paths},
    {"names", "quotes whatever names it is given", case_names},
    {"schemas", "moves one connection from schema to schema", case_schemas},
    {"version_schema", "keeps its tables in a schema of their own", case_version_schema},
    {"no_schema", "says that there is no schema to write in", case_no_schema},
    {"not_alembic", "says that the version table is another's", case_not_alembic},
    {"apply", "commits body, version row and log row together", case_apply},
    {"row_changes", "changes several version rows in one step", case_row_changes},
    {"busy", "finds the lock taken, and says by whom", case_busy},
    {"changed", "does nothing when the version rows are not those planned from", case_changed},
    {"lock_timeout", "calls a lock that it did not get worth repeating", case_lock_timeout},
    {"deadlock", "calls a deadlock worth repeating", case_deadlock},
    {"syntax", "shows a syntax error in its file, and has done nothing", case_syntax},
    {"position", "shows where a statement failed", case_position},
    {"carried", "carries the server's detail, context and hint over", case_carried},
    {"deferred", "names the revision whose deferred constraint fails at COMMIT", case_deferred},
    {"ascii", "counts bytes where the server does", case_ascii},
    {"strings_off", "reads a body the same under standard_conforming_strings = off", case_strings_off},
    {"settings", "is not swayed by settings of role or database, nor by a body's SET LOCAL ROLE", case_settings},
    {"long", "sends a long body in groups, and still knows where it failed", case_long},
    {"big_result", "reads large results without keeping them", case_big_result},
    {"copy", "ends COPY in either direction", case_copy},
    {"opaque", "notices a COMMIT that an opaque body hides", case_opaque},
    {"tampering", "refuses a body that changes the version table", case_tampering},
    {"rights", "says which right is missing", case_rights},
    {"statement_timeout", "fails at statement_timeout, and says which it was", case_statement_timeout},
    {"visible", "shows in pg_stat_activity what runs", case_visible},
    {"standby", "takes a standby for a server that cannot be reached just now", case_standby},
    {"terminated", "calls a connection cut in the middle lost", case_terminated},
    {"lost_between", "notices a connection that broke between two messages", case_lost_between},
    {"stop", "cancels what runs when told to stop", case_stop},
    {"deadline", "cancels what runs when the run's deadline passes", case_deadline},
    {"stop_silent", "stops within seconds although the server no longer answers", case_stop_silent},
    {"together", "applies several revisions in one transaction", case_together},
    {"several", "counts the revisions that are committed", case_several},
    {"notices", "hands on what the server says besides", case_notices},
    {"many", "applies a revision once when twenty ask for it", case_many},
    {"bouncer", "works through PgBouncer in transaction mode, but for session locks", case_bouncer},
    {"bouncer_many", "applies a revision once when twenty ask for it through PgBouncer", case_bouncer_many},
    {"session_lock", "takes and gives back a session lock", case_session_lock},
    {"statements", "runs statements one by one, with their progress", case_statements},
    {"session_settings", "leaves the session as it found it", case_session_settings},
    {"indexes", "knows the states of an index, and drops only what may be dropped", case_indexes},
    {"batch", "repeats a batch until it touches no row", case_batch},
    {"append_log", "appends many log rows in one commit", case_append_log},
    {"ensure", "makes the version table alone", case_ensure},
    {"query", "reads other people's queries, and nothing but reads", case_query},
    {"scripts", "writes scripts that PostgreSQL runs", case_scripts},
};

static void make_database(const char *name)
{
    BUF_AUTO drop = {0};
    BUF_AUTO make_it = {0};
    PGconn *conn = session("postgres");
    snprintf(database, sizeof database, "case %s", name);
    buf_addf(&drop, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", database);
    ask(conn, drop.p);
    buf_addf(&make_it, "CREATE DATABASE \"%s\" TEMPLATE template0", database);
    ask(conn, make_it.p);
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    AUTO_ERR e = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc < 2)
            printf("%s\t%s\n", cases[i].name, cases[i].sentence);
        else if (strcmp(argv[1], cases[i].name) == 0) {
            if (!stop_init(&stop, &e))
                return 2;
            make_database(cases[i].name);
            cases[i].run();
            stop_free(&stop);
            buf_free(&talked);
            arena_free(&arena);
            return failures ? 1 : 0;
        }
    }
    return argc < 2 ? 0 : 2;
}
