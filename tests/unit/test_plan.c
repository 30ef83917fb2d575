/*
 * Plans: which revisions run, in which order, with which statements on the version rows. What Alembic answers is compared
 * with the real one by tests/integration/alembic_vectors.py; here stands one example of each form, and every refusal.
 *
 * A plan is written as its steps, "a1 +a1 [a1]; b1 a1>b1 [b1]": the revision, then INSERT +x, DELETE -x, UPDATE x>y in the
 * order they are sent, then the rows after it. A stamp has no revision.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "model/plan.h"
#include "tests/unit/streams.h"

static struct arena arena;
static struct graph *graph;

static void use(const char *text)
{
    arena_reset(&arena);
    graph = graph_new(&arena, stream_from_text(&arena, text));
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct strings words(const char *text)
{
    return draft_words(&arena, str_from(text));
}

static void write_changes(struct buf *out, const struct step *step)
{
    for (size_t i = 0; i < step->n_changes; i++) {
        const struct row_change *c = &step->changes[i];
        if (c->kind == ROW_INSERT)
            buf_addf(out, "+%s ", c->to);
        else if (c->kind == ROW_DELETE)
            buf_addf(out, "-%s ", c->from);
        else
            buf_addf(out, "%s>%s ", c->from, c->to);
    }
}

static const char *show(const struct plan *plan, enum step_kind kind)
{
    BUF_AUTO out = {0};
    const struct strings *before = &plan->before;
    buf_addz(&out, "");
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];
        assert_int_equal(step->kind, kind);
        assert_true(plan->purge || strings_equal(&step->before, before));
        before = &step->after;
        buf_addf(&out, "%s%s%s", i ? "; " : "", step->revision ? step->revision->id : "", step->revision ? " " : "");
        write_changes(&out, step);
        buf_addf(&out, "[%s]", joined(&arena, &step->after));
    }
    if (plan->n)
        assert_true(strings_equal(before, &plan->target));
    return arena_str(&arena, buf_str(&out));
}

typedef bool planner(struct arena *a, const struct graph *g, const struct strings *rows, struct str target,
                     struct plan *out, struct err *e);

static void runs(planner *make, const char *rows_text, const char *target, const char *expected)
{
    struct strings rows = words(rows_text);
    struct plan plan;
    AUTO_ERR e = {0};
    if (!make(&arena, graph, &rows, str_from(target), &plan, &e))
        fail_msg("%s from %s: %s", target, rows_text, e.message);
    assert_string_equal(show(&plan, make == plan_upgrade ? STEP_UPGRADE : STEP_DOWNGRADE), expected);
}

static void up(const char *rows, const char *target, const char *expected)
{
    runs(plan_upgrade, rows, target, expected);
}

static void down(const char *rows, const char *target, const char *expected)
{
    runs(plan_downgrade, rows, target, expected);
}

/* `detail` and `hint` are "" where there is none. */
static void refuses(planner *make, const char *rows_text, const char *target, enum fault fault, const char *message,
                    const char *detail, const char *hint)
{
    struct strings rows = words(rows_text);
    struct plan plan;
    AUTO_ERR e = {0};
    if (make(&arena, graph, &rows, str_from(target), &plan, &e))
        fail_msg("%s from %s is accepted", target, rows_text);
    assert_string_equal(e.message, message);
    assert_string_equal(e.detail ? e.detail : "", detail);
    assert_string_equal(e.hint ? e.hint : "", hint);
    assert_int_equal(e.fault, fault);
}

static void up_refused(const char *rows, const char *target, const char *message, const char *detail, const char *hint)
{
    refuses(plan_upgrade, rows, target, FAULT_USAGE, message, detail, hint);
}

static void down_refused(const char *rows, const char *target, const char *message, const char *detail,
                         const char *hint)
{
    refuses(plan_downgrade, rows, target, FAULT_USAGE, message, detail, hint);
}

#define LINE "aaaa1 <- ; bbbb1 <- aaaa1 ; cccc1 <- bbbb1"
#define FORK "a1 <- ; b1 <- a1 [left] ; b2 <- b1 ; c1 <- a1 [right] ; c2 <- c1"
#define DIAMOND FORK " ; m1 <- b2, c2 ; t1 <- m1"
#define FOREST "a1 <- [aside] ; a2 <- a1 ; b1 <- [bside] ; b2 <- b1"
#define ACROSS "a1 <- [aside] ; a2 <- a1 ; a3 <- a2 depends b2 ; b1 <- [bside] ; b2 <- b1 ; b3 <- b2"

/* ------------------------------------------------------------------------------------------------------------- upgrade */

