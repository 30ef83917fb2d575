/* limit: 600 - SQLite, on real files: what is applied, what is refused, and that nothing is lost, whoever interferes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "db/db.h"

/* ------------------------------------------------------------------------------------------------ a database file */

static char folder[64], path[96];
static struct arena arena;
static struct err error;
static struct db *db;
static struct db_options options;

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/migrate-sqlite.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/app.db", folder);
    options = (struct db_options){.stream = "tenant",
                                  .tenant = "acme",
                                  .version_table = "alembic_version",
                                  .actor = "ada",
                                  .client_host = "host-1",
                                  .build_id = "0123456789abcdef",
                                  .deadline = DEADLINE_NEVER};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    db = NULL;
    err_free(&error);
    arena_free(&arena);
    char command[192];
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", folder, folder);
    return system(command);
}

static bool try_open_as(struct db **out, const char *name, bool create)
{
    struct address where = {.dialect = DIALECT_SQLITE, .path = name, .busy_timeout_ms = TIMEOUT_UNSET};
    struct db_options o = options;
    o.create = create;
    err_free(&error);
    return db_open(out, &where, &o, &error);
}

static void open_it(void)
{
    db_close(db);
    if (!try_open_as(&db, path, true))
        fail_msg("%s", error.message);
}

static void must(bool ok)
{
    BUF_AUTO text = {0};
    if (ok)
        return;
    err_format(&text, &error, NULL);
    fail_msg("%s", text.p);
}

static void fails(bool ok, enum fault fault, const char *message)
{
    assert_false(ok);
    assert_string_equal(error.message, message);
    assert_int_equal(error.fault, fault);
}

/* Runs SQL on a handle of its own, as an application would. */
static void raw(const char *sql)
{
    sqlite3 *handle;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

/* The first column of all rows, joined with ","; SQL NULL is "NULL". */
static const char *ask(const char *sql)
{
    BUF_AUTO out = {0};
    sqlite3 *handle;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        buf_addf(&out, "%s%s", out.n ? "," : "", text ? text : "NULL");
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return arena_str(&arena, buf_str(&out));
}

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static void write_file(const char *name, const char *text, size_t n)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, n, file), n);
    fclose(file);
}

static void no_leftovers(void)
{
    char command[160];
    snprintf(command, sizeof command, "ls -A %s | grep -v '^app.db$' >&2", folder);
    assert_int_not_equal(system(command), 0);
}

/* ------------------------------------------------------------------------------------------------ revisions */

/* One step: its statements, one after the other in a file that begins with two lines of header. */
static struct db_step *step_of(const char *id, const char *before, const char *after, unsigned flags, size_t n,
                               const char *const *statements)
{
    BUF_AUTO text = {0};
    struct revision *r = ARENA_NEW(&arena, struct revision);
    struct revision_section *section = ARENA_NEW(&arena, struct revision_section);
    struct revision_statement *list = ARENA_ARRAY(&arena, struct revision_statement, n);
    struct step *step = ARENA_NEW(&arena, struct step);
    struct row_change *change = ARENA_NEW(&arena, struct row_change);
    struct db_step *out = ARENA_NEW(&arena, struct db_step);
    struct log_entry *entry = ARENA_NEW(&arena, struct log_entry);

    buf_addf(&text, "-- Revision: %s\n-- migrate:up\n", id);
    *section = (struct revision_section){.dialects = DIALECT_BIT(DIALECT_SQLITE),
                                         .flags = flags,
                                         .line = 2,
                                         .offset = (uint32_t)text.n,
                                         .n_statements = (uint32_t)n,
                                         .statements = list};
    uint32_t line = 3;
    for (size_t i = 0; i < n; i++) {
        list[i] = (struct revision_statement){
            .offset = (uint32_t)text.n, .length = (uint32_t)strlen(statements[i]), .line = line};
        if (strncmp(statements[i], "VACUUM", 6) == 0 || strncmp(statements[i], "PRAGMA journal_mode", 19) == 0)
            list[i].flags = STATEMENT_NO_BLOCK;
        buf_addf(&text, "%s;\n", statements[i]);
        for (const char *p = statements[i]; *p; p++)
            line += *p == '\n';
        line++;
    }
    section->length = (uint32_t)text.n - section->offset;
    r->id = arena_strdup(&arena, id);
    r->path = arena_printf(&arena, "tenant/versions/%s.sql", id);
    r->length = (uint32_t)text.n;
    r->text = (const unsigned char *)arena_str(&arena, buf_str(&text));
    r->n_sections = 1;
    r->sections = section;

    step->kind = STEP_UPGRADE;
    step->revision = r;
    if (before)
        vec_push(&arena, &step->before, before);
    if (after)
        vec_push(&arena, &step->after, after);
    *change = (struct row_change){before && after ? ROW_UPDATE : after ? ROW_INSERT : ROW_DELETE, before, after};
    step->changes = change;
    step->n_changes = 1;

    *entry = (struct log_entry){.revision = r->id,
                                .parents = before ? before : "",
                                .depends = "",
                                .direction = "upgrade",
                                .message = "a message",
                                .checksum = "c1",
                                .checksum_version = 1,
                                .rows_after = after ? after : "",
                                .digest = "d1",
                                .state = "done",
                                .statement = -1};
    *out = (struct db_step){
        .step = step, .section = section, .entries = entry, .n_entries = 1, .lock_timeout_ms = 2000};
    return out;
}

#define STEP(id, before, after, flags, ...)                                                                            \
    step_of(id, before, after, flags, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                          \
            (const char *const[]){__VA_ARGS__})

static bool apply(const struct db_step *step)
{
    size_t done = 9;
    err_free(&error);
    bool ok = db_apply(db, step, 1, false, &done, &error);
    assert_int_equal(done, ok);
    return ok;
}

/* r1, applied: a parent with a child that goes with it. */
static void apply_base(void)
{
    open_it();
    must(
        apply(STEP("r1", NULL, "r1", 0, "CREATE TABLE parent (id integer PRIMARY KEY, name text)",
                   "CREATE TABLE child (id integer PRIMARY KEY, parent_id integer REFERENCES parent ON DELETE CASCADE)",
                   "INSERT INTO parent VALUES (1, 'a'), (2, 'b')", "INSERT INTO child VALUES (10, 1), (11, 2)")));
}

/* Whatever failed: r1 is all there is. */
static void only_base(void)
{
    assert_string_equal(ask("SELECT version_num FROM alembic_version"), "r1");
    assert_string_equal(ask("SELECT revision FROM migrate_log"), "r1");
    assert_string_equal(ask("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1"),
                        "alembic_version,child,migrate_log,parent");
    assert_string_equal(ask("SELECT name FROM parent ORDER BY id"), "a,b");
    assert_string_equal(ask("PRAGMA integrity_check"), "ok");
    no_leftovers();
}

static struct db_step *second(const char *sql)
{
    return STEP("r2", "r1", "r2", 0, sql);
}

/* ------------------------------------------------------------------------------------------------ other processes */

/* Runs `work` in a child that leaves without running our atexit handlers; its result is the exit status. */
static pid_t start(int (*work)(void *), void *context)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(work(context));
    return pid;
}

static int finish(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Another process that runs SQL on the file and keeps its connection until it is killed. */
static pid_t hold(const char *sql)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        sqlite3 *handle;
        close(ready[0]);
        if (sqlite3_open(path, &handle) != SQLITE_OK || sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
            fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(handle));
            _exit(1);
        }
        (void)!write(ready[1], "", 1);
        pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* As the kernel keeps it: 15 bytes. */
static const char *own_name(void)
{
    return arena_printf(&arena, "%.15s", program_invocation_short_name);
}

/* Root may write everything: what is to be refused is done by a user who may not. */
static int as_nobody(int (*work)(void *), void *context)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
            _exit(99);
        _exit(work(context));
    }
    return finish(pid);
}

/* ------------------------------------------------------------------------------------------------ opening */

