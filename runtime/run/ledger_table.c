/*
 * The SQL of migrate_ledger, in words that PostgreSQL and SQLite share where they can.
 *
 * Whoever writes keeps other writers out for the few milliseconds of one commit. So two processes that write the same rows
 * cannot deadlock, and a row is either there when a downgrade deletes it, or is held against the moment of that deletion
 * (the row of tenant "") and not written.
 */
#include "run/ledger_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/work.h"

enum { IDS_A_STATEMENT = 500 };

/* ---------------------------------------------------------------------------------------------------- pieces of SQL */

static bool is_sqlite(const struct place *where)
{
    return where->address.dialect == DIALECT_SQLITE;
}

static void add_table(struct buf *out, const struct job *job, const struct place *where)
{
    if (is_sqlite(where)) {
        buf_addz(out, "main.");
    } else if (job->version_schema) {
        db_quote_name(out, job->version_schema);
        buf_addc(out, '.');
    }
    buf_addz(out, "migrate_ledger");
}

/* Which database the registry is: a copy of it is another one. NULL, which is equal to nothing, when nobody can say. */
static void add_registry(struct buf *out, const struct place *where)
{
    BUF_AUTO file = {0};
    if (is_sqlite(where)) {
        bool known = db_file_identity(&where->address, &file);
        db_quote_text(out, DIALECT_SQLITE, known ? file.p : NULL);
        return;
    }
    buf_addz(out, "(SELECT pg_catalog.concat(c.system_identifier, '/', d.oid)\n"
                  " FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d\n"
                  " WHERE d.datname = pg_catalog.current_database())");
}

/* So many milliseconds before this transaction began. */
static void add_ago(struct buf *out, const struct place *where, const char *milliseconds)
{
    if (is_sqlite(where))
        buf_addf(out, "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now', printf('-%%.3f seconds', (%s) / 1000.0))",
                 milliseconds);
    else
        buf_addf(out, "pg_catalog.now() - (%s) * interval '1 millisecond'", milliseconds);
}

static const char *clock_of(const struct place *where)
{
    return is_sqlite(where) ? "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')" : "pg_catalog.clock_timestamp()";
}

/* LOCK TABLE takes no snapshot, so waiting here is in nobody's way. SQLite lets one writer in at a time anyway. */
static void add_lock(struct buf *out, const struct job *job, const struct place *where, const char *table)
{
    if (!is_sqlite(where))
        buf_addf(out, "SET LOCAL lock_timeout = %" PRId64 ";\nLOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE;\n",
                 job->lock_timeout_ms, table);
}

static bool is_missing_table(const struct err *e)
{
    return strcmp(e->sqlstate, "42P01") == 0 || strcmp(e->sqlstate, "3F000") == 0 ||
           (e->message && strstr(e->message, "no such table"));
}

/* ------------------------------------------------------------------------------------------------------- connections */

/* For writing, to a database that is there: nothing is created on the way. */
static bool open_to_write(const struct job *registry_job, const struct place *where, int64_t patience_ms,
                          struct db **out, struct err *e)
{
    struct job job = *registry_job;
    struct db_options options;
    bool created = false;
    job.kind = JOB_REPAIR;
    connect_options(&job, where, &options);
    return connect_open(&job, where, &options, patience_ms, out, &created, e);
}

static bool query(const struct job *registry_job, const struct place *where, const char *sql,
                  bool (*row)(void *, const struct db_row *, struct err *), void *context, struct err *e)
{
    struct job job = *registry_job;
    struct db_options options;
    struct db *db = NULL;
    bool created = false;
    job.kind = JOB_READ;
    connect_options(&job, where, &options);
    bool ok = connect_open(&job, where, &options, 0, &db, &created, e) && db_query(db, sql, row, context, e);
    db_close(db);
    return ok;
}

/* ----------------------------------------------------------------------------------------------------------- reading */

