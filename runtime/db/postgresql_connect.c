/*
 * From an address to a connection: keywords and their defaults, connecting without blocking, and sorting what went wrong
 * by what has to happen next. libpq gets keyword arrays only, never a URL, and none of its messages is shown before the
 * password in it is masked.
 *
 * libpq has no way to ask for the SQLSTATE of a refused connection. With verbose errors it writes the state into the
 * message ("FATAL:  3D000: database … does not exist"), whatever language the words are in; it is read from there and
 * taken out again.
 */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "db/connection.h"
#include "db/postgresql.h"

#define SYSTEM_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"
/* Older servers lack what the messages are made of: hashtextextended is of 11. */
#define OLDEST_SERVER 110000

/* ---- keywords ---- */

struct keywords {
    struct strings keys, values;
};

static void add_keyword(struct arena *a, struct keywords *k, const char *key, const char *value)
{
    vec_push(a, &k->keys, key);
    vec_push(a, &k->values, value);
}

/* What the address or libpq's own environment says; NULL when neither does. */
static const char *said(const struct address *where, const char *key, const char *variable)
{
    const char *value = address_get(where, key);
    return value ? value : getenv(variable);
}

static bool is_verifying(const char *sslmode)
{
    return sslmode && strncmp(sslmode, "verify-", strlen("verify-")) == 0;
}

static bool home_has_root_certificate(void)
{
    const char *home = getenv("HOME");
    BUF_AUTO path = {0};
    if (!home)
        return false;
    buf_addf(&path, "%s/.postgresql/root.crt", home);
    return access(path.p, R_OK) == 0;
}

/*
 * The file to check the server's certificate against, where libpq would find none by itself. "system" is a word of later
 * libpqs, which this one would take for a file's name. *file stays NULL when libpq's own choice is right.
 */
static bool choose_certificates(const struct address *where, const char **file, struct err *e)
{
    const char *root = said(where, "sslrootcert", "PGSSLROOTCERT");
    bool is_system = root && strcmp(root, "system") == 0;
    if (!is_system && (root || !is_verifying(said(where, "sslmode", "PGSSLMODE")) || home_has_root_certificate()))
        return true;
    if (access(SYSTEM_CERTIFICATES, R_OK) != 0) {
        err_set(e, FAULT_CONFIG, "no certificates to check the server against: %s cannot be read", SYSTEM_CERTIFICATES);
        err_hint(e, "name a file with sslrootcert in the address, or in PGSSLROOTCERT");
        return false;
    }
    *file = SYSTEM_CERTIFICATES;
    return true;
}

static bool check_user(const struct address *where, struct err *e)
{
    if (said(where, "user", "PGUSER") || said(where, "service", "PGSERVICE"))
        return true;
    err_set(e, FAULT_CONFIG, "the address names no user");
    err_hint(e, "write it as postgresql://USER@HOST/DATABASE, or set the stream's \"user\" or PGUSER");
    return false;
}

