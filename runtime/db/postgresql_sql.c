/*
 * Every text of SQL that the PostgreSQL backend sends, and the filling in of names and values.
 *
 * Functions are written with pg_catalog, tables with their schema: a revision's search_path, or a hostile object in the
 * database, must not change what is meant. A guard is a plain SELECT whose failing branch casts a text to integer; the
 * text depends on pg_backend_pid() or a count, since a constant would be cast while planning. Everything here reads the
 * same with standard_conforming_strings on and off.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "db/postgresql.h"

/* ---- state: one message, one snapshot ---- */

const char SQL_STATE_BEGIN[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n";

/* Where the tables are, whatever the search path, or in the schema asked for; catalogs have to be opened for it. */
const char SQL_STATE_PLACE[] = "SELECT pg_catalog.current_schema(),\n"
                               "       (SELECT relnamespace::pg_catalog.regnamespace FROM pg_catalog.pg_class\n"
                               "        WHERE oid = pg_catalog.to_regclass({version_text})),\n"
                               "       (SELECT relnamespace::pg_catalog.regnamespace FROM pg_catalog.pg_class\n"
                               "        WHERE oid = pg_catalog.to_regclass({log_text})),\n"
                               "       pg_catalog.to_regnamespace({schema_text}) IS NOT NULL;\n";

const char SQL_STATE_ROWS[] = "SELECT version_num FROM {version};\n";

/*
 * The log's last row. What this costs is the catalogs' pages that a server process looks at when it has just started: 86
 * for the version rows alone and the log-in, 5 for this table, 18 for the operators behind ORDER BY, 10 for
 * current_schemas(), 4 for the cast of a plain 1 after LIMIT, more for extract(epoch …). So only the columns that a visit
 * compares, and where the log is short, as it nearly always is, some rows in whatever order, of which the newest is taken
 * here. When as many come as LIMIT allows, the order is asked for after all. {place} is the schema or nothing.
 *
 * Of all streams: a condition on `stream` would cost more than the row that nearly always is the one that is wanted.
 */
#define LAST_COLUMNS "l.id, l.stream, l.revision, l.direction, l.digest, l.client_host, l.state"

const char SQL_STATE_FEW[] = "SELECT " LAST_COLUMNS "{place} FROM {log} l LIMIT '{few}';\n";
const char SQL_STATE_NEWEST[] = "SELECT " LAST_COLUMNS "{place} FROM {log} l ORDER BY l.id DESC LIMIT '1';\n";
const char SQL_STATE_PLACE_COLUMN[] = ", current_schema AS schema";
const char SQL_STATE_PATH[] = "SHOW search_path;\n";

const char SQL_STATE_LAST[] = "SELECT l.* FROM {log} l WHERE l.stream = {stream} ORDER BY l.id DESC LIMIT '1';\n";

/*
 * Which server this is. Sent behind the COMMIT of the state's message, so that a server that refuses breaks nothing. The
 * record is taken apart here: its columns by name would cost a fresh connection as much again. The name of a WAL file
 * begins with the time line in hex; a standby writes none.
 */
const char SQL_STATE_SERVER[] =
    "\n;SELECT pg_catalog.pg_control_system()::text,\n"
    "       CASE WHEN NOT pg_catalog.pg_is_in_recovery()\n"
    "            THEN pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) END";

/* {where} and {limit} may be empty; newest first. */
const char SQL_LOG[] = "SELECT l.*, extract(epoch FROM l.started) AS started_s\n"
                       "FROM {log} l {where} ORDER BY l.id DESC {limit}";

/* ---- a transaction and its settings ---- */

const char SQL_BEGIN[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\n";
const char SQL_COMMIT[] = "COMMIT";
const char SQL_ROLLBACK[] = "ROLLBACK";
const char SQL_BEGIN_READ_ONLY[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n";

const char SQL_SET_STRINGS[] = "SET LOCAL standard_conforming_strings = on;\n";
const char SQL_SET_STATEMENT_TIMEOUT[] = "SET LOCAL statement_timeout = {ms};\n";
const char SQL_SET_LOCK_TIMEOUT[] = "SET LOCAL lock_timeout = {ms};\n";
const char SQL_SET_TRANSACTION_TIMEOUT[] = "SET LOCAL transaction_timeout = 0;\n"; /* from 17 */
/* From 14. Without it the server runs a statement of a client that was killed to its end. */
const char SQL_SET_CONNECTION_CHECK[] = "SET LOCAL client_connection_check_interval = '250ms';\n";
const char SQL_SET_TRIGGERS_ON[] = "SET LOCAL session_replication_role = origin;\n"; /* a superuser's right */
const char SQL_SET_SEARCH_PATH[] = "SET LOCAL search_path = {schema};\n";
const char SQL_SET_TENANT[] = "SET LOCAL migrate.tenant_id = {value};\n";
const char SQL_SET_STREAM[] = "SET LOCAL migrate.stream = {value};\n";
const char SQL_SET_REVISION[] = "SET LOCAL migrate.revision = {value};\n";
/* now() is the transaction's start; of several steps in one transaction each has a start of its own. */
const char SQL_SET_STARTED[] =
    "SELECT pg_catalog.set_config('migrate.started',\n"
    "                             extract(epoch FROM pg_catalog.clock_timestamp())::text, true);\n";
const char SQL_RESET_ROLE[] = "RESET ROLE;\n";
/* A body that got past the checks (a DO block, a function, opaque text) must not decide where our tables are looked for. */
const char SQL_RESET_SEARCH_PATH[] = "RESET search_path;\n";

/*
 * ---- guards ----
 *
 * Short, since pg_stat_activity shows the first 1,024 bytes of a message: some of the body should be among them.
 */

const char SQL_GUARD_LOCK[] =
    "SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({key}, 0)) THEN 0 "
    "ELSE pg_catalog.concat('busy ', pg_catalog.pg_backend_pid())::integer END;\n";

/* Alembic takes no advisory lock: against it, and against its like, the table is locked as well. */
const char SQL_LOCK_VERSION[] = "LOCK TABLE {version} IN SHARE ROW EXCLUSIVE MODE;\n";

const char SQL_GUARD_ROWS[] =
    "SELECT CASE WHEN ARRAY(SELECT version_num::text FROM {version} ORDER BY version_num::text COLLATE \"C\") "
    "= ARRAY[{rows}]::text[] THEN 0 "
    "ELSE pg_catalog.concat('changed ', pg_catalog.pg_backend_pid())::integer END;\n";

const char SQL_TRANSACTION_ID[] = "SELECT pg_catalog.txid_current();\n";

const char SQL_GUARD_TRANSACTION[] =
    "SELECT CASE WHEN pg_catalog.txid_current() = {transaction} THEN 0 "
    "ELSE pg_catalog.concat('another transaction ', pg_catalog.pg_backend_pid())::integer END;\n";

/* ---- tables ---- */

/* Of several processes that start together all but one find the tables there; nobody needs to read that. */
const char SQL_QUIET[] = "SET LOCAL client_min_messages = warning;\n";
const char SQL_NOT_QUIET[] = "SET LOCAL client_min_messages TO DEFAULT;\n";

const char SQL_CREATE_SCHEMA[] = "CREATE SCHEMA IF NOT EXISTS {schema};\n";

const char SQL_CREATE_VERSION[] = "CREATE TABLE IF NOT EXISTS {version} (\n"
                                  "    version_num VARCHAR(32) NOT NULL,\n"
                                  "    CONSTRAINT {key} PRIMARY KEY (version_num)\n"
                                  ");\n";

const char SQL_CREATE_LOG[] = "CREATE TABLE IF NOT EXISTS {log} (\n"
                              "    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
                              "    stream text NOT NULL,\n"
                              "    revision text,\n"
                              "    parents text,\n"
                              "    depends text,\n"
                              "    direction text NOT NULL,\n"
                              "    dialect text,\n"
                              "    message text,\n"
                              "    checksum text,\n"
                              "    section_checksum text,\n"
                              "    token_checksum text,\n"
                              "    down_checksum text,\n"
                              "    checksum_version integer,\n"
                              "    rows_after text,\n"
                              "    digest text,\n"
                              "    started timestamptz,\n"
                              "    duration_ms bigint,\n"
                              "    build_id text,\n"
                              "    db_role text,\n"
                              "    client_host text,\n"
                              "    actor text,\n"
                              "    state text NOT NULL,\n"
                              "    statement integer,\n"
                              "    prefix_checksum text\n"
                              ");\n";

/* ---- version rows: a change that does not touch exactly one row fails, as it does with Alembic ---- */

const char SQL_ROW_INSERT[] = "INSERT INTO {version} (version_num) VALUES ({to});\n";

const char SQL_ROW_UPDATE[] =
    "WITH changed AS (UPDATE {version} SET version_num = {to} WHERE version_num = {from} RETURNING 1)\n"
    "SELECT CASE pg_catalog.count(*) WHEN 1 THEN 0\n"
    "       ELSE pg_catalog.concat(pg_catalog.count(*), ' rows')::integer END FROM changed;\n";

const char SQL_ROW_DELETE[] =
    "WITH changed AS (DELETE FROM {version} WHERE version_num = {from} RETURNING 1)\n"
    "SELECT CASE pg_catalog.count(*) WHEN 1 THEN 0\n"
    "       ELSE pg_catalog.concat(pg_catalog.count(*), ' rows')::integer END FROM changed;\n";

/* ---- the log ---- */

const char SQL_LOG_INSERT[] = "INSERT INTO {log} ({columns}) VALUES\n";

const char SQL_LOG_PROGRESS[] = "UPDATE {log} SET message = {message}, duration_ms = {ms}\n"
                                "WHERE id = (SELECT pg_catalog.max(id) FROM {log} WHERE stream = {stream})\n"
                                "AND state = 'batch';\n";

const char SQL_LOG_NOW[] = "pg_catalog.now(), "
                           "(extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.now()) * 1000)::bigint";

const char SQL_LOG_NOW_IN_RUN[] =
    "pg_catalog.to_timestamp(pg_catalog.current_setting('migrate.started')::double precision), "
    "(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000"
    " - pg_catalog.current_setting('migrate.started')::numeric * 1000)::bigint";

/* ---- locks ---- */

const char SQL_LOCK_FREE[] = "SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({key}, 0))";

/* Of a single bigint key, classid holds the high half and objid the low one, and objsubid is 1. */
const char SQL_LOCK_HOLDER[] =
    "SELECT l.pid, a.application_name, pg_catalog.host(a.client_addr),\n"
    "       (extract(epoch FROM coalesce(a.xact_start, a.backend_start)) * 1000)::bigint\n"
    "FROM (SELECT pg_catalog.hashtextextended({key}, 0) AS key) k\n"
    "JOIN pg_catalog.pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1\n"
    "     AND l.classid::bigint = (k.key >> 32) & 4294967295 AND l.objid::bigint = k.key & 4294967295\n"
    "     AND l.pid <> pg_catalog.pg_backend_pid()\n"
    "     AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())\n"
    "LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid LIMIT 1";

/*
 * Only on a direct connection: behind a transaction pooler the server's process is not the one that greeted us, and the
 * lock would stay with a connection that others use. The first column says which it is, the second is NULL then.
 */
const char SQL_SESSION_LOCK[] =
    "SELECT pid = {pid},\n"
    "       CASE WHEN pid = {pid}\n"
    "            THEN pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended({key}, 0)) END\n"
    "FROM (SELECT pg_catalog.pg_backend_pid() AS pid) p";

const char SQL_SESSION_UNLOCK[] = "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended({key}, 0))";

/* ---- a statement outside of transactions: settings of the session before it, taken back after it ---- */

const char SQL_SESSION_SET[] = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;\n"
                               "SET standard_conforming_strings = on;\n"
                               "SET statement_timeout = {statement_timeout};\n"
                               "SET lock_timeout = {lock_timeout};\n"
                               "SET migrate.stream = {stream};\n"
                               "SET migrate.revision = {revision};\n"
                               "SET migrate.tenant_id = {tenant};\n"
                               "{connection_check}"
                               "{search_path}";

const char SQL_SESSION_RESET[] = "RESET ROLE;\n"
                                 "RESET default_transaction_isolation;\n"
                                 "RESET default_transaction_read_only;\n"
                                 "RESET standard_conforming_strings;\n"
                                 "RESET statement_timeout;\n"
                                 "RESET lock_timeout;\n"
                                 "RESET migrate.stream;\n"
                                 "RESET migrate.revision;\n"
                                 "RESET migrate.tenant_id;\n"
                                 "{connection_check}"
                                 "RESET search_path";

/* ---- indexes ---- */

/*
 * One row, or none when there is no such relation. "plain": an index of its own that may be dropped by name (no
 * constraint behind it, no partition, of the table that was asked for). "busy": CREATE INDEX CONCURRENTLY and REINDEX
 * CONCURRENTLY hold ShareUpdateExclusiveLock on the table from beginning to end; so does autovacuum, which is told apart
 * where we may see it.
 */
const char SQL_INDEX_STATE[] =
    "SELECT coalesce(i.indisvalid, false),\n"
    "       c.relkind = 'i' AND NOT c.relispartition AND NOT i.indisprimary AND NOT i.indisexclusion\n"
    "       AND NOT i.indisreplident\n"
    "       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conindid = c.oid),\n"
    "       c.relkind IN ('i', 'I') AND coalesce(i.indrelid = pg_catalog.to_regclass({table}), {any_table}),\n"
    "       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index WHERE index_relid = c.oid)\n"
    "       OR EXISTS (SELECT FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid\n"
    "                  WHERE l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted\n"
    "                        AND l.pid <> pg_catalog.pg_backend_pid()\n"
    "                        AND l.database = (SELECT oid FROM pg_catalog.pg_database\n"
    "                                          WHERE datname = pg_catalog.current_database())\n"
    "                        AND a.backend_type IS DISTINCT FROM 'autovacuum worker')\n"
    "FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid\n"
    "WHERE c.oid = pg_catalog.to_regclass({index})";

const char SQL_INVALID_INDEXES[] =
    "SELECT pg_catalog.concat(n.nspname, '.', c.relname)\n"
    "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "WHERE NOT i.indisvalid AND c.relkind = 'i' AND pg_catalog.left(n.nspname, 3) <> 'pg_'\n"
    "ORDER BY 1";

const char SQL_DROP_INDEX[] = "DROP INDEX CONCURRENTLY IF EXISTS {index}";

const char SQL_CREATE_DATABASE[] = "CREATE DATABASE {name}{template}{mark}";

/* ---- filling in ---- */

static const char *word_value(va_list ap, struct str word)
{
    for (const char *name; (name = va_arg(ap, const char *));) {
        const char *value = va_arg(ap, const char *);
        if (str_is(word, name))
            return value;
    }
    return "";
}

void sql_add(struct buf *out, const char *text, ...)
{
    for (const char *open; (open = strchr(text, '{'));) {
        size_t length = strcspn(open + 1, "}");
        va_list ap;
        va_start(ap, text);
        buf_add(out, text, (size_t)(open - text));
        buf_addz(out, word_value(ap, (struct str){open + 1, length}));
        va_end(ap);
        text = open + length + 2;
    }
    buf_addz(out, text);
}

void postgresql_literal(struct buf *out, const char *text)
{
    db_quote_text(out, DIALECT_POSTGRESQL, text);
}

static void add_qualified(struct buf *out, const struct postgresql *p, const char *table)
{
    if (p->place.schema) {
        db_quote_name(out, p->place.schema);
        buf_addc(out, '.');
    }
    db_quote_name(out, table);
}

void postgresql_version_table(struct buf *out, const struct postgresql *p)
{
    add_qualified(out, p, p->base.options.version_table);
}

void postgresql_log_table(struct buf *out, const struct postgresql *p)
{
    add_qualified(out, p, "migrate_log");
}

void postgresql_lock_key(struct buf *out, const struct postgresql *p)
{
    BUF_AUTO key = {0};
    buf_addf(&key, "profile-migrate:%s.%s", p->place.schema ? p->place.schema : "", p->base.options.version_table);
    postgresql_literal(out, key.p);
}

/* ---- the log's columns ---- */

#define TEXT(name)                                                                                                     \
    {                                                                                                                  \
#name, LOG_TEXT, offsetof(struct log_entry, name)                                                              \
    }
#define INTEGER(name)                                                                                                  \
    {                                                                                                                  \
#name, LOG_INTEGER, offsetof(struct log_entry, name)                                                           \
    }
#define OURS(name)                                                                                                     \
    {                                                                                                                  \
#name, LOG_OURS, offsetof(struct log_entry, name)                                                              \
    }

const struct log_column log_columns[] = {
    TEXT(stream),         TEXT(revision),        TEXT(parents),
    TEXT(depends),        TEXT(direction),       TEXT(dialect),
    TEXT(message),        TEXT(checksum),        TEXT(section_checksum),
    TEXT(token_checksum), TEXT(down_checksum),   INTEGER(checksum_version),
    TEXT(rows_after),     TEXT(digest),          TEXT(build_id),
    TEXT(client_host),    TEXT(actor),           TEXT(state),
    INTEGER(statement),   TEXT(prefix_checksum), OURS(started),
    OURS(duration_ms),    OURS(db_role),
};
const size_t n_log_columns = sizeof log_columns / sizeof *log_columns;

static void add_log_values(struct buf *out, const struct log_entry *entry, bool in_run)
{
    buf_addc(out, '(');
    for (size_t i = 0; i < n_log_columns && log_columns[i].kind != LOG_OURS; i++) {
        const char *field = (const char *)entry + log_columns[i].offset;
        if (log_columns[i].kind == LOG_TEXT) {
            const char *text;
            memcpy(&text, field, sizeof text);
            postgresql_literal(out, text);
        } else {
            int64_t number;
            memcpy(&number, field, sizeof number);
            if (number < 0)
                buf_addz(out, "NULL");
            else
                buf_addf(out, "%" PRId64, number);
        }
        buf_addz(out, ", ");
    }
    buf_addf(out, "%s, session_user)", in_run ? SQL_LOG_NOW_IN_RUN : SQL_LOG_NOW);
}

void postgresql_add_progress(struct buf *out, const struct postgresql *p, const struct log_entry *progress)
{
    BUF_AUTO log = {0};
    BUF_AUTO message = {0};
    BUF_AUTO stream = {0};
    char ms[32];
    snprintf(ms, sizeof ms, "%" PRId64, progress->duration_ms);
    postgresql_log_table(&log, p);
    postgresql_literal(&message, progress->message);
    postgresql_literal(&stream, p->base.options.stream);
    sql_add(out, SQL_LOG_PROGRESS, "log", log.p, "message", message.p, "ms", ms, "stream", stream.p, NULL);
}

void postgresql_add_log(struct buf *out, const struct postgresql *p, const struct log_entry *entries, size_t n,
                        bool in_run)
{
    BUF_AUTO log = {0};
    BUF_AUTO columns = {0};
    for (size_t i = 0; i < n_log_columns; i++)
        buf_addf(&columns, "%s%s", i ? ", " : "", log_columns[i].name);
    postgresql_log_table(&log, p);
    sql_add(out, SQL_LOG_INSERT, "log", log.p, "columns", columns.p, NULL);
    for (size_t i = 0; i < n; i++) {
        const struct db_options *o = &p->base.options;
        struct log_entry entry = entries[i];
        entry.stream = o->stream;
        entry.dialect = "postgresql";
        entry.build_id = o->build_id;
        entry.client_host = o->client_host;
        entry.actor = o->actor;
        buf_addz(out, i ? ",\n" : "");
        add_log_values(out, &entry, in_run);
    }
    buf_addz(out, ";\n");
}