bool ledger_table_read(struct ledger_table *t, int64_t max_age_ms,
                       bool (*row)(void *context, const struct db_row *row, struct err *e), void *context,
                       struct err *e)
{
    enum dialect d = t->where->address.dialect;
    char age[32];
    BUF_AUTO sql = {0};
    snprintf(age, sizeof age, "%" PRId64, max_age_ms);
    buf_addz(&sql, "SELECT tenant, target, server FROM ");
    add_table(&sql, t->job, t->where);
    buf_addz(&sql, "\nWHERE stream = ");
    db_quote_text(&sql, d, t->stream);
    buf_addz(&sql, " AND \"rows\" = ");
    db_quote_text(&sql, d, t->rows);
    buf_addz(&sql, " AND digest = ");
    db_quote_text(&sql, d, t->digest);
    buf_addz(&sql, "\nAND registry = ");
    add_registry(&sql, t->where);
    buf_addz(&sql, "\nAND visited > ");
    add_ago(&sql, t->where, age);
    buf_addz(&sql, " AND visited <= "); /* a clock that was set back makes no row young for ever */
    buf_addz(&sql, clock_of(t->where));
    bool ok = query(t->job, t->where, sql.p, row, context, e);
    t->missing = !ok && is_missing_table(e);
    if (t->missing)
        err_free(e);
    return ok || t->missing;
}

/* ----------------------------------------------------------------------------------------------------------- writing */

void ledger_note_seen(struct ledger_notes *notes, const struct ledger_table *t, const char *tenant, const char *target,
                      const char *server, int64_t began)
{
    enum dialect d = t->where->address.dialect;
    struct buf *out = &notes->seen;
    buf_addz(out, out->n ? ",\n(" : "(");
    db_quote_text(out, d, tenant);
    buf_addz(out, ", ");
    db_quote_text(out, d, target);
    buf_addz(out, ", ");
    db_quote_text(out, d, server);
    buf_addf(out, ", %" PRId64 ")", began);
    notes->n++;
}

void ledger_note_gone(struct ledger_notes *notes, const struct ledger_table *t, const char *tenant)
{
    buf_addz(&notes->gone, notes->gone.n ? ", " : "");
    db_quote_text(&notes->gone, t->where->address.dialect, tenant);
    notes->n++;
}

/*
 * IF NOT EXISTS does not keep processes apart that make a table at the same time: all but one fail, depending on how far
 * they came, for the table (42P07), the type of its rows (42710), or the catalog's unique index (23505).
 */
static bool was_made_meanwhile(const struct err *e)
{
    static const char *const states[] = {"42P07", "42710", "23505"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(e->sqlstate, states[i]) == 0)
            return true;
    return false;
}

static bool make_table(struct db *db, const struct ledger_table *t, const char *table, struct err *e)
{
    const char *text = is_sqlite(t->where) ? "TEXT" : "text", *time = is_sqlite(t->where) ? "TEXT" : "timestamptz";
    BUF_AUTO sql = {0};
    if (!is_sqlite(t->where))
        buf_addf(&sql, "SET LOCAL client_min_messages = warning;\nSET LOCAL lock_timeout = %" PRId64 ";\n",
                 t->job->lock_timeout_ms);
    buf_addf(&sql,
             "CREATE TABLE IF NOT EXISTS %s (\n"
             "    stream %s NOT NULL,\n"
             "    tenant %s NOT NULL,\n"
             "    target %s,\n"
             "    server %s,\n"
             "    registry %s,\n"
             "    \"rows\" %s,\n"
             "    digest %s,\n"
             "    visited %s,\n"
             "    PRIMARY KEY (stream, tenant)\n"
             ");\n",
             table, text, text, text, text, text, text, text, time);
    if (db_write(db, sql.p, e))
        return true;
    bool made = was_made_meanwhile(e);
    if (made)
        err_free(e);
    return made;
}

static bool take_clock(void *context, const struct db_row *row, struct err *e)
{
    (void)e;
    *(int64_t *)context = row->n && row->values[0] ? strtoll(row->values[0], NULL, 10) : 0;
    return true;
}