static void a_missing_file_is_not_made(void **state)
{
    (void)state;
    fails(try_open_as(&db, path, false), FAULT_MISSING, arena_printf(&arena, "there is no database \"%s\"", path));
    options.read_only = true;
    fails(try_open_as(&db, path, false), FAULT_MISSING, arena_printf(&arena, "there is no database \"%s\"", path));
    assert_int_not_equal(access(path, F_OK), 0);
}

static void a_dry_run_reads_an_empty_database_in_place_of_a_missing_one(void **state)
{
    (void)state;
    struct db_state found = {0};
    options.read_only = true;
    must(try_open_as(&db, path, true));
    must(db_read_state(db, &arena, &found, &error));
    assert_false(found.has_version_table);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void a_file_is_made_where_its_folder_is(void **state)
{
    (void)state;
    open_it();
    assert_int_equal(access(path, F_OK), 0);
    const char *deep = arena_printf(&arena, "%s/none/app.db", folder);
    struct db *other = NULL;
    fails(try_open_as(&other, deep, true), FAULT_MISSING,
          arena_printf(&arena, "there is no folder \"%s/none\" for the database \"%s\"", folder, deep));
}

static void what_is_no_file(void **state)
{
    (void)state;
    fails(try_open_as(&db, folder, false), FAULT_FAILED,
          arena_printf(&arena, "\"%s\" is a folder, not a database file", folder));
    assert_int_equal(mkfifo(path, 0600), 0);
    fails(try_open_as(&db, path, false), FAULT_FAILED,
          arena_printf(&arena, "\"%s\" is a special file, not a database file", path));
}

static void an_empty_file_is_an_empty_database(void **state)
{
    (void)state;
    write_file(path, "", 0);
    struct db_state found;
    must(try_open_as(&db, path, false));
    must(db_read_state(db, &arena, &found, &error));
    assert_false(found.has_version_table);
    assert_false(found.has_log);
    assert_false(found.has_last);
    assert_int_equal(found.rows.n, 0);
}

static void what_is_no_database(void **state)
{
    (void)state;
    BUF_AUTO text = {0};
    buf_pad(&text, 'x', 4096);
    write_file(path, text.p, text.n);
    fails(try_open_as(&db, path, false), FAULT_FAILED,
          arena_printf(&arena, "cannot open the database \"%s\": the file is no SQLite database, or it is encrypted",
                       path));
    assert_string_equal(error.detail, arena_printf(&arena, "%s: file is not a database", path));
}

static void a_corrupt_database(void **state)
{
    (void)state;
    raw("CREATE TABLE t (a)");
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 100), 8);
    close(fd);
    fails(try_open_as(&db, path, false), FAULT_FAILED,
          arena_printf(&arena, "cannot open the database \"%s\": the database file is corrupt", path));
    assert_string_equal(error.hint,
                        "restore it from a backup; `sqlite3 FILE 'PRAGMA integrity_check'` says what is damaged");
}

static void a_page_in_the_middle_is_corrupt(void **state)
{
    (void)state;
    apply_base();
    raw("CREATE TABLE big (a); INSERT INTO big SELECT hex(randomblob(500)) FROM child, child, child, child, child, child");
    int fd = open(path, O_WRONLY);
    off_t size = lseek(fd, 0, SEEK_END);
    BUF_AUTO junk = {0};
    buf_pad(&junk, '\xff', 4096);
    for (off_t at = size - 4 * 4096; at < size; at += 4096)
        assert_int_equal(pwrite(fd, junk.p, 4096, at), 4096);
    close(fd);
    open_it();
    fails(apply(second("UPDATE big SET a = a || 'x'")), FAULT_FAILED, "the database file is corrupt");
    assert_int_equal(error.line, 3);
    assert_string_equal(ask("SELECT version_num FROM alembic_version"), "r1");
}

static void names_are_never_uris(void **state)
{
    (void)state;
    assert_int_equal(chdir(folder), 0);
    must(try_open_as(&db, "file:x?mode=memory", true));
    assert_int_equal(access("file:x?mode=memory", F_OK), 0);
    assert_int_equal(chdir("/"), 0);
}

static void in_memory(void **state)
{
    (void)state;
    bool is_free;
    BUF_AUTO holder = {0};
    must(try_open_as(&db, ":memory:", false));
    must(apply(STEP("r1", NULL, "r1", 0, "CREATE TABLE t (a)")));
    must(db_session_lock(db, &error));
    must(db_lock_free(db, &is_free, &holder, &error));
    assert_true(is_free);
    db_session_unlock(db);
}

static void schemas_are_for_postgresql(void **state)
{
    (void)state;
    options.schema = "acme";
    fails(try_open_as(&db, path, true), FAULT_CONFIG,
          arena_printf(&arena, "a SQLite database has no schemas: \"%s\" must be PostgreSQL", path));
}

/* ------------------------------------------------------------------------------------------------ applying */

static const char alembic_table[] =
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\tCONSTRAINT "
    "alembic_version_pkc PRIMARY KEY (version_num)\n)";

static void a_revision_is_applied_whole(void **state)
{
    (void)state;
    struct db_state found;
    struct log_list log;
    apply_base();
    assert_string_equal(ask("SELECT sql FROM sqlite_schema WHERE name = 'alembic_version'"), alembic_table);
    only_base();
    must(db_read_state(db, &arena, &found, &error));
    assert_true(found.has_version_table && found.has_log && found.has_last);
    assert_int_equal(found.rows.n, 1);
    assert_string_equal(found.rows.v[0], "r1");
    assert_string_equal(found.last.digest, "d1");
    must(db_read_log(db, &arena, "tenant", 0, &log, &error));
    assert_int_equal(log.n, 1);
    struct log_entry e = log.v[0];
    assert_int_equal(e.id, 1);
    assert_string_equal(e.stream, "tenant");
    assert_string_equal(e.revision, "r1");
    assert_string_equal(e.parents, "");
    assert_string_equal(e.direction, "upgrade");
    assert_string_equal(e.dialect, "sqlite");
    assert_string_equal(e.message, "a message");
    assert_string_equal(e.checksum, "c1");
    assert_null(e.section_checksum);
    assert_int_equal(e.checksum_version, 1);
    assert_string_equal(e.rows_after, "r1");
    assert_int_equal(strlen(e.started), strlen("2026-11-22T10:15:00.123Z"));
    assert_in_range(e.duration_ms, 0, 60000);
    assert_string_equal(e.build_id, "0123456789abcdef");
    assert_string_equal(e.db_role, "");
    assert_string_equal(e.client_host, "host-1");
    assert_string_equal(e.actor, "ada");
    assert_string_equal(e.state, "done");
    assert_int_equal(e.statement, -1);
}

static void another_version_table(void **state)
{
    (void)state;
    options.version_table = "Odd \"name\"";
    open_it();
    must(apply(STEP("r1", NULL, "r1", 0, "CREATE TABLE t (a)")));
    must(apply(STEP("r1", "r1", NULL, 0, "DROP TABLE t")));
    assert_string_equal(ask("SELECT count(*) FROM \"Odd \"\"name\"\"\""), "0");
    options.version_table = "order";
    open_it();
    must(apply(STEP("r1", NULL, "r1", 0, "CREATE TABLE t (a)")));
    assert_string_equal(ask("SELECT version_num FROM \"order\""), "r1");
}

static void a_database_of_alembic(void **state)
{
    (void)state;
    raw("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL); INSERT INTO alembic_version VALUES ('b2'), ('a1')");
    struct db_state found;
    open_it();
    must(db_read_state(db, &arena, &found, &error));
    assert_false(found.has_log);
    assert_int_equal(found.rows.n, 2);
    assert_string_equal(found.rows.v[0], "a1");
    struct db_step *step = STEP("c3", "a1", "c3", 0, "CREATE TABLE t (a)");
    struct step merge = *step->step;
    struct row_change changes[] = {{ROW_DELETE, "b2", NULL}, {ROW_UPDATE, "a1", "c3"}};
    vec_push(&arena, &merge.before, "b2");
    merge.changes = changes;
    merge.n_changes = 2;
    step->step = &merge;
    must(apply(step));
    assert_string_equal(ask("SELECT version_num FROM alembic_version"), "c3");
}

