/* Statements other than ALTER TABLE: what they lock, and for how long. */
#include <string.h>
#include <strings.h>

#include "gen/lint/locks.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A DefElem of a list of options that is not switched off. */
static bool has_option(const json_t *list, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const json_t *option = json_object_get(item, "DefElem"), *value = json_object_get(option, "arg");
        const char *word = tree_string(value);
        bool off = word && (strcasecmp(word, "false") == 0 || strcasecmp(word, "off") == 0);
        const json_t *number = json_object_get(value, "Integer");
        if (tree_says(option, "defname", name) && !off &&
            !(number && !json_integer_value(json_object_get(number, "ival"))))
            return true;
    }
    return false;
}

static const char *shown_of(const struct lint_statement *s, const char *key)
{
    return tree_name(s->section->arena, json_object_get(s->node, key));
}

/* ---- indexes ---- */

/* PostgreSQL builds none CONCURRENTLY on a partitioned table: its own first, then one for each partition. */
static void safe_partitioned(struct lint_statement *s, const char *table)
{
    lint_safe(
        s,
        "-- revision 1: valid once every partition has its part\n%s;\n"
        "-- revision 2, for each partition\n-- migrate:up transaction:false\n"
        "CREATE INDEX CONCURRENTLY … ON …;\n-- revision 3\nALTER INDEX … ATTACH PARTITION …;\n-- the partitions of %s",
        lint_insert_after(s, "ON", "ONLY"), table);
}

static const char *new_index_name(struct lint_statement *s, const struct chain_relation *known)
{
    struct arena *a = s->section->arena;
    struct strings columns = {0};
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(s->node, "indexParams"), i, item)
    {
        const char *name = json_string_value(json_object_get(json_object_get(item, "IndexElem"), "name"));
        vec_push(a, &columns, name ? name : "");
    }
    return locks_new_name(a, known, chain_name_of(a, json_object_get(s->node, "relation")),
                          chain_join_columns(a, &columns), "idx");
}

/* It must have a name and no IF NOT EXISTS: what a failed attempt leaves is found by its name, and is no index to go on with. */
static const char *concurrent_index(struct lint_statement *s, const struct chain_relation *known)
{
    struct lint_statement plain = *s;
    const char *insert = "CONCURRENTLY";
    if (tree_true(s->node, "if_not_exists"))
        plain.text = str_from(lint_without_if_not_exists(s));
    if (!json_object_get(s->node, "idxname"))
        insert = arena_printf(s->section->arena, "CONCURRENTLY %s", new_index_name(s, known));
    return lint_insert_after(&plain, "INDEX", insert);
}

static void create_index(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation");
    const struct chain_relation *known = chain_relation(s->section->chain, chain_name_of(a, relation));
    bool partitioned = known && known->partitioned, only = !tree_true(relation, "inh");
    if (tree_true(s->node, "concurrent") || !lint_in_use(s, relation) || (partitioned && only))
        return;
    lint_found(s, "idx-not-concurrent", 0, "CREATE INDEX on %s, which is in use", tree_name(a, relation));
    if (partitioned)
        safe_partitioned(s, tree_name(a, relation));
    else
        lint_safe(s, "-- migrate:up transaction:false\n%s;", concurrent_index(s, known));
}

static void drop_index(struct lint_statement *s, const json_t *object)
{
    struct arena *a = s->section->arena;
    const char *name = chain_name_of(a, object), *shown = tree_name(a, object);
    const struct chain_relation *owner = chain_index(s->section->chain, name, NULL);
    if (tree_true(s->node, "concurrent") || (owner && !locks_name_in_use(s, owner->name)))
        return;
    const char *table = owner ? locks_shown(a, owner->name) : "its table";
    if (owner)
        locks_take(s, owner->name, table);
    if (owner && owner->partitioned)
        return; /* there is no other way */
    lint_found(s, "idx-drop-not-concurrent", 0, "DROP INDEX %s locks %s", shown, table);
    lint_safe(s, "-- migrate:up transaction:false\nDROP INDEX CONCURRENTLY %s%s;",
              tree_true(s->node, "missing_ok") ? "IF EXISTS " : "", shown);
}

