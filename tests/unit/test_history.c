/* What the log says against what is carried: every kind of finding, digests, ahead and diverged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "built.h"
#include "run/history.h"

static const struct built v1[] = {
    {.id = "a1", .down = "", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
    {.id = "b1", .down = "a1", .up_sql = "CREATE TABLE u (x);", .down_sql = "DROP TABLE u;"},
    {.id = "c1", .down = "b1", .up_sql = "CREATE TABLE v (x);", .down_sql = "DROP TABLE v;"},
};

/* One executable's view of a stream. */
struct view {
    const struct stream *stream;
    struct graph *g;
    struct history *h;
};

static struct view view_of(struct arena *a, const struct built *v, size_t n)
{
    struct view out = {.stream = built_stream(a, "tenant", v, n)};
    out.g = graph_new(a, out.stream);
    out.h = history_new(a, out.g, DIALECT_SQLITE);
    return out;
}

static const char *hex(struct arena *a, const uint8_t sum[SHA256_BYTES])
{
    char *text = arena_alloc(a, SHA256_HEX);
    hash_hex(sum, text);
    return text;
}

/* The row that applying this revision leaves. */
static struct log_entry row(struct arena *a, const struct view *v, const char *id, const char *direction,
                            const char *rows_after)
{
    const struct revision *r = graph_revision(v->g, graph_find(v->g, str_from(id)));
    BUF_AUTO parents = {0};
    for (uint32_t i = 0; i < r->n_down; i++)
        buf_addf(&parents, "%s%s", i ? "," : "", graph_revision(v->g, r->down[i])->id);
    return (struct log_entry){
        .stream = "tenant",
        .revision = r->id,
        .parents = arena_str(a, buf_str(&parents)),
        .direction = direction,
        .section_checksum = hex(a, r->sections[0].sha256),
        .token_checksum = hex(a, r->sections[0].tokens_sha256),
        .down_checksum = hex(a, r->sections[1].sha256),
        .checksum_version = CHECKSUM_VERSION,
        .rows_after = rows_after,
        .started = "2026-11-22T10:15:00.123Z",
        .build_id = "feedbeef",
        .state = "done",
        .statement = -1,
    };
}

static struct log_list log_of_v1(struct arena *a, const struct view *v)
{
    struct log_list log = {0};
    vec_push(a, &log, row(a, v, "a1", "upgrade", "a1"));
    vec_push(a, &log, row(a, v, "b1", "upgrade", "b1"));
    vec_push(a, &log, row(a, v, "c1", "upgrade", "c1"));
    return log;
}

static struct strings list_of(struct arena *a, const char *joined)
{
    struct strings out = {0};
    struct str rest = str_from(joined), piece;
    while (rest.n && str_next(&rest, ',', &piece))
        vec_push(a, &out, arena_str(a, piece));
    return out;
}

/* "kind:revision kind:revision" of the findings. */
static const char *findings_of(struct arena *a, const struct view *v, const char *rows, const struct log_list *log,
                               struct history_findings *out)
{
    struct db_state state = {.rows = list_of(a, rows)};
    BUF_AUTO text = {0};
    history_compare(a, v->h, v->g, &state, log, out);
    for (size_t i = 0; i < out->n; i++)
        buf_addf(&text, "%s%s:%s", i ? " " : "", history_kind_name(out->v[i].kind), out->v[i].revision->id);
    return arena_str(a, buf_str(&text));
}

#define assert_findings(view, rows, log, expected)                                                                     \
    do {                                                                                                               \
        struct history_findings findings_ = {0};                                                                       \
        assert_string_equal(findings_of(&a, view, rows, log, &findings_), expected);                                   \
    } while (0)

static void digests_do_not_depend_on_order(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    uint32_t up[] = {0, 1, 2}, down[] = {2, 0, 1};
    struct digest x = history_digest(v.h, &(struct revlist){.v = up, .n = 3});
    struct digest y = history_digest(v.h, &(struct revlist){.v = down, .n = 3});
    assert_memory_equal(&x, &y, sizeof x);
    digest_remove(&y, v.h, 1);
    assert_memory_not_equal(&x, &y, sizeof x);
    digest_add(&y, v.h, 1);
    assert_memory_equal(&x, &y, sizeof x);
    struct digest none = {0};
    for (uint32_t i = 0; i < 3; i++)
        digest_remove(&y, v.h, i);
    assert_memory_equal(&y, &none, sizeof y);
    char text[SHA256_HEX];
    digest_hex(&none, text);
    assert_string_equal(text, "0000000000000000000000000000000000000000000000000000000000000000");
}

