#!/usr/bin/env bash
# The lock report: read beside the revisions, refused when stale, embedded, exported, shown before anything runs, and what
# --refuse-locks makes of it, alone and in a fleet. limit: 300
# shellcheck disable=SC2016 # backquotes are what is printed
source "$(dirname "$0")/lib.sh"

start_postgres
new_project p
registry_revision p
TENANT=p/migrations/tenant

# step ID REVISES UP DOWN: a revision of the stream tenant; SQLite has a table of its own for each.
step() {
    write_revision p tenant "$1" "$2" <<SQL
-- migrate:up postgresql
$3;

-- migrate:up sqlite
CREATE TABLE t_$1 (id integer PRIMARY KEY);

-- migrate:down postgresql
$4;

-- migrate:down sqlite
DROP TABLE t_$1;
SQL
}
MAKE='CREATE TABLE documents (id integer PRIMARY KEY, author integer)' UNMAKE='DROP TABLE documents'
WIDEN='ALTER TABLE documents ALTER COLUMN id TYPE bigint' NARROW='ALTER TABLE documents ALTER COLUMN id TYPE integer'
JOIN='ALTER TABLE documents ADD CONSTRAINT own FOREIGN KEY (author) REFERENCES documents' PART='ALTER TABLE documents DROP CONSTRAINT own'
PROVE='ALTER TABLE documents VALIDATE CONSTRAINT own' UNPROVE='SELECT 1'
ADD='ALTER TABLE documents ADD COLUMN note text' LOSE='ALTER TABLE documents DROP COLUMN note'
step ten1 "" "$MAKE" "$UNMAKE"
step ten2 ten1 "$WIDEN" "$NARROW"
step ten3 ten2 "$JOIN" "$PART"
step ten4 ten3 "$PROVE" "$UNPROVE"
step ten5 ten4 "$ADD" "$LOSE"

# measured SQL COLUMNS: the line of a section's one statement.
measured() { printf '  1  %s  %s\n' "$(printf %s "$1" | sha256sum | cut -c1-12)" "$2"; }
NOTHING='-                     -             -'
report() {
    echo '# What each statement locks'
    echo 'version: 1'
    echo 'server: 15'
    echo && echo 'ten1 up' && measured "$MAKE" "$NOTHING"
    echo && echo 'ten1 down' && measured "$UNMAKE" 'AccessExclusive  -  documents AccessExclusive'
    echo && echo 'ten2 up' && measured "$WIDEN" 'AccessExclusive  rewrite,scan,blocked  documents AccessExclusive rewrite scan'
    echo && echo 'ten2 down' && measured "$NARROW" 'AccessExclusive  rewrite,time-zone  documents AccessExclusive rewrite time-zone'
    echo && echo 'ten3 up' && measured "$JOIN" 'ShareRowExclusive  scan,blocked  users RowShare, documents ShareRowExclusive scan'
    echo && echo 'ten3 down' && measured "$PART" 'AccessExclusive  -  documents AccessExclusive'
    echo && echo 'ten4 up' && measured "$PROVE" 'ShareUpdateExclusive  scan  documents ShareUpdateExclusive scan'
    echo && echo 'ten4 down' && measured "$UNPROVE" "$NOTHING"
    echo && echo 'ten5 up' && measured "$ADD" 'AccessExclusive  -  documents AccessExclusive'
    echo && echo 'ten5 down' && measured "$LOSE" 'AccessExclusive  by-kind  documents AccessExclusive'
}

# ------------------------------------------------------------------------------------------------------ at build time

it "builds without a report, and says nothing of it"
run build_project p p-migrate
expect_exit 0
expect_stderr_lacks measured
cp p/build/p-migrate silent

it "embeds one, and gives it back by export: a build from that is the same executable"
report >$TENANT/locks.txt
run build_project p p-migrate
expect_exit 0
expect_stderr_lacks measured
OURS=$T/p/build/p-migrate
expect_not cmp -s silent "$OURS"
run "$OURS" self-check
expect_exit 0
mkdir again
run "$OURS" export again/migrations
expect_exit 0
expect_equal "$(tr -s ' ' <again/migrations/tenant/locks.txt | grep -v '^#')" "$(report | tr -s ' ' | grep -v '^#')"
run build_project again p-migrate
expect_exit 0
# A sanitizer writes the names of folders into what it checks.
[[ -n ${SAN:-} ]] || expect cmp "$OURS" again/build/p-migrate

