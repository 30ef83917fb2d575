/*
 * PostgreSQL's rules about locks, rewrites and scans, as a table. What is long is a warning, what is brief a note; the facts
 * were measured on PostgreSQL 15. What finds them is in locks*.c.
 */
#include "gen/lint/rules.h"

#define POSTGRESQL DIALECT_BIT(DIALECT_POSTGRESQL)

static const struct lint_rule rules[] = {
    {.id = "idx-not-concurrent",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "CREATE INDEX on a table that is in use",
     .why = "SHARE lock on the table for the whole build: everybody reads, nobody writes until it is done, which "
            "is minutes for millions of rows. CONCURRENTLY takes SHARE UPDATE EXCLUSIVE, which stops neither, "
            "reads the table twice and cannot run in a transaction; all versions.",
     .safe = "-- migrate:up transaction:false\n"
             "CREATE INDEX CONCURRENTLY documents_title ON documents (title);",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "CREATE INDEX documents_title ON documents (title);",
     .good = "-- migrate:up postgresql transaction:false\n"
             "CREATE INDEX CONCURRENTLY documents_title ON documents (title);"},
    {.id = "idx-drop-not-concurrent",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "DROP INDEX on a table that is in use",
     .why = "ACCESS EXCLUSIVE on the index and on its table: brief, but it waits for every transaction that uses "
            "the table, and every reader and writer that comes after waits behind it. CONCURRENTLY waits without "
            "stopping anybody; one index a statement, not in a transaction.",
     .safe = "-- migrate:up transaction:false\n"
             "DROP INDEX CONCURRENTLY documents_title;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "CREATE INDEX documents_title ON documents (title);",
     .bad = "DROP INDEX documents_title;",
     .good = "-- migrate:up postgresql transaction:false\n"
             "DROP INDEX CONCURRENTLY documents_title;"},
    {.id = "reindex-not-concurrent",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "REINDEX that stops writes",
     .why = "SHARE lock on the table and ACCESS EXCLUSIVE on the index until it is built: nobody writes, and "
            "every query that might use the index waits, even to be planned. CONCURRENTLY from PostgreSQL 12 on, "
            "of partitioned ones from 14.",
     .safe = "-- migrate:up transaction:false\n"
             "REINDEX INDEX CONCURRENTLY documents_title;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "REINDEX TABLE documents;",
     .good = "-- migrate:up postgresql transaction:false\n"
             "REINDEX TABLE CONCURRENTLY documents;"},
    {.id = "addcol-volatile-default",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD COLUMN with a default that is another one for each row",
     .why = "ACCESS EXCLUSIVE while every row and every index is written anew: nobody reads or writes the table "
            "until it is done. A constant, now() and any immutable or stable function are computed once and cost "
            "nothing, from PostgreSQL 11 on.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN token uuid;\n"
             "ALTER TABLE documents ALTER COLUMN token SET DEFAULT gen_random_uuid();\n"
             "-- revision 2\n"
             "-- migrate:up batch\n"
             "UPDATE documents SET token = gen_random_uuid()\n"
             "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE token IS NULL LIMIT 1000));",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN token uuid DEFAULT gen_random_uuid();",
     .good = "ALTER TABLE documents ADD COLUMN made timestamptz NOT NULL DEFAULT now();"},
    {.id = "addcol-auto-increment",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD COLUMN that numbers every row",
     .why = "serial and GENERATED AS IDENTITY give each row there is a number: ACCESS EXCLUSIVE while the table "
            "and every index is written anew, all versions.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN number bigint;\n"
             "CREATE SEQUENCE documents_number_seq AS bigint OWNED BY documents.number;\n"
             "ALTER TABLE documents ALTER COLUMN number SET DEFAULT nextval('documents_number_seq');\n"
             "-- revision 2\n"
             "-- migrate:up batch\n"
             "UPDATE documents SET number = nextval('documents_number_seq')\n"
             "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE number IS NULL LIMIT 1000));",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;",
     .good = "ALTER TABLE documents ADD COLUMN number bigint;"},
    {.id = "addcol-stored-generated",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD COLUMN GENERATED … STORED",
     .why = "ACCESS EXCLUSIVE while the value of every row is computed and the table and every index is written "
            "anew. From PostgreSQL 18 on a VIRTUAL column costs nothing.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN area int;\n"
             "-- a trigger BEFORE INSERT OR UPDATE that fills it\n"
             "-- revision 2\n"
             "-- migrate:up batch\n"
             "UPDATE documents SET area = size * 2\n"
             "WHERE ctid = ANY (ARRAY(SELECT ctid FROM documents WHERE area IS NULL LIMIT 1000));",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN area int GENERATED ALWAYS AS (size * 2) STORED;",
     .good = "ALTER TABLE documents ADD COLUMN area int;"},
    {.id = "addcol-constrained-domain",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD COLUMN of a domain that has constraints",
     .why = "PostgreSQL checks the constraints of the domain row by row by writing the whole table anew under "
            "ACCESS EXCLUSIVE, even without a default; measured on 15.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN mail text;\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_mail_check CHECK (mail LIKE '%@%') NOT VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_mail_check;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "CREATE DOMAIN mail AS text CHECK (value LIKE '%@%');\n"
               "CREATE DOMAIN label AS text;",
     .bad = "ALTER TABLE documents ADD COLUMN owner mail;",
     .good = "ALTER TABLE documents ADD COLUMN owner label;"},
    {.id = "addcol-required",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD COLUMN NOT NULL without a default",
     .why = "It fails as soon as the table has a row, and passes wherever there is none: in tests. Programs that "
            "do not know the column can insert no more.",
     .safe = "ALTER TABLE documents ADD COLUMN owner text NOT NULL DEFAULT '';\n"
             "-- or without NOT NULL first, filled in batches, and NOT NULL by a check",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN owner text NOT NULL;",
     .good = "ALTER TABLE documents ADD COLUMN owner text NOT NULL DEFAULT '';"},
    {.id = "addcol-inline-unique-pk",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD COLUMN … UNIQUE or PRIMARY KEY",
     .why = "ACCESS EXCLUSIVE on the table while the index is built: nobody reads or writes it until that is "
            "done.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN code text;\n"
             "-- revision 2\n"
             "-- migrate:up transaction:false\n"
             "CREATE UNIQUE INDEX CONCURRENTLY documents_code_key ON documents (code);\n"
             "-- revision 3\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_code_key UNIQUE USING INDEX documents_code_key;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN code text UNIQUE;",
     .good = "ALTER TABLE documents ADD COLUMN code text;"},
    {.id = "addcol-inline-check",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD COLUMN … CHECK",
     .why = "ACCESS EXCLUSIVE while every row is read and checked, though all hold the same value: nobody reads "
            "or writes the table until that is done.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN pages int;\n"
             "-- revision 2\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_pages_check CHECK (pages > 0) NOT VALID;\n"
             "-- revision 3\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_pages_check;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN pages int CHECK (pages > 0);",
     .good = "ALTER TABLE documents ADD COLUMN pages int;"},
    {.id = "addcol-references",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "ADD COLUMN … REFERENCES",
     .why = "ACCESS EXCLUSIVE on the table and SHARE ROW EXCLUSIVE on the one that it refers to, in one "
            "transaction: brief while the column is empty, but readers of the one and writers of the other queue "
            "behind whoever makes it wait.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN tenant bigint;\n"
             "-- revision 2\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants "
             "NOT VALID;\n"
             "-- revision 3\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_tenant_fkey;",
     .before = "CREATE TABLE tenants (id bigint PRIMARY KEY);\n"
               "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN tenant bigint REFERENCES tenants;",
     .good = "ALTER TABLE documents ADD COLUMN tenant bigint;"},
    {.id = "type-rewrite",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ALTER COLUMN … TYPE that writes the table anew",
     .why = "ACCESS EXCLUSIVE while every row is converted and the table and every index is written anew: nobody "
            "reads or writes it until that is done. Free are more room in varchar(n), numeric(p,s) and "
            "precisions of times, and varchar, text and back without a length.",
     .safe = "-- revision 1: a new column, and a trigger that keeps it equal\n"
             "-- revision 2: fill it in batches\n"
             "-- revision 3: give it the name\n"
             "-- revision 4: drop the old one",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ALTER COLUMN size TYPE bigint;",
     .good = "ALTER TABLE documents ALTER COLUMN title TYPE varchar;"},
    {.id = "type-timezone-dependent",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ALTER COLUMN … TYPE whose cost depends on TimeZone",
     .why = "timestamp to timestamptz and back changes nothing on disk while TimeZone is UTC, from PostgreSQL 12 "
            "on, though indexes on the column are built anew. In every other zone the table and all its indexes "
            "are written anew under ACCESS EXCLUSIVE, and the values are other ones.",
     .safe = "SET LOCAL TimeZone = 'UTC';\n"
             "ALTER TABLE documents ALTER COLUMN made TYPE timestamptz;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, made timestamp);",
     .bad = "ALTER TABLE documents ALTER COLUMN made TYPE timestamptz;",
     .good = "SET LOCAL TimeZone = 'UTC';\n"
             "ALTER TABLE documents ALTER COLUMN made TYPE timestamptz;"},
    {.id = "type-check-rescan",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ALTER COLUMN … TYPE of a column with a CHECK",
     .why = "The change itself is free, but the checks that name the column are verified again: every row is "
            "read under ACCESS EXCLUSIVE.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents DROP CONSTRAINT documents_title_check;\n"
             "ALTER TABLE documents ALTER COLUMN title TYPE text;\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_title_check CHECK (title <> '') NOT VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_title_check;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title varchar(80) CHECK (title <> ''), note "
               "varchar(80));",
     .bad = "ALTER TABLE documents ALTER COLUMN title TYPE text;",
     .good = "ALTER TABLE documents ALTER COLUMN note TYPE text;"},
    {.id = "type-collation",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ALTER COLUMN … TYPE with another collation",
     .why = "The table stays as it is, but every index on the column is built anew under ACCESS EXCLUSIVE. A "
            "TYPE without COLLATE takes the collation of the type, which may be another one than the column has.",
     .safe = "-- migrate:up transaction:false\n"
             "CREATE INDEX CONCURRENTLY documents_title_c ON documents (title COLLATE \"C\");",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "CREATE INDEX documents_title ON documents (title);",
     .bad = "ALTER TABLE documents ALTER COLUMN title TYPE text COLLATE \"C\";",
     .good = "ALTER TABLE documents ALTER COLUMN title TYPE text;"},
    {.id = "not-null-scan",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "SET NOT NULL that reads the table",
     .why = "ACCESS EXCLUSIVE while every row is read: nobody reads or writes the table until that is done. From "
            "PostgreSQL 12 on nothing is read where a valid CHECK (column IS NOT NULL) proves it. The check must "
            "be dropped by a later statement: in the same ALTER TABLE it goes first, and takes the proof with it.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_title_not_null CHECK (title IS NOT NULL) NOT VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_title_not_null;\n"
             "-- revision 3\n"
             "ALTER TABLE documents ALTER COLUMN title SET NOT NULL;\n"
             "ALTER TABLE documents DROP CONSTRAINT documents_title_not_null;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "ALTER TABLE documents ADD CONSTRAINT sized CHECK (size IS NOT NULL) NOT VALID;\n"
               "ALTER TABLE documents VALIDATE CONSTRAINT sized;",
     .bad = "ALTER TABLE documents ALTER COLUMN title SET NOT NULL;",
     .good = "ALTER TABLE documents ALTER COLUMN size SET NOT NULL;\n"
             "ALTER TABLE documents DROP CONSTRAINT sized;"},
    {.id = "check-not-valid",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD CHECK without NOT VALID",
     .why = "ACCESS EXCLUSIVE while every row is read and checked: nobody reads or writes the table until that "
            "is done. NOT VALID reads nothing, and VALIDATE CONSTRAINT reads under SHARE UPDATE EXCLUSIVE, which "
            "stops neither readers nor writers.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_size_check CHECK (size > 0) NOT VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_size_check;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD CONSTRAINT sized CHECK (size > 0);",
     .good = "ALTER TABLE documents ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;"},
    {.id = "fk-not-valid",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD FOREIGN KEY without NOT VALID",
     .why = "SHARE ROW EXCLUSIVE on both tables while every row is looked up: nobody can write either of them "
            "until that is done. NOT VALID takes the same locks for a moment, and VALIDATE CONSTRAINT reads "
            "under SHARE UPDATE EXCLUSIVE and ROW SHARE, which stop nobody.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenants "
             "NOT VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_tenant_fkey;",
     .before = "CREATE TABLE tenants (id bigint PRIMARY KEY);\n"
               "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD FOREIGN KEY (id) REFERENCES tenants;",
     .good = "ALTER TABLE documents ADD CONSTRAINT owned FOREIGN KEY (id) REFERENCES tenants NOT VALID;"},
    {.id = "validate-same-tx",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "NOT VALID and VALIDATE in one transaction",
     .why = "The rows are read while the lock of the first statement is still held, which is what NOT VALID was "
            "to avoid. Locks are let go at the end of the transaction only.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT sized;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "ALTER TABLE documents ADD CONSTRAINT named CHECK (title <> '') NOT VALID;",
     .bad = "ALTER TABLE documents ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;\n"
            "ALTER TABLE documents VALIDATE CONSTRAINT sized;",
     .good = "ALTER TABLE documents VALIDATE CONSTRAINT named;"},
    {.id = "unique-direct",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD UNIQUE or PRIMARY KEY that builds its index",
     .why = "ACCESS EXCLUSIVE on the table while the index is built: nobody reads or writes it until that is "
            "done. With USING INDEX nothing is read.",
     .safe = "-- revision 1\n"
             "-- migrate:up transaction:false\n"
             "CREATE UNIQUE INDEX CONCURRENTLY documents_title_key ON documents (title);\n"
             "-- revision 2\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_title_key UNIQUE USING INDEX documents_title_key;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "CREATE UNIQUE INDEX once ON documents (size);",
     .bad = "ALTER TABLE documents ADD UNIQUE (title);",
     .good = "ALTER TABLE documents ADD CONSTRAINT once UNIQUE USING INDEX once;"},
    {.id = "pk-using-nullable-index",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD PRIMARY KEY USING INDEX on columns that may be NULL",
     .why = "A primary key makes its columns NOT NULL, and every row is read for that under ACCESS EXCLUSIVE. "
            "Nothing is read where they are NOT NULL already, or a valid CHECK proves it.",
     .safe = "-- revisions 1 to 3: NOT NULL by a check\n"
             "-- revision 4\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_pkey PRIMARY KEY USING INDEX documents_id;",
     .before = "CREATE TABLE documents (id bigint, code text NOT NULL);\n"
               "CREATE UNIQUE INDEX by_id ON documents (id);\n"
               "CREATE UNIQUE INDEX by_code ON documents (code);",
     .bad = "ALTER TABLE documents ADD PRIMARY KEY USING INDEX by_id;",
     .good = "ALTER TABLE documents ADD PRIMARY KEY USING INDEX by_code;"},
    {.id = "exclusion",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ADD EXCLUDE on a table that is in use",
     .why = "ACCESS EXCLUSIVE while the index is built and every row is compared: nobody reads or writes the "
            "table until that is done. PostgreSQL has no way that lets them go on.",
     .safe = "-- a new table with the constraint, filled in batches and swapped in; or a window in which the "
             "table may stand still",
     .before = "CREATE TABLE bookings (room int, during tsrange);",
     .bad = "ALTER TABLE bookings ADD EXCLUDE USING gist (during WITH &&);",
     .good = "CREATE TABLE others (during tsrange, EXCLUDE USING gist (during WITH &&));"},
    {.id = "drop-fk-locks-parent",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "Dropping a foreign key",
     .why = "ACCESS EXCLUSIVE on both tables, since the triggers of the key are on both: brief, but it waits for "
            "everybody who uses either, and everybody after that waits behind it. The same for DROP TABLE of a "
            "table that has one.",
     .safe = "-- in a revision of its own\n"
             "-- migrate:up lock_timeout:2s\n"
             "ALTER TABLE documents DROP CONSTRAINT documents_tenant_fkey;",
     .before = "CREATE TABLE tenants (id bigint PRIMARY KEY);\n"
               "CREATE TABLE documents (tenant bigint REFERENCES tenants, size int CHECK (size > 0));",
     .bad = "ALTER TABLE documents DROP CONSTRAINT documents_tenant_fkey;",
     .good = "ALTER TABLE documents DROP CONSTRAINT documents_size_check;"},
    {.id = "domain-constraint",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "A constraint for a domain that columns have",
     .why = "SHARE lock on every table that has a column of the domain, and all their rows are read: nobody can "
            "write to them until that is done. NOT VALID reads nothing, but VALIDATE CONSTRAINT of a domain "
            "takes the same lock on PostgreSQL 15; that of a table does not.",
     .safe = "-- a check for each table instead\n"
             "-- revision 1\n"
             "ALTER TABLE documents ADD CONSTRAINT documents_mail_check CHECK (mail <> '') NOT VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE documents VALIDATE CONSTRAINT documents_mail_check;",
     .before = "CREATE DOMAIN mail AS text;\n"
               "CREATE DOMAIN idle AS text;\n"
               "CREATE TABLE documents (owner mail);",
     .bad = "ALTER DOMAIN mail ADD CONSTRAINT filled CHECK (value <> '');",
     .good = "ALTER DOMAIN mail ADD CONSTRAINT filled CHECK (value <> '') NOT VALID;\n"
             "ALTER DOMAIN idle SET NOT NULL;"},
    {.id = "partition-create-of",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "CREATE TABLE … PARTITION OF a table that is in use",
     .why = "ACCESS EXCLUSIVE on the whole partitioned table, and on its default partition, which is read: brief "
            "otherwise, but everybody queues behind it. ATTACH of a table that was made first takes SHARE UPDATE "
            "EXCLUSIVE, from PostgreSQL 12 on. DROP TABLE of a partition locks the whole table too.",
     .safe = "CREATE TABLE events_2026 (LIKE events INCLUDING ALL);\n"
             "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
     .before = "CREATE TABLE events (at date NOT NULL) PARTITION BY RANGE (at);",
     .bad = "CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
     .good = "CREATE TABLE events_2026 (LIKE events INCLUDING ALL);\n"
             "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"},
    {.id = "partition-attach-scan",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "ATTACH PARTITION that reads the table",
     .why = "ACCESS EXCLUSIVE on the table that is attached while every row is held against the bounds. Nothing "
            "is read where a valid CHECK implies them; for lists and ranges it must rule out NULL as well, or "
            "the column be NOT NULL. A default partition is read too, unless its own check rules the new rows "
            "out.",
     .safe = "-- revision 1\n"
             "ALTER TABLE events_2026 ADD CONSTRAINT bounds CHECK (at >= '2026-01-01' AND at < '2027-01-01') NOT "
             "VALID;\n"
             "-- revision 2\n"
             "ALTER TABLE events_2026 VALIDATE CONSTRAINT bounds;\n"
             "-- revision 3\n"
             "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');\n"
             "ALTER TABLE events_2026 DROP CONSTRAINT bounds;",
     .before = "CREATE TABLE events (at date NOT NULL) PARTITION BY RANGE (at);\n"
               "CREATE TABLE plain (at date NOT NULL);\n"
               "CREATE TABLE bounded (at date NOT NULL CHECK (at >= '2026-01-01' AND at < '2027-01-01'));",
     .bad = "ALTER TABLE events ATTACH PARTITION plain FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
     .good = "ALTER TABLE events ATTACH PARTITION bounded FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"},
    {.id = "partition-detach",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "DETACH PARTITION without CONCURRENTLY",
     .why = "ACCESS EXCLUSIVE on the whole partitioned table and on the partition: nobody reads or writes any of "
            "its partitions until the transaction ends. CONCURRENTLY from PostgreSQL 14 on, outside of a "
            "transaction and not where there is a default partition; one that was interrupted is ended with "
            "FINALIZE.",
     .safe = "-- migrate:up transaction:false\n"
             "ALTER TABLE events DETACH PARTITION events_2020 CONCURRENTLY;",
     .before = "CREATE TABLE events (at date NOT NULL) PARTITION BY RANGE (at);\n"
               "CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');",
     .bad = "ALTER TABLE events DETACH PARTITION events_2020;",
     .good = "-- migrate:up postgresql transaction:false\n"
             "ALTER TABLE events DETACH PARTITION events_2020 CONCURRENTLY;"},
    {.id = "full-rewrite-cmd",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "A command that copies a whole table",
     .why = "ACCESS EXCLUSIVE while the table and its indexes are copied: nobody reads or writes it until that "
            "is done, and both copies need room. VACUUM FULL, CLUSTER, SET LOGGED, SET UNLOGGED, SET TABLESPACE, "
            "SET ACCESS METHOD.",
     .safe = "-- not in a migration: by hand, in a window, or with pg_repack, which keeps readers and writers "
             "going",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents SET UNLOGGED;",
     .good = "ALTER TABLE documents SET (fillfactor = 80);"},
    {.id = "matview-refresh",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "REFRESH MATERIALIZED VIEW that stops its readers",
     .why = "ACCESS EXCLUSIVE on the view for as long as its query runs. CONCURRENTLY takes EXCLUSIVE, which "
            "lets readers go on; it wants a unique index over whole columns, and takes longer.",
     .safe = "REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM documents;\n"
               "CREATE UNIQUE INDEX totals_n ON totals (n);",
     .bad = "REFRESH MATERIALIZED VIEW totals;",
     .good = "REFRESH MATERIALIZED VIEW CONCURRENTLY totals;"},
    {.id = "trigger-lock",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "A brief strong lock for triggers, policies, rules, defaults",
     .why = "CREATE, ENABLE and DISABLE TRIGGER take SHARE ROW EXCLUSIVE; DROP TRIGGER, policies, rules, row "
            "security, DROP CONSTRAINT, SET DEFAULT and SET STORAGE take ACCESS EXCLUSIVE. All are brief, but "
            "wait for every transaction that uses the table, and what comes after waits behind them.",
     .safe = "-- in a revision of its own, which is tried again when the lock is not to be had\n"
             "-- migrate:up lock_timeout:2s",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);\n"
               "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;",
     .bad = "CREATE TRIGGER stamp BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION stamp();",
     .good = "CREATE TABLE fresh (id bigint);\n"
             "CREATE TRIGGER stamp BEFORE INSERT ON fresh FOR EACH ROW EXECUTE FUNCTION stamp();"},
    {.id = "lock-table",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "LOCK TABLE",
     .why = "An explicit lock that is held until the end of the transaction. Modes from SHARE on stop writers, "
            "ACCESS EXCLUSIVE stops readers too.",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "LOCK TABLE documents IN ACCESS EXCLUSIVE MODE;",
     .good = "LOCK TABLE documents IN ROW SHARE MODE;"},
    {.id = "work-after-strong-lock",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .flags = RULE_DOWN,
     .title = "Long work after a strong lock in the same transaction",
     .why = "Locks are held until the end of the transaction. Rows that are changed, indexes that are built or "
            "files that are read after an ACCESS EXCLUSIVE lock was taken keep everybody away from that table "
            "for as long as they take.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN pages int;\n"
             "-- revision 2\n"
             "UPDATE documents SET pages = 1 WHERE pages IS NULL;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN pages int;\n"
            "UPDATE documents SET pages = 1 WHERE pages IS NULL;",
     .good = "UPDATE documents SET size = 1 WHERE size IS NULL;\n"
             "ALTER TABLE documents ADD COLUMN pages int;"},
    {.id = "many-tables-strong",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "Strong locks on several tables in one transaction",
     .why = "ACCESS EXCLUSIVE on the first table is held while the second one is waited for: a reader that takes "
            "them in the other order deadlocks with it, and one long query on the second makes everybody wait "
            "for the first.",
     .safe = "-- revision 1\n"
             "ALTER TABLE documents ADD COLUMN pages int;\n"
             "-- revision 2\n"
             "ALTER TABLE tenants ADD COLUMN name text;",
     .before = "CREATE TABLE tenants (id bigint PRIMARY KEY);\n"
               "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN pages int;\n"
            "ALTER TABLE tenants ADD COLUMN name text;",
     .good = "ALTER TABLE documents ADD COLUMN pages int;\n"
             "CREATE TABLE others (id bigint);"},
    {.id = "merge-alters",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "Several ALTER TABLEs of one table in a row",
     .why = "Each one that has to read or write the table does so for itself, under the lock of the first; one "
            "ALTER TABLE with several clauses does it once. Outside of a transaction each waits for the lock "
            "anew.",
     .safe = "ALTER TABLE documents\n"
             "    ADD COLUMN pages int,\n"
             "    ADD COLUMN owner text;",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "ALTER TABLE documents ADD COLUMN pages int;\n"
            "ALTER TABLE documents ADD COLUMN owner text;",
     .good = "ALTER TABLE documents ADD COLUMN pages int, ADD COLUMN owner text;"},
    {.id = "no-lock-timeout",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_WARNING,
     .title = "Waiting for locks too long, or without end",
     .why = "A statement that waits for a strong lock makes everybody who comes after wait behind it, readers "
            "too. Only lock_timeout ends that: the run gives up for now and tries again. 0 means that it never "
            "does, and more than 30 s is an outage.",
     .safe = "-- migrate:up lock_timeout:5s",
     .before = "CREATE TABLE documents (id bigint PRIMARY KEY, title text, size int);",
     .bad = "SET LOCAL lock_timeout = 0;\n"
            "ALTER TABLE documents ADD COLUMN pages int;",
     .good = "SET LOCAL lock_timeout = '5s';\n"
             "ALTER TABLE documents ADD COLUMN pages int;"},
    {.id = "fk-no-index",
     .dialects = POSTGRESQL,
     .severity = SEVERITY_NOTE,
     .title = "A foreign key without an index",
     .why = "Each DELETE of a row that it refers to, and each change of its key, reads the whole table to find "
            "the rows that refer to it. An index must begin with the columns of the key, in any order, and cover "
            "all rows.",
     .safe = "-- migrate:up transaction:false\n"
             "CREATE INDEX CONCURRENTLY documents_tenant_idx ON documents (tenant);",
     .before = "CREATE TABLE tenants (id bigint PRIMARY KEY);\n",
     .bad = "CREATE TABLE documents (tenant bigint REFERENCES tenants);",
     .good = "CREATE TABLE documents (tenant bigint REFERENCES tenants);\n"
             "CREATE INDEX documents_tenant_idx ON documents (tenant);"},
};

const struct lint_rules lint_rules_locks = {
    .title = "PostgreSQL: locks, rewrites, scans", .v = rules, .n = sizeof rules / sizeof *rules};
