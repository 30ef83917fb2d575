/*
 * One revision as one message: BEGIN, settings, guards, body, version rows, log rows, COMMIT. The message is a list of
 * pieces, so that the number of statements that completed, or the position that the server names, says which piece
 * failed, and what that means: a guard that raised is no fault of anybody's, a body that failed has a place in its file.
 *
 * Usually all of it is sent at once, in message_commit(). What was collected is sent earlier where it has to be: before
 * the text is read differently (standard_conforming_strings), every megabyte of a long body, around an opaque body.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgresql.h"

#define LONG_MESSAGE ((size_t)1024 * 1024)
#define LOG_ROWS_AT_ONCE 500
#define CAST_FAILED "22P02" /* how a guard raises */

void message_free(struct message *m)
{
    buf_free(&m->text);
    arena_free(&m->arena);
}

bool message_too_long(const struct message *m)
{
    return m->text.n > LONG_MESSAGE;
}

/* ---- collecting ---- */

static struct piece *begin_piece(struct message *m, enum part part, const struct db_step *step, size_t statements)
{
    vec_push(&m->arena, &m->pieces,
             (struct piece){.part = part, .first = m->statements, .at = m->text.n, .step = step});
    m->statements += statements;
    m->last = step ? step : m->last;
    return &m->pieces.v[m->pieces.n - 1];
}

/* A piece of one statement: a text of postgresql_sql.c with words and values as for sql_add(). */
#define ADD(m, part, step, ...)                                                                                        \
    do {                                                                                                               \
        begin_piece((m), (part), (step), 1);                                                                           \
        sql_add(&(m)->text, __VA_ARGS__, NULL);                                                                        \
    } while (0)

/* Names come from people, and the comment must stay one. */
static void add_comment_word(struct buf *out, const char *word)
{
    for (; *word; word++)
        buf_addc(out, *word == '*' || *word == '/' || (unsigned char)*word < ' ' ? '_' : *word);
}

static void add_comment(struct message *m, const struct db_step *step)
{
    const struct revision *revision = step && step->step ? step->step->revision : NULL;
    buf_addz(&m->text, "/* profile-migrate ");
    add_comment_word(&m->text, m->p->base.options.stream);
    buf_addc(&m->text, ' ');
    add_comment_word(&m->text, m->in_run ? "all" : revision ? revision->id : "rows");
    buf_addz(&m->text, " */ ");
}

bool message_begin(struct message *m, const struct db_step *step, struct err *e)
{
    const char *strings = PQparameterStatus(m->p->conn, "standard_conforming_strings");
    add_comment(m, step);
    ADD(m, PART_BEGIN, NULL, SQL_BEGIN);
    if (!strings || strcmp(strings, "on") == 0)
        return true;
    ADD(m, PART_SETTING, NULL, SQL_SET_STRINGS);
    return message_send(m, e);
}

static void add_timeouts(struct message *m, const struct db_step *step)
{
    char statement[32], lock[32];
    snprintf(statement, sizeof statement, "%" PRId64, step ? step->statement_timeout_ms : 0);
    snprintf(lock, sizeof lock, "%" PRId64, step ? step->lock_timeout_ms : 0);
    ADD(m, PART_SETTING, step, SQL_SET_STATEMENT_TIMEOUT, "ms", statement);
    ADD(m, PART_SETTING, step, SQL_SET_LOCK_TIMEOUT, "ms", lock);
}

/* What a role or a database may have set otherwise, and what a server of this version knows. */
static void add_session(struct message *m, const struct db_step *step)
{
    int version = PQserverVersion(m->p->conn);
    const char *superuser = PQparameterStatus(m->p->conn, "is_superuser");
    if (version >= 170000)
        ADD(m, PART_SETTING, step, SQL_SET_TRANSACTION_TIMEOUT);
    if (version >= 140000 && !m->p->no_connection_check)
        ADD(m, PART_CONNECTION_CHECK, step, SQL_SET_CONNECTION_CHECK);
    if (superuser && strcmp(superuser, "on") == 0)
        ADD(m, PART_SETTING, step, SQL_SET_TRIGGERS_ON);
}

static void add_setting(struct message *m, const struct db_step *step, const char *text, const char *value)
{
    BUF_AUTO literal = {0};
    postgresql_literal(&literal, value);
    ADD(m, PART_SETTING, step, text, "value", literal.p);
}