static void a_table_that_is_no_version_table(void **state)
{
    (void)state;
    raw("CREATE TABLE alembic_version (something text)");
    struct db_state found;
    open_it();
    fails(db_read_state(db, &arena, &found, &error), FAULT_FAILED,
          "cannot read the version table \"alembic_version\": no such column: version_num");
}

static void rows_that_changed_meanwhile(void **state)
{
    (void)state;
    apply_base();
    fails(apply(STEP("r1", NULL, "r1", 0, "CREATE TABLE t (a)")), FAULT_CHANGED,
          "the version rows are not those that this was planned from");
    assert_string_equal(error.detail, "planned from none, found r1");
    fails(apply(STEP("r3", "r2", "r3", 0, "CREATE TABLE t (a)")), FAULT_CHANGED,
          "the version rows are not those that this was planned from");
    assert_string_equal(error.detail, "planned from r2, found r1");
    only_base();
}

static void a_body_that_touches_the_version_rows(void **state)
{
    (void)state;
    apply_base();
    fails(apply(second("DELETE FROM alembic_version")), FAULT_FAILED,
          "expected to match one version row when writing \"r1\", found 0");
    fails(apply(second("DROP TABLE alembic_version")), FAULT_FAILED,
          "cannot write the version rows: no such table: main.alembic_version");
    only_base();
}

static void several_steps(void **state)
{
    (void)state;
    size_t done = 0;
    apply_base();
    struct db_step steps[] = {*second("CREATE TABLE t2 (a)"), *STEP("r3", "r2", "r3", 0, "CREATE TABLE t3 (a)"),
                              *STEP("r4", "r3", "r4", 0, "CREATE TABLE t2 (a)")};
    fails(db_apply(db, steps, 3, true, &done, &error), FAULT_FAILED, "table t2 already exists");
    assert_string_equal(error.path, "tenant/versions/r4.sql");
    assert_int_equal(done, 0);
    only_base();
    fails(db_apply(db, steps, 3, false, &done, &error), FAULT_FAILED, "table t2 already exists");
    assert_int_equal(done, 2);
    assert_string_equal(ask("SELECT version_num FROM alembic_version"), "r3");
    assert_string_equal(ask("SELECT revision FROM migrate_log ORDER BY id"), "r1,r2,r3");
}

static void all_steps_in_one_transaction(void **state)
{
    (void)state;
    size_t done = 0;
    open_it();
    struct db_step steps[] = {*STEP("r1", NULL, "r1", 0, "CREATE TABLE t1 (a)"), *second("CREATE TABLE t2 (a)")};
    must(db_apply(db, steps, 2, true, &done, &error));
    assert_int_equal(done, 2);
    assert_string_equal(ask("SELECT version_num FROM alembic_version"), "r2");
}

static void a_stamp_has_no_body(void **state)
{
    (void)state;
    apply_base();
    struct db_step *step = second("SELECT 1");
    step->section = NULL;
    struct step stamp = *step->step;
    stamp.revision = NULL;
    step->step = &stamp;
    must(apply(step));
    assert_string_equal(ask("SELECT version_num FROM alembic_version"), "r2");
}

static void errors_have_a_place(void **state)
{
    (void)state;
    apply_base();
    fails(apply(STEP("r2", "r1", "r2", 0, "CREATE TABLE t (a)",
                     "INSERT INTO t\n    SELECT 'm\xE1\xBA\xADt', nope FROM child")),
          FAULT_FAILED, "no such column: nope");
    assert_string_equal(error.path, "tenant/versions/r2.sql");
    assert_int_equal(error.line, 5);
    assert_int_equal(error.column, 19);
    assert_string_equal(error.source, "    SELECT 'm\xE1\xBA\xADt', nope FROM child;");
    only_base();
    fails(apply(STEP("r2", "r1", "r2", 0, "SELECT 1", "INSERT INTO parent VALUES (1, 'twice')")), FAULT_FAILED,
          "UNIQUE constraint failed: parent.id");
    assert_int_equal(error.line, 4);
    assert_int_equal(error.column, 1);
    fails(apply(second("CREATE TABL t (a)")), FAULT_FAILED, "near \"TABL\": syntax error");
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 8);
    only_base();
}

static void opaque_text_holds_several_statements(void **state)
{
    (void)state;
    apply_base();
    must(apply(STEP("r2", "r1", "r2", SECTION_OPAQUE,
                    "CREATE TABLE t (a); -- one\n INSERT INTO t VALUES (1);\n\nINSERT INTO t VALUES (2); -- end")));
    assert_string_equal(ask("SELECT a FROM t"), "1,2");
    fails(apply(STEP("r3", "r2", "r3", SECTION_OPAQUE,
                     "INSERT INTO t VALUES (3); /* four */ -- 4\n INSERT INTO u VALUES (4)")),
          FAULT_FAILED, "no such table: u");
    assert_int_equal(error.line, 4);
    assert_int_equal(error.column, 2);
    assert_string_equal(ask("SELECT a FROM t"), "1,2");
}

static void the_transaction_is_ours(void **state)
{
    (void)state;
    static const char *const ending[] = {"COMMIT", "ROLLBACK", "BEGIN", "END"};
    apply_base();
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        fails(apply(STEP("r2", "r1", "r2", 0, "CREATE TABLE t (a)", ending[i])), FAULT_POLICY,
              "the revision runs in a transaction of ours, which it may not begin or end itself");
        assert_int_equal(error.line, 4);
        only_base();
    }
    fails(apply(STEP("r2", "r1", "r2", 0, "CREATE TABLE t (a)", "INSERT OR ROLLBACK INTO parent VALUES (1, 'x')")),
          FAULT_FAILED, "UNIQUE constraint failed: parent.id");
    assert_string_equal(error.detail, "the statement rolled back the revision's transaction");
    only_base();
    fails(apply(STEP("r2", "r1", "r2", 0,
                     "CREATE TRIGGER g BEFORE INSERT ON parent BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
                     "INSERT INTO parent VALUES (3, 'x')")),
          FAULT_FAILED, "no");
    only_base();
    must(apply(STEP("r2", "r1", "r2", 0, "SAVEPOINT s", "CREATE TABLE t (a)", "RELEASE s")));
}

static void other_files_are_out_of_reach(void **state)
{
    (void)state;
    static const char *const reaching[] = {"ATTACH '/tmp/other.db' AS o", "ATTACH '/tmp/' || 'other.db' AS o",
                                           "VACUUM INTO '/tmp/other.db'"};
    apply_base();
    for (size_t i = 0; i < sizeof reaching / sizeof *reaching; i++)
        if (i < 2) {
            fails(apply(second(reaching[i])), FAULT_POLICY, "a revision works on its own database file only");
        } else {
            struct db_step *step = second(reaching[i]);
            fails(db_run_statement(db, step, 0, NULL, &error), FAULT_POLICY,
                  "a revision works on its own database file only");
        }
    fails(apply(second("SELECT load_extension('x')")), FAULT_FAILED, "not authorized");
    assert_int_not_equal(access("/tmp/other.db", F_OK), 0);
    only_base();
}

/* ------------------------------------------------------------------------------------------------ references */

