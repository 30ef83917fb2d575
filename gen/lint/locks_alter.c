/* ALTER TABLE, a subcommand at a time: what it locks, and whether it reads or writes the table anew under that lock. */
#include <string.h>

#include "gen/lint/locks.h"
#include "schema/tokens.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- places of subcommands: trees of PostgreSQL 15 have none ---- */

struct place {
    size_t at, end;
};
struct places {
    struct place *v;
    size_t n, cap;
};

/* "billing" "." "documents" "*": what follows is the first subcommand. */
static bool skip_relation(struct lexer *l, size_t relation, struct token *t)
{
    bool name = true;
    while (token_next(l, t)) {
        if (t->offset < relation)
            continue;
        if (name)
            name = false;
        else if (token_is_symbol(l->text, t, "."))
            name = true;
        else if (!token_is_symbol(l->text, t, "*"))
            return true;
    }
    return false;
}

static void find_places(struct arena *a, struct str text, size_t relation, struct places *out)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    int depth = 0;
    if (!skip_relation(&l, relation, &t))
        return;
    struct place place = {.at = t.offset, .end = t.offset + t.length};
    while (token_next(&l, &t)) {
        bool open = token_is_symbol(text, &t, "(") || token_is_symbol(text, &t, "[");
        bool close = token_is_symbol(text, &t, ")") || token_is_symbol(text, &t, "]");
        depth += open - close;
        if (depth == 0 && token_is_symbol(text, &t, ",")) {
            vec_push(a, out, place);
            place = (struct place){0};
        } else if (!token_is_symbol(text, &t, ";")) {
            place.at = place.at ? place.at : t.offset;
            place.end = t.offset + t.length;
        }
    }
    vec_push(a, out, place);
}

/* ---- constraints ---- */

/* The constraint as it is written, to the end of the subcommand. */
static const char *definition_text(const struct locks_alter *alter, const json_t *constraint)
{
    size_t at = tree_location(constraint);
    return alter->end > at && at ? lint_text(alter->s, at, alter->end) : "…";
}

static const char *constraint_name(const struct locks_alter *alter, const json_t *constraint)
{
    const char *name = chain_constraint_name(alter->a, alter->known, alter->name, constraint, NULL);
    return locks_quote(alter->a, name);
}

/* A constraint without a name gets the one that the next revision validates. */
static const char *named_definition(const struct locks_alter *alter, const json_t *constraint)
{
    const char *text = definition_text(alter, constraint);
    if (json_object_get(constraint, "conname"))
        return text;
    return arena_printf(alter->a, "CONSTRAINT %s %s", constraint_name(alter, constraint), text);
}

static void safe_not_valid(const struct locks_alter *alter, const json_t *constraint)
{
    lint_safe(alter->s,
              "-- revision 1\nALTER TABLE %s ADD %s NOT VALID;\n-- revision 2\nALTER TABLE %s VALIDATE CONSTRAINT %s;",
              alter->table, named_definition(alter, constraint), alter->table, constraint_name(alter, constraint));
}

static void remember_unproven(struct locks_alter *alter, const json_t *constraint)
{
    const char *name = chain_constraint_name(alter->a, alter->known, alter->name, constraint, NULL);
    struct locks_unproven unproven = {
        .owner = alter->name, .constraint = arena_strdup(alter->a, name), .statement = alter->s->index};
    vec_push(alter->a, &locks_state(alter->s->section)->unproven, unproven);
}

static void add_check(struct locks_alter *alter, const json_t *constraint)
{
    if (tree_true(constraint, "skip_validation")) {
        remember_unproven(alter, constraint);
        return;
    }
    lint_found(alter->s, "check-not-valid", tree_location(constraint), "ADD CHECK on %s reads the whole table",
               alter->table);
    safe_not_valid(alter, constraint);
}

