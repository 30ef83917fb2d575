/*
 * The tracing of locks. What was there when the section began is kept here by oid, with the names that it had then; after
 * each statement the server says what has become of it. Decides nothing about what is dangerous.
 */
#include "gen/verify/trace.h"

#include <stdlib.h>
#include <string.h>

#include "gen/lint/statement.h"
#include "gen/parse_postgresql.h"
#include "gen/session.h"
#include "model/locks.h"

/* A place where a day has not the hours that UTC's has, so that a timestamp with a zone is another number there. */
#define OTHER_ZONE "Europe/Oslo"

struct state {
    unsigned long file, space; /* relfilenode, reltablespace */
    int64_t scans;
    enum lock_mode lock;
    bool row_share; /* that lock, too, and perhaps harder ones */
};

/* A relkind of our own: its name has a number in it that is another on each server, so that nobody gets to see it. */
#define INDEX_OF_TOAST 'x'

struct relation {
    unsigned long oid;
    struct relation *of; /* the table of an index, a TOAST table or a sequence; NULL: it stands for itself */
    unsigned long of_oid;
    char kind;                /* relkind */
    int n_indexes;            /* of a table, with those of its TOAST table not counted */
    const char *schema;       /* bare */
    const char *name;         /* as SQL has it */
    struct state before, now; /* around the statement */
    bool there;               /* still */
    bool named;               /* by the statement */
    bool elsewhere;           /* rewritten in the other zone */
    /* What the statement did to it, the parts that stand for it included. */
    enum lock_mode had, has;
    unsigned flags;
};

struct trace {
    struct arena arena;
    struct server *server;
    struct relation *v; /* by oid */
    size_t n;
    enum lock_mode held; /* the strongest, before the statement */
    const char *kind;    /* of the statement */
    struct arena statement;
};

/* ------------------------------------------------------------------------------------------------------- what is there */

/* The schema and the version table, as literals. Temporary relations are nobody else's. */
static const char relations_sql[] =
    "SELECT c.oid, c.relkind, n.nspname,\n"
    "       CASE WHEN n.nspname = %s THEN '' ELSE pg_catalog.quote_ident(n.nspname) || '.' END\n"
    "       || pg_catalog.quote_ident(c.relname),\n"
    "       coalesce(x.indrelid, t.oid, d.refobjid, 0)\n"
    "  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid\n"
    "  LEFT JOIN pg_catalog.pg_class t ON c.relkind = 't' AND t.reltoastrelid = c.oid\n"
    "  LEFT JOIN pg_catalog.pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "       AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')\n"
    " WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I', 'S', 't') AND c.relpersistence <> 't'\n"
    "   AND n.nspname <> 'information_schema' AND c.relname NOT IN (%s, 'migrate_log')\n"
    " ORDER BY c.oid";

static const char states_sql[] =
    "SELECT oid, relfilenode, reltablespace, coalesce(pg_catalog.pg_stat_get_xact_numscans(oid), 0)\n"
    "  FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'm', 'f', 'i', 'I', 'S', 't', 'v')";

static const char locks_sql[] =
    "SELECT relation, mode FROM pg_catalog.pg_locks\n"
    " WHERE locktype = 'relation' AND pid = pg_catalog.pg_backend_pid() AND granted AND relation >= 16384\n"
    "   AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";

static unsigned long number_at(const PGresult *r, int row, int column)
{
    return strtoul(PQgetvalue(r, row, column), NULL, 10);
}

static int by_oid(const void *key, const void *item)
{
    unsigned long oid = *(const unsigned long *)key, other = ((const struct relation *)item)->oid;
    return oid < other ? -1 : oid > other;
}

static struct relation *find(const struct trace *t, unsigned long oid)
{
    return t->n ? bsearch(&oid, t->v, t->n, sizeof *t->v, by_oid) : NULL;
}