static void reindex(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation");
    const char *whole = json_string_value(json_object_get(s->node, "name"));
    if (has_option(json_object_get(s->node, "params"), "concurrently") || (relation && !lint_in_use(s, relation)))
        return;
    const char *word = tree_says(s->node, "kind", "REINDEX_OBJECT_TABLE")    ? "TABLE"
                       : tree_says(s->node, "kind", "REINDEX_OBJECT_INDEX")  ? "INDEX"
                       : tree_says(s->node, "kind", "REINDEX_OBJECT_SCHEMA") ? "SCHEMA"
                       : tree_says(s->node, "kind", "REINDEX_OBJECT_SYSTEM") ? "SYSTEM"
                                                                             : "DATABASE";
    const char *shown = relation ? tree_name(a, relation) : locks_quote(a, whole);
    lint_found(s, "reindex-not-concurrent", 0, "REINDEX %s %s stops writes while it builds", word, shown);
    if (strcmp(word, "SYSTEM") != 0)
        lint_safe(s, "-- migrate:up transaction:false\nREINDEX %s CONCURRENTLY %s;", word, shown);
}

/* ---- dropping ---- */

static bool is_dropped(struct lint_statement *s, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(s->node, "objects"), i, item)
    {
        if (strcmp(chain_name_of(s->section->arena, item), name) == 0)
            return true;
    }
    return false;
}

/* One finding for the first foreign key that leads elsewhere. */
static void drop_child(struct lint_statement *s, const struct chain_relation *child, const char *shown)
{
    struct arena *a = s->section->arena;
    for (size_t i = 0; child && i < child->constraints.n; i++) {
        const char *parent = child->constraints.v[i].parent;
        if (!parent || strcmp(parent, child->name) == 0 || is_dropped(s, parent) || !locks_name_in_use(s, parent))
            continue;
        const char *name = locks_shown(a, parent);
        lint_found(s, "drop-fk-locks-parent", 0, "DROP TABLE %s locks %s too, to which it refers", shown, name);
        lint_safe(s, "-- in a revision of its own\n-- migrate:up lock_timeout:2s\n%.*s;", STR_ARG(s->text));
        locks_take(s, parent, name);
        return;
    }
}

static void drop_part(struct lint_statement *s, const struct chain_relation *part, const char *shown)
{
    if (!part || !part->partition_of || is_dropped(s, part->partition_of) || !locks_name_in_use(s, part->partition_of))
        return;
    const char *parent = locks_shown(s->section->arena, part->partition_of);
    lint_found(s, "partition-create-of", 0, "DROP TABLE of the partition %s locks %s", shown, parent);
    lint_safe(s,
              "-- revision 1\n-- migrate:up transaction:false\nALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;\n"
              "-- revision 2\nDROP TABLE %s;",
              parent, shown, shown);
    locks_take(s, part->partition_of, parent);
}

static void drop_table(struct lint_statement *s, const json_t *object)
{
    struct arena *a = s->section->arena;
    const char *name = chain_name_of(a, object), *shown = tree_name(a, object);
    const struct chain_relation *known = chain_relation(s->section->chain, name);
    if (!locks_name_in_use(s, name))
        return;
    locks_take(s, name, shown);
    drop_part(s, known, shown);
    drop_child(s, known, shown);
}

/* ---- brief locks ---- */

static void brief(struct lint_statement *s, const char *what, const char *lock, const char *name, const char *shown)
{
    if (!locks_name_in_use(s, name) || locks_hold(s, name))
        return;
    lint_found(s, "trigger-lock", 0, "%s on %s locks the table", what, shown);
    lint_why(s,
             "%s on %s: brief, but it waits for every transaction that uses the table, and what comes after waits "
             "behind it.",
             lock, shown);
    if (strcmp(lock, "ACCESS EXCLUSIVE") == 0)
        locks_take(s, name, shown);
}

/* Names of a table and of what is on it: the last one is not the table's. */
static void drop_on_table(struct lint_statement *s, const json_t *object, const char *what)
{
    struct arena *a = s->section->arena;
    json_auto_t *table = json_copy(json_object_get(json_object_get(object, "List"), "items"));
    if (json_array_size(table) > 1) {
        json_array_remove(table, json_array_size(table) - 1);
        brief(s, what, "ACCESS EXCLUSIVE", chain_name_of(a, table), tree_name(a, table));
    }
}

