#!/usr/bin/env bash
# The fleet's ledger on real servers: who is visited and who is known, everything that ends belief, replicas that start
# together, registries that cannot be read or written, ten thousand SQLite files. limit: 300
source "$(dirname "$0")/lib.sh"

start_postgres --conf "log_connections = on"

# project NAME: the streams shared and tenant, one revision each, where the ledger is trusted and one tenant at a time is
# visited, so that exactly one tenant per server is visited first.
project() {
    new_project "$1"
    cat >"$1/migrations/tenant/env.ini" <<'INI'
[stream]
kind = fleet
dialects = postgresql, sqlite
registry = shared
tenants_query = SELECT tenant_id, database_url, schema FROM tenants ORDER BY tenant_id
ledger = trust
ledger_sample = 0
jobs = 1
INI
    registry_revision "$1"
    table_revision "$1" tenant ten1 ""
    table_revision "$1" tenant ten2 ten1
}

# revision NAME STREAM ID REVISES: one more, and $OURS built with it.
revision() {
    [[ $# == 1 ]] || table_revision "$@"
    build_project "$1" migrate >/dev/null
    OURS=$T/$1/build/migrate
}

registry() {
    SHARED_DATABASE_URL=$1
    export SHARED_DATABASE_URL
}

# tenants N PREFIX: N databases, and their rows in the registry $REGISTRY.
tenants() {
    local i
    for ((i = 1; i <= $1; i++)); do
        new_database "$2$i"
        pg_sql "$REGISTRY" "INSERT INTO tenants VALUES ('$2$i', '$(pg_url "$2$i")')"
    done
}

# to_head [ARGUMENT]…: brings the tenants to head; $VISITS says how many connections there were to tenants' databases.
to_head() {
    visiting "$OURS" tenant head "$@"
}
visiting() {
    local before
    before=$(wc -l <"$PG_LOG")
    run "$@"
    VISITS=$(tail -n "+$((before + 1))" "$PG_LOG" | grep -Ec 'connection authorized: .* database=t[0-9]+' || true)
}
known() { pg_sql "$REGISTRY" "SELECT coalesce(string_agg(tenant, ',' ORDER BY tenant), '') FROM migrate_ledger WHERE tenant <> ''"; }

REGISTRY=shared
new_database shared
registry "$(pg_url shared)"
project fleet
revision fleet
"$OURS" shared head >/dev/null 2>&1
tenants 6 t

# --------------------------------------------------------------------------------------------------------- belief

it "visits everybody once, and then only the first tenant of the server"
to_head
expect_exit 0
expect_equal "$VISITS" 6
expect_stdout_contains "6 upgraded"
expect_equal "$(known)" t1,t2,t3,t4,t5,t6
expect_equal "$(pg_sql shared "SELECT target FROM migrate_ledger WHERE tenant = 't2'")" "127.0.0.1:$PG_PORT/t2"
expect_equal "$(pg_sql shared "SELECT count(DISTINCT server) FROM migrate_ledger")" 1
to_head
expect_exit 0
expect_equal "$VISITS" 1
expect_stdout_contains "1 unchanged, 5 known by the ledger"
expect_stderr_lacks migrate_ledger

it "visits a random sample besides"
to_head --ledger-sample 2
expect_equal "$VISITS" 3
expect_stdout_contains "3 unchanged, 3 known by the ledger"
to_head --ledger-sample 100%
expect_equal "$VISITS" 6
expect_stdout_lacks "known by"

it "visits everybody with --no-ledger, with ledger = off and for check --deep, and check believes it"
to_head --no-ledger
expect_equal "$VISITS" 6
to_head --ledger off
expect_equal "$VISITS" 6
visiting "$OURS" tenant check
expect_exit 0
expect_equal "$VISITS" 1
visiting "$OURS" tenant check --no-ledger
expect_equal "$VISITS" 6
visiting "$OURS" tenant check --deep
expect_equal "$VISITS" 6

it "lets check --deep find what was changed behind its back"
downgrade_by_hand() { pg_sql "$1" "DROP TABLE t_ten2; UPDATE alembic_version SET version_num = 'ten1'"; }
downgrade_by_hand t4
to_head
expect_exit 0
expect_equal "$VISITS" 1
run "$OURS" tenant check
expect_exit 0
run "$OURS" tenant check --deep
expect_exit 3
expect_stdout_contains t4

it "believes no longer what check --deep found to be wrong"
run "$OURS" tenant check
expect_exit 3
to_head
expect_stdout_contains "1 upgraded (1 revision)"

it "finds it when the row is too old"
downgrade_by_hand t4
pg_sql shared "UPDATE migrate_ledger SET visited = visited - interval '2 hours'"
to_head --ledger-max-age 3h
expect_equal "$VISITS" 1
pg_sql shared "UPDATE migrate_ledger SET visited = visited - interval '2 hours'"
to_head --ledger-max-age 1h
expect_equal "$VISITS" 6
expect_stdout_contains "1 upgraded (1 revision), 5 unchanged"

it "finds it by the sample, and then visits everybody"
downgrade_by_hand t1
downgrade_by_hand t5
to_head --ledger-sample 1
expect_exit 0
expect_equal "$VISITS" 6
expect_stdout_contains "2 upgraded (2 revisions), 4 unchanged"
expect_stderr_contains "tenant t1 is not where migrate_ledger says, so every tenant is visited"
to_head
expect_equal "$VISITS" 1

it "visits a tenant that lives at another address"
pg_sql postgres "CREATE DATABASE t77 TEMPLATE t3"
pg_sql shared "UPDATE tenants SET database_url = '$(pg_url t77)' WHERE tenant_id = 't3'"
to_head
expect_equal "$VISITS" 2
pg_sql shared "UPDATE tenants SET database_url = '$(pg_url t3)' WHERE tenant_id = 't3'"
to_head
expect_equal "$VISITS" 2

it "takes options of an address for a part of it, and writes none of them down"
url=$(pg_url t6)
pg_sql shared "UPDATE tenants SET database_url = '${url}?options=-c%20my.secret%3Dxyzzy' WHERE tenant_id = 't6'"
to_head
expect_equal "$VISITS" 2
to_head
expect_equal "$VISITS" 1
expect_equal "$(pg_sql shared "SELECT count(*) FROM migrate_ledger WHERE target LIKE '%xyzzy%'")" 0
pg_sql shared "UPDATE tenants SET database_url = '$url' WHERE tenant_id = 't6'"
to_head

it "visits everybody when the server went on from a backup"
stop_postgres
as_server touch "$PG_DATA/standby.signal"
as_server "$PG_BIN/pg_ctl" -D "$PG_DATA" -l "$PG_LOG" -o "-p $PG_PORT" -w -s start
run "$OURS" tenant check
expect_exit 0
expect_stderr_lacks migrate_ledger
as_server "$PG_BIN/pg_ctl" -D "$PG_DATA" -w -s promote
to_head
expect_exit 0
expect_equal "$VISITS" 6
to_head
expect_equal "$VISITS" 1

# ------------------------------------------------------------------------------------------------------ revisions

it "visits everybody for another set of revisions, and nobody more for another build"
revision fleet shared shar2 shar1
run "$OURS" shared head
to_head
expect_equal "$VISITS" 1
revision fleet tenant ten3 ten2
to_head
expect_exit 0
expect_equal "$VISITS" 6
expect_stdout_contains "6 upgraded"
to_head
expect_equal "$VISITS" 1

# ------------------------------------------------------------------------------------------------------ forgetting

it "forgets the tenants that a downgrade, a stamp or a repair is about"
run "$OURS" tenant downgrade ten2 --tenant t2
expect_exit 0
expect_equal "$(known)" t1,t3,t4,t5,t6
to_head
expect_equal "$VISITS" 2
expect_equal "$(known)" t1,t2,t3,t4,t5,t6
run "$OURS" tenant stamp ten3 --tenant t5
expect_exit 0
expect_equal "$(known)" t1,t2,t3,t4,t6
run "$OURS" tenant repair --tenant t6 --tenant t1
expect_exit 0
expect_equal "$(known)" t2,t3,t4
to_head
expect_equal "$(known)" t1,t2,t3,t4,t5,t6

it "forgets nobody for a mistake in the command line, and in the end also past the deadline"
run "$OURS" tenant downgrade ten2 --canary t66
expect_exit 2
expect_equal "$(known)" t1,t2,t3,t4,t5,t6
is_locked() { pg_sql "$1" "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'alembic_version'::regclass" | grep -q 1; }
mkfifo held
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d t3 <held >/dev/null 2>&1 &
exec 7>held
echo "BEGIN; LOCK TABLE alembic_version;" >&7
eventually 10 is_locked t3
run "$OURS" tenant downgrade ten2 --tenant t3 --deadline 1s
exec 7>&-
expect_exit 4
expect_stderr_lacks migrate_ledger
expect_equal "$(known)" t1,t2,t4,t5,t6
to_head
expect_exit 0

it "forgets before it begins"
pg_sql t3 "DROP TABLE t_ten3"
run "$OURS" tenant downgrade ten2
expect_exit 1
expect_equal "$(known)" ""
pg_sql t3 "CREATE TABLE t_ten3 (id integer PRIMARY KEY)"
to_head
expect_exit 0
expect_equal "$(known)" t1,t2,t3,t4,t5,t6

# ------------------------------------------------------------------------------------------------------- registries

it "does not believe a copy of the registry in another database"
pg_sql postgres "CREATE DATABASE staging TEMPLATE shared"
registry "$(pg_url staging)"
downgrade_by_hand3() { pg_sql "$1" "DROP TABLE t_ten3; UPDATE alembic_version SET version_num = 'ten2'"; }
downgrade_by_hand3 t6
to_head
expect_equal "$VISITS" 6
expect_stdout_contains "1 upgraded"
expect_stderr_lacks migrate_ledger
to_head
expect_equal "$VISITS" 1

it "does not believe a copy of the registry on another server"
main=$PG_HOME main_port=$PG_PORT main_log=$PG_LOG
pg_sql shared "DELETE FROM tenants WHERE tenant_id > 't4'"
"$PG_BIN/pg_dump" -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" shared >shared.sql
mkdir own # its own initdb: copies of one cluster share their system identifier
TEST_RUN_DIR=$T/own start_postgres --name other
new_database shared
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d shared -f shared.sql >/dev/null
registry "$(pg_url shared)"
PG_HOME=$main PG_PORT=$main_port PG_LOG=$main_log
to_head
expect_exit 0
expect_equal "$VISITS" 4
to_head
expect_equal "$VISITS" 1
registry "$(pg_url shared)"

it "warns once of a registry that it may not write to, and visits everybody"
pg_sql shared "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
registry "$(pg_url shared | sed 's|//postgres[^@]*@|//reader@|')"
to_head --ledger-sample 1
expect_exit 0
expect_equal "$VISITS" 4
expect_stderr_matches "migrate_ledger cannot be written, so every tenant is visited: .*permission denied"
expect_equal "$(grep -c migrate_ledger "$T/err")" 1

it "changes no tenant whose row it may not delete, and says what the role needs"
run "$OURS" tenant downgrade ten2 --tenant t2
expect_exit 2
expect_stderr_contains "the registry's role needs SELECT, INSERT, UPDATE and DELETE on migrate_ledger"
expect_equal "$(pg_sql t2 "SELECT version_num FROM alembic_version")" ten3
pg_sql shared "DELETE FROM migrate_ledger WHERE tenant = 't2'"
run "$OURS" tenant downgrade ten2 --tenant t2
expect_exit 0

it "warns once of a ledger that it may not read"
pg_sql shared "REVOKE SELECT ON migrate_ledger FROM reader"
to_head
expect_exit 0
expect_equal "$VISITS" 4
expect_stderr_matches "migrate_ledger cannot be read, so every tenant is visited: .*permission denied"
expect_equal "$(grep -c migrate_ledger "$T/err")" 1
registry "$(pg_url shared)"

it "keeps nothing of a server that does not say which one it is, and migrates all the same"
to_head
expect_equal "$(known)" t1,t2,t3,t4,t5,t6
pg_sql t1 "CREATE ROLE plain LOGIN; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain"
pg_sql shared "UPDATE tenants SET database_url = '$(pg_url t1 | sed 's|//postgres|//plain|')' WHERE tenant_id = 't1'"
to_head --ledger-max-age 0
expect_exit 0
expect_stdout_contains "4 unchanged"
expect_stderr_contains "the server of tenant t1 does not say which one it is"
expect_equal "$(grep -c 'does not say' "$T/err")" 1
pg_sql shared "UPDATE tenants SET database_url = '$(pg_url t1)' WHERE tenant_id = 't1'"

# --------------------------------------------------------------------------------------- schemas behind a pooler

it "knows tenants that are schemas of one database, behind PgBouncer"
start_pgbouncer
REGISTRY=pooled
new_database pooled t90
registry "$(bouncer_url pooled)"
"$OURS" shared head >/dev/null 2>&1
for i in 1 2 3 4 5; do
    pg_sql t90 "CREATE SCHEMA s$i"
    pg_sql pooled "INSERT INTO tenants VALUES ('p$i', '$(bouncer_url t90)', 's$i')"
done
to_head
expect_exit 0
expect_stdout_contains "5 upgraded"
to_head
expect_stdout_contains "1 unchanged, 4 known by the ledger"
expect_equal "$(pg_sql pooled "SELECT target FROM migrate_ledger WHERE tenant = 'p3'")" "127.0.0.1:$BOUNCER_PORT/t90 schema s3"
pg_sql pooled "UPDATE tenants SET schema = 's4' WHERE tenant_id = 'p3'"
to_head
expect_stdout_contains "2 unchanged, 3 known by the ledger"
to_head
expect_stderr_lacks migrate_ledger

it "keeps its table in the schema of the registry's version table"
project apart
sed -i 's/^kind = single/&\nversion_table_schema = bookkeeping/' apart/migrations/shared/env.ini
FLEET=$OURS
revision apart
REGISTRY=apart
new_database apart
pg_sql apart "CREATE SCHEMA bookkeeping"
registry "$(pg_url apart)"
"$OURS" shared head >/dev/null 2>&1
tenants 2 t80
to_head
to_head
expect_stdout_contains "1 unchanged, 1 known by the ledger"
run "$OURS" tenant downgrade ten1 --tenant t801
expect_exit 0
expect_equal "$(pg_sql apart "SELECT tenant FROM bookkeeping.migrate_ledger WHERE tenant <> ''")" t802
OURS=$FLEET

# ---------------------------------------------------------------------------------------------------- many at once

it "applies each revision once when twenty replicas start together, who agree on the ledger"
REGISTRY=crowd
new_database crowd
registry "$(pg_url crowd)"
"$OURS" shared head >/dev/null 2>&1
tenants 20 t1000
for ((i = 1; i <= 20; i++)); do
    "$OURS" tenant head --jobs 4 >"crowd.$i.out" 2>"crowd.$i.err" &
    replicas[i]=$!
done
for ((i = 1; i <= 20; i++)); do expect wait "${replicas[i]}"; done
expect_not grep -q migrate_ledger crowd.*.err
for ((i = 1; i <= 20; i++)); do
    pg_sql "t1000$i" "SELECT string_agg(revision, ',' ORDER BY id) FROM migrate_log WHERE state = 'done'"
done | sort -u >crowd.logs
expect_equal "$(cat crowd.logs)" ten1,ten2,ten3
expect_equal "$(pg_sql crowd "SELECT count(*) FROM migrate_ledger WHERE tenant <> ''")" 20
to_head
expect_equal "$VISITS" 1
expect_stdout_contains "19 known by the ledger"

it "has no row of a tenant that is downgraded while replicas visit it, unless it is at head"
for ((i = 1; i <= 8; i++)); do
    "$OURS" tenant head --jobs 4 --ledger-max-age 0 >"crowd.$i.out" 2>"crowd.$i.err" &
    replicas[i]=$!
done
"$OURS" tenant downgrade ten1 --tenant t10007 >down.out 2>down.err || true
for ((i = 1; i <= 8; i++)); do expect wait "${replicas[i]}"; done
if [[ $(pg_sql t10007 "SELECT version_num FROM alembic_version") != ten3 ]]; then
    expect_equal "$(pg_sql crowd "SELECT count(*) FROM migrate_ledger WHERE tenant = 't10007'")" 0
fi
to_head
expect_exit 0
expect_equal "$(pg_sql t10007 "SELECT version_num FROM alembic_version")" ten3

it "takes the table that another process makes at the same moment"
pg_sql crowd "CREATE TABLE kept (LIKE migrate_ledger INCLUDING ALL); DROP TABLE migrate_ledger"
mkfifo maker
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d crowd <maker >/dev/null 2>&1 &
exec 7>maker
echo "BEGIN; CREATE TABLE migrate_ledger (LIKE kept INCLUDING ALL);" >&7
is_true() { [[ $(pg_sql crowd "$1") == t ]]; }
eventually 10 is_true "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'idle in transaction'"
"$OURS" tenant head >late.out 2>late.err &
late=$!
expect eventually 20 is_true "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
echo "COMMIT;" >&7
exec 7>&-
expect wait "$late"
expect_not grep -q migrate_ledger late.err
expect_equal "$(pg_sql crowd "SELECT count(*) FROM migrate_ledger")" 20

# ------------------------------------------------------------------------------------------------------ SQLite

it "opens a handful of ten thousand idle SQLite tenants, and each that was written to"
mkdir files
registry "sqlite:///$T/registry.db"
"$OURS" shared head >/dev/null 2>&1
sqlite_sql files/t1.db "PRAGMA page_size = 512; CREATE TABLE filler (x)"
sqlite_sql registry.db "INSERT INTO tenants VALUES ('t1', 'sqlite:///$T/files/t1.db', NULL)"
"$OURS" tenant head --jobs 8 >/dev/null 2>&1
sqlite_sql registry.db "WITH RECURSIVE n (i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO tenants SELECT 't' || i, 'sqlite:///$T/files/t' || i || '.db', NULL FROM n"
python3 - <<'PYTHON'
import shutil
for i in range(2, 10001):
    shutil.copyfile('files/t1.db', f'files/t{i}.db')
PYTHON
run "$OURS" tenant head --jobs 8
expect_exit 0
expect_stdout_contains "9999 unchanged, 1 known by the ledger"
sqlite_sql files/t4711.db "DROP TABLE t_ten3; UPDATE alembic_version SET version_num = 'ten2'"
# Its memory holds passwords, so that only root may read a path from it; and a leak sanitizer cannot look into what is traced.
opened() { ASAN_OPTIONS=detect_leaks=0 "${AS_ROOT[@]}" strace -f -qq -e trace=open,openat,openat2 -e signal=none -o "$T/trace" "$@"; }
run opened "$OURS" tenant head --jobs 8 --ledger-sample 10
expect_exit 0
expect_stdout_contains "1 upgraded (1 revision), 10 unchanged, 9989 known by the ledger"
expect_equal "$(grep -o 'files/t[0-9]*\.db"' trace | sort -u | wc -l)" 11
