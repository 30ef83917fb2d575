/* Text in columns of a terminal or a page. A character counts as one column; text that is no UTF-8 as one a byte or less. */
#ifndef TOOL_COLUMNS_H
#define TOOL_COLUMNS_H

#include "base/str.h"

size_t columns_of(struct str text);
/* Appends `text` in at most `columns`; what does not fit ends in an ellipsis ("~" without UTF-8). */
void columns_cut(struct buf *out, struct str text, size_t columns, bool utf8);
/* The same, and blanks up to exactly `columns`. */
void columns_pad(struct buf *out, struct str text, size_t columns, bool utf8);

#endif
