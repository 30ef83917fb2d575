/* Steps of all scripts by revision, held against each other and against the history. */
#include "gen/import/join.h"

#include <string.h>

struct joiner {
    struct findings *out;
    struct arena *a;
    const struct import_request *request;
    struct import_revisions *revisions;
};

static const char *const direction_words[] = {[DIRECTION_UP] = "upgrade", [DIRECTION_DOWN] = "downgrade"};

static struct import_revision *find(const struct joiner *j, const char *id)
{
    for (size_t i = 0; i < j->revisions->n; i++)
        if (strcmp(j->revisions->v[i].id, id) == 0)
            return &j->revisions->v[i];
    return NULL;
}

static struct import_revision *find_or_add(struct joiner *j, const char *id, const struct strings *parents)
{
    struct import_revision *r = find(j, id);
    if (r)
        return r;
    vec_push(j->a, j->revisions, (struct import_revision){.id = id, .parents = *parents, .created = ""});
    return &j->revisions->v[j->revisions->n - 1];
}

static bool same_set(const struct strings *a, const struct strings *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strings_has(b, a->v[i]);
    return same;
}

static const char *spelt(struct joiner *j, const struct strings *list)
{
    BUF_AUTO out = {0};
    strings_join(&out, list, ", ");
    return list->n ? arena_str(j->a, buf_str(&out)) : "nothing";
}

/* ---- steps ---- */

static void check_parents(struct joiner *j, const struct import_revision *r, const struct strings *parents,
                          const struct text_file *file, uint32_t line)
{
    if (same_set(&r->parents, parents))
        return;
    struct finding *found = finding_at_line(j->out, IMPORT_CONFLICT, file, line,
                                            "%s builds on %s here, and on %s in another file", r->id, spelt(j, parents),
                                            spelt(j, &r->parents));
    err_hint(&found->err, "print all of them anew, from one state of the project");
}

static bool same_step(const struct import_step *a, const struct import_step *b)
{
    return strcmp(a->body, b->body) == 0 && a->no_transaction == b->no_transaction &&
           a->foreign_keys_off == b->foreign_keys_off;
}

/* Scripts may overlap: a way down for each head, or what Alembic gave up in and goes on with behind it. */
static void take_step(struct joiner *j, const struct import_step *step)
{
    const struct import_script *s = step->script;
    struct import_revision *r = find_or_add(j, step->id, &step->parents);
    const struct import_step **slot = &r->steps[s->direction][s->dialect];
    check_parents(j, r, &step->parents, &s->file, step->line);
    if (!*slot || !(*slot)->finished) {
        *slot = step;
    } else if (step->finished && !same_step(*slot, step)) {
        const struct import_step *first = *slot;
        finding_at_line(j->out, IMPORT_CONFLICT, &s->file, step->line, "%s is another text in %s, line %u", r->id,
                        first->script->file.shown, first->line);
    }
}

/* ---- what the history says ---- */

static void depend_on_rows(struct joiner *j, struct import_revision *r)
{
    for (size_t d = 0; d < DIRECTION_COUNT; d++)
        for (size_t k = 0; k < DIALECT_COUNT; k++)
            for (size_t i = 0; r->steps[d][k] && i < r->steps[d][k]->replaced.n; i++)
                if (!strings_has(&r->depends, r->steps[d][k]->replaced.v[i]))
                    vec_push(j->a, &r->depends, r->steps[d][k]->replaced.v[i]);
}

static void take_history(struct joiner *j, struct import_revision *r)
{
    const struct history *h = j->request->history;
    const struct history_entry *entry = history_find(h, r->id);
    if (!entry) {
        r->message = arena_printf(j->a, "revision %s", r->id);
        depend_on_rows(j, r);
        return;
    }
    r->message = *entry->message ? entry->message : arena_printf(j->a, "revision %s", r->id);
    r->created = entry->created;
    r->comment = entry->comment;
    r->depends = entry->depends;
    history_labels(j->a, h, entry, &r->labels);
    check_parents(j, r, &entry->parents, &h->file, entry->line);
    r->parents = entry->parents; /* in the order that the revision has them */
}

/* Oldest first, as the scripts run. */
static void add_from_history(struct joiner *j)
{
    const struct history *h = j->request->history;
    for (size_t i = h->entries.n; i-- > 0;)
        find_or_add(j, h->entries.v[i].id, &h->entries.v[i].parents);
}

static uint32_t line_of(const struct import_revision *r, const struct text_file **file)
{
    for (size_t d = 0; d < DIRECTION_COUNT; d++)
        for (size_t k = 0; k < DIALECT_COUNT; k++)
            if (r->steps[d][k]) {
                *file = &r->steps[d][k]->script->file;
                return r->steps[d][k]->line;
            }
    return 0;
}

