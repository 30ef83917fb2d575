/* The diff that people review: hunks, their numbers, and what is equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "gen/fix/text_diff.h"

static void expect(const char *old, const char *now, const char *diff)
{
    BUF_AUTO out = {0};
    text_diff(&out, "f", old, now);
    assert_string_equal(out.p ? out.p : "", diff);
}

static void equal_texts_have_no_diff(void **state)
{
    (void)state;
    expect("a\nb\n", "a\nb\n", "");
    expect("", "", "");
}

static void a_line_changes_between_three_lines_of_context(void **state)
{
    (void)state;
    expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
           "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

static void a_new_file_comes_from_nowhere(void **state)
{
    (void)state;
    expect(NULL, "a\nb\n", "--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
}

static void lines_are_added_and_removed_at_the_ends(void **state)
{
    (void)state;
    expect("a\nb\n", "b\nc\n", "--- f\n+++ f\n@@ -1,2 +1,2 @@\n-a\n b\n+c\n");
    expect("a\n", "", "--- f\n+++ f\n@@ -1,1 +0,0 @@\n-a\n");
}

static void what_is_far_apart_is_a_hunk_of_its_own(void **state)
{
    (void)state;
    expect("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n",
           "--- f\n+++ f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+B\n");
}

static void what_is_near_shares_a_hunk(void **state)
{
    (void)state;
    expect("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
           "--- f\n+++ f\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
}

/* Every line of the old text that is not taken away and every line of the new that is not added is the same. */
static void large_texts_are_exchanged_whole_in_the_middle(void **state)
{
    (void)state;
    BUF_AUTO old = {0};
    BUF_AUTO now = {0};
    BUF_AUTO out = {0};
    for (int i = 0; i < 6000; i++) {
        buf_addf(&old, "old %d\n", i);
        buf_addf(&now, "now %d\n", i);
    }
    text_diff(&out, "f", old.p, now.p);
    size_t gone = 0, come = 0;
    for (const char *line = out.p; line && *line; line = strchr(line, '\n') + 1) {
        gone += strncmp(line, "-old ", 5) == 0;
        come += strncmp(line, "+now ", 5) == 0;
    }
    assert_int_equal(gone, 6000);
    assert_int_equal(come, 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_have_no_diff),
        cmocka_unit_test(a_line_changes_between_three_lines_of_context),
        cmocka_unit_test(a_new_file_comes_from_nowhere),
        cmocka_unit_test(lines_are_added_and_removed_at_the_ends),
        cmocka_unit_test(what_is_far_apart_is_a_hunk_of_its_own),
        cmocka_unit_test(what_is_near_shares_a_hunk),
        cmocka_unit_test(large_texts_are_exchanged_whole_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
