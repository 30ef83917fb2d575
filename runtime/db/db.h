/*
 * One database, whatever its engine: the interface that PostgreSQL (postgresql.c) and SQLite (sqlite.c) implement.
 *
 * A struct db is one connection, used by one thread at a time. Every function that waits, waits with poll() on its
 * socket, the stop descriptors and a deadline: nothing here can hang. All texts are UTF-8. Errors carry a fault that says
 * what to do next (base/err.h), the SQLSTATE where a server gave one, and for a revision's body the position
 * FILE.sql:LINE:COL with the source line. No error holds a password.
 *
 * After FAULT_LOST the connection is of no further use: close it, open another, read the state again.
 *
 * THE TABLES. Version rows: Alembic's table, same DDL. Beside it, in the same schema, `migrate_log` (see log_ddl in each
 * backend). Columns are only ever added, nullable; readers ignore what they do not know.
 *
 *     column            PostgreSQL    what it holds
 *     id                bigint        identity, primary key: the order of events
 *     stream            text          not null
 *     revision          text          the revision; for `stamp` of nothing ("base") the empty string
 *     parents           text          its Revises, joined with ","
 *     depends           text          its resolved Depends-On, joined with ","
 *     direction         text          not null: upgrade, downgrade, stamp, unstamp, adopt, repair
 *     dialect           text          postgresql or sqlite
 *     message           text
 *     checksum          text          SHA-256 of the file, hex
 *     section_checksum  text          of the up section that counts here (also in rows of other directions)
 *     token_checksum    text          of that section's tokens
 *     down_checksum     text          of the down section
 *     checksum_version  integer       CHECKSUM_VERSION
 *     rows_after        text          version rows after it, joined with ",", sorted by bytes
 *     digest            text          over all applied revisions after it (run/history.h)
 *     started           timestamptz   SQLite: text, UTC, "YYYY-MM-DDTHH:MM:SS.sssZ"
 *     duration_ms       bigint
 *     build_id          text
 *     db_role           text          the role that ran it (SQLite: empty)
 *     client_host       text
 *     actor             text          --actor
 *     state             text          not null: done; for statement-wise progress: started, statement, done; of a
 *                                     section in batches: batch, whose message says how many there were
 *     statement         integer       statement-wise progress: statements finished so far; else null
 *     prefix_checksum   text          statement-wise progress: SHA-256 over the finished statements' bytes
 *
 * One commit holds the body, the version rows and the log rows of a revision.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "db/address.h"
#include "model/plan.h"

/* What a connection is opened with. Strings are borrowed and must outlive the db. */
struct db_options {
    const char *stream;
    const char *tenant;         /* NULL: a single stream */
    const char *version_table;  /* "alembic_version" */
    const char *schema;         /* NULL: the connection's own search path decides */
    const char *version_schema; /* of the version table and the log, when it is not `schema` (PostgreSQL); else NULL */
    const char *application_name;
    const char *actor;       /* "" when not said */
    const char *client_host; /* this machine's name */
    const char *build_id;
    int64_t connect_timeout_ms;
    int64_t answer_ms; /* how long a server may take over what only reads; then FAULT_UNREACHABLE. 0: without end */
    int64_t deadline;  /* of the whole run */
    bool read_only;    /* nothing will be written: SQLite opens read-only and never creates */
    bool create; /* make the database (PostgreSQL: also `schema`) when it does not exist; with read_only SQLite reads
                             an empty database in its place, and makes nothing */
    /*
     * With create: from what. PostgreSQL: the name of a database of the same server; FAULT_LOCK when somebody is connected to
     * it. SQLite: a file. NULL: from what the server copies, or from nothing.
     */
    const char *template;
    bool is_template;        /* with create: the database is to be copied from (PostgreSQL) */
    bool allow_foreign;      /* go on with a server that only looks like PostgreSQL */
    bool identify;           /* db_read_state() says which server it is */
    size_t revisions;        /* in the stream: its log is about as long; 0: unknown */
    const struct stop *stop; /* may be NULL */
    const struct log *log;   /* may be NULL */
};

struct db;