static void upgrades_a_line(void **state)
{
    (void)state;
    use(LINE);
    up("", "head", "aaaa1 +aaaa1 [aaaa1]; bbbb1 aaaa1>bbbb1 [bbbb1]; cccc1 bbbb1>cccc1 [cccc1]");
    up("", "heads", "aaaa1 +aaaa1 [aaaa1]; bbbb1 aaaa1>bbbb1 [bbbb1]; cccc1 bbbb1>cccc1 [cccc1]");
    up("bbbb1", "cccc1", "cccc1 bbbb1>cccc1 [cccc1]");
    up("bbbb1", "cccc", "cccc1 bbbb1>cccc1 [cccc1]");
    up("cccc1", "head", "");
    up("cccc1", "aaaa1", ""); /* never a downgrade */
}

static void upgrades_by_steps(void **state)
{
    (void)state;
    use(LINE);
    up("", "+1", "aaaa1 +aaaa1 [aaaa1]");
    up("aaaa1", "+2", "bbbb1 aaaa1>bbbb1 [bbbb1]; cccc1 bbbb1>cccc1 [cccc1]");
    up("aaaa1", "+1+1", "bbbb1 aaaa1>bbbb1 [bbbb1]");
    up("aaaa1", "bbbb1+1", "bbbb1 aaaa1>bbbb1 [bbbb1]; cccc1 bbbb1>cccc1 [cccc1]");
    up("aaaa1", "head-1", "bbbb1 aaaa1>bbbb1 [bbbb1]");
    up("aaaa1", "bbbb1+0", "bbbb1 aaaa1>bbbb1 [bbbb1]");
    up("", "base+2", "aaaa1 +aaaa1 [aaaa1]; bbbb1 aaaa1>bbbb1 [bbbb1]");
    use(FORK);
    up("a1", "left@+1", "b1 a1>b1 [b1]");
    up("b2", "right@+1", "c1 +c1 [b2,c1]"); /* from the branch point that the row implies */
    up("", "left@+2", "a1 +a1 [a1]; b1 a1>b1 [b1]");
    up("b1, c1", "left@+1", "b2 b1>b2 [b2,c1]");
    up("b1, c1", "c1@+1", "c2 c1>c2 [b1,c2]");
    up("", "left@a1+2", "a1 +a1 [a1]; b1 a1>b1 [b1]; b2 b1>b2 [b2]");
    up("", "left@b2-1", "a1 +a1 [a1]; b1 a1>b1 [b1]");
}

static void upgrades_branches_in_load_order(void **state)
{
    (void)state;
    use(FORK);
    up("", "heads", "a1 +a1 [a1]; c1 a1>c1 [c1]; c2 c1>c2 [c2]; b1 +b1 [b1,c2]; b2 b1>b2 [b2,c2]");
    up("", "left@head", "a1 +a1 [a1]; b1 a1>b1 [b1]; b2 b1>b2 [b2]");
    up("b2", "right@head", "c1 +c1 [b2,c1]; c2 c1>c2 [b2,c2]");
    use(FOREST);
    up("a2", "heads", "b1 +b1 [a2,b1]; b2 b1>b2 [a2,b2]");
    up("", "bside@heads", "b1 +b1 [b1]; b2 b1>b2 [b2]");
}

static void a_merge_replaces_its_parents_rows(void **state)
{
    (void)state;
    use(DIAMOND);
    up("b2, c2", "head", "m1 -b2 c2>m1 [m1]; t1 m1>t1 [t1]");
    up("b2, c1", "m1", "c2 c1>c2 [b2,c2]; m1 -b2 c2>m1 [m1]");
    use("a1 <- ; b1 <- ; c1 <- ; m1 <- c1, a1, b1");
    up("a1, b1, c1", "head", "m1 -c1 -a1 b1>m1 [m1]");
}

static void dependencies_come_along(void **state)
{
    (void)state;
    use(ACROSS);
    up("a2", "aside@head", "b1 +b1 [a2,b1]; b2 b1>b2 [a2,b2]; a3 -a2 b2>a3 [a3]");
    up("a2", "aside@+1", "b1 +b1 [a2,b1]; b2 b1>b2 [a2,b2]; a3 -a2 b2>a3 [a3]");
    up("a3", "bside@head", "b3 +b3 [a3,b3]"); /* its parent is no row: a3 implies it */
    up("a2, b3", "a3", "a3 a2>a3 [a3,b3]");
    use("a1 <- ; b1 <- depends a1");
    up("", "heads", "a1 +a1 [a1]; b1 a1>b1 [b1]");
}

static void a_parent_that_another_implies_is_no_row(void **state)
{
    (void)state;
    use("a1 <- ; a2 <- a1 ; b1 <- ; m1 <- a1, a2, b1");
    up("a2, b1", "m1", "m1 -a2 b1>m1 [m1]");
}

static void upgrades_refuse_what_goes_down_or_nowhere(void **state)
{
    (void)state;
    use(FORK);
    up_refused("b1", "-1", "\"-1\" is no target of upgrade: it goes down", "",
               "use the downgrade command: downgrade -1");
    up_refused("b1", "left@-1", "\"left@-1\" is no target of upgrade: it goes down", "",
               "use the downgrade command: downgrade left@-1");
    up_refused("b1", "base", "\"base\" is no target of upgrade: it goes down", "",
               "use the downgrade command: downgrade base");
    up_refused("b1", "left@base", "\"left@base\" is no target of upgrade: it goes down", "",
               "use the downgrade command: downgrade left@base");
    up_refused("b1", "a1-1", "\"a1-1\" is no target of upgrade: it goes down", "",
               "use the downgrade command: downgrade a1-1");
    up_refused("b1", "+0", "\"+0\" goes nowhere", "", "");
    up_refused("b1", "-0", "\"-0\" goes nowhere", "", "");
}

