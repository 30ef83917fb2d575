/* The grammar of command lines, each refusal with its words, and what is made of the same tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/completion.h"
#include "tool/help.h"
#include "tool/options.h"

static const char *const upgrade_examples[] = {"tenant head", "all of them", NULL};
static const struct command upgrade = {.name = "upgrade",
                                       .operands = "TARGET",
                                       .least = 1,
                                       .most = 1,
                                       .flags = COMMAND_STREAM | COMMAND_VISITS | COMMAND_WRITES,
                                       .help = "go up",
                                       .more = "First.\n\nSecond \\ 'quoted'.",
                                       .examples = upgrade_examples};
static const struct command downgrade = {.name = "downgrade",
                                         .operands = "TARGET",
                                         .least = 1,
                                         .most = 1,
                                         .flags = COMMAND_STREAM | COMMAND_VISITS | COMMAND_WRITES,
                                         .help = "go down"};
static const struct command heads = {.name = "heads", .operands = "", .flags = COMMAND_STREAM, .help = "the newest"};
static const struct command history = {.name = "history", .operands = "", .flags = COMMAND_STREAM, .help = "the past"};
static const struct command current = {
    .name = "current", .operands = "", .flags = COMMAND_STREAM | COMMAND_VISITS, .help = "the present"};
static const struct command stamp = {.name = "stamp",
                                     .operands = "REVISION…",
                                     .least = 1,
                                     .most = -1,
                                     .flags = COMMAND_STREAM | COMMAND_VISITS,
                                     .help = "rows only"};
static const struct command ensure = {
    .name = "ensure-version", .alias = "ensure_version", .operands = "", .flags = COMMAND_STREAM, .help = "the table"};
static const struct command config = {
    .name = "config", .operands = "", .flags = COMMAND_STREAM | COMMAND_ALONE, .help = "settings"};
static const struct command help = {
    .name = "help", .operands = "[COMMAND]", .most = 1, .flags = COMMAND_ALONE, .help = "this"};
static const struct command version = {.name = "version", .operands = "", .flags = COMMAND_ALONE, .help = "which"};
static const struct command revision = {.name = "revision",
                                        .operands = "",
                                        .most = -1,
                                        .flags = COMMAND_STREAM | COMMAND_ALONE | COMMAND_HIDDEN,
                                        .help = "elsewhere"};
static const struct command *const commands[] = {&upgrade, &downgrade, &heads, &history, &current, &stamp,
                                                 &ensure,  &config,    &help,  &version, &revision};

static const struct option rows[] = {
    {.name = "name", .letter = 'n', .argument = "STREAM", .help = "the stream"},
    {.name = "x",
     .letter = 'x',
     .argument = "KEY=VALUE",
     .flags = OPTION_REPEATS,
     .commands = "@visits",
     .help = "more"},
    {.name = "tenant", .argument = "ID", .flags = OPTION_REPEATS, .commands = "@visits", .help = "only this one"},
    {.name = "rev-range", .letter = 'r', .argument = "START:END", .commands = "history", .help = "only these"},
    {.name = "indicate-current", .letter = 'i', .commands = "history", .help = "mark them"},
    {.name = "check-heads", .letter = 'c', .commands = "current", .help = "look"},
    {.name = "purge", .commands = "stamp", .help = "all rows"},
    {.name = "message", .letter = 'm', .argument = "TEXT", .flags = OPTION_HIDDEN, .commands = "revision"},
    {.name = "format", .argument = "dot|mermaid", .commands = "history", .help = "as text"},
    {.name = "config", .letter = 'c', .argument = "FILE", .help = "ignored"},
    {.name = "verbose", .letter = 'v', .flags = OPTION_REPEATS, .help = "more"},
    {.name = "json", .help = "for programs"},
    {.name = "help", .letter = 'h', .help = "help"},
    {.name = "version", .help = "version"},
};

/* head, +N and ids that begin with a digit are targets here. */
static bool is_target(void *context, const char *stream, const char *word, struct err *e)
{
    (void)context;
    (void)stream;
    if (strcmp(word, "head") == 0 || word[0] == '+' || (word[0] >= '0' && word[0] <= '9'))
        return true;
    return err_set(e, FAULT_USAGE, "\"%s\" is neither a command nor a target", word);
}

