/* The manual page: roff for groff's man macros, without a warning. */
#include <string.h>

#include "tool/help.h"

/*
 * Text as roff reads it literally: backslashes and hyphens escaped, characters beyond ASCII by their number, and no line
 * that begins with a control character.
 */
static void add_text(struct buf *out, const char *z)
{
    const unsigned char *p = (const unsigned char *)z;
    if (*p == '.' || *p == '\'')
        buf_addz(out, "\\&");
    while (*p) {
        unsigned code = *p;
        size_t n = code < 0x80 ? 1 : code < 0xE0 ? 2 : code < 0xF0 ? 3 : 4;
        if (n > 1)
            code &= 0xFFU >> (n + 1);
        for (size_t i = 1; i < n; i++)
            code = code << 6 | (p[i] & 0x3FU);
        if (code == '\\')
            buf_addz(out, "\\e");
        else if (code == '-')
            buf_addz(out, "\\-");
        else if (n > 1)
            buf_addf(out, "\\[u%04X]", code);
        else
            buf_addc(out, (char)code);
        p += n;
    }
}

static void add_line(struct buf *out, const char *z)
{
    add_text(out, z);
    buf_addc(out, '\n');
}

/* Paragraphs, separated in `text` by empty lines. */
static void add_paragraphs(struct buf *out, const char *text, const char *between)
{
    struct str rest = str_from(text), line;
    bool first = true;
    while (str_next(&rest, '\n', &line)) {
        BUF_AUTO z = {0};
        if (!line.n)
            continue;
        if (!first)
            buf_addf(out, "%s\n", between);
        first = false;
        buf_adds(&z, line);
        add_line(out, z.p);
    }
}

/* A sentence from a help line: capital first, period last. */
static void add_sentence(struct buf *out, const char *help)
{
    BUF_AUTO text = {0};
    buf_addz(&text, help);
    if (text.p[0] >= 'a' && text.p[0] <= 'z')
        text.p[0] = (char)(text.p[0] - 'a' + 'A');
    buf_addc(&text, '.');
    add_line(out, text.p);
}

static void add_option(struct buf *out, const struct option *o)
{
    buf_addz(out, ".TP\n\\fB");
    if (o->letter)
        buf_addf(out, "\\-%c%s", o->letter, option_has_long(o) ? "\\fR, \\fB" : "");
    if (option_has_long(o)) {
        buf_addz(out, "\\-\\-");
        add_text(out, o->name);
    }
    buf_addz(out, "\\fR");
    if (o->argument) {
        buf_addz(out, o->flags & OPTION_BARE ? "[=\\fI" : " \\fI");
        add_text(out, o->argument);
        buf_addz(out, o->flags & OPTION_BARE ? "\\fR]" : "\\fR");
    }
    buf_addc(out, '\n');
    add_sentence(out, o->help);
    if (o->more)
        add_paragraphs(out, o->more, ".IP");
}

/* "upgrade, downgrade" for options that not every command takes; nothing for those of settings. */
static void add_takers(struct buf *out, const struct grammar *g, const struct option *o)
{
    BUF_AUTO list = {0};
    if (!o->commands || o->setting || strncmp(o->commands, "@visits", 7) == 0)
        return;
    for (size_t i = 0; i < g->n_commands; i++)
        if (!(g->commands[i]->flags & COMMAND_HIDDEN) && option_is_for(o, g->commands[i]))
            buf_addf(&list, "%s%s", list.n ? ", " : "Commands: ", g->commands[i]->name);
    if (!list.n)
        return;
    buf_addc(&list, '.');
    add_line(out, list.p);
}

static void add_command(struct buf *out, const struct grammar *g, const struct command *c)
{
    buf_addz(out, ".TP\n\\fB");
    if (c->flags & COMMAND_STREAM)
        buf_addz(out, "\\fISTREAM\\fB ");
    add_text(out, c->name);
    buf_addz(out, "\\fR");
    if (*c->operands) {
        buf_addz(out, " \\fI");
        add_text(out, c->operands);
        buf_addz(out, "\\fR");
    }
    buf_addc(out, '\n');
    add_sentence(out, c->help);
    if (c->more)
        add_paragraphs(out, c->more, ".IP");
    (void)g;
}

