/*
 * The cache of SCRAM keys: what is one key and what is another, who goes when it is full, failures, many threads at once.
 * The cache is one for the process: each test begins with an empty one and looks at what the counts gained.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "db/scram_keys.h"

/* Derives by one SHA-256, and counts. */
struct maker {
    atomic_int calls;
    atomic_int failures; /* so many calls fail before one succeeds */
    atomic_int inside, most_inside;
    atomic_bool *gate; /* derivations wait until it is open; NULL: no gate */
};

static void make(const char *password, const char *salt, size_t salt_length, int rounds, uint8_t key[SCRAM_KEY_BYTES])
{
    BUF_AUTO text = {0};
    buf_addf(&text, "%s %d ", password, rounds);
    buf_add(&text, salt, salt_length);
    hash_once(text.p, text.n, key);
}

static bool derive(void *context, const char *password, const char *salt, size_t salt_length, int rounds,
                   uint8_t key[SCRAM_KEY_BYTES])
{
    struct maker *m = context;
    int inside = atomic_fetch_add(&m->inside, 1) + 1;
    if (inside > atomic_load(&m->most_inside))
        atomic_store(&m->most_inside, inside);
    atomic_fetch_add(&m->calls, 1);
    while (m->gate && !atomic_load(m->gate))
        sched_yield();
    bool ok = atomic_fetch_sub(&m->failures, 1) <= 0;
    if (ok)
        make(password, salt, salt_length, rounds, key);
    else
        memset(key, 0xEE, SCRAM_KEY_BYTES); /* half of a key must not be kept either */
    atomic_fetch_sub(&m->inside, 1);
    return ok;
}

static struct scram_counts since;

static int begin(void **state)
{
    (void)state;
    scram_keys_wipe();
    since = scram_keys_counts();
    return 0;
}

static void assert_counts(uint64_t derived, uint64_t reused)
{
    struct scram_counts now = scram_keys_counts();
    assert_int_equal(now.derived - since.derived, derived);
    assert_int_equal(now.reused - since.reused, reused);
}

/* Asks, and sees that the key is the right one. */
static void ask(struct maker *m, const char *password, const char *salt, int rounds)
{
    uint8_t key[SCRAM_KEY_BYTES] = {0}, expected[SCRAM_KEY_BYTES];
    make(password, salt, strlen(salt), rounds, expected);
    assert_true(scram_key(password, salt, strlen(salt), rounds, derive, m, key));
    assert_memory_equal(key, expected, sizeof key);
}

static void the_same_is_derived_once(void **state)
{
    (void)state;
    struct maker m = {0};
    for (int i = 0; i < 5; i++)
        ask(&m, "secret", "salt", 4096);
    assert_int_equal(m.calls, 1);
    assert_counts(1, 4);
}

static void another_password_salt_or_number_of_rounds_is_another_key(void **state)
{
    (void)state;
    struct maker m = {0};
    static const struct {
        const char *password, *salt;
        int rounds;
    } asked[] = {
        {"secret", "salt", 4096}, {"Secret", "salt", 4096}, {"secret", "Salt", 4096}, {"secret", "salt", 4097},
        {"secrets", "alt", 4096}, {"", "secretsalt", 4096}, {"secretsalt", "", 4096}, {"secret", "sal", 4096},
    };
    const int n = sizeof asked / sizeof *asked;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < n; i++)
            ask(&m, asked[i].password, asked[i].salt, asked[i].rounds);
    assert_int_equal(m.calls, n);
    assert_counts((uint64_t)n, (uint64_t)n);
}

static void a_salt_may_hold_any_byte(void **state)
{
    (void)state;
    struct maker m = {0};
    uint8_t one[SCRAM_KEY_BYTES], other[SCRAM_KEY_BYTES];
    assert_true(scram_key("secret", "a\0b", 3, 4096, derive, &m, one));
    assert_true(scram_key("secret", "a\0c", 3, 4096, derive, &m, other));
    assert_int_equal(m.calls, 2);
    assert_memory_not_equal(one, other, sizeof one);
}

