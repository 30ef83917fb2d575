/* The queue of a fleet without a fleet: who is taken next, and how a server's share falls and rises. Time is a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "run/queue.h"

#define BUSY "has no connection left"

static struct queue queue;
static struct queue_pass passes[512]; /* by tenant: what is under way */
static struct queue_news news;
static int64_t until;

static enum queue_answer take(int64_t now, struct queue_pass *pass)
{
    return queue_take(&queue, QUEUE_NONE, now, pass, &until);
}

/* Takes until a tenant of one of the named hosts begins (tenant i lives on hosts[i % n]); QUEUE_NONE: nobody may. */
static uint32_t begin(int64_t now, const char *const *hosts, size_t n)
{
    struct queue_pass pass;
    while (take(now, &pass) == QUEUE_TAKEN) {
        uint32_t host = queue_host(&queue, hosts[pass.tenant % n]);
        if (pass.host == QUEUE_NONE && !queue_enter(&queue, &pass, host, QUEUE_NONE, now))
            continue;
        assert_int_equal(pass.host, host);
        passes[pass.tenant] = pass;
        return pass.tenant;
    }
    return QUEUE_NONE;
}

static size_t begin_all(int64_t now, const char *const *hosts, size_t n)
{
    size_t begun = 0;
    while (begin(now, hosts, n) != QUEUE_NONE)
        begun++;
    return begun;
}

static void accept(uint32_t tenant, int64_t now)
{
    queue_accept(&queue, &passes[tenant], now, &news);
    queue_release(&queue, passes[tenant].host);
    queue_finish(&queue);
}

static bool refuse(uint32_t tenant, int64_t now)
{
    return queue_refuse(&queue, &passes[tenant], &(struct queue_refusal){QUEUE_BUSY, BUSY, BUSY}, now, &news);
}

static bool miss(uint32_t tenant, int64_t now)
{
    return queue_refuse(&queue, &passes[tenant], &(struct queue_refusal){QUEUE_AWAY, "gone", "gone away"}, now, &news);
}

static bool hear_nothing(uint32_t tenant, int64_t now)
{
    return queue_refuse(&queue, &passes[tenant], &(struct queue_refusal){QUEUE_SILENT, "silent", "not a word"}, now,
                        &news);
}

static struct queue_host *host_of(const char *name)
{
    return &queue.hosts[queue_host(&queue, name)];
}

static const char *const one[] = {"a:1"};
static const char *const two[] = {"a:1", "b:1"};

static void tenants_come_in_order_until_all_are_through(void **state)
{
    (void)state;
    struct queue_pass pass;
    queue_init(&queue, 5, 4, 1000, 0);
    assert_int_equal(take(0, &pass), QUEUE_THROUGH);
    queue_begin(&queue, 0, 2);
    assert_int_equal(take(0, &pass), QUEUE_TAKEN);
    assert_int_equal(pass.tenant, 0);
    assert_int_equal(pass.host, QUEUE_NONE);
    assert_int_equal(take(0, &pass), QUEUE_TAKEN);
    assert_int_equal(pass.tenant, 1);
    assert_int_equal(take(0, &pass), QUEUE_WAIT); /* two are in hand: the stage is not through */
    assert_true(until == INT64_MAX);
    queue_finish(&queue);
    assert_int_equal(take(0, &pass), QUEUE_WAIT);
    queue_finish(&queue);
    assert_int_equal(take(0, &pass), QUEUE_THROUGH);
    queue_begin(&queue, 2, 5);
    assert_int_equal(take(0, &pass), QUEUE_TAKEN);
    assert_int_equal(pass.tenant, 2);
    queue_free(&queue);
}

