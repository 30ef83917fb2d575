/*
 * One transaction on a scratch database: it begins, is worked in, and is rolled back, never committed. Knows nothing of
 * what is loaded or read in it.
 */
#include "gen/server.h"

#include <stdlib.h>
#include <string.h>

#include "db/connection.h"
#include "gen/session.h"
#include "gen/statements.h"

#define CONNECT_MS 30000
#define WAIT_FOR_OTHERS_MS 60000
#define LONGEST_SHOWN 4000

/* Two generators in one scratch database would meet in each other's locks: "migrate-gen" in hexadecimal. */
#define ALONE "SELECT pg_catalog.pg_try_advisory_xact_lock(x'6d6967726174652d'::bigint)"

/* ---------------------------------------------------------------------------------------------------- the connection */

void outcome_free(struct outcome *o)
{
    PQclear(o->error);
    PQclear(o->result);
    *o = (struct outcome){0};
}

static void keep_result(struct outcome *o, PGresult *r)
{
    bool failed = PQresultStatus(r) == PGRES_FATAL_ERROR || PQresultStatus(r) == PGRES_BAD_RESPONSE;
    if (failed && !o->error) {
        o->error = r;
    } else if (failed) {
        PQclear(r);
    } else {
        PQclear(o->result);
        o->result = r;
        o->completed++;
    }
}

/* No rows follow a COPY of ours, and nobody reads those of theirs. */
static void end_copy(PGconn *conn, const PGresult *r)
{
    char *row = NULL;
    if (PQresultStatus(r) == PGRES_COPY_IN)
        PQputCopyEnd(conn, "a schema has no rows to copy");
    while (PQresultStatus(r) == PGRES_COPY_OUT && PQgetCopyData(conn, &row, 0) > 0)
        PQfreemem(row);
}

bool session_run(struct server *s, const char *sql, struct outcome *o)
{
    outcome_free(o);
    if (!PQsendQuery(s->conn, sql))
        o->error = PQmakeEmptyPGresult(s->conn, PGRES_FATAL_ERROR);
    for (PGresult *r; (r = PQgetResult(s->conn));) {
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
            end_copy(s->conn, r);
            PQclear(r);
        } else {
            keep_result(o, r);
        }
    }
    return !o->error && PQtransactionStatus(s->conn) == PQTRANS_INTRANS;
}

bool session_try(struct server *s, struct str sql, size_t *prefix, struct outcome *o)
{
    BUF_AUTO text = {0};
    OUTCOME_AUTO back = {0};
    buf_adds(&text, sql);
    buf_addz(&text, "\n;RELEASE SAVEPOINT migrate_try");
    *prefix = 0;
    /* A message of its own: of one that does not parse, nothing runs. */
    if (!session_run(s, "SAVEPOINT migrate_try", o))
        return false;
    if (session_run(s, text.p, o)) {
        o->completed--;
        return true;
    }
    session_run(s, "ROLLBACK TO SAVEPOINT migrate_try; RELEASE SAVEPOINT migrate_try", &back);
    return false;
}

const char *outcome_field(const struct outcome *o, int field)
{
    return o->error ? PQresultErrorField(o->error, field) : NULL;
}

const char *outcome_state(const struct outcome *o)
{
    const char *state = outcome_field(o, PG_DIAG_SQLSTATE);
    return state ? state : "";
}

bool outcome_explain(const struct server *s, const struct outcome *o, struct err *e)
{
    const char *message = outcome_field(o, PG_DIAG_MESSAGE_PRIMARY), *state = outcome_state(o);
    if (PQstatus(s->conn) != CONNECTION_OK)
        return err_set(e, FAULT_UNREACHABLE, "the connection to the scratch database broke%s%s", message ? ": " : "",
                       message ? message : "");
    if (!o->error)
        return err_set(e, FAULT_FAILED, "the statement ends the transaction");
    err_set(e, FAULT_FAILED, "%s", message ? message : "the server says nothing of why");
    if (strlen(state) == 5)
        memcpy(e->sqlstate, state, 6);
    if (outcome_field(o, PG_DIAG_MESSAGE_DETAIL))
        err_detail(e, "%s", outcome_field(o, PG_DIAG_MESSAGE_DETAIL));
    if (outcome_field(o, PG_DIAG_MESSAGE_HINT))
        err_hint(e, "%s", outcome_field(o, PG_DIAG_MESSAGE_HINT));
    return false;
}

