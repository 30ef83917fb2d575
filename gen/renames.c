#include "gen/renames.h"
bool renames_find(struct arena *a, const struct snapshot *start, const struct snapshot *goal, struct hints *hints,
                  const struct strings *words, const struct policy *policy, struct findings *out,
                  struct rename_plan *plan, struct err *e)
{
    (void)a, (void)start, (void)goal, (void)hints, (void)words, (void)policy, (void)out, (void)plan, (void)e;
    return true;
}