static void a_full_host_keeps_its_tenants_waiting_in_order(void **state)
{
    (void)state;
    queue_init(&queue, 20, 3, 1000, 0);
    queue_begin(&queue, 0, 20);
    assert_null(queue.links);
    assert_int_equal(begin_all(0, two, 2), 6);
    assert_int_equal(host_of("a:1")->running, 3);
    assert_int_equal(host_of("b:1")->running, 3);
    assert_int_equal(begin(0, two, 2), QUEUE_NONE);
    accept(3, 1); /* of b */
    assert_int_equal(begin(1, two, 2), 7);
    assert_int_equal(begin(1, two, 2), QUEUE_NONE);
    accept(0, 2);
    accept(2, 2);
    assert_int_equal(begin(2, two, 2), 6);
    assert_int_equal(begin(2, two, 2), 8);
    assert_int_equal(begin(2, two, 2), QUEUE_NONE);
    assert_int_equal(host_of("a:1")->share, 3); /* never above the bound */
    queue_free(&queue);
}

static void nobody_is_lost_whatever_the_order(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a:1", "b:1", "c:1", "d:1", "e:1", "f:1", "g:1", "h:1", "i:1", "j:1", "k:1"};
    enum { TENANTS = 500 };
    bool through[TENANTS] = {false};
    size_t running[TENANTS], n = 0, done = 0, most = 0;
    uint32_t seed = 7;
    queue_init(&queue, TENANTS, 4, 1000000, 0);
    queue_begin(&queue, 0, TENANTS);
    for (int64_t now = 0; done < TENANTS; now++) {
        assert_true(now < 1000000);
        for (uint32_t tenant; n < 30 && (tenant = begin(now, hosts, 11)) != QUEUE_NONE;)
            running[n++] = tenant;
        for (uint32_t i = 0; i < queue.n_hosts; i++)
            most = queue.hosts[i].running > most ? queue.hosts[i].running : most;
        if (!n)
            continue;
        seed = seed * 1664525 + 1013904223;
        size_t pick = (seed >> 8) % n;
        uint32_t tenant = (uint32_t)running[pick];
        running[pick] = running[--n];
        if ((seed >> 20) % 4 == 0) {
            assert_true(refuse(tenant, now));
            continue;
        }
        assert_false(through[tenant]);
        through[tenant] = true;
        accept(tenant, now);
        done++;
    }
    struct queue_pass pass;
    assert_int_equal(take(INT32_MAX, &pass), QUEUE_THROUGH);
    assert_int_equal(most, 4);
    assert_int_equal(queue.n_hosts, 11);
    queue_free(&queue);
}

static void a_burst_of_refusals_halves_once(void **state)
{
    (void)state;
    queue_init(&queue, 100, 64, 60000, 0);
    queue_begin(&queue, 0, 100);
    for (int i = 0; i < 64; i++)
        assert_int_equal(begin(0, one, 1), i);
    for (uint32_t i = 10; i < 64; i++)
        assert_true(refuse(i, 5));
    struct queue_host *a = host_of("a:1");
    assert_int_equal(a->share, 32);
    assert_int_equal(a->running, 10);
    assert_in_range(a->not_before, 5 + 50, 5 + 100);
    assert_int_equal(begin(6, one, 1), QUEUE_NONE); /* left alone for a moment, though there seems to be room */
    assert_true(until == a->not_before);
    accept(0, 7); /* began before the halving, so it says nothing about the new share */
    assert_null(news.host);
    assert_int_equal(begin_all(200, one, 1), 32 - 9);
    assert_true(refuse(10, 210)); /* who was refused comes first again: 10 .. 32 */
    assert_true(refuse(11, 211));
    assert_int_equal(a->share, 16);
    assert_in_range(a->not_before, 210 + 50,
                    210 + 100); /* somebody had been accepted, so the pause is the first again */
    queue_free(&queue);
}

static void only_what_is_under_way_is_halved(void **state)
{
    (void)state;
    queue_init(&queue, 8, 64, 60000, 0);
    queue_begin(&queue, 0, 8);
    begin_all(0, two, 2);
    assert_true(refuse(0, 1));
    assert_int_equal(host_of("a:1")->share, 2);
    assert_int_equal(host_of("b:1")->share, 64);
    queue_free(&queue);
}

