/*
 * From what somebody typed to revisions: symbols, labels, ids, prefixes; and from version rows to sets. Every refusal says
 * what would have been understood.
 */
#include "model/graph.h"

#include <string.h>

#include "model/walk.h"

enum { SHOWN_MAX = 5 }; /* candidates that a message lists */

static struct str id_of(const struct graph *g, uint32_t index)
{
    return str_from(graph_revision(g, index)->id);
}

/* ------------------------------------------------------------------------------------------------------------- names */

/* Calls `visit` for every id and label. */
static void each_name(const struct graph *g, void (*visit)(void *context, const char *name, uint32_t index),
                      void *context)
{
    for (uint32_t i = 0; i < graph_size(g); i++) {
        const struct revision *r = graph_revision(g, i);
        visit(context, r->id, i);
        for (uint32_t l = 0; l < r->n_labels; l++)
            visit(context, r->labels[l], i);
    }
}

struct nearest {
    struct str word;
    const char *name;
    unsigned distance;
};

static void visit_nearest(void *context, const char *name, uint32_t index)
{
    struct nearest *best = context;
    (void)index;
    unsigned distance = str_distance(best->word, str_from(name));
    if (distance < best->distance || (distance == best->distance && best->name && strcmp(name, best->name) < 0)) {
        best->distance = distance;
        best->name = name;
    }
}

/* "did you mean …" when an id, a label or a reserved word is near: a third of the typed characters may be wrong. */
static void hint_nearest(const struct graph *g, struct str word, bool reserved, struct err *e)
{
    struct nearest best = {.word = word, .distance = (unsigned)(word.n / 3 < 250 ? word.n / 3 : 250) + 1};
    if (reserved) {
        visit_nearest(&best, "head", 0);
        visit_nearest(&best, "heads", 0);
        visit_nearest(&best, "base", 0);
    }
    each_name(g, visit_nearest, &best);
    if (best.name)
        err_hint(e, "did you mean \"%s\"?", best.name);
}

struct prefix_search {
    struct arena *a;
    struct str prefix;
    const struct revset *within; /* NULL: everywhere */
    struct strings names;
    uint32_t index; /* of the last hit */
};

static void visit_prefix(void *context, const char *name, uint32_t index)
{
    struct prefix_search *s = context;
    if (!str_starts(str_from(name), s->prefix) || (s->within && !revset_has(s->within, index)))
        return;
    vec_push(s->a, &s->names, name);
    s->index = index;
}

static void list_names(struct buf *out, const struct strings *names)
{
    for (size_t i = 0; i < names->n && i < SHOWN_MAX; i++)
        buf_addf(out, "%s%s", i ? ", " : "", names->v[i]);
    if (names->n > SHOWN_MAX)
        buf_addf(out, " and %zu more", names->n - SHOWN_MAX);
}

/* `what` is "revision" or "branch label": as the messages call what was looked for. */
static bool refuse_prefix(const struct graph *g, struct prefix_search *s, const char *what, struct err *e)
{
    BUF_AUTO shown = {0};
    strings_sort(&s->names);
    list_names(&shown, &s->names);
    if (!s->names.n) {
        err_set(e, FAULT_USAGE, "unknown %s \"%.*s\"", what, STR_ARG(s->prefix));
        hint_nearest(g, s->prefix, strcmp(what, "revision") == 0, e);
    } else if (s->prefix.n < GRAPH_PREFIX_MIN) {
        err_set(e, FAULT_USAGE, "%s prefix \"%.*s\" is too short", what, STR_ARG(s->prefix));
        err_detail(e, "it begins %s", shown.p);
        err_hint(e, "type at least %d characters", GRAPH_PREFIX_MIN);
    } else {
        err_set(e, FAULT_USAGE, "%s prefix \"%.*s\" is ambiguous", what, STR_ARG(s->prefix));
        err_detail(e, "it begins %s", shown.p);
        err_hint(e, "type more characters");
    }
    return false;
}

static bool find_name(struct arena *a, const struct graph *g, struct str name, const struct revset *within,
                      const char *what, uint32_t *out, struct err *e)
{
    *out = graph_lookup(g, name);
    if (*out != REVISION_NONE)
        return true;
    struct prefix_search s = {.a = a, .prefix = name, .within = within};
    each_name(g, visit_prefix, &s);
    if (s.names.n != 1 || name.n < GRAPH_PREFIX_MIN)
        return refuse_prefix(g, &s, what, e);
    *out = s.index;
    return true;
}

bool graph_resolve_branch(struct arena *a, const struct graph *g, struct str label, uint32_t *out, struct err *e)
{
    return find_name(a, g, label, NULL, "branch label", out, e);
}

