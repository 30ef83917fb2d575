/* What `status` found out, between those who count and those who print. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "cli/visits.h"

/* The last four have no version rows. Absent: missing, and skipped for that; missing: a failure. */
enum standing { AT_HEAD, BEHIND, EDITED, AHEAD, DIVERGED, ABSENT, MISSING, FAILING, NOT_STARTED, STANDINGS };

/* Databases with the same version rows. */
struct group {
    struct strings rows;
    enum standing standing;
    size_t pending, n;
    size_t first; /* the first of them in the list, as an example */
};

struct status {
    struct arena arena;
    VEC(struct group) groups;
    size_t n[STANDINGS];
    /* Beside the list of tenants: 1 + the index of the tenant's group; 0: none yet. NULL without --tenants. */
    uint32_t *group_of;
};

/* Title, tenants where they are wanted, table and totals, as text. */
void status_print(struct visits *v, const struct status *s);
/* The messages of the group's rows that this executable knows. */
void status_messages(struct buf *out, const struct visits *v, const struct group *g);
/* Why that tenant of the list failed; NULL: it did not. */
const struct tenant_failure *status_failure(const struct visits *v, size_t tenant);

#endif
