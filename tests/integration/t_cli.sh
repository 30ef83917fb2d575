#!/usr/bin/env bash
# The command line on the sample migrations, with SQLite: every command, as text and as JSON, with its exit status.
#
# tests/golden/cli/NAME.session holds what a person would see: lines with "$ " are arguments of the executable, lines
# with "# " are commands of the shell; below each stands its stdout, then its stderr behind "2> ", then "[N]" if the exit
# status is N. UPDATE=1 writes the sessions anew; read the difference before it is committed.
source "$(dirname "$0")/lib.sh"

# Times, durations and what else differs from run to run.
normalise() {
    sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' -e 's/\b[0-9]+(\.[0-9]+)? ms\b/N ms/g' \
        -e 's/"duration_ms": [0-9]+/"duration_ms": N/g' -e "s/\b$(hostname)\b/HOST/g" \
        -e 's/"(build_id|sha256|checksum)": "[0-9a-f]+"/"\1": "SUM"/g' -e 's/\bbuild [0-9a-f]{16}\b/build SUM/g' \
        -e 's/"(libpq|sqlite|openssl)": "[^"]*"/"\1": "V"/g' -e 's/^libpq .*/libpq V, SQLite V, OpenSSL V/' \
        -e "s/\b$VERSION\b/VERSION/g"
}

