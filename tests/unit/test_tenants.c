/* Choosing and ordering the tenants of a run: filters, globs, shares, lists from people, canaries and waves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/tenants.h"

#define N(list) (sizeof(list) / sizeof(list)[0])
/* For static tables, where a compound literal is no constant. */
#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }

/* ------------------------------------------------------------------------------------------------------------ helpers */

/* "a,b,c"; an id may be followed by ":WAVE". */
static void list_from(struct tenant_list *list, const char *text)
{
    struct str rest = str_from(text), piece;
    *list = (struct tenant_list){0};
    while (*text && str_next(&rest, ',', &piece)) {
        size_t colon = str_find(piece, ':');
        struct tenant t = {.id = arena_str(&list->arena, str_slice(piece, 0, colon)), .wave = INT32_MAX};
        if (colon < piece.n)
            t.wave = (int32_t)strtol(piece.p + colon + 1, NULL, 10);
        vec_push(&list->arena, list, t);
    }
}

/* "a b" as a list; NULL: none. Two blanks make an empty id. */
static struct strings words(struct arena *a, const char *text)
{
    struct strings out = {0};
    struct str rest = str_from(text), piece;
    while (text && str_next(&rest, ' ', &piece))
        vec_push(a, &out, arena_str(a, piece));
    return out;
}

static const char *ids_of(struct arena *a, const struct tenant_list *list)
{
    BUF_AUTO b = {0};
    for (size_t i = 0; i < list->n; i++)
        buf_addf(&b, "%s%s", i ? "," : "", list->v[i].id);
    return arena_str(a, buf_str(&b));
}

/* What a person reads: "message | detail | hint". */
static const char *said(struct arena *a, const struct err *e)
{
    return arena_printf(a, "%s | %s | %s", e->message ? e->message : "", e->detail ? e->detail : "",
                        e->hint ? e->hint : "");
}

/* ----------------------------------------------------------------------------------------------------------- choosing */

static void every_part_of_a_choice_narrows(void **state)
{
    (void)state;
    static const char all[] = "acme,bolt,corp,Dash,eu-1,eu-2,x[1],x*";
    static const struct {
        bool has_only;
        const char *only, *match, *except;
        const char *left;
    } cases[] = {
        {false, NULL, NULL, NULL, all},
        {true, NULL, NULL, NULL, ""}, /* nobody failed */
        {true, NULL, "eu*", NULL, ""},
        {true, "corp acme corp", NULL, NULL, "acme,corp"},
        {false, "acme", NULL, NULL, all}, /* `only` does not count */
        {false, NULL, "eu-*", NULL, "eu-1,eu-2"},
        {false, NULL, "eu-? bolt", NULL, "bolt,eu-1,eu-2"},
        {false, NULL, "eu-[2-9]", NULL, "eu-2"},
        {false, NULL, "[!a-z]*", NULL, "Dash"},
        {false, NULL, "d* *", NULL, NULL},
        {false, NULL, "x\\*", NULL, "x*"},
        {false, NULL, "x*", NULL, "x[1],x*"},
        {false, NULL, NULL, "acme acme eu-1", "bolt,corp,Dash,eu-2,x[1],x*"},
        {true, "eu-1 acme", "eu-*", NULL, "eu-1"},
        {true, "eu-1 eu-2 acme", "eu-*", "eu-1", "eu-2"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        struct tenant_list list;
        list_from(&list, all);
        struct choice c = {.has_only = cases[i].has_only,
                           .only = words(&a, cases[i].only),
                           .match = words(&a, cases[i].match),
                           .except = words(&a, cases[i].except)};
        assert_int_equal(tenants_choose(&list, &c, &e), cases[i].left != NULL);
        assert_string_equal(ids_of(&a, &list), cases[i].left ? cases[i].left : all);
        tenants_free(&list);
    }
}

static void a_choice_that_cannot_be_meant_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list, *only, *match, *except;
        const char *said;
    } cases[] = {
        {"acme,bolt", "acme acne", NULL, NULL, "no tenant \"acne\" | 2 tenants are listed | did you mean \"acme\"?"},
        {"acme", "zzz bolt", NULL, NULL, "no tenant \"zzz\" | 1 tenant is listed | "},
        {"acme,bolt", "zebra aaaaaa", NULL, NULL, "no tenant \"zebra\" | 2 tenants are listed | "},
        {"acme,bolt", "acme  bolt", NULL, NULL,
         "the id of a tenant is empty |  | is a variable unset? Leave the filter out to visit every tenant"},
        {"", "acme", NULL, NULL, "no tenant \"acme\" | 0 tenants are listed | "},
        {"acme,bolt", NULL, "a* B* c*", NULL,
         "no tenant's id fits \"B*\" | 2 tenants are listed | * stands for any text, ? for one byte, [a-f] for "
         "one of these; case counts"},
        {"", NULL, "*", NULL,
         "no tenant's id fits \"*\" | 0 tenants are listed | * stands for any text, ? for one byte, [a-f] for one "
         "of these; case counts"},
        {"acme,bolt", NULL, NULL, "blot", "no tenant \"blot\" | 2 tenants are listed | did you mean \"bolt\"?"},
        {"acme,bolt", "acme", "b*", NULL,
         "no tenant is left | each filter fits somebody, and nobody fits all of them | "},
        {"acme,bolt", NULL, NULL, "acme bolt",
         "no tenant is left | each filter fits somebody, and nobody fits all of them | --exclude takes away from what "
         "the others chose"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        struct tenant_list list;
        list_from(&list, cases[i].list);
        struct choice c = {.has_only = cases[i].only != NULL,
                           .only = words(&a, cases[i].only),
                           .match = words(&a, cases[i].match),
                           .except = words(&a, cases[i].except)};
        assert_false(tenants_choose(&list, &c, &e));
        assert_int_equal(e.fault, FAULT_USAGE);
        assert_string_equal(said(&a, &e), cases[i].said);
        assert_string_equal(ids_of(&a, &list), cases[i].list);
        tenants_free(&list);
    }
}

