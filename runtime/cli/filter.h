/*
 * Which tenants a command means: --tenant, -x tenant_id=, --tenants-from, --retry-failed, --match, --exclude, --shard and
 * --all-tenants; and who of them comes first: --canary.
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "cli/app.h"

/*
 * Reads what the command line says of tenants into app->choice, files and stdin included, which are read here and only
 * here. Refuses (FAULT_USAGE) another -x key, an empty id, a list that cannot be used, a filter where there are no
 * tenants, and a command that writes without running a revision and was not told for whom. Nothing is connected to:
 * whether an id exists is seen when the registry's list is read. FAULT_CONFIG: --shard auto finds no share.
 */
bool filter_check(struct app *app, struct err *e);
/* app->choice for one stream: with those that failed there by the report of --retry-failed. FAULT_USAGE. */
bool filter_read(struct app *app, const struct stream *stream, struct choice *out, struct err *e);
/* --canary, without the size of the waves. FAULT_USAGE. */
bool filter_canaries(struct app *app, struct rollout *out, struct err *e);

#endif
