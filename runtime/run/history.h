/*
 * What a database's log says against what this executable carries. Pure: values in, findings out; no database is touched.
 *
 * DIGEST. Every applied revision has a sum: SHA-256 over its id, its parents, the checksum of its up section for the
 * dialect and CHECKSUM_VERSION. The digest of a set is the sum of those numbers modulo 2^256, in hex: it does not depend
 * on order, and a step changes it by one addition or subtraction. When the last log row's digest equals the digest of what
 * counts as applied now, nothing was edited and the log need not be read.
 */
#ifndef RUN_HISTORY_H
#define RUN_HISTORY_H

#include "base/hash.h"
#include "db/db.h"

/* Sums of one stream for one dialect; made once, read by all threads. */
struct history;
struct history *history_new(struct arena *a, const struct graph *g, enum dialect dialect);

struct digest {
    uint8_t bytes[SHA256_BYTES];
};
struct digest history_digest(const struct history *h, const struct revlist *applied);
void digest_add(struct digest *d, const struct history *h, uint32_t index);
void digest_remove(struct digest *d, const struct history *h, uint32_t index);
/* The same with what a log row recorded of a revision, which may differ from what this executable carries. */
void digest_add_entry(struct digest *d, const struct log_entry *entry);
void digest_remove_entry(struct digest *d, const struct log_entry *entry);
void digest_hex(const struct digest *d, char out[SHA256_HEX]);

/*
 * For each revision (by its index) the log row that counts: the last finished one that says it is applied; NULL when there
 * is none, or when a later row took it back. `log` is the stream's whole log, oldest first.
 */
const struct log_entry **history_live(struct arena *a, const struct graph *g, const struct log_list *log);

enum history_kind {
    HISTORY_EDITED,         /* blocks: the up text of an applied revision changed in substance */
    HISTORY_PARENTS,        /* blocks: its parents changed */
    HISTORY_SPLICED,        /* blocks: implied by the rows, but never ran here: it came in below them later */
    HISTORY_COSMETIC,       /* warns: only comments or white space of the up text changed */
    HISTORY_DOWN_CHANGED,   /* warns */
    HISTORY_NOT_LOGGED,     /* warns: applied before there was a log (Alembic); adopted on the next write */
    HISTORY_CHECKSUM_RULES, /* warns: recorded under another CHECKSUM_VERSION, not comparable */
};
struct history_finding {
    enum history_kind kind;
    const struct revision *revision;
    const struct log_entry *entry; /* the log row that says so; NULL when there is none */
};
struct history_findings {
    struct history_finding *v;
    size_t n;
    size_t cap;
};
bool history_blocks(enum history_kind kind);
const char *history_kind_name(enum history_kind kind);

/* One sentence about a finding, without a final period: what changed, when it was applied, both checksums. */
void history_describe(struct buf *out, const struct history *h, const struct history_finding *finding);

/*
 * FAULT_EDITED when any of the findings blocks: names every such revision with the recorded and the present checksum, and
 * both ways out. `command` is how this stream is called ("profile-migrate tenant"), `tenant` may be NULL. True when none
 * blocks.
 */
bool history_refuse(const struct history *h, const struct history_findings *findings, const char *command,
                    const char *tenant, struct err *e);

/* Compares everything applied (by `state->rows`) with the log. `log` is the stream's whole log, oldest first. */
void history_compare(struct arena *a, const struct history *h, const struct graph *g, const struct db_state *state,
                     const struct log_list *log, struct history_findings *out);

/*
 * Rows that the graph lacks, of which the log says where they came from, while heads of ours are not applied: diverged, or a
 * later executable is on its way with revisions of which ours come last.
 */
bool history_is_between(struct arena *a, const struct graph *g, const struct strings *rows,
                        const struct strings *unknown, const struct log_list *log);

/*
 * Rows that the graph lacks: FAULT_AHEAD when the log's parents lead from every row down to all of our heads, else
 * FAULT_DIVERGED, with the id, and the name of the stream when another one of the catalogue has it.
 */
bool history_unknown_rows(struct arena *a, const struct graph *g, const struct catalogue *catalogue,
                          const struct strings *rows, const struct strings *unknown, const struct log_list *log,
                          struct err *e);

#endif
