/* The parser of command lines. It knows no command and no option by name but --help, --version and --name. */
#include "tool/options.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------------- tables */

static const char *setting_argument(const struct setting *s)
{
    switch (s->type) {
    case SETTING_BOOL:
        return NULL;
    case SETTING_NUMBER:
        return "N";
    case SETTING_DURATION:
        return "DURATION";
    case SETTING_CHOICE:
    case SETTING_CHOICES:
        return s->choices;
    case SETTING_ADDRESS:
        return "URL";
    case SETTING_SHARE:
        return "N|P%";
    case SETTING_NAME:
        return "NAME";
    case SETTING_TEXT:
        return "TEXT";
    }
    return "TEXT";
}

const struct option *options_with_settings(struct arena *a, const struct option *rows, size_t n, size_t *n_out)
{
    struct option *all = ARENA_ARRAY(a, struct option, n + n_settings);
    for (size_t i = 0; i < n; i++)
        all[i] = rows[i];
    for (size_t i = 0; i < n_settings; i++) {
        const struct setting *s = &settings[i];
        if (s->flag)
            all[n++] = (struct option){.name = s->flag,
                                       .argument = setting_argument(s),
                                       .commands = "@visits config",
                                       .help = s->help,
                                       .more = s->more,
                                       .setting = s};
    }
    *n_out = n;
    return all;
}

const struct command *command_find(const struct grammar *g, struct str name)
{
    for (size_t i = 0; i < g->n_commands; i++)
        if (str_is(name, g->commands[i]->name) || (g->commands[i]->alias && str_is(name, g->commands[i]->alias)))
            return g->commands[i];
    return NULL;
}

static bool names_command(struct str word, const struct command *c)
{
    if (str_is(word, "@visits"))
        return c->flags & COMMAND_VISITS;
    if (str_is(word, "@writes"))
        return c->flags & COMMAND_WRITES;
    if (str_is(word, "@stream"))
        return c->flags & COMMAND_STREAM;
    return str_is(word, c->name);
}

bool option_is_for(const struct option *o, const struct command *c)
{
    if (!o->commands)
        return true;
    struct str rest = str_from(o->commands), word;
    while (str_next(&rest, ' ', &word))
        if (names_command(word, c))
            return true;
    return false;
}

bool option_has_long(const struct option *o)
{
    return o->name && o->name[1] != '\0';
}

void option_spell(struct buf *out, const struct option *o)
{
    if (o->letter)
        buf_addf(out, "-%c%s", o->letter, option_has_long(o) ? ", " : "");
    if (option_has_long(o))
        buf_addf(out, "--%s", o->name);
    if (o->argument)
        buf_addf(out, o->flags & OPTION_BARE ? "[=%s]" : " %s", o->argument);
}

const char *nearest_word(struct str word, const struct strings *words)
{
    const char *best = NULL;
    unsigned best_distance = word.n <= 4 ? 2 : 3;
    for (size_t i = 0; i < words->n; i++) {
        unsigned distance = str_distance(word, str_from(words->v[i]));
        if (distance < best_distance) {
            best = words->v[i];
            best_distance = distance;
        }
    }
    return best;
}

/* --------------------------------------------------------------------------------------------------------- call */

static bool is_option(const struct given *g, const char *option)
{
    return g->option->name && strcmp(g->option->name, option) == 0;
}

const char *call_value(const struct call *c, const char *option)
{
    const char *value = NULL;
    for (size_t i = 0; i < c->given.n; i++)
        if (is_option(&c->given.v[i], option))
            value = c->given.v[i].value;
    return value;
}

unsigned call_count(const struct call *c, const char *option)
{
    unsigned count = 0;
    for (size_t i = 0; i < c->given.n; i++)
        count += is_option(&c->given.v[i], option);
    return count;
}

bool call_has(const struct call *c, const char *option)
{
    return call_count(c, option) > 0;
}

struct strings call_values(struct arena *a, const struct call *c, const char *option)
{
    struct strings values = {0};
    for (size_t i = 0; i < c->given.n; i++)
        if (is_option(&c->given.v[i], option) && c->given.v[i].value)
            vec_push(a, &values, c->given.v[i].value);
    return values;
}

/* -------------------------------------------------------------------------------------------------------- parser */

struct parser {
    struct arena *arena;
    const struct grammar *g;
    int argc;
    char *const *argv;
    int at;               /* next word */
    struct strings words; /* what is no option */
    struct call *call;
};