static void ask_numbered(struct maker *m, int number)
{
    char salt[24];
    snprintf(salt, sizeof salt, "salt %d", number);
    ask(m, "secret", salt, 4096);
}

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    struct maker m = {0};
    for (int i = 0; i < SCRAM_KEYS_MOST; i++)
        ask_numbered(&m, i);
    ask_numbered(&m, 0);
    assert_counts(SCRAM_KEYS_MOST, 1);
    ask_numbered(&m, SCRAM_KEYS_MOST); /* in place of 1 */
    assert_counts(SCRAM_KEYS_MOST + 1, 1);
    ask_numbered(&m, 0);
    for (int i = 2; i <= SCRAM_KEYS_MOST; i++)
        ask_numbered(&m, i);
    assert_counts(SCRAM_KEYS_MOST + 1, SCRAM_KEYS_MOST + 1);
    ask_numbered(&m, 1);
    assert_counts(SCRAM_KEYS_MOST + 2, SCRAM_KEYS_MOST + 1);
}

static void a_failure_is_told_and_not_kept(void **state)
{
    (void)state;
    struct maker m = {.failures = 2};
    uint8_t key[SCRAM_KEY_BYTES];
    assert_false(scram_key("secret", "salt", 4, 4096, derive, &m, key));
    assert_false(scram_key("secret", "salt", 4, 4096, derive, &m, key));
    assert_counts(0, 0);
    ask(&m, "secret", "salt", 4096);
    ask(&m, "secret", "salt", 4096);
    assert_int_equal(m.calls, 3);
    assert_counts(1, 1);
}

/* The linker's: everything static of the program, the cache among it, is between them. */
extern const uint8_t __data_start[], _end[];

/* Are these bytes anywhere in it? Its own search, since a sanitizer would stop another's between two variables. */
__attribute__((no_sanitize("address", "undefined", "thread"))) static bool is_in_static_memory(const uint8_t *bytes)
{
    /* As numbers: to the language these are two objects. */
    for (uintptr_t address = (uintptr_t)__data_start; address + SCRAM_KEY_BYTES <= (uintptr_t)_end; address++) {
        const uint8_t *at = (const uint8_t *)address;
        size_t same = 0;
        while (same < SCRAM_KEY_BYTES && at[same] == bytes[same])
            same++;
        if (same == SCRAM_KEY_BYTES)
            return true;
    }
    return false;
}

static bool cache_holds(const char *salt)
{
    uint8_t key[SCRAM_KEY_BYTES];
    make("secret", salt, strlen(salt), 4096, key);
    return is_in_static_memory(key);
}

static void what_goes_is_wiped(void **state)
{
    (void)state;
    struct maker m = {0};
    for (int i = 0; i < SCRAM_KEYS_MOST; i++)
        ask_numbered(&m, i);
    assert_true(cache_holds("salt 0"));
    assert_true(cache_holds("salt 1"));
    ask_numbered(&m, SCRAM_KEYS_MOST);
    assert_false(cache_holds("salt 0"));
    assert_true(cache_holds("salt 1"));
    scram_keys_wipe();
    for (int i = 0; i <= SCRAM_KEYS_MOST; i++) {
        char salt[24];
        snprintf(salt, sizeof salt, "salt %d", i);
        assert_false(cache_holds(salt));
    }
    ask_numbered(&m, 1);
    assert_counts(SCRAM_KEYS_MOST + 2, 0);
}

static void neither_password_nor_failure_is_kept(void **state)
{
    (void)state;
    struct maker m = {.failures = 1};
    char password[SCRAM_KEY_BYTES + 1] = {0};
    uint8_t key[SCRAM_KEY_BYTES], half[SCRAM_KEY_BYTES];
    for (int i = 0; i < SCRAM_KEY_BYTES; i++)
        password[i] = (char)('0' + (i * 7) % 61);
    /* On the stack, or the search would find them where they come from. */
    memset(half, 0xEE, sizeof half);
    assert_false(scram_key(password, "salt", 4, 4096, derive, &m, key));
    assert_true(scram_key(password, "salt", 4, 4096, derive, &m, key));
    assert_true(is_in_static_memory(key));
    assert_false(is_in_static_memory(half));
    assert_false(is_in_static_memory((const uint8_t *)password));
}

/* ---- many threads ---- */

enum { THREADS = 32, CROWD = SCRAM_KEYS_MOST + 4 };

struct asker {
    pthread_t thread;
    struct maker *maker;
    int number;
    int questions;
    int keys; /* different ones */
    int wrong, failed;
};

static struct {
    atomic_bool gate;
    atomic_int asking; /* threads that have come to their first question */
    struct asker askers[CROWD];
} crowd;