/* Words of the address that are replaced, or mean nothing here. */
static bool is_replaced(const char *key, bool certificates, bool hosts)
{
    static const char *const always[] = {"client_encoding", "dbname", "connect_timeout"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (strcmp(key, always[i]) == 0)
            return true;
    return (certificates && strcmp(key, "sslrootcert") == 0) ||
           (hosts && (strcmp(key, "host") == 0 || strcmp(key, "port") == 0));
}

/* A list behind its first `n` items. */
static const char *behind(const struct buf *list, size_t n)
{
    const char *p = list->p;
    while (n--)
        p = strchr(p, ',') + 1;
    return p;
}

/* Of the hosts those from `first` on. */
static bool collect_keywords(struct arena *a, const struct address *where, const struct db_options *o,
                             const char *database, const struct postgresql_hosts *hosts, size_t first,
                             struct keywords *k, struct err *e)
{
    static const struct address_keyword defaults[] = {
        /* A network that swallows packets is noticed within two minutes; a busy server answers probes all the same. */
        {"keepalives_idle", "30"},
        {"keepalives_interval", "15"},
        {"keepalives_count", "6"},
        {"tcp_user_timeout", "120000"},
    };
    const char *certificates = NULL;
    const char *dbname = database ? database : address_get(where, "dbname");
    if (!choose_certificates(where, &certificates, e))
        return false;
    for (size_t i = 0; i < where->n_keywords; i++)
        if (!is_replaced(where->keywords[i].key, certificates, hosts->n))
            add_keyword(a, k, where->keywords[i].key, where->keywords[i].value);
    if (hosts->n) {
        add_keyword(a, k, "host", behind(&hosts->hosts, first));
        add_keyword(a, k, "hostaddr", behind(&hosts->addresses, first));
        add_keyword(a, k, "port", behind(&hosts->ports, first));
    }
    if (dbname)
        add_keyword(a, k, "dbname", dbname);
    add_keyword(a, k, "client_encoding", "UTF8"); /* positions count its characters */
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!address_get(where, defaults[i].key))
            add_keyword(a, k, defaults[i].key, defaults[i].value);
    if (!said(where, "gssencmode", "PGGSSENCMODE"))
        add_keyword(a, k, "gssencmode", "disable");
    if (certificates)
        add_keyword(a, k, "sslrootcert", certificates);
    if (o->application_name)
        add_keyword(a, k, "fallback_application_name", o->application_name);
    vec_push(a, &k->keys, NULL);
    vec_push(a, &k->values, NULL);
    return true;
}

/* The address may say connect_timeout, in seconds, as libpq's addresses do; libpq ignores it when not blocking. */
static int64_t attempt_deadline(const struct address *where, const struct db_options *o)
{
    const char *said_seconds = address_get(where, "connect_timeout");
    long seconds = said_seconds ? strtol(said_seconds, NULL, 10) : 0;
    int64_t span = seconds > 0 ? (int64_t)seconds * 1000 : o->connect_timeout_ms > 0 ? o->connect_timeout_ms : -1;
    return clock_min(clock_deadline(span), o->deadline);
}

/* ---- what went wrong ---- */

static bool is_sqlstate(const char *p)
{
    for (int i = 0; i < 5; i++)
        if (!isdigit((unsigned char)p[i]) && !(p[i] >= 'A' && p[i] <= 'Z'))
            return false;
    return p[5] == ':' && p[6] == ' ';
}

/*
 * Copies libpq's message without SQLSTATEs ("FATAL:  28P01: words") and LOCATION lines, as one line; the last state found
 * is the answer of the last host that was tried.
 */
static void read_message(const char *message, struct buf *out, char sqlstate[6])
{
    struct str rest = str_from(message), line;
    while (str_next(&rest, '\n', &line)) {
        const char *gap;
        line = str_trim(line);
        if (line.n == 0 || str_starts(line, STR("LOCATION:")))
            continue;
        buf_addz(out, out->n ? "; " : "");
        gap = memmem(line.p, line.n, ":  ", 3);
        if (gap && line.p + line.n - gap > 10 && is_sqlstate(gap + 3)) {
            memcpy(sqlstate, gap + 3, 5);
            buf_add(out, line.p, (size_t)(gap + 2 - line.p));
            line = str_slice(line, (size_t)(gap + 10 - line.p), line.n);
        }
        buf_adds(out, line);
    }
    buf_addz(out, "");
}

struct verdict {
    const char *sign; /* how the SQLSTATE begins, or words of a message that has none */
    enum fault fault;
    const char *hint;
    const char *and; /* further words of it, or NULL */
};

static const struct verdict by_sqlstate[] = {
    {"3D000", FAULT_MISSING, NULL, NULL}, {"28", FAULT_LOGIN, NULL, NULL},
    {"42501", FAULT_LOGIN, NULL, NULL},   {"42704", FAULT_CONFIG, NULL, NULL}, /* unknown setting in `options` */
    {"22023", FAULT_CONFIG, NULL, NULL},
};

