/* What changed from one text to another, line by line, in the form of `diff -u`, which people and `patch` read. Pure. */
#ifndef GEN_FIX_TEXT_DIFF_H
#define GEN_FIX_TEXT_DIFF_H

#include "base/str.h"

/*
 * Nothing when the texts are equal. `old` NULL: the file is new. Three lines of context. A longest common subsequence of
 * lines; of texts that differ in more than a few thousand lines the whole middle is exchanged.
 */
void text_diff(struct buf *out, const char *path, const char *old, const char *now);

#endif
