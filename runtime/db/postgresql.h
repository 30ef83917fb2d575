/*
 * Inside the PostgreSQL backend: what its files share. Nothing else includes this header.
 *
 *     postgresql.c            the backend's table of functions
 *     postgresql_connect.c    from an address to a connection, and what went wrong on the way
 *     postgresql_names.c      host names to addresses, once, and without blocking
 *     postgresql_wire.c       sending SQL and reading what comes back, without ever hanging
 *     postgresql_sql.c        every text of SQL that is sent
 *     postgresql_message.c    one revision as one message: guards, body, rows, log, and which of them failed
 *     postgresql_apply.c      revisions in transactions
 *     postgresql_statement.c  statement-wise work: session lock, progress, batches, indexes
 *     postgresql_state.c      version rows, log, lock holder, queries
 */
#ifndef DB_POSTGRESQL_H
#define DB_POSTGRESQL_H

#include <libpq-fe.h>

#include "base/mem.h"
#include "db/backend.h"

/* What read_state found out about the place where the version table is or will be. */
struct postgresql_place {
    bool known;
    bool has_version;
    bool has_log;
    bool has_schema;
    char *asked_schema; /* options.schema and version_schema when it was learned: another means learning again */
    char *schema;       /* of the version table and the log; NULL: the search path names no schema that exists */
};

struct postgresql {
    struct db base;
    struct arena arena; /* holds `where` */
    struct address where;
    PGconn *conn;
    bool dead;                /* closed or out of step: nothing more is sent */
    bool no_connection_check; /* the server's platform cannot watch its clients */
    struct postgresql_place place;
    char *server;     /* options.identify: what it said */
    bool server_mute; /* it was asked, and would not say */
};

static inline struct postgresql *postgresql_of(struct db *db)
{
    return (struct postgresql *)db;
}

/* ---- postgresql_connect.c ---- */

void postgresql_locate(const struct address *where, struct buf *server, struct buf *database);
bool postgresql_open(struct db **out, const struct address *where, const struct db_options *options, struct err *e);
void postgresql_close(struct db *db);
unsigned postgresql_server_major(const struct db *db);

/* ---- postgresql_names.c ---- */

enum wake { WAKE_READY, WAKE_STOP, WAKE_DEADLINE };

/* Lists as libpq takes them for `host`, `hostaddr` and `port`, of equal length. Zero value valid. */
struct postgresql_hosts {
    struct buf hosts, addresses, ports;
    size_t n;            /* 0: libpq needs no help with these hosts, or none has an address */
    const char *unknown; /* the last name that has no address, and why; NULL: all have */
    const char *problem;
};
void postgresql_hosts_free(struct postgresql_hosts *hosts);

/*
 * Looks up the names among `hosts` (a list separated by commas; `ports` likewise). WAKE_READY: done. A single host that is
 * no name is left out.
 */
enum wake postgresql_resolve(struct arena *a, const char *hosts, const char *ports, int64_t deadline,
                             const struct stop *stop, struct postgresql_hosts *out);

/* ---- postgresql_wire.c ---- */

/* Waits until `fd` can be read or written (`events` as for poll), cancel is asked for, or the deadline passes. */
enum wake postgresql_wait(int fd, short events, int64_t deadline, const struct stop *stop);

/*
 * What comes back for one message. Set the callbacks and `context`, zero the rest; postgresql_reply_free() afterwards.
 * `index` counts the message's statements from 0.
 */
struct reply {
    /* Each row, as it arrives. False with *e set: later rows are read and dropped, and the message failed. */
    bool (*row)(void *context, size_t index, const PGresult *row, struct err *e);
    /* Each statement that completed. */
    void (*completed)(void *context, size_t index, PGresult *result);
    void *context;
    int64_t deadline;    /* 0: the run's own */
    int64_t patience_ms; /* how long all of it may take; 0: until the deadline */

    size_t n;        /* out: statements that completed */
    PGresult *error; /* out: the first error that came back, or NULL */
    /* out: STOPPED, DEADLINE or UNREACHABLE (patience) when we ended it, LOST when the connection broke, else NONE */
    enum fault cut;
    struct err refused; /* out: what a row callback said */
};
void postgresql_reply_free(struct reply *r);
#define REPLY_AUTO __attribute__((cleanup(postgresql_reply_free))) struct reply