static void a_rebuild_keeps_the_children(void **state)
{
    (void)state;
    apply_base();
    must(apply(STEP("r2", "r1", "r2", SECTION_FOREIGN_KEYS_OFF,
                    "CREATE TABLE parent_new (id integer PRIMARY KEY, name text NOT NULL)",
                    "INSERT INTO parent_new SELECT * FROM parent", "DROP TABLE parent",
                    "ALTER TABLE parent_new RENAME TO parent")));
    assert_string_equal(ask("SELECT parent_id FROM child ORDER BY id"), "1,2");
    /* And they are on again. */
    fails(apply(STEP("r3", "r2", "r3", 0, "INSERT INTO child VALUES (12, 99)")), FAULT_FAILED,
          "FOREIGN KEY constraint failed");
    must(apply(STEP("r3", "r2", "r3", 0, "DELETE FROM parent WHERE id = 1")));
    assert_string_equal(ask("SELECT parent_id FROM child ORDER BY id"), "2");
}

static void a_rebuild_that_loses_a_row(void **state)
{
    (void)state;
    apply_base();
    fails(apply(STEP("r2", "r1", "r2", SECTION_FOREIGN_KEYS_OFF,
                     "CREATE TABLE parent_new (id integer PRIMARY KEY, name text NOT NULL)",
                     "INSERT INTO parent_new SELECT * FROM parent WHERE id > 1", "DROP TABLE parent",
                     "ALTER TABLE parent_new RENAME TO parent")),
          FAULT_FAILED, "row 10 of table \"child\" refers to a row of \"parent\" that does not exist");
    assert_int_equal(error.line, 2);
    only_base();
}

static void references_that_dangled_before(void **state)
{
    (void)state;
    apply_base();
    raw("INSERT INTO child VALUES (12, 77); CREATE TABLE loose (k text PRIMARY KEY, parent_id REFERENCES parent) WITHOUT ROWID;"
        "INSERT INTO loose VALUES ('a', 88); CREATE TABLE rows (k text, parent_id REFERENCES parent); INSERT INTO rows VALUES ('b', 99), ('c', 1)");
    /* Rebuilding gives the rows of `rows` other numbers: that makes nothing new. */
    must(apply(STEP("r2", "r1", "r2", SECTION_FOREIGN_KEYS_OFF,
                    "CREATE TABLE rows_new (k text, parent_id REFERENCES parent)",
                    "INSERT INTO rows_new SELECT * FROM rows ORDER BY k DESC", "DROP TABLE rows",
                    "ALTER TABLE rows_new RENAME TO rows")));
    fails(apply(STEP("r3", "r2", "r3", SECTION_FOREIGN_KEYS_OFF, "INSERT INTO child VALUES (9, 76), (13, 78)")),
          FAULT_FAILED, "row 9 of table \"child\" refers to a row of \"parent\" that does not exist");
    assert_string_equal(error.detail, "the revision leaves 2 such rows");
    fails(apply(STEP("r3", "r2", "r3", SECTION_FOREIGN_KEYS_OFF, "INSERT INTO loose VALUES ('z', 76)")), FAULT_FAILED,
          "a row of table \"loose\" refers to a row of \"parent\" that does not exist");
    must(apply(STEP("r3", "r2", "r3", SECTION_FOREIGN_KEYS_OFF, "DELETE FROM child WHERE id = 12")));
}

static void references_that_fit_no_key(void **state)
{
    (void)state;
    apply_base();
    raw("CREATE TABLE old (name REFERENCES parent(name)); INSERT INTO old VALUES ('a')");
    must(apply(STEP("r2", "r1", "r2", SECTION_FOREIGN_KEYS_OFF, "CREATE TABLE t (a)")));
    fails(apply(STEP("r3", "r2", "r3", SECTION_FOREIGN_KEYS_OFF, "CREATE TABLE new (name REFERENCES parent(name))")),
          FAULT_FAILED, "a foreign key of table \"new\" fits no key of its parent");
}

static void deferred_references_fail_at_commit(void **state)
{
    (void)state;
    apply_base();
    fails(apply(STEP("r2", "r1", "r2", 0, "CREATE TABLE t (p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
                     "INSERT INTO t VALUES (50)")),
          FAULT_FAILED, "cannot commit: FOREIGN KEY constraint failed");
    assert_string_equal(error.detail, "row 1 of table \"t\" refers to a row of \"parent\" that does not exist");
    assert_string_equal(error.path, "tenant/versions/r2.sql");
    only_base();
}

/* ------------------------------------------------------------------------------------------------ migrate_setting() */

static void settings_have_values(void **state)
{
    (void)state;
    apply_base();
    must(apply(second(
        "UPDATE parent SET name = migrate_setting('tenant_id') || ' ' || migrate_setting('stream') || ' ' || migrate_setting('revision')")));
    assert_string_equal(ask("SELECT DISTINCT name FROM parent"), "acme tenant r2");
    fails(apply(STEP("r3", "r2", "r3", 0, "UPDATE parent SET name = migrate_setting('tenant')")), FAULT_FAILED,
          "migrate_setting('tenant') has no value here");
    options.tenant = NULL;
    open_it();
    fails(apply(STEP("r3", "r2", "r3", 0, "UPDATE parent SET name = migrate_setting('tenant_id')")), FAULT_FAILED,
          "migrate_setting('tenant_id') has no value here");
    db_switch(db, NULL, "other");
    must(apply(STEP("r3", "r2", "r3", 0, "UPDATE parent SET name = migrate_setting('tenant_id')")));
    assert_string_equal(ask("SELECT DISTINCT name FROM parent"), "other");
}

static void settings_stay_out_of_the_schema(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *message;
    } bad[] = {
        {"CREATE TRIGGER g AFTER INSERT ON parent BEGIN UPDATE parent SET name = Migrate_Setting('tenant_id'); END",
         "the trigger \"g\" calls migrate_setting()"},
        {"CREATE VIEW v AS SELECT migrate_setting('tenant_id')", "the view \"v\" calls migrate_setting()"},
        {"CREATE VIEW v AS SELECT \"migrate_setting\"('tenant_id')", "the view \"v\" calls migrate_setting()"},
        {"CREATE TABLE t (a DEFAULT (migrate_setting('tenant_id')))", "the table \"t\" calls migrate_setting()"},
        {"CREATE TABLE t (a CHECK (a <> migrate_setting('tenant_id')))", "the table \"t\" calls migrate_setting()"},
        {"ALTER TABLE parent ADD COLUMN x DEFAULT (migrate_setting('tenant_id'))", NULL},
        {"CREATE TABLE t (a, b AS (migrate_setting(a)))", NULL},
        {"CREATE INDEX i ON parent (migrate_setting(name))", NULL},
    };
    apply_base();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(apply(second(bad[i].sql)));
        if (bad[i].message) {
            assert_string_equal(error.message, bad[i].message);
            assert_string_equal(error.hint,
                                "use the value in a statement of the revision, or put it into a row of a table");
        }
        only_base();
    }
    must(apply(
        STEP("r2", "r1", "r2", 0,
             "CREATE VIEW v AS SELECT 'migrate_setting' AS a /* not migrate_setting() */ -- nor migrate_setting")));
}

static void settings_that_were_there_before(void **state)
{
    (void)state;
    apply_base();
    raw("CREATE VIEW v AS SELECT migrate_setting('x') AS a");
    must(apply(second("CREATE TABLE t (a)")));
    fails(apply(STEP("r3", "r2", "r3", 0, "CREATE VIEW w AS SELECT migrate_setting('x') AS a")), FAULT_FAILED,
          "the view \"w\" calls migrate_setting()");
}

/* ------------------------------------------------------------------------------------------------ locks */

static void a_writer_is_in_the_way(void **state)
{
    (void)state;
    bool is_free = true;
    BUF_AUTO holder = {0};
    apply_base();
    pid_t pid = hold("BEGIN IMMEDIATE");
    int64_t before = clock_ms();
    fails(apply(second("CREATE TABLE t (a)")), FAULT_BUSY, "cannot begin: another connection has locked the database");
    assert_in_range(clock_ms() - before, 0, 500);
    must(db_lock_free(db, &is_free, &holder, &error));
    assert_false(is_free);
    assert_string_equal(holder.p, arena_printf(&arena, "process %d (%s)", pid, own_name()));
    end(pid);
    must(db_lock_free(db, &is_free, &holder, &error));
    assert_true(is_free);
    must(apply(second("CREATE TABLE t (a)")));
}

