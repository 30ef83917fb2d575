/* `alembic history -v`: a line for each fact, an empty line, the docstring indented by four, an empty line. */
#include "gen/import/history.h"

#include <string.h>

#include "gen/import/script.h"

static void split(struct arena *a, struct str list, struct strings *out)
{
    struct str piece;
    while (list.n && str_next(&list, ',', &piece))
        if (str_trim(piece).n && !str_is(str_trim(piece), "<base>"))
            vec_push(a, out, arena_str(a, str_trim(piece)));
}

/* "Key: value" at the start of the line; false: another key. */
static bool value_of(struct str line, const char *key, struct str *value)
{
    struct str k = str_from(key);
    if (!str_starts(line, k) || line.n <= k.n || line.p[k.n] != ':')
        return false;
    *value = str_trim(str_slice(line, k.n + 1, line.n));
    return true;
}

/* ---- the docstring ---- */

struct docstring {
    struct arena *a;
    struct history_entry *entry;
    struct buf message, comment;
    bool message_is_over;
};

static void take_doc_line(struct docstring *d, struct str line)
{
    struct str text = str_trim(line), value;
    if (value_of(text, "Create Date", &value)) {
        d->entry->created = arena_str(d->a, value);
        return;
    }
    if (value_of(text, "Revision ID", &value) || value_of(text, "Revises", &value)) {
        d->message_is_over = true;
        return;
    }
    if (!text.n) {
        d->message_is_over = d->message_is_over || d->message.n;
        return;
    }
    struct buf *to = d->message_is_over ? &d->comment : &d->message;
    if (to->n)
        buf_addc(to, d->message_is_over ? '\n' : ' ');
    for (size_t i = 0; i < text.n; i++)
        buf_addc(to, (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7F ? ' ' : text.p[i]);
}

static void close_docstring(struct docstring *d)
{
    if (d->entry) {
        d->entry->message = arena_str(d->a, buf_str(&d->message));
        d->entry->comment = arena_str(d->a, buf_str(&d->comment));
    }
    buf_free(&d->message);
    buf_free(&d->comment);
    *d = (struct docstring){.a = d->a};
}

/* ---- lines ---- */

static void begin_entry(struct history *h, struct docstring *d, struct str value, uint32_t line)
{
    struct history_entry entry = {.line = line, .created = "", .message = "", .comment = ""};
    close_docstring(d);
    entry.id = arena_str(d->a, str_slice(value, 0, str_find(value, ' ')));
    vec_push(d->a, &h->entries, entry);
    d->entry = &h->entries.v[h->entries.n - 1];
}

static bool take_fact(struct arena *a, struct history_entry *entry, struct str line)
{
    struct str value;
    if (value_of(line, "Parent", &value) || value_of(line, "Merges", &value))
        split(a, value, &entry->parents);
    else if (value_of(line, "Also depends on", &value))
        split(a, value, &entry->depends);
    else if (value_of(line, "Branch names", &value))
        split(a, value, &entry->names);
    else
        return value_of(line, "Path", &value) || value_of(line, "Branches into", &value);
    return true;
}

static void take_line(struct findings *out, struct history *h, struct docstring *d, uint32_t n)
{
    struct str line = text_line(&h->file, n), value;
    if (value_of(line, "Rev", &value) && value.n)
        begin_entry(h, d, value, n);
    else if (d->entry && (!line.n || line.p[0] == ' ' || line.p[0] == '\t'))
        take_doc_line(d, line);
    else if (str_trim(line).n && !(d->entry && take_fact(d->a, d->entry, line))) {
        struct finding *found = finding_at_line(out, IMPORT_CONFLICT, &h->file, n,
                                                "this is no line of `alembic history -v`");
        err_hint(&found->err, "write what it prints to stdout into the file, and no log");
    }
}

void import_read_history(struct findings *out, struct arena *a, struct history *h)
{
    struct docstring d = {.a = a};
    for (uint32_t n = 1; n <= h->file.n_lines; n++)
        take_line(out, h, &d, n);
    close_docstring(&d);
    if (!h->entries.n && !out->n_errors)
        finding_add(out, IMPORT_CONFLICT, &h->file, SIZE_MAX, "the history has no revision");
}

const struct history_entry *history_find(const struct history *h, const char *id)
{
    for (size_t i = 0; i < h->entries.n; i++)
        if (strcmp(h->entries.v[i].id, id) == 0)
            return &h->entries.v[i];
    return NULL;
}

void history_labels(struct arena *a, const struct history *h, const struct history_entry *entry, struct strings *out)
{
    for (size_t i = 0; i < entry->names.n; i++) {
        bool begins = true;
        for (size_t k = 0; k < entry->parents.n; k++) {
            const struct history_entry *parent = history_find(h, entry->parents.v[k]);
            begins = begins && !(parent && strings_has(&parent->names, entry->names.v[i]));
        }
        if (begins)
            vec_push(a, out, entry->names.v[i]);
    }
    strings_sort(out);
}
