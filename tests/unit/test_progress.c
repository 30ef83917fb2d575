/* The progress line: from numbers and a width to one line, how fast it went lately, and what a terminal is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "tool/output.h"

static const struct progress_style ascii = {0}, blocks = {.utf8 = true}, coloured = {.colour = true};

static void expect_line(const struct progress_numbers *n, double rate, size_t width, struct progress_style style,
                        const char *expected)
{
    BUF_AUTO line = {0};
    progress_render(&line, n, rate, 62000, width, style);
    assert_string_equal(line.p ? line.p : "", expected);
}

static const struct progress_numbers usual = {.name = "tenant",
                                              .total = 10000,
                                              .done = 1234,
                                              .known = 200,
                                              .failed = 3,
                                              .running = 16,
                                              .n_stages = 3,
                                              .stage = 1};

static void a_line_has_what_fits_its_width(void **state)
{
    static const struct {
        size_t width;
        const char *line;
    } cases[] = {
        {140,
         "tenant stage 2/3 ###---------------------------  1234/10000 12%  16 running  3 failed  200 known  152/s  "
         "ETA 0:58  1:02 so far"},
        {106,
         "tenant stage 2/3 #---------  1234/10000 12%  16 running  3 failed  200 known  152/s  ETA 0:58  1:02 so far"},
        {105,
         "tenant stage 2/3 ##------------------  1234/10000 12%  16 running  3 failed  200 known  152/s  ETA 0:58"},
        {93, "tenant stage 2/3 #---------  1234/10000 12%  16 running  3 failed  200 known  152/s  ETA 0:58"},
        {92, "tenant stage 2/3 ##------------------  1234/10000 12%  16 running  3 failed  152/s  ETA 0:58"},
        {82, "tenant stage 2/3 #---------  1234/10000 12%  16 running  3 failed  152/s  ETA 0:58"},
        {81, "tenant #---------  1234/10000 12%  16 running  3 failed  152/s  ETA 0:58"},
        {72, "tenant #---------  1234/10000 12%  16 running  3 failed  152/s  ETA 0:58"},
        {71, "tenant  1234/10000 12%  16 running  3 failed  152/s  ETA 0:58"},
        {61, "tenant  1234/10000 12%  16 running  3 failed  152/s  ETA 0:58"},
        {60, "tenant  1234/10000 12%  16 running  3 failed  ETA 0:58"},
        {54, "tenant  1234/10000 12%  16 running  3 failed  ETA 0:58"},
        {53, "tenant  1234/10000 12%  3 failed  ETA 0:58"},
        {42, "tenant  1234/10000 12%  3 failed  ETA 0:58"},
        {41, "1234/10000 12%  3 failed  ETA 0:58"},
        {34, "1234/10000 12%  3 failed  ETA 0:58"},
        {33, "1234/10000 12%  3 failed"},
        {20, "1234/10000  3 failed"},
        {19, "1234/10000"},
        {4, "1234"},
        {0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_line(&usual, 152.4, cases[i].width, ascii, cases[i].line);
}

static void no_width_is_exceeded(void **state)
{
    (void)state;
    struct progress_numbers n = usual;
    n.name = "a name that is longer than anybody would call a stream \xC3\xBC\xC3\xBC";
    for (int utf8 = 0; utf8 < 2; utf8++)
        for (size_t width = 0; width < 250; width++) {
            BUF_AUTO line = {0};
            size_t columns = 0;
            progress_render(&line, &n, 0.01, INT64_MAX / 2, width, (struct progress_style){.utf8 = utf8});
            for (size_t i = 0; i < line.n; i++)
                columns += ((unsigned char)line.p[i] & 0xC0) != 0x80;
            assert_true(columns <= width);
        }
}

static void blocks_are_for_locales_that_have_them(void **state)
{
    (void)state;
    expect_line(
        &(struct progress_numbers){.name = "t", .total = 4, .done = 3, .running = 1}, 2, 60, blocks,
        "t \u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2591\u2591"
        "\u2591\u2591\u2591  3/4 75%  1 running  2.0/s  ETA 0:01");
    assert_true(locale_is_utf8(NULL, NULL, "vi_VN.UTF-8"));
    assert_true(locale_is_utf8("", "C.utf8", "C"));
    assert_true(locale_is_utf8("en_US.UTF-8@x", NULL, NULL));
    assert_false(locale_is_utf8("C", "C.UTF-8", "C.UTF-8"));
    assert_false(locale_is_utf8(NULL, "POSIX", "C.UTF-8"));
    assert_false(locale_is_utf8(NULL, NULL, NULL));
    assert_false(locale_is_utf8("", "", ""));
}

static void colour_is_for_failures_alone(void **state)
{
    (void)state;
    struct progress_numbers n = {.name = "t", .total = 2, .done = 1, .failed = 1};
    expect_line(&n, 0, 31, coloured, "t  1/2 50%  0 running  \033[31m1 failed\033[m");
    expect_line(&n, 0, 13, coloured, "1/2  \033[31m1 failed\033[m");
    n.failed = 0;
    expect_line(&n, 0, 22, coloured, "t  1/2 50%  0 running");
}

static void names_are_cleaned_and_cut(void **state)
{
    (void)state;
    struct progress_numbers n = {.name = "a\033[2J\nb\x7F\xC2\x9B", .total = 1};
    expect_line(&n, 0, 20, ascii, "a?[2J?b??  0/1 0%");
    n.name = "\xC3\xBC\xFF\xE2\x82";
    expect_line(&n, 0, 20, ascii, "????  0/1 0%");
    expect_line(&n, 0, 20, blocks, "\xC3\xBC???  0/1 0%");
    n.name = "abcdefghijklmnopqrstuvwxyz";
    expect_line(&n, 0, 40, ascii, "abcdefghijklmnopqrstuvw~  0/1 0%");
    expect_line(&n, 0, 40, blocks, "abcdefghijklmnopqrstuvw\u2026  0/1 0%");
    n.name = "abcdefghijklmnopqrstuvwx";
    expect_line(&n, 0, 40, ascii, "abcdefghijklmnopqrstuvwx  0/1 0%");
}

static void speeds_and_times_are_for_people(void **state)
{
    struct progress_numbers n = {.name = "t", .total = 100000};
    (void)state;
    expect_line(&n, 1500, 53, ascii, "t  0/100000 0%  0 running  1500/s  ETA 1:07");
    expect_line(&n, 9.5, 53, ascii, "t  0/100000 0%  0 running  9.5/s  ETA 2:55:27");
    expect_line(&n, 0.05, 52, ascii, "t  0/100000 0%  0 running  3.0/min  ETA 23 days");
    expect_line(&n, 0, 45, ascii, "t ----------  0/100000 0%  0 running");
    n.total = 0;
    expect_line(&n, 0, 40, ascii, "t  0/0  0 running  1:02 so far");
}

static void bars_show_something_as_something(void **state)
{
    static const struct {
        size_t part, whole;
        const char *bar;
    } cases[] = {{0, 10, "-----"},         {1, 100000, "#----"},      {5, 10, "##---"},
                 {99999, 100000, "####-"}, {100000, 100000, "#####"}, {0, 0, "-----"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO bar = {0};
        progress_bar(&bar, cases[i].part, cases[i].whole, 5, false);
        assert_string_equal(bar.p, cases[i].bar);
    }
}

/* --------------------------------------------------------------------------------------------------------- rate */

