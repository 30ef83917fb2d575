/*
 * The rules for PostgreSQL's statements: one row of `rules` for each node of the syntax tree that matters, and tables of
 * functions and settings. Adds findings; decides nothing about what happens with them.
 */
#include "gen/rules_postgresql.h"

#include <string.h>

#include "gen/parse_postgresql.h"
#include "gen/statements.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LONGEST_NAME 63 /* NAMEDATALEN - 1 of a PostgreSQL that was built as everybody builds it */
#define CURSOR_WITH_HOLD 0x0020

/* ---------------------------------------------------------------------------------------------------------- helpers */

struct finding *rules_refuse(struct statement_check *s, size_t at, const char *rule, const char *format, ...)
{
    BUF_AUTO text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&text, format, ap);
    va_end(ap);
    return finding_add(s->section->out, rule, s->section->file, s->offset + (s->fixed ? 0 : at), "%s", text.p);
}

bool rules_in_transaction(const struct statement_check *s)
{
    return !(s->section->section->flags & SECTION_NO_TRANSACTION);
}

const char *tree_text(const json_t *node, const char *key)
{
    return json_string_value(json_object_get(node, key));
}

static bool tree_flag(const json_t *node, const char *key)
{
    return json_is_true(json_object_get(node, key));
}

static bool tree_is(const json_t *node, const char *key, const char *value)
{
    const char *text = tree_text(node, key);
    return text && strcmp(text, value) == 0;
}

const json_t *tree_option(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const json_t *option = json_object_get(item, "DefElem");
        if (tree_is(option, "defname", name))
            return option;
    }
    return NULL;
}

/* The text of a String, or of the last name of a TypeName: `off` is parsed as a type where an option is expected. */
static const char *value_text(const json_t *node)
{
    const json_t *names = json_object_get(json_object_get(node, "TypeName"), "names");
    const json_t *string = names ? json_array_get(names, json_array_size(names) - 1) : node;
    return tree_text(json_object_get(string, "String"), "sval");
}

/* A boolean option as defGetBoolean() reads it; absent: `otherwise`. */
static bool option_flag(const json_t *list, const char *name, bool otherwise)
{
    const json_t *option = tree_option(list, name), *arg = json_object_get(option, "arg");
    if (!option)
        return otherwise;
    if (!arg)
        return true;
    const json_t *integer = json_object_get(arg, "Integer");
    if (integer)
        return json_integer_value(json_object_get(integer, "ival")) != 0;
    const char *text = value_text(arg);
    return !text || (strcasecmp(text, "false") != 0 && strcasecmp(text, "off") != 0 && strcmp(text, "0") != 0);
}

/* ------------------------------------------------------------------------------------------- transactions and blocks */

static void needs_no_block(struct statement_check *s, const char *what)
{
    const char *rule = strstr(what, "CONCURRENTLY") ? "concurrently-in-tx" : "needs-no-transaction";
    if (s->nested) {
        struct finding *found = rules_refuse(s, 0, rule, "%s cannot run inside DO", what);
        err_hint(&found->err, "write it as a statement of its own, in a section that says transaction:false");
        return;
    }
    s->out->flags |= STATEMENT_NO_BLOCK;
    if (!rules_in_transaction(s))
        return;
    struct finding *found = rules_refuse(s, 0, rule, "%s cannot run inside a transaction", what);
    err_hint(&found->err, "move it to a revision of its own, whose section line says transaction:false");
}

static void needs_block(struct statement_check *s, const char *what)
{
    if (s->nested || rules_in_transaction(s))
        return;
    struct finding *found = rules_refuse(s, 0, "needs-transaction",
                                         "%s means nothing in a section with transaction:false", what);
    err_hint(&found->err,
             "every statement there is committed by itself; move it to a section that runs in a transaction");
}