static void a_round_of_successes_gives_one_more(void **state)
{
    (void)state;
    queue_init(&queue, 200, 6, 60000, 0);
    queue_begin(&queue, 0, 200);
    for (int i = 0; i < 6; i++)
        begin(0, one, 1);
    for (uint32_t i = 0; i < 6; i++)
        refuse(i, 0);
    struct queue_host *a = host_of("a:1");
    assert_int_equal(a->share, 3);
    uint32_t rounds[] = {3, 4, 5}, at;
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < rounds[i]; k++) {
            assert_int_equal(a->share, rounds[i]);
            at = begin(1000, one, 1);
            accept(at, 1000);
        }
        assert_int_equal(a->share, rounds[i] + 1);
    }
    for (int k = 0; k < 20; k++) {
        at = begin(1000, one, 1);
        accept(at, 1000);
    }
    assert_int_equal(a->share, 6);
    queue_free(&queue);
}

static void one_busy_host_holds_up_nobody_else(void **state)
{
    (void)state;
    queue_init(&queue, 40, 8, 60000, 0);
    queue_begin(&queue, 0, 40);
    for (int i = 0; i < 16; i++)
        begin(0, two, 2);
    for (uint32_t i = 0; i < 16; i += 2)
        assert_true(refuse(i, 1));
    for (uint32_t i = 1; i < 16; i += 2)
        accept(i, 2);
    for (int i = 0; i < 8; i++)
        assert_int_equal(begin(2, two, 2) % 2, 1); /* all of b, without waiting */
    queue_free(&queue);
}

static void a_tenant_fails_when_its_host_had_nobody_for_too_long(void **state)
{
    (void)state;
    queue_init(&queue, 3, 2, 5000, 0);
    queue_begin(&queue, 0, 3);
    begin_all(1000, one, 1);
    assert_true(refuse(0, 1010));
    assert_true(refuse(1, 1011));
    struct queue_host *a = host_of("a:1");
    assert_int_equal(a->share, 1);
    int64_t now = 1011, pauses = 0;
    uint32_t at = QUEUE_NONE;
    for (;;) {
        now = a->not_before;
        at = begin(now, one, 1);
        assert_int_equal(a->running, 1);
        if (!refuse(at, now + 1))
            break;
        pauses++;
        assert_true(a->not_before <= 1000 + 5000); /* from the beginning of the first visit that was refused */
    }
    assert_in_range(now, 6000 - 1, 6000);
    assert_in_range(pauses, 4, 8); /* 100 ms, twice as long each time, at most 2 s */
    queue_finish(&queue);
    /* The others are asked once more each, without a pause. */
    for (int i = 0; i < 2; i++) {
        at = begin(6010 + i, one, 1);
        assert_int_not_equal(at, QUEUE_NONE);
        assert_false(refuse(at, 6010 + i));
        queue_finish(&queue);
    }
    assert_int_equal(begin(6012, one, 1), QUEUE_NONE);
    queue_free(&queue);
}

static void who_is_accepted_renews_the_patience(void **state)
{
    (void)state;
    queue_init(&queue, 10, 2, 5000, 0);
    queue_begin(&queue, 0, 10);
    begin(0, one, 1);
    begin(0, one, 1);
    assert_true(refuse(0, 1));
    /* The other one is being visited all the while, so the server has somebody. */
    host_of("a:1")->share = 2;
    uint32_t at = begin(9000, one, 1);
    assert_true(refuse(at, 9001));
    accept(1, 9002);
    at = begin(20000, one, 1);
    assert_true(refuse(at, 20001)); /* patience begins here again */
    assert_int_equal(host_of("a:1")->refusing_since, 20000);
    queue_free(&queue);
}

static void without_patience_the_first_refusal_is_the_last(void **state)
{
    (void)state;
    queue_init(&queue, 1, 1, 0, 0);
    queue_begin(&queue, 0, 1);
    begin(50, one, 1);
    assert_false(refuse(0, 51));
    queue_free(&queue);
}

