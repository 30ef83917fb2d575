/* The order of actions: edges, ties, parts that move along, and circles that come apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gen/actions.h"

/* The wholes in order, as one text. */
static const char *sorted(struct actions *g)
{
    BUF_AUTO text = {0};
    struct err e = {0};
    uint32_t *order;
    size_t n;
    if (!actions_sort(g, &order, &n, &e)) {
        const char *why = arena_printf(g->arena, "%s: %s", e.message, e.detail);
        err_free(&e);
        return why;
    }
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, "%s%s", i ? " " : "", g->v.v[order[i]].name);
    return arena_str(g->arena, buf_str(&text));
}

static void ties_go_by_class_rank_and_name(void **state)
{
    ARENA_AUTO arena = {0};
    struct actions g = {.arena = &arena};
    (void)state;
    action_add(&g, 1, 0, "d");
    action_add(&g, 0, 2, "c");
    action_add(&g, 0, 1, "b");
    action_add(&g, 0, 1, "a");
    assert_string_equal(sorted(&g), "a b c d");
}

static void edges_come_before_ties(void **state)
{
    ARENA_AUTO arena = {0};
    struct actions g = {.arena = &arena};
    (void)state;
    uint32_t a = action_add(&g, 0, 0, "a"), b = action_add(&g, 0, 0, "b"), c = action_add(&g, 1, 0, "c");
    action_order(&g, c, a);
    action_order(&g, b, c);
    action_order(&g, b, c);
    action_order(&g, a, a);
    assert_string_equal(sorted(&g), "b c a");
}

static void a_part_moves_along_with_its_whole(void **state)
{
    ARENA_AUTO arena = {0};
    struct actions g = {.arena = &arena};
    (void)state;
    uint32_t table = action_add(&g, 0, 0, "a_table"), column = action_add(&g, 0, 0, "column");
    uint32_t value = action_add(&g, 0, 0, "default"), function = action_add(&g, 0, 0, "function");
    action_join(&g, column, table, 1);
    action_join(&g, value, column, 2);
    action_order(&g, function, value);
    assert_string_equal(sorted(&g), "function a_table");
    assert_int_equal(action_whole(&g, value), table);
}

static void the_loosest_part_leaves_a_circle(void **state)
{
    ARENA_AUTO arena = {0};
    struct actions g = {.arena = &arena};
    (void)state;
    uint32_t a = action_add(&g, 0, 0, "a"), b = action_add(&g, 0, 0, "b");
    uint32_t key_a = action_add(&g, 0, 1, "a_key"), key_b = action_add(&g, 0, 1, "b_key");
    action_join(&g, key_a, a, 9);
    action_join(&g, key_b, b, 8);
    action_order(&g, b, key_a);
    action_order(&g, a, key_b);
    assert_string_equal(sorted(&g), "a b a_key");
    assert_int_equal(action_whole(&g, key_b), b);
}

static void two_actions_cannot_be_parts_of_each_other(void **state)
{
    ARENA_AUTO arena = {0};
    struct actions g = {.arena = &arena};
    (void)state;
    uint32_t a = action_add(&g, 0, 0, "a"), b = action_add(&g, 0, 0, "b");
    action_join(&g, a, b, 1);
    action_join(&g, b, a, 1);
    assert_string_equal(sorted(&g), "b");
}

static void a_circle_of_wholes_is_refused_by_name(void **state)
{
    ARENA_AUTO arena = {0};
    struct actions g = {.arena = &arena};
    (void)state;
    uint32_t a = action_add(&g, 0, 0, "a"), b = action_add(&g, 0, 0, "b"), c = action_add(&g, 0, 0, "c");
    action_order(&g, a, b);
    action_order(&g, b, a);
    action_order(&g, b, c);
    assert_string_equal(sorted(&g), "these changes need each other done first: a, then b");
}

/* Many tables with keys to each other in a ring: all but one key stay inside. */
static void a_large_ring_is_sorted(void **state)
{
    ARENA_AUTO arena = {0};
    struct actions g = {.arena = &arena};
    uint32_t tables[200];
    struct err e = {0};
    uint32_t *order;
    size_t n;
    (void)state;
    for (size_t i = 0; i < 200; i++)
        tables[i] = action_add(&g, 0, 0, arena_printf(&arena, "t%03zu", i));
    for (size_t i = 0; i < 200; i++) {
        uint32_t key = action_add(&g, 0, 1, "key");
        action_join(&g, key, tables[i], 9);
        action_order(&g, tables[(i + 1) % 200], key);
    }
    assert_true(actions_sort(&g, &order, &n, &e));
    assert_int_equal(n, 201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_go_by_class_rank_and_name),
        cmocka_unit_test(edges_come_before_ties),
        cmocka_unit_test(a_part_moves_along_with_its_whole),
        cmocka_unit_test(the_loosest_part_leaves_a_circle),
        cmocka_unit_test(two_actions_cannot_be_parts_of_each_other),
        cmocka_unit_test(a_circle_of_wholes_is_refused_by_name),
        cmocka_unit_test(a_large_ring_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
