#!/usr/bin/env bash
# Logging in with a password stretches it once for each password and salt, not once a connection; and what makes that so
# cannot go missing from a build in silence. limit: 240
source "$(dirname "$0")/lib.sh"

# A sanitizer's executable is dynamic and logs in by libpq's own means. That is for the last case; all others are of the
# static libraries that were built beside it.
[[ -z ${SAN:-} ]] || echo "# SAN=$SAN: all cases but the last are of a static executable without it"
dynamic_tools=$TOOLS_DIR dynamic_gen=$MIGRATE_GEN sanitizer=${SAN:-}
SAN="" TOOLS_DIR=$STATIC_BUILD MIGRATE_GEN=$STATIC_BUILD/migrate-gen

start_postgres --scram
start_proxy

new_project fleet
table_revision fleet shared shar1 ""
write_revision fleet shared shar2 shar1 <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text);

-- migrate:down
DROP TABLE tenants;
SQL
table_revision fleet tenant ten1 ""
# The same password with another salt, in the middle of a run.
write_revision fleet tenant ten2 ten1 <<SQL
-- migrate:up postgresql
ALTER ROLE $PG_USER PASSWORD '$PG_PASSWORD';

-- migrate:up sqlite
-- has no roles

-- migrate:down
-- has no other password to go back to
SQL
build_project fleet fleet-migrate >/dev/null
OURS=$T/fleet/build/fleet-migrate

TENANTS=30
new_database shared
SHARED_DATABASE_URL=$(proxy_url shared) && export SHARED_DATABASE_URL
"$OURS" shared head >/dev/null 2>&1
for ((i = 1; i <= TENANTS; i++)); do
    new_database "t_$i"
    pg_sql shared "INSERT INTO tenants VALUES ('t_$i', '$(proxy_url "t_$i")')"
done

# run_counted COMMAND…: as run; then $CONNECTIONS is how many connections it made.
run_counted() {
    : >"$PROXY_LOG"
    run "$@"
    expect eventually 10 proxy_is_idle
    CONNECTIONS=$(grep -c . "$PROXY_LOG" || true)
}
# expect_keys N: so many were derived, and all other connections used one of them.
expect_keys() { expect_stderr_contains "SCRAM keys: $1 derived, $((CONNECTIONS - $1)) reused"; }

it "derives the key of a role once, for the registry and all tenants, with any number of workers"
run_counted "$OURS" -vv tenant ten1 --jobs 16
expect_exit 0
expect_keys 1
expect test "$CONNECTIONS" -gt "$TENANTS"
run_counted "$OURS" -vv tenant ten1 --jobs 1
expect_exit 0
expect_keys 1

it "says so only when it is asked for everything, and as talk"
run_counted "$OURS" -v tenant ten1
expect_exit 0
expect_stderr_lacks "SCRAM"
run_counted "$OURS" -vv tenant check
expect_stdout_lacks "SCRAM"
expect_keys 1
SHARED_DATABASE_URL=sqlite:///lone.db run "$OURS" -vv shared head
expect_exit 0
expect_stderr_lacks "SCRAM"

it "logs in after the role got the same password with another salt, and derives again"
before=$(pg_sql postgres "SELECT rolpassword FROM pg_authid WHERE rolname = '$PG_USER'")
pg_sql postgres "ALTER ROLE $PG_USER PASSWORD '$PG_PASSWORD'"
expect_not equal "$before" "$(pg_sql postgres "SELECT rolpassword FROM pg_authid WHERE rolname = '$PG_USER'")"
run_counted "$OURS" -vv tenant ten1
expect_exit 0
expect_keys 1

it "notices a new salt in the middle of a run"
run_counted "$OURS" -vv tenant head --jobs 1 --tenant t_1 --tenant t_2 --tenant t_3
expect_exit 0
expect_equal "$(pg_sql t_3 "SELECT version_num FROM alembic_version")" ten2
# One for the registry and the first tenant, one after each tenant that changed the salt: whoever logs in after it.
expect_stderr_matches "SCRAM keys: [34] derived, [0-9]+ reused"

it "has a key for each role"
pg_sql postgres "CREATE ROLE other LOGIN SUPERUSER PASSWORD 'another-7731'"
pg_sql shared "UPDATE tenants SET database_url = replace(database_url, '$PG_USER:$PG_PASSWORD', 'other:another-7731')
               WHERE tenant_id < 't_2'"
run_counted "$OURS" -vv tenant ten1
expect_exit 0
expect_keys 2

it "fails those with a wrong password, before and after others of the same role, and lets nobody in by it"
pg_sql shared "UPDATE tenants SET database_url = replace(database_url, ':$PG_PASSWORD@', ':wrong-7731@')
               WHERE tenant_id IN ('t_4', 't_5', 't_9')"
for jobs in 1 16; do
    run_counted "$OURS" -vv tenant head --jobs "$jobs"
    expect_exit 1
    for tenant in t_4 t_5 t_9; do expect_stderr_matches "$tenant: [^"$'\n'"]*password authentication failed"; done
    expect_stderr_lacks "wrong-7731"
    expect_stderr_lacks "$PG_PASSWORD"
    expect_equal "$(pg_sql t_6 "SELECT version_num FROM alembic_version")" ten2
    expect_equal "$(pg_sql t_9 "SELECT version_num FROM alembic_version")" ten1
done

it "lets them in with the right one again"
pg_sql shared "UPDATE tenants SET database_url = replace(database_url, ':wrong-7731@', ':$PG_PASSWORD@')"
run_counted "$OURS" -vv tenant check --jobs 1
expect_exit 3
expect_keys 2

it "logs in over TLS with channel binding by the same key"
start_postgres --scram --tls --name tls
new_database one two
for name in one two; do
    SHARED_DATABASE_URL="$(pg_url $name)?sslmode=require&channel_binding=require" run "$OURS" -vv shared head
    expect_exit 0
    expect_stderr_contains "SCRAM keys: 1 derived, 0 reused"
done

it "does not build when libpq does not call what is wrapped"
mkdir changed
cp -r fleet/migrations changed/
objcopy --redefine-sym scram_SaltedPassword=scram_ClientKey "$(gcc -print-file-name=libpq.a)" changed/libpq.a
run build_project changed changed-migrate CC="gcc -L$T/changed"
expect_exit 2
expect_stderr_contains "does not call scram_SaltedPassword()"
expect_not test -e changed/build/changed-migrate

if [[ -n $sanitizer ]]; then
    it "logs in the same way, by libpq's own means, where a sanitizer wants a dynamic executable"
    SAN=$sanitizer TOOLS_DIR=$dynamic_tools MIGRATE_GEN=$dynamic_gen
    mkdir dynamic
    cp -r fleet/migrations dynamic/
    build_project dynamic dynamic-migrate >/dev/null
    SHARED_DATABASE_URL=$(pg_url one) run "$T/dynamic/build/dynamic-migrate" -vv shared check
    expect_exit 0
    expect_stderr_lacks "SCRAM"
fi