/* PgBouncer says 08P01 for everything; libpq's own refusals have no state. Neither translates its messages. */
static const struct verdict by_words[] = {
    {"no such database", FAULT_MISSING, NULL, NULL},
    {"FATAL: database \"", FAULT_MISSING, NULL, "does not exist"},
    {"FATAL: role \"", FAULT_LOGIN, NULL, "does not exist"},
    {"no such user", FAULT_LOGIN, NULL, NULL},
    {"no password supplied", FAULT_LOGIN, "put the password into the address, or set the stream's \"password\"", NULL},
    {"authentication failed", FAULT_LOGIN, NULL, NULL},
    {"certificate verify failed", FAULT_LOGIN,
     "sslrootcert in the address, or PGSSLROOTCERT, names the file with the authority's certificate", NULL},
    {"does not match host name", FAULT_LOGIN, NULL, NULL},
    {"server does not support SSL", FAULT_LOGIN, "sslmode=prefer in the address would go on without encryption", NULL},
    {"could not read root certificate file", FAULT_CONFIG, NULL, NULL},
    {"root certificate file \"", FAULT_CONFIG, NULL, NULL},
    {"unsupported startup parameter", FAULT_CONFIG, "a connection pooler refuses `options` in the address", NULL},
};

static const struct verdict *find_verdict(const char *sqlstate, const char *message)
{
    for (size_t i = 0; *sqlstate && i < sizeof by_sqlstate / sizeof *by_sqlstate; i++)
        if (strncmp(sqlstate, by_sqlstate[i].sign, strlen(by_sqlstate[i].sign)) == 0)
            return &by_sqlstate[i];
    if (*sqlstate && strncmp(sqlstate, "08", 2) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof by_words / sizeof *by_words; i++)
        if (strstr(message, by_words[i].sign) && (!by_words[i].and || strstr(message, by_words[i].and)))
            return &by_words[i];
    return NULL;
}

/* libpq puts "connection to server … failed:" in front of what happened while connecting; without it, it did not try. */
static bool was_tried(const char *message)
{
    return strstr(message, "connection to server") || strstr(message, "could not translate host name") ||
           strstr(message, "could not send") || strstr(message, "server closed the connection");
}

static bool explain_refusal(const PGconn *conn, const struct address *where, struct err *e)
{
    char sqlstate[6] = "";
    BUF_AUTO raw = {0};
    BUF_AUTO message = {0};
    postgresql_add_masked(&raw, where, PQerrorMessage(conn));
    read_message(raw.p ? raw.p : "", &message, sqlstate);
    const struct verdict *verdict = find_verdict(sqlstate, message.p);
    enum fault fault = verdict ? verdict->fault : was_tried(message.p) || *sqlstate ? FAULT_UNREACHABLE : FAULT_CONFIG;
    err_set(e, fault, "%s", message.n ? message.p : "no connection, and no reason given");
    memcpy(e->sqlstate, sqlstate, sizeof sqlstate);
    if (verdict && verdict->hint)
        err_hint(e, "%s", verdict->hint);
    return false;
}

/* ---- connecting ---- */

static bool explain_waiting(enum wake wake, int64_t since, const struct address *where, const struct db_options *o,
                            struct err *e)
{
    char span[32];
    BUF_AUTO place = {0};
    if (wake == WAKE_STOP)
        return err_set(e, FAULT_STOPPED, "stopped on request while connecting");
    if (clock_left(o->deadline) == 0)
        return err_set(e, FAULT_DEADLINE, "the run's deadline passed while connecting");
    address_show(&place, where);
    duration_format(span, clock_ms() - since);
    return err_set(e, FAULT_UNREACHABLE, "no answer from %s within %s", place.p, span);
}

