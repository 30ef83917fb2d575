/*
 * Compares our plans with the answers that alembic_vectors.py took from the real Alembic, and speaks TAP: a case for each
 * class of graphs and command, and one for each deliberate difference, with the number of questions asked.
 *
 *     peer_plan FILE…
 *
 * The form of a file is described in alembic_vectors.py.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/plan.h"
#include "tests/unit/streams.h"

enum { SHOWN_MAX = 8 }; /* mismatches that are printed for each case */

struct tally {
    const char *name;
    size_t asked;
    size_t wrong;
    char *notes;
};

struct peer {
    struct arena arena; /* of the whole run: names of tallies */
    struct arena of_graph, of_question;
    const char *graph_name, *graph_class;
    bool loose; /* the order of Alembic's answer is one of several */
    struct drafts drafts;
    const struct graph *graph;
    VEC(struct tally) tallies;
    size_t questions;
};

static struct tally *tally_of(struct peer *p, const char *name)
{
    for (size_t i = 0; i < p->tallies.n; i++)
        if (strcmp(p->tallies.v[i].name, name) == 0)
            return &p->tallies.v[i];
    vec_push(&p->arena, &p->tallies, (struct tally){.name = arena_strdup(&p->arena, name)});
    return &p->tallies.v[p->tallies.n - 1];
}

/* ------------------------------------------------------------------------------------------------------------ answers */

static void add_list(struct buf *out, const struct strings *list)
{
    if (list->n)
        strings_join(out, list, ",");
    else
        buf_addc(out, '-');
}

static bool rows_equal(const struct strings *a, const struct strings *b)
{
    return strings_equal(a, b);
}

/* Plays the row changes of a step on the rows before it; they must give the rows after it, each change being possible. */
static bool changes_hold(struct arena *a, const struct step *step)
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
            if (at == rows.n)
                return false;
            rows.v[at] = rows.v[--rows.n];
        }
        if (c->kind != ROW_DELETE) {
            if (strings_has(&rows, c->to))
                return false;
            vec_push(a, &rows, c->to);
        }
    }
    strings_sort(&rows);
    return rows_equal(&rows, &step->after);
}

static void add_steps(struct arena *a, struct buf *out, const struct plan *plan, const struct strings *rows)
{
    const struct strings *before = &plan->before;
    if (!rows_equal(before, rows))
        buf_addz(out, "(plan does not begin with the rows)");
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];
        if (!rows_equal(before, &step->before) || !changes_hold(a, step))
            buf_addz(out, "(changes do not lead from before to after)");
        before = &step->after;
        buf_addf(out, "%s%s|", i ? ";" : "", step->revision ? step->revision->id : "");
        for (size_t c = 0; c < step->n_changes; c++)
            buf_addc(out, "IUD"[step->changes[c].kind]);
        buf_addc(out, '|');
        add_list(out, &step->after);
    }
    if (!plan->n)
        buf_addc(out, '-');
    if (!rows_equal(before, &plan->target))
        buf_addz(out, "(plan does not end with its last step)");
}

static void add_revisions(struct arena *a, const struct graph *g, struct buf *out, const struct revlist *list)
{
    struct strings ids = {0};
    for (size_t i = 0; i < list->n; i++)
        vec_push(a, &ids, graph_revision(g, list->v[i])->id);
    add_list(out, &ids);
}

static void add_labels(struct arena *a, const struct graph *g, struct buf *out, const struct drafts *drafts)
{
    for (size_t i = 0; i < drafts->n; i++) {
        struct strings labels = graph_labels(a, g, graph_find(g, str_from(drafts->v[i].id)));
        buf_addf(out, "%s%s:", i ? ";" : "", drafts->v[i].id);
        strings_join(out, &labels, ",");
    }
}

