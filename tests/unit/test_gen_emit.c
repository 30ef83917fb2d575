/* From the model to C: the same bytes whichever way they go in, nothing rewritten without need, nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"

/* What the check stage would have found, and more than that. */
static void add_statements(struct source *s)
{
    static const struct revision_statement statements[] = {
        {1, 2, 3, STATEMENT_NO_BLOCK, "CREATE INDEX", "a \"b\"", "đ\\\n?\?/", "t"},
        {4, 5, 6, 0, "INSERT", NULL, NULL, NULL},
        {7, 8, 9, 0, "INSERT", NULL, NULL, "t"},
        {4294967295u, 8, 9, 0, "DROP INDEX", "s", NULL, "t"},
    };
    for (size_t i = 0; i < s->streams.n; i++)
        for (size_t k = 0; k < s->streams.v[i]->revisions.n; k++) {
            struct revision_section *section = &s->streams.v[i]->revisions.v[k]->sections.v[0];
            section->statements = statements;
            section->n_statements = 4;
        }
}

/* What somebody measured of the first section of each. */
static void add_locks(struct source *s)
{
    static const struct statement_locks statements[] = {
        {LOCK_ACCESS_EXCLUSIVE, LOCKS_REWRITE | LOCKS_BLOCKED, "\"a ?\?/ đ\" AccessExclusive rewrite"},
        {LOCK_NOTHING, 0, ""},
        {LOCK_SHARE, LOCKS_BY_KIND, "b Share"},
        {LOCK_NOTHING, 0, ""},
    };
    static const struct section_locks sections[] = {{0, 0, statements}, {1, 0, statements}};
    for (size_t i = 0; i < s->streams.n; i++)
        if (strcmp(s->streams.v[i]->name, "s") == 0)
            s->streams.v[i]->locks = (struct stream_locks){15, s->streams.v[i]->revisions.n > 1 ? 2 : 0, sections};
}

static void emit(struct tree *t, const char *output, size_t incbin_above)
{
    AUTO_ERR e = {0};
    struct source s = tree_link(t);
    struct emit_options options = {.output = arena_printf(&t->arena, "%s/%s", t->top, output),
                                   .program = "test-migrate",
                                   .version = "1",
                                   .incbin_above = incbin_above};
    assert_int_equal(s.findings.n_errors, 0);
    add_statements(&s);
    add_locks(&s);
    if (!emit_sources(&s, &options, &e))
        fail_msg("%s", e.message);
    findings_free(&s.findings);
}

static bool shell(struct tree *t, const char *command)
{
    /* The repository is the current folder of every test. */
    BUF_AUTO text = {0};
    buf_addf(&text, "top=$PWD && cd '%s' && %s", t->top, command);
    return system(text.p) == 0; /* NOLINT: the commands are those below */
}

static struct tree sample(void)
{
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\nmultiple_heads = true\nactor = ?\?/ \"quoted\" \\ tab\tđ\n");
    tree_revision(&t, "s/versions/a.sql", "a1", "", "-- Branch-Labels: x\n");
    tree_revision(&t, "s/versions/b.sql", "b.1_đ", "a1", "-- Depends-On: a1\n");
    tree_write(&t, "s/fingerprint.sqlite", "any text, đ\n");
    tree_write(&t, "catalogue/env.ini", "[stream]\n");
    tree_write(&t, "catalogue/fingerprint.postgresql", "");
    tree_revision(&t, "catalogue/versions/a.sql", "a1", "", "");
    tree_write(&t, "empty/env.ini", "[stream]\n");
    tree_write(&t, "f/env.ini", "[stream]\nkind = fleet\nregistry = s\n");
    tree_revision(&t, "f/versions/a.sql", "f1", "", "-- Requires: s@a1\n");
    return t;
}

static const char program[] =
    "#include <stdio.h>\n#include \"model/revision.h\"\n"
    "int main(void) {\n"
    "    for (uint32_t i = 0; i < migrate_catalogue.n_streams; i++) {\n"
    "        const struct stream *s = migrate_catalogue.streams[i];\n"
    "        printf(\"%s %d %u\\n%s%u\\n\", s->name, s->kind, s->dialects, (const char *)s->ini_text, s->ini_length);\n"
    "        for (uint32_t k = 0; k < DIALECT_COUNT; k++)\n"
    "            printf(\"fingerprint %u: %s%u\\n\", k, s->fingerprints[k].text ? (const char *)s->fingerprints[k].text : \"none\",\n"
    "                   s->fingerprints[k].length);\n"
    "        printf(\"locks %u %u\\n\", s->locks.server_major, s->locks.n_sections);\n"
    "        for (uint32_t k = 0; k < s->locks.n_sections; k++)\n"
    "            for (uint32_t j = 0; j < 4; j++)\n"
    "                printf(\"locks %u %u %u %u %s\\n\", s->locks.sections[k].revision, s->locks.sections[k].section,\n"
    "                       s->locks.sections[k].statements[j].strongest, s->locks.sections[k].statements[j].flags,\n"
    "                       s->locks.sections[k].statements[j].relations);\n"
    "        for (uint32_t k = 0; k < s->n_settings; k++)\n"
    "            printf(\"%s=%s %u\\n\", s->settings[k].key, s->settings[k].value, s->settings[k].line);\n"
    "        for (uint32_t k = 0; k < s->n_revisions; k++) {\n"
    "            const struct revision *r = s->revisions[k];\n"
    "            printf(\"%s %s %u %u %u %u %u\\n\", r->id, r->path, r->length, r->text[r->length], r->n_down, r->n_depends, r->n_requires);\n"
    "            fwrite(r->text, 1, r->length, stdout);\n"
    "            for (uint32_t i = 0; i < r->n_sections; i++)\n"
    "                for (uint32_t j = 0; j < r->sections[i].n_statements; j++) {\n"
    "                    const struct revision_statement *t = &r->sections[i].statements[j];\n"
    "                    printf(\"%u %u %u %u %s %s %s %s\\n\", t->offset, t->length, t->line, t->flags, t->kind,\n"
    "                           t->schema ? t->schema : \"-\", t->object ? t->object : \"-\", t->table ? t->table : \"-\");\n"
    "                }\n"
    "        }\n    }\n}\n";

