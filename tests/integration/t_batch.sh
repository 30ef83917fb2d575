#!/usr/bin/env bash
# Sections that say `batch`: portions with a commit each, progress, a rest between two, and a rerun that goes on after any
# end. Every row counts how often it was touched. limit: 300
source "$(dirname "$0")/lib.sh"

start_postgres
ROWS=20000

new_project batch
registry_revision batch
write_revision batch shared rows1 shar1 <<SQL
-- migrate:up postgresql
CREATE TABLE items (id integer PRIMARY KEY, touched integer NOT NULL DEFAULT 0, done boolean);
INSERT INTO items (id) SELECT generate_series(1, $ROWS);
-- migrate:up sqlite
CREATE TABLE items (id integer PRIMARY KEY, touched integer NOT NULL DEFAULT 0, done integer);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $ROWS) INSERT INTO items (id) SELECT i FROM n;

-- migrate:down
DROP TABLE items;
SQL
# batch_revision DIR STREAM ID REVISES WORDS
batch_revision() {
    write_revision "$1" "$2" "$3" "$4" <<SQL
-- migrate:up batch $5
UPDATE items SET touched = touched + 1, done = true
WHERE id IN (SELECT id FROM items WHERE done IS NULL ORDER BY id LIMIT 500);

-- migrate:down
UPDATE items SET touched = 0, done = NULL WHERE done;
SQL
}
batch_revision batch shared portion1 rows1 ""
write_revision batch tenant ten1 "" <<'SQL'
-- migrate:up
CREATE TABLE items (id integer PRIMARY KEY, touched integer NOT NULL DEFAULT 0, done boolean);
INSERT INTO items (id) VALUES (1), (2), (3);

-- migrate:down
DROP TABLE items;
SQL
batch_revision batch tenant portion1 ten1 "pause:1ms"
build_project batch batch-migrate
OURS=$T/batch/build/batch-migrate

# Both engines pass through the same cases. sql QUERY: of the database of the case.
use() {
    ENGINE=$1 NAME=$2
    if [[ $1 == postgresql ]]; then
        new_database "$2"
        URL=$(pg_url "$2")
    else
        URL=sqlite:///$T/$2.db
    fi
    export SHARED_DATABASE_URL=$URL
    "$OURS" shared upgrade rows1 >/dev/null 2>&1
}
sql() {
    if [[ $ENGINE == postgresql ]]; then pg_sql "$NAME" "$1"; else sqlite_sql "$T/$NAME.db" "PRAGMA busy_timeout = 5000; $1" | tail -n +2; fi
}
done_rows() { sql "SELECT count(*) FROM items WHERE done IS NOT NULL"; }
some_are_done() { (($(done_rows) > 0)); }
touched_once() { sql "SELECT count(*) FROM items WHERE touched = 1"; }
progress_rows() { sql "SELECT count(*) FROM migrate_log WHERE revision = 'portion1' AND state = 'batch'"; }
progress() { sql "SELECT message FROM migrate_log WHERE revision = 'portion1' AND state = 'batch' ORDER BY id DESC LIMIT 1"; }

