#!/usr/bin/env bash
# What a visit costs on the wire, counted by a proxy between us and the server (proxy.c): turns, bytes, connections, and
# how many of them are open at a time. A turn is one wait for the server, so the time that a distant one costs. limit: 240
source "$(dirname "$0")/lib.sh"

start_postgres --scram
start_proxy

TENANTS=24
new_project fleet
new_stream fleet tenant <<'INI'
[stream]
kind = fleet
dialects = postgresql
registry = shared
tenants_query = SELECT tenant_id, database_url, schema FROM tenants ORDER BY tenant_id
INI
write_revision fleet shared shar1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text, schema text);

-- migrate:down
DROP TABLE tenants;
SQL
before=""
for ((i = 1; i <= 9; i++)); do
    table_revision fleet tenant "rev$i" "$before"
    before=rev$i
done
build_project fleet fleet-migrate >/dev/null
OURS=$T/fleet/build/fleet-migrate

new_database shared
SHARED_DATABASE_URL=$(pg_url shared) && export SHARED_DATABASE_URL # past the proxy, which sees the tenants alone
"$OURS" shared head >/dev/null 2>&1
for ((i = 1; i <= TENANTS; i++)); do
    new_database "t_$i"
    pg_sql shared "INSERT INTO tenants VALUES ('t_$i', '$(proxy_url "t_$i")')"
done

# visits STREAM ARGUMENT…: a run; then the lines of the proxy's log are those of its connections alone.
visits() {
    : >"$PROXY_LOG"
    run "$OURS" "$@"
    expect_exit 0
    expect eventually 10 proxy_is_idle
}

# seen WHAT: for every connection one number, the different ones once; of "turns up down open bye".
seen() {
    local columns=(turns up down open bye) i
    for i in "${!columns[@]}"; do
        [[ ${columns[i]} != "$1" ]] || cut -f$((i + 1)) "$PROXY_LOG" | sort -nu | xargs
    done
}
most() { awk '{print $NF}' <<<"$(seen "$1")"; }
connections() { grep -c . "$PROXY_LOG" || true; }

it "takes at most two more turns to find a database empty"
visits tenant rev1
expect_equal "$(connections)" "$TENANTS"
expect test "$(most turns)" -le 8

it "takes 6 turns for one pending revision: 3 to log in, 1 to look, 1 to apply it, and a goodbye"
visits tenant rev2
expect_equal "$(connections) $(seen turns)" "$TENANTS 6"

it "takes 5 turns, 1 kB up and 2.5 kB down, logging in included, to see that there is nothing to do"
visits tenant rev2
expect_equal "$(connections) $(seen turns)" "$TENANTS 5"
expect test "$(most up)" -lt 1000
expect test "$(most down)" -lt 2500
echo "# $(most up) bytes up, $(most down) down"

it "takes one turn more for each further revision"
visits tenant rev5
expect_equal "$(connections) $(seen turns)" "$TENANTS 8"
visits tenant head
expect_equal "$(connections) $(seen turns)" "$TENANTS 9"
visits tenant downgrade rev7
expect_equal "$(connections) $(seen turns)" "$TENANTS 7"

it "takes one turn for all of them with --transaction all, and 5 to only look"
visits tenant head --transaction all
expect_equal "$(seen turns)" 6
visits tenant check
expect_equal "$(connections) $(seen turns)" "$TENANTS 5"

it "says goodbye on every connection, and has no more of them open than --jobs"
for jobs in 1 4; do
    visits tenant head --jobs "$jobs"
    expect_equal "$(seen bye)" 1
    expect test "$(most open)" -le "$jobs"
done
visits tenant downgrade base --jobs 4
expect_equal "$(connections) $(seen bye)" "$TENANTS 1"
expect test "$(most open)" -le 4

it "costs a single stream no more than a tenant"
new_database lone
for _ in 1 2; do
    SHARED_DATABASE_URL=$(proxy_url lone) visits shared head
done
expect_equal "$(connections) $(seen turns) $(seen bye)" "1 5 1"

it "shares a connection between tenants that are schemas of one database"
new_database many
pg_sql shared "DELETE FROM tenants"
pg_sql shared "INSERT INTO tenants SELECT 's_' || i, '$(proxy_url many)', 's_' || i FROM generate_series(1, 40) i"
pg_sql many "DO 'BEGIN FOR i IN 1..40 LOOP EXECUTE format(''CREATE SCHEMA s_%s'', i); END LOOP; END'"
visits tenant head
visits tenant head --jobs 4
expect test "$(connections)" -le 4
expect test "$(connections)" -ge 1
expect_equal "$(awk '{turns += $1} END {print turns}' "$PROXY_LOG")" $((4 * $(connections) + 40))
expect_equal "$(seen bye)" 1
visits tenant head --jobs 1
expect_equal "$(connections) $(seen turns)" "1 44"
