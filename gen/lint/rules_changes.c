/* PostgreSQL's rules about data loss, running applications and good order: the table, and which function looks at what. */
#include "gen/lint/changes.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------------------------------------------------ handlers */

/* Each command's name is looked for behind the one before, so that the same name twice has two places. */
static void alter_table(struct lint_statement *s)
{
    const json_t *item;
    size_t i, from = tree_location(json_object_get(s->node, "relation")) + 1;
    json_array_foreach(json_object_get(s->node, "cmds"), i, item)
    {
        const json_t *command = json_object_get(item, "AlterTableCmd");
        if (tree_says(command, "subtype", "AT_AlterColumnType"))
            changes_type_command(s, command, &from);
        else
            changes_drop_command(s, command, &from);
        changes_column_command(s, command);
        changes_add_if_not_exists(s, command);
        if (tree_true(json_object_get(json_object_get(command, "def"), "PartitionCmd"), "concurrent"))
            changes_rerun(s);
    }
}

static void create_table(struct lint_statement *s)
{
    changes_if_not_exists(s);
    changes_columns(s);
}

static void drop_database(struct lint_statement *s)
{
    changes_drop_database(s);
    changes_rerun(s);
}

static const struct lint_handler handlers[] = {
    {"AlterTableStmt", alter_table},
    {"DropStmt", changes_drop},
    {"DropdbStmt", drop_database},
    {"DropOwnedStmt", changes_drop_owned},
    {"GrantStmt", changes_revoke},
    {"GrantRoleStmt", changes_revoke},
    {"AlterDomainStmt", changes_alter_domain},
    {"TruncateStmt", changes_truncate},
    {"RenameStmt", changes_rename},
    {"AlterObjectSchemaStmt", changes_set_schema},
    {"AlterEnumStmt", changes_enum},
    {"ViewStmt", changes_view},
    {"InsertStmt", changes_insert},
    {"UpdateStmt", changes_update},
    {"DeleteStmt", changes_delete},
    {"SelectStmt", changes_select},
    {"CreateStmt", create_table},
    {"CreateTableAsStmt", changes_table_as},
    {"CreateForeignTableStmt", changes_if_not_exists},
    {"CreateSchemaStmt", changes_if_not_exists},
    {"CreateSeqStmt", changes_if_not_exists},
    {"IndexStmt", changes_if_not_exists},
    {"CreateStatsStmt", changes_if_not_exists},
    {"CreatedbStmt", changes_rerun},
    {"CreateTableSpaceStmt", changes_rerun},
    {"CreateSubscriptionStmt", changes_rerun},
    {"DropTableSpaceStmt", changes_rerun},
    {"DropSubscriptionStmt", changes_rerun},
    {"DoStmt", changes_rerun},
};

static void every(struct lint_statement *s)
{
    changes_batch(s);
    changes_enum_use(s);
    changes_unqualified(s);
}

/* What was held back, where nothing took the old name. */
static void end(struct lint_section *section)
{
    const struct changes *c = changes_of(section);
    for (size_t i = 0; i < c->held.n; i++) {
        const struct changes_held *held = &c->held.v[i];
        if (strings_has(&c->provided, held->name))
            continue;
        struct lint_statement s = lint_earlier(section, held->statement);
        lint_found(&s, held->rule, 0, "%s", held->message);
        lint_safe(&s, "%s", held->safe);
    }
}

const struct lint_group lint_changes = {
    .handlers = handlers, .n_handlers = COUNT(handlers), .every = every, .end = end};

/* --------------------------------------------------------------------------------------------------------------- table */

#define POSTGRESQL DIALECT_BIT(DIALECT_POSTGRESQL)
#define DOCUMENTS "CREATE TABLE documents (id bigint PRIMARY KEY, title text NOT NULL, size bigint);"