static bool answer_plan(struct peer *p, const char *command, const struct strings *rows, struct str argument,
                        struct buf *out, struct err *e)
{
    struct arena *a = &p->of_question;
    struct plan plan;
    bool ok;
    if (strcmp(command, "stamp") == 0) {
        struct strings targets = {0};
        struct str piece;
        while (str_next(&argument, ' ', &piece))
            vec_push(a, &targets, arena_str(a, piece));
        ok = plan_stamp(a, p->graph, rows, &targets, false, &plan, e);
    } else {
        ok = (strcmp(command, "upgrade") == 0 ? plan_upgrade : plan_downgrade)(a, p->graph, rows, argument, &plan, e);
    }
    if (ok)
        add_steps(a, out, &plan, rows);
    return ok;
}

static bool answer_list(struct peer *p, const char *command, const struct strings *rows, struct str argument,
                        struct buf *out, struct err *e)
{
    struct arena *a = &p->of_question;
    struct revlist list;
    struct revset set;
    if (strcmp(command, "history") == 0) {
        if (!plan_history(a, p->graph, argument, rows, &list, e))
            return false;
    } else if (strcmp(command, "show") == 0) {
        if (!graph_resolve(a, p->graph, argument, NULL, &list, e))
            return false;
    } else if (strcmp(command, "current") == 0) {
        if (!graph_rows(a, p->graph, rows, &set, NULL, e))
            return false;
        list = graph_current(a, p->graph, &set);
    } else if (strcmp(command, "heads") == 0) {
        list = graph_heads(a, p->graph);
    } else if (strcmp(command, "realheads") == 0) {
        list = graph_real_heads(a, p->graph);
    } else {
        list = graph_bases(a, p->graph);
    }
    add_revisions(a, p->graph, out, &list);
    return true;
}

static bool answer(struct peer *p, const char *command, const struct strings *rows, const char *argument,
                   struct buf *out, struct err *e)
{
    if (strcmp(command, "upgrade") == 0 || strcmp(command, "downgrade") == 0 || strcmp(command, "stamp") == 0)
        return answer_plan(p, command, rows, str_from(argument), out, e);
    if (strcmp(command, "labels") != 0)
        return answer_list(p, command, rows, str_from(argument), out, e);
    add_labels(&p->of_question, p->graph, out, &p->drafts);
    return true;
}

/* --------------------------------------------------------------------------------------------------------- comparison */

/* The pieces of an answer without their order: for steps which revisions run, and the rows in the end. */
static const char *without_order(struct arena *a, const char *text)
{
    char separator = strchr(text, ';') || strchr(text, '|') ? ';' : ',';
    struct strings pieces = {0};
    struct str rest = str_from(text), piece, last = {0};
    while (str_next(&rest, separator, &piece)) {
        vec_push(a, &pieces, arena_str(a, str_slice(piece, 0, str_find(piece, '|'))));
        last = piece;
    }
    strings_sort(&pieces);
    BUF_AUTO out = {0};
    strings_join(&out, &pieces, " ");
    if (separator == ';')
        buf_addf(&out, " ends %.*s", STR_ARG(str_slice(last, str_find_last(last, '|'), last.n)));
    return arena_str(a, buf_str(&out));
}

static void note(struct tally *t, const char *text)
{
    BUF_AUTO all = {0};
    if (t->notes)
        buf_addz(&all, t->notes);
    buf_addz(&all, text);
    free(t->notes);
    t->notes = buf_steal(&all);
}