static void drop_trigger(struct lint_statement *s, const json_t *object)
{
    drop_on_table(s, object, "DROP TRIGGER");
}

static void drop_policy(struct lint_statement *s, const json_t *object)
{
    drop_on_table(s, object, "DROP POLICY");
}

static void drop_rule(struct lint_statement *s, const json_t *object)
{
    drop_on_table(s, object, "DROP RULE");
}

static const struct {
    const char *type;
    void (*check)(struct lint_statement *s, const json_t *object);
} drops[] = {
    {"OBJECT_INDEX", drop_index},   {"OBJECT_TABLE", drop_table}, {"OBJECT_TRIGGER", drop_trigger},
    {"OBJECT_POLICY", drop_policy}, {"OBJECT_RULE", drop_rule},
};

static void drop(struct lint_statement *s)
{
    const json_t *item;
    size_t i;
    for (size_t k = 0; k < COUNT(drops); k++)
        if (tree_says(s->node, "removeType", drops[k].type))
            json_array_foreach(json_object_get(s->node, "objects"), i, item) drops[k].check(s, item);
}

static void brief_on(struct lint_statement *s, const char *key, const char *what, const char *lock)
{
    const json_t *relation = json_object_get(s->node, key);
    brief(s, what, lock, chain_name_of(s->section->arena, relation), shown_of(s, key));
}

static void create_trigger(struct lint_statement *s)
{
    brief_on(s, "relation", "CREATE TRIGGER", "SHARE ROW EXCLUSIVE");
}

static void create_policy(struct lint_statement *s)
{
    brief_on(s, "table", "CREATE POLICY", "ACCESS EXCLUSIVE");
}

static void alter_policy(struct lint_statement *s)
{
    brief_on(s, "table", "ALTER POLICY", "ACCESS EXCLUSIVE");
}

/* The rule of a view, which is new mostly, is the view. */
static void create_rule(struct lint_statement *s)
{
    const char *name = chain_name_of(s->section->arena, json_object_get(s->node, "relation"));
    const struct chain_relation *known = chain_relation(s->section->chain, name);
    if (!known || known->kind != CHAIN_VIEW)
        brief_on(s, "relation", "CREATE RULE", "ACCESS EXCLUSIVE");
}

/* ---- whole copies ---- */

static const char not_in_migrations[] =
    "-- not in a migration: by hand, in a window, or with pg_repack, which keeps readers and writers going";

static void vacuum(struct lint_statement *s)
{
    const json_t *tables = json_object_get(s->node, "rels");
    const json_t *first = json_object_get(json_object_get(json_array_get(tables, 0), "VacuumRelation"), "relation");
    if (!has_option(json_object_get(s->node, "options"), "full"))
        return;
    lint_found(s, "full-rewrite-cmd", 0, "VACUUM FULL copies %s",
               first ? tree_name(s->section->arena, first) : "every table of the database");
    lint_safe(s, "%s\nVACUUM%s%s;", not_in_migrations, first ? " " : "",
              first ? tree_name(s->section->arena, first) : "");
}

static void cluster(struct lint_statement *s)
{
    const json_t *relation = json_object_get(s->node, "relation");
    if (relation && !lint_in_use(s, relation))
        return;
    const char *shown = relation ? shown_of(s, "relation") : "every table that was clustered before";
    if (relation)
        locks_take(s, chain_name_of(s->section->arena, relation), shown);
    lint_found(s, "full-rewrite-cmd", 0, "CLUSTER copies %s", shown);
    lint_safe(s, "%s", not_in_migrations);
}

static void move_all(struct lint_statement *s)
{
    lint_found(s, "full-rewrite-cmd", 0, "SET TABLESPACE copies everything in %s",
               locks_quote(s->section->arena, json_string_value(json_object_get(s->node, "orig_tablespacename"))));
    lint_safe(s, "%s", not_in_migrations);
}

