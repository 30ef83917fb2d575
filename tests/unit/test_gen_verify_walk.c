/*
 * Which orders of a graph verify walks. The way is written as text: the revision of each step, "=" behind it where another
 * order was at that state before, "." where it is on the stream's own order; "(" and ")" around what a copy goes along.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gen/verify/orders.h"
#include "tests/unit/streams.h"

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct orders plan(const char *text, uint64_t most)
{
    struct orders o;
    orders_plan(&arena, stream_from_text(&arena, text), NULL, most, &o);
    return o;
}

static const char *show(const struct stream *stream, const struct orders *o)
{
    BUF_AUTO out = {0};
    buf_addz(&out, "");
    for (size_t i = 0; i < o->steps.n; i++) {
        const struct order_step *s = &o->steps.v[i];
        if (out.n && s->action != ORDER_BACK && out.p[out.n - 1] != '(')
            buf_addc(&out, ' ');
        if (s->action == ORDER_UP)
            buf_addf(&out, "%s%s%s", stream->revisions[s->revision]->id, s->compare ? "=" : "", s->line ? "." : "");
        else
            buf_addc(&out, s->action == ORDER_FORK ? '(' : ')');
    }
    return arena_str(&arena, buf_str(&out));
}

/* The way, and how many states and orders there are. */
static void expect(const char *text, const char *way, uint32_t n_states, uint64_t n_orders)
{
    const struct stream *stream = stream_from_text(&arena, text);
    struct orders o;
    orders_plan(&arena, stream, NULL, 2000, &o);
    assert_string_equal(show(stream, &o), way);
    assert_int_equal(o.n_states, n_states);
    assert_int_equal(o.n_orders, n_orders);
    assert_int_equal(o.n_walked, o.n_edges);
    assert_true(o.exact);
}

static void a_chain_has_one_order(void **state)
{
    (void)state;
    expect("", "", 1, 1);
    expect("a <-", "", 2, 1);
    expect("a <- ; b <- a ; c <- b", "", 4, 1);
}

static void two_branches_meet_at_each_state(void **state)
{
    (void)state;
    expect("a <- ; b <- a ; c <- a", "a. (c b) b. c=.", 5, 2);
    expect("a <- ; b <- a ; c <- b ; d <- a", "a. (d b c) b. (d=) c. d=.", 7, 3);
}

/* Behind a merge there is nothing to choose any more. */
static void a_diamond_ends_at_its_merge(void **state)
{
    (void)state;
    expect("a <- ; b <- a ; c <- a ; m <- b, c ; z <- m", "a. (c b) b. c=.", 7, 2);
    expect("a <- ; b <- a ; c <- a ; m <- b, c ; x <- m ; y <- m", "a. (c b m. (y x) x. y=.) b. c=.", 9, 4);
}

static void a_dependency_allows_fewer_orders(void **state)
{
    (void)state;
    expect("a <- ; b <- a ; c <- a depends b", "", 4, 1);
    expect("a <- ; b <- a ; c <- b ; d <- a depends b", "a. b. (d c) c. d=.", 6, 2);
}

static void bases_are_branches_from_nothing(void **state)
{
    (void)state;
    expect("a <- ; b <-", "(b a) a. b=.", 4, 2);
    expect("a <- ; b <- ; c <-", "(b (c a) a c=.) (c (b=) a b=) a. (c=) b=.", 8, 6);
}

/* A state that only one order leads to is never compared; one that several lead to, once for each edge but the first. */
static void every_edge_is_walked_once(void **state)
{
    (void)state;
    struct orders o = plan("a <- ; b <- a ; c <- b ; p <- ; q <- p ; x <- ; y <- x", 2000);
    size_t ups = 0, compared = 0;
    for (size_t i = 0; i < o.steps.n; i++) {
        const struct order_step *s = &o.steps.v[i];
        if (s->action != ORDER_UP)
            continue;
        ups++;
        compared += s->compare;
        assert_false(orders_has(&o, s->from, s->revision));
        assert_true(orders_has(&o, s->to, s->revision));
    }
    assert_int_equal(o.n_states, 4 * 3 * 3);
    assert_int_equal(o.n_orders, 210); /* 7! / (3! 2! 2!) */
    assert_int_equal(ups, o.n_edges);
    assert_int_equal(ups - compared, o.n_states - 1);
}

static void a_limit_ends_the_way_and_not_the_counting(void **state)
{
    (void)state;
    struct orders o = plan("a <- ; b <- ; c <-", 4);
    assert_int_equal(o.n_walked, 4);
    assert_int_equal(o.n_edges, 12);
    assert_int_equal(o.n_orders, 6);
    assert_true(o.exact);
}

/* Sixty branches of one revision each have 2^60 states. */
static void what_cannot_be_counted_is_said(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    for (int i = 0; i < 60; i++)
        buf_addf(&text, "%sr%02d <-", i ? " ; " : "", i);
    struct orders o = plan(text.p, 100);
    assert_false(o.exact);
    assert_int_equal(o.n_walked, 100);
    assert_true(o.n_edges > 100);
}

static void what_cannot_be_applied_is_left_out(void **state)
{
    (void)state;
    const struct stream *stream = stream_from_text(&arena, "a <- ; b <- a ; c <- a ; d <- a");
    const bool left_out[] = {false, false, true, false};
    struct orders o;
    orders_plan(&arena, stream, left_out, 2000, &o);
    assert_string_equal(show(stream, &o), "a. (d b) b. d=.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_has_one_order),
        cmocka_unit_test(two_branches_meet_at_each_state),
        cmocka_unit_test(a_diamond_ends_at_its_merge),
        cmocka_unit_test(a_dependency_allows_fewer_orders),
        cmocka_unit_test(bases_are_branches_from_nothing),
        cmocka_unit_test(every_edge_is_walked_once),
        cmocka_unit_test(a_limit_ends_the_way_and_not_the_counting),
        cmocka_unit_test(what_cannot_be_counted_is_said),
        cmocka_unit_test(what_cannot_be_applied_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