static void a_writer_of_a_wal_database(void **state)
{
    (void)state;
    bool is_free = true;
    BUF_AUTO holder = {0};
    apply_base();
    raw("PRAGMA journal_mode = WAL");
    open_it();
    pid_t pid = hold("BEGIN IMMEDIATE");
    fails(apply(second("CREATE TABLE t (a)")), FAULT_BUSY, "cannot begin: another connection has locked the database");
    must(db_lock_free(db, &is_free, &holder, &error));
    assert_false(is_free);
    assert_string_equal(holder.p, arena_printf(&arena, "process %d (%s)", pid, own_name()));
    end(pid);
    must(apply(second("CREATE TABLE t (a)")));
}

static void a_reader_is_waited_for(void **state)
{
    (void)state;
    apply_base();
    pid_t pid = hold("BEGIN; SELECT * FROM parent");
    struct db_step *step = second("CREATE TABLE t (a)");
    step->lock_timeout_ms = 300;
    int64_t before = clock_ms();
    fails(apply(step), FAULT_BUSY, "cannot commit: another connection has locked the database");
    assert_in_range(clock_ms() - before, 250, 2000);
    end(pid);
    only_base();
    must(apply(step));
}

static void waiting_heeds_the_deadline(void **state)
{
    (void)state;
    apply_base();
    pid_t pid = hold("BEGIN; SELECT * FROM parent");
    options.deadline = clock_deadline(200);
    open_it();
    struct db_step *step = second("CREATE TABLE t (a)");
    step->lock_timeout_ms = 0;
    fails(apply(step), FAULT_DEADLINE, "the run's deadline passed");
    fails(apply(step), FAULT_DEADLINE, "the run's deadline passed");
    end(pid);
    only_base();
}

static int take_session(void *context)
{
    (void)context;
    struct db *mine;
    if (!try_open_as(&mine, path, false))
        return 1;
    bool ok = db_session_lock(mine, &error);
    int code = ok ? 0 : error.fault == FAULT_BUSY ? 2 : 1;
    db_close(mine);
    return code;
}

static int apply_second(void *context)
{
    (void)context;
    size_t done = 0;
    struct db *mine;
    if (!try_open_as(&mine, path, false))
        return 1;
    bool ok = db_apply(mine, second("CREATE TABLE t (a)"), 1, false, &done, &error);
    db_close(mine);
    return ok ? 0 : error.fault == FAULT_BUSY ? 2 : 1;
}

static void a_session_lock_keeps_migrators_out(void **state)
{
    (void)state;
    apply_base();
    must(db_session_lock(db, &error));
    assert_int_equal(finish(start(take_session, NULL)), 2);
    assert_int_equal(finish(start(apply_second, NULL)), 2);
    /* Also those of this process. */
    struct db *other = NULL;
    size_t done = 0;
    bool is_free = true;
    BUF_AUTO holder = {0};
    must(try_open_as(&other, path, false));
    fails(db_session_lock(other, &error), FAULT_BUSY, "another migrator works on this database");
    fails(db_apply(other, second("CREATE TABLE t (a)"), 1, false, &done, &error), FAULT_BUSY,
          "another migrator works on this database");
    must(db_lock_free(other, &is_free, &holder, &error));
    assert_false(is_free);
    assert_string_equal(holder.p, "this process");
    db_close(other);
    /* But not its holder, nor the application. */
    raw("INSERT INTO parent VALUES (3, 'c')");
    must(apply(STEP("r2", "r1", "r2", 0, "CREATE TABLE u (a)")));
    assert_int_equal(finish(start(take_session, NULL)), 2);
    db_session_unlock(db);
    assert_int_equal(finish(start(take_session, NULL)), 0);
}

static int hold_session(void *context)
{
    struct db *mine;
    if (!try_open_as(&mine, path, false) || !db_session_lock(mine, &error))
        exit(1);
    (void)!write(*(int *)context, "", 1);
    pause();
    return 1;
}

static void a_session_lock_goes_with_its_process(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    bool is_free = true;
    BUF_AUTO holder = {0};
    apply_base();
    db_close(db);
    db = NULL;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = start(hold_session, &ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    open_it();
    fails(apply(second("CREATE TABLE t (a)")), FAULT_BUSY, "another migrator works on this database");
    assert_string_equal(error.detail,
                        arena_printf(&arena, "\"%s\" is locked by process %d (%s)", path, pid, own_name()));
    must(db_lock_free(db, &is_free, &holder, &error));
    assert_false(is_free);
    end(pid);
    must(apply(second("CREATE TABLE t (a)")));
    close(ready[0]);
    close(ready[1]);
}

/* A statement that counts until it is interrupted. */
#define ENDLESS                                                                                                        \
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) INSERT INTO parent SELECT x, 'x' FROM c WHERE x < 0"

static void *apply_endless(void *context)
{
    struct db_step *step = context;
    struct err e = {0};
    size_t done = 0;
    (void)db_apply(db, step, 1, false, &done, &e);
    err_free(&e);
    return NULL;
}

/* A program of its own: a fork while another thread is inside SQLite would inherit its mutexes, held for ever. */
static bool another_process_may_write(void)
{
    return system(arena_printf(&arena, "sqlite3 -batch -bail '%s' 'BEGIN IMMEDIATE; ROLLBACK' 2>/dev/null", path)) == 0;
}

/* Closing any descriptor of a file drops the process's fcntl() locks on it: ours must not. */
static void closing_one_handle_frees_no_other(void **state)
{
    (void)state;
    apply_base();
    struct db_step *step = second(ENDLESS);
    step->statement_timeout_ms = 1500;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, apply_endless, step), 0);
    usleep(300000);
    struct db *other = NULL;
    size_t done = 0;
    must(try_open_as(&other, path, false));
    fails(db_apply(other, second("CREATE TABLE t (a)"), 1, false, &done, &error), FAULT_BUSY,
          "another migrator works on this database");
    db_close(other);
    assert_false(another_process_may_write());
    pthread_join(thread, NULL);
    assert_true(another_process_may_write());
    only_base();
}

/* ------------------------------------------------------------------------------------------------ limits of time */

static void a_statement_has_its_time(void **state)
{
    (void)state;
    apply_base();
    struct db_step *step = second(ENDLESS);
    step->statement_timeout_ms = 200;
    fails(apply(step), FAULT_FAILED, "the statement ran longer than its statement_timeout of 200 ms");
    assert_int_equal(error.line, 3);
    only_base();
}

static void a_run_has_its_time(void **state)
{
    (void)state;
    apply_base();
    options.deadline = clock_deadline(200);
    open_it();
    fails(apply(second(ENDLESS)), FAULT_DEADLINE, "the run's deadline passed");
    only_base();
}

static void *cancel_soon(void *context)
{
    usleep(200000);
    stop_cancel(context);
    return NULL;
}

static void a_run_can_be_stopped(void **state)
{
    (void)state;
    struct stop stop;
    size_t done = 0;
    pthread_t thread;
    apply_base();
    must(stop_init(&stop, &error));
    options.stop = &stop;
    open_it();
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &stop), 0);
    struct db_step steps[] = {*second("CREATE TABLE t (a)"), *STEP("r3", "r2", "r3", 0, ENDLESS)};
    fails(db_apply(db, steps, 2, false, &done, &error), FAULT_STOPPED, "stopped on request");
    assert_int_equal(done, 1);
    pthread_join(thread, NULL);
    fails(apply(STEP("r3", "r2", "r3", 0, "SELECT 1")), FAULT_STOPPED, "stopped on request");
    assert_string_equal(ask("SELECT version_num FROM alembic_version"), "r2");
    stop_free(&stop);
}

