#!/usr/bin/env bash
# What a new tenant costs on PostgreSQL: the sample's revisions run in a new database, and a copy of a template. Rounds of
# both, one after the other, on one server; milliseconds a tenant. new_tenants.sh [ROUNDS [TENANTS]]
source "$(dirname "$0")/../integration/lib.sh"

rounds=${1:-3} tenants=${2:-10}
it "measures"
start_postgres
new_database registry
SHARED_DATABASE_URL=$(pg_url registry) && export SHARED_DATABASE_URL
"$MIGRATE" shared head -q
export TENANT_DATABASE_URL="${SHARED_DATABASE_URL%/*}/{tenant_id}"
create() { # NAME ARGUMENT…
    local i began
    for ((i = 0; i < tenants; i++)); do
        pg_sql registry "INSERT INTO tenants (tenant_id, name) VALUES ('$1_$i', 'x')"
    done
    began=$(date +%s%N)
    "$MIGRATE" tenant head --match "$1_*" --jobs 1 --on-missing create -q "${@:2}" >/dev/null
    echo "$((($(date +%s%N) - began) / 1000000 / tenants))"
}
create warm --template sample_template >/dev/null
for ((round = 1; round <= rounds; round++)); do
    echo "# revisions $(create "r$round") ms, template $(create "t$round" --template sample_template) ms"
done
# The server's own part, by strategy.
for strategy in wal_log file_copy; do
    began=$(date +%s%N)
    for ((i = 0; i < tenants; i++)); do
        pg_sql postgres "CREATE DATABASE ${strategy}_$i TEMPLATE sample_template STRATEGY $strategy"
    done
    echo "# strategy $strategy: $((($(date +%s%N) - began) / 1000000 / tenants)) ms"
done
ok