#define BUILD_AND_RUN(output)                                                                                          \
    "(cd " output " && gcc -std=gnu17 -O0 -Wall -Wextra -Werror -I\"$top\"/runtime -Wa,-I,. -o ../" output             \
    ".exe ../program.c "                                                                                               \
    "$(sed -n 's/^\t\\([^ ]*\\).*/\\1/p' sources.mk)) && ./" output ".exe >" output ".said"

static void xxd_and_incbin_give_the_same_bytes(void **state)
{
    (void)state;
    struct tree t = sample();
    FILE *f = fopen(arena_printf(&t.arena, "%s/program.c", t.top), "w");
    assert_non_null(f);
    assert_true(fputs(program, f) >= 0 && fclose(f) == 0);
    emit(&t, "arrays", SIZE_MAX);
    emit(&t, "incbin", 1);
    assert_true(shell(&t, "test ! -e arrays/s/a1.sql && test -e incbin/s/a1.sql && test -e incbin/s/a1.inc"));
    assert_true(shell(&t, BUILD_AND_RUN("arrays")));
    assert_true(shell(&t, BUILD_AND_RUN("incbin")));
    assert_true(shell(&t, "cmp arrays.said incbin.said"));
    assert_true(shell(&t, "grep -q '^b.1_đ s/versions/b.sql [0-9]* 0 1 1 0$' arrays.said"));
    assert_true(shell(&t, "grep -qF '1 2 3 1 CREATE INDEX a \"b\" đ\\' arrays.said && grep -qx '?\?/ t' arrays.said"));
    assert_true(shell(&t, "grep -qx '4294967295 8 9 0 DROP INDEX s - t' arrays.said"));
    assert_true(shell(&t, "grep -qF 'actor=?\?/ \"quoted\" \\ tab\tđ 3' arrays.said"));
    assert_true(shell(&t, "grep -q '^-- Depends-On: a1$' arrays.said"));
    assert_true(shell(&t, "grep -q '^f1 f/versions/a.sql [0-9]* 0 0 0 1$' arrays.said"));
    assert_true(shell(&t, "grep -qx 'locks 15 2' arrays.said && grep -qx 'locks 0 0' arrays.said"));
    assert_true(shell(&t, "grep -qxF 'locks 1 0 8 5 \"a ?\?/ đ\" AccessExclusive rewrite' arrays.said"));
    assert_true(shell(&t, "grep -qx 'locks 0 0 5 16 b Share' arrays.said"));
    assert_true(shell(&t, "test -e incbin/s/fingerprint_sqlite.txt && test ! -e arrays/s/fingerprint_sqlite.txt"));
    assert_true(shell(&t, "grep -A1 -x 'fingerprint 1: any text, đ' arrays.said | grep -qx 13"));
    assert_true(shell(&t, "grep -qx 'fingerprint 0: none0' arrays.said && grep -qx 'fingerprint 0: 0' arrays.said"));
    tree_free(&t);
}

static void names_are_escaped(void **state)
{
    (void)state;
    struct tree t = sample();
    emit(&t, "out", 0);
    assert_true(shell(&t, "test -e out/catalogue.c && test -e out/_63atalogue.c && test -e out/_63atalogue/a1.c"));
    assert_true(
        shell(&t, "test -e out/s/b_2e1_5f_c4_91.c && grep -q migrate_text_s__b_2e1_5f_c4_91 out/s/b_2e1_5f_c4_91.c"));
    tree_revision(&t, "s/versions/c.sql", "đđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđ", "b.1_đ", "");
    tree_revision(&t, "s/versions/d.sql", "đđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđa", "b.1_đ", "");
    emit(&t, "out", 0);
    assert_true(shell(&t, "test $(ls out/s/*_x????????????????.c | wc -l) -eq 2"));
    tree_free(&t);
}

