#!/usr/bin/env bash
# What the generator refuses, what it lets pass, and the exact words: one file in tests/golden/{refused,accepted} each.
#
# A .case file is a migrations folder in one text, and what `migrate-gen check` says about it on stderr:
#
#     # What it is about.
#     ==== s/versions/a.sql
#     -- Revision: a1
#     ==== s/versions/b.sql %b
#     bytes that need escapes, as printf's %b reads them; no line end at the end
#     ==== expected
#     migrations/s/versions/a.sql:1:1: error: …
#
# Without an env.ini in the case there is s/env.ini with SQLite alone. A refused case has at least one error. After a
# change of messages, UPDATE=1 tests/integration/t_compile_refusals.sh writes them anew: read the difference.
source "$(dirname "$0")/lib.sh"
[[ -x $MIGRATE_GEN ]] || { echo "there is no $MIGRATE_GEN" >&2 && exit 1; } # or UPDATE=1 would write that down

# write_part PATH [%b]: what stdin says, into the folder of the case. The last line end of %b is the file format's.
write_part() {
    mkdir -p "$(dirname "$1")"
    if [[ ${2:-} == %b ]]; then printf '%b' "$(cat)" >"$1"; else cat >"$1"; fi
}

# unpack FILE: makes migrations/ and expected in the current folder.
unpack() {
    local line path="" format="" part=""
    mkdir migrations
    while IFS= read -r line; do
        if [[ $line == "==== "* ]]; then
            [[ -z $path ]] || printf '%s' "$part" | write_part "$path" "$format"
            read -r path format <<<"${line#==== }"
            # A path with a blank in it: the format is the last word only when it is %b.
            [[ $format == "" || $format == %b ]] || { path="$path $format" && format=""; }
            [[ $path == expected ]] || path=migrations/$path
            part=""
        elif [[ -n $path ]]; then
            part+=$line$'\n'
        fi
    done <"$1"
    [[ -z $path ]] || printf '%s' "$part" | write_part "$path" "$format"
    [[ -e expected ]] || : >expected
    compgen -G "migrations/*/env.ini" >/dev/null ||
        printf '[stream]\ndialects = sqlite\n' | write_part migrations/s/env.ini
}

update() {
    sed -i '/^==== expected$/,$d' "$1"
    [[ ! -s $T/err ]] || { echo "==== expected" && cat "$T/err"; } >>"$1"
}

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
        [[ -z ${UPDATE:-} ]] || { update "$file" && cp "$T/err" expected; }
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
