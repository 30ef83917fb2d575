/*
 * Inside the SQLite backend: what its files share. Nothing else includes this header.
 *
 *     sqlite.c            the backend's table of functions
 *     sqlite_open.c       from an address to a handle, and what went wrong on the way
 *     sqlite_run.c        one statement after the other, without ever hanging; from result codes to errors
 *     sqlite_lock.c       the migration lock on the file
 *     sqlite_sql.c        every text of SQL that is sent, and the columns of the log
 *     sqlite_state.c      version rows, log, queries
 *     sqlite_guard.c      what a revision may not leave behind: dangling references, calls of migrate_setting()
 *     sqlite_apply.c      revisions in transactions, and statement-wise work
 *
 * Nothing is global but SQLite itself and the list of locked files (see sqlite_lock.c).
 */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include <sqlite3.h>

#include "base/mem.h"
#include "db/backend.h"

/* Why one of our handlers ended a statement. */
enum sqlite_cut { CUT_NONE, CUT_STOPPED, CUT_DEADLINE, CUT_TIMEOUT };

/* What the authorizer lets through. */
enum sqlite_rule {
    RULE_OWN,       /* our own SQL: everything */
    RULE_BODY,      /* a revision's body inside our transaction: nothing that ends it, no other file */
    RULE_STATEMENT, /* a revision's statement outside a transaction: no other file */
    RULE_QUERY,     /* reading only */
};

struct sqlite_file;

struct sqlite {
    struct db base;
    sqlite3 *handle;
    char *path;               /* as given: for messages */
    bool memory;              /* no file, so nobody to share it with */
    bool read_only;           /* asked for: nothing is written */
    struct sqlite_file *file; /* NULL for a database in memory */
    bool session;             /* the migration lock is held beyond one call */
    int64_t read_wait_ms;     /* how long reading waits for a writer's commit */

    /* While a call runs. */
    int64_t wait_until;      /* how long the busy handler waits; 0: not at all */
    int64_t statement_until; /* when the running statement has had its time */
    int64_t statement_ms;    /* which was this much */
    enum sqlite_cut cut;
    enum sqlite_rule rule;
    const char *denied;   /* what the authorizer refused */
    const char *revision; /* for migrate_setting() */
};

static inline struct sqlite *sqlite_of(struct db *db)
{
    return (struct sqlite *)db;
}

/* ---- sqlite_open.c ---- */

bool sqlite_open(struct db **out, const struct address *where, const struct db_options *options, struct err *e);
void sqlite_close(struct db *db);
void sqlite_locate(const struct address *where, struct buf *server, struct buf *database);
/* The folder in which the file lies, or will lie, links resolved: SQLite keeps the journal there. */
void sqlite_add_folder(struct buf *out, const char *path);
/* FAULT_FAILED when the file, or the folder in which SQLite keeps its journal, cannot be written; FAULT_POLICY when the
 * handle was opened for reading. Changes nothing. */
bool sqlite_can_write(struct sqlite *s, struct err *e);

/* ---- sqlite_copy.c ---- */

/* `to` becomes a copy of the database `from`, unless it is there: then it stays as it is, and that is fine. */
bool sqlite_copy_file(const char *from, const char *to, struct err *e);

/* ---- sqlite_run.c ---- */

/* Busy and progress handler, authorizer, migrate_setting(). */
void sqlite_set_handlers(struct sqlite *s);

void sqlite_statement_free(sqlite3_stmt **statement);
#define STATEMENT_AUTO __attribute__((cleanup(sqlite_statement_free))) sqlite3_stmt

/* Turns a result code into an error: "WHAT: REASON"; `what` may be NULL. Always false. */
bool sqlite_fail(struct sqlite *s, int rc, const char *what, struct err *e);
bool sqlite_prepare(struct sqlite *s, const char *sql, sqlite3_stmt **out, const char *what, struct err *e);
/* SQLITE_ROW or SQLITE_DONE in *rc, else false with *e set. */
bool sqlite_step(struct sqlite *s, sqlite3_stmt *statement, int *rc, const char *what, struct err *e);
/* Runs one statement of ours to its end. */
bool sqlite_exec(struct sqlite *s, const char *sql, const char *what, struct err *e);
/* From here on, waits for other connections end `ms` from now (0: not before the run's deadline), or at once. */
void sqlite_wait_for(struct sqlite *s, int64_t ms);
void sqlite_wait_never(struct sqlite *s);
/* A deadline that was not set never passes. */
int64_t sqlite_deadline(const struct sqlite *s);
/* Between two revisions: FAULT_STOPPED or FAULT_DEADLINE when no new work may begin. */
bool sqlite_may_begin(struct sqlite *s, struct err *e);

bool sqlite_begin(struct sqlite *s, struct err *e); /* BEGIN IMMEDIATE; FAULT_BUSY after the wait that is set */
bool sqlite_commit(struct sqlite *s, struct err *e);
void sqlite_rollback(struct sqlite *s); /* nothing happens outside a transaction */
/* Outside a transaction only. */
bool sqlite_set_foreign_keys(struct sqlite *s, bool on, struct err *e);

/*
 * Runs one statement of a section, or all that its text holds (opaque). Errors are placed in the file. `in_block`: our
 * transaction is open and must still be afterwards. *touched (may be NULL): the rows that its INSERT, UPDATE or DELETE
 * touched, those of triggers not counted.
 */
bool sqlite_run_body(struct sqlite *s, const struct db_step *step, size_t statement, bool in_block, int64_t *touched,
                     struct err *e);

/* ---- sqlite_lock.c ---- */