it "notices a report that was damaged with the executable"
sed 's/documents AccessExclusive rewrite scan/documents AccessExclusive-rewrite scan/' "$OURS" >damaged
chmod +x damaged
run ./damaged self-check
expect_exit 1
expect_stderr_contains 'tenant/versions/ten2_test.sql: the locks of statement 1 of the section at line 6 cannot be read'

it "refuses a line of another text, with its place and the command that mends it"
cp -r p stale
sed -i 's/note text/note varchar(9)/' stale/migrations/tenant/versions/ten5_test.sql
run build_project stale p-migrate
expect_exit 2
expect_stderr_contains 'stale/migrations/tenant/locks.txt:30:6: error: this was measured of another text than statement 1 of ten5, up, now has: ALTER TABLE, line 7'
expect_stderr_contains 'migrate-gen --migrations stale/migrations tenant verify` writes it anew'
run "$MIGRATE_GEN" --migrations stale/migrations check --json
expect_exit 1
expect_stdout_contains '"rule": "stale-locks", "severity": "error"'

it "refuses what is no report"
cp -r p broken
echo '<<<<<<< ours' >>broken/migrations/tenant/locks.txt
run build_project broken p-migrate
expect_exit 2
expect_stderr_contains 'broken/migrations/tenant/locks.txt:34:1: error: the line is neither "REVISION up" nor "REVISION down", nor a statement'

it "warns of a revision that nobody measured, unless env.ini wants it measured"
cp -r p more
write_revision more tenant ten6 ten5 <<'SQL'
-- migrate:up postgresql
ALTER TABLE documents ADD COLUMN more text;

-- migrate:up sqlite
SELECT 1;

-- migrate:down
SELECT 1;
SQL
run build_project more p-migrate
expect_exit 0
expect_stderr_contains 'more/migrations/tenant/versions/ten6_test.sql:6:1: warning: what the revision locks was never measured'
expect_stderr_contains 'tenant verify` adds it to more/migrations/tenant/locks.txt'
cp -r more strict
printf '\n[lint]\nmissing-locks = error\n' >>strict/migrations/tenant/env.ini
run build_project strict p-migrate
expect_exit 2
expect_stderr_contains 'ten6_test.sql:6:1: error: what the revision locks was never measured'
MORE=$T/more/build/p-migrate

# -------------------------------------------------------------------------------------------------------- at run time

new_database shared acme globex
SHARED_DATABASE_URL=$(pg_url shared) && export SHARED_DATABASE_URL
TENANT_DATABASE_URL=$(pg_url "{tenant_id}") && export TENANT_DATABASE_URL
"$OURS" shared head >/dev/null 2>&1
pg_sql shared "INSERT INTO tenants (tenant_id) VALUES ('acme')"
# rows DATABASE: where it stands.
rows() { pg_sql "$1" 'SELECT version_num FROM alembic_version'; }

it "shows before an upgrade what each statement locks"
run "$OURS" tenant upgrade head --dry-run
expect_exit 0
expect_stdout_is 'acme: <base> -> ten5, 5 steps; locks as measured on PostgreSQL 15
  upgrade ten1, revision ten1
    line 7: nothing that was there before
  upgrade ten2, revision ten2
    line 7: AccessExclusive, rewrite, scan, blocked: documents AccessExclusive rewrite scan
  upgrade ten3, revision ten3
    line 7: ShareRowExclusive, scan, blocked: users RowShare, documents ShareRowExclusive scan
  upgrade ten4, revision ten4
    line 7: ShareUpdateExclusive, scan: documents ShareUpdateExclusive scan
  upgrade ten5, revision ten5
    line 7: AccessExclusive: documents AccessExclusive'