static void newcomers_are_chosen_without_complaint(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct tenant_list list;
    struct choice c = {.match = words(&a, "eu* us*"), .except = words(&a, "eu-1 eu-7")};
    list_from(&list, "eu-6,eu-7,asia-1");
    tenants_keep(&list, &c);
    assert_string_equal(ids_of(&a, &list), "eu-6");
    tenants_free(&list);
}

static void ten_thousand_are_chosen_among_ten_thousand(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct tenant_list list = {0};
    struct choice c = {.has_only = true};
    for (int i = 0; i < 10000; i++) {
        struct tenant t = {.id = arena_printf(&list.arena, "tenant-%d", i * 7919 % 10000), .wave = INT32_MAX};
        vec_push(&list.arena, &list, t);
        vec_push(&a, &c.only, arena_printf(&a, "tenant-%d", i));
        if (i % 3 == 0)
            vec_push(&a, &c.except, arena_printf(&a, "tenant-%d", i));
    }
    assert_true(tenants_choose(&list, &c, &e));
    assert_int_equal(list.n, 6666);
    assert_string_equal(list.v[0].id, "tenant-7919");
    tenants_free(&list);
}

/* -------------------------------------------------------------------------------------------------------------- shares */

static void a_share_depends_on_the_id_alone(void **state)
{
    (void)state;
    /* printf ID | sha256sum | cut -c-16, modulo: so it was from the first release on. */
    static const struct {
        const char *id;
        uint32_t count, shard;
    } cases[] = {
        {"acme", 1, 0},
        {"acme", 4, 0},
        {"acme", 1000, 872},
        {"bolt", 4, 3},
        {"tenant-42", 8, 0},
        {"", 8, 4},
        {"\xC3\xBC", 4294967295U, 2815364078U},
    };
    for (size_t i = 0; i < N(cases); i++)
        assert_int_equal(tenant_shard(cases[i].id, cases[i].count), cases[i].shard);
}

