/* Heads, bases, labels, ancestors, order, and what a symbol resolves to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "model/graph.h"
#include "tests/unit/streams.h"

/* A test has one graph at a time; it lives here. */
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

static uint32_t at(const char *id)
{
    uint32_t index = graph_find(graph, str_from(id));
    if (index == REVISION_NONE)
        fail_msg("no revision is called %s", id);
    return index;
}

static const char *ids(struct revlist list)
{
    struct strings names = {0};
    for (size_t i = 0; i < list.n; i++)
        vec_push(&arena, &names, graph_revision(graph, list.v[i])->id);
    return joined(&arena, &names);
}

static const char *members(struct revset set)
{
    return ids(revset_list(&arena, graph, &set));
}

static struct revset set_of(const char *names)
{
    struct revset set = revset_new(&arena, graph);
    struct strings list = draft_words(&arena, str_from(names));
    for (size_t i = 0; i < list.n; i++)
        revset_add(&set, at(list.v[i]));
    return set;
}

static const char *labels(const char *id)
{
    struct strings list = graph_labels(&arena, graph, at(id));
    return joined(&arena, &list);
}

/* ---------------------------------------------------------------------------------------------------------------- sets */

static void sets_behave_like_sets(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    buf_addz(&text, "r0 <-");
    for (int i = 1; i < 130; i++)
        buf_addf(&text, "; r%d <- r%d", i, i - 1);
    use(text.p);
    struct revset a = set_of("r0, r63, r64, r129"), b = set_of("r64, r128");
    assert_int_equal(revset_count(&a), 4);
    assert_true(revset_has(&a, at("r63")) && !revset_has(&a, at("r62")) && !revset_has(&a, 130) &&
                !revset_has(&a, 9999));
    assert_int_equal(revset_next(&a, 1), at("r63"));
    assert_int_equal(revset_next(&a, at("r64") + 1), at("r129"));
    assert_int_equal(revset_next(&a, 130), REVISION_NONE);
    assert_true(revset_meets(&a, &b));
    revset_remove(&b, at("r64"));
    assert_false(revset_meets(&a, &b));
    revset_union(&a, &b);
    assert_string_equal(members(a), "r0,r63,r64,r128,r129");
    revset_subtract(&a, &b);
    revset_intersect(&a, &(struct revset){set_of("r0, r64, r1").bits, a.n});
    assert_string_equal(members(a), "r0,r64");
    b = revset_of(&arena, graph, at("r129"));
    assert_int_equal(revset_count(&(struct revset){graph_ancestors(&arena, graph, &b).bits, b.n}), 130);
    revset_remove(&b, at("r129"));
    assert_true(revset_is_empty(&b));
}

static void an_empty_stream_has_an_empty_graph(void **state)
{
    (void)state;
    use("");
    assert_int_equal(graph_size(graph), 0);
    assert_int_equal(graph_heads(&arena, graph).n, 0);
    assert_int_equal(graph_bases(&arena, graph).n, 0);
    assert_int_equal(graph_find(graph, STR("a1")), REVISION_NONE);
    struct revset none = revset_new(&arena, graph);
    assert_true(revset_is_empty(&none));
    assert_int_equal(graph_sort(&arena, graph, &none, &none).n, 0);
}

/* --------------------------------------------------------------------------------------------------------------- shape */

static void heads_and_bases_come_in_load_order(void **state)
{
    (void)state;
    use("z1 <- ; c1 <- b1 ; b1 <- a1 ; d1 <- b1 ; a1 <-");
    assert_string_equal(ids(graph_heads(&arena, graph)), "z1,c1,d1");
    assert_string_equal(ids(graph_bases(&arena, graph)), "z1,a1");
    assert_string_equal(ids(graph_children(&arena, graph, at("b1"))), "c1,d1");
    assert_true(graph_is_branch_point(graph, at("b1")) && !graph_is_branch_point(graph, at("a1")));
    assert_true(graph_is_head(graph, at("d1")) && !graph_is_head(graph, at("b1")));
}

