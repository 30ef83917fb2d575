#!/usr/bin/env bash
# Many workers and little room: a server with ten connections, a bound for each server, a server that takes no connections
# yet, one that is restarted, and memory over ten thousand tenants. limit: 300
source "$(dirname "$0")/lib.sh"

# The registry is a file, so that the servers have nothing but tenants: a001 … a150 and b001 … b020.
start_postgres --name narrow --conf "max_connections = 10" --conf "client_connection_check_interval = 100ms"
start_postgres --name wide --conf "hot_standby = off"

# at narrow|wide: the variables speak of that server.
at() {
    PG_HOME=$T/$1 PG_DATA=$T/$1/data PG_LOG=$T/$1/log
    PG_PORT=$(sed -n 4p "$PG_DATA/postmaster.pid")
    PSQL=("$PG_BIN/psql" -X -q -A -t -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d postgres)
}

# project NAME: its executable in $OURS.
project() {
    new_stream "$1" shared <<'INI'
[stream]
kind = single
dialects = postgresql, sqlite
url = ${SHARED_DATABASE_URL}
INI
    new_stream "$1" tenant <<'INI'
[stream]
kind = fleet
dialects = postgresql, sqlite
registry = shared
tenants_query = SELECT tenant_id, database_url, schema FROM tenants ORDER BY tenant_id
INI
    registry_revision "$1"
    table_revision "$1" tenant ten1 ""
    write_revision "$1" tenant ten2 ten1 <<'SQL'
-- migrate:up postgresql
CREATE TABLE slow (at timestamptz);
INSERT INTO slow SELECT now() FROM pg_sleep(0.05);

-- migrate:up sqlite
CREATE TABLE slow (at text);

-- migrate:down
DROP TABLE slow;
SQL
    build_project "$1" ours >/dev/null
    OURS=$T/$1/build/ours
}

# tenants PREFIX N: databases on the server that is spoken of, and their rows in the registry.
tenants() {
    local name
    for name in $(seq -f "$1%03g" "$2"); do
        # Copying files is less work than writing all of them into the log too.
        echo "CREATE DATABASE $name TEMPLATE template0 STRATEGY file_copy;" >&3
        echo "INSERT INTO tenants VALUES ('$name', '$(pg_url "$name")', NULL);" >&4
    done 3>databases.sql 4>tenants.sql
    "${PSQL[@]}" -v ON_ERROR_STOP=1 -f databases.sql
    sqlite3 -batch -bail registry.db <tenants.sql
}

project project
export SHARED_DATABASE_URL=sqlite:///$T/registry.db
"$OURS" shared head >/dev/null 2>&1
at narrow
tenants a 150
at wide
tenants b 20

# fill, on the server that is spoken of: sessions that only sit there, until empty. Some come too early, while one before
# them is still leaving, so there are more until nobody gets in any longer, and that is no passing thing.
fill() {
    local end=$((SECONDS + 30)) full=0
    while ((full < 5)); do
        if "${PSQL[@]}" -c "SELECT 1" >/dev/null 2>&1; then
            full=0
            "${PSQL[@]}" -c "SELECT pg_sleep(600)" >/dev/null 2>&1 &
            SITTING+=($!)
        else
            full=$((full + 1))
        fi
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}
SITTING=()
empty() {
    kill "${SITTING[@]}" 2>/dev/null || true
    wait "${SITTING[@]}" || true
    SITTING=()
    eventually 20 "${PSQL[@]}" -c "SELECT 1" # the server has noticed
}

# in_background CMD…: like run, but it goes on until `finished`.
in_background() {
    RAN=$*
    "$@" >"$T/out" 2>"$T/err" </dev/null &
    RUNNING=$!
}
finished() {
    STATUS=0
    wait "$RUNNING" || STATUS=$?
    OUT=$(<"$T/out") ERR=$(<"$T/err")
}
# through PREFIX N: the run says of at least N tenants whose names begin so that they are through.
through() { [[ $(grep -cE "^$1[0-9]+: " "$T/err" || true) -ge $2 ]]; }

# ------------------------------------------------------------------------------------------------- ten connections

it "says of one database for how long its server had nobody, and exits 4"
at narrow
fill
run env SHARED_DATABASE_URL="$(pg_url a001)" "$OURS" shared head --lock-wait 300ms
expect_exit 4
expect_stderr_contains "too many clients"
expect_stderr_contains "the server accepted nobody for 300 ms"

it "visits another server's tenants while one is full, and its own as soon as there is room"
in_background "$OURS" tenant head --jobs 4
expect eventually 60 through b 20
expect_not through a 1
empty
finished
expect_exit 0
expect_stdout_contains "tenant: 170 databases: 170 upgraded (340 revisions)"
run "$OURS" tenant check
expect_exit 0

it "goes through ten connections with 64 workers, and nobody fails"
run "$OURS" tenant downgrade base --jobs 64
expect_exit 0
expect_stdout_contains "tenant: 170 databases: 170 downgraded (340 revisions)"
expect_stderr_matches "127.0.0.1:[0-9]+ has no connection left; going on with [0-9]+ tenants? at a time"
run "$OURS" tenant head --jobs 64
expect_exit 0
expect_stdout_contains "tenant: 170 databases: 170 upgraded (340 revisions)"

# ------------------------------------------------------------------------------------------------- jobs_per_host

