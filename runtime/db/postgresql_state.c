/*
 * Reading: version rows and the log, who holds the migration lock, and other people's queries. Writes nothing.
 *
 * The state is one message in one snapshot: where the tables are, the version rows, the last log row. A table that does
 * not exist ends the message with 42P01, which is an answer; only then a second message asks for what is left.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgresql.h"

#define UNDEFINED_TABLE "42P01"
#define UNDEFINED_SCHEMA "3F000"

static const char *value_of(const PGresult *row, int column)
{
    return column < 0 || PQgetisnull(row, 0, column) ? NULL : PQgetvalue(row, 0, column);
}

bool postgresql_is_true(const PGresult *row, int column)
{
    const char *value = value_of(row, column);
    return value && strcmp(value, "t") == 0;
}

static int64_t number_of(const PGresult *row, int column, int64_t otherwise)
{
    const char *value = value_of(row, column);
    return value ? strtoll(value, NULL, 10) : otherwise;
}

/* ---- where the tables are ---- */

static const char *asked_schema(const struct postgresql *p)
{
    const struct db_options *o = &p->base.options;
    return o->version_schema ? o->version_schema : o->schema;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

void postgresql_forget(struct postgresql *p)
{
    free(p->place.schema);
    free(p->place.asked_schema);
    p->place = (struct postgresql_place){0};
}

/* regnamespace is written as a name in SQL: "Odd ""name""". */
static char *unquote_name(const char *text)
{
    BUF_AUTO out = {0};
    bool quoted = *text == '"';
    for (const char *c = text + quoted; *c; c++) {
        if (quoted && *c == '"' && *++c != '"')
            break;
        buf_addc(&out, *c);
    }
    return buf_steal(&out);
}

/* The row of SQL_STATE_PLACE. */
static void take_place(struct postgresql *p, const PGresult *row)
{
    const char *current = value_of(row, 0), *version = value_of(row, 1), *log = value_of(row, 2);
    const char *role = value_of(row, 4);
    struct postgresql_place *place = &p->place;
    postgresql_forget(p);
    place->known = true;
    place->asked_schema = mem_strdup(asked_schema(p));
    place->has_version = version != NULL;
    place->schema = place->asked_schema ? mem_strdup(place->asked_schema)
                    : version           ? unquote_name(version)
                                        : mem_strdup(current);
    place->has_schema = place->asked_schema ? postgresql_is_true(row, 3) : place->schema != NULL;
    place->replica = role && strcmp(role, "origin") != 0;
    if (log && !place->asked_schema) {
        /* Another schema's log, found first on the search path or left where the version table is not, is not ours. */
        char *log_schema = unquote_name(log);
        place->has_log = place->schema && strcmp(log_schema, place->schema) == 0;
        free(log_schema);
    } else {
        place->has_log = log != NULL;
    }
}

/* ---- log rows ---- */

static const char *text_in(struct arena *a, const PGresult *row, const char *column)
{
    return arena_strdup(a, value_of(row, PQfnumber(row, column)));
}

/* By name: a later release may have added columns, and an earlier one may lack some. */
static void take_entry(struct arena *a, const PGresult *row, struct log_entry *out)
{
    char started[32];
    *out = (struct log_entry){.id = number_of(row, PQfnumber(row, "id"), 0)};
    for (size_t i = 0; i < n_log_columns; i++) {
        const struct log_column *column = &log_columns[i];
        char *field = (char *)out + column->offset;
        if (column->kind == LOG_TEXT) {
            const char *text = text_in(a, row, column->name);
            memcpy(field, &text, sizeof text);
        } else if (column->kind == LOG_INTEGER) {
            int64_t number = number_of(row, PQfnumber(row, column->name), -1);
            memcpy(field, &number, sizeof number);
        }
    }
    out->db_role = text_in(a, row, "db_role");
    out->duration_ms = number_of(row, PQfnumber(row, "duration_ms"), -1);
    if (value_of(row, PQfnumber(row, "started_ms"))) {
        clock_format_utc(started, number_of(row, PQfnumber(row, "started_ms"), 0));
        out->started = arena_strdup(a, started);
    }
}

/* ---- the state ---- */

enum ask { ASK_PLACE = 1, ASK_ROWS = 2, ASK_LAST = 4 };

struct state_reader {
    struct postgresql *p;
    struct arena *a;
    struct db_state *out;
    int asks[4]; /* what each statement of the message asks for; 0: nothing */
};

static bool take_state_row(void *context, size_t index, const PGresult *row, struct err *e)
{
    struct state_reader *r = context;
    (void)e;
    switch (r->asks[index]) {
    case ASK_PLACE:
        take_place(r->p, row);
        break;
    case ASK_ROWS:
        vec_push(r->a, &r->out->rows, arena_strdup(r->a, PQgetvalue(row, 0, 0)));
        break;
    case ASK_LAST:
        take_entry(r->a, row, &r->out->last);
        r->out->has_last = true;
        break;
    default:
        break;
    }
    return true;
}

/* The table by the search path, or in the schema that is known: as SQL. */
static void add_table(struct buf *out, const struct postgresql *p, const char *table, bool by_place)
{
    const char *schema = by_place ? p->place.schema : asked_schema(p);
    if (schema) {
        db_quote_name(out, schema);
        buf_addc(out, '.');
    }
    db_quote_name(out, table);
}

static void add_table_text(struct buf *out, const struct postgresql *p, const char *table)
{
    BUF_AUTO name = {0};
    add_table(&name, p, table, false);
    postgresql_literal(out, name.p);
}

static void add_place_query(struct buf *sql, const struct postgresql *p)
{
    const struct db_options *o = &p->base.options;
    BUF_AUTO version = {0};
    BUF_AUTO log = {0};
    BUF_AUTO schema = {0};
    BUF_AUTO schema_text = {0};
    add_table_text(&version, p, o->version_table);
    add_table_text(&log, p, "migrate_log");
    db_quote_name(&schema, asked_schema(p) ? asked_schema(p) : "");
    /* Not asked for: any name will do. */
    postgresql_literal(&schema_text, asked_schema(p) ? schema.p : "pg_catalog");
    sql_add(sql, SQL_STATE_PLACE, "version_text", version.p, "log_text", log.p, "schema_text", schema_text.p, NULL);
}

static void add_state_queries(struct buf *sql, struct state_reader *r, int what)
{
    const struct postgresql *p = r->p;
    bool by_place = !(what & ASK_PLACE);
    size_t n = 1;
    BUF_AUTO version = {0};
    BUF_AUTO log = {0};
    BUF_AUTO stream = {0};
    add_table(&version, p, p->base.options.version_table, by_place);
    add_table(&log, p, "migrate_log", by_place);
    postgresql_literal(&stream, p->base.options.stream);
    buf_addz(sql, SQL_STATE_BEGIN);
    memset(r->asks, 0, sizeof r->asks);
    if (what & ASK_PLACE) {
        add_place_query(sql, p);
        r->asks[n++] = ASK_PLACE;
    }
    if (what & ASK_ROWS) {
        sql_add(sql, SQL_STATE_ROWS, "version", version.p, NULL);
        r->asks[n++] = ASK_ROWS;
    }
    if (what & ASK_LAST) {
        sql_add(sql, SQL_STATE_LAST, "log", log.p, "stream", stream.p, NULL);
        r->asks[n] = ASK_LAST;
    }
    buf_addz(sql, SQL_COMMIT);
}

/* True also when a table was missing: then *left says what was not answered. */
static bool ask_state(struct state_reader *r, int what, int *left, struct err *e)
{
    BUF_AUTO sql = {0};
    REPLY_AUTO reply = {.row = take_state_row, .context = r};
    add_state_queries(&sql, r, what);
    *left = 0;
    if (postgresql_exchange(r->p, sql.p, &reply))
        return true;
    const char *state = postgresql_sqlstate(reply.error);
    if (!reply.cut && (strcmp(state, UNDEFINED_TABLE) == 0 || strcmp(state, UNDEFINED_SCHEMA) == 0)) {
        for (size_t i = reply.n; i < sizeof r->asks / sizeof *r->asks; i++)
            *left |= r->asks[i];
        postgresql_rollback(r->p);
        return true;
    }
    postgresql_explain(r->p, &reply, "read the version table", e);
    postgresql_rollback(r->p);
    return false;
}

/* A schema of its own that is missing is a database that is missing. */
static bool check_schema(const struct postgresql *p, struct err *e)
{
    const struct postgresql_place *place = &p->place;
    if (place->has_schema || !place->asked_schema || p->base.options.create)
        return true;
    return err_set(e, FAULT_MISSING, "the schema \"%s\" does not exist in the database \"%s\"", place->asked_schema,
                   PQdb(p->conn));
}

static bool read_all(struct state_reader *r, struct err *e)
{
    struct postgresql_place *place = &r->p->place;
    bool log_elsewhere;
    int left;
    if (!ask_state(r, ASK_PLACE | ASK_ROWS | ASK_LAST, &left, e) || !check_schema(r->p, e))
        return false;
    /* What was answered, but by a log that stands before ours on the search path, does not count. */
    log_elsewhere = !(left & ASK_LAST) && !place->has_log;
    if (log_elsewhere) {
        r->out->has_last = false;
        r->out->last = (struct log_entry){0};
    }
    if (!(left & ASK_ROWS) && !log_elsewhere)
        return true;
    /* Without version rows the message ended before the log; or the log at hand was another's. */
    if (!place->schema || !ask_state(r, ASK_LAST, &left, e))
        return !place->schema;
    place->has_log = !(left & ASK_LAST);
    return true;
}

bool postgresql_read_state(struct db *db, struct arena *a, struct db_state *out, struct err *e)
{
    struct state_reader r = {.p = postgresql_of(db), .a = a, .out = out};
    if (!read_all(&r, e))
        return false;
    out->has_version_table = r.p->place.has_version;
    out->has_log = r.p->place.has_log;
    strings_sort(&out->rows);
    return true;
}

bool postgresql_learn(struct postgresql *p, struct err *e)
{
    ARENA_AUTO a = {0};
    struct db_state state = {0};
    if (p->place.known && same_text(p->place.asked_schema, asked_schema(p)))
        return true;
    return postgresql_read_state(&p->base, &a, &state, e);
}

bool postgresql_learn_to_write(struct postgresql *p, struct err *e)
{
    if (!postgresql_learn(p, e))
        return false;
    if (p->place.schema)
        return true;
    err_set(e, FAULT_CONFIG, "no schema to keep \"%s\" in: the search_path names none that exists",
            p->base.options.version_table);
    err_hint(e, "ALTER ROLE … SET search_path, or options=-csearch_path=… in the address");
    return false;
}

/* ---- the log ---- */

struct log_reader {
    struct arena *a;
    struct log_list *out;
};

static bool take_log_row(void *context, size_t index, const PGresult *row, struct err *e)
{
    struct log_reader *r = context;
    struct log_entry entry;
    (void)index, (void)e;
    take_entry(r->a, row, &entry);
    vec_push(r->a, r->out, entry);
    return true;
}

static void reverse(struct log_list *list)
{
    for (size_t i = 0; i < list->n / 2; i++) {
        struct log_entry other = list->v[i];
        list->v[i] = list->v[list->n - 1 - i];
        list->v[list->n - 1 - i] = other;
    }
}

bool postgresql_read_log(struct db *db, struct arena *a, const char *stream, int64_t newest, struct log_list *out,
                         struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    struct log_reader reader = {a, out};
    BUF_AUTO sql = {0};
    BUF_AUTO log = {0};
    BUF_AUTO where = {0};
    BUF_AUTO limit = {0};
    REPLY_AUTO reply = {.row = take_log_row, .context = &reader};
    if (!postgresql_learn(p, e))
        return false;
    if (!p->place.has_log)
        return true;
    postgresql_log_table(&log, p);
    if (stream) {
        buf_addz(&where, "WHERE l.stream = ");
        postgresql_literal(&where, stream);
    }
    if (newest > 0)
        buf_addf(&limit, "LIMIT %" PRId64, newest);
    sql_add(&sql, SQL_LOG, "log", log.p, "where", where.p ? where.p : "", "limit", limit.p ? limit.p : "", NULL);
    if (!postgresql_run(p, sql.p, &reply, "read the log", e))
        return false;
    reverse(out);
    return true;
}

/* ---- who migrates ---- */

static bool take_flag(void *context, size_t index, const PGresult *row, struct err *e)
{
    (void)index, (void)e;
    *(bool *)context = postgresql_is_true(row, 0);
    return true;
}

static bool describe_holder(void *context, size_t index, const PGresult *row, struct err *e)
{
    struct buf *out = context;
    const char *application = value_of(row, 1), *client = value_of(row, 2), *since = value_of(row, 3);
    (void)index, (void)e;
    buf_addf(out, "process %s of the server", PQgetvalue(row, 0, 0));
    if (application && *application)
        buf_addf(out, ", \"%s\"", application);
    if (client)
        buf_addf(out, " from %s", client);
    if (since) {
        char when[32];
        clock_format_utc(when, number_of(row, 3, 0));
        buf_addf(out, ", since %s", when);
    }
    return true;
}

bool postgresql_lock_free(struct db *db, bool *is_free, struct buf *holder, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    BUF_AUTO sql = {0};
    BUF_AUTO key = {0};
    REPLY_AUTO asked = {.row = take_flag, .context = is_free};
    REPLY_AUTO described = {.row = describe_holder, .context = holder};
    if (!postgresql_learn(p, e))
        return false;
    postgresql_lock_key(&key, p);
    sql_add(&sql, SQL_LOCK_FREE, "key", key.p, NULL);
    if (!postgresql_run(p, sql.p, &asked, "ask for the migration lock", e))
        return false;
    if (*is_free || !holder)
        return true;
    buf_reset(&sql);
    sql_add(&sql, SQL_LOCK_HOLDER, "key", key.p, NULL);
    return postgresql_run(p, sql.p, &described, "ask who holds the migration lock", e);
}

/* ---- other people's queries ---- */

struct query {
    bool (*row)(void *context, const struct db_row *row, struct err *e);
    void *context;
    size_t at; /* index of the query among the message's statements */
    struct arena arena;
    const char **names, **values;
    size_t n;
};

static bool hand_over(void *context, size_t index, const PGresult *result, struct err *e)
{
    struct query *q = context;
    size_t n = (size_t)PQnfields(result);
    if (index < q->at)
        return true;
    if (index > q->at)
        return err_set(e, FAULT_CONFIG, "the query is more than one statement");
    if (!q->names) {
        q->n = n;
        q->names = ARENA_ARRAY(&q->arena, const char *, n);
        q->values = ARENA_ARRAY(&q->arena, const char *, n);
        for (size_t i = 0; i < n; i++)
            q->names[i] = arena_strdup(&q->arena, PQfname(result, (int)i));
    }
    for (size_t i = 0; i < n; i++)
        q->values[i] = value_of(result, (int)i);
    return q->row(q->context, &(struct db_row){n, q->names, q->values}, e);
}

bool postgresql_query(struct db *db, const char *sql,
                      bool (*row)(void *context, const struct db_row *row, struct err *e), void *context, struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    struct query q = {.row = row, .context = context, .at = 1};
    BUF_AUTO message = {0};
    REPLY_AUTO reply = {.row = hand_over, .context = &q};
    buf_addz(&message, SQL_BEGIN_READ_ONLY);
    if (p->base.options.schema) {
        BUF_AUTO schema = {0};
        db_quote_name(&schema, p->base.options.schema);
        sql_add(&message, SQL_SET_SEARCH_PATH, "schema", schema.p, NULL);
        q.at++;
    }
    buf_addz(&message, sql);
    buf_addz(&message, "\n;\n"); /* the query may end in a comment */
    buf_addz(&message, SQL_COMMIT);
    bool done = postgresql_run(p, message.p, &reply, NULL, e);
    arena_free(&q.arena);
    return done;
}