static void a_row_records_the_sum_of_its_revision(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct digest carried = {0}, recorded = {0};
    struct log_entry entry = row(&a, &v, "b1", "upgrade", "b1");
    digest_add(&carried, v.h, 1);
    digest_add_entry(&recorded, &entry);
    assert_memory_equal(&carried, &recorded, sizeof carried);
    digest_remove_entry(&recorded, &entry);
    assert_memory_equal(&recorded, &(struct digest){0}, sizeof recorded);
}

static void nothing_changed_gives_nothing(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct log_list log = log_of_v1(&a, &v);
    assert_findings(&v, "c1", &log, "");
    assert_findings(&v, "", &log, "");
}

static void an_edit_blocks(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct log_list log = log_of_v1(&a, &v);
    struct built edited[3];
    memcpy(edited, v1, sizeof edited);
    edited[1].up_sql = "CREATE TABLE u (x, y);";
    struct view now = view_of(&a, edited, 3);
    struct history_findings f = {0};
    assert_string_equal(findings_of(&a, &now, "c1", &log, &f), "edited:b1");
    AUTO_ERR e = {0};
    assert_false(history_refuse(now.h, &f, "migrate tenant", "acme", &e));
    assert_int_equal(e.fault, FAULT_EDITED);
    assert_string_equal(e.message, "revision b1 changed after being applied");
    assert_non_null(
        strstr(e.detail, arena_printf(&a, "recorded checksum %.12s, present %.12s, applied", log.v[1].section_checksum,
                                      hex(&a, now.stream->revisions[1]->sections[0].sha256))));
    assert_non_null(strstr(e.detail, "applied 2026-11-22T10:15:00.123Z by build feedbeef"));
    assert_non_null(strstr(e.hint, "restore the file as applied"));
    assert_non_null(strstr(e.hint, "`migrate tenant repair --tenant acme`"));
    assert_string_equal(e.path, "tenant/versions/b1.sql");
    /* Below it, nothing is wrong. */
    assert_findings(&now, "a1", &log, "");
}

static void comments_and_downs_only_warn(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct log_list log = log_of_v1(&a, &v);
    struct built edited[3];
    memcpy(edited, v1, sizeof edited);
    edited[0].up_sql = "-- the first\nCREATE TABLE t (x);";
    edited[2].down_sql = "DROP TABLE IF EXISTS v;";
    struct view now = view_of(&a, edited, 3);
    struct history_findings f = {0};
    AUTO_ERR e = {0};
    assert_string_equal(findings_of(&a, &now, "c1", &log, &f), "cosmetic:a1 down-changed:c1");
    assert_true(history_refuse(now.h, &f, "migrate tenant", NULL, &e));
    BUF_AUTO text = {0};
    history_describe(&text, now.h, &f.v[0]);
    assert_non_null(strstr(text.p, "revision a1: only comments or white space of its up section changed"));
    buf_reset(&text);
    history_describe(&text, now.h, &f.v[1]);
    assert_non_null(strstr(text.p, "revision c1: its down section was changed after it was applied"));
}