it "says it as JSON, beside what was there before"
run "$OURS" tenant upgrade ten2 --dry-run --json
expect_exit 0
expect_equal "$(python3 -c 'import json, sys
database = json.load(sys.stdin)["databases"][0]
print(database["locks_server"], [(s["direction"], s["revision"]) for s in database["steps"]])
for step in database["steps"]: print(json.dumps(step["locks"]))' <<<"$OUT")" "15 [('upgrade', 'ten1'), ('upgrade', 'ten2')]
"'[{"statement": 1, "line": 7, "lock": null, "rewrite": false, "scan": false, "blocked": false, "time_zone": false, "by_kind": false, "relations": ""}]
[{"statement": 1, "line": 7, "lock": "AccessExclusive", "rewrite": true, "scan": true, "blocked": true, "time_zone": false, "by_kind": false, "relations": "documents AccessExclusive rewrite scan"}]'

it "says of a step that it was never measured, and nothing where nothing ever was"
run "$MORE" tenant upgrade head --dry-run
expect_exit 0
expect_stdout_contains '  upgrade ten6, revision ten6
    locks were never measured'
run "$MORE" tenant upgrade head --dry-run --json
expect_stdout_contains '"revision": "ten6", "locks": null'
run ./silent tenant upgrade ten1 --dry-run
expect_stdout_is 'acme: <base> -> ten1, 1 step
  upgrade ten1, revision ten1'
run ./silent tenant upgrade ten1 --dry-run --json
expect_stdout_lacks locks

it "shows it with the revision, both ways, without a database"
run env -u SHARED_DATABASE_URL -u TENANT_DATABASE_URL "$OURS" tenant show ten2
expect_exit 0
expect_stdout_is 'Rev: ten2
Parent: ten1
Path: tenant/versions/ten2_test.sql

    revision ten2

Locks of the up, as measured on PostgreSQL 15:
    line 7: AccessExclusive, rewrite, scan, blocked: documents AccessExclusive rewrite scan

Locks of the down, as measured on PostgreSQL 15:
    line 13: AccessExclusive, rewrite, time-zone: documents AccessExclusive rewrite time-zone'
run "$OURS" tenant show ten5 --json
expect_stdout_contains '"locks": {"server": 15, "up": [{"statement": 1, "line": 7, "lock": "AccessExclusive", "rewrite": false'
expect_stdout_contains '"down": [{"statement": 1, "line": 13,'
run "$MORE" tenant show ten6 --json
expect_stdout_contains '"locks": {"server": 15, "up": null, "down": null}'
run ./silent tenant show ten2
expect_stdout_lacks Locks

# ------------------------------------------------------------------------------------------------------------ refusing

it "refuses a rewrite before the first step, and says where and how it may run"
run "$OURS" tenant upgrade ten2 --refuse-locks rewrite
expect_exit 1
expect_stderr_contains 'tenant/versions/ten2_test.sql:7: error: tenant acme: revision ten2 is refused: its ALTER TABLE rewrites documents under AccessExclusive'
expect_stderr_contains 'detail: refuse_locks forbids rewrite'
expect_stderr_contains 'p-migrate tenant show ten2` tells all that it locks; --refuse-locks none lets it run'
expect_equal "$(pg_sql acme "SELECT to_regclass('documents') IS NULL")" t
run "$OURS" tenant upgrade ten2 --refuse-locks rewrite --transaction all
expect_exit 1
expect_equal "$(pg_sql acme "SELECT to_regclass('documents') IS NULL")" t
run "$OURS" tenant upgrade ten2 --refuse-locks rewrite --dry-run
expect_exit 1
expect_stderr_contains 'its ALTER TABLE rewrites documents'
run "$OURS" tenant upgrade ten2 --refuse-locks rewrite --json
expect_stdout_contains '"fault": "refused"'
expect_stdout_contains '"line": 7'

it "takes it from env.ini and from the environment, and none from the command line"
run env P_MIGRATE_TENANT_REFUSE_LOCKS='access-exclusive, rewrite' "$OURS" tenant upgrade ten2
expect_exit 1
cp -r p setting
echo 'refuse_locks = rewrite' >>setting/migrations/tenant/env.ini
build_project setting p-migrate >/dev/null 2>&1
run setting/build/p-migrate tenant upgrade ten2
expect_exit 1
expect_stderr_contains 'detail: refuse_locks forbids rewrite'
run setting/build/p-migrate tenant upgrade ten2 --refuse-locks scan
expect_exit 1
run setting/build/p-migrate tenant upgrade ten2 --refuse-locks none
expect_exit 0
expect_equal "$(rows acme)" ten2
run "$OURS" tenant upgrade head --refuse-locks writes
expect_exit 2
expect_stderr_contains 'hint: some of, each once, separated by commas: none, rewrite, scan, access-exclusive'

