#!/usr/bin/env bash
# lint: what it says, in every form, what allows it, and what fails because of it. What each rule finds is shown by the
# rules' own examples (test_gen_lint_rules); here a few of them stand for all.
#
# tests/golden/lint/*.case: what `migrate-gen lint` prints (cases.sh); UPDATE=1 writes it anew.
# shellcheck disable=SC2016 # $$ is SQL's
source "$(dirname "$0")/lib.sh"
source "$TOP/tests/integration/cases.sh"
[[ -x $MIGRATE_GEN ]] || { echo "there is no $MIGRATE_GEN" >&2 && exit 1; } # or UPDATE=1 would write that down
PATH=$(dirname "$MIGRATE_GEN"):$PATH

for file in "$TOP"/tests/golden/lint/*.case; do
    name=$(basename "$file" .case)
    it "says: ${name//-/ }"
    mkdir "$T/golden.$name"
    cd "$T/golden.$name"
    unpack "$file"
    run migrate-gen lint
    [[ -z ${UPDATE:-} ]] || { update "$file" "$T/out" && cp "$T/out" expected; }
    expect_equal "$OUT" "$(cat expected)"
    if grep -q ' error: ' expected; then expect_exit 1; else expect_exit 0; fi
done

# ---- a stream to work on ----

# revision FILE ID PARENT [STREAM]: the sections come from stdin.
revision() {
    mkdir -p "migrations/${4:-s}/versions"
    { printf -- '-- Revision: %s\n-- Revises: %s\n-- Message: %s\n\n' "$2" "$3" "$2" && cat; } \
        >"migrations/${4:-s}/versions/$1.sql"
}
# ini [LINE…]: env.ini of the stream s, with these lines in [lint].
ini() {
    mkdir -p migrations/s/versions
    printf '%s\n' '[stream]' 'dialects = postgresql' '' '[lint]' "$@" >migrations/s/env.ini
}
# found RULE…: these rules' findings in the JSON of the last run: rule, severity, file, line.
found() {
    local pattern
    pattern=$(IFS='|' && echo "$*")
    grep -E "^\{\"rule\": \"($pattern)\"" "$T/out" |
        sed -E 's,.*"rule": "([^"]*)"\, "severity": "([^"]*)"\, "path": "[^"]*/([^"/]*)"\, "line": ([0-9]+).*,\1 \2 \3:\4,' || true
}

mkdir "$T/work"
cd "$T/work"
ini
revision a aaaa1 "" <<'SQL'
-- migrate:up
CREATE TABLE documents (id bigint PRIMARY KEY, title text, body text);
-- migrate:down
DROP TABLE documents;
SQL
revision b bbbb2 aaaa1 <<'SQL'
-- migrate:up
CREATE INDEX documents_title ON documents (title);
-- migrate:down
DROP INDEX documents_title;
SQL
revision c cccc3 bbbb2 <<'SQL'
-- migrate:up
ALTER TABLE documents DROP COLUMN body;
-- migrate:down
ALTER TABLE documents ADD COLUMN body text;
SQL

it "shows a finding with its place, its line, the reason and SQL to paste"
run migrate-gen lint
expect_exit 0
expect_stdout_matches '(^|'$'\n'')migrations/s/versions/b\.sql:6:1: warning: [^'$'\n'']*documents[^'$'\n'']* \[idx-not-concurrent\]
    CREATE INDEX documents_title ON documents \(title\);
    \^
detail: [^'$'\n'']+'
expect_stdout_contains $'\nhint: -- migrate:up transaction:false\n      CREATE INDEX CONCURRENTLY documents_title ON documents (title);'
expect_stderr_matches '^3 revisions: 0 errors, [0-9]+ warnings?, [0-9]+ notes?$'

it "advises a down section in its own words"
revision d dddd4 cccc3 <<'SQL'
-- migrate:up
DROP INDEX documents_title;
-- migrate:down
CREATE INDEX documents_title ON documents (title);
SQL
run migrate-gen lint migrations/s/versions/d.sql
expect_stdout_contains $'\nhint: -- migrate:up transaction:false\n      DROP INDEX CONCURRENTLY documents_title;'
expect_stdout_contains $'\nhint: -- migrate:down transaction:false\n      CREATE INDEX CONCURRENTLY documents_title ON documents (title);'
rm migrations/s/versions/d.sql

it "gives findings as JSON, one a line, and a summary last"
run migrate-gen lint --json
expect_exit 0
expect_stderr_is ""
expect_equal "$(found idx-not-concurrent drop-column)" "idx-not-concurrent warning b.sql:6
drop-column warning c.sql:6"
expect python3 - "$T/out" <<'PY'
import json, sys
*findings, last = map(json.loads, open(sys.argv[1], encoding="utf-8"))
assert list(last) == ["errors", "warnings", "notes", "revisions", "streams"], last
assert (last["revisions"], last["streams"]) == (3, 1), last
for word in "error", "warning", "note":
    assert last[word + "s"] == sum(f["severity"] == word for f in findings), (word, last)
assert all(f["detail"] and f["line"] and f["column"] for f in findings if f["rule"] in ("idx-not-concurrent", "drop-column"))
PY
mv "$T/out" json
run migrate-gen lint --format json
expect cmp json "$T/out"

it "makes a table in the revision itself no finding"
run migrate-gen lint --json migrations/s/versions/a.sql
expect_equal "$(found '[a-z-]*' | grep -v ' note ' || true)" ""

# ---- allowing ----

it "allows above, inside and behind a statement, and only that one"
revision d dddd4 cccc3 <<'SQL'
-- migrate:up
-- lint:allow drop-column nobody reads it since 2.3
ALTER TABLE documents DROP COLUMN a;
ALTER TABLE documents -- lint:allow drop-column,idx-not-concurrent nobody reads it
    DROP COLUMN b;
ALTER TABLE documents
    DROP COLUMN c; -- lint:allow drop-column nobody reads it
ALTER TABLE documents DROP COLUMN d;
-- migrate:down
SQL
run migrate-gen lint --json migrations/s/versions/d.sql
expect_equal "$(found drop-column bad-allow unused-allow)" "unused-allow warning d.sql:8
drop-column warning d.sql:12"

it "allows in a body what is found in the body"
revision d dddd4 cccc3 <<'SQL'
-- migrate:up
DO $$
BEGIN
    -- lint:allow drop-column nobody reads it
    ALTER TABLE documents DROP COLUMN a;
END
$$;
-- migrate:down
SQL
run migrate-gen lint --json migrations/s/versions/d.sql
expect_equal "$(found drop-column unused-allow)" ""

it "fails for a lint:allow that is none"
revision d dddd4 cccc3 <<'SQL'
-- migrate:up
-- lint:allow drop-column
ALTER TABLE documents DROP COLUMN a;
-- migrate:down
SQL
run migrate-gen lint --json migrations/s/versions/d.sql
expect_exit 1
expect_equal "$(found drop-column bad-allow)" "bad-allow error d.sql:6
drop-column warning d.sql:7"
rm migrations/s/versions/d.sql

# ---- severities ----

it "fails a build for an error, and for nothing else"
for severity in error warning note off; do
    ini "drop-column = $severity"
    rm -rf gen
    run migrate-gen compile --output gen
    shown="c\.sql:6:[0-9]+: $severity: [^"$'\n'"]*body"
    case $severity in
    error) expect_exit 1 && expect_stderr_matches "$shown" && expect_not test -e gen ;;
    warning) expect_exit 0 && expect_stderr_matches "$shown" && expect test -e gen/sources.mk ;;
    *) expect_exit 0 && expect_stderr_lacks "c.sql" && expect test -e gen/sources.mk ;;
    esac
    run migrate-gen check -q
    case $severity in
    error) expect_exit 1 && expect_stderr_matches "$shown" ;;
    warning) expect_exit 0 && expect_stderr_matches "$shown" ;;
    *) expect_exit 0 && expect_stderr_lacks "c.sql" ;;
    esac
    run migrate-gen lint --json
    case $severity in
    error) expect_exit 1 ;;
    *) expect_exit 0 ;;
    esac
    [[ $severity == off ]] || expect_equal "$(found drop-column)" "drop-column $severity c.sql:6"
    [[ $severity != off ]] || expect_equal "$(found drop-column)" ""
