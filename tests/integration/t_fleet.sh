#!/usr/bin/env bash
# A fleet on PostgreSQL and SQLite together: tenants by URL, by template, by schema; missing ones, required revisions,
# other roles, several servers. limit: 300
source "$(dirname "$0")/lib.sh"

start_postgres --scram

# fleet NAME: a project whose tenants come from $TENANTS_QUERY, with further lines for the tenants' env.ini from stdin.
fleet() {
    new_project "$1"
    {
        printf '%s\n' '[stream]' 'kind = fleet' 'dialects = postgresql, sqlite' 'registry = shared' \
            "tenants_query = $TENANTS_QUERY"
        cat
    } >"$1/migrations/tenant/env.ini"
    write_revision "$1" shared shar1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text, schema text, host text, port text, database text);

-- migrate:down
DROP TABLE tenants;
SQL
    table_revision "$1" shared shar2 shar1
    write_revision "$1" tenant ten1 "" <<'SQL'
-- migrate:up postgresql
CREATE TABLE mine (tenant text);
INSERT INTO mine VALUES (current_setting('migrate.tenant_id'));

-- migrate:up sqlite
CREATE TABLE mine (tenant text);
INSERT INTO mine VALUES (migrate_setting('tenant_id'));

-- migrate:down
DROP TABLE mine;
SQL
    write_revision "$1" tenant ten2 ten1 "Requires: shared@shar2" <<'SQL'
-- migrate:up
ALTER TABLE mine ADD COLUMN more text;

-- migrate:down
ALTER TABLE mine DROP COLUMN more;
SQL
    build_project "$1" "$1-migrate" >/dev/null
    OURS=$T/$1/build/$1-migrate
}
# registry NAME: a shared database at head, and $REGISTRY its name.
registry() {
    REGISTRY=$1
    new_database "$1"
    SHARED_DATABASE_URL=$(pg_url "$1") && export SHARED_DATABASE_URL
    "$OURS" shared head >/dev/null 2>&1
}
pg_true() { [[ $(pg_sql "$1" "$2") == t ]]; }
tenant() { pg_sql "$REGISTRY" "INSERT INTO tenants (tenant_id, $1) VALUES ($2)"; }

# ------------------------------------------------------------------------------------------------------- by URL

TENANTS_QUERY="SELECT tenant_id, database_url FROM tenants ORDER BY tenant_id"
fleet mixed </dev/null
registry mixed

it "migrates tenants on two servers and in SQLite files with one command"
first=$(pg_url t_one)
new_database t_one
start_postgres --scram --name second
new_database t_two
second=$(pg_url t_two)
PG_HOME=$T/pg PG_PORT=$(sed -n 4p "$T/pg/data/postmaster.pid")
tenant database_url "'one', '$first'"
tenant database_url "'two', '$second'"
tenant database_url "'three', 'sqlite:///three.db'"
run "$OURS" tenant head
expect_exit 0
expect_equal "$(pg_sql t_one "SELECT tenant FROM mine")" one
expect_equal "$(sqlite_sql three.db "SELECT tenant FROM mine")" three
run "$OURS" tenant status --json
expect_exit 0
run "$OURS" tenant check
expect_exit 0

it "takes only the tenants that are named, in both spellings"
run "$OURS" tenant downgrade ten1 --tenant one --tenant three
expect_exit 0
run "$OURS" tenant check
expect_exit 3
run "$OURS" -n tenant upgrade head -x tenant_id=one
expect_exit 0
run "$OURS" tenant current --tenant three
expect_stdout_contains ten1
run "$OURS" tenant current --tenant one
expect_stdout_contains ten2

it "goes on although a server is down, exits 4 when that is all, and names the tenant"
(PG_DATA=$T/second/data && stop_postgres fast)
run "$OURS" tenant head
expect_exit 4
expect_equal "$(sqlite_sql three.db "SELECT version_num FROM alembic_version")" ten2
expect_stderr_contains two