static void expect_rate(struct rate *r, int64_t at, size_t done, double expected)
{
    double rate = rate_note(r, at, done);
    assert_true(rate > expected - 0.01 && rate < expected + 0.01);
}

static void the_rate_is_that_of_the_last_seconds(void **state)
{
    struct rate r = {0};
    (void)state;
    expect_rate(&r, 1000, 0, 0);
    expect_rate(&r, 1100, 50, 0); /* too early */
    expect_rate(&r, 2000, 100, 100);
    for (int64_t at = 2000; at <= 12000; at += 100)
        rate_note(&r, at, 100 + (size_t)(at - 2000) / 100);
    expect_rate(&r, 12000, 200, 10); /* the fast beginning is forgotten */
    expect_rate(&r, 40000, 200, 0);
}

static void a_slow_fleet_has_a_rate_too(void **state)
{
    struct rate r = {0};
    (void)state;
    expect_rate(&r, 0, 0, 0);
    expect_rate(&r, 30000, 1, 1 / 30.0);
    expect_rate(&r, 60000, 2, 1 / 30.0);
}

/* ----------------------------------------------------------------------------------------------------- terminal */

struct terminal {
    int master;
    FILE *talk, *answer;
    struct output out;
    char read[65536];
};

static void open_terminal(struct terminal *t, unsigned short columns)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    *t = (struct terminal){.master = posix_openpt(O_RDWR | O_NOCTTY)};
    assert_true(t->master >= 0 && grantpt(t->master) == 0 && unlockpt(t->master) == 0);
    assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
    t->talk = fopen(ptsname(t->master), "r+");
    t->answer = fopen("/dev/null", "w");
    assert_non_null(t->talk);
    assert_non_null(t->answer);
    output_init(&t->out, t->answer, t->talk);
}