static void transaction(struct statement_check *s, const json_t *node)
{
    if (tree_is(node, "kind", "TRANS_STMT_COMMIT_PREPARED") || tree_is(node, "kind", "TRANS_STMT_ROLLBACK_PREPARED")) {
        needs_no_block(s,
                       tree_is(node, "kind", "TRANS_STMT_COMMIT_PREPARED") ? "COMMIT PREPARED" : "ROLLBACK PREPARED");
        return;
    }
    const char *name = tree_is(node, "kind", "TRANS_STMT_START")     ? "START TRANSACTION"
                       : tree_is(node, "kind", "TRANS_STMT_PREPARE") ? "PREPARE TRANSACTION"
                                                                     : s->kind;
    struct finding *found = rules_refuse(s, 0, "tx-control", "%s: transactions are the migrator's", name);
    err_hint(&found->err, rules_in_transaction(s)
                              ? "leave it out: the section runs in one transaction, together with its version row"
                              : "leave it out: with transaction:false each statement is committed by itself");
}

static void lock_table(struct statement_check *s, const json_t *node)
{
    (void)node;
    needs_block(s, "LOCK TABLE");
}

static void set_constraints(struct statement_check *s, const json_t *node)
{
    (void)node;
    needs_block(s, "SET CONSTRAINTS");
}

static void cursor(struct statement_check *s, const json_t *node)
{
    if (json_integer_value(json_object_get(node, "options")) & CURSOR_WITH_HOLD) {
        struct finding *found = rules_refuse(s, 0, "session-state", "a cursor WITH HOLD outlives the transaction");
        err_hint(&found->err, "leave WITH HOLD out");
        return;
    }
    needs_block(s, "DECLARE CURSOR");
}

static void vacuum(struct statement_check *s, const json_t *node)
{
    if (tree_flag(node, "is_vacuumcmd"))
        needs_no_block(s, "VACUUM");
}

static void cluster(struct statement_check *s, const json_t *node)
{
    if (!json_object_get(node, "relation"))
        needs_no_block(s, "CLUSTER of all tables");
}

static void alter_database(struct statement_check *s, const json_t *node)
{
    if (tree_option(json_object_get(node, "options"), "tablespace"))
        needs_no_block(s, "ALTER DATABASE SET TABLESPACE");
}

static void alter_table(struct statement_check *s, const json_t *node)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(node, "cmds"), i, item)
    {
        const json_t *command = json_object_get(item, "AlterTableCmd");
        const json_t *partition = json_object_get(json_object_get(command, "def"), "PartitionCmd");
        if (tree_is(command, "subtype", "AT_DetachPartition") && tree_flag(partition, "concurrent"))
            needs_no_block(s, "DETACH PARTITION CONCURRENTLY");
    }
}

static void create_subscription(struct statement_check *s, const json_t *node)
{
    const json_t *options = json_object_get(node, "options");
    if (option_flag(options, "connect", true) && option_flag(options, "create_slot", true))
        needs_no_block(s, "CREATE SUBSCRIPTION with a slot");
}

static void alter_subscription(struct statement_check *s, const json_t *node)
{
    static const char *const kinds[] = {"ALTER_SUBSCRIPTION_SET_PUBLICATION", "ALTER_SUBSCRIPTION_ADD_PUBLICATION",
                                        "ALTER_SUBSCRIPTION_DROP_PUBLICATION"};
    bool refresh = tree_is(node, "kind", "ALTER_SUBSCRIPTION_REFRESH");
    for (size_t i = 0; i < COUNT(kinds); i++)
        refresh |= tree_is(node, "kind", kinds[i]) && option_flag(json_object_get(node, "options"), "refresh", true);
    if (refresh)
        needs_no_block(s, "ALTER SUBSCRIPTION that refreshes");
}

/* ---------------------------------------------------------------------------------------------------------- indexes */

static const char *keep(struct statement_check *s, const char *text)
{
    return arena_strdup(s->section->arena, text);
}

