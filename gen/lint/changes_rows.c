/* Statements that write rows: how many at a time, and what they assign. In bodies of functions they are the application's. */
#include "gen/lint/changes.h"

#include <string.h>

#include "schema/tokens.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const portion =
    "WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table}{not yet} LIMIT 1000));"; /* portions need no key */

/* ------------------------------------------------------------------------------------------------------ bounded or not */

static bool is_constant(const json_t *node)
{
    return json_object_get(node, "A_Const");
}

/* No WHERE, or one that says nothing: true, 1 = 1. */
static bool is_unbounded(const json_t *node)
{
    const json_t *where = json_object_get(node, "whereClause");
    const json_t *op = json_object_get(where, "A_Expr");
    if (!where || is_constant(where))
        return true;
    return is_constant(json_object_get(op, "lexpr")) && is_constant(json_object_get(op, "rexpr"));
}

static bool is_batch(const struct lint_statement *s)
{
    return s->section->section->flags & SECTION_BATCH;
}

/* Not so: what may differ each time it is asked, so that no portion would ever be the last. */
static bool is_settled(const json_t *node, unsigned depth)
{
    static const char *const unsettled[] = {"FuncCall",     "SQLValueFunction", "SubLink",      "MultiAssignRef",
                                            "SetToDefault", "ParamRef",         "A_Indirection"};
    enum { DEEPEST = 50 };
    const json_t *item;
    const char *key;
    size_t i;
    if (depth > DEEPEST)
        return false;
    json_array_foreach(node, i, item) if (!is_settled(item, depth + 1)) return false;
    for (void *at = json_object_iter((json_t *)(uintptr_t)node); at;
         at = json_object_iter_next((json_t *)(uintptr_t)node, at)) {
        key = json_object_iter_key(at);
        for (i = 0; i < COUNT(unsettled); i++)
            if (strcmp(key, unsettled[i]) == 0)
                return false;
        if (!is_settled(json_object_iter_value(at), depth + 1))
            return false;
    }
    return true;
}

static bool names_column(struct str text, const char *column)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    for (struct token t; token_next(&l, &t);)
        if (token_is_name(text, &t, column))
            return true;
    return false;
}

/* -------------------------------------------------------------------------------------------------------------- UPDATE */

/* Behind the "=" of an assignment whose column begins at `at`. */
static size_t behind_equals(struct str text, size_t at)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL, .at = at};
    for (struct token t; token_next(&l, &t);)
        if (token_is_symbol(text, &t, "="))
            return t.offset + t.length;
    return text.n;
}

/* Where the value of an UPDATE's only assignment ends: at WHERE or RETURNING outside of parentheses. */
static size_t end_of_value(struct str text, size_t from)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL, .at = from};
    size_t depth = 0;
    for (struct token t; token_next(&l, &t);) {
        depth += token_is_symbol(text, &t, "(");
        depth -= depth && token_is_symbol(text, &t, ")");
        if (!depth && (token_is_word(text, &t, "WHERE") || token_is_word(text, &t, "RETURNING")))
            return t.offset;
    }
    return text.n;
}

/* The rows that are not done yet: " WHERE size IS DISTINCT FROM 0". A value that never settles: those without one. */
static const char *not_yet(const struct lint_statement *s, const json_t *target, struct str value)
{
    const char *column = json_string_value(json_object_get(target, "name"));
    const char *name = changes_quote(s, column);
    if (is_settled(json_object_get(target, "val"), 0) && !names_column(value, column))
        return arena_printf(s->section->arena, " WHERE %s IS DISTINCT FROM (%.*s)", name, STR_ARG(value));
    return arena_printf(s->section->arena, " WHERE %s IS NULL", name);
}

