#!/usr/bin/env bash
# Bad input and bad days on SQLite and in a fleet: a clear message, the right exit code, nothing lost. limit: 300
source "$(dirname "$0")/lib.sh"

new_stream project main <<'INI'
[stream]
kind = single
dialects = postgresql, sqlite
url = ${MAIN_URL}
INI
write_revision project main base1 "" <<'SQL'
-- migrate:up
CREATE TABLE t (id integer PRIMARY KEY, name text);
CREATE TABLE child (id integer PRIMARY KEY, t_id integer NOT NULL REFERENCES t (id) ON DELETE CASCADE);

-- migrate:down
DROP TABLE child;
DROP TABLE t;
SQL
write_revision project main fill1 base1 <<'SQL'
-- migrate:up postgresql
CREATE TABLE big (id integer, filler text);

-- migrate:up sqlite
CREATE TABLE big (id integer, filler text);
INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, hex(randomblob(1000)) FROM n;

-- migrate:down
DROP TABLE big;
SQL
build_project project main-migrate
OURS=$T/project/build/main-migrate
rows() { sqlite_sql "$1" "SELECT version_num FROM alembic_version"; }

# small_disk COMMAND…: runs it where $T/small is a file system of 256 KiB.
small_disk() {
    mkdir -p "$T/small"
    # shellcheck disable=SC2016 # for the inner shell
    "${OWN_MOUNTS[@]}" bash -c 'mount -t tmpfs -o size=256k none "$0" || exit
        "$@"; status=$?; umount "$0"; exit "$status"' "$T/small" "$@"
}

it "leaves the file as it was when the disk is full, and says so (exit 1)"
export MAIN_URL=sqlite:///small/main.db
# shellcheck disable=SC2016 # for the inner shell
run small_disk bash -c '"$0" main head; status=$?; sqlite3 small/main.db "SELECT version_num FROM alembic_version; PRAGMA integrity_check"; exit $status' "$OURS"
expect_exit 1
expect_stderr_contains 'full'
expect_stdout_contains 'base1
ok'

it "refuses a file that is no database, and does not touch it"
export MAIN_URL=sqlite:///text.db
for _ in {1..200}; do echo "this is not a database"; done >text.db
cp text.db text.before
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'text.db'
expect_stderr_contains 'not a database'
expect cmp text.db text.before

it "says that a database is damaged"
export MAIN_URL=sqlite:///damaged.db
"$OURS" main base1 >/dev/null 2>&1
printf 'garbage garbage garbage' | dd of=damaged.db bs=1 seek=100 conv=notrunc 2>/dev/null
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'damaged.db'

it "says that a file is read-only before it changes anything"
export MAIN_URL=sqlite:///readonly.db
"$OURS" main base1 >/dev/null 2>&1
# root may write anyway, so the process that must not is another user's.
as_nobody() {
    if [[ $(id -u) == 0 ]]; then setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"; else "$@"; fi
}
chmod 444 readonly.db
run as_nobody "$OURS" main head
expect_exit 1
expect_stderr_contains 'readonly.db'
expect_equal "$(rows readonly.db)" base1
run as_nobody "$OURS" main current
expect_exit 0
expect_stdout_contains base1

it "says that the folder of a SQLite file does not exist"
export MAIN_URL=sqlite:///no/such/folder/main.db
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'no/such/folder'

it "does not create a database for a command that only reads"
export MAIN_URL=sqlite:///unborn.db
run "$OURS" main current
expect_not test -e unborn.db
run "$OURS" main check
expect_not test -e unborn.db

it "shows the plan for a database that the run would make, and makes nothing"
run "$OURS" main head --dry-run
expect_exit 0
expect_stdout_contains "upgrade base1"
expect_stdout_contains "upgrade fill1"
expect_not test -e unborn.db

it "waits for the application that writes, and gives up with exit 4"
export MAIN_URL=sqlite:///busy.db
"$OURS" main base1 >/dev/null 2>&1
mkfifo busy.fifo
sqlite3 busy.db <busy.fifo &
exec 8>busy.fifo
echo "BEGIN IMMEDIATE; INSERT INTO t VALUES (1, 'theirs');" >&8
sleep 0.3
run "$OURS" main head --lock-wait 1s
expect_exit 4
echo "COMMIT;" >&8
exec 8>&-
wait
run "$OURS" main head
expect_exit 0
expect_equal "$(rows busy.db)" fill1