static void compare(struct peer *p, char **fields)
{
    const char *command = fields[1], *argument = fields[3], *verdict = fields[4], *difference = fields[5],
               *wanted = fields[6];
    struct arena *a = &p->of_question;
    struct strings rows = draft_words(a, str_from(fields[2]));
    BUF_AUTO got = {0};
    AUTO_ERR e = {0};
    bool ok = answer(p, command, &rows, argument, &got, &e);
    bool order_counts = !p->loose && strcmp(verdict, "set") != 0;
    bool right;
    if (strcmp(verdict, "refused") == 0)
        right = !ok && e.fault == FAULT_USAGE && e.message;
    else if (!ok)
        right = false;
    else if (order_counts)
        right = strcmp(got.p, wanted) == 0;
    else
        right = strcmp(without_order(a, got.p), without_order(a, wanted)) == 0;
    const char *name = strcmp(difference, "-") != 0 ? arena_printf(a, "deliberate difference: %s", difference)
                                                    : arena_printf(a, "%s of %s graphs", command, p->graph_class);
    struct tally *t = tally_of(p, name);
    t->asked++;
    p->questions++;
    if (right || t->wrong++ >= SHOWN_MAX)
        return;
    BUF_AUTO text = {0};
    buf_addf(&text, "# %s: %s %s, rows %s\n#   wanted %s %s\n#   got    %s %s\n", p->graph_name, command, argument,
             fields[2], verdict, wanted, ok ? "ok" : "refused", ok ? got.p : e.message);
    note(t, text.p);
}

/* ------------------------------------------------------------------------------------------------------------- reading */

static size_t cut_fields(char *line, char **fields, size_t most)
{
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    while (line && n < most)
        fields[n++] = strsep(&line, "\t");
    return line ? most + 1 : n;
}

static void begin_graph(struct peer *p, char **fields)
{
    arena_reset(&p->of_graph);
    p->graph_name = arena_strdup(&p->of_graph, fields[1]);
    p->graph_class = arena_strdup(&p->of_graph, fields[2]);
    p->loose = strcmp(fields[3], "loose") == 0;
    p->drafts = (struct drafts){0};
    p->graph = NULL;
}

static void add_revision(struct peer *p, char **fields)
{
    struct arena *a = &p->of_graph;
    vec_push(a, &p->drafts,
             (struct draft){.id = arena_strdup(a, fields[1]),
                            .down = draft_words(a, str_from(fields[2])),
                            .depends = draft_words(a, str_from(fields[3])),
                            .labels = draft_words(a, str_from(fields[4]))});
}

static void ask(struct peer *p, char **fields)
{
    if (!p->graph)
        p->graph = graph_new(&p->of_graph, stream_from_drafts(&p->of_graph, &p->drafts));
    compare(p, fields);
    arena_reset(&p->of_question);
}

static bool read_file(struct peer *p, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    bool ok = file != NULL;
    while (ok && getline(&line, &room, file) > 0) {
        char *fields[8];
        size_t n = cut_fields(line, fields, 7);
        if (n == 4 && strcmp(fields[0], "G") == 0)
            begin_graph(p, fields);
        else if (n == 5 && strcmp(fields[0], "R") == 0)
            add_revision(p, fields);
        else if (n == 7 && strcmp(fields[0], "Q") == 0)
            ask(p, fields);
        else
            ok = false;
    }
    free(line);
    if (file)
        fclose(file);
    if (!ok)
        printf("Bail out! %s cannot be read\n", path);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tally *)a)->name, ((const struct tally *)b)->name);
}

int main(int argc, char **argv)
{
    struct peer p = {0};
    size_t failed = 0;
    for (int i = 1; i < argc; i++)
        if (!read_file(&p, argv[i]))
            return 1;
    if (p.tallies.n)
        qsort(p.tallies.v, p.tallies.n, sizeof *p.tallies.v, by_name);
    for (size_t i = 0; i < p.tallies.n; i++) {
        struct tally *t = &p.tallies.v[i];
        printf("%s - %s (%zu asked, %zu wrong)\n", t->wrong ? "not ok" : "ok", t->name, t->asked, t->wrong);
        fputs(t->notes ? t->notes : "", stdout);
        failed += t->wrong > 0;
        free(t->notes);
    }
    printf("# %zu questions\n", p.questions);
    arena_free(&p.of_question);
    arena_free(&p.of_graph);
    arena_free(&p.arena);
    return failed > 0;
}