/* What a body may ask for. */
static void add_body_settings(struct message *m, const struct db_step *step)
{
    const struct db_options *o = &m->p->base.options;
    if (o->schema) {
        BUF_AUTO schema = {0};
        db_quote_name(&schema, o->schema);
        ADD(m, PART_SETTING, step, SQL_SET_SEARCH_PATH, "schema", schema.p);
    }
    add_setting(m, step, SQL_SET_STREAM, o->stream);
    if (step->step && step->step->revision)
        add_setting(m, step, SQL_SET_REVISION, step->step->revision->id);
    if (o->tenant)
        add_setting(m, step, SQL_SET_TENANT, o->tenant);
}

void message_settings(struct message *m, const struct db_step *step)
{
    add_timeouts(m, step);
    add_session(m, step);
    if (m->in_run)
        ADD(m, PART_SETTING, step, SQL_SET_STARTED);
    if (step && step->section)
        add_body_settings(m, step);
}

/* A statement of its own, before any snapshot that a guard looks through. */
void message_lock(struct message *m)
{
    BUF_AUTO key = {0};
    postgresql_lock_key(&key, m->p);
    ADD(m, PART_GUARD_LOCK, NULL, SQL_GUARD_LOCK, "key", key.p);
}

void message_create(struct message *m)
{
    const struct postgresql_place *place = &m->p->place;
    BUF_AUTO schema = {0};
    BUF_AUTO version = {0};
    BUF_AUTO log = {0};
    BUF_AUTO key_name = {0};
    BUF_AUTO key = {0};
    if (place->has_schema && place->has_version && place->has_log)
        return;
    db_quote_name(&schema, place->schema);
    postgresql_version_table(&version, m->p);
    postgresql_log_table(&log, m->p);
    buf_addf(&key_name, "%s_pkc", m->p->base.options.version_table);
    db_quote_name(&key, key_name.p);
    ADD(m, PART_SETTING, NULL, SQL_QUIET);
    if (!place->has_schema)
        ADD(m, PART_CREATE, NULL, SQL_CREATE_SCHEMA, "schema", schema.p);
    if (!place->has_version)
        ADD(m, PART_CREATE, NULL, SQL_CREATE_VERSION, "version", version.p, "key", key.p);
    if (!place->has_log)
        ADD(m, PART_CREATE, NULL, SQL_CREATE_LOG, "log", log.p);
    ADD(m, PART_SETTING, NULL, SQL_NOT_QUIET);
}

void message_rows_unchanged(struct message *m, const struct db_step *step)
{
    BUF_AUTO version = {0};
    BUF_AUTO rows = {0};
    if (!step->step)
        return;
    postgresql_version_table(&version, m->p);
    for (size_t i = 0; i < step->step->before.n; i++) {
        buf_addz(&rows, i ? ", " : "");
        postgresql_literal(&rows, step->step->before.v[i]);
    }
    ADD(m, PART_LOCK_VERSION, step, SQL_LOCK_VERSION, "version", version.p);
    ADD(m, PART_GUARD_ROWS, step, SQL_GUARD_ROWS, "version", version.p, "rows", rows.p ? rows.p : "");
}

/* ---- the body ---- */

/* The file's bytes [offset, offset + length), which hold `count` statements from number `first` on. */
static void add_body(struct message *m, const struct db_step *step, uint32_t offset, uint32_t length, size_t first,
                     size_t count)
{
    struct piece *piece = begin_piece(m, PART_BODY, step, count);
    piece->statement = first;
    piece->offset = offset;
    buf_add(&m->text, step->step->revision->text + offset, length);
    buf_addz(&m->text, "\n;\n"); /* on a line of its own: the body may end in a comment */
}

/* Cuts between statements, so that no message is much longer than a megabyte or one statement. */
static bool add_long_body(struct message *m, const struct db_step *step, struct err *e)
{
    const struct revision_section *section = step->section;
    uint32_t from = section->offset;
    size_t first = 0;
    for (size_t i = 0; i <= section->n_statements; i++) {
        bool last = i == section->n_statements;
        uint32_t to = last ? section->offset + section->length : section->statements[i].offset;
        bool fits = !last && section->statements[i].offset + section->statements[i].length - from <= LONG_MESSAGE;
        if (fits || i == first)
            continue;
        add_body(m, step, from, to - from, first, i - first);
        if (!message_send(m, e))
            return false;
        from = to;
        first = i;
    }
    return true;
}

