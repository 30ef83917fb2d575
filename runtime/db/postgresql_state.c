/*
 * Reading: version rows and the log, who holds the migration lock, and other people's queries. Writes nothing.
 *
 * The state is one message in one snapshot: the version rows and the last log row. A table that does not exist ends the
 * message with 42P01, which is an answer. Only where that leaves something open (no version table yet, or a search path
 * of several schemas) a second message asks the catalogs, which costs the server more than the tables do.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgresql.h"

#define UNDEFINED_TABLE "42P01"
#define UNDEFINED_SCHEMA "3F000"
#define UNDEFINED_COLUMN "42703"

static const char *value_of(const PGresult *row, int column)
{
    return column < 0 || PQgetisnull(row, 0, column) ? NULL : PQgetvalue(row, 0, column);
}

bool postgresql_is_true(const PGresult *row, int column)
{
    const char *value = value_of(row, column);
    return value && strcmp(value, "t") == 0;
}

bool postgresql_take_flag(void *context, size_t index, const PGresult *row, struct err *e)
{
    (void)index, (void)e;
    *(bool *)context = postgresql_is_true(row, 0);
    return true;
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

/*
 * `schema` is the first that exists of the search path as it was set. When the setting names no other, or only the role's
 * own before it, as it does from the start, that is where names are found.
 */
static bool is_alone(const char *schema, const char *setting)
{
    struct str rest = str_trim(str_from(setting)), role;
    BUF_AUTO quoted = {0};
    if (str_starts(rest, STR("\"$user\"")))
        str_next(&rest, ',', &role);
    rest = str_trim(rest);
    db_quote_name(&quoted, schema);
    return str_is(rest, schema) || str_is(rest, quoted.p);
}

static void begin_place(struct postgresql *p)
{
    struct postgresql_place *place = &p->place;
    postgresql_forget(p);
    place->asked_schema = mem_strdup(asked_schema(p));
    place->schema = mem_strdup(place->asked_schema);
    place->known = place->asked_schema != NULL;
}

/* The row of SQL_STATE_PLACE. */
static void take_place(struct postgresql *p, const PGresult *row)
{
    const char *current = value_of(row, 0), *version = value_of(row, 1), *log = value_of(row, 2);
    struct postgresql_place *place = &p->place;
    begin_place(p);
    place->known = true;
    place->has_version = version != NULL;
    place->has_log = log != NULL; /* perhaps another schema's, before ours on the search path: reading it shows */
    if (!place->asked_schema)
        place->schema = version ? unquote_name(version) : mem_strdup(current);
    place->has_schema = place->asked_schema ? postgresql_is_true(row, 3) : place->schema != NULL;
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
    const char *seconds = value_of(row, PQfnumber(row, "started_s"));
    if (seconds) {
        clock_format_utc(started, (int64_t)(strtod(seconds, NULL) * 1000 + 0.5));
        out->started = arena_strdup(a, started);
    }
}

/* ---- which server it is ---- */

/* The row of SQL_STATE_SERVER: "(1300,202209061,7711060019840836775,…)" and "00000001". */
static void take_server(struct postgresql *p, const PGresult *row)
{
    const char *control = value_of(row, 0), *line = value_of(row, 1);
    struct str rest = str_from(control), field = {0};
    BUF_AUTO server = {0};
    for (int i = 0; i < 3; i++)
        if (!str_next(&rest, ',', &field))
            return;
    if (!line || !field.n)
        return;
    buf_addf(&server, "%.*s/%lu", STR_ARG(field), strtoul(line, NULL, 16));
    free(p->server);
    p->server = buf_steal(&server);
}

static bool asks_server(const struct postgresql *p)
{
    return p->base.options.identify && !p->server && !p->server_mute;
}

/* ---- the state ---- */

enum ask {
    ASK_PLACE = 1,
    ASK_ROWS = 2,
    ASK_FEW = 4,
    ASK_NEWEST = 8,
    ASK_PATH = 16,
    ASK_LAST = 32,
    ASK_SERVER = 64, /* not part of the snapshot */
    ASK_LOG = ASK_FEW | ASK_NEWEST,
};

