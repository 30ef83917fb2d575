/*
 * Statement-wise work, for sections with transaction:false: a session lock, statements one by one with their progress,
 * batches, and what CREATE INDEX CONCURRENTLY leaves behind when it fails.
 *
 * All of it needs a connection that is ours alone. A waiter that blocks inside a statement would deadlock CREATE INDEX
 * CONCURRENTLY, which waits for every older snapshot of the database: so the lock is tried, never waited for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "db/postgresql.h"

#define CLEANUP_MS 10000

/* ---- the session lock ---- */

struct lock_answer {
    bool direct;
    bool locked;
};

static bool take_lock_answer(void *context, size_t index, const PGresult *row, struct err *e)
{
    (void)index, (void)e;
    *(struct lock_answer *)context = (struct lock_answer){postgresql_is_true(row, 0), postgresql_is_true(row, 1)};
    return true;
}

bool postgresql_session_lock(struct db *db, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    struct lock_answer answer = {0};
    char pid[16];
    BUF_AUTO sql = {0};
    BUF_AUTO key = {0};
    REPLY_AUTO reply = {.row = take_lock_answer, .context = &answer};
    if (!postgresql_learn_to_write(p, e))
        return false;
    snprintf(pid, sizeof pid, "%d", PQbackendPID(p->conn));
    postgresql_lock_key(&key, p);
    sql_add(&sql, SQL_SESSION_LOCK, "pid", pid, "key", key.p, NULL);
    if (!postgresql_run(p, sql.p, &reply, "take the migration lock", e))
        return false;
    if (!answer.direct)
        return err_set(e, FAULT_POLICY,
                       "a revision with transaction:false needs a direct connection, and this one goes through "
                       "a pooler");
    return answer.locked || err_set(e, FAULT_BUSY, "another process migrates this database");
}

void postgresql_session_unlock(struct db *db)
{
    struct postgresql *p = postgresql_of(db);
    BUF_AUTO sql = {0};
    BUF_AUTO key = {0};
    bool released = false;
    REPLY_AUTO reply = {.row = postgresql_take_flag, .context = &released, .deadline = clock_deadline(CLEANUP_MS)};
    postgresql_lock_key(&key, p);
    sql_add(&sql, SQL_SESSION_UNLOCK, "key", key.p, NULL);
    if (!postgresql_exchange(p, sql.p, &reply) || !released)
        postgresql_hang_up(p); /* the server gives the lock back when the session ends */
}

/* ---- one statement ---- */

/* The transaction's frame round what the caller adds between these two. */
static bool begin_work(struct message *m, const struct db_step *step, struct err *e)
{
    if (!postgresql_learn_to_write(m->p, e) || !message_begin(m, step, e))
        return false;
    message_settings(m, step);
    message_lock(m);
    message_create(m);
    message_rows_unchanged(m, step);
    return true;
}

static bool end_work(struct message *m, const struct db_step *step, const struct log_entry *progress, struct err *e)
{
    message_log(m, step, progress, progress ? 1 : 0);
    if (!message_commit(m, e))
        return false;
    m->p->place.has_schema = m->p->place.has_version = m->p->place.has_log = true;
    return true;
}

static bool run_in_block(struct postgresql *p, const struct db_step *step, size_t statement,
                         const struct log_entry *progress, struct err *e)
{
    MESSAGE_AUTO m = {.p = p};
    if (!begin_work(&m, step, e))
        return false;
    message_statement(&m, step, statement);
    return end_work(&m, step, progress, e);
}

/* A whole setting, or nothing where the server does not know it. */
static const char *connection_check(const struct postgresql *p, const char *setting)
{
    return PQserverVersion(p->conn) >= 140000 && !p->no_connection_check ? setting : "";
}

static bool set_session(struct postgresql *p, const struct db_step *step, int64_t lock_timeout_ms, struct err *e)
{
    const struct db_options *o = &p->base.options;
    char statement_timeout[32], lock_timeout[32];
    BUF_AUTO stream = {0};
    BUF_AUTO revision = {0};
    BUF_AUTO tenant = {0};
    BUF_AUTO path = {0};
    BUF_AUTO sql = {0};
    REPLY_AUTO reply = {0};
    snprintf(statement_timeout, sizeof statement_timeout, "%" PRId64, step ? step->statement_timeout_ms : 0);
    snprintf(lock_timeout, sizeof lock_timeout, "%" PRId64, lock_timeout_ms);
    postgresql_literal(&stream, o->stream);
    postgresql_literal(&revision, step ? step->step->revision->id : "");
    postgresql_literal(&tenant, o->tenant ? o->tenant : "");
    if (o->schema) {
        buf_addz(&path, "SET search_path = ");
        db_quote_name(&path, o->schema);
    }
    sql_add(&sql, SQL_SESSION_SET, "statement_timeout", statement_timeout, "lock_timeout", lock_timeout, "stream",
            stream.p, "revision", revision.p, "tenant", tenant.p, "connection_check",
            connection_check(p, "SET client_connection_check_interval = '250ms';\n"), "search_path",
            path.p ? path.p : "", NULL);
    return postgresql_run(p, sql.p, &reply, "set up the session", e);
}