static void add_foreign(struct locks_alter *alter, const json_t *constraint)
{
    const json_t *parent = json_object_get(constraint, "pktable");
    locks_add_foreign(alter->s, alter->relation, constraint, NULL);
    if (tree_true(constraint, "skip_validation")) {
        remember_unproven(alter, constraint);
        return;
    }
    lint_found(alter->s, "fk-not-valid", tree_location(constraint), "ADD FOREIGN KEY on %s reads the table and %s",
               alter->table, tree_name(alter->a, parent));
    if (alter->known && alter->known->partitioned)
        lint_why(alter->s,
                 "SHARE ROW EXCLUSIVE on %s and %s while every row is looked up: nobody can write either of them. "
                 "PostgreSQL 15 takes no NOT VALID foreign key on a partitioned table: add it to the partitions one "
                 "by one, NOT VALID, validate each, then to the table, which finds them.",
                 alter->table, tree_name(alter->a, parent));
    safe_not_valid(alter, constraint);
}

static const char *key_columns(const struct locks_alter *alter, const json_t *constraint, struct strings *columns)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(constraint, "keys"), i, item)
    {
        if (tree_string(item))
            vec_push(alter->a, columns, tree_string(item));
    }
    return locks_quote_all(alter->a, columns);
}

static bool is_proven(const struct locks_alter *alter, const struct strings *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        if (!chain_proves_not_null(alter->known, columns->v[i]))
            return false;
    return true;
}

/* The three revisions that make a column NOT NULL; no reader waits for any of them. */
static const char *not_null_steps(const struct locks_alter *alter, const char *column)
{
    const char *name = locks_new_name(alter->a, alter->known, alter->name, column, "not_null");
    const char *quoted = locks_quote(alter->a, column);
    return arena_printf(alter->a,
                        "-- revision 1\nALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;\n"
                        "-- revision 2\nALTER TABLE %s VALIDATE CONSTRAINT %s;\n"
                        "-- revision 3\nALTER TABLE %s ALTER COLUMN %s SET NOT NULL;\n"
                        "ALTER TABLE %s DROP CONSTRAINT %s;",
                        alter->table, name, quoted, alter->table, name, alter->table, quoted, alter->table, name);
}

static void use_index(struct locks_alter *alter, const json_t *constraint)
{
    const char *name = json_string_value(json_object_get(constraint, "indexname"));
    const struct chain_index *index = NULL;
    for (size_t i = 0; alter->known && i < alter->known->indexes.n; i++)
        if (strcmp(alter->known->indexes.v[i].name, name) == 0)
            index = &alter->known->indexes.v[i];
    for (size_t i = 0; index && i < index->columns.n; i++) {
        const char *column = index->columns.v[i];
        if (!*column || !chain_column(alter->known, column) || chain_proves_not_null(alter->known, column))
            continue;
        lint_found(alter->s, "pk-using-nullable-index", tree_location(constraint),
                   "PRIMARY KEY USING INDEX makes %s.%s NOT NULL, which reads the whole table", alter->table,
                   locks_quote(alter->a, column));
        lint_safe(alter->s, "%s\n-- revision 4\n%.*s;", not_null_steps(alter, column), STR_ARG(alter->s->text));
        return;
    }
}

static void add_unique(struct locks_alter *alter, const json_t *constraint)
{
    bool primary = tree_says(constraint, "contype", "CONSTR_PRIMARY");
    struct strings columns = {0};
    const char *list = key_columns(alter, constraint, &columns);
    const char *name = constraint_name(alter, constraint);
    if (json_object_get(constraint, "indexname")) {
        if (primary)
            use_index(alter, constraint);
        return;
    }
    lint_found(alter->s, "unique-direct", tree_location(constraint), "ADD %s (%s) on %s builds an index under a lock",
               primary ? "PRIMARY KEY" : "UNIQUE", list, alter->table);
    if (primary && !is_proven(alter, &columns))
        lint_why(alter->s,
                 "ACCESS EXCLUSIVE on %s while the index is built and all rows are read for NULLs: nobody reads or "
                 "writes it until both are done.",
                 alter->table);
    lint_safe(alter->s,
              "-- revision 1\n-- migrate:up transaction:false\nCREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);\n"
              "-- revision 2%s\nALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s;",
              name, alter->table, list, primary && !is_proven(alter, &columns) ? ", when the columns are NOT NULL" : "",
              alter->table, name, primary ? "PRIMARY KEY" : "UNIQUE", name);
}

static void add_exclusion(struct locks_alter *alter, const json_t *constraint)
{
    lint_found(alter->s, "exclusion", tree_location(constraint), "ADD EXCLUDE on %s builds an index under a lock",
               alter->table);
}