/*
 * Drives libpq to a connection. The socket may be another after each step (next host, second attempt without TLS). *silent:
 * the host that it tries did not answer in time.
 */
static bool wait_until_connected(PGconn *conn, const struct address *where, const struct db_options *o, int64_t since,
                                 int64_t deadline, bool *silent, struct err *e)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING; /* as libpq's manual says to begin */
    while (PQstatus(conn) != CONNECTION_BAD && next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
        enum wake wake = postgresql_wait(PQsocket(conn), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline,
                                         o->stop);
        *silent = wake == WAKE_DEADLINE;
        if (wake != WAKE_READY)
            return explain_waiting(wake, since, where, o, e);
        next = PQconnectPoll(conn);
    }
    return (PQstatus(conn) == CONNECTION_OK && PQsetnonblocking(conn, 1) == 0) || explain_refusal(conn, where, e);
}

/* False: no name has an address, or there was no time to find out. Names that libpq is told otherwise are left to it. */
static bool resolve(struct arena *a, const struct address *where, const struct db_options *o, int64_t since,
                    int64_t deadline, struct postgresql_hosts *hosts, struct err *e)
{
    const char *host = said(where, "host", "PGHOST"), *port = said(where, "port", "PGPORT");
    if (!host || said(where, "hostaddr", "PGHOSTADDR") || said(where, "service", "PGSERVICE"))
        return true;
    enum wake wake = postgresql_resolve(a, host, port ? port : "", deadline, o->stop, hosts);
    if (wake != WAKE_READY)
        return explain_waiting(wake, since, where, o, e);
    if (hosts->n || !hosts->problem)
        return true;
    BUF_AUTO name = {0};
    postgresql_add_masked(&name, where, hosts->unknown); /* a malformed address may have a password there */
    return err_set(e, FAULT_UNREACHABLE, "could not translate host name \"%s\" to address: %s", name.p, hosts->problem);
}

static PGconn *start_connecting(struct arena *a, const struct address *where, const struct db_options *o,
                                const char *database, const struct postgresql_hosts *hosts, size_t first, struct err *e)
{
    struct keywords k = {0};
    PGconn *conn;
    if (!collect_keywords(a, where, o, database, hosts, first, &k, e))
        return NULL;
    conn = PQconnectStartParams(k.keys.v, k.values.v, 0);
    if (conn)
        PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    else
        err_set(e, FAULT_FAILED, "out of memory");
    return conn;
}

static bool is_item(const struct buf *list, size_t i, const char *text)
{
    const char *item = behind(list, i);
    size_t n = strcspn(item, ",");
    return strlen(text) == n && memcmp(item, text, n) == 0;
}

/* An empty one stands for what libpq chooses. */
static bool may_be_item(const struct buf *list, size_t i, const char *text)
{
    return !text || is_item(list, i, "") || is_item(list, i, text);
}

/*
 * libpq goes on to the next host by itself when one refuses, but leaves silence to us, who began with host `first`. Each
 * host has the whole time: one that was reached in the course of it is tried anew, the first one is given up.
 */
static size_t host_after_silence(const PGconn *conn, const struct postgresql_hosts *hosts, size_t first)
{
    const char *host = PQhost(conn), *address = PQhostaddr(conn), *port = PQport(conn);
    for (size_t i = first + 1; host && i < hosts->n; i++) {
        if (is_item(&hosts->hosts, i, host) && may_be_item(&hosts->addresses, i, address) &&
            may_be_item(&hosts->ports, i, port))
            return i;
    }
    return first + 1;
}

