/*
 * The way of a statement through the rules about locks, and what only the statements before it tell: work under a strong
 * lock, several tables locked, ALTERs that could be one, foreign keys that never got an index.
 */
#include "gen/lint/locks.h"

#include <string.h>

struct locks_state *locks_state(struct lint_section *section)
{
    if (!section->state[GROUP_LOCKS])
        section->state[GROUP_LOCKS] = ARENA_NEW(section->arena, struct locks_state);
    return section->state[GROUP_LOCKS];
}

/* ---- names ---- */

const char *locks_quote(struct arena *a, const char *name)
{
    BUF_AUTO out = {0};
    tree_quote(&out, name ? name : "");
    return arena_str(a, buf_str(&out));
}

const char *locks_quote_all(struct arena *a, const struct strings *names)
{
    BUF_AUTO out = {0};
    for (size_t i = 0; i < names->n; i++) {
        if (i)
            buf_addz(&out, ", ");
        tree_quote(&out, names->v[i]);
    }
    return arena_str(a, buf_str(&out));
}

const char *locks_shown(struct arena *a, const char *name)
{
    const char *dot = strchr(name, '.');
    struct str schema = {name, (size_t)(dot - name)};
    const char *plain = locks_quote(a, dot + 1);
    return str_is(schema, "public") ? plain : arena_printf(a, "%s.%s", locks_quote(a, arena_str(a, schema)), plain);
}

const char *locks_new_name(struct arena *a, const struct chain_relation *known, const char *name, const char *columns,
                           const char *label)
{
    return locks_quote(a, chain_free_name(a, known, name, columns, label));
}

bool locks_name_in_use(const struct lint_statement *s, const char *name)
{
    return !strings_has(&s->section->made, name);
}

/* ---- strong locks ---- */

static uint32_t line_of(const struct lint_section *section, uint32_t statement)
{
    return text_position(&section->revision->file, section->section->statements[statement].offset).line;
}

bool locks_hold(const struct lint_statement *s, const char *name)
{
    const struct locks_state *state = locks_state(s->section);
    for (size_t i = 0; i < state->strong.n; i++)
        if (strcmp(state->strong.v[i].name, name) == 0 && state->strong.v[i].statement != s->index)
            return true;
    return false;
}

static bool knows_lock(const struct locks_state *state, const char *name)
{
    for (size_t i = 0; i < state->strong.n; i++)
        if (strcmp(state->strong.v[i].name, name) == 0)
            return true;
    return false;
}

/* Every step of a partition's life locks its parent too: one table to whoever runs it. */
static bool is_family(const struct lint_statement *s, const char *one, const char *other)
{
    const struct chain_relation *r = chain_relation(s->section->chain, one);
    const struct chain_relation *q = chain_relation(s->section->chain, other);
    return (r && r->partition_of && strcmp(r->partition_of, other) == 0) ||
           (q && q->partition_of && strcmp(q->partition_of, one) == 0);
}

static void say_many(struct lint_statement *s, struct locks_state *state, const char *shown)
{
    const struct locks_strong *first = &state->strong.v[0];
    state->tables_said = true;
    lint_found(s, "many-tables-strong", 0, "%s is locked while the lock on %s is held", shown, first->shown);
    lint_why(
        s,
        "ACCESS EXCLUSIVE on %s (line %u) is held until the end of the transaction, and now %s is waited for: a reader that "
        "takes the two in the other order deadlocks with it, and one long query on %s makes everybody wait for %s.",
        first->shown, line_of(s->section, first->statement), shown, shown, first->shown);
    lint_safe(s, "-- revision 1\n-- what changes %s\n-- revision 2\n%.*s;", first->shown, STR_ARG(s->text));
}

