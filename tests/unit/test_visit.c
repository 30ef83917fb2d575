/* Visits to one database, on real SQLite files: every job, every refusal, crowds and kills. limit: 600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "visits.h"

#define N(list) (sizeof(list) / sizeof(list)[0])

static const struct built v1[] = {
    {.id = "a1", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
    {.id = "b1",
     .down = "a1",
     .up_sql = "INSERT INTO t VALUES (1);\nCREATE TABLE u (x);",
     .down_sql = "DROP TABLE u;\nDELETE FROM t;"},
    {.id = "c1", .down = "b1", .up_sql = "CREATE TABLE v (x);", .down_sql = "DROP TABLE v;"},
};

#define assert_said(scene, text) assert_non_null(strstr((scene)->talk.p ? (scene)->talk.p : "", text))
#define assert_not_said(scene, text) assert_null(strstr((scene)->talk.p ? (scene)->talk.p : "", text))

#define assert_fine(call, outcome)                                                                                     \
    do {                                                                                                               \
        bool fine_ = (call);                                                                                           \
        if (!fine_)                                                                                                    \
            print_error("%s: %s\n", err_fault_name((outcome).err.fault), (outcome).err.message);                       \
        assert_true(fine_);                                                                                            \
        assert_int_equal((outcome).err.fault, FAULT_NONE);                                                             \
    } while (0)

#define assert_refused(call, outcome, expected_fault, expected_message)                                                \
    do {                                                                                                               \
        assert_false(call);                                                                                            \
        assert_string_equal((outcome).err.message, expected_message);                                                  \
        assert_string_equal(err_fault_name((outcome).err.fault), err_fault_name(expected_fault));                      \
    } while (0)

/* ---------------------------------------------------------------------------------------------------------- upgrade */

struct heard {
    struct buf text;
};

static void hear_begin(void *context, const struct place *where, const struct step *step)
{
    (void)where;
    buf_addf(&((struct heard *)context)->text, "begin %s;", step->revision->id);
}

static void hear_done(void *context, const struct place *where, const struct step *step, int64_t ms)
{
    (void)where;
    assert_true(ms >= 0);
    buf_addf(&((struct heard *)context)->text, "done %s;", step->revision->id);
}

static void a_missing_file_is_made_and_upgraded(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct heard heard = {0};
    struct observer observer = {.step_begins = hear_begin, .step_done = hear_done, .context = &heard};
    scene_begin(&s, v1, N(v1));
    assert_fine(visit(&s.a, &s.job, &s.place, &observer, &out), out);
    assert_true(out.created && out.has_state && out.at_head && !out.skipped && !out.ahead);
    assert_int_equal(out.applied, 3);
    assert_int_equal(out.pending, 0);
    assert_int_equal(out.state.rows.n, 0);
    assert_string_equal(strings_text(&s, &out.rows), "c1");
    assert_string_equal(heard.text.p, "begin a1;done a1;begin b1;done b1;begin c1;done c1;");
    assert_string_equal(scene_rows(&s), "c1");
    assert_string_equal(scene_log(&s), "upgrade:a1,upgrade:b1,upgrade:c1");
    assert_string_equal(scene_says(&s, "SELECT x FROM t"), "1");
    assert_string_equal(scene_says(&s, "SELECT rows_after FROM migrate_log ORDER BY id"), "a1,b1,c1");
    assert_string_equal(scene_says(&s, "SELECT count(DISTINCT digest) FROM migrate_log"), "3");
    buf_free(&heard.text);
    scene_end(&s);
}

static void nothing_pending_writes_nothing(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, N(v1));
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(chmod(s.file, 0444), 0);
    const char *before = scene_says(&s, "SELECT count(*) FROM migrate_log");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.applied, 0);
    assert_int_equal(out.findings.n, 0);
    assert_true(out.at_head);
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM migrate_log"), before);
    scene_end(&s);
}

static void steps_go_as_far_as_the_target(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, N(v1));
    assert_fine(scene_visit(&s, JOB_UPGRADE, "+2", &out), out);
    assert_int_equal(out.applied, 2);
    assert_int_equal(out.pending, 1);
    assert_false(out.at_head);
    assert_string_equal(scene_rows(&s), "b1");
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "-1", &out), out);
    assert_string_equal(scene_rows(&s), "a1");
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM t"), "0");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "base", &out), out);
    assert_int_equal(out.applied, 3);
    assert_string_equal(scene_rows(&s), "");
    assert_string_equal(scene_says(&s, "SELECT digest FROM migrate_log ORDER BY id DESC LIMIT 1"),
                        "0000000000000000000000000000000000000000000000000000000000000000");
    assert_false(scene_visit(&s, JOB_UPGRADE, "+4", &out));
    assert_int_equal(out.err.fault, FAULT_USAGE);
    err_free(&out.err);
    scene_end(&s);
}

