/*
 * The tenants of a fleet: read from the registry, chosen, and put into the order in which a run takes them.
 */
#ifndef RUN_TENANTS_H
#define RUN_TENANTS_H

#include "run/visit.h"

/* A row of tenants_query. All strings live in the list's arena; values of NULL columns are NULL. */
struct tenant {
    const char *id;
    const char *url;           /* column database_url */
    const char *schema;        /* column schema */
    int32_t wave;              /* column wave, from 0; INT32_MAX: without one */
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
/* The same, without those that `known` has: a list that is read again costs no more than who is new. */
bool tenants_read_new(const struct job *registry_job, const struct place *registry, const char *query,
                      const struct tenant_list *known, struct tenant_list *out, struct err *e);
/* What it is made of: one row (the first says the columns), and the check of the whole. */
bool tenants_add(struct tenant_list *list, const struct db_row *row, struct err *e);
bool tenants_check(const struct tenant_list *list, struct err *e);
void tenants_free(struct tenant_list *list);

/* Which tenants of the list a command means. The zero value: all. Every part narrows what those before it left. */
struct choice {
    bool has_only;         /* `only` counts, even when it is empty */
    struct strings only;   /* ids: --tenant, -x, --tenants-from, --retry-failed together */
    struct strings match;  /* --match: globs, as fnmatch() takes them; one that fits is enough */
    struct strings except; /* --exclude: ids */
    struct shard {
        uint32_t index, count; /* count 0: no shards */
    } shard;
};
/*
 * Keeps the chosen ones, in the list's own order; the list stays as it is when that is refused. FAULT_USAGE: an empty id;
 * one in `only` or `except` that is not listed (names the nearest); a glob that fits no id of the list; and when nobody is
 * left, unless `only` was empty. A shard may be empty. O(n log n) in tenants and ids together, plus tenants × globs.
 *
 * GLOBS are fnmatch(3)'s without flags, in the C locale: "*" is any text, "?" one byte, "[a-f]" and "[!a-f]" one byte of
 * a set; a backslash takes away a meaning. Case counts.
 */
bool tenants_choose(struct tenant_list *list, const struct choice *choice, struct err *e);
/* As tenants_choose() for a part of the list it was asked of before: what is not listed here may be listed there. */
void tenants_keep(struct tenant_list *list, const struct choice *choice);
/*
 * A tenant's shard: the first eight bytes of the SHA-256 of its id, as a big-endian number, modulo `count`, which is not
 * 0. It depends on nothing else, so it stays where it is when others come and go.
 */
uint32_t tenant_shard(const char *id, uint32_t count);
/* "I/N", I from 0. FAULT_USAGE with what is wrong. */
bool shard_parse(struct str text, struct shard *out, struct err *e);
/*
 * --shard auto: from the variables of a Slurm array (SLURM_ARRAY_TASK_ID, _MIN, _MAX, _STEP, _COUNT) or a Kubernetes
 * Indexed Job (JOB_COMPLETION_INDEX). `shards` is the name of the variable that says how many shares there are; where it
 * is set, the index is the task's number itself, so that a part of an array that is submitted again keeps its shares.
 * Kubernetes does not tell how many, so there it must be set. `variable` gives an environment variable's value or NULL;
 * an empty one is unset. FAULT_CONFIG with what to set: neither engine's variables are there, or both; a variable is
 * missing or no number; the array is irregular; the number is none of the shares.
 */
bool shard_from_environment(const char *shards, const char *(*variable)(const char *name), struct shard *out,
                            struct err *e);
/*
 * Appends the ids of a text with one on each line. White space around it (and the CR of a CRLF) does not count, nor do
 * empty lines, lines that begin with "#", and a byte order mark; everything else is the id. FAULT_USAGE with
 * path:line:column: text that is not UTF-8 or has a NUL, or no id at all. `name` is the file's.
 */
bool tenants_parse(struct arena *a, struct str text, const char *name, struct strings *out, struct err *e);

/*
 * The order of a run: parts of the list that begin one after another, each when the one before it is through. The first
 * may be the canaries, which must all succeed; the others are waves.
 */
struct stages {
    size_t *ends;    /* stage i is list->v[ends[i - 1] .. ends[i]); lives in the list's arena */
    size_t n;        /* 0: everybody at once */
    size_t canaries; /* how many the first stage has because they are canaries; 0: there are none */
};
struct rollout {
    size_t canary_number;    /* --canary N: so many, the first of the first wave */
    struct strings canaries; /* --canary ID,…: these, in the list's order */
    size_t wave_size;        /* 0: the column wave alone makes waves */
};
/*
 * The value of --canary. A whole number is how many, and not 0; anything else ids, separated by commas. One comma may end
 * them: "7," is the tenant 7. Ids are taken literally; one that holds a comma cannot be said here. FAULT_USAGE.
 */
bool canary_parse(struct arena *a, struct str text, struct rollout *out, struct err *e);
/*
 * Puts list->v into that order: canaries, then waves, the lowest first, each in the list's own order and cut where it is
 * full. Canaries by number are the first of that order. A single wave without canaries is everybody at once. FAULT_USAGE:
 * an id not in the list.
 */
bool tenants_arrange(struct tenant_list *list, const struct rollout *rollout, struct stages *out, struct err *e);

#endif