static const struct lint_rule rules[] = {
    {.id = "drop-column",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "DROP COLUMN",
     .why = "The values are gone, and so are the constraints and indexes that name the column. The version of the "
            "application that still runs names it in SELECT and INSERT, and fails from the commit on.",
     .safe = "-- release 1: no code names the column any more\n"
             "-- release 2, when no process of an older one is left\nALTER TABLE documents DROP COLUMN title;",
     .before = DOCUMENTS,
     .bad = "ALTER TABLE documents DROP COLUMN title;",
     .good = "ALTER TABLE documents ADD COLUMN author text;"},
    {.id = "drop-table",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "DROP of a table, schema, sequence, database, or of a view that does not come back",
     .why =
         "The rows are gone, and the version of the application that still runs fails from the commit on. The lock is "
         "ACCESS EXCLUSIVE, also on every table that a foreign key of the dropped one points to.",
     .safe = "-- revision 1: out of sight; one more RENAME brings it back\n"
             "ALTER TABLE documents RENAME TO documents_dropped;\n"
             "-- revision 2, a release later\nDROP TABLE documents_dropped;",
     .before = DOCUMENTS,
     .bad = "DROP TABLE documents;",
     .good = "CREATE TABLE pages (id bigint PRIMARY KEY);\nDROP TABLE pages;"},
    {.id = "drop-cascade",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "CASCADE",
     .why = "What goes with it is not written here, and differs where databases differ: views, foreign keys of other "
            "tables, columns, defaults. Each of them is locked ACCESS EXCLUSIVE too. TRUNCATE … CASCADE empties every "
            "table that refers to this one.",
     .safe = "-- what depends on it, by name\nDROP VIEW titles;\nDROP TABLE documents;",
     .before = DOCUMENTS "\nCREATE VIEW titles AS SELECT title FROM documents;",
     .bad = "DROP TABLE documents CASCADE;",
     .good = "DROP VIEW titles;\nDROP TABLE documents;"},
    {.id = "truncate",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "TRUNCATE",
     .why = "All rows are gone. ACCESS EXCLUSIVE until the commit: nobody reads or writes meanwhile, and whoever asks "
            "waits behind it.",
     .safe = "-- migrate:up batch\nDELETE FROM documents\n"
             "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents LIMIT 1000));",
     .before = DOCUMENTS,
     .bad = "TRUNCATE documents;",
     .good = "DELETE FROM documents WHERE id = 1;"},
    {.id = "unbounded-dml",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "UPDATE, DELETE or INSERT … SELECT of all rows of a table that is in use",
     .why = "One transaction writes every row: each stays locked until the commit, the table grows by a second copy of "
            "what was updated, VACUUM can remove nothing that died since it began, and replicas fall behind.",
     .safe = "-- migrate:up batch\nUPDATE documents SET size = 0\n"
             "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE size IS NULL LIMIT 1000));",
     .before = DOCUMENTS,
     .bad = "UPDATE documents SET size = 0;",
     .good = "-- migrate:up postgresql batch\nUPDATE documents SET size = 0\n"
             "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE size IS NULL LIMIT 1000));"},
    {.id = "batch-without-limit",
     .dialects = POSTGRESQL | DIALECT_BIT(DIALECT_SQLITE),
     .severity = SEVERITY_ERROR,
     .flags = RULE_DOWN,
     .title = "a batch whose statement has no LIMIT",
     .why =
         "A batch repeats its statement, a commit each, until it touches no row. Without a LIMIT the first one touches "
         "all rows at once, and an UPDATE whose WHERE does not leave out what is done never ends.",
     .safe = "-- migrate:up batch\nUPDATE documents SET size = 0\n"
             "WHERE id IN (SELECT id FROM documents WHERE size IS NULL LIMIT 1000);",
     .before = DOCUMENTS,
     .bad = "-- migrate:up batch\nUPDATE documents SET size = 0 WHERE size IS NULL;",
     .good = "-- migrate:up batch\nUPDATE documents SET size = 0\n"
             "WHERE id IN (SELECT id FROM documents WHERE size IS NULL LIMIT 1000);"},
    {.id = "rename-column",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "RENAME COLUMN",
     .why =
         "The version of the application that still runs names the old column, and fails from the commit on; the next "
         "one fails until then. There is no moment at which both work.",
     .safe = "-- revision 1: both columns; a trigger keeps them equal\n"
             "-- revision 2: a batch fills the new one\n"
             "-- revision 3, when no process names the old one any more: drop it",
     .before = DOCUMENTS,
     .bad = "ALTER TABLE documents RENAME COLUMN title TO name;",
     .good = "CREATE TABLE pages (id bigint);\nALTER TABLE pages RENAME COLUMN id TO page;"},
    {.id = "rename-table",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "RENAME TO or SET SCHEMA of a table or view, with nothing under the old name",
     .why =
         "The version of the application that still runs names the old one, and fails from the commit on. A view under "
         "the old name, made in the same transaction, takes SELECT, INSERT, UPDATE and DELETE (not TRUNCATE, and no "
         "foreign key points to it); with security_invoker the table's own rights and policies count, from PostgreSQL "
         "15 on.",
     .safe = "ALTER TABLE documents RENAME TO papers;\n"
             "CREATE VIEW documents WITH (security_invoker = true) AS SELECT * FROM papers;\n"
             "-- revision 2, when no process names documents any more\nDROP VIEW documents;",
     .before = DOCUMENTS,
     .bad = "ALTER TABLE documents RENAME TO papers;",
     .good = "ALTER TABLE documents RENAME TO papers;\n"
             "CREATE VIEW documents WITH (security_invoker = true) AS SELECT * FROM papers;"},
    {.id = "rename-schema",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "ALTER SCHEMA … RENAME",
     .why =
         "Everything in it has another name from the commit on. The version of the application that still runs fails, "
         "so do bodies of functions that name the schema, and a search_path that does finds nothing.",
     .safe = "-- revision 1: a schema of the new name with views of the tables\n"
             "-- revision 2, when no process names the old one any more: move the tables",
     .before = "CREATE SCHEMA billing;",
     .bad = "ALTER SCHEMA billing RENAME TO invoices;",
     .good = "CREATE SCHEMA invoices;"},
    {.id = "rename-enum-value",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "ALTER TYPE … RENAME VALUE",
     .why = "The version of the application that still runs writes the old label, which is an error from the commit on "
            "(22P02), and reads the new one, which it does not know.",
     .safe = "-- revision 1\nALTER TYPE state ADD VALUE 'ready';\n"
             "-- revision 2, when all code knows both: a batch that writes the new label",
     .before = "CREATE TYPE state AS ENUM ('new', 'done');",
     .bad = "ALTER TYPE state RENAME VALUE 'done' TO 'ready';",
     .good = "ALTER TYPE state ADD VALUE 'ready';"},
    {.id = "drop-not-null",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "DROP NOT NULL",
     .why = "Readers that never met NULL there may fail on the first one, and SET NOT NULL needs a scan, or rows to be "
            "filled first, to come back.",
     .safe = "-- release 1: every reader takes NULL\n"
             "-- release 2\nALTER TABLE documents ALTER COLUMN title DROP NOT NULL;",
     .before = DOCUMENTS,
     .bad = "ALTER TABLE documents ALTER COLUMN title DROP NOT NULL;",
     .good = "ALTER TABLE documents ALTER COLUMN title SET DEFAULT '';"},
    {.id = "enum-use-same-tx",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_ERROR,
     .flags = RULE_DOWN,
     .title = "a value that ALTER TYPE … ADD VALUE makes, used before it is committed",
     .why =
         "PostgreSQL refuses it (55P04, \"unsafe use of new value\"), even when the type itself is new, because an index "
         "could keep the value after a rollback. A value in CREATE TYPE may be used at once.",
     .safe = "-- revision 1\nALTER TYPE state ADD VALUE 'ready';\n"
             "-- revision 2\nUPDATE jobs SET state = 'ready' WHERE id = 1;",
     .before = "CREATE TYPE state AS ENUM ('new', 'done');\nCREATE TABLE jobs (id bigint PRIMARY KEY, state state);",
     .bad = "ALTER TYPE state ADD VALUE 'ready';\nUPDATE jobs SET state = 'ready' WHERE id = 1;",
     .good = "ALTER TYPE state ADD VALUE 'ready';\nUPDATE jobs SET state = 'done' WHERE id = 1;"},
    {.id = "view-replace",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "a view that cannot be replaced, or a type that cannot be changed under one",
     .why = "CREATE OR REPLACE VIEW may add columns at the end alone: it neither drops, renames nor moves one (42P16).",
     .safe = "DROP VIEW titles;\nCREATE VIEW titles AS SELECT id, title FROM documents;",
     .before = DOCUMENTS "\nCREATE VIEW sizes AS SELECT size FROM documents;",
     .bad = "ALTER TABLE documents ALTER COLUMN size TYPE numeric;",
     .good = "DROP VIEW sizes;\nALTER TABLE documents ALTER COLUMN size TYPE numeric;\n"
             "CREATE VIEW sizes AS SELECT size FROM documents;"},
    {.id = "int-pk",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "a key of 4 bytes, or serial",
     .why =
         "It ends at 2,147,483,647, and rolled back transactions use numbers up too. To widen it later rewrites the table "
         "and each one that refers to it. serial also leaves rights and ownership of its sequence apart from the table.",
     .safe = "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
     .bad = "CREATE TABLE pages (id serial PRIMARY KEY);",
     .good = "CREATE TABLE pages (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n integer);"},
    {.id = "prefer-text",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "varchar(n) or char(n)",
     .why =
         "They are stored like text. A shorter limit later rewrites or scans the table under ACCESS EXCLUSIVE, while a "
         "CHECK is changed by NOT VALID and VALIDATE. char(n) pads with blanks that comparisons overlook.",
     .safe = "title text CHECK (char_length(title) <= 80)",
     .bad = "CREATE TABLE pages (id bigint PRIMARY KEY, title varchar(80));",
     .good = "CREATE TABLE pages (id bigint PRIMARY KEY, title text, short varchar);"},
    {.id = "prefer-timestamptz",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "timestamp without time zone",
     .why = "It is no point in time: what it means depends on who wrote it. Both types take 8 bytes. The change to "
            "timestamptz later is free in a session whose TimeZone is UTC, and rewrites the table in any other.",
     .safe = "created timestamptz",
     .bad = "CREATE TABLE pages (id bigint PRIMARY KEY, created timestamp);",
     .good = "CREATE TABLE pages (id bigint PRIMARY KEY, created timestamptz, day date);"},
    {.id = "prefer-jsonb",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "json",
     .why =
         "json is text that is parsed at each access; it has no equality, so that DISTINCT, GROUP BY and UNION fail, and "
         "no GIN index. The change to jsonb later rewrites the table.",
     .safe = "extra jsonb",
     .bad = "CREATE TABLE pages (id bigint PRIMARY KEY, extra json);",
     .good = "CREATE TABLE pages (id bigint PRIMARY KEY, extra jsonb);"},
    {.id = "unqualified-name",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_OFF,
     .flags = RULE_DOWN,
     .title = "a table that is named without its schema",
     .why = "Which table it is depends on search_path, which a role, a database or a pooler may set.",
     .safe = "CREATE TABLE public.pages (id bigint PRIMARY KEY);",
     .bad = "CREATE TABLE pages (id bigint PRIMARY KEY);",
     .good = "CREATE TABLE public.pages (id bigint PRIMARY KEY);"},
    {.id = "dynamic-sql",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .flags = RULE_DOWN,
     .title = "EXECUTE of a text that is built when DO runs",
     .why =
         "Nothing can be said of it here. `verify` sees the locks that it takes on an empty schema; on a full one it may "
         "be another text.",
     .safe = "DO $$ BEGIN EXECUTE 'ANALYZE documents'; END $$;",
     .before = DOCUMENTS,
     .bad = "DO $$ BEGIN EXECUTE 'ANALYZE ' || quote_ident('documents'); END $$;",
     .good = "DO $$ BEGIN EXECUTE 'ANALYZE documents'; END $$;"},
    {.id = "no-tx-not-rerunnable",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "a statement outside of transactions that fails when it runs a second time",
     .why =
         "In a section with transaction:false a rerun goes on behind the last statement that is done. One that cannot "
         "run in a transaction cannot be committed together with that mark: after a crash between the two it runs again, "
         "and fails because its work is done.",
     .safe = "-- migrate:up transaction:false\nDROP SUBSCRIPTION IF EXISTS news;",
     .bad = "-- migrate:up postgresql transaction:false\nDROP SUBSCRIPTION news;",
     .good = "-- migrate:up postgresql transaction:false\nDROP SUBSCRIPTION IF EXISTS news;\nVACUUM;"},
    {.id = "ine-hides-drift",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "CREATE … IF NOT EXISTS, or ADD COLUMN IF NOT EXISTS, in a transaction",
     .why =
         "Something else of that name counts as done, be it another table, a column of another type or an invalid index. "
         "The revision runs once and whole or not at all, so that nothing of its own can be there.",
     .safe = "CREATE TABLE pages (id bigint PRIMARY KEY);",
     .bad = "CREATE TABLE IF NOT EXISTS pages (id bigint PRIMARY KEY);",
     .good = "CREATE TABLE pages (id bigint PRIMARY KEY);"},
    {.id = "dup-assign",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_ERROR,
     .flags = RULE_DOWN,
     .title = "UPDATE that sets a column twice",
     .why = "PostgreSQL refuses it whatever the rows are (42601, \"multiple assignments to same column\").",
     .before = DOCUMENTS,
     .bad = "UPDATE documents SET size = 1, title = '', size = 2 WHERE id = 1;",
     .good = "UPDATE documents SET size = 1, title = '' WHERE id = 1;"},
};

const struct lint_rules lint_rules_changes = {
    .title = "PostgreSQL: data loss, running applications, good order", .v = rules, .n = COUNT(rules)};
