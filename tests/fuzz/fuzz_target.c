/*
 * Fuzzes targets, symbols and history ranges against one graph that has a bit of everything: branches, labels, merges,
 * dependencies across and within a line, several bases and heads, ids that are prefixes of one another.
 *
 * The first two bytes choose the version rows, a bit for each revision in load order; a third says whether an unknown row
 * stands beside them. The rest is the text, given to everything that takes one. Whatever it is, the answer comes, and it is
 * either a refusal with a message or a plan whose row changes really lead from the rows before to the rows after.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/plan.h"
#include "tests/unit/streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text_of_graph[] =
    "base1 <- [trunk] ; left1 <- base1 [left, links] ; left2 <- left1 ; righ1 <- base1 [right] ; righ2 <- righ1 depends "
    "other2 ; merg1 <- left2, righ2 [merged] ; merg2 <- merg1 depends base1 ; stray <- left1 ; other1 <- [other] ; other2 "
    "<- other1 ; other3 <- other2 depends left1, lone ; lone <- ; lone22 <- lone [alone] ; odd.1 <- lone22, other3, lone";

static struct arena of_graph;
static const struct graph *graph;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_explain(bool ok, struct err *e)
{
    must(ok == (e->fault == FAULT_NONE));
    must(ok || (e->message && e->message[0] && (e->fault == FAULT_USAGE || e->fault == FAULT_DIVERGED)));
    err_free(e);
}

static void must_lead(struct arena *a, const struct step *step)
{
    struct strings rows = {0};
    for (size_t i = 0; i < step->before.n; i++)
        vec_push(a, &rows, step->before.v[i]);
    for (size_t i = 0; i < step->n_changes; i++) {
        const struct row_change *c = &step->changes[i];
        if (c->kind != ROW_INSERT) {
            size_t at = 0;
            while (at < rows.n && strcmp(rows.v[at], c->from) != 0)
                at++;
            must(at < rows.n);
            rows.v[at] = rows.v[--rows.n];
        }
        if (c->kind != ROW_DELETE) {
            must(!strings_has(&rows, c->to));
            vec_push(a, &rows, c->to);
        }
    }
    strings_sort(&rows);
    must(strings_equal(&rows, &step->after));
}

static void must_hold(struct arena *a, const struct plan *plan)
{
    const struct strings *now = plan->purge ? &(struct strings){0} : &plan->before;
    for (size_t i = 0; i < plan->n; i++) {
        must(strings_equal(now, &plan->steps[i].before));
        must_lead(a, &plan->steps[i]);
        now = &plan->steps[i].after;
    }
    must(strings_equal(now, &plan->target));
}

static struct strings choose_rows(struct arena *a, const uint8_t choice[3])
{
    struct strings rows = {0};
    unsigned bits = choice[0] | (unsigned)choice[1] << 8;
    for (uint32_t i = 0; i < graph_size(graph); i++)
        if (bits >> graph_revision(graph, i)->load_order & 1)
            vec_push(a, &rows, graph_revision(graph, i)->id);
    if (choice[2] == 0xff)
        vec_push(a, &rows, "gone");
    return rows;
}

static void try_plans(struct arena *a, const struct strings *rows, struct str text)
{
    struct plan plan;
    struct err e = {0};
    bool below;
    bool ok = plan_upgrade(a, graph, rows, text, &plan, &e);
    if (ok)
        must_hold(a, &plan);
    must_explain(ok, &e);
    ok = plan_downgrade(a, graph, rows, text, &plan, &e);
    if (ok)
        must_hold(a, &plan);
    must_explain(ok, &e);
    must_explain(plan_is_below(a, graph, rows, text, &below, &e), &e);
}

/* Blanks separate the targets of a stamp. */
static void try_stamp(struct arena *a, const struct strings *rows, struct str text)
{
    struct strings targets = {0};
    struct str piece;
    struct plan plan;
    struct err e = {0};
    while (str_next(&text, ' ', &piece))
        vec_push(a, &targets, arena_str(a, piece));
    for (int purge = 0; purge < 2; purge++) {
        bool ok = plan_stamp(a, graph, rows, &targets, purge, &plan, &e);
        if (ok)
            must_hold(a, &plan);
        must_explain(ok, &e);
    }
}

static void try_lists(struct arena *a, const struct strings *rows, struct str text)
{
    struct revlist list;
    struct strings from;
    struct err e = {0};
    must_explain(graph_resolve(a, graph, text, rows, &list, &e), &e);
    must_explain(graph_resolve(a, graph, text, NULL, &list, &e), &e);
    must_explain(plan_rows_of(a, graph, text, &from, &e), &e);
    bool ok = plan_history(a, graph, text, rows, &list, &e);
    if (ok)
        must(list.n <= graph_size(graph));
    must_explain(ok, &e);
    must_explain(plan_history(a, graph, text, NULL, &list, &e), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t none[3];
    ARENA_AUTO a = {0};
    if (!graph)
        graph = graph_new(&of_graph, stream_from_text(&of_graph, text_of_graph));
    size_t head = size < 3 ? 0 : 3;
    struct strings rows = choose_rows(&a, head ? data : none);
    struct str text = {(const char *)data + head, size - head};
    struct target t;
    struct err e = {0};
    must_explain(target_parse(text, &t, &e), &e);
    try_plans(&a, &rows, text);
    try_stamp(&a, &rows, text);
    try_lists(&a, &rows, text);
    return 0;
}