static void shares_are_disjoint_and_complete(void **state)
{
    (void)state;
    enum { TENANTS = 1000, SHARES = 7 };
    ARENA_AUTO a = {0};
    size_t total = 0;
    bool seen[TENANTS] = {0};
    for (uint32_t index = 0; index < SHARES; index++) {
        AUTO_ERR e = {0};
        struct tenant_list list = {0};
        struct choice c = {.shard = {index, SHARES}};
        for (int i = 0; i < TENANTS; i++)
            vec_push(&list.arena, &list, (struct tenant){.id = arena_printf(&list.arena, "%d", i)});
        assert_true(tenants_choose(&list, &c, &e));
        assert_in_range(list.n, TENANTS / SHARES / 2, TENANTS / SHARES * 2);
        total += list.n;
        for (size_t i = 0; i < list.n; i++) {
            long at = strtol(list.v[i].id, NULL, 10);
            assert_false(seen[at]);
            seen[at] = true;
        }
        tenants_free(&list);
    }
    assert_int_equal(total, TENANTS);
}

static void a_share_may_be_empty(void **state)
{
    (void)state;
    for (uint32_t index = 0; index < 2; index++) {
        AUTO_ERR e = {0};
        struct tenant_list list;
        list_from(&list, "acme");
        assert_true(tenants_choose(&list, &(struct choice){.shard = {index, 2}}, &e));
        assert_int_equal(list.n, tenant_shard("acme", 2) == index);
        tenants_free(&list);
    }
}

static void a_share_is_spelt_i_of_n(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t index, count;
        const char *said;
    } cases[] = {
        {"0/1", 0, 1, NULL},
        {"3/4", 3, 4, NULL},
        {"007/8", 7, 8, NULL},
        {"4294967294/4294967295", 4294967294U, 4294967295U, NULL},
        {"4/4", 0, 0, "--shard 4/4: there is no such share |  | shares count from 0; the last one is 3/4"},
        {"0/0", 0, 0, "--shard 0/0: there are no shares of none |  | "},
        {"1", 0, 0, ""},
        {"", 0, 0, ""},
        {"/", 0, 0, ""},
        {"1/", 0, 0, ""},
        {"/4", 0, 0, ""},
        {"-1/4", 0, 0, ""},
        {"+1/4", 0, 0, ""},
        {" 1/4", 0, 0, ""},
        {"1/4/8", 0, 0, ""},
        {"1/4x", 0, 0, ""},
        {"0/4294967296", 0, 0, ""},
        {"Auto", 0, 0, ""},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        struct shard shard = {0};
        const char *expected = cases[i].said;
        if (expected && !*expected)
            expected = arena_printf(&a,
                                    "--shard \"%s\" is no share |  | I/N, the share I of N, counted from 0: 0/4, 1/4, "
                                    "2/4, 3/4; or auto",
                                    cases[i].text);
        assert_int_equal(shard_parse(str_from(cases[i].text), &shard, &e), !expected);
        assert_int_equal(shard.index, cases[i].index);
        assert_int_equal(shard.count, cases[i].count);
        if (!expected)
            continue;
        assert_int_equal(e.fault, FAULT_USAGE);
        assert_string_equal(said(&a, &e), expected);
    }
}

static const char *const *environment; /* NAME=VALUE, of one case */

static const char *variable(const char *name)
{
    size_t n = strlen(name);
    for (const char *const *p = environment; *p; p++)
        if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
            return *p + n + 1;
    return NULL;
}

#define SLURM(id, least, most, step, count)                                                                            \
    "SLURM_ARRAY_TASK_ID=" id, "SLURM_ARRAY_TASK_MIN=" least, "SLURM_ARRAY_TASK_MAX=" most,                            \
        "SLURM_ARRAY_TASK_STEP=" step, "SLURM_ARRAY_TASK_COUNT=" count
#define AS_N_OF " | pass --shard I/N, or set OURS_SHARDS to how many shares there are"

