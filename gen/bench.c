/* The bench for both dialects: PostgreSQL's is a thin coat over server.h, SQLite's is in bench_sqlite.c. */
#include "gen/bench.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gen/bench_sqlite.h"
#include "gen/server.h"
#include "gen/statements.h"

struct bench {
    struct bench_options options;
    struct server *server;       /* PostgreSQL */
    struct bench_sqlite *sqlite; /* SQLite */
};

static const char MARK_EMPTY[] = "bench_empty";
static const char NO_SUCH_OBJECT[] = "42704"; /* a role, among others */

/* ---- opening ---- */

static bool open_server(struct bench *b, struct err *e)
{
    const struct bench_options *o = &b->options;
    return server_open(&b->server, o->scratch, o->major, e) && server_begin(b->server, o->role, o->schema, e) &&
           server_mark(b->server, MARK_EMPTY, e);
}

bool bench_open(struct bench **out, const struct bench_options *options, struct err *e)
{
    struct bench *b = mem_alloc(sizeof *b);
    b->options = *options;
    bool ok = options->dialect == DIALECT_SQLITE ? bench_sqlite_open(&b->sqlite, options, e) : open_server(b, e);
    if (!ok) {
        bench_close(b);
        return false;
    }
    *out = b;
    return true;
}

void bench_close(struct bench *b)
{
    if (!b)
        return;
    bench_sqlite_close(b->sqlite);
    server_close(b->server);
    free(b);
}

/* ---- building ---- */

static bool set_tenant(struct bench *b, struct err *e)
{
    BUF_AUTO sql = {0};
    if (!b->options.tenant)
        return true;
    buf_addz(&sql, "SELECT set_config('migrate.tenant_id', ");
    db_quote_text(&sql, DIALECT_POSTGRESQL, b->options.tenant);
    buf_addz(&sql, ", true)");
    return server_run(b->server, buf_str(&sql), e);
}

bool bench_clear(struct bench *b, struct err *e)
{
    return b->sqlite ? bench_sqlite_clear(b->sqlite, e) : server_back(b->server, MARK_EMPTY, e) && set_tenant(b, e);
}

bool bench_load(struct bench *b, struct findings *out, const struct text_file *file)
{
    return b->sqlite ? bench_sqlite_load(b->sqlite, out, file) : server_load(b->server, out, file);
}

bool bench_add_extension(struct bench *b, const char *name, const char *schema, const char *version, struct err *e)
{
    return b->sqlite || server_add_extension(b->server, name, schema, version, e);
}

static bool run_all(struct bench *b, const char *head, const struct strings *sql, struct err *e)
{
    ARENA_AUTO arena = {0};
    BUF_AUTO all = {0};
    if (b->sqlite)
        return bench_sqlite_run(b->sqlite, sql, e);
    buf_addz(&all, head);
    for (size_t i = 0; i < sql->n; i++)
        buf_addf(&all, "%s;\n", without_concurrently(&arena, str_from(sql->v[i])));
    return server_run(b->server, buf_str(&all), e);
}

/* Bodies may name what comes later: nobody looks at them now. */
bool bench_run(struct bench *b, const struct strings *sql, struct err *e)
{
    return run_all(b, "SET LOCAL check_function_bodies = off;\n", sql, e);
}

/* ---- roles ---- */

/* A name that SQL would take, as it is without its quotes; NULL: it is no role. */
static const char *bare_role(struct arena *a, struct str name)
{
    BUF_AUTO bare = {0};
    if (!name.n || str_is(name, "PUBLIC") || str_is(name, "CURRENT_OWNER"))
        return NULL;
    if (name.p[0] != '"')
        return arena_str(a, name);
    for (size_t i = 1; i + 1 < name.n; i++) {
        buf_addc(&bare, name.p[i]);
        i += name.p[i] == '"';
    }
    return arena_str(a, buf_str(&bare));
}

/* Roles that are there for sure: thousands of objects name the same few. */
struct known_roles {
    struct arena *arena;
    struct strings names;
};

static bool add_role(struct bench *b, struct known_roles *known, const char *name, struct err *e)
{
    if (!name || strings_has(&known->names, name))
        return true;
    vec_push(known->arena, &known->names, name);
    return server_add_role(b->server, name, e);
}