static void no_new_revision_while_winding_down(void **state)
{
    (void)state;
    struct stop stop;
    apply_base();
    must(stop_init(&stop, &error));
    options.stop = &stop;
    open_it();
    stop_wind_down(&stop, SIGTERM);
    fails(apply(second("CREATE TABLE t (a)")), FAULT_STOPPED, "stopped on request");
    stop_free(&stop);
    only_base();
}

/* ------------------------------------------------------------------------------------------------ storage that fails */

static void a_full_disk(void **state)
{
    (void)state;
    apply_base();
    fails(apply(STEP("r2", "r1", "r2", 0, "CREATE TABLE t (a)", "PRAGMA max_page_count = 20",
                     "INSERT INTO t VALUES (zeroblob(1000000))")),
          FAULT_FAILED, "the disk is full, or the database has reached its largest size");
    assert_int_equal(error.line, 5);
    only_base();
}

/* A write that fails half way, as on a disk with a fault. */
static int meets_a_limit(void *context)
{
    (void)context;
    struct rlimit limit = {200000, 200000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || !try_open_as(&db, path, false))
        return 1;
    bool ok = apply(second("CREATE TABLE t AS SELECT zeroblob(1000000) AS a"));
    bool as_expected = !ok && error.fault == FAULT_FAILED &&
                       strcmp(error.message, "cannot commit: disk I/O error") == 0 &&
                       strstr(error.detail, "(SQLite's code 778)");
    if (!as_expected)
        fprintf(stderr, "%s: %s\n", error.message, error.detail ? error.detail : "");
    db_close(db);
    return !as_expected;
}

static void a_disk_with_a_fault(void **state)
{
    (void)state;
    apply_base();
    db_close(db);
    db = NULL;
    assert_int_equal(finish(start(meets_a_limit, NULL)), 0);
    only_base();
}

static int reads_only(void *context)
{
    const char *expected = context;
    struct db_state found;
    if (!try_open_as(&db, path, false) || !db_read_state(db, &arena, &found, &error) || found.rows.n != 1) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    if (apply(second("CREATE TABLE t (a)")) || strcmp(error.message, expected) != 0 || error.fault != FAULT_FAILED) {
        fprintf(stderr, "%s\n", error.message ? error.message : "applied");
        return 2;
    }
    if (!error.detail || !strstr(error.detail, ": Permission denied")) {
        fprintf(stderr, "%s\n", error.detail ? error.detail : "no detail");
        return 3;
    }
    db_close(db);
    return 0;
}

static void a_read_only_file(void **state)
{
    (void)state;
    apply_base();
    db_close(db);
    db = NULL;
    chmod(folder, 0777);
    chmod(path, 0444);
    assert_int_equal(as_nobody(reads_only, arena_printf(&arena, "the database \"%s\" is read-only", path)), 0);
    only_base();
}

static void a_read_only_folder(void **state)
{
    (void)state;
    apply_base();
    db_close(db);
    db = NULL;
    chmod(path, 0666);
    chmod(folder, 0555);
    assert_int_equal(
        as_nobody(reads_only, arena_printf(&arena, "the folder of the database \"%s\" is read-only", path)), 0);
    only_base();
}

static int refused_to_open(void *context)
{
    if (try_open_as(&db, path, false) || strcmp(error.message, context) != 0) {
        fprintf(stderr, "%s\n", error.message ? error.message : "opened");
        return 1;
    }
    return 0;
}

static void a_file_of_somebody_else(void **state)
{
    (void)state;
    apply_base();
    db_close(db);
    db = NULL;
    chmod(folder, 0755);
    chmod(path, 0000);
    assert_int_equal(
        as_nobody(refused_to_open, arena_printf(&arena, "cannot read the database \"%s\": Permission denied", path)),
        0);
    chmod(path, 0644);
    chmod(folder, 0700);
    if (geteuid() == 0)
        assert_int_equal(as_nobody(refused_to_open,
                                   arena_printf(&arena, "cannot open the database \"%s\": Permission denied", path)),
                         0);
}

static int reads_wal(void *context)
{
    (void)context;
    struct db_state found;
    options.read_only = true;
    bool ok = try_open_as(&db, path, false) && db_read_state(db, &arena, &found, &error) && found.rows.n == 1;
    if (!ok)
        fprintf(stderr, "%s\n", error.message);
    db_close(db);
    return !ok;
}

static void a_wal_database_is_read(void **state)
{
    (void)state;
    apply_base();
    db_close(db);
    db = NULL;
    raw("PRAGMA journal_mode = WAL");
    assert_int_equal(reads_wal(NULL), 0);
    db = NULL;
    no_leftovers();
    /* On a medium that cannot be written. */
    chmod(path, 0444);
    chmod(folder, 0555);
    assert_int_equal(as_nobody(reads_wal, NULL), 0);
    /* Beside a writer whose last commit is in the -wal file only. */
    chmod(folder, 0755);
    chmod(path, 0644);
    pid_t pid = hold("INSERT INTO parent VALUES (3, 'c')");
    assert_int_equal(reads_wal(NULL), 0);
    db = NULL;
    end(pid);
    options.read_only = false;
    open_it();
    must(apply(second("CREATE TABLE t (a)")));
    assert_string_equal(ask("SELECT count(*) FROM parent"), "3");
}

/* A journal that a killed writer left, in the middle of a commit. */
static void leave_journal(void)
{
    BUF_AUTO command = {0};
    raw("CREATE TABLE big (a); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000) INSERT INTO big SELECT hex(randomblob(200)) FROM c");
    pid_t pid = hold("PRAGMA cache_size = 5; BEGIN; UPDATE big SET a = 'lost'; UPDATE parent SET name = 'lost'");
    buf_addf(&command, "cp %s %s.copy; cp %s-journal %s.copy-journal; kill -9 %d", path, path, path, path, pid);
    assert_int_equal(system(command.p), 0);
    waitpid(pid, NULL, 0);
    buf_reset(&command);
    buf_addf(&command, "mv %s.copy %s; mv %s.copy-journal %s-journal", path, path, path, path);
    assert_int_equal(system(command.p), 0);
}

static void a_journal_of_a_killed_writer(void **state)
{
    (void)state;
    struct db_state found;
    apply_base();
    db_close(db);
    db = NULL;
    leave_journal();
    options.read_only = true;
    must(try_open_as(&db, path, false));
    must(db_read_state(db, &arena, &found, &error));
    assert_int_equal(found.rows.n, 1);
    fails(apply(second("CREATE TABLE t (a)")), FAULT_POLICY,
          arena_printf(&arena, "the database \"%s\" was opened for reading only", path));
    assert_string_equal(ask("SELECT count(*) FROM big WHERE a = 'lost'"), "0");
    assert_string_equal(ask("SELECT name FROM parent ORDER BY id"), "a,b");
    no_leftovers();
}

/* ------------------------------------------------------------------------------------------------ exactly once */

enum { CHAIN = 12 };

/* r1 to rCHAIN: each makes a table and counts itself; some of them are large enough to spill. */
static struct db_step *chain(void)
{
    struct db_step *steps = ARENA_ARRAY(&arena, struct db_step, CHAIN);
    const char *before = NULL;
    for (int i = 0; i < CHAIN; i++) {
        const char *id = arena_printf(&arena, "r%02d", i + 1);
        steps[i] = *STEP(id, before, id, 0, arena_printf(&arena, "CREATE TABLE t%d (a)", i),
                         "CREATE TABLE IF NOT EXISTS count (id)",
                         arena_printf(&arena, "INSERT INTO count VALUES ('%s')", id), "PRAGMA cache_size = 10",
                         arena_printf(&arena,
                                      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500) "
                                      "INSERT INTO t%d SELECT hex(randomblob(100)) FROM c",
                                      i));
        before = id;
    }
    return steps;
}