static void a_head_that_another_depends_on_is_no_real_head(void **state)
{
    (void)state;
    use("a1 <- ; a2 <- a1 ; b1 <- depends a2");
    assert_string_equal(ids(graph_heads(&arena, graph)), "a2,b1");
    assert_string_equal(ids(graph_real_heads(&arena, graph)), "b1");
    assert_true(graph_is_head(graph, at("a2")) && !graph_is_real_head(graph, at("a2")));
    assert_string_equal(ids(graph_bases(&arena, graph)), "a1,b1");
}

static void merges_have_several_parents(void **state)
{
    (void)state;
    use("a1 <- ; b1 <- a1 ; c1 <- a1 ; m1 <- c1, b1");
    assert_true(graph_is_merge_point(graph, at("m1")) && !graph_is_merge_point(graph, at("b1")));
    assert_string_equal(ids(graph_normdown(&arena, graph, at("m1"))), "c1,b1");
}

static void dependencies_that_ancestors_have_are_dropped(void **state)
{
    (void)state;
    use("a1 <- ; x1 <- ; b1 <- depends a1 ; b2 <- b1 depends a1, x1 ; b3 <- b2 depends a1, x1 ; c1 <- depends a1");
    assert_string_equal(ids(graph_normdown(&arena, graph, at("b1"))), "a1");
    assert_string_equal(ids(graph_normdown(&arena, graph, at("b2"))), "b1,x1");
    assert_string_equal(ids(graph_normdown(&arena, graph, at("b3"))), "b2");
    assert_string_equal(ids(graph_normdown(&arena, graph, at("c1"))), "a1");
    /* A dependency on an own ancestor stays. */
    use("a1 <- ; a2 <- a1 ; a3 <- a2 depends a1, a2, a1");
    assert_string_equal(ids(graph_normdown(&arena, graph, at("a3"))), "a2,a1");
}

static void ancestors_and_descendants_follow_dependencies(void **state)
{
    (void)state;
    use("a1 <- ; a2 <- a1 ; b1 <- ; b2 <- b1 depends a1 ; b3 <- b2");
    struct revset b2 = set_of("b2"), a1 = set_of("a1");
    assert_string_equal(members(graph_ancestors(&arena, graph, &b2)), "a1,b1,b2");
    assert_string_equal(members(graph_ancestors_down(&arena, graph, &b2)), "b1,b2");
    assert_string_equal(members(graph_descendants(&arena, graph, &a1)), "a1,a2,b2,b3");
    assert_string_equal(members(graph_descendants_down(&arena, graph, &a1)), "a1,a2");
    assert_string_equal(members(graph_lineage(&arena, graph, &b2, false)), "b1,b2,b3");
    assert_string_equal(members(graph_lineage(&arena, graph, &b2, true)), "a1,b1,b2,b3");
}

static void current_names_what_dependencies_imply(void **state)
{
    (void)state;
    use("a1 <- ; a2 <- a1 ; b1 <- ; b2 <- b1 depends a1");
    struct revset rows = set_of("b2");
    assert_string_equal(ids(graph_current(&arena, graph, &rows)), "a1,b2");
}

/* -------------------------------------------------------------------------------------------------------------- labels */

static void a_label_covers_a_line_from_end_to_end(void **state)
{
    (void)state;
    use("a1 <- ; b1 <- a1 ; c1 <- b1 [trunk] ; d1 <- c1");
    assert_string_equal(labels("a1"), "trunk");
    assert_string_equal(labels("d1"), "trunk");
    assert_true(graph_has_label(graph, at("a1"), STR("trunk")));
    assert_false(graph_has_label(graph, at("a1"), STR("c1")));
    assert_false(graph_has_label(graph, at("a1"), STR("other")));
}

static void a_label_ends_at_branches_and_merges(void **state)
{
    (void)state;
    use("a1 <- ; b1 <- a1 ; b2 <- b1 [left] ; c1 <- a1 [right, also] ; m1 <- b2, c1 [late] ; n1 <- m1");
    assert_string_equal(labels("a1"), "");
    assert_string_equal(labels("b1"), ""); /* the way up from the tip ends at the merge */
    assert_string_equal(labels("b2"), "left");
    assert_string_equal(labels("c1"), "also,right");
    assert_string_equal(labels("n1"), "also,late,left,right");
    use("a1 <- ; b1 <- a1 ; b2 <- b1 [left] ; c1 <- a1 ; x1 <- depends b1");
    assert_string_equal(labels("b1"), ""); /* a dependant makes it a branch point too */
    use("a1 <- [trunk] ; b1 <- a1 ; c1 <- a1");
    assert_string_equal(labels("b1"), "trunk");
    assert_string_equal(labels("c1"), "trunk");
}

