/* Which tenants a command means: --tenant, -x tenant_id= and --all-tenants. */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "cli/app.h"

/* The ids that --tenant and -x name, none: everybody. FAULT_USAGE: another -x key, an empty id. */
bool filter_read(const struct app *app, struct arena *a, struct strings *out, struct err *e);
/*
 * Refuses (FAULT_USAGE) what filter_read() refuses, a filter where there are no tenants, and a command that writes
 * without running a revision and was not told for whom.
 */
bool filter_check(const struct app *app, struct err *e);

#endif