static bool ask(const struct trace *t, const char *sql, struct outcome *o, struct err *e)
{
    session_run(t->server, sql, o);
    if (!o->error)
        return true;
    outcome_explain(t->server, o, e);
    err_context(e, "cannot trace locks");
    return false;
}

/* The index of a TOAST table stands for the table's table. */
static void tie(struct trace *t)
{
    for (size_t i = 0; i < t->n; i++)
        t->v[i].of = t->v[i].of_oid ? find(t, t->v[i].of_oid) : NULL;
    for (size_t i = 0; i < t->n; i++) {
        struct relation *r = &t->v[i];
        if (r->of && r->kind == 'i')
            r->of->n_indexes++;
        if (!r->of || !r->of->of)
            continue;
        r->of = r->of->of;
        r->kind = INDEX_OF_TOAST;
    }
}

bool trace_open(struct trace **out, struct server *s, const char *schema, const char *version_table, struct err *e)
{
    struct trace *t = mem_alloc(sizeof *t);
    OUTCOME_AUTO o = {0};
    BUF_AUTO own = {0};
    BUF_AUTO version = {0};
    BUF_AUTO sql = {0};
    db_quote_text(&own, DIALECT_POSTGRESQL, schema);
    db_quote_text(&version, DIALECT_POSTGRESQL, version_table);
    buf_addf(&sql, relations_sql, own.p, version.p);
    *out = t;
    t->server = s;
    if (!ask(t, sql.p, &o, e))
        return false;
    t->n = (size_t)PQntuples(o.result);
    t->v = ARENA_ARRAY(&t->arena, struct relation, t->n);
    for (int i = 0; i < PQntuples(o.result); i++)
        t->v[i] = (struct relation){.oid = number_at(o.result, i, 0),
                                    .kind = PQgetvalue(o.result, i, 1)[0],
                                    .schema = arena_strdup(&t->arena, PQgetvalue(o.result, i, 2)),
                                    .name = arena_strdup(&t->arena, PQgetvalue(o.result, i, 3)),
                                    .of_oid = number_at(o.result, i, 4)};
    tie(t);
    return true;
}

void trace_close(struct trace *t)
{
    if (!t)
        return;
    arena_free(&t->statement);
    arena_free(&t->arena);
    free(t);
}

/* ---------------------------------------------------------------------------------------------------------- measuring */

static enum lock_mode mode_of(const char *word)
{
    struct str s = str_from(word);
    enum lock_mode mode = str_ends(s, STR("Lock")) ? lock_mode_find(str_slice(s, 0, s.n - 4)) : LOCK_MODE_COUNT;
    return mode == LOCK_MODE_COUNT ? LOCK_NOTHING : mode;
}

static bool read_locks(struct trace *t, struct err *e)
{
    OUTCOME_AUTO o = {0};
    if (!ask(t, locks_sql, &o, e))
        return false;
    for (int i = 0; i < PQntuples(o.result); i++) {
        struct relation *r = find(t, number_at(o.result, i, 0));
        enum lock_mode mode = mode_of(PQgetvalue(o.result, i, 1));
        if (!r)
            continue;
        r->now.lock = mode > r->now.lock ? mode : r->now.lock;
        r->now.row_share |= mode == LOCK_ROW_SHARE;
    }
    return true;
}

static bool read_states(struct trace *t, struct err *e)
{
    OUTCOME_AUTO o = {0};
    for (size_t i = 0; i < t->n; i++) {
        t->v[i].now = (struct state){0};
        t->v[i].there = false;
    }
    if (!ask(t, states_sql, &o, e))
        return false;
    for (int i = 0; i < PQntuples(o.result); i++) {
        struct relation *r = find(t, number_at(o.result, i, 0));
        if (!r)
            continue;
        r->there = true;
        r->now.file = number_at(o.result, i, 1);
        r->now.space = number_at(o.result, i, 2);
        r->now.scans = strtoll(PQgetvalue(o.result, i, 3), NULL, 10);
    }
    return read_locks(t, e);
}