static struct arena arena;
static struct grammar grammar;

static int set_up(void **state)
{
    (void)state;
    grammar = (struct grammar){.program = "migrate",
                               .summary = "migrate things",
                               .intro = "One.\n\nTwo.",
                               .commands = commands,
                               .n_commands = sizeof commands / sizeof *commands,
                               .has_all = true,
                               .target_command = "upgrade",
                               .is_target = is_target};
    grammar.options = options_with_settings(&arena, rows, sizeof rows / sizeof *rows, &grammar.n_options);
    vec_push(&arena, &grammar.streams, "shared");
    vec_push(&arena, &grammar.streams, "tenant");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A command line is written as one text: words are separated by single blanks, '' is the empty word. */
static bool parse(const char *line, struct call *out, struct err *e)
{
    static char copy[512];
    static char *argv[64];
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t) "migrate";
    assert_true(strlen(line) < sizeof copy);
    memcpy(copy, line, strlen(line) + 1);
    for (char *p = copy; *p;) {
        char *end = strchr(p, ' ');
        if (end)
            *end = '\0';
        argv[argc++] = strcmp(p, "''") == 0 ? p + 2 : p;
        if (!end)
            break;
        p = end + 1;
    }
    argv[argc] = NULL;
    return options_parse(&arena, &grammar, argc, argv, out, e);
}

static void understood(const char *line, const char *stream, const char *command, const char *operands)
{
    struct call call;
    AUTO_ERR e = {0};
    BUF_AUTO got = {0};
    if (!parse(line, &call, &e))
        fail_msg("%s: %s", line, e.message);
    strings_join(&got, &call.operands, " ");
    if ((stream ? !call.stream || strcmp(call.stream, stream) != 0 : call.stream != NULL) ||
        strcmp(call.command->name, command) != 0 || strcmp(got.n ? got.p : "", operands) != 0)
        fail_msg("%s: stream %s, command %s, operands %s", line, call.stream ? call.stream : "none", call.command->name,
                 got.n ? got.p : "none");
}

static void refused(const char *line, const char *message, const char *hint)
{
    struct call call;
    AUTO_ERR e = {0};
    if (parse(line, &call, &e))
        fail_msg("%s: was understood", line);
    assert_int_equal(e.fault, FAULT_USAGE);
    assert_string_equal(e.message, message);
    assert_string_equal(e.hint ? e.hint : "", hint);
}

static void every_form_is_understood(void **state)
{
    (void)state;
    understood("tenant head", "tenant", "upgrade", "head");
    understood("tenant +2", "tenant", "upgrade", "+2");
    understood("tenant 8e41b7c203fa", "tenant", "upgrade", "8e41b7c203fa");
    understood("all head", "all", "upgrade", "head");
    understood("tenant heads", "tenant", "heads", "");
    understood("tenant upgrade heads", "tenant", "upgrade", "heads");
    understood("-n tenant upgrade head -x tenant_id=acme", "tenant", "upgrade", "head");
    understood("-n tenant head", "tenant", "upgrade", "head");
    understood("-n=tenant heads", "tenant", "heads", "");
    understood("-ntenant heads", "tenant", "heads", "");
    understood("--name=tenant heads", "tenant", "heads", "");
    understood("--name tenant heads", "tenant", "heads", "");
    understood("heads -n tenant", "tenant", "heads", "");
    understood("--json tenant --verbose downgrade -v -1", "tenant", "downgrade", "-1");
    understood("tenant downgrade -1", "tenant", "downgrade", "-1");
    understood("tenant downgrade -- -1", "tenant", "downgrade", "-1");
    understood("tenant stamp a b c --purge", "tenant", "stamp", "a b c");
    understood("tenant stamp -- --purge", "tenant", "stamp", "--purge");
    understood("tenant ensure_version", "tenant", "ensure-version", "");
    understood("version", NULL, "version", "");
    understood("--version", NULL, "version", "");
    understood("help upgrade", NULL, "help", "upgrade");
    understood("--help", NULL, "help", "");
    understood("tenant upgrade --help", NULL, "help", "upgrade");
    understood("tenant upgrade -h", NULL, "help", "upgrade");
    understood("config", NULL, "config", "");
    understood("tenant config --jobs 3", "tenant", "config", "");
    understood("revision -m text", NULL, "revision", "");
}