/* Sends one simple-query message and reads everything it returns. True when all of it completed. */
bool postgresql_exchange(struct postgresql *p, const char *sql, struct reply *reply);
/* Says why postgresql_exchange() returned false; `what` is what was attempted: "cannot <what>: <server's message>". */
bool postgresql_explain(struct postgresql *p, const struct reply *reply, const char *what, struct err *e);
/* Both; on failure the transaction, if any is open, is rolled back. */
bool postgresql_run(struct postgresql *p, const char *sql, struct reply *reply, const char *what, struct err *e);
/* Ends a transaction that failed. The connection is usable afterwards, or dead. */
void postgresql_rollback(struct postgresql *p);
/* Breaks the connection: the server ends the session and takes its locks back. */
void postgresql_hang_up(struct postgresql *p);
bool postgresql_is_true(const PGresult *row, int column); /* of the one row that a callback is given */
/* For reply.row, of a query whose one column is true or false; the context is a bool. */
bool postgresql_take_flag(void *context, size_t index, const PGresult *row, struct err *e);
const char *postgresql_sqlstate(const PGresult *error); /* "" when the server said none */
void postgresql_watch_notices(struct postgresql *p);
/* Adds a text made by libpq or the server, with the password masked, its white space at the end dropped. */
void postgresql_add_masked(struct buf *out, const struct address *where, const char *text);

/* ---- postgresql_sql.c ---- */

extern const char SQL_STATE_BEGIN[], SQL_STATE_PLACE[], SQL_STATE_ROWS[], SQL_STATE_FEW[], SQL_STATE_NEWEST[],
    SQL_STATE_PLACE_COLUMN[], SQL_STATE_PATH[], SQL_STATE_LAST[], SQL_STATE_SERVER[], SQL_LOG[];
extern const char SQL_BEGIN[], SQL_COMMIT[], SQL_ROLLBACK[], SQL_BEGIN_READ_ONLY[];
extern const char SQL_SET_STRINGS[], SQL_SET_STATEMENT_TIMEOUT[], SQL_SET_LOCK_TIMEOUT[], SQL_SET_TRANSACTION_TIMEOUT[],
    SQL_SET_CONNECTION_CHECK[], SQL_SET_TRIGGERS_ON[], SQL_SET_SEARCH_PATH[], SQL_SET_TENANT[], SQL_SET_STREAM[],
    SQL_SET_REVISION[], SQL_SET_STARTED[], SQL_RESET_ROLE[], SQL_RESET_SEARCH_PATH[];
extern const char SQL_GUARD_LOCK[], SQL_GUARD_ROWS[], SQL_LOCK_VERSION[], SQL_TRANSACTION_ID[], SQL_GUARD_TRANSACTION[];
extern const char SQL_QUIET[], SQL_NOT_QUIET[], SQL_CREATE_SCHEMA[], SQL_CREATE_VERSION[], SQL_CREATE_LOG[];
extern const char SQL_ROW_INSERT[], SQL_ROW_UPDATE[], SQL_ROW_DELETE[], SQL_LOG_INSERT[], SQL_LOG_PROGRESS[],
    SQL_LOG_NOW[], SQL_LOG_NOW_IN_RUN[];
extern const char SQL_LOCK_FREE[], SQL_LOCK_HOLDER[], SQL_SESSION_LOCK[], SQL_SESSION_UNLOCK[];
extern const char SQL_SESSION_SET[], SQL_SESSION_RESET[];
extern const char SQL_INDEX_STATE[], SQL_INVALID_INDEXES[], SQL_DROP_INDEX[], SQL_CREATE_DATABASE[];

/*
 * Appends a text from above with each {word} replaced: pairs of word and value, then NULL. Values are SQL already
 * (quoted names, literals, numbers).
 */
void sql_add(struct buf *out, const char *text, ...) __attribute__((sentinel));

/* The columns of migrate_log as db.h lists them, for reading and writing. */
struct log_column {
    const char *name;
    enum { LOG_TEXT, LOG_INTEGER, LOG_OURS } kind; /* LOG_OURS: the server's clock or role, not the entry's value */
    size_t offset;                                 /* in struct log_entry */
};
extern const struct log_column log_columns[];
extern const size_t n_log_columns;

/* Appends the INSERT of one or more log rows; `in_run`: the step's own start stands in migrate.started. */
/* The newest row of the log, of batches, says how far they came. */
void postgresql_add_progress(struct buf *out, const struct postgresql *p, const struct log_entry *progress);
void postgresql_add_log(struct buf *out, const struct postgresql *p, const struct log_entry *entries, size_t n,
                        bool in_run);

/* Quoted names and literals of this database's place. */
void postgresql_version_table(struct buf *out, const struct postgresql *p);
void postgresql_log_table(struct buf *out, const struct postgresql *p);
void postgresql_lock_key(struct buf *out, const struct postgresql *p);
void postgresql_literal(struct buf *out, const char *text);

/* ---- postgresql_message.c ---- */