static void a_share_comes_from_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *variables[8];
        uint32_t index, count;
        const char *said;
    } cases[] = {
        {{SLURM("0", "0", "7", "1", "8")}, 0, 8, NULL},
        {{SLURM("7", "0", "7", "1", "8")}, 7, 8, NULL},
        {{SLURM("5", "1", "9", "4", "3")}, 1, 3, NULL},
        {{SLURM("10", "10", "10", "1", "1")}, 0, 1, NULL},
        {{SLURM("6", "0", "8", "3", "3")}, 2, 3, NULL},
        {{SLURM("0", "0", "7", "1", "8"), "OURS_SHARDS="}, 0, 8, NULL},
        {{SLURM("3", "3", "6", "3", "2"), "OURS_SHARDS=8"}, 3, 8, NULL},
        {{"SLURM_ARRAY_TASK_ID=3", "OURS_SHARDS=8"}, 3, 8, NULL},
        {{"JOB_COMPLETION_INDEX=0", "OURS_SHARDS=1"}, 0, 1, NULL},
        {{"JOB_COMPLETION_INDEX=99", "OURS_SHARDS=100", "SLURM_ARRAY_TASK_ID="}, 99, 100, NULL},
        {{NULL},
         0,
         0,
         "--shard auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set |  | pass --shard I/N; auto knows "
         "Slurm arrays and Kubernetes Indexed Jobs"},
        {{"OURS_SHARDS=4", "JOB_COMPLETION_INDEX="},
         0,
         0,
         "--shard auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set |  | pass --shard I/N; auto knows "
         "Slurm arrays and Kubernetes Indexed Jobs"},
        {{SLURM("0", "0", "7", "1", "8"), "JOB_COMPLETION_INDEX=0", "OURS_SHARDS=8"},
         0,
         0,
         "--shard auto: both SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX are set |  | pass --shard I/N"},
        {{SLURM("5", "1", "5", "1", "3")},
         0,
         0,
         "--shard auto: the Slurm array is irregular | task 5 of 3, from 1 to 5 in steps of 1" AS_N_OF},
        {{SLURM("2", "1", "5", "2", "3")},
         0,
         0,
         "--shard auto: the Slurm array is irregular | task 2 of 3, from 1 to 5 in steps of 2" AS_N_OF},
        {{SLURM("1", "1", "5", "0", "3")},
         0,
         0,
         "--shard auto: the Slurm array is irregular | task 1 of 3, from 1 to 5 in steps of 0" AS_N_OF},
        {{SLURM("0", "1", "5", "1", "5")},
         0,
         0,
         "--shard auto: the Slurm array is irregular | task 0 of 5, from 1 to 5 in steps of 1" AS_N_OF},
        {{SLURM("6", "5", "1", "1", "5")},
         0,
         0,
         "--shard auto: the Slurm array is irregular | task 6 of 5, from 5 to 1 in steps of 1" AS_N_OF},
        {{SLURM("0", "0", "7", "1", "")}, 0, 0, "--shard auto: SLURM_ARRAY_TASK_COUNT is not set | " AS_N_OF},
        {{"SLURM_ARRAY_TASK_ID=1"}, 0, 0, "--shard auto: SLURM_ARRAY_TASK_MIN is not set | " AS_N_OF},
        {{SLURM("0", "0", "7", "1x", "8")},
         0,
         0,
         "--shard auto: SLURM_ARRAY_TASK_STEP is \"1x\", which is no number up to 4294967295 |  | "},
        {{SLURM("-1", "0", "7", "1", "8")},
         0,
         0,
         "--shard auto: SLURM_ARRAY_TASK_ID is \"-1\", which is no number up to 4294967295 |  | "},
        {{SLURM("8", "0", "8", "1", "9"), "OURS_SHARDS=8"},
         0,
         0,
         "--shard auto: SLURM_ARRAY_TASK_ID is 8, and OURS_SHARDS is 8 |  | shares count from 0: the last task is 7"},
        {{"JOB_COMPLETION_INDEX=0"}, 0, 0, "--shard auto: OURS_SHARDS is not set | " AS_N_OF},
        {{"JOB_COMPLETION_INDEX=0", "OURS_SHARDS=0"}, 0, 0, "--shard auto: OURS_SHARDS is 0 |  | "},
        {{"JOB_COMPLETION_INDEX=0", "OURS_SHARDS=many"},
         0,
         0,
         "--shard auto: OURS_SHARDS is \"many\", which is no number up to 4294967295 |  | "},
        {{"JOB_COMPLETION_INDEX=4294967296", "OURS_SHARDS=8"},
         0,
         0,
         "--shard auto: JOB_COMPLETION_INDEX is \"4294967296\", which is no number up to 4294967295 |  | "},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        struct shard shard = {0};
        environment = cases[i].variables;
        assert_int_equal(shard_from_environment("OURS_SHARDS", variable, &shard, &e), !cases[i].said);
        assert_int_equal(shard.index, cases[i].index);
        assert_int_equal(shard.count, cases[i].count);
        if (!cases[i].said)
            continue;
        assert_int_equal(e.fault, FAULT_CONFIG);
        assert_string_equal(said(&a, &e), cases[i].said);
    }
}