bool session_do(struct server *s, const char *sql, const char *what, struct err *e)
{
    OUTCOME_AUTO o = {0};
    if (session_run(s, sql, &o))
        return true;
    outcome_explain(s, &o, e);
    err_context(e, "cannot %s", what);
    return false;
}

bool session_value(struct server *s, const char *sql, const char **value, const char *what, struct err *e)
{
    OUTCOME_AUTO o = {0};
    *value = NULL;
    if (!session_run(s, sql, &o)) {
        outcome_explain(s, &o, e);
        err_context(e, "cannot %s", what);
        return false;
    }
    if (PQntuples(o.result) && !PQgetisnull(o.result, 0, 0))
        *value = arena_strdup(&s->arena, PQgetvalue(o.result, 0, 0));
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- opening */

/* Hides libpq's variables for a while: those of the live database must not lead us away from our own socket. */
struct hidden {
    struct arena arena;
    struct strings names, values;
};

extern char **environ;

static void hide_environment(struct hidden *h)
{
    for (char **variable = environ; *variable; variable++) {
        struct str rest = str_from(*variable), name;
        if (!str_starts(rest, STR("PG")) || !str_next(&rest, '=', &name))
            continue;
        vec_push(&h->arena, &h->names, arena_str(&h->arena, name));
        vec_push(&h->arena, &h->values, arena_str(&h->arena, rest));
    }
    for (size_t i = 0; i < h->names.n; i++)
        unsetenv(h->names.v[i]);
}

static void show_environment(struct hidden *h)
{
    for (size_t i = 0; i < h->names.n; i++)
        setenv(h->names.v[i], h->values.v[i], 1);
    arena_free(&h->arena);
}

const struct db_options session_options = {
    .stream = "scratch",
    .version_table = "alembic_version",
    .application_name = "migrate-gen",
    .actor = "",
    .client_host = "",
    .build_id = "",
    .connect_timeout_ms = CONNECT_MS,
    .deadline = DEADLINE_NEVER,
};

bool session_connect(struct server *s, const struct address *where, const struct db_options *options, struct err *e)
{
    if (!db_open(&s->db, where, options, e))
        return false;
    s->conn = db_connection(s->db);
    PQsetnonblocking(s->conn, 0);
    return true;
}

bool session_connect_cluster(struct server *s, const struct cluster *cluster, const char *database,
                             const struct db_options *options, struct err *e)
{
    ARENA_AUTO a = {0};
    struct hidden hidden = {0};
    struct address where = {.dialect = DIALECT_POSTGRESQL};
    address_set(&a, &where, "host", cluster_socket(cluster));
    address_set(&a, &where, "port", "5432");
    address_set(&a, &where, "user", "postgres");
    address_set(&a, &where, "dbname", database);
    address_set(&a, &where, "sslmode", "disable");
    hide_environment(&hidden);
    bool ok = session_connect(s, &where, options, e);
    show_environment(&hidden);
    return ok;
}

static bool open_cluster(struct server *s, int major, struct err *e)
{
    return cluster_start(&s->cluster, major, e) &&
           session_connect_cluster(s, s->cluster, "postgres", &session_options, e);
}

static bool check_major(struct server *s, int major, struct err *e)
{
    int has = server_version(s) / 10000;
    if (!major || major == has)
        return true;
    err_set(e, FAULT_CONFIG, "the scratch database is PostgreSQL %d, what is compared with it is %d", has, major);
    err_hint(e, "expressions are printed differently: name a scratch database on PostgreSQL %d", major);
    return false;
}

/*
 * One object that somebody made here. Extensions may be there: on a managed server nobody else can make them.
 */
static const char some_object[] =
    "SELECT found FROM (\n"
    "  SELECT 'schema ' || pg_catalog.quote_ident(n.nspname) AS found, 'pg_namespace'::regclass AS class, n.oid\n"
    "    FROM pg_catalog.pg_namespace n WHERE n.nspname <> 'public'\n"
    "     AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'\n"
    "  UNION ALL\n"
    "  SELECT 'relation ' || c.oid::regclass::text, 'pg_class'::regclass, c.oid\n"
    "    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "   WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind NOT IN ('i', 'I', 't')\n"
    "  UNION ALL\n"
    "  SELECT 'function ' || p.oid::regprocedure::text, 'pg_proc'::regclass, p.oid\n"
    "    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
    "   WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'\n"
    "  UNION ALL\n"
    "  SELECT 'type ' || t.oid::regtype::text, 'pg_type'::regclass, t.oid\n"
    "    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
    "   WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND t.typtype IN ('d', 'e', 'r')\n"
    "  UNION ALL\n"
    "  SELECT 'publication ' || pg_catalog.quote_ident(pubname), 'pg_publication'::regclass, oid\n"
    "    FROM pg_catalog.pg_publication\n"
    "  UNION ALL\n"
    "  SELECT 'event trigger ' || pg_catalog.quote_ident(evtname), 'pg_event_trigger'::regclass, oid\n"
    "    FROM pg_catalog.pg_event_trigger) o\n"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
    "                    WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')\n"
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.extnamespace = o.oid\n"
    "                    WHERE o.class = 'pg_namespace'::regclass)\n"
    " LIMIT 1";

static bool check_empty(struct server *s, struct err *e)
{
    OUTCOME_AUTO o = {0};
    session_run(s, some_object, &o);
    if (o.error)
        return outcome_explain(s, &o, e);
    if (!PQntuples(o.result))
        return true;
    err_set(e, FAULT_CONFIG, "the scratch database is not empty: %s", PQgetvalue(o.result, 0, 0));
    err_detail(e, "what is there would be taken for part of the schema");
    err_hint(e, "name a database that holds nothing: CREATE DATABASE migrate_scratch TEMPLATE template0");
    return false;
}

/* Schemas are made in it, so CREATE on the database is needed in any case. */
static bool check_rights(struct server *s, struct err *e)
{
    OUTCOME_AUTO o = {0};
    session_run(s,
                "SELECT rolsuper, pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),\n"
                "       current_user, pg_catalog.quote_ident(pg_catalog.current_database())\n"
                "  FROM pg_catalog.pg_roles WHERE rolname = current_user",
                &o);
    if (o.error || !PQntuples(o.result))
        return outcome_explain(s, &o, e);
    s->superuser = strcmp(PQgetvalue(o.result, 0, 0), "t") == 0;
    if (strcmp(PQgetvalue(o.result, 0, 1), "t") == 0)
        return true;
    err_set(e, FAULT_CONFIG, "the role \"%s\" may not create anything in the scratch database",
            PQgetvalue(o.result, 0, 2));
    err_hint(e, "GRANT CREATE ON DATABASE %s TO %s", PQgetvalue(o.result, 0, 3), PQgetvalue(o.result, 0, 2));
    return false;
}

bool session_scratch_address(struct arena *a, const char *scratch, struct address *where, struct err *e)
{
    if (!address_parse(a, str_from(scratch), NULL, where, e)) {
        err_context(e, "--scratch");
        return false;
    }
    return where->dialect == DIALECT_POSTGRESQL ||
           err_set(e, FAULT_CONFIG, "the scratch database must be PostgreSQL: SQLite needs none");
}

static bool open_standing(struct server *s, const char *scratch, int major, struct err *e)
{
    ARENA_AUTO a = {0};
    struct address where;
    if (!session_scratch_address(&a, scratch, &where, e))
        return false;
    if (!session_connect(s, &where, &session_options, e)) {
        err_context(e, "the scratch database");
        return false;
    }
    return check_major(s, major, e) && check_rights(s, e) && check_empty(s, e);
}

bool server_open(struct server **out, const char *scratch, int major, struct err *e)
{
    struct server *s = mem_alloc(sizeof *s);
    bool ok;
    if (scratch) {
        ok = open_standing(s, scratch, major, e);
    } else {
        ok = open_cluster(s, major, e);
        s->superuser = true;
    }
    if (ok)
        *out = s;
    else
        server_close(s);
    return ok;
}

void server_close(struct server *s)
{
    if (!s)
        return;
    db_close(s->db);
    cluster_stop(s->cluster);
    arena_free(&s->arena);
    free(s);
}

int server_version(const struct server *s)
{
    return PQserverVersion(s->conn);
}

/* ----------------------------------------------------------------------------------------------------- transactions */

/* Waits outside of transactions, so that nobody's VACUUM waits for us meanwhile. */
static bool begin_alone(struct server *s, struct err *e)
{
    int64_t deadline = clock_deadline(WAIT_FOR_OTHERS_MS);
    for (;;) {
        const char *alone = NULL;
        OUTCOME_AUTO o = {0};
        s->begun = true;
        if (!session_do(s, "BEGIN ISOLATION LEVEL REPEATABLE READ", "begin", e) ||
            !session_value(s, ALONE, &alone, "lock the scratch database", e))
            return false;
        if (alone && strcmp(alone, "t") == 0)
            return true;
        server_rollback(s);
        if (clock_left(deadline) == 0)
            return err_set(e, FAULT_BUSY, "another migrate-gen has been using the scratch database for a minute");
        stop_sleep(NULL, clock_jitter(200), false);
    }
}

bool session_has_role(struct server *s, const char *name, bool *has, struct err *e)
{
    BUF_AUTO sql = {0};
    const char *found;
    buf_addz(&sql, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = ");
    db_quote_text(&sql, DIALECT_POSTGRESQL, name);
    bool ok = session_value(s, sql.p, &found, "look for the role", e);
    *has = found;
    return ok;
}

/* Else each statement of the models would be told, one by one, that it may not. */
static bool may_create(struct server *s, struct err *e)
{
    OUTCOME_AUTO o = {0};
    session_run(
        s,
        "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')\n"
        "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace\n"
        "                    WHERE nspname = 'public' AND NOT pg_catalog.has_schema_privilege(oid, 'CREATE')),\n"
        "       current_user, pg_catalog.quote_ident(current_user),\n"
        "       pg_catalog.quote_ident(pg_catalog.current_database())",
        &o);
    if (o.error || !PQntuples(o.result))
        return outcome_explain(s, &o, e);
    if (strcmp(PQgetvalue(o.result, 0, 0), "t") == 0)
        return true;
    err_set(e, FAULT_CONFIG, "\"%s\" owns the live schema, and may create nothing in the scratch database",
            PQgetvalue(o.result, 0, 1));
    err_hint(e, "let it own that one too: ALTER DATABASE %s OWNER TO %s", PQgetvalue(o.result, 0, 3),
             PQgetvalue(o.result, 0, 2));
    return false;
}

/*
 * Who does everything must be able to do what an owner of a whole database can; in our hands it is a superuser for the
 * time of the transaction, wherever we may say so.
 */
static bool become(struct server *s, const char *role, struct err *e)
{
    bool has;
    BUF_AUTO sql = {0};
    if (!role)
        return true;
    if (!session_has_role(s, role, &has, e))
        return false;
    if (s->superuser) {
        buf_addz(&sql, has ? "ALTER ROLE " : "CREATE ROLE ");
        db_quote_name(&sql, role);
        buf_addz(&sql, " SUPERUSER;");
    } else if (!has && !server_add_role(s, role, e)) {
        return false;
    }
    buf_addz(&sql, "SET LOCAL ROLE ");
    db_quote_name(&sql, role);
    if (session_do(s, sql.p, "act as the role that owns the live schema", e))
        return s->superuser || may_create(s, e);
    err_hint(e, "on a temporary cluster (no --scratch) any role can be had; here, grant it to the scratch role");
    return false;
}

bool session_settle(struct server *s, struct err *e)
{
    BUF_AUTO sql = {0};
    buf_addz(&sql, "SET LOCAL standard_conforming_strings = on; SET LOCAL client_min_messages = warning;"
                   "SET LOCAL lock_timeout = '60s'; SET LOCAL TimeZone = 'UTC'; SET LOCAL search_path = ");
    db_quote_name(&sql, s->schema);
    return session_do(s, sql.p, "set up the transaction", e);
}

static bool make_schema(struct server *s, struct err *e)
{
    BUF_AUTO sql = {0};
    const char *found;
    buf_addz(&sql, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ");
    db_quote_text(&sql, DIALECT_POSTGRESQL, s->schema);
    if (!session_value(s, sql.p, &found, "look for the schema", e) || found)
        return !e->message;
    buf_reset(&sql);
    buf_addz(&sql, "CREATE SCHEMA ");
    db_quote_name(&sql, s->schema);
    return session_do(s, sql.p, "create the schema", e);
}

/* Extensions that stand in a standing database are no part of the schema unless it says so. */
static bool put_extensions_aside(struct server *s, struct err *e)
{
    OUTCOME_AUTO found = {0};
    s->kept = (struct strings){0};
    if (s->cluster)
        return true;
    if (!session_run(s, "SELECT extname FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'", &found))
        return outcome_explain(s, &found, e);
    for (int i = 0; i < PQntuples(found.result); i++) {
        OUTCOME_AUTO dropped = {0};
        BUF_AUTO sql = {0};
        size_t prefix;
        const char *name = PQgetvalue(found.result, i, 0);
        buf_addz(&sql, "DROP EXTENSION ");
        db_quote_name(&sql, name);
        buf_addz(&sql, " CASCADE");
        if (!session_try(s, buf_str(&sql), &prefix, &dropped))
            vec_push(&s->arena, &s->kept, arena_strdup(&s->arena, name));
    }
    return true;
}

bool server_begin(struct server *s, const char *role, const char *schema, struct err *e)
{
    server_rollback(s);
    arena_reset(&s->arena);
    s->schema = arena_strdup(&s->arena, schema ? schema : "public");
    if (begin_alone(s, e) && put_extensions_aside(s, e) && become(s, role, e) && make_schema(s, e) &&
        session_settle(s, e))
        return true;
    server_rollback(s);
    return false;
}

void server_rollback(struct server *s)
{
    OUTCOME_AUTO o = {0};
    if (s->begun)
        session_run(s, "ROLLBACK", &o);
    s->begun = false;
}

static bool run_on_mark(struct server *s, const char *word, const char *name, struct err *e)
{
    BUF_AUTO sql = {0};
    buf_addz(&sql, word);
    db_quote_name(&sql, name);
    return session_do(s, sql.p, "go back in the transaction", e);
}

bool server_mark(struct server *s, const char *name, struct err *e)
{
    return run_on_mark(s, "SAVEPOINT ", name, e);
}

bool server_back(struct server *s, const char *name, struct err *e)
{
    return run_on_mark(s, "ROLLBACK TO SAVEPOINT ", name, e);
}

/* ------------------------------------------------------------------------------------------------ statements of ours */

/* The statement that was running when `completed` were done. */
static struct str statement_at(struct str sql, size_t completed)
{
    struct span piece;
    size_t at = 0;
    while (statement_next(sql, DIALECT_POSTGRESQL, at, &piece)) {
        if (completed-- == 0)
            return str_slice(sql, piece.offset, piece.offset + piece.length);
        at = piece.next;
    }
    return sql;
}

bool server_run(struct server *s, struct str sql, struct err *e)
{
    OUTCOME_AUTO o = {0};
    size_t prefix;
    if (!str_trim(sql).n || session_try(s, sql, &prefix, &o))
        return true;
    struct str statement = statement_at(sql, o.completed);
    outcome_explain(s, &o, e);
    BUF_AUTO detail = {0};
    buf_adds(&detail, str_slice(statement, 0, LONGEST_SHOWN));
    if (e->detail)
        buf_addf(&detail, "\n%s", e->detail);
    err_detail(e, "%s", detail.p ? detail.p : "");
    return false;
}

/* Not by way of the role that acts: it may not be allowed to. */
bool server_add_role(struct server *s, const char *name, struct err *e)
{
    bool has;
    BUF_AUTO sql = {0};
    OUTCOME_AUTO o = {0};
    size_t prefix;
    if (!session_has_role(s, name, &has, e) || has)
        return !e->message;
    buf_addz(&sql, "CREATE ROLE ");
    db_quote_name(&sql, name);
    if (session_try(s, buf_str(&sql), &prefix, &o))
        return true;
    outcome_explain(s, &o, e);
    err_context(e, "the role \"%s\" is missing on the scratch server and cannot be made", name);
    err_hint(e, "create it there: CREATE ROLE %s", sql.p + strlen("CREATE ROLE "));
    return false;
}

void session_hint_package(const struct server *s, const char *name, struct err *e)
{
    err_hint(e,
             "install what holds \"%s\" beside PostgreSQL %d (Debian: postgresql-contrib, or postgresql-%d-…), or "
             "name a database of a server that has it with --scratch URL",
             name, server_version(s) / 10000, server_version(s) / 10000);
}

bool server_add_extension(struct server *s, const char *name, const char *schema, const char *version, struct err *e)
{
    BUF_AUTO sql = {0};
    OUTCOME_AUTO o = {0};
    size_t prefix;
    if (schema && strncmp(schema, "pg_", 3) != 0) {
        buf_addz(&sql, "CREATE SCHEMA IF NOT EXISTS ");
        db_quote_name(&sql, schema);
        buf_addz(&sql, "; ");
    }
    buf_addz(&sql, "CREATE EXTENSION IF NOT EXISTS ");
    db_quote_name(&sql, name);
    if (schema) {
        buf_addz(&sql, " SCHEMA ");
        db_quote_name(&sql, schema);
    }
    if (version) {
        buf_addz(&sql, " VERSION ");
        db_quote_text(&sql, DIALECT_POSTGRESQL, version);
    }
    if (session_try(s, buf_str(&sql), &prefix, &o))
        return true;
    outcome_explain(s, &o, e);
    if (!e->hint)
        session_hint_package(s, name, e);
    return false;
}

/* ----------------------------------------------------------------------------------------------------------- reading */

static bool hand_over(const PGresult *r, size_t index,
                      bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                      struct err *e)
{
    ARENA_AUTO a = {0};
    int n = PQnfields(r);
    const char **names = ARENA_ARRAY(&a, const char *, (size_t)n), **values = ARENA_ARRAY(&a, const char *, (size_t)n);
    for (int i = 0; i < n; i++)
        names[i] = PQfname(r, i);
    bool ok = true;
    for (int i = 0; ok && i < PQntuples(r); i++) {
        for (int j = 0; j < n; j++)
            values[j] = PQgetisnull(r, i, j) ? NULL : PQgetvalue(r, i, j);
        ok = row(to, index, &(struct db_row){.n = (size_t)n, .names = names, .values = values}, e);
    }
    return ok;
}

/* Whatever the statements set for themselves is undone with the mark. */
static bool run_source(void *context, const char *const *sql, size_t n,
                       bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                       struct err *e)
{
    struct server *s = context;
    bool ok = session_do(s, "SAVEPOINT migrate_read", "read", e);
    for (size_t i = 0; ok && i < n; i++) {
        OUTCOME_AUTO o = {0};
        if (session_run(s, sql[i], &o)) {
            ok = !o.result || PQresultStatus(o.result) != PGRES_TUPLES_OK || hand_over(o.result, i, row, to, e);
        } else {
            ok = outcome_explain(s, &o, e);
            err_context(e, "cannot read the scratch database's catalogs");
        }
    }
    OUTCOME_AUTO back = {0};
    session_run(s, "ROLLBACK TO SAVEPOINT migrate_read; RELEASE SAVEPOINT migrate_read", &back);
    return ok;
}

struct catalog_source server_source(struct server *s)
{
    return (struct catalog_source){.dialect = DIALECT_POSTGRESQL, .context = s, .run = run_source};
}