/* What is now is what the next statement starts from. */
static bool settle(struct trace *t, struct err *e)
{
    if (!read_states(t, e))
        return false;
    t->held = LOCK_NOTHING;
    for (size_t i = 0; i < t->n; i++) {
        struct relation *r = &t->v[i];
        r->before = r->now;
        t->held = r->now.lock > t->held ? r->now.lock : t->held;
    }
    return true;
}

bool trace_transaction(struct trace *t, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < t->n; i++)
        t->v[i].now = t->v[i].before = (struct state){0};
    return true;
}

static bool starts_with(const char *kind, const char *word)
{
    return strncmp(kind, word, strlen(word)) == 0;
}

/*
 * A truncated table has a new file, too, and each of its indexes is built anew by a scan of it. Only what says TRUNCATE itself, or
 * might run it, is looked at so closely.
 */
static bool is_truncated(const struct trace *t, const struct relation *table)
{
    static const char *const rewriting[] = {"ALTER", "CLUSTER", "VACUUM", "REFRESH", "REINDEX"};
    if (starts_with(t->kind, "TRUNCATE"))
        return true;
    for (size_t i = 0; i < sizeof rewriting / sizeof *rewriting; i++)
        if (starts_with(t->kind, rewriting[i]))
            return false;
    return table->kind == 'r' && table->there && table->now.file != table->before.file &&
           table->now.space == table->before.space && table->now.scans - table->before.scans <= table->n_indexes;
}

/* A sequence gets a new file whenever it is restarted; nobody waits for its one row. */
static bool is_rewritten(const struct trace *t, const struct relation *r)
{
    return r->there && r->kind != 'S' && r->kind != INDEX_OF_TOAST && r->now.file != r->before.file &&
           !is_truncated(t, r->of ? r->of : r);
}

/*
 * ALTER TABLE takes RowShare for one purpose: to look at the table that a foreign key refers to. Whether that is read from end to
 * end, row by row or not at all depends on the rows of now, which are none of production's.
 */
static bool is_referred_to(const struct trace *t, const struct relation *r)
{
    return strcmp(t->kind, "ALTER TABLE") == 0 && r->now.row_share && !r->before.row_share;
}

static bool is_scanned(const struct trace *t, const struct relation *r)
{
    if (!r->there || !strchr("rpmt", r->kind) || is_truncated(t, r->of ? r->of : r))
        return false;
    return r->now.scans > r->before.scans || is_referred_to(t, r);
}

/* ---------------------------------------------------------------------------------------------- before the statement */

static void add_names(struct arena *a, const json_t *tree, struct strings *out)
{
    const char *key;
    json_t *value;
    const json_t *list = json_object_get(tree, "List");
    if (json_object_get(tree, "relname"))
        vec_push(a, out, tree_name(a, tree));
    if (list && tree_string(tree))
        vec_push(a, out, tree_name(a, tree));
    json_object_foreach((json_t *)(uintptr_t)tree, key, value) add_names(a, value, out);
    for (size_t i = 0; i < json_array_size(tree); i++)
        add_names(a, json_array_get(tree, i), out);
}

/* Which relations a tree names, as the search path of now finds them; *out has room for as many as there are names. */
static bool resolve(struct trace *t, const json_t *tree, struct relation ***out, size_t *n, struct err *e)
{
    struct strings names = {0};
    OUTCOME_AUTO o = {0};
    BUF_AUTO sql = {0};
    *n = 0;
    add_names(&t->statement, tree, &names);
    *out = ARENA_ARRAY(&t->statement, struct relation *, names.n);
    for (size_t i = 0; i < names.n; i++) {
        buf_addz(&sql, i ? ", pg_catalog.to_regclass(" : "SELECT pg_catalog.unnest(ARRAY[pg_catalog.to_regclass(");
        db_quote_text(&sql, DIALECT_POSTGRESQL, names.v[i]);
        buf_addc(&sql, ')');
    }
    if (!names.n)
        return true;
    buf_addz(&sql, "]::pg_catalog.oid[])");
    if (!ask(t, sql.p, &o, e))
        return false;
    for (int i = 0; i < PQntuples(o.result); i++) {
        struct relation *r = PQgetisnull(o.result, i, 0) ? NULL : find(t, number_at(o.result, i, 0));
        if (r)
            (*out)[(*n)++] = r;
    }
    return true;
}