static const struct {
    const char *type;
    void (*check)(struct locks_alter *alter, const json_t *constraint);
} constraints[] = {
    {"CONSTR_CHECK", add_check},    {"CONSTR_FOREIGN", add_foreign},     {"CONSTR_UNIQUE", add_unique},
    {"CONSTR_PRIMARY", add_unique}, {"CONSTR_EXCLUSION", add_exclusion},
};

static void add_constraint(struct locks_alter *alter)
{
    const json_t *constraint = json_object_get(alter->definition, "Constraint");
    for (size_t i = 0; i < COUNT(constraints); i++)
        if (tree_says(constraint, "contype", constraints[i].type))
            constraints[i].check(alter, constraint);
}

static void validate(struct locks_alter *alter)
{
    struct locks_state *state = locks_state(alter->s->section);
    for (size_t i = 0; i < state->unproven.n; i++) {
        const struct locks_unproven *u = &state->unproven.v[i];
        if (strcmp(u->owner, alter->name) != 0 || strcmp(u->constraint, alter->column) != 0 ||
            !lint_in_transaction(alter->s))
            continue;
        const char *name = locks_quote(alter->a, alter->column);
        lint_found(alter->s, "validate-same-tx", alter->at, "VALIDATE CONSTRAINT %s reads %s under the lock of its ADD",
                   name, alter->table);
        if (u->statement != alter->s->index)
            lint_safe(alter->s, "-- revision 1\n%.*s;\n-- revision 2\nALTER TABLE %s VALIDATE CONSTRAINT %s;",
                      STR_ARG(lint_earlier(alter->s->section, u->statement).text), alter->table, name);
        return;
    }
}

/* ---- SET NOT NULL ---- */

static void set_not_null(struct locks_alter *alter)
{
    if (chain_proves_not_null(alter->known, alter->column))
        return;
    lint_found(alter->s, "not-null-scan", alter->at, "SET NOT NULL on %s.%s reads the whole table", alter->table,
               locks_quote(alter->a, alter->column));
    lint_safe(alter->s, "%s", not_null_steps(alter, alter->column));
}

/* ---- brief locks ---- */

/* Who has the lock already waits no more. */
static void brief(struct locks_alter *alter, const char *lock, const char *format)
{
    if (locks_hold(alter->s, alter->name))
        return;
    lint_found(alter->s, "trigger-lock", alter->at, "%s on %s locks the table", format, alter->table);
    lint_why(alter->s,
             "%s on %s: brief, but it waits for every transaction that uses the table, and what comes after waits "
             "behind it.",
             lock, alter->table);
}

static void switch_trigger(struct locks_alter *alter)
{
    brief(alter, "SHARE ROW EXCLUSIVE", "switching triggers");
}

static void switch_rules(struct locks_alter *alter)
{
    brief(alter, "ACCESS EXCLUSIVE", "switching rules or row security");
}

static void set_default(struct locks_alter *alter)
{
    brief(alter, "ACCESS EXCLUSIVE", alter->definition ? "SET DEFAULT" : "DROP DEFAULT");
}

static void set_storage(struct locks_alter *alter)
{
    brief(alter, "ACCESS EXCLUSIVE", "SET STORAGE");
}

static bool looks_foreign(const char *constraint)
{
    size_t n = strlen(constraint);
    return (n > 5 && strcmp(constraint + n - 5, "_fkey") == 0) || strncmp(constraint, "fk_", 3) == 0;
}

static void drop_constraint(struct locks_alter *alter)
{
    const struct chain_constraint *known = chain_constraint(alter->known, alter->column);
    if (known ? known->kind != CHAIN_FOREIGN : !looks_foreign(alter->column)) {
        brief(alter, "ACCESS EXCLUSIVE", "DROP CONSTRAINT");
        return;
    }
    if (known && !locks_name_in_use(alter->s, known->parent))
        return;
    const char *parent = known ? locks_shown(alter->a, known->parent) : "the table that it refers to";
    lint_found(alter->s, "drop-fk-locks-parent", alter->at, "DROP CONSTRAINT %s locks %s and %s",
               locks_quote(alter->a, alter->column), alter->table, parent);
    lint_safe(alter->s, "-- in a revision of its own\n-- migrate:up lock_timeout:2s\n%.*s;", STR_ARG(alter->s->text));
    if (known)
        locks_take(alter->s, known->parent, parent);
}

