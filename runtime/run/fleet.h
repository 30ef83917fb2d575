/*
 * Many visits: tenants of a registry, worker threads over one queue. A tenant's failure never stops or blocks another.
 */
#ifndef RUN_FLEET_H
#define RUN_FLEET_H

#include "run/visit.h"

/* A row of tenants_query. All strings live in the list's arena; values of NULL columns are NULL. */
struct tenant {
    const char *id;
    const char *url;           /* column database_url */
    const char *schema;        /* column schema */
    const char *const *values; /* all columns, in the order of tenant_list.columns, for {column} in templates */
};

struct tenant_list {
    struct arena arena;
    struct strings columns;
    struct tenant *v;
    size_t n;
    size_t cap;
};

/*
 * Runs tenants_query on the registry's database. FAULT_CONFIG with a hint to run `PROGRAM REGISTRY head` when the table
 * is not there; also when a row has no tenant_id, an id stands twice, or there is no tenant_id column.
 */
bool tenants_read(const struct job *registry_job, const struct place *registry, const char *query,
                  struct tenant_list *out, struct err *e);
/* What it is made of: one row (the first says the columns), and the check of the whole. */
bool tenants_add(struct tenant_list *list, const struct db_row *row, struct err *e);
bool tenants_check(const struct tenant_list *list, struct err *e);
void tenants_free(struct tenant_list *list);
/*
 * Keeps those named in `only` (all when it is empty), in the list's own order. An empty id, or one that is not listed, is
 * FAULT_USAGE and names the nearest.
 */
bool tenants_filter(struct tenant_list *list, const struct strings *only, struct err *e);

/* Makes the address of a tenant; supplied by the command, which knows settings and environment. Thread-safe. */
struct addresser {
    bool (*place)(void *context, struct arena *a, const struct tenant_list *list, const struct tenant *t,
                  struct place *out, struct err *e);
    void *context;
};

struct fleet_options {
    size_t jobs;
    /* Called for every tenant as its visit ends, one call at a time, in order of completion. */
    void (*done)(void *context, const struct tenant *t, const struct place *where, const struct outcome *outcome);
    void *context;
    struct observer observer;
};

/* What must outlive the visits: at most a few bytes a tenant, plus the errors. */
enum tenant_state { TENANT_NOT_STARTED, TENANT_DONE, TENANT_SKIPPED, TENANT_FAILED };
struct tenant_failure {
    size_t tenant; /* index in the list */
    enum fault fault;
    const char *revision; /* NULL: none */
    struct err err;
};
struct fleet_result {
    uint8_t *states; /* enum tenant_state, one a tenant */
    size_t done, skipped, failed, not_started;
    size_t changed; /* tenants where at least one step was committed */
    size_t steps;
    struct tenant_failure *failures; /* in the list's order */
    size_t n_failures;
    size_t failures_cap;
};
/* False only when the fleet could not be run at all (*e); tenants' failures are in the result. */
bool fleet_run(const struct job *job, const struct tenant_list *list, const struct addresser *addresser,
               const struct fleet_options *options, struct fleet_result *out, struct err *e);
void fleet_free(struct fleet_result *result);

/*
 * The process's status over all failures: the first that applies of 2, 1, 5, 4, 3, 0. `tolerated` failures (a number, or
 * a share of all) do not count towards 1, 4 and 5. 2 says that nothing was touched: where a database was changed, it is 1.
 */
struct tolerance {
    uint64_t number;
    unsigned percent; /* 0..100; used when is_percent */
    bool is_percent;
};
int fleet_exit_code(const struct fleet_result *result, size_t n_tenants, const struct tolerance *tolerance);

#endif