static void create_index(struct statement_check *s, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation");
    if (!tree_flag(node, "concurrent"))
        return;
    needs_no_block(s, "CREATE INDEX CONCURRENTLY");
    if (s->nested)
        return;
    s->out->flags |= STATEMENT_CONCURRENTLY;
    s->out->schema = keep(s, tree_text(relation, "schemaname"));
    s->out->object = keep(s, tree_text(node, "idxname"));
    s->out->table = keep(s, tree_text(relation, "relname"));
    if (!s->out->object) {
        struct finding *found = rules_refuse(s, 0, "concurrently-name", "CREATE INDEX CONCURRENTLY without a name");
        err_hint(&found->err, "name the index: an invalid one that a failure leaves behind is found by its name");
    }
    if (tree_flag(node, "if_not_exists")) {
        struct finding *found = rules_refuse(
            s, 0, "concurrently-if-not-exists",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS takes an invalid index for a good one");
        err_hint(&found->err, "leave IF NOT EXISTS out: what a failed attempt left is dropped and built again");
    }
}

/* The schema and name of the first object of DROP, e.g. [{"List": {"items": [{"String": …}, …]}}]. */
static void name_dropped_index(struct statement_check *s, const json_t *object)
{
    const json_t *items = json_object_get(json_object_get(object, "List"), "items");
    size_t n = json_array_size(items);
    s->out->object = keep(s, value_text(json_array_get(items, n - 1)));
    s->out->schema = n > 1 ? keep(s, value_text(json_array_get(items, n - 2))) : NULL;
}

static void drop_index_concurrently(struct statement_check *s, const json_t *node)
{
    const json_t *objects = json_object_get(node, "objects");
    needs_no_block(s, "DROP INDEX CONCURRENTLY");
    if (s->nested)
        return;
    s->out->flags |= STATEMENT_DROP_INDEX;
    name_dropped_index(s, json_array_get(objects, 0));
    if (json_array_size(objects) > 1) {
        struct finding *found = rules_refuse(
            s, 0, "concurrently-several", "DROP INDEX CONCURRENTLY drops one index, not %zu", json_array_size(objects));
        err_hint(&found->err, "write a statement for each");
    }
    if (tree_is(node, "behavior", "DROP_CASCADE")) {
        struct finding *found = rules_refuse(s, 0, "concurrently-cascade", "DROP INDEX CONCURRENTLY knows no CASCADE");
        err_hint(&found->err, "drop what depends on the index first");
    }
}

static void forget_temporaries(struct statement_check *s, const json_t *objects);

static void drop(struct statement_check *s, const json_t *node)
{
    if (tree_flag(node, "concurrent"))
        drop_index_concurrently(s, node);
    forget_temporaries(s, json_object_get(node, "objects"));
}

static void reindex(struct statement_check *s, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation");
    bool whole = !relation; /* SCHEMA, DATABASE, SYSTEM */
    bool concurrently = option_flag(json_object_get(node, "params"), "concurrently", false);
    if (!whole && !concurrently)
        return;
    needs_no_block(s, concurrently ? "REINDEX CONCURRENTLY" : "REINDEX of a schema or database");
    if (!concurrently || s->nested)
        return;
    s->out->flags |= STATEMENT_REINDEX;
    if (tree_is(node, "kind", "REINDEX_OBJECT_INDEX"))
        s->out->object = keep(s, tree_text(relation, "relname"));
    else if (tree_is(node, "kind", "REINDEX_OBJECT_TABLE"))
        s->out->table = keep(s, tree_text(relation, "relname"));
    s->out->schema = keep(s, whole ? tree_text(node, "name") : tree_text(relation, "schemaname"));
}

/* ------------------------------------------------------------------------------------------------------ session state */

/* Settings that decide how the rest of the run is read, or whether it can be written. */
static const char *const frozen_settings[] = {"standard_conforming_strings", "client_encoding",
                                              "transaction_isolation",       "transaction_read_only",
                                              "transaction_deferrable",      "session_authorization"};

static bool is_frozen(const char *name)
{
    for (size_t i = 0; i < COUNT(frozen_settings); i++)
        if (strcasecmp(name, frozen_settings[i]) == 0)
            return true;
    return false;
}

static void refuse_leak(struct statement_check *s, const char *what, const char *hint)
{
    struct finding *found = rules_refuse(
        s, 0, "session-state", "%s outlives the transaction: a pooled connection carries it to the next user", what);
    err_hint(&found->err, "%s", hint);
}

static void set_transaction(struct statement_check *s, const char *name)
{
    if (strcmp(name, "SESSION CHARACTERISTICS") == 0) {
        refuse_leak(s, "SET SESSION CHARACTERISTICS", "leave it out: the migrator chooses how its transactions run");
        return;
    }
    struct finding *found = rules_refuse(s, 0, "tx-control", "SET TRANSACTION: transactions are the migrator's");
    err_hint(&found->err, "leave it out: revisions run READ COMMITTED and READ WRITE");
}

static void set_local(struct statement_check *s, const char *name)
{
    if (is_frozen(name)) {
        struct finding *found = rules_refuse(s, 0, "frozen-setting",
                                             "SET LOCAL %s changes how the migrator itself works", name);
        err_hint(&found->err, strcmp(name, "session_authorization") == 0 ? "use SET LOCAL ROLE" : "leave it out");
        return;
    }
    needs_block(s, "SET LOCAL");
}

static void set_variable(struct statement_check *s, const json_t *node)
{
    const char *kind = tree_text(node, "kind"), *name = tree_text(node, "name");
    kind = kind ? kind : "";
    if (!name)
        name = "ALL";
    if (strcmp(kind, "VAR_SET_MULTI") == 0) {
        set_transaction(s, name);
    } else if (strncmp(kind, "VAR_RESET", strlen("VAR_RESET")) == 0) {
        bool role = strcmp(name, "role") == 0;
        struct finding *found = rules_refuse(
            s, 0, "session-state", "RESET %s changes the session, not this transaction", role ? "ROLE" : name);
        if (role)
            err_hint(&found->err, "use SET LOCAL ROLE NONE");
        else
            err_hint(&found->err, "use SET LOCAL %s TO DEFAULT", strcmp(name, "ALL") == 0 ? "…" : name);
    } else if (tree_flag(node, "is_local")) {
        set_local(s, name);
    } else if (strcmp(name, "session_authorization") == 0) {
        refuse_leak(s, "SET SESSION AUTHORIZATION", "use SET LOCAL ROLE");
    } else if (strcmp(name, "role") == 0) {
        refuse_leak(s, "SET ROLE", "use SET LOCAL ROLE");
    } else {
        refuse_leak(s, arena_printf(s->section->arena, "SET %s", name),
                    rules_in_transaction(s) ? "use SET LOCAL"
                                            : "use SET LOCAL, in a section that runs in a transaction");
    }
}

static void listen(struct statement_check *s, const json_t *node)
{
    (void)node;
    refuse_leak(s, s->kind, "leave it out; NOTIFY is fine");
}

static void prepare(struct statement_check *s, const json_t *node)
{
    (void)node;
    refuse_leak(s, "PREPARE", "write the statement itself");
}

static void execute(struct statement_check *s, const json_t *node)
{
    (void)node;
    struct finding *found = rules_refuse(
        s, 0, "session-state", "%s: a prepared statement belongs to a session, and this one has none", s->kind);
    err_hint(&found->err, "write the statement itself");
}

static void discard(struct statement_check *s, const json_t *node)
{
    (void)node;
    struct finding *found = rules_refuse(s, 0, "session-state", "DISCARD throws away what the session holds");
    err_hint(&found->err, "leave it out");
}

static void load(struct statement_check *s, const json_t *node)
{
    (void)node;
    refuse_leak(s, "LOAD", "set session_preload_libraries on the server, or use CREATE EXTENSION");
}

/* ------------------------------------------------------------------------------------------------- temporary objects */

static bool is_temporary(const json_t *relation)
{
    return tree_is(relation, "relpersistence", "t") || tree_is(relation, "schemaname", "pg_temp");
}

static void refuse_temporary(struct section_check *c, size_t offset, const char *name)
{
    struct finding *found = finding_add(
        c->out, "temporary", c->file, offset,
        "temporary \"%s\" outlives the transaction: a pooled connection carries it to the next user", name);
    if (c->section->flags & SECTION_NO_TRANSACTION)
        err_hint(&found->err,
                 "with transaction:false every statement is committed by itself; move it to a section that "
                 "runs in a transaction");
    else
        err_hint(&found->err, "a table takes ON COMMIT DROP; anything else is dropped at the end of the section");
}

static void add_temporary(struct statement_check *s, const char *name)
{
    struct temporary t = {keep(s, name ? name : "?"), s->offset};
    if (!rules_in_transaction(s))
        refuse_temporary(s->section, t.offset, t.name);
    else
        vec_push(s->section->arena, &s->section->temporaries, t);
}

static void forget_temporaries(struct statement_check *s, const json_t *objects)
{
    struct section_check *c = s->section;
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        const json_t *names = json_object_get(json_object_get(object, "List"), "items");
        if (!names) /* a function or an aggregate */
            names = json_object_get(json_object_get(object, "ObjectWithArgs"), "objname");
        const char *name = value_text(names ? json_array_get(names, json_array_size(names) - 1) : object);
        for (size_t j = 0; name && j < c->temporaries.n; j++)
            if (c->temporaries.v[j].name && strcmp(c->temporaries.v[j].name, name) == 0)
                c->temporaries.v[j].name = NULL;
    }
}

