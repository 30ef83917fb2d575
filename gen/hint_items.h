/*
 * What in a schema file may be renamed, and has hints: statements, and the parts of CREATE TABLE, CREATE TYPE and ALTER
 * TABLE, with their names and places. By a small grammar over tokens that judges nothing: a text that does not parse gives
 * fewer items.
 */
#ifndef GEN_HINT_ITEMS_H
#define GEN_HINT_ITEMS_H

#include "gen/source.h"

#define NO_ITEM SIZE_MAX

struct item {
    size_t start, end; /* with the comma behind it */
    size_t parent;     /* NO_ITEM: a statement */
    const char *what;  /* "table"; NULL: a statement that holds items at best */
    const char *name;  /* NULL: it has none */
    const char *container, *schema;
};

/* By start; a part stands behind what it is part of. */
struct items {
    struct item *v;
    size_t n, cap;
};

/* Names live in `names`, the list in `scratch`. */
void hint_items_read(struct arena *names, struct arena *scratch, const struct text_file *file, enum dialect dialect,
                     struct items *out);

#endif
