/*
 * The template of a fleet: a database that holds no tenant, from which those of new tenants are copied. Before the first copy
 * a run makes it when it is missing, and brings it to head as it would a tenant; so what is refused of a tenant (it is ahead,
 * diverged, a revision was edited) is refused of it, before anything of a new tenant exists.
 *
 * Only what is meant to be copied is: a PostgreSQL database that pg_database calls a template, a SQLite file whose name ends
 * in ".template". A tenant's own database, named by mistake, would hand its rows to another tenant.
 */
#ifndef RUN_TEMPLATE_H
#define RUN_TEMPLATE_H

#include <pthread.h>

#include "run/visit.h"

/* Shared by the visits of a run; the command owns it. */
struct template
{
    const char *name; /* PostgreSQL: a database of the tenant's server; SQLite: a file */
    pthread_mutex_t lock;
    struct arena arena;
    struct strings ready; /* where it was found fit, or made so */
};

struct template *template_new(struct arena *a, const char *name);
void template_free(struct template *t); /* NULL is fine */
/* Is the place's database, should it be missing, to be copied from one? */
bool template_counts(const struct job *job, const struct place *where);
/*
 * True when the template of this place stands at head and may be copied; looks once in a run for each server. FAULT_CONFIG,
 * FAULT_POLICY, and whatever a visit may end with.
 */
bool template_ready(const struct job *job, const struct place *where, struct err *e);

#endif