# watch SERVER: how many sessions it has beside this one, many times a second, into SERVER.samples.
watch() {
    at "$1"
    printf '%s\n' "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'" \
        "AND pid <> pg_backend_pid()" '\watch 0.01' >watch.sql
    "${PSQL[@]}" -f watch.sql >"$1.samples" 2>/dev/null &
    WATCHING+=($!)
}
WATCHING=()
samples() { grep -xE '[0-9]+' "$1.samples"; }

it "never has more than three sessions on a server with --jobs-per-host 3, and uses two servers at once"
run "$OURS" tenant downgrade base --match 'a0[0-4]*' --match 'b*' --jobs 8
expect_exit 0
watch narrow
watch wide
run "$OURS" tenant head --match 'a0[0-4]*' --match 'b*' --jobs 16 --jobs-per-host 3
kill "${WATCHING[@]}"
wait "${WATCHING[@]}" || true
expect_exit 0
expect_stdout_contains "69 upgraded"
expect_equal "$(samples narrow | sort -n | tail -n 1)" 3
expect_equal "$(samples wide | sort -n | tail -n 1)" 3
# The list has all of one server before those of the other; taken in its order, no b would be through before the last a.
first_b=$(grep -nE '^b[0-9]+: ' err | head -n 1 | cut -d: -f1)
last_a=$(grep -nE '^a[0-9]+: ' err | tail -n 1 | cut -d: -f1)
expect test "$first_b" -lt "$last_a"

it "keeps a connection for tenants of one database also within that bound"
at wide
"${PSQL[@]}" -c "CREATE DATABASE shop"
for i in $(seq 10 29); do
    echo "CREATE SCHEMA s$i;" >&3
    echo "INSERT INTO tenants VALUES ('c$i', '$(pg_url shop)', 's$i');" >&4
done 3>schemas.sql 4>tenants.sql
pg_sql shop "$(<schemas.sql)"
sqlite3 -batch -bail registry.db <tenants.sql
before=$(pg_sql postgres "SELECT sessions FROM pg_stat_database WHERE datname = 'shop'")
WATCHING=()
watch wide
run "$OURS" tenant head --match 'c*' --match 'a00*' --jobs 8 --jobs-per-host 2
kill "${WATCHING[@]}"
wait "${WATCHING[@]}" || true
expect_exit 0
expect_stdout_contains "29 databases: 20 upgraded (40 revisions)"
expect_equal "$(samples wide | sort -n | tail -n 1)" 2
# Two workers have a connection each, and may once have let it go for a tenant of the other server.
sessions_are_few() { (($(pg_sql postgres "SELECT sessions FROM pg_stat_database WHERE datname = 'shop'") <= before + 6)); }
expect sessions_are_few

# ------------------------------------------------------------------------------------------ starting, restarted

it "waits for a server that takes no connections yet, and visits another's tenants meanwhile"
run "$OURS" tenant downgrade base --match 'a00*' --match 'b*'
expect_exit 0
at wide
stop_postgres fast
touch "$PG_DATA/standby.signal" # with hot_standby off it recovers until it is promoted
start_postgres_again
in_background "$OURS" tenant head --match 'a00*' --match 'b*' --jobs 4
expect eventually 60 through a 9
expect_not through b 1
as_server "$PG_BIN/pg_ctl" -D "$PG_DATA" -w -s promote
finished
expect_exit 0
expect_stdout_contains "29 upgraded"

it "outlasts a server that is restarted in the middle, with --wait"
run "$OURS" tenant downgrade base --match 'b*'
expect_exit 0
in_background "$OURS" tenant head --match 'b*' --jobs 3 --wait 60s
expect eventually 60 through b 3
restart_postgres fast
finished
expect_exit 0
expect_stdout_contains "20 databases: 20 upgraded"
expect_equal "$(pg_sql b020 "SELECT count(*) FROM slow")" 1

# --------------------------------------------------------------------------------------------------------- memory

it "visits ten thousand tenants in less than 24 MiB of memory"
(SAN="" TOOLS_DIR=$STATIC_BUILD MIGRATE_GEN=$STATIC_BUILD/migrate-gen && project plain && echo "$OURS" >ours)
export SHARED_DATABASE_URL=sqlite:///$T/ten_thousand.db
run "$(<ours)" shared head
sqlite_sql one.db "PRAGMA page_size = 512; VACUUM"
sqlite_sql ten_thousand.db "INSERT INTO tenants VALUES ('one', 'sqlite:///$T/one.db', NULL)"
run "$(<ours)" tenant head
expect_exit 0
# URLs of about eighty bytes.
folder=$T/$(printf 'x%.0s' $(seq $((66 - ${#T}))))
mkdir "$folder"
python3 - "$folder" >rows.sql <<'PYTHON'
import sys
folder = sys.argv[1]
content = open("one.db", "rb").read()
print("BEGIN; DELETE FROM tenants;")
for i in range(10000):
    open(f"{folder}/{i:04}.db", "wb").write(content)
    print(f"INSERT INTO tenants VALUES ('tenant-{i:04}', 'sqlite:///{folder}/{i:04}.db', NULL);")
print("COMMIT;")
PYTHON
sqlite3 -batch -bail ten_thousand.db <rows.sql
run python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print("peak:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)' "$(<ours)" tenant head
expect_exit 0
expect_stdout_contains "tenant: 10000 databases: 0 upgraded, 10000 unchanged"
expect test "$(sed -n 's/^peak: //p' out)" -lt $((24 * 1024))