/* Nobody parsed it, so nobody knows how many statements it is, nor whether it ends our transaction. */
static bool add_opaque_body(struct message *m, const struct db_step *step, struct err *e)
{
    const struct revision_section *section = step->section;
    ADD(m, PART_TRANSACTION_ID, step, SQL_TRANSACTION_ID);
    if (!message_send(m, e))
        return false;
    add_body(m, step, section->offset, section->length, 0, 1);
    if (!message_send(m, e))
        return false;
    ADD(m, PART_GUARD_TRANSACTION, step, SQL_GUARD_TRANSACTION, "transaction", m->transaction);
    return true;
}

/* What a body changed for its session is not what the next one starts from. */
static void add_resets(struct message *m, const struct db_step *step)
{
    ADD(m, PART_RESET, step, SQL_RESET_ROLE);
    ADD(m, PART_RESET, step, SQL_RESET_SEARCH_PATH);
}

bool message_body(struct message *m, const struct db_step *step, struct err *e)
{
    const struct revision_section *section = step->section;
    if (section->flags & SECTION_OPAQUE) {
        if (!add_opaque_body(m, step, e))
            return false;
    } else if (section->length > LONG_MESSAGE) {
        if (!add_long_body(m, step, e))
            return false;
    } else {
        add_body(m, step, section->offset, section->length, 0, section->n_statements);
    }
    add_resets(m, step);
    return true;
}

void message_lone_statement(struct message *m, const struct db_step *step, size_t statement)
{
    const struct revision_statement *s = &step->section->statements[statement];
    add_body(m, step, s->offset, s->length, statement, 1);
}

void message_statement(struct message *m, const struct db_step *step, size_t statement)
{
    message_lone_statement(m, step, statement);
    add_resets(m, step);
}

/* ---- what is written down ---- */

void message_changes(struct message *m, const struct db_step *step)
{
    static const char *const texts[] = {
        [ROW_INSERT] = SQL_ROW_INSERT, [ROW_UPDATE] = SQL_ROW_UPDATE, [ROW_DELETE] = SQL_ROW_DELETE};
    BUF_AUTO version = {0};
    postgresql_version_table(&version, m->p);
    for (size_t i = 0; step->step && i < step->step->n_changes; i++) {
        const struct row_change *change = &step->step->changes[i];
        BUF_AUTO from = {0};
        BUF_AUTO to = {0};
        postgresql_literal(&from, change->from);
        postgresql_literal(&to, change->to);
        begin_piece(m, PART_CHANGE, step, 1)->change = change;
        sql_add(&m->text, texts[change->kind], "version", version.p, "from", from.p, "to", to.p, NULL);
    }
}

void message_log(struct message *m, const struct db_step *step, const struct log_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i += LOG_ROWS_AT_ONCE) {
        begin_piece(m, PART_LOG, step, 1);
        postgresql_add_log(&m->text, m->p, entries + i, n - i < LOG_ROWS_AT_ONCE ? n - i : LOG_ROWS_AT_ONCE, m->in_run);
    }
}

void message_progress(struct message *m, const struct db_step *step, const struct log_entry *progress)
{
    begin_piece(m, PART_LOG, step, 1);
    postgresql_add_progress(&m->text, m->p, progress);
}

bool message_commit(struct message *m, struct err *e)
{
    ADD(m, PART_COMMIT, m->in_run ? NULL : m->last, SQL_COMMIT);
    return message_send(m, e);
}

/* ---- which piece failed ---- */

/* The server counts characters from 1, in its own encoding; SQL_ASCII has bytes for characters. */
static size_t byte_of_position(const struct postgresql *p, struct str text, size_t position)
{
    const char *encoding = PQparameterStatus(p->conn, "server_encoding");
    if (encoding && strcmp(encoding, "SQL_ASCII") == 0)
        return position - 1 < text.n ? position - 1 : text.n;
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] & 0xC0) != 0x80 && --position == 0)
            return i;
    return text.n;
}

static size_t count_characters(const char *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)p[i] & 0xC0) != 0x80;
    return count;
}

