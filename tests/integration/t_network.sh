#!/usr/bin/env bash
# A network that swallows packets, in network namespaces: nobody waits for ever, nobody else waits at all, and a
# revision whose answer got lost is there once. limit: 200
#
# Two namespaces, joined by a pair of virtual interfaces: "near", where the executable runs, and "far", where a forwarder
# leads to the server's Unix socket. A firewall that drops is made by telling a wrong hardware address for the other side:
# packets leave, and nobody takes them.
source "$(dirname "$0")/lib.sh"

start_postgres

new_project fleet
cat >fleet/migrations/tenant/env.ini <<'INI'
[stream]
kind = fleet
dialects = postgresql, sqlite
registry = shared
tenants_query = SELECT tenant_id, database_url FROM tenants ORDER BY tenant_id
INI
registry_revision fleet
write_revision fleet tenant ten1 "" <<'SQL'
-- migrate:up
CREATE TABLE ran (revision text);
INSERT INTO ran VALUES ('ten1');

-- migrate:down
DROP TABLE ran;
SQL
write_revision fleet tenant ten2 ten1 <<'SQL'
-- migrate:up
INSERT INTO ran VALUES ('ten2');

-- migrate:down
DELETE FROM ran WHERE revision = 'ten2';
SQL
build_project fleet fleet-migrate
OURS=$T/fleet/build/fleet-migrate
export SHARED_DATABASE_URL=sqlite:///registry.db

# --------------------------------------------------------------------------------------------------- the two namespaces

FAR=10.77.0.2
NOWHERE=10.77.0.99 # an address of the same network that nobody has

# What runs in the namespaces ends when nobody holds the pipe open any more, which is when this script ends, however.
mkfifo alive
exec 8<>alive
# The first process holds the near namespace, its child the far one. Whoever is root by a user namespace enters that too.
"${AS_ROOT[@]}" unshare --net bash -c 'echo $$ >near.pid; unshare --net bash -c "echo \$\$ >far.pid; exec cat"; :' \
    <alive >alive.out 2>&1 8>&- &
eventually 20 test -s far.pid
near=$(<near.pid) far=$(<far.pid)
[[ $near != "$far" ]]
ENTER=(nsenter --net)
case ${AS_ROOT[*]} in
unshare*) ENTER=(nsenter --preserve-credentials --user --net) ;;
sudo*) ENTER=("${AS_ROOT[@]}" nsenter --net) ;;
esac
near() { "${ENTER[@]}" --target "$near" -- "$@"; }
far() { "${ENTER[@]}" --target "$far" -- "$@"; }

near ip link add near type veth peer name far
near ip link set far netns "$far"
near ip addr add 10.77.0.1/24 dev near
near ip link set near up
near ip link set lo up
far ip addr add $FAR/24 dev far
far ip link set far up

# reachable, dropping: between near and far.
dropping() {
    near ip neigh replace $FAR lladdr 02:00:00:00:00:99 dev near nud permanent
    far ip neigh replace 10.77.0.1 lladdr 02:00:00:00:00:99 dev far nud permanent
}
reachable() {
    near ip neigh del $FAR dev near
    far ip neigh del 10.77.0.1 dev far
}
near ip neigh replace $NOWHERE lladdr 02:00:00:00:00:99 dev near nud permanent

far python3 "$TOP/tests/integration/forward.py" "$FAR:5432" "$PG_HOME/.s.PGSQL.$PG_PORT" --until-eof \
    <alive >forward.out 2>forward.err 8>&- &
eventually 20 grep -q listening forward.out || { cat forward.err && exit 1; }
far_url() { echo "postgresql://$PG_USER@$FAR:5432/$1${2:+"?$2"}"; }

# fleet_of ID=URL…
fleet_of() {
    local one
    rm -rf registry.db files && mkdir files
    "$OURS" shared head >/dev/null 2>&1
    for one; do sqlite_sql registry.db "INSERT INTO tenants (tenant_id, database_url) VALUES ('${one%%=*}', '${one#*=}')"; done
}
fresh() {
    local name
    for name; do pg_sql postgres "DROP DATABASE IF EXISTS \"$name\" WITH (FORCE)" 2>/dev/null; done
    new_database "$@"
}
pg_true() { [[ $(pg_sql "$1" "$2") == t ]]; }
STATE="SELECT (SELECT count(*) FROM ran) || ' ' || (SELECT count(DISTINCT revision) FROM ran) || ' ' ||
    (SELECT count(*) FROM migrate_log WHERE state = 'done') || ' ' || (SELECT version_num FROM alembic_version)"
