/*
 * Scripts for bash, zsh and fish. Each offers streams and commands where they can stand, targets that are words, and the
 * options of the command that was typed.
 */
#include "tool/completion.h"

#include <string.h>

static void add_streams(struct buf *out, const struct grammar *g)
{
    strings_join(out, &g->streams, " ");
    if (g->has_all)
        buf_addf(out, "%sall", g->streams.n ? " " : "");
}

static void add_commands(struct buf *out, const struct grammar *g, unsigned flag)
{
    bool first = true;
    for (size_t i = 0; i < g->n_commands; i++) {
        if (!(g->commands[i]->flags & flag) || g->commands[i]->flags & COMMAND_HIDDEN)
            continue;
        buf_addf(out, "%s%s", first ? "" : " ", g->commands[i]->name);
        first = false;
    }
}

/* The long options of a command; of every command when c is NULL. */
static void add_options(struct buf *out, const struct grammar *g, const struct command *c)
{
    bool first = true;
    for (size_t i = 0; i < g->n_options; i++) {
        const struct option *o = &g->options[i];
        if (o->flags & OPTION_HIDDEN || !option_has_long(o) || (c ? !option_is_for(o, c) : o->commands != NULL))
            continue;
        buf_addf(out, "%s--%s", first ? "" : " ", o->name);
        first = false;
    }
}

/* Choices of an option's value: "postgresql|sqlite" but not "FILE", "N|P%". */
static bool has_choices(const struct option *o)
{
    return o->argument && strchr(o->argument, '|') && o->argument[0] >= 'a' && o->argument[0] <= 'z';
}

static void add_choices(struct buf *out, const struct option *o)
{
    for (const char *p = o->argument; *p; p++)
        buf_addc(out, *p == '|' ? ' ' : *p);
}

