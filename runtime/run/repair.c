/*
 * `repair`: what is recorded of applied revisions becomes what this executable carries, and invalid indexes that our own log
 * says were begun are dropped. It runs no revision. A revision that was spliced in below the version rows is not accepted:
 * it never ran, so there is nothing to repair; `stamp` is for saying that its work was done by hand.
 */
#include "run/work.h"

#include <stdio.h>
#include <string.h>

struct entries {
    struct log_entry *v;
    size_t n;
    size_t cap;
};

static void tell(struct work *w, const char *text)
{
    vec_push(w->a, &w->out->repaired, text);
}

/* -------------------------------------------------------------------------------------------------------- checksums */

static const char *const accepted[] = {
    [HISTORY_EDITED] = "its up section, changed in substance",
    [HISTORY_COSMETIC] = "its up section, of which only comments or white space changed",
    [HISTORY_DOWN_CHANGED] = "its changed down section",
    [HISTORY_PARENTS] = "its changed parents",
    [HISTORY_CHECKSUM_RULES] = "its checksums under the present rules",
};

static bool is_repairable(enum history_kind kind)
{
    return kind != HISTORY_SPLICED && kind != HISTORY_NOT_LOGGED;
}

static bool refuse_spliced(struct work *w)
{
    struct history_findings spliced = {0};
    for (size_t i = 0; i < w->findings.n; i++)
        if (w->findings.v[i].kind == HISTORY_SPLICED)
            vec_push(w->a, &spliced, w->findings.v[i]);
    return history_refuse(w->history, &spliced, w->command, w->where->tenant, w->e);
}

/* Each revision once, though several things may have changed about it; findings of one revision stand together. */
static struct revlist changed_revisions(struct work *w)
{
    struct revlist out = {0};
    for (size_t i = 0; i < w->findings.n; i++) {
        uint32_t index = graph_find(w->job->graph, str_from(w->findings.v[i].revision->id));
        if (is_repairable(w->findings.v[i].kind) && (!out.n || out.v[out.n - 1] != index))
            vec_push(w->a, &out, index);
    }
    return out;
}

static bool accept_checksums(struct work *w)
{
    struct revlist changed = changed_revisions(w);
    struct digest digest = w->digest;
    struct entries entries = {0};
    for (size_t i = 0; i < changed.n; i++) {
        apply_digest(w, &digest, changed.v[i], false);
        apply_digest(w, &digest, changed.v[i], true);
    }
    for (size_t i = 0; i < changed.n; i++)
        vec_push(w->a, &entries,
                 *apply_entry(w, graph_revision(w->job->graph, changed.v[i]), "repair", &w->state.rows, &digest));
    if (!entries.n)
        return true;
    if (!apply_entries(w, entries.v, entries.n))
        return false;
    w->digest = digest;
    for (size_t i = 0; i < changed.n; i++)
        w->live[changed.v[i]] = &entries.v[i];
    for (size_t i = 0; i < w->findings.n; i++)
        if (is_repairable(w->findings.v[i].kind))
            tell(w, arena_printf(w->a, "revision %s: accepted %s", w->findings.v[i].revision->id,
                                 accepted[w->findings.v[i].kind]));
    return true;
}

/* -------------------------------------------------------------------------------- statements of unfinished revisions */

static const struct revision_section *section_of(const struct work *w, const struct revision *r,
                                                 enum direction direction)
{
    int8_t at = r->pick[direction][w->out->dialect];
    return at == SECTION_NONE ? NULL : &r->sections[at];
}

/* The finished statements of a revision were changed before it was finished: what they say now counts as done. */
static bool accept_prefix(struct work *w, const struct revision *r, enum direction direction)
{
    const char *name = direction == DIRECTION_UP ? "upgrade" : "downgrade";
    const struct revision_section *section = section_of(w, r, direction);
    struct progress p = statements_progress(&w->log, r, name);
    char prefix[SHA256_HEX];
    if (!section || !p.row || !p.finished || p.finished > section->n_statements)
        return true;
    statements_prefix(r, section, p.finished, prefix);
    if (p.row->prefix_checksum && strcmp(p.row->prefix_checksum, prefix) == 0)
        return true;
    struct log_entry *entry = apply_entry(w, r, name, &w->state.rows, &w->digest);
    entry->state = p.started ? "started" : "statement";
    entry->statement = (int64_t)p.finished;
    entry->prefix_checksum = prefix;
    if (!apply_entries(w, entry, 1))
        return false;
    tell(w, arena_printf(w->a, "revision %s: accepted the changed text of its %zu finished statement%s", r->id,
                         p.finished, p.finished > 1 ? "s" : ""));
    return true;
}

static bool drop_begun_index(struct work *w, const struct revision *r, enum direction direction)
{
    const struct revision_section *section = section_of(w, r, direction);
    struct progress p = statements_progress(&w->log, r, direction == DIRECTION_UP ? "upgrade" : "downgrade");
    if (!section || !p.started || p.finished >= section->n_statements)
        return true;
    const struct revision_statement *s = &section->statements[p.finished];
    enum index_state state = INDEX_ABSENT;
    if (!(s->flags & STATEMENT_CONCURRENTLY) || !s->object)
        return true;
    if (!db_index_state(w->db, s->schema, s->object, s->table, &state, w->e))
        return false;
    if (state == INDEX_INVALID_BUSY)
        return err_set(w->e, FAULT_BUSY, "another session builds index \"%s\" of revision %s", s->object, r->id);
    if (state != INDEX_INVALID)
        return true;
    if (!db_drop_index(w->db, s->schema, s->object, w->e))
        return false;
    tell(w, arena_printf(w->a, "revision %s: dropped the invalid index \"%s\" that an interrupted run left", r->id,
                         s->object));
    return true;
}

static bool repair_unfinished(struct work *w)
{
    for (uint32_t i = 0; i < graph_size(w->job->graph); i++)
        for (int d = 0; d < DIRECTION_COUNT; d++) {
            const struct revision *r = graph_revision(w->job->graph, i);
            if (!accept_prefix(w, r, (enum direction)d) || !drop_begun_index(w, r, (enum direction)d))
                return false;
        }
    return true;
}

static bool has_unfinished(const struct work *w)
{
    for (size_t i = 0; i < w->log.n; i++)
        if (w->log.v[i].statement >= 0)
            return true;
    return false;
}

bool repair_run(struct work *w)
{
    if (!refuse_spliced(w) || !apply_may_begin(w, "the repair") || !apply_adopt(w) || !accept_checksums(w))
        return false;
    if (!has_unfinished(w))
        return true;
    if (!db_session_lock(w->db, w->e))
        return false;
    bool ok = repair_unfinished(w);
    if (w->e->fault != FAULT_LOST)
        db_session_unlock(w->db);
    return ok;
}
