#!/usr/bin/env bash
# Nothing is lost: kill -9 at any instant, many processes at once, a cut connection, a restarted server. limit: 600
#
# Every revision inserts a row into a table that has no unique key, so that one applied twice shows, and one lost too.
source "$(dirname "$0")/lib.sh"

start_postgres --fsync

REVISIONS=12
new_stream project main <<'INI'
[stream]
kind = single
dialects = postgresql, sqlite
url = ${MAIN_URL}
INI
rev_id() { printf 'rev%03d' "$1"; }
write_revision project main "$(rev_id 1)" "" <<'SQL'
-- migrate:up
CREATE TABLE ran (revision text);
INSERT INTO ran VALUES ('rev001');

-- migrate:down
DROP TABLE ran;
SQL
for ((i = 2; i <= REVISIONS; i++)); do
    write_revision project main "$(rev_id "$i")" "$(rev_id $((i - 1)))" <<SQL
-- migrate:up
CREATE TABLE t_$i (id integer PRIMARY KEY, note text);
INSERT INTO ran VALUES ('$(rev_id "$i")');
CREATE INDEX t_${i}_note ON t_$i (note);

-- migrate:down
DELETE FROM ran WHERE revision = '$(rev_id "$i")';
DROP TABLE t_$i;
SQL
done
# One that works statement by statement, on PostgreSQL with an index built concurrently.
write_revision project main last "$(rev_id $REVISIONS)" <<'SQL'
-- migrate:up postgresql transaction:false
INSERT INTO ran VALUES ('last');
CREATE INDEX CONCURRENTLY ran_revision ON ran (revision);
CREATE INDEX CONCURRENTLY t_2_both ON t_2 (id, note);

-- migrate:up sqlite transaction:false
INSERT INTO ran VALUES ('last');
CREATE INDEX ran_revision ON ran (revision);
CREATE INDEX t_2_both ON t_2 (id, note);

-- migrate:down postgresql transaction:false
DROP INDEX CONCURRENTLY t_2_both;
DROP INDEX CONCURRENTLY ran_revision;
DELETE FROM ran WHERE revision = 'last';

-- migrate:down sqlite
DROP INDEX t_2_both;
DROP INDEX ran_revision;
DELETE FROM ran WHERE revision = 'last';
SQL
build_project project main-migrate
OURS=$T/project/build/main-migrate
ALL=$((REVISIONS + 1))

pg_query() { pg_sql "$@"; }
# expect_all_once QUERY-COMMAND DATABASE: every revision ran, once, and the rows and the log say so.
expect_all_once() {
    expect_equal "$("$1" "$2" "SELECT count(*) FROM ran")" $ALL
    expect_equal "$("$1" "$2" "SELECT count(DISTINCT revision) FROM ran")" $ALL
    expect_equal "$("$1" "$2" "SELECT version_num FROM alembic_version")" last
    expect_equal "$("$1" "$2" "SELECT count(*) FROM migrate_log WHERE direction = 'upgrade' AND state = 'done' AND statement IS NULL")" $ALL
}
expect_no_invalid_index() {
    expect_equal "$(pg_sql "$1" "SELECT count(*) FROM pg_index WHERE NOT indisvalid")" 0
}

# kill_at MILLISECONDS: one run that is killed after so long, or ends before.
kill_at() {
    "$OURS" main head >>killed.log 2>&1 &
    local pid=$!
    sleep "$(printf '0.%03d' "$1")"
    kill -KILL $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
}

it "applies every revision exactly once over kill -9 at many points (PostgreSQL)"
kills=0
for round in 1 2 3 4; do
    new_database "killed_$round"
    MAIN_URL=$(pg_url "killed_$round") && export MAIN_URL
    for ((ms = round; ms < 120; ms += 9)); do
        kill_at $ms
        kills=$((kills + 1))
    done
    run "$OURS" main head
    expect_exit 0
    expect_all_once pg_query "killed_$round"
    expect_no_invalid_index "killed_$round"
done
echo "# $kills kills"

it "applies every revision exactly once over kill -9 at random instants (PostgreSQL)"
RANDOM=4711
for round in 1 2 3; do
    new_database "random_$round"
    MAIN_URL=$(pg_url "random_$round") && export MAIN_URL
    for _ in 1 2 3 4 5 6 7 8; do kill_at $((RANDOM % 90)); done
    run "$OURS" main head
    expect_exit 0
    expect_all_once pg_query "random_$round"
    expect_no_invalid_index "random_$round"
done

it "goes down exactly once over kill -9, too (PostgreSQL)"
for _ in 1 2 3 4 5 6; do
    "$OURS" main downgrade base >>killed.log 2>&1 &
    pid=$!
    sleep "0.0$((RANDOM % 9))"
    kill -KILL $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
done
run "$OURS" main downgrade base
expect_exit 0
expect_equal "$(pg_sql random_3 "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND (relname = 'ran' OR relname LIKE 't\_%')")" 0
expect_equal "$(pg_sql random_3 "SELECT count(*) FROM alembic_version")" 0