static const char *value_of(const char *line, const char *option)
{
    struct call call;
    AUTO_ERR e = {0};
    if (!parse(line, &call, &e))
        fail_msg("%s: %s", line, e.message);
    const char *value = call_value(&call, option);
    return value ? arena_strdup(&arena, value) : call_has(&call, option) ? "given" : NULL;
}

static void options_take_their_values(void **state)
{
    (void)state;
    assert_string_equal(value_of("tenant history -r=-2:", "rev-range"), "-2:");
    assert_string_equal(value_of("tenant history -r -2:", "rev-range"), "-2:");
    assert_string_equal(value_of("tenant history -r-2:", "rev-range"), "-2:");
    assert_string_equal(value_of("tenant history --rev-range -v", "rev-range"), "-v");
    assert_string_equal(value_of("tenant history -vir a:b", "rev-range"), "a:b");
    assert_string_equal(value_of("tenant history -vi", "indicate-current"), "given");
    assert_string_equal(value_of("tenant head --tenant ''", "tenant"), "");
    assert_string_equal(value_of("tenant head --tenant=", "tenant"), "");
    assert_string_equal(value_of("tenant head --jobs 4 --jobs=5", "jobs"), "5");
    assert_string_equal(value_of("tenant head --allow-foreign-engine", "allow-foreign-engine"), "given");
    assert_string_equal(value_of("-n a -n tenant head", "name"), "tenant");
    assert_null(value_of("tenant head", "json"));
    /* A letter means what the command says, once the command is known. */
    assert_string_equal(value_of("tenant current -c", "check-heads"), "given");
    assert_null(value_of("tenant current -c", "config"));
    assert_string_equal(value_of("-c alembic.ini tenant current", "config"), "alembic.ini");
    assert_string_equal(value_of("tenant head -c alembic.ini", "config"), "alembic.ini");
}

static void repeated_options_add_up(void **state)
{
    struct call call;
    AUTO_ERR e = {0};
    (void)state;
    assert_true(parse("tenant head --tenant a -vv -x tenant_id=b --tenant c -v", &call, &e));
    struct strings tenants = call_values(&arena, &call, "tenant");
    assert_int_equal(tenants.n, 2);
    assert_string_equal(tenants.v[0], "a");
    assert_string_equal(tenants.v[1], "c");
    assert_int_equal(call_count(&call, "verbose"), 3);
}

static void every_refusal_says_what_to_do(void **state)
{
    (void)state;
    refused("", "nothing to do", "migrate STREAM head; migrate help lists the commands");
    refused("tenant", "what is to be done with \"tenant\"?", "migrate tenant head; migrate help lists the commands");
    refused("-n tenant", "what is to be done with \"tenant\"?", "migrate tenant head; migrate help lists the commands");
    refused("tenent head", "\"tenent\" is neither a stream nor a command", "did you mean \"tenant\"?");
    refused("verison", "\"verison\" is neither a stream nor a command", "did you mean \"version\"?");
    refused("elsewhere head", "\"elsewhere\" is neither a stream nor a command", "streams: shared, tenant, all");
    refused("-n tenent head", "there is no stream \"tenent\"", "did you mean \"tenant\"?");
    refused("-n elsewhere head", "there is no stream \"elsewhere\"", "streams: shared, tenant, all");
    refused("upgrade head", "upgrade needs a stream",
            "migrate all upgrade TARGET, or one of the streams: shared, tenant, all");
    refused("tenant upgarde head", "\"upgarde\" is neither a command nor a target", "did you mean \"upgrade\"?");
    refused("tenant xyzzy", "\"xyzzy\" is neither a command nor a target", "migrate help lists the commands");
    refused("tenant upgrade", "upgrade needs TARGET", "migrate tenant upgrade TARGET");
    refused("tenant upgrade a b", "unexpected word \"b\"", "migrate tenant upgrade TARGET");
    refused("tenant head head", "unexpected word \"head\"", "migrate tenant upgrade TARGET");
    refused("tenant heads x", "unexpected word \"x\"", "migrate tenant heads");
    refused("-n tenant version", "version takes no stream", "migrate version");
    refused("tenant version", "version takes no stream", "migrate version");
    refused("tenant head --jsno", "unknown option \"--jsno\"", "did you mean --json?");
    refused("tenant head --nothing-like-it=secret", "unknown option \"--nothing-like-it\"",
            "migrate help COMMAND lists a command's options");
    refused("tenant head -Z", "unknown option \"-Z\"", "migrate help COMMAND lists a command's options");
    refused("tenant history -vZ", "unknown option \"-Z\"", "migrate help COMMAND lists a command's options");
    refused("tenant head -1x", "unknown option \"-1x\"", "migrate help COMMAND lists a command's options");
    refused("tenant head --tenant", "option --tenant needs a value", "--tenant ID");
    refused("tenant history -r", "option -r needs a value", "-r START:END");
    refused("tenant head --json=yes", "option --json takes no value", "");
    refused("tenant head -v=1", "option -v takes no value", "");
    refused("tenant head --purge", "upgrade takes no --purge", "commands with this option: stamp");
    refused("tenant heads --tenant a", "heads takes no --tenant",
            "commands with this option: upgrade, downgrade, current, stamp");
}