/* ---- partitions ---- */

static const json_t *part_of(const struct locks_alter *alter)
{
    return json_object_get(json_object_get(alter->definition, "PartitionCmd"), "name");
}

/* Whether valid checks of the part speak of all that the table is divided by, and NULL is ruled out. */
static bool is_within(const struct locks_alter *alter, const struct chain_relation *part)
{
    bool check = false;
    for (size_t i = 0; part && i < part->constraints.n; i++) {
        const struct chain_constraint *k = &part->constraints.v[i];
        bool covers = k->kind == CHAIN_CHECK && k->valid;
        for (size_t n = 0; alter->known && n < alter->known->keys.n; n++)
            covers = covers && (!*alter->known->keys.v[n] || strings_has(&k->columns, alter->known->keys.v[n]));
        check = check || covers;
    }
    for (size_t i = 0; check && alter->known && i < alter->known->keys.n; i++)
        if (*alter->known->keys.v[i] && part->whole && !chain_proves_not_null(part, alter->known->keys.v[i]))
            return false;
    return check;
}

static void attach(struct locks_alter *alter)
{
    const json_t *part = part_of(alter);
    const char *name = chain_name_of(alter->a, part), *shown = tree_name(alter->a, part);
    if (!lint_in_use(alter->s, part) || is_within(alter, chain_relation(alter->s->section->chain, name)))
        return;
    const char *check = locks_new_name(alter->a, chain_relation(alter->s->section->chain, name), name, "bounds",
                                       "check");
    const char *statement = lint_text(alter->s, 0, alter->s->text.n);
    lint_found(alter->s, "partition-attach-scan", tree_location(part), "ATTACH PARTITION reads the whole of %s", shown);
    lint_safe(alter->s,
              "-- revision 1: the bounds as a check, NOT NULL of the key included\n"
              "ALTER TABLE %s ADD CONSTRAINT %s CHECK (… IS NOT NULL AND …) NOT VALID;\n"
              "-- revision 2\nALTER TABLE %s VALIDATE CONSTRAINT %s;\n"
              "-- revision 3\n%s;\nALTER TABLE %s DROP CONSTRAINT %s;",
              shown, check, shown, check, statement, shown, check);
}

static void detach(struct locks_alter *alter)
{
    const json_t *command = json_object_get(alter->definition, "PartitionCmd"), *part = part_of(alter);
    if (tree_true(command, "concurrent"))
        return;
    const char *shown = tree_name(alter->a, part);
    locks_take(alter->s, alter->name, alter->table);
    lint_found(alter->s, "partition-detach", tree_location(part), "DETACH PARTITION %s locks %s as a whole", shown,
               alter->table);
    lint_safe(alter->s, "-- migrate:up transaction:false\nALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;",
              alter->table, shown);
}

/* ---- rewrites ---- */

static void rewrite(struct locks_alter *alter)
{
    const char *what = alter->end ? lint_text(alter->s, alter->at, alter->end) : "the change";
    if (alter->known && alter->known->partitioned)
        return; /* it has no rows of its own: new partitions are made so */
    lint_found(alter->s, "full-rewrite-cmd", alter->at, "%s writes %s anew", what, alter->table);
}

/* ---- all subcommands ---- */

/* Locks that let readers pass; all others are ACCESS EXCLUSIVE. */
enum lock { LOCK_LIGHT = 1, LOCK_STRONG };

