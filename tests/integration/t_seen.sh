#!/usr/bin/env bash
# What a person and a program see of a fleet: the progress line on a real terminal, the last lines, events, the report and
# what is repeated by it, and the tables of `status`. limit: 120
source "$(dirname "$0")/lib.sh"

# new_fleet: tenants t01 … t12 in SQLite files, none of which is there. One revision creates a table, the second one another.
new_project p
write_revision p shared s1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text);

-- migrate:down
DROP TABLE tenants;
SQL
table_revision p tenant one ""
write_revision p tenant two one <<'SQL'
-- migrate:up
CREATE TABLE second (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE second;
SQL
build_project p ours >/dev/null
OURS=$T/p/build/ours
export SHARED_DATABASE_URL=sqlite:///shared.db TERM=xterm

new_fleet() {
    local i
    cd "$T" && rm -rf fleet && mkdir fleet && cd fleet || return
    "$OURS" shared head -q >/dev/null
    for i in 01 02 03 04 05 06 07 08 09 10 11 12; do tenant "t$i" "sqlite:///t$i.db"; done
}
tenant() { sqlite_sql shared.db "INSERT INTO tenants VALUES ('$1', '$2')"; }
# in_the_way TENANT…: a table that stands where the second revision wants its own.
in_the_way() {
    local t
    for t; do sqlite_sql "$t.db" "CREATE TABLE second (x)"; done
}
# hold TENANT: another process has its migration lock, until release.
hold() {
    : >>"$1.db"
    flock "$1.db" sleep 60 &
    HOLDER=$!
    eventually 5 fails flock -n "$1.db" true
}
release() {
    pkill -P "$HOLDER" || true
    wait "$HOLDER" 2>/dev/null || true
}
# on_terminal COLUMNS [--step REGEX ACTION]… -- COMMAND…
on_terminal() { run python3 "$TOP/tests/integration/terminal.py" "$@"; }
# report QUERY: a Python expression over the report r.
report() { python3 -c 'import json, sys; r = json.load(open("report.json")); print(eval(sys.argv[1]))' "$1"; }
# states_of STREAM
states_of() { report "' '.join(t['tenant'] + '=' + t['state'] for s in r['streams'] if s['stream'] == '$1' for t in s['tenants'])"; }

# --------------------------------------------------------------------------------------------------- on a terminal

it "draws one progress line on a terminal, and leaves the errors whole and in their order"
new_fleet
in_the_way t03 t07
"$OURS" tenant head --jobs 1 >plain.out 2>plain.err && not_ok "nobody failed"
mv plain.err "$T/plain.err"
new_fleet
in_the_way t03 t07
on_terminal 100 -- "$OURS" tenant head --jobs 1
expect_exit 1
# On a terminal who is well is not told of, one by one.
expect_equal "$(cat screen)" "$(grep -v -- '-> two' "$T/plain.err")"
expect test -s frames
expect_not grep -qvE '^100 tenant [█░]+  [0-9]+/12 [0-9]+%  [0-9]+ running(  <31>[12] failed<>)?.*$' frames
expect grep -q "^tenant: 12 databases: 10 upgraded (22 revisions), 2 failed$" stdout

it "keeps both streams of one terminal apart from the progress line"
new_fleet
on_terminal 60 --stdout -- "$OURS" tenant head --jobs 1 -v
expect_exit 0
expect_equal "$(grep -c -- '^t..: <base> -> two, 2 revisions, the database was created$' screen)" 12
expect_equal "$(tail -n 1 screen)" "tenant: 12 databases: 12 upgraded (24 revisions)"

it "goes on drawing while nothing ends, as wide as the terminal is at that moment"
new_fleet
in_the_way t02
hold t05
on_terminal 100 --step '11/12 91%  1 running .* so far' 'resize 30' --step '^30 .*11/12' 'resize 90' \
    --step '^90 .* so far' 'resize 10' --step '^10 11/12$' 'resize 70' --step '^70 .* so far' "run pkill -P $HOLDER" -- \
    "$OURS" tenant head --jobs 4
release
expect_exit 1
expect grep -qE '^30 11/12 91%  <31>1 failed<>' frames

it "has no colour where NO_COLOR is set, no blocks without UTF-8, and no line on a dumb terminal"
new_fleet
in_the_way t02
hold t05
NO_COLOR=1 LC_ALL=C on_terminal 100 --step '11/12 .*  1 failed' "run pkill -P $HOLDER" -- "$OURS" tenant head
release
expect_exit 1
expect grep -q '^100 tenant #*-*  11/12 91%  1 running  1 failed' frames
expect_not grep -q '[<█░]' frames
TERM=dumb on_terminal 100 -- "$OURS" tenant head
expect_equal "$(wc -c <frames)" 0
on_terminal 100 -- "$OURS" tenant head --quiet
expect_equal "$(wc -c <frames)" 0
on_terminal 100 -- "$OURS" tenant head --json
expect_equal "$(wc -c <frames)" 0

it "prints a line for each tenant where there is no terminal"
new_fleet
run "$OURS" tenant head
expect_exit 0
expect_equal "$(sort "$T/err")" "$(printf 't%s: <base> -> two, 2 revisions, the database was created\n' 0{1..9} 10 11 12)"
expect_stdout_is "tenant: 12 databases: 12 upgraded (24 revisions)"

# ------------------------------------------------------------------------------------------------- the last lines

it "ends with a line for each of five hundred failures, whatever their messages are"
new_fleet
sqlite_sql shared.db "WITH RECURSIVE n(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < 597)
    INSERT INTO tenants SELECT 'u' || i, 'sqlite:////nowhere/' || i || '.db' FROM n;
    INSERT INTO tenants VALUES ('u598', 'sqlite:////nowhere/$(printf 'long%.0s' {1..900}).db'),
        ('u599', 'sqlite:////nowhere/two%0Alines.db')"
run "$OURS" tenant head
expect_exit 1
tail -n 501 "$T/err" >last
expect_equal "$(sed -n 1p last)" "error: 500 of 512 tenants failed:"
expect_equal "$(sed 1d last | cut -c 1-8)" "$(printf '  u%d: \n' {100..599})"

# --------------------------------------------------------------------------------------------------------- events

it "prints one event a line with --json, and the answer last"
new_fleet
in_the_way t03 t07
run "$OURS" tenant head --json
expect_exit 1
expect python3 - "$T/out" <<'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
ended = [line for line in lines if line.get("event") == "database"]
assert sorted(line["tenant"] for line in ended) == [f"t{i:02}" for i in range(1, 13)], ended
assert sorted(line["tenant"] for line in ended if line["state"] == "failed") == ["t03", "t07"]
assert all(line["event"] in ("step", "database") for line in lines[:-1])
answer = lines[-1]
assert [f["tenant"] for f in answer["failures"]] == ["t03", "t07"] and answer["failures"][0]["revision"] == "two", answer
assert (answer["databases"], answer["changed"], answer["failed"], answer["exit_code"]) == (12, 10, 2, 1), answer
PY

# --------------------------------------------------------------------------------------------------------- report

it "writes what came of each tenant into a report, with the failures in full"
new_fleet
in_the_way t03 t07
run "$OURS" tenant head --report report.json --jobs 2
expect_exit 1
expect_equal "$(states_of tenant)" "t01=done t02=done t03=failed t04=done t05=done t06=done t07=failed t08=done t09=done t10=done t11=done t12=done"
expect_equal "$(report "[r[k] for k in ('program', 'command', 'target', 'exit_code')]")" "['ours', 'upgrade', 'head', 1]"
expect_equal "$(report "[r['streams'][0][k] for k in ('databases', 'changed', 'unchanged', 'known', 'skipped', 'failed', 'not_started', 'steps', 'halt', 'exit_code')]")" \
    "[12, 10, 0, 0, 0, 2, 0, 22, None, 1]"
expect_equal "$(report "[(f['tenant'], f['revision'], f['path'], f['fault']) for f in r['streams'][0]['failures']][0]")" \
    "('t03', 'two', 'tenant/versions/two_test.sql', 'failed')"
expect_equal "$(report "r['version'] and r['build_id'] and r['duration_ms'] >= 0 and r['started'][10] + r['started'][-1]")" "TZ"
expect_equal "$(grep -c '^{"tenant": "t[0-9]*", "state": "[a-z_]*"},\?$' report.json)" 12
expect_equal "$(stat -c %a report.json)" 644
expect_equal "$(find . -name '.report*')" ""

it "repeats a run for those alone who failed"
sqlite_sql t03.db "DROP TABLE second"
run "$OURS" tenant head --retry-failed report.json --report report.json
expect_exit 1
expect_stdout_is "tenant: 2 databases: 1 upgraded (1 revision), 1 failed"
expect_equal "$(states_of tenant)" "t03=done t07=failed"
sqlite_sql t07.db "DROP TABLE second"
run "$OURS" tenant head --retry-failed report.json --report report.json --json
expect_exit 0
expect_equal "$(states_of tenant)" "t07=done"
run "$OURS" tenant head --retry-failed report.json
expect_exit 0
expect_stdout_lacks "unchanged"

it "says in the report which tenants were not begun, and which were known without a visit"
new_fleet
in_the_way t03
run "$OURS" tenant head --report report.json --canary t03
expect_exit 1
expect_stderr_contains "warning: 11 of 12 tenants were not started: a canary failed"
expect_equal "$(states_of tenant | tr ' ' '\n' | cut -d= -f2 | sort | uniq -c | xargs)" "1 failed 11 not_started"
expect_equal "$(report "[r['streams'][0][k] for k in ('failed', 'not_started', 'halt')]")" "[1, 11, 'canary']"
run "$OURS" tenant head --report report.json --jobs 1 --max-failures 0
expect_exit 1
expect_equal "$(report "[r['streams'][0][k] for k in ('failed', 'not_started', 'halt')]")" "[1, 9, 'max_failures']"
sqlite_sql t03.db "DROP TABLE second"
export OURS_TENANT_LEDGER=trust OURS_TENANT_LEDGER_SAMPLE=0
run "$OURS" tenant head --retry-failed report.json
expect_exit 0
run "$OURS" tenant head
expect_exit 0
run "$OURS" tenant head --report report.json
expect_exit 0
expect_equal "$(report "[r['streams'][0][k] for k in ('databases', 'known', 'unchanged')]")" "[12, 12, 0]"
expect_equal "$(states_of tenant | tr ' ' '\n' | grep -c '=known$')" 12
run "$OURS" tenant status
expect_stdout_is 'tenant: 12 databases, head two
  two  revision two  12  100%  ██████████  head
tenant: 12 at head (12 known by the ledger)'
unset OURS_TENANT_LEDGER OURS_TENANT_LEDGER_SAMPLE

it "lists in the report of a run that SIGTERM stopped who was not started"
new_fleet
hold t03
printf 'the one before' >report.json
"$OURS" tenant head --report report.json --jobs 1 --grace 0 >out 2>err &
pid=$!
eventually 20 grep -q '^t02: ' err
expect_equal "$(cat report.json)" "the one before"
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
release
expect_equal "$status" 143
expect_equal "$(states_of tenant | sed 's/ t0[5-9]=not_started//g')" \
    "t01=done t02=done t03=failed t04=not_started t10=not_started t11=not_started t12=not_started"
expect_equal "$(report "[r['exit_code'], r['streams'][0]['halt'], r['streams'][0]['not_started']]")" "[143, 'signal', 9]"
expect grep -q '^warning: 9 of 12 tenants were not started: a signal asked to stop$' err
run "$OURS" tenant head --retry-failed report.json
expect_exit 0
expect_stdout_is "tenant: 10 databases: 10 upgraded (20 revisions)"

it "leaves the report of before to whom kill -9 ends"
new_fleet
hold t03
printf 'the one before' >report.json
"$OURS" tenant head --report report.json --jobs 1 >out 2>err &
pid=$!
eventually 20 grep -q '^t02: ' err
kill -KILL "$pid"
{ wait "$pid" || true; } 2>/dev/null
release
expect_equal "$(cat report.json)" "the one before"
expect_equal "$(find . -name '.report*')" ""

it "has all streams in one report, also one that could not be listed"
new_fleet
run "$OURS" all head --report report.json
expect_exit 0
expect_equal "$(report "[(s['stream'], s['databases'], s['tenants'][0]) for s in r['streams']]")" \
    "[('shared', 1, {'tenant': None, 'state': 'done'}), ('tenant', 12, {'tenant': 't01', 'state': 'done'})]"
sqlite_sql shared.db "ALTER TABLE tenants RENAME TO elsewhere"
run "$OURS" all head --report report.json
expect_exit 2
expect_equal "$(report "[(s['stream'], s['tenants'], s.get('error', {}).get('fault')) for s in r['streams']]")" \
    "[('shared', [{'tenant': None, 'state': 'done'}], None), ('tenant', None, 'configuration')]"
run "$OURS" tenant head --retry-failed report.json
expect_exit 2
expect_stderr_matches '^report.json:[0-9]+:[0-9]+: error: in that run the tenants of "tenant" could not be listed'
run "$OURS" tenant head --tenant t01 --tenant t02 --report report.json
expect_exit 2
expect_equal "$(states_of tenant)" "t01=not_started t02=not_started"

it "does not lose by a failure who was to be repeated"
# So far there is no list; then there is, and somebody in it is not.
run "$OURS" tenant head --retry-failed report.json --report report.json
expect_exit 2
expect_equal "$(states_of tenant)" "t01=not_started t02=not_started"
sqlite_sql shared.db "ALTER TABLE elsewhere RENAME TO tenants; DELETE FROM tenants WHERE tenant_id = 't02'"
run "$OURS" tenant head --retry-failed report.json --report report.json
expect_exit 2
expect_equal "$(states_of tenant)" "t01=not_started t02=not_started"
run "$OURS" tenant head --exclude t02 --report other.json
expect_exit 2
expect grep -q '"halt": "refused".*"tenants": null' other.json
tenant t02 sqlite:///t02.db
# A mistyped target, and a registry that cannot be reached.
run "$OURS" tenant haed --retry-failed report.json --report report.json
expect_exit 2
SHARED_DATABASE_URL=postgresql://nobody@127.0.0.1:1/shared run "$OURS" all head --report other.json
expect_exit 4
expect grep -q '"stream": "tenant".*"halt": "stream".*"tenants": null' other.json
run "$OURS" tenant head --retry-failed report.json --report report.json
expect_exit 0
expect_equal "$(states_of tenant)" "t01=done t02=done"

it "says in the report of a command that was refused as a whole that nobody was begun"
new_fleet
"$OURS" tenant upgrade one -q >/dev/null
run "$OURS" tenant head --canary t13 --report report.json
expect_exit 2
expect_equal "$(report "[r['streams'][0]['halt'], r['streams'][0]['error']['message']]")" "['refused', '--canary: no tenant \"t13\"']"
"$OURS" tenant head -q --tenant t02 >/dev/null
run "$OURS" tenant downgrade -1 --report report.json
expect_exit 2
expect_equal "$(report "[r['streams'][0][k] for k in ('unchanged', 'not_started', 'halt')]")" "[0, 12, 'refused']"
expect_equal "$(report "r['streams'][0]['error']['fault']")" usage
expect_equal "$(states_of tenant | tr ' ' '\n' | grep -c not_started)" 12
echo "no database" >t03.db
run "$OURS" tenant upgrade +1 --report report.json
expect_exit 1
expect_equal "$(report "[r['streams'][0][k] for k in ('done', 'failed', 'not_started', 'halt') if k in r['streams'][0]]")" "[1, 11, 'refused']"

it "says that nothing was touched only where no stream before was changed"
new_fleet
"$OURS" shared downgrade base -q >/dev/null
run "$OURS" all head --tenant t01 --report report.json
expect_exit 1
expect_stderr_contains 'no tenant "t01"'
expect_equal "$(report "[r['exit_code']] + [(s['stream'], s['changed'], s['exit_code']) for s in r['streams']]")" "[1, ('shared', 1, 0), ('tenant', 0, 2)]"
run "$OURS" all head --tenant t01
expect_exit 2

it "halts for those who appeared meanwhile as for the others"
new_fleet
"$OURS" tenant upgrade one -q >/dev/null
in_the_way t05
hold t12
"$OURS" tenant head --jobs 1 --max-failures 1 --tolerate 100% --report report.json >out 2>err &
late=$!
eventually 20 sqlite_sql t11.db "SELECT * FROM second"
for t in n1 n2; do
    sqlite_sql "$t.db" "CREATE TABLE second (x)"
    tenant "$t" "sqlite:///$t.db"
done
release
STATUS=0
wait "$late" || STATUS=$?
expect_exit 1
expect grep -q '1 of 14 tenants were not started: 2 revisions failed, and max_failures is 1$' err
expect_equal "$(report "[r['streams'][0][k] for k in ('databases', 'failed', 'not_started', 'halt', 'exit_code')]")" "[14, 2, 1, 'max_failures', 1]"

it "refuses a report that it could not write, before anything is touched"
new_fleet
mkdir folder
refused() { # FILE MESSAGE
    run "$OURS" tenant head --report "$1"
    expect_exit 2
    expect_stderr_contains "$2"
    expect test ! -e t01.db
}
refused - "error: --report wants a file: stdout carries the answer"
refused "" "error: --report wants a file"
refused folder "error: cannot write the report folder: it is no regular file"
refused folder/ "error: --report folder/ names a folder, not a file"
refused /dev/null "error: cannot write the report /dev/null: it is no regular file"
refused nowhere/report.json "error: cannot write the report nowhere/report.json: No such file or directory"
refused "$(printf 'n%.0s' {1..255})" "File name too long"
run "$OURS" tenant head --dry-run --report report.json
expect_exit 2
expect_stderr_contains "--report is for what a run did, and this one does nothing"
expect test ! -e report.json

it "refuses to repeat by what is no report of this executable"
run "$OURS" tenant head --retry-failed nowhere.json
expect_exit 2
printf '{"program": "ours"\n  "streams": []}' >report.json
run "$OURS" tenant head --retry-failed report.json
expect_exit 2
expect_stderr_contains "report.json:2:11: error: this is no report: '}' expected near '\"streams\"'"
printf '{"program": "theirs"}' >report.json
run "$OURS" tenant head --retry-failed report.json
expect_exit 2
expect_stderr_contains 'report.json:1:2: error: this is a report of another program, "theirs"'
printf '{"program": "ours", "streams": []}' >report.json
run "$OURS" tenant head --retry-failed report.json
expect_exit 2
expect_stderr_contains 'the report has nothing about "tenant"'
expect test ! -e t01.db

# --------------------------------------------------------------------------------------------------------- status

it "shows how many tenants stand at which revision"
new_fleet
tenant u1 'sqlite:////nowhere/u1.db'
printf 'no database at all, but long enough for one %.0s' {1..200} >u2.db
tenant u2 'sqlite:///u2.db'
"$OURS" tenant head --tenant t01 --tenant t02 --tenant t03 --tenant t04 --tenant t05 --tenant t06 --tenant t07 -q >/dev/null
"$OURS" tenant upgrade one --tenant t08 --tenant t09 -q >/dev/null
"$OURS" tenant ensure-version --tenant t10 --tenant t11 -q >/dev/null
sqlite_sql t11.db "INSERT INTO alembic_version VALUES ('elsewhere')"
run "$OURS" tenant status
expect_exit 1
expect_stdout_is 'tenant: 14 databases, head two
  two        revision two  7  50%  █████░░░░░  head
  one        revision one  2  14%  █░░░░░░░░░  1 behind
  <base>                   1   7%  █░░░░░░░░░  2 behind: t10
  elsewhere                1   7%  █░░░░░░░░░  diverged: t11
  -                        2  14%  █░░░░░░░░░  missing
  -                        1   7%  █░░░░░░░░░  failing: u2
tenant: 7 at head, 3 behind, 1 diverged, 2 missing, 1 failing'
LC_ALL=C run "$OURS" tenant status --on-missing skip --tenant t01 --tenant t12
expect_exit 0
expect_stdout_is 'tenant: 2 databases, head two
  two  revision two  1  50%  #####-----  head: t01
  -                  1  50%  #####-----  missing: t12
tenant: 1 at head, 1 missing'

it "shows where each tenant stands"
run "$OURS" tenant status --tenants
expect_exit 1
expect_equal "$(sed -n 's/ *$//; 2,15p' "$T/out" | sed 's/^\(  u2 .* failing: \).\+/\1why/')" '  t01  two        head
  t02  two        head
  t03  two        head
  t04  two        head
  t05  two        head
  t06  two        head
  t07  two        head
  t08  one        1 behind
  t09  one        1 behind
  t10  <base>     2 behind
  t11  elsewhere  diverged
  t12  -          missing
  u1   -          missing
  u2   -          failing: why'
run "$OURS" tenant status --tenants --json
expect_exit 1
expect python3 - "$T/out" <<'PY'
import json, sys
answer = json.loads(open(sys.argv[1], encoding="utf-8").read())
tenants = {t["tenant"]: t for t in answer["tenants"]}
assert list(tenants) == [f"t{i:02}" for i in range(1, 13)] + ["u1", "u2"], tenants
assert tenants["t08"] == {"tenant": "t08", "rows": ["one"], "standing": "behind", "pending": 1}, tenants["t08"]
assert tenants["u1"]["standing"] == "missing" and tenants["u1"]["error"]["fault"] == "missing", tenants["u1"]
assert tenants["u2"]["standing"] == "failing" and tenants["u2"]["error"]["message"], tenants["u2"]
assert tenants["t11"]["rows"] == ["elsewhere"] and tenants["t11"]["standing"] == "diverged", tenants["t11"]
counts = ("at_head", "behind", "edited", "ahead", "diverged", "absent", "missing", "failing", "not_started", "failed")
assert [answer[k] for k in counts] == [7, 3, 0, 0, 1, 0, 2, 1, 0, 4], answer
assert answer["groups"][0] == {"rows": ["two"], "message": "revision two", "standing": "at_head", "pending": 0,
                               "databases": 7, "example": "t01"}, answer["groups"][0]
PY

it "fits the table to the terminal"
on_terminal 44 --stdout -- "$OURS" tenant status
expect_exit 1
expect_equal "$(sed -n 2,7p screen)" '  two        revision two  7  50%  head
  one        revision one  2  14%  1 behind
  <base>                   1   7%  2 behind
  elsewhere                1   7%  diverged
  -                        2  14%  missing
  -                        1   7%  failing'
on_terminal 30 --stdout -- "$OURS" tenant status
expect_equal "$(sed -n 2,5p screen)" '  two        7  50%  head
  one        2  14%  1 behind
  <base>     1   7%  2 behind
  elsewhere  1   7%  diverged'
on_terminal 34 --stdout -- "$OURS" tenant status --tenants
expect_equal "$(sed -n '2,15{/^.\{35\}/p}' screen)" ""
expect grep -q '^  u2   -          failing: .*…$' screen