static const char *matview_index(struct lint_statement *s, const struct chain_relation *known)
{
    for (size_t i = 0; known && i < known->indexes.n; i++)
        if (known->indexes.v[i].unique && !known->indexes.v[i].partial)
            return "";
    return arena_printf(s->section->arena,
                        "-- revision 1: CONCURRENTLY wants a unique index\n-- migrate:up transaction:false\n"
                        "CREATE UNIQUE INDEX CONCURRENTLY ON %s (…);\n-- revision 2\n",
                        shown_of(s, "relation"));
}

static void refresh(struct lint_statement *s)
{
    const json_t *relation = json_object_get(s->node, "relation");
    const char *name = chain_name_of(s->section->arena, relation), *shown = shown_of(s, "relation");
    if (tree_true(s->node, "concurrent") || !lint_in_use(s, relation))
        return;
    locks_take(s, name, shown);
    lint_found(s, "matview-refresh", 0, "REFRESH MATERIALIZED VIEW %s stops its readers until it is done", shown);
    lint_safe(s, "%sREFRESH MATERIALIZED VIEW CONCURRENTLY %s;",
              matview_index(s, chain_relation(s->section->chain, name)), shown);
}

static void truncate_tables(struct lint_statement *s)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(s->node, "relations"), i, item)
        locks_take(s, chain_name_of(s->section->arena, item), tree_name(s->section->arena, item));
}

/* ---- LOCK TABLE ---- */