static const struct subcommand {
    const char *subtype;
    enum lock lock;
    void (*check)(struct locks_alter *alter);
    bool apart; /* is meant to be a statement, even a revision, of its own */
} subcommands[] = {
    {"AT_AddColumn", LOCK_STRONG, locks_add_column, false},
    {"AT_AlterColumnType", LOCK_STRONG, locks_change_type, false},
    {"AT_SetNotNull", LOCK_STRONG, set_not_null, false},
    {"AT_AddConstraint", LOCK_STRONG, add_constraint, false},
    {"AT_ValidateConstraint", LOCK_LIGHT, validate, true},
    {"AT_DropConstraint", LOCK_STRONG, drop_constraint, false},
    {"AT_ColumnDefault", LOCK_STRONG, set_default, false},
    {"AT_SetStorage", LOCK_STRONG, set_storage, false},
    {"AT_EnableTrig", LOCK_LIGHT, switch_trigger, false},
    {"AT_EnableAlwaysTrig", LOCK_LIGHT, switch_trigger, false},
    {"AT_EnableReplicaTrig", LOCK_LIGHT, switch_trigger, false},
    {"AT_DisableTrig", LOCK_LIGHT, switch_trigger, false},
    {"AT_EnableTrigAll", LOCK_LIGHT, switch_trigger, false},
    {"AT_DisableTrigAll", LOCK_LIGHT, switch_trigger, false},
    {"AT_EnableTrigUser", LOCK_LIGHT, switch_trigger, false},
    {"AT_DisableTrigUser", LOCK_LIGHT, switch_trigger, false},
    {"AT_EnableRule", LOCK_STRONG, switch_rules, false},
    {"AT_DisableRule", LOCK_STRONG, switch_rules, false},
    {"AT_EnableRowSecurity", LOCK_STRONG, switch_rules, false},
    {"AT_DisableRowSecurity", LOCK_STRONG, switch_rules, false},
    {"AT_ForceRowSecurity", LOCK_STRONG, switch_rules, false},
    {"AT_NoForceRowSecurity", LOCK_STRONG, switch_rules, false},
    {"AT_AttachPartition", LOCK_LIGHT, attach, true},
    {"AT_DetachPartition", LOCK_LIGHT, detach, true},
    {"AT_DetachPartitionFinalize", LOCK_LIGHT, NULL, true},
    {"AT_SetLogged", LOCK_STRONG, rewrite, false},
    {"AT_SetUnLogged", LOCK_STRONG, rewrite, false},
    {"AT_SetTableSpace", LOCK_STRONG, rewrite, false},
    {"AT_SetAccessMethod", LOCK_STRONG, rewrite, false},
    {"AT_SetStatistics", LOCK_LIGHT, NULL, false},
    {"AT_SetRelOptions", LOCK_LIGHT, NULL, false},
    {"AT_ResetRelOptions", LOCK_LIGHT, NULL, false},
    {"AT_ClusterOn", LOCK_LIGHT, NULL, false},
    {"AT_DropCluster", LOCK_LIGHT, NULL, false},
};

static const struct subcommand *find_subcommand(const json_t *command)
{
    for (size_t i = 0; i < COUNT(subcommands); i++)
        if (tree_says(command, "subtype", subcommands[i].subtype))
            return &subcommands[i];
    return NULL;
}

static bool is_strong(const json_t *command)
{
    const struct subcommand *row = find_subcommand(command);
    const json_t *constraint = json_object_get(json_object_get(command, "def"), "Constraint");
    return (!row || row->lock == LOCK_STRONG) && !tree_says(constraint, "contype", "CONSTR_FOREIGN");
}

/* ---- ALTERs that could be one ---- */

/* Splitting on purpose: the proof of NOT NULL must outlive SET NOT NULL, since PostgreSQL drops constraints first. */
static bool belongs_apart(const struct locks_previous *previous, const json_t *command)
{
    const struct subcommand *row = find_subcommand(command);
    const char *name = json_string_value(json_object_get(command, "name"));
    return (row && row->apart) || (previous->not_null && tree_says(command, "subtype", "AT_DropConstraint")) ||
           (name && strings_has(&previous->added, name));
}

static void judge_merge(struct lint_statement *s, const char *name, const json_t *commands)
{
    const struct locks_previous *previous = &locks_state(s->section)->previous;
    const char *table = tree_name(s->section->arena, json_object_get(s->node, "relation"));
    const json_t *item;
    size_t i;
    if (!previous->name || previous->apart || strcmp(previous->name, name) != 0)
        return;
    json_array_foreach(commands, i, item)
    {
        if (belongs_apart(previous, json_object_get(item, "AlterTableCmd")))
            return;
    }
    lint_found(s, "merge-alters", 0, "ALTER TABLE %s follows another one of the same table", table);
    struct places places = {0};
    find_places(s->section->arena, s->text, tree_location(json_object_get(s->node, "relation")), &places);
    if (places.n && !s->nest && s->index) {
        struct lint_statement before = lint_earlier(s->section, s->index - 1);
        lint_safe(s, "%.*s,\n    %s;", STR_ARG(before.text), lint_text(s, places.v[0].at, places.v[places.n - 1].end));
    }
}