it "applies every revision exactly once over kill -9 at many points (SQLite)"
for round in 1 2 3 4; do
    export MAIN_URL=sqlite:///killed_$round.db
    for ((ms = round; ms < 60; ms += 4)); do kill_at $ms; done
    run "$OURS" main head
    expect_exit 0
    expect_all_once sqlite_sql "killed_$round.db"
    expect_equal "$(sqlite_sql "killed_$round.db" "PRAGMA integrity_check")" ok
    expect_equal "$(find . -name "killed_$round.db-*")" ""
done

it "applies everything exactly once when killed before or after each single message to the server"
# Statement by statement, so that every gap between "started", the statement and its row is hit.
new_stream steps main <<'INI'
[stream]
kind = single
dialects = postgresql
url = ${MAIN_URL}
INI
write_revision steps main first "" <<'SQL'
-- migrate:up
CREATE TABLE ran (revision text);
CREATE TABLE t (name text);
INSERT INTO t VALUES ('one');

-- migrate:down
DROP TABLE t;
DROP TABLE ran;
SQL
write_revision steps main wise first <<'SQL'
-- migrate:up transaction:false
INSERT INTO ran VALUES ('one');
CREATE INDEX CONCURRENTLY t_name ON t (name);
VACUUM t;
DROP INDEX CONCURRENTLY t_name;
CREATE UNIQUE INDEX CONCURRENTLY t_unique ON t (name);
REINDEX INDEX CONCURRENTLY t_unique;
INSERT INTO ran VALUES ('two');

-- migrate:down
DROP INDEX t_unique;
DELETE FROM ran;
SQL
build_project steps steps-migrate
# die_at CALL N: killed when it comes to its Nth CALL; false when it makes fewer.
die_at() {
    ! { strace -f -o /dev/null -e trace="$1" -e inject="$1:signal=KILL:when=$2" \
        "$T/steps/build/steps-migrate" main head; } >>killed.log 2>&1 # the shell's "Killed", too
}
for call in sendto recvfrom; do
    for ((n = 4; n < 80; n++)); do
        pg_sql postgres "DROP DATABASE IF EXISTS each WITH (FORCE)" 2>/dev/null
        new_database each
        MAIN_URL=$(pg_url each) && export MAIN_URL
        die_at $call $n || break
        run "$T/steps/build/steps-migrate" main head
        expect_exit 0
        expect_equal "$(pg_sql each "SELECT (SELECT string_agg(revision, ' ') FROM ran), version_num, (SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ' ') FROM pg_index WHERE indrelid = 't'::regclass) FROM alembic_version")" \
            "one two|wise|t_unique true"
    done
    expect_that "only $n kills at $call" test "$n" -gt 30
done

# at_once N: N processes of the same run; prints the sorted exit codes with their counts.
at_once() {
    local pids=() pid i
    for ((i = 0; i < $1; i++)); do
        "$OURS" main head >"once.$i.out" 2>"once.$i.err" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" && echo 0 || echo $?
    done >once.codes # not into a pipe: its shell would have no such children
    sort once.codes | uniq -c | awk '{print $1 "x" $2}' | paste -sd' '
}

it "lets twenty processes start at once on an empty PostgreSQL database; all exit 0"
for round in 1 2 3; do
    new_database "once_$round"
    MAIN_URL=$(pg_url "once_$round") && export MAIN_URL
    expect_equal "$(at_once 20)" "20x0"
    expect_all_once pg_query "once_$round"
    expect_no_invalid_index "once_$round"
    # Who lost every race says so instead of counting nothing.
    expect_not grep -q ' 0 revisions' once.*.out
done

it "lets twenty processes start at once on a SQLite file that is not there yet; all exit 0"
for round in 1 2 3; do
    export MAIN_URL=sqlite:///once_$round.db
    expect_equal "$(at_once 20)" "20x0"
    expect_all_once sqlite_sql "once_$round.db"
done

it "survives connections that the server cuts in the middle"
for round in 1 2 3; do
    new_database "cut_$round"
    MAIN_URL=$(pg_url "cut_$round") && export MAIN_URL
    "$OURS" main head >cut.out 2>cut.err &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8; do
        pg_sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut_$round'" >/dev/null
        sleep 0.02
    done
    wait $pid && status=0 || status=$?
    expect_that "exit $status: $(cat cut.err)" matches "$status" '^[04]$' || true
    run "$OURS" main head
    expect_exit 0
    expect_all_once pg_query "cut_$round"
done

it "survives a server that is restarted in the middle, with --wait"
new_database restarted
MAIN_URL=$(pg_url restarted) && export MAIN_URL
"$OURS" main head --wait 30s >restart.out 2>restart.err &
pid=$!
sleep 0.03
restart_postgres immediate
wait $pid && status=0 || status=$?
expect_that "exit $status: $(cat restart.err)" matches "$status" '^[04]$' || true
run "$OURS" main head --wait 30s
expect_exit 0
expect_all_once pg_query restarted
