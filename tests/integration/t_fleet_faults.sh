#!/usr/bin/env bash
# Bad days of a fleet on real servers: one bad tenant in five hundred, tenants that go while the run is on its way,
# servers that restart, are down, or never answer. Nobody else suffers, and nothing is applied twice. limit: 300
#
# Every revision inserts a row into a table that has no unique key, so that one applied twice shows, and one lost too.
source "$(dirname "$0")/lib.sh"

# What it says is committed must outlive a crash of the server.
start_postgres --conf "synchronous_commit = on"

new_project fleet
cat >fleet/migrations/tenant/env.ini <<'INI'
[stream]
kind = fleet
dialects = postgresql, sqlite
registry = shared
tenants_query = SELECT tenant_id, database_url, schema FROM tenants ORDER BY tenant_id
INI
registry_revision fleet
write_revision fleet tenant ten1 "" <<'SQL'
-- migrate:up
CREATE TABLE ran (revision text);
INSERT INTO ran VALUES ('ten1');

-- migrate:down
DROP TABLE ran;
SQL
write_revision fleet tenant ten2 ten1 <<'SQL'
-- migrate:up
INSERT INTO ran VALUES ('ten2');
CREATE TABLE doomed (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE doomed;
DELETE FROM ran WHERE revision = 'ten2';
SQL
write_revision fleet tenant ten3 ten2 <<'SQL'
-- migrate:up
INSERT INTO ran VALUES ('ten3');

-- migrate:down
DELETE FROM ran WHERE revision = 'ten3';
SQL
build_project fleet fleet-migrate
OURS=$T/fleet/build/fleet-migrate

# registry: an empty one, at head. It is a file, so that it is not hit by what happens to the servers.
registry() {
    rm -f registry.db
    SHARED_DATABASE_URL=sqlite:///registry.db && export SHARED_DATABASE_URL
    "$OURS" shared head >/dev/null 2>&1
}
# tenants URL SCHEMA ID…: {} in the other two stands for the id; SCHEMA may be empty.
tenants() {
    local url=$1 schema=$2 id
    shift 2
    {
        echo "BEGIN;"
        for id; do
            echo "INSERT INTO tenants VALUES ('$id', '${url//\{\}/$id}', nullif('${schema//\{\}/$id}', ''));"
        done
        echo "COMMIT;"
    } | sqlite3 -batch -bail registry.db
}
pg_true() { [[ $(pg_sql "$1" "$2") == t ]]; }

# The state of a tenant in a word for each part: what ran, the version rows, the log.
STATE="SELECT (SELECT count(*) FROM {}ran) || ' ' || (SELECT count(DISTINCT revision) FROM {}ran) || ' ' ||
    (SELECT count(*) FROM {}migrate_log WHERE state = 'done' AND direction = 'upgrade' AND statement IS NULL) || ' ' ||
    (SELECT version_num FROM {}alembic_version)"
AT_HEAD="3 3 3 ten3"
# states_of_schemas DATABASE: how many schemas of it are in which state.
states_of_schemas() {
    local query
    query=$(pg_sql "$1" "SELECT string_agg(replace('${STATE//\'/\'\'}', '{}', quote_ident(nspname) || '.'), ' UNION ALL ')
        FROM pg_namespace WHERE nspname NOT LIKE 'pg%' AND nspname NOT IN ('public', 'information_schema')")
    pg_sql "$1" "SELECT count(*) || 'x ' || state FROM ($query) AS x (state) GROUP BY state ORDER BY 1"
}
# states_of_files FILE…
states_of_files() {
    local file
    for file; do sqlite_sql "$file" "${STATE//\{\}/}"; done | sort | uniq -c | awk '{$1 = $1 "x"; print}'
}
# states_of_databases NAME…
states_of_databases() {
    local name
    for name; do pg_sql "$name" "${STATE//\{\}/}"; done | sort | uniq -c | awk '{$1 = $1 "x"; print}'
}

# hold DATABASE TABLE…: another session takes the tables and keeps them, until let_go.
hold() {
    local database=$1 tables
    shift
    tables=$(printf ', %s' "$@")
    rm -f holder
    mkfifo holder
    "$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d "$database" <holder >holder.out 2>&1 &
    HOLDER=$!
    exec 7>holder
    echo "BEGIN; LOCK TABLE ${tables#, };" >&7
    eventually 20 pg_true "$database" "SELECT count(*) = $# FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = ANY ('{${tables#, }}'::regclass[])"
}
let_go() {
    exec 7>&-
    wait "$HOLDER" || true
}
# waiting N DATABASE: so many sessions wait for a table there.
waiting() {
    pg_true postgres "SELECT count(*) = $1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = '$2'"
}
# in_background COMMAND…: leaves $RUN; `finish` is for `run` what `wait` is: $OUT, $ERR and $STATUS.
in_background() {
    RAN=$*
    rm -f back.out back.err
    "$@" >back.out 2>back.err </dev/null 7>&- &
    RUN=$!
}
finish() {
    STATUS=0
    wait "$RUN" || STATUS=$?
    OUT=$(<back.out) ERR=$(<back.err)
}
gone() { ! kill -0 "$1" 2>/dev/null; }
# at_least N PATTERN FILE: as many lines of it fit.
at_least() { (($(grep -c -- "$2" "$3") >= $1)); }
FORWARDERS=()
# forward NAME TARGET [OPTION]…: forward.py on $FORWARD_PORT (or $PORT, if set), its lines in NAME.out.
forward() {
    local name=$1
    shift
    python3 "$TOP/tests/integration/forward.py" "127.0.0.1:${PORT:-0}" "$@" >"$name.out" 2>"$name.err" &
    FORWARDERS+=($!)
    eventually 20 grep -q listening "$name.out" || { cat "$name.err" >&2 && return 1; }
    FORWARD_PORT=$(sed -n 's/^listening //p' "$name.out")
}
stop_forwarding() {
    kill "${FORWARDERS[@]}"
    wait "${FORWARDERS[@]}" || true
    FORWARDERS=()
}

# ---------------------------------------------------------------------------------------------- one in five hundred

it "brings 499 of 500 tenants to head, and names the bad one last, with its revision and the place in it"
registry
mkdir data
new_database many d{01..10}
# shellcheck disable=SC2046 # ids are words
tenants "sqlite:///data/{}.db" "" $(printf 's%03d ' {1..450})
tenants "$(pg_url many)" "{}" p{01..40}
tenants "$(pg_url '{}')" "" d{01..10}
pg_sql many "CREATE SCHEMA p17; CREATE TABLE p17.doomed (id integer)"
run "$OURS" tenant head --on-missing create --jobs 8
expect_exit 1
expect_stdout_is "tenant: 500 databases: 499 upgraded (1498 revisions), 1 failed"
expect_equal "$(tail -n 2 <<<"$ERR")" "error: 1 of 500 tenants failed:
  p17: tenant/versions/ten2_test.sql:8:1: revision ten2: relation \"doomed\" already exists"
expect_equal "$(states_of_files data/*.db)" "450x $AT_HEAD"
expect_equal "$(states_of_schemas many)" "1x 1 1 1 ten1
39x $AT_HEAD"
expect_equal "$(states_of_databases d{01..10})" "10x $AT_HEAD"

it "has only that one left to do afterwards"
pg_sql many "DROP TABLE p17.doomed"
run "$OURS" tenant head --jobs 8
expect_exit 0
expect_stdout_is "tenant: 500 databases: 1 upgraded (2 revisions), 499 unchanged"
expect_equal "$(states_of_schemas many)" "40x $AT_HEAD"

# ------------------------------------------------------------------------------------------------------------- gone

it "says that a database does not exist which was dropped between the listing and its turn; the others are served"
registry
new_database gone{1..6}
tenants "$(pg_url '{}')" "" gone{1..6}
"$OURS" tenant ten1 >/dev/null 2>&1
hold gone1 alembic_version
in_background "$OURS" tenant head --jobs 1 --json
eventually 20 waiting 1 gone1
pg_sql postgres "DROP DATABASE gone2"
let_go
finish
expect_exit 1
expect_stdout_contains '"tenant": "gone2", "state": "failed"'
expect_stdout_matches '"tenant": "gone2".*"fault": "missing"'
expect_stdout_contains 'database \"gone2\" does not exist'
expect_equal "$(states_of_databases gone1 gone{3..6})" "5x $AT_HEAD"

it "skips one that was dropped meanwhile, with --on-missing skip"
"$OURS" tenant downgrade ten1 --on-missing skip >/dev/null 2>&1
hold gone1 alembic_version
in_background "$OURS" tenant head --jobs 1 --on-missing skip
eventually 20 waiting 1 gone1
pg_sql postgres "DROP DATABASE gone3"
let_go
finish
expect_exit 0
expect_stderr_contains "gone3: skipped, the database does not exist"
expect_stdout_is "tenant: 6 databases: 4 upgraded (8 revisions), 2 skipped"

it "says so, too, when it is dropped under a running revision"
"$OURS" tenant downgrade ten1 --on-missing skip >/dev/null 2>&1
hold gone4 ran
in_background "$OURS" tenant head --jobs 2 --json
eventually 20 waiting 1 gone4
pg_sql postgres "DROP DATABASE gone4 WITH (FORCE)"
let_go
finish
expect_exit 1
expect_stdout_contains 'database \"gone4\" does not exist'
expect_equal "$(grep -o '"state": "failed"' <<<"$OUT" | wc -l)" 3

# --------------------------------------------------------------------------------------------------------- restarted

# restart_under MODE: the server goes and comes back when ten tenants are through and four are in the middle of ten2.
restart_under() {
    registry
    pg_sql postgres "DROP DATABASE IF EXISTS sunk WITH (FORCE)" 2>/dev/null
    new_database sunk
    tenants "$(pg_url sunk)" "{}" p{01..40}
    "$OURS" tenant ten1 --on-missing create --tenant p11 --tenant p12 --tenant p13 --tenant p14 >/dev/null 2>&1
    hold sunk p1{1..4}.ran
    in_background "$OURS" tenant head --on-missing create --jobs 4 --wait 60s
    eventually 20 waiting 4 sunk
    restart_postgres "$1" 7>&- # the server must not keep it open
    let_go
    finish
}

for mode in fast immediate; do
    it "brings every tenant to head, once, over a server that is restarted in the middle (-m $mode)"
    restart_under $mode
    expect_exit 0
    expect_equal "$(states_of_schemas sunk)" "40x $AT_HEAD"
    expect_stdout_is "tenant: 40 databases: 40 upgraded (116 revisions)"
    expect_equal "$(grep -c 'connecting again' <<<"$ERR")" 4
done

# -------------------------------------------------------------------------------------------------------------- down

it "waits with --wait for a cluster that is down altogether, for all of its tenants"
registry
new_database down
tenants "$(pg_url down)" "{}" p{01..20}
stop_postgres fast
# In its place somebody who counts those who knock.
PORT=$PG_PORT forward knocks nobody
in_background "$OURS" tenant head --on-missing create --jobs 8 --wait 60s
expect eventually 20 at_least 16 connection knocks.out
stop_forwarding
start_postgres_again
finish
expect_exit 0
expect_equal "$(states_of_schemas down)" "20x $AT_HEAD"

it "says of each of them that it is unreachable, without --wait, and exits 4"
stop_postgres fast
run "$OURS" tenant head --jobs 8
expect_exit 4
expect_stdout_is "tenant: 20 databases: 0 upgraded, 20 failed"
expect_equal "$(grep -c '^  p[0-9]*: .*Connection refused' <<<"$ERR")" 20
start_postgres_again
run "$OURS" tenant check
expect_exit 0

# ------------------------------------------------------------------------------------------------------------ silent

forward mute silence
mute=127.0.0.1:$FORWARD_PORT
# Silent after it has greeted us, and after it was asked for the state.
forward greets "127.0.0.1:$PG_PORT" --answers 1
greets=127.0.0.1:$FORWARD_PORT
forward reads "127.0.0.1:$PG_PORT" --answers 3
reads=127.0.0.1:$FORWARD_PORT
new_database silent_{1..3}
# silent_fleet ADDRESS ADDRESS ADDRESS: a tenant at each of them comes first, nine files after them.
silent_fleet() {
    local i
    registry
    for i in 1 2 3; do
        pg_sql postgres "DROP DATABASE silent_$i WITH (FORCE)"
        tenants "postgresql://$PG_USER@${!i}/silent_$i" "" "a$i"
    done
    new_database silent_{1..3}
    rm -rf files && mkdir files
    tenants "sqlite:///files/{}.db" "" b{1..9}
}

it "gives up a server that takes connections and never answers; nobody else waits for it"
silent_fleet "$mute" "$mute" "$mute"
run "$OURS" tenant head --jobs 4 --connect-timeout 1s
expect_exit 4
for i in 1 2 3; do expect_stderr_matches "a$i: no answer from [^ ]*${mute}[^ ]* within 1"; done
expect_equal "$(states_of_files files/*.db)" "9x $AT_HEAD"

it "does so with fewer workers than silent tenants, too"
silent_fleet "$mute" "$mute" "$mute"
run "$OURS" tenant head --jobs 2 --connect-timeout 1s
expect_exit 4
expect_equal "$(states_of_files files/*.db)" "9x $AT_HEAD"

it "ends at the deadline where no server answers, says who was not started, and exits 4"
silent_fleet "$mute" "$mute" "$mute"
run "$OURS" tenant head --jobs 2 --connect-timeout 60s --deadline 1s
expect_exit 4
expect_stderr_contains "a1: the run's deadline passed while connecting"
expect_stderr_contains "10 of 12 tenants were not started: the deadline passed"
expect_stdout_contains "2 failed, 10 not started"

it "ends at the deadline where a server falls silent before or behind its greeting, or about a revision"
silent_fleet "$mute" "$greets" "$reads"
run "$OURS" tenant head --jobs 4 --connect-timeout 60s --deadline 1s
expect_exit 4
for i in 1 2 3; do expect_stderr_matches "a$i: [^
]*deadline passed"; done
expect_equal "$(states_of_files files/*.db)" "9x $AT_HEAD"
# What the silent server was asked for is done or not, and is done once in the end.
registry
tenants "$(pg_url '{}')" "" silent_{1..3}
run "$OURS" tenant head
expect_exit 0
expect_equal "$(states_of_databases silent_{1..3})" "3x $AT_HEAD"

it "gives up a server that greets and never says what it holds, also without a deadline"
silent_fleet "$greets" "$greets" "$mute"
run "$OURS" tenant head --jobs 4 --connect-timeout 1s --lock-wait 1s
expect_exit 4
for i in 1 2; do expect_stderr_matches "a$i: connected, but no answer from [^ ]*${greets}[^ ]* within 1"; done
expect_stdout_contains "12 databases: 9 upgraded"

# done_before DEAD LIVE FILE: all lines of FILE that fit LIVE come before the last, or with "first" before the first, one
# that fits DEAD.
done_before() {
    awk -v dead="$2" -v live="$3" -v which="$1" '
        $0 ~ live { last_live = NR }
        $0 ~ dead { if (which == "last" || !at) at = NR }
        END { exit !(at && last_live && last_live < at) }' "$4"
}

# fleet_of_sixty ADDRESS: forty tenants of that server, and behind them ten files and ten schemas of a server that answers.
fleet_of_sixty() {
    registry
    pg_sql postgres "DROP DATABASE IF EXISTS sixty WITH (FORCE)" 2>/dev/null
    new_database sixty
    rm -rf files && mkdir files
    tenants "postgresql://$PG_USER@$1/{}" "" a{01..40}
    tenants "sqlite:///files/{}.db" "" b{01..10}
    tenants "$(pg_url sixty)" "{}" c{01..10}
}

it "leaves forty tenants of a silent server for last, after a few attempts, and does not wait for each of them"
fleet_of_sixty "$mute"
knocks=$(grep -c connection mute.out)
in_background "$OURS" tenant head --on-missing create --jobs 4 --connect-timeout 1s --json
eventually 30 gone "$RUN" # one worker's attempts alone would take forty seconds
finish
expect_exit 4
expect_equal "$(grep -c '"state": "failed".*"fault": "unreachable"' <<<"$OUT")" 40
for i in a{01..40}; do expect_stdout_contains "\"tenant\": \"$i\", \"state\": \"failed\""; done
expect done_before last '"tenant": "a.*"state": "failed"' '"tenant": "[bc].*"state": "done"' back.out
expect_stdout_contains "no answer from $mute to "
expect_stdout_contains "tenants before; not tried"
expect_equal "$(states_of_files files/*.db)" "10x $AT_HEAD"
expect_equal "$(states_of_schemas sixty)" "10x $AT_HEAD"
knocks=$(($(grep -c connection mute.out) - knocks))
expect test "$knocks" -ge 3
expect test "$knocks" -le 10
# Who was not tried is not said to have been.
expect_equal "$(grep '"event": "database"' <<<"$OUT" | grep -c "not tried")" $((40 - knocks))

it "waits for a server that is down once, with --wait, and serves the others meanwhile"
PORT='' forward short nobody
stop_short=${FORWARDERS[-1]}
kill "$stop_short"
wait "$stop_short" || true
unset 'FORWARDERS[-1]'
fleet_of_sixty "127.0.0.1:$FORWARD_PORT"
in_background "$OURS" tenant head --on-missing create --jobs 4 --wait 3s --json
eventually 30 gone "$RUN"
finish
expect_exit 4
expect done_before first '"tenant": "a.*"state": "failed"' '"tenant": "[bc].*"state": "done"' back.out
expect_equal "$(grep -c '"tenant": "a.*"state": "failed".*Connection refused' <<<"$OUT")" 40
expect_stdout_contains "the server accepted nobody for 3.0 s; run again later, or wait longer with --wait"

# knocked N FILE…: so many came, to all of them together.
knocked() { (($(cat "${@:2}" | grep -c connection) >= $1)); }

it "ends soon after SIGTERM while servers are silent (exit 143)"
silent_fleet "$mute" "$greets" "$reads"
knocks=$(cat mute.out greets.out reads.out | grep -c connection)
in_background "$OURS" tenant head --jobs 4 --connect-timeout 60s --grace 1s
eventually 20 knocked $((knocks + 3)) mute.out greets.out reads.out
eventually 20 at_least 9 "^b" back.err
kill -TERM "$RUN"
expect eventually 20 gone "$RUN"
finish
expect_exit 143
expect_equal "$(states_of_files files/*.db)" "9x $AT_HEAD"

stop_forwarding

# ------------------------------------------------------------------------------------------------------------ pooler

# Through it from here on: twenty tenants, half of them schemas of one database.
new_database pooled db{01..10}
start_pgbouncer "max_client_conn = 500" "default_pool_size = 4"
registry
tenants "$(bouncer_url pooled)" "{}" p{01..10}
tenants "$(bouncer_url '{}')" "" db{01..10}

it "applies every revision once when eight processes of eight workers come through PgBouncer in transaction mode"
pids=()
for i in {1..8}; do
    "$OURS" tenant head --on-missing create --jobs 8 >"pooled.$i.out" 2>"pooled.$i.err" &
    pids+=($!)
done
for pid in "${pids[@]}"; do
    if wait "$pid"; then ok; else not_ok "exit $? of one process: $(grep -h -A 3 -m 3 error: pooled.*.err)"; fi
done
expect_equal "$(states_of_schemas pooled)" "10x $AT_HEAD"
expect_equal "$(states_of_databases db{01..10})" "10x $AT_HEAD"
# What they say they did adds up.
expect_equal "$(($(grep -oh '([0-9]* revision' pooled.*.out | tr -d '(a-z ' | paste -sd+)))" 60

write_revision fleet tenant ten4 ten3 <<'SQL'
-- migrate:up
INSERT INTO ran VALUES ('ten4');

-- migrate:down
DELETE FROM ran WHERE revision = 'ten4';
SQL
write_revision fleet tenant wise5 ten4 <<'SQL'
-- migrate:up postgresql transaction:false
INSERT INTO ran VALUES ('wise5');
CREATE INDEX CONCURRENTLY ran_revision ON ran (revision);

-- migrate:up sqlite
INSERT INTO ran VALUES ('wise5');

-- migrate:down
DROP INDEX IF EXISTS ran_revision;
DELETE FROM ran WHERE revision = 'wise5';
SQL
build_project fleet fleet-migrate

it "refuses transaction:false through it, behind what came before, and names the setting that leads round it"
run "$OURS" tenant head --jobs 8
expect_exit 1
expect_stdout_contains "20 failed"
expect_stderr_contains "needs a direct connection, and this one goes through a pooler"
expect_stderr_contains "hint: set the stream's \"host\", or FLEET_MIGRATE_TENANT_HOST, to HOST:PORT of the server itself"
expect_equal "$(states_of_schemas pooled)" "10x 4 4 4 ten4"
expect_equal "$(states_of_databases db{01..10})" "10x 4 4 4 ten4"

it "goes through when that setting names the server itself"
FLEET_MIGRATE_TENANT_HOST=127.0.0.1:$PG_PORT run "$OURS" tenant head --jobs 8
expect_exit 0
expect_equal "$(states_of_schemas pooled)" "10x 5 5 5 wise5"
expect_equal "$(states_of_databases db{01..10})" "10x 5 5 5 wise5"