/* Rows of the log that are read to spare the server their order; with the digest in each they are some packets. */
#define FEW_ROWS "64"
enum { FEW = 64, FEW_REVISIONS = 48 };

struct state_reader {
    struct postgresql *p;
    struct arena *a;
    struct db_state *out;
    int asks[8];    /* what each statement of the message asks for; 0: nothing */
    size_t n_log;   /* rows of the log that came, of whatever stream */
    char *schema;   /* the first of the search path that exists */
    bool unlike_us; /* what is called migrate_log has other columns */
};

/* Rows come in any order: the newest stays. */
static void take_last(struct state_reader *r, const PGresult *row)
{
    int64_t id = number_of(row, PQfnumber(row, "id"), 0);
    if (r->n_log++ == 0)
        r->schema = arena_strdup(r->a, value_of(row, PQfnumber(row, "schema")));
    if (r->out->has_last && id <= r->out->last.id)
        return;
    take_entry(r->a, row, &r->out->last);
    r->out->has_last = true;
}

static void take_path(struct state_reader *r, const char *setting)
{
    struct postgresql_place *place = &r->p->place;
    if (!r->schema || !is_alone(r->schema, setting))
        return;
    place->schema = mem_strdup(r->schema);
    place->known = true;
}

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
    case ASK_FEW:
    case ASK_NEWEST:
    case ASK_LAST:
        take_last(r, row);
        break;
    case ASK_PATH:
        take_path(r, PQgetvalue(row, 0, 0));
        break;
    case ASK_SERVER:
        take_server(r->p, row);
        break;
    default:
        break;
    }
    return true;
}

/* The table in the schema asked for or found, or, before it is found, by the search path. */
static void add_table(struct buf *out, const struct postgresql *p, const char *table, bool by_path)
{
    const char *schema = by_path ? asked_schema(p) : p->place.schema;
    if (schema) {
        db_quote_name(out, schema);
        buf_addc(out, '.');
    }
    db_quote_name(out, table);
}

static void add_table_text(struct buf *out, const struct postgresql *p, const char *table)
{
    BUF_AUTO name = {0};
    add_table(&name, p, table, true);
    postgresql_literal(out, name.p);
}

static void add_place_query(struct buf *sql, const struct postgresql *p)
{
    BUF_AUTO version = {0};
    BUF_AUTO log = {0};
    BUF_AUTO schema = {0};
    BUF_AUTO schema_text = {0};
    add_table_text(&version, p, p->base.options.version_table);
    add_table_text(&log, p, "migrate_log");
    db_quote_name(&schema, asked_schema(p) ? asked_schema(p) : "pg_catalog");
    postgresql_literal(&schema_text, schema.p);
    sql_add(sql, SQL_STATE_PLACE, "version_text", version.p, "log_text", log.p, "schema_text", schema_text.p, NULL);
}

static void add_query(struct buf *sql, const struct postgresql *p, int ask, bool by_path)
{
    BUF_AUTO table = {0};
    BUF_AUTO stream = {0};
    if (ask == ASK_PLACE)
        add_place_query(sql, p);
    if (ask == ASK_ROWS) {
        add_table(&table, p, p->base.options.version_table, by_path);
        sql_add(sql, SQL_STATE_ROWS, "version", table.p, NULL);
    }
    if (ask == ASK_FEW || ask == ASK_NEWEST) {
        add_table(&table, p, "migrate_log", by_path);
        sql_add(sql, ask == ASK_FEW ? SQL_STATE_FEW : SQL_STATE_NEWEST, "log", table.p, "few", FEW_ROWS, "place",
                p->place.known ? "" : SQL_STATE_PLACE_COLUMN, NULL);
    }
    if (ask == ASK_PATH)
        buf_addz(sql, SQL_STATE_PATH);
    if (ask == ASK_LAST) {
        add_table(&table, p, "migrate_log", by_path);
        postgresql_literal(&stream, p->base.options.stream);
        sql_add(sql, SQL_STATE_LAST, "log", table.p, "stream", stream.p, NULL);
    }
}