static void a_spliced_revision_blocks_with_its_child(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct log_list log = log_of_v1(&a, &v);
    static const struct built spliced[] = {
        {.id = "a1", .down = "", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
        {.id = "s1", .down = "a1", .up_sql = "CREATE TABLE s (x);", .down_sql = "DROP TABLE s;"},
        {.id = "b1", .down = "s1", .up_sql = "CREATE TABLE u (x);", .down_sql = "DROP TABLE u;"},
        {.id = "c1", .down = "b1", .up_sql = "CREATE TABLE v (x);", .down_sql = "DROP TABLE v;"},
    };
    struct view now = view_of(&a, spliced, 4);
    struct history_findings f = {0};
    assert_string_equal(findings_of(&a, &now, "c1", &log, &f), "spliced:s1 parents-changed:b1");
    AUTO_ERR e = {0};
    assert_false(history_refuse(now.h, &f, "migrate tenant", NULL, &e));
    assert_string_equal(e.message, "revisions s1, b1 changed after being applied");
    assert_non_null(strstr(e.detail, "revision s1: counts as applied, but never ran here"));
    assert_non_null(strstr(e.detail, "revision b1: its parents were changed"));
    assert_non_null(strstr(e.detail, "recorded parents a1"));
    assert_non_null(strstr(e.hint, "`migrate tenant stamp`"));
    /* Alone, it is told as what it is. */
    f.n = 1;
    assert_false(history_refuse(now.h, &f, "migrate tenant", NULL, &e));
    assert_string_equal(e.message, "revision s1 never ran here, but stands below revisions that did");
    /* A stamp of it settles that. */
    vec_push(&a, &log, row(&a, &now, "s1", "stamp", "c1"));
    assert_findings(&now, "c1", &log, "parents-changed:b1");
}

static void the_order_of_parents_is_no_change(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    static const struct built one[] = {{.id = "a1", .up_sql = "x", .down_sql = "y"},
                                       {.id = "b1", .up_sql = "x", .down_sql = "y"},
                                       {.id = "m1", .down = "a1,b1", .up_sql = "", .down_sql = ""}};
    static const struct built other[] = {{.id = "a1", .up_sql = "x", .down_sql = "y"},
                                         {.id = "b1", .up_sql = "x", .down_sql = "y"},
                                         {.id = "m1", .down = "b1,a1", .up_sql = "", .down_sql = ""}};
    struct view v = view_of(&a, one, 3), w = view_of(&a, other, 3);
    struct log_list log = {0};
    vec_push(&a, &log, row(&a, &v, "a1", "upgrade", "a1"));
    vec_push(&a, &log, row(&a, &v, "b1", "upgrade", "a1,b1"));
    vec_push(&a, &log, row(&a, &v, "m1", "upgrade", "m1"));
    assert_findings(&w, "m1", &log, "");
    uint32_t all[] = {0, 1, 2};
    struct digest x = history_digest(v.h, &(struct revlist){.v = all, .n = 3});
    struct digest y = history_digest(w.h, &(struct revlist){.v = all, .n = 3});
    assert_memory_equal(&x, &y, sizeof x);
}

static void what_alembic_applied_is_not_logged(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct log_list none = {0};
    assert_findings(&v, "b1", &none, "not-logged:a1 not-logged:b1");
    /* Taken over at a1, then moved on by Alembic again: not spliced. */
    struct log_list log = {0};
    vec_push(&a, &log, row(&a, &v, "a1", "adopt", "a1"));
    assert_findings(&v, "c1", &log, "not-logged:b1 not-logged:c1");
}

static void the_last_finished_row_counts(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct log_list log = log_of_v1(&a, &v);
    /* An edited c1 that was downgraded and applied again. */
    struct built edited[3];
    memcpy(edited, v1, sizeof edited);
    edited[2].up_sql = "CREATE TABLE v (x, y);";
    struct view now = view_of(&a, edited, 3);
    vec_push(&a, &log, row(&a, &v, "c1", "downgrade", "b1"));
    assert_findings(&now, "b1", &log, "");
    struct log_entry begun = row(&a, &now, "c1", "upgrade", "b1");
    begun.state = "started";
    begun.statement = 0;
    vec_push(&a, &log, begun);
    assert_findings(&now, "b1", &log, "");
    const struct log_entry **live = history_live(&a, now.g, &log);
    assert_null(live[2]);
    assert_ptr_equal(live[1], &log.v[1]);
    vec_push(&a, &log, row(&a, &now, "c1", "upgrade", "c1"));
    assert_findings(&now, "c1", &log, "");
    /* Rows of directions that a later version invents change nothing. */
    vec_push(&a, &log, row(&a, &v, "c1", "verify", "c1"));
    assert_findings(&now, "c1", &log, "");
    vec_push(&a, &log, row(&a, &now, "c1", "unstamp", "b1"));
    assert_null(history_live(&a, now.g, &log)[2]);
}

static void other_checksum_rules_are_not_compared(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    struct view v = view_of(&a, v1, 3);
    struct log_list log = log_of_v1(&a, &v);
    log.v[1].checksum_version = CHECKSUM_VERSION + 1;
    log.v[1].section_checksum = "0000";
    struct history_findings f = {0};
    assert_string_equal(findings_of(&a, &v, "c1", &log, &f), "checksum-rules:b1");
    BUF_AUTO text = {0};
    history_describe(&text, v.h, &f.v[0]);
    assert_non_null(strstr(text.p, "recorded under checksum rules 2"));
    assert_false(history_blocks(f.v[0].kind));
}

/* ------------------------------------------------------------------------------------------------ ahead or diverged */

static enum fault unknown(struct arena *a, const struct view *v, const struct catalogue *c, const char *rows,
                          const char *bad, const struct log_list *log, struct err *e)
{
    struct strings all = list_of(a, rows), lacking = list_of(a, bad);
    assert_false(history_unknown_rows(a, v->g, c, &all, &lacking, log, e));
    return e->fault;
}

static void later_rows_are_ahead(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    static const struct built v2[] = {
        {.id = "a1", .up_sql = "x", .down_sql = "y"},
        {.id = "b1", .down = "a1", .up_sql = "x", .down_sql = "y"},
        {.id = "n1", .down = "b1", .up_sql = "x", .down_sql = "y"},
        {.id = "n2", .down = "n1", .up_sql = "x", .down_sql = "y"},
    };
    struct view later = view_of(&a, v2, 4), earlier = view_of(&a, v2, 2);
    struct log_list log = {0};
    vec_push(&a, &log, row(&a, &later, "a1", "upgrade", "a1"));
    vec_push(&a, &log, row(&a, &later, "b1", "upgrade", "b1"));
    vec_push(&a, &log, row(&a, &later, "n1", "upgrade", "n1"));
    vec_push(&a, &log, row(&a, &later, "n2", "upgrade", "n2"));
    AUTO_ERR e = {0};
    assert_int_equal(unknown(&a, &earlier, NULL, "n2", "n2", &log, &e), FAULT_AHEAD);
    assert_string_equal(e.message, "the database is ahead: version row \"n2\" is of a later executable");
    assert_non_null(strstr(e.detail, "by build feedbeef"));
    assert_non_null(strstr(e.hint, "on_ahead = allow"));
    /* A gap in the log: nobody knows where n2 came from. */
    log.v[2].parents = NULL;
    assert_int_equal(unknown(&a, &earlier, NULL, "n2", "n2", &log, &e), FAULT_DIVERGED);
}

static void a_later_row_that_misses_our_head_is_diverged(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    static const struct built other[] = {
        {.id = "a1", .up_sql = "x", .down_sql = "y"},
        {.id = "x1", .down = "a1", .up_sql = "x", .down_sql = "y"},
    };
    struct view theirs = view_of(&a, other, 2), ours = view_of(&a, v1, 3);
    struct log_list log = {0};
    vec_push(&a, &log, row(&a, &theirs, "a1", "upgrade", "a1"));
    vec_push(&a, &log, row(&a, &theirs, "x1", "upgrade", "x1"));
    AUTO_ERR e = {0};
    assert_int_equal(unknown(&a, &ours, NULL, "x1", "x1", &log, &e), FAULT_DIVERGED);
    assert_string_equal(e.message, "version row \"x1\" is no revision of stream tenant in this executable, and its "
                                   "revision \"c1\" is not applied");
    assert_non_null(strstr(e.detail, "the log has x1, applied 2026-11-22"));
    assert_non_null(strstr(e.hint, "run the executable that carries it to its head"));
    /* With our head beside it, it is ahead on another branch. */
    assert_int_equal(unknown(&a, &ours, NULL, "c1,x1", "x1", &log, &e), FAULT_AHEAD);
}

static void a_row_of_another_stream_says_so(void **state)
{
    (void)state;
    ARENA_AUTO a = {0};
    static const struct built shared[] = {{.id = "s9", .up_sql = "x", .down_sql = "y"}};
    struct view ours = view_of(&a, v1, 3);
    const struct catalogue *c = built_catalogue(&a, built_stream(&a, "shared", shared, 1), ours.stream);
    struct log_list log = {0};
    AUTO_ERR e = {0};
    assert_int_equal(unknown(&a, &ours, c, "s9", "s9", &log, &e), FAULT_DIVERGED);
    assert_string_equal(e.message, "version row \"s9\" is a revision of stream shared, not of tenant");
    assert_non_null(strstr(e.hint, "is this the database of stream shared?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_do_not_depend_on_order),
        cmocka_unit_test(a_row_records_the_sum_of_its_revision),
        cmocka_unit_test(nothing_changed_gives_nothing),
        cmocka_unit_test(an_edit_blocks),
        cmocka_unit_test(comments_and_downs_only_warn),
        cmocka_unit_test(a_spliced_revision_blocks_with_its_child),
        cmocka_unit_test(the_order_of_parents_is_no_change),
        cmocka_unit_test(what_alembic_applied_is_not_logged),
        cmocka_unit_test(the_last_finished_row_counts),
        cmocka_unit_test(other_checksum_rules_are_not_compared),
        cmocka_unit_test(later_rows_are_ahead),
        cmocka_unit_test(a_later_row_that_misses_our_head_is_diverged),
        cmocka_unit_test(a_row_of_another_stream_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