static void reset_session(struct postgresql *p)
{
    BUF_AUTO sql = {0};
    REPLY_AUTO reply = {.deadline = clock_deadline(CLEANUP_MS)};
    sql_add(&sql, SQL_SESSION_RESET, "connection_check",
            connection_check(p, "RESET client_connection_check_interval;\n"), NULL);
    if (!postgresql_exchange(p, sql.p, &reply))
        postgresql_hang_up(p);
}

static bool run_alone(struct postgresql *p, const struct db_step *step, size_t statement, struct err *e)
{
    const uint32_t waits = STATEMENT_CONCURRENTLY | STATEMENT_DROP_INDEX | STATEMENT_REINDEX;
    /* These wait for other transactions by design, and leave an invalid index when they are cut short. */
    bool patient = step->section->statements[statement].flags & waits;
    MESSAGE_AUTO m = {.p = p};
    if (!set_session(p, step, patient ? 0 : step->lock_timeout_ms, e))
        return false;
    message_lone_statement(&m, step, statement);
    bool done = message_send(&m, e);
    reset_session(p);
    return done;
}

bool postgresql_run_statement(struct db *db, const struct db_step *step, size_t statement,
                              const struct log_entry *progress, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    if (step->section->statements[statement].flags & STATEMENT_NO_BLOCK)
        return run_alone(p, step, statement, e);
    return run_in_block(p, step, statement, progress, e);
}

bool postgresql_run_batch(struct db *db, const struct db_step *step, const struct log_entry *progress, int64_t *touched,
                          struct err *e)
{
    MESSAGE_AUTO m = {.p = postgresql_of(db)};
    if (!begin_work(&m, step, e) || !message_body(&m, step, e))
        return false;
    if (progress)
        message_progress(&m, step, progress);
    if (!end_work(&m, step, NULL, e))
        return false;
    *touched = m.touched;
    return true;
}

/* ---- indexes ---- */

/* A name as SQL, in the schema named or in the tenant's; without either the search path finds it. */
static void add_name(struct buf *out, const struct postgresql *p, const char *schema, const char *name)
{
    schema = schema ? schema : p->base.options.schema;
    if (schema) {
        db_quote_name(out, schema);
        buf_addc(out, '.');
    }
    db_quote_name(out, name);
}

static bool take_index_state(void *context, size_t index, const PGresult *row, struct err *e)
{
    enum index_state *out = context;
    bool valid = postgresql_is_true(row, 0), plain = postgresql_is_true(row, 1), of_table = postgresql_is_true(row, 2),
         busy = postgresql_is_true(row, 3);
    (void)index, (void)e;
    if (!of_table)
        *out = INDEX_INVALID_KEEP;
    else if (valid)
        *out = INDEX_VALID;
    else if (busy)
        *out = INDEX_INVALID_BUSY;
    else
        *out = plain ? INDEX_INVALID : INDEX_INVALID_KEEP;
    return true;
}

bool postgresql_index_state(struct db *db, const char *schema, const char *index, const char *table,
                            enum index_state *out, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    BUF_AUTO name = {0};
    BUF_AUTO literal = {0};
    BUF_AUTO table_name = {0};
    BUF_AUTO table_literal = {0};
    BUF_AUTO sql = {0};
    REPLY_AUTO reply = {.row = take_index_state, .context = out};
    *out = INDEX_ABSENT;
    add_name(&name, p, schema, index);
    postgresql_literal(&literal, name.p);
    if (table)
        add_name(&table_name, p, schema, table);
    postgresql_literal(&table_literal, table ? table_name.p : NULL);
    sql_add(&sql, SQL_INDEX_STATE, "index", literal.p, "table", table_literal.p, "any_table", table ? "false" : "true",
            NULL);
    return postgresql_run(p, sql.p, &reply, "look at the index", e);
}

bool postgresql_drop_index(struct db *db, const char *schema, const char *index, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    BUF_AUTO name = {0};
    BUF_AUTO sql = {0};
    REPLY_AUTO reply = {0};
    add_name(&name, p, schema, index);
    sql_add(&sql, SQL_DROP_INDEX, "index", name.p, NULL);
    if (!set_session(p, NULL, 0, e))
        return false;
    bool done = postgresql_run(p, sql.p, &reply, "drop the index", e);
    reset_session(p);
    return done;
}

struct name_list {
    struct arena *a;
    struct strings *out;
};

static bool take_name(void *context, size_t index, const PGresult *row, struct err *e)
{
    struct name_list *list = context;
    (void)index, (void)e;
    vec_push(list->a, list->out, arena_strdup(list->a, PQgetvalue(row, 0, 0)));
    return true;
}

bool postgresql_invalid_indexes(struct db *db, struct arena *a, struct strings *out, struct err *e)
{
    struct name_list list = {a, out};
    REPLY_AUTO reply = {.row = take_name, .context = &list};
    return postgresql_run(postgresql_of(db), SQL_INVALID_INDEXES, &reply, "look for invalid indexes", e);
}
