/*
 * Databases on a scratch server, made from one another. The admin's connection makes and drops them; everything in them
 * goes through a session of their own. Knows nothing of sections, nor of what their statements lock.
 */
#include "gen/verify/place_postgresql.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/check.h"
#include "gen/verify/postgresql.h"

static const char NO_RIGHT[] = "42501";
static const char NAME_TAKEN[] = "42P04";

/* ------------------------------------------------------------------------------------------------------- statements */

/* One of ours, outside of transactions. */
static bool run(struct server *s, const char *sql, struct err *e)
{
    OUTCOME_AUTO o = {0};
    session_run(s, sql, &o);
    return !o.error || outcome_explain(s, &o, e);
}

/* Words before, a name in quotes, words behind. */
static bool run_on(struct server *s, const char *before, const char *name, const char *behind, struct err *e)
{
    BUF_AUTO sql = {0};
    buf_addz(&sql, before);
    db_quote_name(&sql, name);
    buf_addz(&sql, behind);
    return run(s, sql.p, e);
}

static bool ask(struct server *s, const char *sql, bool *out, struct err *e)
{
    OUTCOME_AUTO o = {0};
    session_run(s, sql, &o);
    if (o.error || !PQntuples(o.result))
        return outcome_explain(s, &o, e);
    *out = strcmp(PQgetvalue(o.result, 0, 0), "t") == 0;
    return true;
}

/* ------------------------------------------------------------------------------------------------------------- names */

/* A function of advisory locks over the key of a name. */
static bool lock_name(struct ground_postgresql *g, const char *function, const char *name, bool *out, struct err *e)
{
    BUF_AUTO sql = {0};
    buf_addf(&sql, "SELECT pg_catalog.%s(pg_catalog.hashtextextended(", function);
    db_quote_text(&sql, DIALECT_POSTGRESQL, name);
    buf_addz(&sql, ", 0))");
    return ask(&g->admin, sql.p, out, e);
}

/*
 * Databases with a name of ours on which nobody holds a lock. Such a lock belongs to the database that its session is in,
 * and another run may have come by way of another one: so the list of all locks is asked, and not the lock itself.
 */
static const char leftovers_sql[] = "SELECT d.datname FROM pg_catalog.pg_database d,\n"
                                    "       LATERAL (SELECT pg_catalog.hashtextextended(d.datname::text, 0) AS key) h\n"
                                    " WHERE pg_catalog.starts_with(d.datname::text, '" PLACE_PREFIX "')\n"
                                    "   AND pg_catalog.pg_has_role(d.datdba, 'USAGE')\n"
                                    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks l\n"
                                    "                    WHERE l.locktype = 'advisory' AND l.objsubid = 1\n"
                                    "                      AND l.classid::bigint = (h.key >> 32) & 4294967295\n"
                                    "                      AND l.objid::bigint = h.key & 4294967295)\n"
                                    " ORDER BY d.datname";

/* One that somebody is still connected to is left for another time. */
static bool drop_leftovers(struct ground_postgresql *g, struct err *e)
{
    OUTCOME_AUTO list = {0};
    session_run(&g->admin, leftovers_sql, &list);
    if (list.error)
        return outcome_explain(&g->admin, &list, e);
    for (int i = 0; i < PQntuples(list.result); i++) {
        AUTO_ERR in_use = {0};
        run_on(&g->admin, "DROP DATABASE IF EXISTS ", PQgetvalue(list.result, i, 0), "", &in_use);
    }
    return true;
}

/* -------------------------------------------------------------------------------------------------------- the ground */

const char *ground_postgresql_schema(const struct ground_postgresql *g)
{
    return g->options.scope.schema ? g->options.scope.schema : "public";
}

const char *ground_postgresql_version_table(const struct ground_postgresql *g)
{
    return version_table_of(g->options.stream);
}

static bool check_major(const struct ground_postgresql *g, struct err *e)
{
    int has = server_version(&g->admin) / 10000, asked = g->options.major;
    if (!asked || asked == has)
        return true;
    err_set(e, FAULT_CONFIG, "the scratch server is PostgreSQL %d, and %d is asked for", has, asked);
    err_hint(e, "locks are not the same in all versions: name a server of PostgreSQL %d with --scratch", asked);
    return false;
}

static bool refuse_creating(struct ground_postgresql *g, struct err *e)
{
    const char *role = "CURRENT_USER";
    OUTCOME_AUTO o = {0};
    session_run(&g->admin, "SELECT pg_catalog.quote_ident(current_user)", &o);
    if (!o.error && PQntuples(o.result))
        role = PQgetvalue(o.result, 0, 0);
    err_set(e, FAULT_CONFIG, "the role %s may not create databases on the scratch server", role);
    err_detail(e, "revisions are committed as in production, each way through them in a database of its own");
    err_hint(e, "ALTER ROLE %s CREATEDB, or leave --scratch out: a temporary server is started then", role);
    return false;
}

static bool check_rights(struct ground_postgresql *g, struct err *e)
{
    bool may = false;
    if (!ask(&g->admin, "SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user", &may,
             e))
        return false;
    return may || refuse_creating(g, e);
}