static void add_examples(struct buf *out, const struct grammar *g)
{
    for (size_t i = 0; i < g->n_commands; i++) {
        const char *const *e = g->commands[i]->examples;
        for (; e && e[0]; e += 2) {
            BUF_AUTO line = {0};
            if (!help_example(&line, g, e))
                continue;
            buf_addz(out, ".TP\n\\fB");
            add_text(out, line.p);
            buf_addz(out, "\\fR\n");
            add_sentence(out, e[1]);
        }
    }
}

static void add_environment(struct buf *out, const struct grammar *g)
{
    BUF_AUTO example = {0};
    setting_variable(&example, g->program, "STREAM", "KEY");
    buf_addz(out, ".SH ENVIRONMENT\nEvery setting has a variable, \\fB");
    add_text(out, example.p);
    buf_addz(out, "\\fR in upper case, and a form with \\fB_FILE\\fR behind it that names a file with the value.\n"
                  "A flag comes before the variable, the variable before what was embedded.\n");
    for (size_t i = 0; i < n_settings; i++) {
        const struct setting *s = &settings[i];
        if (s->flags & SETTING_BUILD)
            continue;
        buf_addz(out, ".TP\n\\fB");
        add_text(out, s->key);
        buf_addz(out, "\\fR");
        if (s->fallback && *s->fallback) {
            buf_addz(out, " (");
            add_text(out, s->fallback);
            buf_addz(out, ")");
        }
        buf_addc(out, '\n');
        add_sentence(out, s->help);
    }
}

static void add_exit_status(struct buf *out, const struct grammar *g)
{
    buf_addz(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < g->n_exit_codes; i++) {
        buf_addf(out, ".TP\n\\fB%s\\fR\n", g->exit_codes[i].code);
        add_sentence(out, g->exit_codes[i].help);
    }
}

static void add_synopsis(struct buf *out, const struct grammar *g)
{
    buf_addz(out, ".SH SYNOPSIS\n");
    if (g->target_command) {
        buf_addz(out, ".B ");
        add_text(out, g->program);
        buf_addz(out, "\n[\\fIOPTIONS\\fR] \\fISTREAM TARGET\\fR\n.br\n");
    }
    buf_addz(out, ".B ");
    add_text(out, g->program);
    buf_addz(out, "\n[\\fIOPTIONS\\fR] \\fISTREAM COMMAND\\fR [\\fIOPERAND\\fR\\[u2026]]\n.br\n.B ");
    add_text(out, g->program);
    buf_addz(out, "\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIOPERAND\\fR\\[u2026]]\n");
}

void help_man(struct buf *out, const struct grammar *g, const char *version)
{
    buf_addz(out, ".\\\" Made from the tables of commands, options and settings.\n.TH ");
    for (const char *p = g->program; *p; p++)
        buf_addc(out, *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
    buf_addf(out, " 1 \"\" \"%s %s\"\n.SH NAME\n", g->program, version);
    add_text(out, g->program);
    buf_addz(out, " \\- ");
    add_line(out, g->summary);
    add_synopsis(out, g);
    buf_addz(out, ".SH DESCRIPTION\n");
    add_paragraphs(out, g->intro, ".PP");
    buf_addz(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < g->n_commands; i++)
        if (!(g->commands[i]->flags & COMMAND_HIDDEN))
            add_command(out, g, g->commands[i]);
    buf_addz(out, ".SH OPTIONS\nOptions stand anywhere. A word of a minus sign and digits is always an operand; "
                  "\\fB\\-\\-\\fR ends the options.\n");
    for (size_t i = 0; i < g->n_options; i++)
        if (!(g->options[i].flags & OPTION_HIDDEN)) {
            add_option(out, &g->options[i]);
            add_takers(out, g, &g->options[i]);
        }
    add_exit_status(out, g);
    if (g->target_command)
        add_environment(out, g);
    buf_addz(out, ".SH EXAMPLES\n");
    add_examples(out, g);
}
