#!/usr/bin/env bash
# fix: findings rewritten into their safe form, shown as a diff, built, and right on a real PostgreSQL and on SQLite.
source "$(dirname "$0")/lib.sh"

start_postgres

fix() { run "$MIGRATE_GEN" --migrations p/migrations "$@"; }
files() { find p/migrations/notes/versions -name '*.sql' | sort; }
sums() { files | xargs sha256sum; }
# indexes DATABASE: what stands on the table, and whether it is valid.
indexes() { pg_sql "$1" "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'notes'::regclass ORDER BY 1"; }

# The project that every case begins with.
fresh_project() {
    rm -rf p
    new_stream p notes <<'INI'
[stream]
dialects = postgresql, sqlite
url = ${NOTES_DATABASE_URL}
INI
    write_revision p notes base1 "" <<'SQL'
-- migrate:up
CREATE TABLE authors (id integer PRIMARY KEY);
CREATE TABLE notes (id integer PRIMARY KEY, title text, body text, author integer);

-- migrate:down
DROP TABLE notes;
DROP TABLE authors;
SQL
}

build_and() {
    build_project p notes-migrate >/dev/null
    run p/build/notes-migrate notes "$@" --url "$(pg_url fixed)"
}

# ------------------------------------------------------------------------------------------------------------- one by one

it "takes one index out of the way of writers, for PostgreSQL alone"
fresh_project
write_revision p notes index1 base1 <<'SQL'
-- migrate:up
-- Notes are found by their title.
CREATE INDEX notes_title ON notes (title);

-- migrate:down
DROP INDEX notes_title;
SQL
before=$(sums)
fix notes fix --rule idx-not-concurrent
expect_exit 0
expect_stdout_contains "+-- migrate:up postgresql transaction:false"
expect_stdout_contains "+CREATE INDEX CONCURRENTLY notes_title ON notes (title);"
expect_stdout_contains "+DROP INDEX CONCURRENTLY notes_title;"
expect_stdout_contains "+-- migrate:up sqlite"

it "writes nothing without --write, and says so"
expect_equal "$(sums)" "$before"
expect_stderr_contains "nothing was written: --write does it"

it "writes what it showed"
shown=$OUT
fix notes fix --rule idx-not-concurrent --write
expect_exit 0
expect_stdout_is "$shown"
expect_equal "$(files | wc -l)" 2
expect grep -q "CREATE INDEX CONCURRENTLY notes_title" p/migrations/notes/versions/index1_test.sql

it "finds nothing more to do"
fix notes fix --rule idx-not-concurrent
expect_exit 0
expect_stdout_is ""
expect_stderr_contains "nothing to rewrite"

it "leaves revisions that build and run, up and down, on PostgreSQL"
new_database fixed
build_and upgrade head
expect_exit 0
expect_equal "$(indexes fixed)" "notes_pkey|t
notes_title|t"
build_and downgrade base1
expect_exit 0
expect_equal "$(indexes fixed)" "notes_pkey|t"

it "and on SQLite"
run p/build/notes-migrate notes upgrade head --url "sqlite:///$T/notes.db"
expect_exit 0
expect_equal "$(sqlite3 notes.db "SELECT name FROM sqlite_schema WHERE tbl_name = 'notes' AND type = 'index'")" notes_title

# ------------------------------------------------------------------------------------------------ several in one revision