static void a_host_tells_where_its_share_came_to_rest(void **state)
{
    (void)state;
    queue_init(&queue, 400, 64, 60000, 0);
    queue_begin(&queue, 0, 400);
    begin_all(0, one, 1);
    assert_true(refuse(0, 1));
    assert_null(news.host);
    assert_true(refuse(63, 2));
    struct queue_host *a = host_of("a:1");
    for (uint32_t i = 1; i < 62; i++)
        accept(i, 3);
    assert_null(news.host);
    begin_all(1000, one, 1);
    assert_int_equal(a->running, 32);
    accept(64, 1001);
    assert_string_equal(news.host, "a:1");
    assert_string_equal(news.why, BUSY);
    assert_int_equal(news.share, 32);
    assert_int_equal(news.what, QUEUE_GOES_ON);
    accept(65, 1002);
    assert_null(news.host);        /* it was told */
    assert_true(refuse(66, 1003)); /* the 30th */
    uint32_t at = begin(2000, one, 1);
    assert_int_equal(at, QUEUE_NONE); /* more than 15 are there from before */
    for (uint32_t i = 67; i < 95; i++)
        accept(i, 2000);
    at = begin(3000, one, 1);
    accept(at, 3000);
    assert_null(news.host); /* at most every ten seconds */
    at = begin(11002, one, 1);
    accept(at, 11002);
    assert_int_equal(news.share, 15);
    queue_free(&queue);
}

static void a_host_that_accepts_nobody_is_told_of(void **state)
{
    (void)state;
    queue_init(&queue, 1, 1, 60000, 0);
    queue_begin(&queue, 0, 1);
    int lines = 0;
    for (int64_t now = 1; now < 50000; now = host_of("a:1")->not_before) {
        assert_int_equal(begin(now, one, 1), 0);
        assert_true(refuse(0, now));
        if (news.host) {
            lines++;
            assert_int_equal(news.what, QUEUE_REFUSING);
            assert_true(now > 10000);
        }
    }
    assert_in_range(lines, 3, 4);
    queue_free(&queue);
}

static void a_place_that_is_held_goes_to_the_next_of_its_host(void **state)
{
    (void)state;
    struct queue_pass pass;
    queue_init(&queue, 10, 1, 1000, 0);
    queue_begin(&queue, 0, 10);
    begin_all(0, two, 2); /* 0 and 1 are visited, the others wait */
    queue_accept(&queue, &passes[0], 5, &news);
    queue_finish(&queue);
    assert_int_equal(queue_take(&queue, passes[0].host, 5, &pass, &until), QUEUE_TAKEN);
    assert_int_equal(pass.tenant, 2);
    assert_int_equal(host_of("a:1")->running, 1);
    queue_free(&queue);
    /* A fresh one of the same host goes on with it too, one of another host does not. */
    queue_init(&queue, 10, 1, 1000, 0);
    queue_begin(&queue, 0, 10);
    uint32_t a = queue_host(&queue, "a:1"), b = queue_host(&queue, "b:1");
    assert_int_equal(begin(0, one, 1), 0);
    assert_int_equal(queue_take(&queue, a, 1, &pass, &until), QUEUE_TAKEN);
    assert_true(queue_enter(&queue, &pass, a, a, 1));
    assert_int_equal(queue.hosts[a].running, 1);
    assert_int_equal(queue_take(&queue, a, 1, &pass, &until), QUEUE_TAKEN);
    queue_release(&queue, a);
    assert_true(queue_enter(&queue, &pass, b, QUEUE_NONE, 1));
    assert_int_equal(queue.hosts[a].running, 0);
    assert_int_equal(queue.hosts[b].running, 1);
    queue_free(&queue);
}

/* ------------------------------------------------------------------------------------------- servers out of reach */