for engine in postgresql sqlite; do
    it "is named by a dry run ($engine)"
    use $engine "whole_$engine"
    run "$OURS" shared head --dry-run
    expect_stdout_contains "upgrade portion1, revision portion1 (batch)"
    run "$OURS" shared head --dry-run --json
    expect_equal "$(jq -c '.. | objects | select(.revision == "portion1") | .batch' <<<"$OUT" | head -n 1)" true

    it "commits each portion and tells of them in one row of the log ($engine)"
    run "$OURS" shared head --batch-pause 0 --json
    expect_exit 0
    expect_equal "$(touched_once)" $ROWS
    [[ $engine == sqlite ]] || expect_equal "$(sql 'SELECT count(DISTINCT xmin::text) FROM items')" 40
    expect_equal "$(progress_rows)" 1
    expect_equal "$(progress)" "40 batches, 20000 rows"
    expect_equal "$(jq -r 'select(.event == "batch") | [.revision, .direction, .batches, .rows, .earlier_rows] | join(" ")' <<<"$OUT" | tail -n 1)" \
        "portion1 upgrade 40 20000 0"
    expect_equal "$(jq -r 'select(.event == "batch") | .batches' <<<"$OUT" | head -n 1)" 1
    run "$OURS" shared log
    expect_stdout_contains "upgrade portion1 (batch), 40 batches, 20000 rows"

    it "says how far it is, when asked ($engine)"
    run "$OURS" shared downgrade rows1
    run "$OURS" shared head --batch-pause 0 -v
    expect_exit 0
    expect_stderr_contains "revision portion1: 1 batch, 500 rows"
    expect_stderr_contains "revision portion1: 40 batches, 20000 rows"

    it "goes on after kill -9, says what was done, and touches no row twice ($engine)"
    use $engine "killed_$engine"
    "$OURS" shared head --batch-pause 20ms >/dev/null 2>&1 &
    pid=$!
    eventually 30 some_are_done
    kill -9 $pid
    wait $pid || true
    expect test "$(done_rows)" -lt $ROWS
    before=$(done_rows)
    expect_equal "$((before % 500))" 0
    run "$OURS" shared head --batch-pause 0
    expect_exit 0
    expect_equal "$(touched_once)" $ROWS
    ((before <= 500)) || expect_stderr_matches "revision portion1 goes on: earlier runs touched at least [0-9]+ rows"
    expect_equal "$(progress_rows)" 2

    it "stops between two portions for SIGTERM, at once even in a long rest ($engine)"
    use $engine "term_$engine"
    "$OURS" shared head --batch-pause 10min >term.out 2>term.err &
    pid=$!
    eventually 30 some_are_done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    expect_equal $status 143
    expect grep -q "before the next batch of revision portion1; a rerun goes on there" term.err
    expect_equal "$(done_rows)" 500
    run "$OURS" shared head --batch-pause 0
    expect_exit 0
    expect_equal "$(touched_once)" $ROWS

    it "lets only one of two processes at it ($engine)"
    use $engine "two_$engine"
    "$OURS" shared head --batch-pause 5ms >/dev/null 2>&1 &
    one=$!
    "$OURS" shared head --batch-pause 5ms >/dev/null 2>&1 &
    two=$!
    status=0
    wait $one || status=$?
    wait $two || status=$?
    expect_equal $status 0
    expect_equal "$(touched_once)" $ROWS
    expect_equal "$(progress_rows)" 1

    it "rests between two portions: 39 rests of 40ms and more ($engine)"
    use $engine "rest_$engine"
    began=${EPOCHREALTIME/./}
    run "$OURS" shared head --batch-pause 40ms
    slow=$((${EPOCHREALTIME/./} - began))
    use $engine "fast_$engine"
    began=${EPOCHREALTIME/./}
    run "$OURS" shared head --batch-pause 0
    fast=$((${EPOCHREALTIME/./} - began))
    expect test $((slow - fast)) -gt $((slow / 4))
    expect test $slow -gt $((39 * 40000))

    it "ends at the deadline in a rest ($engine)"
    use $engine "deadline_$engine"
    run "$OURS" shared head --batch-pause 10min --deadline 2s
    expect_exit 4
    expect_stderr_contains "the deadline passed before the next batch of revision portion1"
    expect_equal "$(done_rows)" 500
done

it "waits for a lock that a portion meets, and goes on"
use postgresql busy
pg_sql busy "BEGIN; SELECT 1 FROM items WHERE id = 1200 FOR UPDATE; SELECT pg_sleep(1.5); COMMIT" >/dev/null &
holder=$!
sleep 0.3
run "$OURS" shared head --batch-pause 0 --lock-timeout 200ms --lock-retries 100
wait $holder
expect_exit 0
expect_stderr_contains "trying again"
expect_equal "$(touched_once)" $ROWS
expect_equal "$(progress_rows)" 1

it "tells of each tenant of a fleet"
export SHARED_DATABASE_URL=sqlite:///$T/registry.db
export TENANT_DATABASE_URL="sqlite:///$T/{tenant_id}.tenant.db"
"$OURS" shared upgrade shar1 >/dev/null 2>&1
sqlite_sql registry.db "INSERT INTO tenants (tenant_id) VALUES ('a'), ('b'), ('c')"
run "$OURS" tenant head --on-missing create --json
expect_exit 0
expect_equal "$(jq -r 'select(.event == "batch" and .rows == 3) | .tenant' <<<"$OUT" | sort -u | xargs)" "a b c"