static bool open_standing(struct ground_postgresql *g, struct err *e)
{
    if (!session_scratch_address(&g->arena, g->options.scratch, &g->where, e))
        return false;
    if (!session_connect(&g->admin, &g->where, &session_options, e)) {
        err_context(e, "the scratch server");
        return false;
    }
    return check_major(g, e) && check_rights(g, e) && drop_leftovers(g, e);
}

static bool open_cluster(struct ground_postgresql *g, struct err *e)
{
    g->admin.superuser = true;
    return cluster_start(&g->admin.cluster, g->options.major, e) &&
           session_connect_cluster(&g->admin, g->admin.cluster, "postgres", &session_options, e);
}

bool place_postgresql_ground_open(struct ground_postgresql **out, const struct ground_options *options, struct err *e)
{
    struct ground_postgresql *g = mem_alloc(sizeof *g);
    g->options = *options;
    if (options->scratch ? open_standing(g, e) : open_cluster(g, e)) {
        *out = g;
        return true;
    }
    place_postgresql_ground_close(g);
    return false;
}

/* Of a server that is ours nothing remains anyway. */
static void drop_roles(struct ground_postgresql *g)
{
    for (size_t i = g->roles.n; !g->admin.cluster && i-- > 0;) {
        AUTO_ERR in_use = {0};
        run_on(&g->admin, "DROP ROLE IF EXISTS ", g->roles.v[i], "", &in_use);
    }
}

void place_postgresql_ground_close(struct ground_postgresql *g)
{
    if (!g)
        return;
    drop_roles(g);
    db_close(g->admin.db);
    cluster_stop(g->admin.cluster);
    arena_free(&g->admin.arena);
    arena_free(&g->arena);
    free(g);
}

int place_postgresql_ground_major(const struct ground_postgresql *g)
{
    return server_version(&g->admin) / 10000;
}

/* ------------------------------------------------------------------------------------------------------------- roles */

bool ground_postgresql_has_role(const struct ground_postgresql *g, const char *name)
{
    return strings_has(&g->roles, name);
}

void ground_postgresql_keep_role(struct ground_postgresql *g, const char *name)
{
    if (!strings_has(&g->roles, name))
        vec_push(&g->arena, &g->roles, arena_strdup(&g->arena, name));
}

/* What is there now and was not before, in one transaction whose snapshot sees nobody else's. */
static bool note_roles(struct ground_postgresql *g, const PGresult *before, struct err *e)
{
    OUTCOME_AUTO now = {0};
    int had = 0;
    session_run(&g->admin, "SELECT rolname FROM pg_catalog.pg_roles ORDER BY rolname COLLATE \"C\"", &now);
    if (now.error)
        return outcome_explain(&g->admin, &now, e);
    for (int i = 0; i < PQntuples(now.result); i++) {
        const char *name = PQgetvalue(now.result, i, 0);
        bool same = had < PQntuples(before) && strcmp(PQgetvalue(before, had, 0), name) == 0;
        had += same;
        if (!same)
            ground_postgresql_keep_role(g, name);
    }
    return true;
}

bool ground_postgresql_add_roles(struct ground_postgresql *g, struct str statement, const char *why, bool *made,
                                 struct err *e)
{
    OUTCOME_AUTO before = {0};
    OUTCOME_AUTO over = {0};
    bool ok = session_run(&g->admin, "BEGIN ISOLATION LEVEL REPEATABLE READ", &over) &&
              session_run(&g->admin, "SELECT rolname FROM pg_catalog.pg_roles ORDER BY rolname COLLATE \"C\"", &before);
    *made = false;
    if (!ok)
        outcome_explain(&g->admin, before.error ? &before : &over, e);
    *made = ok && server_add_roles(&g->admin, statement, why, e);
    ok = ok && !e->message && (!*made || note_roles(g, before.result, e));
    session_run(&g->admin, ok ? "COMMIT" : "ROLLBACK", &over);
    arena_reset(&g->admin.arena);
    return ok;
}

/* ------------------------------------------------------------------------------------------------------- connections */

static const char *setting_of(const struct source_stream *stream, const char *key)
{
    for (size_t i = 0; i < stream->settings.n; i++)
        if (strcmp(stream->settings.v[i].key.text, key) == 0)
            return stream->settings.v[i].value.text;
    return NULL;
}

/* As the runtime opens a tenant's database, so that its tables come to stand where production has them. */
static struct db_options options_of(const struct ground_postgresql *g)
{
    struct db_options options = session_options;
    options.stream = g->options.stream->name;
    options.tenant = g->options.tenant;
    options.version_table = ground_postgresql_version_table(g);
    options.schema = ground_postgresql_schema(g);
    options.version_schema = setting_of(g->options.stream, "version_table_schema");
    return options;
}

/* Waits for the end that the server sees: a database is copied, or dropped, when nobody is in it. */
static void disconnect(struct place_postgresql *p)
{
    if (p->ground->connected == p)
        p->ground->connected = NULL;
    if (p->session.db)
        db_close_seen(p->session.db);
    p->session.db = NULL;
    p->session.conn = NULL;
    arena_reset(&p->session.arena);
}

