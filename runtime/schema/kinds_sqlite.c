/*
 * The kinds of SQLite's objects. Code of its own reads them (sqlite.c) and plans their changes (gen/changes_sqlite.c): most
 * of what can change takes a rebuild of the table, so there are few templates here.
 *
 * `sql` is the text that SQLite stores. Names inside other values are in lower case and without quotes where they need none.
 */
#include "schema/kinds.h"

#define ATTRIBUTES(list) .attributes = (list), .n_attributes = sizeof(list) / sizeof *(list)

static const struct attribute table_attributes[] = {
    {"name", CHANGE_OWN, 0, NULL, NULL}, /* as written: letters differ where the identity does not */
    {"without_rowid", CHANGE_OWN, 0, NULL, NULL}, {"strict", CHANGE_OWN, 0, NULL, NULL},
    {"definition", CHANGE_REFUSE, 0, NULL, NULL}, /* of a table whose text is not understood; it has no parts then */
    {"sql", CHANGE_HIDDEN, 0, NULL, NULL},
};
static const struct kind table = {
    .name = "table",
    .words = "TABLE",
    ATTRIBUTES(table_attributes),
    .create = "{sql}",
    .rename = "ALTER TABLE {old} RENAME TO {new}",
    .flags = KIND_DATA | KIND_RELATION,
    .rank = LITE_TABLE,
};

static const struct attribute text_attributes[] = {
    {"definition", CHANGE_REPLACE, 0, NULL, NULL},
    {"sql", CHANGE_HIDDEN, 0, NULL, NULL},
};
static const struct attribute virtual_attributes[] = {
    {"definition", CHANGE_REFUSE, 0, NULL, NULL},
    {"sql", CHANGE_HIDDEN, 0, NULL, NULL},
};
static const struct kind virtual_table = {
    .name = "virtual table",
    .words = "TABLE",
    ATTRIBUTES(virtual_attributes),
    .create = "{sql}",
    .rename = "ALTER TABLE {old} RENAME TO {new}",
    .flags = KIND_DATA | KIND_RELATION,
    .rank = LITE_VIRTUAL_TABLE,
};

static const struct attribute column_attributes[] = {
    {"name", CHANGE_OWN, 0, NULL, NULL},
    {"type", CHANGE_OWN, 0, NULL, NULL},
    {"not_null", CHANGE_OWN, 0, NULL, NULL},
    {"default", CHANGE_OWN, 0, NULL, NULL},
    {"generated", CHANGE_OWN, 0, NULL, NULL},
    {"collation", CHANGE_OWN, 0, NULL, NULL},
    {"position", CHANGE_OWN, ATTRIBUTE_ORDER, NULL, NULL},
};
static const struct kind column = {
    .name = "column",
    .words = "COLUMN",
    ATTRIBUTES(column_attributes),
    .drop = "ALTER TABLE {parent} DROP COLUMN {address}",
    .rename = "ALTER TABLE {parent} RENAME COLUMN {old} TO {new}",
    .flags = KIND_DATA | KIND_INLINE,
    .rank = LITE_COLUMN,
};

static const struct attribute constraint_attributes[] = {
    {"definition", CHANGE_OWN, 0, NULL, NULL},
};
static const struct kind constraint = {
    .name = "constraint",
    .words = "CONSTRAINT",
    ATTRIBUTES(constraint_attributes),
    .flags = KIND_INLINE,
    .rank = LITE_CONSTRAINT,
};
static const struct kind foreign_key = {
    .name = "foreign key",
    .words = "CONSTRAINT",
    ATTRIBUTES(constraint_attributes),
    .flags = KIND_INLINE,
    .rank = LITE_FOREIGN_KEY,
};

static const struct attribute index_attributes[] = {
    {"name", CHANGE_REPLACE, 0, NULL, NULL},
    {"definition", CHANGE_REPLACE, 0, NULL, NULL},
    {"sql", CHANGE_HIDDEN, 0, NULL, NULL},
};
static const struct kind index_kind = {
    .name = "index",
    .words = "INDEX",
    ATTRIBUTES(index_attributes),
    .create = "{sql}",
    .flags = KIND_RELATION,
    .rank = LITE_INDEX,
};
static const struct kind view = {
    .name = "view",
    .words = "VIEW",
    ATTRIBUTES(text_attributes),
    .create = "{sql}",
    .flags = KIND_RELATION,
    .rank = LITE_VIEW,
};
static const struct kind trigger = {
    .name = "trigger",
    .words = "TRIGGER",
    ATTRIBUTES(text_attributes),
    .create = "{sql}",
    .rank = LITE_TRIGGER,
};

static const struct kind *const sqlite[LITE_KINDS] = {
    [LITE_TABLE] = &table,
    [LITE_VIRTUAL_TABLE] = &virtual_table,
    [LITE_COLUMN] = &column,
    [LITE_CONSTRAINT] = &constraint,
    [LITE_FOREIGN_KEY] = &foreign_key,
    [LITE_INDEX] = &index_kind,
    [LITE_VIEW] = &view,
    [LITE_TRIGGER] = &trigger,
};
const struct kind_list kinds_sqlite = {sqlite, LITE_KINDS};
