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

/* Of a row whose columns the list knows. */
static bool make_tenant(struct tenant_list *list, const struct db_row *row, struct tenant *out, struct err *e)
{
    const char *const *values = copy_values(&list->arena, row);
    *out = (struct tenant){
        .id = value_of(list, values, "tenant_id"),
        .url = value_of(list, values, "database_url"),
        .schema = value_of(list, values, "schema"),
        .values = values,
    };
    return parse_wave(out->id, value_of(list, values, "wave"), &out->wave, e);
}

static bool check_row(struct tenant_list *list, const struct db_row *row, struct err *e)
{
    if (!list->columns.n && !learn_columns(list, row, e))
        return false;
    if (!value_of(list, row->values, "tenant_id")) {
        err_set(e, FAULT_CONFIG, "row %zu of tenants_query has no tenant_id", list->n + 1);
        err_hint(e, "leave such rows out: … WHERE tenant_id IS NOT NULL");
        return false;
    }
    return true;
}

bool tenants_add(struct tenant_list *list, const struct db_row *row, struct err *e)
{
    struct tenant t;
    if (!check_row(list, row, e) || !make_tenant(list, row, &t, e))
        return false;
    vec_push(&list->arena, list, t);
    return true;
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

/*
 * The list while its rows arrive: on the heap, where growing leaves nothing behind, as it would in the arena. In the end it
 * moves there.
 */
struct reading {
    struct tenant_list *list;
    const char **known; /* sorted */
    size_t n_known;
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_known(struct reading *r, const struct tenant_list *known)
{
    r->known = mem_alloc(known->n * sizeof *r->known);
    for (size_t i = 0; i < known->n; i++)
        r->known[r->n_known++] = known->v[i].id;
    if (r->n_known)
        qsort(r->known, r->n_known, sizeof *r->known, compare_texts);
}

static bool read_row(void *context, const struct db_row *row, struct err *e)
{
    struct reading *r = context;
    struct tenant_list *list = r->list;
    if (!check_row(list, row, e))
        return false;
    const char *id = value_of(list, row->values, "tenant_id");
    if (r->n_known && bsearch(&id, r->known, r->n_known, sizeof *r->known, compare_texts))
        return true;
    if (list->n == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->v = mem_resize(list->v, list->cap * sizeof *list->v);
    }
    return make_tenant(list, row, &list->v[list->n], e) && ++list->n;
}

static void move_to_arena(struct tenant_list *list)
{
    struct tenant *rows = list->v;
    list->v = ARENA_ARRAY(&list->arena, struct tenant, list->n);
    list->cap = list->n;
    if (list->n)
        memcpy(list->v, rows, list->n * sizeof *rows);
    free(rows);
}

bool tenants_read_new(const struct job *registry_job, const struct place *registry, const char *query,
                      const struct tenant_list *known, struct tenant_list *out, struct err *e)
{
    struct reading reading = {.list = out};
    struct job job = *registry_job;
    struct db_options options;
    struct db *db = NULL;
    bool created = false;
    *out = (struct tenant_list){0};
    job.kind = JOB_READ;
    sort_known(&reading, known);
    connect_options(&job, registry, &options);
    bool ok = connect_open(&job, registry, &options, 0, &db, &created, e) &&
              db_query(db, query, read_row, &reading, e) && tenants_check(out, e);
    db_close(db);
    move_to_arena(out);
    free(reading.known);
    if (!ok) {
        explain(&job, e);
        tenants_free(out);
    }
    return ok;
}

bool tenants_read(const struct job *registry_job, const struct place *registry, const char *query,
                  struct tenant_list *out, struct err *e)
{
    return tenants_read_new(registry_job, registry, query, &(struct tenant_list){0}, out, e);
}

void tenants_free(struct tenant_list *list)
{
    arena_free(&list->arena);
    *list = (struct tenant_list){0};
}
