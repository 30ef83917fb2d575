/* The rules for SQLite's statements: one row of `rules` for each first word that matters, and the table of PRAGMAs. */
#include "gen/rules_sqlite.h"

#include <string.h>
#include <strings.h>

#include "gen/statements.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A statement under check, read token by token. */
struct reading {
    struct sqlite_section *c;
    struct str text;
    struct revision_statement *statement;
    struct lexer l;
    struct token t;
    bool more;
    bool refused;
};

static void advance(struct reading *r)
{
    r->more = token_next(&r->l, &r->t);
}

static bool at_word(const struct reading *r, const char *word)
{
    return r->more && token_is_word(r->text, &r->t, word);
}

static bool at_symbol(const struct reading *r, const char *symbol)
{
    return r->more && token_is_symbol(r->text, &r->t, symbol);
}

static bool skip_word(struct reading *r, const char *word)
{
    if (!at_word(r, word))
        return false;
    advance(r);
    return true;
}

static struct finding *refuse(struct reading *r, size_t at, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static struct finding *refuse(struct reading *r, size_t at, const char *rule, const char *format, ...)
{
    BUF_AUTO text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&text, format, ap);
    va_end(ap);
    r->refused = true;
    return finding_add(r->c->out, rule, r->c->file, r->statement->offset + at, "%s", text.p);
}

static bool in_transaction(const struct reading *r)
{
    return !(r->c->section->flags & SECTION_NO_TRANSACTION);
}

static void needs_no_transaction(struct reading *r, const char *rule, const char *what)
{
    r->statement->flags |= STATEMENT_NO_BLOCK;
    if (!in_transaction(r))
        return;
    struct finding *found = refuse(r, 0, rule, "%s cannot run inside a transaction", what);
    err_hint(&found->err, "move it to a revision of its own, whose section line says transaction:false");
}

/* ---------------------------------------------------------------------------------------------- transactions and files */

static void transaction(struct reading *r)
{
    struct finding *found = refuse(r, 0, "tx-control", "%s: transactions are the migrator's", r->statement->kind);
    err_hint(&found->err, in_transaction(r)
                              ? "leave it out: the section runs in one transaction, together with its version row"
                              : "leave it out: with transaction:false each statement is committed by itself");
}

static void attach(struct reading *r)
{
    struct finding *found = refuse(r, 0, "sl-attach", "%s: a revision works on its own database file only",
                                   r->statement->kind);
    err_hint(&found->err, "leave it out");
}

static void vacuum(struct reading *r)
{
    for (; r->more; advance(r))
        if (at_word(r, "INTO")) {
            struct finding *found = refuse(r, r->t.offset, "foreign-file", "VACUUM INTO writes another file");
            err_hint(&found->err, "leave INTO out");
            return;
        }
    needs_no_transaction(r, "sl-vacuum", "VACUUM");
}

/* ------------------------------------------------------------------------------------------------------------ PRAGMA */

enum pragma_use {
    PRAGMA_TELLS,    /* reads; so does its use with a table's name */
    PRAGMA_ASKS,     /* reads without an argument; setting it is not for a revision */
    PRAGMA_SETS,     /* part of the transaction, as any other write */
    PRAGMA_IN_BLOCK, /* holds until the transaction's end */
    PRAGMA_NO_BLOCK, /* reads without an argument, else works outside of a transaction only */
    PRAGMA_REFUSED,
};

struct pragma {
    const char *name;
    enum pragma_use use;
    const char *rule;       /* that it breaks in a transaction, or always; NULL: "pragma" */
    const char *why, *hint; /* where the general words would not do */
};