static const char *const lock_modes[] = {
    "",      "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
    "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
#define FIRST_THAT_STOPS_WRITES 5

static void lock_table(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    json_int_t mode = json_integer_value(json_object_get(s->node, "mode"));
    const json_t *item;
    size_t i;
    if (mode < FIRST_THAT_STOPS_WRITES || mode >= (json_int_t)COUNT(lock_modes))
        return;
    json_array_foreach(json_object_get(s->node, "relations"), i, item)
    {
        if (!lint_in_use(s, item))
            continue;
        if (mode == (json_int_t)COUNT(lock_modes) - 1)
            locks_take(s, chain_name_of(a, item), tree_name(a, item));
        lint_found(s, "lock-table", tree_location(json_object_get(item, "RangeVar")), "LOCK TABLE %s in %s mode",
                   tree_name(a, item), lock_modes[mode]);
        lint_why(s, "%s is held until the end of the transaction: %s wait for all that follows.", lock_modes[mode],
                 mode == (json_int_t)COUNT(lock_modes) - 1 ? "readers and writers" : "writers");
    }
}

/* ---- tables ---- */

/* The bounds as ATTACH PARTITION takes them; what the partition is divided by stands behind them. */
static const char *bounds_text(const struct lint_statement *s)
{
    const json_t *bound = json_object_get(s->node, "partbound");
    size_t at = tree_location(bound), end = tree_location(json_object_get(s->node, "partspec"));
    if (tree_true(bound, "is_default") || !at)
        return "DEFAULT";
    struct str text = str_trim(str_slice(s->text, at, end > at ? end : s->text.n));
    return arena_printf(s->section->arena, "FOR VALUES %.*s", STR_ARG(text));
}

static void create_table(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    const json_t *relation = json_object_get(s->node, "relation"), *item;
    const json_t *parent = json_array_get(json_object_get(s->node, "inhRelations"), 0);
    size_t i;
    json_array_foreach(json_object_get(s->node, "tableElts"), i, item)
    {
        locks_add_foreign(s, relation, json_object_get(item, "Constraint"), NULL);
        locks_add_column_foreign(s, relation, json_object_get(item, "ColumnDef"));
    }
    if (!json_object_get(s->node, "partbound") || !lint_in_use(s, parent))
        return;
    const char *shown = tree_name(a, parent), *part = tree_name(a, relation);
    size_t divided = tree_location(json_object_get(s->node, "partspec"));
    lint_found(s, "partition-create-of", 0, "CREATE TABLE … PARTITION OF %s locks it", shown);
    lint_safe(s, "CREATE TABLE %s (LIKE %s INCLUDING ALL)%s%s;\nALTER TABLE %s ATTACH PARTITION %s %s;", part, shown,
              divided ? " " : "", divided ? lint_text(s, divided, s->text.n) : "", shown, part, bounds_text(s));
    locks_take(s, chain_name_of(a, parent), shown);
}

static void rename_object(struct lint_statement *s)
{
    const json_t *relation = json_object_get(s->node, "relation");
    bool light = tree_says(s->node, "renameType", "OBJECT_INDEX") ||
                 tree_says(s->node, "renameType", "OBJECT_SEQUENCE");
    if (relation && !light)
        locks_take(s, chain_name_of(s->section->arena, relation), tree_name(s->section->arena, relation));
}

static void set_schema(struct lint_statement *s)
{
    const json_t *relation = json_object_get(s->node, "relation");
    if (relation)
        locks_take(s, chain_name_of(s->section->arena, relation), tree_name(s->section->arena, relation));
}

/* ---- domains ---- */

/* Tables that a change of the domain reads: all when the domain is not known. */
static size_t users_of(const struct lint_statement *s, const char *domain, struct buf *out)
{
    const struct chain *chain = s->section->chain;
    size_t at = 0, n = 0;
    for (const struct chain_relation *r; (r = chain_next(chain, &at));)
        for (size_t i = 0; i < r->columns.n; i++) {
            const struct chain_user_type *type = chain_type_object(chain, &r->columns.v[i].type);
            if (!type || strcmp(type->name, domain) != 0 || !locks_name_in_use(s, r->name))
                continue;
            buf_addf(out, "%s%s", n++ ? ", " : "", locks_shown(s->section->arena, r->name));
            break;
        }
    return n;
}

static void say_domain(struct lint_statement *s, const char *domain, const json_t *constraint)
{
    struct arena *a = s->section->arena;
    const char *shown = shown_of(s, "typeName");
    BUF_AUTO tables = {0};
    bool known = chain_user_type(s->section->chain, domain);
    size_t n = users_of(s, domain, &tables);
    if (known && !n)
        return;
    lint_found(s, "domain-constraint", tree_location(constraint), "%s on the domain %s reads every table that uses it",
               constraint ? "ADD CHECK" : "SET NOT NULL", shown);
    if (n)
        lint_why(
            s,
            "SHARE lock on %s, and every row is read: nobody can write until that is done. VALIDATE CONSTRAINT of a domain "
            "takes the same lock on PostgreSQL 15.",
            tables.p);
    lint_safe(
        s,
        "-- for every column of the domain: a check of the table, which lets writers go on\n-- revision 1\n"
        "ALTER TABLE … ADD CONSTRAINT … CHECK (…) NOT VALID;\n-- revision 2\nALTER TABLE … VALIDATE CONSTRAINT …;\n"
        "-- tables: %s",
        n ? arena_str(a, buf_str(&tables)) : "those that use it");
}

static void validate_domain(struct lint_statement *s, const char *domain)
{
    struct locks_state *state = locks_state(s->section);
    const char *name = json_string_value(json_object_get(s->node, "name"));
    for (size_t i = 0; name && i < state->unproven.n; i++) {
        const struct locks_unproven *u = &state->unproven.v[i];
        if (strcmp(u->owner, domain) != 0 || strcmp(u->constraint, name) != 0 || !lint_in_transaction(s))
            continue;
        lint_found(s, "validate-same-tx", 0, "VALIDATE CONSTRAINT %s of the domain %s in the transaction of its ADD",
                   locks_quote(s->section->arena, name), shown_of(s, "typeName"));
        return;
    }
}

static void alter_domain(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    struct locks_state *state = locks_state(s->section);
    const char *domain = chain_name_of(a, json_object_get(s->node, "typeName"));
    const json_t *constraint = json_object_get(json_object_get(s->node, "def"), "Constraint");
    const char *name = json_string_value(json_object_get(constraint, "conname"));
    struct locks_unproven unproven = {.owner = domain, .constraint = arena_strdup(a, name), .statement = s->index};
    if (strings_has(&state->domains, domain))
        return;
    if (tree_says(s->node, "subtype", "O") ||
        (tree_says(s->node, "subtype", "C") && !tree_true(constraint, "skip_validation")))
        say_domain(s, domain, constraint);
    else if (tree_says(s->node, "subtype", "C") && name)
        vec_push(a, &state->unproven, unproven);
    else if (tree_says(s->node, "subtype", "V"))
        validate_domain(s, domain);
}

static void create_domain(struct lint_statement *s)
{
    struct arena *a = s->section->arena;
    vec_push(a, &locks_state(s->section)->domains, chain_name_of(a, json_object_get(s->node, "domainname")));
}

/* ---- settings ---- */

/* "10s", 500, "2min" in milliseconds; negative: not to be read. */
static double read_duration(const json_t *value)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1}, {"ms", 1}, {"us", 0.001}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    const json_t *number = json_object_get(value, "ival");
    const char *text = json_string_value(json_object_get(json_object_get(value, "sval"), "sval"));
    if (number)
        return (double)json_integer_value(json_object_get(number, "ival"));
    if (!text)
        return -1;
    char *rest;
    double n = strtod(text, &rest);
    rest += strspn(rest, " ");
    for (size_t i = 0; rest != text && i < COUNT(units); i++)
        if (strcmp(rest, units[i].unit) == 0)
            return n * units[i].ms;
    return -1;
}