static void a_failing_body_leaves_what_was_before(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built broken[3];
    memcpy(broken, v1, sizeof broken);
    broken[1].up_sql = "CREATE TABLE u (x);\nINSERT INTO nowhere VALUES (1);";
    scene_begin(&s, broken, 3);
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_FAILED);
    assert_non_null(strstr(out.err.message, "revision b1: "));
    assert_non_null(strstr(out.err.message, "no such table: nowhere"));
    assert_string_equal(out.err.path, "tenant/versions/b1.sql");
    assert_int_equal(out.err.line, 4);
    assert_string_equal(out.failed_revision->id, "b1");
    assert_int_equal(out.applied, 1);
    assert_int_equal(out.pending, 2);
    assert_string_equal(strings_text(&s, &out.rows), "a1");
    assert_string_equal(scene_rows(&s), "a1");
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM sqlite_master WHERE name = 'u'"), "0");
    scene_carry(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_string_equal(scene_log(&s), "upgrade:a1,upgrade:b1,upgrade:c1");
    scene_end(&s);
}

static void together_is_all_or_nothing(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built broken[3];
    memcpy(broken, v1, sizeof broken);
    broken[2].up_sql = "CREATE TABLE t (x);";
    scene_begin(&s, broken, 3);
    s.job.together = true;
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_string_equal(out.failed_revision->id, "c1");
    assert_int_equal(out.applied, 0);
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM sqlite_master WHERE name = 't'"), "0");
    scene_carry(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.applied, 3);
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "a1", &out), out);
    assert_string_equal(scene_rows(&s), "a1");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.findings.n, 0);
    scene_end(&s);
}

/* --------------------------------------------------------------------------------------------------------- refusals */

static void an_irreversible_revision_is_not_downgraded(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built one_way[3];
    memcpy(one_way, v1, sizeof one_way);
    one_way[1].down_sql = NULL;
    scene_begin(&s, one_way, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_refused(scene_visit(&s, JOB_DOWNGRADE, "base", &out), out, FAULT_POLICY, "revision b1 is irreversible");
    assert_int_equal(out.applied, 0);
    assert_string_equal(scene_rows(&s), "c1");
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "-1", &out), out);
    assert_string_equal(scene_rows(&s), "b1");
    scene_end(&s);
}

static void one_transaction_refuses_what_cannot_be_in_one(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built apart[3];
    memcpy(apart, v1, sizeof apart);
    apart[2].flags = SECTION_NO_TRANSACTION;
    scene_begin(&s, apart, 3);
    s.job.together = true;
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_POLICY,
                   "revision c1 says transaction:false, so the run cannot be one transaction");
    assert_non_null(strstr(out.err.hint, "--transaction all"));
    assert_int_equal(out.applied, 0);
    assert_int_equal(out.state.rows.n, 0);
    err_free(&out.err);
    scene_end(&s);
}

static void requirements_are_met_first(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built needs[3];
    memcpy(needs, v1, sizeof needs);
    needs[2].requires = "s2";
    scene_begin(&s, needs, 3);
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_REQUIRES,
                   "revision c1 requires shared@s2, which this run knows nothing of");
    struct strings applied = {0};
    vec_push(&s.a, &applied, "s1");
    s.job.registry_stream = "shared";
    s.job.registry_applied = &applied;
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_REQUIRES,
                   "revision c1 requires shared@s2, which is not applied yet");
    assert_string_equal(out.err.hint, "run `migrate shared head` first");
    assert_int_equal(out.applied, 0);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "b1", &out), out);
    vec_push(&s.a, &applied, "s2");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_string_equal(scene_rows(&s), "c1");
    scene_end(&s);
}

static void a_stream_is_not_taken_to_an_engine_it_is_not_for(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, N(v1));
    struct stream other = *graph_stream(s.job.graph);
    other.dialects = DIALECT_BIT(DIALECT_POSTGRESQL);
    s.job.graph = graph_new(&s.a, &other);
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_CONFIG,
                   "stream tenant has no revisions for SQLite");
    assert_int_equal(access(s.file, F_OK), -1);
    err_free(&out.err);
    scene_end(&s);
}

