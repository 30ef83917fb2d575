#!/usr/bin/env bash
# verify: revisions up, down and up again on both engines, every order of branches, rows of seeds, and what it leaves behind
# of its own, which is nothing. limit: 300
# shellcheck disable=SC2016 # backquotes are what is printed
source "$(dirname "$0")/lib.sh"

mkdir -m 711 scratch
export TMPDIR=$T/scratch
start_postgres
SERVER="postgresql://$PG_USER@/postgres?host=$PG_HOME&port=$PG_PORT"

# project DIALECTS: a new one, whose stream "s" has no revision yet.
project() {
    rm -rf p
    new_stream p s <<INI
[stream]
kind = single
dialects = $1
url = x
multiple_heads = true
INI
}

# rev ID REVISES [HEADER-LINE]…: stands for write_revision.
rev() { write_revision p s "$@"; }
file_of() { echo "p/migrations/s/versions/$1_test.sql"; }

first_table() {
    rev a1 "" <<'SQL'
-- migrate:up
CREATE TABLE t (id integer PRIMARY KEY, x text);

-- migrate:down
DROP TABLE t;
SQL
}

# verify_locks [OPTION]…, verify [OPTION]…: with the lock report, and without.
verify_locks() { run timeout 120 "$MIGRATE_GEN" --migrations p/migrations s verify --scratch "$SERVER" "$@"; }
verify() { verify_locks --no-locks "$@"; }
databases() { pg_sql postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'migrate\\_verify\\_%'"; }

# --------------------------------------------------------------------------------------------------- up, down, up again

it "finds nothing in a clean stream"
project "postgresql, sqlite"
first_table
rev b1 a1 <<'SQL'
-- migrate:up
CREATE INDEX t_x ON t (x);
INSERT INTO t VALUES (1, 'one');

-- migrate:down
DELETE FROM t WHERE id = 1;
DROP INDEX t_x;
SQL
verify -v
expect_exit 0
expect_stdout_is "s: postgresql: 2 revisions up, down and up again, 1 order
s: sqlite: 2 revisions up, down and up again, 1 order"
expect_stderr_contains "s: postgresql: b1 up, down, up"
expect_equal "$(databases)" 0
expect test ! -e p/migrations/s/locks.txt

it "says so as JSON"
verify --json --dialect sqlite
expect_exit 0
expect_equal "$(jq -r '[.stream, .dialect, .revisions, .down, .irreversible, .orders, .states] | map(tostring) | join(" ")' <<<"${OUT%%$'\n'*}")" \
    "s sqlite 2 2 0 1 3"
expect_equal "$(tail -n 1 <<<"$OUT" | jq -c .)" '{"errors":0,"warnings":0}'

it "names the index that a down leaves behind, on both engines, and the up that then fails"
rev c1 b1 <<'SQL'
-- migrate:up
CREATE INDEX t_again ON t (x);

-- migrate:down
SELECT 1;
SQL
verify
expect_exit 1
expect_stderr_contains "$(file_of c1):9:1: error: down does not lead back: index public.t_again is left behind"
expect_stderr_contains "$(file_of c1):9:1: error: down does not lead back: index t_again is left behind"
expect_stderr_contains "$(file_of c1):7:1: error: relation \"t_again\" already exists"
expect_stderr_contains "$(file_of c1):7:1: error: index t_again already exists"
expect_stderr_contains "when it was applied again, after its down"

it "names a type that a down leaves behind, and a default"
project postgresql
first_table
rev b1 a1 <<'SQL'
-- migrate:up
CREATE TYPE mood AS ENUM ('sad', 'happy');
ALTER TABLE t ADD COLUMN feels mood;

-- migrate:down
ALTER TABLE t DROP COLUMN feels;
SQL
rev c1 b1 <<'SQL'
-- migrate:up
ALTER TABLE t ALTER COLUMN x SET DEFAULT 'none';

-- migrate:down
SELECT 1;
SQL
verify
expect_exit 1
expect_stderr_contains "$(file_of b1):10:1: error: down does not lead back: type public.mood is left behind"
expect_stderr_contains "$(file_of b1):7:1: error: type \"mood\" already exists"
expect_stderr_contains "$(file_of c1):9:1: error: down does not lead back: default public.t.x is left behind"

it "names a column that a down forgets, and goes on behind it"
project "postgresql, sqlite"
first_table
rev b1 a1 <<'SQL'
-- migrate:up
ALTER TABLE t ADD COLUMN y text;
CREATE TABLE u (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE u;
SQL
rev c1 b1 <<'SQL'
-- migrate:up
ALTER TABLE u ADD COLUMN z text;

-- migrate:down
ALTER TABLE u DROP COLUMN z;
DROP TABLE t;
SQL
verify
expect_exit 1
expect_stderr_contains "$(file_of b1):10:1: error: down does not lead back: column public.t.y is left behind"
expect_stderr_contains "$(file_of c1):9:1: error: down does not lead back: table public.t is gone"
expect_stderr_contains "$(file_of c1):9:1: error: down does not lead back: table t is gone"

it "counts owners and grants"
project postgresql
first_table
rev b1 a1 <<'SQL'
-- migrate:up
GRANT SELECT ON t TO PUBLIC;

-- migrate:down
SELECT 1;
SQL
verify
expect_exit 1
expect_stderr_contains "table public.t: grants"

it "places a down that fails, and goes on from its up"
project "postgresql, sqlite"
first_table
rev b1 a1 <<'SQL'
-- migrate:up
CREATE TABLE u (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE u;
INSERT INTO t VALUES (1, 'x');
SQL
rev c1 b1 <<'SQL'
-- migrate:up
ALTER TABLE u ADD COLUMN y text;

-- migrate:down
ALTER TABLE u DROP COLUMN y;
SQL
echo "INSERT INTO t VALUES (1, 'seed');" >rows.sql
verify --seed rows.sql
expect_exit 1
expect_stderr_contains "$(file_of b1):11:1: error: UNIQUE constraint failed: t.id"
expect_stderr_contains "$(file_of b1):11:1: error: duplicate key value violates unique constraint \"t_pkey\""
expect_stderr_lacks "$(file_of c1)"
expect_stdout_contains "s: sqlite: 3 revisions up, 2 of them down and up again"

it "says that a column came back at the end, and lets it pass"
project postgresql
rev a1 "" <<'SQL'
-- migrate:up
CREATE TABLE t (id integer PRIMARY KEY, x text, y text);

-- migrate:down
DROP TABLE t;
SQL
rev b1 a1 <<'SQL'
-- migrate:up
ALTER TABLE t DROP COLUMN x;

-- migrate:down
ALTER TABLE t ADD COLUMN x text;
SQL
verify
expect_exit 0
expect_stderr_contains "$(file_of b1):9:1: note: column public.t."
expect_stderr_contains "stands elsewhere after down than before up"

it "does not go down where that is not meant, and counts it"
project "postgresql, sqlite"
first_table
rev b1 a1 <<'SQL'
-- migrate:up irreversible
ALTER TABLE t ADD COLUMN y text;
SQL
verify -v
expect_exit 0
expect_stdout_contains "s: sqlite: 2 revisions up, 1 of them down and up again, 1 irreversible, 1 order"
expect_stderr_contains "s: postgresql: b1 up; it is irreversible"

it "walks what runs outside of a transaction, and batches"
project "postgresql, sqlite"
first_table
rev b1 a1 <<'SQL'
-- migrate:up
INSERT INTO t VALUES (1, NULL), (2, NULL), (3, NULL);

-- migrate:down
DELETE FROM t;
SQL
rev c1 b1 <<'SQL'
-- migrate:up batch
UPDATE t SET x = 'filled' WHERE id IN (SELECT id FROM t WHERE x IS NULL LIMIT 1);

-- migrate:down
UPDATE t SET x = NULL;
SQL
rev d1 c1 <<'SQL'
-- migrate:up postgresql transaction:false
CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x);

-- migrate:up sqlite
CREATE UNIQUE INDEX t_x ON t (x);

-- migrate:down
DROP INDEX t_x;
SQL
verify
expect_exit 1
expect_stderr_contains "$(file_of d1):7:1: error: could not create unique index \"t_x\""
expect_stderr_contains "$(file_of d1):10:1: error: UNIQUE constraint failed: t.x"
expect_stderr_contains " is duplicated; said by PostgreSQL"
expect_stdout_contains "s: sqlite: 3 revisions up, down and up again"

it "ends a batch that never comes to an end"
project sqlite
first_table
rev b1 a1 <<'SQL'
-- migrate:up
INSERT INTO t VALUES (1, NULL);

-- migrate:down
DELETE FROM t;
SQL
rev c1 b1 <<'SQL'
-- migrate:up batch
UPDATE t SET x = 'filled' WHERE id IN (SELECT id FROM t LIMIT 1);

-- migrate:down
SELECT 1;
SQL
verify
expect_exit 1
expect_stderr_contains "$(file_of c1):7:1: error: the batch still touches rows after 10000 rounds"

# -------------------------------------------------------------------------------------------------------------- orders

# view ID: makes the view v, whatever was there.
view() {
    rev "$1" a1 <<SQL
-- migrate:up
DROP VIEW IF EXISTS v;
CREATE VIEW v AS SELECT '$1' AS made_by FROM t;

-- migrate:down
DROP VIEW IF EXISTS v;
SQL
}

it "finds branches that do not commute, and names both"
project "postgresql, sqlite"
first_table
view b1
view c1
verify
expect_exit 1
expect_stderr_contains "$(file_of c1):6:1: error: b1 and c1 lead to different schemas in one order and the other: view public.v:"
expect_stderr_contains "$(file_of c1):6:1: error: b1 and c1 lead to different schemas in one order and the other: view v:"
expect_stderr_contains '"is" with c1 applied last, "not" with b1'
expect_stderr_contains '"-- Depends-On: b1" in c1 leaves one order'

it "is content when one of them waits for the other"
rev c1 a1 "Depends-On: b1" <<'SQL'
-- migrate:up
CREATE VIEW w AS SELECT * FROM v;

-- migrate:down
DROP VIEW w;
SQL
rev b1 a1 <<'SQL'
-- migrate:up
CREATE VIEW v AS SELECT id FROM t;

-- migrate:down
DROP VIEW v;
SQL
verify
expect_exit 0
expect_stdout_contains "s: postgresql: 3 revisions up, down and up again, 1 order"

it "passes branches that commute, and a merge"
project "postgresql, sqlite"
first_table
for id in b1 c1 d1; do
    rev "$id" a1 <<SQL
-- migrate:up
ALTER TABLE t ADD COLUMN $id text;

-- migrate:down
ALTER TABLE t DROP COLUMN $id;
SQL
done
rev m1 "b1, c1, d1" <<'SQL'
-- migrate:up
CREATE INDEX t_all ON t (b1, c1, d1);

-- migrate:down
DROP INDEX t_all;
SQL
verify
expect_exit 0
expect_stderr_is ""
expect_stdout_contains "s: postgresql: 5 revisions up, down and up again, 6 orders by 12 steps between sets of revisions"

it "finds what runs in the usual order only"
project sqlite
first_table
rev b1 a1 <<'SQL'
-- migrate:up
CREATE TABLE u (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE u;
SQL
rev c1 a1 <<'SQL'
-- migrate:up
CREATE TABLE IF NOT EXISTS u (id integer PRIMARY KEY);

-- migrate:down
SELECT 1;
SQL
verify
expect_exit 1
expect_stderr_contains "$(file_of b1):7:14: error: table u already exists"
expect_stderr_contains "when it is applied after c1"

it "says how much it did not walk"
project sqlite
first_table
for id in b1 c1 d1 e1; do table_revision p s "$id" a1; done
verify --orders 5
expect_exit 0
expect_stderr_contains "s/env.ini: warning: sqlite: 5 of 32 steps between sets of applied revisions were walked"
expect_stderr_contains "the stream has 24 orders"
expect_stderr_contains "--orders 32 walks them"
verify --orders 32
expect_exit 0
expect_stderr_is ""

# --------------------------------------------------------------------------------------------------------------- seeds

it "finds with rows what fails with rows, at its place"
project "postgresql, sqlite"
first_table
rev b1 a1 <<'SQL'
-- migrate:up postgresql
ALTER TABLE t ADD COLUMN y text NOT NULL;

-- migrate:up sqlite
CREATE TABLE u (id integer PRIMARY KEY, y text NOT NULL);
INSERT INTO u SELECT id, NULL FROM t;

-- migrate:down postgresql
ALTER TABLE t DROP COLUMN y;

-- migrate:down sqlite
DROP TABLE u;
SQL
rev c1 a1 <<'SQL'
-- migrate:up
CREATE UNIQUE INDEX t_x ON t (x);

-- migrate:down
DROP INDEX t_x;
SQL
verify
expect_exit 0
cat >rows.sql <<'SQL'
-- two of a kind
INSERT INTO t (id, x) VALUES (1, 'same');
INSERT INTO t (id, x) VALUES (2, 'same');
SQL
verify --seed rows.sql
expect_exit 1
expect_stderr_contains "$(file_of b1):7:1: error: column \"y\" of relation \"t\" contains null values"
expect_stderr_contains "$(file_of b1):11:1: error: NOT NULL constraint failed: u.y"
expect_stderr_contains "$(file_of c1):7:1: error: could not create unique index \"t_x\""
expect_stderr_contains "$(file_of c1):7:1: error: UNIQUE constraint failed: t.x"

it "keeps the rows for all revisions behind, although the down of the first one drops their table"
project "postgresql, sqlite"
first_table
table_revision p s b1 a1
rev c1 b1 <<'SQL'
-- migrate:up
CREATE UNIQUE INDEX t_x ON t (x);

-- migrate:down
DROP INDEX t_x;
SQL
verify --seed rows.sql
expect_exit 1
expect_stderr_contains "$(file_of c1):7:1: error: could not create unique index \"t_x\""
expect_stderr_contains "$(file_of c1):7:1: error: UNIQUE constraint failed: t.x"
expect_stdout_contains "s: sqlite: 2 revisions up, down and up again"

it "waits with rows for the revision that they name, and takes files of the other engine for none of its business"
cat >rows.sql <<'SQL'
-- seed: after c1
INSERT INTO t (id, x) VALUES (1, 'same');
SQL
echo "INSERT INTO t (id, x) VALUES (2, 'lite');" >more.sqlite.sql
echo "INSERT INTO t (id, x) VALUES (2, 'post'), (3, 'gres');" >more.postgresql.sql
verify --seed rows.sql --seed more.sqlite.sql --seed more.postgresql.sql
expect_exit 0
expect_stderr_is ""

it "says which statements of a seed never ran"
cat >rows.sql <<'SQL'
INSERT INTO t (id, x) VALUES (1, 'one');
  INSERT INTO t (id, nowhere) VALUES (1, 'one');
SQL
verify --seed rows.sql
expect_exit 1
expect_stderr_contains "rows.sql:2:3: error: the statement never ran: table t has no column named nowhere"
expect_stderr_contains "rows.sql:2:3: error: the statement never ran: column \"nowhere\" of relation \"t\" does not exist"

it "warns of rows that up and down lose"
rev d1 c1 <<'SQL'
-- migrate:up
DELETE FROM t WHERE id = 1;

-- migrate:down
SELECT 1;
SQL
echo "INSERT INTO t (id, x) VALUES (1, 'one'), (2, 'two');" >rows.sql
verify --seed rows.sql
expect_exit 0
expect_stderr_contains "$(file_of d1):9:1: warning: table public.t has 1 row after up and down, and had 2 before"
expect_stderr_contains "$(file_of d1):9:1: warning: table t has 1 row after up and down, and had 2 before"

it "refuses a seed that it cannot make out"
printf '%s\n' '-- seed: before c1' 'SELECT 1;' '-- seed: after cc1' 'SELECT 2;' >bad.sql
verify --seed bad.sql
expect_exit 1
expect_stderr_contains "bad.sql:1:10: error: a seed line says when the statements behind it may run"
expect_stderr_contains 'bad.sql:3:16: error: the stream "s" has no revision "cc1"'
verify --seed nowhere.sql
expect_exit 2
expect_stderr_contains 'cannot read "nowhere.sql": No such file or directory'
run "$MIGRATE_GEN" --migrations "$TOP/migrations" verify --seed rows.sql
expect_exit 2
expect_stderr_contains "--seed needs a stream whose tables the rows are for"

# --------------------------------------------------------------------------------------------------------------- locks

it "writes the lock report, and leaves it alone when nothing changed"
project postgresql
first_table
rev b1 a1 <<'SQL'
-- migrate:up
ALTER TABLE t ADD COLUMN y text;

-- migrate:down
ALTER TABLE t DROP COLUMN y;
SQL
verify_locks --check
expect_exit 5
expect_stdout_contains "+b1 up"
expect test ! -e p/migrations/s/locks.txt
verify_locks
expect_exit 0
expect_stdout_contains "p/migrations/s/locks.txt"
expect grep -q "AccessExclusive .* t AccessExclusive" p/migrations/s/locks.txt
run "$MIGRATE_GEN" --migrations p/migrations check
expect_exit 0
verify_locks --check
expect_exit 0
expect_stdout_contains "p/migrations/s/locks.txt: up to date"

it "shows with --check what is otherwise, and writes nothing"
sed -i 's/ADD COLUMN y text/ADD COLUMN y timestamptz DEFAULT clock_timestamp()/' "$(file_of b1)"
cp p/migrations/s/locks.txt before.txt
verify_locks --check
expect_exit 5
expect_stdout_matches "$(printf '\n')-  1 .* t AccessExclusive"
expect_stdout_matches "$(printf '\n')[+]  1 .*rewrite.* t AccessExclusive"
expect cmp before.txt p/migrations/s/locks.txt

it "writes no report of a stream with errors"
sed -i 's/DROP COLUMN y/DROP COLUMN x/' "$(file_of b1)"
verify_locks
expect_exit 1
expect_stdout_contains "p/migrations/s/locks.txt: left as it is, because of the errors"
expect cmp before.txt p/migrations/s/locks.txt

# --------------------------------------------------------------------------------------------------------------- usage

it "refuses what it cannot read"
verify_locks --no-locks --check
expect_exit 2
expect_stderr_contains "--check looks at the lock report, which --no-locks leaves out"
verify --dialect mysql
expect_exit 2
expect_stderr_contains '--dialect is postgresql or sqlite, not "mysql"'
verify --orders many
expect_exit 2
expect_stderr_contains '--orders is a number of steps, not "many"'
run "$MIGRATE_GEN" --migrations p/migrations nowhere verify
expect_exit 2
expect_stderr_contains 'there is no stream "nowhere" in p/migrations'

it "has nothing to say of revisions that do not build"
echo "CREATE TABEL oops;" >>"$(file_of a1)"
verify
expect_exit 1
expect_stderr_contains "syntax error"
expect_stdout_is ""

# -------------------------------------------------------------------------------------------------- what is left behind

slow_project() {
    project postgresql
    first_table
    rev b1 a1 <<'SQL'
-- migrate:up
SELECT pg_catalog.pg_sleep(60);

-- migrate:down
SELECT 1;
SQL
}
nothing_left() { [[ -z $(ls -A "$TMPDIR") ]] && ! pgrep -f "postgres -D data -k $TMPDIR" >/dev/null; }
sleeps() { pgrep -f "postgres: postgres .*SELECT"; }

it "leaves no server behind when it is killed"
slow_project
"$MIGRATE_GEN" --migrations p/migrations s verify >/dev/null 2>&1 &
killed=$!
expect eventually 30 sleeps
kill -KILL "$killed"
wait "$killed" 2>/dev/null || true
expect eventually 10 nothing_left

it "drops in the next run what a killed one left on the scratch server"
"$MIGRATE_GEN" --migrations p/migrations s verify --scratch "$SERVER" >/dev/null 2>&1 &
killed=$!
expect eventually 30 pg_sql postgres "SELECT 1 / count(*) FROM pg_stat_activity
    WHERE datname LIKE 'migrate\\_verify\\_%' AND query LIKE '%pg_sleep(60)%'"
kill -KILL "$killed"
wait "$killed" 2>/dev/null || true
pg_sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'migrate\\_verify\\_%'" >/dev/null
expect_not test "$(databases)" = 0
project postgresql
first_table
verify
expect_exit 0
expect_equal "$(databases)" 0

it "says what else can be done where there is no PostgreSQL that does"
project "postgresql, sqlite"
first_table
verify --scratch sqlite:///x.db
expect_exit 2
expect_stderr_contains " s verify --dialect sqlite\` looks at the other engine alone"

it "finds nothing wrong with the sample, whose lock reports are those of now"
cp -r "$TOP/migrations" sample
run timeout 200 "$MIGRATE_GEN" --migrations sample verify --scratch "$SERVER" --check
expect_exit 0
expect_stdout_contains "tenant: postgresql: 12 revisions up, down and up again"