static void upgrades_refuse_what_is_ambiguous(void **state)
{
    (void)state;
    use(FORK);
    up_refused("a1", "+1", "\"+1\" is ambiguous: 2 revisions follow a1", "b1, c1",
               "name one of them, or a branch as in LABEL@+1");
    up_refused("b1, c1", "+1", "\"+1\" is ambiguous: it could start from 2 revisions", "b1, c1",
               "choose b1@+1 or c1@+1");
    up_refused("b1, c1", "a1@+2", "\"a1@+2\" is ambiguous: it could start from 2 revisions", "b1, c1",
               "choose b1@+2 or c1@+2");
    up_refused("", "head", "multiple head revisions are present for given argument 'head'", "the heads are b2, c2",
               "name one of them, LABEL@head for the head of a branch, or heads for all");
    up_refused("", "heads-1", "multiple head revisions are present for given argument 'heads'", "the heads are b2, c2",
               "name one of them");
    use(FOREST);
    up_refused("", "+1", "\"+1\" is ambiguous: there are 2 bases", "a1, b1",
               "name one of them, or a branch as in LABEL@+1");
    use(DIAMOND);
    up_refused("", "head-2", "\"head-2\" is ambiguous: m1 merges 2 revisions", "b2, c2", "name one of them");
}

static void upgrades_refuse_steps_that_are_not_there(void **state)
{
    (void)state;
    use(LINE);
    up_refused("bbbb1", "+5", "relative revision +5 didn't produce 5 migrations", "1 above bbbb1", "");
    up_refused("", "+5", "relative revision +5 didn't produce 5 migrations", "3 above base", "");
    up_refused("", "bbbb1+2", "relative revision bbbb1+2 didn't produce 2 migrations", "1 above bbbb1", "");
    up_refused("", "bbbb1-3", "relative revision bbbb1-3 didn't produce 3 migrations", "2 down from bbbb1", "");
    up_refused("", "+99999999999999999999",
               "relative revision +99999999999999999999 didn't produce 9223372036854775807 migrations", "3 above base",
               "");
}

static void upgrades_refuse_names_and_overlaps(void **state)
{
    (void)state;
    use(LINE);
    up_refused("", "ccc", "revision prefix \"ccc\" is too short", "it begins cccc1", "type at least 4 characters");
    up_refused("", "cccd1", "unknown revision \"cccd1\"", "", "did you mean \"cccc1\"?");
    up_refused("", "current", "\"current\" names no revision here", "", "");
    up_refused("", "aaaa1:bbbb1", "range \"aaaa1:bbbb1\" is not allowed here", "",
               "FROM:TO goes with --sql, START:END with history");
    use("t1 <- [trunk] ; a1 <- t1 ; b1 <- t1 depends a1");
    up_refused("", "trunk@heads", "requested revision b1 overlaps with requested revision a1", "",
               "b1 brings a1 with it");
}

static void rows_are_checked_first(void **state)
{
    (void)state;
    use(LINE);
    refuses(plan_upgrade, "zzzz9", "head", FAULT_DIVERGED, "version row \"zzzz9\" is no revision of stream tenant", "",
            "");
    refuses(plan_downgrade, "aaaa1, zzzz9", "base", FAULT_DIVERGED,
            "version row \"zzzz9\" is no revision of stream tenant", "", "");
    refuses(plan_upgrade, "aaaa1, cccc1", "head", FAULT_DIVERGED, "version row aaaa1 is implied by version row cccc1",
            "", "`stamp --purge` writes rows anew; leave aaaa1 out");
    down("aaaa1, cccc1", "base", "cccc1 cccc1>bbbb1 [aaaa1,bbbb1]; bbbb1 -bbbb1 [aaaa1]; aaaa1 -aaaa1 []");
}

/* ----------------------------------------------------------------------------------------------------------- downgrade */

