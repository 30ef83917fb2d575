/*
 * What the registry remembers of a fleet, so that tenants known to be at head need no visit: ten thousand idle tenants cost
 * one query. It is a hint, never the truth: each tenant's own version rows decide, and whatever the ledger cannot vouch for
 * is visited.
 *
 * THE TABLE migrate_ledger stands in the registry's database beside its migrate_log. Columns are only ever added, nullable.
 *
 *     column      type         what it holds
 *     stream      text         primary key, with tenant
 *     tenant      text         "": no tenant, but when rows of the stream were forgotten last (`visited`)
 *     target      text         the address: host:port/database, or the file's path; with a schema " schema NAME", and
 *                              whatever else leads elsewhere (options, service, another version table). No role, no secret
 *     server      text         outcome.server at the visit
 *     registry    text         the registry itself: system identifier and the database's oid; SQLite: device and inode
 *     rows        text         version rows, sorted by bytes, joined with ","
 *     digest      text         the stream's sum (model/revision.h): another set of revisions is another sum, another release
 *                              of the application is not
 *     visited     timestamptz  when the visit began, by the registry's clock; SQLite: text, UTC
 *
 * A ROW IS BELIEVED of a tenant when registry, digest and rows are what this run has (rows: those of the heads), the
 * address is the same, it is younger than max_age, and the tenant's server was seen in this run to be the same one: so
 * the first tenants of each server are visited, whatever the ledger says (a SQLite file is simply looked at). A random
 * sample is visited too. A tenant of either kind that turns out not to be where the ledger said raises doubt, and then
 * everybody is visited.
 *
 * WHAT IT CANNOT SEE without a visit, and only age, the sample and --no-ledger find: a PostgreSQL database that was dropped
 * and made anew, restored or changed by hand at the same address; servers that are copies of each other's files and on the
 * same time line, the registry among them.
 *
 * A visit that began before the stream's rows were forgotten last is not written down, however late its run writes. So a
 * run that takes tenants from their heads forgets twice: before it begins, lest it be killed on the way, and when it is
 * through, for who saw a tenant at head in between.
 *
 * Nothing here fails a run: a registry that cannot be read or written is warned of once, and then nothing is believed. The
 * exception is ledger_forget(), since a row that outlives a downgrade would be a lie.
 */
#ifndef RUN_LEDGER_H
#define RUN_LEDGER_H

#include "run/fleet.h"

struct ledger_rules {
    int64_t max_age_ms;      /* 0: nothing is believed; what is seen is written down, or deleted, all the same */
    struct tolerance sample; /* how many known tenants are visited all the same: of all, a share is rounded up */
    bool writes;             /* `upgrade`: what is seen is written down; else only what turned out wrong is deleted */
};

struct ledger; /* 16 bytes for each row that may be believed */

/*
 * Reads what may be believed of the fleet's stream (job), whose target are the heads. One query, on a connection of its
 * own, closed again. Never NULL. `registry_job` and `registry` as for tenants_read(); both, and `job`, must outlive the
 * ledger; visits run with job->identify.
 */
struct ledger *ledger_read(const struct job *registry_job, const struct place *registry, const struct job *job,
                           const struct ledger_rules *rules, size_t n_tenants);
/* For fleet_options: asked once of each of the n_tenants. Thread-safe. */
bool ledger_knows(struct ledger *l, const struct tenant *t, const struct place *where);
/*
 * Once all are through. Writes what was noted first: a registry that cannot be written is a reason to visit everybody. Not
 * at the same time as ledger_note().
 */
bool ledger_doubts(struct ledger *l);
/*
 * After a visit, known or not, failed or not; not thread-safe (fleet_options.done is one call at a time). What stands at
 * the heads without findings is written down, now and then some hundreds at once; the row of what does not is deleted.
 */
void ledger_note(struct ledger *l, const struct tenant *t, const struct place *where, const struct outcome *outcome);
/* Writes what was noted. Safe to call more than once. */
void ledger_flush(struct ledger *l);
void ledger_free(struct ledger *l); /* NULL is fine; writes nothing */

/*
 * Deletes the rows of these tenants, or of all of the stream (`list` NULL): before anything is done to them that may take
 * them from their heads (downgrade, stamp, repair), and once more afterwards. No table: nothing to do. False: a row may be
 * there and cannot be deleted; nothing may be changed then.
 */
bool ledger_forget(const struct job *registry_job, const struct place *registry, const char *stream,
                   const struct tenant_list *list, struct err *e);

#endif