it "refuses a scan only while writers wait"
run "$OURS" tenant upgrade ten3 --refuse-locks scan,rewrite
expect_exit 1
expect_stderr_contains 'revision ten3 is refused: its ALTER TABLE reads documents from end to end under ShareRowExclusive, while writers wait'
expect_stderr_contains 'detail: refuse_locks forbids scan'
run "$OURS" tenant upgrade ten3 --refuse-locks rewrite,access-exclusive
expect_exit 0
run "$OURS" tenant upgrade ten4 --refuse-locks scan,rewrite,access-exclusive
expect_exit 0
expect_equal "$(rows acme)" ten4

it "refuses the lock that readers wait for, downwards too, and a rewrite that depends on the time zone"
run "$OURS" tenant upgrade ten5 --refuse-locks access-exclusive
expect_exit 1
expect_stderr_contains 'revision ten5 is refused: its ALTER TABLE takes AccessExclusive on documents'
run "$OURS" tenant upgrade ten5 --refuse-locks scan,rewrite
expect_exit 0
run "$OURS" tenant downgrade ten4 --refuse-locks access-exclusive
expect_exit 1
expect_stderr_contains 'tenant/versions/ten5_test.sql:13: error: tenant acme: revision ten5 is refused'
run "$OURS" tenant downgrade ten1 --refuse-locks rewrite
expect_exit 1
expect_stderr_contains 'revision ten2 is refused: its ALTER TABLE rewrites documents under AccessExclusive, unless TimeZone is UTC'
expect_equal "$(rows acme)" ten5

it "refuses what was never measured, whatever is asked for"
run "$MORE" tenant upgrade head --refuse-locks rewrite
expect_exit 1
expect_stderr_contains 'tenant/versions/ten6_test.sql:6: error: tenant acme: revision ten6 is refused: what its up locks was never measured'
expect_stderr_contains 'hint: `migrate-gen tenant verify` measures it, for the next build; --refuse-locks none lets it run'
pg_sql shared "INSERT INTO tenants (tenant_id) VALUES ('globex')"
run ./silent tenant upgrade ten1 --refuse-locks scan --tenant globex
expect_exit 1
expect_stderr_contains 'revision ten1 is refused: what its up locks was never measured'
run "$MORE" tenant upgrade head --tenant acme
expect_exit 0

it "refuses each tenant on its own"
run "$MORE" tenant upgrade head --refuse-locks rewrite
expect_exit 1
expect_stderr_contains 'tenant globex: revision ten2 is refused'
expect_stderr_lacks 'tenant acme:'
run "$MORE" tenant stamp ten6 --refuse-locks rewrite --tenant globex
expect_exit 0
run "$MORE" tenant check --refuse-locks rewrite
expect_exit 0

it "warns where the server is of another version than was measured"
cp -r p older
sed -i 's/^server: 15/server: 13/' older/migrations/tenant/locks.txt
build_project older p-migrate >/dev/null 2>&1
new_database initech
pg_sql shared "INSERT INTO tenants (tenant_id) VALUES ('initech')"
run older/build/p-migrate tenant upgrade ten1 --refuse-locks rewrite --tenant initech
expect_exit 0
expect_stderr_contains 'locks were measured on PostgreSQL 13, and this server is version 15: they may differ'
run older/build/p-migrate tenant upgrade ten2 --tenant initech
expect_exit 0
expect_stderr_lacks 'measured'

it "leaves SQLite alone"
run "$MORE" tenant upgrade head --refuse-locks rewrite,scan,access-exclusive --registry-url "$SHARED_DATABASE_URL" \
    --tenant-url "sqlite:///$T/{tenant_id}.db" --on-missing create --tenant acme
expect_exit 0
expect_equal "$(sqlite_sql acme.db 'SELECT version_num FROM alembic_version')" ten6
run "$MORE" tenant downgrade base --dry-run --tenant-url "sqlite:///$T/{tenant_id}.db" --tenant acme
expect_exit 0
expect_stdout_lacks lock