bool place_postgresql_connect(struct place_postgresql *p, struct err *e)
{
    struct ground_postgresql *g = p->ground;
    struct db_options options = options_of(g);
    if (p->session.db)
        return true;
    if (g->connected)
        disconnect(g->connected);
    bool ok;
    if (g->admin.cluster) {
        ok = session_connect_cluster(&p->session, g->admin.cluster, p->name, &options, e);
    } else {
        ARENA_AUTO a = {0};
        struct address where = g->where;
        where.keywords = ARENA_ARRAY(&a, struct address_keyword, where.n_keywords + 1);
        where.keywords_cap = where.n_keywords + 1;
        memcpy(where.keywords, g->where.keywords, where.n_keywords * sizeof *where.keywords);
        address_set(&a, &where, "dbname", p->name);
        ok = session_connect(&p->session, &where, &options, e);
    }
    if (!ok)
        return false;
    const char *superuser = PQparameterStatus(p->session.conn, "is_superuser");
    p->session.superuser = superuser && strcmp(superuser, "on") == 0;
    g->connected = p;
    return true;
}

/* ------------------------------------------------------------------------------------------------------------ places */

static bool create_database(struct ground_postgresql *g, const char *name, const char *template, struct err *e)
{
    BUF_AUTO behind = {0};
    buf_addz(&behind, " TEMPLATE ");
    db_quote_name(&behind, template);
    if (run_on(&g->admin, "CREATE DATABASE ", name, behind.p, e))
        return true;
    return strcmp(e->sqlstate, NO_RIGHT) == 0 ? refuse_creating(g, e) : false;
}

/* The next name that nobody has, locked and with a database under it. */
static bool make(struct place_postgresql *p, const char *template, struct err *e)
{
    struct ground_postgresql *g = p->ground;
    for (;;) {
        BUF_AUTO name = {0};
        bool locked = false, unlocked;
        buf_addf(&name, PLACE_PREFIX "%ld_%u", (long)getpid(), ++g->places);
        if (!lock_name(g, "pg_try_advisory_lock", name.p, &locked, e))
            return false;
        if (locked && create_database(g, name.p, template, e)) {
            p->name = buf_steal(&name);
            return true;
        }
        AUTO_ERR ignored = {0};
        if (locked)
            lock_name(g, "pg_advisory_unlock", name.p, &unlocked, &ignored);
        if (locked && strcmp(e->sqlstate, NAME_TAKEN) != 0)
            return false;
        err_free(e);
    }
}

static bool place_from(struct ground_postgresql *g, const char *template, struct place_postgresql **out, struct err *e)
{
    struct place_postgresql *p = mem_alloc(sizeof *p);
    p->ground = g;
    *out = p;
    if (make(p, template, e))
        return true;
    place_postgresql_close(p);
    *out = NULL;
    err_context(e, "a database for the revisions");
    return false;
}

/* What is there before a stream's first revision: its schema, the version table and the log. */
static bool furnish(struct place_postgresql *p, struct err *e)
{
    const char *schema = ground_postgresql_schema(p->ground);
    return place_postgresql_connect(p, e) && run_on(&p->session, "CREATE SCHEMA IF NOT EXISTS ", schema, "", e) &&
           db_append_log(p->session.db, NULL, 0, e);
}

bool place_postgresql_open(struct ground_postgresql *g, struct place_postgresql **out, struct err *e)
{
    if (!place_from(g, "template0", out, e))
        return false;
    if (furnish(*out, e))
        return true;
    place_postgresql_close(*out);
    *out = NULL;
    return false;
}

bool place_postgresql_copy(struct place_postgresql *from, struct place_postgresql **out, struct err *e)
{
    disconnect(from);
    return place_from(from->ground, from->name, out, e);
}

void place_postgresql_close(struct place_postgresql *p)
{
    if (!p)
        return;
    struct ground_postgresql *g = p->ground;
    AUTO_ERR ignored = {0};
    bool unlocked;
    disconnect(p);
    if (p->name) {
        run_on(&g->admin, "DROP DATABASE IF EXISTS ", p->name,
               server_version(&g->admin) >= 130000 ? " WITH (FORCE)" : "", &ignored);
        lock_name(g, "pg_advisory_unlock", p->name, &unlocked, &ignored);
    }
    arena_free(&p->session.arena);
    free(p->name);
    free(p);
}

/* ------------------------------------------------------------------------------------------------ seeds and schemas */

bool place_postgresql_read(struct place_postgresql *p, struct arena *a, struct catalog **out, struct err *e)
{
    OUTCOME_AUTO o = {0};
    OUTCOME_AUTO over = {0};
    if (!place_postgresql_connect(p, e))
        return false;
    struct catalog_source source = server_source(&p->session);
    *out = ARENA_NEW(a, struct catalog);
    bool ok = session_run(&p->session, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &o)
                  ? catalog_read(a, *out, &source, &p->ground->options.scope, NAMES_QUALIFIED, e)
                  : outcome_explain(&p->session, &o, e);
    session_run(&p->session, "ROLLBACK", &over);
    arena_reset(&p->session.arena);
    return ok;
}
