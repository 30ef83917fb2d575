/*
 * A section in a place, as the runtime would run it: in one transaction, or statement by statement, or again and again
 * until nothing is left to do. Each statement is a message of its own, so that the one that fails is known.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gen/parse_postgresql.h"
#include "gen/verify/postgresql.h"
#include "gen/verify/trace.h"

/* A batch that is not through by then never will be. */
#define MOST_BATCHES 10000

static const char UNDEFINED_OBJECT[] = "42704"; /* a role, among others */
static const char BAD_VALUE[] = "22023";        /* SET ROLE to one that is not there */

struct run {
    struct place_postgresql *place;
    struct server *session;
    struct arena *arena;
    const struct source_revision *revision;
    const struct revision_section *section;
    struct statement_locks *locks; /* NULL: nobody asks */
    struct trace *trace;
    uint32_t *failed;
    int64_t touched; /* rows, by the statements of the last transaction */
};

/* ------------------------------------------------------------------------------------------------------------- places */

static struct str text_of(const struct run *r, uint32_t statement)
{
    const struct revision_statement *s = &r->section->statements[statement];
    return str_slice(r->revision->file.bytes, s->offset, s->offset + s->length);
}

static void point_at(const struct run *r, size_t offset, struct err *e)
{
    const struct text_file *f = &r->revision->file;
    struct position at = text_position(f, offset);
    err_at(e, f->shown, (int)at.line, (int)at.column, text_line(f, at.line));
}

/* What went wrong with a statement, and where: the server counts characters of what it was sent. */
static bool fail_at(const struct run *r, uint32_t statement, const struct outcome *o, struct err *e)
{
    const char *position = outcome_field(o, PG_DIAG_STATEMENT_POSITION);
    size_t in_text = position ? load_byte_of(text_of(r, statement), strtoul(position, NULL, 10)) : 0;
    outcome_explain(r->session, o, e);
    if (r->section->statements[statement].length == in_text && in_text)
        in_text--; /* "at end of input" */
    point_at(r, r->section->statements[statement].offset + in_text, e);
    *r->failed = statement;
    return false;
}

/* Deferred constraints speak up only now: which statement is to blame, nobody knows. */
static bool fail_at_commit(const struct run *r, const struct outcome *o, struct err *e)
{
    const struct text_file *f = &r->revision->file;
    outcome_explain(r->session, o, e);
    err_context(e, "at the commit");
    err_at(e, f->shown, (int)r->section->line, 0, text_line(f, r->section->line));
    *r->failed = r->section->n_statements;
    return false;
}

/* ------------------------------------------------------------------------------------------------------------- roles */

enum role_statement { NO_ROLE, MAKES_ROLE, DROPS_ROLE };

/* What CREATE ROLE would make is in *made. */
static enum role_statement role_statement(const struct run *r, uint32_t statement, const char **made)
{
    static const char *const kinds[] = {"CREATE ROLE", "CREATE USER", "CREATE GROUP",
                                        "DROP ROLE",   "DROP USER",   "DROP GROUP"};
    const char *kind = r->section->statements[statement].kind;
    bool about_roles = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        about_roles = about_roles || strcmp(kind, kinds[i]) == 0;
    if (!about_roles)
        return NO_ROLE;
    json_t *tree = parse_tree(text_of(r, statement));
    const char *name = json_string_value(json_object_get(json_object_get(tree, "CreateRoleStmt"), "role"));
    *made = arena_strdup(r->arena, name);
    enum role_statement is = name ? MAKES_ROLE : json_object_get(tree, "DropRoleStmt") ? DROPS_ROLE : NO_ROLE;
    json_decref(tree);
    return is;
}

/*
 * Roles are the server's: what one place makes the next finds there, and none can drop what others use. So each is made
 * once, dropped by no revision, and gone with the ground.
 */
static bool is_done(const struct run *r, enum role_statement is, const char *made)
{
    return is == DROPS_ROLE || (is == MAKES_ROLE && ground_postgresql_has_role(r->place->ground, made));
}

/* Production has the roles that its revisions name; a scratch server need not. True: one was made. */
static bool add_roles(const struct run *r, uint32_t statement, struct err *e)
{
    AUTO_ERR no_role = {0};
    bool made = false, by_name = e->message && strncmp(e->message, "role \"", 6) == 0;
    if (strcmp(e->sqlstate, UNDEFINED_OBJECT) != 0 && !(strcmp(e->sqlstate, BAD_VALUE) == 0 && by_name))
        return false;
    if (!ground_postgresql_add_roles(r->place->ground, text_of(r, statement), e->message, &made, &no_role))
        err_move(e, &no_role);
    return made;
}

/* ---------------------------------------------------------------------------------------------------------- settings */