static const struct pragma pragmas[] = {
    {"application_id", PRAGMA_SETS, NULL, NULL, NULL},
    {"auto_vacuum", PRAGMA_NO_BLOCK, "sl-silent-pragma", NULL, NULL},
    {"collation_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"compile_options", PRAGMA_TELLS, NULL, NULL, NULL},
    {"data_version", PRAGMA_TELLS, NULL, NULL, NULL},
    {"database_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"defer_foreign_keys", PRAGMA_IN_BLOCK, NULL, NULL, NULL},
    {"encoding", PRAGMA_ASKS, "sl-silent-pragma", "is fixed when the database is made", "leave it out"},
    {"foreign_key_check", PRAGMA_TELLS, NULL, NULL, NULL},
    {"foreign_key_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"foreign_keys", PRAGMA_ASKS, "sl-fk-pragma", "does nothing inside a transaction",
     "write foreign_keys:off on the section line; a section that drops or renames a table has it without saying so"},
    {"freelist_count", PRAGMA_TELLS, NULL, NULL, NULL},
    {"function_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"incremental_vacuum", PRAGMA_SETS, NULL, NULL, NULL},
    {"index_info", PRAGMA_TELLS, NULL, NULL, NULL},
    {"index_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"index_xinfo", PRAGMA_TELLS, NULL, NULL, NULL},
    {"integrity_check", PRAGMA_TELLS, NULL, NULL, NULL},
    {"journal_mode", PRAGMA_NO_BLOCK, "sl-vacuum", NULL, NULL},
    {"module_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"optimize", PRAGMA_SETS, NULL, NULL, NULL},
    {"page_count", PRAGMA_TELLS, NULL, NULL, NULL},
    {"page_size", PRAGMA_NO_BLOCK, "sl-silent-pragma", NULL, NULL},
    {"pragma_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"quick_check", PRAGMA_TELLS, NULL, NULL, NULL},
    {"schema_version", PRAGMA_ASKS, "sl-writable-schema", "can corrupt the database", "leave it out"},
    {"table_info", PRAGMA_TELLS, NULL, NULL, NULL},
    {"table_list", PRAGMA_TELLS, NULL, NULL, NULL},
    {"table_xinfo", PRAGMA_TELLS, NULL, NULL, NULL},
    {"user_version", PRAGMA_SETS, NULL, NULL, NULL},
    {"wal_checkpoint", PRAGMA_NO_BLOCK, "sl-vacuum", NULL, NULL},
    {"writable_schema", PRAGMA_REFUSED, "sl-writable-schema", "can corrupt the database",
     "build the table anew: create, copy, drop, rename"},
};

static const struct pragma *find_pragma(struct str name)
{
    for (size_t i = 0; i < COUNT(pragmas); i++)
        if (name.n == strlen(pragmas[i].name) && strncasecmp(name.p, pragmas[i].name, name.n) == 0)
            return &pragmas[i];
    return NULL;
}

bool rules_sqlite_pragma(const char *name)
{
    const struct pragma *p = find_pragma(str_from(name));
    return p && p->use != PRAGMA_REFUSED;
}

static void refuse_pragma(struct reading *r, struct str name, const struct pragma *p)
{
    struct finding *found = refuse(r, 0, p && p->rule ? p->rule : "pragma", "PRAGMA %.*s %s", STR_ARG(name),
                                   p && p->why ? p->why : "sets up a connection, and the application's is another one");
    err_hint(&found->err, "%s", p && p->hint ? p->hint : "leave it out");
}

static void pragma(struct reading *r)
{
    advance(r);
    struct str name = r->more ? token_text(r->text, &r->t) : STR("");
    advance(r);
    if (at_symbol(r, ".")) {
        advance(r);
        name = r->more ? token_text(r->text, &r->t) : STR("");
        advance(r);
    }
    const struct pragma *p = find_pragma(name);
    enum pragma_use use = p ? p->use : PRAGMA_REFUSED;
    bool bare = !r->more;
    if (use == PRAGMA_REFUSED || (use == PRAGMA_ASKS && !bare)) {
        refuse_pragma(r, name, p);
    } else if (use == PRAGMA_NO_BLOCK && (!bare || strcmp(p->name, "wal_checkpoint") == 0)) {
        needs_no_transaction(r, p->rule, arena_printf(r->c->arena, "PRAGMA %s", p->name));
    } else if (use == PRAGMA_IN_BLOCK && !in_transaction(r)) {
        struct finding *found = refuse(r, 0, "needs-transaction",
                                       "PRAGMA %s means nothing in a section with transaction:false", p->name);
        err_hint(&found->err,
                 "every statement there is committed by itself; move it to a section that runs in a transaction");
    }
}

/* ------------------------------------------------------------------------------------------------- temporary objects */

static void refuse_temporary(struct sqlite_section *c, size_t offset, struct str name)
{
    struct finding *found = finding_add(c->out, "temporary", c->file, offset,
                                        "temporary \"%.*s\" outlives the transaction: later revisions would meet it",
                                        STR_ARG(name));
    err_hint(&found->err, c->section->flags & SECTION_NO_TRANSACTION
                              ? "move it to a section that runs in a transaction, and drop it there"
                              : "drop it at the end of the section");
}

static struct str unquoted(const struct reading *r)
{
    struct str s = r->more ? token_text(r->text, &r->t) : STR("");
    return r->more && (r->t.kind == TOKEN_NAME || r->t.kind == TOKEN_STRING) && s.n >= 2 ? str_slice(s, 1, s.n - 1) : s;
}

/* [IF [NOT] EXISTS] [schema .] name: the name, and whether the schema is `temp`. */
static struct str object_name(struct reading *r, bool *temp)
{
    if (skip_word(r, "IF")) {
        skip_word(r, "NOT");
        skip_word(r, "EXISTS");
    }
    struct str name = unquoted(r);
    advance(r);
    if (!at_symbol(r, "."))
        return name;
    *temp |= name.n == 4 && strncasecmp(name.p, "temp", 4) == 0;
    advance(r);
    name = unquoted(r);
    advance(r);
    return name;
}

static void create_temporary(struct reading *r)
{
    advance(r);
    bool temp = skip_word(r, "TEMP") || skip_word(r, "TEMPORARY");
    if (!skip_word(r, "TABLE") && !skip_word(r, "VIEW") && !skip_word(r, "TRIGGER"))
        return;
    struct sqlite_temporary t = {object_name(r, &temp), r->statement->offset};
    if (!temp)
        return;
    if (!in_transaction(r)) {
        refuse_temporary(r->c, t.offset, t.name);
        r->refused = true;
    } else {
        vec_push(r->c->arena, &r->c->temporaries, t);
    }
}

static void drop(struct reading *r)
{
    bool temp = false;
    advance(r);
    if (at_word(r, "TABLE"))
        r->c->foreign_keys_off = true;
    advance(r);
    struct str name = object_name(r, &temp);
    for (size_t i = 0; i < r->c->temporaries.n; i++) {
        struct str *have = &r->c->temporaries.v[i].name;
        if (have->n == name.n && name.n && strncasecmp(have->p, name.p, name.n) == 0)
            have->n = 0;
    }
}

void rules_sqlite_end(struct sqlite_section *c)
{
    for (size_t i = 0; i < c->temporaries.n; i++)
        if (c->temporaries.v[i].name.n)
            refuse_temporary(c, c->temporaries.v[i].offset, c->temporaries.v[i].name);
}

/* ------------------------------------------------------------------------------------------- what the database keeps */

/* CREATE TABLE t AS SELECT: what is selected runs now and is not kept. */
static bool is_table_as(struct str text)
{
    struct lexer l = {.text = text, .dialect = DIALECT_SQLITE};
    struct token t;
    while (token_next(&l, &t) && !token_is_symbol(text, &t, "("))
        if (token_is_word(text, &t, "AS"))
            return true;
    return false;
}

static bool is_kept(const struct reading *r)
{
    static const char *const kinds[] = {"CREATE TABLE", "CREATE VIEW",          "CREATE TRIGGER",
                                        "CREATE INDEX", "CREATE VIRTUAL TABLE", "ALTER TABLE"};
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(r->statement->kind, kinds[i]) == 0)
            return i > 0 || !is_table_as(r->text);
    return false;
}

static bool is_function(struct str text, const struct token *t, const char *upper, const char *lower)
{
    return token_is_word(text, t, upper) || token_is_name(text, t, lower);
}

/* Calls that no statement may make, parameters, and the words that end a transaction from within. */
static void check_words(struct reading *r)
{
    bool kept = is_kept(r), writes = kind_writes_rows(r->statement->kind);
    struct lexer l = {.text = r->text, .dialect = DIALECT_SQLITE};
    struct token t, before = {0};
    for (; token_next(&l, &t); before = t) {
        bool call = before.length && token_is_symbol(r->text, &t, "(");
        if (call && is_function(r->text, &before, "LOAD_EXTENSION", "load_extension")) {
            struct finding *found = refuse(r, before.offset, "foreign-file", "load_extension loads code from a file");
            err_hint(&found->err, "leave it out: the migrator brings everything along that it runs");
        } else if (call && kept && is_function(r->text, &before, "MIGRATE_SETTING", "migrate_setting")) {
            struct finding *found = refuse(r, before.offset, "setting-in-schema",
                                           "migrate_setting would stay in the "
                                           "database, and the application has no such function");
            err_hint(&found->err, "use it in a statement: INSERT, UPDATE, CREATE TABLE … AS SELECT");
        } else if (t.kind == TOKEN_PARAMETER) {
            struct finding *found = refuse(r, t.offset, "parameter", "the parameter %.*s has no value",
                                           STR_ARG(token_text(r->text, &t)));
            err_hint(&found->err, "write the value itself; the tenant's id is migrate_setting('tenant_id')");
        } else if (writes && token_is_word(r->text, &t, "ROLLBACK") && token_is_word(r->text, &before, "OR")) {
            struct finding *found = refuse(r, before.offset, "sl-or-rollback",
                                           "OR ROLLBACK ends the migrator's transaction");
            err_hint(&found->err, "leave it out: a failed statement rolls the revision back anyway");
        }
    }
}

static void alter(struct reading *r)
{
    advance(r); /* TABLE */
    for (advance(r); r->more; advance(r))
        if (at_word(r, "DROP") || at_word(r, "RENAME"))
            r->c->foreign_keys_off = true;
}

/* --------------------------------------------------------------------------------------------------------- the table */

static const struct rule {
    const char *word; /* that the statement begins with */
    void (*check)(struct reading *r);
} rules[] = {
    {"BEGIN", transaction},     {"COMMIT", transaction},  {"END", transaction},         {"ROLLBACK", transaction},
    {"SAVEPOINT", transaction}, {"RELEASE", transaction}, {"ATTACH", attach},           {"DETACH", attach},
    {"VACUUM", vacuum},         {"PRAGMA", pragma},       {"CREATE", create_temporary}, {"DROP", drop},
    {"ALTER", alter},
};

bool rules_sqlite(struct sqlite_section *c, struct str text, struct revision_statement *statement)
{
    struct reading r = {.c = c, .text = text, .statement = statement, .l = {.text = text, .dialect = DIALECT_SQLITE}};
    check_words(&r);
    advance(&r);
    for (size_t i = 0; i < COUNT(rules); i++)
        if (at_word(&r, rules[i].word)) {
            rules[i].check(&r);
            break;
        }
    return !r.refused;
}
