/*
 * Prints what catalog_read() makes of a database, a line for each fact, so that a script can hold it against what it
 * knows:
 *
 *     peer_catalog URL qualified|relative [SCHEMA]
 *
 *     KIND <tab> IDENTITY <tab> ATTRIBUTE <tab> VALUE      "address", "parent", and the attributes that are set
 *     KIND <tab> IDENTITY <tab> "needs" <tab> KIND IDENTITY     and "part of", "vanishes with"
 *
 *     lock <tab> MODE <tab> "taken" <tab> OID           every lock that one of the reader's statements left behind it
 *
 * Line feeds, tabs and backslashes are \n, \t and \\.
 */
#include <stdio.h>
#include <string.h>

#include "schema/read.h"

static void print_text(const char *text)
{
    for (; *text; text++) {
        const char *special = strchr("\nn\tt\\\\", *text);
        if (special && (*text == '\n' || *text == '\t' || *text == '\\'))
            printf("\\%c", special[1]);
        else
            putchar(*text);
    }
}

static void print_fact(const struct object *o, const char *attribute, const char *value)
{
    printf("%s\t", o->kind->name);
    print_text(o->identity);
    printf("\t%s\t", attribute);
    print_text(value);
    putchar('\n');
}

static void print_object(const struct catalog *c, const struct object *o)
{
    print_fact(o, "address", o->address);
    if (o->parent != OBJECT_NONE)
        print_fact(o, "parent", c->objects.v[o->parent].identity);
    for (size_t i = 0; i < o->kind->n_attributes; i++)
        if (o->values[i])
            print_fact(o, o->kind->attributes[i].name, o->values[i]);
}

static void print_edge(struct arena *a, const struct catalog *c, const struct edge *edge)
{
    static const char *const words[] = {
        [EDGE_NEEDS] = "needs", [EDGE_PART] = "part of", [EDGE_VANISHES] = "vanishes with"};
    const struct object *to = &c->objects.v[edge->to];
    print_fact(&c->objects.v[edge->from], words[edge->kind], arena_printf(a, "%s %s", to->kind->name, to->identity));
}

/* ---- a source that looks behind every statement which locks there are ---- */

static const char locks_sql[] = "SELECT DISTINCT mode, relation::text FROM pg_locks"
                                " WHERE pid = pg_backend_pid() AND locktype = 'relation' ORDER BY 1, 2";

struct watch {
    struct catalog_source inner;
    struct arena *arena;
    struct strings locks;
    bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e);
    void *to;
};

static bool watch_row(void *to, size_t index, const struct db_row *row, struct err *e)
{
    struct watch *w = to;
    if (index % 2 == 0)
        return w->row(w->to, index / 2, row, e);
    const char *lock = arena_printf(w->arena, "lock\t%s\ttaken\t%s", row->values[0], row->values[1]);
    if (!strings_has(&w->locks, lock))
        vec_push(w->arena, &w->locks, lock);
    return true;
}

static bool watch_run(void *context, const char *const *sql, size_t n,
                      bool (*row)(void *to, size_t index, const struct db_row *row, struct err *e), void *to,
                      struct err *e)
{
    struct watch *w = context;
    struct strings both = {0};
    w->row = row;
    w->to = to;
    for (size_t i = 0; i < n; i++) {
        vec_push(w->arena, &both, sql[i]);
        vec_push(w->arena, &both, locks_sql);
    }
    return w->inner.run(w->inner.context, both.v, both.n, watch_row, w, e);
}

/* ---- all of it ---- */

static bool print_database(struct arena *a, const char *url, enum names names, const char *schema, struct err *e)
{
    struct address where;
    struct db_options options = {.stream = "catalog",
                                 .version_table = "alembic_version",
                                 .schema = schema,
                                 .application_name = "peer_catalog",
                                 .actor = "",
                                 .client_host = "",
                                 .build_id = "",
                                 .connect_timeout_ms = 10000,
                                 .answer_ms = 60000,
                                 .deadline = INT64_MAX,
                                 .read_only = true};
    struct scope scope = {.schema = schema, .version_table = "alembic_version"};
    struct catalog c;
    struct db *db = NULL;
    if (!address_parse(a, str_from(url), NULL, &where, e) || !db_open(&db, &where, &options, e))
        return false;
    struct watch watch = {.inner = catalog_of_db(db), .arena = a};
    struct catalog_source source = {DIALECT_POSTGRESQL, &watch, watch_run};
    bool ok = catalog_read(a, &c, &source, &scope, names, e);
    db_close(db);
    for (size_t i = 0; ok && i < c.objects.n; i++)
        print_object(&c, &c.objects.v[i]);
    for (size_t i = 0; ok && i < c.edges.n; i++)
        print_edge(a, &c, &c.edges.v[i]);
    for (size_t i = 0; i < watch.locks.n; i++)
        puts(watch.locks.v[i]);
    return ok;
}

int main(int argc, char **argv)
{
    ARENA_AUTO arena = {0};
    struct err e = {0};
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: peer_catalog URL qualified|relative [SCHEMA]\n");
        return 2;
    }
    enum names names = strcmp(argv[2], "relative") == 0 ? NAMES_RELATIVE : NAMES_QUALIFIED;
    if (!print_database(&arena, argv[1], names, argc == 4 ? argv[3] : NULL, &e)) {
        fprintf(stderr, "peer_catalog: %s: %s\n%s\n", err_fault_name(e.fault), e.message, e.detail ? e.detail : "");
        err_free(&e);
        return 1;
    }
    return 0;
}