/* -------------------------------------------------------------------------------------------------- lists from people */

static void a_list_has_an_id_on_each_line(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *ids;
    } cases[] = {
        {BYTES("acme\nbolt\n"), "acme,bolt"},
        {BYTES("acme\nbolt"), "acme,bolt"},
        {BYTES("acme\r\nbolt\r\n"), "acme,bolt"},
        {BYTES("\xEF\xBB\xBF"
               "acme\n"),
         "acme"},
        {BYTES("# all of them\n\n  acme corp\t\n \n#bolt\nbolt # 1\n"), "acme corp,bolt # 1"},
        {BYTES("b\na\nb\n"), "b,a,b"},
        {BYTES("\xC3\xBC\n\"q\"\n-\n*\n"), "\xC3\xBC,\"q\",-,*"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        BUF_AUTO ids = {0};
        struct strings out = {0};
        assert_true(tenants_parse(&a, cases[i].text, "list.txt", &out, &e));
        strings_join(&ids, &out, ",");
        assert_string_equal(ids.p, cases[i].ids);
    }
}

static void a_list_adds_to_what_is_there(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct strings out = words(&a, "first");
    assert_true(tenants_parse(&a, STR("second"), "list.txt", &out, &e));
    assert_int_equal(out.n, 2);
    assert_false(tenants_parse(&a, STR("#"), "list.txt", &out, &e));
    assert_string_equal(e.message, "the list of tenants is empty");
}

static void a_list_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char empty[] = "the list of tenants is empty |  | nobody is meant by it, and certainly not everybody";
    static const struct {
        struct str text;
        int line, column;
        const char *said;
    } cases[] = {
        {BYTES(""), 1, 1, empty},
        {BYTES("\xEF\xBB\xBF"), 1, 1, empty},
        {BYTES("\n# acme\n \t\r\n"), 1, 1, empty},
        {BYTES("acme\nb\0lt\n"), 2, 2, "a NUL byte in a list of tenants |  | "},
        {BYTES("acme\n\n\xC3\xBC\xC3\xBC\xFC\n"), 3, 3, "the list of tenants is not UTF-8 |  | "},
        {BYTES("ok\xC0\0"), 1, 3, "the list of tenants is not UTF-8 |  | "},
        {BYTES("\xFF\xFE"
               "a\0"),
         1, 1, "the list of tenants is not UTF-8 |  | it looks like UTF-16; save it as UTF-8"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        struct strings out = {0};
        assert_false(tenants_parse(&a, cases[i].text, "list.txt", &out, &e));
        assert_int_equal(e.fault, FAULT_USAGE);
        assert_string_equal(e.path, "list.txt");
        assert_int_equal(e.line, cases[i].line);
        assert_int_equal(e.column, cases[i].column);
        assert_string_equal(said(&a, &e), cases[i].said);
    }
}