it "waits for it with --wait"
port=${second##*127.0.0.1:} && port=${port%%/*}
(sleep 1 && as_server "$PG_BIN/pg_ctl" -D "$T/second/data" -l "$T/second/log" -o "-p $port" -w -s start) >start.out 2>&1 &
run "$OURS" tenant head --wait 30s
expect_exit 0
wait || cat start.out

it "refuses what requires a revision that the registry's database has not (exit 4)"
run "$OURS" shared downgrade shar1
expect_exit 0
run "$OURS" tenant downgrade ten1 --tenant three
run "$OURS" tenant head
expect_exit 4
expect_stderr_contains "shared@shar2"
expect_stderr_contains "mixed-migrate shared head"

it "asks that once, before any tenant is touched, also of those that had something else to do"
run "$OURS" tenant downgrade base --tenant three
expect_exit 0
run "$OURS" tenant head --json
expect_exit 4
expect_equal "$(sqlite_sql three.db "SELECT count(*) FROM alembic_version")" 0
expect_stdout_lacks '"event":"database"'
run "$OURS" tenant ten1
expect_exit 0
run "$OURS" all head
expect_exit 0

it "visits in the same run who appeared while it was at work"
run "$OURS" tenant downgrade ten1 --tenant one
mkfifo holder
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d t_one <holder >/dev/null 2>&1 &
exec 7>holder
echo "BEGIN; LOCK TABLE alembic_version;" >&7
eventually 10 pg_true t_one "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'alembic_version'::regclass"
"$OURS" tenant head >late.out 2>late.err &
late=$!
eventually 10 pg_true t_one "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
tenant database_url "'newcomer', 'sqlite:///newcomer.db'"
echo "COMMIT;" >&7
expect wait "$late"
exec 7>&-
expect_equal "$(sqlite_sql newcomer.db "SELECT version_num FROM alembic_version")" ten2
expect grep -q '1 tenant appeared meanwhile' late.err
expect grep -q '^tenant: 4 databases: 2 upgraded' late.out

it "warns of tenants that have one database, which a forgotten placeholder does to all"
run "$OURS" tenant head
expect_exit 0
expect_stderr_lacks "the same database"
for i in 1 2 3; do tenant database_url "'shares$i', 'sqlite:///pooled.db'"; done
run "$OURS" tenant head --match 'shares[12]' --jobs 1
expect_exit 0
expect_stderr_contains "warning: shares2 has the same database as shares1 (sqlite:///pooled.db): each revision runs there once"
run "$OURS" tenant head --jobs 1
expect_exit 0
expect_stderr_contains "shares2 has the same database as shares1 (sqlite:///pooled.db), and others share one, too: each"
pg_sql "$REGISTRY" "DELETE FROM tenants WHERE tenant_id LIKE 'shares%'"

# ------------------------------------------------------------------------------------------------------- missing

it "fails, skips or creates a database that does not exist"
tenant database_url "'unborn', '$(pg_url t_unborn)'"
run "$OURS" tenant head
expect_exit 1
expect_stderr_contains t_unborn
run "$OURS" tenant head --on-missing skip
expect_exit 0
run "$OURS" tenant status
expect_exit 1
expect_equal "$(pg_sql postgres "SELECT count(*) FROM pg_database WHERE datname = 't_unborn'")" 0
run "$OURS" tenant head --on-missing create
expect_exit 0
expect_equal "$(pg_sql t_unborn "SELECT tenant FROM mine")" unborn

it "exits 1 for a tenant whose login is refused; the others are at head"
tenant database_url "'locked', '$(pg_url t_one | sed "s/:$PG_PASSWORD@/:wrong@/")'"
run "$OURS" tenant head
expect_exit 1
expect_stderr_contains locked
expect_stderr_lacks ":wrong@"

# ------------------------------------------------------------------------------------------------------- by template

TENANTS_QUERY="SELECT tenant_id, host, port, database FROM tenants ORDER BY tenant_id"
fleet template <<'INI'
tenant_url = postgresql+asyncpg://${ROLE}:${ROLE_PASSWORD}@{host}:{port}/{database}
INI
registry template
it "fills a template with the columns of the query, whatever they hold"
export ROLE=odd ROLE_PASSWORD='p@ss/w%41:d#?'
pg_sql postgres "CREATE ROLE odd LOGIN SUPERUSER PASSWORD '$ROLE_PASSWORD'"
new_database 'My Data+base%20?x' plain_one
tenant "host, port, database" "'strange', '127.0.0.1', '$PG_PORT', 'My Data+base%20?x'"
tenant "host, port, database" "'plain', '127.0.0.1', '$PG_PORT', 'plain_one'"
tenant "host, port, database" "'homeless', NULL, NULL, NULL"
run "$OURS" tenant head
expect_exit 1
expect_stderr_contains homeless
expect_equal "$(pg_sql 'My Data+base%20?x' "SELECT tenant FROM mine")" strange
expect_equal "$(pg_sql plain_one "SELECT tenant FROM mine")" plain
pg_sql template "DELETE FROM tenants WHERE tenant_id = 'homeless'"

it "names the variable that is not set, with its stream and key, only when it is needed"
unset ROLE_PASSWORD
run "$OURS" tenant history
expect_exit 0
run "$OURS" tenant head
expect_stderr_contains ROLE_PASSWORD
expect_stderr_contains tenant_url
expect_that "exit 0" fails equal "$STATUS" 0 || true

it "takes another role, and a password file for each tenant"
export ROLE_PASSWORD=not-this-one
mkdir secrets
echo "$PG_PASSWORD" >secrets/plain
printf '%s' "$PG_PASSWORD" >secrets/strange
export TEMPLATE_MIGRATE_TENANT_USER=$PG_USER TEMPLATE_MIGRATE_TENANT_TENANT_PASSWORD_FILE="secrets/{tenant_id}"
run "$OURS" tenant check
expect_exit 0
rm secrets/plain
run "$OURS" tenant check
expect_stderr_contains "secrets/plain"
expect_that "exit 0" fails equal "$STATUS" 0 || true
unset TEMPLATE_MIGRATE_TENANT_USER TEMPLATE_MIGRATE_TENANT_TENANT_PASSWORD_FILE

# ------------------------------------------------------------------------------------------------------- by schema

TENANTS_QUERY="SELECT tenant_id, schema FROM tenants ORDER BY tenant_id"
fleet schemas <<'INI'
tenant_url = ${TENANT_DATABASE_URL}
INI
registry schemas
new_database many
TENANT_DATABASE_URL=$(pg_url many) && export TENANT_DATABASE_URL
it "keeps one schema for each tenant of a database, each with its own version table and log"
names=("alpha" "Beta Gamma" "quote\"d" "semi;colon" "dot.ted" "ünïcode")
for name in "${names[@]}"; do
    tenant schema "'id of $name', '$name'"
    pg_sql many "CREATE SCHEMA \"${name//\"/\"\"}\""
done
run "$OURS" tenant head
expect_exit 0
for name in "${names[@]}"; do
    quoted="\"${name//\"/\"\"}\""
    expect_equal "$(pg_sql many "SELECT tenant || ', ' || version_num FROM $quoted.mine, $quoted.alembic_version")" "id of $name, ten2"
    expect_equal "$(pg_sql many "SELECT count(*) FROM $quoted.migrate_log")" 2
done
expect_equal "$(pg_sql many "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'")" 0
run "$OURS" tenant head
expect_exit 0
run "$OURS" tenant check
expect_exit 0

it "treats a schema that does not exist like a database that does not exist"
tenant schema "'late', 'late'"
run "$OURS" tenant head
expect_exit 1
expect_stderr_contains late
expect_stderr_contains "--on-missing create"
run "$OURS" tenant head --on-missing skip
expect_exit 0
run "$OURS" tenant head --on-missing create
expect_exit 0
expect_equal "$(pg_sql many "SELECT tenant FROM late.mine")" late

it "refuses names that the server would cut, since two tenants could then share one schema or database"
long=$(printf 'n%.0s' {1..63})
tenant schema "'first of a kind', '${long}1'"
tenant schema "'second of a kind', '${long}2'"
run "$OURS" tenant head --on-missing create
expect_exit 2
expect_stderr_contains "first of a kind: the name of the schema \"${long}1\" is longer than 63 bytes"
expect_equal "$(pg_sql many "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'nn%'")" 0
pg_sql schemas "DELETE FROM tenants WHERE schema LIKE 'nn%'"
TENANT_DATABASE_URL=$(pg_url "${long}3") run "$OURS" tenant head --tenant late --on-missing create
expect_exit 2
expect_stderr_contains "the name of the database \"${long}3\" is longer than 63 bytes"
expect_equal "$(pg_sql many "SELECT count(*) FROM pg_database WHERE datname LIKE 'nn%'")" 0

it "moves one tenant of a shared database alone"
run "$OURS" tenant downgrade base --tenant late
expect_exit 0
expect_equal "$(pg_sql many "SELECT count(*) FROM late.alembic_version")" 0
expect_equal "$(pg_sql many "SELECT version_num FROM alpha.alembic_version")" ten2

it "serves many tenants with few connections when they share a database"
for i in {1..60}; do tenant schema "'s$i', 's$i'"; done
before=$(pg_sql postgres "SELECT sum(sessions) FROM pg_stat_database WHERE datname = 'many'")
run "$OURS" tenant head --on-missing create --jobs 4
expect_exit 0
eventually 5 sh -c "[ \"\$($PG_BIN/psql -X -A -t -h $PG_HOME -p $PG_PORT -U $PG_USER -d postgres -c "'"'"SELECT count(*) FROM pg_stat_activity WHERE datname = 'many'"'"'")\" = 0 ]"
sleep 0.6
after=$(pg_sql postgres "SELECT sum(sessions) FROM pg_stat_database WHERE datname = 'many'")
expect_that "$((after - before)) connections for 67 tenants" test $((after - before)) -le 12
expect_equal "$(pg_sql many "SELECT count(*) FROM pg_class WHERE relname = 'mine'")" 67