/*
 * What was written since the last time; the terminal writes \r\n for \n. The kernel passes on what was written to a terminal
 * when it has time, in as many parts as it likes: a mark behind it tells when all of it is here.
 */
static const char *seen(struct terminal *t)
{
    static const char mark = '\x1e';
    size_t n = 0;
    assert_int_equal(write(fileno(t->talk), &mark, 1), 1);
    do {
        assert_in_range(n, 0, sizeof t->read - 1);
        assert_int_equal(read(t->master, t->read + n, 1), 1);
    } while (t->read[n++] != mark);
    t->read[n - 1] = '\0';
    return t->read;
}

static void close_terminal(struct terminal *t)
{
    fclose(t->talk);
    fclose(t->answer);
    close(t->master);
}

static void set_environment(const char *term, const char *no_colour, const char *locale)
{
    unsetenv("NO_COLOR");
    unsetenv("TERM");
    setenv("LC_ALL", locale, 1);
    if (term)
        setenv("TERM", term, 1);
    if (no_colour)
        setenv("NO_COLOR", no_colour, 1);
}

static void the_environment_decides_what_is_shown(void **state)
{
    static const struct {
        const char *term, *no_colour, *locale;
        bool terminal, colour, utf8;
    } cases[] = {
        {"xterm", NULL, "C.UTF-8", true, true, true}, {"xterm", "", "C", true, true, false},
        {"xterm", "1", "C.UTF-8", true, false, true}, {"dumb", NULL, "C.UTF-8", false, false, true},
        {NULL, NULL, "C", false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct terminal t;
        set_environment(cases[i].term, cases[i].no_colour, cases[i].locale);
        open_terminal(&t, 80);
        assert_int_equal(t.out.terminal, cases[i].terminal);
        assert_int_equal(t.out.style.colour, cases[i].colour);
        assert_int_equal(t.out.style.utf8, cases[i].utf8);
        close_terminal(&t);
    }
}

/* As if the line had been drawn so long ago. A test may be stopped for longer than any span, so `soon` is yet to come. */
static void drawn(struct terminal *t, int64_t ms_ago)
{
    t->out.progress.drawn_ms = clock_ms() - ms_ago;
}
static const int64_t soon = -3600000;

static void lines_take_the_place_of_the_progress_line(void **state)
{
    struct terminal t;
    struct progress_numbers n = {.name = "t", .total = 4, .done = 1};
    (void)state;
    set_environment("xterm", "1", "C");
    open_terminal(&t, 15);
    output_draw_progress(&t.out, &n);
    assert_string_equal(seen(&t), "\rt  1/4 25%\033[K");
    n.done = 2;
    drawn(&t, soon);
    output_draw_progress(&t.out, &n);
    assert_string_equal(seen(&t), "");
    output_talk(&t.out, TALK_WARNING, "look");
    assert_string_equal(seen(&t), "\r\033[Kwarning: look\r\n");
    output_tick(&t.out);
    assert_string_equal(seen(&t), "");
    drawn(&t, 100);
    output_tick(&t.out);
    assert_string_equal(seen(&t), "\rt  2/4 50%\033[K");
    drawn(&t, soon);
    output_tick(&t.out);
    assert_string_equal(seen(&t), "");
    drawn(&t, 1000);
    output_tick(&t.out);
    assert_string_equal(seen(&t), "\rt  2/4 50%\033[K");
    drawn(&t, 100);
    output_more(&t.out, "more");
    assert_string_equal(seen(&t), "\r\033[Kmore\r\n\rt  2/4 50%\033[K");
    output_end_progress(&t.out);
    drawn(&t, 5000);
    output_tick(&t.out);
    assert_string_equal(seen(&t), "\r\033[K");
    close_terminal(&t);
}

static void the_width_is_asked_at_each_drawing(void **state)
{
    struct terminal t;
    struct progress_numbers n = {.name = "tenant", .total = 4, .done = 1, .failed = 1};
    struct winsize narrow = {.ws_row = 24, .ws_col = 6};
    (void)state;
    set_environment("xterm", NULL, "C");
    open_terminal(&t, 25);
    output_draw_progress(&t.out, &n);
    assert_string_equal(seen(&t), "\r1/4 25%  \033[31m1 failed\033[m\033[K");
    ioctl(t.master, TIOCSWINSZ, &narrow);
    drawn(&t, 100);
    output_draw_progress(&t.out, &n);
    assert_string_equal(seen(&t), "\r1/4\033[K");
    close_terminal(&t);
}

/* A terminal that was stopped must not stop whoever takes the signals. */
static void a_stopped_terminal_is_not_waited_for(void **state)
{
    struct terminal t;
    struct progress_numbers n = {.name = "t", .total = 4};
    (void)state;
    set_environment("xterm", NULL, "C");
    open_terminal(&t, 40);
    output_draw_progress(&t.out, &n);
    seen(&t);
    assert_int_equal(ioctl(fileno(t.talk), TCXONC, 0), 0);
    drawn(&t, 5000);
    output_tick(&t.out);
    assert_int_equal(ioctl(fileno(t.talk), TCXONC, 1), 0);
    assert_string_equal(seen(&t), "");
    pthread_mutex_lock(&t.out.mutex); /* somebody else is writing */
    output_tick(&t.out);
    pthread_mutex_unlock(&t.out.mutex);
    assert_string_equal(seen(&t), "");
    close_terminal(&t);
}

static void quiet_and_json_have_no_progress_line(void **state)
{
    struct terminal t;
    struct progress_numbers n = {.name = "t", .total = 4};
    (void)state;
    set_environment("xterm", NULL, "C");
    open_terminal(&t, 40);
    t.out.quiet = true;
    output_draw_progress(&t.out, &n);
    t.out.quiet = false;
    t.out.json = true;
    output_draw_progress(&t.out, &n);
    output_tick(&t.out);
    assert_string_equal(seen(&t), "");
    close_terminal(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_what_fits_its_width),
        cmocka_unit_test(no_width_is_exceeded),
        cmocka_unit_test(blocks_are_for_locales_that_have_them),
        cmocka_unit_test(colour_is_for_failures_alone),
        cmocka_unit_test(names_are_cleaned_and_cut),
        cmocka_unit_test(speeds_and_times_are_for_people),
        cmocka_unit_test(bars_show_something_as_something),
        cmocka_unit_test(the_rate_is_that_of_the_last_seconds),
        cmocka_unit_test(a_slow_fleet_has_a_rate_too),
        cmocka_unit_test(the_environment_decides_what_is_shown),
        cmocka_unit_test(lines_take_the_place_of_the_progress_line),
        cmocka_unit_test(the_width_is_asked_at_each_drawing),
        cmocka_unit_test(a_stopped_terminal_is_not_waited_for),
        cmocka_unit_test(quiet_and_json_have_no_progress_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