void rules_end_section(struct section_check *c)
{
    for (size_t i = 0; i < c->temporaries.n; i++)
        if (c->temporaries.v[i].name)
            refuse_temporary(c, c->temporaries.v[i].offset, c->temporaries.v[i].name);
}

static void create_table(struct statement_check *s, const json_t *node)
{
    const json_t *relation = json_object_get(node, "relation");
    if (!is_temporary(relation))
        return;
    if (!tree_is(node, "oncommit", "ONCOMMIT_DROP"))
        add_temporary(s, tree_text(relation, "relname"));
    else
        needs_block(s, "ON COMMIT DROP");
}

static void create_table_as(struct statement_check *s, const json_t *node)
{
    const json_t *into = json_object_get(node, "into"), *relation = json_object_get(into, "rel");
    if (json_object_get(json_object_get(node, "query"), "ExecuteStmt"))
        execute(s, node);
    if (!is_temporary(relation))
        return;
    if (!tree_is(into, "onCommit", "ONCOMMIT_DROP"))
        add_temporary(s, tree_text(relation, "relname"));
    else
        needs_block(s, "ON COMMIT DROP");
}

static void create_view(struct statement_check *s, const json_t *node)
{
    if (is_temporary(json_object_get(node, "view")))
        add_temporary(s, tree_text(json_object_get(node, "view"), "relname"));
}

