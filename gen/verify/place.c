/* Both engines behind one interface. */
#include "gen/verify/place.h"

#include <stdlib.h>

#include "gen/verify/place_postgresql.h"
#include "gen/verify/place_sqlite.h"

struct ground {
    struct ground_options options;
    struct ground_postgresql *postgresql; /* NULL: SQLite */
};

struct place {
    struct place_postgresql *postgresql; /* one of the two */
    struct place_sqlite *sqlite;
};

bool ground_open(struct ground **out, const struct ground_options *options, struct err *e)
{
    struct ground *g = mem_alloc(sizeof *g);
    g->options = *options;
    if (options->dialect == DIALECT_SQLITE || place_postgresql_ground_open(&g->postgresql, &g->options, e)) {
        *out = g;
        return true;
    }
    free(g);
    return false;
}

void ground_close(struct ground *g)
{
    if (g)
        place_postgresql_ground_close(g->postgresql);
    free(g);
}

int ground_major(const struct ground *g)
{
    return g->postgresql ? place_postgresql_ground_major(g->postgresql) : 0;
}

/* The place as a whole, or nothing when its half could not be made. */
static bool give(struct place *p, bool ok, struct place **out)
{
    if (!ok)
        free(p);
    *out = ok ? p : NULL;
    return ok;
}

bool place_open(struct ground *g, struct place **out, struct err *e)
{
    struct place *p = mem_alloc(sizeof *p);
    return give(p,
                g->postgresql ? place_postgresql_open(g->postgresql, &p->postgresql, e)
                              : place_sqlite_open(&g->options, &p->sqlite, e),
                out);
}

bool place_copy(struct place *from, struct place **out, struct err *e)
{
    struct place *p = mem_alloc(sizeof *p);
    return give(p,
                from->postgresql ? place_postgresql_copy(from->postgresql, &p->postgresql, e)
                                 : place_sqlite_copy(from->sqlite, &p->sqlite, e),
                out);
}

void place_close(struct place *p)
{
    if (!p)
        return;
    place_postgresql_close(p->postgresql);
    place_sqlite_close(p->sqlite);
    free(p);
}

bool place_run(struct place *p, struct arena *a, const struct source_revision *revision,
               const struct revision_section *section, struct statement_locks *locks, uint32_t *failed, struct err *e)
{
    return p->postgresql ? place_postgresql_run(p->postgresql, a, revision, section, locks, failed, e)
                         : place_sqlite_run(p->sqlite, a, revision, section, failed, e);
}

bool place_seed(struct place *p, struct str sql, struct err *e)
{
    return p->postgresql ? place_postgresql_seed(p->postgresql, sql, e) : place_sqlite_seed(p->sqlite, sql, e);
}

bool place_read(struct place *p, struct arena *a, struct catalog **out, struct err *e)
{
    return p->postgresql ? place_postgresql_read(p->postgresql, a, out, e) : place_sqlite_read(p->sqlite, a, out, e);
}

bool place_refused(const struct err *e)
{
    return e->fault == FAULT_FAILED || e->fault == FAULT_POLICY;
}

int64_t place_count(struct place *p, const char *table)
{
    return p->postgresql ? place_postgresql_count(p->postgresql, table) : place_sqlite_count(p->sqlite, table);
}