/*
 * What the registry's clock is ahead of clock_ms(), or less: it was read before our own. So a visit never seems to have begun
 * later than it did, however long a connection, a pooler or another writer keeps us waiting afterwards. The clock of a file
 * is this machine's.
 */
static bool read_clock(struct db *db, int64_t *ahead, struct err *e)
{
    int64_t there = clock_unix_ms();
    if (db_dialect(db) == DIALECT_POSTGRESQL &&
        !db_query(db, "SELECT pg_catalog.floor(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::text",
                  take_clock, &there, e))
        return false;
    *ahead = there - clock_ms();
    return true;
}

/* A row of a later visit stays, and so does none that was forgotten since. */
static void add_upsert(struct buf *sql, const struct ledger_table *t, const char *table, const char *seen,
                       int64_t ahead)
{
    enum dialect d = t->where->address.dialect;
    BUF_AUTO stream = {0};
    db_quote_text(&stream, d, t->stream);
    buf_addf(sql,
             "WITH n (tenant, target, server, began) AS (VALUES\n%s\n)\n"
             "INSERT INTO %s AS t (stream, tenant, target, server, registry, \"rows\", digest, visited)\n"
             "SELECT %s, v.tenant, v.target, v.server, ",
             seen, table, stream.p);
    add_registry(sql, t->where);
    buf_addz(sql, ", ");
    db_quote_text(sql, d, t->rows);
    buf_addz(sql, ", ");
    db_quote_text(sql, d, t->digest);
    buf_addf(sql,
             is_sqlite(t->where) ? ", v.visited\nFROM (SELECT n.tenant, n.target, n.server,\n"
                                   "    strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', (%" PRId64
                                   " + n.began) / 1000.0, 'unixepoch')"
                                 : ", v.visited\nFROM (SELECT n.tenant, n.target, n.server,\n"
                                   "    pg_catalog.to_timestamp((%" PRId64 " + n.began) / 1000.0)",
             ahead);
    buf_addf(sql,
             " AS visited FROM n) AS v\n"
             "WHERE v.visited > coalesce((SELECT f.visited FROM %s AS f WHERE f.stream = %s AND f.tenant = ''), %s)\n"
             "ON CONFLICT (stream, tenant) DO UPDATE SET target = excluded.target, server = excluded.server,\n"
             "    registry = excluded.registry, \"rows\" = excluded.\"rows\", digest = excluded.digest,\n"
             "    visited = excluded.visited\n"
             "WHERE t.visited IS NULL OR t.visited < excluded.visited OR t.visited > %s;\n",
             table, stream.p, is_sqlite(t->where) ? "''" : "'-infinity'", clock_of(t->where));
}

static void add_delete(struct buf *sql, enum dialect d, const char *table, const char *stream, const char *tenants)
{
    buf_addf(sql, "DELETE FROM %s WHERE stream = ", table);
    db_quote_text(sql, d, stream);
    if (tenants)
        buf_addf(sql, " AND tenant IN (%s)", tenants);
    buf_addz(sql, ";\n");
}

static bool write_notes(struct db *db, const struct ledger_table *t, const struct ledger_notes *notes, struct err *e)
{
    int64_t ahead;
    BUF_AUTO table = {0};
    BUF_AUTO sql = {0};
    add_table(&table, t->job, t->where);
    if ((t->missing && !make_table(db, t, table.p, e)) || !read_clock(db, &ahead, e))
        return false;
    add_lock(&sql, t->job, t->where, table.p);
    if (notes->seen.n)
        add_upsert(&sql, t, table.p, notes->seen.p, ahead);
    if (notes->gone.n)
        add_delete(&sql, t->where->address.dialect, table.p, t->stream, notes->gone.p);
    return db_write(db, sql.p, e);
}