static void downgrades_a_line(void **state)
{
    (void)state;
    use(LINE);
    down("cccc1", "base", "cccc1 cccc1>bbbb1 [bbbb1]; bbbb1 bbbb1>aaaa1 [aaaa1]; aaaa1 -aaaa1 []");
    down("cccc1", "aaaa1", "cccc1 cccc1>bbbb1 [bbbb1]; bbbb1 bbbb1>aaaa1 [aaaa1]");
    down("cccc1", "aaaa", "cccc1 cccc1>bbbb1 [bbbb1]; bbbb1 bbbb1>aaaa1 [aaaa1]");
    down("bbbb1", "bbbb1", "");
    down("", "base", "");
    down("cccc1", "-1", "cccc1 cccc1>bbbb1 [bbbb1]");
    down("aaaa1", "-1", "aaaa1 -aaaa1 []");
    down("cccc1", "head-1", "cccc1 cccc1>bbbb1 [bbbb1]");
    down("cccc1", "aaaa1+1", "cccc1 cccc1>bbbb1 [bbbb1]");
    down("cccc1", "base+1", "cccc1 cccc1>bbbb1 [bbbb1]; bbbb1 bbbb1>aaaa1 [aaaa1]");
    down("cccc1", "bbbb1+0", "cccc1 cccc1>bbbb1 [bbbb1]");
    down("cccc1", "base-1", ""); /* from nothing, one step down is the head */
}

static void a_downgrade_takes_all_branches_above(void **state)
{
    (void)state;
    use(FORK);
    down("b2, c2", "a1", "b2 b2>b1 [b1,c2]; b1 -b1 [c2]; c2 c2>c1 [c1]; c1 c1>a1 [a1]");
    down("b2, c2", "b1", "b2 b2>b1 [b1,c2]");
    down("b2, c2", "left@a1", "b2 b2>b1 [b1,c2]; b1 -b1 [c2]");
    down("b2, c2", "left@-1", "b2 b2>b1 [b1,c2]");
    down("b2, c2", "left@-2", "b2 b2>b1 [b1,c2]; b1 -b1 [c2]");
    down("b2, c2", "c2@-2", "c2 c2>c1 [b2,c1]; c1 -c1 [b2]");
    down("b2", "-2", "b2 b2>b1 [b1]; b1 b1>a1 [a1]");
    use(FOREST);
    down("a2, b2", "aside@base", "a2 a2>a1 [a1,b2]; a1 -a1 [b2]");
    down("a2, b2", "a1", "a2 a2>a1 [a1,b2]");
    down("b1", "-1", "b1 -b1 []"); /* on the row's own tree only */
}

static void undoing_a_merge_brings_its_parents_back(void **state)
{
    (void)state;
    use(DIAMOND);
    down("t1", "m1", "t1 t1>m1 [m1]");
    down("m1", "b2", "m1 +b2 m1>c2 [b2,c2]");
    use(DIAMOND " ; x1 <- c1");
    down("m1, x1", "c1", "m1 +b2 m1>c2 [b2,c2,x1]; c2 -c2 [b2,x1]; x1 x1>c1 [b2,c1]");
    use("a1 <- ; b1 <- ; c1 <- ; m1 <- c1, a1, b1");
    down("m1", "base", "m1 +c1 +a1 m1>b1 [a1,b1,c1]; c1 -c1 [a1,b1]; a1 -a1 [b1]; b1 -b1 []");
}

static void dependants_go_dependencies_stay(void **state)
{
    (void)state;
    use(ACROSS);
    down("a3", "a2", "a3 +a2 a3>b2 [a2,b2]");
    down("a3, b3", "b1", "a3 a3>a2 [a2,b3]; b3 b3>b2 [a2,b2]; b2 b2>b1 [a2,b1]");
    down("a3, b3", "a2", "a3 a3>a2 [a2,b3]");
    down("a3", "bside@-1", "a3 +a2 a3>b2 [a2,b2]; b2 b2>b1 [a2,b1]"); /* b2 is current by implication */
}

static void a_parent_that_another_implies_comes_back_only_beside_other_rows(void **state)
{
    (void)state;
    use("a1 <- ; a2 <- a1 ; b1 <- ; m1 <- a1, a2, b1 ; x1 <-");
    down("m1", "a2", "m1 +a2 m1>b1 [a2,b1]");
    down("m1, x1", "a2", "m1 +a1 +a2 m1>b1 [a1,a2,b1,x1]");
}

static void downgrades_refuse_what_goes_up_or_nowhere(void **state)
{
    (void)state;
    use(FORK);
    down_refused("b1", "+1", "\"+1\" is no target of downgrade: it goes up", "", "use the upgrade command: upgrade +1");
    down_refused("b1", "left@+1", "\"left@+1\" is no target of downgrade: it goes up", "",
                 "use the upgrade command: upgrade left@+1");
    down_refused("b1", "-0", "\"-0\" is no target of downgrade: it goes up", "", "use the upgrade command: upgrade -0");
    down_refused("b1", "base+0", "\"base+0\" goes nowhere", "", "");
    down_refused("", "-1", "\"-1\" has nothing to go down from: no revision is applied", "", "");
    down_refused("", "left@-1", "\"left@-1\" has nothing to go down from: no revision of branch \"left\" is current",
                 "", "");
    down_refused("b1", "left@-9", "relative revision left@-9 didn't produce 9 migrations", "2 down from b1", "");
}

