/*
 * Shares of a fleet for processes that know nothing of each other: which one a tenant is in, and which one a process is to
 * take, from a word or from the variables of an engine that runs arrays of tasks. The environment is the caller's.
 */
#include <string.h>

#include "base/hash.h"
#include "run/tenants.h"

uint32_t tenant_shard(const char *id, uint32_t count)
{
    uint8_t sum[SHA256_BYTES];
    uint64_t first = 0;
    hash_once(id, strlen(id), sum);
    for (size_t i = 0; i < 8; i++)
        first = first << 8 | sum[i];
    return (uint32_t)(first % count);
}

bool shard_parse(struct str text, struct shard *out, struct err *e)
{
    size_t slash = str_find(text, '/');
    uint64_t index, count;
    if (!str_number(str_slice(text, 0, slash), UINT32_MAX, &index) ||
        !str_number(str_slice(text, slash + 1, text.n), UINT32_MAX, &count)) {
        err_set(e, FAULT_USAGE, "--shard \"%.*s\" is no share", STR_ARG(text));
        err_hint(e, "I/N, the share I of N, counted from 0: 0/4, 1/4, 2/4, 3/4; or auto");
        return false;
    }
    if (!count)
        return err_set(e, FAULT_USAGE, "--shard %.*s: there are no shares of none", STR_ARG(text));
    if (index >= count) {
        err_set(e, FAULT_USAGE, "--shard %.*s: there is no such share", STR_ARG(text));
        err_hint(e, "shares count from 0; the last one is %llu/%llu", (unsigned long long)count - 1,
                 (unsigned long long)count);
        return false;
    }
    *out = (struct shard){.index = (uint32_t)index, .count = (uint32_t)count};
    return true;
}

/* ------------------------------------------------------------------------------------------------------ environment */

struct environment {
    const char *(*variable)(const char *name);
    const char *shards; /* the name of the variable that says how many there are */
};

/* An empty variable counts as unset, as everywhere. */
static const char *value_of(const struct environment *env, const char *name)
{
    const char *value = env->variable(name);
    return value && *value ? value : NULL;
}

/* As many as there can be, and how to say which. */
static void hint_spelling(const struct environment *env, struct err *e)
{
    err_hint(e, "pass --shard I/N, or set %s to how many shares there are", env->shards);
}

static bool read_number(const struct environment *env, const char *name, uint64_t *out, struct err *e)
{
    const char *value = value_of(env, name);
    if (!value) {
        err_set(e, FAULT_CONFIG, "--shard auto: %s is not set", name);
        hint_spelling(env, e);
        return false;
    }
    return str_number(str_from(value), UINT32_MAX, out) ||
           err_set(e, FAULT_CONFIG, "--shard auto: %s is \"%s\", which is no number up to %u", name, value, UINT32_MAX);
}

/* The task's number is the share's own: a part of an array that is submitted again keeps its shares. */
static bool count_is_set(const struct environment *env, const char *task, uint64_t *index, uint64_t *count,
                         struct err *e)
{
    if (!read_number(env, task, index, e) || !read_number(env, env->shards, count, e))
        return false;
    if (!*count)
        return err_set(e, FAULT_CONFIG, "--shard auto: %s is 0", env->shards);
    if (*index < *count)
        return true;
    err_set(e, FAULT_CONFIG, "--shard auto: %s is %llu, and %s is %llu", task, (unsigned long long)*index, env->shards,
            (unsigned long long)*count);
    err_hint(e, "shares count from 0: the last task is %llu", (unsigned long long)*count - 1);
    return false;
}

/* Slurm tells the whole array; one with holes does not say which shares there are. */
static bool slurm_array(const struct environment *env, uint64_t *index, uint64_t *count, struct err *e)
{
    uint64_t id, least, most, step;
    if (!read_number(env, "SLURM_ARRAY_TASK_ID", &id, e) || !read_number(env, "SLURM_ARRAY_TASK_MIN", &least, e) ||
        !read_number(env, "SLURM_ARRAY_TASK_MAX", &most, e) || !read_number(env, "SLURM_ARRAY_TASK_STEP", &step, e) ||
        !read_number(env, "SLURM_ARRAY_TASK_COUNT", count, e))
        return false;
    bool even = step && least <= id && id <= most && (id - least) % step == 0 && (most - least) / step + 1 == *count;
    if (even) {
        *index = (id - least) / step;
        return true;
    }
    err_set(e, FAULT_CONFIG, "--shard auto: the Slurm array is irregular");
    err_detail(e, "task %llu of %llu, from %llu to %llu in steps of %llu", (unsigned long long)id,
               (unsigned long long)*count, (unsigned long long)least, (unsigned long long)most,
               (unsigned long long)step);
    hint_spelling(env, e);
    return false;
}

bool shard_from_environment(const char *shards, const char *(*variable)(const char *name), struct shard *out,
                            struct err *e)
{
    static const char slurm[] = "SLURM_ARRAY_TASK_ID", kubernetes[] = "JOB_COMPLETION_INDEX";
    struct environment env = {.variable = variable, .shards = shards};
    bool is_slurm = value_of(&env, slurm), is_kubernetes = value_of(&env, kubernetes);
    uint64_t index, count;
    if (is_slurm && is_kubernetes) {
        err_set(e, FAULT_CONFIG, "--shard auto: both %s and %s are set", slurm, kubernetes);
        err_hint(e, "pass --shard I/N");
        return false;
    }
    if (!is_slurm && !is_kubernetes) {
        err_set(e, FAULT_CONFIG, "--shard auto: neither %s nor %s is set", slurm, kubernetes);
        err_hint(e, "pass --shard I/N; auto knows Slurm arrays and Kubernetes Indexed Jobs");
        return false;
    }
    bool ok = is_slurm && !value_of(&env, shards)
                  ? slurm_array(&env, &index, &count, e)
                  : count_is_set(&env, is_slurm ? slurm : kubernetes, &index, &count, e);
    if (ok)
        *out = (struct shard){.index = (uint32_t)index, .count = (uint32_t)count};
    return ok;
}