/* The names in a list, each up to `end` or the list's separator; a quoted one may hold either. */
static bool add_roles_of(struct bench *b, struct known_roles *known, const char *list, char separator, char end,
                         struct err *e)
{
    bool quoted = false, over = false;
    const char *begin = list;
    for (const char *p = list;; p++) {
        quoted = quoted != (*p == '"');
        bool stops = !*p || (!quoted && (*p == separator || *p == end));
        if (stops && !over) {
            struct str name = str_trim((struct str){begin, (size_t)(p - begin)});
            if (!add_role(b, known, bare_role(known->arena, name), e))
                return false;
        }
        over = over || stops;
        if (!*p)
            return true;
        if (!quoted && *p == separator) {
            begin = p + 1;
            over = false;
        }
    }
}

bool bench_add_roles(struct bench *b, const struct catalog *schema, struct err *e)
{
    ARENA_AUTO arena = {0};
    struct known_roles known = {.arena = &arena};
    if (b->sqlite)
        return true;
    for (size_t i = 0; i < schema->objects.n; i++) {
        const struct object *o = &schema->objects.v[i];
        for (size_t k = 0; k < o->kind->n_attributes; k++) {
            const char *name = o->kind->attributes[k].name, *value = o->values[k];
            bool ok = true;
            if (value && strcmp(name, "grants") == 0)
                ok = add_roles_of(b, &known, value, '\n', '\t', e);
            else if (value && (strcmp(name, "owner") == 0 || strcmp(name, "roles") == 0 || strcmp(name, "role") == 0 ||
                               strcmp(name, "user") == 0))
                ok = add_roles_of(b, &known, value, ',', ',', e);
            if (!ok)
                return false;
        }
    }
    return true;
}

/* ---- anew ---- */

bool bench_settle(struct bench *b, struct err *e)
{
    ARENA_AUTO arena = {0};
    struct snapshot now = {0}, empty = {0};
    struct change_list steps = {.arena = &arena};
    const struct change_options options = {
        .policy = {.owners = true, .grants = true, .default_privileges = true, .event_triggers = true},
        .allow_destructive = true,
        .skip_unmodelled = true};
    struct strings sql = {0};
    bool ok = bench_read(b, &arena, false, &now, e) && bench_clear(b, e) && bench_add_roles(b, now.exact, e) &&
              bench_read(b, &arena, false, &empty, e) && changes_make(&steps, &empty, &now, &options, e);
    if (ok && steps.refusals.n) {
        err_move(e, &steps.refusals.v[0]);
        ok = false;
    }
    for (size_t i = 0; i < steps.steps.n; i++)
        vec_push(&arena, &sql, steps.steps.v[i].sql);
    ok = ok && bench_run(b, &sql, e);
    change_list_free(&steps);
    return ok;
}

/* ---- a revision's section ---- */

static void place(const struct revision *r, const struct revision_section *section, size_t offset, struct err *e)
{
    struct line_counter lines = {.text = {(const char *)r->text, r->length}};
    err_at(e, r->path, (int)line_of(&lines, section->offset + offset), 1, (struct str){0});
}