/* The file behind an open handle; must be called before that handle locks anything. NULL: it cannot be looked at. */
struct sqlite_file *sqlite_file_enter(const char *path);
/* After sqlite3_close() only. Gives up the lock if `who` has it. NULL is fine. */
void sqlite_file_leave(struct sqlite_file *f, const void *who);

enum sqlite_lock { LOCK_TAKEN, LOCK_HELD, LOCK_IMPOSSIBLE, LOCK_FAILED };
/* Tries to take the migration lock. IMPOSSIBLE: this kind of file system has none. FAILED: errno says why. */
enum sqlite_lock sqlite_file_lock(struct sqlite_file *f, const char *path, const void *who);
void sqlite_file_unlock(struct sqlite_file *f, const void *who);
/* "process 4711 (profile-migrate)", or nothing: who has the migration lock or writes. */
void sqlite_file_holder(const struct sqlite_file *f, const char *path, const void *who, struct buf *out);

/* The same for a handle: FAULT_BUSY when another one has it. A no-op while a session lock is held, and in memory. */
bool sqlite_lock(struct sqlite *s, struct err *e);
void sqlite_unlock(struct sqlite *s);

bool sqlite_session_lock(struct db *db, struct err *e);
void sqlite_session_unlock(struct db *db);
bool sqlite_lock_free(struct db *db, bool *is_free, struct buf *holder, struct err *e);

/* ---- sqlite_sql.c ---- */

/* A column of migrate_log, and where its value stands in struct log_entry. */
struct sqlite_column {
    const char *name;
    const char *definition;
    size_t offset;
    enum { COLUMN_TEXT, COLUMN_INTEGER, COLUMN_ID } kind;
};
extern const struct sqlite_column sqlite_log_columns[];
extern const size_t sqlite_n_log_columns;

void sqlite_sql_create_version(struct buf *out, const char *table);
void sqlite_sql_read_version(struct buf *out, const char *table);
void sqlite_sql_change(struct buf *out, const char *table, enum row_change_kind kind); /* ?1 is `to`, ?2 `from` */
void sqlite_sql_create_log(struct buf *out);
void sqlite_sql_add_log_column(struct buf *out, const struct sqlite_column *column);
extern const char sqlite_sql_progress[];     /* ?1: message, ?2: duration_ms, ?3: stream */
void sqlite_sql_append_log(struct buf *out); /* ?N is the Nth column but the id */
extern const char sqlite_sql_has_table[];    /* ?1: a name */
extern const char sqlite_sql_columns[];      /* ?1: a table */
extern const char sqlite_sql_last_log[];     /* ?1: a stream */
extern const char sqlite_sql_log[];          /* ?1: a stream or NULL, ?2: how many of the newest, -1: all */
extern const char sqlite_sql_index[];        /* ?1: an index, ?2: its table or NULL */
extern const char sqlite_sql_referring[];    /* tables with references */
extern const char sqlite_sql_violations[];   /* ?1: a table, NULL: all */
extern const char sqlite_sql_with_setting[]; /* what holds the word migrate_setting */
extern const char sqlite_sql_key_column[];   /* ?1: a table; a row when its rowid is a column */

/* ---- sqlite_state.c ---- */

bool sqlite_read_state(struct db *db, struct arena *a, struct db_state *out, struct err *e);
bool sqlite_read_log(struct db *db, struct arena *a, const char *stream, int64_t newest, struct log_list *out,
                     struct err *e);
bool sqlite_query(struct db *db, const char *sql, bool (*row)(void *, const struct db_row *, struct err *),
                  void *context, struct err *e);
bool sqlite_read_many(struct db *db, const char *const *sql, size_t n,
                      bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                      struct err *e);
bool sqlite_index_state(struct db *db, const char *schema, const char *index, const char *table, enum index_state *out,
                        struct err *e);
bool sqlite_invalid_indexes(struct db *db, struct arena *a, struct strings *out, struct err *e);
bool sqlite_has_table(struct sqlite *s, const char *name, bool *has, struct err *e);
bool sqlite_read_version(struct sqlite *s, struct arena *a, struct strings *rows, struct err *e);

/* ---- sqlite_guard.c ---- */

/* A row that refers to nothing. */
struct sqlite_violation {
    const char *table;
    const char *parent;
    bool has_row;
    sqlite3_int64 row;
};

/* What there was before a body ran. The zero value is empty. */
struct sqlite_guard {
    struct arena arena;
    bool references;                         /* compare references too */
    VEC(struct sqlite_violation) violations; /* sorted */
    struct strings unchecked;                /* tables whose references cannot be checked: they fit no key */
    struct strings settings;                 /* what calls migrate_setting() */
};
bool sqlite_guard_before(struct sqlite *s, struct sqlite_guard *g, bool references, struct err *e);
/* FAULT_FAILED when something is there that was not there before. */
bool sqlite_guard_after(struct sqlite *s, struct sqlite_guard *g, struct err *e);
void sqlite_guard_free(struct sqlite_guard *g);
#define GUARD_AUTO __attribute__((cleanup(sqlite_guard_free))) struct sqlite_guard

/* ---- sqlite_apply.c ---- */

bool sqlite_apply(struct db *db, const struct db_step *steps, size_t n, bool together, size_t *done, struct err *e);
bool sqlite_run_statement(struct db *db, const struct db_step *step, size_t statement, const struct log_entry *progress,
                          struct err *e);
bool sqlite_run_batch(struct db *db, const struct db_step *step, const struct log_entry *progress, int64_t *touched,
                      struct err *e);
bool sqlite_append_log(struct db *db, const struct log_entry *entries, size_t n, struct err *e);
bool sqlite_ensure_version(struct db *db, struct err *e);
bool sqlite_write(struct db *db, const char *sql, struct err *e);
bool sqlite_drop_index(struct db *db, const char *schema, const char *index, struct err *e);

#endif