static void say_timeout(struct lint_statement *s, const json_t *value)
{
    double ms = read_duration(value);
    if (ms == 0)
        lint_found(s, "no-lock-timeout", tree_location(value), "lock_timeout = 0 waits for locks without end");
    else if (ms > LONGEST_LOCK_TIMEOUT_MS)
        lint_found(s, "no-lock-timeout", tree_location(value), "lock_timeout is raised to %.0f s", ms / 1000);
}

static bool is_utc(const json_t *value)
{
    const char *text = json_string_value(json_object_get(json_object_get(value, "sval"), "sval"));
    return text && (strcasecmp(text, "UTC") == 0 || strcasecmp(text, "GMT") == 0 || strcasecmp(text, "Etc/UTC") == 0);
}

static void judge_setting(struct lint_statement *s, const char *name, const json_t *value)
{
    if (name && strcasecmp(name, "lock_timeout") == 0)
        say_timeout(s, value);
    if (name && strcasecmp(name, "timezone") == 0)
        locks_state(s->section)->utc = is_utc(value);
}

static void set_variable(struct lint_statement *s)
{
    const json_t *value = json_object_get(json_array_get(json_object_get(s->node, "args"), 0), "A_Const");
    const char *name = json_string_value(json_object_get(s->node, "name"));
    bool back = tree_says(s->node, "kind", "VAR_SET_DEFAULT") || tree_says(s->node, "kind", "VAR_RESET");
    if (back && name && strcmp(name, "lock_timeout") == 0)
        lint_found(s, "no-lock-timeout", 0, "lock_timeout is given up for the server's default, which is none");
    else
        judge_setting(s, name, value);
}

/* SELECT set_config('lock_timeout', '0', true) */
static void select_config(struct lint_statement *s)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(s->node, "targetList"), i, item)
    {
        const json_t *value = json_object_get(json_object_get(item, "ResTarget"), "val");
        const json_t *call = json_object_get(value, "FuncCall"), *arguments = json_object_get(call, "args");
        const char *function = tree_string(json_object_get(call, "funcname"));
        const json_t *name = json_object_get(json_array_get(arguments, 0), "A_Const");
        if (function && strcmp(function, "set_config") == 0)
            judge_setting(s, json_string_value(json_object_get(json_object_get(name, "sval"), "sval")),
                          json_object_get(json_array_get(arguments, 1), "A_Const"));
    }
}

const struct locks_handler locks_commands[] = {
    {"IndexStmt", create_index},
    {"DropStmt", drop},
    {"ReindexStmt", reindex},
    {"CreateTrigStmt", create_trigger},
    {"CreatePolicyStmt", create_policy},
    {"AlterPolicyStmt", alter_policy},
    {"RuleStmt", create_rule},
    {"VacuumStmt", vacuum},
    {"ClusterStmt", cluster},
    {"AlterTableMoveAllStmt", move_all},
    {"RefreshMatViewStmt", refresh},
    {"TruncateStmt", truncate_tables},
    {"LockStmt", lock_table},
    {"CreateStmt", create_table},
    {"RenameStmt", rename_object},
    {"AlterObjectSchemaStmt", set_schema},
    {"AlterDomainStmt", alter_domain},
    {"CreateDomainStmt", create_domain},
    {"VariableSetStmt", set_variable},
    {"SelectStmt", select_config},
};
const size_t n_locks_commands = COUNT(locks_commands);