static void create_sequence(struct statement_check *s, const json_t *node)
{
    if (is_temporary(json_object_get(node, "sequence")))
        add_temporary(s, tree_text(json_object_get(node, "sequence"), "relname"));
}

/* SELECT … INTO; of a UNION the first branch holds it. */
static void select_into(struct statement_check *s, const json_t *node)
{
    while (json_object_get(node, "larg"))
        node = json_object_get(node, "larg");
    const json_t *relation = json_object_get(json_object_get(node, "intoClause"), "rel");
    if (is_temporary(relation))
        add_temporary(s, tree_text(relation, "relname"));
}

static void create_composite(struct statement_check *s, const json_t *node)
{
    if (is_temporary(json_object_get(node, "typevar")))
        add_temporary(s, tree_text(json_object_get(node, "typevar"), "relname"));
}

/* Other types and CREATE FUNCTION name what they make in a list of strings. */
static void create_named(struct statement_check *s, const json_t *names)
{
    const char *schema = value_text(json_array_get(names, 0));
    if (json_array_size(names) > 1 && schema && strcmp(schema, "pg_temp") == 0)
        add_temporary(s, value_text(json_array_get(names, 1)));
}

static void create_type(struct statement_check *s, const json_t *node)
{
    create_named(s, json_object_get(node, "typeName"));
}

static void create_domain(struct statement_check *s, const json_t *node)
{
    create_named(s, json_object_get(node, "domainname"));
}

static void define(struct statement_check *s, const json_t *node)
{
    create_named(s, json_object_get(node, "defnames"));
}