static void nothing_is_written_twice_and_nothing_stays(void **state)
{
    (void)state;
    struct tree t = sample();
    emit(&t, "out", 0);
    assert_true(shell(
        &t, "touch -d 2001-01-01 out/*.c out/*/*.c out/sources.mk && touch out/s/a1.o out/mine.c && mkdir out/s/sub"));
    emit(&t, "out", 0);
    assert_true(shell(&t, "test -z \"$(find out -name '*.c' -newermt 2002-01-01 ! -name mine.c)\""));

    /* A change of one revision touches its own file and its stream's table, and the build id. */
    tree_revision(&t, "s/versions/b.sql", "b.1_đ", "a1", "-- Created: now\n");
    emit(&t, "out", 0);
    assert_true(shell(&t, "test \"$(find out -name '*.c' -newermt 2002-01-01 ! -name mine.c | sort | tr '\\n' ' ')\" = "
                          "'out/catalogue.c out/s.c out/s/b_2e1_5f_c4_91.c '"));

    /* What no revision needs goes, with its object; what somebody else put there stays. */
    unlink(arena_printf(&t.arena, "%s/s/versions/b.sql", t.folder));
    tree_write(&t, "f/versions/a.sql", "");
    unlink(arena_printf(&t.arena, "%s/f/versions/a.sql", t.folder));
    unlink(arena_printf(&t.arena, "%s/f/env.ini", t.folder));
    rmdir(arena_printf(&t.arena, "%s/f/versions", t.folder));
    emit(&t, "out", 0);
    assert_true(shell(&t, "test ! -e out/s/b_2e1_5f_c4_91.c && test ! -e out/f.c && test ! -e out/f"));
    assert_true(shell(&t, "test -e out/mine.c && test -e out/s/a1.o && test -e out/s/sub"));
    unlink(arena_printf(&t.arena, "%s/s/versions/a.sql", t.folder));
    emit(&t, "out", 0);
    assert_true(shell(&t, "test ! -e out/s/a1.o && test -e out/s/sub"));
    tree_free(&t);
}

static void a_file_that_shrinks_leaves_no_copy(void **state)
{
    (void)state;
    struct tree t = sample();
    emit(&t, "out", 1);
    assert_true(shell(&t, "test -e out/s/a1.sql && test -e out/s/a1.inc"));
    emit(&t, "out", 0);
    assert_true(shell(&t, "test ! -e out/s/a1.sql && test ! -e out/s/a1.inc && grep -q 0x2d out/s/a1.c"));
    assert_true(shell(&t, "test ! -e out/s/fingerprint_sqlite.txt"));
    unlink(arena_printf(&t.arena, "%s/s/fingerprint.sqlite", t.folder));
    emit(&t, "out", 0);
    assert_true(shell(&t, "test ! -e out/s/fingerprint_sqlite.c && ! grep -q fingerprint out/s.c"));
    tree_free(&t);
}

static void the_same_input_gives_the_same_output_anywhere(void **state)
{
    (void)state;
    struct tree t = sample();
    emit(&t, "one", 200);
    emit(&t, "deeper/two", 200);
    assert_true(shell(&t, "diff -r one deeper/two"));
    assert_true(shell(&t, "! grep -rq \"$PWD\" one"));
    tree_free(&t);
}

static void a_list_from_elsewhere_removes_nothing(void **state)
{
    (void)state;
    struct tree t = sample();
    assert_true(shell(
        &t,
        "mkdir -p out/x && touch precious.c out/x/y.c out/a.b.c && "
        "printf '# Made by migrate-gen: do not edit.\\nGEN_SOURCES := \\\\\\n\\t../precious.c \\\\\\n\\tx/../y.c \\\\\\n\\ta.b.c\\n' "
        ">out/sources.mk"));
    emit(&t, "out", 0);
    assert_true(shell(&t, "test -e precious.c && test -e out/x/y.c && test -e out/a.b.c"));
    tree_free(&t);
}

static void what_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct tree t = sample();
    AUTO_ERR e = {0};
    struct source s = tree_link(&t);
    struct emit_options options = {
        .output = arena_printf(&t.arena, "%s/file/out", t.top), .program = "p", .version = "1"};
    assert_true(shell(&t, "touch file"));
    assert_false(emit_sources(&s, &options, &e));
    assert_non_null(strstr(e.message, "cannot make the folder"));
    char *path = arena_strdup(&t.arena, getenv("PATH"));
    options.output = arena_printf(&t.arena, "%s/out", t.top);
    setenv("PATH", "/nowhere", 1);
    bool ok = emit_sources(&s, &options, &e);
    setenv("PATH", path, 1);
    assert_false(ok);
    assert_string_equal(e.message, "cannot run xxd: No such file or directory");
    assert_string_equal(e.hint, "Debian's package is called xxd");
    findings_free(&s.findings);
    tree_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xxd_and_incbin_give_the_same_bytes),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(nothing_is_written_twice_and_nothing_stays),
        cmocka_unit_test(a_file_that_shrinks_leaves_no_copy),
        cmocka_unit_test(the_same_input_gives_the_same_output_anywhere),
        cmocka_unit_test(a_list_from_elsewhere_removes_nothing),
        cmocka_unit_test(what_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