done

it "keeps notes back when it shall be quiet"
ini "drop-column = note"
run migrate-gen lint
expect_stdout_contains "c.sql:6:"
run migrate-gen lint -q
expect_stdout_lacks "c.sql:6:"
expect_stdout_contains "b.sql:6:"
expect_stderr_is ""

it "fails for what --fail-on says"
ini "drop-column = note" "idx-not-concurrent = off"
run migrate-gen s lint migrations/s/versions/c.sql
expect_exit 0
run migrate-gen s lint --fail-on warning migrations/s/versions/a.sql
expect_exit 0
run migrate-gen s lint --fail-on note migrations/s/versions/c.sql
expect_exit 1
ini "idx-not-concurrent = warning"
run migrate-gen lint --fail-on warning
expect_exit 1
run migrate-gen lint --fail-on off
expect_exit 2
expect_stderr_is 'error: --fail-on: there is no "off"
hint: error, warning, note'

# ---- what is looked at ----

it "says nothing of a revision and of those that it builds on"
ini
run migrate-gen s lint --json --since bbbb2
expect_equal "$(found idx-not-concurrent drop-column)" "drop-column warning c.sql:6"
ini "since = bbbb2"
run migrate-gen lint --json
expect_equal "$(found idx-not-concurrent drop-column)" "drop-column warning c.sql:6"
run migrate-gen check -q
expect_stderr_lacks "b.sql"
expect_stderr_contains "c.sql"
run migrate-gen s lint --json --since base
expect_equal "$(found idx-not-concurrent drop-column)" "idx-not-concurrent warning b.sql:6
drop-column warning c.sql:6"
ini

