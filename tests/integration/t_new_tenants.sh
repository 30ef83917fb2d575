#!/usr/bin/env bash
# Databases of tenants that nobody made: plainly, and as copies of a template, on PostgreSQL and SQLite; two processes at
# once, names, rights, a process that is killed, templates that are behind, ahead, somebody's, or in use. limit: 240
source "$(dirname "$0")/lib.sh"

start_postgres

new_project p
registry_revision p
write_revision p tenant ten1 "" <<'SQL'
-- migrate:up
CREATE TABLE plan (name text PRIMARY KEY);
INSERT INTO plan VALUES ('free'), ('paid');
CREATE TABLE item (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE item;
DROP TABLE plan;
SQL
table_revision p tenant ten2 ten1
cp -r p old
build_project old old-migrate >/dev/null
OLD=$T/old/build/old-migrate
table_revision p tenant ten3 ten2
build_project p ours >/dev/null
OURS=$T/p/build/ours
new_database registry
SHARED_DATABASE_URL=$(pg_url registry) && export SHARED_DATABASE_URL
"$OURS" shared head -q
export TENANT_DATABASE_URL="${SHARED_DATABASE_URL%/*}/{tenant_id}"

tenant() { pg_sql registry "INSERT INTO tenants (tenant_id, database_url) VALUES ('$1', ${2:-NULL})"; }
rows() { pg_sql "$1" "SELECT version_num FROM alembic_version"; }
logged() { pg_sql "$1" "SELECT string_agg(revision, ' ' ORDER BY id) FROM migrate_log WHERE direction = 'upgrade'"; }
exists() { [[ $(pg_sql postgres "SELECT count(*) FROM pg_database WHERE datname = '$1'") == 1 ]]; }
head_of() { run "$OURS" tenant head --tenant "$1" --on-missing create "${@:2}"; }

# --------------------------------------------------------------------------------------------------------- plainly

it "creates the database of a new tenant, brings it to head and lets its role own it"
tenant new1
run "$OURS" tenant head --tenant new1
expect_exit 1
expect_stderr_contains "--on-missing create"
expect_not exists new1
head_of new1
expect_exit 0
expect_stderr_contains "3 revisions, the database was created"
expect_equal "$(rows new1)" ten3
expect_equal "$(pg_sql postgres "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'new1'")" "$PG_USER"

it "creates databases whatever their names are"
for name in 'with space' 'Quote"d' "o'clock" 'hữu-nghị' 'select'; do
    pg_sql registry "INSERT INTO tenants VALUES (\$\$$name\$\$)"
    head_of "$name"
    expect_exit 0
    expect_equal "$(rows "$name")" ten3
done

it "refuses a name that the server would cut"
long=$(printf 'x%.0s' {1..64})
tenant "$long"
head_of "$long"
expect_exit 2
expect_stderr_contains "is longer than 63 bytes"
pg_sql registry "DELETE FROM tenants WHERE tenant_id = '$long'"

it "applies every revision once when ten processes create the same database"
tenant race
for i in {1..10}; do "$OURS" tenant head --tenant race --on-missing create >"$T/race.$i" 2>&1 & done
failed=0
for job in $(jobs -p); do wait "$job" || failed=1; done
expect_equal "$failed" 0
expect_equal "$(logged race)" "ten1 ten2 ten3"

it "says of a role that may not create databases that it may not"
pg_sql postgres "CREATE ROLE poor LOGIN"
tenant poor "'${SHARED_DATABASE_URL/$PG_USER@/poor@}_poor'"
head_of poor
expect_exit 1
expect_stderr_contains "permission denied to create database"
pg_sql registry "DELETE FROM tenants WHERE tenant_id = 'poor'"

it "goes on with a database that was created by a process that was killed"
tenant killed
new_database killed # what CREATE DATABASE left when nothing came after it
head_of killed
expect_exit 0
expect_equal "$(logged killed)" "ten1 ten2 ten3"
for i in {1..6}; do
    tenant "kill$i"
    "$OURS" tenant head --tenant "kill$i" --on-missing create --template killed_template >/dev/null 2>&1 &
    sleep "0.0$((i * 2 - 1))"
    kill -KILL $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    head_of "kill$i" --template killed_template
    expect_exit 0
    expect_equal "$(logged "kill$i")" "ten1 ten2 ten3"
done

# --------------------------------------------------------------------------------------------------- from a template

it "copies a template, which it makes first, and leaves no revision to run"
tenant copy1
head_of copy1 --template ours_template
expect_exit 0
expect_stderr_contains "nothing to do, at ten3, the database was created"
expect exists ours_template
expect_equal "$(pg_sql postgres "SELECT datistemplate FROM pg_database WHERE datname = 'ours_template'")" t
expect_equal "$(rows copy1)" ten3
expect_equal "$(logged copy1)" "ten1 ten2 ten3"
expect_equal "$(pg_sql copy1 "SELECT count(*) FROM plan")" 2
expect_equal "$(pg_sql postgres "SELECT datistemplate FROM pg_database WHERE datname = 'copy1'")" f
head_of copy1 --template ours_template
expect_exit 0
expect_stderr_contains "nothing to do, at ten3"
run "$OURS" tenant check --tenant copy1
expect_exit 0

it "brings a template that is behind to head first"
tenant copy2
"$OLD" tenant head --tenant copy2 --on-missing create --template old_template -q
expect_equal "$(rows old_template)" ten2
expect_equal "$(rows copy2)" ten2
tenant copy3
head_of copy3 --template old_template
expect_exit 0
expect_equal "$(rows old_template)" ten3
expect_equal "$(logged copy3)" "ten1 ten2 ten3"

it "refuses a template that is ahead or diverged before anything is created"
tenant copy4
run "$OLD" tenant head --tenant copy4 --on-missing create --on-ahead allow --template ours_template
expect_exit 5
expect_stderr_contains "template ours_template: the database is ahead"
expect_not exists copy4
new_database odd_template
pg_sql odd_template "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('zz')"
pg_sql postgres "ALTER DATABASE odd_template IS_TEMPLATE true"
head_of copy4 --template odd_template
expect_exit 5
expect_stderr_contains 'version row "zz" is no revision'
expect_not exists copy4

it "never copies a database that nobody called a template"
head_of copy4 --template copy1
expect_exit 1
expect_stderr_contains 'the database "copy1" is no template'
expect_stderr_contains "IS_TEMPLATE true"
expect_not exists copy4

it "refuses a template where nothing is to be created, and where a single database is meant"
run "$OURS" tenant head --tenant copy4 --template ours_template
expect_exit 2
expect_stderr_contains "template is for databases that are made"
run "$OURS" shared head --template ours_template
expect_exit 2
expect_stderr_contains "--template is for"
head_of copy4 --template "$long"
expect_exit 2
expect_stderr_contains "is longer than 63 bytes"

it "runs the revisions where less than head is asked for"
run "$OURS" tenant upgrade ten1 --tenant copy4 --on-missing create --template ours_template
expect_exit 0
expect_equal "$(logged copy4)" ten1

it "waits for whoever is connected to the template, and says so when it does not end"
tenant copy5
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d ours_template -c "SELECT pg_sleep(7)" >/dev/null &
sleeper=$!
sleep 0.5
head_of copy5 --template ours_template
expect_exit 0
expect_equal "$(rows copy5)" ten3
wait "$sleeper"
tenant copy6
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d ours_template -c "SELECT pg_sleep(9)" >/dev/null &
sleeper=$!
sleep 0.5
head_of copy6 --template ours_template --lock-wait 1s
expect_exit 4
expect_stderr_contains "is being accessed by other users"
expect_stderr_contains "nobody may stay connected"
expect_not exists copy6
wait "$sleeper"

it "creates many tenants at once from one template, in two processes, each revision once"
for i in {10..29}; do tenant "many$i"; done
"$OURS" tenant head --match 'many*' --on-missing create --template many_template --ledger trust >"$T/a" 2>&1 &
first=$!
run "$OURS" tenant head --match 'many*' --on-missing create --template many_template --ledger trust
expect_exit 0
expect wait "$first"
for i in {10..29}; do expect_equal "$(logged "many$i")" "ten1 ten2 ten3"; done
run "$OURS" tenant check --match 'many*' --deep
expect_exit 0
run "$OURS" tenant head --match 'many*' --on-missing create --template many_template --ledger trust
expect_exit 0
expect_stderr_contains "nothing to do"

# ------------------------------------------------------------------------------------------------------- the tenant's id

it "refuses a template with rows where a revision reads the tenant's id"
cp -r p own
write_revision own tenant ten4 ten3 <<'SQL'
-- migrate:up postgresql
INSERT INTO plan VALUES (current_setting('migrate.tenant_id'));

-- migrate:up sqlite
INSERT INTO plan VALUES (migrate_setting('tenant_id'));

-- migrate:down
SELECT 1;
SQL
build_project own own-migrate >/dev/null
tenant copy7
run "$T/own/build/own-migrate" tenant head --tenant copy7 --on-missing create --template own_template
expect_exit 1
expect_stderr_contains 'the template "own_template" has rows in "plan", and revision ten4 reads the tenant'
expect_not exists copy7

# ---------------------------------------------------------------------------------------------------------------- SQLite

it "copies a SQLite template into a new file, and never over one"
mkdir files
tenant lite1 "'sqlite:///files/lite1.db'"
head_of lite1 --template files/new.template
expect_exit 0
expect_equal "$(sqlite_sql files/lite1.db "SELECT group_concat(revision, ' ') FROM migrate_log")" "ten1 ten2 ten3"
expect_equal "$(sqlite_sql files/lite1.db "PRAGMA integrity_check; SELECT count(*) FROM plan")" "ok
2"
expect_equal "$(cd files && echo *)" "lite1.db new.template"
sqlite_sql files/lite1.db "INSERT INTO plan VALUES ('mine')"
head_of lite1 --template files/new.template
expect_exit 0
expect_equal "$(sqlite_sql files/lite1.db "SELECT count(*) FROM plan")" 3

it "makes no copy beside the journal of an earlier file"
tenant lite0 "'sqlite:///files/lite0.db'"
for ending in wal journal; do
    touch "files/lite0.db-$ending"
    head_of lite0 --template files/new.template
    expect_exit 1
    expect_stderr_contains "files/lite0.db-$ending\" of an earlier one is still there"
    expect_not test -e files/lite0.db
    rm "files/lite0.db-$ending"
done
head_of lite0 --template files/new.template
expect_exit 0

it "refuses a SQLite file that is not called a template"
tenant lite2 "'sqlite:///files/lite2.db'"
head_of lite2 --template files/lite1.db
expect_exit 2
expect_stderr_contains 'its name does not end in ".template"'
expect_not test -e files/lite2.db

it "creates the same file in ten processes from a template in WAL mode"
sqlite_sql files/new.template "PRAGMA journal_mode = WAL" >/dev/null
failed=0
for i in {1..10}; do
    "$OURS" tenant head --tenant lite2 --on-missing create --template files/new.template >"$T/lite.$i" 2>&1 &
done
for job in $(jobs -p); do wait "$job" || failed=1; done
expect_equal "$failed" 0
expect_equal "$(sqlite_sql files/lite2.db "SELECT group_concat(revision, ' ') FROM migrate_log")" "ten1 ten2 ten3"
expect_equal "$(find files -name '*.new-*')" ""

it "refuses a SQLite template that is ahead before a file is made"
tenant lite3 "'sqlite:///files/lite3.db'"
run "$OLD" tenant head --tenant lite3 --on-missing create --template files/new.template
expect_exit 5
expect_stderr_contains "the database is ahead"
expect_not test -e files/lite3.db