# transcript SESSION: runs its commands in the current folder and prints the session anew.
transcript() {
    local line status
    grep -E '^(\$|#)( |$)' "$1" | while IFS= read -r line; do
        printf '%s\n' "$line"
        status=0
        if [[ $line == '#'* ]]; then
            bash -c "${line#\# }" >../stdout 2>../stderr </dev/null || status=$?
        else
            line=${line#\$}
            # One level of the shell's quoting, as a person types it.
            local words
            mapfile -d '' -t words < <(xargs printf '%s\0' <<<"$line")
            [[ -n ${line// /} ]] || words=()
            "$MIGRATE" "${words[@]}" >../stdout 2>../stderr </dev/null || status=$?
        fi
        normalise <../stdout
        normalise <../stderr | sed 's/^/2> /'
        ((status == 0)) || printf '[%s]\n' "$status"
    done
}

: "${VERSION:=$("$MIGRATE" version --json | sed 's/.*"version": "\([^"]*\)".*/\1/')}"
# One tenant after the other, so that the order of events is the list's.
export SHARED_DATABASE_URL=sqlite:///shared.db PROFILE_MIGRATE_TENANT_JOBS=1

for session in "$TOP"/tests/golden/cli/*.session; do
    name=$(basename "$session" .session)
    it "prints what the session \"$name\" says"
    mkdir "$name"
    (cd "$name" && transcript "$session") >"$name.session"
    [[ -z ${UPDATE:-} ]] || cp "$name.session" "$session"
    if diff -u "$session" "$name.session" >difference; then ok; else not_ok "$(head -n 60 difference)"; fi
done

it "gives one JSON object a line on every command, the answer last"
mkdir json && cd json
"$MIGRATE" shared head -q >/dev/null
sqlite_sql shared.db "INSERT INTO tenants (tenant_id, name, database_url) VALUES ('acme', 'Acme', 'sqlite:///acme.db')"
while read -ra words; do
    run "$MIGRATE" "${words[@]}" --json
    expect_that "${words[*]}: not JSON: $OUT" python3 -c '
import json, sys
lines = sys.stdin.read().splitlines()
assert lines
for line in lines:
    assert isinstance(json.loads(line), dict)
' <"$T/out" || true
done <<'COMMANDS'
tenant upgrade 8e41
tenant head
tenant head --dry-run
tenant downgrade -1
tenant downgrade -1 --dry-run
tenant current
tenant history
tenant history --graph
tenant heads
tenant branches
tenant show heads
tenant stamp head --all-tenants
tenant ensure-version --all-tenants
tenant status
tenant check
tenant log
tenant tenants
tenant wait
tenant repair --all-tenants
self-check
export folder
version
config
shared head
all status
tenant head --tenant nobody
nonsense
COMMANDS
cd ..

it "exports what it was built from, byte for byte"
run "$MIGRATE" export exported
expect_exit 0
(cd "$TOP/migrations" && find . -path '*/versions/*.sql' -o -name env.ini -o -name 'fingerprint.*' -o -name locks.txt | sort) >theirs
(cd exported && find . -type f | sort) >ours
expect cmp ours theirs
while read -r file; do expect cmp "exported/$file" "$TOP/migrations/$file"; done <ours

it "writes a manual page and settings without a flaw"
"$MIGRATE" help --man >ours.1
"$MIGRATE_GEN" help --man >gen.1
for page in ours.1 gen.1; do
    expect_equal "$(groff -man -Tutf8 -ww -z "$page" 2>&1)" ""
done
"$MIGRATE" help --configuration >configuration.md
expect_equal "$(grep -c '^### ' configuration.md)" "$("$MIGRATE" config --json | grep -o '"key": "[a-z_]*"' | sort -u | wc -l)"
"$MIGRATE_GEN" help --configuration | expect cmp - configuration.md

it "writes completion that bash understands"
"$MIGRATE" completion bash >bash.completion
expect bash -n bash.completion
# complete WORD…: what bash would offer for the last word.
complete_words() {
    bash -c 'source ./bash.completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _profile_migrate; echo "${COMPREPLY[*]}"' \
        bash "$NAME" "$@"
}
NAME=profile-migrate
expect_equal "$(complete_words te)" "tenant"
expect_equal "$(complete_words tenant up)" "upgrade"
expect_equal "$(complete_words tenant he)" "head heads"
expect_equal "$(complete_words tenant history --form)" "--format"
expect_equal "$(complete_words tenant history --format mer)" "mermaid"
expect_equal "$(complete_words tenant head --lock-t)" "--lock-timeout"
expect_equal "$(complete_words completion "")" "bash zsh fish"
expect_equal "$(complete_words help upg)" "upgrade"
expect_equal "$(complete_words tenant upgrade he)" "head heads"
expect_equal "$(complete_words tenant current "")" ""

it "says what is wrong with the environment"
run env PROFILE_MIGRATE_TENANT_JOBS=many "$MIGRATE" tenant status
expect_exit 2
expect_stderr_contains 'PROFILE_MIGRATE_TENANT_JOBS: jobs: "many"'
run env PROFILE_MIGRATE_SHARED_JBOS=4 "$MIGRATE" shared heads
expect_exit 0
expect_stderr_is 'warning: PROFILE_MIGRATE_SHARED_JBOS is no setting of this executable and is ignored'
run env -u SHARED_DATABASE_URL "$MIGRATE" tenant head
expect_exit 2
expect_stderr_contains 'SHARED_DATABASE_URL is not set, and url (shared/env.ini:'

it "fails when its answer cannot be written"
run bash -c '"$0" tenant history >/dev/full' "$MIGRATE"
expect_exit 1
expect_stderr_contains "cannot write the answer"
run bash -c '"$0" tenant history >&-' "$MIGRATE"
expect_exit 1
run bash -c '"$0" tenant history | true; exit "${PIPESTATUS[0]}"' "$MIGRATE"
expect_stderr_is ""

it "never takes a database for a closed stdout"
mkdir closed && cd closed
run bash -c 'exec "$0" shared head <&- >&- 2>&-' "$MIGRATE"
expect_exit 1
expect_equal "$(sqlite_sql shared.db 'SELECT version_num FROM alembic_version')" 2b84f6c0e91d
expect_equal "$(sqlite_sql shared.db 'PRAGMA integrity_check')" ok
cd ..

it "shows hostile ids without letting them speak to the terminal"
mkdir hostile && cd hostile
"$MIGRATE" shared head -q >/dev/null
sqlite_sql shared.db "INSERT INTO tenants (tenant_id, name, database_url) VALUES (char(27) || '[2J' || char(10) || 'x', 'x', 'sqlite:///no/such/folder/x.db')"
run "$MIGRATE" tenant head
expect_exit 1
expect_stderr_contains '\x1b[2J\x0ax'
expect_equal "$(tr -d '\n -~' <"$T/err" | wc -c)" 0
cd ..

# A project with a revision that takes its time, for the rest.
new_project slow
write_revision slow shared first1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text);
-- migrate:down
DROP TABLE tenants;
SQL
write_revision slow shared slow1 first1 <<'SQL'
-- migrate:up
CREATE TABLE sums AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000) SELECT sum(i) AS s FROM n;
-- migrate:down
DROP TABLE sums;
SQL
table_revision slow shared last1 slow1
table_revision slow tenant ten1 "" "Requires: shared@first1"
sed -i 's/postgresql, sqlite/sqlite/' slow/migrations/*/env.ini
build_project slow slow-migrate >/dev/null
SLOW=$T/slow/build/slow-migrate

# interrupt SIGNAL ARGUMENT…: starts $SLOW, sends the signal once the slow revision runs; leaves $STATUS and $ERR.
interrupt() {
    local signal=$1 pid
    shift
    rm -f shared.db* "$T/err"
    STATUS=0
    "$SLOW" "$@" >"$T/out" 2>"$T/err" &
    pid=$!
    eventually 10 grep -qs 'first1 -> slow1' "$T/err"
    kill "-$signal" "$pid"
    wait "$pid" || STATUS=$?
    ERR=$(cat "$T/err")
    RAN="$* ($signal)"
}

it "hides addresses from whoever reads the arguments of processes"
rm -f shared.db* "$T/err"
"$SLOW" shared head --url sqlite:///shared.db >"$T/out" 2>"$T/err" &
pid=$!
eventually 10 grep -qs 'first1 -> slow1' "$T/err"
expect_equal "$(tr '\0' ' ' </proc/$pid/cmdline)" "$SLOW shared head --url ******************* "
expect wait "$pid"

it "finishes the running revision after SIGTERM, begins no other, and says so"
interrupt TERM shared head
expect_exit 143
expect_equal "$(sqlite_sql shared.db 'SELECT version_num FROM alembic_version')" slow1
expect_stderr_contains "finishing what runs"
run "$SLOW" shared head
expect_exit 0

it "cancels it after the grace, or at a second signal"
interrupt INT shared head --grace 1ms
expect_exit 130
expect_equal "$(sqlite_sql shared.db 'SELECT version_num FROM alembic_version')" first1

it "does not begin tenants after a signal, nor the next stream of all"
interrupt TERM all head
expect_exit 143
expect_stdout_lacks "tenant:"

it "stops at its deadline with 4"
rm -f shared.db*
run "$SLOW" shared head --deadline 1ms
expect_exit 4
rm -f shared.db*
"$SLOW" shared first1 -q >/dev/null 2>&1
run "$SLOW" shared head --deadline 300ms --json
expect_exit 4
expect_stdout_contains '"failures": [{"tenant": null, "revision": "slow1", "fault": "deadline"'

it "waits for a revision that the registry lacks with 4"
rm -f shared.db*
"$SLOW" shared head -q >/dev/null 2>&1
sqlite_sql shared.db "INSERT INTO tenants VALUES ('acme', 'sqlite:///acme.db')"
"$SLOW" shared stamp base >/dev/null
run "$SLOW" tenant head
expect_exit 4
expect_stderr_contains "requires shared@first1"
run "$SLOW" shared stamp head
run "$SLOW" tenant head
expect_exit 0

it "writes a script that sqlite3 runs to the same schema and rows"
mkdir scripted && cd scripted
"$MIGRATE" shared head -q >/dev/null 2>&1
sqlite_sql shared.db "INSERT INTO tenants (tenant_id, name, database_url) VALUES ('acme', 'Acme', 'sqlite:///acme.db')"
"$MIGRATE" tenant head -q >/dev/null
run "$MIGRATE" tenant upgrade head --sql -x tenant_id=acme --dialect sqlite
expect_exit 0
expect sqlite3 -bail scripted.db ".read $T/out"
schema="SELECT type, name, sql FROM sqlite_schema WHERE tbl_name NOT IN ('migrate_log', 'alembic_version') ORDER BY 1, 2"
expect_equal "$(sqlite_sql scripted.db "$schema")" "$(sqlite_sql acme.db "$schema")"
expect_equal "$(sqlite_sql scripted.db 'SELECT * FROM alembic_version')" "$(sqlite_sql acme.db 'SELECT * FROM alembic_version')"
run "$MIGRATE" tenant downgrade head:base --sql --dialect sqlite -x tenant_id=acme
expect_exit 0
expect sqlite3 -bail scripted.db ".read $T/out"
expect_equal "$(sqlite_sql scripted.db "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")" 1
cd ..

if [[ ${SAN:-} != *thread* ]]; then # whose _exit() waits for stdout
    it "ends after a signal although nobody reads what it writes"
    mkdir unread && cd unread
    "$MIGRATE" shared head -q >/dev/null 2>&1
    sqlite_sql shared.db "INSERT INTO migrate_log (stream, revision, direction, state)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT 'shared', 'x', 'repair', 'done' FROM n"
    mkfifo pipe
    exec 5<>pipe
    timeout -s KILL 25 "$MIGRATE" shared log --grace 0s >pipe 2>/dev/null &
    pid=$!
    sleep 1
    kill -TERM "$pid"
    wait "$pid" && status=0 || status=$?
    expect_equal "$status" 143
    exec 5>&-
    cd ..
else
    echo "# left out under the thread sanitizer: a process that ends although nobody reads what it writes" >&2
fi
