/*
 * From what a server says about a place in a body to FILE.sql:LINE:COL. Pure: looks only at the revision's bytes, which
 * the executable carries, so that the file itself is never needed.
 */
#include <string.h>

#include "db/backend.h"

struct str db_section_text(const struct revision *revision, const struct revision_section *section)
{
    return (struct str){(const char *)revision->text + section->offset, section->length};
}

struct str db_statement_text(const struct revision *revision, const struct revision_section *section, size_t statement)
{
    const struct revision_statement *s = &section->statements[statement];
    return (struct str){(const char *)revision->text + s->offset, s->length};
}

static bool is_lead(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* The byte where the 1-based character `nth` of `s` begins; s.n when there are fewer. */
static size_t character_byte(struct str s, size_t nth)
{
    for (size_t i = 0; i < s.n; i++)
        if (is_lead(s.p[i]) && --nth == 0)
            return i;
    return s.n;
}

/* A place in the file: line and column from 1, and the line itself without its end. */
static void point_at(struct err *e, const struct revision *revision, size_t byte)
{
    const char *text = (const char *)revision->text;
    size_t begin = 0, end = byte;
    int line = 1, column = 1;
    for (size_t i = 0; i < byte; i++)
        if (text[i] == '\n') {
            line++;
            begin = i + 1;
        }
    for (size_t i = begin; i < byte; i++)
        column += is_lead(text[i]);
    while (end < revision->length && text[end] != '\n')
        end++;
    err_at(e, revision->path, line, column, (struct str){text + begin, end - begin});
}

/* Nothing more is known than the section: its `-- migrate:` line, without a column. */
static void point_at_section(struct err *e, const struct revision *revision, const struct revision_section *section)
{
    const char *text = (const char *)revision->text;
    size_t end = section->offset, begin;
    if (end > 0 && text[end - 1] == '\n')
        end--;
    for (begin = end; begin > 0 && text[begin - 1] != '\n'; begin--)
        ;
    err_at(e, revision->path, (int)section->line, 0, (struct str){text + begin, end - begin});
}

void db_error_at(struct err *e, const struct revision *revision, const struct revision_section *section,
                 size_t statement, size_t characters)
{
    struct str body = db_section_text(revision, section);
    if (characters > 0) {
        size_t byte = character_byte(body, characters);
        /* "at end of input" points behind the text: show the last line that holds any. */
        if (byte == body.n)
            while (byte > 0 && strchr(" \t\r\n", body.p[byte - 1]))
                byte--;
        point_at(e, revision, section->offset + byte);
    } else if (statement < section->n_statements) {
        point_at(e, revision, section->statements[statement].offset);
    } else {
        point_at_section(e, revision, section);
    }
}