static void patience_is_paid_once_for_a_host_out_of_reach(void **state)
{
    (void)state;
    queue_init(&queue, 40, 8, 300000, 4000);
    queue_begin(&queue, 0, 40);
    for (int i = 0; i < 16; i++)
        begin(1000, two, 2);
    for (uint32_t i = 0; i < 16; i += 2)
        assert_true(miss(i, 1001));
    struct queue_host *a = host_of("a:1");
    int64_t now = 1001;
    uint32_t at;
    size_t tries = 0;
    while ((now = a->not_before) < 5000) /* from the beginning of the first visit on */
        for (; (at = begin(now, two, 2)) != QUEUE_NONE; tries++) {
            assert_int_equal(at % 2, 0); /* the eight of b are under way */
            assert_true(miss(at, now));
        }
    assert_int_equal(a->share, 1);
    assert_in_range(tries, 4, 9);
    /* All of a are asked once each, without a pause, and fail. */
    for (int i = 0; i < 20; i++) {
        at = begin(5000 + i, two, 2);
        assert_int_equal(at % 2, 0);
        assert_false(miss(at, 5000 + i));
        queue_finish(&queue);
    }
    assert_int_equal(begin(6000, two, 2), QUEUE_NONE);
    assert_false(a->given_up);
    queue_free(&queue);
}

static void without_patience_who_is_out_of_reach_fails_at_once(void **state)
{
    (void)state;
    queue_init(&queue, 20, 8, 300000, 0);
    queue_begin(&queue, 0, 20);
    for (int i = 0; i < 8; i++)
        begin(100, one, 1);
    for (uint32_t i = 0; i < 5; i++) {
        assert_false(miss(i, 101)); /* though others of it are under way */
        queue_finish(&queue);
    }
    assert_int_equal(host_of("a:1")->share, 8); /* they may be another server's behind the same address */
    assert_true(refuse(5, 102));                /* it is there: the other patience */
    queue_free(&queue);
}

static void who_is_let_in_renews_the_patience(void **state)
{
    (void)state;
    queue_init(&queue, 10, 2, 300000, 4000);
    queue_begin(&queue, 0, 10);
    begin(1000, one, 1);
    assert_true(miss(0, 1001));
    uint32_t at = begin(4000, one, 1);
    queue_meet(&queue, &passes[at]); /* and stays for long */
    host_of("a:1")->share = 2;
    at = begin(60000, one, 1);
    assert_true(miss(at, 60001));
    assert_int_equal(host_of("a:1")->refusing_since, 60000);
    queue_free(&queue);
}

/* Tenants 0 .. n - 1 are a's, and it was silent to three of them; the last of these at 3000. */
static void give_up(uint32_t n, uint32_t others)
{
    news = (struct queue_news){0};
    queue_init(&queue, n + others, 4, 300000, 0);
    queue_begin(&queue, 0, n + others);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(begin(1000 * i, one, 1), i);
        assert_null(news.host);
        assert_false(hear_nothing((uint32_t)i, 1000 * i + 1000));
        queue_finish(&queue);
    }
    assert_string_equal(news.host, "a:1");
    assert_int_equal(news.what, QUEUE_GIVEN_UP);
    assert_true(host_of("a:1")->given_up);
    assert_string_equal(host_of("a:1")->reason, "not a word");
    news = (struct queue_news){0};
}

/* Tenants from `n` on are b's. */
static uint32_t begin_split(int64_t now, uint32_t n)
{
    struct queue_pass pass;
    while (take(now, &pass) == QUEUE_TAKEN) {
        assert_false(pass.given_up);
        uint32_t host = queue_host(&queue, pass.tenant < n ? "a:1" : "b:1");
        if (pass.host == QUEUE_NONE && !queue_enter(&queue, &pass, host, QUEUE_NONE, now))
            continue;
        passes[pass.tenant] = pass;
        return pass.tenant;
    }
    return QUEUE_NONE;
}

