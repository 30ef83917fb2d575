/* Counting, cutting and padding. */
#include "tool/columns.h"

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

size_t columns_of(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += begins_character(text.p[i]);
    return n;
}

void columns_cut(struct buf *out, struct str text, size_t columns, bool utf8)
{
    size_t seen = 0;
    if (columns_of(text) <= columns) {
        buf_adds(out, text);
        return;
    }
    if (!columns)
        return;
    for (size_t i = 0; i < text.n; i++) {
        if (begins_character(text.p[i]) && seen++ == columns - 1)
            break;
        buf_addc(out, text.p[i]);
    }
    buf_addz(out, utf8 ? "\xE2\x80\xA6" : "~");
}

void columns_pad(struct buf *out, struct str text, size_t columns, bool utf8)
{
    size_t n = columns_of(text);
    columns_cut(out, text, columns, utf8);
    if (n < columns)
        buf_pad(out, ' ', columns - n);
}