static void create_function(struct statement_check *s, const json_t *node)
{
    create_named(s, json_object_get(node, "funcname"));
    if (!s->nested)
        rules_check_routine(s, node);
}

/* ------------------------------------------------------------------------------------------------------------- COPY */

static void copy(struct statement_check *s, const json_t *node)
{
    if (tree_text(node, "filename"))
        return; /* a file or program of the server: its own rights decide */
    bool from = tree_flag(node, "is_from");
    struct finding *found = rules_refuse(s, 0, "copy-stdin",
                                         from ? "COPY … FROM STDIN: the rows that follow are no SQL"
                                              : "COPY … TO STDOUT: nobody reads it");
    err_hint(&found->err, from ? "write the rows as INSERT INTO … VALUES" : "leave it out");
}

/* ----------------------------------------------------------------------------------------------------------- the table */

struct rule {
    const char *node; /* of the syntax tree */
    void (*check)(struct statement_check *s, const json_t *node);
    const char *no_block; /* instead of check: cannot run in a transaction, called this */
};

static const struct rule rules[] = {
    {"TransactionStmt", transaction, NULL},
    {"VariableSetStmt", set_variable, NULL},
    {"ConstraintsSetStmt", set_constraints, NULL},
    {"LockStmt", lock_table, NULL},
    {"DeclareCursorStmt", cursor, NULL},
    {"ListenStmt", listen, NULL},
    {"UnlistenStmt", listen, NULL},
    {"PrepareStmt", prepare, NULL},
    {"ExecuteStmt", execute, NULL},
    {"DeallocateStmt", execute, NULL},
    {"DiscardStmt", discard, NULL},
    {"LoadStmt", load, NULL},
    {"CopyStmt", copy, NULL},
    {"CreateStmt", create_table, NULL},
    {"CreateTableAsStmt", create_table_as, NULL},
    {"ViewStmt", create_view, NULL},
    {"CreateSeqStmt", create_sequence, NULL},
    {"SelectStmt", select_into, NULL},
    {"CompositeTypeStmt", create_composite, NULL},
    {"CreateEnumStmt", create_type, NULL},
    {"CreateRangeStmt", create_type, NULL},
    {"CreateDomainStmt", create_domain, NULL},
    {"DefineStmt", define, NULL},
    {"CreateFunctionStmt", create_function, NULL},
    {"DoStmt", rules_check_do, NULL},
    {"IndexStmt", create_index, NULL},
    {"DropStmt", drop, NULL},
    {"ReindexStmt", reindex, NULL},
    {"VacuumStmt", vacuum, NULL},
    {"ClusterStmt", cluster, NULL},
    {"AlterTableStmt", alter_table, NULL},
    {"AlterDatabaseStmt", alter_database, NULL},
    {"CreateSubscriptionStmt", create_subscription, NULL},
    {"AlterSubscriptionStmt", alter_subscription, NULL},
    {"DropSubscriptionStmt", NULL, "DROP SUBSCRIPTION with a slot"},
    {"CreatedbStmt", NULL, "CREATE DATABASE"},
    {"DropdbStmt", NULL, "DROP DATABASE"},
    {"CreateTableSpaceStmt", NULL, "CREATE TABLESPACE"},
    {"DropTableSpaceStmt", NULL, "DROP TABLESPACE"},
    {"AlterSystemStmt", NULL, "ALTER SYSTEM"},
};

static void check_tree(struct statement_check *s, const json_t *tree)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        const json_t *node = json_object_get(tree, rules[i].node);
        if (!node)
            continue;
        if (rules[i].check)
            rules[i].check(s, node);
        else
            needs_no_block(s, rules[i].no_block);
        return;
    }
    const json_t *query = json_object_get(json_object_get(tree, "ExplainStmt"), "query");
    if (json_object_get(query, "ExecuteStmt"))
        execute(s, query);
}

/* ------------------------------------------------------------------------------------------ what the tokens tell */

/* Functions whose effect the session keeps. */
struct session_function {
    const char *name;
    const char *message;
    const char *hint;
};