/* One attempt, to `database` or to the one that the address names. NULL with *e set. */
static PGconn *connect_to(const struct address *where, const struct db_options *o, const char *database, struct err *e)
{
    ARENA_AUTO a = {0};
    __attribute__((cleanup(postgresql_hosts_free))) struct postgresql_hosts hosts = {0};
    int64_t since = clock_ms(), deadline = attempt_deadline(where, o);
    if (stop_cancelled(o->stop)) {
        err_set(e, FAULT_STOPPED, "stopped on request while connecting");
        return NULL;
    }
    if (!check_user(where, e) || !resolve(&a, where, o, since, deadline, &hosts, e))
        return NULL;
    for (size_t first = 0;;) {
        bool silent = false;
        PGconn *conn = start_connecting(&a, where, o, database, &hosts, first, e);
        if (!conn || wait_until_connected(conn, where, o, since, deadline, &silent, e))
            return conn;
        first = silent && clock_left(o->deadline) > 0 ? host_after_silence(conn, &hosts, first) : hosts.n;
        PQfinish(conn);
        if (first >= hosts.n)
            return NULL;
        err_free(e);
        deadline = attempt_deadline(where, o);
    }
}

/* ---- what kind of server it is ---- */

static bool check_engine(PGconn *conn, const struct db_options *o, struct err *e)
{
    const char *version = PQparameterStatus(conn, "server_version");
    const char *foreign = NULL;
    if (PQparameterStatus(conn, "crdb_version"))
        foreign = "CockroachDB";
    else if (version && strstr(version, "-YB-"))
        foreign = "YugabyteDB";
    if (o->allow_foreign)
        return true;
    if (foreign) {
        err_set(e, FAULT_POLICY,
                "the server is %s, not PostgreSQL: a failed revision would leave half of its work behind", foreign);
        err_hint(e, "the setting \"allow_foreign_engine\" goes on regardless");
        return false;
    }
    if (PQserverVersion(conn) >= OLDEST_SERVER)
        return true;
    err_set(e, FAULT_POLICY, "the server is of version %s, older than PostgreSQL 11", version ? version : "unknown");
    err_hint(e, "the setting \"allow_foreign_engine\" goes on regardless");
    return false;
}

/* ---- making a database that is missing ---- */

static bool is_made_already(const struct reply *reply)
{
    const char *state = postgresql_sqlstate(reply->error);
    /* 23505: two CREATE DATABASE met in the unique index of names. */
    return strcmp(state, "42P04") == 0 || strcmp(state, "23505") == 0;
}

static bool create_database(struct postgresql *p, const char *name, struct err *e)
{
    BUF_AUTO sql = {0};
    BUF_AUTO quoted = {0};
    BUF_AUTO template = {0};
    REPLY_AUTO reply = {0};
    const struct db_options *o = &p->base.options;
    db_quote_name(&quoted, name);
    if (o->template) {
        buf_addz(&template, " TEMPLATE ");
        db_quote_name(&template, o->template);
    }
    sql_add(&sql, SQL_CREATE_DATABASE, "name", quoted.p, "template", template.n ? template.p : "", "mark",
            o->is_template ? " IS_TEMPLATE true" : "", NULL);
    if (postgresql_exchange(p, sql.p, &reply) || is_made_already(&reply))
        return true;
    postgresql_explain(p, &reply, "create the database", e);
    if (strcmp(e->sqlstate, "55006") == 0) /* somebody is connected to what is copied */
        e->fault = FAULT_LOCK;
    return false;
}

/* With the same address, but in a database that every server has. */
static bool create_from_outside(struct postgresql *p, const char *name, struct err *e)
{
    static const char *const maintenance[] = {"postgres", "template1"};
    bool created = false;
    for (size_t i = 0; i < sizeof maintenance / sizeof *maintenance; i++) {
        p->conn = connect_to(&p->where, &p->base.options, maintenance[i], e);
        if (p->conn || e->fault != FAULT_MISSING)
            break;
    }
    if (!p->conn) {
        err_context(e, "cannot create the database \"%s\"", name);
        return false;
    }
    created = create_database(p, name, e);
    PQfinish(p->conn);
    p->conn = NULL;
    p->dead = false;
    return created;
}

