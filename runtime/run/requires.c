/* What revisions of a fleet require of the registry's database. Pure: what it has was read before. */
#include <string.h>

#include "run/visit.h"

static bool is_met(const struct job *job, const struct revision *r, const struct revision_requirement *need,
                   struct err *e)
{
    const char *program = job->catalogue ? job->catalogue->program : "profile-migrate";
    bool known = job->registry_applied && job->registry_stream && strcmp(need->stream, job->registry_stream) == 0;
    if (known && strings_has(job->registry_applied, need->revision))
        return true;
    err_set(e, FAULT_REQUIRES, "revision %s requires %s@%s, which %s", r->id, need->stream, need->revision,
            known ? "is not applied yet" : "this run knows nothing of");
    err_hint(e, "run `%s %s head` first", program, need->stream);
    e->cut = true;
    return false;
}

bool requirements_met(const struct job *job, const struct plan *plan, struct err *e)
{
    for (size_t i = 0; i < plan->n; i++)
        for (uint32_t k = 0; k < plan->steps[i].revision->n_requires; k++)
            if (!is_met(job, plan->steps[i].revision, &plan->steps[i].revision->requires[k], e))
                return false;
    return true;
}

bool requirements_ahead(struct arena *a, const struct job *job, struct err *e)
{
    struct target t = {0};
    struct plan plan = {0};
    struct strings base = {0};
    AUTO_ERR ignored = {0};
    if (!target_parse(job->target, &t, &ignored) || t.shape == TARGET_RELATIVE || str_is(t.symbol, "current") ||
        !plan_upgrade(a, job->graph, &base, job->target, &plan, &ignored))
        return true;
    return requirements_met(job, &plan, e);
}