/*
 * Connects (SQLite: opens the file). FAULT_MISSING: no such database; FAULT_UNREACHABLE: nobody answers, the server is
 * starting, too many connections; FAULT_LOGIN: refused; FAULT_CONFIG: the address makes no sense; FAULT_POLICY: foreign
 * engine.
 */
bool db_open(struct db **out, const struct address *where, const struct db_options *options, struct err *e);
void db_close(struct db *db); /* NULL is fine */
/*
 * The same, and waits until the server has ended the session, for a second at most: its place is free then. A server ends
 * sessions when it gets around to it, so that the next connection may meet the one before it.
 */
void db_close_seen(struct db *db);
enum dialect db_dialect(const struct db *db);
/* PostgreSQL's major version; SQLite: 0. */
unsigned db_server_major(const struct db *db);
/* Moves an open connection to another schema and tenant of the same database (one schema per tenant). */
void db_switch(struct db *db, const char *schema, const char *tenant);

struct log_entry {
    int64_t id;
    const char *stream, *revision, *parents, *depends, *direction, *dialect, *message;
    const char *checksum, *section_checksum, *token_checksum, *down_checksum;
    int64_t checksum_version;
    const char *rows_after, *digest, *started;
    int64_t duration_ms;
    const char *build_id, *db_role, *client_host, *actor, *state;
    int64_t statement; /* -1: null */
    const char *prefix_checksum;
};

/* One round trip: version rows, and the last log row of the stream. */
struct db_state {
    bool has_version_table;
    bool has_log;
    struct strings rows; /* sorted by bytes */
    bool has_last;       /* the log has a row of this stream */
    /* Of it id, stream, revision, direction, digest, client_host and state; the others may be NULL, 0 or -1. */
    struct log_entry last;
    /*
     * With options.identify, in the same round trip: PostgreSQL's system identifier, "/", its time line. NULL: it would
     * not say (no right to ask, a standby), or SQLite, whose files db_file_version() looks at.
     */
    const char *server;
};
bool db_read_state(struct db *db, struct arena *a, struct db_state *out, struct err *e);

struct log_list {
    struct log_entry *v;
    size_t n;
    size_t cap;
};
/* Rows of the stream (all streams: stream NULL), oldest first; `newest` > 0 keeps only that many of the newest. */
bool db_read_log(struct db *db, struct arena *a, const char *stream, int64_t newest, struct log_list *out,
                 struct err *e);

/* What one step does to a database. */
struct db_step {
    const struct step *step;                /* rows before and after, the row changes, the revision */
    const struct revision_section *section; /* the body to run; NULL: none (stamp, adopt, repair) */
    const struct log_entry *entries;        /* appended in the same commit; the backend fills started, duration_ms,
                                               db_role, client_host, actor, build_id, dialect, stream */
    size_t n_entries;
    int64_t lock_timeout_ms;      /* for table locks; 0 = none */
    int64_t statement_timeout_ms; /* 0 = none */
};

/*
 * Runs `n` steps in one transaction each (together = false), or all in one, checking first that nobody else migrates
 * (FAULT_BUSY), then that the version rows are those that the first step starts from (FAULT_CHANGED). Creates the version
 * table and the log when they are missing (state as read last). *done counts the steps that are committed. FAULT_LOST:
 * whether the step at *done was committed is not known. FAULT_LOCK: worth repeating.
 */
bool db_apply(struct db *db, const struct db_step *steps, size_t n, bool together, size_t *done, struct err *e);

/* Is the migration lock free at this moment? *holder receives a description of who has it ("" when unknown). */
bool db_lock_free(struct db *db, bool *is_free, struct buf *holder, struct err *e);

/*
 * Statement-wise work, for `transaction:false`. A session lock is tried, never waited for: FAULT_BUSY. On PostgreSQL it
 * needs a direct connection: FAULT_POLICY behind a transaction pooler.
 */
bool db_session_lock(struct db *db, struct err *e);
void db_session_unlock(struct db *db);
/*
 * One statement. Those that may run in a block are committed together with `progress`; the others (STATEMENT_NO_BLOCK) run
 * between commits and write no row: `progress` is NULL there, the caller appends "started" before and "statement" after.
 */
bool db_run_statement(struct db *db, const struct db_step *step, size_t statement, const struct log_entry *progress,
                      struct err *e);