bool ledger_table_write(struct ledger_table *t, const struct ledger_notes *notes, int64_t patience_ms, struct err *e)
{
    struct job job = *t->job;
    struct db *db = NULL;
    if (!notes->seen.n && (t->missing || !notes->gone.n))
        return true;
    job.wait_ms = job.lock_wait_ms = 0; /* visits wait while this is written */
    /* What was seen before the deadline is written after it, too: a run that always meets it would learn nothing. */
    if (clock_left(connect_deadline(&job)) < patience_ms)
        job.deadline = clock_deadline(patience_ms);
    bool ok = open_to_write(&job, t->where, patience_ms, &db, e) && write_notes(db, t, notes, e);
    db_close(db);
    t->missing &= !ok;
    return ok;
}

/* -------------------------------------------------------------------------------------------------------- forgetting */

/* Literals of up to IDS_A_STATEMENT ids from *at on, which moves behind them. */
static void add_ids(struct buf *out, enum dialect d, const struct tenant_list *list, size_t *at)
{
    for (size_t n = 0; n < IDS_A_STATEMENT && *at < list->n; n++, ++*at) {
        buf_addz(out, n ? ", " : "");
        db_quote_text(out, d, list->v[*at].id);
    }
}

static void add_forgetting(struct buf *sql, enum dialect d, const struct place *where, const char *table,
                           const char *stream, const struct tenant_list *list)
{
    if (!list)
        add_delete(sql, d, table, stream, NULL);
    for (size_t at = 0; list && at < list->n;) {
        BUF_AUTO ids = {0};
        add_ids(&ids, d, list, &at);
        add_delete(sql, d, table, stream, ids.p);
    }
    buf_addf(sql, "INSERT INTO %s (stream, tenant, visited) VALUES (", table);
    db_quote_text(sql, d, stream);
    buf_addf(sql, ", '', %s)\nON CONFLICT (stream, tenant) DO UPDATE SET visited = excluded.visited;\n",
             clock_of(where));
}

struct search {
    const struct tenant_list *list; /* NULL: anybody */
    bool found;
};

static bool take_remembered(void *context, const struct db_row *row, struct err *e)
{
    struct search *s = context;
    (void)e;
    s->found |= !s->list;
    for (size_t i = 0; s->list && !s->found && i < s->list->n; i++)
        s->found = row->values[0] && strcmp(row->values[0], s->list->v[i].id) == 0;
    return true;
}

/* What cannot be deleted harms nobody where there is nothing. */
static bool is_nothing_there(const struct job *job, const struct place *where, const char *table, const char *stream,
                             const struct tenant_list *list)
{
    AUTO_ERR e = {0};
    BUF_AUTO sql = {0};
    struct search s = {.list = list};
    buf_addf(&sql, "SELECT tenant FROM %s WHERE tenant <> '' AND stream = ", table);
    db_quote_text(&sql, where->address.dialect, stream);
    return query(job, where, sql.p, take_remembered, &s, &e) ? !s.found : is_missing_table(&e);
}

static bool refuse_to_go_on(struct err *e)
{
    if (e->fault == FAULT_FAILED || e->fault == FAULT_POLICY)
        e->fault = FAULT_CONFIG; /* a right that is missing; nothing was touched */
    err_context(e, "what migrate_ledger says of these tenants cannot be deleted, and would be wrong afterwards");
    if (e->fault == FAULT_CONFIG)
        err_hint(e, "the registry's role needs SELECT, INSERT, UPDATE and DELETE on migrate_ledger");
    return false;
}

bool ledger_forget(const struct job *registry_job, const struct place *registry, const char *stream,
                   const struct tenant_list *list, struct err *e)
{
    struct db *db = NULL;
    BUF_AUTO table = {0};
    BUF_AUTO sql = {0};
    if (list && !list->n)
        return true;
    add_table(&table, registry_job, registry);
    add_lock(&sql, registry_job, registry, table.p);
    add_forgetting(&sql, registry->address.dialect, registry, table.p, stream, list);
    bool ok = open_to_write(registry_job, registry, 0, &db, e) && db_write(db, sql.p, e);
    db_close(db);
    ok = ok || is_missing_table(e) ||
         (!err_retryable(e->fault) && is_nothing_there(registry_job, registry, table.p, stream, list));
    if (!ok)
        return refuse_to_go_on(e);
    err_free(e);
    return true;
}
