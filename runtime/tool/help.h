/*
 * Help, the manual page and the page of settings, all made of the tables (tool/options.h, tool/settings.h). Pure text.
 */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

#include "tool/options.h"

void help_overview(struct buf *out, const struct grammar *g);
void help_command(struct buf *out, const struct grammar *g, const struct command *c);
/*
 * The example with the program before it and streams that the program has. False: it speaks of a fleet, and there is none.
 */
bool help_example(struct buf *out, const struct grammar *g, const char *const example[2]);
/* roff for man(1). */
void help_man(struct buf *out, const struct grammar *g, const char *version);
/* Markdown: every key of env.ini with its variable, type, default and meaning. `program` gives the variables' prefix. */
void help_configuration(struct buf *out, const char *program);

#endif