/* Appends rows to the log, in a commit of their own. */
bool db_append_log(struct db *db, const struct log_entry *entries, size_t n, struct err *e);
/*
 * SQL that is run again and again, a commit each, until it touches no row: rows touched by one run. When the stream's newest
 * row of the log has the state "batch", its message and duration_ms become those of `progress` in the same commit: it tells
 * of a million batches without growing. NULL: nothing is told.
 */
bool db_run_batch(struct db *db, const struct db_step *step, const struct log_entry *progress, int64_t *touched,
                  struct err *e);

enum index_state {
    INDEX_ABSENT,
    INDEX_VALID,
    INDEX_INVALID,      /* left by a failed CONCURRENTLY, nobody builds it: may be dropped */
    INDEX_INVALID_BUSY, /* somebody builds it at this moment */
    INDEX_INVALID_KEEP, /* invalid, but it serves a constraint, or is no plain index of that table */
};
/* SQLite has no invalid indexes: ABSENT or VALID. `schema` and `table` may be NULL. */
bool db_index_state(struct db *db, const char *schema, const char *index, const char *table, enum index_state *out,
                    struct err *e);
bool db_drop_index(struct db *db, const char *schema, const char *index, struct err *e); /* CONCURRENTLY */
/* Names of invalid indexes in the database's own schemas, for `repair`: "schema.index". */
bool db_invalid_indexes(struct db *db, struct arena *a, struct strings *out, struct err *e);

/* Only the version table, when it is missing. */
bool db_ensure_version(struct db *db, struct err *e);

/* A read-only query; `row` is called for each row, values NULL for SQL NULL; it returns false with *e set to stop. */
struct db_row {
    size_t n;
    const char *const *names;
    const char *const *values;
};
bool db_query(struct db *db, const char *sql, bool (*row)(void *context, const struct db_row *row, struct err *e),
              void *context, struct err *e);
/*
 * Many statements that read, one each, all on one snapshot of the database; `row` is told the index of its statement.
 * PostgreSQL: one message, one REPEATABLE READ READ ONLY transaction, in which SET LOCAL, cursors and savepoints are fine
 * too. SQLite: one read transaction.
 */
bool db_read_many(struct db *db, const char *const *sql, size_t n,
                  bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                  struct err *e);

/*
 * SQL of our own that writes: one statement or several, each ended by ";", in one transaction of its own. A failure of
 * any leaves nothing behind. FAULT_LOST: whether it was committed is not known.
 */
bool db_write(struct db *db, const char *sql, struct err *e);

/*
 * Where an address leads, libpq's environment included, without secrets and without the role, which may be another in
 * every run. PostgreSQL: "HOST:PORT" and "DATABASE", each with whatever else in the address changes where that is. SQLite:
 * nothing and the path.
 */
void db_locate(const struct address *where, struct buf *server, struct buf *database);

/*
 * A SQLite file without opening it. The identity is its device and inode, "/" between them; the version is that with its
 * size and time of last change, and those of its write-ahead log where one stands: a file that was written to, restored or
 * replaced has another. False when there is no such file, it is in memory, or it is PostgreSQL.
 */
bool db_file_identity(const struct address *where, struct buf *out);
bool db_file_version(const struct address *where, struct buf *out);

/*
 * Offline scripts (`--sql`): the text of the same things, Alembic's shape. Pure.
 */
void db_script_begin(struct buf *out, enum dialect dialect);
void db_script_commit(struct buf *out, enum dialect dialect);
void db_script_create(struct buf *out, enum dialect dialect, const struct db_options *options);
void db_script_change(struct buf *out, enum dialect dialect, const struct db_options *options,
                      const struct row_change *change);
/* What a script must set so that the bodies find the tenant: one statement, or nothing. */
void db_script_tenant(struct buf *out, enum dialect dialect, const char *tenant);

/* A name as SQL: always quoted, quotes doubled. */
void db_quote_name(struct buf *out, const char *name);
/* A text as SQL literal for PostgreSQL (E'' where a backslash needs it) and SQLite; NULL is the word NULL. */
void db_quote_text(struct buf *out, enum dialect dialect, const char *text);

#endif