/* What the run layer does, in short: read, apply the rest, again when somebody else was first. */
static int migrate(void *context)
{
    struct db_step *steps = chain();
    (void)context;
    for (int attempt = 0; attempt < 5000; attempt++) {
        struct db *mine = NULL;
        struct db_state found;
        size_t done = 0;
        bool ok = try_open_as(&mine, path, true) && db_read_state(mine, &arena, &found, &error);
        size_t at = ok && found.rows.n ? (size_t)number(found.rows.v[0] + 1) : 0;
        ok = ok && db_apply(mine, steps + at, CHAIN - at, false, &done, &error);
        db_close(mine);
        if (ok)
            return 0;
        if (!err_retryable(error.fault)) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        usleep((useconds_t)clock_jitter(20) * 1000);
    }
    return 2;
}

static void each_revision_once(size_t least)
{
    const char *n = ask("SELECT count(*) FROM count");
    assert_true((size_t)number(n) >= least);
    assert_string_equal(ask("SELECT count(DISTINCT id) FROM count"), n);
    assert_string_equal(ask("SELECT count(*) FROM migrate_log"), n);
    assert_string_equal(ask("SELECT count(DISTINCT revision) FROM migrate_log"), n);
    assert_string_equal(ask("SELECT count(*) FROM sqlite_schema WHERE name GLOB 't[0-9]*'"), n);
    assert_int_equal(number(ask("SELECT substr(version_num, 2) FROM alembic_version")), number(n));
    assert_string_equal(ask("PRAGMA integrity_check"), "ok");
}

static void killed_at_any_moment(void **state)
{
    (void)state;
    int kills = 0;
    for (int round = 0; round < 12; round++) {
        unlink(path);
        for (int attempt = 0;; attempt++) {
            pid_t pid = start(migrate, NULL);
            usleep((useconds_t)(500 + 700 * attempt + clock_jitter(8) * 1000));
            kill(pid, SIGKILL);
            int status = finish(pid);
            if (status == 0)
                break;
            assert_int_equal(status, 128 + SIGKILL);
            kills++;
            struct db_state found;
            must(try_open_as(&db, path, true));
            must(db_read_state(db, &arena, &found, &error));
            if (found.rows.n)
                each_revision_once(1);
            db_close(db);
            db = NULL;
        }
        each_revision_once(CHAIN);
        no_leftovers();
    }
    assert_true(kills > 0);
}

static void many_at_once(void **state)
{
    enum { PROCESSES = 20 };
    (void)state;
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = start(migrate, NULL);
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(finish(pids[i]), 0);
    each_revision_once(CHAIN);
    no_leftovers();
}

struct own {
    const char *path;
    const struct db_step *steps;
    bool ok;
};

static void *migrate_own(void *context)
{
    struct own *own = context;
    struct address where = {.dialect = DIALECT_SQLITE, .path = own->path, .busy_timeout_ms = TIMEOUT_UNSET};
    struct err e = {0};
    struct db *mine = NULL;
    struct db_options o = options;
    size_t done = 0;
    o.create = true;
    own->ok = db_open(&mine, &where, &o, &e) && db_apply(mine, own->steps, CHAIN, false, &done, &e);
    db_close(mine);
    err_free(&e);
    return NULL;
}

static void threads_work_on_files_of_their_own(void **state)
{
    enum { THREADS = 8 };
    (void)state;
    pthread_t threads[THREADS];
    struct own own[THREADS];
    const struct db_step *steps = chain();
    for (int i = 0; i < THREADS; i++)
        own[i] = (struct own){.path = arena_printf(&arena, "%s/%d.db", folder, i), .steps = steps};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_own, &own[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(own[i].ok);
    }
}

/* ------------------------------------------------------------------------------------------------ statement by statement */

static struct log_entry progress_entry(int64_t statement)
{
    return (struct log_entry){.revision = "r2",
                              .direction = "upgrade",
                              .state = "statement",
                              .statement = statement,
                              .prefix_checksum = "ab"};
}

static void statements_commit_with_their_progress(void **state)
{
    (void)state;
    struct log_list log;
    apply_base();
    must(db_session_lock(db, &error));
    struct db_step *step = STEP("r2", "r1", "r2", SECTION_NO_TRANSACTION, "CREATE TABLE t (a)", "VACUUM",
                                "PRAGMA journal_mode = WAL", "INSERT INTO nope VALUES (1)");
    struct log_entry one = progress_entry(1);
    must(db_run_statement(db, step, 0, &one, &error));
    must(db_run_statement(db, step, 1, NULL, &error));
    must(db_run_statement(db, step, 2, NULL, &error));
    struct log_entry two = progress_entry(2);
    must(db_append_log(db, &two, 1, &error));
    fails(db_run_statement(db, step, 3, &two, &error), FAULT_FAILED, "no such table: nope");
    assert_int_equal(error.line, 6);
    db_session_unlock(db);
    must(db_read_log(db, &arena, "tenant", 2, &log, &error));
    assert_int_equal(log.n, 2);
    assert_int_equal(log.v[0].statement, 1);
    assert_int_equal(log.v[1].statement, 2);
    assert_string_equal(log.v[1].state, "statement");
    assert_string_equal(ask("PRAGMA journal_mode"), "wal");
}

static void the_application_is_in_the_way(void **state)
{
    (void)state;
    apply_base();
    pid_t pid = hold("BEGIN IMMEDIATE");
    struct db_step *step = STEP("r2", "r1", "r2", SECTION_NO_TRANSACTION, "CREATE TABLE t (a)", "VACUUM");
    step->lock_timeout_ms = 100;
    fails(db_run_statement(db, step, 0, NULL, &error), FAULT_LOCK,
          "cannot begin: another connection has locked the database");
    fails(db_run_statement(db, step, 1, NULL, &error), FAULT_LOCK, "another connection has locked the database");
    end(pid);
    must(db_run_statement(db, step, 0, NULL, &error));
}

static void a_batch_ends_when_it_touches_nothing(void **state)
{
    (void)state;
    int64_t touched;
    apply_base();
    raw("CREATE TABLE b (id integer PRIMARY KEY, done int); INSERT INTO b (done) VALUES (0), (0), (0), (0), (0);"
        "CREATE TRIGGER g AFTER UPDATE ON b BEGIN INSERT INTO parent (name) VALUES ('from a trigger'); END");
    struct db_step *step = STEP("r2", "r1", "r2", SECTION_BATCH,
                                "UPDATE b SET done = 1 WHERE id IN (SELECT id FROM b WHERE done = 0 LIMIT 2)");
    struct log_entry progress = progress_entry(0);
    static const int64_t expected[] = {2, 2, 1, 0};
    progress.state = "batch";
    must(db_append_log(db, &progress, 1, &error));
    for (size_t i = 0; i < 4; i++) {
        progress.message = arena_printf(&arena, "%zu batches", i);
        must(db_run_batch(db, step, &progress, &touched, &error));
        assert_int_equal(touched, expected[i]);
    }
    assert_string_equal(ask("SELECT count(*) FROM migrate_log"), "2");
    assert_string_equal(ask("SELECT message FROM migrate_log ORDER BY id DESC LIMIT 1"), "3 batches");
}

static void small_things(void **state)
{
    (void)state;
    enum index_state found;
    struct strings names;
    open_it();
    must(db_ensure_version(db, &error));
    must(db_ensure_version(db, &error));
    assert_string_equal(ask("SELECT sql FROM sqlite_schema WHERE sql NOT NULL"), alembic_table);
    must(apply(STEP("r1", NULL, "r1", 0, "CREATE TABLE t (a)", "CREATE INDEX i ON t (a)")));
    must(db_index_state(db, NULL, "i", NULL, &found, &error));
    assert_int_equal(found, INDEX_VALID);
    must(db_index_state(db, NULL, "i", "t", &found, &error));
    assert_int_equal(found, INDEX_VALID);
    must(db_index_state(db, NULL, "i", "u", &found, &error));
    assert_int_equal(found, INDEX_ABSENT);
    must(db_drop_index(db, NULL, "i", &error));
    must(db_drop_index(db, NULL, "i", &error));
    must(db_index_state(db, NULL, "i", NULL, &found, &error));
    assert_int_equal(found, INDEX_ABSENT);
    must(db_invalid_indexes(db, &arena, &names, &error));
    assert_int_equal(names.n, 0);
    assert_int_equal(db_dialect(db), DIALECT_SQLITE);
}