static void a_missing_database_is_its_own_case(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, N(v1));
    static const enum job_kind kinds[] = {JOB_READ, JOB_DOWNGRADE, JOB_REPAIR, JOB_WAIT};
    for (size_t i = 0; i < N(kinds); i++) {
        assert_false(scene_visit(&s, kinds[i], "base", &out));
        assert_int_equal(out.err.fault, FAULT_MISSING);
        assert_non_null(out.err.hint);
        assert_int_equal(access(s.file, F_OK), -1);
    }
    s.job.on_missing = ON_MISSING_FAIL;
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_MISSING);
    assert_non_null(strstr(out.err.hint, "--on-missing create"));
    s.job.on_missing = ON_MISSING_SKIP;
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_true(out.skipped && !out.has_state);
    s.job.on_missing = ON_MISSING_CREATE;
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_true(out.created);
    assert_fine(scene_visit(&s, JOB_WAIT, "", &out), out);
    s.place.address.path = arena_printf(&s.a, "%s/nowhere/x.db", s.folder);
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_MISSING);
    err_free(&out.err);
    scene_end(&s);
}

/* ---------------------------------------------------------------------------------------------------------- history */

static void an_edited_revision_blocks_until_it_is_repaired(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built edited[3];
    memcpy(edited, v1, sizeof edited);
    edited[0].up_sql = "CREATE TABLE t (x, y);";
    scene_begin(&s, v1, 2);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    scene_carry(&s, edited, 3);
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_EDITED,
                   "revision a1 changed after being applied");
    assert_non_null(strstr(out.err.hint, "restore the file as applied"));
    assert_non_null(strstr(out.err.hint, "`migrate tenant repair`"));
    assert_int_equal(out.findings.n, 1);
    assert_string_equal(scene_rows(&s), "b1");
    /* A reader hears of it without failing; a dry run fails as the run would. */
    assert_fine(scene_visit(&s, JOB_READ, "head", &out), out);
    assert_int_equal(out.findings.v[0].kind, HISTORY_EDITED);
    s.job.planned = JOB_UPGRADE;
    assert_false(scene_visit(&s, JOB_READ, "head", &out));
    assert_int_equal(out.err.fault, FAULT_EDITED);
    assert_int_equal(out.plan.n, 1);
    s.job.planned = JOB_READ;
    /* Its own downgrade is free, and what was edited above does not hide in the digest. */
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "a1", &out), out);
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_EDITED);
    assert_fine(scene_visit(&s, JOB_REPAIR, "", &out), out);
    assert_string_equal(strings_text(&s, &out.repaired), "revision a1: accepted its up section, changed in substance");
    assert_fine(scene_visit(&s, JOB_REPAIR, "", &out), out);
    assert_int_equal(out.repaired.n, 0);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.findings.n, 0);
    assert_string_equal(scene_log(&s), "upgrade:a1,upgrade:b1,downgrade:b1,repair:a1,upgrade:b1,upgrade:c1");
    scene_end(&s);
}

static void an_edited_revision_goes_down_and_up_again(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built edited[3];
    memcpy(edited, v1, sizeof edited);
    edited[0].up_sql = "CREATE TABLE t (x, y DEFAULT 2);";
    edited[1].up_sql = "INSERT INTO t (x) VALUES (1);\nCREATE TABLE u (x);";
    scene_begin(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    scene_carry(&s, edited, 3);
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "base", &out), out);
    assert_string_equal(scene_says(&s, "SELECT digest FROM migrate_log ORDER BY id DESC LIMIT 1"),
                        "0000000000000000000000000000000000000000000000000000000000000000");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.findings.n, 0);
    scene_end(&s);
}

static void a_cosmetic_edit_is_only_a_warning(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built edited[3];
    memcpy(edited, v1, sizeof edited);
    edited[0].up_sql = "-- a table\nCREATE TABLE t (x);";
    scene_begin(&s, v1, 2);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    scene_carry(&s, edited, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.applied, 1);
    assert_said(&s, "revision a1: only comments or white space");
    buf_reset(&s.talk);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_said(&s, "revision a1: only comments or white space");
    assert_fine(scene_visit(&s, JOB_REPAIR, "", &out), out);
    assert_int_equal(out.repaired.n, 1);
    buf_reset(&s.talk);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_not_said(&s, "revision a1");
    scene_end(&s);
}

