#!/usr/bin/env bash
# What the other tests stand on: the runner's counting, and the helpers' servers.
source "$(dirname "$0")/lib.sh"

# A tree with the runner and the scripts that a case writes into it.
mkdir -p tree/tests/integration tree/tests/unit
cp "$TOP/tests/run" tree/tests/
cp "$TOP/tests/integration/lib.sh" tree/tests/integration/

# suite NAME: the body comes from stdin.
suite() {
    { printf '#!/usr/bin/env bash\nsource "%s"\n' "\$(dirname \"\$0\")/lib.sh" && cat; } >"tree/tests/integration/t_$1.sh"
    chmod +x "tree/tests/integration/t_$1.sh"
}

run_suites() {
    run env SAN= TEST_LIMIT=2 TEST_RUN_DIR= TMPDIR="$T" tree/tests/run "$@"
    LAST=${OUT##*$'\n'}
}

suite good <<'SH'
it "is true"
expect true
it "is equal"
expect_equal 1 1
SH
suite bad <<'SH'
it "is not equal"
expect_equal 1 2
it "is true"
expect true
SH
suite dies <<'SH'
it "is true"
expect true
it "gets no further"
ls /nonexistent
it "is never seen"
expect true
SH
suite hangs <<'SH'
it "is true"
expect true
it "takes for ever"
sleep 60
SH
suite empty </dev/null
suite hollow <<'SH'
it "expects nothing"
SH
suite skips <<'SH'
it "is true # SKIP no reason"
expect true
SH

it "counts single cases"
run_suites good
expect_exit 0
expect_equal "$LAST" "2 passed, 0 failed"

it "shows what failed, and where"
run_suites good bad
expect_exit 1
expect_stdout_contains "not ok 1 - is not equal"
expect_stdout_contains "line 4: got:      1"
expect_equal "$LAST" "3 passed, 1 failed"

it "counts a suite that dies as failed, and names the line"
run_suites dies
expect_exit 1
expect_stdout_contains "line 6: failed: ls /nonexistent"
expect_equal "$LAST" "1 passed, 2 failed"

it "stops a suite that hangs"
run_suites hangs
expect_exit 1
expect_stdout_contains "stopped after 2 s"

it "accepts neither an empty suite, nor a case without expectations, nor a skip"
run_suites empty
expect_equal "$LAST" "0 passed, 1 failed"
run_suites hollow
expect_stdout_contains "nothing was expected"
expect_equal "$LAST" "0 passed, 1 failed"
run_suites skips
expect_equal "$LAST" "0 passed, 1 failed"

it "does not take a misspelt name for success"
run_suites good nosuch
expect_exit 1
expect_stderr_contains "no suite is called nosuch"

it "starts a server that asks for passwords and offers TLS, and a second one beside it"
start_postgres --name first
first=$PG_DATA
start_postgres --name second --scram --tls --conf "work_mem = 8MB"
new_database one
expect_equal "$(pg_sql one 'SHOW work_mem')" 8MB
run "$PG_BIN/psql" -X -A -t "$(pg_url one)?sslmode=verify-full&sslrootcert=$PG_CA&host=localhost" \
    -c "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
expect_stdout_is "TLSv1.3"
run env PGPASSWORD=wrong "$PG_BIN/psql" -X -h 127.0.0.1 -p "$PG_PORT" -U "$PG_USER" -d one -c 'SELECT 1'
expect_stderr_contains "password authentication failed"
expect test -e "$first/postmaster.pid"

it "puts PgBouncer in front"
start_postgres --name bounced
start_pgbouncer
expect_equal "$("$PG_BIN/psql" -X -A -t -c 'SELECT 5' "$(bouncer_url postgres)")" 5

it "restarts a server on its port"
restart_postgres immediate
expect_equal "$(pg_sql postgres 'SELECT 1')" 1
