#!/usr/bin/env bash
# Applying on PostgreSQL as a user notices it: errors with their place, timeouts, locks, statement-wise work, history.
# limit: 400
source "$(dirname "$0")/lib.sh"

start_postgres

# project NAME: a stream "main" of its own; the first revision makes the table t.
project() {
    new_stream "$1" main <<'INI'
[stream]
kind = single
dialects = postgresql
url = ${MAIN_URL}
INI
    write_revision "$1" main base1 "" <<'SQL'
-- migrate:up
CREATE TABLE t (id integer PRIMARY KEY, name text);

-- migrate:down
DROP TABLE t;
SQL
}
# use PROJECT DATABASE: builds it, makes the database, and points $OURS and $MAIN_URL there.
use() {
    build_project "$1" "$1"
    OURS=$T/$1/build/$1
    [[ -z ${2:-} ]] || { new_database "$2" && DB=$2 MAIN_URL=$(pg_url "$2") && export MAIN_URL; }
}
sql() { pg_sql "$DB" "$1"; }
rows() { sql "SELECT string_agg(version_num, ' ' ORDER BY 1) FROM alembic_version"; }
# hold SQL: another session runs it in a transaction and keeps that open; release ends it.
hold() {
    mkfifo "hold.$DB" 2>/dev/null || true
    "$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d "$DB" <"hold.$DB" >/dev/null 2>&1 &
    HOLDER=$!
    exec 7>"hold.$DB"
    echo "SET application_name = 'the holder'; BEGIN; $1; CREATE TEMP TABLE held ();" >&7
    eventually 5 held
}
held() { [[ $(sql "SELECT count(*) FROM pg_class WHERE relname = 'held' AND relpersistence = 't'") == 0 ]] &&
    [[ $(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'the holder' AND state = 'idle in transaction'") == 1 ]]; }
release() {
    echo '\q' >&7 # a process in the background may hold the pipe open
    exec 7>&-
    wait $HOLDER 2>/dev/null || true
}

# ------------------------------------------------------------------------------------------------- the main path

project plain
table_revision plain main next1 base1
use plain plain

it "applies what is pending, and nothing the second time"
run "$OURS" main head
expect_exit 0
expect_equal "$(rows)" next1
expect_equal "$(sql "SELECT string_agg(revision || ' ' || direction || ' ' || state, ', ' ORDER BY id) FROM migrate_log")" \
    "base1 upgrade done, next1 upgrade done"
run "$OURS" main head
expect_exit 0
expect_equal "$(sql "SELECT count(*) FROM migrate_log")" 2

it "says in the log who ran it, from where, with which build"
run "$OURS" main downgrade -1 --actor "release 42"
expect_exit 0
expect_equal "$(sql "SELECT actor, db_role, dialect, parents, client_host <> '', build_id ~ '^[0-9a-f]{16}$', duration_ms >= 0 FROM migrate_log ORDER BY id DESC LIMIT 1")" \
    "release 42|postgres|postgresql|base1|t|t|t"

it "keeps the session's own settings out of the revision's way"
sql "CREATE ROLE awkward LOGIN SUPERUSER"
sql "ALTER ROLE awkward SET default_transaction_read_only = on"
sql "ALTER ROLE awkward SET standard_conforming_strings = off"
sql "ALTER ROLE awkward SET session_replication_role = replica"
MAIN_URL=${MAIN_URL/postgres@/awkward@}
run "$OURS" main head
expect_exit 0
expect_equal "$(rows)" next1

# ------------------------------------------------------------------------------------------------- errors

project broken
write_revision broken main brok1 base1 <<'SQL'
-- migrate:up
CREATE TABLE fine (id integer);
INSERT INTO fine VALUES (1);
SELECT 'é', missing_column FROM fine;

-- migrate:down
DROP TABLE fine;
SQL
table_revision broken main after brok1
use broken broken

it "shows a broken statement with FILE.sql:LINE:COLUMN, the line and a caret; what was before stays, nothing of it does"
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'versions/brok1_test.sql:9:13: error'
expect_stderr_contains 'column "missing_column" does not exist'
expect_stderr_contains "    SELECT 'é', missing_column FROM fine;
                ^"
expect_equal "$(rows)" base1
expect_equal "$(sql "SELECT to_regclass('fine') IS NULL, to_regclass('t_after') IS NULL")" "t|t"
expect_equal "$(sql "SELECT count(*) FROM migrate_log")" 1

project runtime
write_revision runtime main divz1 base1 <<'SQL'
-- migrate:up
INSERT INTO t VALUES (1, 'one');

SELECT 1 / (id - 1)
  FROM t;

-- migrate:down
DELETE FROM t;
SQL
use runtime runtime
it "shows the statement when the server gives no position"
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'versions/divz1_test.sql:9'
expect_stderr_contains 'division by zero'

project deferred
write_revision deferred main defe1 base1 <<'SQL'
-- migrate:up
CREATE TABLE child (t_id integer REFERENCES t DEFERRABLE INITIALLY DEFERRED);
INSERT INTO child VALUES (99);

-- migrate:down
DROP TABLE child;
SQL
use deferred deferred
it "names the revision when a deferred constraint fails at COMMIT"
run "$OURS" main head
expect_exit 1
expect_stderr_contains defe1
expect_stderr_contains 'violates foreign key constraint'
expect_equal "$(rows)" base1

it "carries the server's detail over"
expect_stderr_contains 'Key (t_id)=(99) is not present'

# ------------------------------------------------------------------------------------------------- timeouts and locks

project locks
write_revision locks main lock1 base1 <<'SQL'
-- migrate:up
ALTER TABLE t ADD COLUMN more text;

-- migrate:down
ALTER TABLE t DROP COLUMN more;
SQL
use locks locks
"$OURS" main base1 >/dev/null 2>&1

it "gives up on a table that another session holds with exit 4, and says why"
hold "SELECT * FROM t"
run "$OURS" main head --lock-timeout 100ms --lock-retries 2
expect_exit 4
expect_stderr_contains 'lock timeout'
expect_equal "$(rows)" base1

it "tries again until the table is free"
"$OURS" main head --lock-timeout 100ms --lock-retries 100 >retry.out 2>retry.err &
pid=$!
sleep 0.6
release
wait $pid && status=0 || status=$?
expect_equal "$status" 0
expect_equal "$(rows)" lock1
"$OURS" main downgrade base1 >/dev/null 2>&1

it "waits for another process that migrates, names the holder, and exits 4 when the wait is over"
hold "SELECT pg_advisory_xact_lock(hashtextextended('profile-migrate:public.alembic_version', 0))"
run "$OURS" main head --lock-wait 1s
expect_exit 4
expect_stderr_contains "the holder"
expect_equal "$(rows)" base1

it "goes on as soon as the lock is free"
"$OURS" main head >wait.out 2>wait.err &
pid=$!
sleep 0.5
release
wait $pid && status=0 || status=$?
expect_equal "$status" 0
expect_equal "$(rows)" lock1

it "does not wait for the lock when nothing is pending"
hold "SELECT pg_advisory_xact_lock(hashtextextended('profile-migrate:public.alembic_version', 0))"
run timeout 5 "$OURS" main head --lock-wait 60s
expect_exit 0
release

project slow
write_revision slow main slow1 base1 <<'SQL'
-- migrate:up statement_timeout:200ms
SELECT pg_sleep(30);

-- migrate:down
SELECT 1;
SQL
use slow slow
it "ends a statement at the section's own statement_timeout"
run timeout 10 "$OURS" main head
expect_exit 1
expect_stderr_contains 'statement timeout'
expect_stderr_contains 'slow1_test.sql:7'
expect_equal "$(rows)" base1

# ------------------------------------------------------------------------------------------------- signals

project signals
write_revision signals main sign1 base1 <<'SQL'
-- migrate:up
CREATE TABLE s (id integer);
SELECT pg_sleep(1.5);

-- migrate:down
DROP TABLE s;
SQL
table_revision signals main sign2 sign1
use signals signals

running() { [[ $(sql "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1.5)%' AND pid <> pg_backend_pid()") == 1 ]]; }

it "lets the running revision finish after SIGTERM, begins no other, and exits 143"
"$OURS" main head >sig.out 2>sig.err &
pid=$!
eventually 10 running || true
kill -TERM $pid
wait $pid && status=0 || status=$?
expect_equal "$status" 143
expect_equal "$(rows)" sign1

it "cancels it when the grace is over; nothing of it stays, and exit is 130 for SIGINT"
run "$OURS" main downgrade base1
"$OURS" main head --grace 100ms >sig.out 2>sig.err &
pid=$!
eventually 10 running || true
# A shell starts its background jobs with SIGINT ignored; the process must take it all the same.
kill -INT $pid
wait $pid && status=0 || status=$?
expect_equal "$status" 130
expect_equal "$(rows)" base1
expect_equal "$(sql "SELECT to_regclass('s') IS NULL")" t
run "$OURS" main head
expect_exit 0
expect_equal "$(rows)" sign2

# ------------------------------------------------------------------------------------------------- a body's leavings

project wander
write_revision wander main wand1 base1 <<'SQL'
-- migrate:up
CREATE SCHEMA IF NOT EXISTS elsewhere;
DO $$ BEGIN EXECUTE format('SET %I = elsewhere', 'search_path'); END $$;
CREATE TABLE IF NOT EXISTS visits (id integer);
INSERT INTO visits VALUES (1);

-- migrate:down
DROP SCHEMA elsewhere CASCADE;
SQL
write_revision wander main wand2 wand1 <<'SQL'
-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY visits_id ON elsewhere.visits (id);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY elsewhere.visits_id;
SQL
use wander wander

it "finds its tables again when a body led the search path away: nothing runs twice"
run "$OURS" main head
expect_exit 0
expect_equal "$(rows)" wand2
expect_equal "$(sql "SELECT count(*) FROM elsewhere.visits")" 1
expect_equal "$(sql "SELECT to_regclass('elsewhere.alembic_version') IS NULL")" t

# ------------------------------------------------------------------------------------------------- transaction:false

project stepwise
write_revision stepwise main step1 base1 <<'SQL'
-- migrate:up transaction:false
INSERT INTO t VALUES (1, 'one'), (2, 'two');
CREATE UNIQUE INDEX CONCURRENTLY t_name ON t (name);
INSERT INTO t VALUES (3, 'three');

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY t_name;
DELETE FROM t;
SQL
use stepwise stepwise
"$OURS" main base1 >/dev/null 2>&1
sql "INSERT INTO t VALUES (10, 'one')"

it "stops statement-wise work at the statement that fails, and leaves what is finished"
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'step1_test.sql:8'
expect_equal "$(rows)" base1
expect_equal "$(sql "SELECT count(*) FROM t")" 3
expect_equal "$(sql "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_name'::regclass")" f

it "resumes there: the invalid index is built again, the finished INSERT is not repeated"
sql "DELETE FROM t WHERE id = 10"
run "$OURS" main head
expect_exit 0
expect_equal "$(rows)" step1
expect_equal "$(sql "SELECT string_agg(id::text, ' ' ORDER BY id) FROM t")" "1 2 3"
expect_equal "$(sql "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_name'::regclass")" t

it "goes down statement by statement"
run "$OURS" main downgrade -1
expect_exit 0
expect_equal "$(sql "SELECT count(*), (SELECT count(*) FROM pg_class WHERE relname = 't_name') FROM t")" "0|0"

it "refuses to resume when the finished statements were changed since (exit 5)"
sql "INSERT INTO t VALUES (10, 'one')"
run "$OURS" main head
expect_exit 1
sed -i "s/(2, 'two')/(2, 'zwei')/" stepwise/migrations/main/versions/step1_test.sql
use stepwise
run "$OURS" main head
expect_exit 5
expect_stderr_contains step1

it "refuses transaction:false in --transaction all, before anything runs"
new_database together
DB=together MAIN_URL=$(pg_url together)
run "$OURS" main head --transaction all
expect_exit 1
expect_stderr_contains 'transaction:false'
expect_equal "$(sql "SELECT to_regclass('alembic_version') IS NULL")" t

project all
write_revision all main all1 base1 <<'SQL'
-- migrate:up
CREATE TABLE a (id integer);

-- migrate:down
DROP TABLE a;
SQL
write_revision all main all2 all1 <<'SQL'
-- migrate:up
INSERT INTO a SELECT 1 / 0;

-- migrate:down
DELETE FROM a;
SQL
use all all
it "keeps nothing of a run in one transaction that fails"
run "$OURS" main head --transaction all
expect_exit 1
expect_stderr_contains all2
expect_equal "$(sql "SELECT to_regclass('alembic_version') IS NULL, to_regclass('t') IS NULL, to_regclass('a') IS NULL")" "t|t|t"

# ------------------------------------------------------------------------------------------------- pooler

project pooled
write_revision pooled main pool1 base1 <<'SQL'
-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY pooled_t ON t (name);

-- migrate:down
DROP INDEX pooled_t;
SQL
use pooled pooled
start_pgbouncer
it "applies transactional revisions through a pooler in transaction mode, and refuses transaction:false there"
MAIN_URL=$(bouncer_url pooled)
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'direct'
expect_equal "$(rows)" base1
MAIN_URL=$(pg_url pooled)
run "$OURS" main head
expect_exit 0

# ------------------------------------------------------------------------------------------------- history

project history
write_revision history main hist1 base1 <<'SQL'
-- migrate:up
CREATE TABLE h (id integer);

-- migrate:down
DROP TABLE h;
SQL
table_revision history main hist2 hist1
use history history
"$OURS" main hist1 >/dev/null 2>&1

it "only warns of a cosmetic edit"
sed -i 's/^CREATE TABLE h/-- a remark\nCREATE   TABLE h/' history/migrations/main/versions/hist1_test.sql
use history
run "$OURS" main head
expect_exit 0
expect_stderr_contains hist1
expect_equal "$(rows)" hist2

it "accepts it by repair, and is silent then"
run "$OURS" main repair
expect_exit 0
run "$OURS" main head
expect_exit 0
expect_stderr_lacks hist1

it "refuses to go past an applied revision that changed in substance (exit 5), and says both ways out"
"$OURS" main downgrade hist1 >/dev/null 2>&1
sed -i 's/h (id integer)/h (id bigint)/' history/migrations/main/versions/hist1_test.sql
use history
run "$OURS" main head
expect_exit 5
expect_stderr_contains hist1
expect_stderr_contains repair
expect_equal "$(rows)" hist1

it "reports it by check (exit 5), and lets the changed revision be downgraded"
run "$OURS" main check
expect_exit 5
run "$OURS" main downgrade base1
expect_exit 0
expect_equal "$(rows)" base1
run "$OURS" main head
expect_exit 0

it "tells a database that a later executable migrated from one that diverged"
cp "$OURS" older
table_revision history main hist3 hist2
use history
run "$OURS" main head
expect_exit 0
run ./older main head
expect_exit 5
expect_stderr_contains 'ahead'
run ./older main head --on-ahead allow
expect_exit 0
sql "UPDATE alembic_version SET version_num = 'nobody'"
run "$OURS" main head
expect_exit 5
expect_stderr_contains nobody
expect_stderr_lacks 'ahead of'

# ------------------------------------------------------------------------------------------------- refusals

it "refuses an irreversible downgrade before anything runs"
project oneway
write_revision oneway main one1 base1 <<'SQL'
-- migrate:up irreversible
CREATE TABLE o (id integer);
SQL
table_revision oneway main one2 one1
use oneway oneway
"$OURS" main head >/dev/null 2>&1
run "$OURS" main downgrade base
expect_exit 1
expect_stderr_contains one1
expect_equal "$(rows)" one2

it "says which database does not exist (exit 1), and creates it when asked"
MAIN_URL=$(pg_url nowhere)
run "$OURS" main head
expect_exit 1
expect_stderr_contains nowhere
run "$OURS" main head --on-missing create
expect_exit 0
DB=nowhere
expect_equal "$(rows)" one2

it "exits 4 when nobody answers"
MAIN_URL=postgresql://nobody@127.0.0.1:1/x
run "$OURS" main head
expect_exit 4
expect_stderr_contains '127.0.0.1'

it "applies nothing through a connection that only reads"
MAIN_URL="$(pg_url oneway)"
sql "CREATE ROLE reader LOGIN"
MAIN_URL=${MAIN_URL/postgres@/reader@}
run "$OURS" main downgrade one1
expect_exit 1
expect_stderr_contains 'permission denied'