static void a_spliced_revision_wants_a_stamp(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    static const struct built spliced[] = {
        {.id = "a1", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
        {.id = "s1", .down = "a1", .up_sql = "CREATE TABLE s (x);", .down_sql = "DROP TABLE s;"},
        {.id = "b1",
         .down = "s1",
         .up_sql = "INSERT INTO t VALUES (1);\nCREATE TABLE u (x);",
         .down_sql = "DROP TABLE u;\nDELETE FROM t;"},
    };
    scene_begin(&s, v1, 2);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    scene_carry(&s, spliced, 3);
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_EDITED,
                   "revisions s1, b1 changed after being applied");
    assert_refused(scene_visit(&s, JOB_REPAIR, "", &out), out, FAULT_EDITED,
                   "revision s1 never ran here, but stands below revisions that did");
    assert_refused(scene_visit(&s, JOB_DOWNGRADE, "a1", &out), out, FAULT_EDITED,
                   "revision s1 never ran here, but stands below revisions that did");
    assert_string_equal(scene_rows(&s), "b1");
    vec_push(&s.a, &s.job.targets, "b1");
    assert_fine(scene_visit(&s, JOB_STAMP, "", &out), out);
    assert_fine(scene_visit(&s, JOB_REPAIR, "", &out), out);
    assert_string_equal(strings_text(&s, &out.repaired), "revision b1: accepted its changed parents");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.findings.n, 0);
    assert_string_equal(scene_log(&s), "upgrade:a1,upgrade:b1,stamp:s1,repair:b1");
    scene_end(&s);
}

static void what_alembic_made_is_taken_over_once(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    static const char alembic[] =
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY "
        "(version_num)); INSERT INTO alembic_version VALUES ('b1'); CREATE TABLE t (x); CREATE TABLE u (x);";
    scene_begin(&s, v1, 2);
    scene_says(&s, alembic);
    assert_fine(scene_visit(&s, JOB_READ, "", &out), out);
    assert_int_equal(out.findings.n, 2);
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM sqlite_master WHERE name = 'migrate_log'"), "0");
    /* Nothing is pending, and yet the rows come, once. */
    for (int i = 0; i < 2; i++) {
        assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
        assert_int_equal(out.applied, 0);
        assert_string_equal(scene_log(&s), "adopt:a1,adopt:b1");
    }
    assert_int_equal(out.findings.n, 0);
    scene_carry(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    /* Alembic moves on once more: the rows decide, and the log follows. */
    scene_says(&s, "UPDATE alembic_version SET version_num = 'a1'");
    assert_fine(scene_visit(&s, JOB_READ, "", &out), out);
    assert_int_equal(out.pending, 2);
    scene_end(&s);
}

static void a_later_executables_database_is_ahead(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    scene_carry(&s, v1, 2);
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_AHEAD,
                   "the database is ahead: version row \"c1\" is of a later executable");
    assert_true(out.has_state);
    assert_string_equal(strings_text(&s, &out.rows), "c1");
    s.job.on_ahead = ON_AHEAD_ALLOW;
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_true(out.ahead && !out.at_head);
    assert_int_equal(out.applied, 0);
    assert_int_equal(out.pending, 0);
    assert_fine(scene_visit(&s, JOB_READ, "", &out), out);
    assert_true(out.ahead);
    assert_false(scene_visit(&s, JOB_DOWNGRADE, "a1", &out));
    assert_int_equal(out.err.fault, FAULT_AHEAD);
    err_free(&out.err);
    assert_string_equal(scene_log(&s), "upgrade:a1,upgrade:b1,upgrade:c1");
    scene_end(&s);
}

static void unknown_rows_are_diverged_and_can_be_purged(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    scene_says(&s, "UPDATE alembic_version SET version_num = 'zz'");
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_DIVERGED,
                   "version row \"zz\" is no revision of stream tenant in this executable");
    s.job.read_log = true;
    s.job.log_limit = 2;
    assert_false(scene_visit(&s, JOB_READ, "", &out));
    assert_int_equal(out.log.n, 2);
    vec_push(&s.a, &s.job.targets, "b1");
    assert_refused(scene_visit(&s, JOB_STAMP, "", &out), out, FAULT_DIVERGED,
                   "version row \"zz\" is no revision of stream tenant in this executable");
    s.job.purge = true;
    assert_fine(scene_visit(&s, JOB_STAMP, "", &out), out);
    assert_string_equal(scene_rows(&s), "b1");
    s.job.purge = false;
    assert_fine(scene_visit(&s, JOB_READ, "", &out), out);
    assert_int_equal(out.pending, 1);
    scene_end(&s);
}