it "refuses a revision that there is not, and one without a stream"
run migrate-gen s lint --since bbbb3
expect_exit 2
expect_stderr_matches '^error: --since: unknown revision "bbbb3"'
run migrate-gen lint --since bbbb2
expect_exit 2
expect_stderr_is 'error: --since is a revision of one stream
hint: migrate-gen STREAM lint --since bbbb2'

it "looks at files however they are typed"
for typed in migrations/s/versions/b.sql ./migrations/s/versions/b.sql "$PWD/migrations/s/../s/versions/b.sql"; do
    run migrate-gen lint --json "$typed"
    expect_equal "$(found '[a-z-]*' | grep -v ' b\.sql:' || true)" ""
    expect_equal "$(found idx-not-concurrent)" "idx-not-concurrent warning b.sql:6"
    expect_stdout_contains '"revisions": 1, "streams": 1}'
done
run migrate-gen lint --json migrations/s/versions/b.sql migrations/s/versions/c.sql
expect_equal "$(found idx-not-concurrent drop-column | wc -l)" 2

it "refuses files that are no revision"
run migrate-gen lint migrations/s/versions/x.sql
expect_exit 2
expect_stderr_is 'error: there is no file "migrations/s/versions/x.sql"
hint: a revision is a file STREAM/versions/….sql in the migrations folder, which --migrations names'
run migrate-gen lint migrations/s/env.ini
expect_exit 2
expect_stderr_contains '"migrations/s/env.ini" is no revision of any stream in migrations'

