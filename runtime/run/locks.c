/*
 * refuse_locks: steps whose statements were measured to lock more than the policy lets them are refused before the first
 * step runs. What was never measured may lock anything, so it is refused as well.
 */
#include "run/work.h"

#include "model/locks.h"

static bool is_meant(const struct relation_locks *r, enum lock_policy why)
{
    if (why == LOCK_POLICY_REWRITE)
        return r->flags & (LOCKS_REWRITE | LOCKS_TIME_ZONE);
    return why == LOCK_POLICY_SCAN ? r->flags & LOCKS_SCAN : r->mode == LOCK_ACCESS_EXCLUSIVE;
}

/* The first relation that shows why. */
static struct str culprit(const struct statement_locks *locks, enum lock_policy why)
{
    struct str rest = str_from(locks->relations);
    struct relation_locks one;
    while (rest.n && relation_locks_next(&rest, &one))
        if (is_meant(&one, why))
            return one.name;
    return STR("a relation");
}

static void describe(struct buf *out, const struct statement_locks *locks, enum lock_policy why)
{
    struct str name = culprit(locks, why);
    const char *mode = lock_mode_words[locks->strongest];
    bool zone = locks->flags & LOCKS_TIME_ZONE;
    if (why == LOCK_POLICY_REWRITE)
        buf_addf(out, "rewrites %.*s under %s%s", STR_ARG(name), mode, zone ? ", unless TimeZone is UTC" : "");
    else if (why == LOCK_POLICY_SCAN)
        buf_addf(out, "reads %.*s from end to end under %s, while writers wait", STR_ARG(name), mode);
    else
        buf_addf(out, "takes %s on %.*s", mode, STR_ARG(name));
}

static bool refuse_statement(struct work *w, const struct revision *r, const struct revision_statement *statement,
                             const struct statement_locks *locks, enum lock_policy why)
{
    BUF_AUTO text = {0};
    describe(&text, locks, why);
    err_set(w->e, FAULT_POLICY, "revision %s is refused: its %s %s", r->id, statement->kind, text.p);
    err_detail(w->e, "refuse_locks forbids %s",
               why == LOCK_POLICY_REWRITE ? "rewrite"
               : why == LOCK_POLICY_SCAN  ? "scan"
                                          : "access-exclusive");
    err_hint(w->e, "`%s show %s` tells all that it locks; --refuse-locks none lets it run", w->command, r->id);
    err_at(w->e, r->path, (int)statement->line, 0, (struct str){0});
    w->e->cut = true;
    return false;
}

static bool refuse_unmeasured(struct work *w, const struct revision *r, const struct revision_section *section)
{
    err_set(w->e, FAULT_POLICY, "revision %s is refused: what its %s locks was never measured", r->id,
            section->direction == DIRECTION_UP ? "up" : "down");
    err_detail(w->e, "refuse_locks forbids what nobody knows");
    err_hint(w->e, "`migrate-gen %s verify` measures it, for the next build; --refuse-locks none lets it run",
             graph_stream(w->job->graph)->name);
    err_at(w->e, r->path, (int)section->line, 0, (struct str){0});
    w->e->cut = true;
    return false;
}

static bool allow_step(struct work *w, const struct step *step)
{
    const struct stream *stream = graph_stream(w->job->graph);
    const struct revision_section *section = apply_section(step, w->out->dialect);
    uint32_t index = graph_find(w->job->graph, str_from(step->revision->id));
    enum direction direction = step->kind == STEP_UPGRADE ? DIRECTION_UP : DIRECTION_DOWN;
    const struct section_locks *found = stream_locks_of(stream, index, direction, w->out->dialect);
    if (!section->n_statements)
        return true;
    if (!found)
        return refuse_unmeasured(w, step->revision, section);
    for (uint32_t i = 0; i < section->n_statements; i++) {
        enum lock_policy why = lock_policy_forbids(w->job->refuse_locks, &found->statements[i]);
        if (why)
            return refuse_statement(w, step->revision, &section->statements[i], &found->statements[i], why);
    }
    return true;
}

/* Another major version may lock otherwise, more or less: what was measured stays the best that is known. */
static void warn_of_version(struct work *w)
{
    unsigned measured = graph_stream(w->job->graph)->locks.server_major, major = db_server_major(w->db);
    if (w->warned_of_version || !measured || measured == major)
        return;
    w->warned_of_version = true;
    work_say(w, TALK_WARNING, "locks were measured on PostgreSQL %u, and this server is version %u: they may differ",
             measured, major);
}

bool locks_allow(struct work *w, const struct plan *plan)
{
    if (w->out->dialect != DIALECT_POSTGRESQL || !(w->job->refuse_locks & ~(unsigned)LOCK_POLICY_NONE) || !plan->n)
        return true;
    for (size_t i = 0; i < plan->n; i++)
        if (!allow_step(w, &plan->steps[i]))
            return false;
    warn_of_version(w);
    return true;
}
