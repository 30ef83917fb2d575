/* What `alembic history -v` prints: what the SQL does not say of revisions. Pure. */
#ifndef GEN_IMPORT_HISTORY_H
#define GEN_IMPORT_HISTORY_H

#include "gen/source.h"

struct history_entry {
    const char *id;
    struct strings parents;
    struct strings depends; /* ids or labels, as depends_on has them */
    struct strings names;   /* of the branches that it is on: Alembic hands a label on to neighbours */
    const char *message;    /* one line; "" */
    const char *created;    /* "2026-01-02 10:00:00.123456"; "" */
    const char *comment;    /* what else the docstring says; "" */
    uint32_t line;
};

struct history {
    struct text_file file; /* path NULL: there is none */
    VEC(struct history_entry) entries;
};

/* Fills entries from h->file. What it cannot read is a finding. */
void import_read_history(struct findings *out, struct arena *a, struct history *h);
const struct history_entry *history_find(const struct history *h, const char *id);
/* The labels that begin at the revision: no parent of it has the name. */
void history_labels(struct arena *a, const struct history *h, const struct history_entry *entry, struct strings *out);

#endif