#define LASTING_LOCK "takes a lock that outlives the transaction"
#define NOT_YOURS "lets go of locks that are not this revision's"
static const struct session_function session_functions[] = {
    {"set_config", "with a third argument other than true outlives the transaction", "set_config(name, value, true)"},
    {"pg_advisory_lock", LASTING_LOCK, "pg_advisory_xact_lock"},
    {"pg_advisory_lock_shared", LASTING_LOCK, "pg_advisory_xact_lock_shared"},
    {"pg_try_advisory_lock", LASTING_LOCK, "pg_try_advisory_xact_lock"},
    {"pg_try_advisory_lock_shared", LASTING_LOCK, "pg_try_advisory_xact_lock_shared"},
    {"pg_advisory_unlock", NOT_YOURS, "pg_advisory_xact_lock, which the commit lets go of"},
    {"pg_advisory_unlock_shared", NOT_YOURS, "pg_advisory_xact_lock_shared, which the commit lets go of"},
    {"pg_advisory_unlock_all", NOT_YOURS, "pg_advisory_xact_lock, which the commit lets go of"},
};

/* Statements that evaluate what they hold when they run; a view or a function keeps it for later. */
static const char *const running_kinds[] = {
    "SELECT", "INSERT",  "UPDATE",  "DELETE", "MERGE",        "VALUES",      "CALL",
    "DO",     "EXPLAIN", "DECLARE", "COPY",   "CREATE TABLE", "ALTER TABLE", "CREATE MATERIALIZED VIEW",
};

static bool runs_now(const char *kind)
{
    for (size_t i = 0; i < COUNT(running_kinds); i++)
        if (strcmp(kind, running_kinds[i]) == 0)
            return true;
    return false;
}

/* set_config( … , true ): `l` stands behind the opening parenthesis. */
static bool last_argument_is_true(struct str text, struct lexer l)
{
    enum { FARTHEST = 1000 }; /* tokens: calls within calls within calls are not read again and again */
    struct token t, last = {0}, before = {0};
    size_t depth = 1;
    for (int n = 0; n < FARTHEST && token_next(&l, &t); n++, before = last, last = t) {
        depth += token_is_symbol(text, &t, "(");
        depth -= token_is_symbol(text, &t, ")");
        if (!depth)
            return token_is_word(text, &last, "TRUE") && token_is_symbol(text, &before, ",");
    }
    return false;
}

/* The last few tokens, the newest at 0. */
#define LOOK_BACK 4

/* Words behind which a name with parentheses is a table or an alias with its columns, and no call. */
static bool names_columns(struct str text, const struct token *back)
{
    static const char *const words[] = {"TABLE", "EXISTS", "INTO", "REFERENCES", "AS", "ONLY"};
    size_t at = token_is_symbol(text, &back[1], ".") ? 3 : 1; /* before the name and its schema */
    for (size_t i = 0; i < COUNT(words); i++)
        if (token_is_word(text, &back[at], words[i]))
            return true;
    return false;
}

/* set_config('name', …): a name that is written out. `l` as above. */
static void check_set_config(struct statement_check *s, size_t at, struct lexer l)
{
    struct token t;
    bool raw;
    if (!token_next(&l, &t) || t.kind != TOKEN_STRING)
        return;
    const char *setting = arena_str(s->section->arena, token_content(s->text, &t, &raw));
    if (!is_frozen(setting))
        return;
    struct finding *found = rules_refuse(s, at, "frozen-setting",
                                         "set_config of %s changes how the migrator itself works", setting);
    err_hint(&found->err, "leave it out");
}

static void check_call(struct statement_check *s, const struct token *name, const struct lexer *behind)
{
    for (size_t i = 0; i < COUNT(session_functions); i++) {
        const struct session_function *f = &session_functions[i];
        if (!token_is_name(s->text, name, f->name))
            continue;
        if (i == 0 && last_argument_is_true(s->text, *behind)) {
            check_set_config(s, name->offset, *behind);
            return;
        }
        struct finding *found = rules_refuse(s, name->offset, "session-state", "%s %s", f->name, f->message);
        err_hint(&found->err, "use %s", f->hint);
    }
}