static bool mark_named(struct trace *t, const json_t *tree, struct err *e)
{
    struct relation **named;
    size_t n;
    if (!resolve(t, tree, &named, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        (named[i]->of ? named[i]->of : named[i])->named = true;
    return true;
}

static bool changes_type(const json_t *tree)
{
    const json_t *commands = json_object_get(json_object_get(tree, "AlterTableStmt"), "cmds"), *item;
    size_t i;
    json_array_foreach(commands, i, item)
    {
        if (tree_says(json_object_get(item, "AlterTableCmd"), "subtype", "AT_AlterColumnType"))
            return true;
    }
    return false;
}

/* Whether the zone may make a difference: it does to types; who has said one has said it. */
static bool wants_other_zone(const struct trace *t, const json_t *tree)
{
    const char *zone = PQparameterStatus(t->server->conn, "TimeZone");
    if (!zone || strcmp(zone, TRACE_ZONE) != 0)
        return false;
    return strcmp(t->kind, "DO") == 0 || (strcmp(t->kind, "ALTER TABLE") == 0 && (!tree || changes_type(tree)));
}

static bool try_elsewhere(struct trace *t, struct str text, struct err *e)
{
    OUTCOME_AUTO o = {0};
    OUTCOME_AUTO back = {0};
    bool ok = session_do(t->server, "SAVEPOINT migrate_trace; SET LOCAL TimeZone = '" OTHER_ZONE "'", "trace locks", e);
    if (ok && session_run(t->server, text.p, &o)) {
        ok = read_states(t, e);
        for (size_t i = 0; ok && i < t->n; i++)
            t->v[i].elsewhere = is_rewritten(t, &t->v[i]);
    }
    return ok && session_do(t->server, "ROLLBACK TO SAVEPOINT migrate_trace; RELEASE SAVEPOINT migrate_trace",
                            "trace locks", e);
}

bool trace_before(struct trace *t, const char *kind, struct str text, struct err *e)
{
    json_t *tree = parse_tree(text);
    t->kind = kind;
    arena_reset(&t->statement);
    for (size_t i = 0; i < t->n; i++)
        t->v[i].named = t->v[i].elsewhere = false;
    bool ok = settle(t, e) && (t->held < LOCK_SHARE || mark_named(t, tree, e)) &&
              (!wants_other_zone(t, tree) || (try_elsewhere(t, text, e) && settle(t, e)));
    json_decref(tree);
    return ok;
}

/* ------------------------------------------------------------------------------------------------ after the statement */

static enum lock_mode stronger(enum lock_mode a, enum lock_mode b)
{
    return a > b ? a : b;
}

static unsigned flags_of(const struct trace *t, const struct relation *r)
{
    bool here = is_rewritten(t, r);
    unsigned scan = is_scanned(t, r) ? LOCKS_SCAN : 0u;
    if (r->elsewhere && !here)
        return LOCKS_REWRITE | LOCKS_SCAN | LOCKS_TIME_ZONE;
    return here ? LOCKS_REWRITE | scan : scan;
}

/* Parts count for their table; an index stays apart with its rewrite when the table itself is not rewritten. */
static void sum_up(struct trace *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct relation *r = &t->v[i];
        r->had = r->before.lock;
        r->has = r->now.lock;
        r->flags = flags_of(t, r);
    }
    for (size_t i = 0; i < t->n; i++) {
        struct relation *r = &t->v[i];
        if (!r->of || r->kind == 'S')
            continue;
        r->of->had = stronger(r->of->had, r->before.lock);
        r->of->has = stronger(r->of->has, r->now.lock);
        if (r->kind == 't')
            r->of->flags |= r->flags;
    }
}

static bool is_worth_a_word(const struct relation *r)
{
    bool is_new = r->has > r->had && r->has > LOCK_ACCESS_SHARE;
    if (r->of && r->kind == 'S')
        return is_new && r->has > r->of->has;
    if (r->of)
        return r->kind == 'i' && r->flags & LOCKS_REWRITE && !(r->of->flags & LOCKS_REWRITE);
    return is_new || r->flags || (r->named && r->has >= LOCK_SHARE);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct relation *const *)a)->name, (*(struct relation *const *)b)->name);
}