/* Only of one assignment to a whole column, from no other table: else what is done and what not is for people to say. */
static void safe_update(struct lint_statement *s, const json_t *node)
{
    const json_t *targets = json_object_get(node, "targetList");
    const json_t *target = json_object_get(json_array_get(targets, 0), "ResTarget");
    if (json_array_size(targets) != 1 || json_object_get(node, "fromClause") || json_object_get(node, "withClause") ||
        json_object_get(target, "indirection") || json_object_get(json_object_get(target, "val"), "MultiAssignRef") ||
        json_object_get(json_object_get(node, "relation"), "alias") || node != s->node)
        return;
    const char *table = tree_name(s->section->arena, json_object_get(node, "relation"));
    size_t from = behind_equals(s->text, tree_location(target)), end = end_of_value(s->text, from);
    struct str value = str_trim(str_slice(s->text, from, end));
    const char *set = arena_printf(s->section->arena, "-- migrate:up batch\nUPDATE {table} SET %s = %.*s\n%s",
                                   changes_quote(s, json_string_value(json_object_get(target, "name"))), STR_ARG(value),
                                   portion);
    lint_safe(s, "%s", CHANGES_FILL(s, set, "table", table, "not yet", not_yet(s, target, value)));
}

/* PostgreSQL itself takes assignments to parts of one column: a[1], point.x. */
static void check_assignments(struct lint_statement *s, const json_t *targets)
{
    const json_t *item;
    size_t i;
    struct strings seen = {0};
    json_array_foreach(targets, i, item)
    {
        const json_t *target = json_object_get(item, "ResTarget");
        const char *name = json_string_value(json_object_get(target, "name"));
        if (!name || json_object_get(target, "indirection"))
            continue;
        if (strings_has(&seen, name))
            lint_found(s, "dup-assign", tree_location(target), "%s is set twice", changes_quote(s, name));
        vec_push(s->section->arena, &seen, name);
    }
}

static void update(struct lint_statement *s, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation");
    check_assignments(s, json_object_get(node, "targetList"));
    if (is_batch(s) || !is_unbounded(node) || !changes_in_use(s, relation))
        return;
    lint_found(s, "unbounded-dml", tree_location(relation), "UPDATE of all rows of %s",
               tree_name(s->section->arena, relation));
    safe_update(s, node);
}

/* -------------------------------------------------------------------------------------------------------------- DELETE */

static void delete (struct lint_statement *s, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation");
    const char *table = tree_name(s->section->arena, relation);
    if (is_batch(s) || !is_unbounded(node) || !changes_in_use(s, relation))
        return;
    lint_found(s, "unbounded-dml", tree_location(relation), "DELETE of all rows of %s", table);
    const char *text = arena_printf(s->section->arena, "-- migrate:up batch\nDELETE FROM {table}\n%s", portion);
    lint_safe(s, "%s", CHANGES_FILL(s, text, "table", table, "not yet", ""));
}

/* -------------------------------------------------------------------------------------------------------------- INSERT */

static bool is_cte(const json_t *with, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(with, "ctes"), i,
                       item) if (tree_says(json_object_get(item, "CommonTableExpr"), "ctename", name)) return true;
    return false;
}

struct source_of_rows {
    const json_t *insert, *select;
};

/* A table of FROM that is in use, looking into joins; NULL: none. */
static const json_t *used_table(const struct lint_statement *s, const struct source_of_rows *from, const json_t *item)
{
    const json_t *join = json_object_get(item, "JoinExpr"), *var = json_object_get(item, "RangeVar");
    for (; join; join = json_object_get(item, "JoinExpr")) { /* leftmost: a join has as many rows as it, mostly */
        item = json_object_get(join, "larg");
        var = json_object_get(item, "RangeVar");
    }
    const char *name = json_string_value(json_object_get(var, "relname"));
    if (!name || is_cte(json_object_get(from->insert, "withClause"), name) ||
        is_cte(json_object_get(from->select, "withClause"), name))
        return NULL;
    return changes_in_use(s, var) ? var : NULL;
}

static const json_t *whole_table(const struct lint_statement *s, const json_t *insert, const json_t *select)
{
    const json_t *item;
    size_t i;
    struct source_of_rows from = {insert, select};
    if (!is_unbounded(select) || json_object_get(select, "limitCount"))
        return NULL;
    json_array_foreach(json_object_get(select, "fromClause"), i, item)
    {
        const json_t *found = used_table(s, &from, item);
        if (found)
            return found;
    }
    return NULL;
}