static void check_name_length(struct statement_check *s, const struct token *t)
{
    size_t n = t->kind == TOKEN_WORD || t->kind == TOKEN_NAME ? token_name_bytes(s->text, t) : 0;
    if (n <= LONGEST_NAME)
        return;
    struct finding *found = rules_refuse(s, t->offset, "identifier-too-long",
                                         "a name of %zu bytes: PostgreSQL keeps the first %d and says nothing", n,
                                         LONGEST_NAME);
    err_hint(&found->err, "shorten it to %d bytes", LONGEST_NAME);
}

/* A routine's own parameters are its business; a nested text is one. */
static bool may_hold_parameters(const struct statement_check *s)
{
    return s->nested || strcmp(s->kind, "CREATE FUNCTION") == 0 || strcmp(s->kind, "CREATE PROCEDURE") == 0 ||
           strcmp(s->kind, "PREPARE") == 0;
}

static void refuse_parameter(struct statement_check *s, const struct token *t)
{
    struct finding *found = rules_refuse(s, t->offset, "parameter", "the parameter %.*s has no value",
                                         STR_ARG(token_text(s->text, t)));
    err_hint(&found->err, "write the value itself; the tenant's id is current_setting('migrate.tenant_id')");
}

void rules_check_tokens(struct statement_check *s)
{
    struct lexer l = {.text = s->text, .dialect = DIALECT_POSTGRESQL};
    struct token t, back[LOOK_BACK] = {0};
    bool runs = runs_now(s->kind), select = strcmp(s->kind, "SELECT") == 0, parameters = may_hold_parameters(s);
    while (token_next(&l, &t)) {
        check_name_length(s, &t);
        if (t.kind == TOKEN_PARAMETER && !parameters)
            refuse_parameter(s, &t);
        if (!runs)
            continue;
        if (token_is_symbol(s->text, &t, "(") && !names_columns(s->text, back))
            check_call(s, &back[0], &l);
        s->into |= select && token_is_word(s->text, &t, "INTO");
        memmove(back + 1, back, sizeof back - sizeof *back);
        back[0] = t;
    }
}

/* ------------------------------------------------------------------------------------------------------- a statement */

/* Kinds that only their tokens are asked about, so that a seed of many megabytes needs no tree. */
static bool needs_tree(const char *kind)
{
    return !kind_writes_rows(kind) && strcmp(kind, "SELECT") != 0 && strcmp(kind, "VALUES") != 0;
}

/* Kinds that may be of any size: of a long one only the head matters. */
static bool may_be_long(const char *kind)
{
    static const char *const kinds[] = {"CREATE TABLE",
                                        "CREATE VIEW",
                                        "CREATE MATERIALIZED VIEW",
                                        "CREATE TYPE",
                                        "CREATE FOREIGN TABLE",
                                        "CREATE FUNCTION",
                                        "CREATE PROCEDURE",
                                        "CREATE RULE",
                                        "ALTER TABLE",
                                        "GRANT",
                                        "REVOKE",
                                        "COMMENT"};
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

static void check_without_tree(struct statement_check *s)
{
    struct lexer l = {.text = s->text, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    for (int i = 0; i < 3 && token_next(&l, &t); i++)
        if (token_is_word(s->text, &t, "TEMP") || token_is_word(s->text, &t, "TEMPORARY"))
            add_temporary(s, "?");
    if (may_be_long(s->kind))
        return;
    struct finding *found = rules_refuse(
        s, 0, "too-large", "%s of %zu tokens: too large or too deeply nested to be checked", s->kind, s->n_tokens);
    err_hint(&found->err, "split it into several statements");
}

void rules_check_tree(struct statement_check *s)
{
    json_auto_t *tree = s->n_tokens <= PARSE_TOKENS ? parse_tree(s->text) : NULL;
    if (tree)
        check_tree(s, tree);
    else if (!s->nested)
        check_without_tree(s);
}

void rules_check_statement(struct statement_check *s)
{
    rules_check_tokens(s);
    if (needs_tree(s->kind) || s->into)
        rules_check_tree(s);
}