struct failure {
    const struct piece *piece; /* NULL: not known */
    size_t byte;               /* SIZE_MAX: the server named no position */
};

/* By the position where there is one: a syntax error anywhere means that nothing completed. */
static struct failure find_failure(const struct message *m, const struct reply *reply)
{
    const char *position = reply->error ? PQresultErrorField(reply->error, PG_DIAG_STATEMENT_POSITION) : NULL;
    size_t nth = position ? strtoul(position, NULL, 10) : 0;
    struct failure f = {NULL, nth ? byte_of_position(m->p, buf_str(&m->text), nth) : SIZE_MAX};
    for (size_t i = 0; i < m->pieces.n; i++) {
        const struct piece *piece = &m->pieces.v[i];
        if (nth ? piece->at <= f.byte : piece->first <= reply->n)
            f.piece = piece;
    }
    return f;
}

/* Statement and character of a failure inside a body, for the file's line and column. */
static void point_into_body(const struct failure *f, const struct message *m, const struct reply *reply, struct err *e)
{
    const struct piece *piece = f->piece;
    const struct db_step *step = piece->step;
    size_t statement = piece->statement + (reply->n > piece->first ? reply->n - piece->first : 0);
    size_t characters = 0;
    if (f->byte != SIZE_MAX) {
        uint32_t before = piece->offset - step->section->offset;
        characters = count_characters((const char *)step->step->revision->text + step->section->offset, before) +
                     count_characters(m->text.p + piece->at, f->byte - piece->at) + 1;
    }
    db_error_at(e, step->step->revision, step->section, statement, characters);
}

static void explain_change(const struct message *m, const struct piece *piece, struct err *e)
{
    const struct row_change *change = piece->change;
    err_set(e, FAULT_FAILED, "the version row \"%s\" of \"%s\" is not there exactly once any more", change->from,
            m->p->base.options.version_table);
    err_hint(e, "a revision's body must leave the version table alone");
}

static bool is_state(const struct err *e, const char *sqlstate)
{
    return strcmp(e->sqlstate, sqlstate) == 0;
}

static void explain_create(const struct postgresql *p, struct err *e)
{
    if (is_state(e, "42P07") || is_state(e, "23505") || is_state(e, "42710"))
        e->fault = FAULT_LOCK; /* another process creates the same at this moment */
    else if (is_state(e, "42501"))
        err_hint(e, "GRANT CREATE ON SCHEMA \"%s\", or create the tables as their owner with ensure-version",
                 p->place.schema);
}

static void explain_body(const struct failure *f, const struct message *m, const struct reply *reply, struct err *e)
{
    const struct db_step *step = f->piece->step;
    if (is_state(e, "57014") && step->statement_timeout_ms > 0) {
        char span[32];
        duration_format(span, step->statement_timeout_ms);
        err_hint(e, "statement_timeout is %s here; the section's line can say another", span);
    }
    if (is_state(e, "55P03") && !e->hint) {
        char span[32];
        duration_format(span, step->lock_timeout_ms);
        err_hint(e, "another session holds a lock; lock_timeout is %s here", span);
    }
    /* An opaque body: of our own transaction an error would have left the ruins. */
    if (m->transaction[0] && PQtransactionStatus(m->p->conn) == PQTRANS_IDLE)
        err_hint(e, "the body had ended the transaction that it ran in: what it committed stays, its version row was "
                    "not written; a revision that has to commit by itself says transaction:false");
    point_into_body(f, m, reply, e);
}

/* A deferred constraint says so only now; whose revision it was is all that is known. */
static void explain_commit(const struct piece *piece, struct err *e)
{
    err_context(e, "at the commit");
    if (piece->step && piece->step->section)
        db_error_at(e, piece->step->step->revision, piece->step->section, SIZE_MAX, 0);
}

static const char *attempt(enum part part)
{
    switch (part) {
    case PART_BEGIN:
        return "begin a transaction";
    case PART_SETTING:
    case PART_CONNECTION_CHECK:
        return "set up the transaction";
    case PART_GUARD_LOCK:
        return "take the migration lock";
    case PART_CREATE:
        return "create the version table and the log";
    case PART_LOCK_VERSION:
        return "lock the version table";
    case PART_GUARD_ROWS:
        return "read the version table";
    case PART_CHANGE:
        return "write the version table";
    case PART_LOG:
        return "write the log";
    case PART_TRANSACTION_ID:
    case PART_GUARD_TRANSACTION:
    case PART_RESET:
        return "go on after the revision's body";
    case PART_BODY:
    case PART_COMMIT:
        break;
    }
    return NULL;
}