static void check_against_history(struct joiner *j, const struct import_revision *r)
{
    const struct text_file *file = NULL;
    if (history_find(j->request->history, r->id))
        return;
    uint32_t line = line_of(r, &file);
    struct finding *found = finding_at_line(j->out, IMPORT_CONFLICT, file, line, "the history has no %s", r->id);
    err_hint(&found->err, "print it anew, from the same state of the project: alembic history -v");
}

/* A file is named after it. */
static void check_id(struct joiner *j, const struct import_revision *r)
{
    const struct history_entry *entry = history_find(j->request->history, r->id);
    const struct text_file *file = &j->request->history->file;
    bool good = r->id[0] && r->id[0] != '.' && !strchr(r->id, '/');
    for (const char *c = r->id; *c; c++)
        good = good && (unsigned char)*c > ' ' && *c != 0x7F;
    if (!good) {
        uint32_t line = entry ? entry->line : line_of(r, &file);
        finding_at_line(j->out, IMPORT_CONFLICT, file, line, "\"%s\" is no id that a file can be named after", r->id);
    }
}

static void say_no_history(struct joiner *j)
{
    const struct import_scripts *scripts = j->request->scripts;
    struct finding *found = finding_add(j->out, IMPORT_REVIEW, scripts->n ? &scripts->v[0]->file : NULL, SIZE_MAX,
                                        "messages, labels, times and some dependencies are not in the SQL");
    finding_is_warning(j->out, found);
    err_hint(&found->err, "--history takes what `alembic history -v` prints");
}

/* ---- gaps ---- */

static bool is_allowed(const struct joiner *j, const char *id)
{
    return j->request->allow_all || strings_has(j->request->allowed, id);
}

static bool has_script(const struct joiner *j, enum direction direction, enum dialect dialect)
{
    for (size_t i = 0; i < j->request->scripts->n; i++)
        if (j->request->scripts->v[i]->direction == direction && j->request->scripts->v[i]->dialect == dialect)
            return true;
    return false;
}

static enum import_gap gap_of(const struct joiner *j, const struct import_revision *r, enum direction direction,
                              enum dialect dialect)
{
    const struct import_step *step = r->steps[direction][dialect];
    if (!step)
        return has_script(j, direction, dialect) ? GAP_MISSING : GAP_NO_SCRIPT;
    if (!step->finished)
        return GAP_CUT;
    return step->n_statements || r->parents.n > 1 ? GAP_NONE : GAP_EMPTY;
}

/* No dialect does anything on the way up. */
static bool does_nothing(const struct import_revision *r, uint32_t dialects)
{
    for (size_t d = 0; d < DIALECT_COUNT; d++)
        if (dialects & DIALECT_BIT(d) && r->gaps[DIRECTION_UP][d] != GAP_EMPTY)
            return false;
    return true;
}

/* A way back that does nothing is what Alembic does, too; so is a revision that one engine skips. */
static bool is_harmless(const struct joiner *j, const struct import_revision *r, enum direction direction,
                        enum import_gap gap)
{
    return gap == GAP_EMPTY && (direction == DIRECTION_DOWN || !does_nothing(r, j->request->dialects));
}

static struct finding *say_gap(struct joiner *j, const struct import_revision *r, enum direction direction,
                               enum dialect dialect, enum import_gap gap)
{
    const struct import_step *step = r->steps[direction][dialect];
    const struct history_entry *entry = history_find(j->request->history, r->id);
    const char *way = direction_words[direction], *engine = dialect_words[dialect];
    const struct text_file *file = entry ? &j->request->history->file : NULL;
    uint32_t line = entry ? entry->line : line_of(r, &file);
    if (step) {
        file = &step->script->file;
        line = step->line;
    }
    if (gap == GAP_MISSING)
        return finding_at_line(j->out, IMPORT_GAP, file, line, "%s: no script for %s has its %s", r->id, engine, way);
    if (gap == GAP_CUT)
        return finding_at_line(j->out, IMPORT_GAP, file, line, "%s: Alembic gave up in its %s for %s%s%s", r->id, way,
                               engine, step->script->failed ? ": " : "",
                               step->script->failed ? step->script->failed : "");
    return finding_at_line(j->out, IMPORT_GAP, file, line, "%s: its %s has no SQL for %s", r->id, way, engine);
}