/* ------------------------------------------------------------------------------------------------ other executables' logs */

static void the_log_of_an_older_executable(void **state)
{
    (void)state;
    struct log_list log;
    apply_base();
    raw("ALTER TABLE migrate_log DROP COLUMN prefix_checksum; ALTER TABLE migrate_log DROP COLUMN digest; ALTER TABLE migrate_log DROP COLUMN statement");
    open_it();
    must(db_read_log(db, &arena, NULL, 0, &log, &error));
    assert_int_equal(log.n, 1);
    assert_null(log.v[0].digest);
    assert_int_equal(log.v[0].statement, -1);
    must(apply(second("CREATE TABLE t (a)")));
    assert_string_equal(ask("SELECT digest FROM migrate_log ORDER BY id"), "NULL,d1");
}

static void the_log_of_a_newer_executable(void **state)
{
    (void)state;
    struct log_list log;
    apply_base();
    raw("ALTER TABLE migrate_log ADD COLUMN mood text; UPDATE migrate_log SET mood = 'good'");
    must(apply(second("CREATE TABLE t (a)")));
    must(db_read_log(db, &arena, "tenant", 0, &log, &error));
    assert_int_equal(log.n, 2);
    assert_string_equal(ask("SELECT mood FROM migrate_log ORDER BY id"), "good,NULL");
}

static void streams_share_a_log(void **state)
{
    (void)state;
    struct log_list log;
    struct db_state found;
    apply_base();
    options.stream = "shared";
    options.version_table = "shared_version";
    open_it();
    must(db_read_state(db, &arena, &found, &error));
    assert_true(found.has_log);
    assert_false(found.has_last || found.has_version_table);
    must(apply(STEP("s1", NULL, "s1", 0, "CREATE TABLE s (a)")));
    must(db_read_log(db, &arena, "shared", 0, &log, &error));
    assert_int_equal(log.n, 1);
    must(db_read_log(db, &arena, NULL, 0, &log, &error));
    assert_int_equal(log.n, 2);
    must(db_read_log(db, &arena, NULL, 1, &log, &error));
    assert_int_equal(log.n, 1);
    assert_string_equal(log.v[0].revision, "s1");
}

/* ------------------------------------------------------------------------------------------------ queries */

static bool collect(void *context, const struct db_row *row, struct err *e)
{
    struct buf *out = context;
    for (size_t i = 0; i < row->n; i++) {
        if (row->values[i] && strcmp(row->values[i], "stop") == 0)
            return err_set(e, FAULT_USAGE, "enough");
        buf_addf(out, "%s=%s ", row->names[i], row->values[i] ? row->values[i] : "NULL");
    }
    return true;
}

static void queries(void **state)
{
    (void)state;
    BUF_AUTO out = {0};
    apply_base();
    must(db_query(db, "SELECT id AS tenant_id, NULL AS database_url, x'41' AS b FROM parent ORDER BY id; ", collect,
                  &out, &error));
    assert_string_equal(out.p, "tenant_id=1 database_url=NULL b=A tenant_id=2 database_url=NULL b=A ");
    buf_reset(&out);
    must(db_query(
        db, "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 3) SELECT max(x) AS m FROM c",
        collect, &out, &error));
    assert_string_equal(out.p, "m=3 ");
    buf_reset(&out);
    must(db_query(db, "SELECT name FROM pragma_table_info('parent')", collect, &out, &error));
    assert_string_equal(out.p, "name=id name=name ");
    fails(db_query(db, "SELECT 'stop' AS a", collect, &out, &error), FAULT_USAGE, "enough");
    fails(db_query(db, "SELECT * FROM tenants", collect, &out, &error), FAULT_FAILED, "no such table: tenants");
}

static void queries_only_read(void **state)
{
    (void)state;
    static const char *const writing[] = {"DELETE FROM parent",
                                          "DELETE FROM parent RETURNING id",
                                          "CREATE TABLE t (a)",
                                          "PRAGMA journal_mode = WAL",
                                          "PRAGMA user_version = 5",
                                          "PRAGMA wal_checkpoint",
                                          "ATTACH '/tmp/x.db' AS x",
                                          "BEGIN IMMEDIATE",
                                          "VACUUM",
                                          "SAVEPOINT s",
                                          "PRAGMA writable_schema = 1"};
    BUF_AUTO out = {0};
    apply_base();
    for (size_t i = 0; i < sizeof writing / sizeof *writing; i++)
        fails(db_query(db, writing[i], collect, &out, &error), FAULT_POLICY, "a query only reads");
    fails(db_query(db, "SELECT 1; DELETE FROM parent", collect, &out, &error), FAULT_POLICY,
          "a query is one statement");
    fails(db_query(db, "", collect, &out, &error), FAULT_POLICY, "a query is one statement");
    only_base();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_missing_file_is_not_made),
        TEST(a_dry_run_reads_an_empty_database_in_place_of_a_missing_one),
        TEST(a_file_is_made_where_its_folder_is),
        TEST(what_is_no_file),
        TEST(an_empty_file_is_an_empty_database),
        TEST(what_is_no_database),
        TEST(a_corrupt_database),
        TEST(a_page_in_the_middle_is_corrupt),
        TEST(names_are_never_uris),
        TEST(in_memory),
        TEST(schemas_are_for_postgresql),
        TEST(a_revision_is_applied_whole),
        TEST(another_version_table),
        TEST(a_database_of_alembic),
        TEST(a_table_that_is_no_version_table),
        TEST(rows_that_changed_meanwhile),
        TEST(a_body_that_touches_the_version_rows),
        TEST(several_steps),
        TEST(all_steps_in_one_transaction),
        TEST(a_stamp_has_no_body),
        TEST(errors_have_a_place),
        TEST(opaque_text_holds_several_statements),
        TEST(the_transaction_is_ours),
        TEST(other_files_are_out_of_reach),
        TEST(a_rebuild_keeps_the_children),
        TEST(a_rebuild_that_loses_a_row),
        TEST(references_that_dangled_before),
        TEST(references_that_fit_no_key),
        TEST(deferred_references_fail_at_commit),
        TEST(settings_have_values),
        TEST(settings_stay_out_of_the_schema),
        TEST(settings_that_were_there_before),
        TEST(a_writer_is_in_the_way),
        TEST(a_writer_of_a_wal_database),
        TEST(a_reader_is_waited_for),
        TEST(waiting_heeds_the_deadline),
        TEST(a_session_lock_keeps_migrators_out),
        TEST(a_session_lock_goes_with_its_process),
        TEST(closing_one_handle_frees_no_other),
        TEST(a_statement_has_its_time),
        TEST(a_run_has_its_time),
        TEST(a_run_can_be_stopped),
        TEST(no_new_revision_while_winding_down),
        TEST(a_full_disk),
        TEST(a_disk_with_a_fault),
        TEST(a_read_only_file),
        TEST(a_read_only_folder),
        TEST(a_file_of_somebody_else),
        TEST(a_wal_database_is_read),
        TEST(a_journal_of_a_killed_writer),
        TEST(killed_at_any_moment),
        TEST(many_at_once),
        TEST(threads_work_on_files_of_their_own),
        TEST(statements_commit_with_their_progress),
        TEST(the_application_is_in_the_way),
        TEST(a_batch_ends_when_it_touches_nothing),
        TEST(small_things),
        TEST(the_log_of_an_older_executable),
        TEST(the_log_of_a_newer_executable),
        TEST(streams_share_a_log),
        TEST(queries),
        TEST(queries_only_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
