/*
 * What one SQLite statement does to a table, as far as its tokens tell. Names are without quotes, as written. Reads any
 * bytes; what it does not understand is ACTION_OTHER.
 */
#ifndef GEN_LINT_SQLITE_ACTION_H
#define GEN_LINT_SQLITE_ACTION_H

#include "base/mem.h"

enum sqlite_action_kind {
    ACTION_OTHER,
    ACTION_CREATE_TABLE,
    ACTION_DROP_TABLE,
    ACTION_DROP_PART, /* of an index, a trigger, a view: `table` is its name */
    ACTION_RENAME_TABLE,
    ACTION_RENAME_COLUMN,
    ACTION_DROP_COLUMN,
    ACTION_INSERT,
    ACTION_UPDATE,
    ACTION_DELETE,
};

struct sqlite_action {
    enum sqlite_action_kind kind;
    const char *table;
    const char *column; /* RENAME_COLUMN, DROP_COLUMN */
    const char *to;     /* RENAME_TABLE, RENAME_COLUMN: the new name */
    bool temporary;     /* the name is in the schema `temp` */
    bool replaces;      /* INSERT, UPDATE: OR REPLACE */
    bool where;         /* UPDATE, DELETE: it chooses rows */
};

struct sqlite_action sqlite_action_read(struct arena *a, struct str text);

#endif
