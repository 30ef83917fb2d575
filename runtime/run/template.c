/*
 * Makes a fleet's template fit to be copied, once in a run: is it one, bring it to head, does it hold what only one tenant
 * may. It is visited like a tenant whose id is the template's name.
 */
#include "run/template.h"

#include <string.h>

#include "run/work.h"

struct template *template_new(struct arena *a, const char *name)
{
    struct template *t = ARENA_NEW(a, struct template);
    t->name = name;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void template_free(struct template *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    arena_free(&t->arena);
}

bool template_counts(const struct job *job, const struct place *where)
{
    /* A copy stands at head: whoever asked for less gets it by revisions. A schema of its own is no database. */
    return job->template && job->kind == JOB_UPGRADE && !where->schema &&
           (str_is(job->target, "head") || str_is(job->target, "heads"));
}

/* ------------------------------------------------------------------------------------------------ where it is */

static void place_of(struct arena *a, const struct place *tenant, const char *name, struct place *out)
{
    const struct address *from = &tenant->address;
    *out = (struct place){.tenant = name, .address = {.dialect = from->dialect}};
    if (from->dialect == DIALECT_SQLITE) {
        out->address.path = name;
        out->address.busy_timeout_ms = from->busy_timeout_ms;
        return;
    }
    for (size_t i = 0; i < from->n_keywords; i++)
        address_set(a, &out->address, from->keywords[i].key, from->keywords[i].value);
    address_set(a, &out->address, "dbname", name);
}

static bool check_name(const struct place *where, struct err *e)
{
    static const char ending[] = ".template";
    enum { MOST = 63 };
    const char *name = where->tenant;
    size_t n = strlen(name);
    if (where->address.dialect == DIALECT_POSTGRESQL)
        return n <= MOST ||
               err_set(e, FAULT_CONFIG, "the name of the template \"%s\" is longer than %d bytes", name, MOST);
    if (n > strlen(ending) && strcmp(name + n - strlen(ending), ending) == 0)
        return true;
    err_set(e, FAULT_CONFIG, "the file \"%s\" is no template: its name does not end in \"%s\"", name, ending);
    err_hint(e, "the name keeps a tenant's file from being copied for another tenant");
    return false;
}

/* ------------------------------------------------------------------------------------------------ what is in it */

static bool take_text(void *context, const struct db_row *row, struct err *e)
{
    struct buf *out = context;
    (void)e;
    buf_reset(out);
    buf_addz(out, row->values[0] ? row->values[0] : "");
    return true;
}

static bool is_marked(struct db *db, const char *name, struct err *e)
{
    BUF_AUTO marked = {0};
    if (db_dialect(db) == DIALECT_SQLITE)
        return true;
    if (!db_query(db, "SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = current_database()", take_text,
                  &marked, e))
        return false;
    if (marked.n && marked.p[0] == 't')
        return true;
    err_set(e, FAULT_POLICY, "the database \"%s\" is no template", name);
    err_hint(e, "ALTER DATABASE … IS_TEMPLATE true says that it is meant to be copied; a tenant's database is not");
    return false;
}

static bool mentions_tenant(const struct revision *r, enum dialect dialect)
{
    int8_t at = r->pick[DIRECTION_UP][dialect];
    if (at == SECTION_NONE)
        return false;
    static const char *const words[DIALECT_COUNT] = {
        [DIALECT_POSTGRESQL] = "migrate.tenant_id", [DIALECT_SQLITE] = "migrate_setting"};
    const struct revision_section *up = &r->sections[at];
    return memmem(r->text + up->offset, up->length, words[dialect], strlen(words[dialect])) != NULL;
}

static const struct revision *first_that_mentions(const struct graph *g, enum dialect dialect)
{
    for (uint32_t i = 0; i < graph_size(g); i++)
        if (mentions_tenant(graph_revision(g, i), dialect))
            return graph_revision(g, i);
    return NULL;
}

static bool add_table(void *context, const struct db_row *row, struct err *e)
{
    struct buf *sql = context;
    BUF_AUTO name = {0};
    (void)e;
    if (row->values[0]) {
        db_quote_name(&name, row->values[0]);
        buf_addc(&name, '.');
    }
    db_quote_name(&name, row->values[1]);
    buf_addz(sql, sql->n ? " UNION ALL SELECT " : "SELECT ");
    db_quote_text(sql, DIALECT_SQLITE, row->values[1]);
    buf_addf(sql, " WHERE EXISTS (SELECT 1 FROM %s)", name.p);
    return true;
}

/* Every table that has a row, our own two left out; one name of them, or "". */
static bool find_rows(struct db *db, const char *version_table, struct buf *table, struct err *e)
{
    static const char *const tables[DIALECT_COUNT] = {
        [DIALECT_POSTGRESQL] = "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c "
                               "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                               "WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
                               "AND c.relname NOT IN ('migrate_log', ",
        [DIALECT_SQLITE] =
            "SELECT NULL, name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
            "ESCAPE '\\' AND name NOT IN ('migrate_log', ",
    };
    BUF_AUTO list = {0};
    BUF_AUTO sql = {0};
    buf_addz(&list, tables[db_dialect(db)]);
    db_quote_text(&list, db_dialect(db), version_table);
    buf_addz(&list, ") ORDER BY 1, 2");
    if (!db_query(db, list.p, add_table, &sql, e))
        return false;
    return !sql.n || db_query(db, sql.p, take_text, table, e);
}

/* A revision that reads the tenant's id has seen the template's; without rows it has nowhere to keep it. */
static bool is_nobodys(const struct job *job, struct db *db, const char *name, struct err *e)
{
    const struct revision *r = first_that_mentions(job->graph, db_dialect(db));
    BUF_AUTO table = {0};
    if (!r)
        return true;
    if (!find_rows(db, job->version_table, &table, e))
        return false;
    if (!table.n)
        return true;
    err_set(e, FAULT_POLICY, "the template \"%s\" has rows in \"%s\", and revision %s reads the tenant's id", name,
            table.p, r->id);
    err_detail(e, "a copy could hand on rows that carry the template's id for the tenant's");
    err_hint(e, "make new tenants of this stream without a template");
    return false;
}

/* ------------------------------------------------------------------------------------------------ once in a run */

/* Connects, asks and waits for the end of the session: a server copies no database that somebody is connected to. */
static bool ask(const struct job *job, const struct place *where, bool after, struct err *e)
{
    struct db_options options;
    struct db *db = NULL;
    bool created = false;
    connect_options(job, where, &options);
    options.read_only = true;
    if (!connect_open(job, where, &options, 0, &db, &created, e))
        return false;
    bool ok = after ? is_nobodys(job, db, where->tenant, e) : is_marked(db, where->tenant, e);
    db_close_seen(db);
    return ok;
}

static bool bring_to_head(const struct job *job, const struct place *where, struct err *e)
{
    ARENA_AUTO a = {0};
    struct outcome out = {0};
    struct link link = {.counted = true};
    struct job making = *job;
    making.makes_template = true;
    making.on_missing = ON_MISSING_CREATE;
    bool ok = visit_linked(&a, &making, where, NULL, &link, &out);
    visit_unlink(&link);
    if (ok && job->log && (out.created || out.applied))
        log_line(job->log, TALK_INFO, "template %s: %s, %zu revision%s applied", where->tenant,
                 out.created ? "created" : "there", out.applied, out.applied == 1 ? "" : "s");
    *e = out.err;
    return ok;
}

static bool prepare(const struct job *job, const struct place *where, struct err *e)
{
    struct job looking = *job;
    looking.template = NULL;
    looking.on_missing = ON_MISSING_FAIL;
    looking.on_ahead = ON_AHEAD_REFUSE;
    looking.defer_congested = looking.defer_unreachable = looking.identify = false;
    if (!check_name(where, e))
        return false;
    if (!ask(&looking, where, false, e)) {
        if (e->fault != FAULT_MISSING)
            return false;
        err_free(e);
    }
    return bring_to_head(&looking, where, e) && ask(&looking, where, true, e);
}

bool template_ready(const struct job *job, const struct place *where, struct err *e)
{
    struct template *t = job->template;
    ARENA_AUTO a = {0};
    BUF_AUTO key = {0};
    struct place place;
    place_of(&a, where, t->name, &place);
    db_locate(&place.address, &key, &key);
    pthread_mutex_lock(&t->lock);
    bool ok = strings_has(&t->ready, key.p);
    if (!ok) {
        ok = prepare(job, &place, e);
        if (ok)
            vec_push(&t->arena, &t->ready, arena_str(&t->arena, buf_str(&key)));
        else
            err_context(e, "template %s", t->name);
    }
    pthread_mutex_unlock(&t->lock);
    return ok;
}