static void several_rows_list_the_choices(void **state)
{
    (void)state;
    use(FORK);
    down_refused("c2, b1", "-1", "\"-1\" is ambiguous: the database stands at 2 revisions", "b1, c2",
                 "choose b1@-1 or c2@-1");
    down_refused("c2, b1", "a1@-2", "\"a1@-2\" is ambiguous: the database stands at 2 revisions", "b1, c2",
                 "choose b1@-2 or c2@-2");
    down("c2, b1", "b1@-1", "b1 -b1 [c2]"); /* what was offered works */
    down("c2, b1", "c2@-1", "c2 c2>c1 [b1,c1]");
}

static void downgrades_refuse_targets_that_are_not_below(void **state)
{
    (void)state;
    use(LINE);
    down_refused("aaaa1", "bbbb1", "bbbb1 is not a valid downgrade target from the current revisions",
                 "the database stands at aaaa1", "");
    down_refused("", "bbbb1", "bbbb1 is not a valid downgrade target from the current revisions",
                 "no revision is applied", "");
    down_refused("bbbb1", "-3", "relative revision -3 didn't produce 3 migrations", "2 down from bbbb1", "");
    down_refused("bbbb1", "head-4", "relative revision head-4 didn't produce 4 migrations", "3 down from cccc1", "");
    down_refused("bbbb1", "bbbb1+2", "relative revision bbbb1+2 didn't produce 2 migrations", "1 above bbbb1", "");
    down_refused("bbbb1", "nosuch@base", "unknown branch label \"nosuch\"", "", "");
    use(FORK);
    down_refused("c2", "b1", "b1 is not a valid downgrade target from the current revisions",
                 "the database stands at c2", "");
    down_refused("b2", "heads", "multiple head revisions are present for given argument 'heads'",
                 "the heads are b2, c2", "name one of them");
    use(FORK " ; d1 <- a1");
    down_refused("b2, c2", "a1@a1", "a1@a1 is not a valid downgrade target: no branch from there leads to a1",
                 "the branches begin with b1, c1, d1", "");
    use(DIAMOND);
    down_refused("m1", "-1", "\"-1\" is ambiguous: m1 merges 2 revisions", "b2, c2", "name one of them");
}

static void is_below(const char *rows_text, const char *target, bool expected)
{
    struct strings rows = words(rows_text);
    bool below;
    AUTO_ERR e = {0};
    if (!plan_is_below(&arena, graph, &rows, str_from(target), &below, &e))
        fail_msg("%s from %s: %s", target, rows_text, e.message);
    assert_int_equal(below, expected);
}

static void a_fleet_can_ask_whether_a_tenant_stands_below(void **state)
{
    (void)state;
    use(FORK);
    is_below("", "b1", true);
    is_below("", "base", true);
    is_below("", "-1", true);
    is_below("a1", "b2", true);
    is_below("b1", "b1", true);
    is_below("b2", "b1", false);
    is_below("c1", "b1", false); /* beside it */
    is_below("c1, b1", "b2", true);
    is_below("c2", "left@a1", true); /* a1 is applied, and nothing of that branch */
    is_below("b2", "-1", false);
    is_below("c2", "left@base", false);
    struct strings rows = words("a1");
    bool below;
    AUTO_ERR e = {0};
    assert_false(plan_is_below(&arena, graph, &rows, STR("+1"), &below, &e));
    assert_string_equal(e.message, "\"+1\" is no target of downgrade: it goes up");
}

/* --------------------------------------------------------------------------------------------------------------- stamp */

static bool make_stamp(const char *rows_text, const char *targets_text, bool purge, struct plan *plan, struct err *e)
{
    struct strings rows = words(rows_text), targets = words(targets_text);
    return plan_stamp(&arena, graph, &rows, &targets, purge, plan, e);
}

static void stamp(const char *rows, const char *targets, const char *expected)
{
    struct plan plan;
    AUTO_ERR e = {0};
    if (!make_stamp(rows, targets, false, &plan, &e))
        fail_msg("stamp %s from %s: %s", targets, rows, e.message);
    assert_string_equal(show(&plan, STEP_STAMP), expected);
}

static void stamps_replace_related_rows(void **state)
{
    (void)state;
    use(FORK);
    stamp("", "b1", "+b1 [b1]");
    stamp("b1", "b1", "");
    stamp("a1", "b2", "a1>b2 [b2]");
    stamp("b2", "a1", "b2>a1 [a1]");
    stamp("b2", "c1", "+c1 [b2,c1]");
    stamp("b2, c2", "a1", "-b2 c2>a1 [a1]");
    stamp("b2, c2", "base", "-b2 [c2]; -c2 []");
    stamp("b2, c2", "left@base", "-b2 [c2]");
    stamp("b1, c1", "left@head", "b1>b2 [b2,c1]");
    stamp("", "-1", "+b1 [b1]; +c1 [b1,c1]");
    stamp("b2", "-1", "b2>b1 [b1]; +c1 [b1,c1]");
    stamp("", "base", "");
    use(ACROSS);
    stamp("b1", "a3", "b1>a3 [a3]"); /* dependencies count */
}