/* ---- opening ---- */

static void copy_address(struct arena *a, struct address *to, const struct address *from)
{
    *to = (struct address){.dialect = from->dialect};
    for (size_t i = 0; i < from->n_keywords; i++)
        address_set(a, to, from->keywords[i].key, from->keywords[i].value);
}

static const char *database_name(const struct address *where)
{
    const char *name = said(where, "dbname", "PGDATABASE");
    return name ? name : said(where, "user", "PGUSER");
}

static void add_said(struct buf *out, const struct address *where, const char *key, const char *variable)
{
    const char *value = said(where, key, variable);
    if (value)
        buf_addf(out, " %s %s", key, value);
}

/* It may set the search path, so it tells databases apart; what else is in it, a secret perhaps, is nobody's business. */
static void add_options(struct buf *out, const struct address *where)
{
    const char *value = said(where, "options", "PGOPTIONS");
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    if (!value)
        return;
    struct hash *h = hash_new();
    hash_add(h, value, strlen(value));
    hash_finish(h, sum);
    hash_hex(sum, hex);
    buf_addf(out, " options %.16s", hex);
}

void postgresql_locate(const struct address *where, struct buf *server, struct buf *database)
{
    const char *host = said(where, "host", "PGHOST"), *port = said(where, "port", "PGPORT");
    const char *name = database_name(where);
    buf_addf(server, "%s:%s", host ? host : "", port ? port : "5432");
    add_said(server, where, "hostaddr", "PGHOSTADDR");
    add_said(server, where, "service", "PGSERVICE");
    buf_addz(database, name ? name : "");
    add_options(database, where);
}

static bool open_or_create(struct postgresql *p, struct err *e)
{
    const struct db_options *o = &p->base.options;
    p->conn = connect_to(&p->where, o, NULL, e);
    if (!p->conn && e->fault == FAULT_MISSING && o->create && !o->read_only) {
        const char *name = database_name(&p->where);
        if (!name || !create_from_outside(p, name, e))
            return false;
        err_free(e);
        p->conn = connect_to(&p->where, o, NULL, e);
    }
    return p->conn && check_engine(p->conn, o, e);
}

bool postgresql_open(struct db **out, const struct address *where, const struct db_options *options, struct err *e)
{
    struct postgresql *p = mem_alloc(sizeof *p);
    p->base.options = *options;
    copy_address(&p->arena, &p->where, where);
    if (!open_or_create(p, e)) {
        postgresql_close(&p->base);
        return false;
    }
    postgresql_watch_notices(p);
    *out = &p->base;
    return true;
}

/*
 * The server closes its end of a connection last of all, when the process is gone; so that is what tells. `fd` is a copy of
 * the socket, and libpq has said good-bye.
 */
static void see_end(int fd, const struct stop *stop)
{
    enum { PATIENCE_MS = 1000 };
    int64_t deadline = clock_deadline(PATIENCE_MS);
    char rest[512];
    while (postgresql_wait(fd, POLLIN, deadline, stop) == WAKE_READY && read(fd, rest, sizeof rest) > 0)
        ;
    close(fd);
}

unsigned postgresql_server_major(const struct db *db)
{
    const struct postgresql *p = (const struct postgresql *)db;
    return (unsigned)PQserverVersion(p->conn) / 10000;
}

void postgresql_close(struct db *db)
{
    struct postgresql *p = postgresql_of(db);
    int fd = db->see_end && p->conn && PQstatus(p->conn) == CONNECTION_OK ? fcntl(PQsocket(p->conn), F_DUPFD_CLOEXEC, 0)
                                                                          : -1;
    PQfinish(p->conn);
    if (fd >= 0)
        see_end(fd, db->options.stop);
    postgresql_forget(p);
    free(p->server);
    arena_free(&p->arena);
    free(p);
}

struct pg_conn *db_connection(struct db *db)
{
    return postgresql_of(db)->conn;
}