static void add_relation(struct buf *out, const struct relation *r)
{
    buf_addf(out, "%s%s %s", out->n ? ", " : "", r->name, lock_mode_words[r->has]);
    if (r->flags & LOCKS_REWRITE)
        buf_addz(out, r->flags & LOCKS_TIME_ZONE ? " rewrite time-zone" : " rewrite");
    else if (r->flags & LOCKS_SCAN)
        buf_addz(out, " scan");
}

/*
 * The line of the relations in `list`. `held`: what the transaction had before. A lock on one table is held for as long as another
 * is read, so that it is all the same which of them it is on.
 */
static void write_line(struct arena *a, struct relation **list, size_t n, unsigned flags, enum lock_mode held,
                       struct statement_locks *out)
{
    BUF_AUTO text = {0};
    *out = (struct statement_locks){.flags = (uint8_t)flags};
    if (n)
        qsort(list, n, sizeof *list, by_name);
    for (size_t i = 0; i < n; i++) {
        const struct relation *r = list[i];
        out->flags = (uint8_t)(out->flags | r->flags);
        out->strongest = (uint8_t)stronger((enum lock_mode)out->strongest, r->has);
        add_relation(&text, r);
    }
    if (out->flags & (LOCKS_REWRITE | LOCKS_SCAN) && stronger(held, (enum lock_mode)out->strongest) >= LOCK_SHARE)
        out->flags |= LOCKS_BLOCKED;
    out->relations = arena_strdup(a, text.p ? text.p : "");
}

bool trace_after(struct trace *t, struct arena *a, struct statement_locks *out, struct err *e)
{
    struct relation **list = ARENA_ARRAY(&t->statement, struct relation *, t->n);
    size_t n = 0;
    if (!read_states(t, e))
        return false;
    sum_up(t);
    for (size_t i = 0; i < t->n; i++)
        if (is_worth_a_word(&t->v[i]))
            list[n++] = &t->v[i];
    write_line(a, list, n, 0, t->held, out);
    return true;
}

/* ----------------------------------------------------------------------------------------- outside of a transaction */

/* What is known of a statement: of its tables, and of those that it names in the second place (a partition). */
struct known {
    enum lock_mode mode;
    unsigned flags;
    enum lock_mode second; /* LOCK_NOTHING: as the first */
    bool all;              /* without a name it means all that there are */
};

static bool has_option(const json_t *list, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const json_t *option = json_object_get(item, "DefElem"), *arg = json_object_get(option, "arg");
        const char *word = tree_string(arg);
        bool off = (word && (strcmp(word, "off") == 0 || strcmp(word, "false") == 0)) ||
                   (json_object_get(arg, "Integer") &&
                    json_integer_value(json_object_get(json_object_get(arg, "Integer"), "ival")) == 0);
        if (tree_says(option, "defname", name) && !off)
            return true;
    }
    return false;
}

static struct known know_vacuum(const json_t *node)
{
    if (has_option(json_object_get(node, "options"), "full"))
        return (struct known){LOCK_ACCESS_EXCLUSIVE, LOCKS_REWRITE | LOCKS_SCAN, LOCK_NOTHING, true};
    return (struct known){LOCK_SHARE_UPDATE_EXCLUSIVE, LOCKS_SCAN, LOCK_NOTHING, true};
}