static void a_silent_host_is_given_up_and_its_tenants_come_last(void **state)
{
    (void)state;
    struct queue_pass pass;
    give_up(10, 2);
    assert_int_equal(begin_split(3001, 10), 10); /* 3 .. 9 wait */
    assert_int_equal(begin_split(3001, 10), 11);
    assert_int_equal(begin_split(3002, 10), QUEUE_NONE);
    assert_int_equal(until, 3000 + QUEUE_PROBE_MS);
    accept(10, 3003);
    assert_int_equal(begin_split(3003, 10), QUEUE_NONE); /* 11 is on its way still */
    accept(11, 3004);
    for (uint32_t i = 3; i < 10; i++) {
        assert_int_equal(take(3005, &pass), QUEUE_TAKEN);
        assert_true(pass.given_up);
        assert_int_equal(pass.tenant, i);
    }
    assert_int_equal(host_of("a:1")->running, 0);
    assert_int_equal(take(3005, &pass), QUEUE_WAIT);
    for (uint32_t i = 3; i < 10; i++)
        queue_finish(&queue);
    assert_int_equal(take(3005, &pass), QUEUE_THROUGH);
    queue_free(&queue);
}

static void one_of_a_silent_host_is_tried_now_and_then(void **state)
{
    (void)state;
    struct queue_pass pass;
    give_up(10, 1);
    assert_int_equal(begin_split(3001, 10), 10);
    int64_t now = 3000 + QUEUE_PROBE_MS;
    assert_int_equal(begin_split(now, 10), 3);
    assert_int_equal(begin_split(now + QUEUE_PROBE_MS, 10), QUEUE_NONE); /* one at a time */
    assert_false(hear_nothing(3, now + 9000));
    queue_finish(&queue);
    assert_null(news.host);
    assert_int_equal(begin_split(now + 9001, 10), QUEUE_NONE);
    now += 9000 + QUEUE_PROBE_MS;
    assert_int_equal(begin_split(now, 10), 4);
    queue_meet(&queue, &passes[4]);                     /* it is back */
    assert_int_equal(begin_split(now, 10), QUEUE_NONE); /* but has one place only, for a start */
    accept(4, now + 1);
    assert_int_equal(begin_split(now + 1, 10), 5);
    accept(10, now + 2);
    assert_int_equal(host_of("a:1")->running, 1);
    queue_release(&queue, passes[5].host);
    queue_finish(&queue);
    assert_int_equal(begin_split(now + 3, 10), 6);
    assert_true(take(now + 3, &pass) == QUEUE_TAKEN && !pass.given_up);
    queue_free(&queue);
}

static void a_refusal_at_once_reopens_a_silent_host(void **state)
{
    (void)state;
    give_up(10, 1);
    begin_split(3001, 10);
    assert_int_equal(begin_split(9000, 10), 3);
    assert_false(miss(3, 9001));
    queue_finish(&queue);
    for (uint32_t i = 4; i < 10; i++) {
        assert_int_equal(begin_split(9002, 10), i);
        assert_false(miss(i, 9003));
        queue_finish(&queue);
    }
    queue_free(&queue);
}

static void silences_count_only_in_a_row(void **state)
{
    (void)state;
    queue_init(&queue, 10, 4, 300000, 0);
    queue_begin(&queue, 0, 10);
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(begin(1000 * i, one, 1), i);
        if (i % 3 == 2)
            accept(i, 1000 * i);
        else if (!hear_nothing(i, 1000 * i + 500))
            queue_finish(&queue);
    }
    assert_false(host_of("a:1")->given_up);
    queue_free(&queue);
}

