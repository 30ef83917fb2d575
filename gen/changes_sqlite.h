/*
 * SQLite's changes, shared by changes_sqlite.c (what is done and in which order) and rebuild_sqlite.c (how one table
 * changes). Others need the frame alone.
 */
#ifndef GEN_CHANGES_SQLITE_H
#define GEN_CHANGES_SQLITE_H

#include "gen/changes.h"
#include "schema/sqlite_text.h"

enum table_change {
    TABLE_SAME,
    TABLE_ALTER,   /* columns are added and dropped in place */
    TABLE_REBUILD, /* a new table, the rows copied, the old one dropped, the new one renamed */
};

struct table_plan {
    uint32_t from, to; /* the table in both catalogs */
    enum table_change change;
    bool forbidden; /* it would lose values, and that is not allowed: none of it is done */
    struct sqlite_text_table old_text, new_text;
    VEC(uint32_t) added;   /* columns of the goal */
    VEC(uint32_t) dropped; /* columns of the start, with their values */
    VEC(uint32_t) kept;    /* columns that the goal has not, but nobody allowed to drop */
    VEC(uint32_t) lossy;   /* columns of the goal whose values may change with their type */
};

struct lite {
    struct arena *arena;
    struct change_list *out;
    const struct catalog *from, *to;
    const struct change_options *options;
    struct strings from_names, to_names; /* see `known` in schema/sqlite_text.h */
    VEC(struct table_plan) tables;
};

/* Whether KIND:NAME of the object may be destroyed. */
bool lite_is_allowed(const struct lite *l, const struct object *o);
/* Adds a step; returns its number. */
uint32_t lite_step(struct lite *l, enum verb verb, const struct object *o, unsigned flags, const char *note,
                   const char *sql);
void lite_after(struct lite *l, uint32_t step, uint32_t before);
void lite_note(struct lite *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct err *lite_refuse(struct lite *l, const struct object *o, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills the plan of a table that both have. */
void table_plan_judge(struct lite *l, struct table_plan *plan);
/* The steps, but for indexes, views and triggers. */
void table_plan_write(struct lite *l, struct table_plan *plan);

#endif