static void canaries_are_a_number_or_ids(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t number;
        const char *ids;
        const char *said;
    } cases[] = {
        {"3", 3, "", NULL},
        {"acme", 0, "acme", NULL},
        {"acme,bolt", 0, "acme|bolt", NULL},
        {"3,", 0, "3", NULL},
        {"3,4", 0, "3|4", NULL},
        {"3,4,", 0, "3|4", NULL},
        {"-3", 0, "-3", NULL},
        {"5%", 0, "5%", NULL},
        {" a , b", 0, " a | b", NULL},
        {"99999999999999999999", 0, "99999999999999999999", NULL}, /* no number that a size can be */
        {"0", 0, "", "--canary 0: at least one tenant must come first |  | leave --canary out to begin with everybody"},
        {"00", 0, "",
         "--canary 0: at least one tenant must come first |  | leave --canary out to begin with everybody"},
        {"", 0, "", ""},
        {",", 0, "", ""},
        {",a", 0, "", ""},
        {"a,,b", 0, "", ""},
        {"a,,", 0, "", ""},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        BUF_AUTO ids = {0};
        struct rollout out = {0};
        const char *expected = cases[i].said;
        if (expected && !*expected)
            expected = arena_printf(&a,
                                    "--canary \"%s\": the id of a tenant is empty |  | --canary N, or --canary ID,ID; "
                                    "\"7,\" is the tenant with the id 7",
                                    cases[i].text);
        assert_int_equal(canary_parse(&a, str_from(cases[i].text), &out, &e), !expected);
        if (expected) {
            assert_int_equal(e.fault, FAULT_USAGE);
            assert_string_equal(said(&a, &e), expected);
            continue;
        }
        strings_join(&ids, &out.canaries, "|");
        assert_string_equal(ids.p ? ids.p : "", cases[i].ids);
        assert_int_equal(out.canary_number, cases[i].number);
    }
}

/* ------------------------------------------------------------------------------------------------------------- ordering */

static const char *stages_of(struct arena *a, const struct tenant_list *list, const struct stages *s)
{
    BUF_AUTO b = {0};
    size_t stage = 0;
    if (s->canaries)
        buf_addf(&b, "%zu: ", s->canaries);
    for (size_t i = 0; i < list->n; i++) {
        bool begins = stage < s->n && i == s->ends[stage];
        stage += begins;
        buf_addf(&b, "%s%s", begins ? " / " : i ? "," : "", list->v[i].id);
    }
    assert_true(s->n == 0 || (stage == s->n - 1 && s->ends[stage] == list->n));
    return arena_str(a, buf_str(&b));
}

static void a_run_is_ordered_by_canaries_and_waves(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        struct rollout rollout;
        const char *canaries;
        size_t n;
        const char *order;
    } cases[] = {
        {"c,a,b", {0}, NULL, 0, "c,a,b"},
        {"", {.canary_number = 2, .wave_size = 3}, NULL, 0, ""},
        {"c,a,b", {.canary_number = 1}, NULL, 2, "1: c / a,b"},
        {"c,a,b", {.canary_number = 3}, NULL, 1, "3: c,a,b"},
        {"c,a,b", {.canary_number = 9}, NULL, 1, "3: c,a,b"},
        {"c,a,b", {0}, "b c b", 2, "2: c,b / a"},
        {"c,a,b", {0}, "b a c", 1, "3: c,a,b"},
        {"a,b,c,d,e", {.wave_size = 2}, NULL, 3, "a,b / c,d / e"},
        {"a,b,c,d", {.wave_size = 2}, NULL, 2, "a,b / c,d"},
        {"a,b", {.wave_size = 2}, NULL, 0, "a,b"}, /* a single wave is everybody at once */
        {"a,b,c,d,e", {.wave_size = 2, .canary_number = 1}, NULL, 3, "1: a / b,c / d,e"},
        {"a:1,b:1", {0}, NULL, 0, "a,b"},
        {"d,c:2,b:0,a:2,e:0", {0}, NULL, 3, "b,e / c,a / d"},
        {"d,c:2,b:0,a:2,e:0", {.wave_size = 1}, NULL, 5, "b / e / c / a / d"},
        {"d:1,c:1,b:1,a:0,e:0", {.wave_size = 2}, NULL, 3, "a,e / d,c / b"},
        {"d,c:2,b:0,a:2,e:0", {.canary_number = 1}, NULL, 4, "1: b / e / c,a / d"},
        {"d,c:2,b:0,a:2,e:0", {.canary_number = 3}, NULL, 3, "3: b,e,c / a / d"},
        {"d,c:2,b:0,a:2,e:0", {0}, "a d", 3, "2: d,a / b,e / c"},
        {"d,c:2147483646,b:0", {0}, NULL, 3, "b / c / d"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        struct tenant_list list;
        struct stages stages;
        struct rollout rollout = cases[i].rollout;
        rollout.canaries = words(&a, cases[i].canaries);
        list_from(&list, cases[i].list);
        assert_true(tenants_arrange(&list, &rollout, &stages, &e));
        assert_string_equal(stages_of(&a, &list, &stages), cases[i].order);
        assert_int_equal(stages.n, cases[i].n);
        tenants_free(&list);
    }
}