/* The column that the table's primary key is, else "id". */
static const char *key_of(const struct lint_statement *s, const json_t *relation)
{
    const struct chain_relation *r = chain_relation(s->section->chain, chain_name_of(s->section->arena, relation));
    for (size_t i = 0; r && i < r->constraints.n; i++)
        if (r->constraints.v[i].kind == CHAIN_PRIMARY && r->constraints.v[i].columns.n == 1)
            return changes_quote(s, r->constraints.v[i].columns.v[0]);
    return "id";
}

/* The statement with a condition behind it, which only fits when nothing else stands there. */
static void safe_insert(struct lint_statement *s, const json_t *insert, const json_t *select, const json_t *source)
{
    static const char *const behind[] = {"groupClause",  "havingClause",  "sortClause", "whereClause",
                                         "windowClause", "lockingClause", "limitOffset"};
    for (size_t i = 0; i < COUNT(behind); i++)
        if (json_object_get(select, behind[i]))
            return;
    if (insert != s->node || json_object_get(insert, "onConflictClause") || json_object_get(insert, "returningList"))
        return;
    struct arena *a = s->section->arena;
    const json_t *alias = json_object_get(json_object_get(source, "alias"), "aliasname");
    const char *target = tree_name(a, json_object_get(insert, "relation")), *key = key_of(s, source);
    const char *from = alias ? changes_quote(s, json_string_value(alias)) : tree_name(a, source);
    lint_safe(s,
              "-- migrate:up batch\n%.*s\n"
              "WHERE NOT EXISTS (SELECT FROM %s AS done WHERE done.%s = %s.%s)\nLIMIT 1000;",
              STR_ARG(s->text), target, key, from, key);
}

static void insert(struct lint_statement *s, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation");
    const json_t *select = json_object_get(json_object_get(node, "selectStmt"), "SelectStmt");
    const json_t *conflict = json_object_get(node, "onConflictClause");
    check_assignments(s, json_object_get(conflict, "targetList"));
    const json_t *source = select && !is_batch(s) && changes_in_use(s, relation) ? whole_table(s, node, select) : NULL;
    if (!source)
        return;
    lint_found(s, "unbounded-dml", tree_location(source), "INSERT of all rows of %s into %s",
               tree_name(s->section->arena, source), tree_name(s->section->arena, relation));
    safe_insert(s, node, select, source);
}

/* ------------------------------------------------------------------------------------- statements, and those in WITH */

static void look(struct lint_statement *s, const json_t *node,
                 void (*check)(struct lint_statement *s, const json_t *node))
{
    if (node)
        check(s, node);
}

/* WITH holds statements that write, at the top of a statement only. */
static void check_ctes(struct lint_statement *s, const json_t *with)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(with, "ctes"), i, item)
    {
        const json_t *query = json_object_get(json_object_get(item, "CommonTableExpr"), "ctequery");
        look(s, json_object_get(query, "UpdateStmt"), update);
        look(s, json_object_get(query, "DeleteStmt"), delete);
        look(s, json_object_get(query, "InsertStmt"), insert);
    }
}

static void check_rows(struct lint_statement *s, void (*check)(struct lint_statement *s, const json_t *node))
{
    if (s->nest == NEST_ROUTINE)
        return;
    check(s, s->node);
    check_ctes(s, json_object_get(s->node, "withClause"));
}

void changes_insert(struct lint_statement *s)
{
    check_rows(s, insert);
}

void changes_update(struct lint_statement *s)
{
    check_rows(s, update);
}

void changes_delete(struct lint_statement *s)
{
    check_rows(s, delete);
}

void changes_select(struct lint_statement *s)
{
    if (s->nest != NEST_ROUTINE)
        check_ctes(s, json_object_get(s->node, "withClause"));
}

void changes_batch(struct lint_statement *s)
{
    if (lint_wants_limit(s) && !lint_has_limit(s->text, DIALECT_POSTGRESQL))
        lint_found(s, "batch-without-limit", 0, "%s without a LIMIT in a batch section", s->kind);
}
