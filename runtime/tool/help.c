/* Renders the tables as help texts and Markdown. */
#include "tool/help.h"

#include <string.h>

enum { WIDTH = 100 };

/* Text filled to WIDTH, indented; empty lines separate paragraphs. */
static void add_filled(struct buf *out, const char *text, size_t indent)
{
    struct str rest = str_from(text), paragraph, word;
    bool first = true;
    while (str_next(&rest, '\n', &paragraph)) {
        size_t column = 0;
        if (!paragraph.n)
            continue;
        if (!first)
            buf_addc(out, '\n');
        first = false;
        while (str_next(&paragraph, ' ', &word)) {
            if (column && column + 1 + word.n > WIDTH) {
                buf_addc(out, '\n');
                column = 0;
            }
            if (!column)
                buf_pad(out, ' ', indent);
            else
                buf_addc(out, ' ');
            column = (column ? column + 1 : indent) + word.n;
            buf_adds(out, word);
        }
        buf_addc(out, '\n');
    }
}

/* Characters, as far as columns go. */
static size_t columns(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

/* "  LEFT      RIGHT", the right side filled and lined up at `at`. */
static void add_row(struct buf *out, struct str left, const char *right, size_t at)
{
    BUF_AUTO text = {0};
    size_t used = 2 + columns(left);
    buf_addz(out, "  ");
    buf_adds(out, left);
    if (used + 2 > at) {
        buf_addc(out, '\n');
        used = 0;
    }
    add_filled(&text, right, at);
    buf_pad(out, ' ', at - used);
    buf_add(out, text.p + at, text.n - at);
}

static void add_option_rows(struct buf *out, const struct grammar *g, const struct command *c, bool general)
{
    for (size_t i = 0; i < g->n_options; i++) {
        const struct option *o = &g->options[i];
        BUF_AUTO left = {0};
        if (o->flags & OPTION_HIDDEN || (o->commands == NULL) != general || (c && !option_is_for(o, c)))
            continue;
        if (!o->letter)
            buf_addz(&left, "    ");
        option_spell(&left, o);
        add_row(out, buf_str(&left), o->help, 36);
    }
}

static void add_usage(struct buf *out, const struct grammar *g)
{
    if (g->target_command)
        buf_addf(out, "  %s [OPTIONS] STREAM TARGET            short for: STREAM %s TARGET\n", g->program,
                 g->target_command);
    buf_addf(out, "  %s [OPTIONS] STREAM COMMAND [OPERAND…]\n", g->program);
    buf_addf(out, "  %s [OPTIONS] COMMAND [OPERAND…]\n", g->program);
}

static void add_streams(struct buf *out, const struct grammar *g)
{
    if (!g->streams.n)
        return;
    buf_addz(out, "\nStreams: ");
    strings_join(out, &g->streams, ", ");
    buf_addz(out, g->has_all ? "; all: each of them, registry first\n" : "\n");
}

static void add_exit_codes(struct buf *out, const struct grammar *g)
{
    for (size_t i = 0; i < g->n_exit_codes; i++)
        add_row(out, str_from(g->exit_codes[i].code), g->exit_codes[i].help, 10);
}

void help_overview(struct buf *out, const struct grammar *g)
{
    buf_addf(out, "%s: %s\n\n", g->program, g->summary);
    add_usage(out, g);
    add_streams(out, g);
    buf_addz(out, "\nCommands\n");
    for (size_t i = 0; i < g->n_commands; i++) {
        const struct command *c = g->commands[i];
        BUF_AUTO left = {0};
        if (c->flags & COMMAND_HIDDEN)
            continue;
        buf_addf(&left, "%s%s%s", c->name, *c->operands ? " " : "", c->operands);
        add_row(out, buf_str(&left), c->help, 24);
    }
    buf_addz(out, "\nOptions of every command\n");
    add_option_rows(out, g, NULL, true);
    buf_addz(out, "\nExit codes\n");
    add_exit_codes(out, g);
    buf_addf(out, "\n%s help COMMAND tells the rest.\n", g->program);
}

bool help_example(struct buf *out, const struct grammar *g, const char *const example[2])
{
    struct str rest = str_from(example[0]);
    const char *stream = NULL;
    if (str_starts(rest, STR("shared "))) {
        stream = g->single;
    } else if (str_starts(rest, STR("tenant "))) {
        bool has_fleet = g->fleet || !g->single;
        if (!has_fleet && (strstr(example[0] + strlen("tenant"), "tenant") || strstr(example[1], "tenant")))
            return false;
        stream = g->fleet ? g->fleet : g->single;
    }
    buf_addf(out, "%s %s%s", g->program, stream ? stream : "", example[0] + (stream ? strlen("tenant") : 0));
    return true;
}

static void add_examples(struct buf *out, const struct grammar *g, const struct command *c)
{
    for (size_t i = 0; c->examples && c->examples[i]; i += 2) {
        BUF_AUTO left = {0};
        if (help_example(&left, g, &c->examples[i]))
            add_row(out, buf_str(&left), c->examples[i + 1], 56);
    }
}

static void add_command_usage(struct buf *out, const struct grammar *g, const struct command *c)
{
    buf_addf(out, "%s %s%s%s%s", g->program, c->flags & COMMAND_STREAM ? "STREAM " : "", c->name,
             *c->operands ? " " : "", c->operands);
}

void help_command(struct buf *out, const struct grammar *g, const struct command *c)
{
    BUF_AUTO options = {0};
    buf_addz(out, "  ");
    add_command_usage(out, g, c);
    buf_addf(out, "\n\n  %s", c->help);
    buf_addz(out, "\n");
    if (c->more) {
        buf_addc(out, '\n');
        add_filled(out, c->more, 2);
    }
    add_option_rows(&options, g, c, false);
    if (options.n) {
        buf_addz(out, "\nOptions\n");
        buf_adds(out, buf_str(&options));
    }
    if (c->examples) {
        buf_addz(out, "\nExamples\n");
        add_examples(out, g, c);
    }
}

/* ------------------------------------------------------------------------------------------------ configuration */

/* A cell of a Markdown table: "|" would end it. */
static void add_cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_addc(out, '\\');
        buf_addc(out, *text);
    }
}

