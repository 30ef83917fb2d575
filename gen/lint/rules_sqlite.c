/* The part of the table that is about SQLite; what finds them is in sqlite.c, and for RULE_ALWAYS in the check stage. */
#include "gen/lint/rules.h"

#define SQLITE_ONLY DIALECT_BIT(DIALECT_SQLITE)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct lint_rule rules[] = {
    {.id = "sl-drop-table",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_WARNING,
     .title = "DROP TABLE of a table that is in use",
     .why = "The rows are gone, and no way down brings them back. The version of the application that still runs reads "
            "and writes the table.",
     .safe = "-- release 1: nothing reads or writes documents any more\n-- release 2:\nDROP TABLE documents;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);",
     .bad = "DROP TABLE documents;",
     .good = "CREATE TABLE documents_new (id INTEGER PRIMARY KEY, title TEXT NOT NULL);\n"
             "INSERT INTO documents_new SELECT id, coalesce(title, '') FROM documents;\n"
             "DROP TABLE documents;\n"
             "ALTER TABLE documents_new RENAME TO documents;"},
    {.id = "sl-drop-column",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_WARNING,
     .title = "DROP COLUMN of a table that is in use",
     .why = "The values are gone. SQLite writes every row anew to drop a column, and nobody else can write to the file "
            "meanwhile. The version of the application that still runs selects the column.",
     .safe = "-- release 1: no code uses the column any more\n"
             "-- release 2:\nALTER TABLE documents DROP COLUMN title;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);",
     .bad = "ALTER TABLE documents DROP COLUMN title;",
     .good = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);\nALTER TABLE notes DROP COLUMN body;"},
    {.id = "sl-drop-cascades",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_WARNING,
     .title = "Rows of a parent go, and take their children along",
     .why =
         "Other tables refer to this one with ON DELETE CASCADE, and foreign keys are on while the section runs. REPLACE "
         "deletes the row that is in the way before it inserts the new one, so it takes the children along as well, "
         "and nothing reports them. A section that drops or renames tables runs with foreign keys off, so that DROP "
         "TABLE takes no rows of other tables.",
     .safe = "-- change the row where it stands\n"
             "INSERT INTO accounts (id, name) VALUES (1, 'Ada') ON CONFLICT (id) DO UPDATE SET name = excluded.name;",
     .before = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT);\n"
               "CREATE TABLE orders (id INTEGER PRIMARY KEY,\n"
               "                     account INTEGER REFERENCES accounts (id) ON DELETE CASCADE);",
     .bad = "REPLACE INTO accounts (id, name) VALUES (1, 'Ada');",
     .good = "INSERT INTO accounts (id, name) VALUES (1, 'Ada') ON CONFLICT (id) DO UPDATE SET name = excluded.name;"},
    {.id = "sl-rename-table",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_WARNING,
     .title = "A table in use gets another name",
     .why = "The version of the application that still runs uses the old name, and fails from the commit on.",
     .safe = "ALTER TABLE documents RENAME TO papers;\nCREATE VIEW documents AS SELECT * FROM papers;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);",
     .bad = "ALTER TABLE documents RENAME TO papers;",
     .good = "ALTER TABLE documents RENAME TO papers;\nCREATE VIEW documents AS SELECT * FROM papers;"},
    {.id = "sl-rename-column",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_WARNING,
     .title = "A column of a table in use gets another name",
     .why = "The version of the application that still runs uses the old name, and fails from the commit on.",
     .safe = "-- revision 1, with a release that writes both\n"
             "ALTER TABLE documents ADD COLUMN heading TEXT;\n"
             "UPDATE documents SET heading = title WHERE heading IS NULL;\n"
             "-- revision 2, when no release reads the old one\n"
             "ALTER TABLE documents DROP COLUMN title;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);",
     .bad = "ALTER TABLE documents RENAME COLUMN title TO heading;",
     .good = "ALTER TABLE documents ADD COLUMN heading TEXT;"},
    {.id = "sl-rename-order",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_WARNING,
     .title = "A table is renamed away before it is built anew",
     .why =
         "Renaming a table rewrites what refers to it: foreign keys of other tables, views and triggers then name the "
         "old table, and dropping that leaves them without one. Rows of those tables fail foreign_key_check, so the "
         "revision fails wherever there are any, and where there are none the application's next INSERT fails.",
     .safe = "CREATE TABLE accounts_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
             "INSERT INTO accounts_new SELECT id, name FROM accounts;\n"
             "DROP TABLE accounts;\n"
             "ALTER TABLE accounts_new RENAME TO accounts;",
     .before = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT);\n"
               "CREATE TABLE orders (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts (id));",
     .bad = "ALTER TABLE accounts RENAME TO accounts_old;\n"
            "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
            "INSERT INTO accounts SELECT id, name FROM accounts_old;\n"
            "DROP TABLE accounts_old;",
     .good = "CREATE TABLE accounts_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
             "INSERT INTO accounts_new SELECT id, name FROM accounts;\n"
             "DROP TABLE accounts;\n"
             "ALTER TABLE accounts_new RENAME TO accounts;"},
    {.id = "sl-rebuild-loses",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_WARNING,
     .title = "A table is built anew without all that it had",
     .why =
         "DROP TABLE takes the table's indexes and triggers along, and a view has to be dropped before; what the section "
         "does not make again is gone without an error. Queries get slow, rules of the application stop being kept.",
     .safe = "CREATE TABLE documents_new (id INTEGER PRIMARY KEY, title TEXT NOT NULL);\n"
             "INSERT INTO documents_new SELECT id, title FROM documents;\n"
             "DROP TABLE documents;\n"
             "ALTER TABLE documents_new RENAME TO documents;\n"
             "CREATE INDEX documents_title ON documents (title);",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);\n"
               "CREATE INDEX documents_title ON documents (title);",
     .bad = "CREATE TABLE documents_new (id INTEGER PRIMARY KEY, title TEXT NOT NULL);\n"
            "INSERT INTO documents_new SELECT id, title FROM documents;\n"
            "DROP TABLE documents;\n"
            "ALTER TABLE documents_new RENAME TO documents;",
     .good = "CREATE TABLE documents_new (id INTEGER PRIMARY KEY, title TEXT NOT NULL);\n"
             "INSERT INTO documents_new SELECT id, title FROM documents;\n"
             "DROP TABLE documents;\n"
             "ALTER TABLE documents_new RENAME TO documents;\n"
             "CREATE INDEX documents_title ON documents (title);"},
    {.id = "sl-unbounded-dml",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_NOTE,
     .title = "UPDATE or DELETE of all rows of a table that is in use",
     .why =
         "SQLite has one writer: nobody else can write to the file until all rows are done, and the journal grows by "
         "all the pages that change.",
     .safe = "-- migrate:up batch\n"
             "UPDATE documents SET length = length(title)\n"
             "WHERE id IN (SELECT id FROM documents WHERE length IS NULL ORDER BY id LIMIT 5000);",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT, length INTEGER);",
     .bad = "UPDATE documents SET length = length(title);",
     .good = "-- migrate:up batch\n"
             "UPDATE documents SET length = length(title)\n"
             "WHERE id IN (SELECT id FROM documents WHERE length IS NULL ORDER BY id LIMIT 5000);"},
    {.id = "sl-types",
     .dialects = SQLITE_ONLY,
     .severity = SEVERITY_OFF,
     .title = "A new table that is not STRICT",
     .why =
         "SQLite stores 'abc' in a column INT and any length in VARCHAR(3) without a word. A STRICT table (SQLite 3.37) "
         "takes only INTEGER, REAL, TEXT, BLOB and ANY for types, and refuses values of another.",
     .safe = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT) STRICT;",
     .bad = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);",
     .good = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT) STRICT;"},
    {.id = "sl-add-not-null",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS,
     .title = "ADD COLUMN NOT NULL without a default",
     .why = "SQLite refuses it as soon as the table holds a row.",
     .safe = "ALTER TABLE documents ADD COLUMN size INTEGER NOT NULL DEFAULT 0;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY);",
     .bad = "ALTER TABLE documents ADD COLUMN size INTEGER NOT NULL;",
     .good = "ALTER TABLE documents ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"},
    {.id = "sl-add-limits",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS,
     .title = "ADD COLUMN of a kind that ALTER TABLE cannot add",
     .why =
         "SQLite adds no column that is UNIQUE, a PRIMARY KEY or STORED, and none whose default is no constant, or not "
         "NULL beside REFERENCES, once the table holds a row.",
     .safe = "-- build the table anew\n"
             "CREATE TABLE documents_new (id INTEGER PRIMARY KEY, created TEXT DEFAULT CURRENT_TIMESTAMP);\n"
             "INSERT INTO documents_new (id) SELECT id FROM documents;\n"
             "DROP TABLE documents;\n"
             "ALTER TABLE documents_new RENAME TO documents;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY);",
     .bad = "ALTER TABLE documents ADD COLUMN created TEXT DEFAULT CURRENT_TIMESTAMP;",
     .good = "ALTER TABLE documents ADD COLUMN created TEXT DEFAULT '2020-01-01';"},
    {.id = "sl-no-alter",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS,
     .title = "An ALTER TABLE that SQLite does not have",
     .why = "SQLite renames tables and columns, adds and drops columns. It has no ALTER COLUMN, ADD CONSTRAINT or DROP "
            "CONSTRAINT.",
     .safe = "-- build the table anew\n"
             "CREATE TABLE documents_new (id INTEGER PRIMARY KEY, title TEXT NOT NULL);\n"
             "INSERT INTO documents_new SELECT id, title FROM documents;\n"
             "DROP TABLE documents;\n"
             "ALTER TABLE documents_new RENAME TO documents;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);",
     .bad = "ALTER TABLE documents ALTER COLUMN title SET NOT NULL;",
     .good = "ALTER TABLE documents ADD COLUMN size INTEGER;"},
    {.id = "sl-dqs",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS,
     .title = "A text in double quotes",
     .why =
         "Double quotes are for names. SQLite takes a name that it does not know for a text, so that a misspelt column "
         "is no error but a constant; the build is strict about it.",
     .safe = "UPDATE documents SET title = 'none' WHERE title IS NULL;",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);",
     .bad = "UPDATE documents SET title = \"none\" WHERE title IS NULL;",
     .good = "UPDATE documents SET title = 'none' WHERE title IS NULL;"},
    {.id = "sl-attach",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS | RULE_DOWN,
     .title = "ATTACH or DETACH",
     .why = "A revision works on its own database file: nothing commits two files together where the journal is a "
            "write-ahead log, and the version rows stand in one of them.",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY);",
     .bad = "ATTACH 'archive.db' AS archive;",
     .good = "CREATE TABLE archive (id INTEGER PRIMARY KEY);"},
    {.id = "sl-vacuum",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS | RULE_DOWN,
     .title = "VACUUM, or a PRAGMA like it, in a transaction",
     .why = "VACUUM, PRAGMA journal_mode and PRAGMA wal_checkpoint fail inside a transaction.",
     .safe = "-- migrate:up transaction:false\nVACUUM;",
     .bad = "VACUUM;",
     .good = "-- migrate:up sqlite transaction:false\nVACUUM;\n-- migrate:down sqlite\n"},
    {.id = "sl-silent-pragma",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS | RULE_DOWN,
     .title = "A PRAGMA that a transaction swallows",
     .why =
         "page_size, auto_vacuum and encoding are accepted inside a transaction, or once there are tables, and change "
         "nothing.",
     .safe = "-- migrate:up transaction:false\nPRAGMA page_size = 8192;\nVACUUM;",
     .bad = "PRAGMA page_size = 8192;",
     .good = "-- migrate:up sqlite transaction:false\nPRAGMA page_size = 8192;\nVACUUM;\n-- migrate:down sqlite\n"},
    {.id = "sl-writable-schema",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS | RULE_DOWN,
     .title = "PRAGMA writable_schema or schema_version",
     .why = "Both let a statement write what SQLite believes of its own tables; a mistake there corrupts the file.",
     .safe = "-- build the table anew: create, copy, drop, rename",
     .bad = "PRAGMA writable_schema = 1;",
     .good = "PRAGMA schema_version;"},
    {.id = "sl-fk-pragma",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS | RULE_DOWN,
     .title = "PRAGMA foreign_keys in a revision",
     .why =
         "It is accepted inside a transaction and does nothing. A section that drops or renames a table has foreign keys "
         "off without saying so, and foreign_key_check before its commit.",
     .safe = "-- migrate:up foreign_keys:off",
     .bad = "PRAGMA foreign_keys = OFF;",
     .good = "PRAGMA defer_foreign_keys = ON;"},
    {.id = "sl-or-rollback",
     .dialects = SQLITE_ONLY,
     .flags = RULE_ALWAYS | RULE_DOWN,
     .title = "A statement that ends the transaction",
     .why = "OR ROLLBACK and RAISE(ROLLBACK) take back the whole revision, and what comes behind would be committed "
            "statement by statement.",
     .safe = "INSERT INTO documents (id) VALUES (1);",
     .before = "CREATE TABLE documents (id INTEGER PRIMARY KEY);",
     .bad = "INSERT OR ROLLBACK INTO documents (id) VALUES (1);",
     .good = "INSERT OR ABORT INTO documents (id) VALUES (1);"},
};

const struct lint_rules lint_rules_sqlite = {.title = "SQLite", .v = rules, .n = COUNT(rules)};