static void two_silent_hosts_do_not_keep_each_other_alive(void **state)
{
    (void)state;
    struct queue_pass pass;
    queue_init(&queue, 40, 1, 300000, 0);
    queue_begin(&queue, 0, 20);
    for (int i = 0; i < 6; i++) {
        assert_false(hear_nothing(begin(i, two, 2), i + 1));
        queue_finish(&queue);
    }
    assert_int_equal(begin(7, two, 2), 6); /* all the others wait, and there is nothing else: none is tried */
    assert_true(passes[6].given_up);
    queue_free(&queue);
    /* One of a is being tried as the last of the others goes. Those of b, due for a try by now, are done for. */
    queue_init(&queue, 40, 1, 300000, 0);
    queue_begin(&queue, 0, 6);
    for (int i = 0; i < 6; i++) {
        assert_false(hear_nothing(begin(i, two, 2), i + 1));
        queue_finish(&queue);
    }
    host_of("b:1")->probe_at = 20000;
    queue_begin(&queue, 6, 20);
    assert_int_equal(take(8, &pass), QUEUE_TAKEN);
    assert_false(queue_enter(&queue, &pass, queue_host(&queue, "a:1"), QUEUE_NONE, 8));
    assert_int_equal(take(9000, &passes[6]), QUEUE_TAKEN);
    assert_int_equal(passes[6].tenant, 6);
    while (take(9001, &pass) == QUEUE_TAKEN && pass.host == QUEUE_NONE)
        assert_false(queue_enter(&queue, &pass, queue_host(&queue, two[pass.tenant % 2]), QUEUE_NONE, 9000));
    assert_true(pass.given_up);
    size_t untried = 1;
    for (; take(60000, &pass) == QUEUE_TAKEN; untried++)
        assert_true(pass.given_up && pass.tenant % 2 == 1);
    assert_int_equal(untried, 7);
    assert_false(hear_nothing(6, 60000));
    for (queue_finish(&queue); take(60000, &pass) == QUEUE_TAKEN; untried++)
        assert_true(pass.given_up);
    assert_int_equal(untried, 13);
    queue_free(&queue);
}

static void the_next_stage_of_a_silent_host_waits_for_the_others_too(void **state)
{
    (void)state;
    struct queue_pass pass;
    give_up(3, 5);
    assert_int_equal(begin_split(3001, 3), 3);
    for (uint32_t i = 4; i < 8; i++)
        assert_int_equal(begin_split(3001, 3), i < 7 ? i : QUEUE_NONE); /* four of b at a time */
    for (uint32_t i = 3; i < 7; i++)
        accept(i, 3002);
    accept(begin_split(3002, 3), 3003);
    assert_int_equal(take(3004, &pass), QUEUE_THROUGH);
    queue_begin(&queue, 0, 4);
    assert_int_equal(begin_split(3005, 3), 3);
    accept(3, 3006);
    assert_int_equal(take(3007, &pass), QUEUE_TAKEN);
    assert_true(pass.given_up);
    queue_free(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_come_in_order_until_all_are_through),
        cmocka_unit_test(a_full_host_keeps_its_tenants_waiting_in_order),
        cmocka_unit_test(nobody_is_lost_whatever_the_order),
        cmocka_unit_test(a_burst_of_refusals_halves_once),
        cmocka_unit_test(only_what_is_under_way_is_halved),
        cmocka_unit_test(a_round_of_successes_gives_one_more),
        cmocka_unit_test(one_busy_host_holds_up_nobody_else),
        cmocka_unit_test(a_tenant_fails_when_its_host_had_nobody_for_too_long),
        cmocka_unit_test(who_is_accepted_renews_the_patience),
        cmocka_unit_test(without_patience_the_first_refusal_is_the_last),
        cmocka_unit_test(a_host_tells_where_its_share_came_to_rest),
        cmocka_unit_test(a_host_that_accepts_nobody_is_told_of),
        cmocka_unit_test(a_place_that_is_held_goes_to_the_next_of_its_host),
        cmocka_unit_test(patience_is_paid_once_for_a_host_out_of_reach),
        cmocka_unit_test(without_patience_who_is_out_of_reach_fails_at_once),
        cmocka_unit_test(who_is_let_in_renews_the_patience),
        cmocka_unit_test(a_silent_host_is_given_up_and_its_tenants_come_last),
        cmocka_unit_test(one_of_a_silent_host_is_tried_now_and_then),
        cmocka_unit_test(a_refusal_at_once_reopens_a_silent_host),
        cmocka_unit_test(silences_count_only_in_a_row),
        cmocka_unit_test(two_silent_hosts_do_not_keep_each_other_alive),
        cmocka_unit_test(the_next_stage_of_a_silent_host_waits_for_the_others_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
