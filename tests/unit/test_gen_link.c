/* The graph: order, indices, checksums. What is refused is in tests/golden/refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "schema/tokens.h"
#include "tree.h"

static void expect_order(const struct stream *s, const char *const *ids, size_t n)
{
    assert_non_null(s);
    assert_int_equal(s->n_revisions, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(s->revisions[i]->id, ids[i]);
}

static void parents_and_dependencies_stand_first(void **state)
{
    (void)state;
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\n");
    tree_revision(&t, "s/versions/1.sql", "merge", "left, right", "");
    tree_revision(&t, "s/versions/2.sql", "right", "base", "-- Depends-On: twig\n");
    tree_revision(&t, "s/versions/3.sql", "left", "base", "-- Branch-Labels: l, m\n");
    tree_revision(&t, "s/versions/4.sql", "base", "", "");
    tree_revision(&t, "s/versions/5.sql", "twig", "left", "");
    tree_revision(&t, "s/versions/6.sql", "top", "merge, twig", "-- Depends-On: l\n");
    struct source s = tree_link(&t);
    /* "merge" and "base" are words of the command line: one more reason to look at the graph without them. */
    assert_int_equal(s.findings.n_errors, 2);
    findings_free(&s.findings);
    tree_revision(&t, "s/versions/1.sql", "join", "left, right", "");
    tree_revision(&t, "s/versions/2.sql", "right", "root", "-- Depends-On: twig\n");
    tree_revision(&t, "s/versions/3.sql", "left", "root", "-- Branch-Labels: l, m\n");
    tree_revision(&t, "s/versions/4.sql", "root", "", "");
    tree_revision(&t, "s/versions/6.sql", "top", "join, twig", "-- Depends-On: l\n");
    s = tree_link(&t);
    assert_int_equal(s.findings.list.n, 0);
    const struct stream *linked = link_stream(s.streams.v[0]);
    const char *order[] = {"root", "left", "twig", "right", "join", "top"};
    expect_order(linked, order, 6);
    const struct revision *top = linked->revisions[5], *right = linked->revisions[3], *left = linked->revisions[1];
    assert_int_equal(top->n_down, 2);
    assert_int_equal(top->down[0], 4);
    assert_int_equal(top->down[1], 2);
    assert_int_equal(top->n_depends, 1);
    assert_int_equal(top->depends[0], 1);
    assert_int_equal(right->depends[0], 2);
    assert_int_equal(left->n_labels, 2);
    assert_string_equal(left->labels[1], "m");
    assert_int_equal(left->load_order, 2);
    findings_free(&s.findings);
    tree_free(&t);
}

static void independent_branches_keep_the_order_of_their_files(void **state)
{
    (void)state;
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\nmultiple_heads = true\n");
    tree_revision(&t, "s/versions/c.sql", "x", "", "");
    tree_revision(&t, "s/versions/a.sql", "z", "y", "");
    tree_revision(&t, "s/versions/b.sql", "w", "", "");
    tree_revision(&t, "s/versions/d.sql", "y", "", "");
    struct source s = tree_link(&t);
    const char *order[] = {"w", "x", "y", "z"};
    expect_order(link_stream(s.streams.v[0]), order, 4);
    findings_free(&s.findings);
    tree_free(&t);
}

static void settings_and_requirements_are_carried(void **state)
{
    (void)state;
    struct tree t = tree_new();
    tree_write(&t, "s/env.ini", "[stream]\n");
    tree_revision(&t, "s/versions/a.sql", "a1", "", "");
    tree_write(&t, "f/env.ini", "# fleet\n[stream]\nkind = fleet\nregistry = s\njobs = 4\n");
    tree_revision(&t, "f/versions/a.sql", "b1", "", "-- Requires: s@a1\n");
    struct source s = tree_link(&t);
    assert_int_equal(s.findings.list.n, 0);
    const struct stream *f = link_stream(source_find(&s, "f"));
    assert_int_equal(f->kind, STREAM_FLEET);
    assert_int_equal(f->n_settings, 3);
    assert_string_equal(f->settings[2].key, "jobs");
    assert_string_equal(f->settings[2].value, "4");
    assert_int_equal(f->settings[2].line, 5);
    assert_string_equal(f->ini_path, "f/env.ini");
    assert_memory_equal(f->ini_text, "# fleet\n", 8);
    assert_int_equal(f->revisions[0]->n_requires, 1);
    assert_string_equal(f->revisions[0]->requires[0].stream, "s");
    assert_string_equal(f->revisions[0]->requires[0].revision, "a1");
    assert_string_equal(f->revisions[0]->path, "f/versions/a.sql");
    findings_free(&s.findings);
    tree_free(&t);
}