static void several_stamps_all_stand_afterwards(void **state)
{
    (void)state;
    use(FORK);
    stamp("", "b1, c1", "+b1 [b1]; +c1 [b1,c1]");
    stamp("a1", "heads", "a1>b2 [b2]; +c2 [b2,c2]");
    stamp("b1, c2", "heads", "b1>b2 [b2,c2]");
    stamp("b2, c2", "b1, c1", "-b2 c2>b1 [b1]; +c1 [b1,c1]");
    stamp("b2", "b1, b1", "b2>b1 [b1]");
}

static void stamps_refuse(const char *rows, const char *targets, enum fault fault, const char *message,
                          const char *hint)
{
    struct plan plan;
    AUTO_ERR e = {0};
    assert_false(make_stamp(rows, targets, false, &plan, &e));
    assert_int_equal(e.fault, fault);
    assert_string_equal(e.message, message);
    assert_string_equal(e.hint ? e.hint : "", hint);
}

static void stamps_refuse_what_cannot_stand(void **state)
{
    (void)state;
    use(FORK);
    stamps_refuse("", "head", FAULT_USAGE, "multiple head revisions are present for given argument 'head'",
                  "name one of them, LABEL@head for the head of a branch, or heads for all");
    stamps_refuse("", "a1, b1", FAULT_USAGE, "requested revision b1 overlaps with requested revision a1",
                  "b1 brings a1 with it");
    stamps_refuse("gone", "b1", FAULT_DIVERGED, "version row \"gone\" is no revision of stream tenant",
                  "stamp --purge removes every row first");
    stamps_refuse("", "-9", FAULT_USAGE, "relative revision -9 didn't produce 9 migrations", "");
    stamps_refuse("", "nosuch", FAULT_USAGE, "unknown revision \"nosuch\"", "");
}

static void purge_does_not_look_at_the_rows(void **state)
{
    (void)state;
    struct plan plan;
    AUTO_ERR e = {0};
    use(FORK);
    assert_true(make_stamp("gone, b1", "c1", true, &plan, &e));
    assert_true(plan.purge);
    assert_string_equal(joined(&arena, &plan.before), "b1,gone");
    assert_string_equal(joined(&arena, &plan.target), "c1");
    assert_string_equal(show(&plan, STEP_STAMP), "+c1 [c1]");
    assert_int_equal(plan.steps[0].before.n, 0);
    assert_true(make_stamp("gone", "base", true, &plan, &e));
    assert_int_equal(plan.n, 0);
    assert_int_equal(plan.target.n, 0);
}

/* ------------------------------------------------------------------------------------------------------------- history */

static bool make_history(const char *rows_text, const char *range, const char **out, struct err *e)
{
    struct revlist list;
    struct strings rows = words(rows_text ? rows_text : ""), ids = {0};
    if (!plan_history(&arena, graph, str_from(range), rows_text ? &rows : NULL, &list, e))
        return false;
    for (size_t i = 0; i < list.n; i++)
        vec_push(&arena, &ids, graph_revision(graph, list.v[i])->id);
    *out = joined(&arena, &ids);
    return true;
}

static void lists(const char *rows, const char *range, const char *expected)
{
    const char *got;
    AUTO_ERR e = {0};
    if (!make_history(rows, range, &got, &e))
        fail_msg("history %s: %s", range, e.message);
    assert_string_equal(got, expected);
}

static void history_includes_both_ends(void **state)
{
    (void)state;
    use(LINE);
    lists(NULL, "", "cccc1,bbbb1,aaaa1");
    lists(NULL, ":", "cccc1,bbbb1,aaaa1");
    lists(NULL, " base:heads ", "cccc1,bbbb1,aaaa1");
    lists(NULL, "bbbb1:", "cccc1,bbbb1");
    lists(NULL, ":bbbb1", "bbbb1,aaaa1");
    lists(NULL, "bbbb:bbbb", "bbbb1");
    lists("bbbb1", "current:", "cccc1,bbbb1");
    lists("bbbb1", ":current", "bbbb1,aaaa1");
    lists("bbbb1", "current:current", "bbbb1");
    lists("", ":current", "");
    lists("", "current:", "cccc1,bbbb1,aaaa1");
}

static void history_counts_from_either_end(void **state)
{
    (void)state;
    use(LINE);
    lists(NULL, "-1:", "cccc1,bbbb1");
    lists(NULL, "-2:", "cccc1,bbbb1,aaaa1");
    lists(NULL, "-3:", "cccc1,bbbb1,aaaa1");
    lists(NULL, "-99:", "cccc1,bbbb1,aaaa1");
    lists(NULL, ":+2", "bbbb1,aaaa1");
    lists(NULL, ":+99", "cccc1,bbbb1,aaaa1");
    lists(NULL, "bbbb1:+1", "cccc1,bbbb1");
    lists(NULL, "-2:+1", "bbbb1,aaaa1");
    lists(NULL, ":head-1", "bbbb1,aaaa1");
    lists(NULL, ":head-99", "");
    lists(NULL, ":base+2", "bbbb1,aaaa1");
    lists("aaaa1", "current:+1", "bbbb1,aaaa1");
}

