/*
 * The door to one database: hands each call to the engine's backend, and quotes names and texts as SQL. Knows no engine's
 * ways; script.c holds the texts of offline scripts.
 */
#include "db/db.h"

#include <assert.h>
#include <string.h>

#include "db/backend.h"

static const struct db_backend *const backends[DIALECT_COUNT] = {
    [DIALECT_POSTGRESQL] = &db_postgresql,
    [DIALECT_SQLITE] = &db_sqlite,
};

bool db_open(struct db **out, const struct address *where, const struct db_options *options, struct err *e)
{
    const struct db_backend *backend = backends[where->dialect];
    *out = NULL;
    if (!backend->open(out, where, options, e))
        return false;
    (*out)->backend = backend;
    return true;
}

void db_close(struct db *db)
{
    if (db)
        db->backend->close(db);
}

void db_close_seen(struct db *db)
{
    if (db)
        db->see_end = true;
    db_close(db);
}

void db_locate(const struct address *where, struct buf *server, struct buf *database)
{
    backends[where->dialect]->locate(where, server, database);
}

enum dialect db_dialect(const struct db *db)
{
    return db->backend->dialect;
}

unsigned db_server_major(const struct db *db)
{
    return db->backend->server_major ? db->backend->server_major(db) : 0;
}

void db_switch(struct db *db, const char *schema, const char *tenant)
{
    db->options.schema = schema;
    db->options.tenant = tenant;
}

bool db_read_state(struct db *db, struct arena *a, struct db_state *out, struct err *e)
{
    *out = (struct db_state){0};
    return db->backend->read_state(db, a, out, e);
}

bool db_read_log(struct db *db, struct arena *a, const char *stream, int64_t newest, struct log_list *out,
                 struct err *e)
{
    *out = (struct log_list){0};
    return db->backend->read_log(db, a, stream, newest, out, e);
}

bool db_apply(struct db *db, const struct db_step *steps, size_t n, bool together, size_t *done, struct err *e)
{
    *done = 0;
    return n == 0 || db->backend->apply(db, steps, n, together, done, e);
}

bool db_lock_free(struct db *db, bool *is_free, struct buf *holder, struct err *e)
{
    return db->backend->lock_free(db, is_free, holder, e);
}

bool db_session_lock(struct db *db, struct err *e)
{
    return db->backend->session_lock(db, e);
}

void db_session_unlock(struct db *db)
{
    db->backend->session_unlock(db);
}

bool db_run_statement(struct db *db, const struct db_step *step, size_t statement, const struct log_entry *progress,
                      struct err *e)
{
    assert(step->section && statement < step->section->n_statements);
    return db->backend->run_statement(db, step, statement, progress, e);
}

bool db_append_log(struct db *db, const struct log_entry *entries, size_t n, struct err *e)
{
    return n == 0 || db->backend->append_log(db, entries, n, e);
}

bool db_run_batch(struct db *db, const struct db_step *step, const struct log_entry *progress, int64_t *touched,
                  struct err *e)
{
    assert(step->section);
    *touched = 0;
    return db->backend->run_batch(db, step, progress, touched, e);
}

bool db_index_state(struct db *db, const char *schema, const char *index, const char *table, enum index_state *out,
                    struct err *e)
{
    return db->backend->index_state(db, schema, index, table, out, e);
}

bool db_drop_index(struct db *db, const char *schema, const char *index, struct err *e)
{
    return db->backend->drop_index(db, schema, index, e);
}

bool db_invalid_indexes(struct db *db, struct arena *a, struct strings *out, struct err *e)
{
    *out = (struct strings){0};
    return db->backend->invalid_indexes(db, a, out, e);
}

bool db_ensure_version(struct db *db, struct err *e)
{
    return db->backend->ensure_version(db, e);
}

bool db_query(struct db *db, const char *sql, bool (*row)(void *context, const struct db_row *row, struct err *e),
              void *context, struct err *e)
{
    return db->backend->query(db, sql, row, context, e);
}

bool db_read_many(struct db *db, const char *const *sql, size_t n,
                  bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to, struct err *e)
{
    return db->backend->read_many(db, sql, n, row, to, e);
}

bool db_write(struct db *db, const char *sql, struct err *e)
{
    return db->backend->write(db, sql, e);
}

/* ---- quoting ---- */

static void add_doubled(struct buf *out, const char *text, char quote, bool backslashes)
{
    buf_addc(out, quote);
    for (const char *p = text; *p; p++) {
        if (*p == quote || (backslashes && *p == '\\'))
            buf_addc(out, *p);
        buf_addc(out, *p);
    }
    buf_addc(out, quote);
}

void db_quote_name(struct buf *out, const char *name)
{
    add_doubled(out, name, '"', false);
}

void db_quote_text(struct buf *out, enum dialect dialect, const char *text)
{
    /* E'' means the same under either standard_conforming_strings; a text without backslash needs no E. */
    bool escape = dialect == DIALECT_POSTGRESQL && text && strchr(text, '\\');
    if (!text) {
        buf_addz(out, "NULL");
        return;
    }
    if (escape)
        buf_addc(out, 'E');
    add_doubled(out, text, '\'', escape);
}