/* REINDEX of a schema or more locks each index against everybody, and with it who plans a query of its table. */
static struct known know_reindex(const json_t *node)
{
    if (has_option(json_object_get(node, "params"), "concurrently"))
        return (struct known){LOCK_SHARE_UPDATE_EXCLUSIVE, LOCKS_SCAN, LOCK_NOTHING, true};
    return (struct known){LOCK_ACCESS_EXCLUSIVE, LOCKS_SCAN, LOCK_NOTHING, true};
}

static struct known know_drop(const json_t *node)
{
    (void)node;
    return (struct known){LOCK_SHARE_UPDATE_EXCLUSIVE, 0, LOCK_NOTHING, false};
}

static struct known know_index(const json_t *node)
{
    (void)node;
    return (struct known){LOCK_SHARE_UPDATE_EXCLUSIVE, LOCKS_SCAN, LOCK_NOTHING, false};
}

static struct known know_cluster(const json_t *node)
{
    (void)node;
    return (struct known){LOCK_ACCESS_EXCLUSIVE, LOCKS_REWRITE | LOCKS_SCAN, LOCK_NOTHING, true};
}

/* DETACH PARTITION CONCURRENTLY, the only one of its kind; its second transaction has the partition for itself. */
static struct known know_detach(const json_t *node)
{
    (void)node;
    return (struct known){LOCK_SHARE_UPDATE_EXCLUSIVE, 0, LOCK_ACCESS_EXCLUSIVE, false};
}

/* Whatever is not here (CREATE DATABASE, ALTER SYSTEM) locks no relation. */
static const struct {
    const char *node;
    struct known (*know)(const json_t *node);
} by_kind[] = {
    {"IndexStmt", know_index},   {"DropStmt", know_drop},       {"ReindexStmt", know_reindex},
    {"VacuumStmt", know_vacuum}, {"ClusterStmt", know_cluster}, {"AlterTableStmt", know_detach},
};

/* Those with rows of their own, in the schema that the statement names or in all. */
static size_t all_tables(struct trace *t, const json_t *node, struct relation **list)
{
    bool in_schema = tree_says(node, "kind", "REINDEX_OBJECT_SCHEMA");
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (strchr("rm", t->v[i].kind) && (!in_schema || tree_says(node, "name", t->v[i].schema)))
            list[n++] = &t->v[i];
    return n;
}

static bool is_in(struct relation *const *list, size_t n, const struct relation *r)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == r)
            return true;
    return false;
}

/* Each once, an index by its table. */
static void apply(const struct known *known, struct relation **named, size_t n, struct relation **list, size_t *n_list)
{
    for (size_t i = 0; i < n; i++) {
        struct relation *r = named[i]->of ? named[i]->of : named[i];
        bool second = i > 0 && known->second;
        if (is_in(list, *n_list, r))
            continue;
        r->has = second ? known->second : known->mode;
        r->flags = second ? 0 : known->flags;
        list[(*n_list)++] = r;
    }
}

bool trace_by_kind(struct trace *t, struct arena *a, struct str text, struct statement_locks *out, struct err *e)
{
    json_t *tree = parse_tree(text);
    struct relation **named, **list = ARENA_ARRAY(&t->statement, struct relation *, t->n);
    size_t n = 0, n_list = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof by_kind / sizeof *by_kind; i++) {
        const json_t *node = json_object_get(tree, by_kind[i].node);
        if (!node)
            continue;
        struct known known = by_kind[i].know(node);
        ok = resolve(t, tree, &named, &n, e);
        if (ok && known.all && !n) {
            named = ARENA_ARRAY(&t->statement, struct relation *, t->n);
            n = all_tables(t, node, named);
        }
        if (ok)
            apply(&known, named, n, list, &n_list);
    }
    json_decref(tree);
    if (ok)
        write_line(a, list, n_list, LOCKS_BY_KIND, LOCK_NOTHING, out);
    arena_reset(&t->statement);
    return ok;
}