static void history_follows_labels(void **state)
{
    (void)state;
    use(FORK);
    lists(NULL, "", "b2,b1,c2,c1,a1");
    lists(NULL, "left@base:", "b2,b1,a1");
    lists(NULL, "left@base:heads", "b2,b1,a1");
    lists(NULL, "b1@base:", "b2,b1,a1"); /* an id stands for its one label */
    lists(NULL, "left@-1:", "b2,b1");
    lists(NULL, "a1:left@head", "b2,b1,a1");
    lists(NULL, "left@base:left@+2", "b1,a1");
    use("aaaa1 <- ; bbbb1 <- aaaa1 [left] ; cccc1 <- aaaa1 [right]");
    lists(NULL, "right@base:", "cccc1,aaaa1");
    lists(NULL, "left@base:", "bbbb1,aaaa1");
    use("a1 <- [trunk] ; b1 <- a1 ; c1 <- a1");
    lists(NULL, "trun@base:", "b1,c1,a1"); /* a prefix stands for the label */
}

static void history_keeps_to_the_line_of_its_lower_end(void **state)
{
    (void)state;
    use(ACROSS);
    lists(NULL, "", "a3,a2,a1,b3,b2,b1");
    lists(NULL, "a1:a3", "a3,a2,a1");
    lists(NULL, "base:a3", "a3,a2,a1,b2,b1");
    use("l1 <- ; l2 <- l1 ; x1 <- depends l2");
    lists(NULL, "l1:", "l2,l1"); /* nothing in the range leads from x1, the head, to l2 */
}

static void history_refuses(const char *rows, const char *range, const char *message, const char *hint)
{
    const char *got;
    AUTO_ERR e = {0};
    if (make_history(rows, range, &got, &e))
        fail_msg("history %s is accepted", range);
    assert_int_equal(e.fault, FAULT_USAGE);
    assert_string_equal(e.message, message);
    assert_string_equal(e.hint ? e.hint : "", hint);
}

static void history_refuses_bad_ranges(void **state)
{
    (void)state;
    use(FORK);
    history_refuses(NULL, "b1", "history range requires [start]:[end], [start]:, or :[end]", "");
    history_refuses(NULL, "a1:b1:b2", "history range requires [start]:[end], [start]:, or :[end]", "");
    history_refuses(NULL, "b1:c2", "range b1:c2 does not refer to ancestor/descendant revisions along the same branch",
                    "");
    history_refuses(NULL, "b2:b1", "range b2:b1 does not refer to ancestor/descendant revisions along the same branch",
                    "");
    history_refuses(NULL, "b1:-1", "\"-1\" cannot end a history range",
                    "START:+N ends N steps above START, -1: starts N steps below the heads");
    history_refuses(NULL, "+1:", "relative revision \"+1\" is not understood here", "");
    history_refuses(NULL, "b2-1:", "relative revision \"b2-1\" is not understood here", "");
    history_refuses(NULL, "a1:+1", "\"+1\" is ambiguous: 2 revisions follow a1",
                    "name one of them, or a branch as in LABEL@+1");
    history_refuses("b1, c1", "current:+1", "\"+1\" is ambiguous: it could start from 2 revisions",
                    "choose b1@+1 or c1@+1");
    history_refuses(NULL, "current:", "\"current\" names no revision here", "");
    history_refuses(NULL, "a1:nosuch", "unknown revision \"nosuch\"", "");
    history_refuses(NULL, "nosuch@base:", "unknown branch label \"nosuch\"", "");
    history_refuses("a1, b1", "current:", "requested revision b1 overlaps with requested revision a1",
                    "b1 brings a1 with it");
}

/* ---------------------------------------------------------------------------------------------------------------- rows */

static void rows_of_a_symbol_stand_for_a_database(void **state)
{
    (void)state;
    struct strings rows;
    AUTO_ERR e = {0};
    use(FORK);
    assert_true(plan_rows_of(&arena, graph, STR("base"), &rows, &e));
    assert_int_equal(rows.n, 0);
    assert_true(plan_rows_of(&arena, graph, STR("heads"), &rows, &e));
    assert_string_equal(joined(&arena, &rows), "b2,c2");
    assert_true(plan_rows_of(&arena, graph, STR("left@head"), &rows, &e));
    assert_string_equal(joined(&arena, &rows), "b2");
    assert_false(plan_rows_of(&arena, graph, STR("head"), &rows, &e));
    assert_string_equal(e.message, "multiple head revisions are present for given argument 'head'");
}

