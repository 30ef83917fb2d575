/*
 * Revisions in transactions: each in one of its own, or all of a run in one. Nothing here waits for anybody: a lock that
 * is taken, or version rows that are not those planned from, end the attempt, and the caller decides about the next.
 */
#include "db/postgresql.h"

static bool add_step(struct message *m, const struct db_step *step, bool first, struct err *e)
{
    message_settings(m, step);
    if (first) {
        message_lock(m);
        message_create(m);
        message_rows_unchanged(m, step);
    }
    if (step->section && !message_body(m, step, e))
        return false;
    message_changes(m, step);
    message_log(m, step, step->entries, step->n_entries);
    return !message_too_long(m) || message_send(m, e);
}

static bool attempt(struct postgresql *p, const struct db_step *steps, size_t n, bool in_run, struct err *e)
{
    MESSAGE_AUTO m = {.p = p, .in_run = in_run};
    if (!message_begin(&m, steps, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!add_step(&m, &steps[i], i == 0, e))
            return false;
    return message_commit(&m, e);
}

static bool apply_in_one(struct postgresql *p, const struct db_step *steps, size_t n, bool in_run, struct err *e)
{
    bool could_watch = !p->no_connection_check;
    bool done = attempt(p, steps, n, in_run, e);
    /* Some platforms cannot watch their clients, and say so when asked to. */
    if (!done && could_watch && p->no_connection_check)
        done = attempt(p, steps, n, in_run, e);
    if (done)
        p->place.has_schema = p->place.has_version = p->place.has_log = true;
    return done;
}

bool postgresql_apply(struct db *db, const struct db_step *steps, size_t n, bool together, size_t *done, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    if (!postgresql_learn_to_write(p, e))
        return false;
    if (together) {
        if (!apply_in_one(p, steps, n, true, e))
            return false;
        *done = n;
    }
    for (; *done < n; ++*done)
        if (!apply_in_one(p, &steps[*done], 1, false, e))
            return false;
    return true;
}

bool postgresql_append_log(struct db *db, const struct log_entry *entries, size_t n, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    struct db_step step = {.entries = entries, .n_entries = n};
    return postgresql_learn_to_write(p, e) && apply_in_one(p, &step, 1, false, e);
}

bool postgresql_write(struct db *db, const char *sql, struct err *e)
{
    BUF_AUTO message = {0};
    REPLY_AUTO reply = {0};
    buf_addz(&message, SQL_BEGIN);
    if (db->options.schema) {
        BUF_AUTO schema = {0};
        db_quote_name(&schema, db->options.schema);
        sql_add(&message, SQL_SET_SEARCH_PATH, "schema", schema.p, NULL);
    }
    buf_addz(&message, sql);
    buf_addz(&message, SQL_COMMIT);
    return postgresql_run(postgresql_of(db), message.p, &reply, NULL, e);
}

bool postgresql_ensure_version(struct db *db, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    MESSAGE_AUTO m = {.p = p};
    if (!postgresql_learn_to_write(p, e))
        return false;
    if (p->place.has_version)
        return true;
    p->place.has_log = true; /* not asked for */
    bool made = message_begin(&m, NULL, e);
    if (made) {
        message_settings(&m, NULL);
        message_lock(&m);
        message_create(&m);
        made = message_commit(&m, e);
    }
    postgresql_forget(p);
    return made;
}