static void add_setting(struct buf *sql, const char *set, const char *name, const char *value)
{
    buf_addf(sql, "%s %s = ", set, name);
    db_quote_text(sql, DIALECT_POSTGRESQL, value);
    buf_addz(sql, ";\n");
}

/* As the runtime has them; what waits for a lock here waits for nobody who would let go. */
static void add_settings(const struct run *r, const char *set, struct buf *sql)
{
    const struct ground_options *o = &r->place->ground->options;
    int64_t timeout = r->section->statement_timeout_ms;
    buf_addf(sql, "%s standard_conforming_strings = on;\n", set);
    buf_addf(sql, "%s statement_timeout = %" PRId64 ";\n", set, timeout == TIMEOUT_UNSET ? 0 : timeout);
    buf_addf(sql, "%s lock_timeout = 0;\n", set);
    buf_addf(sql, "%s TimeZone = '" TRACE_ZONE "';\n", set);
    buf_addf(sql, "%s client_min_messages = warning;\n", set);
    if (r->session->superuser)
        buf_addf(sql, "%s session_replication_role = origin;\n", set);
    buf_addf(sql, "%s search_path = ", set);
    db_quote_name(sql, ground_postgresql_schema(r->place->ground));
    buf_addz(sql, ";\n");
    add_setting(sql, set, "migrate.stream", o->stream->name);
    add_setting(sql, set, "migrate.revision", r->revision->revision.id);
    if (o->tenant)
        add_setting(sql, set, "migrate.tenant_id", o->tenant);
}

/* ---------------------------------------------------------------------------------------------------- in transactions */

static bool begin(struct run *r, struct err *e)
{
    BUF_AUTO sql = {0};
    buf_addz(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\n");
    add_settings(r, "SET LOCAL", &sql);
    r->touched = 0;
    return session_do(r->session, sql.p, "begin a transaction", e) && (!r->trace || trace_transaction(r->trace, e));
}

/* Whatever came of it, what it set for its session is over. */
static void settle(struct run *r)
{
    OUTCOME_AUTO o = {0};
    if (PQtransactionStatus(r->session->conn) != PQTRANS_IDLE)
        session_run(r->session, "ROLLBACK", &o);
    session_run(r->session, "RESET ROLE; RESET ALL", &o);
    arena_reset(&r->session->arena);
}

/* Which transaction it is, for a body that nobody parsed: it might end ours, and begin another. */
static bool which(struct run *r, char out[32], struct err *e)
{
    OUTCOME_AUTO o = {0};
    if (!session_run(r->session, "SELECT pg_catalog.txid_current()", &o))
        return outcome_explain(r->session, &o, e);
    snprintf(out, 32, "%s", PQgetvalue(o.result, 0, 0));
    return true;
}

static bool is_same(struct run *r, uint32_t statement, const char *before, struct err *e)
{
    char now[32];
    if (!which(r, now, e) || strcmp(now, before) == 0)
        return !e->message;
    err_set(e, FAULT_POLICY, "the body ended the transaction that it ran in");
    err_hint(e, "a revision that has to commit by itself says transaction:false");
    point_at(r, r->section->statements[statement].offset, e);
    *r->failed = statement;
    return false;
}

static bool run_one(struct run *r, uint32_t statement, struct err *e)
{
    const struct revision_statement *s = &r->section->statements[statement];
    const char *text = arena_str(r->arena, text_of(r, statement)), *made = NULL;
    bool is_opaque = r->section->flags & SECTION_OPAQUE;
    enum role_statement is = role_statement(r, statement, &made);
    char transaction[32];
    OUTCOME_AUTO o = {0};
    *r->failed = statement;
    if (is_done(r, is, made)) {
        if (r->locks)
            r->locks[statement] = (struct statement_locks){.relations = ""};
        return true;
    }
    if ((is_opaque && !which(r, transaction, e)) ||
        (r->trace && !trace_before(r->trace, s->kind, (struct str){text, s->length}, e)))
        return false;
    if (!session_run(r->session, text, &o))
        return fail_at(r, statement, &o, e);
    r->touched += strtoll(PQcmdTuples(o.result), NULL, 10);
    if (is == MAKES_ROLE)
        ground_postgresql_keep_role(r->place->ground, made);
    return (!is_opaque || is_same(r, statement, transaction, e)) &&
           (!r->trace || trace_after(r->trace, r->arena, &r->locks[statement], e));
}

static bool commit(struct run *r, struct err *e)
{
    OUTCOME_AUTO o = {0};
    session_run(r->session, "COMMIT", &o);
    return !o.error || fail_at_commit(r, &o, e);
}

static bool attempt(struct run *r, uint32_t from, uint32_t to, struct err *e)
{
    bool ok = begin(r, e);
    for (uint32_t i = from; ok && i < to; i++)
        ok = run_one(r, i, e);
    ok = ok && commit(r, e);
    settle(r);
    return ok;
}

/* Statements in one transaction; once more for each role that is missing. */
static bool run_together(struct run *r, uint32_t from, uint32_t to, struct err *e)
{
    while (!attempt(r, from, to, e)) {
        if (*r->failed >= to || !add_roles(r, *r->failed, e))
            return false;
        err_free(e);
    }
    return true;
}

static bool run_batches(struct run *r, struct err *e)
{
    for (int i = 0; i < MOST_BATCHES; i++) {
        if (!run_together(r, 0, r->section->n_statements, e))
            return false;
        if (!r->touched)
            return true;
        trace_close(r->trace); /* every run is like the first */
        r->trace = NULL;
    }
    err_set(e, FAULT_FAILED, "the batch still touches rows when it has run %d times", MOST_BATCHES);
    err_hint(e, "its WHERE must leave out the rows that it has changed already");
    point_at(r, r->section->statements[0].offset, e);
    *r->failed = 0;
    return false;
}

/* ------------------------------------------------------------------------------------------------ outside of any */

static bool run_alone(struct run *r, uint32_t statement, struct err *e)
{
    const char *text = arena_str(r->arena, text_of(r, statement));
    OUTCOME_AUTO o = {0};
    BUF_AUTO sql = {0};
    add_settings(r, "SET", &sql);
    *r->failed = statement;
    session_run(r->session, sql.p, &o);
    bool ok = !o.error || outcome_explain(r->session, &o, e);
    ok = ok && (!r->trace || trace_by_kind(r->trace, r->arena, text_of(r, statement), &r->locks[statement], e));
    if (ok) {
        session_run(r->session, text, &o);
        ok = !o.error || fail_at(r, statement, &o, e);
    }
    settle(r);
    return ok;
}

static bool run_singly(struct run *r, struct err *e)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < r->section->n_statements; i++)
        ok = r->section->statements[i].flags & STATEMENT_NO_BLOCK ? run_alone(r, i, e) : run_together(r, i, i + 1, e);
    return ok;
}

