#!/usr/bin/env bash
# What statements lock, rewrite and scan: measured on PostgreSQL 15 and compared with tests/golden/locks. And the databases
# that revisions are run on: made, copied, dropped, and dropped by the next run when one was killed.
source "$(dirname "$0")/lib.sh"

TRACE=$BUILD_DIR/tests/peer_gen_trace
GOLDEN=$TOP/tests/golden/locks
mkdir -m 711 scratch
export TMPDIR=$T/scratch

# same_lines [OPTION]… FILE…: what is measured is what stands there. To write a file: peer_gen_trace FILE >NEW, and read it.
same_lines() {
    local files=()
    for word; do [[ $word != *.txt ]] || files+=("$word"); done
    run timeout 250 "$TRACE" "$@"
    expect_exit 0
    cat "${files[@]}" >expected
    expect_equal "$(diff -u expected "$T/out")" ""
}

it "measures on PostgreSQL 15, and nowhere else"
run timeout 60 "$TRACE" --server
expect_exit 0
expect_stdout_is 15

it "knows what statements lock"
same_lines "$GOLDEN"/*.txt
expect_equal "$(grep -c '^--- locks' "$T/out")" "$(grep -c '^--- case' "$T/out")"

it "leaves nothing of its cluster behind"
expect test -z "$(ls -A "$TMPDIR")"

# ------------------------------------------------------------------------------------------------------ a standing server

start_postgres
new_database scratch of_others
pg_sql postgres "CREATE ROLE poor LOGIN; CREATE ROLE maker LOGIN CREATEDB CREATEROLE"
server() { "$PG_BIN/psql" -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d postgres -Atc "$1"; }
names() { server "SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT datname::text AS n FROM pg_database UNION ALL SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_') x"; }
ours() { server "SELECT string_agg(datname, ' ') FROM pg_database WHERE starts_with(datname, 'migrate_verify_')"; }
has_ours() { [[ $(ours) == "$1" ]]; }
url_of() { echo "postgresql://$1@/$2?host=$PG_HOME&port=$PG_PORT"; }

it "finds the same on a server that was there, and leaves it as it was"
before=$(names)
same_lines --scratch "$(url_of postgres scratch)" "$GOLDEN"/{tables,outside}.txt
expect_equal "$(names)" "$before"

it "needs no superuser, only one who may create databases and roles"
same_lines --scratch "$(url_of maker scratch)" "$GOLDEN/constraints.txt"
expect_equal "$(names)" "$before"

it "says who may not create databases, and what would help"
run timeout 60 "$TRACE" --scratch "$(url_of poor scratch)"
expect_exit 1
expect_stdout_contains "the role poor may not create databases on the scratch server"
expect_stdout_contains "hint: ALTER ROLE poor CREATEDB"

it "leaves the databases of a run that lives alone, and drops those of one that was killed"
printf -- '--- setup\nCREATE TABLE t (i integer);\n' >setup.txt
new_database migrate_verify_left
"$TRACE" --stay --scratch "$(url_of postgres of_others)" setup.txt >/dev/null 2>&1 &
stays=$!
expect eventually 30 has_ours "migrate_verify_${stays}_1"
run timeout 60 "$TRACE" --server --scratch "$(url_of postgres scratch)"
expect_exit 0
expect_equal "$(ours)" "migrate_verify_${stays}_1"
kill -KILL "$stays"
wait "$stays" 2>/dev/null || true
dropped() { "$TRACE" --server --scratch "$(url_of postgres scratch)" && has_ours ""; }
expect eventually 30 dropped
expect_equal "$(names)" "$before"

