/* What upgrade, downgrade and stamp have in common. */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include "cli/visits.h"

/* Refuses a target that no database could have (unknown revision, bad grammar) before anything is connected to. */
bool migrate_check_target(struct app *app, const struct stream *stream, enum job_kind kind, const char *target,
                          struct err *e);
/* Runs v->job on every database and says what came of it. The exit status. */
int migrate_run(struct visits *v);
/* Shows the plans instead (--dry-run). */
int migrate_dry_run(struct visits *v, enum job_kind kind);
/* Prints the script instead (--sql); nothing is connected to. */
int migrate_script(struct app *app, const struct stream *stream, enum job_kind kind);
/*
 * A relative target means different revisions to tenants that stand at different rows: refuses that (FAULT_USAGE) with
 * the groups and the absolute revision that each step leads to. When all stand alike the job's target becomes that
 * revision. *status is set, and false returned, when tenants could not be read.
 */
bool migrate_check_even(struct visits *v, enum job_kind kind, int *status, struct err *e);

#endif