static void what_was_understood_counts_even_when_the_rest_was_not(void **state)
{
    struct call call;
    AUTO_ERR e = {0};
    (void)state;
    assert_false(parse("--json tenant nonsense", &call, &e));
    assert_true(call_has(&call, "json"));
}

static void near_words_are_found_and_far_ones_are_not(void **state)
{
    struct strings words = {0};
    (void)state;
    vec_push(&arena, &words, "upgrade");
    vec_push(&arena, &words, "log");
    assert_string_equal(nearest_word(STR("upgarde"), &words), "upgrade");
    assert_string_equal(nearest_word(STR("lgo"), &words), "log");
    assert_null(nearest_word(STR("cat"), &words));
    assert_null(nearest_word(STR("unrelated"), &words));
}

static bool contains(const struct buf *text, const char *part)
{
    return strstr(text->p, part) != NULL;
}

static void help_shows_what_is_not_hidden(void **state)
{
    BUF_AUTO all = {0}, one = {0};
    (void)state;
    help_overview(&all, &grammar);
    assert_true(contains(&all, "upgrade TARGET"));
    assert_true(contains(&all, "Streams: shared, tenant; all"));
    assert_true(contains(&all, "-v, --verbose"));
    assert_false(contains(&all, "elsewhere"));
    help_command(&one, &grammar, &upgrade);
    assert_true(contains(&one, "migrate STREAM upgrade TARGET"));
    assert_true(contains(&one, "First.\n\n  Second"));
    assert_true(contains(&one, "--lock-timeout DURATION"));
    assert_true(contains(&one, "migrate tenant head"));
    assert_false(contains(&one, "--rev-range"));
}

static void the_manual_escapes_what_roff_would_read(void **state)
{
    BUF_AUTO text = {0};
    (void)state;
    help_man(&text, &grammar, "1.0");
    assert_true(contains(&text, ".TH MIGRATE 1 \"\" \"migrate 1.0\""));
    assert_true(contains(&text, "Second \\e 'quoted'."));
    assert_true(contains(&text, "\\-\\-rev\\-range"));
    assert_true(contains(&text, "REVISION\\[u2026]"));
    for (size_t i = 0; i < text.n; i++)
        assert_true((unsigned char)text.p[i] < 0x80);
}

static void completion_speaks_three_shells(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        BUF_AUTO text = {0};
        assert_true(completion_write(&text, &grammar, str_from(shells[i])));
        assert_true(contains(&text, "shared tenant all"));
        assert_true(contains(&text, "upgrade"));
        assert_false(contains(&text, "elsewhere"));
        assert_false(contains(&text, "--message"));
    }
    BUF_AUTO none = {0};
    assert_false(completion_write(&none, &grammar, STR("csh")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_understood),
        cmocka_unit_test(options_take_their_values),
        cmocka_unit_test(repeated_options_add_up),
        cmocka_unit_test(every_refusal_says_what_to_do),
        cmocka_unit_test(what_was_understood_counts_even_when_the_rest_was_not),
        cmocka_unit_test(near_words_are_found_and_far_ones_are_not),
        cmocka_unit_test(help_shows_what_is_not_hidden),
        cmocka_unit_test(the_manual_escapes_what_roff_would_read),
        cmocka_unit_test(completion_speaks_three_shells),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