/* ------------------------------------------------------------------------------------------------------------- stamp */

static void a_stamp_writes_rows_and_says_so(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, 3);
    struct strings b = {0}, a = {0}, base = {0};
    vec_push(&s.a, &b, "b1");
    vec_push(&s.a, &a, "a1");
    vec_push(&s.a, &base, "base");
    s.job.targets = b;
    assert_fine(scene_visit(&s, JOB_STAMP, "", &out), out);
    assert_true(out.created);
    assert_string_equal(scene_rows(&s), "b1");
    assert_string_equal(scene_log(&s), "stamp:a1,stamp:b1");
    assert_fine(scene_visit(&s, JOB_STAMP, "", &out), out);
    assert_string_equal(scene_log(&s), "stamp:a1,stamp:b1");
    s.job.targets = a;
    assert_fine(scene_visit(&s, JOB_STAMP, "", &out), out);
    assert_string_equal(scene_log(&s), "stamp:a1,stamp:b1,unstamp:b1");
    s.job.targets = base;
    assert_fine(scene_visit(&s, JOB_STAMP, "", &out), out);
    assert_string_equal(scene_rows(&s), "");
    assert_string_equal(scene_log(&s), "stamp:a1,stamp:b1,unstamp:b1,unstamp:a1");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.findings.n, 0);
    scene_end(&s);
}

static void ensure_version_makes_the_table_only(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_ENSURE_VERSION, "", &out), out);
    assert_string_equal(scene_says(&s, "SELECT name FROM sqlite_master WHERE type = 'table'"), "alembic_version");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    scene_end(&s);
}

static void a_fleets_downgrade_spares_who_is_below(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "a1", &out), out);
    assert_false(scene_visit(&s, JOB_DOWNGRADE, "b1", &out));
    assert_int_equal(out.err.fault, FAULT_USAGE);
    s.job.fleet = true;
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "b1", &out), out);
    assert_int_equal(out.applied, 0);
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "a1", &out), out);
    assert_string_equal(scene_rows(&s), "a1");
    assert_false(scene_visit(&s, JOB_DOWNGRADE, "nothing", &out));
    assert_int_equal(out.err.fault, FAULT_USAGE);
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "base", &out), out);
    assert_string_equal(scene_rows(&s), "");
    scene_end(&s);
}

static void a_dry_run_is_a_plan(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "a1", &out), out);
    s.job.planned = JOB_UPGRADE;
    s.job.read_log = true;
    assert_fine(scene_visit(&s, JOB_READ, "head", &out), out);
    assert_int_equal(out.plan.n, 2);
    assert_string_equal(strings_text(&s, &out.plan.target), "c1");
    assert_string_equal(strings_text(&s, &out.rows), "a1");
    assert_int_equal(out.log.n, 1);
    assert_string_equal(out.log.v[0].revision, "a1");
    assert_int_equal(out.pending, 2);
    s.job.planned = JOB_DOWNGRADE;
    assert_fine(scene_visit(&s, JOB_READ, "base", &out), out);
    assert_int_equal(out.plan.n, 1);
    assert_string_equal(scene_rows(&s), "a1");
    scene_end(&s);
}

/* -------------------------------------------------------------------------------------------------- statement by statement */

static const struct built wise[] = {
    {.id = "a1", .up_sql = "CREATE TABLE t (x);", .down_sql = "DROP TABLE t;"},
    {.id = "b1",
     .down = "a1",
     .flags = SECTION_NO_TRANSACTION,
     .up_sql = "INSERT INTO t VALUES (1);\nVACUUM;\nINSERT INTO u VALUES (2);\nINSERT INTO t VALUES (3);",
     .down_sql = "DELETE FROM t WHERE x = 1;\nDELETE FROM t;"},
};