void locks_take(struct lint_statement *s, const char *name, const char *shown)
{
    struct locks_state *state = locks_state(s->section);
    struct locks_strong strong = {.name = name, .shown = shown, .statement = s->index};
    if (!locks_name_in_use(s, name) || !lint_in_transaction(s) || knows_lock(state, name))
        return;
    if (state->strong.n && !state->tables_said && !is_family(s, name, state->strong.v[0].name))
        say_many(s, state, shown);
    vec_push(s->section->arena, &state->strong, strong);
}

/* ---- work under a strong lock ---- */

static const struct {
    const char *node, *text;
    bool changes; /* rows of `relation`, which are few in a table that is new */
} work[] = {
    {"UpdateStmt", "UPDATE", true},
    {"DeleteStmt", "DELETE", true},
    {"MergeStmt", "MERGE", true},
    {"InsertStmt", "INSERT … SELECT", false},
    {"CopyStmt", "COPY", false},
    {"IndexStmt", "CREATE INDEX", true},
    {"ReindexStmt", "REINDEX", true},
    {"RefreshMatViewStmt", "REFRESH MATERIALIZED VIEW", true},
    {"CreateTableAsStmt", "CREATE … AS", false},
};

/* INSERT … VALUES is over in no time, and so is what a query without tables gives. */
static bool is_long(const struct lint_statement *s)
{
    const json_t *query = json_object_get(s->node, "selectStmt");
    if (strcmp(s->node_name, "InsertStmt") != 0)
        return true;
    query = json_object_get(query, "SelectStmt");
    return query && !json_object_get(query, "valuesLists") &&
           (json_object_get(query, "fromClause") || json_object_get(query, "larg"));
}

static void judge_work(struct lint_statement *s, struct locks_state *state)
{
    size_t i = 0;
    while (i < sizeof work / sizeof *work && strcmp(work[i].node, s->node_name) != 0)
        i++;
    if (i == sizeof work / sizeof *work || !state->strong.n || state->work_said || !is_long(s))
        return;
    if (work[i].changes && !lint_in_use(s, json_object_get(s->node, "relation")))
        return;
    const struct locks_strong *lock = &state->strong.v[0];
    const char *earlier = s->section->section->statements[lock->statement].kind;
    state->work_said = true;
    lint_found(s, "work-after-strong-lock", 0, "%s runs while %s is locked by %s on line %u", work[i].text, lock->shown,
               earlier, line_of(s->section, lock->statement));
    lint_why(s,
             "ACCESS EXCLUSIVE on %s is held until the end of the transaction: nobody reads or writes it for as long "
             "as this statement runs.",
             lock->shown);
    lint_safe(s, "-- revision 1\n%.*s;\n-- revision 2\n%.*s;", STR_ARG(lint_earlier(s->section, lock->statement).text),
              STR_ARG(s->text));
}

/* ---- foreign keys and their indexes ---- */

static void copy_columns(struct arena *a, const json_t *constraint, const char *column, struct strings *out)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(constraint, "fk_attrs"), i, item)
    {
        if (tree_string(item))
            vec_push(a, out, arena_strdup(a, tree_string(item)));
    }
    if (column && !out->n)
        vec_push(a, out, arena_strdup(a, column));
}

void locks_add_foreign(struct lint_statement *s, const json_t *relation, const json_t *constraint, const char *column)
{
    struct arena *a = s->section->arena;
    struct locks_foreign foreign = {.name = chain_name_of(a, relation),
                                    .shown = tree_name(a, relation),
                                    .statement = s->index,
                                    .at = s->nest ? 0 : tree_location(constraint)};
    if (!tree_says(constraint, "contype", "CONSTR_FOREIGN") || s->section->section->direction != DIRECTION_UP)
        return;
    foreign.is_new = strcmp(s->node_name, "CreateStmt") == 0 || !lint_in_use(s, relation);
    copy_columns(a, constraint, column, &foreign.columns);
    if (foreign.columns.n)
        vec_push(a, &locks_state(s->section)->foreign, foreign);
}