it "looks at the stream that is named alone"
mkdir -p migrations/t
printf '[stream]\ndialects = postgresql\n' >migrations/t/env.ini
revision a aaaa1 "" t <<'SQL'
-- migrate:up
ALTER TABLE documents DROP COLUMN title;
SELEC 1;
-- migrate:down
SQL
revision b bbbb2 zzzz9 t <<'SQL'
-- migrate:up
-- migrate:down
SQL
run migrate-gen s lint --json
expect_exit 0
expect_stdout_lacks "/t/"
run migrate-gen t lint --json
expect_exit 1
expect_stdout_lacks "/s/"
run migrate-gen s lint migrations/t/versions/a.sql
expect_exit 2
expect_stderr_contains 'is no revision of the stream s'
run migrate-gen u lint
expect_exit 2
expect_stderr_contains 'there is no stream "u" in migrations'

it "says with a file that its stream could not be looked at"
run migrate-gen lint --json migrations/t/versions/a.sql
expect_exit 1
expect_equal "$(found syntax unknown-parent)" "syntax error a.sql:7
unknown-parent error b.sql:2"

it "shows what other stages found, and lints no statement that was refused"
sed -i 's/zzzz9/aaaa1/' migrations/t/versions/b.sql
revision a aaaa1 "" t <<'SQL'
-- migrate:up
SET work_mem = '1GB'; DROP TABLE other;
DROP TABLE one;
-- migrate:down
SQL
run migrate-gen t lint --json
expect_exit 1
expect_equal "$(found session-state)" "session-state error a.sql:6"
expect_equal "$(found '[a-z-]*' | grep -c 'a\.sql:6')" 1
rm -r migrations/t

# ---- forms for other programs ----

it "writes GitHub's annotations, with what would end them escaped"
revision "d,100%" dddd4 cccc3 <<'SQL'
-- migrate:up
ALTER TABLE documents DROP COLUMN "100%";
-- migrate:down
SQL
run migrate-gen lint --format github
expect_exit 0
expect_stdout_matches '(^|'$'\n'')::warning file=migrations/s/versions/b\.sql,line=6,col=1,title=idx-not-concurrent::[^'$'\n'']+%0A-- migrate:up transaction:false%0ACREATE INDEX CONCURRENTLY documents_title ON documents \(title\);'
expect_stdout_matches '::warning file=migrations/s/versions/d%2C100%25\.sql,line=6,col=[0-9]+,title=drop-column::[^'$'\n'']*100%25'
expect_equal "$(grep -cv '^::\(error\|warning\|notice\) ' "$T/out" || true)" 0
ini "drop-column = note"
run migrate-gen lint --format github
expect_stdout_contains "::notice file=migrations/s/versions/c.sql,line=6,"
ini "drop-column = error"
run migrate-gen lint --format github
expect_exit 1
expect_stdout_contains "::error file=migrations/s/versions/c.sql,line=6,"

it "writes SARIF 2.1.0"
printf 'x\n' >migrations/s/versions/notes.txt
run migrate-gen lint --format sarif
expect_exit 1
expect python3 - "$T/out" <<'PY'
import json, sys
log = json.load(open(sys.argv[1], encoding="utf-8"))
assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
(run,) = log["runs"]
assert run["columnKind"] == "unicodeCodePoints"
driver = run["tool"]["driver"]
assert driver["name"] == "migrate-gen" and driver["version"]
rules = driver["rules"]
assert len({rule["id"] for rule in rules}) == len(rules) > 50
for rule in rules:
    for key in "shortDescription", "fullDescription", "help":
        assert rule[key]["text"], (rule["id"], key)
    assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note", "none")
seen = set()
for result in run["results"]:
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in ("error", "warning", "note") and result["message"]["text"]
    (location,) = result["locations"]
    place = location["physicalLocation"]
    uri = place["artifactLocation"]["uri"]
    assert not uri.startswith("/") and ":" not in uri
    region = place.get("region", {})
    seen.add((result["ruleId"], result["level"], uri.rsplit("/", 1)[1], region.get("startLine"), "startColumn" in region))
for wanted in [
    ("idx-not-concurrent", "warning", "b.sql", 6, True),
    ("drop-column", "error", "c.sql", 6, True),
    ("drop-column", "error", "d%2C100%25.sql", 6, True),
    ("ignored-file", "warning", "notes.txt", None, False),
]:
    assert wanted in seen, (wanted, seen)
