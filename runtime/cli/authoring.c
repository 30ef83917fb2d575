/*
 * revision, merge, edit, init: Alembic's authoring commands. They belong to migrate-gen, since this executable carries
 * no folder of migrations; the exact line to run is printed.
 */
#include "cli/app.h"

/* Words that a shell would take apart are quoted. */
static void add_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:@+,";
    struct str s = str_from(word);
    size_t ok = 0;
    while (ok < s.n && str_find(str_from(plain), s.p[ok]) < sizeof plain - 1)
        ok++;
    buf_addc(out, ' ');
    if (s.n && ok == s.n) {
        buf_adds(out, s);
        return;
    }
    buf_addc(out, '\'');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\'')
            buf_addz(out, "'\\''");
        else
            buf_addc(out, s.p[i]);
    buf_addc(out, '\'');
}

/* migrate-gen needs no init: a stream is a folder. */
static int refuse_init(struct app *app)
{
    AUTO_ERR e = {0};
    err_set(&e, FAULT_USAGE, "init makes a folder of migrations, and this executable has none");
    err_hint(&e,
             "a stream is a folder with an env.ini; in it, migrate-gen %s revision -m MESSAGE writes the first file",
             app->call.stream ? app->call.stream : "STREAM");
    return app_fail(app, &e);
}

static int refuse(struct app *app)
{
    const struct call *c = &app->call;
    BUF_AUTO line = {0};
    AUTO_ERR e = {0};
    buf_addz(&line, "migrate-gen");
    if (c->stream)
        add_word(&line, c->stream);
    else
        buf_addz(&line, " STREAM");
    add_word(&line, c->command->name);
    for (size_t i = 0; i < c->operands.n; i++)
        add_word(&line, c->operands.v[i]);
    for (size_t i = 0; i < c->given.n; i++) {
        const struct option *o = c->given.v[i].option;
        if (o->name && (str_is(str_from(o->name), "name") || str_is(str_from(o->name), "config")))
            continue;
        buf_addz(&line, o->letter ? " -" : " --");
        if (o->letter)
            buf_addc(&line, o->letter);
        else
            buf_addz(&line, o->name);
        if (c->given.v[i].value)
            add_word(&line, c->given.v[i].value);
    }
    err_set(&e, FAULT_USAGE, "%s writes migration files, and this executable has none", c->command->name);
    err_hint(&e, "%s", line.p);
    return app_fail(app, &e);
}

#define AUTHORING(NAME, HELP, RUN)                                                                                     \
    {                                                                                                                  \
        .name = (NAME), .operands = "", .most = -1, .flags = COMMAND_STREAM | COMMAND_ALONE | COMMAND_HIDDEN,          \
        .help = (HELP), .run = (RUN)                                                                                   \
    }

const struct command command_revision = AUTHORING("revision", "write the next revision: migrate-gen", refuse);
const struct command command_merge = AUTHORING("merge", "merge heads: migrate-gen", refuse);
const struct command command_edit = AUTHORING("edit", "open a revision: migrate-gen", refuse);
const struct command command_init = AUTHORING("init", "make a folder of migrations: migrate-gen", refuse_init);
