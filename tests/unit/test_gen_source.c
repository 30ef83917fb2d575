/* Revision files: normalising, positions, headers, sections, and which of them runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"

struct parsed {
    struct arena arena;
    struct findings findings;
    struct source_stream stream;
    struct source_revision r;
    bool ok;
};

/* `n` SIZE_MAX: up to the NUL. */
static struct parsed *parse(const char *text, size_t n)
{
    struct parsed *p = mem_alloc(sizeof *p);
    p->findings.arena = &p->arena;
    p->stream = (struct source_stream){.name = "s", .dialects = DIALECTS_ALL};
    n = n == SIZE_MAX ? strlen(text) : n;
    char *bytes = arena_alloc(&p->arena, n + 1);
    memcpy(bytes, text, n);
    p->ok = text_take(&p->findings, "s/versions/a.sql", "a.sql", bytes, n, &p->r.file);
    p->r.unreadable = !p->ok;
    source_parse_revision(&p->findings, &p->arena, &p->r);
    source_pick_sections(&p->findings, &p->stream, &p->r);
    return p;
}

static void done(struct parsed *p)
{
    findings_free(&p->findings);
    arena_free(&p->arena);
    free(p);
}

#define HEADER "-- Revision: a1\n-- Revises: b2, c3\n-- Message: add documents\n"

static void a_header_is_read_with_its_places(void **state)
{
    (void)state;
    struct parsed *p = parse(HEADER "-- Created: 2026-11-22 10:15:00+07:00\n-- Branch-Labels: x,y\n-- Depends-On: d4\n"
                                    "-- Requires: shared@e5\n\n-- migrate:up\n-- migrate:down\n",
                             SIZE_MAX);
    assert_int_equal(p->findings.list.n, 0);
    assert_string_equal(p->r.revision.id, "a1");
    assert_int_equal(p->r.id.offset, 13);
    assert_string_equal(p->r.revision.message, "add documents");
    assert_string_equal(p->r.revision.created, "2026-11-22 10:15:00+07:00");
    assert_int_equal(p->r.revises.n, 2);
    assert_string_equal(p->r.revises.v[1].text, "c3");
    assert_int_equal(text_position(&p->r.file, p->r.revises.v[1].offset).line, 2);
    assert_int_equal(text_position(&p->r.file, p->r.revises.v[1].offset).column, 17);
    assert_int_equal(p->r.labels.n, 2);
    assert_string_equal(p->r.depends.v[0].text, "d4");
    assert_string_equal(p->r.requires.v[0].text, "shared@e5");
    done(p);
}

static void sections_are_offsets_into_the_file(void **state)
{
    (void)state;
    const char *text = HEADER
        "\n-- migrate:up postgresql\nA;\n-- migrate:up lock_timeout:250ms\nB;\nC;\n"
        "-- migrate:down transaction:false statement_timeout:10min batch pause:2s opaque\nlast line without end";
    struct parsed *p = parse(text, SIZE_MAX);
    assert_int_equal(p->findings.list.n, 0);
    assert_int_equal(p->r.revision.n_sections, 3);
    const struct revision_section *s = p->r.revision.sections;
    const char *bodies[] = {"A;\n", "B;\nC;\n", "last line without end"};
    for (size_t i = 0; i < 3; i++)
        assert_true(str_is(str_slice(p->r.file.bytes, s[i].offset, s[i].offset + s[i].length), bodies[i]));
    assert_int_equal(s[0].line, 5);
    assert_int_equal(s[1].line, 7);
    assert_int_equal(s[0].dialects, DIALECT_BIT(DIALECT_POSTGRESQL));
    assert_int_equal(s[1].dialects, DIALECT_BIT(DIALECT_SQLITE));
    assert_int_equal(s[2].dialects, DIALECTS_ALL);
    assert_int_equal(s[1].lock_timeout_ms, 250);
    assert_int_equal(s[1].statement_timeout_ms, TIMEOUT_UNSET);
    assert_int_equal(s[2].statement_timeout_ms, 600000);
    assert_int_equal(s[0].batch_pause_ms, TIMEOUT_UNSET);
    assert_int_equal(s[2].batch_pause_ms, 2000);
    assert_int_equal(s[2].flags, SECTION_NO_TRANSACTION | SECTION_BATCH | SECTION_OPAQUE);
    assert_int_equal(p->r.revision.pick[DIRECTION_UP][DIALECT_POSTGRESQL], 0);
    assert_int_equal(p->r.revision.pick[DIRECTION_UP][DIALECT_SQLITE], 1);
    assert_int_equal(p->r.revision.pick[DIRECTION_DOWN][DIALECT_POSTGRESQL], 2);
    assert_int_equal(p->r.revision.pick[DIRECTION_DOWN][DIALECT_SQLITE], 2);
    done(p);
}