/* A name that a shell function can have. */
static void add_function(struct buf *out, const struct grammar *g)
{
    for (const char *p = g->program; *p; p++)
        buf_addc(out, (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ? *p : '_');
}

static const char *targets(const struct grammar *g)
{
    return g->target_command ? "head" : "";
}

/* Operands of which one is to be chosen: "bash|zsh|fish", a command. Other words that stand there are unknown. */
static void add_operands(struct buf *out, const struct grammar *g, const struct command *c)
{
    if (strchr(c->operands, '|'))
        for (const char *p = c->operands; *p; p++)
            buf_addc(out, *p == '|' ? ' ' : *p);
    else if (strcmp(c->operands, "[COMMAND]") == 0)
        add_commands(out, g, COMMAND_STREAM | COMMAND_ALONE);
    else if (g->target_command && (strstr(c->operands, "TARGET") || strstr(c->operands, "REVISION")))
        buf_addz(out, "head heads base current");
}

/* -------------------------------------------------------------------------------------------------------- bash */

static void add_bash_values(struct buf *out, const struct grammar *g)
{
    buf_addz(out, "    case $previous in\n");
    for (size_t i = 0; i < g->n_options; i++) {
        const struct option *o = &g->options[i];
        if (o->flags & (OPTION_HIDDEN | OPTION_BARE) || !o->argument || !option_has_long(o))
            continue;
        buf_addf(out, "    --%s", o->name);
        if (o->letter)
            buf_addf(out, " | -%c", o->letter);
        if (strcmp(o->name, "name") == 0) {
            buf_addz(out, ") COMPREPLY=($(compgen -W \"");
            add_streams(out, g);
            buf_addz(out, "\" -- \"$current\")); return ;;\n");
        } else if (has_choices(o)) {
            buf_addz(out, ") COMPREPLY=($(compgen -W \"");
            add_choices(out, o);
            buf_addz(out, "\" -- \"$current\")); return ;;\n");
        } else {
            buf_addz(out, ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n");
        }
    }
    buf_addz(out, "    esac\n");
}

static void add_bash_options(struct buf *out, const struct grammar *g)
{
    buf_addz(out, "        case $command in\n");
    for (size_t i = 0; i < g->n_commands; i++) {
        if (g->commands[i]->flags & COMMAND_HIDDEN)
            continue;
        buf_addf(out, "        %s) words=\"", g->commands[i]->name);
        add_options(out, g, g->commands[i]);
        buf_addz(out, "\" ;;\n");
    }
    buf_addz(out, "        *) words=\"");
    add_options(out, g, g->target_command ? command_find(g, str_from(g->target_command)) : NULL);
    buf_addz(out, "\" ;;\n        esac\n");
}

/* What may follow a command: words, or a folder. */
static void add_bash_operands(struct buf *out, const struct grammar *g)
{
    buf_addz(out, "        case $command in\n");
    for (size_t i = 0; i < g->n_commands; i++) {
        const struct command *c = g->commands[i];
        if (c->flags & COMMAND_HIDDEN || !*c->operands)
            continue;
        if (strcmp(c->operands, "DIR") == 0) {
            buf_addf(out, "        %s) COMPREPLY=($(compgen -d -- \"$current\")); return ;;\n", c->name);
        } else {
            buf_addf(out, "        %s) words=\"", c->name);
            add_operands(out, g, c);
            buf_addz(out, "\" ;;\n");
        }
    }
    buf_addz(out, "        esac\n");
}

static void write_bash(struct buf *out, const struct grammar *g)
{
    buf_addf(out, "# bash completion for %s\n_", g->program);
    add_function(out, g);
    buf_addz(out, "() {\n"
                  "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    local stream='' command='' words='' i\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        case \" ");
    add_streams(out, g);
    buf_addz(out, " \" in *\" ${COMP_WORDS[i]} \"*) stream=${COMP_WORDS[i]} ;; esac\n        case \" ");
    add_commands(out, g, COMMAND_STREAM | COMMAND_ALONE);
    buf_addz(out, " \" in *\" ${COMP_WORDS[i]} \"*) command=${command:-${COMP_WORDS[i]}} ;; esac\n    done\n");
    add_bash_values(out, g);
    buf_addz(out, "    if [[ $current == -* ]]; then\n");
    add_bash_options(out, g);
    buf_addz(out, "    elif [[ -n $command ]]; then\n");
    add_bash_operands(out, g);
    buf_addf(out, "    elif [[ -n $stream ]]; then\n        words=\"%s ", targets(g));
    add_commands(out, g, COMMAND_STREAM);
    buf_addz(out, "\"\n    else\n        words=\"");
    add_streams(out, g);
    buf_addc(out, ' ');
    /* Streams that are not known here look like anything. */
    add_commands(out, g, g->streams.n ? COMMAND_ALONE : COMMAND_ALONE | COMMAND_STREAM);
    buf_addz(out, "\"\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\ncomplete -F _");
    add_function(out, g);
    buf_addf(out, " %s\n", g->program);
}

/* --------------------------------------------------------------------------------------------------------- zsh */

/* Quoted for single quotes, and for the brackets and colons of _arguments. */
static void add_zsh_text(struct buf *out, const char *z)
{
    for (; *z; z++) {
        if (*z == '\'')
            buf_addz(out, "'\\''");
        else if (*z == '[' || *z == ']' || *z == ':' || *z == '\\') {
            buf_addc(out, '\\');
            buf_addc(out, *z);
        } else {
            buf_addc(out, *z);
        }
    }
}

static void add_zsh_option(struct buf *out, const struct option *o)
{
    buf_addf(out, "        '%s--%s%s[", o->flags & OPTION_REPEATS ? "*" : "", o->name,
             o->flags & OPTION_BARE ? "=-"
             : o->argument          ? "="
                                    : "");
    add_zsh_text(out, o->help);
    buf_addc(out, ']');
    if (o->argument) {
        buf_addz(out, o->flags & OPTION_BARE ? "::" : ":");
        add_zsh_text(out, o->argument);
        buf_addc(out, ':');
        if (has_choices(o)) {
            buf_addc(out, '(');
            add_choices(out, o);
            buf_addc(out, ')');
        }
    }
    buf_addz(out, "'\n");
}

static void add_zsh_commands(struct buf *out, const struct grammar *g, unsigned flag)
{
    for (size_t i = 0; i < g->n_commands; i++) {
        const struct command *c = g->commands[i];
        if (!(c->flags & flag) || c->flags & COMMAND_HIDDEN)
            continue;
        buf_addf(out, "        '%s:", c->name);
        add_zsh_text(out, c->help);
        buf_addz(out, "'\n");
    }
}

/* The second word, where the first was a command that stands alone. */
static void add_zsh_operands(struct buf *out, const struct grammar *g)
{
    buf_addz(out, "    second)\n        case $words[2] in\n");
    for (size_t i = 0; i < g->n_commands; i++) {
        const struct command *c = g->commands[i];
        if (!(c->flags & COMMAND_ALONE) || c->flags & COMMAND_HIDDEN || !*c->operands)
            continue;
        buf_addf(out, "        %s) ", c->name);
        if (strcmp(c->operands, "DIR") == 0) {
            buf_addz(out, "_directories");
        } else {
            buf_addz(out, "compadd -- ");
            add_operands(out, g, c);
        }
        buf_addz(out, " ;;\n");
    }
    buf_addf(out, "        *) _describe command commands; compadd -- %s ;;\n        esac ;;\n", targets(g));
}

static void write_zsh(struct buf *out, const struct grammar *g)
{
    buf_addf(out, "#compdef %s\n_", g->program);
    add_function(out, g);
    buf_addz(out, "() {\n    local -a options streams alone commands\n    options=(\n");
    for (size_t i = 0; i < g->n_options; i++)
        if (option_has_long(&g->options[i]) && !(g->options[i].flags & OPTION_HIDDEN))
            add_zsh_option(out, &g->options[i]);
    buf_addz(out, "    )\n    streams=(");
    add_streams(out, g);
    buf_addz(out, ")\n    alone=(\n");
    add_zsh_commands(out, g, COMMAND_ALONE);
    buf_addz(out, "    )\n    commands=(\n");
    add_zsh_commands(out, g, COMMAND_STREAM);
    buf_addz(out, "    )\n"
                  "    _arguments $options '1: :->first' '2: :->second' '*: :->rest' && return\n"
                  "    case $state in\n"
                  "    first) _describe stream streams; _describe command alone ;;\n");
    add_zsh_operands(out, g);
    buf_addf(out, "    rest) compadd -- %s ;;\n    esac\n}\ncompdef _",
             g->target_command ? "head heads base current" : "");
    add_function(out, g);
    buf_addf(out, " %s\n", g->program);
}

/* -------------------------------------------------------------------------------------------------------- fish */

static void add_fish_text(struct buf *out, const char *z)
{
    buf_addc(out, '\'');
    for (; *z; z++) {
        if (*z == '\'' || *z == '\\')
            buf_addc(out, '\\');
        buf_addc(out, *z);
    }
    buf_addc(out, '\'');
}

static void add_fish_option(struct buf *out, const struct grammar *g, const struct option *o)
{
    buf_addf(out, "complete -c %s -l %s", g->program, o->name);
    if (o->letter)
        buf_addf(out, " -s %c", o->letter);
    if (o->argument && !(o->flags & OPTION_BARE))
        buf_addz(out, " -r");
    if (has_choices(o)) {
        buf_addz(out, " -x -a '");
        add_choices(out, o);
        buf_addc(out, '\'');
    }
    buf_addz(out, " -d ");
    add_fish_text(out, o->help);
    buf_addc(out, '\n');
}

/* What may follow a command that stands alone. */
static void add_fish_operands(struct buf *out, const struct grammar *g, const struct command *c)
{
    if (!*c->operands)
        return;
    buf_addf(out, "complete -c %s -n '__fish_seen_subcommand_from %s' -a '", g->program, c->name);
    if (strcmp(c->operands, "DIR") == 0)
        buf_addz(out, "(__fish_complete_directories)");
    else
        add_operands(out, g, c);
    buf_addz(out, "'\n");
}

/* Where a stream stands before: so many words, of which none is a command that stands alone. */
static void add_fish_behind_stream(struct buf *out, const struct grammar *g, const char *words)
{
    buf_addf(out, "complete -c %s -n 'test (count (commandline -opc)) %s; and not __fish_seen_subcommand_from ",
             g->program, words);
    add_commands(out, g, COMMAND_ALONE);
    buf_addz(out, "' -a ");
}

static void write_fish(struct buf *out, const struct grammar *g)
{
    buf_addf(out, "# fish completion for %s\ncomplete -c %s -f\n", g->program, g->program);
    buf_addf(out, "complete -c %s -n 'test (count (commandline -opc)) -eq 1' -a '", g->program);
    add_streams(out, g);
    buf_addz(out, "'\n");
    for (size_t i = 0; i < g->n_commands; i++) {
        const struct command *c = g->commands[i];
        if (c->flags & COMMAND_HIDDEN)
            continue;
        if (c->flags & COMMAND_ALONE) {
            add_fish_operands(out, g, c);
            buf_addf(out, "complete -c %s -n 'test (count (commandline -opc)) -eq 1' -a ", g->program);
        } else {
            add_fish_behind_stream(out, g, "-eq 2");
        }
        buf_addf(out, "%s -d ", c->name);
        add_fish_text(out, c->help);
        buf_addc(out, '\n');
    }
    if (g->target_command) {
        add_fish_behind_stream(out, g, "-ge 2");
        buf_addz(out, "head\n");
    }
    for (size_t i = 0; i < g->n_options; i++)
        if (option_has_long(&g->options[i]) && !(g->options[i].flags & OPTION_HIDDEN))
            add_fish_option(out, g, &g->options[i]);
}

bool completion_write(struct buf *out, const struct grammar *g, struct str shell)
{
    if (str_is(shell, "bash"))
        write_bash(out, g);
    else if (str_is(shell, "zsh"))
        write_zsh(out, g);
    else if (str_is(shell, "fish"))
        write_fish(out, g);
    else
        return false;
    return true;
}