static void *keep_asking(void *context)
{
    struct asker *a = context;
    atomic_fetch_add(&crowd.asking, 1);
    for (int i = 0; i < a->questions; i++) {
        uint8_t key[SCRAM_KEY_BYTES] = {0}, expected[SCRAM_KEY_BYTES];
        char salt[24];
        snprintf(salt, sizeof salt, "salt %d", (a->number + i) % a->keys);
        make("secret", salt, strlen(salt), 4096, expected);
        if (!scram_key("secret", salt, strlen(salt), 4096, derive, a->maker, key))
            a->failed++;
        else
            a->wrong += memcmp(key, expected, sizeof key) != 0;
    }
    return NULL;
}

/*
 * So many threads ask. The gate opens when all have begun and `inside` of them are deriving. Returns how many questions
 * failed; no answer may be wrong.
 */
static int ask_together(struct maker *m, int threads, int questions, int keys, int inside)
{
    int failed = 0;
    m->gate = &crowd.gate;
    atomic_store(&crowd.gate, false);
    atomic_store(&crowd.asking, 0);
    for (int i = 0; i < threads; i++) {
        struct asker *a = &crowd.askers[i];
        *a = (struct asker){.maker = m, .number = i, .questions = questions, .keys = keys};
        assert_int_equal(pthread_create(&a->thread, NULL, keep_asking, a), 0);
    }
    while (atomic_load(&crowd.asking) < threads || atomic_load(&m->inside) < inside)
        sched_yield();
    atomic_store(&crowd.gate, true);
    for (int i = 0; i < threads; i++) {
        pthread_join(crowd.askers[i].thread, NULL);
        assert_int_equal(crowd.askers[i].wrong, 0);
        failed += crowd.askers[i].failed;
    }
    return failed;
}

static void threads_that_ask_together_share_one_derivation(void **state)
{
    (void)state;
    struct maker m = {0};
    assert_int_equal(ask_together(&m, THREADS, 1, 1, 1), 0);
    assert_int_equal(m.calls, 1);
    assert_counts(1, THREADS - 1);
}

static void different_keys_are_derived_side_by_side(void **state)
{
    (void)state;
    struct maker m = {0};
    assert_int_equal(ask_together(&m, THREADS, 1, THREADS, THREADS), 0);
    assert_counts(THREADS, 0);
}

static void who_waited_for_a_failure_tries_itself(void **state)
{
    (void)state;
    struct maker m = {.failures = 5};
    assert_int_equal(ask_together(&m, THREADS, 1, 1, 1), 5);
    assert_int_equal(m.calls, 6);
    assert_int_equal(m.most_inside, 1);
    assert_counts(1, THREADS - 6);
}

static void more_keys_than_there_is_room_for_are_all_right(void **state)
{
    (void)state;
    struct maker m = {0};
    const int questions = 500;
    assert_int_equal(ask_together(&m, THREADS, questions, 2 * SCRAM_KEYS_MOST, 1), 0);
    assert_true(m.calls >= 2 * SCRAM_KEYS_MOST);
    assert_counts((uint64_t)m.calls, (uint64_t)(THREADS * questions - m.calls));
}

static void a_key_that_finds_no_place_is_derived_all_the_same(void **state)
{
    (void)state;
    struct maker m = {0};
    assert_int_equal(ask_together(&m, CROWD, 1, CROWD, CROWD), 0);
    assert_counts(CROWD, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_same_is_derived_once, begin),
        cmocka_unit_test_setup(another_password_salt_or_number_of_rounds_is_another_key, begin),
        cmocka_unit_test_setup(a_salt_may_hold_any_byte, begin),
        cmocka_unit_test_setup(the_least_recently_used_goes_first, begin),
        cmocka_unit_test_setup(a_failure_is_told_and_not_kept, begin),
        cmocka_unit_test_setup(what_goes_is_wiped, begin),
        cmocka_unit_test_setup(neither_password_nor_failure_is_kept, begin),
        cmocka_unit_test_setup(threads_that_ask_together_share_one_derivation, begin),
        cmocka_unit_test_setup(different_keys_are_derived_side_by_side, begin),
        cmocka_unit_test_setup(who_waited_for_a_failure_tries_itself, begin),
        cmocka_unit_test_setup(more_keys_than_there_is_room_for_are_all_right, begin),
        cmocka_unit_test_setup(a_key_that_finds_no_place_is_derived_all_the_same, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