static bool is_negative_number(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && word[1 + strspn(word + 1, "0123456789")] == '\0';
}

static void add_stream_names(struct parser *p, struct strings *out)
{
    for (size_t i = 0; i < p->g->streams.n; i++)
        vec_push(p->arena, out, p->g->streams.v[i]);
    if (p->g->has_all)
        vec_push(p->arena, out, "all");
}

/* The command, as far as the words so far tell: the first word that can stand there and names one. */
static const struct command *command_so_far(const struct parser *p)
{
    bool named = call_has(p->call, "name");
    for (size_t i = 0; i < p->words.n && i < (named ? 1 : 2); i++) {
        const struct command *c = command_find(p->g, str_from(p->words.v[i]));
        if (c && (i == 1 || named || c->flags & COMMAND_ALONE))
            return c;
    }
    return NULL;
}

/* An option that the command names itself comes first; then one that belongs to a group or to all. */
static const struct option *find_option(const struct parser *p, struct str name, char letter)
{
    const struct command *command = command_so_far(p);
    const struct option *found = NULL;
    for (size_t i = 0; i < p->g->n_options; i++) {
        const struct option *o = &p->g->options[i];
        if (letter ? o->letter != letter : !o->name || !str_is(name, o->name))
            continue;
        if (command && o->commands && option_is_for(o, command))
            return o;
        if (!found || !o->commands)
            found = o;
    }
    return found;
}

static bool refuse_unknown_option(const struct parser *p, const char *word, struct str name, struct err *e)
{
    struct strings names = {0};
    for (size_t i = 0; i < p->g->n_options; i++)
        if (p->g->options[i].name && !(p->g->options[i].flags & OPTION_HIDDEN))
            vec_push(p->arena, &names, p->g->options[i].name);
    err_set(e, FAULT_USAGE, "unknown option \"%s\"", word);
    const char *near = name.n > 2 ? nearest_word(name, &names) : NULL;
    if (near)
        err_hint(e, "did you mean --%s?", near);
    else
        err_hint(e, "%s help COMMAND lists a command's options", p->g->program);
    return false;
}

static void add_given(struct parser *p, const struct option *o, const char *value)
{
    vec_push(p->arena, &p->call->given, (struct given){o, value});
}

/* The value is the next word, whatever it looks like. */
static bool take_next(struct parser *p, const struct option *o, const char *spelling, struct err *e)
{
    if (p->at == p->argc) {
        err_set(e, FAULT_USAGE, "option %s needs a value", spelling);
        err_hint(e, "%s %s", spelling, o->argument);
        return false;
    }
    add_given(p, o, p->argv[p->at++]);
    return true;
}

static bool take_long(struct parser *p, const char *word, struct err *e)
{
    const char *equals = strchr(word, '=');
    struct str name = {word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2)};
    const struct option *o = find_option(p, name, 0);
    if (!o)
        return refuse_unknown_option(p, arena_str(p->arena, (struct str){word, name.n + 2}), name, e);
    if (!o->argument && equals)
        return err_set(e, FAULT_USAGE, "option --%s takes no value", o->name);
    if (!o->argument || equals || o->flags & OPTION_BARE) {
        add_given(p, o, equals ? equals + 1 : NULL);
        return true;
    }
    return take_next(p, o, arena_printf(p->arena, "--%s", o->name), e);
}

/* One word of letters: -v, -vi, -nVALUE, -n=VALUE, -n VALUE. */
static bool take_letters(struct parser *p, const char *word, struct err *e)
{
    for (const char *c = word + 1; *c; c++) {
        const struct option *o = find_option(p, (struct str){0}, *c);
        const char *spelling = arena_printf(p->arena, "-%c", *c);
        if (!o)
            return refuse_unknown_option(p, c == word + 1 ? word : spelling, str_from(word + 1), e);
        if (!o->argument) {
            if (c[1] == '=')
                return err_set(e, FAULT_USAGE, "option %s takes no value", spelling);
            add_given(p, o, NULL);
            continue;
        }
        if (c[1] == '\0')
            return take_next(p, o, spelling, e);
        add_given(p, o, c[1] == '=' ? c + 2 : c + 1);
        return true;
    }
    return true;
}