static void explain_own(const struct message *m, const struct piece *piece, struct err *e)
{
    const struct db_options *o = &m->p->base.options;
    bool raised = is_state(e, CAST_FAILED);
    if (raised && piece->part == PART_GUARD_LOCK)
        err_set(e, FAULT_BUSY, "another process migrates this database");
    else if (raised && piece->part == PART_GUARD_ROWS)
        err_set(e, FAULT_CHANGED, "the version rows of \"%s\" have changed since they were read", o->version_table);
    else if (raised && piece->part == PART_CHANGE)
        explain_change(m, piece, e);
    else if (raised && piece->part == PART_GUARD_TRANSACTION) {
        err_set(e, FAULT_POLICY, "the body ended the transaction that it ran in");
        err_detail(e, "what it committed stays; its version row was not written");
        err_hint(e, "a revision that has to commit by itself says transaction:false");
        db_error_at(e, piece->step->step->revision, piece->step->section, SIZE_MAX, 0);
    } else if (piece->part == PART_LOCK_VERSION && is_state(e, "42P01"))
        err_set(e, FAULT_CHANGED, "the version table \"%s\" is gone since it was read", o->version_table);
    else if (piece->part == PART_CREATE)
        explain_create(m->p, e);
    else if (is_state(e, "25006") || (piece->part == PART_BEGIN && is_state(e, "0A000"))) {
        e->fault = FAULT_UNREACHABLE;
        err_hint(e, "the server is a standby; target_session_attrs=read-write in the address finds the primary");
    }
}

static bool explain(struct message *m, const struct reply *reply, struct err *e)
{
    struct failure f = find_failure(m, reply);
    if (reply->cut || !f.piece)
        return postgresql_explain(m->p, reply, NULL, e);
    postgresql_explain(m->p, reply, attempt(f.piece->part), e);
    switch (f.piece->part) {
    case PART_BODY:
        explain_body(&f, m, reply, e);
        break;
    case PART_COMMIT:
        explain_commit(f.piece, e);
        break;
    case PART_CONNECTION_CHECK:
        m->p->no_connection_check = true; /* the next attempt does without */
        break;
    case PART_BEGIN:
    case PART_SETTING:
    case PART_GUARD_LOCK:
    case PART_CREATE:
    case PART_LOCK_VERSION:
    case PART_GUARD_ROWS:
    case PART_TRANSACTION_ID:
    case PART_GUARD_TRANSACTION:
    case PART_RESET:
    case PART_CHANGE:
    case PART_LOG:
        explain_own(m, f.piece, e);
        break;
    }
    return false;
}

/* ---- sending ---- */

static const struct piece *piece_at(const struct message *m, size_t index)
{
    const struct piece *found = NULL;
    for (size_t i = 0; i < m->pieces.n && m->pieces.v[i].first <= index; i++)
        found = &m->pieces.v[i];
    return found;
}

static bool keep_transaction_id(void *context, size_t index, const PGresult *row, struct err *e)
{
    struct message *m = context;
    const struct piece *piece = piece_at(m, index);
    (void)e;
    if (piece && piece->part == PART_TRANSACTION_ID)
        snprintf(m->transaction, sizeof m->transaction, "%s", PQgetvalue(row, 0, 0));
    return true;
}

static void count_touched(void *context, size_t index, PGresult *result)
{
    struct message *m = context;
    const struct piece *piece = piece_at(m, index);
    if (piece && piece->part == PART_BODY)
        m->touched += strtoll(PQcmdTuples(result), NULL, 10);
}

bool message_send(struct message *m, struct err *e)
{
    REPLY_AUTO reply = {.row = keep_transaction_id, .completed = count_touched, .context = m};
    bool sent = postgresql_exchange(m->p, m->text.p, &reply);
    if (!sent) {
        explain(m, &reply, e);
        postgresql_rollback(m->p);
    }
    buf_reset(&m->text);
    arena_reset(&m->arena);
    m->pieces.v = NULL;
    m->pieces.n = m->pieces.cap = 0;
    m->statements = 0;
    return sent;
}