static struct source sums_of(struct tree *t, uint8_t out[SHA256_BYTES])
{
    struct source s = tree_link(t);
    assert_int_equal(s.findings.n_errors, 0);
    memcpy(out, link_stream(s.streams.v[0])->sha256, SHA256_BYTES);
    findings_free(&s.findings);
    return s;
}

static void sums_follow_the_text(void **state)
{
    (void)state;
    uint8_t first[SHA256_BYTES], second[SHA256_BYTES], third[SHA256_BYTES], body[SHA256_BYTES];
    struct tree t = tree_new();
    const char *head = "-- Revision: a1\n-- Revises:\n-- Message: m\n\n-- migrate:up\n";
    tree_write(&t, "s/env.ini", "[stream]\n");
    tree_write(&t, "s/versions/a.sql", arena_printf(&t.arena, "%sSELECT 1;\n-- migrate:down\n", head));
    struct source s = sums_of(&t, first);
    const struct revision *r = link_stream(s.streams.v[0])->revisions[0];
    hash_once("SELECT 1;\n", 10, body);
    assert_memory_equal(r->sections[0].sha256, body, SHA256_BYTES);
    hash_once(r->text, r->length, body);
    assert_memory_equal(r->sha256, body, SHA256_BYTES);
    uint8_t tokens[SHA256_BYTES];
    memcpy(tokens, r->sections[0].tokens_sha256, SHA256_BYTES);

    tree_write(&t, "s/versions/a.sql", arena_printf(&t.arena, "%sSELECT /* one */\n1;\n-- migrate:down\n", head));
    s = sums_of(&t, second);
    r = link_stream(s.streams.v[0])->revisions[0];
    assert_memory_not_equal(first, second, SHA256_BYTES);
    assert_memory_equal(r->sections[0].tokens_sha256, tokens, SHA256_BYTES);

    tree_write(&t, "s/env.ini", "[stream]\nlock_timeout = 1s\n");
    sums_of(&t, third);
    assert_memory_equal(second, third, SHA256_BYTES); /* what the revisions are, not how they are applied */
    tree_free(&t);
}

/* A chain, backwards in file order: every step waits, and nothing of it may recurse or be quadratic. */
static void a_long_chain_is_sorted(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct arena a = {0};
    struct source s = {.arena = &a, .folder = "migrations"};
    struct source_stream *stream = ARENA_NEW(&a, struct source_stream);
    s.findings.arena = &a;
    stream->name = "s";
    stream->dialects = DIALECTS_ALL;
    stream->ini = (struct text_file){.path = "s/env.ini", .shown = "s/env.ini", .bytes = STR("")};
    for (uint32_t i = 0; i < N; i++) {
        struct source_revision *r = ARENA_NEW(&a, struct source_revision);
        uint32_t number = N - 1 - i;
        char *text = arena_printf(
            &a, "-- Revision: r%u\n-- Revises: %s\n-- Message: m\n-- migrate:up\n-- a\n-- migrate:down\n", number,
            number ? arena_printf(&a, "r%u", number - 1) : "");
        assert_true(text_take(&s.findings, "f", "f", text, strlen(text), &r->file));
        source_parse_revision(&s.findings, &a, r);
        source_pick_sections(&s.findings, stream, r);
        r->revision.load_order = i;
        vec_push(&a, &stream->revisions, r);
    }
    vec_push(&a, &s.streams, stream);
    link_streams(&s);
    assert_int_equal(s.findings.list.n, 0);
    for (uint32_t i = 1; i < N; i++)
        assert_int_equal(stream->linked->revisions[i]->down[0], i - 1);
    findings_free(&s.findings);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parents_and_dependencies_stand_first),
        cmocka_unit_test(independent_branches_keep_the_order_of_their_files),
        cmocka_unit_test(settings_and_requirements_are_carried),
        cmocka_unit_test(sums_follow_the_text),
        cmocka_unit_test(a_long_chain_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