# ------------------------------------------------------------------------------------------------- rebuilds

write_revision project main rebuild1 fill1 <<'SQL'
-- migrate:up postgresql
ALTER TABLE t ALTER COLUMN name SET NOT NULL;

-- migrate:up sqlite
CREATE TABLE t_new (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO t_new (id, name) SELECT id, name FROM t;
DROP TABLE t;
ALTER TABLE t_new RENAME TO t;

-- migrate:down postgresql
ALTER TABLE t ALTER COLUMN name DROP NOT NULL;

-- migrate:down sqlite
CREATE TABLE t_new (id integer PRIMARY KEY, name text);
INSERT INTO t_new (id, name) SELECT id, name FROM t;
DROP TABLE t;
ALTER TABLE t_new RENAME TO t;
SQL
write_revision project main orphan1 rebuild1 <<'SQL'
-- migrate:up postgresql
DELETE FROM child;

-- migrate:up sqlite foreign_keys:off
DELETE FROM t WHERE id = 1;

-- migrate:down
SELECT 1;
SQL
build_project project main-migrate

it "keeps the rows of a child table when its parent is rebuilt"
export MAIN_URL=sqlite:///rebuild.db
"$OURS" main fill1 >/dev/null 2>&1
sqlite_sql rebuild.db "INSERT INTO t VALUES (1, 'one'), (2, 'two'); INSERT INTO child VALUES (10, 1), (20, 2)"
run "$OURS" main rebuild1
expect_exit 0
expect_equal "$(sqlite_sql rebuild.db "SELECT group_concat(id || '>' || t_id) FROM child")" "10>1,20>2"

it "refuses to commit rows that point nowhere, and names them"
run "$OURS" main head
expect_exit 1
expect_stderr_contains 'child'
expect_equal "$(rows rebuild.db)" rebuild1
expect_equal "$(sqlite_sql rebuild.db "SELECT count(*) FROM t")" 2

# ------------------------------------------------------------------------------------------------- a fleet

new_project fleet
write_revision fleet shared shar1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text);

-- migrate:down
DROP TABLE tenants;
SQL
write_revision fleet tenant ten1 "" <<'SQL'
-- migrate:up postgresql
CREATE TABLE mine (tenant text);
INSERT INTO mine VALUES (current_setting('migrate.tenant_id'));

-- migrate:up sqlite
CREATE TABLE mine (tenant text);
INSERT INTO mine VALUES (migrate_setting('tenant_id'));

-- migrate:down
DROP TABLE mine;
SQL
table_revision fleet tenant ten2 ten1
build_project fleet fleet-migrate
OURS=$T/fleet/build/fleet-migrate
export SHARED_DATABASE_URL=sqlite:///shared.db
tenant() { sqlite_sql shared.db "INSERT INTO tenants VALUES ('$1', $2)"; }

it "says which command makes the tenants table when it is not there"
sqlite3 shared.db "CREATE TABLE other (id)"
run "$OURS" tenant head
expect_exit 2
expect_stderr_contains "fleet-migrate shared head"
rm shared.db
run "$OURS" tenant head
expect_exit 2
expect_stderr_contains "fleet-migrate shared head"

it "says that there are no tenants (exit 2), unless that is fine"
"$OURS" shared head >/dev/null 2>&1
run "$OURS" tenant head
expect_exit 2
expect_stderr_contains "No tenants found"
run "$OURS" tenant head --no-tenants ok
expect_exit 0

it "migrates every tenant although some fail, names those at the end, and exits 1"
mkdir data
for name in a b c d e; do tenant "$name" "'sqlite:///data/$name.db'"; done
tenant gone NULL
tenant broken "'sqlite:///data/broken.db'"
for _ in {1..200}; do echo "this is not a database"; done >data/broken.db
tenant strange "'mysql://h/d'"
run "$OURS" tenant head
expect_exit 1
for name in a b c d e; do
    expect_equal "$(sqlite_sql "data/$name.db" "SELECT tenant || ' ' || (SELECT version_num FROM alembic_version) FROM mine")" "$name ten2"