/* --------------------------------------------------------------------------------------------------------------- order */

static const char *sorted(const char *set, const char *heads)
{
    struct revset all = set_of(set), from = set_of(heads);
    return ids(graph_sort(&arena, graph, &all, &from));
}

static void one_branch_is_walked_until_it_meets_the_other(void **state)
{
    (void)state;
    use("a1 <- ; b1 <- a1 ; c1 <- a1 ; b2 <- b1 ; c2 <- c1 ; m1 <- b2, c2");
    assert_string_equal(sorted("a1, b1, b2, c1, c2, m1", "m1"), "m1,b2,b1,c2,c1,a1");
    assert_string_equal(sorted("a1, b1, b2, c1, c2", "c2, b2"), "b2,b1,c2,c1,a1");
    assert_string_equal(sorted("b1, b2, c1", "b2, c1"), "c1,b2,b1");
}

static void file_names_decide_between_branches(void **state)
{
    (void)state;
    use("c2 <- c1 ; b2 <- b1 ; b1 <- a1 ; c1 <- a1 ; a1 <-");
    assert_string_equal(sorted("a1, b1, b2, c1, c2", "b2, c2"), "c2,c1,b2,b1,a1");
}

static void dependants_come_first(void **state)
{
    (void)state;
    use("a1 <- ; a2 <- a1 ; b1 <- ; b2 <- b1 depends a1 ; b3 <- b2");
    assert_string_equal(sorted("a1, a2, b1, b2, b3", "a2, b3"), "a2,b3,b2,b1,a1");
}

static void what_no_head_leads_to_follows(void **state)
{
    (void)state;
    use("a1 <- ; a2 <- a1 ; b1 <- ; b2 <- b1");
    assert_string_equal(sorted("a1, a2, b1, b2", "b2"), "b2,b1,a2,a1");
    assert_string_equal(sorted("a1, b1", "a2"), "a1,b1");
}

/* ------------------------------------------------------------------------------------------------------------- symbols */

static void resolves_to(const char *symbol, const char *expected)
{
    struct revlist found;
    AUTO_ERR e = {0};
    if (!graph_resolve(&arena, graph, str_from(symbol), NULL, &found, &e))
        fail_msg("%s: %s", symbol, e.message);
    assert_string_equal(ids(found), expected);
}

static void is_refused(const char *symbol, const char *message, const char *detail, const char *hint)
{
    struct revlist found;
    AUTO_ERR e = {0};
    assert_false(graph_resolve(&arena, graph, str_from(symbol), NULL, &found, &e));
    assert_int_equal(e.fault, FAULT_USAGE);
    assert_string_equal(e.message, message);
    assert_string_equal(e.detail ? e.detail : "", detail);
    assert_string_equal(e.hint ? e.hint : "", hint);
}

#define FORK                                                                                                           \
    "abcd1111 <- ; bbbb1111 <- abcd1111 [billing] ; bbbb2222 <- bbbb1111 ; cccc1111 <- abcd1111 [docs] ; "             \
    "cccc2222 <- cccc1111 depends bbbb1111"