static void hint_gap(struct finding *found, enum direction direction, enum import_gap gap, const char *id)
{
    if (gap == GAP_EMPTY)
        err_hint(&found->err,
                 "a `pass`, or Python that works with rows, which --sql cannot write down: look at the file; "
                 "--allow-gaps=%s imports it with nothing to do",
                 id);
    else if (direction == DIRECTION_UP)
        err_hint(&found->err,
                 "Python that asks a database, batch mode without copy_from: --sql cannot write them down. Print the "
                 "revisions behind it with `alembic upgrade %s:head --sql` and give that file too; --allow-gaps=%s "
                 "imports it with an empty section to be filled in",
                 id, id);
    else
        err_hint(
            &found->err,
            "print the ways down of all heads, and those around a revision that has none, into files of their own; "
            "--allow-gaps=%s imports it as irreversible",
            id);
}

static void look_for_gap(struct joiner *j, struct import_revision *r, enum direction direction, enum dialect dialect)
{
    enum import_gap gap = r->gaps[direction][dialect];
    bool twice = gap == GAP_EMPTY && direction == DIRECTION_DOWN && r->gaps[DIRECTION_UP][dialect] == GAP_EMPTY;
    if (gap == GAP_NONE || gap == GAP_NO_SCRIPT || twice)
        return;
    struct finding *found = say_gap(j, r, direction, dialect, gap);
    if (is_harmless(j, r, direction, gap)) {
        found->rule = IMPORT_REVIEW;
        finding_is_warning(j->out, found);
        err_hint(&found->err,
                 "right where the revision says `pass` or leaves this engine out; Python that works with rows "
                 "is not in the SQL");
    } else {
        if (is_allowed(j, r->id))
            finding_is_warning(j->out, found);
        hint_gap(found, direction, gap, r->id);
    }
}

static void look_at_transaction(struct joiner *j, const struct import_step *step)
{
    if (!step || !step->finished || !step->no_transaction || step->n_outside == step->n_statements)
        return;
    struct finding *found = finding_at_line(j->out, IMPORT_REVIEW, &step->script->file, step->line,
                                            "%s: the whole section runs without a transaction", step->id);
    finding_is_warning(j->out, found);
    err_hint(&found->err,
             "%zu of its %zu statements stood in one; each is committed alone now, and a rerun goes on behind "
             "the last",
             step->n_statements - step->n_outside, step->n_statements);
}

static void look_at(struct joiner *j, struct import_revision *r)
{
    for (size_t d = 0; d < DIRECTION_COUNT; d++)
        for (size_t k = 0; k < DIALECT_COUNT; k++)
            if (j->request->dialects & DIALECT_BIT(k))
                r->gaps[d][k] = gap_of(j, r, (enum direction)d, (enum dialect)k);
    for (size_t d = 0; d < DIRECTION_COUNT; d++)
        for (size_t k = 0; k < DIALECT_COUNT; k++)
            if (j->request->dialects & DIALECT_BIT(k)) {
                look_for_gap(j, r, (enum direction)d, (enum dialect)k);
                look_at_transaction(j, r->steps[d][k]);
            }
}

/* A whole script that was not given is said once. */
static void look_for_scripts(struct joiner *j)
{
    for (size_t k = 0; k < DIALECT_COUNT; k++)
        for (size_t d = 0; d < DIRECTION_COUNT; d++) {
            if (!(j->request->dialects & DIALECT_BIT(k)) || has_script(j, (enum direction)d, (enum dialect)k))
                continue;
            struct finding *found = finding_add(j->out, IMPORT_GAP, NULL, SIZE_MAX, "there is no --%s-sql for %s",
                                                direction_words[d], dialect_words[k]);
            if (d == DIRECTION_DOWN && j->request->allow_all)
                finding_is_warning(j->out, found);
            err_hint(&found->err, "%s",
                     d == DIRECTION_DOWN ? "--allow-gaps imports every revision as irreversible"
                                         : "dialects in env.ini says which engines every revision has a body for");
        }
}

void import_join(struct findings *out, struct arena *a, const struct import_request *request,
                 struct import_revisions *revisions)
{
    struct joiner j = {out, a, request, revisions};
    bool has_history = request->history->file.path != NULL;
    look_for_scripts(&j);
    for (int d = DIRECTION_UP; d < DIRECTION_COUNT; d++)
        for (size_t i = 0; i < request->scripts->n; i++)
            for (size_t k = 0; k < request->scripts->v[i]->steps.n; k++)
                if (request->scripts->v[i]->direction == (enum direction)d)
                    take_step(&j, &request->scripts->v[i]->steps.v[k]);
    add_from_history(&j);
    if (!has_history)
        say_no_history(&j);
    for (size_t i = 0; i < revisions->n; i++) {
        check_id(&j, &revisions->v[i]);
        take_history(&j, &revisions->v[i]);
        if (has_history)
            check_against_history(&j, &revisions->v[i]);
        look_at(&j, &revisions->v[i]);
    }
}