static void a_rerun_goes_on_behind_the_last_statement(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, wise, 2);
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_FAILED);
    assert_non_null(strstr(out.err.message, "revision b1: "));
    assert_non_null(strstr(out.err.message, "no such table: u"));
    assert_int_equal(out.err.line, 5);
    assert_string_equal(scene_rows(&s), "a1");
    assert_string_equal(scene_says(&s, "SELECT state || statement FROM migrate_log WHERE revision = 'b1' ORDER BY id"),
                        "statement1,started1,statement2");
    /* Progress of one that is not applied is no finding, and no reason to stop others. */
    assert_fine(scene_visit(&s, JOB_READ, "", &out), out);
    assert_int_equal(out.findings.n, 0);
    scene_says(&s, "CREATE TABLE u (x)");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_said(&s, "revision b1 goes on behind statement 2 of 4");
    assert_string_equal(scene_says(&s, "SELECT x FROM t ORDER BY x"), "1,3");
    assert_string_equal(scene_log(&s), "upgrade:a1,upgrade:b1");
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_int_equal(out.applied, 0);
    assert_int_equal(out.findings.n, 0);
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "a1", &out), out);
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM t"), "0");
    /* What was finished once does not count for the next time. */
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_string_equal(scene_says(&s, "SELECT x FROM t ORDER BY x"), "1,3");
    scene_end(&s);
}

static void a_changed_prefix_is_not_resumed(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built edited[2], fixed[2];
    memcpy(edited, wise, sizeof edited);
    memcpy(fixed, wise, sizeof fixed);
    edited[1].up_sql = "INSERT INTO t VALUES (10);\nVACUUM;\nINSERT INTO t VALUES (2);";
    fixed[1].up_sql = "INSERT INTO t VALUES (1);\nVACUUM;\nINSERT INTO t VALUES (2);";
    scene_begin(&s, wise, 2);
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    scene_carry(&s, edited, 2);
    assert_refused(scene_visit(&s, JOB_UPGRADE, "head", &out), out, FAULT_EDITED,
                   "revision b1: the first 2 statements ran here already and were changed since");
    assert_non_null(strstr(out.err.hint, "`migrate tenant repair`"));
    assert_string_equal(scene_says(&s, "SELECT x FROM t"), "1");
    assert_fine(scene_visit(&s, JOB_REPAIR, "", &out), out);
    assert_string_equal(strings_text(&s, &out.repaired),
                        "revision b1: accepted the changed text of its 2 finished statements");
    /* One that leaves the finished ones alone needs no repair: back to the first text, which is a change again. */
    scene_carry(&s, fixed, 2);
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_EDITED);
    scene_carry(&s, edited, 2);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_string_equal(scene_says(&s, "SELECT x FROM t ORDER BY x"), "1,2");
    scene_end(&s);
}

static void a_repair_forgets_no_finished_statement(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct built begun[2], edited[2];
    memcpy(begun, wise, sizeof begun);
    begun[1].up_sql = "INSERT INTO t VALUES (1);";
    begun[1].down_sql = "INSERT INTO t VALUES (9);\nDELETE FROM gone;";
    memcpy(edited, begun, sizeof edited);
    edited[1].up_sql = "INSERT INTO t VALUES (2);";
    scene_begin(&s, begun, 2);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_false(scene_visit(&s, JOB_DOWNGRADE, "a1", &out));
    assert_string_equal(scene_says(&s, "SELECT x FROM t ORDER BY x"), "1,9");
    scene_carry(&s, edited, 2);
    assert_fine(scene_visit(&s, JOB_REPAIR, "", &out), out);
    assert_int_equal(out.repaired.n, 1);
    scene_says(&s, "CREATE TABLE gone (x)");
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "a1", &out), out);
    assert_string_equal(scene_says(&s, "SELECT x FROM t ORDER BY x"), "1,9");
    scene_end(&s);
}

static void a_batch_runs_until_nothing_is_touched(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    static const struct built batch[] = {
        {.id = "a1",
         .up_sql =
             "CREATE TABLE t (x, y);\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25) INSERT INTO t SELECT i, NULL FROM n;",
         .down_sql = "DROP TABLE t;"},
        {.id = "b1",
         .down = "a1",
         .flags = SECTION_BATCH,
         .up_sql = "UPDATE t SET y = x WHERE rowid IN (SELECT rowid FROM t WHERE y IS NULL LIMIT 10);",
         .down_sql = "UPDATE t SET y = NULL WHERE rowid IN (SELECT rowid FROM t WHERE y IS NOT NULL LIMIT 10);"},
    };
    scene_begin(&s, batch, 2);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM t WHERE y = x"), "25");
    assert_string_equal(scene_log(&s), "upgrade:a1,upgrade:b1");
    assert_fine(scene_visit(&s, JOB_DOWNGRADE, "-1", &out), out);
    assert_string_equal(scene_says(&s, "SELECT count(*) FROM t WHERE y IS NULL"), "25");
    scene_end(&s);
}

