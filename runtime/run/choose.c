/*
 * Which tenants of the list a run takes, and in which order. Pure: a list and what was asked for in, the list rearranged
 * out. Ids are looked up by halving, so that ten thousand of them may be chosen among ten thousand.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "run/tenants.h"

/* -------------------------------------------------------------------------------------------------------------- ids */

static const char *nearest_id(const struct tenant_list *list, const char *id)
{
    const char *best = NULL;
    size_t length = strlen(id);
    unsigned least = 2 + (unsigned)(length < 16 ? length / 4 : 4); /* as far or further is no help */
    for (size_t i = 0; i < list->n; i++) {
        unsigned distance = str_distance(str_from(id), str_from(list->v[i].id));
        if (distance < least) {
            least = distance;
            best = list->v[i].id;
        }
    }
    return best;
}

static bool refuse_id(const struct tenant_list *list, const char *id, struct err *e)
{
    if (!id[0]) {
        err_set(e, FAULT_USAGE, "the id of a tenant is empty");
        err_hint(e, "is a variable unset? Leave the filter out to visit every tenant");
        return false;
    }
    const char *nearest = nearest_id(list, id);
    err_set(e, FAULT_USAGE, "no tenant \"%s\"", id);
    err_detail(e, "%zu tenant%s listed", list->n, list->n == 1 ? " is" : "s are");
    if (nearest)
        err_hint(e, "did you mean \"%s\"?", nearest);
    return false;
}

struct wanted {
    const char *id;
    size_t at; /* where it was first said */
    bool listed;
};

static int compare_wanted(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    int ids = strcmp(x->id, y->id);
    return ids ? ids : (x->at > y->at) - (x->at < y->at);
}

static int compare_id(const void *key, const void *item)
{
    return strcmp(key, ((const struct wanted *)item)->id);
}

/* Each id once, in their order; the caller frees it. */
static struct wanted *wanted_sorted(const struct strings *ids, size_t *n)
{
    struct wanted *sorted = mem_alloc(ids->n * sizeof *sorted + 1);
    size_t kept = 0;
    for (size_t i = 0; i < ids->n; i++)
        sorted[i] = (struct wanted){.id = ids->v[i], .at = i};
    qsort(sorted, ids->n, sizeof *sorted, compare_wanted);
    for (size_t i = 0; i < ids->n; i++)
        if (!kept || strcmp(sorted[kept - 1].id, sorted[i].id) != 0)
            sorted[kept++] = sorted[i];
    *n = kept;
    return sorted;
}

/* Sets marks[i] for each tenant that `ids` names. Gives the first id that is not listed; NULL: all are. */
static const char *mark_ids(const struct tenant_list *list, const struct strings *ids, bool *marks)
{
    size_t n, first = ids->n;
    struct wanted *wanted = wanted_sorted(ids, &n);
    for (size_t i = 0; i < list->n; i++) {
        struct wanted *hit = bsearch(list->v[i].id, wanted, n, sizeof *wanted, compare_id);
        if (hit)
            marks[i] = hit->listed = true;
    }
    for (size_t i = 0; i < n; i++)
        if (!wanted[i].listed && wanted[i].at < first)
            first = wanted[i].at;
    free(wanted);
    return first < ids->n ? ids->v[first] : NULL;
}

/* --------------------------------------------------------------------------------------------------------- choosing */

/* Clears the marks of those that no glob fits. Gives the first glob that fits nobody in the list; NULL: each does. */
static const char *mark_globs(const struct tenant_list *list, const struct strings *globs, bool *marks)
{
    size_t first = globs->n;
    bool *fits = mem_alloc(list->n + 1);
    for (size_t g = globs->n; g-- > 0;) {
        bool any = false;
        for (size_t i = 0; i < list->n; i++)
            if (fnmatch(globs->v[g], list->v[i].id, 0) == 0)
                any = fits[i] = true;
        if (!any)
            first = g;
    }
    for (size_t i = 0; globs->n && i < list->n; i++)
        marks[i] = marks[i] && fits[i];
    free(fits);
    return first < globs->n ? globs->v[first] : NULL;
}

static bool refuse_glob(const struct tenant_list *list, const char *glob, struct err *e)
{
    err_set(e, FAULT_USAGE, "no tenant's id fits \"%s\"", glob);
    err_detail(e, "%zu tenant%s listed", list->n, list->n == 1 ? " is" : "s are");
    err_hint(e, "* stands for any text, ? for one byte, [a-f] for one of these; case counts");
    return false;
}

