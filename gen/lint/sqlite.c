/*
 * SQLite's rules. The walk of the check stage (gen/try_sqlite.h) runs each revision's up on exactly its ancestors; this looks
 * on: before a section it remembers the tables that the section drops or renames, at each statement it judges what the
 * statement does to tables that were there before, and at the end it asks the database what is left of them.
 *
 * Down sections are not run: what a way down loses is for `verify`, which compares whole schemas.
 */
#include "gen/lint/sqlite.h"

#include <sqlite3.h>
#include <string.h>
#include <strings.h>

#include "gen/lint/sqlite_action.h"
#include "gen/try_sqlite.h"
#include "schema/sqlite_text.h"

/* An index, a trigger or a view, as it was before the section. */
struct part {
    const char *type, *name, *sql;
    bool works; /* a view: it can be read */
};

/* A table that the section drops or renames, as it was before. */
struct earlier {
    const char *name;
    struct strings columns;
    VEC(struct part) parts;
    uint32_t gone_at; /* the statement that drops or renames it away */
    bool gone;
    const char *now; /* its name now; NULL: dropped */
};

/* A table that the section made. */
struct made {
    const char *name; /* now; NULL: dropped again */
    uint32_t statement;
    bool temporary;
};

struct looker {
    const struct source *source;
    const struct source_stream *stream;
    void (*take)(void *to, struct lint_section *section);
    void *to;
    struct arena *a; /* of the section */
    struct lint_section section;
    VEC(struct sqlite_action) actions;
    VEC(struct earlier) earlier;
    VEC(struct made) made;
    struct strings told; /* tables whose children a statement was said to delete along */
};

/* ---- asking the database ---- */

typedef void (*take_row)(void *to, sqlite3_stmt *row);

static void ask(sqlite3 *db, const char *sql, const char *name, take_row take, void *to)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        while (sqlite3_step(statement) == SQLITE_ROW)
            take(to, statement);
    }
    sqlite3_finalize(statement);
}

struct asked {
    struct arena *a;
    struct strings *names;
    const char *about; /* rows whose second column does not mention it are left out; NULL: all count */
};