static void add_setting(struct buf *out, const struct setting *s, const char *program)
{
    BUF_AUTO variable = {0};
    setting_variable(&variable, program, "STREAM", s->key);
    buf_addf(out, "\n### `%s`\n\n", s->key);
    buf_addc(out, s->help[0] >= 'a' && s->help[0] <= 'z' ? (char)(s->help[0] - 'a' + 'A') : s->help[0]);
    add_cell(out, s->help + 1);
    buf_addz(out, ".");
    if (s->more)
        buf_addf(out, " %s", s->more);
    buf_addz(out, "\n\n| for | type | default | flag | variable |\n|---|---|---|---|---|\n| ");
    buf_addf(out, "%s%s | ", setting_kinds(s), s->flags & SETTING_REQUIRED ? ", required" : "");
    add_cell(out, s->choices ? s->choices : setting_type_name(s->type));
    buf_addz(out, " | ");
    if (s->fallback && *s->fallback)
        buf_addf(out, "`%s` | ", s->fallback);
    else
        buf_addz(out, "none | ");
    if (s->flag)
        buf_addf(out, "`--%s` | ", s->flag);
    else
        buf_addz(out, "none | ");
    if (s->flags & SETTING_BUILD)
        buf_addz(out, "none: a fact of the build |\n");
    else
        buf_addf(out, "`%s` |\n", variable.p);
}

static const char configuration_intro[] =
    "# Settings\n"
    "\n"
    "<!-- Made by `make docs` from the table in runtime/tool/settings.c. -->\n"
    "\n"
    "Each stream has its `migrations/STREAM/env.ini`, with a section `[stream]`; another, `[lint]`, holds the severities\n"
    "of [lint.md](lint.md). The build checks the file and embeds it in the executable, which reads no configuration file.\n"
    "At run time a flag comes before the environment, the environment before what was embedded, and that before the\n"
    "default; `config` shows each value with its origin.\n"
    "\n"
    "- The variable of a setting is made of the executable's name, the stream and the key. Every variable also has a form\n"
    "  with `_FILE` behind it, which names a file that holds the value: a mounted secret. An empty variable counts as\n"
    "  unset; both forms at once are refused; an unknown variable with the prefix is warned about.\n"
    "- `${VAR}` in env.ini stands for a variable of the environment (or the file that `VAR_FILE` names) and is expanded\n"
    "  when a command needs it. A value that is `${VAR}` alone is a whole address; otherwise the template is parsed first\n"
    "  and the value goes into its component raw, so that a password like `p@ss/w` works. A literal password in env.ini is\n"
    "  refused.\n"
    "- `{column}` in a fleet's settings stands for a column of `tenants_query`.\n"
    "- Comments stand on lines of their own. Durations carry a unit: `250ms`, `5s`, `10min`, `2h`, `1d`.\n"
    "\n"
    "A stream called `tenant` in an executable called `%s` reads `";

void help_configuration(struct buf *out, const char *program)
{
    struct str intro = str_from(configuration_intro);
    size_t at = (size_t)(strstr(configuration_intro, "%s") - configuration_intro);
    buf_adds(out, str_slice(intro, 0, at));
    buf_addz(out, program);
    buf_adds(out, str_slice(intro, at + 2, intro.n));
    setting_variable(out, program, "tenant", "jobs");
    buf_addz(out, "`; below, STREAM stands for the stream.\n\n## Keys\n");
    for (size_t i = 0; i < n_settings; i++)
        add_setting(out, &settings[i], program);
}