static void remember_alter(struct lint_statement *s, const char *name, const json_t *commands)
{
    struct locks_previous previous = {.name = name};
    const json_t *item;
    size_t i;
    json_array_foreach(commands, i, item)
    {
        const json_t *command = json_object_get(item, "AlterTableCmd");
        const struct subcommand *row = find_subcommand(command);
        const json_t *column = json_object_get(json_object_get(command, "def"), "ColumnDef");
        const char *added = json_string_value(json_object_get(column, "colname"));
        previous.apart = previous.apart || (row && row->apart);
        previous.not_null = previous.not_null || tree_says(command, "subtype", "AT_SetNotNull");
        if (added)
            vec_push(s->section->arena, &previous.added, arena_strdup(s->section->arena, added));
    }
    locks_state(s->section)->previous = previous;
}

/* ---- the statement ---- */

static void judge_one(struct lint_statement *s, const json_t *command, const struct place *place)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation");
    const char *column = json_string_value(json_object_get(command, "name"));
    const struct subcommand *row = find_subcommand(command);
    struct locks_alter alter = {.s = s,
                                .a = a,
                                .relation = relation,
                                .command = command,
                                .definition = json_object_get(command, "def"),
                                .table = tree_name(a, relation),
                                .name = chain_name_of(a, relation),
                                .column = column ? column : "",
                                .at = place ? place->at : 0,
                                .end = place ? place->end : 0};
    alter.known = chain_relation(s->section->chain, alter.name);
    if (row && row->check)
        row->check(&alter);
    if (is_strong(command))
        locks_take(s, alter.name, alter.table);
}

static void judge_all(struct lint_statement *s, const char *only)
{
    const json_t *commands = json_object_get(s->node, "cmds"), *item;
    struct places places = {0};
    size_t i;
    find_places(s->section->arena, s->text, tree_location(json_object_get(s->node, "relation")), &places);
    bool sure = places.n == json_array_size(commands);
    json_array_foreach(commands, i, item)
    {
        const json_t *command = json_object_get(item, "AlterTableCmd");
        if (!only || tree_says(command, "subtype", only))
            judge_one(s, command, sure ? &places.v[i] : NULL);
    }
}

/* A new table has nothing to scan, but its foreign keys want indexes all the same. */
static void note_foreign(struct lint_statement *s, const json_t *relation, const json_t *commands)
{
    const json_t *item;
    size_t i;
    json_array_foreach(commands, i, item)
    {
        const json_t *definition = json_object_get(json_object_get(item, "AlterTableCmd"), "def");
        const json_t *column = json_object_get(definition, "ColumnDef");
        locks_add_foreign(s, relation, json_object_get(definition, "Constraint"), NULL);
        if (column)
            locks_add_column_foreign(s, relation, column);
    }
}

static bool is_stored_elsewhere(const struct lint_statement *s, const char *name)
{
    const struct chain_relation *owner = chain_index(s->section->chain, name, NULL);
    return (tree_says(s->node, "objtype", "OBJECT_INDEX") || tree_says(s->node, "objtype", "OBJECT_MATVIEW")) &&
           locks_name_in_use(s, owner ? owner->name : name);
}

void locks_alter_table(struct lint_statement *s)
{
    const json_t *relation = json_object_get(s->node, "relation"), *commands = json_object_get(s->node, "cmds");
    const char *name = chain_name_of(s->section->arena, relation);
    const struct chain_relation *known = chain_relation(s->section->chain, name);
    bool table = tree_says(s->node, "objtype", "OBJECT_TABLE") && (!known || known->kind == CHAIN_TABLE);
    if (is_stored_elsewhere(s, name))
        judge_all(s, "AT_SetTableSpace");
    if (!table || !lint_in_use(s, relation)) {
        if (table)
            note_foreign(s, relation, commands);
        locks_state(s->section)->previous = (struct locks_previous){0};
        return;
    }
    judge_merge(s, name, commands);
    judge_all(s, NULL);
    remember_alter(s, name, commands);
}