static void a_canary_must_be_listed(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct tenant_list list;
    struct stages stages;
    struct rollout rollout = {.canaries = words(&a, "bolt acne")};
    list_from(&list, "bolt,acme");
    assert_false(tenants_arrange(&list, &rollout, &stages, &e));
    assert_int_equal(e.fault, FAULT_USAGE);
    assert_string_equal(said(&a, &e), "--canary: no tenant \"acne\" | 2 tenants are listed | did you mean \"acme\"?");
    assert_string_equal(ids_of(&a, &list), "bolt,acme");
    tenants_free(&list);
}

static void the_wave_is_a_whole_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t wave;
    } cases[] = {
        {NULL, INT32_MAX},  {"", INT32_MAX}, {"0", 0},    {"3", 3},      {"2147483646", 2147483646},
        {"2147483647", -1}, {"-1", -1},      {"3.0", -1}, {"first", -1}, {" 3", -1},
    };
    const char *names[] = {"tenant_id", "wave"};
    for (size_t i = 0; i < N(cases); i++) {
        ARENA_AUTO a = {0};
        AUTO_ERR e = {0};
        struct tenant_list list = {0};
        const char *values[] = {"acme", cases[i].text};
        bool ok = tenants_add(&list, &(struct db_row){.n = 2, .names = names, .values = values}, &e);
        assert_int_equal(ok, cases[i].wave >= 0);
        if (ok) {
            assert_int_equal(list.v[0].wave, cases[i].wave);
        } else {
            assert_int_equal(e.fault, FAULT_CONFIG);
            assert_string_equal(
                said(&a, &e), arena_printf(&a,
                                           "tenant \"acme\": its wave \"%s\" is no whole number from 0 to 2147483646 | "
                                           " | the lowest wave comes first; null comes last",
                                           cases[i].text));
        }
        tenants_free(&list);
    }
    struct tenant_list list = {0};
    AUTO_ERR e = {0};
    const char *values[] = {"acme"};
    assert_true(tenants_add(&list, &(struct db_row){.n = 1, .names = names, .values = values}, &e));
    assert_int_equal(list.v[0].wave, INT32_MAX);
    tenants_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_choice_narrows),
        cmocka_unit_test(a_choice_that_cannot_be_meant_is_refused),
        cmocka_unit_test(newcomers_are_chosen_without_complaint),
        cmocka_unit_test(ten_thousand_are_chosen_among_ten_thousand),
        cmocka_unit_test(a_share_depends_on_the_id_alone),
        cmocka_unit_test(shares_are_disjoint_and_complete),
        cmocka_unit_test(a_share_may_be_empty),
        cmocka_unit_test(a_share_is_spelt_i_of_n),
        cmocka_unit_test(a_share_comes_from_the_environment),
        cmocka_unit_test(a_list_has_an_id_on_each_line),
        cmocka_unit_test(a_list_adds_to_what_is_there),
        cmocka_unit_test(a_list_that_is_none_is_refused),
        cmocka_unit_test(canaries_are_a_number_or_ids),
        cmocka_unit_test(a_run_is_ordered_by_canaries_and_waves),
        cmocka_unit_test(a_canary_must_be_listed),
        cmocka_unit_test(the_wave_is_a_whole_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