static void an_irreversible_section_needs_no_down(void **state)
{
    (void)state;
    struct parsed *p = parse(HEADER "\n-- migrate:up irreversible", SIZE_MAX);
    assert_int_equal(p->findings.list.n, 0);
    assert_int_equal(p->r.revision.pick[DIRECTION_DOWN][DIALECT_SQLITE], SECTION_NONE);
    assert_int_equal(p->r.revision.sections[0].flags, SECTION_IRREVERSIBLE);
    assert_int_equal(p->r.revision.sections[0].length, 0);
    done(p);
}

/* psql, an editor and this program see the same section lines; what SQL makes of a line does not matter. */
static void a_section_line_is_one_inside_a_string_too(void **state)
{
    (void)state;
    struct parsed *p = parse(HEADER "\n-- migrate:up\nSELECT '\n-- migrate:down\n';\n", SIZE_MAX);
    assert_int_equal(p->r.revision.n_sections, 2);
    assert_int_equal(p->r.revision.sections[1].direction, DIRECTION_DOWN);
    done(p);
}

static void windows_files_are_normalised(void **state)
{
    (void)state;
    struct parsed *p = parse(
        "\xEF\xBB\xBF-- Revision: a1\r\n-- Revises:\r\n-- Message: m\r\n\r\n-- migrate:up\r\nA\rB\r\r\n"
        "-- migrate:down\r\n\r",
        SIZE_MAX);
    assert_int_equal(p->findings.list.n, 0);
    assert_true(str_is(p->r.file.bytes,
                       "-- Revision: a1\n-- Revises:\n-- Message: m\n\n-- migrate:up\nA\rB\r\n-- migrate:down\n\r"));
    assert_int_equal(p->r.revision.length, p->r.file.bytes.n);
    assert_int_equal(p->r.revision.text[p->r.revision.length], 0);
    done(p);
}

static void columns_count_characters(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings out = {.arena = &a};
    struct text_file f;
    char text[] = "a\nđợt x\n\nend";
    assert_true(text_take(&out, "p", "p", text, strlen(text), &f));
    assert_int_equal(f.n_lines, 4);
    struct position at = text_position(&f, (size_t)(strchr(text, 'x') - text));
    assert_int_equal(at.line, 2);
    assert_int_equal(at.column, 5);
    assert_int_equal(text_position(&f, 999).line, 4);
    assert_int_equal(text_position(&f, 999).column, 4);
    assert_true(str_is(text_line(&f, 2), "đợt x"));
    assert_int_equal(text_line(&f, 3).n, 0);
    assert_true(str_is(text_line(&f, 4), "end"));
    assert_int_equal(text_line(&f, 5).n, 0);
    arena_free(&a);
}

static void an_empty_file_has_one_line(void **state)
{
    (void)state;
    struct parsed *p = parse("", SIZE_MAX);
    assert_int_equal(p->r.file.n_lines, 1);
    assert_int_equal(p->findings.list.n, 1);
    assert_string_equal(p->findings.list.v[0].rule, "missing-header");
    done(p);
}

static void what_is_no_text_is_refused_at_its_place(void **state)
{
    (void)state;
    struct parsed *p = parse("-- Revision: a1\n\0\xff", 18);
    assert_false(p->ok);
    assert_int_equal(p->findings.list.n, 1);
    assert_string_equal(p->findings.list.v[0].rule, "nul-byte");
    assert_int_equal(p->findings.list.v[0].err.line, 2);
    assert_int_equal(p->findings.list.v[0].err.column, 1);
    assert_string_equal(p->r.revision.id, "a1");
    assert_int_equal(p->r.revision.n_sections, 0);
    done(p);
    p = parse("-- a\xed\xa0\x80", SIZE_MAX); /* a surrogate */
    assert_false(p->ok);
    assert_string_equal(p->findings.list.v[0].rule, "invalid-utf8");
    assert_int_equal(p->findings.list.v[0].err.column, 5);
    done(p);
}