PY

it "counts characters in columns"
ini
rm migrations/s/versions/d,100%.sql migrations/s/versions/notes.txt
revision d dddd4 cccc3 <<'SQL'
-- migrate:up
SELECT 'ääää'; CREATE INDEX documents_body ON documents (body);
-- migrate:down
SQL
run migrate-gen lint --format sarif migrations/s/versions/d.sql
expect_equal "$(grep -o '"ruleId": "idx-not-concurrent".*' "$T/out" | grep -o '"startLine": [0-9]*, "startColumn": [0-9]*' | head -n 1)" \
    '"startLine": 6, "startColumn": 16'

it "makes an absolute path a URI of its own"
run migrate-gen lint --migrations "$PWD/migrations" --format sarif
expect_stdout_contains "\"uri\": \"file://$PWD/migrations/s/versions/b.sql\""

it "knows its formats"
run migrate-gen lint --format xml
expect_exit 2
expect_stderr_is 'error: --format: there is no "xml"
hint: text, json, github, sarif'
run migrate-gen lint --json --format sarif
expect_exit 2
expect_stdout_contains '"message": "--json and --format sarif do not go together"'

# ---- explaining ----

it "explains a rule, from anywhere"
cd "$T"
for spelling in "--explain drop-column" "--explain=drop-column"; do
    # shellcheck disable=SC2086 # several words
    run migrate-gen lint $spelling
    expect_exit 0
    expect_stdout_matches '^drop-column: [^'$'\n'']+'$'\n''warning, PostgreSQL'
    expect_stdout_contains $'\nfound:\n'
    expect_stdout_contains $'\nnot found:\n'
done
run migrate-gen lint --explain syntax
expect_stdout_contains "error (always: it cannot be turned down or allowed), PostgreSQL and SQLite"

it "lists every rule"
run migrate-gen lint --explain
expect_exit 0
cp "$T/out" listed
for rule in idx-not-concurrent drop-column syntax unknown-parent unused-allow; do
    expect grep -qE "^  $rule +(error|warning|note|off) +" listed
done

it "explains as JSON"
run migrate-gen lint --explain --json
expect_exit 0
expect_equal "$(wc -l <"$T/out")" "$(grep -c '^  ' listed)"
expect python3 - "$T/out" <<'PY'
import json, sys
rules = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
for rule in rules:
    assert rule["rule"] and rule["title"] and rule["why"] and rule["severity"] in ("error", "warning", "note", "off"), rule
    assert rule["fixed"] or not rule["engines"] or (rule["example_bad"] and rule["example_good"]), rule
PY
grep -o '^{"rule": "[^"]*"' "$T/out" | cut -d'"' -f4 | sort >known
run migrate-gen lint --explain drop-column --json
expect_equal "$(wc -l <"$T/out")" 1

it "names the nearest rule for one that there is not"
run migrate-gen lint --explain drop-colum
expect_exit 2
expect_stderr_is 'error: there is no rule "drop-colum"
hint: did you mean "drop-column"?'
run migrate-gen lint --explain nothing-of-the-kind
expect_exit 2
expect_stderr_is 'error: there is no rule "nothing-of-the-kind"
hint: `migrate-gen lint --explain` lists every rule'

it "knows every rule that any case of ours breaks"
: >used
for file in "$TOP"/tests/golden/{refused,accepted,lint}/*.case; do
    rm -rf unpacked && mkdir unpacked && cd unpacked
    unpack "$file"
    run migrate-gen lint --json
    grep -o '^{"rule": "[^"]*"' "$T/out" | cut -d'"' -f4 >>"$T/used" || true
    cd "$T"
done
sort -u used -o used
expect test "$(wc -l <used)" -gt 60
expect_equal "$(comm -23 used known)" ""

it "has its page of rules as the table makes it"
migrate-gen help --rules >rules.md
expect cmp rules.md "$TOP/docs/rules.md"