static void symbols_resolve(void **state)
{
    (void)state;
    use(FORK);
    resolves_to("abcd1111", "abcd1111");
    resolves_to("abcd", "abcd1111");
    resolves_to("bbbb1", "bbbb1111");
    resolves_to("billing", "bbbb1111");
    resolves_to("bill", "bbbb1111");
    resolves_to("heads", "bbbb2222,cccc2222");
    resolves_to("base", "");
    resolves_to("billing@base", "");
    resolves_to("billing@head", "bbbb2222");
    resolves_to("billing@heads", "bbbb2222");
    resolves_to("bbbb1111@head", "bbbb2222");
    resolves_to("bill@head", "bbbb2222");
    resolves_to("billing@abcd", "abcd1111");
    resolves_to("docs@cccc2", "cccc2222");
    resolves_to("billing@bbbb2", "bbbb2222");
    resolves_to("-1", "bbbb1111,cccc1111");
    resolves_to("-2", "abcd1111");
    resolves_to("docs@-1", "cccc1111");
    resolves_to("-3", "");
    use("a1 <- ; a2 <- a1 ; b1 <- depends a2");
    resolves_to("heads", "b1");
    resolves_to("a1@heads", "a2"); /* with a label heads by down only */
    resolves_to("a1@head", "a2");
}

static void names_may_be_short_but_prefixes_not(void **state)
{
    (void)state;
    use("a <- ; ab <- a ; abc99 <- ab [abcd]");
    resolves_to("a", "a");
    resolves_to("ab", "ab");
    resolves_to("abc9", "abc99");
    is_refused("abc", "revision prefix \"abc\" is too short", "it begins abc99, abcd", "type at least 4 characters");
}

static void a_prefix_is_judged_within_its_branch(void **state)
{
    (void)state;
    use("base1 <- ; xxxx11 <- base1 [left] ; xxxx22 <- base1 [right]");
    resolves_to("left@xxxx", "xxxx11");
    is_refused("xxxx", "revision prefix \"xxxx\" is ambiguous", "it begins xxxx11, xxxx22", "type more characters");
}

static void unknown_ambiguous_and_short_have_their_own_messages(void **state)
{
    (void)state;
    use(FORK);
    is_refused("abcd1112", "unknown revision \"abcd1112\"", "", "did you mean \"abcd1111\"?");
    is_refused("haed", "unknown revision \"haed\"", "", "did you mean \"head\"?");
    is_refused("bililng", "unknown revision \"bililng\"", "", "did you mean \"billing\"?");
    is_refused("nothing-like-it", "unknown revision \"nothing-like-it\"", "", "");
    is_refused("zz", "unknown revision \"zz\"", "", "");
    is_refused("bbbb", "revision prefix \"bbbb\" is ambiguous", "it begins bbbb1111, bbbb2222", "type more characters");
    is_refused("abc", "revision prefix \"abc\" is too short", "it begins abcd1111", "type at least 4 characters");
    is_refused("nosuch@head", "unknown branch label \"nosuch\"", "", "");
    is_refused("doc@head", "branch label prefix \"doc\" is too short", "it begins docs", "type at least 4 characters");
    is_refused("bbbb@head", "branch label prefix \"bbbb\" is ambiguous", "it begins bbbb1111, bbbb2222",
               "type more characters");
    use("xxxx1 <- ; xxxx2 <- xxxx1 ; xxxx3 <- xxxx2 ; xxxx4 <- xxxx3 ; xxxx5 <- xxxx4 ; xxxx6 <- xxxx5 ; xxxx7 <- xxxx6");
    is_refused("xxxx", "revision prefix \"xxxx\" is ambiguous",
               "it begins xxxx1, xxxx2, xxxx3, xxxx4, xxxx5 and 2 more", "type more characters");
}

static void other_refusals_name_the_reason(void **state)
{
    (void)state;
    use(FORK);
    is_refused("head", "multiple head revisions are present for given argument 'head'",
               "the heads are bbbb2222, cccc2222",
               "name one of them, LABEL@head for the head of a branch, or heads for all");
    is_refused("abcd1111@head", "multiple head revisions are present for given argument 'abcd1111@head'",
               "the heads are bbbb2222, cccc2222",
               "name one of them, LABEL@head for the head of a branch, or heads for all");
    is_refused("billing@cccc1111", "revision cccc1111 is not a member of branch \"billing\"", "", "");
    is_refused("billing@docs", "revision cccc1111 is not a member of branch \"billing\"", "", "");
    is_refused("current", "\"current\" names no revision here", "", "");
    is_refused("+1", "relative revision \"+1\" is not understood here", "", "");
    is_refused("head-1", "relative revision \"head-1\" is not understood here", "", "");
    is_refused("-4", "relative revision -4 didn't produce 4 migrations", "3 down from bbbb2222", "");
    is_refused("", "the target is empty", "", "give head, +1, a revision, LABEL@head…");
    use("a1 <- ; b1 <- ; m1 <- a1, b1");
    is_refused("-1", "\"-1\" is ambiguous: m1 merges 2 revisions", "a1, b1", "name one of them");
}