/* ------------------------------------------------------------------------------------------------------------ symbols */

struct query {
    struct arena *a;
    const struct graph *g;
    struct str text; /* as typed, for messages */
    struct target target;
    struct revset lineage; /* of the label, by down only */
    bool labelled;
    struct revlist *out;
};

static struct revlist within_lineage(const struct query *q, struct revlist list)
{
    struct revlist kept = {0};
    for (size_t i = 0; i < list.n; i++)
        if (!q->labelled || revset_has(&q->lineage, list.v[i]))
            vec_push(q->a, &kept, list.v[i]);
    return kept;
}

static bool resolve_head(const struct query *q, struct err *e)
{
    struct revlist heads = within_lineage(q, graph_heads(q->a, q->g));
    if (heads.n > 1) {
        struct strings names = {0};
        BUF_AUTO shown = {0};
        for (size_t i = 0; i < heads.n; i++)
            vec_push(q->a, &names, graph_revision(q->g, heads.v[i])->id);
        list_names(&shown, &names);
        err_set(e, FAULT_USAGE, "multiple head revisions are present for given argument '%.*s'", STR_ARG(q->text));
        err_detail(e, "the heads are %s", shown.p);
        err_hint(e, "name one of them, LABEL@head for the head of a branch, or heads for all");
        return false;
    }
    *q->out = heads;
    return true;
}

/* `heads` without a label leaves out heads that another revision depends on: they come with it. */
static void resolve_heads(const struct query *q)
{
    *q->out = q->labelled ? within_lineage(q, graph_heads(q->a, q->g)) : graph_real_heads(q->a, q->g);
}

static bool resolve_current(const struct query *q, const struct strings *rows, struct err *e)
{
    struct revset set;
    if (!rows)
        return err_set(e, FAULT_USAGE, "\"current\" names no revision here");
    if (!graph_rows(q->a, q->g, rows, &set, NULL, e))
        return false;
    *q->out = within_lineage(q, revset_list(q->a, q->g, &set));
    return true;
}

/* -N: what ends exactly below a base is nothing. */
static bool resolve_below_heads(const struct query *q, struct err *e)
{
    bool base;
    return walk_below_heads(q->a, q->g, q->text, q->target.offset, q->labelled ? &q->lineage : NULL, WALK_EXACTLY,
                            q->out, &base, e);
}

static bool resolve_name(const struct query *q, struct err *e)
{
    uint32_t index;
    if (!find_name(q->a, q->g, q->target.symbol, q->labelled ? &q->lineage : NULL, "revision", &index, e))
        return false;
    if (q->labelled && !revset_has(&q->lineage, index))
        return err_set(e, FAULT_USAGE, "revision %s is not a member of branch \"%.*s\"", id_of(q->g, index).p,
                       STR_ARG(q->target.label));
    vec_push(q->a, q->out, index);
    return true;
}

bool graph_resolve(struct arena *a, const struct graph *g, struct str symbol, const struct strings *rows,
                   struct revlist *out, struct err *e)
{
    struct query q = {.a = a, .g = g, .text = symbol, .out = out};
    *out = (struct revlist){0};
    if (!target_parse(symbol, &q.target, e))
        return false;
    if (q.target.label.n) {
        uint32_t branch;
        if (!walk_lineage(a, g, q.target.label, &branch, &q.lineage, e))
            return false;
        q.labelled = true;
    }
    if (q.target.shape == TARGET_RELATIVE && q.target.offset < 0)
        return resolve_below_heads(&q, e);
    if (q.target.shape != TARGET_SYMBOL)
        return err_set(e, FAULT_USAGE, "relative revision \"%.*s\" is not understood here", STR_ARG(symbol));
    if (str_is(q.target.symbol, "head"))
        return resolve_head(&q, e);
    if (str_is(q.target.symbol, "current"))
        return resolve_current(&q, rows, e);
    if (str_is(q.target.symbol, "base"))
        return true;
    if (!str_is(q.target.symbol, "heads"))
        return resolve_name(&q, e);
    resolve_heads(&q);
    return true;
}

/* --------------------------------------------------------------------------------------------------------------- rows */

bool graph_rows(struct arena *a, const struct graph *g, const struct strings *rows, struct revset *out,
                const char **unknown, struct err *e)
{
    *out = revset_new(a, g);
    for (size_t i = 0; i < rows->n; i++) {
        uint32_t index = graph_find(g, str_from(rows->v[i]));
        if (index == REVISION_NONE) {
            if (unknown)
                *unknown = rows->v[i];
            return err_set(e, FAULT_DIVERGED, "version row \"%s\" is no revision of stream %s", rows->v[i],
                           graph_stream(g)->name);
        }
        revset_add(out, index);
    }
    return true;
}
