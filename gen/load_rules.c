/*
 * What does not belong in a desired-state file: one row for each kind of statement. Read off syntax trees; adds findings
 * and changes nothing.
 */
#include <string.h>

#include "gen/rules_postgresql.h"
#include "gen/session.h"
#include "gen/statements.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------------------------------------------------ trees */

const char *load_node(const json_t *tree, const json_t **body)
{
    const char *name;
    json_t *value;
    *body = NULL;
    json_object_foreach((json_t *)(uintptr_t)tree, name, value)
    {
        *body = value;
        return name;
    }
    return "";
}

static bool is_text(const json_t *node, const char *key, const char *value)
{
    const char *text = tree_text(node, key);
    return text && strcmp(text, value) == 0;
}

static void add_role(struct arena *a, struct strings *out, const char *name)
{
    if (name && !strings_has(out, name))
        vec_push(a, out, arena_strdup(a, name));
}

/* A RoleSpec wherever it stands; and what GRANT role TO … grants. */
void load_roles(struct arena *a, const json_t *tree, struct strings *out)
{
    const char *key;
    json_t *value;
    if (is_text(tree, "roletype", "ROLESPEC_CSTRING"))
        add_role(a, out, tree_text(tree, "rolename"));
    json_object_foreach((json_t *)(uintptr_t)tree, key, value)
    {
        bool is_grant = strcmp(key, "granted_roles") == 0;
        for (size_t i = 0; is_grant && i < json_array_size(value); i++)
            add_role(a, out, tree_text(json_object_get(json_array_get(value, i), "AccessPriv"), "priv_name"));
        load_roles(a, value, out);
    }
    for (size_t i = 0; i < json_array_size(tree); i++)
        load_roles(a, json_array_get(tree, i), out);
}

/* ------------------------------------------------------------------------------------------------------------- rules */

struct rule {
    const char *node;
    enum load_verdict verdict;
    const char *rule;
    const char *message; /* behind the statement's own words */
    const char *hint;
};

#define ROWS "rows belong in a revision: a schema says what is there, not what is in it"
#define SERVER "it is the server's or the database's, not the schema's; leave it out"
#define SESSION "leave it out: nothing of it stays"

static const struct rule rules[] = {
    {"TransactionStmt", LOAD_REFUSED, "tx-control", "the file is loaded in a transaction that is not its own",
     "leave BEGIN and COMMIT out"},
    {"InsertStmt", LOAD_REFUSED, "rows", "writes rows", ROWS},
    {"UpdateStmt", LOAD_REFUSED, "rows", "writes rows", ROWS},
    {"DeleteStmt", LOAD_REFUSED, "rows", "writes rows", ROWS},
    {"MergeStmt", LOAD_REFUSED, "rows", "writes rows", ROWS},
    {"TruncateStmt", LOAD_REFUSED, "rows", "writes rows", ROWS},
    {"CopyStmt", LOAD_REFUSED, "rows", "copies rows", ROWS "; pg_dump writes it with --schema-only"},
    {"CallStmt", LOAD_REFUSED, "rows", "runs a procedure", "what it makes must stand in the file itself"},
    {"CreatedbStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"DropdbStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"AlterDatabaseStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"AlterDatabaseSetStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"AlterDatabaseRefreshCollStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"CreateTableSpaceStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"DropTableSpaceStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"AlterTableSpaceOptionsStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"AlterSystemStmt", LOAD_REFUSED, "outside", "is outside of any schema", SERVER},
    {"VacuumStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"ClusterStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"ReindexStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"CheckPointStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"LoadStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"ListenStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"UnlistenStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"NotifyStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"LockStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"DiscardStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"PrepareStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"ExecuteStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"DeallocateStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"DeclareCursorStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"FetchStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"ClosePortalStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"ExplainStmt", LOAD_REFUSED, "session", "changes no schema", SESSION},
    {"CreateRoleStmt", LOAD_RUN, "roles", "roles belong to the server and are not compared", NULL},
    {"AlterRoleStmt", LOAD_RUN, "roles", "roles belong to the server and are not compared", NULL},
    {"AlterRoleSetStmt", LOAD_RUN, "roles", "roles belong to the server and are not compared", NULL},
    {"DropRoleStmt", LOAD_RUN, "roles", "roles belong to the server and are not compared", NULL},
    {"GrantRoleStmt", LOAD_RUN, "roles", "roles belong to the server and are not compared", NULL},
};

static enum load_verdict apply_rule(struct findings *out, struct arena *a, const struct text_file *file,
                                    const struct load_statement *s, const struct rule *rule)
{
    const char *kind = statement_kind(a, s->text, DIALECT_POSTGRESQL);
    struct finding *found = finding_add(out, rule->rule, file, s->offset, "%s: %s", kind, rule->message);
    if (rule->hint)
        err_hint(&found->err, "%s", rule->hint);
    if (rule->verdict == LOAD_RUN)
        finding_is_warning(out, found);
    return rule->verdict;
}

/* ---------------------------------------------------------------------------------- statements that want a closer look */

static enum load_verdict refuse(struct findings *out, const struct text_file *file, const struct load_statement *s,
                                const char *rule, const char *message, const char *hint)
{
    struct finding *found = finding_add(out, rule, file, s->offset, "%s", message);
    err_hint(&found->err, "%s", hint);
    return LOAD_REFUSED;
}