several() {
    fresh_project
    write_revision p notes many1 base1 <<'SQL'
-- migrate:up postgresql
ALTER TABLE notes ADD COLUMN size integer;
ALTER TABLE notes ADD CHECK (size >= 0);
ALTER TABLE notes ADD CONSTRAINT notes_author FOREIGN KEY (author) REFERENCES authors (id);
ALTER TABLE notes ALTER COLUMN title SET NOT NULL;
ALTER TABLE notes ADD UNIQUE (title);
CREATE INDEX ON notes (body);

-- migrate:up sqlite
ALTER TABLE notes ADD COLUMN size integer;

-- migrate:down postgresql
DROP INDEX notes_body_idx;
ALTER TABLE notes DROP CONSTRAINT notes_title_key;
ALTER TABLE notes ALTER COLUMN title DROP NOT NULL;
ALTER TABLE notes DROP CONSTRAINT notes_author;
ALTER TABLE notes DROP CONSTRAINT notes_size_check;
ALTER TABLE notes DROP COLUMN size;

-- migrate:down sqlite
ALTER TABLE notes DROP COLUMN size;
SQL
    write_revision p notes later1 many1 <<'SQL'
-- migrate:up
CREATE TABLE later (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE later;
SQL
}

# What both ways of one and the same change must leave behind.
catalog() {
    pg_sql "$1" "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = 'notes'::regclass ORDER BY 1;
        SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'notes'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname;
        SELECT indexrelid::regclass, indisvalid, indisunique FROM pg_index WHERE indrelid = 'notes'::regclass ORDER BY 1"
}

it "gives each finding of a revision its own, and moves what stood behind it"
several
build_project p notes-migrate >/dev/null
new_database plain
run p/build/notes-migrate notes upgrade head --url "$(pg_url plain)"
expect_exit 0
run p/build/notes-migrate notes upgrade many1 --url "$(pg_url plain)"
wanted=$(catalog plain)
fix notes fix --write
expect_exit 0
expect_equal "$(files | wc -l)" 8
expect_stdout_contains "--- p/migrations/notes/versions/later1_test.sql"

it "builds what the statements built in one revision"
new_database fixed2
build_project p notes-migrate >/dev/null
run p/build/notes-migrate notes upgrade head --url "$(pg_url fixed2)"
expect_exit 0
expect_equal "$(catalog fixed2)" "$wanted"

it "keeps the order: what built on the revision builds on the last that follows it"
run p/build/notes-migrate notes heads
expect_stdout_contains "later1"
expect_equal "$(wc -l <"$T/out")" 1

it "goes down again, to the last object"
run p/build/notes-migrate notes downgrade base1 --url "$(pg_url fixed2)"
expect_exit 0
expect_equal "$(catalog fixed2)" "notes_pkey|PRIMARY KEY (id)|t
author|f
body|f
id|t
title|f
notes_pkey|t|t"

it "leaves a database where every part can be tried, up, down and up again"
run timeout 300 "$MIGRATE_GEN" --migrations p/migrations notes verify --no-locks
expect_exit 0

it "leaves SQLite's sections what they were"
run p/build/notes-migrate notes upgrade head --url "sqlite:///$T/several.db"
expect_exit 0
expect_equal "$(sqlite3 several.db "SELECT count(*) FROM pragma_table_info('notes')")" 5

# -------------------------------------------------------------------------------------------------------------- refusals

it "says why it leaves a finding as it is"
fresh_project
write_revision p notes left1 base1 <<'SQL'
-- migrate:up postgresql
ALTER TABLE notes ALTER title SET NOT NULL, ALTER body SET NOT NULL;
DO $$ BEGIN CREATE INDEX notes_body ON notes (body); END $$;

-- migrate:up sqlite
-- no

-- migrate:down
-- no
SQL
fix notes fix
expect_exit 0
expect_stdout_is ""
expect_stderr_contains "left1_test.sql:7: not-null-scan: left as it is: ALTER TABLE with several parts"
expect_stderr_contains "left1_test.sql:8: idx-not-concurrent: left as it is: inside a body"

it "takes a revision's id, and a rule, and refuses those that it does not know"
fix notes fix base1
expect_exit 0
expect_stderr_contains "nothing to rewrite"
fix notes fix --rule drop-column
expect_exit 2
expect_stderr_contains "findings of drop-column are rewritten by hand"
fix notes fix --rule drop-colum
expect_exit 2
expect_stderr_contains 'there is no rule "drop-colum"'

it "rewrites nothing where the revisions have errors"
echo "SELEC 1;" >>p/migrations/notes/versions/left1_test.sql
before=$(sums)
fix notes fix --write
expect_exit 1
expect_equal "$(sums)" "$before"

it "answers in JSON"
several
fix notes fix --json
expect_exit 0
expect_equal "$(tail -n 1 out | python3 -c 'import json, sys; o = json.load(sys.stdin); print(o["written"], o["rewritten"], o["left"], o["diff"].count("+-- Revision:"))')" \
    "False 5 0 5"

it "rewrites revisions of which one builds on the other, and leaves one head"
fresh_project
write_revision p notes index1 base1 <<'SQL'
-- migrate:up
ALTER TABLE notes ADD CONSTRAINT notes_titled CHECK (title <> '');
-- migrate:down
ALTER TABLE notes DROP CONSTRAINT notes_titled;
SQL
sed -i 's/, sqlite//' p/migrations/notes/env.ini
write_revision p notes after1 index1 <<'SQL'
-- migrate:up
ALTER TABLE notes ADD CONSTRAINT notes_filled CHECK (body <> '');
-- migrate:down
ALTER TABLE notes DROP CONSTRAINT notes_filled;
SQL
fix notes fix --write
expect_exit 0
expect_equal "$(files | wc -l)" 5
expect_equal "$(grep '^-- Revises:' p/migrations/notes/versions/after1_test.sql)" \
    "-- Revises: $(basename "$(grep -l 'VALIDATE CONSTRAINT notes_titled' p/migrations/notes/versions/*)" | cut -d_ -f1)"

it "leaves no folder behind"
expect_equal "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'migrate-fix.*' -user "$(id -un)" | wc -l)" 0

