/* What both dialects' comparisons share. */
#include "gen/changes.h"

bool changes_make(struct change_list *out, const struct snapshot *from, const struct snapshot *to,
                  const struct change_options *options, struct err *e)
{
    if (from->exact->kinds == &kinds_sqlite)
        return changes_sqlite(out, from, to, options, e);
    return changes_postgresql(out, from, to, options, e);
}

void change_list_free(struct change_list *l)
{
    for (size_t i = 0; i < l->refusals.n; i++)
        err_free(&l->refusals.v[i]);
    *l = (struct change_list){.arena = l->arena};
}