done
LAST=$(tail -n 12 err)
expect_that "the end does not name all who failed: $LAST" contains "$LAST" "gone"
expect_that "the end does not name all who failed: $LAST" contains "$LAST" "broken"
expect_that "the end does not name all who failed: $LAST" contains "$LAST" "strange"
expect_stderr_contains "no address"

it "exits 0 when no more fail than are tolerated, and still names them"
run "$OURS" tenant head --tolerate 3
expect_exit 0
expect_stderr_contains "broken"
run "$OURS" tenant head --tolerate 2
expect_exit 1
run "$OURS" tenant head --tolerate 50%
expect_exit 0

it "takes hostile ids as data: nothing climbs out of its folder"
sqlite_sql shared.db "DELETE FROM tenants"
export TENANT_DATABASE_URL='sqlite:///data/{tenant_id}.db'
sqlite_sql shared.db "INSERT INTO tenants (tenant_id) VALUES ('../escaped'), ('x/../../escaped2'), ('..'), ('quote''; DROP TABLE tenants; --'), ('new
line'), ('tab	and space'), ('ünï'), ('?mode=memory'), ('#frag'), ('%2e%2e%2fescaped3'), ('fine')"
run "$OURS" tenant head
expect_exit 1
expect_not test -e escaped.db
expect_not test -e escaped2.db
expect_not test -e escaped3.db
expect test -e data/fine.db
expect test -e 'data/ünï.db'
expect test -e 'data/?mode=memory.db'
expect_equal "$(sqlite_sql shared.db "SELECT count(*) FROM tenants")" 11
expect_equal "$(find data -newer shared.db -name '*.db' -printf x | wc -c)" 8

it "filters: an unknown id, an empty value and an unknown -x key are exit 2, never everyone"
run "$OURS" tenant head --tenant nobody
expect_exit 2
expect_stderr_contains nobody
run "$OURS" tenant head --tenant ""
expect_exit 2
run "$OURS" tenant head -x tenant=fine
expect_exit 2
run "$OURS" tenant head -x tenant_id=
expect_exit 2
run "$OURS" shared head --tenant fine
expect_exit 2
run "$OURS" -n tenant upgrade head -x tenant_id=fine
expect_exit 0

it "refuses to stamp a fleet that nobody named"
run "$OURS" tenant stamp head
expect_exit 2
expect_stderr_contains "--all-tenants"

it "refuses a relative target over tenants that stand at different rows, and lists the groups"
sqlite_sql shared.db "DELETE FROM tenants WHERE tenant_id NOT IN ('fine', 'ünï')"
"$OURS" tenant downgrade ten1 --tenant fine >/dev/null 2>&1
run "$OURS" tenant downgrade -1
expect_exit 2
expect_stderr_contains ten1
expect_stderr_contains ten2
expect_equal "$(rows data/fine.db)" ten1
run "$OURS" tenant downgrade ten1
expect_exit 0
expect_equal "$(rows data/fine.db) $(rows 'data/ünï.db')" "ten1 ten1"

it "lets forty processes work on one fleet at once; each revision runs once"
sqlite_sql shared.db "DELETE FROM tenants"
for i in {1..20}; do tenant "p$i" "'sqlite:///data/p$i.db'"; done
pids=()
for i in {1..40}; do
    "$OURS" tenant head >/dev/null 2>"p.$i.err" &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || not_ok "exit $? of one process: $(cat p.*.err | grep -m 3 error)"; done
for i in {1..20}; do expect_equal "$(sqlite_sql "data/p$i.db" "SELECT count(*) FROM mine")" 1; done

it "brings both streams to head with one command, registry first"
rm -f shared.db
export SHARED_DATABASE_URL=sqlite:///both.db
run "$OURS" all head --no-tenants ok
expect_exit 0
sqlite_sql both.db "INSERT INTO tenants VALUES ('z', 'sqlite:///data/z.db')"
run "$OURS" all head
expect_exit 0
expect_equal "$(rows data/z.db)" ten2

it "compiles an empty stream, and has nothing to do"
new_stream empty main <<'INI'
[stream]
kind = single
dialects = sqlite
url = ${MAIN_URL}
INI
build_project empty empty-migrate
export MAIN_URL=sqlite:///empty.db
run empty/build/empty-migrate main head
expect_exit 0
run empty/build/empty-migrate main heads
expect_exit 0
expect_stdout_is ""
