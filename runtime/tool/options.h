/*
 * The command line: tables of commands and options, and the parser that they drive. The same rows make help, the manual
 * page (tool/help.h) and shell completion (tool/completion.h), for profile-migrate and for migrate-gen.
 *
 * GRAMMAR.
 *
 *     PROGRAM [OPTIONS] STREAM TARGET              the short form of the command that takes targets
 *     PROGRAM [OPTIONS] STREAM COMMAND [OPERAND…]
 *     PROGRAM -n STREAM COMMAND [OPERAND…]         the stream named by an option, as in Alembic
 *     PROGRAM COMMAND [OPERAND…]                   commands that need no stream
 *
 * Options stand anywhere. A long one is spelt out: --name, --name=VALUE, --name VALUE. Letters without a value may be
 * joined (-vi); a value follows as the next word or behind the letter, with or without "=" (-r=-2:). An option takes the
 * next word even when that begins with "-". "-" followed by digits alone is always an operand; "--" ends the options.
 * Once the command is known its own options come before those of every command (`current -c`).
 *
 * Pure: nothing is printed, opened or run here. All refusals are FAULT_USAGE with a hint.
 */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include "tool/settings.h"

struct app; /* what a command runs with; each executable has its own */

enum command_flags {
    COMMAND_STREAM = 1,   /* works on a stream */
    COMMAND_ALONE = 2,    /* may stand without one */
    COMMAND_VISITS = 4,   /* opens databases */
    COMMAND_WRITES = 8,   /* and changes them */
    COMMAND_CONFIRM = 16, /* writes without running a revision: over a fleet it wants the tenants named */
    COMMAND_HIDDEN = 32,  /* understood, but not shown */
};

struct command {
    const char *name;
    const char *alias;           /* another spelling; NULL: none */
    const char *operands;        /* as the usage line shows them: "TARGET"; "" for none */
    int least, most;             /* how many operands; most < 0: any number */
    unsigned flags;              /* enum command_flags */
    const char *help;            /* one line, no final period */
    const char *more;            /* paragraphs, separated by empty lines; NULL: none */
    const char *const *examples; /* pairs: arguments behind the program's name, what they do; ends with NULL */
    int (*run)(struct app *app); /* the exit status */
};

enum option_flags {
    OPTION_REPEATS = 1, /* all values count; others: the last one wins */
    OPTION_HIDDEN = 2,
    OPTION_ALEMBIC = 4, /* there for Alembic's spelling */
    OPTION_BARE = 8,    /* its value may be left out: --name alone, or --name=VALUE; it never takes the next word */
};

struct option {
    const char *name;     /* long, without dashes */
    char letter;          /* 0: none */
    const char *argument; /* "FILE"; NULL: takes no value */
    unsigned flags;       /* enum option_flags */
    /*
     * The commands that take it, separated by blanks: names, "@visits" or "@writes" for all with that flag, "@stream" for
     * all that work on one. NULL: every command.
     */
    const char *commands;
    const char *help;
    const char *more;
    const struct setting *setting; /* the setting that it overrides; NULL: none */
};

/* A row of the exit status in help and manual. */
struct exit_code {
    const char *code; /* "0", "128+N" */
    const char *help; /* no final period */
};

struct grammar {
    const char *program;
    const char *summary; /* one line: what the program is for */
    const char *intro;   /* paragraphs for the manual */
    const struct command *const *commands;
    size_t n_commands;
    const struct option *options; /* those of settings included: see options_with_settings() */
    size_t n_options;
    const struct exit_code *exit_codes; /* what the program can end with */
    size_t n_exit_codes;
    struct strings streams;     /* known names, in the order that `all` takes them; none: any word may be one */
    bool has_all;               /* the stream "all" */
    const char *single, *fleet; /* what examples call "shared" and "tenant"; both NULL: those names */
    const char *target_command; /* "upgrade": what STREAM TARGET is short for; NULL: there is no short form */
    /*
     * Decides whether the word behind STREAM is a target of the short form. False with *e set (FAULT_USAGE): it is not.
     * Called only for words that are no command.
     */
    bool (*is_target)(void *context, const char *stream, const char *word, struct err *e);
    void *context;
};

struct given {
    const struct option *option;
    const char *value; /* NULL for options without one */
};

/* A command line, understood. Strings point into argv or the arena. */
struct call {
    const struct grammar *grammar;
    const struct command *command;
    const char *stream; /* NULL: none; "all" */
    struct strings operands;
    VEC(struct given) given;
    bool short_form;
};

/* The static rows plus one for each setting that has a flag; `out` lives in `a`. */
const struct option *options_with_settings(struct arena *a, const struct option *rows, size_t n, size_t *n_out);

/*
 * Parses argv[1..]. `--help` and `--version` become the commands of that name. On failure out->given holds what was
 * understood, so that --json and --quiet count for the message too.
 */
bool options_parse(struct arena *a, const struct grammar *g, int argc, char *const *argv, struct call *out,
                   struct err *e);

bool call_has(const struct call *c, const char *option);
const char *call_value(const struct call *c, const char *option); /* the last one; NULL: not given */
struct strings call_values(struct arena *a, const struct call *c, const char *option);
unsigned call_count(const struct call *c, const char *option);

const struct command *command_find(const struct grammar *g, struct str name); /* by name or alias */
bool option_is_for(const struct option *o, const struct command *c);
/* A name of one character is there for the code only: -x is not shown as --x. */
bool option_has_long(const struct option *o);
/* "-r, --rev-range RANGE" */
void option_spell(struct buf *out, const struct option *o);

/*
 * The nearest of `words` to a mistyped one: at most 2 edits away, or 1 for words of up to 4 characters; NULL when nothing
 * is near.
 */
const char *nearest_word(struct str word, const struct strings *words);

#endif
