#!/usr/bin/env bash
# A fleet that is stopped at any moment, by SIGTERM and by kill -9: nothing half done, a report of what was not begun,
# and a rerun that ends at head with every revision applied once. limit: 300
#
# Every revision inserts a row into a table that has no unique key, so that one applied twice shows, and one lost too.
source "$(dirname "$0")/lib.sh"

start_postgres --conf "synchronous_commit = on"
RANDOM=${SEED:-4711}
ROUNDS=12

new_project fleet
cat >fleet/migrations/tenant/env.ini <<'INI'
[stream]
kind = fleet
dialects = postgresql, sqlite
registry = shared
tenants_query = SELECT tenant_id, database_url, schema FROM tenants ORDER BY tenant_id
tenant_url = sqlite:///${ROUND}/{tenant_id}.db
INI
registry_revision fleet
write_revision fleet tenant ten1 "" <<'SQL'
-- migrate:up
CREATE TABLE ran (revision text);
INSERT INTO ran VALUES ('ten1');

-- migrate:down
DROP TABLE ran;
SQL
for i in 2 3 4; do
    write_revision fleet tenant ten$i ten$((i - 1)) <<SQL
-- migrate:up
INSERT INTO ran VALUES ('ten$i');
CREATE TABLE t_$i (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE t_$i;
DELETE FROM ran WHERE revision = 'ten$i';
SQL
done
write_revision fleet tenant wise5 ten4 <<'SQL'
-- migrate:up transaction:false
INSERT INTO ran VALUES ('wise5');
CREATE INDEX ran_revision ON ran (revision);

-- migrate:down
DROP INDEX ran_revision;
DELETE FROM ran WHERE revision = 'wise5';
SQL
build_project fleet fleet-migrate
OURS=$T/fleet/build/fleet-migrate
export SHARED_DATABASE_URL=sqlite:///registry.db

# new_round NAME: thirty tenants that nobody has touched: files in the folder NAME, schemas of the database NAME.
new_round() {
    local i
    export ROUND=$1
    mkdir "$1"
    new_database "$1"
    rm -f registry.db
    "$OURS" shared head >/dev/null 2>&1
    for i in {01..15}; do
        echo "INSERT INTO tenants VALUES ('p$i', '$(pg_url "$1")', 'p$i'), ('s$i', NULL, NULL);"
    done | sqlite3 -batch -bail registry.db
}

# What ran, the version rows and the log of a tenant; {} before a table's name. The row of wise5 is in before its version
# row: its two statements are commits of their own, and the log says how far it came.
STATE="SELECT (SELECT count(*) FROM {}ran WHERE revision <> 'wise5') || ' ' ||
    (SELECT count(DISTINCT revision) FROM {}ran WHERE revision <> 'wise5') || ' ' ||
    (SELECT count(*) FROM {}migrate_log WHERE state = 'done' AND statement IS NULL AND revision <> 'wise5') || ' ' ||
    (SELECT count(*) FROM {}migrate_log WHERE state = 'done' AND statement IS NULL AND revision = 'wise5') || ' ' ||
    (SELECT count(*) FROM {}ran WHERE revision = 'wise5') || ' ' ||
    CASE (SELECT count(*) FROM {}migrate_log WHERE revision = 'wise5' AND statement >= 1) WHEN 0 THEN 0 ELSE 1 END ||
    ' ' || (SELECT version_num FROM {}alembic_version)"
AT_HEAD="4 4 4 1 1 1 wise5"
WHOLE='1 1 1 0 0 0 ten1|2 2 2 0 0 0 ten2|3 3 3 0 0 0 ten3|4 4 4 0 0 0 ten4|4 4 4 0 1 1 ten4|4 4 4 1 1 1 wise5'
# states: of every tenant of the round that has been begun.
states() {
    local file query
    for file in "$ROUND"/*.db; do
        [[ -z $(sqlite_sql "$file" "SELECT 1 FROM sqlite_master WHERE name = 'ran'") ]] ||
            sqlite_sql "$file" "${STATE//\{\}/}"
    done
    query=$(pg_sql "$ROUND" "SELECT string_agg(replace('${STATE//\'/\'\'}', '{}', quote_ident(nspname) || '.'), ' UNION ALL ')
        FROM pg_namespace n WHERE EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relname = 'ran')")
    [[ -z $query ]] || pg_sql "$ROUND" "$query"
}
expect_whole() {
    local odd
    odd=$(states | grep -vxE "$WHOLE" || true)
    expect_that "half done ($1): $odd" equal "$odd" "" || true
}
expect_at_head() {
    expect_equal "$(states | sort | uniq -c | awk '{$1 = $1 "x"; print}')" "30x $AT_HEAD"
}

# milliseconds COMMAND…: how long it takes.
milliseconds() {
    local began=${EPOCHREALTIME/./}
    "$@" >/dev/null 2>&1
    echo $(((${EPOCHREALTIME/./} - began) / 1000))
}
pause() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

new_round whole
SPAN=$(milliseconds "$OURS" tenant head --on-missing create --jobs 4)
[[ $(states | sort -u) == "$AT_HEAD" ]]
echo "# a whole run takes $SPAN ms; seed ${SEED:-4711}"

# report_is_sound STATUS: the report of a run that was stopped agrees with itself and with the databases. Prints nothing, or
# what is wrong.
report_is_sound() {
    python3 - report.json "$1" "$(states | grep -cxF "$AT_HEAD" || true)" <<'PY'
import collections, json, sys
report, status, at_head = json.load(open(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
if report["exit_code"] != status:
    print("exit_code", report["exit_code"])
(stream,) = report["streams"]
if stream["tenants"] is None:
    if at_head or status == 0:
        print("no tenants named")
    sys.exit()
ids = [t["tenant"] for t in stream["tenants"]]
if sorted(ids) != sorted(f"{letter}{i:02}" for letter in "ps" for i in range(1, 16)):
    print("tenants", ids)
states = collections.Counter(t["state"] for t in stream["tenants"])
if states["not_started"] != stream["not_started"] or not states["failed"] == stream["failed"] == len(stream["failures"]):
    print("does not add up", stream)
if states["done"] != at_head:
    print("done", states["done"], "at head", at_head)
if states["not_started"] and stream["halt"] != "signal":
    print("halt", stream["halt"])
PY
}

it "stops at a clean boundary whenever SIGTERM comes, reports who was not begun, and is at head after a rerun"
stopped=0
for ((round = 0; round < ROUNDS; round++)); do
    new_round "term_$round"
    ms=$((SPAN * round / ROUNDS + RANDOM % (SPAN / ROUNDS + 1)))
    rm -f report.json
    "$OURS" tenant head --on-missing create --jobs 4 --report report.json >stop.out 2>stop.err &
    pid=$!
    pause $ms
    kill -TERM $pid 2>/dev/null || true
    status=0
    wait $pid || status=$?
    expect_that "exit $status after $ms ms: $(cat stop.err)" matches "$status" '^(0|143)$' || true
    ((status == 0)) || stopped=$((stopped + 1))
    expect_whole "after $ms ms"
    again=()
    # A signal that comes before they are waited for ends the process in the plain way, before it did anything.
    if ((status == 0)) || grep -q "finishing what runs" stop.err; then
        expect_equal "$(report_is_sound $status 2>&1)" ""
        ((status == 0 || round % 2)) || grep -q '"tenants": *null' report.json || again=(--retry-failed report.json)
    fi
    run "$OURS" tenant head --on-missing create --jobs 4 "${again[@]}"
    expect_exit 0
    expect_at_head
done
expect_that "only $stopped of $ROUNDS runs were stopped" test $stopped -ge $((ROUNDS / 3))

it "applies every revision once over kill -9 at any moment of a fleet's run"
for ((round = 0; round < 4; round++)); do
    new_round "kill_$round"
    for ((i = 0; i < 4; i++)); do
        ms=$((RANDOM % SPAN))
        "$OURS" tenant head --on-missing create --jobs 4 >>kill.out 2>&1 &
        pid=$!
        pause $ms
        kill -KILL $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        expect_whole "killed after $ms ms"
    done
    run "$OURS" tenant head --on-missing create --jobs 4
    expect_exit 0
    expect_at_head
done
