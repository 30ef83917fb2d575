#!/usr/bin/env bash
# What the generator refuses, what it lets pass, and the exact words: one file in tests/golden/{refused,accepted} each.
#
# tests/integration/cases.sh says what a .case file is; what is expected is stderr of `migrate-gen check`. A refused case has
# at least one error. After a change of messages, UPDATE=1 tests/integration/t_compile_refusals.sh writes them anew: read
# the difference.
source "$(dirname "$0")/lib.sh"
source "$TOP/tests/integration/cases.sh"
[[ -x $MIGRATE_GEN ]] || { echo "there is no $MIGRATE_GEN" >&2 && exit 1; } # or UPDATE=1 would write that down

# A tool that is not there must not be taken for one that says so, least of all by UPDATE.
[[ -x $MIGRATE_GEN ]] || { echo "there is no $MIGRATE_GEN" >&2 && exit 1; }
# Called by its name, as whoever installed it does: hints spell a command as the one that printed them was spelt.
PATH=$(dirname "$MIGRATE_GEN"):$PATH
for kind in refused accepted; do
    for file in "$TOP/tests/golden/$kind"/*.case; do
        name=$(basename "$file" .case)
        it "$kind: ${name//-/ }"
        mkdir "$T/$kind.$name"
        cd "$T/$kind.$name"
        unpack "$file"
        run migrate-gen check -q
        [[ -z ${UPDATE:-} ]] || { update "$file" "$T/err" && cp "$T/err" expected; }
        if [[ $kind == refused ]]; then
            expect_exit 1
            expect_stderr_contains "error: "
        else
            expect_exit 0
            expect_stderr_lacks "error: "
        fi
        expect_equal "$ERR" "$(cat expected)"
    done
done
cd "$T"

it "refuses a folder that is not there"
run "$MIGRATE_GEN" check --migrations nowhere
expect_exit 2
expect_stderr_is 'error: the migrations folder "nowhere" cannot be read: No such file or directory
hint: --migrations names it; the default is "migrations" in the current folder'

it "refuses a folder without a stream"
mkdir -p empty/docs
run "$MIGRATE_GEN" check --migrations empty
expect_exit 2
expect_stderr_is 'error: the migrations folder "empty" holds no stream
hint: a stream is a folder with an env.ini: "[stream]" and "dialects = postgresql, sqlite"'

it "refuses a revision file that cannot be read"
mkdir -p dangling/s/versions
printf '[stream]\n' >dangling/s/env.ini
ln -s nowhere dangling/s/versions/a.sql
mkfifo dangling/s/versions/b.sql
run "$MIGRATE_GEN" check -q --migrations dangling
expect_exit 1
expect_stderr_is 'dangling/s/versions/a.sql: error: cannot be read: No such file or directory
dangling/s/versions/b.sql: error: cannot be read: not a regular file'

it "refuses names with control characters and names that are no UTF-8"
mkdir -p names/s/versions
printf '[stream]\n' >names/s/env.ini
: >names/s/versions/$'a\tb.sql'
: >names/s/versions/$'caf\xe9.sql'
run "$MIGRATE_GEN" check -q --migrations names
expect_exit 1
expect_stderr_matches 'a.b\.sql: error: the name is no UTF-8 or holds a control character'
expect_equal "$(grep -c 'error: the name is no UTF-8' "$T/err")" 2

it "refuses more sections than a revision can have"
mkdir -p sections/s/versions
printf '[stream]\n' >sections/s/env.ini
{
    printf -- '-- Revision: a1\n-- Revises:\n-- Message: m\n\n'
    for ((i = 0; i < 130; i++)); do echo "-- migrate:up"; done
} >sections/s/versions/a.sql
run "$MIGRATE_GEN" check -q --migrations sections
expect_exit 1
expect_stderr_contains "sections/s/versions/a.sql:132:1: error: more than 127 sections"

it "shows forty findings of a file, and how many more there are"
mkdir -p many/s/versions
{
    echo "[stream]"
    for ((i = 0; i < 50; i++)); do echo "zzzz$i = 1"; done
} >many/s/env.ini
run "$MIGRATE_GEN" check --migrations many
expect_exit 1
expect_equal "$(grep -c 'error: unknown key' "$T/err")" 40
expect_stderr_contains "many/s/env.ini: and 10 more"
expect_stderr_contains "50 errors, 0 warnings"

it "gives findings as JSON, one a line, and a summary last"
cd "$T/refused.unknown-parent"
run "$MIGRATE_GEN" check --json
expect_exit 1
expect_stderr_is ""
expect_equal "$(head -n 1 <<<"$OUT")" '{"rule": "unknown-parent", "severity": "error", "path": "migrations/s/versions/b.sql", "line": 2, "column": 13, "message": "there is no revision \"3a9d4e10c2b9\"", "hint": "did you mean \"3a9d4e10c2b8\"?"}'
expect_equal "$(tail -n 1 <<<"$OUT")" '{"errors": 3, "warnings": 0, "streams": 1, "revisions": 4}'

it "shows paths as they are opened from the current folder"
cd migrations
for here in . ./ .// ././; do
    run "$MIGRATE_GEN" check -q --migrations "$here"
    expect_stderr_matches "(^|"$'\n'")s/versions/b.sql:2:13: error: "
done
cd "$T"
run "$MIGRATE_GEN" check -q --migrations "./refused.unknown-parent/migrations/"
expect_stderr_contains "refused.unknown-parent/migrations/s/versions/b.sql:2:13: error: "

it "spells the command that it advises as it was called itself"
ln -s "$MIGRATE_GEN" refused.multiple-heads/tool
cd refused.multiple-heads
run ./tool check -q
expect_stderr_contains 'join them with `./tool s merge -m "merge '
cd "$T"

it "writes nothing when there is an error"
run "$MIGRATE_GEN" compile -q --migrations refused.unknown-parent/migrations --output gen
expect_exit 1
expect_not test -e gen