/* ------------------------------------------------------------------------------------------------- waiting and stopping */

/* A process that holds the migration lock until it is killed. */
static pid_t lock_holder(struct scene *s)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (!pid) {
        int fd = open(s->file, O_RDONLY);
        if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_of(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void a_held_lock_is_waited_for(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    scene_begin(&s, v1, 3);
    assert_fine(scene_visit(&s, JOB_UPGRADE, "a1", &out), out);
    pid_t holder = lock_holder(&s);
    s.job.lock_wait_ms = 300;
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_BUSY);
    assert_string_equal(out.err.message, "another process migrates this database; waited 300 ms for its lock");
    assert_non_null(out.err.detail);
    assert_non_null(strstr(out.err.hint, "--lock-wait"));
    assert_true(out.duration_ms >= 300);
    /* Nothing to do needs no lock. */
    assert_fine(scene_visit(&s, JOB_UPGRADE, "a1", &out), out);
    s.job.lock_wait_ms = 20000;
    pid_t releaser = fork();
    if (!releaser) {
        usleep(400000);
        kill(holder, SIGKILL);
        _exit(0);
    }
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    assert_string_equal(scene_rows(&s), "c1");
    waitpid(releaser, NULL, 0);
    end_of(holder);
    scene_end(&s);
}

static void stop_at_b1(void *context, const struct place *where, const struct step *step, int64_t ms)
{
    (void)where;
    (void)ms;
    if (strcmp(step->revision->id, "b1") == 0)
        stop_wind_down(context, SIGTERM);
}

static void a_stop_leaves_a_clean_boundary(void **state)
{
    (void)state;
    struct scene s;
    struct outcome out = {0};
    struct stop stop;
    scene_begin(&s, v1, 3);
    assert_true(stop_init(&stop, &out.err));
    s.job.stop = &stop;
    struct observer observer = {.step_done = stop_at_b1, .context = &stop};
    assert_refused(visit(&s.a, &s.job, &s.place, &observer, &out), out, FAULT_STOPPED, "stopped before revision c1");
    assert_int_equal(out.applied, 2);
    assert_string_equal(scene_rows(&s), "b1");
    s.job.stop = NULL;
    s.job.deadline = clock_ms() - 1;
    assert_false(scene_visit(&s, JOB_UPGRADE, "head", &out));
    assert_int_equal(out.err.fault, FAULT_DEADLINE);
    s.job.deadline = 0;
    assert_fine(scene_visit(&s, JOB_UPGRADE, "head", &out), out);
    stop_free(&stop);
    scene_end(&s);
}

/* ----------------------------------------------------------------------------------------------------- crowds and kills */

enum { MANY = 25 };

static const struct built *many(struct arena *a)
{
    struct built *v = ARENA_ARRAY(a, struct built, MANY);
    for (int i = 0; i < MANY; i++)
        v[i] = (struct built){
            .id = arena_printf(a, "r%02d", i),
            .down = i ? arena_printf(a, "r%02d", i - 1) : "",
            .flags = i % 6 == 5 ? SECTION_NO_TRANSACTION : 0,
            .up_sql = arena_printf(a, "CREATE TABLE t%d (x);\nINSERT INTO t%d VALUES (%d);%s", i, i, i,
                                   i ? "\nINSERT INTO t0 VALUES (0);" : ""),
            .down_sql = arena_printf(a, "DROP TABLE t%d;", i),
        };
    return v;
}

/* Runs the visit in a process of its own, so that it can be killed; its exit status is 0 when all went well. */
static pid_t visitor(struct scene *s)
{
    pid_t pid = fork();
    if (!pid) {
        struct outcome out = {0};
        bool ok = visit(&s->a, &s->job, &s->place, NULL, &out);
        if (!ok)
            fprintf(stderr, "visitor: %s: %s\n", err_fault_name(out.err.fault), out.err.message);
        _exit(ok ? 0 : 1);
    }
    return pid;
}

static void check_each_once(struct scene *s)
{
    assert_string_equal(scene_rows(s), "r24");
    assert_string_equal(scene_says(s, "SELECT count(*) FROM migrate_log WHERE state = 'done'"), "25");
    assert_string_equal(scene_says(s, "SELECT count(DISTINCT revision) FROM migrate_log WHERE state = 'done'"), "25");
    assert_string_equal(scene_says(s, "SELECT count(*) FROM t0"), "25");
    assert_string_equal(scene_says(s, "PRAGMA integrity_check"), "ok");
}

static void twenty_processes_apply_everything_once(void **state)
{
    (void)state;
    struct scene s;
    pid_t pids[20];
    scene_begin(&s, v1, 3);
    scene_carry(&s, many(&s.a), MANY);
    for (size_t i = 0; i < N(pids); i++)
        pids[i] = visitor(&s);
    for (size_t i = 0; i < N(pids); i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    check_each_once(&s);
    scene_end(&s);
}

static void relative_steps_at_once_do_not_add_up(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s, v1, 3);
    scene_carry(&s, many(&s.a), MANY);
    s.job.target = STR("+3");
    for (int round = 1, before = 0; round <= 4; round++) {
        pid_t a = visitor(&s), b = visitor(&s);
        int x = -1, y = -1;
        waitpid(a, &x, 0);
        waitpid(b, &y, 0);
        assert_int_equal(x, 0);
        assert_int_equal(y, 0);
        /* Each goes three from where it looked first, however often it had to look again. */
        int now = (int)strtol(scene_says(&s, "SELECT count(*) FROM migrate_log WHERE state = 'done'"), NULL, 10);
        assert_in_range(now, before + 3, before + 6);
        before = now;
    }
    scene_end(&s);
}

static void kills_lose_nothing(void **state)
{
    (void)state;
    struct scene s;
    unsigned seed = 4711;
    for (int round = 0; round < 6; round++) {
        scene_begin(&s, v1, 3);
        scene_carry(&s, many(&s.a), MANY);
        int status = -1;
        for (int attempt = 0; attempt < 400; attempt++) {
            pid_t pid = visitor(&s);
            usleep((useconds_t)(rand_r(&seed) % 12000));
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                break;
            assert_true(WIFSIGNALED(status));
        }
        if (status != 0) {
            waitpid(visitor(&s), &status, 0);
            assert_int_equal(status, 0);
        }
        check_each_once(&s);
        scene_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_made_and_upgraded),
        cmocka_unit_test(nothing_pending_writes_nothing),
        cmocka_unit_test(steps_go_as_far_as_the_target),
        cmocka_unit_test(a_failing_body_leaves_what_was_before),
        cmocka_unit_test(together_is_all_or_nothing),
        cmocka_unit_test(an_irreversible_revision_is_not_downgraded),
        cmocka_unit_test(one_transaction_refuses_what_cannot_be_in_one),
        cmocka_unit_test(requirements_are_met_first),
        cmocka_unit_test(a_stream_is_not_taken_to_an_engine_it_is_not_for),
        cmocka_unit_test(a_missing_database_is_its_own_case),
        cmocka_unit_test(an_edited_revision_blocks_until_it_is_repaired),
        cmocka_unit_test(an_edited_revision_goes_down_and_up_again),
        cmocka_unit_test(a_cosmetic_edit_is_only_a_warning),
        cmocka_unit_test(a_spliced_revision_wants_a_stamp),
        cmocka_unit_test(what_alembic_made_is_taken_over_once),
        cmocka_unit_test(a_later_executables_database_is_ahead),
        cmocka_unit_test(unknown_rows_are_diverged_and_can_be_purged),
        cmocka_unit_test(a_stamp_writes_rows_and_says_so),
        cmocka_unit_test(ensure_version_makes_the_table_only),
        cmocka_unit_test(a_fleets_downgrade_spares_who_is_below),
        cmocka_unit_test(a_dry_run_is_a_plan),
        cmocka_unit_test(a_rerun_goes_on_behind_the_last_statement),
        cmocka_unit_test(a_changed_prefix_is_not_resumed),
        cmocka_unit_test(a_repair_forgets_no_finished_statement),
        cmocka_unit_test(a_batch_runs_until_nothing_is_touched),
        cmocka_unit_test(a_held_lock_is_waited_for),
        cmocka_unit_test(a_stop_leaves_a_clean_boundary),
        cmocka_unit_test(twenty_processes_apply_everything_once),
        cmocka_unit_test(relative_steps_at_once_do_not_add_up),
        cmocka_unit_test(kills_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