static void at_head_means_every_real_head(void **state)
{
    (void)state;
    static const struct {
        const char *rows;
        bool at_head;
    } cases[] = {{"", false}, {"b2", false}, {"b2, c2", true}, {"b2, c1", false}};
    use(FORK);
    AUTO_ERR e = {0};
    bool at_head;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strings rows = words(cases[i].rows);
        assert_true(plan_at_head(&arena, graph, &rows, &at_head, &e));
        assert_int_equal(at_head, cases[i].at_head);
    }
    struct strings rows = words("gone");
    assert_false(plan_at_head(&arena, graph, &rows, &at_head, &e));
    assert_int_equal(e.fault, FAULT_DIVERGED);
    use("a1 <- ; b1 <- depends a1");
    rows = words("b1");
    assert_true(plan_at_head(&arena, graph, &rows, &at_head, &e));
    assert_true(at_head);
}

static void applied_is_what_the_rows_imply(void **state)
{
    (void)state;
    struct strings unknown, rows, ids = {0};
    use(ACROSS);
    rows = words("a3, gone, b1");
    struct revlist applied = plan_applied(&arena, graph, &rows, &unknown);
    for (size_t i = 0; i < applied.n; i++)
        vec_push(&arena, &ids, graph_revision(graph, applied.v[i])->id);
    for (size_t i = 1; i < applied.n; i++)
        assert_true(applied.v[i - 1] < applied.v[i]);
    strings_sort(&ids);
    assert_string_equal(joined(&arena, &ids), "a1,a2,a3,b1,b2");
    assert_string_equal(joined(&arena, &unknown), "gone");
}

/* A ladder of forks and merges, so that anything that looks at all ancestors at every step would take minutes. */
static void ten_thousand_revisions_are_planned(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct strings none = {0};
    struct plan plan, back;
    AUTO_ERR e = {0};
    arena_reset(&arena);
    const struct revision **table = ARENA_ARRAY(&arena, const struct revision *, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct revision *r = ARENA_NEW(&arena, struct revision);
        uint32_t *down = ARENA_ARRAY(&arena, uint32_t, 2);
        r->id = arena_printf(&arena, "rev%06u", i);
        r->message = r->created = r->path = "";
        r->load_order = COUNT - 1 - i;
        r->n_down = i == 0 ? 0 : i % 3 == 0 ? 2 : 1;
        down[0] = i % 3 == 0 ? i - 1 : i - i % 3;
        down[1] = i - 2;
        r->down = down;
        table[i] = r;
    }
    struct stream stream = {.name = "tenant", .n_revisions = COUNT, .revisions = table};
    graph = graph_new(&arena, &stream);
    assert_true(plan_upgrade(&arena, graph, &none, STR("head"), &plan, &e));
    assert_int_equal(plan.n, COUNT);
    assert_true(plan_downgrade(&arena, graph, &plan.target, STR("base"), &back, &e));
    assert_int_equal(back.n, COUNT);
    assert_int_equal(back.target.n, 0);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(strings_equal(&back.steps[i].before, &plan.steps[COUNT - 1 - i].after) ||
                    back.steps[i].before.n == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upgrades_a_line),
        cmocka_unit_test(upgrades_by_steps),
        cmocka_unit_test(upgrades_branches_in_load_order),
        cmocka_unit_test(a_merge_replaces_its_parents_rows),
        cmocka_unit_test(dependencies_come_along),
        cmocka_unit_test(a_parent_that_another_implies_is_no_row),
        cmocka_unit_test(upgrades_refuse_what_goes_down_or_nowhere),
        cmocka_unit_test(upgrades_refuse_what_is_ambiguous),
        cmocka_unit_test(upgrades_refuse_steps_that_are_not_there),
        cmocka_unit_test(upgrades_refuse_names_and_overlaps),
        cmocka_unit_test(rows_are_checked_first),
        cmocka_unit_test(downgrades_a_line),
        cmocka_unit_test(a_downgrade_takes_all_branches_above),
        cmocka_unit_test(undoing_a_merge_brings_its_parents_back),
        cmocka_unit_test(dependants_go_dependencies_stay),
        cmocka_unit_test(a_parent_that_another_implies_comes_back_only_beside_other_rows),
        cmocka_unit_test(downgrades_refuse_what_goes_up_or_nowhere),
        cmocka_unit_test(several_rows_list_the_choices),
        cmocka_unit_test(downgrades_refuse_targets_that_are_not_below),
        cmocka_unit_test(a_fleet_can_ask_whether_a_tenant_stands_below),
        cmocka_unit_test(stamps_replace_related_rows),
        cmocka_unit_test(several_stamps_all_stand_afterwards),
        cmocka_unit_test(stamps_refuse_what_cannot_stand),
        cmocka_unit_test(purge_does_not_look_at_the_rows),
        cmocka_unit_test(history_includes_both_ends),
        cmocka_unit_test(history_counts_from_either_end),
        cmocka_unit_test(history_follows_labels),
        cmocka_unit_test(history_keeps_to_the_line_of_its_lower_end),
        cmocka_unit_test(history_refuses_bad_ranges),
        cmocka_unit_test(rows_of_a_symbol_stand_for_a_database),
        cmocka_unit_test(at_head_means_every_real_head),
        cmocka_unit_test(applied_is_what_the_rows_imply),
        cmocka_unit_test(ten_thousand_revisions_are_planned),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