/* What maintains rows and files, and changes no schema. */
static bool is_upkeep(const char *kind)
{
    static const char *const kinds[] = {"VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "CHECKPOINT"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

/* Roles that the revision's servers have: a fresh cluster gets stubs, as the models do when they are loaded. */
static bool run_statement(struct bench *b, struct str text, struct err *e)
{
    ARENA_AUTO arena = {0};
    struct strings one = {0};
    if (is_upkeep(statement_kind(&arena, text, b->options.dialect)))
        return true;
    vec_push(&arena, &one, arena_str(&arena, text));
    bool ok = run_all(b, "", &one, e), made = true;
    while (!ok && made && strcmp(e->sqlstate, NO_SUCH_OBJECT) == 0) {
        AUTO_ERR no_role = {0};
        made = server_add_roles(b->server, text, e->message, &no_role);
        if (made || no_role.message)
            err_move(e, &no_role);
        ok = made && run_all(b, "", &one, e);
    }
    return ok;
}

/* What SET LOCAL of a revision said is over with its transaction, which is not over here. */
static bool forget_settings(struct bench *b, struct err *e)
{
    BUF_AUTO sql = {0};
    buf_addz(&sql, "SET LOCAL ROLE NONE;\nSET LOCAL check_function_bodies = on;\nSET LOCAL search_path = ");
    db_quote_name(&sql, b->options.schema ? b->options.schema : "public");
    buf_addz(&sql, ";\n");
    if (b->options.role) {
        buf_addz(&sql, "SET LOCAL ROLE ");
        db_quote_name(&sql, b->options.role);
    }
    return server_run(b->server, buf_str(&sql), e);
}

static bool run_postgresql_section(struct bench *b, const struct revision *revision,
                                   const struct revision_section *section, struct err *e)
{
    struct str body = {(const char *)revision->text + section->offset, section->length};
    struct span s = {0};
    bool set = false;
    for (size_t at = 0; statement_next(body, DIALECT_POSTGRESQL, at, &s); at = s.next) {
        struct str text = section->flags & SECTION_OPAQUE ? str_slice(body, s.offset, body.n)
                                                          : str_slice(body, s.offset, s.offset + s.length);
        set = set || (text.n > 3 && strncasecmp(text.p, "SET", 3) == 0);
        bool ok = run_statement(b, text, e);
        if (!ok && strcmp(e->sqlstate, NEW_LABEL_IN_USE) == 0) {
            err_free(e);
            ok = bench_settle(b, e) && run_statement(b, text, e);
        }
        if (!ok) {
            place(revision, section, s.offset, e);
            return false;
        }
        if (section->flags & SECTION_OPAQUE)
            break;
    }
    return !set || forget_settings(b, e);
}

bool bench_run_section(struct bench *b, const struct revision *revision, const struct revision_section *section,
                       struct err *e)
{
    bool ok = b->sqlite ? bench_sqlite_run_section(b->sqlite, revision, section, e)
                        : run_postgresql_section(b, revision, section, e);
    if (!ok)
        err_context(e, "revision %s", revision->id);
    return ok;
}

/* ---- reading ---- */

static bool same_objects(const struct catalog *a, const struct catalog *b)
{
    if (a->objects.n != b->objects.n)
        return false;
    for (size_t i = 0; i < a->objects.n; i++)
        if (a->objects.v[i].kind != b->objects.v[i].kind ||
            strcmp(a->objects.v[i].identity, b->objects.v[i].identity) != 0)
            return false;
    return true;
}

bool snapshot_read(struct arena *a, const struct catalog_source *source, const struct scope *scope, bool relative,
                   struct snapshot *out, struct err *e)
{
    out->exact = out->shown = ARENA_NEW(a, struct catalog);
    if (!catalog_read(a, out->exact, source, scope, NAMES_QUALIFIED, e))
        return false;
    if (!relative || source->dialect == DIALECT_SQLITE)
        return true;
    out->shown = ARENA_NEW(a, struct catalog);
    if (!catalog_read(a, out->shown, source, scope, NAMES_RELATIVE, e))
        return false;
    return same_objects(out->exact, out->shown) ||
           err_set(e, FAULT_LOCK, "somebody changed the schema while it was read");
}

bool bench_read(struct bench *b, struct arena *a, bool relative, struct snapshot *out, struct err *e)
{
    struct catalog_source source = b->sqlite ? bench_sqlite_source(b->sqlite) : server_source(b->server);
    return snapshot_read(a, &source, &b->options.scope, relative, out, e);
}

bool bench_seed(struct bench *b, unsigned rows, struct err *e)
{
    return !b->sqlite || bench_sqlite_seed(b->sqlite, rows, e);
}

int64_t bench_count(struct bench *b, const char *table)
{
    return b->sqlite ? bench_sqlite_count(b->sqlite, table) : -1;
}

/* ---- CONCURRENTLY ---- */

static bool may_be_concurrent(struct str statement)
{
    ARENA_AUTO arena = {0};
    const char *kind = statement_kind(&arena, statement, DIALECT_POSTGRESQL);
    return strstr(kind, "INDEX") || strstr(kind, "ALTER TABLE") || strstr(kind, "REFRESH");
}

const char *without_concurrently(struct arena *a, struct str statement)
{
    struct lexer l = {.text = statement, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    int depth = 0;
    if (!may_be_concurrent(statement))
        return arena_str(a, statement);
    while (token_next(&l, &t)) {
        depth += token_is_symbol(statement, &t, "(") - token_is_symbol(statement, &t, ")");
        if (depth == 0 && token_is_word(statement, &t, "CONCURRENTLY"))
            return arena_printf(a, "%.*s%.*s", (int)t.offset, statement.p, (int)(statement.n - t.offset - t.length),
                                statement.p + t.offset + t.length);
    }
    return arena_str(a, statement);
}