static void current_stands_for_the_rows(void **state)
{
    (void)state;
    use(FORK);
    struct strings rows = draft_words(&arena, STR("bbbb1111, cccc1111"));
    struct revlist found;
    AUTO_ERR e = {0};
    assert_true(graph_resolve(&arena, graph, STR("current"), &rows, &found, &e));
    assert_string_equal(ids(found), "bbbb1111,cccc1111");
    assert_true(graph_resolve(&arena, graph, STR("docs@current"), &rows, &found, &e));
    assert_string_equal(ids(found), "cccc1111");
    rows = draft_words(&arena, STR("bbbb1111, gone"));
    assert_false(graph_resolve(&arena, graph, STR("current"), &rows, &found, &e));
    assert_int_equal(e.fault, FAULT_DIVERGED);
}

static void rows_are_full_ids(void **state)
{
    (void)state;
    use(FORK);
    static const char *const unknown_rows[] = {"bbbb", "billing", "head", "", "abcd1111x"};
    for (size_t i = 0; i < sizeof unknown_rows / sizeof *unknown_rows; i++) {
        struct strings rows = {0};
        struct revset set;
        const char *unknown = NULL;
        AUTO_ERR e = {0};
        vec_push(&arena, &rows, "abcd1111");
        vec_push(&arena, &rows, unknown_rows[i]);
        assert_false(graph_rows(&arena, graph, &rows, &set, &unknown, &e));
        assert_int_equal(e.fault, FAULT_DIVERGED);
        assert_ptr_equal(unknown, unknown_rows[i]);
        assert_string_equal(
            e.message, arena_printf(&arena, "version row \"%s\" is no revision of stream tenant", unknown_rows[i]));
    }
}

static void names_are_found_among_many(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    buf_addz(&text, "rev0000 <- [label0]");
    for (int i = 1; i < 500; i++)
        buf_addf(&text, "; rev%04d <- rev%04d [label%d]", i, i - 1, i);
    use(text.p);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(graph_find(graph, str_from(arena_printf(&arena, "rev%04d", i))), i);
        assert_int_equal(graph_lookup(graph, str_from(arena_printf(&arena, "label%d", i))), i);
    }
    assert_int_equal(graph_find(graph, STR("label1")), REVISION_NONE);
    assert_int_equal(graph_lookup(graph, STR("rev0500")), REVISION_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_behave_like_sets),
        cmocka_unit_test(an_empty_stream_has_an_empty_graph),
        cmocka_unit_test(heads_and_bases_come_in_load_order),
        cmocka_unit_test(a_head_that_another_depends_on_is_no_real_head),
        cmocka_unit_test(merges_have_several_parents),
        cmocka_unit_test(dependencies_that_ancestors_have_are_dropped),
        cmocka_unit_test(ancestors_and_descendants_follow_dependencies),
        cmocka_unit_test(current_names_what_dependencies_imply),
        cmocka_unit_test(a_label_covers_a_line_from_end_to_end),
        cmocka_unit_test(a_label_ends_at_branches_and_merges),
        cmocka_unit_test(one_branch_is_walked_until_it_meets_the_other),
        cmocka_unit_test(file_names_decide_between_branches),
        cmocka_unit_test(dependants_come_first),
        cmocka_unit_test(what_no_head_leads_to_follows),
        cmocka_unit_test(symbols_resolve),
        cmocka_unit_test(names_may_be_short_but_prefixes_not),
        cmocka_unit_test(a_prefix_is_judged_within_its_branch),
        cmocka_unit_test(unknown_ambiguous_and_short_have_their_own_messages),
        cmocka_unit_test(other_refusals_name_the_reason),
        cmocka_unit_test(current_stands_for_the_rows),
        cmocka_unit_test(rows_are_full_ids),
        cmocka_unit_test(names_are_found_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
