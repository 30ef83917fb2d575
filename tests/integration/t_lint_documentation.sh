#!/usr/bin/env bash
# lint on the SQL of PostgreSQL's own reference: what it finds where tables are in use, and that it is silent where the
# same revision made them.
source "$(dirname "$0")/lib.sh"

CASES_FILE=$TOP/tests/integration/lint/documentation.sql
new_stream p s <<'INI'
[stream]
dialects = postgresql
INI

# found: the rules that lint finds in the second revision, each once, sorted; notes of the first are its own affair.
found() {
    "$MIGRATE_GEN" --migrations p/migrations s lint --json 2>lint.err | python3 -c '
import json, sys
rules = set()
for line in sys.stdin:
    o = json.loads(line)
    if "rule" in o and "b2_test.sql" in (o["path"] or ""):
        rules.add(o["rule"])
print(",".join(sorted(rules)) or "-")'
}

section() { if [[ $1 == *outside* ]]; then echo "-- migrate:up transaction:false"; else echo "-- migrate:up"; fi; }

awk '/^-- expect:/ { exit } on { print } /^-- tables/ { on = 1 }' "$CASES_FILE" >tables.sql
awk '/^-- expect:/ { n++ } n { print > sprintf("case%02d.sql", n) }' "$CASES_FILE"
n=0
for file in case*.sql; do
    n=$((n + 1))
    expected=$(sed -n '1s/^-- expect: //p' "$file")
    sql=$(tail -n +2 "$file")
    it "finds ${expected%% *} in: $(tr -s ' \n' ' ' <<<"$sql")"
    { echo "-- migrate:up irreversible"; cat tables.sql; } | write_revision p s a1 ""
    { echo "$(section "$expected") irreversible"; echo "$sql"; } | write_revision p s b2 a1
    expect_equal "$(found)" "${expected%% *}"
done

it "looked at every statement of the reference"
expect_equal "$n" 38

# Words about what a statement is, and not about who waits for it, are said of new tables too.
it "is silent about locks, rewrites and scans where the revision made the tables itself"
{ echo "-- migrate:up irreversible"; } | write_revision p s a1 ""
for file in case*.sql; do
    [[ $(sed -n 1p "$file") != *outside* ]] || continue
    { echo "-- migrate:up irreversible"; cat tables.sql; tail -n +2 "$file"; } | write_revision p s b2 a1
    got=$(found | tr ',' '\n' | grep -vE '^(-|prefer-.*|int-pk|unqualified-name|fk-no-index|merge-alters)$' || true)
    expect_equal "$got" ""
done