/* --------------------------------------------------------------------------------------------------------- the place */

static bool run_section(struct run *r, struct err *e)
{
    if (r->section->flags & SECTION_BATCH)
        return run_batches(r, e);
    if (r->section->flags & SECTION_NO_TRANSACTION)
        return run_singly(r, e);
    return run_together(r, 0, r->section->n_statements, e);
}

bool place_postgresql_run(struct place_postgresql *p, struct arena *a, const struct source_revision *revision,
                          const struct revision_section *section, struct statement_locks *locks, uint32_t *failed,
                          struct err *e)
{
    struct run r = {.place = p,
                    .session = &p->session,
                    .arena = a,
                    .revision = revision,
                    .section = section,
                    .locks = locks,
                    .failed = failed};
    const struct ground_postgresql *g = p->ground;
    *failed = 0;
    bool ok = place_postgresql_connect(p, e) &&
              (!locks ||
               trace_open(&r.trace, r.session, ground_postgresql_schema(g), ground_postgresql_version_table(g), e)) &&
              run_section(&r, e);
    trace_close(r.trace);
    return ok;
}

/* A seed is no revision: what it needs to know of one, it says itself. */
bool place_postgresql_seed(struct place_postgresql *p, struct str sql, struct err *e)
{
    ARENA_AUTO a = {0};
    struct source_revision nothing = {.revision = {.id = ""}};
    const struct revision_section section = {.statement_timeout_ms = TIMEOUT_UNSET};
    uint32_t failed = 0;
    struct run r = {
        .place = p, .session = &p->session, .arena = &a, .revision = &nothing, .section = &section, .failed = &failed};
    OUTCOME_AUTO o = {0};
    if (!place_postgresql_connect(p, e) || !begin(&r, e))
        return false;
    bool ok = session_run(r.session, arena_str(&a, sql), &o) || outcome_explain(r.session, &o, e);
    ok = ok && (session_run(r.session, "COMMIT", &o) || !o.error || outcome_explain(r.session, &o, e));
    settle(&r);
    return ok;
}

int64_t place_postgresql_count(struct place_postgresql *p, const char *table)
{
    AUTO_ERR ignored = {0};
    OUTCOME_AUTO o = {0};
    BUF_AUTO sql = {0};
    if (!place_postgresql_connect(p, &ignored))
        return -1;
    buf_addf(&sql, "SELECT count(*) FROM ONLY %s", table);
    session_run(&p->session, sql.p, &o);
    return o.error || !PQntuples(o.result) ? -1 : strtoll(PQgetvalue(o.result, 0, 0), NULL, 10);
}