void locks_add_column_foreign(struct lint_statement *s, const json_t *relation, const json_t *definition)
{
    const char *column = json_string_value(json_object_get(definition, "colname"));
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(definition, "constraints"), i, item)
        locks_add_foreign(s, relation, json_object_get(item, "Constraint"), column);
}

/* The first columns of the index are those of the key, in any order. */
static bool leads_with(const struct chain_index *index, const struct strings *columns)
{
    if (index->partial || index->columns.n < columns->n)
        return false;
    for (size_t i = 0; i < columns->n; i++) {
        struct strings leading = {.v = index->columns.v, .n = columns->n};
        if (!strings_has(&leading, columns->v[i]))
            return false;
    }
    return true;
}

/* Gone again, or with an index that might be there unseen: nothing to say. */
static bool wants_index(const struct lint_section *section, const struct locks_foreign *foreign)
{
    const struct chain_relation *r = chain_relation(section->chain, foreign->name);
    bool there = false;
    for (size_t i = 0; r && i < r->constraints.n; i++)
        there = there || (r->constraints.v[i].kind == CHAIN_FOREIGN &&
                          strings_equal(&r->constraints.v[i].columns, &foreign->columns));
    for (size_t i = 0; there && i < r->indexes.n; i++)
        if (leads_with(&r->indexes.v[i], &foreign->columns))
            return false;
    return there && r->whole;
}

static void judge_foreign(struct lint_section *section, const struct locks_foreign *foreign)
{
    struct lint_statement s = lint_earlier(section, foreign->statement);
    const char *columns = locks_quote_all(section->arena, &foreign->columns);
    const struct chain_relation *r = chain_relation(section->chain, foreign->name);
    const char *index = locks_new_name(section->arena, r, foreign->name,
                                       chain_join_columns(section->arena, &foreign->columns), "idx");
    lint_found(&s, "fk-no-index", foreign->at, "no index begins with the foreign key (%s) of %s", columns,
               foreign->shown);
    lint_why(&s,
             "Each DELETE of a row that it refers to, and each change of its key, reads the whole of %s to find the "
             "rows that refer to it.",
             foreign->shown);
    lint_safe(&s, "%sCREATE INDEX %s%s ON %s (%s);", foreign->is_new ? "" : "-- migrate:up transaction:false\n",
              foreign->is_new ? "" : "CONCURRENTLY ", index, foreign->shown, columns);
}

/* ---- the section ---- */

static void judge_section_timeout(struct lint_section *section)
{
    int64_t ms = section->section->lock_timeout_ms;
    if (!section->section->n_statements || (ms != 0 && ms <= LONGEST_LOCK_TIMEOUT_MS) || ms == TIMEOUT_UNSET)
        return;
    struct lint_statement s = lint_earlier(section, 0);
    if (ms)
        lint_found(&s, "no-lock-timeout", 0, "the section waits %llu s for a lock", (unsigned long long)ms / 1000);
    else
        lint_found(&s, "no-lock-timeout", 0, "the section waits for locks without end");
}

static void end(struct lint_section *section)
{
    const struct locks_state *state = locks_state(section);
    judge_section_timeout(section);
    for (size_t i = 0; i < state->foreign.n; i++)
        if (wants_index(section, &state->foreign.v[i]))
            judge_foreign(section, &state->foreign.v[i]);
}

/* What a function's body does happens when it is called, and locks then. */
static void every(struct lint_statement *s)
{
    struct locks_state *state = locks_state(s->section);
    if (s->nest == NEST_ROUTINE || !s->node)
        return;
    judge_work(s, state);
    for (size_t i = 0; i < n_locks_commands; i++)
        if (strcmp(locks_commands[i].node, s->node_name) == 0)
            locks_commands[i].check(s);
    if (strcmp(s->node_name, "AlterTableStmt") == 0)
        locks_alter_table(s);
    else if (strcmp(s->node_name, "DoStmt") != 0)
        state->previous = (struct locks_previous){0};
}

const struct lint_group lint_locks = {.every = every, .end = end};