/* Sets marks[i] for each chosen tenant, whichever shard it is in. */
static bool mark_chosen(const struct tenant_list *list, const struct choice *c, bool *marks, struct err *e)
{
    bool ok = true;
    bool *except = mem_alloc(list->n + 1);
    memset(marks, !c->has_only, list->n);
    const char *unlisted = c->has_only ? mark_ids(list, &c->only, marks) : NULL;
    const char *idle = mark_globs(list, &c->match, marks);
    const char *unknown = mark_ids(list, &c->except, except);
    for (size_t i = 0; i < list->n; i++)
        marks[i] = marks[i] && !except[i];
    free(except);
    if (unlisted || unknown)
        ok = refuse_id(list, unlisted ? unlisted : unknown, e);
    else if (idle)
        ok = refuse_glob(list, idle, e);
    return ok;
}

static void keep_marked(struct tenant_list *list, const struct shard *shard, const bool *marks)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (marks[i] && (!shard->count || tenant_shard(list->v[i].id, shard->count) == shard->index))
            list->v[n++] = list->v[i];
    list->n = n;
}

static bool refuse_nobody(const struct choice *c, struct err *e)
{
    err_set(e, FAULT_USAGE, "no tenant is left");
    err_detail(e, "each filter fits somebody, and nobody fits all of them");
    if (c->except.n)
        err_hint(e, "--exclude takes away from what the others chose");
    return false;
}

static bool is_any(const bool *marks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (marks[i])
            return true;
    return false;
}

bool tenants_choose(struct tenant_list *list, const struct choice *choice, struct err *e)
{
    bool *marks = mem_alloc(list->n + 1);
    bool ok = mark_chosen(list, choice, marks, e);
    bool nobody_asked = choice->has_only && !choice->only.n;
    if (ok && list->n && !nobody_asked && !is_any(marks, list->n))
        ok = refuse_nobody(choice, e);
    if (ok)
        keep_marked(list, &choice->shard, marks);
    free(marks);
    return ok;
}

void tenants_keep(struct tenant_list *list, const struct choice *choice)
{
    AUTO_ERR whatever = {0};
    bool *marks = mem_alloc(list->n + 1);
    mark_chosen(list, choice, marks, &whatever);
    keep_marked(list, &choice->shard, marks);
    free(marks);
}

/* ---------------------------------------------------------------------------------------------------------- ordering */

struct position {
    bool canary;
    int32_t wave;
    size_t at; /* in the list's own order */
};

static int compare_positions(const void *a, const void *b)
{
    const struct position *x = a, *y = b;
    if (x->canary != y->canary)
        return x->canary ? -1 : 1;
    if (!x->canary && x->wave != y->wave)
        return x->wave < y->wave ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void reorder(struct tenant_list *list, const struct position *order)
{
    struct tenant *sorted = mem_alloc(list->n * sizeof *sorted + 1);
    for (size_t i = 0; i < list->n; i++)
        sorted[i] = list->v[order[i].at];
    if (list->n)
        memcpy(list->v, sorted, list->n * sizeof *sorted);
    free(sorted);
}

/* Where stages end: after the canaries, where the wave changes, and where a wave is full. */
static void cut(struct arena *a, const struct position *order, size_t n, size_t wave_size, struct stages *out)
{
    VEC(size_t) ends = {0};
    size_t begin = out->canaries;
    if (out->canaries)
        vec_push(a, &ends, out->canaries);
    for (size_t i = out->canaries + 1; i <= n; i++)
        if (i == n || order[i].wave != order[i - 1].wave || (wave_size && i - begin == wave_size)) {
            vec_push(a, &ends, i);
            begin = i;
        }
    out->ends = ends.v;
    out->n = ends.n == 1 && !out->canaries ? 0 : ends.n; /* a single wave is everybody at once */
}

/* Most fleets are not, and need no second copy of the list. */
static bool is_staged(const struct tenant_list *list, const struct rollout *rollout)
{
    if (rollout->canaries.n || rollout->canary_number || rollout->wave_size)
        return true;
    for (size_t i = 1; i < list->n; i++)
        if (list->v[i].wave != list->v[0].wave)
            return true;
    return false;
}

bool tenants_arrange(struct tenant_list *list, const struct rollout *rollout, struct stages *out, struct err *e)
{
    *out = (struct stages){0};
    if (!is_staged(list, rollout))
        return true;
    bool *marks = mem_alloc(list->n + 1);
    const char *unlisted = mark_ids(list, &rollout->canaries, marks);
    if (unlisted) {
        free(marks);
        refuse_id(list, unlisted, e);
        err_context(e, "--canary");
        return false;
    }
    struct position *order = mem_alloc(list->n * sizeof *order + 1);
    for (size_t i = 0; i < list->n; i++) {
        order[i] = (struct position){.canary = marks[i], .wave = list->v[i].wave, .at = i};
        out->canaries += marks[i];
    }
    free(marks);
    qsort(order, list->n, sizeof *order, compare_positions);
    if (!rollout->canaries.n)
        out->canaries = rollout->canary_number < list->n ? rollout->canary_number : list->n;
    reorder(list, order);
    cut(&list->arena, order, list->n, rollout->wave_size, out);
    free(order);
    return true;
}