/* pg_dump says so who granted something. Who did is not compared. */
static bool is_followed_by_grant(const struct text_file *file, const struct load_statement *s)
{
    struct lexer l = {.text = str_slice(file->bytes, s->offset + s->text.n, file->bytes.n),
                      .dialect = DIALECT_POSTGRESQL};
    struct token t;
    while (token_next(&l, &t))
        if (!token_is_symbol(l.text, &t, ";"))
            return token_is_word(l.text, &t, "GRANT") || token_is_word(l.text, &t, "REVOKE");
    return false;
}

/* What pg_dump writes in front of everything is fine; what changes who acts is not. */
static enum load_verdict check_set(struct findings *out, const struct text_file *file, const struct load_statement *s,
                                   const json_t *node)
{
    static const char *const ours[] = {"client_encoding", "standard_conforming_strings", "client_min_messages",
                                       "lock_timeout", "idle_in_transaction_session_timeout"};
    const char *name = tree_text(node, "name");
    if (!name)
        return LOAD_RUN;
    bool acts = strcasecmp(name, "role") == 0 || strcasecmp(name, "session_authorization") == 0;
    if (acts && (is_text(node, "kind", "VAR_RESET") || is_followed_by_grant(file, s)))
        return LOAD_SKIP;
    if (acts)
        return refuse(out, file, s, "session", "SET ROLE and SET SESSION AUTHORIZATION change who owns what follows",
                      "say it with ALTER … OWNER TO");
    if (strncmp(name, "TRANSACTION", 11) == 0 || strcmp(name, "SESSION CHARACTERISTICS") == 0)
        return refuse(out, file, s, "tx-control", "the file is loaded in a transaction that is not its own",
                      "leave it out");
    for (size_t i = 0; i < COUNT(ours); i++)
        if (strcasecmp(name, ours[i]) == 0)
            return LOAD_SKIP;
    return LOAD_RUN;
}

/* The last name of the one function that a SELECT calls; NULL: it is more than that. */
static const char *called_function(const json_t *select)
{
    const json_t *targets = json_object_get(select, "targetList");
    const json_t *target = json_object_get(json_array_get(targets, 0), "ResTarget");
    const json_t *call = json_object_get(json_object_get(target, "val"), "FuncCall");
    const json_t *names = json_object_get(call, "funcname");
    if (!call || json_array_size(targets) != 1 || json_object_get(select, "fromClause"))
        return NULL;
    return tree_text(json_object_get(json_array_get(names, json_array_size(names) - 1), "String"), "sval");
}

static enum load_verdict check_select(struct findings *out, const struct text_file *file,
                                      const struct load_statement *s, const json_t *node)
{
    const char *function = called_function(node);
    if (function && (strcmp(function, "set_config") == 0 || strcmp(function, "setval") == 0))
        return LOAD_RUN;
    struct finding *found = finding_add(out, "select", file, s->offset,
                                        function ? "SELECT %s(…) in a schema: it is run for what it leaves behind"
                                                 : "SELECT in a schema%.0s: it is run for what it leaves behind",
                                        function ? function : "");
    finding_is_warning(out, found);
    return LOAD_RUN;
}

static enum load_verdict check_subscription(struct findings *out, const struct text_file *file,
                                            const struct load_statement *s, const json_t *node)
{
    const json_t *arg = json_object_get(tree_option(json_object_get(node, "options"), "connect"), "arg");
    const char *text = tree_text(json_object_get(arg, "String"), "sval");
    if (text && (strcasecmp(text, "false") == 0 || strcasecmp(text, "off") == 0 || strcmp(text, "0") == 0))
        return LOAD_RUN;
    return refuse(out, file, s, "outside", "CREATE SUBSCRIPTION that connects makes a slot on another server",
                  "write WITH (connect = false), as pg_dump does");
}

enum load_verdict load_check(struct findings *out, struct arena *a, const struct text_file *file,
                             const struct load_statement *s)
{
    const json_t *node;
    const char *name = load_node(s->tree, &node);
    if (!s->tree && kind_writes_rows(statement_kind(a, s->text, DIALECT_POSTGRESQL)))
        name = "InsertStmt";
    if (strcmp(name, "VariableSetStmt") == 0)
        return check_set(out, file, s, node);
    if (strcmp(name, "SelectStmt") == 0)
        return check_select(out, file, s, node);
    if (strcmp(name, "CreateSubscriptionStmt") == 0)
        return check_subscription(out, file, s, node);
    for (size_t i = 0; i < COUNT(rules); i++)
        if (strcmp(name, rules[i].node) == 0)
            return apply_rule(out, a, file, s, &rules[i]);
    return LOAD_RUN;
}

/* ----------------------------------------------------------------------------------------------------- CONCURRENTLY */

static bool is_concurrent(const json_t *tree)
{
    const json_t *node;
    const char *name = load_node(tree, &node);
    if (strcmp(name, "IndexStmt") == 0 || strcmp(name, "DropStmt") == 0)
        return json_is_true(json_object_get(node, "concurrent"));
    const json_t *commands = strcmp(name, "AlterTableStmt") == 0 ? json_object_get(node, "cmds") : NULL;
    for (size_t i = 0; i < json_array_size(commands); i++) {
        const json_t *command = json_object_get(json_array_get(commands, i), "AlterTableCmd");
        const json_t *partition = json_object_get(json_object_get(command, "def"), "PartitionCmd");
        if (json_is_true(json_object_get(partition, "concurrent")))
            return true;
    }
    return false;
}

/* No name without quotes can be spelt so where the parser has seen the keyword: its first place is the keyword's. */
void load_blank_concurrently(char *text, size_t n, const json_t *tree)
{
    struct lexer l = {.text = {text, n}, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    if (!is_concurrent(tree))
        return;
    while (token_next(&l, &t))
        if (token_is_word(l.text, &t, "CONCURRENTLY")) {
            memset(text + t.offset, ' ', t.length);
            return;
        }
}
