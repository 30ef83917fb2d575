/*
 * The tenants of a fleet: what tenants_query says, checked. Reads the registry's database, never writes to it.
 */
#include <stdlib.h>
#include <string.h>

#include "run/tenants.h"
#include "run/work.h"

/* ---------------------------------------------------------------------------------------------------------- reading */

/* The value in the column of that name; NULL where the column is missing, the value is, or it is empty. */
static const char *value_of(const struct tenant_list *list, const char *const *values, const char *column)
{
    for (size_t i = 0; i < list->columns.n; i++)
        if (strcmp(list->columns.v[i], column) == 0)
            return values[i] && values[i][0] ? values[i] : NULL;
    return NULL;
}

static bool learn_columns(struct tenant_list *list, const struct db_row *row, struct err *e)
{
    for (size_t i = 0; i < row->n; i++)
        vec_push(&list->arena, &list->columns, arena_strdup(&list->arena, row->names[i]));
    if (strings_has(&list->columns, "tenant_id"))
        return true;
    BUF_AUTO names = {0};
    strings_join(&names, &list->columns, ", ");
    err_set(e, FAULT_CONFIG, "tenants_query gives no column tenant_id");
    err_detail(e, "its columns are: %s", names.n ? names.p : "none");
    err_hint(e, "name it in the query: SELECT id AS tenant_id, …");
    return false;
}

/* One piece of memory a row: the pointers, then the texts. */
static const char *const *copy_values(struct arena *a, const struct db_row *row)
{
    size_t texts = 0;
    for (size_t i = 0; i < row->n; i++)
        texts += row->values[i] ? strlen(row->values[i]) + 1 : 0;
    const char **values = arena_alloc(a, row->n * sizeof *values + texts);
    char *at = (char *)(values + row->n);
    for (size_t i = 0; i < row->n; i++) {
        if (!row->values[i])
            continue;
        size_t n = strlen(row->values[i]) + 1;
        memcpy(at, row->values[i], n);
        values[i] = at;
        at += n;
    }
    return values;
}

/* NULL comes last. */
static bool parse_wave(const char *id, const char *text, int32_t *out, struct err *e)
{
    uint64_t wave = INT32_MAX;
    if (text && !str_number(str_from(text), INT32_MAX - 1, &wave)) {
        err_set(e, FAULT_CONFIG, "tenant \"%s\": its wave \"%s\" is no whole number from 0 to %d", id, text,
                INT32_MAX - 1);
        err_hint(e, "the lowest wave comes first; null comes last");
        return false;
    }
    *out = (int32_t)wave;
    return true;
}

bool tenants_add(struct tenant_list *list, const struct db_row *row, struct err *e)
{
    if (!list->columns.n && !learn_columns(list, row, e))
        return false;
    if (!value_of(list, row->values, "tenant_id")) {
        err_set(e, FAULT_CONFIG, "row %zu of tenants_query has no tenant_id", list->n + 1);
        err_hint(e, "leave such rows out: … WHERE tenant_id IS NOT NULL");
        return false;
    }
    const char *const *values = copy_values(&list->arena, row);
    struct tenant t = {
        .id = value_of(list, values, "tenant_id"),
        .url = value_of(list, values, "database_url"),
        .schema = value_of(list, values, "schema"),
        .values = values,
    };
    if (!parse_wave(t.id, value_of(list, values, "wave"), &t.wave, e))
        return false;
    vec_push(&list->arena, list, t);
    return true;
}

static bool add_row(void *context, const struct db_row *row, struct err *e)
{
    return tenants_add(context, row, e);
}

static int compare_ids(const void *a, const void *b)
{
    const struct tenant *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

/* The tenants in the order of their ids; the caller frees it. */
static const struct tenant **sorted_by_id(const struct tenant_list *list)
{
    const struct tenant **sorted = mem_alloc(list->n * sizeof *sorted);
    for (size_t i = 0; i < list->n; i++)
        sorted[i] = &list->v[i];
    qsort(sorted, list->n, sizeof *sorted, compare_ids);
    return sorted;
}

bool tenants_check(const struct tenant_list *list, struct err *e)
{
    const struct tenant **sorted = sorted_by_id(list);
    bool ok = true;
    for (size_t i = 1; ok && i < list->n; i++) {
        if (strcmp(sorted[i - 1]->id, sorted[i]->id) != 0)
            continue;
        ok = err_set(e, FAULT_CONFIG, "tenants_query lists tenant \"%s\" twice", sorted[i]->id);
        err_hint(e, "an id names one database; make the query say each once");
    }
    free(sorted);
    return ok;
}

/* "no such table" is all that SQLite says; PostgreSQL has a number for it. */
static bool is_missing_table(const struct err *e)
{
    return strcmp(e->sqlstate, "42P01") == 0 || (e->message && strstr(e->message, "no such table"));
}

static void explain(const struct job *job, struct err *e)
{
    const char *program = job->catalogue ? job->catalogue->program : "profile-migrate";
    const char *registry = graph_stream(job->graph)->name;
    if (is_missing_table(e)) {
        e->fault = FAULT_CONFIG;
        err_context(e, "the list of tenants cannot be read");
        err_hint(e, "run `%s %s head` first", program, registry);
    } else if (e->fault == FAULT_MISSING) {
        e->fault = FAULT_CONFIG; /* as the table that is not there yet */
        err_hint(e, "it lists the tenants; run `%s %s head` first", program, registry);
    } else if (e->fault == FAULT_FAILED || e->fault == FAULT_POLICY) {
        e->fault = FAULT_CONFIG; /* the query is a setting, and nothing was touched */
        err_context(e, "tenants_query");
    }
}

bool tenants_read(const struct job *registry_job, const struct place *registry, const char *query,
                  struct tenant_list *out, struct err *e)
{
    struct job job = *registry_job;
    struct db_options options;
    struct db *db = NULL;
    bool created = false;
    *out = (struct tenant_list){0};
    job.kind = JOB_READ;
    connect_options(&job, registry, &options);
    bool ok = connect_open(&job, registry, &options, 0, &db, &created, e) && db_query(db, query, add_row, out, e) &&
              tenants_check(out, e);
    db_close(db);
    if (!ok) {
        explain(&job, e);
        tenants_free(out);
    }
    return ok;
}

void tenants_free(struct tenant_list *list)
{
    arena_free(&list->arena);
    *list = (struct tenant_list){0};
}
