/* Completion for shells, made of the tables (tool/options.h). Pure text. */
#ifndef TOOL_COMPLETION_H
#define TOOL_COMPLETION_H

#include "tool/options.h"

/* The script for "bash", "zsh" or "fish"; false for another shell. */
bool completion_write(struct buf *out, const struct grammar *g, struct str shell);

#endif