static void streams_stand_behind_their_registry(void **state)
{
    (void)state;
    struct tree t = tree_new();
    tree_write(&t, "b/env.ini", "[stream]\nkind = fleet\nregistry = z\n");
    tree_write(&t, "a/env.ini", "[stream]\n");
    tree_write(&t, "c/env.ini", "[stream]\nkind = fleet\nregistry = a\n");
    tree_write(&t, "z/env.ini", "[stream]\n");
    tree_write(&t, ".hidden/env.ini", "[stream]\n");
    tree_write(&t, "docs/readme", "");
    struct source s = tree_link(&t);
    const char *names[] = {"a", "z", "b", "c"};
    assert_int_equal(s.findings.list.n, 0);
    assert_int_equal(s.streams.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(s.streams.v[i]->name, names[i]);
    findings_free(&s.findings);
    tree_free(&t);
}

static void files_are_taken_in_byte_order(void **state)
{
    (void)state;
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\nmultiple_heads = true\n");
    const char *files[] = {"s/versions/a.sql", "s/versions/Z.sql", "s/versions/é.sql", "s/versions/_.sql"};
    const char *order[] = {"Z", "_", "a", "é"};
    const char *ids[] = {"a", "Z", "é", "_"};
    for (size_t i = 0; i < 4; i++)
        tree_revision(&t, files[i], ids[i], "", "");
    tree_write(&t, "s/versions/x.sql~", "");
    struct source s = tree_link(&t);
    assert_int_equal(s.findings.list.n, 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(s.streams.v[0]->linked->revisions[i]->id, order[i]);
        assert_int_equal(s.streams.v[0]->linked->revisions[i]->load_order, i);
    }
    findings_free(&s.findings);
    tree_free(&t);
}

static void findings_are_sorted_by_place(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings out = {.arena = &a};
    struct text_file f, g;
    char one[] = "x y\nz", two[] = "x";
    text_take(&out, "b", "b", one, strlen(one), &f);
    text_take(&out, "a", "a", two, strlen(two), &g);
    finding_add(&out, "r3", &f, 4, "third");
    finding_add(&out, "r2", &f, 2, "second");
    finding_is_warning(&out, finding_add(&out, "r1", &f, 2, "after second"));
    finding_at_line(&out, "r0", &g, 1, "first");
    finding_add(&out, "r", NULL, SIZE_MAX, "nowhere");
    findings_sort(&out);
    BUF_AUTO text = {0};
    findings_format(&text, &out);
    assert_string_equal(text.p, "error: nowhere\n"
                                "a:1:1: error: first\n    x\n    ^\n"
                                "b:1:3: error: second\n    x y\n      ^\n"
                                "b:1:3: warning: after second\n    x y\n      ^\n"
                                "b:2:1: error: third\n    z\n    ^\n");
    assert_int_equal(out.n_errors, 4);
    BUF_AUTO json = {0};
    err_hint(&out.list.v[3].err, "a \"hint\"");
    finding_json(&json, &out.list.v[3]);
    assert_string_equal(json.p,
                        "{\"rule\": \"r1\", \"severity\": \"warning\", \"path\": \"b\", \"line\": 1, \"column\": 3, "
                        "\"message\": \"after second\", \"hint\": \"a \\\"hint\\\"\"}");
    findings_free(&out);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read_with_its_places),
        cmocka_unit_test(sections_are_offsets_into_the_file),
        cmocka_unit_test(an_irreversible_section_needs_no_down),
        cmocka_unit_test(a_section_line_is_one_inside_a_string_too),
        cmocka_unit_test(windows_files_are_normalised),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(an_empty_file_has_one_line),
        cmocka_unit_test(what_is_no_text_is_refused_at_its_place),
        cmocka_unit_test(streams_stand_behind_their_registry),
        cmocka_unit_test(files_are_taken_in_byte_order),
        cmocka_unit_test(findings_are_sorted_by_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