/* What a piece of a message is for: decides what its failure means. */
enum part {
    PART_BEGIN,
    PART_SETTING,
    PART_CONNECTION_CHECK,
    PART_GUARD_LOCK,
    PART_CREATE,
    PART_LOCK_VERSION,
    PART_GUARD_ROWS,
    PART_TRANSACTION_ID,
    PART_BODY,
    PART_GUARD_TRANSACTION,
    PART_RESET,
    PART_CHANGE,
    PART_LOG,
    PART_COMMIT,
};

struct piece {
    enum part part;
    size_t first;                    /* result index of its first statement */
    size_t at;                       /* byte in the message's text where it begins */
    const struct db_step *step;      /* NULL: of the whole transaction */
    const struct row_change *change; /* PART_CHANGE */
    size_t statement;                /* PART_BODY: index of its first statement in the section */
    uint32_t offset;                 /* PART_BODY: where it begins in the revision's file */
};

struct message {
    struct postgresql *p;
    struct buf text;
    struct arena arena;
    struct {
        struct piece *v;
        size_t n, cap;
    } pieces;
    size_t statements;          /* so far in this message */
    bool in_run;                /* several steps in one transaction */
    const struct db_step *last; /* the step that was added last */
    char transaction[32];       /* its id, when an opaque body asked for it */
    int64_t touched;            /* rows that the body's statements touched */
};
void message_free(struct message *m);
#define MESSAGE_AUTO __attribute__((cleanup(message_free))) struct message

/* The pieces, in the order they are sent. Those that may have to send what was collected so far can fail. */
bool message_begin(struct message *m, const struct db_step *step, struct err *e);
void message_settings(struct message *m, const struct db_step *step);
void message_lock(struct message *m);
void message_create(struct message *m);
void message_rows_unchanged(struct message *m, const struct db_step *step);
bool message_body(struct message *m, const struct db_step *step, struct err *e);
void message_statement(struct message *m, const struct db_step *step, size_t statement);
/* The statement and nothing else, for those that the server refuses beside others. */
void message_lone_statement(struct message *m, const struct db_step *step, size_t statement);
void message_changes(struct message *m, const struct db_step *step);
void message_progress(struct message *m, const struct db_step *step, const struct log_entry *progress);
void message_log(struct message *m, const struct db_step *step, const struct log_entry *entries, size_t n);
bool message_commit(struct message *m, struct err *e);
bool message_too_long(const struct message *m);
/* Sends what was collected and empties the message. On failure *e says what failed, and the transaction is over. */
bool message_send(struct message *m, struct err *e);

/* ---- postgresql_apply.c ---- */

bool postgresql_apply(struct db *db, const struct db_step *steps, size_t n, bool together, size_t *done, struct err *e);
bool postgresql_append_log(struct db *db, const struct log_entry *entries, size_t n, struct err *e);
bool postgresql_ensure_version(struct db *db, struct err *e);
bool postgresql_write(struct db *db, const char *sql, struct err *e);

/* ---- postgresql_statement.c ---- */

bool postgresql_session_lock(struct db *db, struct err *e);
void postgresql_session_unlock(struct db *db);
bool postgresql_run_statement(struct db *db, const struct db_step *step, size_t statement,
                              const struct log_entry *progress, struct err *e);
bool postgresql_run_batch(struct db *db, const struct db_step *step, const struct log_entry *progress, int64_t *touched,
                          struct err *e);
bool postgresql_index_state(struct db *db, const char *schema, const char *index, const char *table,
                            enum index_state *out, struct err *e);
bool postgresql_drop_index(struct db *db, const char *schema, const char *index, struct err *e);
bool postgresql_invalid_indexes(struct db *db, struct arena *a, struct strings *out, struct err *e);

/* ---- postgresql_state.c ---- */

/* Makes sure that `place` is known; to write, that there is a schema to write in as well. */
bool postgresql_learn(struct postgresql *p, struct err *e);
bool postgresql_learn_to_write(struct postgresql *p, struct err *e);
void postgresql_forget(struct postgresql *p);
bool postgresql_read_state(struct db *db, struct arena *a, struct db_state *out, struct err *e);
bool postgresql_read_log(struct db *db, struct arena *a, const char *stream, int64_t newest, struct log_list *out,
                         struct err *e);
bool postgresql_lock_free(struct db *db, bool *is_free, struct buf *holder, struct err *e);
bool postgresql_query(struct db *db, const char *sql,
                      bool (*row)(void *context, const struct db_row *row, struct err *e), void *context,
                      struct err *e);
bool postgresql_read_many(struct db *db, const char *const *sql, size_t n,
                          bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                          struct err *e);

#endif