static bool take_words(struct parser *p, struct err *e)
{
    bool options_ended = false;
    while (p->at < p->argc) {
        const char *word = p->argv[p->at++];
        if (options_ended || word[0] != '-' || word[1] == '\0' || is_negative_number(word))
            vec_push(p->arena, &p->words, word);
        else if (strcmp(word, "--") == 0)
            options_ended = true;
        else if (word[1] == '-' ? !take_long(p, word, e) : !take_letters(p, word, e))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------- stream and command */

static bool is_stream(const struct grammar *g, const char *word)
{
    return (g->has_all && strcmp(word, "all") == 0) || strings_has(&g->streams, word) || g->streams.n == 0;
}

static void hint_streams(struct parser *p, const char *before, struct err *e)
{
    struct strings names = {0};
    BUF_AUTO list = {0};
    add_stream_names(p, &names);
    strings_join(&list, &names, ", ");
    err_hint(e, "%s%s", before, list.n ? list.p : "none");
}

static bool refuse_stream(struct parser *p, const char *word, bool or_command, struct err *e)
{
    struct strings names = {0};
    add_stream_names(p, &names);
    for (size_t i = 0; or_command && i < p->g->n_commands; i++)
        if (p->g->commands[i]->flags & COMMAND_ALONE && !(p->g->commands[i]->flags & COMMAND_HIDDEN))
            vec_push(p->arena, &names, p->g->commands[i]->name);
    const char *near = nearest_word(str_from(word), &names);
    err_set(e, FAULT_USAGE, or_command ? "\"%s\" is neither a stream nor a command" : "there is no stream \"%s\"",
            word);
    if (or_command && p->g->target_command && strcmp(word, "head") == 0)
        hint_streams(p, arena_printf(p->arena, "%s all head, or one of the streams: ", p->g->program), e);
    else if (near)
        err_hint(e, "did you mean \"%s\"?", near);
    else
        hint_streams(p, "streams: ", e);
    return false;
}

static bool refuse_without_stream(struct parser *p, const struct command *c, struct err *e)
{
    const char *operands = arena_printf(p->arena, "%s%s", *c->operands ? " " : "", c->operands);
    err_set(e, FAULT_USAGE, "%s needs a stream", c->name);
    if (p->g->has_all)
        hint_streams(
            p, arena_printf(p->arena, "%s all %s%s, or one of the streams: ", p->g->program, c->name, operands), e);
    else if (p->g->streams.n)
        hint_streams(p, arena_printf(p->arena, "%s STREAM %s%s; streams: ", p->g->program, c->name, operands), e);
    else
        err_hint(e, "%s STREAM %s%s", p->g->program, c->name, operands);
    return false;
}

/* A word behind the stream that is no command: a target, or a mistake. */
static bool take_target(struct parser *p, const char *word, struct err *e)
{
    const struct command *target = p->g->target_command ? command_find(p->g, str_from(p->g->target_command)) : NULL;
    struct strings names = {0};
    for (size_t i = 0; i < p->g->n_commands; i++)
        if (p->g->commands[i]->flags & COMMAND_STREAM && !(p->g->commands[i]->flags & COMMAND_HIDDEN))
            vec_push(p->arena, &names, p->g->commands[i]->name);
    const char *near = nearest_word(str_from(word), &names);
    if (target && p->g->is_target(p->g->context, p->call->stream, word, e)) {
        p->call->command = target;
        p->call->short_form = true;
        vec_push(p->arena, &p->call->operands, word);
        return true;
    }
    if (!target)
        err_set(e, FAULT_USAGE, "unknown command \"%s\"", word);
    if (near && !e->hint)
        err_hint(e, "did you mean \"%s\"?", near);
    else if (!e->hint)
        err_hint(e, "%s help lists the commands", p->g->program);
    return false;
}

/* Names the stream and the command, and leaves the rest of the words as operands. */
static bool take_command(struct parser *p, struct err *e)
{
    const struct strings *w = &p->words;
    const char *named = call_value(p->call, "name");
    size_t at = 0;
    if (named && !is_stream(p->g, named))
        return refuse_stream(p, named, false, e);
    p->call->stream = named;
    if (w->n == 0 && !named)
        return true;
    if (!named) {
        const struct command *alone = command_find(p->g, str_from(w->v[0]));
        if (alone && !(alone->flags & COMMAND_ALONE))
            return refuse_without_stream(p, alone, e);
        if (!alone && !is_stream(p->g, w->v[0]))
            return refuse_stream(p, w->v[0], true, e);
        if (!alone)
            p->call->stream = w->v[at++];
    }
    if (at == w->n)
        return true;
    p->call->command = command_find(p->g, str_from(w->v[at]));
    if (!p->call->command && !take_target(p, w->v[at], e))
        return false;
    for (at++; at < w->n; at++)
        vec_push(p->arena, &p->call->operands, w->v[at]);
    return true;
}

/* ------------------------------------------------------------------------------------------------------- checks */

static bool check_operands(const struct parser *p, struct err *e)
{
    const struct command *c = p->call->command;
    int n = (int)p->call->operands.n;
    const char *stream = p->call->stream ? p->call->stream : "STREAM";
    if (p->call->stream && !(c->flags & COMMAND_STREAM)) {
        err_set(e, FAULT_USAGE, "%s takes no stream", c->name);
        err_hint(e, "%s %s", p->g->program, c->name);
        return false;
    }
    if (n < c->least)
        err_set(e, FAULT_USAGE, "%s needs %s", c->name, c->operands);
    else if (c->most >= 0 && n > c->most)
        err_set(e, FAULT_USAGE, "unexpected word \"%s\"", p->call->operands.v[c->most]);
    else
        return true;
    err_hint(e, "%s %s%s%s%s%s", p->g->program, c->flags & COMMAND_STREAM ? stream : "",
             c->flags & COMMAND_STREAM ? " " : "", c->name, *c->operands ? " " : "", c->operands);
    return false;
}

/* "upgrade, downgrade and stamp do" */
static void hint_takers(const struct parser *p, const struct option *o, struct err *e)
{
    struct strings takers = {0};
    BUF_AUTO list = {0};
    for (size_t i = 0; i < p->g->n_commands; i++)
        if (!(p->g->commands[i]->flags & COMMAND_HIDDEN) && option_is_for(o, p->g->commands[i]))
            vec_push(p->arena, &takers, p->g->commands[i]->name);
    strings_join(&list, &takers, ", ");
    if (list.n)
        err_hint(e, "commands with this option: %s", list.p);
}

static bool check_options(const struct parser *p, struct err *e)
{
    for (size_t i = 0; i < p->call->given.n; i++) {
        const struct option *o = p->call->given.v[i].option;
        if (option_is_for(o, p->call->command) || p->call->command->flags & COMMAND_HIDDEN)
            continue;
        if (option_has_long(o))
            err_set(e, FAULT_USAGE, "%s takes no --%s", p->call->command->name, o->name);
        else
            err_set(e, FAULT_USAGE, "%s takes no -%c", p->call->command->name, o->letter);
        hint_takers(p, o, e);
        return false;
    }
    return true;
}

static bool refuse_nothing(struct parser *p, struct err *e)
{
    const char *stream = p->call->stream;
    if (!stream)
        err_set(e, FAULT_USAGE, "nothing to do");
    else
        err_set(e, FAULT_USAGE, "what is to be done with \"%s\"?", stream);
    if (p->g->target_command)
        err_hint(e, "%s %s head; %s help lists the commands", p->g->program, stream ? stream : "STREAM", p->g->program);
    else
        err_hint(e, "%s help lists the commands", p->g->program);
    return false;
}

/* For --help: the first word that names a command, whether or not it could stand there. */
static const struct command *command_meant(const struct parser *p)
{
    const struct command *c = command_so_far(p);
    for (size_t i = 0; !c && i < p->words.n && i < 2; i++)
        c = command_find(p->g, str_from(p->words.v[i]));
    return c;
}

/* --help with a command is that command's help; --version is the command. */
static void redirect(struct parser *p, const char *to)
{
    const struct command *asked = p->call->command;
    p->call->command = command_find(p->g, str_from(to));
    p->call->operands = (struct strings){0};
    p->call->stream = NULL;
    if (asked && strcmp(to, "help") == 0)
        vec_push(p->arena, &p->call->operands, asked->name);
}

bool options_parse(struct arena *a, const struct grammar *g, int argc, char *const *argv, struct call *out,
                   struct err *e)
{
    struct parser p = {.arena = a, .g = g, .argc = argc, .argv = argv, .at = 1, .call = out};
    *out = (struct call){.grammar = g};
    if (!take_words(&p, e))
        return false;
    if (call_has(out, "help")) {
        p.call->command = command_meant(&p);
        redirect(&p, "help");
        return true;
    }
    if (call_has(out, "version") && p.words.n == 0) {
        redirect(&p, "version");
        return true;
    }
    if (!take_command(&p, e))
        return false;
    if (!out->command)
        return refuse_nothing(&p, e);
    if (!out->stream && !(out->command->flags & COMMAND_ALONE))
        return refuse_without_stream(&p, out->command, e);
    return check_operands(&p, e) && check_options(&p, e);
}
