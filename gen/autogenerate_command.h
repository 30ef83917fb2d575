/* What author.c and compile.c hand over: revision --autogenerate, and check of one stream. Both return the exit status. */
#ifndef GEN_AUTOGENERATE_COMMAND_H
#define GEN_AUTOGENERATE_COMMAND_H

#include "gen/command.h"
#include "gen/scaffold.h"

int autogenerate_revision(struct app *app);
int autogenerate_check(struct app *app);

#endif