AT_HEAD="2 2 2 ten2"
files_at_head() {
    local file
    for file in files/*.db; do expect_equal "$(sqlite_sql "$file" "$STATE")" "$AT_HEAD"; done
}

# in_background COMMAND…, finish: as `run`, with something in between.
in_background() {
    RAN=$*
    rm -f back.out back.err
    "$@" >back.out 2>back.err </dev/null 7>&- 8>&- &
    RUN=$!
}
finish() {
    STATUS=0
    wait "$RUN" || STATUS=$?
    OUT=$(<back.out) ERR=$(<back.err)
}

# ------------------------------------------------------------------------------------------------------------- connecting

it "works from one namespace to the other"
fresh one two
fleet_of "a=$(far_url one)" "b=$(far_url two)" "c=sqlite:///files/c.db"
run near "$OURS" tenant head
expect_exit 0
expect_equal "$(pg_sql one "$STATE")" "$AT_HEAD"

it "gives up servers behind a firewall that drops, in time; the others do not wait for them"
fresh one two
fleet_of a1="postgresql://u@$NOWHERE/x" a2="postgresql://u@$NOWHERE/y" a3="postgresql://u@$NOWHERE/z" \
    "b1=$(far_url one)" "b2=$(far_url two)" b3=sqlite:///files/b3.db b4=sqlite:///files/b4.db
run near "$OURS" tenant head --jobs 2 --connect-timeout 1s
expect_exit 4
for i in 1 2 3; do expect_stderr_matches "a$i: no answer from [^ ]*${NOWHERE}[^ ]* within 1"; done
expect_stdout_is "tenant: 7 databases: 4 upgraded (8 revisions), 3 failed"
expect_equal "$(pg_sql two "$STATE")" "$AT_HEAD"
files_at_head

it "goes on to the next host of an address when packets to the first are dropped; each has its time"
fresh one
fleet_of "a=postgresql://$PG_USER@$NOWHERE,$FAR/one"
run near "$OURS" tenant head --connect-timeout 1s
expect_exit 0
expect_equal "$(pg_sql one "$STATE")" "$AT_HEAD"

# --------------------------------------------------------------------------------------------------------- in the middle

# Notices a silence within seconds, on a busy connection and on an idle one.
WATCHFUL="tcp_user_timeout=2000&keepalives_idle=1&keepalives_interval=1&keepalives_count=2"

# cut_in_ten2 OPTION…: a run whose tenant "a" is in the middle of ten2, held by a lock, when packets begin to be dropped.
cut_in_ten2() {
    fresh one
    fleet_of "a=$(far_url one "$WATCHFUL")" b1=sqlite:///files/b1.db b2=sqlite:///files/b2.db
    run near "$OURS" tenant ten1 --tenant a
    rm -f holder && mkfifo holder
    "$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d one <holder >holder.out 2>&1 8>&- &
    LOCKED=$!
    exec 7>holder
    echo "BEGIN; LOCK TABLE ran;" >&7
    eventually 20 pg_true one "SELECT count(*) = 1 FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation = 'ran'::regclass"
    # shellcheck disable=SC2016 # for the inner shell
    in_background near bash -c 'echo $$ >run.pid; exec "$0" "$@"' "$OURS" tenant head --jobs 2 --lock-timeout 0 "$@"
    eventually 20 pg_true one "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted"
    dropping
}
let_go() {
    exec 7>&-
    wait "$LOCKED" || true
}

it "notices that packets are dropped in the middle of a revision, and exits 4 when that lasts; nothing is lost or done twice"
cut_in_ten2 --connect-timeout 1s --lock-wait 3s
finish
expect_exit 4
expect_stderr_contains "a: the connection broke; connecting again"
expect_stderr_matches "  a: no answer from [^ ]*$FAR"
files_at_head
# The server knows of nothing, and commits what it was told.
let_go
eventually 20 pg_true one "SELECT version_num = 'ten2' FROM alembic_version"
reachable
run near "$OURS" tenant head
expect_exit 0
expect_stdout_is "tenant: 3 databases: 0 upgraded, 3 unchanged"
expect_equal "$(pg_sql one "$STATE")" "$AT_HEAD"

it "goes on in the same run when packets come through again, and sees what the server has done meanwhile"
cut_in_ten2 --connect-timeout 1s --lock-wait 60s
eventually 30 grep -q "connecting again" back.err
reachable
let_go
finish
expect_exit 0
expect_stdout_is "tenant: 3 databases: 3 upgraded (5 revisions)"
expect_equal "$(pg_sql one "$STATE")" "$AT_HEAD"

it "ends soon after SIGTERM while packets are dropped"
cut_in_ten2 --grace 1s
near kill -TERM "$(<run.pid)"
finish
expect_exit 143
let_go
reachable