static const char *text_at(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

static void take_name(void *to, sqlite3_stmt *row)
{
    struct asked *asked = to;
    if (!asked->about || sqlite_text_mentions(str_from(text_at(row, 1)), asked->about))
        vec_push(asked->a, asked->names, arena_strdup(asked->a, text_at(row, 0)));
}

static struct strings names(struct looker *l, sqlite3 *db, const char *sql, const char *name, bool mentioned)
{
    struct strings out = {0};
    struct asked asked = {l->a, &out, mentioned ? name : NULL};
    ask(db, sql, name, take_name, &asked);
    return out;
}

static const char SQL_COLUMNS[] = "SELECT name FROM pragma_table_xinfo(?1)";
static const char SQL_IS_THERE[] = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
                                   "AND name = ?1 COLLATE NOCASE";
static const char SQL_PART[] = "SELECT name FROM sqlite_schema WHERE type IN ('index', 'trigger', 'view') "
                               "AND name = ?1 COLLATE NOCASE";
/* Its indexes and triggers, and the views that may read it. */
static const char SQL_PARTS[] = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL "
                                "AND (type IN ('index', 'trigger') AND tbl_name = ?1 COLLATE NOCASE "
                                "OR type = 'view' AND instr(lower(sql), lower(?1))) ORDER BY rowid";
/* What refers to a table by name: keys of other tables, views, triggers of other tables. */
static const char SQL_REFERRERS[] =
    "SELECT type || ' ' || name, sql FROM sqlite_schema AS m WHERE sql IS NOT NULL "
    "AND type IN ('table', 'view', 'trigger') AND tbl_name <> ?1 COLLATE NOCASE AND instr(lower(sql), lower(?1)) "
    "AND (type <> 'table' OR EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name) AS f "
    "WHERE f.\"table\" = ?1 COLLATE NOCASE)) ORDER BY m.rowid";
static const char SQL_CASCADES[] =
    "SELECT name, sql FROM sqlite_schema AS m WHERE type = 'table' AND instr(lower(sql), 'cascade') "
    "AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name) AS f "
    "WHERE f.\"table\" = ?1 COLLATE NOCASE AND f.on_delete = 'CASCADE') ORDER BY m.rowid";
static const char SQL_NOT_STRICT[] = "SELECT name FROM pragma_table_list(?1) WHERE type = 'table' AND NOT strict";

static bool is_there(struct looker *l, sqlite3 *db, const char *name)
{
    return names(l, db, SQL_IS_THERE, name, false).n > 0;
}

/* Reading it prepares; what it reads is there, then. */
static bool view_works(struct looker *l, sqlite3 *db, const char *name)
{
    sqlite3_stmt *statement = NULL;
    const char *sql = arena_printf(l->a, "SELECT 1 FROM %s", sqlite_text_quoted(l->a, name));
    bool works = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK;
    sqlite3_finalize(statement);
    return works;
}

/* ---- what was there before ---- */

struct part_rows {
    struct looker *l;
    sqlite3 *db;
    struct earlier *table;
};

static void take_part(void *to, sqlite3_stmt *row)
{
    struct part_rows *rows = to;
    struct arena *a = rows->l->a;
    struct part part = {.type = arena_strdup(a, text_at(row, 0)),
                        .name = arena_strdup(a, text_at(row, 1)),
                        .sql = arena_strdup(a, text_at(row, 2))};
    if (strcmp(part.type, "view") == 0) {
        if (!sqlite_text_mentions(str_from(part.sql), rows->table->name))
            return;
        part.works = view_works(rows->l, rows->db, part.name);
    }
    vec_push(a, &rows->table->parts, part);
}

static struct earlier *find_earlier(struct looker *l, const char *now)
{
    for (size_t i = 0; i < l->earlier.n; i++)
        if (l->earlier.v[i].now && strcasecmp(l->earlier.v[i].now, now) == 0)
            return &l->earlier.v[i];
    return NULL;
}

static void remember_table(struct looker *l, sqlite3 *db, const char *name)
{
    struct earlier table = {.name = name, .now = name};
    struct part_rows rows = {l, db, &table};
    if (find_earlier(l, name))
        return;
    table.columns = names(l, db, SQL_COLUMNS, name, false);
    if (!table.columns.n)
        return;
    ask(db, SQL_PARTS, name, take_part, &rows);
    vec_push(l->a, &l->earlier, table);
}

static struct str statement_text(const struct looker *l, const struct revision_statement *st)
{
    return str_slice(l->section.revision->file.bytes, st->offset, (size_t)st->offset + st->length);
}

static void begins(void *to, uint32_t revision, const struct sqlite_body *body, struct scratch *db)
{
    struct looker *l = to;
    *l = (struct looker){.source = l->source, .stream = l->stream, .take = l->take, .to = l->to, .a = l->a};
    l->section = (struct lint_section){
        .arena = l->a,
        .run = l->source->arena,
        .stream = l->stream,
        .revision = l->stream->revisions.v[revision],
        .section = body->section,
    };
    for (size_t i = 0; i < body->n; i++) {
        struct sqlite_action action = sqlite_action_read(l->a, statement_text(l, &body->statements[i]));
        if (action.kind == ACTION_DROP_TABLE || action.kind == ACTION_RENAME_TABLE)
            remember_table(l, scratch_handle(db), action.table);
        vec_push(l->a, &l->actions, action);
    }
}

/* ---- names within the section ---- */

static struct made *find_made(struct looker *l, const char *name)
{
    for (size_t i = 0; i < l->made.n; i++)
        if (l->made.v[i].name && strcasecmp(l->made.v[i].name, name) == 0)
            return &l->made.v[i];
    return NULL;
}

static bool is_in_use(struct looker *l, const struct sqlite_action *action)
{
    return !action->temporary && !find_made(l, action->table);
}

static const char *quoted(const struct looker *l, const char *name)
{
    return sqlite_text_quoted(l->a, name);
}

/* ---- statement by statement ---- */

static void create_table(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    struct made made = {action->table, s->index, action->temporary};
    if (action->temporary || !is_there(l, db, action->table)) /* IF NOT EXISTS */
        vec_push(l->a, &l->made, made);
}

static void leave(struct earlier *table, uint32_t statement, const char *now)
{
    if (!table)
        return;
    table->now = now;
    table->gone_at = table->gone ? table->gone_at : statement;
    table->gone = true;
}

static void drop_table(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    struct made *made = find_made(l, action->table);
    (void)db;
    if (made)
        made->name = NULL;
    else
        leave(find_earlier(l, action->table), s->index, NULL);
}

static void rename_table(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    struct made *made = find_made(l, action->table);
    (void)db;
    if (made)
        made->name = action->to;
    else
        leave(find_earlier(l, action->table), s->index, action->to);
}

static void rename_column(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    const char *table = quoted(l, action->table), *to = quoted(l, action->to);
    (void)db;
    if (!is_in_use(l, action))
        return;
    lint_found(s, "sl-rename-column", 0, "RENAME COLUMN %s.%s TO %s", table, quoted(l, action->column), to);
    lint_safe(s,
              "-- revision 1, with a release that writes both\n"
              "ALTER TABLE %s ADD COLUMN %s …;\n"
              "UPDATE %s SET %s = %s WHERE %s IS NULL;\n"
              "-- revision 2, when no release reads the old one\n"
              "ALTER TABLE %s DROP COLUMN %s;",
              table, to, table, to, quoted(l, action->column), to, table, quoted(l, action->column));
}

static void drop_column(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    const char *table = quoted(l, action->table), *column = quoted(l, action->column);
    (void)db;
    if (!is_in_use(l, action))
        return;
    lint_found(s, "sl-drop-column", 0, "DROP COLUMN %s.%s", table, column);
    lint_safe(s, "-- release 1: no code uses %s any more\n-- release 2:\nALTER TABLE %s DROP COLUMN %s;", column, table,
              column);
}

static void names_list(struct buf *out, const struct looker *l, const struct strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        buf_addf(out, "%s%s", i ? ", " : "", quoted(l, list->v[i]));
}

/* A row that is deleted, or replaced, which is deleting it first, takes the rows along that refer to it. */
static void cascades(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    BUF_AUTO children = {0};
    const char *table = quoted(l, action->table);
    if (!is_in_use(l, action) || l->section.section->flags & SECTION_FOREIGN_KEYS_OFF || strings_has(&l->told, table))
        return;
    struct strings list = names(l, db, SQL_CASCADES, action->table, false);
    vec_push(l->a, &l->told, table);
    if (!list.n)
        return;
    names_list(&children, l, &list);
    lint_found(s, "sl-drop-cascades", 0, "%s %s, whose rows take those of %s along",
               action->kind == ACTION_DELETE ? "DELETE of all rows of" : "REPLACE in", table, children.p);
    if (action->kind == ACTION_DELETE)
        lint_safe(s, "-- say which rows\nDELETE FROM %s WHERE …;", table);
    else
        lint_safe(s,
                  "-- change the row where it stands\nINSERT INTO %s (…) VALUES (…) ON CONFLICT (…) DO UPDATE SET …;",
                  table);
}

static void insert(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    if (action->replaces)
        cascades(l, s, action, db);
}

static void unbounded(struct looker *l, struct lint_statement *s, const struct sqlite_action *action)
{
    const bool deletes = action->kind == ACTION_DELETE;
    const char *table = quoted(l, action->table);
    if (!is_in_use(l, action) || l->section.section->flags & SECTION_BATCH)
        return;
    lint_found(s, "sl-unbounded-dml", 0, "%s of all rows of %s", deletes ? "DELETE" : "UPDATE", table);
    /* Which rows are still to be done only the author of an UPDATE knows. */
    lint_safe(s, "-- migrate:up batch\n%.*s\nWHERE rowid IN (SELECT rowid FROM %s%s LIMIT 5000);", STR_ARG(s->text),
              table, deletes ? "" : " WHERE …");
}

static void update(struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    if (!action->where)
        unbounded(l, s, action);
    if (action->replaces)
        cascades(l, s, action, db);
}

static void delete (struct looker *l, struct lint_statement *s, const struct sqlite_action *action, sqlite3 *db)
{
    if (action->where)
        return;
    unbounded(l, s, action);
    cascades(l, s, action, db);
}

static void check_limit(struct lint_statement *s)
{
    if (lint_wants_limit(s) && !lint_has_limit(s->text, DIALECT_SQLITE))
        lint_found(s, "batch-without-limit", 0, "%s without a LIMIT in a batch section", s->kind);
}

static void at_statement(void *to, size_t at, struct scratch *scratch)
{
    static void (*const rules[])(struct looker *, struct lint_statement *, const struct sqlite_action *, sqlite3 *) = {
        [ACTION_OTHER] = NULL,
        [ACTION_CREATE_TABLE] = create_table,
        [ACTION_DROP_TABLE] = drop_table,
        [ACTION_DROP_PART] = NULL,
        [ACTION_RENAME_TABLE] = rename_table,
        [ACTION_RENAME_COLUMN] = rename_column,
        [ACTION_DROP_COLUMN] = drop_column,
        [ACTION_INSERT] = insert,
        [ACTION_UPDATE] = update,
        [ACTION_DELETE] = delete,
    };
    struct looker *l = to;
    struct lint_statement s = lint_earlier(&l->section, (uint32_t)at);
    const struct sqlite_action *action = &l->actions.v[at];
    check_limit(&s);
    if (rules[action->kind])
        rules[action->kind](l, &s, action, scratch_handle(scratch));
}

/* ---- at the end: what is left of a table ---- */

/* A statement before it is gone writes elsewhere what it reads from the table: INSERT … SELECT, CREATE TABLE AS. */
static bool is_copied(struct looker *l, const struct earlier *table)
{
    for (uint32_t i = 0; i < l->actions.n; i++) {
        const struct sqlite_action *action = &l->actions.v[i];
        struct str text = statement_text(l, &l->section.section->statements[i]);
        bool writes = action->kind == ACTION_INSERT || action->kind == ACTION_CREATE_TABLE;
        if (!writes || strcasecmp(action->table, table->name) == 0)
            continue;
        if (sqlite_text_mentions(text, table->name))
            return true;
    }
    return false;
}

/* Renamed away and made anew under the old name: rows come from the new name then. */
static bool is_copied_from(struct looker *l, const struct earlier *table)
{
    for (uint32_t i = 0; i < l->actions.n; i++) {
        const struct sqlite_action *rename = &l->actions.v[i];
        if (rename->kind != ACTION_RENAME_TABLE || strcasecmp(rename->table, table->name) != 0)
            continue;
        for (uint32_t k = i + 1; k < l->actions.n; k++)
            if (l->actions.v[k].kind == ACTION_INSERT &&
                sqlite_text_mentions(statement_text(l, &l->section.section->statements[k]), rename->to))
                return true;
    }
    return false;
}

static void broken_views(struct buf *out, struct looker *l, sqlite3 *db, const struct earlier *table)
{
    for (size_t i = 0; i < table->parts.n; i++) {
        const struct part *part = &table->parts.v[i];
        if (part->works && is_there(l, db, part->name) && !view_works(l, db, part->name))
            buf_addf(out, "%s%s", out->n ? ", " : "", quoted(l, part->name));
    }
}

static void dropped(struct looker *l, sqlite3 *db, const struct earlier *table, bool copied)
{
    struct lint_statement s = lint_earlier(&l->section, table->gone_at);
    BUF_AUTO views = {0};
    broken_views(&views, l, db, table);
    lint_found(&s, "sl-drop-table", 0, "DROP TABLE %s", quoted(l, table->name));
    if (views.n)
        lint_why(&s, "Views that read the table fail from now on, and so does every later ALTER TABLE: %s.", views.p);
    else if (copied)
        lint_why(&s,
                 "Its rows are copied before, but the version of the application that still runs reads and writes "
                 "%s.",
                 quoted(l, table->name));
    lint_safe(&s, "-- release 1: nothing reads or writes %s any more\n-- release 2:\nDROP TABLE %s;",
              quoted(l, table->name), quoted(l, table->name));
}

static void renamed(struct looker *l, const struct earlier *table)
{
    struct lint_statement s = lint_earlier(&l->section, table->gone_at);
    const char *from = quoted(l, table->name), *now = quoted(l, table->now);
    lint_found(&s, "sl-rename-table", 0, "%s is renamed to %s", from, now);
    lint_safe(&s,
              "-- revision 1: the old name still reads; triggers INSTEAD OF let it write\n"
              "ALTER TABLE %s RENAME TO %s;\nCREATE VIEW %s AS SELECT * FROM %s;\n"
              "-- revision 2, when no release uses it\nDROP VIEW %s;",
              from, now, from, now, from);
}

/* The new name under which it was away, when it was renamed and another table has the old name now. */
static const char *away(const struct looker *l, const struct earlier *table)
{
    for (size_t i = 0; i < l->actions.n; i++)
        if (i == table->gone_at && l->actions.v[i].kind == ACTION_RENAME_TABLE)
            return l->actions.v[i].to;
    return NULL;
}

static void check_order(struct looker *l, sqlite3 *db, const struct earlier *table)
{
    const char *old = away(l, table);
    if (!old)
        return;
    struct strings list = names(l, db, SQL_REFERRERS, old, true);
    if (!list.n)
        return;
    BUF_AUTO referrers = {0};
    strings_join(&referrers, &list, ", ");
    struct lint_statement s = lint_earlier(&l->section, table->gone_at);
    const char *name = quoted(l, table->name), *fresh = quoted(l, arena_printf(l->a, "%s_new", table->name));
    lint_found(&s, "sl-rename-order", 0, "%s now refers to %s, not to %s", referrers.p, quoted(l, old), name);
    lint_safe(&s,
              "CREATE TABLE %s (…);\nINSERT INTO %s (…) SELECT … FROM %s;\nDROP TABLE %s;\n"
              "ALTER TABLE %s RENAME TO %s;",
              fresh, fresh, name, name, fresh, name);
}

/* ---- at the end: what a rebuild forgot ---- */

static bool has_column(const struct strings *columns, const char *name)
{
    for (size_t i = 0; i < columns->n; i++)
        if (strcasecmp(columns->v[i], name) == 0)
            return true;
    return false;
}

static struct strings lost_columns(struct looker *l, sqlite3 *db, const struct earlier *table)
{
    struct strings lost = {0}, now = names(l, db, SQL_COLUMNS, table->name, false);
    for (size_t i = 0; i < table->columns.n; i++)
        if (!has_column(&now, table->columns.v[i]))
            vec_push(l->a, &lost, table->columns.v[i]);
    return lost;
}

static bool mentions_any(const struct part *part, const struct strings *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        if (sqlite_text_mentions(str_from(part->sql), columns->v[i]))
            return true;
    return false;
}

/* An index or a trigger goes with its table; who drops it all the same means it. A view has to be dropped first. */
static bool is_meant(const struct looker *l, const struct part *part)
{
    if (strcmp(part->type, "view") == 0)
        return false;
    for (size_t i = 0; i < l->actions.n; i++)
        if (l->actions.v[i].kind == ACTION_DROP_PART && strcasecmp(l->actions.v[i].table, part->name) == 0)
            return true;
    return false;
}

/* Renamed away it keeps its indexes and triggers, which are not the new table's. */
static bool is_part_of(struct looker *l, sqlite3 *db, const struct earlier *table, const struct part *part)
{
    struct earlier now = {.name = table->name};
    struct part_rows rows = {l, db, &now};
    if (strcmp(part->type, "view") == 0)
        return names(l, db, SQL_PART, part->name, false).n > 0;
    ask(db, SQL_PARTS, table->name, take_part, &rows);
    for (size_t i = 0; i < now.parts.n; i++)
        if (strcasecmp(now.parts.v[i].name, part->name) == 0)
            return true;
    return false;
}

static void check_rebuild(struct looker *l, sqlite3 *db, const struct earlier *table)
{
    struct strings columns = lost_columns(l, db, table);
    BUF_AUTO what = {0};
    BUF_AUTO again = {0};
    for (size_t i = 0; i < columns.n; i++)
        buf_addf(&what, "%scolumn %s", what.n ? ", " : "", quoted(l, columns.v[i]));
    for (size_t i = 0; i < table->parts.n; i++) {
        const struct part *part = &table->parts.v[i];
        if (mentions_any(part, &columns) || is_meant(l, part) || is_part_of(l, db, table, part))
            continue;
        buf_addf(&what, "%s%s %s", what.n ? ", " : "", part->type, quoted(l, part->name));
        buf_addf(&again, "%s%s;", again.n ? "\n" : "", part->sql);
    }
    if (!what.n)
        return;
    struct lint_statement s = lint_earlier(&l->section, table->gone_at);
    lint_found(&s, "sl-rebuild-loses", 0, "the rebuild of %s loses %s", quoted(l, table->name), what.p);
    if (again.n)
        lint_safe(&s, "-- at the end of the section, what it had\n%s", again.p);
}

/* ---- at the end: what is new ---- */

static void check_types(struct looker *l, sqlite3 *db)
{
    const struct lint_rule *rule = lint_rule_find(STR("sl-types"));
    for (size_t i = 0; rule && lint_severity(l->stream, rule) != SEVERITY_OFF && i < l->made.n; i++) {
        const struct made *made = &l->made.v[i];
        if (!made->name || made->temporary || !names(l, db, SQL_NOT_STRICT, made->name, false).n)
            continue;
        struct lint_statement s = lint_earlier(&l->section, made->statement);
        lint_found(&s, "sl-types", 0, "%s is not STRICT", quoted(l, made->name));
        lint_safe(&s, "CREATE TABLE %s (…) STRICT;", quoted(l, made->name));
    }
}

static void look_at_table(struct looker *l, sqlite3 *db, const struct earlier *table)
{
    bool stays = is_there(l, db, table->name), copied = is_copied(l, table) || is_copied_from(l, table);
    if (find_made(l, table->name) && away(l, table))
        check_order(l, db, table);
    if (!stays && table->now)
        renamed(l, table);
    else if (!table->now && !(stays && copied))
        dropped(l, db, table, copied);
    else if (stays && copied)
        check_rebuild(l, db, table);
}

static void ends(void *to, bool right, struct scratch *scratch)
{
    struct looker *l = to;
    sqlite3 *db = scratch_handle(scratch);
    for (size_t i = 0; right && i < l->earlier.n; i++)
        if (l->earlier.v[i].gone)
            look_at_table(l, db, &l->earlier.v[i]);
    if (right)
        check_types(l, db);
    l->take(l->to, &l->section);
    arena_reset(l->a);
}

/* ---- a stream ---- */

static struct sqlite_body body_of(struct arena *a, const struct revision_section *section)
{
    return (struct sqlite_body){
        .section = section,
        .statements = section->statements,
        .skip = ARENA_ARRAY(a, bool, section->n_statements),
        .n = section->n_statements,
    };
}

static bool wants_look(const struct sqlite_action *action, bool types)
{
    switch (action->kind) {
    case ACTION_CREATE_TABLE:
        return types;
    case ACTION_INSERT:
        return action->replaces;
    case ACTION_UPDATE:
    case ACTION_DELETE:
        return action->replaces || !action->where;
    case ACTION_DROP_TABLE:
    case ACTION_RENAME_TABLE:
    case ACTION_RENAME_COLUMN:
    case ACTION_DROP_COLUMN:
        return true;
    case ACTION_OTHER:
    case ACTION_DROP_PART:
        break;
    }
    return false;
}

/* Most sections hold nothing that a rule is about: they are run only where another one builds on them. */
static bool is_wanted(struct arena *a, const struct source_revision *r, const struct revision_section *section,
                      bool types)
{
    bool wanted = section->flags & SECTION_BATCH;
    for (uint32_t i = 0; !wanted && i < section->n_statements; i++) {
        const struct revision_statement *st = &section->statements[i];
        struct sqlite_action action = sqlite_action_read(
            a, str_slice(r->file.bytes, st->offset, (size_t)st->offset + st->length));
        wanted = wants_look(&action, types);
    }
    arena_reset(a);
    return wanted;
}

void lint_sqlite_stream(struct source *s, const struct source_stream *stream,
                        void (*take)(void *to, struct lint_section *section), void *to)
{
    ARENA_AUTO a = {0};
    ARENA_AUTO section = {0};
    struct looker l = {.source = s, .stream = stream, .take = take, .to = to, .a = &section};
    struct sqlite_watch watch = {begins, at_statement, ends, &l};
    struct sqlite_revision *revisions = ARENA_ARRAY(&a, struct sqlite_revision, stream->revisions.n);
    bool *wanted = ARENA_ARRAY(&a, bool, stream->revisions.n);
    const struct lint_rule *strict = lint_rule_find(STR("sl-types"));
    bool types = strict && lint_severity(stream, strict) != SEVERITY_OFF;
    for (size_t i = 0; i < stream->revisions.n; i++) {
        const struct source_revision *r = stream->revisions.v[i];
        int8_t pick = r->unreadable ? SECTION_NONE : r->revision.pick[DIRECTION_UP][DIALECT_SQLITE];
        if (pick == SECTION_NONE)
            continue;
        revisions[i].direction[DIRECTION_UP] = body_of(&a, &r->sections.v[pick]);
        wanted[i] = is_wanted(&section, r, &r->sections.v[pick], types);
    }
    sqlite3_int64 limit = sqlite3_hard_heap_limit64(SCRATCH_MEGABYTES << 20);
    try_sqlite_watch(s, stream, revisions, wanted, &watch);
    sqlite3_hard_heap_limit64(limit);
}