/* Is a table missing, or something else in the log's place? That is an answer, too. */
static bool is_answer(struct state_reader *r, const struct reply *reply)
{
    const char *state = postgresql_sqlstate(reply->error);
    r->unlike_us = strcmp(state, UNDEFINED_COLUMN) == 0 && r->asks[reply->n] & ASK_LOG;
    return !reply->cut && (strcmp(state, UNDEFINED_TABLE) == 0 || strcmp(state, UNDEFINED_SCHEMA) == 0 || r->unlike_us);
}

/* One message in one snapshot. True also when a table was missing: *left holds what was not answered then. */
static bool ask_state(struct state_reader *r, int what, bool by_path, int *left, struct err *e)
{
    BUF_AUTO sql = {0};
    REPLY_AUTO reply = {.row = take_state_row, .context = r, .patience_ms = r->p->base.options.answer_ms};
    size_t n = 1;
    memset(r->asks, 0, sizeof r->asks);
    buf_addz(&sql, SQL_STATE_BEGIN);
    for (int ask = ASK_PLACE; ask <= ASK_LAST; ask <<= 1)
        if (what & ask) {
            add_query(&sql, r->p, ask, by_path);
            r->asks[n++] = ask;
        }
    buf_addz(&sql, SQL_COMMIT);
    bool asked = asks_server(r->p);
    if (asked) {
        buf_addz(&sql, SQL_STATE_SERVER);
        r->asks[n + 1] = ASK_SERVER;
    }
    *left = 0;
    bool done = postgresql_exchange(r->p, sql.p, &reply);
    /* Behind the COMMIT nothing can fail but the question which server it is, and that is allowed to. */
    done = done || (asked && reply.n == n + 1 && !reply.cut);
    if (asked && done)
        r->p->server_mute = !r->p->server;
    if (done)
        return true;
    bool answered = is_answer(r, &reply);
    for (size_t i = reply.n; answered && i < n; i++)
        *left |= r->asks[i];
    if (!answered)
        postgresql_explain(r->p, &reply, "read the version table", e);
    postgresql_rollback(r->p);
    return answered;
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

/* The long way, with the catalogs' help: no version table yet, or several schemas that could hold either. */
static bool look_closely(struct state_reader *r, struct err *e)
{
    struct postgresql_place *place = &r->p->place;
    int left;
    *r->out = (struct db_state){0};
    if (!ask_state(r, ASK_PLACE, true, &left, e) || !check_schema(r->p, e))
        return false;
    if (!place->schema || !(place->has_version || place->has_log))
        return true;
    int what = (place->has_version ? ASK_ROWS : 0) | (place->has_log ? ASK_LAST : 0);
    if (!ask_state(r, what, false, &left, e))
        return false;
    if (left & ASK_ROWS) /* dropped since */
        return look_closely(r, e);
    place->has_log = place->has_log && !(left & ASK_LAST);
    return true;
}

/* A log as long as its stream's revisions say is read as it comes; `how` says whether that was right. */
static bool read_rows(struct state_reader *r, int how, int *left, struct err *e)
{
    int path = r->p->place.known ? 0 : ASK_PATH;
    if (!ask_state(r, ASK_ROWS | how | path, true, left, e))
        return false;
    if (how != ASK_FEW || r->n_log < FEW)
        return true;
    *r->out = (struct db_state){0};
    r->n_log = 0;
    return read_rows(r, ASK_NEWEST, left, e);
}

/*
 * The short way: one message. It is the whole answer when there is a version table, the search path has one schema, and
 * the newest log row is of this stream; or when there is a version table and no log anywhere on the search path.
 */
static bool read_all(struct state_reader *r, struct err *e)
{
    struct postgresql_place *place = &r->p->place;
    size_t revisions = r->p->base.options.revisions;
    int left;
    begin_place(r->p);
    if (!read_rows(r, revisions && revisions <= FEW_REVISIONS ? ASK_FEW : ASK_NEWEST, &left, e))
        return false;
    place->has_schema = place->has_version = !(left & ASK_ROWS);
    place->has_log = !left;
    if (left && place->has_version && !r->unlike_us)
        return true;
    bool ours = r->n_log && same_text(r->out->last.stream, r->p->base.options.stream);
    return (!left && place->known && ours) || look_closely(r, e);
}

bool postgresql_read_state(struct db *db, struct arena *a, struct db_state *out, struct err *e)
{
    struct state_reader r = {.p = postgresql_of(db), .a = a, .out = out};
    if (!read_all(&r, e)) {
        postgresql_forget(r.p);
        return false;
    }
    out->has_version_table = r.p->place.has_version;
    out->has_log = r.p->place.has_log;
    out->server = arena_strdup(a, r.p->server);
    strings_sort(&out->rows);
    return true;
}

bool postgresql_learn(struct postgresql *p, struct err *e)
{
    ARENA_AUTO a = {0};
    struct db_state state = {0};
    struct state_reader r = {.p = p, .a = &a, .out = &state};
    if (p->place.known && same_text(p->place.asked_schema, asked_schema(p)))
        return true;
    if (look_closely(&r, e))
        return true;
    postgresql_forget(p);
    return false;
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
    REPLY_AUTO reply = {.row = take_log_row, .context = &reader, .patience_ms = p->base.options.answer_ms};
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
    REPLY_AUTO asked = {.row = postgresql_take_flag, .context = is_free, .patience_ms = p->base.options.answer_ms};
    REPLY_AUTO described = {.row = describe_holder, .context = holder, .patience_ms = p->base.options.answer_ms};
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
    bool (*row)(void *context, size_t index, const struct db_row *row, struct err *e);
    void *context;
    size_t first, n; /* the queries among the message's statements */
    size_t at;       /* whose columns these are; SIZE_MAX: none yet */
    struct arena arena;
    const char **names, **values;
    size_t n_columns;
};

static void take_columns(struct query *q, size_t at, const PGresult *result)
{
    arena_reset(&q->arena);
    q->at = at;
    q->n_columns = (size_t)PQnfields(result);
    q->names = ARENA_ARRAY(&q->arena, const char *, q->n_columns);
    q->values = ARENA_ARRAY(&q->arena, const char *, q->n_columns);
    for (size_t i = 0; i < q->n_columns; i++)
        q->names[i] = arena_strdup(&q->arena, PQfname(result, (int)i));
}

static bool hand_over(void *context, size_t index, const PGresult *result, struct err *e)
{
    struct query *q = context;
    if (index < q->first)
        return true;
    if (index - q->first >= q->n)
        return err_set(e, FAULT_CONFIG, "the query is more than one statement");
    if (q->at != index)
        take_columns(q, index, result);
    for (size_t i = 0; i < q->n_columns; i++)
        q->values[i] = value_of(result, (int)i);
    return q->row(q->context, index - q->first, &(struct db_row){q->n_columns, q->names, q->values}, e);
}

bool postgresql_read_many(struct db *db, const char *const *sql, size_t n,
                          bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                          struct err *e)
{
    struct postgresql *p = postgresql_of(db);
    struct query q = {.row = row, .context = to, .first = 1, .n = n, .at = SIZE_MAX};
    BUF_AUTO message = {0};
    REPLY_AUTO reply = {.row = hand_over, .context = &q, .patience_ms = p->base.options.answer_ms};
    buf_addz(&message, SQL_BEGIN_READ_ONLY);
    if (p->base.options.schema) {
        BUF_AUTO schema = {0};
        db_quote_name(&schema, p->base.options.schema);
        sql_add(&message, SQL_SET_SEARCH_PATH, "schema", schema.p, NULL);
        q.first++;
    }
    for (size_t i = 0; i < n; i++) {
        buf_addz(&message, sql[i]);
        buf_addz(&message, "\n;\n"); /* a query may end in a comment */
    }
    buf_addz(&message, SQL_COMMIT);
    bool done = postgresql_run(p, message.p, &reply, NULL, e);
    arena_free(&q.arena);
    return done;
}

struct single {
    bool (*row)(void *context, const struct db_row *row, struct err *e);
    void *context;
};

static bool hand_on(void *context, size_t index, const struct db_row *row, struct err *e)
{
    const struct single *one = context;
    (void)index;
    return one->row(one->context, row, e);
}

bool postgresql_query(struct db *db, const char *sql,
                      bool (*row)(void *context, const struct db_row *row, struct err *e), void *context, struct err *e)
{
    return postgresql_read_many(db, &sql, 1, hand_on, &(struct single){row, context}, e);
}
